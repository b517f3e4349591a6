"""A backend that computes next to nothing and writes down what the training loop asks of it.

Its terms are the mean of the first value of a batch, so that means over batches can be checked by hand; a
measure takes its values from `script`, one for each evaluation.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from learningdiagrams.backends.base import Abstract, Backend, Evaluated, Maps, Optimisation, Program, Trainer
from learningdiagrams.diagram import Diagram
from learningdiagrams.plan import Plan


@dataclass
class Step:
    """One step of training as it was asked for."""

    batch: dict[str, Any]
    weights: dict[str, float]
    step: int
    factor: float
    moved: tuple[str, ...]
    how: Optimisation


@dataclass
class Log:
    """What was asked, and what is to be answered."""

    steps: list[Step] = field(default_factory=list)
    follows: int = 0
    trainers: int = 0
    programs: list[Plan] = field(default_factory=list)
    script: list[float] = field(default_factory=list)


class RecordingBackend(Backend):
    name = "recording"

    def maps(
        self, diagram: Diagram, realisations: Mapping[str, Any], *, seed: int, dtype: str, device: str | None
    ) -> RecordingMaps:
        return RecordingMaps(diagram, dtype)


class RecordingMaps(Maps):
    def __init__(self, diagram: Diagram, dtype: str = "float32") -> None:
        self.diagram, self.backend, self.dtype = diagram, RecordingBackend(), dtype
        self.numbers = {name: {"w": np.zeros(2)} for name in diagram.models}
        self.log = Log()

    def has(self, generator: str) -> bool:
        return True

    def array(self, value: Any) -> Any:
        return np.asarray(value)

    def numpy(self, value: Any) -> Any:
        return value

    def abstract(self, generator: str, arguments: Sequence[Abstract]) -> None:
        return None

    def parameters(self, of: Collection[str] | None = None) -> dict[str, dict[str, Any]]:
        return {name: {"w": held["w"].copy()} for name, held in self.numbers.items() if of is None or name in of}

    def load_parameters(self, parameters: Mapping[str, Mapping[str, Any]]) -> None:
        for name, held in parameters.items():
            self.numbers[name]["w"] = np.array(held["w"])

    def buffers(self, of: Collection[str] | None = None) -> dict[str, dict[str, Any]]:
        return {}

    def load_buffers(self, buffers: Mapping[str, Mapping[str, Any]]) -> None:
        assert not buffers

    def program(self, plan: Plan) -> RecordingProgram:
        self.log.programs.append(plan)
        return RecordingProgram(self, plan)

    def follow(self) -> None:
        self.log.follows += 1


class RecordingProgram(Program):
    def __init__(self, maps: RecordingMaps, plan: Plan) -> None:
        self.maps, self.plan = maps, plan

    def __call__(self, batch, weights, step=0, training=False) -> Evaluated:
        terms = {}
        for compare in self.plan.compares:
            measured = compare.name in self.plan.diagram.measures
            value = self.maps.log.script.pop(0) if measured else np.mean(first(batch), dtype=np.float64)
            terms[compare.name] = np.float64(value)
        return Evaluated(np.float64(0), terms)

    def outputs(self, batch) -> tuple[Any, ...]:
        return tuple(np.zeros(1) for _ in self.plan.outputs)

    def trainer(self, how: Optimisation, moved: Sequence[str]) -> RecordingTrainer:
        self.maps.log.trainers += 1
        return RecordingTrainer(self.maps, how, tuple(moved))


def first(batch: Mapping[str, Any]) -> Any:
    """The first value of a batch; 1 of an empty one."""
    return next(iter(batch.values()), np.ones(1))


class RecordingTrainer(Trainer):
    def __init__(self, maps: RecordingMaps, how: Optimisation, moved: tuple[str, ...]) -> None:
        self.maps, self.how, self.moved = maps, how, moved
        self.count = 0

    def step(self, program, batch, weights, step, factor) -> Evaluated:
        self.maps.log.steps.append(Step(dict(batch), dict(weights), step, factor, self.moved, self.how))
        self.count += 1
        for name in self.moved:
            self.maps.numbers[name]["w"] += np.mean(first(batch))
        return program(batch, weights, step, True)

    def state(self) -> dict[str, np.ndarray]:
        return {"count": np.array(self.count)}

    def load_state(self, state: Mapping[str, np.ndarray]) -> None:
        self.count = int(state["count"])
