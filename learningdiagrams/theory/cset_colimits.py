"""Colimits of finite models, computed pointwise: at each sort, the colimit of the sets.

That is right where every generator and every law starts at a single sort: then the category of models is
one of functors to sets, whose colimits are pointwise (Mac Lane, *Categories for the Working
Mathematician*, V.3). It is wrong where an operation takes several arguments, or none: the coproduct of
two groups is their free product, not their disjoint union. Such presentations are refused.

>>> P = Presentation("Graph")
>>> V, E = P.objects("V", "E")
>>> src, tgt = P.morphism("src", E, V), P.morphism("tgt", E, V)
>>> point = CSet(P, {"V": 1, "E": 0}, {"src": [], "tgt": []})
>>> edge = CSet(P, {"V": 2, "E": 1}, {"src": [0], "tgt": [1]})
>>> end, start = (Homomorphism(point, edge, {"V": [v], "E": []}) for v in (1, 0))
>>> print(pushout(end, start).apex)
V = {0, 1, 2}
E = {0, 1}
src : 0 |-> 0, 1 |-> 1
tgt : 0 |-> 1, 1 |-> 2
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from learningdiagrams.theory.colimits import second_opinion
from learningdiagrams.theory.csets import CSet, Homomorphism, cells
from learningdiagrams.theory.errors import TheoryError
from learningdiagrams.theory.presentations import Presentation
from learningdiagrams.theory.union_find import Classes

__all__ = ["CSetColimit", "coequalizer", "colimit", "coproduct", "initial", "pushout"]

Arrow = tuple[int, int, Homomorphism]


@dataclass(frozen=True, eq=False)
class CSetColimit:
    """A glued model, the `apex`, with one homomorphism into it, a leg, from each model that was given."""

    apex: CSet
    legs: tuple[Homomorphism, ...]
    _arrows: tuple[Arrow, ...] = field(repr=False)
    _shown: tuple[int, ...] = field(repr=False)
    _origin: dict[str, list[tuple[int, object]]] = field(repr=False)

    def mediate(self, *maps: Homomorphism, into: CSet | None = None) -> Homomorphism:
        """The one homomorphism out of the apex that gives these when it follows the legs.

        One homomorphism for each leg, in order, all into one model (named by `into` where there are no
        legs). Raises :class:`TheoryError` if they are no cocone.
        """
        if len(maps) != len(self.legs):
            raise TheoryError(f"mediate: {len(self.legs)} homomorphisms are wanted, {len(maps)} were given")
        for leg, given in zip(self.legs, maps, strict=True):
            into = into or given.cod
            if given.dom != leg.dom or given.cod != into:
                raise TheoryError(f"mediate: a homomorphism {leg.dom!r} -> {into!r} is wanted, not {given!r}")
            if failures := given.failures():
                raise TheoryError(f"mediate: {given!r} is no homomorphism: {failures[0]}")
        if into is None:
            raise TheoryError("mediate: without legs the target has to be named: mediate(into=…)")
        cone = dict(zip(self._shown, maps, strict=True))
        for source, through, arrow in self._arrows:
            along = arrow >> cone[through]
            one = cone.setdefault(source, along)
            for name, component in one.components.items():
                for element, image in component.items():
                    if image != (other := along[name][element]):
                        raise TheoryError(
                            f"the homomorphisms are no cocone: what {element!r} of `{name}` becomes in the "
                            f"parts goes to {image!r} and to {other!r}"
                        )
        components = {
            name: [cone[position][name][element] for position, element in origins]
            for name, origins in self._origin.items()
        }
        return Homomorphism(self.apex, into, components)


def colimit(
    models: Iterable[CSet],
    arrows: Iterable[Arrow] = (),
    *,
    presentation: Presentation | None = None,
    engine: str | None = None,
) -> CSetColimit:
    """The colimit of a finite diagram: models, and homomorphisms between them as (from, to, homomorphism).

    Elements of the apex are 0, 1, … in the order in which the models have them. Raises
    :class:`TheoryError` where a colimit is not pointwise, and for models and homomorphisms that are none;
    of no models, `presentation` has to be named.

    `engine="catlab"` has a running Catlab make the same colimit and compares the two, as for pushouts, coproducts
    and coequalizers; see :func:`learningdiagrams.theory.catlab.seconded`.
    """
    parts, arrows = tuple(models), tuple(arrows)
    return second_opinion(_colimit(parts, arrows, tuple(range(len(parts))), presentation), engine)


def pushout(left: Homomorphism, right: Homomorphism, *more: Homomorphism, engine: str | None = None) -> CSetColimit:
    """The pushout of homomorphisms out of one model; one leg for each of their codomains."""
    maps = (left, right, *more)
    for given in maps:
        if given.dom != left.dom:
            raise TheoryError(f"pushout: the homomorphisms start at one model, but {given!r} at another")
    # What is shared comes last, so that the elements of the apex are numbered as those of the codomains are.
    arrows = tuple((len(maps), position, given) for position, given in enumerate(maps))
    made = _colimit((*(given.cod for given in maps), left.dom), arrows, tuple(range(len(maps))))
    return second_opinion(made, engine)


def coproduct(*models: CSet, presentation: Presentation | None = None, engine: str | None = None) -> CSetColimit:
    """The coproduct: the models beside each other."""
    return second_opinion(_colimit(models, (), tuple(range(len(models))), presentation), engine)


def initial(presentation: Presentation) -> CSetColimit:
    """The initial model: all of its sets are empty."""
    return coproduct(presentation=presentation)


def coequalizer(left: Homomorphism, right: Homomorphism, *more: Homomorphism, engine: str | None = None) -> CSetColimit:
    """The coequalizer of parallel homomorphisms; its one leg starts at their codomain."""
    maps = (left, right, *more)
    for given in maps:
        if given.dom != left.dom or given.cod != left.cod:
            raise TheoryError(f"coequalizer: {left!r} and {given!r} are not parallel")
    made = _colimit((left.cod, left.dom), tuple((1, 0, given) for given in maps), (0,))
    return second_opinion(made, engine)


def _colimit(
    parts: Sequence[CSet],
    arrows: tuple[Arrow, ...],
    shown: tuple[int, ...],
    presentation: Presentation | None = None,
) -> CSetColimit:
    presentation = presentation or (parts[0].presentation if parts else None)
    if presentation is None:
        raise TheoryError("a colimit of no models: of which presentation? Name it, presentation=…")
    _require_pointwise(presentation)
    for part in parts:
        if part.presentation is not presentation:
            raise TheoryError(f"a colimit is of models of one presentation; {part!r} is none of {presentation.name}")
        if failures := part.failures():
            raise TheoryError(f"colimit: {part!r} is no model: {failures[0]}")
    for source, target, arrow in arrows:
        for position, model in ((source, arrow.dom), (target, arrow.cod)):
            if not 0 <= position < len(parts) or parts[position] != model:
                raise TheoryError(f"colimit: ({source}, {target}, {arrow!r}): {model!r} is not at position {position}")
        if failures := arrow.failures():
            raise TheoryError(f"colimit: {arrow!r} is no homomorphism: {failures[0]}")

    classes = {name: Classes(part.sets[name] for part in parts) for name in presentation.sorts}
    for source, target, arrow in arrows:
        for name, component in arrow.components.items():
            number = classes[name].number
            for element, image in component.items():
                classes[name].unite(number[source][element], number[target][image])
    roots = {name: {root: i for i, root in enumerate(classes[name].roots())} for name in classes}

    def glued(name: str, position: int, element: object) -> int:
        return roots[name][classes[name].find(classes[name].number[position][element])]

    maps = {}
    for name, generator in presentation.generators.items():
        values = []
        for position, element in _members(classes[generator.dom.name], roots[generator.dom.name]):
            value = parts[position].maps[name][element]
            images = tuple(glued(sort, position, part) for sort, part in cells(generator.cod, value))
            values.append(images[0] if len(generator.cod.factors) == 1 else images)
        maps[name] = values
    apex = CSet(presentation, {name: len(found) for name, found in roots.items()}, maps)
    legs = tuple(
        Homomorphism(
            parts[position],
            apex,
            {name: [glued(name, position, x) for x in elements] for name, elements in parts[position].sets.items()},
        )
        for position in shown
    )
    origin = {name: _members(classes[name], roots[name]) for name in classes}
    return CSetColimit(apex, legs, arrows, shown, origin)


def _members(classes: Classes, roots: Iterable[int]) -> list[tuple[int, object]]:
    return [classes.members[root] for root in roots]


def _require_pointwise(presentation: Presentation) -> None:
    """Raises :class:`TheoryError` where colimits of models are not those of their sets."""
    named = [(f"generator `{name}`", it.dom) for name, it in presentation.generators.items()]
    named += [(f"law `{name}`", law.left.dom) for name, law in presentation.laws.items()]
    for what, dom in named:
        if len(dom.factors) != 1:
            raise TheoryError(
                f"colimits of models of {presentation.name} are not pointwise: the {what} starts at {dom}, "
                "where a single object is needed"
            )
