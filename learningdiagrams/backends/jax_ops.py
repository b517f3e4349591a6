"""The operations of comparators on arrays of JAX. Nothing is fused by hand: the compiler does it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.core import Tracer

from learningdiagrams import losses

__all__ = ["JaxOps"]


class JaxOps:
    """What :class:`~learningdiagrams.backends.comparators.Ops` asks for, traced or not.

    >>> from learningdiagrams.backends.comparators import compare
    >>> float(compare(JaxOps(), losses.mse(), jnp.zeros((2, 3)), jnp.ones((2, 3)), where="goal `fit`"))
    1.0
    """

    fused: Mapping[type[losses.Comparator], Any] = MappingProxyType({})

    def kind(self, x: Array) -> str:
        if jnp.issubdtype(x.dtype, jnp.floating):
            return "float"
        return "bool" if x.dtype == jnp.bool_ else "int" if jnp.issubdtype(x.dtype, jnp.integer) else "complex"

    def alike(self, x: Array, y: Array) -> tuple[Array, Array]:
        real = [a.dtype for a in (x, y) if self.kind(a) == "float"] or [jnp.result_type(float)]
        dtype = jnp.promote_types(real[0], real[-1])
        return x.astype(dtype), y.astype(dtype)

    def number(self, truth: Array, like: Array) -> Array:
        return truth.astype(like.dtype)

    def index(self, classes: Array) -> Array:
        return classes.astype(jnp.result_type(int))

    def eager(self, x: Array) -> bool:
        return not isinstance(x, Tracer)

    def pick(self, rows: Array, classes: Array) -> Array:
        return jnp.take_along_axis(rows, classes[..., None], axis=-1)[..., 0]

    def arange(self, n: int, like: Array) -> Array:
        return jnp.arange(n)

    def argmax(self, x: Array) -> Array:
        return jnp.argmax(x, axis=-1)

    def sum(self, x: Array, axis: int) -> Array:
        return jnp.sum(x, axis=axis)

    def mean(self, x: Array) -> Array:
        return jnp.mean(x)

    def where(self, condition: Array, x: Array | float, y: Array | float) -> Array:
        return jnp.where(condition, x, y)

    def abs(self, x: Array) -> Array:
        return x * jnp.sign(x)  # the derivative of jnp.abs at 0 is 1

    def exp(self, x: Array) -> Array:
        return jnp.exp(x)

    def log_softmax(self, x: Array) -> Array:
        return jax.nn.log_softmax(x, axis=-1)

    def log_likelihood(self, x: Array, classes: Array) -> Array:
        # Taking out of all of `log_softmax` costs a fifth of a small training step.
        x = x - jax.lax.stop_gradient(jnp.max(x, axis=-1, keepdims=True))
        return self.pick(x, classes) - jnp.log(jnp.sum(jnp.exp(x), axis=-1))

    def log_sigmoid(self, x: Array) -> Array:
        return jax.nn.log_sigmoid(x)

    def unit(self, x: Array) -> Array:
        square = jnp.sum(x * x, axis=-1, keepdims=True)
        # A root's derivative at 0 is infinite, and 0 times that NaN: the root is taken of what is not 0.
        return x * jax.lax.rsqrt(jnp.where(square < jnp.finfo(x.dtype).tiny, 1, square))
