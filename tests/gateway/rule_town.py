"""A town with rule sheets, for the tests of rules at work."""

from pathlib import Path
from typing import Any

import msgspec

from bordstein_gateway.config import config

BIN_FULL = """\
name = "bin-full"
title = { de = "Papierkorb voll", en = "Litter bin full" }
why = "At four fifths it overflows before the next round."
owner = "depot"
deputy = "office"
legal_basis = "street cleaning by-law"
review = 2030-01-01

[signal.fill]
property = "fill_level"
max_age = "1d"

[condition]
fires = "fill >= 80"
clears = "fill < 60"

[[step]]
id = "empty"
title = "Empty the bin"
"""


def settings(folder: Path, **more: Any) -> config.Config:
    """With desks and this folder."""
    values = {
        "gateway": {"data": str(folder)},
        "mqtt": {"host": "localhost", "tls": False},
        "desk": {"depot": {"title": "Bauhof"}, "office": {"title": "Ordnungsamt"}},
        **more,
    }
    return msgspec.convert(values, config.Config)


def write(settings: config.Config, text: str = BIN_FULL, name: str = "bin-full") -> Path:
    """As an editor does it."""
    settings.rules_path.mkdir(parents=True, exist_ok=True)
    file = settings.rules_path / f"{name}.toml"
    file.write_text(text, encoding="utf-8")
    return file
