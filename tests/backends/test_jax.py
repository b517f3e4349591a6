"""Plans on JAX: values and gradient fields, numbers in and out, precision, the pure function."""

import re
from typing import Any

import numpy as np
import pytest

pytest.importorskip("jax")
pytest.importorskip("optax")

import jax
import jax.numpy as jnp

from learningdiagrams import losses, schedules
from learningdiagrams.backends.base import Optimisation
from learningdiagrams.backends.jax import JaxBackend
from learningdiagrams.diagram import Diagram, stop
from learningdiagrams.errors import DiagramError
from learningdiagrams.layers import dropout, linear, mlp, sequential
from learningdiagrams.plan import make_plan, plan_morphism

DRAW = np.random.default_rng(1)


def compiled(d, dtype="float64", seed=0, device=None, **realised):
    return JaxBackend().maps(d, realised, seed=seed, dtype=dtype, device=device)


def program(maps, moves=None):
    equations = [*maps.diagram.goals.values(), *maps.diagram.measures.values()]
    return maps.program(make_plan(maps.diagram, equations, moves=moves))


def weights(d) -> dict[str, Any]:
    return {name: goal.weight for name, goal in d.goals.items()}


def distillation(**options):
    d = Diagram("Distillation")
    S, X, Y = d.objects("Sample", "Image", "Logits")
    pixels, label = d.data("pixels", S, X), d.data("label", S, Y)
    teacher, student = d.frozen("teacher", X, Y), d.model("student", X, Y)
    d.goal("hard", pixels >> student, label, by="cross_entropy")
    d.goal("soft", pixels >> student, pixels >> teacher, by="kl(temperature=4)", weight=0.7)
    d.measure("accuracy", pixels >> student, label, by="accuracy")
    maps = compiled(d, teacher=mlp(6, 8, 4), student=mlp(6, 5, 4), **options)
    return maps, {"pixels": DRAW.normal(size=(9, 6)), "label": DRAW.integers(0, 4, 9)}


def elementwise(**roles):
    """Maps on one object X, each (w, x) ↦ w · x, and data x."""
    d = Diagram("Elementwise")
    S, X = d.objects("S", "X")
    d.data("x", S, X)
    for name, role in roles.items():
        getattr(d, role)(name, X, X)
    return d


def times(w):
    return (jnp.asarray(w), lambda p, x: p * x)


# Values and gradients ---------------------------------------------------------------------------------------


def test_the_total_weighs_the_terms_and_measures_are_no_part_of_it():
    maps, batch = distillation()
    out = program(maps)(batch, weights(maps.diagram))
    assert list(out.terms) == ["hard", "soft", "accuracy"]
    terms = {name: float(term) for name, term in out.terms.items()}
    assert float(out.total) == pytest.approx(terms["hard"] + 0.7 * terms["soft"], rel=1e-12)
    assert out.total.shape == out.terms["soft"].shape == () and out.total.dtype == np.float64
    only = program(maps)(batch, {"soft": 2.0, "another_plan_s": 1.0})
    assert float(only.total) == pytest.approx(2 * terms["soft"], rel=1e-12)
    assert float(program(maps)(batch, {}).total) == 0


def test_the_gradient_agrees_with_differences():
    maps, batch = distillation()
    made, given = program(maps), weights(maps.diagram)
    evaluated, field = made.value_and_grad(batch, given)
    assert set(field) == {"student"} and list(field["student"]) == list(maps.parameters()["student"])
    start = {name: np.asarray(value) for name, value in maps.parameters()["student"].items()}
    for name, value in start.items():
        direction = DRAW.normal(size=value.shape)
        ends = []
        for sign in (1, -1):
            maps.load_parameters({"student": {name: value + sign * 1e-6 * direction}})
            ends.append(float(made(batch, given).total))
        maps.load_parameters({"student": {name: value}})
        slope = (np.asarray(field["student"][name]) * direction).sum()
        assert (ends[0] - ends[1]) / 2e-6 == pytest.approx(slope, rel=1e-6)
    assert float(made(batch, given).total) == float(evaluated.total)


def test_gradients_pass_through_frozen_maps_and_stop_at_stop():
    d = elementwise(f="model", k="frozen")
    d.goal("through", "x >> f >> k", "x")
    d.goal("stopped", stop(d.parse("x >> f")), "x")
    maps = compiled(d, f=times([0.5]), k=times([3.0]))
    x = DRAW.normal(size=(5, 1))
    evaluated, field = program(maps).value_and_grad({"x": x}, {"through": 1.0, "stopped": 1.0})
    assert float(evaluated.terms["stopped"]) == pytest.approx((0.25 * x**2).mean())
    assert float(field["f"]["value"][0]) == pytest.approx((2 * (1.5 - 1) * 3 * x**2).mean())
    assert set(field) == {"f"}


def test_repeats_of_a_map_share_its_parameters():
    """The gradient at e >> e is the sum of those at the untied copies."""
    d = elementwise(e="model")
    d.goal("twice", "x >> e >> e", "x")
    tied = compiled(d, e=times([0.5]))
    u = elementwise(a="model", b="model")
    u.goal("twice", "x >> a >> b", "x")
    untied = compiled(u, a=times([0.5]), b=times([0.5]))
    x = {"x": DRAW.normal(size=(5, 1))}
    one, both = (program(maps).value_and_grad(x, {"twice": 1.0})[1] for maps in (tied, untied))
    sides = [float(side["value"][0]) for side in both.values()]
    assert float(one["e"]["value"][0]) == pytest.approx(sum(sides), rel=1e-12)


def test_a_game_is_a_field_in_which_each_goal_moves_its_own():
    def game(train):
        d = elementwise(gen="model", judge="model")
        d.goal("fake", "x >> gen >> judge", "x", train=["judge"] if train else None)
        d.goal("fool", "x >> gen >> judge", "x >> gen", train=["gen"] if train else None, weight=0.5)
        return compiled(d, gen=times([2.0, -1.0]), judge=times([0.3, 0.7]))

    batch, played = {"x": DRAW.normal(size=(5, 2))}, game(True)
    evaluated, field = program(played).value_and_grad(batch, {"fake": 1.0, "fool": 0.5})
    alone = game(False)
    fake = program(alone).value_and_grad(batch, {"fake": 1.0})[1]
    fool = program(alone).value_and_grad(batch, {"fool": 0.5})[1]
    np.testing.assert_allclose(field["judge"]["value"], fake["judge"]["value"], rtol=1e-12)
    np.testing.assert_allclose(field["gen"]["value"], fool["gen"]["value"], rtol=1e-12)
    total = float(program(alone)(batch, {"fake": 1.0, "fool": 0.5}).total)
    assert float(evaluated.total) == pytest.approx(total, rel=1e-12)


def test_a_trained_map_that_no_goal_reaches_has_zeros():
    d = elementwise(f="model", idle="model")
    d.goal("fit", "x >> f", "x")
    maps = compiled(d, f=times([0.5]), idle=times([1.0, 2.0]))
    batch = {"x": DRAW.normal(size=(5, 1))}
    _, field = program(maps).value_and_grad(batch, {"fit": 1.0})
    assert np.asarray(field["idle"]["value"]).tolist() == [0.0, 0.0]
    assert float(field["f"]["value"][0]) != 0
    nothing = maps.program(make_plan(d, []))
    evaluated, field = nothing.value_and_grad({}, {})
    assert float(evaluated.total) == 0 and not np.asarray(field["f"]["value"]).any()


def test_maps_out_of_1_several_inputs_and_tuples():
    d = Diagram()
    S, X, Y = d.objects("S", "X", "Y")
    d.data("both", S, X * Y), d.model("c", d.unit, X), d.model("swap", X * Y, Y * X)
    d.goal("tuple", "both >> swap", "both >> (proj(X * Y, 1) & proj(X * Y, 0))", by="l1")
    d.goal("constant", "both >> proj(X * Y, 0)", "drop(S) >> c")
    d.goal("prior", "c", "c", by="cross_entropy")
    maps = compiled(d, c=(jnp.array([1.0, 2.0]), lambda p: p), swap=(jnp.array(3.0), lambda p, x, y: (p * y, x)))
    x, y = DRAW.normal(size=(4, 2)), DRAW.normal(size=(4, 3))
    evaluated, field = program(maps).value_and_grad({"both": (x, y)}, weights(d))
    terms = {name: float(term) for name, term in evaluated.terms.items()}
    assert terms["tuple"] == pytest.approx(np.abs(2 * y).mean() / 2), "the mean over the factors"
    assert terms["constant"] == pytest.approx(((x - [1, 2]) ** 2).mean())
    logs = np.array([1.0, 2.0]) - np.log(np.exp([1.0, 2.0]).sum())
    assert terms["prior"] == pytest.approx(-([1.0, 2.0] * logs).sum())
    assert field["c"]["value"].shape == (2,) and float(field["swap"]["value"]) == pytest.approx(np.abs(y).mean() / 2)
    out = maps.program(plan_morphism(d, d.parse("swap"))).outputs({"0": x, "1": y})
    np.testing.assert_allclose(out[0], 3 * y), np.testing.assert_allclose(out[1], x)
    (alone,) = maps.program(plan_morphism(d, d.parse("c"))).outputs({})
    assert alone.shape == (1, 2)


def test_a_map_that_returns_something_else_is_named():
    d = elementwise(f="model")
    d.goal("fit", "x >> f", "x")
    batch = {"x": np.ones((2, 1))}
    with pytest.raises(DiagramError, match="`f` : X -> X is to return one array, and it returned `None`"):
        program(compiled(d, f=lambda x: None))(batch, {"fit": 1.0})
    told = r"^goal `fit`, at x >> f: `f`: it refuses \[2\] of float64: Incompatible shapes"
    with pytest.raises(DiagramError, match=told):
        program(compiled(d, f=lambda x: x + jnp.ones(3)))({"x": np.ones((2, 2))}, {"fit": 1.0})
    with pytest.raises(DiagramError, match=re.escape("`f` has no realisation; compile with maps={'f': …}")):
        program(compiled(d))
    with pytest.raises(DiagramError, match="the batch lacks `x`"):
        program(compiled(d, f=lambda x: x))({}, {"fit": 1.0})


def test_a_function_is_a_comparator():
    d = elementwise(f="model")
    d.goal("fit", "x >> f", "x", by=lambda left, right: jnp.abs(left - right).max())
    maps = compiled(d, f=times([0.5]))
    x = DRAW.normal(size=(5, 1))
    evaluated, field = program(maps).value_and_grad({"x": x}, {"fit": 1.0})
    assert float(evaluated.total) == pytest.approx(np.abs(0.5 * x).max())
    assert float(field["f"]["value"][0]) == pytest.approx(-np.abs(x).max())


def test_shapes_that_differ_name_the_goal_and_both_paths():
    maps, batch = distillation()
    batch["label"] = np.zeros((9, 3))
    with pytest.raises(DiagramError, match=r"goal `hard` \(pixels >> student = label\): the sides' shapes differ"):
        program(maps)(batch, weights(maps.diagram))


def test_one_morphism_has_one_draw_of_dropout_whatever_gradients_it_carries():
    d = Diagram()
    S, X = d.objects("S", "X")
    x, noisy, other = d.data("x", S, X), d.model("noisy", X, X), d.model("other", X, X)
    d.goal("moved", x >> noisy >> other, x, train=["other"])
    d.goal("both", x >> noisy >> other, x, train=["noisy"])
    net = sequential(dropout(0.5), linear(8, 8))
    maps = compiled(d, noisy=net, other=net)
    plan = make_plan(d, d.goals.values())
    assert [getattr(step, "generator", None) for step in plan.steps].count("other") == 2
    out = program(maps)({"x": DRAW.normal(size=(6, 8))}, weights(d), 3, training=True)
    assert float(out.terms["moved"]) == float(out.terms["both"])
    # And different morphisms draw differently, also where they are the same map.
    twice = Diagram()
    S, X = twice.objects("S", "X")
    twice.data("x", S, X), twice.data("same", S, X), twice.model("noisy", X, X)
    twice.goal("equal", "x >> noisy", "same >> noisy")
    maps, value = compiled(twice, noisy=net), DRAW.normal(size=(6, 8))
    batch = {"x": value, "same": value}
    assert float(program(maps)(batch, {"equal": 1.0}, 0, training=True).total) > 0
    assert float(program(maps)(batch, {"equal": 1.0}, 0, training=False).total) == 0


# Numbers ----------------------------------------------------------------------------------------------------


def test_snapshots_are_copies_that_training_does_not_touch():
    maps, batch = distillation(dtype="float32")
    before = maps.parameters()
    kept = {name: np.array(value) for name, value in before["student"].items()}
    made = program(maps)
    trainer = made.trainer(Optimisation("sgd", lr=1.0), ["student"])
    for step in range(3):
        trainer.step(made, batch, weights(maps.diagram), step, 1.0)
    for name, value in kept.items():
        np.testing.assert_array_equal(before["student"][name], value)
        assert np.abs(np.asarray(maps.parameters()["student"][name]) - value).max() > 0
    maps.load_parameters(before)
    given = before["student"]["0.weight"]
    trainer.step(made, batch, weights(maps.diagram), 3, 1.0)
    np.testing.assert_array_equal(given, kept["0.weight"]), "what was loaded is the owner's still"


def test_wrong_numbers_are_named_and_nothing_is_loaded():
    maps, batch = distillation()
    before = float(program(maps)(batch, weights(maps.diagram)).total)
    wrong = {"student": {"0.bias": np.ones(5), "0.wieght": np.ones(1)}, "tutor": {}}
    with pytest.raises(DiagramError) as caught:
        maps.load_parameters(wrong)
    assert str(caught.value).splitlines() == [
        "`student` has no parameter `0.wieght`; did you mean `0.weight`?",
        "there is no map `tutor`",
    ]
    with pytest.raises(DiagramError, match=r"`student`: the parameter 0.bias has the shape \(5,\), and .* \(4,\)"):
        maps.load_parameters({"student": {"0.bias": np.ones(4)}})
    with pytest.raises(DiagramError, match="`student` has no buffer `mean`"):
        maps.load_buffers({"student": {"mean": np.ones(1)}})
    assert float(program(maps)(batch, weights(maps.diagram)).total) == before


def test_arrays_of_the_caller_may_change_once_a_loss_is_asked_for():
    d = elementwise(f="fixed")
    d.goal("far", "x >> f", "x")
    maps = compiled(d, "float32", f=lambda x: x @ x @ x)
    x = DRAW.normal(size=(600, 600)).astype("float32")
    made = program(maps)
    wanted = float(made({"x": x.copy()}, {"far": 1.0}).total)
    out = made({"x": x}, {"far": 1.0})
    x[:] = 0
    assert float(out.total) == wanted


def test_values_come_and_go_as_numpy():
    d = elementwise()
    maps = compiled(d, "float32")
    both = maps.array((np.ones(2), [1, 2]))
    assert isinstance(both[0], jax.Array) and both[0].dtype == np.float32 and both[1].dtype == np.int32
    back = maps.numpy(both)
    assert isinstance(back, tuple) and all(isinstance(value, np.ndarray) for value in back)
    assert maps.array(True).dtype == bool and maps.array(np.array([3], np.uint8)).dtype == np.uint8
    assert compiled(d, "float64").array(np.array([1], np.float32)).dtype == np.float64
    with pytest.raises(DiagramError, match="an array of <U1 holds no numbers that a map reads"):
        maps.array(np.array(["a"]))


def test_averages_follow():
    d = elementwise(f="model")
    d.ema("e", of="f", decay=0.9)
    d.goal("apart", "x >> f", "x >> e")
    maps = compiled(d, f=times([1.0, 2.0]))
    np.testing.assert_array_equal(maps.parameters()["e"]["value"], [1.0, 2.0])
    maps.load_parameters({"f": {"value": np.zeros(2)}})
    maps.follow(), maps.follow()
    np.testing.assert_allclose(maps.parameters()["e"]["value"], [0.81, 1.62], rtol=1e-12)
    _, field = program(maps).value_and_grad({"x": np.ones((3, 2))}, {"apart": 1.0})
    assert set(field) == {"f"} and np.asarray(field["f"]["value"]).all()
    compiled(elementwise()).follow()  # without averages nothing happens


# Precision --------------------------------------------------------------------------------------------------


def test_float64_leaves_the_process_as_it_was():
    assert jnp.ones(1).dtype == np.float32
    maps, batch = distillation(dtype="float64")
    evaluated, field = program(maps).value_and_grad(batch, weights(maps.diagram))
    assert evaluated.total.dtype == field["student"]["0.weight"].dtype == np.float64
    assert maps.parameters()["teacher"]["0.weight"].dtype == np.float64
    assert jnp.ones(1).dtype == np.float32 and jnp.result_type(float) == np.float32


def test_float32_is_float32_also_where_the_process_has_64_bits():
    maps, batch = distillation(dtype="float32")
    wanted = float(program(maps)(batch, weights(maps.diagram)).total)
    with jax.enable_x64(True):
        maps = compiled(maps.diagram, "float32", teacher=mlp(6, 8, 4), student=mlp(6, 5, 4))
        out = program(maps)(batch, weights(maps.diagram))
    assert out.total.dtype == np.float32 and float(out.total) == wanted


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", ["int64", "int32", "uint8", "int16", "uint64"])
def test_class_numbers_of_any_kind(dtype, kind):
    maps, batch = distillation(dtype=dtype)
    wanted = program(maps)(batch, weights(maps.diagram))
    batch["label"] = batch["label"].astype(kind)
    out = program(maps)(batch, weights(maps.diagram))
    assert float(out.total) == float(wanted.total)


@pytest.mark.parametrize("wrong", [4, -1, 2**32, 2**32 + 1, -(2**40)])
def test_a_class_that_there_is_not_is_nan(wrong):
    maps, batch = distillation(dtype="float32")
    batch["label"][3] = wrong
    out = program(maps)(batch, weights(maps.diagram))
    assert np.isnan(float(out.terms["hard"])) and np.isnan(float(out.terms["accuracy"]))
    assert np.isfinite(float(out.terms["soft"]))


def test_devices():
    maps, batch = distillation(device="cpu")
    assert maps.parameters()["student"]["0.weight"].devices() == {jax.devices("cpu")[0]}
    assert program(maps)(batch, weights(maps.diagram)).total.devices() == {jax.devices("cpu")[0]}
    for name in ("gpuu", "cpu:7", "cpu:x"):
        with pytest.raises(DiagramError, match=f"there is no device '{name}' on jax: "):
            distillation(device=name)


# The pure function ------------------------------------------------------------------------------------------


def test_pure_is_the_loss_as_a_function():
    maps, batch = distillation(dtype="float32")
    plan = make_plan(maps.diagram, maps.diagram.goals.values())
    params, fn = maps.pure(plan, weights(maps.diagram))
    assert set(params) == {"student"}
    evaluated, field = maps.program(plan).value_and_grad(batch, weights(maps.diagram))
    for run in (fn, jax.jit(fn)):
        total, terms = run(params, batch, 0)
        assert float(total) == pytest.approx(float(evaluated.total), rel=1e-6)
        assert set(terms) == {"hard", "soft"}
        assert float(terms["soft"]) == pytest.approx(float(evaluated.terms["soft"]), rel=1e-5)
    gradient, _ = jax.jit(jax.grad(fn, has_aux=True))(params, batch, 0)
    for name, value in field["student"].items():
        np.testing.assert_allclose(gradient["student"][name], value, rtol=1e-5, atol=1e-7)
    zero = jax.tree.map(jnp.zeros_like, params)
    assert float(fn(zero, batch, 0)[1]["hard"]) == pytest.approx(np.log(4), rel=1e-6)
    assert float(program(maps)(batch, weights(maps.diagram)).total) == float(evaluated.total), "it is pure"


def test_pure_evaluates_schedules_where_it_is_traced():
    d = elementwise(f="model")
    d.goal("fit", "x >> f", "x", weight=schedules.linear(0, 1, steps=10))
    maps, traces = compiled(d, "float32", f=times([0.5])), []
    params, fn = maps.pure(make_plan(d, d.goals.values()), {"fit": d.goals["fit"].weight})

    @jax.jit
    def run(params, batch, step):
        traces.append(step)
        return fn(params, batch, step)

    for step in (0, 5, 20):
        total, terms = run(params, {"x": np.ones((2, 1))}, step)
        assert float(total) == pytest.approx(min(step / 10, 1) * float(terms["fit"]))
    assert len(traces) == 1


def test_pure_lists_a_shared_parameter_once():
    d = elementwise(f="model", g="model")
    d.goal("one", "x >> f", "x"), d.goal("two", "x >> g", "x")
    net = times([0.5])
    maps = compiled(d, "float32", f=net, g=net)
    params, fn = maps.pure(make_plan(d, d.goals.values()), weights(d))
    assert {name: list(of) for name, of in params.items()} == {"f": ["value"]}
    x = {"x": DRAW.normal(size=(3, 1))}
    gradient = jax.grad(lambda p: fn(p, x, 0)[0])(params)
    field = program(maps).value_and_grad(x, weights(d))[1]
    np.testing.assert_allclose(gradient["f"]["value"], field["f"]["value"], rtol=1e-6)
    maps.load_parameters(params)


def test_pure_takes_averages_with_the_batch():
    d = elementwise(f="model")
    d.ema("e", of="f", decay=0.0)
    d.goal("apart", "x >> f", "x >> e")
    maps = compiled(d, "float32", f=times([1.0]))
    params, fn = maps.pure(make_plan(d, d.goals.values()), weights(d))
    run, x = jax.jit(fn), {"x": np.ones((3, 1))}
    assert float(run(params, {**x, **maps.averages()}, 0)[0]) == 0
    maps.load_parameters({"f": {"value": np.full(1, 3.0)}})
    maps.follow()
    assert float(run(params, {**x, **maps.averages()}, 0)[0]) == pytest.approx(4)
    assert float(fn(params, x, 0)[0]) == pytest.approx(4), "as they are at the call"


def test_pure_in_training_draws_by_the_step():
    d = elementwise(f="model")
    d.goal("fit", "x >> f", "x")
    maps = compiled(d, "float32", f=sequential(dropout(0.5), linear(4, 4)))
    x = {"x": DRAW.normal(size=(8, 4))}
    plan = make_plan(d, d.goals.values())
    params, fn = maps.pure(plan, weights(d), training=True)
    run = jax.jit(fn)
    assert float(run(params, x, 2)[0]) == float(run(params, x, 2)[0]) != float(run(params, x, 3)[0])
    wanted = float(maps.program(plan)(x, weights(d), 2, training=True).total)
    assert float(run(params, x, 2)[0]) == pytest.approx(wanted, rel=1e-6)
    evaluating = maps.pure(plan, weights(d))[1]
    assert float(evaluating(params, x, 2)[0]) == float(evaluating(params, x, 3)[0])


def test_pure_says_what_is_wrong_with_its_arguments():
    maps, batch = distillation(dtype="float64")
    params, fn = maps.pure(make_plan(maps.diagram, maps.diagram.goals.values()), weights(maps.diagram))
    with pytest.raises(DiagramError, match=r"compiled for float64; call it inside `with jax\.enable_x64"):
        fn(params, batch, 0)
    with jax.enable_x64(True):
        total, _ = jax.jit(fn)(params, batch, 0)
        assert total.dtype == np.float64
        with pytest.raises(DiagramError, match=re.escape("the parameters lack 0.weight of `student`")):
            fn({}, batch, 0)
        with pytest.raises(DiagramError, match="there is no map `students`; did you mean `student`"):
            fn({"students": {}}, batch, 0)
        with pytest.raises(DiagramError, match="the batch lacks `label`"):
            fn(params, {"pixels": batch["pixels"]}, 0)


def test_comparators_by_value_are_those_by_name():
    d = elementwise(f="model")
    (
        d.goal("one", "x >> f", "x", by=losses.huber(delta=0.5)),
        d.goal("two", "x >> f", "x", by="huber(delta=0.5)"),
    )
    out = program(compiled(d, f=times([0.1])))({"x": DRAW.normal(size=(5, 1))}, weights(d))
    assert float(out.terms["one"]) == float(out.terms["two"])
