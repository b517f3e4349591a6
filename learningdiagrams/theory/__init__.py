"""Category theory: no numbers, and nothing imported from above."""

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
