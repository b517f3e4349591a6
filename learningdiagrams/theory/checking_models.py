"""The checker of finite models as witnesses against an equation.

A finite model has a finite set {0, …, n - 1} for each sort (it may be empty) and a function for each
generator. It is accepted when every function is total, every law holds at all points, and the sides differ at
the point named. Nothing of the engine is imported here; everything is computed again from the laws.

Acceptance implies truth. Sets and functions form a category with finite products, so that what follows from
the laws holds in every model of them; the sides differ in this one, hence do not follow.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import product
from math import prod
from typing import TYPE_CHECKING, Any

from learningdiagrams.theory.errors import InvalidWitness
from learningdiagrams.theory.morphisms import Generator, Morphism, Object
from learningdiagrams.theory.terms import fold, unmarked

if TYPE_CHECKING:
    from learningdiagrams.theory.presentations import Law

__all__ = ["check_model"]

Table = Mapping[tuple[int, ...], tuple[int, ...]]


def check_model(
    sorts: Collection[str],
    laws: Mapping[str, Law],
    generators: Mapping[str, Morphism],
    left: Morphism,
    right: Morphism,
    sets: Mapping[str, int],
    tables: Mapping[str, Table],
    point: tuple[int, ...],
) -> None:
    """Raises :class:`InvalidWitness` unless all laws hold in the model and the sides differ at `point`.

    A sort that `sets` does not name has one element; where a table has no entry, the value is 0 in every
    factor.
    """
    if left.dom is not right.dom or left.cod is not right.cod:
        raise InvalidWitness(f"`{left}` and `{right}` are not parallel")
    if any(type(size) is not int or size < 0 for size in sets.values()):
        raise InvalidWitness("a set of the model has a size that is no natural number")

    def sizes(obj: Object) -> list[int]:
        return [sets.get(sort.name, 1) for sort in obj.factors]

    def within(values: Any, obj: Object) -> bool:
        bounds = sizes(obj)
        return (
            isinstance(values, tuple)
            and len(values) == len(bounds)
            and all(type(v) is int and 0 <= v < n for v, n in zip(values, bounds, strict=True))
        )

    for name in sets:
        if name not in sorts:
            raise InvalidWitness(f"the model has a set for `{name}`, which is no object")
    for name in tables:
        if name not in generators:
            raise InvalidWitness(f"the model has a table for `{name}`, which is no generator")
    for name, generator in generators.items():
        table = tables.get(name, {})
        if not all(within(key, generator.dom) and within(value, generator.cod) for key, value in table.items()):
            raise InvalidWitness(f"the table of `{name}` leaves the sets of `{generator.dom} -> {generator.cod}`")
        if len(table) < prod(sizes(generator.dom)) and 0 in sizes(generator.cod):
            raise InvalidWitness(f"`{name}` has no value at some point of {generator.dom}")

    def apply(generator: Generator, args: tuple[int, ...]) -> tuple[int, ...]:
        if generators.get(generator.name) is not generator.morphism:
            raise InvalidWitness(f"`{generator.name}` is no generator of the presentation as it stood")
        return tables.get(generator.name, {}).get(args) or (0,) * len(generator.cod.factors)

    def value(morphism: Morphism, at: tuple[int, ...]) -> tuple[int, ...]:
        return fold(morphism.terms, lambda i, _: at[i], apply, lambda _, v: v)

    for law in laws.values():
        one, other = unmarked(law.left), unmarked(law.right)
        for at in product(*map(range, sizes(one.dom))):
            if value(one, at) != value(other, at):
                raise InvalidWitness(f"law `{law.name}` does not hold in the model at {at}")
    if not within(point, left.dom) or value(left, point) == value(right, point):
        raise InvalidWitness(f"the sides do not differ in the model at {point}")
