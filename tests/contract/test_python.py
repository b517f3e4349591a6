"""The Python interface of diagrams, compilation and training, line by line, on both backends.

One test, or a few, for each line of the interface, in its order. What another test says in full is only named here.
"""

import copy
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
from tests.contract.distillation import DATA, LAYERS, RNG, X, Y, distillation, flat, nets, same

# The example ------------------------------------------------------------------------------------------------


def test_the_example_runs_as_it_is_written(backend, tmp_path):
    """Ten lines: declare, compile, look at the loss and its gradient, apply, train, measure, save, restore."""
    c = distillation().compile(backend=backend, maps=nets(), seed=0, dtype="float32")
    out = c.loss(DATA)
    terms = {k: v.item() for k, v in out.terms.items()}
    assert list(terms) == ["hard", "soft"], "terms are the goals', unweighted; a measure is none"
    assert out.total.item() == pytest.approx(terms["hard"] + 0.7 * terms["soft"], abs=1e-6)
    value, grads = c.value_and_grad(DATA)
    assert value.ndim == 0 and value.item() == pytest.approx(out.total.item(), abs=1e-6)
    assert {name: list(table) for name, table in grads.items()} == {
        "student": ["0.weight", "0.bias", "1.weight", "1.bias", "3.weight", "3.bias"]
    }, "for trained generators only, by the module's own names, without buffers"
    assert list(c.parameters()) == ["teacher", "student"], "of every map, frozen too"
    logits = np.asarray(c.apply("pixels >> student", X))
    np.testing.assert_allclose(logits, np.asarray(c.apply(c.diagram["student"], X)))
    history = c.fit(DATA, epochs=5, batch_size=16, optimizer="adam", lr=1e-2, validation={**DATA}, schedule="onecycle")
    assert len(history) == 5 and history[-1]["hard"] < history[0]["hard"] and c.step == 5 * 4
    assert history.columns == [
        *("step", "epoch", "stage", "hard", "soft", "accuracy", "val_hard", "val_soft", "val_accuracy", "seconds")
    ]
    found, residuals = c.evaluate(DATA), c.residuals(DATA)
    assert list(found) == ["hard", "soft", "accuracy"] and all(type(x) is float for x in found.values())
    assert dict(residuals) == pytest.approx({name: found[name] for name in ("hard", "soft")}, abs=1e-6)
    assert residuals.get("nothing") is None
    c.save(tmp_path / "student.safetensors")
    other = distillation().compile(backend={"torch": "jax", "jax": "torch"}[backend], maps=nets(seed=1))
    assert other.evaluate(DATA) != pytest.approx(found, abs=1e-3)
    other.restore(tmp_path / "student.safetensors")
    assert other.evaluate(DATA) == pytest.approx(found, abs=1e-5), "also on the other backend, buffers too"


def test_what_may_be_declared():
    """Every declaration has its method; what is built in Python reads as text, and back."""
    d = ld.Diagram("all")
    S, A, B = d.objects("S", "A", "B")
    image = d.object("Image", shape=(64,), dtype="float")
    x, y = d.data("x", S, A), d.data("y", S, A)
    f, g, k = d.model("f", A, A), d.model("g", A, A), d.fixed("k", A, A)
    z, slow = d.noise("z", S, A, "normal(16)"), d.ema("slow", of="f", decay=0.99)
    d.map("m", image, B)
    d.law(k >> k, ld.identity(A), name="involution")
    d.goal("still", f, ld.stop(g), by="cosine", on=[x, y])
    d.goal("fool", z >> f >> g, y, by="mse", train=["f"], weight=ld.schedules.linear(0, 1, steps=500))
    d.goal("follow", "x >> f", "x >> slow")
    d.measure("r2", x >> f, y, by="r2")
    d.stage("distil", train=["f"], by=["still", "follow"], epochs=5)
    assert d["slow"] == slow and d.parse("x >> f") == x >> f
    again = ld.loads(str(d))
    assert str(again) == str(d) and again.goals["fool"].train == ("f",) and again.goals["still"].on[1] == again["y"]


def test_saving_as_text(tmp_path):
    """`ld.load(path)`, `d.save(path)`, and `str(d)` is the text; a function as comparator has none."""
    d = distillation()
    d.save(tmp_path / "copy.diagram")
    assert str(ld.load(tmp_path / "copy.diagram")) == str(d)
    assert (tmp_path / "copy.diagram").read_text(encoding="utf-8").rstrip() == str(d)

    def mine(left, right):
        return ((left - right) ** 2).sum()

    d.goal("own", "pixels >> teacher", "pixels >> student", by=mine)
    assert "by ⟨mine⟩" in str(d)
    with pytest.raises(DiagramError, match="own"):
        d.save(tmp_path / "copy.diagram")


def test_comparators_are_names_values_or_functions(backend):
    """`by` takes each of them; a function is called with two arrays of the backend."""
    d, seen = distillation(), []

    def mine(left, right):
        seen.append(type(left).__module__.partition(".")[0])
        return abs(left - right).mean()

    for name, by in (("name", "l1"), ("value", ld.losses.l1()), ("function", mine)):
        d.goal(name, "pixels >> student", "pixels >> teacher", by=by)
    terms = {k: v.item() for k, v in d.compile(backend, maps=LAYERS).loss(DATA).terms.items()}
    assert terms["name"] == terms["value"] == pytest.approx(terms["function"], abs=1e-6)
    assert seen[0] in (backend, "jaxlib")


# Mode, step -------------------------------------------------------------------------------------------------


def test_models_train_in_fit_and_evaluate_elsewhere(backend):
    """Batch norm learns in `fit` and under `training=True` alone; frozen maps never; averages follow."""
    d = distillation()
    d.ema("slow", of="student", decay=0.5)
    d.measure("slow_too", "pixels >> slow", "label", by="accuracy")
    normed = {"teacher": ld.layers.mlp(6, 8, 4, norm="batch"), "student": ld.layers.mlp(6, 5, 4, norm="batch")}
    c = d.compile(backend, maps=normed)
    start = c.maps.buffers()
    for look in (c.loss, c.value_and_grad, c.evaluate, c.residuals):
        look(DATA)
    c.apply("student", X)
    same(c.maps.buffers(), start)
    c.loss(DATA, training=True)
    after = flat(c.maps.buffers())
    count = "1.num_batches_tracked"
    assert after[f"student.{count}"] == 1 and after[f"teacher.{count}"] == after[f"slow.{count}"] == 0
    c.fit(DATA, epochs=1, batch_size=25)
    after = flat(c.maps.buffers())
    assert after[f"student.{count}"] == after[f"slow.{count}"] == 3 and after[f"teacher.{count}"] == 0
    assert not [name for table in c.parameters().values() for name in table if "running" in name]


@pytest.mark.parametrize("how", ["ends", "fails"])
def test_the_modules_own_flags_are_put_back(backend, how):
    """`training` and `requires_grad` are as they were, also after an exception; value_and_grad leaves `.grad` alone."""
    maps = nets()
    maps["student"].eval()[2].train()
    maps["teacher"].train()[0].weight.requires_grad_(False)
    maps["student"][0].bias.requires_grad_(False)
    parameters = [p for module in maps.values() for p in module.parameters()]
    for parameter in parameters:
        parameter.grad = torch.ones_like(parameter)

    def flags():
        parts = [part for module in maps.values() for part in module.modules()]
        return [part.training for part in parts], [parameter.requires_grad for parameter in parameters]

    before, held = flags(), maps["student"][0].bias.detach().clone()
    c = distillation().compile(backend, maps=maps)
    c.value_and_grad(DATA, training=True)
    assert all((parameter.grad == 1).all() for parameter in parameters)
    if how == "ends":
        c.fit(DATA, epochs=1)
        c.evaluate(DATA)
    else:
        for wrong in ({"callbacks": lambda event: 1 / 0}, {"data": {"pixels": X[:, :3], "label": Y}}):
            with pytest.raises((ZeroDivisionError, RuntimeError, DiagramError)):
                c.fit(**{"data": DATA, "epochs": 1, **wrong})
        with pytest.raises((RuntimeError, DiagramError)):
            c.loss({"pixels": X[:, :3], "label": Y}, training=True)
    assert flags() == before and torch.equal(maps["student"][0].bias, held)
    np.testing.assert_array_equal(flat(c.parameters())["student.0.bias"], held, "held still on both backends")


def test_the_step_keys_noise_and_schedules(backend):
    """`step=None` is `c.step`: 0 when compiled, counted by fit and by `advance`."""
    d = ld.Diagram()
    S, A = d.object("S"), d.object("A", shape=(3,))
    d.goal("g", d.noise("z", S, A, "normal()") >> d.model("f", A, A), d.data("x", S, A), weight="linear(1, 3, steps=4)")
    c, data = d.compile(backend, maps={"f": ld.layers.linear(3, 3)}), {"x": X[:, :3]}
    at = [c.loss(data, step=step) for step in (0, 1)]
    assert c.loss(data).total.item() == at[0].total.item() == at[0].terms["g"].item()
    assert at[1].terms["g"].item() != at[0].terms["g"].item()
    assert at[1].total.item() == pytest.approx(1.5 * at[1].terms["g"].item(), rel=1e-6)
    c.advance()
    assert c.step == 1 and c.loss(data).total.item() == at[1].total.item()
    c.fit(data, steps=3)
    assert c.step == 4


# Ownership --------------------------------------------------------------------------------------------------


def test_whose_numbers_they_are(backend):
    """On torch the given modules are trained in place; on jax they are copied, and change by `write_back`."""
    maps = nets()
    before = {name: copy.deepcopy(module.state_dict()) for name, module in maps.items()}
    c = distillation().compile(backend, maps=maps)
    c.fit(DATA, epochs=1)

    def changed(name):
        return not all(torch.equal(value, before[name][key]) for key, value in maps[name].state_dict().items())

    assert changed("student") is (backend == "torch") and not changed("teacher")
    if backend == "jax":
        parameter = maps["student"][0].weight
        assert c.write_back()["student"] is maps["student"] and maps["student"][0].weight is parameter
        assert changed("student") and not changed("teacher")
    np.testing.assert_array_equal(flat(c.parameters())["student.0.weight"], maps["student"][0].weight.detach())
    np.testing.assert_array_equal(flat(c.maps.buffers())["student.1.running_mean"], maps["student"][1].running_mean)


def test_gradients_pass_through_frozen_maps(backend):
    """A frozen map in the middle hands gradients on and receives none."""
    d = ld.Diagram()
    S, A, B = d.objects("S", "A", "B")
    x, y = d.data("x", S, A), d.data("y", S, B)
    d.goal("g", x >> d.model("f", A, A) >> d.frozen("t", A, B), y)
    torch.manual_seed(0)
    maps = {"f": nn.Linear(3, 3), "t": nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2), nn.Dropout(0.5))}
    data = {"x": RNG.normal(size=(9, 3)), "y": RNG.normal(size=(9, 2))}
    c = d.compile(backend, maps=maps, dtype="float64")
    _, grads = c.value_and_grad(data, training=True)
    f, t = (copy.deepcopy(maps[name]).double().eval() for name in "ft")
    wanted = torch.autograd.grad(((t(f(torch.tensor(data["x"]))) - torch.tensor(data["y"])) ** 2).mean(), f.weight)[0]
    np.testing.assert_allclose(np.asarray(grads["f"]["weight"]), wanted, atol=1e-12)
    assert list(grads) == ["f"]
    if backend == "torch":
        c.loss(data).total.backward()
        assert maps["f"].weight.grad is not None and all(p.grad is None for p in maps["t"].parameters())


class Tied(nn.Module):
    """A token's scores by the embedding itself."""

    def __init__(self):
        super().__init__()
        self.embed, self.score = nn.Embedding(4, 3), nn.Linear(3, 4, bias=False)
        self.score.weight = self.embed.weight

    def forward(self, x):
        return self.score(self.embed(x))


def test_tied_weights_stay_one_parameter(backend):
    """Within a map and between two: one number, one update, and the sum of both gradients."""
    d = ld.Diagram()
    S, T, A = d.object("S"), d.object("T", shape=(), dtype="int"), d.object("A", shape=(4,))
    t, a, y = d.data("t", S, T), d.data("a", S, A), d.data("y", S, A)
    d.goal("words", t >> d.model("tied", T, A), y, by="cross_entropy")
    d.goal("one", a >> d.model("f", A, A), y, by="cross_entropy")
    d.goal("two", a >> d.model("g", A, A), y, by="cross_entropy", weight=2.0)
    torch.manual_seed(0)
    shared = nn.Linear(4, 4)
    maps = {"tied": Tied(), "f": nn.Sequential(shared), "g": nn.Sequential(nn.Identity(), shared)}
    data = {"t": Y, "a": RNG.normal(size=(50, 4)), "y": Y}
    c = d.compile(backend, maps=maps, dtype="float64")
    assert list(c.parameters()["tied"]) == ["embed.weight"]
    gradients = flat(c.value_and_grad(data)[1])
    np.testing.assert_array_equal(gradients["f.0.weight"], gradients["g.1.weight"])
    tied, linear, label = copy.deepcopy(maps["tied"]).double(), copy.deepcopy(shared).double(), torch.tensor(Y)
    loss = nn.functional.cross_entropy(tied(label), label)
    loss = loss + 3 * nn.functional.cross_entropy(linear(torch.tensor(data["a"])), label)
    wanted = torch.autograd.grad(loss, [tied.embed.weight, linear.weight])
    np.testing.assert_allclose(gradients["tied.embed.weight"], wanted[0], atol=1e-12)
    np.testing.assert_allclose(gradients["f.0.weight"], wanted[1], atol=1e-12)
    c.fit(data, steps=2, optimizer="adam")
    after = flat(c.parameters())
    np.testing.assert_array_equal(after["f.0.weight"], after["g.1.weight"])


@pytest.mark.parametrize("roles", [("model", "frozen"), ("frozen", "model")])
def test_a_parameter_of_a_frozen_and_a_trained_map_is_an_error_naming_both(backend, roles):
    """It cannot both move and stay. Two frozen maps may share."""
    shared = nn.Linear(3, 3)

    def compiled(*roles):
        d = ld.Diagram()
        S, A = d.objects("S", "A")
        x = d.data("x", S, A)
        for name, role in zip("fg", roles, strict=True):
            d.goal(f"goal_{name}", x >> getattr(d, role)(name, A, A), x)
        return d.compile(backend, maps={"f": nn.Sequential(shared), "g": nn.Sequential(nn.Identity(), shared)})

    with pytest.raises(DiagramError, match=r"(?=.*`f`)(?=.*`g`)(?=.*0\.weight)(?=.*1\.weight)"):
        compiled(*roles)
    compiled("frozen", "frozen")


def test_parameters_are_a_snapshot(backend):
    """Changing what `parameters()` gave changes nothing; `load_parameters` takes any part of it."""
    c = distillation().compile(backend, maps=LAYERS)
    snapshot, kept = c.parameters(), flat(c.parameters())
    if backend == "torch":
        snapshot["student"]["0.weight"].zero_()
    snapshot["student"]["0.weight"] = snapshot["student"]["0.weight"] * 0
    del snapshot["teacher"]
    assert flat(c.parameters()).keys() == kept.keys()
    np.testing.assert_array_equal(flat(c.parameters())["student.0.weight"], kept["student.0.weight"])
    c.load_parameters(snapshot)
    assert not flat(c.parameters())["student.0.weight"].any()
    np.testing.assert_array_equal(flat(c.parameters())["student.0.bias"], kept["student.0.bias"])
    # Unknown names and other shapes: tests/test_compiled.py::test_numbers_that_do_not_fit_are_refused


def test_a_trained_model_that_no_goal_reaches_has_zero_gradients(backend):
    """It is listed, with zeros, and training leaves it as it is."""
    d = distillation()
    d.model("idle", d["student"].dom, d["student"].cod)
    d.measure("idle_too", "pixels >> idle", "label", by="accuracy")
    c = d.compile(backend, maps={**LAYERS, "idle": ld.layers.linear(6, 4)})
    before, grads = flat({"idle": c.parameters()["idle"]}), flat(c.value_and_grad(DATA)[1])
    assert not grads["idle.weight"].any() and grads["idle.weight"].shape == (4, 6) and grads["student.0.weight"].any()
    c.fit(DATA, epochs=1, optimizer="adamw")
    same({"idle": c.parameters()["idle"]}, {"idle": {k.removeprefix("idle."): v for k, v in before.items()}})


# Maps, realisations -----------------------------------------------------------------------------------------


def linear_in_every_form() -> dict[str, tuple[tuple[str, ...], object]]:
    import equinox as eqx
    from flax import nnx

    w, b = np.arange(6.0, dtype="float32").reshape(2, 3), np.array([1, -1], "float32")
    module = nn.Linear(3, 2)
    with torch.no_grad():
        module.weight.copy_(torch.from_numpy(w)), module.bias.copy_(torch.from_numpy(b))
    row = eqx.nn.Linear(3, 2, key=jax.random.key(0))
    row = eqx.tree_at(lambda m: (m.weight, m.bias), row, (jnp.asarray(w), jnp.asarray(b)))
    cell: Any = nnx.Linear(3, 2, rngs=nnx.Rngs(0))
    cell.kernel[...], cell.bias[...] = jnp.asarray(w.T), jnp.asarray(b)
    return {
        "a torch module": (("torch", "jax"), module),
        "a torch function": (("torch",), lambda x: x @ torch.from_numpy(w).T + torch.from_numpy(b)),
        "a jax function": (("jax",), lambda x: x @ w.T + b),
        "a pair": (("jax",), ({"w": w, "b": jnp.asarray(b)}, lambda p, x: x @ p["w"].T + p["b"])),
        "equinox, one row under vmap": (("jax",), row),
        "flax nnx": (("jax",), cell),
    }


@pytest.mark.parametrize(
    "form",
    ["a torch module", "a torch function", "a jax function", "a pair", "equinox, one row under vmap", "flax nnx"],
)
def test_what_realises_a_generator(backend, form):
    """Each form gives the same value; the torch module is one object for both backends."""
    backends, given = linear_in_every_form()[form]
    if backend not in backends:
        pytest.skip(f"{form} is not for {backend}")
    d = ld.Diagram()
    S, A, B = d.objects("S", "A", "B")
    d.goal("g", d.data("x", S, A) >> d.model("f", A, B), d.data("y", S, B))
    c = d.compile(backend, maps={"f": given})
    x = RNG.normal(size=(4, 3)).astype("float32")
    w, b = np.arange(6.0).reshape(2, 3), np.array([1, -1])
    np.testing.assert_allclose(np.asarray(c.apply("f", x)), x @ w.T + b, atol=1e-5)
    # The families of torch modules on jax, values and gradients: tests/backends/test_torch_on_jax.py


def test_a_map_out_of_1_is_called_without_arguments(backend):
    """It gives one value without batch axis, which meets a batch; a goal out of 1 is evaluated once, without data."""
    d = ld.Diagram()
    S, A = d.object("S"), d.object("A", shape=(3,))
    mean = d.model("mean", d.unit, A, ld.layers.constant((0.0, 0.0, 0.0)))
    d.goal("near", d.parse("drop(S) >> mean"), d.data("x", S, A))
    d.goal("small", mean, d.fixed("two", d.unit, A))
    numbers = {"torch": torch, "jax": jnp}[backend]
    c = d.compile(backend, maps={"two": lambda: numbers.full((3,), 2.0)})
    assert c.apply("two").shape == (3,) and c.loss({}).total.item() == 4
    x = RNG.normal(size=(16, 3))
    c.fit({"x": x}, steps=60, batch_size=16, optimizer="sgd", lr=0.5)
    np.testing.assert_allclose(np.asarray(c.apply("mean")), (x.mean(0) + 2) / 2, atol=1e-5)
    assert c.evaluate({}).keys() == {"small"}


def test_products_are_arguments_and_tuples(backend):
    """A map out of A * B is called as f(a, b); a map into A * B returns a tuple."""
    d = ld.Diagram()
    S, A, B = d.objects("S", "A", "B")
    x, _ = d.data("x", S, A), d.data("y", S, B)
    d.fixed("swap", A * B, B * A), d.model("f", A, A)
    d.goal("g", "(x & y) >> swap >> proj(B * A, 1) >> f", x)
    c = d.compile(backend, maps={"swap": lambda a, b: (b, a), "f": ld.layers.linear(3, 3)})
    a, b = RNG.normal(size=(4, 3)), RNG.normal(size=(4, 2))
    swapped = c.apply("swap", a, b)
    assert isinstance(swapped, tuple) and [np.asarray(v).shape for v in swapped] == [(4, 2), (4, 3)]
    assert c.loss({"x": a, "y": b}).total.ndim == 0


def test_a_morphism_is_handed_out_as_one_map(backend):
    """`extract`: on torch a module, on jax the pair (params, apply), on a copy of the numbers, evaluating."""
    c = distillation().compile(backend=backend, maps=nets(), seed=0)
    taken, wanted = c.extract("student"), np.asarray(c.maps.numpy(c.apply("student", X)))
    if backend == "torch":
        assert isinstance(taken, nn.Module) and not taken.training
        value = taken(torch.as_tensor(X, dtype=torch.float32)).detach().numpy()
    else:
        params, apply = taken
        value = np.asarray(jax.jit(apply)(params, jnp.asarray(X, jnp.float32)))
    np.testing.assert_allclose(value, wanted, atol=1e-6)
    student = distillation().compile(backend=backend, maps={**nets(), "student": taken}, seed=0)
    assert student.evaluate(DATA) == pytest.approx(c.evaluate(DATA), abs=1e-6), "it is a map again"
    with pytest.raises(DiagramError, match="starts at `pixels`"):
        c.extract("pixels >> student")


def test_layers_start_from_the_same_numbers_for_one_seed():
    """On both backends; whole curves agree in float64 (tests/test_training_numbers.py has every optimizer)."""
    d = distillation()
    one, two = (d.compile(backend, maps=LAYERS, seed=3, dtype="float64") for backend in ("torch", "jax"))
    same(one.parameters(), two.parameters())
    assert not np.array_equal(flat(d.compile("torch", maps=LAYERS, seed=4).parameters())["student.0.weight"], 0)
    curves = [c.fit(DATA, epochs=4, batch_size=16) for c in (one, two)]
    for name in ("hard", "soft", "accuracy"):
        assert curves[0][name] == pytest.approx(curves[1][name], abs=1e-6)
    assert jnp.ones(1).dtype == jnp.float32, "the process's own setting stays"


# What is said elsewhere: a batch that lacks a sample object (tests/test_compiled.py); a generator that occurs many
# times (tests/test_compiled.py::test_repeats_share_their_parameters); that importing the package loads no framework
# (tests/test_architecture.py); training (test_python_training.py).
