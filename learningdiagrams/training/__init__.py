"""The training loop, one for every backend.

A fit runs stages in order; a stage moves some models under some goals, with a fresh optimizer; an epoch
covers the largest sample object. Everything random is keyed by the seed and by where in the run it happens,
so that a run that was stopped and resumed gives the numbers of one that was not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from learningdiagrams.data import Data, Stream, as_data, split
from learningdiagrams.editing.steps import Edited
from learningdiagrams.errors import DiagramError, suggestion
from learningdiagrams.schedules import learning_rate
from learningdiagrams.training.history import History
from learningdiagrams.training.keeping import ROOM, checked_cache, notes_on_keeping
from learningdiagrams.training.loop import Run
from learningdiagrams.training.options import Event, Options, Phase, Sampler, State
from learningdiagrams.training.programs import first_use, plan_for, weights_at
from learningdiagrams.training.progress import display
from learningdiagrams.training.stopping import EarlyStopping

if TYPE_CHECKING:
    from learningdiagrams.backends.base import Maps
    from learningdiagrams.diagram import Diagram
    from learningdiagrams.rewriting import Rewriting

__all__ = [
    "OPTIMIZERS",
    "EarlyStopping",
    "Event",
    "History",
    "State",
    "first_use",
    "fit",
    "notes_on_keeping",
    "plan_for",
    "weights_at",
    "whole_seed",
]

OPTIMIZERS: Final = ("sgd", "momentum", "adam", "adamw", "rmsprop")
WHOLE: Final = "training"
"""The name of the one stage of a diagram that declares none."""


def fit(
    maps: Maps,
    *,
    diagram: Diagram,
    data: Any,
    state: State,
    epochs: int | None = None,
    steps: int | None = None,
    batch_size: int = 128,
    optimizer: Any = "adam",
    lr: float | Mapping[str | None, float] | None = None,
    schedule: str | Callable[[Any], Any] | None = None,
    seed: int = 0,
    validation: Any = None,
    out: str | Path | None = None,
    resume: bool | Edited = False,
    clip: float | None = None,
    stop_early: EarlyStopping | tuple[str, int] | str | None = None,
    callbacks: Callable[[Event], Any] | Iterable[Callable[[Event], Any]] = (),
    sampler: Sampler | None = None,
    log_every: int | None = None,
    progress: bool | None = None,
    goals: Collection[str] | str | None = None,
    rewriting: Rewriting | None = None,
    passes: frozenset[str] = frozenset(),
    cache: int | str | PathLike[str] = ROOM,
    scan: int | None = None,
    precision: str | None = None,
    accumulate: int = 1,
    prefetch: int = 0,
) -> History:
    """Trains the models of a diagram.

    Rows are shuffled by the seed; an epoch covers the largest sample object that a stage's goals use,
    shorter ones start over, reshuffled; every last smaller batch is kept. A batch that lacks a sample
    object leaves its goals out. After each step averages (`ema`) follow.

    Args:
        data: anything :func:`~learningdiagrams.data.as_data` takes: arrays by name, or batches.
        state: counts the steps.
        epochs: for stages that name neither epochs nor steps; one where nothing is said.
        steps: instead of epochs.
        batch_size: the rows of a batch of data in memory.
        optimizer: "sgd", "momentum", "adam", "adamw", "rmsprop", or what the backend takes.
        lr: the learning rate, or {model: rate} for single models, where None stands for all others. Without
            it, the optimizer's own.
        schedule: "onecycle", "cosine", "linear" over the steps of each stage, or a function of the stage's
            step that returns a factor.
        seed: of the order of rows, of noise, and of random draws inside maps.
        validation: data, or the fraction of rows to hold out; goals and measures on them are the columns
            `val_…` of the history, beside the measures on the training data.
        out: a folder for `history.csv` and a checkpoint, written after every epoch (of very short epochs,
            only as often as costs little), at the end, and at Ctrl-C.
        resume: whether to go on from the checkpoint in `out`, if there is one. What an edit gave, where that is one of
            the diagram before the edit: numbers and the optimizer's state go over by name and shape, and what is new
            starts afresh; a stage of the same name goes on where it was. Early stopping begins anew.
        clip: the largest norm of the whole gradient.
        stop_early: a goal or measure, (name, patience), or :class:`EarlyStopping`; it ends a stage.
        callbacks: a function, or several, of an :class:`Event`; one that returns "stop" ends the run.
        sampler: a function (epoch, random generator) that returns the batches of an epoch: {sample object:
            rows to take}, or the rows alone where there is one sample object.
        log_every: how often, in steps, the terms are shown.
        progress: whether progress is shown; None for a terminal, or where `log_every` is given. In a notebook True
            draws every goal and measure as training goes on, with `log_every` between epochs too.
        goals: the only goals to train by.
        rewriting: what replaces sides of goals by laws, if anything.
        passes: with "cache", values that a stage never changes (of frozen and fixed maps, from data in memory) are
            computed once for each row.
        cache: the most bytes of memory for such values, or a folder where they lie in files meanwhile; 0 for none.
        scan: the most steps in one call of a compiled step, on jax (16 without it, or 1 where there are callbacks,
            which are otherwise told of the steps of a call when all are done). Batches from an iterable or a sampler,
            very large ones, and diagrams with averages go one by one.
        precision: "bfloat16" for maps to compute with such numbers in steps; parameters, comparisons, updates and what
            is measured keep the compiled kind.
        accumulate: in how many parts a batch is computed, one after another, for the gradient of the whole: the same
            step with the memory of a part. Batch norm learns of each part; goals that compare rows with one another
            refuse.
        prefetch: how many batches of an iterable are made ahead, in a thread of their own, while steps are taken; the
            iterable may be read that much further than the run needs.

    Returns:
        The history. Where Ctrl-C ended the run and `out` is given, it is the history so far, with
        `interrupted` true; without `out`, KeyboardInterrupt goes on.

    Raises:
        DiagramError: an unknown name or option, data that do not fit, nothing to train; a term that is not
            finite, naming the goal, the step and the first map that gives such a value; a checkpoint that
            does not fit.
    """
    found = as_data(diagram, data)
    _whole("batch_size", batch_size)
    seed = whole_seed(seed)
    for word, count in (("log_every", log_every), ("scan", scan), ("accumulate", accumulate)):
        if count is not None:
            _whole(word, count)
    if clip is not None and not (_positive(clip)):
        raise DiagramError(f"clip is a positive number, not {clip!r}")
    if isinstance(optimizer, str) and optimizer not in OPTIMIZERS:
        close = suggestion(optimizer, OPTIMIZERS) or f"; there are {', '.join(OPTIMIZERS)}"
        raise DiagramError(f"there is no optimizer `{optimizer}`{close}")
    _whole("prefetch", prefetch, least=0)
    if precision not in (None, "bfloat16"):
        raise DiagramError(f'precision is "bfloat16", or None for the compiled kind of numbers, not {precision!r}')
    if precision is not None and maps.dtype != "float32":
        raise DiagramError(f"precision={precision!r} is for diagrams that are compiled for float32, not {maps.dtype}")
    learning_rate(schedule)
    if not isinstance(resume, bool):
        if not isinstance(resume, Edited):
            raise DiagramError(f"resume is True, False, or what an edit gave, not {resume!r}")
        if resume.diagram is not diagram and str(resume.diagram) != str(diagram):
            raise DiagramError(f"resume: {resume!r} gives another diagram than the one that is trained here")
    if resume and out is None:
        raise DiagramError("resume goes on from the checkpoint in `out`; say which folder, out=…")
    if sampler is not None and not callable(sampler):
        raise DiagramError(f"sampler is a function (epoch, random generator) of batches of rows, not {sampler!r}")
    if out is not None and not isinstance(out, str | PathLike):
        raise DiagramError(f"out is the path of a folder, not {out!r}")
    callbacks = (callbacks,) if callable(callbacks) else callbacks
    if not isinstance(callbacks, Iterable) or not all(map(callable, callbacks := tuple(callbacks))):
        raise DiagramError(f"callbacks is a function of an Event, or several, not {callbacks!r}")
    if sampler is not None and isinstance(found, Stream):
        raise DiagramError("a sampler chooses rows of data in memory; batches from an iterable are taken as they come")
    held: Data | Stream | None = None
    if isinstance(validation, int | float) and not isinstance(validation, bool):
        found, held = split(found, validation, seed)
    elif validation is not None:
        held = as_data(diagram, validation, where="validation")
    rate, rates = _rates(diagram, lr)
    options = Options(
        data=found,
        validation=held,
        phases=_phases(diagram, goals, epochs, steps),
        batch_size=batch_size,
        optimizer=optimizer,
        lr=rate,
        rates=rates,
        schedule=schedule,
        seed=seed,
        out=None if out is None else Path(out),
        resume=resume,
        clip=clip,
        stop_early=EarlyStopping.of(stop_early),
        callbacks=callbacks,
        sampler=sampler,
        log_every=log_every,
        rewriting=rewriting,
        passes=passes,
        cache=checked_cache(cache),
        scan=scan,
        precision=precision,
        accumulate=accumulate,
        prefetch=prefetch,
    )
    return Run(maps, diagram, options, state, display(progress, log_every)).train()


def _phases(
    diagram: Diagram, goals: Collection[str] | str | None, epochs: int | None, steps: int | None
) -> tuple[Phase, ...]:
    """The stages that will run."""
    if epochs is not None and steps is not None:
        raise DiagramError("training lasts a number of epochs or of steps, not both")
    for word, count in (("epochs", epochs), ("steps", steps)):
        if count is not None:
            _whole(word, count)
    if epochs is None and steps is None:
        epochs = 1
    if isinstance(goals, str):
        goals = (goals,)
    for goal in goals or ():
        if goal not in diagram.goals:
            raise DiagramError(f"goals: there is no goal `{goal}`{suggestion(goal, diagram.goals)}")
    chosen = tuple(name for name in diagram.goals if goals is None or name in goals)
    if not diagram.stages:
        declared = [(WHOLE, diagram.models, chosen, epochs, steps)]
    else:
        declared = [
            (
                stage.name,
                stage.train,
                tuple(goal for goal in stage.by if goal in chosen),
                *((stage.epochs, stage.steps) if stage.epochs or stage.steps else (epochs, steps)),
            )
            for stage in diagram.stages.values()
        ]
    made = tuple(Phase(i, *phase) for i, phase in enumerate(phase for phase in declared if phase[2]))
    if not made:
        raise DiagramError(
            "there is nothing to train by: no goal is declared" if not goals else "no stage has these goals"
        )
    return made


def _rates(diagram: Diagram, lr: Any) -> tuple[float | None, dict[str, float]]:
    """The learning rate, and those of single models."""
    given = lr if isinstance(lr, Mapping) else {None: lr}
    for name, rate in given.items():
        if name is not None and name not in diagram.models:
            raise DiagramError(f"lr: there is no model `{name}`{suggestion(str(name), diagram.models)}")
        if rate is not None and not (rate == 0 or _positive(rate)):
            raise DiagramError(f"lr{'' if name is None else f' of `{name}`'} is a number ≥ 0, not {rate!r}")
    return given.get(None), {name: float(rate) for name, rate in given.items() if name is not None}


def _positive(x: Any) -> bool:
    number = isinstance(x, int | float | np.floating) and not isinstance(x, bool)
    return number and math.isfinite(x) and bool(x > 0)


def whole_seed(seed: Any) -> int:
    """The seed as a number of Python; raises DiagramError where it is no whole number, or too long a one."""
    _whole("seed", seed, least=None)
    if abs(int(seed)) >= 2**62:
        raise DiagramError(f"seed is a whole number of at most 62 bits, not {seed}")
    return int(seed)


def _whole(what: str, x: Any, least: int | None = 1) -> None:
    whole = isinstance(x, int | np.integer) and not isinstance(x, bool)
    if not whole or (least is not None and x < least):
        raise DiagramError(f"{what} is a whole number{'' if least is None else f' of at least {least}'}, not {x!r}")
