"""Union-find over the things of several parts, which are told apart by position: one part may occur twice.

>>> classes = Classes(["ab", "ab"])
>>> classes.unite(classes.number[0]["b"], classes.number[1]["a"])
>>> [classes.members[root] for root in classes.roots()]
[(0, 'a'), (0, 'b'), (1, 'b')]
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from typing import Generic, TypeVar

__all__ = ["Classes"]

T = TypeVar("T", bound=Hashable)


class Classes(Generic[T]):
    """Classes of things, each thing numbered in order; the least number of a class, its root, stands for it.

    `number[position][thing]` is a thing's number, `members[number]` its position and the thing.
    """

    def __init__(self, parts: Iterable[Iterable[T]]) -> None:
        self.number: list[dict[T, int]] = []
        self.members: list[tuple[int, T]] = []
        for position, things in enumerate(parts):
            numbers = {thing: number for number, thing in enumerate(things, start=len(self.members))}
            self.number.append(numbers)
            self.members += ((position, thing) for thing in numbers)
        self._parent = list(range(len(self.members)))

    def find(self, number: int) -> int:
        """The root of a number's class."""
        parent = self._parent
        while parent[number] != number:
            parent[number] = number = parent[parent[number]]
        return number

    def unite(self, one: int, other: int) -> None:
        """Makes two classes one."""
        one, other = self.find(one), self.find(other)
        self._parent[max(one, other)] = min(one, other)

    def roots(self) -> Iterator[int]:
        """The roots, in order."""
        return (number for number, parent in enumerate(self._parent) if number == parent)
