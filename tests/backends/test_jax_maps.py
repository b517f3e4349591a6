"""What JAX accepts as a map: how each is called, its numbers' names, what becomes of the original."""

import re
import subprocess
import sys
import textwrap

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
from learningdiagrams.errors import DiagramError
from tests.backends.jax_kinds import (
    BATCH,
    FIELD,
    LINEAR,
    LOSS,
    B,
    W,
    compiled,
    pair,
    program,
    regression,
    torch_linear,
    train,
)


@pytest.mark.parametrize("kind", LINEAR)
def test_a_linear_map_of_each_kind_has_the_loss_and_gradient_written_by_hand(kind):
    make, names, _ = LINEAR[kind]
    maps = compiled(regression(), f=make())
    evaluated, field = program(maps).value_and_grad(BATCH, {"fit": 1.0})
    assert float(evaluated.total) == pytest.approx(LOSS, rel=1e-6)
    for name, wanted in FIELD.items():
        got = field["f"][names.get(name, name)]
        got = got.T if names.get(name) == "kernel" else got
        np.testing.assert_allclose(got, wanted, rtol=1e-5)
    assert set(field["f"]) == {names.get(name, name) for name in FIELD} == set(maps.parameters()["f"])


@pytest.mark.parametrize("kind", LINEAR)
def test_the_original_changes_only_by_write_back(kind):
    make, _, read = LINEAR[kind]
    given = make()
    maps = compiled(regression(), f=given)
    train(maps)
    for before, wanted in zip(read(given), (W, B), strict=True):
        np.testing.assert_allclose(before, wanted, rtol=1e-6)
    back = maps.write_back()
    assert list(back) == ["f"]
    assert (back["f"] is given) == (kind in ("torch", "nnx"))
    wanted = W - 0.1 * FIELD["weight"]
    assert np.abs(np.asarray(read(back["f"])[0]) - W).max() > 0.5 * np.abs(wanted - W).max()
    again = compiled(regression(), f=back["f"])
    for name, value in maps.parameters()["f"].items():
        np.testing.assert_allclose(again.parameters()["f"][name], value, rtol=1e-6)


def test_write_back_keeps_each_number_s_kind_and_leaves_frozen_maps_alone():
    params, apply = pair()
    maps = compiled(regression(), f=({**params, "scale": 1.0}, apply))
    new, _ = maps.write_back()["f"]
    assert isinstance(new["weight"], jax.Array) and new["weight"].dtype == np.float32
    assert isinstance(new["bias"], np.ndarray) and new["bias"].dtype == np.float32
    assert type(new["scale"]) is float
    given = torch_linear()
    maps = compiled(regression("frozen"), f=given)
    maps.load_parameters({"f": {"weight": np.zeros((2, 3))}})
    assert maps.write_back() == {} and given.weight.abs().sum() > 0


def test_names_are_paths():
    net = eqx.nn.MLP(3, 2, 4, depth=1, key=jax.random.key(0))
    assert set(compiled(regression(), f=net).parameters()["f"]) == {
        "layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias",
    }  # fmt: skip

    class Net(nnx.Module):
        def __init__(self):
            self.layers = nnx.List([nnx.Linear(3, 4, rngs=nnx.Rngs(0)), nnx.Linear(4, 2, rngs=nnx.Rngs(1))])

        def __call__(self, x):
            return self.layers[1](nnx.relu(self.layers[0](x)))

    assert set(compiled(regression(), f=Net()).parameters()["f"]) == {
        "layers.0.kernel", "layers.0.bias", "layers.1.kernel", "layers.1.bias",
    }  # fmt: skip
    alone = compiled(regression(), f=(jnp.ones((3, 2)), lambda w, x: x @ w))
    assert set(alone.parameters()["f"]) == {"value"}
    deep = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    assert list(compiled(regression(), f=deep).parameters()["f"]) == [n for n, _ in deep.named_parameters()]
    spec = layers.mlp(3, 4, 2)
    assert list(compiled(regression(), f=spec).parameters()["f"]) == list(spec.parameters())
    assert compiled(regression(), f=lambda x: x[:, :2]).parameters() == {"f": {}}


def test_two_arrays_of_one_path_are_refused():
    params = {"a": {"b": jnp.ones(1)}, "a.b": jnp.ones(2)}
    with pytest.raises(DiagramError, match=r"`f`: two of its arrays have the path `a\.b`; rename one"):
        compiled(regression(), f=(params, lambda p, x: x))


def test_an_equinox_module_is_called_on_one_row():
    shapes = []

    class Row(eqx.Module):
        scale: jax.Array

        def __call__(self, x):
            shapes.append(x.shape)
            return self.scale * x[:2]

    maps = compiled(regression(), f=Row(jnp.ones(2)))
    assert float(program(maps)(BATCH, {"fit": 1.0}).total) == pytest.approx(
        ((BATCH["x"][:, :2] - BATCH["y"]) ** 2).mean()
    )
    assert set(shapes) == {(3,)}


def test_methods_of_modules_are_the_module_called_another_way():
    class Both(nn.Module):
        def __init__(self):
            super().__init__()
            self.w = nn.Parameter(torch.tensor(W))
            self.drop = nn.Dropout(0.5)

        def up(self, x):
            return self.drop(x) @ self.w.T

        def down(self, y):
            return y @ self.w

    class Twin(nnx.Module):
        def __init__(self):
            self.w = nnx.Param(jnp.asarray(W, "float32"))

        def up(self, x):
            return x @ self.w[...].T

        def down(self, y):
            return y @ self.w[...]

    class Trio(eqx.Module):
        w: jax.Array

        def up(self, x):
            return self.w @ x

        def down(self, y):
            return y @ self.w

    for net in (Both().double(), Twin(), Trio(jnp.asarray(W, "float32"))):
        d = regression()
        d.model("g", d["Y"], d["X"])
        d.goal("cycle", "x >> f >> g", "x")
        maps = compiled(d, f=net.up, g=net.down)
        (name,) = maps.parameters()["f"]
        assert name.endswith("w")
        _, field = program(maps).value_and_grad(BATCH, {"fit": 1.0, "cycle": 1.0})
        fit = 2 * (BATCH["x"] @ W.T - BATCH["y"]).T @ BATCH["x"] / 10
        error = BATCH["x"] @ W.T @ W - BATCH["x"]
        cycle = 2 * W @ (error.T @ BATCH["x"] + BATCH["x"].T @ error) / 15
        np.testing.assert_allclose(field["f"][name], fit + cycle, rtol=1e-5)
        np.testing.assert_allclose(field["g"][name], field["f"][name])


# What is no map ---------------------------------------------------------------------------------------------


def linen():
    from flax import linen

    return linen.Dense(2)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (
            {"w": 1.0},
            "`f`: a dict is no map on jax; give an Equinox or Flax NNX module, a pair (params, apply), a",
        ),
        (eqx.nn.MLP, "`f`: MLP is a class; give an instance of it"),
        (linen(), "`f`: a Flax Linen module holds no parameters; give the pair (variables, module.apply)"),
        (np.ones(3), "`f`: an array is no map on jax"),
    ],
    ids=["dict", "class", "linen", "array"],
)
def test_what_is_no_map_is_refused_with_what_is(given, text):
    with pytest.raises(DiagramError, match=re.escape(text)):
        compiled(regression(), f=given)


def test_linen_works_as_a_pair():
    module = linen()
    variables = module.init(jax.random.key(0), jnp.ones((1, 3)))
    maps = compiled(regression(), f=(variables, module.apply))
    assert set(maps.parameters()["f"]) == {"params.kernel", "params.bias"}
    assert program(maps).value_and_grad(BATCH, {"fit": 1.0})[1]["f"]["params.kernel"].shape == (3, 2)


def test_libraries_that_nothing_given_needs_are_not_imported():
    code = """
        import sys
        import numpy as np
        from learningdiagrams.backends.jax import JaxBackend
        from learningdiagrams.diagram import Diagram
        from learningdiagrams.layers import mlp
        from learningdiagrams.plan import make_plan
        d = Diagram()
        S, X = d.objects("S", "X")
        x = d.data("x", S, X)
        d.goal("g", x >> d.model("f", X, X) >> d.fixed("k", X, X), x)
        given = {"f": mlp(3, 4, 3), "k": lambda x: x}
        maps = JaxBackend().maps(d, given, seed=0, dtype="float32", device=None)
        maps.program(make_plan(d, d.goals.values()))({"x": np.ones((2, 3))}, {"g": 1.0})
        print(sorted({"torch", "equinox", "flax"} & set(sys.modules)))
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True)
    assert (done.stdout.strip(), done.returncode) == ("[]", 0), done.stderr
