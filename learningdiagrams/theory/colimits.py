"""Colimits of presentations: pushout, coproduct, coequalizer, and the colimit of any finite diagram.

A colimit glues presentations along functors and is the freest way to do so: functors out of the apex are
the same thing as families of functors out of the parts that agree on what was shared (Mac Lane,
*Categories for the Working Mathematician*, III.3). :meth:`Colimit.mediate` is that correspondence.

>>> point, P, Q = Presentation("Point"), Presentation("P"), Presentation("Q")
>>> (X,), (A, B), (C, D) = point.objects("X"), P.objects("A", "B"), Q.objects("C", "D")
>>> f, g = P.morphism("f", A, B), Q.morphism("g", C, D)
>>> po = pushout(Functor(point, P, {"X": "B"}, {}), Functor(point, Q, {"X": "C"}, {}))
>>> list(po.apex.sorts), po.legs[0](f) >> po.legs[1](g)
(['X', 'A', 'D'], f >> g)
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

from learningdiagrams.theory.amalgamation import Amalgam, Arrow, amalgamate
from learningdiagrams.theory.collapses import Collapse, find_collapses
from learningdiagrams.theory.errors import NotDecided, TheoryError
from learningdiagrams.theory.failures import listed
from learningdiagrams.theory.functors import Functor
from learningdiagrams.theory.presentations import Presentation

__all__ = ["Colimit", "coequalizer", "colimit", "coproduct", "initial", "pushout", "second_opinion"]

Made = TypeVar("Made")


@dataclass(frozen=True, eq=False)
class Colimit:
    """A glued presentation, the `apex`, with the functors into it, the `legs`.

    There is one leg for each presentation that was given, in order; a pushout has one for each side, a
    coequalizer one. A leg's image of a generator may be a composite.
    """

    apex: Presentation
    legs: tuple[Functor, ...]
    _amalgam: Amalgam = field(repr=False)
    _arrows: tuple[Arrow, ...] = field(repr=False)
    _shown: tuple[int, ...] = field(repr=False)

    def mediate(self, *functors: Functor, into: Presentation | None = None, max_seconds: float = 10.0) -> Functor:
        """The one functor out of the apex that gives these functors when it follows the legs.

        One functor for each leg, in order, all into one presentation (named by `into` where there are no
        legs). Raises :class:`TheoryError` if they are no cocone, that is, if one of them is no functor or
        they disagree on what was shared, and :class:`NotDecided` if that cannot be told in `max_seconds`.

        >>> P, Q = Presentation("P"), Presentation("Q")
        >>> (A,), (B,) = P.objects("A"), Q.objects("B")
        >>> f, g = P.morphism("f", A, A), Q.morphism("g", B, B)
        >>> both = coproduct(P, P)
        >>> fold = both.mediate(Functor(P, Q, {"A": B}, {"f": g}), Functor(P, Q, {"A": B}, {"f": g >> g}))
        >>> print(fold)
        P + P -> Q
          A |-> B
          A_2 |-> B
          f |-> g
          f_2 |-> g >> g
        """
        end = time.monotonic() + max_seconds
        target = self._target(functors, into)
        for functor in functors:
            _require_functor(functor, end, "mediate", undecided=False)
        cone = dict(zip(self._shown, functors, strict=True))
        for source, through, functor in self._arrows:
            # A part without a leg only has arrows out of it; the first says what the cocone is there.
            along = functor >> cone[through]
            if cone.setdefault(source, along) is not along:
                _require_agreement(cone[source], along, end)
        origin = self._amalgam.origin
        new = [name for name in (*self.apex.sorts, *self.apex.generators) if name not in origin]
        if new:
            raise TheoryError(f"mediate: {self.apex.name} has grown by {listed(new)} since it was glued")
        objects, morphisms = {}, {}
        for name in self.apex.sorts:
            position, old = origin[name]
            objects[name] = cone[position].objects[old]
        for name in self.apex.generators:
            position, old = origin[name]
            morphisms[name] = cone[position].morphisms[old]
        return Functor.from_tables(self.apex, target, objects, morphisms)

    def _target(self, functors: Sequence[Functor], into: Presentation | None) -> Presentation:
        if len(functors) != len(self.legs):
            raise TheoryError(
                f"mediate: one functor for each leg, {len(self.legs)} in all, but {len(functors)} were given"
            )
        for leg, functor in zip(self.legs, _all_functors("mediate", functors), strict=True):
            if functor.dom is not leg.dom:
                raise TheoryError(
                    f"mediate: a functor out of {leg.dom.name} is wanted for the leg {leg!r}, not {functor!r}"
                )
            into = into or functor.cod
            if functor.cod is not into:
                raise TheoryError(f"mediate: all functors end at one presentation, but {functor!r} not at {into.name}")
        if into is None:
            raise TheoryError("mediate: without legs the target has to be named: mediate(into=…)")
        return into

    @cached_property
    def collapses(self) -> list[Collapse]:
        """What gluing changed: pairs of morphisms that differ in a part and are equal in the apex.

        Gluing need not be conservative: an old piece may gain equations. A list of `(leg, left, right,
        proof)`: `left` and `right` are morphisms of `leg.dom` that its laws are refuted to make equal,
        and `proof` shows that the apex makes `leg(left)` and `leg(right)` equal. Found within a small
        budget, so that an empty list says only that none was found.
        """
        return find_collapses(self.apex, self.legs) if self._arrows else []

    def _repr_html_(self) -> str:
        from learningdiagrams.theory.showing import colimit_html, pictured

        return pictured(self) + colimit_html(self)

    def _repr_svg_(self) -> str | None:
        from learningdiagrams.drawing.notebooks import colimit_svg

        return colimit_svg(self.legs, self._arrows, self._shown, self.apex.name)


def colimit(
    presentations: Iterable[Presentation],
    arrows: Iterable[Arrow] = (),
    *,
    name: str | None = None,
    max_seconds: float = 10.0,
    engine: str | None = None,
) -> Colimit:
    """The colimit of a finite diagram: presentations, and functors between them as (from, to, functor).

    Positions count from 0; one presentation may stand at several. Names of the apex come from the first
    presentation that has them. Raises :class:`TheoryError` for functors that send an object to a product,
    since the apex would need a sort that is a product, and for functors with failures other than
    "undecided"; `max_seconds` is for finding those.

    `engine="catlab"` has a running Catlab make the same colimit and compares the two, as for pushouts, coproducts
    and coequalizers; see :func:`learningdiagrams.theory.catlab.seconded`.

    >>> P = Presentation("P")
    >>> A, B = P.objects("A", "B")
    >>> f, g = P.morphism("f", A, B), P.morphism("g", A, B)
    >>> swap = Functor(P, P, {"A": A, "B": B}, {"f": g, "g": f})
    >>> list(colimit([P], [(0, 0, swap)]).apex.generators)
    ['f']
    """
    parts, arrows = tuple(presentations), tuple(arrows)
    for arrow in arrows:
        if not (isinstance(arrow, tuple | list) and len(arrow) == 3 and all(isinstance(it, int) for it in arrow[:2])):
            raise TheoryError(f"colimit: {arrow!r} is no arrow; arrows are (from, to, functor), positions from 0")
    return second_opinion(_colimit(parts, arrows, tuple(range(len(parts))), name, max_seconds), engine)


def pushout(
    left: Functor,
    right: Functor,
    *more: Functor,
    name: str | None = None,
    max_seconds: float = 10.0,
    engine: str | None = None,
) -> Colimit:
    """The pushout of F : R → P and G : R → Q (and more functors out of R): P and Q glued along R.

    Names come from R first, then from P, then from Q.

    >>> R, P, Q = Presentation("R"), Presentation("P"), Presentation("Q")
    >>> (A, B), (C, D, E) = R.objects("A", "B"), Q.objects("C", "D", "E")
    >>> arrow = R.morphism("arrow", A, B)
    >>> X, Y = P.objects("X", "Y")
    >>> f, g, h = P.morphism("f", X, Y), Q.morphism("g", C, D), Q.morphism("h", D, E)
    >>> po = pushout(Functor(R, P, {A: X, B: Y}, {arrow: f}), Functor(R, Q, {A: C, B: E}, {arrow: g >> h}))
    >>> list(po.apex.sorts), list(po.apex.generators), po.legs[0](f)
    (['A', 'B', 'D'], ['g', 'h'], g >> h)
    """
    functors = _all_functors("pushout", (left, right, *more))
    for functor in functors:
        if functor.dom is not left.dom:
            raise TheoryError(
                f"pushout: all functors start at one presentation, but {functor!r} does not start at {left.dom.name}"
            )
    parts = (left.dom, *(functor.cod for functor in functors))
    arrows = tuple((0, position, functor) for position, functor in enumerate(functors, start=1))
    return second_opinion(_colimit(parts, arrows, tuple(range(1, len(parts))), name, max_seconds), engine)


def coproduct(*presentations: Presentation, name: str | None = None, engine: str | None = None) -> Colimit:
    """The coproduct: the presentations beside each other. Of none, it is :func:`initial`."""
    return second_opinion(_colimit(presentations, (), tuple(range(len(presentations))), name, 0.0), engine)


def initial(name: str = "the empty presentation") -> Colimit:
    """The initial presentation, which is empty; `initial().mediate(into=Q)` is the one functor from it to Q.

    >>> initial().mediate(into=Presentation("Q"))
    <Functor the empty presentation -> Q>
    """
    return coproduct(name=name)


def coequalizer(
    left: Functor,
    right: Functor,
    *more: Functor,
    name: str | None = None,
    max_seconds: float = 10.0,
    engine: str | None = None,
) -> Colimit:
    """The coequalizer of F, G : P → Q: Q with F(x) and G(x) made equal. Its one leg starts at Q.

    >>> P, Q = Presentation("Point"), Presentation("Segment")
    >>> (X,), (A, B) = P.objects("X"), Q.objects("A", "B")
    >>> f = Q.morphism("f", A, B)
    >>> loop = coequalizer(Functor(P, Q, {X: A}, {}), Functor(P, Q, {X: B}, {}))
    >>> loop.legs[0](f) >> loop.legs[0](f)
    f >> f
    """
    functors = _all_functors("coequalizer", (left, right, *more))
    for functor in functors:
        if functor.dom is not left.dom or functor.cod is not left.cod:
            raise TheoryError(f"coequalizer: {left!r} and {functor!r} are not parallel")
    arrows = tuple((0, 1, functor) for functor in functors)
    return second_opinion(_colimit((left.dom, left.cod), arrows, (1,), name, max_seconds), engine)


def second_opinion(made: Made, engine: str | None) -> Made:
    """A colimit of presentations or of C-sets with the opinion of an engine, "catlab"; as it is where that is None."""
    if engine is None:
        return made
    if engine != "catlab":
        raise TheoryError(f"there is no engine {engine!r} to ask for a second opinion; there is 'catlab'")
    from learningdiagrams.theory.catlab import seconded

    return seconded(made)


def _all_functors(what: str, given: Iterable[Functor]) -> tuple[Functor, ...]:
    functors = tuple(given)
    for functor in functors:
        if not isinstance(functor, Functor):
            raise TheoryError(f"{what}: {functor!r} is no functor; functors are what presentations are glued along")
    return functors


def _colimit(
    parts: Sequence[Presentation],
    arrows: tuple[Arrow, ...],
    shown: tuple[int, ...],
    name: str | None,
    max_seconds: float,
) -> Colimit:
    end = time.monotonic() + max_seconds
    for part in parts:
        if not isinstance(part, Presentation):
            raise TheoryError(f"colimit: {part!r} is no presentation; presentations are what is glued")
    _all_functors("colimit", (functor for _, _, functor in arrows))
    for source, target, functor in arrows:
        for position, presentation in ((source, functor.dom), (target, functor.cod)):
            if not 0 <= position < len(parts) or parts[position] is not presentation:
                there = parts[position].name if 0 <= position < len(parts) else "nothing"
                raise TheoryError(
                    f"colimit: ({source}, {target}, {functor!r}): {presentation.name} is wanted at position "
                    f"{position}, where there is {there}"
                )
        for sort, image in functor.objects.items():
            if len(image.factors) != 1:
                raise TheoryError(
                    f"colimit: {functor!r} sends `{sort}` to {image}, which is no sort; "
                    "a colimit needs functors from sorts to sorts, since a sort of the apex is no product"
                )
        _require_functor(functor, end, "colimit", undecided=True)
    title = name if name is not None else " + ".join(parts[position].name for position in shown)
    amalgam = amalgamate(title, parts, arrows)
    legs = tuple(amalgam.legs[position] for position in shown)
    return Colimit(amalgam.apex, legs, amalgam, arrows, shown)


def _require_functor(functor: Functor, end: float, what: str, undecided: bool) -> None:
    """Raises :class:`TheoryError` if this is no functor, :class:`NotDecided` if it may be none.

    `undecided` lets the second pass.
    """
    failures = functor.failures(max_seconds=max(0.0, end - time.monotonic()))
    certain = [failure for failure in failures if failure.kind != "undecided"]
    if certain:
        more = f" (and {len(certain) - 1} more)" if len(certain) > 1 else ""
        raise TheoryError(f"{what}: {functor!r} is no functor: {certain[0]}{more}")
    if failures and not undecided:
        raise NotDecided(f"{what}: {functor!r} may be no functor: {failures[0]}")


def _require_agreement(one: Functor, other: Functor, end: float) -> None:
    differences = one.differences(other, max_seconds=max(0.0, end - time.monotonic()))
    certain = [failure for failure in differences if failure.kind != "undecided"]
    if certain:
        more = f" (and {len(certain) - 1} more)" if len(certain) > 1 else ""
        raise TheoryError(f"the functors are no cocone: in {one.dom.name}, {certain[0]}{more}")
    if differences:
        raise NotDecided(f"whether the functors are a cocone: in {one.dom.name}, {differences[0]}")
