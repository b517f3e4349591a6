"""The loop that `fit` runs: stages, epochs and steps, and their history.

Nothing here waits for a device during a step: terms stay arrays of the backend and are looked at every so
often (`FLUSH`), when they are added up, weighted by the sizes of their batches, and checked to be finite.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from learningdiagrams.data import Data, Stream
from learningdiagrams.errors import DiagramError
from learningdiagrams.training import checkpoints
from learningdiagrams.training.checkpoints import Checkpoint
from learningdiagrams.training.evaluation import BATCH_SIZE
from learningdiagrams.training.history import History
from learningdiagrams.training.monitoring import Monitor
from learningdiagrams.training.options import Event, Options, Phase, Position, Rows, State
from learningdiagrams.training.programs import Adopt, Ready
from learningdiagrams.training.stages import Stage
from learningdiagrams.training.stopping import Interrupt, interrupts

if TYPE_CHECKING:
    from pathlib import Path

    from learningdiagrams.backends.base import Maps
    from learningdiagrams.diagram import Diagram
    from learningdiagrams.training.progress import Display

__all__ = ["FLUSH", "Run"]

FLUSH: Final = 256
"""The most steps between two looks at the terms."""
SAVE: Final = 20
"""A checkpoint is written after an epoch if training has gone on for this many times what the last one
cost.
"""


class Run:
    """One fit."""

    def __init__(self, maps: Maps, diagram: Diagram, options: Options, state: State, show: Display) -> None:
        self.maps = maps
        self.diagram = diagram
        self.options = options
        self.state = state
        self.show = show
        self.history: History = History()
        self.at: Position = Position()
        self.start: int = state.step
        """The step at which the run began: a second fit shuffles otherwise than the first."""
        self.averages: bool = any(role == "ema" for role in diagram.roles.values())
        self.adopt: Adopt = Adopt(maps)
        self.data: Data | Stream = _adopted(options.data, self.adopt)
        self._stage: Stage | None = None
        self._stopped = False
        self._sums: dict[str, list[float]] = {}
        self._pending: list[tuple[int, Rows, Ready, Mapping[str, Any]]] = []
        self._shown: dict[str, list[float]] = {}
        self._seconds = 0.0
        self._since = perf_counter()
        self._settled = True
        self._saved_at, self._saving = -math.inf, 0.0
        self._monitors = self._watched()
        if options.stop_early is not None:
            logged = [column for monitor in self._monitors for column in monitor.columns.values()]
            options.stop_early.check([*logged, *(goal for phase in options.phases for goal in phase.goals)])

    # The whole --------------------------------------------------------------------------------------------

    def train(self) -> History:
        """Runs all stages, from the start or from the checkpoint."""
        out = self.options.out
        found = checkpoints.read(out) if out is not None and self.options.resume else None
        if found is not None and out is not None:
            found = self._fitting(found, out)
            checkpoints.check_numbers(self.maps, found.tensors, out)
            self.start = found.facts["start"]
        with self.show, self.maps.session(self.options.seed + self.start), interrupts() as interrupt:
            try:
                self._stages(interrupt, found)
            except KeyboardInterrupt:
                if out is None:
                    raise
                if self._stage is not None and self._settled:
                    self._flush(self._stage)
                    self._save(self._stage)
                # Otherwise a step was broken off half-way, and the last checkpoint stays.
                self.history.interrupted = True
                self.history.stopped = "interrupted"
        if out is not None:
            with checkpoints.writing(out / "history.csv") as part:
                self.history.csv(part)
        return self.history

    def _fitting(self, found: Checkpoint, out: Path) -> Checkpoint:
        """A checkpoint from which this run may go on; one of the diagram before an edit is carried over it."""
        edited, settings = self.options.resume, self._settings()
        if isinstance(edited, bool) or found.facts["diagram"] != str(edited.before):
            found.check(str(self.diagram), settings, out)
            return found
        changing = ("stages", "rows")
        found.check(str(edited.before), {key: value for key, value in settings.items() if key not in changing}, out)
        made, before = found.carried(edited, self.maps), found.facts["settings"]
        position = Position(**found.facts["position"])
        name, names = before["stages"][position.stage], {phase.name: phase.index for phase in self.options.phases}
        if name in names:
            position.stage = names[name]
        else:
            position = Position(epochs=position.epochs)
            made.facts["origins"] = {}  # each stage has an optimizer of its own
        if any(before[key] != settings[key] for key in ("rows", "batch_size")):
            position.batch = 0  # of other batches: the epoch starts over
        sums = found.facts["sums"] if position.batch else {}
        sums = {goal: total for goal, total in sums.items() if goal in self.diagram.goals}
        made.facts.update(position=asdict(position), sums=sums, measured=[])
        made.facts.pop("watch", None)  # what was best was so under another loss
        return made

    def _stages(self, interrupt: Interrupt, found: Checkpoint | None) -> None:
        first = 0
        if found is not None:
            self._read_facts(found)
            first = self.at.stage
        for phase in self.options.phases[first:]:
            if phase.index != self.at.stage:
                self.at = Position(stage=phase.index, epochs=self.at.epochs)
            self._stage = stage = Stage(self, phase, found)
            found = None
            self._run(stage, interrupt)
            if self._stopped:
                break
        if self.options.out is not None and self._stage is not None:
            self._save(self._stage)

    def _run(self, stage: Stage, interrupt: Interrupt) -> None:
        phase = stage.phase
        for monitor in self._monitors:
            monitor.stage(stage.changing)
        self.show.stage(phase.name, stage.total, self.at.taken)
        self._since = perf_counter()
        while self.at.batch or not self._is_over(phase):
            stage.remember()
            for block in stage.blocks(self._until_looked):
                self._steps(stage, block)
                del block  # not in memory beside the next one
                if self._stopped:
                    break
                if interrupt.asked:
                    raise KeyboardInterrupt
            if not self.at.batch:
                raise DiagramError(f"stage `{phase.name}`: epoch {self.at.epochs + 1} has no batch")
            self._end_epoch(stage)
            if interrupt.asked:
                raise KeyboardInterrupt
        if stage.restore_best():
            for monitor in self._monitors:
                monitor.forget()
        self._tell(stage, "stage", row=self.history[-1] if len(self.history) else {})

    def _is_over(self, phase: Phase) -> bool:
        at = self.at
        epochs, steps = phase.epochs or math.inf, phase.steps or math.inf
        return self._stopped or at.over or at.epoch >= epochs or at.taken >= steps

    # Steps ------------------------------------------------------------------------------------------------

    def _until_looked(self) -> int:
        """How many steps may be taken before somebody looks at the terms."""
        every = self.options.log_every
        return FLUSH if every is None else every - self.state.step % every

    def _steps(self, stage: Stage, block: list[tuple[dict[str, Any], Rows]]) -> None:
        step, every = self.state.step, self.options.log_every
        self._settled = False
        ready, found = stage.take_all(block)
        self._settled = True
        for ahead, ((_, rows), terms) in enumerate(zip(block, found, strict=True)):
            self._pending.append((step + ahead, rows, ready, terms))
            self.show.step()
        if every and self.state.step % every == 0:
            self._flush(stage)
            self.show.log(self.state.step, _means(self._shown))
            self._shown.clear()
        elif len(self._pending) >= FLUSH:
            self._flush(stage)
        if self.options.callbacks:
            for ahead, terms in enumerate(found):
                self._tell(stage, "step", step=step + ahead + 1, terms=terms)

    def _flush(self, stage: Stage) -> None:
        """Looks at the terms of the steps since the last time."""
        pending, self._pending = self._pending, []
        tables = (self._sums, self._shown) if self.options.log_every else (self._sums,)
        for step, rows, ready, terms in pending:
            for name, term in terms.items():
                value = float(term)
                if not math.isfinite(value):
                    raise stage.not_finite(step, name, value, ready)
                weight = sum(self._rows(rows, sample) for sample in ready.samples[name]) or 1
                for sums in tables:
                    total = sums.setdefault(name, [0.0, 0.0])
                    total[0] += weight * value
                    total[1] += weight

    def _rows(self, rows: Rows, sample: str) -> int:
        """The rows of a sample object in a batch; one of noise alone has as many as the largest."""
        return rows.get(sample) or max(rows.values(), default=self.options.batch_size)

    def _end_epoch(self, stage: Stage) -> None:
        self._flush(stage)
        at, options = self.at, self.options
        row: dict[str, Any] = {"step": self.state.step, "epoch": at.epochs + 1, "stage": stage.phase.name}
        row.update(_means(self._sums))
        for monitor in self._monitors:
            row.update(monitor(self.state.step, options.seed, max(options.batch_size, BATCH_SIZE)))
        now = perf_counter()
        row["seconds"] = self._seconds + now - self._since
        # Only now has the epoch ended: what breaks off an evaluation leaves it to be done again.
        at.epoch, at.epochs, at.batch = at.epoch + 1, at.epochs + 1, 0
        self._seconds, self._since = 0.0, now
        self._sums.clear()
        self.history.append(row)
        stage.judge(row)
        if options.out is not None and now - self._saved_at >= SAVE * self._saving:
            self._save(stage)
        self.show.epoch(row)
        self._tell(stage, "epoch", row=row)

    def _tell(self, stage: Stage, kind: str, step: int | None = None, **what: Any) -> None:
        event = Event(kind, self.state.step if step is None else step, self.at.epochs, stage.phase.name, **what)
        for callback in self.options.callbacks:
            if callback(event) == "stop":
                self._stopped = True
                self.history.stopped = "a callback said stop"

    def _watched(self) -> list[Monitor]:
        """What is measured after each epoch: measures on the training data, and everything on validation data."""
        validation, diagram = self.options.validation, self.diagram
        measures = list(diagram.measures.values())
        found = []
        if measures and not (isinstance(self.data, Stream) and self.data.once):
            found.append(Monitor(self.maps, diagram, self.data, measures, ""))
        if validation is not None:
            equations = [*diagram.goals.values(), *measures]
            found.append(Monitor(self.maps, diagram, _adopted(validation, self.adopt), equations, "val_"))
        return found

    # Checkpoints ------------------------------------------------------------------------------------------

    def _settings(self) -> dict[str, Any]:
        options = self.options
        optimizer = options.optimizer if isinstance(options.optimizer, str) else "its own optimizer"
        return {
            "backend": self.maps.backend.name,
            "dtype": self.maps.dtype,
            "seed": options.seed,
            "batch_size": options.batch_size,
            "optimizer": optimizer,
            "precision": options.precision,
            "accumulate": options.accumulate if options.accumulate > 1 else None,
            "stages": [phase.name for phase in options.phases],
            "rows": dict(options.data.sizes) if isinstance(options.data, Data) else None,
        }

    def _save(self, stage: Stage) -> None:
        assert self.options.out is not None
        started = perf_counter()
        made = stage.capture()
        made.facts = {
            "diagram": str(self.diagram),
            "settings": self._settings(),
            "start": self.start,
            "sums": self._sums,
            "seconds": self._seconds + perf_counter() - self._since,
            "history": self.history.rows,
            "measured": [monitor.known for monitor in self._monitors],
            **made.facts,
        }
        checkpoints.write(self.options.out, made)
        self._saved_at = perf_counter()
        self._saving = self._saved_at - started

    def _read_facts(self, found: Checkpoint) -> None:
        facts = found.facts
        self.at = Position(**facts["position"])
        self.history = History(facts["history"])
        self._sums = {name: list(total) for name, total in facts["sums"].items()}
        self._seconds = facts["seconds"]
        for monitor, known in zip(self._monitors, facts["measured"], strict=False):
            monitor.known = dict(known)


def _adopted(data: Data | Stream, adopt: Adopt) -> Data | Stream:
    """Data in memory as the backend takes them, converted once."""
    return data.map(adopt) if isinstance(data, Data) else data


def _means(sums: Mapping[str, list[float]]) -> dict[str, float]:
    return {name: total / weight for name, (total, weight) in sums.items()}
