"""The functions and operators of $filter on single values. Pure.

Source: OGC 18-088 section 9.3.3.5 and OData 4.0 part 2 section 5.1.1.4; before, after, meets, during, overlaps, starts
and finishes are FROST-Server's. What does not fit a function's types, or has no value, gives None, as does a division
by zero. A comparison with None is false, but for eq and ne (OData 4.0 part 2 section 5.1.1.1).
"""

import math
import operator
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple


class Period(NamedTuple):
    """From `begin` to `end`, both included."""

    begin: datetime
    end: datetime


class Function(NamedTuple):
    """`least`, `most`: number of arguments. `spatial`: its arguments are geometries."""

    least: int
    most: int
    do: Callable[..., Any]
    spatial: bool = False


_NUMBERS = (int, float)
_MOMENTS = (datetime, Period)


def compare(sign: str, left: Any, right: Any) -> bool:
    """Two values by eq, ne, gt, ge, lt or le. Values of kinds that can't be compared differ.

    What is compared with a moment may be a day, which is its first moment in UTC, or text with a moment in it.
    """
    if isinstance(left, _MOMENTS) or isinstance(right, _MOMENTS):
        left, right = as_moment(left), as_moment(right)
    if isinstance(left, Period) != isinstance(right, Period) and isinstance(left or right, Period | datetime):
        return _with_period(sign, left, right)
    if sign in ("eq", "ne"):
        return bool(left == right) == (sign == "eq")
    if left is None or right is None:
        return False
    try:
        return bool(getattr(operator, sign)(left, right))
    except TypeError:
        return False


def _with_period(sign: str, left: Any, right: Any) -> bool:
    """A period is before a moment when all of it is."""
    if (
        left is None
        or right is None
        or not isinstance(left, Period | datetime)
        or not isinstance(right, Period | datetime)
    ):
        return sign == "ne"
    one, other = _period(left), _period(right)
    if sign in ("eq", "ne"):
        return (one == other) == (sign == "eq")
    if sign in ("lt", "le"):
        return bool(getattr(operator, sign)(one.end, other.begin))
    return bool(getattr(operator, sign)(one.begin, other.end))


def arithmetic(sign: str, left: Any, right: Any) -> Any:
    """add, sub, mul, div and mod of numbers; add and sub also of times and durations."""
    try:
        if sign in ("add", "sub") and isinstance(left, datetime | date | timedelta):
            if not isinstance(right, datetime | date | timedelta):
                return None
            return left + right if sign == "add" else left - right  # type: ignore[operator]
        if not isinstance(left, _NUMBERS) or not isinstance(right, _NUMBERS):
            return None
        if sign == "add":
            return left + right
        if sign == "sub":
            return left - right
        if sign == "mul":
            return left * right
        return left / right if sign == "div" else math.fmod(left, right)
    except (TypeError, ValueError, ArithmeticError):
        return None


def minus(value: Any) -> Any:
    """The negative of a number or duration."""
    return -value if isinstance(value, int | float | timedelta) else None


def call(function: Function, arguments: list[Any]) -> Any:
    """The function's value; None when an argument is none or does not fit."""
    if any(argument is None for argument in arguments):
        return None
    try:
        return function.do(*arguments)
    except (TypeError, ValueError, ArithmeticError, AttributeError):
        return None


def _text(do: Callable[..., Any]) -> Callable[..., Any]:
    """For texts only."""

    def checked(*arguments: Any) -> Any:
        return do(*arguments) if all(isinstance(argument, str) for argument in arguments) else None

    return checked


def _substring(text: str, start: int, length: int | None = None) -> str:
    start = max(start, 0)
    return text[start:] if length is None else text[start : start + max(length, 0)]


def _round(value: float) -> float:
    return math.floor(abs(value) + 0.5) * (1 if value >= 0 else -1)


def _offset(moment: datetime) -> int:
    return int((moment.utcoffset() or timedelta()).total_seconds() // 60)


def _part(name: str) -> Callable[..., Any]:
    return lambda moment: getattr(moment.begin if isinstance(moment, Period) else moment, name)


def _period(value: Any) -> Period:
    if isinstance(value, Period):
        return value
    if isinstance(value, datetime):
        return Period(value, value)
    raise TypeError(value)


def _temporal(do: Callable[[Period, Period], bool]) -> Function:
    return Function(2, 2, lambda one, other: do(_period(as_moment(one)), _period(as_moment(other))))


def _spatial(do: Callable[..., Any], arguments: int = 2) -> Function:
    """None for geometries that GEOS can't judge, as polygons that cross themselves."""

    def judged(*shapes: Any) -> Any:
        import shapely

        try:
            return do(*shapes)
        except shapely.errors.ShapelyError:
            return None

    return Function(arguments, arguments, judged, spatial=True)


def _relate(one: Any, other: Any, pattern: str) -> bool:
    import shapely

    return bool(shapely.relate_pattern(one, other, pattern))


FUNCTIONS = {
    "substringof": Function(2, 2, _text(lambda part, text: part in text)),
    "contains": Function(2, 2, _text(lambda text, part: part in text)),
    "startswith": Function(2, 2, _text(str.startswith)),
    "endswith": Function(2, 2, _text(str.endswith)),
    "indexof": Function(2, 2, _text(str.find)),
    "concat": Function(2, 2, _text(operator.add)),
    "length": Function(1, 1, _text(len)),
    "tolower": Function(1, 1, _text(str.lower)),
    "toupper": Function(1, 1, _text(str.upper)),
    "trim": Function(1, 1, _text(str.strip)),
    "substring": Function(2, 3, _substring),
    "round": Function(1, 1, _round),
    "floor": Function(1, 1, math.floor),
    "ceiling": Function(1, 1, math.ceil),
    **{name: Function(1, 1, _part(name)) for name in ("year", "month", "day", "hour", "minute", "second")},
    "fractionalseconds": Function(1, 1, lambda moment: moment.microsecond / 1e6),
    "date": Function(1, 1, datetime.date),
    "time": Function(1, 1, datetime.time),
    "totaloffsetminutes": Function(1, 1, _offset),
    "now": Function(0, 0, lambda: datetime.now(UTC)),
    "mindatetime": Function(0, 0, lambda: datetime.min.replace(tzinfo=UTC)),
    "maxdatetime": Function(0, 0, lambda: datetime.max.replace(tzinfo=UTC)),
    "before": _temporal(lambda one, other: one.end < other.begin),
    "after": _temporal(lambda one, other: one.begin > other.end),
    "meets": _temporal(lambda one, other: one.end == other.begin or other.end == one.begin),
    "during": _temporal(lambda one, other: other.begin <= one.begin and one.end <= other.end),
    "overlaps": _temporal(lambda one, other: one.begin <= other.end and other.begin <= one.end),
    "starts": _temporal(lambda one, other: one.begin == other.begin),
    "finishes": _temporal(lambda one, other: one.end == other.end),
    # In the unit of the coordinates, which are degrees (OData 4.0 part 2 section 5.1.1.4.13).
    "geo.distance": _spatial(lambda one, other: one.distance(other)),
    "geo.length": _spatial(lambda line: line.length, 1),
    "geo.intersects": _spatial(lambda one, other: one.intersects(other)),
    **{
        f"st_{name}": _spatial(lambda one, other, name=name: getattr(one, name)(other))
        for name in ("equals", "disjoint", "touches", "within", "overlaps", "crosses", "intersects", "contains")
    },
    "st_relate": _spatial(_relate, 3),
}


def as_time(text: str) -> datetime:
    """A literal's moment; without seconds or with a + that became a space, too. ValueError."""
    return datetime.fromisoformat(text.replace(" ", "+"))


def as_moment(value: Any) -> Any:
    """What stands for a moment as one; anything else as it is."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    if isinstance(value, str):
        try:
            moment = as_time(value)
        except ValueError:
            return value
        return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return value


def as_clock(text: str) -> time:
    """A literal's time of day. ValueError."""
    return time.fromisoformat(text)
