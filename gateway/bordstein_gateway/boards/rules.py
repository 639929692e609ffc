"""What a board would say of a wanted configuration: the technicians' program knows, where it is installed, too."""

from typing import Any

LONGEST = 4096
"""Bytes of a configuration that a board takes."""


def mistakes(config: dict[str, Any]) -> list[str] | None:
    """A sentence each; None: the rules are not here, the board will say it."""
    try:
        from bordstein_tools.config import mistakes as config_mistakes
    except ImportError:
        return None
    return config_mistakes.wanted(config)
