"""Distillation on JAX: a step and an epoch by hand, with `jax.jit` and optax, and the same from a diagram.

Teacher 64-256-256-10, frozen; student 64-32-10; batch 128; cross-entropy on labels plus 0.7 · KL to the teacher
at temperature 4; Adam. Batches come out of NumPy's arrays, as they do in `fit`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from benchmarks.distillation import (
    BATCH,
    RATE,
    TEXT,
    Batch,
    agree,
    batches,
    compiled,
    data,
    epoch_by_hand,
    epochs,
    trainer_step,
)
from benchmarks.pairs import Paired, Row, paired

BOUND, SCANNED = 1.06, 0.75


def maps() -> dict[str, Any]:
    from learningdiagrams.layers import mlp

    return {"teacher": mlp(64, 256, 256, 10), "student": mlp(64, 32, 10)}


def forward(parameters: dict[str, Any], x: Any) -> Any:
    """A multilayer perceptron whose parameters are named as torch names them."""
    *hidden, last = sorted({name.split(".")[0] for name in parameters}, key=int)
    for layer in hidden:
        x = jax.nn.relu(x @ parameters[f"{layer}.weight"].T + parameters[f"{layer}.bias"])
    return x @ parameters[f"{last}.weight"].T + parameters[f"{last}.bias"]


def step_by_hand(student: Any, teacher: Any) -> Callable[[Batch], tuple[Any, Any, Any]]:
    """A jitted step whose parameters and optimizer state are donated; from a batch to total, hard and soft."""
    optimizer = optax.adam(RATE)

    def loss(params: Any, teacher: Any, x: Any, y: Any) -> Any:
        logits, target = forward(params, x), forward(teacher, x)
        hard = optax.softmax_cross_entropy_with_integer_labels(logits, y).mean()
        ours, theirs = jax.nn.log_softmax(logits / 4), jax.nn.log_softmax(target / 4)
        soft = 16 * (jnp.exp(theirs) * (theirs - ours)).sum(-1).mean()
        return hard + 0.7 * soft, (hard, soft)

    @partial(jax.jit, donate_argnums=(0, 1))
    def step(params: Any, state: Any, teacher: Any, x: Any, y: Any) -> Any:
        (total, terms), gradients = jax.value_and_grad(loss, has_aux=True)(params, teacher, x, y)
        updates, state = optimizer.update(gradients, state, params)
        return optax.apply_updates(params, updates), state, total, terms

    params, state = student, optimizer.init(student)

    def run(batch: Batch) -> tuple[Any, Any, Any]:
        nonlocal params, state
        params, state, total, terms = step(params, state, teacher, batch["pixels"], batch["label"])
        return total, *terms

    return run


def both() -> tuple[Any, Callable[[Batch], Any]]:
    """The compiled diagram, and a step by hand that starts from the same numbers."""
    made = compiled(TEXT, maps(), "jax")
    start = made.parameters()
    return made, step_by_hand(start["student"], start["teacher"])


def arrays() -> Batch:
    return data() | {"label": data()["label"].astype(np.int32)}


def steps(rounds: int = 100, repeat: int = 20) -> Paired:
    """Single steps in turns, on one batch after the other."""
    made, hand = both()
    whole = arrays()
    with ExitStack() as close:
        ours = trainer_step(made, close)
        drawn = batches(whole)
        for batch in drawn:
            agree(float(ours(batch).total), float(hand(batch)[0]))
        one, two = itertools.cycle(drawn), itertools.cycle(drawn)
        return paired(
            lambda: ours(next(one)).total,
            lambda: hand(next(two))[0],
            rounds=rounds,
            repeat=repeat,
            wait=jax.block_until_ready,
        )


def rows() -> Iterator[Row]:
    yield steps().row("distillation, step, jax", most=BOUND)
    cases = [("", {"cache": 0}, BOUND), (", 16 steps a call", {"cache": 0, "scan": 16}, SCANNED)]
    for what, options, most in [*cases, (", 16 steps a call, teacher cached", {"scan": 16}, SCANNED)]:
        made, step = both()
        whole = arrays()
        found = epochs(made, whole, partial(epoch_by_hand, step, whole, BATCH), 300, **options)
        yield found.row(f"distillation, epoch of fit{what}, jax", "ms", most)
