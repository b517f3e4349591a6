"""Laws of edits, on random diagrams and on both backends.

An edit taken back leaves what there was, diagram and numbers; what only renames or splits leaves the loss; restricting
is left inverse to gluing; the functor of an edit is an interpretation.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import learningdiagrams as ld
from learningdiagrams.editing import (
    EDITS,
    Edit,
    Edited,
    add,
    dumps_edit,
    edit,
    fold,
    freeze,
    insert,
    loads_edit,
    remove,
    rename,
    replace,
    restrict,
    sequence,
    thaw,
    tie,
    untie,
)
from learningdiagrams.editing.parts import names_in

from ..diagrams import diagrams


def done(d: ld.Diagram, e: Edit) -> Edited:
    """The edit done on a random diagram, if it fits; where it does not, the error says why."""
    before = str(d)
    try:
        return edit(d, e)
    except ValueError as error:
        assert str(error) and "None" not in str(error)
    finally:
        assert str(d) == before
    assume(False)
    raise AssertionError


@st.composite
def edits(draw: st.DrawFn, d: ld.Diagram) -> Edit:
    """An edit of a random kind with names of the diagram; most fit."""
    names = [*d.sorts, *d.generators, *d.laws, *d.goals, *d.measures, *d.stages]
    equations = [*d.goals.values(), *d.measures.values(), *d.laws.values()]
    models = [name for name, role in d.roles.items() if role in ("model", "frozen", "map")]
    role = {name: d.roles[name] if d.roles[name] in ("frozen", "map") else "model" for name in models}
    assume(names)
    some = st.lists(st.sampled_from(names), min_size=1, max_size=4, unique=True)
    kinds = ["remove", "restrict", "rename", *(["add"] if d.generators else [])]
    used = [(name, it.name) for it in equations for name in names_in(it.left, it.right) if name in d.generators]
    kinds += ["untie"] if used else []
    kinds += ["replace", "insert", "turn"] if models else []
    match draw(st.sampled_from(kinds)):
        case "remove":
            return remove(*draw(some))
        case "restrict":
            return restrict(*draw(some))
        case "rename":
            chosen = draw(some)
            return rename(dict(zip(chosen, [*chosen[1:], draw(st.sampled_from([chosen[0], "renamed"]))], strict=True)))
        case "untie":
            name, equation = draw(st.sampled_from(used))
            return untie(name, "twin", equation)
        case "add":
            m = d.generators[draw(st.sampled_from(list(d.generators)))]
            return add(f"map new_1 : {m.dom} -> {m.cod}\nlaw {m} = new_1\nstyle new_1 curve=2")
    one = draw(st.sampled_from(models))
    m = d.generators[one]
    kind = role[one]
    match draw(st.sampled_from(["replace", "insert", "turn"])):
        case "replace":
            parts = f"object New\n{kind} new_1 : {m.dom} -> New\n{kind} new_2 : New -> {m.cod}"
            return replace(one, "new_1 >> new_2", parts)
        case "insert":
            return insert(f"{kind} new_1 : {m.cod} -> {m.cod}", after=one)
    return freeze(one) if kind == "model" else thaw(one)


@settings(max_examples=120)
@given(diagrams(), st.data())
def test_an_edit_taken_back_leaves_the_diagram_to_the_letter(d, data):
    e = done(d, data.draw(edits(d)))
    assert ld.loads(str(e.diagram)) == e.diagram  # its text is the whole record
    back = edit(e.diagram, e.undo)
    assert str(back.diagram) == str(d)
    assert back.diagram == d
    assert str(edit(back.diagram, back.undo).diagram) == str(e.diagram)
    numbers = {name: {"w": name} for name in d.generators}
    there_and_back = back.carry(e.carry(numbers))
    assert all(table in ({}, numbers[name]) for name, table in there_and_back.items())


@settings(max_examples=60)
@given(diagrams(), st.data())
def test_an_edit_and_its_undo_are_values(d, data):
    e = done(d, data.draw(edits(d)))
    for value in (e.edit, e.undo):
        assert eval(repr(value), dict(EDITS)) == value and hash(eval(repr(value), dict(EDITS))) == hash(value)
        assert loads_edit(dumps_edit(value)) == value
    assert edit(d, loads_edit(dumps_edit(e.edit))).diagram == e.diagram


@settings(max_examples=40)
@given(diagrams(), st.data())
def test_the_functor_of_an_edit_is_an_interpretation(d, data):
    (functor,) = done(d, data.draw(edits(d))).functors
    assert {failure.kind for failure in functor.failures(1.0)} <= {"undecided"}


@settings(max_examples=40)
@given(diagrams(), st.data())
def test_edits_compose(d, data):
    first = done(d, data.draw(edits(d)))
    second = done(first.diagram, data.draw(edits(first.diagram)))
    both = edit(d, first.edit >> second.edit)
    assert str(both.diagram) == str(second.diagram) and len(both.steps) == 2
    assert (first.edit >> second.edit) >> sequence() == first.edit >> (second.edit >> sequence())
    assert str(edit(both.diagram, both.undo).diagram) == str(d)
    numbers = {name: {"w": name} for name in d.generators}
    assert both.carry(numbers) == second.carry(first.carry(numbers))
    for name in both.diagram.generators:
        source = both.source(name)
        if source is not None and source.name is not None and d.roles[source.name] not in ("data", "noise"):
            assert both.carry(numbers).get(name) == numbers[source.name]


def with_model(d: ld.Diagram) -> ld.Diagram:
    """A random diagram with a model `whole`, in a goal and in a law."""
    x, m = next((name, m) for name, m in d.generators.items() if d.roles[name] == "data")
    ends = f"{m.cod} -> {m.cod}"
    return done(
        d, add(f"model whole : {ends}\ngoal held : {x} >> whole = {x}\nlaw twice : whole >> whole = whole")
    ).diagram


@settings(max_examples=40)
@given(diagrams(), st.data())
def test_tying_takes_untying_back(d, data):
    d = with_model(d)
    equations = [*d.goals.values(), *d.measures.values(), *d.laws.values()]
    used = [(name, it.name) for it in equations for name in names_in(it.left, it.right) if name in d.generators]
    name, equation = data.draw(st.sampled_from(used))
    e = done(d, untie(name, "twin", equation))
    assert edit(e.diagram, tie(name, "twin")).diagram == d


@settings(max_examples=40)
@given(diagrams())
def test_folding_takes_replacing_back(d):
    d = with_model(d)
    m = d["whole"]
    e = edit(
        d, replace("whole", "part_1 >> part_2", f"object N\nmodel part_1 : {m.dom} -> N\nmodel part_2 : N -> {m.cod}")
    )
    back = edit(e.diagram, fold("whole", "part_1 >> part_2", f"model whole : {m.dom} -> {m.cod}"))
    assert back.diagram == d
    assert {failure.kind for failure in back.functors[0].failures(1.0)} <= {"undecided"}


@settings(max_examples=40)
@given(diagrams(), diagrams(), st.data())
def test_restricting_is_left_inverse_to_gluing(d, other, data):
    d, other = (edit(x, remove(*x.laws)).diagram if x.laws else x for x in (d, other))  # trivial laws are not glued
    g = ld.glue(d, other, name=d.name)
    kept = [*d.sorts, *d.generators, *d.goals, *d.measures, *d.stages]
    assert edit(g.diagram, restrict(*kept)).diagram == d
    leg = g.legs[1]
    names = [str(image) for image in (*leg.objects.values(), *leg.morphisms.values())] + list(leg.goals.values())
    right = edit(g.diagram, restrict(*names)).diagram
    assert len(right.generators) == len(other.generators) and len(right.goals) == len(other.goals)
    twice = ld.glue(d, d, share=[*d.sorts, *d.generators, *d.goals, *d.measures], name=d.name)
    assert edit(twice.diagram, restrict(*kept)).diagram == d


# Numbers ---------------------------------------------------------------------------------------------------------

WORKFLOW = """
diagram Workflow
object Sample, Image[5], Class[3]
data  images  : Sample -> Image
data  labels  : Sample -> Class
model student : Image -> Class = mlp(5, 4, 3)
model other   : Image -> Class = linear(5, 3)
model slow    : Image -> Class = ema(other, decay=0.5)
goal fit    : images >> student = labels by cross_entropy
goal same   : images >> student = images >> other weight 0.7
goal slowly : images >> other = images >> slow
stage all : train student, other by fit, same, slowly
"""
SPLIT = replace(
    "student",
    "body >> act >> head",
    "object H[4]\nmodel body : Image -> H = linear(5, 4)\nfixed act : H -> H = relu\n"
    "model head : H -> Class = linear(4, 3)",
    numbers={"body.weight": "0.weight", "body.bias": "0.bias", "head.weight": "2.weight", "head.bias": "2.bias"},
)
BATCH = {
    "images": np.linspace(-1, 1, 40).reshape(8, 5).astype("float32") ** 3,
    "labels": np.arange(8) % 3,
}


@cache
def trained(backend: str) -> Any:
    """Trained once; edits leave it alone."""
    c = ld.loads(WORKFLOW).compile(backend)
    c.fit(BATCH, epochs=2, lr=0.05, progress=False)
    return c


def numbers(c: Any) -> dict[tuple[str, str], np.ndarray]:
    return {(n, k): np.asarray(v) for n, table in c.parameters().items() for k, v in table.items()}


ADAPTER = "model adapter : Class -> Class = linear(3, 3)"
LEAVE_THE_LOSS = [
    rename({"student": "pupil", "other": "student", "Image": "Picture", "fit": "learn", "slow": "average"}),
    SPLIT,
    untie("student", "twin", "same"),
    untie("student", "twin", "same") >> tie("student", "twin"),
    SPLIT >> rename({"body": "trunk"}) >> freeze("trunk"),
    freeze("student"),
    add("measure seen : images >> student = labels by accuracy\nlaw student = student"),
]
CHANGE_IT = [
    remove("same", "slowly", "slow"),
    restrict("fit"),
    remove("slowly", "slow") >> freeze("other") >> thaw("other"),
    insert(ADAPTER, after="student"),
    insert("model adapter : Image -> Image = linear(5, 5)", before="student"),
    insert(ADAPTER, after="student") >> freeze("student"),
    replace("student", "body >> head", SPLIT.declare.replace("fixed act : H -> H = relu\n", "")),
    replace("student", "other") >> untie("other", "again", "fit"),
]


@pytest.mark.parametrize("e", [*LEAVE_THE_LOSS, *CHANGE_IT], ids=str)
def test_an_edit_taken_back_leaves_the_numbers(backend, e):
    c = trained(backend)
    there = edit(c, e)
    back = edit(there.compiled, there.undo, numbers=there.left)
    assert back.diagram == c.diagram and back.compiled.step == c.step == 2
    before, after = numbers(c), numbers(back.compiled)
    assert before.keys() == after.keys()
    assert all(np.array_equal(value, after[place]) for place, value in before.items())
    assert back.compiled.loss(BATCH).total.item() == pytest.approx(c.loss(BATCH).total.item(), rel=1e-6)


@pytest.mark.parametrize("e", LEAVE_THE_LOSS, ids=str)
def test_renaming_splitting_and_untying_leave_the_loss(backend, e):
    c = trained(backend)
    there = edit(c, e)
    assert there.fresh == () and there.left == {}
    assert there.compiled.loss(BATCH).total.item() == pytest.approx(c.loss(BATCH).total.item(), rel=1e-6)


def test_an_edited_one_that_is_trained_on_leaves_the_one_that_it_was_made_of_alone(backend):
    c = trained(backend)
    there = edit(c, SPLIT >> untie("other", "twin", "same"))
    before = numbers(c)
    there.compiled.fit(BATCH, epochs=1, progress=False)
    assert all(np.array_equal(value, before[place]) for place, value in numbers(c).items())
    assert not np.array_equal(numbers(there.compiled)["other", "weight"], before["other", "weight"])
    after = numbers(there.compiled)
    assert not np.array_equal(after["other", "weight"], after["twin", "weight"])


def test_splitting_leaves_the_gradient(backend):
    c = trained(backend)
    there = edit(c, SPLIT)
    (_, before), (_, after) = c.value_and_grad(BATCH), there.compiled.value_and_grad(BATCH)
    carried = there.carry(before)
    for name, table in after.items():
        for key, value in table.items():
            np.testing.assert_allclose(np.asarray(carried[name][key]), np.asarray(value), rtol=1e-5, atol=1e-7)
