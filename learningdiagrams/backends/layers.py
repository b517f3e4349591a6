"""Where the parameters of built-in layers start: the same numbers on every backend, in every type.

What a layer computes stands in `layers_torch.py` (ordinary modules of torch) and in `layers_jax.py` (pure
functions); both name parameters and buffers alike.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np

from learningdiagrams.layers import Layer, Parameter

__all__ = ["initial"]

Numbers = dict[str, np.ndarray]


def initial(layer: Layer, *, seed: int, name: str, dtype: str = "float32") -> tuple[Numbers, Numbers]:
    """The first parameters and buffers of a layer, by their names.

    Every array is drawn by itself, from (seed, name, its own name) alone, in float64, and then rounded to
    `dtype`: neither the order of the draws nor the rest of the diagram changes it, and a float32 start is the
    rounded float64 one.

    Args:
        seed: any whole number. name: the generator's. dtype: of all but counts, which are int64.

    >>> from learningdiagrams.layers import mlp
    >>> parameters, buffers = initial(mlp(4, 3, 2), seed=0, name="student")
    >>> {name: array.shape for name, array in parameters.items()}, buffers
    ({'0.weight': (3, 4), '0.bias': (3,), '2.weight': (2, 3), '2.bias': (2,)}, {})
    """

    def draw(entries: Mapping[str, Parameter]) -> Numbers:
        return {entry: _draw(p, (seed, name, entry), dtype) for entry, p in entries.items()}

    return draw(layer.parameters()), draw(layer.buffers())


def _draw(parameter: Parameter, key: tuple[int, str, str], dtype: str) -> np.ndarray:
    shape, (kind, scale) = parameter
    if kind == "count":
        return np.full(shape, scale, np.int64)
    if kind == "values":
        return np.broadcast_to(np.asarray(scale, np.float64), shape).astype(dtype)
    words = np.frombuffer(hashlib.sha256("\0".join(map(str, key)).encode()).digest(), "<u4")
    generator = np.random.Generator(np.random.PCG64(np.random.SeedSequence(words.tolist())))
    numbers = generator.uniform(-scale, scale, shape) if kind == "uniform" else generator.normal(0, scale, shape)
    return np.asarray(numbers, dtype)
