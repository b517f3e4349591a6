"""Schedules as values and as functions of the step; learning rates against PyTorch's own schedulers."""

import math

import numpy as np
import pytest

from learningdiagrams.errors import DiagramError
from learningdiagrams.schedules import (
    LEARNING_RATES,
    constant,
    cosine,
    learning_rate,
    linear,
    onecycle_rate,
    schedule,
)


def test_linear():
    ramp = linear(0, 1, steps=4)
    assert [float(ramp(step)) for step in range(7)] == [0, 0.25, 0.5, 0.75, 1, 1, 1]
    assert float(linear(2, -2, 2)(1)) == 0
    assert linear(0, 1, 4) == ramp and str(ramp) == "linear(0, 1, steps=4)"


def test_cosine():
    fall = cosine(1, 0, steps=4)
    expected = [(1 + math.cos(math.pi * t / 4)) / 2 for t in range(4)] + [0, 0]
    assert [float(fall(step)) for step in range(6)] == pytest.approx(expected, abs=1e-15)
    assert float(cosine(0, 3, steps=4)(2)) == pytest.approx(1.5)


def test_constant_is_written_as_its_number():
    assert str(constant(0.7)) == "0.7" and str(constant(2.0)) == "2" and constant(0.7)(100) == 0.7


@pytest.mark.parametrize("one", [linear(0, 1, steps=10), cosine(1, 0.2, steps=7), constant(0.3)])
def test_traced_steps(one):
    jax = pytest.importorskip("jax")
    traced = jax.jit(lambda step: one(step, jax.numpy))
    for step in (0, 3, 7, 50):
        assert float(traced(step)) == pytest.approx(float(one(step)), rel=1e-6)
        assert float(one(np.int64(step))) == float(one(step))


@pytest.mark.parametrize(
    ("weight", "expected"),
    [
        (2, constant(2)),
        (0.7, constant(0.7)),
        (-1, constant(-1)),
        (np.float32(0.5), constant(0.5)),
        ("0.7", constant(0.7)),
        ("1e-3", constant(0.001)),
        ("linear(0, 1, steps=1000)", linear(0, 1, steps=1000)),
        ("cosine(1, 0, 1000)", cosine(1, 0, steps=1000)),
        (linear(0, 1, steps=3), linear(0, 1, steps=3)),
    ],
)
def test_every_way_to_say_weight(weight, expected):
    assert schedule(weight) == expected
    assert schedule(str(expected)) == expected


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf, True, None, [1], "nan", "inf", lambda step: 1])
def test_what_is_no_weight(wrong):
    with pytest.raises(
        DiagramError,
        match=r"^a weight is a finite number or a schedule such as linear\(0, 1, steps=1000\), not ",
    ):
        schedule(wrong)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("linaer(0, 1, steps=3)", "there is no schedule `linaer`; did you mean `linear`?"),
        ("linear(0, 1)", "`linear` needs steps: `linear(start, end, steps)`"),
        ("linear(0, 1, steps=0)", "`linear`: steps is to be a whole number of at least 1, not 0"),
        ("linear(0, 1, steps=1.5)", "`linear`: steps is to be a whole number of at least 1, not 1.5"),
        ("cosine(0, 1e999, steps=5)", "`cosine`: end is to be a finite number, not inf"),
        ("linear(False, 1, steps=5)", "`linear`: start is to be a finite number, not False"),
    ],
)
def test_wrong_schedules(text, message):
    with pytest.raises(DiagramError) as caught:
        schedule(text)
    assert str(caught.value) == message


def torch_factors(make, total):
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1, momentum=0.9)
    scheduler = make(torch.optim.lr_scheduler, optimizer)
    factors = []
    for _ in range(total):
        factors.append(optimizer.param_groups[0]["lr"] / 0.1)
        optimizer.step()
        if len(factors) < total:
            scheduler.step()
    return factors


@pytest.mark.parametrize("total", [1, 2, 3, 4, 7, 100])
def test_one_cycle_is_torchs(total):
    expected = torch_factors(lambda s, optimizer: s.OneCycleLR(optimizer, 0.1, total_steps=total), total)
    assert [float(onecycle_rate(step, total)) for step in range(total)] == pytest.approx(expected, rel=1e-9)


def test_cosine_and_linear_are_torchs():
    for name, make in (
        ("cosine", lambda s, optimizer: s.CosineAnnealingLR(optimizer, T_max=20)),
        ("linear", lambda s, optimizer: s.LinearLR(optimizer, 1.0, 0.0, total_iters=20)),
    ):
        rate = learning_rate(name)
        assert [float(rate(step, 20)) for step in range(20)] == pytest.approx(torch_factors(make, 20), abs=1e-12)


@pytest.mark.parametrize("name", LEARNING_RATES)
@pytest.mark.parametrize("total", [1, 3, 50])
def test_learning_rates_traced(name, total):
    jax = pytest.importorskip("jax")
    rate = learning_rate(name)
    traced = jax.jit(lambda step: rate(step, total, jax.numpy))
    for step in range(0, total + 2, 7):
        assert float(traced(step)) == pytest.approx(float(rate(step, total)), rel=1e-5, abs=1e-7)


def test_learning_rates_of_ones_own():
    assert learning_rate(None)(3, 10) == 1.0
    assert learning_rate(lambda step: 0.5**step)(3, 10) == 0.125
    with pytest.raises(DiagramError, match=r"`onecycel`; did you mean `onecycle`\?$"):
        learning_rate("onecycel")
    with pytest.raises(DiagramError, match="there are onecycle, cosine, linear"):
        learning_rate("zzz")
    with pytest.raises(DiagramError, match=r"^a learning-rate schedule is a name or a function of the step, not 3$"):
        learning_rate(3)  # pyright: ignore[reportArgumentType]
