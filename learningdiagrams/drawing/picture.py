"""A picture as values: curves, areas, boxes and words at their places, which every pen puts down alike.

Coordinates are points, x to the right and y downwards. Colours are names of the palette (`"ink"`, `"model"`,
…) or `"#rrggbb"`; :mod:`learningdiagrams.drawing.palette` says what they are by day and by night.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

__all__ = [
    "Area",
    "Box",
    "Curve",
    "Group",
    "Picture",
    "Point",
    "Shape",
    "Words",
    "arrowhead",
    "line",
    "shifted",
    "wave",
]

Point = tuple[float, float]
HEAD: Final = 9.0
"""Length of an arrowhead of a thin line."""


@dataclass(frozen=True)
class Curve:
    """Cubic Bézier segments: a start, then three control points for each segment."""

    points: tuple[Point, ...]
    colour: str = "ink"
    width: float = 1.2
    dash: tuple[float, ...] = ()


@dataclass(frozen=True)
class Area:
    """A filled polygon."""

    points: tuple[Point, ...]
    fill: str = "ink"


@dataclass(frozen=True)
class Box:
    """A rectangle around a centre, with round corners; `stroke` None for no outline."""

    x: float
    y: float
    width: float
    height: float
    radius: float = 0.0
    fill: str = "ground"
    stroke: str | None = "ink"
    thickness: float = 1.2


@dataclass(frozen=True)
class Words:
    """A line of text; y is the middle of its lower-case letters. `halo` keeps lines that pass below from
    touching it.
    """

    x: float
    y: float
    text: str
    size: float = 13.0
    anchor: Literal["start", "middle", "end"] = "middle"
    colour: str = "ink"
    bold: bool = False
    slant: bool = False
    halo: bool = False


Shape = Curve | Area | Box | Words


@dataclass(frozen=True)
class Group:
    """What belongs together: `kind` and `name` say what it depicts, `title` is what a pointer resting on it is told."""

    kind: str
    name: str
    shapes: tuple[Shape, ...]
    title: str = ""


@dataclass(frozen=True)
class Picture:
    title: str
    description: str
    width: float
    height: float
    groups: tuple[Group, ...]


def shifted(group: Group, dx: float, dy: float) -> Group:
    """A group at another place."""
    moved: list[Shape] = []
    for shape in group.shapes:
        if isinstance(shape, Curve | Area):
            moved.append(replace(shape, points=tuple((x + dx, y + dy) for x, y in shape.points)))
        else:
            moved.append(replace(shape, x=shape.x + dx, y=shape.y + dy))
    return replace(group, shapes=tuple(moved))


def line(start: Point, end: Point) -> tuple[Point, ...]:
    """A straight segment as a curve."""
    (x0, y0), (x1, y1) = start, end
    return (
        start,
        (x0 + (x1 - x0) / 3, y0 + (y1 - y0) / 3),
        (x0 + 2 * (x1 - x0) / 3, y0 + 2 * (y1 - y0) / 3),
        end,
    )


def arrowhead(tip: Point, direction: Point, width: float) -> tuple[Point, ...]:
    """The polygon of an arrowhead with this tip, for a line of this width."""
    length = HEAD + 1.6 * (width - 1.2)
    half = 0.42 * length
    ux, uy = direction
    back = (tip[0] - length * ux, tip[1] - length * uy)
    notch = (tip[0] - 0.72 * length * ux, tip[1] - 0.72 * length * uy)
    return (
        tip,
        (back[0] - half * uy, back[1] + half * ux),
        notch,
        (back[0] + half * uy, back[1] - half * ux),
    )


def wave(points: Sequence[Point], length: float = 10.0, height: float = 3.0) -> tuple[Point, ...]:
    """A curve through densely sampled points, made wavy; it starts and ends on the line itself."""
    steps = [math.dist(a, b) for a, b in itertools.pairwise(points)]
    total = sum(steps)
    if total == 0:
        return tuple(points[:1])
    halves = max(4, 2 * round(total / length))
    crests = [points[0]]
    done, index = 0.0, 0
    for k in range(1, halves):
        wanted = total * k / halves
        while index < len(steps) - 1 and done + steps[index] < wanted:
            done += steps[index]
            index += 1
        (x0, y0), (x1, y1) = points[index], points[index + 1]
        part, step = wanted - done, steps[index] or 1.0
        ux, uy = (x1 - x0) / step, (y1 - y0) / step
        side = 0.0 if k in (1, halves - 1) else height * (1 if k % 2 else -1)
        crests.append((x0 + part * ux - side * uy, y0 + part * uy + side * ux))
    crests.append(points[-1])
    return smooth(crests)


def smooth(points: Sequence[Point]) -> tuple[Point, ...]:
    """The Catmull–Rom spline through points, as Bézier segments."""
    found = [points[0]]
    for i, (a, b) in enumerate(itertools.pairwise(points)):
        before, after = points[max(i - 1, 0)], points[min(i + 2, len(points) - 1)]
        found.append((a[0] + (b[0] - before[0]) / 6, a[1] + (b[1] - before[1]) / 6))
        found.append((b[0] - (after[0] - a[0]) / 6, b[1] - (after[1] - a[1]) / 6))
        found.append(b)
    return tuple(found)
