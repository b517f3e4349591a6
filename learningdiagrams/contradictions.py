"""What goals ask for together and cannot have: two data made equal, values made constant.

Each goal alone may be met; what follows from all of them, held as equations, may not: two data maps that are
parallel become equal, a data map becomes constant, all values of an object become one. Then no parameters meet all
goals, unless the data happen to agree. What already follows from the laws is none of the goals' doing, and is not
listed.

>>> from learningdiagrams.diagram import Diagram
>>> d = Diagram("Two labels")
>>> S, X, Y = d.objects("S", "X", "Y")
>>> x, mine, yours, f = d.data("x", S, X), d.data("mine", S, Y), d.data("yours", S, Y), d.model("f", X, Y)
>>> a, b = d.goal("a", x >> f, mine), d.goal("b", x >> f, yours)
>>> (found,) = d.check().contradictions
>>> found.kind, found.names, found.used
('equal data', ('mine', 'yours'), ('a', 'b'))
>>> print(found.proofs[0].proof)
mine
  = x >> f    by a, backwards: mine -> x >> f
  = yours    by b: x >> f -> yours
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations
from time import monotonic
from typing import Final, Literal

from learningdiagrams.diagram import Diagram
from learningdiagrams.relevance import Question, Relevance
from learningdiagrams.theory.deciding import Proved, Verdict
from learningdiagrams.theory.morphisms import Morphism, Object, drop, identity, proj
from learningdiagrams.theory.terms import from_terms

__all__ = ["Contradiction", "contradictions"]

ONE: Final = 0.5
"""Seconds for one question."""
DEEP: Final = 3
"""Maps, one after the other, up to which all maps into an object are looked at."""

Ask = Callable[[str, Morphism, Morphism], Proved | None]
"""Asks what a question is about, in words, and whether its sides are made equal."""

SENTENCES: Final = {
    "equal data": "{names} are made equal by {used}: unless the data agree, no parameters meet these goals, and "
    "training settles between them",
    "constant data": "{names} is made constant by {used}: unless all rows of it are alike, no parameters meet these "
    "goals, and training settles between them",
    "object": "the object {names} collapses by {used}: all its values are made equal, so that every map into it is "
    "constant and nothing that goes through it depends on the data",
    "maps": "every map into the object {names} is made constant by {used}: unless that is meant, what is computed "
    "there forgets its input",
}


@dataclass(frozen=True)
class Contradiction:
    """Something that follows from the goals, as if they held, and that no training can make true or should.

    Attributes:
        kind: "equal data": `names` are two data or noise maps; "constant data": one; "object": an object, any two of
            whose values are equal; "maps": an object, each map into which is constant, though the object need not be.
        names: what it is about.
        proofs: why; one for each map where it is about all maps into an object.
    """

    kind: Literal["equal data", "constant data", "object", "maps"]
    names: tuple[str, ...]
    proofs: tuple[Proved, ...]

    @property
    def used(self) -> tuple[str, ...]:
        """The goals and laws that the proofs use."""
        return tuple(dict.fromkeys(step.law for verdict in self.proofs for step in verdict.proof.steps))

    def __str__(self) -> str:
        names = " and ".join(f"`{name}`" if self.kind.endswith("data") else name for name in self.names)
        used = ", ".join(f"`{name}`" for name in self.used)
        return SENTENCES[self.kind].format(names=names, used=used)


def contradictions(
    diagram: Diagram, premises: Relevance, laws: Relevance, end: float
) -> tuple[list[Contradiction], list[str]]:
    """The contradictions of a diagram, and what could not be decided until `end` (of the clock), in words."""
    undecided: list[str] = []

    def in_time() -> None:
        if monotonic() > end:
            raise _OutOfTime

    def decide(question: Question) -> Verdict | None:
        return question.answer(max(0.0, min(ONE, end - monotonic())))

    def ask(what: str, left: Morphism, right: Morphism) -> Proved | None:
        """The proof that the goals bring this about; None where they do not, or the laws alone do."""
        in_time()
        verdict = decide(Question(premises, left, right))
        if verdict is not None and verdict.holds is None:
            undecided.append(what)
        if not isinstance(verdict, Proved):
            return None
        return None if isinstance(decide(Question(laws, left, right)), Proved) else verdict

    searches = [_equal_data(diagram, premises, ask, in_time)]
    if any(not rule.regular for rule in premises.rules):
        # Where no premise loses a variable, nothing becomes constant.
        searches.append(_Collapses(diagram, ask).found())
    found: list[Contradiction] = []
    try:
        for search in searches:
            found.extend(search)
    except _OutOfTime:
        undecided.append("there are contradictions beside these")
    return found, undecided


class _OutOfTime(Exception):
    """There is no time for further questions."""


def _given(diagram: Diagram) -> list[Morphism]:
    return [diagram.generators[name] for name, role in diagram.roles.items() if role in ("data", "noise")]


def _equal_data(
    diagram: Diagram, premises: Relevance, ask: Ask, in_time: Callable[[], None]
) -> Iterator[Contradiction]:
    """Parallel data that are made equal; of n that all are, n - 1 pairs."""
    groups: dict[object, list[Morphism]] = {}
    for morphism in _given(diagram):
        key = (morphism.dom, morphism.cod, premises.counted(morphism.parts[0]))
        groups.setdefault(key, []).append(morphism)
    for group in groups.values():
        if len(group) == 1:
            continue
        reach = {}
        for one in group:
            in_time()
            reach[one.parts[0]] = [premises.reach(term, one.dom)[0] for term in one.terms]
        same = {one: one for one in group}
        for one, other in combinations(group, 2):
            near = all(other.parts[0] in there for there in reach[one.parts[0]])
            if (
                not near
                or same[one] is same[other]
                or any(one.parts[0] not in there for there in reach[other.parts[0]])
            ):
                continue
            proved = ask(f"`{one}` and `{other}` are made equal", one, other)
            if proved is not None:
                yield Contradiction("equal data", (str(one), str(other)), (proved,))
                old, new = same[other], same[one]
                same.update((each, new) for each in group if same[each] is old)


class _Collapses:
    """Which data, and which objects, the goals make constant."""

    def __init__(self, diagram: Diagram, ask: Ask) -> None:
        self._diagram = diagram
        self._ask = ask
        self._constant: dict[Morphism, Proved | None] = {}
        self._into: dict[Object, list[Morphism]] = {}
        for morphism in diagram.generators.values():
            for i, sort in enumerate(morphism.cod.factors):
                output = morphism if len(morphism.cod.factors) == 1 else morphism >> proj(morphism.cod, i)
                self._into.setdefault(sort, []).append(output)

    def found(self) -> Iterator[Contradiction]:
        points: set[Object] = set()
        for name, sort in self._diagram.sorts.items():
            proved = self._proof(identity(sort))
            if proved is not None:
                points.add(sort)
                yield Contradiction("object", (name,), (proved,))
        given = _given(self._diagram)
        for morphism in given:
            proved = None if points.issuperset(morphism.cod.factors) else self._proof(morphism)
            if proved is not None:
                yield Contradiction("constant data", (str(morphism),), (proved,))
        for name, sort in self._diagram.sorts.items():
            forced = [] if sort in points else self._all_into(sort, set(given))
            if forced:
                yield Contradiction("maps", (name,), tuple(forced))

    def _proof(self, morphism: Morphism) -> Proved | None:
        """The proof that a morphism is made constant: its values at any two points are equal."""
        if morphism not in self._constant:
            one, other, twice = identity(morphism.dom), drop(morphism.dom), morphism.dom * morphism.dom
            sides = ((one @ other) >> morphism, (other @ one) >> morphism)
            left, right = (from_terms(twice, morphism.cod, side.terms) for side in sides)
            self._constant[morphism] = self._ask(f"`{morphism}` is made constant", left, right)
        return self._constant[morphism]

    def _all_into(self, sort: Object, given: set[Morphism]) -> list[Proved]:
        """Proofs that all maps into an object are constant, those that are data themselves not counted; else none."""
        if all(morphism in given or not morphism.dom.factors for morphism in self._into.get(sort, ())):
            return []
        proofs: list[Proved] = []
        todo = [(morphism, 1) for morphism in self._into[sort]]
        while todo:
            morphism, depth = todo.pop()
            if not morphism.dom.factors:
                continue
            proved = self._proof(morphism)
            if proved is not None:
                proofs.append(proved)
                continue
            before = self._into.get(morphism.dom, ())
            if depth == DEEP or not before or morphism.dom in self._diagram.sample_objects:
                return []
            todo += [(first >> morphism, depth + 1) for first in before]
        return proofs[::-1]
