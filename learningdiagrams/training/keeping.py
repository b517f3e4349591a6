"""Values that a stage never changes, computed once for each row of the data and kept.

They are computed in the order of the rows, in batches of the run's own size, so that they are the same numbers however
rows are shuffled later, and after a run was resumed; and again where a callback changed the maps that made them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from os import PathLike
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from learningdiagrams.caching import kept_apart
from learningdiagrams.data import Data
from learningdiagrams.errors import DiagramError
from learningdiagrams.plan import Plan, make_plan

if TYPE_CHECKING:
    from collections.abc import Hashable

    from learningdiagrams.backends.base import Maps, Program
    from learningdiagrams.rewriting import Rewriting

__all__ = ["ROOM", "Cache", "Keeping", "Refusals", "checked_cache", "notes_on_keeping"]

ROOM: Final = 1 << 30
"""The bytes that kept values may take in memory where nothing else is said."""

Cache = int | Path
"""The most bytes in memory, or the folder where values lie in files."""


def checked_cache(cache: Any) -> Cache:
    """What was given as `cache`; raises DiagramError where it says nothing."""
    if isinstance(cache, str | PathLike):
        folder = Path(cache)
        if folder.exists() and not folder.is_dir():
            raise DiagramError(f"cache: {folder} is no folder")
        return folder
    if isinstance(cache, int | np.integer) and not isinstance(cache, bool) and cache >= 0:
        return int(cache)
    raise DiagramError(f"cache is the most bytes of memory that kept values may take, or a folder, not {cache!r}")


class Refusals:
    """Why values of a map are not to be kept under a plan, or None."""

    def __init__(self, maps: Maps, plan: Plan) -> None:
        self._maps = maps
        self._roles = plan.diagram.roles
        self._places: dict[Hashable, str] = {}
        for name in plan.generators:
            if self._roles[name] == "model" and (name in plan.moved or maps.by_row(name, training=True) is not None):
                self._places.update(dict.fromkeys(maps.places(name), name))

    def __call__(self, generator: str) -> str | None:
        shared = next((self._places[place] for place in self._maps.places(generator) if place in self._places), None)
        if shared is not None and shared != generator:
            return f"it holds numbers together with {shared}, which change"
        return self._maps.by_row(generator, training=self._roles[generator] == "model")


class Keeping:
    """What a stage keeps.

    Args:
        plan: of all goals of the stage that the data have something for.
        cache: the most bytes in memory, or a folder.
        batch_size: the rows that are computed at once.
    """

    def __init__(self, maps: Maps, plan: Plan, cache: Cache, batch_size: int) -> None:
        self._maps = maps
        self._apart = kept_apart(plan, Refusals(maps, plan))
        self._cache = cache
        self._batch_size = batch_size
        self._programs: dict[tuple[str, ...], Program] = {}
        self._made_by: tuple[str, ...] = ()
        self._stamp: Hashable = None
        self.names: frozenset[str] = frozenset(self._apart.kept)

    def __call__(self, plan: Plan) -> Plan:
        """A plan of the stage in which what is kept is given."""
        return kept_apart(plan, Refusals(self._maps, plan), self.names).plan

    def stale(self) -> bool:
        """Whether the maps that made the values were changed since."""
        return self._maps.changes(self._made_by) != self._stamp

    def beside(self, data: Data) -> Data:
        """The data, and the kept values beside them; what there is no room for is not among `names` afterwards."""
        room = self._cache if isinstance(self._cache, int) else None
        self._made_by = self._apart.computing(sorted(self.names)).generators
        self._stamp = self._maps.changes(self._made_by)
        values: dict[str, Any] = {}
        by_sample: dict[str, list[str]] = {}
        for name, kept in self._apart.kept.items():
            if name in self.names:
                by_sample.setdefault(kept.sample, []).append(name)
        for sample, names in by_sample.items():
            made = self._computed(data, sample, names, room)
            if room is not None:
                room -= sum(value.nbytes for value in made.values())
            values.update(made)
        self.names = frozenset(values)
        return data.beside(values, {name: self._apart.kept[name].sample for name in values})

    def _computed(self, data: Data, sample: str, names: list[str], room: int | None) -> dict[str, np.ndarray]:
        """The values of some names at all rows of a sample object, as far as there is room for them."""
        size = data.sizes[sample]
        parts = [slice(start, min(start + self._batch_size, size)) for start in range(0, size, self._batch_size)]
        first = self._batch(data, sample, names, parts[0])
        names = list(_fitting(first, size, room))
        values = {name: self._empty((size, *first[name].shape[1:]), first[name].dtype) for name in names}
        for name in names:
            values[name][parts[0]] = first[name]
        for part in parts[1:] if names else ():
            for name, value in self._batch(data, sample, names, part).items():
                values[name][part] = value
        return values

    def _batch(self, data: Data, sample: str, names: list[str], part: slice) -> dict[str, np.ndarray]:
        key = tuple(names)
        if key not in self._programs:
            self._programs[key] = self._maps.program(self._apart.computing(names))
        program = self._programs[key]
        batch = data.only(program.plan.inputs).batch({sample: part})
        return dict(zip(names, map(self._maps.numpy, program.outputs(batch)), strict=True))

    def _empty(self, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        """An array in memory, or in a file that goes with it."""
        if isinstance(self._cache, int):
            return np.empty(shape, dtype)
        self._cache.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=self._cache) as file:
            return np.asarray(np.memmap(file, dtype, "w+", shape=shape))


def notes_on_keeping(maps: Maps, plan: Plan, rewriting: Rewriting | None = None) -> tuple[str, ...]:
    """What would be kept in training under the plan of all goals, and in each stage what is kept otherwise."""
    diagram = plan.diagram
    notes = list(kept_apart(plan, Refusals(maps, plan)).plan.notes)
    for stage in diagram.stages.values():
        goals = [diagram.goals[name] for name in stage.by]
        under = make_plan(diagram, goals, moves=stage.train, rewriting=rewriting)
        there = kept_apart(under, Refusals(maps, under)).plan.notes
        notes += [note.replace("cache: ", f"cache: stage {stage.name}: ", 1) for note in there if note not in notes]
    return tuple(notes)


def _fitting(first: Mapping[str, np.ndarray], size: int, room: int | None) -> Iterator[str]:
    """The names whose values at all rows fit into the room, one after the other."""
    for name, value in first.items():
        needed = size * value[:1].nbytes
        if room is None or needed <= room:
            yield name
            room = None if room is None else room - needed
