"""Knowledge distillation with few labels: data and judge of `distillation.diagram`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from learningdiagrams.diagram import Diagram
from learningdiagrams.gluing import colimit
from learningdiagrams.language import loads
from learningdiagrams.regimes.base import Figure, Regime, Split, Variant
from learningdiagrams.regimes.digits import digits

if TYPE_CHECKING:
    from learningdiagrams.compiled import Compiled

__all__ = ["REGIME", "taught"]

LABELS: Final = 50
TEACHERS: Final = 3


def taught(text: str, teachers: int = TEACHERS) -> Diagram:
    """One student and that many teachers: copies of the diagram, glued along all of it but the teacher.

    >>> three = taught(REGIME.text("teachers"))
    >>> three.models[2:], three.goals["soft_3"].right, three.stages["distil"].by
    (('teacher', 'teacher_2', 'teacher_3'), image >> teacher_3, ('hard', 'soft', 'soft_2', 'soft_3'))
    """
    lines = [line for line in text.splitlines() if not line.startswith(("stage", "#"))]
    one, pupil = loads("\n".join(lines)), loads("\n".join(line for line in lines if "teacher" not in line))
    shared = {name: name for name in (*pupil.generators, *pupil.goals, *pupil.measures)}
    whole = colimit([pupil, *[one] * teachers], [(0, i + 1, shared) for i in range(teachers)], name="Teachers").diagram
    lessons, soft = ([name for name in whole.goals if name.startswith(word)] for word in ("lesson", "soft"))
    whole.stage("teach", train=[name for name in whole.models if name.startswith("teacher")], by=lessons, epochs=30)
    whole.stage("distil", train=["student"], by=["hard", *soft], steps=1000)
    whole.stage("solo", train=["alone"], by=["labels"], steps=1000)
    return whole


def data(seed: int) -> Split:
    """All digits with their classes for the teacher, 50 for the student."""
    image, digit, test, answer = digits(seed)
    few = {"few": image[:LABELS], "fewdigit": digit[:LABELS]}
    return Split({"image": image, "digit": digit, **few}, {"image": test, "digit": answer})


def judge(compiled: Compiled, split: Split) -> Mapping[str, float]:
    """Test accuracies, and what the student gains by its teacher."""
    found = compiled.evaluate(split.test)
    figures = {name: found[f"{name}_accuracy"] for name in ("teacher", "alone", "student")}
    return {**figures, "gain": figures["student"] - figures["alone"]}


REGIME = Regime(
    name="distillation",
    title=f"Knowledge distillation, {LABELS} labels for the student",
    data=data,
    judge=judge,
    figures=(
        Figure("teacher", "teacher: test accuracy", by_hand=(0.988, 0.005)),
        Figure("alone", "student alone: test accuracy", by_hand=(0.823, 0.028)),
        Figure("student", "student distilled: test accuracy", least=0.945, by_hand=(0.962, 0.007)),
        Figure("gain", "distilled minus alone", least=0.06, by_hand=(0.139,)),
    ),
    training={"batch_size": 64, "optimizer": "adamw", "lr": 3e-3, "schedule": "onecycle"},
    source="Hinton, Vinyals and Dean 2015, Distilling the Knowledge in a Neural Network (arXiv 1503.02531)",
    claim="A student with 50 labels comes close to a teacher that saw all of them, by agreeing with it on all images.",
    caution=(
        "The gain is label information that reaches the unlabelled images through the teacher; a student that sees "
        "every label itself gains nothing."
    ),
    variants=(
        Variant(
            "all-labels",
            "a student of 4 hidden units that sees every label itself: its teacher is of no use to it",
            {
                "student  : Image -> Logits = mlp(64, 64, 10)": "student  : Image -> Logits = mlp(64, 4, 10)",
                "alone    : Image -> Logits = mlp(64, 64, 10)": "alone    : Image -> Logits = mlp(64, 4, 10)",
                "few >> student   = fewdigit": "image >> student = digit",
                "few >> alone     = fewdigit": "image >> alone = digit",
            },
            shows=("alone", "student", "gain"),
        ),
        Variant(
            "teachers",
            "three teachers, a third of the weight each: one colimit of three copies along the student",
            {"weight 0.9": "weight 0.3"},
            whole=taught,
        ),
    ),
)
