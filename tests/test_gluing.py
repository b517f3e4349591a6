"""Gluing: names, what has to agree, what is carried over, parameters and losses of the whole."""

import numpy as np
import pytest
from hypothesis import given, settings

import learningdiagrams as ld
from learningdiagrams.noise import draw_noise
from learningdiagrams.specs import spec

from .diagrams import diagrams

BASE = """
diagram Base
object S, A[3], B[2]
data  x : S -> A
data  y : S -> B
model f : A -> B = linear(3, 2)
goal  fit : x >> f = y
"""


def numbers(tables):
    """Parameters or gradients of a backend as arrays of NumPy."""
    return {name: {key: np.asarray(value) for key, value in table.items()} for name, table in tables.items()}


def same(one, two):
    """Whether two tables hold the same arrays."""
    ours, theirs = numbers(one), numbers(two)
    assert ours.keys() == theirs.keys() and all(ours[name].keys() == theirs[name].keys() for name in ours)
    return all(np.array_equal(ours[name][key], theirs[name][key]) for name in ours for key in ours[name])


# Names ------------------------------------------------------------------------------------------------------


def test_names_of_the_left_stay_and_all_kinds_of_names_are_one_namespace():
    left = ld.loads("""
        diagram Left
        object S, A[n], f_2
        data  x : S -> A
        model f : A -> f_2
        model h : A -> A
        law   w : h >> h = h
        goal  enc : x >> h = x
        measure m : x >> h = x by l1
        stage one : train h by enc epochs 2
        style f at=(0, 1), label="F"
    """)
    right = ld.loads("""
        diagram Right
        object S, A[n], B[n, 4]
        data  x : S -> A
        data  b : S -> B
        model f : A -> B
        model enc : A -> A
        law   w : enc >> enc = enc
        goal  g : x >> f = b weight linear(0, 1, steps=10) train f
        goal  on_b : f = f on x
        measure m : x >> enc = x by l1
        stage one : train f, enc by g
        style f at=(0, 2)
        style on_b colour="#c33"
    """)
    made = ld.glue(left, right).diagram
    assert [" ".join(line.split()) for line in str(made).splitlines()] == [
        'diagram "Left + Right"',
        "",
        "object S, A[n], f_2, S_2, A_2[n_2], B[n_2, 4]",
        "data x : S -> A",
        "model f : A -> f_2",
        "model h : A -> A",
        "data x_2 : S_2 -> A_2",
        "data b : S_2 -> B",
        "model f_3 : A_2 -> B",
        "model enc_2 : A_2 -> A_2",
        "",
        "law w : h >> h = h",
        "law w_2 : enc_2 >> enc_2 = enc_2",
        "",
        "goal enc : x >> h = x by mse",
        "goal g : x_2 >> f_3 = b by mse weight linear(0, 1, steps=10) train f_3",
        "goal on_b : f_3 = f_3 on x_2 by mse",
        "measure m : x >> h = x by l1",
        "measure m_2 : x_2 >> enc_2 = x_2 by l1",
        "",
        "stage one : train h by enc epochs 2",
        "stage one_2 : train f_3, enc_2 by g",
        "",
        'style f at=(0, 1), label="F"',
        "style f_3 at=(0, 2)",
        'style on_b colour="#c33"',
    ]
    assert ld.loads(str(made)) == made


def test_sharing_a_generator_shares_its_ends_and_takes_the_names_of_the_left():
    left, right = ld.loads(BASE), ld.loads(BASE.replace("f :", "g :").replace(">> f", ">> g").replace("A", "Image"))
    g = ld.glue(left, right, share={"f": "g"})
    assert list(g.diagram.sorts) == ["S", "A", "B", "S_2"]
    one, two = g.legs
    assert (two("Image"), two("g"), two("x"), two.goals["fit"]) == (
        g.diagram["A"], g.diagram["f"], g.diagram["x_2"], "fit_2",
    )  # fmt: skip
    assert one(left["fit"].left) == g.diagram["fit"].left and two(right["fit"].left) == g.diagram["fit_2"].left
    assert one.dom is left.presentation and two.cod is g.diagram.presentation


def test_names_are_told_apart_by_keys_that_are_values_too_and_by_lists_of_names():
    left, right = ld.loads(BASE), ld.loads(BASE)
    by_name = ld.glue(left, right, {"f": "f", "x": "x", "y": "y", "fit": "fit"}).diagram
    by_value = ld.glue(left, right, {left[name]: right[name] for name in ("f", "x", "y", "fit")}).diagram
    assert str(by_name) == str(by_value) == str(ld.glue(left, right, ["f", "x", "y", "fit"]).diagram)
    assert str(by_name) == str(left)


def test_two_of_the_left_may_be_one_of_the_right():
    left = ld.loads("object A\nmodel f : A -> A\nmodel g : A -> A")
    right = ld.loads("object X\nmodel h : X -> X = linear(2, 2)")
    g = ld.glue(left, right, {"f": "h", "g": "h"})
    assert list(g.diagram.generators) == ["f"] and g.diagram.specs["f"] == spec("linear(2, 2)")
    with pytest.raises(ld.DiagramError, match="`f` and `g` are one generator of the whole, and their numbers differ"):
        g.legs[0].push({"f": {"w": np.ones(2)}, "g": {"w": np.zeros(2)}})


# What has to agree ------------------------------------------------------------------------------------------

LEFT = """
object S, A[3], B[2] int, C
data   x : S -> A
data   y : S -> B
model  f : A -> C = linear(3, 2)
model  e : A -> C
noise  z : S -> C = normal(2)
model  m : A -> C = ema(f)
goal   fit : x >> f = x >> e by l1 weight 2 train f
goal   along : f = e on x
law    both : f = e
"""
ROLE = "; what is shared has one role"
REALISATION = "; what is shared has one realisation"
SHAPE = "; what is shared has one shape and one kind of number"
ALIKE = "; what is shared is said alike"
COMPOSITE = (
    " is a composite; diagrams are glued along generators, and presentations alone along composites "
    "(learningdiagrams.theory.pushout)"
)
SHARE = ("x", "y", "f", "e", "z", "m", "fit", "along")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("model  e :", "frozen e :"), "`e` of L is a model, and `e` of R is a frozen map" + ROLE),
        (("linear(3, 2)", "mlp(3, 2)"), "`f` of L is linear(3, 2), and `f` of R is mlp(3, 2)" + REALISATION),
        (("normal(2)", "uniform(2)"), "`z` of L is normal(2), and `z` of R is uniform(2)" + REALISATION),
        (("ema(f)", "ema(e)"), "`m` of L is ema(f), and `m` of R is ema(e)" + REALISATION),
        (("A[3]", "A[4]"), "`A` of L is A[3], and `A` of R is A[4]" + SHAPE),
        (("A[3]", "A[1, 3]"), "`A` of L is A[3], and `A` of R is A[1, 3]" + SHAPE),
        (("B[2] int", "B[2]"), "`B` of L is B[2] int, and `B` of R is B[2]" + SHAPE),
        (("by l1", "by mse"), "`fit` of L has by l1, and `fit` of R has by mse" + ALIKE),
        (("weight 2", ""), "`fit` of L has weight 2.0, and `fit` of R has weight 1.0" + ALIKE),
        (("train f", "train e"), "`fit` of L has train f, and `fit` of R has train e" + ALIKE),
        (("train f", ""), "`fit` of L has train f, and `fit` of R has no `train`" + ALIKE),
        (("on x", "on x, x"), None),
        (
            ("x >> f = x >> e", "x >> e = x >> f"),
            "`fit` of L is x >> f = x >> e, and `fit` of R is x >> e = x >> f; what is shared is one "
            "equation in the whole",
        ),
    ],
)  # fmt: skip
def test_what_is_shared_is_declared_alike_or_an_error_names_both(change, message):
    left, right = ld.loads("diagram L" + LEFT), ld.loads("diagram R" + LEFT.replace(*change))
    if message is None:
        assert ld.glue(left, right, SHARE).diagram == ld.glue(left, left, SHARE, name="L + R").diagram
        return
    with pytest.raises(ld.DiagramError) as error:
        ld.glue(left, right, SHARE)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("share", "message"),
    [
        ({"ff": "f"}, "share: there is no `ff` in L; did you mean `f`?"),
        ({"f": "ff"}, "share: there is no `ff` in R; did you mean `f`?"),
        ({"f": "A"}, "share: `f` is a generator of L, and `A` is an object of R; like is shared with like"),
        ({"fit": "f"}, "share: `fit` is a goal of L, and `f` is a generator of R; like is shared with like"),
        ({"both": "both"}, "share: `both` is a law of L; objects, generators, goals and measures are shared"),
        ({"f": "g >> h"}, "`g >> h`" + COMPOSITE),
        ({"f": "x"}, "share: `f` of L is A -> C, and `x` of R is S -> A; what is shared has one role"),
        (
            {"A": "C", "f": "f"},
            "share: `f` of L is A -> C, and `f` of R is A -> C, so that A would be A; by share= it is C",
        ),
        (
            {"f": "f", "x": "z"},
            "share: `x` of L is S -> A, and `z` of R is S -> C, so that A would be C; by `f` it is A",
        ),
        (
            {"fit": "along"},
            "`fit` of L is x >> f = x >> e, and `along` of R is f_2 = e_2; what is shared is one equation in the"
            " whole (share the generators too: the whole has `e`, `e_2`, `f`, `f_2`, `x` on one side only)",
        ),
        ({"m": "m", "f": "e", "e": "f"}, "`m` of L is ema(f), and `m` of R is ema(e)" + REALISATION),
    ],
)  # fmt: skip
def test_what_cannot_be_shared_is_said(share, message):
    left, right = ld.loads("diagram L" + LEFT), ld.loads("diagram R" + LEFT)
    with pytest.raises(ld.DiagramError) as error:
        ld.glue(left, right, share)
    if share == {"f": "x"}:
        message = "`f` of L is a model, and `x` of R is data; what is shared has one role"
    assert str(error.value) == message


def test_sharing_a_thing_shares_what_it_is_made_of():
    left = ld.loads("diagram L" + LEFT)
    right = ld.loads("""
        object T, A, C
        data   xx : T -> A
        model  g : A -> C
        model  e : A -> C
        noise  z : T -> C = normal(2)
        model  m : A -> C = ema(g)
        goal   git : xx >> g = xx >> e by l1 weight 2 train g
        goal   along : g = e on xx
    """)
    by_goal = ld.glue(left, right, {"fit": "git"})
    assert by_goal.legs[1]("xx") is by_goal.diagram["x"] and by_goal.diagram.models == ("f", "e")
    assert by_goal.legs[1]("g") is by_goal.diagram["f"] and "z_2" in by_goal.diagram
    on_data = ld.glue(left, right, {"along": "along"})
    assert on_data.legs[1]("T") is on_data.diagram["S"] and on_data.diagram.models == ("f", "e")
    average = ld.glue(left, right, {"m": "m"})
    assert average.legs[1]("g") is average.diagram["f"] and "e_2" in average.diagram
    shuffled = ld.loads("object S, A\ndata x : S -> A\nnoise z : S -> A = shuffle(x)")
    assert list(ld.glue(shuffled, shuffled, ["z"]).diagram.generators) == ["x", "z"]


def test_what_things_are_made_of_makes_nothing_one_that_was_two():
    left = ld.loads(
        "diagram L\nobject S, A\ndata x : S -> A\nmodel f : A -> A\nmodel g : A -> A\ngoal q : x >> f >> g = x"
    )
    right = ld.loads("diagram R\nobject S, A\ndata x : S -> A\nmodel h : A -> A\ngoal q : x >> h >> h = x")
    for one, two in ((left, right), (right, left)):
        with pytest.raises(ld.DiagramError, match="what is shared is one equation in the whole"):
            ld.glue(one, two, ["q"])
    assert ld.glue(left, right, {"q": "q", "f": "h", "g": "h"}).diagram.models == ("f",)


def test_two_diagrams_of_one_title_are_told_apart():
    with pytest.raises(
        ld.DiagramError, match=r"`A` of diagram 1 \(T\) is A\[3\], and `A` of diagram 2 \(T\) is A\[2\]"
    ):
        ld.glue(ld.loads("diagram T\nobject A[3]"), ld.loads("diagram T\nobject A[2]"), ["A"])


def test_what_one_part_leaves_open_the_other_says():
    left = ld.loads("object A, B[2]\nmodel f : A -> B")
    right = ld.loads("object A[3], B\nmodel f : A -> B = linear(3, 2)")
    made = ld.glue(left, right, ["f"]).diagram
    assert str(made) == "object A[3], B[2]\nmodel  f : A -> B = linear(3, 2)"


def test_named_axes_are_one_number_where_the_objects_are_shared_and_apart_where_not():
    left = ld.loads("object A[n, k], B[k]")
    right = ld.loads("object X[28, n], Y[n], Z[k]")
    made = ld.glue(left, right, {"A": "X"}).diagram
    assert {name: space.shape for name, space in made.spaces.items()} == {
        "A": (28, "k"), "B": ("k",), "Y": ("k",), "Z": ("k_2",),
    }  # fmt: skip
    with pytest.raises(ld.DiagramError, match=r"`C` of .* is C\[2\], and `D` of .* is D\[3\]"):
        ld.colimit([right, ld.loads("object C[2]"), ld.loads("object D[3]")], [(1, 0, {"C": "Y"}), (2, 0, {"D": "Y"})])


# What is carried over ---------------------------------------------------------------------------------------


def test_noise_keeps_its_numbers_and_does_so_through_text_and_another_gluing():
    part = ld.loads("""
        object S, A[2], Z[2]
        data  x : S -> A
        noise z : S -> Z = normal
        noise w : S -> A = shuffle(x)
        model f : A -> Z
        goal  fit : x >> f = z
    """)
    twice = ld.glue(part, part).diagram
    assert [str(twice.specs[n]) for n in ("z", "z_2", "w_2")] == ["normal", 'normal(key="z")', 'shuffle(x_2, key="w")']
    again = ld.glue(ld.loads(str(twice)), twice).diagram
    assert [str(s) for n, s in again.specs.items() if n.startswith("z")] == ["normal"] + ['normal(key="z")'] * 3
    x = np.arange(10.0).reshape(5, 2)
    drawn = draw_noise(part, {"x": x}, step=3, seed=7)
    whole = draw_noise(again, {name: x for name in again.generators if name.startswith("x")}, step=3, seed=7)
    for name in ("z", "w"):
        assert all(np.array_equal(drawn[name], v) for key, v in whole.items() if key.startswith(name))
    # Where both name their noise differently and share it, it is the left's.
    other = ld.loads("object S, Z\nnoise v : S -> Z = normal(2)")
    assert (
        str(ld.glue(ld.loads("object S, Z\nnoise z : S -> Z = normal(2)"), other, {"z": "v"}).diagram.specs["z"])
        == "normal(2)"
    )


def test_paths_start_from_the_folder_of_the_whole(tmp_path):
    for name, text in (("a", 'data x : S -> A = npy("x.npy")'), ("b", 'data y : S -> A = npz("in/y.npz", "k")')):
        (tmp_path / name).mkdir()
        (tmp_path / name / "d.diagram").write_text(f"object S, A\n{text}")
    one, two = (ld.load(tmp_path / name / "d.diagram") for name in "ab")
    g = ld.glue(one, two, ["S"])
    assert [s.arguments()[0][0] for s in g.diagram.specs.values()] == ["x.npy", "../b/in/y.npz"]
    assert g.diagram.directory == tmp_path / "a"
    moved = ld.glue(one, two, ["S"], directory=tmp_path).diagram
    assert [s.arguments()[0][0] for s in moved.specs.values()] == ["a/x.npy", "b/in/y.npz"]


def test_only_parts_that_are_all_trusted_make_a_trusted_whole():
    text = "object A\nmodel f : A -> A"
    trusted, other = ld.loads(text, trust=True), ld.loads(text)
    assert ld.glue(trusted, trusted).diagram.trusted and not ld.glue(trusted, other).diagram.trusted


def test_laws_that_say_the_same_are_one_and_new_equations_are_reported():
    involution = ld.loads("diagram I\nobject A\nmodel t : A -> A\nlaw twice : t >> t = id(A)")
    idempotent = ld.loads("diagram J\nobject A\nmodel t : A -> A\nlaw again : t >> t = t")
    assert list(ld.glue(involution, involution, ["t"]).diagram.laws) == ["twice"]
    g = ld.glue(involution, idempotent, ["t"])
    assert {c.leg for c in g.collapses} == set(g.legs)
    for leg, left, right, proof in g.collapses:
        assert leg.dom.prove(left, right).holds is False
        assert (proof.left, proof.right) == (leg(left), leg(right)) and proof.presentation is g.diagram.presentation
        proof.check()
    assert ld.glue(involution, idempotent).collapses == []


@settings(deadline=None, max_examples=40)
@given(diagrams())
def test_glued_with_itself_along_everything_a_diagram_is_itself(d):
    everything = [*d.sorts, *d.generators, *d.goals, *d.measures]
    made = ld.glue(d, d, everything, name=d.name)
    kept = [s for s in d.stages.values()]
    if kept:  # stages are not shared: each part's stand there
        assert len(made.diagram.stages) == 2 * len(kept)
    else:
        assert made.diagram.laws.keys() <= d.laws.keys()
        if len(made.diagram.laws) == len(d.laws):
            assert made.diagram == d


@settings(deadline=None, max_examples=25)
@given(diagrams())
def test_beside_itself_a_diagram_is_there_twice_and_reads_back(d):
    made = ld.glue(d, d)
    whole = made.diagram
    if d.name != "\ud800":
        assert ld.loads(str(whole)) == whole
    for leg in made.legs:
        assert [f for f in leg.failures(max_seconds=2) if f.kind != "undecided"] == []
        for name, goal in d.goals.items():
            there = whole.goals[leg.goals[name]]
            assert (there.left, there.right, there.by, there.weight) == (
                leg(goal.left),
                leg(goal.right),
                goal.by,
                goal.weight,
            )
    assert len(whole.goals) == 2 * len(d.goals) and len(whole.generators) == 2 * len(d.generators)
