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

BOUNDS = {16: (None, None), 64: (0.45, 0.15)}
"""For some numbers of tasks the bounds of a step, and of the time until the first one."""
FLAT = 1.5
"""The bound of that time for 256 tasks, to the one for 16."""


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
    for tasks, bounds in BOUNDS.items():
        yield from _rows(tasks, *bounds)
    few, many = (_until_first(tasks) for tasks in (16, 256))
    ratio = many / few
    yield Row("until the first step, 256 tasks to 16, jax", many, "s", few, (ratio, ratio, ratio), FLAT, "both ours")


def _until_first(tasks: int) -> float:
    """Seconds until a step is compiled and taken."""
    made, whole = diagram(tasks).compile(backend="jax", maps=maps(tasks)), batch(tasks)
    with ExitStack() as close:
        start = perf_counter()
        float(trainer_step(made, close)(whole).total)
        return perf_counter() - start


def _rows(tasks: int, bound: float | None, bound_before: float | None) -> Iterator[Row]:
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
        ratio = found.ours[0] / found.hand[0]
        first_step = f"{tasks} tasks, until the first step, jax"
        yield Row(first_step, found.ours[0], "s", found.hand[0], (ratio, ratio, ratio), bound_before)
        for _ in range(5):
            agree(float(ours(whole).total), float(hand(whole)))
        rounds, repeat = (60, 10) if tasks < 100 else (40, 3)
        steps = paired(
            lambda: ours(whole).total, lambda: hand(whole), rounds=rounds, repeat=repeat, wait=jax.block_until_ready
        )
        yield steps.row(f"{tasks} tasks, step, jax", unit="ms", most=bound)
