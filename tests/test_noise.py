"""Noise is keyed by what it is for, and the same in one draw or in parts."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from learningdiagrams.diagram import Diagram
from learningdiagrams.errors import DiagramError
from learningdiagrams.noise import draw_noise, draw_parts, keyed


def noisy(draws: str = "normal(2)") -> Diagram:
    d = Diagram("noisy")
    S, A, Z = d.object("S"), d.object("A", shape=("n",)), d.object("Z", shape=(3, "n"))
    d.data("x", S, A)
    d.noise("z", S, Z, draws)
    d.noise("y", S, A, "shuffle(x)")
    return d


X = np.arange(12.0).reshape(6, 2)


def test_the_key_alone_decides_the_numbers():
    one, two = (draw_noise(noisy(), {"x": X}, step=3, seed=5) for _ in range(2))
    assert np.array_equal(one["z"], two["z"]) and np.array_equal(one["y"], two["y"])
    for step, seed in ((4, 5), (3, 6)):
        other = draw_noise(noisy(), {"x": X}, step=step, seed=seed)
        assert not np.array_equal(one["z"], other["z"])


def test_a_name_of_its_own_is_a_draw_of_its_own():
    d = noisy()
    d.noise("z2", d.sorts["S"], d.sorts["Z"], "normal(2)")
    drawn = draw_noise(d, {"x": X}, step=0, seed=0)
    assert not np.array_equal(drawn["z"], drawn["z2"])
    assert np.array_equal(drawn["z"], draw_noise(noisy(), {"x": X}, step=0, seed=0)["z"])


def test_one_key_is_one_stream_and_keys_do_not_run_together():
    assert keyed(1, 23).integers(2**60) != keyed(12, 3).integers(2**60)
    assert keyed(0, "1").integers(2**60) != keyed(0, 1).integers(2**60)
    assert keyed(-1, "negative seeds are seeds").integers(2**60) >= 0


def test_distributions():
    d = Diagram()
    S, A = d.objects("S", "A")
    d.data("x", S, A)
    d.noise("z", S, A, "normal(4, std=3)")
    d.noise("u", S, A, "uniform(5, low=-2, high=6)")
    drawn = draw_noise(d, {"x": np.zeros(20_000)}, step=0, seed=0)
    assert drawn["z"].shape == (20_000, 4) and drawn["u"].shape == (20_000, 5)
    assert abs(drawn["z"].mean()) < 0.05 and abs(drawn["z"].std() - 3) < 0.05
    assert drawn["u"].min() >= -2 and drawn["u"].max() < 6 and abs(drawn["u"].mean() - 2) < 0.05


def test_without_arguments_the_declared_shape_is_drawn_with_names_read_off_the_batch():
    assert draw_noise(noisy("normal()"), {"x": X}, 0, 0)["z"].shape == (6, 3, 2)
    assert draw_noise(noisy("uniform()"), {}, 0, 0, axes={"n": 7}).keys() == set()


def test_a_product_draws_each_factor():
    d = Diagram()
    S, A, B = d.object("S"), d.object("A", shape=(2,)), d.object("B", shape=())
    d.data("x", S, A)
    d.noise("z", S, A * B, "normal()")
    a, b = draw_noise(d, {"x": np.zeros((5, 2))}, 0, 0)["z"]
    assert a.shape == (5, 2) and b.shape == (5,) and not np.array_equal(a[:, 0], b)


def test_shuffle_permutes_all_factors_alike():
    d = Diagram()
    S, A, B = d.objects("S", "A", "B")
    d.data("x", S, A * B)
    d.noise("y", S, A * B, "shuffle(x)")
    rows = np.arange(9)
    a, b = draw_noise(d, {"x": (rows, rows * 10)}, 0, 0)["y"]
    assert sorted(a) == list(rows) and np.array_equal(b, a * 10) and not np.array_equal(a, rows)


def test_arrays_of_a_backend_are_permuted_as_they_are():
    torch = pytest.importorskip("torch")
    drawn = draw_noise(noisy(), {"x": torch.tensor(X)}, 0, 0)["y"]
    assert isinstance(drawn, torch.Tensor)
    assert np.array_equal(drawn.numpy(), draw_noise(noisy(), {"x": X}, 0, 0)["y"])


def test_numbers_are_rounded_not_drawn_again():
    fine, coarse = (draw_noise(noisy(), {"x": X}, 0, 0, dtype=kind)["z"] for kind in ("float64", "float32"))
    assert coarse.dtype == np.float32 and np.array_equal(fine.astype(np.float32), coarse)


def test_what_is_not_needed_or_cannot_be_is_left_out():
    d = noisy()
    assert draw_noise(d, {}, 0, 0) == {}
    assert set(draw_noise(d, {"x": X}, 0, 0, needed={"y"})) == {"x", "y"}
    given_z = np.zeros((6, 2))
    assert draw_noise(d, {"x": X, "z": given_z}, 0, 0)["z"] is given_z


def test_a_sample_object_of_noise_alone_has_as_many_rows_as_the_largest():
    d = noisy()
    d.noise("w", d.object("W"), d.object("V"), "normal(1)")
    assert draw_noise(d, {"x": X}, 0, 0)["w"].shape == (6, 1)
    assert draw_noise(d, {}, 0, 0, rows=4)["w"].shape == (4, 1)
    with pytest.raises(DiagramError, match="`w`: W has noise but no data, and the batch holds nothing"):
        draw_noise(d, {}, 0, 0)


@pytest.mark.parametrize(
    ("shape", "dtype", "draws", "text"),
    [
        (
            None,
            "float",
            "normal()",
            r"`z`: normal\(\) takes the shape that Z declares, and it declares none; write normal\(16\), "
            r"or object Z\[16\]",
        ),
        (
            ("m",),
            "float",
            "uniform()",
            r"`z`: uniform\(\) takes the shape of Z\[m\], and nothing says what number m stands for; write "
            r"uniform\(16\), or a number in the declaration of Z",
        ),
        ((2,), "int", "normal(2)", r"`z`: normal\(2\) draws real numbers, but Z is declared int"),
    ],
)
def test_errors(shape, dtype, draws, text):
    d = Diagram()
    S, A, Z = d.object("S"), d.object("A"), d.object("Z", shape=shape, dtype=dtype)
    d.data("x", S, A)
    d.noise("z", S, Z, draws)
    with pytest.raises(DiagramError, match=text):
        draw_noise(d, {"x": X}, 0, 0)


@given(st.lists(st.integers(1, 5), min_size=1, max_size=6), st.integers(0, 3))
def test_parts_are_the_whole(sizes: list[int], seed: int):
    d = noisy("normal()")
    ends = np.cumsum([0, *sizes])
    x = np.arange(2.0 * ends[-1]).reshape(-1, 2)
    whole = draw_noise(d, {"x": x}, 7, seed)
    parts = list(
        draw_parts(
            d,
            {"x": x},
            "S",
            7,
            seed,
            [slice(a, b) for a, b in pairwise(ends)],
            needed={"z", "y"},
            axes={"n": 2},
        )
    )
    for name in ("z", "y"):
        assert np.array_equal(np.concatenate([part[name] for part in parts]), whole[name])
