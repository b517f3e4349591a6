"""Letters and their names in one space: data and judge of `clip.diagram`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from learningdiagrams.data import host
from learningdiagrams.regimes.base import Figure, Regime, Split
from learningdiagrams.regimes.letters import HELD_LETTERS, held_out, named

if TYPE_CHECKING:
    from learningdiagrams.compiled import Compiled

__all__ = ["REGIME"]


def data(seed: int) -> Split:
    """Each letter in ten faces with its name; in `test` the letters of the training in one of the faces held out."""
    held = held_out(seed)
    train = {
        "picture": held.pictures(held.faces, held.letters),
        "name": np.repeat(named()[held.letters], len(held.faces), 0),
    }
    one = held.new_faces[:1]
    test = {"picture": held.pictures(one, held.letters), "name": named()[held.letters]}
    return Split(train, test, {"held": held})


def judge(compiled: Compiled, split: Split) -> Mapping[str, float]:
    """How often the right name is the nearest of all names, or one of the five nearest, to a picture."""
    held = split.extra["held"]

    def points(morphism: str, values: np.ndarray) -> np.ndarray:
        found = [host(compiled.apply(morphism, values[i : i + 512])) for i in range(0, len(values), 512)]
        made = np.concatenate(found)
        return made / np.linalg.norm(made, axis=1, keepdims=True)

    def ranks(faces: np.ndarray, letters: np.ndarray, names: np.ndarray) -> np.ndarray:
        """How many of the names are nearer to each picture than its own."""
        own = np.repeat(np.searchsorted(names, letters), len(faces))
        near = points("see", held.pictures(faces, letters)) @ points("word >> read", named()[names]).T
        return (near > np.take_along_axis(near, own[:, None], 1)).sum(1)

    everything = np.arange(len(held.glyphs.letters))
    faces = ranks(held.new_faces, held.letters, everything)
    letters = ranks(held.faces, np.sort(held.new_letters), np.sort(held.new_letters))
    return {
        "faces_1": float((faces < 1).mean()),
        "faces_5": float((faces < 5).mean()),
        "letters_1": float((letters < 1).mean()),
        "letters_5": float((letters < 5).mean()),
    }


REGIME = Regime(
    name="clip",
    title="CLIP: letters and their names in one space",
    data=data,
    judge=judge,
    figures=(
        Figure("faces_1", "faces held out: its name is nearest of all", least=0.84, by_hand=(0.869, 0.011)),
        Figure("faces_5", "among the five nearest", least=0.985, by_hand=(0.995,)),
        Figure(
            "letters_1", f"letters held out: its name is nearest of {HELD_LETTERS}", least=0.57, by_hand=(0.724, 0.057)
        ),
        Figure("letters_5", "among the five nearest", least=0.72, by_hand=(0.841, 0.045)),
    ),
    training={"batch_size": 128, "optimizer": "adamw", "lr": 4e-3, "schedule": "onecycle"},
    source="Radford et al. 2021, Learning Transferable Visual Models From Natural Language Supervision (arXiv "
    "2103.00020)",
    claim="Pictures and names that were never paired in training find each other: letters never seen by names of known "
    "words, faces never seen by their likeness.",
    caution=(
        "Faces held out have close siblings among those trained on. Most names of letters held out are made of words "
        "that occur in training; the others cannot be found but by chance. The temperature is fixed, not learned."
    ),
)
