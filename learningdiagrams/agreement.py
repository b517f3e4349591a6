"""How far equations are from holding: evaluation over all data, and residuals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from learningdiagrams import losses
from learningdiagrams.data import as_data
from learningdiagrams.declarations import possible_on
from learningdiagrams.errors import DiagramError, suggestion
from learningdiagrams.plan import make_plan
from learningdiagrams.tables import table
from learningdiagrams.theory.morphisms import Morphism
from learningdiagrams.theory.presentations import Law
from learningdiagrams.training.evaluation import BATCH_SIZE, Equation, Evaluator

if TYPE_CHECKING:
    from learningdiagrams.backends.base import Maps
    from learningdiagrams.diagram import Diagram

__all__ = ["Evaluator", "Residuals", "evaluate", "residuals", "sampled_law"]


def evaluate(
    maps: Maps,
    diagram: Diagram,
    data: Any,
    *,
    step: int,
    seed: int,
    batch_size: int = BATCH_SIZE,
    equations: Iterable[str | Equation] | None = None,
) -> dict[str, float]:
    """The value of each equation's comparator over all the data.

    Args:
        data: anything :func:`~learningdiagrams.data.as_data` takes.
        step, seed: key the noise.
        equations: goals, measures or laws, by name or value; None for all goals and measures. Those whose
            sample objects the data lack are left out.
    """
    return Evaluator(maps, diagram, equations)(data, step=step, seed=seed, batch_size=batch_size)


class NotMeasured(DiagramError, KeyError):
    """There is no such residual: the name is unknown, or nothing measured it.

    A `KeyError` too, as of every mapping, so that `get` and `in` do what they do elsewhere.
    """

    def __str__(self) -> str:
        return DiagramError.__str__(self)  # a KeyError prints the repr of its message


class Residuals(Mapping[str, float]):
    """How far each goal and law is from holding: {name: value of its comparator less the least value it
    could have}.

    Attributes:
        raw: the comparators' values themselves.
        floor: their least values for the right sides as they are: an entropy for `cross_entropy` and `bce`
            against soft targets, 0 for everything else (what else `info_nce` could reach is not known).
        unmeasured: laws that could not be measured, with the reason.
    """

    def __init__(
        self,
        diagram: Diagram,
        raw: Mapping[str, float],
        floor: Mapping[str, float],
        unmeasured: Mapping[str, str],
    ) -> None:
        self.raw: dict[str, float] = dict(raw)
        self.floor: dict[str, float] = {name: floor.get(name, 0.0) for name in raw}
        self.unmeasured: dict[str, str] = dict(unmeasured)
        self._diagram = diagram

    def __getitem__(self, name: str) -> float:
        if name not in self.raw:
            why = f": {self.unmeasured[name]}" if name in self.unmeasured else suggestion(name, self.raw)
            raise NotMeasured(f"there is no residual of `{name}`{why}")
        floor = self.floor[name]
        return max(self.raw[name] - floor, 0.0) if floor else self.raw[name]

    def __contains__(self, name: object) -> bool:
        return name in self.raw

    def __iter__(self) -> Iterator[str]:
        return iter(self.raw)

    def __len__(self) -> int:
        return len(self.raw)

    def __repr__(self) -> str:
        rows = []
        for name in self.raw:
            goal = self._diagram.goals.get(name)
            equation = goal or self._diagram.laws[name]
            floor = f"{self.floor[name]:.4g}" if self.floor[name] else ""
            by = str(goal.by) if goal else "mse"
            kind = "goal" if goal else "law"
            rows.append([kind, name, f"{equation.left} = {equation.right}", by, f"{self[name]:.4g}", floor])
        lines = (
            [table(rows, ["", "", "equation", "by", "residual", "floor taken off"])] if rows else ["nothing measured"]
        )
        lines += [f"law {name} is not measured: {reason}" for name, reason in self.unmeasured.items()]
        return "\n".join(lines)

    def _repr_svg_(self) -> str | None:
        from learningdiagrams.drawing.notebooks import diagram_svg

        return diagram_svg(self._diagram, self)

    def _repr_html_(self) -> str:
        from learningdiagrams.drawing.notebooks import residuals_html

        return residuals_html(self._diagram, self, self.floor, self.unmeasured)


def residuals(
    maps: Maps, diagram: Diagram, data: Any, *, step: int, seed: int, batch_size: int = BATCH_SIZE
) -> Residuals:
    """How far each goal and each law is from holding on the data.

    A law is measured by `mse`, along the morphisms from sample objects that reach its source and for which
    there are data.
    """
    found = as_data(diagram, data)
    on: dict[str, tuple[Morphism, ...]] = {}
    unmeasured: dict[str, str] = {}
    for name, law in diagram.laws.items():
        try:
            on[name] = sampled_law(maps, diagram, law)
        except DiagramError as error:
            unmeasured[name] = str(error).removeprefix(f"{name}: ")
    equations = [*diagram.goals, *on]
    evaluator = Evaluator(maps, diagram, equations, on=on, floors=True)
    raw, floor = evaluator.measure(found, step=step, seed=seed, batch_size=batch_size)
    for name in on:
        if name not in raw:
            unmeasured[name] = f"the data hold no rows of {', '.join(sorted(evaluator.needs[name]))}"
    return Residuals(diagram, raw, floor, unmeasured)


def sampled_law(maps: Maps, diagram: Diagram, law: Law) -> tuple[Morphism, ...]:
    """The morphisms along which a law is measured; raises where it cannot be."""
    source = law.left.dom
    if not source.factors or source in diagram.sample_objects:
        _computable(maps, diagram, law, ())
        return ()
    reaching = possible_on(diagram, source)
    if not reaching:
        raise DiagramError(f"no data reach {source}, where its sides start")
    usable, reason = [], None
    for along in reaching:
        try:
            _computable(maps, diagram, law, (along,))
            usable.append(along)
        except DiagramError as error:
            reason = error
    if not usable and reason is not None:
        raise reason
    return tuple(usable)


def _computable(maps: Maps, diagram: Diagram, law: Law, along: tuple[Morphism, ...]) -> None:
    plan = make_plan(diagram, [law], moves=(), by={law.name: losses.mse()}, on={law.name: along})
    for name in plan.generators:
        if not maps.has(name):
            raise DiagramError(f"`{name}` has no realisation")
