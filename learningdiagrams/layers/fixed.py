"""Maps without parameters: activations, changes of shape, and maps that join their inputs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from learningdiagrams.layers.base import ONES, Layer, Parameter, Shape
from learningdiagrams.values import is_whole, refuse, want_number, want_whole

__all__ = [
    "ACTIVATIONS",
    "add",
    "concat",
    "elu",
    "exp",
    "flatten",
    "gelu",
    "leaky_relu",
    "multiply",
    "normalize",
    "one_hot",
    "relu",
    "reshape",
    "roll",
    "rot90",
    "scale",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "tanh",
]


class _Elementwise(Layer):
    """One input, and its shape out again."""

    @property
    def keeps(self) -> bool:
        return True

    def shape(self, *inputs: Shape) -> Shape:
        if len(inputs) != 1:
            self.mismatch("one input", inputs)
        return inputs[0]


class relu(_Elementwise):
    """max(x, 0)."""


class gelu(_Elementwise):
    """x Φ(x) with the normal distribution's Φ, exactly. Source: Hendrycks and Gimpel 2016."""


class silu(_Elementwise):
    """x σ(x)."""


class elu(_Elementwise):
    """x where x > 0, exp(x) − 1 else. Source: Clevert, Unterthiner and Hochreiter 2016."""


class tanh(_Elementwise):
    """The hyperbolic tangent."""


class sigmoid(_Elementwise):
    """σ(x) = 1 / (1 + exp(−x))."""


class softplus(_Elementwise):
    """log(1 + exp(x)), and x itself beyond 20."""


class exp(_Elementwise):
    """exp(x)."""


@dataclass(frozen=True, eq=False, repr=False)
class leaky_relu(_Elementwise):
    """x where x > 0, slope · x else."""

    slope: float = 0.01

    def __post_init__(self) -> None:
        want_number(self, "slope")


@dataclass(frozen=True, eq=False, repr=False)
class scale(_Elementwise):
    """x ↦ factor · x + shift.

    >>> scale(2, shift=-1)
    scale(2, shift=-1)
    """

    factor: float
    shift: float = 0

    def __post_init__(self) -> None:
        want_number(self, "factor", "shift")


class _Rows(_Elementwise):
    """One input with a last axis, and its shape out again."""

    def shape(self, *inputs: Shape) -> Shape:
        if len(inputs) != 1 or not inputs[0]:
            self.mismatch("one value with an axis", inputs)
        return inputs[0]


class softmax(_Rows):
    """exp(x) over its sum along the last axis."""


class normalize(_Rows):
    """x / ‖x‖ along the last axis; zeros stay zeros."""


@dataclass(frozen=True, eq=False, repr=False)
class roll(Layer):
    """Moves every entry `by` places on along one axis (not the batch's); the last enter at the front.

    >>> roll(8).shape((32,))
    (32,)
    """

    by: int
    axis: int = -1

    def __post_init__(self) -> None:
        want_whole(self, "by", "axis", least=None)

    def shape(self, *inputs: Shape) -> Shape:
        if len(inputs) != 1 or not -len(inputs[0]) <= self.axis < len(inputs[0]):
            self.mismatch(f"one value that has axis {self.axis}", inputs)
        return inputs[0]


@dataclass(frozen=True, eq=False, repr=False)
class rot90(Layer):
    """Turns an image by `turns` right angles, anticlockwise, as `numpy.rot90` on the last two axes.

    >>> rot90().shape((8, 6)), rot90(turns=2).shape((8, 6))
    ((6, 8), (8, 6))
    """

    turns: int = 1

    def __post_init__(self) -> None:
        want_whole(self, "turns", least=None)

    def shape(self, *inputs: Shape) -> Shape:
        if len(inputs) != 1 or len(inputs[0]) < 2:
            self.mismatch("one value with height and width", inputs)
        *others, height, width = inputs[0]
        return (*others, width, height) if self.turns % 2 else inputs[0]


class flatten(Layer):
    """All axes of a value in one: (…) to (their product,)."""

    def shape(self, *inputs: Shape) -> Shape:
        if len(inputs) != 1:
            self.mismatch("one input", inputs)
        return (math.prod(inputs[0]),)


class reshape(Layer):
    """The same numbers in another shape; one axis may be −1, for what is left.

    >>> reshape(1, 8, 8).shape((64,)), reshape(-1, 2).shape((8, 8))
    ((1, 8, 8), (32, 2))
    """

    axes: tuple[int, ...]

    def __init__(self, *axes: int) -> None:
        self._set(axes=axes)
        if not all(is_whole(n) or (is_whole(n, least=-1) and n == -1) for n in axes) or axes.count(-1) > 1:
            refuse(self, "axes", "positive whole numbers, one of which may be -1")

    def shape(self, *inputs: Shape) -> Shape:
        known = math.prod(n for n in self.axes if n != -1)
        if len(inputs) != 1 or (math.prod(inputs[0]) % known if -1 in self.axes else math.prod(inputs[0]) != known):
            self.mismatch(f"one value of {'a multiple of ' * (-1 in self.axes)}{known} numbers", inputs)
        return tuple(math.prod(inputs[0]) // known if n == -1 else n for n in self.axes)


@dataclass(frozen=True, eq=False, repr=False)
class one_hot(Layer):
    """Class numbers 0…classes−1 of any whole-number type as rows of zeros and a 1: (…) to (…, classes)."""

    classes: int

    def __post_init__(self) -> None:
        want_whole(self, "classes")

    def buffers(self) -> dict[str, Parameter]:
        return {"one": Parameter((), ONES)}

    @property
    def gives(self) -> int | None:
        return self.classes

    def shape(self, *inputs: Shape) -> Shape:
        if len(inputs) != 1:
            self.mismatch("one value of class numbers", inputs)
        return (*inputs[0], self.classes)


class concat(Layer):
    """Its inputs, joined along the last axis.

    >>> concat().shape((64,), (10,))
    (74,)
    """

    def shape(self, *inputs: Shape) -> Shape:
        return joined(inputs) or self.mismatch("values whose axes before the last agree", inputs)


class _Pointwise(Layer):
    """Several inputs of one shape, and that shape out again."""

    def shape(self, *inputs: Shape) -> Shape:
        if not inputs or any(shape != inputs[0] for shape in inputs):
            self.mismatch("values of one shape", inputs)
        return inputs[0]


class add(_Pointwise):
    """The sum of its inputs."""


class multiply(_Pointwise):
    """The product of its inputs, entry by entry."""


def joined(inputs: tuple[Shape, ...]) -> Shape | None:
    """The shape of values joined along the last axis; None where they do not fit."""
    if not inputs or not all(inputs) or any(shape[:-1] != inputs[0][:-1] for shape in inputs):
        return None
    return (*inputs[0][:-1], sum(shape[-1] for shape in inputs))


ACTIVATIONS: Mapping[str, type[Layer]] = MappingProxyType(
    {cls.__name__: cls for cls in (relu, leaky_relu, gelu, silu, elu, tanh, sigmoid, softplus, softmax)}
)


def activated(name: str | None) -> Iterator[Layer]:
    """The activation of that name, or nothing."""
    if name is not None:
        yield ACTIVATIONS[name]()
