"""Pulling back along an interpretation: a trained target gives a trained source without training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from learningdiagrams.errors import DiagramError, suggestion
from learningdiagrams.interpretation.roles import averages_in, generators_used
from learningdiagrams.theory.morphisms import Morphism
from learningdiagrams.theory.terms import substitute

if TYPE_CHECKING:
    from learningdiagrams.compiled import Compiled
    from learningdiagrams.diagram import Diagram
    from learningdiagrams.interpretation.interpretations import Interpretation

__all__ = ["pulled_compiled", "pulled_parameters", "required"]

Numbers = Mapping[str, Mapping[str, Any]]

PRODUCT: Final = (
    "{i!r} sends `{sort}` to {image}; a compiled diagram holds one array for each value of an object, so that it is "
    "pulled back along single objects only"
)


def pulled_parameters(i: Interpretation, numbers: Numbers) -> dict[str, dict[str, Any]]:
    """The numbers {generator: {name: array}} of the source, read off those of the target.

    A generator that goes to a generator takes its table; one that goes to a composite takes `generator.name` of
    each generator in it. Those whose image has no numbers here are left out.
    """
    for name in numbers:
        if name not in i.target.generators:
            raise DiagramError(
                f"there is no generator `{name}` in {i.target.name}{suggestion(name, i.target.generators)}"
            )
    found: dict[str, dict[str, Any]] = {}
    for name, image in i.morphisms.items():
        if i.source.roles[name] in ("data", "noise"):
            continue
        if image.name is not None:
            if image.name in numbers:
                found[name] = dict(numbers[image.name])
            continue
        shown = _shown(i, name)
        tables = {shown.get(part.name, part.name): numbers.get(part.name) for part in generators_used(image)}
        if any(table is not None for table in tables.values()):
            found[name] = {
                f"{part}.{key}": value for part, table in tables.items() for key, value in (table or {}).items()
            }
    return found


def _shown(i: Interpretation, name: str) -> dict[str, str]:
    """Under which names the parts of an image count: those of an average under what they follow."""
    if i.source.roles[name] != "ema":
        return {}
    followed = i.source.averages[name].model
    pairs = averages_in(i.target, i.morphisms[followed], i.morphisms[name]) or {}
    return {average: model for model, average in pairs.items()}


def required(i: Interpretation, compiled: Compiled, max_seconds: float = 10.0) -> None:
    """Raises where this is no interpretation, as far as the time tells, or is one in another diagram."""
    if compiled.diagram is not i.target and compiled.diagram != i.target:
        raise DiagramError(
            f"{compiled!r} is pulled back along interpretations in {compiled.diagram.name}, not along {i!r}"
        )
    wrong = next((failure for failure in i.failures(max_seconds) if failure.kind != "undecided"), None)
    if wrong is not None:
        raise DiagramError(f"{i!r} is none, so that nothing is pulled back along it: {wrong}")


def pulled_compiled(i: Interpretation, compiled: Compiled) -> Compiled:
    """The source compiled where the target is, its maps the composites that the interpretation says."""
    from learningdiagrams.compiled import compile_diagram

    required(i, compiled)
    for sort, image in i.objects.items():
        if len(image.factors) != 1:
            raise DiagramError(PRODUCT.format(i=i, sort=sort, image=image))
    maps, roles = compiled.maps, i.source.roles
    images = {
        name: _in(compiled.diagram, image)
        for name, image in i.morphisms.items()
        if roles[name] in ("model", "frozen", "fixed") and all(maps.has(it.name) for it in generators_used(image))
    }
    if not hasattr(maps, "composites"):
        raise DiagramError(f"{compiled!r}: nothing is pulled back there; on torch and on jax it is")
    realised = maps.composites(images, [name for name in images if roles[name] == "model"])
    again = [name for name in images if any(it.name in maps.recompute for it in generators_used(images[name]))]
    made: Any = compile_diagram(
        i.source,
        maps.backend,
        realised,
        seed=compiled.seed,
        dtype=maps.dtype,
        trust=compiled.diagram.trusted,
        passes=compiled.passes,
        recompute=again,
    )
    averages = {name for name, role in roles.items() if role == "ema" and made.maps.has(name)}
    for numbers, load in (
        (maps.parameters(), made.maps.load_parameters),
        (maps.buffers(), made.maps.load_buffers),
    ):
        load({name: table for name, table in pulled_parameters(i, numbers).items() if name in averages})
    made.state.step = compiled.step
    return made


def _in(diagram: Diagram, morphism: Morphism) -> Morphism:
    """A morphism of an equal diagram, read in this one."""
    if morphism.signature is diagram.presentation.signature:
        return morphism
    product = diagram.presentation.signature.product
    return substitute(
        morphism,
        lambda obj: product(diagram.sorts[factor.name] for factor in obj.factors),
        lambda generator: diagram.generators[generator.name],
    )
