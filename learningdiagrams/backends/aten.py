"""ATen operators in jax: two tables from an operator's name, with its overload, to a function of arrays.

`TABLE` holds the deterministic operators, `RANDOM` those that may draw random numbers; a function of `RANDOM`
takes, before the operator's own arguments, a function that gives a fresh key. Where torch gives an operator a
gradient of its own, at a kink or where a plain formula would give NaN, the function here has the same.

An operator that stands in a table is kept whole when a module is exported; torch decomposes all others first.
Both tables are plain dictionaries: an entry more carries an operator more, one's own included, as in
`TABLE["mine.double.default"] = lambda x: 2 * x`.

Arguments arrive as arrays, numbers, tuples and dtypes of jax; those about memory (layout, device, memory
format) never do. Results are cast to the dtype that the exported graph states, so nothing here cares about
promotion.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from . import aten_functions as functions
from . import aten_layers as layers


def _table(entries: dict[str, Callable]) -> dict[str, Callable]:
    """Entries for several operators at once, spelt out: names apart by spaces, `default` as the overload.

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
            "sinc sign floor ceil trunc exp exp2 expm1 log log2 log10 log1p sqrt reciprocal square",
        ),
        **_same(jnp, "sin cos tan sinh cosh tanh isnan isinf logical_not bitwise_not signbit"),
        **_same(lax, "rsqrt erf erfc lgamma digamma"),
        **_same(jax.nn, "relu silu mish sigmoid relu6"),
        "abs": functions.absolute,
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
        "elu": functions.elu,
        "celu": lambda x, alpha=1.0: functions.elu(x, alpha, 1.0, 1 / alpha),
        "selu": jax.nn.selu,
        "leaky_relu": lambda x, slope=0.01: jnp.where(x > 0, x, x * slope),
        "_prelu_kernel": lambda x, slope: jnp.where(x > 0, x, x * slope),
        "softplus": functions.softplus,
        "log_sigmoid_forward": lambda x: (jax.nn.log_sigmoid(x), x),
        "hardtanh": lambda x, lo=-1.0, hi=1.0: jnp.where(x <= lo, lo, jnp.where(x >= hi, hi, x)),
        "hardsigmoid": lambda x: jnp.where(x <= -3, 0, jnp.where(x >= 3, 1, x / 6 + 0.5)),
        "hardswish": lambda x: jnp.where(x <= -3, 0, jnp.where(x >= 3, x, x * (x + 3) / 6)),
        "threshold": lambda x, bound, value: jnp.where(x <= bound, value, x),
        "glu": lambda x, dim=-1: jax.nn.glu(x, dim),
        "logit": lambda x, eps=None: jax.scipy.special.logit(x if eps is None else functions.clamp(x, eps, 1 - eps)),
        "nan_to_num": jnp.nan_to_num,
        "clamp clamp.Tensor": functions.clamp,
        "clamp_min clamp_min.Tensor": lambda x, least: functions.clamp(x, least),
        "clamp_max clamp_max.Tensor": lambda x, most: functions.clamp(x, None, most),
        # Two arrays, or an array and a number.
        "add.Tensor add.Scalar": lambda x, y, alpha=1: x + (y if alpha == 1 else alpha * y),
        "sub.Tensor sub.Scalar": lambda x, y, alpha=1: x - (y if alpha == 1 else alpha * y),
        "rsub.Tensor rsub.Scalar": lambda x, y, alpha=1: y - (x if alpha == 1 else alpha * x),
        "mul.Tensor mul.Scalar": jnp.multiply,
        "div.Tensor div.Scalar div.Tensor_mode": functions.divide,
        "floor_divide": jnp.floor_divide,
        "remainder.Tensor remainder.Scalar remainder.Scalar_Tensor": jnp.remainder,
        "fmod.Tensor fmod.Scalar": jnp.fmod,
        "pow.Tensor_Scalar pow.Scalar pow.Tensor_Tensor": functions.power,
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
        "lerp.Scalar lerp.Tensor": functions.lerp,
        # Products.
        "mm bmm mv dot matmul": jnp.matmul,
        "linear": functions.linear,
        "einsum": lambda equation, operands, *, path=None: jnp.einsum(equation, *operands),
        "addmm addmv": lambda b, x, y, *, beta=1, alpha=1: functions.scaled_sum(b, x @ y, beta, alpha),
        "baddbmm": lambda b, x, y, *, beta=1, alpha=1: functions.scaled_sum(b, x @ y, beta, alpha),
        "bilinear": functions.bilinear,
        "cdist": functions.cdist,
        "linalg_solve": functions.solve,
        "linalg_inv": jnp.linalg.inv,
        "linalg_det": jnp.linalg.det,
        "linalg_cholesky": lambda x, *, upper=False: jnp.linalg.cholesky(x, upper=upper),
        "linalg_matrix_exp": jax.scipy.linalg.expm,
        # Reductions, running totals, orders.
        "sum sum.dim_IntList": functions.reduction(jnp.sum),
        "mean mean.dim": functions.reduction(jnp.mean),
        "prod prod.dim_int": functions.reduction(jnp.prod),
        "amax max": functions.reduction(jnp.max),
        "amin min": functions.reduction(jnp.min),
        "any any.dim any.dims": functions.reduction(jnp.any),
        "all all.dim all.dims": functions.reduction(jnp.all),
        "logsumexp": functions.reduction(jax.scipy.special.logsumexp),
        "linalg_vector_norm": functions.norm,
        "norm.ScalarOpt_dim": functions.norm,
        "var.correction": lambda x, dim=None, **options: functions.var_mean(x, dim, **options)[0],
        "std.correction": lambda x, dim=None, **options: functions.var_mean(x, dim, deviation=True, **options)[0],
        "var_mean.correction": functions.var_mean,
        "std_mean.correction": functools.partial(functions.var_mean, deviation=True),
        "max.dim": functions.extreme_along(jnp.argmax),
        "min.dim": functions.extreme_along(jnp.argmin),
        "argmax": functions.position_of(jnp.argmax),
        "argmin": functions.position_of(jnp.argmin),
        "sort": functions.sort,
        "sort.stable": lambda x, *, stable=True, dim=-1, descending=False: functions.sort(x, dim, descending),
        "topk": functions.topk,
        "cumsum": lambda x, dim, *, dtype=None: jnp.cumsum(x, dim if x.ndim else None, dtype).reshape(x.shape),
        "cumprod": lambda x, dim, *, dtype=None: jnp.cumprod(x, dim if x.ndim else None, dtype).reshape(x.shape),
        "logcumsumexp": lambda x, dim: lax.cumlogsumexp(x, axis=dim % x.ndim),
        "cummax": functions.running_extreme(lax.cummax),
        "cummin": functions.running_extreme(lax.cummin),
        "_softmax": functions.softmax_by(jax.nn.softmax),
        "_log_softmax": functions.softmax_by(jax.nn.log_softmax),
        "_safe_softmax": functions.safe_softmax,
        # Shapes and places.
        "view _unsafe_view": jnp.reshape,
        "expand": functions.expand,
        "permute": jnp.transpose,
        "transpose.int": functions.transpose,
        "t": jnp.transpose,
        "squeeze squeeze.dim squeeze.dims": functions.squeeze,
        "unsqueeze": jnp.expand_dims,
        "flip": jnp.flip,
        "roll": functions.roll,
        "repeat": jnp.tile,
        "cat": lambda arrays, dim=0: jnp.concatenate([a for a in arrays if a.shape != (0,)] or arrays, dim),
        "stack": jnp.stack,
        "split.Tensor split_with_sizes": functions.split,
        "unbind.int": lambda x, dim=0: tuple(jnp.moveaxis(x, dim, 0)),
        "slice.Tensor": functions.slice_of,
        "select.int": lambda x, dim, index: lax.index_in_dim(x, index, dim, keepdims=False),
        "slice_scatter": lambda x, y, dim=0, start=None, end=None, step=1: functions.place(
            x, dim, slice(start, end, step)
        ).set(y),
        "select_scatter": lambda x, y, dim, index: functions.place(x, dim, index).set(y),
        "index.Tensor _unsafe_index.Tensor": lambda x, indices: x[functions.selection(indices)],
        "index_put _unsafe_index_put": functions.index_put,
        "index_select": lambda x, dim, index: jnp.take(x, index, dim),
        "gather": functions.gather,
        "scatter.src scatter.value": functions.scatter("set"),
        "scatter_add": functions.scatter("add"),
        "scatter_reduce.two": functions.scatter_reduce,
        "diagonal": lambda x, offset=0, dim1=0, dim2=1: jnp.diagonal(x, offset, dim1, dim2),
        "unfold": functions.unfold,
        "tril": lambda x, diagonal=0: jnp.tril(x, diagonal),
        "triu": lambda x, diagonal=0: jnp.triu(x, diagonal),
        "constant_pad_nd": functions.constant_pad,
        "reflection_pad1d reflection_pad2d reflection_pad3d": functions.edge_pad("reflect"),
        "replication_pad1d replication_pad2d replication_pad3d": functions.edge_pad("edge"),
        # New arrays.
        "arange": lambda end, **options: functions.arange(0, end, **options),
        "arange.start arange.start_step": functions.arange,
        "full": lambda size, value, *, dtype=None: jnp.full(size, value, dtype),
        "full_like": lambda x, value, *, dtype=None: jnp.full(x.shape, value, dtype or x.dtype),
        "new_full": lambda x, size, value, *, dtype=None: jnp.full(size, value, dtype or x.dtype),
        "zeros zeros_like new_zeros": functions.filled(0),
        "empty.memory_format empty_like new_empty": functions.filled(0),
        "ones ones_like new_ones": functions.filled(1),
        "scalar_tensor": lambda value, *, dtype=None: jnp.asarray(value, dtype),
        "fill.Scalar fill.Tensor": lambda x, value: jnp.broadcast_to(value, x.shape),
        # The same numbers: once more, in another dtype, without a gradient.
        "clone alias _to_copy": lambda x, *, dtype=None: x,
        "copy": lambda x, source, non_blocking=False: jnp.broadcast_to(source, x.shape),
        "detach": lax.stop_gradient,
        # Sizes, which are plain numbers while tracing, and assertions.
        "sym_size.int": lambda x, dim: x.shape[dim],
        "_assert_scalar _assert_async.msg _assert_tensor_metadata": functions.nothing,
        # Layers.
        "convolution": layers.convolution,
        "embedding": layers.embedding,
        "_embedding_bag _embedding_bag_forward_only": layers.embedding_bag,
        "native_layer_norm": layers.layer_norm,
        "native_group_norm": layers.group_norm,
        "rms_norm": layers.rms_norm,
        "_native_batch_norm_legit_functional": layers.batch_norm,
        "_native_batch_norm_legit_no_training": lambda x, w, b, mean, variance, momentum, eps: layers.batch_norm(
            x, w, b, mean, variance, False, momentum, eps
        )[:3],
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
        "randint.low": lambda draw, low, high, size, *, dtype=None: jax.random.randint(draw(), size, low, high),
        "randint_like": lambda draw, x, high, *, dtype=None: jax.random.randint(draw(), x.shape, 0, high),
        "randperm": lambda draw, n, *, dtype=None: jax.random.permutation(draw(), n),
        "uniform": functions.uniform,
        "normal_functional": lambda draw, x, mean=0.0, deviation=1.0: functions.normal(draw, mean, deviation, x.shape),
        "normal.Tensor_Tensor": lambda draw, m, s: functions.normal(draw, m, s, jnp.broadcast_shapes(m.shape, s.shape)),
        "normal.Tensor_float": lambda draw, mean, deviation=1.0: functions.normal(draw, mean, deviation, mean.shape),
        "exponential": lambda draw, x, rate=1.0: jax.random.exponential(draw(), x.shape, x.dtype) / rate,
        "rrelu_with_noise_functional": functions.rrelu,
    }
)
# What `torch_recurrence.py` puts in the place of torch's own; there may be dropout between the layers.
RANDOM |= {
    "learningdiagrams.lstm.default": layers.lstm,
    "learningdiagrams.gru.default": layers.gru,
    "learningdiagrams.rnn_tanh.default": layers.rnn_tanh,
    "learningdiagrams.rnn_relu.default": layers.rnn_relu,
}
