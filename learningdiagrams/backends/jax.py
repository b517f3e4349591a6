"""JAX: pure functions of all numbers, compiled by `jax.jit` once for each shape of batch."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from learningdiagrams import data
from learningdiagrams.backends.base import Backend, Maps, Parameters
from learningdiagrams.backends.checks import BATCH, LOST, REFUSED, check_numbers, one_line
from learningdiagrams.backends.jax_arrays import LOOKS, as_arrays, enable_x64, is_array
from learningdiagrams.backends.jax_bundles import stacked_kind
from learningdiagrams.backends.jax_composites import Copies
from learningdiagrams.backends.jax_maps import JaxMap, as_map
from learningdiagrams.backends.jax_numbers import Numbers
from learningdiagrams.backends.jax_program import JaxProgram
from learningdiagrams.backends.jax_rows import jax_by_row
from learningdiagrams.backends.jax_training import JaxTrainer
from learningdiagrams.backends.roles import check_roles, check_trainable
from learningdiagrams.backends.rows import AGAIN, UNKNOWN
from learningdiagrams.backends.straight_line import checked
from learningdiagrams.diagram import Diagram
from learningdiagrams.errors import DiagramError
from learningdiagrams.plan import Plan
from learningdiagrams.schedules import Schedule
from learningdiagrams.shapes import Abstract
from learningdiagrams.stacking import Lone
from learningdiagrams.theory.morphisms import Morphism

__all__ = ["JaxBackend", "JaxMaps", "JaxProgram", "JaxTrainer"]


class JaxBackend(Backend):
    """Computes on JAX.

    A map is an Equinox or Flax NNX module, a pair `(params, apply)`, a function of arrays, a
    `torch.nn.Module`, or a layer of :mod:`learningdiagrams.layers`; :mod:`learningdiagrams.backends.jax_maps`
    says how each is called. What is given is copied, and changes only by `write_back`. With dtype "float64"
    everything runs with 64 bits, whatever the process's own setting, which stays; JAX itself computes with
    what comes out only under `jax.enable_x64(True)`, NumPy always.
    """

    name = "jax"

    def maps(
        self, diagram: Diagram, realisations: Mapping[str, Any], *, seed: int, dtype: str, device: str | None
    ) -> JaxMaps:
        return JaxMaps(self, diagram, realisations, seed, dtype, device)


class JaxMaps(Maps):
    """The maps of one compiled diagram as pure functions, and all their numbers in one list.

    A number's place in the list is its slot; what several maps hold together has one slot.

    Attributes:
        numbers: the arrays, by slot; by cells of slots too, stacked. A step of training replaces them.
        seed: of random draws inside maps.
    """

    reads_later = True

    def __init__(
        self,
        backend: JaxBackend,
        diagram: Diagram,
        realisations: Mapping[str, Any],
        seed: int,
        dtype: str,
        device: str | None,
    ) -> None:
        self.backend = backend
        self.diagram = diagram
        self.dtype = dtype
        self._real = np.dtype(dtype)
        self._as_they_are = frozenset(map(np.dtype, (dtype, "int64" if dtype == "float64" else "int32", "bool")))
        self.seed: int = seed
        self.numbers: Numbers = Numbers(self.context)
        self._device = None if device is None else _device(device)
        self._maps = {name: as_map(name, given, seed) for name, given in realisations.items()}
        self._given = dict(realisations)
        places = {
            name: {key: made.holders.get(key, (name, key)) for key in made.parameters}
            for name, made in self._maps.items()
        }
        check_roles(diagram, places)
        check_trainable(diagram, {n: [key not in m.still for key in m.parameters] for n, m in self._maps.items()})
        self._parameters: dict[str, dict[str, int]] = {}
        self._buffers: dict[str, dict[str, int]] = {}
        self._averages: list[tuple[str, str, float]] = []
        slots: dict[Any, int] = {}
        for name, made in self._maps.items():
            self._hold(name, made, slots)
        for name, follows in diagram.averages.items():
            if follows.model in self._maps:
                self._maps[name] = replace(self._maps[follows.model], holders={})
                self._hold(name, self._maps[name], {})
                self._averages.append((name, follows.model, follows.decay))
        self.models: tuple[str, ...] = tuple(name for name in diagram.models if name in self._maps)
        self._abstract: dict[Any, tuple[Abstract, ...] | str | None] = {}
        self._programs: dict[Any, JaxProgram] = {}
        self._follow: Any = None
        self._loads = 0
        """How often numbers were loaded: nothing else changes those of a map that no step moves."""

    def _hold(self, name: str, made: JaxMap, slots: dict[Any, int]) -> None:
        """Gives each number of a map its slot, that of another map where both hold it together."""
        for table, numbers in ((self._parameters, made.parameters), (self._buffers, made.buffers)):
            table[name] = {}
            for key, value in numbers.items():
                holder = made.holders.get(key, (name, key))
                if holder not in slots:
                    slots[holder] = len(self.numbers)
                    self.numbers.append(self.array(value))
                table[name][key] = slots[holder]

    # Values -------------------------------------------------------------------------------------------------

    def context(self) -> Any:
        """The setting of JAX in which everything of these maps is traced and run."""
        if self._device is None:
            return enable_x64(self.dtype == "float64")
        settings = ExitStack()
        settings.enter_context(enable_x64(self.dtype == "float64"))
        settings.enter_context(jax.default_device(self._device))
        return settings

    def array(self, value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(map(self.array, value))
        with self.context():
            return jax.device_put(self.host(value), self._device)

    def host(self, value: Any, own: bool = True) -> Any:
        """A value as a compiled function takes it: an array of JAX as it is, anything else as a NumPy array.

        A compiled function may read a NumPy array after it was called, so that one which its owner may change
        is copied; `own=False` says that nobody will.
        """
        if type(value) is np.ndarray and value.dtype in self._as_they_are:
            return value.copy() if own else value  # what training is fed with, told apart first
        if isinstance(value, jax.Array):
            real = value.dtype != self._real and jnp.issubdtype(value.dtype, jnp.floating)
            return value.astype(self._real) if real else value
        if isinstance(value, tuple):
            return tuple(self.host(part, own) for part in value)
        array = data.host(value)
        kind = array.dtype.kind
        if kind == "f":
            return array.astype(self.dtype, copy=own)
        if kind not in "iub":
            raise DiagramError(f"an array of {array.dtype} holds no numbers that a map reads")
        if kind == "b" or array.dtype.itemsize < 8 or self.dtype == "float64":
            return array.copy() if own else array
        # What 32 bits do not hold becomes the last number that they do: no class, as it was none before.
        narrow = np.iinfo(np.int32 if kind == "i" else np.uint32)
        return np.clip(array, narrow.min, narrow.max).astype(narrow.dtype)

    def numpy(self, value: Any) -> Any:
        return tuple(map(self.numpy, value)) if isinstance(value, tuple) else np.array(value)

    # Maps ---------------------------------------------------------------------------------------------------

    def has(self, generator: str) -> bool:
        return generator in self._maps

    def map(self, generator: str) -> JaxMap:
        """The map of a generator; raises DiagramError where it has none."""
        if generator not in self._maps:
            raise DiagramError(f"`{generator}` has no realisation; compile with maps={{{generator!r}: …}}", generator)
        return self._maps[generator]

    def slots(self, generator: str) -> tuple[Mapping[str, int], Mapping[str, int]]:
        """The slots of a map's parameters and of its buffers, by name."""
        return self._parameters[generator], self._buffers[generator]

    def trained(self, models: Sequence[str]) -> dict[int, str]:
        """The slots that training these models moves, each once, by name: `generator.parameter`."""
        found: dict[int, str] = {}
        for name in models:
            for key, slot in self._parameters[name].items():
                if key not in self._maps[name].still:
                    found.setdefault(slot, f"{name}.{key}")
        return found

    def abstract(self, generator: str, arguments: Sequence[Abstract]) -> tuple[Abstract, ...] | None:
        made, morphism = self.map(generator), self.diagram.generators[generator]
        ends, outputs = f"{morphism.dom} -> {morphism.cod}", len(morphism.cod.factors)
        key = (made.architecture, outputs, tuple(arguments))
        if key not in self._abstract:
            try:
                self._abstract[key] = self._evaluate(generator, ends, outputs, arguments)
            except DiagramError as error:
                self._abstract[key] = str(error)
        found = self._abstract[key]
        if isinstance(found, str):
            raise DiagramError(found)
        return found

    def _evaluate(
        self, generator: str, ends: str, outputs: int, arguments: Sequence[Abstract]
    ) -> tuple[Abstract, ...] | None:
        made = self._maps[generator]
        given = " and ".join(map(str, arguments)) or "no argument"

        def call(parameters: Any, buffers: Any, values: Any) -> Any:
            value, _ = made.apply(parameters, buffers, values, training=False, key=None)
            value = checked(generator, ends, outputs, as_arrays(value), is_array)
            return (value,) if outputs == 1 else value

        kinds = {"float": self.dtype, "int": "int64" if self.dtype == "float64" else "int32", "bool": "bool"}
        with self.context():
            values = [jax.ShapeDtypeStruct((BATCH, *each.shape), kinds[each.dtype]) for each in arguments]
            numbers = [{key: self.numbers[slot] for key, slot in table.items()} for table in self.slots(generator)]
            try:
                found = jax.eval_shape(call, *numbers, values)
            except LOOKS:
                return None
            except Exception as error:
                if isinstance(error, DiagramError) and not isinstance(error.__cause__, Exception):
                    raise DiagramError(str(error).removeprefix(f"`{generator}`: ")) from error
                # Where torch refuses the export of a module, the cause is what it says of the arguments.
                reason = one_line(error.__cause__ if isinstance(error, DiagramError) else error)
                raise DiagramError(REFUSED.format(arguments=given, reason=reason)) from error
        for each in found:
            if arguments and each.shape[:1] != (BATCH,):
                raise DiagramError(LOST.format(batch=BATCH, arguments=given, shape=each.shape))
        return tuple(Abstract(each.shape[bool(arguments) :], _kind(each.dtype)) for each in found)

    def by_row(self, generator: str, training: bool = False) -> str | None:
        made = self.map(generator)
        if generator not in self._given:
            return UNKNOWN.format(name=generator)
        return jax_by_row(generator, self._given[generator], made, training)

    def architecture(self, generator: str) -> Hashable:
        if generator in self.recompute:
            return Lone(AGAIN)
        return stacked_kind(self.map(generator), self.by_row(generator, True), self.diagram.roles[generator] == "model")

    def size(self, generator: str) -> int:
        slots = (slot for table in self.slots(generator) for slot in table.values())
        return sum(math.prod(self.numbers.shape(slot)) for slot in slots)

    def places(self, generator: str) -> frozenset[Hashable]:
        return frozenset(slot for table in self.slots(generator) for slot in table.values())

    def changes(self, generators: Collection[str]) -> Hashable:
        return self._loads

    def composites(self, images: Mapping[str, Morphism], trained: Collection[str]) -> dict[str, Any]:
        copies = {True: Copies(self), False: Copies(self)}
        return {name: copies[name in trained].map(image, name in trained) for name, image in images.items()}

    def extract(self, morphism: Morphism) -> tuple[dict[str, Any], Callable[..., Any]]:
        """A morphism as the pair (parameters, apply), on copies of its numbers; buffers are constants in `apply`."""
        made = Copies(self).map(morphism, False)
        params, apply = made.original(made.parameters, made.buffers)
        bare = morphism.generator
        if bare is None:
            return params, apply
        first = f"{bare.name}."

        def named(numbers: Mapping[str, Any], *arguments: Any) -> Any:
            return apply({key.removeprefix(first): value for key, value in numbers.items()}, *arguments)

        return {first + key: value for key, value in params.items()}, named

    def program(self, plan: Plan) -> JaxProgram:
        # One plan is one program, so that what is asked twice is compiled once.
        key = (plan.steps, plan.compares, plan.outputs, tuple(plan.dropped.items()), self.passes, self.recompute)
        if key not in self._programs:
            self._programs[key] = JaxProgram(self, plan)
        return self._programs[key]

    def pure(
        self, plan: Plan, weights: Mapping[str, float | Schedule], training: bool = False
    ) -> tuple[Parameters, Any]:
        """The trained parameters, and the plan's loss as a pure function of them, for a loop of one's own.

        Returns:
            `(params, fn)`, where `params` is a copy, {generator: {parameter: array}}, in which a parameter
            that several maps hold together stands once; `fn(params, batch, step) -> (total, terms)` may be
            traced, compiled and differentiated. A batch has its noise drawn; `step` keys random draws and
            schedules. Everything else that the loss depends on (frozen maps, buffers, averages) is a constant
            with its value at the time of the call or trace; averages that move may come with the batch, as
            :meth:`averages` gives them. With `training`, models are in training mode; what batch norms then
            learn of the batch is left out.
        """
        program = self.program(plan)
        places: dict[str, dict[str, int]] = {}
        for slot, name in self.trained(self.models).items():
            generator, _, key = name.partition(".")
            places.setdefault(generator, {})[key] = slot
        return program.pure(places, weights, training)

    # Numbers ------------------------------------------------------------------------------------------------

    def parameters(self, of: Collection[str] | None = None) -> Parameters:
        return self._copies({name: table for name, table in self._parameters.items() if of is None or name in of})

    def load_parameters(self, parameters: Mapping[str, Mapping[str, Any]]) -> None:
        self._load("parameter", parameters, self._parameters)

    def buffers(self, of: Collection[str] | None = None) -> Parameters:
        saved = {
            name: {key: slot for key, slot in table.items() if key not in self._maps[name].unsaved}
            for name, table in self._buffers.items()
            if of is None or name in of
        }
        return self._copies({name: table for name, table in saved.items() if table})

    def load_buffers(self, buffers: Mapping[str, Mapping[str, Any]]) -> None:
        self._load("buffer", buffers, self._buffers)

    def averages(self) -> Parameters:
        """The parameters of the averages, to come with a batch to a function of :meth:`pure`."""
        return self._copies({name: self._parameters[name] for name, _, _ in self._averages})

    def write_back(self) -> dict[str, Any]:
        """Puts the models' numbers into what was given for them: torch and NNX modules in place.

        Returns:
            {model: what was given, with its numbers}; Equinox modules and pytrees, which cannot be changed,
            are new. Frozen maps and averages are left alone.
        """
        with self.context():
            return {
                name: self._maps[name].original(*self._values(name))
                for name in self._given
                if self.diagram.roles[name] == "model"
            }

    def _values(self, name: str) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        parameters, buffers = (
            {key: np.array(self.numbers[slot]) for key, slot in table.items()} for table in self.slots(name)
        )
        return parameters, buffers

    def _copies(self, tables: Mapping[str, Mapping[str, int]]) -> Parameters:
        # Training gives away the arrays that it replaces: what goes out is a copy.
        with self.context():
            return {
                name: {key: jnp.array(self.numbers[slot]) for key, slot in table.items()}
                for name, table in tables.items()
            }

    def _load(self, kind: str, given: Mapping[str, Mapping[str, Any]], tables: Mapping[str, Mapping[str, int]]) -> None:
        shapes = {
            name: {key: self.numbers.shape(slot) for key, slot in table.items()} for name, table in tables.items()
        }
        check_numbers(kind, given, shapes)
        self._loads += 1
        for name, values in given.items():
            for key, value in values.items():
                slot = tables[name][key]
                with self.context():
                    self.numbers[slot] = jnp.array(self.array(value), dtype=self.numbers[slot].dtype)

    def follow(self) -> None:
        if not self._averages:
            return
        if self._follow is None:
            self._follow = _Following(self._averages, self._parameters, self._buffers)
        with self.context():
            self._follow(self.numbers)

    # Randomness ---------------------------------------------------------------------------------------------

    @contextmanager
    def session(self, seed: int) -> Iterator[None]:
        before, self.seed = self.seed, seed
        try:
            yield
        finally:
            self.seed = before


class _Following:
    """One step of all averages, compiled."""

    def __init__(
        self,
        averages: Sequence[tuple[str, str, float]],
        parameters: Mapping[str, Mapping[str, int]],
        buffers: Mapping[str, Mapping[str, int]],
    ) -> None:
        pairs = [
            (table[mine][key], table[theirs][key], decay if table is parameters else None)
            for mine, theirs, decay in averages
            for table in (parameters, buffers)
            for key in table[mine]
        ]
        self._mine = [mine for mine, _, _ in pairs]
        self._theirs = [theirs for _, theirs, _ in pairs]
        decays = [decay for _, _, decay in pairs]

        @jax.jit
        def follow(mine: list[jax.Array], theirs: list[jax.Array]) -> list[jax.Array]:
            return [
                # A copy of its own, since training gives away the array that it replaces.
                jnp.copy(b) if decay is None else decay * a + (1 - decay) * b
                for a, b, decay in zip(mine, theirs, decays, strict=True)
            ]

        self._compiled = follow

    def __call__(self, numbers: Numbers) -> None:
        after = self._compiled([numbers[i] for i in self._mine], [numbers[i] for i in self._theirs])
        for slot, value in zip(self._mine, after, strict=True):
            numbers[slot] = value


def _kind(dtype: Any) -> str:
    if jnp.issubdtype(dtype, jnp.floating):
        return "float"
    return "bool" if dtype == jnp.bool_ else "int"


def _device(name: Any) -> Any:
    """The device that a name such as "cpu", "gpu" or "gpu:1" stands for; a device of JAX is itself."""
    if isinstance(name, jax.Device):
        return name
    if not isinstance(name, str):
        raise DiagramError(f'a device on jax is a name such as "cpu" or "gpu:1", not {name!r}')
    platform, _, index = name.partition(":")
    try:
        return jax.devices(platform)[int(index or 0)]
    except (RuntimeError, ValueError, IndexError) as error:
        raise DiagramError(f"there is no device {name!r} on jax: {one_line(error)}") from None
