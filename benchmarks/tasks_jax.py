"""K tasks over one backbone on JAX, against the loop over them: the step with Adam, and the time to compile it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from time import perf_counter
from typing import Any

import jax
import jax.numpy as jnp
import optax

from benchmarks.distillation import RATE, agree, trainer_step
from benchmarks.distillation_jax import forward
from benchmarks.pairs import Paired, Row, paired
from benchmarks.tasks import Batch, batch, diagram, maps

STEP, COMPILE = 0.45, 0.15
TASKS = (16, 64, 256)


def step_by_hand(params: Any, tasks: int) -> Callable[[Batch], Any]:
    optimizer = optax.adam(RATE)

    def loss(params: Any, batch: Batch) -> Any:
        terms = []
        for k in range(tasks):
            head = params[f"head{k}"]
            logits = forward(params["body"], batch[f"x{k}"]) @ head["weight"].T + head["bias"]
            logs, own = jax.nn.log_softmax(logits), batch[f"y{k}"][:, None]
            terms.append(-jnp.take_along_axis(logs, own, -1).mean())
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


def rows() -> Iterator[Row]:
    for tasks in TASKS:
        yield from _rows(tasks)


def _rows(tasks: int) -> Iterator[Row]:
    whole = batch(tasks)
    made = diagram(tasks).compile(backend="jax", maps=maps(tasks))
    hand = step_by_hand(made.parameters(), tasks)
    with ExitStack() as close:
        start = perf_counter()
        ours = trainer_step(made, close)
        first = float(ours(whole).total)
        compiled = perf_counter()
        agree(first, float(hand(whole)))
        found = Paired([compiled - start], [perf_counter() - compiled])
        # Two thousand arguments of 256 tasks are compiled once: one number each.
        ratio = found.ours[0] / found.hand[0]
        yield Row(f"{tasks} tasks, until the first step, jax", found.ours[0], "s", found.hand[0], (ratio,) * 3, COMPILE)
        for _ in range(5):
            agree(float(ours(whole).total), float(hand(whole)))
        rounds, repeat = (60, 10) if tasks < 100 else (40, 3)
        steps = paired(
            lambda: ours(whole).total, lambda: hand(whole), rounds=rounds, repeat=repeat, wait=jax.block_until_ready
        )
        yield steps.row(f"{tasks} tasks, step, jax", unit="ms", most=STEP)
