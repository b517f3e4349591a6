"""Edits of diagrams and of what is compiled: what each does, what it says where it does not fit, training on."""

from __future__ import annotations

import doctest
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import learningdiagrams as ld
from learningdiagrams.editing import (
    add,
    distil,
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
    rewrite,
    sequence,
    thaw,
    tie,
    untie,
)

TEXT = """
diagram Distillation
object Sample, Image[5], Logits[3]
data   pixels  : Sample -> Image
data   label   : Sample -> Logits
noise  jitter  : Sample -> Image   = normal(std=0.1)
frozen teacher : Image -> Logits   = linear(5, 3)
model  student : Image -> Logits   = mlp(5, 4, 3)
model  rival   : Image -> Logits   = mlp(5, 4, 3)
model  average : Image -> Logits   = ema(student, decay=0.5)
fixed  scale   : Logits -> Logits  = tanh

law halves : teacher >> scale = teacher >> scale

goal hard  : pixels >> student = label                    by cross_entropy
goal soft  : pixels >> student = pixels >> teacher        by kl(temperature=4)   weight 0.7
goal same  : pixels >> student = pixels >> rival          by mse                 train rival
goal calm  : jitter >> student = jitter >> average        by mse
measure accuracy : pixels >> student = label              by accuracy

stage first  : train student by hard, soft   epochs 2
stage second : train student, rival by hard, same
style student colour="#c33"
"""
BATCH = {"pixels": np.linspace(-1, 1, 200).reshape(40, 5).astype("float32") ** 3, "label": np.arange(40) % 3}


@pytest.fixture
def d() -> ld.Diagram:
    return ld.loads(TEXT)


def said(d: ld.Diagram, e: ld.Edit) -> str:
    with pytest.raises(ld.DiagramError) as error:
        edit(d, e)
    return str(error.value)


# What each edit does ---------------------------------------------------------------------------------------------


def test_restricting_keeps_what_is_named_and_what_that_is_made_of(d):
    e = edit(d, restrict("soft"))
    assert str(e.diagram) == (
        "diagram Distillation\n\nobject Sample, Image[5], Logits[3]\n"
        "data   pixels  : Sample -> Image\n"
        "frozen teacher : Image -> Logits = linear(5, 3)\n"
        "model  student : Image -> Logits = mlp(5, 4, 3)\n\n"
        "goal soft : pixels >> student = pixels >> teacher   by kl(temperature=4)   weight 0.7\n\n"
        'style student colour="#c33"'
    )
    (inclusion,) = e.functors
    assert inclusion.source is e.diagram and inclusion.target is d
    stage = edit(d, restrict("second")).diagram
    assert list(stage.goals) == ["hard", "same"] and list(stage.stages) == ["second"]
    assert list(edit(d, restrict("average")).diagram.generators) == ["student", "average"]


def test_goals_and_stages_come_and_go(d):
    less = edit(d, remove("soft", "accuracy", "second")).diagram
    assert less.stages["first"].by == ("hard",) and not less.measures and "second" not in less.stages
    more = edit(
        less, add("goal anew : pixels >> rival = label by bce weight 2\nstage third : train rival by anew")
    ).diagram
    assert more.goals["anew"].weight == 2 and list(more.stages) == ["first", "third"]


def test_a_model_that_is_frozen_leaves_the_lists(d):
    frozen = edit(d, remove("calm", "average", "first") >> freeze("student")).diagram
    assert frozen.roles["student"] == "frozen" and frozen.stages["second"].train == ("rival",)
    assert edit(frozen, thaw("student")).diagram.roles["student"] == "model"


def test_an_adapter_stands_wherever_its_map_stood(d):
    e = edit(d, insert("model adapter : Logits -> Logits = linear(3, 3)", after="teacher"))
    assert str(e.diagram.goals["soft"].right) == "pixels >> teacher >> adapter"
    assert str(e.diagram.laws["halves"].left) == "teacher >> adapter >> scale"
    before = edit(d, insert("fixed flip : Image -> Image", before="teacher")).diagram
    assert str(before.goals["soft"].right) == "pixels >> flip >> teacher"


def test_untying_takes_whole_equations_or_single_places(d):
    e = edit(d, tie("student", "rival")).diagram
    assert e.goals["same"].left == e.goals["same"].right and e.stages["second"].train == ("student",)
    whole = edit(e, untie("student", "twin", "same")).diagram
    assert str(whole.goals["same"].left) == "pixels >> twin" and whole.goals["same"].train == ("twin",)
    assert whole.stages["first"].train == ("student", "twin")
    text = "goal same : pixels >> student = pixels >> twin by mse train twin"
    single = edit(e, untie("student", "twin", text)).diagram
    assert [str(side) for side in (single.goals["same"].left, single.goals["same"].right)] == [
        "pixels >> student",
        "pixels >> twin",
    ]


def test_noise_keeps_its_numbers_under_a_new_name(d, backend):
    c = edit(d, remove("first", "second")).diagram.compile(backend)
    e = edit(c, rename({"jitter": "tremor"}))
    assert str(e.diagram.specs["tremor"]) == 'normal(std=0.1, key="jitter")'
    assert np.array_equal(c.draw(BATCH)["jitter"], e.compiled.draw(BATCH)["tremor"])


def test_folding_finds_composites_with_several_inputs_and_outputs():
    d = ld.loads("""
        object A, B
        map mul  : A * A -> A
        map both : A -> A * B
        map end  : B -> B
        law one : mul >> both = (mul >> both >> proj(A * B, 0)) & (mul >> both >> proj(A * B, 1))
        law two : (mul @ id(A)) >> mul >> both >> (id(A) @ end) = (id(A) @ mul) >> mul >> both >> (id(A) @ end)
    """)
    e = edit(d, fold("m", "mul >> both", "map m : A * A -> A * B"))
    assert str(e.diagram.laws["two"].right) == (
        "(proj(A * A * A, 0) & (proj(A * A * A, 1) & proj(A * A * A, 2)) >> mul) >> m >> proj(A * B, 0) & "
        "(proj(A * A * A, 0) & (proj(A * A * A, 1) & proj(A * A * A, 2)) >> mul) >> m >> proj(A * B, 1) >> end"
    )
    assert "both" not in e.diagram.generators and "mul" in e.diagram.generators  # that one stands elsewhere too
    (functor,) = e.functors
    assert functor.failures() == [] and functor(e.diagram["two"].left) == d["two"].left
    assert edit(e.diagram, e.undo).diagram == d


def test_distilling_and_then_putting_the_model_in_place(backend):
    d = ld.loads("""
        object S, A[4], H[6], C[2]
        data  x    : S -> A
        data  y    : S -> C
        model body : A -> H = linear(4, 6)
        model head : H -> C = linear(6, 2)
        goal  fit  : x >> body >> head = y
    """)
    x = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")
    data = {"x": x, "y": (x[:, :2] * x[:, 2:]).astype("float32")}
    c = d.compile(backend)
    c.fit(data, epochs=5, lr=0.01, progress=False)
    teacher = {n: {k: np.asarray(v) for k, v in t.items()} for n, t in c.parameters().items()}
    e = edit(c, distil("model small : A -> C = linear(4, 2)", of="body >> head", on="x"))
    assert str(e.diagram.goals["distil_small"].on) == "(x,)" and e.diagram.goals["distil_small"].train == ("small",)
    assert {name for name, _ in e.fresh} == {"small"}
    e.compiled.fit(data, epochs=60, lr=0.05, goals="distil_small", progress=False)
    after = e.compiled.parameters()
    assert all(np.array_equal(v, np.asarray(after[n][k])) for n, t in teacher.items() for k, v in t.items())
    done = edit(e.compiled, fold("small", "body >> head"))
    assert list(done.diagram.generators) == ["x", "y", "small"] and "H" not in done.diagram.sorts
    assert str(done.diagram.goals["fit"].left) == "x >> small" and list(done.diagram.goals) == ["fit"]
    assert done.functors[0].failures() == []  # by the goal that it was trained by
    assert done.compiled.evaluate(data)["fit"] == pytest.approx(c.evaluate(data)["fit"], rel=0.05)
    assert set(done.left) == {"body", "head"}


def test_a_composite_that_became_a_map_goes_on_with_its_numbers(backend):
    d = ld.loads("""
        object S, A[4], H[6], C[2]
        data  x    : S -> A
        model body : A -> H = linear(4, 6)
        model head : H -> C = linear(6, 2)
        model g    : C -> C = linear(2, 2)
        goal  fit  : x >> body >> head >> g = x >> body >> head
    """)
    c = d.compile(backend)
    x = np.ones((3, 4), "float32")
    e = edit(c, fold("whole", "body >> head", "model whole : A -> C"))
    assert sorted(e.compiled.parameters()["whole"]) == ["body.bias", "body.weight", "head.bias", "head.weight"]
    np.testing.assert_allclose(e.compiled.apply("whole", x), c.apply("body >> head", x), rtol=1e-6)
    assert e.fresh == () and e.left == {}
    assert e.source("whole") == d.parse("body >> head") and e.source("g") == d["g"]
    back = edit(e.compiled, e.undo)  # with its parts' numbers, which it has under their names
    assert back.fresh == () and back.left == {}
    np.testing.assert_allclose(back.compiled.apply("body >> head", x), c.apply("body >> head", x), rtol=1e-6)


def test_an_edit_is_replayed_on_another_diagram(d):
    other = ld.loads("object I, L\nmodel student : I -> L\nmap f : I -> L\nlaw student = f")
    e = loads_edit(dumps_edit(rename({"student": "pupil"}) >> freeze("pupil")))
    assert edit(other, e).diagram.roles["pupil"] == "frozen"
    assert str(edit(other, e).diagram.laws["law0"].left) == "pupil"
    undo = edit(d, remove("soft")).undo
    later = edit(d, remove("soft") >> add("measure late : pixels >> rival = label by r2") >> remove("accuracy"))
    back = edit(later.diagram, undo).diagram
    assert str(back.goals["soft"]) == str(d.goals["soft"]) and "late" in back.measures


def test_the_way_between_two_diagrams_goes_along_functors_both_ways(d):
    e = edit(d, rename({"rival": "other"}) >> insert("fixed k : Logits -> Logits", after="other") >> remove("soft"))
    forward, back = e.functors
    assert forward.source is d and forward.target is back.target and back.source is e.diagram
    assert str(forward(d["rival"])) == "other >> k"
    assert e.source("other") == d["rival"] and e.source("k") is None
    assert edit(d).diagram is d and edit(d).functors == () and edit(d).source("student") is d["student"]


# What they say where they do not fit -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("e", "message"),
    [
        (remove("studnt"), "remove: there is no `studnt` in Distillation; did you mean `student`?"),
        (remove("rival"), "remove: `rival` is needed by `same`; remove these too, or restrict to what is to stay"),
        (remove("Logits"), "remove: `Logits` is needed by `label`, `teacher`, `student`, `rival`, `average` and 1 mo"),
        (remove("hard", "soft"), "remove: stage `first` trains by `hard`, `soft` alone, so that nothing would be left"),
        (freeze("student"), "freeze: `average` follows `student`, and an average follows a model; remove `average` f"),
        (freeze("rival"), "freeze: goal `same` trains `rival` alone, so that nothing would be left for it to move; r"),
        (freeze("teacher"), "freeze: `teacher` is a frozen map; only a model is frozen"),
        (thaw("student"), "thaw: `student` is a model; only a frozen map is thawed"),
        (thaw("soft"), "thaw: `soft` of Distillation is a goal, not a generator"),
        (rename({"student": "rival"}), "rename: there is a `rival` in Distillation already; rename that too"),
        (rename({"student": "x", "rival": "x"}), "rename: `student`, `rival` would both be `x`; tie makes two maps o"),
        (rename({"student": "goal"}), "`goal` is a word of the language; another name is needed, such as `goal_`"),
        (tie("student", "scale"), "tie: `student` is Image -> Logits, and `scale` is Logits -> Logits; what is tied"),
        (tie("student", "teacher"), "tie: `student` is model, and `teacher` is frozen; what is tied has one role"),
        (tie("student", "student"), "tie: `student` is tied with itself; name another one"),
        (untie("rival", "twin", "soft"), "untie: `rival` is not in goal `soft`, so that no twin stands there"),
        (untie("rival", "student", "same"), "untie: there is a `student` in Distillation already; the twin needs a n"),
        (
            untie("rival", "twin", "goal same : pixels >> twin = pixels >> twin by mse train rival"),
            "untie: with `twin` read as `rival`, goal `same` would be pixels >> rival = pixels >> rival, and it is ",
        ),
        (untie("rival", "twin", "goal same : pixels >> student = pixels >> twin by l1"), "untie: goal `same` has by"),
        (replace("rival", "scale"), "replace: `rival` is Image -> Logits, and `scale` is Logits -> Logits; what stan"),
        (replace("rival", "teacher >> skale"), "EXPRESSION:1:12: there is no map `skale`; did you mean `scale`?"),
        (replace("rival", "teacher", "goal g : pixels >> rival = label"), "is not declared here; only maps and objec"),
        (replace("student", "rival"), "replace: `average` is ema(student, decay=0.5), which is about a single map, a"),
        (replace("teacher", "f", "modle f : Image -> Logits"), "there is no declaration `modle`; did you mean `model"),
        (replace("scale", "f", "model f : Logits -> Logits"), "replace: `scale` is a fixed map in Distillation, but"),
        (insert("model f : Image -> Logits", after="rival"), "`rival` ends at Logits, but `f` starts at Image"),
        (insert("model f : Logits -> Logits", after="student"), "and `student` would be `student >> f`; remove `aver"),
        (insert("goal f : a = b", after="rival"), "insert: the text declares one map, such as "),
        (fold("rival", "student"), "fold: nothing in Distillation says that `rival` is `student` in goal `calm`; dec"),
        (fold("m", "rival >> scale", "model k : Image -> Logits"), "fold: the text declares `k`, and what is folded"),
        (fold("m", "rival & teacher", "model m : Image -> Logits"), "fold: `m` is Image -> Logits, and `rival & teac"),
        (distil("frozen f : Image -> Logits", "student", "pixels"), "distil: `f` is to be a model, which is trained"),
        (distil("model f : Image -> Logits", "student"), "goal `distil_f`: its sides start at Image, which carries n"),
        (add("# nothing"), "add: the text declares nothing; write a declaration, such as goal fit : x >> f = y"),
        (add("diagram Other"), "add:1:1: an edit gives a diagram no title; what it declares is enough"),
        (add("model student : Image -> Logits"), "add:1:1: the name `student` is taken: a generator of that name is"),
        (add("goal g : pixels >> studnt = label"), "add:1:20: there is no map `studnt`; did you mean `student`?"),
        (rewrite(["model rival : Image -> Logits"]), "rewrite: `model rival : Image -> Logits` is now `model rival :"),
        (rewrite(["goal g : f = g by mse"]), "rewrite: `goal g : f = g by mse` is not declared in Distillation, so t"),
    ],
)  # fmt: skip
def test_an_edit_that_does_not_fit_says_what_is_in_its_way(d, e, message):
    assert message in said(d, e)


verb: Any = {f.__name__: f for f in (edit, rename, sequence)}  # wrong arguments are given to them here on purpose


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: freeze(), "`freeze`: models is to be names in quotes, not ()"),
        (lambda: rename({}), '`rename`: table is to be a table of names, such as {"old": "new"}, not ()'),
        (lambda: verb["rename"]({"a": 1}), '`rename`: table is to be a table of names, such as {"old": "new"}'),
        (lambda: insert("model f : A -> A"), "`insert`: say after which generator, or before which: one of the two"),
        (lambda: replace("f", ""), "`replace`: by is to be a name in quotes"),
        (lambda: verb["sequence"]("f"), "`sequence`: edits is to be edits"),
        (lambda: verb["edit"](ld.Diagram(), "freeze"), "edit: 'freeze' is no edit; one is such as freeze(\"student\")"),
        (lambda: verb["edit"]("d", freeze("f")), "edit: 'd' is neither a diagram nor a compiled one"),
        (lambda: verb["edit"](ld.Diagram(), maps={}), "edit: maps and numbers are for compiled diagrams"),
        (lambda: loads_edit("freeze"), "an edit is saved as JSON, and this is none: Expecting value"),
        (lambda: loads_edit("[1]"), 'an edit is saved as {"edit": name, "arguments": […]}, and this is [1]'),
        (lambda: loads_edit('{"edit": "freze"}'), "there is no edit `freze`; did you mean `freeze`?"),
        (lambda: loads_edit('{"edit": "add", "options": {"txt": ""}}'), "`add` has no option `txt`; did you mean `te"),
    ],
)  # fmt: skip
def test_what_is_no_edit(make, message):
    with pytest.raises(ld.DiagramError, match=re.escape(message)):
        make()


def test_an_undo_that_text_cannot_hold_says_so(d):
    d.goal("own", "pixels >> rival", "label", by=lambda a, b: a)
    e = edit(d, remove("own"))
    with pytest.raises(ld.DiagramError, match=r"cannot be written as text \(a function as comparator"):
        _ = e.undo
    assert edit(d, remove("soft")).diagram.goals["own"].by == d.goals["own"].by


def test_an_edit_is_saved_as_plain_json():
    e = replace("f", "g >> h", "model g : A -> A", {"g.w": "w"}) >> freeze("h")
    data = json.loads(dumps_edit(e))
    assert data["edit"] == "sequence" and data["arguments"][0]["options"] == {
        "declare": "model g : A -> A",
        "numbers": [["g.w", "w"]],
    }


# Compiled --------------------------------------------------------------------------------------------------------


def test_a_new_map_needs_a_realisation_or_is_given_one(d, backend):
    c = d.compile(backend)
    e = insert("model adapter : Logits -> Logits", after="teacher")
    with pytest.raises(ld.DiagramError, match="`adapter` has no realisation; write one in the diagram, such as"):
        edit(c, e)
    made = edit(c, e, maps={"adapter": ld.layers.linear(3, 3)}, numbers={"adapter": {"bias": np.ones(3, "float32")}})
    assert np.array_equal(np.asarray(made.compiled.parameters()["adapter"]["bias"]), np.ones(3))
    assert made.fresh == (("adapter", "weight"),)
    assert str(made) == f"{e}: Distillation -> Distillation\n  new numbers: adapter.weight\n  not carried: none"
    with pytest.raises(
        ld.DiagramError, match=r"edit: numbers: there is no `adapter.bais` in Distillation; did you mean"
    ):
        edit(c, e, maps={"adapter": ld.layers.linear(3, 3)}, numbers={"adapter": {"bais": np.ones(3)}})
    with pytest.raises(ld.DiagramError, match=r"replace: numbers: `rival` of Distillation has no parameter `1.weight`"):
        text = "model f : Image -> Logits = linear(5, 3)"
        edit(c, replace("rival", "f", text, {"f.weight": "1.weight"}))


def test_another_shape_starts_anew_and_is_said(d, backend):
    c = d.compile(backend)
    old = remove("same", "second", "rival")
    new = add("model rival : Image -> Logits = mlp(5, 8, 3)\ngoal same : pixels >> student = pixels >> rival")
    e = edit(c, old >> new)
    assert {name for name, _ in e.fresh} == {"rival"} and set(e.left) == {"rival"}


def test_modules_that_were_given_are_left_alone_and_tied_weights_stay_tied():
    torch = pytest.importorskip("torch")
    one, two = torch.nn.Linear(3, 3), torch.nn.Linear(3, 3)
    two.weight = one.weight
    d = ld.loads("""
        object S, A[3]
        data  x : S -> A
        model f : A -> A
        model g : A -> A
        goal fit : x >> f >> g = x
        goal more : x >> g = x
    """)
    c = d.compile("torch", maps={"f": one, "g": two})
    x = {"x": torch.randn(8, 3)}
    kept = one.weight.clone()
    e = edit(c, remove("more"))
    e.compiled.fit(x, steps=3, optimizer="sgd", lr=0.1, progress=False)
    p = e.compiled.parameters()
    assert torch.equal(p["f"]["weight"], p["g"]["weight"]) and not torch.equal(p["f"]["weight"], kept)
    assert torch.equal(one.weight, kept) and all(q.requires_grad for q in one.parameters())
    with pytest.raises(ld.DiagramError, match="hold one parameter together"):
        edit(c, freeze("g"))
    twin = edit(c, untie("g", "h", "more"))
    assert twin.compiled.maps.map("h").module.weight is not twin.compiled.maps.map("g").module.weight


def test_frozen_and_thawed_maps_train_or_do_not(d, backend):
    whole = edit(d, remove("first", "second", "calm", "average", "same"))
    c = whole.diagram.compile(backend)
    e = edit(c, freeze("student") >> thaw("teacher"))
    before = c.parameters()
    e.compiled.fit(BATCH, steps=3, progress=False)
    after = e.compiled.parameters()
    moved = {name for name in after for key in after[name] if not np.array_equal(after[name][key], before[name][key])}
    assert moved == {"teacher"}


# Training on -----------------------------------------------------------------------------------------------------

RUN = edit(ld.loads(TEXT), remove("first", "second", "calm", "average")).diagram
HOW = {"batch_size": 16, "lr": 0.01, "progress": False}


@pytest.mark.parametrize("optimizer", ["adam", "momentum"])
def test_a_run_that_was_renamed_half_way_is_the_run(backend, optimizer, tmp_path):
    whole = RUN.compile(backend)
    whole.fit(BATCH, epochs=4, optimizer=optimizer, **HOW)
    c = RUN.compile(backend)
    c.fit(BATCH, epochs=2, optimizer=optimizer, out=tmp_path, **HOW)
    e = edit(c, rename({"student": "pupil", "soft": "gentle", "rival": "student"}))
    history = e.compiled.fit(BATCH, epochs=4, optimizer=optimizer, out=tmp_path, resume=e, **HOW)
    for old, new in (("student", "pupil"), ("rival", "student")):
        for key, value in whole.parameters()[old].items():
            assert np.array_equal(np.asarray(value), np.asarray(e.compiled.parameters()[new][key]))
    assert len(history) == 4 and e.compiled.step == whole.step


def test_what_is_new_has_a_fresh_optimizer_and_what_stayed_keeps_its_own(backend, tmp_path):
    """Adam's first step is the learning rate, whatever the gradient; later ones depend on what came before."""
    c = RUN.compile(backend)
    c.fit(BATCH, steps=39, optimizer="adam", out=tmp_path, **HOW)
    # From a process of its own: the diagram of the checkpoint, edited and compiled anew.
    e = edit(ld.loads(json.loads((tmp_path / "checkpoint.json").read_text())["diagram"]),
             insert("model adapter : Image -> Image = linear(5, 5)", before="rival"))  # fmt: skip
    new = e.diagram.compile(backend, seed=3)
    fresh = {key: np.asarray(value).copy() for key, value in new.parameters()["adapter"].items()}
    new.fit(BATCH, steps=40, optimizer="adam", out=tmp_path, resume=e, seed=0, **HOW)
    assert new.step == 40
    for key, value in new.parameters()["adapter"].items():
        np.testing.assert_allclose(np.abs(np.asarray(value) - fresh[key]), 0.01, rtol=1e-2)
    whole = RUN.compile(backend)
    whole.fit(BATCH, steps=40, optimizer="adam", **HOW)
    for key, value in whole.parameters()["student"].items():  # no new map stands before it
        assert np.array_equal(np.asarray(value), np.asarray(new.parameters()["student"][key]))
    # Taken up again: as before, by the checkpoint of the edited diagram, whatever is said of the edit.
    for resume in (True, e):
        again = e.diagram.compile(backend, seed=3)
        again.fit(BATCH, steps=40, optimizer="adam", out=tmp_path, resume=resume, seed=0, **HOW)
        for name, table in new.parameters().items():
            for key, value in table.items():
                assert np.array_equal(np.asarray(value), np.asarray(again.parameters()[name][key]))


def test_stages_go_on_by_name(backend, tmp_path):
    d = edit(ld.loads(TEXT), remove("calm", "average")).diagram
    c = d.compile(backend)
    stop = lambda event: "stop" if event.kind == "epoch" and event.epoch == 3 else None  # noqa: E731
    c.fit(BATCH, epochs=2, out=tmp_path, callbacks=stop, **HOW)
    e = edit(c, remove("soft") >> rename({"first": "start"}))
    history = e.compiled.fit(BATCH, epochs=2, out=tmp_path, resume=e, **HOW)
    assert [row["stage"] for row in history.rows] == ["first", "first", "second", "second"]
    f = edit(e.compiled, rename({"second": "end"}))
    history = f.compiled.fit(BATCH, epochs=1, out=tmp_path, resume=f, **HOW)
    assert [row["stage"] for row in history.rows][4:] == ["start", "start", "end"]


def test_resume_says_what_does_not_fit(backend, tmp_path):
    c = RUN.compile(backend)
    c.fit(BATCH, steps=2, out=tmp_path, **HOW)
    e = edit(c, remove("soft"))
    with pytest.raises(ld.DiagramError, match=r"resume: .* gives another diagram than the one that is trained here"):
        c.fit(BATCH, steps=3, out=tmp_path, resume=e, **HOW)
    with pytest.raises(ld.DiagramError, match="resume is True, False, or what an edit gave, not 'yes'"):
        c.fit(BATCH, steps=3, out=tmp_path, resume="yes", **HOW)
    other = edit(edit(RUN, remove("same")).diagram, remove("soft"))
    with pytest.raises(ld.DiagramError, match="the checkpoint is of another diagram, which differs in"):
        other.diagram.compile(backend).fit(BATCH, steps=3, out=tmp_path, resume=other, **HOW)
    with pytest.raises(ld.DiagramError, match="the checkpoint was made with optimizer adam, not sgd"):
        e.compiled.fit(BATCH, steps=3, out=tmp_path, resume=e, optimizer="sgd", **HOW)


# The page --------------------------------------------------------------------------------------------------------


def test_the_examples_of_the_page_run():
    pytest.importorskip("torch")
    page = Path(__file__).resolve().parent.parent / "docs" / "editing.md"
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    result = doctest.testfile(str(page), module_relative=False, optionflags=flags)
    assert result.attempted >= 20 and result.failed == 0


def test_the_passes_know_of_a_map_after_an_edit_what_they_knew_before(backend):
    c = RUN.compile(backend)
    known = {name: c.maps.by_row(name, training=True) for name in ("teacher", "student")}
    assert known == {"teacher": None, "student": None}
    e = edit(c, rename({"teacher": "guide", "student": "pupil"}))
    assert [e.compiled.maps.by_row(name, training=True) for name in ("guide", "pupil")] == [None, None]
