"""Values that training never changes: what is found in a plan, and that keeping them changes no number."""

import numpy as np
import pytest

import learningdiagrams as ld
from learningdiagrams.caching import kept_apart
from learningdiagrams.errors import DiagramError
from learningdiagrams.passes import PASSES, asked_passes, by_row
from learningdiagrams.plan import make_plan

HEAD = "object S, T, X[6], H[4], Y[3]\ndata x : S -> X\ndata y : S -> Y\ndata u : T -> X\n"


def apart(text: str, refused: str = "", chosen=None):
    d = ld.loads(HEAD + text)
    plan = make_plan(d, d.goals.values())
    return kept_apart(plan, lambda name: "no reason" if name in refused.split() else None, chosen)


def test_only_the_end_of_a_path_is_kept():
    found = apart("frozen a : X -> H\nfixed b : H -> H\nmodel m : X -> H\ngoal g : x >> m = x >> a >> b")
    assert list(found.kept) == ["x >> a >> b"]
    assert found.plan.inputs == ("x", "x >> a >> b")
    assert found.plan.generators == ("m",)
    assert found.plan.notes == ("cache: x >> a >> b is computed once for each row of S",)
    computing = found.computing(["x >> a >> b"])
    assert (computing.inputs, computing.generators, len(computing.outputs)) == (("x",), ("a", "b"), 1)


def test_a_value_in_the_middle_is_kept_where_a_trained_map_reads_it():
    found = apart("frozen a : X -> H\nfrozen b : H -> Y\nmodel m : H -> Y\ngoal g : x >> a >> m = x >> a >> b")
    assert list(found.kept) == ["x >> a", "x >> a >> b"]
    assert found.plan.inputs == ("x >> a", "x >> a >> b")


@pytest.mark.parametrize(
    "text",
    [
        "model e : X -> Y\nmodel t : X -> Y = ema(e, decay=0.9)\ngoal g : x >> e = x >> t",
        "noise z : S -> X = normal(6)\nfrozen t : X -> Y\nmodel m : X -> Y\ngoal g : z >> m = z >> t",
        "noise z : S -> X = shuffle(x)\nfrozen t : X -> Y\nmodel m : X -> Y\ngoal g : z >> m = z >> t",
        "noise z : S -> X = normal(6)\nfrozen t : X * X -> Y\nmodel m : X -> Y\ngoal g : x >> m = (x & z) >> t",
        "frozen t : H -> Y\nmodel e : X -> H\nmodel m : X -> Y\ngoal g : x >> m = x >> e >> t",
        "frozen c : 1 -> H\nfrozen t : H -> Y\nmodel m : X -> Y\ngoal g : x >> m = drop(S) >> c >> t",
    ],
    ids=["average", "noise", "shuffle", "partly noise", "after a model", "no data"],
)
def test_what_changes_or_is_no_data_is_not_kept(text):
    assert not apart(text).kept


def test_constants_and_data_make_one_value():
    found = apart(
        "frozen c : 1 -> H\nfrozen t : X * H -> Y\nmodel m : X -> Y\ngoal g : x >> m = (x & (drop(S) >> c)) >> t"
    )
    assert [kept.sample for kept in found.kept.values()] == ["S"]


def test_factors_of_a_product_are_kept_each():
    found = apart("frozen t : X -> H * Y\nmodel m : X -> H * Y\ngoal g : x >> m = x >> t")
    assert list(found.kept) == ["x >> t >> proj(H * Y, 0)", "x >> t >> proj(H * Y, 1)"]


def test_a_map_that_is_refused_is_told_with_its_reason():
    found = apart("frozen a : X -> H\nfrozen b : H -> Y\nmodel m : X -> Y\ngoal g : x >> m = x >> a >> b", refused="b")
    assert list(found.kept) == ["x >> a"]
    assert found.plan.notes[-1] == "cache: values of b are not kept: no reason"
    assert not apart("frozen a : X -> H\nfrozen b : H -> Y\nmodel m : X -> Y\ngoal g : x >> m = x >> a >> b", "a").kept


def test_only_chosen_values_are_kept():
    text = "frozen a : X -> H\nfrozen b : H -> Y\nmodel m : H -> Y\ngoal g : x >> a >> m = x >> a >> b"
    found = apart(text, chosen=["x >> a"])
    assert list(found.kept) == ["x >> a"] and found.plan.generators == ("m", "b")


def test_a_stopped_value_is_kept_too():
    found = apart("frozen a : X -> H\nfrozen b : H -> Y\nmodel m : X -> Y\ngoal g : x >> m = stop(x >> a) >> b")
    assert list(found.kept) == ["x >> a >> b"]


def test_passes_are_named():
    assert asked_passes("all") == frozenset(PASSES)
    with pytest.raises(DiagramError, match='passes is "all" or names of passes'):
        asked_passes("cache")
    with pytest.raises(DiagramError, match="there is no pass `share`"):
        ld.loads("object A").compile(passes=["share"])
    with pytest.raises(DiagramError, match="nothing can be noted on"):
        by_row((1, 2))


# In training --------------------------------------------------------------------------------------------------

DISTILLATION = """
frozen teacher : X -> H = mlp(6, 16, 4, norm="batch")
fixed  double  : H -> H = scale(2)
model  student : X -> H = mlp(6, 8, 4, dropout=0.2)
model  head    : H -> Y = linear(4, 3)
noise  z       : S -> X = normal()
goal soft  : x >> student = x >> teacher >> double
goal hard  : x >> student >> head = y by cross_entropy
goal noisy : (x & z) >> blend >> student = x >> teacher weight 0.5
goal other : u >> student = u >> teacher
model blend : X * X -> X = linear(12, 6)
"""
DATA = {
    "x": np.random.default_rng(0).normal(size=(37, 6)),
    "y": np.random.default_rng(1).integers(3, size=37),
    "u": np.random.default_rng(2).normal(size=(23, 6)),
}


def diagram(text: str = DISTILLATION) -> ld.Diagram:
    lines = [*text.splitlines()]
    goals = [line for start in ("goal", "stage") for line in lines if line.startswith(start)]
    return ld.loads(HEAD + "\n".join([*(line for line in lines if line not in goals), *goals]))


def close(one: ld.Compiled, two: ld.Compiled, rtol: float = 1e-9) -> None:
    there = two.parameters()
    for name, table in one.parameters().items():
        for key, value in table.items():
            np.testing.assert_allclose(
                one.maps.numpy(value), two.maps.numpy(there[name][key]), rtol, 1e-11, err_msg=name
            )


def both(d: ld.Diagram, backend: str, data=DATA, maps=None, **options):
    runs = []
    for passes in (["cache"], ()):
        c = d.compile(backend=backend, dtype="float64", passes=passes, maps={} if maps is None else maps())
        runs.append((c, c.fit(data, **{"batch_size": 8, "epochs": 3, **options})))
    (one, first), (two, second) = runs
    close(one, two)
    for column in d.goals:
        np.testing.assert_allclose(np.array(first[column], float), np.array(second[column], float), 1e-9)
    return one, two


def test_training_with_what_is_kept_gives_the_same_numbers(backend):
    both(diagram(), backend)


def test_values_and_gradients_agree_batch_by_batch(backend):
    """One step of gradient descent with rate 1 is the gradient."""
    both(diagram(), backend, epochs=None, steps=5, optimizer="sgd", lr=1.0)


def test_a_kept_value_is_computed_once_for_each_row(backend):
    rows = []

    class Seen:
        def __call__(self, value):
            rows.append(value.shape[0])
            return value * 2

    d = ld.loads(HEAD + "fixed f : X -> X\nmodel m : X -> X = linear(6, 6)\ngoal g : x >> m = x >> f")
    if backend == "jax":
        import jax

        seen = Seen()
        function = by_row(lambda value: (jax.debug.callback(lambda v: seen(v), value), value * 2)[1])
    else:
        function = by_row(Seen())
    c = d.compile(backend=backend, maps={"f": function})
    rows.clear()
    c.fit(DATA, epochs=5, batch_size=8)
    if backend == "jax":
        import jax

        jax.effects_barrier()
    assert rows == [8, 8, 8, 8, 5]


def test_a_map_that_is_not_known_is_called_at_every_step():
    calls = []
    d = ld.loads(HEAD + "fixed f : X -> X\nmodel m : X -> X = linear(6, 6)\ngoal g : x >> m = x >> f")
    c = d.compile(maps={"f": lambda value: (calls.append(len(value)), value - value.mean(0))[1]})
    assert "cache: values of f are not kept: nothing says that it takes each row by itself" in str(c.plan)
    calls.clear()
    c.fit(DATA, epochs=2, batch_size=37)
    assert calls == [37, 37]


STAGED = """
model a : X -> H = mlp(6, 8, 4)
model b : H -> Y = linear(4, 3)
model d : X -> H = mlp(6, 8, 4, dropout=0.5)
goal first  : x >> a >> b = y by cross_entropy
goal second : x >> d = x >> a
goal third  : x >> a = x >> d
stage one   : train a, b by first epochs 2
stage two   : train d by second epochs 2
stage three : train a by third epochs 2
"""


def test_a_model_is_kept_in_the_stage_that_does_not_move_it_and_trained_in_another(backend):
    d = diagram(STAGED)
    one, _ = both(d, backend)
    notes = one.plan.notes
    assert "cache: stage two: x >> a is computed once for each row of S" in notes
    assert "cache: stage three: values of d are not kept: it draws random numbers in training mode" in notes


def test_weights_tied_to_a_model_that_moves_are_not_kept():
    torch = pytest.importorskip("torch")

    def maps():
        torch.manual_seed(0)
        shared = torch.nn.Linear(6, 4)
        return {"a": torch.nn.Sequential(shared), "m": torch.nn.Sequential(shared, torch.nn.Tanh())}

    d = ld.loads(HEAD + "model a : X -> H\nmodel m : X -> H\ngoal g : x >> m = stop(x >> a)")
    one, _ = both(d, "torch", maps=maps)
    assert "cache: values of a are not kept: it holds numbers together with m, which change" in one.plan.notes


def test_a_callback_that_changes_a_frozen_map_is_seen(backend):
    d = diagram()

    def changing(c):
        def callback(event):
            if event.kind == "step" and event.step in (3, 7):
                table = c.parameters()["teacher"]
                c.load_parameters({"teacher": {key: c.maps.numpy(value) * 1.5 for key, value in table.items()}})

        return callback

    runs = []
    for passes in (["cache"], ()):
        c = d.compile(backend=backend, dtype="float64", passes=passes)
        c.fit(DATA, epochs=3, batch_size=8, callbacks=changing(c))
        runs.append(c)
    one, two = runs
    close(one, two)


@pytest.mark.parametrize("cache", [0, 37 * 4 * 8 - 1, 37 * 4 * 8, "folder"])
def test_room_in_memory_and_in_a_folder(tmp_path, cache):
    d = diagram()
    where = tmp_path / "kept" if cache == "folder" else cache
    one, two = (d.compile(dtype="float64") for _ in range(2))
    one.fit(DATA, epochs=2, batch_size=8, cache=where)
    two.fit(DATA, epochs=2, batch_size=8, cache=0)
    close(one, two)
    assert not list(tmp_path.glob("kept/*"))


@pytest.mark.parametrize("wrong", [-1, True, 1.5, None])
def test_cache_is_bytes_or_a_folder(wrong):
    with pytest.raises(DiagramError, match="cache is the most bytes of memory that kept values may take, or a folder"):
        diagram().compile().fit(DATA, cache=wrong)


def test_a_resumed_run_is_bit_for_bit_the_run_that_was_not_stopped(backend, tmp_path):
    d, options = diagram(), {"batch_size": 8, "dtype": "float32"}
    del options["dtype"]
    whole = d.compile(backend=backend)
    whole.fit(DATA, epochs=4, **options)
    first, second = d.compile(backend=backend), d.compile(backend=backend)
    first.fit(DATA, epochs=1, out=tmp_path, **options)
    second.fit(DATA, epochs=4, out=tmp_path, resume=True, **options)
    there = second.parameters()
    for name, table in whole.parameters().items():
        for key, value in table.items():
            np.testing.assert_array_equal(whole.maps.numpy(value), second.maps.numpy(there[name][key]))


def test_a_number_of_a_frozen_map_that_is_not_finite_is_still_laid_to_it():
    d = ld.loads(HEAD + "frozen t : X -> H = linear(6, 4)\nmodel m : X -> H = linear(6, 4)\ngoal g : x >> m = x >> t")
    c = d.compile()
    c.load_parameters({"t": {"bias": np.full(4, np.inf)}})
    with pytest.raises(DiagramError, match=r"the parameter bias of `t` holds infinity before that step"):
        c.fit(DATA, epochs=2, batch_size=8)


def test_batches_from_an_iterable_and_samplers_keep_nothing():
    d = diagram()
    stream = [{name: value[:8] for name, value in DATA.items()}]
    for options in ({"data": stream}, {"data": DATA, "sampler": lambda epoch, rng: [{"S": [0, 1], "T": [1, 2]}]}):
        runs = [d.compile(dtype="float64", passes=passes) for passes in (["cache"], ())]
        for c in runs:
            c.fit(**options, epochs=2)
        one, two = runs
        close(one, two)
