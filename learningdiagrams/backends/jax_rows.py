"""Whether what is given as a map on JAX takes each row of a batch by itself."""

from __future__ import annotations

import inspect
from typing import Any

from learningdiagrams.backends.jax_maps import JaxMap, comes_from, parts_of
from learningdiagrams.backends.rows import DRAWS, LEARNS, UNKNOWN, layer_by_row
from learningdiagrams.layers import Layer
from learningdiagrams.passes import says_by_row

__all__ = ["jax_by_row"]


def jax_by_row(name: str, given: Any, made: JaxMap, training: bool) -> str | None:
    """The reason why a map does not take each row of a batch by itself, or None.

    An Equinox module does, since it is called on one row, unless it averages over the rows (batch norm) or draws.

    Args:
        name: its generator's. given: what realises it; made: the pure function that became of that.
    """
    unknown = UNKNOWN.format(name=name)
    if isinstance(given, Layer):
        return layer_by_row(given, training)
    module: Any = given.__self__ if inspect.ismethod(given) else given
    if comes_from(module, "torch", "Module"):
        from learningdiagrams.backends.torch_rows import torch_by_row

        return torch_by_row(name, given, module, training)
    if isinstance(given, tuple):
        given = module = given[1] if callable(given[1]) else given[0]
    if comes_from(module, "equinox", "Module"):
        across = {type(part).__name__ for part in parts_of(module) if getattr(part, "axis_name", None) is not None}
        if across <= {"BatchNorm"}:
            return _in_training(made) if training else None
        return unknown
    said = says_by_row(given.__func__) if inspect.ismethod(given) else says_by_row(given)
    if not said:
        return unknown
    return _in_training(made) if training else None


def _in_training(made: JaxMap) -> str | None:
    """What speaks against a map in training mode."""
    if made.buffers:
        return LEARNS
    return DRAWS if made.draws else None
