"""Equations are measured as in one batch of all rows, however many batches are taken."""

import math

import numpy as np
import pytest

from learningdiagrams import losses
from learningdiagrams.agreement import Evaluator, evaluate, residuals
from learningdiagrams.diagram import Diagram
from learningdiagrams.errors import DiagramError

RNG = np.random.default_rng(0)
N = 23
X, Y = RNG.standard_normal((N, 4)), RNG.standard_normal((N, 3))
CLASSES = RNG.integers(3, size=N)
P = RNG.dirichlet(np.ones(3), size=N)


def each(by: str, right: str = "y") -> Diagram:
    d = Diagram()
    S, A, B = d.object("S"), d.object("A", shape=(4,)), d.object("B", shape=(3,))
    x, y, f = d.data("x", S, A), d.data(right, S, B), d.model("f", A, B, "linear(4, 3)")
    if losses.comparator(by).trains:
        d.goal("it", x >> f, y, by=by)
    else:
        d.goal("unmeasured", x >> f, y)
        d.measure("it", x >> f, y, by=by)
    return d


def number(c, value) -> float:
    return float(c.maps.numpy(value))


@pytest.mark.parametrize(
    ("by", "right"),
    [
        *(
            ("mse", Y),
            ("l1", Y),
            ("huber(delta=0.5)", Y),
            ("bce", P),
            ("cross_entropy", P),
            ("cross_entropy", CLASSES),
        ),
        *(
            ("kl(temperature=2)", Y),
            ("cosine", Y),
            ("info_nce", Y),
            ("accuracy", CLASSES),
            ("top(k=2)", CLASSES),
        ),
        *(("r2", Y), ("retrieval(k=3)", Y)),
    ],
)
def test_over_many_batches_it_is_the_value_over_all_rows(backend, by, right):
    c = each(by).compile(backend, dtype="float64")
    data = {"x": X, "y": right}
    whole = evaluate(c.maps, c.diagram, data, step=0, seed=0, batch_size=N)["it"]
    for batch_size in (5, 1):
        if by == "r2" and batch_size == 1:
            continue
        parts = evaluate(c.maps, c.diagram, data, step=0, seed=0, batch_size=batch_size)["it"]
        assert parts == pytest.approx(whole, rel=1e-9, abs=1e-12)
    if "it" in c.diagram.goals:
        assert whole == pytest.approx(number(c, c.loss(data).terms["it"]), rel=1e-9)


def test_r2_is_no_mean_of_batches():
    pytest.importorskip("torch")
    c = each("r2").compile("torch", dtype="float64")
    predicted = c.maps.numpy(c.apply("f", X))
    wanted = np.mean(1 - ((Y - predicted) ** 2).sum(0) / ((Y - Y.mean(0)) ** 2).sum(0))
    assert evaluate(c.maps, c.diagram, {"x": X, "y": Y}, step=0, seed=0, batch_size=4)["it"] == pytest.approx(wanted)


def test_any_function_sees_all_rows_at_once(backend):
    shapes = []

    def by(left, right):
        shapes.append(tuple(left.shape))
        return (left - right).max()

    d = each("mse")
    d.goal("most", d["x"] >> d["f"], d["y"], by=by)
    c = d.compile(backend)
    shapes.clear()
    value = evaluate(c.maps, d, {"x": X, "y": Y}, step=0, seed=0, batch_size=4)["most"]
    assert set(shapes) == {(N, 3)}
    assert value == pytest.approx(float(np.max(c.maps.numpy(c.apply("f", X)) - Y)), rel=1e-5)


def test_noise_is_that_of_one_batch_of_all_rows(backend):
    d = each("mse")
    S, A, B = d.sorts["S"], d.sorts["A"], d.sorts["B"]
    z, other = d.noise("z", S, A, "normal()"), d.noise("other", S, B, "shuffle(y)")
    d.goal("noisy", z >> d["f"], other)
    c = d.compile(backend, dtype="float64", seed=5)
    data = {"x": X, "y": Y}
    wanted = number(c, c.loss(data, step=3).terms["noisy"])
    for batch_size in (N, 4):
        found = evaluate(c.maps, d, data, step=3, seed=5, batch_size=batch_size)
        assert found["noisy"] == pytest.approx(wanted, rel=1e-9)
    assert evaluate(c.maps, d, data, step=4, seed=5)["noisy"] != pytest.approx(wanted, rel=1e-3)


def unpaired() -> Diagram:
    d = Diagram()
    S, T, A = d.object("S"), d.object("T"), d.object("A", shape=(4,))
    x, y = d.data("x", S, A), d.data("y", T, A)
    f = d.model("f", A, A, "linear(4, 4)")
    k = d.model("k", d.unit, A, "constant((1.0, 2.0, 3.0, 4.0))")
    d.goal("identity", f, "id(A)", on=[x, y])
    d.goal("one", x >> f, x)
    d.goal("constant", k, k >> f)
    return d


def test_several_on_count_alike_each_over_its_own_rows(backend):
    c = unpaired().compile(backend, dtype="float64")
    a, b = X, X[:6] * 5
    found = evaluate(c.maps, c.diagram, {"x": a, "y": b}, step=0, seed=0, batch_size=4)

    def mse(x):
        return np.mean((c.maps.numpy(c.apply("f", x)) - x) ** 2)

    assert found["identity"] == pytest.approx((mse(a) + mse(b)) / 2) and found["one"] == pytest.approx(mse(a))
    assert found["constant"] == pytest.approx(mse(np.array([[1.0, 2.0, 3.0, 4.0]])))
    assert list(found) == ["identity", "one", "constant"]


def test_what_the_data_lack_is_left_out_and_what_needs_none_is_not(backend):
    c = unpaired().compile(backend)
    assert list(evaluate(c.maps, c.diagram, {"x": X}, step=0, seed=0)) == ["one", "constant"]
    assert list(evaluate(c.maps, c.diagram, {}, step=0, seed=0)) == ["constant"]


def test_equations_by_name(backend):
    c = unpaired().compile(backend)
    data = {"x": X, "y": X}
    assert list(evaluate(c.maps, c.diagram, data, step=0, seed=0, equations=["one"])) == ["one"]
    goal = c.diagram.goals["constant"]
    assert list(evaluate(c.maps, c.diagram, data, step=0, seed=0, equations=[goal])) == ["constant"]
    with pytest.raises(DiagramError, match=r"there is no goal, measure or law `ona`; did you mean `one`?"):
        evaluate(c.maps, c.diagram, data, step=0, seed=0, equations=["ona"])


def test_batches_from_an_iterable_give_the_same(backend):
    d = each("cross_entropy")
    d.measure("score", d["x"] >> d["f"], d["y"], by="retrieval")
    c = d.compile(backend, dtype="float64")
    whole = evaluate(c.maps, d, {"x": X, "y": P}, step=0, seed=0)
    batches = [{"x": X[i : i + 7], "y": P[i : i + 7]} for i in range(0, N, 7)]
    assert evaluate(c.maps, d, batches, step=0, seed=0) == pytest.approx(whole)


def test_each_batch_of_an_iterable_has_noise_of_its_own():
    pytest.importorskip("torch")
    d = each("mse")
    z = d.noise("z", d.sorts["S"], d.sorts["A"], "normal()")
    d.goal("apart", z, d.noise("z2", d.sorts["S"], d.sorts["A"], "normal()"))
    c = d.compile("torch")
    one = evaluate(c.maps, d, [{"x": X, "y": Y}], step=0, seed=0)["apart"]
    two = evaluate(c.maps, d, [{"x": X, "y": Y}] * 2, step=0, seed=0)["apart"]
    assert one != two and abs(two - 2) < 0.6


def test_everything_evaluates(backend):
    """Dropout is off, batch norm uses what it learned and learns nothing, programs are made once."""
    d = Diagram()
    S, A = d.object("S"), d.object("A", shape=(4,))
    x = d.data("x", S, A)
    d.goal("it", x >> d.model("f", A, A, 'mlp(4, 8, 4, norm="batch", dropout=0.5)'), x)
    c = d.compile(backend)
    buffers = {n: c.maps.numpy(v) for n, v in c.maps.buffers()["f"].items()}
    evaluator = Evaluator(c.maps, d)
    assert evaluator({"x": X}, step=0, seed=0) == evaluator({"x": X}, step=9, seed=0)
    assert all(np.array_equal(buffers[n], c.maps.numpy(v)) for n, v in c.maps.buffers()["f"].items())


def test_values_of_products_are_averaged_over_factors():
    pytest.importorskip("torch")
    d = Diagram()
    S, A = d.object("S"), d.object("A", shape=(4,))
    x, f = d.data("x", S, A * A), d.model("f", A * A, A * A)
    d.goal("it", x >> f, x, by="cross_entropy")
    d.measure("score", x >> f, x, by="r2")
    c = d.compile("torch", maps={"f": lambda a, b: (a + 1, 2 * b)}, dtype="float64")
    left, right = P @ np.ones((3, 4)) / 4, X
    found = evaluate(c.maps, d, {"x": (left, right)}, step=0, seed=0, batch_size=5, equations=["score"])

    def r2(predicted, true):
        spread = ((true - true.mean(0)) ** 2).sum(0)
        return np.mean(1 - ((true - predicted) ** 2).sum(0) / spread)

    assert found["score"] == pytest.approx((r2(left + 1, left) + r2(2 * right, right)) / 2, rel=1e-6)


# Residuals -----------------------------------------------------------------------------------------------


def entropy(p: np.ndarray) -> float:
    return float(np.mean(-(p * np.log(p)).sum(-1)))


def test_the_entropy_of_soft_targets_is_taken_off(backend):
    """A model that gives the logarithm of the targets has the residual 0, and no cross-entropy of 0."""
    d = Diagram()
    S, B = d.object("S"), d.object("B", shape=(3,))
    x, y, f = d.data("x", S, B), d.data("y", S, B), d.model("f", B, B)
    d.goal("soft", x >> f, y, by="cross_entropy")
    d.goal("bits", x, y, by="bce")
    d.goal("divergence", x >> f, x, by="kl")
    c = d.compile(backend, maps={"f": lambda a: a}, dtype="float64")
    logits, bits = np.log(P), np.log(P / (1 - P))
    found = residuals(c.maps, d, {"x": logits, "y": P}, step=0, seed=0, batch_size=5)
    assert found.raw["soft"] == pytest.approx(entropy(P)) == pytest.approx(found.floor["soft"])
    assert abs(found["soft"]) < 1e-12 and found["divergence"] == pytest.approx(0, abs=1e-12)
    found = residuals(c.maps, d, {"x": bits, "y": P}, step=0, seed=0, batch_size=5)
    assert abs(found["bits"]) < 1e-12 and found.floor["bits"] > 0.3 and found["soft"] > 0.01


@pytest.mark.parametrize(
    ("target", "floor"),
    [
        (CLASSES, 0.0),
        (np.eye(3)[CLASSES], 0.0),
        (2 * np.eye(3)[CLASSES], 0.0),
        (np.full((N, 3), 1 / 3), math.log(3)),
        (-np.ones((N, 3)), 0.0),
    ],
)
def test_floors_of_cross_entropy(target, floor):
    pytest.importorskip("torch")
    c = each("cross_entropy").compile("torch", dtype="float64")
    found = residuals(c.maps, c.diagram, {"x": X, "y": target}, step=0, seed=0)
    assert found.floor["it"] == pytest.approx(floor, abs=1e-12)


def lawful() -> Diagram:
    d = Diagram()
    S, A, B = d.object("S"), d.object("A", shape=(4,)), d.object("B", shape=(3,))
    x = d.data("x", S, A)
    f, g = d.model("f", A, B, "linear(4, 3)"), d.model("g", B, A, "linear(3, 4)")
    d.goal("fit", x >> f >> g, x)
    d.law(f >> g, "id(A)", name="section")
    d.law(g >> f, "id(B)", name="retraction")
    d.law(x >> f >> g >> f, x >> f, name="along")
    C = d.object("C")
    h = d.map("h", C, C)
    d.law(h >> h, h, name="pure")
    u = d.fixed("u", A, A)
    d.law(u >> u, u, name="unrealised")
    T = d.object("T")
    k = d.fixed("k", d.object("E", shape=(4,)), A)
    d.data("e", T, k.dom)
    d.law(k >> f >> g, k, name="elsewhere")
    return d


def test_laws_are_measured_along_data_that_reach_them(backend):
    d = lawful()
    c = d.compile(backend, maps={"k": lambda a: a}, dtype="float64")
    found = residuals(c.maps, d, {"x": X}, step=0, seed=0)
    once = c.maps.numpy(c.apply("f >> g", X))
    assert found["section"] == pytest.approx(np.mean((once - X) ** 2)) == pytest.approx(found["fit"])
    code = c.maps.numpy(c.apply("f", X))
    wanted = np.mean((c.maps.numpy(c.apply("g >> f", code)) - code) ** 2)
    assert found["retraction"] == pytest.approx(wanted) == pytest.approx(found["along"])
    assert found.unmeasured == {
        "pure": "no data reach C, where its sides start",
        "unrealised": "`u` has no realisation",
        "elsewhere": "the data hold no rows of T",
    }
    assert "pure" not in found and set(found) == {"fit", "section", "retraction", "along"} and len(found) == 4
    with pytest.raises(DiagramError, match="there is no residual of `pure`: no data reach C"):
        found["pure"]
    with pytest.raises(DiagramError, match=r"there is no residual of `sections`; did you mean `section`?"):
        found["sections"]


def test_residuals_of_batches_from_an_iterable():
    pytest.importorskip("torch")
    d = lawful()
    c = d.compile("torch", maps={"k": lambda a: a})
    found = residuals(c.maps, d, [{"x": X}], step=0, seed=0)
    assert found.unmeasured["elsewhere"] == "the data hold no rows of T" and "section" in found
    assert dict(found) == pytest.approx(dict(residuals(c.maps, d, {"x": X}, step=0, seed=0)))


def test_a_name_that_was_not_measured_is_a_key_error_that_says_why():
    pytest.importorskip("torch")
    d = Diagram()
    S, B = d.object("S"), d.object("B", shape=(2,))
    x, y = d.data("x", S, B), d.data("y", S, B)
    d.goal("same", x, y)
    d.law(d.map("h", B, B), "id(B)", name="pure")
    found = residuals(d.compile("torch").maps, d, {"x": np.ones((2, 2)), "y": np.ones((2, 2))}, step=0, seed=0)
    assert found.get("sane") is None and found.get("pure", 1.0) == 1.0 and found.get("same") == 0
    for name, text in {
        "sane": "there is no residual of `sane`; did you mean `same`?",
        "pure": "there is no residual of `pure`: `h` has no role; declare it as data, model, frozen or fixed to "
        "compute it",
    }.items():
        with pytest.raises(KeyError) as error:
            found[name]
        assert str(error.value) == text and isinstance(error.value, DiagramError)


def test_residuals_print_as_a_table():
    pytest.importorskip("torch")
    d = Diagram()
    S, B = d.object("S"), d.object("B", shape=(2,))
    x, y = d.data("x", S, B), d.data("y", S, B)
    d.goal("soft", x, y, by="cross_entropy")
    d.law(x, y, name="same")
    d.law(d.map("h", B, B), "id(B)", name="pure")
    c = d.compile("torch", dtype="float64")
    zero, half = np.zeros((2, 2)), np.full((2, 2), 0.5)
    lines = repr(residuals(c.maps, d, {"x": zero, "y": half}, step=0, seed=0)).splitlines()
    assert [line.split() for line in lines[:3]] == [
        ["equation", "by", "residual", "floor", "taken", "off"],
        ["goal", "soft", "x", "=", "y", "cross_entropy", "0", "0.6931"],
        ["law", "same", "x", "=", "y", "mse", "0.25"],
    ]
    assert lines[3] == (
        "law pure is not measured: `h` has no role; declare it as data, model, frozen or fixed to compute it"
    )
