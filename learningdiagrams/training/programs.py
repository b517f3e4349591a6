"""Programs by what a batch holds, and batches as programs take them.

A batch that lacks a sample object leaves its goals out of the step.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from learningdiagrams.data import host
from learningdiagrams.declarations import Goal, Measure
from learningdiagrams.plan import Input, Plan, make_plan, reads
from learningdiagrams.rewriting import Rewriting
from learningdiagrams.schedules import Schedule
from learningdiagrams.specs import shuffle
from learningdiagrams.theory.morphisms import Morphism
from learningdiagrams.theory.presentations import Law

if TYPE_CHECKING:
    from learningdiagrams.backends.base import Maps, Program
    from learningdiagrams.diagram import Diagram

__all__ = [
    "Adopt",
    "Programs",
    "Ready",
    "first_use",
    "noise_alone",
    "plan_for",
    "samples_of",
    "weights_at",
]


def samples_of(equation: Goal | Measure | Law, on: Iterable[Morphism] = ()) -> frozenset[str]:
    """The sample objects that an equation needs; none for one out of 1. A law is sampled `on` what is said
    here.
    """
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
    rewriting: Rewriting | None = None,
) -> Plan:
    """The plan of the goals whose sample objects are all present.

    Args:
        goals: the only goals that count; moves: the only models that may be moved; None for all.
        rewriting: what replaces sides of goals by laws, if anything.
    """
    chosen = [
        goal
        for name, goal in diagram.goals.items()
        if (goals is None or name in goals) and samples_of(goal) <= frozenset(present)
    ]
    return make_plan(diagram, chosen, moves=moves, rewriting=rewriting)


def weights_at(diagram: Diagram, plan: Plan, step: int) -> dict[str, float]:
    """The weight of each goal of a plan at a step."""
    goals = diagram.goals
    weights = {}
    for compare in plan.compares:
        weight = goals[compare.name].weight
        weights[compare.name] = float(weight(step)) if isinstance(weight, Schedule) else weight
    return weights


def first_use(plan: Plan, generator: str) -> str:
    """The equation that first needs the value of a data or noise generator, for an error."""
    users: set[int] = set()
    for step in plan.steps:
        given = isinstance(step, Input) and step.generator == generator
        if given or users.intersection(reads(step)):
            users.update(step.outs)
    for compare in plan.compares:
        if any(users & {*left, *right} for left, right in compare.pairs):
            return f"{'goal' if compare.name in plan.diagram.goals else 'measure'} `{compare.name}`"
    return "the plan"


class Adopt:
    """Makes values such as a backend takes: NumPy's arrays and its own stay, those of another framework
    become NumPy's.

    Real numbers of NumPy are rounded to the compiled type, so that it is done once where it is done for
    whole data.
    """

    def __init__(self, maps: Maps) -> None:
        self._own = type(maps.array(np.zeros(1)))
        self._dtype = maps.dtype

    def __call__(self, value: Any, own: bool = False) -> Any:
        """The value; with `own`, in arrays whose memory is nobody else's."""
        if isinstance(value, tuple):
            return tuple(self(part, own) for part in value)
        if isinstance(value, self._own) and not isinstance(value, np.ndarray):
            return value
        value = host(value)
        return value.astype(self._dtype if value.dtype.kind == "f" else value.dtype, copy=own)


@dataclass(frozen=True)
class Ready:
    """A program with what the loop asks of its plan at every step.

    Attributes:
        inputs: the data generators whose values it needs, those that are only permuted too.
        noise: the noise generators to draw.
        samples: for each term, the sample objects whose rows weigh it.
        constant: the weights of its goals, where no schedule moves them; None where one does.
    """

    program: Program
    inputs: frozenset[str]
    noise: frozenset[str]
    samples: Mapping[str, tuple[str, ...]]
    constant: Mapping[str, float] | None

    @staticmethod
    def of(program: Program) -> Ready:
        """What there is to know of a program."""
        plan, diagram = program.plan, program.plan.diagram
        noise = frozenset(name for name in plan.inputs if diagram.roles.get(name) == "noise")
        permuted = {spec.data for spec in map(diagram.specs.__getitem__, noise) if isinstance(spec, shuffle)}
        inputs = (frozenset(plan.inputs) - noise) | permuted
        samples = {compare.name: tuple(sorted(compare.samples)) for compare in plan.compares}
        goals = [diagram.goals.get(name) for name in samples]
        still = all(goal is not None and not isinstance(goal.weight, Schedule) for goal in goals)
        return Ready(program, inputs, noise, samples, weights_at(diagram, plan, 0) if still else None)

    def weights(self, step: int) -> Mapping[str, float]:
        """The weight of each goal at a step."""
        plan = self.program.plan
        return self.constant if self.constant is not None else weights_at(plan.diagram, plan, step)


class Programs:
    """The programs of some goals, one for each set of sample objects that a batch may hold, made when first
    needed.
    """

    def __init__(
        self,
        maps: Maps,
        diagram: Diagram,
        goals: Collection[str],
        moves: Collection[str],
        rewriting: Rewriting | None = None,
    ) -> None:
        self._maps = maps
        self._diagram = diagram
        self._goals = frozenset(goals)
        self._moves = tuple(moves)
        self._rewriting = rewriting
        self._alone = noise_alone(diagram)
        self._relevant = frozenset(s for name in self._goals for s in samples_of(diagram.goals[name]))
        self._ready: dict[frozenset[str], Ready] = {}
        self._change: Callable[[Plan], Plan] = lambda plan: plan

    def at(self, samples: Collection[str]) -> Ready:
        """What to run for a batch that holds these sample objects."""
        key = self._relevant.intersection(samples)
        if key not in self._ready:
            self._ready[key] = Ready.of(self._maps.program(self._change(self.plan(key))))
        return self._ready[key]

    def plan(self, samples: Collection[str]) -> Plan:
        """The plan for such a batch, as the goals are written."""
        key = self._relevant.intersection(samples)
        return plan_for(self._diagram, self._alone | key, self._goals, self._moves, self._rewriting)

    def change(self, passes: Callable[[Plan], Plan]) -> None:
        """Programs are made of what becomes of their plans so."""
        self._change = passes
        self._ready.clear()
