"""How often curves cross: what routes and layouts are chosen by.

Curves are compared as polygons through points on them. Two sides cross where the ends of each lie on both sides of the
other, so that curves which touch at an end or run along each other do not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from learningdiagrams.drawing.picture import Point

__all__ = ["Tangle", "polygon"]

SIDES: Final = 12
"""Sides of the polygon that stands for a segment of a curve."""


def polygon(points: Sequence[Point], each: int = SIDES) -> np.ndarray:
    """Points along a curve of Bézier segments, as an array of rows x, y.

    >>> polygon([(0, 0), (1, 0), (2, 0), (3, 0)], 2).tolist()
    [[0.0, 0.0], [1.5, 0.0], [3.0, 0.0]]
    """
    controls = np.asarray(points, dtype=float)
    u = (np.arange(1, each + 1) / each)[:, None]
    last = len(controls) - 1
    a, b, c = (controls[i:last:3][:, None, :] for i in range(3))
    d = controls[3::3][:, None, :]
    along = (1 - u) ** 3 * a + 3 * u * (1 - u) ** 2 * b + 3 * u * u * (1 - u) * c + u**3 * d
    return np.concatenate([controls[:1], along.reshape(-1, 2)])


class Tangle:
    """Curves by name, of which each can be asked how often it crosses the others."""

    def __init__(self, curves: Mapping[str, Sequence[Point]]) -> None:
        self.names = {name: i for i, name in enumerate(curves)}
        self.lines = [polygon(curve) for curve in curves.values()]
        self._join()

    def _join(self) -> None:
        sides = [np.concatenate([line[:-1], line[1:]], axis=1) for line in self.lines]
        self.sides = np.concatenate(sides) if sides else np.zeros((0, 4))
        self.owner = np.repeat(np.arange(len(self.lines)), [len(line) - 1 for line in self.lines])
        x0, y0, x1, y1 = self.sides.T
        self.box = np.stack([np.minimum(x0, x1), np.minimum(y0, y1), np.maximum(x0, x1), np.maximum(y0, y1)])

    def replace(self, name: str, curve: Sequence[Point]) -> None:
        """Another curve of that name."""
        self.lines[self.names[name]] = polygon(curve)
        self._join()

    def crossings(self, name: str, curve: Sequence[Point] | None = None) -> int:
        """How often a curve crosses those of other names; without one, the curve that has this name."""
        own = self.names[name]
        return self._meets(self.lines[own] if curve is None else polygon(curve), self.owner != own)

    def total(self) -> int:
        """Crossings in all, each counted once."""
        return sum(self._meets(line, self.owner > i) for i, line in enumerate(self.lines))

    def _meets(self, line: np.ndarray, others: np.ndarray) -> int:
        (left, top), (right, bottom) = line.min(axis=0), line.max(axis=0)
        box = self.box
        near = np.flatnonzero(others & (box[0] <= right) & (box[1] <= bottom) & (box[2] >= left) & (box[3] >= top))
        if not len(near):
            return 0
        sides = self.sides[near]
        # Whether each point of the line lies to the left of each side; only sides that it changes on are looked at.
        within = _left(sides, line)
        turned = within[:, :-1] != within[:, 1:]
        changing = np.flatnonzero(turned.any(axis=1))
        sides, turned = sides[changing], turned[changing]
        own = np.concatenate([line[:-1], line[1:]], axis=1)
        across = _left(own, sides[:, :2]) != _left(own, sides[:, 2:])
        return int(np.count_nonzero(across.T & turned))


def _left(sides: np.ndarray, points: np.ndarray) -> np.ndarray:
    """For each side (rows: its start and its end) whether each point (columns) lies to the left of it."""
    x0, y0, x1, y1 = (sides[:, i, None] for i in range(4))
    return (x1 - x0) * (points[:, 1] - y0) > (y1 - y0) * (points[:, 0] - x0)
