"""Values on SymPy: exact numbers, real symbols, arrays of expressions, and what a map is called with.

Inside, a value is a NumPy array of SymPy expressions, so that the formulas of comparators and layers are those of every
backend. A map sees, and gives, SymPy's own values: an expression for a value of no axes, a column `Matrix` for (n,), a
`Matrix` for (m, n), an `Array` for more.

Numbers are exact. A float is read as the shortest decimal that stands for it, which is what a person wrote: 0.1 is
1/10. Symbols are real: a symbol of which nothing is known becomes a real one inside, and is itself again in what comes
out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import sympy

from learningdiagrams.errors import DiagramError

if TYPE_CHECKING:
    # SymPy's annotations say Basic where an expression comes out, and Basic has no arithmetic.
    Expr: TypeAlias = Any
    Symbol: TypeAlias = Any
else:
    from sympy import Expr, Symbol

__all__ = [
    "Array",
    "Expr",
    "Expressions",
    "Names",
    "Symbol",
    "as_array",
    "as_value",
    "entries",
    "exact",
    "filled",
    "replaced",
]

Array = Any
"""An array of expressions (:class:`Expressions`, which NumPy's annotations lose on the way)."""
Shape = tuple[int, ...]


class Expressions(np.ndarray):
    """An array of SymPy expressions; comparing two gives an array of relations."""

    @property
    def mT(self) -> Any:
        """The last two axes, exchanged."""
        return np.swapaxes(self, -1, -2)

    def __lt__(self, other: Any) -> Any:
        return np.less(self, other, dtype=object)

    def __le__(self, other: Any) -> Any:
        return np.less_equal(self, other, dtype=object)

    def __gt__(self, other: Any) -> Any:
        return np.greater(self, other, dtype=object)

    def __ge__(self, other: Any) -> Any:
        return np.greater_equal(self, other, dtype=object)


def exact(x: Any) -> Expr:
    """A number or expression as one of SymPy without floats.

    >>> exact(0.1), exact(2), exact(1.5 * sympy.Symbol("x"))
    (1/10, 2, 3*x/2)

    Raises:
        DiagramError: it is no real number or expression of real numbers.
    """
    if isinstance(x, bool | np.bool_):
        return sympy.Integer(int(x))
    if isinstance(x, float | np.floating):
        if not math.isfinite(x):
            raise DiagramError(f"{x} is no finite number")
        return sympy.Rational(str(x))
    try:
        made: Any = sympy.sympify(x, strict=True)
    except sympy.SympifyError:
        made = None
    if not isinstance(made, Expr):
        raise DiagramError(f"a number or a SymPy expression is wanted, not {type(x).__name__}")
    floats = made.atoms(sympy.Float)
    return made.xreplace({f: _decimal(f) for f in floats}) if floats else made


def _decimal(f: sympy.Float) -> Expr:
    return sympy.Rational(repr(float(f)) if f._prec <= 53 else str(f))


def entries(array: np.ndarray) -> list[Expr]:
    """All entries of an array, in order."""
    return list(array.reshape(-1))


def filled(items: Iterable[Any], shape: Shape) -> Expressions:
    """These entries in this shape."""
    made = np.empty(math.prod(shape), dtype=object)
    for i, item in enumerate(items):
        made[i] = item
    return made.reshape(shape).view(Expressions)


def as_array(value: Any, shape: Shape | None = None) -> Expressions:
    """A value as an array of exact expressions; a column is (n,) unless (n, 1) is the shape wanted.

    >>> as_array(sympy.Matrix([1, 2])).shape, as_array([[1, 2]]).shape, as_array(3).shape
    ((2,), (1, 2), ())
    """
    if isinstance(value, sympy.MatrixBase):
        found: Shape = tuple(map(int, value.shape))
        if found[1] == 1 and shape != found:
            found = found[:1]
        return filled(map(exact, value.flat()), found)
    if isinstance(value, sympy.NDimArray):
        return filled(map(exact, sympy.flatten(value.tolist()) if value.shape else [value[()]]), tuple(value.shape))
    if not isinstance(value, np.ndarray):
        parts = value if isinstance(value, list | tuple) else None
        if parts is not None and any(isinstance(part, sympy.MatrixBase | sympy.NDimArray) for part in parts):
            value = [as_array(part).tolist() for part in parts]
        try:
            value = np.array(value, dtype=object)
        except ValueError:
            raise DiagramError("it is ragged: its rows are to have one length") from None
    return filled(map(exact, value.reshape(-1).tolist() if value.dtype == object else value.reshape(-1)), value.shape)


def as_value(array: np.ndarray) -> Any:
    """An array as SymPy's own value."""
    if not array.shape:
        return array[()]
    if array.ndim <= 2:
        columns = 1 if array.ndim == 1 else array.shape[1]
        return sympy.ImmutableMatrix(array.shape[0], columns, entries(array))
    return sympy.ImmutableDenseNDimArray(entries(array), array.shape)


def replaced(array: np.ndarray, values: Mapping[Any, Expr]) -> Expressions:
    """The array with symbols replaced, all at once."""
    return filled((entry.xreplace(values) for entry in entries(array)), array.shape)


class Names:
    """The symbols of one compiled diagram: those made here, and those that maps and batches bring along."""

    def __init__(self) -> None:
        self._inside: dict[Symbol, Symbol] = {}
        self._outside: dict[Symbol, Symbol] = {}
        self._taken: set[str] = set()

    def apart(self) -> Names:
        """Names for a while: what is made there is not taken here."""
        made = Names()
        made._taken = set(self._taken)
        return made

    def take(self, symbols: Iterable[Symbol]) -> None:
        """Keeps the names of parameters that functions bring along from being given to other symbols."""
        self._taken.update(symbol.name for symbol in symbols)

    def fresh(self, name: str, shape: Shape = (), **assumptions: bool) -> Expressions:
        """New real symbols for a value of this shape: `x`, or `x_0`, `x_1` …; a name that is taken gets a `_`."""
        labels = _labels(name, shape)
        while self._taken.intersection(labels):
            name += "_"
            labels = _labels(name, shape)
        self._taken.update(labels)
        return filled((sympy.Symbol(label, real=True, **assumptions) for label in labels), shape)

    def inward(self, x: Expr) -> Expr:
        """An expression from outside, in real symbols.

        Raises:
            DiagramError: a symbol that was declared not to be real.
        """
        return x.xreplace({s: self._real(s) for s in x.free_symbols if s not in self._outside})

    def _real(self, symbol: Any) -> Symbol:
        if symbol.is_real:
            return symbol
        if symbol not in self._inside:
            if symbol.is_real is False:
                raise DiagramError(f"the symbol {symbol} is declared not to be real; values are real numbers")
            known = {k: v for k, v in symbol._assumptions_orig.items() if k != "complex"}
            inner: Any = sympy.Dummy(symbol.name, real=True, **known)
            self._inside[symbol], self._outside[inner] = inner, symbol
        return self._inside[symbol]

    def outward(self, x: Any) -> Any:
        """An expression, or array of them, in the symbols that people gave."""
        if isinstance(x, np.ndarray):
            return replaced(x, self._outside)
        return x.xreplace(self._outside)

    def given(self, inner: Symbol) -> Symbol:
        """The symbol that stands for one of ours outside."""
        return self._outside.get(inner, inner)


def _labels(name: str, shape: Shape) -> list[str]:
    return ["_".join([name, *map(str, index)]) for index in np.ndindex(*shape)]
