"""Interpretations: what they have to carry, the search for all of them, and what is pulled back along them."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import learningdiagrams as ld
from learningdiagrams.interpretation.search import symmetries
from learningdiagrams.theory import Refuted

from .diagrams import diagrams

SUPERVISED = """
diagram Supervised
object S, X, Y
data  x : S -> X
data  y : S -> Y
model f : X -> Y
goal  fit : x >> f = y by cross_entropy
"""
DISTILLATION = """
diagram Distillation
object Sample, Image, Logits
data   pixels  : Sample -> Image
data   label   : Sample -> Logits
frozen teacher : Image -> Logits
model  student : Image -> Logits
goal   hard : pixels >> student = label               by cross_entropy
goal   soft : pixels >> student = pixels >> teacher   by kl(temperature=4)   weight 0.7
"""
AUTOENCODER = """
diagram Autoencoder
object S, X, Z
data  x : S -> X
model enc : X -> Z
model dec : Z -> X
goal  rec : x >> enc >> dec = x
"""
CYCLES = """
diagram Cycles
object Left, Right, A, B
data  a : Left -> A
data  b : Right -> B
model ab : A -> B
model ba : B -> A
goal  cycle_a : a >> ab >> ba = a by l1
goal  cycle_b : b >> ba >> ab = b by l1
"""
GAN = """
diagram GAN
object S, Z, X, Score
data  x : S -> X
noise z : S -> Z = normal(4)
model gen : Z -> X
model judge : X -> Score
fixed one : 1 -> Score
fixed zero : 1 -> Score
goal  real : x >> judge = drop(S) >> one by bce train judge
goal  fake : z >> gen >> judge = drop(S) >> zero by bce train judge
goal  fool : z >> gen >> judge = drop(S) >> one by bce train gen
"""
LENS = """
diagram Lens
object Sample, State, View
data  state : Sample -> State
data  view  : Sample -> View
model get : State -> View
model put : State * View -> State
goal  seen   : state >> get = view
goal  putget : put >> get = proj(State * View, 1) on state & view
goal  getput : (id(State) & get) >> put = id(State) on state
"""
supervised, distillation, autoencoder, cycles, gan, lens = map(
    ld.loads, (SUPERVISED, DISTILLATION, AUTOENCODER, CYCLES, GAN, LENS)
)
IN_DISTILLATION = {"x": "pixels", "y": "label", "f": "student"}
OBJECTS = {"S": "Sample", "X": "Image", "Y": "Logits"}


def array(value):
    return np.asarray(value.detach() if hasattr(value, "detach") else value)


def tables(interpretation):
    return {name: str(image) for name, image in interpretation.morphisms.items()}


# What an interpretation is ----------------------------------------------------------------------------------


def test_names_and_values_are_keys_and_what_is_left_out_keeps_its_name():
    d1 = ld.loads("object A, B\nmodel f : A -> B\nmodel g : B -> B")
    d2 = ld.loads("object A, M, B\nmodel p : A -> M\nmodel q : M -> B\nmodel g : B -> B")
    by_name = ld.interpret(d1, d2, morphisms={"f": "p >> q"})
    by_value = ld.interpret(d1, d2, {d1["A"]: d2["A"], "B": d2["B"]}, {d1["f"]: d2["p"] >> d2["q"], "g": d2["g"]})
    assert by_name == by_value and isinstance(by_name, ld.Functor) and by_name.failures() == []
    assert by_name(d1["f"] >> d1["g"]) == d2.parse("p >> q >> g") and by_name("A") is d2["A"]
    assert (by_name.source, by_name.target) == (d1, d2)


@pytest.mark.parametrize(
    ("objects", "morphisms", "message"),
    [
        ({}, {}, "objects= has nothing for `S`, `X`, `Y`; each object of Supervised needs an entry"),
        (OBJECTS, {}, "morphisms= has nothing for `x`, `y`, `f`; each generator of Supervised needs an entry"),
        (OBJECTS, {**IN_DISTILLATION, "ff": "student"}, "morphisms= names `ff`, which is no generator of Supervised"),
        (OBJECTS, {**IN_DISTILLATION, "f": "studnt"}, "there is no map `studnt`; did you mean `student`?"),
        ({**OBJECTS, "X": "Imag"}, IN_DISTILLATION, "there is no `Imag` in Distillation; did you mean `Image`?"),
        (OBJECTS, {**IN_DISTILLATION, "f": supervised["f"]}, "`f` belongs to Supervised, not to Distillation"),
    ],
)
def test_tables_that_are_none_are_errors_at_the_call(objects, morphisms, message):
    with pytest.raises(ValueError) as error:
        ld.interpret(supervised, distillation, objects, morphisms)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("morphisms", "failures"),
    [
        ({}, []),
        ({"f": "teacher"}, []),  # soft and hard together
        ({"x": "label"}, [("codomain", "x")]),
        ({"f": "id(Image)"}, [("codomain", "f")]),
        ({"y": "pixels >> teacher"}, [("role", "y")]),
        ({"y": "pixels >> student"}, [("role", "y")]),
    ],
)
def test_distillation_contains_supervised_learning_and_what_it_does_not(morphisms, failures):
    i = ld.interpret(supervised, distillation, OBJECTS, {**IN_DISTILLATION, **morphisms})
    assert [(failure.kind, failure.what) for failure in i.failures()] == failures


def test_a_goal_that_does_not_follow_is_a_failure_with_its_refutation():
    d2 = ld.loads(DISTILLATION.replace("model  student", "model  other : Image -> Logits\nmodel  student"))
    (failure,) = ld.interpret(supervised, d2, OBJECTS, {**IN_DISTILLATION, "f": "other"}).failures()
    assert (failure.kind, failure.what) == ("goal", "fit")
    assert str(failure) == "goal `fit`: Distillation refutes its image `pixels >> other = label`"
    assert isinstance(failure.verdict, Refuted)
    failure.verdict.witness.check()


def test_laws_are_carried_too_and_may_follow_from_goals():
    d1 = ld.loads("object A\nmap t : A -> A\nlaw twice : t >> t = id(A)")
    d2 = ld.loads("object A\nmap s : A -> A\nmap r : A -> A\ngoal back : s >> r = id(A)\nlaw same : s = r")
    i = ld.interpret(d1, d2, morphisms={"t": "s"})
    assert i.failures() == []
    (proof,) = i.proofs()["twice"]
    assert {step.law for step in proof.steps} == {"back", "same"}
    proof.check()
    d3 = ld.loads("object A\nmap s : A -> A")
    assert [(f.kind, f.what) for f in ld.interpret(d1, d3, morphisms={"t": "s"}).failures()] == [("law", "twice")]


def test_goals_on_data_are_equations_after_it_and_need_a_proof_for_each():
    d1 = ld.loads("object S, A\ndata x : S -> A\ndata y : S -> A\nmodel f : A -> A\ngoal g : f = id(A) on x, y")
    assert len(ld.interpret(d1, d1).proofs()["g"]) == 2
    d2 = ld.loads("object S, A\ndata x : S -> A\ndata y : S -> A\nmodel f : A -> A\ngoal g : f = id(A) on x")
    assert [(f.kind, f.what) for f in ld.interpret(d1, d2).failures()] == [("goal", "g")]
    assert ld.interpret(d2, d1).failures() == []


ROLES = """
object S, A
data   d : S -> A
noise  z : S -> A = normal(2)
noise  w : S -> A = shuffle(d)
model  m : A -> A
frozen t : A -> A
fixed  k : A -> A
model  e : A -> A = ema(m)
map    n : A -> A
"""

DATA = "; data go to composites of data and fixed maps"
MODEL = "; a model goes to a composite of maps, at least one of them with parameters"
FROZEN = "; a frozen map goes to a composite of maps, at least one of them with parameters"
AVERAGE = "; an average goes to averages of the models in the image of what it follows"
FIXED = "; a fixed map goes to a composite of fixed maps"


@pytest.mark.parametrize(
    ("name", "image", "message"),
    [
        ("d", "d >> k", None),
        ("d", "z", "`d` is data in D, but its image `z` has `z` in it, which is noise in D" + DATA),
        ("d", "d >> m", "`d` is data in D, but its image `d >> m` has `m` in it, which is a model in D" + DATA),
        ("z", "d", "`z` is noise in D, but its image `d` has `d` in it, which is data in D; noise goes to noise"),
        ("z", "w", "`z` is noise in D, but its image `w` is shuffle(d); noise goes to noise of the same kind, normal"),
        ("w", "z", "`w` is noise in D, but its image `z` is normal(2); noise goes to noise of the same kind, shuffle"),
        ("m", "t", "`e` is an average in D, but its image `e` does not average `t`, the image of `m`" + AVERAGE),
        ("m", "id(A)", "`m` is a model in D, but its image `id(A)` has no map with parameters in it" + MODEL),
        ("m", "k", "`m` is a model in D, but its image `k` has no map with parameters in it" + MODEL),
        ("t", "k >> e >> n", None),
        ("t", "k >> k", "`t` is a frozen map in D, but its image `k >> k` has no map with parameters in it" + FROZEN),
        ("k", "id(A)", None),
        ("k", "k >> k", None),
        ("k", "k >> t", "`k` is a fixed map in D, but its image `k >> t` has `t` in it, which is a frozen map in D"
         + FIXED),
        ("e", "m", "`e` is an average in D, but its image `m` has `m` in it, which is a model in D" + AVERAGE),
        ("n", "m >> t", None),
    ],
)  # fmt: skip
def test_each_role_goes_where_it_may(name, image, message):
    d = ld.loads("diagram D" + ROLES)
    failures = ld.interpret(d, d, morphisms={name: image}).failures()
    assert {failure.kind for failure in failures} <= {"role"}
    assert [str(f) for f in failures if f.what in (name, "e")][:1] == ([message] if message else [])


def test_an_average_goes_to_the_average_of_a_composite():
    d1 = ld.loads("object A\nmodel m : A -> A\nmodel e : A -> A = ema(m)")
    d2 = ld.loads("""
        object A
        model p : A -> A
        model q : A -> A
        fixed k : A -> A
        model r : A -> A = ema(p)
        model s : A -> A = ema(q)
    """)
    assert ld.interpret(d1, d2, morphisms={"m": "p >> k >> q", "e": "r >> k >> s"}).failures() == []
    for wrong in ("s >> k >> r", "r >> s", "r >> k >> r", "k >> r >> s"):
        assert [
            f.kind for f in ld.interpret(d1, d2, morphisms={"m": "p >> k >> q", "e": wrong}).failures()
        ] == ["role"]  # fmt: skip


def test_sample_objects_go_to_sample_objects_and_values_to_values():
    d1 = ld.loads("diagram D\nobject S, T, A\ndata x : S -> A\ndata y : T -> A\nmodel f : A -> A")
    pure = ld.loads("diagram P\nobject S, A\nmap x : S -> A")
    d2 = ld.loads("diagram E\nobject S, A, B\ndata x : S -> A\nmodel f : A -> A")
    (failure,) = ld.interpret(d1, d2, {"T": "B"}, {"y": "x"}).failures()[1:]
    assert str(failure) == "`T` is a sample object of D, but its image B is none of E"
    assert ld.interpret(d1, d2, {"T": "S"}, {"y": "x"}).failures() == []
    assert ld.interpret(pure, d2).failures() == []  # an object without a role may be a sample object
    ends = ld.interpret(ld.loads("diagram F\nobject A\nmodel f : A -> A"), d2, {"A": "S"}, {"f": "id(S)"}).failures()
    assert "`A` holds values in F, but its image S is a sample object, which holds none" in map(str, ends)


def test_a_game_is_carried_to_the_game_that_is_played():
    assert ld.interpret(gan, gan).failures() == []
    longer = GAN.replace("z >> gen", "z >> gen >> mine").replace("model judge", "model mine : X -> X\nmodel judge")
    other = ld.loads(longer)
    i = ld.interpret(gan, other, morphisms={"gen": "gen >> mine"})
    # The image of gen is moved by the goal as a whole, in the other it is not.
    assert [str(f) for f in i.failures()] == [
        "goal `fool` plays against another, so that nothing proves it; GAN would have to play its image "
        "`z >> gen >> mine >> judge = drop(S) >> one` by `gen`, `mine`, and does not"
    ]
    moved = ld.loads(str(other).replace("train gen", "train gen, mine"))
    assert ld.interpret(gan, moved, morphisms={"gen": "gen >> mine"}).failures() == []
    without = ld.loads("\n".join(line for line in GAN.splitlines() if "fool" not in line))
    assert [(f.kind, f.what) for f in ld.interpret(gan, without).failures()] == [("goal", "fool")]
    # Where nobody plays, a goal is an equation like any other.
    assert ld.interpret(without, gan).failures()[0].what == "fake"


def test_interpretations_compose():
    i = ld.interpret(supervised, distillation, OBJECTS, IN_DISTILLATION)
    both = i >> ld.Interpretation.identity(distillation)
    assert isinstance(both, ld.Interpretation) and both == i and both.failures() == []
    assert repr(both) == "<Interpretation of Supervised in Distillation>"


# The search -------------------------------------------------------------------------------------------------


def test_what_is_found_in_what():
    table = {
        (a.name, b.name): len(ld.interpretations(a, b))
        for a in (supervised, autoencoder, lens)
        for b in (distillation, cycles, lens)
    }
    assert table == {
        ("Supervised", "Distillation"): 2,  # the student, and by both goals the teacher
        ("Supervised", "Cycles"): 2,  # x and y are one: f is a cycle
        ("Supervised", "Lens"): 2,  # get, and getput with x = y
        ("Autoencoder", "Distillation"): 0,
        ("Autoencoder", "Cycles"): 4,
        ("Autoencoder", "Lens"): 1,
        ("Lens", "Distillation"): 0,
        ("Lens", "Cycles"): 4,
        ("Lens", "Lens"): len(ld.interpretations(lens, lens)),
    }
    found = ld.interpretations(autoencoder, cycles, max_length=1)
    assert [tables(i) for i in found] == [
        {"x": "a", "enc": "ab", "dec": "ba"}, {"x": "b", "enc": "ba", "dec": "ab"},
    ]  # fmt: skip
    assert found.complete and found.reason == "" and len(found.up_to_symmetry()) == 1
    assert all(i.failures() == [] for i in found)
    for i in found:
        i.proofs()["rec"][0].check()


def test_distinct_things_may_be_asked_to_stay_distinct():
    assert len(ld.interpretations(supervised, cycles)) == 2 and not ld.interpretations(
        supervised, cycles, distinct=True
    )
    assert len(ld.interpretations(supervised, distillation, distinct=True)) == 2
    pairs = ld.loads("object S, T, A\ndata x : S -> A\ndata y : T -> A\nmodel f : A -> A\nmodel g : A -> A")
    every = ld.interpretations(pairs, pairs, max_length=1)
    apart = ld.interpretations(pairs, pairs, max_length=1, distinct=True)
    assert (len(every), len(apart)) == (16, 4) and set(apart) < set(every)


def test_the_classifier_in_a_lens_is_get():
    found = ld.interpretations(supervised, lens, max_length=1)
    assert [tables(i) for i in found] == [{"x": "state", "y": "view", "f": "get"}]


def test_symmetries_are_told_apart_and_put_together():
    d = ld.loads(CYCLES)
    assert [tables(i) for i in symmetries(d)] == [
        {"a": "a", "b": "b", "ab": "ab", "ba": "ba"}, {"a": "b", "b": "a", "ab": "ba", "ba": "ab"},
    ]  # fmt: skip
    two = ld.loads("object A\nmodel f : A -> A\nmodel g : A -> A")
    found = ld.interpretations(two, two, max_length=1)
    assert len(found) == 4 and [len(group) for group in found.up_to_symmetry()] == [2, 2]


def test_the_longest_images_are_as_long_as_is_said():
    d1 = ld.loads("object A\nmodel f : A -> A")
    d2 = ld.loads("object A\nmodel f : A -> A\nmodel g : A -> A\nfixed k : A -> A")
    for length, count in ((0, 0), (1, 2), (2, 2 + 8), (3, 2 + 8 + 26)):
        found = ld.interpretations(d1, d2, max_length=length)
        assert len(found) == count and found.complete
    d3 = ld.loads("object A\nmodel f : A * A -> A")
    # Of x, y: f at each pair of variables for two arguments; one shared argument applied once, then f again.
    assert len(ld.interpretations(d1, d3, max_length=1)) == 1 and len(ld.interpretations(d3, d3, max_length=1)) == 4
    assert {str(i("f")) for i in ld.interpretations(d1, d3, max_length=2)} == {
        "id(A) & id(A) >> f".replace("id(A) & id(A)", "(id(A) & id(A))"),
        "(id(A) & (id(A) & id(A)) >> f) >> f",
        "((id(A) & id(A)) >> f & id(A)) >> f",
        "((id(A) & id(A)) >> f & (id(A) & id(A)) >> f) >> f",
    }


def test_images_that_the_laws_make_equal_are_one():
    d1 = ld.loads("object A\nmodel f : A -> A")
    d2 = ld.loads("object A\nmodel e : A -> A\nlaw e >> e = e")
    assert [tables(i) for i in ld.interpretations(d1, d2, max_length=3)] == [{"f": "e"}]


def test_products_constants_and_objects_alone():
    d1 = ld.loads("object A, B\nmodel one : 1 -> A\nmodel pair : A -> A * A")
    d2 = ld.loads("object A, C\nmodel c : 1 -> C\nmodel s : C -> C * C")
    found = ld.interpretations(d1, d2, max_length=1)
    # B goes anywhere; pair's outputs are chosen each for itself: id, c, and the two outputs of s.
    assert len(found) == 2 * (4 * 4 - 1) and found.complete
    swap = ld.loads("object A\nmap s : A * A -> A * A\nlaw s >> s = id(A * A)")
    assert {str(i("s")) for i in ld.interpretations(swap, swap, max_length=0)} == {
        "id(A * A)", "proj(A * A, 1) & proj(A * A, 0)",
    }  # fmt: skip


def test_what_a_shuffle_or_an_average_follows_is_itself_and_not_what_the_laws_make_equal():
    d = ld.loads("""
    object S, X
    data  one   : S -> X
    data  other : S -> X
    noise mixed : S -> X = shuffle(other)
    model f : X -> X
    model g : X -> X
    model slow : X -> X = ema(g, decay=0.9)
    law one = other
    """)
    found = ld.interpretations(d, d, max_length=1)
    assert found.complete and any(i.equals(ld.Interpretation.identity(d)) for i in found)


def test_laws_of_no_generator_are_judged_when_their_objects_are_chosen():
    d1 = ld.loads("object A\nlaw p : proj(A * A, 0) = proj(A * A, 1)")
    assert len(ld.interpretations(d1, ld.loads("object A"))) == 0
    d2 = ld.loads("object A, B\nlaw p : proj(A * A, 0) = proj(A * A, 1)")
    assert [str(i("A")) for i in ld.interpretations(d1, d2)] == ["A"]
    # An object that a law mentions and no generator touches.
    d3 = ld.loads("object A, B\nmap c : 1 -> B\nmap d : 1 -> B\nlaw k : drop(A) >> c = drop(A) >> d")
    assert ld.interpretations(d3, d3)[0].failures() == []


def test_games_are_found_and_are_not_found_where_nobody_plays():
    found = ld.interpretations(gan, gan)
    assert [tables(i) for i in found] == [{name: name for name in gan.generators}]
    without = ld.loads("\n".join(line for line in GAN.splitlines() if "fool" not in line))
    assert len(ld.interpretations(gan, without)) == 0 and len(ld.interpretations(without, gan)) == 0


def test_limits_are_said():
    d1 = ld.loads("diagram D\nobject A\n" + "\n".join(f"map f{i} : A -> A" for i in range(8)))
    few = ld.interpretations(d1, d1, limit=5)
    assert len(few) == 5 and not few.complete and few.reason == "the search was stopped after 5 interpretations"
    assert repr(few) == "<5 interpretations of D in D, not known to be all>"
    none = ld.interpretations(d1, d1, max_seconds=0)
    assert len(none) == 0 and none.reason == "the search was not finished within 0 seconds"
    wrongs: list[Any] = [-1, 1.5, True, "2"]
    for wrong in wrongs:
        with pytest.raises(ld.DiagramError, match="max_length is a whole number"):
            ld.interpretations(d1, d1, max_length=wrong)


def test_what_is_not_decided_is_none_of_them_and_keeps_the_answer_open(monkeypatch):
    import learningdiagrams.interpretation.search as search

    monkeypatch.setattr(search, "EQUATION_SECONDS", 0.0)
    d = ld.loads("diagram D\nobject A\nmap f : A -> A\nlaw l : f >> f = f")
    found = ld.interpretations(d, d)
    assert not found.complete and found.reason.startswith("not decided in time: law `l`: ")
    assert all(i.failures() == [] for i in found)


@settings(deadline=None, max_examples=25)
@given(diagrams())
def test_every_diagram_is_found_in_itself_and_whatever_is_found_is_an_interpretation(d):
    identity = ld.Interpretation.identity(d)
    assert [f for f in identity.failures(max_seconds=2) if f.kind != "undecided"] == []
    found = ld.interpretations(d, d, max_length=1, max_seconds=2, limit=20)
    for i in found[:5]:
        assert [f for f in i.failures(max_seconds=1) if f.kind != "undecided"] == []
    if found.complete:
        # Itself, or something that the laws make equal to it.
        assert any(i.equals(identity, max_seconds=1) is not False for i in found)


@settings(deadline=None, max_examples=20)
@given(st.lists(st.sampled_from(["f >> f = f", "f >> g = g >> f", "g >> g = id(A)", "f = g"]), max_size=2, unique=True))
def test_the_search_finds_what_trying_all_finds(laws):
    """Against brute force: all pairs of paths up to length 2, judged one by one."""
    d1 = ld.loads("object A\nmap f : A -> A\nmap g : A -> A\n" + "".join(f"law {law}\n" for law in laws))
    d2 = ld.loads("object A\nmap f : A -> A\nmap g : A -> A\nlaw f >> g = id(A)")
    paths = ["id(A)", "f", "g", "f >> f", "f >> g", "g >> f", "g >> g"]
    paths.remove("f >> g")  # the identity again
    tried = {
        (p, q) for p in paths for q in paths if not ld.interpret(d1, d2, morphisms={"f": p, "g": q}).failures()
    }  # fmt: skip
    assert {(str(i("f")), str(i("g"))) for i in ld.interpretations(d1, d2, max_length=2)} == tried
