"""The larger ATen operators in jax: convolutions, norms, pooling, resampling, recurrence, embeddings.

Each function follows the schema of the ATen operator that it stands for, argument by argument. Layouts are
torch's (N, C, spatial axes). Whatever depends on sizes alone (windows, divisors, interpolation weights) is
made in NumPy while tracing and is a constant of the compiled function.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from .aten_functions import bound

Draw = Callable[[], jax.Array]
"""Gives a fresh key of the random number generator each time it is called."""


def per_axis(value: Any, axes: int, default: Any = None) -> tuple:
    """An option given once, for every axis, or not at all, as one value for each of `axes`.

    >>> per_axis(2, 3), per_axis((2,), 2), per_axis((), 2, default=(3, 4))
    ((2, 2, 2), (2, 2), (3, 4))
    """
    if value is None or (isinstance(value, Sequence) and len(value) == 0):
        return (None,) * axes if default is None else per_axis(default, axes)
    values = tuple(value) if isinstance(value, Sequence) else (value,)
    return values * axes if len(values) == 1 else values


def convolution(x, weight, bias, stride, padding, dilation, transposed, output_padding, groups):
    """Convolution of any number of spatial axes, also transposed."""
    axes = weight.ndim - 2
    if x.ndim == axes + 1:
        batch = convolution(x[None], weight, bias, stride, padding, dilation, transposed, output_padding, groups)
        return batch[0]
    stride, padding, dilation = (per_axis(v, axes) for v in (stride, padding, dilation))
    pads = [(p, p) for p in padding]
    if transposed:
        # The gradient of a convolution with respect to its input: the input is spread out by the stride, the
        # kernel is turned round, and the channels change places within each group.
        kernel = weight.shape[2:]
        weight = jnp.flip(weight, range(2, weight.ndim))
        weight = weight.reshape(groups, weight.shape[0] // groups, weight.shape[1], *kernel).swapaxes(1, 2)
        weight = weight.reshape(groups * weight.shape[1], weight.shape[2], *kernel)
        reach = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
        extra = per_axis(output_padding, axes)
        pads = [(r - p, r - p + e) for r, p, e in zip(reach, padding, extra, strict=True)]
    y = lax.conv_general_dilated(
        x,
        weight,
        window_strides=(1,) * axes if transposed else stride,
        padding=pads,
        lhs_dilation=stride if transposed else None,
        rhs_dilation=dilation,
        feature_group_count=groups,
    )
    return y if bias is None else y + bias.reshape(-1, *(1,) * axes)


def _normalise(x, axes, eps):
    mean = jnp.mean(x, axes, keepdims=True)
    variance = jnp.mean(jnp.square(x - mean), axes, keepdims=True)
    return mean, variance, lax.rsqrt(variance + eps)


def layer_norm(x, shape, weight, bias, eps):
    """`native_layer_norm`: (normalised, mean, 1/deviation) over the last `len(shape)` axes."""
    mean, _, scale = _normalise(x, tuple(range(x.ndim - len(shape), x.ndim)), eps)
    y = (x - mean) * scale
    y = y if weight is None else y * weight
    return y if bias is None else y + bias, mean, scale


def rms_norm(x, shape, weight=None, eps=None):
    """Division by the root of the mean square over the last `len(shape)` axes; no `eps`: the dtype's."""
    eps = float(jnp.finfo(x.dtype).eps) if eps is None else eps
    axes = tuple(range(x.ndim - len(shape), x.ndim))
    y = x * lax.rsqrt(jnp.mean(jnp.square(x), axes, keepdims=True) + eps)
    return y if weight is None else y * weight


def group_norm(x, weight, bias, n, channels, area, groups, eps):
    """`native_group_norm`: (normalised, mean, 1/deviation), each of `groups` groups of channels by itself."""
    grouped = x.reshape(n, groups, -1)
    mean, _, scale = _normalise(grouped, -1, eps)
    y = ((grouped - mean) * scale).reshape(x.shape)
    rest = (1,) * (x.ndim - 2)
    y = y if weight is None else y * weight.reshape(channels, *rest)
    y = y if bias is None else y + bias.reshape(channels, *rest)
    return y, mean[..., 0], scale[..., 0]


def batch_norm(x, weight, bias, running_mean, running_var, training, momentum, eps):
    """Batch normalisation: (normalised, mean, 1/deviation, new running mean, new running variance).

    The running variance is the unbiased one, as in torch; no gradient passes through the running statistics.
    """
    over = (0, *range(2, x.ndim))
    shape = (1, -1, *(1,) * (x.ndim - 2))
    if training:
        mean, variance, scale = (v.reshape(-1) for v in _normalise(x, over, eps))
        if running_mean is not None:
            count = math.prod(x.shape[axis] for axis in over)
            unbiased = variance * count / (count - 1)
            running_mean = lax.stop_gradient((1 - momentum) * running_mean + momentum * mean)
            running_var = lax.stop_gradient((1 - momentum) * running_var + momentum * unbiased)
    else:
        mean, scale = running_mean, lax.rsqrt(running_var + eps)
    y = (x - mean.reshape(shape)) * scale.reshape(shape)
    y = y if weight is None else y * weight.reshape(shape)
    y = y if bias is None else y + bias.reshape(shape)
    return y, mean, scale, running_mean, running_var


def _windows(length: int, size: int, stride: int, padding: int, dilation: int, ceil: bool) -> tuple[int, int]:
    """How many windows torch lays along one axis, and the padding that it takes on the right."""
    span = dilation * (size - 1) + 1
    room = length + 2 * padding - span
    count = (-(-room // stride) if ceil else room // stride) + 1
    if ceil and (count - 1) * stride >= length + padding:
        count -= 1  # a window may not begin in the padding on the right
    return count, max((count - 1) * stride + span - length - padding, 0)


def _largest(x, places: Sequence[np.ndarray], padding: Sequence[int], shape: Sequence[int]):
    """The largest entry of each window, the first if there are several, and its place in the unpadded input.

    `places` holds, for each spatial axis, the positions of every window, (windows, size), in the input `x`,
    which has been padded on the left by `padding`; `shape` is that of the spatial axes before padding.
    """
    axes = len(places)
    lead = x.ndim - axes
    index = []
    for axis, place in enumerate(places):
        around = [1] * (2 * axes)
        around[axis], around[axes + axis] = place.shape
        index.append(place.reshape(around))
    patches = x[(..., *index)]  # (lead…, windows…, sizes…)
    patches = patches.reshape(*patches.shape[: lead + axes], -1)
    first = jnp.argmax(patches, -1, keepdims=True)
    flat = np.zeros((1,) * (2 * axes), np.int64)
    for place, pad, length in zip(index, padding, shape, strict=True):
        flat = flat * length + (place - pad)
    flat = flat.reshape(*flat.shape[:axes], -1)
    where = jnp.take_along_axis(jnp.broadcast_to(jnp.asarray(flat), patches.shape), first, -1)
    return jnp.take_along_axis(patches, first, -1)[..., 0], where[..., 0]


def max_pool(axes: int):
    """`max_pool{axes}d_with_indices`: (largest of each window, its place in the flattened spatial axes)."""

    def pool(x, kernel, stride=(), padding=0, dilation=1, ceil_mode=False):
        kernel = per_axis(kernel, axes)
        stride = per_axis(stride, axes, kernel)
        padding, dilation = per_axis(padding, axes), per_axis(dilation, axes)
        shape, lead = x.shape[-axes:], x.ndim - axes
        layout = list(zip(shape, kernel, stride, padding, dilation, strict=True))
        laid = [_windows(*axis, ceil_mode) for axis in layout]
        pads = [(0, 0)] * lead + [(p, right) for p, (_, right) in zip(padding, laid, strict=True)]
        padded = jnp.pad(x, pads, constant_values=bound(x.dtype, -1))
        places = [
            np.arange(count)[:, None] * s + np.arange(k) * d
            for (_, k, s, _, d), (count, _) in zip(layout, laid, strict=True)
        ]
        values, indices = _largest(padded, places, padding, shape)
        if all(d == 1 for d in dilation):
            # The same numbers, faster; the positions above cost nothing under jit where nobody asks for them.
            ones = (1,) * lead
            values = lax.reduce_window(x, bound(x.dtype, -1), lax.max, (*ones, *kernel), (*ones, *stride), pads)
        return values, indices

    return pool


def avg_pool(axes: int):
    """`avg_pool{axes}d`."""

    def pool(x, kernel, stride=(), padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None):
        kernel = per_axis(kernel, axes)
        stride, padding = per_axis(stride, axes, kernel), per_axis(padding, axes)
        shape, lead = x.shape[-axes:], x.ndim - axes
        pads: list[tuple[int, int]] = [(0, 0)] * lead
        divisor = np.ones((1,) * axes)
        for axis, (length, k, s, p) in enumerate(zip(shape, kernel, stride, padding, strict=True)):
            count, right = _windows(length, k, s, p, 1, ceil_mode)
            pads.append((p, right))
            start = np.arange(count) * s - p
            low, high = (-p, length + p) if count_include_pad else (0, length)
            size = np.minimum(start + k, high) - np.maximum(start, low)
            divisor = divisor * size.reshape([-1 if a == axis else 1 for a in range(axes)])
        ones = (1,) * lead
        total = lax.reduce_window(x, np.array(0, x.dtype), lax.add, (*ones, *kernel), (*ones, *stride), pads)
        return total / jnp.asarray(divisor_override or divisor, x.dtype)

    return pool


def _adaptive(length: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The windows of adaptive pooling along one axis: where each starts and ends."""
    i = np.arange(count)
    return i * length // count, -(-(i + 1) * length // count)


def adaptive_max_pool(axes: int):
    """`adaptive_max_pool{axes}d`: (largest of each window, its position in the flattened spatial axes)."""

    def pool(x, output_size):
        shape = x.shape[-axes:]
        places = []
        for length, count in zip(shape, output_size, strict=True):
            start, end = _adaptive(length, count)
            # Windows differ in size; the shorter ones repeat their last entry, which never comes first.
            places.append(np.minimum(start[:, None] + np.arange((end - start).max()), end[:, None] - 1))
        return _largest(x, places, (0,) * axes, shape)

    return pool


def _resample(x, axis: int, weights: np.ndarray):
    """Contract one axis with the matrix `weights` (new length, old length)."""
    return jnp.moveaxis(jnp.tensordot(x, jnp.asarray(weights, x.dtype), ((axis,), (1,))), -1, axis)


def adaptive_avg_pool(axes: int):
    """`_adaptive_avg_pool{axes}d`."""

    def pool(x, output_size):
        for axis, count in enumerate(output_size, x.ndim - axes):
            start, end = _adaptive(x.shape[axis], count)
            i = np.arange(x.shape[axis])
            inside = (i >= start[:, None]) & (i < end[:, None])
            x = _resample(x, axis, inside / (end - start)[:, None])
        return x

    return pool


def _nearest(length: int, count: int, scale: float | None) -> np.ndarray:
    # In float32 as torch does it, which decides ties between two neighbours.
    step = np.float32(1 / scale if scale else length / count)
    return np.minimum(np.floor(np.arange(count, dtype=np.float32) * step), length - 1).astype(int)


def _weights(length: int, count: int, scale: float | None, align_corners: bool, cubic: bool) -> np.ndarray:
    """The matrix (count, length) that interpolates along an axis, linearly or cubically (a = -3/4)."""
    i = np.arange(count)
    if align_corners:
        source = i * ((length - 1) / (count - 1) if count > 1 else 0.0)
    else:
        source = (i + 0.5) * (1 / scale if scale else length / count) - 0.5
        source = source if cubic else np.maximum(source, 0)
    base = np.floor(source).astype(int)
    t = source - base
    if cubic:
        a = -0.75
        far = [((a * s - 5 * a) * s + 8 * a) * s - 4 * a for s in (t + 1, 2 - t)]
        near = [((a + 2) * s - (a + 3)) * s * s + 1 for s in (t, 1 - t)]
        taps = {-1: far[0], 0: near[0], 1: near[1], 2: far[1]}
    else:
        taps = {0: 1 - t, 1: t}
    matrix = np.zeros((count, length))
    for offset, weight in taps.items():
        np.add.at(matrix, (i, np.clip(base + offset, 0, length - 1)), weight)
    return matrix


def _targets(x, axes, output_size, scales):
    """For each spatial axis: its number, its length, its new length, its scale where one was given."""
    shape = x.shape[-axes:]
    scales = per_axis(scales, axes)
    sizes = output_size or [math.floor(length * s) for length, s in zip(shape, scales, strict=True)]
    return list(zip(range(x.ndim - axes, x.ndim), shape, sizes, scales, strict=True))


def upsample_nearest(axes: int):
    """`upsample_nearest{axes}d`, its scales in a list (`.vec`) or one by one."""

    def upsample(x, output_size=None, *scales):
        scales = scales[0] if len(scales) == 1 and isinstance(scales[0], tuple) else scales
        for axis, length, count, scale in _targets(x, axes, output_size, scales):
            x = jnp.take(x, _nearest(length, count, scale), axis)
        return x

    return upsample


def upsample_smooth(axes: int, cubic: bool = False):
    """Linear, bilinear, trilinear and bicubic resampling; scales in a list (`.vec`) or one by one."""

    def upsample(x, output_size, align_corners, *scales):
        scales = scales[0] if len(scales) == 1 and isinstance(scales[0], tuple) else scales
        for axis, length, count, scale in _targets(x, axes, output_size, scales):
            x = _resample(x, axis, _weights(length, count, scale, align_corners, cubic))
        return x

    return upsample


def _lstm_step(state, projected, weight, bias, project):
    h, c = state
    i, f, g, o = jnp.split(projected + h @ weight.T + bias, 4, -1)
    c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
    h = jax.nn.sigmoid(o) * jnp.tanh(c)
    return (h if project is None else h @ project.T), c


def _gru_step(state, projected, weight, bias, project):
    (h,) = state
    reset, update, new = jnp.split(projected, 3, -1)
    from_reset, from_update, from_new = jnp.split(h @ weight.T + bias, 3, -1)
    reset, update = jax.nn.sigmoid(reset + from_reset), jax.nn.sigmoid(update + from_update)
    new = jnp.tanh(new + reset * from_new)
    return (new + update * (h - new),)


def _rnn_step(activation):
    def step(state, projected, weight, bias, project):
        return (activation(projected + state[0] @ weight.T + bias),)

    return step


def recurrent(step):
    """A recurrent layer as ATen has it (`lstm.input`, `gru.input`, …), run by `lax.scan`."""

    def layer(draw: Draw, x, initial, weights, biases, layers, dropout, train, bidirectional, batch_first):
        initial = initial if isinstance(initial, tuple) else (initial,)
        directions = 2 if bidirectional else 1
        each = len(weights) // (layers * directions)
        x = jnp.swapaxes(x, 0, 1) if batch_first else x
        finals = []
        for number in range(layers):
            outputs = []
            for direction in range(directions):
                place = number * directions + direction
                w_in, w_state, *rest = weights[place * each : (place + 1) * each]
                b_in, b_state = rest[:2] if biases else (0.0, 0.0)
                project = rest[-1] if len(rest) > (2 if biases else 0) else None

                def body(state, projected, w_state=w_state, b_state=b_state, project=project):
                    state = step(state, projected, w_state, b_state, project)
                    return state, state[0]

                start = tuple(s[place] for s in initial)
                final, output = lax.scan(body, start, x @ w_in.T + b_in, reverse=direction == 1)
                finals.append(final)
                outputs.append(output)
            x = jnp.concatenate(outputs, -1) if bidirectional else outputs[0]
            if train and dropout > 0 and number < layers - 1:
                x = dropped(draw, x, dropout)[0]
        x = jnp.swapaxes(x, 0, 1) if batch_first else x
        return x, *(jnp.stack(states) for states in zip(*finals, strict=True))

    return layer


def dropped(draw: Draw, x, p: float, train: bool | None = True):
    """`native_dropout`: (x with entries dropped with probability p and the rest scaled up, what is kept)."""
    if not train or p == 0:
        return x, jnp.ones(x.shape, bool)
    if p == 1:
        return jnp.zeros_like(x), jnp.zeros(x.shape, bool)
    kept = jax.random.bernoulli(draw(), 1 - p, x.shape)
    return jnp.where(kept, x / (1 - p), 0), kept


def embedding(weight, indices, padding_idx=-1, scale_grad_by_freq=False, sparse=False):
    """Rows of a table; the padding row gets no gradient.

    A number outside the table gives NaN, since a compiled function cannot raise.
    """
    if scale_grad_by_freq:
        raise ValueError("scale_grad_by_freq has no counterpart in jax; leave it False")
    outside = jnp.where(indices < 0, weight.shape[0], indices)  # or else negative ones would count from the end
    rows = weight.at[outside].get(mode="fill", fill_value=jnp.nan)
    return rows if padding_idx < 0 else jnp.where((indices == padding_idx)[..., None], lax.stop_gradient(rows), rows)


def embedding_bag(
    weight, indices, offsets, scale=False, mode=0, sparse=False, per_sample=None, last=False, padding_idx=-1
):
    """`_embedding_bag`: sums (mode 0), means (1) or maxima (2) of bags of rows, bag i from `offsets[i]`."""
    bags = offsets.shape[0] - (1 if last else 0)
    starts = offsets[:bags]
    bag = jnp.searchsorted(starts, jnp.arange(indices.shape[0]), side="right") - 1
    rows = embedding(weight, indices, padding_idx, scale)
    counted = indices != padding_idx
    rows = rows if per_sample is None else rows * per_sample[:, None]
    size = jax.ops.segment_sum(counted.astype(indices.dtype), bag, bags)
    if mode == 2:
        most = jax.ops.segment_max(jnp.where(counted[:, None], rows, -jnp.inf), bag, bags)
        y = jnp.where(size[:, None] > 0, most, 0)
    else:
        y = jax.ops.segment_sum(jnp.where(counted[:, None], rows, 0), bag, bags)
        y = y / jnp.maximum(size, 1)[:, None].astype(y.dtype) if mode == 1 else y
    return y, bag, size, jnp.zeros(0, indices.dtype)


lstm, gru = recurrent(_lstm_step), recurrent(_gru_step)
rnn_tanh, rnn_relu = recurrent(_rnn_step(jnp.tanh)), recurrent(_rnn_step(jax.nn.relu))
