"""A plan on PyTorch: the loss at a batch, and the gradient field."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.func import functional_call

from learningdiagrams.backends import comparators
from learningdiagrams.backends.base import Batch, Evaluated, Optimisation, Parameters, Program
from learningdiagrams.backends.straight_line import straight_line
from learningdiagrams.backends.torch_maps import Map
from learningdiagrams.backends.torch_ops import TorchOps
from learningdiagrams.backends.torch_variants import Called, Variants
from learningdiagrams.batching import Comparisons, Table
from learningdiagrams.errors import DiagramError
from learningdiagrams.losses import Comparator, cross_entropy
from learningdiagrams.plan import Apply, Compare, Plan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from learningdiagrams.backends.torch import TorchBackend, TorchMaps
    from learningdiagrams.backends.torch_training import TorchTrainer

__all__ = ["Operations", "TorchProgram"]


class TorchProgram(Program):
    """A plan as straight-line Python that calls the modules themselves."""

    def __init__(self, maps: TorchMaps, plan: Plan) -> None:
        self.plan = plan
        self.maps = maps
        # A tracer sees the plan as it is, and fuses for itself.
        self.table: Table = maps.table(plan)
        self._names = tuple(each.name for each in plan.compares)
        self._vectors: dict[str, tuple[tuple[Any, ...], Tensor]] = {}
        self._operations = self._made_for(self.table)
        self._eager = self._run = straight_line(plan, self._operations, self.table)
        if maps.backend.torch_compile is not None and plan.moved:
            # Only what trains: compiling takes longer than looking at a value a few times.
            self._run = torch.compile(self._run, **maps.backend.torch_compile)

    def _made_for(self, table: Table) -> Operations:
        """The operations that a table wants."""
        if not table.joints:
            made = Operations(self.maps.map, self.maps.backend, self.plan)
        else:
            from learningdiagrams.backends.torch_joint import TorchJoint

            made = TorchJoint(self.maps, self.plan)
        made.recompute = self.maps.recompute
        return made

    def __call__(self, batch: Batch, weights: Mapping[str, float], step: int = 0, training: bool = False) -> Evaluated:
        values, _ = self._computed(batch, training)
        terms: dict[str, Tensor] = {}
        total: Tensor | None = None
        for compare, value in zip(self.table.compares, values, strict=True):
            part = self._weighted(compare, value, weights, terms)
            if part is not None:
                total = part if total is None else total + part
        if self.table.joints:
            terms = {name: terms[name] for name in self._names}
        if total is None:
            total = torch.zeros((), dtype=self.maps.tensor_dtype, device=self.maps.device)
        if not total.requires_grad and torch.is_grad_enabled():
            # Goals that move nothing: `total.backward()` then does nothing, rather than to fail.
            total = total.detach().requires_grad_()
        return Evaluated(total, terms)

    def _weighted(
        self, compare: Compare | Comparisons, value: Any, weights: Mapping[str, float], terms: dict[str, Tensor]
    ) -> Tensor | None:
        """What a comparison, or several, are of the total; their values are put among the terms."""
        if isinstance(compare, Compare):
            terms[compare.name] = value
            weight = weights.get(compare.name)
            return None if weight is None else value if weight == 1 else value * float(weight)
        names = [part.name for part in compare.parts]
        given = [weights.get(name) for name in names]
        if isinstance(value, Tensor):
            terms.update(zip(names, value.unbind(0), strict=True))
            if all(weight == 1 for weight in given):
                return value.sum()
            if None not in given:
                return value @ self._vector(compare, tuple(given), value)
        else:
            terms.update(zip(names, value, strict=True))
        parts = [terms[name] * float(weight) for name, weight in zip(names, given, strict=True) if weight is not None]
        return torch.stack(parts).sum() if parts else None

    def _vector(self, compare: Comparisons, weights: tuple[Any, ...], like: Tensor) -> Tensor:
        """Weights as a tensor, made when they change."""
        before = self._vectors.get(compare.parts[0].name)
        if before is None or before[0] != weights:
            before = self._vectors[compare.parts[0].name] = (weights, like.new_tensor(weights))
        return before[1]

    def outputs(self, batch: Batch) -> tuple[Tensor, ...]:
        with torch.no_grad():
            # Copies: a value may be a parameter, which training changes.
            return tuple(value.detach().clone() for value in self._computed(batch, training=False)[1])

    def value_and_grad(
        self, batch: Batch, weights: Mapping[str, float], step: int = 0, training: bool = False
    ) -> tuple[Evaluated, Parameters]:
        with torch.enable_grad():
            evaluated = self(batch, weights, step, training)
        trained = self.maps.trained
        found: dict[Tensor, Tensor | None] = {}
        tensors = [tensor for tensor in trained if tensor.requires_grad]
        if tensors:
            gradients = torch.autograd.grad(evaluated.total, tensors, allow_unused=True)
            found = dict(zip(tensors, gradients, strict=True))
        field: Parameters = {}
        for name in self.maps.models:
            field[name] = {}
            for parameter, tensor in self.maps.map(name).parameters.items():
                gradient = found.get(tensor)
                field[name][parameter] = torch.zeros_like(tensor) if gradient is None else gradient
        return detached(evaluated), field

    def trainer(self, how: Optimisation, moved: Sequence[str]) -> TorchTrainer:
        from learningdiagrams.backends.torch_joint import columns_of
        from learningdiagrams.backends.torch_training import TorchTrainer

        return TorchTrainer(self.maps, how, moved, columns_of(self.table, self.maps))

    def _bundle(self, values: list[Any]) -> Any:
        """Values of the batch as one; on the host in one go, where they all are NumPy's and of one shape."""
        first = values[0]
        if type(first) is np.ndarray and first.ndim:
            kind = first.shape, first.dtype
            if all(type(value) is np.ndarray and (value.shape, value.dtype) == kind for value in values):
                return self.maps.array(np.concatenate(values).reshape(len(values), *first.shape))
        return self._operations.gather(tuple(map(self.maps.array, values)))  # type: ignore[attr-defined]  # a TorchJoint

    def _computed(self, batch: Batch, training: bool) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """The terms and the outputs at a batch, in the mode wanted."""
        maps = self.maps
        try:
            arrays = {
                name: maps.array(batch[name]) if isinstance(name, str) else self._bundle([batch[each] for each in name])
                for name in self.table.inputs
            }
        except KeyError as missing:
            raise DiagramError(f"the batch lacks `{missing.args[0]}`") from None
        flags = maps.modes.enter(training)
        try:
            return self._run(arrays, None)
        except Exception:
            if self._run is not self._eager:
                self._eager(arrays, None)  # which says in which map it was
            raise
        finally:
            maps.modes.leave(flags)


def detached(evaluated: Evaluated) -> Evaluated:
    """The same numbers without the graph that made them."""
    return Evaluated(evaluated.total.detach(), {name: term.detach() for name, term in evaluated.terms.items()})


class Operations:
    """The operations of a plan's straight-line code on tensors, with the map of each generator; there is no state."""

    def __init__(self, find: Callable[[str], Map], backend: TorchBackend, plan: Plan) -> None:
        self._find = find
        self._traced = backend.torch_compile is not None
        self._variants = Variants(plan, self._traced)
        self._ops = TorchOps()
        self.recompute: frozenset[str] = frozenset()

    def apply(self, step: Apply) -> Callable[..., Any]:
        made = self._find(step.generator)
        return self._variants(step, made, self._application(step, made))

    def _application(self, step: Apply, made: Map) -> Callable[..., Any]:
        call, parameters = made.call, tuple(made.parameters.values())

        def live(state: None, *arguments: Tensor) -> Any:
            return call(*arguments)

        def constant(state: None, *arguments: Tensor) -> Any:
            with torch.no_grad():
                value = call(*arguments)
            return _cut(value, where=True)

        def passing(state: None, *arguments: Tensor) -> Any:
            # What autograd records is decided during the call: the flags are down that long, and up again
            # whatever happens. A functional call would take much longer.
            lowered = [parameter for parameter in parameters if parameter.requires_grad]
            try:
                for parameter in lowered:
                    parameter.requires_grad = False
                return _cut(call(*arguments), where=False)
            finally:
                for parameter in lowered:
                    parameter.requires_grad = True

        if not (step.live or step.flows):
            return _compared(constant)
        if step.live or not parameters:
            found: Callable[..., Any] = live
        else:
            found = _traced(made) if self._traced else passing
        if step.generator in self.recompute and made.module is not None:
            from learningdiagrams.backends.torch_recompute import computed_again

            found = computed_again(made.module, found)
        return _compared(found)

    def lift(self, value: Tensor) -> Tensor:
        return value.unsqueeze(0)

    def expand(self, value: Tensor, like: Tensor) -> Tensor:
        return value.expand(like.shape[0], *value.shape[1:])

    def stop(self, value: Tensor) -> Tensor:
        return value.detach()

    def is_array(self, value: Any) -> bool:
        return isinstance(value, Tensor)

    def compare(self, compare: Compare, where: str) -> Callable[[Tensor, Tensor], Tensor]:
        by, ops = compare.by, self._ops
        kernel = ops.fused.get(type(by))
        read: tuple[Any, ...] | None = None

        def comparison(left: Tensor, right: Tensor) -> Tensor:
            nonlocal read
            kind = (left.shape, right.shape, left.dtype, right.dtype, left.device)
            if kernel is not None and kind == read:
                try:
                    return kernel(by, left, right)
                except IndexError:  # a class number out of range, of which `compare` says more
                    pass
            value = comparators.compare(ops, by, left, right, where=where)
            read = kind if _as_it_is(ops, by, left, right) else None
            return value

        return comparison


def _cut(value: Any, where: bool) -> Any:
    """What a map returned, detached where it says of itself that it requires a gradient, or that it does not.

    A parameter that is returned as it is, or a view of one, follows the parameter's flag whatever was
    recorded: without recording it says that it requires a gradient; with the flag down it says that it does
    not, and will again when the flag is up.
    """
    if isinstance(value, Tensor):
        return value.detach() if value.requires_grad is where else value
    if isinstance(value, tuple | list):
        return tuple(_cut(part, where) for part in value)
    return value


def _compared(application: Callable[..., Any]) -> Callable[..., Any]:
    """An application whose values are compared with all their digits, where maps compute with fewer."""

    def compared(state: None, *arguments: Tensor) -> Any:
        value = application(state, *arguments)
        return _whole(value) if torch.is_autocast_enabled("cpu") or torch.is_autocast_enabled("cuda") else value

    return compared


def _whole(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return tuple(map(_whole, value))
    return value.float() if isinstance(value, Tensor) and value.dtype == torch.bfloat16 else value


def _as_it_is(ops: TorchOps, by: Comparator, left: Tensor, right: Tensor) -> bool:
    """Whether sides that `compare` accepted go to the kernel as they are, and with them all of their kind."""
    if left.shape == right.shape:
        return left.dtype == right.dtype and left.is_floating_point()
    return isinstance(by, cross_entropy) and right.dtype == torch.int64 and ops.eager(right)


def _traced(made: Map) -> Callable[..., Any]:
    """A map's application with constant parameters, for a tracer, which follows no change of flags."""
    holder = Called(made.module, made.call)
    parameters = made.parameters

    def traced(state: None, *arguments: Tensor) -> Any:
        constants = {f"module.{name}": parameter.detach() for name, parameter in parameters.items()}
        return functional_call(holder, constants, arguments)

    return traced
