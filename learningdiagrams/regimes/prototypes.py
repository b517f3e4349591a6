"""Prototypical networks: episodes, data and judge of `prototypes.diagram`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

import numpy as np

from learningdiagrams.data import host
from learningdiagrams.glyphs import SIDE, glyphs
from learningdiagrams.regimes.base import Arrays, Figure, Regime, Split
from learningdiagrams.regimes.episodes import episodes, known_letters, nearest

if TYPE_CHECKING:
    from learningdiagrams.compiled import Compiled

__all__ = ["REGIME"]

LETTERS: Final = 20
"""Of an episode in training."""
EPISODES: Final = 100
"""To judge by, of each kind."""


def data(seed: int) -> Split:
    """Latin and Greek letters: a row for each letter and face, with four other faces of it to ask for."""
    found, drawn = glyphs(), np.random.default_rng(seed)
    letters, faces = np.flatnonzero(known_letters()), len(found.faces)
    letter, shown = np.divmod(np.arange(len(letters) * faces), faces)
    further = drawn.permuted(np.tile(np.arange(1, faces), (len(letter), 1)), axis=1)[:, :4]
    train: Arrays = {}
    for name, face in zip(("shown", *(f"asked{k}" for k in range(1, 5))), (shown, *(shown + further.T)), strict=True):
        train[name] = found.pictures[face % faces, letters[letter]].reshape(-1, 1, SIDE, SIDE)
    return Split(train, {})


def twenty_letters(_: int, drawn: np.random.Generator) -> Iterator[np.ndarray]:
    """The episodes of an epoch: every letter in one of its faces, twenty different letters at a time."""
    faces = len(glyphs().faces)
    letters = drawn.permutation(int(known_letters().sum()))
    rows = letters * faces + drawn.integers(0, faces, len(letters))
    for start in range(0, len(rows) - LETTERS + 1, LETTERS):
        yield rows[start : start + LETTERS]


def judge(compiled: Compiled, split: Split) -> Mapping[str, float]:
    """How often the nearest prototype is the right one, among new letters, moved as in training: in the trunk's
    features, in those of an untrained trunk, and in pixels.
    """
    untrained = compiled.diagram.compile(compiled.backend, seed=compiled.seed)
    features = {
        "": lambda x: host(compiled.apply("trunk", x)),
        "untrained_": lambda x: host(untrained.apply("trunk", x)),
        "pixels_": lambda x: x.reshape(len(x), -1),
    }
    number = 1 if "quick" in split.extra else EPISODES
    right: dict[str, list[float]] = {}
    for kind, shots, ways in (("one", 1, 5), ("five", 5, 5), ("twenty", 1, 20)):
        for episode in episodes(
            compiled.seed, lambda x, u: host(compiled.apply("move", x, u)), number, shots=shots, ways=ways
        ):
            for name in features if kind == "one" else ("", "pixels_"):
                right.setdefault(name + kind, []).append(nearest(episode, features[name]))
    return {name: float(np.mean(values)) for name, values in right.items()}


REGIME = Regime(
    name="prototypes",
    title="Prototypical networks, by episodes",
    data=data,
    judge=judge,
    figures=(
        Figure("one", "5 new letters, one picture of each: accuracy", least=0.93, by_hand=(0.958, 0.009)),
        Figure("five", "five pictures of each", least=0.98, by_hand=(0.993,)),
        Figure("twenty", "20 new letters, one picture of each", by_hand=(0.888,)),
        Figure("untrained_one", "5 letters, one picture, untrained trunk", by_hand=(0.438,)),
        Figure("pixels_one", "the same in pixels", by_hand=(0.399,)),
        Figure("pixels_twenty", "20 letters, one picture, in pixels", by_hand=(0.236,)),
    ),
    training={"optimizer": "adam", "lr": 2e-3, "schedule": "cosine", "sampler": twenty_letters},
    source="Snell, Swersky and Zemel 2017, Prototypical Networks for Few-shot Learning (arXiv 1703.05175)",
    claim="A backbone trained on episodes of Latin and Greek letters tells letters of other scripts apart, given one "
    "picture of each.",
    caution="All are letters of one family of faces, so that what is new is not far away.",
)
