"""The pass `stack`: maps of one architecture are one batched call, with their numbers stacked.

K heads over one backbone, an ensemble, several students: K small calls take K times the overhead of one, and K small
matrix products much longer than one of K matrices. Which maps are of one architecture is the backend's to say
(:meth:`learningdiagrams.backends.base.Maps.architecture`). Maps that draw or learn statistics in training are left as
they are, so that they draw the same numbers as ever.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable

from learningdiagrams.batching import Choice, together
from learningdiagrams.plan import Apply, Plan
from learningdiagrams.theory.morphisms import Object

__all__ = ["Lone", "stacks"]


class Lone(str):
    """Why a map is of no architecture that others could share."""

    __slots__ = ()


def stacks(plan: Plan, depths: list[int], architecture: Callable[[str], Hashable], least: int = 2) -> Choice:
    """Which maps of a plan are to be one call.

    Args:
        depths: of the plan's steps, see :func:`learningdiagrams.batching.depths`.
        architecture: what is equal for maps that differ in their numbers only, or :class:`Lone`.
        least: the fewest maps for which a batched call is worth its while.
    """
    kinds: dict[str, Hashable] = {}
    lone: dict[tuple[str, Object], dict[str, None]] = {}
    keys: list[tuple[Hashable, int]] = []
    again: Counter[Hashable] = Counter()
    for index, step in enumerate(plan.steps):
        if not isinstance(step, Apply) or not step.arguments:
            continue
        if step.generator not in kinds:
            kinds[step.generator] = architecture(step.generator)
        kind = kinds[step.generator]
        if isinstance(kind, Lone):
            dom = plan.diagram.generators[step.generator].dom
            lone.setdefault((str(kind), dom), {})[step.generator] = None
            continue
        role = plan.diagram.roles[step.generator] == "model"
        key = (kind, role, step.live, step.flows, len(step.arguments), depths[index])
        # A map that is applied twice is in two calls: its numbers are in each of them once.
        again[key, step.generator] += 1
        keys.append(((key, again[key, step.generator]), index))
    groups = [group for alike in together(keys) for group in _by_argument(plan, alike, least)]
    refused: dict[tuple[str, ...], str] = {}
    for (reason, _), names in lone.items():
        if len(names) >= least:
            refused[tuple(names)] = reason
    return Choice(tuple(groups), refused)


def _by_argument(plan: Plan, group: tuple[int, ...], least: int) -> list[tuple[int, ...]]:
    """The group, or those of it apart that have arguments in common, which then need not be repeated for each."""
    by: dict[Hashable, list[int]] = {}
    for index in group:
        step = plan.steps[index]
        by.setdefault(step.arguments if isinstance(step, Apply) else (), []).append(index)
    many = [tuple(found) for found in by.values() if len(found) >= least]
    rest = tuple(sorted(index for found in by.values() if len(found) < least for index in found))
    return [*many, rest] if len(rest) >= least else many
