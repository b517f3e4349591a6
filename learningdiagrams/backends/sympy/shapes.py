"""The shapes of values on SymPy, where symbols have to be made before any data are seen.

A declared shape is a type. An object without one is a single number, unless a layer that takes or gives it, or a
function that gives it, says otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from learningdiagrams.backends.sympy.values import Array
from learningdiagrams.declarations import Space
from learningdiagrams.diagram import Diagram
from learningdiagrams.errors import DiagramError
from learningdiagrams.layers import Layer, Stack, layer_norm, linear, polynomial
from learningdiagrams.shapes import Bindings
from learningdiagrams.theory.morphisms import Morphism

__all__ = ["Shapes"]

Shape = tuple[int, ...]
Probe = Callable[[str, Sequence[Shape], "Sequence[Shape | None]"], tuple[Shape, ...]]
"""The shapes of a map's outputs, by its name, at inputs of these shapes; those of outputs that are known come third."""

GIVES: Final = "`{name}` : {ends} gives {given}, but {object} is {wanted}{why}"
SUPPOSED: Final = (
    "; an object without a shape holds single numbers, unless a layer says otherwise: declare it, as in {object}[2]"
)
UNKNOWN: Final = (
    "object {name}{space}: no map says what {axis} is; on sympy, symbols are made before any data are seen: "
    "declare a number"
)


class Shapes:
    """The shape of one value of each object.

    >>> from learningdiagrams.layers import affine
    >>> d = Diagram()
    >>> X, Y = d.objects("X", "Y")
    >>> _ = d.model("f", X, Y)
    >>> shapes = Shapes(d, {"f": affine(3, 2)}, ["f"], lambda name, inputs, wanted: ((2,),))
    >>> shapes["X"], shapes["Y"]
    ((3,), (2,))
    """

    def __init__(self, diagram: Diagram, layers: Mapping[str, Layer], realised: Sequence[str], probe: Probe) -> None:
        self._diagram = diagram
        self._bindings = Bindings()
        self._found: dict[str, Shape] = {}
        for name, role in diagram.roles.items():
            axes = getattr(diagram.specs.get(name), "axes", ()) if role == "noise" else ()
            if axes:
                self._learn(name, self._ends(name)[1][0], tuple(axes))
        waiting = list(realised)
        while True:
            before = len(waiting), len(self._found), len(self._bindings.numbers)
            for name, layer in layers.items():
                self._from_layer(name, layer)
            for name in list(waiting):
                inputs = [self._known(sort) for sort in self._ends(name)[0]]
                if None not in inputs:
                    waiting.remove(name)
                    self._from_outputs(name, probe(name, inputs, [self._known(s) for s in self._ends(name)[1]]))  # type: ignore[arg-type]
            if before == (len(waiting), len(self._found), len(self._bindings.numbers)):
                if not waiting:
                    return
                self._suppose(waiting)

    def __getitem__(self, sort: str) -> Shape:
        """The shape of one value of this object; DiagramError where a named axis is not known."""
        known = self._known(sort)
        if known is None and (space := self._diagram.spaces[sort]).shape is not None:
            axis = next(axis for axis in space.shape if isinstance(axis, str) and axis not in self._bindings.numbers)
            raise DiagramError(UNKNOWN.format(name=sort, space=space, axis=axis), sort)
        return known or ()

    def wanted(self, sort: str) -> Shape | None:
        """The shape that a value is to have; None where it was not declared."""
        return self[sort] if self._diagram.spaces[sort].shape is not None or self[sort] == () else None

    def fitted(self, sort: str, value: Array) -> Array:
        """A row of one as the number that it holds, where the object is not declared to hold rows."""
        return value.reshape(()) if value.shape == (1,) and self[sort] == () else value

    def check(self, name: str, sort: str, shape: Shape) -> None:
        """Raises where a map gives another shape than its codomain declares."""
        if self._diagram.spaces[sort].shape is not None and shape != self[sort]:
            raise self._wrong(name, sort, shape, self[sort])

    def _ends(self, name: str) -> tuple[list[str], list[str]]:
        morphism: Morphism = self._diagram.generators[name]
        return [sort.name for sort in morphism.dom.factors], [sort.name for sort in morphism.cod.factors]

    def _known(self, sort: str) -> Shape | None:
        space = self._diagram.spaces[sort]
        return self._found.get(sort) if space.shape is None else self._bindings.known(space)

    def _learn(self, name: str, sort: str, shape: Shape) -> None:
        space = self._diagram.spaces[sort]
        if space.shape is None:
            # A single number and a row of one number are the same to who declared neither.
            found = self._found.setdefault(sort, () if shape == (1,) else shape)
            if found != shape and (found, shape) != ((), (1,)):
                raise self._wrong(name, sort, shape, found)
        elif why := self._bindings.unify(space, shape, f"`{name}`"):
            raise self._wrong(name, sort, shape, space.shape, "" if self._bindings.known(space) else f" ({why})")

    def _wrong(self, name: str, sort: str, given: Shape, wanted: Sequence[int | str], why: str = "") -> DiagramError:
        morphism = self._diagram.generators[name]
        declared = "declared " if self._diagram.spaces[sort].shape is not None else ""
        words = [str(Space(tuple(shape))) if shape else "a single number" for shape in (given, wanted)]
        ends = f"{morphism.dom} -> {morphism.cod}"
        if not declared and not wanted:
            why = SUPPOSED.format(object=sort)
        text = GIVES.format(name=name, ends=ends, given=words[0], object=sort, wanted=declared + words[1], why=why)
        return DiagramError(text, name)

    def _from_layer(self, name: str, layer: Layer) -> None:
        """What a layer says of the one object that it takes."""
        inputs, outputs = self._ends(name)
        if len(inputs) != 1 or self._known(inputs[0]) is not None:
            return
        takes = _row(layer)
        gives = self._known(outputs[0]) if len(outputs) == 1 else None
        space = self._diagram.spaces[inputs[0]]
        if takes is not None and (space.shape is None or len(space.shape) == 1):
            self._learn(name, inputs[0], (takes,))
        elif gives is not None and _keeps(layer, gives):
            self._learn(name, inputs[0], gives)

    def _from_outputs(self, name: str, shapes: Sequence[Shape]) -> None:
        for sort, shape in zip(self._ends(name)[1], shapes, strict=True):
            self._learn(name, sort, shape)

    def _suppose(self, waiting: Sequence[str]) -> None:
        """Takes one object of which nothing is known to be a single number: first those that no map gives."""
        given = {sort for name in waiting for sort in self._ends(name)[1]}
        unknown = [sort for name in waiting for sort in self._ends(name)[0] if self._known(sort) is None]
        free = [sort for sort in unknown if self._diagram.spaces[sort].shape is None]
        if not free:
            self[unknown[0]]  # raises: its named axes are not known
        first = next((sort for sort in free if sort not in given), free[0])
        self._found[first] = ()


def _row(layer: Layer) -> int | None:
    """The length of the row that a layer takes, where it says so."""
    if isinstance(layer, Stack):
        return _row(layer.parts[0])
    if isinstance(layer, linear | polynomial):
        return layer.inputs
    return layer.width if isinstance(layer, layer_norm) else None


def _keeps(layer: Layer, shape: Shape) -> bool:
    """Whether a layer gives this shape when it takes it."""
    try:
        return layer.shape(shape) == shape
    except DiagramError:
        return False
