"""Programs by what a batch holds: a batch that lacks a sample object leaves its goals out of the step."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from learningdiagrams.declarations import Goal, Measure
from learningdiagrams.noise import noise_names
from learningdiagrams.plan import Input, Plan, make_plan
from learningdiagrams.theory.morphisms import Morphism
from learningdiagrams.theory.presentations import Law

if TYPE_CHECKING:
    from learningdiagrams.backends.base import Maps, Program
    from learningdiagrams.diagram import Diagram

__all__ = ["Programs", "Ready", "first_use", "noise_alone", "plan_for", "samples_of", "weights_at"]


def samples_of(equation: Goal | Measure | Law, on: Iterable[Morphism] = ()) -> frozenset[str]:
    """The sample objects that an equation needs; none for one out of 1. A law is sampled `on` what is said here."""
    along = tuple(on) if isinstance(equation, Law) else equation.on
    doms = [morphism.dom for morphism in along] if along else [equation.left.dom]
    return frozenset(str(dom) for dom in doms if dom.factors)


def noise_alone(diagram: Diagram) -> frozenset[str]:
    """The sample objects that have noise but no data: every batch has them."""
    roles: dict[str, set[str]] = {}
    for name, role in diagram.roles.items():
        if role in ("data", "noise"):
            roles.setdefault(str(diagram.generators[name].dom), set()).add(role)
    return frozenset(sample for sample, found in roles.items() if found == {"noise"})


def plan_for(
    diagram: Diagram,
    present: Collection[str],
    goals: Collection[str] | None = None,
    moves: Collection[str] | None = None,
) -> Plan:
    """The plan of the goals whose sample objects are all present.

    Args:
        goals: the only goals that count; moves: the only models that may be moved; None for all.
    """
    chosen = [
        goal
        for name, goal in diagram.goals.items()
        if (goals is None or name in goals) and samples_of(goal) <= frozenset(present)
    ]
    return make_plan(diagram, chosen, moves=moves)


def weights_at(diagram: Diagram, plan: Plan, step: int) -> dict[str, float]:
    """The weight of each goal of a plan at a step."""
    goals = diagram.goals
    weights = {}
    for compare in plan.compares:
        weight = goals[compare.name].weight
        weights[compare.name] = weight if isinstance(weight, float) else float(weight(step))
    return weights


def first_use(plan: Plan, generator: str) -> str:
    """The equation that first needs the value of a data or noise generator, for an error."""
    users = {out for step in plan.steps if isinstance(step, Input) and step.generator == generator for out in step.outs}
    for step in plan.steps:
        reads = getattr(step, "arguments", ()) or (getattr(step, "value", None), getattr(step, "like", None))
        if users.intersection(reads):
            users.update(step.outs)
    for compare in plan.compares:
        if any(users & {*left, *right} for left, right in compare.pairs):
            kind = "goal" if compare.name in plan.diagram.goals else "measure"
            return f"{kind} `{compare.name}`"
    return "the plan"


@dataclass(frozen=True)
class Ready:
    """A program with what the loop asks of its plan at every step.

    Attributes:
        noise: the noise generators to draw.
        samples: for each term, the sample objects whose rows weigh it.
    """

    program: Program
    noise: frozenset[str]
    samples: Mapping[str, tuple[str, ...]]


class Programs:
    """The programs of some goals, one for each set of sample objects that a batch may hold, made when first needed."""

    def __init__(self, maps: Maps, diagram: Diagram, goals: Collection[str], moves: Collection[str]) -> None:
        self._maps = maps
        self._diagram = diagram
        self._goals = frozenset(goals)
        self._moves = tuple(moves)
        self._alone = noise_alone(diagram)
        self._noise = frozenset(noise_names(diagram))
        self._ready: dict[frozenset[str], Ready] = {}

    def plan(self, samples: Collection[str]) -> Plan:
        """The plan for a batch that holds these sample objects."""
        return plan_for(self._diagram, self._alone | frozenset(samples), self._goals, self._moves)

    def at(self, samples: Collection[str]) -> Ready:
        """What to run for a batch that holds these sample objects."""
        key = frozenset(samples)
        ready = self._ready.get(key)
        if ready is None:
            plan = self.plan(key)
            weighed = {compare.name: tuple(sorted(compare.samples)) for compare in plan.compares}
            ready = Ready(self._maps.program(plan), self._noise & frozenset(plan.inputs), weighed)
            self._ready[key] = ready
        return ready
