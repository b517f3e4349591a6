"""Torch modules on jax agree with torch: values, gradients of parameters and inputs, buffers."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from learningdiagrams.backends.torch_on_jax import CannotCarry, Carried, carry

BATCH = 3


def ids(number: int, *shape: int) -> Callable[[np.random.Generator], np.ndarray]:
    """Whole numbers below `number`."""
    return lambda rng: rng.integers(0, number, (BATCH, *shape))


def reals(*shape: int, scale: float = 1.0) -> Callable[[np.random.Generator], np.ndarray]:
    return lambda rng: (scale * rng.normal(size=(BATCH, *shape))).astype(np.float32)


class Does(nn.Module):
    """A function as a module, with the modules that it uses."""

    def __init__(self, function, **parts):
        super().__init__()
        self.function = function
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, *arguments):
        return self.function(self, *arguments)


def fn(function) -> nn.Module:
    return Does(lambda self, *arguments: function(*arguments))


def each(*modules: nn.Module) -> nn.Module:
    """All of the modules on the same input, their outputs as a tuple; one export for many."""
    return Does(
        lambda self, *arguments: tuple(part(*arguments) for part in self.parts), parts=nn.ModuleList(modules)
    )


def tied() -> nn.Module:
    there = nn.Embedding(7, 4)
    back = nn.Linear(4, 7, bias=False)
    back.weight = there.weight
    return nn.Sequential(there, nn.Tanh(), back)


def lstm_from(layers: int, **options) -> nn.Module:
    """An LSTM with a given initial state, made from a second input."""

    def run(self, x, start):
        state = start.expand(layers, *start.shape).contiguous()
        return self.net(x, (state, state * 0.5))

    return Does(run, net=nn.LSTM(3, 4, layers, batch_first=True, **options))


def attention(self, x):
    mask = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).tril()
    return (
        F.scaled_dot_product_attention(x, x, x, is_causal=True),
        F.scaled_dot_product_attention(x, x * 2, x, attn_mask=mask),
        F.scaled_dot_product_attention(x, x, x, scale=0.3),
    )


def masked_attention(self, x):
    hidden = torch.zeros(x.shape[:2], dtype=torch.bool)
    hidden[:, -2:] = True
    return self.net(x, x, x, key_padding_mask=hidden, average_attn_weights=False)


def scalars_of_the_batch(x):
    n = x.shape[0]
    return (
        x.sum(0) / n,
        x.reshape(n * 2, -1).sum(1),
        torch.arange(n) * 2,
        x.new_zeros(n, 2),
        torch.full((n,), 1 / n),
    )


def places(x):
    y = x.clone()
    y[:, 0] = 1.5
    y[:, 1:3] += 2
    y[y > 1] = 0.25
    rows = torch.tensor([2, 0])
    return (
        y,
        x[:, rows],
        x[:, -1],
        x[..., None, 1:],
        x[:, ::2],
        x.index_select(1, rows),
        x.gather(1, rows.expand(x.shape[0], 2)),
        torch.zeros_like(x).scatter(1, rows.expand(x.shape[0], 2), x[:, :2]),
        torch.zeros_like(x).scatter_add(1, rows.expand(x.shape[0], 2) * 0, x[:, :2]),
        torch.take_along_dim(x, x.argsort(1), 1),
        x.unfold(1, 2, 2),
        x.narrow(1, 1, 2),
        x.masked_fill(x > 0, -1.0),
        torch.where(x > 0, x, -x * 2),
    )


def orders(x):
    top, where = x.topk(2, dim=1)
    small, _ = x.topk(2, dim=1, largest=False)
    ordered, order = x.sort(dim=1, descending=True)
    most, which = x.max(dim=1)
    running, _ = x.cummax(1)
    return (
        top,
        where,
        small,
        ordered,
        order,
        most,
        which,
        x.argmax(1),
        x.argmin(),
        x.min(1, keepdim=True).values,
        running,
    )


def reductions(x):
    flat = x.flatten(1)
    return (
        x.sum(), x.sum((1, 2)), x.mean(), x.mean(1, keepdim=True), x.var(1), x.var(1, unbiased=False), x.std((1, 2)), x.std(),
        x.amax(1), x.amin((1, 2)), x.max(), x.prod(1), x.prod(), x.cumsum(1), x.cumprod(2), x.logsumexp(1), x.norm(),
        x.norm(dim=1), x.norm(p=1, dim=1), x.norm(p=3, dim=1), F.normalize(flat, dim=1), x.logcumsumexp(1),
        torch.linalg.vector_norm(x, ord=float("inf"), dim=1), (x > 0).any(1), (x > 0).all(), torch.var_mean(x, 1)[1],
        torch.cdist(x, x * 0.5), F.cosine_similarity(x, x + 1, dim=1), F.pairwise_distance(flat, flat * 2), x.nansum(),
    )  # fmt: skip


def shapes(x):
    a, b, c = x.chunk(3, dim=1)
    d, e = x.split([4, 2], dim=1)
    return (
        torch.cat([a, c, b], 1), torch.stack([a, b], -1), d, e, x.view(x.shape[0], -1), x.transpose(1, 2), x.permute(2, 0, 1),
        x.unsqueeze(1).expand(-1, 2, -1, -1), x.flip(1), x.roll(1, 1), x.roll(2), x.repeat(1, 2, 1), x.unbind(1)[2],
        x.tril(), x.triu(1), x.diagonal(dim1=1, dim2=2), torch.rot90(x, 1, (1, 2)), x[:, :1].squeeze(1), x.swapaxes(0, 1),
        x.repeat_interleave(2, dim=1), F.pad(x, (1, 2)), F.pad(x, (-1, 1, 2, 0), value=3.0), x.tensor_split(2, dim=2)[0],
        torch.meshgrid(torch.arange(2), torch.arange(3), indexing="ij")[0], x.movedim(1, 2), x.T.mT, x.tile(2),
    )  # fmt: skip


def arithmetic(x, y):
    return (
        x + y, x - 2 * y, 1 - x, x * y, x / 2, x / (y * y + 1), x.detach() // 0.3, x % 0.7, -x, x**2, x**3, (x * x + 0.1) ** 0.5, 2**x,
        (x * x + 0.1) ** y, x.abs(), (x * x).sqrt(), (x * x + 1).rsqrt(), x.exp(), (x * x + 1).log(), x.log1p().nan_to_num(),
        x.sin(), x.cos(), x.tan(), x.sinh(), x.atan(), torch.atan2(x, y), x.erf(), x.floor(), x.round(), x.sign(), x.square(),
        x.clamp(-0.5, 0.5), x.clamp(min=0.1), torch.maximum(x, y), torch.minimum(x, y), torch.lerp(x, y, 0.3), x.expm1(),
        torch.addcmul(x, x, y), torch.addcdiv(x, x, y * y + 1), torch.logaddexp(x, y), torch.hypot(x, y), x.reciprocal(),
        (x > y) & (x < 1) | ~(y > 0), (x == y).float(), (x >= 0).to(torch.int64) + 1, x.frac(), torch.fmod(x, 0.4), x.sigmoid(),
        torch.div(x, 0.3, rounding_mode="trunc"), torch.xlogy(x * x, y * y), (x * x).logit(1e-3), torch.special.expit(x),
    )  # fmt: skip


def more_arithmetic(x, y):
    u, over = x.tanh() * 0.9, x.abs() + 1.5
    return (
        u.acos(), u.asin(), u.atanh(), over.acosh(), x.asinh(), x.cosh(), x.ceil(), x.trunc(), over.digamma(), over.lgamma(), x.erfc(),
        u.erfinv(), x.exp2(), over.log2(), over.log10(), (x / 0).isinf(), x.signbit(), +x, torch.fmax(x, y), torch.fmin(x, y), x.remainder(y),
        torch.rsub(x, y, alpha=2), x.fmod(y), x.clamp(y - 1, y + 1), x.clamp_min(y), x.clamp_max(0.3), torch.clamp_max(x, y), torch.lerp(x, y, u),
        x.masked_fill(y > 0, y.sum().detach()), torch.where(x > 0, 1.0, 2.0), torch.where(x > 0, x, 2.0), torch.where(x > 0, 1.0, x), x.round(decimals=1),
        (x > 0).logical_and(y > 0), (x > 0).logical_or(y > 0), (x > 0).logical_xor(y > 0), (x > 0).logical_not(), x >= y, x <= y, x < y, x != y,
        torch.full_like(x, 3), x.new_full((2,), 7), x.new_ones(3), torch.ones_like(x), torch.rsub(x, 1.0), x.t(), torch.ones(2), torch.arange(1, 3),
        x.double() + 1, x.half().float(), (x * 2).to(torch.int32), torch.tensor(2.0) * x, torch.tensor([1.0, 2.0, 3.0, 4.0]) + x, x.detach() * x,
        torch.addmv(x[:, 0], x, y[0]), x.sum().reshape(()).exp(), x + torch.empty_like(x) * 0, torch.linspace(0, 1, 4) * x, torch.eye(4) @ x[0], torch.logspace(0, 1, 4),
        torch.linalg.solve(torch.eye(4) * 3 + x.T @ x, y.T), torch.linalg.inv(torch.eye(4) * 3 + x.T @ x), torch.linalg.det(torch.eye(4) + x.T @ x),
        torch.linalg.cholesky(torch.eye(4) * 3 + x.T @ x), torch.linalg.matrix_exp(u[0].outer(u[0])), torch.linalg.solve(torch.eye(4) * 3 + x.T @ x, y[0]),
        torch.linalg.solve(torch.eye(4) * 3 + x.T @ x, y, left=False),
    )  # fmt: skip


def scattering(x):
    rows = torch.tensor([[0, 2, 0, 1]]).expand(x.shape[0], 4)
    return (
        x.scatter(1, rows[:, :2], 3.0), x.scatter(1, rows, x, reduce="add"), x.scatter(1, rows, 2.0, reduce="multiply"),
        *(x.scatter_reduce(1, rows, x * 2, how, include_self=own) for how in ("sum", "mean", "amax", "amin", "prod") for own in (True, False)),
        x.index_add(1, torch.tensor([0, 0]), x[:, :2]), x.index_fill(1, torch.tensor([1]), 2.0), x.select_scatter(x[:, 0], 1, 2), x.diag_embed(),
        x.slice_scatter(x[:, :2], 1, 0, 4, 2), x.squeeze(), x[:, :1].squeeze(), x[:, :1].squeeze((1,)), x.min(), x.cummin(1)[0], x.sort(dim=1, stable=True)[0],
        torch.std_mean(x, 1)[1], torch.std_mean(x, (0, 1), correction=0)[0], (x > 0).any(), (x > 0).all(1), (x > 0).any((0, 1)), (x > 0).all((0, 1)), x.msort(),
        torch.index_put(x, (torch.arange(x.shape[0]), torch.tensor(1)), x[:, 0], accumulate=True), x.var(), x.std(), x.aminmax(dim=1)[0], x.median(1)[0], x.count_nonzero(1),
        x.masked_scatter(x > 9, x) if False else x.bool(), x.sum(1).unflatten(0, (-1, 1)), x.nan_to_num(), x.renorm(2, 1, 1.0), x.quantile(0.3, dim=1), x.kthvalue(2, 1)[0],
    )  # fmt: skip


def bits(i):
    return (
        i & 3,
        i | 4,
        i ^ 1,
        i & i,
        i | (i + 1),
        i ^ (i * 3),
        ~i,
        i // 2,
        i % 2,
        i << 1,
        i >> 1,
        torch.div(-i, 2, rounding_mode="trunc"),
        i.bool(),
        i.max(),
        i.float(),
    )


def products(x, y):
    return (
        torch.einsum("bij,bkj->bik", x, y), x @ y.mT, torch.bmm(x, y.transpose(1, 2)), torch.matmul(x, y[0, 0]), torch.outer(x[0, 0], y[0, 0]),
        torch.baddbmm(x @ y.mT, x, y.mT, beta=0.5, alpha=2), torch.addmm(x[0] @ y[0].T, x[0], y[0].T, alpha=0.3), x[0] @ y[0, 0],
        torch.tensordot(x, y, dims=([2], [2])), torch.einsum("...i,...i", x, y), torch.dot(x[0, 0], y[0, 0]), torch.kron(x[0], y[0]),
        torch.linalg.multi_dot([x[0], y[0].T, x[0]]),
    )  # fmt: skip


ACTIVATIONS = [
    nn.ReLU(), nn.ReLU6(), nn.LeakyReLU(0.2), nn.ELU(0.7), nn.SELU(), nn.CELU(1.3), nn.GELU(), nn.GELU("tanh"), nn.SiLU(), nn.Mish(),
    nn.Softplus(), nn.Softplus(2, 5), nn.Softsign(), nn.Tanh(), nn.Sigmoid(), nn.Hardtanh(-0.5, 0.7), nn.Hardswish(), nn.Hardsigmoid(),
    nn.Softmax(-1), nn.LogSoftmax(1), nn.Softmin(-1), nn.PReLU(), nn.PReLU(6), nn.GLU(), nn.Threshold(0.1, -3), nn.LogSigmoid(),
    nn.Tanhshrink(), nn.Hardshrink(), nn.Softshrink(), nn.Softmax2d(), nn.RReLU(),
]  # fmt: skip

CASES: dict[str, tuple[Callable[[], nn.Module], tuple]] = {
    "linear": (lambda: nn.Linear(4, 5), (reals(4),)),
    "linear over sequences": (lambda: nn.Linear(4, 5, bias=False), (reals(2, 4),)),
    "bilinear": (lambda: nn.Bilinear(4, 3, 5), (reals(4), reals(3))),
    "residual": (lambda: Does(lambda s, x: (x + s.f(x / 2)) / 3, f=nn.Sequential(nn.Linear(4, 4), nn.ReLU(inplace=True))), (reals(4),)),
    "convolutions 1d": (
        lambda: each(nn.Conv1d(4, 6, 3), nn.Conv1d(4, 6, 3, 2, 1, 2, 2), nn.Conv1d(4, 4, 3, padding="same", groups=4),
                     nn.ConvTranspose1d(4, 6, 3), nn.ConvTranspose1d(4, 6, 4, 3, 1, 2, 2, dilation=2)), (reals(4, 9),)),
    "convolutions 2d": (
        lambda: each(nn.Conv2d(2, 4, 3), nn.Conv2d(2, 4, (3, 2), (2, 1), (1, 0), bias=False, groups=2), nn.Conv2d(2, 3, 3, padding=1, padding_mode="circular"),
                     nn.Conv2d(2, 3, 3, padding=1, padding_mode="reflect"), nn.Conv2d(2, 3, 3, padding=1, padding_mode="replicate"),
                     nn.ConvTranspose2d(2, 4, 3, 2, 1, 1), nn.ConvTranspose2d(2, 4, (2, 3), (1, 2), groups=2)), (reals(2, 7, 6),)),
    "convolutions 3d": (lambda: each(nn.Conv3d(2, 4, 2, padding=1), nn.ConvTranspose3d(2, 3, 2, 2)), (reals(2, 4, 3, 5),)),
    "batch norm 1d": (lambda: nn.Sequential(nn.BatchNorm1d(4), nn.Linear(4, 3), nn.BatchNorm1d(3, affine=False)), (reals(4),)),
    "batch norms 2d": (lambda: each(nn.BatchNorm2d(3), nn.BatchNorm2d(3, track_running_stats=False), nn.InstanceNorm2d(3, affine=True),
                                    nn.InstanceNorm2d(3, track_running_stats=True)), (reals(3, 4, 5),)),
    "norms": (lambda: each(nn.LayerNorm(6), nn.LayerNorm((4, 6), elementwise_affine=False), nn.GroupNorm(2, 4), nn.GroupNorm(4, 4, affine=False), nn.RMSNorm(6),
                           nn.RMSNorm((4, 6), eps=1e-3), nn.LocalResponseNorm(2)), (reals(4, 6),)),
    "activations": (lambda: each(*ACTIVATIONS).eval(), (reals(6, 4, 2),)),
    "activations far out": (lambda: each(*ACTIVATIONS).eval(), (reals(6, 4, 2, scale=100.0),)),
    "embedding": (lambda: nn.Embedding(7, 4, padding_idx=2), (ids(7, 5),)),
    "embedding bags": (lambda: each(*(nn.EmbeddingBag(7, 4, mode=mode, padding_idx=pad) for mode in ("sum", "mean", "max") for pad in (None, 1))), (ids(7, 5),)),
    "tied weights": (tied, (ids(7, 2),)),
    "attention": (lambda: nn.MultiheadAttention(8, 2, batch_first=True), (reals(4, 8), reals(5, 8), reals(5, 8))),
    "attention with a mask": (lambda: Does(masked_attention, net=nn.MultiheadAttention(8, 2, batch_first=True, add_bias_kv=True)), (reals(4, 8),)),
    "dot product attention": (lambda: Does(attention), (reals(4, 8),)),
    "transformer encoder": (lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, 0.0, batch_first=True), 2), (reals(4, 8),)),
    "transformer encoder, frozen": (lambda: nn.TransformerEncoderLayer(8, 2, 16, 0.0, "gelu", batch_first=True, norm_first=True).requires_grad_(False), (reals(4, 8),)),
    "transformer decoder": (
        lambda: Does(lambda s, x, m: s.net(x, m, tgt_mask=nn.Transformer.generate_square_subsequent_mask(4), tgt_is_causal=True),
                     net=nn.TransformerDecoderLayer(8, 2, 16, 0.0, batch_first=True)), (reals(4, 8), reals(3, 8))),
    "lstm": (lambda: nn.LSTM(3, 4, batch_first=True), (reals(6, 3),)),
    "lstm, deep": (lambda: nn.LSTM(3, 4, 2, bidirectional=True, batch_first=True, bias=False), (reals(6, 3),)),
    "lstm, time first": (lambda: nn.LSTM(3, 4, proj_size=2), (reals(6, 3),)),
    "lstm with a state": (lambda: lstm_from(2), (reals(6, 3), reals(4))),
    "gru": (lambda: nn.GRU(3, 4, 2, bidirectional=True, batch_first=True), (reals(6, 3),)),
    "gru, no bias": (lambda: nn.GRU(3, 4, bias=False), (reals(6, 3),)),
    "rnn": (lambda: each(nn.RNN(3, 4, 2, batch_first=True), nn.RNN(3, 4, nonlinearity="relu", batch_first=True, bidirectional=True)), (reals(6, 3),)),
    "cells": (lambda: each(nn.LSTMCell(3, 4), nn.GRUCell(3, 4), nn.RNNCell(3, 4)), (reals(3),)),
    "pools 1d": (lambda: each(nn.MaxPool1d(2), nn.MaxPool1d(3, 2, 1), nn.MaxPool1d(2, 1, dilation=2), nn.AvgPool1d(3, 2, 1), nn.AdaptiveAvgPool1d(3), nn.AdaptiveMaxPool1d(3),
                              nn.LPPool1d(2, 3)), (reals(3, 8),)),
    "pools 2d": (
        lambda: each(nn.MaxPool2d(2), nn.MaxPool2d(3, 2, 1, ceil_mode=True), nn.MaxPool2d((2, 3), (1, 2), return_indices=True), nn.MaxPool2d(2, 2, 1, 2, ceil_mode=True, return_indices=True),
                     nn.AvgPool2d(2), nn.AvgPool2d(3, 2, 1, ceil_mode=True), nn.AvgPool2d(3, 2, 1, True, False), nn.AvgPool2d(2, divisor_override=3),
                     nn.AdaptiveAvgPool2d((3, 2)), nn.AdaptiveAvgPool2d(1), nn.AdaptiveMaxPool2d((3, 4), return_indices=True)), (reals(2, 7, 6),)),
    "pools 3d": (lambda: each(nn.MaxPool3d(2), nn.AvgPool3d(2, 1), nn.AdaptiveAvgPool3d(2), nn.AdaptiveMaxPool3d(2)), (reals(2, 4, 4, 5),)),
    "upsampling": (
        lambda: each(nn.Upsample(scale_factor=2), nn.Upsample((5, 7)), nn.Upsample(scale_factor=1.7, mode="nearest-exact"), nn.Upsample((7, 5), mode="bilinear"),
                     nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True), nn.Upsample(scale_factor=1.5, mode="bilinear"), nn.Upsample(scale_factor=2, mode="bicubic"),
                     nn.PixelShuffle(2), nn.PixelUnshuffle(2), nn.ChannelShuffle(2)), (reals(4, 4, 6),)),
    "upsampling 1d and 3d": (
        lambda: Does(lambda s, x: (F.interpolate(x, scale_factor=2), F.interpolate(x, size=7, mode="linear"), F.interpolate(x[:, None, None], scale_factor=2, mode="trilinear"),
                                   F.interpolate(x[:, None, None], size=(2, 3, 7)), F.interpolate(x, scale_factor=0.4), F.interpolate(x, size=3, mode="nearest-exact"))), (reals(4, 5),)),
    "flatten": (lambda: nn.Sequential(nn.Flatten(), nn.Unflatten(1, (2, 3, 2)), nn.Flatten(2)), (reals(3, 4),)),
    "padding": (
        lambda: each(nn.ZeroPad2d(1), nn.ReflectionPad2d((1, 2, 0, 1)), nn.ReplicationPad2d((1, 2, 3, 0)), nn.ConstantPad2d((1, -1, 0, 2), 2.0), nn.CircularPad2d(1),
                     nn.ReplicationPad3d(1), nn.ReflectionPad3d(1)), (reals(2, 4, 5),)),
    "padding 1d": (lambda: each(nn.ReflectionPad1d(2), nn.ReplicationPad1d((3, 1)), nn.CircularPad1d(2)), (reals(4, 5),)),
    "folding": (lambda: each(nn.Unfold(2, padding=1), nn.Sequential(nn.Unfold((2, 2)), nn.Fold((4, 5), (2, 2)))), (reals(2, 4, 5),)),
    "dropout, no dropping": (lambda: each(nn.Dropout(), nn.Dropout1d(), nn.AlphaDropout(), nn.FeatureAlphaDropout()).eval(), (reals(4, 5),)),
    "weight norm": (lambda: nn.utils.parametrizations.weight_norm(nn.Linear(4, 3)), (reals(4),)),
    "spectral norm": (lambda: nn.utils.parametrizations.spectral_norm(nn.Linear(4, 3)), (reals(4),)),
    "orthogonal": (lambda: nn.utils.parametrizations.orthogonal(nn.Linear(3, 3), orthogonal_map="cayley"), (reals(3),)),
    "scalars of the batch": (lambda: fn(scalars_of_the_batch), (reals(4),)),
    "places": (lambda: fn(places), (reals(4),)),
    "orders": (lambda: fn(orders), (reals(5),)),
    "reductions": (lambda: fn(reductions), (reals(3, 4),)),
    "shapes": (lambda: fn(shapes), (reals(6, 4),)),
    "arithmetic": (lambda: fn(arithmetic), (reals(4), reals(4))),
    "more arithmetic": (lambda: fn(more_arithmetic), (reals(4), reals(4))),
    "scattering": (lambda: fn(scattering), (reals(4),)),
    "bits": (lambda: fn(bits), (ids(6, 3),)),
    "products": (lambda: fn(products), (reals(4, 5), reals(4, 5))),
    "whole numbers": (lambda: fn(lambda i: (F.one_hot(i, 5), i + 1, i / 2, i // 2, i % 3, -i, i.float().mean(), (i == 2).sum(), i.cumsum(1), i.sum(), i * i)), (ids(5, 3),)),
    "losses": (
        lambda: fn(lambda x, y: (F.mse_loss(x, y), F.l1_loss(x, y), F.smooth_l1_loss(x, y), F.huber_loss(x, y), F.binary_cross_entropy_with_logits(x, y.sigmoid()), F.kl_div(x, y, log_target=True, reduction="batchmean"),
                                 F.cross_entropy(x, y.softmax(-1)), F.cross_entropy(x, y.argmax(-1)), F.nll_loss(x, y.argmax(-1)), F.cosine_embedding_loss(x, y, torch.ones(x.shape[0])))), (reals(4), reals(4))),
}  # fmt: skip
