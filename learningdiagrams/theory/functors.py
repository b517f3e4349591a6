"""Functors between presented categories, with everything that can be wrong with them.

A functor preserves composition, identities and finite products, so that it is given by the images of
sorts and of generators; it is one exactly when the images have the right ends and every law of its domain
is an equation that the laws of its codomain prove. A sort may go to a product, a generator to any
morphism.

>>> from learningdiagrams.theory.presentations import Presentation
>>> P, Q = Presentation("Idempotent"), Presentation("Involution")
>>> (A,), (X,) = P.objects("A"), Q.objects("X")
>>> e, s = P.morphism("e", A, A), Q.morphism("s", X, X)
>>> P.law(e >> e, e, name="idempotent"), Q.law(s >> s, identity(X), name="involution")
(Law('idempotent', e >> e, e), Law('involution', s >> s, identity(X)))
>>> trivial = Functor(P, Q, objects={"A": "X"}, morphisms={"e": s >> s})
>>> trivial.failures(), trivial(e >> e)
([], s >> s >> s >> s)
>>> for failure in Functor(P, Q, objects={A: X}, morphisms={e: s}).failures():
...     print(failure.kind, failure.what, failure, sep=" | ")
law | idempotent | law `idempotent`: Involution refutes its image `s >> s = s`
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, overload

from learningdiagrams.theory.errors import TheoryError
from learningdiagrams.theory.failures import Failure, judged, listed, morphism_of, named, object_of, tabulated
from learningdiagrams.theory.fidelity import Fidelity, is_faithful, is_full
from learningdiagrams.theory.morphisms import Generator, Morphism, Object, brief, identity
from learningdiagrams.theory.presentations import Presentation
from learningdiagrams.theory.terms import substitute

if TYPE_CHECKING:
    from learningdiagrams.theory.csets import CSet, Homomorphism

__all__ = ["Functor", "generators_in", "identity"]

END: Final = (
    "`{name}` : {dom} -> {cod} is sent to `{image}` : {a} -> {b}, which {verb} {is_at}; "
    "it would have to {infinitive} {should}, the image of {end}"
)
ILL_TYPED: Final = "{functor} has no value at an expression with `{name}`: {message}"
GROWN: Final = "{presentation} has grown by {names} since the {functor} was made; make it again with images for them"


class Functor:
    """The functor dom → cod with these images; keys and values by name or by value.

    Raises :class:`TheoryError` where a key is missing or unknown and where an image is not in `cod`.
    Images with wrong ends, and laws that are not preserved, are what :meth:`failures` says. `F(x)` is the
    image of an object or a morphism, `F >> G` the composite. Functors are `==` when their images are
    equal expressions; :meth:`equals` is equality up to the laws.

    >>> P, Q = Presentation("P"), Presentation("Q")
    >>> A, B, X = *P.objects("A", "B"), *Q.objects("X")
    >>> f, m = P.morphism("f", A * B, A), Q.morphism("m", X * X * X, X * X)
    >>> F = Functor(P, Q, objects={"A": X * X, "B": "X"}, morphisms={"f": "m"})
    >>> print(F)
    P -> Q
      A |-> X * X
      B |-> X
      f |-> m
    >>> F(B * A), F("f")
    (X * X * X, m)
    >>> Functor(P, Q, objects={"A": "X"}, morphisms={"f": m})
    Traceback (most recent call last):
    ...
    learningdiagrams.theory.errors.TheoryError: functor P -> Q: objects= has nothing for `B`; each object of P
    needs an entry
    """

    __slots__ = ("_ends", "_images", "_products", "_sorts", "cod", "dom")

    def __init__(
        self,
        dom: Presentation,
        cod: Presentation,
        objects: Mapping[Any, str | Object],
        morphisms: Mapping[Any, str | Morphism],
    ) -> None:
        what = f"functor {dom.name} -> {cod.name}"
        sorts = tabulated(
            what, "objects=", "object", dom.name, dom.sorts, objects,
            lambda name, value: object_of(cod, f"{what}: objects= at `{name}`", value),
        )  # fmt: skip
        images = tabulated(
            what, "morphisms=", "generator", dom.name, dom.generators, morphisms,
            lambda name, value: morphism_of(cod, f"{what}: morphisms= at `{name}`", value),
        )  # fmt: skip
        self._set(dom, cod, sorts, images)

    @classmethod
    def from_tables(
        cls, dom: Presentation, cod: Presentation, sorts: dict[str, Object], images: dict[str, Morphism]
    ) -> Functor:
        """The functor with these tables, which have to be complete, in order, by name and of values."""
        made = cls.__new__(cls)
        made._set(dom, cod, sorts, images)
        return made

    def _set(self, dom: Presentation, cod: Presentation, sorts: dict[str, Object], images: dict[str, Morphism]) -> None:
        self.dom: Presentation = dom
        self.cod: Presentation = cod
        self._sorts = sorts
        self._images = images
        self._products: dict[Object, Object] = {dom.unit: cod.unit}
        self._products.update((dom.sorts[name], image) for name, image in sorts.items())
        self._ends = self._examine_ends()

    @classmethod
    def identity(cls, presentation: Presentation) -> Functor:
        """The identity functor.

        >>> P = Presentation("P")
        >>> (A,) = P.objects("A")
        >>> Functor.identity(P)(A) is A
        True
        """
        return cls.inclusion(presentation, presentation)

    @classmethod
    def inclusion(cls, dom: Presentation, cod: Presentation) -> Functor:
        """The functor that sends everything to what has its name in `cod`; names missing there are errors."""
        return cls(dom, cod, {name: name for name in dom.sorts}, {name: name for name in dom.generators})

    @property
    def objects(self) -> Mapping[str, Object]:
        """The images of the sorts, by name."""
        return MappingProxyType(self._sorts)

    @property
    def morphisms(self) -> Mapping[str, Morphism]:
        """The images of the generators, by name."""
        return MappingProxyType(self._images)

    @overload
    def __call__(self, value: Object) -> Object: ...
    @overload
    def __call__(self, value: Morphism) -> Morphism: ...
    @overload
    def __call__(self, value: str) -> Object | Morphism: ...
    def __call__(self, value: Object | Morphism | str) -> Object | Morphism:
        """The image of an object or a morphism of the domain, by value or by name.

        What the expression wrote once, its image writes once. Raises :class:`TheoryError` at an
        expression that mentions a generator whose image has the wrong ends.
        """
        if not isinstance(value, Object | Morphism):
            value = named(self.dom, repr(self), value)
        self.dom.signature.owns(value)
        if isinstance(value, Object):
            return self._object(value)
        generator = value.generator
        return substitute(value, self._object, self._image) if generator is None else self._image(generator)

    def _object(self, obj: Object) -> Object:
        image = self._products.get(obj)
        if image is None:
            self._require_whole()
            factors = [factor for sort in obj.factors for factor in self._products[sort].factors]
            image = self._products[obj] = self.cod.signature.product(factors)
        return image

    def _image(self, generator: Generator) -> Morphism:
        if generator.name in self._ends:
            message = self._ends[generator.name][0].message
            raise TheoryError(ILL_TYPED.format(functor=repr(self), name=generator.name, message=message))
        image = self._images.get(generator.name)
        if image is None:
            self._require_whole()
        return image  # type: ignore[return-value]  # the line above raises

    def _require_whole(self) -> None:
        """Raises :class:`TheoryError` if the domain has grown."""
        new = [name for name in self.dom.sorts if name not in self._sorts]
        new += [name for name in self.dom.generators if name not in self._images]
        if new:
            raise TheoryError(
                GROWN.format(presentation=self.dom.name, names=listed(new), functor=f"functor {_arrow(self)}")
            )

    def _examine_ends(self) -> dict[str, list[Failure]]:
        found: dict[str, list[Failure]] = {}
        for name, image in self._images.items():
            generator = self.dom.generators[name]
            sides = []
            dom, cod = self._object(generator.dom), self._object(generator.cod)
            if image.dom is not dom:
                sides.append(("domain", "starts at", "start at", dom, image.dom, generator.dom))
            if image.cod is not cod:
                sides.append(("codomain", "ends at", "end at", cod, image.cod, generator.cod))
            for kind, verb, infinitive, should, is_at, end in sides:
                message = END.format(
                    name=name, dom=generator.dom, cod=generator.cod, image=brief(image),
                    a=image.dom, b=image.cod, verb=verb, infinitive=infinitive,
                    is_at=is_at, should=should, end=end,
                )  # fmt: skip
                found.setdefault(name, []).append(Failure(kind, name, should, is_at, message))
        return found

    def failures(self, max_seconds: float = 10.0) -> list[Failure]:
        """Everything that keeps this from being a functor; [] when nothing does.

        Kinds: "domain" and "codomain" (`left` the end that the image should have, `right` the one it
        has), "law" (the sides' images, with the refutation as `verdict`) and "undecided" (the same, with
        what was spent). Laws that mention a generator with wrong ends are not judged. `max_seconds` is
        the time for all laws together.
        """
        self._require_whole()
        found = [failure for failures in self._ends.values() for failure in failures]
        laws = [law for law in self.dom.laws.values() if not self._ill(law.left) and not self._ill(law.right)]
        equations = ((law.name, self(law.left), self(law.right)) for law in laws)
        return found + judged(self.cod, equations, "law", "law `{}`", "its image", max_seconds)

    def is_typed(self, generator: str) -> bool:
        """Whether the image of the generator of this name has the right ends."""
        return generator not in self._ends

    def _ill(self, morphism: Morphism) -> bool:
        return bool(self._ends) and any(found.name in self._ends for found in generators_in(morphism))

    def __rshift__(self, other: Functor) -> Functor:
        if not isinstance(other, Functor):
            return NotImplemented
        if self.cod is not other.dom:
            raise TheoryError(
                f"({_arrow(self)}) >> ({_arrow(other)}): the first functor ends at {self.cod.name}, "
                f"but the second starts at {other.dom.name}"
            )
        sorts = {name: other(image) for name, image in self._sorts.items()}
        images = {name: other(image) for name, image in self._images.items()}
        return Functor.from_tables(self.dom, other.cod, sorts, images)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Functor):
            return NotImplemented
        same_ends = self.dom is other.dom and self.cod is other.cod
        return same_ends and self._sorts == other._sorts and self._images == other._images

    def __hash__(self) -> int:
        return hash((self.dom, self.cod, *self._sorts.values(), *self._images.values()))

    def differences(self, other: Functor, max_seconds: float = 10.0) -> list[Failure]:
        """Where two parallel functors differ up to the laws of their codomain; [] where they are equal.

        Kinds: "object" (an object with different images), "morphism" (a generator whose images have
        different ends or are refuted to be equal) and "undecided".
        """
        if self.dom is not other.dom or self.cod is not other.cod:
            raise TheoryError(f"the functors {_arrow(self)} and {_arrow(other)} are not parallel")
        found = []
        for name, image in self._sorts.items():
            there = other._sorts[name]
            if image is not there:
                found.append(Failure("object", name, image, there, f"`{name}` is sent to {image} and to {there}"))
        equations = []
        for name, image in self._images.items():
            there = other._images[name]
            if image.dom is there.dom and image.cod is there.cod:
                equations.append((name, image, there))
            else:
                message = (
                    f"`{name}` is sent to `{brief(image)}` : {image.dom} -> {image.cod} "
                    f"and to `{brief(there)}` : {there.dom} -> {there.cod}"
                )
                found.append(Failure("morphism", name, image, there, message))
        return found + judged(self.cod, equations, "morphism", "`{}`", "that its images are equal:", max_seconds)

    def equals(self, other: Functor, max_seconds: float = 10.0) -> bool | None:
        """Whether parallel functors are equal up to the laws of their codomain; None where not decided.

        >>> P, Q = Presentation("Loop"), Presentation("Involution")
        >>> (A,), (X,) = P.objects("A"), Q.objects("X")
        >>> t, s = P.morphism("t", A, A), Q.morphism("s", X, X)
        >>> law = Q.law(s >> s, identity(X))
        >>> F, G = (Functor(P, Q, {"A": X}, {"t": image}) for image in (s >> s, identity(X)))
        >>> F == G, F.equals(G)
        (False, True)
        """
        kinds = {failure.kind for failure in self.differences(other, max_seconds)}
        return False if kinds - {"undecided"} else None if kinds else True

    def is_faithful(
        self,
        dom: Object | None = None,
        cod: Object | None = None,
        *,
        limit: int = 200,
        max_seconds: float = 10.0,
    ) -> Fidelity:
        """Whether different morphisms dom → cod of the domain have different images, up to the laws.

        An end that is left out stands for every sort. The answer is three-valued: `holds` is None where a
        hom-set is infinite or has more than `limit` morphisms, or where time ran out; `reason` says so.

        >>> P, Q = Presentation("Parallel"), Presentation("Arrow")
        >>> (A, B), (X, Y) = P.objects("A", "B"), Q.objects("X", "Y")
        >>> f, g, h = P.morphism("f", A, B), P.morphism("g", A, B), Q.morphism("h", X, Y)
        >>> F = Functor(P, Q, {"A": X, "B": Y}, {"f": h, "g": h})
        >>> F.is_faithful().holds, F.is_faithful().reason, F.is_full().holds
        (False, '`f` and `g` differ, but their images are equal', True)
        """
        return is_faithful(self, dom, cod, limit, max_seconds)

    def is_full(
        self,
        dom: Object | None = None,
        cod: Object | None = None,
        *,
        limit: int = 200,
        max_seconds: float = 10.0,
    ) -> Fidelity:
        """Whether every morphism F(dom) → F(cod) is an image, up to the laws; see :meth:`is_faithful`."""
        return is_full(self, dom, cod, limit, max_seconds)

    @overload
    def pull(self, value: CSet) -> CSet: ...
    @overload
    def pull(self, value: Homomorphism) -> Homomorphism: ...
    def pull(self, value: CSet | Homomorphism) -> CSet | Homomorphism:
        """The model of the domain that one of the codomain gives: first this functor, then the model.

        Homomorphisms of models too. See :func:`learningdiagrams.theory.csets.pull`.
        """
        from learningdiagrams.theory.csets import pull

        return pull(self, value)

    def __str__(self) -> str:
        table = [*self._sorts.items(), *self._images.items()]
        return "\n".join([_arrow(self), *(f"  {name} |-> {image}" for name, image in table)])

    def __repr__(self) -> str:
        return f"<Functor {_arrow(self)}>"

    def _repr_html_(self) -> str:
        from learningdiagrams.theory.showing import functor_html

        return functor_html(self)


def generators_in(morphism: Morphism) -> list[Generator]:
    """The generators that an expression is written with, each once, in the order of their first occurrence.

    An expression may be written with more generators than its normal form has.

    >>> P = Presentation("P")
    >>> (A,) = P.objects("A")
    >>> f, g = P.morphism("f", A, A), P.morphism("g", A, A)
    >>> generators_in(f >> g >> f >> (f & g))
    [f : A -> A, g : A -> A]
    """
    found: dict[Generator, None] = {}
    seen: set[int] = set()
    stack = [morphism]
    while stack:
        node = stack.pop()
        if node.op == "generator":
            found[node.parts[0]] = None
        elif id(node) not in seen:
            seen.add(id(node))
            stack += [part for part in reversed(node.parts) if isinstance(part, Morphism)]
    return list(found)


def _arrow(functor: Functor) -> str:
    return f"{functor.dom.name} -> {functor.cod.name}"
