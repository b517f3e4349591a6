# pyright: reportMissingImports=false
"""One distillation step by other libraries, each against the step by hand in turns, and ours beside them.

Teacher 64-256-256-10, frozen; student 64-32-10; batch 128; cross-entropy on labels plus 0.7 · KL to the teacher at
temperature 4; Adam. Each library is used as its own documentation does it for a loss of one's own, and has to give the
loss of the step by hand, or it is said that it does not. The libraries are no dependencies: install them into an
environment of their own, as far as wanted,

    pip install tensordict lightning torchdistill keras

and run `python -m benchmarks.peers` there; what is not installed is left out.
"""

from __future__ import annotations

import copy
import itertools
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from importlib.util import find_spec
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "torch")  # Keras fixes its backend when it is imported

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.__main__ import machine
from benchmarks.distillation import BATCH, RATE, TEXT, Batch, batches, cached_step, compiled, data, trainer_step
from benchmarks.distillation_torch import modules, step_by_hand
from benchmarks.pairs import Paired, Row, paired
from learningdiagrams.tables import table

ROUNDS, REPEAT = 60, 20
Step = Callable[[Batch], float | Tensor]
"""From a batch to the loss."""


def tensors(batch: Batch) -> tuple[Tensor, Tensor]:
    return torch.as_tensor(batch["pixels"]), torch.as_tensor(batch["label"])


def loss_of(logits: Tensor, target: Tensor, label: Tensor) -> Tensor:
    hard = F.cross_entropy(logits, label)
    ours, theirs = F.log_softmax(logits / 4, -1), F.log_softmax(target / 4, -1)
    return hard + 0.7 * 16 * F.kl_div(ours, theirs, reduction="batchmean", log_target=True)


# The libraries --------------------------------------------------------------------------------------------------


def by_tensordict(maps: dict[str, nn.Module], close: ExitStack) -> Step:
    """A graph of modules wired by key."""
    from tensordict import TensorDict
    from tensordict.nn import TensorDictModule, TensorDictSequential

    teacher = TensorDictModule(maps["teacher"].eval().requires_grad_(False), ["pixels"], ["target"])
    student = TensorDictModule(maps["student"].train(), ["pixels"], ["logits"])
    loss = TensorDictModule(loss_of, ["logits", "target", "label"], ["loss"])
    graph = TensorDictSequential(teacher, student, loss)
    optimizer = torch.optim.Adam(maps["student"].parameters(), lr=RATE)

    def step(batch: Batch) -> Tensor:
        pixels, label = tensors(batch)
        optimizer.zero_grad()
        out = graph(TensorDict({"pixels": pixels, "label": label}, batch_size=[]))
        out["loss"].backward()
        optimizer.step()
        return out["loss"].detach()

    return step


def by_fabric(maps: dict[str, nn.Module], close: ExitStack) -> Step:
    """Lightning Fabric, which is Lightning's manual optimisation without its trainer."""
    from lightning.fabric import Fabric

    fabric = Fabric(accelerator="cpu", devices=1)
    teacher = maps["teacher"].eval().requires_grad_(False)
    student, optimizer = fabric.setup(maps["student"].train(), torch.optim.Adam(maps["student"].parameters(), lr=RATE))

    def step(batch: Batch) -> Tensor:
        pixels, label = tensors(batch)
        optimizer.zero_grad()
        with torch.no_grad():
            target = teacher(pixels)
        loss = loss_of(student(pixels), target, label)
        fabric.backward(loss)
        optimizer.step()
        return loss.detach()

    return step


def by_torchdistill(maps: dict[str, nn.Module], close: ExitStack) -> Step:
    """Its forward hooks, which collect inputs and outputs by path, and its knowledge distillation loss."""
    from torchdistill.core.forward_hook import ForwardHookManager
    from torchdistill.losses.mid_level import KDLoss

    teacher, student = maps["teacher"].eval().requires_grad_(False), maps["student"].train()
    wires = {True: ForwardHookManager(torch.device("cpu")), False: ForwardHookManager(torch.device("cpu"))}
    for wire, module in ((wires[True], student), (wires[False], teacher)):
        wire.add_hook(module, ".", requires_input=False, requires_output=True)
    # α · cross-entropy + (1 − α) · T² · KL; doubled weights of the two terms are 1 and 0.7 for α = 1 / 1.7.
    criterion = KDLoss(
        student_module_path=".", teacher_module_path=".", temperature=4.0, alpha=1 / 1.7, reduction="batchmean"
    )
    optimizer = torch.optim.Adam(student.parameters(), lr=RATE)

    def step(batch: Batch) -> Tensor:
        pixels, label = tensors(batch)
        optimizer.zero_grad()
        with torch.no_grad():
            teacher(pixels)
        student(pixels)
        loss = 1.7 * criterion(wires[True].pop_io_dict(), wires[False].pop_io_dict(), label)
        loss.backward()
        optimizer.step()
        return loss.detach()

    return step


def by_keras(maps: dict[str, nn.Module], close: ExitStack) -> Step:
    """`keras.distillation.Distiller` on the backend torch, with its own loss for logits."""
    import keras
    from keras.distillation import Distiller, LogitsDistillation

    teacher, student = (_in_keras(keras, maps[name]) for name in ("teacher", "student"))
    distiller = Distiller(
        teacher=teacher,
        student=student,
        distillation_losses=LogitsDistillation(temperature=4.0, loss="kl_divergence"),
        student_loss_weight=1 / 1.7,
    )
    distiller.compile(
        optimizer=keras.optimizers.Adam(RATE), loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    return lambda batch: float(distiller.train_on_batch(batch["pixels"], batch["label"], return_dict=True)["loss"])


def _in_keras(keras: Any, module: nn.Module) -> Any:
    """The same multilayer perceptron with the same numbers."""
    linear = [part for part in module.modules() if isinstance(part, nn.Linear)]
    layers = [
        keras.layers.Dense(part.out_features, activation="relu" if part is not linear[-1] else None) for part in linear
    ]
    made = keras.Sequential([keras.Input((64,)), *layers])
    for layer, part in zip(layers, linear, strict=True):
        layer.set_weights([part.weight.detach().T.numpy(), part.bias.detach().numpy()])
    return made


PEERS: dict[str, tuple[str, Callable[[dict[str, nn.Module], ExitStack], Step]]] = {
    "tensordict": ("tensordict", by_tensordict),
    "Lightning Fabric": ("lightning", by_fabric),
    "torchdistill": ("torchdistill", by_torchdistill),
    "Keras Distiller on torch": ("keras", by_keras),
}


# Lightning's trainer calls the step, so that time is read at the ends of epochs ---------------------------------------


def lightning_trainer(rounds: int = 20) -> Paired:
    """An epoch of `Trainer.fit` with manual optimisation, by the step; and as many steps by hand after each."""
    import lightning

    maps = modules()
    hand, whole = step_by_hand(copy.deepcopy(maps)), batches(data())

    class Distilling(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.automatic_optimization = False
            self.teacher, self.student = maps["teacher"].requires_grad_(False), maps["student"]

        def configure_optimizers(self) -> Any:
            return torch.optim.Adam(self.student.parameters(), lr=RATE)

        def training_step(self, batch: Any, index: int) -> None:
            optimizer = self.optimizers()
            optimizer.zero_grad()  # type: ignore[union-attr]
            pixels, label = tensors(batch)
            with torch.no_grad():
                target = self.teacher(pixels)
            self.manual_backward(loss_of(self.student(pixels), target, label))
            optimizer.step()  # type: ignore[union-attr]

    found = Paired([], [])

    class Clock(lightning.Callback):
        def on_train_epoch_start(self, trainer: Any, module: Any) -> None:
            self.start = time.perf_counter()

        def on_train_epoch_end(self, trainer: Any, module: Any) -> None:
            found.ours.append((time.perf_counter() - self.start) / len(whole))
            start = time.perf_counter()
            for batch in whole:
                hand(batch)
            found.hand.append((time.perf_counter() - start) / len(whole))

    trainer = lightning.Trainer(
        max_epochs=rounds,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=[Clock()],
    )
    trainer.fit(Distilling(), torch.utils.data.DataLoader(whole, batch_size=None))  # type: ignore[arg-type]
    return found


# The table --------------------------------------------------------------------------------------------------------


def peer(make: Callable[[dict[str, nn.Module], ExitStack], Step]) -> tuple[Paired, str]:
    """A library's step and the step by hand in turns; and a note where their losses differ."""
    maps, whole = modules(), batches(data())
    hand = step_by_hand(copy.deepcopy(maps))
    with ExitStack() as close:
        step = make(maps, close)
        theirs, ours = float(step(whole[0])), float(hand(whole[0])[0])
        note = "" if abs(theirs - ours) < 1e-3 * ours else f"loss {theirs:.3f}, by hand {ours:.3f}"
        one, two = itertools.cycle(whole), itertools.cycle(whole)
        return paired(lambda: step(next(one)), lambda: hand(next(two)), rounds=ROUNDS, repeat=REPEAT), note


def ours(cached: bool) -> Paired:
    """The step from a diagram and the step by hand in turns."""
    maps, arrays = modules(), data()
    hand, whole = step_by_hand(copy.deepcopy(maps)), batches(arrays)
    with ExitStack() as close:
        made = compiled(TEXT, maps, "torch")
        step, mine = cached_step(made, arrays, close) if cached else (trainer_step(made, close), whole)
        one, two = itertools.cycle(mine), itertools.cycle(whole)
        return paired(lambda: step(next(one)), lambda: hand(next(two)), rounds=ROUNDS, repeat=REPEAT)


def rows() -> Iterator[Row]:
    """The table's lines, of what is installed."""
    yield ours(cached=False).row("learningdiagrams")
    yield ours(cached=True).row("learningdiagrams, teacher cached")
    for name, (package, make) in PEERS.items():
        if find_spec(package) is None:
            continue
        try:
            found, note = peer(make)
        except Exception as error:  # another version of it may have another interface
            print(f"{name}: {type(error).__name__}: {error}", file=sys.stderr)
            continue
        yield found.row(name, note=note)
    if find_spec("lightning") is not None:
        yield lightning_trainer().row("Lightning Trainer, manual optimisation")


def main() -> int:
    """Prints the table."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    print(machine(), f"\nsteps of {BATCH} rows; {ROUNDS} rounds of {REPEAT} in turns\n")
    print(table([row.cells() for row in rows()], ["", "its step", "by hand", "ratio (quartiles)", "bound", ""]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
