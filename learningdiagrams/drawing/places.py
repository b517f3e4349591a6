"""Where the columns' vertices stand: x by the widths of columns and of what is written between them, y by
their neighbours.

Heights are found by least squares: each vertex wants to stand at the mean height of its neighbours, and stays
as far below the one above it as both need; that is isotonic regression, solved exactly by pooling adjacent
violators.
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from learningdiagrams.drawing import text
from learningdiagrams.drawing.graph import Graph, Vertex
from learningdiagrams.drawing.layers import Columns
from learningdiagrams.drawing.picture import Point

__all__ = ["COLUMN", "LABEL", "ROW", "isotonic", "place", "size"]

NODE: Final = 15.0
LABEL: Final = 13.0
DETAIL: Final = 11.0
PRODUCT: Final = 13.0
ROW: Final = 92.0
"""The unit of rows in `style … at=(column, row)`."""
COLUMN: Final = 170.0
GAP: Final = 44.0
BUNDLE: Final = 40.0
"""Between parallel arrows."""
STEEPEST: Final = 320.0
"""The most room between columns that steep arrows ask for."""
LOOP: Final = 46.0
"""What a loop takes above its vertex."""


def size(vertex: Vertex) -> tuple[float, float]:
    """Width and height of a vertex's box."""
    if vertex.kind == "product":
        return max(20.0, text.width(vertex.label, PRODUCT) + 10.0), 22.0
    if vertex.kind == "unit":
        return 22.0, 24.0
    wide = text.width(vertex.label, NODE)
    if vertex.detail:
        wide = max(wide, text.width(vertex.detail, DETAIL))
    return max(34.0, wide + (26.0 if vertex.kind == "sample" else 18.0)), 42.0 if vertex.detail else 30.0


def isotonic(wanted: Sequence[float], apart: Sequence[float], weight: Sequence[float]) -> list[float]:
    """The places nearest to those wanted (weighted least squares) that keep each `apart[i]` between i and i +
    1.

    >>> isotonic([0, 0], [10], [1, 1]), isotonic([0, 30], [10], [1, 1])
    ([-5.0, 5.0], [0.0, 30.0])
    """
    shift = [0.0]
    for gap in apart:
        shift.append(shift[-1] + gap)
    blocks: list[list[float]] = []
    for want, weigh, base in zip(wanted, weight, shift, strict=True):
        blocks.append([want - base, weigh, 1])
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            value, mass, count = blocks.pop()
            total = blocks[-1][1] + mass
            blocks[-1] = [(blocks[-1][0] * blocks[-1][1] + value * mass) / total, total, blocks[-1][2] + count]
    level = [value for value, _, count in blocks for _ in range(int(count))]
    return [value + base for value, base in zip(level, shift, strict=True)]


def place(graph: Graph, columns: Columns, badges: Mapping[str, float] | None = None) -> dict[object, Point]:
    """The centre of every vertex and bend. `badges`: the width of what is to fit in before a vertex, by its key."""
    heights = _heights(graph, columns)
    centres = _centres(graph, columns, heights, badges or {})
    found = {key: (centres[c], heights[key]) for c, column in enumerate(columns.order) for key in column}
    return _pinned(graph, found)


def _extents(graph: Graph, columns: Columns) -> dict[object, tuple[float, float]]:
    """How far each vertex and bend reaches up and down, with its loops and the bundles that end at it."""
    loops = Counter(edge.source for edge in graph.edges if edge.source == edge.target)
    bundles = Counter(frozenset((edge.source, edge.target)) for edge in graph.edges if edge.source != edge.target)
    thick: dict[str, float] = defaultdict(float)
    for ends, count in bundles.items():
        a, b = sorted(ends)
        if columns.column[a] != columns.column[b]:
            for end in ends:
                thick[end] = max(thick[end], (count - 1) * BUNDLE / 2 + 12)
    found: dict[object, tuple[float, float]] = {}
    for key, vertex in graph.vertices.items():
        half = max(size(vertex)[1] / 2, thick[key])
        above, below = (loops[key] + 1) // 2, loops[key] // 2
        found[key] = (
            half + LOOP * min(above, 1) + 22 * max(above - 1, 0),
            half + LOOP * min(below, 1) + 22 * max(below - 1, 0),
        )
    for bends in columns.bends.values():
        for bend in bends:
            found[bend] = (14.0, 4.0)
    return found


def _pull(one: object, other: object, end: float) -> float:
    """How strongly a vertex or bend wants to stand level with a neighbour; `end`: a bend, with the end of its
    arrow.

    Long arrows are straight on their way and give way at their ends, sooner where they fan out than where
    they arrive; a vertex hardly moves for one.
    """
    if isinstance(one, tuple):
        return 4.0 if isinstance(other, tuple) else end
    return 0.02 if isinstance(other, tuple) else 1.0


def _heights(graph: Graph, columns: Columns) -> dict[object, float]:
    extents = _extents(graph, columns)
    beside: dict[object, list[tuple[object, float]]] = defaultdict(list)
    for left, right in columns.pairs:
        beside[left].append((right, _pull(left, right, 2.5)))
        beside[right].append((left, _pull(right, left, 0.7)))
    joined = {frozenset((edge.source, edge.target)) for edge in graph.edges}
    apart: list[list[float]] = []
    for column in columns.order:
        gaps = []
        for upper, lower in itertools.pairwise(column):
            bends = isinstance(upper, tuple) + isinstance(lower, tuple)
            gap = (GAP, 28.0, 10.0)[bends] + (26.0 if frozenset((upper, lower)) in joined else 0.0)
            gaps.append(extents[upper][1] + extents[lower][0] + gap)
        apart.append(gaps)
    height: dict[object, float] = {}
    for column, gaps in zip(columns.order, apart, strict=True):
        level, heights = 0.0, [0.0]
        for gap in gaps:
            level += gap
            heights.append(level)
        height.update({key: value - level / 2 for key, value in zip(column, heights, strict=True)})
    for sweep in range(16):
        rightwards = sweep % 2 == 0
        indices = range(len(apart)) if rightwards else range(len(apart) - 1, -1, -1)
        for c in indices:
            column = columns.order[c]
            wanted, weight = [], []
            for key in column:
                near = beside[key]
                mass = sum(w for _, w in near)
                wanted.append(sum(height[other] * w for other, w in near) / mass if near else height[key])
                weight.append(mass or 0.1)
            for key, value in zip(column, isotonic(wanted, apart[c], weight), strict=True):
                height[key] = value
    return {key: round(value, 2) for key, value in height.items()}


def _centres(
    graph: Graph, columns: Columns, heights: Mapping[object, float], badges: Mapping[str, float]
) -> list[float]:
    """The x of each column: far enough from the last one for the longest label between them and for no arrow
    to be steep.
    """
    widths = [
        max((size(graph.vertices[key])[0] for key in column if isinstance(key, str)), default=0.0)
        for column in columns.order
    ]
    room = [64.0] * len(widths)
    for edge in graph.edges:
        start, end = sorted((columns.column[edge.source], columns.column[edge.target]))
        needed = text.width(edge.label, LABEL) + 34 if edge.label else 0.0
        if start == end:
            if edge.source != edge.target:
                for gap in (start - 1, start):
                    if 0 <= gap < len(room):
                        room[gap] = max(room[gap], 44 + needed)
        else:
            for gap in range(start, end):
                room[gap] = max(room[gap], needed if end - start == 1 else min(needed, 64.0))
    for left, right in columns.pairs:
        steep = 0.62 if isinstance(left, str) and isinstance(right, str) else 0.35
        gap = columns.column[left] if isinstance(left, str) else left[1]  # type: ignore[index]  # a bend is (edge, column)
        room[gap] = max(room[gap], min(steep * abs(heights[left] - heights[right]), STEEPEST))
    for key, wide in badges.items():
        gap = columns.column[key] - 1
        if gap >= 0:
            room[gap] = max(room[gap], wide + 56.0)
    found, at = [], 0.0
    for c, wide in enumerate(widths):
        at += wide / 2
        found.append(round(at, 2))
        at += wide / 2 + room[c]
    return found


def _pinned(graph: Graph, found: dict[object, Point]) -> dict[object, Point]:
    """Moves the vertices with a place of their own there, and others out of their way."""
    pins = {key: v.at for key, v in graph.vertices.items() if v.at is not None}
    if not pins:
        return found
    stride = max([COLUMN, *(size(v)[0] + 80 for v in graph.vertices.values())])
    taken: list[tuple[str, Point]] = []
    for key, (column, row) in pins.items():
        found[key] = (column * stride, row * ROW)
        taken.append((key, found[key]))
    if len(pins) == len(graph.vertices):
        return found
    for key, vertex in graph.vertices.items():
        if key in pins:
            continue
        x, y = found[key]
        moved = True
        while moved:
            moved = False
            for other, (ox, oy) in taken:
                apart = (size(vertex)[0] + size(graph.vertices[other])[0]) / 2 + 20
                if abs(ox - x) < apart and abs(oy - y) < ROW * 0.75:
                    y, moved = oy + ROW * 0.75 + 1, True
        found[key] = (x, y)
        taken.append((key, found[key]))
    return found
