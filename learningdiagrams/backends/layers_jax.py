"""Built-in layers as pure functions of JAX."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from operator import add, mul
from typing import Any, Protocol

import jax
import jax.numpy as jnp
from jax import Array, lax

from learningdiagrams import layers
from learningdiagrams.backends.comparators import one_hot
from learningdiagrams.backends.jax_ops import JaxOps
from learningdiagrams.errors import DiagramError
from learningdiagrams.layers import Layer, Stack

__all__ = ["Apply", "jax_apply"]


class Apply(Protocol):
    """A layer as a function: its output, and its buffers as they are afterwards.

    `parameters` and `buffers` are arrays by name; `arguments` has one array for each input, the batch axis
    first; `key` is for dropout in training and may be None where there is none.
    """

    def __call__(
        self,
        parameters: Mapping[str, Any],
        buffers: Mapping[str, Any],
        arguments: Sequence[Any],
        training: bool,
        key: Array | None,
    ) -> tuple[Array, dict[str, Any]]: ...


def jax_apply(layer: Layer) -> Apply:
    """A layer as a pure function, which may be traced, differentiated and compiled.

    >>> from learningdiagrams.backends.layers import initial
    >>> parameters, buffers = initial(layers.mlp(4, 3, 2), seed=0, name="student")
    >>> apply, x = jax_apply(layers.mlp(4, 3, 2)), jnp.zeros((5, 4))
    >>> apply(parameters, buffers, (x,), training=False, key=None)[0].shape
    (5, 2)
    """

    def apply(
        parameters: Mapping[str, Any],
        buffers: Mapping[str, Any],
        arguments: Sequence[Any],
        training: bool,
        key: Array | None,
    ) -> tuple[Array, dict[str, Any]]:
        run = _Run(parameters, buffers, training, key)
        output = _evaluate(layer, run, "", tuple(arguments))
        return output, run.buffers

    return apply


class _Run:
    """One call of a layer: what it reads, and the buffers and draws that it leaves behind."""

    def __init__(
        self, parameters: Mapping[str, Any], buffers: Mapping[str, Any], training: bool, key: Array | None
    ) -> None:
        self.parameters = parameters
        self.buffers = dict(buffers)
        self.training = training
        self.key = key
        self.draws = 0

    def linear(self, at: str, x: Array) -> Array:
        """x Wᵀ + b with the weight and bias (if there is one) at a place."""
        result = _real(x) @ self.parameters[f"{at}weight"].T
        return result + self.parameters[f"{at}bias"] if f"{at}bias" in self.parameters else result

    def layer_norm(self, at: str, x: Array, eps: float = 1e-5) -> Array:
        return _standard(x, (-1,), eps) * self.parameters[f"{at}weight"] + self.parameters[f"{at}bias"]

    def drop(self, probability: float, x: Array) -> Array:
        """Dropout, where it happens."""
        if not (self.training and probability):
            return x
        if self.key is None:
            raise DiagramError("dropout draws in training: give a key")
        key = jax.random.fold_in(self.key, self.draws)
        self.draws += 1
        return jnp.where(jax.random.bernoulli(key, 1 - probability, x.shape), x / (1 - probability), 0)


def _evaluate(layer: Layer, run: _Run, at: str, inputs: tuple[Array, ...]) -> Array:
    if not isinstance(layer, Stack):
        function = next(_FUNCTIONS[cls] for cls in type(layer).__mro__ if cls in _FUNCTIONS)
        return function(layer, run, at, *inputs)
    values = inputs
    for i, part in enumerate(layer.parts):
        values = (_evaluate(part, run, f"{at}{i}.", values),)
    return inputs[0] + values[0] if layer.adds_input else values[0]


def _real(x: Array) -> Array:
    """Real numbers; JAX would make them of whole numbers without a word, where torch refuses."""
    if not jnp.issubdtype(x.dtype, jnp.floating):
        raise TypeError(f"real numbers are wanted, not the dtype {x.dtype}")
    return x


def _standard(x: Array, axes: tuple[int, ...], eps: float) -> Array:
    """Mean 0 and variance 1 over some axes."""
    return (x - x.mean(axes, keepdims=True)) * lax.rsqrt(x.var(axes, keepdims=True) + eps)


def _linear(layer: layers.linear, run: _Run, at: str, *inputs: Array) -> Array:
    return run.linear(at, inputs[0] if len(inputs) == 1 else jnp.concatenate(inputs, -1))


def _constant(layer: layers.constant, run: _Run, at: str, *inputs: Array) -> Array:
    value = (run.parameters if layer.parameters() else run.buffers)[f"{at}value"]
    return jnp.broadcast_to(value, (inputs[0].shape[0], *value.shape)) if inputs else jnp.asarray(value)


def _polynomial(layer: layers.polynomial, run: _Run, at: str, x: Array) -> Array:
    columns = []
    for exponents in layer.exponents:
        column = jnp.ones_like(x[..., 0])
        for i, exponent in enumerate(exponents):
            column = column * x[..., i] ** exponent if exponent else column
        columns.append(column)
    return jnp.stack(columns, -1) @ run.parameters[f"{at}coefficients"].T


def _embedding(layer: Any, run: _Run, at: str, x: Array) -> Array:
    table, rows = run.parameters[f"{at}weight"], x.astype(jnp.result_type(int))
    valid = (rows >= 0) & (rows < table.shape[0])
    return jnp.where(valid[..., None], jnp.asarray(table)[jnp.where(valid, rows, 0)], jnp.nan)


def _dropout(layer: layers.dropout, run: _Run, at: str, x: Array) -> Array:
    return run.drop(layer.probability, x)


def _layer_norm(layer: layers.layer_norm, run: _Run, at: str, x: Array) -> Array:
    return run.layer_norm(at, x, layer.eps)


def _batch_norm(layer: layers.batch_norm, run: _Run, at: str, x: Array) -> Array:
    spread = (slice(None), *(None,) * (x.ndim - 2))  # a number for each feature, over the axes after it
    mean, variance = (run.buffers[f"{at}running_{name}"] for name in ("mean", "var"))
    if run.training:
        axes = (0, *range(2, x.ndim))
        count = math.prod(x.shape[axis] for axis in axes)
        if count < 2:
            raise DiagramError(f"`{layer}` takes two values or more of each feature in training, and there is {count}")
        old, momentum = (mean, variance), layer.momentum
        mean, variance = x.mean(axes), x.var(axes)
        # The average is of the unbiased variance; what normalises the batch is the biased one.
        new = (mean, variance * (count / (count - 1)))
        for name, before, now in zip(("mean", "var"), old, new, strict=True):
            run.buffers[f"{at}running_{name}"] = (1 - momentum) * before + momentum * lax.stop_gradient(now)
        run.buffers[f"{at}num_batches_tracked"] = run.buffers[f"{at}num_batches_tracked"] + 1
    weight, bias = (run.parameters[f"{at}{name}"][spread] for name in ("weight", "bias"))
    return (x - mean[spread]) * (lax.rsqrt(variance + layer.eps)[spread] * weight) + bias


def _instance_norm(layer: layers.instance_norm, run: _Run, at: str, x: Array) -> Array:
    return _standard(x, (-2, -1), layer.eps)


def _conv2d(layer: layers.conv2d, run: _Run, at: str, x: Array) -> Array:
    result = lax.conv_general_dilated(
        x,
        jnp.asarray(run.parameters[f"{at}weight"]),
        (layer.stride, layer.stride),
        [(layer.border, layer.border)] * 2,
        dimension_numbers=("NCHW", "OIHW", "NCHW"),
    )
    return result + run.parameters[f"{at}bias"][:, None, None] if layer.bias else result


def _pool(layer: layers.pool, run: _Run, at: str, x: Array) -> Array:
    window = (1, 1, layer.size, layer.size)
    if layer.kind == "max":
        return lax.reduce_window(x, -jnp.inf, lax.max, window, window, "VALID")
    return lax.reduce_window(x, 0.0, lax.add, window, window, "VALID") / layer.size**2


def _upsample(layer: layers.upsample, run: _Run, at: str, x: Array) -> Array:
    return x.repeat(layer.factor, -2).repeat(layer.factor, -1)


def _gru_cell(inputs: Array, hidden: Array, carry: tuple[Array, ...]) -> tuple[Array, ...]:
    (h,) = carry
    (ri, zi, ni), (rh, zh, nh) = (jnp.split(gates, 3, -1) for gates in (inputs, hidden))
    r, z = jax.nn.sigmoid(ri + rh), jax.nn.sigmoid(zi + zh)
    return ((1 - z) * jnp.tanh(ni + r * nh) + z * h,)


def _lstm_cell(inputs: Array, hidden: Array, carry: tuple[Array, ...]) -> tuple[Array, ...]:
    i, f, g, o = jnp.split(inputs + hidden, 4, -1)
    c = jax.nn.sigmoid(f) * carry[1] + jax.nn.sigmoid(i) * jnp.tanh(g)
    return jax.nn.sigmoid(o) * jnp.tanh(c), c


def _recurrent(layer: Any, run: _Run, at: str, sequence: Array, state: Array | None = None) -> Array:
    batch, length, _ = sequence.shape
    cell, count = (_gru_cell, 1) if isinstance(layer, layers.gru) else (_lstm_cell, 2)
    zero = jnp.zeros((batch, layer.hidden), sequence.dtype)
    start = ((zero if state is None else state), zero)[:count]
    if layer.feed:
        fed = jnp.broadcast_to(state[:, None], (batch, length, layer.hidden))  # type: ignore[index]
        sequence = jnp.concatenate((sequence, fed), -1)
    values, last = sequence, []
    for level in range(layer.layers):
        tracks, last = [], []
        for end in layer.directions:
            w, u, b, c = (
                run.parameters[f"{at}{name}_l{level}{end}"] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            )

            def step(carry: Any, x: Array, u: Array = u, c: Array = c) -> tuple[Any, Array]:
                carry = cell(x, carry[0] @ u.T + c, carry)
                return carry, carry[0]

            rows = (values @ w.T + b).swapaxes(0, 1)
            carry, track = lax.scan(step, start, rows, reverse=bool(end))
            tracks.append(track.swapaxes(0, 1))
            last.append(carry[0])
        values = jnp.concatenate(tracks, -1)
    if layer.output == "sequence":
        return values
    if layer.output == "last":
        return jnp.concatenate(last, -1)
    return values.max(1) if layer.output == "max" else values.mean(1)


def _decoder(layer: layers.transformer_decoder, run: _Run, at: str, context: Array, tokens: Array) -> Array:
    memory = context[:, None] if context.ndim == 2 else context
    length = tokens.shape[1]
    later = jnp.triu(jnp.ones((length, length), bool), 1)
    x = _embedding(layer, run, f"{at}embedding.", tokens) + run.parameters[f"{at}places.weight"][:length]

    def dropped(x: Array) -> Array:
        return run.drop(layer.dropout, x)

    for level in range(layer.layers):
        here = f"{at}blocks.{level}."
        y = run.layer_norm(f"{here}norm1.", x)
        x = x + dropped(_attention(layer, run, f"{here}self_attn.", y, y, later))
        y = run.layer_norm(f"{here}norm2.", x)
        x = x + dropped(_attention(layer, run, f"{here}multihead_attn.", y, memory, None))
        y = run.layer_norm(f"{here}norm3.", x)
        hidden = dropped(jax.nn.gelu(run.linear(f"{here}linear1.", y), approximate=False))
        x = x + dropped(run.linear(f"{here}linear2.", hidden))
    return run.linear(f"{at}head.", run.layer_norm(f"{at}norm.", x))


def _attention(
    layer: layers.transformer_decoder, run: _Run, at: str, x: Array, memory: Array, hidden: Array | None
) -> Array:
    """Attention of x to a memory, but for the pairs that are hidden."""
    w, b = run.parameters[f"{at}in_proj_weight"], run.parameters[f"{at}in_proj_bias"]
    d = layer.width

    def heads(y: Array, place: int) -> Array:
        rows = slice(place * d, (place + 1) * d)
        projected = y @ w[rows].T + b[rows]
        return projected.reshape(*y.shape[:2], layer.heads, d // layer.heads).swapaxes(1, 2)

    q, k, v = heads(x, 0), heads(memory, 1), heads(memory, 2)
    scores = q @ k.mT / math.sqrt(d // layer.heads)
    weights = jax.nn.softmax(scores if hidden is None else jnp.where(hidden, -jnp.inf, scores), -1)
    mixed = (run.drop(layer.dropout, weights) @ v).swapaxes(1, 2).reshape(x.shape)
    return run.linear(f"{at}out_proj.", mixed)


def _one_hot(layer: layers.one_hot, run: _Run, at: str, x: Array) -> Array:
    if _OPS.kind(x) != "int":
        raise DiagramError(f"`{layer}` takes whole numbers, not {x.dtype}")
    return one_hot(_OPS, _OPS.index(x), layer.classes, jnp.asarray(run.buffers[f"{at}one"]), f"`{layer}`")


_OPS = JaxOps()


def _leaky_relu(layer: layers.leaky_relu, run: _Run, at: str, x: Array) -> Array:
    return jnp.where(x > 0, x, layer.slope * x)


def _softplus(layer: layers.softplus, run: _Run, at: str, x: Array) -> Array:
    return jnp.where(x > 20, x, jnp.logaddexp(x, 0))


def _translate(layer: layers.translate, run: _Run, at: str, x: Array, u: Array) -> Array:
    most = layer.most
    by = jnp.clip(jnp.floor(u * (2 * most + 1)), 0, 2 * most).astype(int)
    down, right = (
        (jnp.arange(size) + 2 * most - by[:, [axis]]).reshape(x.shape[0], *[1] * (x.ndim - 3), size)
        for axis, size in enumerate(x.shape[-2:])
    )
    padded = jnp.pad(x, [(0, 0)] * (x.ndim - 2) + [(most, most)] * 2)
    rows = jnp.take_along_axis(padded, down[..., None], -2, mode="clip")
    return jnp.take_along_axis(rows, right[..., None, :], -1, mode="clip")


def _plain(function: Callable[[Array], Array]) -> Callable[..., Array]:
    return lambda layer, run, at, x: function(x)


def _fixed(function: Callable[..., Array]) -> Callable[..., Array]:
    return lambda layer, run, at, *inputs: function(layer, *inputs)


_FUNCTIONS: Mapping[type[Layer], Callable[..., Array]] = {
    layers.linear: _linear,
    layers.affine: _linear,
    layers.constant: _constant,
    layers.polynomial: _polynomial,
    layers.embedding: _embedding,
    layers.dropout: _dropout,
    layers.layer_norm: _layer_norm,
    layers.batch_norm: _batch_norm,
    layers.instance_norm: _instance_norm,
    layers.conv2d: _conv2d,
    layers.pool: _pool,
    layers.upsample: _upsample,
    layers.gru: _recurrent,
    layers.lstm: _recurrent,
    layers.transformer_decoder: _decoder,
    layers.translate: _translate,
    layers.leaky_relu: _leaky_relu,
    layers.softplus: _softplus,
    layers.one_hot: _one_hot,
    layers.relu: _plain(jax.nn.relu),
    layers.gelu: _plain(lambda x: jax.nn.gelu(x, approximate=False)),
    layers.silu: _plain(jax.nn.silu),
    layers.elu: _plain(jax.nn.elu),
    layers.tanh: _plain(jnp.tanh),
    layers.sigmoid: _plain(jax.nn.sigmoid),
    layers.softmax: _plain(lambda x: jax.nn.softmax(x, -1)),
    layers.exp: _plain(jnp.exp),
    layers.normalize: _plain(_OPS.unit),
    layers.scale: _fixed(lambda layer, x: layer.factor * x + layer.shift),
    layers.flatten: _fixed(lambda layer, x: x.reshape(x.shape[0], math.prod(x.shape[1:]))),
    layers.reshape: _fixed(lambda layer, x: x.reshape(x.shape[0], *layer.shape(x.shape[1:]))),
    layers.roll: _fixed(lambda layer, x: jnp.roll(x, layer.by, layer.axis + (layer.axis >= 0))),
    layers.rot90: _fixed(lambda layer, x: jnp.rot90(x, layer.turns, (-2, -1))),
    layers.concat: _fixed(lambda layer, *inputs: jnp.concatenate(inputs, -1)),
    layers.add: _fixed(lambda layer, *inputs: reduce(add, inputs)),
    layers.multiply: _fixed(lambda layer, *inputs: reduce(mul, inputs)),
}
