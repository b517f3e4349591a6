"""One step of distillation on JAX: written by hand with `jax.jit` and optax, and made from a diagram.

Teacher 64-256-256-10, frozen; student 64-32-10; batch 128; cross-entropy on labels plus 0.7 · KL to the
teacher at temperature 4; Adam. Both take the rows of each batch out of NumPy arrays, start from the same
numbers, and are timed in turns; the ratio is the median of the rounds' ratios. Run it as `python
benchmarks/distillation_jax.py`; with `OMP_NUM_THREADS=1` the figures are steadier.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from learningdiagrams.backends.base import Optimisation
from learningdiagrams.backends.jax import JaxBackend
from learningdiagrams.diagram import Diagram
from learningdiagrams.layers import mlp
from learningdiagrams.plan import make_plan

TEACHER, STUDENT, BATCH, ROWS, RATE = mlp(64, 256, 256, 10), mlp(64, 32, 10), 128, 1280, 1e-3


def forward(parameters: dict[str, Any], x: Any) -> Any:
    *hidden, last = sorted({name.split(".")[0] for name in parameters}, key=int)
    for layer in hidden:
        x = jax.nn.relu(x @ parameters[f"{layer}.weight"].T + parameters[f"{layer}.bias"])
    return x @ parameters[f"{last}.weight"].T + parameters[f"{last}.bias"]


def by_hand(student: dict[str, Any], teacher: dict[str, Any]) -> Callable[[dict[str, Any]], Any]:
    """The loop as one writes it: a jitted step whose parameters and optimizer state are donated."""
    optimizer = optax.adam(RATE)

    def loss(params: dict[str, Any], teacher: dict[str, Any], x: Any, y: Any) -> Any:
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

    def run(batch: dict[str, Any]) -> Any:
        nonlocal params, state
        params, state, total, _ = step(params, state, teacher, batch["pixels"], batch["label"])
        return total

    return run


def from_diagram(diagram: Diagram, maps: Any) -> Callable[[dict[str, Any]], Any]:
    program = maps.program(make_plan(diagram, diagram.goals.values()))
    trainer = program.trainer(Optimisation("adam", lr=RATE), ["student"])
    weights, count = {"hard": 1.0, "soft": 0.7}, 0

    def run(batch: dict[str, Any]) -> Any:
        nonlocal count
        count += 1
        return trainer.step(program, batch, weights, count, 1.0).total

    return run


def distillation() -> Diagram:
    diagram = Diagram("Distillation")
    sample, image, logits = diagram.objects("Sample", "Image", "Logits")
    pixels, label = diagram.data("pixels", sample, image), diagram.data("label", sample, logits)
    teacher, student = diagram.frozen("teacher", image, logits), diagram.model("student", image, logits)
    diagram.goal("hard", pixels >> student, label, by="cross_entropy")
    diagram.goal("soft", pixels >> student, pixels >> teacher, by="kl(temperature=4)", weight=0.7)
    return diagram


def timed(runs: dict[str, Callable[[], Any]], rounds: int, steps: int) -> dict[str, list[float]]:
    """Microseconds a step of each, round by round, timed in turns."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(rounds + 2):
        for name, run in sorted(runs.items(), reverse=bool(number % 2)):
            start = time.perf_counter()
            for _ in range(steps):
                last = run()
            jax.block_until_ready(last)
            if number >= 2:  # the first rounds compile and warm up
                times[name].append((time.perf_counter() - start) / steps * 1e6)
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--rounds", type=int, default=150)
    parser.add_argument("--steps", type=int, default=20)
    options = parser.parse_args()
    diagram = distillation()
    realised = {"teacher": TEACHER, "student": STUDENT}
    maps = JaxBackend().maps(diagram, realised, seed=0, dtype="float32", device=None)
    start = maps.parameters()
    draw = np.random.default_rng(0)
    data = {
        "pixels": draw.normal(size=(ROWS, 64)).astype(np.float32),
        "label": draw.integers(0, 10, ROWS).astype(np.int32),
    }

    def batches() -> Callable[[], dict[str, Any]]:
        rows = itertools.cycle(np.split(np.random.default_rng(1).permutation(ROWS), ROWS // BATCH))
        return lambda: {
            name: values[next_rows] for next_rows in [next(rows)] for name, values in data.items()
        }

    hand, ours = by_hand(start["student"], start["teacher"]), from_diagram(diagram, maps)
    one, two = batches(), batches()
    first = [float(hand(one())), float(ours(two()))]
    assert abs(first[0] - first[1]) < 1e-5, first
    found = timed({"hand": lambda: hand(one()), "ours": lambda: ours(two())}, options.rounds, options.steps)
    ratio = statistics.median(b / a for a, b in zip(found["hand"], found["ours"], strict=True))
    times = [statistics.median(found[name]) for name in ("hand", "ours")]
    print(f"by hand {times[0]:.0f} µs, from the diagram {times[1]:.0f} µs: ratio {ratio:.3f}")


if __name__ == "__main__":
    main()
