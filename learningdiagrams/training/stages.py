"""One stage of training under way: its programs, its optimizer, its batches, and what is kept of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import islice, repeat
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from learningdiagrams.backends.base import Optimisation
from learningdiagrams.data import Data, Stream, epoch_order
from learningdiagrams.errors import DiagramError
from learningdiagrams.noise import draw_noise, keyed
from learningdiagrams.training import checkpoints
from learningdiagrams.training.ahead import ahead
from learningdiagrams.training.checkpoints import Checkpoint
from learningdiagrams.training.diagnosis import not_finite
from learningdiagrams.training.in_parts import Whole, check_in_parts, in_parts
from learningdiagrams.training.keeping import Keeping
from learningdiagrams.training.options import FREE, Phase, Position, Rows
from learningdiagrams.training.programs import Programs, Ready, samples_of
from learningdiagrams.training.stopping import Watch

if TYPE_CHECKING:
    from learningdiagrams.backends.base import Trainer
    from learningdiagrams.training.loop import Run

__all__ = ["Stage"]

SNAPSHOT: Final = 200
"""A snapshot is taken again when training has gone on for this many times what the last one cost."""
PILE: Final = 1 << 22
"""The bytes of batches that are handed over in one call at the most; of larger ones a call is a small part."""


class Stage:
    """One stage under way: its programs, its optimizer, its batches."""

    def __init__(self, run: Run, phase: Phase, found: Checkpoint | None) -> None:
        options, diagram, maps = run.options, run.diagram, run.maps
        self.run = run
        self.phase = phase
        self._programs = Programs(maps, diagram, phase.goals, phase.models, options.rewriting)
        self.data = run.data
        self._keeping: Keeping | None = None
        if isinstance(self.data, Data):
            if options.keeps(phase, self.data):
                plan = self._programs.plan(self.data.sizes)
                self._keeping = Keeping(maps, plan, options.cache, options.batch_size)
                self.data = self._keeping.beside(self.data)
                self._programs.change(self._keeping)
            ready = self._programs.at(self.data.sizes)
            self.data = self.data.only(self._inputs(ready, self.data))
        else:
            ready = self._programs.at({s for goal in phase.goals for s in samples_of(diagram.goals[goal])})
        plan = ready.program.plan
        if not plan.moved:
            dropped = "".join(f"; goal `{name}` is left out, {why}" for name, why in plan.dropped.items())
            lacking = [goal for goal in phase.goals if goal not in ready.samples and goal not in plan.dropped]
            missing = f"; the data hold nothing for {', '.join(lacking)}" if lacking else ""
            raise DiagramError(
                f"stage `{phase.name}`: there is nothing to train: no goal moves a model{dropped}{missing}"
            )
        self.changing: frozenset[str] = frozenset(name for name in plan.generators if diagram.roles[name] == "model")
        """The maps whose numbers change: in training mode, those that are not moved may still learn
        statistics.
        """
        self._learning = frozenset(name for name, role in diagram.roles.items() if role in ("model", "ema"))
        """The maps whose numbers any step may change. A large frozen map is never copied for a snapshot."""
        self.total: int | None = options.steps_in(phase, self.data)
        self._factor = options.factor(self.total)
        how = Optimisation(options.optimizer, options.lr, options.rates, options.clip, options.precision)
        if options.accumulate > 1:
            check_in_parts(plan)
        self.trainer: Trainer = ready.program.trainer(how, [m for m in phase.models if m in plan.moved])
        self._watch = None if options.stop_early is None else Watch(options.stop_early, diagram)
        self._best: Checkpoint | None = None
        self._snapshot: Checkpoint | None = None
        self._taken_at, self._cost = -math.inf, 0.0
        if found is not None:
            self.restore(found)
            self._restore_watch(found)

        self._at_once = self._steps_at_once()

    # Steps --------------------------------------------------------------------------------------------------

    def _steps_at_once(self) -> int:
        """How many steps the trainer takes in one call: where nobody looks between two, and batches are small."""
        options, data = self.run.options, self.data
        if options.scan is not None:
            self.trainer.at_once = options.scan
        elif options.callbacks:
            return 1
        if options.accumulate > 1 or self.run.averages or isinstance(data, Stream) or options.sampler is not None:
            return 1
        row = sum(part[:1].nbytes for value in data.values.values() for part in _parts(value))
        return max(1, min(self.trainer.at_once, PILE // max(1, row * options.batch_size)))

    def blocks(self, most: Callable[[], int]) -> Iterator[list[tuple[dict[str, Any], Rows]]]:
        """The batches of the epoch under way, those together that are taken in one call, at most `most()` of them."""
        held: list[tuple[dict[str, Any], Rows]] = []
        for batch, rows in self.batches():
            if self._at_once == 1 or not self._is_whole(rows):
                if held:
                    yield held
                    held = []
                yield [(batch, rows)]
                continue
            held.append((batch, rows))
            if len(held) >= min(self._at_once, most()):
                yield held
                held = []
        if held:
            yield held

    def _is_whole(self, rows: Rows) -> bool:
        """Whether a batch is as large as any; only such are taken together."""
        sizes, most = self.data.sizes, self.run.options.batch_size  # type: ignore[union-attr]  # data in memory
        return all(count == min(most, sizes[sample]) for sample, count in rows.items())

    def batches(self) -> Iterator[tuple[dict[str, Any], Rows]]:
        """The batches of the epoch under way that are still to come, with their rows."""
        left = None if self.phase.steps is None else max(0, self.phase.steps - self.run.at.taken)
        return islice(self._epoch(), left)

    def _epoch(self) -> Iterator[tuple[dict[str, Any], Rows]]:
        run, options, at = self.run, self.run.options, self.run.at
        key = (options.seed, run.start, self.phase.index, at.epoch)
        if isinstance(self.data, Stream):
            # A loader may fill the arrays of its last batch again.
            own = run.maps.reads_later or options.prefetch > 0
            found = (
                ({name: run.adopt(value, own=own) for name, value in batch.items()}, sizes)
                for batch, sizes in islice(self.data.batches(at.epochs), at.batch, None)
            )
            yield from ahead(found, options.prefetch) if options.prefetch else found
        elif options.sampler is not None:
            for chosen in islice(options.sampler(at.epoch, keyed(*key, "sampler")), at.batch, None):
                yield self._sampled(chosen)
        elif not self.data.sizes:
            yield from repeat(({}, {}), FREE - at.batch)
        else:
            self._keep_anew()
            for chosen in epoch_order(self.data.sizes, options.batch_size, *key, start=at.batch):
                if options.callbacks:
                    self._keep_anew()
                yield self.data.batch(chosen), {sample: len(rows) for sample, rows in chosen.items()}

    @staticmethod
    def _inputs(ready: Ready, data: Data) -> set[str]:
        """The values that a batch has to hold; noise asks for one of the data's own to see how many rows there are."""
        names = set(ready.inputs)
        if ready.noise:
            first = {data.sample_of(name): name for name in reversed(tuple(data.values)) if name not in data.made}
            present = {data.sample_of(name) for name in names if name not in data.made}
            names.update(first[data.sample_of(name)] for name in ready.inputs if data.sample_of(name) not in present)
        return names

    def _keep_anew(self) -> None:
        """Computes what is kept again, where the maps that made it were changed."""
        if self._keeping is not None and self._keeping.stale():
            assert isinstance(self.data, Data) and isinstance(self.run.data, Data)
            self.data = self._keeping.beside(self.run.data).only(self.data.values)

    def _sampled(self, chosen: Any) -> tuple[dict[str, Any], Rows]:
        assert isinstance(self.data, Data)
        sizes = self.data.sizes
        if not isinstance(chosen, Mapping):
            if len(sizes) != 1:
                raise DiagramError(f"sampler: say which rows of which sample object, {{{', '.join(sizes)}: rows}}")
            chosen = dict.fromkeys(sizes, chosen)
        made = {}
        for sample, rows in chosen.items():
            rows = np.asarray(rows)
            if sample not in sizes or rows.ndim != 1 or rows.dtype.kind not in "iu" or not len(rows):
                raise DiagramError(
                    f"sampler: a batch is row numbers of {', '.join(sizes)}; for {sample} it has "
                    f"{rows.dtype} of shape {rows.shape}"
                )
            if rows.min() < 0 or rows.max() >= sizes[sample]:
                raise DiagramError(
                    f"sampler: rows of {sample} are numbers from 0 to {sizes[sample] - 1}; there is "
                    f"{rows.min() if rows.min() < 0 else rows.max()}"
                )
            made[sample] = rows
        return self.data.batch(made), {sample: len(rows) for sample, rows in made.items()}

    def prepare(self, batch: dict[str, Any], rows: Rows, ahead: int = 0) -> tuple[Ready, dict[str, Any]]:
        """The program for a batch, and the batch with its noise, for the step that is `ahead` of the next one."""
        run = self.run
        ready = self._programs.at(rows)
        if not ready.samples:
            raise DiagramError(f"stage `{self.phase.name}`: a batch of {', '.join(rows) or 'nothing'} trains no goal")
        if not ready.noise:
            return ready, batch
        drawn = draw_noise(
            run.diagram,
            batch,
            run.state.step + ahead,
            run.options.seed,
            needed=ready.noise,
            rows=max(rows.values(), default=run.options.batch_size),
            axes=self.data.axes if isinstance(self.data, Data) else None,
            dtype=run.maps.dtype,
        )
        return ready, drawn

    def take(self, batch: dict[str, Any], rows: Rows) -> tuple[Ready, Mapping[str, Any]]:
        """One step of training, counted; its program and terms."""
        run = self.run
        ready, drawn = self.prepare(batch, rows)
        step = run.state.step
        terms = self._stepped(ready, drawn, rows, step, self._factor(run.at.taken))
        if run.averages:
            run.maps.follow()
        self._count(1)
        return ready, terms

    def _stepped(self, ready: Ready, batch: dict[str, Any], rows: Rows, step: int, factor: float) -> Mapping[str, Any]:
        """The terms of one step, which is computed in parts where that was asked for and comes to the same."""
        weights, parts = ready.weights(step), self.run.options.accumulate
        split = in_parts(ready, batch, rows, parts, self.data) if parts > 1 else None
        if split is None:
            return self.trainer.step(ready.program, batch, weights, step, factor).terms
        each = [(part, {name: weights[name] * share[name] for name in weights}) for part, share in split]
        return Whole(self.trainer.step_in_parts(ready.program, each, step, factor), [share for _, share in split])

    def take_all(self, block: Sequence[tuple[dict[str, Any], Rows]]) -> tuple[Ready, Sequence[Mapping[str, Any]]]:
        """The steps of a block, counted: their program, and the terms of each."""
        if self._at_once == 1 or not self._is_whole(block[0][1]):
            ready, terms = self.take(*block[0])
            return ready, [terms]
        run, step = self.run, self.run.state.step
        found = [self.prepare(batch, rows, ahead) for ahead, (batch, rows) in enumerate(block)]
        ready = found[0][0]
        terms = self.trainer.steps(
            ready.program,
            [batch for _, batch in found],
            [ready.weights(step + ahead) for ahead in range(len(block))],
            step,
            [self._factor(run.at.taken + ahead) for ahead in range(len(block))],
        )
        self._count(len(block))
        return ready, terms

    def _count(self, steps: int) -> None:
        self.run.state.step += steps
        self.run.at.batch += steps
        self.run.at.taken += steps

    # What is kept -------------------------------------------------------------------------------------------

    def capture(self, of: Collection[str] | None = None) -> Checkpoint:
        """The numbers, of all maps or of those named, and the position, from which training goes on as if
        nothing had been.
        """
        maps = self.run.maps
        tensors = checkpoints.numbers(maps, of)
        tensors.update({f"optimizer/{name}": np.asarray(value) for name, value in self.trainer.state().items()})
        tensors.update({f"random/{name}": np.asarray(value) for name, value in maps.random_state().items()})
        facts: dict[str, Any] = {"position": asdict(self.run.at), "step": self.run.state.step}
        if self._watch is not None and math.isfinite(self._watch.best):
            facts["watch"] = {"best": self._watch.best, "waited": self._watch.waited}
            if self._best is not None:
                tensors.update({f"best/{name}": value for name, value in self._best.tensors.items()})
        return Checkpoint(tensors, facts)

    def restore(self, found: Checkpoint) -> None:
        """Goes back, or on, to a checkpoint of this stage."""
        maps = self.run.maps
        checkpoints.load_numbers(maps, found.tensors)
        optimizer = _below("optimizer", found.tensors)
        if "origins" in found.facts:
            self.trainer.carry_state(optimizer, found.facts["origins"])
        else:
            self.trainer.load_state(optimizer)
        maps.load_random_state(_below("random", found.tensors))
        self.run.at = Position(**found.facts["position"])
        self.run.state.step = found.facts["step"]

    def _restore_watch(self, found: Checkpoint) -> None:
        if self._watch is not None and "watch" in found.facts:
            watched = found.facts["watch"]
            self._watch.best, self._watch.waited = watched["best"], watched["waited"]
            best = _below("best", found.tensors)
            self._best = Checkpoint(best) if best else None

    def judge(self, row: Mapping[str, Any]) -> None:
        """Early stopping after an epoch."""
        watch = self._watch
        if watch is None:
            return
        if watch.better(row):
            if watch.rule.restore:
                self._best = Checkpoint(checkpoints.numbers(self.run.maps, self._learning))
        elif watch.over:
            self.run.at.over = True
            self.run.history.stopped = (
                f"stage `{self.phase.name}`: `{watch.rule.name}` no better for {watch.waited} epochs"
            )

    def restore_best(self) -> bool:
        """Puts back the numbers of the best epoch, where early stopping asks for it; whether it did."""
        if self._best is None:
            return False
        checkpoints.load_numbers(self.run.maps, self._best.tensors)
        return True

    def remember(self) -> None:
        """Keeps a snapshot from which a step that goes wrong can be taken again, where that costs little."""
        now = perf_counter()
        if isinstance(self.data, Stream) or now - self._taken_at < SNAPSHOT * self._cost:
            return
        self._snapshot = None  # there is never more than one
        self._snapshot = self.capture(self._learning)
        self._taken_at = perf_counter()
        self._cost = self._taken_at - now

    def not_finite(self, step: int, goal: str, value: float, ready: Ready) -> DiagramError:
        """The error for a term that is not finite.

        The steps since the snapshot are taken again up to that one, so that the maps have the numbers with
        which it began.
        """
        batch = None
        if self._keeping is not None:
            # The maps that made what is kept are looked at too.
            self._keeping = None
            self._programs.change(lambda plan: plan)
            assert isinstance(self.run.data, Data)
            ready = self._programs.at(self.run.data.sizes)
            self.data = self.run.data.only(ready.inputs)
        if self._snapshot is not None and step >= self._snapshot.facts["step"]:
            self.restore(self._snapshot)
            batch = self._again(step)
        return not_finite(self.run.maps, ready.program.plan, batch, goal, value, step)

    def _again(self, step: int) -> dict[str, Any]:
        at = self.run.at
        while True:
            for batch, rows in self.batches():
                if self.run.state.step == step:
                    return self.prepare(batch, rows)[1]
                self.take(batch, rows)
            at.epoch, at.epochs, at.batch = at.epoch + 1, at.epochs + 1, 0


def _parts(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def _below(kind: str, tensors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The tensors under a heading, by the rest of their names."""
    return {name.removeprefix(f"{kind}/"): value for name, value in tensors.items() if name.startswith(f"{kind}/")}
