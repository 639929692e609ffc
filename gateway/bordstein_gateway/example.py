"""The commented example of gateway.toml: its head, and the sample that each kind of target has beside it."""

from importlib.resources import files

from .config import AnyForward
from .config_types import folder_of


def text() -> str:
    """All options there are, with their defaults."""
    package = files(__package__)
    head = package.joinpath("gateway.example.toml").read_text(encoding="utf-8")
    folders = [package.joinpath("forward", folder_of(kind)) for kind in AnyForward.__args__]
    samples = [folder.joinpath("sample.toml").read_text(encoding="utf-8") for folder in folders]
    return "\n".join([head, *samples])
