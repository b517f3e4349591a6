"""Variants of one value on PyTorch: one draw, and statistics learned once (:mod:`.variants` says why)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from learningdiagrams.backends.torch_maps import Map
from learningdiagrams.backends.variants import variants
from learningdiagrams.plan import Apply, Plan

__all__ = ["Called", "Variants"]

Application = Callable[..., Any]
"""A function (state, *arguments) -> value."""


class Variants:
    """What the variants of a plan's values have in common while it runs, by the number of the value.

    Args:
        traced: whether a tracer will follow the calls: random numbers are then drawn for each variant anew, since
            a tracer follows no generator's state.
    """

    def __init__(self, plan: Plan, traced: bool) -> None:
        numbers = variants(plan)
        many = Counter(numbers.values())
        self._numbers = {out: number for out, number in numbers.items() if many[number] > 1}
        self._first: dict[int, int] = {}
        for out, number in self._numbers.items():
            self._first.setdefault(number, out)
        self._traced = traced
        self._before: dict[int, _Before] = {}

    def __call__(self, step: Apply, made: Map, application: Application) -> Application:
        """The application of a map, so that in training it does what its first variant does, and no more."""
        number, module = self._numbers.get(step.outs[0]), made.module
        if number is None or module is None:
            return application
        if self._first[number] != step.outs[0]:
            return self._again(number, module, made, application)
        if self._traced:
            return application

        def first(state: Any, *arguments: Tensor) -> Any:
            if module.training:
                self._before[number] = _Before(made)
            return application(state, *arguments)

        return first

    def _again(self, number: int, module: nn.Module, made: Map, application: Application) -> Application:
        def call(*arguments: Tensor) -> Any:
            return application(None, *arguments)

        holder = Called(module, call)

        def apart(buffers: dict[str, Tensor], arguments: tuple[Tensor, ...]) -> Any:
            """The map on these buffers instead of its own, which stay as they are."""
            return functional_call(holder, buffers, arguments) if buffers else call(*arguments)

        def again(state: Any, *arguments: Tensor) -> Any:
            if not module.training:
                return call(*arguments)
            before = self._before[number]
            with before.random():
                return apart(before.copies(), arguments)

        def traced(state: Any, *arguments: Tensor) -> Any:
            return apart(_buffers(made), arguments) if module.training else call(*arguments)

        return traced if self._traced else again


class _Before:
    """The state in which the first variant was computed: buffers, and the generators of random numbers."""

    def __init__(self, made: Map) -> None:
        self._buffers = _buffers(made)
        device = next((t.device for t in (*made.parameters.values(), *self._buffers.values())), None)
        self._cuda = device if device is not None and device.type == "cuda" else None
        self._states = torch.get_rng_state(), None if self._cuda is None else torch.cuda.get_rng_state(self._cuda)

    def copies(self) -> dict[str, Tensor]:
        """The buffers, for one more call to change."""
        return {name: buffer.clone() for name, buffer in self._buffers.items()}

    @contextmanager
    def random(self) -> Iterator[None]:
        """Inside, random numbers are drawn again that were drawn by the first variant."""
        cpu, cuda = self._states
        with torch.random.fork_rng([] if self._cuda is None else [self._cuda]):
            torch.set_rng_state(cpu)
            if cuda is not None and self._cuda is not None:
                torch.cuda.set_rng_state(cuda, self._cuda)
            yield


def _buffers(made: Map) -> dict[str, Tensor]:
    """Copies of all of a map's buffers, named as :class:`Called` names them."""
    assert made.module is not None
    return {f"module.{name}": buffer.detach().clone() for name, buffer in made.module.named_buffers()}


class Called(nn.Module):
    """A module that is called by a function: itself, a method of it, or what is made of one."""

    call: Callable[..., Any]

    def __init__(self, module: nn.Module | None, call: Callable[..., Any]) -> None:
        super().__init__()
        self.module = module
        self.__dict__["call"] = call  # not a second time as a part, where it is the module itself

    def forward(self, *arguments: Tensor) -> Any:
        return self.call(*arguments)
