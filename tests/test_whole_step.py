"""Ways to take a step that change no number: several in one call, in parts, computed again; and with fewer digits."""

from __future__ import annotations

import numpy as np
import pytest

import learningdiagrams as ld
from learningdiagrams.errors import DiagramError

TEXT = """
object S, X[6], H[4], Y[3]
data   x : S -> X
data   y : S -> Y
noise  z : S -> X = normal()
fixed  mix : X * X -> X = add
model  enc : X -> H = mlp(6, 16, 4, norm="batch")
model  head : H -> Y = mlp(4, 8, 3, dropout=0.3)
goal   hard : x >> enc >> head = y by cross_entropy
goal   near : (x & z) >> mix >> enc = x >> enc weight linear(0, 1, steps=9)
measure accuracy : x >> enc >> head = y by accuracy
"""
PLAIN = TEXT.replace(', norm="batch"', "").replace(", dropout=0.3", "")
DATA = {"x": np.random.default_rng(0).normal(size=(45, 6)), "y": np.random.default_rng(1).integers(3, size=45)}


def trained(text: str, backend: str, compiling=None, data=DATA, **options):
    c = ld.loads(text).compile(backend=backend, **{"dtype": "float64", **(compiling or {})})
    history = c.fit(data, **{"epochs": 3, "batch_size": 8, "schedule": "cosine", **options})
    return c, history


def numbers(c: ld.Compiled) -> dict[str, np.ndarray]:
    tables = {**c.parameters(), **{f"{name} buffers": table for name, table in c.maps.buffers().items()}}
    return {f"{n}.{k}": np.asarray(c.maps.numpy(v)) for n, table in tables.items() for k, v in table.items()}


def agree(one, two, rtol: float = 1e-8, bits: bool = False) -> None:
    (c, first), (d, second) = one, two
    there = numbers(d)
    for name, value in numbers(c).items():
        if bits:
            np.testing.assert_array_equal(value, there[name], err_msg=name)
        else:
            np.testing.assert_allclose(value, there[name], rtol, 1e-10, err_msg=name)
    assert first.columns == second.columns
    for column in ("hard", "near", "accuracy"):
        np.testing.assert_allclose(first[column], second[column], rtol)


# Several steps in one call ---------------------------------------------------------------------------------------


def test_steps_in_one_call_are_the_steps_one_by_one():
    """With draws, statistics, noise, schedules of weights and rates, and a smaller last batch."""
    pytest.importorskip("jax")
    agree(trained(TEXT, "jax", scan=1), trained(TEXT, "jax", scan=3))


def test_where_a_run_is_cut_into_calls_changes_no_bit():
    """A log after every third step cuts calls of four steps short."""
    pytest.importorskip("jax")
    options = {"compiling": {"dtype": "float32"}, "scan": 4, "epochs": 2}
    agree(trained(TEXT, "jax", **options), trained(TEXT, "jax", log_every=3, progress=False, **options), bits=True)


def test_callbacks_are_told_of_every_step(backend):
    told: list[tuple[int, float]] = []

    def callback(event):
        if event.kind == "step":
            told.append((event.step, float(event.terms["hard"])))

    trained(PLAIN, backend, epochs=1, scan=4, callbacks=callback)
    steps, apart = list(told), told.clear()
    assert apart is None and [step for step, _ in steps] == [1, 2, 3, 4, 5, 6]
    trained(PLAIN, backend, epochs=1, callbacks=callback)
    np.testing.assert_allclose([term for _, term in steps], [term for _, term in told], 1e-9)


def test_a_log_is_read_where_it_was_asked_for(capsys):
    pytest.importorskip("jax")
    trained(PLAIN, "jax", epochs=1, scan=4, log_every=3)
    shown = capsys.readouterr()
    assert [f"step {n}" in shown.out + shown.err for n in (3, 6)] == [True, True]


def test_a_number_that_is_not_finite_is_found_in_a_call_of_several_steps():
    pytest.importorskip("jax")
    with pytest.raises(DiagramError, match=r"step \d+: goal `hard` is (nan|inf)"):
        trained(PLAIN, "jax", {"dtype": "float32"}, optimizer="sgd", lr=1e30, schedule=None, scan=4)


@pytest.mark.parametrize("wrong", [0, -1, 1.5])
@pytest.mark.parametrize("option", ["scan", "accumulate"])
def test_counts_are_whole_numbers(option, wrong):
    with pytest.raises(DiagramError, match=f"{option} is a whole number of at least 1, not {wrong}"):
        trained(PLAIN, "torch", **{option: wrong})


# A batch in parts ------------------------------------------------------------------------------------------------


def test_parts_of_a_batch_give_the_step_of_the_whole(backend):
    agree(trained(PLAIN, backend), trained(PLAIN, backend, accumulate=3))


def test_parts_of_two_sample_objects_each_by_its_own_rows(backend):
    text = (
        PLAIN
        + "object T\ndata u : T -> X\ngoal other : u >> enc = u >> enc >> back\nmodel back : H -> H = linear(4, 4)"
    )
    lines = text.splitlines()
    goals = [line for line in lines if line.startswith(("goal", "measure"))]
    text = "\n".join([*(line for line in lines if line not in goals), *goals])
    data = {**DATA, "u": np.random.default_rng(2).normal(size=(21, 6))}
    agree(trained(text, backend, data=data, epochs=2), trained(text, backend, data=data, epochs=2, accumulate=3))


def test_a_goal_along_two_sample_objects_stays_whole_where_parts_would_not_fit():
    text = """
object S, T, X[6]
data x : S -> X
data u : T -> X
model f : X -> X = linear(6, 6)
goal near : f = id(X) on x, u
goal hard : x >> f = x by l1
measure accuracy : x >> f = x by mse
"""
    data = {"x": DATA["x"], "u": DATA["x"][:7]}
    runs = [trained(text.replace("accuracy", "a"), "torch", data=data, accumulate=n) for n in (1, 2)]
    np.testing.assert_allclose(runs[0][1]["near"], runs[1][1]["near"], 1e-9)
    np.testing.assert_allclose(numbers(runs[0][0])["f.weight"], numbers(runs[1][0])["f.weight"], 1e-9)


def test_a_goal_that_compares_rows_with_one_another_refuses_parts():
    text = PLAIN.replace(
        "goal   near : (x & z) >> mix >> enc = x >> enc", "goal near : x >> enc = x >> enc by info_nce"
    )
    with pytest.raises(DiagramError, match=r"goal `near` is compared by info_nce.*train without accumulate"):
        trained(text, "torch", accumulate=2)


def test_parts_clip_the_gradient_of_the_whole(backend):
    agree(trained(PLAIN, backend, clip=0.01), trained(PLAIN, backend, clip=0.01, accumulate=2))


# Computed again --------------------------------------------------------------------------------------------------


def test_maps_that_are_computed_again_give_the_same_numbers(backend):
    agree(trained(TEXT, backend), trained(TEXT, backend, {"recompute": ["enc", "head"]}))


def test_gradients_of_a_game_pass_through_a_map_that_is_computed_again(backend):
    text = """
object S, X[6]
data x : S -> X
noise z : S -> X = normal()
model gen : X -> X = mlp(6, 8, 6)
model judge : X -> X = mlp(6, 8, 6)
goal tell : z >> gen >> judge = x train judge
goal fool : z >> gen >> judge = z weight 0.5 train gen
"""
    batch = {"x": DATA["x"][:8]}
    runs = [
        ld.loads(text).compile(backend=backend, dtype="float64", recompute=names) for names in ((), ("judge", "gen"))
    ]
    fields = [c.value_and_grad(batch, training=True)[1] for c in runs]
    for name, table in fields[0].items():
        for key, value in table.items():
            np.testing.assert_allclose(runs[0].maps.numpy(value), runs[1].maps.numpy(fields[1][name][key]), 1e-9)


def test_what_a_map_computes_on_its_way_is_not_kept():
    torch = pytest.importorskip("torch")
    text = "object S, X[32]\ndata x : S -> X\n" + "".join(
        f"model f{i} : X -> X = mlp(32, 64, 64, 32)\n" for i in range(4)
    )
    text += "goal g : x >> f0 >> f1 >> f2 >> f3 = x"
    kept = {}
    for names in ((), ("f0", "f1", "f2", "f3")):
        c = ld.loads(text).compile(recompute=names)
        own = {tensor.data_ptr() for tensor in c.module.parameters()}
        found: dict[int, int] = {}

        def pack(tensor, found=found, own=own):
            if tensor.data_ptr() not in own:
                found[tensor.data_ptr()] = tensor.numel()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            c.loss({"x": np.zeros((256, 32), np.float32)}, training=True)
        kept[names] = sum(found.values())
    few, many = kept["f0", "f1", "f2", "f3"], kept[()]
    assert 0 < few <= 0.6 * many


def test_only_maps_are_computed_again():
    for name in ("x", "encoder"):
        with pytest.raises(DiagramError, match=f"recompute: there is no map `{name}`"):
            ld.loads(TEXT).compile(recompute=[name])


# Fewer digits ----------------------------------------------------------------------------------------------------


def test_fewer_digits_are_near_and_parameters_keep_theirs(backend):
    options = {"compiling": {"dtype": "float32"}, "epochs": 2, "lr": 1e-3}
    one, two = trained(PLAIN, backend, **options), trained(PLAIN, backend, precision="bfloat16", **options)
    np.testing.assert_allclose(one[1]["hard"], two[1]["hard"], rtol=2e-2)
    assert not np.array_equal(one[1]["hard"], two[1]["hard"])
    assert {value.dtype for value in numbers(two[0]).values()} == {np.dtype("float32")}


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (
            {"precision": "float16"},
            "precision is \"bfloat16\", or None for the compiled kind of numbers, not 'float16'",
        ),
        ({"precision": "bfloat16"}, "precision='bfloat16' is for diagrams that are compiled for float32, not float64"),
    ],
)
def test_precision_says_what_it_takes(options, text):
    with pytest.raises(DiagramError) as error:
        trained(PLAIN, "torch", **options)
    assert str(error.value) == text
