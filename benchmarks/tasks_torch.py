"""K tasks over one backbone on PyTorch, against the loop over them: loss and gradient, and the whole step with Adam."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.distillation import RATE, agree
from benchmarks.pairs import Row, paired
from benchmarks.tasks import Batch, batch, diagram, maps
from learningdiagrams.backends.base import Optimisation

BOUNDS = {16: None, 64: 0.38, 256: 0.35}


def loss_by_hand(modules: dict[str, nn.Module], tasks: int) -> Callable[[Batch], Tensor]:
    body, heads = modules["body"].train(), [modules[f"head{k}"].train() for k in range(tasks)]

    def loss(batch: Batch) -> Tensor:
        total = torch.zeros(())
        for k, head in enumerate(heads):
            features = body(torch.from_numpy(batch[f"x{k}"]))
            total = total + F.cross_entropy(head(features), torch.from_numpy(batch[f"y{k}"]))
        return total

    return loss


def rows() -> Iterator[Row]:
    for tasks, bound in BOUNDS.items():
        yield from _rows(tasks, bound)


def _rows(tasks: int, bound: float | None) -> Iterator[Row]:
    made, whole = diagram(tasks).compile(backend="torch", maps=maps(tasks)), batch(tasks)
    modules = {name: copy.deepcopy(made.module._modules[name]) for name in made.diagram.models}
    loss, parameters = loss_by_hand(modules, tasks), [p for m in modules.values() for p in m.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=RATE, fused=True)
    program, weights = made.maps.program(made.plan), dict.fromkeys(made.diagram.goals, 1.0)
    with made.maps.session(0):
        trainer: Any = program.trainer(Optimisation("adam", lr=RATE), made.diagram.models)

        def ours() -> Any:
            return trainer.step(program, whole, weights, 0, 1.0).total

        def hand() -> Any:
            optimizer.zero_grad()
            total = loss(whole)
            total.backward()
            optimizer.step()
            return total.detach()

        def gradient() -> None:
            trainer._start()
            trainer._backward(program, whole, weights, 0)

        def gradient_by_hand() -> None:
            optimizer.zero_grad()
            loss(whole).backward()

        for _ in range(5):
            agree(float(ours()), float(hand()))
        rounds, repeat = (60, 10) if tasks < 100 else (40, 3)
        found = paired(gradient, gradient_by_hand, rounds=rounds, repeat=repeat)
        yield found.row(f"{tasks} tasks, loss and gradient, torch", unit="ms", most=bound)
        yield paired(ours, hand, rounds=rounds, repeat=repeat).row(f"{tasks} tasks, step, torch", unit="ms")
