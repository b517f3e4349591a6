"""What a layout is judged by: overlaps, arrows through foreign vertices, crossings of the curves as they are drawn."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations

import numpy as np

from learningdiagrams.drawing.layout import Layout
from learningdiagrams.drawing.picture import Point
from learningdiagrams.drawing.routes import Rect, meets, sampled

__all__ = ["crossed", "curves_of", "distance", "foreign", "overlaps", "rectangles"]


def rectangles(found: Layout) -> list[Rect]:
    """The boxes of vertices, labels and badges."""
    labels = [arrow.label for arrow in found.arrows if arrow.label is not None]
    return [*(spot.box for spot in found.spots.values()), *labels, *(badge.box for badge in found.badges)]


def overlaps(found: Layout) -> int:
    """How many pairs of boxes overlap."""
    return sum(one.overlaps(two) for one, two in combinations(rectangles(found), 2))


def foreign(found: Layout) -> list[str]:
    """The arrows that run through a vertex that is not one of their ends."""
    wrong = []
    for arrow in found.arrows:
        ends = (arrow.edge.source, arrow.edge.target)
        if meets(arrow.points, [spot.box for key, spot in found.spots.items() if key not in ends]):
            wrong.append(arrow.edge.key)
    return wrong


def distance(point: Point, box: Rect) -> float:
    dx = max(abs(point[0] - box.x) - box.half_width, 0.0)
    dy = max(abs(point[1] - box.y) - box.half_height, 0.0)
    return math.hypot(dx, dy)


def curves_of(found: Layout) -> list[tuple[Point, ...]]:
    """The Bézier curves of all arrows and wires."""
    return [arrow.points for arrow in found.arrows]


def crossed(curves: Sequence[Sequence[Point]], each: int = 24) -> int:
    """How often curves cross, each pair of curves counted as often as it meets properly.

    Curves are Bézier curves of three points a segment; they are compared as polygons of `each` sides a segment, so
    that what touches at an end, or runs along, is no crossing.
    """
    lines = [np.array(sampled(curve, each)) for curve in curves]
    # Irrational shifts would hide a crossing in a corner less well than half-open segments count it once.
    boxes = [(line.min(axis=0), line.max(axis=0)) for line in lines]
    total = 0
    for (one, (low, high)), (two, (low2, high2)) in combinations(zip(lines, boxes, strict=True), 2):
        if (low <= high2).all() and (low2 <= high).all():
            total += _proper(one, two)
    return total


def _proper(one: np.ndarray, two: np.ndarray) -> int:
    """How often two polygons cross: the ends of each side strictly on the two sides of the other, or on it once."""

    def turns(starts: np.ndarray, ends: np.ndarray, points: np.ndarray) -> np.ndarray:
        (dx, dy), (x, y) = (ends - starts).T, starts.T
        return dx[:, None] * (points[None, :, 1] - y[:, None]) - dy[:, None] * (points[None, :, 0] - x[:, None])

    a, b = turns(one[:-1], one[1:], two) > 0, turns(two[:-1], two[1:], one) > 0
    return int(((a[:, :-1] != a[:, 1:]) & (b[:, :-1] != b[:, 1:]).T).sum())
