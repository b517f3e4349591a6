"""The loss as an expression: the numbers are those of the other backends, the symbols are those that were given."""

import subprocess
import sys
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import learningdiagrams as ld
from learningdiagrams import losses
from learningdiagrams.errors import DiagramError

sympy = pytest.importorskip("sympy")

a, b = sympy.symbols("a b")
affine = ld.layers.affine

FIT = "object S, X\ndata x : S -> X\ndata y : S -> X\nmodel f : X -> X\ngoal fit : x >> f = y"
CLASSES = """
object S, X[2], Y[3]
data x : S -> X
data y : S -> Y
model f : X -> Y = affine(2, 3)
model g : X -> Y = affine(2, 3)
goal l : {} by {}
"""


def symbolic(text, **maps):
    return ld.loads(text).compile(backend="sympy", maps=maps)


def number(expression, numbers):
    return float(expression.xreplace(numbers).evalf(30))


def gradient(table, numbers):
    return {
        (name, entry): np.array([number(e, numbers) for e in getattr(value, "flat", lambda v=value: [v])()], float)
        for name, entries in table.items()
        for entry, value in entries.items()
    }


@pytest.mark.parametrize(
    ("sides", "by", "dtype"),
    [
        ("x >> f = y", "mse", "float64"),
        ("x >> f = y", "l1", "float64"),
        ("x >> f = y", "huber(delta=0.3)", "float64"),
        ("x >> f = y", "bce", "float64"),
        ("x >> f = y", "cross_entropy", "float64"),
        ("x >> f = y", "cross_entropy", "float32"),
        ("x >> f = x >> g", "kl(temperature=1.7)", "float64"),
        ("x >> f = x >> stop(g)", "cosine", "float64"),
        ("x >> f = x >> g", "info_nce(temperature=0.4)", "float64"),
    ],
)
def test_comparators_agree_with_other_backends(backend, sides, by, dtype):
    d = ld.loads(CLASSES.format(sides, by))
    rng = np.random.default_rng(0)
    batch = {"x": rng.normal(size=(2, 2)).astype(dtype), "y": rng.dirichlet([1, 1, 1], 2).astype(dtype)}
    numeric, c = d.compile(backend, dtype=dtype), d.compile("sympy", dtype=dtype)
    numbers = c.numbers()
    assert numbers == c.numbers(numeric.parameters()), "layers start from the same numbers"
    close: dict[str, Any] = {"rtol": 1e-10, "atol": 1e-10} if dtype == "float64" else {"rtol": 1e-5, "atol": 1e-5}
    total, field = c.value_and_grad(batch)
    np.testing.assert_allclose(number(total, numbers), numeric.loss(batch).total.item(), **close)
    assert total == c.loss(batch).total
    theirs = numeric.value_and_grad(batch)[1]
    for (name, entry), mine in gradient(field, numbers).items():
        np.testing.assert_allclose(mine, np.asarray(theirs[name][entry]).reshape(-1), **close)


def test_class_numbers_and_a_function_as_comparator():
    c = symbolic(CLASSES.format("x >> f = y", "cross_entropy"))
    rows = {"x": [[1, 2], [3, 4]], "y": [2, 0]}
    one_hot = {"x": [[1, 2], [3, 4]], "y": [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]}
    assert sympy.simplify(c.loss(rows).total - c.loss(one_hot).total) == 0
    d = ld.loads(FIT)
    d.goal("own", "x >> f", "y", by=lambda left, right: ((left - right) ** 4).sum())
    assert d.compile("sympy", maps={"f": lambda x: a * x}).loss({"x": [1], "y": [2]}).terms["own"] == (a - 2) ** 4


def test_games_weights_and_schedules(backend):
    """Each goal moves its own models, as on every backend; weights are those of the step."""
    text = (
        FIT
        + """
model h : X -> X = affine(1, 1)
goal fake : x >> f >> h = y weight linear(0, 1, steps=4) train f
goal real : x >> f >> h = x weight 0.3 train h
goal both : x >> f >> f = x >> stop(f >> h)
"""
    )
    d = ld.loads(
        text.replace("model f : X -> X", "model f : X -> X = affine(1, 1)").replace("object S, X", "object S, X[1]")
    )
    batch = {"x": np.array([[0.5], [-1.0]]), "y": np.array([[2.0], [0.25]])}
    numeric, c = d.compile(backend, dtype="float64"), d.compile("sympy", dtype="float64")
    for step in (0, 3):
        total, field = c.value_and_grad(batch, step=step)
        value, theirs = numeric.value_and_grad(batch, step=step)
        np.testing.assert_allclose(number(total, c.numbers()), value.item(), rtol=1e-12)
        for (name, entry), mine in gradient(field, c.numbers()).items():
            np.testing.assert_allclose(mine, np.asarray(theirs[name][entry]).reshape(-1), rtol=1e-10)


def test_a_repeated_map_has_one_set_of_parameters():
    """The gradient at e >> e is the sum over two maps that are tied afterwards."""
    once = symbolic("object S, X\ndata x : S -> X\nmodel e : X -> X\ngoal g : x >> e >> e = x", e=lambda x: a * x**2)
    text = "object S, X\ndata x : S -> X\nmodel e : X -> X\nmodel h : X -> X\ngoal g : x >> e >> h = x"
    untied = symbolic(text, e=lambda x: a * x**2, h=lambda x: b * x**2)
    mine, theirs = once.value_and_grad()[1]["e"]["a"], untied.value_and_grad()[1]
    assert sympy.expand(mine - (theirs["e"]["a"] + theirs["h"]["b"]).subs(b, a)) == 0


def test_noise_is_the_same_on_every_backend(backend):
    d = ld.loads(
        "object S, X[2]\nnoise z : S -> X = normal(2)\ndata x : S -> X\n"
        "model f : X -> X = affine(2, 2)\ngoal g : z >> f = x"
    )
    batch = {"x": np.array([[1.0, 2.0], [3.0, 4.0]])}
    numeric, c = d.compile(backend, seed=3, dtype="float64"), d.compile("sympy", seed=3, dtype="float64")
    np.testing.assert_allclose(
        number(c.loss(batch, step=7).total, c.numbers()), numeric.loss(batch, step=7).total.item()
    )
    given = c.loss({**batch, "z": [[0, 0], [0, 0]]}).total
    assert given.free_symbols == set(c.parameters()["f"]["bias"]), "noise that is given is not drawn"


def test_what_comes_in_comes_out():
    """Functions and batches keep the symbols that they were written with."""
    c = symbolic(FIT, f=lambda x: a * x + b)
    assert c.parameters() == {"f": {"a": a, "b": b}}
    p, q = sympy.symbols("p q")
    assert c.loss({"x": [p], "y": [q]}).total == (a * p + b - q) ** 2
    assert c.loss({"x": sympy.Matrix([p]), "y": np.array([q], dtype=object)}).total == (a * p + b - q) ** 2
    assert c.value_and_grad({"x": [2], "y": [0]})[1] == {"f": {"a": 8 * a + 4 * b, "b": 4 * a + 2 * b}}
    x, y = c.sample()["x"][0], c.sample()["y"][0]
    assert c.loss().total == (a * x + b - y) ** 2 and str(x) == "x"
    assert [str(s) for s in c.sample(2)["x"]] == ["x_0", "x_1"]


@pytest.mark.parametrize(
    "x", [[0.1, 0.2], np.array([0.1, 0.2]), np.array([0.1, 0.2], np.float32), [Decimal("0.1"), Fraction(1, 5)]]
)
def test_a_float_is_the_decimal_that_it_is_written_as(x):
    total = symbolic(FIT, f=lambda x: 0.5 * a * x).loss({"x": x, "y": [1, 1]}).total
    assert total == ((a / 20 - 1) ** 2 + (a / 10 - 1) ** 2) / 2
    assert not total.atoms(sympy.Float)


def test_values_are_what_shapes_say():
    seen = []

    def look(v, m, t):
        seen.extend((type(v).__name__, v.shape, type(m).__name__, m.shape, t.shape))
        return v + m * v

    text = "object V[2], M[2, 2], T[2, 2, 2]\nmap f : V * M * T -> V"
    c = symbolic(text, f=look)
    assert set(seen[:5]) == {"ImmutableDenseMatrix", (2, 1), (2, 2), (2, 2, 2)}
    v, m = [1, 2], [[0, 1], [1, 0]]
    assert c.apply("f", v, m, np.zeros((2, 2, 2), int)) == sympy.Matrix([3, 3])
    assert symbolic("object V[2]\nmap f : V -> V", f=lambda v: [v[1], v[0]]).apply("f", v) == sympy.Matrix([2, 1])


def test_shapes_are_found_where_nothing_declares_them():
    text = "object S, X, Y, Z\ndata x : S -> X\nmodel f : X -> Y\nmodel g : Y -> Z\ngoal l : x >> f >> g = x >> f >> g"
    c = symbolic(text, f=ld.layers.relu(), g=affine(3, 1))
    assert c.apply("x >> f >> g").free_symbols > {sympy.Symbol(f"x_{i}", real=True) for i in range(3)}
    c = symbolic(text, f=affine(1, 1), g=lambda y: a * y + 1)
    assert c.apply("g", 2) == 2 * a + 1, "a row of one is a number to who declared neither"
    assert symbolic(text.replace("Y, Z", "Y[n], Z"), f=affine(2, 3), g=affine(3, 1)).maps.shapes["Y"] == (3,)


def test_apply():
    c = symbolic(FIT, f=lambda x: a * x)
    assert c.apply("f", 3) == 3 * a and c.apply("x >> f", {"x": 3}) == 3 * a and c.apply("f >> f", b) == a**2 * b
    assert c.apply("x >> f", [1, 2]).tolist() == [a, 2 * a], "a batch gives an array"
    assert c.apply("f & id(X)", 2) == (2 * a, 2)
    for wrong, text in [
        (("f",), None),
        (("f", 1, 2), "`f` takes one value for each factor of X: 1 in all, 2 given"),
        (("x >> f", 1, 2), "`x >> f` takes values for x: 1 in all, 2 given"),
        (("x >> f", {"z": 1}), "`x >> f` takes values for x, and there is no data generator `z`"),
        (("x >> f", {"y": 1}), "`x >> f` takes values for x, and `x` is missing"),
    ]:
        if text is None:
            assert str(c.apply(*wrong)) == "a*x"
            continue
        with pytest.raises(DiagramError) as error:
            c.apply(*wrong)
        assert str(error.value) == text


def test_averages_have_parameters_of_their_own():
    text = "object S, X\ndata x : S -> X\nmodel f : X -> X\nmodel e : X -> X = ema(f)\ngoal g : x >> f = x >> e"
    for f in (affine(1, 1), lambda x: a * x + b):
        c = symbolic(text, f=f)
        total, field = c.value_and_grad()
        assert list(field) == ["f"] and c.parameters()["e"].keys() == c.parameters()["f"].keys()
        assert len(total.free_symbols) == 5
        found = c.decide()["g"]
        assert c.apply("x >> f").subs(found.numbers) == found.left != found.right
        assert c.apply("x >> e").subs(found.numbers) == found.right, "each with numbers of its own"


def test_maps_out_of_one_and_products():
    c = symbolic("object A, B\nmodel k : 1 -> A * B\nmodel m : A * B -> B\nmodel o : 1 -> B\ngoal g : k >> m = o",
                 k=lambda: (a, 2), m=lambda x, y: x * y, o=ld.layers.constant(1.0))  # fmt: skip
    (o,) = c.parameters()["o"].values()
    assert c.loss({}).total == (2 * a - o) ** 2
    with pytest.raises(
        DiagramError, match=r"`k` : 1 -> A \* B: it is to return a tuple of 2 values, and it returned a"
    ):
        symbolic("object A, B\nmodel k : 1 -> A * B\nmodel m : A * B -> B\ngoal g : k >> m = k >> m",
                 k=lambda: a, m=lambda x, y: x)  # fmt: skip


def test_laws_may_be_used():
    text = FIT.replace(
        "goal fit : x >> f = y", "fixed k : X -> X\nlaw l : k >> k = id(X)\ngoal fit : x >> k >> k >> f = y"
    )
    c = ld.loads(text).compile("sympy", maps={"f": lambda x: a * x, "k": lambda x: -x}, use_laws=True)
    assert "k" not in c.plan.generators and c.loss({"x": [1], "y": [0]}).total == a**2


LAYERS = ld.layers


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (LAYERS.affine(3, 2), (3,)),
        (LAYERS.polynomial(3, inputs=2, outputs=2), (2,)),
        (LAYERS.mlp(3, 4, 2, activation="tanh", norm="layer", final="softmax"), (3,)),
        (LAYERS.mlp(2, 2, 2, activation="softplus"), (2,)),
        (LAYERS.residual(LAYERS.linear(3, 3, bias=False), LAYERS.leaky_relu(0.1)), (3,)),
        (LAYERS.sequential(LAYERS.flatten(), LAYERS.linear(4, 3), LAYERS.elu(), LAYERS.gelu(), LAYERS.silu()), (2, 2)),
        (
            LAYERS.sequential(LAYERS.reshape(2, 2), LAYERS.rot90(), LAYERS.roll(1, axis=0), LAYERS.scale(0.3, shift=2)),
            (4,),
        ),
        (LAYERS.sequential(LAYERS.normalize(), LAYERS.exp(), LAYERS.sigmoid(), LAYERS.dropout(0.5)), (3,)),
    ],
    ids=lambda x: str(x)[:30],
)
def test_layers_agree_with_other_backends(backend, layer, shape):
    d = ld.Diagram()
    s, x_, y_ = d.object("S"), d.object("X", shape=shape), d.object("Y", shape=layer.shape(shape))
    x, f = d.data("x", s, x_), d.model("f", x_, y_, layer)
    d.goal("g", x >> f, d.data("y", s, y_))
    values = np.random.default_rng(1).normal(size=(2, *shape))
    c = d.compile("sympy", dtype="float64")
    mine = c.apply("f", values)
    numbers = c.numbers()
    theirs = np.asarray(d.compile(backend, dtype="float64").apply("f", values))
    np.testing.assert_allclose(
        [number(e, numbers) for e in mine.reshape(-1)], theirs.reshape(-1), rtol=1e-10, atol=1e-12
    )


def test_layers_of_several_inputs():
    text = "object A[2]\nmap s : A * A -> A\nmap p : A * A -> A\nobject B[4]\nmap c : A * A -> B\nmap k : A -> A"
    c = symbolic(text, s=LAYERS.add(), p=LAYERS.multiply(), c=LAYERS.concat(), k=LAYERS.constant((1.0, 2.0)))
    u, v = [1, 2], [3, 4]
    assert c.apply("s", u, v) == sympy.Matrix([4, 6]) and c.apply("p", u, v) == sympy.Matrix([3, 8])
    assert c.apply("c", u, v) == sympy.Matrix([1, 2, 3, 4]) and c.apply("k", u) == c.parameters()["k"]["value"]
    one_hot = symbolic("object A int, B[3]\nmap h : A -> B", h=LAYERS.one_hot(3))
    assert one_hot.apply("h", 1) == sympy.Matrix([0, 1, 0])


def test_latex():
    c = symbolic(FIT + "\ngoal small_f : x >> f = x by l1 weight 0.5", f=lambda x: a * x)
    assert c.latex() == (
        "\\begin{aligned}\nL ={}& \\left(a x - y\\right)^{2} && \\text{fit} \\\\\n"
        "{}+& \\frac{1}{2}\\, \\left|{a x - x}\\right| && \\text{small\\_f}\n\\end{aligned}"
    )


# What is refused --------------------------------------------------------------------------------------------------

CAN_BE = (
    "on sympy a map is a function of SymPy expressions, such as lambda x: 2 * x, or a layer such as "
    "ld.layers.affine(2, 2)"
)


class Torchlike:
    __module__ = "torch.nn"

    def __call__(self, x):
        raise AssertionError("a module of torch is not called")


def branching(x):
    return x if x > 0 else -x


@pytest.mark.parametrize(
    ("text", "f", "message"),
    [
        (
            FIT,
            None,
            "`f` has no realisation; write one in the diagram, such as = affine(2, 2), or in Python give maps={'f': …}",
        ),
        (FIT, 3, f"`f`: a value of type int is no map here; {CAN_BE}"),
        (FIT, Torchlike(), f"`f`: a value of type Torchlike is no map here; {CAN_BE}"),
        (FIT, branching, f"`f` : X -> X refuses symbols: cannot determine truth value of Relational; {CAN_BE}"),
        (FIT, lambda x: "two", "`f` : X -> X: a number or a SymPy expression is wanted, not str"),
        (FIT, lambda x: None, "`f` : X -> X: it returned `None`"),
        (FIT, lambda x: float("nan"), "`f` : X -> X: nan is no finite number"),
        (FIT, lambda x: sympy.Symbol("k", imaginary=True), "the symbol k is declared not to be real"),
        (FIT, lambda x: [x, x], "`f` : X -> X gives [2], but X is a single number; an object without a shape holds"),
        (FIT.replace("X\n", "X[2]\n", 1), affine(2, 3), "`f` : X -> X gives [3], but X is declared [2]"),
        (
            FIT.replace("X\n", "X[2]\n", 1),
            affine(3, 2),
            "`f` : X -> X: `affine(3, 2)` takes values whose last axis is 3",
        ),
        (
            FIT.replace("X\n", "X[n]\n", 1),
            lambda x: x,
            "object X[n]: no map says what n is; on sympy, symbols are made",
        ),
        (FIT.replace("X\n", "X[n]\n", 1), affine(2, 3), "`f` : X -> X gives [3], but X is declared [n]"),
        (
            FIT.replace("X\n", "X[1, 4, 4]\n", 1),
            ld.layers.conv(1, 1),
            "`f` : X -> X: the layer `conv2d(1, 1)` has no expr",
        ),
        (
            FIT.replace("model", "fixed"),
            lambda x: a * x,
            "`f` is fixed, a map without parameters, and has a; declare it",
        ),
    ],
)
def test_errors_say_what_is_wrong(text, f, message):
    with pytest.raises(DiagramError) as error:
        symbolic(text, **({} if f is None else {"f": f}))
    said = (
        str(error.value)
        .replace(str(error.value).partition("Relational: ")[2].partition(";")[0], "")
        .replace(": ;", ";")
    )
    assert message in said


def test_a_parameter_of_a_frozen_and_a_trained_map_is_an_error():
    text = FIT + "\nfrozen t : X -> X\ngoal g : x >> f = x >> t"
    with pytest.raises(DiagramError, match=r"`t` is frozen and `f` is trained, and they hold one parameter together"):
        symbolic(text, f=lambda x: a * x, t=lambda x: a + x)


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        ({"x": [1]}, "the batch lacks `y`, which goal `fit` needs"),
        ({"x": [1], "z": [1]}, "batch: there is no data generator `z`; there are x, y"),
        ({"x": [1], "y": [1, 2]}, "batch: `y` has 2 rows, but `x` has 1; both come out of S, one row for each sample"),
        (
            {"x": [1], "y": [sympy.I * sympy.Symbol("q", imaginary=True)]},
            "batch: `y`: the symbol q is declared not to be",
        ),
        ([1], "batch: a batch is a dictionary of values by the names of the data generators"),
    ],
    ids=str,
)
def test_wrong_batches(batch, message):
    with pytest.raises(DiagramError) as error:
        symbolic(FIT, f=lambda x: a * x).loss(batch)
    assert str(error.value).startswith(message)


def test_two_shapes_are_not_broadcast():
    c = symbolic(FIT, f=lambda x: x)
    with pytest.raises(DiagramError, match="the sides' shapes differ"):
        c.loss({"x": [[1, 2]], "y": [0.5]})


def test_what_sympy_has_not_says_where_it_is():
    c = symbolic(FIT, f=lambda x: a * x)
    for name in ("fit", "evaluate", "residuals", "save", "restore", "module", "pure", "load_parameters"):
        with pytest.raises(DiagramError, match=f'no `{name}`; compile with backend="torch" or backend="jax" for it'):
            getattr(c, name)
        assert not hasattr(c, name)
    with pytest.raises(AttributeError, match="has no attribute 'lost'"):
        getattr(c, "lost")  # noqa: B009
    with pytest.raises(DiagramError, match="there is no device 'cuda' on sympy"):
        ld.loads(FIT).compile("sympy", maps={"f": lambda x: x}, device="cuda")


def test_only_compiling_loads_sympy():
    code = (
        "import sys, learningdiagrams as ld, learningdiagrams.compiled, learningdiagrams.symbolic;"
        f"d = ld.loads({FIT!r}); print('sympy' in sys.modules);"
        "d.compile('sympy', maps={'f': lambda x: x}); print('sympy' in sys.modules, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True", "False"]


def test_every_training_comparator_has_a_formula_here():
    trained = {name for name, cls in losses.COMPARATORS.items() if cls.trains}
    assert trained == {"mse", "l1", "huber", "bce", "cross_entropy", "kl", "cosine", "info_nce"}
