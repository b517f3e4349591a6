"""A composite of 100 000 generators: built, printed, compared and saved.

Nobody writes such a morphism by hand; it shows that nothing is quadratic or recursive in the length. Once it
runs over a thousand maps again and again, once over as many maps as it is long.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from itertools import cycle, islice
from pathlib import Path
from time import perf_counter
from typing import Any

import learningdiagrams as ld
from benchmarks.pairs import Row

LENGTH, BOUND, ROUNDS = 100_000, 2.0, 3


def composed(first: Any, rest: list[Any]) -> Any:
    """All of them, one after the other."""
    for generator in rest:
        first = first >> generator
    return first


def stages(maps: int) -> dict[str, float]:
    """The seconds that each part took, over so many different maps."""
    times: dict[str, float] = {}

    def clock(what: str, call: Callable[[], Any]) -> Any:
        start = perf_counter()
        value = call()
        times[what] = perf_counter() - start
        return value

    diagram = ld.Diagram("Chain")
    sample, space = diagram.objects("Sample", "Space")
    first, last = diagram.data("first", sample, space), diagram.data("last", sample, space)
    generators = clock("declare", lambda: [diagram.map(f"f{i}", space, space) for i in range(maps)])
    rest = list(islice(cycle(generators), LENGTH))
    chain = clock("build", lambda: composed(first, rest))
    other = composed(first, rest[:-1])

    def compare() -> None:
        assert chain == other >> rest[-1] and hash(chain) == hash(other >> rest[-1]) and chain != other

    clock("compare", compare)
    assert clock("print", lambda: str(chain)).count(">>") == LENGTH
    clock("as a goal", lambda: diagram.goal("whole", chain, last))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "chain.diagram"
        clock("save", lambda: diagram.save(path))
        assert path.stat().st_size > LENGTH
    return times


def rows() -> Iterator[Row]:
    """All parts together, over few maps and over many; the least of some rounds."""
    for maps in (1000, LENGTH):
        times = min((stages(maps) for _ in range(ROUNDS)), key=lambda found: sum(found.values()))
        note = ", ".join(f"{what} {seconds * 1e3:.0f}" for what, seconds in times.items()) + " ms"
        yield Row(f"chain of {LENGTH:,} over {maps:,} maps", sum(times.values()), "s", most=BOUND, note=note)
