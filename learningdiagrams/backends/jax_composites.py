"""Composites of compiled maps as maps of their own on JAX, on copies of their numbers."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
import numpy as np

from learningdiagrams.backends.jax_maps import JaxMap
from learningdiagrams.backends.jax_program import Operations, Run
from learningdiagrams.backends.straight_line import straight_line
from learningdiagrams.plan import depends_on_input, plan_morphism
from learningdiagrams.theory.morphisms import Morphism

if TYPE_CHECKING:
    from learningdiagrams.backends.jax import JaxMaps

__all__ = ["Copies"]

Array = Any


class Copies:
    """Copies of compiled maps; what several of them hold together, maps of one `Copies` hold together too."""

    def __init__(self, maps: JaxMaps) -> None:
        self._maps = maps

    def map(self, morphism: Morphism, trained: bool) -> JaxMap:
        """A morphism as a map; in training its maps draw and learn as it does."""
        maps = self._maps
        plan = plan_morphism(maps.diagram, morphism, passing=True)
        bare = morphism.generator
        slots: tuple[dict[str, int], dict[str, int]] = ({}, {})
        still, unsaved = set(), set()
        for name in plan.generators:
            made = maps.map(name)
            first = "" if bare is not None else f"{name}."
            for mine, theirs in zip(slots, maps.slots(name), strict=True):
                mine.update((first + key, slot) for key, slot in theirs.items())
            unsaved.update(first + key for key in made.unsaved)
            if maps.diagram.roles[name] == "model" or not trained:
                still.update(first + key for key in made.still)
        parameters, buffers = ({key: np.array(maps.numbers[slot]) for key, slot in table.items()} for table in slots)
        holders: dict[str, Hashable] = {key: (self, slot) for table in slots for key, slot in table.items()}
        common = {
            "parameters": parameters,
            "buffers": buffers,
            "holders": holders,
            "still": frozenset(still),
            "unsaved": frozenset(unsaved),
            "by_row": all(maps.by_row(name) is None for name in plan.generators),
        }
        if bare is not None:
            made = maps.map(bare.name)
            return replace(made, original=_anew(made.apply), **common)
        run = straight_line(plan, Operations(maps, plan, plan.generators))
        places = [*slots[0].items(), *slots[1].items()]
        constants = [not depends_on_input(term) for term in morphism.terms]

        def apply(p: Any, b: Any, arguments: Sequence[Array], *, training: bool, key: Any) -> tuple[Any, Any]:
            state = Run({slot: p[name] if name in p else b[name] for name, slot in places}, key, training)
            values = run({str(i): value for i, value in enumerate(arguments)}, state)[1]
            if arguments:
                rows = arguments[0].shape[0]
                values = tuple(
                    jnp.broadcast_to(value, (rows, *value.shape[1:])) if constant else value
                    for value, constant in zip(values, constants, strict=True)
                )
            else:
                values = tuple(value[0] for value in values)
            after = {name: state.numbers[slot] for name, slot in slots[1].items()}
            return values[0] if len(values) == 1 else values, after

        architecture = (
            "composite",
            plan.steps,
            plan.outputs,
            *(maps.map(name).architecture for name in plan.generators),
        )
        draws = any(maps.map(name).draws for name in plan.generators)
        return JaxMap(apply, architecture, _anew(apply), draws=draws, **common)


def _anew(apply: Any) -> Any:
    """What `write_back` gives for a copied map: the pair (parameters, apply), which is a map again."""

    def original(parameters: Any, buffers: Any) -> Any:
        def evaluate(params: Any, *arguments: Array) -> Any:
            return apply(params, buffers, arguments, training=False, key=None)[0]

        return dict(parameters), evaluate

    return original
