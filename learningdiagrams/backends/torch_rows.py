"""Whether a module of PyTorch takes each row of a batch by itself, by the types of its parts."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from torch import nn
from torch.nn.modules import batchnorm, dropout, instancenorm

from learningdiagrams.backends.rows import DRAWS, LEARNS, MIXES, UNKNOWN
from learningdiagrams.passes import says_by_row

__all__ = ["torch_by_row"]


def _named(*names: str) -> frozenset[type[nn.Module]]:
    """torch's modules of these names, as far as this version has them."""
    return frozenset(cls for name in names if (cls := getattr(nn, name, None)) is not None)


_ALWAYS: Final = _named(
    *("Identity", "Linear", "Bilinear", "Conv1d", "Conv2d", "Conv3d", "LayerNorm", "GroupNorm", "RMSNorm"),
    *("ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d", "LocalResponseNorm", "Softmax2d"),
    *("ReLU", "ReLU6", "LeakyReLU", "PReLU", "ELU", "SELU", "CELU", "GELU", "SiLU", "Mish", "Softplus", "Softsign"),
    *("Softshrink", "Hardshrink", "Tanhshrink", "Threshold", "Tanh", "Hardtanh", "Hardsigmoid", "Hardswish"),
    *("Sigmoid", "LogSigmoid", "ZeroPad1d", "ZeroPad2d", "ZeroPad3d", "ConstantPad1d", "ConstantPad2d"),
    *("ConstantPad3d", "ReflectionPad1d", "ReflectionPad2d", "ReflectionPad3d", "ReplicationPad1d"),
    *("ReplicationPad2d", "ReplicationPad3d", "CircularPad1d", "CircularPad2d", "CircularPad3d"),
    *("MaxPool1d", "MaxPool2d", "MaxPool3d", "AvgPool1d", "AvgPool2d", "AvgPool3d", "LPPool1d", "LPPool2d"),
    *("AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveAvgPool3d", "AdaptiveMaxPool1d", "AdaptiveMaxPool2d"),
    *("AdaptiveMaxPool3d", "Upsample", "UpsamplingNearest2d", "UpsamplingBilinear2d", "PixelShuffle"),
    *("PixelUnshuffle", "ChannelShuffle"),
)
"""Modules that take each row by itself, whatever their options and in both modes."""

_AXIS: Final[Mapping[type[nn.Module], str]] = MappingProxyType(
    dict.fromkeys(_named("Softmax", "LogSoftmax", "Softmin", "GLU", "Unflatten"), "dim") | {nn.Flatten: "start_dim"}
)
"""Modules that do so along any axis but that of the batch, and the option that says which."""


def torch_by_row(name: str, call: Any, module: nn.Module | None, training: bool) -> str | None:
    """The reason why a map does not take each row of a batch by itself, or None.

    Args:
        name: its generator's. call: what is called: the module, a method of it, or a function.

    >>> torch_by_row("f", net := nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)), net, training=False)
    >>> torch_by_row("f", net, net, training=True)
    'it learns statistics of the batch in training mode'
    >>> torch_by_row("f", f := lambda x: x.mean(0), None, training=False)
    'nothing says that it takes each row by itself; if it does, say ld.by_row(f)'
    """
    unknown = UNKNOWN.format(name=name)
    if module is None or inspect.ismethod(call):
        function = call.__func__ if inspect.ismethod(call) else call
        if not says_by_row(function):
            return unknown
        return _known_otherwise(module, training) if module is not None else None
    if says_by_row(module):
        return _known_otherwise(module, training)
    return _known_otherwise(module, training) or (None if _is_known(module) else unknown)


def _known_otherwise(module: nn.Module, training: bool) -> str | None:
    """What some part is known to do that is more than to take each row by itself."""
    for part in module.modules():
        for kinds, judge in _OTHERS:
            if isinstance(part, kinds) and (reason := judge(part, training)):
                return reason
    return None


def _is_known(module: nn.Module) -> bool:
    """Whether each part is one of torch's own that takes each row by itself, called as torch calls it."""
    kind = type(module)
    if module._forward_hooks or module._forward_pre_hooks or "forward" in vars(module):
        return False
    if says_by_row(module):
        return True
    if kind is nn.Sequential:
        return all(map(_is_known, module.children()))
    if kind in (nn.TransformerEncoderLayer, nn.TransformerEncoder):
        return all(part.batch_first for part in module.modules() if isinstance(part, nn.MultiheadAttention))
    if kind in _AXIS:
        # From the end, all but the last may be that of the batch where a row has few axes.
        axis = getattr(module, _AXIS[kind])
        return isinstance(axis, int) and (axis > 0 or axis == -1)
    return kind in _ALWAYS or kind in _MODED


def _norm(part: Any, training: bool) -> str | None:
    if training:
        return LEARNS
    return None if part.running_mean is not None else MIXES.format(part=type(part).__name__)


def _instance_norm(part: Any, training: bool) -> str | None:
    return LEARNS if training and part.track_running_stats else None


def _dropout(part: Any, training: bool) -> str | None:
    return DRAWS if training and part.p > 0 else None


def _draws(part: Any, training: bool) -> str | None:
    return DRAWS if training else None


def _always_draws(part: Any, training: bool) -> str | None:
    return "it draws random numbers"


def _embedding(part: Any, training: bool) -> str | None:
    return None if part.max_norm is None else "its embedding scales the rows of its weight that it looks up"


_OTHERS: Final[tuple[tuple[Any, Callable[[Any, bool], str | None]], ...]] = (
    (batchnorm._BatchNorm, _norm),
    (instancenorm._InstanceNorm, _instance_norm),
    (dropout._DropoutNd, _dropout),
    (nn.RReLU, _draws),
    ((nn.FractionalMaxPool2d, nn.FractionalMaxPool3d), _always_draws),
    (nn.Embedding, _embedding),
    (nn.MultiheadAttention, lambda part, training: DRAWS if training and part.dropout > 0 else None),
)
"""What may do more, by mode and options; a class stands here with its subclasses."""

_MODED: Final = _named(
    *("BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d"),
    *("Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout", "RReLU", "Embedding"),
)
"""Modules that take each row by itself wherever nothing above speaks against it."""
