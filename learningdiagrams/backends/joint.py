"""Applications and comparisons done together, with the way back to one by one where that is not possible."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

from learningdiagrams.batching import Choice, Comparisons, Joint, Merged, Table, depths, table_of
from learningdiagrams.merging import merges
from learningdiagrams.plan import Apply, Compare, Plan
from learningdiagrams.stacking import Lone, stacks

if TYPE_CHECKING:
    from learningdiagrams.backends.base import Maps
    from learningdiagrams.backends.straight_line import JointOperations

__all__ = ["LARGEST", "joint_scope", "table_for"]

LARGEST: Final = 2**20
"""The most numbers of a map whose calls cost more than what they compute."""


def table_for(plan: Plan, maps: Maps) -> Table:
    """The table that the passes make of a plan on these maps.

    Args:
        maps: with the passes that are asked for, and what is known of each map.
    """
    roles, passes = plan.diagram.roles, maps.passes
    if not plan.compares or not {"merge", "stack"} & passes:
        return Table.of(plan)
    reasons: dict[str, str | None] = {}
    kinds: dict[str, Any] = {}

    def refuse(name: str) -> str | None:
        # A program runs in both modes, and is made once: what holds in training holds in evaluation.
        if name not in reasons:
            reasons[name] = maps.by_row(name, training=roles[name] == "model")
        return reasons[name]

    def architecture(name: str) -> Any:
        if name not in kinds:
            kinds[name] = maps.architecture(name)
        return kinds[name]

    used = [step.generator for step in plan.steps if isinstance(step, Apply)]
    if len(used) < 2:
        return Table.of(plan)
    ordered = [
        name
        for name in dict.fromkeys(used)
        if roles[name] == "model" and isinstance(architecture(name), Lone) and refuse(name) is not None
    ]
    deep = depths(plan, ordered)
    stacked = stacks(plan, deep, architecture, maps.fewest) if "stack" in passes else Choice()
    taken = {index for group in stacked.groups for index in group}
    merged = Choice()
    if "merge" in passes:
        merged = merges(plan, deep, refuse, taken, large=lambda name: maps.size(name) > LARGEST)
    return table_of(plan, merged, stacked, ordered, maps.fewest)


def joint_scope(
    operations: JointOperations,
    joints: Iterable[tuple[str, Joint]],
    together: Iterable[tuple[str, Comparisons]],
    single: Callable[[Apply], Callable[..., Any]],
    compare: Callable[[Compare], Callable[..., Any]],
) -> dict[str, Callable[..., Any]]:
    """The functions that a straight-line function calls for what is done together, by name.

    Args:
        single, compare: the function that one application, or one comparison, is by itself.
    """
    scope: dict[str, Callable[..., Any]] = {"gather": operations.gather, "spread": operations.spread}
    for name, step in joints:
        scope[name] = _joint(step, operations, [single(part) for part in step.parts])
    for name, compares in together:
        scope[name] = _comparisons(compares, operations, [compare(part) for part in compares.parts])
    return scope


def _joint(step: Joint, operations: JointOperations, singles: list[Callable[..., Any]]) -> Callable[..., Any]:
    def one_by_one(state: Any, *arguments: Any) -> Any:
        columns = _columns(operations, arguments, step.shared, len(singles))
        values = [single(state, *row) for single, row in zip(singles, zip(*columns, strict=True), strict=True)]
        if len(step.outs) == 1:
            return operations.gather(tuple(values))
        return tuple(operations.gather(column) for column in zip(*values, strict=True))

    return _first(operations.joint(step), one_by_one, ragged=isinstance(step, Merged))


def _comparisons(
    step: Comparisons, operations: JointOperations, singles: list[Callable[..., Any]]
) -> Callable[..., Any]:
    def one_by_one(*sides: Any) -> Any:
        columns = _columns(operations, sides, step.shared, len(singles))
        return tuple(single(*row) for single, row in zip(singles, zip(*columns, strict=True), strict=True))

    return _first(operations.compare_all(step), one_by_one, ragged=False)


def _columns(
    operations: JointOperations, arguments: tuple[Any, ...], shared: tuple[bool, ...], count: int
) -> list[tuple[Any, ...]]:
    """The arguments of each part."""
    return [
        (argument,) * count if same else operations.spread(argument)
        for argument, same in zip(arguments, shared, strict=True)
    ]


def _first(joint: Callable[..., Any] | None, one_by_one: Callable[..., Any], ragged: bool) -> Callable[..., Any]:
    """What is done together where that can be; what cannot is done one by one, and from then on.

    Args:
        ragged: whether values that are not of one shape can be done together too.
    """
    if joint is None:
        return one_by_one
    works = True

    def either(*arguments: Any) -> Any:
        nonlocal works
        if not works or (not ragged and any(isinstance(argument, tuple) for argument in arguments)):
            return one_by_one(*arguments)
        try:
            return joint(*arguments)
        except Exception:
            # Perhaps an argument is wrong: then this says which map refuses it, and raises.
            value = one_by_one(*arguments)
            works = False
            return value

    return either
