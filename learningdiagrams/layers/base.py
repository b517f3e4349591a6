"""What a layer says of itself without computing: its parameters, its buffers, and the shape that it gives."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from functools import cached_property
from typing import Any, ClassVar, NamedTuple, NoReturn

from learningdiagrams.errors import DiagramError
from learningdiagrams.values import Spec, refuse

__all__ = ["Init", "Layer", "Parameter", "Shape", "Stack", "residual", "sequential"]

Shape = tuple[int, ...]


class Init(NamedTuple):
    """Where a parameter starts.

    `kind` is "uniform" on [−scale, scale], "normal" with standard deviation `scale`, "values" (`scale` is the
    number or a nested tuple of them), or "count" (a whole number).
    """

    kind: str
    scale: Any


ONES, ZEROS, COUNT = Init("values", 1.0), Init("values", 0.0), Init("count", 0)


def fan_in(size: int) -> Init:
    """Uniform on ±1/√size, as `torch.nn.Linear` and the convolutions start (He et al. 2015 with a = √5)."""
    return Init("uniform", 1 / math.sqrt(size))


class Parameter(NamedTuple):
    """A parameter or buffer: its shape and where it starts."""

    shape: Shape
    init: Init


class Layer(Spec, ABC):
    """A map that the library knows itself.

    The same value gives an ordinary `torch.nn` module and a pure function in JAX, with the same parameter
    names and the same first numbers.

    Shapes are those of one value, without the batch axis; the maps themselves are called with the batch axis
    first.
    """

    def parameters(self) -> dict[str, Parameter]:
        """The trained numbers, named as the equivalent module of torch names them."""
        return {}

    def buffers(self) -> dict[str, Parameter]:
        """The numbers that are kept but not trained, such as running means."""
        return {}

    @abstractmethod
    def shape(self, *inputs: Shape) -> Shape:
        """The output's shape for inputs of these shapes; DiagramError where it does not take them."""

    @property
    def takes(self) -> int | None:
        """The last axis of its input (of all inputs together, where they are joined), if only one will do."""
        return None

    @property
    def gives(self) -> int | None:
        """The last axis of its output, where that is the same for every input."""
        return None

    @property
    def keeps(self) -> bool:
        """Whether the last axis of its output is that of its one input, whatever it is."""
        return False

    def mismatch(self, wanted: str, inputs: tuple[Shape, ...]) -> NoReturn:
        """Says what the layer takes and what it was given."""
        given = " and ".join(map(str, inputs)) or "nothing"
        raise DiagramError(f"`{self}` takes {wanted}, given {given}")


class Stack(Layer):
    """Layers one after another, numbered from 0; the first may take several inputs."""

    adds_input: ClassVar[bool] = False

    @cached_property
    def parts(self) -> tuple[Layer, ...]:
        """The layers, in order."""
        return tuple(self._parts())

    @abstractmethod
    def _parts(self) -> Iterator[Layer]: ...

    def parameters(self) -> dict[str, Parameter]:
        return {f"{i}.{name}": p for i, part in enumerate(self.parts) for name, p in part.parameters().items()}

    def buffers(self) -> dict[str, Parameter]:
        return {f"{i}.{name}": p for i, part in enumerate(self.parts) for name, p in part.buffers().items()}

    @property
    def takes(self) -> int | None:
        return next((part.takes for part in self.parts if not part.keeps or part.takes is not None), None)

    @property
    def gives(self) -> int | None:
        return next((part.gives for part in reversed(self.parts) if not part.keeps or part.gives is not None), None)

    @property
    def keeps(self) -> bool:
        return all(part.keeps for part in self.parts)

    def shape(self, *inputs: Shape) -> Shape:
        values = inputs
        for i, part in enumerate(self.parts):
            try:
                values = (part.shape(*values),)
            except DiagramError as error:
                raise DiagramError(f"`{self}`, its layer {i}: {error}") from None
        return values[0]


class sequential(Stack):
    """Layers one after another.

    >>> from learningdiagrams.layers import conv, flatten, linear
    >>> enc = sequential(conv(1, 16, stride=2), flatten(), linear(16 * 4 * 4, 10))
    >>> enc
    sequential(conv(1, 16, stride=2), flatten, linear(256, 10))
    >>> enc.shape((1, 8, 8)), list(enc.parameters())
    ((10,), ['0.0.weight', '0.0.bias', '2.weight', '2.bias'])
    """

    nested: ClassVar[frozenset[str]] = frozenset({"layers"})

    def __init__(self, *layers: Layer) -> None:
        self._set(layers=layers)
        if not layers or not all(isinstance(layer, Layer) for layer in layers):
            refuse(self, "layers", "one layer or more")

    layers: tuple[Layer, ...]

    def _parts(self) -> Iterator[Layer]:
        yield from self.layers


class residual(sequential):
    """x + f(x), where f is the layers one after another and gives the shape that it takes.

    >>> from learningdiagrams.layers import conv
    >>> residual(conv(12, 12), conv(12, 12, activation=None)).shape((12, 8, 8))
    (12, 8, 8)

    Source: He, Zhang, Ren and Sun 2016, Deep Residual Learning for Image Recognition.
    """

    adds_input = True

    @property
    def keeps(self) -> bool:
        return True

    def shape(self, *inputs: Shape) -> Shape:
        if len(inputs) != 1:
            self.mismatch("one input", inputs)
        result = super().shape(*inputs)
        if result != inputs[0]:
            raise DiagramError(f"`{self}` adds its input, so the shapes are to be equal: {inputs[0]} becomes {result}")
        return result
