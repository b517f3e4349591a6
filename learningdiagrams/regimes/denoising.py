"""A denoising autoencoder of digits: data and judge of `denoising.diagram`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from learningdiagrams.data import host
from learningdiagrams.regimes.autoencoder import images, principal
from learningdiagrams.regimes.base import Figure, Regime, Split

if TYPE_CHECKING:
    from learningdiagrams.compiled import Compiled

__all__ = ["REGIME"]


def judge(compiled: Compiled, split: Split) -> Mapping[str, float]:
    """Root mean square errors to the clean test pictures."""
    found = compiled.evaluate(split.test)
    noisy = compiled.apply("(image & grain) >> plus", split.test)
    train, test = split.train["image"], split.test["image"]
    linear = min(principal(train, test, count, host(noisy)) for count in range(4, 33, 4))
    return {
        "denoised": math.sqrt(found["clean"]),
        "noisy": math.sqrt(found["noisy"]),
        "naive": math.sqrt(found["naive"]),
        "linear": linear,
    }


REGIME = Regime(
    name="denoising",
    title="Denoising autoencoder",
    data=images,
    judge=judge,
    figures=(
        Figure("denoised", "RMS error of denoised test digits", most=0.143, by_hand=(0.136, 0.002)),
        Figure("noisy", "of the noisy digits themselves", by_hand=(0.300,)),
        Figure("linear", "of the best number of principal components", by_hand=(0.182,)),
        Figure("naive", "of the same maps trained on clean digits", by_hand=(0.200,)),
    ),
    training={"batch_size": 128, "optimizer": "adam", "lr": 5e-3, "schedule": "onecycle"},
    source="Vincent, Larochelle, Bengio and Manzagol 2008, Extracting and Composing Robust Features with Denoising "
    "Autoencoders",
    claim="Noise as data makes a denoiser of an autoencoder; one trained on clean pictures is far from it.",
    caution="The noise that is taken away is the noise that was trained with, of standard deviation 0.3.",
)
