"""Colimits of finite models, computed pointwise: at each sort, the colimit of the sets.

That is right where every generator and every law starts at a single sort: then the category of models is one of functors
to sets, whose colimits are pointwise (Mac Lane, *Categories for the Working Mathematician*, V.3). It is wrong where an
operation takes several arguments, or none: the coproduct of two groups is their free product, not their disjoint union.
Such presentations are refused.

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

from learningdiagrams.theory.amalgamation import Classes
from learningdiagrams.theory.csets import CSet, Homomorphism
from learningdiagrams.theory.errors import TheoryError
from learningdiagrams.theory.presentations import Presentation

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

        One homomorphism for each leg, in order, all into one model (named by `into` where there are no legs). Raises
        :class:`TheoryError` if they are no cocone.
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
                            f"the homomorphisms are no cocone: what {element!r} of `{name}` becomes in the parts "
                            f"goes to {image!r} and to {other!r}"
                        )
        components = {
            name: [cone[position][name][element] for position, element in origins]
            for name, origins in self._origin.items()
        }
        return Homomorphism(self.apex, into, components)
