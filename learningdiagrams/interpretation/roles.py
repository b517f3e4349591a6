"""What roles ask of an interpretation: where objects and generators may go by what they are.

| in the source | its image in the target |
|---|---|
| a sample object | a sample object |
| an object that holds values | objects that hold values |
| `data` | a composite of data and fixed maps, with data in it |
| `noise` | noise of the same kind; a shuffle of the data's image |
| `fixed` | a composite of fixed maps; none at all is one |
| `model`, `frozen` | a composite with at least one parameterised map (model, frozen, average) in it |
| `ema(m)` | what m's image becomes when each model in it is replaced by one average that follows it |
| `map` | anything |
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from learningdiagrams.diagram import Diagram
from learningdiagrams.specs import shuffle
from learningdiagrams.theory.morphisms import Generator, Morphism, Object, Term, brief
from learningdiagrams.theory.terms import applications

__all__ = ["MAY", "averages_in", "generators_used", "image_problem", "sort_problem", "value_sorts"]

PARAMETERISED: Final = frozenset({"model", "frozen", "ema"})
MAPS: Final = PARAMETERISED | {"fixed", "map"}

MAY: Final[Mapping[str, frozenset[str] | None]] = {
    "data": frozenset({"data", "fixed"}),
    "noise": frozenset({"noise"}),
    "fixed": frozenset({"fixed"}),
    "model": MAPS,
    "frozen": MAPS,
    "ema": MAPS - {"model"},
    "map": None,
}
"""The roles of generators that the image of a generator of some role may have in it; None: any."""

NEEDS: Final[Mapping[str, frozenset[str]]] = {
    "data": frozenset({"data"}),
    "model": PARAMETERISED,
    "frozen": PARAMETERISED,
}
"""The roles of which the image has to have at least one in it."""

RULE: Final[Mapping[str, str]] = {
    "data": "data go to composites of data and fixed maps",
    "noise": "noise goes to noise",
    "fixed": "a fixed map goes to a composite of fixed maps",
    "model": "a model goes to a composite of maps, at least one of them with parameters",
    "frozen": "a frozen map goes to a composite of maps, at least one of them with parameters",
    "ema": "an average goes to averages of the models in the image of what it follows",
}


def generators_used(morphism: Morphism) -> list[Generator]:
    """The generators in the normal form of a morphism, each once, from the inside out; a generator has itself.

    (One that ends at 1 is equal to every other map there, and has no normal form of its own.)
    """
    if morphism.generator is not None:
        return [morphism.generator]
    heads = (term.head for term in applications(morphism.terms))
    return list(dict.fromkeys(head for head in heads if isinstance(head, Generator)))


def value_sorts(diagram: Diagram) -> set[str]:
    """The objects that hold values: those at which data, noise or a map with a role ends, or such a map starts."""
    found = set()
    for name, role in diagram.roles.items():
        if role != "map":
            morphism = diagram.generators[name]
            found |= {sort.name for sort in morphism.cod.factors}
            if role not in ("data", "noise"):
                found |= {sort.name for sort in morphism.dom.factors}
    return found


def sort_problem(source: Diagram, name: str, image: Object, target: Diagram) -> str | None:
    """What is wrong with where an object goes, or None."""
    if source.sorts[name] in source.sample_objects:
        if image not in target.sample_objects:
            return f"`{name}` is a sample object of {source.name}, but its image {image} is none of {target.name}"
    elif name in value_sorts(source) and any(factor in target.sample_objects for factor in image.factors):
        return f"`{name}` holds values in {source.name}, but its image {image} is a sample object, which holds none"
    return None


def image_problem(source: Diagram, name: str, images: Mapping[str, Morphism], target: Diagram) -> str | None:
    """What is wrong with where a generator goes by its role, or None; `images` has what the generators go to."""
    role, image = source.roles[name], images[name]
    may = MAY[role]
    if may is None:
        return None
    what = f"`{name}` is {_word(role)} in {source.name}, but its image `{brief(image)}`"
    used = generators_used(image)
    for generator in used:
        theirs = target.roles[generator.name]
        if theirs not in may:
            return f"{what} has `{generator.name}` in it, which is {_word(theirs)} in {target.name}; {RULE[role]}"
    if role in NEEDS and not any(target.roles[generator.name] in NEEDS[role] for generator in used):
        missing = "no data" if role == "data" else "no map with parameters"
        return f"{what} has {missing} in it; {RULE[role]}"
    if role == "noise":
        return _noise_problem(what, source, name, images, target)
    if role == "ema":
        followed = source.averages[name].model
        if averages_in(target, images[followed], image) is None:
            return f"{what} does not average `{brief(images[followed])}`, the image of `{followed}`; {RULE[role]}"
    return None


def _noise_problem(
    what: str, source: Diagram, name: str, images: Mapping[str, Morphism], target: Diagram
) -> str | None:
    """Noise goes to one noise of its kind; a shuffle to a shuffle of the image of its data."""
    mine, image = source.specs[name], images[name]
    theirs = target.specs[image.name] if image.name is not None else None
    if type(mine) is not type(theirs):
        there = "is a composite" if theirs is None else f"is {theirs}"
        return f"{what} {there}; noise goes to noise of the same kind, {type(mine).__name__}"
    if isinstance(mine, shuffle) and isinstance(theirs, shuffle) and images[mine.data].name != theirs.data:
        return f"{what} shuffles `{theirs.data}`, and not `{brief(images[mine.data])}`, the image of `{mine.data}`"
    return None


def averages_in(diagram: Diagram, followed: Morphism, average: Morphism) -> dict[str, str] | None:
    """The average for each model of `followed` that makes `average` of it, one for each; None where there is none."""
    found: dict[str, str] = {}
    if followed.dom is not average.dom or followed.cod is not average.cod:
        return None
    pairs: list[tuple[Term, Term]] = list(zip(followed.terms, average.terms, strict=True))
    seen: set[tuple[Term, Term]] = set()
    while pairs:
        pair = pairs.pop()
        if pair in seen:
            continue
        seen.add(pair)
        one, two = pair
        if one.index != two.index or len(one.args) != len(two.args):
            return None
        if isinstance(one.head, Generator) and diagram.roles[one.head.name] == "model":
            if not isinstance(two.head, Generator) or diagram.roles[two.head.name] != "ema":
                return None
            if diagram.averages[two.head.name].model != one.head.name:
                return None
            if found.setdefault(one.head.name, two.head.name) != two.head.name:
                return None
        elif one.head is not two.head and one.head != two.head:
            return None
        pairs += zip(one.args, two.args, strict=True)
    return found


def _word(role: str) -> str:
    return {"data": "data", "noise": "noise", "ema": "an average", "model": "a model"}.get(
        role, "without a role" if role == "map" else f"a {role} map"
    )
