"""Distillation on PyTorch: a step and an epoch written by hand, and the same from a diagram.

Teacher 64-256-256-10, frozen; student 64-32-10; batch 128; cross-entropy on labels plus 0.7 · KL to the teacher
at temperature 4; Adam. Batches come out of NumPy's arrays, as they do in `fit`.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.distillation import (
    BATCH,
    RATE,
    TEXT,
    Batch,
    agree,
    batches,
    cached_step,
    compiled,
    data,
    epoch_by_hand,
    epochs,
    trainer_step,
)
from benchmarks.pairs import Paired, Row, paired

BOUND, CACHED = 1.05, 0.6
Step = Callable[[Batch], tuple[Tensor, Tensor, Tensor]]
"""From a batch to total, hard and soft."""


def mlp(*sizes: int) -> nn.Sequential:
    parts = [each for a, b in itertools.pairwise(sizes) for each in (nn.Linear(a, b), nn.ReLU())]
    return nn.Sequential(*parts[:-1])


def modules() -> dict[str, nn.Module]:
    torch.manual_seed(0)
    return {"teacher": mlp(64, 256, 256, 10), "student": mlp(64, 32, 10)}


# By hand ----------------------------------------------------------------------------------------------------


def step_by_hand(maps: dict[str, nn.Module]) -> Step:
    teacher, student = maps["teacher"].eval().requires_grad_(False), maps["student"].train()
    optimizer = torch.optim.Adam(student.parameters(), lr=RATE)

    def step(batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        pixels, label = torch.from_numpy(batch["pixels"]), torch.from_numpy(batch["label"])
        optimizer.zero_grad()
        with torch.no_grad():
            target = teacher(pixels)
        logits = student(pixels)
        hard = F.cross_entropy(logits, label)
        ours, theirs = F.log_softmax(logits / 4, -1), F.log_softmax(target / 4, -1)
        soft = 16 * F.kl_div(ours, theirs, reduction="batchmean", log_target=True)
        loss = hard + 0.7 * soft
        loss.backward()
        optimizer.step()
        return loss.detach(), hard.detach(), soft.detach()

    return step


# In turns -----------------------------------------------------------------------------------------------------


def steps(rounds: int = 100, repeat: int = 20) -> Paired:
    """Single steps in turns, on one batch after the other."""
    maps = modules()
    hand, arrays = step_by_hand(copy.deepcopy(maps)), data()
    with ExitStack() as close:
        ours = trainer_step(compiled(TEXT, maps, "torch"), close)
        whole = batches(arrays)
        for batch in whole:
            agree(float(ours(batch).total), float(hand(batch)[0]))
        one, two = itertools.cycle(whole), itertools.cycle(whole)
        return paired(lambda: ours(next(one)), lambda: hand(next(two)), rounds=rounds, repeat=repeat)


def cached_steps(rounds: int = 100, repeat: int = 20) -> Paired:
    """Single steps in turns, ours with the teacher's values kept for each row."""
    maps = modules()
    hand, arrays = step_by_hand(copy.deepcopy(maps)), data()
    with ExitStack() as close:
        ours, kept = cached_step(compiled(TEXT, maps, "torch"), arrays, close)
        whole = batches(arrays)
        for ahead, batch in zip(kept, whole, strict=True):
            agree(float(ours(ahead).total), float(hand(batch)[0]))
        one, two = itertools.cycle(kept), itertools.cycle(whole)
        return paired(lambda: ours(next(one)), lambda: hand(next(two)), rounds=rounds, repeat=repeat)


def rows() -> Iterator[Row]:
    yield steps().row("distillation, step, torch", most=BOUND)
    yield cached_steps().row("distillation, step, teacher cached, torch", most=CACHED)
    for what, cache, most in (("", 0, BOUND), (", teacher cached", 1 << 30, None)):
        maps = modules()
        step, arrays = step_by_hand(copy.deepcopy(maps)), data()
        made = compiled(TEXT, maps, "torch")
        found = epochs(made, arrays, partial(epoch_by_hand, step, arrays, BATCH), 150, cache=cache)
        yield found.row(f"distillation, epoch of fit{what}, torch", "ms", most)
