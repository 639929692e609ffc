"""[forward.…] with kind = "camunda7"."""

from ..engine_settings import EngineForward
from ..engine_settings import rules as rules


class Camunda7(EngineForward, kw_only=True, tag_field="kind", tag="camunda7"):
    """`url` with the path of the REST API, as in https://host/engine-rest."""
