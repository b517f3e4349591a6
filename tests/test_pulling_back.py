"""Interpretations and numbers: parts pulled back from a trained whole, and the shapes that are declared."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import learningdiagrams as ld

from .test_interpretation import SUPERVISED, array, tables

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
