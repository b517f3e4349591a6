"""Goals and measures after each epoch, as columns of the history.

In a stage only some maps change: an equation that mentions none of them and no noise keeps its value, and
is not measured again. (A student that trains for a thousand short epochs does not ask for its teacher's
accuracy each time.)
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from learningdiagrams.plan import make_plan
from learningdiagrams.training.evaluation import Equation, Evaluator

if TYPE_CHECKING:
    from learningdiagrams.backends.base import Maps
    from learningdiagrams.data import Data, Stream
    from learningdiagrams.diagram import Diagram

__all__ = ["Monitor"]


class Monitor:
    """Measures equations on some data after each epoch.

    Attributes:
        columns: the column of each equation, by its name.
        known: the last value of each equation that was measured.
    """

    def __init__(
        self, maps: Maps, diagram: Diagram, data: Data | Stream, equations: Iterable[Equation], prefix: str
    ) -> None:
        self._maps = maps
        self._diagram = diagram
        self._data = data
        self._mentions: dict[str, frozenset[str]] = {}
        for equation in equations:
            plan = make_plan(diagram, [equation], moves=(), keep_equal=True)
            noise = [name for name in plan.inputs if diagram.roles[name] == "noise"]
            self._mentions[equation.name] = frozenset([*plan.generators, *noise])
        self._changing: list[str] = []
        self._evaluator: Evaluator | None = None
        self.columns: dict[str, str] = {name: prefix + name for name in self._mentions}
        self.known: dict[str, float] = {}

    def stage(self, moved: Collection[str]) -> None:
        """A stage begins in which these maps change; averages always do, and noise is always drawn afresh."""
        roles = self._diagram.roles
        changing = {*moved, *(name for name, role in roles.items() if role in ("ema", "noise"))}
        self._changing = [name for name, mentioned in self._mentions.items() if mentioned & changing]
        self._evaluator = Evaluator(self._maps, self._diagram, self._changing) if self._changing else None

    def forget(self) -> None:
        """Everything is measured anew the next time: maps were changed otherwise than by steps."""
        self.known.clear()

    def __call__(self, step: int, seed: int, batch_size: int) -> Mapping[str, float]:
        """The columns of one row."""

        def measure(evaluator: Evaluator) -> None:
            self.known.update(evaluator(self._data, step=step, seed=seed, batch_size=batch_size))

        fresh = [name for name in self._mentions if name not in self._changing and name not in self.known]
        if fresh:
            measure(Evaluator(self._maps, self._diagram, fresh))
        if self._evaluator is not None:
            measure(self._evaluator)
        return {column: self.known[name] for name, column in self.columns.items() if name in self.known}
