"""Letters in twelve faces with their Unicode names, which several regimes learn from, and how they are held out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from learningdiagrams.glyphs import SIDE, Glyphs, glyphs
from learningdiagrams.regimes.base import parted

__all__ = ["HELD_FACES", "HELD_LETTERS", "LONGEST", "Held", "held_out", "named", "vocabulary"]

HELD_LETTERS: Final = 200
HELD_FACES: Final = 2
LONGEST: Final = 10
"""Words of the longest name."""


@dataclass(frozen=True, eq=False)
class Held:
    """What one seed holds out: rows of letters and of faces."""

    glyphs: Glyphs
    letters: np.ndarray
    new_letters: np.ndarray
    faces: np.ndarray
    new_faces: np.ndarray

    def pictures(self, faces: np.ndarray, letters: np.ndarray) -> np.ndarray:
        """The pictures of these letters in these faces, letter by letter: (faces · letters, 1, 28, 28)."""
        chosen = self.glyphs.pictures[np.ix_(faces, letters)]
        return chosen.swapaxes(0, 1).reshape(-1, 1, SIDE, SIDE)


def held_out(seed: int) -> Held:
    """Letters and faces to train on, and 200 letters and 2 faces that are held out."""
    drawn, found = np.random.default_rng(seed), glyphs()
    letters = parted(len(found.letters), HELD_LETTERS, drawn)
    return Held(found, *letters, *parted(len(found.faces), HELD_FACES, drawn))


@lru_cache(maxsize=1)
def vocabulary() -> tuple[str, ...]:
    """All words of the letters' names, after the two signs for an end and for a start.

    >>> vocabulary()[:3], len(vocabulary())
    (('.', '^', 'A'), 307)
    """
    return (".", "^", *sorted({word for name in glyphs().names for word in name.split()}))


@lru_cache(maxsize=1)
def named() -> np.ndarray:
    """The letters' names as numbers of words, filled up with the sign for an end: (letters, 10)."""
    number = {word: i for i, word in enumerate(vocabulary())}
    rows = [[number[word] for word in name.split()] for name in glyphs().names]
    return np.array([row + [0] * (LONGEST - len(row)) for row in rows], np.int64)
