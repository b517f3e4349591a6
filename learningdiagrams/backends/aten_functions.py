"""The smaller ATen operators in jax, where jax.numpy has none with the same arguments or the same gradient.

A function named after an operator takes that operator's arguments; one that makes such functions says so.
"""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax


def _axes(dim: Any, ndim: int) -> tuple[int, ...]:
    """The axes that a `dim` argument names: one, several, or (None, empty) all."""
    if dim is None or (isinstance(dim, tuple) and not dim):
        return tuple(range(ndim))
    return tuple(d % max(ndim, 1) for d in (dim if isinstance(dim, tuple) else (dim,)))[: max(ndim, 1)]


def bound(dtype, sign: int):
    """The largest number of a dtype, infinity included, or for a negative sign the least.

    >>> float(bound(jnp.float32, -1)), int(bound(jnp.int8, 1))
    (-inf, 127)
    """
    if jnp.issubdtype(dtype, jnp.floating):
        return np.array(sign * np.inf, dtype)
    return np.array(jnp.iinfo(dtype).max if sign > 0 else jnp.iinfo(dtype).min, dtype)


def reduction(function):
    """A reduction of jax.numpy with torch's arguments (x, dim, keepdim, *, dtype)."""

    def reduce(x, dim=None, keepdim=False, *, dtype=None):
        x = x if dtype is None else x.astype(dtype)
        return function(x, axis=_axes(dim, x.ndim) if x.ndim else None, keepdims=keepdim)

    return reduce


def root(x):
    """A square root whose gradient at 0 is 0, as that of a norm or of a standard deviation is in torch."""
    zero = x == 0
    return jnp.where(zero, 0, jnp.sqrt(jnp.where(zero, 1, x)))


def absolute(x):
    """The absolute value, with torch's gradient 0 at 0."""
    return jnp.where(x == 0, 0, jnp.abs(x))


def norm(x, ord: float | None = 2, dim=None, keepdim=False, *, dtype=None):
    x = x if dtype is None else x.astype(dtype)
    axes = _axes(dim, x.ndim) if x.ndim else None
    ord = 2 if ord is None else ord
    if ord == 2:
        return root(jnp.sum(jnp.square(x), axes, keepdims=keepdim))
    if ord == 0:
        return jnp.sum(x != 0, axes, keepdims=keepdim).astype(x.dtype)
    if math.isinf(ord):
        return (jnp.max if ord > 0 else jnp.min)(absolute(x), axes, keepdims=keepdim)
    if ord == 1:
        return jnp.sum(absolute(x), axes, keepdims=keepdim)
    total = jnp.sum(jnp.where(x == 0, 0, jnp.abs(jnp.where(x == 0, 1, x)) ** ord), axes, keepdims=keepdim)
    return jnp.where(total == 0, 0, jnp.where(total == 0, 1, total) ** (1 / ord))


def var_mean(x, dim=None, *, correction=None, keepdim=False, deviation=False):
    """(variance, mean), or (standard deviation, mean)."""
    axes = _axes(dim, x.ndim)
    count = math.prod(x.shape[axis] for axis in axes)
    mean = jnp.mean(x, axes, keepdims=True)
    free = max(count - (1 if correction is None else correction), 0)
    variance = jnp.sum(jnp.square(x - mean), axes, keepdims=keepdim) / jnp.asarray(free, x.dtype)
    return (root(variance) if deviation else variance), (mean if keepdim else mean.squeeze(axes))


def extreme_along(position):
    """`max.dim`, `min.dim`: (values, positions); the gradient goes to the entry found."""

    def extreme(x, dim, keepdim=False):
        if x.ndim == 0:
            return x, jnp.zeros((), int)
        where = position(x, axis=dim, keepdims=True)
        values = jnp.take_along_axis(x, where, dim)
        return (values, where) if keepdim else (values.squeeze(dim), where.squeeze(dim))

    return extreme


def position_of(function):
    """`argmax`, `argmin`."""

    def position(x, dim=None, keepdim=False):
        if dim is None:
            where = function(x.reshape(-1))
            return where.reshape((1,) * x.ndim) if keepdim else where
        return function(x, axis=dim, keepdims=keepdim) if x.ndim else jnp.zeros((), int)

    return position


def sort(x, dim=-1, descending=False, *, stable=True):
    if x.ndim == 0:
        return x, jnp.zeros((), int)
    order = jnp.argsort(x, axis=dim, descending=descending, stable=True)
    return jnp.take_along_axis(x, order, dim), order


def topk(x, k, dim=-1, largest=True, sorted=True):
    values, order = sort(x, dim, largest)
    return lax.slice_in_dim(values, 0, k, axis=dim), lax.slice_in_dim(order, 0, k, axis=dim)


def running_extreme(function):
    """`cummax`, `cummin`: (values, positions), the last of several equal ones."""

    def running(x, dim):
        best = function(lax.stop_gradient(x), axis=dim % x.ndim)
        place = lax.broadcasted_iota(int, x.shape, dim % x.ndim)
        where = lax.cummax(jnp.where(x == best, place, 0), axis=dim % x.ndim)
        return jnp.take_along_axis(x, where, dim), where

    return running


def clamp(x, min=None, max=None):
    # Inside includes the ends, where torch lets the gradient pass.
    x = x if min is None else jnp.where(x < min, min, x)
    return x if max is None else jnp.where(x > max, max, x)


def elu(x, alpha=1.0, scale=1.0, input_scale=1.0):
    # expm1 sees nothing that could overflow: where() would let the NaN of its gradient through.
    below = jnp.where(x > 0, 0, x)
    return jnp.where(x > 0, x * scale, jnp.expm1(below * input_scale) * (alpha * scale))


def softplus(x, beta=1, threshold=20):
    linear = x * beta > threshold
    return jnp.where(linear, x, jnp.log1p(jnp.exp(jnp.where(linear, 0, x * beta))) / beta)


def safe_softmax(x, dim, dtype=None):
    empty = jnp.all(x == -jnp.inf, dim, keepdims=True)
    return jnp.where(empty, 0, jax.nn.softmax(jnp.where(empty, 0, x), dim))


def softmax_by(function):
    def softmax(x, dim, half_to_float=False):
        return function(x.astype(jnp.float32) if half_to_float else x, axis=dim)

    return softmax


def divide(x, y, *, rounding_mode=None):
    if rounding_mode == "floor":
        return jnp.floor_divide(x, y)
    if rounding_mode == "trunc":
        if jnp.issubdtype(jnp.result_type(x, y), jnp.integer):
            return jnp.sign(x) * jnp.sign(y) * (abs(x) // abs(y))
        return jnp.trunc(jnp.true_divide(x, y))
    return jnp.true_divide(x, y)


def power(x, y):
    # Whole exponents multiply, so that the gradient at 0 is finite.
    return jnp.power(x, int(y) if isinstance(y, float) and y.is_integer() else y)


def scaled_sum(bias, product, beta, alpha):
    product = product if alpha == 1 else alpha * product
    return product if beta == 0 else product + (bias if beta == 1 else beta * bias)


def linear(x, weight, bias=None):
    y = x @ weight.T
    return y if bias is None else y + bias


def bilinear(x, y, weight, bias=None):
    z = jnp.einsum("...i,oij,...j->...o", x, weight, y)
    return z if bias is None else z + bias


def solve(a, b, *, left=True):
    if not left:
        return solve(a.mT, b.mT).mT
    vectors = b.ndim == 1 or (b.ndim == a.ndim - 1 and b.shape == a.shape[:-1])
    return jnp.linalg.solve(a, b[..., None])[..., 0] if vectors else jnp.linalg.solve(a, b)


def slice_of(x, dim=0, start=None, end=None, step=1):
    return x[(slice(None),) * (dim % x.ndim) + (slice(start, end, step),)]


def place(x, dim, index):
    """The place in `x` named by selecting `index`, a number or a slice, along `dim`."""
    return x.at[(slice(None),) * (dim % x.ndim) + (index,)]


def expand(x, size, *, implicit=False):
    old = (1,) * (len(size) - x.ndim) + x.shape
    return jnp.broadcast_to(x, tuple(o if s == -1 else s for o, s in zip(old, size, strict=True)))


def squeeze(x, dim=None):
    return x.squeeze(tuple(d for d in _axes(dim, x.ndim) if x.ndim and x.shape[d] == 1))


def transpose(x, a, b):
    return jnp.swapaxes(x, a, b) if x.ndim else x


def split(x, sizes, dim=0):
    length = x.shape[dim]
    if not isinstance(sizes, tuple):
        sizes = tuple(min(sizes, length - start) for start in range(0, length, sizes)) or (0,)
    ends = [sum(sizes[: i + 1]) for i in range(len(sizes))]
    return tuple(lax.slice_in_dim(x, end - size, end, axis=dim) for size, end in zip(sizes, ends, strict=True))


def selection(indices):
    if any(i is not None and i.dtype == bool for i in indices):
        raise ValueError("how many entries a mask selects depends on the data; use where or masked_fill")
    return tuple(slice(None) if i is None else i for i in indices)


def index_put(x, indices, values, accumulate=False):
    mask = indices[0]
    if len(indices) == 1 and mask is not None and mask.dtype == bool and jnp.size(values) == 1:
        mask = mask.reshape(*mask.shape, *(1,) * (x.ndim - mask.ndim))
        new = x + values if accumulate else jnp.broadcast_to(values.reshape(()), x.shape)
        return jnp.where(mask, new, x)
    place = x.at[selection(indices)]
    return place.add(values) if accumulate else place.set(values)


def _grid(index, dim):
    """The positions that gather and scatter mean: those of `index` itself, with `index` along `dim`."""
    axes = [lax.broadcasted_iota(index.dtype, index.shape, axis) for axis in range(index.ndim)]
    axes[dim % index.ndim] = index
    return tuple(axes)


def gather(x, dim, index, *, sparse_grad=False):
    return x[_grid(index, dim)] if x.ndim else jnp.broadcast_to(x, index.shape)


def scatter(how):
    def scatter(x, dim, index, source):
        if hasattr(source, "shape") and source.ndim:
            source = source[tuple(slice(0, n) for n in index.shape)]
        return getattr(x.at[_grid(index, dim)], how)(source)

    return scatter


def scatter_reduce(x, dim, index, source, reduce, *, include_self=True):
    if reduce == "prod":
        raise ValueError("a product of scattered entries has no gradient in jax")
    how = {"sum": "add", "amax": "max", "amin": "min", "mean": "add"}[reduce]
    place = _grid(index, dim)
    source = source[tuple(slice(0, n) for n in index.shape)]
    if not include_self:
        extreme = {"amax": bound(x.dtype, -1), "amin": bound(x.dtype, 1)}
        empty = {"sum": 0, "mean": 0, **extreme}[reduce]
        touched = jnp.zeros(x.shape, bool).at[place].set(True)
        x = jnp.where(touched, jnp.asarray(empty, x.dtype), x)
    total = getattr(x.at[place], how)(source)
    if reduce != "mean":
        return total
    count = jnp.full(x.shape, 1 if include_self else 0, x.dtype).at[place].add(1)
    return total / jnp.maximum(count, 1)


def unfold(x, dim, size, step):
    dim = dim % x.ndim
    windows = jnp.arange(0, x.shape[dim] - size + 1, step)[:, None] + jnp.arange(size)
    return jnp.moveaxis(jnp.take(x, windows, dim), dim + 1, -1)


def edge_pad(mode):
    def pad(x, padding):
        pairs = [(padding[2 * i], padding[2 * i + 1]) for i in range(len(padding) // 2)][::-1]
        return jnp.pad(x, [(0, 0)] * (x.ndim - len(pairs)) + pairs, mode=mode)

    return pad


def constant_pad(x, padding, value=0):
    pairs = [(padding[2 * i], padding[2 * i + 1], 0) for i in range(len(padding) // 2)][::-1]
    return lax.pad(x, jnp.asarray(value, x.dtype), [(0, 0, 0)] * (x.ndim - len(pairs)) + pairs)


def arange(start, end, step=1, *, dtype=None):
    return jnp.arange(start, end, step, dtype=dtype)


def filled(value):
    """`zeros`, `ones`, `empty`: of a size, or like another array, of its size or of the one that follows."""

    def create(size, *new, dtype=None):
        if hasattr(size, "shape"):
            dtype = dtype or size.dtype
            size = new[0] if new else size.shape
        return jnp.full(size, value, dtype or jnp.result_type(float))

    return create


def cdist(x, y, p=2.0, compute_mode=None):
    return norm(x[..., :, None, :] - y[..., None, :, :], p, -1)


def roll(x, shifts, dims=()):
    return jnp.roll(x, shifts, dims) if dims else jnp.roll(x.reshape(-1), shifts).reshape(x.shape)


def lerp(x, y, weight):
    return x + weight * (y - x)


def nothing(*arguments, **options):
    """An assertion about values: nothing can be raised inside a compiled function."""


def rrelu(draw, x, noise, lower=1 / 8, upper=1 / 3, training=False):
    slope = jax.random.uniform(draw(), x.shape, x.dtype, lower, upper) if training else (lower + upper) / 2
    slope = jnp.where(x > 0, 1, slope)
    return x * slope, slope


def normal(draw, mean, deviation, shape):
    return mean + deviation * jax.random.normal(draw(), shape)


def uniform(draw, x, low=0.0, high=1.0):
    return jax.random.uniform(draw(), x.shape, x.dtype, low, high)
