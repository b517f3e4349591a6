"""Steps of training on PyTorch: loss, gradient field, update."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from learningdiagrams.backends.base import Batch, Evaluated, Optimisation, Program, Trainer
from learningdiagrams.backends.roles import check_rates
from learningdiagrams.backends.torch_kept import Column, can_be_kept
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

    def __init__(
        self, maps: TorchMaps, how: Optimisation, moved: Sequence[str], columns: Sequence[Column] = ()
    ) -> None:
        self._maps = maps
        self._how = how
        self._rated: dict[nn.Parameter, tuple[float | None, str]] = {}
        self._single: dict[Tensor, str] = {}
        for name in moved:
            rate = how.rates.get(name, how.lr)
            for parameter, tensor in maps.map(name).parameters.items():
                if tensor.requires_grad and tensor not in self._rated:
                    self._single[tensor], self._rated[tensor] = f"{name}.{parameter}", (rate, name)
                elif tensor.requires_grad:
                    check_rates(*self._rated[tensor], rate, name)
        self._clip = how.clip
        # One with a name moves each number by itself; another may ask how large a parameter is as a whole. Outside of
        # a session nobody would say when the parameters are to have memory of their own again.
        alike = [c for c in columns if len({self._rated.get(tensor, (None,))[0] for tensor in c}) == 1]
        whole = [c for c in alike if all(tensor in self._rated for tensor in c)]
        maps.kept.release()
        self._begin(can_be_kept(whole, maps.tensors()) if isinstance(how.optimizer, str) and maps.in_session else [])

    def _begin(self, columns: Sequence[Column]) -> None:
        """A fresh optimizer, with these columns stacked."""
        self._columns = tuple(columns)
        kept = self._maps.kept.take(columns, self)
        of = {tensor: (column, kept[column]) for column in columns for tensor in column}
        self._names: dict[Tensor, tuple[str, ...]] = {}
        rates: dict[float | None, list[nn.Parameter]] = {}
        for tensor, (rate, _) in self._rated.items():
            column, whole = of.get(tensor, ((tensor,), tensor))
            if whole not in self._names:
                self._names[whole] = tuple(self._single[each] for each in column)
                rates.setdefault(rate, []).append(whole)
        self._parameters = tuple(self._names)
        groups = [{"params": tensors} if lr is None else {"params": tensors, "lr": lr} for lr, tensors in rates.items()]
        self._optimizer = _optimizer(self._how.optimizer, groups) if groups else None
        self._rates = [group["lr"] for group in self._groups() if "lr" in group]
        self._forget()

    def step(self, program: Program, batch: Batch, weights: Mapping[str, float], step: int, factor: float) -> Evaluated:
        self._start()
        evaluated = self._backward(program, batch, weights, step)
        self._move(factor)
        return detached(evaluated)

    def step_in_parts(
        self, program: Program, parts: Sequence[tuple[Batch, Mapping[str, float]]], step: int, factor: float
    ) -> Sequence[Mapping[str, Tensor]]:
        self._start()
        found = [detached(self._backward(program, batch, weights, step)).terms for batch, weights in parts]
        self._move(factor)
        return found

    def _start(self) -> None:
        self._forget()
        self._keep()

    def _backward(self, program: Program, batch: Batch, weights: Mapping[str, float], step: int) -> Evaluated:
        """The loss at a batch, and its gradients added to what parameters have."""
        with torch.enable_grad(), self._precision(), self._maps.kept.in_use():
            evaluated = program(batch, weights, step, training=True)
        evaluated.total.backward()
        return evaluated

    def _precision(self) -> Any:
        if self._how.precision is None:
            return nullcontext()
        return torch.autocast(self._maps.device.type, getattr(torch, self._how.precision))

    def _move(self, factor: float) -> None:
        """The update, after which no parameter has a gradient."""
        if self._columns:
            self._maps.kept.collect()
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

    def _keep(self) -> None:
        """Sees to it that what this trainer stacked still holds the parameters."""
        maps = self._maps
        if maps.kept.is_of(self):
            maps.kept.check()
            return
        if not self._columns:
            maps.kept.take((), self)
            return
        # Another trainer, or the end of a session, gave the parameters memory of their own.
        state = self.state()
        self._begin(self._columns if maps.in_session else ())
        self.load_state(state)

    def state(self) -> dict[str, np.ndarray]:
        return dict(_flat(self._optimizer, self._names)) if self._optimizer is not None else {}

    def load_state(self, state: Mapping[str, np.ndarray]) -> None:
        if self._optimizer is None:
            return
        entries = _entries(state)
        one = [column for column in self._columns if _is_one([entries.get(self._single[t], {}) for t in column])]
        if len(one) < len(self._columns):
            self._begin(one)  # after an edit, what is new counts its steps apart from what stayed
        places = {name: i for i, names in enumerate(self._in_order()) for name in names}
        unknown = next((name for name in entries if name not in places), None)
        if unknown is not None:
            raise DiagramError(f"the optimizer's state names the parameter `{unknown}`, which does not move here")
        whole = self._optimizer.state_dict()
        whole["state"] = {
            i: found
            for i, names in enumerate(self._in_order())
            if (found := _nested([entries.get(name, {}) for name in names]))
        }
        self._optimizer.load_state_dict(whole)

    def carry_state(self, state: Mapping[str, np.ndarray], origins: Mapping[str, str]) -> None:
        entries = _entries(state)
        carried = {
            f"{name}:{entry}": value
            for names in self._in_order()
            for name in names
            for entry, value in entries.get(origins.get(name, ""), {}).items()
        }
        self.load_state(carried)

    def _groups(self) -> list[dict[str, Any]]:
        return self._optimizer.param_groups if self._optimizer is not None else []

    def _in_order(self) -> list[tuple[str, ...]]:
        """The parameters' names as the optimizer counts them, several where they are stacked."""
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


def _flat(
    optimizer: torch.optim.Optimizer, names: Mapping[Tensor, tuple[str, ...]]
) -> Iterator[tuple[str, np.ndarray]]:
    for parameter, entries in optimizer.state.items():
        stacked = len(names[parameter]) > 1
        for row, name in enumerate(names[parameter]):
            for entry, value in entries.items():
                key = f"{name}:{entry}"
                if isinstance(value, Tensor):
                    own = value[row] if stacked and value.shape == parameter.shape else value
                    yield key, own.detach().cpu().numpy().copy()
                elif type(value).__name__ in _NUMBERS:
                    yield f"{key}:{type(value).__name__}", np.asarray(value)
                elif value is not None:
                    kind = type(value).__name__
                    raise DiagramError(
                        f"a checkpoint holds arrays, and {type(optimizer).__name__} keeps a {kind} as {key}"
                    )


def _entries(state: Mapping[str, np.ndarray]) -> dict[str, dict[str, np.ndarray]]:
    """A flat state by parameter."""
    found: dict[str, dict[str, np.ndarray]] = {}
    for key, value in state.items():
        parameter, _, entry = key.partition(":")
        found.setdefault(parameter, {})[entry] = np.asarray(value)
    return found


def _is_one(entries: Sequence[Mapping[str, np.ndarray]]) -> bool:
    """Whether the states of some parameters can be that of one: they count the same."""
    first = entries[0]
    return all(
        each.keys() == first.keys()
        and all(value.shape == first[key].shape and (value.ndim or value == first[key]) for key, value in each.items())
        for each in entries
    )


def _nested(entries: Sequence[Mapping[str, np.ndarray]]) -> dict[str, Any]:
    """The state of a parameter, or of several that are stacked, as torch has it."""
    found: dict[str, Any] = {}
    for key, value in entries[0].items():
        entry, *kind = key.split(":")
        if len(entries) > 1 and value.ndim:
            value = np.stack([each[key] for each in entries])
        found[entry] = _NUMBERS[kind[0]](value[()]) if kind else torch.from_numpy(value.copy())
    return found
