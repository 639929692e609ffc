"""The JSON-LD contexts that this gateway serves below /contexts, so that a broker need not fetch them elsewhere.

One for each data model; the number in a name changes when a term's meaning would. The folder beside has them.
"""

from collections.abc import Callable
from functools import cache
from importlib.resources import files

from .models import MODELS
from .settings import NgsiLd

_VERSION = "v1"


def name_of(type: str) -> str:
    """The file that has a type's terms."""
    return f"{MODELS[type].subject}-{_VERSION}.jsonld"


@cache
def documents() -> dict[str, bytes]:
    """Content by name."""
    folder = files(__package__).joinpath("context_files")
    return {name: folder.joinpath(name).read_bytes() for name in {name_of(type) for type in MODELS}}


def base_urls(settings: NgsiLd) -> Callable[[str], list[str]]:
    """What stands as @context in an entity of a type. Each broker adds the core context of its own version."""
    base = (settings.context_url or "").rstrip("/")
    return lambda type: settings.contexts or [f"{base}/{name_of(type)}"]
