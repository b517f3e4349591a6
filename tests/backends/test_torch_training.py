"""Steps of training on PyTorch: updates, optimizers and their state, sessions and randomness."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
nn = torch.nn
F = torch.nn.functional

from learningdiagrams.backends.base import Optimisation  # noqa: E402
from learningdiagrams.backends.torch_training import OPTIMIZERS  # noqa: E402
from learningdiagrams.diagram import Diagram  # noqa: E402
from learningdiagrams.errors import DiagramError  # noqa: E402
from learningdiagrams.plan import make_plan  # noqa: E402
from tests.backends.torch_diagrams import maps_of, module_of, program_of  # noqa: E402

RANDOM = np.random.default_rng(0)
X = torch.from_numpy(RANDOM.normal(size=(8, 4)).astype("float32"))
Y = torch.from_numpy(RANDOM.normal(size=(8, 3)).astype("float32"))
BATCH = {"x": X, "y": Y}


def two_models():
    """f and g are both to give y of x."""
    d = Diagram("Two")
    S, A, B = d.objects("S", "A", "B")
    d.data("x", S, A)
    d.data("y", S, B)
    d.model("f", A, B)
    d.model("g", A, B)
    d.goal("first", "x >> f", "y")
    d.goal("second", "x >> g", "y", weight=2.0)
    return d


WEIGHTS = {"first": 1.0, "second": 2.0}


def linear(seed, bias=True):
    torch.manual_seed(seed)
    return nn.Linear(4, 3, bias=bias)


def train(maps, steps=5, program=None, moved=("f", "g"), factor=1.0, **how):
    program = program or program_of(maps)
    trainer = program.trainer(Optimisation(**how), moved)
    losses = [trainer.step(program, BATCH, WEIGHTS, step, factor) for step in range(steps)]
    return trainer, losses


def train_by_hand(f, g, optimizer, steps=5, clip=None):
    for _ in range(steps):
        optimizer.zero_grad()
        (F.mse_loss(f(X), Y) + 2 * F.mse_loss(g(X), Y)).backward()
        if clip:
            nn.utils.clip_grad_norm_([*f.parameters(), *g.parameters()], clip)
        optimizer.step()


def same(one, two):
    return all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))


BY_HAND = {
    "sgd": torch.optim.SGD,
    "momentum": lambda parameters: torch.optim.SGD(parameters, momentum=0.9),
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "rmsprop": torch.optim.RMSprop,
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_named_optimizers_are_torch_s_own_to_the_last_bit(name):
    f, g, f2, g2 = linear(0), linear(1), linear(0), linear(1)
    _, losses = train(maps_of(two_models(), {"f": f, "g": g}), optimizer=name)
    train_by_hand(f2, g2, BY_HAND[name]([*f2.parameters(), *g2.parameters()]))
    assert same(f, f2) and same(g, g2)
    assert not losses[0].total.requires_grad and not losses[0].terms["first"].requires_grad
    assert losses[-1].total < losses[0].total
    assert all(p.grad is None for p in f.parameters()), "gradients are gone after the step"


def test_rates_for_single_models_and_a_factor_at_each_step():
    f, g, f2, g2 = linear(0), linear(1), linear(0), linear(1)
    maps = maps_of(two_models(), {"f": f, "g": g})
    train(maps, optimizer="momentum", lr=0.1, rates={"g": 0.02}, factor=0.5)
    groups = [{"params": [*f2.parameters()], "lr": 0.05}, {"params": [*g2.parameters()], "lr": 0.01}]
    train_by_hand(f2, g2, torch.optim.SGD(groups, momentum=0.9))
    assert same(f, f2) and same(g, g2)


def test_a_rate_of_one_model_leaves_the_others_their_default():
    maps = maps_of(two_models(), {"f": linear(0), "g": linear(1)})
    trainer, _ = train(maps, steps=1, optimizer="adam", rates={"g": 0.5})
    assert [group["lr"] for group in trainer._groups()] == [1e-3, 0.5]


def test_clipping_by_the_norm_of_the_whole_gradient():
    f, g, f2, g2 = linear(0), linear(1), linear(0), linear(1)
    train(maps_of(two_models(), {"f": f, "g": g}), optimizer="sgd", lr=1.0, clip=0.1)
    train_by_hand(f2, g2, torch.optim.SGD([*f2.parameters(), *g2.parameters()], lr=1.0), clip=0.1)
    assert same(f, f2) and same(g, g2)


def test_an_optimizer_s_factory():
    f, g, f2, g2 = linear(0), linear(1), linear(0), linear(1)
    maps = maps_of(two_models(), {"f": f, "g": g})
    train(maps, optimizer=lambda groups: torch.optim.Adam(groups, betas=(0.5, 0.9)), lr=0.01)
    parameters = [*f2.parameters(), *g2.parameters()]
    train_by_hand(f2, g2, torch.optim.Adam(parameters, lr=0.01, betas=(0.5, 0.9)))
    assert same(f, f2) and same(g, g2)


@pytest.mark.parametrize(
    ("optimizer", "said"),
    [
        ("adma", "there is no optimizer `adma`; did you mean `adam`?; an optimizer is one of sgd, momentum,"),
        (3, "3 is no optimizer; an optimizer is one of"),
        (
            torch.optim.SGD([torch.zeros(1)]),
            "this SGD has its parameters already, and each stage starts afresh",
        ),
        (list, "<class 'list'> gave a list and no torch optimizer"),
    ],
)
def test_what_is_no_optimizer_is_refused(optimizer, said):
    program = program_of(maps_of(two_models(), {"f": linear(0), "g": linear(1)}))
    with pytest.raises(DiagramError) as error:
        program.trainer(Optimisation(optimizer=optimizer), ["f"])
    assert str(error.value).startswith(said)


def test_only_the_models_named_move():
    f, g = linear(0), linear(1)
    maps = maps_of(two_models(), {"f": f, "g": g})
    train(maps, program=program_of(maps, moves=["f"]), moved=["f"])
    assert not same(f, linear(0)) and same(g, linear(1)) and all(p.grad is None for p in g.parameters())


def test_a_moved_model_that_no_goal_reaches_has_gradient_zero():
    f, g = linear(0), linear(1)
    maps = maps_of(two_models(), {"f": f, "g": g})
    both = program_of(maps)
    trainer, _ = train(maps, steps=1, program=both, optimizer="momentum", lr=0.1)
    velocity = trainer.state()["g.weight:momentum_buffer"].copy()
    before = g.weight.detach().clone()
    only_first = maps.program(make_plan(maps.diagram, [maps.diagram.goals["first"]]))
    trainer.step(only_first, BATCH, WEIGHTS, 1, 1.0)
    np.testing.assert_allclose(trainer.state()["g.weight:momentum_buffer"], 0.9 * velocity)
    torch.testing.assert_close(g.weight.detach(), before - 0.1 * 0.9 * torch.from_numpy(velocity))


def test_nothing_to_move_is_a_step_that_only_computes():
    maps = maps_of(two_models(), {"f": torch.nn.functional.relu, "g": lambda x: x})
    program = maps.program(make_plan(maps.diagram, maps.diagram.goals.values()))
    trainer = program.trainer(Optimisation(), ["f", "g"])
    y = torch.zeros(8, 4)
    out = trainer.step(program, {"x": X, "y": y}, WEIGHTS, 0, 1.0)
    torch.testing.assert_close(out.terms["first"], X.relu().square().mean())
    assert trainer.state() == {}
    trainer.load_state({})


def test_tied_parameters_are_updated_once():
    f = linear(0)
    f2 = linear(0)
    train(maps_of(two_models(), {"f": f, "g": f}), optimizer="adam")
    train_by_hand(f2, f2, torch.optim.Adam(f2.parameters()))
    assert same(f, f2)


def test_frozen_maps_and_their_gradients_stay_untouched():
    d = two_models()
    d.frozen("t", d.sorts["B"], d.sorts["B"])
    d.goal("through", "x >> f >> t", "y")
    t = nn.Linear(3, 3)
    before = [p.detach().clone() for p in t.parameters()]
    t.weight.grad = torch.ones(3, 3)
    maps = maps_of(d, {"f": linear(0), "g": linear(1), "t": t})
    train(maps)
    assert all(torch.equal(a, b) for a, b in zip(before, t.parameters(), strict=True))
    assert (t.weight.grad == 1).all() and t.bias.grad is None and t.weight.requires_grad and t.training


@pytest.mark.parametrize("name", [*OPTIMIZERS, "nadam", "int step"])
def test_the_state_goes_out_and_in_to_the_last_bit(name):
    class Counts(torch.optim.SGD):
        """Keeps a whole number, a real one, a truth value and nothing beside its tensors."""

        def step(self, closure=None):
            for group in self.param_groups:
                for p in group["params"]:
                    state = self.state[p]
                    state["step"] = state.get("step", 0) + 1
                    state |= {"size": 0.5 / state["step"], "started": True, "none": None}
                    p.grad.mul_(state["size"])
            super().step()

    optimizer = {"nadam": torch.optim.NAdam, "int step": lambda g: Counts(g, momentum=0.5)}.get(name, name)
    f, g = linear(0), linear(1)
    maps = maps_of(two_models(), {"f": f, "g": g})
    program = program_of(maps)
    trainer, _ = train(maps, program=program, optimizer=optimizer, lr=0.01)
    state = {key: value.copy() for key, value in trainer.state().items()}
    assert all(isinstance(value, np.ndarray) for value in state.values())
    numbers = maps.parameters()

    other = maps_of(two_models(), {"f": linear(8), "g": linear(9)})
    other.load_parameters(numbers)
    program2 = program_of(other)
    resumed = program2.trainer(Optimisation(optimizer, lr=0.01), ["f", "g"])
    resumed.load_state(state)
    for step in range(5, 10):
        trainer.step(program, BATCH, WEIGHTS, step, 1.0)
        resumed.step(program2, BATCH, WEIGHTS, step, 1.0)
    assert same(f, module_of(other, "f")) and same(g, module_of(other, "g"))
    after = resumed.state()
    assert {k: v.tolist() for k, v in trainer.state().items()} == {k: v.tolist() for k, v in after.items()}
    assert state.keys() == after.keys()


def test_the_state_names_parameters_and_is_a_copy():
    maps = maps_of(two_models(), {"f": linear(0), "g": linear(1, bias=False)})
    trainer, _ = train(maps, steps=1)
    state = trainer.state()
    assert set(state) == {
        f"{name}:{entry}" for name in ("f.weight", "f.bias", "g.weight") for entry in ("step", "exp_avg", "exp_avg_sq")
    }
    moment = state["f.weight:exp_avg"]
    before = moment.copy()
    trainer.load_state(state)
    train_more = trainer.step(program_of(maps), BATCH, WEIGHTS, 1, 1.0)
    assert train_more.total.isfinite() and (moment == before).all()
    with pytest.raises(DiagramError, match=r"names the parameter `h\.weight`, which does not move here"):
        trainer.load_state({"h.weight:step": np.zeros(())})


def test_an_optimizer_whose_state_is_no_array_says_so():
    class Remembers(torch.optim.SGD):
        def step(self, closure=None):
            super().step()
            self.state[self.param_groups[0]["params"][0]]["history"] = [1, 2]

    maps = maps_of(two_models(), {"f": linear(0), "g": linear(1)})
    trainer, _ = train(maps, steps=1, optimizer=Remembers)
    with pytest.raises(DiagramError, match=r"Remembers keeps a list as f\.weight:history"):
        trainer.state()


# Sessions ---------------------------------------------------------------------------------------------------


class Noisy(nn.Module):
    """A linear map of dropped-out inputs, which remembers its modes."""

    def __init__(self, seed=0):
        super().__init__()
        self.linear = linear(seed)
        self.drop = nn.Dropout(0.5)
        self.switches = 0

    def train(self, mode=True):
        self.switches += 1
        return super().train(mode)

    def forward(self, x):
        return self.linear(self.drop(x))


def noisy():
    maps = maps_of(two_models(), {"f": Noisy(0), "g": Noisy(1)})
    program = program_of(maps)
    return maps, program, program.trainer(Optimisation("sgd", lr=0.1), ["f", "g"])


def test_a_session_keeps_the_modes_and_puts_them_back():
    maps, program, trainer = noisy()
    f = module_of(maps, "f")
    f.eval()
    f.switches = 0
    with maps.session(0):
        for step in range(5):
            trainer.step(program, BATCH, WEIGHTS, step, 1.0)
        assert f.training and f.drop.training and f.switches == 1
        program(BATCH, WEIGHTS)
        assert not f.training and f.switches == 2, "between steps something was evaluated"
        trainer.step(program, BATCH, WEIGHTS, 5, 1.0)
        assert f.training
    assert not f.training and not f.drop.training


def test_someone_who_switches_the_mode_in_a_session_does_not_spoil_the_next_step():
    maps, program, trainer = noisy()
    with maps.session(0):
        trainer.step(program, BATCH, WEIGHTS, 0, 1.0)
        module_of(maps, "f").eval()
        trainer.step(program, BATCH, WEIGHTS, 1, 1.0)
        assert module_of(maps, "f").training


def test_a_session_seeds_torch_and_puts_its_state_back():
    def run(seed):
        maps, program, trainer = noisy()
        torch.manual_seed(123)
        with maps.session(seed):
            for step in range(3):
                trainer.step(program, BATCH, WEIGHTS, step, 1.0)
        return maps.parameters(), torch.rand(1).item()

    torch.manual_seed(123)
    expected = torch.rand(1).item()
    (first, after), (again, _), (other, _) = run(1), run(1), run(2)
    assert after == expected
    assert torch.equal(first["f"]["linear.weight"], again["f"]["linear.weight"])
    assert not torch.equal(first["f"]["linear.weight"], other["f"]["linear.weight"])


def test_a_session_ends_well_after_an_error():
    maps, program, trainer = noisy()
    module_of(maps, "f").eval()
    state = torch.get_rng_state()
    with pytest.raises(DiagramError), maps.session(0):
        trainer.step(program, {"x": torch.zeros(2, 9), "y": Y[:2]}, WEIGHTS, 0, 1.0)
    assert torch.equal(torch.get_rng_state(), state) and not module_of(maps, "f").training


def test_training_resumes_to_the_last_bit_with_dropout():
    maps, program, trainer = noisy()
    with maps.session(7):
        for step in range(3):
            trainer.step(program, BATCH, WEIGHTS, step, 1.0)
        kept = (maps.parameters(), trainer.state(), maps.random_state())
        for step in range(3, 6):
            trainer.step(program, BATCH, WEIGHTS, step, 1.0)
        whole = maps.parameters()

    maps, program, trainer = noisy()
    with maps.session(99):
        maps.load_parameters(kept[0])
        trainer.load_state(kept[1])
        maps.load_random_state(kept[2])
        for step in range(3, 6):
            trainer.step(program, BATCH, WEIGHTS, step, 1.0)
    torch.testing.assert_close(maps.parameters(), whole, rtol=0, atol=0)
