"""[input.…] with kind = "esphome"."""

from ..settings import DeviceTopic, NamedInput


class EspHome(NamedInput, kw_only=True, tag_field="kind", tag="esphome"):
    """ESPHome's states. `topic`: the nodes' topic_prefix, + for the node's name."""

    topic: DeviceTopic = "+"
