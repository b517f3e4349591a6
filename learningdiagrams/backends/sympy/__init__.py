"""The backend SymPy: a diagram's maps as expressions, its loss in closed form, its equations decided and solved.

| room | what is in it |
|---|---|
| `sympy/values.py` | exact numbers, real symbols, what a map is called with |
| `sympy/shapes.py`, `sympy/maps.py`, `sympy/layers.py` | maps, with symbols for parameters |
| `sympy/ops.py`, `sympy/program.py` | the loss and its gradient field |
| `sympy/sides.py`, `sympy/deciding.py`, `sympy/zero.py` | equations that hold identically, and counterexamples |
| `sympy/solving.py`, `sympy/systems.py` | parameters with which goals hold |

It computes no arrays and does not train, so that it is no :class:`~learningdiagrams.backends.base.Backend`.
"""

from learningdiagrams.backends.sympy.backend import (
    Counterexample,
    Decisions,
    Solution,
    Solutions,
    SympyBackend,
    SympyMaps,
    SympyProgram,
    applied,
    as_value,
    batch_values,
    decide,
    latex_of,
    numbers_of,
    solve,
    symbolic_batch,
)

__all__ = [
    "Counterexample",
    "Decisions",
    "Solution",
    "Solutions",
    "SympyBackend",
    "SympyMaps",
    "SympyProgram",
    "applied",
    "as_value",
    "batch_values",
    "decide",
    "latex_of",
    "numbers_of",
    "solve",
    "symbolic_batch",
]
