"""Presentations: categories with finite products given by objects, generators and laws.

>>> P = Presentation("SymmetricGraph")
>>> V, E = P.objects("V", "E")
>>> src, tgt, inv = P.morphism("src", E, V), P.morphism("tgt", E, V), P.morphism("inv", E, E)
>>> P.law(inv >> inv, identity(E), name="involution")
Law('involution', inv >> inv, identity(E))
>>> P.law(inv >> src, tgt)
Law('law1', inv >> src, tgt)
>>> P["src"] is src, list(P.sorts), list(P.generators), list(P.laws)
(True, ['V', 'E'], ['src', 'tgt', 'inv'], ['involution', 'law1'])
>>> print(P)
diagram SymmetricGraph
<BLANKLINE>
object V, E
map    src : E -> V
map    tgt : E -> V
map    inv : E -> E
<BLANKLINE>
law involution : inv >> inv = id(E)
law inv >> src = tgt
>>> P.prove(inv >> inv >> src, src).holds, P.hom(E, V), P.count(E, E)
(True, [src, tgt], 2)
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from learningdiagrams.theory.errors import TheoryError
from learningdiagrams.theory.morphisms import Morphism, Object, Signature, brief, identity

if TYPE_CHECKING:
    from learningdiagrams.theory.deciding import Proved, Verdict

__all__ = ["Law", "Presentation", "identity"]

PARALLEL: Final = (
    "{what}: the sides are not parallel: `{left}` is a morphism {a} -> {b}, but `{right}` is one {c} -> {d}"
)


@dataclass(frozen=True, slots=True, repr=False)
class Law:
    """An equation between parallel morphisms that holds exactly."""

    name: str
    left: Morphism
    right: Morphism

    def __str__(self) -> str:
        return f"{self.name} : {self.left} = {self.right}"

    def __repr__(self) -> str:
        return f"Law({self.name!r}, {self.left!r}, {self.right!r})"

    def _repr_latex_(self) -> str | None:
        from learningdiagrams.theory.showing import equation_latex

        return equation_latex(self.left, self.right, name=self.name)


def check_parallel(what: str, left: Morphism, right: Morphism) -> None:
    """Raises :class:`TheoryError`, naming `what`, unless both sides share their domain and codomain."""
    if left.dom is not right.dom or left.cod is not right.cod:
        raise TheoryError(
            PARALLEL.format(
                what=what,
                left=brief(left),
                a=left.dom,
                b=left.cod,
                right=brief(right),
                c=right.dom,
                d=right.cod,
            )
        )


class Presentation:
    """A presentation of a category with finite products. It may grow.

    What was made from it stays as it was.
    """

    def __init__(self, name: str = "the presentation") -> None:
        self.name = name
        self.signature: Signature = Signature(name)
        self._laws: dict[str, Law] = {}
        self._standing: Mapping[str, Law] | None = None
        self._standing_generators: Mapping[str, Morphism] = MappingProxyType({})
        self._knowledge: Any = None

    @property
    def unit(self) -> Object:
        """The terminal object 1."""
        return self.signature.unit

    @property
    def sorts(self) -> MappingProxyType[str, Object]:
        return MappingProxyType(self.signature.sorts)

    @property
    def generators(self) -> MappingProxyType[str, Morphism]:
        return MappingProxyType(self.signature.generators)

    @property
    def laws(self) -> MappingProxyType[str, Law]:
        return MappingProxyType(self._laws)

    def objects(self, *names: str) -> tuple[Object, ...]:
        """Adds sorts; always a tuple, also of one."""
        return tuple(self.signature.sort(name) for name in names)

    def morphism(self, name: str, dom: Object, cod: Object) -> Morphism:
        """Adds a generator dom → cod.

        Ends are objects of this presentation, products and `unit` among them.
        """
        return self.signature.generator(name, dom, cod)

    def law(self, left: Morphism, right: Morphism, name: str | None = None) -> Law:
        """Adds a law; one without a name is law0, law1 … by its place among the laws."""
        if name is None:
            number = len(self._laws)
            while f"law{number}" in self.signature.taken:
                number += 1
            name = f"law{number}"
        self._own_parallel(f"law `{name}`", left, right)
        name = self.signature.take(name, "a law")
        self._laws[name] = Law(name, left, right)
        self._standing = None
        return self._laws[name]

    def laws_as_they_stand(self) -> Mapping[str, Law]:
        """The laws, as a mapping that stays as it is when the presentation grows."""
        if self._standing is None:
            self._standing = MappingProxyType(dict(self._laws))
        return self._standing

    def generators_as_they_stand(self) -> Mapping[str, Morphism]:
        """The generators, as a mapping that stays as it is when the presentation grows."""
        if len(self._standing_generators) < len(self.signature.generators):
            self._standing_generators = MappingProxyType(dict(self.signature.generators))
        return self._standing_generators

    def once_had(self, laws: Mapping[str, Law], generators: Mapping[str, Morphism] | None = None) -> bool:
        """Whether these were all its laws, and all its generators, at some time; it only grows.

        >>> P = Presentation("P")
        >>> (A,) = P.objects("A")
        >>> law = P.law(identity(A), identity(A))
        >>> P.once_had({}), P.once_had({"law0": law}), P.once_had({"law0": Law("law0", law.left, law.right)})
        (True, True, False)
        """
        pairs = [(laws, self._laws)] + ([] if generators is None else [(generators, self.signature.generators)])
        return all(
            len(then) <= len(now) and all(a == b and then[a] is now[b] for a, b in zip(then, now, strict=False))
            for then, now in pairs
        )

    def prove(
        self, left: Morphism, right: Morphism, max_seconds: float = 10.0, max_steps: int | None = None
    ) -> Verdict:
        """Decides whether the laws make two parallel morphisms equal.

        Proved with a proof, Refuted with a witness, or Unknown with a reason: equality modulo laws is
        undecidable in general. Marks are forgotten. Running out of `max_seconds` (which include building the
        proof) or of `max_steps` of work only ever makes the answer Unknown. What is learned is kept for the
        next question.
        """
        from learningdiagrams.theory.deciding import decide

        self._own_parallel("prove", left, right)
        return decide(self, left, right, max_seconds, max_steps)

    def simplify(self, morphism: Morphism, max_seconds: float = 10.0) -> Proved:
        """An equal morphism of no more applications, with the proof: its normal form as far as it is known.

        >>> P = Presentation("Retraction")
        >>> A, B = P.objects("A", "B")
        >>> s, r = P.morphism("s", A, B), P.morphism("r", B, A)
        >>> law = P.law(s >> r, identity(A))
        >>> P.simplify(r >> s >> r >> s).right
        r >> s
        """
        from learningdiagrams.theory.simplifying import simplify

        return simplify(self, morphism, max_seconds)

    def hom(self, dom: Object, cod: Object, limit: int = 10_000, max_seconds: float = 10.0) -> list[Morphism]:
        """The distinct morphisms dom → cod, as normal forms, in the order of size.

        Raises :class:`Infinite` where there are infinitely many, saying why, and :class:`NotDecided` where
        there are more than `limit` or where time ran out.
        """
        from learningdiagrams.theory.deciding import hom

        self._own_ends("hom", dom, cod)
        return hom(self, dom, cod, limit, max_seconds)

    def count(self, dom: Object, cod: Object, max_seconds: float = 10.0) -> int:
        """The number of distinct morphisms dom → cod, found without listing them.

        Raises as :meth:`hom` does.
        """
        from learningdiagrams.theory.deciding import count

        self._own_ends("count", dom, cod)
        return count(self, dom, cod, max_seconds)

    def _own_ends(self, what: str, *ends: Object) -> None:
        for end in ends:
            if not isinstance(end, Object):
                raise TheoryError(f"{what}: {end!r} is no object; ends are objects of {self.name}")
            self.signature.owns(end)

    def _own_parallel(self, what: str, left: Morphism, right: Morphism) -> None:
        for side in (left, right):
            if not isinstance(side, Morphism):
                raise TheoryError(f"{what}: {side!r} is no morphism; a side is an expression over {self.name}")
            self.signature.owns(side)
        check_parallel(what, left, right)

    def __getitem__(self, name: str) -> Any:
        """The object, generator or law of this name."""
        law = self._laws.get(unicodedata.normalize("NFKC", name)) if isinstance(name, str) else None
        return law or self.signature[name]

    def __str__(self) -> str:
        """The text form: a diagram whose generators have no role."""
        from learningdiagrams.language.writing import write_presentation

        return write_presentation(self)

    def __repr__(self) -> str:
        counts = f"{len(self.sorts)} objects, {len(self.generators)} generators, {len(self._laws)} laws"
        return f"<Presentation {self.name}: {counts}>"

    def _repr_html_(self) -> str:
        from learningdiagrams.theory.showing import pictured, presentation_html

        return pictured(self) + presentation_html(self)

    def _repr_svg_(self) -> str | None:
        from learningdiagrams.drawing.notebooks import presentation_svg

        return presentation_svg(self)
