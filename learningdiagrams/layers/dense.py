"""Layers over the last axis: linear maps, perceptrons, norms, and the small maps that SymPy solves for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import Any

from learningdiagrams.errors import DiagramError
from learningdiagrams.layers.base import COUNT, ONES, ZEROS, Init, Layer, Parameter, Shape, Stack, fan_in
from learningdiagrams.layers.fixed import ACTIVATIONS, activated, joined
from learningdiagrams.values import (
    is_number,
    is_whole,
    refuse,
    want_flag,
    want_one_of,
    want_positive,
    want_whole,
)

__all__ = [
    "affine",
    "batch_norm",
    "constant",
    "dropout",
    "embedding",
    "layer_norm",
    "linear",
    "mlp",
    "polynomial",
]


@dataclass(frozen=True, eq=False, repr=False)
class linear(Layer):
    """x ↦ x Wᵀ + b over the last axis: (…, inputs) to (…, outputs).

    Several inputs are joined along the last axis.

    >>> linear(64, 10).parameters()["weight"].shape, linear(74, 10).shape((64,), (10,))
    ((10, 64), (10,))
    >>> linear(64, 10).shape((28, 28))
    Traceback (most recent call last):
    learningdiagrams.errors.DiagramError: `linear(64, 10)` takes values whose last axis is 64, given (28, 28)
    """

    inputs: int
    outputs: int
    bias: bool = True

    def __post_init__(self) -> None:
        want_whole(self, "inputs", "outputs")
        want_flag(self, "bias")

    def parameters(self) -> dict[str, Parameter]:
        weight = {"weight": Parameter((self.outputs, self.inputs), fan_in(self.inputs))}
        return {**weight, "bias": Parameter((self.outputs,), fan_in(self.inputs))} if self.bias else weight

    @property
    def takes(self) -> int | None:
        return self.inputs

    @property
    def gives(self) -> int | None:
        return self.outputs

    def shape(self, *inputs: Shape) -> Shape:
        shape = joined(inputs)
        if not shape or shape[-1] != self.inputs:
            self.mismatch(f"values whose last axis is {self.inputs}", inputs)
        return (*shape[:-1], self.outputs)


@dataclass(frozen=True, eq=False, repr=False)
class affine(linear):
    """x ↦ A x + b from n numbers to m: `linear` under its name in algebra, with unknown entries in SymPy."""

    def __init__(self, inputs: int, outputs: int) -> None:
        self._set(inputs=inputs, outputs=outputs, bias=True)
        self.__post_init__()


class mlp(Stack):
    """A multilayer perceptron: `linear`s of the sizes given, an activation between each two.

    After each linear map but the last come `norm` (None, "batch" or "layer"), the activation, and dropout
    with the probability `dropout`; after the last one `final`, an activation or None. Several inputs are
    joined along the last axis. Parameters are named as in the `torch.nn.Sequential` of these layers.

    >>> mlp(64, 32, 10), list(mlp(64, 32, 10).parameters())
    (mlp(64, 32, 10), ['0.weight', '0.bias', '2.weight', '2.bias'])
    >>> mlp(74, 256, 64, final="sigmoid").shape((64,), (10,))
    (64,)
    """

    sizes: tuple[int, ...]
    activation: str | None
    final: str | None
    norm: str | None
    dropout: float

    def __init__(
        self,
        *sizes: int,
        activation: str | None = "relu",
        final: str | None = None,
        norm: str | None = None,
        dropout: float = 0,
    ) -> None:
        self._set(sizes=sizes, activation=activation, final=final, norm=norm, dropout=dropout)
        if len(sizes) < 2 or not all(map(is_whole, sizes)):
            refuse(self, "sizes", "two positive whole numbers or more")
        want_one_of(self, "activation", (None, *ACTIVATIONS))
        want_one_of(self, "final", (None, *ACTIVATIONS))
        want_one_of(self, "norm", (None, "batch", "layer"))
        want_probability(self, "dropout")

    def _parts(self) -> Iterator[Layer]:
        for i, (inputs, outputs) in enumerate(zip(self.sizes, self.sizes[1:], strict=False)):
            yield linear(inputs, outputs)
            if i == len(self.sizes) - 2:
                yield from activated(self.final)
                return
            if self.norm:
                yield batch_norm(outputs) if self.norm == "batch" else layer_norm(outputs)
            yield from activated(self.activation)
            if self.dropout:
                yield dropout(self.dropout)


def want_probability(value: Layer, name: str) -> None:
    p = getattr(value, name)
    if not (is_number(p) and 0 <= p < 1):
        refuse(value, name, "a number from 0 up to, but not including, 1")


@dataclass(frozen=True, eq=False, repr=False)
class dropout(Layer):
    """In training, each number becomes 0 with this probability p and the others grow by 1 / (1 − p).

    In evaluation it is the identity.

    Source: Srivastava et al. 2014, Dropout.
    """

    probability: float

    def __post_init__(self) -> None:
        want_probability(self, "probability")

    @property
    def keeps(self) -> bool:
        return True

    def shape(self, *inputs: Shape) -> Shape:
        if len(inputs) != 1:
            self.mismatch("one input", inputs)
        return inputs[0]


@dataclass(frozen=True, eq=False, repr=False)
class layer_norm(Layer):
    """Mean 0 and variance 1 over the last axis, then a trained scale and shift of each feature.

    Source: Ba, Kiros and Hinton 2016, Layer Normalization.
    """

    width: int
    eps: float = 1e-5

    def __post_init__(self) -> None:
        want_whole(self, "width")
        want_positive(self, "eps")

    def parameters(self) -> dict[str, Parameter]:
        return {"weight": Parameter((self.width,), ONES), "bias": Parameter((self.width,), ZEROS)}

    @property
    def takes(self) -> int | None:
        return self.width

    @property
    def gives(self) -> int | None:
        return self.width

    def shape(self, *inputs: Shape) -> Shape:
        if len(inputs) != 1 or not inputs[0] or inputs[0][-1] != self.width:
            self.mismatch(f"one value whose last axis is {self.width}", inputs)
        return inputs[0]


@dataclass(frozen=True, eq=False, repr=False)
class batch_norm(Layer):
    """Mean 0 and variance 1 over the batch, then a trained scale and shift; running averages in evaluation.

    Takes (width,), or with `images=True` (width, height, width of the image), where the average goes over
    positions too. In training a batch gives at least two values for each feature.
    Source: Ioffe and Szegedy 2015, Batch Normalization.
    """

    width: int
    images: bool = False
    momentum: float = 0.1
    eps: float = 1e-5

    def __post_init__(self) -> None:
        want_whole(self, "width")
        want_flag(self, "images")
        want_positive(self, "momentum", "eps")

    def parameters(self) -> dict[str, Parameter]:
        return {"weight": Parameter((self.width,), ONES), "bias": Parameter((self.width,), ZEROS)}

    def buffers(self) -> dict[str, Parameter]:
        return {
            "running_mean": Parameter((self.width,), ZEROS),
            "running_var": Parameter((self.width,), ONES),
            "num_batches_tracked": Parameter((), COUNT),
        }

    def shape(self, *inputs: Shape) -> Shape:
        if len(inputs) != 1 or len(inputs[0]) != (3 if self.images else 1) or inputs[0][0] != self.width:
            self.mismatch(f"one value of shape ({self.width}{', height, width' if self.images else ','})", inputs)
        return inputs[0]


@dataclass(frozen=True, eq=False, repr=False)
class embedding(Layer):
    """A trained row for each of `number` whole numbers 0…number−1: (…) to (…, width).

    >>> embedding(30, 16).shape((12,))
    (12, 16)
    """

    number: int
    width: int

    def __post_init__(self) -> None:
        want_whole(self, "number", "width")

    def parameters(self) -> dict[str, Parameter]:
        return {"weight": Parameter((self.number, self.width), Init("normal", 1.0))}

    @property
    def gives(self) -> int | None:
        return self.width

    def shape(self, *inputs: Shape) -> Shape:
        if len(inputs) != 1:
            self.mismatch("one value of whole numbers", inputs)
        return (*inputs[0], self.width)


class constant(Layer):
    """One value whatever comes in, trained where its generator is a model: out of `1`, or out of any object.

    `value` is where it starts: a number, or nested tuples of numbers; with `shape` a number fills that shape.

    >>> constant(1.0), constant((1, 2)).shape(), constant(0, shape=(2, 3)).shape()
    (constant(1), (2,), (2, 3))
    """

    value: Any
    axes: Shape

    def __init__(self, value: float | tuple[Any, ...], shape: int | tuple[int, ...] | None = None) -> None:
        self._set(value=value)
        axes = _axes(self.value)
        if axes is None:
            refuse(self, "value", "a finite number or nested tuples of them, all of one length")
        if shape is not None:
            wanted = (shape,) if is_whole(shape) else tuple(shape) if isinstance(shape, tuple | list) else ()
            if axes or not wanted or not all(map(is_whole, wanted)):
                wanted_here = "positive whole numbers, beside a value that is a single number"
                raise DiagramError(f"`constant`: shape is to be {wanted_here}, not {shape!r}")
            axes = wanted
        self._set(axes=axes)

    def arguments(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        filled = self.axes and not isinstance(self.value, tuple)
        return (self.value,), {"shape": self.axes} if filled else {}

    def parameters(self) -> dict[str, Parameter]:
        return {"value": Parameter(self.axes, Init("values", self.value))}

    @property
    def gives(self) -> int | None:
        return self.axes[-1] if self.axes else None

    def shape(self, *inputs: Shape) -> Shape:
        return self.axes

    def held(self) -> constant:
        """The same value, kept and not trained: what a fixed map is, which has no parameters."""
        return _Held(self.value, shape=self.arguments()[1].get("shape"))


class _Held(constant):
    """A constant whose value is no parameter."""

    def parameters(self) -> dict[str, Parameter]:
        return {}

    def buffers(self) -> dict[str, Parameter]:
        return super().parameters()


def _axes(value: Any) -> Shape | None:
    """The shape of nested tuples of numbers; None where they are ragged, empty or hold something else."""
    if not isinstance(value, tuple):
        return () if is_number(value) else None
    inner = {_axes(x) for x in value}
    below = inner.pop() if len(inner) == 1 else None
    return None if below is None else (len(value), *below)


@dataclass(frozen=True, eq=False, repr=False)
class polynomial(Layer):
    """A polynomial of total degree at most `degree` in `inputs` variables, for each of `outputs` numbers.

    (…, inputs) to (…, outputs). `coefficients` has a row for each output and a column for each monomial, in
    the order of `exponents`: by degree, then the first variables first.

    >>> polynomial(2, inputs=2).exponents
    ((0, 0), (1, 0), (0, 1), (2, 0), (1, 1), (0, 2))
    """

    degree: int
    inputs: int = 1
    outputs: int = 1

    def __post_init__(self) -> None:
        want_whole(self, "degree", least=0)
        want_whole(self, "inputs", "outputs")

    @property
    def exponents(self) -> tuple[tuple[int, ...], ...]:
        """The monomials, each as one exponent for every variable."""
        return tuple(
            tuple(chosen.count(i) for i in range(self.inputs))
            for total in range(self.degree + 1)
            for chosen in combinations_with_replacement(range(self.inputs), total)
        )

    def parameters(self) -> dict[str, Parameter]:
        count = len(self.exponents)
        return {"coefficients": Parameter((self.outputs, count), fan_in(count))}

    @property
    def takes(self) -> int | None:
        return self.inputs

    @property
    def gives(self) -> int | None:
        return self.outputs

    def shape(self, *inputs: Shape) -> Shape:
        if len(inputs) != 1 or not inputs[0] or inputs[0][-1] != self.inputs:
            self.mismatch(f"one value whose last axis is {self.inputs}", inputs)
        return (*inputs[0][:-1], self.outputs)
