"""Finite models: functors to finite sets, also called C-sets or copresheaves, given by tables.

A model of a presentation has a finite set for each sort and a table for each generator, such that the
laws hold; sets may be empty. Graphs are the models of two parallel arrows, databases the models of a
schema, finite groups the models of the theory of groups. Elements are any hashable values.

>>> from learningdiagrams.theory.presentations import Presentation
>>> P = Presentation("SymmetricGraph")
>>> V, E = P.objects("V", "E")
>>> src, tgt, inv = P.morphism("src", E, V), P.morphism("tgt", E, V), P.morphism("inv", E, E)
>>> laws = P.law(inv >> inv, identity(E), name="involution"), P.law(inv >> src, tgt, name="flip")
>>> edge = CSet(P, {"V": "ab", "E": 2}, {"src": "ab", "tgt": "ba", "inv": [1, 0]})
>>> edge.failures(), edge(V), edge(inv >> src)
([], ('a', 'b'), {0: 'b', 1: 'a'})
>>> loop = CSet(P, {"V": 1, "E": 1}, {"src": [0], "tgt": [0], "inv": [0]})
>>> Homomorphism(edge, loop, {"V": [0, 0], "E": [0, 0]}).failures()
[]
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from itertools import product
from types import MappingProxyType
from typing import Any, ClassVar, Final, overload

from learningdiagrams.theory.errors import TheoryError
from learningdiagrams.theory.failures import Failure, named, tabulated
from learningdiagrams.theory.functors import Functor, generators_in
from learningdiagrams.theory.morphisms import Generator, Morphism, Object, brief, identity
from learningdiagrams.theory.presentations import Presentation
from learningdiagrams.theory.showing import Printed
from learningdiagrams.theory.terms import fold
from learningdiagrams.theory.witnesses import FiniteModel

__all__ = ["CSet", "Homomorphism", "cells", "identity", "pull"]

Element = Hashable
Column = tuple[Element, ...]
Table = dict[Any, Element]

MISSING: Final = "{what}: `{name}` has no value at {at!r}"
EXTRA: Final = "{what}: `{name}` has a value at {at!r}, which is not in the set of {obj}"
VALUE: Final = "{what}: `{name}` sends {at!r} to {value!r}, which is not in the set of {obj}"
LAW: Final = "law `{law}` fails at {at!r}: `{left}` gives {a!r}, but `{right}` gives {b!r}"
SQUARE: Final = (
    "`{name}` is not preserved at {at!r}: `{name}` and then the map gives {a!r}, the map and then `{name}` {b!r}"
)
LENGTH: Final = "{what}: `{name}` is given {count} values in a row, but the set of {obj} has {size} elements"


class CSet(Printed):
    """The model of a presentation with these sets and tables; keys by name or by value.

    `sets` gives each sort its elements, or their number n for the elements 0 … n-1. `maps` gives each
    generator its values: a mapping from the elements of its domain, or the values in the order of those
    elements. An element of a product is a tuple, of 1 the empty tuple; those of a product are in
    lexicographic order.

    Raises :class:`TheoryError` where a key is missing or unknown, an element occurs twice or a row has
    the wrong length; what else is wrong, :meth:`failures` says. `X(A)` is the tuple of elements of an
    object, `X(m)` the table of a morphism. Models are `==` when their presentation, sets and tables are.

    >>> P = Presentation("Monoid")
    >>> (M,) = P.objects("M")
    >>> mul, one = P.morphism("mul", M * M, M), P.morphism("one", P.unit, M)
    >>> law = P.law(mul, mul, name="nothing"), P.law(identity(M) @ one >> mul, identity(M), name="unit")
    >>> conjunction = CSet(P, {"M": [False, True]}, {"mul": [False, False, False, True], "one": {(): True}})
    >>> conjunction.failures(), conjunction(mul)[True, False]
    ([], False)
    >>> for failure in CSet(P, {"M": 2}, {"mul": [0, 0, 0, 1], "one": {(): 0}}).failures():
    ...     print(failure.kind, failure.what, failure, sep=" | ")
    law | unit | law `unit` fails at 1: `id(M) @ one >> mul` gives 0, but `id(M)` gives 1
    """

    __slots__ = ("_elements", "_maps", "_sets", "presentation")

    def __init__(
        self,
        presentation: Presentation,
        sets: Mapping[Any, int | Iterable[Element]],
        maps: Mapping[Any, Mapping[Any, Element] | Iterable[Element]],
    ) -> None:
        self.presentation: Presentation = presentation
        what = self._what
        name = presentation.name
        self._sets = tabulated(
            what, "sets=", "object", name, presentation.sorts, sets,
            lambda sort, given: _elements(f"{what}: the set of `{sort}`", given),
        )  # fmt: skip
        self._elements: dict[Object, Column] = {
            presentation.sorts[sort]: elements for sort, elements in self._sets.items()
        }
        self._maps: dict[str, Table] = tabulated(
            what, "maps=", "generator", name, presentation.generators, maps,
            lambda it, given: _table(what, it, presentation.generators[it].dom, self, given),
        )  # fmt: skip

    @classmethod
    def of(cls, witness: FiniteModel) -> CSet:
        """The finite model that refutes an equation, with its sets and tables written out in full.

        >>> P = Presentation("Retraction")
        >>> A, B = P.objects("A", "B")
        >>> s, r = P.morphism("s", A, B), P.morphism("r", B, A)
        >>> law = P.law(s >> r, identity(A), name="retraction")
        >>> witness = FiniteModel(P, r >> s, identity(B), {"B": 2}, {}, point=(1,))
        >>> witness.check()
        >>> model = CSet.of(witness)
        >>> model.failures(), model(r >> s)[1]
        ([], 0)
        """
        sets = {name: witness.sets.get(name, 1) for name in witness.presentation.sorts}
        maps = {}
        for name, generator in witness.presentation.generators.items():
            rows = product(*(range(sets[sort.name]) for sort in generator.dom.factors))
            values = {row: witness.value(generator, row) for row in rows}
            maps[name] = {_bare(row): _bare(value) for row, value in values.items()}
        return cls(witness.presentation, sets, maps)

    @property
    def _what(self) -> str:
        return f"model of {self.presentation.name}"

    @property
    def sets(self) -> Mapping[str, Column]:
        """The elements of each sort, by name."""
        return MappingProxyType(self._sets)

    @property
    def maps(self) -> Mapping[str, Table]:
        """The table of each generator, by name."""
        return MappingProxyType(self._maps)

    @overload
    def __call__(self, value: Object) -> Column: ...
    @overload
    def __call__(self, value: Morphism) -> Table: ...
    @overload
    def __call__(self, value: str) -> Column | Table: ...
    def __call__(self, value: Object | Morphism | str) -> Column | Table:
        """The elements of an object, or the table of a morphism, by value or by name.

        Raises KeyError where a table has a gap.
        """
        value = named(self.presentation, self._what, value)
        if isinstance(value, Object):
            found = self._elements.get(value)
            if found is None:
                found = self._elements[value] = tuple(product(*(self._elements[sort] for sort in value.factors)))
            return found
        rows = self(value.dom)
        columns = _columns(value.dom, rows)

        def outputs(generator: Generator, args: tuple[Column, ...]) -> list[Column]:
            table = self._maps[generator.name]
            # A constant has no arguments that would say how many rows there are.
            keys = args[0] if len(args) == 1 else zip(*args, strict=True) if args else [()] * len(rows)
            return _columns(generator.cod, tuple(table[key] for key in keys))

        images = fold(value.terms, lambda position, _: columns[position], outputs, lambda _, column: column)
        if len(images) == 1:
            return dict(zip(rows, images[0], strict=True))
        return dict(zip(rows, zip(*images, strict=True) if images else [()] * len(rows), strict=True))

    def failures(self) -> list[Failure]:
        """Everything that keeps this from being a model; [] when nothing does.

        Kinds: "missing" (a table has no value at an element), "extra" (it has one where there is no
        element), "value" (a value that is in the wrong set) and "law" (`left` and `right` are the two
        sides' values). `at` is the element. Laws that mention a generator with a faulty table are not
        judged.
        """
        found = []
        for name, generator in self.presentation.generators.items():
            dom, cod = generator.dom, generator.cod
            found += _table_failures(self._what, name, self._maps[name], (dom, self(dom)), (cod, self(cod)))
        faulty = {failure.what for failure in found}
        for law in self.presentation.laws.values():
            mentioned = {it.name for side in (law.left, law.right) for it in generators_in(side)}
            if faulty.isdisjoint(mentioned):
                left, right = self(law.left), self(law.right)
                for element, a in left.items():
                    if a != (b := right[element]):
                        message = LAW.format(
                            law=law.name, at=element, left=brief(law.left), right=brief(law.right), a=a, b=b
                        )
                        found.append(Failure("law", law.name, a, b, message, at=element))
        return found

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, CSet):
            return NotImplemented
        same = self.presentation is other.presentation
        return same and self._sets == other._sets and self._maps == other._maps

    __hash__: ClassVar[None] = None  # type: ignore[assignment]  # tables are dictionaries

    def __str__(self) -> str:
        lines = [f"{name} = {{{', '.join(map(str, elements))}}}" for name, elements in self._sets.items()]
        for name, table in self._maps.items():
            lines.append(f"{name} : " + ", ".join(f"{key} |-> {value}" for key, value in table.items()))
        return "\n".join(lines)

    def __repr__(self) -> str:
        sizes = ", ".join(f"{name}: {len(elements)}" for name, elements in self._sets.items())
        return f"<CSet of {self.presentation.name}: {sizes}>"


class Homomorphism:
    """The map of models X → Y with these components, one for each sort; keys by name or by value.

    A component is a mapping from the elements of X to those of Y, or the values in the order of the
    elements. Raises :class:`TheoryError` where a key is missing or unknown and where X and Y are models
    of different presentations; what is wrong with the components, :meth:`failures` says. `h[A]` is a
    component, `h >> k` the composite.
    """

    __slots__ = ("_components", "cod", "dom")

    def __init__(self, dom: CSet, cod: CSet, components: Mapping[Any, Mapping[Any, Element] | Iterable[Element]]):
        if dom.presentation is not cod.presentation:
            raise TheoryError(
                f"a homomorphism goes between models of one presentation, not from a {dom._what} to a {cod._what}"
            )
        self.dom: CSet = dom
        self.cod: CSet = cod
        sorts, name = dom.presentation.sorts, dom.presentation.name
        self._components: dict[str, Table] = tabulated(
            self._what, "components=", "object", name, sorts, components,
            lambda sort, given: _table(self._what, sort, sorts[sort], dom, given),
        )  # fmt: skip

    @classmethod
    def identity(cls, model: CSet) -> Homomorphism:
        """The identity of a model."""
        return cls(model, model, model.sets)

    @property
    def _what(self) -> str:
        return f"homomorphism of models of {self.dom.presentation.name}"

    @property
    def components(self) -> Mapping[str, Table]:
        """The components at the sorts, by name."""
        return MappingProxyType(self._components)

    def __getitem__(self, sort: str | Object) -> Table:
        """The component at a sort, by name or by value."""
        return self._components[sort if isinstance(sort, str) else sort.name]

    def image(self, obj: Object, element: Any) -> Element:
        """The image of an element of an object or product. Raises KeyError where there is none."""
        if len(obj.factors) == 1:
            return self._components[obj.name][element]
        return tuple(self._components[sort.name][part] for sort, part in zip(obj.factors, element, strict=True))

    def failures(self) -> list[Failure]:
        """Everything that keeps this from being a homomorphism; [] when nothing does.

        Kinds: "missing", "extra" and "value" of a component, as for models, and "naturality": `what` the
        generator, `at` the element, `left` its image when the generator is applied first, `right` when
        the map is. Squares in which a value is missing are not judged.
        """
        found = []
        for name, sort in self.dom.presentation.sorts.items():
            component = self._components[name]
            found += _table_failures(self._what, name, component, (sort, self.dom(sort)), (sort, self.cod(sort)))
        for name, generator in self.dom.presentation.generators.items():
            here, there = self.dom.maps[name], self.cod.maps[name]
            for element in self.dom(generator.dom):
                try:
                    a = self.image(generator.cod, here[element])
                    b = there[self.image(generator.dom, element)]
                except KeyError:
                    continue
                if a != b:
                    message = SQUARE.format(name=name, at=element, a=a, b=b)
                    found.append(Failure("naturality", name, a, b, message, at=element))
        return found

    def is_isomorphism(self) -> bool:
        """Whether this is a homomorphism whose components are bijections; its inverse then is one, too."""
        bijective = all(
            len(set(component.values())) == len(component) == len(self.cod.sets[name])
            for name, component in self._components.items()
        )
        return bijective and not self.failures()

    def inverse(self) -> Homomorphism:
        """The inverse of an isomorphism; raises :class:`TheoryError` for any other map."""
        if not self.is_isomorphism():
            raise TheoryError("the map is no isomorphism, so that it has no inverse")
        turned = {
            name: {value: key for key, value in component.items()} for name, component in self._components.items()
        }
        return Homomorphism(self.cod, self.dom, turned)

    def __rshift__(self, other: Homomorphism) -> Homomorphism:
        if not isinstance(other, Homomorphism):
            return NotImplemented
        if self.cod is not other.dom and self.cod != other.dom:
            raise TheoryError("the first homomorphism ends at a model other than the one where the second starts")
        components = {
            name: {key: other._components[name][value] for key, value in component.items()}
            for name, component in self._components.items()
        }
        return Homomorphism(self.dom, other.cod, components)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Homomorphism):
            return NotImplemented
        return (self.dom, self.cod, self._components) == (other.dom, other.cod, other._components)

    __hash__: ClassVar[None] = None  # type: ignore[assignment]  # tables are dictionaries

    def __repr__(self) -> str:
        return f"<Homomorphism {self.dom!r} -> {self.cod!r}>"


@overload
def pull(functor: Functor, value: CSet) -> CSet: ...
@overload
def pull(functor: Functor, value: Homomorphism) -> Homomorphism: ...
def pull(functor: Functor, value: CSet | Homomorphism) -> CSet | Homomorphism:
    """The model of `functor.dom` that one of `functor.cod` gives: first the functor, then the model.

    A homomorphism is pulled back in the same way. Where a sort goes to a product, its elements are tuples. A
    functor preserves laws, so that the result is a model.

    >>> P, Q = Presentation("Graph"), Presentation("Dynamics")
    >>> V, E, X = *P.objects("V", "E"), *Q.objects("X")
    >>> src, tgt, step = P.morphism("src", E, V), P.morphism("tgt", E, V), Q.morphism("step", X, X)
    >>> orbits = Functor(P, Q, {"V": X, "E": X}, {"src": identity(X), "tgt": step})
    >>> print(pull(orbits, CSet(Q, {"X": 3}, {"step": [1, 2, 0]})))
    V = {0, 1, 2}
    E = {0, 1, 2}
    src : 0 |-> 0, 1 |-> 1, 2 |-> 2
    tgt : 0 |-> 1, 1 |-> 2, 2 |-> 0
    """
    sorts = functor.dom.sorts.items()
    if isinstance(value, Homomorphism):
        dom, cod = pull(functor, value.dom), pull(functor, value.cod)
        components = {}
        for name, sort in sorts:
            components[name] = {x: value.image(functor(sort), x) for x in dom(sort)}
        return Homomorphism(dom, cod, components)
    if value.presentation is not functor.cod:
        raise TheoryError(f"{functor!r} pulls back models of {functor.cod.name}, not a {value._what}")
    sets = {name: value(functor(sort)) for name, sort in sorts}
    maps = {}
    for name, generator in functor.dom.generators.items():
        table = value(functor(generator))
        dom, cod = ([len(functor(sort).factors) for sort in end.factors] for end in (generator.dom, generator.cod))
        maps[name] = {_nested(dom, key): _nested(cod, image) for key, image in table.items()}
    return CSet(functor.dom, sets, maps)


def cells(obj: Object, element: Any) -> list[tuple[str, Element]]:
    """The components of an element of an object, each with the name of its sort.

    >>> P = Presentation("P")
    >>> A, B = P.objects("A", "B")
    >>> cells(A * B, (0, 1)), cells(B, 1), cells(P.unit, ())
    ([('A', 0), ('B', 1)], [('B', 1)], [])
    """
    if len(obj.factors) == 1:
        return [(obj.name, element)]
    return [(sort.name, part) for sort, part in zip(obj.factors, element, strict=True)]


def _bare(flat: Column) -> Element:
    """A tuple with one entry, as that entry."""
    return flat[0] if len(flat) == 1 else flat


def _nested(widths: list[int], element: Any) -> Element:
    """A flat element of a product, as an element of the product of the products of these many factors."""
    flat = (element,) if sum(widths) == 1 else element
    parts, start = [], 0
    for width in widths:
        parts.append(flat[start] if width == 1 else flat[start : start + width])
        start += width
    return _bare(tuple(parts))


def _columns(obj: Object, elements: Column) -> list[Column]:
    """The factors of many elements of an object, one column for each factor."""
    if len(obj.factors) == 1:
        return [elements]
    return list(zip(*elements, strict=True)) if elements else [()] * len(obj.factors)


def _elements(what: str, given: int | Iterable[Element]) -> Column:
    if isinstance(given, int) and given < 0:
        raise TheoryError(f"{what}: {given} is no number of elements")
    elements = tuple(range(given)) if isinstance(given, int) else tuple(given)
    if len(set(elements)) < len(elements):
        twice = next(element for i, element in enumerate(elements) if element in elements[:i])
        raise TheoryError(f"{what} has the element {twice!r} twice")
    return elements


def _table(what: str, name: str, obj: Object, model: CSet, given: Mapping[Any, Element] | Iterable[Element]) -> Table:
    if isinstance(given, Mapping):
        return dict(given)
    keys, values = model(obj), tuple(given)
    if len(keys) != len(values):
        raise TheoryError(LENGTH.format(what=what, name=name, count=len(values), obj=obj, size=len(keys)))
    return dict(zip(keys, values, strict=True))


def _table_failures(
    what: str, name: str, table: Table, dom: tuple[Object, Column], cod: tuple[Object, Column]
) -> Iterator[Failure]:
    """What keeps a table from being a function between these sets."""
    keys, values = set(dom[1]), set(cod[1])
    for element in dom[1]:
        if element not in table:
            message = MISSING.format(what=what, name=name, at=element)
            yield Failure("missing", name, element, None, message, at=element)
    for element, value in table.items():
        if element not in keys:
            message = EXTRA.format(what=what, name=name, at=element, obj=dom[0])
            yield Failure("extra", name, element, value, message, at=element)
        elif value not in values:
            message = VALUE.format(what=what, name=name, at=element, value=value, obj=cod[0])
            yield Failure("value", name, element, value, message, at=element)
