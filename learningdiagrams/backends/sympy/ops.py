"""The operations of comparators on arrays of expressions: the formulas are those of every backend."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import sympy

from learningdiagrams.backends.comparators import Fused
from learningdiagrams.backends.sympy.values import Expressions, as_array, entries, exact, filled
from learningdiagrams.losses import Comparator

__all__ = ["SympyOps", "exactly"]

Array = Any


def exactly(by: Comparator) -> Comparator:
    """The comparator with its numbers exact; words and flags stay as they are."""
    if not is_dataclass(by):
        return by
    made = copy.copy(by)
    options = {field.name: getattr(by, field.name) for field in fields(by)}
    made._set(**{name: x if isinstance(x, str | bool) else exact(x) for name, x in options.items()})
    return made


class SympyOps:
    """What `comparators.Ops` asks for.

    `unit` divides by the length of a row, and is an expression for rows that are not all zeros.
    """

    @property
    def fused(self) -> Mapping[type[Comparator], Fused]:
        return {}

    def kind(self, x: Array) -> str:
        return {"O": "float", "i": "int", "u": "int", "b": "bool"}.get(x.dtype.kind, "complex")

    def alike(self, x: Array, y: Array) -> tuple[Array, Array]:
        return as_array(x), as_array(y)

    def number(self, truth: Array, like: Array) -> Array:
        return as_array(truth.astype(int))

    def index(self, classes: Array) -> Array:
        return classes.astype(np.int64)

    def eager(self, x: Array) -> bool:
        return True

    def pick(self, rows: Array, classes: Array) -> Array:
        return np.take_along_axis(rows, classes[..., None], axis=-1)[..., 0]

    def arange(self, n: int, like: Array) -> Array:
        return np.arange(n)

    def argmax(self, x: Array) -> Array:
        return np.argmax(x, axis=-1)

    def sum(self, x: Array, axis: int) -> Array:
        return np.sum(x, axis=axis)

    def mean(self, x: Array) -> Array:
        return sympy.Add(*entries(x)) / x.size

    def where(self, condition: Array, x: Array, y: Array) -> Array:
        choices = zip(*(entries(np.broadcast_to(part, condition.shape)) for part in (condition, x, y)), strict=True)
        return filled((sympy.Piecewise((one, c), (two, True)) for c, one, two in choices), condition.shape)

    def abs(self, x: Array) -> Array:
        return _each(sympy.Abs, x)

    def exp(self, x: Array) -> Array:
        return _each(sympy.exp, x)

    def log_softmax(self, x: Array) -> Array:
        return x - _each(sympy.log, self.exp(x).sum(-1, keepdims=True))

    def log_likelihood(self, x: Array, classes: Array) -> Array:
        return self.pick(self.log_softmax(x), classes)

    def log_sigmoid(self, x: Array) -> Array:
        return -_each(lambda e: sympy.log(1 + sympy.exp(-e)), x)

    def unit(self, x: Array) -> Array:
        size = _each(sympy.sqrt, (x * x).sum(-1, keepdims=True))
        return x / filled((1 if s == 0 else s for s in entries(size)), size.shape)


def _each(function: Any, x: Array) -> Expressions:
    return filled((function(entry) for entry in entries(np.asarray(x))), np.shape(x))
