"""Training on real backends gives the numbers of a loop by hand, of the other backend, of a resumed run."""

from pathlib import Path

import numpy as np
import pytest

from learningdiagrams.diagram import Diagram
from learningdiagrams.errors import DiagramError
from learningdiagrams.training import Event

RNG = np.random.default_rng(0)
X = RNG.standard_normal((40, 4))
LABEL = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)
DATA = {"x": X, "label": LABEL}


def distillation(layer: str = "mlp(4, 6, 3)") -> Diagram:
    d = Diagram("distillation")
    S, A, L = d.object("S"), d.object("A", shape=(4,)), d.object("L", shape=(3,))
    x, label = d.data("x", S, A), d.data("label", S, L)
    teacher, student = d.frozen("teacher", A, L, "mlp(4, 8, 3)"), d.model("student", A, L, layer)
    d.goal("hard", x >> student, label, by="cross_entropy")
    d.goal("soft", x >> student, x >> teacher, by="kl(temperature=4)", weight="linear(0, 1, steps=6)")
    d.measure("accuracy", x >> student, label, by="accuracy")
    return d


def everything() -> Diagram:
    """Dropout, batch norm, an average, noise, unpaired data, two stages."""
    d = distillation('mlp(4, 8, 3, norm="batch", dropout=0.3)')
    S, T, A = d.sorts["S"], d.object("T"), d.sorts["A"]
    mean = d.ema("mean", of="student", decay=0.8)
    z, other = d.noise("z", S, A, "normal(std=0.1)"), d.data("other", T, A)
    add = d.fixed("add", A * A, A, "add")
    d.goal("steady", (d["x"] & z) >> add >> d["student"], d["x"] >> mean, by="mse")
    d.goal("far", other >> d["student"], other >> d["teacher"], by="mse")
    d.stage("first", train=["student"], by=["hard", "soft"], steps=5)
    d.stage("second", train=["student"], by=["hard", "steady", "far"])
    return d


MORE = {**DATA, "other": RNG.standard_normal((13, 4))}


def flat(parameters) -> dict[str, np.ndarray]:
    return {f"{g}.{n}": np.asarray(value) for g, named in parameters.items() for n, value in named.items()}


def rows(history):
    return [{name: value for name, value in row.items() if name != "seconds"} for row in history]


def stop_at(step: int):
    def callback(event: Event) -> None:
        if event.kind == "step" and event.step == step:
            raise KeyboardInterrupt

    return callback


def test_frozen_maps_never_change_and_the_loss_goes_down(backend):
    c = distillation().compile(backend)
    before = flat(c.parameters())
    history = c.fit(DATA, epochs=30, batch_size=16, lr=3e-2, validation=0.25)
    after = flat(c.parameters())
    assert all(np.array_equal(before[n], after[n]) for n in before if n.startswith("teacher"))
    assert any(not np.array_equal(before[n], after[n]) for n in before if n.startswith("student"))
    assert history[-1]["hard"] < 0.7 * history[0]["hard"] and c.evaluate(DATA)["accuracy"] > 0.6
    assert c.step == 60 and "val_accuracy" in history.columns


def test_resume_is_bit_for_bit(tmp_path: Path, backend: str):
    check_resume(tmp_path, backend, at=8)


@pytest.mark.parametrize("at", [3, 5, 7, 11])
def test_resume_is_bit_for_bit_from_everywhere(tmp_path: Path, at: int):
    """Stopped within the first stage, at its end, between epochs of the second, at the end of it all."""
    pytest.importorskip("torch")
    check_resume(tmp_path, "torch", at)


def check_resume(tmp_path: Path, backend: str, at: int) -> None:
    options = {
        "epochs": 3,
        "batch_size": 16,
        "schedule": "cosine",
        "lr": 1e-2,
        "validation": 0.2,
        "clip": 1.0,
    }
    whole = everything().compile(backend, seed=1)
    reference = whole.fit(MORE, **options)
    first = everything().compile(backend, seed=1)
    assert first.fit(MORE, **options, out=tmp_path, callbacks=stop_at(at)).interrupted
    second = everything().compile(backend, seed=1)
    history = second.fit(MORE, **options, out=tmp_path, resume=True)
    assert rows(history) == rows(reference) and second.step == whole.step
    for one, two in (
        (whole.maps.parameters(), second.maps.parameters()),
        (whole.maps.buffers(), second.maps.buffers()),
    ):
        assert flat(one).keys() == flat(two).keys() != set()
        assert all(np.array_equal(flat(one)[name], flat(two)[name]) for name in flat(one))


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam"])
def test_curves_agree_between_backends(optimizer):
    pytest.importorskip("torch")
    pytest.importorskip("jax")
    found = []
    for backend in ("torch", "jax"):
        d = everything() if optimizer == "adam" else distillation()
        if optimizer == "adam":  # dropout agrees in distribution only
            d = distillation('mlp(4, 8, 3, norm="batch")')
            z = d.noise("z", d.sorts["S"], d.sorts["A"], "normal(std=0.1)")
            d.goal("noisy", z >> d["student"], z >> d.ema("mean", of="student"), by="mse")
        c = d.compile(backend, dtype="float64", seed=3)
        history = c.fit(
            DATA, epochs=4, batch_size=16, optimizer=optimizer, lr=1e-2, schedule="onecycle", validation=0.2
        )
        found.append((history, flat(c.parameters())))
    (one, mine), (two, theirs) = found
    for a, b in zip(one, two, strict=True):
        for name in a.keys() - {"seconds", "stage"}:
            assert a[name] == pytest.approx(b[name], abs=1e-6), name
    assert all(np.allclose(mine[name], theirs[name], atol=1e-6) for name in mine)


def test_torch_gives_the_numbers_of_a_loop_by_hand():
    torch = pytest.importorskip("torch")
    from torch.nn import functional as F

    from learningdiagrams.data import epoch_order

    def nets():
        torch.manual_seed(0)
        return torch.nn.Linear(4, 3).requires_grad_(False), torch.nn.Linear(4, 3)

    teacher, student = nets()
    c = distillation().compile("torch", maps={"teacher": teacher, "student": student})
    history = c.fit(DATA, epochs=2, batch_size=16, lr=1e-2, seed=0)
    teacher2, hand = nets()
    optimizer = torch.optim.Adam(hand.parameters(), lr=1e-2)
    x, y = torch.tensor(X, dtype=torch.float32), torch.tensor(LABEL)
    step, means = 0, []
    for epoch in range(2):
        total = 0.0
        for chosen in epoch_order({"S": 40}, 16, 0, 0, 0, epoch):
            i = torch.from_numpy(chosen["S"])
            logits, target = hand(x[i]), teacher2(x[i])
            hard = F.cross_entropy(logits, y[i])
            soft = 16 * F.kl_div(
                F.log_softmax(logits / 4, -1),
                F.log_softmax(target / 4, -1),
                reduction="batchmean",
                log_target=True,
            )
            optimizer.zero_grad()
            (hard + min(step / 6, 1) * soft).backward()
            optimizer.step()
            step, total = step + 1, total + hard.item() * len(i)
        means.append(total / 40)
    assert history["hard"] == pytest.approx(means, abs=1e-6)
    assert torch.allclose(student.weight, hand.weight, atol=1e-6), "the module given was trained itself"


def test_a_stage_moves_its_models_only(backend):
    d = Diagram()
    S, A = d.object("S"), d.object("A", shape=(4,))
    x, f, g = d.data("x", S, A), d.model("f", A, A, "linear(4, 4)"), d.model("g", A, A, "linear(4, 4)")
    d.goal("fit", x >> f >> g, x)
    d.stage("head", train=["g"], by=["fit"])
    c = d.compile(backend)
    before = flat(c.parameters())
    c.fit({"x": X}, epochs=2, optimizer="adamw", lr=1e-2)
    after = flat(c.parameters())
    assert {n.split(".")[0] for n in before if not np.array_equal(before[n], after[n])} == {"g"}


def test_a_game_moves_each_player_by_its_own_goals(backend):
    """A saddle: the players' vector field, not the gradient of the sum."""
    d = Diagram()
    A = d.object("A", shape=())
    x, y = d.model("x", d.unit, A, "constant(1.0)"), d.model("y", d.unit, A, "constant(2.0)")
    times = d.fixed("times", A * A, A)
    zero = d.fixed("zero", d.unit, A)
    by = {"times": lambda a, b: a * b, "zero": lambda: np.zeros(())}
    if backend == "torch":
        import torch

        by["zero"] = lambda: torch.zeros(())
    d.goal("down", (x & y) >> times, zero, by=lambda a, b: (a - b).sum(), train=["x"])
    d.goal("up", (x & y) >> times, zero, by=lambda a, b: (b - a).sum(), train=["y"])
    c = d.compile(backend, maps=by, dtype="float64")
    x0, y0 = (np.asarray(next(iter(c.parameters()[name].values()))).item() for name in "xy")
    c.fit({}, steps=1, optimizer="sgd", lr=0.1)
    x1, y1 = (np.asarray(next(iter(c.parameters()[name].values()))).item() for name in "xy")
    assert (x1, y1) == pytest.approx((x0 - 0.1 * y0, y0 + 0.1 * x0))


def test_a_rate_for_single_models(backend):
    d = Diagram()
    S, A = d.object("S"), d.object("A", shape=(4,))
    x = d.data("x", S, A)
    for name in "fgh":
        d.goal(f"fit_{name}", x >> d.model(name, A, A, "linear(4, 4)"), x)
    c = d.compile(backend)
    for name in "gh":
        c.load_parameters({name: c.parameters()["f"]})
    before = flat(c.parameters())
    c.fit({"x": X}, steps=1, optimizer="sgd", lr={None: 0.1, "g": 0.2, "h": 0.0})
    after = flat(c.parameters())
    moved = {n: after[n] - before[n] for n in before}
    assert np.allclose(moved["g.weight"], 2 * moved["f.weight"], atol=1e-6) and not moved["h.weight"].any()
    assert moved["f.weight"].any()


def test_a_data_loader_and_an_optimizer_of_ones_own():
    torch = pytest.importorskip("torch")
    rows = torch.utils.data.TensorDataset(torch.tensor(X, dtype=torch.float32), torch.tensor(LABEL))
    loader = torch.utils.data.DataLoader(rows, batch_size=16)
    c = distillation().compile("torch")
    history = c.fit(loader, epochs=3, schedule="linear", optimizer=lambda groups: torch.optim.NAdam(groups), lr=1e-2)
    assert c.step == 9 and history[-1]["hard"] < history[0]["hard"] and "accuracy" in history.columns


def test_a_data_loader_of_torch_trains_on_jax():
    torch, optax = pytest.importorskip("torch"), pytest.importorskip("optax")
    rows = torch.utils.data.TensorDataset(torch.tensor(X), torch.tensor(LABEL))
    c = distillation().compile("jax")
    history = c.fit(
        torch.utils.data.DataLoader(rows, batch_size=20), epochs=2, optimizer=optax.scale_by_adam(), lr=1e-2
    )
    assert history[-1]["hard"] < history[0]["hard"]


def test_data_on_the_other_framework_give_the_same_numbers(backend):
    torch = pytest.importorskip("torch")
    one, two = distillation().compile(backend), distillation().compile(backend)
    a = one.fit(DATA, epochs=1, batch_size=16)
    b = two.fit({"x": torch.tensor(X), "label": torch.tensor(LABEL)}, epochs=1, batch_size=16)
    assert rows(a) == rows(b)


# Numbers that are not finite -----------------------------------------------------------------------------


def exploding(backend: str, where: str = "log"):
    """x >> f >> k; `k` is the map that gives something that is not finite once f has moved far enough."""
    d = Diagram()
    S, A = d.object("S"), d.object("A", shape=(1,))
    x, y = d.data("x", S, A), d.data("y", S, A)
    f = d.model("f", A, A, "linear(1, 1)")
    k = d.fixed(where, A, A)
    d.goal("fine", x >> f, y, weight=0.0)
    d.goal("bad", x >> f >> k, y)
    if backend == "torch":
        import torch as numbers
    else:
        import jax.numpy as numbers
    c = d.compile(backend, maps={where: numbers.log})
    c.load_parameters({"f": {"weight": np.full((1, 1), 0.0), "bias": np.full(1, 1.0)}})
    return c


def test_the_goal_the_step_and_the_first_map_are_named(backend):
    c = exploding(backend)
    with pytest.raises(DiagramError) as error:
        c.fit(
            {"x": np.ones((8, 1)), "y": np.full((8, 1), -9.0)},
            steps=50,
            batch_size=4,
            optimizer="sgd",
            lr=0.03,
        )
    text = str(error.value)
    step = int(text.removeprefix("step ").split(":")[0])
    assert text == (
        f"step {step}: goal `bad` is nan; the first map to give NaN is `log`, at x >> f >> log; a smaller "
        "lr, clip=1.0 or scaled data may help"
    )
    assert step > 0 and error.value.problems[0].name == "bad"
    # The maps are left as the step found them.
    assert c.step == step and np.isfinite(flat(c.parameters())["f.bias"]).all()
    value = c.maps.numpy(c.apply("f", np.ones((1, 1), np.float32))).item()
    assert value < 0, "where the logarithm is no number"


def test_data_that_hold_no_numbers_are_named(backend):
    c = distillation().compile(backend)
    x = X.copy()
    x[7, 2] = np.inf
    with pytest.raises(DiagramError, match=r"step 0: goal `hard` is nan; the values of `x` hold infinity$"):
        c.fit({"x": x, "label": LABEL}, epochs=1)


def test_class_numbers_out_of_range_are_named(backend):
    """Arrays on the host are looked at before any step; those of a backend by the comparator on torch, and on jax,
    where a compiled step gives NaN, by looking for its source.
    """
    c, label = distillation().compile(backend), LABEL.copy()
    label[7] = 3
    with pytest.raises(DiagramError, match=r"^data: `label`: 3 is no class number; those of L\[3\] are 0…2$"):
        c.fit({"x": X, "label": label}, epochs=1)
    for use in (c.loss, c.value_and_grad):
        with pytest.raises(DiagramError, match=r"^batch: `label`: 3 is no class number; those of L\[3\] are 0…2$"):
            use({"x": X, "label": label})
    text = {
        "torch": r"^goal `hard` \(x >> student = label\): 3 is no class number; with 3 classes they are 0…2$",
        "jax": r"^step 0: goal `hard` is nan; label gives 3, which is no class number: they are 0…2$",
    }
    with pytest.raises(DiagramError, match=text[backend]):
        c.fit({"x": X, "label": c.maps.array(label)}, epochs=1)


def test_parameters_that_hold_no_numbers_are_named(backend):
    c = distillation().compile(backend)
    weight = np.asarray(c.parameters()["teacher"]["2.bias"]).copy()
    weight[0] = np.nan
    c.load_parameters({"teacher": {"2.bias": weight}})
    text = r"step 0: goal `soft` is nan; the parameter 2\.bias of `teacher` holds NaN before that step"
    with pytest.raises(DiagramError, match=text):
        c.fit(DATA, epochs=1)


def test_a_comparator_that_overflows_is_named(backend):
    d = Diagram()
    S, A = d.object("S"), d.object("A", shape=(1,))
    x, y = d.data("x", S, A), d.data("y", S, A)
    d.goal("far", x >> d.model("f", A, A, "linear(1, 1)"), y)
    c = d.compile(backend)
    text = "step 0: goal `far` is inf; every map gives finite values in evaluation mode: it arises in mse, or in"
    with pytest.raises(DiagramError, match=text):
        c.fit({"x": np.ones((2, 1)), "y": np.full((2, 1), 1e30)})


def test_with_batches_from_an_iterable_the_step_cannot_be_taken_again(backend):
    c = exploding(backend)
    batches = [{"x": np.ones((4, 1)), "y": np.full((4, 1), -9.0)}] * 20
    with pytest.raises(DiagramError, match=r"goal `bad` is nan; the parameter (weight|bias) of `f` holds NaN now"):
        c.fit(batches, epochs=2, optimizer="sgd", lr=0.03)
