"""Numbers that two maps on JAX hold together, and the types of maps, remembered by architecture."""

import re

import numpy as np
import pytest

pytest.importorskip("jax")
pytest.importorskip("equinox")
pytest.importorskip("flax.nnx")
pytest.importorskip("torch")

import equinox as eqx
import jax
import jax.numpy as jnp
import torch
from flax import nnx
from torch import nn

from learningdiagrams import layers
from learningdiagrams.backends.base import Abstract
from learningdiagrams.backends.jax import JaxBackend
from learningdiagrams.diagram import Diagram
from learningdiagrams.errors import DiagramError
from learningdiagrams.plan import make_plan, plan_morphism
from tests.backends.jax_kinds import (
    BATCH,
    LINEAR,
    B,
    W,
    compiled,
    equinox_linear,
    numbers,
    program,
    regression,
    torch_linear,
    train,
)

# Numbers that two maps hold together ------------------------------------------------------------------------


def two(f_role="model", g_role="model"):
    d = Diagram("Two")
    S, X = d.objects("S", "X")
    x = d.data("x", S, X)
    f, g = getattr(d, f_role)("f", X, X), getattr(d, g_role)("g", X, X)
    d.goal("one", x >> f, x, weight=0.5)
    d.goal("two", x >> g, x)
    return d


def shared_arrays(kind):
    """Two maps x ↦ w · x that hold one w, and w's name in each."""
    if kind == "one object":
        net = (jnp.full(3, 0.5), lambda w, x: w * x)
        return net, net, ("value", "value")
    if kind == "pairs":
        w = jnp.full(3, 0.5)
        return ({"a": w}, lambda p, x: p["a"] * x), ({"b": w}, lambda p, x: p["b"] * x), ("a", "b")
    if kind == "nnx":
        w = nnx.Param(jnp.full(3, 0.5))

        class Scale(nnx.Module):
            def __init__(self):
                self.w = w

            def __call__(self, x):
                return self.w * x

        return Scale(), Scale(), ("w", "w")

    class Times(nn.Module):
        def __init__(self, w):
            super().__init__()
            self.w = w

        def forward(self, x):
            return self.w * x

    w = nn.Parameter(torch.full((3,), 0.5))
    return Times(w), Times(w), ("w", "w")


KINDS = ("one object", "pairs", "nnx", "torch")


@pytest.mark.parametrize("kind", KINDS)
def test_what_two_maps_hold_together_stays_one_parameter(kind):
    f, g, (a, b) = shared_arrays(kind)
    maps = compiled(two(), f=f, g=g)
    error = (0.5 - 1) * BATCH["x"]
    alone = (2 * error * BATCH["x"]).sum(0) / 15
    _, field = program(maps).value_and_grad(BATCH, {"one": 0.5, "two": 1.0})
    np.testing.assert_allclose(field["f"][a], 1.5 * alone)
    np.testing.assert_allclose(field["g"][b], 1.5 * alone)
    train(maps)
    trained = numbers(maps.parameters())
    np.testing.assert_array_equal(trained["f"][a], trained["g"][b])
    assert np.abs(trained["f"][a] - 0.5).min() > 1e-3
    maps.load_parameters({"g": {b: np.ones(3)}})
    np.testing.assert_array_equal(maps.parameters()["f"][a], np.ones(3))
    back = maps.write_back()
    if kind == "torch":
        assert back["f"].w is back["g"].w and back["f"].w.tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("roles", [("model", "frozen"), ("frozen", "model")])
def test_a_parameter_of_a_frozen_and_a_trained_map_is_an_error_that_names_both(kind, roles):
    f, g, (a, b) = shared_arrays(kind)
    frozen, model, mine, theirs = ("g", "f", b, a) if roles[1] == "frozen" else ("f", "g", a, b)
    text = (
        f"`{frozen}` is frozen and `{model}` is trained, and they hold one parameter together "
        f"({frozen}'s {mine}, {model}'s {theirs}); give one of them a copy, or both one role"
    )
    with pytest.raises(DiagramError, match=re.escape(text)):
        compiled(two(*roles), f=f, g=g)
    both = compiled(two("frozen", "frozen"), f=f, g=g)
    assert float(program(both)(BATCH, {"one": 1.0, "two": 1.0}).total) > 0


def test_equal_layers_are_values_and_two_maps():
    spec = layers.linear(3, 3)
    made = numbers(compiled(two(), f=spec, g=spec).parameters())
    assert np.abs(made["f"]["weight"] - made["g"]["weight"]).min() > 0


def test_weights_tied_inside_a_module_have_one_name_and_the_summed_gradient():
    linear = eqx.nn.Linear(3, 3, use_bias=False, key=jax.random.key(0))
    net = eqx.nn.Sequential([linear, linear])
    d = two()
    maps = compiled(d, f=net, g=lambda x: x)
    assert list(maps.parameters()["f"]) == ["layers.0.weight"]
    _, field = program(maps).value_and_grad(BATCH, {"one": 1.0})

    def loss(w):
        with jax.enable_x64(True):
            x = jnp.asarray(BATCH["x"])
            return ((x @ w.T @ w.T - x) ** 2).mean()

    with jax.enable_x64(True):
        wanted = jax.grad(loss)(jnp.asarray(linear.weight, "float64"))
    np.testing.assert_allclose(field["f"]["layers.0.weight"], wanted, rtol=1e-6)


def test_a_fixed_map_has_no_parameters():
    d = Diagram()
    S, X = d.objects("S", "X")
    d.data("x", S, X), d.fixed("k", X, X)
    text = "`k` is fixed, a map without parameters, and has weight, bias; declare it frozen"
    with pytest.raises(DiagramError, match=re.escape(text)):
        compiled(d, k=torch_linear())


def test_a_torch_parameter_that_requires_no_gradient_stays():
    given = torch_linear()
    given.bias.requires_grad_(False)
    maps = compiled(regression(), f=given)
    _, field = program(maps).value_and_grad(BATCH, {"fit": 1.0})
    assert not field["f"]["bias"].any() and field["f"]["weight"].any()
    train(maps)
    np.testing.assert_allclose(maps.parameters()["f"]["bias"], B, rtol=1e-6)
    assert np.abs(numbers(maps.parameters())["f"]["weight"] - W).max() > 1e-3


# Types of outputs -------------------------------------------------------------------------------------------


def test_outputs_are_typed_without_numbers():
    d = Diagram()
    X, Y = d.objects("X", "Y")
    d.model("f", X, Y), d.model("c", d.unit, Y), d.model("two", X * Y, Y * X)
    d.model("e", X, Y)
    maps = compiled(
        d,
        "float32",
        f=equinox_linear(),
        c=(jnp.ones(2), lambda p: p),
        two=lambda x, y: (y > 0, jnp.argmax(x, -1)),
        e=nn.Embedding(7, 5),
    )
    assert maps.abstract("f", [Abstract((3,))]) == (Abstract((2,)),)
    assert maps.abstract("c", []) == (Abstract((2,)),)
    wanted = (Abstract((2,), "bool"), Abstract((), "int"))
    assert maps.abstract("two", [Abstract((3,)), Abstract((2,))]) == wanted
    assert maps.abstract("e", [Abstract((4,), "int")]) == (Abstract((4, 5)),)


@pytest.mark.parametrize("kind", ["equinox", "nnx", "torch", "pair"])
def test_arguments_that_a_map_refuses_are_one_line(kind):
    maps = compiled(regression(), "float32", f=LINEAR[kind][0]())
    with pytest.raises(DiagramError, match=r"^it refuses \[4\]: ") as caught:
        maps.abstract("f", [Abstract((4,))])
    assert "\n" not in str(caught.value) and "4" in str(caught.value).partition(": ")[2]


def test_outputs_that_are_none_of_the_codomain_are_refused():
    maps = compiled(regression(), f=lambda x: (x, x))
    with pytest.raises(DiagramError, match="`f` : X -> Y is to return one array, and it returned a tuple of 2"):
        maps.abstract("f", [Abstract((3,))])
    maps = compiled(regression(), f=lambda x: x.mean(0))
    text = "at a batch of 1009 values [3] it gives (3,): the first axis of a value is the batch"
    with pytest.raises(DiagramError, match=re.escape(text)):
        maps.abstract("f", [Abstract((3,))])


def test_a_function_that_looks_at_its_numbers_has_no_type_and_does_not_compile():
    for looks in (np.tanh, lambda x: x if x.sum() > 0 else -x):
        maps = compiled(regression(), f=looks)
        assert maps.abstract("f", [Abstract((3,))]) is None
        with pytest.raises(DiagramError, match="`f` looks at its numbers, which a compiled function cannot"):
            program(maps)(BATCH, {"fit": 1.0})


def test_types_are_remembered_by_architecture():
    calls = []

    class Net(nn.Module):
        def __init__(self, width, scale=2.0):
            super().__init__()
            self.inner, self.scale = nn.Linear(3, width), scale

        def forward(self, x):
            calls.append(self.scale)
            return self.inner(x) * self.scale

    d = Diagram()
    X, Y = d.objects("X", "Y")
    made = {f"f{i}": Net(2) for i in range(5)} | {"wide": Net(4), "scaled": Net(2, 3.0)}
    for name in made:
        d.model(name, X, Y)
    maps = compiled(d, "float32", **made)
    types = {name: maps.abstract(name, [Abstract((3,))]) for name in made}
    widths = {**{f"f{i}": 2 for i in range(5)}, "wide": 4, "scaled": 2}
    assert types == {name: (Abstract((width,)),) for name, width in widths.items()}
    assert len(set(calls)) == 2
    once = len(calls)
    maps.abstract("f4", [Abstract((3,))])
    assert len(calls) == once

    def counted(p, x):
        calls.append("pair")
        return x @ p

    d = Diagram()
    X = d.object("X")
    for i in range(50):
        d.model(f"f{i}", X, X)
    maps = compiled(d, "float32", **{f"f{i}": (jnp.ones((3, 3)), counted) for i in range(50)})
    assert all(maps.abstract(f"f{i}", [Abstract((3,))]) == (Abstract((3,)),) for i in range(50))
    assert calls.count("pair") == 1
    with pytest.raises(DiagramError, match="it refuses"):
        maps.abstract("f0", [Abstract((4,))])
    with pytest.raises(DiagramError, match="it refuses"):
        maps.abstract("f9", [Abstract((4,))])
    assert calls.count("pair") == 2


def test_one_torch_module_is_alive_on_both_backends():
    from learningdiagrams.backends.torch import TorchBackend

    d, net = regression(), torch_linear()
    plan = make_plan(d, d.goals.values())
    ours = JaxBackend().maps(d, {"f": net}, seed=0, dtype="float32", device=None)
    theirs = TorchBackend().maps(d, {"f": net}, seed=0, dtype="float32", device=None)
    one, field = ours.program(plan).value_and_grad(BATCH, {"fit": 1.0})
    other, wanted = theirs.program(plan).value_and_grad(BATCH, {"fit": 1.0})
    assert float(one.total) == pytest.approx(float(other.total), rel=1e-6)
    for name, value in wanted["f"].items():
        np.testing.assert_allclose(field["f"][name], value.numpy(), rtol=1e-5)
    out = ours.program(plan_morphism(d, d.parse("x >> f"))).outputs({"x": BATCH["x"]})
    np.testing.assert_allclose(out[0], BATCH["x"] @ W.T + B, rtol=1e-5)
