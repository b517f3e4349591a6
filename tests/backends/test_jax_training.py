"""Steps of training on JAX: optimizers, learning rates, state, tracing."""

import re
from functools import partial
from typing import Any

import numpy as np
import pytest

pytest.importorskip("jax")
pytest.importorskip("optax")

import jax
import jax.numpy as jnp
import optax

from learningdiagrams.backends.base import Optimisation
from learningdiagrams.backends.jax import JaxBackend
from learningdiagrams.diagram import Diagram
from learningdiagrams.errors import DiagramError
from learningdiagrams.layers import batch_norm, dropout, linear, mlp, sequential
from learningdiagrams.plan import make_plan, plan_morphism

DRAW = np.random.default_rng(2)
X, Y = DRAW.normal(size=(40, 6)), DRAW.normal(size=(40, 3))
ROWS = [DRAW.choice(40, 8, replace=False) for _ in range(30)]


def diagram():
    d = Diagram("Two heads")
    S, A, H, B = d.objects("S", "A", "H", "B")
    x, y = d.data("x", S, A), d.data("y", S, B)
    body, head = d.model("body", A, H), d.model("head", H, B)
    d.goal("fit", x >> body >> head, y)
    d.goal("small", x >> body, x >> d.frozen("zero", A, H), by="l1", weight=0.3)
    return d


def compiled(dtype="float64", d=None, **realised):
    maps = {"body": mlp(6, 4, final="tanh"), "head": linear(4, 3), "zero": mlp(6, 4), **realised}
    d = d or diagram()
    maps = {name: made for name, made in maps.items() if name in d.generators}
    return JaxBackend().maps(d, maps, seed=0, dtype=dtype, device=None)


def program(maps):
    return maps.program(make_plan(maps.diagram, maps.diagram.goals.values()))


WEIGHTS = {"fit": 1.0, "small": 0.3}


def batch(step):
    rows = ROWS[step % len(ROWS)]
    return {"x": X[rows], "y": Y[rows]}


def curve(maps, how, steps=30, factor=lambda step: 1.0, moved=("body", "head"), made=None):
    made = made or program(maps)
    trainer = made.trainer(how, moved)
    return [float(trainer.step(made, batch(i), WEIGHTS, i, factor(i)).total) for i in range(steps)]


def numbers(maps):
    return {f"{g}.{k}": np.array(v) for g, table in maps.parameters().items() for k, v in table.items()}


def by_torch(optimizer, maps, steps=30, factor=lambda step: 1.0):
    """The same curve from a loop of torch's, written by hand."""
    torch = pytest.importorskip("torch")
    p = {name: torch.tensor(value, requires_grad=True) for name, value in numbers(maps).items()}
    trained = [value for name, value in p.items() if not name.startswith("zero")]
    made, totals = optimizer(torch.optim)(trained), []
    rates = [group["lr"] for group in made.param_groups]

    def affine(x, name):
        return x @ p[f"{name}.weight"].T + p[f"{name}.bias"]

    for step in range(steps):
        x, y = (torch.tensor(value) for value in batch(step).values())
        h, still = torch.tanh(affine(x, "body.0")), affine(x, "zero.0").detach()
        fit = ((affine(h, "head") - y) ** 2).mean()
        total = fit + 0.3 * (h - still).abs().mean()
        made.zero_grad()
        total.backward()
        for group, rate in zip(made.param_groups, rates, strict=True):
            group["lr"] = rate * factor(step)
        made.step()
        totals.append(total.item())
    return totals


OPTIMIZERS = {
    "sgd": lambda optim: partial(optim.SGD, lr=0.1),
    "momentum": lambda optim: partial(optim.SGD, lr=0.1, momentum=0.9),
    "adam": lambda optim: partial(optim.Adam, lr=0.1),
    # What optax and torch have different defaults for, said.
    "adamw": lambda optim: partial(optim.AdamW, lr=0.1, weight_decay=1e-4),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_training_curve_is_torch_s(name):
    maps = compiled()
    wanted = by_torch(OPTIMIZERS[name], maps, factor=lambda step: 1 / (1 + step))
    got = curve(maps, Optimisation(name, lr=0.1), factor=lambda step: 1 / (1 + step))
    np.testing.assert_allclose(got, wanted, rtol=1e-6)
    assert got[-1] < 0.9 * got[0]


@pytest.mark.parametrize("name", ["sgd", "momentum", "adam", "adamw", "rmsprop"])
def test_an_optimizer_by_name_is_optax_s(name):
    make = partial(optax.sgd, momentum=0.9) if name == "momentum" else getattr(optax, name)
    maps, other = compiled(), compiled()
    got = curve(maps, Optimisation(name, lr=0.05), steps=6)
    made, optimizer = program(other), make(0.05)
    with jax.enable_x64(True):
        params = {g: other.parameters()[g] for g in ("body", "head")}
        state, update = optimizer.init(params), jax.jit(optimizer.update)
        for i in range(6):
            evaluated, field = made.value_and_grad(batch(i), WEIGHTS)
            assert float(evaluated.total) == pytest.approx(got[i], rel=1e-12)
            updates, state = update(field, state, params)
            params: Any = optax.apply_updates(params, updates)
            other.load_parameters(params)
    for name, value in numbers(maps).items():
        np.testing.assert_allclose(value, numbers(other)[name], rtol=1e-10)


@pytest.mark.parametrize(
    ("given", "lr"),
    [
        (optax.adam, 0.05),
        (lambda lr: optax.adam(lr), 0.05),
        (optax.scale_by_adam(), 0.05),
        (optax.adam(0.05), None),
    ],
    ids=["function of a rate", "lambda", "transformation without a rate", "transformation with a rate"],
)
def test_an_optimizer_may_be_given(given, lr):
    wanted = curve(compiled(), Optimisation("adam", lr=0.05), factor=lambda step: 0.9**step)
    got = curve(compiled(), Optimisation(given, lr=lr), factor=lambda step: 0.9**step)
    np.testing.assert_allclose(got, wanted, rtol=1e-10)


@pytest.mark.parametrize(
    ("how", "text"),
    [
        (Optimisation("adm"), "there is no optimizer `adm`; did you mean `adam`?; an optimizer is one of"),
        (Optimisation(3), "3 is no optimizer on jax; an optimizer is one of sgd, momentum, adam, adamw"),
        (Optimisation(optax.adam(0.1), lr=0.1), "this optax transformation has a learning rate of its own"),
        (Optimisation(optax.adam), "this optimizer has no learning rate of its own; give lr"),
        (Optimisation(optax.scale_by_adam()), "this optimizer has no learning rate of its own; give lr"),
    ],
)
def test_an_optimizer_that_is_none_or_lacks_a_rate(how, text):
    with pytest.raises(DiagramError, match=re.escape(text)):
        program(compiled()).trainer(how, ["body"])


def test_default_rates_are_torch_s():
    maps, same = compiled(), compiled()
    assert curve(maps, Optimisation("adam")) == curve(same, Optimisation("adam", lr=1e-3))
    maps, same = compiled(), compiled()
    assert curve(maps, Optimisation("rmsprop")) == curve(same, Optimisation("rmsprop", lr=1e-2))


def test_single_models_have_rates_of_their_own():
    maps = compiled()
    before, made = numbers(maps), program(maps)
    field = made.value_and_grad(batch(0), WEIGHTS)[1]
    trainer = made.trainer(Optimisation("sgd", lr=0.1, rates={"head": 0.5}), ["body", "head"])
    trainer.step(made, batch(0), WEIGHTS, 0, 0.2)
    for name, rate in (("body", 0.1), ("head", 0.5)):
        for key, gradient in field[name].items():
            wanted = before[f"{name}.{key}"] - rate * 0.2 * np.asarray(gradient)
            np.testing.assert_allclose(numbers(maps)[f"{name}.{key}"], wanted, rtol=1e-12)
    slow = curve(compiled(), Optimisation("adam", lr=0.05, rates={"body": 0.05, "head": 0.05}))
    assert slow == curve(compiled(), Optimisation("adam", lr=0.05))


def test_a_shared_parameter_has_one_rate():
    d = Diagram()
    S, A = d.objects("S", "A")
    d.data("x", S, A), d.model("f", A, A), d.model("g", A, A)
    d.goal("one", "x >> f", "x"), d.goal("two", "x >> g", "x")
    net = (jnp.ones(2), lambda w, x: w * x)
    maps = compiled(d=d, f=net, g=net)
    with pytest.raises(DiagramError, match=r"`f` and `g` hold a parameter together and have two learning rates, 0.1"):
        program(maps).trainer(Optimisation("sgd", lr=0.1, rates={"g": 0.2}), ["f", "g"])
    program(maps).trainer(Optimisation("sgd", lr=0.1, rates={"g": 0.2}), ["g"])


def test_clipping_is_by_the_norm_of_the_whole_gradient():
    maps = compiled()
    before, made = numbers(maps), program(maps)
    field = made.value_and_grad(batch(0), WEIGHTS)[1]
    flat = np.concatenate([np.ravel(v) for table in field.values() for v in table.values()])
    norm = float(np.linalg.norm(flat))
    how = Optimisation("sgd", lr=1.0, rates={"head": 2.0}, clip=norm / 4)
    made.trainer(how, ["body", "head"]).step(made, batch(0), WEIGHTS, 0, 1.0)
    moved = before["body.0.weight"] - numbers(maps)["body.0.weight"]
    np.testing.assert_allclose(moved, np.asarray(field["body"]["0.weight"]) / 4, rtol=1e-10)
    moved = before["head.weight"] - numbers(maps)["head.weight"]
    np.testing.assert_allclose(moved, np.asarray(field["head"]["weight"]) / 2, rtol=1e-10)
    maps, made = compiled(), None
    assert curve(maps, Optimisation("sgd", lr=0.1, clip=1e9)) == curve(compiled(), Optimisation("sgd", lr=0.1))


def test_only_what_is_moved_moves():
    maps = compiled()
    before = numbers(maps)
    curve(maps, Optimisation("adamw", lr=0.1), moved=["head"], steps=3)
    after = numbers(maps)
    assert {name.split(".")[0] for name in before if not np.array_equal(before[name], after[name])} == {"head"}


def test_a_step_s_terms_are_those_before_it():
    maps = compiled()
    made = program(maps)
    wanted = made(batch(0), WEIGHTS)
    out = made.trainer(Optimisation("sgd"), ["head"]).step(made, batch(0), WEIGHTS, 0, 1.0)
    assert float(out.total) == pytest.approx(float(wanted.total), rel=1e-12)
    assert list(out.terms) == list(wanted.terms) == ["fit", "small"]
    assert all(isinstance(term, jax.Array) and term.shape == () for term in out.terms.values())


@pytest.mark.parametrize(
    "how",
    [
        Optimisation("adam", lr=0.05),
        Optimisation("momentum", lr=0.05, rates={"head": 0.1}, clip=1.0),
    ],
    ids=["adam", "momentum"],
)
def test_stopping_and_going_on_gives_the_same_numbers(how):
    """Bit for bit, also with dropout and batch norm, whose state a checkpoint holds."""
    net = {"body": sequential(linear(6, 4), batch_norm(4), dropout(0.3))}

    def run(maps, trainer, made, steps):
        with maps.session(5):
            return [float(trainer.step(made, batch(i), WEIGHTS, i, 0.9**i).total) for i in steps]

    maps = compiled("float32", **net)
    made = program(maps)
    whole = run(maps, made.trainer(how, ["body", "head"]), made, range(10))
    first = compiled("float32", **net)
    made = program(first)
    trainer = made.trainer(how, ["body", "head"])
    begun = run(first, trainer, made, range(4))
    state = trainer.state()
    assert all(isinstance(value, np.ndarray) for value in state.values())
    saved = first.parameters(), first.buffers(), first.random_state()
    second = compiled("float32", **net)
    second.load_parameters(saved[0]), second.load_buffers(saved[1]), second.load_random_state(saved[2])
    made = program(second)
    trainer = made.trainer(how, ["body", "head"])
    trainer.load_state({name: value.copy() for name, value in state.items()})
    assert begun + run(second, trainer, made, range(4, 10)) == whole
    for name, value in numbers(maps).items():
        np.testing.assert_array_equal(value, numbers(second)[name])
    for name, value in maps.buffers()["body"].items():
        np.testing.assert_array_equal(value, second.buffers()["body"][name])


def test_a_state_of_another_optimizer_is_refused():
    maps = compiled()
    made = program(maps)
    trainer = made.trainer(Optimisation("adam", lr=0.1), ["head"])
    state = trainer.state()
    assert "0.0.mu.head.weight" in state
    with pytest.raises(DiagramError, match=r"the state is another optimizer's: 0\.0\.nu\.head\.weight"):
        trainer.load_state({name: value for name, value in state.items() if "nu.head.weight" not in name})
    with pytest.raises(DiagramError, match=r"the optimizer's 0.0.mu.head.weight has the shape \(3, 4\), and .* \(2,\)"):
        trainer.load_state({**state, "0.0.mu.head.weight": np.ones(2)})
    assert trainer.state().keys() == state.keys()


def test_a_step_is_traced_once_for_each_shape_and_never_for_weights_or_rates():
    traces = []

    def body(p, x):
        traces.append(x.shape)
        return x @ p

    maps = compiled("float32", body=(jnp.ones((6, 4)), body))
    made = program(maps)
    trainer = made.trainer(Optimisation("adam", lr=0.1), ["body", "head"])
    for step in range(6):
        weights = {"fit": 1.0 + step, "small": 0.5**step}
        trainer.step(made, batch(step), weights, step, 0.9**step)
    once = len(traces)
    assert once >= 1 and set(traces) == {(8, 6)}
    trainer.step(made, {name: value[:3] for name, value in batch(0).items()}, WEIGHTS, 7, 1.0)
    assert len(traces) == 2 * once and traces[-1] == (3, 6)
    for step in range(3):
        made(batch(step), {"fit": 1.0 + step, "small": 0.1}, step)
    assert len(traces) == 2 * once + 1


def test_what_is_asked_twice_is_traced_once():
    traces = []

    def body(p, x):
        traces.append(x.shape)
        return x @ p

    maps = compiled("float32", body=(jnp.ones((6, 4)), body))
    for lr in (0.1, 0.2):
        made = program(maps)
        trainer = made.trainer(Optimisation("adam", lr=lr), ["body", "head"])
        trainer.step(made, batch(0), WEIGHTS, 0, 1.0)
        made(batch(0), WEIGHTS)
        maps.program(plan_morphism(maps.diagram, maps.diagram.parse("x >> body"))).outputs({"x": X[:8]})
    assert len(traces) == 3, "a step, a loss, and a value"
    other = program(maps).trainer(Optimisation("adam", lr=0.1, clip=1.0), ["body", "head"])
    other.step(program(maps), batch(0), WEIGHTS, 0, 1.0)
    assert len(traces) == 4


def test_another_program_of_the_same_maps_goes_on_with_the_same_optimizer():
    """As when a batch lacks a sample object: a goal is left out of that step."""
    maps = compiled()
    both = program(maps)
    one = maps.program(make_plan(maps.diagram, [maps.diagram.goals["small"]]))
    trainer = both.trainer(Optimisation("momentum", lr=0.1), ["body", "head"])
    trainer.step(both, batch(0), WEIGHTS, 0, 1.0)
    before = numbers(maps)
    out = trainer.step(one, {"x": X[:8]}, {"small": 0.3}, 1, 1.0)
    assert list(out.terms) == ["small"]
    after = numbers(maps)
    # The head, which no goal reaches now, has gradient zero and goes on with its momentum.
    assert not np.array_equal(before["head.weight"], after["head.weight"])
    third = numbers(maps)
    trainer.step(both, batch(2), WEIGHTS, 2, 1.0)
    assert not np.array_equal(third["head.weight"], numbers(maps)["head.weight"])


def test_averages_follow_steps_whose_arrays_are_given_away():
    d = diagram()
    d.ema("slow", of="body", decay=0.5)
    maps = compiled("float32", d)
    made = program(maps)
    trainer = made.trainer(Optimisation("sgd", lr=0.1), ["body", "head"])
    wanted = numbers(maps)["slow.0.weight"]
    for step in range(4):
        trainer.step(made, batch(step), WEIGHTS, step, 1.0)
        maps.follow()
        wanted = 0.5 * wanted + 0.5 * numbers(maps)["body.0.weight"]
        np.testing.assert_allclose(numbers(maps)["slow.0.weight"], wanted, rtol=1e-6)


def test_frozen_maps_keep_their_numbers_bit_for_bit():
    maps = compiled("float32", zero=sequential(linear(6, 4), batch_norm(4)))
    before = numbers(maps), {k: np.array(v) for k, v in maps.buffers()["zero"].items()}
    curve(maps, Optimisation("adamw", lr=0.1), steps=3)
    for name, value in before[0].items():
        assert np.array_equal(value, numbers(maps)[name]) == name.startswith("zero")
    for name, value in before[1].items():
        np.testing.assert_array_equal(value, maps.buffers()["zero"][name])


def test_a_step_gives_its_arrays_away():
    """A model is in memory once: what a step replaces is donated to it."""
    maps = compiled("float32")
    made = program(maps)
    trainer = made.trainer(Optimisation("adam", lr=0.1), ["body", "head"])
    trainer.step(made, batch(0), WEIGHTS, 0, 1.0)
    slots = list(maps.trained(["body", "head"]))
    held = [maps.numbers[slot] for slot in slots]
    frozen = [value for slot, value in enumerate(maps.numbers) if slot not in slots]
    trainer.step(made, batch(1), WEIGHTS, 1, 1.0)
    assert all(array.is_deleted() for array in held) and not any(array.is_deleted() for array in frozen)
