"""A variational autoencoder of digits: data and judge of `vae.diagram`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from learningdiagrams.data import host
from learningdiagrams.regimes.autoencoder import images
from learningdiagrams.regimes.base import Figure, Regime, Split, Variant

if TYPE_CHECKING:
    from learningdiagrams.compiled import Compiled

__all__ = ["REGIME"]


def judge(compiled: Compiled, split: Split) -> Mapping[str, float]:
    """The bound on the likelihood of test pictures, its two parts, and how far pictures drawn from the prior are from
    the nearest training picture, beside how far test pictures are.
    """
    train, test = split.train["image"], split.test["image"]
    found = compiled.evaluate(split.test)
    codes = np.random.default_rng(compiled.seed).standard_normal((len(test), 8)).astype(np.float32)
    drawn = 1 / (1 + np.exp(-host(compiled.apply("decode", codes))))
    parts = {"rebuild": 64 * found["rebuild"], "prior": 8 * found["prior"]}
    return {
        "bound": sum(parts.values()),
        **parts,
        "drawn": _nearest(drawn, train),
        "real": _nearest(test, train),
    }


def _nearest(pictures: np.ndarray, train: np.ndarray) -> float:
    """The mean over pictures of the root mean square distance to the nearest training picture."""
    squares = (pictures**2).mean(1)[:, None] + (train**2).mean(1) - 2 * pictures @ train.T / train.shape[1]
    return float(np.sqrt(np.maximum(squares.min(1), 0)).mean())


REGIME = Regime(
    name="vae",
    title="Variational autoencoder",
    data=images,
    judge=judge,
    figures=(
        Figure("bound", "negative evidence lower bound of test digits, nats", most=24.8, by_hand=(24.39, 0.13)),
        Figure("rebuild", "of which cross-entropy of the pixels", by_hand=(21.02, 0.13)),
        Figure("prior", "of which divergence from the prior", by_hand=(3.373, 0.006)),
        Figure(
            "drawn", "RMS distance of drawn digits to the nearest training digit", most=0.152, by_hand=(0.148, 0.001)
        ),
        Figure("real", "the same of test digits", by_hand=(0.133, 0.001)),
    ),
    training={"batch_size": 128, "optimizer": "adam", "lr": 3e-3, "schedule": "onecycle"},
    source="Kingma and Welling 2014, Auto-Encoding Variational Bayes (arXiv 1312.6114)",
    claim="With randomness as data and the divergence as a goal, codes drawn from the prior decode to pictures about "
    "as near to digits as digits are to each other.",
    caution="Pixels are grey, and their cross-entropy is taken as if they were probabilities of black: the bound "
    "compares models of one kind and is no likelihood of the data.",
    variants=(
        Variant(
            "no-prior",
            "without the divergence the codes lie anywhere, and what is drawn from the prior is no digit",
            {"by rebuild, prior steps": "by rebuild steps"},
            shows=("rebuild", "drawn", "real"),
        ),
    ),
)
