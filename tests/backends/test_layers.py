"""Built-in layers: where they start, and that PyTorch and JAX compute the same of them, gradients too."""

import copy
import math

import numpy as np
import pytest

from learningdiagrams import layers as L
from learningdiagrams.backends.layers import initial
from learningdiagrams.errors import DiagramError

torch = pytest.importorskip("torch")
jax = pytest.importorskip("jax")

from learningdiagrams.backends.layers_jax import jax_apply  # noqa: E402
from learningdiagrams.backends.layers_torch import torch_module  # noqa: E402

BATCH = 5
WHOLE = 7  # tokens and classes are below it
# Each layer with the shapes of its inputs; "int" marks whole numbers.
CASES = [
    (L.linear(4, 3), (4,)),
    (L.linear(4, 3, bias=False), (2, 4)),
    (L.linear(7, 3), (4,), (3,)),
    (L.affine(4, 2), (4,)),
    (L.mlp(4, 8, 3), (4,)),
    (L.mlp(4, 8, 8, 3, activation="tanh", norm="batch", final="sigmoid"), (4,)),
    (L.mlp(4, 8, 3, activation="gelu", norm="layer"), (6, 4)),
    (L.mlp(7, 8, 3), (4,), (3,)),
    (L.constant(0.5),),
    (L.constant(((1.0, 2.0), (3.0, 4.0))), (4,)),
    (L.constant(2, shape=(3,)),),
    (L.polynomial(3, inputs=2, outputs=2), (2,)),
    (L.polynomial(0), (1,)),
    (L.embedding(WHOLE, 3), ("int", 6)),
    (L.layer_norm(4), (6, 4)),
    (L.batch_norm(4), (4,)),
    (L.batch_norm(4, images=True, momentum=0.3), (4, 3, 2)),
    (L.instance_norm(4), (4, 3, 2)),
    (L.conv2d(2, 3, kernel=4, stride=2, padding=0, bias=False), (2, 9, 8)),
    (L.conv2d(2, 3), (2, 5, 6)),
    (L.conv(1, 4, 6, 6, stride=(2, 1, 1), pool=(1, 2, 2), norm="batch"), (1, 16, 16)),
    (L.conv(1, 4, 1, norm="instance", activation="leaky_relu", kernel=(3, 1)), (1, 6, 6)),
    (L.pool(2), (3, 5, 6)),
    (L.pool(3, kind="mean"), (2, 6, 7)),
    (L.upsample(3), (2, 2, 3)),
    (L.sequential(L.reshape(1, 4, 4), L.conv(1, 3), L.flatten(), L.linear(48, 2)), (16,)),
    (L.residual(L.conv(2, 2), L.conv(2, 2, activation=None)), (2, 4, 4)),
    (L.gru(4, 3), (6, 4)),
    (L.gru(4, 3, layers=2, bidirectional=True), (6, 4), (3,)),
    (L.gru(4, 3, bidirectional=True, output="last"), (6, 4)),
    (L.gru(4, 3, bidirectional=True, output="max"), (6, 4)),
    (L.gru(7, 3, feed=True, output="mean"), (6, 4), (3,)),
    (L.lstm(4, 3), (6, 4)),
    (L.lstm(4, 3, layers=2, bidirectional=True, output="last"), (6, 4), (3,)),
    (L.lstm(7, 3, feed=True), (6, 4), (3,)),
    (L.transformer_decoder(WHOLE, 8, heads=2, layers=2), (8,), ("int", 5)),
    (L.transformer_decoder(WHOLE, 8, heads=4, layers=1, longest=5), (3, 8), ("int", 5)),
    *((cls(), (4, 3)) for cls in L.ACTIVATIONS.values()),
    (L.leaky_relu(0.2), (4,)),
    (L.exp(), (4,)),
    (L.scale(2, shift=-1), (4,)),
    (L.normalize(), (4, 3)),
    (L.flatten(), (4, 3)),
    (L.flatten(), ()),
    (L.reshape(-1, 6), (4, 3)),
    (L.roll(2), (4, 5)),
    (L.roll(-1, axis=0), (4, 5)),
    (L.rot90(3), (4, 5)),
    (L.translate(2), (1, 4, 5), (2,)),
    (L.translate(1), (4, 5), (2,)),
    (L.one_hot(WHOLE), ("int", 3)),
    (L.concat(), (2, 3), (2, 4)),
    (L.add(), (2, 3), (2, 3), (2, 3)),
    (L.multiply(), (2, 3), (2, 3)),
]
IDS = [f"{i}-{case[0]}" for i, case in enumerate(CASES)]


def inputs(shapes, dtype, batch=BATCH):
    rng = np.random.default_rng(0)
    for shape in shapes:
        if shape[:1] == ("int",):
            yield rng.integers(0, WHOLE, (batch, *shape[1:])).astype(np.int32)
        else:
            yield rng.normal(size=(batch, *shape)).astype(dtype)


def on_torch(layer, parameters, buffers, arguments, training):
    """Output, buffers afterwards, gradients of the loss ⟨output, weights⟩ to parameters and real inputs."""
    module = torch_module(layer, {**parameters, **buffers}).train(training)
    tensors = [torch.from_numpy(np.array(x)) for x in arguments]
    real = [x.requires_grad_() for x in tensors if x.is_floating_point()]
    output = module(*tensors)
    named = dict(module.named_parameters())
    assert list(named) == list(parameters)
    loss = (output * torch.from_numpy(weights(output.shape, arguments, parameters))).sum()
    moved = [*named.values(), *real]
    gradients = torch.autograd.grad(loss, moved, materialize_grads=True) if moved else []
    return (
        output.detach().numpy(),
        {name: b.numpy() for name, b in module.named_buffers()},
        [g.numpy() for g in gradients],
    )


def on_jax(layer, parameters, buffers, arguments, training):
    apply = jax_apply(layer)
    places = [i for i, x in enumerate(arguments) if x.dtype.kind == "f"]

    def loss(parameters, real):
        values = list(arguments)
        for i, x in zip(places, real, strict=True):
            values[i] = x
        output, after = apply(parameters, buffers, tuple(values), training=training, key=None)
        return (output * weights(output.shape, arguments, parameters)).sum(), (output, after)

    # Compiling takes longer than running: without the optimisations it takes less.
    quick = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}
    step = jax.jit(jax.grad(loss, (0, 1), has_aux=True), compiler_options=quick)
    (theirs, mine), (output, after) = step(parameters, [arguments[i] for i in places])
    return (
        np.asarray(output),
        {name: np.asarray(b) for name, b in after.items()},
        [np.asarray(g) for g in [*(theirs[name] for name in parameters), *mine]],
    )


def weights(shape, arguments, parameters):
    """What the output is multiplied with, in the type of the layer."""
    dtype = next((x.dtype for x in [*arguments, *parameters.values()] if np.dtype(x.dtype).kind == "f"), None)
    return np.random.default_rng(1).normal(size=tuple(shape)).astype(dtype or np.float64)


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_the_same_in_float64(case):
    compare_backends(case, "float64", True, 1e-10)


KEEPING = [case for case in CASES if case[0].buffers()]


@pytest.mark.parametrize("case", KEEPING, ids=[str(case[0]) for case in KEEPING])
def test_the_same_in_evaluation(case):
    compare_backends(case, "float64", False, 1e-10)


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_the_same_in_float32(case):
    compare_backends(case, "float32", True, 1e-5)


def compare_backends(case, dtype, training, tolerance):
    layer, *shapes = case
    parameters, buffers = initial(layer, seed=3, name="f", dtype=dtype)
    arguments = list(inputs(shapes, dtype))
    with jax.enable_x64(dtype == "float64"):
        theirs = on_torch(layer, parameters, buffers, arguments, training)
        ours = on_jax(layer, parameters, buffers, arguments, training)
    assert ours[0].dtype == theirs[0].dtype == np.dtype(dtype)
    close = lambda a, b: np.testing.assert_allclose(a, b, rtol=tolerance * 10, atol=tolerance)  # noqa: E731
    close(ours[0], theirs[0])
    assert set(ours[1]) == set(theirs[1]) == set(buffers)
    for name in buffers:
        close(ours[1][name], theirs[1][name])
    assert len(ours[2]) == len(theirs[2])
    for mine, other in zip(ours[2], theirs[2], strict=True):
        close(mine, other)


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_the_shape_foretold_is_the_shape_computed(case):
    layer, *shapes = case
    foretold = layer.shape(*(tuple(n for n in shape if n != "int") for shape in shapes))
    module = torch_module(layer, {k: v for part in initial(layer, seed=0, name="f") for k, v in part.items()})
    output = module(*(torch.from_numpy(x) for x in inputs(shapes, "float32")))
    assert tuple(output.shape) == ((BATCH, *foretold) if shapes else foretold)


def test_every_layer_is_tested():
    assert {type(layer) for layer, *_ in CASES} | {L.dropout} == set(L.LAYERS.values())


REFERENCES = [
    (L.linear(40, 30), lambda: torch.nn.Linear(40, 30)),
    (L.conv2d(4, 30), lambda: torch.nn.Conv2d(4, 30, 3, padding=1)),
    (L.embedding(40, 30), lambda: torch.nn.Embedding(40, 30)),
    (L.gru(20, 30, layers=2, bidirectional=True), lambda: torch.nn.GRU(20, 30, 2, bidirectional=True)),
    (L.lstm(20, 30), lambda: torch.nn.LSTM(20, 30)),
    (L.batch_norm(30), lambda: torch.nn.BatchNorm1d(30)),
    (L.layer_norm(30), lambda: torch.nn.LayerNorm(30)),
    (
        L.mlp(40, 30, 20, norm="batch", dropout=0.1),
        lambda: torch.nn.Sequential(
            torch.nn.Linear(40, 30),
            torch.nn.BatchNorm1d(30),
            torch.nn.ReLU(),
            torch.nn.Dropout(0.1),
            torch.nn.Linear(30, 20),
        ),
    ),
]


@pytest.mark.parametrize(("layer", "reference"), REFERENCES, ids=[str(layer) for layer, _ in REFERENCES])
def test_names_shapes_and_spread_are_those_of_torch(layer, reference):
    """The initial numbers are distributed as torch's own: they have the same bound or deviation."""
    torch.manual_seed(0)
    module = reference()
    mine = {k: v for part in initial(layer, seed=0, name="f", dtype="float32") for k, v in part.items()}
    theirs = {k: v.numpy() for k, v in module.state_dict().items()}
    assert {k: (v.shape, v.dtype) for k, v in mine.items()} == {k: (v.shape, v.dtype) for k, v in theirs.items()}
    for name, numbers in mine.items():
        if numbers.ndim == 0 or numbers.std() == 0:
            np.testing.assert_array_equal(numbers, theirs[name])
        elif isinstance(layer, L.embedding):
            assert numbers.std() == pytest.approx(1, abs=0.1) and abs(numbers.mean()) < 0.1
        else:
            bound = np.abs(theirs[name]).max()
            assert np.abs(numbers).max() == pytest.approx(bound, rel=0.15)
            assert numbers.std() == pytest.approx(bound / math.sqrt(3), rel=0.25)


def test_the_decoder_starts_as_torchs_own_block():
    torch.manual_seed(0)
    block = torch.nn.TransformerDecoderLayer(32, 4, 128)
    mine, _ = initial(L.transformer_decoder(WHOLE, 32, layers=1), seed=0, name="f")
    theirs = {f"blocks.0.{name}": p.detach().numpy() for name, p in block.named_parameters()}
    assert {name for name in mine if name.startswith("blocks.")} == set(theirs)
    for name, numbers in theirs.items():
        assert mine[name].shape == numbers.shape
        assert mine[name].std() == pytest.approx(numbers.std(), rel=0.35)


def test_initial_numbers_depend_on_seed_generator_and_parameter_alone():
    small, _ = initial(L.mlp(4, 3, 2), seed=0, name="student", dtype="float64")
    large, _ = initial(L.mlp(4, 3, 2, 5), seed=0, name="student", dtype="float64")
    np.testing.assert_array_equal(small["2.weight"], large["2.weight"])
    for other in (
        initial(L.mlp(4, 3, 2), seed=1, name="student"),
        initial(L.mlp(4, 3, 2), seed=0, name="teacher"),
    ):
        assert not np.allclose(small["0.weight"], other[0]["0.weight"])
    rounded, _ = initial(L.mlp(4, 3, 2), seed=0, name="student", dtype="float32")
    assert rounded["0.weight"].dtype == np.float32
    np.testing.assert_array_equal(rounded["0.weight"], small["0.weight"].astype(np.float32))


def test_initial_numbers_stay_what_they_are():
    """Saved runs rest on them: a change is a change of every result."""
    numbers, _ = initial(L.linear(2, 1), seed=0, name="f", dtype="float64")
    np.testing.assert_allclose(numbers["weight"], PINNED, rtol=1e-15)


PINNED = [[-0.5171485115715452, -0.44395079719326114]]


def test_building_a_module_leaves_torchs_random_numbers_alone():
    before = torch.get_rng_state()
    layer = L.sequential(L.linear(4, 4), L.dropout(0.5))
    module = torch_module(layer, initial(layer, seed=0, name="f")[0])
    assert torch.equal(before, torch.get_rng_state())
    assert module.training and all(p.requires_grad and p.is_leaf for p in module.parameters())
    assert torch.equal(copy.deepcopy(module).state_dict()["0.weight"], module.state_dict()["0.weight"])


def test_dropout():
    layer = L.dropout(0.25)
    x = np.ones((200, 100), np.float32)
    module, apply = torch_module(layer, {}), jax_apply(layer)
    torch.manual_seed(0)
    key = jax.random.key(0)
    for output in (
        module.train()(torch.from_numpy(x)).numpy(),
        np.asarray(apply({}, {}, (x,), training=True, key=key)[0]),
    ):
        assert set(np.unique(output)) == {0, np.float32(4 / 3)}
        assert (output == 0).mean() == pytest.approx(0.25, abs=0.01)
    np.testing.assert_array_equal(module.eval()(torch.from_numpy(x)), x)
    np.testing.assert_array_equal(apply({}, {}, (x,), training=False, key=None)[0], x)
    with pytest.raises(DiagramError, match="dropout draws in training: give a key"):
        apply({}, {}, (x,), training=True, key=None)


def test_two_dropouts_draw_differently():
    layer = L.sequential(L.dropout(0.5), L.dropout(0.5))
    output, _ = jax_apply(layer)({}, {}, (np.ones((100, 100)),), training=True, key=jax.random.key(0))
    assert (np.asarray(output) == 0).mean() == pytest.approx(0.75, abs=0.02)


def test_dropout_in_the_decoder_draws_in_training_only():
    layer = L.transformer_decoder(WHOLE, 8, heads=2, layers=1, dropout=0.5)
    parameters, buffers = initial(layer, seed=0, name="f")
    x = tuple(inputs([(8,), ("int", 5)], "float32"))
    apply = jax_apply(layer)
    draw = lambda n: apply(parameters, buffers, x, training=True, key=jax.random.key(n))[0]  # noqa: E731
    still = apply(parameters, buffers, x, training=False, key=None)[0]
    assert np.allclose(draw(0), draw(0)) and not np.allclose(draw(0), draw(1)) and not np.allclose(draw(0), still)
    module = torch_module(layer, parameters).eval()
    np.testing.assert_allclose(still, module(*map(torch.from_numpy, x)).detach(), atol=1e-5)


def test_the_decoder_is_causal():
    layer = L.transformer_decoder(WHOLE, 8, heads=2)
    parameters, buffers = initial(layer, seed=0, name="f")
    context, tokens = inputs([(8,), ("int", 5)], "float32")
    later = tokens.copy()
    later[:, 3:] = (later[:, 3:] + 1) % WHOLE
    first, second = (
        np.asarray(jax_apply(layer)(parameters, buffers, (context, t), training=False, key=None)[0])
        for t in (tokens, later)
    )
    np.testing.assert_allclose(first[:, :3], second[:, :3], atol=1e-6)
    assert np.abs(first[:, 3:] - second[:, 3:]).min(axis=-1).max() > 1e-3


def test_batch_norm_of_a_single_value_is_refused_in_training():
    layer = L.batch_norm(3)
    parameters, buffers = initial(layer, seed=0, name="f")
    message = "`batch_norm(3)` takes two values or more of each feature in training, and there is 1"
    with pytest.raises(DiagramError) as caught:
        jax_apply(layer)(parameters, buffers, (np.ones((1, 3)),), training=True, key=None)
    assert str(caught.value) == message
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        torch_module(layer, {**parameters, **buffers})(torch.ones(1, 3))


@pytest.mark.parametrize("wrong", [-1, WHOLE])
def test_whole_numbers_out_of_range(wrong):
    numbers = np.array([[0, wrong]])
    layer = L.embedding(WHOLE, 3)
    parameters, _ = initial(layer, seed=0, name="f")
    with pytest.raises(DiagramError, match=f"`embedding`: {wrong} is none of its numbers; they are 0…{WHOLE - 1}"):
        torch_module(layer, parameters)(torch.from_numpy(numbers))
    output = np.asarray(jax_apply(layer)(parameters, {}, (numbers,), training=False, key=None)[0])
    assert np.isnan(output[0, 1]).all() and not np.isnan(output[0, 0]).any()
    layer = L.one_hot(WHOLE)
    _, buffers = initial(layer, seed=0, name="f")
    message = f"`one_hot\\({WHOLE}\\)`: {wrong} is no class number; with {WHOLE} classes they are 0…{WHOLE - 1}"
    with pytest.raises(DiagramError, match=message):
        torch_module(layer, buffers)(torch.from_numpy(numbers))
    with pytest.raises(DiagramError, match=message):
        jax_apply(layer)({}, buffers, (jax.numpy.asarray(numbers),), training=False, key=None)
    compiled = jax.jit(lambda x: jax_apply(layer)({}, buffers, (x,), training=False, key=None)[0])(numbers)
    assert np.isnan(compiled[0, 1]).all() and compiled[0, 0].tolist() == [1, *[0] * (WHOLE - 1)]


def test_one_hot_takes_whole_numbers_only():
    layer = L.one_hot(WHOLE)
    _, buffers = initial(layer, seed=0, name="f")
    with pytest.raises(DiagramError, match=r"`one_hot\(7\)` takes whole numbers, not torch.float32"):
        torch_module(layer, buffers)(torch.zeros(2))
    with pytest.raises(DiagramError, match=r"`one_hot\(7\)` takes whole numbers, not float32"):
        jax_apply(layer)({}, buffers, (jax.numpy.zeros(2),), training=False, key=None)


def test_bytes_are_tokens_too():
    layer = L.embedding(WHOLE, 3)
    parameters, _ = initial(layer, seed=0, name="f")
    tokens = np.array([[0, 6]], np.uint8)
    output = jax_apply(layer)(parameters, {}, (tokens,), training=False, key=None)[0]
    np.testing.assert_array_equal(torch_module(layer, parameters)(torch.from_numpy(tokens)).detach(), output)


def test_translate_moves_every_image_by_its_own_number_of_pixels():
    x = np.arange(1.0, 13).reshape(1, 1, 3, 4).repeat(3, 0)
    u = np.array([[0.5, 0.5], [0.0, 0.99], [0.3, 0.7]])  # of 5 moves each way: (0, 0), (−2, 2), (−1, 1)
    wanted = x.copy()
    wanted[1:] = 0
    wanted[1, 0, :1, 2:] = x[1, 0, 2:, :2]
    wanted[2, 0, :2, 1:] = x[2, 0, 1:, :3]
    moved = torch_module(L.translate(2), {})(torch.from_numpy(x), torch.from_numpy(u)).numpy()
    np.testing.assert_array_equal(moved, wanted)
    with jax.enable_x64(True):
        moved = jax_apply(L.translate(2))({}, {}, (x, u), training=False, key=None)[0]
    np.testing.assert_array_equal(moved, wanted)
