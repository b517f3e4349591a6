"""Declared shapes, unified through a plan: what each value's shape is, before any data.

Declared shapes are types. Each map is asked for its output's shape at its arguments' shapes (by a backend's abstract
evaluation, or by what a built-in layer says of itself), and the output is unified with the declared codomain; a name in
a shape is one number wherever it stands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from learningdiagrams.declarations import Space
from learningdiagrams.diagram import Diagram
from learningdiagrams.errors import About, DiagramError
from learningdiagrams.plan import Apply, Compare, Expand, Input, Plan, Stop, path_of

__all__ = ["Abstract", "Bindings", "check_plan", "layer_shapes"]


@dataclass(frozen=True)
class Abstract:
    """The type of one value: its shape without the batch axis, and its kind of number ("float", "int" or "bool")."""

    shape: tuple[int, ...]
    dtype: str = "float"

    def __str__(self) -> str:
        return str(Space(self.shape, self.dtype))


Evaluate = Callable[[str, Sequence[Abstract]], "tuple[Abstract, ...] | None"]
"""The output types of a map, by its name, at arguments of these types; None where they cannot be told."""

OUTPUT: Final = "{where}: `{generator}` gives {given}, but {object} is declared {declared}"
SIDES: Final = "{where}: its sides have two shapes: `{left}` is {a}, but `{right}` is {b}"


class Bindings:
    """The numbers that names in shapes stand for, each with what said so.

    >>> bindings = Bindings()
    >>> bindings.unify(Space(("n", 64)), (10, 64), "`pixels`"), bindings.unify(Space(("n",)), (12,), "`label`")
    (None, 'n is 10 by `pixels`, and 12 by `label`')
    >>> bindings.known(Space(("n", "n")))
    (10, 10)
    """

    def __init__(self) -> None:
        self.numbers: dict[str, tuple[int, str]] = {}

    def known(self, space: Space) -> tuple[int, ...] | None:
        """The shape as numbers, or None where it is undeclared or a name is not known yet."""
        if space.shape is None:
            return None
        sizes = [size if isinstance(size, int) else self.numbers.get(size, (None,))[0] for size in space.shape]
        return None if None in sizes else tuple(sizes)  # type: ignore[arg-type]  # none is None

    def unify(self, space: Space, shape: Sequence[int], by: str) -> str | None:
        """Binds the names of a declared shape to a given one; what contradicts is returned as text."""
        if space.shape is None:
            return None
        if len(space.shape) != len(shape):
            return f"{by} has {_axes(len(shape))}, not {_axes(len(space.shape))}"
        for size, number in zip(space.shape, shape, strict=True):
            if isinstance(size, str):
                bound, source = self.numbers.setdefault(size, (int(number), by))
                if bound != number:
                    return f"{size} is {bound} by {source}, and {number} by {by}"
            elif size != number:
                return f"{size} was declared, {number} given by {by}"
        return None


def _axes(count: int) -> str:
    return f"{count} {'axis' if count == 1 else 'axes'}"


def check_plan(plan: Plan, evaluate: Evaluate, bindings: Bindings | None = None) -> Bindings:
    """Unifies all shapes of a plan.

    Args:
        bindings: numbers that are known already (from data, or from another plan); they are added to.

    Raises:
        DiagramError: one line for each contradiction, naming the goal, the path, the generator and both shapes.
    """
    bindings = bindings or Bindings()
    problems: list[About] = []
    values: dict[int, Abstract | None] = {}
    settled: set[int] = set()
    while True:
        known = len(settled), len(bindings.numbers)
        for position in range(len(plan.steps)):
            if position not in settled and _settle(plan, position, values, evaluate, bindings, problems):
                settled.add(position)
        if (len(settled), len(bindings.numbers)) == known:
            break
    for compare in plan.compares:
        problems += _compare(plan, compare, values, bindings)
    if problems:
        raise DiagramError.of(list(dict.fromkeys(problems)))
    return bindings


def _settle(
    plan: Plan,
    position: int,
    values: dict[int, Abstract | None],
    evaluate: Evaluate,
    bindings: Bindings,
    problems: list[About],
) -> bool:
    """Finds the types of a step's outputs as far as they can be known yet; whether there is nothing left to learn."""
    step, diagram = plan.steps[position], plan.diagram
    if isinstance(step, Stop | Expand):
        values[step.outs[0]] = values.get(step.value)
        return values[step.outs[0]] is not None
    if isinstance(step, Input) and step.generator not in diagram.generators:
        return False  # an argument of a morphism that is applied by itself
    spaces = [diagram.spaces[sort.name] for sort in diagram.generators[step.generator].cod.factors]
    outputs: tuple[Abstract | None, ...] = (None,) * len(spaces)
    complete = False
    if isinstance(step, Apply):
        arguments = [values.get(value) for value in step.arguments]
        if all(argument is not None for argument in arguments):
            complete = True
            try:
                found = evaluate(step.generator, [argument for argument in arguments if argument is not None])
            except DiagramError as error:
                problems.append(About(f"{_where(plan, step)}: `{step.generator}`: {error}", step.generator))
                found = None
            if found is not None and len(found) != len(spaces):
                cod = diagram.generators[step.generator].cod
                text = f"`{step.generator}` gives {len(found)} values, but {cod} has {len(spaces)} factors"
                problems.append(About(f"{_where(plan, step)}: {text}", step.generator))
            elif found is not None:
                outputs = found
    sorts = diagram.generators[step.generator].cod.factors
    for out, sort, space, output in zip(step.outs, sorts, spaces, outputs, strict=True):
        if output is not None:
            wrong = bindings.unify(space, output.shape, f"`{step.generator}`")
            if wrong:
                declared = Space(space.shape)
                text = OUTPUT.format(
                    where=_where(plan, step), generator=step.generator, given=output, object=sort, declared=declared
                )
                numbers = all(isinstance(size, int) for size in space.shape or ())
                problems.append(About(text if numbers else f"{text} ({wrong})", step.generator))
        shape = bindings.known(space)
        values[out] = Abstract(shape, space.dtype) if shape is not None else output
        complete = complete or (isinstance(step, Input) and shape is not None)
    return complete


def _where(plan: Plan, step: Apply | Input) -> str:
    """The equation that first uses a step, and the path there."""
    users = {step.outs[0]}
    for other in plan.steps:
        reads = other.arguments if isinstance(other, Apply) else () if isinstance(other, Input) else (other.value,)
        if users & set(reads):
            users |= set(other.outs)
    path = path_of(plan, step.outs[0])
    for compare in plan.compares:
        if any(users & {*left, *right} for left, right in compare.pairs):
            return f"{_kind(plan.diagram, compare.name)} `{compare.name}`, at {path}"
    return f"at {path}"


def _kind(diagram: Diagram, name: str) -> str:
    return "goal" if name in diagram.goals else "measure" if name in diagram.measures else "law"


def _compare(plan: Plan, compare: Compare, values: Mapping[int, Abstract | None], bindings: Bindings) -> list[About]:
    problems = []
    where = f"{_kind(plan.diagram, compare.name)} `{compare.name}`"
    for left, right in compare.pairs:
        for one, two in zip(left, right, strict=True):
            a, b = values.get(one), values.get(two)
            if a is not None and compare.by.needs_classes and (not a.shape or a.shape[-1] == 1):
                text = f"{compare.by} compares classes along the last axis, but `{path_of(plan, one)}` is {a}"
                problems.append(About(f"{where}: {text}", compare.name))
            elif a is not None and b is not None and a.shape != b.shape and not _is_class(compare, a, b):
                text = SIDES.format(where=where, left=path_of(plan, one), a=a, right=path_of(plan, two), b=b)
                problems.append(About(text, compare.name))
    return problems


def _is_class(compare: Compare, left: Abstract, right: Abstract) -> bool:
    """Whether one side holds class numbers for the other."""
    return compare.by.reads_classes and right.dtype == "int" and left.shape[:-1] == right.shape


def layer_shapes(diagram: Diagram) -> Evaluate:
    """Evaluation by what the built-in layers of a diagram say of themselves: no backend is needed."""
    from learningdiagrams.layers import Layer

    def evaluate(generator: str, arguments: Sequence[Abstract]) -> tuple[Abstract, ...] | None:
        follows = diagram.averages.get(generator)
        layer = diagram.specs.get(follows.model if follows else generator)
        if not isinstance(layer, Layer):
            return None
        return (Abstract(layer.shape(*(argument.shape for argument in arguments))),)

    return evaluate
