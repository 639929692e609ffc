"""[input.…] with kind = "tasmota"."""

from ...config.types import Text
from ..settings import DeviceTopic, NamedInput


class Tasmota(NamedInput, kw_only=True, tag_field="kind", tag="tasmota"):
    """Tasmota's telemetry. `topic`: what stands before SENSOR, STATE and LWT, + for the device's name. `timezone`: of
    the devices' clocks, an IANA name; without it the time of arrival counts."""

    topic: DeviceTopic = "tele/+"
    timezone: Text | None = None
