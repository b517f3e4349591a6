"""Sides rewritten by laws: the same values and gradients in fewer steps, by laws that may be used and no others."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import learningdiagrams as ld
from learningdiagrams.plan import Apply, Input, Plan, make_plan
from learningdiagrams.rewriting import rewrite, usable_laws

X = np.random.default_rng(0).normal(size=(6, 4)).astype("float32")
Y = np.random.default_rng(1).normal(size=(6, 4)).astype("float32")


def turning() -> ld.Diagram:
    """A quarter turn of four numbers as a fixed map, a flip, and a model."""
    d = ld.Diagram("Turning")
    d.object("S")
    d.object("X", shape=(4,))
    s, x = d["S"], d["X"]
    d.data("x", s, x)
    d.data("y", s, x)
    d.fixed("turn", x, x)
    d.fixed("flip", x, x)
    d.model("f", x, x, ld.layers.linear(4, 4))
    d.law("turn >> turn >> turn >> turn", "id(X)", name="order")
    d.law("flip >> flip", "id(X)", name="twice")
    d.law("flip >> turn >> flip", "turn >> turn >> turn", name="dihedral")
    return d


def maps(backend: str) -> dict:
    if backend == "torch":
        import torch

        return {"turn": lambda a: torch.roll(a, 1, -1), "flip": lambda a: torch.flip(a, (-1,))}
    import jax.numpy as jnp

    return {"turn": lambda a: jnp.roll(a, 1, -1), "flip": lambda a: jnp.flip(a, -1)}


def planned(d: ld.Diagram) -> Plan:
    return make_plan(d, d.goals.values(), rewriting=rewrite(d))


def calls(plan: Plan) -> list[str]:
    return [step.generator for step in plan.steps if isinstance(step, Apply)]


def test_a_side_is_replaced_by_an_equal_one_with_fewer_steps_and_the_plan_says_so():
    d = turning()
    d.goal("fit", "x >> flip >> turn >> flip >> turn >> f", "y")
    plan = planned(d)
    assert calls(plan) == ["f"]
    assert str(plan).splitlines()[-1] == "fit: rewritten by dihedral, order"
    assert calls(make_plan(d, d.goals.values())) == ["flip", "turn", "flip", "turn", "f"]


def test_every_replacement_has_a_proof_that_checks():
    d = turning()
    d.goal("fit", "x >> turn >> turn >> turn >> turn >> turn >> f >> flip >> flip", "y")
    found = rewrite(d)
    assert len(found.sides) == 1
    for proofs in found.proofs.values():
        for verdict in proofs:
            verdict.proof.check()


@pytest.mark.parametrize("role", ["model", "ema"])
def test_a_law_about_a_trained_map_or_what_follows_one_is_a_wish(role):
    d = turning()
    d.ema("g", of="f")
    name = "f" if role == "model" else "g"
    d.law(f"{name} >> {name}", "id(X)", name="wish")
    d.goal("fit", f"x >> {name} >> {name} >> f", "y")
    assert usable_laws(d) == ("order", "twice", "dihedral")
    assert calls(planned(d)) == calls(make_plan(d, d.goals.values()))


def test_laws_about_frozen_maps_and_data_are_used():
    d = turning()
    d.frozen("t", d["X"], d["X"], ld.layers.linear(4, 4))
    d.law("x >> turn", "x", name="symmetric")
    d.law("turn >> t", "t", name="invariant")
    d.goal("fit", "x >> turn >> f", "y >> turn >> turn >> t")
    assert calls(planned(d)) == ["f", "t"]


def test_nothing_is_rewritten_across_stop():
    d = turning()
    d.goal("fit", "stop(x >> flip) >> flip >> f", "y")
    assert calls(planned(d)) == ["flip", "flip", "f"]


def test_what_is_before_and_after_stop_is_rewritten_each_for_itself():
    d = turning()
    d.goal("fit", "stop(stop(x >> f >> flip >> flip) >> turn >> flip >> flip) >> turn >> flip >> flip", "y")
    plan = planned(d)
    assert calls(plan) == ["f", "turn", "turn"]
    assert plan.rewritten == {"fit": ("twice",)}


def test_a_side_with_an_equal_of_the_same_size_stays_unless_another_goal_computes_it():
    d = turning()
    d.law("turn >> turn", "flip >> flip >> turn >> turn", name="nothing")
    d.goal("alone", "x >> flip >> turn >> f", "y")
    assert not planned(d).rewritten
    d.goal("other", "x >> turn >> turn >> turn >> flip >> f", "y")
    plan = planned(d)
    assert calls(plan).count("f") == 1, "flip >> turn = turn >> turn >> turn >> flip is computed once"


def test_goals_are_rewritten_along_each_morphism_that_they_are_sampled_on():
    d = turning()
    d.law("x >> turn", "y", name="paired")
    d.goal("fit", "flip >> flip >> f", "turn", on=["x", "y"])
    assert calls(planned(d)) == ["f", "f", "turn"]  # x >> turn is y


def test_a_goal_whose_sides_the_laws_make_equal_is_left_out_where_its_comparator_vanishes():
    d = turning()
    d.goal("trivial", "x >> f >> flip >> flip", "x >> f")
    d.goal("kept", "x >> f >> flip >> flip", "x >> f", by="cross_entropy")
    plan = planned(d)
    assert list(plan.dropped) == ["trivial"] and [c.name for c in plan.compares] == ["kept"]


def test_laws_between_products_share_calls():
    d = turning()
    d.fixed("add", d["X"] * d["X"], d["X"])
    d.law("(proj(X * X, 1) & proj(X * X, 0)) >> add", "add", name="commutative")
    d.goal("one", "(x & y) >> add >> f", "y")
    d.goal("two", "(y & x) >> add >> f", "x")
    plan = planned(d)
    assert calls(plan) == ["add", "f"]


def test_without_usable_laws_nothing_is_done():
    d = ld.Diagram("none")
    s, x = d.objects("S", "X")
    d.data("x", s, x), d.model("f", x, x)
    d.law("f >> f", "f")
    d.goal("g", "x >> f", "x")
    assert rewrite(d).sides == {}


@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_values_gradients_and_training_are_those_of_what_is_written(backend):
    d = turning()
    d.goal("fit", "x >> flip >> turn >> flip >> turn >> f", "y >> turn >> turn >> turn >> turn")
    d.goal("game", "x >> f >> flip >> flip", "stop(y >> flip >> flip) >> turn", weight=0.5)
    batch = {"x": X, "y": Y}
    plain = d.compile(backend=backend, maps=maps(backend))
    shorter = d.compile(backend=backend, maps=maps(backend), use_laws=True)
    assert len(shorter.plan.steps) < len(plain.plan.steps)
    one, other = plain.value_and_grad(batch), shorter.value_and_grad(batch)
    np.testing.assert_allclose(float(one[0]), float(other[0]), rtol=1e-6)
    for name, gradient in one[1]["f"].items():
        np.testing.assert_allclose(np.asarray(gradient), np.asarray(other[1]["f"][name]), rtol=1e-5, atol=1e-6)
    rows = [c.fit(batch, epochs=3, batch_size=2)["fit"] for c in (plain, shorter)]
    np.testing.assert_allclose(rows[0], rows[1], rtol=1e-5)
    np.testing.assert_allclose(plain.evaluate(batch)["fit"], shorter.evaluate(batch)["fit"], rtol=1e-5)
    assert shorter.residuals(batch)["order"] == 0.0, "residuals measure the laws as they are written"


words = st.lists(st.sampled_from(["turn", "flip", "f", "stop"]), max_size=7)


@given(st.lists(st.tuples(words, words), min_size=1, max_size=4))
def test_any_goals_have_the_values_of_what_is_written_with_no_more_calls(pairs):
    d = turning()
    for i, sides in enumerate(pairs):
        left, right = ("x", "y")
        for word in sides[0]:
            left = f"stop({left})" if word == "stop" else f"{left} >> {word}"
        for word in sides[1]:
            right = f"stop({right})" if word == "stop" else f"{right} >> {word}"
        d.goal(f"g{i}", left, right)
    written, rewritten = make_plan(d, d.goals.values(), keep_equal=True), rewrite(d)
    plan = make_plan(d, d.goals.values(), keep_equal=True, moves=(), rewriting=rewritten)
    assert len(calls(plan)) <= len(calls(make_plan(d, d.goals.values(), keep_equal=True, moves=())))
    np.testing.assert_allclose(values(plan), values(written), rtol=1e-4, atol=1e-5)


def values(plan: Plan) -> list[float]:
    """The mean squared error of each goal, with NumPy."""
    weight = np.random.default_rng(2).normal(size=(4, 4)) / 2
    does = {"turn": lambda a: np.roll(a, 1, -1), "flip": lambda a: np.flip(a, -1), "f": lambda a: a @ weight}
    table: dict[int, np.ndarray] = {}
    for step in plan.steps:
        if isinstance(step, Apply):
            table[step.outs[0]] = does[step.generator](table[step.arguments[0]])
        elif isinstance(step, Input):
            table[step.outs[0]] = {"x": X, "y": Y}[step.generator]
        else:
            table[step.outs[0]] = table[step.value]
    return [float(np.mean((table[left[0]] - table[right[0]]) ** 2)) for c in plan.compares for left, right in c.pairs]
