"""Sixteen goals over one backbone on PyTorch: each value of the backbone is computed once, as one writes it by hand.

Backbone 64-128-128, heads 128-10, batch 128, the sum of the heads' mean squared errors, Adam.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import learningdiagrams as ld
from benchmarks.distillation import RATE, agree, trainer_step
from benchmarks.distillation_torch import mlp
from benchmarks.pairs import Row, paired

HEADS, BATCH, BOUND = 16, 128, 1.05
Batch = dict[str, np.ndarray]


def diagram() -> ld.Diagram:
    d = ld.Diagram("Heads")
    sample, image, feature = d.objects("Sample", "Image", "Feature")
    features = d.data("pixels", sample, image) >> d.model("backbone", image, feature)
    for k in range(HEADS):
        value = d.object(f"Value{k}")
        d.goal(f"goal{k}", features >> d.model(f"head{k}", feature, value), d.data(f"y{k}", sample, value))
    return d


def batch() -> Batch:
    draw = np.random.default_rng(0)
    sizes = {"pixels": 64} | {f"y{k}": 10 for k in range(HEADS)}
    return {name: draw.normal(size=(BATCH, size)).astype(np.float32) for name, size in sizes.items()}


def modules() -> dict[str, nn.Module]:
    torch.manual_seed(0)
    heads = {f"head{k}": mlp(128, 10) for k in range(HEADS)}
    return {"backbone": mlp(64, 128, 128), **heads}


def step_by_hand(maps: dict[str, nn.Module]) -> Callable[[Batch], Tensor]:
    backbone, heads = maps["backbone"].train(), [maps[f"head{k}"].train() for k in range(HEADS)]
    optimizer = torch.optim.Adam([p for made in maps.values() for p in made.parameters()], lr=RATE)

    def step(batch: Batch) -> Tensor:
        optimizer.zero_grad()
        features = backbone(torch.from_numpy(batch["pixels"]))
        loss = torch.zeros(())
        for k, head in enumerate(heads):
            loss = loss + F.mse_loss(head(features), torch.from_numpy(batch[f"y{k}"]))
        loss.backward()
        optimizer.step()
        return loss.detach()

    return step


def calls(maps: dict[str, Any], whole: Batch) -> int:
    """How often one step calls the backbone."""
    count = 0

    def counted(*_: Any) -> None:
        nonlocal count
        count += 1

    with ExitStack() as close:
        step = trainer_step(diagram().compile(backend="torch", maps=maps), close)
        maps["backbone"].register_forward_hook(counted)
        step(whole)
    return count


def rows() -> Iterator[Row]:
    whole, maps = batch(), modules()
    yield Row("16 goals, one backbone, torch", calls(copy.deepcopy(maps), whole), "backbone calls a step", most=1)
    hand = step_by_hand(copy.deepcopy(maps))
    with ExitStack() as close:
        ours = trainer_step(diagram().compile(backend="torch", maps=maps), close)
        for _ in range(20):
            agree(float(ours(whole).total), float(hand(whole)))
        found = paired(lambda: ours(whole), lambda: hand(whole), rounds=100, repeat=10)
    yield found.row("16 goals, one backbone, step, torch", most=BOUND)
