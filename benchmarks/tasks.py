"""K tasks over one backbone, each with a batch and a head of its own: what is the same on both backends.

Backbone 64-128-128, heads 128-10, a batch of 32 for each task, the sum of the tasks' cross-entropies. By hand it is the
loop that one writes: for each task its loss, backbone and head. From the diagram the backbone is called once on all
batches (`merge`), and the heads are one batched call whose numbers stay stacked between two steps (`stack`).
"""

from __future__ import annotations

from typing import Any

import numpy as np

import learningdiagrams as ld
from learningdiagrams.layers import linear, mlp

ROWS = 32
Batch = dict[str, np.ndarray]


def diagram(tasks: int) -> ld.Diagram:
    d = ld.Diagram("Tasks")
    sample, image, feature = d.objects("Sample", "Image", "Feature")
    body = d.model("body", image, feature)
    for k in range(tasks):
        logits = d.object(f"Logits{k}")
        pixels, label = d.data(f"x{k}", sample, image), d.data(f"y{k}", sample, logits)
        d.goal(f"task{k}", pixels >> body >> d.model(f"head{k}", feature, logits), label, by="cross_entropy")
    return d


def maps(tasks: int) -> dict[str, Any]:
    return {"body": mlp(64, 128, 128)} | {f"head{k}": linear(128, 10) for k in range(tasks)}


def batch(tasks: int) -> Batch:
    draw = np.random.default_rng(0)
    pixels = {f"x{k}": draw.normal(size=(ROWS, 64)).astype(np.float32) for k in range(tasks)}
    return pixels | {f"y{k}": draw.integers(0, 10, ROWS) for k in range(tasks)}
