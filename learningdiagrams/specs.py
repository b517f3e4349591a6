"""What realises a generator, as values: layers, sources of data, noise, averages of models, named code.

| role | realised by |
|---|---|
| `model`, `frozen`, `fixed` | a layer (`LAYERS`), named code (`CODE`) |
| `model` | also `ema(m)`, which follows another model (`AVERAGES`) |
| `data` | a file or data set (`DATA`) |
| `noise` | a distribution, or another generator's values in another order (`NOISE`) |

>>> spec('npz("digits.npz", "images")'), spec("normal(16)"), spec("shuffle(label)"), spec("ema(student)")
(npz("digits.npz", "images"), normal(16), shuffle(label), ema(student))
>>> spec("mlp(3)", role="data")
Traceback (most recent call last):
learningdiagrams.errors.DiagramError: `mlp` realises no data; there are npz, npy, csv, sklearn
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

from learningdiagrams.calls import Name, parse_call
from learningdiagrams.errors import DiagramError
from learningdiagrams.layers import LAYERS, Layer
from learningdiagrams.values import (
    Spec,
    call,
    is_number,
    is_whole,
    literal,
    refuse,
    want_number,
    want_one_of,
    want_positive,
    want_text,
)

__all__ = [
    "AVERAGES",
    "CODE",
    "DATA",
    "LAYERS",
    "NOISE",
    "ROLES",
    "SPECS",
    "Code",
    "Data",
    "Layer",
    "Noise",
    "Spec",
    "csv",
    "ema",
    "jax",
    "normal",
    "npy",
    "npz",
    "realise",
    "shuffle",
    "sklearn",
    "spec",
    "torch",
    "uniform",
]


class Data(Spec):
    """Where data come from. Paths are relative to the diagram's file."""


@dataclass(frozen=True, eq=False, repr=False)
class npz(Data):
    """One array of an `.npz` file; the first axis counts the samples."""

    path: str
    key: str

    def __post_init__(self) -> None:
        want_text(self, "path", "key")


@dataclass(frozen=True, eq=False, repr=False)
class npy(Data):
    """An `.npy` file's array; the first axis counts the samples."""

    path: str

    def __post_init__(self) -> None:
        want_text(self, "path")


class csv(Data):
    """Columns of a table with a heading, in the order given; all columns where none are named.

    One row is one sample: several columns give (columns,), a single one a number without axis.

    >>> csv("table.csv", "height", "weight")
    csv("table.csv", "height", "weight")
    """

    path: str
    columns: tuple[str, ...]

    def __init__(self, path: str, *columns: str) -> None:
        self._set(path=path, columns=columns)
        want_text(self, "path")
        if not all(isinstance(column, str) for column in columns):
            refuse(self, "columns", "the columns' headings in quotes")


@dataclass(frozen=True, eq=False, repr=False)
class sklearn(Data):
    """A data set that comes with scikit-learn: its field "data", "target", or (digits only) "images"."""

    dataset: str
    field: str

    def __post_init__(self) -> None:
        want_one_of(self, "dataset", ("breast_cancer", "diabetes", "digits", "iris", "linnerud", "wine"))
        want_one_of(self, "field", ("data", "target", "images") if self.dataset == "digits" else ("data", "target"))


class Noise(Spec):
    """Data drawn afresh for every batch.

    `key` is the name under which its numbers are drawn, where that is not the generator's own: the name as first
    declared, kept where gluing gives the generator another one.
    """

    key: str | None

    def _check_key(self) -> None:
        if not (self.key is None or (isinstance(self.key, str) and self.key)):
            refuse(self, "key", "a name in quotes, the one that the noise was first declared with")


class _Distribution(Noise):
    """Independent numbers of one distribution; without a shape, of the shape that the object declares."""

    axes: tuple[int, ...]

    def _check_axes(self) -> None:
        if not all(map(is_whole, self.axes)):
            refuse(self, "axes", "positive whole numbers")


class normal(_Distribution):
    """Normal numbers with mean 0 and standard deviation `std`: `normal(16)`, `normal(28, 28, std=0.3)`.

    >>> normal(16).axes, normal(std=0.3)
    ((16,), normal(std=0.3))
    """

    std: float

    def __init__(self, *axes: int, std: float = 1, key: str | None = None) -> None:
        self._set(axes=axes, std=std, key=key)
        self._check_axes()
        self._check_key()
        want_positive(self, "std")


class uniform(_Distribution):
    """Numbers uniform on [low, high): `uniform(2, low=-1)`."""

    low: float
    high: float

    def __init__(self, *axes: int, low: float = 0, high: float = 1, key: str | None = None) -> None:
        self._set(axes=axes, low=low, high=high, key=key)
        self._check_axes()
        self._check_key()
        want_number(self, "low", "high")
        if not low < high:
            refuse(self, "high", f"larger than low, {literal(low)}")


def _name_of_generator(value: Spec, field: str) -> None:
    """Reads a text as the name of a generator, which is written without quotes."""
    word = getattr(value, field)
    if not (isinstance(word, str) and word.isidentifier()):
        refuse(value, field, "the name of a generator")
    value._set(**{field: Name(word)})


@dataclass(frozen=True, eq=False, repr=False)
class shuffle(Noise):
    """The values of the data generator named, permuted within the batch."""

    names: ClassVar[frozenset[str]] = frozenset({"data"})

    data: str
    key: str | None = None

    def __post_init__(self) -> None:
        _name_of_generator(self, "data")
        self._check_key()


@dataclass(frozen=True, eq=False, repr=False)
class ema(Spec):
    """Follows the model named: after every step p ← decay · p + (1 − decay) · (p of the model).

    >>> ema("student"), ema("student", decay=0.999)
    (ema(student), ema(student, decay=0.999))
    """

    names: ClassVar[frozenset[str]] = frozenset({"model"})

    model: str
    decay: float = 0.99

    def __post_init__(self) -> None:
        _name_of_generator(self, "model")
        if not (is_number(self.decay) and 0 <= self.decay < 1):
            refuse(self, "decay", "a number from 0 up to, but not including, 1")


class Code(Spec):
    """Code that is named, not included: imported and called with the options only by who trusts it."""

    target: str
    _options: tuple[tuple[str, Any], ...]

    def __init__(self, target: str, /, **options: Any) -> None:
        self._set(target=target, _options=tuple(options.items()))
        if not (isinstance(target, str) and re.fullmatch(r"\w+(\.\w+)*:\w+(\.\w+)*", target)):
            refuse(self, "target", 'a module and a name in it, "module:Name"')

    @property
    def options(self) -> dict[str, Any]:
        """What the named code is called with."""
        return dict(self._options)


class torch(Code):
    """A class or function of a module that gives a `torch.nn.Module`: `torch("models:Student", width=32)`.

    >>> torch("my_models:Student", width=32, sizes=[1, 2])
    torch("my_models:Student", width=32, sizes=(1, 2))
    """


class jax(Code):
    """A class or function of a module that gives a map of JAX: `jax("models:net", width=32)`."""


def _family(*classes: type[Spec]) -> Mapping[str, type[Spec]]:
    return MappingProxyType({cls.__name__: cls for cls in classes})


DATA = _family(npz, npy, csv, sklearn)
NOISE = _family(normal, uniform, shuffle)
AVERAGES = _family(ema)
CODE = _family(torch, jax)
SPECS: Mapping[str, type[Spec]] = MappingProxyType({**LAYERS, **DATA, **NOISE, **AVERAGES, **CODE})

_MAPS: Mapping[str, type[Spec]] = MappingProxyType({**LAYERS, **CODE})
ROLES: Mapping[str, Mapping[str, type[Spec]]] = MappingProxyType(
    {
        "data": DATA,
        "noise": NOISE,
        "model": MappingProxyType({**_MAPS, **AVERAGES}),
        "ema": AVERAGES,
        "frozen": _MAPS,
        "fixed": _MAPS,
        "map": MappingProxyType({}),
    }
)


def realise(
    name: str, args: Sequence[Any] = (), options: Mapping[str, Any] | None = None, role: str | None = None
) -> Spec:
    """The value that a call stands for, among those that realise a role (all of them where no role is given).

    Raises DiagramError where there is none of that name, where it does not fit the role, and for wrong
    arguments.
    """
    family = SPECS if role is None else ROLES[role]
    if role == "map" or (name not in family and name in SPECS):
        raise DiagramError(_misplaced(name, str(role)))
    return call(family, "realisation", name, args, options)


def _misplaced(name: str, role: str) -> str:
    if role == "map":
        return f"`{name}` realises nothing here: a map has no role; declare it as model, frozen or fixed"
    family = ROLES[role]
    if len(family) < 10:
        return f"`{name}` realises no {role}; there are {', '.join(family)}"
    home = next(other for other, realised in ROLES.items() if name in realised)
    return f"`{name}` realises {_A[home]}, and this is {_A[role]}, realised by a layer or named code"


_A = {"data": "data", "noise": "noise", "model": "a model", "frozen": "a frozen map", "fixed": "a fixed map"}


def spec(x: str | Spec, role: str | None = None) -> Spec:
    """The realisation that a text or value stands for, fit for the role where one is given.

    >>> spec("mlp(64, 32, 10)")
    mlp(64, 32, 10)
    >>> spec("mpl(64, 32, 10)")
    Traceback (most recent call last):
    learningdiagrams.errors.DiagramError: there is no realisation `mpl`; did you mean `mlp`?
    """
    if isinstance(x, str):
        return realise(*parse_call(x), role=role)
    if not isinstance(x, Spec):
        raise DiagramError(f"a realisation is a value such as mlp(64, 32, 10) or its text, not {literal(x)}")
    if role is not None and type(x) not in ROLES[role].values():
        raise DiagramError(_misplaced(type(x).__name__, role))
    return x
