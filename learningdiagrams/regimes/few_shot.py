"""Tasks with a shared backbone, and new letters from a few examples: gluing, data and judge of `few_shot.diagram`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from learningdiagrams.data import host
from learningdiagrams.diagram import Diagram
from learningdiagrams.gluing import colimit
from learningdiagrams.glyphs import SIDE, glyphs
from learningdiagrams.language import load, loads
from learningdiagrams.regimes.base import Arrays, Figure, Regime, Split
from learningdiagrams.regimes.episodes import Episode, episodes, known_letters, nearest, shots

if TYPE_CHECKING:
    from learningdiagrams.compiled import Compiled

__all__ = ["REGIME", "data", "glued", "whole_tasks"]

TASKS: Final = 49
LETTERS: Final = 20
AT_ONCE: Final = 5
"""Tasks in a batch."""
STEPS: Final = 350
EPISODES: Final = 40
"""To judge by, of each kind; half as many for the trunks that start afresh, which take longest."""
_OWN: Final = ("object Sample", "data ", "noise ", "model head", "goal ")


def _end(task: int) -> str:
    """What gluing adds to the names of a task."""
    return f"_{task + 1}" if task else ""


def glued(text: str, tasks: int = TASKS) -> Diagram:
    """That many tasks, glued along their trunk.

    >>> five = glued(REGIME.path.read_text(encoding="utf-8"), 5)
    >>> five.models, five.goals["name_5"].left
    (('trunk', 'head', 'head_2', 'head_3', 'head_4', 'head_5'), (picture_5 & jolt_5) >> move >> trunk >> head_5)
    """
    task = loads(text)
    trunk = loads("\n".join(line for line in text.splitlines() if not line.startswith(_OWN)))
    shared = {name: name for name in trunk.generators}
    whole = colimit([trunk, *[task] * tasks], [(0, i + 1, shared) for i in range(tasks)], name="FewShot").diagram
    whole.stage("learn", train=whole.models, by=whole.goals, steps=STEPS)
    return whole


def data(seed: int, tasks: int = TASKS) -> Split:
    """Many times twenty Latin and Greek letters in twelve faces, face by face; the other scripts are for the judge."""
    found, train = glyphs(), Arrays()
    order = np.random.default_rng(seed).permutation(np.flatnonzero(known_letters()))
    for task in range(tasks):
        chosen = order[task * LETTERS : (task + 1) * LETTERS]
        train[f"picture{_end(task)}"] = found.pictures[:, chosen].reshape(-1, 1, SIDE, SIDE)
        train[f"letter{_end(task)}"] = np.tile(np.arange(LETTERS), len(found.faces))
    return Split(train, {})


def whole_tasks(_: int, drawn: np.random.Generator) -> Iterator[dict[str, np.ndarray]]:
    """The batches of an epoch: five tasks, with each of their letters in one face. The same five stay together, so that
    there are few kinds of batches to compile.
    """
    for first in drawn.permutation(np.arange(0, TASKS, AT_ONCE)):
        faces = drawn.integers(0, len(glyphs().faces), (AT_ONCE, LETTERS))
        rows = faces * LETTERS + np.arange(LETTERS)
        yield {f"Sample{_end(task)}": rows[task - first] for task in range(first, min(first + AT_ONCE, TASKS))}


def judge(compiled: Compiled, split: Split) -> Mapping[str, float]:
    """Five new letters, moved as in training, told apart from one picture of each or from five: by a new head on the
    trunk, by the nearest prototype in its features, and by a trunk and a head that start afresh.
    """

    def seen(pictures: np.ndarray) -> np.ndarray:
        return host(compiled.apply("trunk", pictures))

    head = _learner(compiled, "few_shot_head", "feature >> head", optimizer="adamw", lr=1e-2)
    fresh = _learner(compiled, "few_shot_scratch", "picture >> trunk >> head", optimizer="adam", lr=1e-3)
    number = 1 if "quick" in split.extra else EPISODES
    right: dict[str, list[float]] = {}
    for word, count in (("one", 1), ("five", 5)):
        asked = episodes(compiled.seed, lambda x, u: host(compiled.apply("move", x, u)), number, shots=count)
        for i, episode in enumerate(asked):
            found = {"head": head(episode, seen), "nearest": nearest(episode, seen)}
            if i < (number + 1) // 2:
                found["scratch"] = fresh(episode, lambda pictures: pictures)
            for name, value in found.items():
                right.setdefault(f"{name}_{word}", []).append(value)
    figures = {name: float(np.mean(values)) for name, values in right.items()}
    return {**figures, "gain": figures["head_one"] - figures["scratch_one"]}


def _learner(compiled: Compiled, file: str, says: str, **training: Any) -> Any:
    """A function that learns an episode's letters from what is shown, and tells how often it is right."""
    learned = load(REGIME.path.parent / f"{file}.diagram").compile(compiled.backend, seed=compiled.seed)
    first, start = says.split(" >> ")[0], learned.parameters()

    def accuracy(episode: Episode, see: Any) -> float:
        pictures, letters = shots(episode)
        learned.load_parameters(start)
        learned.fit({first: see(pictures), "letter": letters}, **training)
        scores = host(learned.apply(says, see(episode.asked)))
        return float((scores.argmax(1) == episode.answers).mean())

    return accuracy


REGIME = Regime(
    name="few_shot",
    title="Few-shot letters: many tasks, one backbone",
    data=data,
    judge=judge,
    whole=glued,
    figures=(
        Figure("head_one", "5 new letters, one picture of each: a new head", least=0.88, by_hand=(0.932, 0.015)),
        Figure("scratch_one", "a trunk and a head that start afresh", by_hand=(0.671, 0.064)),
        Figure("gain", "head minus afresh", least=0.12, by_hand=(0.261,)),
        Figure("nearest_one", "the nearest picture in the trunk's features"),
        Figure("head_five", "five pictures of each: a new head", least=0.98, by_hand=(0.990,)),
        Figure("scratch_five", "a trunk and a head that start afresh", by_hand=(0.968, 0.025)),
        Figure("nearest_five", "the nearest prototype in the trunk's features"),
    ),
    training={
        "optimizer": "adam",
        "lr": {None: 3e-3, **{f"head{_end(task)}": 9e-3 for task in range(TASKS)}},
        "schedule": "cosine",
        "sampler": whole_tasks,
    },
    source="few-shot multi-task learning in Lary et al. 2025, DiagrammaticLearning (arXiv 2501.01515)",
    claim="A backbone that many tasks share tells letters of other scripts apart, given one picture of each.",
    caution="All are letters of one family of faces, so that what is new is not far away. With five pictures of each "
    "letter a trunk that starts afresh is nearly as good: only one picture shows that something is carried over.",
)
