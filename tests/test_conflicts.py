"""Angles of gradients as a hand computes them, and what nothing moves."""

import numpy as np
import pytest

import learningdiagrams as ld

RNG = np.random.default_rng(0)
X, Y, Z = RNG.standard_normal((20, 4)), RNG.standard_normal((20, 3)), RNG.standard_normal((20, 3))
TEXT = """
object S, X[4], Y[3]
data x : S -> X
data y : S -> Y
data z : S -> Y
model f : X -> Y = linear(4, 3)
model g : X -> Y = linear(4, 3)
model idle : X -> Y = linear(4, 3)
frozen t : X -> Y = linear(4, 3)
goal a : x >> f = y
goal b : x >> f = z weight 3
goal c : x >> g = stop(x >> f)
"""


def test_angles_by_hand(backend):
    c = ld.loads(TEXT).compile(backend, dtype="float64")
    found = c.examine({"x": X, "y": Y, "z": Z}).conflicts
    numbers = {k: np.asarray(c.maps.numpy(v)) for k, v in c.parameters()["f"].items()}
    out = X @ numbers["weight"].T + numbers["bias"]

    def gradient(target: np.ndarray) -> np.ndarray:
        gap = 2 * (out - target) / out.size
        return np.concatenate([(gap.T @ X).ravel(), gap.sum(0)])

    one, other = gradient(Y), 3 * gradient(Z)
    angle = np.degrees(np.arccos(one @ other / np.linalg.norm(one) / np.linalg.norm(other)))
    # `c` moves g alone: it has no model in common with the others.
    assert found.angles == {("a", "b"): pytest.approx(angle)}
    assert found.norms["a"] == pytest.approx(np.linalg.norm(one))
    assert found.norms["b"] == pytest.approx(np.linalg.norm(other))
    assert found.unmoved == {"idle": "no gradient of these goals reaches it"}
    assert "no goal moves the model `idle`: no gradient of these goals reaches it" in str(found)


def test_goals_that_oppose_each_other(backend):
    d = ld.loads(TEXT + "goal away : x >> f = y weight -1\n")
    found = d.compile(backend, dtype="float64").examine({"x": X, "y": Y, "z": Z}).conflicts
    assert found.angles["a", "away"] == pytest.approx(180, abs=1e-4)
    assert next(iter(found.opposed)) == ("a", "away") and "180°" in str(found)
    assert str(found).splitlines()[1].endswith("they oppose each other")


def test_what_nothing_moves(backend):
    more = """
goal fact : x >> t = y
goal still : stop(x >> g) = stop(x >> f)
goal idle2 : x >> g = y weight 0
goal met : x >> dead = drop(S) >> nought
"""
    maps = "fixed nought : 1 -> Y\nmodel dead : X -> Y\n"
    c = ld.loads(TEXT + maps + more).compile(
        backend, {"dead": ld.layers.linear(4, 3), "nought": ld.layers.constant((0.0, 0.0, 0.0))}
    )
    c.load_parameters({"dead": {"weight": np.zeros((3, 4)), "bias": np.zeros(3)}})
    found = c.examine({"x": X, "y": Y, "z": Z}).conflicts
    assert found.unmovable == {
        "fact": "it mentions no model that it may move, or stops all gradients",
        "still": "it mentions no model that it may move, or stops all gradients",
        "idle2": "its weight is 0",
        "met": "its gradient is 0 at these numbers",
    }
    assert found.unmoved == {
        "idle": "no gradient of these goals reaches it",
        "dead": "every gradient is 0 at these numbers",
    }


def test_goals_without_rows_are_left_out_and_pruned_goals_are_no_terms(backend):
    d = ld.loads(TEXT.replace("object S,", "object S, R,") + "data other : R -> X\ngoal e : other >> g = other >> f\n")
    found = d.compile(backend).examine({"x": X, "y": Y, "z": Z}).conflicts
    assert set(found.norms) == {"a", "b", "c"}
    d = ld.loads(TEXT + "goal e : x >> f = x >> g\ngoal h : x >> g = y\n")
    c = d.compile(backend, prune="derivable")
    assert set(c.examine({"x": X, "y": Y, "z": Z}).conflicts.norms) == set(c.pruning.kept)
