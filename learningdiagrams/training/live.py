"""A live plot in a notebook: the curves of every goal and measure, drawn anew as training goes on.

>>> shown = []
>>> class Output:
...     def update(self, bundle, raw):
...         shown.append(bundle["text/plain"])
>>> clock = iter(range(100))
>>> with Plot(lambda bundle, raw, display_id: Output(), lambda: next(clock)) as plot:
...     plot.stage("distil", 20, 0)
...     plot.log(10, {"fit": 0.5})
...     plot.epoch({"step": 20, "epoch": 1, "stage": "distil", "fit": 0.4, "accuracy": 0.75, "seconds": 1.0})
>>> shown[-1]
'distil, step 20, epoch 1: fit 0.5  accuracy 0.75'
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any, Final

from learningdiagrams.theory.showing import framed, scrolled, written
from learningdiagrams.training.history import History
from learningdiagrams.training.progress import Nothing, described

__all__ = ["Plot", "in_notebook"]

PAUSE: Final = 0.5
"""The least seconds between two pictures."""
SHARE: Final = 20
"""Pictures are drawn so rarely that they take at most one part in this many of the time."""


def in_notebook() -> bool:
    """Whether a kernel runs this, whose front end can show pictures."""
    interactive = sys.modules.get("IPython")
    shell = interactive.get_ipython() if interactive is not None else None
    return hasattr(shell, "kernel")


class Plot(Nothing):
    """The curves so far; where a front end shows no pictures, the last values as text.

    Args:
        show: makes an output that can be updated, as `IPython.display.display` does; None for that.
        clock: seconds, from anywhere.
    """

    def __init__(self, show: Callable[..., Any] | None = None, clock: Callable[[], float] = monotonic) -> None:
        if show is None:
            from IPython.display import display as show  # type: ignore[no-redef]
        self._show, self._clock = show, clock
        self._history = History()
        self._last: dict[str, Any] = {}
        self._logged: set[str] = set()
        self._stage, self._total, self._taken = "", None, 0
        self._output: Any = None
        self._next = 0.0

    def __enter__(self) -> Plot:
        self._output = self._show(self._bundle(), raw=True, display_id=True)
        return self

    def __exit__(self, *error: object) -> None:
        self._draw()

    def stage(self, name: str, total: int | None, done: int) -> None:
        self._stage, self._total, self._taken = name, total, done

    def step(self) -> None:
        self._taken += 1
        self._refresh()

    def log(self, step: int, terms: Mapping[str, float]) -> None:
        self._logged.update(terms)
        self._add({"step": step, "stage": self._stage, **terms})

    def epoch(self, row: Mapping[str, Any]) -> None:
        # A term that is logged every few steps has its points already; an epoch's mean would be one of another kind.
        self._add({name: value for name, value in row.items() if name not in self._logged})

    def _add(self, row: dict[str, Any]) -> None:
        self._history.append(row)
        self._last.update((name, value) for name, value in row.items() if value is not None)
        self._refresh()

    def _refresh(self) -> None:
        if self._clock() >= self._next:
            self._draw()

    def _draw(self) -> None:
        started = self._clock()
        self._output.update(self._bundle(), raw=True)
        now = self._clock()
        self._next = now + max(PAUSE, SHARE * (now - started))

    def _bundle(self) -> dict[str, str]:
        from learningdiagrams.curves import draw_curves

        where = [self._stage or "training starts"]
        if self._taken:
            where.append(f"step {self._taken}{f' of {self._total}' if self._total else ''} of the stage")
        if "epoch" in self._last:
            where.append(f"epoch {self._last['epoch']}")
        curves = scrolled(draw_curves(self._history)) if len(self._history) else ""
        values = described(self._last)
        words = f"{self._stage}, step {self._last.get('step', 0)}, epoch {self._last.get('epoch', 0)}: {values}"
        return {"text/html": framed([f"<p>{written(', '.join(where))}</p>", curves]), "text/plain": words}
