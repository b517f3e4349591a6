"""Witnesses against an equation: values that anybody can build by hand and check.

>>> from learningdiagrams.theory import Presentation, identity
>>> P = Presentation("Retraction")
>>> A, B = P.objects("A", "B")
>>> s, r = P.morphism("s", A, B), P.morphism("r", B, A)
>>> law = P.law(s >> r, identity(A), name="retraction")
>>> model = FiniteModel(P, r >> s, identity(B), {"B": 2}, {"s": {(0,): (1,)}}, point=(0,))
>>> model.check()
>>> print(model)
A has 1 element, B has 2; s(0) = 1; otherwise 0
at 0 the left side is 1, the right side 0
>>> system = PathSystem(P, r >> s, identity(B), rules=[(s >> r, identity(A))])
>>> system.check()
>>> print(system)
s >> r  reduces to  id(A)
>>> PathSystem(P, r >> s, identity(B), rules=[]).check()
Traceback (most recent call last):
...
learningdiagrams.theory.errors.InvalidWitness: the system, as far as it respects the laws that count, does not
tell the sides apart
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from learningdiagrams.theory.checking_models import Table, check_model
from learningdiagrams.theory.checking_terms import check_terms
from learningdiagrams.theory.checking_words import check_words
from learningdiagrams.theory.errors import InvalidWitness
from learningdiagrams.theory.morphisms import Generator, Morphism
from learningdiagrams.theory.presentations import Law, Presentation
from learningdiagrams.theory.terms import fold

__all__ = ["FiniteModel", "PathSystem", "Precedence", "TermSystem", "Witness"]


@dataclass(frozen=True)
class Witness(ABC):
    """What shows that laws do not make two sides equal.

    `laws` and `generators` are those that stood when it was made; `kind` is "model" or "system".
    """

    presentation: Presentation = field(repr=False)
    left: Morphism
    right: Morphism
    laws: Mapping[str, Law] = field(default=None, repr=False, compare=False, kw_only=True)  # type: ignore[assignment]
    generators: Mapping[str, Morphism] = field(default=None, repr=False, compare=False, kw_only=True)  # type: ignore[assignment]

    kind: ClassVar[str]

    def __post_init__(self) -> None:
        if self.laws is None:
            object.__setattr__(self, "laws", self.presentation.laws_as_they_stand())
        if self.generators is None:
            object.__setattr__(self, "generators", self.presentation.generators_as_they_stand())

    def check(self) -> None:
        """Computes everything again from the laws.

        Raises :class:`~learningdiagrams.theory.errors.InvalidWitness` where something does not hold.
        """
        presentation = self.presentation
        if self.left.signature is not presentation.signature or not presentation.once_had(self.laws, self.generators):
            raise InvalidWitness(f"the sides, the laws or the generators are not those of {presentation.name}")
        try:
            self._check()
        except (AttributeError, IndexError, KeyError, TypeError) as error:
            # Witnesses can be built by hand out of anything; what cannot be recomputed shows nothing.
            raise InvalidWitness(f"the witness is not well formed: {error}") from error

    @abstractmethod
    def _check(self) -> None: ...

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """The kind and what the witness consists of, as values that JSON has."""


@dataclass(frozen=True)
class FiniteModel(Witness):
    """Finite sets {0, …, n - 1} and functions for which all laws hold, and a point at which the sides differ.

    `sets` gives the size for each sort (1 where it is left out; a set may be empty), `tables` for each
    generator the values by arguments (0 in every factor where they are left out).
    """

    sets: Mapping[str, int]
    tables: Mapping[str, Table]
    point: tuple[int, ...]

    kind: ClassVar[str] = "model"

    def _check(self) -> None:
        sorts = self.presentation.sorts
        check_model(sorts, self.laws, self.generators, self.left, self.right, self.sets, self.tables, self.point)

    def value(self, morphism: Morphism, point: tuple[int, ...]) -> tuple[int, ...]:
        """The value of a morphism at a point of its domain."""

        def apply(generator: Generator, args: tuple[int, ...]) -> tuple[int, ...]:
            return self.tables.get(generator.name, {}).get(args) or (0,) * len(generator.cod.factors)

        return fold(morphism.terms, lambda i, _: point[i], apply, lambda _, value: value)

    def to_json(self) -> dict[str, Any]:
        """The kind, the sets' sizes, tables as pairs of arguments and values, the point with both values."""
        return {
            "kind": self.kind,
            "sets": {sort: self.sets.get(sort, 1) for sort in self.presentation.sorts},
            "tables": {
                name: [[list(args), list(values)] for args, values in sorted(table.items())]
                for name, table in sorted(self.tables.items())
            },
            "point": list(self.point),
            "left": list(self.value(self.left, self.point)),
            "right": list(self.value(self.right, self.point)),
        }

    def __str__(self) -> str:
        sizes = {sort: self.sets.get(sort, 1) for sort in self.presentation.sorts}
        parts = [f"{sort} has {size}" for sort, size in sizes.items()]
        if parts:
            parts[0] += " element" + "s" * (next(iter(sizes.values())) != 1)
        entries = [
            f"{name}({_text(args)}) = {_text(values)}"
            for name, table in sorted(self.tables.items())
            for args, values in sorted(table.items())
            if any(values)
        ]
        left, right = self.value(self.left, self.point), self.value(self.right, self.point)
        place = f"at {_text(self.point)} " if self.point else ""
        values = "; ".join([", ".join(entries), "otherwise 0"] if entries else ["all values are 0"])
        sides = f"{place}the left side is {_text(left)}, the right side {_text(right)}"
        return f"{', '.join(parts)}; {values}\n{sides}"


@dataclass(frozen=True)
class PathSystem(Witness):
    """Rules between paths, each to a smaller one, that reduce every path to one normal form and respect the
    laws.

    `up_to` is the length of paths up to which they do, or None for all paths.
    """

    rules: Sequence[tuple[Morphism, Morphism]]
    up_to: int | None = None

    kind: ClassVar[str] = "system"

    def _check(self) -> None:
        check_words(self.laws, self.generators, self.left, self.right, self.rules, self.up_to)

    def to_json(self) -> dict[str, Any]:
        """The kind, the rules as pairs of texts, and the length up to which they are complete (null: all)."""
        return {
            "kind": self.kind,
            "rules": [[str(old), str(new)] for old, new in self.rules],
            "up_to": self.up_to,
        }

    def __str__(self) -> str:
        lines = [f"{old}  reduces to  {new}" for old, new in self.rules] or ["no law applies"]
        return "\n".join(lines + ([] if self.up_to is None else [f"for paths of at most {self.up_to} generators"]))


@dataclass(frozen=True)
class Precedence:
    """An order of terms: the outputs of generators from low to high, as (name, index).

    Constants that stand for the question's variables, and a least one for each sort, are below all of them.
    With `by_weight` it is the order of Knuth and Bendix, in which everything weighs 1 but an output that may
    be weightless; otherwise it is the lexicographic path order.
    """

    outputs: tuple[tuple[str, int], ...]
    by_weight: bool
    weightless: tuple[str, int] | None = None

    def __str__(self) -> str:
        names = " < ".join(name if not index else f"{name}, output {index}" for name, index in self.outputs)
        if not self.by_weight:
            return f"lexicographic path order with {names}"
        free = f", {self.weightless[0]} weighing nothing" if self.weightless else ""
        return f"Knuth-Bendix order with {names}{free}"


@dataclass(frozen=True)
class TermSystem(Witness):
    """Equations, used wherever they lead to a smaller term, by which every closed term has one normal form.

    Each is a pair of parallel morphisms; the factors of their domain are its variables.
    """

    equations: Sequence[tuple[Morphism, Morphism]]
    precedence: Precedence

    kind: ClassVar[str] = "system"

    def _check(self) -> None:
        order = (self.precedence.outputs, self.precedence.by_weight, self.precedence.weightless)
        check_terms(self.laws, self.generators, self.left, self.right, self.equations, *order)

    def to_json(self) -> dict[str, Any]:
        """The kind, the equations as pairs of texts, and the order."""
        return {
            "kind": self.kind,
            "rules": [[str(left), str(right)] for left, right in self.equations],
            "order": str(self.precedence),
        }

    def __str__(self) -> str:
        lines = [f"{left}  =  {right}" for left, right in self.equations]
        return "\n".join([*(lines or ["no law applies"]), f"used towards what is smaller in the {self.precedence}"])


def _text(values: Sequence[int]) -> str:
    return str(values[0]) if len(values) == 1 else f"({', '.join(map(str, values))})"
