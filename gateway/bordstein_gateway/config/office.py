"""Sections of gateway.toml for the town's work: town, desks, rule sheets, mail, the staff's pages and logins."""

from collections.abc import Mapping
from typing import Annotated, Literal

from msgspec import Meta

from .types import Duration, File, Host, Port, Secret, Section, Text, Url, like

Land = Literal["BW", "BY", "BE", "BB", "HB", "HH", "HE", "MV", "NI", "NW", "RP", "SL", "SN", "ST", "SH", "TH"]
"""ISO 3166-2:DE."""
Mail = Annotated[
    str,
    like(r"[^\s@<>,;]+@[^\s@<>,;]+", "eine E-Mail-Adresse, wie bauhof@musterstadt.de", "a mail address"),
]
Hours = Annotated[
    str,
    like(
        r"(?:[a-z]{3,7}(?:-[a-z]{3,7})?)(?:,[a-z]{3,7}(?:-[a-z]{3,7})?)* [0-2]\d:[0-5]\d-[0-2]\d:[0-5]\d",
        "Tage und Uhrzeiten, wie „mon-fri 07:00-16:00“",
        'days and times, as in "mon-fri 07:00-16:00"',
    ),
]
"""Days (mon tue wed thu fri sat sun holiday) and local times; past midnight where the second is not later."""
Role = Literal["administrator", "dispatcher", "worker", "reader"]


class Town(Section, kw_only=True):
    """[town]. `land`: whose public holidays count. `timezone`: IANA; local times of sheets and desks."""

    name: Text = "Musterstadt"
    land: Land | None = None
    timezone: Text = "Europe/Berlin"


class Desk(Section, kw_only=True):
    """[desk.<name>], German "Stelle": a role in the town hall that owns rules and gets work; people change, desks stay.

    `hours`: when somebody is there, else always; escalations in working time count these. `webhook_file`: the address
    in a file of its own.
    """

    title: Text
    title_en: Text | None = None
    mail: Mail | None = None
    webhook: Url | None = None
    webhook_file: Secret | None = None
    hours: list[Hours] = []


def desk_title(desks: Mapping[str, Desk], name: str, language: str) -> str:
    """A desk as people call it; its name where it is not configured (any more)."""
    desk = desks.get(name)
    if desk is None:
        return name
    return desk.title_en or desk.title if language == "en" else desk.title


class Rules(Section, kw_only=True):
    """[rules]. `folder`: of the rule sheets, <data>/rules when not given. `max_age`: a reading that is older when it
    arrives starts nothing."""

    folder: Text | None = None
    max_age: Duration = "2h"


class MailServer(Section, kw_only=True):
    """[mail]: the server that takes mail (SMTP, RFC 5321; submission, RFC 6409)."""

    host: Host
    port: Port = 587
    tls: Literal["starttls", "tls", "none"] = "starttls"
    user: Text | None = None
    password_file: Secret | None = None
    ca: File | None = None
    sender: Mail


class Tiles(Section, kw_only=True):
    """[pages.tiles]: map tiles, off until configured. `url`: with {z}, {x} and {y}."""

    url: Url
    attribution: Text
    max_zoom: Annotated[int, Meta(ge=1, le=22)] = 18


class OpenIdConnect(Section, kw_only=True):
    """[pages.oidc]: logins by OpenID Connect (Keycloak). `roles_claim`, `desks_claim`: where the token names them, with
    dots between levels; `roles`: what is named there -> role of the pages. `ca`: an authority to believe beside the
    system's."""

    issuer: Url
    client_id: Text
    client_secret_file: Secret
    label: Text = "Keycloak"
    scope: Text = "openid profile email"
    roles_claim: Text = "realm_access.roles"
    desks_claim: Text | None = None
    ca: File | None = None
    roles: dict[str, Role]


class Pages(Section, kw_only=True):
    """[pages]: the staff's pages at /app/. `url`: their address as people type it, for links in mails and logins by
    OpenID Connect. `session`: so long a login holds unused. `contact`: whom the accessibility statement names."""

    url: Url | None = None
    session: Duration = "12h"
    contact: Mail | None = None
    tiles: Tiles | None = None
    oidc: OpenIdConnect | None = None
