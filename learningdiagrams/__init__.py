"""learningdiagrams: training setups as algebra.

A *learning diagram* says, as data, which models train together and on what they must agree; it compiles to one loss, on
PyTorch or on JAX.

>>> import learningdiagrams as ld
>>> d = ld.loads('''
... object Sample, Image[64], Logits[10]
... data  pixels  : Sample -> Image
... data  label   : Sample -> Logits
... model student : Image -> Logits = mlp(64, 32, 10)
... goal  hard    : pixels >> student = label by cross_entropy
... ''')
>>> d["hard"].by
cross_entropy

Everything is loaded when it is first used; importing the package loads neither torch nor jax nor sympy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from learningdiagrams import backends, drawing, editing, layers, losses, schedules, specs, theory, training
    from learningdiagrams.compiled import Compiled
    from learningdiagrams.containment import order
    from learningdiagrams.declarations import Goal, Measure, Space, Stage, Style
    from learningdiagrams.diagram import Diagram, stop
    from learningdiagrams.editing import Edit, Edited, edit
    from learningdiagrams.errors import DiagramError
    from learningdiagrams.gluing import colimit, glue
    from learningdiagrams.interpretation import Interpretation, interpret
    from learningdiagrams.interpretation.search import interpretations
    from learningdiagrams.language import LanguageError, load, loads
    from learningdiagrams.parallel import all_parallel
    from learningdiagrams.passes import by_row
    from learningdiagrams.pruning import prune
    from learningdiagrams.symbolic import SymbolicCompiled
    from learningdiagrams.theory import (
        Functor,
        Morphism,
        NaturalTransformation,
        Object,
        Presentation,
        TheoryError,
        drop,
        identity,
        proj,
    )

__version__ = "0.1.0"

_HOMES: Final = {
    "learningdiagrams.diagram": ("Diagram", "stop"),
    "learningdiagrams.declarations": ("Goal", "Measure", "Space", "Stage", "Style"),
    "learningdiagrams.editing": ("Edit", "Edited", "edit"),
    "learningdiagrams.errors": ("DiagramError",),
    "learningdiagrams.language": ("LanguageError", "load", "loads"),
    "learningdiagrams.compiled": ("Compiled",),
    "learningdiagrams.containment": ("order",),
    "learningdiagrams.gluing": ("colimit", "glue"),
    "learningdiagrams.interpretation": ("Interpretation", "interpret"),
    "learningdiagrams.interpretation.search": ("interpretations",),
    "learningdiagrams.parallel": ("all_parallel",),
    "learningdiagrams.passes": ("by_row",),
    "learningdiagrams.pruning": ("prune",),
    "learningdiagrams.symbolic": ("SymbolicCompiled",),
    "learningdiagrams.theory": (
        "Functor",
        "Morphism",
        "NaturalTransformation",
        "Object",
        "Presentation",
        "TheoryError",
        "drop",
        "identity",
        "proj",
    ),
}
_HOME: Final = {name: module for module, names in _HOMES.items() for name in names}
_MODULES: Final = ("backends", "drawing", "editing", "layers", "losses", "schedules", "specs", "theory", "training")

__all__ = [
    "Compiled",
    "Diagram",
    "DiagramError",
    "Edit",
    "Edited",
    "Functor",
    "Goal",
    "Interpretation",
    "LanguageError",
    "Measure",
    "Morphism",
    "NaturalTransformation",
    "Object",
    "Presentation",
    "Space",
    "Stage",
    "Style",
    "SymbolicCompiled",
    "TheoryError",
    "all_parallel",
    "backends",
    "by_row",
    "colimit",
    "drawing",
    "drop",
    "edit",
    "editing",
    "glue",
    "identity",
    "interpret",
    "interpretations",
    "layers",
    "load",
    "loads",
    "losses",
    "order",
    "proj",
    "prune",
    "schedules",
    "specs",
    "stop",
    "theory",
    "training",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"learningdiagrams.{name}")
    if name in _HOME:
        value = getattr(import_module(_HOME[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'learningdiagrams' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
