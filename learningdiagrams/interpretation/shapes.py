"""What shapes ask of an interpretation: that an object's declared shape and its image's are one type.

| in the source | its image in the target |
|---|---|
| an object with a declared shape or kind of number | a single object whose declaration agrees |
| an object that declares neither | anything |
| noise | noise whose shape agrees |
| a path of maps | a path whose built-in layers take and give what the source declares |

A name in a shape is one number throughout a diagram, and so it is throughout an interpretation: `n` of the source is
one number, `n` of the target another or the same, as the objects are that have them. What declares nothing agrees
with anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from learningdiagrams.declarations import Space
from learningdiagrams.diagram import Diagram
from learningdiagrams.errors import About, DiagramError
from learningdiagrams.plan import Plan, make_plan
from learningdiagrams.shapes import Abstract, Evaluate, built_in, check_plan, layer_shapes
from learningdiagrams.theory.failures import Failure
from learningdiagrams.theory.morphisms import Generator, Morphism, Object, brief
from learningdiagrams.theory.terms import fold

__all__ = ["Pulled", "agree", "declared_failures"]

SPACES: Final = "`{name}` is {mine} in {source}, but its image {image} is {theirs} in {target}{why}"
PRODUCT: Final = (
    "`{name}` is {mine} in {source}, but its image {image} is no single object, so that it has no one shape"
)

Axis = int | tuple[str, str]
"""A number, or a name of one side ("source" or "target") and the name."""


class _Axes:
    """Numbers and names of axes that are one."""

    def __init__(self) -> None:
        self._links: dict[Axis, Axis] = {}

    def find(self, axis: Axis) -> Axis:
        while axis in self._links:
            axis = self._links[axis]
        return axis

    def unite(self, one: Axis, other: Axis) -> bool:
        """Makes two one; whether that is possible: two numbers are not."""
        one, other = self.find(one), self.find(other)
        if one == other:
            return True
        if isinstance(one, int):
            one, other = other, one
        if isinstance(one, int):
            return False
        self._links[one] = other
        return True


def declared_failures(
    source: Diagram, target: Diagram, objects: Mapping[str, Object], morphisms: Mapping[str, Morphism]
) -> Iterator[Failure]:
    """The objects and the noise whose declarations disagree with those of their images; the tables may be partial."""
    axes = _Axes()
    for name, image in objects.items():
        mine = source.spaces[name]
        if mine == Space():
            continue
        if len(image.factors) != 1:
            text = PRODUCT.format(name=name, mine=_shown(mine), source=source.name, image=image)
            yield Failure("shape", name, mine, image, text)
        else:
            yield from _united(axes, source, target, name, mine, image, target.spaces[image.name])
    for name, image in morphisms.items():
        if source.roles[name] == "noise" and image.name is not None and target.roles[image.name] == "noise":
            mine, theirs = _drawn(source, name), _drawn(target, image.name)
            if mine is not None and theirs is not None:
                yield from _united(axes, source, target, name, mine, image, theirs)


def _united(
    axes: _Axes, source: Diagram, target: Diagram, name: str, mine: Space, image: Object | Morphism, theirs: Space
) -> Iterator[Failure]:
    if Space() in (mine, theirs):
        return
    known = {
        str(axis): number
        for side, space in (("source", mine), ("target", theirs))
        for axis in space.shape or ()
        if isinstance(axis, str) and isinstance(number := axes.find((side, axis)), int)
    }
    if mine.dtype != theirs.dtype or not _same_shape(axes, mine.shape, theirs.shape):
        why = ", ".join(f"{axis} is {number}" for axis, number in known.items())
        text = SPACES.format(
            name=name, mine=_shown(mine), source=source.name, image=image, theirs=_shown(theirs),
            target=target.name, why=f" ({why} elsewhere)" if why else "",
        )  # fmt: skip
        yield Failure("shape", name, mine, theirs, text)


def _same_shape(axes: _Axes, mine: Sequence[int | str] | None, theirs: Sequence[int | str] | None) -> bool:
    if mine is None or theirs is None:
        return True
    ours, others = (
        [axis if isinstance(axis, int) else (side, axis) for axis in shape]
        for side, shape in (("source", mine), ("target", theirs))
    )
    return len(ours) == len(others) and all(axes.unite(a, b) for a, b in zip(ours, others, strict=True))


def _drawn(diagram: Diagram, name: str) -> Space | None:
    """The type of what a noise draws: its own shape, or its object's."""
    cod = diagram.generators[name].cod
    if len(cod.factors) != 1:
        return None
    space, own = diagram.spaces[cod.name], getattr(diagram.specs.get(name), "axes", ())
    return Space(own, space.dtype) if own else space


def _shown(space: Space) -> str:
    return f"declared {str(space).strip()}" if space != Space() else "declared without a shape"


class Pulled:
    """What compiling the source with the images of its maps says of shapes, as far as built-in layers tell.

    It is made once for a source and a target, and asked for many interpretations. Where the target's own shapes
    contradict each other it is silent: nothing compiles there.
    """

    def __init__(self, source: Diagram, target: Diagram) -> None:
        self._source = source
        self._target = target
        self._built_in = built_in(target, target.specs)
        self._layers = layer_shapes(target)
        self._plan: Plan | None = None
        if target.specs:
            try:
                check_plan(_everything(target), self._layers, layers=self._built_in)
                self._plan = _everything(source)
            except DiagramError:
                pass

    def failures(self, images: Mapping[str, Morphism]) -> list[Failure]:
        """What is wrong with the images of the source's generators."""
        if self._plan is None:
            return []
        layers = {key: self._built_in[it.name] for key, it in images.items() if it.name in self._built_in}
        try:
            check_plan(self._plan, self._evaluated(images), layers=layers)
        except DiagramError as error:
            return [self._failure(images, problem) for problem in error.problems]
        return []

    def _failure(self, images: Mapping[str, Morphism], problem: About) -> Failure:
        image = images.get(problem.name or "")
        by = f" (`{problem.name}` goes to `{brief(image)}` in {self._target.name})" if image is not None else ""
        left = self._source.generators.get(problem.name or "")
        return Failure("shape", problem.name or "", left, image, problem.message + by)

    def _evaluated(self, images: Mapping[str, Morphism]) -> Evaluate:
        def evaluate(name: str, arguments: Sequence[Abstract]) -> tuple[Abstract, ...] | None:
            found = fold(images[name].terms, lambda place, _: arguments[place], self._applied, lambda _, value: value)
            return None if None in found else found  # type: ignore[return-value]  # none is None

        return evaluate

    def _applied(self, generator: Generator, arguments: tuple[Abstract | None, ...]) -> Sequence[Abstract | None]:
        known = [argument for argument in arguments if argument is not None]
        found = self._layers(generator.name, known) if len(known) == len(arguments) else None
        return found or [self._declared(sort) for sort in generator.cod.factors]

    def _declared(self, sort: Object) -> Abstract | None:
        """The type of an object whose shape is all numbers, for maps of which nothing else is known."""
        space = self._target.spaces[sort.name]
        sizes = [axis for axis in space.shape or () if isinstance(axis, int)]
        return None if space.shape is None or len(sizes) < len(space.shape) else Abstract(tuple(sizes), space.dtype)


def agree(source: Diagram, target: Diagram, objects: Mapping[str, Object], morphisms: Mapping[str, Morphism]) -> bool:
    """Whether the declarations agree, as far as the tables go."""
    return next(declared_failures(source, target, objects, morphisms), None) is None


def _everything(diagram: Diagram) -> Plan:
    compared = [*diagram.goals.values(), *diagram.measures.values()]
    return make_plan(diagram, compared, moves=(), keep_equal=True)
