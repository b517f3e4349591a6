"""Bundles on JAX outside of what is compiled: how values go in together, and terms come out together."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Final

import jax
import jax.numpy as jnp
import numpy as np

from learningdiagrams.backends.jax_maps import JaxMap
from learningdiagrams.backends.jax_numbers import Cell, apart
from learningdiagrams.batching import Comparisons, Stacked, Table
from learningdiagrams.stacking import Lone

if TYPE_CHECKING:
    from learningdiagrams.backends.jax import JaxMaps

__all__ = ["Terms", "bundle", "cells_of", "singly", "stacked_kind", "weighed"]

Array = Any

BARE: Final = "it has no numbers to stack"


def stacked_kind(made: JaxMap, reason: str | None, model: bool) -> Hashable:
    """What maps have in common that are one call when stacked, or why there is nothing.

    A map on JAX is a pure function of its numbers, so that any will do that neither draws nor learns.

    Args:
        reason: why it does not take each row by itself in training. model: whether it is ever in training mode.
    """
    if not made.parameters and not made.buffers:
        return Lone(BARE)
    if model and reason is not None and (made.buffers or made.draws):
        return Lone(reason)
    return made.architecture, made.still


def cells_of(table: Table, maps: JaxMaps) -> tuple[Cell, ...]:
    """The slots of numbers that are used stacked; a slot is in one cell at most."""
    found: dict[Cell, None] = {}
    taken: set[int] = set()
    for joint in table.joints:
        if not isinstance(joint, Stacked):
            continue
        tables = [maps.slots(part.generator) for part in joint.parts]
        for kind in (0, 1):
            for key in tables[0][kind]:
                cell = tuple(each[kind][key] for each in tables)
                if len(set(cell)) == len(cell) and not taken.intersection(cell):
                    taken.update(cell)
                    found[cell] = None
    return tuple(found)


def bundle(values: tuple[Any, ...]) -> Any:
    """Values of one shape and kind stacked, where they are: on the host, or on the device; others as they are."""
    first = values[0]
    if any(value.shape != first.shape or value.dtype != first.dtype for value in values):
        return values
    if all(value is first for value in values):
        return jnp.broadcast_to(first, (len(values), *first.shape))
    if first.ndim and all(isinstance(value, np.ndarray) for value in values):
        return np.concatenate(values).reshape(len(values), *first.shape)  # half the time of `np.stack`
    return jnp.stack(values)


def weighed(table: Table, values: Sequence[Any], names: Sequence[str], weights: Array) -> Iterator[Array]:
    """What the comparisons are of the total, to be traced: as few operations as there are comparisons in the table."""
    places = {name: place for place, name in enumerate(names)}
    for compare, value in zip(table.compares, values, strict=True):
        if not isinstance(compare, Comparisons):
            if compare.name in places:
                yield weights[places[compare.name]] * value
            continue
        given = [places.get(part.name) for part in compare.parts]
        if isinstance(value, tuple) or None in given:
            yield from (weights[at] * each for at, each in zip(given, value, strict=True) if at is not None)
        else:
            yield jnp.sum(weights[np.array(given)] * value)


def singly(table: Table, values: Sequence[Any]) -> Iterator[tuple[str, Array]]:
    """Each comparison's name and value, to be traced, in the order in which the goals are written."""
    found: dict[str, Array] = {}
    for compare, value in zip(table.compares, values, strict=True):
        parts = compare.parts if isinstance(compare, Comparisons) else (compare,)
        found.update(zip((part.name for part in parts), value if len(parts) > 1 else (value,), strict=True))
    return ((compare.name, found[compare.name]) for compare in table.plan.compares)


class Terms(Mapping[str, Array]):
    """Terms by name, taken out of the arrays in which they were computed together when one is looked at.

    Args:
        table, values: what was computed. context: the setting of JAX in which it was.
    """

    def __init__(self, table: Table, values: Sequence[Any], context: Callable[[], AbstractContextManager[Any]]) -> None:
        self._names = tuple(compare.name for compare in table.plan.compares)
        self._table = table
        self._context = context
        self._values = values
        self._terms: dict[str, Array] | None = None

    def floats(self) -> dict[str, float]:
        """All of them as numbers."""
        whole = (list(value) if isinstance(value, tuple) else np.asarray(value) for value in self._values)
        return {name: float(value) for name, value in singly(self._table, tuple(whole))}

    def __getitem__(self, name: str) -> Array:
        if self._terms is None:
            with self._context():
                parts = [apart(v) if isinstance(v, jax.Array) and v.ndim else v for v in self._values]
            self._terms = dict(singly(self._table, parts))
        return self._terms[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __repr__(self) -> str:
        return repr(dict(self))
