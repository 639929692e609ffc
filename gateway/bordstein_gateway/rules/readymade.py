"""The rule sheets that come with the gateway, for a town to begin with: ready/*.toml."""

import re
from importlib.resources import files

_FOLDER = files("bordstein_gateway") / "rules" / "ready"


def names() -> list[str]:
    """What there is, in order."""
    return sorted(entry.name.removesuffix(".toml") for entry in _FOLDER.iterdir() if entry.name.endswith(".toml"))


def text(name: str, called: str | None = None) -> str:
    """A sheet as its file; `called`: with this name instead. KeyError."""
    if name not in names():
        raise KeyError(name)
    found = (_FOLDER / f"{name}.toml").read_text(encoding="utf-8")
    return found if called is None else re.sub(r'^name = ".*"$', f'name = "{called}"', found, count=1, flags=re.M)
