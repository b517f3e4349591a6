"""A plan on JAX: the loss at a batch and the gradient field, compiled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any
from zlib import crc32

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from learningdiagrams.backends.base import Batch, Evaluated, Optimisation, Parameters, Program
from learningdiagrams.backends.checks import check_numbers
from learningdiagrams.backends.comparators import compare as distance
from learningdiagrams.backends.jax_arrays import LOOKS, as_arrays, is_array, real_as
from learningdiagrams.backends.jax_bundles import Terms, bundle, cells_of, singly, weighed
from learningdiagrams.backends.jax_numbers import Place, Traced, apart, arranged, slots_of
from learningdiagrams.backends.jax_ops import JaxOps
from learningdiagrams.backends.jax_training import JaxTrainer
from learningdiagrams.backends.straight_line import straight_line
from learningdiagrams.backends.variants import variants
from learningdiagrams.batching import Table
from learningdiagrams.errors import DiagramError
from learningdiagrams.plan import Apply, Compare, Plan
from learningdiagrams.schedules import Schedule, schedule

if TYPE_CHECKING:
    from learningdiagrams.backends.jax import JaxMaps
    from learningdiagrams.backends.jax_maps import JaxMap

__all__ = ["JaxProgram", "Operations", "Run"]

Array = Any


class JaxProgram(Program):
    """A plan as one pure function of numbers and batch, compiled for what is asked of it.

    Attributes:
        slots: where the numbers of its maps lie in `maps.numbers`.
        table: how it is computed.
        cells: the numbers of maps that run as one, which are read stacked.
        moving: the slots of buffers that models change in training.
        draws: whether any model of it may draw random numbers in training.
        steps: compiled steps of training, by what they depend on; optimizers alike share them.
    """

    def __init__(self, maps: JaxMaps, plan: Plan) -> None:
        self.plan = plan
        self.maps = maps
        self.table: Table = maps.table(plan)
        self.cells = cells_of(self.table, maps)
        tables = {name: (maps.map(name), *maps.slots(name)) for name in plan.generators}
        every = [slot for _, *both in tables.values() for table in both for slot in table.values()]
        self.slots: tuple[int, ...] = tuple(dict.fromkeys(every))
        models = [tables[name] for name in tables if maps.diagram.roles[name] == "model"]
        self.moving: tuple[int, ...] = tuple(
            dict.fromkeys(slot for _, _, buffers in models for slot in buffers.values())
        )
        self.draws: bool = any(made.draws for made, _, _ in models)
        self.steps: dict[Any, Any] = {}
        self._names = tuple(each.name for each in plan.compares)
        self._weighted: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._compiled: dict[Any, Any] = {}
        self._run = straight_line(plan, self._operations(), self.table)

    def _operations(self) -> Operations:
        """The operations that the table wants."""
        if not self.table.joints:
            return Operations(self.maps, self.plan, self.maps.diagram.models)
        from learningdiagrams.backends.jax_joint import JaxJoint

        return JaxJoint(self.maps, self.plan, self.maps.diagram.models)

    # The pure function --------------------------------------------------------------------------------------

    def loss(
        self,
        numbers: Mapping[Place, Array],
        batch: Mapping[Any, Array],
        names: Sequence[str],
        weights: Array,
        key: Array | None,
        training: bool,
        half: str | None = None,
    ) -> tuple[Array, tuple[tuple[Array, ...], tuple[Array, ...]]]:
        """(total, (terms, the moving buffers afterwards)); to be traced. Terms are those of :meth:`terms`.

        Args:
            numbers: by place, of every map of the plan. batch: by input of the table.
            names, weights: of the goals that are part of the total. key: of this step's random draws, in training.
        """
        run = Run(numbers, key, training, half)
        values, _ = self._run(batch, run)
        parts = list(weighed(self.table, values, names, weights))
        total = sum(parts[1:], start=parts[0]) if parts else jnp.zeros((), self.maps.dtype)
        moved = tuple(run.numbers[slot] for slot in self.moving) if training else ()
        return total, (values, moved)

    def pure(
        self, places: Mapping[str, Mapping[str, int]], weights: Mapping[str, float | Schedule], training: bool
    ) -> tuple[Parameters, Any]:
        """What :meth:`JaxMaps.pure` gives, for the parameters that stand in these places."""
        maps = self.maps
        shapes = {
            name: {key: maps.numbers.shape(slot) for key, slot in table.items()} for name, table in places.items()
        }
        schedules = {name: schedule(weights[name]) for name in self._names if name in weights}
        averages = [name for name in self.plan.generators if maps.diagram.roles[name] == "ema"]

        def fn(params: Parameters, batch: Batch, step: Any) -> tuple[Array, dict[str, Array]]:
            if maps.dtype == "float64" and jnp.result_type(float) != np.float64:
                raise DiagramError("this was compiled for float64; call it inside `with jax.enable_x64(True):`")
            check_numbers("parameter", params, shapes)
            moving = {name: batch[name] for name in averages if name in batch}
            tables = [(places, params), ({name: maps.slots(name)[0] for name in moving}, moving)]
            numbers: dict[Place, Array] = {slot: maps.numbers[slot] for slot in self.slots}
            for slots, values in tables:
                for name, table in slots.items():
                    missing = [key for key in table if key not in values.get(name, {})]
                    if missing:
                        raise DiagramError(f"the parameters lack {missing[0]} of `{name}`", name)
                    numbers.update((slot, jnp.asarray(values[name][key])) for key, slot in table.items())
            given = {name: jax.tree.map(jnp.asarray, maps.host(value)) for name, value in self._inputs(batch)}
            arrays = self._bundled(given)
            at = jnp.array([each(step, xp=jnp) for each in schedules.values()], maps.dtype)
            key = jax.random.fold_in(jax.random.key(maps.seed), step) if training and self.draws else None
            total, (values, _) = self.loss(numbers, arrays, tuple(schedules), at, key, training)
            return total, {name: term for name, term in singly(self.table, values)}

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
        return Evaluated(total, self.terms(values))

    def terms(self, values: Sequence[Array]) -> Mapping[str, Array]:
        """The terms by name, of what a compiled function gave for the comparisons of the table."""
        if self.table.joints:
            return Terms(self.table, values, self.maps.context)
        return dict(zip(self._names, values, strict=True))

    def value_and_grad(
        self, batch: Batch, weights: Mapping[str, float], step: int = 0, training: bool = False
    ) -> tuple[Evaluated, Parameters]:
        maps, names = self.maps, self.weighted(weights)
        trained = arranged(tuple(maps.trained(maps.models)), self.cells)
        run = self.compiled("gradient", trained, names, training)
        values = [weights[name] for name in names]
        total, terms, found = self._called(run, trained, batch, values, step, training)
        field: Parameters = {}
        with maps.context():
            gradients: dict[int, Array] = {}
            for place, array in zip(trained, found, strict=True):
                if isinstance(place, tuple):
                    gradients.update(zip(place, apart(array), strict=True))
                else:
                    gradients[place] = array
            for name in maps.models:
                table, _ = maps.slots(name)
                field[name] = {
                    key: gradients[slot] if slot in gradients else jnp.zeros_like(maps.numbers[slot])
                    for key, slot in table.items()
                }
        return Evaluated(total, self.terms(terms)), field

    def outputs(self, batch: Batch) -> tuple[Array, ...]:
        if "outputs" not in self._compiled:

            @jax.jit
            def run(rest: Sequence[Array], inputs: Sequence[Array]) -> tuple[Array, ...]:
                state = Run(dict(zip(self.slots, rest, strict=True)), None, training=False)
                return self._run(dict(zip(self.table.inputs, inputs, strict=True)), state)[1]

            self._compiled["outputs"] = run
        with self.maps.context():
            inputs = self.inputs(batch)
            return self._compiled["outputs"]([self.maps.numbers[slot] for slot in self.slots], inputs)

    def trainer(self, how: Optimisation, moved: Sequence[str]) -> JaxTrainer:
        return JaxTrainer(self.maps, how, moved, self.cells)

    def weighted(self, weights: Mapping[str, float]) -> tuple[str, ...]:
        """The comparisons that are part of the total."""
        given = tuple(weights)
        if given not in self._weighted:
            self._weighted[given] = tuple(name for name in self._names if name in weights)
        return self._weighted[given]

    def inputs(self, batch: Batch, own: bool = True) -> list[Array]:
        """The batch's values in the order of the table's inputs, as compiled functions take them; `own` as for
        :meth:`JaxMaps.host`.
        """
        host = self.maps.host
        if not self.table.joints:
            return [host(value, own) for _, value in self._inputs(batch)]
        return list(self._bundled({name: host(value, own) for name, value in self._inputs(batch)}).values())

    def _bundled(self, values: Mapping[str, Any]) -> dict[str | tuple[str, ...], Any]:
        """The values by input of the table."""
        return {
            name: values[name] if isinstance(name, str) else bundle(tuple(values[each] for each in name))
            for name in self.table.inputs
        }

    def _inputs(self, batch: Batch) -> list[tuple[str, Any]]:
        try:
            return [(name, batch[name]) for name in self.plan.inputs]
        except KeyError as missing:
            raise DiagramError(f"the batch lacks `{missing.args[0]}`") from None

    def rest(self, trained: Sequence[Place], training: bool) -> tuple[Place, ...]:
        """The places of numbers that are neither trained nor moved by this program."""
        moved = {*slots_of(trained), *(self.moving if training else ())}
        return arranged([slot for slot in self.slots if slot not in moved], self.cells)

    def field(
        self, trained: Sequence[Place], names: Sequence[str], training: bool, half: str | None = None
    ) -> Callable[..., tuple[tuple[Array, tuple[tuple[Array, ...], tuple[Array, ...]]], tuple[Array, ...]]]:
        """The function ((trained numbers), moving, rest, inputs, weights, seeds) -> ((total, (terms, moved)),
        gradients), to be traced; `seeds` are the seed and the step where `draws`, else None. Maps compute with numbers
        of the kind `half`, where one is named.
        """
        return jax.value_and_grad(self.total(trained, names, training, half), has_aux=True)

    def total(
        self, trained: Sequence[Place], names: Sequence[str], training: bool, half: str | None = None
    ) -> Callable[..., Any]:
        """The same without gradients: -> (total, (terms, moved))."""
        moving = self.moving if training else ()
        rest_places = self.rest(trained, training)

        def total(
            values: Sequence[Array],
            moved: Sequence[Array],
            rest: Sequence[Array],
            inputs: Sequence[Array],
            weights: Array,
            seeds: Array | None,
        ) -> Any:
            places = (*trained, *moving, *rest_places)
            numbers = dict(zip(places, (*values, *moved, *rest), strict=True))
            key = None if seeds is None else jax.random.fold_in(jax.random.key(seeds[0]), seeds[1])
            batch = dict(zip(self.table.inputs, inputs, strict=True))
            return self.loss(numbers, batch, names, weights, key, training, half)

        return total

    def seeds(self, step: int, training: bool) -> np.ndarray | None:
        """What random draws of a step depend on, for `total`."""
        if not (training and self.draws):
            return None
        return np.array([self.maps.seed & 0xFFFFFFFF, step & 0xFFFFFFFF], np.uint32)

    def compiled(self, kind: str, trained: Sequence[Place], names: tuple[str, ...], training: bool) -> Any:
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
        trained: Sequence[Place],
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

    def __init__(
        self, numbers: Mapping[Place, Array], key: Array | None, training: bool, half: str | None = None
    ) -> None:
        self.half = half
        self.numbers = Traced(numbers)
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
        self._draws = _draws(plan, self._variants)

    def apply(self, step: Apply) -> Callable[..., Any]:
        name = step.generator
        made, (parameters, buffers) = self._maps.map(name), self._maps.slots(name)
        trains = name in self._trained
        number = self._variants[step.outs[0]]
        draw = self._draws[number]

        def application(run: Run, *arguments: Array) -> Any:
            training = run.training and trains
            numbers = {key: run.numbers[slot] for key, slot in parameters.items()}
            if not step.live:
                numbers = {key: lax.stop_gradient(number) for key, number in numbers.items()}
            first = number not in run.before
            before = run.before.setdefault(number, {key: run.numbers[slot] for key, slot in buffers.items()})
            key = jax.random.fold_in(run.key, draw) if training and run.key is not None else None
            try:
                value, after = self._call(name, made, training, run.half)(numbers, before, arguments, key)
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

    def _call(self, name: str, made: JaxMap, training: bool, half: Any) -> Callable[..., Any]:
        """The map as a function of (parameters, buffers, arguments, key), as it is called in a step."""

        def call(parameters: Any, buffers: Any, arguments: Any, key: Any) -> Any:
            if half is None:
                return made.apply(parameters, buffers, arguments, training=training, key=key)
            parameters, arguments = real_as(half, (dict(parameters), arguments))
            value, after = made.apply(parameters, buffers, arguments, training=training, key=key)
            after = {name: array.astype(buffers[name].dtype) for name, array in after.items()}
            return real_as(self._maps.dtype, as_arrays(value)), after

        return jax.checkpoint(call) if name in self._maps.recompute else call

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


def _draws(plan: Plan, numbers: Mapping[int, int]) -> dict[int, int]:
    """What keys the random draws of each value of a map in training: the map's name, and which of its values it is.

    So a pass that takes other maps out of a plan leaves the draws as they are.
    """
    found: dict[int, int] = {}
    count: Counter[str] = Counter()
    for step in plan.steps:
        if isinstance(step, Apply) and numbers[step.outs[0]] not in found:
            found[numbers[step.outs[0]]] = (crc32(step.generator.encode()) + count[step.generator]) & 0xFFFFFFFF
            count[step.generator] += 1
    return found
