"""What a run of training was asked to do, and where it stands, as values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from learningdiagrams.data import Data, Stream, steps_in_epoch
from learningdiagrams.errors import DiagramError
from learningdiagrams.rewriting import Rewriting
from learningdiagrams.schedules import learning_rate
from learningdiagrams.training.keeping import ROOM, Cache
from learningdiagrams.training.stopping import EarlyStopping

if TYPE_CHECKING:
    from learningdiagrams.editing.steps import Edited

__all__ = ["FREE", "Event", "Options", "Phase", "Position", "Rows", "Sampler", "State"]

FREE: Final = 100
"""The steps of an epoch where there are no data (everything starts at noise, or at 1)."""

Sampler = Callable[[int, np.random.Generator], Iterable[Any]]
"""The batches of an epoch, by its number and a random generator: {sample object: rows}, or rows."""

Rows = Mapping[str, int]
"""The rows of each sample object in a batch."""


@dataclass
class State:
    """How many steps a compiled diagram has taken; keys noise and the schedules of weights."""

    step: int = 0


@dataclass(frozen=True)
class Event:
    """What a callback is told.

    Attributes:
        kind: "step" after each step, "epoch" after each epoch, "stage" after each stage.
        step: how many steps the compiled diagram has taken; epoch: how many epochs have ended; stage: its
            name.
        terms: after a step, its terms, arrays of the backend; converting one to a number waits for the
            device.
        row: after an epoch or stage, the last row of the history.
    """

    kind: str
    step: int
    epoch: int
    stage: str
    terms: Mapping[str, Any] = field(default_factory=dict)
    row: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Phase:
    """A stage as it will run: the models that move, the goals that move them, and how long.

    Attributes:
        steps, epochs: one of them is None.
    """

    index: int
    name: str
    models: tuple[str, ...]
    goals: tuple[str, ...]
    epochs: int | None
    steps: int | None


@dataclass(frozen=True)
class Options:
    """What `fit` was asked, checked."""

    data: Data | Stream
    validation: Data | Stream | None
    phases: tuple[Phase, ...]
    batch_size: int
    optimizer: Any
    lr: float | None
    rates: Mapping[str, float]
    schedule: Any
    seed: int
    out: Path | None
    resume: bool | Edited
    clip: float | None
    stop_early: EarlyStopping | None
    callbacks: tuple[Callable[[Event], Any], ...]
    sampler: Sampler | None
    log_every: int | None
    rewriting: Rewriting | None
    passes: frozenset[str] = frozenset()
    cache: Cache = ROOM
    scan: int | None = None
    precision: str | None = None
    accumulate: int = 1
    prefetch: int = 0

    def keeps(self, phase: Phase, data: Data | Stream) -> bool:
        """Whether a stage computes once for each row what it never changes: where it sees every row, or nearly so.

        This asks nothing of how long the run has been going on, so that a run that was resumed keeps what it kept.
        """
        if "cache" not in self.passes or self.cache == 0 or isinstance(data, Stream) or self.sampler is not None:
            return False
        return phase.steps is None or phase.steps >= steps_in_epoch(data.sizes, self.batch_size)

    def steps_in(self, phase: Phase, data: Data | Stream) -> int | None:
        """How many steps a stage will take on these data, or None where that is not known before."""
        if phase.steps is not None:
            return phase.steps
        assert phase.epochs is not None
        if isinstance(data, Stream):
            return None if data.length is None else phase.epochs * data.length
        if self.sampler is not None:
            return None
        return phase.epochs * (steps_in_epoch(data.sizes, self.batch_size) if data.sizes else FREE)

    def factor(self, total: int | None) -> Callable[[int], float]:
        """The factor of the learning rate at each step of a stage of `total` steps."""
        rate = learning_rate(self.schedule)
        if self.schedule is None:
            return lambda step: 1.0
        if not isinstance(self.schedule, str):
            return lambda step: float(rate(step, total or 0))
        if total is None:
            raise DiagramError(
                f'schedule="{self.schedule}" needs to know how many steps there will be; say steps=…, or '
                "give data with a length"
            )
        # All factors at once: a named schedule at one step costs as much as a small map.
        factors = np.broadcast_to(rate(np.arange(total), total), total)
        return lambda step: float(factors[min(step, total - 1)])


@dataclass
class Position:
    """Where a run stands.

    Attributes:
        stage: its number; epoch, taken: epochs and steps of the stage that are done; batch: of the epoch
            under way.
        epochs: all epochs that are done; over: whether the stage was ended early.
    """

    stage: int = 0
    epoch: int = 0
    batch: int = 0
    taken: int = 0
    epochs: int = 0
    over: bool = False
