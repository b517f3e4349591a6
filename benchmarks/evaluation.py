"""Goals and a measure of distillation over 1297 digits, by `evaluate` and by hand, on both backends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

from benchmarks import distillation_jax, distillation_torch
from benchmarks.distillation import TEXT, agree, compiled
from benchmarks.pairs import Row, paired

COUNT, BATCH = 1297, 1024
MEASURED = TEXT + "measure accuracy : pixels >> student = label by accuracy\n"
Batch = dict[str, Any]


def digits() -> Batch:
    found = load_digits()
    pixels, label = found["data"][:COUNT], found["target"][:COUNT]  # type: ignore[index]
    return {"pixels": (pixels / 16).astype(np.float32), "label": label.astype(np.int64)}


def over_batches(values: Callable[[Any, Any], dict[str, Any]], data: Batch) -> dict[str, float]:
    """The mean of each value over batches, by their sizes."""
    kept = []
    for start in range(0, COUNT, BATCH):
        x, y = (data[name][start : start + BATCH] for name in ("pixels", "label"))
        kept.append((len(x), values(x, y)))
    return {name: sum(n * float(found[name]) for n, found in kept) / COUNT for name in kept[0][1]}


def torch_by_hand(maps: dict[str, nn.Module]) -> Callable[[Batch], dict[str, float]]:
    teacher, student = maps["teacher"], maps["student"]

    def values(x: Any, y: Any) -> dict[str, Any]:
        pixels, label = torch.from_numpy(x), torch.from_numpy(y)
        logits, target = student(pixels), teacher(pixels)
        ours, theirs = F.log_softmax(logits / 4, -1), F.log_softmax(target / 4, -1)
        return {
            "hard": F.cross_entropy(logits, label),
            "soft": 16 * F.kl_div(ours, theirs, reduction="batchmean", log_target=True),
            "accuracy": (logits.argmax(-1) == label).float().mean(),
        }

    def run(data: Batch) -> dict[str, float]:
        teacher.eval()
        student.eval()
        with torch.no_grad():
            return over_batches(values, data)

    return run


def jax_by_hand(params: Any) -> Callable[[Batch], dict[str, float]]:
    @jax.jit
    def values(params: Any, x: Any, y: Any) -> dict[str, Any]:
        logits, target = (distillation_jax.forward(params[name], x) for name in ("student", "teacher"))
        ours, theirs = jax.nn.log_softmax(logits / 4), jax.nn.log_softmax(target / 4)
        return {
            "hard": optax.softmax_cross_entropy_with_integer_labels(logits, y).mean(),
            "soft": 16 * (jnp.exp(theirs) * (theirs - ours)).sum(-1).mean(),
            "accuracy": (logits.argmax(-1) == y).mean(),
        }

    return partial(over_batches, partial(values, params))


def rows() -> Iterator[Row]:
    data, modules = digits(), distillation_torch.modules()
    on_torch = compiled(MEASURED, modules, "torch")
    on_jax = compiled(MEASURED, distillation_jax.maps(), "jax")
    for backend, made, hand in (
        ("torch", on_torch, torch_by_hand(modules)),
        ("jax", on_jax, jax_by_hand(on_jax.parameters())),
    ):
        for name, value in hand(data).items():
            agree(made.evaluate(data)[name], value)
        found = paired(partial(made.evaluate, data), partial(hand, data), rounds=60, repeat=3)
        yield found.row(f"evaluate over {COUNT} digits, {backend}", "ms")
