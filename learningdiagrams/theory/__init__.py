"""Category theory: no numbers, and nothing imported from above.

Everything is loaded when it is first used: who declares a diagram needs no engine that decides equations.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from learningdiagrams.theory.colimits import Colimit, coequalizer, colimit, coproduct, initial, pushout
    from learningdiagrams.theory.cset_search import homomorphisms, isomorphism
    from learningdiagrams.theory.csets import CSet, Homomorphism
    from learningdiagrams.theory.deciding import Proved, Refuted, Unknown, Verdict
    from learningdiagrams.theory.errors import Infinite, InvalidProof, InvalidWitness, NotDecided, TheoryError
    from learningdiagrams.theory.failures import Failure
    from learningdiagrams.theory.functors import Functor
    from learningdiagrams.theory.morphisms import Morphism, Object, drop, identity, proj
    from learningdiagrams.theory.naturality import NaturalTransformation
    from learningdiagrams.theory.open_presentations import OpenPresentation
    from learningdiagrams.theory.presentations import Law, Presentation
    from learningdiagrams.theory.proofs import Proof, Step
    from learningdiagrams.theory.witnesses import FiniteModel, PathSystem, TermSystem

_HOMES: Final = {
    "colimits": ("Colimit", "coequalizer", "colimit", "coproduct", "initial", "pushout"),
    "cset_search": ("homomorphisms", "isomorphism"),
    "csets": ("CSet", "Homomorphism"),
    "deciding": ("Proved", "Refuted", "Unknown", "Verdict"),
    "errors": ("Infinite", "InvalidProof", "InvalidWitness", "NotDecided", "TheoryError"),
    "failures": ("Failure",),
    "functors": ("Functor",),
    "morphisms": ("Morphism", "Object", "drop", "identity", "proj"),
    "naturality": ("NaturalTransformation",),
    "open_presentations": ("OpenPresentation",),
    "presentations": ("Law", "Presentation"),
    "proofs": ("Proof", "Step"),
    "witnesses": ("FiniteModel", "PathSystem", "TermSystem"),
}
_HOME: Final = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "CSet",
    "Colimit",
    "Failure",
    "FiniteModel",
    "Functor",
    "Homomorphism",
    "Infinite",
    "InvalidProof",
    "InvalidWitness",
    "Law",
    "Morphism",
    "NaturalTransformation",
    "NotDecided",
    "Object",
    "OpenPresentation",
    "PathSystem",
    "Presentation",
    "Proof",
    "Proved",
    "Refuted",
    "Step",
    "TermSystem",
    "TheoryError",
    "Unknown",
    "Verdict",
    "coequalizer",
    "colimit",
    "coproduct",
    "drop",
    "homomorphisms",
    "identity",
    "initial",
    "isomorphism",
    "proj",
    "pushout",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = getattr(import_module(f"learningdiagrams.theory.{_HOME[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'learningdiagrams.theory' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
