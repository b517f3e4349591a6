"""A lens on digits and their classes: data and judge of `manipulator.diagram`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from learningdiagrams.data import host
from learningdiagrams.regimes.base import Figure, Regime, Split, Variant
from learningdiagrams.regimes.digits import balanced, digits
from learningdiagrams.regimes.sheets import Sheet

if TYPE_CHECKING:
    from learningdiagrams.compiled import Compiled

__all__ = ["REGIME"]

_ONE_HOT = np.eye(10, dtype=np.float32)


def data(seed: int) -> Split:
    """Digits and their classes, these as rows of zeros and a one: `put` takes them as they are."""
    image, label, test, answer = digits(seed)
    return Split({"image": image, "label": _ONE_HOT[label]}, {"image": test, "label": _ONE_HOT[answer]})


def judge(compiled: Compiled, split: Split) -> Mapping[str, float]:
    """How well `get` reads and `put` writes, judged by `get` itself and by a classifier of its own, and two laws."""
    found = compiled.evaluate(split.test)
    return {
        "reads": found["reads"],
        "judged": found["judged"],
        "getput": math.sqrt(found["getput"]),
        "undo": math.sqrt(found["undo"]),
        "own": found["own"],
    }


def sheet(compiled: Compiled, split: Split) -> Sheet:
    """Five digits, each as it is and changed to every class; under these what an independent classifier reads."""
    some = balanced(split.test["label"].argmax(1), 1)[::2]
    image, asked = np.repeat(split.test["image"][some], 10, 0), np.tile(_ONE_HOT, (5, 1))
    changed = host(compiled.apply("put", image, asked))
    read = host(compiled.apply("judge", changed)).argmax(1)
    pictures = np.concatenate((image[::10, None], changed.reshape(5, 10, 64)), 1).reshape(-1, 8, 8)
    words = [word for row in read.reshape(5, 10) for word in ("given", *map(str, row))]
    right = [fit for row in (read == asked.argmax(1)).reshape(5, 10) for fit in (True, *map(bool, row))]
    return Sheet(pictures, words, right, columns=11, cell=92)


_CLEAN = {
    "(image & grain) >> plus >> get = label": "image >> get = label",
    "((image & asked) >> put & grain) >> plus >> get = asked": "(image & asked) >> put >> get = asked",
}

REGIME = Regime(
    name="manipulator",
    title="Manipulator: a lens on digits and their classes",
    data=data,
    judge=judge,
    sheet=sheet,
    figures=(
        Figure("reads", "get reads the class: test accuracy", least=0.95, by_hand=(0.974, 0.010)),
        Figure("judged", "an independent classifier finds the class asked for", least=0.985, by_hand=(0.999, 0.001)),
        Figure("getput", "GetPut: RMS error", most=0.105, by_hand=(0.097,)),
        Figure("undo", "Undo: RMS error", most=0.135, by_hand=(0.124,)),
        Figure("own", "get finds the class asked for (PutGet, judged by its own get)", by_hand=(1.000,)),
    ),
    training={"batch_size": 128, "optimizer": "adam", "lr": 5e-3, "schedule": "onecycle"},
    source=(
        "the manipulator of Rodatz et al. 2025, A Pattern Language for Machine Learning Tasks (arXiv 2407.02424); the "
        "laws are those of lenses, Foster et al. 2007, Combinators for Bidirectional Tree Transformations"
    ),
    claim="One map reads the class of a digit, another writes it, and writing back what was read changes little.",
    caution=(
        "PutGet judged by its own get proves nothing: without the grain before `get` it holds just as well, and an "
        "independent classifier often does not find the class. The laws do not say which of all pictures of the class "
        "asked for is the right one."
    ),
    variants=(
        Variant("no-grain", "without the grain before `get`, `put` finds pictures that only `get` reads so", _CLEAN),
        Variant(
            "collusion",
            "nor do the laws leave `get` alone: get and put make up a language of their own",
            {
                **_CLEAN,
                "by cross_entropy train put": "by cross_entropy",
                "on image by mse weight 10 train put": "on image by mse weight 10",
                "on image & asked by mse weight 10 train put": "on image & asked by mse weight 10",
            },
        ),
        Variant(
            "putget-only",
            "without GetPut and Undo any picture of the class will do, so that the one that was there is lost",
            {"by classify, putget, getput, undo": "by classify, putget"},
        ),
        Variant(
            "putput",
            "with PutPut as a law, Undo follows from it and GetPut: `check` proves it",
            {
                "goal lesson ": (
                    "law putput : (put @ id(Class)) >> put = (proj(Image * Class * Class, 0) & "
                    "proj(Image * Class * Class, 2)) >> put\ngoal lesson "
                )
            },
        ),
    ),
)
