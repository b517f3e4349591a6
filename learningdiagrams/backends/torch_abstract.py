"""What a map of PyTorch gives, without computing: its outputs' shapes and kinds on fake tensors.

A fake tensor has a shape and no numbers, so that a forward pass costs the Python of the module alone, some
milliseconds; maps of one architecture are evaluated once.
"""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Hashable, Iterator, Sequence
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from learningdiagrams.backends.checks import BATCH, LOST, REFUSED, one_line
from learningdiagrams.backends.straight_line import checked
from learningdiagrams.backends.torch_maps import Map
from learningdiagrams.errors import DiagramError
from learningdiagrams.shapes import Abstract

__all__ = ["Evaluator"]


class Evaluator:
    """Abstract evaluation on one device, in one precision, remembered by architecture."""

    def __init__(self, dtype: torch.dtype, device: torch.device) -> None:
        self._kinds = {"float": dtype, "int": torch.int64, "bool": torch.bool}
        self._device = device
        self._known: dict[Hashable, tuple[Abstract, ...] | str | None] = {}
        """What came out, or the error's text."""

    def __call__(
        self, made: Map, name: str, ends: str, outputs: int, arguments: Sequence[Abstract]
    ) -> tuple[Abstract, ...] | None:
        """The types of a map's outputs; None where the map looks at its numbers.

        Raises:
            DiagramError: the map refuses such arguments, gives something else than `outputs` values, or loses
                the batch.
        """
        key = (*architecture(made), outputs, tuple(arguments))
        if key not in self._known:
            try:
                self._known[key] = self._evaluate(made, name, ends, outputs, arguments)
            except DiagramError as error:
                self._known[key] = str(error)
        found = self._known[key]
        if isinstance(found, str):
            raise DiagramError(found)
        return found

    def _evaluate(
        self, made: Map, name: str, ends: str, outputs: int, arguments: Sequence[Abstract]
    ) -> tuple[Abstract, ...] | None:
        with _left_as_it_was(made.module), torch.no_grad(), warnings.catch_warnings(), _unlogged():
            warnings.simplefilter("ignore")
            try:
                with FakeTensorMode(allow_non_fake_inputs=True):
                    value = made.call(*self._arguments(arguments, BATCH))
            except Exception:
                # It may refuse its arguments, or only the lack of numbers: with numbers it says which, and in
                # its own words.
                with torch.random.fork_rng(devices=[]):
                    try:
                        made.call(*self._arguments(arguments, 2))
                    except Exception as error:
                        given = " and ".join(map(str, arguments)) or "no argument"
                        raise DiagramError(REFUSED.format(arguments=given, reason=one_line(error))) from error
                return None
        values = checked(name, ends, outputs, value, lambda x: isinstance(x, Tensor))
        values = (values,) if outputs == 1 else values
        return tuple(self._type(each, arguments) for each in values)

    def _arguments(self, arguments: Sequence[Abstract], batch: int) -> list[Tensor]:
        return [
            torch.zeros((batch, *argument.shape), dtype=self._kinds[argument.dtype], device=self._device)
            for argument in arguments
        ]

    def _type(self, value: Tensor, arguments: Sequence[Abstract]) -> Abstract:
        dtype = value.dtype
        kind = "float" if dtype.is_floating_point else "bool" if dtype is torch.bool else "int"
        shape = tuple(value.shape)
        if not arguments:
            return Abstract(shape, kind)
        if shape[:1] != (BATCH,):
            given = " and ".join(map(str, arguments))
            raise DiagramError(LOST.format(batch=BATCH, arguments=given, shape=shape))
        return Abstract(shape[1:], kind)


def architecture(made: Map) -> tuple[Hashable, ...]:
    """What decides a map's shapes: its parts' classes, their plain attributes, the shapes of their numbers.

    Attributes that are no plain values are told apart by identity, so that a doubt costs an evaluation and
    never gives a wrong shape.
    """
    if made.module is None:
        return (id(made.call),)
    called = "" if made.call is made.module else made.call.__name__
    return (called, *(_part(name, part) for name, part in made.module.named_modules()))


def _part(name: str, part: nn.Module) -> Hashable:
    numbers = [*part._parameters.items(), *part._buffers.items()]
    shapes = tuple((key, None if x is None else (tuple(x.shape), x.dtype)) for key, x in numbers)
    attributes = tuple((key, _plain(value)) for key, value in vars(part).items() if key not in _OWN)
    hooks = tuple(map(id, (*part._forward_pre_hooks.values(), *part._forward_hooks.values())))
    return name, type(part), shapes, attributes, hooks


_OWN: Final = frozenset(vars(nn.Module()))
"""What every module holds, its parts and numbers among it, which are looked at by themselves."""


def _plain(value: Any) -> Hashable:
    if value is None or isinstance(value, bool | int | float | str | torch.dtype):
        return type(value), value
    if isinstance(value, tuple | list):
        return type(value), tuple(map(_plain, value))
    return type(value), id(value)


@contextlib.contextmanager
def _unlogged() -> Iterator[None]:
    """A region in which fake tensors log nothing: a map that refuses its arguments is an error of ours, in one line."""
    logger = logging.getLogger("torch._subclasses.fake_tensor")
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before


@contextlib.contextmanager
def _left_as_it_was(module: nn.Module | None) -> Iterator[None]:
    """A region in which a module evaluates, and after which all its attributes are what they were.

    A forward pass on fake tensors may leave some in the module: a buffer that it puts anew, a value that it
    remembers.
    """
    if module is None:
        yield
        return
    tables: list[dict[str, Any]] = [
        table
        for part in module.modules()
        if not isinstance(part, torch.jit.ScriptModule)  # whose attributes are not Python's
        for table in (vars(part), part._parameters, part._buffers)
    ]
    kept = [(table, dict(table)) for table in tables]
    module.eval()
    try:
        yield
    finally:
        for table, entries in kept:
            table.clear()
            table.update(entries)
