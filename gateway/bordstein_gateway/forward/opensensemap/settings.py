"""[forward.…] with kind = "opensensemap"."""

from typing import Annotated, Any

from msgspec import Meta, field

from ...config.address import in_the_clear, malformed
from ...config.files import no_secret
from ...config.types import DeviceId, HttpForward, Secret, Section, Url, like
from ...config.words import Rule, missing
from ...properties import TABLE
from ...texts import pick

MOST = 2500
"""Measurements a request; more are refused as a whole."""
_ANOTHER = ("user", "token_file", "oauth2")

Id = Annotated[str, like("[0-9a-f]{24}", "24 Hexadezimalziffern in Kleinschreibung", "24 lower-case hex digits")]


class Box(Section, kw_only=True):
    """[[forward.<name>.box]]: a board and the box that it fills. `access_token_file`: that of the box.

    `sensors`: series (air/pm10) or property (pm10) -> id of the box's sensor. `location`: send where the board is, too.
    """

    id: Id
    device: DeviceId
    access_token_file: Secret
    sensors: dict[str, Id]
    location: bool = False

    def sensor(self, series: str, property: str) -> str | None:
        """The id of the sensor for a series, by its own entry before its property's; None: it is not sent."""
        return self.sensors.get(series) or self.sensors.get(property)


class OpenSenseMap(HttpForward, kw_only=True, tag_field="kind", tag="opensensemap"):
    """`url` takes measurements, `api` shows them: there it is looked what had arrived after an unclear answer."""

    url: Url = "https://ingress.opensensemap.org"
    api: Url = "https://api.opensensemap.org"
    batch: Annotated[int, Meta(ge=1, le=MOST)] = 500
    newest_first: bool = True
    boxes: list[Box] = field(name="box", default_factory=list)

    def wants(self, device: str, series: str, property: str) -> bool:
        """What a box has a sensor for."""
        there = any(box.device == device and box.sensor(series, property) for box in self.boxes)
        return there and self.chooses(device, property)

    @property
    def secret_files(self) -> list[str]:
        """All files that hold a secret of this target."""
        return [*super().secret_files, *(box.access_token_file for box in self.boxes)]


def rules(forward: dict[str, Any]) -> Rule:
    """What is wrong beside what all HTTP targets have."""
    for key in _ANOTHER:
        if key in forward:
            yield (
                (key,),
                pick(
                    "openSenseMap lässt mit dem Token der Box ein: access_token_file in [[…box]] nennen",
                    "openSenseMap lets in by the box's token: name access_token_file in [[…box]]",
                ),
            )
    if isinstance(forward.get("url"), str):
        yield ("url",), in_the_clear(forward["url"])
    if isinstance(forward.get("api"), str):
        yield ("api",), malformed(forward["api"]) or in_the_clear(forward["api"])
    boxes = forward.get("box")
    if "box" not in forward or boxes == []:
        yield (), missing("box", pick("je Gerät eine Tabelle [[….box]]", "a table [[….box]] for each board"))
    if not isinstance(boxes, list):
        return
    seen: set[str] = set()
    for place, box in enumerate(boxes):
        if not isinstance(box, dict):
            continue
        yield ("box", place, "access_token_file"), no_secret(box.get("access_token_file"))
        device = box.get("device")
        if isinstance(device, str):
            if device in seen:
                yield ("box", place, "device"), pick("dieses Gerät hat schon eine Box", "this board has a box already")
            seen.add(device)
        sensors = box.get("sensors")
        for name in sensors if isinstance(sensors, dict) else {}:
            if "/" not in name and name not in TABLE:
                yield (
                    ("box", place, "sensors", name),
                    pick(
                        "weder eine Größe der Tabelle noch eine Reihe wie air/pm10",
                        "neither a property of the table nor a series like air/pm10",
                    ),
                )
