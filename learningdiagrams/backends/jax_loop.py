"""Several steps of training on JAX in one call, a compiled loop over batches that lie in one array; and one step in
several calls, whose gradients are added up.

How many steps a call takes is a number handed in, and no part of what is compiled: a block of three steps and one of
sixteen run the same code, so that where a run is cut into blocks changes no bit of what comes out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

__all__ = ["Block", "Later", "added", "looped", "piled", "updated"]

Step = Callable[..., Any]
"""One step: (trained, state, moving, rest, inputs, scalars, seeds) -> (trained, state, moved, total, values)."""


def looped(step: Step) -> Any:
    """Some steps as one compiled function, in which what one step replaces is given to the next.

    Inputs, scalars and seeds have a first axis more, of the batches; `count` of them are taken. The values of a step
    are found in the same place of what comes out.
    """
    step = jax.jit(step)  # traced once, though its shapes are asked for first

    @partial(jax.jit, donate_argnums=(0, 1, 2))
    def run(
        trained: Any, state: Any, moving: Any, rest: Any, inputs: Any, scalars: Any, seeds: Any, count: Any
    ) -> tuple[Any, Any, Any, Any]:
        most = scalars.shape[0]

        def at(i: Any, piles: Any) -> Any:
            return jax.tree.map(lambda pile: lax.dynamic_index_in_dim(pile, i, keepdims=False), piles)

        def one(i: Any, carried: Any) -> Any:
            trained, state, moving, found = carried
            trained, state, moved, _, values = step(
                trained, state, moving, rest, at(i, inputs), at(i, scalars), at(i, seeds)
            )
            moving = jax.tree.unflatten(jax.tree.structure(moving), jax.tree.leaves(moved))
            kept = jax.tree.map(lambda pile, value: lax.dynamic_update_index_in_dim(pile, value, i, 0), found, values)
            return trained, state, moving, kept

        shapes = jax.eval_shape(step, trained, state, moving, rest, at(0, inputs), at(0, scalars), at(0, seeds))[4]
        empty = jax.tree.map(lambda value: jnp.zeros((most, *value.shape), value.dtype), shapes)
        return lax.fori_loop(0, count, one, (trained, state, moving, empty))

    return run


def added(field: Callable[..., Any]) -> Any:
    """The gradients of one batch more, added to those of others, as a compiled function."""

    @partial(jax.jit, donate_argnums=(0, 1))
    def add(sums: Any, moving: Any, trained: Any, rest: Any, inputs: Any, weights: Any, seeds: Any) -> Any:
        (_, (values, moved)), gradients = field(trained, moving, rest, inputs, weights, seeds)
        return [a + b for a, b in zip(sums, gradients, strict=True)], moved, values

    return add


def updated(update: Callable[..., Any], structure: Any, names: Sequence[str]) -> Any:
    """What an optimizer makes of gradients, as a compiled function of (trained, state, gradients, rates)."""

    @partial(jax.jit, donate_argnums=(0, 1))
    def run(trained: Any, state: Any, gradients: Any, rates: Any) -> Any:
        here = dict(zip(names, trained, strict=True))
        moves = dict(zip(names, gradients, strict=True))
        changed, after = update(moves, jax.tree.unflatten(structure, state), here, rates)
        return [changed[name] for name in names], jax.tree.leaves(after)

    return run


def piled(values: Sequence[Any], most: int) -> Any:
    """Values of one kind, each an array or a tree of arrays, in arrays with a first axis of length `most`."""
    return jax.tree.map(lambda *arrays: _pile(arrays, most), *values)


def _pile(arrays: Sequence[Any], most: int) -> Any:
    first = arrays[0]
    if isinstance(first, jax.Array):
        return jnp.stack([*arrays, *[first] * (most - len(arrays))])
    pile = np.empty((most, *first.shape), first.dtype)
    for i, array in enumerate(arrays):
        pile[i] = array
    pile[len(arrays) :] = 0
    return pile


class Block:
    """What the steps of one call gave, which nobody waits for before it is looked at."""

    def __init__(self, values: Sequence[Any]) -> None:
        self._values = values

    @cached_property
    def numbers(self) -> list[Any]:
        """The values on the host, the steps along the first axis."""
        return jax.tree.map(np.asarray, list(self._values))


class Later(Mapping[str, Any]):
    """The terms of one step of a block."""

    def __init__(self, block: Block, place: int, names: Sequence[str], terms: Callable[..., Mapping[str, Any]]) -> None:
        self._block = block
        self._place = place
        self._names = names
        self._terms = terms

    @cached_property
    def _found(self) -> Mapping[str, Any]:
        return self._terms(jax.tree.map(lambda value: value[self._place], self._block.numbers))

    def __getitem__(self, name: str) -> Any:
        return self._found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)
