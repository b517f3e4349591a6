"""What holds identically is said to; what does not comes with numbers that the maps themselves refute it at."""

import pytest

import learningdiagrams as ld
from learningdiagrams.theory.errors import InvalidWitness

sympy = pytest.importorskip("sympy")

from learningdiagrams.backends.sympy import Counterexample  # noqa: E402
from learningdiagrams.backends.sympy.zero import differ, vanishes  # noqa: E402

a, b = sympy.symbols("a b")
affine, polynomial = ld.layers.affine, ld.layers.polynomial

ENDO = "object X\nmap f : X -> X\nlaw involution : f >> f = id(X)\nlaw idempotent : f >> f = f"
AUTOENCODER = """
object S, X, Y
data x : S -> X
model enc : X -> Y
model dec : Y -> X
goal rec : x >> enc >> dec = x
"""


def decided(text, **maps):
    found = ld.loads(text).compile(backend="sympy", maps=maps).decide()
    for verdict in found.values():
        assert verdict is True or verdict is None or isinstance(verdict, Counterexample)
        if isinstance(verdict, Counterexample):
            verdict.check()
            assert not verdict and verdict is not False
    return {name: verdict if verdict is None else bool(verdict) for name, verdict in found.items()}


@pytest.mark.parametrize(
    ("f", "involution", "idempotent"),
    [
        (lambda x: x, True, True),
        (lambda x: -x, True, False),
        (lambda x: 1 / x, True, False),
        (lambda x: 3, False, True),
        (lambda x: a - x, True, False),
        (lambda x: (a * x + 1) / (x - a), True, False),
        (abs, False, True),
        (lambda x: sympy.sqrt(x**2), False, True),
        (ld.layers.relu(), False, True),
        (ld.layers.leaky_relu(0.5), False, False),
        (lambda x: sympy.Max(x, a), False, True),
        (lambda x: sympy.sign(x), False, True),
        (sympy.floor, False, True),
        (sympy.exp, False, False),
        (lambda x: sympy.log(1 / x) + x, False, False),
        (affine(1, 1), False, False),
        (polynomial(2), False, False),
        (ld.layers.constant(2.0), False, True),
    ],
    ids=[
        *(
            "identity",
            "minus",
            "inverse",
            "three",
            "reflection",
            "homography",
            "abs",
            "root of square",
            "relu",
            "leaky",
        ),
        *("max", "sign", "floor", "exp", "log", "affine", "polynomial", "constant"),
    ],
)
def test_one_map(f, involution, idempotent):
    assert decided(ENDO, f=f) == {"involution": involution, "idempotent": idempotent}


def test_what_is_not_known_is_not_decided_and_says_why():
    c = ld.loads(ENDO).compile(backend="sympy", maps={"f": sympy.Function("f")})
    found = c.decide()
    assert found == {"involution": None, "idempotent": None}
    assert "f(f(x)) found to vanish" in found.reasons["involution"]
    bare = ld.loads(ENDO).compile(backend="sympy").decide()
    assert bare.reasons["involution"] == "`f` has no realisation; compile with maps={'f': …}"
    nowhere = ld.loads(ENDO).compile(backend="sympy", maps={"f": lambda x: 1 / (x - x)}).decide()
    assert nowhere["idempotent"] is None and "defined nowhere" in nowhere.reasons["idempotent"]
    imaginary = ld.loads(ENDO).compile(backend="sympy", maps={"f": lambda x: sympy.I * x}).decide()
    assert imaginary["involution"] is None and "no real numbers" in imaginary.reasons["involution"]


def test_equal_where_both_are_defined():
    """√x² is x where √x is a real number; numbers at which a map leaves the reals refute nothing."""
    text = "object X, Y\nmap f : X -> Y\nmap g : Y -> X\nlaw back : f >> g = id(X)\nlaw there : g >> f = id(Y)"
    assert decided(text, f=sympy.sqrt, g=lambda y: y**2) == {"back": True, "there": False}
    assert decided(text, f=sympy.exp, g=sympy.log) == {"back": True, "there": True}


def test_where_a_map_divides_by_0_nothing_is_refuted():
    """At a = 0 the second map is not defined, though what comes in is 0 and SymPy says 0 / a = 0."""
    inverse = {"enc": lambda x: a * x, "dec": lambda y: y / a}
    assert decided(AUTOENCODER, **inverse) == {"rec": True}
    logarithm = {"enc": lambda x: x * sympy.log(a), "dec": lambda y: y / sympy.log(a)}
    assert decided(AUTOENCODER, **logarithm) == {"rec": True}


def test_a_counterexample_holds_its_numbers():
    c = ld.loads(AUTOENCODER).compile(backend="sympy", maps={"enc": affine(2, 1), "dec": affine(1, 2)})
    found = c.decide()["rec"]
    x, enc, dec = found.inputs["x"], found.parameters["enc"], found.parameters["dec"]
    assert found.left == dec["weight"] * (enc["weight"] * x + enc["bias"]) + dec["bias"]
    assert found.right == x and found.left != found.right
    assert c.apply("x >> enc >> dec").subs(found.numbers) == found.left
    assert all(number.is_Rational for number in found.numbers.values())
    assert str(found).startswith("rec: at x = [[")
    forged = Counterexample(
        "rec", None, {}, {}, 0, 0, {}, found._question, {symbol: sympy.Integer(0) for symbol in found._point}
    )
    with pytest.raises(InvalidWitness, match="do not differ"):
        forged.check()


def test_data_are_independent_and_parameters_any_numbers():
    text = "object S, X\ndata x : S -> X\ndata y : S -> X\nnoise z : S -> X = normal(2)\nmodel f : X -> X\n"
    goals = "goal same : x >> f = y >> f\ngoal noisy : z = x\ngoal stopped : x >> stop(f) = x >> f"
    assert decided(text + goals, f=affine(2, 2)) == {"same": False, "noisy": False, "stopped": True}
    text = "object S, T, X\ndata x : S -> X\nlaw pair : proj(S * S, 0) >> x = proj(S * S, 1) >> x"
    c = ld.loads(text).compile(backend="sympy")
    assert {"x", "x at 1"} == set(c.decide()["pair"].inputs)


def test_each_of_several_on_is_asked():
    text = "object S, X\ndata x : S -> X\nfixed k : X -> X\nfixed z : X -> X\ngoal g : k = id(X) on x >> z, x"
    c = ld.loads(text).compile(backend="sympy", maps={"k": lambda v: v**2, "z": lambda v: 0 * v})
    found = c.decide()["g"]
    assert str(found.on) == "x" and found.left == found.right**2


def test_products():
    text = "object A, B\nmap s : A * B -> B * A\nmap t : B * A -> A * B\nlaw back : s >> t = id(A * B)"
    assert decided(text, s=lambda x, y: (y, x), t=lambda y, x: (x, y)) == {"back": True}
    c = ld.loads(text).compile(backend="sympy", maps={"s": lambda x, y: (y, x), "t": lambda y, x: (x, y + x)})
    found = c.decide()["back"]
    assert found.left == (found.inputs[0], found.inputs[0] + found.inputs[1])
    assert found.right == (found.inputs[0], found.inputs[1])


def test_lens_laws():
    text = """
    object S[2], V
    map get : S -> V
    map put : S * V -> S
    law putget : put >> get = proj(S * V, 1)
    law getput : (id(S) & get) >> put = id(S)
    law putput : (put @ id(V)) >> put = (proj(S * V * V, 0) & proj(S * V * V, 2)) >> put
    """
    lens = {"get": lambda s: s[0] + s[1] ** 2, "put": lambda s, v: [v - s[1] ** 2, s[1]]}
    assert decided(text, **lens) == {"putget": True, "getput": True, "putput": True}
    # Each law fails on its own somewhere: this put forgets nothing, but moves what it should keep.
    moved = {"get": lambda s: s[0], "put": lambda s, v: [v, s[1] + v - s[0]]}
    assert decided(text, **moved) == {"putget": True, "getput": True, "putput": True}
    drifting = {"get": lambda s: s[0], "put": lambda s, v: [v, s[1] + (v - s[0]) ** 2]}
    assert decided(text, **drifting) == {"putget": True, "getput": True, "putput": False}


def test_kinds_of_numbers():
    squares = "object X {}\nmap f : X -> X\nlaw same : f = id(X)"
    assert decided(squares.format("bool"), f=lambda x: x**2) == {"same": True}
    assert decided(squares.format("bool"), f=lambda x: 1 - x) == {"same": False}
    assert decided(squares.format("int"), f=lambda x: x * sympy.cos(2 * sympy.pi * x)) == {"same": True}
    assert decided(squares.format("float"), f=lambda x: x * sympy.cos(2 * sympy.pi * x)) == {"same": False}


def test_assumptions_of_symbols_are_kept():
    positive = sympy.Symbol("k", positive=True)
    assert decided(
        "object X\nmap f : X -> X\nlaw l : f = id(X)", f=lambda x: sympy.sqrt(positive**2) * x / positive
    ) == {"l": True}
    c = ld.loads("object X\nmap f : X -> X\nlaw l : f = id(X)").compile(
        backend="sympy", maps={"f": lambda x: positive * x}
    )
    assert c.decide()["l"].numbers[positive] > 0


def test_roots_are_exact():
    rotation = sympy.Matrix([[1, -1], [1, 1]]) / sympy.sqrt(2)
    text = (
        "object X[2]\nfixed r : X -> X\nlaw eighth : "
        + " >> ".join(["r"] * 8)
        + " = id(X)\nlaw fourth : r >> r >> r >> r = id(X)"
    )
    assert decided(text, r=lambda v: rotation * v) == {"eighth": True, "fourth": False}


def test_two_decisions_name_their_symbols_alike():
    c = ld.loads(AUTOENCODER).compile(backend="sympy", maps={"enc": affine(1, 1), "dec": affine(1, 1)})
    first = str(c.decide())
    c.loss(), c.solve(), c.apply("enc")
    assert str(c.decide()) == first
    assert {str(s) for s in c.decide()["rec"].numbers} >= {"x", "enc_weight_0_0"}


def test_names_that_are_taken_are_not_given_again():
    x = sympy.Symbol("x", real=True)
    c = ld.loads(AUTOENCODER).compile(backend="sympy", maps={"enc": lambda v: x * v, "dec": lambda v: v / x})
    assert c.decide()["rec"] is True and c.parameters()["enc"] == {"x": x}
    assert c.apply("x >> enc") == x * sympy.Symbol("x_", real=True)


@pytest.mark.parametrize(
    ("text", "zero"),
    [
        ("(x + y)**3 - x**3 - 3*x**2*y - 3*x*y**2 - y**3", True),
        ("x/y - x**2/(x*y)", True),
        ("x**2 + y**2", False),
        ("(sqrt(2) + 1)*(sqrt(2) - 1)*x - x", True),
        ("sin(x)**2 + cos(x)**2 - 1", True),
        ("Abs(x*y) - Abs(x)*Abs(y)", True),
        ("Max(x, y) + Min(x, y) - x - y", True),
        ("Abs(x) - Max(x, -x)", True),
        ("Max(x, y, 0) - Max(Max(x, y), 0)", True),
        ("Max(x, Min(x, y)) - x", True),
        ("Abs(x) - x", None),
        ("exp(x + y) - exp(x)*exp(y)", True),
        ("exp(x) - 1", None),
    ],
)
def test_vanishing(text, zero):
    x, y = sympy.symbols("x y", real=True)
    assert vanishes(sympy.sympify(text, locals={"x": x, "y": y}), thoroughly=True) is zero


def test_numbers_that_differ():
    third = sympy.Rational(1, 3)
    assert differ(third) and not differ(third - third)
    assert differ(sympy.sqrt(2) - sympy.Rational(141421356, 10**8))
    assert not differ(sympy.sqrt(2) * sympy.sqrt(3) - sympy.sqrt(6))
    assert not differ(sympy.sqrt(5 + 2 * sympy.sqrt(6)) - sympy.sqrt(2) - sympy.sqrt(3)), (
        "which SymPy does not see at once"
    )
    assert not differ(sympy.exp(-100)), "too near 0 to be told from what rounding leaves"
    assert not differ(sympy.I) and not differ(sympy.oo) and not differ(sympy.nan)
