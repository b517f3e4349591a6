"""What goals do to each other at one place: angles of their gradients, and what nothing moves.

The gradient of a goal is that of weight · term in the parameters of the models that it moves. Two goals conflict where
their gradients on the models that both move make an angle of more than 90°: a small step along one undoes some of the
other (Yu et al. 2020, Gradient Surgery for Multi-Task Learning, section 2). It is a matter of the numbers and of the
batch, not of the diagram: goals that can all be met may conflict on the way.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from learningdiagrams.tables import table
from learningdiagrams.theory.showing import Printed
from learningdiagrams.training.programs import noise_alone, plan_for, weights_at

if TYPE_CHECKING:
    from learningdiagrams.backends.base import Maps
    from learningdiagrams.diagram import Diagram
    from learningdiagrams.rewriting import Rewriting

__all__ = ["Conflicts", "conflicts"]


@dataclass(frozen=True)
class Conflicts(Printed):
    """Gradients of goals against each other.

    Attributes:
        norms: the length of each goal's gradient, weight included.
        angles: for two goals that move a common model, the angle of their gradients there, in degrees.
        unmoved: models that no goal moves, with the reason.
        unmovable: goals that no model moves, with the reason.
    """

    norms: Mapping[str, float]
    angles: Mapping[tuple[str, str], float]
    unmoved: Mapping[str, str]
    unmovable: Mapping[str, str]

    @property
    def opposed(self) -> dict[tuple[str, str], float]:
        """The pairs at more than 90°, the worst first."""
        worst = sorted(self.angles.items(), key=lambda item: -item[1])
        return {pair: angle for pair, angle in worst if angle > 90}

    def __str__(self) -> str:
        lines = []
        if self.angles:
            rows = [
                [f"{one}, {other}", f"{angle:.0f}°", "they oppose each other" if angle > 90 else ""]
                for (one, other), angle in sorted(self.angles.items(), key=lambda item: -item[1])
            ]
            lines.append(table(rows, ["goals", "angle of gradients", ""]))
        lines += [f"no goal moves the model `{name}`: {why}" for name, why in self.unmoved.items()]
        lines += [f"no model moves the goal `{name}`: {why}" for name, why in self.unmovable.items()]
        return "\n".join(lines) or "no two goals move a common model"


def conflicts(
    maps: Maps, diagram: Diagram, batch: Mapping[str, Any], *, step: int = 0, rewriting: Rewriting | None = None
) -> Conflicts:
    """The gradients of the goals whose sample objects a batch holds (with its noise), in evaluation mode."""
    present = {str(diagram.generators[name].dom) for name in batch} | set(noise_alone(diagram))
    plan = plan_for(diagram, present, rewriting=rewriting)
    weights = weights_at(diagram, plan, step)
    program = maps.program(plan)
    norms: dict[str, float] = {}
    gradients: dict[str, dict[str, np.ndarray]] = {}
    unmovable: dict[str, str] = {}
    for compare in plan.compares:
        name = compare.name
        if not compare.gradient:
            unmovable[name] = "it mentions no model that it may move, or stops all gradients"
            continue
        # Weights of 0 instead of none keep the program's inputs what they are, so that nothing is traced again.
        alone = {other: weight if other == name else 0.0 for other, weight in weights.items()}
        _, found = program.value_and_grad(batch, alone, step)
        gradients[name] = {
            model: flat for model, parameters in found.items() if np.any(flat := _flat(maps, parameters))
        }
        norms[name] = math.sqrt(sum(float(flat @ flat) for flat in gradients[name].values()))
        if not gradients[name]:
            unmovable[name] = "its weight is 0" if weights[name] == 0 else "its gradient is 0 at these numbers"
    angles = {}
    for one, other in combinations(gradients, 2):
        shared = [model for model in gradients[one] if model in gradients[other]]
        if shared:
            a, b = (np.concatenate([gradients[goal][model] for model in shared]) for goal in (one, other))
            cosine = float(a @ b) / (float(np.linalg.norm(a)) * float(np.linalg.norm(b)))
            angles[one, other] = math.degrees(math.acos(min(1.0, max(-1.0, cosine))))
    return Conflicts(norms, angles, _unmoved(maps, diagram, set(plan.moved), gradients), unmovable)


def _flat(maps: Maps, parameters: Mapping[str, Any]) -> np.ndarray:
    parts = [np.asarray(maps.numpy(array), np.float64).ravel() for array in parameters.values()]
    return np.concatenate(parts) if parts else np.zeros(0)


def _unmoved(
    maps: Maps, diagram: Diagram, reached: set[str], gradients: Mapping[str, Mapping[str, np.ndarray]]
) -> dict[str, str]:
    moving = {model for found in gradients.values() for model in found}
    found = {}
    for name in diagram.models:
        if name not in reached:
            found[name] = "no gradient of these goals reaches it"
        elif name not in moving and maps.has(name) and maps.parameters([name]).get(name):
            found[name] = "every gradient is 0 at these numbers"
    return found
