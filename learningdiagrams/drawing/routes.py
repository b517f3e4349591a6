"""The curves of arrows: from vertex to vertex, bent apart where they are parallel, round what stands in their way."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from learningdiagrams.drawing.graph import Edge, Graph
from learningdiagrams.drawing.layers import Columns
from learningdiagrams.drawing.picture import Point, line
from learningdiagrams.drawing.places import BUNDLE, size
from learningdiagrams.drawing.tangles import Tangle, polygon

__all__ = ["Rect", "clipped", "meets", "routes", "sampled", "spaced"]

MARGIN: Final = 3.0
"""Between an arrow's end and the box that it leaves or meets."""
BENDS: Final = (26.0, 44.0, 70.0, 100.0, 140.0, 190.0, 260.0, 350.0)
SAMPLES: Final = 20
ENDS: Final = (("slant", "slant"), ("level", "level"), ("slant", "steep"), ("steep", "slant"), ("steep", "steep"))
TRIES: Final = 600
"""How many curves are tried in all to remove crossings."""


@dataclass(frozen=True)
class Rect:
    """A box around a centre, with half its width and height."""

    x: float
    y: float
    half_width: float
    half_height: float

    def holds(self, point: Point, margin: float = 0.0) -> bool:
        return abs(point[0] - self.x) < self.half_width + margin and abs(point[1] - self.y) < self.half_height + margin

    def overlaps(self, other: Rect, margin: float = 0.0) -> bool:
        return (
            abs(self.x - other.x) < self.half_width + other.half_width + margin
            and abs(self.y - other.y) < self.half_height + other.half_height + margin
        )


def at(points: Sequence[Point], t: float) -> Point:
    """The point of a curve at t, which runs from 0 to its number of segments."""
    i = min(int(t), (len(points) - 1) // 3 - 1)
    u = t - i
    a, b, c, d = points[3 * i : 3 * i + 4]
    w = ((1 - u) ** 3, 3 * u * (1 - u) ** 2, 3 * u * u * (1 - u), u**3)
    return (
        w[0] * a[0] + w[1] * b[0] + w[2] * c[0] + w[3] * d[0],
        w[0] * a[1] + w[1] * b[1] + w[2] * c[1] + w[3] * d[1],
    )


def sampled(points: Sequence[Point], each: int = SAMPLES) -> list[Point]:
    """Points along a curve."""
    return _points(polygon(points, each))


def spaced(points: Sequence[Point], step: float = 5.0) -> list[Point]:
    """Points along a curve, about a step apart."""
    found = [points[0]]
    for i in range(0, len(points) - 1, 3):
        segment = points[i : i + 4]
        count = max(2, math.ceil(_length(segment) / step))
        found += _points(polygon(segment, count)[1:])
    return found


def _points(rows: np.ndarray) -> list[Point]:
    return [(x, y) for x, y in rows.tolist()]


def meets(points: Sequence[Point], rects: Sequence[Rect], margin: float = 0.0) -> int:
    """How many of these boxes a curve passes through."""
    return _passed(points, corners(rects), margin)


def corners(rects: Sequence[Rect]) -> np.ndarray:
    """The left, top, right and bottom of boxes, one in each row."""
    sides = [(r.x - r.half_width, r.y - r.half_height, r.x + r.half_width, r.y + r.half_height) for r in rects]
    return np.array(sides, dtype=float).reshape(-1, 4)


def _passed(points: Sequence[Point], boxes: np.ndarray, margin: float) -> int:
    # A curve lies within the box around its control points.
    xs, ys = [p[0] for p in points], [p[1] for p in points]
    near = boxes[
        (boxes[:, 2] > min(xs) - margin)
        & (boxes[:, 0] < max(xs) + margin)
        & (boxes[:, 3] > min(ys) - margin)
        & (boxes[:, 1] < max(ys) + margin)
    ]
    if not len(near):
        return 0
    longest = max(_length(points[i : i + 4]) for i in range(0, len(points) - 1, 3))
    along = polygon(points, max(2, math.ceil(longest / 4.0)))
    x, y = along[:, 0, None], along[:, 1, None]
    left, top, right, bottom = near.T
    inside = (x > left - margin) & (x < right + margin) & (y > top - margin) & (y < bottom + margin)
    return int(np.count_nonzero(inside.any(axis=0)))


def _length(segment: Sequence[Point]) -> float:
    """A bound for the length of a segment: that of its control polygon."""
    return sum(math.dist(p, q) for p, q in itertools.pairwise(segment))


def _split(segment: Sequence[Point], u: float) -> tuple[tuple[Point, ...], tuple[Point, ...]]:
    """A segment cut in two at u (de Casteljau)."""
    a, b, c, d = segment

    def mix(p: Point, q: Point) -> Point:
        return (p[0] + (q[0] - p[0]) * u, p[1] + (q[1] - p[1]) * u)

    ab, bc, cd = mix(a, b), mix(b, c), mix(c, d)
    abc, bcd = mix(ab, bc), mix(bc, cd)
    middle = mix(abc, bcd)
    return (a, ab, abc, middle), (middle, bcd, cd, d)


def clipped(points: Sequence[Point], start: Rect, end: Rect) -> tuple[Point, ...]:
    """A curve between two centres, cut where it leaves the first box and where it meets the second."""
    return _cut(tuple(reversed(_cut(tuple(reversed(points)), end))), start)


def _cut(points: tuple[Point, ...], start: Rect) -> tuple[Point, ...]:
    """A curve without the part that runs in the box around its start."""
    fine = 40
    half_width, half_height = start.half_width + MARGIN, start.half_height + MARGIN
    along = polygon(points, fine)
    outside = (abs(along[:, 0] - start.x) >= half_width) | (abs(along[:, 1] - start.y) >= half_height)
    outside[0] = False
    if not outside.any():
        return points
    i, k = divmod(int(outside.argmax()) - 1, fine)
    segment = points[3 * i : 3 * i + 4]
    low, high = k / fine, (k + 1) / fine
    for _ in range(12):
        middle = (low + high) / 2
        if start.holds(at(segment, middle), MARGIN):
            low = middle
        else:
            high = middle
    _, rest = _split(segment, high)
    return (*rest, *points[3 * i + 4 :])


def bent(start: Point, end: Point, bend: float) -> tuple[Point, ...]:
    """A curve that passes `bend` points to the left of the straight line, seen along it (above, where it runs
    rightwards).
    """
    if not bend:
        return line(start, end)
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = math.hypot(dx, dy) or 1.0
    nx, ny = dy / length * bend * 4 / 3, -dx / length * bend * 4 / 3
    return (
        start,
        (start[0] + dx * 0.22 + nx, start[1] + dy * 0.22 + ny),
        (start[0] + dx * 0.78 + nx, start[1] + dy * 0.78 + ny),
        end,
    )


def loop(box: Rect, number: int) -> tuple[Point, ...]:
    """The loop of an endomorphism: above its vertex, the next one below, further ones around those."""
    up = -1 if number % 2 == 0 else 1
    grow = number // 2
    foot = min(11.0 + 5 * grow, box.half_width - 4)
    reach = 46.0 + 26 * grow
    top = box.y + up * (box.half_height + MARGIN)
    return (
        (box.x - foot, top),
        (box.x - foot - 16 - 9 * grow, top + up * reach),
        (box.x + foot + 16 + 9 * grow, top + up * reach),
        (box.x + foot, top),
    )


def aside(box: Rect, way: int) -> tuple[Point, ...]:
    """A loop to the right of its vertex, or to its left."""
    side = box.x + way * (box.half_width + MARGIN)
    foot = min(9.0, box.half_height - 3)
    far = side + way * 48.0
    return ((side, box.y - foot), (far, box.y - foot - 18), (far, box.y + foot + 18), (side, box.y + foot))


def _s_curve(start: Point, end: Point) -> tuple[Point, ...]:
    half = (end[0] - start[0]) * 0.5
    return (start, (start[0] + half, start[1]), (end[0] - half, end[1]), end)


def routes(
    graph: Graph, columns: Columns, places: Mapping[object, Point], passes: int = 2
) -> dict[str, tuple[Point, ...]]:
    """The curve of every edge, from box to box, none through a vertex that it has nothing to do with (where that can
    be), and crossing few others.

    Args:
        passes: how often those that cross others look for a better way.
    """
    boxes = {key: Rect(*places[key], *(side / 2 for side in size(v))) for key, v in graph.vertices.items()}
    bundles: dict[frozenset[str], list[Edge]] = defaultdict(list)
    for edge in graph.edges:
        bundles[frozenset((edge.source, edge.target))].append(edge)
    ways = {
        edge.key: _Ways(graph, columns, places, boxes, edge, bundle, number)
        for bundle in bundles.values()
        for number, edge in enumerate(bundle)
    }
    found = {edge.key: ways[edge.key].first() for edge in graph.edges}
    if passes:
        _untangled(ways, found, passes)
    return found


def _untangled(ways: Mapping[str, _Ways], found: dict[str, tuple[Point, ...]], passes: int) -> None:
    """Edges that cross others take the way on which they cross fewest, those that cross most first."""
    tangle = Tangle(found)
    tries = TRIES
    for _ in range(passes):
        counts = {key: tangle.crossings(key) for key in found}
        changed = False
        for key in sorted((key for key in found if counts[key]), key=lambda key: (ways[key].looped, -counts[key])):
            way = ways[key]
            before = tangle.crossings(key)
            if not before or (way.looped and before == 1):
                # A loop is looked for above its vertex, or below.
                continue
            others = [found[edge.key] for edge in way.bundle if edge.key != key]
            best, least = found[key], (way.hits(found[key]), before, 0.0)
            for number, candidate in enumerate(way.candidates()):
                tries -= 1
                crossed = tangle.crossings(key, candidate)
                if crossed >= least[1] or any(_close(candidate, other) for other in others):
                    continue
                cost = (way.hits(candidate), crossed, float(number))
                if cost < least:
                    best, least = candidate, cost
                if not crossed:
                    break
            if best is not found[key]:
                found[key] = best
                tangle.replace(key, best)
                changed = True
            if tries <= 0:
                return
        if not changed:
            break


def _close(one: Sequence[Point], two: Sequence[Point]) -> bool:
    """Whether the middles of two curves are so near that the two would look like one."""
    return math.dist(at(one, (len(one) - 1) / 6), at(two, (len(two) - 1) / 6)) < 0.6 * BUNDLE


@dataclass(frozen=True)
class _Ways:
    """The ways that an edge can take: one of a bundle of edges between the same two vertices."""

    graph: Graph
    columns: Columns
    places: Mapping[object, Point]
    boxes: Mapping[str, Rect]
    edge: Edge
    bundle: Sequence[Edge]
    number: int

    @property
    def looped(self) -> bool:
        return self.edge.source == self.edge.target

    @cached_property
    def foreign(self) -> np.ndarray:
        ends = (self.edge.source, self.edge.target)
        return corners([box for key, box in self.boxes.items() if key not in ends])

    @cached_property
    def own(self) -> np.ndarray:
        return corners([self.boxes[key] for key in dict.fromkeys((self.edge.source, self.edge.target))])

    def hits(self, curve: Sequence[Point]) -> int:
        """How many vertices a curve runs through, its own ends where it returns to them as well."""
        return _passed(curve, self.foreign, 5.0) + _passed(curve, self.own, -1.0)

    def first(self) -> tuple[Point, ...]:
        """The best-looking way that meets no foreign vertex, or the one that meets fewest."""
        fewest, best = math.inf, ()
        for candidate in self.candidates():
            hits = self.hits(candidate)
            if hits < fewest:
                fewest, best = hits, candidate
            if not hits or self.looped:
                break
        return best

    def candidates(self) -> Iterator[tuple[Point, ...]]:
        edge, bundle = self.edge, self.bundle
        start, end = self.boxes[edge.source], self.boxes[edge.target]
        if self.looped:
            yield loop(start, self.number)
            if len(bundle) < 6:
                yield from (loop(start, number) for number in range(self.number + 2, self.number + 4))
                yield from (aside(start, way) for way in (1, -1))
            return
        # Of several between the same two, offsets are to one side of one direction, whichever way each of them runs.
        offset = (self.number - (len(bundle) - 1) / 2) * BUNDLE
        base = -offset if edge.source == bundle[0].source else offset
        if edge.curve is not None:
            yield clipped(bent((start.x, start.y), (end.x, end.y), edge.curve * 22.0), start, end)
            return
        vertical = self.columns.column[edge.source] == self.columns.column[edge.target]
        yield from _candidates(self.graph, self.columns, self.places, edge, start, end, base, vertical)


def _candidates(
    graph: Graph,
    columns: Columns,
    places: Mapping[object, Point],
    edge: Edge,
    start: Rect,
    end: Rect,
    base: float,
    vertical: bool,
) -> Iterator[tuple[Point, ...]]:
    """Curves that an edge could take, the best-looking first."""
    pinned = graph.vertices[edge.source].at or graph.vertices[edge.target].at
    a, b = (start.x, start.y), (end.x, end.y)
    bends = columns.bends.get(edge.key, ())
    if bends and not pinned:
        for ends in ENDS:
            yield clipped(_through(graph, columns, places, edge, bends, ends), start, end)
    yield clipped(bent(a, b, base), start, end)
    if not vertical and not bends and not pinned:
        way = 1 if end.x > start.x else -1
        lift = max(-0.7, min(0.7, base / 40))
        yield _s_curve(
            (start.x + way * (start.half_width + MARGIN), start.y - way * lift * start.half_height),
            (end.x - way * (end.half_width + MARGIN), end.y - way * lift * end.half_height),
        )
    for bend in BENDS:
        for sign in (1, -1) if base >= 0 else (-1, 1):
            yield clipped(bent(a, b, base + sign * bend), start, end)
    for side in (1, -1):
        p = (start.x + side * (start.half_width + MARGIN), start.y)
        q = (end.x + side * (end.half_width + MARGIN), end.y)
        for reach in (30.0, 44.0, 60.0):
            far = max(side * p[0], side * q[0]) * side + side * reach
            yield (p, (far, p[1]), (far, q[1]), q)


def _through(
    graph: Graph,
    columns: Columns,
    places: Mapping[object, Point],
    edge: Edge,
    bends: Sequence[tuple[str, int]],
    ends: tuple[str, str],
) -> tuple[Point, ...]:
    """A curve between two centres through bends, level across each column that it passes: it touches no vertex there.

    `ends` says how it leaves and arrives: `slant`, which looks best; `level` in the columns of its ends, too; or
    `steep`, which goes round bundles of arrows.
    """
    slanting = [end != "level" for end in ends]
    a, b = places[edge.source], places[edge.target]
    way = 1 if b[0] > a[0] else -1
    here: Point = a
    points = [a]
    stops = [
        (columns.column[edge.source], a),
        *((c, places[(key, c)]) for key, c in bends),
        (columns.column[edge.target], b),
    ]
    for n, (column, (x, y)) in enumerate(stops):
        half = way * max(
            (size(graph.vertices[k])[0] / 2 for k in columns.order[column] if isinstance(k, str)), default=0.0
        )
        first, last = n == 0, n == len(stops) - 1
        entry = (x, y) if first or (last and slanting[1]) else (x - half, y)
        leave = (x, y) if last or (first and slanting[0]) else (x + half, y)
        if not first:
            points += _joined(here, entry, ends[0] if n == 1 else "level", ends[1] if last else "level")
        if entry != leave:
            points += line(entry, leave)[1:]
        if last and entry != (x, y):
            points += line(entry, (x, y))[1:]
        here = leave
    return tuple(points)


def _joined(start: Point, end: Point, leaving: str, arriving: str) -> tuple[Point, Point, Point]:
    """The three points of a segment that leaves and arrives level, aslant towards its other end, or steeply."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    shares = {"level": (0.5, 0.0), "slant": (0.35, 0.55), "steep": (0.02, 0.8)}
    (x0, y0), (x1, y1) = shares[leaving], shares[arriving]
    return ((start[0] + dx * x0, start[1] + dy * y0), (end[0] - dx * x1, end[1] - dy * y1), end)
