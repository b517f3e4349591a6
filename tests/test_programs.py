"""Plans by what a batch holds, and what is asked of them at every step."""

import pytest

from learningdiagrams.diagram import Diagram
from learningdiagrams.plan import make_plan
from learningdiagrams.training.programs import Programs, first_use, noise_alone, plan_for, samples_of, weights_at
from tests.recording_backend import RecordingMaps


def diagram() -> Diagram:
    d = Diagram()
    S, T, Z, A = d.objects("S", "T", "Z", "A")
    x, y, z = d.data("x", S, A), d.data("y", T, A), d.noise("z", Z, A, "normal(2)")
    d.noise("w", S, A, "shuffle(x)")
    f, g, k = d.model("f", A, A), d.model("g", A, A), d.model("k", d.unit, A)
    d.goal("one", x >> f, d["w"], weight="linear(0, 1, steps=4)")
    d.goal("both", f, g, on=[x, y], weight=2)
    d.goal("noisy", z >> g, z)
    d.goal("free", k, k >> g)
    d.law(f >> g, g >> f, name="commute")
    d.measure("score", y >> g, y)
    return d


def test_the_sample_objects_of_an_equation():
    d = diagram()
    found = {name: samples_of(goal) for name, goal in d.goals.items()}
    assert found == {"one": {"S"}, "both": {"S", "T"}, "noisy": {"Z"}, "free": set()}
    law = d.laws["commute"]
    assert samples_of(law) == {"A"} and samples_of(law, [d["x"], d["y"]]) == {"S", "T"}
    assert noise_alone(d) == {"Z"}


@pytest.mark.parametrize(
    ("present", "goals"),
    [("S", ["one", "free"]), ("ST", ["one", "both", "free"]), ("Z", ["noisy", "free"]), ("", ["free"])],
)
def test_a_plan_has_the_goals_whose_sample_objects_are_present(present, goals):
    assert [compare.name for compare in plan_for(diagram(), set(present)).compares] == goals


def test_a_plan_of_some_goals_that_move_some_models():
    plan = plan_for(diagram(), {"S", "T"}, goals=["both", "free"], moves=["g"])
    assert [compare.name for compare in plan.compares] == ["both", "free"] and plan.moved == ("g",)


def test_weights_at_a_step():
    d = diagram()
    assert weights_at(d, plan_for(d, {"S", "T"}), 1) == {"one": 0.25, "both": 2.0, "free": 1.0}


def test_the_first_use_of_data():
    d = diagram()
    plan = plan_for(d, {"S", "T"})
    assert first_use(plan, "x") == first_use(plan, "w") == "goal `one`" and first_use(plan, "y") == "goal `both`"
    assert first_use(plan, "z") == "the plan"
    assert first_use(make_plan(d, d.measures.values()), "y") == "measure `score`"


def test_programs_are_made_once_for_each_kind_of_batch():
    d = diagram()
    maps = RecordingMaps(d)
    programs = Programs(maps, d, ["one", "noisy"], d.models)
    ready = programs.at({"S", "T"})
    assert ready is programs.at({"S"}) and len(maps.log.programs) == 1
    assert ready.inputs == {"x"} and ready.noise == {"w", "z"}
    assert ready.samples == {"one": ("S",), "noisy": ("Z",)}
    assert programs.at(()).samples == {"noisy": ("Z",)} and len(maps.log.programs) == 2
