"""PyTorch: modules are used in place, eagerly, on one device."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from learningdiagrams.backends.base import Backend, Maps, Parameters
from learningdiagrams.backends.checks import check_numbers
from learningdiagrams.backends.rows import AGAIN, layer_by_row
from learningdiagrams.backends.torch_abstract import Evaluator
from learningdiagrams.backends.torch_composites import Copies
from learningdiagrams.backends.torch_joint import stacked_kind
from learningdiagrams.backends.torch_kept import Kept
from learningdiagrams.backends.torch_maps import Map, Modes, average_of, check_parameters, realise
from learningdiagrams.backends.torch_program import TorchProgram
from learningdiagrams.backends.torch_rows import torch_by_row
from learningdiagrams.backends.torch_training import TorchTrainer
from learningdiagrams.batching import Table
from learningdiagrams.data import host
from learningdiagrams.diagram import Diagram
from learningdiagrams.errors import DiagramError
from learningdiagrams.layers import Layer
from learningdiagrams.plan import Plan
from learningdiagrams.shapes import Abstract
from learningdiagrams.stacking import Lone
from learningdiagrams.theory.morphisms import Morphism

__all__ = ["TorchBackend", "TorchMaps", "TorchProgram", "TorchTrainer"]


COMPILES: Final = "torch.compile is to see the plan as it is"


class TorchBackend(Backend):
    """Computes on PyTorch.

    A map is a `torch.nn.Module`, used in place (training trains it, `dtype` and `device` convert it); a
    method of a module (its parameters are the module's); a function of tensors, which has no parameters; or a
    layer of :mod:`learningdiagrams.layers`. Parameters that require no gradient when the diagram is compiled
    stay as they are.

    Args:
        torch_compile: whether `torch.compile` compiles the loss of programs that train, or the options that
            it is to be called with, such as `{"mode": "reduce-overhead"}`. A class number out of range gives
            NaN then, and no error; in a game a map with dropout draws for each player anew.
    """

    name = "torch"

    def __init__(self, torch_compile: bool | Mapping[str, Any] = False) -> None:
        self.torch_compile: Mapping[str, Any] | None = {} if torch_compile is True else torch_compile or None

    def maps(
        self, diagram: Diagram, realisations: Mapping[str, Any], *, seed: int, dtype: str, device: str | None
    ) -> TorchMaps:
        return TorchMaps(self, diagram, realisations, seed, dtype, device)


class TorchMaps(Maps):
    """The modules and functions of one compiled diagram.

    Attributes:
        tensor_dtype, device: of every real tensor.
        models: the trained maps that are realised, by name.
        trained: their parameters, each once, those that require no gradient too.
        modes: which modules are in training mode.
        kept: the parameters that training keeps stacked. in_session: whether training is under way.
    """

    backend: TorchBackend
    fewest = 8  # `vmap` takes as long as some calls of a small module

    def __init__(
        self,
        backend: TorchBackend,
        diagram: Diagram,
        realisations: Mapping[str, Any],
        seed: int,
        dtype: str,
        device: str | None,
    ) -> None:
        self.backend = backend
        self.diagram = diagram
        self.dtype = dtype
        self.tensor_dtype: torch.dtype = getattr(torch, dtype)
        self.device: Any = _device(device, realisations)
        self._on_cpu = self.device.type == "cpu"
        self._as_they_are = frozenset({np.dtype(dtype), np.dtype(np.int64)})
        self._maps = {
            name: realise(name, given, seed=seed, dtype=self.tensor_dtype, device=self.device)
            for name, given in realisations.items()
        }
        self._layers = {name: given for name, given in realisations.items() if isinstance(given, Layer)}
        for name in self._layers:
            module = self._maps[name].module
            if module is not None and diagram.roles[name] != "model":
                module.requires_grad_(False)  # made here, so that its flags are nobody else's
        check_parameters(diagram, self._maps)
        self._averages: list[tuple[Map, Map, Callable[..., None]]] = []
        for name, follows in diagram.averages.items():
            if follows.model in self._maps:
                followed = self._maps[follows.model]
                self._maps[name] = average_of(name, followed)
                move = get_ema_multi_avg_fn(follows.decay)
                self._averages.append((self._maps[name], followed, move))
        self.models: tuple[str, ...] = tuple(name for name in diagram.models if name in self._maps)
        every = (p for name in self.models for p in self._maps[name].parameters.values())
        self.trained: tuple[Any, ...] = tuple(dict.fromkeys(every))
        modules = {name: made.module for name, made in self._maps.items() if made.module is not None}
        trained = [module for name, module in modules.items() if name in self.models]
        self.modes: Modes = Modes(trained, [module for name, module in modules.items() if name not in self.models])
        self.kept: Kept = Kept()
        self.in_session: bool = False
        self._evaluator = Evaluator(self.tensor_dtype, self.device)

    # Values -------------------------------------------------------------------------------------------------

    def array(self, value: Any) -> Any:
        if type(value) is np.ndarray and value.dtype in self._as_they_are and value.flags.carray:
            tensor = torch.from_numpy(value)  # what training is fed with, told apart first
            return tensor if self._on_cpu else tensor.to(self.device)
        if isinstance(value, Tensor):
            if value.is_floating_point() and value.dtype != self.tensor_dtype:
                return value.to(self.device, self.tensor_dtype)
            return value if value.device == self.device else value.to(self.device)
        if isinstance(value, tuple):
            return tuple(map(self.array, value))
        tensor = _tensor(host(value), self.tensor_dtype)
        return tensor if self._on_cpu else tensor.to(self.device)

    def numpy(self, value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(map(self.numpy, value))
        return value.detach().cpu().numpy()

    # Maps ---------------------------------------------------------------------------------------------------

    def has(self, generator: str) -> bool:
        return generator in self._maps

    def map(self, generator: str) -> Map:
        """The map of a generator; raises DiagramError where it has none."""
        if generator not in self._maps:
            raise DiagramError(f"`{generator}` has no realisation; compile with maps={{{generator!r}: …}}", generator)
        return self._maps[generator]

    def tensors(self) -> Iterator[Tensor]:
        """The parameters and buffers of all maps."""
        return (tensor for made in self._maps.values() for tensor in made.tensors())

    def abstract(self, generator: str, arguments: Sequence[Abstract]) -> tuple[Abstract, ...] | None:
        morphism = self.diagram.generators[generator]
        ends = f"{morphism.dom} -> {morphism.cod}"
        return self._evaluator(self.map(generator), generator, ends, len(morphism.cod.factors), arguments)

    def program(self, plan: Plan) -> TorchProgram:
        return TorchProgram(self, plan)

    def table(self, plan: Plan) -> Table:
        if self.backend.torch_compile is not None:
            # A tracer sees the plan as it is, and fuses for itself.
            asked = [name for name in ("merge", "stack") if name in self.passes]
            return Table.of(plan, {name: {("anything",): COMPILES} for name in asked})
        return super().table(plan)

    def by_row(self, generator: str, training: bool = False) -> str | None:
        if generator in self._layers:
            return layer_by_row(self._layers[generator], training)
        made = self.map(generator)
        return torch_by_row(generator, made.call, made.module, training)

    def architecture(self, generator: str) -> Hashable:
        if generator in self.recompute:
            return Lone(AGAIN)
        made, reason = self.map(generator), self.by_row(generator, self.diagram.roles[generator] == "model")
        return stacked_kind(made, self._layers.get(generator), reason)

    def size(self, generator: str) -> int:
        return sum(tensor.numel() for tensor in self.map(generator).tensors())

    def places(self, generator: str) -> frozenset[Hashable]:
        return frozenset(tensor.data_ptr() or id(tensor) for tensor in self.map(generator).tensors())

    def changes(self, generators: Collection[str]) -> Hashable:
        tensors = (tensor for name in generators for tensor in self.map(name).tensors())
        return tuple((id(tensor), tensor.data_ptr(), tensor._version) for tensor in tensors)

    def composites(self, images: Mapping[str, Morphism], trained: Collection[str]) -> dict[str, Any]:
        copies = {True: Copies(self), False: Copies(self)}
        return {name: copies[name in trained].map(image, name in trained) for name, image in images.items()}

    def extract(self, morphism: Morphism) -> nn.Module:
        """A morphism as a module of its own, on copies of its numbers, in evaluation mode."""
        return Copies(self).module(morphism)

    def module(self, loss: Callable[..., Tensor]) -> nn.Module:
        """All maps as one module: parameters are named `generator.parameter`, and `forward` is the loss.

        Args:
            loss: called with (batch, step, training), gives the total; `training` is the module's own mode.
        """
        return _Module(self, loss)

    # Numbers ------------------------------------------------------------------------------------------------

    def parameters(self, of: Collection[str] | None = None) -> Parameters:
        return {name: _copies(made.parameters) for name, made in self._named(of)}

    def load_parameters(self, parameters: Mapping[str, Mapping[str, Any]]) -> None:
        self._load("parameter", parameters, {name: made.parameters for name, made in self._maps.items()})

    def buffers(self, of: Collection[str] | None = None) -> Parameters:
        return {name: _copies(buffers) for name, made in self._named(of) if (buffers := made.buffers())}

    def load_buffers(self, buffers: Mapping[str, Mapping[str, Any]]) -> None:
        self._load("buffer", buffers, {name: made.buffers() for name, made in self._maps.items()})

    def _named(self, of: Collection[str] | None) -> list[tuple[str, Map]]:
        return [(name, made) for name, made in self._maps.items() if of is None or name in of]

    def _load(
        self,
        kind: str,
        given: Mapping[str, Mapping[str, Any]],
        have: Mapping[str, Mapping[str, Tensor]],
    ) -> None:
        shapes = {name: {key: tuple(x.shape) for key, x in tensors.items()} for name, tensors in have.items()}
        check_numbers(kind, given, shapes)
        with torch.no_grad():
            for name, numbers in given.items():
                for key, value in numbers.items():
                    have[name][key].copy_(value if isinstance(value, Tensor) else _tensor(host(value)))

    def follow(self) -> None:
        for average, followed, move in self._averages:
            if average.parameters:
                move(list(average.parameters.values()), list(followed.parameters.values()), 0)
            theirs = followed.buffers()
            for name, buffer in average.buffers().items():
                buffer.copy_(theirs[name])

    # Randomness ---------------------------------------------------------------------------------------------

    def random_state(self) -> dict[str, np.ndarray]:
        return {kind: get().numpy() for kind, (get, _) in self._generators().items()}

    def load_random_state(self, state: Mapping[str, np.ndarray]) -> None:
        for kind, (_, put) in self._generators().items():
            if kind in state:
                put(_tensor(np.asarray(state[kind])))

    def _generators(self) -> dict[str, tuple[Callable[[], Tensor], Callable[[Tensor], None]]]:
        """How to read and to put the state of each generator that draws inside maps may use."""
        found: dict[str, Any] = {"cpu": (torch.get_rng_state, torch.set_rng_state)}
        if self.device.type == "cuda":
            found["cuda"] = (
                lambda: torch.cuda.get_rng_state(self.device),
                lambda state: torch.cuda.set_rng_state(state, self.device),
            )
        return found

    @contextmanager
    def session(self, seed: int) -> Iterator[None]:
        before, flags, outer = self.random_state(), self.modes.begin(), self.in_session
        self.in_session = True
        try:
            torch.default_generator.manual_seed(seed)
            if self.device.type == "cuda":
                with torch.cuda.device(self.device):
                    torch.cuda.manual_seed(seed)
            yield
        finally:
            self.in_session = outer
            if not outer:
                self.kept.release()
            self.modes.end(flags)
            self.load_random_state(before)


class _Module(nn.Module):
    """All maps of a compiled diagram; what `TorchMaps.module` gives."""

    def __init__(self, maps: TorchMaps, loss: Callable[..., Tensor]) -> None:
        super().__init__()
        self._modes = maps.modes
        self._loss = loss
        for name in maps.diagram.generators:
            module = maps.map(name).module if maps.has(name) else None
            if module is not None:
                # `add_module` refuses names that a module has methods of; a generator may be called `half`.
                self._modules[name] = module

    def forward(self, batch: Mapping[str, Any], step: int | None = None) -> Tensor:
        return self._loss(batch, step, self.training)

    def train(self, mode: bool = True) -> _Module:
        """Puts models in training mode; frozen, fixed and averaged maps evaluate.

        Until it is called once, each loss sets the modes for itself and puts them back, which takes its time.
        """
        self.training = mode
        self._modes.set(mode)
        return self


def _device(device: str | None, realisations: Mapping[str, Any]) -> torch.device:
    """The device named, or else that of the first module given, or else torch's default."""
    if device is not None:
        try:
            # A tensor there says the device's full name, and whether it is there at all.
            return torch.empty(0, device=device).device
        except (RuntimeError, AssertionError) as error:
            raise DiagramError(f"there is no device {device!r}: {str(error).splitlines()[0]}") from None
    for given in realisations.values():
        if isinstance(given, nn.Module):
            for tensor in (*given.parameters(), *given.buffers()):
                return tensor.device
    return torch.get_default_device()


def _tensor(array: np.ndarray, dtype: torch.dtype | None = None) -> Tensor:
    """A tensor of an array, sharing its memory where that can be; real numbers as `dtype` where given."""
    if array.dtype.kind not in "fiub":
        raise DiagramError(f"an array of {array.dtype} holds no numbers that a map reads")
    if array.dtype.kind == "u" and array.dtype.itemsize > 1:
        array = array.astype(np.int64)  # torch computes with no unsigned numbers but bytes
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    if not array.flags.writeable or any(stride < 0 for stride in array.strides):
        array = array.copy()
    tensor = torch.from_numpy(array)
    return tensor.to(dtype) if dtype is not None and tensor.is_floating_point() else tensor


def _copies(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in tensors.items()}
