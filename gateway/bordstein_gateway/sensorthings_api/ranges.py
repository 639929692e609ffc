"""What of the readings is wanted, in terms of the store's indexes: series, bounds of time and of id. Pure."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from .functions import as_moment
from .view import Observation

LARGEST = 2**62
TIMES = (("phenomenonTime",), ("resultTime",))
IDENTITY = (("id",), ("@iot.id",))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TURNED = {"gt": "lt", "ge": "le", "lt": "gt", "le": "ge", "eq": "eq"}


class Range(NamedTuple):
    """Readings of some series with from_ms <= time < to_ms and first <= id <= last that meet a condition."""

    series: frozenset[int]
    from_ms: int = 0
    to_ms: int = LARGEST
    first: int = 0
    last: int = LARGEST
    condition: Callable[[Observation], bool] | None = None

    @property
    def timed(self) -> bool:
        """Whether it has a bound of time."""
        return self.from_ms > 0 or self.to_ms < LARGEST

    @property
    def numbered(self) -> bool:
        """Whether it has a bound of id."""
        return self.first > 0 or self.last < LARGEST


def bounded(wanted: Range, tree: Any) -> Range | None:
    """The range within a condition that is a bound of time or id; None: it is none."""
    if tree.data != "compare":
        return None
    left, sign, right = tree.children
    sign = str(sign)
    if left.data == "literal":
        left, sign, right = right, _TURNED.get(sign, "ne"), left
    if left.data != "path" or right.data != "literal" or sign == "ne":
        return None
    path, token = tuple(str(name) for name in left.children), right.children[0]
    if path in TIMES and token.type in ("DATETIME", "DATE", "STRING"):
        moment = as_moment(str(token).strip("'"))
        if not isinstance(moment, datetime):
            return None  # it is said where literals are
        microseconds = (moment - _EPOCH) // timedelta(microseconds=1)
        up, down = -(-microseconds // 1000), microseconds // 1000
        low = {"ge": up, "eq": up, "gt": down + 1}.get(sign, 0)
        high = {"lt": up, "le": down + 1, "eq": down + 1}.get(sign, LARGEST)
        return wanted._replace(from_ms=max(wanted.from_ms, low), to_ms=min(wanted.to_ms, high))
    if path in IDENTITY and token.type == "NUMBER" and str(token).isdecimal():
        number = min(int(token), LARGEST)
        low = {"ge": number, "eq": number, "gt": number + 1}.get(sign, 0)
        high = {"lt": number - 1, "le": number, "eq": number}.get(sign, LARGEST)
        return wanted._replace(first=max(wanted.first, low), last=min(wanted.last, high))
    return None
