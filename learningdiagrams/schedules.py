"""Weights of goals that change with the step, and factors of the learning rate, as functions of the step.

A schedule is a value (`linear(0, 1, steps=1000)`) and a function of the step, on Python numbers, NumPy or
traced arrays of JAX alike (`xp` is `numpy` or `jax.numpy`). Steps count from 0.

>>> ramp = schedule("linear(0, 1, steps=1000)")
>>> ramp, float(ramp(0)), float(ramp(250)), float(ramp(5000)), schedule(0.7)
(linear(0, 1, steps=1000), 0.0, 0.25, 1.0, 0.7)
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol

import numpy

from learningdiagrams.errors import DiagramError, suggestion
from learningdiagrams.values import Value, is_number, literal, read, want_number, want_whole

__all__ = [
    "LEARNING_RATES",
    "SCHEDULES",
    "LearningRate",
    "Schedule",
    "constant",
    "cosine",
    "cosine_rate",
    "learning_rate",
    "linear",
    "linear_rate",
    "onecycle_rate",
    "schedule",
]


class Schedule(Value, ABC):
    """A number for every step: call it with the step."""

    @abstractmethod
    def __call__(self, step: Any, xp: Any = numpy) -> Any:
        """The value at a step (a number or 0-d array); `xp` is the array module to compute with."""


@dataclass(frozen=True, eq=False, repr=False)
class constant(Schedule):
    """One value at every step; written as the number itself.

    >>> constant(0.7), constant(2.0), constant(2.0)(5)
    (0.7, 2, 2.0)
    """

    value: float

    def __post_init__(self) -> None:
        want_number(self, "value")

    def __repr__(self) -> str:
        return literal(self.value)

    def __call__(self, step: Any, xp: Any = numpy) -> Any:
        return self.value


@dataclass(frozen=True, eq=False, repr=False)
class _Ramp(Schedule):
    """From `start` at step 0 to `end` at step `steps`, and `end` ever after."""

    start: float
    end: float
    steps: int

    def __post_init__(self) -> None:
        want_number(self, "start", "end")
        want_whole(self, "steps")

    def arguments(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return (self.start, self.end), {"steps": self.steps}

    def _past(self, step: Any, xp: Any) -> Any:
        return xp.minimum(step / self.steps, 1.0)


@dataclass(frozen=True, eq=False, repr=False)
class linear(_Ramp):
    """start + (end − start) · t with t = min(step / steps, 1)."""

    def __call__(self, step: Any, xp: Any = numpy) -> Any:
        return self.start + (self.end - self.start) * self._past(step, xp)


@dataclass(frozen=True, eq=False, repr=False)
class cosine(_Ramp):
    """end + (start − end) · (1 + cos πt) / 2 with t = min(step / steps, 1): flat at both ends.

    >>> [round(float(cosine(1, 0, steps=4)(step)), 3) for step in range(6)]
    [1.0, 0.854, 0.5, 0.146, 0.0, 0.0]
    """

    def __call__(self, step: Any, xp: Any = numpy) -> Any:
        return self.end + (self.start - self.end) * (1 + xp.cos(math.pi * self._past(step, xp))) / 2


SCHEDULES: Mapping[str, type[Schedule]] = MappingProxyType({cls.__name__: cls for cls in (constant, linear, cosine)})


def schedule(weight: float | Schedule | str) -> Schedule:
    """The schedule that a weight stands for: a finite number, a schedule, or either as text.

    >>> schedule(2), schedule("0.5"), schedule("cosine(1, 0, steps=10)")
    (2, 0.5, cosine(1, 0, steps=10))

    Raises DiagramError for anything else: truth values, NaN and infinities too.
    """
    if isinstance(weight, Schedule):
        return weight
    if is_number(weight):
        return constant(weight)
    if isinstance(weight, str):
        try:
            number = float(weight)
        except ValueError:
            return read(SCHEDULES, "schedule", weight)
        if math.isfinite(number):
            return constant(int(number) if number.is_integer() else number)
    raise DiagramError(
        f"a weight is a finite number or a schedule such as linear(0, 1, steps=1000), not {literal(weight)}"
    )


class LearningRate(Protocol):
    """A factor of the learning rate at a step of `total` steps; `xp` is the array module to compute with."""

    def __call__(self, step: Any, total: int, xp: Any = numpy) -> Any: ...


def linear_rate(step: Any, total: int, xp: Any = numpy) -> Any:
    """1 − t with t = min(step / total, 1)."""
    return 1 - xp.minimum(step / total, 1.0)


def cosine_rate(step: Any, total: int, xp: Any = numpy) -> Any:
    """(1 + cos πt) / 2 with t = min(step / total, 1).

    It is `torch.optim.lr_scheduler.CosineAnnealingLR(T_max=total)`.

    Source: Loshchilov and Hutter 2017, SGDR, section 3, one cycle without restart.
    """
    return (1 + xp.cos(math.pi * xp.minimum(step / total, 1.0))) / 2


def onecycle_rate(step: Any, total: int, xp: Any = numpy) -> Any:
    """From 1/25 up to 1 over the first 30 % of the steps, then down to 1/250 000, along half cosines.

    With u = 0.3 · total − 1 and d = total − 1 it is a(1/25, 1, step / u) up to step u and a(1, 1/250 000,
    (step − u) / (d − u)) after it, where a(p, q, t) = q + (p − q)(1 + cos πt) / 2. The values are those of
    `torch.optim.lr_scheduler.OneCycleLR` with its defaults; momentum stays as it is (there it is cycled too).
    Source: Smith and Topin 2018, Super-Convergence.
    """
    peak, last = 0.3 * total - 1, total - 1
    first, final = 1 / 25, 1 / 25 / 1e4
    up = xp.clip(step / peak, 0.0, 1.0) if peak > 0 else 1.0
    down = xp.clip((step - peak) / (last - peak), 0.0, 1.0)
    rising = 1 + (first - 1) * (1 + xp.cos(math.pi * up)) / 2
    falling = final + (1 - final) * (1 + xp.cos(math.pi * down)) / 2
    return xp.where(step <= peak, rising, falling)


LEARNING_RATES: Mapping[str, LearningRate] = MappingProxyType(
    {"onecycle": onecycle_rate, "cosine": cosine_rate, "linear": linear_rate}
)


def learning_rate(schedule: str | Callable[[Any], Any] | None) -> LearningRate:
    """The factor of the learning rate that a name, a function of the step, or None (1) stands for.

    >>> float(learning_rate("linear")(25, 100)), learning_rate(lambda step: 1 / (1 + step))(3, 100)
    (0.75, 0.25)
    """
    if schedule is None:
        return lambda step, total, xp=numpy: 1.0
    if isinstance(schedule, str):
        if schedule not in LEARNING_RATES:
            names = ", ".join(LEARNING_RATES)
            close = suggestion(schedule, LEARNING_RATES) or f"; there are {names}"
            raise DiagramError(f"there is no learning-rate schedule `{schedule}`{close}")
        return LEARNING_RATES[schedule]
    if not callable(schedule):
        raise DiagramError(f"a learning-rate schedule is a name or a function of the step, not {literal(schedule)}")
    return lambda step, total, xp=numpy: schedule(step)
