"""What people see while training runs: a rich display on a terminal, a plot in a notebook, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, Protocol, TextIO

__all__ = ["Display", "Lines", "Nothing", "Rich", "display"]


class Display(Protocol):
    """What the training loop tells about itself."""

    def __enter__(self) -> Display: ...

    def __exit__(self, *error: object) -> None: ...

    def stage(self, name: str, total: int | None, done: int) -> None:
        """A stage starts, of `total` steps (None where that is not known), of which `done` were taken
        before.
        """

    def step(self) -> None:
        """A step was taken."""

    def log(self, step: int, terms: Mapping[str, float]) -> None:
        """The means of the terms since the last time, every `log_every` steps."""

    def epoch(self, row: Mapping[str, Any]) -> None:
        """An epoch ended, with this row of the history."""


class Nothing:
    """Shows nothing."""

    def __enter__(self) -> Nothing:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def stage(self, name: str, total: int | None, done: int) -> None:
        pass

    def step(self) -> None:
        pass

    def log(self, step: int, terms: Mapping[str, float]) -> None:
        pass

    def epoch(self, row: Mapping[str, Any]) -> None:
        pass


class Lines(Nothing):
    """One line for each epoch, and every `log_every` steps."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def __enter__(self) -> Lines:
        return self

    def log(self, step: int, terms: Mapping[str, float]) -> None:
        print(f"step {step}: {described(terms)}", file=self._out, flush=True)

    def epoch(self, row: Mapping[str, Any]) -> None:
        print(f"epoch {row['epoch']}, {row['stage']}: {described(row)}", file=self._out, flush=True)


class Rich(Nothing):
    """A bar for the stage, and under it the last value of every goal and measure."""

    def __init__(self) -> None:
        from rich.console import Console, Group
        from rich.live import Live
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._group = Group
        bar = BarColumn(bar_width=30)
        self._progress = Progress(TextColumn("{task.description}"), bar, MofNCompleteColumn(), TimeRemainingColumn())
        self._live = Live(self._progress, console=Console(stderr=True), refresh_per_second=8)
        self._task: Any = None

    def __enter__(self) -> Rich:
        self._live.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._live.__exit__(*error)  # type: ignore[arg-type]

    def stage(self, name: str, total: int | None, done: int) -> None:
        self._task = self._progress.add_task(name, total=total, completed=done)

    def step(self) -> None:
        self._progress.advance(self._task)

    def log(self, step: int, terms: Mapping[str, float]) -> None:
        self._show(f"step {step}", terms)

    def epoch(self, row: Mapping[str, Any]) -> None:
        self._show(f"epoch {row['epoch']}", row)

    def _show(self, when: str, values: Mapping[str, Any]) -> None:
        from rich.table import Table

        table = Table(when, "", box=None, pad_edge=False)
        for name, value in _numbers(values).items():
            table.add_row(name, f"{value:.4g}")
        self._live.update(self._group(self._progress, table))


def _numbers(values: Mapping[str, Any]) -> dict[str, float]:
    return {name: value for name, value in values.items() if isinstance(value, float) and name != "seconds"}


def described(values: Mapping[str, Any]) -> str:
    """Terms on a line.

    >>> described({"hard": 0.25, "soft": 1 / 3})
    'hard 0.25  soft 0.3333'
    """
    return "  ".join(f"{name} {value:.4g}" for name, value in _numbers(values).items())


def display(progress: bool | None, log_every: int | None) -> Display:
    """The display that `fit(progress=…, log_every=…)` asks for, on standard error.

    None: rich on a terminal; elsewhere lines where `log_every` is given, and nothing otherwise. True: rich
    on a terminal, a live plot in a notebook, lines elsewhere.
    """
    terminal = sys.stderr.isatty()
    if progress is not False and terminal:
        return Rich()
    if progress:
        from learningdiagrams.training.live import Plot, in_notebook

        if in_notebook():
            return Plot()
    if progress or (progress is None and log_every is not None):
        return Lines(sys.stderr)
    return Nothing()
