"""The orders of terms by which witnesses between terms are checked.

Both orders are total on terms without variables, put every term above its parts, keep their sense inside any larger
term, and descend only finitely often: that of Knuth and Bendix ("Simple word problems in universal algebras", 1970),
where every output and every variable weighs 1, but the greatest output may weigh nothing if it has one argument; and
the lexicographic path order (Kamin and Lévy 1980). With variables, s > t says that it is so whatever is put for them,
and `ranks` adds what is known of the order of their values. Nothing of the engine is imported here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import TypeAlias

from learningdiagrams.theory.morphisms import Generator, Term

__all__ = ["LEAST", "Order", "Output", "Ranks", "is_variable", "weak_orders"]

Ranks: TypeAlias = Mapping[Term, int]
Output: TypeAlias = tuple[str, int]
LEAST = -1_000_000_000
"""The index of the least constant of a sort; constants for a question's variables count down from -1."""


def is_variable(term: Term) -> bool:
    """Whether a term is a variable: variables are numbered from 0, constants below 0."""
    return term.head is None and term.index >= 0


class Order:
    """One of the two orders; `rank` says where outputs of generators stand."""

    def __init__(self, rank: Mapping[tuple[Generator, int], int], by_weight: bool, weightless: Output | None) -> None:
        self.rank = rank
        self.by_weight = by_weight
        self.weightless = weightless
        self._weights: dict[Term, tuple[int, dict[Term, int]]] = {}

    def place(self, term: Term) -> tuple[int, int, str]:
        """Where a head symbol stands; constants are below all generators."""
        if term.head is None:
            return -1, term.index, term.sort.name
        return self.rank[term.head, term.index], 0, ""  # type: ignore[index]  # marks are forgotten

    def weigh(self, term: Term) -> tuple[int, dict[Term, int]]:
        """The weight of a term, and how often each variable occurs in it."""
        if term not in self._weights:
            free = isinstance(term.head, Generator) and (term.head.name, term.index) == self.weightless
            total, counts = int(not free), {term: 1} if is_variable(term) else {}
            for arg in term.args:
                weight, inner = self.weigh(arg)
                total += weight
                for variable, count in inner.items():
                    counts[variable] = counts.get(variable, 0) + count
            self._weights[term] = total, counts
        return self._weights[term]

    def greater(self, s: Term, t: Term, ranks: Ranks) -> bool:
        """Whether s > t for all values of the variables that are ordered as their ranks are."""
        if s is t:
            return False
        if is_variable(s):
            return is_variable(t) and ranks.get(s, 0) > ranks.get(t, 0)
        return self._by_weight(s, t, ranks) if self.by_weight else self._by_path(s, t, ranks)

    def _by_weight(self, s: Term, t: Term, ranks: Ranks) -> bool:
        (weight, more), (other, less) = self.weigh(s), self.weigh(t)
        surplus = 0
        for variable in sorted({*more, *less}, key=lambda x: -ranks.get(x, 0)):
            # A greater variable's weight may stand for that of a smaller one, if their order is known.
            surplus = (surplus if ranks else 0) + more.get(variable, 0) - less.get(variable, 0)
            if surplus < 0:
                return False
        if weight != other or is_variable(t):
            return weight >= other
        if self.place(s) != self.place(t):
            return self.place(s) > self.place(t)
        return self.greater(*_first_difference(s, t), ranks)

    def _by_path(self, s: Term, t: Term, ranks: Ranks) -> bool:
        if is_variable(t):
            occurring = self.weigh(s)[1]
            return t in occurring or any(ranks.get(x, 0) > ranks.get(t, 0) for x in occurring)
        if any(arg is t or self.greater(arg, t, ranks) for arg in s.args):
            return True
        above = self.place(s) > self.place(t)
        if self.place(s) == self.place(t):
            above = self.greater(*_first_difference(s, t), ranks)
        return above and all(self.greater(s, arg, ranks) for arg in t.args)


def _first_difference(s: Term, t: Term) -> tuple[Term, Term]:
    return next((a, b) for a, b in zip(s.args, t.args, strict=True) if a is not b)


def weak_orders(variables: Sequence[Term]) -> Iterator[tuple[Ranks, dict[Term, Term]]]:
    """All orders of variables: ranks of those that are different, and which of them each is equal to."""
    for numbers in product(range(len(variables)), repeat=len(variables)):
        first: dict[int, Term] = {}
        for variable, number in zip(variables, numbers, strict=True):
            first.setdefault(number, variable)
        tied = {variable: first[number] for variable, number in zip(variables, numbers, strict=True)}
        # Each order once; and values of different sorts are different terms, so that only those of one sort can tie.
        if len(first) > max(numbers, default=-1) and all(a.sort is b.sort for a, b in tied.items()):
            yield {variable: number for number, variable in first.items()}, tied
