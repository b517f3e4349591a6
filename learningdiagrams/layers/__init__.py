"""Built-in maps as values: `mlp(64, 32, 10)`, `conv(1, 16, 32)`, `gru(64, 128)`.

They know names, shapes and where their parameters start, and run nothing; the backends make them into modules
of torch and functions of JAX.

>>> mlp(64, 32, 10).shape((64,))
(10,)
>>> sequential(reshape(1, 8, 8), conv(1, 8, norm="batch"), flatten(), linear(512, 10))
sequential(reshape(1, 8, 8), conv(1, 8, norm="batch"), flatten, linear(512, 10))
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from learningdiagrams.layers.base import Init, Layer, Parameter, Shape, Stack, residual, sequential
from learningdiagrams.layers.dense import (
    affine,
    batch_norm,
    constant,
    dropout,
    embedding,
    layer_norm,
    linear,
    mlp,
    polynomial,
)
from learningdiagrams.layers.fixed import (
    ACTIVATIONS,
    add,
    concat,
    elu,
    exp,
    flatten,
    gelu,
    leaky_relu,
    multiply,
    normalize,
    one_hot,
    relu,
    reshape,
    roll,
    rot90,
    scale,
    sigmoid,
    silu,
    softmax,
    softplus,
    tanh,
)
from learningdiagrams.layers.images import conv, conv2d, instance_norm, pool, translate, upsample
from learningdiagrams.layers.sequences import gru, lstm, transformer_decoder

_CLASSES = (
    *(linear, mlp, conv, embedding, gru, lstm, transformer_decoder, constant, affine, polynomial),
    *(sequential, residual, conv2d, pool, upsample, batch_norm, instance_norm, layer_norm, dropout),
    *(relu, leaky_relu, gelu, silu, elu, tanh, sigmoid, softplus, softmax, exp, scale, normalize),
    *(flatten, reshape, roll, rot90, translate, one_hot, concat, add, multiply),
)
LAYERS: Mapping[str, type[Layer]] = MappingProxyType({cls.__name__: cls for cls in _CLASSES})

__all__ = ["ACTIVATIONS", "LAYERS", "Init", "Layer", "Parameter", "Shape", "Stack", *LAYERS]  # pyright: ignore


def __dir__() -> list[str]:
    return sorted(__all__)  # what completion offers: layers, and nothing that they are made with
