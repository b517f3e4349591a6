"""What both backends say alike of maps that do not fit their roles or their learning rates."""

import pytest

pytest.importorskip("torch")

import torch
from torch import nn

from learningdiagrams.diagram import Diagram
from learningdiagrams.errors import DiagramError

X = {"x": torch.ones(4, 3)}


def two() -> Diagram:
    d = Diagram()
    S, A = d.objects("S", "A")
    x, f, g = d.data("x", S, A), d.model("f", A, A), d.model("g", A, A)
    d.goal("one", x >> f, x)
    d.goal("two", x >> g, x)
    return d


def test_a_model_of_which_nothing_may_be_trained(backend):
    still = nn.Linear(3, 3).requires_grad_(False)
    half = nn.Linear(3, 3)
    half.bias.requires_grad_(False)
    with pytest.raises(DiagramError) as error:
        two().compile(backend, maps={"f": still, "g": half})
    assert str(error.value) == (
        "`f` is a model, and none of its parameters requires a gradient; declare it frozen, or call "
        "requires_grad_(True)"
    )
    two().compile(backend, maps={"f": half, "g": torch.tanh if backend == "torch" else nn.Tanh()})


def test_two_learning_rates_of_one_parameter(backend):
    both = nn.Linear(3, 3)
    c = two().compile(backend, maps={"f": nn.Sequential(both), "g": both})
    with pytest.raises(DiagramError) as error:
        c.fit(X, lr={None: 0.5, "f": 0.25})
    assert str(error.value) == "`f` and `g` hold a parameter together and have two learning rates, 0.25 and 0.5"
    c.fit(X, lr={"f": 0.25, "g": 0.25})
