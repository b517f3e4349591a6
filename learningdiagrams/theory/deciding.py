"""Deciding equations: proved with a proof, refuted with a witness, or unknown with what was spent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from learningdiagrams.theory.errors import NotDecided
from learningdiagrams.theory.morphisms import Morphism, Object
from learningdiagrams.theory.proofs import Proof
from learningdiagrams.theory.terms import unmarked

if TYPE_CHECKING:
    from learningdiagrams.theory.presentations import Presentation

__all__ = ["Proved", "Refuted", "Unknown", "Verdict", "decide", "hom"]


@dataclass(frozen=True)
class Proved:
    """The sides are equal in every model of the laws; `proof` shows it."""

    left: Morphism
    right: Morphism
    proof: Proof
    holds: Final = True

    def __bool__(self) -> bool:
        return True


@dataclass(frozen=True)
class Refuted:
    """The laws do not make the sides equal; `witness` shows it."""

    left: Morphism
    right: Morphism
    witness: Any
    holds: Final = False

    def __bool__(self) -> bool:
        return False


@dataclass(frozen=True)
class Unknown:
    """Not decided; `reason` says in words what was tried and spent."""

    left: Morphism
    right: Morphism
    reason: str = field(default="")
    holds: Final = None

    def __bool__(self) -> bool:
        return False


Verdict = Proved | Refuted | Unknown


def decide(
    presentation: Presentation,
    left: Morphism,
    right: Morphism,
    max_seconds: float = 10.0,
    max_steps: int | None = None,
) -> Verdict:
    """The answer to left = right; see :meth:`Presentation.prove`."""
    left, right = unmarked(left), unmarked(right)
    if left == right:
        return Proved(left, right, Proof(presentation, left, right, ()))
    return Unknown(left, right, "the normal forms differ in the free category; the laws were not used")


def hom(
    presentation: Presentation, dom: Object, cod: Object, limit: int = 10_000, max_seconds: float = 10.0
) -> list[Morphism]:
    """The morphisms dom → cod; see :meth:`Presentation.hom`."""
    raise NotDecided(f"the morphisms {dom} -> {cod} were not found within {max_seconds} seconds")
