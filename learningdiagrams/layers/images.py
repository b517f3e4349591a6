"""Layers over images: (channels, height, width)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from learningdiagrams.layers.base import Layer, Parameter, Shape, Stack, fan_in
from learningdiagrams.layers.dense import batch_norm
from learningdiagrams.layers.fixed import ACTIVATIONS, activated
from learningdiagrams.values import is_whole, refuse, want_flag, want_one_of, want_positive, want_whole

__all__ = ["conv", "conv2d", "instance_norm", "pool", "translate", "upsample"]


@dataclass(frozen=True, eq=False, repr=False)
class conv2d(Layer):
    """One convolution: (inputs, h, w) to (outputs, h', w'), with h' = ⌊(h + 2p − kernel) / stride⌋ + 1.

    `padding` p is zeros on every side; None is ⌊kernel / 2⌋, which keeps the size where kernel is odd and
    stride is 1.

    >>> conv2d(1, 16, stride=2).shape((1, 28, 28)), list(conv2d(1, 16).parameters())
    ((16, 14, 14), ['weight', 'bias'])
    """

    inputs: int
    outputs: int
    kernel: int = 3
    stride: int = 1
    padding: int | None = None
    bias: bool = True

    def __post_init__(self) -> None:
        want_whole(self, "inputs", "outputs", "kernel", "stride")
        if self.padding is not None:
            want_whole(self, "padding", least=0)
        want_flag(self, "bias")

    @property
    def border(self) -> int:
        """The zeros on every side."""
        return self.kernel // 2 if self.padding is None else self.padding

    def parameters(self) -> dict[str, Parameter]:
        start = fan_in(self.inputs * self.kernel**2)
        weight = {"weight": Parameter((self.outputs, self.inputs, self.kernel, self.kernel), start)}
        return {**weight, "bias": Parameter((self.outputs,), start)} if self.bias else weight

    def shape(self, *inputs: Shape) -> Shape:
        if len(inputs) != 1 or len(inputs[0]) != 3 or inputs[0][0] != self.inputs:
            self.mismatch(f"one value of shape ({self.inputs}, height, width)", inputs)
        room = [size + 2 * self.border - self.kernel for size in inputs[0][1:]]
        if min(room) < 0:
            least = self.kernel - 2 * self.border
            self.mismatch(f"images of at least {least} by {least}", inputs)
        return (self.outputs, *(r // self.stride + 1 for r in room))


class conv(Stack):
    """A stack of convolutions through these numbers of channels, each with norm, activation and max pooling.

    `kernel`, `stride` and `pool` are one number for all convolutions or one for each; `pool` 1 pools nothing.
    `norm` is None, "batch" or "instance". All convolutions are alike, the last one too: write
    `activation=None` for a bare one.

    >>> enc = conv(1, 16, 32, 32, stride=(2, 1, 1), pool=(1, 2, 2), norm="batch")
    >>> enc.shape((1, 28, 28))
    (32, 3, 3)
    """

    channels: tuple[int, ...]
    kernel: int | tuple[int, ...]
    stride: int | tuple[int, ...]
    pool: int | tuple[int, ...]
    norm: str | None
    activation: str | None

    def __init__(
        self,
        *channels: int,
        kernel: int | tuple[int, ...] = 3,
        stride: int | tuple[int, ...] = 1,
        pool: int | tuple[int, ...] = 1,
        norm: str | None = None,
        activation: str | None = "relu",
    ) -> None:
        self._set(channels=channels, kernel=kernel, stride=stride, pool=pool, norm=norm, activation=activation)
        if len(channels) < 2 or not all(map(is_whole, channels)):
            refuse(self, "channels", "two positive whole numbers or more")
        for name in ("kernel", "stride", "pool"):
            self._each(name)
        want_one_of(self, "norm", (None, "batch", "instance"))
        want_one_of(self, "activation", (None, *ACTIVATIONS))

    def _each(self, name: str) -> tuple[int, ...]:
        """An option's number for every convolution."""
        count, x = len(self.channels) - 1, getattr(self, name)
        numbers = x if isinstance(x, tuple) else (x,) * count
        if len(numbers) != count or not all(map(is_whole, numbers)):
            refuse(self, name, f"a positive whole number, or {count} of them, one for each convolution")
        return numbers

    def _parts(self) -> Iterator[Layer]:
        ends = zip(self.channels, self.channels[1:], strict=False)
        options = zip(self._each("kernel"), self._each("stride"), self._each("pool"), strict=True)
        for (inputs, outputs), (kernel, stride, window) in zip(ends, options, strict=True):
            yield conv2d(inputs, outputs, kernel, stride)
            if self.norm:
                yield batch_norm(outputs, images=True) if self.norm == "batch" else instance_norm(outputs)
            yield from activated(self.activation)
            if window > 1:
                yield pool(window)


@dataclass(frozen=True, eq=False, repr=False)
class instance_norm(Layer):
    """Mean 0 and variance 1 over the positions of every channel of every image; nothing is trained.

    Source: Ulyanov, Vedaldi and Lempitsky 2016, Instance Normalization.
    """

    width: int
    eps: float = 1e-5

    def __post_init__(self) -> None:
        want_whole(self, "width")
        want_positive(self, "eps")

    def shape(self, *inputs: Shape) -> Shape:
        if len(inputs) != 1 or len(inputs[0]) != 3 or inputs[0][0] != self.width:
            self.mismatch(f"one value of shape ({self.width}, height, width)", inputs)
        return inputs[0]


@dataclass(frozen=True, eq=False, repr=False)
class pool(Layer):
    """The largest ("max") or mean ("mean") of every `size` × `size` square; edges that are left are dropped.

    >>> pool(2).shape((16, 7, 7)), pool(7, kind="mean").shape((16, 7, 7))
    ((16, 3, 3), (16, 1, 1))
    """

    size: int
    kind: str = "max"

    def __post_init__(self) -> None:
        want_whole(self, "size")
        want_one_of(self, "kind", ("max", "mean"))

    def shape(self, *inputs: Shape) -> Shape:
        if len(inputs) != 1 or len(inputs[0]) != 3 or min(inputs[0][1:]) < self.size:
            self.mismatch(f"one value of shape (channels, height, width), {self.size} by {self.size} at least", inputs)
        return (inputs[0][0], inputs[0][1] // self.size, inputs[0][2] // self.size)


@dataclass(frozen=True, eq=False, repr=False)
class upsample(Layer):
    """Every pixel becomes a square of `factor` × `factor` equal ones."""

    factor: int = 2

    def __post_init__(self) -> None:
        want_whole(self, "factor")

    def shape(self, *inputs: Shape) -> Shape:
        if len(inputs) != 1 or len(inputs[0]) != 3:
            self.mismatch("one value of shape (channels, height, width)", inputs)
        return (inputs[0][0], inputs[0][1] * self.factor, inputs[0][2] * self.factor)


@dataclass(frozen=True, eq=False, repr=False)
class translate(Layer):
    """Moves an image by whole pixels, at most `most` of them; zeros come in where it leaves.

    The inputs are the image, (…, height, width), and two numbers u in [0, 1), of which the image goes
    ⌊u · (2 · most + 1)⌋ − most pixels down and to the right: with u from `uniform(2)` every move is equally likely.
    No gradient reaches u.

    >>> translate(2).shape((1, 28, 28), (2,))
    (1, 28, 28)
    """

    most: int

    def __post_init__(self) -> None:
        want_whole(self, "most")

    def shape(self, *inputs: Shape) -> Shape:
        if len(inputs) != 2 or len(inputs[0]) < 2 or inputs[1] != (2,):
            self.mismatch("one value with height and width, then one of shape (2,)", inputs)
        return inputs[0]
