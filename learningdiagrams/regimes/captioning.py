"""Letters and the words of their names: data and judge of `captioning.diagram`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from learningdiagrams.data import host
from learningdiagrams.regimes.base import Arrays, Figure, Regime, Split, Variant
from learningdiagrams.regimes.letters import LONGEST, Held, held_out, named, vocabulary
from learningdiagrams.regimes.sheets import Sheet

if TYPE_CHECKING:
    from learningdiagrams.compiled import Compiled

__all__ = ["REGIME", "captions"]

END, START = 0, 1


def _rows(held: Held, faces: np.ndarray, letters: np.ndarray) -> Arrays:
    """Pictures, and their names one word late and on time."""
    names = np.repeat(named()[letters], len(faces), 0)
    side = np.full((len(names), 1), START)
    return {
        "picture": held.pictures(faces, letters),
        "before": np.concatenate((side, names), 1),
        "after": np.concatenate((names, np.full_like(side, END)), 1),
    }


def data(seed: int) -> Split:
    """Each letter in ten faces with its name; in `test` letters of the training in the faces held out."""
    held = held_out(seed)
    return Split(_rows(held, held.faces, held.letters), _rows(held, held.new_faces, held.letters), {"held": held})


def judge(compiled: Compiled, split: Split) -> Mapping[str, float]:
    """The share of words that are right given the true words before, and of names right to the end.

    A name is generated right, word by word, exactly where every word is right given the true ones before.
    """
    held = split.extra["held"]
    found: dict[str, float] = {}
    for name, rows in (
        ("faces", split.test),
        ("letters", _rows(held, held.faces, held.new_letters)),
        ("both", _rows(held, held.new_faces, held.new_letters)),
    ):
        right, said = [], []
        for start in range(0, len(rows["picture"]), 512):
            part = {key: value[start : start + 512] for key, value in rows.items()}
            scores = host(compiled.apply("(before >> word & picture >> see) >> say", part))
            right.append(scores.argmax(-1) == part["after"])
            # Up to and with the first end; what comes after it is no word.
            said.append(np.cumsum(part["after"] == END, 1) - (part["after"] == END) == 0)
        all_right, all_said = np.concatenate(right), np.concatenate(said)
        found[f"{name}_words"] = float(all_right[all_said].mean())
        found[f"{name}_exact"] = float((all_right | ~all_said).all(1).mean())
    return found


def captions(compiled: Compiled, pictures: np.ndarray) -> list[str]:
    """What is said of pictures, (n, 1, 28, 28): the likeliest word after each word, up to the first end."""
    words = np.full((len(pictures), LONGEST + 1), END)
    words[:, 0] = START
    state = compiled.apply("see", pictures)
    for place in range(LONGEST):
        scores = host(compiled.apply("(word @ id(State)) >> say", words, state))
        words[:, place + 1] = scores[:, place].argmax(-1)
    known = vocabulary()
    return [" ".join(known[i] for i in row[: (*row, END).index(END)]) for row in words[:, 1:].tolist()]


def sheet(compiled: Compiled, split: Split) -> Sheet:
    """Ten letters that were held out, in a face that was held out, each with what is said of it."""
    held = split.extra["held"]
    letters = np.sort(held.new_letters)[::20]
    pictures = held.pictures(held.new_faces[:1], letters)
    said = captions(compiled, pictures)
    right = [words == held.glyphs.names[i] for words, i in zip(said, letters, strict=True)]
    return Sheet(pictures[:, 0], said, right, columns=5)


REGIME = Regime(
    name="captioning",
    title="Captioning: letters and the words of their names",
    data=data,
    judge=judge,
    sheet=sheet,
    figures=(
        Figure("faces_words", "faces held out: words right", least=0.94, by_hand=(0.948, 0.002)),
        Figure("faces_exact", "whole names right", least=0.62, by_hand=(0.674, 0.017)),
        Figure("letters_words", "letters held out: words right", least=0.79, by_hand=(0.830, 0.015)),
        Figure("letters_exact", "whole names right", least=0.16, by_hand=(0.217, 0.021)),
        Figure("both_words", "both held out: words right", by_hand=(0.816,)),
        Figure("both_exact", "whole names right", by_hand=(0.178,)),
    ),
    training={"batch_size": 128, "optimizer": "adamw", "lr": 4e-3, "schedule": "onecycle"},
    source="Vinyals, Toshev, Bengio and Erhan 2015, Show and Tell (arXiv 1411.4555)",
    claim="An image encoder and a language decoder, trained together, name letters in faces they never saw, and some "
    "letters they never saw.",
    caution=(
        "Faces held out have close siblings among those trained on; most letters held out have names of known words. "
        "How much the words alone give away is what the variant `blind` says."
    ),
    variants=(
        Variant(
            "blind",
            "a decoder that sees nothing: what names give away without a picture",
            {
                'sequential(conv(1, 16, 32, 32, stride=(2, 1, 1), pool=(1, 2, 2), norm="batch"), flatten, '
                "linear(288, 128), tanh)": "constant(0, shape=128)"
            },
        ),
    ),
)
