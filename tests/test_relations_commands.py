"""The commands `glue` and `relate`: what they print, where, and their exit codes."""

import json

import pytest
from typer.testing import CliRunner

import learningdiagrams as ld
from learningdiagrams.cli import app

from .test_interpretation import AUTOENCODER, CYCLES, DISTILLATION, SUPERVISED

TASK = """\
diagram {title}
object Sample, Image[64], Feature[16], Class[{classes}]
data  images   : Sample -> Image   = npz("digits.npz", "images")
data  labels   : Sample -> Class
model backbone : Image -> Feature  = mlp(64, 32, 16)
model head     : Feature -> Class
goal  fit : images >> backbone >> head = labels by {by}
"""
DIGITS, LETTERS = (
    TASK.format(title=title, classes=classes, by="cross_entropy")
    for title, classes in (("Digits", 10), ("Letters", 26))
)
FILES = {
    "digits": DIGITS,
    "letters": LETTERS,
    "mse": TASK.format(title="Mse", classes=10, by="mse"),
    "distillation": DISTILLATION,
    "supervised": SUPERVISED,
    "autoencoder": AUTOENCODER,
    "cycles": CYCLES,
    "wrong": "object A\nmodle f : A -> A\nmap g : A -> B\n",
}


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs a command in a folder with these files; names of files without their ending are enough."""
    monkeypatch.chdir(tmp_path)
    for name, text in FILES.items():
        (tmp_path / f"{name}.diagram").write_text(text)
    return lambda *words: CliRunner().invoke(app, [f"{word}.diagram" if word in FILES else word for word in words])


def test_glue_writes_the_pushout_and_says_what_got_another_name(run, tmp_path):
    done = run("glue", "digits", "letters", "--share", "backbone", "-o", "out.diagram")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "letters.diagram: Sample is Sample_2, Class is Class_2, images is images_2, labels is labels_2, "
        "head is head_2, fit is fit_2",
        "out.diagram",
    ]
    made = ld.load("out.diagram")
    assert made == ld.glue(ld.load("digits.diagram"), ld.load("letters.diagram"), ["backbone"]).diagram
    assert list(made.goals) == ["fit", "fit_2"] and run("check", "out.diagram").exit_code == 0


def test_share_takes_names_and_pairs_of_names_and_goals(run):
    done = run("glue", "digits", "digits", "--share", "images, labels=labels,backbone,head,fit", "-o", "out.json")
    assert done.exit_code == 0 and ld.load("out.json") == ld.load("digits.diagram")
    assert run("glue", "digits", "letters", "--share", "", "-o", "out.py").exit_code == 0


def test_paths_of_the_whole_start_where_it_is(run, tmp_path):
    (tmp_path / "made").mkdir()
    assert run("glue", "digits", "letters", "--share", "Image", "-o", "made/out.diagram").exit_code == 0
    assert str(ld.load("made/out.diagram").specs["images"]) == 'npz("../digits.npz", "images")'


@pytest.mark.parametrize(
    ("words", "code", "errors"),
    [
        (["digits", "letters", "--share", "bakbone"], 1,
         ["digits.diagram:1:1: share: there is no `bakbone` in Digits; did you mean `backbone`?"]),
        (["digits", "letters", "--share", "head"], 1,
         ["digits.diagram:2:1: `Class` of Digits is Class[10], and `Class` of Letters is Class[26]; what is shared has "
          "one shape and one kind of number"]),
        (["digits", "mse", "--share", "images,labels,backbone,head,fit"], 1,
         ["digits.diagram:7:1: `fit` of Digits has by cross_entropy, and `fit` of Mse has by mse; what is shared is "
          "said alike"]),
        (["wrong", "digits", "--share", "A"], 1,
         ["wrong.diagram:2:1: there is no declaration `modle`; did you mean `model`?",
          "wrong.diagram:3:14: there is no object `B`; there is A"]),
        (["digits", "nowhere.diagram", "--share", "A"], 1, ["nowhere.diagram:1:1: no such file or directory"]),
    ],
)  # fmt: skip
def test_errors_of_glue_have_a_place_and_leave_no_file(run, tmp_path, words, code, errors):
    done = run("glue", *words, "-o", "out.diagram")
    assert (done.exit_code, done.stdout, done.stderr.splitlines()) == (code, "", errors)
    assert not (tmp_path / "out.diagram").exists()


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        (["digits", "letters", "-o", "out.diagram"], "--share"),
        (["digits", "letters", "--share", "Image"], "--out"),
        (["digits", "--share", "Image", "-o", "out.diagram"], "B"),
        (["digits", "letters", "--share", "a=b=c", "-o", "out.diagram"], "it is NAME or NAME=OTHER"),
        (["digits", "letters", "--share", "=b", "-o", "out.diagram"], "it is NAME or NAME=OTHER"),
        (["digits", "letters", "--share", "Image=Image,Image=Class", "-o", "out.diagram"], "Image is given twice"),
    ],
)
def test_wrong_usage_of_glue(run, words, wrong):
    done = run("glue", *words)
    assert done.exit_code == 2 and wrong in done.stderr


def test_glue_says_which_equations_are_new(run, tmp_path):
    (tmp_path / "i.diagram").write_text("object A\nmap t : A -> A\nlaw twice : t >> t = id(A)")
    (tmp_path / "j.diagram").write_text("object A\nmap t : A -> A\nlaw again : t >> t = t")
    done = run("glue", "i.diagram", "j.diagram", "--share", "t", "-o", "out.diagram")
    assert done.exit_code == 0
    *changes, last = done.stdout.splitlines()
    assert (
        last == "out.diagram" and "j.diagram: id(A) = t holds in the whole by twice, again, not in the part" in changes
    )


def test_relate_prints_every_way_with_its_proofs(run):
    done = run("relate", "supervised", "distillation")
    assert (done.exit_code, done.stderr) == (0, "")
    assert (
        done.stdout
        == """\
2 interpretations of Supervised in Distillation, images of at most 2 generators

1.
  S |-> Sample
  X |-> Image
  Y |-> Logits
  x |-> pixels
  y |-> label
  f |-> student
  fit: pixels >> student
    = label    by hard: pixels >> student -> label

2.
  S |-> Sample
  X |-> Image
  Y |-> Logits
  x |-> pixels
  y |-> label
  f |-> teacher
  fit: pixels >> teacher
    = pixels >> student    by soft, backwards: pixels >> teacher -> pixels >> student
    = label    by hard: pixels >> student -> label
"""
    )


def test_relate_tells_symmetries_apart_and_says_them(run):
    done = run("relate", "autoencoder", "cycles", "--max-length", "1")
    lines = done.stdout.splitlines()
    assert lines[0] == "2 interpretations of Autoencoder in Cycles, images of at most 1 generators; 1 up to symmetry"
    assert lines.count("1. (symmetry class 1)") == lines.count("2. (symmetry class 1)") == 1


def test_relate_as_json_is_one_object(run):
    done = run("relate", "supervised", "distillation", "--json", "--max-length", "1")
    read = json.loads(done.stdout)
    assert {key: read[key] for key in ("source", "target", "max_length", "complete", "reason")} == {
        "source": "Supervised", "target": "Distillation", "max_length": 1, "complete": True, "reason": None,
    }  # fmt: skip
    first, second = read["interpretations"]
    assert first["objects"] == {"S": "Sample", "X": "Image", "Y": "Logits"}
    assert first["morphisms"] == {"x": "pixels", "y": "label", "f": "student"} and first["symmetry"] == 1
    assert second["proofs"]["fit"][0][0] == {
        "law": "soft", "forward": False, "before": "pixels >> teacher", "after": "pixels >> student",
    }  # fmt: skip


def test_relate_where_there_is_none_and_where_it_is_not_known(run):
    done = run("relate", "autoencoder", "distillation")
    assert done.exit_code == 3
    assert done.stdout == "there is none: Autoencoder in Distillation, images of at most 2 generators\n"
    assert json.loads(run("relate", "autoencoder", "distillation", "--json").stdout)["interpretations"] == []
    late = run("relate", "supervised", "distillation", "--max-seconds", "0")
    assert late.exit_code == 4
    assert late.stdout.splitlines() == [
        "none was found: Supervised in Distillation, images of at most 2 generators",
        "the search was not finished within 0 seconds",
    ]
    assert (
        json.loads(run("relate", "supervised", "distillation", "--max-seconds", "0", "--json").stdout)["complete"]
        is False
    )


def test_relate_keeps_distinct_things_distinct(run):
    assert run("relate", "supervised", "cycles").exit_code == 0
    assert run("relate", "supervised", "cycles", "--distinct").exit_code == 3
    assert run("relate", ".", "--distinct").exit_code == 2


def test_errors_of_relate(run):
    done = run("relate", "wrong", "distillation")
    assert done.exit_code == 1 and done.stdout == "" and len(done.stderr.splitlines()) == 2
    assert run("relate", "supervised").exit_code == 2
    assert run("relate", "supervised", "distillation", "--max-length", "-1").exit_code == 2
