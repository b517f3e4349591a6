"""One linear map in each form that JAX accepts, and what is done with it in the tests."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import torch
from flax import nnx
from torch import nn

from learningdiagrams.backends.base import Optimisation
from learningdiagrams.backends.jax import JaxBackend
from learningdiagrams.diagram import Diagram
from learningdiagrams.plan import make_plan

DRAW = np.random.default_rng(0)
W, B = DRAW.normal(size=(2, 3)), DRAW.normal(size=2)
BATCH = {"x": DRAW.normal(size=(5, 3)), "y": DRAW.normal(size=(5, 2))}
ERROR = BATCH["x"] @ W.T + B - BATCH["y"]
LOSS = (ERROR**2).mean()
FIELD = {"weight": 2 * ERROR.T @ BATCH["x"] / 10, "bias": 2 * ERROR.sum(0) / 10}


def regression(role="model"):
    """x >> f = y."""
    d = Diagram("Regression")
    S, X, Y = d.objects("S", "X", "Y")
    x, y = d.data("x", S, X), d.data("y", S, Y)
    f = d.model("f", X, Y) if role == "model" else d.frozen("f", X, Y)
    d.goal("fit", x >> f, y)
    return d


def compiled(d, dtype="float64", **realised: Any):
    return JaxBackend().maps(d, realised, seed=0, dtype=dtype, device=None)


def program(maps):
    return maps.program(make_plan(maps.diagram, maps.diagram.goals.values()))


def numbers(table):
    """A backend's arrays as NumPy's: those of 64 bits are no use to JAX outside its setting for them."""
    return {name: {key: np.asarray(value) for key, value in of.items()} for name, of in table.items()}


def weights(d) -> dict[str, Any]:
    return {name: goal.weight for name, goal in d.goals.items()}


def train(maps, steps=3, lr=0.1):
    made = program(maps)
    trainer = made.trainer(Optimisation("sgd", lr=lr), maps.models)
    for step in range(steps):
        trainer.step(made, BATCH, weights(maps.diagram), step, 1.0)


def equinox_linear():
    made = eqx.nn.Linear(3, 2, key=jax.random.key(0))
    return eqx.tree_at(lambda m: (m.weight, m.bias), made, (jnp.asarray(W, "float32"), jnp.asarray(B, "float32")))


def nnx_linear():
    made: Any = nnx.Linear(3, 2, rngs=nnx.Rngs(0))
    made.kernel[...], made.bias[...] = jnp.asarray(W.T, "float32"), jnp.asarray(B, "float32")
    return made


def torch_linear():
    made: Any = nn.Linear(3, 2)
    with torch.no_grad():
        made.weight.copy_(torch.tensor(W)), made.bias.copy_(torch.tensor(B))
    return made


def pair():
    params = {"weight": jnp.asarray(W, "float32"), "bias": np.float32(B)}
    return params, lambda p, x: x @ p["weight"].T + p["bias"]


LINEAR = {
    "equinox": (equinox_linear, {}, lambda m: (m.weight, m.bias)),
    "nnx": (nnx_linear, {"weight": "kernel"}, lambda m: (m.kernel[...].T, m.bias[...])),
    "torch": (torch_linear, {}, lambda m: (m.weight.detach().numpy(), m.bias.detach().numpy())),
    "pair": (pair, {}, lambda m: (m[0]["weight"], m[0]["bias"])),
}
