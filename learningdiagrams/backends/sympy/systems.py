"""Polynomial systems over the real numbers, solved for all unknowns, with every case kept.

A system is taken apart into cases until each unknown is free or given by the free ones. Each step is an equivalence
over the reals: a product is 0 where a factor is; a polynomial linear in v, c v + r, gives v = −r / c where c ≠ 0, and
c = r = 0 otherwise; one quadratic in v gives both roots where its discriminant is not negative; a polynomial in v alone
gives its real roots. Where no step fits, a Gröbner basis (Buchberger 1965) is sought, whose elements are equations of
the same solutions. What is left then is not decided, and said so.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from random import Random
from time import monotonic
from typing import Any, Final

import sympy

from learningdiagrams.backends.sympy.values import Expr, Symbol
from learningdiagrams.backends.sympy.zero import vanishes
from learningdiagrams.theory.errors import NotDecided

__all__ = ["Case", "factors", "solve_system"]

BASIS_VARIABLES: Final = 9
"""A Gröbner basis in more variables than this is not tried: it may take for ever, and nothing can stop it."""


@dataclass(frozen=True)
class Case:
    """Some solutions: all values of the symbols that are free, such that nothing excluded vanishes and every condition
    is at least 0.

    Attributes:
        values: the other symbols, by the free ones.
        excluded: irreducible polynomials that are not 0.
        conditions: expressions that are not negative.
        equations: what is still to be solved.
    """

    values: dict[Symbol, Expr] = field(default_factory=dict)
    excluded: tuple[Expr, ...] = ()
    conditions: tuple[Expr, ...] = ()
    equations: tuple[Expr, ...] = ()


def solve_system(
    equations: Iterable[Expr],
    nonzero: Iterable[Expr],
    unknowns: Sequence[Symbol],
    constants: Sequence[Symbol] = (),
    max_seconds: float = 60.0,
) -> list[Case]:
    """All real solutions of polynomial equations, as cases none of which holds another.

    Args:
        equations: polynomials in unknowns and constants that are to be 0.
        nonzero: polynomials that are not to vanish; other symbols in them are variables, and vanishing is for all of
            them.
        unknowns: what to solve for, the later ones first.
        constants: symbols that stand for any number; a case that binds one holds for special numbers only.

    Raises:
        NotDecided: the steps did not suffice, with the equation that resisted.

    >>> a, b = sympy.symbols("a b", real=True)
    >>> for case in solve_system([a**2 - a, a * b], [], [a, b]):
    ...     print(case.values)
    {a: 0}
    {a: 1, b: 0}
    """
    solver = _Solver([*equations], [*nonzero], [*unknowns], [*constants], monotonic() + max_seconds)
    return solver.solutions()


class _Solver:
    def __init__(
        self,
        equations: list[Expr],
        nonzero: list[Expr],
        unknowns: list[Symbol],
        constants: list[Symbol],
        deadline: float,
    ) -> None:
        self.given, self.nonzero, self.unknowns, self.constants = equations, nonzero, unknowns, constants
        self.order = {symbol: i for i, symbol in enumerate([*constants, *unknowns])}
        self.deadline = deadline

    def solutions(self) -> list[Case]:
        # What depends on unknowns alone can prune; what vanishes only for all data is looked at in the end.
        start = [n for n in self.nonzero if n.free_symbols <= self.order.keys()]
        stack = [Case(excluded=tuple(f for n in start for f in factors(n)), equations=tuple(self.given))]
        done: list[Case] = []
        while stack:
            if monotonic() > self.deadline:
                raise NotDecided("the equations were not solved in time")
            case = self._reduced(stack.pop())
            if case is not None and case.equations:
                stack += reversed(self._step(case))
            elif case is not None and (final := self._final(case)) is not None:
                done.append(final)
        return _apart(done)

    # Steps -----------------------------------------------------------------------------------------------------------

    def _reduced(self, case: Case) -> Case | None:
        """The case with equations as products of factors that may vanish; None where one of them has none."""
        products: dict[frozenset[Expr], None] = {}
        for equation in case.equations:
            if vanishes(equation) is True:
                continue
            choices = frozenset(f for f in factors(equation) if not _nowhere(f, case.excluded))
            if not choices:
                return None
            products[choices] = None
        # Where fewer factors have a product that vanishes, so has any with more.
        kept = [one for one in products if not any(other < one for other in products)]
        return replace(case, equations=tuple(sympy.Mul(*sorted(fs, key=sympy.default_sort_key)) for fs in kept))

    def _step(self, case: Case) -> list[Case]:
        simple = (self._squares, self._numbers, self._sure, self._product)
        for step in (*simple, self._linear, self._quadratic, self._basis):
            found = step(case)
            if found is not None:
                return found
        shown = min(case.equations, key=sympy.count_ops)
        raise NotDecided(f"{len(case.equations)} equations resist, such as {shown} = 0")

    def _squares(self, case: Case) -> list[Case] | None:
        """A sum of even powers with coefficients of one sign: each of them vanishes."""
        for equation in case.equations:
            parts = _even_parts(equation)
            if parts:
                return [replace(case, equations=(*parts, *(e for e in case.equations if e is not equation)))]
        return None

    def _product(self, case: Case) -> list[Case] | None:
        """A factor that is in most products, and simplest: it is 0, or it is not."""
        counts: dict[Expr, int] = {}
        for equation in case.equations:
            if equation.is_Mul:
                for f in factors(equation):
                    counts[f] = counts.get(f, 0) + 1
        if not counts:
            return None
        best = min(counts, key=lambda f: (f.count_ops() > 0, -counts[f], f.count_ops(), sympy.default_sort_key(f)))
        return [
            replace(case, excluded=(*case.excluded, best)),
            replace(case, equations=(best, *case.equations)),
        ]

    def _variables(self, e: Expr) -> list[Symbol]:
        """The symbols to solve for, later ones first; constants only where there is no unknown."""
        found = sorted((s for s in e.free_symbols if s in self.order), key=lambda s: -self.order[s])  # type: ignore[index]
        return [s for s in found if s not in self.constants] or found  # type: ignore[return-value]

    def _numbers(self, case: Case) -> list[Case] | None:
        """A polynomial in one symbol: its real roots."""
        for equation in case.equations:
            if len(equation.free_symbols) != 1:
                continue
            (v,) = self._variables(equation) or (None,)
            if v is None or not equation.is_polynomial(v):
                continue
            try:
                roots = sympy.real_roots(sympy.Poly(equation, v, extension=True), multiple=True)
            except (NotImplementedError, sympy.PolynomialError):
                continue
            made = [self._substituted(case, equation, v, root) for root in dict.fromkeys(roots)]
            return [one for one in made if one is not None]
        return None

    def _sure(self, case: Case) -> list[Case] | None:
        """An equation linear in a symbol, with a coefficient that is known not to vanish."""
        return self._linear(case, sure_only=True)

    def _linear(self, case: Case, sure_only: bool = False) -> list[Case] | None:
        """An equation linear in a symbol, best one whose coefficient is known not to vanish."""
        best: tuple[Any, Expr, Symbol, Expr, Expr] | None = None
        for equation in case.equations:
            for v in self._variables(equation) if not equation.is_Mul else ():
                if not equation.is_polynomial(v):
                    continue
                polynomial = sympy.Poly(equation, v)
                if polynomial.degree() != 1:
                    continue
                c, r = polynomial.all_coeffs()
                sure = not c.free_symbols or all(_known(f, case.excluded) for f in factors(c))
                rank = (not sure, sympy.count_ops(c) + sympy.count_ops(r), -self.order[v])
                if best is None or rank < best[0]:
                    best = rank, equation, v, c, r
        if best is None or (sure_only and best[0][0]):
            return None
        (unsure, *_), equation, v, c, r = best
        with_c = replace(case, excluded=tuple(dict.fromkeys((*case.excluded, *factors(c))))) if unsure else case
        made = self._substituted(with_c, equation, v, sympy.cancel(-r / c))
        found = [] if made is None else [made]
        if unsure:
            rest = tuple(e for e in case.equations if e is not equation)
            found.append(replace(case, equations=(c, r, *rest)))
        return found

    def _quadratic(self, case: Case) -> list[Case] | None:
        """An equation quadratic in a symbol that no other equation holds."""
        for equation in case.equations:
            others = [e for e in case.equations if e is not equation]
            for v in self._variables(equation):
                if any(v in e.free_symbols for e in others) or not equation.is_polynomial(v):
                    continue
                polynomial = sympy.Poly(equation, v)
                if polynomial.degree() != 2:
                    continue
                a, b, c = polynomial.all_coeffs()
                if a.free_symbols and not all(_known(f, case.excluded) for f in factors(a)):
                    with_a = replace(case, excluded=(*case.excluded, *factors(a)))
                    return [with_a, replace(case, equations=(a, sympy.expand(b * v + c), *others))]
                discriminant = sympy.expand(b**2 - 4 * a * c)
                if discriminant.is_nonpositive:
                    return [replace(case, equations=(discriminant, sympy.expand(2 * a * v + b), *others))]
                root = sympy.sqrt(sympy.factor(discriminant))
                with_root = replace(case, conditions=(*case.conditions, discriminant))
                roots = [(-b + sign * root) / (2 * a) for sign in (1, -1)]
                return [m for r in roots if (m := self._substituted(with_root, equation, v, r)) is not None]
        return None

    def _basis(self, case: Case) -> list[Case] | None:
        """A Gröbner basis of the equations, where it says something new."""
        every = {s for e in case.equations for s in e.free_symbols if s in self.order}
        symbols = sorted(every, key=lambda s: -self.order[s])  # type: ignore[index]
        if len(symbols) > BASIS_VARIABLES or any(not e.is_polynomial(*symbols) for e in case.equations):
            return None
        unit = sympy.Dummy("unit")
        saturated = [*case.equations]
        used = [f for f in case.excluded if f.free_symbols & set(symbols) and f.free_symbols <= set(symbols)]
        if used:
            saturated.append(1 - unit * sympy.prod(used))
        generators = [unit, *symbols] if used else symbols
        for order in ("grevlex", "lex"):
            basis = sympy.groebner(saturated, *generators, order=order, **_field(case.equations))
            found = tuple(e for e in basis.exprs if unit not in e.free_symbols)
            if {_normal(e) for e in found} != {_normal(e) for e in case.equations}:
                return [replace(case, equations=found)]
        return None

    def _substituted(self, case: Case, equation: Expr, v: Symbol, value: Expr) -> Case | None:
        """The case with a symbol eliminated by one of its equations; None where that contradicts what is excluded."""
        if not _allowed(v, value):
            return None
        equations = []
        for e in case.equations:
            if e is not equation:
                equations.append(_numerator(e.subs(v, value)) if v in e.free_symbols else e)
        excluded: list[Expr] = []
        for f in case.excluded:
            if v not in f.free_symbols:
                excluded.append(f)
                continue
            changed = _numerator(f.subs(v, value))
            if vanishes(changed, thoroughly=not changed.is_rational_function()) is True:
                return None
            excluded += factors(changed)
        return replace(
            case,
            values={**case.values, v: value},
            excluded=tuple(dict.fromkeys(excluded)),
            conditions=tuple(c.subs(v, value) for c in case.conditions),
            equations=tuple(equations),
        )

    # The end ---------------------------------------------------------------------------------------------------------

    def _final(self, case: Case) -> Case | None:
        """The case with every value by free symbols alone, checked; None where it has no real point."""
        values: dict[Symbol, Expr] = {}
        for symbol, value in reversed(case.values.items()):
            values[symbol] = _neat(value.subs(values))
        values = dict(sorted(values.items(), key=lambda item: self.order[item[0]]))
        conditions = [
            c for e in case.conditions if not (c := _neat(e.subs(values)).expand().primitive()[1]).is_nonnegative
        ]
        denominators = [sympy.fraction(sympy.together(value))[1] for value in values.values()]
        for equation in self.given:
            if vanishes(_without_signs(equation.subs(values)), thoroughly=True) is not True:
                raise NotDecided(f"a solution could not be checked: {equation} = 0 at {values}")
        for n in self.nonzero:
            at = sympy.cancel(sympy.together(n.subs(values)))
            if vanishes(at, thoroughly=True) is True:
                return None
            denominators += [sympy.fraction(at)[1], sympy.fraction(at)[0]]
        # What was excluded on the way but divides nothing in the result was the way's concern only.
        excluded = dict.fromkeys(f for d in denominators for f in factors(d))
        known = [f for f in excluded if f.free_symbols <= self.order.keys()]
        final = Case(
            values, tuple(f for f in excluded if not self._follows(f, known)), tuple(dict.fromkeys(conditions))
        )
        return final if self._has_point(final) else None

    def _follows(self, f: Expr, known: Sequence[Expr]) -> bool:
        """Whether f, a polynomial in data too, vanishes for all data only where something known not to vanish does."""
        data = sorted((s for s in f.free_symbols if s not in self.order), key=sympy.default_sort_key)
        if not data:
            return False
        coefficients = sympy.Poly(f, *data).coeffs()
        if any(c.is_number for c in coefficients):
            return True
        symbols = sorted({s for e in (*coefficients, *known) for s in e.free_symbols}, key=sympy.default_sort_key)
        basis = sympy.groebner(coefficients, *symbols, order="grevlex", **_field(coefficients))
        return any(basis.contains(g) for g in known)

    def _has_point(self, case: Case) -> bool:
        """Whether there are real numbers for the free symbols; raises where it cannot be told."""
        if any(c.is_negative for c in case.conditions):
            return False
        free = {s for e in (*case.values.values(), *case.excluded, *case.conditions) for s in e.free_symbols}
        if not free:
            possible = all(_allowed(symbol, value) for symbol, value in case.values.items())
            return possible and all(sympy.N(c) >= 0 for c in case.conditions)
        random = Random(0)
        names = sorted(free, key=sympy.default_sort_key)
        for attempt in range(300):
            width = 2 + attempt // 10
            point = {s: sympy.Rational(random.randint(-width * 3, width * 3), random.randint(1, 4)) for s in names}
            if (
                all(_allowed(s, x) for s, x in point.items())
                and all(sympy.N(c.subs(point)) >= 0 for c in case.conditions)
                and all(f.subs(point) != 0 for f in case.excluded)
                and all(_allowed(s, e.subs(point)) for s, e in case.values.items())
            ):
                return True
        shown = ", ".join(f"{c} ≥ 0" for c in case.conditions) or "what is assumed of the symbols"
        raise NotDecided(f"no numbers were found for which {shown} holds, and it was not refuted")


# Polynomials ---------------------------------------------------------------------------------------------------------


def _field(expressions: Iterable[Expr]) -> dict[str, Any]:
    """The option that makes SymPy compute exactly with the roots that occur."""
    found = set[Expr]()
    for e in expressions:
        found |= {p for p in e.atoms(sympy.Pow) if p.base.is_Rational and p.exp.is_Rational and not p.exp.is_Integer}
        found |= e.atoms(sympy.CRootOf)
    return {"extension": sorted(found, key=sympy.default_sort_key)} if found else {}


@lru_cache(maxsize=4096)
def factors(e: Expr) -> tuple[Expr, ...]:
    """The irreducible factors of a polynomial that are no numbers, each once, in a normal form."""
    if not e.free_symbols:
        return ()
    found = sympy.factor_list(_numerator(e), **_field([e]))[1]
    return tuple(_normal(f) for f, *_ in found if f.free_symbols)


def _normal(e: Expr) -> Expr:
    """A polynomial up to a number: primitive, its first coefficient positive."""
    if not e.free_symbols:
        return e
    symbols = sorted(e.free_symbols, key=sympy.default_sort_key)
    polynomial = sympy.Poly(e, *symbols, **_field([e]))
    if polynomial.domain.is_QQ or polynomial.domain.is_ZZ:
        polynomial = polynomial.clear_denoms(convert=True)[1].primitive()[1]
        return sympy.expand((polynomial if polynomial.LC() > 0 else -polynomial).as_expr())
    return sympy.expand(polynomial.monic().as_expr()) if polynomial.domain.is_Field else sympy.expand(e)


def _numerator(e: Expr) -> Expr:
    return sympy.expand(sympy.fraction(sympy.cancel(sympy.together(e)))[0])


def _neat(e: Expr) -> Expr:
    """A value as a fraction in lowest terms, roots of numbers cleared from below."""
    if e.is_rational_function():
        return sympy.cancel(e)
    # A root that is a real number at all is not negative.
    return _without_signs(sympy.radsimp(sympy.simplify(_without_signs(e))))


def _without_signs(e: Expr) -> Expr:
    return e.replace(lambda x: isinstance(x, sympy.Abs) and _is_root(x.args[0]), lambda x: x.args[0])


def _is_root(e: Any) -> bool:
    return isinstance(e, sympy.Pow) and e.exp == sympy.Rational(1, 2)


def _known(f: Expr, excluded: Collection[Expr]) -> bool:
    """Whether a factor is known not to vanish."""
    return bool(f.is_nonzero) or f in excluded


def _nowhere(f: Expr, excluded: Collection[Expr]) -> bool:
    """Whether an irreducible factor certainly has no real zero here."""
    if _known(f, excluded):
        return True
    parts = _even_parts(f)
    return parts is not None and any(not part.free_symbols for part in parts)


@lru_cache(maxsize=4096)
def _even_parts(f: Expr) -> list[Expr] | None:
    """The monomials of a sum of even powers with coefficients of one sign, without their powers; None for others."""
    if not f.is_Add:
        return None
    polynomial = sympy.Poly(f, *sorted(f.free_symbols, key=sympy.default_sort_key))
    terms = polynomial.terms()
    if any(power % 2 for powers, _ in terms for power in powers) or not all(c.is_positive for _, c in terms):
        return None
    return [sympy.prod(s for s, power in zip(polynomial.gens, powers, strict=True) if power) for powers, _ in terms]


def _allowed(symbol: Symbol, value: Expr) -> bool:
    """Whether nothing that is assumed of a symbol excludes a value."""
    return all(getattr(value, f"is_{word}") in (truth, None) for word, truth in symbol._assumptions_orig.items())


# Cases ---------------------------------------------------------------------------------------------------------------


def _apart(cases: list[Case]) -> list[Case]:
    """The cases that no other one holds, the larger ones first."""
    kept: list[Case] = []
    for case in sorted(cases, key=lambda case: len(case.values)):
        if not any(_holds(other, case) for other in kept):
            kept = [other for other in kept if not (len(other.values) == len(case.values) and _holds(case, other))]
            kept.append(case)
    return kept


def _holds(large: Case, small: Case) -> bool:
    """Whether every solution of one case is certainly one of another."""
    conditions = [c.subs(small.values) for c in large.conditions]
    if not all(c.is_nonnegative or c in small.conditions for c in conditions):
        return False
    allowed = set(small.excluded)
    for f in large.excluded:
        changed = f.subs(small.values)
        if vanishes(changed) is True or not changed.is_rational_function() or not set(factors(changed)) <= allowed:
            return False
    try:
        return all(
            vanishes(value.subs(small.values) - symbol.subs(small.values)) is True
            for symbol, value in large.values.items()
        )
    except ZeroDivisionError:
        return False
