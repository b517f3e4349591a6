"""Calls done together on JAX: one map on several batches, and stacked maps under `jax.vmap`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from learningdiagrams import losses
from learningdiagrams.backends.comparators import compare as distance
from learningdiagrams.backends.jax_arrays import as_arrays, real_as
from learningdiagrams.backends.jax_bundles import bundle
from learningdiagrams.backends.jax_program import Operations, Run
from learningdiagrams.batching import Comparisons, Joint, Merged

__all__ = ["JaxJoint"]

Array = Any


class JaxJoint(Operations):
    """Operations for tables in which calls are done together."""

    def gather(self, values: tuple[Array, ...]) -> Any:
        return bundle(values)

    def spread(self, bundle: Any) -> tuple[Array, ...]:
        return bundle if isinstance(bundle, tuple) else tuple(bundle[i] for i in range(bundle.shape[0]))

    def joint(self, step: Joint) -> Callable[..., Any]:
        return self._merged(step) if isinstance(step, Merged) else self._stacked(step)

    def _merged(self, step: Joint) -> Callable[..., Any]:
        call, count = self.apply(step.parts[0]), len(step.parts)

        def merged(run: Run, *bundles: Any) -> Any:
            if any(isinstance(each, tuple) for each in bundles):
                columns = [self.spread(each) for each in bundles]
                if any(len({(value.dtype, value.shape[1:]) for value in column}) > 1 for column in columns):
                    raise ValueError("values of several shapes are not for one call")
                if any(c[0].ndim < 2 and jnp.issubdtype(c[0].dtype, jnp.floating) for c in columns):
                    raise ValueError("values without an axis are not for one call")
                sizes = [value.shape[0] for value in columns[0]]
                ends = [sum(sizes[: i + 1]) for i in range(len(sizes) - 1)]
                value = call(run, *map(jnp.concatenate, columns))
                return _each(value, lambda whole: tuple(jnp.split(_rows(whole, sum(sizes)), ends)), len(step.outs))
            rows = bundles[0].shape[1]
            if any(each.ndim < 3 and jnp.issubdtype(each.dtype, jnp.floating) for each in bundles):
                raise ValueError("values without an axis are not for one call")
            value = call(run, *(each.reshape(count * rows, *each.shape[2:]) for each in bundles))
            return _each(
                value,
                lambda whole: _rows(whole, count * rows).reshape(count, rows, *whole.shape[1:]),
                len(step.outs),
            )

        return merged

    def _stacked(self, step: Joint) -> Callable[..., Any]:
        part, maps, count = step.parts[0], self._maps, len(step.parts)
        made, trains = maps.map(part.generator), part.generator in self._trained
        tables = [maps.slots(each.generator) for each in step.parts]
        parameters, buffers = (
            {key: tuple(each[kind][key] for each in tables) for key in tables[0][kind]} for kind in (0, 1)
        )

        def stacked(run: Run, *arguments: Array) -> Any:
            def call(numbers: Any, held: Any, *values: Array) -> Any:
                if run.half is not None:
                    numbers, values = real_as(run.half, (numbers, values))
                value, _ = made.apply(numbers, held, values, training=run.training and trains, key=None)
                return as_arrays(value) if run.half is None else real_as(maps.dtype, as_arrays(value))

            numbers = {key: run.numbers[cell] for key, cell in parameters.items()}
            if not part.live:
                numbers = {key: lax.stop_gradient(number) for key, number in numbers.items()}
            held = {key: run.numbers[cell] for key, cell in buffers.items()}
            axes = (0, 0, *(None if same else 0 for same in step.shared))
            value = jax.vmap(call, in_axes=axes)(numbers, held, *arguments)
            return _each(value, lambda whole: _rows(whole, count), len(step.outs))

        return stacked

    def compare_all(self, step: Comparisons) -> Callable[[Array, Array], Array] | None:
        by = step.parts[0].by
        if isinstance(by, losses.function):  # of which nothing is known
            return None
        axes = tuple(None if same else 0 for same in step.shared)
        if axes == (None, None):
            return None
        return jax.vmap(partial(distance, self._ops, by, where=""), in_axes=axes)


def _each(value: Any, of: Callable[[Array], Any], count: int) -> Any:
    """What becomes of a map's output, or of each of its `count` outputs."""
    if isinstance(value, jax.Array) and count == 1:
        return of(value)
    if isinstance(value, tuple | list) and len(value) == count > 1:
        return tuple(map(of, value))
    raise ValueError("a map is to return what its codomain says")


def _rows(value: Any, count: int) -> Array:
    if not isinstance(value, jax.Array) or value.ndim == 0 or value.shape[0] != count:
        raise ValueError("the first axis of a value is the batch")
    return value
