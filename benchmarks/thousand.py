"""Compiling a diagram of 1000 generators and 1000 goals, part by part, before a backend's own compiler.

Two shapes: `star`, heads over one backbone, and `chain`, where each goal compares a longer composite with its
beginning, so that the text alone holds half a million names.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from time import perf_counter
from typing import Any

import jax  # noqa: F401  # nor is this one's
import torch  # noqa: F401  # its import is no part of compiling

import learningdiagrams as ld
from benchmarks.pairs import Row
from learningdiagrams.plan import make_plan

COUNT, BOUND, ROUNDS = 1000, 2.0, 3


def star() -> ld.Diagram:
    """One backbone, 499 heads with a target each; two goals for each head, and two at the backbone."""
    d = ld.Diagram("Star")
    sample, image, feature = d.object("Sample"), d.object("Image", shape=(8,)), d.object("Feature", shape=(8,))
    pixels = d.data("pixels", sample, image)
    backbone = pixels >> d.model("backbone", image, feature, "linear(8, 8)")
    for k in range((COUNT - 2) // 2):
        side = backbone >> d.model(f"head{k}", feature, feature, "linear(8, 8)")
        target = d.data(f"target{k}", sample, feature)
        d.goal(f"near{k}", side, target)
        d.goal(f"close{k}", side, target, by="l1")
    d.goal("small", backbone, d.data("zero", sample, feature), by="huber")
    d.goal("smaller", backbone, "zero", by="l1")
    return d


def chain() -> ld.Diagram:
    """1000 models in a row, and for each a goal that what comes after it is what comes first."""
    d = ld.Diagram("Chain")
    sample, space = d.object("Sample"), d.object("Space", shape=(8,))
    first = path = d.data("first", sample, space)
    for k in range(COUNT):
        path = path >> d.model(f"f{k}", space, space, "linear(8, 8)")
        d.goal(f"goal{k}", path, first)
    return d


def parts(make: Callable[[], ld.Diagram]) -> dict[str, float]:
    """Seconds of each part."""
    times: dict[str, float] = {}

    def clock(what: str, call: Callable[[], Any]) -> Any:
        gc.collect()
        start = perf_counter()
        value = call()
        times[what] = perf_counter() - start
        return value

    built = clock("build", make)
    text = clock("print", lambda: str(built))
    read = clock("read", lambda: ld.loads(text))
    assert len(read.goals) >= COUNT and len(read.generators) >= COUNT
    clock("plan", lambda: make_plan(read, read.goals.values()))
    for backend in ("torch", "jax"):
        made = clock(f"compile on {backend}", lambda backend=backend: read.compile(backend=backend))
        plan = made.plan
        clock(f"program on {backend}", lambda made=made, plan=plan: made.maps.program(plan))
    return times


def rows() -> Iterator[Row]:
    """What happens before each backend's own compiler: checks, plans, shapes, maps and the program's code; the
    least of some rounds. Building and reading stand beside it.
    """
    for make in (star, chain):
        name = f"1000 generators, 1000 goals, {make.__name__}"
        found = [parts(make) for _ in range(ROUNDS)]
        least = {what: min(each[what] for each in found) for what in found[0]}
        for what in ("build", "print", "read", "plan"):
            yield Row(f"{name}: {what}", least[what] * 1e3, "ms")
        for backend in ("torch", "jax"):
            compiling, program = least[f"compile on {backend}"], least[f"program on {backend}"]
            first = found[0][f"compile on {backend}"]
            note = f"compile {compiling:.2f}, program {program:.2f}; compile the first time {first:.2f}"
            yield Row(f"{name}: to a {backend} program", compiling + program, "s", most=BOUND, note=note)
