"""All mistakes of a configuration, a sentence each, in the user's language."""

from typing import Any

from .. import boards
from ..keys import names
from ..texts import pick
from . import firmware_rules
from . import german as config_german


def problems(config: Any) -> list[str]:
    """What the board would say, and what only the tool can know: whether there is such a board, and its pins."""
    name = config.get("board") if isinstance(config, dict) else None
    board = boards.known().get(name) if isinstance(name, str) else None
    found = [_for_people(line, config) for line in firmware_rules.check(config, board["pins"] if board else None)]
    if isinstance(name, str) and name and board is None:
        known = ", ".join(boards.known())
        found.insert(
            0,
            pick(
                f"board: „{name}“ ist nicht bekannt; möglich sind {known}; ohne ist kein Pin geprüft",
                f'board: "{name}" is not known; allowed are {known}; without it no pin is checked',
            ),
        )
    return found


def wanted(config: dict[str, Any]) -> list[str]:
    """The same for a configuration that is sent to a board, which has its own Wi-Fi passwords, keys and broker."""
    return problems(firmware_rules.completed(config))


def _for_people(line: str, config: Any) -> str:
    """The board's sentence in the user's language; for a broker's name with umlauts also what to write instead."""
    path, _, _ = line.partition(": ")
    line = config_german.readable(pick(config_german.german(line), line))
    mqtt = config.get("mqtt") if path == "mqtt.host" else None
    host = mqtt.get("host") if isinstance(mqtt, dict) else None
    plain = names.without_umlauts(host) if isinstance(host, str) else None
    if plain is None:
        return line
    return line + pick(f"; ohne Umlaute heißt er {plain}", f"; in plain letters it is {plain}")
