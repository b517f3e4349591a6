"""What a diagram declares besides its presentation, as values, and what is checked when it is declared."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from numbers import Integral
from typing import TYPE_CHECKING, Any, Final
from unicodedata import normalize

from learningdiagrams.errors import DiagramError, suggestion
from learningdiagrams.losses import Comparator, comparator
from learningdiagrams.schedules import Schedule, constant, schedule
from learningdiagrams.specs import Spec, ema, shuffle
from learningdiagrams.theory.morphisms import Morphism, Object, identity
from learningdiagrams.theory.presentations import check_parallel
from learningdiagrams.theory.terms import substitute
from learningdiagrams.values import is_number, is_whole

if TYPE_CHECKING:
    from learningdiagrams.diagram import Diagram, Role

__all__ = ["Goal", "Measure", "Space", "Stage", "Style", "possible_on"]

KINDS: Final = ("float", "int", "bool")


@dataclass(frozen=True)
class Space:
    """The type of an object's values: the shape of one value (None where undeclared) and its kind of number.

    Attributes:
        shape: one entry for each axis, the batch axis not counted: a number, or a name that stands for one number.
        dtype: "float", "int" or "bool".
    """

    shape: tuple[int | str, ...] | None = None
    dtype: str = "float"

    @staticmethod
    def of(name: str, shape: Sequence[int | str] | None, dtype: str) -> Space:
        if not isinstance(dtype, str) or dtype not in KINDS:
            raise DiagramError(
                f"object `{name}`: there is no kind of number `{dtype}`"
                + (suggestion(str(dtype), KINDS) or "; kinds are float, int and bool")
            )
        if shape is None:
            return Space(None, dtype)
        if isinstance(shape, str) or not isinstance(shape, Iterable):
            raise DiagramError(f"object `{name}`: a shape is a sequence such as (28, 28), not {shape!r}")
        axes = tuple(normalize("NFKC", axis) if isinstance(axis, str) else axis for axis in shape)
        for axis in axes:
            if not (is_whole(axis) or (isinstance(axis, str) and axis.isidentifier())):
                raise DiagramError(f"object `{name}`: an axis is a number ≥ 1 or a name, not {axis!r}")
        return Space(tuple(axis if isinstance(axis, str) else int(axis) for axis in axes), dtype)

    def __str__(self) -> str:
        kind = "" if self.dtype == "float" else f" {self.dtype}"
        return ("" if self.shape is None else f"[{', '.join(map(str, self.shape))}]") + kind


@dataclass(frozen=True)
class Goal:
    """An equation that training is to make true.

    Attributes:
        on: the morphisms from sample objects along which it is sampled; empty where the sides start at one, or at 1.
        by: how far apart two values of the codomain are.
        weight: a number or a schedule over the steps.
        train: the names of the only models that this goal moves; None for all.
    """

    name: str
    left: Morphism
    right: Morphism
    on: tuple[Morphism, ...]
    by: Comparator
    weight: float | Schedule = 1.0
    train: tuple[str, ...] | None = None

    @staticmethod
    def of(
        diagram: Diagram,
        name: str,
        left: Morphism | str,
        right: Morphism | str,
        on: Any,
        by: str | Comparator | Callable[..., Any],
        weight: float | Schedule | str,
        train: Iterable[str | Morphism] | None,
    ) -> Goal:
        what = f"goal `{name}`"
        made = comparator(by)
        if not made.trains:
            raise DiagramError(f"{what}: `{made}` is for measures only; a goal needs a comparator with a gradient")
        first, second, sampled = _equation(diagram, what, left, right, on)
        moved = None if train is None else _models(diagram, f"{what}: train", train)
        return Goal(name, first, second, sampled, made, _weight(what, weight), moved)

    def _repr_latex_(self) -> str | None:
        from learningdiagrams.formulas import goal_latex

        return goal_latex(self)


@dataclass(frozen=True)
class Measure:
    """An equation whose residual is reported in evaluation and never trained; attributes as in :class:`Goal`."""

    name: str
    left: Morphism
    right: Morphism
    on: tuple[Morphism, ...]
    by: Comparator

    @staticmethod
    def of(
        diagram: Diagram,
        name: str,
        left: Morphism | str,
        right: Morphism | str,
        on: Any,
        by: str | Comparator | Callable[..., Any],
    ) -> Measure:
        first, second, sampled = _equation(diagram, f"measure `{name}`", left, right, on)
        return Measure(name, first, second, sampled, comparator(by))

    def _repr_latex_(self) -> str | None:
        from learningdiagrams.formulas import goal_latex

        return goal_latex(self)


@dataclass(frozen=True)
class Stage:
    """One stage of training: the models that move, the goals that move them, and for how long (None: as `fit` says)."""

    name: str
    train: tuple[str, ...]
    by: tuple[str, ...]
    epochs: int | None = None
    steps: int | None = None

    @staticmethod
    def of(
        diagram: Diagram,
        name: str,
        train: Iterable[str | Morphism],
        by: Iterable[str | Goal],
        epochs: int | None,
        steps: int | None,
    ) -> Stage:
        what = f"stage `{name}`"
        goals = tuple(dict.fromkeys(_goal_name(diagram, goal, what) for goal in _several(by)))
        if not goals:
            raise DiagramError(f"{what}: a stage trains by at least one goal")
        if epochs is not None and steps is not None:
            raise DiagramError(f"{what}: a stage lasts a number of epochs or of steps, not both")
        for word, count in (("epochs", epochs), ("steps", steps)):
            if count is not None and not is_whole(count):
                raise DiagramError(f"{what}: {word} are a whole number ≥ 1, not {count!r}")
        lasts = (None if count is None else int(count) for count in (epochs, steps))
        return Stage(name, _models(diagram, f"{what}: train", train), goals, *lasts)


@dataclass(frozen=True)
class Style:
    """How a picture draws an object, generator, goal, measure or law; nothing else reads it.

    Attributes:
        at: column and row, in the units of the layout, rows downwards.
        label: text instead of the name; LaTeX where the pen can.
        curve: how far an arrow bends, to its left where positive.
        colour: "#rgb" or "#rrggbb".
        quiver: what only a link of quiver can say besides, such as "label right, head epi".
    """

    name: str
    at: tuple[float, float] | None = None
    label: str | None = None
    curve: float | None = None
    colour: str | None = None
    quiver: str | None = None

    @staticmethod
    def of(diagram: Diagram, name: str, options: dict[str, Any]) -> Style:
        what = f"style `{name}`"
        known = [field.name for field in fields(Style) if field.name != "name"]
        if not isinstance(name, str) or name not in diagram:
            close = suggestion(str(name), diagram.presentation.signature.taken)
            raise DiagramError(f"{what}: there is no `{name}`{close}")
        if not options:
            raise DiagramError(f"{what}: it says nothing; there are {', '.join(known)}")
        for option, value in options.items():
            if option not in known:
                raise DiagramError(f"{what}: there is no option `{option}`{suggestion(option, known)}")
            right, wanted = {
                "at": (_is_place(value), "two numbers, such as (0, 1)"),
                "label": (isinstance(value, str), 'text, such as "\\sigma"'),
                "curve": (is_number(value), "a number"),
                "colour": (
                    isinstance(value, str) and bool(re.fullmatch(r"#([0-9a-fA-F]{3}){1,2}", value)),
                    'a colour such as "#c33"',
                ),
                "quiver": (isinstance(value, str), 'text, such as "label right"'),
            }[option]
            if not right:
                raise DiagramError(f"{what}: {option} is {wanted}, not {value!r}")
        plain = {option: _plain(value) for option, value in options.items()}
        return Style(normalize("NFKC", name), **plain)


def _is_place(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) == 2 and all(map(is_number, value))


def _plain(value: Any) -> Any:
    """A text as it is, a number of any kind as Python's own, several as a tuple."""
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple):
        return tuple(map(_plain, value))
    return int(value) if isinstance(value, Integral) else float(value)


def _several(value: Any) -> tuple[Any, ...]:
    """One thing, or several, or None for nothing: a name alone is not a sequence of letters."""
    if isinstance(value, Iterable) and not isinstance(value, str):
        return tuple(value)
    return () if value is None else (value,)


def _goal_name(diagram: Diagram, goal: Any, what: str) -> str:
    """The name of a goal that is given by name or by value."""
    if isinstance(goal, Goal):
        if diagram.goals.get(goal.name) is not goal:
            raise DiagramError(f"{what}: goal `{goal.name}` is none of {diagram.name}")
        return goal.name
    if not isinstance(goal, str):
        raise DiagramError(f"{what}: {goal!r} is neither a goal nor the name of one")
    name = normalize("NFKC", goal)
    if name not in diagram.goals:
        raise DiagramError(f"{what}: there is no goal `{name}`{suggestion(name, diagram.goals)}")
    return name


def _weight(what: str, weight: float | Schedule | str) -> float | Schedule:
    if isinstance(weight, str | Schedule):
        made = schedule(weight)
        return float(made.value) if isinstance(made, constant) else made
    if not is_number(weight):
        raise DiagramError(
            f"{what}: a weight is a finite number or a schedule such as linear(0, 1, steps=1000), not {weight!r}"
        )
    return float(weight)


def _models(diagram: Diagram, what: str, names: Iterable[str | Morphism]) -> tuple[str, ...]:
    """The names of trained models, given by name or by value."""
    found = tuple(dict.fromkeys(diagram._generator_name(name, what) for name in _several(names)))
    for name in found:
        role = diagram.roles[name]
        if role != "model":
            raise DiagramError(f"{what}: `{name}` is {_a(role)}; only a model is trained")
    if not found:
        raise DiagramError(f"{what}: at least one model is named")
    return found


def _a(role: str) -> str:
    return {"data": "data", "noise": "noise", "ema": "an ema", "model": "a model"}.get(role, f"a {role} map")


def _equation(
    diagram: Diagram, what: str, left: Morphism | str, right: Morphism | str, on: Any
) -> tuple[Morphism, Morphism, tuple[Morphism, ...]]:
    """Both sides and the morphisms they are sampled on, checked."""
    first, second = diagram.parse(left), diagram.parse(right)
    check_parallel(what, first, second)
    if not first.cod.factors:
        raise DiagramError(f"{what}: its sides end at 1, where everything is equal")
    sampled = tuple(diagram.parse(along) for along in _several(on))
    source, samples = first.dom, diagram.sample_objects
    carried = source in samples or not source.factors
    if sampled and carried:
        raise DiagramError(f"{what}: its sides start at {source}, so that `on` has nothing to say")
    for along in sampled:
        if along.cod is not source or along.dom not in samples:
            raise DiagramError(
                f"{what}: `on {along}` is a morphism {along.dom} -> {along.cod}; "
                f"it has to lead from a sample object to {source}{_could_be(diagram, source)}"
            )
    # Without any role the diagram is pure theory: its goals are equations to reason about, and nothing is sampled.
    if not carried and not sampled and any(role != "map" for role in diagram.roles.values()):
        raise DiagramError(
            f"{what}: its sides start at {source}, which carries no data; say along which morphisms it is sampled"
            f"{_could_be(diagram, source)}"
        )
    return first, second, sampled


def _could_be(diagram: Diagram, source: Object) -> str:
    found = possible_on(diagram, source)
    if not found:
        return f"; so far none leads there (data or noise that end at {source} are missing)"
    return ": " + ", ".join(f"on {morphism}" for morphism in found)


def possible_on(diagram: Diagram, target: Object, limit: int = 5) -> list[Morphism]:
    """Morphisms from sample objects to `target`, shortest first: what a goal's `on` could name.

    >>> from learningdiagrams.diagram import Diagram
    >>> d = Diagram()
    >>> S, A, B = d.objects("S", "A", "B")
    >>> x, f = d.data("x", S, A), d.model("f", A, B)
    >>> possible_on(d, B), possible_on(d, A * B)
    ([x >> f], [x & x >> f])
    """
    found: list[Morphism] = []
    for sample in diagram.sample_objects:
        reached: dict[Object, list[Morphism]] = {sample: [identity(sample)]}
        frontier = [sample]
        while frontier:
            here = frontier.pop(0)
            for generator in diagram.generators.values():
                if generator.dom is here and (generator.cod not in reached or here is sample):
                    if generator.cod not in reached:
                        frontier.append(generator.cod)
                    reached.setdefault(generator.cod, []).append(reached[here][0] >> generator)
        if target in reached:
            found += reached[target]
        elif target.factors and all(factor in reached for factor in target.factors):
            tuple_of = reached[target.factors[0]][0]
            for factor in target.factors[1:]:
                tuple_of = tuple_of & reached[factor][0]
            found.append(tuple_of)
    return found[:limit]


def check_role(diagram: Diagram, role: Role, name: str, dom: Object, cod: Object, realisation: Spec | None) -> None:
    """Raises :class:`DiagramError` where a generator of this role cannot have these ends or this realisation."""
    what = f"`{name}`"
    samples = diagram.sample_objects
    if role in ("data", "noise"):
        come = "data come" if role == "data" else "noise comes"
        if len(dom.factors) != 1:
            raise DiagramError(f"{what}: {come} out of a sample object, which is a single object, not {dom}")
        for other, morphism in diagram.generators.items():
            holds = dom in morphism.cod.factors
            feeds = diagram.roles[other] not in ("data", "noise", "map") and dom in morphism.dom.factors
            if holds or feeds:
                raise DiagramError(
                    f"{what}: {come} out of a sample object, but {dom} holds values: `{other}` is a map "
                    f"{morphism.dom} -> {morphism.cod}"
                )
    elif role != "map":
        for factor in dom.factors:
            if factor in samples:
                raise DiagramError(
                    f"{what}: {factor} is a sample object and holds no values; only data and noise start there"
                )
    for factor in cod.factors:
        if factor in samples or (factor is dom and role in ("data", "noise")):
            raise DiagramError(f"{what}: {factor} is a sample object and holds no values, so that no map ends there")
    if role == "noise" and realisation is None:
        raise DiagramError(f"{what}: noise says what it draws, such as = normal(16)")
    if realisation is not None:
        _check_realisation(diagram, what, dom, cod, realisation)


def _check_realisation(diagram: Diagram, what: str, dom: Object, cod: Object, realisation: Spec) -> None:
    if isinstance(realisation, shuffle):
        named = diagram._generator_name(realisation.data, f"{what}: shuffle")
        source = diagram.generators[named]
        if diagram.roles[named] != "data":
            raise DiagramError(
                f"{what}: shuffle({named}): `{named}` is {_a(diagram.roles[named])}; only data are shuffled"
            )
        if source.dom is not dom or source.cod is not cod:
            raise DiagramError(_other_ends(f"{what} : {dom} -> {cod} shuffles", named, source))
    if isinstance(realisation, ema):
        named = diagram._generator_name(realisation.model, f"{what}: ema")
        source = diagram.generators[named]
        if diagram.roles[named] != "model":
            raise DiagramError(
                f"{what}: ema({named}): `{named}` is {_a(diagram.roles[named])}; an average follows a model"
            )
        if source.dom is not dom or source.cod is not cod:
            raise DiagramError(_other_ends(f"{what} : {dom} -> {cod} follows", named, source))


def _other_ends(what: str, named: str, source: Morphism) -> str:
    return f"{what} `{named}`, which is {source.dom} -> {source.cod}; the ends are to be the same"


def same_diagram(one: Diagram, two: Diagram) -> bool:
    """Whether two diagrams declare the same things; the order of declaration is no part of that."""

    def ends(diagram: Diagram) -> dict[str, tuple[str, str]]:
        return {name: (str(m.dom), str(m.cod)) for name, m in diagram.generators.items()}

    if (one.name, one.spaces, one.roles, one.specs, one.styles) != (
        two.name,
        two.spaces,
        two.roles,
        two.specs,
        two.styles,
    ):
        return False
    if ends(one) != ends(two) or dict(one.stages) != dict(two.stages):
        return False

    def here(morphism: Morphism) -> Morphism:
        """A morphism of the second diagram, read in the first."""
        product = one.presentation.signature.product
        return substitute(
            morphism,
            lambda obj: product(one.sorts[factor.name] for factor in obj.factors),
            lambda generator: one.generators[generator.name],
        )

    for mine, theirs in ((one.laws, two.laws), (one.goals, two.goals), (one.measures, two.measures)):
        if mine.keys() != theirs.keys():
            return False
        for name, value in mine.items():
            other = theirs[name]
            if (value.left, value.right) != (here(other.left), here(other.right)):
                return False
            if isinstance(value, Goal | Measure):
                notes = [field.name for field in fields(value) if field.name not in ("left", "right", "on")]
                if any(getattr(value, note) != getattr(other, note) for note in notes):
                    return False
                if value.on != tuple(map(here, other.on)):  # type: ignore[union-attr]  # of the same class as `value`
                    return False
    return True
