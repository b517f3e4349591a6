"""Deciding equations: proved with a proof, refuted with a witness, or unknown with what was spent.

Equality modulo laws is undecidable in general (a monoid is a category with one object), so that there are
three answers. Ways to answer take turns, a slice of work each, so that an easy refutation does not wait for a
hard completion:

- the sides as words, when the laws that matter are laws between paths: completion, and the class of the left
  side;
- the sides as terms in context, once products are involved: ordered completion;
- small finite models in which the laws hold and the sides differ.

>>> from learningdiagrams.theory import Presentation, identity
>>> P = Presentation("Retraction")
>>> A, B = P.objects("A", "B")
>>> s, r = P.morphism("s", A, B), P.morphism("r", B, A)
>>> law = P.law(s >> r, identity(A), name="retraction")
>>> print(P.prove(r >> s >> r >> s, r >> s).proof)
r >> s >> r >> s
  = r >> s    by retraction: s >> r -> id(A)
>>> P.prove(r >> s, identity(B)).holds
False
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, ClassVar, Final

from learningdiagrams.theory.errors import InvalidWitness, NotDecided
from learningdiagrams.theory.models import (
    Structure,
    by_known_models,
    by_models,
    inhabited_sorts,
    sorts_that_matter,
)
from learningdiagrams.theory.morphisms import Morphism, Object, Term
from learningdiagrams.theory.nodes import TooDeep
from learningdiagrams.theory.normal_forms import NormalForms, useful_outputs
from learningdiagrams.theory.path_questions import by_classes, by_completion, normal_forms
from learningdiagrams.theory.paths import Paths
from learningdiagrams.theory.proofs import Proof
from learningdiagrams.theory.questions import Budget, Question, Way
from learningdiagrams.theory.term_forms import closed_forms, irreducible_terms
from learningdiagrams.theory.term_questions import TermTheory, by_terms
from learningdiagrams.theory.terms import Writer, from_terms, unmarked
from learningdiagrams.theory.witnesses import Witness

if TYPE_CHECKING:
    from learningdiagrams.theory.presentations import Presentation

__all__ = ["Proved", "Refuted", "Unknown", "Verdict", "count", "decide", "hom"]

MOST_TERMS: Final = 1_000_000
"""Morphisms beyond which they are not counted one by one."""


@dataclass(frozen=True)
class Proved:
    """The laws make the sides equal; `proof` shows it."""

    left: Morphism
    right: Morphism
    proof: Proof
    holds: ClassVar[bool] = True

    def __bool__(self) -> bool:
        return True

    def _repr_html_(self) -> str:
        from learningdiagrams.theory.showing import verdict_html

        return verdict_html(self)


@dataclass(frozen=True)
class Refuted:
    """The laws do not make the sides equal; `witness` shows it."""

    left: Morphism
    right: Morphism
    witness: Witness
    holds: ClassVar[bool] = False

    def __bool__(self) -> bool:
        return False

    def _repr_html_(self) -> str:
        from learningdiagrams.theory.showing import verdict_html

        return verdict_html(self)


@dataclass(frozen=True)
class Unknown:
    """Not decided; `reason` says in words what was tried and spent."""

    left: Morphism
    right: Morphism
    reason: str
    holds: ClassVar[None] = None

    def __bool__(self) -> bool:
        return False

    def _repr_html_(self) -> str:
        from learningdiagrams.theory.showing import verdict_html

        return verdict_html(self)


Verdict = Proved | Refuted | Unknown


class Knowledge:
    """What has been learned about a presentation, kept from one question to the next."""

    def __init__(self, presentation: Presentation) -> None:
        self.presentation = presentation
        self.paths: Paths = Paths(presentation)
        self.structures: list[Structure] = []
        self._theories: dict[tuple[frozenset[Object], frozenset[Object], bool], TermTheory] = {}
        self._size = (0, 0)

    def update(self) -> None:
        """Takes in what was added to the presentation."""
        self.paths.update()
        size = len(self.presentation.generators), len(self.presentation.laws)
        if size != self._size:
            self._size = size
            self.structures.clear()
            self._theories.clear()

    def ways(self, question: Question) -> Iterator[Way]:
        """The ways to answer a question, in the order of their turns."""
        self.update()
        yield by_completion(self.paths, question)
        yield by_classes(self.paths, question)
        yield by_known_models(self.presentation, question, self.structures)
        if self.paths.others:
            for by_weight in (True, False):
                yield self._by_terms(question, by_weight)
        yield by_models(self.presentation, question, self.structures)

    def _by_terms(self, question: Question, by_weight: bool) -> Way:
        # Nothing is made ready before its turn: easy questions are answered without it.
        yield from by_terms(self.theory(question.left.dom, by_weight, question.left.cod), question)

    def complete_theory(self, dom: Object, cod: Object, budget: Budget) -> TermTheory | None:
        """The laws for morphisms dom → cod, completed by one order or the other; None if neither ends in time."""
        theories = [self.theory(dom, by_weight, cod) for by_weight in (True, False)]
        while theories:
            for theory in list(theories):
                before = theory.completion.steps
                try:
                    if theory.completion.run(budget.slice(16), budget.deadline):
                        return theory
                except TooDeep:
                    theories.remove(theory)
                budget.steps += theory.completion.steps - before
                if budget.spent:
                    return None
        return None

    def theory(self, context: Object, by_weight: bool, cod: Object | None = None) -> TermTheory:
        """The laws over the sorts that are inhabited in a context, as far as they are completed.

        For terms of the sorts of `cod` alone, if it is given; that spares laws that have nothing to do with them.
        """
        generators = [morphism.parts[0] for morphism in self.presentation.generators.values()]
        inhabited = inhabited_sorts(generators, context.factors)
        wanted = tuple(self.presentation.sorts.values()) if cod is None else cod.factors
        matter = sorts_that_matter(generators, wanted)
        key = frozenset(inhabited), frozenset(matter), by_weight
        if key not in self._theories:
            self._theories[key] = TermTheory(self.presentation, inhabited, matter, by_weight)
        return self._theories[key]


def knowledge_of(presentation: Presentation) -> Knowledge:
    """What has been learned about a presentation so far."""
    if presentation._knowledge is None:
        presentation._knowledge = Knowledge(presentation)
    return presentation._knowledge


def decide(
    presentation: Presentation,
    left: Morphism,
    right: Morphism,
    max_seconds: float = 10.0,
    max_steps: int | None = None,
) -> Verdict:
    """The answer to left = right; see :meth:`~learningdiagrams.theory.presentations.Presentation.prove`."""
    budget = Budget(max_seconds, max_steps)
    left, right = unmarked(left), unmarked(right)
    if left == right:
        return Proved(left, right, Proof(presentation, left, right, ()))
    ways = list(knowledge_of(presentation).ways(Question(left, right, budget)))
    while ways:
        for way in list(ways):
            if budget.spent:
                return Unknown(left, right, _reason(budget))
            found = next(way, way)
            if isinstance(found, Proof):
                return Proved(left, right, found)
            if isinstance(found, Witness):
                return Refuted(left, right, found)
            if found is way:
                ways.remove(way)
    return Unknown(left, right, _reason(budget))


def _reason(budget: Budget) -> str:
    notes = "; ".join(budget.notes.values()) or "nothing was found"
    if budget.max_steps is not None and budget.steps >= budget.max_steps:
        return f"not decided within {budget.max_steps} steps: {notes}"
    if budget.spent:
        return f"not decided within {budget.max_seconds:g} seconds ({budget.steps} steps): {notes}"
    return f"no way to decide it is left, after {budget.steps} steps: {notes}"


def hom(
    presentation: Presentation, dom: Object, cod: Object, limit: int = 10_000, max_seconds: float = 10.0
) -> list[Morphism]:
    """The morphisms dom → cod; see :meth:`~learningdiagrams.theory.presentations.Presentation.hom`."""
    knowledge, budget = knowledge_of(presentation), Budget(max_seconds, None)
    knowledge.update()
    if knowledge.paths.others:
        terms = _closed_forms(knowledge, dom, cod, limit, budget)
    else:
        forms = _path_forms(knowledge.paths, dom, cod, budget)
        if (total := forms.count()) > limit:
            raise NotDecided(f"there are {total} morphisms {dom} -> {cod}, more than the limit of {limit}")
        terms = forms.terms()
    writer = Writer(dom)
    return [writer.write(cod, term) for term in terms]


def count(presentation: Presentation, dom: Object, cod: Object, max_seconds: float = 10.0) -> int:
    """The number of morphisms dom → cod.

    See :meth:`~learningdiagrams.theory.presentations.Presentation.count`.
    """
    knowledge, budget = knowledge_of(presentation), Budget(max_seconds, None)
    knowledge.update()
    if not knowledge.paths.others:
        return _path_forms(knowledge.paths, dom, cod, budget).count()
    generators = [morphism.parts[0] for morphism in presentation.generators.values()]
    inhabited = inhabited_sorts(generators, dom.factors)
    if not all(sort in inhabited for sort in cod.factors):
        return 0
    sizes = {sort: len(_closed_forms(knowledge, dom, sort, MOST_TERMS, budget)) for sort in cod.factors}
    return prod(sizes[sort] for sort in cod.factors)


def _path_forms(paths: Paths, dom: Object, cod: Object, budget: Budget) -> NormalForms:
    forms = normal_forms(paths, dom, cod, budget)
    if forms is None:
        raise NotDecided(
            f"the morphisms {dom} -> {cod} are not known: no complete system of rules was found within "
            f"{budget.max_seconds:g} seconds ({paths.completion.steps} overlaps)"
        )
    return forms


def _closed_forms(knowledge: Knowledge, dom: Object, cod: Object, limit: int, budget: Budget) -> list[tuple[Term, ...]]:
    presentation = knowledge.presentation
    outputs = useful_outputs([morphism.parts[0] for morphism in presentation.generators.values()], dom, cod)
    theory = knowledge.complete_theory(dom, cod, budget)
    if theory is None:
        raise NotDecided(
            f"the morphisms {dom} -> {cod} are not known: no complete system of equations was found within "
            f"{budget.max_seconds:g} seconds ({budget.steps} steps)"
        )
    irreducible_terms(theory, dom, cod, outputs).check_finite()
    try:
        found = closed_forms(theory, dom, cod, outputs, limit, budget)
    except TooDeep:
        raise NotDecided(f"the morphisms {dom} -> {cod} become too deep") from None
    if found is None or len(found) > limit:
        raise NotDecided(
            f"more than {limit} morphisms {dom} -> {cod} were found"
            if not budget.spent
            else f"the morphisms {dom} -> {cod} were not all found within {budget.max_seconds:g} seconds"
        )
    if len(found) > 1:
        # That they differ rests on the system, which has to be accepted as a witness for two of them.
        try:
            theory.system(*(from_terms(dom, cod, terms) for terms in found[:2]))
        except InvalidWitness as error:
            raise NotDecided(
                f"the morphisms {dom} -> {cod} are not known: a system was not accepted: {error}"
            ) from None
    return found
