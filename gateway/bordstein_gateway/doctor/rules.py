"""What the doctor says of rule sheets: mistakes in them, and whether the rules keep up with the readings."""

from collections.abc import Iterator

from ..cli.common import Failed, open_store
from ..config.config import Config
from ..store import Store, StoreError
from ..store.sheets import newest_sheets
from ..texts import os_reason
from .finding import Finding, fine, note

_PLACE = "rules"
_LATE_S = 1800
"""A place is moved every few minutes; one that is older than this stands still."""


def sheets(config: Config) -> Iterator[Finding]:
    """Whether the sheets in the folder can come in force."""
    folder = config.rules_path
    try:
        files = sorted(folder.glob("*.toml"))
        wrong = [(file.name, count) for file in files if (count := _mistakes(file.read_bytes(), config, file.stem))]
    except OSError as error:
        yield note(
            f"{folder}: die Regelblätter sind nicht lesbar ({os_reason(error)}); es gelten die bisherigen.",
            f"{folder}: the rule sheets can't be read ({error.strerror}); those in force stay.",
        )
        return
    for name, count in wrong:
        mistakes = "mistake" if count == 1 else "mistakes"
        yield note(
            f"{folder / name}: {count} Fehler; es gilt die Fassung davor. bordstein-gateway rules check nennt sie.",
            f"{folder / name}: {count} {mistakes}; the version before is in force. See bordstein-gateway rules check.",
        )
    if files and not wrong:
        yield fine(
            f"{len(files)} Regelblätter in {folder} sind in Ordnung.",
            f"{len(files)} rule sheets in {folder} are in order.",
        )


def keeping_up(config: Config) -> Iterator[Finding]:
    """Whether the rules look at what comes in; nothing where there are none."""
    try:
        with open_store(config) as store:
            late = _late(store)
    except (Failed, StoreError, OSError):  # what is wrong with the store, others say
        return
    if late > _LATE_S:
        yield note(
            f"Die Regeln sind {late // 60} Minuten hinter den Messwerten: Vorgänge beginnen zu spät; das Log des "
            "Gateways sagt, warum.",
            f"The rules are {late // 60} minutes behind the readings: cases begin late; the gateway's log says why.",
        )


def _late(store: Store) -> int:
    """Seconds between what they have looked at and what is there."""
    newest = store.observed(store.newest_id())
    there = [place.next_id for place in store.places() if place.forwarder == _PLACE]
    if newest is None or not there or not any(one.text for one in newest_sheets(store).values()):
        return 0
    waiting = store.observed_by_id(there[0], newest.id, None, 1)
    return newest.received - waiting[0].received if waiting else 0


def _mistakes(content: bytes, config: Config, name: str) -> int:
    from ..rules.reading import read

    try:
        return len(read(content.decode(), config, name)[1])
    except UnicodeDecodeError:
        return 1
