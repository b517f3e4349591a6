"""Counting and listing the morphisms between two objects modulo path laws, by their normal forms.

Once completion is done, the distinct terms over a context are those without a left-hand side inside: a
regular language. Its automaton has a state for each sort and each beginning of a left-hand side that a term
may end with; letters lead from state to state, and a generator of several arguments from states of its
arguments to the bare state of its sort. Terms of a sort are infinitely many exactly when a state that they
pass through can be reached from itself; otherwise they are counted state by state, without listing them.

>>> from learningdiagrams.theory import Presentation, identity
>>> P = Presentation("Cyclic")
>>> (A,) = P.objects("A")
>>> f = P.morphism("f", A, A)
>>> P.hom(A, A)
Traceback (most recent call last):
...
learningdiagrams.theory.errors.Infinite: there are infinitely many morphisms A -> A: f leads from a
normal form to another one again and again
>>> law = P.law(f >> f >> f, identity(A))
>>> P.hom(A, A), P.count(A, A * A)
([identity(A), f, f >> f], 9)
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from itertools import product
from math import prod
from typing import NamedTuple

from learningdiagrams.theory.errors import Infinite
from learningdiagrams.theory.morphisms import Generator, Object, Term
from learningdiagrams.theory.paths import Paths

__all__ = ["Edge", "Grammar", "NormalForms", "Output", "useful_outputs"]

State = tuple[Object, str]
Output = tuple[Generator, int]


class Edge(NamedTuple):
    """One way into a state: an output of a generator applied to terms of these states or sorts.

    Or the i-th variable.
    """

    output: Output | int
    sources: tuple[Hashable, ...]


def useful_outputs(generators: Sequence[Generator], dom: Object, cod: Object) -> list[Output]:
    """The outputs of generators that occur in some term over `dom` of a sort of `cod`, by sorts alone."""
    inhabited = dict.fromkeys(dom.factors)
    while new := [
        sort
        for generator in generators
        if all(sort in inhabited for sort in generator.dom.factors)
        for sort in generator.cod.factors
        if sort not in inhabited
    ]:
        inhabited.update(dict.fromkeys(new))
    outputs = [
        (generator, index)
        for generator in generators
        if all(sort in inhabited for sort in generator.dom.factors)
        for index in range(len(generator.cod.factors))
    ]
    by_sort: dict[Object, list[Output]] = {}
    for generator, index in outputs:
        by_sort.setdefault(generator.cod.factors[index], []).append((generator, index))
    todo, needed = list(cod.factors), dict.fromkeys(cod.factors)
    while todo:
        for generator, _ in by_sort.get(todo.pop(), ()):
            for sort in generator.dom.factors:
                if sort not in needed:
                    needed[sort] = None
                    todo.append(sort)
    return [(generator, index) for generator, index in outputs if generator.cod.factors[index] in needed]


class Grammar:
    """Which terms of the codomain's sorts there are over a context: states of terms, and the ways into each.

    A sort stands for all of its states. What is counted is exact if different ways make different terms.
    """

    def __init__(self, dom: Object, cod: Object) -> None:
        self.dom = dom
        self.cod = cod
        self.ways: dict[Hashable, list[Edge]] = {}
        self.order: list[Hashable] = []
        self.cycle: list[str] | None = None

    def enter(self, state: tuple[Object, Hashable], edge: Edge) -> bool:
        """Notes a way into a state, and says whether the state is new."""
        new = state not in self.ways
        if new:
            self.ways[state] = []
            self.ways.setdefault(state[0], []).append(Edge(-1, (state,)))
        self.ways[state].append(edge)
        return new

    def close(self) -> None:
        """Finds what the codomain's sorts are made from, parts first.

        Or the generators along a cycle in it.
        """
        status: dict[Hashable, bool] = {}
        for root in self.cod.factors:
            if root in status or root not in self.ways:
                continue
            status[root] = False
            stack: list[tuple[Hashable, Iterator[tuple[Edge, Hashable]], str]] = [
                (root, iter([(e, s) for e in self.ways[root] for s in e.sources]), "")
            ]
            while stack:
                node, rest, _ = stack[-1]
                for edge, source in rest:
                    if source not in status:
                        status[source] = False
                        inner = [(e, s) for e in self.ways.get(source, ()) for s in e.sources]
                        stack.append((source, iter(inner), _name(edge)))
                        break
                    if not status[source]:
                        start = next(i for i, entry in enumerate(stack) if entry[0] == source)
                        names = [entry[2] for entry in stack[start + 1 :]] + [_name(edge)]
                        self.order, self.cycle = [], [name for name in reversed(names) if name]
                        return
                else:
                    status[node] = True
                    self.order.append(node)
                    stack.pop()

    @property
    def inhabited(self) -> bool:
        """Whether there is a morphism at all."""
        return all(sort in self.ways for sort in self.cod.factors)

    def check_finite(self) -> None:
        """Raises :class:`Infinite`, with the reason, if there are infinitely many."""
        if self.cycle is not None and self.inhabited:
            raise Infinite(
                f"there are infinitely many morphisms {self.dom} -> {self.cod}: {' >> '.join(self.cycle)} "
                "leads from a normal form to another one again and again"
            )

    def count(self) -> int:
        """How many there are."""
        if not self.inhabited:
            return 0
        self.check_finite()
        counts: dict[Hashable, int] = {}
        for node in self.order:
            counts[node] = sum(prod(counts[source] for source in edge.sources) for edge in self.ways[node])
        return prod(counts[sort] for sort in self.cod.factors)


class NormalForms(Grammar):
    """The automaton of normal forms over a context, for the sorts of a codomain.

    `rules` are words that do not occur in normal forms; what the automaton says is exact once completion is
    done.
    """

    def __init__(self, paths: Paths, dom: Object, cod: Object, outputs: Sequence[Output], rules: Sequence[str]) -> None:
        super().__init__(dom, cod)
        self.paths = paths
        self._rules = frozenset(rules)
        self._prefixes = frozenset(["", *(rule[:cut] for rule in rules for cut in range(len(rule)))])
        self._explore(outputs)
        self.close()

    def _explore(self, outputs: Sequence[Output]) -> None:
        """Finds the states that terms have, and the ways into each; a sort is entered from its states."""
        todo: list[State] = []
        letters: dict[Object, list[tuple[Output, str]]] = {}
        several = [output for output in outputs if len(output[0].dom.factors) > 1]

        def enter(state: State | None, edge: Edge) -> None:
            if state is not None and self.enter(state, edge):
                todo.append(state)

        for position, sort in enumerate(self.dom.factors):
            enter((sort, ""), Edge(position, ()))
        for output in outputs:
            generator, index = output
            if len(generator.dom.factors) == 1:
                letters.setdefault(generator.dom, []).append((output, self.paths.letters[output]))
            elif not generator.dom.factors:
                enter(
                    self._after("", self.paths.letters[output], generator.cod.factors[index]),
                    Edge(output, ()),
                )
        while todo:
            while todo:
                sort, ending = todo.pop()
                for output, letter in letters.get(sort, ()):
                    target = output[0].cod.factors[output[1]]
                    enter(self._after(ending, letter, target), Edge(output, ((sort, ending),)))
            for output in list(several):
                if all(sort in self.ways for sort in output[0].dom.factors):
                    several.remove(output)
                    enter((output[0].cod.factors[output[1]], ""), Edge(output, output[0].dom.factors))

    def _after(self, ending: str, letter: str, sort: Object) -> State | None:
        """The state after one more letter, or None if a left-hand side is complete."""
        word = ending + letter
        if any(word[start:] in self._rules for start in range(len(word))):
            return None
        return sort, next(word[start:] for start in range(len(word) + 1) if word[start:] in self._prefixes)

    def terms(self) -> list[tuple[Term, ...]]:
        """All of them as tuples of terms, in the order of size, then of declaration."""
        if not self.count():
            return []
        applied = self.paths.presentation.signature.applied
        found: dict[Hashable, list[tuple[int, tuple[int, ...], Term]]] = {}
        for node in self.order:
            terms = []
            for edge in self.ways[node]:
                if not edge.sources and isinstance(edge.output, int):
                    terms.append((0, (edge.output,), self.dom.variables[edge.output]))
                elif isinstance(edge.output, int):
                    terms += found[edge.sources[0]]
                else:
                    generator, index = edge.output
                    number = self.paths.numbers[generator]
                    for parts in product(*(found[source] for source in edge.sources)):
                        size = 1 + sum(part[0] for part in parts)
                        key = (*(x for part in parts for x in part[1]), number, index)
                        terms.append((size, key, applied(generator, tuple(part[2] for part in parts))[index]))
            found[node] = terms
        tuples = product(*(sorted(found[sort], key=lambda entry: entry[:2]) for sort in self.cod.factors))
        ordered = sorted(tuples, key=lambda parts: sum(part[0] for part in parts))
        return [tuple(part[2] for part in parts) for parts in ordered]


def _name(edge: Edge) -> str:
    return "" if isinstance(edge.output, int) else edge.output[0].name
