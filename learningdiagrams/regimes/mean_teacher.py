"""A mean teacher with 50 labels: data and judge of `mean_teacher.diagram`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from learningdiagrams.regimes.base import Figure, Regime, Split
from learningdiagrams.regimes.digits import balanced, digits

if TYPE_CHECKING:
    from learningdiagrams.compiled import Compiled

__all__ = ["REGIME"]


def data(seed: int) -> Split:
    """All digits, and five of each class with their labels."""
    image, digit, test, answer = digits(seed)
    image, test = image.reshape(-1, 1, 8, 8), test.reshape(-1, 1, 8, 8)
    few = balanced(digit, 5)
    return Split(
        {"image": image, "digit": digit, "few": image[few], "label": digit[few]}, {"image": test, "digit": answer}
    )


def judge(compiled: Compiled, split: Split) -> Mapping[str, float]:
    """Test accuracies of the four maps, and what the teacher is ahead of the supervised map's own average."""
    found = compiled.evaluate(split.test)
    figures = {name: found[f"{name}_accuracy"] for name in ("alone", "average", "student", "teacher")}
    return {**figures, "gain": figures["teacher"] - figures["average"]}


REGIME = Regime(
    name="mean_teacher",
    title="Mean teacher with few labels",
    data=data,
    judge=judge,
    figures=(
        Figure("alone", "supervised, 50 labels: test accuracy", by_hand=(0.860, 0.021)),
        Figure("average", "its own moving average", by_hand=(0.871,)),
        Figure("student", "student of a mean teacher"),
        Figure("teacher", "mean teacher", by_hand=(0.886, 0.018)),
        Figure("gain", "mean teacher minus the supervised map's average", by_hand=(0.016, 0.013)),
    ),
    training={"batch_size": 128, "optimizer": "adam", "lr": 2e-3},
    source="Tarvainen and Valpola 2017, Mean teachers are better role models",
    claim="The mechanism: a model that follows another, receives no gradient, and teaches it.",
    caution="No gain in accuracy is claimed: on these digits most of it comes from averaging alone, and what is left "
    "is about as large as its spread.",
)
