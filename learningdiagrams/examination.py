"""What can be told of a diagram without a tensor: what follows from what, and what looks wrong."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from time import monotonic
from typing import Final

from learningdiagrams.declarations import Goal
from learningdiagrams.diagram import Diagram
from learningdiagrams.errors import DiagramError, suggestion
from learningdiagrams.plan import make_plan
from learningdiagrams.shapes import check_plan, layer_shapes
from learningdiagrams.theory.deciding import Proved, Verdict
from learningdiagrams.theory.morphisms import Morphism, Object
from learningdiagrams.theory.presentations import Presentation
from learningdiagrams.theory.terms import applications, substitute, unmarked

__all__ = ["Findings", "examine", "hypothesis", "players", "prove"]

USING: Final = ("laws", "goals", "all")


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


def hypothesis(diagram: Diagram, using: str = "all", without: Collection[str] = ()) -> Presentation:
    """The presentation in which the diagram's laws, its goals, or both, are laws.

    A goal that is sampled on d is the equation after d; one sampled on several is several equations, named `goal`,
    `goal#2` … Goals in `without`, and players, are left out.
    """
    if using not in USING:
        raise DiagramError(f"using: there is no {using!r}{suggestion(using, USING)}; it is laws, goals or all")
    made = Presentation(diagram.name)
    made.objects(*diagram.sorts)

    def there(morphism: Morphism) -> Morphism:
        return translated(morphism, made)

    for name, morphism in diagram.generators.items():
        made.morphism(name, _object(morphism.dom, made), _object(morphism.cod, made))
    if using != "goals":
        for law in diagram.laws.values():
            made.law(there(law.left), there(law.right), name=law.name)
    if using != "laws":
        left_out = players(diagram) | set(without)
        for goal in diagram.goals.values():
            if goal.name in left_out:
                continue
            left, right = there(goal.left), there(goal.right)
            if not goal.on:
                made.law(left, right, name=goal.name)
            for i, along in enumerate(goal.on):
                made.law(there(along) >> left, there(along) >> right, name=goal.name + (f"#{i + 1}" if i else ""))
    return made


def _object(obj: Object, there: Presentation) -> Object:
    return there.signature.product(there.sorts[sort.name] for sort in obj.factors)


def translated(morphism: Morphism, there: Presentation) -> Morphism:
    """A morphism read in another presentation with the same names, its marks forgotten."""
    return substitute(
        morphism,
        lambda obj: _object(obj, there),
        lambda generator: there.generators[generator.name],
        keep_marks=False,
    )


def prove(diagram: Diagram, left: Morphism, right: Morphism, using: str = "all", max_seconds: float = 10.0) -> Verdict:
    """Decides left = right from laws, from goals as if they held as equations, or from both."""
    # A diagram only grows, so that its sizes tell whether what was learned of it still stands.
    state = (using, len(diagram.generators), len(diagram.laws), len(diagram.goals))
    made = diagram.hypotheses.get(state)
    if made is None:
        made = hypothesis(diagram, using)
        diagram.hypotheses.clear()
        diagram.hypotheses[state] = made
    return made.prove(translated(left, made), translated(right, made), max_seconds=max_seconds)


@dataclass(frozen=True)
class Findings:
    """What an examination found.

    Attributes:
        derivable: for each goal that follows from the laws and the other goals, the proof.
        warnings: what looks wrong, a line each.
        undecided: goals for which it could not be told in time.
    """

    diagram: Diagram
    derivable: dict[str, Proved]
    warnings: tuple[str, ...]
    undecided: tuple[str, ...] = ()

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
        for name, verdict in self.derivable.items():
            used = dict.fromkeys(step.law for step in verdict.proof.steps)
            lines.append(
                f"derivable: goal `{name}` follows from " + (", ".join(used) or "nothing: its sides are equal")
            )
        if self.undecided:
            some = ", ".join(self.undecided[:5]) + (", …" if len(self.undecided) > 5 else "")
            lines.append(f"not decided in time: whether {len(self.undecided)} goals follow from the others ({some})")
        lines += [f"warning: {warning}" for warning in self.warnings]
        return "\n".join(line for line in lines if line)


def _list(word: str, names: list[str]) -> str:
    return f"{word + ' (' + str(len(names)) + ')':<14} {', '.join(names)}" if names else ""


def examine(diagram: Diagram, max_seconds: float = 10.0) -> Findings:
    """Examines a diagram: goals that follow from the others, and what looks wrong.

    Raises:
        DiagramError: shapes that contradict each other, as far as objects and built-in layers tell them.
    """
    if diagram.models or diagram.sample_objects:
        equations = [*diagram.goals.values(), *diagram.measures.values()]
        check_plan(make_plan(diagram, equations, moves=(), keep_equal=True), layer_shapes(diagram))
    end = monotonic() + max_seconds
    derivable: dict[str, Proved] = {}
    undecided: list[str] = []
    for goal in diagram.goals.values():
        left_over = end - monotonic()
        if left_over <= 0:
            undecided.append(goal.name)
            continue
        made = hypothesis(diagram, "all", without={goal.name})
        along = goal.on or (None,)
        verdicts = []
        for morphism in along:
            sides = (goal.left, goal.right) if morphism is None else (morphism >> goal.left, morphism >> goal.right)
            verdicts.append(
                made.prove(*(translated(side, made) for side in sides), max_seconds=max(0.01, end - monotonic()))
            )
        if all(isinstance(verdict, Proved) for verdict in verdicts):
            derivable[goal.name] = verdicts[0]  # type: ignore[assignment]  # all are proved
        elif any(verdict.holds is None for verdict in verdicts):
            undecided.append(goal.name)
    return Findings(diagram, derivable, tuple(_warnings(diagram)), tuple(undecided))


def _warnings(diagram: Diagram) -> Iterable[str]:
    used: set[str] = set()
    moved: set[str] = set()
    for equation in [*diagram.goals.values(), *diagram.measures.values(), *diagram.laws.values()]:
        sides = [equation.left, equation.right, *getattr(equation, "on", ())]
        names = {t.head.name for s in sides for t in applications(s.terms) if t.head and not isinstance(t.head, str)}
        used |= names
        if isinstance(equation, Goal):
            trained = names & set(diagram.models)
            moved |= trained if equation.train is None else trained & set(equation.train)
            if not trained:
                yield f"goal `{equation.name}` mentions no model, so that nothing makes it true"
    followed = {s.model for n, s in diagram.specs.items() if diagram.roles[n] == "ema"}  # type: ignore[attr-defined]
    for name, role in diagram.roles.items():
        if role == "model" and name not in moved and diagram.goals:
            yield f"no goal moves the model `{name}`"
        elif name not in used | followed and (diagram.goals or diagram.laws):
            yield f"`{name}` occurs in no equation"
    ends = {sort for m in diagram.generators.values() for sort in (*m.dom.factors, *m.cod.factors)}
    for name, sort in diagram.sorts.items():
        if sort not in ends:
            yield f"no generator starts or ends at the object {name}"
