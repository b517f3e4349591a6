"""Which diagrams are found in which, as a table, as a picture, and on the command line."""

import json

import pytest
from typer.testing import CliRunner

import learningdiagrams as ld
from learningdiagrams.cli import app
from learningdiagrams.errors import DiagramError

TASK = """
diagram Task
object S, X, Y
data x : S -> X
data y : S -> Y
model f : X -> Y
goal fit : x >> f = y
"""
RENAMED = TASK.replace("f :", "net :").replace(">> f", ">> net").replace("Task", "Renamed")
NOISY = TASK.replace("Task", "Noisy") + "noise z : S -> X = normal()\ngoal robust : z >> f = y\n"
TWICE = NOISY.replace("Noisy", "Twice") + "fixed k : Y -> Y\nmodel g : Y -> Y\ngoal more : z >> f >> g = y >> k\n"
TEXTS = {"task": TASK, "renamed": RENAMED, "noisy": NOISY, "twice": TWICE}


def found():
    return ld.order({name: ld.loads(text) for name, text in TEXTS.items()})


def test_the_order():
    it = found()
    assert it["task", "renamed"] and it["renamed", "task"] and it["task", "task"]
    assert it["task", "twice"] is True and it["noisy", "task"] is False and it["twice", "noisy"] is False
    assert it.same == (("task", "renamed"), ("noisy",), ("twice",))
    assert it.covers == (("task", "noisy"), ("noisy", "twice"))
    assert str(it).splitlines() == [
        "         1  2  3  4  is found in",
        "task     =  x  x  x  1 task",
        "renamed  x  =  x  x  2 renamed",
        "noisy    .  .  =  x  3 noisy",
        "twice    .  .  .  =  4 twice",
        "the same, each found in the other: task, renamed",
    ]


def test_what_is_found_is_an_interpretation_also_by_composition():
    it = found()
    for (one, other), i in it.interpretations.items():
        assert i.source is it.diagrams[one] and i.target is it.diagrams[other] and i.failures() == []


def test_no_time_leaves_it_undecided():
    it = ld.order([ld.loads(TASK), ld.loads(NOISY)], max_seconds=0.0)
    assert it["Task", "Noisy"] in (None, True) and it["Noisy", "Task"] in (None, False)
    assert ("?" in str(it)) is bool(it.undecided)


def test_names():
    it = ld.order([ld.loads(TASK), ld.loads(TASK)])
    assert list(it.diagrams) == ["Task", "Task 2"]
    with pytest.raises(DiagramError, match="there is no diagram `Tusk`; did you mean `Task`"):
        it["Tusk", "Task"]
    assert str(ld.order([])) == "no diagrams"


def test_the_picture(tmp_path):
    picture = found().draw()
    assert picture is not None and "task = renamed" in picture and "twice" in picture
    found().draw(tmp_path / "order.svg")
    assert (tmp_path / "order.svg").read_text(encoding="utf-8") == picture


@pytest.fixture
def folder(tmp_path):
    for name, text in TEXTS.items():
        (tmp_path / f"{name}.diagram").write_text(text, encoding="utf-8")
    return tmp_path


def test_the_command(folder):
    run = CliRunner().invoke(app, ["relate", str(folder), "-o", str(folder / "order.svg")])
    assert run.exit_code == 0, run.stderr
    assert "noisy" in run.stdout and "is found in" in run.stdout and (folder / "order.svg").exists()


def test_the_command_in_json(folder):
    run = CliRunner().invoke(app, ["relate", str(folder), "--json"])
    said = json.loads(run.stdout)
    assert said["diagrams"] == ["noisy", "renamed", "task", "twice"] and said["undecided"] == []
    assert said["found_in"]["noisy"] == ["twice"] and said["covers"] == [["noisy", "twice"], ["renamed", "noisy"]]
    assert said["same"] == [["noisy"], ["renamed", "task"], ["twice"]]


def test_exit_codes_and_mistakes(folder):
    for name in ("renamed", "noisy", "twice"):
        (folder / f"{name}.diagram").unlink()
    alone = CliRunner().invoke(app, ["relate", str(folder)])
    assert alone.exit_code == 1
    assert alone.stderr == f"{folder}:1:1: a folder with two .diagram files or more is wanted; it has 1\n"
    other = "object A, B\nfixed q : A -> B\nmodel m : A -> A\nlaw m >> m = id(A)"
    (folder / "other.diagram").write_text(other, encoding="utf-8")
    none = CliRunner().invoke(app, ["relate", str(folder)])
    assert none.exit_code == 3, none.stdout
    (folder / "other.diagram").write_text("object", encoding="utf-8")
    wrong = CliRunner().invoke(app, ["relate", str(folder)])
    assert wrong.exit_code == 1 and wrong.stderr.startswith(f"{folder / 'other.diagram'}:1:")
    task = str(folder / "task.diagram")
    for arguments, words in (
        ([str(folder), task], "with a folder there is no second diagram"),
        ([task], "is no folder; name the diagram to find it in"),
        ([task, task, "-o", "x.svg"], "it draws the order of a folder"),
    ):
        usage = CliRunner().invoke(app, ["relate", *arguments])
        assert usage.exit_code == 2 and words in " ".join(usage.stderr.replace("│", " ").split())


def test_interpretations_that_agree_through_an_object_without_a_shape_need_not_compose():
    text = "object S, A{}\ndata x : S -> A\nmodel f : A -> A\ngoal g : x >> f = x"
    some = {name: ld.loads(text.format(shape)) for name, shape in (("two", "[2]"), ("free", ""), ("three", "[3]"))}
    found = ld.order(some)
    assert found["two", "free"] and found["free", "three"] and found["three", "free"] and found["free", "two"]
    assert found["two", "three"] is False and found["three", "two"] is False
    assert all(not i.failures() for i in found.interpretations.values())
