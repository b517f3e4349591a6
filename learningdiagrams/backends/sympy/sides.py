"""The sides of equations as expressions: the functor to SymPy, on symbols or on numbers.

What data supply is free: every data and noise generator is a value of its own symbols for each sample it is taken at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sympy

from learningdiagrams.backends.sympy.maps import Numbers, SympyMaps
from learningdiagrams.backends.sympy.values import Expr, Expressions, Symbol, as_array, entries, filled, replaced
from learningdiagrams.declarations import Goal
from learningdiagrams.errors import DiagramError
from learningdiagrams.theory.morphisms import Generator, Morphism, Object, Term
from learningdiagrams.theory.presentations import Law
from learningdiagrams.theory.terms import applications, fold

__all__ = ["Inputs", "Sample", "along", "differences", "evaluated", "generators_of", "symbols_of", "unrealised"]

Key = str | int


@dataclass(frozen=True)
class Sample:
    """A sample, which holds no value itself: data are taken at it."""

    sort: str
    position: int


@dataclass
class Inputs:
    """What the variables and the data of an equation stand for.

    Attributes:
        values: by the name of a data or noise generator (with ` at 1` where it is taken at another sample than the
            first), or by the position of a variable.
        truths: symbols of truth values, which are 0 or 1.
    """

    maps: SympyMaps
    values: dict[Key, tuple[Expressions, ...]] = field(default_factory=dict)
    truths: set[Symbol] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._names = self.maps.names.apart()

    def variable(self, position: int, sort: Object) -> Any:
        """The value of a variable; that of a sample object is a sample."""
        if sort in self.maps.diagram.sample_objects:
            return Sample(sort.name, position)
        if position not in self.values:
            self.values[position] = (self._fresh(sort.name[0].lower() + sort.name[1:], sort.name),)
        return self.values[position][0]

    def data(self, name: str, sample: Sample) -> tuple[Expressions, ...]:
        """The value of a data or noise generator at a sample."""
        key = name if not sample.position else f"{name} at {sample.position}"
        if key not in self.values:
            sorts = [sort.name for sort in self.maps.diagram.generators[name].cod.factors]
            labels = [name] if len(sorts) == 1 else [f"{name}_{sort}" for sort in sorts]
            self.values[key] = tuple(self._fresh(label, sort) for label, sort in zip(labels, sorts, strict=True))
        return self.values[key]

    def _fresh(self, label: str, sort: str) -> Expressions:
        kind = self.maps.diagram.spaces[sort].dtype
        made = self._names.fresh(label, self.maps.shapes[sort], **({} if kind == "float" else {"integer": True}))
        if kind == "bool":
            self.truths.update(entries(made))  # type: ignore[arg-type]  # they are symbols
        return made

    def at(self, numbers: Numbers) -> Inputs:
        """The same with numbers for symbols."""
        values = {key: tuple(replaced(part, numbers) for part in value) for key, value in self.values.items()}
        return Inputs(self.maps, values, self.truths)

    @property
    def symbols(self) -> list[Symbol]:
        """All symbols in use, in order."""
        found: dict[Symbol, None] = {}
        for value in self.values.values():
            for entry in (entry for part in value for entry in entries(as_array(part))):
                found.update(dict.fromkeys(sorted(entry.free_symbols, key=sympy.default_sort_key)))
        return list(found)


def along(equation: Goal | Law) -> Iterator[tuple[Morphism | None, Morphism, Morphism]]:
    """The equation, or, where it is sampled on morphisms, the equation after each of them."""
    on = equation.on if isinstance(equation, Goal) else ()
    if not on:
        yield None, equation.left, equation.right
    for morphism in on:
        yield morphism, morphism >> equation.left, morphism >> equation.right


def generators_of(*morphisms: Morphism) -> list[str]:
    """The generators that occur, in order."""
    terms: list[Term] = [term for morphism in morphisms for term in morphism.terms]
    return list(dict.fromkeys(t.head.name for t in applications(terms) if isinstance(t.head, Generator)))


def unrealised(maps: SympyMaps, *morphisms: Morphism) -> list[str]:
    """The maps that occur and are not realised."""
    roles = maps.diagram.roles
    return [n for n in generators_of(*morphisms) if roles[n] not in ("data", "noise") and not maps.has(n)]


def symbols_of(maps: SympyMaps, *morphisms: Morphism) -> list[Symbol]:
    """The parameters of the maps that occur, in order."""
    tables = [maps.parameters[name] for name in generators_of(*morphisms) if maps.has(name)]
    found = [symbol for table in tables for array in table.values() for symbol in entries(array)]
    return list(dict.fromkeys(found))  # type: ignore[arg-type]  # they are symbols


def evaluated(
    maps: SympyMaps,
    morphism: Morphism,
    inputs: Inputs,
    numbers: Numbers | None = None,
    watch: Callable[[str, Sequence[Expressions], Sequence[Expressions]], None] | None = None,
) -> tuple[Any, ...]:
    """The values of a morphism's outputs; a sample where one is wanted.

    Args:
        numbers: what stands for parameters.
        watch: called with every map's name, arguments and outputs, once for each application.
    """

    def apply(generator: Generator, arguments: tuple[Any, ...]) -> Sequence[Any]:
        if maps.diagram.roles[generator.name] in ("data", "noise"):
            return inputs.data(generator.name, arguments[0])
        if any(isinstance(argument, Sample) for argument in arguments):
            raise DiagramError(f"`{generator.name}` is applied to a sample, which holds no values to compute with")
        outputs = maps.call(generator.name, arguments, numbers)
        if watch is not None:
            watch(generator.name, arguments, outputs)
        return outputs

    return fold(morphism.terms, inputs.variable, apply, lambda label, value: value)


def differences(left: Sequence[Any], right: Sequence[Any], where: str) -> list[Expr]:
    """What is 0 where both sides are equal, entry by entry; class numbers stand for one-hot rows.

    Raises:
        DiagramError: sides of two shapes.
    """
    found: list[Expr] = []
    for one, two in zip(left, right, strict=True):
        if isinstance(one, Sample) or isinstance(two, Sample):
            if one != two:
                raise DiagramError(f"{where}: two samples of {one.sort}, which hold no values to compare")
            continue
        one, two = _as_rows(one, two), _as_rows(two, one)
        if one.shape != two.shape:
            raise DiagramError(f"{where}: its sides have two shapes: {one.shape} on the left, {two.shape} on the right")
        found += [a - b for a, b in zip(entries(as_array(one)), entries(as_array(two)), strict=True)]
    return found


def _as_rows(value: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Whole numbers without the last axis of the other side, as rows of zeros and a 1."""
    if value.dtype.kind not in "iu" or value.shape != other.shape[:-1] or not other.shape:
        return value
    rows = (np.arange(other.shape[-1]) == value[..., None]).astype(int)
    return filled(entries(as_array(rows)), rows.shape)
