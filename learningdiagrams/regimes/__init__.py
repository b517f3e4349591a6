"""The gallery: training setups of the literature, each a diagram of a few lines on real data, with figures to meet.

>>> from learningdiagrams import regimes
>>> regimes.find("distillation").diagram().goals["soft"].by
kl(temperature=4)

`regimes.run("distillation", backend="jax", seeds=3)` trains and judges it, as `learningdiagrams regimes run` does.
"""

from __future__ import annotations

from importlib import import_module
from typing import Final

from learningdiagrams.errors import DiagramError, suggestion
from learningdiagrams.regimes.base import Arrays, Figure, Regime, Split, Variant
from learningdiagrams.regimes.running import Result, Trial, run, table, trial

__all__ = [
    "NAMES",
    "Arrays",
    "Figure",
    "Regime",
    "Result",
    "Split",
    "Trial",
    "Variant",
    "find",
    "run",
    "table",
    "trial",
]

NAMES: Final = (
    "distillation",
    "fitnets",
    "autoencoder",
    "denoising",
    "equivariance",
    "manipulator",
    "simsiam",
    "byol",
    "few_shot",
    "prototypes",
    "mean_teacher",
    "clip",
    "captioning",
    "cyclegan",
    "stacking",
    "mutual_learning",
    "vae",
)
"""The regimes, in the order of the gallery."""


def find(name: str) -> Regime:
    """The regime of that name.

    >>> find("distilation")
    Traceback (most recent call last):
    learningdiagrams.errors.DiagramError: there is no regime `distilation`; did you mean `distillation`?
    """
    if name not in NAMES:
        there = suggestion(name, NAMES) or f"; there are {', '.join(NAMES)}"
        raise DiagramError(f"there is no regime `{name}`{there}")
    return import_module(f"learningdiagrams.regimes.{name}").REGIME
