"""What training keeps in memory, and whose memory a step reads."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import pytest

import learningdiagrams as ld
from learningdiagrams.backends.base import Maps
from learningdiagrams.diagram import Diagram


def pair() -> Diagram:
    """A student and its average, that follow a frozen teacher."""
    d = Diagram("Pair")
    S, X, Y = d.objects("S", "X", "Y")
    x, student, teacher = d.data("x", S, X), d.model("student", X, Y), d.frozen("teacher", X, Y)
    d.ema("average", of="student", decay=0.5)
    d.goal("soft", x >> student, x >> teacher)
    return d


@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_named_maps_are_copied_alone(backend: str):
    pytest.importorskip(backend)
    linear = ld.layers.linear(3, 2)
    maps = pair().compile(backend=backend, maps={"student": linear, "teacher": linear}).maps
    assert maps.parameters().keys() == {"student", "teacher", "average"}
    assert maps.parameters(of={"student"}).keys() == {"student"}
    assert maps.parameters(of=()) == {} == maps.buffers(of=())


@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_snapshots_hold_no_frozen_map(backend: str, monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip(backend)
    linear = ld.layers.linear(3, 2)
    compiled = pair().compile(backend=backend, maps={"student": linear, "teacher": linear})
    asked: list[Collection[str] | None] = []
    kind: type[Maps] = type(compiled.maps)
    parameters = kind.parameters

    def recorded(self: Maps, of: Collection[str] | None = None) -> Any:
        asked.append(of)
        return parameters(self, of)

    monkeypatch.setattr(kind, "parameters", recorded)
    compiled.fit({"x": np.ones((8, 3))}, epochs=2, batch_size=4)
    assert asked and set(asked) == {frozenset({"student", "average"})}


@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_a_loader_may_fill_one_array_again_and_again(backend: str):
    """A step on jax may still read its batch when it has returned, the more so one that lies as jax wants it."""
    pytest.importorskip(backend)
    rows, size, epochs = 512, 512, 3
    draws = np.random.default_rng(0).normal(size=(8, rows, size)).astype(np.float32)
    memory = np.empty(rows * size + 16, np.float32)
    start = -memory.ctypes.data % 64 // 4
    filled = memory[start : start + rows * size].reshape(rows, size)

    def again(epoch: int) -> Any:
        for draw in draws:
            filled[:] = draw
            yield {"x": filled}
            filled[:] = np.nan

    def fresh(epoch: int) -> Any:
        return [{"x": draw.copy()} for draw in draws]

    def trained(batches: Any) -> list[float]:
        maps = {"student": ld.layers.mlp(size, 64, 2), "teacher": ld.layers.mlp(size, 256, 2)}
        return pair().compile(backend=backend, maps=maps).fit(batches, epochs=epochs)["soft"]

    assert trained(again) == trained(fresh)
