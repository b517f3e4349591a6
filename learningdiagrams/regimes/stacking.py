"""Stacking on the diabetes data: data and judge of `stacking.diagram`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from learningdiagrams.errors import DiagramError
from learningdiagrams.regimes.base import Arrays, Figure, Regime, Split, parted

if TYPE_CHECKING:
    from learningdiagrams.compiled import Compiled

__all__ = ["REGIME"]

TRAIN: Final = 300
FOLDS: Final = 3


def data(seed: int) -> Split:
    """300 rows to train on, in three folds, and 142 to judge; all columns with mean 0 and deviation 1 in training."""
    try:
        from sklearn.datasets import load_diabetes
    except ModuleNotFoundError as error:
        raise DiagramError(
            "this regime needs scikit-learn's data; `pip install 'learningdiagrams[regimes]'` brings them"
        ) from error
    loaded: Any = load_diabetes()
    rows, values = loaded.data, loaded.target[:, None]
    test, kept = parted(len(rows), TRAIN, np.random.default_rng(seed))
    spread = float(values[kept].std())
    rows = ((rows - rows[kept].mean(0)) / rows[kept].std(0)).astype(np.float32)
    values = ((values - values[kept].mean()) / spread).astype(np.float32)
    train: Arrays = {"row": rows[kept], "value": values[kept]}
    fold = np.arange(len(kept)) % FOLDS
    for k in range(FOLDS):
        for word, answer, here in (("rest", "told", fold != k), ("held", "true", fold == k)):
            train[f"{word}{k + 1}"], train[f"{answer}{k + 1}"] = rows[kept[here]], values[kept[here]]
    return Split(train, {"row": rows[test], "value": values[test]}, {"spread": spread})


def judge(compiled: Compiled, split: Split) -> Mapping[str, float]:
    """Root mean square errors on the test rows, in the units of the data."""
    found = compiled.evaluate(split.test)
    errors = {
        name: split.extra["spread"] * math.sqrt(found[f"of_{name}"]) for name in ("line", "deep", "naive", "stack")
    }
    return {**errors, "gap": errors["naive"] - errors["stack"], "behind": errors["stack"] - errors["line"]}


REGIME = Regime(
    name="stacking",
    title="Stacking, out of fold",
    data=data,
    judge=judge,
    figures=(
        Figure("line", "linear map: test RMSE"),
        Figure("deep", "a net that knows its rows by heart"),
        Figure("naive", "stacked in sample"),
        Figure("stack", "stacked out of fold"),
        Figure("gap", "in sample minus out of fold", least=15),
        Figure("behind", "out of fold minus the linear map", most=4),
    ),
    training={"batch_size": 512, "optimizer": "adam", "lr": 5e-3, "schedule": "onecycle"},
    source="Wolpert 1992, Stacked Generalization; as learning networks in Blaom and Vollmer 2020 (arXiv 2012.15505)",
    claim="Learned on rows that the combined maps have not seen, a combination does not trust the one that overfits.",
    caution="On these data no combination beats the linear map: what is shown is the harm of stacking in sample.",
)
