"""A `torch.nn.Module` run on jax.

`carry(module)` takes a module as it stands. When it is first applied to arguments of some shape,
`torch.export` takes its ATen graph, which is turned into a program over arrays of jax, operator by operator
(`aten.py`); after that torch has no part in it. The program is pure: parameters and buffers come in, outputs
and the buffers' new values go out, so it may be jitted and differentiated.

One program serves every batch size from two up, where the module allows: it is exported with an example batch
of two and a symbolic batch axis. Sizes for which torch itself may take another way (none, one), and modules
that look at the batch size, are exported for the very shape.
"""

from __future__ import annotations

import contextlib
import copy
import io
import logging
import operator
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch
from jax import lax
from torch.export.graph_signature import InputKind, OutputKind
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils import _pytree as pytree

from learningdiagrams.errors import DiagramError

from .aten import RANDOM, TABLE
from .torch_recurrence import whole_recurrence

Arrays = Mapping[str, Any]


class CannotCarry(DiagramError):
    """A torch module that cannot run on jax; the message names the map, what is in the way, and where."""

    def __init__(self, name: str, message: str):
        super().__init__(f"`{name}`: {message}", about=name)


def carry(module: torch.nn.Module, name: str = "module") -> Carried:
    """A torch module as a pure function of jax arrays; `name` is what errors call it.

    Gradients are those of the forward pass as jax differentiates it: `detach` and `torch.no_grad` stop them
    as in torch, hooks are not seen, and a `torch.autograd.Function`, which has a backward pass of its own, is
    refused.

    >>> import jax.numpy as jnp, torch
    >>> net = carry(torch.nn.Linear(3, 2), name="student")
    >>> {name: array.shape for name, array in net.parameters.items()}
    {'weight': (2, 3), 'bias': (2,)}
    >>> y, _ = net.apply(net.parameters, net.buffers, (jnp.ones((5, 3)),), training=False)
    >>> y.shape
    (5, 2)
    """
    return Carried(module, name)


class Carried:
    """A torch module on jax: its numbers as they were when carried, and what it computes from such numbers.

    `parameters` and `buffers` are copies in NumPy, under the names of `named_parameters()` and
    `named_buffers()`; a parameter that the module holds in two places is there once, under its first name.
    The module itself changes only by `write_back`.
    """

    def __init__(self, module: torch.nn.Module, name: str = "module"):
        self.name = name
        self._module = module
        self.parameters = {key: _to_numpy(value) for key, value in module.named_parameters()}
        self.buffers = {key: _to_numpy(value) for key, value in module.named_buffers()}
        self._programs: dict[Any, _Program | None] = {}

    def apply(
        self,
        parameters: Arrays,
        buffers: Arrays,
        arguments: Sequence[Any],
        *,
        training: bool,
        key: jax.Array | None = None,
    ) -> tuple[Any, dict[str, Any]]:
        """The module's output, in the structure that the module returns, and all buffers after the call.

        Arguments are batches: their first axis is the batch's where it is as long as the first argument's.
        All is computed in the precision of what is given, whatever the module's own; int32 counts as int64.
        `key` is needed where the module draws random numbers; each place that does gets a key of its own,
        made from it. Raises `CannotCarry` while tracing where the module, or torch on these arguments, does
        not allow it.
        """
        _same_names(self.name, "parameters", parameters, self.parameters)
        _same_names(self.name, "buffers", buffers, self.buffers)
        state = {name: jnp.asarray(value) for name, value in (*parameters.items(), *buffers.items())}
        arrays = tuple(jnp.asarray(argument) for argument in arguments)
        program = self._program(state, arrays, training)
        output, changed = program(state, arrays, key)
        return output, {name: changed.get(name, state[name]) for name in buffers}

    def write_back(self, parameters: Arrays, buffers: Arrays) -> None:
        """Copy numbers into the module itself, in place; its flags and its devices stay."""
        _same_names(self.name, "parameters", parameters, self.parameters)
        _same_names(self.name, "buffers", buffers, self.buffers)
        pairs = [(t, key, parameters[key]) for key, t in self._module.named_parameters()]
        pairs += [(t, key, buffers[key]) for key, t in self._module.named_buffers()]
        values = [(tensor, key, np.asarray(value)) for tensor, key, value in pairs]
        for tensor, key, value in values:
            if tuple(tensor.shape) != value.shape:
                raise ValueError(f"`{self.name}`: {key} has shape {tuple(tensor.shape)}, not {value.shape}")
        with torch.no_grad():
            for tensor, _, value in values:
                tensor.copy_(_to_torch(value))

    def _program(self, state: dict[str, jax.Array], arrays: tuple[jax.Array, ...], training: bool) -> _Program:
        shapes = tuple(array.shape for array in arrays)
        batch = shapes[0][0] if shapes and shapes[0] else 0
        in_batch = tuple(batch > 1 and shape[:1] == (batch,) for shape in shapes)
        kinds = (training, tuple(a.dtype for a in arrays), tuple(v.dtype for v in state.values()))
        if any(in_batch):
            any_size = tuple((is_in, s[1:] if is_in else s) for is_in, s in zip(in_batch, shapes, strict=True))
            general = (any_size, kinds)
            if general not in self._programs:
                try:
                    self._programs[general] = self._export(state, arrays, training, in_batch)
                except CannotCarry as refusal:
                    if not isinstance(refusal.__cause__, Exception):
                        raise  # not about the size of the batch
                    self._programs[general] = None
            program = self._programs[general]
            if program is not None:
                return program
        exact = (shapes, kinds)
        if exact not in self._programs:
            self._programs[exact] = self._export(state, arrays, training, (False,) * len(arrays))
        program = self._programs[exact]
        assert program is not None
        return program

    def _export(self, state, arrays, training: bool, in_batch: tuple[bool, ...]) -> _Program:
        module = _in_precision(self._module, state)
        device = next((t.device for t in (*module.parameters(), *module.buffers())), torch.device("cpu"))
        examples = tuple(_example(a, is_in, device) for a, is_in in zip(arrays, in_batch, strict=True))
        batch = torch.export.Dim("batch")
        dynamic = torch.export.ShapesCollection()
        for example, is_in in zip(examples, in_batch, strict=True):
            if is_in:
                dynamic[example] = {0: batch}
        try:
            with _exporting(module, training, self.name):
                axes = dynamic.dynamic_shapes(module, examples)
                exported = torch.export.export(module, examples, dynamic_shapes=axes, strict=False)
                _stop_in_no_grad(exported.graph_module)
                exported = exported.run_decompositions(_decompositions())
        except CannotCarry:
            raise
        except Exception as error:
            given = ", ".join(f"{array.dtype}{list(array.shape)}" for array in arrays)
            reason = str(error).strip().split("\n")[0]
            raise CannotCarry(self.name, f"torch.export refuses this module on ({given}): {reason}") from error
        return _Program(exported, _first_names(self._module), self.name)


@dataclass(frozen=True)
class _Value:
    """What an earlier step of a program made, by name."""

    name: str


@dataclass(frozen=True)
class _Step:
    name: str
    function: Callable
    random: bool
    arguments: tuple
    options: dict[str, Any]
    dtype: Any  # of the result; a tuple of them for several results; None where there is no tensor
    operator: str


class _Program:
    """An exported graph as a list of steps over jax arrays."""

    def __init__(self, exported: torch.export.ExportedProgram, first_names: dict[str, str], name: str):
        self.name = name
        self.steps: list[_Step] = []
        self.constants: dict[str, np.ndarray] = {}  # values that the graph holds itself
        self.state: dict[str, str] = {}  # value -> parameter or buffer
        self.inputs: list[str] = []
        self.changed: dict[str, str] = {}  # buffer -> its new value
        assert exported.call_spec.out_spec is not None
        self.structure = exported.call_spec.out_spec
        graph, signature = exported.graph, exported.graph_signature
        placeholders = [node for node in graph.nodes if node.op == "placeholder"]
        for node, spec in zip(placeholders, signature.input_specs, strict=True):
            if spec.kind in (InputKind.PARAMETER, InputKind.BUFFER):
                self.state[node.name] = first_names[str(spec.target)]
            elif spec.kind is InputKind.USER_INPUT:
                self.inputs.append(node.name)
            elif isinstance(constant := exported.constants.get(str(spec.target)), torch.Tensor):
                self.constants[node.name] = _to_numpy(constant)
            else:
                raise CannotCarry(name, f"it holds {spec.target}, which is no tensor and cannot be carried to jax")
        calls = [node for node in graph.nodes if node.op not in ("placeholder", "output")]
        _all_known(calls, name)
        self.steps = [_step(node) for node in calls]
        results = _values(graph.output_node().args[0])
        for result, spec in zip(results, signature.output_specs, strict=True):
            if spec.kind is OutputKind.BUFFER_MUTATION:
                self.changed[first_names[str(spec.target)]] = result.name
            elif spec.kind is OutputKind.PARAMETER_MUTATION:
                raise CannotCarry(
                    name,
                    f"it changes its own parameter {spec.target} while it runs, which a pure "
                    "function cannot; make it a buffer, or change it from outside",
                )
        kinds = [spec.kind for spec in signature.output_specs]
        self.outputs = [r for r, kind in zip(results, kinds, strict=True) if kind is OutputKind.USER_OUTPUT]

    def __call__(self, state: Arrays, arrays: Sequence[jax.Array], key: jax.Array | None) -> tuple[Any, dict[str, Any]]:
        values: dict[str, Any] = {name: state[target] for name, target in self.state.items()}
        values.update((name, jnp.asarray(constant)) for name, constant in self.constants.items())
        values.update(zip(self.inputs, arrays, strict=True))
        drawn = 0

        def draw() -> jax.Array:
            nonlocal drawn
            if key is None:
                raise ValueError("it draws random numbers; give a key")
            drawn += 1
            return jax.random.fold_in(key, drawn)

        for step in self.steps:
            arguments = _resolve(step.arguments, values)
            options = {option: _resolve(value, values) for option, value in step.options.items()}
            try:
                if step.random:
                    result = step.function(draw, *arguments, **options)
                else:
                    result = step.function(*arguments, **options)
            except Exception as error:
                raise CannotCarry(self.name, f"{step.operator}: {error}") from error
            values[step.name] = _cast(result, step.dtype)
        output = pytree.tree_unflatten(list(_resolve(tuple(self.outputs), values)), self.structure)
        return output, {buffer: lax.stop_gradient(values[name]) for buffer, name in self.changed.items()}


# From a graph of torch to steps -----------------------------------------------------------------------------

_ABOUT_MEMORY = {"layout", "device", "pin_memory", "memory_format", "non_blocking", "generator"}


def _values(argument: Any) -> Any:
    """An argument of a node, with references to other nodes as `_Value`s and dtypes as NumPy's."""
    if isinstance(argument, torch.fx.Node):
        return _Value(argument.name)
    if isinstance(argument, (list, tuple)):
        return tuple(_values(item) for item in argument)
    if isinstance(argument, slice):
        return slice(_values(argument.start), _values(argument.stop), _values(argument.step))
    return _dtype(argument) if isinstance(argument, torch.dtype) else argument


def _resolve(argument: Any, values: Mapping[str, Any]) -> Any:
    """An argument of a step, with the values for the references and dtypes that jax has at present."""
    if isinstance(argument, _Value):
        return values[argument.name]
    if isinstance(argument, tuple):
        return tuple(_resolve(item, values) for item in argument)
    return jax.dtypes.canonicalize_dtype(argument) if isinstance(argument, np.dtype) else argument


def _step(node: torch.fx.Node) -> _Step:
    operator_name = str(node.target)
    random = operator_name in RANDOM
    if isinstance(node.target, torch._ops.OpOverload):
        function = (RANDOM if random else TABLE)[operator_name]
    else:
        function = node.target  # arithmetic of sizes, and taking one of several results
    options = {name: _values(value) for name, value in node.kwargs.items() if name not in _ABOUT_MEMORY}
    dtype = None if node.target is operator.getitem else _dtypes(node.meta.get("val"))
    arguments = _values(node.args)
    return _Step(node.name, function, random, arguments, options, dtype, operator_name)  # type: ignore[arg-type]


def _all_known(nodes: Sequence[torch.fx.Node], name: str) -> None:
    """Refuse a graph with operators that stand in no table, naming each once and the places it comes from."""
    missing: dict[str, str] = {}
    for node in nodes:
        known = str(node.target) in TABLE or str(node.target) in RANDOM
        if isinstance(node.target, torch._ops.OpOverload) and known:
            continue
        if node.op == "call_function" and not isinstance(node.target, torch._ops.OperatorBase):
            continue
        missing.setdefault(str(node.target), _place(node))
    if missing:
        listed = ", ".join(f"{operator_name}{place}" for operator_name, place in missing.items())
        raise CannotCarry(
            name,
            f"no counterpart in jax for {listed}; use torch as the backend, add the operator to "
            "learningdiagrams.backends.aten.TABLE, or give this map as a function of jax arrays",
        )


def _place(node: torch.fx.Node) -> str:
    """Where a node comes from, in words: the submodule and the line."""
    stack = list((node.meta.get("nn_module_stack") or {}).values())
    submodule = stack[-1][0] if stack else ""
    lines = [line for line in (node.meta.get("stack_trace") or "").splitlines() if line.lstrip().startswith("File")]
    parts = [submodule] * bool(submodule) + [line.strip() for line in lines[-1:]]
    return f" (in {', '.join(parts)})" if parts else ""


def _dtype(dtype: torch.dtype) -> np.dtype:
    return jnp.dtype(str(dtype).removeprefix("torch."))


def _dtypes(example: Any) -> Any:
    if isinstance(example, (tuple, list)):
        return tuple(_dtypes(item) for item in example)
    return _dtype(example.dtype) if isinstance(example, torch.Tensor) else None


def _cast(result: Any, dtype: Any) -> Any:
    if isinstance(dtype, tuple):
        return tuple(_cast(item, kind) for item, kind in zip(result, dtype, strict=True))
    return result if dtype is None else lax.convert_element_type(result, jax.dtypes.canonicalize_dtype(dtype))


# Exporting --------------------------------------------------------------------------------------------------


def _decompositions() -> Any:
    """Torch's own decompositions, but for the operators that have a counterpart here."""
    table = torch.export.default_decompositions()
    for kept in [op for op in table if str(op) in TABLE or str(op) in RANDOM]:
        table.pop(kept)
    return table


@contextlib.contextmanager
def _exporting(module: torch.nn.Module, training: bool, name: str) -> Iterator[None]:
    """The state of things in which a module is exported; everything is put back after."""
    flags = [(part, part.training) for part in module.modules()]
    fast, silent = torch.backends.mha.get_fastpath_enabled(), logging.root.manager.disable
    watch = module.register_forward_hook(lambda _, __, output: _no_own_backward(output, name))
    try:
        module.train(training)
        # Fused kernels for one device would end in the graph: attention by its definition, no fast path.
        torch.backends.mha.set_fastpath_enabled(False)
        # A refusal leads to a second try or is raised, so torch need not print its graphs and logs.
        logging.disable()
        with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            with sdpa_kernel(SDPBackend.MATH), torch.enable_grad(), whole_recurrence():
                yield
    finally:
        watch.remove()
        torch.backends.mha.set_fastpath_enabled(fast)
        logging.disable(silent)
        for part, flag in flags:
            part.training = flag


def _no_own_backward(output: Any, name: str) -> None:
    """Refuse an output whose gradient passes a `torch.autograd.Function`, whose backward is in no graph."""
    todo: list[Any] = [t.grad_fn for t in pytree.tree_leaves(output) if isinstance(t, torch.Tensor)]
    seen: set[Any] = {None}
    while todo:
        node = todo.pop()
        if node in seen:
            continue
        seen.add(node)
        todo += [following for following, _ in node.next_functions]
        function = getattr(node, "_forward_cls", None)
        if function is not None and function.__module__.split(".")[0] != "torch":
            raise CannotCarry(
                name,
                f"{function.__name__} is a torch.autograd.Function, whose own backward pass is lost "
                "in jax; write it with detach, such as x + (f(x) - x).detach(), or use torch as the backend",
            )


def _stop_in_no_grad(graph_module: torch.fx.GraphModule) -> None:
    """Detach what leaves a `torch.no_grad` region, which decomposing would dissolve without a trace."""
    no_grad = torch.ops.higher_order.wrap_with_set_grad_enabled
    for node in graph_module.graph.nodes:
        if node.target is not no_grad:
            continue
        region = getattr(graph_module, node.args[1].target)
        _stop_in_no_grad(region)
        if node.args[0]:
            continue
        end = region.graph.output_node()
        with region.graph.inserting_before(end):
            stopped = []
            for value in end.args[0]:
                if isinstance(value, torch.fx.Node) and isinstance(value.meta.get("val"), torch.Tensor):
                    example = value.meta["val"]
                    value = region.graph.call_function(torch.ops.aten.detach.default, (value,))
                    value.meta["val"] = example
                stopped.append(value)
        end.args = (tuple(stopped),)
        region.recompile()


def _example(array: jax.Array, in_batch: bool, device: torch.device) -> torch.Tensor:
    # torch wants its class numbers and positions in int64, which jax has only where x64 is on.
    kind = getattr(torch, "int64" if array.dtype == np.int32 else str(array.dtype))
    example = torch.zeros((2, *array.shape[1:]) if in_batch else array.shape, dtype=kind, device=device)
    # Gradients are followed from the inputs on; these are no leaves, which a module may not change in place.
    return example.requires_grad_().clone() if kind.is_floating_point else example


def _in_precision(module: torch.nn.Module, state: Mapping[str, jax.Array]) -> torch.nn.Module:
    """The module, or where `state` is in another floating precision a copy of it in that one."""

    def differing(of: torch.nn.Module) -> list[tuple[torch.Tensor, torch.dtype]]:
        tensors = [*of.named_parameters(), *of.named_buffers()]
        wanted = [(tensor, getattr(torch, str(state[name].dtype))) for name, tensor in tensors]
        return [(tensor, dtype) for tensor, dtype in wanted if tensor.is_floating_point() and tensor.dtype != dtype]

    if not differing(module):
        return module
    module = copy.deepcopy(module)
    for tensor, dtype in differing(module):
        tensor.data = tensor.data.to(dtype)
    return module


def _first_names(module: torch.nn.Module) -> dict[str, str]:
    """Every name of a parameter or buffer, those of tied ones too, and the one under which it is listed."""
    first: dict[int, str] = {}
    names = {}
    for listing in (module.named_parameters, module.named_buffers):
        for name, tensor in listing(remove_duplicate=False):
            names[name] = first.setdefault(id(tensor), name)
    return names


# Numbers ----------------------------------------------------------------------------------------------------


def _same_names(name: str, what: str, given: Arrays, wanted: Arrays) -> None:
    if given.keys() == wanted.keys():
        return
    missing, unknown = sorted(wanted.keys() - given.keys()), sorted(given.keys() - wanted.keys())
    parts = [f"missing {', '.join(missing)}"] * bool(missing) + [f"unknown {', '.join(unknown)}"] * bool(unknown)
    raise ValueError(f"`{name}`: {what} do not fit the module: {'; '.join(parts)}")


def _to_numpy(tensor: torch.Tensor) -> np.ndarray:
    """A copy in NumPy, bfloat16 too, which torch will not convert itself."""
    tensor = tensor.detach().cpu()
    if tensor.dtype == torch.bfloat16:
        return tensor.view(torch.int16).numpy().copy().view(jnp.bfloat16)
    return tensor.numpy().copy()


def _to_torch(array: np.ndarray) -> torch.Tensor:
    if array.dtype == jnp.bfloat16:
        return torch.from_numpy(array.view(np.int16).copy()).view(torch.bfloat16)
    return torch.from_numpy(np.array(array))
