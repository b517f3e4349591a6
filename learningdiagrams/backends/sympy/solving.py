"""The parameters with which all goals hold: identically in the data, or on the data given.

A goal holds identically where the polynomial in data and variables that is the difference of its sides has no
coefficient left; so its coefficients are equations in the parameters, which `systems` solves over the reals.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import sympy
from sympy.polys.polyerrors import BasePolynomialError

from learningdiagrams.backends.checks import one_line
from learningdiagrams.backends.sympy.maps import SympyMaps
from learningdiagrams.backends.sympy.sides import Inputs, along, differences, evaluated, unrealised
from learningdiagrams.backends.sympy.systems import Case, solve_system
from learningdiagrams.backends.sympy.values import Expr, Expressions, Symbol, as_value, entries, filled, replaced
from learningdiagrams.backends.sympy.zero import vanishes
from learningdiagrams.declarations import Goal
from learningdiagrams.errors import DiagramError
from learningdiagrams.theory.errors import NotDecided

__all__ = ["Solution", "Solutions", "solve"]

SOLVED: Final = ("model", "map")
"""Roles of the maps whose parameters are unknowns: nothing says of a map without a role that it is given."""


@dataclass(frozen=True, eq=False)
class Solution(Mapping[Symbol, Expr]):
    """Parameters with which all goals hold: {symbol: its value by the free ones}; `subs` takes it as it is.

    Attributes:
        values: the same, as a dictionary; also `solution["name of a symbol"]`.
        free: the trained parameters that may be any number.
        excluded: polynomials of free parameters that must not be 0.
        conditions: what else the free parameters have to satisfy, as inequalities.
        parameters: {generator: {parameter name: value}} of every map, the values put in.
        degenerate: {trained map: what is lost}, for maps that are constant or lose a dimension whatever the free
            parameters are.
        requires: {symbol of a parameter that is not trained: its value}, where the goals hold for special ones only.
    """

    values: dict[Symbol, Expr]
    free: tuple[Symbol, ...] = ()
    excluded: tuple[Expr, ...] = ()
    conditions: tuple[Any, ...] = ()
    parameters: dict[str, dict[str, Any]] = field(default_factory=dict, repr=False)
    degenerate: dict[str, str] = field(default_factory=dict)
    requires: dict[Symbol, Expr] = field(default_factory=dict)

    def __getitem__(self, key: Symbol | str) -> Expr:
        if isinstance(key, str):
            found = next((symbol for symbol in self.values if symbol.name == key), None)
            if found is None:
                raise KeyError(key)
            key = found
        return self.values[key]

    def __iter__(self) -> Iterator[Symbol]:
        return iter(self.values)

    def __len__(self) -> int:
        return len(self.values)

    def __str__(self) -> str:
        parts = [f"{symbol} = {value}" for symbol, value in {**self.requires, **self.values}.items()]
        text = ", ".join(parts) or "any parameters"
        if self.free:
            text += f"; free: {', '.join(map(str, self.free))}"
        wheres = [f"{e} ≠ 0" for e in self.excluded] + [str(c) for c in self.conditions]
        if wheres:
            text += f"; where {', '.join(wheres)}"
        for name, what in self.degenerate.items():
            text += f"; {name} is {what}"
        return text


class Solutions(list[Solution]):
    """All solutions; [] where there is none.

    Attributes:
        special: those that need special values of parameters that are not trained.
    """

    def __init__(self, solutions: Sequence[Solution] = (), special: Sequence[Solution] = ()) -> None:
        super().__init__(solutions)
        self.special: list[Solution] = list(special)

    def __str__(self) -> str:
        return "\n".join(map(str, self)) or "no parameters make all goals hold"


def solve(maps: SympyMaps, goals: Sequence[Goal], batch: Mapping[str, Any] | None, max_seconds: float) -> Solutions:
    """All parameters of trained maps with which these goals hold.

    Args:
        batch: the data on which they are to hold, as expressions; None for all data.

    Raises:
        NotDecided: the equations are no polynomials, or resist.
    """
    equations: list[Expr] = []
    nonzero: list[Expr] = []
    unknowns, constants = _parameters(maps)
    for goal in goals:
        missing = unrealised(maps, goal.left, goal.right, *goal.on)
        if missing:
            raise DiagramError(f"goal `{goal.name}`: `{missing[0]}` has no realisation", missing[0])
        for inputs in _inputs(maps, goal, batch):
            found, divided = _conditions(maps, goal, inputs, {*unknowns, *constants})
            equations += found
            nonzero += divided
    held = {s for e in (*equations, *nonzero) for s in e.free_symbols} - set(unknowns)
    others = [s for s in constants if s in held]
    if batch is not None:
        others += sorted({s for e in equations for s in e.free_symbols} - {*unknowns, *constants}, key=str)  # type: ignore[arg-type]
    equations = list(dict.fromkeys(equations))
    try:
        cases = solve_system(equations, list(dict.fromkeys(nonzero)), unknowns, others, max_seconds)
    except NotDecided as error:
        raise NotDecided(f"{', '.join(f'`{goal.name}`' for goal in goals)}: {error}") from None
    except (BasePolynomialError, NotImplementedError) as error:
        raise NotDecided(f"SymPy cannot compute with these equations: {one_line(error)}") from error
    made = [(_solution(maps, case, unknowns), any(s in case.values for s in others)) for case in cases]
    ordered = sorted(made, key=lambda pair: (len(pair[0].degenerate), len(pair[0].values)))
    return Solutions([s for s, special in ordered if not special], [s for s, special in ordered if special])


def _parameters(maps: SympyMaps) -> tuple[list[Symbol], list[Symbol]]:
    """The symbols to solve for, and the others, in order."""
    unknowns: dict[Any, None] = {}
    constants: dict[Any, None] = {}
    for name, table in maps.parameters.items():
        kind = unknowns if maps.diagram.roles[name] in SOLVED else constants
        kind.update(dict.fromkeys(symbol for array in table.values() for symbol in entries(array)))
    return list(unknowns), [symbol for symbol in constants if symbol not in unknowns]


def _inputs(maps: SympyMaps, goal: Goal, batch: Mapping[str, Any] | None) -> Iterator[Inputs]:
    """Symbols for everything, or each row of the batch."""
    if batch is None:
        yield Inputs(maps)
        return
    sides = [(m or goal.left).dom for m, _, _ in along(goal)]
    samples = {dom.name for dom in sides if dom.factors}
    values = {name: value for name, value in batch.items() if maps.diagram.generators[name].dom.name in samples}
    if not values:
        yield Inputs(maps)
        return
    parts = {name: value if isinstance(value, tuple) else (value,) for name, value in values.items()}
    for i in range(max(value[0].shape[0] for value in parts.values())):
        rows: dict[str | int, tuple[Any, ...]] = {
            name: tuple(part[i : i + 1].reshape(part.shape[1:]) for part in value)
            for name, value in parts.items()
            if i < value[0].shape[0]
        }
        yield Inputs(maps, rows)


def _conditions(maps: SympyMaps, goal: Goal, inputs: Inputs, parameters: set[Symbol]) -> tuple[list[Expr], list[Expr]]:
    """The polynomials in parameters that are 0 where the goal holds, and what must not vanish for it to be defined."""
    equations: list[Expr] = []
    nonzero: list[Expr] = []
    given = parameters.union(inputs.symbols)

    def watch(name: str, arguments: Sequence[Expressions], outputs: Sequence[Expressions]) -> None:
        found, at = maps.alone(name, arguments)
        own = [s for array in maps.parameters[name].values() for s in entries(array)]
        for entry in found:
            if own and not entry.is_rational_function(*own):
                raise NotDecided(f"goal `{goal.name}`: `{name}` is no rational function of its parameters")
            denominator = sympy.fraction(sympy.together(entry))[1].xreplace(at)
            if denominator.free_symbols:
                nonzero.append(_polynomial(maps, goal, sympy.fraction(sympy.cancel(sympy.together(denominator)))[0]))

    for _, left, right in along(goal):
        one, two = (evaluated(maps, side, inputs, watch=watch) for side in (left, right))
        data = [s for s in inputs.symbols if s not in given]
        for difference in differences(one, two, f"goal `{goal.name}`"):
            numerator = _polynomial(maps, goal, sympy.fraction(sympy.cancel(sympy.together(difference)))[0])
            used = [s for s in data if s in numerator.free_symbols]
            if inputs.truths.intersection(used):
                raise NotDecided(f"goal `{goal.name}`: its data hold truth values, for which nothing is solved")
            equations += sympy.Poly(numerator, *used).coeffs() if used else [numerator]
    return [e for e in equations if vanishes(e) is not True], nonzero


def _polynomial(maps: SympyMaps, goal: Goal, e: Expr) -> Expr:
    if not e.is_polynomial(*e.free_symbols):
        shown = str(maps.names.outward(e))
        raise NotDecided(
            f"goal `{goal.name}`: {shown if len(shown) < 120 else shown[:120] + '…'} is no polynomial; "
            "only polynomial equations are solved"
        )
    return sympy.expand(e)


def _solution(maps: SympyMaps, case: Case, unknowns: Sequence[Symbol]) -> Solution:
    outward, given, roles = maps.names.outward, maps.names.given, maps.diagram.roles
    values = {given(symbol): outward(value) for symbol, value in case.values.items() if symbol in unknowns}
    requires = {given(symbol): outward(value) for symbol, value in case.values.items() if symbol not in unknowns}
    tables = {
        name: {entry: as_value(outward(replaced(array, case.values))) for entry, array in table.items()}
        for name, table in maps.parameters.items()
    }
    return Solution(
        values,
        tuple(given(symbol) for symbol in unknowns if symbol not in case.values),
        tuple(map(outward, case.excluded)),
        tuple(sympy.Ge(outward(c), 0) for c in case.conditions),
        tables,
        {n: lost for n, role in roles.items() if role in SOLVED and maps.has(n) and (lost := _lost(maps, n, case))},
        requires,
    )


def _lost(maps: SympyMaps, name: str, case: Case) -> str:
    """What a map loses with these parameters: "constant", "not invertible", or nothing."""
    morphism = maps.diagram.generators[name]
    if not morphism.dom.factors:
        return ""
    shapes = [maps.shapes[sort.name] for sort in morphism.dom.factors]
    arguments = [filled((sympy.Dummy(real=True) for _ in np.ndindex(*shape)), shape) for shape in shapes]
    symbols = [s for argument in arguments for s in entries(argument)]
    outputs = [entry for output in maps.call(name, arguments, case.values) for entry in entries(output)]
    slopes = sympy.Matrix([[sympy.cancel(sympy.diff(entry, s)) for s in symbols] for entry in outputs])
    if all(vanishes(slope, thoroughly=True) for slope in slopes):
        return "constant"
    rank = slopes.rank(simplify=True)
    if rank == min(slopes.shape):
        return ""
    return "not invertible" if slopes.rows == slopes.cols else f"of rank {rank}, not {min(slopes.shape)}"
