"""Edits that put a composite for a generator, and a generator for a composite."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from unicodedata import normalize

from learningdiagrams.diagram import Diagram
from learningdiagrams.editing.matching import folded
from learningdiagrams.editing.names import functor_of, key_of, one_new
from learningdiagrams.editing.parts import Changes, Key, copied, declared_in, mentions, names_in, tables
from learningdiagrams.editing.steps import Place, Step, checked_step
from learningdiagrams.errors import DiagramError, suggestion
from learningdiagrams.interpretation.roles import generators_used
from learningdiagrams.theory.morphisms import Morphism, Object

if TYPE_CHECKING:
    from learningdiagrams import editing

__all__ = ["fold", "insert", "place_of", "replace"]


def replace(edit: editing.replace, d: Diagram, verb: str = "replace") -> Step:
    _, name = key_of(d, verb, edit.name, ("generator",))
    extra: dict[Key, list[str]] = {}
    anchor = {"object": ("object", ["", *d.sorts][-1])}
    for kind, names, text in declared_in(edit.declare, verb):
        if kind not in ("object", "generator"):
            raise DiagramError(f"{verb}: `{text}` is not declared here; only maps and objects are (add declares more)")
        if name in names:
            raise DiagramError(f"{verb}: `{name}` is there already; remove it before it is declared another way", name)
        key = anchor.setdefault(kind, ("generator", name))
        extra.setdefault(key, []).append(text)
        anchor[kind] = (kind, normalize("NFKC", names[-1])) if names else key
    # The composite is read where all of its maps are there beside the one that it replaces.
    whole = copied(d, Changes(extra=extra), verb)
    image = whole.parse(edit.by)
    old = whole.generators[name]
    if (image.dom, image.cod) != (old.dom, old.cod):
        raise DiagramError(
            f"{verb}: `{name}` is {old.dom} -> {old.cod}, and `{edit.by}` is {image.dom} -> {image.cod}; what stands "
            "for a map has its ends",
            name,
        )
    stays = name in {generator.name for generator in generators_used(image)}
    followers = [each for each, spec in d.specs.items() for field in spec.names if str(getattr(spec, field)) == name]
    if followers:
        raise DiagramError(
            f"{verb}: `{followers[0]}` is {d.specs[followers[0]]}, which is about a single map, and `{name}` would be "
            f"`{edit.by}`; remove `{followers[0]}` first, and say after it what it is about then",
            name,
        )
    models = tuple(each.name for each in generators_used(image) if whole.roles[each.name] == "model")
    after = copied(
        d,
        Changes(
            skip=set() if stays else {("generator", name), ("style", name)},
            extra=extra,
            images=lambda after: {name: after.parse(edit.by)},
            models={name: models},
        ),
        verb,
    )
    functor = functor_of(d, after, images={name: after.parse(edit.by)})
    places: dict[Place, Place] = {}
    for new, mine in edit.numbers:
        places[place_of(after, verb, new)] = (name, mine)
    return checked_step(d, after, functor, verb, places)


def place_of(d: Diagram, verb: str, text: str) -> Place:
    """The generator and the parameter of `generator.parameter`."""
    name, dot, key = text.partition(".")
    if not dot or name not in d.generators:
        near = suggestion(name, d.generators) if dot else "; a parameter is written generator.parameter"
        raise DiagramError(f"{verb}: numbers: `{text}` is no parameter of {d.name}{near}")
    return name, key


def insert(edit: editing.insert, d: Diagram) -> Step:
    from learningdiagrams.editing.edits import replace as replacement

    new = one_new(d, "insert", edit.declare)
    if edit.after is not None:
        by, name = f"{edit.after} >> {new}", edit.after
    else:
        by, name = f"{new} >> {edit.before}", str(edit.before)
    return replace(replacement(name, by, edit.declare), d, "insert")


def fold(edit: editing.fold, d: Diagram) -> Step:
    whole = copied(d, Changes())
    if edit.declare:
        name = one_new(d, "fold", edit.declare)
        if name != normalize("NFKC", edit.name):
            raise DiagramError(f"fold: the text declares `{name}`, and what is folded into is `{edit.name}`")
    else:
        _, name = key_of(d, "fold", edit.name, ("generator",))
    composite = d.parse(edit.of)
    if edit.declare:
        # It stands where the first of its parts stood.
        parts = [generator.name for generator in generators_used(composite)]
        first = min(parts, key=list(d.generators).index, default="")
        place = list(d.generators).index(first) if first else 0
        previous = list(d.generators)[place - 1] if place else ""
        whole = copied(d, Changes(extra={("generator", previous): [edit.declare]}), "fold")
    generator = whole.generators[name]
    pattern = whole.parse(edit.of)
    if (generator.dom, generator.cod) != (pattern.dom, pattern.cod):
        raise DiagramError(
            f"fold: `{name}` is {generator.dom} -> {generator.cod}, and `{edit.of}` is {pattern.dom} -> "
            f"{pattern.cod}; what stands for a composite has its ends",
            name,
        )
    gone = set()
    if not edit.declare:
        # The goals that say that the map is the composite have done their work.
        same = (generator, pattern)
        gone = {("goal", each.name) for each in whole.goals.values() if (each.left, each.right) in (same, same[::-1])}
    sides = {}
    for kind in ("law", "goal", "measure"):
        for it in tables(whole)[kind].values():
            if (kind, it.name) not in gone:
                sides[it.name] = (
                    folded(it.left, pattern, generator),
                    folded(it.right, pattern, generator),
                    tuple(folded(m, pattern, generator) for m in getattr(it, "on", ())),
                )
    gone |= _unneeded(whole, pattern, name, sides)
    models: dict[str, tuple[str, ...]] = {
        each.name: (name,) if whole.roles[name] == "model" else ()
        for each in generators_used(pattern)
        if ("generator", each.name) in gone
    }
    after = copied(whole, Changes(skip=gone, sides=sides, models=models), "fold")
    images = {name: composite} if edit.declare else {}
    places = {(name, mine): place_of(d, "fold", part) for part, mine in edit.numbers}
    functor = functor_of(after, d, images=images)
    if not edit.declare:
        # A map that was there is put for the composite only where what is then said follows from what was said.
        failure = next(iter(functor.failures(5.0)), None)
        if failure is not None:
            raise DiagramError(
                f"fold: nothing in {d.name} says that `{name}` is `{edit.of}` in {failure.kind} `{failure.what}`; "
                "declare a new map for the composite, or have this one trained to be it first (distil)",
                name,
            )
    return checked_step(d, after, functor, "fold", places)


def _unneeded(
    whole: Diagram, pattern: Morphism, name: str, sides: Mapping[str, tuple[Morphism, Morphism, tuple[Morphism, ...]]]
) -> set[Key]:
    """The parts of a composite that nothing needs any more, with the objects that only they had."""
    parts = [generator.name for generator in generators_used(pattern) if generator.name != name]
    used = {each for left, right, on in sides.values() for each in names_in(left, right, *on)}
    gone = {each for each in parts if each not in used}
    changed = True
    while changed:
        needed = {
            each for other in whole.generators if other not in gone for each in mentions(whole, ("generator", other))
        }
        changed = bool(gone & needed)
        gone -= needed
    ends = {factor.name for each in gone for end in _ends(whole.generators[each]) for factor in end.factors}
    left = {
        factor.name
        for each, m in whole.generators.items()
        if each not in gone
        for end in _ends(m)
        for factor in end.factors
    }
    return {*(("generator", each) for each in gone), *(("object", each) for each in ends - left - used)}


def _ends(morphism: Morphism) -> tuple[Object, Object]:
    return morphism.dom, morphism.cod
