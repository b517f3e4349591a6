"""Sixteen goals over one backbone on JAX: each value of the backbone is computed once, as one writes it by hand.

Backbone 64-128-128, heads 128-10, batch 128, the sum of the heads' mean squared errors, Adam.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any

import jax
import numpy as np
import optax

from benchmarks.distillation import RATE, agree, trainer_step
from benchmarks.distillation_jax import forward
from benchmarks.heads_torch import HEADS, batch, diagram
from benchmarks.pairs import Row, paired
from learningdiagrams.layers import linear, mlp

BOUND = 1.05
Batch = dict[str, np.ndarray]


def maps() -> dict[str, Any]:
    return {"backbone": mlp(64, 128, 128)} | {f"head{k}": linear(128, 10) for k in range(HEADS)}


def step_by_hand(params: Any) -> Callable[[Batch], Any]:
    optimizer = optax.adam(RATE)

    def loss(params: Any, batch: Batch) -> Any:
        features = forward(params["backbone"], batch["pixels"])
        terms = []
        for k in range(HEADS):
            head = params[f"head{k}"]
            value = features @ head["weight"].T + head["bias"]
            terms.append(((value - batch[f"y{k}"]) ** 2).mean())
        return sum(terms), terms

    @partial(jax.jit, donate_argnums=(0, 1))
    def step(params: Any, state: Any, batch: Batch) -> Any:
        (total, terms), gradients = jax.value_and_grad(loss, has_aux=True)(params, batch)
        updates, state = optimizer.update(gradients, state, params)
        return optax.apply_updates(params, updates), state, total, terms

    state = optimizer.init(params)

    def run(batch: Batch) -> Any:
        nonlocal params, state
        params, state, total, _ = step(params, state, batch)
        return total

    return run


def calls(whole: Batch) -> int:
    """How often a step applies the backbone: in the trace from which it is compiled, each call is one."""
    count = 0
    weights = np.zeros((64, 128), np.float32)

    def backbone(params: Any, x: Any) -> Any:
        nonlocal count
        count += 1
        return x @ params["weight"]

    made = diagram().compile(backend="jax", maps=maps() | {"backbone": ({"weight": weights}, backbone)})
    with ExitStack() as close:
        step = trainer_step(made, close)
        count = 0
        step(whole)
    return count


def rows() -> Iterator[Row]:
    whole = batch()
    yield Row("16 goals, one backbone, jax", calls(whole), "backbone calls a step", most=1)
    made = diagram().compile(backend="jax", maps=maps())
    hand = step_by_hand(made.parameters())
    with ExitStack() as close:
        ours = trainer_step(made, close)
        for _ in range(20):
            agree(float(ours(whole).total), float(hand(whole)))
        found = paired(
            lambda: ours(whole).total,
            lambda: hand(whole),
            rounds=200,
            repeat=10,
            wait=jax.block_until_ready,
        )
    yield found.row("16 goals, one backbone, step, jax", most=BOUND)
