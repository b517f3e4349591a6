"""An autoencoder of digits that turns its code with the picture: data and judge of `equivariance.diagram`."""

from __future__ import annotations

import math
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
    """Errors of the decoded turn and of the code, the latter as a share of the code's own mean square."""
    found = compiled.evaluate(split.test)
    code = host(compiled.apply("image >> encode", split.test["image"]))
    return {
        "turned": math.sqrt(found["turned"]),
        "latent": found["equivariant"] / float(np.mean(code**2)),
        "back": math.sqrt(found["back"]),
    }


REGIME = Regime(
    name="equivariance",
    title="Equivariant autoencoder",
    data=images,
    judge=judge,
    figures=(
        Figure("turned", "RMS error of digits turned in the code", most=0.12, by_hand=(0.103, 0.005)),
        Figure("latent", "mean square error of the turned code, relative to the code", most=0.01, by_hand=(0.004,)),
        Figure("back", "RMS error of the picture back"),
    ),
    training={"batch_size": 128, "optimizer": "adam", "lr": 5e-3, "schedule": "onecycle"},
    source="the definition of an equivariant map",
    claim="A group that acts on pictures by a fixed map acts on codes by another, and the maps between respect it.",
    caution=(
        "`turned` follows as an equation from the two other goals, because `back` is asked of turned pictures too; "
        "then training without it gives nearly the same. Where it does not follow, the code's own error stays small "
        "and the decoded turn is wrong: see the variants."
    ),
    variants=(
        Variant(
            "derived",
            "without the goal `turned`, which follows from the others: the decoded turn is nearly as good",
            {"by back, equivariant, turned": "by back, equivariant"},
        ),
        Variant(
            "underived",
            "without `turned`, and `back` asked of the pictures as they are only, so that it does not follow: the code "
            "turns, and the decoded turn is wrong",
            {
                "on image, image >> turn by mse": "on image by mse",
                "by back, equivariant, turned": "by back, equivariant",
            },
        ),
        Variant(
            "plain",
            "an autoencoder alone knows nothing of turns",
            {"by back, equivariant, turned": "by back"},
        ),
    ),
)
