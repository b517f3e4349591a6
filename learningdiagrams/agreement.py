"""How far equations are from holding on data: every goal, measure and law, over all rows, in evaluation mode.

Over all data means: as in one batch of all rows, with one draw of the noise, however many batches are taken. A
comparator that averages over samples is averaged over batches by their sizes; any other (`r2`, `retrieval`, `info_nce`, a
function) compares all rows at once, on values that were collected. An equation out of 1 is compared once; several `on`
count alike, each over the rows of its own sample object.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from learningdiagrams import losses
from learningdiagrams.data import Data, Stream, as_data
from learningdiagrams.declarations import Goal, Measure, possible_on
from learningdiagrams.errors import DiagramError, suggestion
from learningdiagrams.history import table
from learningdiagrams.noise import draw_noise, draw_parts
from learningdiagrams.plan import Compare, Input, Plan, Step, make_plan
from learningdiagrams.programs import noise_alone, samples_of
from learningdiagrams.theory.morphisms import Morphism
from learningdiagrams.theory.presentations import Law

if TYPE_CHECKING:
    from learningdiagrams.backends.base import Maps, Program
    from learningdiagrams.diagram import Diagram
    from learningdiagrams.losses import Comparator

__all__ = ["BATCH_SIZE", "Evaluator", "Residuals", "evaluate", "residuals"]

Equation = Goal | Measure | Law
BATCH_SIZE = 1024
ALONE = ""
"""Stands among the sample objects for 1, where equations need no data."""


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
        equations: goals, measures or laws, by name or value; None for all goals and measures. Those whose sample objects
            the data lack are left out.
    """
    return Evaluator(maps, diagram, equations)(data, step=step, seed=seed, batch_size=batch_size)


@dataclass
class _Group:
    """What is measured along one sample object.

    Attributes:
        averaged: a program of the comparisons that average over samples.
        collected: a program of the values that other comparators need; `sides` says where each finds its own.
        rights: a program of the right sides whose entropy is the least value of a comparison; likewise `floors`.
        shares: of each equation, how much of its mean this sample object contributes.
    """

    shares: dict[str, float]
    averaged: Program | None = None
    collected: Program | None = None
    sides: list[tuple[Compare, Program]] = field(default_factory=list)
    rights: Program | None = None
    floors: list[tuple[str, Comparator, tuple[int, ...]]] = field(default_factory=list)
    noise: frozenset[str] = frozenset()


class Evaluator:
    """Measures some equations again and again: programs are made once.

    Args:
        equations: as in :func:`evaluate`.
        on: where each law is sampled, by name.
        floors: whether the least values of comparisons with soft targets are found too.
    """

    def __init__(
        self,
        maps: Maps,
        diagram: Diagram,
        equations: Iterable[str | Equation] | None = None,
        *,
        on: Mapping[str, tuple[Morphism, ...]] | None = None,
        floors: bool = False,
    ) -> None:
        self.maps = maps
        self.diagram = diagram
        self._on = dict(on or {})
        self._groups: dict[str, _Group] = {}
        chosen = _equations(diagram, equations)
        self.needs = {equation.name: samples_of(equation, self._on.get(equation.name, ())) for equation in chosen}
        for sample in dict.fromkeys(sample for needed in self.needs.values() for sample in sorted(needed) or [ALONE]):
            self._groups[sample] = self._group(sample, chosen, floors)

    def __call__(
        self, data: Any, *, step: int, seed: int, batch_size: int = BATCH_SIZE
    ) -> dict[str, float]:
        """The value of each equation over all the data, in the order of the equations."""
        return self.measure(data, step=step, seed=seed, batch_size=batch_size)[0]

    def measure(
        self, data: Any, *, step: int, seed: int, batch_size: int = BATCH_SIZE
    ) -> tuple[dict[str, float], dict[str, float]]:
        """The values, and the least values that they could have with the right sides as they are."""
        rows: dict[str, list[tuple[int, Any]]] = {}
        rights: dict[str, list[tuple[int, Any]]] = {}
        values: dict[str, list[Any]] = {}
        for sample, count, batch in self._batches(as_data(self.diagram, data), step, seed, batch_size):
            group = self._groups[sample]
            if group.averaged is not None:
                rows.setdefault(sample, []).append((count, group.averaged(batch, {}, step).terms))
            if group.collected is not None:
                values.setdefault(sample, []).append(self.maps.numpy(group.collected.outputs(batch)))
            if group.rights is not None:
                found = self.maps.numpy(group.rights.outputs(batch))
                floors = {name: _floor(by, [found[i] for i in places]) for name, by, places in group.floors}
                rights.setdefault(sample, []).append((count, floors))
        means = {sample: _mean(batches, self.maps.numpy) for sample, batches in rows.items()}
        for sample, parts in values.items():
            means.setdefault(sample, {}).update(self._together(self._groups[sample], parts, step))
        least = {sample: _mean(batches, float) for sample, batches in rights.items()}
        return self._combine(means), self._combine(least)

    def _combine(self, means: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
        """The mean over sample objects, of the equations all of whose sample objects were there."""
        out = {}
        for name, needed in self.needs.items():
            samples = sorted(needed) or [ALONE]
            if all(name in means.get(sample, {}) for sample in samples):
                out[name] = sum(self._groups[sample].shares[name] * means[sample][name] for sample in samples)
        return out

    def _group(self, sample: str, equations: list[Equation], floors: bool) -> _Group:
        here: list[Equation] = []
        shares: dict[str, float] = {}
        on: dict[str, tuple[Morphism, ...]] = {}
        for equation in equations:
            if sample not in self.needs[equation.name] and not (sample == ALONE and not self.needs[equation.name]):
                continue
            along = self._on.get(equation.name, ()) if isinstance(equation, Law) else equation.on
            mine = tuple(morphism for morphism in along if str(morphism.dom) == sample)
            shares[equation.name] = len(mine) / len(along) if along else 1.0
            on[equation.name] = mine
            here.append(equation if isinstance(equation, Law) else replace(equation, on=mine))

        def plan(some: list[Equation]) -> Plan:
            by = {law.name: losses.mse() for law in some if isinstance(law, Law)}
            return make_plan(self.diagram, some, moves=(), keep_equal=True, by=by, on=on)

        group = _Group(shares)
        averaged = [e for e in here if isinstance(e, Law) or e.by.samplewise]
        collected = [e for e in here if not (isinstance(e, Law) or e.by.samplewise)]
        inputs: set[str] = set()
        if averaged:
            made = plan(averaged)
            group.averaged = self.maps.program(made)
            inputs |= set(made.inputs)
            soft = [c for c in made.compares if isinstance(c.by, losses.cross_entropy | losses.bce)]
            if floors and soft:
                places = tuple(value for c in soft for _, right in c.pairs for value in right)
                group.rights = self.maps.program(_outputs(made, places))
                for c in soft:
                    start, width = sum(len(p) for _, _, p in group.floors), sum(len(right) for _, right in c.pairs)
                    group.floors.append((c.name, c.by, tuple(range(start, start + width))))
        if collected:
            made = plan(collected)
            inputs |= set(made.inputs)
            places = [value for c in made.compares for left, right in c.pairs for value in left + right]
            group.collected = self.maps.program(_outputs(made, tuple(places)))
            group.sides = [(c, self.maps.program(_comparison(self.diagram, c))) for c in made.compares]
        group.noise = frozenset(name for name in inputs if self.diagram.roles[name] == "noise")
        return group

    def _together(self, group: _Group, parts: list[tuple[Any, ...]], step: int) -> dict[str, float]:
        """The comparisons of values collected from all batches."""
        whole = [np.concatenate(column) for column in zip(*parts, strict=True)]
        out = {}
        for compare, program in group.sides:
            count = sum(len(left) + len(right) for left, right in compare.pairs)
            values, whole = whole[:count], whole[count:]
            terms = program({str(i): value for i, value in enumerate(values)}, {}, step).terms
            out[compare.name] = float(self.maps.numpy(terms[compare.name]))
        return out

    def _batches(
        self, data: Data | Stream, step: int, seed: int, batch_size: int
    ) -> Iterator[tuple[str, int, dict[str, Any]]]:
        """Sample object, number of rows and values, batch by batch, of everything that is needed and there."""
        alone = noise_alone(self.diagram)
        if ALONE in self._groups:
            yield ALONE, 1, {}
        if isinstance(data, Stream):
            for number, (batch, sizes) in enumerate(data.batches(0)):
                for sample, group in self._groups.items():
                    if sample in sizes or sample in alone:
                        own = {n: v for n, v in batch.items() if str(self.diagram.generators[n].dom) == sample}
                        most = max(sizes.values())
                        yield sample, sizes.get(sample, most), draw_noise(
                            self.diagram, own, (step, number), seed, needed=group.noise, rows=most, dtype=self.maps.dtype
                        )
            return
        for sample, group in self._groups.items():
            if sample not in data.sizes and sample not in alone:
                continue
            size = data.sizes.get(sample) or max(data.sizes.values(), default=batch_size)
            parts = [slice(start, min(start + batch_size, size)) for start in range(0, size, batch_size)]
            values = data.of(sample)
            noise = draw_parts(
                self.diagram, values, sample, step, seed, parts, needed=group.noise, axes=data.axes, dtype=self.maps.dtype
            )
            for part, drawn in zip(parts, noise, strict=True):
                yield sample, part.stop - part.start, {**data.take(sample, part), **drawn}


def _equations(diagram: Diagram, equations: Iterable[str | Equation] | None) -> list[Equation]:
    if equations is None:
        return [*diagram.goals.values(), *diagram.measures.values()]
    known: dict[str, Equation] = {**diagram.goals, **diagram.measures, **diagram.laws}
    found = []
    for equation in equations:
        name = equation if isinstance(equation, str) else equation.name
        if name not in known:
            raise DiagramError(f"there is no goal, measure or law `{name}`{suggestion(name, known)}")
        found.append(known[name])
    return found


def _outputs(plan: Plan, values: tuple[int, ...]) -> Plan:
    """A plan that computes these values of another, and only what they need."""
    wanted = set(values)
    steps: list[Step] = []
    for made in reversed(plan.steps):
        if wanted.intersection(made.outs):
            steps.append(made)
            wanted.update(getattr(made, "arguments", ()))
            wanted.update(v for v in (getattr(made, "value", None), getattr(made, "like", None)) if v is not None)
    return Plan(plan.diagram, tuple(reversed(steps)), outputs=values)


def _comparison(diagram: Diagram, compare: Compare) -> Plan:
    """A plan that compares values given by position: the sides of each pair, left before right."""
    steps: list[Step] = []

    def inputs(count: int) -> tuple[int, ...]:
        start = len(steps)
        steps.extend(Input((i,), str(i)) for i in range(start, start + count))
        return tuple(range(start, start + count))

    pairs = tuple((inputs(len(left)), inputs(len(right))) for left, right in compare.pairs)
    return Plan(diagram, tuple(steps), (replace(compare, pairs=pairs, gradient=False),))


def _mean(batches: list[tuple[int, Mapping[str, Any]]], number: Any) -> dict[str, float]:
    """The mean of each term over batches, by their sizes."""
    total = sum(count for count, _ in batches)
    return {
        name: sum(count * float(number(terms[name])) for count, terms in batches) / total for name in batches[0][1]
    }


def _floor(by: Comparator, rights: list[np.ndarray]) -> float:
    """The least value of a comparison with these right sides, the mean over all of them: an entropy."""
    return sum(_entropy(by, right) for right in rights) / len(rights)


def _entropy(by: Comparator, right: np.ndarray) -> float:
    """The mean entropy of a batch of targets; 0 for class numbers, and where they are no probabilities at all."""
    y = np.asarray(right, dtype=np.float64)
    if right.dtype.kind != "f" or y.size == 0 or y.min() < 0:
        return 0.0
    if isinstance(by, losses.bce):
        return float(np.mean(_xlogx(y) + _xlogx(1 - y))) if y.max() <= 1 else 0.0
    # The least of −Σ y log q over probabilities q is at q = y / Σ y, also where y does not sum to 1.
    return float(np.mean(_xlogx(y).sum(-1) - _xlogx(y.sum(-1))))


def _xlogx(y: np.ndarray) -> np.ndarray:
    """−y log y, 0 at 0."""
    return -y * np.log(np.where(y > 0, y, 1.0))


class Residuals(Mapping[str, float]):
    """How far each goal and law is from holding: {name: value of its comparator less the least value it could have}.

    Attributes:
        raw: the comparators' values themselves.
        floor: their least values for the right sides as they are: an entropy for `cross_entropy` and `bce` against soft
            targets, 0 for everything else (what else `info_nce` could reach is not known).
        unmeasured: laws that could not be measured, with the reason.
    """

    def __init__(
        self,
        diagram: Diagram,
        raw: Mapping[str, float],
        floor: Mapping[str, float],
        unmeasured: Mapping[str, str],
    ) -> None:
        self.raw = dict(raw)
        self.floor = {name: floor.get(name, 0.0) for name in raw}
        self.unmeasured = dict(unmeasured)
        self._diagram = diagram

    def __getitem__(self, name: str) -> float:
        if name not in self.raw:
            why = f": {self.unmeasured[name]}" if name in self.unmeasured else suggestion(name, self.raw)
            raise DiagramError(f"there is no residual of `{name}`{why}")
        return self.raw[name] - self.floor[name]

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
        lines = [table(rows, ["", "", "equation", "by", "residual", "floor taken off"])] if rows else ["nothing measured"]
        lines += [f"law {name} is not measured: {reason}" for name, reason in self.unmeasured.items()]
        return "\n".join(lines)


def residuals(
    maps: Maps, diagram: Diagram, data: Any, *, step: int, seed: int, batch_size: int = BATCH_SIZE
) -> Residuals:
    """How far each goal and each law is from holding on the data.

    A law is measured by `mse`, along the morphisms from sample objects that reach its source.
    """
    found = as_data(diagram, data)
    samples = [str(sample) for sample in diagram.sample_objects]
    present = noise_alone(diagram) | frozenset(samples if isinstance(found, Stream) else found.sizes)
    on: dict[str, tuple[Morphism, ...]] = {}
    unmeasured: dict[str, str] = {}
    for name, law in diagram.laws.items():
        try:
            on[name] = _sampled(maps, diagram, law, present)
        except DiagramError as error:
            unmeasured[name] = str(error)
    equations = [*diagram.goals, *on]
    evaluator = Evaluator(maps, diagram, equations, on=on, floors=True)
    raw, floor = evaluator.measure(found, step=step, seed=seed, batch_size=batch_size)
    for name in on:
        if name not in raw:
            unmeasured[name] = f"the data hold no rows of {', '.join(sorted(evaluator.needs[name]))}"
    return Residuals(diagram, raw, floor, unmeasured)


def _sampled(maps: Maps, diagram: Diagram, law: Law, present: frozenset[str]) -> tuple[Morphism, ...]:
    """The morphisms along which a law is measured; raises where it cannot be."""
    source = law.left.dom
    if not source.factors or source in diagram.sample_objects:
        _computable(maps, diagram, law, ())
        return ()
    reaching = [m for m in possible_on(diagram, source) if str(m.dom) in present]
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
