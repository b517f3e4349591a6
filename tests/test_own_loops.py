"""What loops other than `fit` rely on: which parameters of `c.module` ask for a gradient."""

from __future__ import annotations

import numpy as np
import pytest

import learningdiagrams as ld

TEXT = """
object Sample, Image[6], Logits[3]
data   pixels  : Sample -> Image
data   label   : Sample -> Logits
frozen teacher : Image -> Logits
model  student : Image -> Logits = linear(6, 3)
model  slow    : Image -> Logits = ema(student, decay=0.9)
goal   hard    : pixels >> student = label by cross_entropy
goal   soft    : pixels >> student = pixels >> teacher by kl
goal   near    : pixels >> student = pixels >> slow
"""
rng = np.random.default_rng(0)
DATA = {"pixels": rng.normal(size=(8, 6)).astype("float32"), "label": rng.integers(3, size=8)}


def asking(compiled: ld.Compiled) -> set[str]:
    return {name for name, parameter in compiled.module.named_parameters() if parameter.requires_grad}


def test_of_built_in_layers_only_models_ask_for_a_gradient():
    pytest.importorskip("torch")
    compiled = ld.loads(TEXT).compile(maps={"teacher": ld.layers.linear(6, 3)}, seed=0)
    assert asking(compiled) == {"student.weight", "student.bias"}
    compiled.module(DATA).backward()
    reached = {name for name, parameter in compiled.module.named_parameters() if parameter.grad is not None}
    assert reached == asking(compiled)


def test_flags_of_modules_that_are_given_stay():
    torch = pytest.importorskip("torch")
    teacher = torch.nn.Linear(6, 3)
    compiled = ld.loads(TEXT).compile(maps={"teacher": teacher}, seed=0)
    assert {"teacher.weight", "teacher.bias"} <= asking(compiled)
    compiled.fit(DATA, epochs=1)
    assert teacher.weight.requires_grad and teacher.weight.grad is None


def test_what_is_thawed_trains():
    pytest.importorskip("torch")
    compiled = ld.loads(TEXT).compile(maps={"teacher": ld.layers.linear(6, 3)}, seed=0)
    thawed = ld.edit(compiled, ld.editing.thaw("teacher")).compiled
    assert asking(thawed) == {"student.weight", "student.bias", "teacher.weight", "teacher.bias"}
    before = thawed.parameters()["teacher"]["weight"]
    thawed.fit(DATA, epochs=1)
    assert not np.array_equal(before, thawed.parameters()["teacher"]["weight"])


def test_the_module_and_the_loss_give_the_same_steps():
    torch = pytest.importorskip("torch")
    one, two = (ld.loads(TEXT).compile(maps={"teacher": ld.layers.linear(6, 3)}, seed=0) for _ in range(2))
    for compiled in (one, two):
        trained = [parameter for parameter in compiled.module.parameters() if parameter.requires_grad]
        optimizer = torch.optim.SGD(trained, lr=0.1)
        for step in range(3):
            optimizer.zero_grad()
            loss = compiled.module(DATA) if compiled is one else compiled.loss(DATA, training=True).total
            loss.backward()
            optimizer.step()
            compiled.advance()
            assert compiled.step == step + 1
    for name, table in one.parameters().items():
        for key, value in table.items():
            assert torch.equal(value, two.parameters()[name][key])
