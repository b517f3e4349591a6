"""Tasks with a shared backbone, and new letters from one example each: gluing, data and judge of `few_shot.diagram`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import numpy as np

from learningdiagrams.data import host
from learningdiagrams.diagram import Diagram
from learningdiagrams.gluing import colimit
from learningdiagrams.glyphs import SIDE, glyphs
from learningdiagrams.language import load, loads
from learningdiagrams.regimes.base import Figure, Regime, Split

if TYPE_CHECKING:
    from learningdiagrams.compiled import Compiled

__all__ = ["REGIME", "glued"]

TASKS: Final = 5
LETTERS: Final = 200
STEPS: Final = 500
WAYS: Final = 5
QUERIES: Final = 5
EPISODES: Final = 60
_OWN: Final = ("object Sample", "data ", "noise ", "model head", "goal ")


def glued(text: str, tasks: int = TASKS) -> Diagram:
    """That many tasks, glued along their trunk.

    >>> five = glued(REGIME.path.read_text(encoding="utf-8"))
    >>> five.models, five.goals["name_5"].left
    (('trunk', 'head', 'head_2', 'head_3', 'head_4', 'head_5'), (picture_5 & jolt_5) >> move >> trunk >> head_5)
    """
    task = loads(text)
    trunk = loads("\n".join(line for line in text.splitlines() if not line.startswith(_OWN)))
    shared = {name: name for name in trunk.generators}
    whole = colimit([trunk, *[task] * tasks], [(0, i + 1, shared) for i in range(tasks)], name="FewShot").diagram
    whole.stage("learn", train=whole.models, by=whole.goals, steps=STEPS)
    return whole


def data(seed: int) -> Split:
    """Five times 200 Latin and Greek letters in twelve faces; the other scripts are for the judge."""
    found, drawn = glyphs(), np.random.default_rng(seed)
    known = np.array([script in ("LATIN", "GREEK") for script in found.scripts])
    order, rows = drawn.permutation(np.flatnonzero(known)), np.arange(LETTERS)
    train = {}
    for task in range(TASKS):
        end = f"_{task + 1}" if task else ""
        chosen = order[task * LETTERS : (task + 1) * LETTERS]
        train[f"picture{end}"] = found.pictures[:, chosen].reshape(-1, 1, SIDE, SIDE)
        train[f"letter{end}"] = np.tile(rows, len(found.faces))
    return Split(train, {}, {"new": found.pictures[:, ~known], "drawn": drawn})


def judge(compiled: Compiled, split: Split) -> Mapping[str, float]:
    """Five new letters, moved as in training, told apart from one picture of each: by a head trained on these five
    features, and by the nearest of them; the latter also in features of the untrained trunk and in pixels.
    """
    head = load(REGIME.path.parent / "few_shot_head.diagram")
    untrained = compiled.diagram.compile(compiled.backend, seed=compiled.seed)
    drawn, new = np.random.default_rng(compiled.seed), split.extra["new"]
    shown, answers = np.arange(WAYS), np.repeat(np.arange(WAYS), QUERIES)
    right: dict[str, list[float]] = {}
    for episode in range(EPISODES):
        letters = drawn.choice(new.shape[1], WAYS, replace=False)
        faces = np.stack([drawn.permutation(len(new))[: QUERIES + 1] for _ in letters])
        pictures = new[faces, letters[:, None]].reshape(WAYS, QUERIES + 1, 1, SIDE, SIDE)
        support, query = pictures[:, 0], pictures[:, 1:].reshape(-1, 1, SIDE, SIDE)
        both = np.concatenate((support, query))
        both = host(compiled.apply("move", both, drawn.random((len(both), 2), np.float32)))
        features = {
            "nearest": host(compiled.apply("trunk", both)),
            "untrained": host(untrained.apply("trunk", both)),
            "pixels": both.reshape(len(both), -1),
        }
        for name, found in features.items():
            distances = ((found[WAYS:, None] - found[None, :WAYS]) ** 2).sum(2)
            right.setdefault(name, []).append(float((distances.argmin(1) == answers).mean()))
        few, asked = features["nearest"][:WAYS], features["nearest"][WAYS:]
        learned = head.compile(compiled.backend, seed=episode)
        learned.fit({"feature": few, "letter": shown}, optimizer="adamw", lr=1e-2)
        scores = host(learned.apply("feature >> head", asked))
        right.setdefault("head", []).append(float((scores.argmax(1) == answers).mean()))
    return {name: float(np.mean(found)) for name, found in right.items()}


REGIME = Regime(
    name="few_shot",
    title="Few-shot letters: five tasks, one backbone",
    data=data,
    judge=judge,
    whole=glued,
    figures=(
        Figure("head", "5 new letters, one picture each: a new head's accuracy", least=0.88, by_hand=(0.932, 0.015)),
        Figure("nearest", "the nearest example in the trunk's features"),
        Figure("untrained", "the same in an untrained trunk's features", by_hand=(0.438,)),
        Figure("pixels", "the same in pixels", by_hand=(0.399,)),
    ),
    training={"batch_size": 20, "optimizer": "adam", "lr": 3e-3, "schedule": "cosine"},
    source="few-shot multi-task learning in Lary et al. 2025, DiagrammaticLearning (arXiv 2501.01515)",
    claim="A backbone that tells Latin and Greek letters apart does so for other scripts, given one picture of each.",
    caution="All are letters of one family of faces, so that what is new is not far away.",
)
