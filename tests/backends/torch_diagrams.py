"""Small diagrams and modules for the tests of the torch backend."""

import itertools
from typing import Any

import numpy as np
import torch
from torch import nn

from learningdiagrams import losses
from learningdiagrams.backends.torch import TorchBackend, TorchMaps, TorchProgram
from learningdiagrams.diagram import Diagram
from learningdiagrams.plan import make_plan, plan_morphism

X = torch.from_numpy(np.random.default_rng(0).normal(size=(6, 4)).astype("float32"))
Y = torch.tensor([0, 1, 2, 0, 1, 2])
WEIGHTS = {"hard": 1.0, "soft": 0.7}


def maps_of(
    diagram: Diagram,
    realisations: dict[str, Any],
    dtype: str = "float32",
    device: str | None = None,
    seed: int = 0,
) -> TorchMaps:
    return TorchBackend().maps(diagram, realisations, seed=seed, dtype=dtype, device=device)


def program_of(maps: TorchMaps, moves: list[str] | None = None) -> TorchProgram:
    """The program of all goals."""
    return maps.program(make_plan(maps.diagram, maps.diagram.goals.values(), moves=moves))


def module_of(maps: TorchMaps, name: str) -> Any:
    return maps.map(name).module


def outputs(maps: TorchMaps, text: str, *arguments: Any) -> tuple[Any, ...]:
    """The values of a morphism at these arguments."""
    plan = plan_morphism(maps.diagram, maps.diagram.parse(text))
    return maps.program(plan).outputs({str(i): each for i, each in enumerate(arguments)})


def small(*sizes: int, seed: int = 0) -> Any:
    torch.manual_seed(seed)
    parts = [nn.Linear(a, b) for a, b in itertools.pairwise(sizes)]
    return nn.Sequential(*[each for part in parts for each in (part, nn.Tanh())][:-1])


def distillation() -> Diagram:
    d = Diagram("Distillation")
    S, A, B = d.objects("Sample", "Image", "Logits")
    d.data("pixels", S, A)
    d.data("label", S, B)
    d.frozen("teacher", A, B)
    d.model("student", A, B)
    d.goal("hard", "pixels >> student", "label", by="cross_entropy")
    d.goal("soft", "pixels >> student", "pixels >> teacher", by=losses.kl(4), weight=0.7)
    return d


def one_map(role: str = "model", dom: str = "A") -> Diagram:
    """A diagram with data x : S -> A and y : S -> B, and one map f out of A or 1 to B."""
    d = Diagram("One")
    S, A, B = d.objects("S", "A", "B")
    d.data("x", S, A)
    d.data("y", S, B)
    getattr(d, role)("f", d.unit if dom == "1" else A, B)
    return d


class Flags(nn.Module):
    """A linear map that remembers in which mode it was called, itself and a part of it."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 3)
        self.inner = nn.Dropout(0.5)
        self.seen: list[tuple[bool, bool]] = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.seen.append((self.training, self.inner.training))
        return self.linear(x)
