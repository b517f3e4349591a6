"""What an edit of a compiled diagram costs: 100 and 1000 generators, on both backends.

By hand one would compile the changed diagram anew and copy the numbers in. That is what an edit is measured against:
its functor, its checks and what it says of the numbers are what it costs beyond. Beside it stand the edit of the
diagram alone, its undo, and the first gradient after it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import learningdiagrams as ld
from benchmarks.pairs import Row, paired, timed
from learningdiagrams.editing import Edit, edit, freeze, insert, remove, rename

MOST = 4.0
COUNTS = (100, 1000)
EDITS: dict[str, Edit] = {
    "freeze a model": freeze("head0"),
    "insert an adapter": insert("model adapter : Feature -> Feature = linear(8, 8)", after="backbone"),
    "remove a goal": remove("near0"),
    "rename a model": rename({"backbone": "trunk"}),
}


def star(count: int) -> ld.Diagram:
    """One backbone under heads, each with a target and a goal: `count` generators."""
    d = ld.Diagram("Star")
    sample, image, feature = d.object("Sample"), d.object("Image", shape=(8,)), d.object("Feature", shape=(8,))
    backbone = d.data("pixels", sample, image) >> d.model("backbone", image, feature, "linear(8, 8)")
    for k in range((count - 2) // 2):
        side = backbone >> d.model(f"head{k}", feature, feature, "linear(8, 8)")
        d.goal(f"near{k}", side, d.data(f"target{k}", sample, feature))
    return d


def by_hand(diagram: ld.Diagram, old: Any, names: dict[str, str]) -> Any:
    """The diagram after the edit compiled anew, with the numbers of the one before; `names` are new -> old."""
    made = diagram.compile(old.backend)
    numbers = old.parameters()
    made.load_parameters(
        {name: numbers[names.get(name, name)] for name in made.parameters() if names.get(name, name) in numbers}
    )
    return made


def rows() -> Iterator[Row]:
    for count in COUNTS:
        d = star(count)
        e = EDITS["freeze a model"]
        rounds = 12 if count < 1000 else 3
        alone = timed(lambda d=d, e=e: edit(d, e), rounds=rounds)
        yield Row(f"freeze a model of {count} generators, the diagram alone", alone * 1e3, "ms")
        back = timed(lambda d=d, e=e: edit(d, e).undo, rounds=rounds)
        yield Row(f"freeze a model of {count} generators, with what takes it back", back * 1e3, "ms")
        for backend in ("torch", "jax"):
            c = d.compile(backend)
            for what, e in list(EDITS.items())[: None if count < 1000 else 2]:
                after = edit(d, e).diagram
                names = {"trunk": "backbone"} if what.startswith("rename") else {}
                found = paired(
                    lambda c=c, e=e: edit(c, e),
                    lambda after=after, c=c, names=names: by_hand(after, c, names),
                    rounds=rounds,
                    warm=1,
                )
                yield found.row(f"{what} of {count} generators, {backend}", "ms", most=MOST)
            batch = {name: np.ones((4, 8), "float32") for name, role in d.roles.items() if role == "data"}
            made = edit(c, EDITS["freeze a model"]).compiled
            first = timed(lambda made=made, batch=batch: made.value_and_grad(batch), rounds=1)
            yield Row(f"first gradient after an edit of {count} generators, {backend}", first * 1e3, "ms")
