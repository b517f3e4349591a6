"""Bounds from proofs hold on the rows, are what a hand would compute, and are left out where there is none."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import learningdiagrams as ld
from learningdiagrams.bounds import bound
from learningdiagrams.diagram import Diagram
from learningdiagrams.errors import DiagramError
from learningdiagrams.examination import premises, translated
from learningdiagrams.theory import Proved, identity
from learningdiagrams.theory.proofs import Proof, Step

TEXT = """
diagram Chain
object S, X[4], Y[3]
data x : S -> X
data y : S -> Y
model f : X -> Y = linear(4, 3)
model g : X -> Y = linear(4, 3)
model h : Y -> Y = linear(3, 3)
model both : Y * Y -> Y
goal a : x >> f = y
goal b : x >> g = y
"""
RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((30, 4)), RNG.standard_normal((30, 3))
DATA = {"x": X, "y": Y}


def rms(one, other) -> float:
    return float(np.sqrt(((one - other) ** 2).sum(1).mean()))


def compiled(backend: str, more: str = ""):
    def both(u, v):
        return 2 * u + v

    return ld.loads(TEXT + more).compile(backend, {"both": both}, dtype="float64")


def test_by_hand(backend):
    c = compiled(backend, "measure m : x >> f >> h = x >> g >> h by mse\n")
    f, g = (np.asarray(c.maps.numpy(c.apply(f"x >> {name}", X))) for name in "fg")
    fh, gh, yh = (np.asarray(c.maps.numpy(c.apply("h", value))) for value in (f, g, Y))
    found = {one.name: one for one in c.examine(DATA).bounds}
    assert set(found) == {"m"}
    it = found["m"]
    assert it.measured == pytest.approx(rms(fh, gh))
    assert [(use.by, use.defect) for use in it.uses] == [
        ("a", pytest.approx(rms(f, Y))),
        ("b", pytest.approx(rms(g, Y))),
    ]
    # The largest stretch between values that meet: both sides of each step, and neighbours.
    pairs = [((f, Y), (fh, yh)), ((g, Y), (gh, yh))]
    pairs += [((v, np.roll(v, 1, 0)), (w, np.roll(w, 1, 0))) for v, w in ((f, fh), (Y, yh), (g, gh))]
    stretch = max((np.linalg.norm(w - z, axis=1) / np.linalg.norm(u - v, axis=1)).max() for (u, v), (w, z) in pairs)
    assert it.estimated == {"h": pytest.approx(stretch)} and it.given == {}
    assert it.bound == pytest.approx(stretch * (rms(f, Y) + rms(g, Y))) and it.bound >= it.measured
    # The true constant is the largest singular value, and no estimate is above it.
    weight = np.asarray(c.maps.numpy(c.parameters()["h"]["weight"]))
    largest = float(np.linalg.norm(weight, 2))
    assert stretch <= largest * (1 + 1e-9)
    (told,) = c.examine(DATA, lipschitz={"h": largest}).bounds
    assert told.given == {"h": largest} and told.estimated == {}
    assert told.bound == pytest.approx(largest * (rms(f, Y) + rms(g, Y)))
    assert str(told).startswith("x >> f >> h = x >> g >> h: ") and f"(given: h {largest:.3g})" in str(told)


def test_a_constant_that_the_rows_contradict_is_refused(backend):
    c = compiled(backend, "measure m : x >> f >> h = x >> g >> h by mse\n")
    with pytest.raises(
        DiagramError, match=r"lipschitz: `h` is given as 0\.01, but on these rows it stretches a distance"
    ):
        c.examine(DATA, lipschitz={"h": 0.01})
    with pytest.raises(DiagramError, match="lipschitz: there is no map `hh`; did you mean `h`"):
        c.examine(DATA, lipschitz={"hh": 1})
    with pytest.raises(DiagramError, match="lipschitz: the constant of `h` is a number from 0 up, not -1"):
        c.examine(DATA, lipschitz={"h": -1})


def test_each_argument_has_its_own_constant(backend):
    c = compiled(backend)
    (it,) = c.examine(DATA, ["(x >> f & x >> g) >> both = (y & y) >> both"]).bounds
    costs = {use.by: dict(use.follows)["both"] for use in it.uses}
    assert costs == {"a": pytest.approx(2), "b": pytest.approx(1)}
    assert it.bound >= it.measured


def test_products_equal_sides_and_equations_that_do_not_follow(backend):
    c = compiled(backend)
    pairs, equal = c.examine(DATA, ["x >> f & x >> g = y & y", ("x >> f", "x >> f")]).bounds
    f, g = (np.asarray(c.maps.numpy(c.apply(f"x >> {name}", X))) for name in "fg")
    assert pairs.measured == pytest.approx(np.hypot(rms(f, Y), rms(g, Y)))
    assert pairs.bound == pytest.approx(rms(f, Y) + rms(g, Y))
    assert (equal.measured, equal.bound, equal.uses) == (0, 0, ())
    with pytest.raises(DiagramError, match="`x >> f >> h = y` does not follow from the goals and laws"):
        c.examine(DATA, ["x >> f >> h = y"])


def test_nothing_is_bounded_where_nothing_honest_can_be_said(backend):
    text = """
    object S, X[4], Y[3]
    object C[3] int
    data x : S -> X
    data z : S -> X
    data c : S -> Y
    data d : T0 -> X
    model f : X -> Y = linear(4, 3)
    goal a : x >> f = c by cross_entropy
    goal b : z >> f = c by cross_entropy
    measure m : x >> f = z >> f by mse
    """.replace("object S,", "object S, T0,")
    c = ld.loads(text).compile(backend, dtype="float64")
    classes = {"x": X, "z": X[::-1].copy(), "c": RNG.integers(3, size=30)}
    found = c.examine(classes, ["(d & d) >> proj(X * X, 0) >> f = d >> f", "f = f"]).bounds
    # The proof goes through class numbers.
    reasons = {one.name: one.reason for one in found}
    assert reasons["m"] == "whole numbers have no distance"
    assert (
        reasons["d >> f = d >> f" if "d >> f = d >> f" in reasons else list(reasons)[1]]
        == "the data hold no rows of T0"
    )
    assert reasons["f = f"].startswith("it starts at X, where no rows are")
    assert "none: whole numbers have no distance" in str(c.examine(classes))


def test_a_map_that_jumps_has_no_constant():
    c = compiled("torch", "measure m : x >> f >> jump = x >> g >> jump by mse\n".replace("jump", "h"))
    d = c.diagram
    jump = d.compile("torch", {"h": lambda v: (v > 0).to(v) * 1e6, "both": lambda u, v: u}, dtype="float64")
    numbers = c.parameters()
    close = {k: v.clone() for k, v in numbers["f"].items()}
    jump.load_parameters({"f": numbers["f"], "g": close})
    w, b = (np.asarray(numbers["f"][k]) for k in ("weight", "bias"))
    # y differs from f by less than rounding, on the other side of the jump.
    x = np.zeros((4, 4))
    jump.load_parameters({"f": {"weight": w * 0, "bias": b * 0 + 1e-14}, "g": {"weight": w * 0, "bias": b * 0 - 1e-14}})
    (it,) = jump.examine({"x": x, "y": np.zeros((4, 3))}).bounds
    assert it.reason == "a map that follows jumps between values that are all but equal"


def test_laws_about_models_are_measured_where_they_are_used(backend):
    c = compiled(backend, "law w : h >> h = id(Y)\n")
    (it,) = c.examine(DATA, ["x >> f >> h >> h = y"]).bounds
    assert {use.by for use in it.uses} == {"a", "w"} and it.bound >= it.measured


def test_an_examination_prints_all_of_it(backend):
    more = "goal c : x >> f = x >> g weight 0.5\ngoal alone : x >> h0 = x >> h0 >> k by cosine\n"
    text = TEXT + "model h0 : X -> Y = linear(4, 3)\nmodel k : Y -> Y = linear(3, 3)\n" + more
    c = ld.loads(text).compile(backend, {"both": lambda u, v: u})
    printed = str(c.examine(DATA, rows=7))
    for title in ("residuals", "distances and bounds of what the goals prove", "gradients", "collapse"):
        assert f"{title}\n{'-' * len(title)}\n" in printed
    assert "constant maps meet goals: with h0 = c1, k = c1" in printed


def test_batches_from_a_loader(backend):
    c = compiled(backend, "measure m : x >> f >> h = x >> g >> h by mse\n")
    stream = [{"x": X[i : i + 10], "y": Y[i : i + 10]} for i in (0, 10, 20)]
    first = c.examine({"x": X, "y": Y}, rows=10).bounds[0]
    assert c.examine(stream).bounds[0].measured == pytest.approx(first.measured)


@st.composite
def trained(draw: st.DrawFn) -> tuple[Diagram, int]:
    d = Diagram("Random")
    S, A, B = d.object("S"), d.object("A", shape=(2,)), d.object("B", shape=(3,))
    paths = [d.data("x", S, A), d.data("y", S, B)]
    maps = [d.model(n, A, B, "mlp(2, 4, 3)") for n in "fg"]
    maps += [d.model("h", B, A, "linear(3, 2)"), d.model("k", B, B, "mlp(3, 3)")]
    for _ in range(2):
        paths += [p >> m for p in paths for m in maps if m.dom is p.cod]
    paths = list(dict.fromkeys(paths))
    for i in range(draw(st.integers(2, 5))):
        left = draw(st.sampled_from(paths[:8]))
        right = draw(st.sampled_from([p for p in paths if p.cod is left.cod]))
        d.goal(f"goal{i}", left, right)
    return d, draw(st.integers(0, 5))


@settings(max_examples=15)
@given(trained())
def test_no_distance_is_above_its_bound(it):
    d, seed = it
    data = {"x": RNG.standard_normal((9, 2)), "y": RNG.standard_normal((9, 3))}
    c = d.compile("torch", seed=seed, dtype="float64")
    for found in c.examine(data).bounds:
        assert found.reason or found.measured <= found.bound * (1 + 1e-9) + 1e-12


def test_a_proof_that_comes_back_costs_nothing_for_the_way():
    c = compiled("torch")
    made = premises(c.diagram)
    f, g, y = (translated(c.diagram.parse(side), made) for side in ("x >> f", "x >> g", "y"))
    there = (identity(made.sorts["S"]),)
    steps = [
        Step("a", True, f, y, (0,), there),
        Step("b", False, y, g, (0,), there),
        Step("b", True, g, y, (0,), there),
        Step("b", False, y, g, (0,), there),
    ]
    proof = Proof(made, f, g, steps)
    proof.check()
    it = bound(c.maps, c.diagram, c.draw(DATA), Proved(f, g, proof))
    assert [use.by for use in it.uses] == ["a", "b"]
    around = Proof(made, f, f, [steps[0], Step("a", False, y, f, (0,), there)])
    around.check()
    assert bound(c.maps, c.diagram, c.draw(DATA), Proved(f, f, around)).bound == 0


def test_bound_alone_takes_a_proof():
    c = compiled("torch")
    proved = c.diagram.prove("x >> f", "x >> g")
    it = bound(c.maps, c.diagram, c.draw(DATA), proved)
    assert it.name == "x >> f = x >> g" and it.measured <= it.bound
