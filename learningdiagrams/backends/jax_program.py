"""A plan on JAX: the loss at a batch and the gradient field, compiled."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from learningdiagrams.backends.base import Batch, Evaluated, Optimisation, Parameters, Program
from learningdiagrams.backends.checks import check_numbers
from learningdiagrams.backends.comparators import compare as distance
from learningdiagrams.backends.jax_arrays import LOOKS, as_arrays, is_array
from learningdiagrams.backends.jax_ops import JaxOps
from learningdiagrams.backends.jax_training import JaxTrainer
from learningdiagrams.backends.straight_line import straight_line
from learningdiagrams.backends.variants import variants
from learningdiagrams.errors import DiagramError
from learningdiagrams.plan import Apply, Compare, Plan
from learningdiagrams.schedules import Schedule, schedule

if TYPE_CHECKING:
    from learningdiagrams.backends.jax import JaxMaps

__all__ = ["JaxProgram", "Operations", "Run"]

Array = Any


class JaxProgram(Program):
    """A plan as one pure function of numbers and batch, compiled for what is asked of it.

    Attributes:
        slots: where the numbers of its maps lie in `maps.numbers`.
        moving: the slots of buffers that models change in training.
        draws: whether any model of it may draw random numbers in training.
        steps: compiled steps of training, by what they depend on; optimizers alike share them.
    """

    def __init__(self, maps: JaxMaps, plan: Plan) -> None:
        self.plan = plan
        self.maps = maps
        tables = {name: (maps.map(name), *maps.slots(name)) for name in plan.generators}
        every = [slot for _, *both in tables.values() for table in both for slot in table.values()]
        self.slots = tuple(dict.fromkeys(every))
        models = [tables[name] for name in tables if maps.diagram.roles[name] == "model"]
        self.moving = tuple(dict.fromkeys(slot for _, _, buffers in models for slot in buffers.values()))
        self.draws = any(made.draws for made, _, _ in models)
        self.steps: dict[Any, Any] = {}
        self._names = tuple(each.name for each in plan.compares)
        self._weighted: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._compiled: dict[Any, Any] = {}
        self._run = straight_line(plan, Operations(maps, plan, maps.diagram.models))

    # The pure function --------------------------------------------------------------------------------------

    def loss(
        self,
        numbers: Mapping[int, Array],
        batch: Mapping[str, Array],
        weights: Mapping[str, Array],
        key: Array | None,
        training: bool,
    ) -> tuple[Array, tuple[tuple[Array, ...], tuple[Array, ...]]]:
        """(total, (terms, the moving buffers afterwards)); to be traced.

        Args:
            numbers: by slot, of every map of the plan. key: of this step's random draws, in training.
        """
        run = Run(dict(numbers), key, training)
        values, _ = self._run(batch, run)
        terms = dict(zip(self._names, values, strict=True))
        parts = [weight * terms[name] for name, weight in weights.items()]
        total = sum(parts[1:], start=parts[0]) if parts else jnp.zeros((), self.maps.dtype)
        moved = tuple(run.numbers[slot] for slot in self.moving) if training else ()
        return total, (values, moved)

    def pure(
        self, places: Mapping[str, Mapping[str, int]], weights: Mapping[str, float | Schedule], training: bool
    ) -> tuple[Parameters, Any]:
        """What :meth:`JaxMaps.pure` gives, for the parameters that stand in these places."""
        maps = self.maps
        shapes = {
            name: {key: tuple(maps.numbers[slot].shape) for key, slot in table.items()}
            for name, table in places.items()
        }
        schedules = {name: schedule(weights[name]) for name in self._names if name in weights}
        averages = [name for name in self.plan.generators if maps.diagram.roles[name] == "ema"]

        def fn(params: Parameters, batch: Batch, step: Any) -> tuple[Array, dict[str, Array]]:
            if maps.dtype == "float64" and jnp.result_type(float) != np.float64:
                raise DiagramError("this was compiled for float64; call it inside `with jax.enable_x64(True):`")
            check_numbers("parameter", params, shapes)
            moving = {name: batch[name] for name in averages if name in batch}
            tables = [(places, params), ({name: maps.slots(name)[0] for name in moving}, moving)]
            numbers = {slot: maps.numbers[slot] for slot in self.slots}
            for slots, values in tables:
                for name, table in slots.items():
                    missing = [key for key in table if key not in values.get(name, {})]
                    if missing:
                        raise DiagramError(f"the parameters lack {missing[0]} of `{name}`", name)
                    numbers.update((slot, jnp.asarray(values[name][key])) for key, slot in table.items())
            arrays = {name: jax.tree.map(jnp.asarray, maps.host(value)) for name, value in self._inputs(batch)}
            at = {name: each(step, xp=jnp) for name, each in schedules.items()}
            key = jax.random.fold_in(jax.random.key(maps.seed), step) if training and self.draws else None
            total, (values, _) = self.loss(numbers, arrays, at, key, training)
            return total, dict(zip(self._names, values, strict=True))

        with maps.context():
            params = {
                name: {key: jnp.array(maps.numbers[slot]) for key, slot in table.items()}
                for name, table in places.items()
            }
        return params, fn

    # Compiled -----------------------------------------------------------------------------------------------

    def __call__(self, batch: Batch, weights: Mapping[str, float], step: int = 0, training: bool = False) -> Evaluated:
        names = self.weighted(weights)
        run = self.compiled("value", (), names, training)
        total, values, _ = self._called(run, (), batch, [weights[name] for name in names], step, training)
        return Evaluated(total, dict(zip(self._names, values, strict=True)))

    def value_and_grad(
        self, batch: Batch, weights: Mapping[str, float], step: int = 0, training: bool = False
    ) -> tuple[Evaluated, Parameters]:
        maps, names = self.maps, self.weighted(weights)
        trained = tuple(maps.trained(maps.models))
        run = self.compiled("gradient", trained, names, training)
        values = [weights[name] for name in names]
        total, terms, found = self._called(run, trained, batch, values, step, training)
        gradients = dict(zip(trained, found, strict=True))
        field: Parameters = {}
        with maps.context():
            for name in maps.models:
                table, _ = maps.slots(name)
                field[name] = {
                    key: gradients[slot] if slot in gradients else jnp.zeros_like(maps.numbers[slot])
                    for key, slot in table.items()
                }
        return Evaluated(total, dict(zip(self._names, terms, strict=True))), field

    def outputs(self, batch: Batch) -> tuple[Array, ...]:
        if "outputs" not in self._compiled:

            @jax.jit
            def run(rest: Sequence[Array], inputs: Sequence[Array]) -> tuple[Array, ...]:
                state = Run(dict(zip(self.slots, rest, strict=True)), None, training=False)
                return self._run(dict(zip(self.plan.inputs, inputs, strict=True)), state)[1]

            self._compiled["outputs"] = run
        with self.maps.context():
            inputs = self.inputs(batch)
            return self._compiled["outputs"]([self.maps.numbers[slot] for slot in self.slots], inputs)

    def trainer(self, how: Optimisation, moved: Sequence[str]) -> JaxTrainer:
        return JaxTrainer(self.maps, how, moved)

    def weighted(self, weights: Mapping[str, float]) -> tuple[str, ...]:
        """The comparisons that are part of the total."""
        given = tuple(weights)
        if given not in self._weighted:
            self._weighted[given] = tuple(name for name in self._names if name in weights)
        return self._weighted[given]

    def inputs(self, batch: Batch, own: bool = True) -> list[Array]:
        """The batch's values in the order of `plan.inputs`, as compiled functions take them; `own` as for
        :meth:`JaxMaps.host`.
        """
        host = self.maps.host
        return [host(value, own) for _, value in self._inputs(batch)]

    def _inputs(self, batch: Batch) -> list[tuple[str, Any]]:
        try:
            return [(name, batch[name]) for name in self.plan.inputs]
        except KeyError as missing:
            raise DiagramError(f"the batch lacks `{missing.args[0]}`") from None

    def rest(self, trained: Sequence[int], training: bool) -> tuple[int, ...]:
        """The slots of numbers that are neither trained nor moved by this program."""
        moved = {*trained, *(self.moving if training else ())}
        return tuple(slot for slot in self.slots if slot not in moved)

    def field(
        self, trained: Sequence[int], names: Sequence[str], training: bool
    ) -> Callable[..., tuple[tuple[Array, tuple[tuple[Array, ...], tuple[Array, ...]]], tuple[Array, ...]]]:
        """The function ((trained numbers), moving, rest, inputs, weights, seeds) -> ((total, (terms, moved)),
        gradients), to be traced; `seeds` are the seed and the step where `draws`, else None.
        """
        return jax.value_and_grad(self.total(trained, names, training), has_aux=True)

    def total(self, trained: Sequence[int], names: Sequence[str], training: bool) -> Callable[..., Any]:
        """The same without gradients: -> (total, (terms, moved))."""
        moving = self.moving if training else ()
        rest_slots = self.rest(trained, training)

        def total(
            values: Sequence[Array],
            moved: Sequence[Array],
            rest: Sequence[Array],
            inputs: Sequence[Array],
            weights: Array,
            seeds: Array | None,
        ) -> Any:
            slots = (*trained, *moving, *rest_slots)
            numbers = dict(zip(slots, (*values, *moved, *rest), strict=True))
            key = None if seeds is None else jax.random.fold_in(jax.random.key(seeds[0]), seeds[1])
            batch = dict(zip(self.plan.inputs, inputs, strict=True))
            weighted = {name: weights[i] for i, name in enumerate(names)}
            return self.loss(numbers, batch, weighted, key, training)

        return total

    def seeds(self, step: int, training: bool) -> np.ndarray | None:
        """What random draws of a step depend on, for `total`."""
        if not (training and self.draws):
            return None
        return np.array([self.maps.seed & 0xFFFFFFFF, step & 0xFFFFFFFF], np.uint32)

    def compiled(self, kind: str, trained: Sequence[int], names: tuple[str, ...], training: bool) -> Any:
        """`field` ("gradient") or `total` ("value"), compiled for each set of weighted goals and mode."""
        key = (kind, names, training)
        if key not in self._compiled:
            if kind == "gradient":
                field = self.field(trained, names, training)

                def run(*arguments: Any) -> Any:
                    (total, (terms, moved)), gradients = field(*arguments)
                    return total, terms, moved, gradients
            else:
                value = self.total(trained, names, training)

                def run(*arguments: Any) -> Any:
                    total, (terms, moved) = value(*arguments)
                    return total, terms, moved, ()

            self._compiled[key] = jax.jit(run)
        return self._compiled[key]

    def _called(
        self,
        run: Any,
        trained: Sequence[int],
        batch: Batch,
        weights: Sequence[float],
        step: int,
        training: bool,
    ) -> tuple[Array, tuple[Array, ...], tuple[Array, ...]]:
        """Total, terms and gradients; the buffers that moved are put in their place."""
        numbers, moving = self.maps.numbers, self.moving if training else ()
        with self.maps.context():
            total, terms, moved, gradients = run(
                [numbers[slot] for slot in trained],
                [numbers[slot] for slot in moving],
                [numbers[slot] for slot in self.rest(trained, training)],
                self.inputs(batch),
                np.array(weights, self.maps.dtype),
                self.seeds(step, training),
            )
        for slot, value in zip(moving, moved, strict=True):
            numbers[slot] = value
        return total, terms, gradients


class Run:
    """One call of a plan while it is traced: all numbers, of which maps replace their buffers.

    `before` holds the buffers that the first of the variants of a value was computed with; the others are computed
    with them too, and replace nothing.
    """

    def __init__(self, numbers: dict[int, Array], key: Array | None, training: bool) -> None:
        self.numbers = numbers
        self.before: dict[int, dict[str, Array]] = {}
        self.key = key
        self.training = training


class Operations:
    """What :class:`~learningdiagrams.backends.straight_line.Operations` asks for; the state is a `Run`."""

    def __init__(self, maps: JaxMaps, plan: Plan, trained: Collection[str]) -> None:
        self._maps = maps
        self._trained = frozenset(trained)
        self._ops = JaxOps()
        self._variants = variants(plan)

    def apply(self, step: Apply) -> Callable[..., Any]:
        name = step.generator
        made, (parameters, buffers) = self._maps.map(name), self._maps.slots(name)
        trains = name in self._trained
        number = self._variants[step.outs[0]]

        def application(run: Run, *arguments: Array) -> Any:
            training = run.training and trains
            numbers = {key: run.numbers[slot] for key, slot in parameters.items()}
            if not step.live:
                numbers = {key: lax.stop_gradient(number) for key, number in numbers.items()}
            first = number not in run.before
            before = run.before.setdefault(number, {key: run.numbers[slot] for key, slot in buffers.items()})
            key = jax.random.fold_in(run.key, number) if training and run.key is not None else None
            try:
                value, after = made.apply(numbers, before, arguments, training=training, key=key)
            except LOOKS as error:
                raise DiagramError(
                    f"`{name}` looks at its numbers, which a compiled function cannot; write it with "
                    "jax.numpy and jax.lax",
                    name,
                ) from error
            if training and first:
                run.numbers.update((slot, lax.stop_gradient(after[key])) for key, slot in buffers.items())
            return as_arrays(value)

        return application

    def lift(self, value: Array) -> Array:
        return value[None]

    def expand(self, value: Array, like: Array) -> Array:
        return jnp.broadcast_to(value, (like.shape[0], *value.shape[1:]))

    def stop(self, value: Array) -> Array:
        return lax.stop_gradient(value)

    def is_array(self, value: Any) -> bool:
        return is_array(value)

    def compare(self, compare: Compare, where: str) -> Callable[[Array, Array], Array]:
        return partial(distance, self._ops, compare.by, where=where)
