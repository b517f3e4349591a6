"""The parameters with which all goals hold: all of them, each kind told apart, and none that is not one."""

import pytest

import learningdiagrams as ld
from learningdiagrams.theory import NotDecided

sympy = pytest.importorskip("sympy")

a, b, p, q = sympy.symbols("a b p q")
affine, polynomial, linear, constant = (
    ld.layers.affine,
    ld.layers.polynomial,
    ld.layers.linear,
    ld.layers.constant,
)

AUTOENCODER = """
object S, X, Y
data x : S -> X
model enc : X -> Y
model dec : Y -> X
goal rec : x >> enc >> dec = x
"""
ENDO = "object S, X\ndata x : S -> X\nmodel p : X -> X\ngoal g : {} on x"
FIT = "object S, X\ndata x : S -> X\ndata y : S -> X\nmodel f : X -> X\ngoal fit : x >> f = y"


def symbolic(text, **maps):
    return ld.loads(text).compile(backend="sympy", maps=maps)


def solved(text, **maps):
    """All solutions; with each put in, every goal's loss on symbols is 0."""
    c = symbolic(text, **maps)
    solutions = c.solve()
    for solution in solutions:
        assert all(sympy.simplify(term.subs(solution)) == 0 for term in c.loss().terms.values())
    return solutions


def numbers(solution, name):
    """Weight and bias of an affine map from a number to a number."""
    table = solution.parameters[name]
    return table["weight"][0], table["bias"][0]


def test_an_autoencoder_of_numbers():
    (solution,) = solved(AUTOENCODER, enc=affine(1, 1), dec=affine(1, 1))
    (w, o), (v, u) = numbers(solution, "enc"), numbers(solution, "dec")
    assert (v, u) == (1 / w, -o / w)
    assert solution.free == (w, o) and solution.excluded == (w,) and not solution.degenerate


def test_an_autoencoder_of_planes_is_every_invertible_pair():
    (solution,) = solved(AUTOENCODER, enc=affine(2, 2), dec=affine(2, 2))
    enc, dec = solution.parameters["enc"], solution.parameters["dec"]
    assert sympy.simplify(dec["weight"] - enc["weight"].inv()) == sympy.zeros(2, 2)
    assert sympy.simplify(dec["bias"] + enc["weight"].inv() * enc["bias"]) == sympy.zeros(2, 1)
    assert solution.excluded == (enc["weight"].det(),) and len(solution.free) == 6


def test_both_ways_round_is_the_same():
    text = AUTOENCODER + "data y : S -> Y\ngoal back : y >> dec >> enc = y"
    (solution,) = solved(text, enc=affine(1, 1), dec=affine(1, 1))
    assert numbers(solution, "dec") == (
        1 / numbers(solution, "enc")[0],
        -numbers(solution, "enc")[1] / numbers(solution, "enc")[0],
    )


def test_a_plane_does_not_fit_through_a_line():
    assert solved(AUTOENCODER, enc=affine(2, 1), dec=affine(1, 2)) == []
    assert str(symbolic(AUTOENCODER, enc=affine(2, 1), dec=affine(1, 2)).solve()) == "no parameters make all goals hold"


def test_a_line_fits_into_a_plane():
    solutions = solved(AUTOENCODER, enc=affine(1, 2), dec=affine(2, 1))
    for solution in solutions:
        enc, dec = solution.parameters["enc"]["weight"], solution.parameters["dec"]["weight"]
        assert sympy.simplify((dec * enc)[0]) == 1
    for column in ([3, 5], [0, 5], [3, 0]):
        covered(solutions, "enc", sympy.Matrix(column))


def test_polynomials_that_are_inverse_are_affine():
    (solution,) = solved(AUTOENCODER, enc=polynomial(2), dec=polynomial(2))
    assert solution.parameters["enc"]["coefficients"][2] == 0 == solution.parameters["dec"]["coefficients"][2]


def test_idempotents_are_the_identity_and_the_constants():
    identity, constants = solved(ENDO.format("p >> p = p"), p=affine(1, 1))
    assert numbers(identity, "p") == (1, 0) and identity.degenerate == {} and identity.free == ()
    assert numbers(constants, "p")[0] == 0 and constants.free == (numbers(constants, "p")[1],)
    assert constants.degenerate == {"p": "constant"}
    assert str(constants) == "p_weight_0_0 = 0; free: p_bias_0; p is constant"


def test_projections_of_the_plane():
    solutions = solved(ENDO.format("p >> p = p"), p=affine(2, 2))
    assert [s.degenerate.get("p") for s in solutions].count("constant") == 1
    ranks = {s.parameters["p"]["weight"].trace().simplify(): s.degenerate.get("p") for s in solutions}
    assert ranks == {0: "constant", 1: "not invertible", 2: None}
    for point in (
        [[1, 0], [0, 0]],
        [[0, 0], [0, 1]],
        [["1/2", "1/2"], ["1/2", "1/2"]],
        [[0, 0], [3, 1]],
        [[1, 4], [0, 0]],
    ):
        covered(solutions, "p", sympy.Matrix(point).applyfunc(sympy.Rational))


def covered(solutions, name, weight):
    """Asserts that a matrix is among the solutions for some values of the free parameters."""
    for solution in solutions:
        table = solution.parameters[name]["weight"]
        at = sympy.solve(list(table - weight), list(table.free_symbols), dict=True) if table.free_symbols else [{}]
        if at and (table.subs(at[0]) - weight).is_zero_matrix and all(e.subs(at[0]) != 0 for e in solution.excluded):
            return
    raise AssertionError(f"{weight} is in none of\n{solutions}")


def test_involutions():
    reflections, identity = solved(ENDO.format("p >> p = id(X)"), p=affine(1, 1))
    assert numbers(reflections, "p")[0] == -1 and numbers(reflections, "p")[1] in reflections.free
    assert numbers(identity, "p") == (1, 0)
    solutions = solved(ENDO.format("p >> p = id(X)"), p=linear(2, 2, bias=False))
    for matrix in (
        [[1, 0], [0, 1]],
        [[-1, 0], [0, -1]],
        [[0, 1], [1, 0]],
        [[1, 0], [7, -1]],
        [[-1, 2], [0, 1]],
        [[3, -4], [2, -3]],
    ):
        covered(solutions, "p", sympy.Matrix(matrix))


def test_roots_are_real():
    assert [numbers(s, "p") for s in solved(ENDO.format("p >> p >> p = id(X)"), p=affine(1, 1))] == [(1, 0)]
    text = "object S, X\ndata x : S -> X\nmodel p : X -> X\nfixed n : X -> X\ngoal g : x >> p >> p = x >> n"
    assert solved(text, p=linear(1, 1, bias=False), n=lambda x: -x) == []
    assert len(solved(text, p=linear(1, 1, bias=False), n=lambda x: 2 * x)) == 2
    quarter_turns = solved(text.replace("object S, X", "object S, X[2]"), p=linear(2, 2, bias=False), n=lambda v: -v)
    assert all(s.parameters["p"]["weight"].det().simplify() == 1 for s in quarter_turns) and quarter_turns


def test_isometries_have_conditions():
    text = "object S, X[2], Y\ndata x : S -> X\nmodel r : X -> X\nfixed n : X -> Y\ngoal g : x >> r >> n = x >> n"
    solutions = solved(text, r=linear(2, 2, bias=False), n=lambda v: v[0] ** 2 + v[1] ** 2)
    assert len(solutions) == 4
    for solution in solutions:
        (free,) = solution.free
        assert solution.conditions == (sympy.Ge(1 - free**2, 0),)
        weight = solution.parameters["r"]["weight"]
        assert sympy.simplify(weight * weight.T) == sympy.eye(2)


def test_equivariance():
    text = "object S, X[2]\ndata x : S -> X\nfixed turn : X -> X\nmodel f : X -> X\ngoal e : turn >> f = f >> turn on x"
    (solution,) = solved(text, f=affine(2, 2), turn=lambda v: sympy.Matrix([[0, -1], [1, 0]]) * v)
    (u, v), (w, x) = solution.parameters["f"]["weight"].tolist()
    assert (w, x) == (-v, u) and solution.parameters["f"]["bias"] == sympy.zeros(2, 1)


LENS = """
object S, A, V
data a : S -> A
data v : S -> V
data w : S -> V
model get : A -> V
model put : A * V -> A
goal putget : put >> get = proj(A * V, 1) on a & v
goal getput : (id(A) & get) >> put = id(A) on a
goal putput : (put @ id(V)) >> put = (proj(A * V * V, 0) & proj(A * V * V, 2)) >> put on a & v & w
"""


def test_lenses_keep_a_constant_complement():
    (whole,) = solved(LENS, get=affine(1, 1), put=affine(2, 1))
    assert whole.parameters["put"]["weight"][0] == 0, "a lens onto all of A forgets what was there"
    solutions = solved(LENS, get=affine(2, 1), put=affine(3, 2))
    for solution in solutions:
        keeps = solution.parameters["put"]["weight"][:, :2]
        assert sympy.simplify(keeps * keeps - keeps) == sympy.zeros(2, 2) and sympy.simplify(keeps.trace()) == 1


def test_monoids():
    text = """
    object S, A
    data a : S -> A
    data b : S -> A
    data c : S -> A
    model m : A * A -> A
    model e : 1 -> A
    goal assoc : (m @ id(A)) >> m = (id(A) @ m) >> m on a & b & c
    goal unit : (id(A) & drop(A) >> e) >> m = id(A) on a
    """
    bend, straight = solved(text, m=lambda x, y: a + b * x + p * y + q * x * y, e=constant(0.0))
    (e,) = bend.parameters["e"].values()
    assert bend[b] == bend[p] == 1 - e * q and straight[q] == 0 == straight[a] and straight[b] == 1
    assert (straight[p], bend.degenerate) == (0, {}), "x is a monoid with a right unit alone"


def test_data_alone():
    """Linear regression on exact data; more data than parameters; data that no line goes through."""
    c = symbolic(FIT, f=affine(1, 1))
    (solution,) = c.solve({"x": [0, 1, 2], "y": [1, 3, 5]})
    assert numbers(solution, "f") == (2, 1)
    (solution,) = c.solve({"x": [0.1, 0.2, 0.3], "y": [1.2, 1.4, 1.6]})
    assert numbers(solution, "f") == (2, 1)
    (solution,) = c.solve({"x": [[0.0], [1.0]], "y": [[1.0], [3.0]]})
    assert numbers(solution, "f") == (2, 1)
    assert c.solve({"x": [0, 1, 2], "y": [1, 3, 6]}) == []
    (line,) = c.solve({"x": [2], "y": [1]})
    assert len(line.free) == 1 and 2 * numbers(line, "f")[0] + numbers(line, "f")[1] == 1
    (parabola,) = symbolic(FIT, f=polynomial(2)).solve({"x": [0, 1, 2, 3], "y": [1, 2, 5, 10]})
    assert list(parabola.parameters["f"]["coefficients"]) == [1, 0, 1]
    assert c.solve() == [], "no line goes through all data whatever"


def test_symbols_in_data_are_constants():
    c = symbolic(FIT, f=affine(1, 1))
    (line,) = c.solve({"x": [0, p], "y": [q, b]})
    assert numbers(line, "f") == ((b - q) / p, q) and line.excluded == (p,)
    (special,) = c.solve({"x": [0, p], "y": [q, b]}).special
    assert special.requires == {p: 0, b: q} or special.requires == {p: 0, q: b}


def test_maps_that_are_not_trained_stay_symbols():
    text = "object S, X, Y\ndata x : S -> X\nfrozen t : X -> Y\nmodel s : {} \ngoal e : x >> {} = x >> {}"
    (student,) = solved(text.format("X -> Y", "s", "t"), t=affine(1, 1), s=affine(1, 1))
    assert numbers(student, "s") == numbers(student, "t") and student.excluded == ()
    (inverse,) = solved(
        text.format("Y -> X", "t >> s", "t >> s").replace("= x >> t >> s", "= x"), t=affine(1, 1), s=affine(1, 1)
    )
    assert inverse.excluded == (numbers(inverse, "t")[0],)
    c = symbolic(text.format("Y -> Y", "t >> s", "t"), t=lambda x: p * x, s=lambda y: a * y)
    assert [s.values for s in c.solve()] == [{a: 1}]
    assert [(s.requires, s.free) for s in c.solve().special] == [({p: 0}, (a,))]


def test_averages_are_not_trained():
    text = "object S, X\ndata x : S -> X\nmodel f : X -> X\nmodel e : X -> X = ema(f)\ngoal g : x >> f = x >> e"
    (solution,) = solved(text, f=lambda x: a * x + b)
    e = symbolic(text, f=lambda x: a * x + b).parameters()["e"]
    assert solution.values == {a: e["a"], b: e["b"]} and str(e["a"]) == "e_a"


def test_what_is_divided_by_is_not_zero():
    """Even where it cancels in the composite."""
    (solution,) = solved(AUTOENCODER, enc=lambda x: a * x + b, dec=lambda y: (y - b) / a)
    assert solution == {} and solution.free == (a, b) and solution.excluded == (a,)
    k = sympy.Symbol("k")
    (solution,) = solved(AUTOENCODER, enc=lambda x: (a * x + b) / (p * x + q), dec=lambda y: (k * y - b) / (a - p * y))
    assert solution == {k: q} and solution.excluded == (a * q - b * p,)


def test_assumptions_hold():
    k = sympy.Symbol("k", positive=True)
    assert solved(ENDO.format("p >> p = id(X)"), p=lambda x: k * x) == [{k: 1}]
    assert solved(ENDO.format("p >> p = id(X)"), p=lambda x: -k * x) == [{k: 1}]
    assert solved(ENDO.format("p >> p = p"), p=lambda x: (1 + k) * x) == []


def test_maps_without_a_role_are_solved_for():
    solutions = symbolic("object X\nmap e : X -> X\ngoal i : e >> e = e", e=affine(1, 1)).solve()
    assert [s.degenerate for s in solutions] == [{}, {"e": "constant"}]


def test_a_solution_is_a_mapping():
    (solution,) = solved(FIT.replace("= y", "= x"), f=lambda x: a * x + b)
    assert solution == {a: 1, b: 0} and solution[a] == solution["a"] == 1 and (a * p + b).subs(solution) == p
    assert dict(solution) == solution.values and len(solution) == 2
    with pytest.raises(KeyError):
        solution["c"]


def test_what_is_no_polynomial_is_not_decided():
    with pytest.raises(NotDecided, match="goal `g`: `p` is no rational function of its parameters"):
        symbolic(ENDO.format("p >> p = p"), p=lambda x: sympy.exp(a * x)).solve()
    with pytest.raises(NotDecided, match=r"goal `g`: .* is no polynomial; only polynomial equations are solved"):
        symbolic(ENDO.format("p >> p = p"), p=lambda x: a * sympy.exp(x)).solve()
    with pytest.raises(NotDecided, match="goal `rec`: `enc` is no rational function of its parameters"):
        symbolic(AUTOENCODER, enc=lambda x: x + sympy.log(a), dec=lambda y: y - sympy.log(a)).solve()
    with pytest.raises(NotDecided, match=r"`g`: \d+ equations? resist|`g`: the equations were not solved in time"):
        symbolic(ENDO.format("p >> p = p"), p=lambda x: (a**5 + b**5 + a * b) * x).solve(max_seconds=5)
    with pytest.raises(NotDecided, match="truth values"):
        symbolic("object S, X bool\ndata x : S -> X\nmodel f : X -> X\ngoal g : x >> f = x", f=lambda x: a * x).solve()


def test_goals_of_a_sample_object_that_the_data_lack_are_left_out():
    text = FIT + "\nobject T\ndata z : T -> X\ngoal other : z >> f = z"
    c = symbolic(text, f=affine(1, 1))
    assert numbers(c.solve({"x": [0, 1], "y": [1, 3]})[0], "f") == (2, 1)
    assert c.solve({"x": [0, 1], "y": [1, 3], "z": [5]}) == []
