"""A plan as one straight-line Python function, without loop or look-up; the same for every backend.

A plan's table is known when a program is made, so the program's Python is written then: one line for each
step, values in local variables, each forgotten after its last use. A backend says what one step does
(:class:`Operations`); the function does the steps. An eager backend calls it at every step of training, a
tracing one once for each shape of batch.

>>> from learningdiagrams.diagram import Diagram
>>> from learningdiagrams.plan import make_plan
>>> d = Diagram("Distillation")
>>> S, X, Y = d.objects("Sample", "Image", "Logits")
>>> pixels, label = d.data("pixels", S, X), d.data("label", S, Y)
>>> teacher, student = d.frozen("teacher", X, Y), d.model("student", X, Y)
>>> _ = d.goal("hard", pixels >> student, label, by="cross_entropy")
>>> _ = d.goal("soft", pixels >> student, pixels >> teacher, by="kl(temperature=4)", weight=0.7)
>>> print(source(make_plan(d, d.goals.values())))
def run(batch, state):
    v0 = batch["pixels"]
    v2 = batch["label"]
    v3 = f3(state, v0)  # teacher
    v1 = f1(state, v0)  # student
    del v0
    t0 = c0(v1, v2)  # hard
    del v2
    t1 = c1(v1, v3)  # soft
    return (t0, t1), ()
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple, Protocol

from learningdiagrams.backends.checks import REFUSED, one_line
from learningdiagrams.backends.joint import joint_scope
from learningdiagrams.batching import Comparisons, Gather, GatherInputs, Joint, Line, Spread, Table
from learningdiagrams.errors import DiagramError
from learningdiagrams.plan import Apply, Compare, Expand, Input, Plan, Stop, reads
from learningdiagrams.shapes import place_of

__all__ = ["JointOperations", "Operations", "StraightLine", "checked", "source", "straight_line", "title"]

Value = Any
State = Any

REFUSALS: Final = (TypeError, ValueError, RuntimeError, IndexError)
"""What frameworks raise where shapes, kinds of numbers or indices do not fit; their subclasses say something else."""

StraightLine = Callable[[Mapping[Any, Value], State], tuple[tuple[Value, ...], tuple[Value, ...]]]
"""A function of (batch, state) that gives the values of the table's `compares` and of `plan.outputs`, in order.

`batch` holds the value of every input of the table, already arrays of the backend; `state` is handed to the
maps as it is. Several comparisons done together give one array, or a tuple of the value of each.
"""


class Operations(Protocol):
    """What a backend does for each kind of step. All are asked for once, when a program is made."""

    def apply(self, step: Apply) -> Callable[..., Value]:
        """The function (state, *arguments) -> value that this application of a map is: the value, or a tuple
        of them where the map's codomain is a product.

        `step.live` and `step.flows` say what gradients it lets pass. `state` is whatever the backend hands to
        the straight-line function; nothing else looks at it. What comes out is checked by :func:`checked`;
        the values of a map out of 1 are given their batch axis by `lift`.
        """
        ...

    def lift(self, value: Value) -> Value:
        """The value of a map out of 1, with a batch axis of length 1."""
        ...

    def expand(self, value: Value, like: Value) -> Value:
        """A value with a batch axis of length 1, repeated to the batch size of `like`."""
        ...

    def stop(self, value: Value) -> Value:
        """The same value, through which no gradient passes."""
        ...

    def is_array(self, value: Value) -> bool:
        """Whether this is one array of the backend."""
        ...

    def compare(self, compare: Compare, where: str) -> Callable[[Value, Value], Value]:
        """The function (left, right) -> 0-d value of a comparator; `where` begins its errors."""
        ...


class JointOperations(Operations, Protocol):
    """What a backend does besides for a table of calls that are done together (:mod:`learningdiagrams.batching`).

    A bundle is an array with a first axis of length K, or where values do not fit together the tuple of them.
    """

    def gather(self, values: tuple[Value, ...]) -> Value:
        """Several values as a bundle."""
        ...

    def spread(self, bundle: Value) -> tuple[Value, ...]:
        """The values of a bundle."""
        ...

    def joint(self, step: Joint) -> Callable[..., Value]:
        """The function (state, *arguments) -> bundle that a joint application is, or a tuple of bundles where the
        codomain is a product.

        It may raise where the arguments do not fit together: then the parts are applied one by one.
        """
        ...

    def compare_all(self, step: Comparisons) -> Callable[[Value, Value], Value] | None:
        """The function (left, right) -> array of the K values; it may raise, likewise. None where there is none."""
        ...


def straight_line(plan: Plan, operations: Operations, table: Table | None = None) -> StraightLine:
    """The plan as one function of a batch and a state; `table` says how, where not line for line as it is written.

    The function raises DiagramError where a map returns something else than its codomain says, and where it
    refuses its arguments, naming the map, the path to it and what it was given. Whatever else a map raises (an
    exception of its own, a memory that is full) comes out as it is, with a note that names the map.
    """
    table = Table.of(plan) if table is None else table
    code = _Code(table)
    scope: dict[str, Any] = {"expand": operations.expand, "stop": operations.stop}
    for name, step in code.applications:
        scope[name] = application(plan, step, operations)
    for name, compare, index in code.comparisons:
        scope[name] = operations.compare(compare, title(plan, compare.name, index))
    if table.joints:
        scope.update(
            joint_scope(
                operations,  # type: ignore[arg-type]  # a backend whose tables have joint steps does these too
                code.joints,
                code.together,
                single=lambda step: application(plan, step, operations),
                compare=lambda compare: operations.compare(compare, title(plan, compare.name)),
            )
        )
    exec(compile(code.text, f"<plan of {plan.diagram.name}>", "exec"), scope)
    return scope["run"]


def source(plan: Plan | Table) -> str:
    """The function's Python: `f…` are maps, `j…` several, `c…` comparators, `v…` values and bundles, `t…` terms."""
    return _Code(plan if isinstance(plan, Table) else Table.of(plan)).text


def title(plan: Plan, name: str, index: int = 0) -> str:
    """How an error names an equation of the plan: its kind, its name, where it is sampled, and both paths.

    `index` counts the equation's `on`.
    """
    diagram = plan.diagram
    for kind, table in (("goal", diagram.goals), ("measure", diagram.measures), ("law", diagram.laws)):
        if name in table:
            equation = table[name]
            along = getattr(equation, "on", ())
            on = f" on {along[index]}" if along else ""
            return f"{kind} `{name}` ({equation.left} = {equation.right}{on})"
    return f"`{name}`"


def checked(generator: str, ends: str, count: int, value: Any, is_array: Callable[[Any], bool]) -> Any:
    """What a map returned, if it is what its codomain says: one array, or a tuple of `count` of them.

    Raises:
        DiagramError: it is not, naming the generator, its `ends` and what came.
    """
    if count == 1:
        if is_array(value):
            return value
        # A tuple of one is a map's way to say the same.
        if isinstance(value, tuple | list) and len(value) == 1 and is_array(value[0]):
            return value[0]
    elif isinstance(value, tuple | list) and len(value) == count and all(map(is_array, value)):
        return tuple(value)
    wanted = "one array" if count == 1 else f"a tuple of {count} arrays"
    raise DiagramError(f"`{generator}` : {ends} is to return {wanted}, and it returned {_what(value, is_array)}")


def _what(value: Any, is_array: Callable[[Any], bool]) -> str:
    if is_array(value):
        return "one array"
    if isinstance(value, tuple | list):
        if all(map(is_array, value)):
            return f"a {type(value).__name__} of {len(value)} arrays"
        parts = ", ".join("array" if is_array(part) else type(part).__name__ for part in value)
        return f"a {type(value).__name__} of ({parts})"
    return f"`{value}`" if value is None else f"{_article(type(value).__name__)} {type(value).__name__}"


def _article(word: str) -> str:
    return "an" if word[:1].lower() in "aeiou" else "a"


def application(plan: Plan, step: Apply, operations: Operations) -> Callable[..., Value]:
    """A map's application whose outcome is checked, and whose errors say which map it was."""
    apply, lift, is_array = operations.apply(step), operations.lift, operations.is_array
    morphism = plan.diagram.generators[step.generator]
    ends, count, constant = f"{morphism.dom} -> {morphism.cod}", len(step.outs), not morphism.dom.factors

    def applied(state: State, *arguments: Value) -> Value:
        try:
            value = apply(state, *arguments)
        except Exception as error:
            if type(error) in REFUSALS:
                raise _refused(plan, step, arguments, error) from error
            error.add_note(f"in `{step.generator}` : {ends}")
            raise
        if count != 1 or not is_array(value):
            value = checked(step.generator, ends, count, value, is_array)
        if constant:
            return lift(value) if count == 1 else tuple(map(lift, value))
        return value

    return applied


def _refused(plan: Plan, step: Apply, arguments: tuple[Value, ...], error: Exception) -> DiagramError:
    """What a map said of its arguments, with the path to it and the arguments' shapes and kinds of numbers."""
    given = " and ".join(map(_type, arguments)) or "no argument"
    reason = one_line(error)
    reals = isinstance(error, TypeError | RuntimeError) and "type" in reason
    if reals and not all("float" in str(getattr(argument, "dtype", "float")) for argument in arguments):
        reason += "; maps receive what the data hold: hand over floats where they compute with real numbers"
    what = REFUSED.format(arguments=given, reason=reason)
    place = place_of(plan, step) if plan.compares else f"at {step.generator}"
    return DiagramError(f"{place}: `{step.generator}`: {what}", step.generator)


def _type(value: Value) -> str:
    if not hasattr(value, "shape"):
        return type(value).__name__
    return f"[{', '.join(map(str, value.shape[1:]))}] of {str(value.dtype).removeprefix('torch.')}"


class _Line(NamedTuple):
    reads: tuple[int, ...]
    text: str


class _Code:
    """The text of a table's function, and the names in it that a backend has to fill."""

    def __init__(self, table: Table) -> None:
        plan = table.plan
        self.applications: list[tuple[str, Apply]] = []
        self.comparisons: list[tuple[str, Compare, int]] = []
        self.joints: list[tuple[str, Joint]] = []
        self.together: list[tuple[str, Comparisons]] = []
        lines = _early(
            [(line.outs, self._step(line)) for line in _constants_first(table)],
            [self._compare(number, compare) for number, compare in enumerate(table.compares)],
        )
        terms = _tuple(f"t{number}" for number in range(len(table.compares)))
        returned = f"return {terms}, {_tuple(f'v{out}' for out in plan.outputs)}"
        kept = set(plan.outputs)
        self.text = "\n    ".join(["def run(batch, state):", *_forgetting(lines, kept), returned])

    def _step(self, step: Line) -> _Line:
        outs = ", ".join(f"v{out}" for out in step.outs)
        if isinstance(step, Input):
            return _Line((), f'{outs} = batch["{step.generator}"]')
        if isinstance(step, GatherInputs):
            return _Line((), f"{outs} = batch[{', '.join(_quoted(name) for name in step.generators)}]")
        if isinstance(step, Stop):
            return _Line((step.value,), f"{outs} = stop(v{step.value})")
        if isinstance(step, Expand):
            return _Line((step.value, step.like), f"{outs} = expand(v{step.value}, v{step.like})")
        if isinstance(step, Gather):
            return _Line(step.values, f"{outs} = gather({_tuple(f'v{value}' for value in step.values)})")
        if isinstance(step, Spread):
            return _Line((step.value,), f"{outs} = spread(v{step.value})")
        call = ", ".join(["state", *(f"v{value}" for value in step.arguments)])
        if isinstance(step, Joint):
            name = f"j{step.outs[0]}"
            self.joints.append((name, step))
            what = ", ".join(dict.fromkeys(part.generator for part in step.parts))
            return _Line(step.arguments, f"{outs} = {name}({call})  # {what}")
        name = f"f{step.outs[0]}"
        self.applications.append((name, step))
        return _Line(step.arguments, f"{outs} = {name}({call})  # {step.generator}")

    def _compare(self, number: int, compare: Compare | Comparisons) -> _Line:
        if isinstance(compare, Comparisons):
            self.together.append((f"c{number}", compare))
            names = ", ".join(part.name for part in compare.parts)
            sides = compare.left, compare.right
            return _Line(sides, f"t{number} = c{number}(v{compare.left}, v{compare.right})  # {names}")
        calls, read = [], []
        for index, (lefts, rights) in enumerate(compare.pairs):
            # One comparator for each `on`: they differ in what their errors say.
            name = f"c{number}" if len(compare.pairs) == 1 else f"c{number}_{index}"
            self.comparisons.append((name, compare, index))
            for left, right in zip(lefts, rights, strict=True):
                calls.append(f"{name}(v{left}, v{right})")
                read += [left, right]
        mean = calls[0] if len(calls) == 1 else f"({' + '.join(calls)}) / {len(calls)}"
        return _Line(tuple(read), f"t{number} = {mean}  # {compare.name}")


def _tuple(names: Iterable[str]) -> str:
    listed = list(names)
    return f"({listed[0]},)" if len(listed) == 1 else f"({', '.join(listed)})"


def _quoted(name: str) -> str:
    return f'"{name}"'


def _constants_first(table: Table) -> list[Line]:
    """The steps, those first that no gradient reaches, nor passes, and that train no map.

    What they need on the way is free again before the first value that is kept for gradients is made, so that
    a large teacher is never in memory together with what its student keeps. Models stay in the order that is
    written: in training they may draw and learn statistics at every call.
    """
    plan = table.plan
    if not plan.moved:
        return list(table.lines)
    made: set[int] = set()

    def constant(line: Line) -> bool:
        if isinstance(line, Apply | Joint):
            parts = line.parts if isinstance(line, Joint) else (line,)
            still = all(not p.live and not p.flows and plan.diagram.roles[p.generator] != "model" for p in parts)
            found = still and made.issuperset(line.arguments)
        elif isinstance(line, Gather):
            found = made.issuperset(line.values)
        elif isinstance(line, Spread):
            found = line.value in made
        else:
            found = isinstance(line, Input | GatherInputs) or made.issuperset(reads(line))
        if found:
            made.update(line.outs)
        return found

    return sorted(table.lines, key=lambda line: not constant(line))


def _early(steps: list[tuple[tuple[int, ...], _Line]], compares: list[_Line]) -> list[_Line]:
    """All lines, each comparison as soon as its values are there.

    So values die early, and gradients too: they are computed in the reverse order, and those of one
    comparison reach the maps before those of the next one are made.
    """
    made = {out: number for number, (outs, _) in enumerate(steps) for out in outs}
    ready: dict[int, list[_Line]] = {}
    for compare in compares:
        ready.setdefault(max((made[value] for value in compare.reads), default=-1), []).append(compare)
    lines = ready.get(-1, [])
    for number, (_, line) in enumerate(steps):
        lines += [line, *ready.get(number, ())]
    return lines


def _forgetting(lines: list[_Line], kept: set[int]) -> Iterator[str]:
    """The lines, with each value deleted after the last line that reads it, unless it is returned."""
    last: dict[int, int] = {}
    for number, line in enumerate(lines):
        last.update(dict.fromkeys(line.reads, number))
    done: dict[int, list[int]] = {}
    for value, number in last.items():
        if value not in kept:
            done.setdefault(number, []).append(value)
    for number, line in enumerate(lines):
        yield line.text
        if number in done and number < len(lines) - 1:
            yield f"del {', '.join(f'v{value}' for value in sorted(done[number]))}"
