"""Composites of compiled maps as maps of their own on PyTorch, on copies of their numbers."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from learningdiagrams.backends.straight_line import StraightLine, straight_line
from learningdiagrams.backends.torch_maps import Map
from learningdiagrams.backends.torch_program import Operations
from learningdiagrams.errors import DiagramError
from learningdiagrams.passes import by_row
from learningdiagrams.plan import Apply, depends_on_input, plan_morphism
from learningdiagrams.theory.morphisms import Morphism

if TYPE_CHECKING:
    from learningdiagrams.backends.torch import TorchMaps

__all__ = ["Copies"]


class Copies:
    """Copies of compiled maps, each made once; parameters that two maps hold together stay one."""

    def __init__(self, maps: TorchMaps) -> None:
        self._maps = maps
        self._memo: dict[int, Any] = {}
        self._made: dict[str, Map] = {}

    def map(self, morphism: Morphism, trained: bool) -> Callable[..., Any]:
        """A morphism as a map; its copied parameters require gradients where it is trained."""
        bare = morphism.generator
        return self._composite(morphism, trained) if bare is None else self._copy(bare.name, trained).call

    def module(self, morphism: Morphism) -> nn.Module:
        """A morphism as a module, in evaluation mode; parameters are named `generator.parameter`."""
        return self._composite(morphism, False).eval()

    def _composite(self, morphism: Morphism, trained: bool) -> _Composite:
        plan = plan_morphism(self._maps.diagram, morphism, passing=True)
        parts = {name: self._copy(name, trained) for name in plan.generators}
        run = straight_line(plan, _OfState(parts.__getitem__, self._maps.backend, plan))
        constants = [not depends_on_input(term) for term in morphism.terms]
        inputs = len(morphism.dom.factors)
        made = (_OfOne if inputs == 1 else _Composite)(parts, run, inputs, constants)
        return by_row(made) if all(map(self._is_by_row, plan.generators)) else made

    def _copy(self, name: str, trained: bool) -> Map:
        if name not in self._made:
            self._made[name] = self._copied(name, self._maps.map(name))
            module = self._made[name].module
            # What its diagram trains stays as it is: parameters may have been held still by their owner.
            if trained and module is not None and self._maps.diagram.roles[name] != "model":
                module.requires_grad_(True)
        return self._made[name]

    def _copied(self, name: str, made: Map) -> Map:
        if made.module is None:
            return made
        try:
            module = copy.deepcopy(made.module, self._memo)
        except Exception as error:
            raise DiagramError(f"`{name}`: its module cannot be copied: {error}", name) from error
        if inspect.ismethod(made.call):
            return Map(getattr(module, made.call.__name__), module)
        return Map(by_row(module) if self._is_by_row(name) else module, module)

    def _is_by_row(self, name: str) -> bool:
        """Whether a map takes each row by itself in both modes: of a built-in layer a copy does not tell it."""
        return all(self._maps.by_row(name, training) is None for training in (False, True))


class _OfState(Operations):
    """Operations whose maps are looked up in the state, so that a copied module runs on its own parts."""

    def apply(self, step: Apply) -> Callable[..., Any]:
        name = step.generator
        return lambda calls, *arguments: calls[name](*arguments)


class _Composite(nn.Module):
    """A morphism of several maps; its parts are modules under their generators' names."""

    def __init__(self, parts: Mapping[str, Map], run: StraightLine, inputs: int, constants: Sequence[bool]) -> None:
        super().__init__()
        self._methods: dict[str, str] = {}
        self._functions: dict[str, Callable[..., Any]] = {}
        for name, part in parts.items():
            if part.module is None:
                self._functions[name] = part.call
                continue
            # `add_module` refuses names that a module has methods of; a generator may be called `half`.
            self._modules[name] = part.module
            if inspect.ismethod(part.call):
                self._methods[name] = part.call.__name__
        self._run = run
        self._inputs = inputs
        self._constants = tuple(constants)

    def forward(self, *arguments: Tensor) -> Any:
        calls: dict[str, Any] = {**self._functions, **self._modules}
        calls.update((name, getattr(calls[name], method)) for name, method in self._methods.items())
        values = self._run({str(i): value for i, value in enumerate(arguments)}, calls)[1]
        if not self._inputs:
            values = tuple(value[0] for value in values)
        else:
            rows = arguments[0].shape[0]
            values = tuple(
                value.expand(rows, *value.shape[1:]) if constant else value
                for value, constant in zip(values, self._constants, strict=True)
            )
        return values[0] if len(values) == 1 else values


class _OfOne(_Composite):
    """A morphism out of one sort; exporters read the name of its argument and that it is one."""

    def forward(self, x: Tensor) -> Any:
        return super().forward(x)
