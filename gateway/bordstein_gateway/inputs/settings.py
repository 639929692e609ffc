"""What every [input.…] has, and the mapping of fields to series: [[input.<name>.map]]."""

from typing import Annotated

from msgspec import Meta, field

from ..boards.devices import eui64, is_device, organisation
from ..config.types import Section, Text, like

_LEVEL = r"(?:[^#+/\x00-\x1f\x7f]+|\+)"

Series = Annotated[
    str,
    like(
        r"[a-z][a-z0-9_]*(?:/[a-z][a-z0-9_]*)+",
        "der Name einer Reihe: Sensor und Größe, wie air/air_temperature",
        "the name of a series: sensor and property, as in air/air_temperature",
        **{"is": "series"},
    ),
]
Filter = Annotated[
    str,
    like(
        rf"{_LEVEL}(?:/{_LEVEL})*(?:/#)?",
        "ein Topic-Filter, wie application/+/device/+/event/+",
        "a topic filter, as in application/+/device/+/event/+",
    ),
]
DeviceTopic = Annotated[
    str,
    like(
        r"(?=[^+]*\+[^+]*\Z)" + rf"{_LEVEL}(?:/{_LEVEL})*",
        "ein Topic, in dem ein + für das Gerät steht, wie tele/+",
        "a topic with one + where the device's name stands, as in tele/+",
    ),
]


FieldPath = Annotated[
    str,
    like(
        r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]+",
        "der Weg zu einem Feld, in Anführungszeichen",
        "the path of a field, in quotes",
        **{"is": "path"},
    ),
]


class Mapped(Section, kw_only=True):
    """Where a field's value goes. `unit`: the source's (the table's when not given); before it, `factor` and `offset`
    are applied. `words`: what its texts, numbers or truth values mean. `absent`: the value of a field that is not
    there."""

    to: Series
    unit: Text | None = None
    factor: float = 1.0
    offset: float = 0.0
    words: dict[str, bool | float] = {}
    absent: bool | float | None = None


class Map(Section, kw_only=True):
    """[[input.<name>.map]]. `values`: path of a field to the series it becomes."""

    values: dict[FieldPath, Series | Mapped] = {}


class LoraMatch(Section, kw_only=True):
    """Which devices a map is for: all that is given has to be so. * stands for any signs."""

    application: Text | None = None
    profile: Text | None = None
    brand: Text | None = None
    model: Text | None = None
    device: Text | None = None
    port: Annotated[int, Meta(ge=0, le=255)] | None = None
    tags: dict[str, Text] = {}


class LoraMap(Map, kw_only=True):
    """A map for LoRaWAN devices."""

    match: LoraMatch = field(default_factory=LoraMatch)


class NamedMatch(Section, kw_only=True):
    """Which devices a map is for, by the name in their topic. * stands for any signs."""

    device: Text | None = None


class NamedMap(Map, kw_only=True):
    """A map for devices that have only a name in their topic."""

    match: NamedMatch = field(default_factory=NamedMatch)


class Input(Section, kw_only=True):
    """[input.<name>]: one system whose messages are taken in."""


class LoraInput(Input, kw_only=True):
    """A LoRaWAN network server. `topic`: where its messages come. The first `map` that matches counts."""

    topic: Filter = "#"
    map: list[LoraMap] = []


class NamedInput(Input, kw_only=True):
    """Devices that say no address of theirs. `topic`: with a + for the device's name. `devices`: that name to the MAC,
    or to another name; `enterprise`: the operator's IANA Private Enterprise Number, for those without a MAC (RFC 9039).
    """

    topic: DeviceTopic = "+"
    enterprise: Annotated[int, Meta(ge=1, le=4_294_967_295)] | None = None
    devices: dict[Text, Text] = {}
    map: list[NamedMap] = []

    def device_of(self, name: str) -> str | None:
        """The id of the device with this name in its topic; None: nothing says one."""
        given = self.devices.get(name, name)
        mac = eui64(given) if name in self.devices else None
        if mac is not None:
            return mac
        if self.enterprise is None:
            return None
        # What is longer than a device's id may be is nobody's that this gateway knows.
        return named if is_device(named := organisation(self.enterprise, given)) else None
