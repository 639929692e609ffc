"""What gateway.toml may say of open data: [publish]."""

from typing import Annotated

from msgspec import Meta

from .types import DeviceId, PropertyName, Section, Text, Url, like

LICENCES = {
    "dl-de/zero-2-0": "http://dcat-ap.de/def/licenses/dl-zero-de/2.0",
    "dl-de/by-2-0": "http://dcat-ap.de/def/licenses/dl-by-de/2.0",
    "CC0-1.0": "http://dcat-ap.de/def/licenses/cc-zero",
    "CC-BY-4.0": "http://dcat-ap.de/def/licenses/cc-by/4.0",
}
"""Short names, and the URIs of DCAT-AP.de's vocabulary of licences."""
ATTRIBUTED = ("dl-de/by-2-0", "CC-BY-4.0", LICENCES["dl-de/by-2-0"], LICENCES["CC-BY-4.0"])
"""Licences that ask for the provider's name."""

LicenceName = Annotated[
    str,
    like(
        "|".join([*LICENCES, r"https?://[^\s\x00-\x1f\x7f\"<>]+"]),
        f"eines von {', '.join(LICENCES)} oder die URI einer Lizenz",
        f"one of {', '.join(LICENCES)}, or a licence's URI",
    ),
]
Series = Annotated[
    str,
    like(
        r"[A-Za-z0-9][A-Za-z0-9:./_-]*",
        "der Name einer Reihe, wie air/pm10",
        "the name of a series, as in air/pm10",
    ),
]
MunicipalityKey = Annotated[
    str,
    like(
        "[0-9]{8}",
        "der Amtliche Gemeindeschlüssel, 8 Ziffern",
        "the official municipality key (Amtlicher Gemeindeschlüssel), 8 digits",
    ),
]
Mail = Annotated[
    str,
    like(
        r"[^\s@<>\"\x00-\x1f\x7f]+@[^\s@<>\"\x00-\x1f\x7f]+",
        "eine E-Mail-Adresse",
        "an e-mail address",
    ),
]


class PublishProperty(Section, kw_only=True):
    """[publish.properties.<property>]: what is not said here is as in [publish]."""

    publish: bool | None = None
    licence: LicenceName | None = None


class PublishSeries(Section, kw_only=True):
    """[[publish.series]]: one series of a board, or without `series` all of them but its health."""

    device: DeviceId
    series: Series | None = None
    publish: bool | None = None
    licence: LicenceName | None = None


class Publish(Section, kw_only=True):
    """[publish]: what is open to everybody. `default`: all that nothing else is said of, but no board's health.

    `url`: the public address of these pages, as a proxy in front has it. `attribution`: the name that licences which
    ask for one want to read. `stale_after`: minutes after which a value is no longer called fresh. `publisher`,
    `homepage`, `contact`, `contributor_id`, `municipality_key`: for the catalogue (DCAT-AP.de).
    """

    default: bool = False
    licence: LicenceName = "dl-de/zero-2-0"
    attribution: Text | None = None
    stale_after: Annotated[int, Meta(ge=1, le=1_000_000)] = 120
    url: Url | None = None
    title: Text | None = None
    publisher: Text | None = None
    homepage: Url | None = None
    contact: Mail | None = None
    contributor_id: Url | None = None
    municipality_key: MunicipalityKey | None = None
    properties: dict[PropertyName, PublishProperty] = {}
    series: list[PublishSeries] = []
