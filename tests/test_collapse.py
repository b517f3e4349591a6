"""Constants that meet all goals are found before training, and they do meet them."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import learningdiagrams as ld
from learningdiagrams import regimes
from learningdiagrams.collapse import collapses
from learningdiagrams.diagram import Diagram, stop

BASE = """
object S, X[4], Z[3], P[2]
data x : S -> X
data y : S -> X
data label : S -> Z
data class : S -> P
model f : X -> Z
model g : X -> Z
model h : Z -> Z
model dec : Z -> X
model two : X * Z -> Z
model c : 1 -> Z
model logits : X -> P
model e : X -> Z = ema(f, decay=0.9)
frozen t : X -> Z
frozen k : Z -> Z
frozen q : Z -> P
fixed one : 1 -> Z
fixed zero : 1 -> Z
"""


def constants(goals: str) -> list[dict[str, str]]:
    return [dict(found.constants) for found in collapses(ld.loads(BASE + goals))]


@pytest.mark.parametrize(
    ("goals", "wanted"),
    [
        # Agreement only.
        ("goal a : x >> f = y >> g", [{"f": "c1", "g": "c1"}]),
        ("goal a : x >> f >> h = stop(y >> f) by cosine", [{"f": "c1", "h": "c1"}]),
        ("goal a : x >> f = y >> e", [{"f": "c1"}]),
        ("goal a : x >> f = y >> f >> k", []),
        ("goal a : x >> f = y >> g >> k", [{"f": "k(c1)", "g": "c1"}]),
        ("goal a : x >> f = drop(S) >> c", [{"f": "c"}]),
        ("goal a : x >> f = drop(S) >> one", [{"f": "one"}]),
        ("goal a : x >> f = drop(S) >> one\\ngoal b : y >> f = drop(S) >> zero", []),
        ("goal a : (x & y >> g) >> two = y >> f", [{"f": "c1", "g": "c2", "two": "c1"}]),
        # Two groups that have nothing to do with each other.
        ("goal a : x >> f = y >> f\\ngoal b : x >> logits = y >> logits", [{"f": "c1"}, {"logits": "c1"}]),
        # Compared with data.
        ("goal a : x >> f = label", []),
        ("goal a : x >> f = x >> t", []),
        ("goal a : x >> f = label\\ngoal b : x >> f = x >> g", []),
        ("goal a : x >> f = label\\ngoal b : x >> f >> h = x >> g", [{"g": "c1", "h": "c1"}]),
        ("goal a : x >> logits = class by cross_entropy", []),
        ("goal a : x >> logits = x >> f >> q by cross_entropy", [{"f": "c1", "logits": "logits of q(c1)"}]),
        # Decoded back, contrasted, pushed apart.
        ("goal a : x >> f >> dec = x\\ngoal b : x >> f = y >> f", []),
        ("goal a : x >> f = y >> f by info_nce", []),
        ("goal a : x >> f = y >> f\\ngoal b : x >> f = y >> g by info_nce", []),
        ("goal a : x >> f = y >> f weight -1", []),
        ("goal a : x >> f = y >> f\\ngoal b : x >> f = label weight 0", [{"f": "c1"}]),
        # Sampled along data, and without any.
        ("goal a : f = g on x, y", [{"f": "c1", "g": "c1"}]),
        ("goal a : f = t on x", []),
        ("goal a : c = one", []),
        ("goal a : f >> dec = id(X) on x", []),
        ("", []),
    ],
)
def test_which_constants(goals, wanted):
    assert constants(goals.replace("\\n", "\n")) == wanted


def test_a_function_as_comparator_hides_a_collapse():
    d = ld.loads(BASE)
    d.goal("a", "x >> f", "y >> f", by=lambda a, b: ((a - b) ** 2).mean())
    assert collapses(d) == ()


def test_what_it_says():
    d = ld.loads(BASE + "goal a : x >> f >> h = stop(y >> f) by cosine")
    (line,) = [line for line in str(d.check()).splitlines() if line.startswith("collapse:")]
    assert line == (
        "collapse: constant maps meet goals: with f = c1, h = c1 for every input, `a` is met (stopped gradients in `a` "
        "remove no solution; they only keep descent from sliding there); to prevent it, contrast: compare "
        "`x >> f >> h` and `y >> f` by info_nce; or reconstruct: add a model `decoder : Z -> X` and compare "
        "`x >> f >> decoder` with `x`; or supervise: compare `x >> f` with the data `label`"
    )


@pytest.mark.parametrize("number", [0, 1, 2])
def test_each_remedy_prevents_it(number):
    d = ld.loads(BASE + "goal a : x >> f >> h = stop(y >> f) by cosine")
    if number == 0:
        d.goal("cure", "x >> f >> h", "y >> f", by="info_nce")
    elif number == 1:
        d.goal("cure", "x >> f >> dec", "x")
    else:
        d.goal("cure", "x >> f", "label")
    # The map that the new goal is about cannot be constant any more.
    assert all("f" not in found.constants for found in collapses(d))
    assert [dict(found.constants) for found in collapses(d)] == []


@pytest.mark.parametrize(
    ("name", "collapsing"),
    [("simsiam", True), ("autoencoder", False), ("clip", False), ("cyclegan", False), ("distillation", False)],
)
def test_the_gallery(name, collapsing):
    d = ld.load(Path(regimes.__file__).parent / f"{name}.diagram")
    assert bool(collapses(d)) is collapsing
    assert all(found.stops for found in collapses(d))


def test_a_thousand_models_in_a_row():
    d = Diagram("Deep")
    S, A = d.objects("S", "A")
    x, y = d.data("x", S, A), d.data("y", S, A)
    path = x
    for i in range(1000):
        path = path >> d.model(f"m{i}", A, A)
    d.goal("agree", path, y >> d["m0"])
    (found,) = collapses(d)
    assert len(found.constants) == 1000 and len(str(found)) < 1500
    assert "m7 = c8, … for every input" in str(found)
    d.goal("back", path, x)
    assert collapses(d) == ()


@st.composite
def diagrams(draw: st.DrawFn) -> Diagram:
    d = Diagram("Random")
    S = d.object("S")
    A, B = d.object("A", shape=(3,)), d.object("B", shape=(3,))
    paths = [d.data("x", S, A), d.data("y", S, B)]
    maps = [d.model("f", A, B), d.model("g", A, B), d.model("h", B, A), d.model("k", B, B), d.frozen("t", A, B)]
    maps += [d.frozen("s", B, A)]
    for _ in range(2):
        paths += [p >> m for p in paths for m in maps if m.dom is p.cod]
    paths = list(dict.fromkeys(paths))
    paths.append(d["x"] >> d.ema("e", of="f"))
    for i in range(draw(st.integers(1, 5))):
        left = draw(st.sampled_from(paths))
        right = draw(st.sampled_from([p for p in paths if p.cod is left.cod]))
        right = stop(right) if draw(st.booleans()) else right
        d.goal(f"goal{i}", left, right, by=draw(st.sampled_from(["mse", "l1", "kl", "cosine", "info_nce"])))
    return d


def assigned(found, tables) -> dict[str, np.ndarray]:
    """Numbers for what a collapse says, free names by chance; frozen maps are matrices."""
    free: dict[str, np.ndarray] = {}
    rng = np.random.default_rng(1)

    def value(word: str) -> np.ndarray:
        head, bracket, rest = word.partition("(")
        if bracket:
            return np.tanh(value(rest[:-1]) @ tables[head].T)
        return free.setdefault(word, rng.standard_normal(3))

    return {name: value(word) for name, word in found.constants.items()}


@settings(max_examples=60)
@given(diagrams())
def test_the_constants_meet_the_goals(d):
    """Computed by hand in NumPy: what is claimed to be met is, whatever the other maps are."""
    rng = np.random.default_rng(2)
    tables = {name: rng.standard_normal((3, 3)) for name in ("t", "s", "f", "g", "h", "k")}
    data = {"x": rng.standard_normal((5, 3)), "y": rng.standard_normal((5, 3))}
    for found in collapses(d):
        fixed = assigned(found, tables)

        def apply(name: str, value: np.ndarray, fixed=fixed) -> np.ndarray:
            name = "f" if name == "e" else name
            return np.broadcast_to(fixed[name], (5, 3)) if name in fixed else np.tanh(value @ tables[name].T)

        for goal in (d.goals[name] for name in found.goals):
            sides = []
            for side in (goal.left, goal.right):
                names = str(side).replace("stop(", "").replace(")", "").split(" >> ")
                value = data[names[0]]
                for name in names[1:]:
                    value = apply(name, value)
                sides.append(value)
            np.testing.assert_allclose(*sides, rtol=1e-12)


def test_the_loss_of_a_collapsed_siamese_pair_is_zero(backend):
    d = ld.loads(
        BASE.replace("Z -> Z\n", "Z -> Z = linear(3, 3)\n", 1).replace("f : X -> Z", "f : X -> Z = linear(4, 3)")
        + "goal a : x >> f >> h = stop(y >> f) by cosine\ngoal b : x >> f >> h = y >> f"
    )
    (found,) = collapses(d)
    assert dict(found.constants) == {"f": "c1", "h": "c1"}
    c = d.compile(backend, dtype="float64")
    v = np.array([1.0, -2.0, 0.5])
    c.load_parameters({"f": {"weight": np.zeros((3, 4)), "bias": v}, "h": {"weight": np.zeros((3, 3)), "bias": v}})
    rng = np.random.default_rng(0)
    out = c.loss({"x": rng.standard_normal((6, 4)), "y": rng.standard_normal((6, 4))})
    assert abs(float(c.maps.numpy(out.total))) < 1e-12
