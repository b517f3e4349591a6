"""Shapes without numbers on PyTorch."""

import logging

import pytest

torch = pytest.importorskip("torch")
nn = torch.nn
F = torch.nn.functional

from learningdiagrams import layers  # noqa: E402
from learningdiagrams.backends.torch import TorchBackend  # noqa: E402
from learningdiagrams.diagram import Diagram  # noqa: E402
from learningdiagrams.errors import DiagramError  # noqa: E402
from learningdiagrams.shapes import Abstract  # noqa: E402

SEEN = []


class Counted(nn.Module):
    """A linear map that counts how often it is evaluated."""

    def __init__(self, a, b, scale=1.0):
        super().__init__()
        self.linear = nn.Linear(a, b)
        self.scale = scale

    def forward(self, x):
        SEEN.append(x.shape)
        return self.linear(x) * self.scale


def abstract(given, *arguments, dom=1, cod=1, dtype="float32"):
    d = Diagram()
    A, B = d.objects("A", "B")
    product = d.presentation.signature.product
    d.model("f", product([A] * dom), product([B] * cod))
    maps = TorchBackend().maps(d, {"f": given}, seed=0, dtype=dtype, device=None)
    return maps.abstract("f", [Abstract(*each) for each in arguments])


@pytest.mark.parametrize(
    ("given", "arguments", "wanted"),
    [
        (nn.Linear(4, 3), [((4,),)], [((3,),)]),
        (nn.Linear(4, 3), [((7, 4),)], [((7, 3),)]),
        (nn.Embedding(9, 5), [((6,), "int")], [((6, 5),)]),
        (lambda x: x > 0, [((4,),)], [((4,), "bool")]),
        (lambda x: x.argmax(-1), [((4,),)], [((), "int")]),
        (nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten()), [((1, 5, 5),)], [((18,),)]),
        (layers.mlp(4, 5, 3), [((4,),)], [((3,),)]),
        (lambda x: x @ x.transpose(-1, -2), [((2, 5),)], [((2, 2),)]),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_shapes_and_kinds_of_number(given, arguments, wanted, dtype):
    assert abstract(given, *arguments, dtype=dtype) == tuple(Abstract(*each) for each in wanted)


def test_several_inputs_and_outputs_and_none():
    assert abstract(lambda a, b: (b, a), ((4,),), ((), "int"), dom=2, cod=2) == (
        Abstract((), "int"),
        Abstract((4,)),
    )
    assert abstract(layers.constant((1.0, 2.0)), dom=0) == (Abstract((2,)),)


def test_a_map_that_looks_at_its_numbers_tells_nothing():
    assert abstract(lambda x: x if x.sum() > 0 else -x, ((4,),)) is None
    assert abstract(lambda x: torch.from_numpy(x.numpy() + 1), ((4,),)) is None
    assert abstract(lambda x: x * x.max().item(), ((4,),)) is None


@pytest.mark.parametrize(
    ("given", "argument", "said"),
    [
        (nn.Linear(4, 3), ((5,),), "it refuses [5]: mat1 and mat2 shapes cannot be multiplied (2x5 and 4x3)"),
        (lambda x: x["pixels"], ((5,),), "it refuses [5]: IndexError: "),
        (
            lambda x: x.mean(0),
            ((4,),),
            "at a batch of 1009 values [4] it gives (4,): the first axis of a value is the batch",
        ),
        (lambda x: x.mean(), ((4,),), "at a batch of 1009 values [4] it gives (): the first axis"),
        (nn.LSTM(4, 3), ((6, 4),), "`f` : A -> B is to return one array, and it returned a tuple of"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(given, argument, said, monkeypatch):
    logged = []
    monkeypatch.setattr(logging.getLogger("torch._subclasses.fake_tensor"), "handle", logged.append)
    with pytest.raises(DiagramError) as error:
        abstract(given, argument)
    assert str(error.value).startswith(said) and "\n" not in str(error.value)
    assert not any(record.levelno >= logging.WARNING for record in logged), "it is said once, and not logged"


def test_a_failure_with_numbers_too_is_the_maps_own():
    def broken(x):
        raise KeyError("depth")

    with pytest.raises(DiagramError, match=r"it refuses \[4\]: KeyError: 'depth'"):
        abstract(broken, ((4,),))


def test_maps_of_one_architecture_are_evaluated_once():
    d = Diagram()
    A, B = d.objects("A", "B")
    maps = {}
    for k in range(20):
        d.model(f"f{k}", A, B)
        maps[f"f{k}"] = Counted(4, 3)
    d.model("wide", A, B)
    d.model("scaled", A, B)
    maps |= {"wide": Counted(4, 5), "scaled": Counted(4, 3, scale=2.0)}
    made = TorchBackend().maps(d, maps, seed=0, dtype="float32", device=None)
    SEEN.clear()
    found = {made.abstract(f"f{k}", [Abstract((4,))]) for k in range(20)}
    assert found == {(Abstract((3,)),)} and len(SEEN) == 1
    assert made.abstract("wide", [Abstract((4,))]) == (Abstract((5,)),)
    made.abstract("scaled", [Abstract((4,))])
    assert len(SEEN) == 3, "another width and another attribute are another architecture"
    maps["f1"].register_forward_hook(lambda module, inputs, output: output[..., None])
    assert made.abstract("f1", [Abstract((4,))]) == (Abstract((3, 1)),)
    SEEN.pop()
    for _ in range(3):
        with pytest.raises(DiagramError, match=r"it refuses \[9\]"):
            made.abstract("f0", [Abstract((9,))])
    assert len(SEEN) == 5, "once without numbers, and once with them for the error's words"


def test_a_module_is_left_as_it_was():
    class Remembers(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(4, 3)
            self.register_buffer("count", torch.zeros(()))

        def forward(self, x):
            self.count = self.count + 1
            self.last = self.linear(x)
            return self.last

    f = Remembers()
    count = f.count
    state = torch.get_rng_state()
    assert abstract(f, ((4,),)) == (Abstract((3,)),)
    assert f.count is count and not hasattr(f, "last") and f.training
    with pytest.raises(DiagramError):
        abstract(f, ((5,),))
    assert f.count is count and torch.equal(torch.get_rng_state(), state)
    assert type(f(torch.zeros(2, 4))) is torch.Tensor and f.count == 1


def test_dropout_and_batch_norm_evaluate():
    f = nn.Sequential(nn.BatchNorm1d(4), nn.Dropout(0.5))
    assert abstract(f, ((4,),)) == (Abstract((4,)),)
    assert f[0].num_batches_tracked == 0 and f[0].training
