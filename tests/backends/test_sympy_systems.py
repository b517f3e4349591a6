"""Polynomial systems over the reals: all solutions, no other ones, each case once."""

import itertools

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

sympy = pytest.importorskip("sympy")

from learningdiagrams.backends.sympy.systems import solve_system  # noqa: E402
from learningdiagrams.theory import NotDecided  # noqa: E402

a, b, c, d = sympy.symbols("a b c d", real=True)
k = sympy.Symbol("k", real=True)
p = sympy.Symbol("p", positive=True)


def solved(equations, unknowns, nonzero=(), constants=()):
    return [case.values for case in solve_system(equations, nonzero, unknowns, constants)]


@pytest.mark.parametrize(
    ("equations", "unknowns", "cases"),
    [
        ([], [a], [{}]),
        ([sympy.Integer(1)], [a], []),
        ([a * b], [a, b], [{a: 0}, {b: 0}]),
        ([a**2 - a, a * b], [a, b], [{a: 0}, {a: 1, b: 0}]),
        ([a**2 + 1], [a], []),
        ([a**2 + b**2], [a, b], [{a: 0, b: 0}]),
        ([a**2 + b**2 + 1], [a, b], []),
        ([a**2 - 2], [a], [{a: sympy.sqrt(2)}, {a: -sympy.sqrt(2)}]),
        ([a**3 - 2], [a], [{a: sympy.root(2, 3)}]),
        ([a**2 - 2, b**2 - a], [a, b], [{a: sympy.sqrt(2), b: s * sympy.root(2, 4)} for s in (1, -1)]),
        ([a**2 - b, b**2 - a], [a, b], [{a: 0, b: 0}, {a: 1, b: 1}]),
        ([a**2 - 2 * a * b + b**2], [a, b], [{b: a}]),
        ([p**2 - 1], [p], [{p: 1}]),
        ([p + 1], [p], []),
    ],
    ids=str,
)
def test_known_systems(equations, unknowns, cases):
    found = solved(equations, unknowns)
    assert sorted(map(str, found)) == sorted(map(str, cases))


def test_a_root_has_its_condition():
    cases = solve_system([a**2 + b**2 - 1], [], [a, b])
    assert {case.values[b] for case in cases} == {sympy.sqrt(1 - a**2), -sympy.sqrt(1 - a**2)}
    assert {case.conditions for case in cases} == {(1 - a**2,)}


def test_an_inverse_is_one_case_with_its_determinant():
    e, f = sympy.Matrix(2, 2, sympy.symbols("e:4", real=True)), sympy.Matrix(2, 2, sympy.symbols("f:4", real=True))
    (case,) = solve_system(list(f * e - sympy.eye(2)), [], [*e, *f])
    assert sympy.simplify(f.subs(case.values) - e.inv()) == sympy.zeros(2, 2)
    assert case.excluded == (e.det(),)


def test_what_must_not_vanish_is_excluded():
    assert solved([a * b], [a, b], nonzero=[a]) == [{b: 0}]
    x = sympy.Symbol("x", real=True)
    assert solved([a * b], [a, b], nonzero=[a * x + a]) == [{b: 0}], "it vanishes for all x where a does"
    (case,) = solve_system([], [a * x + b], [a, b])
    assert case.excluded == (a * x + b,)


def test_constants_are_bound_only_where_nothing_else_helps():
    assert solved([k * a - 1], [a], constants=[k]) == [{a: 1 / k}]
    assert {frozenset(case) for case in solved([k * a], [a], constants=[k])} == {frozenset([a]), frozenset([k])}
    assert {case[a] for case in solved([a**2 - k], [a], constants=[k])} == {sympy.sqrt(k), -sympy.sqrt(k)}


def test_what_resists_is_not_decided():
    with pytest.raises(NotDecided, match="resist, such as"):
        solve_system([a**5 + b**5 + a * b - 1], [], [a, b])
    with pytest.raises(NotDecided, match="not solved in time"):
        solve_system([a * b - 1], [], [a, b], max_seconds=-1)


SYMBOLS = (a, b, c)
small = st.integers(-2, 2)
linear = st.builds(lambda *ks: ks[0] + sum(x * s for x, s in zip(ks[1:], SYMBOLS, strict=True)), *[small] * 4)
bilinear = st.builds(
    lambda i, j, x, f: SYMBOLS[i] * SYMBOLS[j] + x * f, st.integers(0, 2), st.integers(0, 2), small, linear
)
polynomial = st.one_of(linear, bilinear, st.builds(lambda f, g: f * g, linear, linear))


@settings(max_examples=40)
@given(st.lists(polynomial, min_size=1, max_size=3))
def test_every_small_solution_is_in_a_case_and_every_case_is_one(polynomials):
    equations = [sympy.expand(e) for e in map(sympy.sympify, polynomials)]
    try:
        cases = solve_system(equations, [], SYMBOLS, max_seconds=20)
    except NotDecided:
        assume(False)
        raise
    for case in cases:
        for equation in equations:
            assert sympy.simplify(equation.subs(case.values)) == 0
    for point in itertools.product((-2, -1, 0, 1, 2), repeat=3):
        at = dict(zip(SYMBOLS, point, strict=True))
        if any(equation.subs(at) != 0 for equation in equations):
            continue
        assert any(
            all(f.subs(at) != 0 for f in case.excluded)
            and all(x.subs(at) >= 0 for x in case.conditions)
            and all(sympy.simplify(value.subs(at) - at[s]) == 0 for s, value in case.values.items())
            for case in cases
        ), (equations, at, cases)
