"""[input.…] with kind = "tts"."""

from ..settings import Filter, LoraInput


class TheThingsStack(LoraInput, kw_only=True, tag_field="kind", tag="tts"):
    """The Things Stack v3."""

    topic: Filter = "v3/+/devices/+/#"
