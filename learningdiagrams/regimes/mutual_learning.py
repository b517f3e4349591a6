"""Three students that teach each other: gluing, data and judge of `mutual_learning.diagram`."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import permutations
from statistics import mean
from typing import TYPE_CHECKING, Final

from learningdiagrams.diagram import Diagram
from learningdiagrams.gluing import colimit
from learningdiagrams.language import loads
from learningdiagrams.regimes.base import Figure, Regime, Split, Variant
from learningdiagrams.regimes.digits import balanced, digits

if TYPE_CHECKING:
    from learningdiagrams.compiled import Compiled

__all__ = ["REGIME", "glued"]

STUDENTS: Final = 3
STEPS: Final = 1000
_PEER: Final = ("model peer ", "goal agree ")


def glued(text: str, students: int = STUDENTS) -> Diagram:
    """That many students, each of which agrees with each other: one colimit of single students and of pairs.

    >>> three = glued(REGIME.path.read_text(encoding="utf-8"))
    >>> three.models, len(three.goals), three.goals["agree_6"].left
    (('student', 'student_2', 'student_3'), 9, image >> student_3)
    """
    pair = loads(text)
    alone = loads("\n".join(line for line in text.splitlines() if not line.startswith(_PEER)))
    shared = {"student": "student", "lesson": "lesson", "accuracy": "accuracy"}
    parts, arrows = [alone] * students, []
    for one, other in permutations(range(students), 2):
        arrows += [(one, len(parts), shared), (other, len(parts), {"student": "peer"})]
        parts.append(pair)
    whole = colimit(parts, arrows, name="MutualLearning").diagram
    whole.stage("learn", train=whole.models, by=whole.goals, steps=STEPS)
    return whole


def data(seed: int) -> Split:
    """All digits, and five of each class with their labels."""
    image, digit, test, answer = digits(seed)
    few = balanced(digit, 5)
    return Split(
        {"image": image, "digit": digit, "few": image[few], "label": digit[few]}, {"image": test, "digit": answer}
    )


def judge(compiled: Compiled, split: Split) -> Mapping[str, float]:
    """The students' mean accuracy, and how far they are from agreeing, on test pictures."""
    found = compiled.evaluate(split.test)
    return {
        "students": mean(value for name, value in found.items() if name.startswith("accuracy")),
        "agree": mean(value for name, value in found.items() if name.startswith("agree")),
    }


REGIME = Regime(
    name="mutual_learning",
    title="Deep mutual learning: three students, 50 labels",
    data=data,
    judge=judge,
    whole=glued,
    figures=(
        Figure("students", "mean test accuracy of the students", by_hand=(0.829, 0.037)),
        Figure("agree", "mean divergence of a student from a peer"),
    ),
    training={"batch_size": 64, "optimizer": "adamw", "lr": 3e-3, "schedule": "onecycle"},
    source="Zhang, Xiang, Hospedales and Lu 2018, Deep Mutual Learning (arXiv 1706.00384)",
    claim="A regime of any number of students is one colimit of a single pair.",
    caution=(
        "No gain in accuracy is claimed: by hand it is 0.007, a fifth of the spread over seeds. In `check` each "
        "agreement follows from its converse, as an equation; in training they move different students."
    ),
    variants=(Variant("alone", "the same students without their peers", {"by kl train": "by kl weight 0 train"}),),
)
