"""Declared shapes, unified through a plan before any data."""

import numpy as np
import pytest

import learningdiagrams as ld
from learningdiagrams.declarations import Space
from learningdiagrams.errors import DiagramError
from learningdiagrams.plan import make_plan
from learningdiagrams.shapes import Abstract, Bindings, check_plan, layer_shapes


def diagram(student="mlp(64, 32, 10)", logits=(10,), teacher="mlp(64, 10)"):
    d = ld.Diagram("shapes")
    d.object("S")
    d.object("X", (64,))
    d.object("Y", logits)
    d.data("x", d["S"], d["X"])
    d.data("y", d["S"], d["Y"])
    d.model("student", d["X"], d["Y"], student)
    d.frozen("teacher", d["X"], d["Y"], teacher)
    d.goal("hard", d["x"] >> d["student"], d["y"], by="cross_entropy")
    d.goal("soft", d["x"] >> d["student"], d["x"] >> d["teacher"], by="kl")
    return d


def check(d):
    return check_plan(make_plan(d, d.goals.values()), layer_shapes(d))


def test_shapes_that_fit_bind_their_names():
    assert check(diagram()).numbers == {}
    found = check(diagram(logits=("classes",))).numbers
    assert found == {"classes": (10, "`student`")}


def test_a_wrong_width_names_goal_path_generator_and_both_shapes():
    with pytest.raises(DiagramError) as error:
        check(diagram(student="mlp(64, 32, 12)"))
    assert str(error.value) == "goal `hard`, at x >> student: `student` gives [12], but Y is declared [10]"
    assert [problem.name for problem in error.value.problems] == ["student"]


def test_both_sides_wrong_alike_are_two_errors():
    with pytest.raises(DiagramError) as error:
        check(diagram(student="mlp(64, 32, 12)", teacher="mlp(64, 12)"))
    assert str(error.value).splitlines() == [
        "goal `hard`, at x >> student: `student` gives [12], but Y is declared [10]",
        "goal `soft`, at x >> teacher: `teacher` gives [12], but Y is declared [10]",
    ]


def test_one_name_is_one_number():
    with pytest.raises(DiagramError) as error:
        check(diagram(student="mlp(64, 32, 12)", logits=("n",)))
    assert str(error.value) == (
        "goal `soft`, at x >> teacher: `teacher` gives [10], but Y is declared [n] "
        "(n is 12 by `student`, and 10 by `teacher`)"
    )


def test_a_map_that_refuses_its_argument_says_so_with_the_path():
    with pytest.raises(DiagramError) as error:
        check(diagram(student="mlp(63, 32, 10)"))
    text = str(error.value)
    assert text.startswith("goal `hard`, at x >> student: `student`: `mlp(63, 32, 10)`, its layer 0: ")
    assert text.endswith("takes values whose last axis is 63, given (64,)")


def test_a_last_axis_of_one_is_refused_where_classes_are_compared():
    with pytest.raises(DiagramError) as error:
        check(diagram(student="mlp(64, 1)", teacher="mlp(64, 1)", logits=(1,)))
    assert str(error.value).splitlines() == [
        "goal `hard`: cross_entropy compares classes along the last axis, but `x >> student` is [1]",
        "goal `soft`: kl compares classes along the last axis, but `x >> student` is [1]",
    ]


def test_undeclared_objects_take_the_shapes_that_maps_reveal():
    d = ld.Diagram()
    d.object("S")
    d.object("X", (64,))
    d.objects("Y")
    x = d.data("x", d["S"], d["X"])
    f, g = d.model("f", d["X"], d["Y"], "mlp(64, 10)"), d.model("g", d["X"], d["Y"], "mlp(64, 12)")
    d.goal("agree", x >> f, x >> g)
    with pytest.raises(
        DiagramError, match=r"^goal `agree`: its sides have two shapes: `x >> f` is \[10\], but `x >> g` is \[12\]$"
    ):
        check(d)


def test_names_bound_late_reach_what_was_unknown():
    d = ld.Diagram()
    d.object("S")
    d.object("X", (64,))
    d.object("Z", ("n",))
    d.object("Y", (3,))
    x, z = d.data("x", d["S"], d["X"]), d.data("z", d["S"], d["Z"])
    g = d.model("g", d["Z"], d["Y"], "mlp(8, 4)")
    f = d.model("f", d["X"], d["Z"], "mlp(64, 8)")
    d.goal("one", z >> g, x >> f >> g)
    with pytest.raises(DiagramError, match=r"`g` gives \[4\], but Y is declared \[3\]"):
        check(d)


def test_number_of_outputs_is_that_of_the_codomain():
    d = ld.Diagram()
    d.object("S")
    d.object("X", (4,))
    x = d.data("x", d["S"], d["X"])
    f = d.model("f", d["X"], d["X"] * d["X"])
    d.goal("one", x >> f, x & x)
    with pytest.raises(
        DiagramError,
        match=r"^goal `one`, at x >> f >> proj\(X \* X, 0\): `f` gives 1 values, but X \* X has 2 factors$",
    ):
        check_plan(make_plan(d, d.goals.values()), lambda name, arguments: (Abstract((4,)),))


def test_a_map_that_cannot_be_told_leaves_its_object_to_its_declaration():
    d = diagram()
    assert check_plan(make_plan(d, d.goals.values()), lambda name, arguments: None).numbers == {}


def test_bindings_contradict_in_words():
    bindings = Bindings()
    assert bindings.unify(Space(("h", "w")), (3, 4), "`a`") is None
    assert bindings.unify(Space(("h",)), (3, 4), "`b`") == "`b` has 2 axes, not 1 axis"
    assert bindings.unify(Space((5,)), (4,), "`b`") == "5 was declared, 4 given by `b`"
    assert bindings.known(Space(("w", 2))) == (4, 2) and bindings.known(Space(("k",))) is None


@pytest.mark.parametrize(
    "text, told",
    [
        (
            "object S, A[4]; noise z : S -> A = normal(5); model f : A -> A = linear(4, 4); goal one : z >> f = z",
            [("z", "goal `one`, at z: `z` gives [5], but A is declared [4]")],
        ),
        (
            "object S, A; noise z : S -> A = uniform(5); model f : A -> A = linear(4, 4); goal one : z >> f = z",
            [("f", "goal `one`, at z >> f: `f`: `linear(4, 4)` takes values whose last axis is 4, given (5,)")],
        ),
        (
            "object S, A[n, 3]; noise z : S -> A = normal(5, 3); noise y : S -> A = normal(6, 3); goal one : z = y",
            [("y", "goal `one`, at y: `y` gives [6, 3], but A is declared [n, 3] (n is 5 by `z`, and 6 by `y`)")],
        ),
        (
            "object S, A, B, C; data a : S -> A; data c : S -> C; model f : A -> B = linear(5, 4); "
            "model g : B -> C = linear(6, 4); goal one : a >> f >> g = c",
            [
                (
                    "g",
                    "goal `one`, at a >> f >> g: `g` takes values whose last axis is 6, "
                    "and the last axis of `a >> f` is 4 by `f`",
                )
            ],
        ),
        (
            "object S, A[n], B; data a : S -> A; model f : A -> B = linear(5, 4); model g : A -> B = linear(6, 4); "
            "goal one : a >> f = a >> g",
            [("g", "goal `one`, at a >> g: `g`: `linear(6, 4)` takes values whose last axis is 6, given (5,)")],
        ),
        (
            "object S, A[n, m], B; data a : S -> A; model f : A -> B = linear(5, 4); model g : A -> B = linear(6, 4); "
            "goal one : a >> f = a >> g",
            [
                (
                    "g",
                    "goal `one`, at a >> g: `g` takes values whose last axis is 6, "
                    "and the last axis of `a` is 5 by `f`",
                )
            ],
        ),
        (
            "object S, A, B; data a : S -> A; model f : A -> B = mlp(5, 4); model g : A -> B = mlp(5, 3); "
            "goal one : a >> f = a >> g",
            [("one", "goal `one`: its sides have two shapes: `a >> f` is […, 4], but `a >> g` is […, 3]")],
        ),
        (
            'object S, A, B[7]; data a : S -> A; model f : A -> B = mlp(5, 4, final="relu"); '
            "goal one : a >> f = a >> f",
            [("f", "goal `one`, at a >> f: `f` gives […, 4], but B is declared [7]")],
        ),
        (
            "object S, A, B; data x : S -> A; data y : S -> B; model f : A * B -> A = linear(9, 3); "
            "model p : A -> A = linear(3, 3); model q : B -> B = linear(5, 5); goal one : (x >> p & y >> q) >> f = x",
            [
                (
                    "f",
                    "goal `one`, at (x >> p & y >> q) >> f: `f` takes values whose last axis is 9, "
                    "and the last axis of `x >> p & y >> q` is 8 by `p` and `q`",
                )
            ],
        ),
    ],
    ids=[
        "noise",
        "noise reveals",
        "noise binds a name",
        "chain",
        "one name",
        "two names",
        "sides",
        "codomain",
        "joined",
    ],
)
def test_noise_and_layers_reveal_widths(text, told):
    d = ld.loads("diagram D\n" + text.replace("; ", "\n") + "\n")
    with pytest.raises(DiagramError) as error:
        d.check(max_seconds=0)
    assert [(problem.name, problem.message) for problem in error.value.problems] == told


@pytest.mark.parametrize("given", ["in the diagram", "in Python"])
def test_compiling_unifies_widths_too(backend, given):
    d, maps = ld.Diagram(), {}
    s, a, b, c = d.objects("S", "A", "B", "C")
    x, y = d.data("x", s, a), d.data("y", s, c)
    made = {"f": ld.layers.linear(5, 4), "g": ld.layers.linear(6, 4)}
    models = [
        d.model(n, *ends, *([made[n]] if given == "in the diagram" else []))
        for n, ends in (("f", (a, b)), ("g", (b, c)))
    ]
    d.goal("one", x >> models[0] >> models[1], y)
    if given == "in Python":
        maps = made
    with pytest.raises(DiagramError, match="`g` takes values whose last axis is 6, and the last axis of `x >> f` is 4"):
        d.compile(backend=backend, maps=maps)


def test_layers_that_fit_are_left_alone(backend):
    d = ld.loads("""
diagram D
object S, A, B[n], C, D[7]
data x : S -> A
data y : S -> D
noise z : S -> A = normal(5)
model f : A -> B = mlp(5, 4, final="relu")
model g : B -> C = sequential(tanh, layer_norm(4), linear(4, 3))
frozen h : B * C -> D = linear(7, 7)
frozen e : C -> D = sequential(reshape(3, 1), linear(1, 7), flatten, linear(21, 7))
goal one : x >> f >> g = z >> f >> g
goal two : ((x >> f) & (x >> f >> g)) >> h = y by cross_entropy
goal three : x >> f >> g >> e = y
""")
    c = d.compile(backend=backend)
    assert c.shapes.numbers == {"n": (4, "`f`")}
    batch = {"x": np.ones((2, 5), "float32"), "y": np.ones((2, 7), "float32") / 7}
    assert {name: np.isfinite(value) for name, value in c.evaluate(batch).items()} == dict.fromkeys(d.goals, True)
