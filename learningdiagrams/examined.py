"""What can be told of a compiled diagram with data at hand: residuals, bounds, gradients, and what may be constant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from time import monotonic
from typing import TYPE_CHECKING, Any

from learningdiagrams.agreement import Residuals, sampled_law
from learningdiagrams.bounds import Bound, bound, bounds_table
from learningdiagrams.collapse import Collapse, collapses
from learningdiagrams.conflicts import Conflicts, conflicts
from learningdiagrams.data import Data, Stream
from learningdiagrams.errors import DiagramError
from learningdiagrams.examination import equations as stated_equations
from learningdiagrams.language import parse_equation
from learningdiagrams.losses import Zero
from learningdiagrams.plan import sampled
from learningdiagrams.relevance import Question, Relevance
from learningdiagrams.rewriting import usable_laws
from learningdiagrams.theory.deciding import Proved, Verdict
from learningdiagrams.theory.morphisms import Morphism
from learningdiagrams.theory.presentations import Law, check_parallel
from learningdiagrams.theory.showing import framed, pre
from learningdiagrams.theory.terms import unmarked

if TYPE_CHECKING:
    from learningdiagrams.compiled import Compiled
    from learningdiagrams.diagram import Diagram

__all__ = ["Examination", "answer", "bounded", "first_rows", "premises_in_turn", "provable"]

ONE = 0.5
"""Seconds for one equation."""


@dataclass(frozen=True)
class Examination:
    """What an examination on data found; `residuals` are over all the data, the rest on its first rows.

    Attributes:
        residuals: how far each goal and law is from holding, floors taken off.
        bounds: for each equation that the goals prove, its distance and the bound on it.
        conflicts: angles of gradients; models and goals that nothing moves.
        collapses: constant maps that would meet goals.
        undecided: equations of which it was not found out in time whether the goals prove them.
    """

    residuals: Residuals
    bounds: tuple[Bound, ...]
    conflicts: Conflicts
    collapses: tuple[Collapse, ...]
    undecided: tuple[str, ...] = ()

    def __str__(self) -> str:
        parts = [("residuals", str(self.residuals))]
        if self.bounds:
            parts.append(("distances and bounds of what the goals prove", bounds_table(self.bounds)))
        parts.append(("gradients", str(self.conflicts)))
        if self.collapses:
            parts.append(("collapse", "\n".join(map(str, self.collapses))))
        if self.undecided:
            parts.append(("not decided in time", ", ".join(self.undecided)))
        return "\n\n".join(f"{title}\n{'-' * len(title)}\n{body}" for title, body in parts)

    __repr__ = __str__

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        gradients, left = self.conflicts, self.residuals
        return {
            "residuals": {
                name: {"residual": left[name], "value": left.raw[name], "floor": left.floor[name]} for name in left
            },
            "unmeasured": dict(left.unmeasured),
            "bounds": [one.to_json() for one in self.bounds],
            "gradients": {
                "norms": dict(gradients.norms),
                "angles": [{"goals": list(pair), "degrees": angle} for pair, angle in gradients.angles.items()],
                "unmoved": dict(gradients.unmoved),
                "unmovable": dict(gradients.unmovable),
            },
            "collapses": [
                {"constants": dict(one.constants), "goals": list(one.goals), "remedies": list(one.remedies)}
                for one in self.collapses
            ],
            "undecided": list(self.undecided),
        }

    def _repr_html_(self) -> str:
        rest = str(replace(self, residuals=None)).partition("\n\n")[2]
        return framed([self.residuals._repr_html_(), pre(rest)])


def examined(
    compiled: Compiled,
    data: Data | Stream,
    residuals: Residuals,
    equations: Iterable[str | tuple[Morphism | str, Morphism | str]],
    lipschitz: Mapping[str, float] | None,
    rows: int,
    max_seconds: float,
) -> Examination:
    """See :meth:`Compiled.examine`."""
    diagram, maps = compiled.diagram, compiled.maps
    batch = compiled.draw(first_rows(data, rows))
    proved, undecided = provable(compiled, equations, max_seconds)
    found = [bounded(compiled, batch, verdict, name, lipschitz) for name, verdict in proved]
    gradients = conflicts(maps, diagram, batch, step=compiled.step, rewriting=compiled.rewriting)
    return Examination(residuals, tuple(found), gradients, collapses(diagram), undecided)


def bounded(
    compiled: Compiled, batch: Mapping[str, Any], proved: Proved, name: str, lipschitz: Mapping[str, float] | None
) -> Bound:
    """The bound from a proof on the rows of a drawn batch, or why there is none."""
    diagram, dom = compiled.diagram, proved.left.dom
    present = {diagram.generators[each].dom for each in batch if diagram.roles[each] != "ema"}
    here = diagram.sorts.get(str(dom))
    if not dom.factors or here in present:
        return bound(compiled.maps, diagram, batch, proved, name, lipschitz)
    if here in diagram.sample_objects:
        return Bound(name, proved.left, proved.right, reason=f"the data hold no rows of {dom}")
    why = f"it starts at {dom}, where no rows are; compose it with what leads there from a sample object"
    return Bound(name, proved.left, proved.right, reason=why)


def first_rows(data: Data | Stream, rows: int) -> dict[str, Any]:
    """The first rows of each sample object; of a stream its first batch."""
    if isinstance(data, Stream):
        for batch, _ in islice(data.batches(0), 1):
            return batch
        return {}
    return data.batch({sample: slice(0, min(rows, size)) for sample, size in data.sizes.items()})


def provable(
    compiled: Compiled, equations: Iterable[str | tuple[Morphism | str, Morphism | str]], max_seconds: float
) -> tuple[list[tuple[str, Proved]], tuple[str, ...]]:
    """The equations that goals and laws prove: goals and laws about models from the others, measures, and `equations`.

    With those that were not decided in time.
    """
    diagram = compiled.diagram
    premises = premises_in_turn(diagram)
    end = monotonic() + max_seconds
    found, undecided = [], []
    for name, left, right, declared in _asked(compiled, equations):
        if declared and name not in diagram.measures and not premises[-1].counts_allow(name):
            continue
        verdict = answer(premises, left, right, end, name if declared else None)
        if isinstance(verdict, Proved):
            found.append((name, verdict))
        elif verdict is not None and verdict.holds is None:
            undecided.append(name)
        elif not declared:
            raise DiagramError(
                f"equations: `{name}` does not follow from the goals and laws, so that nothing bounds its distance; "
                "add it as a measure to have it measured"
            )
    return found, tuple(dict.fromkeys(undecided))


def premises_in_turn(diagram: Diagram) -> list[Relevance]:
    """What equations are proved from: first laws and goals whose comparators separate their sides, then all of them.

    What is proved from the former is bounded by what training makes small.
    """
    loose = [goal.name for goal in diagram.goals.values() if goal.by.zero is not Zero.EQUAL]
    return [
        Relevance(diagram.name, diagram.generators.values(), list(stated_equations(diagram, without=names)))
        for names in ([loose, []] if loose else [[]])
    ]


def answer(
    premises: Iterable[Relevance], left: Morphism, right: Morphism, end: float, without: str | None = None
) -> Verdict | None:
    """The verdict from the first premises that prove an equation, or from the last; None where there can be no proof.

    `end` is the time at which asking ends, `without` a declaration that may not be used.
    """
    verdict = None
    for some in premises:
        question = Question(some, unmarked(left), unmarked(right), without)
        verdict = question.answer(max(0.0, min(ONE, end - monotonic())))
        if isinstance(verdict, Proved):
            break
    return verdict


def _asked(
    compiled: Compiled, equations: Iterable[str | tuple[Morphism | str, Morphism | str]]
) -> Iterator[tuple[str, Morphism, Morphism, bool]]:
    """Name, sides and whether it is declared, of every equation that is asked for."""
    diagram = compiled.diagram
    for equation in [*diagram.goals.values(), *diagram.measures.values()]:
        for left, right in sampled(equation):
            yield equation.name, left, right, True
    usable = usable_laws(diagram)
    for law in diagram.laws.values():
        if law.name not in usable:
            for left, right in _sampled_law(compiled, law):
                yield law.name, left, right, True
    for equation in equations:
        left, right = _sides(diagram, equation)
        yield f"{left} = {right}", left, right, False


def _sampled_law(compiled: Compiled, law: Law) -> list[tuple[Morphism, Morphism]]:
    try:
        along = sampled_law(compiled.maps, compiled.diagram, law)
    except DiagramError:
        return []  # residuals say why it is not measured
    return sampled(law, {law.name: along})


def _sides(diagram: Diagram, equation: str | tuple[Morphism | str, Morphism | str]) -> tuple[Morphism, Morphism]:
    if isinstance(equation, str):
        return parse_equation(diagram, equation)
    left, right = (diagram.parse(side) for side in equation)
    check_parallel("equations", left, right)
    return left, right
