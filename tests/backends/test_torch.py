"""The loss and the gradient field on PyTorch."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
nn = torch.nn
F = torch.nn.functional

from learningdiagrams.backends.torch import TorchBackend  # noqa: E402
from learningdiagrams.diagram import Diagram, stop  # noqa: E402
from learningdiagrams.errors import DiagramError  # noqa: E402
from learningdiagrams.plan import make_plan  # noqa: E402
from tests.backends.torch_diagrams import (  # noqa: E402
    WEIGHTS,
    X,
    Y,
    distillation,
    maps_of,
    one_map,
    outputs,
    program_of,
    small,
)


def by_hand(teacher, student):
    logits, wanted = student(X), teacher(X)
    soft = 16 * F.kl_div((logits / 4).log_softmax(-1), (wanted / 4).softmax(-1), reduction="batchmean")
    return F.cross_entropy(logits, Y), soft


# The loss ---------------------------------------------------------------------------------------------------


def test_terms_are_unweighted_and_the_total_is_their_weighted_sum():
    teacher, student = small(4, 8, 3), small(4, 3, seed=1)
    evaluated = program_of(maps_of(distillation(), {"teacher": teacher, "student": student}))(
        {"pixels": X, "label": Y}, WEIGHTS
    )
    hard, soft = by_hand(teacher, student)
    torch.testing.assert_close(evaluated.terms, {"hard": hard, "soft": soft})
    torch.testing.assert_close(evaluated.total, hard + 0.7 * soft)
    assert evaluated.total.shape == ()


def test_a_measure_is_no_part_of_the_total():
    d = distillation()
    d.measure("accuracy", "pixels >> student", "label", by="accuracy")
    maps = maps_of(d, {"teacher": small(4, 3), "student": small(4, 3)})
    program = maps.program(make_plan(d, [*d.goals.values(), *d.measures.values()]))
    evaluated = program({"pixels": X, "label": Y}, {"hard": 1.0})
    assert set(evaluated.terms) == {"hard", "soft", "accuracy"}
    assert evaluated.total.item() == evaluated.terms["hard"].item()


def test_numpy_and_tensors_of_any_kind_are_taken():
    d = distillation()
    program = program_of(maps_of(d, {"teacher": small(4, 3), "student": small(4, 3)}))
    wanted = program({"pixels": X, "label": Y}, WEIGHTS).total
    frozen = X.numpy().astype(">f8")
    frozen.setflags(write=False)
    for pixels in (X.numpy(), X.double(), frozen, X.flip(0).numpy()[::-1], X.tolist()):
        for label in (Y.numpy(), Y.int(), Y.numpy().astype("uint8"), Y.numpy().astype("uint32"), Y.tolist()):
            torch.testing.assert_close(program({"pixels": pixels, "label": label}, WEIGHTS).total, wanted)


def test_what_is_no_number_is_refused():
    maps = maps_of(one_map(), {"f": small(4, 3)})
    with pytest.raises(DiagramError, match="an array of <U1 holds no numbers that a map reads"):
        maps.array(np.array(["a"]))


def test_arrays_there_and_back():
    maps = maps_of(one_map(), {"f": small(4, 3)}, dtype="float64")
    pair = maps.array((np.ones(2, "float32"), [True, False]))
    assert [each.dtype for each in pair] == [torch.float64, torch.bool]
    there = maps.numpy(pair)
    assert isinstance(there, tuple) and there[0].dtype == np.float64 and there[1].tolist() == [True, False]
    assert maps.array(2.5).dtype == torch.float64 and maps.array(3).dtype == torch.int64


def test_a_batch_that_lacks_data():
    program = program_of(maps_of(distillation(), {"teacher": small(4, 3), "student": small(4, 3)}))
    with pytest.raises(DiagramError) as error:
        program({"pixels": X}, WEIGHTS)
    assert str(error.value) == "the batch lacks `label`"


def test_sides_whose_shapes_differ_name_the_goal_both_paths_and_both_shapes():
    d = one_map()
    d.goal("fit", "x >> f", "y")
    program = program_of(maps_of(d, {"f": small(4, 3)}))
    with pytest.raises(DiagramError) as error:
        program({"x": X, "y": torch.zeros(6, 2)}, {"fit": 1.0})
    assert str(error.value).startswith("goal `fit` (x >> f = y): ")
    assert "(6, 3)" in str(error.value) and "(6, 2)" in str(error.value)


@pytest.mark.parametrize("by", ["cross_entropy", "mse", "kl(temperature=2)"])
def test_the_quick_way_of_a_comparator_refuses_what_the_careful_one_does(by):
    d = one_map()
    d.goal("fit", "x >> f", "y", by=by)
    program = program_of(maps_of(d, {"f": small(4, 3)}))
    good = Y if by == "cross_entropy" else torch.randn(6, 3)
    first = program({"x": X, "y": good}, {"fit": 1.0}).total
    assert program({"x": X, "y": good}, {"fit": 1.0}).total.item() == first.item()
    bad = torch.tensor([0, 1, 2, 0, 1, 3]) if by == "cross_entropy" else torch.randn(6, 1)
    with pytest.raises(DiagramError, match="goal `fit`"):
        program({"x": X, "y": bad}, {"fit": 1.0})
    assert program({"x": X, "y": good}, {"fit": 1.0}).total.item() == first.item()
    last = slice(0, 2)
    assert program({"x": X[last], "y": good[last]}, {"fit": 1.0}).total.isfinite()


def test_a_function_as_comparator():
    d = one_map()
    d.goal("fit", "x >> f", "y", by=lambda left, right: (left - right).abs().max())
    f, y = small(4, 3), torch.zeros(6, 3)
    total = program_of(maps_of(d, {"f": f}))({"x": X, "y": y}, {"fit": 1.0}).total
    torch.testing.assert_close(total, f(X).abs().max())


def test_each_value_is_computed_once():
    d = Diagram("Heads")
    S, A, B = d.objects("S", "A", "B")
    d.data("x", S, A)
    d.model("backbone", A, A)
    calls = []
    maps = {"backbone": small(4, 4)}
    maps["backbone"].register_forward_hook(lambda *_: calls.append(1))
    for k in range(16):
        d.data(f"y{k}", S, B)
        d.model(f"head{k}", A, B)
        d.goal(f"g{k}", f"x >> backbone >> head{k}", f"y{k}")
        maps[f"head{k}"] = small(4, 3)
    batch = {"x": X} | {f"y{k}": torch.zeros(6, 3) for k in range(16)}
    program_of(maps_of(d, maps)).value_and_grad(batch, dict.fromkeys(d.goals, 1.0))
    assert len(calls) == 1


# Gradients --------------------------------------------------------------------------------------------------


def test_gradients_are_those_of_hand_written_code_and_leave_grad_alone():
    teacher, student = small(4, 8, 3), small(4, 3, seed=1)
    program = program_of(maps_of(distillation(), {"teacher": teacher, "student": student}))
    student[0].weight.grad = torch.ones(3, 4)
    evaluated, field = program.value_and_grad({"pixels": X, "label": Y}, WEIGHTS)
    assert not evaluated.total.requires_grad and not evaluated.terms["hard"].requires_grad
    assert set(field) == {"student"}, "frozen maps have no gradients"
    assert (student[0].weight.grad == 1).all() and student[0].bias.grad is None
    hard, soft = by_hand(teacher, student)
    wanted = torch.autograd.grad(hard + 0.7 * soft, list(student.parameters()))
    names = ["0.weight", "0.bias"]
    torch.testing.assert_close(field["student"], dict(zip(names, wanted, strict=True)))
    with torch.no_grad():
        assert program.value_and_grad({"pixels": X, "label": Y}, WEIGHTS)[1]["student"]["0.bias"].any()


def test_backward_gives_the_same_field_and_frozen_maps_none():
    teacher, student = small(4, 8, 3), small(4, 3, seed=1)
    program = program_of(maps_of(distillation(), {"teacher": teacher, "student": student}))
    _, field = program.value_and_grad({"pixels": X, "label": Y}, WEIGHTS)
    program({"pixels": X, "label": Y}, WEIGHTS).total.backward()
    torch.testing.assert_close({n: p.grad for n, p in student.named_parameters()}, field["student"])
    assert all(p.grad is None and p.requires_grad for p in teacher.parameters())


def through_a_frozen_map():
    d = Diagram("Through")
    S, A, B = d.objects("S", "A", "B")
    d.data("x", S, A)
    d.model("f", A, A)
    d.frozen("t", A, B)
    d.data("y", S, B)
    d.goal("fit", "x >> f >> t", "y")
    return d


@pytest.mark.parametrize("flag", [True, False])
def test_gradients_pass_through_frozen_maps_whose_flags_stay(flag):
    f, t = small(4, 4), small(4, 3, seed=1).requires_grad_(flag)
    program = program_of(maps_of(through_a_frozen_map(), {"f": f, "t": t}))
    program({"x": X, "y": torch.zeros(6, 3)}, {"fit": 1.0}).total.backward()
    wanted = torch.autograd.grad(t(f(X)).square().mean(), list(f.parameters()))
    torch.testing.assert_close([p.grad for p in f.parameters()], list(wanted))
    assert all(p.grad is None and p.requires_grad is flag for p in t.parameters())


def test_gradients_pass_through_a_frozen_map_of_several_outputs():
    class Halves(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(4, 3)

        def forward(self, x):
            return self.linear(x), self.linear.bias.expand(len(x), 3)

    d = Diagram("Halves")
    S, A, B = d.objects("S", "A", "B")
    d.data("x", S, A)
    d.model("f", A, A)
    d.frozen("t", A, B * B)
    d.data("y", S, B * B)
    d.goal("fit", "x >> f >> t", "y")
    f, t, y = small(4, 4), Halves(), torch.zeros(6, 3)
    program = program_of(maps_of(d, {"f": f, "t": t}))
    program({"x": X, "y": (y, y)}, {"fit": 1.0}).total.backward()
    wanted = torch.autograd.grad(t(f(X))[0].square().mean() / 2, f[0].weight)[0]
    torch.testing.assert_close(f[0].weight.grad, wanted)
    assert all(p.grad is None for p in t.parameters())


def test_flags_are_put_back_when_a_frozen_map_fails():
    class Broken(nn.Linear):
        def forward(self, x):
            raise RuntimeError("broken")

    t = Broken(4, 3)
    program = program_of(maps_of(through_a_frozen_map(), {"f": small(4, 4), "t": t}))
    with pytest.raises(DiagramError) as error:
        program({"x": X, "y": torch.zeros(6, 3)}, {"fit": 1.0})
    assert str(error.value) == "goal `fit`, at x >> f >> t: `t`: it refuses [4] of float32: broken"
    assert t.weight.requires_grad and t.training


def game():
    """A generator and a judge: each goal moves its own player."""
    d = Diagram("Game")
    S, Z, A, P = d.objects("S", "Z", "A", "P")
    d.data("z", S, Z)
    d.data("real", S, A)
    d.data("one", S, P)
    d.data("zero", S, P)
    d.model("gen", Z, A)
    d.model("judge", A, P)
    d.goal("true", "real >> judge", "one", by="bce", train=["judge"])
    d.goal("fake", "z >> gen >> judge", "zero", by="bce", train=["judge"])
    d.goal("fool", "z >> gen >> judge", "one", by="bce", train=["gen"], weight=0.5)
    return d


def test_in_a_game_each_goal_moves_its_own_models_in_both_ways():
    torch.manual_seed(3)
    gen, judge = small(2, 4), small(4, 8, 1, seed=1)
    z, real, one, zero = torch.randn(5, 2), torch.randn(5, 4), torch.ones(5, 1), torch.zeros(5, 1)
    program = program_of(maps_of(game(), {"gen": gen, "judge": judge}))
    batch = {"z": z, "real": real, "one": one, "zero": zero}
    weights = {"true": 1.0, "fake": 1.0, "fool": 0.5}
    evaluated, field = program.value_and_grad(batch, weights)
    bce = F.binary_cross_entropy_with_logits
    judged = bce(judge(real), one) + bce(judge(gen(z)), zero)
    fooled = bce(judge(gen(z)), one)
    torch.testing.assert_close(evaluated.total, (judged + 0.5 * fooled).detach())
    wanted = torch.autograd.grad(judged, list(judge.parameters()), retain_graph=True)
    torch.testing.assert_close(list(field["judge"].values()), list(wanted))
    wanted = torch.autograd.grad(0.5 * fooled, list(gen.parameters()))
    torch.testing.assert_close(list(field["gen"].values()), list(wanted))
    program(batch, weights).total.backward()
    for name, module in (("gen", gen), ("judge", judge)):
        torch.testing.assert_close({n: p.grad for n, p in module.named_parameters()}, field[name])


class Prototype(nn.Module):
    """Returns its parameter, or a view of it, for every row."""

    def __init__(self, view):
        super().__init__()
        self.value = nn.Parameter(torch.ones(3))
        self.view = view

    def forward(self, x=None):
        if x is None:
            return self.value if not self.view else self.value.view(3)
        return self.value.expand(len(x), 3)


@pytest.mark.parametrize("backend", [None, {"backend": "aot_eager"}])
@pytest.mark.parametrize("view", [False, True])
def test_a_parameter_that_is_a_value_itself_receives_no_gradient_where_it_is_not_moved(view, backend):
    # `p` and `q` are frozen, `r` is another player's; each returns its parameter without computing with it.
    d = Diagram("Prototypes")
    S, A, B = d.objects("S", "A", "B")
    d.data("x", S, A)
    for name, role, dom in (("p", d.frozen, d.unit), ("q", d.frozen, A), ("r", d.model, d.unit)):
        role(name, dom, B)
    d.model("f", A, A)
    d.model("g", A, B)
    d.goal("constant", "x >> g", "x >> drop(A) >> p")
    d.goal("through", "x >> f >> q", "x >> g")
    d.goal("other", "x >> g", "x >> drop(A) >> r", train=["g"])
    realisations = {name: Prototype(view) for name in "pqr"} | {"f": small(4, 4), "g": small(4, 3)}
    maps = TorchBackend(backend).maps(d, realisations, seed=0, dtype="float32", device=None)
    program, weights = program_of(maps), dict.fromkeys(d.goals, 1.0)
    program({"x": X}, weights).total.backward()
    assert all(realisations[name].value.grad is None for name in "pqr")
    assert realisations["g"][0].weight.grad.any()
    _, field = program.value_and_grad({"x": X}, weights)
    assert not field["r"]["value"].any()


def test_outputs_are_copies():
    d = one_map(dom="1")
    maps = maps_of(d, {"f": Prototype(view=False)})
    (value,) = outputs(maps, "f")
    maps.load_parameters({"f": {"value": np.zeros(3)}})
    assert not value.requires_grad and value.tolist() == [[1.0, 1.0, 1.0]] and not value[0].requires_grad


@pytest.mark.parametrize("as_a_method", [False, True])
def test_compiled_by_torch_the_field_is_the_same(as_a_method):
    class Judge(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = small(4, 3, 1, seed=1)

        def forward(self, x):
            return self.net(x)

        def score(self, x):
            return self.net(x)

    gen, judge = small(2, 4), Judge()
    z, real, one, zero = X[:5, :2], X[:5], torch.ones(5, 1), torch.zeros(5, 1)
    batch, weights = {"z": z, "real": real, "one": one, "zero": zero}, {"true": 1.0, "fake": 1.0, "fool": 0.5}

    def field(backend):
        realisations = {"gen": gen, "judge": judge.score if as_a_method else judge}
        maps = backend.maps(game(), realisations, seed=0, dtype="float32", device=None)
        return program_of(maps).value_and_grad(batch, weights)

    plain, compiled = field(TorchBackend()), field(TorchBackend(torch_compile={"backend": "aot_eager"}))
    torch.testing.assert_close(compiled[1], plain[1])
    torch.testing.assert_close(compiled[0].terms, plain[0].terms)
    assert all(p.requires_grad for p in judge.parameters())


def test_stop_stops_one_side():
    d = one_map()
    d.model("g", d.sorts["A"], d.sorts["B"])
    d.goal("still", "x >> f", d["x"] >> stop(d["g"]))
    f, g = small(4, 3), small(4, 3, seed=1)
    _, field = program_of(maps_of(d, {"f": f, "g": g})).value_and_grad({"x": X}, {"still": 1.0})
    assert field["f"]["0.weight"].any() and not field["g"]["0.weight"].any()


def test_goals_that_move_nothing_have_zero_gradients_and_a_backward():
    d = one_map("frozen")
    d.model("idle", d.sorts["A"], d.sorts["B"])
    d.goal("fit", "x >> f", "y")
    program = program_of(maps_of(d, {"f": small(4, 3), "idle": small(4, 3)}))
    batch = {"x": X, "y": torch.zeros(6, 3)}
    _, field = program.value_and_grad(batch, {"fit": 1.0})
    assert set(field) == {"idle"} and not any(gradient.any() for gradient in field["idle"].values())
    program(batch, {"fit": 1.0}).total.backward()
    assert program(batch, {}).total.item() == 0


def test_parameters_that_require_no_gradient_when_compiled_stay():
    d = one_map()
    d.goal("fit", "x >> f", "y")
    f = small(4, 5, 3)
    f[0].requires_grad_(False)
    _, field = program_of(maps_of(d, {"f": f})).value_and_grad({"x": X, "y": torch.zeros(6, 3)}, {"fit": 1.0})
    assert not field["f"]["0.weight"].any() and field["f"]["2.weight"].any()
    assert not f[0].weight.requires_grad
    with pytest.raises(DiagramError) as error:
        maps_of(d, {"f": f.requires_grad_(False)})
    assert "`f` is a model, and none of its parameters requires a gradient; declare it frozen" in str(error.value)
