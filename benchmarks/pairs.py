"""Two ways to do one thing, timed in turns, and a row of the table for what came out."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import Any

__all__ = ["Paired", "Row", "paired", "timed"]

Ratio = tuple[float, float, float]
"""The median of ratios, and their quartiles."""


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        what: what was measured.
        ours, hand: the library's figure, and that of the code written by hand, if there is any, in `unit`.
        ratio: ours to by hand.
        most: the bound: of the ratio if there is one, else of `ours`; None where nothing was promised.
        note: what else there is to say.
    """

    what: str
    ours: float
    unit: str
    hand: float | None = None
    ratio: Ratio | None = None
    most: float | None = None
    note: str = ""

    @property
    def missed(self) -> bool:
        """Whether the bound is exceeded."""
        return self.most is not None and (self.ratio[0] if self.ratio else self.ours) > self.most

    def cells(self) -> list[str]:
        """What, ours, by hand, ratio with its spread, bound, note."""
        ratio = bound = ""
        if self.ratio:
            middle, low, high = self.ratio
            ratio = f"{middle:.3f}" + ("" if low == high else f" ({low:.3f} to {high:.3f})")
        if self.most is not None:
            bound = f"≤ {self.most:g}" + ("" if self.ratio else f" {self.unit}") + " missed" * self.missed
        hand = "" if self.hand is None else f"{_digits(self.hand)} {self.unit}"
        return [self.what, f"{_digits(self.ours)} {self.unit}", hand, ratio, bound, self.note]

    def as_json(self) -> dict[str, Any]:
        """Values that `Row(**…)` makes the same row of."""
        return asdict(self)


def _digits(x: float) -> str:
    return f"{x:,.0f}" if x >= 100 or x == int(x) else f"{x:.3g}"


@dataclass(frozen=True)
class Paired:
    """Seconds of both ways, round by round."""

    ours: list[float]
    hand: list[float]

    @property
    def ratio(self) -> Ratio:
        """The median over rounds of the ratio within a round, and the quartiles."""
        low, middle, high = statistics.quantiles(
            (a / b for a, b in zip(self.ours, self.hand, strict=True)), n=4, method="inclusive"
        )
        return middle, low, high

    def row(self, what: str, unit: str = "µs", most: float | None = None, note: str = "") -> Row:
        """The medians as a line of the table; `unit` is "µs", "ms" or "s"."""
        scale = {"µs": 1e6, "ms": 1e3, "s": 1.0}[unit]
        ours, hand = statistics.median(self.ours) * scale, statistics.median(self.hand) * scale
        return Row(what, ours, unit, hand, self.ratio, most, note)


def paired(
    ours: Callable[[], Any],
    hand: Callable[[], Any],
    *,
    rounds: int,
    repeat: int = 1,
    warm: int = 2,
    wait: Callable[[Any], Any] | None = None,
) -> Paired:
    """Times both in turns, ours first in every other round.

    Args:
        repeat: how often each is called in a round; times are for one call.
        warm: rounds before that are not counted: they compile, and fill caches.
        wait: called at the end of a round with what the last call returned, for a backend that runs ahead.
    """
    made = Paired([], [])
    for number in range(rounds + warm):
        sides = [(ours, made.ours), (hand, made.hand)]
        for call, times in sides if number % 2 else reversed(sides):
            start = perf_counter()
            for _ in range(repeat):
                last = call()
            if wait is not None:
                wait(last)
            if number >= warm:
                times.append((perf_counter() - start) / repeat)
    return made


def timed(call: Callable[[], Any], *, rounds: int = 5) -> float:
    """The least seconds that a call took: what a loaded machine adds is no part of it."""
    best = float("inf")
    for _ in range(rounds):
        start = perf_counter()
        call()
        best = min(best, perf_counter() - start)
    return best
