"""Rules of [town], [desk.…] and [mail] that no type can say."""

from collections.abc import Iterator
from typing import Any

from ..texts import pick
from .address import malformed
from .broker import together
from .files import no_authority, no_secret
from .toml_lines import Path as KeyPath
from .words import is_here, shown, table

Problem = tuple[KeyPath, str]


def office_rules(values: dict[str, Any]) -> Iterator[Problem]:
    """What is wrong in the sections of the town's work."""
    zone = table(values, "town").get("timezone")
    if isinstance(zone, str) and not _is_zone(zone):
        yield (
            ("town", "timezone"),
            pick(
                f"{shown(zone)} ist keine Zeitzone der IANA, wie Europe/Berlin",
                f"{shown(zone)} is no time zone of the IANA, such as Europe/Berlin",
            ),
        )
    for name, desk in table(values, "desk").items():
        if isinstance(desk, dict):
            for key, said in _desk(desk):
                yield ("desk", name, *key), said
    for key, said in _mail(table(values, "mail")):
        yield ("mail", *key), said


def _is_zone(name: str) -> bool:
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(name)
    except (OSError, ValueError, KeyError):  # no such file, a folder of them, or no name at all
        return False
    return True


def _desk(desk: dict[str, Any]) -> Iterator[Problem]:
    from ..rules.calendar import BadTimes, parsed

    hours = desk.get("hours")
    for place, text in enumerate(hours if isinstance(hours, list) else []):
        if isinstance(text, str):
            try:
                parsed(text)
            except BadTimes as error:
                yield ("hours", place), str(error)
    if "webhook" in desk and "webhook_file" in desk:
        yield (
            ("webhook_file",),
            pick("entweder webhook oder webhook_file, nicht beides", "either webhook or webhook_file, not both"),
        )
    if isinstance(desk.get("webhook"), str):
        yield ("webhook",), malformed(desk["webhook"])
    yield ("webhook_file",), no_secret(desk.get("webhook_file"))


def _mail(mail: dict[str, Any]) -> Iterator[Problem]:
    yield from together(mail, "user", "password_file")
    yield ("password_file",), no_secret(mail.get("password_file"))
    yield ("ca",), no_authority(mail.get("ca"))
    if mail.get("tls") == "none":
        if "ca" in mail:
            yield ("ca",), pick('nützt nichts bei tls = "none"', 'has no use with tls = "none"')
        if "password_file" in mail and not is_here(mail.get("host")):
            yield ("tls",), pick("das Passwort ginge im Klartext durchs Netz", "the password would travel in the clear")
