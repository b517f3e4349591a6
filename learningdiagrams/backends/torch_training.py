"""Steps of training on PyTorch: loss, gradient field, update."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from learningdiagrams.backends.base import Batch, Evaluated, Optimisation, Program, Trainer
from learningdiagrams.backends.roles import check_rates
from learningdiagrams.backends.torch_program import detached
from learningdiagrams.errors import DiagramError, suggestion

if TYPE_CHECKING:
    from learningdiagrams.backends.torch import TorchMaps

__all__ = ["OPTIMIZERS", "TorchTrainer"]

OPTIMIZERS: Final[Mapping[str, Callable[..., torch.optim.Optimizer]]] = MappingProxyType(
    {
        "sgd": torch.optim.SGD,
        "momentum": lambda groups: torch.optim.SGD(groups, momentum=0.9),
        "adam": partial(torch.optim.Adam, fused=True),
        "adamw": partial(torch.optim.AdamW, fused=True),
        "rmsprop": torch.optim.RMSprop,
    }
)
"""Optimizers by name, with torch's own defaults; momentum is that of SGD, 0.9. A fused one takes its step for all
parameters in one kernel, the same step up to rounding.
"""

FACTORY: Final = "an optimizer is one of {names}, or a function of a list of parameter groups, such as torch.optim.Adam"


class TorchTrainer(Trainer):
    """A torch optimizer over the parameters of the models that move, a group for each learning rate.

    A parameter that moves and that no goal of a step reaches has gradient zero in that step, as
    :meth:`~learningdiagrams.backends.base.Program.value_and_grad` says.
    """

    def __init__(self, maps: TorchMaps, how: Optimisation, moved: Sequence[str]) -> None:
        self._names: dict[Tensor, str] = {}
        rates: dict[float | None, list[nn.Parameter]] = {}
        rated: dict[Tensor, tuple[float | None, str]] = {}
        for name in moved:
            rate = how.rates.get(name, how.lr)
            for parameter, tensor in maps.map(name).parameters.items():
                if tensor.requires_grad and tensor not in rated:
                    self._names[tensor], rated[tensor] = f"{name}.{parameter}", (rate, name)
                    rates.setdefault(rate, []).append(tensor)
                elif tensor.requires_grad:
                    check_rates(*rated[tensor], rate, name)
        self._parameters = tuple(self._names)
        self._clip = how.clip
        groups = [{"params": tensors} if lr is None else {"params": tensors, "lr": lr} for lr, tensors in rates.items()]
        self._optimizer = _optimizer(how.optimizer, groups) if groups else None
        self._rates = [group["lr"] for group in self._groups() if "lr" in group]
        self._forget()

    def step(self, program: Program, batch: Batch, weights: Mapping[str, float], step: int, factor: float) -> Evaluated:
        self._forget()
        with torch.enable_grad():
            evaluated = program(batch, weights, step, training=True)
            evaluated.total.backward()
        if self._optimizer is not None:
            for parameter in self._parameters:
                if parameter.grad is None:
                    parameter.grad = torch.zeros_like(parameter)
            if self._clip is not None:
                nn.utils.clip_grad_norm_(self._parameters, self._clip)
            for group, rate in zip(self._groups(), self._rates, strict=True):
                group["lr"] = rate * factor
            self._optimizer.step()
        self._forget()
        return detached(evaluated)

    def state(self) -> dict[str, np.ndarray]:
        return dict(_flat(self._optimizer, self._names)) if self._optimizer is not None else {}

    def load_state(self, state: Mapping[str, np.ndarray]) -> None:
        if self._optimizer is None:
            return
        places = {name: i for i, name in enumerate(self._in_order())}
        whole = self._optimizer.state_dict()
        whole["state"] = _nested(state, places)
        self._optimizer.load_state_dict(whole)

    def carry_state(self, state: Mapping[str, np.ndarray], origins: Mapping[str, str]) -> None:
        entries: dict[str, dict[str, np.ndarray]] = {}
        for key, value in state.items():
            parameter, _, entry = key.partition(":")
            entries.setdefault(parameter, {})[entry] = value
        carried = {
            f"{name}:{entry}": value
            for name in self._in_order()
            for entry, value in entries.get(origins.get(name, ""), {}).items()
        }
        self.load_state(carried)

    def _groups(self) -> list[dict[str, Any]]:
        return self._optimizer.param_groups if self._optimizer is not None else []

    def _in_order(self) -> list[str]:
        """The parameters' names as the optimizer counts them."""
        return [self._names[parameter] for group in self._groups() for parameter in group["params"]]

    def _forget(self) -> None:
        for parameter in self._parameters:
            parameter.grad = None


def _optimizer(given: Any, groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
    """The optimizer that a name or a function makes of the parameter groups."""
    wanted = FACTORY.format(names=", ".join(OPTIMIZERS))
    if isinstance(given, str):
        if given not in OPTIMIZERS:
            raise DiagramError(f"there is no optimizer `{given}`{suggestion(given, OPTIMIZERS)}; {wanted}")
        return OPTIMIZERS[given](groups)
    if isinstance(given, torch.optim.Optimizer):
        raise DiagramError(
            f"this {type(given).__name__} has its parameters already, and each stage starts afresh; {wanted}"
        )
    if not callable(given):
        raise DiagramError(f"{given!r} is no optimizer; {wanted}")
    made = given(groups)
    if not isinstance(made, torch.optim.Optimizer):
        raise DiagramError(f"{given!r} gave a {type(made).__name__} and no torch optimizer; {wanted}")
    if isinstance(made, torch.optim.LBFGS):
        raise DiagramError("LBFGS takes a step of several looks at the loss, and here each step is one; " + wanted)
    return made


# State as a flat dictionary: "parameter:entry" for a tensor, "parameter:entry:int" and so on for a number.

_NUMBERS: Final[Mapping[str, type]] = MappingProxyType({"bool": bool, "int": int, "float": float})


def _flat(optimizer: torch.optim.Optimizer, names: Mapping[Tensor, str]) -> Iterator[tuple[str, np.ndarray]]:
    for parameter, entries in optimizer.state.items():
        for entry, value in entries.items():
            key = f"{names[parameter]}:{entry}"
            if isinstance(value, Tensor):
                yield key, value.detach().cpu().numpy().copy()
            elif type(value).__name__ in _NUMBERS:
                yield f"{key}:{type(value).__name__}", np.asarray(value)
            elif value is not None:
                kind = type(value).__name__
                raise DiagramError(f"a checkpoint holds arrays, and {type(optimizer).__name__} keeps a {kind} as {key}")


def _nested(state: Mapping[str, np.ndarray], places: Mapping[str, int]) -> dict[int, dict[str, Any]]:
    nested: dict[int, dict[str, Any]] = {}
    for key, value in state.items():
        parameter, entry, *kind = key.split(":")
        if parameter not in places:
            raise DiagramError(f"the optimizer's state names the parameter `{parameter}`, which does not move here")
        array = np.asarray(value)
        nested.setdefault(places[parameter], {})[entry] = (
            _NUMBERS[kind[0]](array[()]) if kind else torch.from_numpy(array.copy())
        )
    return nested
