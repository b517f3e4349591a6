"""The order within columns, so that few arrows cross.

Barycentre sweeps (Sugiyama, Tagawa and Toda 1981) and sifting (Matuszewski, Schönfeld and Molitor, *Using sifting for
k-layer straightline crossing minimization*, Graph Drawing 1999), from several starts. The problem is NP-hard for two
columns already (Garey and Johnson 1983); the starts are numbered, so that the same diagram gives the same order.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

__all__ = ["crossings", "ordered"]

SWEEPS: Final = 12
STARTS: Final = ((40, 16), (90, 10), (200, 5), (500, 2))
"""How many starts are tried for at most so many neighbours; beyond the last, one."""

Order = list[list[object]]


def crossings(order: Sequence[Sequence[object]], pairs: Iterable[tuple[object, object]]) -> int:
    """How many pairs of neighbours cross between adjacent columns."""
    place = {key: (c, i) for c, column in enumerate(order) for i, key in enumerate(column)}
    gaps: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for left, right in pairs:
        (c, i), (_, j) = place[left], place[right]
        gaps[c].append((i, j))
    total = 0
    for segments in gaps.values():
        segments.sort()
        seen = [0] * (max(j for _, j in segments) + 2)
        # Inversions of the right ends in the order of the left ones, by a Fenwick tree.
        placed = 0
        at = 0
        while at < len(segments):
            stop = at
            while stop < len(segments) and segments[stop][0] == segments[at][0]:
                stop += 1
            for _, j in segments[at:stop]:
                below, k = 0, j + 1
                while k > 0:
                    below += seen[k]
                    k -= k & -k
                total += placed - below
            for _, j in segments[at:stop]:
                k = j + 1
                while k < len(seen):
                    seen[k] += 1
                    k += k & -k
                placed += 1
            at = stop
    return total


def ordered(
    order: Sequence[Sequence[object]],
    pairs: Sequence[tuple[object, object]],
    vertical: Sequence[tuple[object, object]],
) -> Order:
    """The columns, reordered so that few neighbours cross.

    Args:
        order: the keys of each column. pairs: neighbours in adjacent columns. vertical: those that an arrow joins
            within one column; it crosses what leaves the vertices between them on one of its sides.
    """
    return _Sorter(order, pairs, vertical).best()


class _Sorter:
    def __init__(
        self,
        order: Sequence[Sequence[object]],
        pairs: Sequence[tuple[object, object]],
        vertical: Sequence[tuple[object, object]],
    ) -> None:
        self.columns = order
        self.pairs = pairs
        self.flat = vertical
        self.beside: tuple[dict[object, list[object]], ...] = (defaultdict(list), defaultdict(list))
        for left, right in pairs:
            self.beside[0][right].append(left)
            self.beside[1][left].append(right)
        self.vertical: dict[object, list[object]] = defaultdict(list)
        for one, two in vertical:
            self.vertical[one].append(two)
            self.vertical[two].append(one)
        self.place: dict[object, int] = {}

    def best(self) -> Order:
        count = next((starts for most, starts in STARTS if len(self.pairs) <= most), 1)
        best: Order = []
        least: tuple[int, int] | None = None
        for start in self._starts(count):
            found, cost = self._improved(start)
            if least is None or cost < least:
                best, least = found, cost
            if least == (0, 0):
                break
        return best

    def _starts(self, count: int) -> Iterator[Order]:
        """Orders to begin with: as declared, as a walk meets the vertices, from either side, and shuffled ones."""
        yield [list(column) for column in self.columns]
        for number in range(1, count):
            if number <= 2:
                yield self._walked(number == 1)
            else:
                chance = random.Random(number)
                shuffled = [list(column) for column in self.columns]
                for column in shuffled:
                    chance.shuffle(column)
                yield shuffled

    def _walked(self, rightwards: bool) -> Order:
        """The order in which a walk in depth meets the vertices, along the arrows or against them."""
        after = self.beside[1 if rightwards else 0]
        seen: dict[object, int] = {}
        for column in self.columns if rightwards else reversed(self.columns):
            for root in column:
                stack = [root]
                while stack:
                    key = stack.pop()
                    if key not in seen:
                        seen[key] = len(seen)
                        stack += reversed(after.get(key, ()))
        return [sorted(column, key=seen.__getitem__) for column in self.columns]

    def _cost(self, order: Order) -> tuple[int, int]:
        """Crossings, of vertical arrows too, and how far apart the ends of those stand."""
        total, spread = crossings(order, self.pairs), 0
        for one, two in self.flat:
            low, high = sorted((self.place[one], self.place[two]))
            spread += high - low - 1
            if high - low > 1:
                column = next(c for c in order if one in c)
                between = column[low + 1 : high]
                total += min(sum(len(side.get(key, ())) for key in between) for side in self.beside)
        return total, spread

    def _improved(self, order: Order) -> tuple[Order, tuple[int, int]]:
        self.place = {key: i for column in order for i, key in enumerate(column)}
        best, least = [list(column) for column in order], self._cost(order)
        stale = 0
        for sweep in range(SWEEPS):
            rightwards = sweep % 2 == 0
            columns = range(1, len(order)) if rightwards else range(len(order) - 2, -1, -1)
            for c in columns:
                self._by_barycentre(order[c], len(order[c - 1 if rightwards else c + 1]), 0 if rightwards else 1)
                self._sift(order[c])
            if len(order) and self.flat:
                self._sift(order[0 if rightwards else -1])
            cost = self._cost(order)
            if cost < least:
                best, least, stale = [list(column) for column in order], cost, 0
            else:
                stale += 1
            if stale == 3 or least == (0, 0):
                break
        return best, least

    def _by_barycentre(self, column: list[object], size: int, side: int) -> None:
        """Sorts a column by the mean places of its neighbours on a side, where so many stand."""
        neighbours = self.beside[side]

        def centre(key: object) -> float:
            others = neighbours.get(key)
            return (
                sum(self.place[other] for other in others) / len(others) / size
                if others
                else self.place[key] / len(column)
            )

        centres = {key: centre(key) for key in column}
        # What vertical arrows join is pulled together.
        pulled = {
            key: (value + sum(centres[other] for other in self.vertical[key])) / (1 + len(self.vertical[key]))
            if key in self.vertical
            else value
            for key, value in centres.items()
        }
        column.sort(key=pulled.__getitem__)
        self.place.update((key, i) for i, key in enumerate(column))

    def _sift(self, column: list[object]) -> None:
        """Moves each key of a column to where it crosses least on both sides together, as long as that helps."""
        if len(column) < 2:
            return
        ends = {key: [sorted(self.place[k] for k in side.get(key, ())) for side in self.beside] for key in column}
        known: dict[tuple[object, object], int] = {}

        def between(upper: object, lower: object) -> int:
            """Crossings where `upper` stands above `lower`."""
            found = known.get((upper, lower))
            if found is None:
                found = known[upper, lower] = _inversions(ends[upper], ends[lower])
            return found

        near = len(column) if len(column) <= 24 else 8 if len(self.pairs) <= STARTS[-1][0] else 1
        for _ in range(3):
            changed = False
            for key in list(column):
                at = column.index(key)
                best, gain = at, 0
                for step in (-1, 1):
                    change, i = 0, at + step
                    while 0 <= i < len(column) and abs(i - at) <= near:
                        other = column[i]
                        change += (
                            between(other, key) - between(key, other)
                            if step > 0
                            else between(key, other) - between(other, key)
                        )
                        if change < gain:
                            best, gain = i, change
                        i += step
                if best != at:
                    column.insert(best, column.pop(at))
                    changed = True
            if not changed:
                break
        self.place.update((key, i) for i, key in enumerate(column))


def _inversions(upper: Sequence[Sequence[int]], lower: Sequence[Sequence[int]]) -> int:
    total = 0
    for ups, lows in zip(upper, lower, strict=True):
        j = 0
        for up in ups:
            while j < len(lows) and lows[j] < up:
                j += 1
            total += j
    return total
