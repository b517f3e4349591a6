"""The time of `import learningdiagrams` in a fresh process, against NumPy's; and what it loads."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

from benchmarks.pairs import Paired, Row

ROUNDS, BOUND = 25, 1.5
HEAVY = ("torch", "jax", "sympy")
CLOCK = "from time import perf_counter; start = perf_counter(); import {}; print(perf_counter() - start)"
LOADED = "import sys, learningdiagrams; print(*(name for name in {} if name in sys.modules))"


def printed(code: str) -> str:
    """What a fresh process prints that runs this."""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def seconds(code: str) -> float:
    """The seconds of an import, without the start of the process."""
    return float(printed(code))


def rows() -> Iterator[Row]:
    """The package alone; and with a diagram, whose names are loaded when first used."""
    first = "import learningdiagrams as ld; ld.Diagram"
    for what, code in (
        ("import learningdiagrams, against numpy", CLOCK.format("learningdiagrams")),
        ("… and its Diagram, against numpy", CLOCK.format("learningdiagrams").replace("import learningdiagrams", first)),
    ):
        found = Paired([], [])
        for number in range(ROUNDS + 1):  # the first one fills the file system's cache
            ours, hand = seconds(code), seconds(CLOCK.format("numpy"))
            if number:
                found.ours.append(ours)
                found.hand.append(hand)
        yield found.row(what, "ms", BOUND)
    loaded = printed(LOADED.format(HEAVY)).split()
    yield Row("import learningdiagrams: of torch, jax, sympy loaded", len(loaded), "modules", most=0)
