"""Proofs of equations: chains of steps, each of which uses one law at one place.

A :class:`Proof` and its :class:`Step` values are plain frozen values that anybody can build by hand and check; what
makes one valid is said in :mod:`learningdiagrams.theory.checking`.

>>> from learningdiagrams.theory.presentations import Presentation
>>> P = Presentation("Idempotent")
>>> (A,) = P.objects("A")
>>> e = P.morphism("e", A, A)
>>> law = P.law(e >> e, e, name="idempotent")
>>> step = Step("idempotent", True, before=e >> e >> e, after=e >> e, place=(0, 0), using=(identity(A),))
>>> proof = Proof(P, e >> e >> e, e, [step, Step("idempotent", True, e >> e, e, (0,), (identity(A),))])
>>> proof.check()
>>> print(proof)
e >> e >> e
  = e >> e    by idempotent
  = e    by idempotent
>>> Proof(P, e, identity(A), []).check()
Traceback (most recent call last):
...
learningdiagrams.theory.errors.InvalidProof: the proof ends at `e`, but it was to end at `id(A)`
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from learningdiagrams.theory.checking import check_proof
from learningdiagrams.theory.morphisms import Morphism, identity
from learningdiagrams.theory.presentations import Law, Presentation

__all__ = ["Proof", "Step", "identity"]


@dataclass(frozen=True, slots=True)
class Step:
    """One use of one law: `before` becomes `after` by replacing, at `place`, one side of the law by the other.

    `law` is the law's name; `forward` says whether its left side is replaced by its right. `place` leads to the term
    that is replaced: the output first, then at each application the number of the argument, from the outside inwards
    (for a path, the output 0 and one 0 for each generator that follows the rewritten part). `using` holds a morphism
    out of the common domain for every factor of the law's domain, also for those that occur on neither side.
    """

    law: str
    forward: bool
    before: Morphism
    after: Morphism
    place: tuple[int, ...]
    using: tuple[Morphism, ...]


@dataclass(frozen=True)
class Proof:
    """A chain of steps from `left` to `right`; `laws` are the presentation's as they stood when it was made."""

    presentation: Presentation = field(repr=False)
    left: Morphism
    right: Morphism
    steps: Sequence[Step] | Iterable[Step]
    laws: Mapping[str, Law] = field(default=None, repr=False, compare=False)  # type: ignore[assignment]

    def __post_init__(self) -> None:
        if self.laws is None:
            object.__setattr__(self, "laws", self.presentation.laws_as_they_stand())
        if not isinstance(self.steps, Sequence):
            object.__setattr__(self, "steps", tuple(self.steps))

    def check(self) -> None:
        """Replays the proof with nothing but the laws; raises :class:`InvalidProof` where it does not hold."""
        check_proof(self.laws, self.left, self.right, self.steps)

    def to_json(self) -> list[dict[str, Any]]:
        """One entry a step: the law's name, its direction, and the text of both sides of the step."""
        return [
            {"law": step.law, "forward": step.forward, "before": str(step.before), "after": str(step.after)}
            for step in self.steps
        ]

    def __str__(self) -> str:
        lines = [str(self.left)]
        for step in self.steps:
            lines.append(f"  = {step.after}    by {step.law}{'' if step.forward else ', backwards'}")
        return "\n".join(lines)
