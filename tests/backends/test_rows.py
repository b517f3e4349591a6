"""Which maps are known to take each row of a batch by itself; and that those do."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import learningdiagrams as ld
from learningdiagrams.backends.rows import DRAWS, LEARNS, layer_by_row
from learningdiagrams.passes import by_row

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from learningdiagrams.backends.torch_rows import torch_by_row  # noqa: E402


def asked(module: nn.Module, training: bool = False) -> str | None:
    return torch_by_row("f", module, module, training)


class Own(nn.Module):
    def __init__(self, *parts: nn.Module) -> None:
        super().__init__()
        self.parts = nn.ModuleList(parts)

    def forward(self, x):
        for part in self.parts:
            x = part(x)
        return x


KNOWN = [
    (nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Dropout(0.5), nn.Linear(6, 2)), (4,)),
    (nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.MaxPool2d(2), nn.Flatten(), nn.LayerNorm(27)), (1, 8, 8)),
    (nn.Sequential(nn.GroupNorm(2, 4), nn.Upsample(scale_factor=2), nn.Softmax(-1), nn.InstanceNorm1d(4)), (4, 6)),
    (nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), (5, 8)),
]


@pytest.mark.parametrize(("module", "shape"), KNOWN, ids=["dense", "images", "channels", "attention"])
def test_known_modules_take_each_row_by_itself(module, shape):
    module = copy.deepcopy(module).eval()
    assert asked(module) is None
    x = torch.from_numpy(np.random.default_rng(0).normal(size=(7, *shape)).astype(np.float32))
    with torch.no_grad():
        whole, alone = module(x), torch.cat([module(row) for row in x.split(1)])
    torch.testing.assert_close(whole, alone, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("part", "reason"),
    [(nn.BatchNorm1d(4), LEARNS), (nn.Dropout(0.1), DRAWS), (nn.RReLU(), DRAWS), (nn.Dropout(0.0), None)],
    ids=str,
)
def test_training_mode_is_asked_for_itself(part, reason):
    module = nn.Sequential(nn.Linear(4, 4), part)
    assert asked(module) is None
    assert asked(module, training=True) == reason
    assert asked(by_row(copy.deepcopy(Own(module))), training=True) == reason


@pytest.mark.parametrize(
    "module",
    [
        nn.Softmax(0),
        nn.Softmax(-2),
        nn.Flatten(0),
        nn.GRU(4, 4),
        nn.TransformerEncoderLayer(8, 2, 16),
        Own(nn.Linear(4, 4)),
        nn.Softmax(),
    ],
    ids=str,
)
def test_what_may_mix_rows_or_is_not_known_is_not_taken_for_it(module):
    assert "nothing says that it takes each row by itself" in (asked(module) or "")


def test_batch_norm_without_running_statistics_mixes_rows():
    reason = "its BatchNorm1d compares the rows of a batch with one another"
    assert asked(nn.Sequential(nn.BatchNorm1d(4, track_running_stats=False))) == reason
    assert asked(by_row(Own(nn.BatchNorm1d(4, track_running_stats=False)))) == reason


def test_hooks_and_forwards_of_ones_own_are_not_known():
    hooked, patched = nn.Sequential(nn.Linear(4, 4)), nn.Sequential(nn.Linear(4, 4))
    hooked[0].register_forward_hook(lambda module, args, output: output - output.mean(0))
    patched[0].forward = lambda input: input - input.mean(0)
    assert asked(hooked) is not None and asked(patched) is not None


def test_an_embedding_that_changes_its_weight_is_not_pure():
    assert asked(nn.Embedding(5, 3)) is None
    assert asked(nn.Embedding(5, 3, max_norm=1.0)) is not None


def test_methods_and_functions_are_said_to():
    class Two(nn.Linear):
        def other(self, x):
            return x

        @by_row
        def said(self, x):
            return self(x)

    module = Two(4, 4)
    assert torch_by_row("f", module.other, module, False) is not None
    assert torch_by_row("f", module.said, module, False) is None
    assert torch_by_row("f", by_row(lambda x: x), None, False) is None


def test_a_class_of_modules_may_say_it():
    class Said(Own):
        by_row = True

    assert asked(Said(nn.Linear(4, 4))) is None
    assert asked(nn.Sequential(Said(nn.Linear(4, 4)), nn.ReLU())) is None


def test_built_in_layers_in_both_modes():
    layer = ld.layers.mlp(4, 3, 2, norm="batch", dropout=0.1)
    assert layer_by_row(layer, False) is None and layer_by_row(layer, True) in (LEARNS, DRAWS)


def test_maps_on_jax():
    pytest.importorskip("jax")
    import equinox as eqx
    import jax
    import jax.numpy as jnp
    from flax import nnx

    d = ld.loads("object S, X[4]\ndata x : S -> X\n" + "".join(f"model {n} : X -> X\n" for n in "abcdefgh"))
    key = jax.random.key(0)
    norm = eqx.nn.make_with_state(eqx.nn.BatchNorm)(4, axis_name="batch", mode="ema")
    maps = {
        "a": eqx.nn.Linear(4, 4, key=key),
        "b": eqx.nn.Dropout(0.5),
        "c": norm,
        "d": nnx.Linear(4, 4, rngs=nnx.Rngs(0)),
        "e": by_row(lambda x: x),
        "f": ({"w": jnp.ones(4)}, lambda p, x: p["w"] * x),
        "g": nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4)),
        "h": ld.layers.linear(4, 4),
    }
    made = d.compile(backend="jax", maps=maps).maps
    known = {name: (made.by_row(name) is None, made.by_row(name, True) is None) for name in maps}
    assert known == {
        **dict.fromkeys("eh", (True, True)),
        **dict.fromkeys("abcg", (True, False)),  # one that takes a key may draw
        **dict.fromkeys("df", (False, False)),
    }
