"""When training ends before its last epoch."""

from __future__ import annotations

import math
import signal
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from learningdiagrams.errors import DiagramError, suggestion

if TYPE_CHECKING:
    from learningdiagrams.diagram import Diagram

__all__ = ["EarlyStopping", "Interrupt", "Watch", "interrupts"]


@dataclass(frozen=True)
class EarlyStopping:
    """Ends a stage when a goal or measure has not become better for some epochs.

    Attributes:
        name: the goal or measure; on the validation data where there are any, else as it is logged.
        patience: how many epochs without an improvement are waited for.
        restore: whether the parameters and buffers of the best epoch are put back.
        least: what counts as an improvement: more than this.
    """

    name: str
    patience: int = 5
    restore: bool = True
    least: float = 0.0

    @staticmethod
    def of(what: Any) -> EarlyStopping | None:
        """What `stop_early=` stands for: a name, (name, patience), a value of this class, or None.

        >>> EarlyStopping.of(("accuracy", 3))
        EarlyStopping(name='accuracy', patience=3, restore=True, least=0.0)
        """
        if what is None or isinstance(what, EarlyStopping):
            made = what
        elif isinstance(what, str):
            made = EarlyStopping(what)
        elif isinstance(what, tuple) and len(what) == 2:
            made = EarlyStopping(*what)
        else:
            raise DiagramError(f"stop_early is a name, (name, patience) or EarlyStopping(…), not {what!r}")
        if made is not None and (
            not isinstance(made.name, str) or isinstance(made.patience, bool) or not isinstance(made.patience, int)
        ):
            raise DiagramError(
                f"stop_early is a name and a whole number of epochs, not {made.name!r}, {made.patience!r}"
            )
        if made is not None and made.patience < 1:
            raise DiagramError(f"stop_early: patience is at least 1 epoch, not {made.patience}")
        return made

    def check(self, columns: Collection[str]) -> None:
        """Raises where no stage logs what is watched."""
        plain = {column.removeprefix("val_") for column in columns}
        if self.name not in columns and self.name not in plain:
            raise DiagramError(f"stop_early: no goal or measure `{self.name}` is logged{suggestion(self.name, plain)}")


class Watch:
    """Early stopping at work in one stage.

    Attributes:
        best: the best value so far; waited: the epochs since.
    """

    def __init__(self, rule: EarlyStopping, diagram: Diagram) -> None:
        self.rule = rule
        measure = diagram.measures.get(rule.name.removeprefix("val_"))
        self._sign = 1.0 if measure is not None and measure.by.larger_is_better else -1.0
        self.best: float = -math.inf
        self.waited: int = 0

    def better(self, row: Mapping[str, Any]) -> bool:
        """Takes an epoch's row into account; whether it is the best so far."""
        value = row.get(f"val_{self.rule.name}", row.get(self.rule.name))
        if value is None:
            return False
        score = self._sign * value
        if score > self.best + (self.rule.least if math.isfinite(self.best) else 0.0):
            self.best, self.waited = score, 0
            return True
        self.waited += 1
        return False

    @property
    def over(self) -> bool:
        """Whether patience has run out."""
        return self.waited >= self.rule.patience


class Interrupt:
    """Whether Ctrl-C was pressed."""

    asked = False


@contextmanager
def interrupts() -> Iterator[Interrupt]:
    """Lets the step that is under way end before Ctrl-C takes effect; pressed twice, it takes effect at once.

    Nothing changes where Ctrl-C was given another meaning already, or outside the main thread.
    """
    found = Interrupt()
    ours = threading.current_thread() is threading.main_thread()
    if not ours or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield found
        return

    def handler(*_: Any) -> None:
        if found.asked:
            raise KeyboardInterrupt
        found.asked = True

    signal.signal(signal.SIGINT, handler)
    try:
        yield found
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
