"""A composite of 100 000 generators: built, printed, compared, hashed and saved.

Nobody writes such a morphism by hand; it shows that nothing is quadratic or recursive in the length.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

import learningdiagrams as ld
from benchmarks.pairs import Row
from learningdiagrams.theory import Presentation

LENGTH, BOUND = 100_000, 2.0


def composed(generators: list[Any]) -> Any:
    """All of them, one after the other, left to right."""
    whole = generators[0]
    for generator in generators[1:]:
        whole = whole >> generator
    return whole


def declared(length: int) -> ld.Diagram:
    """A diagram of that many maps, each used once in one goal."""
    diagram = ld.Diagram("Chain")
    sample, space = diagram.objects("Sample", "Space")
    path = diagram.data("start", sample, space)
    end = diagram.data("end", sample, space)
    diagram.goal("whole", composed([path, *(diagram.map(f"f{i}", space, space) for i in range(length))]), end)
    return diagram


def rows() -> Iterator[Row]:
    """The time of each, and of all together."""
    times: dict[str, float] = {}

    def clock(what: str, start: float) -> None:
        times[what] = perf_counter() - start

    presentation = Presentation("Chain")
    (space,) = presentation.objects("A")
    generators = [presentation.morphism(f"f{i}", space, space) for i in range(1000)]
    parts = [generators[i % 1000] for i in range(LENGTH)]
    start = perf_counter()
    whole, other = composed(parts), composed(parts[:-1]) >> parts[-1]
    clock("built twice", start)
    start = perf_counter()
    assert len(str(whole)) > LENGTH
    clock("printed", start)
    start = perf_counter()
    shorter = composed(parts[:-1])
    assert whole == other and hash(whole) == hash(other) and whole != shorter
    clock("compared", start)
    start = perf_counter()
    diagram = declared(LENGTH)
    clock("declared in a diagram", start)
    with tempfile.TemporaryDirectory() as folder:
        start = perf_counter()
        diagram.save(Path(folder) / "chain.diagram")
        clock("saved", start)
    for what, seconds in times.items():
        yield Row(f"chain of {LENGTH:,}: {what}", seconds * 1e3, "ms")
    yield Row(f"chain of {LENGTH:,}: all together", sum(times.values()), "s", most=BOUND)
