"""The commented example of gateway.toml: its head, and the sample that each kind of input and target has beside it."""

from importlib.resources import files

from .config import AnyForward, AnyInput
from .types import folder_of


def text() -> str:
    """All options there are, with their defaults."""
    package = files("bordstein_gateway")
    head = package.joinpath("gateway.example.toml").read_text(encoding="utf-8")
    parts = [f"forward/{folder_of(kind)}/sample.toml" for kind in AnyForward.__args__]
    parts.append("inputs/options.toml")
    parts += [f"inputs/{folder_of(kind)}/sample.toml" for kind in AnyInput.__args__]
    return "\n".join([head, *(package.joinpath(part).read_text(encoding="utf-8") for part in parts)])
