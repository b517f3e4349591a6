"""What JAX accepts as a map, each made into a pure function of its numbers, once, when a diagram is compiled.

| given | called on | parameters | buffers |
|---|---|---|---|
| an Equinox module | one row, under `vmap` | its arrays of real numbers | none |
| `(module, state)` of `equinox.nn.make_with_state` | one row, under `vmap` | the same | the state's arrays |
| a Flax NNX module | batches | its `nnx.Param`s | its other variables, but for random keys |
| a pair `(params, apply)` | batches: `apply(params, *arguments)` | the arrays of real numbers | none |
| a function of arrays | batches | none | none |
| a `torch.nn.Module` | batches | `named_parameters()` | `named_buffers()` |
| a layer of :mod:`learningdiagrams.layers` | batches | as it says | as it says |

Parameters are named by their path, joined by dots: `layers.0.weight`. Numbers are copied when a map is made.
Arrays that are one object, within one map or in two, are one parameter, as tied weights of torch are; whoever
wants two parameters that start alike gives a copy (`jax.tree.map(jnp.copy, …)` of the arrays).
"""

from __future__ import annotations

import copy
import inspect
import itertools
import types
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from learningdiagrams.errors import DiagramError
from learningdiagrams.layers import Layer, dropout

__all__ = ["JaxMap", "as_map", "comes_from", "parts_of", "path_name"]

Array = Any
Numbers = Mapping[str, Array]


@dataclass(frozen=True)
class JaxMap:
    """A map as a pure function of its numbers.

    Attributes:
        apply: (parameters, buffers, arguments, *, training, key) -> (output, new buffers). `key` is None in
            evaluation, and in training where the map has nothing to draw.
        parameters, buffers: the numbers that it starts from, by name.
        holders: for each name what tells the place that holds the number; one holder is one number.
        still: the parameters that training leaves alone (a torch parameter that requires no gradient).
        unsaved: the buffers that are no part of the map's state (torch's non-persistent ones).
        architecture: equal for maps that differ in their numbers only.
        draws: whether it may draw random numbers in training.
        by_row: whether in evaluation it is known to take each row of a batch by itself.
        original: (parameters, buffers) -> what was given, with these numbers: changed in place where it can
            be changed, made anew where not.
    """

    apply: Callable[..., tuple[Any, Numbers]]
    architecture: Hashable
    original: Callable[[Numbers, Numbers], Any]
    parameters: Numbers = field(default_factory=dict)
    buffers: Numbers = field(default_factory=dict)
    holders: Mapping[str, Hashable] = field(default_factory=dict)
    still: frozenset[str] = frozenset()
    unsaved: frozenset[str] = frozenset()
    draws: bool = True
    by_row: bool = False


def as_map(name: str, given: Any, seed: int) -> JaxMap:
    """The map that `given` is; `name` is its generator, `seed` that of built-in layers' numbers.

    >>> net = as_map("f", ({"w": jnp.ones((3, 2))}, lambda params, x: x @ params["w"]), 0)
    >>> y, _ = net.apply(net.parameters, {}, (jnp.ones((5, 3)),), training=False, key=None)
    >>> list(net.parameters), y.shape
    (['w'], (5, 2))
    >>> as_map("f", {"w": 1.0}, 0)
    Traceback (most recent call last):
    learningdiagrams.errors.DiagramError: `f`: a dict is no map on jax; give an Equinox or Flax ...

    Raises DiagramError for what is no map, saying what is.
    """
    if isinstance(given, JaxMap):
        return given
    if isinstance(given, Layer):
        return _layer(name, given, seed)
    if isinstance(given, tuple) and len(given) == 2:
        first, second = given
        if comes_from(first, "equinox", "Module") and comes_from(second, "equinox", "State"):
            return _equinox(name, first, second)
        if callable(second) and not isinstance(second, type):
            return _pair(name, first, second)
    if comes_from(given, "equinox", "Module"):
        return _equinox(name, given, None)
    # A method of a module is that module called another way: its parameters count.
    module = given.__self__ if inspect.ismethod(given) else given
    if comes_from(module, "torch", "Module"):
        return _torch(name, module, given)
    if comes_from(module, "flax.nnx", "Module"):
        return _nnx(name, module, given)
    if callable(given) and not isinstance(given, type) and not comes_from(given, "flax.linen", "Module"):
        return JaxMap(
            lambda parameters, buffers, arguments, *, training, key: (given(*arguments), buffers),
            _hashable(("function", given)),
            lambda parameters, buffers: given,
            draws=False,
        )
    raise DiagramError(f"`{name}`: {_no_map(given)}", name)


def comes_from(given: Any, package: str, cls: str) -> bool:
    """Whether this is an instance of a package's class, which is told without importing the package."""
    return any(c.__name__ == cls and f"{c.__module__}.".startswith(f"{package}.") for c in type(given).__mro__)


def _no_map(given: Any) -> str:
    if isinstance(given, type):
        return f"{given.__name__} is a class; give an instance of it"
    if comes_from(given, "flax.linen", "Module"):
        return "a Flax Linen module holds no parameters; give the pair (variables, module.apply)"
    word = "array" if _is_array(given) else type(given).__name__
    return (
        f"{'an' if word[0].lower() in 'aeiou' else 'a'} {word} is no map on jax; give an Equinox or Flax NNX "
        "module, a pair (params, apply), a function of arrays, a torch.nn.Module, or a layer such as "
        "mlp(64, 10)"
    )


# Names and numbers ------------------------------------------------------------------------------------------


def path_name(path: Iterable[Any]) -> str:
    """A path in a pytree as a name: `layers.0.weight`; a tree that is one array has the name `value`."""
    return jax.tree_util.keystr(tuple(path), simple=True, separator=".") or "value"


@dataclass(frozen=True)
class _Leaves:
    """The arrays of a pytree, named by their paths; an array that is there twice has one name.

    Attributes:
        places: for each leaf its name, or None where it is no array of the kind wanted.
    """

    structure: Any
    places: tuple[str | None, ...]
    others: tuple[Any, ...]
    held: dict[str, Any]

    @staticmethod
    def of(name: str, tree: Any, wanted: Callable[[Any], bool]) -> _Leaves:
        leaves, structure = jax.tree_util.tree_flatten_with_path(tree)
        first: dict[int, str] = {}
        places = [first.setdefault(id(leaf), path_name(path)) if wanted(leaf) else None for path, leaf in leaves]
        held = {place: leaf for place, (_, leaf) in zip(places, leaves, strict=True) if place is not None}
        if len(held) != len(first):
            twice = next(place for place in first.values() if list(first.values()).count(place) > 1)
            raise DiagramError(f"`{name}`: two of its arrays have the path `{twice}`; rename one of its entries")
        others = tuple(leaf if place is None else None for place, (_, leaf) in zip(places, leaves, strict=True))
        return _Leaves(structure, tuple(places), others, held)

    def tree(self, numbers: Numbers, others: Sequence[Any] | None = None) -> Any:
        """The tree with these numbers in it; `others` are its other leaves, where they are not its own."""
        others = self.others if others is None else others
        leaves = [other if place is None else numbers[place] for place, other in zip(self.places, others, strict=True)]
        return jax.tree.unflatten(self.structure, leaves)

    def like(self, numbers: Numbers) -> Any:
        """The tree with these numbers, of the kinds that it was given with."""
        return self.tree({name: _as_given(numbers[name], leaf) for name, leaf in self.held.items()})

    @property
    def numbers(self) -> dict[str, Array]:
        return {name: np.asarray(leaf) for name, leaf in self.held.items()}

    @property
    def holders(self) -> dict[str, Hashable]:
        return {name: ("array", id(leaf)) for name, leaf in self.held.items()}


def _as_given(value: Array, held: Any) -> Any:
    """A number as the kind of array that held it before."""
    if isinstance(held, np.ndarray | np.generic):
        return np.array(value, dtype=held.dtype)
    return jnp.array(value, dtype=held.dtype) if isinstance(held, jax.Array) else float(value)


def _is_real(leaf: Any) -> bool:
    """Whether a leaf is an array of real numbers; those are trained."""
    if isinstance(leaf, jax.Array):
        return jnp.issubdtype(leaf.dtype, jnp.floating)
    return isinstance(leaf, np.ndarray | np.generic) and np.issubdtype(leaf.dtype, np.floating)


def _shapes(numbers: Numbers) -> tuple[Any, ...]:
    return tuple((name, tuple(np.shape(value))) for name, value in numbers.items())


def _hashable(architecture: Any) -> Hashable:
    """The description itself, or where it cannot be compared one that is equal to no other."""
    try:
        hash(architecture)
    except TypeError:
        return object()
    return architecture


# What is given ----------------------------------------------------------------------------------------------


def _layer(name: str, spec: Layer, seed: int) -> JaxMap:
    from learningdiagrams.backends.layers import initial
    from learningdiagrams.backends.layers_jax import jax_apply

    parameters, buffers = initial(spec, seed=seed, name=name, dtype="float64")
    return JaxMap(
        jax_apply(spec),
        ("layer", spec),
        lambda p, b: spec,
        parameters,
        buffers,
        draws=_drops(spec),
    )


def _drops(spec: Layer) -> bool:
    """Whether there is dropout in a layer."""
    return (
        isinstance(spec, dropout) or bool(getattr(spec, "dropout", 0)) or any(map(_drops, getattr(spec, "parts", ())))
    )


def _pair(name: str, params: Any, apply: Callable[..., Any]) -> JaxMap:
    leaves = _Leaves.of(name, params, lambda leaf: _is_real(leaf) or isinstance(leaf, float))
    return JaxMap(
        lambda p, b, arguments, *, training, key: (apply(leaves.tree(p), *arguments), b),
        _hashable(("pair", apply, leaves.structure, leaves.places, leaves.others, _shapes(leaves.numbers))),
        lambda p, b: (leaves.like(p), apply),
        leaves.numbers,
        holders=leaves.holders,
        draws=False,
    )


def _equinox(name: str, module: Any, state: Any) -> JaxMap:
    """An Equinox module, with the state that its batch norms keep, or None."""
    import equinox as eqx

    leaves = _Leaves.of(name, module, _is_real)
    # The names stand where the numbers will be, since a None would be no leaf.
    empty = leaves.tree({held: held for held in leaves.held})
    modes = {training: jax.tree.leaves(eqx.nn.inference_mode(empty, not training)) for training in (False, True)}
    initial, structure = jax.tree.flatten(state)
    buffers = {f"state.{i}": np.asarray(value) for i, value in enumerate(initial)}
    takes_key = "key" in inspect.signature(type(module).__call__).parameters
    axis = next(filter(None, (getattr(part, "axis_name", None) for part in parts_of(module))), None)

    def apply(p: Numbers, b: Numbers, arguments: Sequence[Array], *, training: bool, key: Any) -> tuple[Any, Numbers]:
        here = leaves.tree(p, modes[training])
        keyed = takes_key and key is not None

        def row(state: Any, key: Any, *values: Array) -> tuple[Any, Any]:
            keyword = {"key": key} if keyed else {}
            return here(*values, state, **keyword) if buffers else (here(*values, **keyword), state)

        before = jax.tree.unflatten(structure, [b[buffer] for buffer in buffers])
        if arguments:
            keys = jax.random.split(key, arguments[0].shape[0]) if keyed else None  # type: ignore  # it has a key
            axes = (None, 0 if keyed else None, *(0 for _ in arguments))
            mapped = jax.vmap(row, in_axes=axes, out_axes=(0, None), axis_name=axis)
            output, after = mapped(before, keys, *arguments)
        else:
            output, after = row(before, key)
        return output, dict(zip(buffers, jax.tree.leaves(after), strict=True))

    def original(p: Numbers, b: Numbers) -> Any:
        if state is None:
            return leaves.like(p)
        values = [_as_given(b[buffer], held) for buffer, held in zip(buffers, initial, strict=True)]
        return leaves.like(p), jax.tree.unflatten(structure, values)

    described = _described(leaves.others)
    return JaxMap(
        apply,
        _hashable(("equinox", leaves.structure, leaves.places, described, _shapes(leaves.numbers), state is None)),
        original,
        leaves.numbers,
        buffers,
        leaves.holders,
        draws=takes_key,
    )


def _is_array(leaf: Any) -> bool:
    return isinstance(leaf, jax.Array | np.ndarray)


def _described(others: Iterable[Any]) -> tuple[Any, ...]:
    """Leaves that are no parameters, to be compared: arrays by what they hold."""
    return tuple(
        (np.shape(leaf), str(leaf.dtype), np.asarray(leaf).tobytes())
        if _is_array(leaf) and not jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
        else leaf
        for leaf in others
    )


def parts_of(module: Any) -> Iterable[Any]:
    """An Equinox module and all modules in it."""
    import equinox as eqx

    found = [module]
    for part in found:
        inside = jax.tree.leaves(part, is_leaf=lambda x, part=part: x is not part and isinstance(x, eqx.Module))
        found += [x for x in inside if isinstance(x, eqx.Module)]
    return found


def _nnx(name: str, module: Any, given: Any) -> JaxMap:
    """A Flax NNX module, or a method of one."""
    from flax import nnx

    method = "__call__" if given is module else given.__name__

    def is_parameter(path: Any, variable: Any) -> bool:
        return isinstance(variable, nnx.Param) and _is_real(variable[...])

    kinds = (is_parameter, nnx.RngState)
    graphs, twin = {}, nnx.clone(module)
    for training in (True, False):
        twin.train() if training else twin.eval()
        graphs[training], first, random, rest = nnx.split(twin, *kinds, ...)
    held = {path: node for path, node in nnx.iter_graph(module) if isinstance(node, nnx.Variable)}

    def names(state: Any) -> list[str]:
        return [".".join(map(str, path)) for path, _ in nnx.to_flat_state(state)]

    def numbers(state: Any) -> dict[str, Array]:
        return dict(zip(names(state), jax.tree.leaves(state), strict=True))

    structures = [jax.tree.structure(state) for state in (first, random, rest)]
    keys = jax.tree.leaves(random)

    def draws(key: Any) -> list[Array]:
        """The state of the module's random streams, started from `key`."""
        if key is None:
            return keys
        return [
            jax.random.split(jax.random.fold_in(key, i), leaf.shape)
            if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
            else leaf
            for i, leaf in enumerate(keys)
        ]

    def apply(p: Numbers, b: Numbers, arguments: Sequence[Array], *, training: bool, key: Any) -> tuple[Any, Numbers]:
        leaves = ([p[name] for name in parameters], draws(key), [b[name] for name in buffers])
        states = [jax.tree.unflatten(s, x) for s, x in zip(structures, leaves, strict=True)]
        here = nnx.merge(graphs[training], *states)
        output = getattr(here, method)(*arguments)
        after = numbers(nnx.split(here, *kinds, ...)[3])
        # What a call adds (intermediate values that it keeps) is no state of the map.
        return output, {buffer: after[buffer] for buffer in b}

    def original(p: Numbers, b: Numbers) -> Any:
        for path, variable in held.items():
            key = ".".join(map(str, path))
            if key in p or key in b:
                variable[...] = _as_given((p if key in p else b)[key], variable[...])
        return given

    parameters, buffers = numbers(first), numbers(rest)
    return JaxMap(
        apply,
        _hashable(("nnx", method, graphs[False], graphs[True], _shapes(parameters), _shapes(buffers))),
        original,
        {key: np.asarray(value) for key, value in parameters.items()},
        {key: np.asarray(value) for key, value in buffers.items()},
        {".".join(map(str, path)): ("variable", id(variable)) for path, variable in held.items()},
        draws=bool(keys),
    )


def _torch(name: str, module: Any, given: Any) -> JaxMap:
    """A torch module, or a method of one."""
    from learningdiagrams.backends.torch_on_jax import carry

    if given is not module:
        function, module = given.__func__, copy.copy(module)
        module.forward = types.MethodType(function, module)
    carried = carry(module, name=name)

    def original(parameters: Numbers, buffers: Numbers) -> Any:
        carried.write_back(parameters, buffers)
        return given

    tensors = dict(itertools.chain(module.named_parameters(), module.named_buffers()))
    return JaxMap(
        lambda p, b, arguments, *, training, key: carried.apply(p, b, tuple(arguments), training=training, key=key),
        _hashable(("torch", _torch_architecture(module))),
        original,
        carried.parameters,
        carried.buffers,
        {
            key: ("tensor", tensor.data_ptr() or id(tensor), tuple(tensor.shape), tensor.stride())
            for key, tensor in tensors.items()
        },
        still=frozenset(key for key, parameter in module.named_parameters() if not parameter.requires_grad),
        unsaved=frozenset(carried.buffers) - module.state_dict().keys(),
    )


_PLAIN = (bool, int, float, complex, str, bytes, type, type(None))


def _torch_architecture(module: Any) -> tuple[Any, ...]:
    """What a torch module computes, but for its numbers: classes, attributes and shapes of all its parts."""

    def plain(value: Any) -> Any:
        if isinstance(value, _PLAIN) or callable(value):
            return value
        if isinstance(value, list | tuple):
            return (type(value), *map(plain, value))
        if isinstance(value, dict):
            return (dict, *((plain(key), plain(item)) for key, item in value.items()))
        return str(value) if type(value).__name__ in ("device", "dtype") else _Same(value)

    parts = []
    for name, part in module.named_modules():
        own = {key: value for key, value in vars(part).items() if not key.startswith("_") and key != "training"}
        hooks = (*part._forward_pre_hooks.values(), *part._forward_hooks.values())
        tensors = itertools.chain(
            part.named_parameters(recurse=False, remove_duplicate=False),
            part.named_buffers(recurse=False, remove_duplicate=False),
        )
        shapes = tuple((key, tuple(tensor.shape), str(tensor.dtype)) for key, tensor in tensors)
        parts.append((name, type(part), plain(own), hooks, shapes))
    tied = tuple(name for name, _ in module.named_parameters())
    return (*parts, tied)


class _Same:
    """An attribute of which nothing is known: equal to itself only."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.value is other.value

    def __hash__(self) -> int:
        return id(self.value)
