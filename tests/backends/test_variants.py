"""Variants of one value, which differ in what gradients they carry: one draw, statistics learned once."""

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from torch import nn

from learningdiagrams.backends.torch import TorchBackend
from learningdiagrams.diagram import Diagram
from learningdiagrams.plan import make_plan

X = np.random.default_rng(0).normal(size=(16, 3))


def game() -> Diagram:
    """Two players on one path: each of `f` and `g` is moved by its own goal."""
    d = Diagram()
    S, A = d.object("S"), d.object("A", shape=(3,))
    x, f, g = d.data("x", S, A), d.model("f", A, A), d.model("g", A, A)
    d.goal("first", x >> f >> g, x, train=["f"])
    d.goal("second", x >> f >> g, x, train=["g"], by="l1")
    return d


def net(*more: nn.Module) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), *more, nn.Linear(4, 3)).double()


def numbers(of) -> dict[str, np.ndarray]:
    return {f"{g}.{n}": np.asarray(value) for g, named in of.items() for n, value in named.items()}


@pytest.fixture(params=["eager", "traced"])
def how(request, backend):
    """Backends, and torch with a tracer, which runs another way through the same plan."""
    if request.param == "traced" and backend == "jax":
        pytest.skip("jax always traces")
    return TorchBackend(torch_compile={"backend": "eager"}) if request.param == "traced" else backend


def test_batch_norm_learns_of_a_batch_once(how):
    """As of a hand-written step that calls it once: moments and field, with the statistics of before and after."""
    c = game().compile(how, maps={"f": net(), "g": net(nn.BatchNorm1d(4))}, dtype="float64")
    f, g = net(), net(nn.BatchNorm1d(4))
    x = torch.from_numpy(X)
    for _ in range(2):
        _, field = c.value_and_grad({"x": X}, training=True)
        out = g(f(x))
        wanted = {
            **_field("f", f, ((out - x) ** 2).mean()),
            **_field("g", g, (out - x).abs().mean()),
        }
        found = numbers(field)
        assert found.keys() == wanted.keys()
        for name, gradient in wanted.items():
            np.testing.assert_allclose(found[name], gradient, atol=1e-12, err_msg=name)
        learned = numbers(c.maps.buffers())
        for name, buffer in g.named_buffers():
            np.testing.assert_allclose(learned[f"g.{name}"], buffer, atol=1e-12, err_msg=name)


def _field(name: str, module: nn.Module, loss) -> dict[str, np.ndarray]:
    gradients = torch.autograd.grad(loss, list(module.parameters()), retain_graph=True)
    return {
        f"{name}.{key}": value.numpy() for (key, _), value in zip(module.named_parameters(), gradients, strict=True)
    }


def test_a_buffer_that_the_output_depends_on_is_the_same_in_all_variants(backend):
    """A spectral norm takes a step of its power iteration at each call in training."""

    def made() -> nn.Module:
        torch.manual_seed(0)
        return nn.utils.parametrizations.spectral_norm(nn.Linear(3, 3)).double()

    d = game()
    d.goal("again", "x >> f >> g", "x", train=["f"])
    c = d.compile(backend, maps={"f": net(), "g": made()}, dtype="float64")
    terms = c.loss({"x": X}, training=True).terms
    one, x = made(), torch.from_numpy(X)
    out = one(net()(x))
    assert terms["first"].item() == pytest.approx(((out - x) ** 2).mean().item(), abs=1e-12)
    assert terms["second"].item() == pytest.approx((out - x).abs().mean().item(), abs=1e-12)
    vector = "parametrizations.weight.0._u"
    np.testing.assert_allclose(numbers(c.maps.buffers())[f"g.{vector}"], dict(one.named_buffers())[vector], atol=1e-12)


def test_dropout_draws_once_and_differently_at_the_next_value(backend):
    d = game()
    d.goal("third", "x >> f >> g", "x", train=["f"], by="mse")
    d.goal("other", "x >> g", "x", train=["g"], by="l1")
    d.goal("apart", "x >> g", "x", train=["f", "g"], by="l1")
    maps = {"f": nn.Identity(), "g": net(nn.Dropout(0.5))}
    terms = d.compile(backend, maps=maps, dtype="float64").loss({"x": X}, training=True).terms
    assert terms["first"].item() == terms["third"].item()
    assert terms["other"].item() == terms["apart"].item() != terms["second"].item()


def test_on_torch_the_stream_of_random_numbers_goes_on_as_after_one_call():
    plan = make_plan(d := game(), d.goals.values())
    maps = TorchBackend().maps(d, {"f": net(), "g": net(nn.Dropout(0.5))}, seed=0, dtype="float64", device=None)
    torch.manual_seed(1)
    maps.program(plan)({"x": X}, {"first": 1.0, "second": 1.0}, training=True)
    after = torch.rand(1).item()
    torch.manual_seed(1)
    nn.functional.dropout(torch.ones(16, 4, dtype=torch.float64), 0.5)
    assert after == torch.rand(1).item()


def test_evaluation_looks_at_no_state():
    """Nothing is copied, and no generator asked, where nothing draws or learns."""
    plan = make_plan(d := game(), d.goals.values())
    maps = TorchBackend().maps(d, {"f": net(), "g": net(nn.BatchNorm1d(4))}, seed=0, dtype="float64", device=None)
    program, before = maps.program(plan), torch.get_rng_state
    try:
        torch.get_rng_state = lambda: pytest.fail("asked")  # type: ignore[assignment]
        program({"x": X}, {"first": 1.0, "second": 1.0})
    finally:
        torch.get_rng_state = before
