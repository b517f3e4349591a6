"""The door of the backend: what `compile` makes of a diagram on SymPy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import sympy

from learningdiagrams.backends.base import Evaluated
from learningdiagrams.backends.checks import check_numbers
from learningdiagrams.backends.layers import initial
from learningdiagrams.backends.sympy.deciding import Counterexample, Decisions, decide
from learningdiagrams.backends.sympy.maps import SympyMaps
from learningdiagrams.backends.sympy.program import SympyProgram, batch_values
from learningdiagrams.backends.sympy.sides import Inputs, evaluated, generators_of, unrealised
from learningdiagrams.backends.sympy.solving import Solution, Solutions, solve
from learningdiagrams.backends.sympy.values import Array, Expr, Symbol, as_array, as_value, entries, exact, filled
from learningdiagrams.data import host
from learningdiagrams.diagram import Diagram
from learningdiagrams.errors import DiagramError
from learningdiagrams.theory.morphisms import Morphism

__all__ = [
    "Counterexample",
    "Decisions",
    "Solution",
    "Solutions",
    "SympyBackend",
    "SympyMaps",
    "SympyProgram",
    "applied",
    "as_value",
    "batch_values",
    "decide",
    "latex_of",
    "numbers_of",
    "solve",
    "symbolic_batch",
]


class SympyBackend:
    """SymPy, as in `compile(backend="sympy")`."""

    name = "sympy"

    def maps(self, diagram: Diagram, realisations: Mapping[str, Any]) -> SympyMaps:
        """The maps of a diagram, with symbols for their parameters.

        Args:
            realisations: functions of SymPy expressions, or layers of :mod:`learningdiagrams.layers`.

        Raises:
            DiagramError: an object that is no map here, a shape that does not fit, a parameter that a frozen and a
                trained map hold together; naming the generator.
        """
        return SympyMaps(diagram, realisations)


def symbolic_batch(maps: SympyMaps, rows: int) -> dict[str, Any]:
    """A batch of symbols for all data and noise."""
    if not isinstance(rows, int) or isinstance(rows, bool) or rows < 1:
        raise DiagramError(f"rows are a whole number ≥ 1, not {rows!r}")
    names, batch = maps.names.apart(), {}
    for name, role in maps.diagram.roles.items():
        if role not in ("data", "noise"):
            continue
        sorts = [sort.name for sort in maps.diagram.generators[name].cod.factors]
        parts = []
        for sort in sorts:
            label = name if len(sorts) == 1 else f"{name}_{sort}"
            shape = maps.shapes[sort]
            made = names.fresh(label, shape if rows == 1 else (rows, *shape))
            parts.append(made.reshape((rows, *shape)))
        batch[name] = parts[0] if len(parts) == 1 else tuple(parts)
    return batch


def applied(maps: SympyMaps, morphism: Morphism, arguments: Sequence[Any]) -> Any:
    """The value of a morphism at values, at a batch of them, or at symbols where nothing is given."""
    missing = unrealised(maps, morphism)
    if missing:
        raise DiagramError(f"`{morphism}`: `{missing[0]}` has no realisation; compile with maps={{{missing[0]!r}: …}}")
    given = _given(maps, morphism, arguments)
    batched = {key: [_has_rows(maps, key, morphism, part) for part in value] for key, value in given.items()}
    if not any(flag for flags in batched.values() for flag in flags):
        outputs = evaluated(maps, morphism, Inputs(maps, dict(given)))
        values = tuple(as_value(maps.names.outward(output)) for output in outputs)
        return values[0] if len(values) == 1 else values
    counts = {part.shape[0] for value in given.values() for part in value if part.shape}
    if len(counts) != 1 or not all(flag for flags in batched.values() for flag in flags):
        raise DiagramError(f"`{morphism}` takes values, or batches of one length, and not some of both")
    rows = [
        evaluated(
            maps,
            morphism,
            Inputs(maps, {k: tuple(p[i : i + 1].reshape(p.shape[1:]) for p in v) for k, v in given.items()}),
        )
        for i in range(counts.pop())
    ]
    stacked = tuple(maps.names.outward(np.stack(parts)) for parts in zip(*rows, strict=True))
    return stacked[0] if len(stacked) == 1 else stacked


def _given(maps: SympyMaps, morphism: Morphism, arguments: Sequence[Any]) -> dict[str | int, tuple[Array, ...]]:
    """The arguments as arrays, by data or position."""
    roles = maps.diagram.roles
    if morphism.dom in maps.diagram.sample_objects:
        wanted: list[str | int] = [n for n in generators_of(morphism) if roles[n] in ("data", "noise")]
        what = f"values for {', '.join(map(str, wanted))}"
        if len(arguments) == 1 and isinstance(arguments[0], Mapping):
            unknown = [name for name in arguments[0] if name not in wanted and roles.get(name) not in ("data", "noise")]
            if unknown:
                raise DiagramError(f"`{morphism}` takes {what}, and there is no data generator `{unknown[0]}`")
            lacking = [name for name in wanted if name not in arguments[0]]
            if lacking:
                raise DiagramError(f"`{morphism}` takes {what}, and `{lacking[0]}` is missing")
            arguments = [arguments[0][name] for name in wanted]
    else:
        wanted = list(range(len(morphism.dom.factors)))
        what = f"one value for each factor of {morphism.dom}"
    if not arguments:
        return {}
    if len(arguments) != len(wanted):
        raise DiagramError(f"`{morphism}` takes {what}: {len(wanted)} in all, {len(arguments)} given")
    found: dict[str | int, tuple[Array, ...]] = {}
    for key, value in zip(wanted, arguments, strict=True):
        sorts = _sorts(maps, key, morphism)
        parts = value if len(sorts) > 1 else (value,)
        if not isinstance(parts, tuple | list) or len(parts) != len(sorts):
            raise DiagramError(f"`{morphism}`: {key} takes a tuple of {len(sorts)} values")
        found[key] = tuple(_array(maps, part, sort) for part, sort in zip(parts, sorts, strict=True))
    return found


def _sorts(maps: SympyMaps, key: str | int, morphism: Morphism) -> list[str]:
    if isinstance(key, int):
        return [morphism.dom.factors[key].name]
    return [sort.name for sort in maps.diagram.generators[key].cod.factors]


def _array(maps: SympyMaps, value: Any, sort: str) -> Array:
    known = isinstance(value, Expr | sympy.MatrixBase | sympy.NDimArray | list | tuple | int | float)
    array = as_array(value if known else host(value), maps.shapes[sort])
    inside = filled(map(maps.names.inward, entries(array)), array.shape)
    shape = maps.shapes[sort]
    if inside.ndim > len(shape):
        return inside[:, 0] if shape == () and inside.shape[1:] == (1,) else inside
    return maps.shapes.fitted(sort, inside)


def _has_rows(maps: SympyMaps, key: str | int, morphism: Morphism, part: np.ndarray) -> bool:
    sorts = _sorts(maps, key, morphism)
    return part.ndim > len(maps.shapes[sorts[0]])


def numbers_of(
    maps: SympyMaps, parameters: Mapping[str, Mapping[str, Any]] | None, seed: int, dtype: str
) -> dict[Symbol, Expr]:
    """{symbol: number} of parameters, by default the first numbers of layers."""
    if parameters is None:
        layers = {name: layer for name in maps.parameters if (layer := maps.layer(name)) is not None}
        parameters = {n: initial(layer, seed=seed, name=n, dtype=dtype)[0] for n, layer in layers.items()}
    given = {n: {entry: host(value) for entry, value in table.items()} for n, table in parameters.items()}
    check_numbers(
        "parameter", given, {n: {e: array.shape for e, array in table.items()} for n, table in maps.parameters.items()}
    )
    return {
        maps.names.given(symbol): exact(number)  # type: ignore[arg-type]  # parameters are symbols
        for name, table in given.items()
        for entry, value in table.items()
        for symbol, number in zip(entries(maps.parameters[name][entry]), value.reshape(-1), strict=True)
    }


def latex_of(loss: Evaluated, weights: Mapping[str, float]) -> str:
    """A loss as a LaTeX `aligned` environment, one goal a line."""
    lines = []
    for name, term in loss.terms.items():
        weight = exact(weights[name])
        factor = "" if weight == 1 else f"{sympy.latex(weight)}\\, "
        body = sympy.latex(term)
        body = f"\\left({body}\\right)" if factor and isinstance(term, sympy.Add) else body
        lines.append(f"{factor}{body} && \\text{{{name.replace('_', chr(92) + '_')}}}")
    body = " \\\\\n{}+& ".join(lines) or "0"
    return "\\begin{aligned}\nL ={}& " + body + "\n\\end{aligned}"
