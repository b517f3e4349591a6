"""A plan as straight-line code: what is written, and what is checked when it runs."""

from types import SimpleNamespace

import numpy as np
import pytest

from learningdiagrams.backends.straight_line import source, straight_line, title
from learningdiagrams.diagram import Diagram, stop
from learningdiagrams.errors import DiagramError
from learningdiagrams.plan import make_plan, plan_morphism


class Numbers:
    """Operations on NumPy arrays; maps are functions of (state, *arguments), comparators mean differences."""

    def __init__(self, **maps):
        self.maps = maps
        self.wheres = []

    def apply(self, step):
        return self.maps[step.generator]

    def lift(self, value):
        return value[None]

    def expand(self, value, like):
        return np.repeat(value, len(like), axis=0)

    def stop(self, value):
        return value.copy()

    def is_array(self, value):
        return isinstance(value, np.ndarray)

    def compare(self, compare, where):
        self.wheres.append(where)
        return lambda left, right: float(np.mean(left - right))


@pytest.fixture
def d():
    d = Diagram("Small")
    S, A, B = d.objects("S", "A", "B")
    d.data("x", S, A)
    d.data("y", S, B)
    d.model("f", A, B)
    d.model("g", A, B)
    d.model("c", d.unit, B)
    d.model("two", A * B, B * A)
    return SimpleNamespace(diagram=d, S=S, A=A, B=B)


def run(plan, operations, batch, state=None):
    return straight_line(plan, operations)(batch, state)


def test_values_are_forgotten_after_their_last_use_but_for_those_returned(d):
    chain = Diagram("Chain")
    S, A = chain.objects("S", "A")
    chain.data("x", S, A)
    chain.model("f", A, A)
    plan = plan_morphism(chain, chain.parse("x >> f >> f"))
    assert source(plan).splitlines() == [
        "def run(batch, state):",
        '    v0 = batch["x"]',
        "    v1 = f1(state, v0)  # f",
        "    del v0",
        "    v2 = f2(state, v1)  # f",
        "    return (), (v2,)",
    ]


def test_a_value_that_is_both_used_and_wanted_is_kept(d):
    plan = plan_morphism(d.diagram, d.diagram.parse("f & (f & f >> id(B))"))
    _, outputs = run(plan, Numbers(f=lambda state, x: x + 1), {"0": np.zeros(2)})
    assert len(outputs) == 3 and all((each == 1).all() for each in outputs)


def test_several_on_and_factors_are_averaged(d):
    diagram = d.diagram
    diagram.data("x2", d.S, d.A)
    diagram.data("ab", d.S, d.A * d.B)
    diagram.goal("both", diagram["f"], diagram["g"], on=["x", "x2"])
    plan = make_plan(diagram, diagram.goals.values())
    maps = Numbers(f=lambda state, x: x, g=lambda state, x: 0 * x)
    assert run(plan, maps, {"x": np.full(3, 1.0), "x2": np.full(3, 5.0)}) == ((3.0,), ())
    assert maps.wheres == ["goal `both` (f = g on x)", "goal `both` (f = g on x2)"]

    diagram.goal("pair", "ab", "x & y")
    plan = make_plan(diagram, [diagram.goals["pair"]])
    batch = {"ab": (np.full(2, 4.0), np.full(2, 8.0)), "x": np.zeros(2), "y": np.zeros(2)}
    assert run(plan, Numbers(), batch) == ((6.0,), ())


def test_the_state_reaches_the_maps_untouched(d):
    state = object()
    seen = []
    plan = plan_morphism(d.diagram, d.diagram["f"])
    run(plan, Numbers(f=lambda state, x: seen.append(state) or x), {"0": np.zeros(1)}, state)
    assert seen == [state]


def test_a_map_out_of_1_gets_a_batch_axis_and_is_repeated(d):
    d.diagram.goal("constant", "x >> drop(A) >> c", "y")
    plan = make_plan(d.diagram, d.diagram.goals.values())
    assert "expand(" in source(plan)
    seen = []
    maps = Numbers(c=lambda state: np.array([7.0, 9.0]))
    maps.compare = lambda compare, where: lambda left, right: seen.append(left.shape) or 0.0
    run(plan, maps, {"x": np.zeros((3, 5)), "y": np.zeros((3, 2))})
    assert seen == [(3, 2)]


def test_a_map_out_of_1_into_a_product(d):
    d.diagram.model("start", d.diagram.unit, d.A * d.B)
    plan = plan_morphism(d.diagram, d.diagram["start"])
    _, (a, b) = run(plan, Numbers(start=lambda state: (np.zeros(2), np.zeros(3))), {})
    assert (a.shape, b.shape) == ((1, 2), (1, 3))


def test_stop_is_asked_of_the_backend(d):
    diagram = d.diagram
    diagram.goal("still", "x >> f", diagram["x"] >> stop(diagram["f"]), by="mse")
    plan = make_plan(diagram, diagram.goals.values(), keep_equal=True)
    assert "stop(" in source(plan)
    maps = Numbers(f=lambda state, x: x)
    maps.stop = lambda value: value - 2.0
    assert run(plan, maps, {"x": np.zeros(4)}) == ((2.0,), ())


ARRAY = np.zeros(2)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (ARRAY, "one array"),
        ((ARRAY,), "a tuple of 1 arrays"),
        ((ARRAY, ARRAY, ARRAY), "a tuple of 3 arrays"),
        ((ARRAY, (ARRAY, ARRAY)), "a tuple of (array, tuple)"),
        (None, "`None`"),
        ({"logits": ARRAY}, "a dict"),
        (3, "an int"),
    ],
)
def test_what_a_map_returns_is_checked_against_a_product(d, value, said):
    plan = plan_morphism(d.diagram, d.diagram["two"])
    with pytest.raises(DiagramError) as error:
        run(plan, Numbers(two=lambda state, a, b: value), {"0": ARRAY, "1": ARRAY})
    assert str(error.value) == f"`two` : A * B -> B * A is to return a tuple of 2 arrays, and it returned {said}"


@pytest.mark.parametrize("pair", [(ARRAY, ARRAY), [ARRAY, ARRAY]])
def test_a_list_will_do_for_a_tuple(d, pair):
    plan = plan_morphism(d.diagram, d.diagram["two"])
    _, outputs = run(plan, Numbers(two=lambda state, a, b: pair), {"0": ARRAY, "1": ARRAY})
    assert isinstance(outputs, tuple) and len(outputs) == 2


def test_what_a_map_returns_is_checked_against_one_object(d):
    plan = plan_morphism(d.diagram, d.diagram["f"])
    with pytest.raises(DiagramError) as error:
        run(plan, Numbers(f=lambda state, x: (x, x)), {"0": ARRAY})
    assert str(error.value) == "`f` : A -> B is to return one array, and it returned a tuple of 2 arrays"
    _, outputs = run(plan, Numbers(f=lambda state, x: (x,)), {"0": ARRAY})
    assert outputs[0] is ARRAY


def test_an_error_inside_a_map_says_which_map_it_was(d):
    class Full(RuntimeError):
        pass

    def broken(error):
        def f(state, x):
            raise error

        return Numbers(f=f)

    plan = plan_morphism(d.diagram, d.diagram["f"])
    with pytest.raises(Full, match="no memory") as error:
        run(plan, broken(Full("no memory")), {"0": ARRAY})
    assert error.value.__notes__ == ["in `f` : A -> B"]
    with pytest.raises(DiagramError) as error:
        run(plan, broken(RuntimeError("sizes differ")), {"0": np.zeros((2, 3))})
    assert str(error.value) == "at f: `f`: it refuses [3] of float64: sizes differ"
    assert error.value.problems[0].name == "f" and str(error.value.__cause__) == "sizes differ"


def test_titles_of_measures_and_laws(d):
    d.diagram.measure("m", "x >> f", "y")
    d.diagram.law("f", "g", name="same")
    plan = plan_morphism(d.diagram, d.diagram["f"])
    assert title(plan, "m") == "measure `m` (x >> f = y)"
    assert title(plan, "same") == "law `same` (f = g)"


def test_a_generator_may_have_any_name(d):
    odd = Diagram("Odd")
    S, A = odd.objects("S", "A")
    odd.data("batch", S, A)
    odd.model("lambda", A, A)
    odd.model("run", A, A)
    odd.model("v0", A, A)
    plan = plan_morphism(odd, odd["batch"] >> odd["lambda"] >> odd["run"] >> odd["v0"])
    one = {name: (lambda state, x: x + 1) for name in ("lambda", "run", "v0")}
    _, (value,) = run(plan, Numbers(**one), {"batch": np.zeros(1)})
    assert value == 3


def test_ten_thousand_steps_are_no_trouble():
    long = Diagram("Long")
    S, A = long.objects("S", "A")
    path = long.data("x", S, A)
    f = long.model("f", A, A)
    for _ in range(10_000):
        path = path >> f
    plan = plan_morphism(long, path)
    _, (value,) = run(plan, Numbers(f=lambda state, x: x + 1), {"x": np.zeros(1)})
    assert value == 10_000


def test_what_gradients_never_reach_is_computed_first_and_models_keep_their_order():
    """So that what a frozen map needs on the way is free before anything is kept for gradients."""
    d = Diagram("Order")
    S, A, B = d.objects("S", "A", "B")
    x, f, g, t = d.data("x", S, A), d.model("f", A, B), d.model("g", A, B), d.frozen("t", A, B)
    after = d.frozen("after", B, B)
    d.goal("one", x >> f, stop(x >> g))
    d.goal("two", x >> f >> after, x >> t >> after)
    called = [line.split("# ")[1] for line in source(make_plan(d, d.goals.values())).splitlines() if "(state" in line]
    assert called == ["t", "after", "f", "g", "after"]
    still = source(make_plan(d, d.goals.values(), moves=()))
    assert [line.split("# ")[1] for line in still.splitlines() if "(state" in line] == ["f", "g", "after", "t", "after"]
