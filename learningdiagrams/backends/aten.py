"""ATen operators in jax: two tables from an operator's name, with its overload, to a function of arrays.

`TABLE` holds the deterministic operators, `RANDOM` those that draw random numbers; a function of `RANDOM` takes, before
the operator's own arguments, a function that gives a fresh key. Where an operator has a gradient of its own in torch,
at a kink or where a naive formula would give NaN, the function here has the same. An operator that stands in a table is kept whole
when a module is exported; all others are decomposed by torch first. Both are plain dictionaries: an entry more carries
an operator more, one's own too (`TABLE["mine::double"]` is not needed for operators that torch decomposes by itself).

Arguments arrive as arrays, numbers, tuples and jax dtypes; those about memory (layout, device, memory format) never do,
and results are cast to the dtype that the exported graph states, so nothing here cares about type promotion.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from . import aten_layers as layers


def _axes(dim: Any, ndim: int) -> tuple[int, ...]:
    """The axes that a `dim` argument names: one, several, or (None, empty) all."""
    if dim is None or (isinstance(dim, tuple) and not dim):
        return tuple(range(ndim))
    return tuple(d % max(ndim, 1) for d in (dim if isinstance(dim, tuple) else (dim,)))[: max(ndim, 1)]


def _reduce(function):
    """A reduction of jax.numpy with torch's arguments (x, dim, keepdim, *, dtype)."""

    def reduce(x, dim=None, keepdim=False, *, dtype=None):
        x = x if dtype is None else x.astype(dtype)
        return function(x, axis=_axes(dim, x.ndim) if x.ndim else None, keepdims=keepdim)

    return reduce


def _root(x):
    """A square root whose gradient at 0 is 0, as that of a norm or of a standard deviation is in torch."""
    zero = x == 0
    return jnp.where(zero, 0, jnp.sqrt(jnp.where(zero, 1, x)))


def _norm(x, ord=2, dim=None, keepdim=False, *, dtype=None):
    x = x if dtype is None else x.astype(dtype)
    axes = _axes(dim, x.ndim) if x.ndim else None
    ord = 2 if ord is None else ord
    if ord == 2:
        return _root(jnp.sum(jnp.square(x), axes, keepdims=keepdim))
    if ord == 0:
        return jnp.sum(x != 0, axes, keepdims=keepdim).astype(x.dtype)
    if math.isinf(ord):
        return (jnp.max if ord > 0 else jnp.min)(jnp.abs(x), axes, keepdims=keepdim)
    if ord == 1:
        return jnp.sum(jnp.abs(x), axes, keepdims=keepdim)
    total = jnp.sum(jnp.where(x == 0, 0, jnp.abs(jnp.where(x == 0, 1, x)) ** ord), axes, keepdims=keepdim)
    return jnp.where(total == 0, 0, jnp.where(total == 0, 1, total) ** (1 / ord))


def _variance(x, dim=None, *, correction=None, keepdim=False):
    axes = _axes(dim, x.ndim)
    count = math.prod(x.shape[axis] for axis in axes)
    mean = jnp.mean(x, axes, keepdims=True)
    free = max(count - (1 if correction is None else correction), 0)
    total = jnp.sum(jnp.square(x - mean), axes, keepdims=keepdim)
    return total / jnp.asarray(free, x.dtype), mean if keepdim else mean.squeeze(axes)


def _var_mean(x, dim=None, *, correction=None, keepdim=False, root=False):
    variance, mean = _variance(x, dim, correction=correction, keepdim=keepdim)
    return (_root(variance) if root else variance), mean


def _extreme(position):
    """`max.dim`, `min.dim`: (values, positions); the gradient goes to the entry found."""

    def extreme(x, dim, keepdim=False):
        if x.ndim == 0:
            return x, jnp.zeros((), int)
        where = position(x, axis=dim, keepdims=True)
        values = jnp.take_along_axis(x, where, dim)
        return (values, where) if keepdim else (values.squeeze(dim), where.squeeze(dim))

    return extreme


def _position(function):
    """`argmax`, `argmin`."""

    def position(x, dim=None, keepdim=False):
        if dim is None:
            where = function(x.reshape(-1))
            return where.reshape((1,) * x.ndim) if keepdim else where
        return function(x, axis=dim, keepdims=keepdim) if x.ndim else jnp.zeros((), int)

    return position


def _sort(x, dim=-1, descending=False, *, stable=True):
    if x.ndim == 0:
        return x, jnp.zeros((), int)
    order = jnp.argsort(x, axis=dim, descending=descending, stable=True)
    return jnp.take_along_axis(x, order, dim), order


def _topk(x, k, dim=-1, largest=True, sorted=True):
    values, order = _sort(x, dim, largest)
    return lax.slice_in_dim(values, 0, k, axis=dim), lax.slice_in_dim(order, 0, k, axis=dim)


def _running_extreme(function):
    """`cummax`, `cummin`: (values, positions), the last of several equal ones."""

    def running(x, dim):
        best = function(lax.stop_gradient(x), axis=dim % x.ndim)
        place = lax.broadcasted_iota(int, x.shape, dim % x.ndim)
        where = lax.cummax(jnp.where(x == best, place, 0), axis=dim % x.ndim)
        return jnp.take_along_axis(x, where, dim), where

    return running


def _clamp(x, min=None, max=None):
    # Inside includes the ends, where torch lets the gradient pass.
    x = x if min is None else jnp.where(x < min, min, x)
    return x if max is None else jnp.where(x > max, max, x)


def _elu(x, alpha=1.0, scale=1.0, input_scale=1.0):
    # expm1 sees nothing that could overflow: where() would let the NaN of its gradient through.
    below = jnp.where(x > 0, 0, x)
    return jnp.where(x > 0, x * scale, jnp.expm1(below * input_scale) * (alpha * scale))


def _softplus(x, beta=1, threshold=20):
    linear = x * beta > threshold
    return jnp.where(linear, x, jnp.log1p(jnp.exp(jnp.where(linear, 0, x * beta))) / beta)


def _safe_softmax(x, dim, dtype=None):
    empty = jnp.all(x == -jnp.inf, dim, keepdims=True)
    return jnp.where(empty, 0, jax.nn.softmax(jnp.where(empty, 0, x), dim))


def _softmax(function):
    def softmax(x, dim, half_to_float=False):
        return function(x.astype(jnp.float32) if half_to_float else x, axis=dim)

    return softmax


def _divide(x, y, *, rounding_mode=None):
    if rounding_mode == "floor":
        return jnp.floor_divide(x, y)
    if rounding_mode == "trunc":
        quotient = jnp.true_divide(x, y)
        whole = jnp.issubdtype(jnp.result_type(x, y), jnp.integer)
        return jnp.sign(x) * jnp.sign(y) * (abs(x) // abs(y)) if whole else jnp.trunc(quotient)
    return jnp.true_divide(x, y)


def _power(x, y):
    # Whole exponents multiply, so that the gradient at 0 is finite.
    return jnp.power(x, int(y) if isinstance(y, float) and y.is_integer() else y)


def _scaled_sum(bias, product, beta, alpha):
    product = product if alpha == 1 else alpha * product
    return product if beta == 0 else product + (bias if beta == 1 else beta * bias)


def _linear(x, weight, bias=None):
    y = x @ weight.T
    return y if bias is None else y + bias


def _bilinear(x, y, weight, bias=None):
    z = jnp.einsum("...i,oij,...j->...o", x, weight, y)
    return z if bias is None else z + bias


def _solve(a, b, *, left=True):
    if not left:
        return _solve(a.mT, b.mT).mT
    vectors = b.ndim == 1 or (b.ndim == a.ndim - 1 and b.shape == a.shape[:-1])
    return jnp.linalg.solve(a, b[..., None])[..., 0] if vectors else jnp.linalg.solve(a, b)


def _slice(x, dim=0, start=None, end=None, step=1):
    return x[(slice(None),) * (dim % x.ndim) + (slice(start, end, step),)]


def _inside(x, dim, index):
    """The place in `x` named by selecting `index`, a number or a slice, along `dim`."""
    return x.at[(slice(None),) * (dim % x.ndim) + (index,)]


def _expand(x, size, *, implicit=False):
    old = (1,) * (len(size) - x.ndim) + x.shape
    return jnp.broadcast_to(x, tuple(o if s == -1 else s for o, s in zip(old, size, strict=True)))


def _squeeze(x, dim=None):
    return x.squeeze(tuple(d for d in _axes(dim, x.ndim) if x.ndim and x.shape[d] == 1))


def _transpose(x, a, b):
    return jnp.swapaxes(x, a, b) if x.ndim else x


def _split(x, sizes, dim=0):
    length = x.shape[dim]
    if not isinstance(sizes, tuple):
        sizes = tuple(min(sizes, length - start) for start in range(0, length, sizes)) or (0,)
    ends = [sum(sizes[: i + 1]) for i in range(len(sizes))]
    return tuple(
        lax.slice_in_dim(x, end - size, end, axis=dim) for size, end in zip(sizes, ends, strict=True)
    )


def _selection(indices):
    if any(i is not None and i.dtype == bool for i in indices):
        raise ValueError("how many entries a mask selects depends on the data; use where or masked_fill")
    return tuple(slice(None) if i is None else i for i in indices)


def _index_put(x, indices, values, accumulate=False):
    mask = indices[0]
    if len(indices) == 1 and mask is not None and mask.dtype == bool and jnp.size(values) == 1:
        mask = mask.reshape(*mask.shape, *(1,) * (x.ndim - mask.ndim))
        new = x + values if accumulate else jnp.broadcast_to(values.reshape(()), x.shape)
        return jnp.where(mask, new, x)
    place = x.at[_selection(indices)]
    return place.add(values) if accumulate else place.set(values)


def _grid(index, dim):
    """The positions that gather and scatter mean: those of `index` itself, with `index` along `dim`."""
    axes = [lax.broadcasted_iota(index.dtype, index.shape, axis) for axis in range(index.ndim)]
    axes[dim % index.ndim] = index
    return tuple(axes)


def _gather(x, dim, index, *, sparse_grad=False):
    return x[_grid(index, dim)] if x.ndim else jnp.broadcast_to(x, index.shape)


def _scatter(how):
    def scatter(x, dim, index, source, *, reduce=None):
        place = x.at[_grid(index, dim)]
        if hasattr(source, "shape") and source.ndim:
            source = source[tuple(slice(0, n) for n in index.shape)]
        return getattr(place, {None: how, "add": "add", "multiply": "multiply"}[reduce])(source)

    return scatter


def _scatter_reduce(x, dim, index, source, reduce, *, include_self=True):
    how = {"sum": "add", "prod": "multiply", "amax": "max", "amin": "min", "mean": "add"}[reduce]
    place = _grid(index, dim)
    source = source[tuple(slice(0, n) for n in index.shape)]
    if not include_self:
        empty = {"sum": 0, "prod": 1, "mean": 0, "amax": -jnp.inf, "amin": jnp.inf}[reduce]
        touched = jnp.zeros(x.shape, bool).at[place].set(True)
        x = jnp.where(touched, jnp.asarray(empty, x.dtype), x)
    total = getattr(x.at[place], how)(source)
    if reduce != "mean":
        return total
    count = jnp.full(x.shape, 1 if include_self else 0, x.dtype).at[place].add(1)
    return total / jnp.maximum(count, 1)


def _unfold(x, dim, size, step):
    dim = dim % x.ndim
    windows = jnp.arange(0, x.shape[dim] - size + 1, step)[:, None] + jnp.arange(size)
    return jnp.moveaxis(jnp.take(x, windows, dim), dim + 1, -1)


def _pad(mode):
    def pad(x, padding):
        pairs = [(padding[2 * i], padding[2 * i + 1]) for i in range(len(padding) // 2)][::-1]
        return jnp.pad(x, [(0, 0)] * (x.ndim - len(pairs)) + pairs, mode=mode)

    return pad


def _constant_pad(x, padding, value=0):
    pairs = [(padding[2 * i], padding[2 * i + 1], 0) for i in range(len(padding) // 2)][::-1]
    return lax.pad(x, jnp.asarray(value, x.dtype), [(0, 0, 0)] * (x.ndim - len(pairs)) + pairs)


def _arange(start, end, step=1, *, dtype=None):
    return jnp.arange(start, end, step, dtype=dtype)


def _filled(value):
    """`zeros`, `ones`, `empty`: of a size, or like another array (whose own size comes first and is then passed over)."""

    def create(size, *new, dtype=None):
        if hasattr(size, "shape"):
            dtype = dtype or size.dtype
            size = new[0] if new else size.shape
        return jnp.full(size, value, dtype or jnp.result_type(float))

    return create


def _cdist(x, y, p=2.0, compute_mode=None):
    return _norm(x[..., :, None, :] - y[..., None, :, :], p, -1)


def _roll(x, shifts, dims=()):
    return jnp.roll(x, shifts, dims) if dims else jnp.roll(x.reshape(-1), shifts).reshape(x.shape)


def _lerp(x, y, weight):
    return x + weight * (y - x)


def _nothing(*arguments, **options):
    """An assertion about values: nothing can be raised inside a compiled function."""


def _table(entries: dict[str, Callable]) -> dict[str, Callable]:
    """Spell out entries for several operators at once: names apart by spaces, `default` where no overload is said.

    >>> sorted(_table({"exp log.default": len}))
    ['aten.exp.default', 'aten.log.default']
    """
    names = ((name, function) for several, function in entries.items() for name in several.split())
    return {f"aten.{name}" if "." in name else f"aten.{name}.default": function for name, function in names}


def _same(module: Any, names: str) -> dict[str, Callable]:
    """Entries for operators of one argument that `module` has under the same name."""
    return {name: getattr(module, name) for name in names.split()}


TABLE: dict[str, Callable] = _table(
    {
        # One array, entry by entry.
        **_same(
            jnp,
            "abs sign floor ceil trunc exp exp2 expm1 log log2 log10 log1p sqrt reciprocal square positive",
        ),
        **_same(jnp, "sin cos tan sinh cosh tanh isnan isinf logical_not bitwise_not signbit"),
        **_same(lax, "rsqrt erf erfc lgamma digamma"),
        **_same(jax.nn, "relu silu mish sigmoid relu6"),
        "neg": jnp.negative,
        "acos": jnp.arccos,
        "asin": jnp.arcsin,
        "atan": jnp.arctan,
        "acosh": jnp.arccosh,
        "asinh": jnp.arcsinh,
        "atanh": jnp.arctanh,
        "erfinv": lax.erf_inv,
        "round": jnp.round,
        "round.decimals": lambda x, *, decimals: jnp.round(x, decimals),
        "frac": lambda x: x - jnp.trunc(x),
        "gelu": lambda x, *, approximate="none": jax.nn.gelu(x, approximate=approximate == "tanh"),
        "elu": _elu,
        "celu": lambda x, alpha=1.0: _elu(x, alpha, 1.0, 1 / alpha),
        "selu": jax.nn.selu,
        "leaky_relu": lambda x, slope=0.01: jnp.where(x > 0, x, x * slope),
        "_prelu_kernel": lambda x, slope: jnp.where(x > 0, x, x * slope),
        "softplus": _softplus,
        "log_sigmoid_forward": lambda x: (jax.nn.log_sigmoid(x), x),
        "hardtanh": lambda x, lo=-1.0, hi=1.0: jnp.where(x <= lo, lo, jnp.where(x >= hi, hi, x)),
        "hardsigmoid": lambda x: jnp.where(x <= -3, 0, jnp.where(x >= 3, 1, x / 6 + 0.5)),
        "hardswish": lambda x: jnp.where(x <= -3, 0, jnp.where(x >= 3, x, x * (x + 3) / 6)),
        "hardshrink": lambda x, bound=0.5: jnp.where(abs(x) <= bound, 0, x),
        "softshrink": lambda x, bound=0.5: jnp.where(
            x > bound, x - bound, jnp.where(x < -bound, x + bound, 0)
        ),
        "threshold": lambda x, bound, value: jnp.where(x <= bound, value, x),
        "glu": lambda x, dim=-1: jax.nn.glu(x, dim),
        "logit": lambda x, eps=None: jax.scipy.special.logit(x if eps is None else _clamp(x, eps, 1 - eps)),
        "nan_to_num": jnp.nan_to_num,
        "clamp clamp.Tensor": _clamp,
        "clamp_min clamp_min.Tensor": lambda x, least: _clamp(x, least),
        "clamp_max clamp_max.Tensor": lambda x, most: _clamp(x, None, most),
        # Two arrays, or an array and a number.
        "add.Tensor add.Scalar": lambda x, y, alpha=1: x + (y if alpha == 1 else alpha * y),
        "sub.Tensor sub.Scalar": lambda x, y, alpha=1: x - (y if alpha == 1 else alpha * y),
        "rsub.Tensor rsub.Scalar": lambda x, y, alpha=1: y - (x if alpha == 1 else alpha * x),
        "mul.Tensor mul.Scalar": jnp.multiply,
        "div.Tensor div.Scalar div.Tensor_mode div.Scalar_mode": _divide,
        "floor_divide floor_divide.Scalar": jnp.floor_divide,
        "remainder.Tensor remainder.Scalar remainder.Scalar_Tensor": jnp.remainder,
        "fmod.Tensor fmod.Scalar": jnp.fmod,
        "pow.Tensor_Scalar pow.Scalar pow.Tensor_Tensor": _power,
        "maximum": jnp.maximum,
        "minimum": jnp.minimum,
        "fmax": jnp.fmax,
        "fmin": jnp.fmin,
        "atan2": jnp.arctan2,
        "hypot": jnp.hypot,
        "logaddexp": jnp.logaddexp,
        "xlogy.Tensor": jax.scipy.special.xlogy,
        "eq.Tensor eq.Scalar": jnp.equal,
        "ne.Tensor ne.Scalar": jnp.not_equal,
        "lt.Tensor lt.Scalar": jnp.less,
        "le.Tensor le.Scalar": jnp.less_equal,
        "gt.Tensor gt.Scalar": jnp.greater,
        "ge.Tensor ge.Scalar": jnp.greater_equal,
        **_same(jnp, "logical_and logical_or logical_xor"),
        "bitwise_and.Tensor bitwise_and.Scalar": jnp.bitwise_and,
        "bitwise_or.Tensor bitwise_or.Scalar": jnp.bitwise_or,
        "bitwise_xor.Tensor bitwise_xor.Scalar": jnp.bitwise_xor,
        "__lshift__.Tensor __lshift__.Scalar": jnp.left_shift,
        "__rshift__.Tensor __rshift__.Scalar": jnp.right_shift,
        "where.self where.ScalarSelf where.ScalarOther where.Scalar": jnp.where,
        "masked_fill.Scalar masked_fill.Tensor": lambda x, mask, value: jnp.where(mask, value, x),
        "lerp.Scalar lerp.Tensor": _lerp,
        # Products.
        "mm bmm mv dot matmul": jnp.matmul,
        "linear": _linear,
        "einsum": lambda equation, operands, *, path=None: jnp.einsum(equation, *operands),
        "addmm addmv": lambda b, x, y, *, beta=1, alpha=1: _scaled_sum(b, x @ y, beta, alpha),
        "baddbmm": lambda b, x, y, *, beta=1, alpha=1: _scaled_sum(b, x @ y, beta, alpha),
        "bilinear": _bilinear,
        "cdist": _cdist,
        "linalg_solve": _solve,
        "linalg_inv inverse": jnp.linalg.inv,
        "linalg_det det": jnp.linalg.det,
        "linalg_cholesky": lambda x, *, upper=False: jnp.linalg.cholesky(x, upper=upper),
        "linalg_matrix_exp": jax.scipy.linalg.expm,
        # Reductions, running totals, orders.
        "sum sum.dim_IntList": _reduce(jnp.sum),
        "mean mean.dim": _reduce(jnp.mean),
        "prod prod.dim_int": _reduce(jnp.prod),
        "amax max": _reduce(jnp.max),
        "amin min": _reduce(jnp.min),
        "any any.dim any.dims": _reduce(jnp.any),
        "all all.dim all.dims": _reduce(jnp.all),
        "logsumexp": _reduce(jax.scipy.special.logsumexp),
        "linalg_vector_norm": _norm,
        "norm.Scalar norm.ScalarOpt_dim": _norm,
        "var.correction": lambda x, dim=None, **options: _var_mean(x, dim, **options)[0],
        "std.correction": lambda x, dim=None, **options: _var_mean(x, dim, root=True, **options)[0],
        "var_mean.correction": _var_mean,
        "std_mean.correction": functools.partial(_var_mean, root=True),
        "max.dim": _extreme(jnp.argmax),
        "min.dim": _extreme(jnp.argmin),
        "argmax": _position(jnp.argmax),
        "argmin": _position(jnp.argmin),
        "sort": _sort,
        "sort.stable": lambda x, *, stable=True, dim=-1, descending=False: _sort(x, dim, descending),
        "topk": _topk,
        "cumsum": lambda x, dim, *, dtype=None: jnp.cumsum(x, dim if x.ndim else None, dtype).reshape(
            x.shape
        ),
        "cumprod": lambda x, dim, *, dtype=None: jnp.cumprod(x, dim if x.ndim else None, dtype).reshape(
            x.shape
        ),
        "logcumsumexp": lambda x, dim: lax.cumlogsumexp(x, axis=dim % x.ndim),
        "cummax": _running_extreme(lax.cummax),
        "cummin": _running_extreme(lax.cummin),
        "_softmax": _softmax(jax.nn.softmax),
        "_log_softmax": _softmax(jax.nn.log_softmax),
        "_safe_softmax": _safe_softmax,
        # Shapes and places.
        "view reshape _unsafe_view": jnp.reshape,
        "expand": _expand,
        "permute": jnp.transpose,
        "transpose.int": _transpose,
        "t": jnp.transpose,
        "squeeze squeeze.dim squeeze.dims": _squeeze,
        "unsqueeze": jnp.expand_dims,
        "flip": jnp.flip,
        "roll": _roll,
        "repeat": jnp.tile,
        "cat": lambda arrays, dim=0: jnp.concatenate([a for a in arrays if a.shape != (0,)] or arrays, dim),
        "stack": jnp.stack,
        "split.Tensor split_with_sizes": _split,
        "unbind.int": lambda x, dim=0: tuple(jnp.moveaxis(x, dim, 0)),
        "slice.Tensor": _slice,
        "select.int": lambda x, dim, index: lax.index_in_dim(x, index, dim, keepdims=False),
        "slice_scatter": lambda x, y, dim=0, start=None, end=None, step=1: _inside(
            x, dim, slice(start, end, step)
        ).set(y),
        "select_scatter": lambda x, y, dim, index: _inside(x, dim, index).set(y),
        "index.Tensor _unsafe_index.Tensor": lambda x, indices: x[_selection(indices)],
        "index_put _unsafe_index_put": _index_put,
        "index_select": lambda x, dim, index: jnp.take(x, index, dim),
        "gather": _gather,
        "scatter.src scatter.value scatter.reduce scatter.value_reduce": _scatter("set"),
        "scatter_add": _scatter("add"),
        "scatter_reduce.two": _scatter_reduce,
        "diagonal": lambda x, offset=0, dim1=0, dim2=1: jnp.diagonal(x, offset, dim1, dim2),
        "unfold": _unfold,
        "tril": lambda x, diagonal=0: jnp.tril(x, diagonal),
        "triu": lambda x, diagonal=0: jnp.triu(x, diagonal),
        "constant_pad_nd": _constant_pad,
        "reflection_pad1d reflection_pad2d reflection_pad3d": _pad("reflect"),
        "replication_pad1d replication_pad2d replication_pad3d": _pad("edge"),
        # New arrays.
        "arange": lambda end, **options: _arange(0, end, **options),
        "arange.start arange.start_step": _arange,
        "full": lambda size, value, *, dtype=None: jnp.full(size, value, dtype),
        "full_like": lambda x, value, *, dtype=None: jnp.full(x.shape, value, dtype or x.dtype),
        "new_full": lambda x, size, value, *, dtype=None: jnp.full(size, value, dtype or x.dtype),
        "zeros zeros_like new_zeros empty.memory_format empty_like new_empty empty_permuted": _filled(0),
        "ones ones_like new_ones": _filled(1),
        "scalar_tensor": lambda value, *, dtype=None: jnp.asarray(value, dtype),
        "fill.Scalar fill.Tensor": lambda x, value: jnp.broadcast_to(value, x.shape),
        # The same numbers: once more, in another dtype, without a gradient.
        "clone alias lift_fresh_copy contiguous _to_copy": lambda x, *, dtype=None: x,
        "copy": lambda x, source, non_blocking=False: jnp.broadcast_to(source, x.shape),
        "detach": lax.stop_gradient,
        # Sizes, which are plain numbers while tracing, and assertions.
        "sym_size.int": lambda x, dim: x.shape[dim],
        "sym_numel": jnp.size,
        "_assert_scalar _assert_async _assert_async.msg _assert_tensor_metadata sym_constrain_range_for_size": _nothing,
        # Layers.
        "convolution": layers.convolution,
        "embedding": layers.embedding,
        "_embedding_bag _embedding_bag_forward_only": layers.embedding_bag,
        "native_layer_norm": layers.layer_norm,
        "native_group_norm": layers.group_norm,
        "rms_norm": layers.rms_norm,
        "_native_batch_norm_legit_functional native_batch_norm": layers.batch_norm,
        "_native_batch_norm_legit_no_training": lambda x, w, b, mean, variance, momentum, eps: (
            layers.batch_norm(x, w, b, mean, variance, False, momentum, eps)[:3]
        ),
        "_native_batch_norm_legit.no_stats": lambda x, w, b, training, momentum, eps: layers.batch_norm(
            x, w, b, None, None, True, momentum, eps
        )[:3],
        "avg_pool2d": layers.avg_pool(2),
        "avg_pool3d": layers.avg_pool(3),
        "max_pool2d_with_indices": layers.max_pool(2),
        "max_pool3d_with_indices": layers.max_pool(3),
        "_adaptive_avg_pool2d": layers.adaptive_avg_pool(2),
        "_adaptive_avg_pool3d": layers.adaptive_avg_pool(3),
        "adaptive_max_pool2d": layers.adaptive_max_pool(2),
        "adaptive_max_pool3d": layers.adaptive_max_pool(3),
        **{f"upsample_nearest{n}d upsample_nearest{n}d.vec": layers.upsample_nearest(n) for n in (1, 2, 3)},
        "upsample_linear1d upsample_linear1d.vec": layers.upsample_smooth(1),
        "upsample_bilinear2d upsample_bilinear2d.vec": layers.upsample_smooth(2),
        "upsample_trilinear3d upsample_trilinear3d.vec": layers.upsample_smooth(3),
        "upsample_bicubic2d upsample_bicubic2d.vec": layers.upsample_smooth(2, cubic=True),
    }
)


def _rrelu(draw, x, noise, lower=1 / 8, upper=1 / 3, training=False):
    slope = jax.random.uniform(draw(), x.shape, x.dtype, lower, upper) if training else (lower + upper) / 2
    slope = jnp.where(x > 0, 1, slope)
    return x * slope, slope


def _normal(draw, mean, deviation, shape):
    return mean + deviation * jax.random.normal(draw(), shape)


def _uniform(draw, x, low=0.0, high=1.0):
    return jax.random.uniform(draw(), x.shape, x.dtype, low, high)


RANDOM: dict[str, Callable] = _table(
    {
        "native_dropout": layers.dropped,
        "bernoulli": lambda draw, p: jax.random.bernoulli(draw(), p, p.shape),
        "bernoulli.p": lambda draw, x, p=0.5: jax.random.bernoulli(draw(), p, x.shape),
        "rand": lambda draw, size, *, dtype=None: jax.random.uniform(draw(), size),
        "rand_like": lambda draw, x, *, dtype=None: jax.random.uniform(draw(), x.shape),
        "randn": lambda draw, size, *, dtype=None: jax.random.normal(draw(), size),
        "randn_like": lambda draw, x, *, dtype=None: jax.random.normal(draw(), x.shape),
        "randint": lambda draw, high, size, *, dtype=None: jax.random.randint(draw(), size, 0, high),
        "randint.low": lambda draw, low, high, size, *, dtype=None: jax.random.randint(
            draw(), size, low, high
        ),
        "randint_like": lambda draw, x, high, *, dtype=None: jax.random.randint(draw(), x.shape, 0, high),
        "randperm": lambda draw, n, *, dtype=None: jax.random.permutation(draw(), n),
        "uniform": _uniform,
        "normal_functional": lambda draw, x, mean=0.0, deviation=1.0: _normal(draw, mean, deviation, x.shape),
        "normal.Tensor_Tensor": lambda draw, m, s: _normal(
            draw, m, s, jnp.broadcast_shapes(m.shape, s.shape)
        ),
        "normal.Tensor_float": lambda draw, mean, deviation=1.0: _normal(draw, mean, deviation, mean.shape),
        "exponential": lambda draw, x, rate=1.0: jax.random.exponential(draw(), x.shape, x.dtype) / rate,
        "rrelu_with_noise_functional": _rrelu,
        "lstm.input": layers.lstm,
        "gru.input": layers.gru,
        "rnn_tanh.input": layers.rnn_tanh,
        "rnn_relu.input": layers.rnn_relu,
    }
)
