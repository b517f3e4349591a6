"""The numbers of all maps on JAX, each by itself or stacked with others, whichever was asked for last.

A *place* is a slot, the number of one array, or a cell: the slots of several arrays of one shape, which are one array
with a first axis more. A compiled step that runs K maps in one call takes and gives cells, so that it is compiled as
fast as for one map and nothing is stacked or taken apart between two steps; whoever asks for a slot finds the array
that was always there.

>>> numbers = Numbers()
>>> for array in (jnp.zeros(2), jnp.ones(2), jnp.ones(3)):
...     numbers.append(array)
>>> numbers[0, 1].shape
(2, 2)
>>> numbers[0, 1] = jnp.full((2, 2), 5.0)
>>> numbers[1].tolist(), numbers[2].tolist()
([5.0, 5.0], [1.0, 1.0, 1.0])
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

__all__ = ["Cell", "Numbers", "Place", "Traced", "apart", "arranged", "slots_of"]

Array = Any
Cell: TypeAlias = tuple[int, ...]
Place: TypeAlias = int | Cell


class Numbers:
    """Arrays by slot and by cell; what is written in one way is read in the other.

    Args:
        context: the setting of JAX in which arrays are stacked and taken apart.
    """

    def __init__(self, context: Callable[[], AbstractContextManager[Any]] = nullcontext) -> None:
        self._context = context
        self._single: list[Array | None] = []
        """None where a cell alone holds the array."""
        self._cells: dict[Cell, Array] = {}
        self._in: dict[int, Cell] = {}
        """The cell that each slot is in. A slot is in one at most."""

    def __len__(self) -> int:
        return len(self._single)

    def __iter__(self) -> Iterator[Array]:
        return (self[slot] for slot in range(len(self)))

    def append(self, array: Array) -> None:
        """Makes a slot more."""
        self._single.append(array)

    def shape(self, slot: int) -> tuple[int, ...]:
        """The shape of an array, which is told without taking it out of its cell."""
        array = self._single[slot]
        return tuple(self._cells[self._in[slot]].shape[1:] if array is None else array.shape)

    def __getitem__(self, place: Place) -> Array:
        if isinstance(place, tuple):
            if place not in self._cells:
                with self._context():
                    self[place] = jnp.stack([self[slot] for slot in place])
            return self._cells[place]
        array = self._single[place]
        if array is None:
            cell = self._in[place]
            with self._context():
                parts = apart(self._cells[cell])
            for slot, each in zip(cell, parts, strict=True):
                self._single[slot] = each
            array = self._single[place]
        return array

    def __setitem__(self, place: Place, array: Array) -> None:
        if isinstance(place, tuple):
            if place not in self._cells:
                for slot in place:
                    self._leave(slot)
                self._in.update(dict.fromkeys(place, place))
            self._cells[place] = array
            for slot in place:
                self._single[slot] = None  # one copy in memory
        else:
            self._leave(place)
            self._single[place] = array

    def _leave(self, slot: int) -> None:
        """Gives the arrays of the cell that this slot is in back to their slots."""
        if slot in self._in:
            cell = self._in[slot]
            for each in cell:
                self[each]
            del self._cells[cell]
            for each in cell:
                del self._in[each]


def apart(array: Array) -> list[Array]:
    """The arrays that a stacked one is made of.

    Over a copy on the host: compiling as many slices takes seconds, and this is asked for when people look.
    """
    return jax.device_put(list(np.array(array)), next(iter(array.devices())))


def slots_of(places: Iterable[Place]) -> list[int]:
    """The slots in some places."""
    return [slot for place in places for slot in (place if isinstance(place, tuple) else (place,))]


def arranged(slots: Collection[int], cells: Sequence[Cell]) -> tuple[Place, ...]:
    """The slots as places: cells that lie wholly in them, and the others each by itself.

    >>> arranged([0, 1, 2, 5], [(1, 2), (5, 6)])
    (0, (1, 2), 5)
    """
    wanted, taken = frozenset(slots), {slot: cell for cell in cells for slot in cell}
    whole = {cell for cell in cells if wanted.issuperset(cell)}
    places = (cell if (cell := taken.get(slot)) in whole else slot for slot in slots)
    return tuple(dict.fromkeys(places))  # type: ignore[arg-type]  # a cell that is whole is none


class Traced(dict[Place, Array]):
    """The numbers of one call while it is traced, by the places that it was given; others are made of those."""

    def __init__(self, numbers: Any) -> None:
        super().__init__(numbers)
        self._in = {slot: (cell, i) for cell in self if isinstance(cell, tuple) for i, slot in enumerate(cell)}

    def __missing__(self, place: Place) -> Array:
        if isinstance(place, tuple):
            return jnp.stack([self[slot] for slot in place])
        cell, i = self._in[place]
        self[place] = value = self[cell][i]
        return value
