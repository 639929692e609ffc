"""Times and names as the town's systems want to have them."""

from datetime import UTC, datetime
from functools import lru_cache

from ..boards.devices import device_name


def zulu(milliseconds: int) -> str:
    """RFC 3339 in UTC with Z; milliseconds only where there are any."""
    seconds, rest = divmod(milliseconds, 1000)
    text = _second(seconds)
    return f"{text}.{rest:03d}Z" if rest else f"{text}Z"


@lru_cache(512)  # of a batch most readings share their seconds with others
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def milliseconds(text: str) -> int:
    """The reverse, for any offset; of an interval its begin. ValueError."""
    moment = datetime.fromisoformat(text.partition("/")[0])
    if moment.tzinfo is None:
        raise ValueError(f"{text} has no offset")
    return round(moment.timestamp() * 1000)


def urn(device: str) -> str:
    """The device's URN, RFC 9039."""
    return device_name(device)[:-1]
