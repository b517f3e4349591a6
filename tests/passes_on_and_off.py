"""Diagrams computed with passes and without them, for the tests of the passes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from hypothesis import strategies as st

import learningdiagrams as ld

LAYERS = (
    ld.layers.linear(4, 4),
    ld.layers.mlp(4, 3, 4),
    ld.layers.mlp(4, 3, 4, dropout=0.5),
    ld.layers.mlp(4, 3, 4, norm="batch"),
    ld.layers.mlp(4, 3, 4, norm="layer", activation="gelu"),
)
COMPARATORS = ("mse", "l1", "huber", "bce", "kl", "cosine", "cross_entropy", "info_nce")
ROWS = {"S": 6, "T": 6, "U": 7}
"""Two sample objects of as many rows, and one of others."""


@st.composite
def trainings(draw: st.DrawFn) -> tuple[ld.Diagram, dict[str, Any], dict[str, np.ndarray]]:
    """A diagram with many maps of few architectures, what realises them, and a batch."""
    d = ld.Diagram("Random")
    value, pair = d.object("X", shape=(4,)), []
    maps: dict[str, Any] = {}
    batch: dict[str, np.ndarray] = {}
    pools = {}
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    for sample, rows in ROWS.items():
        source = d.object(sample)
        pools[sample] = [d.data(f"{sample.lower()}{i}", source, value) for i in range(3)]
        batch.update({f"{sample.lower()}{i}": rng.random((rows, 4)) for i in range(3)})
        if sample == "S":
            pools[sample].append(d.noise("z", source, value, "normal(4)"))
    models, endo = [], []
    for i in range(draw(st.integers(3, 7))):
        role = draw(st.sampled_from(("model", "model", "model", "frozen", "ema")))
        if role == "ema" and models:
            follows = draw(st.sampled_from(models))
            endo.append(d.ema(f"m{i}", of=follows, decay=0.9))
            continue
        role = "model" if role == "ema" else role
        maps[f"m{i}"] = draw(st.sampled_from(LAYERS))
        endo.append(getattr(d, role)(f"m{i}", value, value))
        if role == "model":
            models.append(f"m{i}")
    maps["both"], maps["apart"] = ld.layers.linear(8, 4), _halves
    pair = [d.model("both", value * value, value), d.fixed("apart", value, value * value)]
    for pool in pools.values():
        for _ in range(draw(st.integers(2, 6))):
            one = draw(st.sampled_from(pool))
            how = draw(st.sampled_from(("map", "map", "map", "both", "apart", "stop")))
            if how == "map":
                pool.append(one >> draw(st.sampled_from(endo)))
            elif how == "both":
                pool.append((one & draw(st.sampled_from(pool))) >> pair[0])
            elif how == "apart":
                pool.append(one >> pair[1] >> ld.proj(value * value, draw(st.integers(0, 1))))
            else:
                pool.append(ld.stop(one))
    for i in range(draw(st.integers(2, 7))):
        pool = draw(st.sampled_from([pool for pool in pools.values()]))
        left = draw(st.sampled_from(pool))
        right = draw(st.sampled_from(pool))
        train = draw(st.sampled_from((None, None, models[:1], models[1:])))
        by = draw(st.sampled_from(COMPARATORS))
        if by in ("bce", "cross_entropy", "kl"):
            right = pool[0]
        d.goal(f"g{i}", left, right, by=by, weight=draw(st.sampled_from((1, 1, 0.5, -2))), train=train or None)
    return d, maps, batch


def _halves(x: Any) -> tuple[Any, Any]:
    return 2 * x, x + 1


def both(d: ld.Diagram, backend: str, maps: Mapping[str, Any], **options: Any) -> tuple[ld.Compiled, ld.Compiled]:
    """The diagram compiled with all passes and with none."""
    made = (d.compile(backend=backend, maps=maps, dtype="float64", passes=p, **options) for p in ("all", ()))
    return tuple(made)  # type: ignore[return-value]


def agree(on: ld.Compiled, off: ld.Compiled, batch: Mapping[str, Any], fit: bool = True) -> None:
    """Terms in evaluation, gradients in training, and what training leaves behind, are the same up to rounding."""
    found = []
    for made in (on, off):
        with made.maps.session(0):  # what maps draw starts at one place
            out = made.loss(batch, step=3)
            total, field = made.value_and_grad(batch, step=3, training=True)
        found.append((out.total.item(), {name: term.item() for name, term in out.terms.items()}, total.item(), field))
    (loss, terms, total, field), (loss_off, terms_off, total_off, field_off) = found
    assert list(terms) == list(terms_off)
    np.testing.assert_allclose([loss, total, *terms.values()], [loss_off, total_off, *terms_off.values()], 1e-9, 1e-11)
    same(on, field, field_off)
    if fit and on.plan.moved:
        for made in (on, off):
            made.fit(batch, steps=2, batch_size=4, lr=1e-2)
        same(on, on.parameters(), off.parameters(), 1e-6)
    same(on, on.maps.buffers(), off.maps.buffers(), 1e-6)


def same(c: ld.Compiled, one: Mapping[str, Any], two: Mapping[str, Any], rtol: float = 1e-8) -> None:
    """Tables of numbers agree, in names, shapes and values."""
    assert one.keys() == two.keys()
    for generator, table in one.items():
        assert table.keys() == two[generator].keys()
        for key, value in table.items():
            np.testing.assert_allclose(
                c.maps.numpy(value), c.maps.numpy(two[generator][key]), rtol, 1e-9, err_msg=f"{generator}.{key}"
            )


def table(c: ld.Compiled) -> Any:
    """How the compiled diagram computes all goals."""
    return c.maps.program(c.plan).table  # type: ignore[attr-defined]
