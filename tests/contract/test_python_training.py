"""The Python interface of training: games, `fit`, and loops of one's own, on both backends.

One test, or a few, for each line of the interface, in its order. What another test says in full is only named here.
"""

import signal
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("jax")

import jax
import jax.numpy as jnp
import torch
from torch import nn

import learningdiagrams as ld
from learningdiagrams.errors import DiagramError
from tests.contract.distillation import DATA, LAYERS, RNG, distillation, flat, same

# Games ------------------------------------------------------------------------------------------------------


def test_a_game_has_one_field_backward_and_value_and_grad(backend):
    """Each goal contributes the gradient with respect to its own models; `total` is the weighted sum of all."""
    d = ld.Diagram("game")
    S, Z, A, L = d.objects("S", "Z", "A", "L")
    x, z = d.data("x", S, A), d.noise("z", S, Z, "normal(3)")
    make, judge = d.model("make", Z, A), d.model("judge", A, L)
    one = d.data("one", S, L)
    d.goal("real", x >> judge, one, by="bce", train=["judge"])
    d.goal("fool", z >> make >> judge, one, by="bce", train=["make"], weight=0.5)
    maps = {"make": ld.layers.mlp(3, 4, 2), "judge": ld.layers.mlp(2, 4, 1)}
    c = d.compile(backend, maps=maps, dtype="float64")
    data = {"x": RNG.normal(size=(8, 2)), "one": np.ones((8, 1))}
    value, grads = c.value_and_grad(data)
    terms = {k: v.item() for k, v in c.loss(data).terms.items()}
    assert value.item() == pytest.approx(terms["real"] + 0.5 * terms["fool"], abs=1e-12)
    # The players by hand, on torch, from the same numbers and the same draw.
    other: Any = d.compile("torch", maps=maps, dtype="float64")
    player, critic = (other.maps.map(name).module for name in ("make", "judge"))
    draw, real = (torch.from_numpy(np.asarray(c.draw(data)[name])) for name in ("z", "x"))
    bce = nn.functional.binary_cross_entropy_with_logits
    moves = {
        "make": (player, 0.5 * bce(critic(player(draw)), torch.ones(8, 1, dtype=torch.float64))),
        "judge": (critic, bce(critic(real), torch.ones(8, 1, dtype=torch.float64))),
    }
    wanted = {
        name: dict(zip(dict(m.named_parameters()), torch.autograd.grad(loss, list(m.parameters())), strict=True))
        for name, (m, loss) in moves.items()
    }
    same(grads, wanted, atol=1e-12)
    other.loss(data).total.backward()
    same({n: {k: p.grad for k, p in m.named_parameters()} for n, (m, _) in moves.items()}, wanted, atol=1e-12)
    # Batch norm and dropout in a game: tests/backends/test_variants.py


# fit --------------------------------------------------------------------------------------------------------


def test_a_step_is_its_batchs_mean_and_history_weights_by_size(backend):
    """50 rows in batches of 16: with a rate of 0 the epoch's term is that over all data, and so are residuals."""
    c = distillation().compile(backend, maps=LAYERS, dtype="float64")
    row = c.fit(DATA, epochs=1, batch_size=16, optimizer="sgd", lr=0.0)[0]
    whole = c.evaluate(DATA)
    assert row["step"] == 4 and {name: row[name] for name in whole} == pytest.approx(whole, abs=1e-12)
    for size in (1, 7, 49, 50):
        assert dict(c.residuals(DATA, batch_size=size)) == pytest.approx(dict(c.residuals(DATA)), abs=1e-12)


def by_hand(backend: str, name: str, steps: int) -> np.ndarray:
    """A weight w after some steps of the backend's own optimizer, with its defaults, on the mean of (x w − y)²."""
    w, x, y = np.ones((1, 3)), DATA_LINEAR["x"], DATA_LINEAR["y"]
    if backend == "torch":
        weight = torch.nn.Parameter(torch.from_numpy(w))
        kinds = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
        kinds |= {"rmsprop": torch.optim.RMSprop, "momentum": lambda p: torch.optim.SGD(p, momentum=0.9)}
        optimizer = kinds[name]([weight])
        for _ in range(steps):
            optimizer.zero_grad()
            ((torch.from_numpy(x) @ weight.T - torch.from_numpy(y)) ** 2).mean().backward()
            optimizer.step()
        return weight.detach().numpy()
    import optax

    rate = 1e-2 if name == "rmsprop" else 1e-3  # torch's, since optax has none of its own
    optimizer = optax.sgd(rate, momentum=0.9) if name == "momentum" else getattr(optax, name)(rate)
    with jax.enable_x64(True):
        weight = jnp.asarray(w)
        state = optimizer.init(weight)
        for _ in range(steps):
            gradient = jax.grad(lambda w: ((x @ w.T - y) ** 2).mean())(weight)
            update, state = optimizer.update(gradient, state, weight)
            weight = optax.apply_updates(weight, update)
        return np.asarray(weight)


DATA_LINEAR = {"x": RNG.normal(size=(8, 3)), "y": RNG.normal(size=(8, 1))}


@pytest.mark.parametrize("name", ["sgd", "momentum", "adam", "adamw", "rmsprop"])
def test_optimizers_by_name_are_the_backends_own_with_its_defaults(backend, name):
    """Two stages: each begins with a fresh optimizer."""
    d = ld.Diagram()
    S, A, B = d.objects("S", "A", "B")
    d.goal("g", d.data("x", S, A) >> d.model("f", A, B), d.data("y", S, B))
    c = d.compile(backend, maps={"f": ld.layers.linear(3, 1, bias=False)}, dtype="float64")
    c.load_parameters({"f": {"weight": np.ones((1, 3))}})
    c.fit(DATA_LINEAR, steps=4, batch_size=8, optimizer=name)
    np.testing.assert_allclose(flat(c.parameters())["f.weight"], by_hand(backend, name, 4), atol=1e-12)


def test_rates_schedules_clipping_validation_and_callbacks(backend):
    """A rate for single models, a schedule of one's own, a held-out fraction, the largest norm of the gradient."""
    c = distillation().compile(backend, maps=LAYERS, dtype="float64")
    before, seen = flat(c.parameters()), []
    options = {"epochs": 2, "batch_size": 20, "optimizer": "sgd", "validation": 0.2, "callbacks": seen.append}
    history = c.fit(DATA, lr={"student": 0.0}, **options)
    assert [row["step"] for row in history] == [2, 4], "40 rows are left"
    assert [event.kind for event in seen] == [*("step", "step", "epoch") * 2, "stage"]
    same(c.parameters(), {"teacher": _of("teacher", before), "student": _of("student", before)})
    c.fit(DATA, lr=1.0, schedule=lambda step: 0.0, **options)
    same({"student": c.parameters()["student"]}, {"student": _of("student", before)})
    c.fit(DATA, lr=1.0, clip=1e-3, steps=1, batch_size=50, optimizer="sgd")
    moved = np.sqrt(sum(((value - before[name]) ** 2).sum() for name, value in flat(c.parameters()).items()))
    assert moved == pytest.approx(1e-3, rel=1e-2)


def _of(generator: str, table) -> dict[str, np.ndarray]:
    return {name.partition(".")[2]: value for name, value in table.items() if name.startswith(f"{generator}.")}


def test_ctrl_c_leaves_what_resume_goes_on_from(backend, tmp_path):
    """The numbers are those of the uninterrupted run, bit for bit. (With dropout, batch norm, averages, noise and
    stages, and from every place: tests/test_training_numbers.py::test_resume_is_bit_for_bit_from_everywhere.)
    """

    def run(**options):
        c = distillation().compile(backend, maps=LAYERS)
        return c, c.fit(DATA, epochs=2, batch_size=20, schedule="cosine", **options)

    def press(event):
        if event.kind == "step" and event.step == 4:
            signal.raise_signal(signal.SIGINT)

    whole, rows = run()
    _, first = run(out=tmp_path, callbacks=press)
    assert first.interrupted and len(first) == 1
    rest, again = run(out=tmp_path, resume=True)
    same(rest.parameters(), whole.parameters())
    assert rest.step == whole.step and again["soft"] == rows["soft"] and again["hard"] == rows["hard"]


def test_loops_of_ones_own_take_the_steps_of_fit(backend):
    """`module` on torch; `pure`, `draw` on jax; and `advance` after each step, which counts it and moves averages."""
    d = ld.Diagram()
    S, A = d.object("S"), d.object("A", shape=(3,))
    x, z, f = d.data("x", S, A), d.noise("z", S, A, "normal()"), d.model("f", A, A)
    d.goal("one", x >> f, x >> d.frozen("k", A, A), weight=ld.schedules.linear(0, 1, steps=7))
    d.goal("two", z >> f, z >> d.ema("e", of="f", decay=0.9), weight=0.5)
    maps, data = {"f": ld.layers.mlp(3, 5, 3), "k": ld.layers.linear(3, 3)}, {"x": RNG.normal(size=(8, 3))}
    mine, fitted = (d.compile(backend, maps=maps, dtype="float64") for _ in range(2))
    if backend == "torch":
        assert isinstance(mine.module, nn.Module) and mine.module(data, 3).item() == mine.loss(data, 3).total.item()
        names = [name for name, _ in mine.module.named_parameters()]
        assert "f.0.weight" in names and "k.weight" in names, "all maps"
        optimizer = torch.optim.SGD([p for n, p in mine.module.named_parameters() if n.startswith("f.")], lr=0.1)
        for _ in range(5):
            optimizer.zero_grad()
            mine.module(data).backward()
            optimizer.step()
            mine.advance()
    else:
        with jax.enable_x64(True):
            params, fn = mine.pure()
            assert list(params) == ["f"], "trained parameters only"
            step = jax.jit(jax.value_and_grad(fn, has_aux=True))
            for _ in range(5):
                (total, terms), gradients = step(params, mine.draw(data), mine.step)
                assert total.item() == pytest.approx(mine.loss(data).total.item()) and list(terms) == ["one", "two"]
                params = jax.tree.map(lambda p, g: p - 0.1 * g, params, gradients)
                mine.advance(params)
    fitted.fit(data, steps=5, batch_size=8, optimizer="sgd", lr=0.1)
    assert mine.step == fitted.step == 5
    same(mine.parameters(), fitted.parameters(), atol=1e-12)


def test_what_belongs_to_the_other_backend_says_so():
    """An error that names what there is instead."""
    with pytest.raises(DiagramError, match="jax there is `pure"):
        _ = distillation().compile("jax", maps=LAYERS).module
    with pytest.raises(DiagramError, match="torch there is `module`"):
        distillation().compile("torch", maps=LAYERS).pure()


# What is said elsewhere: unpaired lengths, samplers, iterables, stages (tests/test_training.py); early stopping and
# resuming (tests/test_training_ends.py); DataLoaders, numbers that are not finite (tests/test_training_numbers.py).
