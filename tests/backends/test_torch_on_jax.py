"""Torch modules on jax agree with torch: values, gradients of parameters and inputs, buffers, state."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("jax")

import jax
import jax.numpy as jnp
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils import _pytree as pytree

from learningdiagrams.backends.aten import RANDOM, TABLE
from learningdiagrams.backends.torch_on_jax import CannotCarry, Carried, carry
from tests.backends.torch_modules import CASES, Does, Shrinks, Sign, fn, ids, reals, tied

MODES = [pytest.param(False, id="eval"), pytest.param(True, id="train")]


def mixed(leaf: Any) -> Any:
    """A sum of an array's entries, all with different weights; the same on both sides."""
    weights = np.cos(np.arange(leaf.size if isinstance(leaf, jax.Array) else leaf.numel())).reshape(leaf.shape)
    if isinstance(leaf, torch.Tensor):
        return (leaf * torch.tensor(weights, dtype=leaf.dtype)).sum()
    return jnp.sum(leaf * weights.astype(leaf.dtype))


def on_jax(net: Carried, arguments, training: bool, key=None, jit: bool = True):
    """(output leaves, new buffers, gradients of parameters, gradients of the floating arguments)."""
    floating = [np.issubdtype(a.dtype, np.floating) for a in arguments]

    def loss(parameters, moving):
        moved = iter(moving)
        given = tuple(next(moved) if is_float else a for a, is_float in zip(arguments, floating, strict=True))
        output, buffers = net.apply(parameters, net.buffers, given, training=training, key=key)
        leaves = jax.tree.leaves(output)
        reached = [mixed(leaf) for leaf in leaves if jnp.issubdtype(leaf.dtype, jnp.floating)]
        return sum(reached, jnp.zeros(())), (leaves, buffers)

    run = jax.value_and_grad(loss, argnums=(0, 1), has_aux=True)
    moving = tuple(jnp.asarray(a) for a, is_float in zip(arguments, floating, strict=True) if is_float)
    (_, (leaves, buffers)), (by_name, by_place) = (jax.jit(run) if jit else run)(net.parameters, moving)
    return leaves, buffers, by_name, by_place


def on_torch(module: nn.Module, arguments):
    """The same from torch, with the module in the mode that it is in."""
    tensors = [torch.tensor(a, requires_grad=bool(np.issubdtype(a.dtype, np.floating))) for a in arguments]
    moving = [t for t in tensors if t.requires_grad]
    parameters = dict(module.named_parameters())
    leaves = pytree.tree_leaves(module(*tensors))
    total = sum((mixed(leaf) for leaf in leaves if leaf.is_floating_point()), torch.zeros(()))
    wanted = [*parameters.values(), *moving]
    grads = [None] * len(wanted)
    if isinstance(total, torch.Tensor) and total.requires_grad:
        grads = torch.autograd.grad(total, wanted, allow_unused=True)
    filled = [torch.zeros_like(w) if g is None else g for w, g in zip(wanted, grads, strict=True)]
    by_name = dict(zip(parameters, filled, strict=False))
    return leaves, dict(module.named_buffers()), by_name, filled[len(parameters) :]


def close(ours: Any, theirs: torch.Tensor, what: str, tolerance: float = 1e-5) -> None:
    theirs = theirs.detach()
    expected = jax.dtypes.canonicalize_dtype(str(theirs.dtype).removeprefix("torch."))
    assert ours.dtype == expected, what
    # Relative to the largest entry: sums of many terms are no better than that in either library.
    size = max(1.0, float(theirs.double().abs().nan_to_num(posinf=0).max())) if theirs.numel() else 1.0
    np.testing.assert_allclose(
        np.asarray(ours, np.float64),
        theirs.double().numpy(),
        rtol=tolerance,
        atol=tolerance * size,
        err_msg=what,
    )


def agree(module: nn.Module, arguments, training: bool, tolerance: float = 1e-5, jit: bool = True) -> Carried:
    """Both sides from the same numbers; torch runs second, so that traces of the export would be seen."""
    net = carry(module, "student")
    before = {key: value.clone() for key, value in module.state_dict().items()}
    flags = [(part.training, [p.requires_grad for p in part.parameters()]) for part in module.modules()]
    leaves, buffers, by_name, by_place = on_jax(net, arguments, training, jit=jit)
    assert flags == [(part.training, [p.requires_grad for p in part.parameters()]) for part in module.modules()]
    assert all(torch.equal(value, before[key]) for key, value in module.state_dict().items())
    module.train(training).requires_grad_(True)
    their_leaves, their_buffers, their_names, their_places = on_torch(module, arguments)
    assert len(leaves) == len(their_leaves)
    for number, (ours, theirs) in enumerate(zip(leaves, their_leaves, strict=True)):
        close(ours, theirs, f"output {number}", tolerance)
    assert buffers.keys() == their_buffers.keys() and by_name.keys() == their_names.keys()
    for key, value in buffers.items():
        close(value, their_buffers[key], key, tolerance)
    for key, value in by_name.items():
        close(value, their_names[key], f"gradient of {key}", tolerance)
    for number, (ours, theirs) in enumerate(zip(by_place, their_places, strict=True)):
        close(ours, theirs, f"gradient of input {number}", tolerance)
    return net


def draw(makes, seed: int = 0):
    rng = np.random.default_rng(seed)
    return tuple(make(rng) for make in makes)


# Where torch does the same in both modes, training says it all; these would draw random numbers in it.
ONLY_EVALUATED = {"activations", "activations far out", "dropout that drops nothing"}
MODAL = re.compile("norm|attention|transformer|lstm with a state|residual")
RUNS = [(name, False) for name in CASES if name in ONLY_EVALUATED or MODAL.search(name)]
RUNS += [(name, True) for name in CASES if name not in ONLY_EVALUATED]


@pytest.mark.filterwarnings("ignore:LSTM with projections:UserWarning")
@pytest.mark.parametrize(("name", "training"), RUNS, ids=[f"{n}, {'train' if m else 'eval'}" for n, m in RUNS])
def test_ordinary_modules_agree_in_values_gradients_and_buffers(name: str, training: bool):
    torch.manual_seed(0)
    make, inputs = CASES[name]
    agree(make(), draw(inputs), training)


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.GELU(), nn.Linear(6, 3))


@pytest.mark.parametrize("training", MODES)
def test_without_jit_too(training: bool):
    agree(network(), draw([reals(4)]), training, jit=False)


def exports(monkeypatch: pytest.MonkeyPatch) -> list[tuple]:
    """The shapes of the examples of every export from now on."""
    seen: list[tuple] = []
    export = torch.export.export

    def counted(module, examples, **options):
        seen.append(tuple(tuple(example.shape) for example in examples))
        return export(module, examples, **options)

    monkeypatch.setattr(torch.export, "export", counted)
    return seen


def test_one_export_serves_all_batch_sizes_and_one_row_has_its_own(monkeypatch):
    seen = exports(monkeypatch)
    module = network().eval()
    net = carry(module)
    for size in (2, 3, 64, 3, 1, 1):
        x = np.random.default_rng(size).normal(size=(size, 4)).astype(np.float32)
        y, _ = net.apply(net.parameters, net.buffers, (x,), training=False)
        close(y, module(torch.tensor(x)), f"batch of {size}")
    assert seen == [((2, 4),), ((1, 4),)]
    net.apply(net.parameters, net.buffers, (np.ones((5, 4), np.float32),), training=True)
    assert seen[2:] == [((2, 4),)]


def test_a_module_that_looks_at_the_batch_size_is_exported_for_each(monkeypatch):
    seen = exports(monkeypatch)
    module = fn(lambda x: x * 2 if x.shape[0] > 4 else x.reshape(-1, 2, 3).sum(1))
    net = carry(module)
    for size in (4, 8, 2, 8):
        x = np.random.default_rng(size).normal(size=(size, 3)).astype(np.float32)
        y, _ = net.apply({}, {}, (x,), training=False)
        close(y, module(torch.tensor(x)), f"batch of {size}")
    assert seen == [((2, 3),), ((4, 3),), ((8, 3),), ((2, 3),)]


def test_an_argument_without_a_batch_axis():
    net = carry(fn(lambda x, scale, shift: x * scale + shift))
    x, scale, shift = np.ones((5, 3), np.float32), np.float32(2), np.arange(3, dtype=np.float32)
    for size in (5, 3):  # 3 is the length of the shift, by chance
        y, _ = net.apply({}, {}, (x[:size], scale, shift), training=False)
        np.testing.assert_array_equal(y, x[:size] * scale + shift)


def test_a_module_of_no_arguments():
    class Constant(nn.Module):
        def __init__(self):
            super().__init__()
            self.value = nn.Parameter(torch.arange(3.0))

        def forward(self):
            return self.value * 2

    net = agree(Constant(), (), training=True)
    assert list(net.parameters) == ["value"]


def test_the_structure_of_the_output_is_the_modules_own():
    net = carry(fn(lambda x: {"a": (x, [x * 2]), "b": None, "c": 3}))
    y, _ = net.apply({}, {}, (jnp.ones((2, 1)),), training=False)
    assert y.keys() == {"a", "b", "c"} and y["b"] is None and y["c"] == 3
    assert isinstance(y["a"], tuple) and y["a"][1][0].shape == (2, 1)


def test_tied_weights_are_one_parameter_with_the_gradient_of_both_places():
    torch.manual_seed(0)
    module = tied()
    assert isinstance(module[0], nn.Embedding)
    net = carry(module)
    assert list(net.parameters) == ["0.weight"]
    (i,) = draw([ids(7, 2)])
    _, _, by_name, _ = on_jax(net, (i,), False)
    both = carry(fn(lambda rows, back, i: F.linear(torch.tanh(F.embedding(i, rows)), back)))
    w = jnp.asarray(net.parameters["0.weight"])

    def untied(rows, back):
        return mixed(both.apply({}, {}, (rows, back, i), training=False)[0])

    there, back = jax.grad(untied, argnums=(0, 1))(w, w)
    np.testing.assert_allclose(by_name["0.weight"], there + back, rtol=1e-5, atol=1e-6)
    assert not np.allclose(there, 0) and not np.allclose(back, 0)


def test_numbers_are_copied_and_written_back_into_the_very_module():
    module = network()
    module.register_buffer("sixteen", torch.ones(2, dtype=torch.bfloat16))
    module[0].weight.requires_grad_(False)
    net = carry(module, "student")
    held = dict(module.named_parameters())
    net.parameters["0.weight"][:] = 7
    assert not (held["0.weight"] == 7).any()
    new_buffers = {**net.buffers, "1.running_mean": np.full(6, 2.0)}
    new_buffers["sixteen"] = jnp.full(2, 1.5, jnp.bfloat16)
    net.write_back({**net.parameters, "3.bias": jnp.arange(3.0)}, new_buffers)
    assert dict(module.named_parameters())["0.weight"] is held["0.weight"] and (held["0.weight"] == 7).all()
    assert not held["0.weight"].requires_grad and held["3.bias"].requires_grad
    assert held["3.bias"].tolist() == [0, 1, 2]
    there = dict(module.named_buffers())
    assert there["1.running_mean"].tolist() == [2.0] * 6 and there["sixteen"].tolist() == [1.5, 1.5]


def test_numbers_that_do_not_fit_are_refused_and_nothing_is_written():
    module = network()
    net = carry(module, "student")
    with pytest.raises(ValueError, match=r"`student`: parameters do not fit the module: missing 0\.bias; unknown b"):
        wrong = {("b" if key == "0.bias" else key): value for key, value in net.parameters.items()}
        net.apply(wrong, net.buffers, (jnp.ones((2, 4)),), training=False)
    with pytest.raises(ValueError, match=re.escape("`student`: 3.bias has shape (3,), not (4,)")):
        net.write_back({**net.parameters, "0.bias": np.full(6, 9.0), "3.bias": np.ones(4)}, net.buffers)
    assert 9 not in carry(module).parameters["0.bias"]


@pytest.mark.parametrize("training", MODES)
def test_double_precision(training: bool):
    with jax.enable_x64(True):
        (x,) = draw([reals(4)])
        agree(network().double(), (x.astype(np.float64),), training, tolerance=1e-12)


def test_the_precision_is_that_of_the_numbers_given():
    module, (x,) = network().eval(), draw([reals(4)])
    net = carry(module)
    with jax.enable_x64(True):
        wide = {key: jnp.asarray(value, jnp.float64) for key, value in net.parameters.items()}
        buffers = {key: jnp.asarray(v, jnp.float64 if v.ndim else v.dtype) for key, v in net.buffers.items()}
        y, _ = net.apply(wide, buffers, (x.astype(np.float64),), training=False)
        close(y, module.double()(torch.tensor(x, dtype=torch.float64)), "widened", 1e-12)
    narrow = carry(module)  # double by now, and jax without x64
    y, _ = narrow.apply(narrow.parameters, narrow.buffers, (x,), training=False)
    close(y, module.float()(torch.tensor(x)), "narrowed")


def test_half_precision():
    module = nn.Linear(4, 3).bfloat16()
    (x,) = draw([reals(4)])
    net = carry(module)
    y, _ = net.apply(net.parameters, net.buffers, (jnp.asarray(x, jnp.bfloat16),), training=False)
    close(y, module(torch.tensor(x).bfloat16()), "bfloat16", 2e-2)


def test_detach_and_no_grad_stop_gradients():
    def straight_through(self, x):
        y = self.f(x)
        with torch.no_grad():
            stopped = (y * 3).sin()
        return x + (x.round() - x).detach() + stopped * y

    agree(Does(straight_through, f=nn.Linear(4, 4)), draw([reals(4)]), training=True)


def test_gradients_at_kinks_and_where_plain_formulas_give_nan():
    x = np.array([[0.0, 0.0, 1.0], [0.5, -0.5, -3.0], [3.0, 0.0, 200.0]], np.float32)
    module = fn(
        lambda x: (
            x.relu(), x.abs(), x.clamp(0, 0.5), F.hardtanh(x, -0.5, 0.5), F.hardswish(x), F.leaky_relu(x),
            F.softplus(x), F.mish(x), x**2, x.norm(dim=1), (x * 0).norm(), (x * 0).std(), F.normalize(x * 0),
            x.amax(1), x.max(1).values, torch.maximum(x, x.flip(1)), x.prod(1), F.max_pool1d(x[:, None], 2),
            F.relu6(x), F.elu(x), F.celu(x), x.norm(p=1, dim=1), x.norm(p=3, dim=1), torch.sinc(x),
            torch.cdist(x, x), F.adaptive_max_pool1d(x[:, None], 2), F.hardsigmoid(x), x.cummax(1)[0],
            x.max(), x.cumprod(1),
        )
    )  # fmt: skip
    agree(module, (x,), training=False)


@pytest.mark.parametrize(
    "module",
    [
        nn.Dropout(0.3),
        nn.Dropout1d(0.3),
        nn.AlphaDropout(0.3),
        nn.LSTM(5, 5, 2, dropout=0.3, batch_first=True),
    ],
    ids=lambda module: type(module).__name__,
)
def test_dropout_agrees_in_distribution(module: nn.Module):
    torch.manual_seed(0)
    x = np.ones((400, 6, 5), np.float32)
    net = carry(module)
    run = jax.jit(lambda key: jax.tree.leaves(net.apply(net.parameters, {}, (x,), training=True, key=key)[0])[0])
    ours, again, other = run(jax.random.key(0)), run(jax.random.key(0)), run(jax.random.key(1))
    np.testing.assert_array_equal(ours, again)
    assert not np.array_equal(ours, other)
    theirs = pytree.tree_leaves(module.train()(torch.tensor(x)))[0].detach().numpy()
    for at in (0, -1):  # the first and the last step
        for moment in (1, 2):
            expected, got = (theirs[:, at] ** moment).mean(), (np.asarray(ours)[:, at] ** moment).mean()
            spread = (theirs[:, at] ** moment).std() / np.sqrt(400)
            assert abs(got - expected) < 6 * spread + 1e-6
    # Values dropped together in torch are dropped together here: how much the rows of one sample vary.
    np.testing.assert_allclose(np.asarray(ours).std(1).mean(), theirs.std(1).mean(), atol=0.05)


def test_each_place_that_draws_has_its_own_key():
    net = carry(each_dropout := fn(lambda x: (F.dropout(x, 0.5), F.dropout(x, 0.5))))
    assert isinstance(each_dropout, nn.Module)
    a, b = net.apply({}, {}, (jnp.ones((100, 3)),), training=True, key=jax.random.key(0))[0]
    assert not np.array_equal(a, b)


@pytest.mark.parametrize(
    ("make", "mean", "deviation"),
    [
        (torch.rand_like, 1 / 2, 12**-0.5),
        (torch.randn_like, 0, 1),
        (lambda x: torch.rand(x.shape), 1 / 2, 12**-0.5),
        (lambda x: torch.randn(x.shape) * 2, 0, 2),
        (lambda x: torch.randint(3, 6, x.shape).float(), 4, (2 / 3) ** 0.5),
        (lambda x: torch.randint(3, x.shape).float(), 1, (2 / 3) ** 0.5),
        (lambda x: torch.randint_like(x, 3), 1, (2 / 3) ** 0.5),
        (lambda x: torch.randperm(100).float().expand(3000, 100)[: x.shape[0]], 49.5, 28.866),
        (lambda x: torch.bernoulli(x * 0.3), 0.3, 0.21**0.5),
        (lambda x: torch.empty_like(x).bernoulli_(0.3), 0.3, 0.21**0.5),
        (lambda x: torch.empty_like(x).uniform_(1, 3), 2, 3**-0.5),
        (lambda x: torch.empty(x.shape).uniform_(1, 3), 2, 3**-0.5),
        (lambda x: torch.empty_like(x).normal_(1, 3), 1, 3),
        (lambda x: torch.normal(x, x * 2), 1, 2),
        (lambda x: torch.normal(x, 2.0), 1, 2),
        (lambda x: torch.empty_like(x).exponential_(0.5), 2, 2),
        (lambda x: F.rrelu(-x, 0.1, 0.3, training=True), -0.2, 0.2 / 12**0.5),
    ],
)
def test_random_operators_agree_in_distribution(make, mean, deviation):
    net = carry(fn(make))
    x = jnp.ones((3000, 100))
    y, _ = net.apply({}, {}, (x,), training=True, key=jax.random.key(0))
    assert y.shape == x.shape
    np.testing.assert_allclose([float(y.mean()), float(y.std())], [mean, deviation], atol=0.02 * max(1, abs(mean)))


def test_a_random_operator_without_a_key_is_an_error():
    net = carry(nn.Dropout(), "student")
    message = r"`student`: aten\.native_dropout\.default: it draws random numbers; give a key"
    with pytest.raises(CannotCarry, match=message):
        net.apply({}, {}, (jnp.ones((2, 3)),), training=True)
    y, _ = net.apply({}, {}, (jnp.ones((2, 3)),), training=False)
    np.testing.assert_array_equal(y, 1)


def test_an_operator_without_a_counterpart_is_named_with_the_map_and_the_place():
    net = carry(nn.Sequential(nn.Linear(4, 4), fn(lambda x: torch.fft.rfft(x).abs())), "student")
    where = r"aten\._fft_r2c\.default \(in 1, File .*, line \d+, in forward\)"
    what_else = r"use torch as the backend, add the operator to learningdiagrams\.backends\.aten\.TABLE, or give"
    expected = rf"`student`: no counterpart in jax for {where}; {what_else} this map as a function of jax arrays"
    with pytest.raises(CannotCarry, match=expected):
        net.apply(net.parameters, net.buffers, (jnp.ones((2, 4)),), training=False)


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (fn(Sign.apply), "`student`: Sign is a torch.autograd.Function, whose own backward pass is lost"),
        (fn(lambda x: x[x > 0]), "`student`: aten.index.Tensor: how many entries a mask selects depends on"),
        (fn(lambda x: x if x.sum() > 0 else -x), "`student`: torch.export refuses this module on (fl"),
        (nn.Linear(5, 2), "`student`: torch.export refuses this module on (float32[3, 4]): a and b must"),
        (Shrinks(),
         "`student`: it changes its own parameter weight while it runs, which a pure function"),
        (Does(lambda self, x: self.f(x.long()), f=nn.Embedding(3, 4, scale_grad_by_freq=True)),
         "`student`: aten.embedding.default: scale_grad_by_freq has no counterpart in jax; leave it False"),
        (nn.BatchNorm1d(4), "`student`: torch.export refuses this module on (float32[1, 4]): Expected more"),
    ],
    ids=["own backward", "mask", "branch", "width", "renormalised", "frequency", "one row"],
)  # fmt: skip
def test_modules_that_cannot_be_carried_say_why(module: nn.Module, message: str, capfd):
    net = carry(module, "student")
    x = jnp.ones((1 if isinstance(module, nn.BatchNorm1d) else 3, 4))
    with pytest.raises(CannotCarry, match=re.escape(message)):
        jax.jit(lambda p: net.apply(p, net.buffers, (x,), training=True)[0])(net.parameters)
    assert capfd.readouterr() == ("", "")


def test_an_operator_of_ones_own(monkeypatch):
    library = torch.library.Library("learningdiagrams_test", "DEF")
    library.define("double(Tensor x) -> Tensor")
    library.impl("double", lambda x: 2 * x, "CompositeExplicitAutograd")
    library.impl("double", torch.empty_like, "Meta")
    monkeypatch.setitem(TABLE, "learningdiagrams_test.double.default", lambda x: 2 * x)
    net = carry(fn(lambda x: torch.ops.learningdiagrams_test.double(x) + 1))
    y, _ = net.apply({}, {}, (jnp.ones((2, 3)),), training=False)
    np.testing.assert_array_equal(y, 3)


def test_a_number_outside_a_table_is_not_some_other_row():
    net = carry(nn.Embedding(3, 2))
    y, _ = net.apply(net.parameters, {}, (jnp.array([-1, 2, 3]),), training=False)
    assert np.isnan(np.asarray(y)[[0, 2]]).all() and np.isfinite(y[1]).all()


def test_what_torch_is_set_to_stays(monkeypatch):
    module = network().eval()
    module[1].train()
    for fast in (True, False):
        torch.backends.mha.set_fastpath_enabled(fast)
        try:
            net = carry(module)
            with torch.no_grad():
                net.apply(net.parameters, net.buffers, (jnp.ones((2, 4)),), training=True)
                assert not torch.is_grad_enabled()
            assert torch.backends.mha.get_fastpath_enabled() is fast
        finally:
            torch.backends.mha.set_fastpath_enabled(True)
    assert [part.training for part in module] == [False, True, False, False]


def test_the_tables_name_operators_that_exist():
    for name in {**TABLE, **RANDOM}:
        space, operator, overload = name.split(".")
        assert hasattr(getattr(getattr(torch.ops, space), operator), overload), name


def test_a_recurrent_layer_is_one_step_of_the_program_whatever_its_length():
    counts = []
    for length in (3, 300):
        net = carry(nn.LSTM(3, 4, batch_first=True))
        net.apply(net.parameters, {}, (np.ones((2, length, 3), np.float32),), training=True)
        counts += [[step.operator for step in program.steps] for program in net._programs.values() if program]
    assert counts[0] == counts[1] and counts[0].count("learningdiagrams.lstm.default") == 1


def test_an_own_backward_before_a_recurrent_layer_is_seen():
    net = carry(Does(lambda self, x: self.net(Sign.apply(x))[0], net=nn.GRU(3, 4, batch_first=True)), "student")
    with pytest.raises(CannotCarry, match="`student`: Sign is a torch"):
        net.apply(net.parameters, {}, (np.ones((2, 5, 3), np.float32),), training=True)


def test_a_packed_sequence_is_refused():
    def pack(self, x):
        packed = nn.utils.rnn.pack_padded_sequence(x, torch.tensor([2, 1]), batch_first=True)
        return self.net(packed)[0].data

    net = carry(Does(pack, net=nn.LSTM(3, 4, batch_first=True)), "student")
    with pytest.raises(CannotCarry, match="`student`: "):
        net.apply(net.parameters, {}, (np.ones((2, 2, 3), np.float32),), training=True)
