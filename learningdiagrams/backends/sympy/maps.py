"""What realises a generator on SymPy: functions of expressions and layers, with symbols for parameters.

The parameters of a function are the symbols that it brings along: in `lambda x: a * x + b` they are a and b. Those of a
layer are made here, one symbol for each number.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import sympy

from learningdiagrams.backends.checks import one_line
from learningdiagrams.backends.roles import check_roles
from learningdiagrams.backends.sympy.layers import layer_value
from learningdiagrams.backends.sympy.shapes import Shapes
from learningdiagrams.backends.sympy.values import (
    Array,
    Expr,
    Names,
    Symbol,
    as_array,
    as_value,
    entries,
    filled,
    replaced,
)
from learningdiagrams.diagram import Diagram
from learningdiagrams.errors import DiagramError
from learningdiagrams.layers import Layer, Parameter

__all__ = ["Numbers", "SympyMaps"]

Shape = tuple[int, ...]
Numbers = Mapping[Symbol, Expr]
"""What stands for parameters, by their symbols."""

CAN_BE: Final = (
    "on sympy a map is a function of SymPy expressions, such as lambda x: 2 * x, or a layer such as "
    "ld.layers.affine(2, 2)"
)


class _Map(ABC):
    """A generator's map.

    Attributes:
        parameters: arrays of symbols by name.
    """

    parameters: dict[str, Array]

    @abstractmethod
    def __call__(
        self, arguments: Sequence[Array], numbers: Numbers, wanted: Sequence[Shape | None]
    ) -> tuple[Array, ...]:
        """Its outputs at values, its parameters replaced; `wanted` are their shapes as far as they are known."""

    @abstractmethod
    def copied(self, names: Names, name: str) -> _Map:
        """The same map with parameters of its own."""


class _LayerMap(_Map):
    def __init__(self, layer: Layer, names: Names, name: str) -> None:
        self.layer = layer
        self.parameters = {
            entry: names.fresh(f"{name}_{entry}", parameter.shape) for entry, parameter in layer.parameters().items()
        }
        self.kept = {entry: _first(parameter) for entry, parameter in layer.buffers().items()}

    def __call__(
        self, arguments: Sequence[Array], numbers: Numbers, wanted: Sequence[Shape | None]
    ) -> tuple[Array, ...]:
        mine = {entry: replaced(array, numbers) if numbers else array for entry, array in self.parameters.items()}
        # A number counts as a row of one for a layer that works along rows.
        rows = [argument.reshape(argument.shape or (1,)) for argument in arguments]
        if not _takes(self.layer, arguments) and _takes(self.layer, rows):
            arguments = rows
        self.layer.shape(*(argument.shape for argument in arguments))
        return _outputs(layer_value(self.layer, {**mine, **self.kept}, *arguments), wanted)

    def copied(self, names: Names, name: str) -> _Map:
        return _LayerMap(self.layer, names, name)


def _first(parameter: Parameter) -> Array:
    """The numbers of a buffer, which stay what they start as."""
    return filled(entries(np.broadcast_to(as_array(parameter.init.scale), parameter.shape)), parameter.shape)


def _takes(layer: Layer, arguments: Sequence[Array]) -> bool:
    try:
        layer.shape(*(argument.shape for argument in arguments))
    except DiagramError:
        return False
    return True


class _FunctionMap(_Map):
    """A function; `symbols` are its own as it was written, each with the parameter that stands for it."""

    def __init__(
        self, function: Callable[..., Any], names: Names, parameters: Mapping[str, tuple[Symbol, Symbol]] | None = None
    ) -> None:
        self.function = function
        self.names = names
        pairs = parameters or {}
        self.symbols = dict(pairs.values())
        self.parameters = {entry: filled([mine], ()) for entry, (_, mine) in pairs.items()}

    def with_parameters(self, shapes: Sequence[Shape], wanted: Sequence[Shape | None]) -> _FunctionMap:
        """The same, with the symbols that the function brings along when it is called on others."""
        arguments = [_stand_in(shape) for shape in shapes]
        own = {entry for argument in arguments for entry in entries(argument)}
        outputs = self(arguments, {}, wanted)
        found = {symbol for array in outputs for entry in entries(array) for symbol in entry.free_symbols} - own
        self.names.take(found)
        pairs: dict[str, tuple[Symbol, Symbol]] = {}
        for symbol in sorted(found, key=lambda symbol: (str(symbol), sympy.default_sort_key(symbol))):
            name = str(self.names.given(symbol))
            while name in pairs:  # two symbols of one name differ in what is assumed of them
                name += "_"
            pairs[name] = symbol, symbol
        return _FunctionMap(self.function, self.names, pairs)

    def __call__(
        self, arguments: Sequence[Array], numbers: Numbers, wanted: Sequence[Shape | None]
    ) -> tuple[Array, ...]:
        changed = {
            symbol: new for symbol, mine in self.symbols.items() if (new := numbers.get(mine, mine)) is not symbol
        }
        if changed and any(entry.free_symbols for argument in arguments for entry in entries(argument)):
            # Only the function's own symbols are replaced, not those that its arguments hold already.
            stand_ins = [_stand_in(argument.shape) for argument in arguments]
            for one, two in zip(stand_ins, arguments, strict=True):
                changed.update(zip(entries(one), entries(two), strict=True))
            arguments = stand_ins
        given = self.function(*(as_value(self.names.outward(argument)) for argument in arguments))
        outputs = []
        for array in _outputs(given, wanted):
            inside = filled(map(self.names.inward, entries(array)), array.shape)
            outputs.append(replaced(inside, changed) if changed else inside)
        return tuple(outputs)

    def copied(self, names: Names, name: str) -> _Map:
        written = {mine: symbol for symbol, mine in self.symbols.items()}
        pairs = {
            entry: (written[array[()]], names.fresh(f"{name}_{entry}")[()]) for entry, array in self.parameters.items()
        }
        return _FunctionMap(self.function, names, pairs)


def _stand_in(shape: Shape) -> Array:
    return filled((sympy.Dummy(real=True) for _ in range(math.prod(shape))), shape)


def _outputs(given: Any, wanted: Sequence[Shape | None]) -> tuple[Array, ...]:
    """What a map returned as one array for each factor of its codomain."""
    if len(wanted) != 1:
        if not isinstance(given, list | tuple) or len(given) != len(wanted):
            count = f"{len(given)} of them" if isinstance(given, list | tuple) else f"a {type(given).__name__}"
            raise DiagramError(f"it is to return a tuple of {len(wanted)} values, and it returned {count}")
        return tuple(_outputs(part, [shape])[0] for part, shape in zip(given, wanted, strict=True))
    if isinstance(given, list | tuple) and len(given) == 1 and isinstance(given[0], sympy.MatrixBase):
        given = given[0]
    if given is None:
        raise DiagramError("it returned `None`")
    array = as_array(given, wanted[0])
    return (array.reshape(()) if wanted[0] == () and array.shape == (1,) else array,)


class SympyMaps:
    """The maps of a diagram, with symbols for their parameters.

    Attributes:
        names: the symbols in use.
        shapes: the shape of one value of each object that holds values.
        parameters: {generator: {name: array of symbols}}.
    """

    def __init__(self, diagram: Diagram, realisations: Mapping[str, Any]) -> None:
        self.diagram = diagram
        self.names: Names = Names()
        self._maps = {name: self._realise(name, given) for name, given in realisations.items()}
        layers = {name: made.layer for name, made in self._maps.items() if isinstance(made, _LayerMap)}
        self.shapes: Shapes = Shapes(diagram, layers, list(self._maps), self._probe)
        for name, role in diagram.roles.items():
            if role == "ema" and (followed := diagram.averages[name].model) in self._maps:
                self._maps[name] = self._maps[followed].copied(self.names, name)
        self.parameters: dict[str, dict[str, Any]] = {name: made.parameters for name, made in self._maps.items()}
        self._alone: dict[tuple[str, tuple[Shape, ...]], tuple[list[Symbol], list[Expr]]] = {}
        check_roles(
            diagram,
            {
                name: {entry: symbol for entry, array in table.items() for symbol in entries(array)}
                for name, table in self.parameters.items()
            },
        )

    def _realise(self, name: str, given: Any) -> _Map:
        if isinstance(given, Layer):
            return _LayerMap(given, self.names, name)
        library = type(given).__module__.partition(".")[0]
        if library in ("torch", "jax", "jaxlib", "equinox", "flax") or not callable(given):
            raise DiagramError(f"`{name}`: a value of type {type(given).__name__} is no map here; {CAN_BE}", name)
        return _FunctionMap(given, self.names)

    def _probe(self, name: str, shapes: Sequence[Shape], wanted: Sequence[Shape | None]) -> tuple[Shape, ...]:
        """The shapes of a map's outputs at symbols of these shapes; a function's parameters are found thereby."""
        made = self._maps[name]
        if isinstance(made, _FunctionMap):
            find = made.with_parameters
            made = self._maps[name] = self._guarded(name, lambda: find(shapes, wanted))
        outputs = self._guarded(name, lambda: made([_stand_in(shape) for shape in shapes], {}, wanted))
        return tuple(output.shape for output in outputs)

    def _guarded(self, name: str, run: Callable[[], Any]) -> Any:
        """What `run` returns; what it raises says which map it was."""
        morphism = self.diagram.generators[name]
        try:
            return run()
        except DiagramError as error:
            raise DiagramError(f"`{name}` : {morphism.dom} -> {morphism.cod}: {error}", name) from error
        except Exception as error:
            text = f"`{name}` : {morphism.dom} -> {morphism.cod} refuses symbols: {one_line(error)}; {CAN_BE}"
            raise DiagramError(text, name) from error

    def layer(self, name: str) -> Layer | None:
        """The layer that realises a generator, or None for a function."""
        made = self._maps[name]
        return made.layer if isinstance(made, _LayerMap) else None

    def has(self, name: str) -> bool:
        """Whether a generator is realised."""
        return name in self._maps

    def call(self, name: str, arguments: Sequence[Any], numbers: Numbers | None = None) -> tuple[Array, ...]:
        """A map's outputs, one for each factor of its codomain, at values of one sample.

        Args:
            numbers: what stands for its own parameters; they stay symbols where this says nothing.

        Raises:
            DiagramError: the map raises or returns something else than its codomain says, naming it.
        """
        morphism = self.diagram.generators[name]
        sorts = [sort.name for sort in morphism.cod.factors]
        values = self._fitted(name, arguments)
        wanted = [self.shapes.wanted(sort) for sort in sorts]
        outputs = self._guarded(name, lambda: self._maps[name](values, numbers or {}, wanted))
        outputs = tuple(self.shapes.fitted(sort, output) for sort, output in zip(sorts, outputs, strict=True))
        for sort, output in zip(sorts, outputs, strict=True):
            self.shapes.check(name, sort, output.shape)
        return outputs

    def _fitted(self, name: str, arguments: Sequence[Any]) -> list[Array]:
        """A map's arguments as arrays."""
        sorts = self.diagram.generators[name].dom.factors
        return [self.shapes.fitted(sort.name, as_array(v)) for sort, v in zip(sorts, arguments, strict=True)]

    def alone(self, name: str, arguments: Sequence[Any]) -> tuple[list[Expr], dict[Symbol, Expr]]:
        """A map's outputs at symbols of its own, entry by entry, and what these symbols stand for at some values.

        Where a map is defined is read off here: what comes in may cancel what it divides by.
        """
        values = self._fitted(name, arguments)
        key = name, tuple(value.shape for value in values)
        if key not in self._alone:
            stand_ins = [_stand_in(shape) for shape in key[1]]
            found = [entry for output in self.call(name, stand_ins) for entry in entries(output)]
            self._alone[key] = [s for one in stand_ins for s in entries(one)], found
        symbols, found = self._alone[key]
        return found, dict(zip(symbols, (entry for value in values for entry in entries(value)), strict=True))
