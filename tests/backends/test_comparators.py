"""Comparators on every backend: numbers worked out by hand, gradients, and what is refused, in which words.

The same tests run over a NumPy oracle, over PyTorch with and without its fused kernels, and over JAX.
"""

import importlib
import math
from functools import partial
from types import MappingProxyType

import numpy as np
import pytest

from learningdiagrams import losses
from learningdiagrams.backends.comparators import FORMULAS, compare
from learningdiagrams.errors import DiagramError
from learningdiagrams.losses import COMPARATORS, comparator
from tests.backends.numpy_ops import NumpyOps

WHERE = "goal `fit` (x >> f = y)"


class Numbers:
    """One way to compute: arrays, comparisons and gradients in float64."""

    def __init__(self, name):
        self.name = name
        if name == "numpy":
            self.ops = NumpyOps()
        elif name.startswith("torch"):
            self.torch = pytest.importorskip("torch")
            self.ops = importlib.import_module("learningdiagrams.backends.torch_ops").TorchOps()
            if name == "torch formulas":
                self.ops.fused = MappingProxyType({})
        else:
            self.jax = pytest.importorskip("jax")
            self.ops = importlib.import_module("learningdiagrams.backends.jax_ops").JaxOps()

    def array(self, x):
        if self.name == "numpy":
            return np.asarray(x)
        return self.torch.from_numpy(np.array(x)) if self.name.startswith("torch") else self.jax.numpy.asarray(x)

    def __call__(self, by, left, right, where=WHERE):
        value = compare(self.ops, comparator(by), self.array(left), self.array(right), where=where)
        assert tuple(value.shape) == ()
        return float(value)

    def gradients(self, by, left, right):
        """The gradients to both sides, as NumPy arrays."""
        by = comparator(by)
        if self.name.startswith("torch"):
            sides = [self.torch.from_numpy(np.array(side)).requires_grad_() for side in (left, right)]
            return [g.numpy() for g in self.torch.autograd.grad(compare(self.ops, by, *sides, where=WHERE), sides)]
        loss = lambda a, b: compare(self.ops, by, a, b, where=WHERE)  # noqa: E731
        return [np.asarray(g) for g in self.jax.grad(loss, (0, 1))(self.array(left), self.array(right))]


@pytest.fixture(params=["numpy", "torch", "torch formulas", "jax"])
def numbers(request):
    if request.param == "jax":
        with pytest.importorskip("jax").enable_x64(True):
            yield Numbers("jax")
    else:
        yield Numbers(request.param)


@pytest.fixture(params=["torch", "torch formulas", "jax"])
def differentiable(request):
    if request.param == "jax":
        with pytest.importorskip("jax").enable_x64(True):
            yield Numbers("jax")
    else:
        yield Numbers(request.param)


X = np.array([[1.0, -2.0], [0.5, 4.0]])
Y = np.array([[0.0, 1.0], [0.5, 1.0]])
ROOT = math.sqrt(0.5)


def softplus(x):
    return math.log1p(math.exp(x))


BY_HAND = [
    ("mse", X, Y, (1 + 9 + 0 + 9) / 4),
    ("l1", X, Y, (1 + 3 + 0 + 3) / 4),
    ("huber", X, Y, (0.5 + 2.5 + 0 + 2.5) / 4),
    ("huber(delta=2)", X, Y, (0.5 + 2 * (3 - 1) + 0 + 2 * (3 - 1)) / 4),
    ("bce", X, Y, (softplus(1) + softplus(2) + (softplus(0.5) - 0.25) + softplus(-4)) / 4),
    ("bce", [[800.0], [-800.0]], [[1.0], [1.0]], (0 + 800) / 2),
    ("cross_entropy", [[0.0, math.log(3)], [0.0, 0.0]], [1, 0], (math.log(4 / 3) + math.log(2)) / 2),
    ("cross_entropy", [[0.0, math.log(3)]], [[0.5, 0.5]], 0.5 * math.log(4) + 0.5 * math.log(4 / 3)),
    ("cross_entropy", [[[0.0, math.log(3)], [0.0, 0.0]]], [[1, 0]], (math.log(4 / 3) + math.log(2)) / 2),
    (
        "kl",
        [[0.0, 0.0]],
        [[0.0, math.log(3)]],
        0.25 * math.log(0.25 / 0.5) + 0.75 * math.log(0.75 / 0.5),
    ),
    (
        "kl(temperature=2)",
        [[0.0, 0.0]],
        [[0.0, 2 * math.log(3)]],
        4 * (0.25 * math.log(0.25 / 0.5) + 0.75 * math.log(0.75 / 0.5)),
    ),
    ("cosine", [[3.0, 0.0], [2.0, 0.0]], [[1.0, 1.0], [-1.0, 0.0]], (1 - ROOT + 2) / 2),
    ("cosine", [[0.0, 0.0]], [[1.0, 1.0]], 1),
    # Nearness [[1, 0], [0, 1]] / T, whose rows and columns all give log(1 + exp(−1 / T)).
    ("info_nce(temperature=0.5)", [[2.0, 0.0], [0.0, 3.0]], [[1.0, 0.0], [0.0, 1.0]], softplus(-2)),
    # Nearness [[1, 1], [0, 0]]: rows give log 2 each, columns log(1 + exp(−1)) and log(1 + exp(1)).
    (
        "info_nce(temperature=1)",
        [[1.0, 0.0], [0.0, 1.0]],
        [[1.0, 0.0], [1.0, 0.0]],
        (2 * math.log(2) + softplus(-1) + softplus(1)) / 4,
    ),
    ("info_nce", [[1.0, 2.0]], [[5.0, 1.0]], 0),
    ("info_nce(temperature=1, both=False)", [[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [1.0, 0.0]], math.log(2)),
    # Squared distances [[0, 4], [1, 1]]: rows give log(1 + exp(−4)) and log 2, columns log(1 + exp(−1)) and
    # log(1 + exp(−3)).
    (
        'info_nce(temperature=1, distance="euclidean", both=False)',
        [[0.0], [1.0]],
        [[0.0], [2.0]],
        (softplus(-4) + math.log(2)) / 2,
    ),
    (
        'info_nce(temperature=2, distance="euclidean")',
        [[0.0], [1.0]],
        [[0.0], [2.0]],
        (softplus(-2) + math.log(2) + softplus(-0.5) + softplus(-1.5)) / 4,
    ),
    ("accuracy", [[0.1, 0.9], [0.8, 0.2], [0.3, 0.7], [0.6, 0.4]], [1, 0, 0, 1], 0.5),
    ("accuracy", [[0.1, 0.9], [0.8, 0.2]], [[0.3, 0.7], [0.2, 0.8]], 0.5),
    ("accuracy", [[0.5, 0.5], [0.5, 0.5]], [0, 1], 0.5),
    ("accuracy", [[math.nan, math.nan], [1.0, 2.0]], [0, 1], 0.5),
    ("top(k=2)", [[3.0, 2.0, 1.0], [3.0, 2.0, 1.0]], [1, 2], 0.5),
    ("top(k=2)", [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]], [1, 2], 0.5),
    ("r2", [[2.0], [2.0], [3.0]], [[1.0], [2.0], [3.0]], 0.5),
    # The first column is constant and met, the second constant and missed, the third half explained.
    (
        "r2",
        [[7.0, 1.0, 2.0], [7.0, 0.0, 2.0], [7.0, 0.0, 3.0]],
        [[7.0, 0.0, 1.0], [7.0, 0.0, 2.0], [7.0, 0.0, 3.0]],
        0.5,
    ),
    ("r2", [1.0, 1.0], [0.1, 0.1], 0),
    ("retrieval", [[2.0, 0.1], [0.1, 3.0], [1.0, 1.0]], [[1.0, 0.0], [0.0, 1.0], [0.0, 2.0]], 2 / 3),
    ("retrieval(k=2)", [[2.0, 0.1], [0.1, 3.0], [1.0, 1.1]], [[1.0, 0.0], [0.0, 1.0], [0.0, 2.0]], 1),
    # Equal rows on the left all find the same row: from right to left every row would find itself.
    ("retrieval", [[1.0, 0.0], [1.0, 0.0]], [[1.0, 0.1], [1.0, 0.2]], 0.5),
]


@pytest.mark.parametrize(("by", "left", "right", "value"), BY_HAND, ids=[f"{i}-{x[0]}" for i, x in enumerate(BY_HAND)])
def test_numbers_worked_out_by_hand(numbers, by, left, right, value):
    assert numbers(by, left, right) == pytest.approx(value, rel=1e-12, abs=1e-12)


def test_every_comparator_has_a_formula_and_an_example():
    assert set(FORMULAS) == set(COMPARATORS.values())
    assert {type(comparator(by)) for by, *_ in BY_HAND} == set(FORMULAS)


def random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def test_agrees_with_torch_functions(numbers):
    torch = pytest.importorskip("torch")
    F = torch.nn.functional
    x, y, classes = random(6, 3, 5), random(6, 3, 5, seed=1), np.random.default_rng(2).integers(0, 5, (6, 3))
    t, u, c = map(torch.from_numpy, (x, y, classes))
    probabilities = u.softmax(-1)
    flat = lambda a: a.reshape(-1, a.shape[-1])  # noqa: E731
    same = lambda by, left, right, value: pytest.approx(numbers(by, left, right), rel=1e-12) == value.item()  # noqa: E731
    assert same("mse", x, y, F.mse_loss(t, u))
    assert same("l1", x, y, F.l1_loss(t, u))
    assert same("huber(delta=0.3)", x, y, F.huber_loss(t, u, delta=0.3))
    assert same("bce", x, probabilities.numpy(), F.binary_cross_entropy_with_logits(t, probabilities))
    assert same("cross_entropy", x, classes, F.cross_entropy(flat(t), c.reshape(-1)))
    assert same("cross_entropy", x, probabilities.numpy(), F.cross_entropy(flat(t), flat(probabilities)))
    divergence = F.kl_div((flat(t) / 3).log_softmax(-1), (flat(u) / 3).softmax(-1), reduction="batchmean") * 9
    assert same("kl(temperature=3)", x, y, divergence)
    assert same("cosine", x, y, 1 - F.cosine_similarity(t, u, dim=-1).mean())


def test_class_numbers_of_any_type_are_one_hot(numbers):
    x, classes = random(7, 4), np.array([0, 1, 2, 3, 3, 1, 0])
    one_hot = np.eye(4)[classes]
    for by in (c for c in COMPARATORS.values() if c.reads_classes):
        by = by(2) if by is losses.top else by()
        for kind in (np.int64, np.int32, np.int16, np.int8, np.uint8):
            assert numbers(by, x, classes.astype(kind)) == pytest.approx(numbers(by, x, one_hot), rel=1e-12), kind
    for by in ("mse", "l1", "huber"):
        assert numbers(by, classes, x) == pytest.approx(numbers(by, one_hot, x), rel=1e-12)


def test_class_numbers_up_to_255_in_a_byte(numbers):
    x, classes = random(3, 300), np.array([0, 200, 255], np.uint8)
    assert numbers("cross_entropy", x, classes) == pytest.approx(numbers("cross_entropy", x, classes.astype(int)))
    assert numbers("accuracy", np.eye(300)[classes], classes) == 1


def test_whole_numbers_of_the_full_shape_are_cast(numbers):
    x, whole = random(4, 3), np.array([[0, 1, 1], [1, 0, 1], [0, 0, 1], [1, 1, 1]])
    for by in ("mse", "l1", "huber", "bce", "r2"):
        expected = pytest.approx(numbers(by, x, whole.astype(float)), rel=1e-12)
        for kind in (np.int64, np.int32, np.uint8, bool):
            assert numbers(by, x, whole.astype(kind)) == expected
    assert numbers("mse", whole, 1 - whole) == 1
    assert numbers("l1", whole[:, 0], whole[:, 1].astype(np.uint8)) == 0.5


def test_the_larger_real_type_wins(numbers):
    x, y = np.full((2, 2), 1 / 3), np.zeros((2, 2), np.float32)
    assert numbers("mse", x, y) == numbers("mse", y, x) == pytest.approx(1 / 9, rel=1e-15)
    assert numbers("huber", x, y) == pytest.approx(1 / 18, rel=1e-15)


VANISHING = [by for by, cls in COMPARATORS.items() if cls.vanishes]


@pytest.mark.parametrize("by", [*VANISHING, "kl(temperature=4)", "huber(delta=0.1)"])
def test_zero_with_zero_gradient_on_equal_sides(differentiable, by):
    x = random(5, 3)
    assert differentiable(by, x, x) == pytest.approx(0, abs=1e-15)
    for gradient in differentiable.gradients(by, x, x):
        assert np.abs(gradient).max() < 1e-15


@pytest.mark.parametrize("by", ["cross_entropy", "bce", "info_nce"])
def test_a_gradient_between_equal_sides_where_there_is_a_floor(differentiable, by):
    assert by not in VANISHING
    x = np.abs(random(5, 3))
    assert max(np.abs(g).max() for g in differentiable.gradients(by, x, x)) > 1e-3


def test_what_zero_says(numbers):
    x = random(5, 3)
    assert numbers("kl", x, x + random(5, 1, seed=1)) == pytest.approx(0, abs=1e-15)
    assert numbers("cosine", x, x * np.abs(random(5, 1, seed=1))) == pytest.approx(0, abs=1e-15)
    for by in (name for name, cls in COMPARATORS.items() if cls.zero is losses.Zero.EQUAL):
        assert numbers(by, x, x + 1e-3) > 0


@pytest.mark.parametrize("by", [name for name, cls in COMPARATORS.items() if cls.trains and name != "cross_entropy"])
def test_gradients_by_differences(differentiable, by):
    x, y = random(4, 3), np.abs(random(4, 3, seed=1))
    for place, gradient in enumerate(differentiable.gradients(by, x, y)):
        direction = random(4, 3, seed=2)
        step = [direction * 1e-5 * (place == i) for i in range(2)]
        above, below = (differentiable(by, x + s * step[0], y + s * step[1]) for s in (1, -1))
        assert (gradient * direction).sum() == pytest.approx((above - below) / 2e-5, rel=1e-6, abs=1e-9)


def test_gradients_are_the_same_everywhere():
    """Fused kernels, formulas and JAX, at the kinks too."""
    pytest.importorskip("torch")
    jax = pytest.importorskip("jax")
    x, y = random(4, 3), np.abs(random(4, 3, seed=1))
    x[0], y[0] = 0, 0
    x[1] = y[1] + 1
    with jax.enable_x64(True):
        ways = [Numbers(name) for name in ("torch", "torch formulas", "jax")]
        for by in (name for name, cls in COMPARATORS.items() if cls.trains):
            first, *others = [way.gradients(by, x, y) for way in ways]
            for other in others:
                np.testing.assert_allclose(other, first, rtol=1e-12, atol=1e-14, err_msg=by)


def test_cosine_of_zeros_has_a_finite_gradient(differentiable):
    zero, y = np.zeros((2, 3)), random(2, 3)
    for by in ("cosine", "info_nce"):
        assert math.isfinite(differentiable(by, zero, y)) and math.isfinite(differentiable(by, zero, zero))
        assert all(np.abs(g).max() < 20 for g in differentiable.gradients(by, zero, y))
    assert all(np.abs(g).max() < 1 for g in differentiable.gradients("cosine", zero, zero))


@pytest.mark.parametrize("by", [name for name, cls in COMPARATORS.items() if cls.samplewise])
def test_mean_over_batches_by_size_is_the_mean_over_all(numbers, by):
    by = "top(k=2)" if by == "top" else by
    x, y = random(7, 3, 4), np.abs(random(7, 3, 4, seed=1))
    sizes = ((0, 3), (3, 6), (6, 7))
    parts = sum((b - a) * numbers(by, x[a:b], y[a:b]) for a, b in sizes)
    assert numbers(by, x, y) == pytest.approx(parts / 7, rel=1e-12)


def test_those_that_need_all_data_at_once_say_so(numbers):
    x = random(12, 3)
    y = x + random(12, 3, seed=1)
    for by in (name for name, cls in COMPARATORS.items() if not cls.samplewise):
        halves = (numbers(by, x[:6], y[:6]) + numbers(by, x[6:], y[6:])) / 2
        assert numbers(by, x, y) != pytest.approx(halves, rel=1e-3), by


@pytest.mark.parametrize("by", [name for name in COMPARATORS if name != "r2"])
def test_a_batch_of_one(numbers, by):
    by = "top(k=2)" if by == "top" else by
    assert math.isfinite(numbers(by, random(1, 4), np.abs(random(1, 4, seed=1))))


def test_retrieval_in_pieces(numbers, monkeypatch):
    x = random(7, 3)
    y = x + random(7, 3, seed=1)
    whole = numbers("retrieval(k=2)", x, y)
    assert 0 < whole < 1
    monkeypatch.setattr("learningdiagrams.backends.comparators._AT_ONCE", 15)
    assert numbers("retrieval(k=2)", x, y) == whole


@pytest.mark.parametrize("wrong", [-1, 4, -100])
@pytest.mark.parametrize("by", ["cross_entropy", "bce", "mse", "accuracy", "top(k=2)"])
def test_class_numbers_out_of_range(numbers, by, wrong):
    message = rf"^goal `fit` \(x >> f = y\): {wrong} is no class number; with 4 classes they are 0…3$"
    with pytest.raises(DiagramError, match=message):
        numbers(by, random(3, 4), np.array([0, wrong, 3]))


@pytest.mark.parametrize("by", ["cross_entropy", "bce", "mse", "accuracy", "top(k=2)"])
def test_class_numbers_out_of_range_are_nan_where_compiled(by):
    jax = pytest.importorskip("jax")
    with jax.enable_x64(True):
        jitted = Numbers("jax")
        loss = jax.jit(lambda x, y: compare(jitted.ops, comparator(by), x, y, where=WHERE))
        for wrong in (-1, 4, -100):
            assert math.isnan(loss(random(3, 4), np.array([0, wrong, 3])))
        fine = np.array([0, 1, 3])
        assert loss(random(3, 4), fine) == pytest.approx(jitted(by, random(3, 4), fine))


def test_class_numbers_out_of_range_are_nan_where_traced_by_torch():
    torch = pytest.importorskip("torch")
    from torch.fx.experimental.proxy_tensor import make_fx

    ops = Numbers("torch").ops
    for by in ("cross_entropy", "accuracy", "mse"):
        loss = partial(compare, ops, comparator(by), where=WHERE)
        x, classes = torch.from_numpy(random(3, 4)), torch.tensor([0, 1, 3])
        graph = make_fx(loss, tracing_mode="fake")(x, classes)
        torch.testing.assert_close(graph(x, classes), loss(x, classes))
        assert graph(x, torch.tensor([0, 4, 1])).isnan()


@pytest.mark.parametrize("by", ["cross_entropy", "kl(temperature=4)", "mse", "info_nce", "accuracy", "r2"])
def test_torch_compile_sees_through(by):
    """No break in the graph: with one, a compiled step would fall back to Python in its middle."""
    torch = pytest.importorskip("torch")
    torch._dynamo.reset()
    by, ops = comparator(by), Numbers("torch").ops
    compiled = torch.compile(partial(compare, ops, by, where=WHERE), backend="eager", fullgraph=True)
    right = np.array([0, 1, 3, 1]) if by.needs_classes and by.reads_classes else random(4, 5, seed=1)
    sides = torch.from_numpy(random(4, 5)), torch.from_numpy(right)
    torch.testing.assert_close(compiled(*sides), compare(ops, by, *sides, where=WHERE))
    if by.needs_classes and by.reads_classes:
        assert compiled(sides[0], torch.tensor([0, -100, 3, 1])).isnan()


def differ(left, right, hint=""):
    return f"the sides' shapes differ: {left} on the left, {right} on the right{hint}"


FEW = "takes two classes at least on the last axis, and it is 1 long"
EMBEDDINGS = "takes a batch of embeddings (batch, features), not (4, 3, 2)"
WHOLE = "takes real numbers, and the right side holds whole numbers (int64)"
TRUTH = "takes real numbers, and the right side holds truth values (bool)"
CLASSES = "; class numbers have the shape (4,)"
ERRORS = [
    ("mse", (4, 3), (4, 1), float, differ((4, 3), (4, 1))),
    ("mse", (4,), (4, 3), float, differ((4,), (4, 3))),
    ("kl", (4, 3), (3,), float, differ((4, 3), (3,))),
    ("cross_entropy", (4, 3), (4,), float, differ((4, 3), (4,), "; class numbers are to be whole numbers")),
    *(
        (by, (4, 3), (4,), int, differ((4, 3), (4,), f"; `{by}` reads no class numbers"))
        for by, cls in COMPARATORS.items()
        if not cls.reads_classes
    ),
    ("kl", (4, 3), (4, 3), int, f"`kl` {WHOLE}"),
    ("cross_entropy", (4, 3), (4, 3), int, f"`cross_entropy` {WHOLE}{CLASSES}"),
    ("accuracy", (4, 3), (4, 3), bool, f"`accuracy` {TRUTH}{CLASSES}"),
    *((by, (4, 1), (4, 1), float, f"`{by}` {FEW}") for by in ("cross_entropy", "kl", "accuracy", "top")),
    *((by, (4, 1), (4,), int, f"`{by}` {FEW}") for by in ("cross_entropy", "accuracy", "mse")),
    ("cosine", (4,), (4,), float, "`cosine` works along the last axis, and the values have none: (4,)"),
    ("info_nce", (4, 3, 2), (4, 3, 2), float, f"`info_nce` {EMBEDDINGS}"),
    ("retrieval", (4, 3, 2), (4, 3, 2), float, f"`retrieval` {EMBEDDINGS}"),
    ("retrieval(k=5)", (4, 3), (4, 3), float, "`retrieval(k=5)` looks at 5 rows, and there are 4"),
    ("top", (4, 3), (4,), int, "`top` looks at 5 classes, and there are 3"),
    ("r2", (1, 3), (1, 3), float, "`r2` compares with the mean over rows, two at least, not 1"),
]


@pytest.mark.parametrize(
    ("by", "left", "right", "kind", "message"), ERRORS, ids=[f"{i}-{x[0]}" for i, x in enumerate(ERRORS)]
)
def test_errors(numbers, by, left, right, kind, message):
    with pytest.raises(DiagramError) as caught:
        numbers(by, np.ones(left), np.zeros(right).astype(kind))
    assert str(caught.value).replace("torch.", "") == f"{WHERE}: {message}"


def test_class_numbers_on_the_wrong_side(numbers):
    for by, says in (("cross_entropy", "class numbers on the right only"), ("kl", "no class numbers")):
        with pytest.raises(DiagramError) as caught:
            numbers(by, np.zeros(4, int), np.ones((4, 3)))
        assert str(caught.value) == f"{WHERE}: {differ((4,), (4, 3), f'; `{by}` reads {says}')}"


def test_functions(numbers):
    assert numbers(lambda x, y: (x * y).sum(), X, Y) == 0 - 2 + 0.25 + 4
    with pytest.raises(DiagramError, match=r"⟨apart⟩ gives an array of shape \(2, 2\); a comparator gives one number"):

        def apart(x, y):
            return x - y

        numbers(apart, X, Y)


def test_functions_may_read_class_numbers_and_nothing_is_broadcast(numbers):
    assert numbers(lambda x, y: x.sum() + y.sum(), X, [1, 0]) == X.sum() + 1
    assert numbers(lambda x, y: x.sum() + y.sum(), [1, 0], X) == X.sum() + 1
    with pytest.raises(DiagramError) as caught:
        numbers(lambda x, y: (x - y).sum(), X, Y[:, :1])
    assert str(caught.value) == f"{WHERE}: {differ((2, 2), (2, 1))}"
