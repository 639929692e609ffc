"""[input.…] with kind = "chirpstack"."""

from ..settings import Filter, LoraInput


class ChirpStack(LoraInput, kw_only=True, tag_field="kind", tag="chirpstack"):
    """ChirpStack v4, its MQTT integration in JSON."""

    topic: Filter = "application/+/device/+/event/+"
