"""Random diagrams that can be trained: every map realised, every object of a shape, every goal with rows to see.

`texts()` draws the declarations of one; `texts(given)` draws more, to stand beside others whose names they use.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from hypothesis import strategies as st

import learningdiagrams as ld
from learningdiagrams.theory.morphisms import Morphism

__all__ = ["OBJECTS", "SIZES", "filled", "rows", "texts", "workflows"]

OBJECTS = "object S, T, A[2], B[3], C[2]\n"
SIZES = {"A": 2, "B": 3, "C": 2}
BY = ("mse", "l1", "huber(delta=0.5)", "cosine", "kl(temperature=2)", "info_nce")
WEIGHTS = ("1", "0.5", "linear(0, 1, steps=4)", "-0.25")


@st.composite
def texts(draw: st.DrawFn, given: str = OBJECTS, prefix: str = "b", separating: bool = False) -> str:
    """Declarations under names that begin with `prefix`, over those that are given.

    `separating`: only goals that are zero for equal sides alone and move all that they reach.
    """
    d = ld.loads(given)
    lines: list[str] = []

    def declare(line: str) -> None:
        lines.append(line)
        from learningdiagrams.editing.parts import read_into

        read_into(d, line, "a random diagram")

    def name(kind: str) -> str:
        return f"{prefix}{kind}{len(lines)}"

    for obj in draw(st.lists(st.sampled_from("ABC"), min_size=1, max_size=2)):
        declare(f"data {name('x')} : {draw(st.sampled_from('SST'))} -> {obj}")
    if not separating and draw(st.booleans()):
        declare(f"noise {name('z')} : S -> {draw(st.sampled_from('ABC'))} = normal")
    for _ in range(draw(st.integers(1, 3))):
        dom, cod = (draw(st.sampled_from("ABC")) for _ in range(2))
        layer = draw(st.sampled_from((f"linear({SIZES[dom]}, {SIZES[cod]})", f"mlp({SIZES[dom]}, 3, {SIZES[cod]})")))
        role = draw(st.sampled_from(("model", "model", "model", "frozen")))
        declare(f"{role} {name('f')} : {dom} -> {cod} = {layer}")
    if draw(st.booleans()):
        obj = draw(st.sampled_from("ABC"))
        declare(f"fixed {name('k')} : {obj} * {obj} -> {obj} = add")
    if d.models and not separating and draw(st.booleans()):
        followed = draw(st.sampled_from(d.models))
        m = d.generators[followed]
        declare(f"model {name('e')} : {m.dom} -> {m.cod} = ema({followed}, decay=0.5)")
    paths = _paths(d)
    for _ in range(draw(st.integers(2, 6) if separating else st.integers(1, 3))):
        left = draw(st.sampled_from(paths))
        others = [path for path in paths if path.cod is left.cod and path.dom is left.dom and path != left]
        if not others:
            continue
        right = str(draw(st.sampled_from(others)))
        by = draw(st.sampled_from(BY[:3] if separating else BY))
        notes = f" by {by}"
        if separating:
            declare(f"goal {name('q')} : {left} = {right}{notes} weight {draw(st.sampled_from(('1', '0.5')))}")
            continue
        if draw(st.integers(0, 3)) == 0:
            right = f"stop({right})"
        notes += f" weight {draw(st.sampled_from(WEIGHTS))}"
        if d.models and draw(st.integers(0, 3)) == 0:
            notes += f" train {draw(st.sampled_from(d.models))}"
        declare(f"goal {name('q')} : {left} = {right}{notes}")
    return given + "".join(f"{line}\n" for line in lines)


def _paths(d: ld.Diagram) -> list[Morphism]:
    """Paths out of sample objects, through at most three maps, some of them of two inputs."""
    found = [d.generators[name] for name, role in d.roles.items() if role in ("data", "noise")]
    level = list(found)
    maps = [m for name, m in d.generators.items() if d.roles[name] not in ("data", "noise")]
    for _ in range(3):
        made = [path >> m for path in level for m in maps if m.dom is path.cod]
        made += [
            (path & other) >> m
            for m in maps
            if len(m.dom.factors) == 2
            for path in level
            for other in found[:2]
            if path.dom is other.dom and path.cod is other.cod is m.dom.factors[0]
        ]
        level = made[:12]
        found += level
    return list(dict.fromkeys(found))


def workflows(given: str = OBJECTS, prefix: str = "b", separating: bool = False) -> st.SearchStrategy[ld.Diagram]:
    """Random diagrams that can be trained, with at least one goal."""
    return texts(given, prefix, separating).map(ld.loads).filter(lambda d: bool(d.goals))


def rows(d: ld.Diagram, seed: int, number: int = 5) -> dict[str, np.ndarray]:
    """Random rows of all data of a diagram; those of one name are the same in every diagram."""
    found = {}
    for name, role in d.roles.items():
        if role == "data":
            random = np.random.default_rng([seed, *name.encode()])
            shape = d.spaces[str(d.generators[name].cod)].shape or ()
            found[name] = random.normal(size=(number, *map(int, shape)))
    return found


def filled(table: Mapping[str, Mapping[str, Any]], seed: int) -> dict[str, dict[str, np.ndarray]]:
    """Random numbers of these shapes."""
    random = np.random.default_rng(seed)
    return {
        name: {key: random.normal(size=np.shape(value)) for key, value in entries.items()}
        for name, entries in table.items()
    }
