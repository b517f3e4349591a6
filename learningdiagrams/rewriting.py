"""A pass that is asked for: sides of goals rewritten by laws, where that takes fewer steps.

Only laws that mention no trained map are used, since writing a law about a model does not make it hold; what follows a
model is no better. Nothing is rewritten across `stop`: what is before it and what is after it are rewritten each for
itself. A side is replaced only where the table of steps gets shorter by it, and each replacement has its proof.

>>> from learningdiagrams.diagram import Diagram
>>> from learningdiagrams.plan import make_plan
>>> d = Diagram("Whitening")
>>> S, X, Y = d.objects("S", "X", "Y")
>>> x, y, f = d.data("x", S, X), d.data("y", S, Y), d.model("f", X, Y)
>>> white, back = d.fixed("white", X, X), d.fixed("back", X, X)
>>> law = d.law(white >> back, identity(X), name="inverse")
>>> goal = d.goal("fit", x >> white >> back >> f, y)
>>> print(make_plan(d, d.goals.values(), rewriting=rewrite(d)))
v0 = x                          data    : S -> X
v1 = f(v0)                      model   : X -> Y   moves f
v2 = y                          data    : S -> Y
fit = mse(v1, v2)
fit: rewritten by inverse
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from time import monotonic

from learningdiagrams.diagram import Diagram
from learningdiagrams.examination import hypothesis, translated
from learningdiagrams.plan import Side, sampled
from learningdiagrams.theory.deciding import Proved
from learningdiagrams.theory.morphisms import Generator, Object, Term, identity
from learningdiagrams.theory.presentations import Presentation
from learningdiagrams.theory.terms import applications, from_terms, substitute

__all__ = ["Rewriting", "rewrite", "usable_laws"]


@dataclass(frozen=True)
class Rewriting:
    """What replaces sides of goals: a table from what is written to what is computed.

    Attributes:
        proofs: for each side that is replaced, the proofs of its parts (one, and one more for each `stop` in it).
        laws: for each goal with a replaced side, the laws that were used.
        dropped: goals that are no terms, with the reason in words (:mod:`learningdiagrams.pruning`).
    """

    sides: Mapping[Side, tuple[Term, ...]] = field(default_factory=dict)
    proofs: Mapping[Side, tuple[Proved, ...]] = field(default_factory=dict)
    laws: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    dropped: Mapping[str, str] = field(default_factory=dict)


def usable_laws(diagram: Diagram) -> tuple[str, ...]:
    """The laws that mention no trained map, nor a map that follows one."""
    return tuple(
        law.name
        for law in diagram.laws.values()
        if not any(
            isinstance(term.head, Generator) and diagram.roles[term.head.name] in ("model", "ema")
            for side in (law.left, law.right)
            for term in applications(side.terms)
        )
    )


def rewrite(diagram: Diagram, max_seconds: float = 5.0, without: Collection[str] = ()) -> Rewriting:
    """The rewriting of a diagram's goals by its laws, but for the goals in `without`.

    What is not found within the time is left as it is written.
    """
    usable = usable_laws(diagram)
    if not usable:
        return Rewriting()
    unusable = [name for name in diagram.laws if name not in usable]
    rewriter = _Rewriter(diagram, hypothesis(diagram, "laws", unusable), monotonic() + max_seconds)
    written: dict[Side, None] = {}
    of_goal: dict[str, list[Side]] = {}
    for goal in diagram.goals.values():
        if goal.name in without:
            continue
        of_goal[goal.name] = [(m.dom, m.terms) for pair in sampled(goal) for m in pair]
        written |= dict.fromkeys(of_goal[goal.name])
    found = {side: rewriter.side(side) for side in written}
    chosen = _worthwhile(found)
    laws = {
        name: tuple(dict.fromkeys(law for side in sides if side in chosen for law in rewriter.laws[side]))
        for name, sides in of_goal.items()
    }
    return Rewriting(
        {side: found[side] for side in chosen},
        {side: rewriter.proofs[side] for side in chosen},
        {name: used for name, used in laws.items() if used},
    )


class _Rewriter:
    """Rewrites sides in the presentation of the usable laws, whose names are the diagram's."""

    def __init__(self, diagram: Diagram, laws: Presentation, deadline: float) -> None:
        self.diagram = diagram
        self.presentation = laws
        self.deadline = deadline
        self.proofs: dict[Side, tuple[Proved, ...]] = {}
        self.laws: dict[Side, tuple[str, ...]] = {}

    def side(self, side: Side) -> tuple[Term, ...]:
        """What a side becomes; what is marked is rewritten first and stands as a variable of its own in the rest."""
        dom, terms = side
        signature = self.diagram.presentation.signature
        marks = [term for term in applications(terms) if isinstance(term.head, str)]
        made: dict[Term, Term] = {}
        proofs: list[Proved] = []
        for mark in marks:
            inner = self._unmarked(dom, mark.args, made, proofs)[0]
            made[mark] = signature.marked(str(mark.head), inner)
        found = self._unmarked(dom, terms, made, proofs)
        self.proofs[side] = tuple(proofs)
        self.laws[side] = tuple(dict.fromkeys(step.law for proof in proofs for step in proof.proof.steps))
        return found

    def _unmarked(
        self, dom: Object, terms: tuple[Term, ...], made: Mapping[Term, Term], proofs: list[Proved]
    ) -> tuple[Term, ...]:
        """Terms rewritten up to the marks in them, for which `made` has what they become."""
        signature = self.diagram.presentation.signature
        cuts = list(dict.fromkeys(_outermost(terms)))
        wide = signature.product((*dom.factors, *(cut.sort for cut in cuts)))
        cod = signature.product(term.sort for term in terms)
        stand_in = dict(zip(cuts, wide.variables[len(dom.factors) :], strict=True))
        rest = from_terms(wide, cod, _replaced(terms, stand_in, wide))
        verdict = self.presentation.simplify(
            translated(rest, self.presentation), max_seconds=max(0.0, self.deadline - monotonic())
        )
        if verdict.proof.steps:
            proofs.append(verdict)
        back = substitute(verdict.right, self._object, lambda generator: self.diagram.generators[generator.name])
        inside = from_terms(dom, wide, (*dom.variables, *(made[cut] for cut in cuts))) if cuts else identity(dom)
        return (inside >> back).terms

    def _object(self, obj: Object) -> Object:
        return self.diagram.presentation.signature.product(self.diagram.sorts[sort.name] for sort in obj.factors)


def _outermost(terms: Iterable[Term]) -> Iterable[Term]:
    """The marked sub-terms that are under no other mark."""
    seen: set[Term] = set()
    stack = list(reversed(list(terms)))
    while stack:
        term = stack.pop()
        if term in seen:
            continue
        seen.add(term)
        if isinstance(term.head, str):
            yield term
        else:
            stack += reversed(term.args)


def _replaced(terms: tuple[Term, ...], instead: Mapping[Term, Term], dom: Object) -> tuple[Term, ...]:
    """The terms over `dom`, with others instead of some of their sub-terms."""
    made = dict(instead)
    stack = list(terms)
    while stack:
        term = stack[-1]
        missing = [arg for arg in term.args if arg not in made] if term not in made else []
        if missing:
            stack += missing
            continue
        stack.pop()
        if term not in made:
            head = term.head
            if isinstance(head, Generator):
                args = tuple(made[arg] for arg in term.args)
                made[term] = dom.signature.applied(head, args)[term.index]
            else:
                made[term] = dom.variables[term.index]
    return tuple(made[term] for term in terms)


def _worthwhile(found: Mapping[Side, tuple[Term, ...]]) -> Collection[Side]:
    """The sides to replace, so that fewer applications are made in all; none where all of them together save none."""
    needs = {side: (_calls(side[1]), _calls(new)) for side, new in found.items()}
    changed = [side for side, new in found.items() if new != side[1]]
    chosen = dict.fromkeys(changed)
    uses = Counter(call for side in found for call in needs[side][side in chosen])
    for side in changed:
        written, rewritten = needs[side]
        saved = sum(not uses[call] for call in written - rewritten)
        spent = sum(uses[call] == 1 for call in rewritten - written)
        if saved <= spent:
            # As it was written it takes no more.
            uses.subtract(rewritten)
            uses.update(written)
            del chosen[side]
    return chosen


def _calls(terms: tuple[Term, ...]) -> frozenset[tuple[object, tuple[Term, ...]]]:
    """The applications that terms are made by, each once."""
    return frozenset((term.head, term.args) for term in applications(terms) if isinstance(term.head, Generator))
