"""What verbs share: how they find what they name, and make functors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from unicodedata import normalize

from learningdiagrams.diagram import Diagram
from learningdiagrams.editing.parts import KINDS, Key, declared_in, mentions, tables
from learningdiagrams.errors import DiagramError, suggestion
from learningdiagrams.interpretation import Interpretation
from learningdiagrams.theory.failures import listed
from learningdiagrams.theory.morphisms import Morphism

__all__ = ["functor_of", "key_of", "one_new", "quoted", "required"]


# Names -----------------------------------------------------------------------------------------------------------


def key_of(d: Diagram, verb: str, name: str, among: Iterable[str] = KINDS[:6]) -> Key:
    """The declaration of this name."""
    name = normalize("NFKC", name)
    found = {kind: table for kind, table in tables(d).items() if kind in set(among)}
    for kind, table in found.items():
        if name in table:
            return kind, name
    other = next((kind for kind, table in tables(d).items() if name in table and kind != "style"), None)
    if other is not None:
        raise DiagramError(f"{verb}: `{name}` of {d.name} is {_a(other)}, not {' or '.join(map(_a, found))}", name)
    near = suggestion(name, [each for table in found.values() for each in table])
    what = _a(next(iter(found))).split()[1] + " " if len(found) == 1 else ""
    raise DiagramError(f"{verb}: there is no {what}`{name}` in {d.name}{near}")


def _a(kind: str) -> str:
    return f"an {kind}" if kind == "object" else f"a {kind}"


def quoted(names: Iterable[str]) -> str:
    return listed(list(names))


def required(d: Diagram, verb: str, gone: set[Key], hint: str, back: Iterable[str] = ()) -> None:
    """Raises where what stays is made of what goes and does not come `back`."""
    lost = [name for kind in KINDS[:2] for name in tables(d)[kind] if (kind, name) in gone and name not in set(back)]
    made_of = (
        {(kind, each): mentions(d, (kind, each)) for kind, table in tables(d).items() for each in table} if lost else {}
    )
    for name in lost:
        users = [key for key, parts in made_of.items() if key not in gone and name in parts]
        if users:
            raise DiagramError(f"{verb}: `{name}` is needed by {quoted(each for _, each in users)}; {hint}", name)


def one_new(d: Diagram, verb: str, text: str) -> str:
    """The name of the one generator that a text declares."""
    found = [name for kind, names, _ in declared_in(text, verb) if kind == "generator" for name in names]
    if len(found) != 1:
        raise DiagramError(
            f'{verb}: the text declares one map, such as "model adapter : Feature -> Feature = linear(16, 16)", and '
            f"this declares {quoted(found) if found else 'none'}"
        )
    return normalize("NFKC", found[0])


# Functors --------------------------------------------------------------------------------------------------------


def functor_of(
    source: Diagram, target: Diagram, objects: Mapping[str, str] | None = None, images: Mapping[str, Any] | None = None
) -> Interpretation:
    """The functor with these images; what is not said goes to what has its name."""
    objects, images = objects or {}, images or {}
    sorts = {name: target.sorts[objects.get(name, name)] for name in source.sorts}
    found = {
        name: images[name] if isinstance(images.get(name), Morphism) else target.generators[images.get(name, name)]
        for name in source.generators
    }
    made = Interpretation.between(source, target, sorts, found)
    assert isinstance(made, Interpretation)
    return made
