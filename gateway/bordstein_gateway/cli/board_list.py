"""`bordstein-gateway board list` and `board results`: which boards there are, and what they answered."""

import json
import time
from typing import Annotated, Any

import typer

from ..boards.devices import is_board
from ..boards.stations import Station, Stations
from ..config import config
from ..config.words import visible
from ..store import Device
from ..texts import language, pick
from ..web.pagetexts import TEXTS, clock, sleep
from .common import DEFAULT_CONFIG, ConfigOption, JsonOption, Limit, iso, misuse, open_store, show

DeviceArgument = Annotated[
    str, typer.Argument(metavar="DEVICE", help=pick("Das Gerät: 12 Hexadezimalziffern.", "The board: 12 hex digits."))
]


def checked(device: str) -> str:
    """A board's id from the command line; misuse if it is none."""
    if not is_board(device):
        misuse(
            f"„{device}“ ist kein Gerät: 12 Hexadezimalziffern in Kleinschreibung, wie 24a160123456",
            f'"{device}" is no board: 12 lower-case hex digits, as in 24a160123456',
            "DEVICE",
        )
    return device


def board_list(path: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    settings = config.load(path)
    with open_store(settings) as store:
        boards = store.devices()
        stations = Stations(settings.devices, store).all()
    row = _plain if as_json else _row
    heard = {board.device for board in boards}
    silent = [_never(name) for name, station in stations.items() if station.registered and name not in heard]
    show(
        [row(board, stations.get(board.device) or Station(board.device)) for board in boards + silent],
        as_json,
        pick("noch hat sich kein Gerät gemeldet", "no board has reported yet"),
    )


def _never(name: str) -> Device:
    """A board that is in the register and has not reported yet."""
    return Device(name, 0, 0, False, None, None, None, None, None, None, None, {}, None, overdue=False)


def _row(board: Device, station: Station) -> dict[str, Any]:
    seen = clock(iso(board.last_seen / 1000), language(), iso(time.time())) if board.last_seen else ""
    return {
        "device": board.device,
        "station": station.name or "",
        "asset": station.asset or "",
        "state": TEXTS[language()]["decommissioned"] if station.decommissioned else condition(board),
        "seen": seen,
        "version": board.version or "",
    }


def _plain(board: Device, station: Station) -> dict[str, Any]:
    return {
        "device": board.device,
        **{name: getattr(station, name) for name in ("name", "asset", "site", "decommissioned")},
        "state": board.state,
        "present": board.present,
        "wake": None if board.wake is None else iso(board.wake / 1000),
        "overdue": board.overdue,
        "last_seen": iso(board.last_seen / 1000) if board.last_seen else None,
        "version": board.version,
    }


def condition(board: Device) -> str:
    """A board's state, in the words of the start page."""
    text = TEXTS[language()]
    if board.wake is not None:
        return until(board.wake, overdue=board.overdue)
    if not board.first_seen:
        return text["silent"]
    if not board.present and board.state not in ("lost", "disconnected"):
        return text["away"]
    if board.state is None and not is_board(board.device):
        return text["reporting"]
    return text.get(board.state or "", text["unknown"])


def until(wake_ms: int, *, overdue: bool = False) -> str:
    """ "asleep until 14:30": local time."""
    return sleep(iso(wake_ms / 1000), language(), iso(time.time()), overdue=overdue)


def silent(seconds: int) -> str:
    """That no answer came."""
    return pick(
        f"keine Antwort in {seconds} s; sie wartet beim Broker, bis das Gerät da ist",
        f"no answer within {seconds} s; it waits at the broker until the board is there",
    )


def then(wake: int) -> str:
    """That a board which sleeps until `wake` (ms) gets what was sent then."""
    return pick(f"Das Gerät {until(wake)}; es bekommt das dann.", f"The board is {until(wake)}; it gets this then.")


def board_results(
    device: DeviceArgument, path: ConfigOption = DEFAULT_CONFIG, limit: Limit = 20, as_json: JsonOption = False
) -> None:
    settings = config.load(path)
    with open_store(settings) as store:
        found = store.command_results(checked(device), limit)
    rows = []
    for command, body, received in found:
        answer = json.loads(body)
        said = answer if as_json else answer_words(answer)
        rows.append({"id": command, "received": iso(received / 1000), "result": said})
    show(rows, as_json, pick("dieses Gerät hat noch nichts beantwortet", "this board has answered nothing yet"))


def answer_words(answer: dict[str, Any]) -> str:
    """A board's answer to a command; an error as it says it."""
    if not answer.get("ok"):
        return visible(str(answer.get("error")))
    found = answer.get("result")
    if found is None:
        return pick("erledigt", "done")
    if isinstance(found, dict) and isinstance(found.get("lines"), list):
        return "\n".join(visible(str(line)) for line in found["lines"])
    return visible(json.dumps(found, ensure_ascii=False))
