"""Distillation: what is the same on both backends. The libraries of neither are imported here.

Teacher 64-256-256-10, frozen; student 64-32-10; batch 128; cross-entropy on labels plus 0.7 · KL to the teacher
at temperature 4; Adam. The library itself is imported only where a diagram is read, so that a process which
trains by hand has nothing of it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.pairs import Paired

ROWS, BATCH, RATE = 1280, 128, 1e-3
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


def data(rows: int = ROWS) -> dict[str, np.ndarray]:
    draw = np.random.default_rng(0)
    return {"pixels": draw.normal(size=(rows, 64)).astype(np.float32), "label": draw.integers(0, 10, rows)}


def batches(arrays: Batch) -> list[Batch]:
    """All rows in a random order, in batches."""
    rows = len(arrays["pixels"])
    parts = np.split(np.random.default_rng(1).permutation(rows), rows // BATCH)
    return [{name: values[part] for name, values in arrays.items()} for part in parts]


def epoch_by_hand(step: Callable[[Batch], tuple[Any, Any, Any]], arrays: Batch, size: int) -> tuple[float, float]:
    """One epoch with rows in a new order; the means of hard and soft, as one logs them.

    `step` takes a batch and returns total, hard and soft, at which nobody looks before the epoch is over.
    """
    rows = len(arrays["pixels"])
    order, kept = np.random.permutation(rows), []
    for start in range(0, rows, size):
        chosen = order[start : start + size]
        _, hard, soft = step({"pixels": arrays["pixels"][chosen], "label": arrays["label"][chosen]})
        kept.append((len(chosen), hard, soft))
    return (
        sum(count * float(hard) for count, hard, _ in kept) / rows,
        sum(count * float(soft) for count, _, soft in kept) / rows,
    )


# From a diagram ---------------------------------------------------------------------------------------------


def trainer_step(compiled: Any, close: ExitStack) -> Callable[[Batch], Any]:
    """The step of `fit`, on either backend: weights, conversion of the batch, loss, gradient, update."""
    from learningdiagrams.backends.base import Optimisation
    from learningdiagrams.training.programs import plan_for, weights_at

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


def agree(ours: float, hand: float, tolerance: float = 1e-4) -> None:
    """Raises where the two ways do not compute the same."""
    if not abs(ours - hand) <= tolerance * max(1, abs(hand)):
        raise AssertionError(f"{ours} from the diagram, {hand} by hand")


def cached_step(compiled: Any, arrays: Batch, close: ExitStack) -> tuple[Callable[[Batch], Any], list[Batch]]:
    """The step of `fit` where the teacher's values are kept for each row, and the batches that it then gets."""
    from learningdiagrams.backends.base import Optimisation
    from learningdiagrams.data import Data, as_data
    from learningdiagrams.training.keeping import ROOM, Keeping
    from learningdiagrams.training.programs import plan_for, weights_at

    diagram, maps = compiled.diagram, compiled.maps
    keeping = Keeping(maps, plan_for(diagram, {str(sample) for sample in diagram.sample_objects}), ROOM, BATCH)
    found = as_data(diagram, arrays)
    assert isinstance(found, Data)
    kept = keeping.beside(found)
    program = maps.program(keeping(plan_for(diagram, {str(sample) for sample in diagram.sample_objects})))
    trainer = program.trainer(Optimisation("adam", lr=RATE), diagram.models)
    close.enter_context(maps.session(0))
    count = 0

    def step(batch: Batch) -> Any:
        nonlocal count
        count += 1
        return trainer.step(program, batch, weights_at(diagram, program.plan, count), count, 1.0)

    return step, batches(dict(kept.values))


def epochs(compiled: Any, arrays: Batch, by_hand: Callable[[], Any], rounds: int, **options: Any) -> Paired:
    """Epochs of one `fit` with these options, and between them epochs by hand.

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

    compiled.fit(arrays, epochs=rounds + 3, batch_size=BATCH, lr=RATE, callbacks=between, **options)
    return found
