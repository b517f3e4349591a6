"""PyTorch: steps written by hand, and the same steps made from a diagram.

1. Distillation: teacher 64-256-256-10, frozen; student 64-32-10; batch 128; cross-entropy on labels plus
   0.7 · KL to the teacher at temperature 4; Adam.
2. Sixteen goals over one backbone 64-128-128, each with a head 128-10 of its own; batch 128; mean squared
   errors; Adam.

Both sides start from the same numbers and are timed in turns; a ratio is the median over rounds of the ratio
within a round. `--memory` compares the peak of the process's memory at large batches, each side in a process
of its own. Run it as `python benchmarks/distillation_torch.py`; with `OMP_NUM_THREADS=1` the figures are
steadier.
"""

from __future__ import annotations

import argparse
import copy
import itertools
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from learningdiagrams.backends.base import Optimisation
from learningdiagrams.backends.torch import TorchBackend
from learningdiagrams.diagram import Diagram
from learningdiagrams.plan import make_plan
from learningdiagrams.programs import weights_at

HEADS, RATE = 16, 1e-3
Step = Callable[[dict[str, Tensor]], Tensor]


def mlp(*sizes: int) -> nn.Sequential:
    parts = [each for a, b in itertools.pairwise(sizes) for each in (nn.Linear(a, b), nn.ReLU())]
    return nn.Sequential(*parts[:-1])


# Distillation -----------------------------------------------------------------------------------------------


def distillation() -> tuple[Diagram, dict[str, nn.Module]]:
    d = Diagram("Distillation")
    sample, image, logits = d.objects("Sample", "Image", "Logits")
    pixels, label = d.data("pixels", sample, image), d.data("label", sample, logits)
    teacher, student = d.frozen("teacher", image, logits), d.model("student", image, logits)
    d.goal("hard", pixels >> student, label, by="cross_entropy")
    d.goal("soft", pixels >> student, pixels >> teacher, by="kl(temperature=4)", weight=0.7)
    return d, {"teacher": mlp(64, 256, 256, 10), "student": mlp(64, 32, 10)}


def distillation_by_hand(maps: dict[str, nn.Module]) -> Step:
    teacher, student = maps["teacher"].eval().requires_grad_(False), maps["student"].train()
    optimizer = torch.optim.Adam(student.parameters(), lr=RATE)

    def step(batch: dict[str, Tensor]) -> Tensor:
        optimizer.zero_grad()
        with torch.no_grad():
            target = teacher(batch["pixels"])
        logits = student(batch["pixels"])
        hard = F.cross_entropy(logits, batch["label"])
        ours, theirs = F.log_softmax(logits / 4, -1), F.log_softmax(target / 4, -1)
        soft = 16 * F.kl_div(ours, theirs, reduction="batchmean", log_target=True)
        loss = hard + 0.7 * soft
        loss.backward()
        optimizer.step()
        return loss.detach()

    return step


# Sixteen goals over one backbone ----------------------------------------------------------------------------


def heads() -> tuple[Diagram, dict[str, nn.Module]]:
    d = Diagram("Heads")
    sample, image, feature = d.objects("Sample", "Image", "Feature")
    pixels, backbone = d.data("pixels", sample, image), d.model("backbone", image, feature)
    maps: dict[str, nn.Module] = {"backbone": mlp(64, 128, 128)}
    for k in range(HEADS):
        value = d.object(f"Value{k}")
        d.goal(
            f"goal{k}",
            pixels >> backbone >> d.model(f"head{k}", feature, value),
            d.data(f"y{k}", sample, value),
        )
        maps[f"head{k}"] = mlp(128, 10)
    return d, maps


def heads_by_hand(maps: dict[str, nn.Module]) -> Step:
    modules = nn.ModuleDict(maps).train()
    optimizer = torch.optim.Adam(modules.parameters(), lr=RATE)

    def step(batch: dict[str, Tensor]) -> Tensor:
        optimizer.zero_grad()
        features = maps["backbone"](batch["pixels"])
        loss = sum(F.mse_loss(maps[f"head{k}"](features), batch[f"y{k}"]) for k in range(HEADS))
        loss.backward()  # type: ignore[union-attr]  # a sum of tensors
        optimizer.step()
        return loss.detach()  # type: ignore[union-attr]

    return step


# Both sides of each -----------------------------------------------------------------------------------------

CASES: dict[str, tuple[Callable[[], tuple[Diagram, dict[str, nn.Module]]], Callable[..., Step]]] = {
    "distillation": (distillation, distillation_by_hand),
    "16 goals": (heads, heads_by_hand),
}


def batch_of(case: str, size: int) -> dict[str, Tensor]:
    pixels = torch.randn(size, 64)
    if case == "distillation":
        return {"pixels": pixels, "label": torch.randint(0, 10, (size,))}
    return {"pixels": pixels} | {f"y{k}": torch.randn(size, 10) for k in range(HEADS)}


def from_diagram(diagram: Diagram, modules: dict[str, nn.Module]) -> Step:
    """The step as `fit` takes it, in a session that stays open for as long as the step is there."""
    maps = TorchBackend().maps(diagram, modules, seed=0, dtype="float32", device=None)
    program = maps.program(make_plan(diagram, diagram.goals.values()))
    trainer = program.trainer(Optimisation("adam", lr=RATE), diagram.models)
    weights = weights_at(diagram, program.plan, 0)
    session = ExitStack()
    session.enter_context(maps.session(0))
    count = 0

    def step(batch: dict[str, Tensor], session: ExitStack = session) -> Tensor:
        nonlocal count
        count += 1
        return trainer.step(program, batch, weights, count, 1.0).total

    return step


def sides(case: str) -> tuple[Step, Step]:
    """The step by hand and the step from the diagram, on copies of the same modules."""
    torch.manual_seed(0)
    make, by_hand = CASES[case]
    diagram, maps = make()
    return by_hand(copy.deepcopy(maps)), from_diagram(diagram, maps)


def compare(case: str, rounds: int, steps: int) -> None:
    hand, ours = sides(case)
    batch = batch_of(case, 128)
    for _ in range(20):
        one, two = hand(batch).item(), ours(batch).item()
        assert abs(one - two) < 1e-5 * max(1, abs(one)), (one, two)
    taken: list[tuple[float, float]] = []
    for number in range(rounds):
        times = {}
        for step in (hand, ours) if number % 2 else (ours, hand):
            start = time.perf_counter()
            for _ in range(steps):
                step(batch)
            times[step] = (time.perf_counter() - start) / steps * 1e6
        taken.append((times[hand], times[ours]))
    ratio = statistics.median(b / a for a, b in taken)
    a, b = (statistics.median(each) for each in zip(*taken, strict=True))
    print(f"{case}: by hand {a:.0f} µs, from the diagram {b:.0f} µs: ratio {ratio:.3f}")


def peak(case: str, side: str) -> None:
    """Prints the growth of the process's largest memory over some steps at a large batch, in KiB."""
    step = sides(case)[side == "ours"]
    step(batch_of(case, 8))
    batch = batch_of(case, 100_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(3):
        step(batch)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)


def compare_memory(case: str) -> None:
    def measured(side: str) -> float:
        command = [sys.executable, __file__, "--peak", case, side]
        return statistics.median(
            int(subprocess.run(command, check=True, capture_output=True, text=True).stdout) for _ in range(3)
        )

    a, b = measured("hand"), measured("ours")
    sizes = f"by hand {a / 1024:.0f} MiB, from the diagram {b / 1024:.0f} MiB"
    print(f"{case}, peak memory: {sizes}: ratio {b / a:.3f}")


def main(arguments: Any = None) -> None:
    parser = argparse.ArgumentParser(description="Steps by hand and from a diagram, on PyTorch.")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--memory", action="store_true", help="compare peaks of memory, too")
    parser.add_argument("--peak", nargs=2, metavar=("CASE", "SIDE"), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.peak:
        return peak(*options.peak)
    for case in CASES:
        compare(case, options.rounds, options.steps)
        if options.memory:
            compare_memory(case)


if __name__ == "__main__":
    main()
