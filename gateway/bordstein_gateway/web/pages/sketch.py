"""Stations as points on a plain ground, as SVG: for who has no script or no map tiles, and for print. Pure.

A shape for each state, so that nobody needs the colour. North is up; a degree of longitude is as long as it is there.
"""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from markupsafe import Markup, escape

WIDTH, HEIGHT = 720, 420
_EDGE = 28
_LEAST_M = 200.0
_DEGREE_M = 111_320.0
SHAPES = {
    "off": "M-5 -5L5 5M-5 5L5 -5",
    "ok": "M-5 0a5 5 0 1 0 10 0a5 5 0 1 0 -10 0z",
    "warning": "M0 -6.5L6.5 5.5L-6.5 5.5z",
    "silent": "M-5 -5H5V5H-5z",
    "case": "M0 -7.5L7.5 0L0 7.5L-7.5 0z",
}
"""Around (0, 0): cross, circle, triangle, square, diamond. The last ones are drawn on top."""


class Point(NamedTuple):
    """WGS 84 degrees. `kind`: one of SHAPES."""

    name: str
    kind: str
    latitude: float
    longitude: float


def shape(kind: str) -> Markup:
    """A state's sign alone, beside its name."""
    return Markup(  # noqa: S704  (the state's name is escaped)
        f'<svg class="sign state-{escape(kind)}" viewBox="-9 -9 18 18" width="18" height="18" aria-hidden="true">'
        f'<path d="{SHAPES.get(kind, SHAPES["ok"])}"/></svg>'
    )


def sketch(points: Sequence[Point], label: str) -> Markup:
    """An <svg> with all of them; empty without any. The most urgent lie on top."""
    if not points:
        return Markup("")
    south, north = _bounds(point.latitude for point in points)
    west, east = _bounds(point.longitude for point in points)
    across = math.cos(math.radians((south + north) / 2)) * _DEGREE_M
    wide, high = max((east - west) * across, _LEAST_M), max((north - south) * _DEGREE_M, _LEAST_M)
    scale = min((WIDTH - 2 * _EDGE) / wide, (HEIGHT - 2 * _EDGE) / high)  # px a metre
    middle = ((west + east) / 2, (south + north) / 2)
    parts = [f'<svg class="sketch" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(label)}">']
    bar, words = _bar(scale)
    for left in range(0, WIDTH, 60):
        parts.append(f'<line class="grid" x1="{left}" x2="{left}" y2="{HEIGHT}"/>')
    for top in range(0, HEIGHT, 60):
        parts.append(f'<line class="grid" y1="{top}" y2="{top}" x2="{WIDTH}"/>')
    order = list(SHAPES)
    for point in sorted(points, key=lambda one: order.index(one.kind) if one.kind in order else 0):
        across_px = WIDTH / 2 + (point.longitude - middle[0]) * across * scale
        down_px = HEIGHT / 2 - (point.latitude - middle[1]) * _DEGREE_M * scale
        parts.append(
            f'<path class="point state-{escape(point.kind)}" transform="translate({across_px:.1f} {down_px:.1f})" '
            f'd="{SHAPES.get(point.kind, SHAPES["ok"])}"><title>{escape(point.name)}</title></path>'
        )
    parts.append(
        f'<path class="scale" d="M{_EDGE} {HEIGHT - 20}v8h{bar:.1f}v-8"/>'
        f'<text x="{_EDGE + bar + 6:.1f}" y="{HEIGHT - 12}">{words}</text></svg>'
    )
    return Markup("".join(parts))  # noqa: S704  (texts were escaped above)


def _bounds(values: Iterable[float]) -> tuple[float, float]:
    some = list(values)
    return min(some), max(some)


def _bar(scale: float) -> tuple[float, str]:
    """(px, words) of a round length that is about a fifth of the width."""
    metres = WIDTH / 5 / scale
    power = 10.0 ** math.floor(math.log10(metres))
    length = next(factor * power for factor in (5, 2, 1) if factor * power <= metres)
    return length * scale, f"{length / 1000:g} km" if length >= 1000 else f"{length:g} m"
