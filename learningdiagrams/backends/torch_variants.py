"""Variants of one value on PyTorch: one draw, and statistics learned once (:mod:`.variants` says why)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
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
        self._first: dict[int, _First] = {}
        self._traced = traced

    def __call__(self, step: Apply, made: Map, application: Application) -> Application:
        """The application of a map, so that in training it does what its first variant does, and no more."""
        number = self._numbers.get(step.outs[0])
        if number is None or made.module is None:
            return application
        first = self._first.get(number)
        if first is None:
            self._first[number] = first = _First(made.module, application)
            return application if self._traced else first
        return _traced(made.module, application) if self._traced else first.again(application)


class _First:
    """The first variant of a value: in training it keeps the state in which it was computed, for the others."""

    def __init__(self, module: nn.Module, application: Application) -> None:
        self._module = module
        self._application = application
        # Found once: a walk through a module takes longer than many a layer.
        self._places = [(part._buffers, name) for part in module.modules() for name in part._buffers]
        self._generators = [torch.default_generator]
        device = next((tensor.device for tensor in (*module.parameters(), *module.buffers())), None)
        if device is not None and device.type == "cuda":
            self._generators.append(torch.cuda.default_generators[device.index or 0])
        self._buffers: list[Tensor | None] = []
        self._states: list[Tensor] = []

    def __call__(self, state: Any, *arguments: Tensor) -> Any:
        if self._module.training:
            self._buffers = [_copy(buffers[name]) for buffers, name in self._places]
            self._states = [generator.get_state() for generator in self._generators]
        return self._application(state, *arguments)

    def again(self, application: Application) -> Application:
        """Another variant: in training it draws what the first drew, on the buffers of before, and its own stay."""

        def variant(state: Any, *arguments: Tensor) -> Any:
            if not self._module.training:
                return application(state, *arguments)
            learned = [buffers[name] for buffers, name in self._places]
            after = [generator.get_state() for generator in self._generators]
            try:
                for (buffers, name), before in zip(self._places, self._buffers, strict=True):
                    buffers[name] = _copy(before)
                for generator, before in zip(self._generators, self._states, strict=True):
                    generator.set_state(before)
                return application(state, *arguments)
            finally:
                for (buffers, name), buffer in zip(self._places, learned, strict=True):
                    buffers[name] = buffer
                for generator, before in zip(self._generators, after, strict=True):
                    generator.set_state(before)

        return variant


def _copy(buffer: Tensor | None) -> Tensor | None:
    return None if buffer is None else buffer.detach().clone()


def _traced(module: nn.Module, application: Application) -> Application:
    """Another variant for a tracer, which follows no change of a module's tables."""
    holder = Called(module, lambda *arguments: application(None, *arguments))

    def variant(state: Any, *arguments: Tensor) -> Any:
        if not module.training:
            return application(state, *arguments)
        buffers = {f"module.{name}": buffer.detach().clone() for name, buffer in module.named_buffers()}
        return functional_call(holder, buffers, arguments)

    return variant


class Called(nn.Module):
    """A module that is called by a function: itself, a method of it, or what is made of one."""

    call: Callable[..., Any]

    def __init__(self, module: nn.Module | None, call: Callable[..., Any]) -> None:
        super().__init__()
        self.module = module
        self.__dict__["call"] = call  # not a second time as a part, where it is the module itself

    def forward(self, *arguments: Tensor) -> Any:
        return self.call(*arguments)
