"""Torch modules that run on jax, by name: how to make one, and how to make its inputs.

Small modules of one family share a case, since exporting costs more than running. The last ones are
functions, for the operators that no layer reaches.
"""

# Tables of expressions read better filled than one to a line.
# fmt: off

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import parametrizations

Make = Callable[[np.random.Generator], np.ndarray]
BATCH = 3  # not the size of the example with which a module is exported


def ids(number: int, *shape: int) -> Make:
    """A batch of whole numbers below `number`."""
    return lambda rng: rng.integers(0, number, (BATCH, *shape))


def reals(*shape: int, scale: float = 1.0) -> Make:
    return lambda rng: (scale * rng.normal(size=(BATCH, *shape))).astype(np.float32)


class Does(nn.Module):
    """A function of a module and its inputs as a module, with the parts that it uses."""

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
    """All of the modules on the same input, their outputs as a tuple."""
    return Does(lambda self, x: tuple(part(x) for part in self.parts), parts=nn.ModuleList(modules))


class Shrinks(nn.Module):
    """Changes its own parameter."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(4))

    def forward(self, x):
        with torch.no_grad():
            self.weight.mul_(0.9)
        return x * self.weight


class Sign(torch.autograd.Function):
    """Has a backward pass of its own."""

    @staticmethod
    def forward(ctx, x):
        return x.sign()

    @staticmethod
    def backward(ctx, *grads):
        return grads[0]


def tied() -> nn.Sequential:
    there, back = nn.Embedding(7, 4), nn.Linear(4, 7, bias=False)
    back.weight = there.weight
    return nn.Sequential(there, nn.Tanh(), back)


def lstm_from_a_state() -> nn.Module:
    def run(self, x, start):
        state = start.expand(2, *start.shape).contiguous()
        return self.net(x, (state, state * 0.5))

    return Does(run, net=nn.LSTM(3, 4, 2, batch_first=True))


def dot_product_attention(x):
    mask = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).tril()
    nothing = torch.zeros_like(mask)
    return (
        F.scaled_dot_product_attention(x, x, x, is_causal=True),
        F.scaled_dot_product_attention(x, x * 2, x, attn_mask=mask),
        F.scaled_dot_product_attention(x, x, x, attn_mask=nothing),
        F.scaled_dot_product_attention(x, x, x, scale=0.3),
    )


def attention_with_a_mask(self, x):
    hidden = torch.zeros(x.shape[:2], dtype=torch.bool)
    hidden[:, -2:] = True
    return self.net(x, x, x, key_padding_mask=hidden, average_attn_weights=False)


def decode(self, x, memory):
    mask = nn.Transformer.generate_square_subsequent_mask(x.shape[1])
    return self.net(x, memory, tgt_mask=mask, tgt_is_causal=True)


def interpolations(x):
    volume, aten = x[:, None, None], torch.ops.aten
    return (
        F.interpolate(x, scale_factor=2), F.interpolate(x, size=7, mode="linear"),
        F.interpolate(x, scale_factor=0.4), F.interpolate(x, size=3, mode="nearest-exact"),
        F.interpolate(volume, scale_factor=2, mode="trilinear"), F.interpolate(volume, size=(2, 3, 7)),
        aten.upsample_nearest1d(x, [7]), aten.upsample_linear1d(x, [7], False),
        aten.upsample_nearest2d(x[:, None], [3, 7]), aten.upsample_bilinear2d(x[:, None], [3, 7], True),
        aten.upsample_bicubic2d(x[:, None], [3, 7], False), aten.upsample_nearest3d(volume, [1, 3, 7]),
        aten.upsample_trilinear3d(volume, [1, 3, 7], False),
    )


def scalars_of_the_batch(x):
    n = x.shape[0]
    return (
        x.sum(0) / n, x.reshape(n * 2, -1).sum(1), torch.arange(n) * 2, x.new_zeros(n, 2),
        torch.full((n,), 1 / n),
    )


def places(x):
    y = x.clone()
    y[:, 0] = 1.5
    y[:, 1:3] += 2
    y[y > 1] = 0.25
    rows = torch.tensor([2, 0])
    many = rows.expand(x.shape[0], 2)
    return (
        y, x[:, rows], x[:, -1], x[..., None, 1:], x[:, ::2], x.index_select(1, rows), x.gather(1, many),
        x.narrow(1, 1, 2), torch.zeros_like(x).scatter(1, many, x[:, :2]),
        torch.zeros_like(x).scatter_add(1, many * 0, x[:, :2]), torch.take_along_dim(x, x.argsort(1), 1),
        x.unfold(1, 2, 2), x.masked_fill(x > 0, -1.0), x[torch.arange(x.shape[0]), torch.tensor([1])],
    )


def scattering(x):
    rows = torch.tensor([[0, 2, 0, 1]]).expand(x.shape[0], 4)
    first, both = torch.tensor([1]), torch.tensor([0, 0])
    ways = [(how, own) for how in ("sum", "mean", "amax", "amin") for own in (True, False)]
    return (
        x.scatter(1, rows[:, :2], 3.0),
        
        *(x.scatter_reduce(1, rows, x * 2, how, include_self=own) for how, own in ways),
        x.index_add(1, both, x[:, :2]), x.index_fill(1, first, 2.0), x.select_scatter(x[:, 0], 1, 2),
        x.slice_scatter(x[:, :2], 1, 0, 4, 2), x.diag_embed(),
        torch.index_put(x, (torch.arange(x.shape[0]), first), x[:, 0], accumulate=True), x.renorm(2, 1, 1.0),
        x.squeeze(), x[:, :1].squeeze(), x[:, :1].squeeze((1,)), x.sum(1).unflatten(0, (-1, 1)),
    )


def orders(x):
    top, where = x.topk(2, dim=1)
    ordered, order = x.sort(dim=1, descending=True)
    most, which = x.max(dim=1)
    return (
        top, where, x.topk(2, dim=1, largest=False)[0], ordered, order, most, which, x.argmax(1), x.argmin(),
        x.cummax(1)[0], x.argmax(1, keepdim=True), x.min(1, keepdim=True).values,
        x.sort(dim=1, stable=True)[0], x.msort(), x.cummin(1)[0], x.aminmax(dim=1)[0], x.quantile(0.3, dim=1),
    )


def reductions(x):
    flat, up = x.flatten(1), x > 0
    return (
        x.sum(), x.sum((1, 2)), x.mean(), x.mean(1, keepdim=True), x.var(1), x.var(1, unbiased=False),
        x.std((1, 2)), x.std(), x.amax(1), x.amin((1, 2)), x.max(), x.min(), x.prod(1), x.prod(), x.cumsum(1),
        x.cumprod(2), x.logsumexp(1), x.norm(), x.norm(dim=1), x.norm(p=1, dim=1), x.norm(p=3, dim=1),
        F.normalize(flat, dim=1), x.logcumsumexp(1), x.var(), x.nansum(),
        torch.linalg.vector_norm(x, ord=float("inf"), dim=1), torch.linalg.vector_norm(x, ord=0, dim=1),
        torch.var_mean(x, 1)[1], torch.std_mean(x, 1)[0], torch.std_mean(x, (0, 1), correction=0)[1],
        torch.cdist(x, x * 0.5), up.any(), up.any(1), up.any((0, 1)), up.all(), up.all(1), up.all((0, 1)),
        F.cosine_similarity(x, x + 1, dim=1), x.count_nonzero(1), F.pairwise_distance(flat, flat * 2),
    )


def shapes(x):
    a, b, c = x.chunk(3, dim=1)
    d, e = x.split([4, 2], dim=1)
    return (
        torch.cat([a, c, b], 1), torch.stack([a, b], -1), d, e, x.view(x.shape[0], -1), x.transpose(1, 2),
        x.permute(2, 0, 1), x.unsqueeze(1).expand(-1, 2, -1, -1), x.flip(1), x.roll(1, 1), x.roll(2),
        x.repeat(1, 2, 1), x.unbind(1)[2], x.tril(), x.triu(1), x.diagonal(dim1=1, dim2=2),
        torch.rot90(x, 1, (1, 2)), x[:, :1].squeeze(1), x.repeat_interleave(2, dim=1), F.pad(x, (1, 2)),
        F.pad(x, (-1, 1, 2, 0), value=3.0), x.tensor_split(2, dim=2)[0], x.movedim(1, 2), x.tile(2), x[0].t(),
        torch.meshgrid(torch.arange(2), torch.arange(3), indexing="ij")[0],
    )


def arithmetic(x, y):
    return (
        x + y, x - 2 * y, 1 - x, x * y, x / 2, x / (y * y + 1), x.detach() // 0.3, x % 0.7, -x, x**2, x**3,
        (x * x + 0.1) ** 0.5, 2**x, (x * x + 0.1) ** y, x.abs(), (x * x).sqrt(), (x * x + 1).rsqrt(), x.exp(),
        (x * x + 1).log(), x.abs().log1p(), x.sin(), x.cos(), x.tan(), x.sinh(), x.atan(), torch.atan2(x, y),
        x.erf(), x.floor(), x.round(), x.sign(), x.square(), x.clamp(-0.5, 0.5), x.clamp(min=0.1),
        torch.maximum(x, y), torch.minimum(x, y), torch.lerp(x, y, 0.3), x.expm1(), x.frac(),
        torch.addcmul(x, x, y), torch.addcdiv(x, x, y * y + 1), torch.logaddexp(x, y), torch.hypot(x, y),
        x.reciprocal(), x.sigmoid(), (x > y) & (x < 1) | ~(y > 0), (x == y).float(),
        (x >= 0).to(torch.int64) + 1, torch.fmod(x, 0.4), (x / 0).nan_to_num(),
        torch.div(x, 0.3, rounding_mode="trunc"), torch.xlogy(x * x, y * y), (x * x).logit(1e-3),
        torch.where(x > 0, x, -x * 2),
    )


def more_arithmetic(x, y):
    u, over, up = x.tanh() * 0.9, x.abs() + 1.5, x > 0
    return (
        u.acos(), u.asin(), u.atanh(), over.acosh(), x.asinh(), x.cosh(), x.ceil(), x.trunc(), over.digamma(),
        over.lgamma(), x.erfc(), u.erfinv(), x.exp2(), over.log2(), over.log10(), (x / 0).isinf(),
        (x / 0).isnan(), x.signbit(), +x, x.fmod(y), torch.fmax(x, y), torch.fmin(x, y), x.remainder(y),
        torch.rsub(x, y, alpha=2), x.clamp(y - 1, y + 1), x.clamp_min(y), x.clamp_max(0.3),
        torch.clamp_max(x, y), torch.lerp(x, y, u), x.masked_fill(up, y.sum().detach()), x.round(decimals=1),
        torch.where(up, 1.0, 2.0), torch.where(up, x, 2.0), torch.where(up, 1.0, x), up.logical_and(y > 0),
        up.logical_or(y > 0), up.logical_xor(y > 0), up.logical_not(), x >= y, x <= y, x < y, x != y,
        torch.full_like(x, 3), x.new_full((2,), 7), x.new_ones(3), torch.ones_like(x), torch.ones(2),
        torch.arange(1, 3), x.double() + 1, x.half().float(), (x * 2).to(torch.int32), torch.tensor(2.0) * x,
        torch.tensor([1.0, 2.0, 3.0, 4.0]) + x, x + torch.empty_like(x).zero_(), torch.linspace(0, 1, 4) * x,
        torch.logspace(0, 1, 4), x.bool(), torch.sinc(x), 2 % over.detach(), torch.addmv(x[:, 0], x, y[0]),
    )


def products(x, y):
    a, b = x[0], y[0]
    return (
        torch.einsum("bij,bkj->bik", x, y), x @ y.mT, torch.bmm(x, y.transpose(1, 2)),
        torch.matmul(x, y[0, 0]), a @ b[0], torch.outer(a[0], b[0]),
        torch.baddbmm(x @ y.mT, x, y.mT, beta=0.5, alpha=2), torch.addmm(a @ b.T, a, b.T, alpha=0.3),
        torch.inner(a, b), torch.einsum("...i,...i", x, y), torch.dot(a[0], b[0]), torch.kron(a, b),
        torch.linalg.multi_dot([a, b.T, a]),
    )


def matrices(x, y):
    positive = torch.eye(4) * 3 + x.T @ x
    return (
        torch.linalg.solve(positive, y.T), torch.linalg.solve(positive, y[0]),
        torch.linalg.solve(positive, y, left=False), torch.linalg.inv(positive),
        torch.linalg.det(positive / 4), torch.linalg.cholesky(positive),
        torch.linalg.matrix_exp(x[0].outer(y[0]) / 4),
    )


def whole_numbers(i):
    return (
        F.one_hot(i, 6), i + 1, i / 2, i // 2, i % 3, -i, i.float().mean(), (i == 2).sum(), i.cumsum(1),
        i.sum(), i * i, i.max(), i & 3, i | 4, i ^ 1, i & (i + 1), i | (i + 1), i ^ (i * 3), ~i, i << 1,
        i << i, i >> i, i >> 1, i.bool(), torch.div(-i, 2, rounding_mode="trunc"),
        torch.div(-i, 2, rounding_mode="floor"),
    )


def losses(x, y):
    classes, shares = y.argmax(-1), y.softmax(-1)
    return (
        F.mse_loss(x, y), F.l1_loss(x, y), F.smooth_l1_loss(x, y), F.huber_loss(x, y),
        F.cross_entropy(x, classes), F.binary_cross_entropy_with_logits(x, y.sigmoid()),
        F.kl_div(x, shares, reduction="batchmean"), F.nll_loss(x, classes), F.cross_entropy(x, shares),
        F.cosine_embedding_loss(x, y, torch.ones(x.shape[0])),
    )


ACTIVATIONS = [
    nn.ReLU(), nn.ReLU6(), nn.LeakyReLU(0.2), nn.ELU(0.7), nn.SELU(), nn.CELU(1.3), nn.GELU(),
    nn.GELU("tanh"), nn.SiLU(), nn.Mish(), nn.Softplus(), nn.Softplus(2, 5), nn.Softsign(), nn.Tanh(),
    nn.Sigmoid(), nn.Hardtanh(-0.5, 0.7), nn.Hardswish(), nn.Hardsigmoid(), nn.Softmax(-1), nn.LogSoftmax(1),
    nn.Softmin(-1), nn.PReLU(), nn.PReLU(6), nn.GLU(), nn.Threshold(0.1, -3), nn.LogSigmoid(),
    nn.Tanhshrink(), nn.Hardshrink(), nn.Softshrink(), nn.Softmax2d(), nn.RReLU(),
]

CASES: dict[str, tuple[Callable[[], nn.Module], tuple[Make, ...]]] = {
    "linear": (lambda: nn.Linear(4, 5), (reals(4),)),
    "linear over sequences": (lambda: nn.Linear(4, 5, bias=False), (reals(2, 4),)),
    "bilinear": (lambda: nn.Bilinear(4, 3, 5), (reals(4), reals(3))),
    "residual": (
        lambda: Does(lambda self, x: (x + self.f(x / 2)) / 3,
                     f=nn.Sequential(nn.Linear(4, 4), nn.ReLU(inplace=True))),
        (reals(4),)),
    "convolutions 1d": (
        lambda: each(nn.Conv1d(4, 6, 3), nn.Conv1d(4, 6, 3, 2, 1, 2, 2),
                     nn.Conv1d(4, 4, 3, padding="same", groups=4), nn.ConvTranspose1d(4, 6, 3),
                     nn.ConvTranspose1d(4, 6, 4, 3, 1, 2, 2, dilation=2)),
        (reals(4, 9),)),
    "convolutions 2d": (
        lambda: each(nn.Conv2d(2, 4, 3), nn.Conv2d(2, 4, (3, 2), (2, 1), (1, 0), bias=False, groups=2),
                     nn.Conv2d(2, 3, 3, padding=1, padding_mode="circular"),
                     nn.ConvTranspose2d(2, 4, 3, 2, 1, 1),
                     nn.Conv2d(2, 3, 3, padding=1, padding_mode="reflect"),
                     nn.ConvTranspose2d(2, 4, (2, 3), (1, 2), groups=2),
                     nn.Conv2d(2, 3, 3, padding=1, padding_mode="replicate")),
        (reals(2, 7, 6),)),
    "convolutions 3d": (
        lambda: each(nn.Conv3d(2, 4, 2, padding=1), nn.ConvTranspose3d(2, 3, 2, 2)), (reals(2, 4, 3, 5),)),
    "batch norm 1d": (
        lambda: nn.Sequential(nn.BatchNorm1d(4), nn.Linear(4, 3), nn.BatchNorm1d(3, affine=False)),
        (reals(4),)),
    "batch norms 2d": (
        lambda: each(nn.BatchNorm2d(3), nn.BatchNorm2d(3, track_running_stats=False),
                     nn.InstanceNorm2d(3, affine=True), nn.InstanceNorm2d(3, track_running_stats=True)),
        (reals(3, 4, 5),)),
    "norms": (
        lambda: each(nn.LayerNorm(6), nn.LayerNorm([4, 6], elementwise_affine=False), nn.GroupNorm(2, 4),
                     nn.RMSNorm(6), nn.GroupNorm(4, 4, affine=False), nn.RMSNorm([4, 6], eps=1e-3),
                     nn.LocalResponseNorm(2)),
        (reals(4, 6),)),
    "activations": (lambda: each(*ACTIVATIONS).eval(), (reals(6, 4, 2),)),
    "activations far out": (lambda: each(*ACTIVATIONS).eval(), (reals(6, 4, 2, scale=100.0),)),
    "embedding": (lambda: nn.Embedding(7, 4, padding_idx=2), (ids(7, 5),)),
    "embedding bags": (
        lambda: each(*(nn.EmbeddingBag(7, 4, mode=m, padding_idx=p) for m in ("sum", "mean", "max")
                       for p in (None, 1)), nn.EmbeddingBag(7, 4).requires_grad_(False)),
        (ids(7, 5),)),
    "tied weights": (tied, (ids(7, 2),)),
    "attention": (
        lambda: nn.MultiheadAttention(8, 2, batch_first=True), (reals(4, 8), reals(5, 8), reals(5, 8))),
    "attention with a mask": (
        lambda: Does(attention_with_a_mask,
                     net=nn.MultiheadAttention(8, 2, batch_first=True, add_bias_kv=True)),
        (reals(4, 8),)),
    "dot product attention": (lambda: fn(dot_product_attention), (reals(4, 8),)),
    "transformer encoder": (
        lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, 0.0, batch_first=True), 2),
        (reals(4, 8),)),
    "transformer encoder, frozen": (  # torch takes its fused way in evaluation mode without gradients
        lambda: nn.TransformerEncoderLayer(8, 2, 16, 0.0, "gelu", batch_first=True).requires_grad_(False),
        (reals(4, 8),)),
    "transformer decoder": (
        lambda: Does(decode, net=nn.TransformerDecoderLayer(8, 2, 16, 0.0, batch_first=True)),
        (reals(4, 8), reals(3, 8))),
    "lstm": (lambda: nn.LSTM(3, 4, batch_first=True), (reals(6, 3),)),
    "lstm, deep": (
        lambda: nn.LSTM(3, 4, 2, bidirectional=True, batch_first=True, bias=False), (reals(6, 3),)),
    "lstm with projections": (lambda: nn.LSTM(3, 4, proj_size=2), (reals(6, 3),)),
    "lstm with a state": (lstm_from_a_state, (reals(6, 3), reals(4))),
    "gru": (lambda: nn.GRU(3, 4, 2, bidirectional=True, batch_first=True), (reals(6, 3),)),
    "gru, time first": (lambda: nn.GRU(3, 4, bias=False), (reals(6, 3),)),
    "rnns": (
        lambda: each(nn.RNN(3, 4, 2, batch_first=True),
                     nn.RNN(3, 4, nonlinearity="relu", batch_first=True, bidirectional=True)),
        (reals(6, 3),)),
    "cells": (lambda: each(nn.LSTMCell(3, 4), nn.GRUCell(3, 4), nn.RNNCell(3, 4)), (reals(3),)),
    "pools 1d": (
        lambda: each(nn.MaxPool1d(2), nn.MaxPool1d(3, 2, 1), nn.MaxPool1d(2, 1, dilation=2),
                     nn.AvgPool1d(3, 2, 1), nn.AdaptiveAvgPool1d(3), nn.AdaptiveMaxPool1d(3),
                     nn.LPPool1d(2, 3)),
        (reals(3, 8),)),
    "pools 2d": (
        lambda: each(nn.MaxPool2d(2), nn.MaxPool2d(3, 2, 1, ceil_mode=True),
                     nn.MaxPool2d((2, 3), (1, 2), return_indices=True),
                     nn.MaxPool2d(2, 2, 1, 2, ceil_mode=True, return_indices=True), nn.AvgPool2d(2),
                     nn.AdaptiveAvgPool2d((3, 2)), nn.AvgPool2d(3, 2, 1, ceil_mode=True),
                     nn.AvgPool2d(3, 2, 1, True, False), nn.AdaptiveAvgPool2d(1),
                     nn.AvgPool2d(2, divisor_override=3), nn.AdaptiveMaxPool2d((3, 4), return_indices=True)),
        (reals(2, 7, 6),)),
    "pools 3d": (
        lambda: each(nn.MaxPool3d(2), nn.AvgPool3d(2, 1), nn.AdaptiveAvgPool3d(2), nn.AdaptiveMaxPool3d(2)),
        (reals(2, 4, 4, 5),)),
    "upsampling": (
        lambda: each(nn.Upsample(scale_factor=2), nn.Upsample((5, 7)),
                     nn.Upsample(scale_factor=1.7, mode="nearest-exact"),
                     nn.Upsample((7, 5), mode="bilinear"),
                     nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True),
                     nn.Upsample(scale_factor=1.5, mode="bilinear"),
                     nn.Upsample(scale_factor=2, mode="bicubic"), nn.PixelShuffle(2), nn.PixelUnshuffle(2),
                     nn.ChannelShuffle(2)),
        (reals(4, 4, 6),)),
    "interpolations": (lambda: fn(interpolations), (reals(4, 5),)),
    "flatten": (
        lambda: nn.Sequential(nn.Flatten(), nn.Unflatten(1, (2, 3, 2)), nn.Flatten(2)), (reals(3, 4),)),
    "padding": (
        lambda: each(nn.ZeroPad2d(1), nn.ReflectionPad2d((1, 2, 0, 1)), nn.ReplicationPad2d((1, 2, 3, 0)),
                     nn.CircularPad2d(1), nn.ConstantPad2d((1, -1, 0, 2), 2.0), nn.ReplicationPad3d(1),
                     nn.ReflectionPad3d(1)),
        (reals(2, 4, 5),)),
    "padding 1d": (
        lambda: each(nn.ReflectionPad1d(2), nn.ReplicationPad1d((3, 1)), nn.CircularPad1d(2)),
        (reals(4, 5),)),
    "folding": (
        lambda: each(nn.Unfold(2, padding=1), nn.Sequential(nn.Unfold((2, 2)), nn.Fold((4, 5), (2, 2)))),
        (reals(2, 4, 5),)),
    "dropout that drops nothing": (
        lambda: each(nn.Dropout(), nn.Dropout1d(), nn.AlphaDropout(), nn.FeatureAlphaDropout()).eval(),
        (reals(4, 5),)),
    "weight norm": (lambda: parametrizations.weight_norm(nn.Linear(4, 3)), (reals(4),)),
    "spectral norm": (lambda: parametrizations.spectral_norm(nn.Linear(4, 3)), (reals(4),)),
    "orthogonal": (
        lambda: parametrizations.orthogonal(nn.Linear(3, 3), orthogonal_map="cayley"), (reals(3),)),
    "scalars of the batch": (lambda: fn(scalars_of_the_batch), (reals(4),)),
    "places": (lambda: fn(places), (reals(4),)),
    "scattering": (lambda: fn(scattering), (reals(4),)),
    "orders": (lambda: fn(orders), (reals(5),)),
    "reductions": (lambda: fn(reductions), (reals(3, 4),)),
    "shapes": (lambda: fn(shapes), (reals(6, 4),)),
    "arithmetic": (lambda: fn(arithmetic), (reals(4), reals(4))),
    "more arithmetic": (lambda: fn(more_arithmetic), (reals(4), reals(4))),
    "products": (lambda: fn(products), (reals(4, 5), reals(4, 5))),
    "matrices": (lambda: fn(matrices), (reals(4), reals(4))),
    "whole numbers": (lambda: fn(whole_numbers), (ids(6, 3),)),
    "losses": (lambda: fn(losses), (reals(4), reals(4))),
}
