"""[forward.…] with kind = "flowable"."""

from ..engine_settings import EngineForward
from ..engine_settings import rules as rules


class Flowable(EngineForward, kw_only=True, tag_field="kind", tag="flowable"):
    """`url` with the path of the REST API, as in https://host/flowable-rest/service."""
