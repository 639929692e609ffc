"""[forward.…] with kind = "sensor-community"."""

from typing import Annotated, Any

from msgspec import Meta, field

from ...config.types import DeviceId, HttpForward, Section, Url, like
from ...config.words import Rule, missing
from ...texts import pick
from .pins import VALUE_TYPES, Chip

Sensor = Annotated[
    str,
    like(
        "[A-Za-z0-9]+-[A-Za-z0-9]+",
        "die Kennung, wie sie dort angemeldet ist, wie esp32-24a160123456",
        "the id as it was registered there, as in esp32-24a160123456",
    ),
]


class Board(Section, kw_only=True):
    """[[forward.<name>.board]]: `sensor` is what sensor.community calls the board (X-Sensor).

    `chips`: a sensor's name in the board's configuration, as in dust/pm10, and which chip it is.
    """

    device: DeviceId
    sensor: Sensor
    chips: dict[str, Chip]


class SensorCommunity(HttpForward, kw_only=True, tag_field="kind", tag="sensor-community"):
    """`live`: minutes. What was measured longer ago is not sent: a value there has the time at which it arrives."""

    url: Url = "https://api.sensor.community/v1/push-sensor-data/"
    batch: Annotated[int, Meta(ge=1, le=10_000)] = 100
    newest_first: bool = True
    live: Annotated[int, Meta(ge=1, le=60)] = 5
    boards: list[Board] = field(name="board", default_factory=list)

    def wants(self, device: str, series: str, property: str) -> bool:
        """What a board has a chip for, as far as it is measured there."""
        sensor = series.rpartition("/")[0]
        there = property in VALUE_TYPES and any(b.device == device and sensor in b.chips for b in self.boards)
        return there and self.chooses(device, property)


def rules(forward: dict[str, Any]) -> Rule:
    """What is wrong beside what all HTTP targets have."""
    boards = forward.get("board")
    if "board" not in forward or boards == []:
        yield (), missing("board", pick("je Gerät eine Tabelle [[….board]]", "a table [[….board]] for each board"))
    if not isinstance(boards, list):
        return
    seen: set[str] = set()
    for place, board in enumerate(boards):
        device = board.get("device") if isinstance(board, dict) else None
        if isinstance(device, str):
            if device in seen:
                yield ("board", place, "device"), pick("dieses Gerät steht schon da", "this board is there already")
            seen.add(device)
