"""Simplification orders on terms, total on ground terms: Knuth and Bendix's, and the lexicographic path
order.

`greater(s, t)` says that s > t for every ground instance, and with `ranks` (an order of the variables) for
every instance in which the variables' values are ordered so.

Sources: Knuth and Bendix 1970; Dershowitz, "Orderings for term-rewriting systems", 1982; the extension by an
order of variables is that of Martin and Nipkow, "Ordered rewriting and confluence", 1990.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from learningdiagrams.theory.nodes import DEEPEST, Node, TooDeep

__all__ = ["KnuthBendixOrder", "LexicographicPathOrder", "Order"]

Ranks = Mapping[int, int]


class Order(Protocol):
    """A simplification order; `precedence` ranks the symbols."""

    name: str
    precedence: list[int]

    def greater(self, s: Node, t: Node, ranks: Ranks | None = None) -> bool: ...


class KnuthBendixOrder:
    """By weight, then by head symbol, then by the first argument that differs.

    A symbol of one argument may weigh nothing if it is the greatest; constants and variables weigh at least
    1.
    """

    name = "Knuth-Bendix order"

    def __init__(self) -> None:
        self.precedence: list[int] = []

    def greater(self, s: Node, t: Node, ranks: Ranks | None = None) -> bool:
        while s is not t:
            if s.head < 0:
                return t.head < 0 and ranks is not None and ranks[-1 - s.head] > ranks[-1 - t.head]
            if s.weight < t.weight or not _covers(s.counts, t.counts, ranks):
                return False
            if s.weight > t.weight or t.head < 0:
                return True
            if s.head != t.head:
                return self.precedence[s.head] > self.precedence[t.head]
            s, t = next((a, b) for a, b in zip(s.args, t.args, strict=True) if a is not b)
        return False


def _covers(more: Mapping[int, int], less: Mapping[int, int], ranks: Ranks | None) -> bool:
    """Whether one side's variables weigh at least as much as the other's, whatever is put for them."""
    if ranks is None:
        return all(more.get(number, 0) >= count for number, count in less.items())
    surplus = 0
    for number in sorted({*more, *less}, key=ranks.__getitem__, reverse=True):
        surplus += more.get(number, 0) - less.get(number, 0)
        if surplus < 0:
            return False
    return True


class LexicographicPathOrder:
    """By the precedence of head symbols, against all arguments of the other side.

    Equal heads by their arguments.
    """

    name = "lexicographic path order"

    def __init__(self) -> None:
        self.precedence: list[int] = []
        self._known: dict[tuple[Node, Node], bool] = {}

    def greater(self, s: Node, t: Node, ranks: Ranks | None = None) -> bool:
        if s is t:
            return False
        if s.depth > DEEPEST or t.depth > DEEPEST:
            raise TooDeep
        return self._greater(s, t, ranks, self._known if ranks is None else {})

    def _greater(self, s: Node, t: Node, ranks: Ranks | None, known: dict[tuple[Node, Node], bool]) -> bool:
        if s is t:
            return False
        if t.head < 0:
            number = -1 - t.head
            return number in s.counts or (ranks is not None and any(ranks[x] > ranks[number] for x in s.counts))
        if s.head < 0:
            return False
        found = known.get((s, t))
        if found is None:
            found = known[s, t] = self._decide(s, t, ranks, known)
        return found

    def _decide(self, s: Node, t: Node, ranks: Ranks | None, known: dict[tuple[Node, Node], bool]) -> bool:
        if any(arg is t or self._greater(arg, t, ranks, known) for arg in s.args):
            return True
        if s.head != t.head:
            above = self.precedence[s.head] > self.precedence[t.head]
            return above and all(self._greater(s, arg, ranks, known) for arg in t.args)
        for position, (a, b) in enumerate(zip(s.args, t.args, strict=True)):
            if a is not b:
                rest = t.args[position + 1 :]
                return self._greater(a, b, ranks, known) and all(self._greater(s, arg, ranks, known) for arg in rest)
        return False
