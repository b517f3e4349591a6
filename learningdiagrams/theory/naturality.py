"""Natural transformations between functors of presentations.

A transformation F ⇒ G between functors P → Q that preserve finite products is given by a component F(A) →
G(A) at each sort A; at a product it is the product of the components. It is natural exactly when F(f) >>
t = t >> G(f) for each generator f of P.

>>> P, Q = Presentation("Arrow"), Presentation("Square")
>>> (A, B), (S, T, U, V) = P.objects("A", "B"), Q.objects("S", "T", "U", "V")
>>> a = P.morphism("a", A, B)
>>> f, g, h, k = Q.morphism("f", S, T), Q.morphism("g", U, V), Q.morphism("h", S, U), Q.morphism("k", T, V)
>>> F = Functor(P, Q, objects={"A": "S", "B": "T"}, morphisms={"a": "f"})
>>> G = Functor(P, Q, objects={"A": "U", "B": "V"}, morphisms={"a": "g"})
>>> t = NaturalTransformation(F, G, components={"A": "h", "B": "k"})
>>> for failure in t.failures():
...     print(failure.kind, failure.what, failure.left, failure.right, sep=" | ")
naturality | a | f >> k | h >> g
>>> law = Q.law(f >> k, h >> g, name="square")
>>> t.failures(), t(A * B)
([], h @ k)
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from learningdiagrams.theory.errors import TheoryError
from learningdiagrams.theory.failures import Failure, judged, morphism_of, object_of, tabulated
from learningdiagrams.theory.functors import Functor
from learningdiagrams.theory.morphisms import Morphism, Object, brief, identity
from learningdiagrams.theory.presentations import Presentation

__all__ = ["NaturalTransformation", "Presentation"]

END: Final = (
    "the component at `{name}` is `{component}` : {a} -> {b}, which {verb} {is_at}; "
    "it would have to {infinitive} {should}, the image of {name} under the {which} functor"
)


class NaturalTransformation:
    """The transformation F ⇒ G with these components, one for each sort of the domain; by name or by value.

    Raises :class:`TheoryError` where F and G are not parallel, where a key is missing or unknown, and
    where a component is not in the codomain. What is wrong with the components, :meth:`failures` says. `t
    >> u` is the vertical composite, `F >> t` and `t >> G` whisker a functor on, :meth:`beside` is the
    horizontal composite.
    """

    __slots__ = ("_components", "source", "target")

    def __init__(self, source: Functor, target: Functor, components: Mapping[Any, str | Morphism]) -> None:
        if source.dom is not target.dom or source.cod is not target.cod:
            raise TheoryError(
                f"natural transformation {source!r} => {target!r}: the functors are not parallel, "
                "and only parallel functors have transformations between them"
            )
        self.source: Functor = source
        self.target: Functor = target
        dom, cod = source.dom, source.cod
        what = f"natural transformation between functors {dom.name} -> {cod.name}"
        self._components = tabulated(
            what, "components=", "object", dom.name, dom.sorts, components,
            lambda name, value: morphism_of(cod, f"{what}: components= at `{name}`", value),
        )  # fmt: skip

    @classmethod
    def identity(cls, functor: Functor) -> NaturalTransformation:
        """The identity transformation of a functor."""
        return cls(functor, functor, {name: identity(image) for name, image in functor.objects.items()})

    @property
    def components(self) -> Mapping[str, Morphism]:
        """The components at the sorts, by name."""
        return MappingProxyType(self._components)

    def __call__(self, obj: Object | str) -> Morphism:
        """The component at an object of the domain; at a product, the product of the components."""
        obj = object_of(self.source.dom, "component", obj)
        made: Morphism | None = None
        for sort in obj.factors:
            part = self._components[sort.name]
            made = part if made is None else made @ part
        return identity(self.source.cod.unit) if made is None else made

    def failures(self, max_seconds: float = 10.0) -> list[Failure]:
        """Everything that keeps this from being natural; [] when nothing does.

        Kinds: "domain" and "codomain" of a component (`left` the end that it should have, `right` the one
        it has), "naturality" (`what` the generator, the two sides of its square, the refutation as
        `verdict`) and "undecided" (the same, with what was spent). Squares with an ill-typed component,
        or of a generator whose image under one of the functors is ill-typed, are not judged.
        `max_seconds` is the time for all squares together.
        """
        found = []
        for name, part in self._components.items():
            ends = (
                ("domain", "starts at", "start at", self.source.objects[name], part.dom, "first"),
                ("codomain", "ends at", "end at", self.target.objects[name], part.cod, "second"),
            )
            for kind, verb, infinitive, should, is_at, which in ends:
                if should is not is_at:
                    message = END.format(
                        name=name, component=brief(part), a=part.dom, b=part.cod, verb=verb,
                        infinitive=infinitive, should=should, is_at=is_at, which=which,
                    )  # fmt: skip
                    found.append(Failure(kind, name, should, is_at, message))
        wrong = {failure.what for failure in found}
        squares = []
        for name, generator in self.source.dom.generators.items():
            sorts = {sort.name for sort in (*generator.dom.factors, *generator.cod.factors)}
            if wrong.isdisjoint(sorts) and self.source.is_typed(name) and self.target.is_typed(name):
                left = self.source(generator) >> self(generator.cod)
                squares.append((name, left, self(generator.dom) >> self.target(generator)))
        cod = self.source.cod
        return found + judged(cod, squares, "naturality", "`{}`", "its naturality square", max_seconds)

    def __rshift__(self, other: NaturalTransformation | Functor) -> NaturalTransformation:
        if isinstance(other, Functor):
            components = {name: other(part) for name, part in self._components.items()}
            return NaturalTransformation(self.source >> other, self.target >> other, components)
        if not isinstance(other, NaturalTransformation):
            return NotImplemented
        if self.target != other.source:
            raise TheoryError(
                f"the transformation into {self.target!r} does not meet the one out of {other.source!r}: "
                "the middle functors differ"
            )
        components = {name: part >> other._components[name] for name, part in self._components.items()}
        return NaturalTransformation(self.source, other.target, components)

    def __rrshift__(self, functor: Functor) -> NaturalTransformation:
        if not isinstance(functor, Functor):
            return NotImplemented
        components = {name: self(image) for name, image in functor.objects.items()}
        return NaturalTransformation(functor >> self.source, functor >> self.target, components)

    def beside(self, other: NaturalTransformation) -> NaturalTransformation:
        """The horizontal composite: for F ⇒ G : P → Q and H ⇒ K : Q → R, the transformation F >> H ⇒ G >> K.

        Written as (self >> H) >> (G >> other); the other way round gives an equal one by naturality of
        `other`.
        """
        return (self >> other.source) >> (self.target >> other)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, NaturalTransformation):
            return NotImplemented
        ends = (self.source, self.target) == (other.source, other.target)
        return ends and self._components == other._components

    def __hash__(self) -> int:
        return hash((self.source, self.target, *self._components.values()))

    def differences(self, other: NaturalTransformation, max_seconds: float = 10.0) -> list[Failure]:
        """Where two transformations of the same functors differ; kinds "component" and "undecided"."""
        if (self.source, self.target) != (other.source, other.target):
            raise TheoryError("the transformations are not between the same functors")
        pairs = [(name, part, other._components[name]) for name, part in self._components.items()]
        return judged(self.source.cod, pairs, "component", "`{}`", "that its components are equal:", max_seconds)

    def equals(self, other: NaturalTransformation, max_seconds: float = 10.0) -> bool | None:
        """Whether two transformations of the same functors are equal up to the laws; None if not decided."""
        kinds = {failure.kind for failure in self.differences(other, max_seconds)}
        return False if "component" in kinds else None if kinds else True

    def __str__(self) -> str:
        between = f"{self.source.dom.name} -> {self.source.cod.name}"
        return "\n".join([between, *(f"  {name} : {part}" for name, part in self._components.items())])

    def __repr__(self) -> str:
        return f"<NaturalTransformation {self.source!r} => {self.target!r}>"

    def _repr_html_(self) -> str:
        from learningdiagrams.theory.showing import transformation_html

        return transformation_html(self)
