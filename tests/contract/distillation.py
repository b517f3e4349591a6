"""The example of the interface, with modules and layers for it, and how numbers of either backend are compared."""

from typing import Any

import numpy as np
import torch
from torch import nn

import learningdiagrams as ld

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(50, 6)).astype("float32"), RNG.integers(0, 4, size=50)
DATA = {"pixels": X, "label": Y}


def distillation() -> ld.Diagram:
    """The example: a student learns from labels and from its teacher."""
    d = ld.Diagram("distillation")
    sample, image, logits = d.objects("Sample", "Image", "Logits")
    pixels, label = d.data("pixels", sample, image), d.data("label", sample, logits)
    teacher, student = d.frozen("teacher", image, logits), d.model("student", image, logits)
    d.goal("hard", pixels >> student, label, by="cross_entropy")
    d.goal("soft", pixels >> student, pixels >> teacher, by=ld.losses.kl(temperature=4.0), weight=0.7)
    d.measure("accuracy", pixels >> student, label, by="accuracy")
    return d


def nets(seed: int = 0) -> dict[str, Any]:
    """Modules with batch norm."""
    torch.manual_seed(seed)
    return {
        "teacher": nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Linear(8, 4)),
        "student": nn.Sequential(nn.Linear(6, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.Linear(5, 4)),
    }


LAYERS = {"teacher": ld.layers.mlp(6, 8, 4), "student": ld.layers.mlp(6, 5, 4)}


def flat(table) -> dict[str, np.ndarray]:
    """{generator: {name: array}} as {generator.name: NumPy's array}."""
    return {f"{g}.{n}": np.asarray(value).copy() for g, named in table.items() for n, value in named.items()}


def same(one, two, atol=0.0) -> None:
    one, two = flat(one), flat(two)
    assert one.keys() == two.keys()
    for name, value in one.items():
        np.testing.assert_allclose(value, two[name], atol=atol, rtol=0, err_msg=name)
