"""Bounds on equations from the proofs that goals make them hold.

A proof is a chain of replacements. Each replaces a term t by a term t', which a goal or law says are equal, under the
maps that follow: so both sides of what is proved are at most as far apart as

    Σ over the steps of  Lip(what follows) · ‖t − t'‖,

by the triangle inequality. ‖·‖ is the root mean square over the rows of the Euclidean distance of two values, measured
beside the comparator, which need not be a metric; ‖t − t'‖ is measured where the step uses it. Lip is the product of
the maps that follow, each in the argument that changes. A constant is *given*, or *estimated* as the largest stretch
between values that occur on the rows at hand, those of the two terms among them: with estimated constants the bound
holds on these rows and says nothing of others.

Nothing is bounded where values have no distance: whole numbers, sides of different shapes, numbers that are not finite.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from learningdiagrams.errors import DiagramError, suggestion
from learningdiagrams.plan import plan_morphism
from learningdiagrams.relevance import translated
from learningdiagrams.tables import table
from learningdiagrams.theory.deciding import Proved
from learningdiagrams.theory.morphisms import Generator, Morphism, Term
from learningdiagrams.theory.proofs import Step
from learningdiagrams.theory.terms import from_terms, subterm

if TYPE_CHECKING:
    from learningdiagrams.backends.base import Maps
    from learningdiagrams.diagram import Diagram

__all__ = ["Bound", "Use", "bound", "bounds_table"]

LONGEST: Final = 500
"""Steps of a proof that are followed."""

Follows = tuple[str, int, int]
"""A map that follows: the generator, the argument that changes, the output."""


@dataclass(frozen=True)
class Use:
    """One step of a proof, with what it costs.

    Attributes:
        by: the goal or law that is used.
        defect: how far it is from holding there (root mean square).
        follows: the maps after it, from the inside out, each with its Lipschitz constant.
    """

    by: str
    defect: float
    follows: tuple[tuple[str, float], ...]

    @property
    def cost(self) -> float:
        """What the step adds to the bound."""
        return self.defect * math.prod(constant for _, constant in self.follows) if self.defect else 0.0

    def __str__(self) -> str:
        return " · ".join([*(f"{constant:.3g} [{name}]" for name, constant in self.follows[::-1]), f"‖{self.by}‖"])


@dataclass(frozen=True)
class Bound:
    """How far an equation that the goals prove is from holding, and how far it can be by the proof.

    Attributes:
        name: the goal, measure or law that says the equation, or its text.
        measured: root mean square of the distance of both sides.
        bound: the bound from the proof; infinite where there is none, and then `reason` says why.
        uses: the steps of the proof.
        given, estimated: the Lipschitz constants that were used.
    """

    name: str
    left: Morphism
    right: Morphism
    measured: float = math.nan
    bound: float = math.inf
    uses: tuple[Use, ...] = ()
    given: Mapping[str, float] | None = None
    estimated: Mapping[str, float] | None = None
    reason: str = ""

    def __str__(self) -> str:
        if self.reason:
            return f"{self.left} = {self.right}: no bound: {self.reason}"
        return f"{self.left} = {self.right}: {self.measured:.4g} ≤ {self.bound:.4g} = {self.told}"

    def to_json(self) -> dict[str, Any]:
        """As plain values; `bound` and `measured` are None where there is no bound, and then `reason` says why."""
        none = bool(self.reason)
        return {
            "name": self.name,
            "left": str(self.left),
            "right": str(self.right),
            "measured": None if none else self.measured,
            "bound": None if none else self.bound,
            "uses": [
                {"by": use.by, "defect": use.defect, "follows": [list(one) for one in use.follows]} for use in self.uses
            ],
            "given": dict(self.given or {}),
            "estimated": dict(self.estimated or {}),
            "reason": self.reason or None,
        }

    @property
    def told(self) -> str:
        """The sum that the bound is, and which Lipschitz constants are given and which estimated."""
        said = [
            f"{word}: {', '.join(f'{name} {constant:.3g}' for name, constant in constants.items())}"
            for word, constants in (("given", self.given), ("estimated on these rows", self.estimated))
            if constants
        ]
        return (" + ".join(map(str, self.uses)) or "0") + (f" ({'; '.join(said)})" if said else "")


def bounds_table(found: Iterable[Bound]) -> str:
    """Bounds as a table."""
    rows = []
    for one in found:
        if one.reason:
            rows.append([one.name, f"{one.left} = {one.right}", "", "", f"none: {one.reason}"])
        else:
            rows.append([one.name, f"{one.left} = {one.right}", f"{one.measured:.4g}", f"{one.bound:.4g}", one.told])
    return table(rows, ["", "equation", "distance", "bound", "from the proof"])


def bound(
    maps: Maps,
    diagram: Diagram,
    batch: Mapping[str, Any],
    proved: Proved,
    name: str | None = None,
    lipschitz: Mapping[str, float] | None = None,
) -> Bound:
    """The bound on an equation out of a sample object, or out of 1, from its proof, on the rows of a batch.

    Args:
        batch: values of the data and noise generators that the proof mentions, as :meth:`Compiled.draw` gives them.
        lipschitz: constants of single maps, in every argument, in the Euclidean norm; others are estimated.

    Raises:
        DiagramError: a constant that the values on these rows contradict, or that no map has.
    """
    given = _checked(diagram, lipschitz or {})
    left, right = (translated(side, diagram.presentation) for side in (proved.left, proved.right))
    name = f"{left} = {right}" if name is None else name
    if len(proved.proof.steps) > LONGEST:
        return Bound(name, left, right, reason=f"its proof has {len(proved.proof.steps)} steps")
    steps = _without_loops(proved.left, proved.proof.steps)
    chains = [
        (step.law.partition("#")[0], list(_chain(diagram, step.before, step.place, step.after))) for step in steps
    ]
    terms = dict.fromkeys([*left.terms, *right.terms])
    terms.update(dict.fromkeys(term for _, chain in chains for _, one, other in chain for term in (one, other)))
    values = dict(zip(terms, _values(maps, diagram, batch, left, list(terms)), strict=True))
    compared = [*zip(left.terms, right.terms, strict=True), *((a, b) for _, chain in chains for _, a, b in chain)]
    for one, other in compared:
        reason = _no_distance(values[one], values[other])
        if reason:
            return Bound(name, left, right, reason=reason)
    constants = _constants(chains, values, given, maps.dtype)
    uses = []
    for law, chain in chains:
        defect = _rms([(values[chain[0][1]], values[chain[0][2]])])
        follows = tuple((key[0], constants[key]) for key, _, _ in chain[1:] if key is not None)
        uses.append(Use(law, defect, follows))
    measured = _rms([(values[a], values[b]) for a, b in zip(left.terms, right.terms, strict=True)])
    total = sum(use.cost for use in uses)
    if measured > total * (1 + 1e-2) + _rounding(maps, values):
        # A map may jump between values that are equal up to rounding, and has no Lipschitz constant then.
        return Bound(name, left, right, reason="a map that follows jumps between values that are all but equal")
    used = {key[0] for key in constants}
    return Bound(
        name,
        left,
        right,
        measured,
        total,
        tuple(uses),
        {generator: constant for generator, constant in given.items() if generator in used},
        {
            generator: max(constant for key, constant in constants.items() if key[0] == generator)
            for generator in sorted(used - set(given))
        },
    )


def _checked(diagram: Diagram, lipschitz: Mapping[str, float]) -> dict[str, float]:
    for name, constant in lipschitz.items():
        if name not in diagram.generators:
            raise DiagramError(f"lipschitz: there is no map `{name}`{suggestion(name, diagram.generators)}")
        if not (isinstance(constant, int | float) and 0 <= constant < math.inf):
            raise DiagramError(f"lipschitz: the constant of `{name}` is a number from 0 up, not {constant!r}")
    return {name: float(constant) for name, constant in lipschitz.items()}


def _without_loops(left: Morphism, steps: Iterable[Step]) -> list[Step]:
    """The steps without those that lead back to where the proof was already."""
    kept: list[Step] = []
    reached = [left]
    for step in steps:
        kept.append(step)
        if step.after in reached:
            length = reached.index(step.after)
            del kept[length:], reached[length + 1 :]
        else:
            reached.append(step.after)
    return kept


def _chain(
    diagram: Diagram, before: Morphism, place: Sequence[int], after: Morphism
) -> Iterator[tuple[Follows | None, Term, Term]]:
    """What a step replaces, then each term that it stands in, from the inside out, before and after."""
    sides = [translated(side, diagram.presentation).terms for side in (before, after)]
    for depth in range(len(place), 0, -1):
        one, other = (subterm(side, place[:depth]) for side in sides)
        assert one is not None and other is not None
        inside = depth == len(place)
        assert inside or isinstance(one.head, Generator)
        yield None if inside else (one.head.name, place[depth], one.index), one, other  # type: ignore[union-attr]


def _values(
    maps: Maps, diagram: Diagram, batch: Mapping[str, Any], like: Morphism, terms: list[Term]
) -> list[np.ndarray]:
    """The values of terms over one object, computed together."""
    cod = diagram.presentation.signature.product(term.sort for term in terms)
    plan = plan_morphism(diagram, from_terms(like.dom, cod, terms))
    return [np.asarray(maps.numpy(value)) for value in maps.program(plan).outputs(batch)]


def _no_distance(one: np.ndarray, other: np.ndarray) -> str:
    """Why two values have no distance, if they have none."""
    if one.dtype.kind != "f" or other.dtype.kind != "f":
        return "whole numbers have no distance"
    if one.shape[1:] != other.shape[1:]:
        return f"values of shapes {one.shape[1:]} and {other.shape[1:]} have no distance"
    if not (np.isfinite(one).all() and np.isfinite(other).all()):
        return "there are values that are not finite"
    return ""


def _distances(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The Euclidean distance of each row."""
    gap = np.asarray(one, np.float64) - np.asarray(other, np.float64)
    return np.sqrt((gap.reshape(len(gap), -1) ** 2).sum(1))


def _rms(pairs: Iterable[tuple[np.ndarray, np.ndarray]]) -> float:
    """The root mean square over the rows of the distance of two tuples of values."""
    total: Any = sum(_distances(one, other) ** 2 for one, other in pairs)
    return float(np.sqrt(np.mean(total)))


def _rounding(maps: Maps, values: Mapping[Term, np.ndarray]) -> float:
    """A distance below which values are equal but for rounding."""
    largest = max((float(np.abs(value).max(initial=0.0)) for value in values.values()), default=0.0)
    return (1e-4 if maps.dtype == "float32" else 1e-11) * (1.0 + largest)


def _constants(
    chains: list[tuple[str, list[tuple[Follows | None, Term, Term]]]],
    values: Mapping[Term, np.ndarray],
    given: Mapping[str, float],
    dtype: str,
) -> dict[Follows, float]:
    """The Lipschitz constant of each map that follows a step, in the argument that changes."""
    found: dict[Follows, float] = {}
    # Differences of this size are rounding, and so is their ratio.
    rounding, close = (1e-5, 2e-2) if dtype == "float32" else (1e-12, 1e-4)
    for _, chain in chains:
        for (_, a, b), (key, after_a, after_b) in pairwise(chain):
            assert key is not None
            pairs = [((values[a], values[b]), (values[after_a], values[after_b]))]
            if len(after_a.args) == 1:
                # Another row of the same term is another value that occurs.
                pairs += [((v, np.roll(v, 1, 0)), (w, np.roll(w, 1, 0))) for v, w in
                          ((values[a], values[after_a]), (values[b], values[after_b]))]  # fmt: skip
            for inner, outer in pairs:
                near, far = np.broadcast_arrays(_distances(*inner), _distances(*outer))
                size = rounding * (1.0 + max(float(np.abs(v).max(initial=0.0)) for v in inner))
                apart = near > size
                stretch = float((far[apart] / near[apart]).max(initial=0.0))
                found[key] = max(found.get(key, 0.0), stretch)
    for (name, place, output), stretch in found.items():
        if name in given:
            if stretch > given[name] * (1 + close):
                raise DiagramError(
                    f"lipschitz: `{name}` is given as {given[name]:g}, but on these rows it stretches a distance by "
                    f"{stretch:.4g}; give at least that, or leave it out to have it estimated",
                    name,
                )
            found[name, place, output] = given[name]
    return found
