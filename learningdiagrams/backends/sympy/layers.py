"""Built-in layers on SymPy: the same formulas, of one value without batch axis, as expressions."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import reduce
from operator import add, mul
from typing import Any

import numpy as np
import sympy

from learningdiagrams import layers
from learningdiagrams.backends.sympy.values import Array, entries, exact, filled
from learningdiagrams.errors import DiagramError
from learningdiagrams.layers import Layer, Stack

__all__ = ["layer_value"]

Numbers = Mapping[str, np.ndarray]


def layer_value(layer: Layer, numbers: Numbers, *inputs: Array) -> Array:
    """What a layer in evaluation mode makes of one value, with these parameters and buffers.

    >>> from learningdiagrams.backends.sympy.values import as_array
    >>> x = as_array(sympy.symbols("x:2", real=True))
    >>> layer_value(layers.relu(), {}, x).tolist()
    [Max(0, x0), Max(0, x1)]

    Raises:
        DiagramError: a layer that has no expression here, naming it.
    """
    return _evaluate(layer, numbers, "", *inputs)


def _evaluate(layer: Layer, numbers: Numbers, at: str, *inputs: Array) -> Array:
    if isinstance(layer, Stack):
        value = inputs
        for i, part in enumerate(layer.parts):
            value = (_evaluate(part, numbers, f"{at}{i}.", *value),)
        return inputs[0] + value[0] if layer.adds_input else value[0]
    formula = next((_FORMULAS[cls] for cls in type(layer).__mro__ if cls in _FORMULAS), None)
    if formula is None:
        names = ", ".join(cls.__name__ for cls in _FORMULAS)
        raise DiagramError(f"the layer `{layer}` has no expression in SymPy; those that have one are {names}")
    return formula(layer, numbers, at, *inputs)


def _linear(layer: layers.linear, numbers: Numbers, at: str, *inputs: Array) -> Array:
    x = np.concatenate(inputs, -1)
    result = x @ numbers[f"{at}weight"].T
    return result + numbers[f"{at}bias"] if layer.bias else result


def _polynomial(layer: layers.polynomial, numbers: Numbers, at: str, x: Array) -> Array:
    columns = [
        reduce(mul, (x[..., i] ** exponent for i, exponent in enumerate(exponents) if exponent), x[..., 0] ** 0)
        for exponents in layer.exponents
    ]
    return np.stack(columns, -1) @ numbers[f"{at}coefficients"].T


def _constant(layer: layers.constant, numbers: Numbers, at: str, *inputs: Array) -> Any:
    return numbers[f"{at}value"]


def _layer_norm(layer: layers.layer_norm, numbers: Numbers, at: str, x: Array) -> Any:
    centred = x - x.sum(-1, keepdims=True) / x.shape[-1]
    variance = (centred * centred).sum(-1, keepdims=True) / x.shape[-1]
    return centred / _each(sympy.sqrt)(variance + exact(layer.eps)) * numbers[f"{at}weight"] + numbers[f"{at}bias"]


def _softmax(x: Array) -> Any:
    powers = _each(sympy.exp)(x)
    return powers / powers.sum(-1, keepdims=True)


def _normalize(x: Array) -> Any:
    size = _each(sympy.sqrt)((x * x).sum(-1, keepdims=True))
    return x / filled((1 if s == 0 else s for s in entries(size)), size.shape)


def _one_hot(layer: layers.one_hot, numbers: Numbers, at: str, x: Array) -> Array:
    rows = [sympy.KroneckerDelta(c, entry) for entry in entries(x) for c in range(layer.classes)]
    return filled(rows, (*x.shape, layer.classes))


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + sympy.exp(-x))


def _each(function: Callable[[Any], Any]) -> Callable[[Any], Array]:
    """A function of one expression, at every entry."""
    return lambda x: filled(map(function, entries(np.asarray(x))), np.shape(x))


def _entrywise(function: Callable[[Any], Any]) -> Callable[..., Array]:
    return lambda layer, numbers, at, x: _each(function)(x)


def _plain(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda layer, numbers, at, *inputs: function(*inputs)


def _fixed(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda layer, numbers, at, *inputs: function(layer, *inputs)


def _above(bound: int, high: Callable[[Any], Any], low: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda x: sympy.Piecewise((high(x), x > bound), (low(x), True))


_FORMULAS: Mapping[type[Layer], Callable[..., Any]] = {
    layers.linear: _linear,
    layers.affine: _linear,
    layers.polynomial: _polynomial,
    layers.constant: _constant,
    layers.layer_norm: _layer_norm,
    layers.dropout: _plain(lambda x: x),
    layers.relu: _entrywise(lambda x: sympy.Max(x, 0)),
    layers.leaky_relu: _fixed(lambda layer, x: _each(_above(0, lambda e: e, lambda e: exact(layer.slope) * e))(x)),
    layers.elu: _entrywise(_above(0, lambda x: x, lambda x: sympy.exp(x) - 1)),
    layers.gelu: _entrywise(lambda x: x * (1 + sympy.erf(x / sympy.sqrt(2))) / 2),
    layers.silu: _entrywise(lambda x: x * _sigmoid(x)),
    layers.tanh: _entrywise(sympy.tanh),
    layers.sigmoid: _entrywise(_sigmoid),
    layers.softplus: _entrywise(_above(20, lambda x: x, lambda x: sympy.log(1 + sympy.exp(x)))),
    layers.exp: _entrywise(sympy.exp),
    layers.softmax: _plain(_softmax),
    layers.normalize: _plain(_normalize),
    layers.scale: _fixed(lambda layer, x: x * exact(layer.factor) + exact(layer.shift)),
    layers.one_hot: _one_hot,
    layers.flatten: _plain(lambda x: x.reshape(math.prod(x.shape))),
    layers.reshape: _fixed(lambda layer, x: x.reshape(layer.shape(x.shape))),
    layers.roll: _fixed(lambda layer, x: np.roll(x, layer.by, layer.axis)),
    layers.rot90: _fixed(lambda layer, x: np.rot90(x, layer.turns, (-2, -1))),
    layers.concat: _plain(lambda *inputs: np.concatenate(inputs, -1)),
    layers.add: _plain(lambda *inputs: reduce(add, inputs)),
    layers.multiply: _plain(lambda *inputs: reduce(mul, inputs)),
}
