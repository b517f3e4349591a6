"""A second opinion: what Catlab says of a colimit or a functor of ours, and how that compares."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from learningdiagrams.theory import colimits, cset_colimits
from learningdiagrams.theory.catlab.acsets import (
    attribute_types,
    from_sexpr,
    path,
    read_components,
    read_instance,
    schema_form,
)
from learningdiagrams.theory.catlab.bridge import CatlabError, bridge
from learningdiagrams.theory.catlab.programs import Program
from learningdiagrams.theory.colimits import Colimit
from learningdiagrams.theory.cset_colimits import CSetColimit
from learningdiagrams.theory.csets import CSet, Homomorphism
from learningdiagrams.theory.errors import TheoryError
from learningdiagrams.theory.failures import Failure
from learningdiagrams.theory.functors import Functor
from learningdiagrams.theory.morphisms import Morphism
from learningdiagrams.theory.presentations import Presentation

__all__ = [
    "Disagreement",
    "EquationOpinion",
    "Functoriality",
    "Opinion",
    "SecondedCSetColimit",
    "SecondedColimit",
    "coequalizer",
    "colimit",
    "coproduct",
    "functoriality",
    "pushout",
    "seconded",
]


class Disagreement(CatlabError):
    """Catlab's colimit is not isomorphic to ours in the way that commutes with the legs."""


@dataclass(frozen=True)
class Opinion:
    """Catlab's colimit, as C-sets, and the isomorphism from ours to it that commutes with the legs.

    For functors they are graphs: objects are vertices, generators edges.
    """

    apex: CSet
    legs: tuple[Homomorphism, ...]
    isomorphism: Homomorphism


@dataclass(frozen=True, eq=False)
class SecondedColimit(Colimit):
    """Our colimit of presentations, with Catlab's opinion, which agrees."""

    opinion: Opinion


@dataclass(frozen=True, eq=False)
class SecondedCSetColimit(CSetColimit):
    """Our colimit of C-sets, with Catlab's opinion, which agrees."""

    opinion: Opinion


def pushout(left: Any, right: Any, *more: Any, **options: Any) -> Any:
    """The pushout of functors or of homomorphisms of C-sets, with Catlab's opinion; see :func:`seconded`.

    `options` are those of our own pushout, such as `name`; likewise for the other three.
    """
    return seconded(_home(left).pushout(left, right, *more, **options))


def coequalizer(left: Any, right: Any, *more: Any, **options: Any) -> Any:
    """The coequalizer of functors or of homomorphisms of C-sets, with Catlab's opinion; see :func:`seconded`."""
    return seconded(_home(left).coequalizer(left, right, *more, **options))


def coproduct(left: Any, *more: Any, **options: Any) -> Any:
    """The coproduct of presentations or of C-sets, with Catlab's opinion; see :func:`seconded`."""
    return seconded(_home(left).coproduct(left, *more, **options))


def colimit(parts: Any, arrows: Any = (), **options: Any) -> Any:
    """The colimit of a diagram of presentations or of C-sets, with Catlab's opinion; see :func:`seconded`."""
    parts = tuple(parts)
    return seconded(_home(*parts[:1]).colimit(parts, arrows, **options))


def _home(value: Any = None) -> Any:
    return cset_colimits if isinstance(value, CSet | Homomorphism) else colimits


def seconded(made: Any) -> Any:
    """A colimit of ours with what Catlab makes of the same diagram, as its `opinion`.

    Catlab has no colimits of presentations or of categories. But being free is a left adjoint, so that the
    colimit of graphs answers for functors that send generators to generators; other functors are refused. Raises
    :class:`Disagreement` where the two colimits are not isomorphic in the way that commutes with the legs, and
    :class:`TheoryError` where Catlab cannot be asked.
    """
    asked = asked_of(made)
    text = Program()
    result = bridge().run(text.text(text.colimit(asked.shape, asked.parts, asked.arrows)))
    return agreed(made, asked, json.loads(bridge().export("colimit_json", result)))


@dataclass(frozen=True)
class Asked:
    """A colimit of C-sets as a question: its kind, its diagram, and our apex and legs."""

    shape: str
    parts: dict[int, CSet]
    arrows: list[tuple[int, int, Homomorphism]]
    apex: CSet
    legs: tuple[Homomorphism, ...]
    places: tuple[int, ...]
    """Which of Catlab's legs ours are, in order."""


def asked_of(made: Any) -> Asked:
    """The question whose answer a colimit of ours is; for presentations, about their graphs."""
    if isinstance(made, Colimit):
        graphs = _Graphs()
        apex, legs = graphs.of(made.apex), tuple(graphs.map(leg) for leg in made.legs)
        arrows = [(source, target, graphs.map(functor)) for source, target, functor in made._arrows]
    elif isinstance(made, CSetColimit):
        apex, legs, arrows = made.apex, made.legs, list(made._arrows)
    else:
        raise TheoryError(f"{made!r} is no colimit; pushout, coproduct, coequalizer and colimit make them")
    if attribute_types(apex.presentation):
        raise TheoryError("Catlab is asked about C-sets without attributes")
    parts = {position: leg.dom for position, leg in zip(made._shown, legs, strict=True)}
    for source, target, arrow in arrows:
        parts.setdefault(source, arrow.dom)
        parts.setdefault(target, arrow.cod)
    if len(parts) < 2 and not arrows:
        raise TheoryError("a colimit of fewer than two parts, without arrows, needs no second opinion")
    sources, targets = [source for source, _, _ in arrows], [target for _, target, _ in arrows]
    shown = tuple(made._shown)
    from_one = len(arrows) > 1 and len(set(sources)) == 1 and sources[0] not in shown
    if not arrows:
        shape = "coproduct"
    elif from_one and tuple(targets) == shown:
        shape = "pushout"
    elif from_one and tuple(set(targets)) == shown:
        shape = "coequalizer"
    else:
        shape = "colimit"
    given = list(parts) if shape == "colimit" else list(shown)
    return Asked(shape, parts, arrows, apex, legs, tuple(given.index(position) for position in shown))


def agreed(made: Any, asked: Asked, answer: Mapping[str, Any]) -> Any:
    """Our colimit with Catlab's answer, an apex and the components of its legs; raises :class:`Disagreement`."""
    theirs = read_instance(answer["apex"], asked.apex.presentation)
    legs = tuple(
        read_components(answer["legs"][place], leg.dom, theirs)
        for place, leg in zip(asked.places, asked.legs, strict=True)
    )
    components: dict[str, dict[Any, Any]] = {sort: {} for sort in theirs.sets}
    for ours, leg in zip(asked.legs, legs, strict=True):
        for sort, component in ours.components.items():
            for element, image in component.items():
                there = leg[sort][element]
                if components[sort].setdefault(image, there) != there:
                    raise Disagreement(
                        f"{element!r} of `{sort}` is {image!r} in our apex, which Catlab's legs send to {there!r} and "
                        f"to {components[sort][image]!r}"
                    )
    map_ = Homomorphism(asked.apex, theirs, components)
    if not map_.is_isomorphism():
        raise Disagreement(
            f"our apex {asked.apex!r} is not Catlab's {theirs!r}: what commutes with the legs is no isomorphism"
        )
    kind = SecondedColimit if isinstance(made, Colimit) else SecondedCSetColimit
    values = {field.name: getattr(made, field.name) for field in fields(made) if field.name != "opinion"}
    return kind(**values, opinion=Opinion(theirs, legs, map_))


class _Graphs:
    """Presentations as graphs, and functors that send generators to generators as maps of graphs."""

    def __init__(self) -> None:
        self.schema = Presentation("Graph")
        vertex, edge = self.schema.objects("V", "E")
        self.schema.morphism("src", edge, vertex)
        self.schema.morphism("tgt", edge, vertex)
        self._made: dict[Presentation, CSet] = {}

    def of(self, presentation: Presentation) -> CSet:
        if presentation not in self._made:
            form = schema_form(presentation)
            arrows = [*form["Hom"], *form["Attr"]]
            ends = {"src": [it["dom"] for it in arrows], "tgt": [it["codom"] for it in arrows]}
            sets = {"V": [it["name"] for it in (*form["Ob"], *form["AttrType"])], "E": [it["name"] for it in arrows]}
            self._made[presentation] = CSet(self.schema, sets, ends)
        return self._made[presentation]

    def map(self, functor: Functor) -> Homomorphism:
        edges = {}
        for name, image in functor.morphisms.items():
            steps = path(image)
            if len(steps) != 1:
                raise TheoryError(
                    f"Catlab has colimits of graphs, so that a functor has to send generators to generators; "
                    f"{functor!r} sends `{name}` to `{image}`"
                )
            edges[name] = steps[0]
        vertices = {name: image.name for name, image in functor.objects.items()}
        return Homomorphism(self.of(functor.dom), self.of(functor.cod), {"V": vertices, "E": edges})


# A second opinion on functors --------------------------------------------------------------------------------


@dataclass(frozen=True)
class EquationOpinion:
    """A law under a functor: both sides as Catlab maps them, and what Catlab and we can say of their equality.

    `catlab` is True where the two sides are one term, and None else: Catlab compares no terms up to equations.
    `ours` is True, False or None (not decided). `reason` is Julia's text where Catlab could not map a side.
    """

    law: str
    left: Morphism | None
    right: Morphism | None
    catlab: bool | None
    ours: bool | None
    reason: str = ""


@dataclass(frozen=True)
class Functoriality:
    """Catlab's answer to whether something is a functor, and ours.

    `is_functorial` is Catlab's, which compares the ends of generators' images and nothing else; `bad_domains`
    and `bad_codomains` are the generators that it objects to. `failures` are ours, laws included.
    """

    functor: Functor
    is_functorial: bool
    bad_domains: tuple[str, ...]
    bad_codomains: tuple[str, ...]
    equations: tuple[EquationOpinion, ...]
    failures: tuple[Failure, ...]

    @property
    def holds(self) -> bool | None:
        """Our answer: True, False, or None where a law was not decided."""
        kinds = {failure.kind for failure in self.failures}
        return False if kinds - {"undecided"} else None if kinds else True

    @property
    def agree(self) -> bool:
        """Whether Catlab and we object to the same ends of generators."""
        ours = [tuple(it.what for it in self.failures if it.kind == kind) for kind in ("domain", "codomain")]
        return ours == [self.bad_domains, self.bad_codomains]

    def __str__(self) -> str:
        said = {True: "yes", False: "no", None: "cannot tell"}
        rows = [("", "Catlab", "ours"), ("a functor", said[self.is_functorial], said[self.holds])]
        for end, bad in (("domain", self.bad_domains), ("codomain", self.bad_codomains)):
            ours = {it.what for it in self.failures if it.kind == end}
            names = [name for name in self.functor.dom.generators if name in ours or name in bad]
            rows += [(f"{end} of {name}", said[name not in bad], said[name not in ours]) for name in names]
        rows += [(f"law {it.law}", said[it.catlab], said[it.ours]) for it in self.equations]
        width = max(len(row[0]) for row in rows)
        return "\n".join(f"{what:<{width}}  {catlab:<11}  {ours}".rstrip() for what, catlab, ours in rows)


def functoriality(functor: Functor, max_seconds: float = 10.0) -> Functoriality:
    """Whether this is a functor: Catlab's answer and ours side by side.

    Catlab's `is_functorial` is true for functors that break equations, and raises when it is told to check them.
    So both sides of each law are mapped by Catlab and compared by our own proof.
    """
    julia = bridge()
    program = Program()
    name = program.functor(functor)
    dom, cod = program.category(functor.dom), program.category(functor.cod)
    there, dom, cod = julia.run(program.text(f"({name}, {dom}, {cod})"))
    bad = julia.ask("F -> functoriality_failures(F)", there)
    bad_domains, bad_codomains = (json.loads(julia.export("names_json", it)) for it in bad[:2])
    sides: dict[str, Sequence[Any] | str] = {}
    equations = julia.ask("C -> equations(C)", dom)
    for law, (left, right) in zip(functor.dom.laws, equations, strict=True):
        try:
            images = [julia.ask("(F, term) -> hom_map(F, term)", there, side) for side in (left, right)]
            sides[law] = [json.loads(julia.export("sexpr_json", cod, image)) for image in images]
        except CatlabError as error:
            sides[law] = str(error)
    answer = bool(julia.ask("F -> is_functorial(F)", there))
    return compared(functor, answer, bad_domains, bad_codomains, sides, max_seconds)


def compared(
    functor: Functor,
    answer: bool,
    bad_domains: Sequence[str],
    bad_codomains: Sequence[str],
    sides: Mapping[str, Sequence[Any] | str],
    max_seconds: float = 10.0,
) -> Functoriality:
    """Catlab's answers beside ours: `sides` are the images of each law's sides as s-expressions, or an error."""
    opinions = []
    for law, given in sides.items():
        if isinstance(given, str):
            opinions.append(EquationOpinion(law, None, None, None, None, given))
            continue
        left, right = (from_sexpr(functor.cod, side) for side in given)
        ours = functor.cod.prove(left, right, max_seconds=max_seconds).holds
        opinions.append(EquationOpinion(law, left, right, True if left == right else None, ours))
    failures = tuple(functor.failures(max_seconds=max_seconds))
    return Functoriality(functor, answer, tuple(bad_domains), tuple(bad_codomains), tuple(opinions), failures)
