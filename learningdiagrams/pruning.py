"""A pass that is asked for: goals that follow from the others are no terms of the loss.

The zero set stays: parameters that meet the goals that are kept meet all of them. The weighting does not: an error that
was counted in several terms is counted in fewer, so that another minimum may be found where no parameters meet all
goals. So that the first is true, a goal takes part only if its comparator separates its sides (`mse`, `l1`, `huber`),
its weight is a positive number and it moves every model that it reaches: no `train`, no `stop`, no game. A goal of
stages follows only from goals that are in all of these stages. Laws are premises where they mention no trained map,
and of a law that holds only because it is written nothing is concluded.

Which goals are kept is always the same: the longest is tried first, of two equally long ones that which was declared
later; it is left out where it follows from those that are left.

>>> from learningdiagrams.diagram import Diagram
>>> d = Diagram("Chain")
>>> S, X, Y = d.objects("S", "X", "Y")
>>> x, y, f, g = d.data("x", S, X), d.data("y", S, Y), d.model("f", X, Y), d.model("g", X, Y)
>>> a, b, c = d.goal("a", x >> f, y), d.goal("b", x >> g, y), d.goal("c", x >> f, x >> g, weight=0.5)
>>> print(prune(d))
goal  weight  equation         term
a     1       x >> f = y       kept
b     1       x >> g = y       kept
c     0.5     x >> f = x >> g  dropped: follows from a, b
2 of 3 terms are kept; the zero set is the same, what is weighed is not: c counts no more by itself, only as far as
a, b are not met
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, Final

from learningdiagrams.declarations import Goal
from learningdiagrams.errors import DiagramError, suggestion
from learningdiagrams.examination import equations, players
from learningdiagrams.losses import Zero
from learningdiagrams.relevance import Equation, Question, Relevance
from learningdiagrams.rewriting import usable_laws
from learningdiagrams.tables import table
from learningdiagrams.theory.deciding import Proved
from learningdiagrams.theory.showing import Printed
from learningdiagrams.theory.terms import applications
from learningdiagrams.values import literal

if TYPE_CHECKING:
    from learningdiagrams.diagram import Diagram

__all__ = ["WAYS", "Pruning", "prune", "pruning_asked"]

WAYS: Final = ("derivable",)
"""What `compile(prune=…)` may say."""
ONE: Final = 1.0
"""Seconds for one question; what is not decided in that time is kept."""


@dataclass(frozen=True)
class Pruning(Printed):
    """Which goals are no terms of the loss because they follow from those that are.

    Attributes:
        proofs: for each goal that is dropped, the proofs of its equations from the goals that are kept.
        apart: for each goal that takes no part, being neither dropped nor a premise, the reason.
        undecided: goals of which it was not found out in time whether they follow; they are kept.
    """

    diagram: Diagram
    proofs: Mapping[str, tuple[Proved, ...]]
    apart: Mapping[str, str] = field(default_factory=dict)
    undecided: tuple[str, ...] = ()

    @property
    def kept(self) -> tuple[str, ...]:
        """The goals that are terms of the loss, in the order of declaration."""
        return tuple(name for name in self.diagram.goals if name not in self.proofs)

    @property
    def dropped(self) -> dict[str, str]:
        """The goals that are no terms, with the reason in words."""
        return {name: self._reason(name) for name in self.proofs}

    def premises(self, name: str) -> tuple[str, ...]:
        """The goals and laws from which a dropped goal follows; none where its sides are equal."""
        used = (step.law.partition("#")[0] for verdict in self.proofs[name] for step in verdict.proof.steps)
        return tuple(dict.fromkeys(used))

    def pruned(self) -> Diagram:
        """The diagram without the goals that are dropped, as a new one."""
        from learningdiagrams.editing.parts import Changes, copied

        return copied(self.diagram, Changes(skip={("goal", name) for name in self.proofs}))

    def table(self, values: Mapping[str, float] | None = None) -> str:
        """Every goal with its weight and what becomes of it; with values (of `evaluate`) those too, and both totals.

        A total takes constant weights as they are and schedules as they start.
        """
        rows = []
        for name, goal in self.diagram.goals.items():
            term = f"dropped: {self._reason(name)}" if name in self.proofs else "kept"
            if name in self.apart:
                term += f": {self.apart[name]}"
            elif name in self.undecided:
                term += ": not decided in time"
            number = [f"{values[name]:.4g}" if name in values else ""] if values is not None else []
            rows.append([name, literal(goal.weight), f"{goal.left} = {goal.right}", *number, term])
        heads = ["goal", "weight", "equation", *([] if values is None else ["value"]), "term"]
        lines = [table(rows, heads)] if rows else []
        if values is not None:
            before, after = self._total(values, self.diagram.goals), self._total(values, self.kept)
            lines.append(f"total: {before:.4g} with all goals, {after:.4g} with those that are kept")
        return "\n".join(lines)

    def _total(self, values: Mapping[str, float], names: Collection[str]) -> float:
        goals = self.diagram.goals
        weights = {name: goals[name].weight for name in names if name in values}
        return sum(values[name] * (w if isinstance(w, float | int) else float(w(0))) for name, w in weights.items())

    def _reason(self, name: str) -> str:
        return "follows from " + ", ".join(self.premises(name)) if self.premises(name) else "its sides are equal"

    def __str__(self) -> str:
        goals = self.diagram.goals
        lines = [self.table()] if goals else []
        count = f"{len(self.kept)} of {len(goals)} terms are kept"
        if not self.proofs:
            return "\n".join([*lines, f"{count}: none follows from the others"])
        lines.append(f"{count}; the zero set is the same, what is weighed is not: {'; '.join(self._weighting())}")
        return "\n".join(lines)

    def _weighting(self) -> Iterator[str]:
        """What counts less than before, by the premises in whose place it was counted too."""
        by_premises: dict[tuple[str, ...], list[str]] = {}
        for name in self.proofs:
            carried = tuple(used for used in self.premises(name) if used in self.diagram.goals)
            by_premises.setdefault(carried, []).append(name)
        for carried, names in by_premises.items():
            counts, itself = ("counts", "itself") if len(names) == 1 else ("count", "themselves")
            if not carried:
                yield f"{', '.join(names)} counted nothing that could be different"
            else:
                far = f"{', '.join(carried)} {'is' if len(carried) == 1 else 'are'} not met"
                yield f"{', '.join(names)} {counts} no more by {itself}, only as far as {far}"


def pruning_asked(diagram: Diagram, way: str | None) -> Pruning | None:
    """What `compile(prune=way)` asks for; raises where it says something else than it may."""
    if way is None:
        return None
    if way not in WAYS:
        raise DiagramError(f"prune: there is no {way!r}{suggestion(str(way), WAYS)}; it is 'derivable' or None")
    return prune(diagram)


def prune(diagram: Diagram, max_seconds: float = 10.0) -> Pruning:
    """Finds the goals to leave out; see the module. What is not decided within the time is kept.

    Sources: dropping consequences one after the other until none is left gives an irredundant set of generators of the
    same congruence, in general not the only one.
    """
    end = monotonic() + max_seconds
    apart = _apart(diagram)
    search = _Search(diagram, apart, end)
    order = sorted(
        (name for name in diagram.goals if name not in apart),
        key=lambda name: (_length(diagram.goals[name]), list(diagram.goals).index(name)),
        reverse=True,
    )
    possible, late = [], []
    for name in order:
        # Both tests are exact and look at all premises at once; most goals are settled by them.
        if monotonic() > end:
            late.append(name)
        elif search.possible(name):
            possible.append(name)
    for name in possible:
        found = search.proofs(name)
        if found is None:
            late.append(name)
        elif found:
            search.dropped[name] = found
    return Pruning(diagram, search.final(late), apart, tuple(sorted(late, key=list(diagram.goals).index)))


class _Search:
    """Questions to the goals that are still kept; `dropped` has those that are not, with their proofs."""

    def __init__(self, diagram: Diagram, apart: Collection[str], end: float) -> None:
        self.diagram = diagram
        self.end = end
        self.dropped: dict[str, tuple[Proved, ...]] = {}
        self._members = [name for name in diagram.goals if name not in apart]
        unusable = set(diagram.laws) - set(usable_laws(diagram))
        self._laws = list(equations(diagram, "laws", without=unusable))
        self._goals: dict[str, list[Equation]] = {name: [] for name in self._members}
        for equation in equations(diagram, "goals", apart):
            self._goals[equation.source].append(equation)
        self._stages = {
            name: frozenset(s.name for s in diagram.stages.values() if name in s.by) for name in self._members
        }
        self._all = self._relevance(self._members)
        self._last: tuple[list[str], Relevance] = (self._members, self._all)

    def _relevance(self, goals: Sequence[str]) -> Relevance:
        stated = [*self._laws, *(equation for name in goals for equation in self._goals[name])]
        return Relevance(self.diagram.name, self.diagram.generators.values(), stated)

    def possible(self, name: str) -> bool:
        """Whether a goal may follow from all others together, as far as can be told without a proof search."""
        return self._all.counts_allow(name) and all(
            Question(self._all, stated.left, stated.right, name).rules is not None for stated in self._goals[name]
        )

    def proofs(self, name: str) -> tuple[Proved, ...] | None:
        """The proofs of a goal's equations from the others that are kept; () if there are none, None if undecided."""
        stages = self._stages[name]
        goals = [n for n in self._members if n == name or (n not in self.dropped and stages <= self._stages[n])]
        if self._last[0] != goals:
            self._last = goals, self._relevance(goals)
        found = []
        for stated in self._goals[name]:
            seconds = max(0.0, min(ONE, self.end - monotonic()))
            verdict = Question(self._last[1], stated.left, stated.right, name).answer(seconds)
            if verdict is None or verdict.holds is False:
                return ()
            if not isinstance(verdict, Proved):
                return None
            found.append(verdict)
        return tuple(found)

    def final(self, late: list[str]) -> dict[str, tuple[Proved, ...]]:
        """The goals that are dropped, in the order of declaration, proved from nothing but what is kept.

        A goal was proved when goals that were dropped later were still there; one for which there is no time to find
        another proof is kept after all, and added to `late`.
        """
        for name in [name for name in self.diagram.goals if name in self.dropped]:
            used = {step.law.partition("#")[0] for verdict in self.dropped[name] for step in verdict.proof.steps}
            if used.isdisjoint(self.dropped):
                continue
            again = self.proofs(name)
            if again:
                self.dropped[name] = again
            else:
                del self.dropped[name]
                late.append(name)
        return {name: self.dropped[name] for name in self.diagram.goals if name in self.dropped}


def _apart(diagram: Diagram) -> dict[str, str]:
    """The goals that take no part, with the reason."""
    playing, found = players(diagram), {}
    for goal in diagram.goals.values():
        terms = applications(term for m in (goal.left, goal.right, *goal.on) for term in m.terms)
        roles = {diagram.roles[t.head.name] for t in terms if t.head is not None and not isinstance(t.head, str)}
        if goal.name in playing:
            why = "it plays a game"
        elif goal.by.zero is not Zero.EQUAL:
            why = f"{goal.by} does not separate its sides"
        elif not isinstance(goal.weight, float | int):
            why = "its weight changes with the steps"
        elif goal.weight <= 0:
            why = "its weight is not above 0"
        elif goal.train is not None:
            why = "it moves those models only that it names"
        elif any(isinstance(term.head, str) for term in terms):
            why = "gradients are stopped in it"
        elif "ema" in roles:
            why = "it mentions an average, which no gradient reaches"
        elif roles.isdisjoint(("model", "map")):
            why = "it mentions no model, so that nothing makes it true"
        else:
            continue
        found[goal.name] = why
    return found


def _length(goal: Goal) -> int:
    """How many maps and data a goal applies, each application once, along all that it is sampled on."""
    sides = [m >> side for m in goal.on for side in (goal.left, goal.right)] or [goal.left, goal.right]
    return len(applications(term for side in sides for term in side.terms))
