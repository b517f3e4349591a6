"""A plan on SymPy: the loss at a batch as an expression in the parameters, and its gradient field."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import sympy

from learningdiagrams.backends.base import Evaluated, Parameters
from learningdiagrams.backends.comparators import compare as distance
from learningdiagrams.backends.straight_line import straight_line
from learningdiagrams.backends.sympy.maps import SympyMaps
from learningdiagrams.backends.sympy.ops import SympyOps, exactly
from learningdiagrams.backends.sympy.values import Expr, Expressions, Symbol, as_array, entries, exact, filled, replaced
from learningdiagrams.data import as_batch, host
from learningdiagrams.errors import DiagramError
from learningdiagrams.plan import Apply, Compare, Plan

__all__ = ["SympyProgram", "batch_values"]


def batch_values(maps: SympyMaps, batch: Mapping[str, Any], *, where: str = "batch") -> dict[str, Any]:
    """A batch as arrays: expressions, or whole numbers where class numbers may be meant; checked.

    Args:
        batch: {data or noise generator: value}: arrays of any library, matrices, or lists of numbers and expressions.

    Raises:
        DiagramError: an unknown name, lengths that differ, another shape than declared.
    """
    if not isinstance(batch, Mapping):
        raise DiagramError(f"{where}: a batch is a dictionary of values by the names of the data generators")
    made = {name: _value(maps, value, f"{where}: `{name}`") for name, value in batch.items()}
    as_batch(maps.diagram, {name: _stand_in(value) for name, value in made.items()}, where=where)
    flat: dict[str, Any] = {}
    for name, value in made.items():
        flat.update(value if isinstance(value, dict) else {name: value})
    return {name: _rows(maps, name, value) for name, value in flat.items()}


def _value(maps: SympyMaps, value: Any, what: str) -> Any:
    if isinstance(value, Mapping):
        return {name: _value(maps, part, f"{what}: `{name}`") for name, part in value.items()}
    if isinstance(value, tuple):
        return tuple(_value(maps, part, what) for part in value)
    if isinstance(value, sympy.MatrixBase | sympy.NDimArray):
        value = np.array(value.tolist(), dtype=object)
    try:
        array = value if isinstance(value, np.ndarray) else host(value)
        if array.dtype.kind in "iub":
            return array
        array = as_array(array if array.dtype.kind in "fO" else value)
        return filled(map(maps.names.inward, entries(array)), array.shape)
    except (DiagramError, ValueError) as error:
        raise DiagramError(f"{what}: {error}") from None


def _stand_in(value: Any) -> Any:
    """Numbers of the same shape, for the checks that every batch goes through."""
    if isinstance(value, dict):
        return {name: _stand_in(part) for name, part in value.items()}
    if isinstance(value, tuple):
        return tuple(map(_stand_in, value))
    return value if value.dtype != object else np.broadcast_to(np.float64(0), value.shape)


class SympyProgram:
    """A plan, ready to compute on a diagram's maps.

    Attributes:
        plan: what it computes.
    """

    def __init__(self, maps: SympyMaps, plan: Plan) -> None:
        self.maps = maps
        self.plan = plan
        symbols = {s for table in maps.parameters.values() for array in table.values() for s in entries(array)}
        self._held = {symbol: sympy.Dummy(f"held_{symbol}", real=True) for symbol in symbols}
        self._values = straight_line(plan, _Operations(maps, {}))
        self._moving = straight_line(plan, _Operations(maps, self._held))

    def __call__(self, batch: Mapping[str, Any], weights: Mapping[str, float]) -> Evaluated:
        """The loss at a batch that holds every input of the plan; `total` is Σ weight · term."""
        terms, _ = self._values(_expressions(self.maps, batch), None)
        return self._evaluated(terms, weights)

    def value_and_grad(self, batch: Mapping[str, Any], weights: Mapping[str, float]) -> tuple[Evaluated, Parameters]:
        """The loss and the gradient field of the trained maps.

        Parameters that a term does not move stand as other symbols while it is differentiated.
        """
        terms, _ = self._moving(_expressions(self.maps, batch), None)
        free = {held: symbol for symbol, held in self._held.items()}
        total = self._evaluated(terms, weights).total
        gradients: Parameters = {}
        for name in self.maps.diagram.models:
            table = self.maps.parameters.get(name, {})
            gradients[name] = {
                entry: filled((sympy.diff(total, s).xreplace(free) for s in entries(array)), array.shape)
                for entry, array in table.items()
            }
        return self._evaluated([term.xreplace(free) for term in terms], weights), gradients

    def _evaluated(self, terms: Any, weights: Mapping[str, float]) -> Evaluated:
        named = {compare.name: exact(term) for compare, term in zip(self.plan.compares, terms, strict=True)}
        total = sympy.Add(*(exact(weights[name]) * term for name, term in named.items() if name in weights))
        return Evaluated(total, named)


def _expressions(maps: SympyMaps, batch: Mapping[str, Any]) -> dict[str, Any]:
    """The batch with drawn noise as expressions, too."""
    return {name: _rows(maps, name, _value(maps, value, f"`{name}`")) for name, value in batch.items()}


def _rows(maps: SympyMaps, name: str, value: Any) -> Any:
    """Rows of one number as numbers, where the object is not declared to hold rows."""
    sorts = [sort.name for sort in maps.diagram.generators[name].cod.factors]
    if isinstance(value, tuple):
        return tuple(_flat(maps, sort, part) for part, sort in zip(value, sorts, strict=True))
    return _flat(maps, sorts[0], value)


def _flat(maps: SympyMaps, sort: str, value: np.ndarray) -> np.ndarray:
    return value[:, 0] if value.ndim == 2 and value.shape[1] == 1 and maps.shapes[sort] == () else value


class _Operations:
    """What each step of a plan does, row by row; see `straight_line.Operations`.

    With `held`, parameters that a step does not move are replaced by what stands for them.
    """

    def __init__(self, maps: SympyMaps, held: Mapping[Symbol, Expr]) -> None:
        self.maps = maps
        self.held = held

    def apply(self, step: Apply) -> Callable[..., Any]:
        maps, name, held = self.maps, step.generator, {} if step.live else self.held

        def run(state: Any, *arguments: Any) -> Any:
            if not arguments:
                outputs: Any = maps.call(name, (), held)
            else:
                rows = [
                    maps.call(name, [argument[i : i + 1].reshape(argument.shape[1:]) for argument in arguments], held)
                    for i in range(arguments[0].shape[0])
                ]
                outputs = tuple(np.stack(parts).view(Expressions) for parts in zip(*rows, strict=True))
            return outputs if len(outputs) > 1 else outputs[0]

        return run

    def lift(self, value: np.ndarray) -> np.ndarray:
        return value[None]

    def expand(self, value: np.ndarray, like: np.ndarray) -> np.ndarray:
        return np.repeat(value, like.shape[0], axis=0)

    def stop(self, value: np.ndarray) -> np.ndarray:
        return replaced(value, self.held) if self.held and value.dtype == object else value

    def is_array(self, value: Any) -> bool:
        return isinstance(value, np.ndarray)

    def compare(self, compare: Compare, where: str) -> Callable[[Any, Any], Any]:
        ops, by = SympyOps(), exactly(compare.by)
        return lambda left, right: distance(ops, by, left, right, where=where)
