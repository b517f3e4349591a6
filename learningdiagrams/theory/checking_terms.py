"""The checker of ordered systems of equations between terms as witnesses against an equation.

Take the terms over the question's variables, as constants, and over one more constant for each sort that has
such a term. They make a model: sorts without terms are empty, and elements are terms up to reduction. The
order is total on these terms, and a step is a use of an equation that makes a term smaller, so that reducing
ends. The system is accepted when

1. all critical pairs are joinable, so that each of these terms has one normal form (Bachmair, Dershowitz and
   Plaisted, "Completion without failure", 1989);
2. the sides of every law over sorts that have terms are joinable, so that the laws hold in the model;
3. the sides of the question have different normal forms, so that it does not hold there.

Joinable means, for every order of the variables, with ties (Martin and Nipkow, "Ordered rewriting and
confluence", 1990): both sides reduce to one term, or to an instance of an equation, or to one generator at
arguments that are joinable. Steps may put the least constants for variables that an equation has on one side
only: whatever else is put there is no smaller. Nothing of the engine is imported here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING, TypeAlias

from learningdiagrams.theory.errors import InvalidWitness
from learningdiagrams.theory.morphisms import Generator, Morphism, Object, Term
from learningdiagrams.theory.terms import applications, unmarked

if TYPE_CHECKING:
    from learningdiagrams.theory.presentations import Law

__all__ = ["check_terms"]

Ranks: TypeAlias = Mapping[Term, int]
Values: TypeAlias = dict[Term, Term]
Output: TypeAlias = tuple[str, int]
LEAST = -1_000_000_000


def check_terms(
    laws: Mapping[str, Law],
    generators: Mapping[str, Morphism],
    left: Morphism,
    right: Morphism,
    equations: Sequence[tuple[Morphism, Morphism]],
    outputs: Sequence[Output],
    by_weight: bool,
    weightless: Output | None,
) -> None:
    """Raises :class:`InvalidWitness` unless the equations, in this order, are a system as described above."""
    heads = {name: morphism.parts[0] for name, morphism in generators.items()}
    if sorted(outputs) != sorted((name, i) for name, head in heads.items() for i in range(len(head.cod.factors))):
        raise InvalidWitness("the order does not rank the outputs of the generators as they stood, each once")
    if weightless is not None and (weightless != outputs[-1] or len(heads[weightless[0]].dom.factors) != 1):
        raise InvalidWitness("only the greatest output may weigh nothing, and only if it has one argument")
    inhabited = set(left.dom.factors)
    for _ in heads:
        for head in heads.values():
            if inhabited.issuperset(head.dom.factors):
                inhabited.update(head.cod.factors)
    order = _Order({(heads[name], i): rank for rank, (name, i) in enumerate(outputs)}, by_weight, weightless)
    system = _System(order)
    try:
        for sides in equations:
            if inhabited.issuperset(sides[0].dom.factors):
                system.take(_pairs(system, *sides, lambda i: i))
        system.check_critical_pairs()
        for law in laws.values():
            if inhabited.issuperset(law.left.dom.factors):
                for one, other in _pairs(system, law.left, law.right, lambda i: i):
                    system.check_joinable(f"the sides of law `{law.name}`", one, other)
        if all(system.normal(a, {}) is system.normal(b, {}) for a, b in _pairs(system, left, right, lambda i: -1 - i)):
            raise InvalidWitness("the system does not tell the sides apart")
    except RecursionError:
        raise InvalidWitness("the system has terms that are too deep to be checked") from None


def _pairs(system: _System, left: Morphism, right: Morphism, number) -> list[tuple[Term, Term]]:
    """The outputs of two sides as terms of the system, with `number` saying which leaf a variable becomes."""
    if left.dom is not right.dom or left.cod is not right.cod:
        raise InvalidWitness(f"`{left}` and `{right}` are not parallel")
    known: Values = {}
    sides = unmarked(left).terms, unmarked(right).terms
    for term in applications((*sides[0], *sides[1])):
        if term.head is None:
            known[term] = system.leaf(number(term.index), term.sort)
        else:
            known[term] = system.apply(term.head, term.index, tuple(known[arg] for arg in term.args))  # type: ignore[arg-type]
        # From the inside out, so that nothing recurses deeply later.
        system.order.weigh(known[term])
        if term.head is not None and known[term].args and number(0) < 0:
            system.normal(known[term], {})
    return [(known[a], known[b]) for a, b in zip(*sides, strict=True)]


def _is_variable(term: Term) -> bool:
    return term.head is None and term.index >= 0


def _head(term: Term) -> tuple[object, int] | None:
    """What terms are looked up by; nothing for a variable, which any term may be an instance of."""
    return None if _is_variable(term) else (term.head, term.index)


class _Order:
    """The order of terms: of Knuth and Bendix, or lexicographic path order.

    `ranks` holds what is known of variables.
    """

    def __init__(self, rank: dict[tuple[Generator, int], int], by_weight: bool, weightless: Output | None) -> None:
        self.rank = rank
        self.by_weight = by_weight
        self.weightless = weightless
        self.weights: dict[Term, tuple[int, dict[Term, int]]] = {}

    def place(self, term: Term) -> tuple[int, int, str]:
        """Where a head symbol stands.

        Constants for variables and least constants are below all generators.
        """
        if term.head is None:
            return -1, term.index, term.sort.name
        return self.rank[term.head, term.index], 0, ""  # type: ignore[index]  # marks are forgotten

    def weigh(self, term: Term) -> tuple[int, dict[Term, int]]:
        """The weight of a term, and how often each variable occurs in it."""
        if term not in self.weights:
            free = isinstance(term.head, Generator) and (term.head.name, term.index) == self.weightless
            total, counts = int(not free), {term: 1} if _is_variable(term) else {}
            for arg in term.args:
                weight, inner = self.weigh(arg)
                total += weight
                for variable, count in inner.items():
                    counts[variable] = counts.get(variable, 0) + count
            self.weights[term] = total, counts
        return self.weights[term]

    def greater(self, s: Term, t: Term, ranks: Ranks) -> bool:
        """Whether s > t for all values of the variables that are ordered as their ranks are."""
        if s is t:
            return False
        if _is_variable(s):
            return _is_variable(t) and ranks.get(s, 0) > ranks.get(t, 0)
        return self._by_weight(s, t, ranks) if self.by_weight else self._by_path(s, t, ranks)

    def _by_weight(self, s: Term, t: Term, ranks: Ranks) -> bool:
        (weight, more), (other, less) = self.weigh(s), self.weigh(t)
        surplus = 0
        for variable in sorted({*more, *less}, key=lambda x: -ranks.get(x, 0)):
            # A greater variable's weight may stand for that of a smaller one, if their order is known.
            surplus = (surplus if ranks else 0) + more.get(variable, 0) - less.get(variable, 0)
            if surplus < 0:
                return False
        if weight != other or _is_variable(t):
            return weight >= other
        if self.place(s) != self.place(t):
            return self.place(s) > self.place(t)
        return self.greater(*next((a, b) for a, b in zip(s.args, t.args, strict=True) if a is not b), ranks)

    def _by_path(self, s: Term, t: Term, ranks: Ranks) -> bool:
        if _is_variable(t):
            occurring = self.weigh(s)[1]
            return t in occurring or any(ranks.get(x, 0) > ranks.get(t, 0) for x in occurring)
        if any(arg is t or self.greater(arg, t, ranks) for arg in s.args):
            return True
        if self.place(s) == self.place(t):
            first = next((a, b) for a, b in zip(s.args, t.args, strict=True) if a is not b)
            return self.greater(*first, ranks) and all(self.greater(s, arg, ranks) for arg in t.args)
        return self.place(s) > self.place(t) and all(self.greater(s, arg, ranks) for arg in t.args)


class _System:
    """Equations, both ways, over terms that are made once each.

    Variables are numbered from 0, constants below 0.
    """

    def __init__(self, order: _Order) -> None:
        self.order = order
        # What leads where, and whether always to something smaller; by the head symbol for looking it up.
        self.ways: list[tuple[Term, Term, bool]] = []
        self.ways_from: dict[object, list[tuple[Term, Term, bool]]] = {}
        self._made: dict[object, Term] = {}
        self._normal: dict[Term, Term] = {}
        self._joined: set[tuple[Term, Term]] = set()

    def leaf(self, number: int, sort: Object) -> Term:
        return self._made.setdefault((number, sort), Term(None, (), number, sort))

    def apply(self, head: Generator, index: int, args: tuple[Term, ...]) -> Term:
        if (head, index) not in self.order.rank:
            raise InvalidWitness(f"`{head.name}` was not there when the presentation was asked")
        return self._made.setdefault((head, index, args), Term(head, args, index, head.cod.factors[index]))

    def take(self, pairs: Sequence[tuple[Term, Term]]) -> None:
        for one, other in pairs:
            for old, new in ((one, other), (other, one)):
                if not self.order.greater(new, old, {}):
                    way = old, new, self.order.greater(old, new, {})
                    self.ways.append(way)
                    self.ways_from.setdefault(_head(old), []).append(way)
        self._normal.clear()
        self._joined.clear()

    def put(self, term: Term, values: Values) -> Term:
        """The term with values for its variables, and inside those values too, as a unifier wants."""
        if _is_variable(term):
            return self.put(values[term], values) if term in values else term
        if not term.args or not self.order.weigh(term)[1]:
            return term
        return self.apply(term.head, term.index, tuple(self.put(arg, values) for arg in term.args))  # type: ignore[arg-type]

    def match(self, pattern: Term, term: Term, values: Values) -> bool:
        if _is_variable(pattern):
            return pattern.sort is term.sort and values.setdefault(pattern, term) is term
        if pattern is term and not self.order.weigh(term)[1]:
            return True
        same = pattern.head is not None and pattern.head is term.head and pattern.index == term.index
        return same and all(self.match(a, b, values) for a, b in zip(pattern.args, term.args, strict=True))

    def normal(self, term: Term, ranks: Ranks) -> Term:
        """Reduces innermost first."""
        memo = self._normal if not ranks else {}
        return self._reduce(term, ranks, memo)

    def _reduce(self, term: Term, ranks: Ranks, memo: dict[Term, Term]) -> Term:
        if term not in memo:
            inner = term
            if term.args:
                args = tuple(self._reduce(arg, ranks, memo) for arg in term.args)
                inner = self.apply(term.head, term.index, args)  # type: ignore[arg-type]
            smaller = self._step(inner, ranks)
            memo[term] = inner if smaller is None else self._reduce(smaller, ranks, memo)
        return memo[term]

    def _step(self, term: Term, ranks: Ranks) -> Term | None:
        for old, new, always in self._ways_for(term):
            values: Values = {}
            if self.match(old, term, values):
                smaller = self._instance(new, values)
                if always or self.order.greater(term, smaller, ranks):
                    return smaller
        return None

    def _ways_for(self, term: Term) -> list[tuple[Term, Term, bool]]:
        return self.ways_from.get(_head(term), []) + self.ways_from.get(None, [])

    def _instance(self, term: Term, values: Values) -> Term:
        """The term with values for its variables, once; variables without one take least constants."""
        if _is_variable(term):
            return values[term] if term in values else self.leaf(LEAST, term.sort)
        if not term.args:
            return term
        return self.apply(term.head, term.index, tuple(self._instance(arg, values) for arg in term.args))  # type: ignore[arg-type]

    def check_joinable(self, what: str, one: Term, other: Term) -> None:
        one, other = self.normal(one, {}), self.normal(other, {})
        variables = list({**self.order.weigh(one)[1], **self.order.weigh(other)[1]})
        names = {variable: self.leaf(number, variable.sort) for number, variable in enumerate(variables)}
        one, other = self._instance(one, names), self._instance(other, names)
        variables = list(names.values())
        if (one, other) in self._joined or self._join(one, other, {}):
            return
        for numbers in product(range(len(variables)), repeat=len(variables)):
            if max(numbers, default=-1) >= len(set(numbers)):
                continue
            first: dict[int, Term] = {}
            for variable, number in zip(variables, numbers, strict=True):
                first.setdefault(number, variable)
            tied = {variable: first[number] for variable, number in zip(variables, numbers, strict=True)}
            # Values of different sorts are different terms, so that only variables of one sort can tie.
            if any(a.sort is not b.sort for a, b in tied.items()):
                continue
            ranks = {variable: number for number, variable in first.items()}
            if not self._join(self._instance(one, tied), self._instance(other, tied), ranks):
                raise InvalidWitness(f"{what} are not joinable in the system")
        self._joined.add((one, other))

    def _join(self, one: Term, other: Term, ranks: Ranks) -> bool:
        one, other = self.normal(one, ranks), self.normal(other, ranks)
        if one is other:
            return True
        for old, new, _ in self._ways_for(one):
            values: Values = {}
            if self.match(old, one, values) and self.match(new, other, values):
                return True
        same = one.head is not None and one.head is other.head and one.index == other.index
        return same and all(self._join(a, b, ranks) for a, b in zip(one.args, other.args, strict=True))

    def check_critical_pairs(self) -> None:
        for outer, outer_new, _ in self.ways:
            for old, new, _ in self.ways:
                old, new = self._apart(old), self._apart(new)
                for place, part in _places(outer):
                    values = self._unify(part, old)
                    if values is None:
                        continue
                    whole, one = self.put(outer, values), self.put(outer_new, values)
                    step = self.put(new, values)
                    other = self._replaced(whole, place, step)
                    if not (self._not_below(one, whole) or self._not_below(step, self.put(old, values))):
                        self.check_joinable("the sides of a critical pair", one, other)

    def _not_below(self, new: Term, old: Term) -> bool:
        return new is old or self.order.greater(new, old, {})

    def _apart(self, term: Term) -> Term:
        variables = self.order.weigh(term)[1]
        return self._instance(term, {x: self.leaf(x.index + 1_000_000, x.sort) for x in variables})

    def _replaced(self, term: Term, place: tuple[int, ...], new: Term) -> Term:
        if not place:
            return new
        args = list(term.args)
        args[place[0]] = self._replaced(args[place[0]], place[1:], new)
        return self.apply(term.head, term.index, tuple(args))  # type: ignore[arg-type]

    def _unify(self, one: Term, other: Term) -> Values | None:
        values: Values = {}
        todo = [(one, other)]
        while todo:
            a, b = (self.put(side, values) for side in todo.pop())
            if a is b:
                continue
            if not _is_variable(a):
                a, b = b, a
            if _is_variable(a):
                if a.sort is not b.sort or a in self.order.weigh(b)[1]:
                    return None
                values[a] = b
            elif a.head is None or a.head is not b.head or a.index != b.index:
                return None
            else:
                todo += zip(a.args, b.args, strict=True)
        return values


def _places(term: Term) -> Iterator[tuple[tuple[int, ...], Term]]:
    """The places of a term that hold no variable."""
    if not _is_variable(term):
        yield (), term
        for position, arg in enumerate(term.args):
            yield from (((position, *place), part) for place, part in _places(arg))
