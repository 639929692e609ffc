"""Where the parts of a made procedure lie: from left to right, a column for each, a band for each lane.

Only orthogonal lines; each column has one part in the upper row of its lane, so that lines between lanes run in the
gaps between columns. Ways round a part run above it, ways of an error below it.
"""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

LEFT, TOP, TITLE = 160, 80, 30
"""Of the pool; its title and each lane's take TITLE."""
COLUMN, LANE = 170, 250
ROW, LOW, HIGH = 95, 190, 25
"""From a lane's top: the middle of its parts; of what hangs below them; ways round parts."""
SIZES = {"task": (120, 80), "gateway": (50, 50), "event": (36, 36)}
Shape = Literal["task", "gateway", "event"]
Way = Literal["straight", "over", "under", "down"]


class Point(NamedTuple):
    """In the diagram's pixels."""

    x: int
    y: int


@dataclass
class Node:
    """A part. `hangs_on`: a boundary event's task, at its left or right; `below`: an end that lies under that event."""

    id: str
    shape: Shape
    lane: str
    column: int = 0
    hangs_on: str | None = None
    right: bool = False
    below: str | None = None
    x: int = 0
    y: int = 0

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return SIZES[self.shape]


@dataclass
class Edge:
    """A sequence flow and the way its line takes."""

    id: str
    source: str
    target: str
    way: Way = "straight"
    points: list[Point] = field(default_factory=list)


class Layout(NamedTuple):
    """Bounds are x, y, width, height."""

    nodes: dict[str, Node]
    edges: list[Edge]
    pool: tuple[int, int, int, int]
    lanes: dict[str, tuple[int, int, int, int]]


def layout(nodes: list[Node], edges: list[Edge], lanes: list[str]) -> Layout:
    """Give all nodes and edges their places. Boundary events and what hangs below them come after their tasks."""
    tops = {lane: TOP + place * LANE for place, lane in enumerate(lanes)}
    known: dict[str, Node] = {}
    for node in nodes:
        width, height = node.size
        if node.hangs_on is not None:
            task = known[node.hangs_on]
            node.x = task.x + (SIZES["task"][0] - width if node.right else 0)
            node.y = task.y + SIZES["task"][1] - height // 2
        elif node.below is not None:
            above = known[node.below]
            node.x = above.x
            low = LOW if node.lane == above.lane else ROW
            node.y = tops[node.lane] + low - height // 2
        else:
            node.x = LEFT + 2 * TITLE + 80 + node.column * COLUMN - width // 2
            node.y = tops[node.lane] + ROW - height // 2
        known[node.id] = node
    for edge in edges:
        edge.points = _points(known[edge.source], known[edge.target], edge.way, tops)
    right = max(node.x + node.size[0] for node in nodes) + 60
    pool = (LEFT, TOP, right - LEFT, LANE * len(lanes))
    bands = {lane: (LEFT + TITLE, tops[lane], right - LEFT - TITLE, LANE) for lane in lanes}
    return Layout(known, edges, pool, bands)


def _points(source: Node, target: Node, way: Way, tops: dict[str, int]) -> list[Point]:
    (wide, high), (to_wide, to_high) = source.size, target.size
    from_x, from_y = source.x + wide // 2, source.y + high // 2
    to_x, to_y = target.x + to_wide // 2, target.y + to_high // 2
    if way == "down":
        return [Point(from_x, source.y + high), Point(from_x, target.y)]
    if way == "over":
        over = tops[source.lane] + HIGH
        return [Point(from_x, source.y), Point(from_x, over), Point(to_x, over), Point(to_x, target.y)]
    if way == "under":
        under = tops[source.lane] + LOW
        return [
            Point(from_x, source.y + high),
            Point(from_x, under),
            Point(to_x, under),
            Point(to_x, target.y + to_high),
        ]
    start, end = Point(source.x + wide, from_y), Point(target.x, to_y)
    if start.y == end.y:
        return [start, end]
    middle = (start.x + end.x) // 2
    return [start, Point(middle, start.y), Point(middle, end.y), end]
