"""Built-in layers as ordinary modules of PyTorch."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import reduce
from operator import add, mul
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from learningdiagrams import layers
from learningdiagrams.backends.comparators import one_hot
from learningdiagrams.backends.torch_ops import TorchOps
from learningdiagrams.errors import DiagramError
from learningdiagrams.layers import Layer, Stack

__all__ = ["torch_module"]


def torch_module(layer: Layer, numbers: Mapping[str, np.ndarray]) -> nn.Module:
    """A layer as a module, in training mode as every new module, with these parameters and buffers.

    It is called with one tensor for each input, the batch axis first. torch's own random numbers are not
    touched.

    >>> from learningdiagrams.backends.layers import initial
    >>> parameters, buffers = initial(layers.mlp(4, 3, 2), seed=0, name="student")
    >>> torch_module(layers.mlp(4, 3, 2), {**parameters, **buffers})(torch.zeros(5, 4)).shape
    torch.Size([5, 2])
    """
    with torch.device("meta"):
        module = _build(layer)
    module.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in numbers.items()}, assign=True)
    return module


def _build(layer: Layer) -> nn.Module:
    if isinstance(layer, Stack):
        return _Stack(layer)
    return next(_MODULES[cls] for cls in type(layer).__mro__ if cls in _MODULES)(layer)


class _Stack(nn.Sequential):
    """Modules one after another, the first of which takes all inputs."""

    def __init__(self, stack: Stack) -> None:
        super().__init__(*map(_build, stack.parts))
        self.adds_input = stack.adds_input

    def forward(self, *inputs: Tensor) -> Tensor:
        first, *others = self._modules.values()
        value = first(*inputs)  # type: ignore[misc]
        for module in others:
            value = module(value)  # type: ignore[misc]
        return inputs[0] + value if self.adds_input else value


class _Linear(nn.Linear):
    """A linear map of its inputs, joined along the last axis."""

    def forward(self, *inputs: Tensor) -> Tensor:
        return super().forward(inputs[0] if len(inputs) == 1 else torch.cat(inputs, -1))


class _Embedding(nn.Embedding):
    """Rows for whole numbers of any type."""

    def forward(self, input: Tensor) -> Tensor:
        try:
            return super().forward(input.long())
        except IndexError:
            wrong = [int(x) for x in input.flatten() if not 0 <= x < self.num_embeddings]
            numbers = f"they are 0…{self.num_embeddings - 1}"
            raise DiagramError(f"`embedding`: {wrong[0]} is none of its numbers; {numbers}") from None


class _Constant(nn.Module):
    """A value; repeated to the batch where there is an input."""

    def __init__(self, layer: layers.constant) -> None:
        super().__init__()
        value = torch.empty(layer.shape())
        if layer.parameters():
            self.value = nn.Parameter(value)
        else:
            self.register_buffer("value", value)

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.value.expand(inputs[0].shape[0], *self.value.shape) if inputs else self.value


class _Polynomial(nn.Module):
    """A linear map of the monomials."""

    def __init__(self, layer: layers.polynomial) -> None:
        super().__init__()
        self.exponents = layer.exponents
        self.coefficients = nn.Parameter(torch.empty(layer.outputs, len(layer.exponents)))

    def forward(self, x: Tensor) -> Tensor:
        columns = []
        for exponents in self.exponents:
            column = torch.ones_like(x[..., 0])
            for i, exponent in enumerate(exponents):
                column = column * x[..., i] ** exponent if exponent else column
            columns.append(column)
        return torch.stack(columns, -1) @ self.coefficients.mT


class _GRU(nn.GRU):
    """`gru`: a first state for all layers, and the output asked for."""

    def __init__(self, layer: layers.gru) -> None:
        super().__init__(layer.inputs, layer.hidden, layer.layers, bidirectional=layer.bidirectional, batch_first=True)
        self.layer = layer

    def forward(self, sequence: Tensor, state: Tensor | None = None) -> Tensor:  # type: ignore[override]
        sequence, first = _started(self.layer, sequence, state)
        return _finished(self.layer, *super().forward(sequence, first))


class _LSTM(nn.LSTM):
    """`lstm`, likewise."""

    def __init__(self, layer: layers.lstm) -> None:
        super().__init__(layer.inputs, layer.hidden, layer.layers, bidirectional=layer.bidirectional, batch_first=True)
        self.layer = layer

    def forward(self, sequence: Tensor, state: Tensor | None = None) -> Tensor:  # type: ignore[override]
        sequence, first = _started(self.layer, sequence, state)
        values, (last, _) = super().forward(sequence, None if first is None else (first, torch.zeros_like(first)))
        return _finished(self.layer, values, last)


def _started(layer: Any, sequence: Tensor, state: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """What goes in at every step, and the first state of every layer and direction."""
    if state is None:
        return sequence, None
    if layer.feed:
        sequence = torch.cat((sequence, state.unsqueeze(1).expand(-1, sequence.shape[1], -1)), -1)
    return sequence, state.expand(layer.layers * len(layer.directions), *state.shape).contiguous()


def _finished(layer: Any, values: Tensor, last: Tensor) -> Tensor:
    """The output asked for, from the top layer's values at every step and all last states."""
    if layer.output == "sequence":
        return values
    if layer.output == "last":
        return last[-len(layer.directions) :].transpose(0, 1).flatten(1)
    return values.amax(1) if layer.output == "max" else values.mean(1)


class _Decoder(nn.Module):
    """`transformer_decoder`, of torch's own blocks."""

    def __init__(self, layer: layers.transformer_decoder) -> None:
        super().__init__()
        width, heads, p = layer.width, layer.heads, layer.dropout
        self.embedding = _Embedding(layer.vocabulary, width)
        self.places = nn.Embedding(layer.longest, width)
        self.blocks = nn.ModuleList(
            nn.TransformerDecoderLayer(width, heads, 4 * width, p, "gelu", batch_first=True, norm_first=True)
            for _ in range(layer.layers)
        )
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, layer.vocabulary)

    def forward(self, context: Tensor, tokens: Tensor) -> Tensor:
        memory = context.unsqueeze(1) if context.ndim == 2 else context
        length = tokens.shape[1]
        x = self.embedding(tokens) + self.places.weight[:length]
        later = torch.ones(length, length, dtype=torch.bool, device=x.device).triu(1)
        for block in self.blocks:
            x = block(x, memory, tgt_mask=later, tgt_is_causal=True)
        return self.head(self.norm(x))


class _Fixed(nn.Module):
    """A function of tensors, printed as its layer."""

    def __init__(self, layer: Layer, function: Callable[..., Tensor]) -> None:
        super().__init__()
        self.layer, self.function = layer, function

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.function(*inputs)

    def extra_repr(self) -> str:
        return str(self.layer)


class _OneHot(nn.Module):
    """Class numbers as rows; the buffer `one` carries the type of numbers."""

    def __init__(self, layer: layers.one_hot) -> None:
        super().__init__()
        self.layer = layer
        self.register_buffer("one", torch.empty(()))

    def forward(self, classes: Tensor) -> Tensor:
        if _OPS.kind(classes) != "int":
            raise DiagramError(f"`{self.layer}` takes whole numbers, not {classes.dtype}")
        return one_hot(_OPS, classes.long(), self.layer.classes, self.one, f"`{self.layer}`")


_OPS = TorchOps()


def _translated(most: int, x: Tensor, u: Tensor) -> Tensor:
    """Each image read from its own place of the padded batch."""
    by = (u * (2 * most + 1)).floor().clamp(0, 2 * most).long()
    down, right = (
        (torch.arange(size, device=x.device) + 2 * most - by[:, [axis]]).reshape(x.shape[0], *[1] * (x.ndim - 3), size)
        for axis, size in enumerate(x.shape[-2:])
    )
    padded = nn.functional.pad(x, (most, most, most, most))
    return padded.take_along_dim(down.unsqueeze(-1), -2).take_along_dim(right.unsqueeze(-2), -1)


def _fixed(make: Callable[[Any], Callable[..., Tensor]]) -> Callable[[Any], nn.Module]:
    return lambda layer: _Fixed(layer, make(layer))


def _pool(layer: layers.pool) -> nn.Module:
    return nn.MaxPool2d(layer.size) if layer.kind == "max" else nn.AvgPool2d(layer.size)


_MODULES: Mapping[type[Layer], Callable[[Any], nn.Module]] = {
    layers.linear: lambda layer: _Linear(layer.inputs, layer.outputs, bias=layer.bias),
    layers.affine: lambda layer: _Linear(layer.inputs, layer.outputs),
    layers.constant: _Constant,
    layers.polynomial: _Polynomial,
    layers.embedding: lambda layer: _Embedding(layer.number, layer.width),
    layers.dropout: lambda layer: nn.Dropout(layer.probability),
    layers.layer_norm: lambda layer: nn.LayerNorm(layer.width, layer.eps),
    layers.batch_norm: lambda layer: (nn.BatchNorm2d if layer.images else nn.BatchNorm1d)(
        layer.width, layer.eps, layer.momentum
    ),
    layers.instance_norm: lambda layer: nn.InstanceNorm2d(layer.width, layer.eps),
    layers.conv2d: lambda layer: nn.Conv2d(
        layer.inputs, layer.outputs, layer.kernel, layer.stride, layer.border, bias=layer.bias
    ),
    layers.pool: _pool,
    layers.upsample: lambda layer: nn.Upsample(scale_factor=layer.factor),
    layers.gru: _GRU,
    layers.lstm: _LSTM,
    layers.transformer_decoder: _Decoder,
    layers.relu: lambda layer: nn.ReLU(),
    layers.leaky_relu: lambda layer: nn.LeakyReLU(layer.slope),
    layers.gelu: lambda layer: nn.GELU(),
    layers.silu: lambda layer: nn.SiLU(),
    layers.elu: lambda layer: nn.ELU(),
    layers.tanh: lambda layer: nn.Tanh(),
    layers.sigmoid: lambda layer: nn.Sigmoid(),
    layers.softplus: lambda layer: nn.Softplus(),
    layers.softmax: lambda layer: nn.Softmax(-1),
    layers.one_hot: _OneHot,
    layers.exp: _fixed(lambda layer: torch.exp),
    layers.scale: _fixed(lambda layer: lambda x: layer.factor * x + layer.shift),
    layers.normalize: _fixed(lambda layer: _OPS.unit),
    layers.flatten: _fixed(lambda layer: lambda x: x.reshape(x.shape[0], math.prod(x.shape[1:]))),
    layers.reshape: _fixed(lambda layer: lambda x: x.reshape(x.shape[0], *layer.shape(x.shape[1:]))),
    layers.roll: _fixed(lambda layer: lambda x: x.roll(layer.by, layer.axis + (layer.axis >= 0))),
    layers.rot90: _fixed(lambda layer: lambda x: x.rot90(layer.turns, (-2, -1))),
    layers.translate: _fixed(lambda layer: lambda x, u: _translated(layer.most, x, u)),
    layers.concat: _fixed(lambda layer: lambda *inputs: torch.cat(inputs, -1)),
    layers.add: _fixed(lambda layer: lambda *inputs: reduce(add, inputs)),
    layers.multiply: _fixed(lambda layer: lambda *inputs: reduce(mul, inputs)),
}
