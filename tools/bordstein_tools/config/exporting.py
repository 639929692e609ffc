"""A board's configuration as one file: to keep it, and for the board that replaces a broken one. No key is in it."""

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..keys import keyfiles
from ..texts import Problem
from . import configuring

if TYPE_CHECKING:
    from ..board.cable import Cable

SUFFIX = ".bordstein.json"
_FORMAT = 1


class Export(NamedTuple):
    """What stands in such a file. board: its kind, "" where the configuration does not say. software: None: none.

    time: when it was made, ISO 8601. secrets: are they in config, or hidden?
    """

    device: str
    board: str
    software: str | None
    time: str
    secrets: bool
    config: dict[str, Any]


def made(cable: "Cable", with_secrets: bool) -> Export:
    """From the board on the cable. Problem: it has no configuration."""
    facts = cable.facts()
    config = configuring.raw(cable)
    if config is None:
        raise none_there()
    return Export(
        device=str(facts["device"]),
        board=str(config.get("board", "")),
        software=facts["software"],
        time=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        secrets=with_secrets,
        config=config if with_secrets else configuring.without_secrets(config),
    )


def none_there() -> Problem:
    """For verbs that need the board's configuration."""
    return Problem(
        "Auf dem Gerät ist keine Konfiguration; „bordstein setup“ oder „bordstein configure apply“ bringt sie auf.",
        'there is no configuration on the board; "bordstein setup" or "bordstein configure apply" puts it on.',
    )


def write(path: Path, export: Export) -> None:
    """A new file; readable for its owner only when secrets are in it. Problem: it is there already, not writable."""
    content = configuring.as_file({"bordstein": _FORMAT, **export._asdict()})
    if path.exists():
        raise Problem(
            f"{path} gibt es schon und wird nicht überschrieben; mit --out einen anderen Namen angeben.",
            f"{path} is there and will not be overwritten; give another name with --out.",
        )
    mode = keyfiles.PRIVATE if export.secrets else keyfiles.PUBLIC
    keyfiles.write_new(path.parent, {path.name: (content, mode)})


def read(path: Path) -> Export:
    """Problem: it is no such file."""
    content = keyfiles.read(path, "Die Datei", "the file")
    try:
        found = json.loads(content)
        if found.pop("bordstein") == _FORMAT and isinstance(found["config"], dict):
            return Export(**found)
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
        pass
    raise Problem(
        f"{path} ist keine Datei, die „bordstein configure export“ geschrieben hat; eine config.json nimmt „bordstein "
        "configure apply“.",
        f'{path} is no file that "bordstein configure export" has written; a config.json is for "bordstein configure '
        'apply".',
    )


def check_device(export: Export, device: str, as_new: bool) -> None:
    """Problem: it is another board's, and nobody said that this one is to replace it."""
    if device != export.device and not as_new:
        raise Problem(
            f"Die Datei ist von Gerät {export.device}, angeschlossen ist {device}. Soll es das andere ersetzen: mit "
            "--as-new noch einmal. Nichts wurde geändert.",
            f"the file is from device {export.device}, the one on the cable is {device}. If it is to replace the "
            "other: once more with --as-new. Nothing was changed.",
        )
