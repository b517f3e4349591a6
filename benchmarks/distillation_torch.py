"""Distillation on PyTorch: a step and an epoch written by hand, and the same from a diagram.

Teacher 64-256-256-10, frozen; student 64-32-10; batch 128; cross-entropy on labels plus 0.7 · KL to the teacher
at temperature 4; Adam. Batches come out of NumPy's arrays, as they do in `fit`.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from time import perf_counter
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.pairs import Paired, Row, paired

ROWS, BATCH, RATE, BOUND = 1280, 128, 1e-3, 1.05
TEXT = """diagram Distillation
object Sample, Image[64], Logits[10]
data   pixels  : Sample -> Image
data   label   : Sample -> Logits
frozen teacher : Image -> Logits
model  student : Image -> Logits
goal   hard    : pixels >> student = label             by cross_entropy
goal   soft    : pixels >> student = pixels >> teacher by kl(temperature=4) weight 0.7
"""
Batch = dict[str, Any]
Step = Callable[[Batch], tuple[Tensor, Tensor, Tensor]]
"""From a batch to total, hard and soft."""


def mlp(*sizes: int) -> nn.Sequential:
    parts = [each for a, b in itertools.pairwise(sizes) for each in (nn.Linear(a, b), nn.ReLU())]
    return nn.Sequential(*parts[:-1])


def modules() -> dict[str, nn.Module]:
    torch.manual_seed(0)
    return {"teacher": mlp(64, 256, 256, 10), "student": mlp(64, 32, 10)}


def data(rows: int = ROWS) -> dict[str, np.ndarray]:
    draw = np.random.default_rng(0)
    return {"pixels": draw.normal(size=(rows, 64)).astype(np.float32), "label": draw.integers(0, 10, rows)}


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


def epoch_by_hand(step: Step, arrays: dict[str, np.ndarray]) -> dict[str, float]:
    """One epoch with rows in a new order; the mean of each term, as one logs it."""
    rows = len(arrays["pixels"])
    order, sums = np.random.permutation(rows), {"hard": 0.0, "soft": 0.0}
    kept = []
    for start in range(0, rows, BATCH):
        chosen = order[start : start + BATCH]
        _, hard, soft = step({"pixels": arrays["pixels"][chosen], "label": arrays["label"][chosen]})
        kept.append((len(chosen), hard, soft))
    for count, hard, soft in kept:
        sums["hard"] += count * hard.item()
        sums["soft"] += count * soft.item()
    return {name: total / rows for name, total in sums.items()}


# From the diagram -------------------------------------------------------------------------------------------


def trainer_step(compiled: Any, close: ExitStack) -> Callable[[Batch], Any]:
    """The step of `fit`, on either backend: weights, conversion of the batch, loss, gradient, update."""
    from learningdiagrams.backends.base import Optimisation
    from learningdiagrams.programs import plan_for, weights_at

    diagram, maps = compiled.diagram, compiled.maps
    program = maps.program(plan_for(diagram, {str(sample) for sample in diagram.sample_objects}))
    trainer = program.trainer(Optimisation("adam", lr=RATE), diagram.models)
    close.enter_context(maps.session(0))
    count = 0

    def step(batch: Batch) -> Any:
        nonlocal count
        count += 1
        return trainer.step(program, batch, weights_at(diagram, program.plan, count), count, 1.0)

    return step


def compiled(text: str, maps: dict[str, Any], backend: str) -> Any:
    import learningdiagrams as ld

    return ld.loads(text).compile(backend=backend, maps=maps)


def steps(rounds: int = 100, repeat: int = 20) -> Paired:
    """Single steps in turns, on one batch after the other."""
    maps = modules()
    hand, arrays = step_by_hand(copy.deepcopy(maps)), data()
    with ExitStack() as close:
        ours = trainer_step(compiled(TEXT, maps, "torch"), close)
        parts = np.split(np.random.default_rng(1).permutation(ROWS), ROWS // BATCH)
        batches = [{name: values[part] for name, values in arrays.items()} for part in parts]
        for batch in batches:
            agree(float(ours(batch).total), float(hand(batch)[0]))
        one, two = itertools.cycle(batches), itertools.cycle(batches)
        return paired(lambda: ours(next(one)), lambda: hand(next(two)), rounds=rounds, repeat=repeat)


def agree(ours: float, hand: float, tolerance: float = 1e-4) -> None:
    """Raises where the two ways do not compute the same."""
    if not abs(ours - hand) <= tolerance * max(1, abs(hand)):
        raise AssertionError(f"{ours} from the diagram, {hand} by hand")


def epochs(compiled: Any, arrays: Batch, by_hand: Callable[[], Any], rounds: int) -> Paired:
    """Epochs of one `fit`, and between them epochs by hand.

    The callback in which those run is called after each step as well; that is part of our times.
    """
    found = Paired([], [])
    start = perf_counter()

    def between(event: Any) -> None:
        nonlocal start
        if event.kind != "epoch":
            return
        ended = perf_counter()
        by_hand()
        hand = perf_counter() - ended
        if event.epoch > 3:  # the first ones compile and warm up
            found.ours.append(ended - start)
            found.hand.append(hand)
        start = perf_counter()

    compiled.fit(arrays, epochs=rounds + 3, batch_size=BATCH, lr=RATE, callbacks=between)
    return found


def rows() -> Iterator[Row]:
    yield steps().row("distillation, step, torch", most=BOUND)
    maps = modules()
    step, arrays = step_by_hand(copy.deepcopy(maps)), data()
    found = epochs(compiled(TEXT, maps, "torch"), arrays, lambda: epoch_by_hand(step, arrays), 150)
    yield found.row("distillation, epoch of fit, torch", "ms", BOUND)
