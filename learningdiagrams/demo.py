"""The main job on real data: a teacher learns all digits, and a small student that sees few labels learns from it."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from statistics import mean, stdev
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from rich.console import Console
from rich.table import Table

from learningdiagrams.errors import DiagramError
from learningdiagrams.language import load
from learningdiagrams.report import report_run

if TYPE_CHECKING:
    from learningdiagrams.compiled import Compiled

__all__ = ["digits", "run"]

LABELS: Final = 50
TEST: Final = 500
MODELS: Final = {
    "teacher": "teacher, all labels",
    "alone": f"student alone, {LABELS} labels",
    "student": f"student distilled, {LABELS} labels",
}
WHY: Final = (
    "The gain is label information that reaches the unlabelled images through the teacher; a student that sees every "
    "label itself gains nothing."
)

Arrays = dict[str, np.ndarray]


def digits(seed: int) -> tuple[Arrays, Arrays]:
    """Training and test data for `distillation.diagram`: scikit-learn's digits, split and labelled by the seed.

    Pixels are in [0, 1]; 1297 images train, of which 50 keep their labels, and 500 test.
    """
    try:
        from sklearn.datasets import load_digits
    except ModuleNotFoundError as error:
        raise DiagramError(
            "the demo needs scikit-learn's digits; `pip install 'learningdiagrams[regimes]'` brings them"
        ) from error
    loaded: Any = load_digits()
    order = np.random.default_rng(seed).permutation(len(loaded.data))
    images, labels = (loaded.data / 16.0).astype(np.float32)[order], loaded.target[order]
    train, test = slice(TEST, None), slice(0, TEST)
    few = slice(TEST, TEST + LABELS)
    return (
        {"image": images[train], "digit": labels[train], "few": images[few], "fewdigit": labels[few]},
        {"image": images[test], "digit": labels[test]},
    )


def run(backend: str, out: Path, seeds: int = 3) -> dict[str, list[float]]:
    """Trains on each of the first seeds, prints the table and writes the report; returns test accuracies by model."""
    console = Console()
    start = perf_counter()
    diagram = load(str(files("learningdiagrams") / "regimes" / "distillation.diagram"))
    found: dict[str, list[float]] = {model: [] for model in MODELS}
    compiled: Compiled | None = None
    for seed in range(seeds):
        train, test = digits(seed)
        compiled = diagram.compile(backend, seed=seed)
        folder = out if seed == 0 else None
        history = compiled.fit(
            train, batch_size=64, optimizer="adamw", lr=3e-3, schedule="onecycle", validation=test, out=folder
        )
        evaluated = compiled.evaluate(test)
        for model, accuracies in found.items():
            accuracies.append(evaluated[f"{model}_accuracy"])
        if seed == 0:
            residuals = compiled.residuals(train)
            report_run(compiled, history, out, residuals=residuals)
    table = Table(title=f"{diagram.name} on {backend}: test accuracy on {TEST} digits, {seeds} seeds")
    for heading in ("model", "mean", "spread", *(f"seed {seed}" for seed in range(seeds))):
        table.add_column(heading, justify="left" if heading == "model" else "right")
    for model, accuracies in found.items():
        spread = stdev(accuracies) if seeds > 1 else 0.0
        table.add_row(MODELS[model], f"{mean(accuracies):.3f}", f"±{spread:.3f}", *(f"{a:.3f}" for a in accuracies))
    console.print(table)
    gain = mean(found["student"]) - mean(found["alone"])
    console.print(f"Distilling gains {gain:+.3f}. {WHY}")
    console.print(str(residuals), soft_wrap=True, highlight=False)
    console.print(f"{perf_counter() - start:.0f} s; the report of seed 0 is {out / 'report.html'}")
    return found
