"""What a backend owes. Whoever adds one implements :class:`Backend`, :class:`Maps`, :class:`Program` and, to train,
:class:`Trainer`, and nothing else; then `diagram.compile(backend=MyBackend())` computes on it, without registration.

A compiled diagram on one backend is a :class:`Maps`: the values of the functor at the generators together with all
their numbers, Θ = ∏ P_g. It makes a :class:`Program` of a plan (:mod:`learningdiagrams.plan`), which computes the
comparisons' values on a batch and, where the backend trains, their gradients. Training, data, checkpoints, shapes and
everything that people see are the same for every backend and stand on this interface alone.

**Values.** A batch is a dictionary {data or noise generator: value}; a value is an array whose first axis is the batch,
or a tuple of arrays where the generator's codomain is a product. Arrays handed in are NumPy's or the backend's own.
Floating numbers are converted to the compiled `dtype`; whole numbers and truth values stay what they are (class numbers
are read by the comparators). A map of several inputs is called with one argument each, and returns a tuple where its
codomain is a product. A map out of 1 is called without arguments and gives one value without batch axis; the program
adds one of length 1. Plans say where a value is repeated to a batch, stopped, or shared; a backend does what they say.

**Plans.** A plan's steps are done in their order; each makes the values numbered by its `outs`, one for each factor.

| step | its values |
|---|---|
| `Input(generator)` | the batch's, under that name |
| `Apply(generator, arguments, live, flows)` | the map's, called with the values numbered `arguments` |
| `Expand(value, like)` | `value`, whose batch axis is of length 1, repeated to the batch size of `like` |
| `Stop(value)` | the same value, through which no gradient passes |

Then each `Compare(name, by, pairs)` of `plan.compares` is one term: for each pair (left values, right values) the mean
of `by` over their factors, and the mean of that over the pairs. The total is Σ weight · term over the names that have a
weight. Either a backend walks the table itself, or it says what single steps do and
:func:`~learningdiagrams.backends.straight_line.straight_line` makes one function of the plan, which also checks what
maps return and names them in errors. What a comparator computes is written once, in
:func:`learningdiagrams.backends.comparators.compare`, over the few array operations that it lists (`Ops`).

**Numbers.** A parameter or buffer that a map, or two maps, hold under two names is one number. An average (`ema`) holds
copies of what it follows. Built-in layers (:mod:`learningdiagrams.layers`) start from the numbers that
:func:`learningdiagrams.backends.layers.initial` gives for their generator's name, the same on every backend; what they
compute is most easily read in `layers_jax.py`. What is refused everywhere, and in which words, stands in
:mod:`~learningdiagrams.backends.checks` (names and shapes of numbers, maps and their arguments) and
:mod:`~learningdiagrams.backends.roles` (numbers that a frozen and a trained map share, models that cannot move).

**Gradients.** `Apply.live` says whether gradients reach the parameters of the map, `Apply.flows` whether they pass
through it to its arguments. A map with neither is computed without gradients at all; one that only flows takes its
parameters as constants. Frozen maps are never changed, nor their flags.

**Mode.** With `training=True`, maps of role "model" are in training mode (dropout draws, batch norm uses and updates
its statistics); all others, and everything else, evaluates. Modules' own flags are put back. Applications that are
:mod:`~learningdiagrams.backends.variants` of one value draw the same random numbers, and learn statistics once.

**Order of implementation.** Whatever has a body here may wait. With the abstract methods of :class:`Backend`,
:class:`Maps` and :class:`Program` a diagram has its loss, `apply`, `evaluate`, `residuals`, `save` and `restore`
(`abstract` may return None: shapes are then found out while computing). Training wants `value_and_grad`, `trainer` with
:class:`Trainer`, and `follow` where there are averages; resuming bit for bit wants `session` and `random_state` where
maps draw. Passes that ask whether a map takes each row by itself do nothing until `by_row`, and with it `places` and
`changes`, say more. What a backend offers beyond this, users reach under its own name: `module(loss)`, `pure(plan,
weights, training)`, `extract(morphism)` and `write_back()` of `Maps`, where there are such methods.

`tests/backends/numpy_backend.py` is such a backend of values, in NumPy; the tests there and in `tests/` that take the
fixture `backend` run over every one that `tests/conftest.py` lists.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from learningdiagrams.backends.joint import table_for
from learningdiagrams.batching import Table
from learningdiagrams.diagram import Diagram
from learningdiagrams.errors import DiagramError
from learningdiagrams.plan import Plan
from learningdiagrams.shapes import Abstract
from learningdiagrams.stacking import Lone
from learningdiagrams.theory.morphisms import Morphism

__all__ = [
    "Abstract",
    "Backend",
    "Batch",
    "Evaluated",
    "Maps",
    "Optimisation",
    "Parameters",
    "Program",
    "Trainer",
]

Array = Any
"""An array of the backend."""
Batch = Mapping[str, Any]
Parameters = dict[str, dict[str, Any]]
"""{generator: {parameter name: array}}"""


@dataclass(frozen=True)
class Evaluated:
    """The loss at a batch: `total` is the sum over goals of weight · term, `terms` are unweighted; all are 0-d
    arrays.
    """

    total: Array
    terms: Mapping[str, Array]

    def _repr_html_(self) -> str:
        from learningdiagrams.drawing.notebooks import values_html

        return values_html(("term", "value"), {**self.terms, "total": self.total})


@dataclass(frozen=True)
class Optimisation:
    """How a trainer updates the parameters.

    Attributes:
        optimizer: "sgd", "momentum", "adam", "adamw" or "rmsprop" with the defaults of the backend's own; or what the
            backend takes: on torch a function of a list of parameter groups (as `torch.optim.Adam` is), on jax an optax
            transformation, made without a learning rate of its own (`optax.scale_by_adam()`), or a function of a
            learning rate (as `optax.adam` is).
        lr: the learning rate, or None for the optimizer's default.
        rates: learning rates of single models, by generator, instead of `lr`.
        clip: the largest norm of the whole gradient, or None.
        precision: "bfloat16" where maps compute with such numbers in a step; parameters, comparisons and the update
            keep the compiled kind. None for the compiled kind throughout.
    """

    optimizer: Any = "adam"
    lr: float | None = None
    rates: Mapping[str, float] = field(default_factory=dict)
    clip: float | None = None
    precision: str | None = None


class Backend(ABC):
    """One way to compute. Chosen when compiling; holds no state, so that several are alive in one process.

    Attributes:
        name: as errors, checkpoints and reports call it.
    """

    name: str

    @abstractmethod
    def maps(
        self, diagram: Diagram, realisations: Mapping[str, Any], *, seed: int, dtype: str, device: str | None
    ) -> Maps:
        """The maps of a diagram, with their initial numbers.

        Args:
            realisations: for each generator that is realised, an object that the backend takes as a map (a module, a
                function of arrays …) or a layer of :mod:`learningdiagrams.layers`, whose initial numbers come from
                :mod:`learningdiagrams.backends.layers` and are the same on every backend. One object given for two
                generators is one map. An `ema` generator has no entry: it starts as a copy of what it follows.
            seed: the seed of built-in layers' numbers. dtype: "float32" or "float64".
            device: the backend's name of a device, or None for its default.

        Raises:
            DiagramError: an object that is no map here, saying what is; a parameter that a frozen and a trained map
                hold together, naming both.
        """


class Maps(ABC):
    """The maps of one compiled diagram, with all their numbers.

    Attributes:
        diagram, backend: what was compiled, and where.
        dtype: "float32" or "float64".
        passes: those that are asked for, see :mod:`learningdiagrams.passes`.
        recompute: the maps that keep only their arguments for the backward pass, and compute the rest again.
        fewest: how many maps or comparisons a batched call has to do at once to take less time than they one by one.
        reads_later: whether a trainer's step may still read its batch when it has returned, as where a device runs
            ahead; arrays that somebody fills again are then copied before.
    """

    diagram: Diagram
    backend: Backend
    dtype: str
    passes: frozenset[str] = frozenset()
    recompute: frozenset[str] = frozenset()
    fewest: int = 2
    reads_later: bool = False

    @abstractmethod
    def has(self, generator: str) -> bool:
        """Whether a generator is realised here. One that is not may be there as long as no program applies it."""

    @abstractmethod
    def array(self, value: Any) -> Array:
        """A value (an array, a number, or a tuple of them) as arrays of the backend on the compiled device and
        dtype.
        """

    @abstractmethod
    def numpy(self, value: Any) -> Any:
        """An array of the backend (or a tuple) as NumPy's."""

    @abstractmethod
    def abstract(self, generator: str, arguments: Sequence[Abstract]) -> tuple[Abstract, ...] | None:
        """The types of a map's outputs at arguments of these types, computed without numbers.

        Remembered by architecture, so that a thousand maps of one kind cost one evaluation. None where the map does not
        admit it (a function that looks at its numbers).

        Raises:
            DiagramError: the map refuses such arguments, with the reason in one line.
        """

    @abstractmethod
    def parameters(self, of: Collection[str] | None = None) -> Parameters:
        """A snapshot (copies) of the parameters of every map, frozen and ema too, or of those named in `of`; a map
        without parameters has {}.

        Names are those of the module's own `named_parameters()`. A parameter that two maps hold together is listed
        under both.
        """

    @abstractmethod
    def load_parameters(self, parameters: Mapping[str, Mapping[str, Any]]) -> None:
        """Copies numbers in, of the maps and parameters that are named.

        Raises:
            DiagramError: an unknown map or parameter, or a shape that differs, naming it with both shapes.
        """

    @abstractmethod
    def buffers(self, of: Collection[str] | None = None) -> Parameters:
        """A snapshot of the buffers (running statistics …) of every map that has any, or of those named in `of`."""

    @abstractmethod
    def load_buffers(self, buffers: Mapping[str, Mapping[str, Any]]) -> None:
        """Copies buffers in; errors as for parameters."""

    @abstractmethod
    def program(self, plan: Plan) -> Program:
        """The plan, ready to compute on these maps."""

    def table(self, plan: Plan) -> Table:
        """How a plan is computed here: what the passes made of it, and what they left alone and why."""
        return table_for(plan, self)

    def by_row(self, generator: str, training: bool = False) -> str | None:
        """Why a map may not take each row of a batch by itself in this mode, or None where it does.

        It does where a row of what it gives depends on that row of what it is given and on nothing else, and nothing is
        drawn or learned on the way. Passes ask this (:mod:`learningdiagrams.passes`) and leave alone what is not known.
        """
        return f"the backend {self.backend.name} does not say whether it takes each row by itself"

    def architecture(self, generator: str) -> Hashable:
        """What is equal for maps that differ in their numbers only and that this backend runs in one call, stacked; or
        :class:`~learningdiagrams.stacking.Lone`, which says why there is none.
        """
        return Lone(f"the backend {self.backend.name} runs each map by itself")

    def size(self, generator: str) -> int:
        """How many numbers a map holds."""
        return 0

    def places(self, generator: str) -> frozenset[Hashable]:
        """What tells the places that hold a map's parameters and buffers; two maps that share one have it in common."""
        return frozenset()

    def changes(self, generators: Collection[str]) -> Hashable:
        """A value that differs from the one of before where the numbers of these maps were changed since."""
        return None

    def composites(self, images: Mapping[str, Morphism], trained: Collection[str]) -> dict[str, Any]:
        """For each name its morphism as one map, on copies of the numbers as they are now.

        What comes out is what :meth:`Backend.maps` takes as realisations. A map that occurs in several morphisms is
        copied once for those in `trained`, which share the copy, and once for all others. A generator's map keeps its
        parameters' names; those of a composite are `generator.parameter`.
        """
        raise DiagramError(f"the backend {self.backend.name} makes no maps of composites")

    def follow(self) -> None:
        """One step of every `ema` map: e ← decay · e + (1 − decay) · m for parameters; buffers are copied."""
        raise DiagramError(f"the backend {self.backend.name} computes values only and does not train")

    def averages(self) -> Parameters:
        """The averages' parameters where a function of its own (`pure`) has to be handed them with a batch; else {}."""
        return {}

    def random_state(self) -> dict[str, np.ndarray]:
        """What random draws inside maps (dropout) depend on, for a checkpoint; {} where they depend on the step
        alone.
        """
        return {}

    def load_random_state(self, state: Mapping[str, np.ndarray]) -> None:
        """Puts that state back; by itself there is none."""
        return

    def session(self, seed: int) -> Any:
        """A context in which training runs: maps stay in training mode, random draws inside maps start at `seed`.

        Leaving it puts the modes and the process's own random state back.
        """
        from contextlib import nullcontext

        return nullcontext()


class Program(ABC):
    """A plan on the maps of one backend.

    Attributes:
        plan: what it computes.
    """

    plan: Plan

    @abstractmethod
    def __call__(self, batch: Batch, weights: Mapping[str, float], step: int = 0, training: bool = False) -> Evaluated:
        """The loss at a batch that holds every input of the plan (noise drawn).

        Args:
            weights: the weight of each goal at this step; what has none here (a measure) is no part of the total.
            step: keys draws inside maps where the backend's randomness is functional.
        """

    @abstractmethod
    def outputs(self, batch: Batch) -> tuple[Array, ...]:
        """The values that the plan wants for themselves (`plan.outputs`), in evaluation mode, without gradients.

        For a morphism that starts at no sample object, the batch's keys are the positions "0", "1" … of its arguments.
        """

    def value_and_grad(
        self, batch: Batch, weights: Mapping[str, float], step: int = 0, training: bool = False
    ) -> tuple[Evaluated, Parameters]:
        """The loss and the gradient field: for each trained map, the gradient of the goals that move it.

        A trained map that no goal reaches has zeros.
        """
        raise DiagramError("this backend computes values only and has no gradients")

    def trainer(self, how: Optimisation, moved: Sequence[str]) -> Trainer:
        """Something that takes steps with this program, moving these models only, with a fresh optimizer.

        Raises:
            DiagramError: an optimizer that this backend does not take, saying what it takes; two learning rates for a
                parameter that two models hold.
        """
        raise DiagramError("this backend computes values only and does not train")


class Trainer(ABC):
    """An optimizer at work on the parameters of the models that move, each once.

    A parameter that moves and that no goal of a step reaches has gradient zero in that step.

    Attributes:
        at_once: how many steps it takes in one call where it is given as many (:meth:`steps`).
    """

    at_once: int = 1

    @abstractmethod
    def step(self, program: Program, batch: Batch, weights: Mapping[str, float], step: int, factor: float) -> Evaluated:
        """One step: loss, gradient field, update; models are in training mode.

        Args:
            batch: arrays that nobody changes any more where `reads_later`.
            program: a program on the same maps; another one where a batch lacks a sample object.
            factor: of the learning rates, at this step.

        Nothing here waits for a device: terms are arrays, and the caller looks at them when it logs.
        """

    def steps(
        self,
        program: Program,
        batches: Sequence[Batch],
        weights: Sequence[Mapping[str, float]],
        step: int,
        factors: Sequence[float],
    ) -> Sequence[Mapping[str, Array]]:
        """Steps one after another on batches of one shape, at most `at_once`; the terms of each.

        Args:
            step: the number of the first. weights, factors: for each step, as in :meth:`step`.

        The numbers of a step do not depend on how many are taken in one call.
        """
        each = zip(batches, weights, factors, strict=True)
        return [self.step(program, batch, at, step + i, factor).terms for i, (batch, at, factor) in enumerate(each)]

    def step_in_parts(
        self,
        program: Program,
        parts: Sequence[tuple[Batch, Mapping[str, float]]],
        step: int,
        factor: float,
    ) -> Sequence[Mapping[str, Array]]:
        """One step by the sum of the gradients of several batches, each with its weights; the terms of each.

        No more than one of them is computed with at a time, so that memory is that of the largest.
        """
        raise DiagramError("this backend does not add up the gradients of several batches")

    @abstractmethod
    def state(self) -> dict[str, np.ndarray]:
        """The optimizer's state as a flat dictionary of arrays, for a checkpoint."""

    @abstractmethod
    def load_state(self, state: Mapping[str, np.ndarray]) -> None:
        """Puts that state back."""

    def carry_state(self, state: Mapping[str, np.ndarray], origins: Mapping[str, str]) -> None:
        """Takes over, after an edit of the diagram, what an optimizer of the same kind had there.

        Args:
            origins: {parameter here: the one there that it was}, each as `generator.parameter`; shapes agree. Those
                that are missing start as under a fresh optimizer, also in what it counts.
        """
        raise DiagramError("this backend carries no optimizer's state over an edit")
