"""What the tests of the gallery share: a regime compiled on a batch of its data, and the same loss written by hand.

A loss by hand is written in PyTorch with modules of its own, which take over the first numbers of the compiled maps;
the total and every gradient are then compared, on both backends.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from learningdiagrams import Diagram
from learningdiagrams.data import host
from learningdiagrams.regimes import find

ROWS = 12
Terms = Mapping[str, tuple[float, Tensor, Sequence[str]]]
"""{goal: (weight, value, the models that it moves)}."""


def compare(
    name: str,
    backend: str,
    modules: Mapping[str, nn.Module],
    loss: Callable[[dict[str, Tensor], Any], Terms],
    *,
    step: int = 3,
    variant: str | None = None,
    diagram: Diagram | None = None,
    double: bool = False,
) -> None:
    """Asserts that a regime's total and gradients on one batch are those of a loss written by hand.

    Args:
        modules: the models by hand, whose parameters are named as the diagram's.
        loss: a function of the batch, with its noise drawn, and of the modules as attributes.
        diagram: where it is a smaller one of the same kind than the regime's.
        double: whether both take 64 bits: gradients that are 0, as those of biases before batch norm, are not 0 in 32.
    """
    regime = find(name)
    compiled = (regime.diagram(variant) if diagram is None else diagram).compile(
        backend, seed=0, dtype="float64" if double else "float32"
    )
    data = regime.data(0).train
    drawn = compiled.draw({n: v[:ROWS] for n, v in data.items() if n in compiled.diagram.generators}, step)
    batch = {n: host(value) for n, value in drawn.items() if compiled.diagram.roles[n] in ("data", "noise")}
    numbers = compiled.parameters()
    for model, module in modules.items():
        if double:
            module.double()
        own = {key: torch.from_numpy(np.array(host(value))) for key, value in numbers[model].items()}
        missing, unexpected = module.load_state_dict(own, strict=False)
        assert not unexpected and not set(missing) & set(dict(module.named_parameters())), model
        module.train()
    with _long(backend) if double else nullcontext():
        value, gradients = compiled.value_and_grad(batch, step=step, training=True)

    rows = {key: torch.from_numpy(np.array(x)) for key, x in batch.items()}
    if double:
        rows = {key: x.double() if x.is_floating_point() else x for key, x in rows.items()}
    terms = loss(rows, _Modules(modules))
    assert set(terms) == set(compiled.diagram.goals)
    total = sum(weight * float(term.detach()) for weight, term, _ in terms.values())
    np.testing.assert_allclose(float(host(value)), total, rtol=1e-5)

    wanted = _field(modules, terms)
    assert set(gradients) == set(wanted)
    for model, parameters in wanted.items():
        assert set(gradients[model]) == set(parameters)
        for key, gradient in parameters.items():
            np.testing.assert_allclose(
                np.array(host(gradients[model][key])), gradient.numpy(), rtol=1e-4, atol=1e-5, err_msg=f"{model}.{key}"
            )
    assert all(any(bool(g.any()) for g in parameters.values()) for parameters in wanted.values())


def _long(backend: str) -> AbstractContextManager[Any]:
    """Where numbers of 64 bits may be computed with."""
    if backend != "jax":
        return nullcontext()
    import jax

    return jax.enable_x64(True)


class _Modules:
    def __init__(self, modules: Mapping[str, nn.Module]):
        self.__dict__.update(modules)


def _field(modules: Mapping[str, nn.Module], terms: Terms) -> dict[str, dict[str, Tensor]]:
    """Each model's gradient, of those terms that move it."""
    field: dict[str, dict[str, Tensor]] = {}
    for model in dict.fromkeys(model for _, _, models in terms.values() for model in models):
        parameters = dict(modules[model].named_parameters())
        mine = [weight * term for weight, term, models in terms.values() if model in models]
        gradients = torch.autograd.grad(
            torch.stack(mine).sum(), list(parameters.values()), retain_graph=True, materialize_grads=True
        )
        field[model] = dict(zip(parameters, gradients, strict=True))
    return field


def mlp(*sizes: int) -> nn.Sequential:
    """Linear maps with ReLU between."""
    parts: list[nn.Module] = []
    for i, (inputs, outputs) in enumerate(pairwise(sizes)):
        parts += [nn.ReLU()] * bool(i) + [nn.Linear(inputs, outputs)]
    return nn.Sequential(*parts)


def convs(*channels: int, pools: Sequence[int], strides: Sequence[int] | None = None) -> nn.Sequential:
    """Convolutions with batch norm, ReLU and max pooling."""
    parts: list[nn.Module] = []
    steps = strides or [1] * len(pools)
    for inputs, outputs, pool, stride in zip(channels, channels[1:], pools, steps, strict=False):
        parts += [nn.Conv2d(inputs, outputs, 3, stride, 1), nn.BatchNorm2d(outputs), nn.ReLU()]
        parts += [nn.MaxPool2d(pool)] * (pool > 1)
    return nn.Sequential(*parts)


def normed(*sizes: int) -> nn.Sequential:
    """Linear maps with batch norm and ReLU between."""
    parts = list(mlp(*sizes))
    return nn.Sequential(parts[0], nn.BatchNorm1d(sizes[1]), *parts[1:])


def encoder() -> nn.Sequential:
    """Of pictures of 12 × 12 pixels."""
    seeing = convs(1, 16, 32, pools=(2, 2))
    return nn.Sequential(seeing, nn.Flatten(), nn.Linear(288, 128), nn.BatchNorm1d(128), nn.ReLU())


def moved(x: Tensor, u: Tensor, most: int) -> Tensor:
    """Each picture moved by its own number of pixels, one after the other."""
    out = torch.zeros_like(x)
    high, wide = x.shape[-2:]
    for picture, to, (down, right) in zip(x, out, (u * (2 * most + 1)).floor().int() - most, strict=True):
        d, r = int(down), int(right)
        to[:, max(d, 0) : high + min(d, 0), max(r, 0) : wide + min(r, 0)] = picture[
            :, max(-d, 0) : high + min(-d, 0), max(-r, 0) : wide + min(-r, 0)
        ]
    return out
