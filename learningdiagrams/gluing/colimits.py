"""Colimits of diagrams and their legs: what `glue` and `colimit` give."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np

from learningdiagrams.diagram import Diagram
from learningdiagrams.errors import DiagramError, suggestion
from learningdiagrams.gluing.parts import Leg, Shared, assemble
from learningdiagrams.theory.collapses import Collapse, find_collapses
from learningdiagrams.theory.failures import listed
from learningdiagrams.theory.functors import Functor
from learningdiagrams.theory.morphisms import Generator, Morphism, Object, Term
from learningdiagrams.theory.presentations import Presentation
from learningdiagrams.theory.terms import applications

__all__ = ["Gluing", "Leg", "colimit", "glue"]

Numbers = Mapping[str, Mapping[str, Any]]

KINDS: Final = ("object", "generator", "goal", "measure")

COMPOSITE: Final = (
    "`{value}` is a composite; diagrams are glued along generators, and presentations alone along composites "
    "(learningdiagrams.theory.pushout)"
)


@dataclass(frozen=True, eq=False)
class Gluing:
    """What gluing made: the whole, `diagram`, and `legs`, one for each part in order."""

    diagram: Diagram
    legs: tuple[Leg, ...]
    _glued: bool = field(repr=False)

    @cached_property
    def collapses(self) -> list[Collapse]:
        """What gluing changed: `(leg, left, right, proof)`, two morphisms of `leg.source` that its laws do not make
        equal and whose images those of the whole do; the proof is in `diagram.presentation`.

        Gluing need not be conservative. Found within a small budget, so that an empty list says only that none was
        found.
        """
        return find_collapses(self.diagram.presentation, self.legs) if self._glued else []

    def parameters(self, *parts: Any) -> dict[str, dict[str, Any]]:
        """The parameters of the whole that those of the parts are, {generator: {parameter: array}}, one for each leg.

        Compiled parts stand for their parameters. Raises :class:`DiagramError` where parts disagree on what is shared,
        naming it.
        """
        if len(parts) != len(self.legs):
            raise DiagramError(f"parameters: one for each part, {len(self.legs)} in all, but {len(parts)} were given")
        whole: dict[str, dict[str, Any]] = {}
        origin: dict[tuple[str, str], str] = {}
        for leg, part in zip(self.legs, parts, strict=True):
            numbers = part.parameters() if hasattr(part, "maps") else part
            for name, table in leg.push(numbers).items():
                for key, value in table.items():
                    first = origin.setdefault((name, key), leg.source.name)
                    old = whole.setdefault(name, {}).setdefault(key, value)
                    if old is not value and not same_numbers(old, value):
                        raise DiagramError(
                            f"`{name}` is shared, and its {key} in {leg.source.name} is another than in {first}; "
                            "parameters of the whole are one for all parts"
                        )
                whole.setdefault(name, {})
        return whole

    def __repr__(self) -> str:
        return f"<Gluing of {', '.join(leg.source.name for leg in self.legs)}: {self.diagram!r}>"

    def _repr_html_(self) -> str:
        from learningdiagrams.drawing.notebooks import gluing_html

        return gluing_html(self)


def same_numbers(one: Any, other: Any) -> bool:
    """Whether two arrays of any backend hold the same numbers."""
    arrays = (np.asarray(x.detach().cpu() if hasattr(x, "detach") else x) for x in (one, other))
    return bool(np.array_equal(*arrays, equal_nan=True))


def glue(
    left: Diagram,
    right: Diagram,
    share: Mapping[Any, Any] | Iterable[str] = (),
    *,
    name: str | None = None,
    directory: str | Path | None = None,
) -> Gluing:
    """The pushout of two diagrams over the objects, generators, goals and measures that they share.

    Args:
        share: names in `left` -> names in `right`, or just names where they are the same. Sharing a thing shares what
            it is made of: a generator its ends and what its realisation names, a goal or measure its generators.
        name: the title of the whole.
        directory: what relative paths of the whole start from; those of the parts are made relative to it. Where it is
            not given, that of `left`.

    Raises:
        DiagramError: a name that is not there, or things that are shared and disagree, naming both.
    """
    pairs = share if isinstance(share, Mapping) else {each: each for each in share}
    shared = _shared(left, right, pairs)
    middle = Presentation("what is shared")
    ends: dict[Object, Object] = {}
    for mine in shared["object"]:
        (ends[left.sorts[mine]],) = middle.objects(mine)
    for mine in shared["generator"]:
        morphism = left.generators[mine]
        dom, cod = (middle.signature.product(ends[s] for s in end.factors) for end in (morphism.dom, morphism.cod))
        middle.morphism(mine, dom, cod)
    inclusion = Functor.inclusion(middle, left.presentation)
    other = Functor(middle, right.presentation, shared["object"], shared["generator"])
    equations = [Shared(0, mine, 1, theirs) for kind in KINDS[2:] for mine, theirs in shared[kind].items()]
    whole, legs = assemble(
        [left, right], [middle], [(2, 0, inclusion), (2, 1, other)], equations, name, _folder(directory, left)
    )
    return Gluing(whole, legs, bool(pairs))


def colimit(
    diagrams: Iterable[Diagram],
    arrows: Iterable[tuple[int, int, Mapping[Any, Any] | Functor]] = (),
    *,
    name: str | None = None,
    directory: str | Path | None = None,
) -> Gluing:
    """The colimit of diagrams: all of them, glued along arrows (from, to, names) between them, by position.

    An arrow says where the objects and generators of one diagram are in another, name -> name; those that it leaves
    out are where their names are, or at the ends of generators. Goals and measures that it names are counted once. An
    interpretation that sends generators to generators is an arrow too. Names come from the first diagram that has them.

    >>> from learningdiagrams.language import loads
    >>> backbone = loads("object Image, Feature\\nmodel backbone : Image -> Feature")
    >>> head = loads('''
    ... object Sample, Image, Feature, Class
    ... data  images : Sample -> Image
    ... data  labels : Sample -> Class
    ... model trunk  : Image -> Feature
    ... model head   : Feature -> Class
    ... goal  fit : images >> trunk >> head = labels by cross_entropy
    ... ''')
    >>> twenty = colimit([backbone, *[head] * 20], [(0, i, {"backbone": "trunk"}) for i in range(1, 21)])
    >>> twenty.diagram.models[:3], len(twenty.diagram.models), twenty.diagram.goals["fit_20"].left
    (('backbone', 'head', 'head_2'), 21, images_20 >> backbone >> head_20)

    Raises:
        DiagramError: a composite as image, a name that is not there, or things that are shared and disagree.
        TheoryError: an arrow that is no functor: its laws do not hold where it leads.
    """
    parts = list(diagrams)
    for part in parts:
        if not isinstance(part, Diagram):
            raise DiagramError(f"colimit: {part!r} is no diagram; diagrams are what is glued")
    functors, equations = [], []
    for source, target, arrow in arrows:
        for position in (source, target):
            if not isinstance(position, int) or not 0 <= position < len(parts):
                raise DiagramError(
                    f"colimit: ({source}, {target}, …): there is no diagram {position}; they count from 0"
                )
        functor, shared = _arrow(source, target, parts[source], parts[target], arrow)
        functors.append((source, target, functor))
        equations += shared
    folder = _folder(directory, *parts[:1])
    whole, legs = assemble(parts, [], functors, equations, name, folder)
    return Gluing(whole, legs, bool(functors))


def _folder(directory: str | Path | None, *first: Diagram) -> Path | None:
    if directory is not None:
        return Path(directory)
    return first[0].directory if first else None


def _arrow(
    source: int, target: int, left: Diagram, right: Diagram, arrow: Mapping[Any, Any] | Functor
) -> tuple[Functor, list[Shared]]:
    """The functor that an arrow is, and the goals and measures that it shares."""
    if isinstance(arrow, Functor):
        if arrow.dom is not left.presentation or arrow.cod is not right.presentation:
            raise DiagramError(
                f"colimit: the arrow ({source}, {target}) leads from {arrow.dom.name} to {arrow.cod.name}, not from "
                f"{left.name} to {right.name}"
            )
        for image in arrow.morphisms.values():
            _named(image)
        names = arrow.goals if isinstance(arrow, Leg) else {}
        return arrow, [Shared(source, mine, target, theirs) for mine, theirs in names.items()]
    given = {_named(key): _named(value) for key, value in arrow.items()}
    same = {name: name for name in left.generators if name not in given and name in right.generators}
    shared = _shared(left, right, {**given, **same})
    objects = shared["object"]
    objects.update((name, name) for name in left.sorts if name not in objects and name in right.sorts)
    for kind, table, mine in (("object", objects, left.sorts), ("generator", shared["generator"], left.generators)):
        missing = [name for name in mine if name not in table]
        if missing:
            raise DiagramError(
                f"colimit: the arrow ({source}, {target}) from {left.name} to {right.name} has nothing for "
                f"{listed(missing)}; each {kind} of {left.name} needs an image there"
            )
    functor = Functor(left.presentation, right.presentation, objects, shared["generator"])
    pairs = [pair for kind in KINDS[2:] for pair in shared[kind].items()]
    return functor, [Shared(source, mine, target, theirs) for mine, theirs in pairs]


def _named(value: Any) -> str:
    """The name that a key or value of a table of names is or has."""
    found = value if isinstance(value, str) else getattr(value, "name", None)
    if (isinstance(value, Morphism) and found is None) or (isinstance(found, str) and ">>" in found):
        raise DiagramError(COMPOSITE.format(value=value))
    if not isinstance(found, str):
        raise DiagramError(f"share: `{value}` has no name; objects, generators, goals and measures are shared by name")
    return unicodedata.normalize("NFKC", found)


def _tables(diagram: Diagram) -> dict[str, Mapping[str, Any]]:
    return dict(zip(KINDS, (diagram.sorts, diagram.generators, diagram.goals, diagram.measures), strict=True))


def _kind(diagram: Diagram, name: str) -> str:
    """What a name stands for, among what can be shared."""
    tables = _tables(diagram)
    for kind, table in tables.items():
        if name in table:
            return kind
    other = diagram.presentation.signature.taken.get(name)
    if other is not None:
        raise DiagramError(
            f"share: `{name}` is {other} of {diagram.name}; objects, generators, goals and measures are shared"
        )
    near = suggestion(name, [each for table in tables.values() for each in table])
    raise DiagramError(f"share: there is no `{name}` in {diagram.name}{near}")


def _shared(left: Diagram, right: Diagram, share: Mapping[Any, Any]) -> dict[str, dict[str, str]]:
    """What is shared, by kind: names of the left -> names of the right; ends of generators are added."""
    found: dict[str, dict[str, str]] = {kind: {} for kind in KINDS}
    for key, value in share.items():
        mine, theirs = _named(key), _named(value)
        kind, other = _kind(left, mine), _kind(right, theirs)
        if kind != other:
            raise DiagramError(
                f"share: `{mine}` is {_a(kind)} of {left.name}, and `{theirs}` is {_a(other)} of {right.name}; "
                "like is shared with like",
                mine,
            )
        found[kind][mine] = theirs
    for kind, mine, theirs in _made_of(left, right, found):
        # Nothing becomes one by the way that was two in a part: what is then missing is an error by and by.
        if mine not in found[kind] and theirs not in found[kind].values():
            found[kind][mine] = theirs
    because: dict[str, str] = {}
    for mine, theirs in found["generator"].items():
        _share_ends(left, right, mine, theirs, found["object"], because)
    return found


def _made_of(left: Diagram, right: Diagram, found: dict[str, dict[str, str]]) -> list[tuple[str, str, str]]:
    """What shared things are made of, place by place: (kind, name of the left, name of the right).

    Goals and measures are made of generators and of the objects that they start at, averages and shuffles of what they
    follow and shuffle.
    """
    pairs: list[tuple[str, str, str]] = []
    for kind in KINDS[2:]:
        for mine, theirs in found[kind].items():
            one, two = _tables(left)[kind][mine], _tables(right)[kind][theirs]
            for a, b in [(one.left, two.left), (one.right, two.right), *zip(one.on, two.on, strict=False)]:
                pairs += _place_by_place(a, b)
    for mine, theirs in [*found["generator"].items(), *(pair[1:] for pair in pairs if pair[0] == "generator")]:
        one, two = left.specs.get(mine), right.specs.get(theirs)
        if one is not None and type(one) is type(two):
            pairs += (("generator", str(getattr(one, name)), str(getattr(two, name))) for name in one.names)
    return pairs


def _place_by_place(one: Morphism, other: Morphism) -> list[tuple[str, str, str]]:
    """The objects where two morphisms start and their generators, if these stand at the same places; else nothing."""
    mine, theirs = applications(one.terms), applications(other.terms)
    if len(mine) != len(theirs) or len(one.dom.factors) != len(other.dom.factors):
        return []
    found = [("object", a.name, b.name) for a, b in zip(one.dom.factors, other.dom.factors, strict=True)]
    same: dict[Term, Term] = {}
    for a, b in zip(mine, theirs, strict=True):
        same[a] = b
        if (
            a.index != b.index
            or len(a.args) != len(b.args)
            or any(same[x] is not y for x, y in zip(a.args, b.args, strict=True))
        ):
            return []
        if isinstance(a.head, Generator) and isinstance(b.head, Generator):
            found.append(("generator", a.head.name, b.head.name))
        elif a.head != b.head:
            return []
    return found


def _share_ends(
    left: Diagram, right: Diagram, mine: str, theirs: str, objects: dict[str, str], because: dict[str, str]
) -> None:
    """Adds to the objects that are shared the ends of a generator that is; `because` says which generator did."""
    one, two = left.generators[mine], right.generators[theirs]
    said = (
        f"share: `{mine}` of {left.name} is {one.dom} -> {one.cod}, and `{theirs}` of {right.name} is "
        f"{two.dom} -> {two.cod}"
    )
    for a, b in ((one.dom, two.dom), (one.cod, two.cod)):
        if len(a.factors) != len(b.factors):
            raise DiagramError(f"{said}; what is shared has the same ends", mine)
        for factor, image in zip(a.factors, b.factors, strict=True):
            old = objects.setdefault(factor.name, image.name)
            if old != image.name:
                why = f"by `{because[factor.name]}`" if factor.name in because else "by share="
                raise DiagramError(f"{said}, so that {factor.name} would be {image.name}; {why} it is {old}", mine)
            because.setdefault(factor.name, mine)


def _a(kind: str) -> str:
    return f"an {kind}" if kind == "object" else f"a {kind}"
