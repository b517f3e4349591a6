"""Whether an equation holds identically: for all numbers that its data, variables and parameters may be.

Equal means equal wherever both sides are defined. Rational functions are decided exactly, by the polynomial that is
their difference; for other expressions the answer may be that it could not be told. A counterexample is numbers at
which the maps themselves, run on them step by step, give two results.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

import sympy

from learningdiagrams.backends.sympy.maps import SympyMaps
from learningdiagrams.backends.sympy.sides import (
    Inputs,
    along,
    differences,
    evaluated,
    generators_of,
    symbols_of,
    unrealised,
)
from learningdiagrams.backends.sympy.values import Expr, Expressions, Symbol, as_value, entries, replaced
from learningdiagrams.backends.sympy.zero import defined, differ, is_real, vanishes
from learningdiagrams.declarations import Goal
from learningdiagrams.errors import DiagramError
from learningdiagrams.theory.errors import InvalidWitness
from learningdiagrams.theory.morphisms import Morphism
from learningdiagrams.theory.presentations import Law

__all__ = ["Counterexample", "Decisions", "decide"]

POINTS: Final = 60
"""How many points are tried for a counterexample before it is given up."""


@dataclass(frozen=True)
class Counterexample:
    """Numbers at which an equation does not hold; false as a truth value.

    Attributes:
        equation: the name of the law or goal.
        on: the morphism along which it was sampled, or None.
        inputs: {data or noise generator: value}, and {position: value} for variables; a tuple for a product.
        parameters: {generator: {parameter: value}} of the maps that occur.
        left, right: what the sides give there; a tuple for a product.
        numbers: {symbol: number}, for `subs`.
    """

    equation: str
    on: Morphism | None
    inputs: Mapping[str | int, Any]
    parameters: Mapping[str, Mapping[str, Any]]
    left: Any
    right: Any
    numbers: Mapping[Symbol, Expr]
    _question: _Question = field(repr=False, compare=False)
    _point: Mapping[Symbol, Expr] = field(repr=False, compare=False)

    def __bool__(self) -> bool:
        return False

    def check(self) -> None:
        """Runs the maps on the numbers once more.

        Raises:
            InvalidWitness: the sides do not differ.
        """
        if self._question.refuted_at(self._point) is None:
            raise InvalidWitness(f"{self.equation}: the sides do not differ at {dict(self.numbers)}")

    def __str__(self) -> str:
        inputs = {name if isinstance(name, str) else f"input {name}": value for name, value in self.inputs.items()}
        table = {f"{g}.{name}": value for g, entry in self.parameters.items() for name, value in entry.items()}
        words = ", ".join(f"{name} = {_word(value)}" for name, value in {**inputs, **table}.items())
        sides = f"the left is {_word(self.left)}, the right {_word(self.right)}"
        return f"{self.equation}: at {words or 'every point'} {sides}"


def _word(value: Any) -> str:
    if isinstance(value, tuple):
        return f"({', '.join(map(_word, value))})"
    return str(value.tolist()) if hasattr(value, "tolist") else str(value)


class Decisions(dict[str, Any]):
    """{law or goal: True (it holds identically), a `Counterexample`, or None (not decided)}.

    Attributes:
        reasons: why, for what was not decided.
    """

    def __init__(self) -> None:
        super().__init__()
        self.reasons: dict[str, str] = {}

    def __str__(self) -> str:
        lines = []
        for name, found in self.items():
            if found is True:
                lines.append(f"{name}: holds identically")
            else:
                lines.append(f"{name}: not decided, {self.reasons[name]}" if found is None else f"{found}")
        return "\n".join(lines)


def decide(maps: SympyMaps, equations: Sequence[Goal | Law]) -> Decisions:
    """Decides every equation."""
    decisions = Decisions()
    for equation in equations:
        decisions[equation.name], reason = _decide(maps, equation)
        if reason:
            decisions.reasons[equation.name] = reason
    return decisions


def _decide(maps: SympyMaps, equation: Goal | Law) -> tuple[bool | Counterexample | None, str]:
    missing = unrealised(maps, equation.left, equation.right, *getattr(equation, "on", ()))
    if missing:
        return None, f"`{missing[0]}` has no realisation; compile with maps={{{missing[0]!r}: …}}"
    undecided = ""
    for on, left, right in along(equation):
        try:
            question = _Question(maps, equation.name, on, left, right)
        except DiagramError as error:
            undecided = str(error)
            continue
        found, reason = question.answer()
        if isinstance(found, Counterexample):
            return found, ""
        undecided = undecided or reason
    return (None, undecided) if undecided else (True, "")


class _Question:
    """Whether left = right, after `on`."""

    def __init__(self, maps: SympyMaps, name: str, on: Morphism | None, left: Morphism, right: Morphism) -> None:
        self.maps, self.name, self.on, self.left, self.right = maps, name, on, left, right
        self.inputs = Inputs(maps)
        one, two = (evaluated(maps, side, self.inputs) for side in (left, right))
        self.differences = differences(one, two, name)
        self.parameters = symbols_of(maps, left, right)

    def answer(self) -> tuple[bool | Counterexample | None, str]:
        """True, a counterexample, or None with the reason."""
        open_ones: list[Expr] = []
        exactly_false = False
        for difference in self.differences:
            if difference.has(sympy.nan, sympy.zoo, sympy.oo, -sympy.oo):
                return None, f"a side is defined nowhere: {self.maps.names.outward(difference)}"
            found = vanishes(difference, self.inputs.truths)
            if found is not True:
                open_ones.append(difference)
            exactly_false = exactly_false or found is False
        # Even what vanishes by rewriting is looked at once or twice: then the maps themselves have said so.
        for point in self._points((1000 if exactly_false else POINTS) if open_ones else 3):
            refuted = self.refuted_at(point)
            if refuted is not None:
                return refuted, ""
        rest = [d for d in open_ones if vanishes(d, self.inputs.truths, thoroughly=True) is not True]
        if not rest:
            return True, ""
        shown = str(self.maps.names.outward(rest[0]))
        shown = shown if len(shown) < 120 else f"{shown[:120]}…"
        if exactly_false:
            return None, f"{shown} does not vanish, but no real numbers were found at which both sides are defined"
        return None, f"neither was {shown} found to vanish, nor were numbers found at which it does not"

    def _points(self, count: int) -> Iterator[dict[Symbol, Expr]]:
        """Numbers for all symbols, small and simple first; the same ones every time."""
        symbols = [*self.inputs.symbols, *self.parameters]
        random = Random(0)
        if not symbols:
            count = min(count, 1)
        for attempt in range(count):
            yield {symbol: self._number(symbol, attempt, random) for symbol in symbols}

    def _number(self, symbol: Symbol, attempt: int, random: Random) -> Expr:
        if symbol in self.inputs.truths:
            return sympy.Integer(random.randrange(2))
        width = 2 + attempt // 3
        for _ in range(100):
            top = sympy.Integer(random.randint(-width, width))
            number = top / random.randint(1, 3) if attempt % 3 == 2 and not symbol.is_integer else top
            if _fits(symbol, number):
                return number
        return sympy.Integer(1)

    def refuted_at(self, point: Mapping[Symbol, Expr]) -> Counterexample | None:
        """The counterexample that these numbers are, if they are one: both sides defined, and not equal."""
        inputs = self.inputs.at(point)
        if not all(_fits(symbol, number) for symbol, number in point.items()):
            return None
        wrong: list[str] = []

        def watch(name: str, arguments: Sequence[Expressions], outputs: Sequence[Expressions]) -> None:
            found, at = self.maps.alone(name, arguments)
            results = [entry for output in outputs for entry in entries(output)]
            if not all(map(is_real, results)) or not all(defined(e, {**at, **point}) for e in found):
                wrong.append(name)

        try:
            left, right = (evaluated(self.maps, side, inputs, point, watch) for side in (self.left, self.right))
            unequal = not wrong and any(differ(d) for d in differences(left, right, self.name))
        except (DiagramError, ZeroDivisionError):
            return None
        if not unequal:
            return None
        tables = {
            name: {entry: as_value(replaced(array, point)) for entry, array in self.maps.parameters[name].items()}
            for name in generators_of(self.left, self.right)
            if self.maps.has(name)
        }
        return Counterexample(
            self.name,
            self.on,
            {key: _together(value) for key, value in inputs.values.items()},
            tables,
            _together(left),
            _together(right),
            {self.maps.names.given(symbol): number for symbol, number in point.items()},
            self,
            dict(point),
        )


def _fits(symbol: Symbol, number: Expr) -> bool:
    """Whether a number is such as is assumed of a symbol."""
    return all(getattr(number, f"is_{word}") == truth for word, truth in symbol._assumptions_orig.items())


def _together(parts: Sequence[Any]) -> Any:
    """The value of a product as a tuple, of anything else by itself."""
    values = tuple(as_value(part) if isinstance(part, Expressions) else part for part in parts)
    return values[0] if len(values) == 1 else values
