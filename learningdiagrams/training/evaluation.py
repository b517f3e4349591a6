"""Equations measured over all data, in evaluation mode.

Over all data means: as in one batch of all rows, with one draw of the noise, however many batches are
taken. A comparator that averages over samples is averaged over batches by their sizes; any other (`r2`,
`retrieval`, `info_nce`, a function) compares all rows at once, on values that were collected. An equation
out of 1 is compared once; several `on` count alike, each over the rows of its own sample object.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from learningdiagrams import losses
from learningdiagrams.data import Data, Stream, as_data
from learningdiagrams.declarations import Goal, Measure
from learningdiagrams.errors import DiagramError, suggestion
from learningdiagrams.noise import draw_noise, draw_parts
from learningdiagrams.plan import Compare, Input, Plan, Step, make_plan, only
from learningdiagrams.theory.morphisms import Morphism
from learningdiagrams.theory.presentations import Law
from learningdiagrams.training.programs import Adopt, noise_alone, samples_of

if TYPE_CHECKING:
    from learningdiagrams.backends.base import Maps, Program
    from learningdiagrams.diagram import Diagram
    from learningdiagrams.losses import Comparator

__all__ = ["BATCH_SIZE", "Equation", "Evaluator"]

Equation = Goal | Measure | Law
BATCH_SIZE = 1024
ALONE = ""
"""Stands among the sample objects for 1, where equations need no data."""


class Evaluator:
    """Measures some equations again and again: programs are made once.

    Args:
        equations: goals, measures or laws, by name or value; None for all goals and measures.
        on: where each law is sampled, by name.
        floors: whether the least values of comparisons with soft targets are found too.

    Attributes:
        needs: the sample objects that each equation needs, by its name.
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
        self._adopt = Adopt(maps)
        self._alone = noise_alone(diagram)
        chosen = _equations(diagram, equations)
        along = {e.name: (on or {}).get(e.name, ()) if isinstance(e, Law) else e.on for e in chosen}
        self.needs: dict[str, frozenset[str]] = {e.name: samples_of(e, along[e.name]) for e in chosen}
        samples = dict.fromkeys(s for needed in self.needs.values() for s in sorted(needed) or [ALONE])
        self._along: dict[str, _Along] = {}
        self._shares: dict[tuple[str, str], float] = {}
        for sample in samples:
            here = []
            for equation in chosen:
                if sample not in (self.needs[equation.name] or {ALONE}):
                    continue
                mine = tuple(m for m in along[equation.name] if str(m.dom) == sample)
                self._shares[equation.name, sample] = len(mine) / len(along[equation.name]) if mine else 1.0
                here.append((equation, mine))
            self._along[sample] = _Along(maps, diagram, here, floors)

    def __call__(self, data: Any, *, step: int, seed: int, batch_size: int = BATCH_SIZE) -> dict[str, float]:
        """The value of each equation over all the data, in the order of the equations; those whose sample
        objects the data lack are left out.
        """
        return self.measure(data, step=step, seed=seed, batch_size=batch_size)[0]

    def measure(
        self, data: Any, *, step: int, seed: int, batch_size: int = BATCH_SIZE
    ) -> tuple[dict[str, float], dict[str, float]]:
        """The values, and the least values that they could have with the right sides as they are."""
        tallies: dict[str, _Tally] = {}
        for sample, count, batch in self._batches(as_data(self.diagram, data), step, seed, batch_size):
            if sample not in tallies:
                tallies[sample] = _Tally(self.maps, self._along[sample], step)
            tallies[sample].add(count, batch)
        values = {sample: tally.values() for sample, tally in tallies.items()}
        floors = {sample: tally.floors() for sample, tally in tallies.items()}
        return self._combine(values), self._combine(floors)

    def _combine(self, values: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
        """The mean over sample objects: of a goal or measure where all were there, of a law over those that
        were, since nothing but the data says where a law is sampled.
        """
        out = {}
        for name, needed in self.needs.items():
            samples = sorted(needed) or [ALONE]
            there = [sample for sample in samples if name in values.get(sample, {})]
            if there == samples or (there and name in self.diagram.laws):
                total = sum(self._shares[name, sample] for sample in there)
                out[name] = sum(self._shares[name, s] * values[s][name] for s in there) / total
        return out

    def _batches(
        self, data: Data | Stream, step: int, seed: int, batch_size: int
    ) -> Iterator[tuple[str, int, dict[str, Any]]]:
        """Sample object, number of rows and values, batch by batch, of all that is needed and there."""
        if ALONE in self._along:
            yield ALONE, 1, {}
        if isinstance(data, Stream):
            yield from self._from_stream(data, step, seed)
            return
        for sample, along in self._along.items():
            if sample not in data.sizes and sample not in self._alone:
                continue
            size = data.sizes.get(sample) or max(data.sizes.values(), default=batch_size)
            parts = [slice(start, min(start + batch_size, size)) for start in range(0, size, batch_size)]
            # `shuffle` permutes data that nothing else may need.
            noise = draw_parts(
                self.diagram,
                data.of(sample),
                sample,
                step,
                seed,
                parts,
                needed=along.noise,
                axes=data.axes,
                dtype=self.maps.dtype,
            )
            own = data.only([name for name in data.of(sample) if name in along.inputs])
            for part, drawn in zip(parts, noise, strict=True):
                yield sample, part.stop - part.start, self._adopted({**own.batch({sample: part}), **drawn})

    def _from_stream(self, data: Stream, step: int, seed: int) -> Iterator[tuple[str, int, dict[str, Any]]]:
        generators = self.diagram.generators
        for number, (batch, sizes) in enumerate(data.batches(0)):
            most = max(sizes.values())
            for sample, along in self._along.items():
                if sample in sizes or sample in self._alone:
                    own = {name: v for name, v in batch.items() if generators[name].dom.name == sample}
                    drawn = draw_noise(
                        self.diagram,
                        own,
                        (step, number),
                        seed,
                        needed=along.noise,
                        rows=most,
                        dtype=self.maps.dtype,
                    )
                    yield sample, sizes.get(sample, most), self._adopted(drawn)

    def _adopted(self, batch: Mapping[str, Any]) -> dict[str, Any]:
        return {name: self._adopt(value) for name, value in batch.items()}


class _Along:
    """What is measured along one sample object: programs, made once.

    Attributes:
        averaged: the comparisons that average over samples.
        collected: the values that other comparators need, and `together` these comparators.
        rights: the right sides whose entropy is the least value of a comparison, and `soft` these
            comparisons.
        inputs, noise: the data and noise generators that all of it needs.
    """

    def __init__(
        self,
        maps: Maps,
        diagram: Diagram,
        equations: Sequence[tuple[Equation, tuple[Morphism, ...]]],
        floors: bool,
    ) -> None:
        def planned(samplewise: bool) -> Plan:
            some = [
                (e if isinstance(e, Law) else replace(e, on=on), on)
                for e, on in equations
                if (isinstance(e, Law) or e.by.samplewise) is samplewise
            ]
            by = {law.name: losses.mse() for law, _ in some if isinstance(law, Law)}
            on = {law.name: along for law, along in some if isinstance(law, Law)}
            return make_plan(diagram, [e for e, _ in some], moves=(), keep_equal=True, by=by, on=on)

        averaged, collected = planned(True), planned(False)
        self.averaged: Program | None = maps.program(averaged) if averaged.compares else None
        self.collected: Program | None = None
        self.together: list[tuple[Compare, Program]] = []
        if collected.compares:
            self.collected = maps.program(only(collected, [v for c in collected.compares for v in _sides(c)]))
            self.together = [(c, maps.program(_comparison(diagram, c))) for c in collected.compares]
        self.soft = [c for c in averaged.compares if floors and isinstance(c.by, _Soft)]
        self.rights: Program | None = None
        if self.soft:
            self.rights = maps.program(only(averaged, [v for c in self.soft for v in _rights(c)]))
        needed = frozenset(averaged.inputs) | frozenset(collected.inputs)
        self.noise = frozenset(name for name in needed if diagram.roles[name] == "noise")
        self.inputs = needed - self.noise


class _Tally:
    """What was found along one sample object in the batches so far."""

    def __init__(self, maps: Maps, along: _Along, step: int) -> None:
        self._maps = maps
        self._along = along
        self._step = step
        self._terms: list[tuple[int, Mapping[str, Any]]] = []
        self._parts: list[tuple[np.ndarray, ...]] = []
        self._floors: list[tuple[int, Mapping[str, float]]] = []

    def add(self, count: int, batch: Mapping[str, Any]) -> None:
        """Takes a batch of so many rows into account; waits for no device where means are enough."""
        along = self._along
        if along.averaged is not None:
            self._terms.append((count, along.averaged(batch, {}, self._step).terms))
        if along.collected is not None:
            self._parts.append(self._maps.numpy(along.collected.outputs(batch)))
        if along.rights is not None:
            values = iter(self._maps.numpy(along.rights.outputs(batch)))
            floors = {c.name: _floor(c.by, list(islice(values, len(_rights(c))))) for c in along.soft}
            self._floors.append((count, floors))

    def values(self) -> dict[str, float]:
        """The value of each equation over all batches."""
        found = _mean(self._terms, self._maps.numpy)
        values = iter([np.concatenate(column) for column in zip(*self._parts, strict=True)])
        for compare, program in self._along.together:
            sides = {str(i): value for i, value in enumerate(islice(values, len(_sides(compare))))}
            found[compare.name] = float(self._maps.numpy(program(sides, {}, self._step).terms[compare.name]))
        return found

    def floors(self) -> dict[str, float]:
        """The least value of each comparison with soft targets."""
        return _mean(self._floors, float)


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


def _sides(compare: Compare) -> list[int]:
    """All values that are compared: the sides of each pair, left before right."""
    return [value for left, right in compare.pairs for value in left + right]


def _rights(compare: Compare) -> list[int]:
    return [value for _, right in compare.pairs for value in right]


def _comparison(diagram: Diagram, compare: Compare) -> Plan:
    """A plan that compares values given by position, in the order of :func:`_sides`."""
    steps: list[Step] = []

    def inputs(count: int) -> tuple[int, ...]:
        start = len(steps)
        steps.extend(Input((i,), str(i)) for i in range(start, start + count))
        return tuple(range(start, start + count))

    pairs = tuple((inputs(len(left)), inputs(len(right))) for left, right in compare.pairs)
    return Plan(diagram, tuple(steps), (replace(compare, pairs=pairs, gradient=False),))


def _mean(batches: Sequence[tuple[int, Mapping[str, Any]]], number: Any) -> dict[str, float]:
    """The mean of each term over batches, by their sizes."""
    total = sum(count for count, _ in batches)
    names = batches[0][1] if batches else ()
    return {name: sum(count / total * float(number(terms[name])) for count, terms in batches) for name in names}


_Soft = losses.cross_entropy | losses.bce
"""The comparators whose least value is the entropy of the right side."""


def _floor(by: Comparator, rights: Sequence[np.ndarray]) -> float:
    """The least value of a comparison with these right sides, the mean over all of them: an entropy."""
    return sum(_entropy(by, right) for right in rights) / len(rights)


def _entropy(by: Comparator, right: np.ndarray) -> float:
    """The mean entropy of a batch of targets; 0 for class numbers, and where they are no probabilities."""
    y = np.asarray(right, dtype=np.float64)
    if right.dtype.kind != "f" or y.size == 0 or y.min() < 0:
        return 0.0
    if isinstance(by, losses.bce):
        return float(np.mean(_entropies(y) + _entropies(1 - y))) if y.max() <= 1 else 0.0
    # The least of −Σ y log q over probabilities q is at q = y / Σ y, also where y does not sum to 1.
    return float(np.mean(_entropies(y).sum(-1) - _entropies(y.sum(-1))))


def _entropies(y: np.ndarray) -> np.ndarray:
    """−y log y, 0 at 0."""
    return -y * np.log(np.where(y > 0, y, 1.0))
