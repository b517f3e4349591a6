"""A torch module trained on JAX, against the same model written in JAX by hand.

Convolutions 1-16-32 with ReLU and pooling over 8 × 8 digits, then a linear layer to 10 classes; batch 128;
cross-entropy; Adam.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any

import jax
import numpy as np
import optax
import torch
from jax import lax
from torch import nn

from benchmarks.distillation import RATE, agree, compiled, trainer_step
from benchmarks.pairs import Row, paired

BATCH = 128
TEXT = """diagram Digits
object Sample, Image[1, 8, 8], Logits[10]
data  pixels     : Sample -> Image
data  label      : Sample -> Logits
model classifier : Image -> Logits
goal  hard       : pixels >> classifier = label by cross_entropy
"""
Batch = dict[str, Any]


def module() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(128, 10),
    )


def convolved(params: Any, number: int, x: Any) -> Any:
    """A convolution, ReLU, and the largest of each 2 × 2 field."""
    y = lax.conv_general_dilated(x, params[f"{number}.weight"], (1, 1), "SAME")
    y = jax.nn.relu(y + params[f"{number}.bias"][:, None, None])
    return lax.reduce_window(y, -np.inf, lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")


def step_by_hand(params: Any) -> Callable[[Batch], Any]:
    optimizer = optax.adam(RATE)

    def loss(params: Any, x: Any, y: Any) -> Any:
        features = convolved(params, 3, convolved(params, 0, x))
        logits = features.reshape(len(x), -1) @ params["7.weight"].T + params["7.bias"]
        return optax.softmax_cross_entropy_with_integer_labels(logits, y).mean()

    @partial(jax.jit, donate_argnums=(0, 1))
    def step(params: Any, state: Any, x: Any, y: Any) -> Any:
        total, gradients = jax.value_and_grad(loss)(params, x, y)
        updates, state = optimizer.update(gradients, state, params)
        return optax.apply_updates(params, updates), state, total

    state = optimizer.init(params)

    def run(batch: Batch) -> Any:
        nonlocal params, state
        params, state, total = step(params, state, batch["pixels"], batch["label"])
        return total

    return run


def rows() -> Iterator[Row]:
    draw = np.random.default_rng(0)
    batch = {
        "pixels": draw.normal(size=(BATCH, 1, 8, 8)).astype(np.float32),
        "label": draw.integers(0, 10, BATCH).astype(np.int32),
    }
    made = compiled(TEXT, {"classifier": module()}, "jax")
    hand = step_by_hand(made.parameters()["classifier"])
    with ExitStack() as close:
        ours = trainer_step(made, close)
        for _ in range(10):
            agree(float(ours(batch).total), float(hand(batch)))
        found = paired(
            lambda: ours(batch).total,
            lambda: hand(batch),
            rounds=50,
            repeat=5,
            wait=jax.block_until_ready,
        )
    yield found.row("torch convolutions on jax, step (to jax by hand)", "ms")
