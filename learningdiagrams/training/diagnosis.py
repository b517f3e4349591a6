"""Where a number that is not finite comes from: the first map of the plan that gives one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from learningdiagrams.errors import DiagramError
from learningdiagrams.plan import Apply, Input, path_of

if TYPE_CHECKING:
    from learningdiagrams.backends.base import Maps
    from learningdiagrams.plan import Plan

__all__ = ["not_finite"]

REMEDY = "a smaller lr, clip=1.0 or scaled data may help"


def not_finite(
    maps: Maps, plan: Plan, batch: dict[str, Any] | None, goal: str, value: float, step: int
) -> DiagramError:
    """The error for a term that is not finite at a step.

    Args:
        batch: what the step was given, its noise drawn, while the maps hold the numbers that the step
            started from; or None where that moment cannot be had again.
    """
    head = f"step {step}: goal `{goal}` is {value}"
    if batch is None:
        return DiagramError(f"{head}; {_parameters(maps, plan, 'now') or 'every parameter is finite'}; {REMEDY}", goal)
    parameter = _parameters(maps, plan, "before that step")
    place = _values(maps, plan, batch, goal) if parameter is None else f"{parameter}; {REMEDY}"
    return DiagramError(f"{head}; {place}", goal)


def _parameters(maps: Maps, plan: Plan, when: str) -> str | None:
    parameters = maps.parameters()
    for generator in plan.generators:
        for name, value in parameters.get(generator, {}).items():
            wrong = _wrong(maps.numpy(value))
            if wrong:
                return f"the parameter {name} of `{generator}` holds {wrong} {when}"
    return None


def _values(maps: Maps, plan: Plan, batch: dict[str, Any], goal: str) -> str:
    """The first step of the plan whose value is not finite, the plan's values computed one by one."""
    outs = tuple(out for step in plan.steps for out in step.outs)
    values = maps.program(replace(plan, compares=(), outputs=outs)).outputs(batch)
    found = dict(zip(outs, map(maps.numpy, values), strict=True))
    for step in plan.steps:
        for out in step.outs:
            wrong = _wrong(found[out])
            if wrong and isinstance(step, Input):
                return f"the values of `{step.generator}` hold {wrong}"
            if wrong and isinstance(step, Apply):
                return f"the first map to give {wrong} is `{step.generator}`, at {path_of(plan, out)}; {REMEDY}"
    compared = next(compare for compare in plan.compares if compare.name == goal)
    for lefts, rights in compared.pairs:
        for left, right in zip(lefts, rights, strict=True):
            strange = _no_class(found[left], found[right])
            if strange is not None:
                last = found[left].shape[-1] - 1
                return f"{path_of(plan, right)} gives {strange}, which is no class number: they are 0…{last}"
    return (
        f"every map gives finite values in evaluation mode: it arises in {compared.by}, or in training mode alone; "
        f"{REMEDY}"
    )


def _no_class(left: np.ndarray, right: np.ndarray) -> int | None:
    """The first whole number on the right that numbers no class of the left."""
    if right.dtype.kind not in "iu" or left.shape[:-1] != right.shape:
        return None
    strange = right[(right < 0) | (right >= left.shape[-1])]
    return int(strange[0]) if strange.size else None


def _wrong(value: np.ndarray) -> str | None:
    if np.isfinite(value).all():
        return None
    return "NaN" if np.isnan(value).any() else "infinity"
