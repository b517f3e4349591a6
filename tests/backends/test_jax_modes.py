"""Training and evaluation on JAX: batch norm and dropout in every form of map."""

from typing import Any

import numpy as np
import pytest

pytest.importorskip("jax")
pytest.importorskip("equinox")
pytest.importorskip("flax.nnx")
pytest.importorskip("torch")

import equinox as eqx
from flax import nnx
from torch import nn

from learningdiagrams import layers
from learningdiagrams.diagram import Diagram
from tests.backends.jax_kinds import (
    BATCH,
    compiled,
    equinox_linear,
    nnx_linear,
    numbers,
    program,
    regression,
    torch_linear,
    train,
)

# Modes ------------------------------------------------------------------------------------------------------


def normed(kind) -> tuple[Any, Any, float]:
    if kind == "torch":
        return nn.Sequential(torch_linear(), nn.BatchNorm1d(2)), "1.running_mean", 0.1
    if kind == "layer":
        return layers.sequential(layers.linear(3, 2), layers.batch_norm(2)), "1.running_mean", 0.1
    if kind == "nnx":

        class Net(nnx.Module):
            def __init__(self):
                self.linear = nnx_linear()
                self.norm = nnx.BatchNorm(2, momentum=0.9, rngs=nnx.Rngs(0))

            def __call__(self, x):
                return self.norm(self.linear(x))

        return Net(), "norm.mean", 0.1

    class Stateful(eqx.Module):
        linear: eqx.nn.Linear
        norm: eqx.nn.BatchNorm

        def __init__(self):
            self.linear = equinox_linear()
            self.norm = eqx.nn.BatchNorm(2, "rows", momentum=0.9, mode="batch")

        def __call__(self, x, state):
            return self.norm(self.linear(x), state)

    return eqx.nn.make_with_state(Stateful)(), None, 0.1


@pytest.mark.parametrize("kind", ["torch", "layer", "nnx", "equinox"])
def test_batch_norm_learns_of_batches_in_training_only(kind):
    given, mean, momentum = normed(kind)
    maps = compiled(regression(), f=given)
    made = program(maps)
    before = maps.buffers()["f"]
    made(BATCH, {"fit": 1.0})
    made.value_and_grad(BATCH, {"fit": 1.0})
    unchanged = maps.buffers()["f"]
    assert all(np.array_equal(before[name], unchanged[name]) for name in before)
    trained = made(BATCH, {"fit": 1.0}, training=True)
    after = maps.buffers()["f"]
    held = maps.parameters()["f"]
    if mean is not None:
        kernel = next((v for k, v in held.items() if k.endswith("kernel")), None)
        weight = kernel.T if kernel is not None else next(v for k, v in held.items() if v.shape == (2, 3))
        bias = held["linear.bias" if kind == "nnx" else "0.bias"]
        wanted = momentum * (BATCH["x"] @ np.asarray(weight).T + np.asarray(bias)).mean(0)
        np.testing.assert_allclose(after[mean], wanted, rtol=1e-5)
    assert any(not np.array_equal(before[name], after[name]) for name in before)
    # In training the output has mean 0 and variance 1, whatever the running averages are.
    assert float(trained.total) != pytest.approx(float(made(BATCH, {"fit": 1.0}).total), rel=1e-3)
    train(maps, steps=2)
    moved = maps.buffers()["f"]
    assert any(not np.array_equal(after[name], moved[name]) for name in before)
    maps.load_buffers({"f": before})
    assert all(np.array_equal(before[name], maps.buffers()["f"][name]) for name in before)
    back = maps.write_back()["f"]
    if kind == "torch":
        assert back is given and not given[1].running_mean.any()
    if kind == "equinox":
        assert isinstance(back, tuple) and isinstance(back[1], eqx.nn.State)
        assert set(compiled(regression(), f=back).buffers()["f"]) == set(before)


def test_the_modes_of_given_modules_are_put_back():
    torch_net, nnx_net = normed("torch")[0], normed("nnx")[0]
    torch_net[1].eval(), nnx_net.eval()
    for net in (torch_net, nnx_net):
        train(compiled(regression(), f=net), steps=1)
    assert torch_net.training and not torch_net[1].training and nnx_net.norm.use_running_average


def test_frozen_maps_and_averages_evaluate_while_models_train():
    d = Diagram()
    S, X = d.objects("S", "X")
    x = d.data("x", S, X)
    f, g = d.model("f", X, X), d.frozen("g", X, X)
    e = d.ema("e", of=f, decay=0.5)
    d.goal("one", x >> f, x >> g)
    d.goal("two", x >> f, x >> e)
    norm: dict[str, Any] = {name: nn.BatchNorm1d(3) for name in "fg"}
    maps = compiled(d, **norm)
    train(maps, steps=1)
    buffers = numbers(maps.buffers())
    assert buffers["f"]["num_batches_tracked"] == 1
    assert buffers["g"]["num_batches_tracked"] == buffers["e"]["num_batches_tracked"] == 0
    maps.follow()
    assert numbers(maps.buffers())["e"]["num_batches_tracked"] == 1
    np.testing.assert_allclose(maps.buffers()["e"]["running_mean"], buffers["f"]["running_mean"])


def dropping(kind) -> Any:
    if kind == "torch":
        return nn.Sequential(nn.Dropout(0.5), torch_linear())
    if kind == "layer":
        return layers.sequential(layers.dropout(0.5), layers.linear(3, 2))
    if kind == "equinox":
        return eqx.nn.Sequential([eqx.nn.Dropout(0.5), equinox_linear()])

    class Net(nnx.Module):
        def __init__(self):
            self.drop = nnx.Dropout(0.5, rngs=nnx.Rngs(3))
            self.linear = nnx_linear()

        def __call__(self, x):
            return self.linear(self.drop(x))

    return Net()


@pytest.mark.parametrize("kind", ["torch", "layer", "nnx", "equinox"])
def test_dropout_draws_in_training_by_seed_and_step_and_nowhere_else(kind):
    maps = compiled(regression(), f=dropping(kind))
    made = program(maps)

    def total(step=0, training=True, seed=None):
        if seed is None:
            return float(made(BATCH, {"fit": 1.0}, step, training).total)
        with maps.session(seed):
            return total(step, training)

    assert total(0) == total(0) != total(1)
    assert total(0, seed=7) == total(0, seed=7) != total(0)
    assert total(0, seed=0) == total(0), "leaving a session puts the seed back"
    assert total(0, training=False) == total(1, training=False)
    # Of 15 entries about half are dropped and the rest doubled.
    assert np.std([total(step) for step in range(20)]) > 0.01
