"""Goals that follow from others are left out only where the zero set stays, with proofs from what is kept."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import learningdiagrams as ld
from learningdiagrams.diagram import Diagram
from learningdiagrams.errors import DiagramError
from learningdiagrams.pruning import prune

CHAIN = """
diagram Chain
object S, X[4], Y[3]
data x : S -> X
data y : S -> Y
model f : X -> Y = mlp(4, 8, 3)
model g : X -> Y = mlp(4, 8, 3)
model h : Y -> Y = linear(3, 3)
frozen t : X -> Y = linear(4, 3)
model e : X -> Y = ema(f, decay=0.9)
goal a : x >> f = y
goal b : x >> g = y weight 2
"""
RNG = np.random.default_rng(0)
DATA = {"x": RNG.standard_normal((8, 4)), "y": RNG.standard_normal((8, 3))}


def number(c, value) -> float:
    return float(c.maps.numpy(value))


def test_the_loss_is_that_of_the_goals_that_are_kept_and_everything_is_measured(backend):
    d = ld.loads(CHAIN + "goal c : x >> f >> h = x >> g >> h\ngoal k : x >> f = x >> g by cosine")
    whole, c = d.compile(backend, dtype="float64"), d.compile(backend, dtype="float64", prune="derivable")
    assert c.pruning is not None and whole.pruning is None
    assert c.pruning.kept == ("a", "b", "k") and c.pruning.premises("c") == ("a", "b")
    all_terms = {name: number(whole, v) for name, v in whole.loss(DATA).terms.items()}
    out = c.loss(DATA)
    assert {name: number(c, v) for name, v in out.terms.items()} == pytest.approx(
        {name: v for name, v in all_terms.items() if name != "c"}
    )
    assert number(c, out.total) == pytest.approx(all_terms["a"] + 2 * all_terms["b"] + all_terms["k"])
    assert c.evaluate(DATA) == pytest.approx(all_terms) and c.residuals(DATA)["c"] == pytest.approx(all_terms["c"])
    assert "c: left out, follows from a, b" in str(c.plan)
    history = c.fit(DATA, steps=2, batch_size=8)
    assert "c" not in history.columns and "a" in history.columns
    table = c.pruning.table(all_terms)
    total = sum((2 if name == "b" else 1) * value for name, value in all_terms.items())
    assert f"total: {total:.4g} with all goals, {number(whole, out.total):.4g} with those that are kept" in table
    if backend == "jax":
        single = d.compile(backend, prune="derivable")
        params, fn = single.pure()
        assert set(fn(params, single.draw(DATA), 0)[1]) == {"a", "b", "k"}


def test_where_the_kept_goals_are_met_so_are_the_dropped(backend):
    d = ld.loads(CHAIN + "goal c : x >> f >> h = x >> g >> h\ngoal d : x >> g = x >> f")
    w = RNG.standard_normal((3, 4))
    c = d.compile(
        backend, {"f": ld.layers.linear(4, 3), "g": ld.layers.linear(4, 3)}, dtype="float64", prune="derivable"
    )
    weights = {"weight": w, "bias": np.zeros(3)}
    c.load_parameters({"f": weights, "g": weights})
    data = {"x": DATA["x"], "y": DATA["x"] @ w.T}
    assert set(c.pruning.dropped) == {"c", "d"}
    assert max(c.evaluate(data).values()) < 1e-20 and number(c, c.loss(data).total) < 1e-20


@pytest.mark.parametrize(
    ("declared", "why"),
    [
        ("goal c : x >> f = x >> g by cosine", "cosine does not separate its sides"),
        ("goal c : x >> f = x >> g by cross_entropy", "cross_entropy does not separate its sides"),
        ("goal c : x >> f = x >> g weight linear(0, 1, steps=3)", "its weight changes with the steps"),
        ("goal c : x >> f = x >> g weight 0", "its weight is not above 0"),
        ("goal c : x >> f = x >> g weight -1", "its weight is not above 0"),
        ("goal c : x >> f = x >> g train f", "it moves those models only that it names"),
        ("goal c : x >> f = stop(x >> g)", "gradients are stopped in it"),
        ("goal c : x >> f = x >> e", "it mentions an average, which no gradient reaches"),
        ("goal c : x >> t = y", "it mentions no model, so that nothing makes it true"),
    ],
)
def test_what_takes_no_part_is_neither_dropped_nor_a_premise(declared, why):
    found = prune(ld.loads(CHAIN + declared))
    assert found.apart == {"c": why} and found.dropped == {}
    assert f"kept: {why}" in str(found)
    # `a` would follow from `b` and `c`.
    assert found.kept == ("a", "b", "c")


def test_players_take_no_part():
    game = """
    object S, Z, X, P
    data x : S -> X
    noise z : S -> Z = normal()
    model gen : Z -> X
    model judge : X -> P
    fixed one : 1 -> P
    fixed zero : 1 -> P
    goal real : x >> judge = drop(S) >> one train judge
    goal fake : z >> gen >> judge = drop(S) >> zero train judge
    goal fool : z >> gen >> judge = drop(S) >> one train gen
    """
    found = prune(ld.loads(game))
    assert found.dropped == {} and found.apart["fool"] == "it plays a game"


@pytest.mark.parametrize(
    ("stages", "dropped"),
    [
        ("stage s : train f, g, h by a, b, c", {"c"}),
        ("stage s : train f, g, h by a, b", {"c"}),
        ("stage s : train f by a\nstage u : train g, h by b, c", set()),
        ("stage s : train f by a, b\nstage u : train f, g, h by a, b, c", {"c"}),
        ("stage s : train f, g, h by a, b, c\nstage u : train h by c", set()),
    ],
)
def test_a_goal_follows_only_from_goals_of_all_its_stages(stages, dropped):
    d = ld.loads(CHAIN + "goal c : x >> f >> h = x >> g >> h\n" + stages)
    assert set(prune(d).dropped) == dropped


def test_laws_help_where_they_mention_no_trained_map():
    text = """
    object S, X, Y
    data x : S -> X
    data y : S -> Y
    model f : X -> Y
    model m : X -> X
    fixed turn : X -> X
    law twice : turn >> turn = id(X)
    goal a : x >> f = y
    goal b : x >> turn >> turn >> f = y
    goal c : x >> m >> f = y
    """
    found = prune(ld.loads(text))
    assert found.dropped == {"b": "follows from a, twice"} or found.dropped == {"b": "follows from twice, a"}
    # Writing that `m` changes nothing does not make it so.
    assert set(prune(ld.loads(text + "law wish : m = id(X)")).dropped) == {"b"}


def test_the_longest_is_left_out_and_chains_are_proved_from_what_is_kept():
    d = ld.loads(CHAIN)
    for i in range(4):
        d.model(f"m{i}", d["X"], d["Y"])
    names = ["m0", "m1", "m2", "m3"]
    for one in names:
        for two in names:
            if one < two:
                d.goal(f"{one}_{two}", d["x"] >> d[one], d["x"] >> d[two])
    found = prune(d)
    # Four models that are all equal: three equations, and the first ones stay.
    assert [name for name in found.kept if name.startswith("m")] == ["m0_m1", "m0_m2", "m0_m3"]
    for name in found.dropped:
        assert set(found.premises(name)) <= set(found.kept)
    again = found.pruned()
    assert set(again.goals) == set(found.kept) and prune(again).dropped == {}


def test_no_time_drops_nothing_and_says_so():
    found = prune(ld.loads(CHAIN + "goal c : x >> f = x >> g"), max_seconds=0)
    assert found.dropped == {} and found.undecided == ("a", "b", "c")
    assert "kept: not decided in time" in str(found)


def test_a_way_that_there_is_not():
    with pytest.raises(DiagramError, match="prune: there is no 'derivible'; did you mean `derivable`"):
        ld.loads(CHAIN).compile("torch", prune="derivible")


def test_goals_with_equal_sides_and_no_goals():
    d = ld.loads(CHAIN + "goal same : x >> f = x >> f")
    assert prune(d).dropped == {"same": "its sides are equal"}
    assert "same counted nothing that could be different" in str(prune(d))
    assert str(prune(Diagram())) == "0 of 0 terms are kept: none follows from the others"


@st.composite
def diagrams(draw: st.DrawFn) -> Diagram:
    """Data, a few models between few objects, and goals between random paths."""
    d = Diagram("Random")
    S, A, B = d.objects("S", "A", "B")
    paths = [d.data("x", S, A), d.data("y", S, B)]
    maps = [d.model("f", A, B), d.model("g", A, B), d.model("h", B, B), d.model("k", B, A), d.fixed("t", A, B)]
    paths += [p >> m for p in paths for m in maps if m.dom is p.cod]
    paths += [p >> m for p in paths for m in maps if m.dom is p.cod]
    for i in range(draw(st.integers(1, 6))):
        left = draw(st.sampled_from(paths))
        right = draw(st.sampled_from([p for p in paths if p.cod is left.cod]))
        d.goal(f"goal{i}", left, right, by=draw(st.sampled_from(["mse", "l1", "huber", "cosine"])))
    return d


@settings(max_examples=40)
@given(diagrams())
def test_what_is_kept_proves_what_is_dropped_and_nothing_less_does(d):
    found = prune(d)
    for name, proofs in found.proofs.items():
        for verdict in proofs:
            verdict.proof.check()
        assert {step.law.partition("#")[0] for v in proofs for step in v.proof.steps} <= set(found.kept) - set(
            found.apart
        )
        goal = d.goals[name]
        assert [str(v.left) for v in proofs] == [str(goal.left)] and [str(v.right) for v in proofs] == [str(goal.right)]
    assert found.undecided == () and prune(d).kept == found.kept
    assert prune(found.pruned()).dropped == {}


def test_the_symbolic_loss_has_no_such_terms():
    pytest.importorskip("sympy")
    text = "object S, X\ndata x : S -> X\ndata y : S -> X\nmodel f : X -> X\nmodel g : X -> X\n"
    d = ld.loads(text + "goal a : x >> f = y\ngoal b : x >> g = y\ngoal c : x >> f = x >> g")
    c = d.compile("sympy", {"f": ld.layers.affine(1, 1), "g": ld.layers.affine(1, 1)}, prune="derivable")
    assert c.pruning is not None
    assert c.pruning.kept == ("a", "b") and set(c.loss().terms) == {"a", "b"}


def test_with_laws_too(backend):
    text = CHAIN + "fixed turn : X -> X\nlaw twice : turn >> turn = id(X)\ngoal c : x >> turn >> turn >> g = x >> f\n"
    text += "goal d : x >> turn >> turn >> turn >> g = y\n"
    c = ld.loads(text).compile(backend, {"turn": lambda v: -v}, prune="derivable", use_laws=True)
    assert c.pruning.kept == ("a", "b", "d")
    assert "c: left out" in str(c.plan) and "d: rewritten by twice" in str(c.plan)


def test_the_command_prints_it(tmp_path):
    from typer.testing import CliRunner

    from learningdiagrams.cli import app

    file = tmp_path / "chain.diagram"
    file.write_text(CHAIN + "goal c : x >> f = x >> g\n", encoding="utf-8")
    plan = CliRunner().invoke(app, ["compile", str(file), "--prune", "derivable"])
    assert plan.exit_code == 0 and "c: left out, follows from a, b" in plan.stdout
    assert "2 of 3 terms are kept; the zero set is the same" in plan.stdout
    loss = CliRunner().invoke(app, ["compile", str(file), "--prune", "derivable", "--show", "loss"])
    assert "mse(f(x), g(x))" not in loss.stdout and "mse(f(x), y)" in loss.stdout
    assert CliRunner().invoke(app, ["compile", str(file), "--prune", "all"]).exit_code == 2
