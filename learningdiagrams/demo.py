"""The main job on real data: a teacher learns all digits, and a small student that sees few labels learns from it."""

from __future__ import annotations

from pathlib import Path
from statistics import mean
from time import perf_counter

from rich.console import Console

from learningdiagrams.regimes import Result, find, table, trial
from learningdiagrams.report import report_run

__all__ = ["run"]


def run(backend: str, out: Path, seeds: int = 3) -> dict[str, list[float]]:
    """Trains the regime `distillation` on each of the first seeds, prints the table and writes a report.

    Returns the figures on the test data: the accuracies of `teacher`, `alone` and `student`, and the `gain`.
    """
    console = Console()
    start = perf_counter()
    regime = find("distillation")
    result = Result(regime, backend)
    first = trial(regime, 0, backend, out=out)
    result.add(first)
    found = first.compiled.examine(first.split.train, max_seconds=2.0)
    report_run(first.compiled, first.history, out, examination=found)
    for seed in range(1, seeds):
        result.add(trial(regime, seed, backend))
    console.print(table(result), soft_wrap=True, highlight=False)
    console.print(f"Distilling gains {mean(result.figures['gain']):+.3f}. {regime.caution}")
    console.print(str(found.residuals), soft_wrap=True, highlight=False)
    console.print(f"{perf_counter() - start:.0f} s; the report of seed 0 is {out / 'report.html'}")
    return result.figures
