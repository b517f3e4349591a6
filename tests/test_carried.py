"""Bounds carried along interpretations: from proofs in the whole, beside what the pulled-back part measures itself."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import learningdiagrams as ld
from learningdiagrams.errors import DiagramError

PART = """
diagram Part
object S, X, Y
data  x : S -> X
data  y : S -> Y
model f : X -> Y
goal  fit : x >> f = y
"""
WHOLE = """
diagram Whole
object S, X[4], Z[3], Y[2]
data  x : S -> X
data  z : S -> Z
data  y : S -> Y
model encode : X -> Z = mlp(4, 5, 3)
model decode : Z -> Y = linear(3, 2)
model other  : X -> Y = linear(4, 2)
goal  first  : x >> encode = z
goal  second : z >> decode = y by l1
goal  angle  : x >> other = y by cosine
"""
RNG = np.random.default_rng(0)
DATA = {"x": RNG.normal(size=(30, 4)), "z": RNG.normal(size=(30, 3)), "y": RNG.normal(size=(30, 2))}


def rms(one, other) -> float:
    return float(np.sqrt(((np.asarray(one) - np.asarray(other)) ** 2).sum(1).mean()))


def test_what_the_proof_allows_and_what_the_pulled_back_part_measures(backend):
    part, whole = ld.loads(PART), ld.loads(WHOLE)
    i = ld.interpret(part, whole, morphisms={"f": "encode >> decode"})
    c = whole.compile(backend, dtype="float64")
    c.fit(DATA, epochs=3, lr=0.05, progress=False)
    norm = float(np.linalg.norm(np.asarray(c.maps.numpy(c.parameters()["decode"]["weight"])), 2))
    found = i.bounds(c, DATA, lipschitz={"decode": norm})
    (fit,) = found
    # By hand: x encode decode is decode of something that is off z, and z decode is off y.
    encoded, decoded = c.maps.numpy(c.apply("encode", DATA["x"])), c.maps.numpy(c.apply("decode", DATA["z"]))
    assert fit.bound == pytest.approx(norm * rms(encoded, DATA["z"]) + rms(decoded, DATA["y"]))
    assert fit.given == {"decode": norm} and fit.estimated == {} and [use.by for use in fit.uses] == ["first", "second"]
    # The part itself, with its own maps and its own goal.
    pulled = i.pull(c)
    mine = {"x": DATA["x"], "y": DATA["y"]}
    assert fit.measured == pytest.approx(rms(pulled.maps.numpy(pulled.apply("f", DATA["x"])), DATA["y"]))
    assert fit.measured <= fit.bound
    assert found.residuals is not None
    assert found.residuals["fit"] == pytest.approx(pulled.residuals(mine)["fit"])
    assert found.residuals["fit"] == pytest.approx(fit.measured**2 / 2)  # a mean over both columns
    estimated = i.bounds(c, DATA)["fit"]
    assert estimated.given == {} and list(estimated.estimated or ()) == ["decode"]
    assert fit.measured <= estimated.bound <= fit.bound * (1 + 1e-9)


def test_it_prints_as_a_table_and_as_plain_values(backend):
    i = ld.interpret(ld.loads(PART), ld.loads(WHOLE), morphisms={"f": "encode >> decode"})
    found = i.bounds(i.target.compile(backend, dtype="float64"), DATA, rows=7)
    title, heading, row = str(found).splitlines()
    assert title == "Part read in Whole, on rows: 7 of S"
    assert heading.split("  ")[-1] == "from the proof" and "in Whole" in heading and "residual" in heading
    assert row.startswith("fit  x >> encode >> decode = y  ") and "‖first‖ + ‖second‖ (estimated on these rows" in row
    (plain,) = found.to_json()
    assert found.residuals is not None
    assert plain["measured"] == found["fit"].measured and plain["residual"] == found.residuals["fit"]
    assert [use["by"] for use in plain["uses"]] == ["first", "second"] and plain["reason"] is None
    assert "<pre>" in found._repr_html_() and len(found) == 1
    with pytest.raises(DiagramError, match="there is no law or goal `fitt` here; did you mean `fit`"):
        found["fitt"]
    empty = ld.Diagram("Empty")
    assert "Empty has no laws and no goals" in str(
        ld.interpret(empty, i.target).bounds(i.target.compile(backend), DATA)
    )


def test_what_a_part_of_a_gluing_asks_is_bounded_by_the_whole(backend):
    part, whole = ld.loads(WHOLE), ld.loads(WHOLE.replace("diagram Whole", "diagram Other"))
    g = ld.glue(part, whole, ["x", "z", "encode", "first"])
    c = g.diagram.compile(backend, dtype="float64")
    data = {**DATA, **{name: RNG.normal(size=(30, 2)) for name in g.diagram.roles if name == "y_2"}}
    for leg in g.legs:
        told = leg.bounds(c, data)
        assert [it.name for it in told] == list(part.goals)
        for it in told:
            assert [use.by for use in it.uses] == [leg.goals[it.name]] and it.bound == pytest.approx(it.measured)
        assert told.residuals is not None and told.residuals["first"] == pytest.approx(told["first"].measured ** 2 / 3)


def test_goals_that_separate_their_sides_are_tried_first_and_others_bound_as_well(backend):
    i = ld.interpret(ld.loads(PART), ld.loads(WHOLE), morphisms={"f": "other"})
    (fit,) = i.bounds(i.target.compile(backend, dtype="float64"), DATA)
    assert [use.by for use in fit.uses] == ["angle"] and fit.bound == pytest.approx(fit.measured)


def test_laws_are_carried_along_all_ways_by_which_data_reach_them(backend):
    part = ld.loads("""
    diagram Part
    object S, X
    data  x : S -> X
    data  w : S -> X
    model f : X -> X
    law   once : f >> f = f
    goal  back : f = id(X) on x, w
    """)
    whole = ld.loads("""
    diagram Whole
    object S, X[3]
    data  x : S -> X
    data  w : S -> X
    model g : X -> X = linear(3, 3)
    law   g >> g = g
    goal  same : g = id(X) on x, w
    """)
    i = ld.interpret(part, whole, morphisms={"f": "g"})
    data = {"x": RNG.normal(size=(9, 3)), "w": RNG.normal(size=(9, 3))}
    found = i.bounds(whole.compile(backend, dtype="float64"), data)
    assert [it.name for it in found] == ["once", "once#2", "back", "back#2"]
    assert [str(it.left) for it in found] == ["x >> g >> g", "w >> g >> g", "x >> g", "w >> g"]
    assert all(it.reason == "" and it.measured <= it.bound * (1 + 1e-9) for it in found)
    assert found.residuals is not None and set(found.residuals) == {"once", "back"}


def test_nothing_is_bounded_where_nothing_honest_can_be_said(backend):
    classes = PART.replace("= y\n", "= y by cross_entropy\n")
    whole = ld.loads(WHOLE + "goal classes : x >> other = c by cross_entropy\n".replace("= c", "= y"))
    i = ld.interpret(ld.loads(classes), whole, morphisms={"f": "other"})
    numbered = {**DATA, "y": RNG.integers(2, size=30)}
    only = ld.edit(whole, ld.editing.remove("second", "angle")).diagram
    i = ld.interpret(ld.loads(classes), only, morphisms={"f": "other"})
    found = i.bounds(only.compile(backend), numbered)
    assert found["fit"].reason == "whole numbers have no distance" and "none: whole numbers" in str(found)
    # Its own comparator measures it all the same.
    assert found.residuals is not None and found.residuals["fit"] > 0
    late = i.bounds(only.compile(backend), numbered, max_seconds=0)
    assert late["fit"].reason == "it was not decided in time whether it follows"


def test_a_game_proves_nothing():
    game = """
    diagram Game
    object S, X[2], R[1]
    data  x : S -> X
    noise z : S -> X = normal()
    data  one : S -> R
    data  zero : S -> R
    model make  : X -> X = linear(2, 2)
    model judge : X -> R = linear(2, 1)
    goal  fool  : z >> make >> judge = one  by bce train make
    goal  catch : z >> make >> judge = zero by bce train judge
    goal  real  : x >> judge = one by bce train judge
    """
    d = ld.loads(game)
    data = {"x": RNG.normal(size=(5, 2)), "one": np.ones((5, 1)), "zero": np.zeros((5, 1))}
    found = ld.interpret(d, d).bounds(d.compile("torch", dtype="float64"), data)
    assert (
        found["fool"].reason
        == found["catch"].reason
        == ("it is a move in a game, which holds for nobody in the end, so that nothing proves it")
    )
    assert found["real"].measured <= found["real"].bound


def test_what_is_no_interpretation_carries_nothing():
    part, whole = ld.loads(PART), ld.loads(WHOLE.replace("goal  second : z >> decode = y by l1\n", ""))
    c = whole.compile("torch", dtype="float64")
    with pytest.raises(DiagramError, match="is none, so that nothing is pulled back along it: goal `fit`"):
        ld.interpret(part, whole, morphisms={"f": "encode >> decode"}).bounds(c, DATA)
    with pytest.raises(DiagramError, match="is pulled back along interpretations in Whole, not along"):
        ld.interpret(part, part).bounds(c, DATA)
    i = ld.interpret(part, whole, morphisms={"f": "other"})
    with pytest.raises(DiagramError, match="lipschitz: there is no map `decod`; did you mean `decode`"):
        i.bounds(c, DATA, lipschitz={"decod": 1})
    with pytest.raises(DiagramError, match="z has no data"):
        i.bounds(c)


@st.composite
def wholes(draw: st.DrawFn) -> ld.Diagram:
    """A random whole over fixed maps; its goals are random pairs of paths."""
    d = ld.Diagram("Random")
    S, X, Y = d.object("S"), d.object("X", shape=(2,)), d.object("Y", shape=(2,))
    paths = [d.data("x", S, X), d.data("y", S, Y)]
    maps = [d.model(name, X, Y, layer) for name, layer in (("f", "linear(2, 2)"), ("g", "mlp(2, 3, 2)"))]
    maps += [d.model("h", Y, Y, "linear(2, 2)"), d.frozen("k", Y, X, 'mlp(2, 3, 2, activation="tanh")')]
    for _ in range(2):
        paths += [path >> m for path in paths for m in maps if m.dom is path.cod]
    paths = list(dict.fromkeys(paths))
    for number in range(draw(st.integers(2, 5))):
        left = draw(st.sampled_from(paths))
        right = draw(st.sampled_from([path for path in paths if path.cod is left.cod]))
        d.goal(f"goal{number}", left, right, by=draw(st.sampled_from(["mse", "l1", "huber"])))
    return d


@settings(max_examples=10)
@given(wholes(), st.integers(0, 3))
def test_no_distance_is_above_its_bound_wherever_a_part_is_found(whole, seed):
    part = ld.loads(PART)
    found = ld.interpretations(part, whole, max_length=3, max_seconds=5)
    assume(found)
    data = {"x": RNG.normal(size=(6, 2)), "y": RNG.normal(size=(6, 2))}
    c = whole.compile("torch", seed=seed, dtype="float64")
    for i in list(found)[:4]:
        for proofs in i.proofs().values():
            for proof in proofs:
                proof.check()
        told = i.bounds(c, data)
        (fit,) = told
        assert fit.reason or fit.measured <= fit.bound * (1 + 1e-9) + 1e-12
        pulled = i.pull(c)
        x, y = (c.maps.numpy(c.apply(i.morphisms[name], data)) for name in "xy")
        away = rms(pulled.maps.numpy(pulled.apply("f", x)), y)
        assert fit.reason or fit.measured == pytest.approx(away, abs=1e-9)
        assert told.residuals is not None and told.residuals["fit"] == pytest.approx(away**2 / 2, abs=1e-9)
