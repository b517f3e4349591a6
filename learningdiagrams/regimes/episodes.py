"""Episodes, by which several regimes are judged: a few new letters, told apart from one or five pictures of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

import numpy as np

from learningdiagrams.glyphs import SIDE, glyphs

__all__ = ["KNOWN", "QUERIES", "WAYS", "Episode", "episodes", "known_letters", "nearest", "new_pictures", "shots"]

WAYS: Final = 5
QUERIES: Final = 5
KNOWN: Final = ("LATIN", "GREEK")
"""The scripts whose letters are trained on; letters of the others are new."""


class Episode(NamedTuple):
    """Pictures of some new letters.

    Attributes:
        shown: (letters, shots, 1, 28, 28).
        asked: (letters · queries, 1, 28, 28), letter by letter, in other faces than those shown.
        answers: (letters · queries,), which of the letters each is.
    """

    shown: np.ndarray
    asked: np.ndarray
    answers: np.ndarray


def known_letters() -> np.ndarray:
    """Of each letter, whether it is of a script that is trained on."""
    return np.array([script in KNOWN for script in glyphs().scripts])


def new_pictures() -> np.ndarray:
    """All pictures of the letters that are new, (faces, letters, 28, 28)."""
    return glyphs().pictures[:, ~known_letters()]


def episodes(
    seed: int, move: Callable[[np.ndarray, np.ndarray], np.ndarray], count: int, shots: int = 1, ways: int = WAYS
) -> Iterator[Episode]:
    """Episodes of new letters, drawn by the seed, in faces that differ within each letter.

    Args:
        move: moves pictures (n, 1, 28, 28) as in training, by two numbers in [0, 1) each.
    """
    drawn, new = np.random.default_rng((seed, shots, ways)), new_pictures()
    answers = np.repeat(np.arange(ways), QUERIES)
    for _ in range(count):
        letters = drawn.choice(new.shape[1], ways, replace=False)
        faces = np.stack([drawn.permutation(len(new))[: QUERIES + shots] for _ in letters])
        pictures = new[faces, letters[:, None]].reshape(-1, 1, SIDE, SIDE)
        moved = move(pictures, drawn.random((len(pictures), 2), np.float32))
        moved = moved.reshape(ways, QUERIES + shots, 1, SIDE, SIDE)
        yield Episode(moved[:, :shots], moved[:, shots:].reshape(-1, 1, SIDE, SIDE), answers)


def shots(episode: Episode) -> tuple[np.ndarray, np.ndarray]:
    """The pictures shown, one after the other, and which of the letters each is."""
    ways, each = episode.shown.shape[:2]
    return episode.shown.reshape(-1, 1, SIDE, SIDE), np.repeat(np.arange(ways), each)


def nearest(episode: Episode, features: Callable[[np.ndarray], np.ndarray]) -> float:
    """How often the nearest prototype is the right one: the mean of a letter's features, of those that are shown."""
    pictures, _ = shots(episode)
    prototypes = features(pictures).reshape(*episode.shown.shape[:2], -1).mean(1)
    distances = ((features(episode.asked)[:, None] - prototypes) ** 2).sum(2)
    return float((distances.argmin(1) == episode.answers).mean())
