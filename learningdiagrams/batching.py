"""Applications and comparisons done together: the table of steps that the passes make of a plan. Knows no tensor.

A plan says what is computed; its table here says how. :mod:`learningdiagrams.merging` and
:mod:`learningdiagrams.stacking` choose which applications are one call; :func:`table_of` puts these calls into an order
in which every value is there when it is needed.

What goes in and out of such a call is a *bundle*: K values as one, along a new first axis, where they are of one
shape; a backend keeps those that are not as the tuple that they are. A bundle is made where it is needed (`Gather`, and
`GatherInputs` straight from the batch), goes from call to call as it is, and is taken apart (`Spread`) only where one
of its values is wanted by itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from learningdiagrams.plan import Apply, Compare, Input, Plan, Step, reads

__all__ = [
    "Choice",
    "Comparisons",
    "Gather",
    "GatherInputs",
    "Joint",
    "Line",
    "Merged",
    "Spread",
    "Stacked",
    "Table",
    "depths",
    "table_of",
    "together",
]


@dataclass(frozen=True)
class Gather:
    """Several values as one bundle."""

    outs: tuple[int]
    values: tuple[int, ...]


@dataclass(frozen=True)
class GatherInputs:
    """The batch's values of several generators as one bundle; nothing else reads them."""

    outs: tuple[int]
    generators: tuple[str, ...]


@dataclass(frozen=True)
class Spread:
    """The values of a bundle, each by itself."""

    outs: tuple[int, ...]
    value: int


@dataclass(frozen=True)
class Joint:
    """Several applications in one call; none of them needs what another one gives.

    Attributes:
        outs: a bundle for each factor of the codomain.
        parts: what is done, in the order of the bundles' values.
        arguments: a bundle for each factor of the domain, or a value where that is the same for all parts.
        shared: which of the arguments are such values.
    """

    outs: tuple[int, ...]
    parts: tuple[Apply, ...]
    arguments: tuple[int, ...]
    shared: tuple[bool, ...]


class Merged(Joint):
    """One map at several values. It treats each sample by itself, so it may be called once on all of them."""


class Stacked(Joint):
    """Several maps of one architecture, each at its own values, with their numbers stacked."""


@dataclass(frozen=True)
class Comparisons:
    """Several comparisons by one comparator, each of one value with one value; `left` and `right` as in `Joint`."""

    parts: tuple[Compare, ...]
    left: int
    right: int
    shared: tuple[bool, bool]


Line: TypeAlias = Step | Gather | GatherInputs | Spread | Joint


@dataclass(frozen=True)
class Choice:
    """What a pass chose: applications to be done together, as indices of the plan's steps, and why not others."""

    groups: tuple[tuple[int, ...], ...] = ()
    refused: Mapping[tuple[str, ...], str] = field(default_factory=dict)


@dataclass(frozen=True)
class Table:
    """What a backend's function does, line after line; `plan` says what it comes to, and stands in for it in errors.

    Attributes:
        inputs: what the function reads of a batch: the name of a generator, or the names of a bundle's.
        refused: for each pass the generators for which it was thought of, and why it does not apply.
    """

    plan: Plan
    lines: tuple[Line, ...]
    compares: tuple[Compare | Comparisons, ...]
    refused: Mapping[str, Mapping[tuple[str, ...], str]] = field(default_factory=dict)

    @property
    def inputs(self) -> tuple[str | tuple[str, ...], ...]:
        return tuple(
            line.generator if isinstance(line, Input) else line.generators
            for line in self.lines
            if isinstance(line, Input | GatherInputs)
        )

    @property
    def joints(self) -> tuple[Joint, ...]:
        """The applications that are done together."""
        return tuple(line for line in self.lines if isinstance(line, Joint))

    @staticmethod
    def of(plan: Plan, refused: Mapping[str, Mapping[tuple[str, ...], str]] | None = None) -> Table:
        """The plan as it is, each thing by itself."""
        return Table(plan, plan.steps, plan.compares, refused or {})

    @property
    def notes(self) -> tuple[str, ...]:
        """What the passes did, and where they did not apply and why, a line each."""
        lines = [_row(joint) for joint in self.joints]
        lines += [
            f"stack: {_listed([part.name for part in each.parts])} are one comparison by {each.parts[0].by}"
            for each in self.compares
            if isinstance(each, Comparisons)
        ]
        for name, found in self.refused.items():
            lines += [f"{name}: not {_listed(generators)}, {why}" for generators, why in found.items()]
        return tuple(lines)


def _row(joint: Joint) -> str:
    if isinstance(joint, Merged):
        name = joint.parts[0].generator
        values = _listed([f"v{part.outs[0]}" for part in joint.parts])
        return f"merge: {values} are one call of {name}"
    return f"stack: {_listed([part.generator for part in joint.parts])} are one call"


def _listed(names: Sequence[str]) -> str:
    """A list with its middle left out, where it is long.

    >>> _listed(["a", "b", "c"]), _listed([f"head{k}" for k in range(64)])
    ('a, b and c', 'head0, head1, … and head63 (64)')
    """
    names = list(names)
    if len(names) > 4:
        return f"{names[0]}, {names[1]}, … and {names[-1]} ({len(names)})"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def depths(plan: Plan, ordered: Iterable[str]) -> list[int]:
    """How far each step of a plan is from the inputs. Steps of one depth do not need each other.

    Args:
        ordered: maps whose calls stay in their order (they draw, or learn statistics): each is deeper than the one
            before it, so that doing steps of one depth together never asks for another order.
    """
    chain, last = frozenset(ordered), 0
    of: dict[int, int] = {}
    found: list[int] = []
    for step in plan.steps:
        depth = 1 + max((of[value] for value in reads(step)), default=0)
        if isinstance(step, Apply) and step.generator in chain:
            depth = last = max(depth, last + 1)
        of.update(dict.fromkeys(step.outs, depth))
        found.append(depth)
    return found


def together(candidates: Iterable[tuple[Hashable, int]]) -> Iterator[tuple[int, ...]]:
    """Indices with one key, in the order of their first: two or more of them."""
    groups: dict[Hashable, list[int]] = {}
    for key, index in candidates:
        groups.setdefault(key, []).append(index)
    return (tuple(group) for group in groups.values() if len(group) > 1)


def table_of(plan: Plan, merged: Choice, stacked: Choice, ordered: Iterable[str] = (), least: int = 2) -> Table:
    """The plan with these applications done together, and with them `least` comparisons or more of what they give.

    Groups of indices must not overlap, and be of one depth each (:func:`depths` with the same `ordered`).
    """
    refused = {"merge": merged.refused, "stack": stacked.refused}
    if not merged.groups and not stacked.groups:
        return Table.of(plan, refused)
    builder = _Builder(plan, merged, stacked, frozenset(ordered))
    for index in range(len(plan.steps)):
        builder.emit(index)
    compares = tuple(builder.compares(least))
    builder.spread(plan.outputs)
    return Table(plan, tuple(builder.lines), compares, refused)


class _Builder:
    """A table under construction."""

    def __init__(self, plan: Plan, merged: Choice, stacked: Choice, ordered: frozenset[str]) -> None:
        self.plan = plan
        self.lines: list[Line] = []
        self._maker = {out: index for index, step in enumerate(plan.steps) for out in step.outs}
        self._group: dict[int, tuple[type[Joint], tuple[int, ...]]] = {}
        for kind, choice in ((Merged, merged), (Stacked, stacked)):
            for group in choice.groups:
                self._group.update(dict.fromkeys(group, (kind, group)))
        self._before = _chain(plan, ordered)
        self._done: set[int] = set()
        self._bundles: dict[tuple[int, ...], int] = {}
        self._holds: dict[int, tuple[int, ...]] = {}
        """The values of each bundle."""
        self._in: dict[int, int] = {}
        """The bundle that a call gave and that holds this value."""
        self._spread: set[int] = set()
        self._next = 1 + max((out for step in plan.steps for out in step.outs), default=-1)
        self._uses = _uses(plan)

    def emit(self, index: int) -> None:
        """Puts a step, and what it needs, after the lines that are there."""
        todo = [index]
        while todo:
            index = todo[-1]
            members = self._group[index][1] if index in self._group else (index,)
            missing = [need for member in members for need in self._needs(member) if need not in self._done]
            if index in self._done:
                todo.pop()
            elif missing:
                todo += reversed(missing)
            else:
                todo.pop()
                self._done.update(members)
                if index in self._group:
                    self._joint(*self._group[index])
                else:
                    self._single(self.plan.steps[index])

    def _needs(self, index: int) -> list[int]:
        found = [self._maker[value] for value in reads(self.plan.steps[index])]
        return [*found, self._before[index]] if index in self._before else found

    def _single(self, step: Step) -> None:
        if self._once(step):
            # Perhaps it goes into a bundle and nowhere else: it is read when that is known.
            return
        self.spread(reads(step))
        self.lines.append(step)

    def spread(self, values: Iterable[int]) -> None:
        """Makes values that are to be read by themselves."""
        for value in values:
            bundle = self._in.get(value)
            step = self.plan.steps[self._maker[value]]
            if bundle is not None and bundle not in self._spread:
                self._spread.add(bundle)
                self.lines.append(Spread(self._holds[bundle], bundle))
            elif self._once(step):
                self.lines.append(step)

    def _once(self, step: Step) -> bool:
        """Whether this is a value of the batch that is read once."""
        return isinstance(step, Input) and len(step.outs) == 1 and self._uses[step.outs[0]] == 1

    def _joint(self, kind: type[Joint], group: tuple[int, ...]) -> None:
        parts = tuple(step for step in map(self.plan.steps.__getitem__, group) if isinstance(step, Apply))
        parts = self._as_bundled(parts)
        columns = list(zip(*(part.arguments for part in parts), strict=True))
        shared = tuple(kind is Stacked and len(set(column)) == 1 for column in columns)
        arguments = tuple(
            self._alone(column[0]) if same else self._bundle(column)
            for column, same in zip(columns, shared, strict=True)
        )
        outs = []
        for values in zip(*(part.outs for part in parts), strict=True):
            bundle = self._number(values)
            self._in.update(dict.fromkeys(values, bundle))
            outs.append(bundle)
        self.lines.append(kind(tuple(outs), parts, arguments, shared))

    def _as_bundled(self, parts: tuple[Apply, ...]) -> tuple[Apply, ...]:
        """The parts in the order in which their arguments stand in a bundle, if there is one of just these."""
        for values in zip(*(part.arguments for part in parts), strict=True):
            held = self._holds.get(self._in.get(values[0], -1), ())
            if len(set(values)) == len(values) == len(held) and set(values) == set(held):
                by_value = dict(zip(values, parts, strict=True))
                return tuple(by_value[value] for value in held)
        return parts

    def _number(self, values: tuple[int, ...]) -> int:
        bundle, self._next = self._next, self._next + 1
        self._bundles[values] = bundle
        self._holds[bundle] = values
        return bundle

    def _alone(self, value: int) -> int:
        self.spread((value,))
        return value

    def _bundle(self, values: tuple[int, ...]) -> int:
        """The number of the bundle of these values, made if it is not there."""
        if values in self._bundles:
            return self._bundles[values]
        steps = [self.plan.steps[self._maker[value]] for value in values]
        if all(map(self._once, steps)):
            bundle = self._number(values)
            names = tuple(step.generator for step in steps if isinstance(step, Input))
            self.lines.append(GatherInputs((bundle,), names))
            return bundle
        self.spread(values)
        bundle = self._number(values)
        self.lines.append(Gather((bundle,), values))
        return bundle

    def compares(self, least: int) -> Iterator[Compare | Comparisons]:
        """The comparisons, those together whose values come in one bundle."""
        groups: dict[Hashable, list[Compare]] = {}
        for index, compare in enumerate(self.plan.compares):
            groups.setdefault(self._kind(compare) or index, []).append(compare)
        for group in groups.values():
            if len(group) >= least:
                yield self._comparisons(group)
                continue
            for compare in group:
                self.spread(value for pair in compare.pairs for side in pair for value in side)
                yield compare

    def _kind(self, compare: Compare) -> Hashable:
        """What comparisons have in common that are one; None for one that stays alone."""
        if len(compare.pairs) != 1 or len(compare.pairs[0][0]) != 1:
            return None
        (((left,), (right,)),) = compare.pairs
        bundles = self._in.get(left), self._in.get(right)
        return None if bundles == (None, None) else (compare.by, compare.gradient, bundles)

    def _comparisons(self, group: list[Compare]) -> Comparisons:
        places = {value: place for held in self._holds.values() for place, value in enumerate(held)}
        column = 0 if group[0].pairs[0][0][0] in self._in else 1
        group.sort(key=lambda compare: places[compare.pairs[0][column][0]])
        sides = [tuple(compare.pairs[0][side][0] for compare in group) for side in (0, 1)]
        shared = [len(set(side)) == 1 for side in sides]
        left, right = (
            self._alone(side[0]) if same else self._bundle(side) for side, same in zip(sides, shared, strict=True)
        )
        return Comparisons(tuple(group), left, right, (shared[0], shared[1]))


def _chain(plan: Plan, ordered: frozenset[str]) -> dict[int, int]:
    """For each call of a map whose calls stay in their order the one before it."""
    calls = [i for i, step in enumerate(plan.steps) if isinstance(step, Apply) and step.generator in ordered]
    return dict(zip(calls[1:], calls, strict=False))


def _uses(plan: Plan) -> Counter[int]:
    """How often each value is read."""
    found = Counter(value for step in plan.steps for value in reads(step))
    found.update(value for compare in plan.compares for pair in compare.pairs for side in pair for value in side)
    found.update(plan.outputs)
    return found
