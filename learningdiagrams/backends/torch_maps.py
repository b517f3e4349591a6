"""What realises a generator on PyTorch: modules used in place, functions of tensors, built-in layers."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from learningdiagrams.backends.layers import initial
from learningdiagrams.backends.layers_torch import torch_module
from learningdiagrams.backends.roles import check_roles, check_trainable
from learningdiagrams.diagram import Diagram
from learningdiagrams.errors import DiagramError
from learningdiagrams.layers import Layer

__all__ = ["Map", "Modes", "average_of", "check_parameters", "realise"]

CAN_BE: Final = "a map is a torch.nn.Module, a function of tensors, or a layer such as ld.layers.mlp(64, 10)"

LAZY: Final = "`{name}`: its parameter {parameter} has no shape yet; call the module once on a batch before"


class Map:
    """A generator's map.

    Attributes:
        call: the function of tensors.
        module: what holds its numbers, or None for a function.
        parameters: by the module's own names, each once.
    """

    __slots__ = ("_places", "call", "module", "parameters")

    def __init__(self, call: Callable[..., Any], module: nn.Module | None) -> None:
        self.call = call
        self.module: Any | None = module
        self._places: list[tuple[dict[str, Any], str]] | None = None
        self.parameters: dict[str, nn.Parameter] = dict(module.named_parameters()) if module is not None else {}

    def buffers(self) -> dict[str, Tensor]:
        """The buffers that the module saves, as they are now: it may have put another tensor in a place."""
        if self.module is None:
            return {}
        saved = self.module.state_dict(keep_vars=True)
        return {name: buffer for name, buffer in self.module.named_buffers() if name in saved}

    def tensors(self) -> Iterator[Tensor]:
        """Everything that the module holds: parameters, and buffers also where it does not save them."""
        if self._places is None:  # a walk through a module takes longer than many a layer
            parts = () if self.module is None else tuple(self.module.modules())
            tables = [part._parameters for part in parts] + [part._buffers for part in parts]
            self._places = [(table, name) for table in tables for name in table]
        found = (table.get(name) for table, name in self._places)
        yield from dict.fromkeys(tensor for tensor in found if tensor is not None)


def realise(name: str, given: Any, *, seed: int, dtype: torch.dtype, device: torch.device | None) -> Map:
    """The map that an object stands for; a module whose numbers are of another kind is converted in place.

    Raises:
        DiagramError: the object is no map on PyTorch, or a module that is not ready, saying what is.
    """
    if isinstance(given, Layer):
        parameters, buffers = initial(given, seed=seed, name=name, dtype=str(dtype).removeprefix("torch."))
        given = torch_module(given, {**parameters, **buffers})
    # A module's own method is that module called another way: its parameters count.
    module = given.__self__ if inspect.ismethod(given) else given
    if not isinstance(module, nn.Module):
        _check_function(name, given)
        return Map(given, None)
    for parameter, tensor in module.named_parameters():
        if is_lazy(tensor):
            raise DiagramError(LAZY.format(name=name, parameter=parameter), name)
    _convert(module, dtype, device)
    return Map(given, module)


def _check_function(name: str, given: Any) -> None:
    kind = type(given).__name__
    if isinstance(given, type):
        if issubclass(given, nn.Module):
            raise DiagramError(f"`{name}`: {given.__name__} is a class; give a module, {given.__name__}(…)", name)
        raise DiagramError(f"`{name}`: the class {given.__name__} is no map; {CAN_BE}", name)
    library = type(given).__module__.partition(".")[0]
    if library in ("equinox", "flax", "jax", "jaxlib"):
        raise DiagramError(
            f'`{name}`: a {kind} of {library} runs on jax; compile with backend="jax", or give a torch one',
            name,
        )
    if isinstance(given, Tensor):
        raise DiagramError(f"`{name}`: a tensor is no map; {CAN_BE}", name)
    if not callable(given):
        raise DiagramError(f"`{name}`: a value of type {kind} is no map; {CAN_BE}", name)


def _convert(module: nn.Module, dtype: torch.dtype, device: torch.device | None) -> None:
    """Brings a module's real numbers to the compiled kind and device, in place, where they are not."""
    tensors = [*module.parameters(), *module.buffers()]
    if any(tensor.is_floating_point() and tensor.dtype != dtype for tensor in tensors):
        module.to(dtype)
    if device is not None and any(tensor.device != device for tensor in tensors):
        module.to(device)


def average_of(name: str, followed: Map) -> Map:
    """A map that starts as a copy of the one it follows, receives no gradient, and always evaluates."""
    if followed.module is None:
        return followed
    try:
        copied = copy.deepcopy(followed.module)
    except Exception as error:
        raise DiagramError(f"`{name}`: the module it follows cannot be copied: {error}", name) from error
    copied.requires_grad_(False).eval()
    bound = inspect.ismethod(followed.call)
    return Map(getattr(copied, followed.call.__name__) if bound else copied, copied)


def check_parameters(diagram: Diagram, maps: Mapping[str, Map]) -> None:
    """Raises where a map's parameters do not fit its role.

    Two parameters that start at one place of memory are one.
    """
    check_roles(
        diagram,
        {
            name: {key: tensor.data_ptr() or id(tensor) for key, tensor in made.parameters.items()}
            for name, made in maps.items()
        },
    )
    check_trainable(
        diagram, {name: [tensor.requires_grad for tensor in made.parameters.values()] for name, made in maps.items()}
    )


class Modes:
    """Which modules train and which evaluate, and the flags of all their parts.

    Outside a session every call puts the flags back; in a session they stay as the last call wanted them. A
    module's own `train` is called where it has one, since it may do more than set flags; the flags of all
    others are set directly, which takes a tenth of the time.
    """

    def __init__(self, trained: Iterable[nn.Module], evaluated: Iterable[nn.Module]) -> None:
        self._trained = _distinct(trained)
        self._evaluated = _distinct(evaluated)
        self._parts = _distinct(part for root in (*self._evaluated, *self._trained) for part in root.modules())
        self._own = [part for part in self._parts if _has_its_own_way(part)]
        self._wanted: dict[bool, list[bool]] = {}
        self._sessions = 0

    def set(self, training: bool) -> None:
        """Models to training mode or not, everything else to evaluation."""
        if self._own or training not in self._wanted:
            for module in self._evaluated:
                module.eval()
            for module in self._trained:
                module.train(training)
            self._wanted[training] = self._flags()
        else:
            self._put(self._wanted[training])

    def enter(self, training: bool) -> list[bool] | None:
        """Sets the mode for one call; what it returns is for :meth:`leave`."""
        flags = self._flags()
        if flags == self._wanted.get(training):
            return None
        self.set(training)
        return None if self._sessions else flags

    def leave(self, flags: list[bool] | None) -> None:
        """Puts the flags back as they were before `enter`."""
        if flags is None:
            return
        if self._own:
            before = dict(zip(self._parts, flags, strict=True))
            for part in self._own:
                if part.training is not before[part]:
                    part.train(before[part])
        self._put(flags)

    def begin(self) -> list[bool]:
        """Starts a session; what it returns is for :meth:`end`."""
        self._wanted.clear()  # a module's own `train` may have changed its mind since
        self._sessions += 1
        return self._flags()

    def end(self, flags: list[bool]) -> None:
        """Ends the session and puts the flags back."""
        self._sessions -= 1
        self.leave(flags)

    def _flags(self) -> list[bool]:
        return [part.training for part in self._parts]

    def _put(self, flags: list[bool]) -> None:
        for part, flag in zip(self._parts, flags, strict=True):
            if "training" in part.__dict__:
                part.__dict__["training"] = flag  # what assignment comes to, without its search among parameters
            else:
                part.training = flag


def _has_its_own_way(part: nn.Module) -> bool:
    return type(part).train is not nn.Module.train or type(part).eval is not nn.Module.eval


def _distinct(modules: Iterable[nn.Module]) -> Sequence[nn.Module]:
    return tuple(dict.fromkeys(modules))
