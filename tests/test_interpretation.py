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


# Pulling back -----------------------------------------------------------------------------------------------

WHOLE = """
diagram Whole
object S, A[3], M[4], B[2]
data   x : S -> A
data   y : S -> B
model  body : A -> M = mlp(3, 5, 4)
model  head : M -> B = linear(4, 2)
model  slow : A -> M = ema(body, decay=0.5)
model  tail : M -> B = ema(head, decay=0.5)
frozen other : A -> M = linear(3, 4)
goal  fit : x >> body >> head = y
goal  steady : x >> body = x >> slow
goal  known : x >> other >> head = y
"""
PART = """
diagram Part
object S, A[3], B[2]
data   x : S -> A
data   y : S -> B
model  f : A -> B
frozen g : A -> B
model  e : A -> B = ema(f, decay=0.5)
goal   fit : x >> f = y by l1
measure m : x >> g = y by mse
measure n : x >> e = y by mse
"""
BATCH = {"x": np.linspace(-1, 1, 12).reshape(4, 3).astype("float32"), "y": np.ones((4, 2), "float32")}


@pytest.fixture(params=["torch", "jax"])
def backend(request):
    return request.param


def test_a_trained_whole_gives_a_trained_part_that_is_its_own(backend):
    d1, d2 = ld.loads(PART), ld.loads(WHOLE)
    i = ld.interpret(d1, d2, morphisms={"f": "body >> head", "g": "other >> head", "e": "slow >> tail"})
    assert i.failures() == []
    c2 = d2.compile(backend)
    c2.fit(BATCH, epochs=3, batch_size=4, lr=0.1)
    c1 = i.pull(c2)
    assert c1.diagram is d1 and c1.backend == backend and c1.step == 3
    for morphism, image in (("f", "body >> head"), ("g", "other >> head"), ("e", "slow >> tail")):
        np.testing.assert_allclose(array(c1.apply(morphism, BATCH["x"])), array(c2.apply(image, BATCH["x"])), rtol=1e-6)
    mine, theirs = c1.parameters(), i.pull(c2.parameters())
    assert {n: list(t) for n, t in mine.items()} == {n: list(t) for n, t in theirs.items()}
    assert list(mine["f"]) == [
        *(f"body.{n}.{w}" for n in (0, 2) for w in ("weight", "bias")),
        "head.weight",
        "head.bias",
    ]
    for name, table in mine.items():
        for key, value in table.items():
            assert np.array_equal(array(value), array(theirs[name][key])), (name, key)
    before = {name: {k: array(v).copy() for k, v in t.items()} for name, t in c2.parameters().items()}
    again = ld.Interpretation.identity(d1).pull(c1)  # what was pulled back is pulled back as well
    assert again.evaluate(BATCH) == pytest.approx(c1.evaluate(BATCH), rel=1e-5)
    c1.fit(BATCH, epochs=2, batch_size=4, lr=0.1)
    after = c1.parameters()
    assert not np.array_equal(array(after["f"]["head.weight"]), array(mine["f"]["head.weight"]))
    assert np.array_equal(array(after["g"]["head.weight"]), array(mine["g"]["head.weight"]))  # frozen has its own
    e, f = (array(after[name]["head.weight"]) for name in "ef")
    assert not np.array_equal(e, f) and not np.array_equal(e, array(mine["e"]["head.weight"]))
    for name, table in c2.parameters().items():
        for key, value in table.items():
            assert np.array_equal(array(value), before[name][key])


def test_gradients_of_the_part_are_those_of_the_whole(backend):
    d1 = ld.loads(SUPERVISED.replace("by cross_entropy", "").replace("x : S", "x : S").replace("Y\n", "Y\n"))
    d2 = ld.loads("\n".join(line for line in WHOLE.splitlines() if "goal" not in line or "fit" in line))
    i = ld.interpret(d1, d2, {"X": "A", "Y": "B"}, {"f": "body >> head"})
    c2 = d2.compile(backend)
    value, gradients = i.pull(c2).value_and_grad(BATCH)
    expected, whole = c2.value_and_grad(BATCH)
    assert float(array(value)) == pytest.approx(float(array(expected)))
    for name in ("body", "head"):
        for key, gradient in whole[name].items():
            np.testing.assert_allclose(array(gradients["f"][f"{name}.{key}"]), array(gradient), rtol=1e-5, atol=1e-7)


def test_maps_that_share_a_part_share_it_still_and_a_repeated_part_counts_once(backend):
    d1 = ld.loads("""
        object S, A
        data  x : S -> A
        model f : A -> A
        model g : A -> A
        goal  both : x >> f = x >> g
    """)
    d2 = ld.loads("""
        object S, A[2]
        data  x : S -> A
        model e : A -> A = linear(2, 2)
        model h : A -> A = linear(2, 2)
        goal  same : x >> e >> e = x >> e >> h
    """)
    i = ld.interpret(d1, d2, morphisms={"f": "e >> e", "g": "e >> h"})
    c2, batch = d2.compile(backend), {"x": np.array([[1.0, 2.0], [0.5, -1.0]], "float32")}
    c1 = i.pull(c2)
    assert list(c1.parameters()["f"]) == ["e.weight", "e.bias"]
    _, whole = c2.value_and_grad(batch)
    _, part = c1.value_and_grad(batch)
    for table in (part["f"], part["g"]):  # one parameter held by two maps: each shows the whole gradient
        np.testing.assert_allclose(array(table["e.weight"]), array(whole["e"]["weight"]), rtol=1e-5)
    c1.fit(batch, steps=2, batch_size=2, lr=0.1)
    f, g = c1.parameters()["f"], c1.parameters()["g"]
    assert np.array_equal(array(f["e.weight"]), array(g["e.weight"]))


def test_stops_constants_and_several_inputs_and_outputs_are_maps_too(backend):
    d1 = ld.loads("""
        object S, A
        data  x : S -> A
        model c : 1 -> A
        model s : A -> A * A
        model p : A * A -> A
        model k : A -> A
        goal  one : x >> s >> p = x
        goal  two : x >> k = x
        goal  three : c = c by cosine
    """)
    d2 = ld.loads("""
        object S, A[2]
        data  x : S -> A
        model b : 1 -> A = constant(1, 2)
        model e : A -> A = linear(2, 2)
        model h : A -> A = linear(2, 2)
        fixed add : A * A -> A = add
        goal  one : x >> e = x
        goal  two : x >> (e & h) >> add = x
        goal  three : x >> drop(A) >> b = x
    """)
    morphisms = {"c": "b >> e", "s": "stop(e) & h", "p": "add >> id(A) >> e", "k": "drop(A) >> b >> h"}
    batch = {"x": np.array([[1.0, 2.0], [0.5, -1.0], [0.0, 3.0]], "float32")}
    i = ld.interpret(d1, d2, morphisms=morphisms)
    # Not what the goals prove: pulled back are only interpretations.
    assert {f.kind for f in i.failures()} <= {"goal", "undecided"} and i.failures()
    c2 = d2.compile(backend)
    with pytest.raises(ld.DiagramError, match="is none, so that nothing is pulled back along it: goal `two`"):
        i.pull(c2)
    free = ld.loads("\n".join(line for line in str(d1).splitlines() if not line.startswith("goal")) + """
        measure one : x >> s >> p = x by mse
        measure two : x >> k = x by mse
        measure three : c = c by mse""")  # fmt: skip
    i = ld.interpret(free, d2, morphisms=morphisms)
    c1 = i.pull(c2)
    for name, image in morphisms.items():
        values = {"c": (), "p": (batch["x"], -batch["x"])}.get(name, (batch["x"],))
        mine, theirs = c1.apply(name, *values), c2.apply(image, *values)
        pairs = zip(mine, theirs, strict=True) if isinstance(mine, tuple) else [(mine, theirs)]
        for one, two in pairs:
            np.testing.assert_allclose(array(one), np.broadcast_to(array(two), array(one).shape), rtol=1e-6)
    assert array(c1.apply("k", batch["x"])).shape == (3, 2) and array(c1.apply("c")).shape == (2,)


def test_no_gradient_passes_a_stop_within_an_image(backend):
    d1 = ld.loads("object S, A\ndata x : S -> A\nmodel f : A -> A\ngoal one : x >> f = x")
    d2 = ld.loads("""
        object S, A[2]
        data  x : S -> A
        model e : A -> A = linear(2, 2)
        model h : A -> A = linear(2, 2)
        goal  one : x >> stop(e) >> h = x
    """)
    c2, batch = d2.compile(backend), {"x": np.ones((3, 2), "float32")}
    _, gradients = ld.interpret(d1, d2, morphisms={"f": "stop(e) >> h"}).pull(c2).value_and_grad(batch)
    assert not array(gradients["f"]["e.weight"]).any() and array(gradients["f"]["h.weight"]).any()


def test_a_model_may_be_what_the_whole_holds_frozen_and_a_frozen_map_what_it_trains(backend):
    d1 = ld.loads("object S, A\ndata x : S -> A\nmodel f : A -> A\nfrozen t : A -> A\ngoal one : x >> f = x >> t")
    d2 = ld.loads("""
        object S, A[2]
        data   x : S -> A
        model  e : A -> A = linear(2, 2)
        frozen t : A -> A = linear(2, 2)
        goal   one : x >> e = x >> t
    """)
    c2, batch = d2.compile(backend), {"x": np.array([[1.0, 2.0], [0.5, -1.0]], "float32")}
    c1 = ld.interpret(d1, d2, morphisms={"f": "t", "t": "e"}).pull(c2)
    assert float(array(c1.loss(batch).total)) == pytest.approx(float(array(c2.loss(batch).total)))
    before = c1.parameters()
    c1.fit(batch, steps=3, lr=0.1)
    after = c1.parameters()
    assert not np.array_equal(array(before["f"]["weight"]), array(after["f"]["weight"]))
    assert np.array_equal(array(before["t"]["weight"]), array(after["t"]["weight"]))
    both = ld.interpret(d1, d2, morphisms={"f": "e", "t": "e"}).pull(c2)  # one map twice: as model and as frozen
    both.fit(batch, steps=3, lr=0.1)
    assert np.array_equal(array(both.parameters()["t"]["weight"]), array(c2.parameters()["e"]["weight"]))


def test_buffers_come_along_and_modes_are_those_of_the_part():
    import torch

    d1 = ld.loads("object S, A\ndata x : S -> A\nmodel f : A -> A\ngoal one : x >> f = x")
    d2 = ld.loads("object S, A\ndata x : S -> A\nmodel e : A -> A\nmodel n : A -> A\ngoal one : x >> e >> n = x")
    batch = {"x": np.random.default_rng(0).normal(size=(8, 2)).astype("float32")}
    i = ld.interpret(d1, d2, morphisms={"f": "e >> n"})
    for backend in ("torch", "jax"):
        c2 = d2.compile(backend, maps={"e": torch.nn.Linear(2, 2), "n": torch.nn.BatchNorm1d(2)})
        c2.fit(batch, epochs=3, batch_size=4)
        c1 = i.pull(c2)
        assert float(array(c1.loss(batch).total)) == pytest.approx(float(array(c2.loss(batch).total)), rel=1e-5)
        before = {key: array(value).copy() for key, value in c1.maps.buffers()["f"].items()}
        assert {key.removeprefix("n.") for key in before} == {"running_mean", "running_var", "num_batches_tracked"}
        c1.fit(batch, epochs=1, batch_size=4)
        assert int(c1.maps.buffers()["f"]["n.num_batches_tracked"]) == int(before["n.num_batches_tracked"]) + 2
        assert int(c2.maps.buffers()["n"]["num_batches_tracked"]) == int(before["n.num_batches_tracked"])


def test_weights_tied_in_the_whole_are_tied_in_the_part():
    import torch

    d1 = ld.loads("object S, A\ndata x : S -> A\nmodel f : A -> A\nmodel g : A -> A\ngoal one : x >> f >> g = x")
    d2 = ld.loads("object S, A\ndata x : S -> A\nmodel e : A -> A\nmodel h : A -> A\ngoal one : x >> e >> h = x")
    first, second = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    second.weight = first.weight
    i = ld.interpret(d1, d2, morphisms={"f": "e", "g": "h"})
    for backend in ("torch", "jax"):
        c1 = i.pull(d2.compile(backend, maps={"e": first, "h": second}))
        c1.fit({"x": np.ones((4, 2), "float32")}, steps=2, lr=0.1)
        after = c1.parameters()
        assert np.array_equal(array(after["f"]["weight"]), array(after["g"]["weight"]))
        assert not np.array_equal(array(after["f"]["bias"]), array(after["g"]["bias"]))


def test_what_was_pulled_is_saved_and_restored_and_on_jax_written_back(backend, tmp_path):
    d1, d2 = ld.loads(SUPERVISED.replace("by cross_entropy", "")), ld.loads(WHOLE)
    i = ld.interpret(d1, d2, {"X": "A", "Y": "B"}, {"f": "body >> head"})
    c1, other = i.pull(d2.compile(backend)), i.pull(d2.compile(backend, seed=1))
    c1.save(tmp_path / "f.safetensors")
    other.restore(tmp_path / "f.safetensors")
    value = array(c1.apply("f", BATCH["x"]))
    np.testing.assert_array_equal(array(other.apply("f", BATCH["x"])), value)
    if backend == "jax":
        params, apply = c1.write_back()["f"]
        np.testing.assert_allclose(np.asarray(apply(params, BATCH["x"])), value, rtol=1e-6)
        again = d1.compile("jax", maps={"f": (params, apply)})
        np.testing.assert_allclose(np.asarray(again.apply("f", BATCH["x"])), value, rtol=1e-6)


def test_what_is_not_pulled_back_is_said():
    d1, d2 = ld.loads(SUPERVISED), ld.loads(WHOLE)
    i = ld.interpret(d1, d2, {"X": "A", "Y": "B"}, {"f": "body >> head"})
    with pytest.raises(
        ld.DiagramError,
        match=r"is pulled back along interpretations in Part, not along <Interpretation of Supervised in Whole>",
    ):
        i.pull(ld.loads(PART).compile("torch", maps={"f": lambda x: x[:, :2], "g": lambda x: x[:, :2]}))
    # An equal diagram is as good as the same.
    assert i.pull(ld.loads(WHOLE).compile("torch")).diagram is d1
    with pytest.raises(ld.DiagramError, match="3 is nothing to pull back: that is a compiled diagram, parameters or"):
        i.pull(3)
    with pytest.raises(ld.DiagramError, match="there is no generator `boddy` in Whole; did you mean `body`"):
        i.pull({"boddy": {}})
    pair = ld.loads("diagram Pair\nobject A, B\nmodel f : A -> B")
    split = ld.loads("diagram Split\nobject X, Y\nmodel g : X * X -> Y")
    product = ld.interpret(pair, split, {"A": split["X"] * split["X"], "B": "Y"}, {"f": "g"})
    assert product.failures() == []
    with pytest.raises(ld.DiagramError, match=r"sends `A` to X \* X; a compiled diagram holds one array"):
        product.pull(split.compile("torch", maps={"g": lambda a, b: a + b}))


# Shapes -----------------------------------------------------------------------------------------------------

STUDENT = """
diagram Student
object S, I[2], L[3]
data  x : S -> I
data  y : S -> L
model student : I -> L = mlp(2, 3)
goal  fit : x >> student = y by cross_entropy
"""
HEADS = """
diagram Heads
object S, P[2], L[3]
data  x : S -> P
data  y : S -> L
model backbone : P -> L = mlp(2, 3)
model head : L -> L = linear(3, 3)
goal  fit : x >> backbone = y by cross_entropy
goal  hd : x >> backbone >> head = y by cross_entropy
"""


def test_what_is_found_fits_the_declared_shapes(backend):
    d1, d2 = ld.loads(STUDENT), ld.loads(HEADS)
    found = ld.interpretations(d1, d2, max_length=2)
    assert [tables(i)["student"] for i in found] == ["backbone", "backbone >> head"] and found.complete
    for i in found:
        i.pull(d2.compile(backend))
    free = ld.loads(STUDENT.replace("I[2], L[3]", "I, L"))
    assert len(ld.interpretations(free, d2, max_length=2)) == 4


@pytest.mark.parametrize(
    ("mine", "theirs", "message"),
    [
        ("A[2], B[3]", "A[2], B[3]", None),
        ("A, B", "A[2], B[3] int", None),
        ("A[2], B[3]", "A, B", None),
        ("A[n], B[n]", "A[2], B[2]", None),
        ("A[n], B[m]", "A[k], B[k]", None),
        ("A[n], B[3]", "A[3], B[n]", None),  # names of the two are not the same names
        ("A[2], B[3]", "A[2], B[4]", "`B` is declared [3] in D, but its image B is declared [4] in E"),
        ("A[2], B[]", "A[2], B[1]", "`B` is declared [] in D, but its image B is declared [1] in E"),
        ("A[2], B[3] int", "A[2], B[3]", "`B` is declared [3] int in D, but its image B is declared [3] in E"),
        ("A, B int", "A, B[3] bool", "`B` is declared int in D, but its image B is declared [3] bool in E"),
        ("A[n], B[n]", "A[2], B[3]",
         "`B` is declared [n] in D, but its image B is declared [3] in E (n is 2 elsewhere)"),
        ("A[2], B[3]", "A[k], B[k]",
         "`B` is declared [3] in D, but its image B is declared [k] in E (k is 2 elsewhere)"),
    ],
)  # fmt: skip
def test_declared_shapes_and_kinds_of_an_object_and_its_image_unify(mine, theirs, message):
    d1, d2 = (ld.loads(f"diagram {n}\nobject S, {o}\nmap f : A -> B") for n, o in (("D", mine), ("E", theirs)))
    failures = ld.interpret(d1, d2).failures()
    assert [(f.kind, f.what, str(f)) for f in failures] == ([("shape", "B", message)] if message else [])
    assert len(ld.interpretations(d1, d2, max_length=1)) >= (message is None)
    assert all(not i.failures() for i in ld.interpretations(d1, d2, max_length=1))


def test_an_object_with_a_shape_goes_to_no_product():
    d1, d2 = ld.loads("diagram D\nobject A[4]\nmap f : A -> A"), ld.loads("object A[2]\nmap g : A * A -> A * A")
    (failure,) = ld.interpret(d1, d2, {"A": "A * A"}, {"f": "g"}).failures()
    assert (
        str(failure) == "`A` is declared [4] in D, but its image A * A is no single object, so that it has no one shape"
    )
    assert (failure.kind, failure.what) == ("shape", "A")


def test_noise_goes_to_noise_of_its_shape():
    text = "diagram D\nobject S, Z\nnoise z : S -> Z = normal(5)\nmodel f : Z -> Z"
    d1, d2 = ld.loads(text), ld.loads(text.replace("(5)", "(4)").replace(" D\n", " E\n"))
    (failure,) = ld.interpret(d1, d2).failures()
    assert str(failure) == "`z` is declared [5] in D, but its image z is declared [4] in E"
    assert len(ld.interpretations(d1, d2)) == 0 and len(ld.interpretations(d1, d1, max_length=1)) == 1


@pytest.mark.parametrize(
    ("objects", "by", "message"),
    [
        ("X[2], Y[5]", "mse", None),
        ("X, Y[7]", "mse", None),  # what goes into f is not known, so neither is what comes out
        ("X[2], Y[7]", "mse",
         "goal `fit`, at x >> f: `f` gives [5], but Y is declared [7] (`f` goes to `p >> q` in E)"),
        ("X[3], Y[5]", "mse", "goal `fit`, at x >> f: `f`: "),
        ("X[2], Y", "cross_entropy", None),
    ],
)  # fmt: skip
def test_layers_of_undeclared_objects_say_their_shapes(objects, by, message):
    d1 = ld.loads(f"diagram D\nobject S, {objects}\ndata x : S -> X\ndata y : S -> Y\nmodel f : X -> Y\n"
                  f"goal fit : x >> f = y by {by}")  # fmt: skip
    d2 = ld.loads("""
        diagram E
        object S, X, M, Y
        data x : S -> X
        data y : S -> Y
        model p : X -> M = linear(2, 4)
        model q : M -> Y = linear(4, 5)
        goal fit : x >> p >> q = y
    """)
    failures = ld.interpret(d1, d2, morphisms={"f": "p >> q"}).failures()
    assert [(f.kind, f.what) for f in failures] == ([("shape", "f")] if message else [])
    assert all(message in str(f) for f in failures)
    assert len(ld.interpretations(d1, d2)) == (message is None)


def test_a_layer_says_what_it_gives_where_nothing_is_known_of_what_it_takes():
    d1 = ld.loads("object S, X, Y[7]\ndata x : S -> X\ndata y : S -> Y\nmodel f : X -> Y\ngoal g : x >> f = y")
    d2 = ld.loads(str(d1).replace("Y[7]", "Y").replace("f : X -> Y", "f : X -> Y = linear(2, 5)"))
    (failure,) = ld.interpret(d1, d2).failures()
    assert (
        (failure.kind, failure.what) == ("shape", "f")
        and "`f` gives" in str(failure)
        and "Y is declared [7]" in str(failure)
    )
    assert len(ld.interpretations(d1, d2)) == 0


def test_classes_need_an_axis_of_them():
    d1 = ld.loads(
        "object S, X, Y\ndata x : S -> X\ndata y : S -> Y\nmodel f : X -> Y\ngoal g : x >> f = y by cross_entropy"
    )
    d2 = ld.loads(
        "object S, X[2], Y[1]\ndata x : S -> X\ndata y : S -> Y\nmodel f : X -> Y = linear(2, 1)\ngoal g : x >> f = y"
    )
    shaped = ld.loads(str(d1).replace("object S, X, Y", "object S, X[2], Y[n]"))
    (failure,) = ld.interpret(shaped, d2).failures()
    assert (failure.kind, failure.what) == ("shape", "g") and "compares classes along the last axis" in str(failure)


@st.composite
def shaped(draw, realised):
    """A small supervised diagram on objects of random shapes; its maps fit the numbers, where it is realised."""
    sizes = [draw(st.integers(1, 3)) for _ in range(3)]
    words = [draw(st.sampled_from(("", f"[{size}]", f"[n{size}]"))) for size in sizes]
    text = "object S, " + ", ".join(f"{name}{word}" for name, word in zip("XMY", words, strict=True))
    text += "\ndata x : S -> X\ndata y : S -> Y"
    for name, dom, cod in (("f", 0, 1), ("g", 1, 2)):
        layer = f" = linear({sizes[dom]}, {sizes[cod]})" if realised else ""
        text += f"\nmodel {name} : {'XMY'[dom]} -> {'XMY'[cod]}{layer}"
    by = draw(st.sampled_from(("mse", "cross_entropy"))) if not realised or sizes[2] > 1 else "mse"
    return ld.loads(text + f"\ngoal fit : x >> f >> g = y by {by}")


@pytest.mark.parametrize("name", ["torch", "jax"])
@settings(deadline=None, max_examples=15)
@given(d1=shaped(False), d2=shaped(True))
def test_what_has_no_failures_is_pulled_back(name, d1, d2):
    compiled = d2.compile(name)
    same = ld.interpret(d1, d2)
    found = ld.interpretations(d1, d2, max_length=2)
    assert (same in found) == (same.failures() == [])
    for i in found:
        assert i.failures() == []
        i.pull(compiled)
    for failure in same.failures():  # and what has some is not
        assert failure.kind == "shape"
        with pytest.raises(ld.DiagramError, match="nothing is pulled back"):
            same.pull(compiled)
