"""Editing compiled diagrams: the maps and numbers of the one before as those of the one after."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from learningdiagrams.editing.steps import Edited, Place
from learningdiagrams.errors import DiagramError, suggestion
from learningdiagrams.interpretation.pullback import _in
from learningdiagrams.interpretation.roles import generators_used
from learningdiagrams.theory.morphisms import Morphism

if TYPE_CHECKING:
    from learningdiagrams.backends.base import Maps
    from learningdiagrams.compiled import Compiled

__all__ = ["edited_compiled"]

Numbers = Mapping[str, Mapping[str, Any]]


def edited_compiled(
    edited: Edited, compiled: Compiled, maps: Mapping[str, Any], numbers: Mapping[str, Mapping[str, Any]]
) -> Edited:
    """The edit done on what is compiled: its maps on copies, its numbers carried by name and shape, its step."""
    from learningdiagrams.compiled import compile_diagram

    old = compiled.maps
    if not hasattr(old, "composites"):
        raise DiagramError(f"{compiled!r} has no maps to carry; a diagram is edited on torch and on jax, and as itself")
    realised = {**_realisations(edited, old, set(maps)), **maps}
    device = getattr(old, "device", None)
    made: Any = compile_diagram(
        edited.diagram,
        old.backend,
        realised,
        seed=compiled.seed,
        dtype=old.dtype,
        device=None if device is None else str(device),
        trust=compiled.diagram.trusted,
        use_laws=compiled.rewriting is not None and (compiled.pruning is None or bool(compiled.rewriting.sides)),
        prune=None if compiled.pruning is None else "derivable",
        passes=compiled.passes,
        recompute=_recomputed(edited, old.recompute),
    )
    made.state.step = compiled.step
    _check_places(edited, old, made.maps)
    given = set(maps)
    used: set[Place] = set()
    loaded: set[Place] = set()
    everything: dict[str, dict[str, Any]] = {}
    fresh: list[Place] = []
    for kind in ("parameters", "buffers"):
        here, there = getattr(old, kind)(), getattr(made.maps, kind)()
        for name, table in here.items():
            everything.setdefault(name, {}).update(table)
        origins = edited.carry({name: {key: (name, key) for key in table} for name, table in here.items()})
        found: dict[str, dict[str, Any]] = {}
        for name, table in there.items():
            for key, value in table.items():
                origin = origins.get(name, {}).get(key) if name not in given else None
                own = numbers.get(name, {}).get(key)
                if own is not None:
                    found.setdefault(name, {})[key] = own
                elif origin is not None and tuple(here[origin[0]][origin[1]].shape) == tuple(value.shape):
                    found.setdefault(name, {})[key] = here[origin[0]][origin[1]]
                    used.add(origin)
                else:
                    fresh.append((name, key))
                    continue
                loaded.add((name, key))
        getattr(made.maps, f"load_{kind}")(found)
    for name, table in numbers.items():
        for key in table:
            if (name, key) not in loaded:
                held = [*made.maps.parameters().get(name, {}), *made.maps.buffers().get(name, {})]
                what = f"there is no `{name}.{key}` in {edited.diagram.name}"
                raise DiagramError(f"edit: numbers: {what}{suggestion(key, held)}")
    left = {name: {key: v for key, v in table.items() if (name, key) not in used} for name, table in everything.items()}
    return replace(edited, compiled=made, fresh=tuple(fresh), left={name: t for name, t in left.items() if t})


def _recomputed(edited: Edited, before: Collection[str]) -> list[str]:
    """The maps that come from those whose inner values were computed again in the backward pass."""
    found = []
    for name in edited.diagram.generators if before else ():
        source = edited.source(name)
        if source is not None and any(part.name in before for part in generators_used(source)):
            found.append(name)
    return found


def _check_places(edited: Edited, old: Maps, new: Maps) -> None:
    """Raises where an edit carries a single number that is not there."""
    if not any(step.places for step in edited.steps):
        return
    tables = []
    for maps in (old, new):
        buffers = maps.buffers()
        tables.append({name: {**table, **buffers.get(name, {})} for name, table in maps.parameters().items()})
    labels = {name: dict.fromkeys(table) for name, table in tables[0].items()}
    for step in edited.steps:
        for place, origin in step.places.items():
            held = [(labels, origin, step.before)]
            if step is edited.steps[-1]:
                held.append((tables[1], place, step.after))
            for known, (name, key), diagram in held:
                if name in known and key not in known[name]:
                    raise DiagramError(
                        f"{step.verb}: numbers: `{name}` of {diagram.name} has no parameter `{key}`"
                        + (suggestion(key, known[name]) or f"; it has {', '.join(known[name]) or 'none'}"),
                        name,
                    )
        labels = step.carried(labels)


def _realisations(edited: Edited, old: Maps, given: Iterable[str]) -> dict[str, Any]:
    """What realises the generators that come from the diagram before, on copies.

    A map that stays is the map that it was, unless the diagram says now that it is another; a composite that has become
    a generator is that composite, unless the diagram says what the generator is.
    """
    before, after = edited.before, edited.diagram
    images: dict[str, Morphism] = {}
    for name, role in after.roles.items():
        if role not in ("model", "frozen", "fixed") or name in given:
            continue
        source, spec = edited.source(name), after.specs.get(name)
        if source is None or not all(old.has(part.name) for part in generators_used(source)):
            continue
        if source.name is not None and spec is not None and spec != before.specs.get(source.name, spec):
            continue
        if source.name is None and spec is not None:
            continue
        images[name] = _in(before, source)
    # Maps that hold parameters together stay so. A twin of a map has copies of its own.
    first: dict[Morphism, str] = {}
    twins = {name for name, image in images.items() if image.name is not None and first.setdefault(image, name) != name}
    turned = any(
        after.roles[name] != before.roles.get(str(image.name), after.roles[name]) for name, image in images.items()
    )
    together = {name: image for name, image in images.items() if name not in twins}
    trained = list(images) if turned else [name for name in images if after.roles[name] == "model"]
    found = old.composites(together, trained)
    for name in twins:
        found.update(old.composites({name: images[name]}, trained))
    return found
