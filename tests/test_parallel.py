"""Every two parallel paths agree: what is added, what is left alone, and that few of them generate all."""

import numpy as np
import pytest

import learningdiagrams as ld
from learningdiagrams.errors import DiagramError

TEXT = """
object S, X[4], Y[3]
data x : S -> X
data y : S -> Y
model f : X -> Y = linear(4, 3)
model g : X -> Y = linear(4, 3)
frozen t : X -> Y = linear(4, 3)
map loose : X -> Y
model h : Y -> Y = linear(3, 3)
goal fit : x >> f = y weight 2
"""


def test_what_is_added():
    d = ld.all_parallel(ld.loads(TEXT), 2)
    # `fit` is there, x >> t = y mentions no model, and `loose` has no role.
    assert list(d.goals) == [
        "fit",
        "y_is_x_g",
        "y_is_y_h",
        "x_f_is_x_g",
        "x_f_is_x_t",
        "x_f_is_y_h",
        "x_g_is_x_t",
        "x_g_is_y_h",
        "x_t_is_y_h",
    ]
    assert str(d.goals["x_f_is_y_h"].left) == "x >> f" and str(d.goals["x_f_is_y_h"].right) == "y >> h"
    assert d.goals["fit"].weight == 2 and d.goals["y_is_x_g"].weight == 1


def test_the_diagram_before_is_left_alone_and_one_path_adds_nothing():
    before = ld.loads(TEXT)
    assert ld.all_parallel(before, 1) == before and list(before.goals) == ["fit"]


def test_comparators_for_objects():
    d = ld.all_parallel(ld.loads(TEXT), 2, by={"Y": "l1"})
    assert {str(goal.by) for name, goal in d.goals.items() if name != "fit"} == {"l1"}
    assert str(ld.all_parallel(ld.loads(TEXT), 2, by="huber").goals["y_is_x_g"].by) == "huber"


def test_names_that_are_taken():
    d = ld.all_parallel(ld.loads(TEXT + "measure y_is_x_g : y = x >> g by mse\n"), 2)
    assert "y_is_x_g_2" in d.goals


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"max_length": 0}, "max_length is a whole number ≥ 1"),
        ({"max_length": True}, "max_length is a whole number ≥ 1"),
        ({"max_length": 2, "by": {"Z": "mse"}}, "by: there is no object `Z`"),
        ({"max_length": 3, "limit": 5}, "pairs of parallel paths of at most 3 generators, and limit=5"),
        ({"max_length": 60, "limit": 5}, "limit=5 is the most goals; take shorter paths or a higher limit"),
    ],
)
def test_what_is_refused(arguments, words):
    with pytest.raises(DiagramError) as error:
        ld.all_parallel(ld.loads(TEXT + "model k : Y -> X\n"), **arguments)
    assert words in str(error.value)


def test_n_paths_are_equal_by_n_less_one_goals(backend):
    text = TEXT.replace("frozen t : X -> Y = linear(4, 3)\n", "")
    d = ld.all_parallel(ld.loads(text), 3)
    # y, y >> h, y >> h >> h, x >> f, x >> f >> h, x >> g, x >> g >> h are equal.
    c = d.compile(backend, dtype="float64", prune="derivable")
    assert len(d.goals) == 21
    # By y = y >> h, x >> f = y and x >> g = y.
    assert c.pruning.kept == ("fit", "y_is_x_g", "y_is_y_h")
    rng = np.random.default_rng(0)
    w = rng.standard_normal((3, 4))
    linear = {"weight": w, "bias": np.zeros(3)}
    c.load_parameters({"f": linear, "g": linear, "h": {"weight": np.eye(3), "bias": np.zeros(3)}})
    x = rng.standard_normal((6, 4))
    values = c.evaluate({"x": x, "y": x @ w.T})
    assert len(values) == 21 and max(values.values()) < 1e-20
