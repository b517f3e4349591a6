"""Training a regime on the data of some seeds, and its figures as a table."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean, stdev
from time import perf_counter
from typing import TYPE_CHECKING, Final

from learningdiagrams.regimes.base import Regime, Split

if TYPE_CHECKING:
    from learningdiagrams.compiled import Compiled
    from learningdiagrams.training.history import History

__all__ = ["QUICK", "Result", "Trial", "run", "table", "trial"]

QUICK: Final = 5
"""Steps of each stage in a quick run, which shows that everything works and what no figure means anything of."""


@dataclass(frozen=True, eq=False)
class Trial:
    """A regime trained and judged with one seed."""

    seed: int
    compiled: Compiled
    history: History
    split: Split
    figures: Mapping[str, float]
    seconds: float


@dataclass(eq=False)
class Result:
    """The figures of a regime over some seeds.

    Attributes:
        figures: {figure: a value for each seed}.
        seconds: how long each seed took, its judge included.
        quick: whether training was cut short, so that the figures mean nothing.
    """

    regime: Regime
    backend: str
    variant: str | None = None
    quick: bool = False
    figures: dict[str, list[float]] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)

    def add(self, made: Trial) -> None:
        """Takes the figures of one more seed."""
        for name, value in made.figures.items():
            self.figures.setdefault(name, []).append(value)
        self.seconds.append(made.seconds)

    @property
    def missed(self) -> list[str]:
        """The bounds that the means over the seeds do not keep, in words; of a quick run or a variant none."""
        if self.quick or self.variant is not None:
            return []
        means = {figure.name: mean(self.figures[figure.name]) for figure in self.regime.figures}
        return [
            f"{self.regime.name}: {figure.words}: {means[figure.name]:.4g} is not {figure.bound}"
            for figure in self.regime.figures
            if figure.met(means[figure.name]) is False
        ]


def trial(
    regime: Regime,
    seed: int = 0,
    backend: str = "torch",
    *,
    variant: str | None = None,
    quick: bool = False,
    out: Path | None = None,
) -> Trial:
    """Trains and judges a regime with one seed, which splits the data, starts the maps, draws noise and orders rows.

    Args:
        out: a folder for the history and a checkpoint; with it, goals and measures on the test data are followed too.
    """
    split = regime.data(seed)
    if quick:
        split = split._replace(extra={**split.extra, "quick": True})
    started = perf_counter()
    compiled = regime.diagram(variant, QUICK if quick else None).compile(backend, seed=seed)
    watched = {} if out is None else {"validation": split.test or None, "out": out}
    history = compiled.fit(split.train, **{**regime.training, **watched})
    figures = {name: float(value) for name, value in regime.judge(compiled, split).items()}
    return Trial(seed, compiled, history, split, figures, perf_counter() - started)


def run(
    name: str | Regime,
    backend: str = "torch",
    seeds: int = 3,
    *,
    variant: str | None = None,
    quick: bool = False,
    seen: Callable[[Trial], object] | None = None,
) -> Result:
    """Trains and judges a regime with each of the first seeds.

    Args:
        variant: the name of a variant to train instead.
        quick: a few steps of each stage, to see that everything works.
        seen: a function that is called with each trial when it is done.
    """
    from learningdiagrams.regimes import find

    regime = find(name) if isinstance(name, str) else name
    result = Result(regime, backend, variant, quick)
    for seed in range(seeds):
        made = trial(regime, seed, backend, variant=variant, quick=quick)
        result.add(made)
        if seen is not None:
            seen(made)
    return result


def table(result: Result) -> str:
    """The figures as text: mean, spread, the bound, what was measured by hand, and each seed, a line a figure."""
    regime, count = result.regime, len(result.seconds)
    title = regime.title if result.variant is None else f"{regime.title}, variant {result.variant}"
    shown = regime.variant(result.variant).shows if result.variant is not None else ()
    judged = result.variant is None and not result.quick
    rows = [["", "mean", "spread", *(["bound", "", "by hand"] if judged else []), "seeds"]]
    for figure in regime.figures:
        if shown and figure.name not in shown:
            continue
        values = result.figures[figure.name]
        cells = [figure.words, _number(mean(values)), f"±{_number(stdev(values))}" if count > 1 else ""]
        if judged:
            met = {True: "met", False: "missed", None: ""}[figure.met(mean(values))]
            cells += [figure.bound, met, " ±".join(map(_number, figure.by_hand))]
        rows.append([*cells, " ".join(map(_number, values))])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    seeds = f"{count} seed{'s' * (count != 1)}, {mean(result.seconds):.0f} s each"
    quick = "; a quick run, whose figures mean nothing" * result.quick
    return "\n".join([f"{title}, on {result.backend}: {seeds}{quick}", *lines])


def _number(value: float) -> str:
    """Three decimals, or four figures where the value is large."""
    return f"{value:.3f}" if math.isfinite(value) and abs(value) < 10 else f"{value:.4g}"
