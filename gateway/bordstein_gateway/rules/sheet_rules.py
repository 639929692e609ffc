"""What is wrong in a rule sheet that no type can say. Each function takes the values as far as they were right."""

from typing import Any

from ..config.config import Config
from ..config.words import Rule


def sheet_rules(values: dict[str, Any], config: Config) -> Rule:
    """Between the keys of a sheet, and between it and gateway.toml."""
    yield from ()
