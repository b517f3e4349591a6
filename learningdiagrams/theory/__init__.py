"""Category theory: no numbers, and nothing imported from above."""

from learningdiagrams.theory.deciding import Proved, Refuted, Unknown, Verdict
from learningdiagrams.theory.errors import Infinite, InvalidProof, InvalidWitness, NotDecided, TheoryError
from learningdiagrams.theory.morphisms import Morphism, Object, drop, identity, proj
from learningdiagrams.theory.presentations import Law, Presentation
from learningdiagrams.theory.proofs import Proof, Step

__all__ = [
    "Infinite",
    "InvalidProof",
    "InvalidWitness",
    "Law",
    "Morphism",
    "NotDecided",
    "Object",
    "Presentation",
    "Proof",
    "Proved",
    "Refuted",
    "Step",
    "TheoryError",
    "Unknown",
    "Verdict",
    "drop",
    "identity",
    "proj",
]
