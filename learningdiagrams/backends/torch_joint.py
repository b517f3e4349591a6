"""Calls done together on PyTorch: one map on several batches, and stacked maps under `torch.func.vmap`."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import torch
from torch import Tensor, nn
from torch.func import functional_call

from learningdiagrams import losses
from learningdiagrams.backends import comparators
from learningdiagrams.backends.joint import LARGEST
from learningdiagrams.backends.torch_abstract import architecture
from learningdiagrams.backends.torch_kept import Column
from learningdiagrams.backends.torch_maps import Map
from learningdiagrams.backends.torch_ops import TorchOps
from learningdiagrams.backends.torch_program import Operations
from learningdiagrams.batching import Comparisons, Joint, Merged, Stacked, Table
from learningdiagrams.layers import Layer, gru, lstm, transformer_decoder
from learningdiagrams.plan import Plan
from learningdiagrams.stacking import Lone

if TYPE_CHECKING:
    from learningdiagrams.backends.torch import TorchMaps

__all__ = ["TorchJoint", "columns_of", "stacked_kind"]

FUNCTION: Final = "only modules have numbers to stack"
METHOD: Final = "it is a method of its module"
BARE: Final = "it has no numbers to stack"
LARGE: Final = "it has {count:,} numbers, and stacking copies them at every step"
ALONE: Final = "PyTorch runs its {part} one map at a time"
HOOKS: Final = "its hooks are to see every call"

_ALONE: Final = (gru, lstm, transformer_decoder)


def stacked_kind(made: Map, layer: Layer | None, reason: str | None) -> Hashable:
    """What maps have in common that are one call when stacked, or why there is nothing.

    Args:
        layer: of the library's own, from which the map was made. reason: why it does not take each row by itself.
    """
    module = made.module
    if module is None:
        return Lone(FUNCTION)
    if made.call is not module:
        return Lone(METHOD)
    if reason is not None:
        return Lone(reason)
    if any(part._forward_hooks or part._forward_pre_hooks or part._backward_hooks for part in module.modules()):
        return Lone(HOOKS)
    tensors = list(made.tensors())
    count = sum(tensor.numel() for tensor in tensors)
    if not count:
        return Lone(BARE)
    if count > LARGEST:
        return Lone(LARGE.format(count=count))
    alone = next((part for part in _layers(layer) if isinstance(part, _ALONE)), None)
    alone = alone or next((part for part in module.modules() if isinstance(part, nn.RNNBase)), None)
    if alone is not None:
        return Lone(ALONE.format(part=type(alone).__name__))
    flags = tuple((parameter.requires_grad, parameter.device) for parameter in made.parameters.values())
    return (layer if layer is not None else architecture(made)), flags


def _layers(layer: Layer | None) -> list[Layer]:
    found = [] if layer is None else [layer]
    for part in found:
        found += getattr(part, "parts", ())
    return found


class _Rows(TorchOps):
    """The operations of comparators on bundles: what is a number of one comparison is one for each of them."""

    fused: Mapping[type[losses.Comparator], Callable[[Any, Tensor, Tensor], Tensor]] = {}

    def mean(self, x: Tensor) -> Tensor:
        return x.flatten(1).mean(1)


_TOGETHER: Final = (
    losses.mse,
    losses.l1,
    losses.huber,
    losses.bce,
    losses.cross_entropy,
    losses.kl,
    losses.cosine,
    losses.accuracy,
    losses.top,
)
"""Comparators whose formula is a mean over rows and nothing else across the batch."""


class TorchJoint(Operations):
    """Operations for tables in which calls are done together."""

    def __init__(self, maps: TorchMaps, plan: Plan) -> None:
        super().__init__(maps.map, maps.backend, plan)
        self._kept = maps.kept

    def gather(self, values: tuple[Tensor, ...]) -> Any:
        first = values[0]
        if all(value is first for value in values):
            return first.expand(len(values), *first.shape)
        shape, dtype = first.shape, first.dtype
        if all(value.shape == shape and value.dtype == dtype for value in values):
            return torch.stack(values)
        return values

    def spread(self, bundle: Any) -> tuple[Tensor, ...]:
        return bundle if isinstance(bundle, tuple) else bundle.unbind(0)

    def joint(self, step: Joint) -> Callable[..., Any]:
        return self._merged(step) if isinstance(step, Merged) else self._stacked(step)

    def _merged(self, step: Joint) -> Callable[..., Any]:
        part = step.parts[0]
        call, count = self._application(part, self._find(part.generator)), len(step.parts)

        def merged(state: None, *bundles: Any) -> Any:
            if any(isinstance(bundle, tuple) for bundle in bundles):
                return _ragged(call, state, [self.spread(bundle) for bundle in bundles], len(step.outs))
            rows = bundles[0].shape[1]
            _check_ranks(bundles, 3)
            value = call(state, *(bundle.flatten(0, 1) for bundle in bundles))
            return _each(value, lambda whole: _rows_of(whole, count * rows).unflatten(0, (count, rows)), len(step.outs))

        return merged

    def _stacked(self, step: Joint) -> Callable[..., Any]:
        makers = [self._find(part.generator) for part in step.parts]
        module, count = makers[0].module, len(step.parts)
        assert module is not None
        columns = _columns(makers)
        identities = {name: tuple(map(id, column)) for name, column in columns.items()}
        kept = self._kept
        live, flows = step.parts[0].live, step.parts[0].flows
        modules = [made.module for made in makers if made.module is not None]
        buffered = any(True for _ in module.buffers())

        def call(parameters: dict[str, Tensor], buffers: dict[str, Tensor], *arguments: Tensor) -> Any:
            return functional_call(module, (parameters, buffers), arguments)

        batched = torch.vmap(call, in_dims=(0, 0, *(None if same else 0 for same in step.shared)))

        def stacked(state: None, *arguments: Tensor) -> Any:
            with torch.set_grad_enabled(torch.is_grad_enabled() and live):
                parameters = {
                    name: torch.stack(column) if (whole := kept.stack(identities[name])) is None else _as(whole, live)
                    for name, column in columns.items()
                }
            buffers = _buffers(modules) if buffered else {}
            with torch.set_grad_enabled(torch.is_grad_enabled() and (live or flows)):
                value = batched(parameters, buffers, *arguments)
            return _each(value, lambda whole: _rows_of(whole, count), len(step.outs))

        return stacked

    def compare_all(self, step: Comparisons) -> Callable[[Any, Any], Tensor] | None:
        by, ops, count = step.parts[0].by, _Rows(), len(step.parts)
        if not isinstance(by, _TOGETHER):
            return None

        def comparison(left: Tensor, right: Tensor) -> Tensor:
            left, right = (
                side.expand(count, *side.shape) if same else side
                for side, same in zip((left, right), step.shared, strict=True)
            )
            if by.rows and left.ndim < 3:
                raise ValueError("rows are wanted")
            return comparators.compare(ops, by, left, right, where="")

        return comparison


def columns_of(table: Table, maps: TorchMaps) -> list[Column]:
    """The parameters of maps that a table stacks and moves, each with those that are stacked with it."""
    return [
        column
        for joint in table.joints
        if isinstance(joint, Stacked) and joint.parts[0].live
        for column in _columns([maps.map(part.generator) for part in joint.parts]).values()
    ]


def _columns(makers: Sequence[Map]) -> dict[str, Column]:
    return {name: tuple(made.parameters[name] for made in makers) for name in makers[0].parameters}


def _as(whole: Tensor, live: bool) -> Tensor:
    return whole if live else whole.detach()


def _buffers(modules: list[nn.Module]) -> dict[str, Tensor]:
    found = [dict(module.named_buffers()) for module in modules]
    with torch.no_grad():
        return {name: torch.stack([buffers[name] for buffers in found]) for name in found[0]}


def _check_ranks(values: Any, least: int) -> None:
    """Refuses real numbers without an axis beside that of the batch, along which a map would read the batch."""
    if any(value.ndim < least and value.is_floating_point() for value in values):
        raise ValueError("values without an axis are not for one call")


def _ragged(call: Callable[..., Any], state: None, columns: list[tuple[Tensor, ...]], count: int) -> Any:
    """One call on batches of several sizes."""
    for column in columns:
        _check_ranks(column[:1], 2)
    sizes = [value.shape[0] for value in columns[0]]
    # `cat` would make one type of several.
    if any(len({(value.dtype, value.shape[1:]) for value in column}) > 1 for column in columns):
        raise ValueError("values of several shapes are not for one call")
    value = call(state, *map(torch.cat, columns))
    return _each(value, lambda whole: _rows_of(whole, sum(sizes)).split(sizes), count)


def _each(value: Any, of: Callable[[Tensor], Any], count: int) -> Any:
    """What becomes of a map's output, or of each of its `count` outputs."""
    if isinstance(value, Tensor) and count == 1:
        return of(value)
    if isinstance(value, tuple | list) and len(value) == count > 1:
        return tuple(map(of, value))
    raise ValueError("a map is to return what its codomain says")


def _rows_of(value: Any, count: int) -> Tensor:
    if not isinstance(value, Tensor) or value.ndim == 0 or value.shape[0] != count:
        raise ValueError("the first axis of a value is the batch")
    return value
