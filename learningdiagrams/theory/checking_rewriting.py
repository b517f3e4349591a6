"""Rewriting by equations towards smaller terms, for the checker of witnesses between terms.

An equation is used from whatever instance of one side is greater than that of the other. Where the smaller side has a
variable that the greater one has not, the least constant of its sort is put for it: whatever else is put there is no
smaller. Every step makes a term smaller, so that rewriting ends. Nothing of the engine is imported here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

from learningdiagrams.theory.checking_orders import LEAST, Order, Ranks, is_variable
from learningdiagrams.theory.errors import InvalidWitness
from learningdiagrams.theory.morphisms import Generator, Object, Term

__all__ = ["System", "Values", "Way"]

Values: TypeAlias = dict[Term, Term]


class Way(NamedTuple):
    """An equation in the direction from `old`; `closed` is `new` with least constants for what only it has."""

    old: Term
    new: Term
    closed: Term
    always_smaller: bool


class System:
    """Equations, both ways, over terms that are made once each."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.ways: list[Way] = []
        self._ways_from: dict[object, list[Way]] = {}
        self._made: dict[object, Term] = {}
        self._normal: dict[Term, Term] = {}

    def leaf(self, number: int, sort: Object) -> Term:
        return self._made.setdefault((number, sort), Term(None, (), number, sort))

    def apply(self, head: Generator, index: int, args: tuple[Term, ...]) -> Term:
        if (head, index) not in self.order.rank:
            raise InvalidWitness(f"`{head.name}` was not there when the presentation was asked")
        return self._made.setdefault((head, index, args), Term(head, args, index, head.cod.factors[index]))

    def variables(self, term: Term) -> list[Term]:
        return list(self.order.weigh(term)[1])

    def take(self, pairs: Iterable[tuple[Term, Term]]) -> None:
        for one, other in pairs:
            for old, new in ((one, other), (other, one)):
                if not self.order.greater(new, old, {}):
                    extra = {x: self.leaf(LEAST, x.sort) for x in self.variables(new) if x not in self.variables(old)}
                    way = Way(old, new, self.put(new, extra), self.order.greater(old, new, {}))
                    self.ways.append(way)
                    self._ways_from.setdefault(_head(old), []).append(way)
        self._normal.clear()

    def ways_for(self, term: Term) -> list[Way]:
        """The ways that the head symbol of a term does not rule out."""
        return self._ways_from.get(_head(term), []) + self._ways_from.get(None, [])

    def put(self, term: Term, values: Values) -> Term:
        """The term with values for its variables; those without one stay."""
        if is_variable(term):
            return values.get(term, term)
        if not term.args or not self.order.weigh(term)[1]:
            return term
        return self.apply(term.head, term.index, tuple(self.put(arg, values) for arg in term.args))  # type: ignore[arg-type]

    def match(self, pattern: Term, term: Term, values: Values) -> bool:
        """Whether values, extended in place, make the pattern the term."""
        if is_variable(pattern):
            return pattern.sort is term.sort and values.setdefault(pattern, term) is term
        if pattern is term and not self.order.weigh(term)[1]:
            return True
        same = pattern.head is not None and pattern.head is term.head and pattern.index == term.index
        return same and all(self.match(a, b, values) for a, b in zip(pattern.args, term.args, strict=True))

    def normal(self, term: Term, ranks: Ranks) -> Term:
        """What a term reduces to, innermost first, if its variables are ordered as `ranks` says."""
        return self._reduce(term, ranks, self._normal if not ranks else {})

    def _reduce(self, term: Term, ranks: Ranks, known: dict[Term, Term]) -> Term:
        if term not in known:
            args = tuple(self._reduce(arg, ranks, known) for arg in term.args)
            inner = self.apply(term.head, term.index, args) if args else term  # type: ignore[arg-type]
            smaller = self._step(inner, ranks)
            known[term] = inner if smaller is None else self._reduce(smaller, ranks, known)
        return known[term]

    def _step(self, term: Term, ranks: Ranks) -> Term | None:
        for way in self.ways_for(term):
            values: Values = {}
            if self.match(way.old, term, values):
                smaller = self.put(way.closed, values)
                if way.always_smaller or self.order.greater(term, smaller, ranks):
                    return smaller
        return None

    def join(self, one: Term, other: Term, ranks: Ranks) -> bool:
        """Whether terms reduce to one, to an instance of an equation, or to one generator at arguments that join."""
        one, other = self.normal(one, ranks), self.normal(other, ranks)
        if one is other:
            return True
        for way in self.ways_for(one):
            values: Values = {}
            if self.match(way.old, one, values) and self.match(way.new, other, values):
                return True
        same = one.head is not None and one.head is other.head and one.index == other.index
        return same and all(self.join(a, b, ranks) for a, b in zip(one.args, other.args, strict=True))


def _head(term: Term) -> tuple[object, int] | None:
    """What terms are looked up by; nothing for a variable, which any term may be an instance of."""
    return None if is_variable(term) else (term.head, term.index)
