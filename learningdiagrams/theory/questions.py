"""A question, what may be spent on it, and what a way to answer it is.

A way is a generator that yields None after each slice of work and a proof or a witness when it has one; it
returns, after leaving a note of what it did, when it can do no more. Slices are counted in steps, so that
answers do not depend on the clock.
"""

from __future__ import annotations

from collections.abc import Iterator
from time import perf_counter
from typing import NamedTuple

from learningdiagrams.theory.errors import TheoryError
from learningdiagrams.theory.morphisms import Morphism
from learningdiagrams.theory.proofs import Proof
from learningdiagrams.theory.witnesses import Witness

__all__ = ["UNWRITTEN", "Budget", "Question", "Way"]

UNWRITTEN = "the sides are equal, but their proof is too long to be written down"
"""The note of a way that knows the answer and does not get to its certificate."""


class Budget:
    """What a question may spend, what it has spent, and notes on what was done."""

    def __init__(self, max_seconds: float, max_steps: int | None) -> None:
        if isinstance(max_seconds, bool) or not isinstance(max_seconds, int | float) or not max_seconds >= 0:
            raise TheoryError(f"max_seconds is a number of seconds, 0 or more, not {max_seconds!r}")
        self.started: float = perf_counter()
        self.deadline: float = self.started + max_seconds
        self.max_seconds = max_seconds
        self.max_steps = max_steps
        self.steps = 0
        self.notes: dict[str, str] = {}

    @property
    def spent(self) -> bool:
        return perf_counter() > self.deadline or (self.max_steps is not None and self.steps >= self.max_steps)

    def slice(self, steps: int) -> int:
        """How many of these steps may still be taken."""
        return steps if self.max_steps is None else min(steps, self.max_steps - self.steps)


class Question(NamedTuple):
    """Two parallel morphisms without marks, and what may be spent on comparing them."""

    left: Morphism
    right: Morphism
    budget: Budget


Way = Iterator[Proof | Witness | None]
