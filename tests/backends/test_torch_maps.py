"""What is a map on PyTorch: modules, functions and layers; their modes and numbers."""

import functools
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
nn = torch.nn
F = torch.nn.functional

from learningdiagrams import layers  # noqa: E402
from learningdiagrams.diagram import Diagram  # noqa: E402
from learningdiagrams.errors import DiagramError  # noqa: E402
from learningdiagrams.plan import plan_morphism  # noqa: E402
from tests.backends.torch_diagrams import (  # noqa: E402
    WEIGHTS,
    Flags,
    X,
    Y,
    distillation,
    maps_of,
    module_of,
    one_map,
    outputs,
    program_of,
    small,
)

# What is a map ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (None, "`f`: a value of type NoneType is no map; a map is a torch.nn.Module, a function of tensors"),
        (nn.Linear, "`f`: Linear is a class; give a module, Linear(…)"),
        (dict, "`f`: the class dict is no map"),
        (torch.zeros(3), "`f`: a tensor is no map"),
        (
            nn.LazyLinear(3),
            "`f`: its parameter weight has no shape yet; call the module once on a batch before",
        ),
    ],
)
def test_what_is_no_map_is_refused(given, said):
    with pytest.raises(DiagramError) as error:
        maps_of(one_map(), {"f": given})
    assert str(error.value).startswith(said)


def test_a_map_of_jax_is_sent_to_jax():
    equinox, jax = pytest.importorskip("equinox"), pytest.importorskip("jax")
    with pytest.raises(DiagramError, match='a Linear of equinox runs on jax; compile with backend="jax"'):
        maps_of(one_map(), {"f": equinox.nn.Linear(4, 3, key=jax.random.key(0))})


def test_functions_of_tensors():
    maps = maps_of(one_map("fixed"), {"f": torch.relu})
    torch.testing.assert_close(outputs(maps, "f", X), (X.relu(),))
    assert maps.parameters() == {"f": {}} and maps.buffers() == {}


def test_a_method_of_a_module_has_the_modules_parameters():
    class Both(nn.Module):
        def __init__(self):
            super().__init__()
            self.shared = nn.Linear(4, 4)

        def encode(self, x):
            return self.shared(x)

        def decode(self, x):
            return x @ self.shared.weight

    d = Diagram("Auto")
    S, A, B = d.objects("S", "A", "B")
    d.data("x", S, A)
    d.model("enc", A, B)
    d.model("dec", B, A)
    d.ema("slow", of="enc")
    d.goal("back", "x >> enc >> dec", "x")
    both = Both()
    maps = maps_of(d, {"enc": both.encode, "dec": both.decode})
    _, field = program_of(maps).value_and_grad({"x": X}, {"back": 1.0})
    loss = F.mse_loss(both.decode(both.encode(X)), X)
    torch.testing.assert_close(field["enc"]["shared.weight"], torch.autograd.grad(loss, both.shared.weight)[0])
    torch.testing.assert_close(field["enc"], field["dec"])
    torch.testing.assert_close(outputs(maps, "slow", X), (both.encode(X).detach(),))


def test_built_in_layers_start_from_their_own_numbers_in_either_precision():
    from learningdiagrams.backends.layers import initial

    for dtype in ("float32", "float64"):
        maps = maps_of(one_map(), {"f": layers.mlp(4, 5, 3)}, dtype=dtype, seed=7)
        wanted, _ = initial(layers.mlp(4, 5, 3), seed=7, name="f", dtype=dtype)
        found = {name: maps.numpy(value) for name, value in maps.parameters()["f"].items()}
        assert {name: (v.tolist(), v.dtype) for name, v in found.items()} == {
            name: (v.tolist(), v.dtype) for name, v in wanted.items()
        }


def test_equal_layers_of_two_generators_are_two_maps():
    d = one_map()
    d.model("g", d.sorts["A"], d.sorts["B"])
    layer = layers.linear(4, 3)
    parameters = maps_of(d, {"f": layer, "g": layer}).parameters()
    assert (parameters["f"]["weight"] != parameters["g"]["weight"]).all()


def test_one_module_for_two_generators_is_one_map():
    d = one_map()
    d.model("g", d.sorts["A"], d.sorts["B"])
    d.goal("one", "x >> f", "y")
    d.goal("two", "x >> g", "y")
    f, y = nn.Linear(4, 3), torch.zeros(6, 3)
    maps = maps_of(d, {"f": f, "g": f})
    assert len(maps.trained) == 2
    _, field = program_of(maps).value_and_grad({"x": X, "y": y}, {"one": 1.0, "two": 1.0})
    wanted = torch.autograd.grad(2 * F.mse_loss(f(X), y), f.weight)[0]
    torch.testing.assert_close(field["f"]["weight"], wanted)
    torch.testing.assert_close(field["g"]["weight"], wanted)


def test_tied_weights_across_maps_stay_one_parameter():
    d = one_map()
    d.model("g", d.sorts["A"], d.sorts["B"])
    f, g = nn.Linear(4, 3), nn.Linear(4, 3)
    g.weight = f.weight
    maps = maps_of(d, {"f": f, "g": g}, dtype="float64")
    assert g.weight is f.weight and len(maps.trained) == 3
    maps.load_parameters({"g": {"weight": np.ones((3, 4))}})
    assert (maps.parameters()["f"]["weight"] == 1).all()


@pytest.mark.parametrize("how", ["the same", "the same memory"])
def test_a_parameter_of_a_frozen_and_of_a_trained_map_is_an_error(how):
    d = distillation()
    student, teacher = nn.Linear(4, 3), nn.Linear(4, 3)
    teacher.weight = student.weight if how == "the same" else nn.Parameter(student.weight.data)
    with pytest.raises(DiagramError) as error:
        maps_of(d, {"teacher": teacher, "student": student})
    assert "`teacher` is frozen and `student` is trained" in str(error.value)
    assert "weight" in str(error.value)


def test_a_fixed_map_has_no_parameters():
    with pytest.raises(DiagramError, match="`f` is fixed, a map without parameters, and has weight, bias"):
        maps_of(one_map("fixed"), {"f": nn.Linear(4, 3)})


def test_maps_out_of_1():
    class Constant(nn.Module):
        def __init__(self):
            super().__init__()
            self.value = nn.Parameter(torch.arange(3.0))

        def forward(self):
            return self.value

    for given, name in ((Constant(), "value"), (layers.constant((0.0, 1.0, 2.0)), "value")):
        d = one_map(dom="1")
        d.goal("fit", "x >> drop(A) >> f", "y")
        maps = maps_of(d, {"f": given})
        value = maps.parameters()["f"][name]
        evaluated, field = program_of(maps).value_and_grad({"x": X, "y": torch.ones(6, 3)}, {"fit": 1.0})
        torch.testing.assert_close(evaluated.total, (value - 1).square().mean())
        torch.testing.assert_close(field["f"][name], 2 * (value - 1) / 3)
        torch.testing.assert_close(outputs(maps, "f"), (value[None],))


def test_several_inputs_and_outputs():
    d = Diagram("Swap")
    A, B = d.objects("A", "B")
    d.fixed("swap", A * B, B * A)
    maps = maps_of(d, {"swap": lambda a, b: (b, a)})
    a, b = torch.ones(2, 3), torch.zeros(2, 4)
    torch.testing.assert_close(outputs(maps, "swap", a, b), (b, a))
    torch.testing.assert_close(outputs(maps, "swap >> proj(B * A, 1)", a, b), (a,))


def test_a_map_that_is_not_realised_may_be_there_until_it_is_applied():
    d = distillation()
    maps = maps_of(d, {"student": small(4, 3)})
    assert maps.has("student") and not maps.has("teacher")
    maps.program(plan_morphism(d, d["student"]))
    with pytest.raises(DiagramError, match="`teacher` has no realisation"):
        program_of(maps)


# Precision, device, modes -----------------------------------------------------------------------------------


def test_modules_are_converted_in_place_where_they_need_it():
    f = small(4, 3)
    weight = f[0].weight
    maps = maps_of(one_map(), {"f": f}, dtype="float64")
    assert f[0].weight is weight and weight.dtype == torch.float64
    assert maps.parameters()["f"]["0.weight"].dtype == torch.float64


def test_the_device_is_named_or_that_of_the_modules_or_the_default():
    assert maps_of(one_map(), {"f": small(4, 3)}).device == torch.device("cpu")
    assert maps_of(one_map(), {"f": small(4, 3).to("meta")}).device == torch.device("meta")
    maps = maps_of(one_map(), {"f": small(4, 3)}, device="meta")
    assert maps.parameters()["f"]["0.weight"].device.type == "meta" and maps.array(X).device.type == "meta"
    with pytest.raises(DiagramError, match="there is no device 'cbu': "):
        maps_of(one_map(), {"f": small(4, 3)}, device="cbu")


def test_only_models_train_and_every_flag_is_put_back():
    teacher, student = Flags(), Flags()
    d = distillation()
    d.ema("slow", of="student")
    d.goal("mean", "pixels >> student", "pixels >> slow")
    maps = maps_of(d, {"teacher": teacher, "student": student})
    slow = module_of(maps, "slow")
    teacher.inner.eval()
    student.train(False)
    student.inner.train(True)
    before = [(part, part.training) for m in (teacher, student, slow) for part in m.modules()]
    program = program_of(maps)
    batch = {"pixels": X, "label": Y}
    program(batch, WEIGHTS, training=True)
    assert (teacher.seen, student.seen, slow.seen) == ([(False, False)], [(True, True)], [(False, False)])
    assert all(part.training is flag for part, flag in before)
    program.value_and_grad(batch, WEIGHTS)
    assert (teacher.seen[1], student.seen[1], slow.seen[1]) == ((False, False),) * 3
    assert all(part.training is flag for part, flag in before)


def test_flags_are_put_back_after_an_error():
    d = one_map()
    d.goal("fit", "x >> f", "y")
    f = Flags().eval()
    program = program_of(maps_of(d, {"f": f}))
    with pytest.raises(DiagramError):
        program({"x": torch.zeros(6, 5), "y": torch.zeros(6, 3)}, {"fit": 1.0}, training=True)
    assert not f.training and not f.inner.training


def test_outputs_are_in_evaluation_mode_without_gradients():
    f = Flags()
    (value,) = outputs(maps_of(one_map(), {"f": f}), "f", X)
    assert not value.requires_grad and f.seen == [(False, False)] and f.training


def test_a_module_s_own_way_to_train_is_respected():
    class HalfTrained(Flags):
        def train(self, mode=True):
            super().train(mode)
            self.inner.eval()
            return self

    d = one_map()
    d.goal("fit", "x >> f", "y")
    f = HalfTrained()
    program_of(maps_of(d, {"f": f}))({"x": X, "y": torch.zeros(6, 3)}, {"fit": 1.0}, training=True)
    assert f.seen == [(True, False)]


def test_a_module_that_does_more_than_set_flags_does_it_back():
    class Merges(Flags):
        merged = False

        def train(self, mode=True):
            self.merged = not mode
            return super().train(mode)

    d = one_map()
    d.goal("fit", "x >> f", "y")
    f = nn.Sequential(Merges())
    program = program_of(maps_of(d, {"f": f}))
    for _ in range(2):
        program({"x": X, "y": torch.zeros(6, 3)}, {"fit": 1.0})
        assert f.training and f[0].training and f[0].inner.training and not f[0].merged
    assert f[0].seen == [(False, False)] * 2
    f.eval()
    program({"x": X, "y": torch.zeros(6, 3)}, {"fit": 1.0}, training=True)
    assert not f[0].training and f[0].merged


# Numbers ----------------------------------------------------------------------------------------------------


def with_statistics() -> Any:
    d = one_map()
    d.goal("fit", "x >> f", "y")
    return d, nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3))


def test_parameters_are_snapshots_by_the_module_s_own_names():
    teacher, student = small(4, 3), small(4, 5, 3)
    maps = maps_of(distillation(), {"teacher": teacher, "student": student})
    snapshot = maps.parameters()
    assert {name: list(each) for name, each in snapshot.items()} == {
        "teacher": [name for name, _ in teacher.named_parameters()],
        "student": [name for name, _ in student.named_parameters()],
    }
    before = student[0].weight.clone()
    snapshot["student"]["0.weight"].zero_()
    assert torch.equal(student[0].weight, before)
    maps.load_parameters({"student": {"0.weight": np.ones((5, 4))}})
    assert (student[0].weight == 1).all() and student[0].weight.requires_grad


def test_wrong_numbers_are_all_named_and_nothing_is_loaded():
    student = small(4, 3)
    maps = maps_of(distillation(), {"teacher": small(4, 3), "student": student})
    before = student[0].bias.clone()
    given = {
        "studnet": {},
        "student": {"0.wieght": np.ones(1), "0.weight": np.ones((4, 3)), "0.bias": np.ones(3)},
    }
    with pytest.raises(DiagramError) as error:
        maps.load_parameters(given)
    assert str(error.value).splitlines() == [
        "there is no map `studnet`; did you mean `student`?",
        "`student` has no parameter `0.wieght`; did you mean `0.weight`?",
        "`student`: the parameter 0.weight has the shape (3, 4), and the one given has (4, 3)",
    ]
    assert torch.equal(student[0].bias, before)


def test_buffers_are_moved_by_training_only_and_saved():
    d, f = with_statistics()
    maps = maps_of(d, {"f": f})
    program, batch = program_of(maps), {"x": X, "y": torch.zeros(6, 3)}
    program(batch, {"fit": 1.0})
    before = maps.buffers()
    assert list(before["f"]) == ["1.running_mean", "1.running_var", "1.num_batches_tracked"]
    assert not before["f"]["1.running_mean"].any()
    program(batch, {"fit": 1.0}, training=True)
    assert maps.buffers()["f"]["1.running_mean"].any() and f[1].num_batches_tracked == 1
    maps.load_buffers({name: {k: maps.numpy(v) for k, v in each.items()} for name, each in before.items()})
    assert not f[1].running_mean.any() and f[1].num_batches_tracked == 0
    with pytest.raises(DiagramError, match=r"`f` has no buffer `1\.runing_mean`; did you mean"):
        maps.load_buffers({"f": {"1.runing_mean": np.zeros(3)}})


def test_buffers_that_a_module_does_not_save_are_left_out():
    f = nn.Linear(4, 3)
    f.register_buffer("mask", torch.ones(3), persistent=False)
    assert maps_of(one_map(), {"f": f}).buffers() == {}


def test_averages_start_as_copies_follow_and_receive_no_gradient():
    d, f = with_statistics()
    d.ema("slow", of="f", decay=0.9)
    d.goal("near", "x >> f", "x >> slow")
    maps = maps_of(d, {"f": f})
    start = maps.parameters()
    torch.testing.assert_close(start["f"], start["slow"], rtol=0, atol=0)
    _, field = program_of(maps).value_and_grad({"x": X, "y": torch.zeros(6, 3)}, {"fit": 1.0, "near": 1.0})
    assert set(field) == {"f"}
    with torch.no_grad():
        for parameter in f.parameters():
            parameter.add_(1.0)
        f[1].running_mean.fill_(5.0)
    maps.follow()
    after = maps.parameters()
    for name, value in start["slow"].items():
        torch.testing.assert_close(after["slow"][name], value + 0.1)
    assert (maps.buffers()["slow"]["1.running_mean"] == 5).all()
    assert all(p.requires_grad for p in f.parameters()), "the model's own flags are its own"


def test_a_module_that_cannot_be_copied_has_no_average():
    class Holds(nn.Linear):
        def __deepcopy__(self, memo):
            raise TypeError("cannot copy an open file")

    d = one_map()
    d.ema("slow", of="f")
    with pytest.raises(DiagramError, match="`slow`: the module it follows cannot be copied: cannot copy an open file"):
        maps_of(d, {"f": Holds(4, 3)})


def test_an_average_of_a_function_is_the_function():
    d = one_map()
    d.ema("slow", of="f")
    maps = maps_of(d, {"f": torch.relu})
    maps.follow()
    torch.testing.assert_close(outputs(maps, "slow", X), (X.relu(),))


# One module of everything -----------------------------------------------------------------------------------


def test_the_module_of_all_maps():
    d = distillation()
    d.model("half", d.sorts["Image"], d.sorts["Logits"])  # also a method of every module
    teacher, student = Flags(), Flags()
    maps = maps_of(d, {"teacher": teacher, "student": student, "half": nn.Linear(4, 3)})
    program = program_of(maps)
    seen = []

    def loss(batch, step, training):
        seen.append((step, training))
        return program(batch, WEIGHTS, step or 0, training).total

    module = maps.module(loss)
    assert teacher.training, "looking at it changes nothing"
    assert [name for name, _ in module.named_parameters()][:2] == [
        "teacher.linear.weight",
        "teacher.linear.bias",
    ]
    assert "half.bias" in dict(module.named_parameters())
    module.train()
    assert student.training and not teacher.training
    optimizer = torch.optim.SGD(module.parameters(), lr=0.5)
    before = module({"pixels": X, "label": Y})
    before.backward()
    optimizer.step()
    assert module({"pixels": X, "label": Y}, step=3) < before
    assert seen == [(None, True), (3, True)]
    module.eval()
    assert not student.training and not module.training
    state = module.state_dict()
    module.load_state_dict({name: torch.zeros_like(value) for name, value in state.items()})
    assert not student.linear.weight.any()


def test_partial_functions_are_functions():
    maps = maps_of(one_map("fixed"), {"f": functools.partial(F.leaky_relu, negative_slope=0.5)})
    torch.testing.assert_close(outputs(maps, "f", X), (F.leaky_relu(X, 0.5),))
