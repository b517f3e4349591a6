"""Scikit-learn's digits, which several regimes learn from: 1797 pictures of 8 × 8 pixels, in [0, 1]."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from learningdiagrams.errors import DiagramError
from learningdiagrams.regimes.base import parted

__all__ = ["TEST", "balanced", "digits"]

TEST: Final = 500
"""How many pictures are held out."""


def digits(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Pictures (1297, 64) and classes (1297,) to train on, then (500, 64) and (500,) to test, split by the seed."""
    try:
        from sklearn.datasets import load_digits
    except ModuleNotFoundError as error:
        raise DiagramError(
            "this regime needs scikit-learn's digits; `pip install 'learningdiagrams[regimes]'` brings them"
        ) from error
    loaded: Any = load_digits()
    pictures, classes = (loaded.data / 16.0).astype(np.float32), loaded.target
    train, test = parted(len(pictures), TEST, np.random.default_rng(seed))
    return pictures[train], classes[train], pictures[test], classes[test]


def balanced(classes: np.ndarray, each: int) -> np.ndarray:
    """The first rows of every class, `each` of them."""
    return np.concatenate([np.flatnonzero(classes == c)[:each] for c in np.unique(classes)])
