"""Steps of training on JAX: loss, gradient field and update in one compiled function."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import jax
import jax.numpy as jnp
import numpy as np
import optax

from learningdiagrams.backends.base import Batch, Evaluated, Optimisation, Program, Trainer
from learningdiagrams.backends.jax_loop import Block, Later, added, looped, piled, updated
from learningdiagrams.backends.jax_maps import path_name
from learningdiagrams.backends.jax_numbers import Cell, Place, arranged
from learningdiagrams.backends.roles import check_rates
from learningdiagrams.errors import DiagramError, suggestion

if TYPE_CHECKING:
    from learningdiagrams.backends.jax import JaxMaps
    from learningdiagrams.backends.jax_program import JaxProgram

__all__ = ["OPTIMIZERS", "JaxTrainer"]

Make = Callable[[Any], optax.GradientTransformation]
"""An optimizer as a function of its learning rate, which may be traced."""

OPTIMIZERS: Final[Mapping[str, tuple[Make, float]]] = MappingProxyType(
    {
        "sgd": (optax.sgd, 1e-3),
        "momentum": (partial(optax.sgd, momentum=0.9), 1e-3),
        "adam": (optax.adam, 1e-3),
        "adamw": (optax.adamw, 1e-3),
        "rmsprop": (optax.rmsprop, 1e-2),
    }
)
"""Optimizers by name, each with the learning rate where none is given (optax has none; these are torch's).

Everything else is optax's default. It differs from torch's in `adamw` (weight decay 1e-4, there 1e-2) and
`rmsprop` (decay 0.9 and ε = 1e-8 inside the root, there 0.99 and 1e-8 beside it); clipping divides by the
norm alone, there by the norm + 1e-6.
"""

WANTED: Final = (
    "an optimizer is one of {names}, an optax transformation such as optax.scale_by_adam(), or a function of "
    "a learning rate such as optax.adam"
)


class JaxTrainer(Trainer):
    """An optax optimizer over the parameters of the models that move, one for each learning rate.

    Arrays that a step replaces are given away to it (donated), so that a model is in memory once.
    """

    at_once = 16

    def __init__(self, maps: JaxMaps, how: Optimisation, moved: Sequence[str], cells: Sequence[Cell] = ()) -> None:
        self._maps = maps
        self._slots = maps.trained(moved)
        self._how = how
        self._make, default = _optimizer(how)
        # One with a name moves each number by itself; another may ask how large a parameter is as a whole.
        self._cells = cells if isinstance(how.optimizer, str) else ()
        self._rate = {self._slots[slot]: rate for slot, rate in _rates(maps, how, moved, default).items()}
        self._begin(self._rate)

    def _begin(self, apart: Mapping[str, Any]) -> None:
        """A fresh optimizer; parameters for which `apart` has one value share what it counts (and a rate)."""
        groups: dict[Any, list[str]] = {}
        for name, rate in self._rate.items():
            groups.setdefault((apart[name], rate), []).append(name)
        self._groups = tuple(map(tuple, groups.values()))
        self._rates = tuple(rate for _, rate in groups)
        self._names: dict[Place, str] = {}
        self._held: dict[str, tuple[str, ...]] = {}
        members = tuple(map(self._members, self._groups))
        self._trained = tuple(self._names)
        self._update = _Update(self._make, members, self._how.clip)
        self._like = (self._how.optimizer, members, self._trained, self._how.clip, self._how.precision)
        with self._maps.context():
            state = self._update.init(self._numbers())
            named, self._structure = jax.tree_util.tree_flatten_with_path(state)
            self._state = [jnp.array(leaf) for _, leaf in named]
        self._paths = [path_name(path) for path, _ in named]
        self._compiled: dict[Any, Any] = {}
        self._scalars: tuple[list[float], Any] = ([], np.array([], self._maps.dtype))

    def _members(self, group: Sequence[str]) -> tuple[str, ...]:
        """The names under which a group's parameters are known to the optimizer: of a cell, that of all in it."""
        slots = {name: slot for slot, name in self._slots.items()}
        found = []
        for place in arranged([slots[name] for name in group], self._cells):
            if isinstance(place, tuple):
                names = tuple(self._slots[slot] for slot in place)
                name = f"{names[0]} × {len(names)}"
                self._held[name] = names
            else:
                name = self._slots[place]
            self._names[place] = name
            found.append(name)
        return tuple(found)

    def step(self, program: Program, batch: Batch, weights: Mapping[str, float], step: int, factor: float) -> Evaluated:
        maps, numbers = self._maps, self._maps.numbers
        names = program.weighted(weights)  # type: ignore[attr-defined]  # a program of these maps is a JaxProgram
        run, moving, rest = self._compiled.get((program, names, False)) or self._find(program, names)  # type: ignore  # as above
        # One small array of weights and rates: schedules neither compile anew nor cost many transfers.
        scalars = [*(weights[name] for name in names), *(rate * factor for rate in self._rates)]
        if scalars != self._scalars[0]:
            self._scalars = scalars, np.array(scalars, maps.dtype)
        with maps.context():
            trained, self._state, moved, total, values = run(
                [numbers[slot] for slot in self._trained],
                self._state,
                [numbers[slot] for slot in moving],
                [numbers[slot] for slot in rest],
                program.inputs(batch, own=False),  # type: ignore[attr-defined]
                self._scalars[1],
                program.seeds(step, True),  # type: ignore[attr-defined]
            )
        for slot, value in zip(self._trained, trained, strict=True):
            numbers[slot] = value
        for slot, value in zip(moving, moved, strict=True):
            numbers[slot] = value
        return Evaluated(total, program.terms(values))  # type: ignore[attr-defined]

    def steps(
        self,
        program: Program,
        batches: Sequence[Batch],
        weights: Sequence[Mapping[str, float]],
        step: int,
        factors: Sequence[float],
    ) -> Sequence[Mapping[str, Any]]:
        maps, numbers, count = self._maps, self._maps.numbers, len(batches)
        names = program.weighted(weights[0])  # type: ignore[attr-defined]  # a program of these maps is a JaxProgram
        run, moving, rest = self._find(program, names, looping=True)  # type: ignore[arg-type]  # as above
        scalars = np.zeros((self.at_once, len(names) + len(self._rates)), maps.dtype)
        for i, (at, factor) in enumerate(zip(weights, factors, strict=True)):
            scalars[i] = [*(at[name] for name in names), *(rate * factor for rate in self._rates)]
        seeds = [program.seeds(step + i, True) for i in range(count)]  # type: ignore[attr-defined]
        with maps.context():
            trained, self._state, moved, values = run(
                [numbers[slot] for slot in self._trained],
                self._state,
                [numbers[slot] for slot in moving],
                [numbers[slot] for slot in rest],
                piled([program.inputs(batch, own=False) for batch in batches], self.at_once),  # type: ignore[attr-defined]
                scalars,
                piled(seeds, self.at_once),
                count,
            )
        for slot, value in zip(self._trained, trained, strict=True):
            numbers[slot] = value
        for slot, value in zip(moving, moved, strict=True):
            numbers[slot] = value
        block, every = Block(values), tuple(compare.name for compare in program.plan.compares)
        return [Later(block, i, every, program.terms) for i in range(count)]  # type: ignore[attr-defined]

    def step_in_parts(
        self, program: Program, parts: Sequence[tuple[Batch, Mapping[str, float]]], step: int, factor: float
    ) -> Sequence[Mapping[str, Any]]:
        maps, numbers = self._maps, self._maps.numbers
        names = program.weighted(parts[0][1])  # type: ignore[attr-defined]  # a program of these maps is a JaxProgram
        key = (self._like, names, "parts")
        if key not in program.steps:  # type: ignore[attr-defined]
            field = program.field(self._trained, names, training=True, half=self._how.precision)  # type: ignore[attr-defined]
            program.steps[key] = added(field), updated(self._update, self._structure, list(self._names.values()))  # type: ignore[attr-defined]
        add, update = program.steps[key]  # type: ignore[attr-defined]
        moving, rest = program.moving, program.rest(self._trained, training=True)  # type: ignore[attr-defined]
        with maps.context():
            trained = [numbers[slot] for slot in self._trained]
            sums, found = [jnp.zeros_like(each) for each in trained], []
            for number, (batch, weights) in enumerate(parts):
                seeds = program.seeds(step, True)  # type: ignore[attr-defined]
                if seeds is not None:
                    seeds[0] += np.uint32(number * 0x9E3779B9 & 0xFFFFFFFF)  # each part draws for itself
                sums, moved, values = add(
                    sums,
                    [numbers[slot] for slot in moving],
                    trained,
                    [numbers[slot] for slot in rest],
                    program.inputs(batch, own=False),  # type: ignore[attr-defined]
                    np.array([weights[name] for name in names], maps.dtype),
                    seeds,
                )
                for slot, value in zip(moving, moved, strict=True):
                    numbers[slot] = value
                found.append(program.terms(values))  # type: ignore[attr-defined]
            rates = np.array([rate * factor for rate in self._rates], maps.dtype)
            trained, self._state = update(trained, self._state, sums, rates)
        for slot, value in zip(self._trained, trained, strict=True):
            numbers[slot] = value
        return found

    def _find(
        self, program: JaxProgram, names: tuple[str, ...], looping: bool = False
    ) -> tuple[Any, tuple[int, ...], tuple[Place, ...]]:
        """The step, or a loop of steps, compiled by this trainer or by one before it that does the same."""
        key = (self._like, names, looping)
        if key not in program.steps:
            program.steps[key] = self._compile(program, names, looping)
        self._compiled[program, names, looping] = program.steps[key]
        return program.steps[key]

    def _compile(
        self, program: JaxProgram, names: tuple[str, ...], looping: bool
    ) -> tuple[Any, tuple[int, ...], tuple[Place, ...]]:
        """One step as a compiled function, or some; the slots of the buffers it moves and the places that it reads."""
        field = program.field(self._trained, names, training=True, half=self._how.precision)
        update, structure, trained_names = self._update, self._structure, list(self._names.values())

        def run(
            trained: list[Any],
            state: list[Any],
            moving: list[Any],
            rest: list[Any],
            inputs: list[Any],
            scalars: Any,
            seeds: Any,
        ) -> Any:
            weights, rates = scalars[: len(names)], scalars[len(names) :]
            (total, (values, moved)), gradients = field(trained, moving, rest, inputs, weights, seeds)
            here = dict(zip(trained_names, trained, strict=True))
            changed, after = update(
                dict(zip(trained_names, gradients, strict=True)),
                jax.tree.unflatten(structure, state),
                here,
                rates,
            )
            return [changed[name] for name in trained_names], jax.tree.leaves(after), moved, total, values

        compiled = looped(run) if looping else jax.jit(run, donate_argnums=(0, 1, 2))
        return compiled, program.moving, program.rest(self._trained, training=True)

    def _numbers(self) -> dict[str, Any]:
        return {name: self._maps.numbers[place] for place, name in self._names.items()}

    # State, in which every parameter has its own entries, stacked or not.

    def state(self) -> dict[str, np.ndarray]:
        found: dict[str, np.ndarray] = {}
        for path, leaf in zip(self._paths, self._state, strict=True):
            names, array = self._entries(path), np.array(leaf)
            found.update(zip(names, map(np.array, array), strict=True) if names != (path,) else ((path, array),))
        return found

    def load_state(self, state: Mapping[str, np.ndarray]) -> None:
        if state.keys() != self._every_entry():
            # After an edit, what is new counts its steps apart from what stayed.
            groups = _groups_in(state, self._rate)
            self._begin({name: groups.get(name, (None,)) for name in self._rate})
        if state.keys() != self._every_entry():
            wrong = sorted(state.keys() ^ self._every_entry())
            raise DiagramError(f"the state is another optimizer's: {', '.join(wrong[:3])} do not fit")
        for path, leaf in zip(self._paths, self._state, strict=True):
            names = self._entries(path)
            shape = leaf.shape if names == (path,) else leaf.shape[1:]
            for name in names:
                if np.shape(state[name]) != shape:
                    raise DiagramError(
                        f"the optimizer's {name} has the shape {shape}, and the one given has {np.shape(state[name])}"
                    )
        self._put(state)

    def carry_state(self, state: Mapping[str, np.ndarray], origins: Mapping[str, str]) -> None:
        there = _groups_in(state, set(origins.values()))
        groups = {name: there.get(origins.get(name, ""), (None,))[0] for name in self._rate}
        self._begin(groups)
        # What each group here was there, and the part of a path after the number of the group.
        was = [groups[members[0]] for members in self._groups]
        carried = self.state()
        for path, fresh in carried.items():
            number, _, rest = path.partition(".")
            owner = _owner(path, self._rate)
            if owner is not None:
                rest = rest[: len(rest) - len(owner)] + origins.get(owner, "")
            old = state.get(f"{was[int(number)]}.{rest}")
            if old is not None and np.shape(old) == fresh.shape:
                carried[path] = old
        self._put(carried)

    def _entries(self, path: str) -> tuple[str, ...]:
        """The paths of what is under a path of this optimizer: one for each parameter of a cell, else itself."""
        owner = _owner(path, self._held)
        if owner is None:
            return (path,)
        return tuple(path[: len(path) - len(owner)] + name for name in self._held[owner])

    def _every_entry(self) -> set[str]:
        return {name for path in self._paths for name in self._entries(path)}

    def _put(self, state: Mapping[str, np.ndarray]) -> None:
        """Takes a state that has every entry of this one."""
        loaded = []
        with self._maps.context():
            for path, leaf in zip(self._paths, self._state, strict=True):
                names = self._entries(path)
                array = state[path] if names == (path,) else np.stack([np.asarray(state[name]) for name in names])
                loaded.append(jnp.array(array, dtype=leaf.dtype))
        self._state = loaded


def _groups_in(state: Iterable[str], names: Collection[str]) -> dict[str, tuple[str, ...]]:
    """The number of the group that each parameter is in, where a state keeps something for it.

    >>> _groups_in(["0.0.count", "0.0.mu.f.weight", "1.0.count", "1.0.mu.g.weight"], {"f.weight", "g.weight", "h.bias"})
    {'f.weight': ('0',), 'g.weight': ('1',)}
    """
    owners = ((path, _owner(path, names)) for path in state)
    return {owner: (path.partition(".")[0],) for path, owner in owners if owner is not None}


def _owner(path: str, names: Collection[str]) -> str | None:
    """The parameter that an entry of a state belongs to, with which its path ends; None for what a group counts."""
    while path and path not in names:
        path = path.partition(".")[2]
    return path or None


class _Update:
    """What an optimizer makes of gradients: parameters in groups, each with its learning rate; pure.

    The transformation is made anew at each trace from the traced rate, as `optax.inject_hyperparams` does it,
    so that a rate that changes is exact whatever the optimizer does with it.
    """

    def __init__(self, make: Make, groups: Sequence[Sequence[str]], clip: float | None) -> None:
        self._make = make
        self._groups = groups
        self._clip = None if clip is None else optax.clip_by_global_norm(clip)

    def init(self, numbers: Mapping[str, Any]) -> list[Any]:
        return [self._make(0.0).init({name: numbers[name] for name in group}) for group in self._groups]

    def __call__(
        self, gradients: dict[str, Any], state: Sequence[Any], numbers: dict[str, Any], rates: Any
    ) -> tuple[dict[str, Any], list[Any]]:
        """The parameters and the state after a step."""
        if self._clip is not None:
            gradients, _ = self._clip.update(gradients, optax.EmptyState())  # type: ignore[assignment]
        changed, after = dict(numbers), []
        for i, (group, before) in enumerate(zip(self._groups, state, strict=True)):
            here = {name: numbers[name] for name in group}
            updates, new = self._make(rates[i]).update({name: gradients[name] for name in group}, before, here)
            changed.update(optax.apply_updates(here, updates))  # type: ignore[arg-type]
            after.append(new)
        return changed, after


def _optimizer(how: Optimisation) -> tuple[Make, float | None]:
    """An optimizer as a function of its rate, and its rate where none is given (None: one is to be given)."""
    given = how.optimizer
    if isinstance(given, str):
        if given not in OPTIMIZERS:
            wanted = WANTED.format(names=", ".join(OPTIMIZERS))
            raise DiagramError(f"there is no optimizer `{given}`{suggestion(given, OPTIMIZERS)}; {wanted}")
        return OPTIMIZERS[given]
    if isinstance(given, optax.GradientTransformation):
        if _descends(given):
            if how.lr is not None or how.rates:
                raise DiagramError(
                    "this optax transformation has a learning rate of its own, so that lr has nothing to "
                    "say; give a function of a learning rate, such as optax.adam, or a transformation "
                    "without one, such as optax.scale_by_adam()"
                )
            return (lambda factor: optax.chain(given, optax.scale(factor))), 1.0
        return (lambda rate: optax.chain(given, optax.scale_by_learning_rate(rate))), None
    if callable(given) and not isinstance(given, type):
        return given, None  # type: ignore[return-value]  # whether it makes optimizers shows when it is called
    raise DiagramError(f"{given!r} is no optimizer on jax; {WANTED.format(names=', '.join(OPTIMIZERS))}")


def _descends(transformation: optax.GradientTransformation) -> bool:
    """Whether updates already go downhill, so that a learning rate, with its sign, is part of them."""
    one = {"probe": jnp.ones(1)}
    updates, _ = transformation.update(one, transformation.init(one), one)
    return bool(updates["probe"][0] < 0)  # type: ignore[index]


def _rates(maps: JaxMaps, how: Optimisation, moved: Sequence[str], default: float | None) -> dict[int, float]:
    """The learning rate of each slot that moves."""
    found: dict[int, tuple[float, str]] = {}
    for name in moved:
        rate = how.rates.get(name, how.lr)
        rate = default if rate is None else rate
        if rate is None:
            raise DiagramError("this optimizer has no learning rate of its own; give lr")
        for slot in maps.trained([name]):
            check_rates(*found.setdefault(slot, (float(rate), name)), float(rate), name)
    return {slot: rate for slot, (rate, _) in found.items()}
