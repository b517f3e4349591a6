"""Declared shapes, unified through a plan: what each value's shape is, before any data.

Declared shapes are types. Each map is asked for its output's shape at its arguments' shapes (by a backend's abstract
evaluation, or by what a built-in layer says of itself), and the output is unified with the declared codomain; a name in
a shape is one number wherever it stands. Noise has the shape that its distribution says. Where a value's shape is not
known, the last axes that built-in layers take and give are unified all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from learningdiagrams.declarations import Space
from learningdiagrams.diagram import Diagram
from learningdiagrams.errors import About, DiagramError
from learningdiagrams.plan import Apply, Compare, Expand, Input, Plan, Stop, path_of
from learningdiagrams.specs import normal, uniform

if TYPE_CHECKING:
    from learningdiagrams.layers import Layer

__all__ = ["Abstract", "Bindings", "built_in", "check_plan", "layer_shapes", "place_of"]


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
TAKES: Final = (
    "{where}: `{generator}` takes values whose last axis is {takes}, and the last axis of `{path}` is {width} by {by}"
)
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


def check_plan(
    plan: Plan,
    evaluate: Evaluate,
    bindings: Bindings | None = None,
    layers: Mapping[str, Layer] | None = None,
) -> Bindings:
    """Unifies all shapes of a plan.

    Args:
        layers: the built-in layers among the maps, whose last axes count where shapes are not known.
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
            last = _LastAxes(plan, values, layers or {}, bindings)
            if len(bindings.numbers) == known[1]:
                break
    problems += last.problems
    for compare in plan.compares:
        problems += _compare(plan, compare, values, last.widths)
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
    drawn = diagram.specs.get(step.generator)
    if isinstance(step, Input) and isinstance(drawn, normal | uniform) and drawn.axes:
        outputs, complete = (Abstract(drawn.axes),) * len(spaces), True
    if isinstance(step, Apply):
        arguments = [values.get(value) for value in step.arguments]
        if all(argument is not None for argument in arguments):
            complete = True
            try:
                found = evaluate(step.generator, [argument for argument in arguments if argument is not None])
            except DiagramError as error:
                problems.append(About(f"{place_of(plan, step)}: `{step.generator}`: {error}", step.generator))
                found = None
            if found is not None and len(found) != len(spaces):
                cod = diagram.generators[step.generator].cod
                text = f"`{step.generator}` gives {len(found)} values, but {cod} has {len(spaces)} factors"
                problems.append(About(f"{place_of(plan, step)}: {text}", step.generator))
            elif found is not None:
                outputs = found
    sorts = diagram.generators[step.generator].cod.factors
    for out, sort, space, output in zip(step.outs, sorts, spaces, outputs, strict=True):
        if output is not None:
            wrong = bindings.unify(space, output.shape, f"`{step.generator}`")
            if wrong:
                declared = Space(space.shape)
                text = OUTPUT.format(
                    where=place_of(plan, step), generator=step.generator, given=output, object=sort, declared=declared
                )
                numbers = all(isinstance(size, int) for size in space.shape or ())
                problems.append(About(text if numbers else f"{text} ({wrong})", step.generator))
        shape = bindings.known(space)
        values[out] = Abstract(shape, space.dtype) if shape is not None else output
        complete = complete or (isinstance(step, Input) and shape is not None)
    return complete


def place_of(plan: Plan, step: Apply | Input) -> str:
    """The equation that first uses a step, and the path there, as errors begin."""
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


class _LastAxes:
    """The last axes of real values, also where their shapes are not known: as declared, or as layers take or give them.

    Attributes:
        widths: {value: (its last axis, what says so)}.
        problems: what contradicts.
    """

    def __init__(
        self, plan: Plan, values: Mapping[int, Abstract | None], layers: Mapping[str, Layer], bindings: Bindings
    ) -> None:
        self.widths: dict[int, tuple[int, str]] = {}
        self.problems: list[About] = []
        self._plan, self._values, self._bindings = plan, values, bindings
        self._spaces: dict[int, Space] = {}
        for step in plan.steps:
            if isinstance(step, Stop | Expand):
                self._same(step.outs[0], step.value)
                continue
            layer = layers.get(step.generator) if isinstance(step, Apply) else None
            if layer is not None and isinstance(step, Apply):
                self._taken(step, layer)
            self._given(step, layer)

    def _same(self, out: int, value: int) -> None:
        """A value that is another one, stopped or repeated."""
        for table in (self.widths, self._spaces):
            if value in table:
                table[out] = table[value]  # type: ignore[assignment]  # of the same table

    def _given(self, step: Apply | Input, layer: Layer | None) -> None:
        """The last axes of what a step makes."""
        diagram = self._plan.diagram
        if step.generator not in diagram.generators:
            return
        name, sorts = f"`{step.generator}`", diagram.generators[step.generator].cod.factors
        for out, sort in zip(step.outs, sorts, strict=True):
            space, value = diagram.spaces[sort.name], self._values.get(out)
            if (space.dtype if value is None else value.dtype) != "float":
                continue
            self._spaces[out] = space
            width = self._width(step, layer) if len(sorts) == 1 else None
            if width is not None:
                self.widths[out] = width, name
            elif value is None:
                last = space.shape[-1] if space.shape else None
                if isinstance(last, int):
                    self.widths[out] = last, f"the declaration of {sort}"
                elif last in self._bindings.numbers:
                    self.widths[out] = self._bindings.numbers[last]
            elif value.shape:
                self.widths[out] = value.shape[-1], name
            if width is not None and self._wrong(space, width, name):
                where, declared = place_of(self._plan, step), Space(space.shape)
                text = OUTPUT.format(
                    where=where, generator=step.generator, given=_ending(width), object=sort, declared=declared
                )
                self.problems.append(About(text, step.generator))

    def _width(self, step: Apply | Input, layer: Layer | None) -> int | None:
        """The last axis that a layer gives where it was not evaluated, for want of its arguments' shapes."""
        if layer is None or not isinstance(step, Apply) or self._evaluated(step):
            return None
        if layer.gives is None and layer.keeps and len(step.arguments) == 1:
            return self.widths.get(step.arguments[0], (None,))[0]
        return layer.gives

    def _evaluated(self, step: Apply) -> bool:
        return all(self._values.get(value) is not None for value in step.arguments)

    def _taken(self, step: Apply, layer: Layer) -> None:
        """Unifies what a layer takes with what is known of its arguments."""
        takes = layer.takes
        if takes is None or self._evaluated(step):
            return
        known = [self.widths.get(value) for value in step.arguments]
        name = f"`{step.generator}`"
        if None not in known:
            width = sum(each[0] for each in known if each)
            if width == takes:
                return
            by = " and ".join(dict.fromkeys(each[1] for each in known if each))
            path = " & ".join(path_of(self._plan, value) for value in step.arguments)
        elif len(step.arguments) == 1:
            value = step.arguments[0]
            self.widths[value] = takes, name
            if value in self._spaces:
                self._wrong(self._spaces[value], takes, name)
            return
        else:
            return
        where = place_of(self._plan, step)
        text = TAKES.format(where=where, generator=step.generator, takes=takes, path=path, width=width, by=by)
        self.problems.append(About(text, step.generator))

    def _wrong(self, space: Space, width: int, by: str) -> bool:
        """Whether a declared last axis is not this number; a name stands for it from here on."""
        if space.shape is None:
            return False
        return not space.shape or self._bindings.unify(Space(space.shape[-1:]), (width,), by) is not None


def _ending(width: int) -> str:
    return f"[…, {width}]"


def _compare(
    plan: Plan,
    compare: Compare,
    values: Mapping[int, Abstract | None],
    widths: Mapping[int, tuple[int, str]],
) -> list[About]:
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
            elif (a is None or b is None) and one in widths and two in widths and widths[one][0] != widths[two][0]:
                shown: Any = a or _ending(widths[one][0]), b or _ending(widths[two][0])
                text = SIDES.format(
                    where=where, left=path_of(plan, one), a=shown[0], right=path_of(plan, two), b=shown[1]
                )
                problems.append(About(text, compare.name))
    return problems


def _is_class(compare: Compare, left: Abstract, right: Abstract) -> bool:
    """Whether one side holds class numbers for the other."""
    return compare.by.reads_classes and right.dtype == "int" and left.shape[:-1] == right.shape


def built_in(diagram: Diagram, realised: Mapping[str, Any]) -> dict[str, Layer]:
    """The built-in layers among what realises the generators; an average has the layer of what it follows."""
    from learningdiagrams.layers import Layer

    followed = {name: realised.get(average.model) for name, average in diagram.averages.items()}
    return {name: made for name, made in {**realised, **followed}.items() if isinstance(made, Layer)}


def layer_shapes(diagram: Diagram) -> Evaluate:
    """Evaluation by what the built-in layers of a diagram say of themselves: no backend is needed."""
    layers = built_in(diagram, diagram.specs)

    def evaluate(generator: str, arguments: Sequence[Abstract]) -> tuple[Abstract, ...] | None:
        layer = layers.get(generator)
        return None if layer is None else (Abstract(layer.shape(*(argument.shape for argument in arguments))),)

    return evaluate
