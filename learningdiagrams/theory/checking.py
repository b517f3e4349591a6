"""The checker of proofs.

Nothing of the engine that finds proofs is imported here. A chain of steps is accepted when

1. it starts at the left side and ends at the right side, and each step starts where the one before it ended;
2. each step names a law l = r : X₁×…×Xₙ → Y and, for every factor Xᵢ, a morphism uᵢ from the common domain D
   to Xᵢ;
3. at the place that the step names, the term before is one output of l (of r, if the step goes backwards)
   with uᵢ put for the i-th variable, and the term after is the whole with that replaced by the same output of
   the other side.

Acceptance implies truth. In a category with finite products where the law holds, ⟨u₁, …, uₙ⟩ >> l equals ⟨u₁,
…, uₙ⟩ >> r; so do their outputs; and so do the results of applying the same maps to equal things. Each step
therefore joins equal morphisms D → E, and equality is transitive. Because uᵢ must be a morphism out of D, a
law is never used over an object to which D has no morphism: that would not be sound, since such an object may
be empty (Goguen and Meseguer, "Completeness of many-sorted equational logic", 1985).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from learningdiagrams.theory.errors import InvalidProof
from learningdiagrams.theory.morphisms import Morphism, Term
from learningdiagrams.theory.terms import fold, replaced, subterm, unmarked

if TYPE_CHECKING:
    from learningdiagrams.theory.presentations import Law
    from learningdiagrams.theory.proofs import Step

__all__ = ["check_proof", "ends"]


def check_proof(laws: Mapping[str, Law], left: Morphism, right: Morphism, steps: Iterable[Step]) -> None:
    """Raises :class:`InvalidProof` unless the steps lead from `left` to `right`; marks are forgotten."""
    here, goal = ends(left, right)
    for number, step in enumerate(steps):
        if step.before.dom is not left.dom or step.after.dom is not left.dom or step.before.terms != here:
            raise InvalidProof(f"step {number} starts at `{step.before}`, which is not where the proof has got to")
        if step.law not in laws or not isinstance(step.forward, bool):
            raise InvalidProof(f"step {number}: there is no law `{step.law}` in this direction")
        _check_step(f"step {number}", step, laws[step.law])
        here = step.after.terms
    if here != goal:
        raise InvalidProof(f"the proof does not end at `{right}`, where it was to end")


def ends(left: Morphism, right: Morphism) -> tuple[tuple[Term, ...], tuple[Term, ...]]:
    """The normal forms that a proof starts and ends at."""
    if left.dom is not right.dom or left.cod is not right.cod:
        raise InvalidProof(f"`{left}` and `{right}` are not parallel, so that no proof joins them")
    return unmarked(left).terms, unmarked(right).terms


def _check_step(what: str, step: Step, law: Law) -> None:
    sorts, dom = law.left.dom.factors, step.before.dom
    if len(step.using) != len(sorts):
        raise InvalidProof(f"{what}: `{law.name}` has {len(sorts)} variables, but `using` names {len(step.using)}")
    for position, (morphism, sort) in enumerate(zip(step.using, sorts, strict=True)):
        if morphism.dom is not dom or morphism.cod is not sort:
            raise InvalidProof(f"{what}: `{law.name}` needs a morphism {dom} -> {sort} for its variable {position}")
    put = [morphism.terms[0] for morphism in step.using]
    signature = dom.signature
    sides = (
        fold(law_side, lambda i, _: put[i], signature.applied, lambda _, value: value)
        for law_side in (law.left.terms, law.right.terms)
    )
    old, new = sides if step.forward else reversed(list(sides))
    part = subterm(step.before.terms, step.place)
    for was, becomes in zip(old, new, strict=True):
        if part is was and replaced(signature, step.before.terms, step.place, becomes) == step.after.terms:
            return
    raise InvalidProof(
        f"{what}: `{law.name}`, {'forwards' if step.forward else 'backwards'} at {step.place}, does not take "
        f"`{step.before}` to `{step.after}`"
    )
