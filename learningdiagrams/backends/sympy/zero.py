"""Whether an expression of real symbols is 0 everywhere, and whether a number is 0."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

import sympy

from learningdiagrams.backends.sympy.values import Expr, Symbol

__all__ = ["defined", "differ", "is_real", "vanishes"]

LARGE: Final = 3000
"""Expressions of more operations than this are not simplified."""
KINKS: Final = (sympy.Abs, sympy.Max, sympy.Min, sympy.sign, sympy.Heaviside, sympy.Piecewise)


def vanishes(e: Expr, truths: Collection[Symbol] = (), thoroughly: bool = False) -> bool | None:
    """Whether an expression is 0 wherever it is defined.

    Rational functions with rational coefficients are decided. For others True is right and None says nothing.

    Args:
        truths: symbols that are 0 or 1. thoroughly: whether to simplify, which may take long.

    >>> x, y = sympy.symbols("x y", real=True)
    >>> vanishes((x + y) ** 2 - x**2 - 2 * x * y - y**2), vanishes(x / y - y / x), vanishes(sympy.exp(x) - 1)
    (True, False, None)
    >>> vanishes(abs(x) - sympy.Max(x, -x), thoroughly=True), vanishes(x**2 - x, truths={x})
    (True, True)
    """
    if e == 0:
        return True
    numerator = sympy.expand(sympy.fraction(sympy.together(e))[0])
    numerator = _without_powers(numerator, truths)
    if numerator == 0:
        return True
    if numerator.is_rational_function(*numerator.free_symbols) and all(
        atom.is_Rational for atom in numerator.atoms(sympy.Number)
    ):
        polynomial = (
            sympy.Poly(numerator, *sorted(numerator.free_symbols, key=sympy.default_sort_key))
            if (numerator.free_symbols)
            else None
        )
        if polynomial is None:
            return None if numerator.is_Rational is not True else False
        if polynomial.domain.is_QQ or polynomial.domain.is_ZZ:
            return False
    if not thoroughly or e.count_ops() > LARGE:
        return None
    if sympy.simplify(e) == 0:
        return True
    return True if e.has(*KINKS) and (_by_signs(e.rewrite(sympy.Abs)) or _by_cases(e)) else None


def _without_powers(e: Expr, truths: Collection[Symbol]) -> Expr:
    """A polynomial with x for every power of an x that is 0 or 1."""
    used = sorted((s for s in truths if s in e.free_symbols), key=sympy.default_sort_key)
    if not used or not e.is_polynomial(*used):
        return e
    terms = sympy.Poly(e, *used).terms()
    return sympy.expand(
        sympy.Add(*(c * sympy.prod(s for s, power in zip(used, powers, strict=True) if power) for powers, c in terms))
    )


def _by_signs(e: Expr, most: int = 6) -> bool:
    """Whether an expression is 0 whatever the signs of what its absolute values are taken of."""
    inner = next((x for x in sympy.ordered(e.atoms(sympy.Abs)) if not x.args[0].has(sympy.Abs)), None)
    if inner is None:
        return not e.has(*KINKS) and sympy.simplify(e) == 0
    return most > 0 and all(_by_signs(e.xreplace({inner: s * inner.args[0]}), most - 1) for s in (1, -1))


def _by_cases(e: Expr) -> bool:
    """Whether an expression is 0 in each of its cases that can occur."""
    cases = sympy.piecewise_fold(e.rewrite(sympy.Piecewise))
    if not isinstance(cases, sympy.Piecewise):
        return sympy.simplify(cases) == 0
    symbols = list(cases.free_symbols)
    left: sympy.Set = sympy.S.Reals
    for value, condition in cases.args:  # type: ignore[misc]  # pairs, which SymPy's annotations do not say
        if len(symbols) == 1 and not value.has(*KINKS):
            try:
                where = left & condition.as_set()
            except (NotImplementedError, TypeError):
                where = left
            left = left - where
            if where.is_empty:
                continue
        if sympy.simplify(value) != 0:
            return False
    return True


def is_real(number: Expr) -> bool:
    """Whether an expression without symbols is certainly a finite real number."""
    if number.is_Rational:
        return True
    if number.free_symbols or number.has(sympy.nan, sympy.zoo, sympy.oo, -sympy.oo):
        return False
    return bool(number.is_real and number.is_finite is not False)


def defined(e: Expr, numbers: Mapping[Symbol, Expr]) -> bool:
    """Whether every part of an expression is certainly a finite real number there; of cases, the one that applies.

    >>> x = sympy.Symbol("x", real=True)
    >>> defined(1 / x - 1 / x**2, {x: sympy.Integer(2)}), defined(x * sympy.log(x), {x: sympy.Integer(0)})
    (True, False)
    """
    parts = sympy.preorder_traversal(e)
    for part in parts:
        if isinstance(part, Expr) and not is_real(part.xreplace(numbers)):
            return False
        if isinstance(part, sympy.Piecewise):
            parts.skip()
    return True


def differ(number: Expr) -> bool:
    """Whether a difference of two real numbers is certainly not 0; what is not rational is computed to 40 digits.

    >>> differ(sympy.Rational(1, 3)), differ(sympy.exp(1) - sympy.E), differ(sympy.sqrt(2) - sympy.Rational(1414, 1000))
    (True, False, True)
    """
    if number.is_Rational:
        return number != 0
    if not is_real(number):
        return False
    try:
        close, closer = number.evalf(20, strict=True), number.evalf(40, strict=True)
    except (sympy.core.evalf.PrecisionExhausted, NotImplementedError, TypeError, ValueError):
        return False
    # A difference far above what either precision may have left behind, and the same at both.
    return bool(
        close.is_Float
        and closer.is_Float
        and abs(closer) > sympy.Float("1e-12")
        and abs(close - closer) < abs(closer) * sympy.Float("1e-15")
    )
