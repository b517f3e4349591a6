"""An autoencoder of digits: data and judge of `autoencoder.diagram`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from learningdiagrams.regimes.base import Figure, Regime, Split
from learningdiagrams.regimes.digits import digits

if TYPE_CHECKING:
    from learningdiagrams.compiled import Compiled

__all__ = ["REGIME", "images", "principal"]


def images(seed: int) -> Split:
    """Digits without their classes."""
    train, _, test, _ = digits(seed)
    return Split({"image": train}, {"image": test})


def principal(train: np.ndarray, test: np.ndarray, count: int, given: np.ndarray | None = None) -> float:
    """The root mean square error of the best linear code of `count` numbers, fitted to `train`, on `test`.

    `given` are the pictures to encode where they are not `test` themselves.
    """
    centre = train.mean(0)
    axes = np.linalg.svd(train - centre, full_matrices=False)[2][:count]
    coded = ((test if given is None else given) - centre) @ axes.T @ axes + centre
    return float(np.sqrt(np.mean((coded - test) ** 2)))


def judge(compiled: Compiled, split: Split) -> Mapping[str, float]:
    """What is lost on the way there and back, beside what the best linear map of the same size loses."""
    return {
        "error": math.sqrt(compiled.evaluate(split.test)["back"]),
        "linear": principal(split.train["image"], split.test["image"], 16),
    }


REGIME = Regime(
    name="autoencoder",
    title="Autoencoder",
    data=images,
    judge=judge,
    figures=(
        Figure("error", "RMS error of a digit coded in 16 numbers", most=0.093, by_hand=(0.088, 0.001)),
        Figure("linear", "the same with 16 principal components", by_hand=(0.107,)),
    ),
    training={"batch_size": 128, "optimizer": "adam", "lr": 5e-3, "schedule": "onecycle"},
    source="the textbook's; the equation is that of a section and its retraction",
    claim="Two maps learn to be a retract on the data, closer than any linear pair through as many numbers.",
    caution="On the data only: nothing is said of pictures that are no digits.",
)
