"""The time of `import learningdiagrams` in a fresh process, against NumPy's; and what it loads."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

from benchmarks.pairs import Paired, Row

ROUNDS, BOUND = 25, 1.5
HEAVY = ("torch", "jax", "sympy")
CLOCK = "from time import perf_counter; start = perf_counter(); {}; print(perf_counter() - start)"
LOADED = f"import sys, learningdiagrams; print(*(name for name in {HEAVY} if name in sys.modules))"


def printed(code: str) -> str:
    """What a fresh process prints that runs this."""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def against_numpy(statement: str) -> Paired:
    """The seconds of a statement and of `import numpy`, each in a fresh process, in turns."""
    found = Paired([], [])
    for number in range(ROUNDS + 1):
        ours, hand = (float(printed(CLOCK.format(code))) for code in (statement, "import numpy"))
        if number:  # the first ones fill the file system's cache
            found.ours.append(ours)
            found.hand.append(hand)
    return found


def rows() -> Iterator[Row]:
    """The package alone, and with a diagram: names are loaded when first used, NumPy among them."""
    yield against_numpy("import learningdiagrams").row("import learningdiagrams (to numpy)", "ms", BOUND)
    first = "import learningdiagrams; learningdiagrams.Diagram"
    yield against_numpy(first).row("… and look at Diagram (to numpy)", "ms", note="loads numpy itself")
    loaded = printed(LOADED).split()
    yield Row("import learningdiagrams: of torch, jax, sympy", len(loaded), "loaded", most=0)
