"""The checker of proofs.

Nothing of the engine that finds proofs is imported here. A chain is accepted when

1. it starts at the left side and ends at the right side, and each step starts where the one before it ended;
2. each step names a law l = r : X₁×…×Xₙ → Y and, for every factor Xᵢ, a morphism uᵢ from the common domain D
   to Xᵢ;
3. at the place that the step names, the term before is one output of l (of r, if the step goes backwards)
   with uᵢ put for the i-th variable, and the term after is the whole with that part replaced by the same
   output of the other side.

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

__all__ = ["check_proof"]


def check_proof(laws: Mapping[str, Law], left: Morphism, right: Morphism, steps: Iterable[Step]) -> None:
    """Raises :class:`InvalidProof` unless the steps lead from `left` to `right`; marks are forgotten."""
    if left.dom is not right.dom or left.cod is not right.cod:
        raise InvalidProof(f"`{left}` and `{right}` are not parallel, so that no proof joins them")
    here, goal = unmarked(left).terms, unmarked(right).terms
    sides: dict[tuple[str, bool], tuple[Morphism, Morphism]] = {}
    for number, step in enumerate(steps):
        key = (step.law, step.forward)
        if key not in sides:
            if step.law not in laws or not isinstance(step.forward, bool):
                raise InvalidProof(f"step {number}: there is no law `{step.law}` in this direction")
            law = laws[step.law]
            pair = unmarked(law.left), unmarked(law.right)
            sides[key] = pair if step.forward else (pair[1], pair[0])
        if step.before.dom is not left.dom or step.after.dom is not left.dom or step.before.terms != here:
            raise InvalidProof(
                f"step {number} starts at `{step.before}`, which is not where the proof has got to"
            )
        _check_step(number, step, *sides[key])
        here = step.after.terms
    if here != goal:
        ends = steps[-1].after if isinstance(steps, (list, tuple)) and steps else left
        raise InvalidProof(f"the proof ends at `{ends}`, but it was to end at `{right}`")


def _check_step(number: int, step: Step, old: Morphism, new: Morphism) -> None:
    sorts = old.dom.factors
    if len(step.using) != len(sorts):
        raise InvalidProof(
            f"step {number}: `{step.law}` has {len(sorts)} variables; `using` names {len(step.using)}"
        )
    for position, (morphism, sort) in enumerate(zip(step.using, sorts, strict=True)):
        if morphism.dom is not step.before.dom or morphism.cod is not sort:
            raise InvalidProof(
                f"step {number}: `{step.law}` needs a morphism {step.before.dom} -> {sort} "
                f"for its variable {position}"
            )
    put = [morphism.terms[0] for morphism in step.using]
    signature = step.before.signature

    def instance(side: Morphism) -> tuple[Term, ...]:
        return fold(side.terms, lambda i, _: put[i], signature.applied, signature.marked)

    part = subterm(step.before.terms, step.place)
    for was, becomes in zip(instance(old), instance(new), strict=True):
        if part is was and replaced(signature, step.before.terms, step.place, becomes) == step.after.terms:
            return
    raise InvalidProof(
        f"step {number}: `{step.law}`, {'forwards' if step.forward else 'backwards'} at {step.place}, "
        f"does not take `{step.before}` to `{step.after}`"
    )
