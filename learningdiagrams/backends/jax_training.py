"""Steps of training on JAX: loss, gradient field and update in one compiled function."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import jax
import jax.numpy as jnp
import numpy as np
import optax

from learningdiagrams.backends.base import Batch, Evaluated, Optimisation, Program, Trainer
from learningdiagrams.backends.jax_maps import path_name
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

    def __init__(self, maps: JaxMaps, how: Optimisation, moved: Sequence[str]) -> None:
        self._maps = maps
        self._names = maps.trained(moved)
        self._trained = tuple(self._names)
        make, default = _optimizer(how)
        rates: dict[float, list[str]] = {}
        for slot, rate in _rates(maps, how, moved, default).items():
            rates.setdefault(rate, []).append(self._names[slot])
        self._rates = tuple(rates)
        groups = tuple(map(tuple, rates.values()))
        self._update = _Update(make, groups, how.clip)
        self._like = (how.optimizer, groups, how.clip)
        with maps.context():
            state = self._update.init(self._numbers())
            named, self._structure = jax.tree_util.tree_flatten_with_path(state)
            self._state = [jnp.array(leaf) for _, leaf in named]
        self._paths = [path_name(path) for path, _ in named]
        self._compiled: dict[Any, Any] = {}
        self._scalars: tuple[list[float], Any] = ([], np.array([], maps.dtype))

    def step(self, program: Program, batch: Batch, weights: Mapping[str, float], step: int, factor: float) -> Evaluated:
        maps, numbers = self._maps, self._maps.numbers
        names = program.weighted(weights)  # type: ignore[attr-defined]  # a program of these maps is a JaxProgram
        run, moving, rest = self._compiled.get((program, names)) or self._find(program, names)  # type: ignore
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
        return Evaluated(total, {each.name: value for each, value in zip(program.plan.compares, values, strict=True)})

    def _find(self, program: JaxProgram, names: tuple[str, ...]) -> tuple[Any, tuple[int, ...], tuple[int, ...]]:
        """The step, compiled by this trainer or by one before it that does the same."""
        key = (self._like, names)
        if key not in program.steps:
            program.steps[key] = self._compile(program, names)
        self._compiled[program, names] = program.steps[key]
        return program.steps[key]

    def _compile(self, program: JaxProgram, names: tuple[str, ...]) -> tuple[Any, tuple[int, ...], tuple[int, ...]]:
        """One step as a compiled function; the slots of the buffers it moves and of the numbers it reads."""
        field = program.field(self._trained, names, training=True)
        update, structure, trained_names = self._update, self._structure, list(self._names.values())

        @partial(jax.jit, donate_argnums=(0, 1, 2))
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

        return run, program.moving, program.rest(self._trained, training=True)

    def _numbers(self) -> dict[str, Any]:
        return {name: self._maps.numbers[slot] for slot, name in self._names.items()}

    def state(self) -> dict[str, np.ndarray]:
        return {path: np.array(leaf) for path, leaf in zip(self._paths, self._state, strict=True)}

    def load_state(self, state: Mapping[str, np.ndarray]) -> None:
        if state.keys() != set(self._paths):
            wrong = sorted(state.keys() ^ set(self._paths))
            raise DiagramError(f"the state is another optimizer's: {', '.join(wrong[:3])} do not fit")
        with self._maps.context():
            loaded = [
                jnp.array(state[path], dtype=leaf.dtype) for path, leaf in zip(self._paths, self._state, strict=True)
            ]
        for path, new, old in zip(self._paths, loaded, self._state, strict=True):
            if new.shape != old.shape:
                raise DiagramError(
                    f"the optimizer's {path} has the shape {old.shape}, and the one given has {new.shape}"
                )
        self._state = loaded


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
