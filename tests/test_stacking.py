"""The pass `stack`, on both backends: what it does, what it leaves alone and why, and that numbers stay as they are."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

import learningdiagrams as ld
from learningdiagrams.backends.straight_line import source
from learningdiagrams.batching import Comparisons, Merged, Stacked
from tests.passes_on_and_off import agree, both, same, table, trainings

linear, mlp = ld.layers.linear, ld.layers.mlp


@pytest.fixture(autouse=True)
def _from_two(monkeypatch):
    """Also where it would not be worth its while."""
    from learningdiagrams.backends.torch import TorchMaps

    monkeypatch.setattr(TorchMaps, "fewest", 2)


def heads(count: int = 5, role: str = "model", by: str = "cross_entropy") -> ld.Diagram:
    """Tasks with a batch of their own each, over one backbone."""
    d = ld.Diagram("Heads")
    sample, image, feature = d.objects("Sample", "Image", "Feature")
    body = d.model("body", image, feature)
    for k in range(count):
        logits = d.object(f"Logits{k}")
        head = getattr(d, role)(f"head{k}", feature, logits)
        d.goal(f"task{k}", d.data(f"x{k}", sample, image) >> body >> head, d.data(f"y{k}", sample, logits), by=by)
    return d


def batch(count: int = 5, rows: int = 7) -> dict[str, np.ndarray]:
    draw = np.random.default_rng(0)
    found = {f"x{k}": draw.normal(size=(rows, 6)) for k in range(count)}
    return found | {f"y{k}": draw.integers(0, 3, rows) for k in range(count)}


def maps(count: int = 5, head: Callable[[], Any] = lambda: linear(5, 3)) -> dict[str, Any]:
    return {"body": mlp(6, 8, 5)} | {f"head{k}": head() for k in range(count)}


def test_heads_over_a_backbone_are_two_calls_and_one_comparison(backend):
    on, off = both(heads(), backend, maps())
    made = table(on)
    assert [type(joint) for joint in made.joints] == [Merged, Stacked]
    assert [type(compare) for compare in made.compares] == [Comparisons]
    assert made.inputs == (tuple(f"x{k}" for k in range(5)), tuple(f"y{k}" for k in range(5)))
    assert source(made) == (
        "def run(batch, state):\n"
        '    v20 = batch["x0", "x1", "x2", "x3", "x4"]\n'
        '    v23 = batch["y0", "y1", "y2", "y3", "y4"]\n'
        "    v21 = j21(state, v20)  # body\n"
        "    del v20\n"
        "    v22 = j22(state, v21)  # head0, head1, head2, head3, head4\n"
        "    del v21\n"
        "    t0 = c0(v22, v23)  # task0, task1, task2, task3, task4\n"
        "    return (t0,), ()"
    )
    assert made.notes == (
        "merge: v1, v5, … and v17 (5) are one call of body",
        "stack: head0, head1, … and head4 (5) are one call",
        "stack: task0, task1, … and task4 (5) are one comparison by cross_entropy",
    )
    assert not table(off).joints
    agree(on, off, batch())


@settings(max_examples=12)
@given(trainings())
def test_random_diagrams_have_the_same_numbers_on_torch(case):
    d, made, values = case
    agree(*both(d, "torch", made), values)


@pytest.mark.skipif(find_spec("jax") is None, reason="jax is not installed")
@settings(max_examples=2)
@given(trainings())
def test_random_diagrams_have_the_same_numbers_on_jax(case):
    d, made, values = case
    agree(*both(d, "jax", made), values, fit=False)


def test_shared_features_are_not_repeated(backend):
    d = ld.Diagram("Heads")
    sample, image, feature = d.objects("Sample", "Image", "Feature")
    features = d.data("x", sample, image) >> d.model("body", image, feature)
    for k in range(4):
        value = d.object(f"Value{k}")
        d.goal(f"goal{k}", features >> d.model(f"head{k}", feature, value), d.data(f"y{k}", sample, value), weight=k)
    on, off = both(d, backend, maps(4))
    (joint,) = table(on).joints
    assert joint.shared == (True,)
    draw = np.random.default_rng(0)
    agree(on, off, {"x": draw.normal(size=(6, 6))} | {f"y{k}": draw.normal(size=(6, 3)) for k in range(4)})


def test_batches_of_several_sizes_are_computed_one_by_one(backend):
    """Heads of several sample objects: their rows do not fit together, the backbone takes them at once all the same."""
    d = ld.Diagram("Heads")
    image, feature, logits = d.objects("Image", "Feature", "Logits")
    body = d.model("body", image, feature)
    for k in range(3):
        sample = d.object(f"Sample{k}")
        d.goal(f"task{k}", d.data(f"x{k}", sample, image) >> body >> d.model(f"head{k}", feature, logits),
               d.data(f"y{k}", sample, logits), by="cross_entropy")  # fmt: skip
    on, off = both(d, backend, maps(3))
    draw = np.random.default_rng(0)
    ragged = {f"x{k}": draw.normal(size=(4 + k, 6)) for k in range(3)}
    ragged |= {f"y{k}": draw.integers(0, 3, 4 + k) for k in range(3)}
    agree(on, off, ragged)
    agree(on, off, batch(3))  # and with one size they fit


def test_maps_that_draw_or_learn_stay_by_themselves(backend):
    for head, why in (
        (mlp(5, 4, 3, dropout=0.5), "it draws random numbers in training mode"),
        (mlp(5, 4, 3, norm="batch"), "it learns statistics of the batch in training mode"),
    ):
        on, off = both(heads(4), backend, maps(4, lambda head=head: head))
        made = table(on)
        assert [type(joint) for joint in made.joints] == [Merged]
        assert made.notes[1:] == (f"stack: not head0, head1, head2 and head3, {why}",)
        agree(on, off, batch(4))


def test_frozen_maps_with_statistics_are_stacked(backend):
    on, off = both(heads(4, "frozen"), backend, maps(4, lambda: mlp(5, 4, 3, norm="batch")))
    assert [type(joint) for joint in table(on).joints] == [Merged, Stacked]
    agree(on, off, batch(4))


def test_a_wrong_class_names_its_goal(backend):
    if backend == "jax":
        pytest.skip("a compiled step gives NaN")
    on, _ = both(heads(), backend, maps())
    wrong = batch() | {"y3": np.full(7, 9)}
    with pytest.raises(ld.DiagramError, match=r"goal `task3` \(x3 >> body >> head3 = y3\): 9 is no class number"):
        on.loss(wrong)
    on.loss(batch())


def test_a_wrong_shape_names_its_map(backend):
    d = heads(3)
    on, _ = both(d, backend, {"body": mlp(6, 8, 5), **{f"head{k}": linear(5, 3) for k in range(3)}})
    wrong = batch(3) | {f"x{k}": np.zeros((7, 4)) for k in range(3)}
    with pytest.raises(ld.DiagramError, match="goal `task0`, at x0 >> body: `body`: it refuses"):
        on.loss(wrong)


def test_stages_that_move_some_heads_only(backend):
    d = heads(4)
    d.stage("first", train=["head0", "head1", "head2"], by=list(d.goals), steps=3)
    d.stage("second", train=["body", "head2", "head3"], by=list(d.goals), steps=3)
    on, off = both(d, backend, maps(4))
    for made in (on, off):
        made.fit(batch(4), batch_size=7, lr=1e-2)
    same(on, on.parameters(), off.parameters(), 1e-6)


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam", "adamw", "rmsprop"])
def test_optimizers_move_stacked_numbers_alike(backend, optimizer):
    on, off = both(heads(4), backend, maps(4))
    for made in (on, off):
        made.fit(batch(4), batch_size=7, steps=4, optimizer=optimizer, lr={"head1": 3e-2, "body": 1e-2})
    same(on, on.parameters(), off.parameters(), 1e-6)


def test_clipping_looks_at_the_whole_gradient(backend):
    on, off = both(heads(4), backend, maps(4))
    for made in (on, off):
        made.fit(batch(4), batch_size=7, steps=4, optimizer="sgd", lr=1.0, clip=0.01)
    same(on, on.parameters(), off.parameters(), 1e-6)


def test_a_checkpoint_of_stacked_numbers_is_one_of_single_ones(backend, tmp_path):
    """What a run with the pass wrote, one without it goes on from, and the other way round."""
    runs = {}
    for first, then in ((0, 1), (1, 0)):
        out = tmp_path / f"{first}"
        made = both(heads(4), backend, maps(4))
        made[first].fit(batch(4), batch_size=7, epochs=2, lr=1e-2, out=out)
        again = both(heads(4), backend, maps(4))[then]
        again.fit(batch(4), batch_size=7, epochs=5, lr=1e-2, out=out, resume=True)
        assert again.step == 5
        runs[first] = again
    whole, _ = both(heads(4), backend, maps(4))
    whole.fit(batch(4), batch_size=7, epochs=5, lr=1e-2)
    for made in runs.values():
        same(whole, whole.parameters(), made.parameters(), 1e-6)


def test_resuming_is_bit_for_bit(backend, tmp_path):
    whole, _ = both(heads(4), backend, maps(4))
    whole.fit(batch(4), batch_size=3, epochs=4, lr=1e-2, out=tmp_path / "whole")
    for epochs, resume in ((2, False), (4, True)):
        part, _ = both(heads(4), backend, maps(4))
        part.fit(batch(4), batch_size=3, epochs=epochs, lr=1e-2, out=tmp_path / "part", resume=resume)
    for generator, numbers in whole.parameters().items():
        for key, value in numbers.items():
            there = part.parameters()[generator][key]
            assert np.array_equal(whole.maps.numpy(value), part.maps.numpy(there)), (generator, key)


def test_numbers_are_seen_and_loaded_as_ever_while_they_are_stacked(backend):
    on, off = both(heads(4), backend, maps(4))
    seen = []

    def look(c):
        def callback(event):
            if event.kind == "step":
                seen.append(c.maps.numpy(c.parameters()["head2"]["weight"]))
                if event.step == 2:
                    c.load_parameters({"head1": {"bias": np.full(3, 0.5)}})

        return callback

    for made in (on, off):
        made.fit(batch(4), batch_size=7, steps=4, lr=1e-2, callbacks=[look(made)])
    assert len(seen) == 8
    for one, two in zip(seen[:4], seen[4:], strict=True):
        assert one.shape == (3, 5)
        np.testing.assert_allclose(one, two, 1e-7)
    same(on, on.parameters(), off.parameters(), 1e-6)


def test_gradients_that_a_callback_asks_for_reach_every_map(backend):
    found = {}
    for made in both(heads(4), backend, maps(4)):

        def look(event, made=made):
            if event.kind == "step" and event.step == 2:
                total, field = made.value_and_grad(batch(4))
                found[made] = total.item(), field

        made.fit(batch(4), batch_size=7, steps=3, lr=1e-2, callbacks=look)
    (on, (total, field)), (_, (total_off, field_off)) = found.items()
    assert total == pytest.approx(total_off)
    same(on, field, field_off, 1e-6)
    assert all(on.maps.numpy(table["weight"]).any() for name, table in field.items() if name != "body")


def test_a_function_as_comparator_and_two_maps_with_one_number(backend):
    d = heads(4, by="mse")
    for name in d.goals:
        assert d.goals[name].by == ld.losses.mse()
    shared = ld.Diagram("Tied")
    sample, image, feature = shared.objects("Sample", "Image", "Feature")
    for k in range(3):
        f = shared.model(f"f{k}", image, feature)
        shared.goal(f"g{k}", shared.data(f"x{k}", sample, image) >> f, shared.data(f"y{k}", sample, feature),
                    by=lambda a, b: ((a - b) ** 2).mean())  # fmt: skip
    made = _one_module(backend)
    on, off = both(shared, backend, {"f0": made, "f1": made, "f2": _one_module(backend)})
    draw = np.random.default_rng(0)
    values = {f"{n}{k}": draw.normal(size=(5, w)) for k in range(3) for n, w in (("x", 4), ("y", 2))}
    total, field = on.value_and_grad(values)
    total_off, field_off = off.value_and_grad(values)
    assert total.item() == pytest.approx(total_off.item())
    same(on, field, field_off)


def _one_module(backend: str):
    draw = np.random.default_rng(5)
    weight = draw.normal(size=(4, 2))
    if backend == "jax":
        return {"weight": weight}, _times
    from torch import nn

    made = nn.Linear(4, 2).double()
    made.weight.data[:] = made.weight.new_tensor(weight.T)
    made.bias.data[:] = 0
    return made


def _times(params, x):
    return x @ params["weight"]


def test_batches_that_lack_a_sample_object(backend):
    """Each such batch has a program of its own, which stacks other maps than the one that training began with."""
    d = ld.Diagram("Heads")
    image, feature, logits = d.objects("Image", "Feature", "Logits")
    body = d.model("body", image, feature)
    for k in range(3):
        sample = d.object(f"Sample{k}")
        pixels, label = d.data(f"x{k}", sample, image), d.data(f"y{k}", sample, logits)
        d.goal(f"task{k}", pixels >> body >> d.model(f"head{k}", feature, logits), label, by="cross_entropy")
    whole = batch(3)
    batches = [{n: v for n, v in whole.items() if int(n[1]) in kept} for kept in ((0, 1, 2), (0, 2), (1,), (0, 1, 2))]
    ends = both(d, backend, maps(3))
    for made in ends:
        made.fit(batches, epochs=2, lr=1e-2)
    same(ends[0], ends[0].parameters(), ends[1].parameters(), 1e-6)


def test_two_trainers_and_steps_after_a_session(backend):
    """Trainers that take turns, and one that goes on when nobody is training any more."""
    from learningdiagrams.backends.base import Optimisation

    ends = []
    for made in both(heads(4), backend, maps(4)):
        program = made.maps.program(made.plan)
        weights = dict.fromkeys(made.diagram.goals, 1.0)
        with made.maps.session(0):
            trainers = [program.trainer(Optimisation("adam", lr=1e-2), made.diagram.models) for _ in range(2)]
            for step in range(4):
                trainers[step % 2].step(program, batch(4), weights, step, 1.0)
        trainers[0].step(program, batch(4), weights, 4, 1.0)
        ends.append(made)
    same(ends[0], ends[0].parameters(), ends[1].parameters(), 1e-6)


def test_parameters_of_torch_have_memory_of_their_own_again():
    torch = pytest.importorskip("torch")
    modules = {f"head{k}": torch.nn.Linear(5, 3) for k in range(3)} | {"body": torch.nn.Linear(6, 5)}
    d = heads(3)
    parameters = {name: dict(module.named_parameters()) for name, module in modules.items()}
    c = d.compile(maps=modules)
    shared = []

    def look(event):
        places = {p.untyped_storage().data_ptr() for k in range(3) for p in modules[f"head{k}"].parameters()}
        shared.append(len(places))

    c.fit(batch(3), batch_size=7, steps=2, callbacks=look)
    assert shared[0] == 2  # one for the weights, one for the biases
    for name, module in modules.items():
        for key, parameter in module.named_parameters():
            assert parameter is parameters[name][key] and parameter.requires_grad and parameter.grad is None
            assert parameter.untyped_storage().nbytes() == parameter.numel() * 4


def test_memory_that_a_module_was_given_meanwhile_is_seen():
    torch = pytest.importorskip("torch")
    runs = []
    for passes in ("all", ()):
        torch.manual_seed(0)
        modules = {f"head{k}": torch.nn.Linear(5, 3) for k in range(3)} | {"body": torch.nn.Linear(6, 5)}
        c = heads(3).compile(maps=modules, dtype="float64", passes=passes)

        def swap(event, modules=modules):
            if event.kind == "step" and event.step == 1:
                modules["head1"].weight.data = torch.ones(3, 5, dtype=torch.float64)

        c.fit(batch(3), batch_size=7, steps=3, lr=1e-2, callbacks=swap)
        runs.append(c)
    same(runs[0], runs[0].parameters(), runs[1].parameters(), 1e-6)
