"""Diagrams: what is declared, and that each mistake is an error at the call that makes it."""

import numpy as np
import pytest

import learningdiagrams as ld
from learningdiagrams.declarations import possible_on
from learningdiagrams.errors import DiagramError
from learningdiagrams.language.conversion import loads_json, write_json
from learningdiagrams.theory import TheoryError


@pytest.fixture
def d():
    """Two sample objects, one of them unlabelled, an encoder and a decoder."""
    d = ld.Diagram("pair")
    d.object("S")
    d.object("U")
    d.object("X", (64,))
    d.object("Y", (10,))
    d.data("x", d["S"], d["X"])
    d.data("y", d["S"], d["Y"])
    d.data("u", d["U"], d["X"])
    d.model("f", d["X"], d["Y"])
    d.model("g", d["Y"], d["X"])
    d.frozen("t", d["X"], d["Y"])
    return d


def test_the_contracts_example_reads_as_written():
    d = ld.Diagram("distillation")
    sample, image, logits = d.objects("Sample", "Image", "Logits")
    pixels, label = d.data("pixels", sample, image), d.data("label", sample, logits)
    teacher, student = d.frozen("teacher", image, logits), d.model("student", image, logits)
    d.goal("hard", pixels >> student, label, by="cross_entropy")
    d.goal("soft", pixels >> student, pixels >> teacher, by=ld.losses.kl(temperature=4.0), weight=0.7)
    d.measure("accuracy", pixels >> student, label, by="accuracy")
    d.stage("distil", train=["student"], by=["hard", "soft"], epochs=5)
    assert d["student"] is student and d.roles["teacher"] == "frozen"
    assert d.goals["soft"].weight == 0.7 and d.goals["hard"].weight == 1.0
    assert d.models == ("student",) and d.sample_objects == (sample,)
    assert d.stages["distil"].by == ("hard", "soft")
    assert repr(d) == "<Diagram distillation: 3 objects, 4 generators, 2 goals, 1 measure>"


def test_a_diagram_may_grow_and_its_values_stay(d):
    goal = d.goal("fit", d["x"] >> d["f"], d["y"])
    d.model("h", d["X"], d["Y"])
    assert d["fit"] is goal and "h" in d and "nothing" not in d
    with pytest.raises(AttributeError):
        goal.weight = 2.0


def test_a_name_that_was_refused_stands_in_no_ones_way(d):
    with pytest.raises(DiagramError):
        d.model("саt", d["X"], d["Y"], "ema(nothing)")  # its first two letters are Cyrillic
    d.law("f", "t")
    with pytest.raises(DiagramError, match="looks like `law0`, which is there already"):
        d.map("lаw0", d["X"], d["Y"])
    assert "cat" not in d and d.model("cat", d["X"], d["Y"]) is d["cat"]


def test_ema_and_noise_are_declared_with_what_they_follow(d):
    e = d.ema("slow", of="f", decay=0.9)
    assert (e.dom, e.cod) == (d["X"], d["Y"]) and d.roles["slow"] == "ema" and d.specs["slow"].decay == 0.9
    assert d.model("slower", d["X"], d["Y"], "ema(f)") is d["slower"] and d.roles["slower"] == "ema"
    assert {name: (a.model, a.decay) for name, a in d.averages.items()} == {"slow": ("f", 0.9), "slower": ("f", 0.99)}
    with pytest.raises(TypeError):
        d.averages["f"] = d.averages["slow"]
    d.noise("z", d["S"], d["X"], "normal(64)")
    d.noise("v", d["S"], d["Y"], "shuffle(y)")
    assert d.roles["z"] == d.roles["v"] == "noise"


MISTAKES = {
    "a composite whose ends do not meet": (
        lambda d: d.goal("w", d["x"] >> d["g"], d["y"]),
        "x >> g: `x` ends at X, but `g` starts at Y",
    ),
    "sides that are not parallel": (
        lambda d: d.goal("w", d["x"], d["y"]),
        "goal `w`: the sides are not parallel: `x` is a morphism S -> X, but `y` is one S -> Y",
    ),
    "a name taken twice": (
        lambda d: d.model("f", d["X"], d["Y"]),
        "the name `f` is taken: a generator of that name is already in pair",
    ),
    "a goal where no data are": (
        lambda d: d.goal("w", d["f"], d["t"]),
        "goal `w`: its sides start at X, which carries no data; say along which morphisms it is sampled: on x, on u",
    ),
    "a goal that could be sampled on composites": (
        lambda d: d.goal("w", d["g"] >> d["f"], ld.identity(d["Y"])),
        "goal `w`: its sides start at Y, which carries no data; say along which morphisms it is sampled: "
        "on y, on u >> f",
    ),
    "on where nothing is to be said": (
        lambda d: d.goal("w", d["x"] >> d["f"], d["y"], on=d["x"]),
        "goal `w`: its sides start at S, so that `on` has nothing to say",
    ),
    "on that leads elsewhere": (
        lambda d: d.goal("w", d["f"], d["t"], on=d["y"]),
        "goal `w`: `on y` is a morphism S -> Y; it has to lead from a sample object to X: on x, on u",
    ),
    "a measure's comparator in a goal": (
        lambda d: d.goal("w", d["x"] >> d["f"], d["y"], by="accuracy"),
        "goal `w`: `accuracy` is for measures only; a goal needs a comparator with a gradient",
    ),
    "train that names no model": (
        lambda d: d.goal("w", d["x"] >> d["f"], d["y"], train=["t"]),
        "goal `w`: train: `t` is a frozen map; only a model is trained",
    ),
    "train that names nothing": (
        lambda d: d.goal("w", d["x"] >> d["f"], d["y"], train=["ff"]),
        "goal `w`: train: there is no generator `ff`; did you mean `f`?",
    ),
    "a weight that is no number": (
        lambda d: d.goal("w", d["x"] >> d["f"], d["y"], weight=float("nan")),
        "goal `w`: a weight is a finite number or a schedule such as linear(0, 1, steps=1000), not nan",
    ),
    "train that names no generator at all": (
        lambda d: d.goal("w", d["x"] >> d["f"], d["y"], train=[3]),
        "goal `w`: train: 3 is neither a generator nor the name of one",
    ),
    "a weight beyond every float": (
        lambda d: d.goal("w", d["x"] >> d["f"], d["y"], weight=10**400),
        f"goal `w`: a weight is a finite number or a schedule such as linear(0, 1, steps=1000), not {10**400}",
    ),
    "an end that is a name": (
        lambda d: d.model("m", "X", d["Y"]),
        "`m`: 'X' is no object; an end is one, such as d['Image']",
    ),
    "a shape that is a number": (
        lambda d: d.object("Z", 3),
        "object `Z`: a shape is a sequence such as (28, 28), not 3",
    ),
    "a kind of number that is a type": (
        lambda d: d.object("Z", (3,), dtype=[]),
        "object `Z`: there is no kind of number `[]`; kinds are float, int and bool",
    ),
    "a stage by no goal": (
        lambda d: d.stage("one", train=["f"], by=[d["f"]]),
        "stage `one`: f is neither a goal nor the name of one",
    ),
    "a stage by nothing": (
        lambda d: d.stage("one", train=["f"], by=None),
        "stage `one`: a stage trains by at least one goal",
    ),
    "a style that says nothing": (
        lambda d: d.style("f"),
        "style `f`: it says nothing; there are at, label, curve, colour, quiver",
    ),
    "a style of no name": (
        lambda d: d.style(3, curve=2),
        "style `3`: there is no `3`",
    ),
    "a stage without its goal": (
        lambda d: d.stage("one", train=["f"], by=["fitt"]),
        "stage `one`: there is no goal `fitt`",
    ),
    "a model out of a sample object": (
        lambda d: d.model("m", d["S"], d["Y"]),
        "`m`: S is a sample object and holds no values; only data and noise start there",
    ),
    "data out of an object of values": (
        lambda d: d.data("m", d["X"], d["Y"]),
        "`m`: data come out of a sample object, but X holds values: `x` is a map S -> X",
    ),
    "data out of a product": (
        lambda d: d.data("m", d["S"] * d["U"], d["Y"]),
        "`m`: data come out of a sample object, which is a single object, not S * U",
    ),
    "a map into a sample object": (
        lambda d: d.model("m", d["X"], d["S"]),
        "`m`: S is a sample object and holds no values, so that no map ends there",
    ),
    "an average of data": (
        lambda d: d.model("m", d["X"], d["Y"], "ema(t)"),
        "`m`: ema(t): `t` is a frozen map; an average follows a model",
    ),
    "an average with other ends": (
        lambda d: d.model("m", d["X"], d["Y"], "ema(g)"),
        "`m` : X -> Y follows `g`, which is Y -> X; the ends are to be the same",
    ),
    "a shuffle of nothing": (
        lambda d: d.noise("z", d["S"], d["Y"], "shuffle(yy)"),
        "`z`: shuffle: there is no generator `yy`; did you mean `y`?",
    ),
    "a shuffle into another object": (
        lambda d: d.noise("z", d["S"], d["X"], "shuffle(y)"),
        "`z` : S -> X shuffles `y`, which is S -> Y; the ends are to be the same",
    ),
    "a layer as data": (
        lambda d: d.data("m", d["S"], d["Y"], "mlp(3, 4)"),
        "`mlp` realises no data; there are npz, npy, csv, sklearn",
    ),
    "a word of the language as a name": (
        lambda d: d.model("goal", d["X"], d["Y"]),
        "`goal` is a word of the language; another name is needed, such as `goal_`",
    ),
    "a name that looks like another": (
        lambda d: d.model("х", d["X"], d["Y"]),
        "`х` looks like `x`, which is there already: letter 1 of `х` is CYRILLIC SMALL LETTER HA",
    ),
    "an object whose name looks like another": (
        lambda d: d.object("Ѕ"),
        "`Ѕ` looks like `S`, which is there already: letter 1 of `Ѕ` is CYRILLIC CAPITAL LETTER DZE",
    ),
    "a law whose name looks like another": (
        lambda d: d.law("f", "t", "у"),
        "`у` looks like `y`, which is there already: letter 1 of `у` is CYRILLIC SMALL LETTER U",
    ),
    "no identifier as a name": (
        lambda d: d.model("2f", d["X"], d["Y"]),
        "`2f` is no name: a name is letters, digits and _, and does not start with a digit",
    ),
    "a shape of length zero": (
        lambda d: d.object("Z", (0,)),
        "object `Z`: an axis is a number ≥ 1 or a name, not 0",
    ),
    "an unknown kind of number": (
        lambda d: d.object("Z", (3,), dtype="flot"),
        "object `Z`: there is no kind of number `flot`; did you mean `float`?",
    ),
    "an unknown style": (
        lambda d: d.style("f", color="#fff"),
        "style `f`: there is no option `color`; did you mean `colour`?",
    ),
    "a style of nothing": (
        lambda d: d.style("ff", curve=2),
        "style `ff`: there is no `ff`; did you mean `f`?",
    ),
    "a goal into 1": (
        lambda d: d.goal("w", d["x"] >> ld.drop(d["X"]), ld.drop(d["S"])),
        "goal `w`: its sides end at 1, where everything is equal",
    ),
    "a look-up of nothing": (lambda d: d["ff"], "there is no `ff` in pair; did you mean `f`?"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_errors_that_say_what_would_be_right(d, mistake):
    declare, text = MISTAKES[mistake]
    before = repr(d)
    with pytest.raises((DiagramError, TheoryError)) as error:
        declare(d)
    assert str(error.value) == text
    assert repr(d) == before


def test_a_generator_of_another_diagram_is_refused(d):
    other = ld.Diagram("other")
    X, Y = other.objects("X", "Y")
    foreign = other.model("f", X, Y)
    with pytest.raises(TheoryError, match=r"^`f` belongs to other, not to pair$"):
        d.goal("w", d["x"] >> d["f"], foreign)
    with pytest.raises(TheoryError, match=r"^`X` belongs to other, not to pair$"):
        d.model("h", X, d["Y"])


def test_a_goal_of_another_diagram_is_refused(d):
    other = ld.Diagram("other")
    S, X = other.objects("S", "X")
    x = other.data("x", S, X)
    for diagram, left in ((d, d["x"]), (other, x)):
        diagram.goal("fit", left, left)
    with pytest.raises(DiagramError, match=r"^stage `one`: goal `fit` is none of pair$"):
        d.stage("one", train="f", by=other.goals["fit"])


def test_numbers_of_numpy_are_numbers(d):
    d.object("Z", [np.int64(3), "n"])
    d.goal("fit", "x >> f", "y", weight=np.float32(0.5), on=None)
    d.stage("one", train="f", by="fit", epochs=np.int32(3))
    d.style("f", at=[np.float64(0.5), np.int64(2)], curve=np.float32(0.25))
    assert (d.spaces["Z"].shape, d.goals["fit"].weight, d.stages["one"].epochs) == ((3, "n"), 0.5, 3)
    assert ld.loads(str(d)) == d and "np" not in repr((d.styles, d.spaces, d.goals, d.stages))
    assert loads_json(write_json(d)) == d


def test_names_are_normalised_wherever_they_are_given(d):
    fix = d.model("ﬁx", d["X"], d["Y"])
    goal = d.goal("ﬁt", "x >> ﬁx", "y", train="ﬁx")
    stage = d.stage("ﬁrst", train="ﬁx", by="ﬁt")
    style = d.style("ﬁx", curve=1)
    assert (fix.name, goal.name, goal.train, stage.name, stage.by, style.name) == (
        *("fix", "fit", ("fix",)),
        *("first", ("fit",), "fix"),
    )
    assert d["ﬁx"] is fix and d["ﬁt"] is goal and "ﬁrst" in d and ld.loads(str(d)) == d


def test_possible_on_pairs_factors_of_one_sample_object(d):
    assert [str(m) for m in possible_on(d, d["X"] * d["Y"])] == ["x & y", "u & u >> f"]


def test_a_diagram_of_maps_alone_takes_goals_as_equations_to_reason_about():
    d = ld.Diagram()
    A, B = d.objects("A", "B")
    f, g = d.map("f", A, B), d.map("g", B, A)
    assert d.goal("cycle", f >> g, ld.identity(A)).on == ()


def test_stop_is_kept_apart_and_forgotten_by_the_theory(d):
    f = d["f"]
    assert ld.stop(f) != f and ld.stop(ld.stop(f)) == ld.stop(f) and str(ld.stop(f)) == "stop(f)"
    assert d.prove(d["x"] >> ld.stop(f), d["x"] >> f, using="laws").holds is True


def test_equality_is_by_meaning(d):
    def build(order, weight=1.0):
        d = ld.Diagram("d")
        d.objects("S", "X")
        for name in order:
            d.data(name, d["S"], d["X"]) if name == "x" else d.model(name, d["X"], d["X"])
        d.goal("g", (d["x"] >> d["f"]) >> d["f"], d["x"], weight=weight)
        return d

    one, two = build("xf"), build("xf")
    assert one == two and build("xf", 2.0) != one
    two.law(two["f"] >> two["f"], two["f"])
    assert one != two and one != "one"
    with pytest.raises(TypeError):
        hash(one)
