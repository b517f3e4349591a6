"""FitNets on digits: data and judge of `fitnets.diagram`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from learningdiagrams.regimes.base import Figure, Regime, Split, Variant
from learningdiagrams.regimes.digits import digits

if TYPE_CHECKING:
    from learningdiagrams.compiled import Compiled

__all__ = ["REGIME"]

LABELS: Final = 50


def data(seed: int) -> Split:
    """All digits with their classes for the teacher, 50 for the students."""
    image, digit, test, answer = digits(seed)
    few = {"few": image[:LABELS], "label": digit[:LABELS]}
    return Split({"image": image, "digit": digit, **few}, {"image": test, "digit": answer})


def judge(compiled: Compiled, split: Split) -> Mapping[str, float]:
    """Test accuracies, and what the student is ahead by its hint."""
    found = compiled.evaluate(split.test)
    figures = {name: found[f"{name}_accuracy"] for name in ("teacher", "hinted", "plain")}
    return {**figures, "gain": figures["hinted"] - figures["plain"]}


REGIME = Regime(
    name="fitnets",
    title="FitNets: a thin deep student with a hint",
    data=data,
    judge=judge,
    figures=(
        Figure("teacher", "teacher: test accuracy"),
        Figure("hinted", "student with the hint, then distilled for 200 steps", by_hand=(0.935, 0.006)),
        Figure("plain", "the same student distilled for 200 steps", by_hand=(0.911, 0.013)),
        Figure("gain", "with the hint minus without", by_hand=(0.024, 0.021)),
    ),
    training={
        "batch_size": 64,
        "optimizer": "adamw",
        "lr": {None: 5e-3, "below": 3e-3, "above": 3e-3, "regressor": 5e-2},
        "schedule": "onecycle",
    },
    source="Romero et al. 2015, FitNets: Hints for Thin Deep Nets (arXiv 1412.6550)",
    claim="The mechanism: a stage of its own on what a teacher makes of a picture half-way, before the student is "
    "distilled.",
    caution="No gain in accuracy is claimed: after 200 steps of distillation it is smaller than its spread over seeds, "
    "and by hand a student that is distilled for 400 steps more instead of hinted is ahead (variant `longer`).",
    variants=(
        Variant(
            "longer",
            "the student without a hint is distilled for as many steps as hint and distillation take together",
            {"by gentle, strict steps 200": "by gentle, strict steps 600"},
        ),
    ),
)
