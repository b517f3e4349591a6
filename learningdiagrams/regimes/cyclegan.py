"""Letters made bold without a pair to learn from: data and judge of `cyclegan.diagram`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from learningdiagrams.data import host
from learningdiagrams.glyphs import SIDE, glyphs
from learningdiagrams.regimes.base import Figure, Regime, Split, Variant, parted
from learningdiagrams.regimes.letters import HELD_LETTERS

if TYPE_CHECKING:
    from learningdiagrams.compiled import Compiled

__all__ = ["REGIME"]


def data(seed: int) -> Split:
    """Letters in Sans, other letters in Sans Bold; 200 more in both, true pairs for the judge alone."""
    found = glyphs()
    train, test = parted(len(found.letters), HELD_LETTERS, np.random.default_rng(seed))
    left, right = train[::2], train[1::2]
    plain, heavy = (found.face(face)[:, None].reshape(-1, 1, SIDE, SIDE) for face in ("DejaVuSans", "DejaVuSans-Bold"))
    return Split({"sans": plain[left], "bold": heavy[right]}, {"sans": plain[test], "bold": heavy[test]})


def judge(compiled: Compiled, split: Split) -> Mapping[str, float]:
    """Distances to the true counterpart, as shares of the distance without doing anything; and those of the cycles."""
    sans, bold = split.test["sans"], split.test["bold"]
    nothing = float(np.abs(sans - bold).mean())
    heavier, lighter = (host(compiled.apply(word, x)) for word, x in (("embolden", sans), ("lighten", bold)))
    found = compiled.evaluate(split.test)
    return {
        "embolden": float(np.abs(heavier - bold).mean()) / nothing,
        "lighten": float(np.abs(lighter - sans).mean()) / nothing,
        "cycle": (found["there"] + found["back"]) / 2,
    }


REGIME = Regime(
    name="cyclegan",
    title="CycleGAN: letters made bold and back, unpaired",
    data=data,
    judge=judge,
    figures=(
        Figure("embolden", "distance to the true bold letter ÷ doing nothing", most=0.77, by_hand=(0.700, 0.019)),
        Figure("lighten", "distance to the true plain letter ÷ doing nothing", most=0.80, by_hand=(0.709, 0.027)),
        Figure("cycle", "distance there and back", most=0.02, by_hand=(0.011,)),
    ),
    training={"batch_size": 16, "optimizer": "adam", "lr": 1e-3, "schedule": "linear"},
    source=(
        "Zhu, Park, Isola and Efros 2017, Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial "
        "Networks; as a schema with equations in Gavranović 2019, Compositional Deep Learning (arXiv 1907.08292)"
    ),
    claim="Without a single pair, two maps come nearer to the true counterparts than the letters were.",
    caution=(
        "The cycle proves nothing: without the judges the maps stay what they start as, near the identity, which is a "
        "perfect cycle. Judges and maps move at the same time."
    ),
    variants=(
        Variant(
            "no-judges",
            "without the adversarial goals nothing moves away from the identity, and the cycle is perfect",
            {
                "train embolden, lighten, of_bold, of_sans by there, back, still_bold, still_sans, fool_bold, "
                "spot_bold, known_bold, fool_sans, spot_sans, known_sans": (
                    "train embolden, lighten by there, back, still_bold, still_sans"
                )
            },
        ),
    ),
)
