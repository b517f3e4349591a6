"""Ordered (unfailing) completion of equations between terms, with the provenance of every equation.

An equation that the order directs is a rule. One that it does not, such as commutativity, stays an equation
and is used on those instances that become smaller, so that nothing loops. All sorts are inhabited, each by a
least constant of its own, which stands for whatever closed term there is; where an equation is used towards a
side with further variables, they take the least constants. When all critical pairs are resolved, ground terms
are equal exactly if they reduce to the same one. A pair is resolved where it reduces to one term, is an
instance of an equation, or reduces to one term under every order of its variables (ground joinability: Martin
and Nipkow, "Ordered rewriting and confluence", 1990).

As for words, what is derived is a lemma with a chain of uses of earlier ones, and the given equations are
lemmas without.

Source: Bachmair, Dershowitz and Plaisted, "Completion without failure", 1989.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from heapq import heappop, heappush
from time import perf_counter
from typing import NamedTuple

from learningdiagrams.theory.morphisms import Object
from learningdiagrams.theory.nodes import Bank, Bindings, Node, TooDeep, match, positions, unify
from learningdiagrams.theory.orders import Order

__all__ = ["Equation", "OrderedCompletion", "TermLemma", "TermUse", "weak_orders"]

VARIABLES: int = 4
"""Variables up to which ground joinability is tested: four can be ordered, with ties, in 75 ways."""

LARGEST = 400
"""The weight of sides of critical pairs beyond which they are left out; the system is never complete then."""

LONGEST = 1_000_000
"""Uses of equations on the way to a normal form beyond which the way is not written down."""

APART = 1 << 16
"""What the numbers of variables are raised by to rename one of two equations apart."""


class TermUse(NamedTuple):
    """One use of a lemma inside a term: from its left side to its right (`forward`) or back."""

    lemma: int
    forward: bool
    place: tuple[int, ...]
    bindings: Bindings


class TermLemma(NamedTuple):
    """Two equal terms and a chain that leads from `left` to `right`.

    No chain for an equation that was given.
    """

    left: Node
    right: Node
    chain: list[TermUse] | None


class Equation:
    """An active equation; `rule` says that every instance goes from left to right."""

    __slots__ = ("alive", "left", "lemma", "renamed", "right", "rule")

    def __init__(self, left: Node, right: Node, rule: bool, lemma: int) -> None:
        self.left: Node = left
        self.right: Node = right
        self.rule: bool = rule
        self.lemma: int = lemma
        self.alive: bool = True
        # Its lemma and its sides with other variables, for overlaps with itself and with others.
        self.renamed: tuple[int, Node, Node] | None = None

    def apart(self, bank: Bank, forward: bool) -> tuple[Node, Node]:
        """The sides in a direction, their variables renamed apart from those of other equations."""
        if self.renamed is None or self.renamed[0] != self.lemma:
            sides = bank.shifted(self.left, APART), bank.shifted(self.right, APART)
            self.renamed = (self.lemma, *sides)
        _, left, right = self.renamed
        return (left, right) if forward else (right, left)

    def directions(self) -> Iterator[tuple[bool, Node, Node]]:
        """The ways in which it is used: whether forward, from what, to what."""
        yield True, self.left, self.right
        if not self.rule:
            yield False, self.right, self.left


class Pair(NamedTuple):
    """Where two equations overlap: the left side (in a direction) of one, at a place in that of the other."""

    outer: Equation
    outer_forward: bool
    inner: Equation
    inner_forward: bool
    place: tuple[int, ...]


class _Entry(NamedTuple):
    """A direction of an equation, as it is looked up when rewriting.

    `extra` are the variables that only `new` has.
    """

    old: Node
    new: Node
    equation: Equation
    forward: bool
    extra: tuple[tuple[int, Object], ...]


class OrderedCompletion:
    """Equations in the course of completion. `least` gives the least constant of each sort that occurs."""

    def __init__(self, bank: Bank, order: Order, least: Mapping[Object, Node]) -> None:
        self.bank = bank
        self.order = order
        self.least = least
        self.lemmas: list[TermLemma] = []
        self.equations: list[Equation] = []
        self.steps: int = 0
        self._waiting: list[tuple[int, int, Pair | int]] = []
        self._number = 0
        self._by_head: dict[int, list[_Entry]] = {}
        self._by_sort: dict[Object, list[_Entry]] = {}
        self._forms: dict[Node, Node] = {}
        self._forms_by_least: dict[Node, Node] = {}
        self._left_out = False

    @property
    def complete(self) -> bool:
        """Whether all critical pairs are resolved."""
        return not self._waiting and not self._left_out

    def add(self, left: Node, right: Node) -> int:
        """Takes in an equation, and returns the number of the lemma that it is."""
        self.lemmas.append(TermLemma(left, right, None))
        self._wait(left, right, len(self.lemmas) - 1)
        return len(self.lemmas) - 1

    def run(self, max_steps: int, deadline: float) -> bool:
        """Goes on for some steps, and says whether all critical pairs are resolved now."""
        for _ in range(max_steps):
            if not self._waiting:
                break
            if perf_counter() > deadline:
                return False
            self.steps += 1
            _, _, item = heappop(self._waiting)
            try:
                if isinstance(item, int):
                    left, right, _ = self.lemmas[item]
                    self._take(left, right, item)
                elif item.outer.alive and item.inner.alive:
                    sides = self._sides(item)
                    if sides is not None:
                        self._take(*sides[:2], item)
            except TooDeep:
                # What was under way is lost, so that no system that comes of it is complete.
                self._left_out = True
                raise
        return self.complete

    # Reducing --------------------------------------------------------------------------------------------

    def normal(
        self,
        node: Node,
        uses: list[TermUse] | None = None,
        least: bool = False,
        ranks: Mapping[int, int] | None = None,
    ) -> Node:
        """Reduces innermost first, and notes the uses, if asked.

        With `least`, also where variables have to be put in; with `ranks`, as if variables were ordered so.
        """
        forms = {} if ranks is not None else self._forms_by_least if least else self._forms
        # A frame is a term, the argument whose turn it is, and the term that it was at first.
        frames: list[list] = [[node, 0, node]]
        while True:
            frame = frames[-1]
            node, position, original = frame
            form = forms.get(node)
            if form is None or (uses is not None and form is not node):
                if position < len(node.args):
                    frame[1] += 1
                    arg = node.args[position]
                    if forms.get(arg) is not arg:
                        frames.append([arg, 0, arg])
                    continue
                found = self._at_root(node, least, ranks)
                if found is not None:
                    entry, bindings, frame[0] = found
                    frame[1] = 0
                    if uses is not None:
                        if len(uses) > LONGEST:
                            raise TooDeep
                        place = tuple(above[1] - 1 for above in frames[:-1])
                        uses.append(TermUse(entry.equation.lemma, entry.forward, place, bindings))
                    continue
                form = forms[node] = node
            forms[original] = form
            frames.pop()
            if not frames:
                return form
            above = frames[-1]
            old, position = above[0], above[1] - 1
            if old.args[position] is not form:
                above[0] = self.bank.apply(old.head, (*old.args[:position], form, *old.args[position + 1 :]))

    def _at_root(
        self, node: Node, least: bool, ranks: Mapping[int, int] | None
    ) -> tuple[_Entry, Bindings, Node] | None:
        for entries in (self._by_head.get(node.head), self._by_sort.get(node.sort)):
            for entry in entries or ():
                if entry.extra and not least:
                    continue
                bindings: Bindings = {}
                if not match(entry.old, node, bindings):
                    continue
                for number, sort in entry.extra:
                    bindings[number] = self.least[sort]
                new = self.bank.substitute(entry.new, bindings)
                if entry.equation.rule or self.order.greater(node, new, ranks):
                    return entry, bindings, new
        return None

    def _ground_joinable(self, left: Node, right: Node) -> bool:
        """Whether the sides reduce to one term under every order of the variables."""
        variables = list(dict.fromkeys((*left.counts, *right.counts)))
        if len(variables) > VARIABLES or not any(not equation.rule for equation in self.equations):
            return False
        sorts = {**_sorts(left), **_sorts(right)}
        for ranks in weak_orders(variables):
            same: dict[int, int] = {}
            for number in variables:
                same.setdefault(ranks[number], number)
            # Values of different sorts are different terms, so that only variables of one sort can tie.
            if any(sorts[number] is not sorts[same[ranks[number]]] for number in variables):
                continue
            bindings = {number: self.bank.variable(same[ranks[number]], sorts[number]) for number in variables}
            one, other = self.bank.substitute(left, bindings), self.bank.substitute(right, bindings)
            if one is not other and self.normal(one, None, True, ranks) is not self.normal(other, None, True, ranks):
                return False
        return True

    def _subsumed(self, left: Node, right: Node) -> bool:
        """Whether one equation has the sides as an instance."""
        for entries in (self._by_head.get(left.head), self._by_sort.get(left.sort)):
            for entry in entries or ():
                bindings: Bindings = {}
                if match(entry.old, left, bindings) and match(entry.new, right, bindings):
                    return True
        return False

    # Taking in equations ---------------------------------------------------------------------------------

    def _take(self, left: Node, right: Node, item: Pair | int) -> None:
        """Makes an equation active, unless it follows from those that are."""
        one, other = self.normal(left), self.normal(right)
        if one is other or self._subsumed(one, other) or self._subsumed(other, one):
            return
        if self._ground_joinable(one, other):
            return
        rule = self.order.greater(one, other)
        flipped = not rule and self.order.greater(other, one)
        if isinstance(item, int) and one is left and other is right and not flipped:
            self._activate(Equation(one, other, rule, item))
            return
        before: list[TermUse] = []
        after: list[TermUse] = []
        self.normal(left, before)
        self.normal(right, after)
        chain = [*_reversed(before), *self._chain(item), *after]
        if flipped:
            one, other, chain = other, one, _reversed(chain)
        lemma = self._lemma(one, other, chain)
        self._activate(Equation(lemma.left, lemma.right, rule or flipped, len(self.lemmas) - 1))

    def _chain(self, item: Pair | int) -> list[TermUse]:
        if isinstance(item, int):
            left, right, _ = self.lemmas[item]
            own = {number: self.bank.variable(number, sort) for number, sort in (_sorts(left) | _sorts(right)).items()}
            return [TermUse(item, True, (), own)]
        sides = self._sides(item)
        assert sides is not None
        _, _, outer, inner = sides
        return [
            TermUse(item.outer.lemma, not item.outer_forward, (), outer),
            TermUse(item.inner.lemma, item.inner_forward, item.place, inner),
        ]

    def _lemma(self, left: Node, right: Node, chain: list[TermUse]) -> TermLemma:
        """Writes down a lemma.

        Its variables are numbered from 0, and others inside its chain take least constants.
        """
        names: Bindings = {}
        for number, sort in (_sorts(left) | _sorts(right)).items():
            names[number] = self.bank.variable(len(names), sort)

        def renamed(node: Node) -> Node:
            for number, sort in _sorts(node).items():
                if number not in names:
                    names[number] = self.least[sort]
            return self.bank.substitute(node, names)

        uses = [
            TermUse(lemma, forward, place, {number: renamed(value) for number, value in bindings.items()})
            for lemma, forward, place, bindings in chain
        ]
        self.lemmas.append(TermLemma(renamed(left), renamed(right), uses))
        return self.lemmas[-1]

    def _activate(self, new: Equation) -> None:
        self._forms.clear()
        self._forms_by_least.clear()
        for _, old, other in new.directions():
            known = _sorts(old)
            extra = tuple((number, sort) for number, sort in _sorts(other).items() if number not in known)
            entry = _Entry(old, other, new, old is new.left, extra)
            if old.head >= 0:
                self._by_head.setdefault(old.head, []).append(entry)
            else:
                self._by_sort.setdefault(old.sort, []).append(entry)
        for equation in self.equations:
            self._simplify(equation, new)
        self.equations = [equation for equation in self.equations if equation.alive]
        self.equations.append(new)
        for equation in self.equations:
            self._find_overlaps(new, equation)
            if equation is not new:
                self._find_overlaps(equation, new)

    def _simplify(self, equation: Equation, new: Equation) -> None:
        """Takes an equation back if the new one reduces a side that it is used from.

        A rule's right side is reduced.
        """
        if self._reducible(equation.left, new) or (not equation.rule and self._reducible(equation.right, new)):
            equation.alive = False
            for index in (self._by_head, self._by_sort):
                for entries in index.values():
                    entries[:] = [entry for entry in entries if entry.equation is not equation]
            self._wait(equation.left, equation.right, equation.lemma)
        elif equation.rule and self._reducible(equation.right, new):
            uses = [
                TermUse(
                    equation.lemma,
                    True,
                    (),
                    {n: self.bank.variable(n, s) for n, s in _sorts(equation.left).items()},
                )
            ]
            right = self.normal(equation.right, uses)
            lemma = self._lemma(equation.left, right, uses)
            entries = self._by_head[equation.left.head]
            place = next(i for i, entry in enumerate(entries) if entry.equation is equation)
            equation.left, equation.right, equation.lemma = lemma.left, lemma.right, len(self.lemmas) - 1
            entries[place] = _Entry(lemma.left, lemma.right, equation, True, ())

    def _reducible(self, node: Node, new: Equation) -> bool:
        for _, old, other in new.directions():
            for _, inner in positions(node):
                bindings: Bindings = {}
                if inner.sort is not old.sort or not match(old, inner, bindings):
                    continue
                if new.rule:
                    return True
                value = self.bank.substitute(other, bindings)
                if all(number in bindings for number in other.counts) and self.order.greater(inner, value):
                    return True
        return False

    # Critical pairs --------------------------------------------------------------------------------------

    def _find_overlaps(self, outer: Equation, inner: Equation) -> None:
        for outer_forward, left, _ in outer.directions():
            for inner_forward, old, _ in inner.directions():
                for place, node in positions(left):
                    if node.sort is not old.sort or (old.head >= 0 and node.head != old.head):
                        continue
                    if outer is inner and not place and (outer.rule or outer_forward > inner_forward):
                        continue
                    pair = Pair(outer, outer_forward, inner, inner_forward, place)
                    sides = self._sides(pair)
                    if sides is not None:
                        one, other = self.normal(sides[0]), self.normal(sides[1])
                        if one is not other:
                            self._wait(one, other, pair)

    def _sides(self, pair: Pair) -> tuple[Node, Node, Bindings, Bindings] | None:
        """The two sides of a critical pair and what it puts for the variables of both equations.

        None if there is none.
        """
        outer, outer_forward, inner, inner_forward, place = pair
        left, right = (outer.left, outer.right) if outer_forward else (outer.right, outer.left)
        bank = self.bank
        old, new = inner.apart(bank, inner_forward)
        part = left
        for position in place:
            part = part.args[position]
        unifier = unify(part, old)
        if unifier is None:
            return None
        whole, one, step = (
            bank.resolve(left, unifier),
            bank.resolve(right, unifier),
            bank.resolve(new, unifier),
        )
        if max(one.weight, whole.weight, step.weight) > LARGEST:
            self._left_out = True
            return None
        if one is whole or self.order.greater(one, whole):
            return None
        if not inner.rule:
            redex = bank.resolve(old, unifier)
            if step is redex or self.order.greater(step, redex):
                return None
        other = bank.replaced(whole, place, step)
        mine = {n: bank.resolve(bank.variable(n, s), unifier) for n, s in (_sorts(left) | _sorts(right)).items()}
        theirs = {n - APART: bank.resolve(bank.variable(n, s), unifier) for n, s in (_sorts(old) | _sorts(new)).items()}
        return one, other, mine, theirs

    def _wait(self, left: Node, right: Node, item: Pair | int) -> None:
        self._number += 1
        size = left.weight + right.weight + left.depth + right.depth
        heappush(self._waiting, (size, self._number, item))


def weak_orders(variables: Sequence[int]) -> Iterator[dict[int, int]]:
    """Every order of the variables, ties included, as their ranks.

    >>> [sum(1 for _ in weak_orders(range(n))) for n in range(5)]
    [1, 1, 3, 13, 75]
    """
    if not variables:
        yield {}
        return
    *rest, last = variables
    for ranks in weak_orders(rest):
        values = sorted(set(ranks.values()))
        # Ranks are even and dense, so that the odd numbers are the gaps.
        for rank in range(-1, 2 * len(values)):
            made = {**ranks, last: rank}
            dense = {value: 2 * i for i, value in enumerate(sorted(set(made.values())))}
            yield {number: dense[value] for number, value in made.items()}


def _sorts(node: Node) -> dict[int, Object]:
    """The variables of a node with their sorts, in the order in which they occur."""
    if node.head < 0:
        return {-1 - node.head: node.sort}
    found: dict[int, Object] = {}
    todo = [node] if node.counts else []
    while todo:
        inner = todo.pop()
        if inner.head < 0:
            found.setdefault(-1 - inner.head, inner.sort)
        todo += (arg for arg in reversed(inner.args) if arg.counts)
    return found


def _reversed(chain: Sequence[TermUse]) -> list[TermUse]:
    return [TermUse(lemma, not forward, place, bindings) for lemma, forward, place, bindings in reversed(chain)]
