"""Data are checked against the diagram once, and handed out in batches in an order that the seed decides."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from learningdiagrams.data import Data, Stream, as_batch, as_data, epoch_order, host, kind_of, split, steps_in_epoch
from learningdiagrams.diagram import Diagram
from learningdiagrams.errors import DiagramError


def diagram() -> Diagram:
    d = Diagram()
    S, T = d.objects("S", "T")
    X, Y = d.object("X", shape=(2, "n")), d.object("Y", shape=(10,))
    W, B, A = d.object("W", shape=("n",), dtype="int"), d.object("B", shape=(), dtype="bool"), d.object("A")
    d.data("pixels", S, X)
    d.data("label", S, Y)
    d.data("words", T, W)
    d.data("pair", T, B * A)
    d.noise("z", S, A, "normal(2)")
    d.model("student", X, Y)
    return d


def good() -> dict:
    return {
        "pixels": np.zeros((5, 2, 3)),
        "label": np.zeros(5, np.uint8),
        "words": np.zeros((4, 3), np.int32),
        "pair": (np.ones(4, bool), [1, 2, 3, 4]),
    }


def test_sizes_and_named_axes():
    data = as_data(diagram(), good())
    assert isinstance(data, Data) and data.sizes == {"S": 5, "T": 4} and data.axes == {"n": 3}
    assert as_data(diagram(), data) is data
    assert repr(data) == "<Data pixels, label, words, pair: 5 rows of S, 4 rows of T>"


def test_a_sample_object_may_be_lacking():
    data = as_data(diagram(), {"words": [[1, 2]], "pair": ([True], [0.5])})
    assert isinstance(data, Data) and data.sizes == {"T": 1}


def test_values_may_stand_under_their_sample_object():
    plain, nested = good(), {"S": {}, "T": {}}
    for name, value in plain.items():
        nested[str(diagram().generators[name].dom)][name] = value
    data = as_data(diagram(), nested)
    assert isinstance(data, Data) and data.sizes == {"S": 5, "T": 4} and data.values.keys() == plain.keys()
    assert as_batch(diagram(), {"T": nested["T"]})[0].keys() == {"words", "pair"}
    assert next(Stream(diagram(), [nested], "data").batches(0))[1] == {"S": 5, "T": 4}
    with pytest.raises(DiagramError, match=r"^data: `words` stands under S, and it comes out of T$"):
        as_data(diagram(), {"S": {"words": plain["words"]}})


def test_numbers_that_numpy_has_no_kind_for_become_its_own():
    torch, jax = pytest.importorskip("torch"), pytest.importorskip("jax.numpy")
    for value in (torch.tensor([0.5, 1.0]).bfloat16(), jax.array([0.5, 1.0], "bfloat16")):
        assert kind_of(value) == "float" and host(value).dtype == np.float32 and host(value).tolist() == [0.5, 1.0]
    assert kind_of(np.zeros(1, ">f4")) == "float" and kind_of(np.zeros(1, ">u2")) == "int"
    assert host(torch.ones(2, requires_grad=True)).tolist() == [1.0, 1.0]


def test_rows_are_taken_of_every_kind_of_array():
    torch = pytest.importorskip("torch")
    values = {
        **good(),
        "pixels": torch.arange(30.0).reshape(5, 2, 3),
        "pair": (np.array([1, 0, 1, 0], bool), range(4)),
    }
    data = as_data(diagram(), values)
    assert isinstance(data, Data)
    taken = data.batch({"S": np.array([4, 0]), "T": slice(1, 3)})
    assert isinstance(taken["pixels"], torch.Tensor) and taken["pixels"][:, 0, 0].tolist() == [24.0, 0.0]
    assert taken["pair"][0].tolist() == [False, True] and taken["pair"][1].tolist() == [1, 2]
    assert data.take("S", np.array([1])).keys() == {"pixels", "label"}
    assert data.only(["words"]).sizes == {"T": 4}


def test_probabilities_and_class_numbers_are_both_values_of_logits():
    for label in (np.zeros((5, 10)), np.zeros(5, np.int64), np.zeros((5, 10), np.int64)):
        assert as_data(diagram(), {**good(), "label": label})


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"pixel": 0}, "data: there is no data generator `pixel`; did you mean `pixels`?"),
        ({"qqq": 0}, "data: there is no data generator `qqq`; there are pixels, label, words, pair"),
        (
            {"z": np.zeros((5, 2))},
            "data: `z` is noise, which is drawn afresh for each batch; declare it as data to give its",
        ),
        (
            {"student": [0]},
            "data: `student` is a map of role model; values are given for data generators only",
        ),
        ({"label": None}, "data: `label` is missing; it comes out of S, as pixels does"),
        (
            {"label": np.zeros(4, int)},
            "data: `label` has 4 rows, but `pixels` has 5; both come out of S, one row for each sample",
        ),
        (
            {"pair": (np.ones(4, bool), np.ones(3))},
            "data: `pair` has 3 rows, but `words` has 4; both come out of T, one row for each sample",
        ),
        (
            {"pixels": np.zeros((5, 3, 3))},
            "data: `pixels` has values of shape [3, 3], but X is declared [2, n]",
        ),
        (
            {"label": np.zeros((5, 3), int)},
            "data: `label` has values of shape [3], but Y is declared [10], or class numbers of shape []",
        ),
        ({"label": np.zeros((5, 3))}, "data: `label` has values of shape [3], but Y is declared [10]"),
        ({"label": np.zeros(5)}, "data: `label` has values of shape [], but Y is declared [10]"),
        (
            {"words": np.zeros((4, 2), int)},
            "data: `words` has values of shape [2], so that n in W[n] int is 2, but it is 3 in `pixels`",
        ),
        ({"words": np.zeros((4, 3))}, "data: `words` holds float numbers (float64), but W is declared int"),
        (
            {"pair": ([1, 0, 1, 0], [1, 2, 3, 4])},
            "data: `pair` holds int numbers (int64), but B is declared bool",
        ),
        (
            {"pair": np.zeros((4, 2))},
            "data: `pair`: B * A is a product of 2, so that its value is a tuple of as many arrays, not 1",
        ),
        ({"words": ([1], [2])}, "data: `words`: one array is wanted for W, not a tuple of 2"),
        ({"words": 3}, "data: `words` is a single number; its first axis is to count the rows"),
        ({"pixels": np.zeros((0, 2, 3))}, "data: `pixels` has no rows"),
        ({"pixels": [[1, 2], [3]]}, "data: `pixels` is ragged; its rows are to have one shape"),
        ({"pixels": object()}, "data: `pixels` is object; an array of numbers is wanted"),
        ({"pixels": np.array(["a"])}, "data: `pixels` holds <U1; numbers or truth values are wanted"),
    ],
)
def test_errors(change: dict, text: str):
    values = {name: value for name, value in {**good(), **change}.items() if value is not None}
    with pytest.raises(DiagramError) as error:
        as_data(diagram(), values)
    assert str(error.value).startswith(text)


def test_what_is_no_data_at_all():
    for nothing in (3, np.zeros(3)):
        with pytest.raises(DiagramError, match="data are a dictionary of arrays by the names of the data generators"):
            as_data(diagram(), nothing)


def test_a_batch_may_lack_data_and_hold_noise():
    batch, axes = as_batch(diagram(), {"pixels": [[[1.0], [2.0]]], "z": np.zeros((1, 2))})
    assert batch["pixels"].shape == (1, 2, 1) and axes == {"n": 1}
    with pytest.raises(DiagramError, match="batch: a batch is a dictionary"):
        as_batch(diagram(), [1])  # type: ignore[arg-type]


def simple() -> Diagram:
    d = Diagram()
    S, X, Y = d.objects("S", "X", "Y")
    d.data("x", S, X)
    d.data("y", S, Y)
    return d


def test_batches_from_an_iterable_are_dictionaries_or_tuples():
    batches = [{"x": [1.0, 2.0], "y": [0, 1]}, (np.zeros(3), np.zeros(3))]
    stream = as_data(simple(), batches)
    assert isinstance(stream, Stream) and stream.length == 2 and not stream.once
    assert [rows for _, rows in stream.batches(0)] == [{"S": 2}, {"S": 3}]
    assert [batch["y"].tolist() for batch, _ in stream.batches(1)] == [[0, 1], [0, 0, 0]]


def test_batches_from_a_data_loader():
    torch = pytest.importorskip("torch")
    rows = torch.utils.data.TensorDataset(torch.arange(5.0), torch.arange(5))
    stream = as_data(simple(), torch.utils.data.DataLoader(rows, batch_size=2))
    assert isinstance(stream, Stream) and stream.length == 3
    assert [batch["y"].tolist() for batch, _ in stream.batches(0)] == [[0, 1], [2, 3], [4]]


def test_batches_from_a_function_of_the_epoch():
    stream = as_data(simple(), lambda epoch: [{"x": [float(epoch)], "y": [0]}])
    assert isinstance(stream, Stream) and stream.length is None
    assert [next(stream.batches(epoch))[0]["x"].tolist() for epoch in (0, 3)] == [[0.0], [3.0]]
    with pytest.raises(DiagramError, match="a function that makes batches is called with the number of the epoch"):
        as_data(simple(), lambda: [])


def test_errors_of_batches_say_which():
    with pytest.raises(DiagramError, match="data, batch 1: `y` is missing"):
        list(as_data(simple(), [{"x": [1], "y": [1]}, {"x": [1]}]).batches(0))  # type: ignore[union-attr]
    with pytest.raises(
        DiagramError,
        match=r"data, batch 0: a batch is a dictionary, or a tuple in .* \(x, y\); this one has 1 part$",
    ):
        list(as_data(simple(), [([1],)]).batches(0))  # type: ignore[union-attr]
    with pytest.raises(DiagramError, match=r"data: there is no batch in it$"):
        list(as_data(simple(), []).batches(0))  # type: ignore[union-attr]


def test_a_generator_has_one_pass():
    stream = as_data(simple(), ({"x": [i], "y": [i]} for i in range(2)))
    assert isinstance(stream, Stream) and stream.once and len(list(stream.batches(0))) == 2
    with pytest.raises(DiagramError, match="give something that can be iterated again, or a function of the epoch"):
        list(stream.batches(1))


def test_host_copies_nothing_that_is_on_the_host():
    torch = pytest.importorskip("torch")
    tensor = torch.zeros(3, requires_grad=True)
    seen, listed = host((tensor, [1, 2]))
    seen[0] = 5.0
    assert tensor[0].item() == 5.0 and listed.tolist() == [1, 2]


def test_split_holds_out_rows_of_every_sample_object():
    values = {
        "pixels": np.arange(50 * 6).reshape(50, 2, 3),
        "label": np.arange(50) % 10,
        "words": np.zeros((10, 3), int),
        "pair": (np.ones(10, bool), np.arange(10)),
    }
    data = as_data(diagram(), values)
    kept, held = split(data, 0.2, seed=0)
    assert kept.sizes == {"S": 40, "T": 8} and held.sizes == {"S": 10, "T": 2} and held.axes == {"n": 3}
    rows = np.concatenate([kept.values["pixels"], held.values["pixels"]])[:, 0, 0]
    assert sorted(rows) == list(range(0, 300, 6))
    assert np.array_equal(held.values["label"], held.values["pixels"][:, 0, 0] // 6 % 10)
    assert np.array_equal(split(data, 0.2, seed=0)[1].values["label"], held.values["label"])
    assert not np.array_equal(split(data, 0.2, seed=1)[1].values["label"], held.values["label"])


@pytest.mark.parametrize("fraction", [0, 1, 1.5, True, "a"])
def test_a_fraction_is_between_0_and_1(fraction):
    with pytest.raises(DiagramError, match="validation is data, or a fraction between 0 and 1, not"):
        split(as_data(diagram(), good()), fraction, 0)


def test_what_cannot_be_split():
    with pytest.raises(DiagramError, match=r"validation=0.5 leaves no rows of S to train on; it has 1"):
        split(as_data(simple(), {"x": [1], "y": [1]}), 0.5, 0)
    with pytest.raises(DiagramError, match="with batches from an iterable give validation data"):
        split(as_data(simple(), [1]), 0.5, 0)


@given(
    st.dictionaries(st.sampled_from("STU"), st.integers(1, 20), min_size=1),
    st.integers(1, 7),
    st.integers(0, 3),
)
def test_an_epoch_covers_the_largest_sample_object_and_shorter_ones_start_over(sizes, batch_size, seed):
    batches = list(epoch_order(sizes, batch_size, seed, "key"))
    assert len(batches) == steps_in_epoch(sizes, batch_size) == -(-max(sizes.values()) // batch_size)
    for sample, size in sizes.items():
        each = -(-size // batch_size)
        for turn in range(0, len(batches) - each + 1, each):
            rows = np.concatenate([batch[sample] for batch in batches[turn : turn + each]])
            assert sorted(rows) == list(range(size))
    again = list(epoch_order(sizes, batch_size, seed, "key", start=len(batches) // 2))
    for one, two in zip(batches[len(batches) // 2 :], again, strict=True):
        assert all(np.array_equal(one[sample], two[sample]) for sample in sizes)


def test_orders_differ_between_keys_sample_objects_and_turns():
    first, *_ = epoch_order({"S": 50, "T": 50}, 50, 0)
    other, *_ = epoch_order({"S": 50, "T": 50}, 50, 1)
    assert not np.array_equal(first["S"], other["S"]) and not np.array_equal(first["S"], first["T"])
    turns = [batch["T"] for batch in epoch_order({"S": 100, "T": 50}, 50, 0)]
    assert not np.array_equal(turns[0], turns[1])
