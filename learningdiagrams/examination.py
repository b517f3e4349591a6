"""What can be told of a diagram without a tensor: what follows from what, and what looks wrong."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Final, TypeVar

from learningdiagrams.collapse import Collapse, collapses
from learningdiagrams.contradictions import Contradiction, contradictions
from learningdiagrams.declarations import Goal
from learningdiagrams.diagram import Diagram
from learningdiagrams.errors import DiagramError, suggestion
from learningdiagrams.losses import Zero
from learningdiagrams.plan import make_plan
from learningdiagrams.relevance import Equation, Question, Relevance, translated, translated_object
from learningdiagrams.shapes import built_in, check_plan, layer_shapes
from learningdiagrams.theory.deciding import Proved, Verdict
from learningdiagrams.theory.morphisms import Morphism
from learningdiagrams.theory.presentations import Presentation
from learningdiagrams.theory.showing import Printed
from learningdiagrams.theory.terms import applications, unmarked

__all__ = ["Findings", "equations", "examine", "hypothesis", "players", "premises", "prove", "translated"]

K = TypeVar("K")

USING: Final = ("laws", "goals", "all")

DERIVING: Final = 0.6
"""The share of the time that goes to which goals follow from others; the rest goes to contradictions."""
FIRST: Final = 0.02
"""Seconds that a question gets before all others had their turn."""
SHOWN: Final = 8
"""Steps of a proof that are printed."""
WIDEST: Final = 160
"""Letters of a line of a proof that are printed."""


def players(diagram: Diagram) -> frozenset[str]:
    """Goals that play a game: one left side, different right sides, disjoint `train`. They prove nothing.

    A generator is to make `fake >> judge = real` true, its judge to make it false: no equation holds in the end.
    """
    groups: dict[tuple[Morphism, ...], list[Goal]] = {}
    for goal in diagram.goals.values():
        left = unmarked(goal.left)
        groups.setdefault(tuple(m >> left for m in goal.on) or (left,), []).append(goal)
    found = set()
    for goals in groups.values():
        for one in goals:
            for two in goals:
                apart = one.train and two.train and not set(one.train) & set(two.train)
                if apart and unmarked(one.right) != unmarked(two.right):
                    found |= {one.name, two.name}
    return frozenset(found)


def equations(diagram: Diagram, using: str = "all", without: Collection[str] = ()) -> Iterator[Equation]:
    """The diagram's laws, its goals, or both, as equations; marks are forgotten.

    A goal that is sampled on d is the equation after d; one sampled on several is several equations, named `goal`,
    `goal#2` … Laws and goals in `without`, and players, are left out.
    """
    if using not in USING:
        raise DiagramError(f"using: there is no {using!r}{suggestion(using, USING)}; it is laws, goals or all")
    if using != "goals":
        for law in diagram.laws.values():
            if law.name not in without:
                yield Equation(law.name, law.name, unmarked(law.left), unmarked(law.right))
    if using != "laws":
        left_out = players(diagram) | set(without)
        for goal in diagram.goals.values():
            if goal.name not in left_out:
                yield from _of_goal(goal)


def _of_goal(goal: Goal) -> Iterator[Equation]:
    left, right = unmarked(goal.left), unmarked(goal.right)
    if not goal.on:
        yield Equation(goal.name, goal.name, left, right)
    for i, along in enumerate(map(unmarked, goal.on)):
        yield Equation(goal.name + (f"#{i + 1}" if i else ""), goal.name, along >> left, along >> right)


def hypothesis(diagram: Diagram, using: str = "all", without: Collection[str] = ()) -> Presentation:
    """The presentation whose laws are the :func:`equations` of a diagram."""
    stated = list(equations(diagram, using, without))
    made = Presentation(diagram.name)
    made.objects(*diagram.sorts)
    for name, morphism in diagram.generators.items():
        made.morphism(name, translated_object(morphism.dom, made), translated_object(morphism.cod, made))
    for name, _, left, right in stated:
        made.law(translated(left, made), translated(right, made), name=name)
    return made


def prove(
    diagram: Diagram,
    left: Morphism,
    right: Morphism,
    using: str = "all",
    max_seconds: float = 10.0,
    without: Collection[str] = (),
) -> Verdict:
    """Decides left = right from laws, from goals as if they held as equations, or from both; not from `without`."""
    for name in without:
        if name not in diagram.laws and name not in diagram.goals:
            near = suggestion(name, [*diagram.laws, *diagram.goals])
            raise DiagramError(f"without: there is no law or goal `{name}` in {diagram.name}{near}")
    made = hypothesis(diagram, using, without) if without else premises(diagram, using)
    return made.prove(translated(left, made), translated(right, made), max_seconds=max_seconds)


def premises(diagram: Diagram, using: str = "all") -> Presentation:
    """The :func:`hypothesis` of a diagram as it stands, kept with what is learned of it for the next question."""
    # A diagram only grows, so that its sizes tell whether what was learned of it still stands.
    state = (using, len(diagram.generators), len(diagram.laws), len(diagram.goals))
    made = diagram.hypotheses.get(state)
    if made is None:
        made = hypothesis(diagram, using)
        diagram.hypotheses.clear()
        diagram.hypotheses[state] = made
    return made


@dataclass(frozen=True)
class Findings(Printed):
    """What an examination found.

    Attributes:
        derivable: for each goal that follows from the laws and the other goals, the proof of each of its equations.
        contradictions: what follows from all goals together and cannot be had, with proofs.
        players: goals that play a game against each other, and are no hypotheses.
        warnings: what looks wrong, a line each.
        collapses: constant maps that meet goals, with the kinds of goals that would prevent each.
        undecided: goals for which it could not be told in time whether they follow from the others.
        open: what else could not be told in time, in words.
    """

    diagram: Diagram
    derivable: Mapping[str, tuple[Proved, ...]]
    contradictions: tuple[Contradiction, ...] = ()
    players: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    undecided: tuple[str, ...] = ()
    open: tuple[str, ...] = field(default=(), repr=False)
    collapses: tuple[Collapse, ...] = ()

    def __str__(self) -> str:
        d = self.diagram
        lines = [f"diagram {d.name}"]
        lines.append(_list("objects", [f"{name}{d.spaces[name]}" for name in d.sorts]))
        for role in dict.fromkeys(d.roles.values()):
            names = [name for name, other in d.roles.items() if other == role]
            lines.append(_list({"map": "maps", "model": "models", "ema": "averages"}.get(role, role), names))
        lines.append(_list("laws", list(d.laws)))
        lines.append(_list("goals", list(d.goals)))
        lines.append(_list("measures", list(d.measures)))
        lines.append(_list("stages", list(d.stages)))
        if self.players:
            lines.append(f"game: {_some(self.players)} play against each other, so that nothing is proved from them")
        for name, proofs in self.derivable.items():
            used = tuple(dict.fromkeys(step.law for verdict in proofs for step in verdict.proof.steps))
            follows = "follows from " + (", ".join(used) or "nothing: its sides are equal")
            lines.append(f"derivable: goal `{name}` {follows}{_caveat(d, used)}")
            lines += _proofs(proofs)
        for contradiction in self.contradictions:
            lines.append(f"contradiction: {contradiction}{_caveat(d, contradiction.used)}")
            lines += _proofs(contradiction.proofs)
        if self.undecided:
            goals = f"{len(self.undecided)} goals follow" if len(self.undecided) > 1 else "a goal follows"
            lines.append(f"not decided in time: whether {goals} from the others ({_some(self.undecided)})")
        if self.open:
            lines.append(f"not decided in time: whether {_some(self.open)}")
        lines += [f"collapse: {collapse}" for collapse in self.collapses]
        lines += [f"warning: {warning}" for warning in self.warnings]
        return "\n".join(line for line in lines if line)


def _some(names: tuple[str, ...]) -> str:
    return ", ".join(names[:5]) + (", …" if len(names) > 5 else "")


def _proofs(proofs: Iterable[Proved]) -> Iterator[str]:
    """Proofs as indented lines, each cut where it gets long."""
    for verdict in proofs:
        if verdict.proof.steps:
            lines = str(verdict.proof).splitlines()
            yield from (f"    {_cut(line)}" for line in lines[: SHOWN + 1])
            if len(lines) > SHOWN + 1:
                yield f"      … and {len(lines) - SHOWN - 1} steps more"


def _cut(line: str) -> str:
    return line if len(line) <= WIDEST else line[: WIDEST - 2] + " …"


def _caveat(diagram: Diagram, used: Iterable[str]) -> str:
    """Which of the goals that were used may be as good as met without being equations, by their comparators."""
    goals = dict.fromkeys(name.partition("#")[0] for name in used)
    loose = [
        f"`{name}` by {diagram.goals[name].by}"
        for name in goals
        if name in diagram.goals and diagram.goals[name].by.zero is not Zero.EQUAL
    ]
    if not loose:
        return ""
    ask = "does not ask" if len(loose) == 1 else "do not ask"
    return f" (goals read as equations, though {_some(tuple(loose))} {ask} for equal sides)"


def _list(word: str, names: list[str]) -> str:
    return f"{word + ' (' + str(len(names)) + ')':<14} {', '.join(names)}" if names else ""


def examine(diagram: Diagram, max_seconds: float = 10.0) -> Findings:
    """Examines a diagram: goals that follow from the others, and what looks wrong.

    Raises:
        DiagramError: shapes that contradict each other, as far as objects and built-in layers tell them.
    """
    if diagram.models or diagram.sample_objects:
        compared = [*diagram.goals.values(), *diagram.measures.values()]
        plan = make_plan(diagram, compared, moves=(), keep_equal=True)
        check_plan(plan, layer_shapes(diagram), layers=built_in(diagram, diagram.specs))
    warnings, playing = tuple(_warnings(diagram)), players(diagram)
    game = tuple(name for name in diagram.goals if name in playing)
    constant = collapses(diagram)
    if max_seconds <= 0:
        late = tuple(diagram.goals)
        return Findings(diagram, {}, players=game, warnings=warnings, undecided=late, collapses=constant)
    start = monotonic()
    premises = Relevance(diagram.name, diagram.generators.values(), list(equations(diagram)))
    laws = Relevance(diagram.name, diagram.generators.values(), list(equations(diagram, "laws")))
    derivable, undecided = _derivable(diagram, premises, start + DERIVING * max_seconds)
    found, left_open = contradictions(diagram, premises, laws, start + max_seconds)
    return Findings(diagram, derivable, tuple(found), game, warnings, tuple(undecided), tuple(left_open), constant)


def _derivable(diagram: Diagram, premises: Relevance, end: float) -> tuple[dict[str, tuple[Proved, ...]], list[str]]:
    """The goals that follow from the others with their proofs, and those of which it was not found out in time."""
    waiting: dict[tuple[str, int], Question] = {}
    late: list[str] = []
    for goal in diagram.goals.values():
        if monotonic() > end:
            late.append(goal.name)
            continue
        asked = [Question(premises, stated.left, stated.right, goal.name) for stated in _of_goal(goal)]
        if premises.counts_allow(goal.name) and all(question.rules is not None for question in asked):
            waiting |= {(goal.name, i): question for i, question in enumerate(asked)}
    proofs: dict[tuple[str, int], Proved | None] = dict.fromkeys(waiting)
    possible = dict.fromkeys(name for name, _ in waiting)
    # Every question gets a short time first; those that were not decided get more, as long as there is some.
    seconds = FIRST
    while waiting and monotonic() < end:
        still: dict[tuple[str, int], Question] = {}
        for (name, i), question in waiting.items():
            began = monotonic()
            if name not in possible or began > end:
                continue
            verdict = question.answer(max(0.0, min(seconds, end - began)))
            if isinstance(verdict, Proved):
                proofs[name, i] = verdict
            elif verdict is None or verdict.holds is False:
                del possible[name]
            elif monotonic() - began > seconds / 2:
                still[name, i] = question
            # An answer that came before its time was over is not going to change: the goal stays undecided.
        waiting, seconds = still, 4 * seconds
    of_goal: dict[str, list[Proved | None]] = {name: [] for name in possible}
    for (name, _), proof in proofs.items():
        if name in possible:
            of_goal[name].append(proof)
    derivable = {name: tuple(found for found in some if found) for name, some in of_goal.items() if None not in some}
    return derivable, [*(name for name in possible if name not in derivable), *late]


def _warnings(diagram: Diagram) -> Iterable[str]:
    used: set[str] = set()
    moved: set[str] = set()
    models = set(diagram.models)
    for equation in [*diagram.goals.values(), *diagram.measures.values(), *diagram.laws.values()]:
        sides = [equation.left, equation.right, *getattr(equation, "on", ())]
        names = {t.head.name for s in sides for t in applications(s.terms) if t.head and not isinstance(t.head, str)}
        used |= names
        if isinstance(equation, Goal):
            trained = names & models
            moved |= trained if equation.train is None else trained & set(equation.train)
            if not trained:
                yield f"goal `{equation.name}` mentions no model, so that nothing makes it true"
    used |= {average.model for average in diagram.averages.values()}
    for name, role in diagram.roles.items():
        if role == "model" and name not in moved and diagram.goals:
            yield f"no goal moves the model `{name}`"
        elif name not in used and (diagram.goals or diagram.laws):
            yield f"`{name}` occurs in no equation"
    ends = {sort for m in diagram.generators.values() for sort in (*m.dom.factors, *m.cod.factors)}
    for name, sort in diagram.sorts.items():
        if sort not in ends:
            yield f"no generator starts or ends at the object {name}"
