"""The peak of a process's memory in a run of training, by hand and from a diagram, each in a process of its own.

Two epochs of distillation: in batches of 20 000 rows (most of the memory is what is computed), and of 128 (most of
it is libraries). The by-hand process never imports the library. Where blocks are large, glibc's allocator keeps
some of what was freed, now more and now less; so it is measured once more with an allocator that gives every
large block back, where the peak is what is in use.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from benchmarks.distillation import RATE, TEXT, compiled, data, epoch_by_hand
from benchmarks.pairs import Row

ROUNDS, BOUND = 5, 1.05
GIVEN_BACK = {"MALLOC_MMAP_THRESHOLD_": "65536"}
CASES: dict[str, tuple[int, int, dict[str, str]]] = {
    "batches of 20 000": (100_000, 20_000, {}),
    "batches of 20 000, freed blocks given back": (100_000, 20_000, GIVEN_BACK),
    "batches of 128": (12_800, 128, {}),
}


def numbers(*sizes: int) -> dict[str, Any]:
    """The parameters of a multilayer perceptron as JAX's arrays, named as torch names them."""
    from jax.numpy import asarray, zeros

    draw, made = np.random.default_rng(0), {}
    for k, (a, b) in enumerate(pairwise(sizes)):
        made[f"{2 * k}.weight"] = asarray(draw.normal(0, a**-0.5, (b, a)), "float32")
        made[f"{2 * k}.bias"] = zeros(b)
    return made


def by_hand(backend: str) -> Any:
    """The step by hand."""
    if backend == "torch":
        from benchmarks import distillation_torch

        return distillation_torch.step_by_hand(distillation_torch.modules())
    from benchmarks import distillation_jax

    return distillation_jax.step_by_hand(numbers(64, 32, 10), numbers(64, 256, 256, 10))


def maps_of(backend: str) -> dict[str, Any]:
    """What realises teacher and student."""
    if backend == "torch":
        from benchmarks import distillation_torch

        return dict(distillation_torch.modules())
    from benchmarks import distillation_jax

    return distillation_jax.maps()


def train(backend: str, side: str, rows: int, size: int) -> None:
    """Two epochs."""
    arrays = data(rows)
    if side == "ours":
        compiled(TEXT, maps_of(backend), backend).fit(arrays, epochs=2, batch_size=size, lr=RATE)
        return
    step = by_hand(backend)
    for _ in range(2):
        epoch_by_hand(step, arrays, size)


def peak(backend: str, side: str, rows: int, size: int, environment: dict[str, str]) -> float:
    """MiB at the most, of a process that trains so."""
    command = [sys.executable, "-m", "benchmarks.memory", backend, side, str(rows), str(size)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment})
    return int(done.stdout) / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def rows() -> Iterator[Row]:
    for backend in ("torch", "jax"):
        for what, case in CASES.items():
            pairs = [[peak(backend, side, *case) for side in ("ours", "hand")] for _ in range(ROUNDS)]
            low, middle, high = statistics.quantiles((a / b for a, b in pairs), n=4, method="inclusive")
            ours, hand = (statistics.median(side) for side in zip(*pairs, strict=True))
            yield Row(f"peak memory, {what}, {backend}", ours, "MiB", hand, (middle, low, high), BOUND)


if __name__ == "__main__":
    train(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
