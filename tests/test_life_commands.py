"""The commands of a diagram's life after it is written: `edit`, `examine`, `relate --run`, `prove --without`."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from typer.testing import CliRunner

import learningdiagrams as ld
from learningdiagrams.cli import app
from learningdiagrams.editing import add, edit, freeze, insert, loads_edit, read_edits, remove, write_edits

DIGITS = """\
diagram Digits
object Sample, Image[6], Feature[4], Class[3]
data  images   : Sample -> Image   = npz("digits.npz", "images")
data  labels   : Sample -> Class   = npz("digits.npz", "labels")
model backbone : Image -> Feature  = mlp(6, 5, 4)
model head     : Feature -> Class  = linear(4, 3)
model direct   : Image -> Class    = linear(6, 3)
goal  fit  : images >> backbone >> head = labels
goal  same : images >> direct = images >> backbone >> head weight 0.5
goal  both : images >> direct = labels
"""
TWO = """\
diagram Two
object S, X, Y
data  x : S -> X
model f : X -> Y
model g : X -> Y
goal  agree : x >> f = x >> g
"""
EDITS = """\
# an adapter, and the backbone stays
freeze("backbone")
insert("model adapter : Feature -> Feature = linear(4, 4)",
       after="backbone")
remove("same", "both", "direct")   # nobody needs it
"""
DONE = [
    freeze("backbone"),
    insert("model adapter : Feature -> Feature = linear(4, 4)", after="backbone"),
    remove("same", "both", "direct"),
]


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs a command in a folder with these files."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "digits.diagram").write_text(DIGITS)
    (tmp_path / "two.diagram").write_text(TWO)
    (tmp_path / "edits.txt").write_text(EDITS)
    rng = np.random.default_rng(0)
    images = rng.normal(size=(40, 6)).astype("float32")
    np.savez(tmp_path / "digits.npz", images=images, labels=np.tanh(images[:, :3]))
    return lambda *words: CliRunner().invoke(app, list(words))


@pytest.fixture
def trained(run):
    """The same, with a run on torch."""
    done = run("train", "digits.diagram", "--epochs", "2", "--out", "runs/first")
    assert done.exit_code == 0, done.stderr
    return run


# Edits -----------------------------------------------------------------------------------------------------------


def test_an_edit_writes_the_diagram_and_what_takes_it_back(run, tmp_path):
    done = run("edit", "digits.diagram", "edits.txt", "-o", "out.diagram", "--undo", "undo.txt")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "- model backbone : Image -> Feature = mlp(6, 5, 4)",
        "+ frozen backbone : Image -> Feature = mlp(6, 5, 4)",
        "+ model adapter : Feature -> Feature = linear(4, 4)",
        "- model direct : Image -> Class = linear(6, 3)",
        "- goal fit : images >> backbone >> head = labels by mse",
        "+ goal fit : images >> backbone >> adapter >> head = labels by mse",
        "- goal same : images >> direct = images >> backbone >> head by mse weight 0.5",
        "- goal both : images >> direct = labels by mse",
        "out.diagram",
    ]
    before = ld.load("digits.diagram")
    assert ld.load("out.diagram") == edit(before, *DONE).diagram
    back = run("edit", "out.diagram", "undo.txt", "-o", "back.diagram", "--undo", "again.json")
    assert back.exit_code == 0 and ld.load("back.diagram") == before
    assert loads_edit((tmp_path / "again.json").read_text())
    assert run("edit", "back.diagram", "again.json", "-o", "out2.json").exit_code == 0
    assert ld.load("out2.json") == ld.load("out.diagram")


def test_an_edit_may_stand_on_the_line_itself(run):
    done = run("edit", "digits.diagram", 'freeze("backbone") >> thaw("backbone")', "-o", "out.diagram")
    assert (done.exit_code, done.stdout) == (0, "nothing changed\nout.diagram\n")
    assert ld.load("out.diagram") == ld.load("digits.diagram")


def test_paths_start_from_where_the_edited_diagram_is(run, tmp_path):
    (tmp_path / "made").mkdir()
    more = 'add("""data more : Sample -> Image = npz("more.npz", "images")""")'
    assert run("edit", "digits.diagram", more, "-o", "made/out.diagram", "--undo", "made/u.txt").exit_code == 0
    made = ld.load("made/out.diagram")
    assert str(made.specs["images"]) == 'npz("../digits.npz", "images")'
    assert str(made.specs["more"]) == 'npz("more.npz", "images")'
    # What takes it back names declarations as they stand there.
    assert run("edit", "made/out.diagram", "made/u.txt", "-o", "made/back.diagram").exit_code == 0
    assert run("edit", "made/back.diagram", "sequence", "-o", "back.diagram").exit_code == 1
    assert run("edit", "made/back.diagram", "sequence()", "-o", "back.diagram").exit_code == 0
    assert ld.load("back.diagram") == ld.load("digits.diagram")


@pytest.mark.parametrize(
    ("words", "errors"),
    [
        (["digits.diagram", 'freeze("bakbone")', "-o", "o.diagram"],
         ["digits.diagram:1:1: freeze: there is no generator `bakbone` in Digits; did you mean `backbone`?"]),
        (["digits.diagram", 'remove("head")', "-o", "o.diagram"],
         ["digits.diagram:6:1: remove: `head` is needed by `fit`, `same`; remove these too, or restrict to what is to "
          "stay"]),
        (["digits.diagram", "wrong.txt", "-o", "o.diagram"],
         ["wrong.txt:2:1: there is no edit `freez`; did you mean `freeze`?",
          "wrong.txt:3:3: `thaw` has no option `map`; it has none"]),
        (["digits.diagram", "freeze(backbone)", "-o", "o.diagram"],
         ['EDITS:1:1: `freeze`: `backbone` is no models; a text is written in quotes, "backbone"']),
        (["digits.diagram", 'freeze("backbone"', "-o", "o.diagram"],
         ['EDITS:1:1: `freeze("backbone"` cannot be read; write a call such as `freeze("backbone")`']),
        (["digits.diagram", "nowhere.txt", "-o", "o.diagram"], ["nowhere.txt:1:1: no such file or directory"]),
        (["digits.diagram", "empty.txt", "-o", "o.diagram"],
         ['empty.txt:1:1: there is no edit; write one such as freeze("backbone")']),
        (["digits.diagram", "edits.txt", "-o", "o.txt"],
         ["o.txt:1:1: a diagram is saved as .diagram, .json, .catlab.json, .py"]),
        (["digits.diagram", "edits.txt", "-o", "o.diagram", "--run", "runs/none"],
         ["digits.diagram:1:1: runs/none: there is no run here, neither checkpoint.json nor parameters.safetensors; "
          "learningdiagrams train FILE --out DIR makes one"]),
    ],
)  # fmt: skip
def test_errors_of_edit_have_a_place_and_leave_no_file(run, tmp_path, words, errors):
    (tmp_path / "wrong.txt").write_text('freeze("backbone")\nfreez("a")\n  thaw(map="x")\n')
    (tmp_path / "empty.txt").write_text("# nothing\n")
    done = run("edit", *words)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.splitlines() == errors
    assert not (tmp_path / "o.diagram").exists()


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        (["digits.diagram", "edits.txt"], "--out"),
        (["digits.diagram", "edits.txt", "-o", "o.diagram", "--to", "x"], "say which, --run DIR"),
        (["digits.diagram", "edits.txt", "-o", "o.diagram", "--numbers", "x"], "say which, --run DIR"),
    ],
)
def test_wrong_usage_of_edit(run, words, wrong):
    done = run("edit", *words)
    assert done.exit_code == 2 and wrong in done.stderr.replace("\n", " ")


def test_an_undo_is_text_or_json(run):
    done = run("edit", "digits.diagram", "edits.txt", "-o", "o.diagram", "--undo", "u.yaml")
    assert done.exit_code == 1
    assert done.stderr == "u.yaml:1:1: edits are written to a file that ends in .txt or .json\n"


def test_a_run_is_carried_over_and_goes_on_with_its_optimizer(run, backend, tmp_path):
    options = ["--backend", backend, "--batch-size", "16"]
    assert run("train", "digits.diagram", "--epochs", "2", "--out", "runs/first", *options).exit_code == 0
    shutil.copytree("runs/first", "runs/there")
    done = run("edit", "digits.diagram", "edits.txt", "-o", "out.diagram", "--run", "runs/first")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-4:] == [
        "new numbers: adapter.weight, adapter.bias",
        "not carried: direct.weight, direct.bias",
        "out.diagram",
        "runs/out",
    ]
    done = run("train", "out.diagram", "--epochs", "4", "--resume", *options)
    assert (done.exit_code, done.stderr) == (0, "")
    here = ld.load("out.diagram").compile(backend)
    here.restore("runs/out/parameters.safetensors")
    # The same in one process.
    d = ld.load("digits.diagram")
    c = d.compile(backend)
    c.restore("runs/there/parameters.safetensors")
    e = edit(c, *DONE)
    e.compiled.fit(epochs=4, batch_size=16, out="runs/there", resume=e, progress=False)
    for name, table in e.compiled.parameters().items():
        for key, value in table.items():
            np.testing.assert_array_equal(np.asarray(value), np.asarray(here.parameters()[name][key]))
    rows = (tmp_path / "runs/out/history.csv").read_text().splitlines()
    assert [row.split(",")[1] for row in rows] == ["epoch", "1", "2", "3", "4"]  # two of them before, two now


def test_what_was_carried_is_examined_and_trained_on_again(trained):
    assert trained("edit", "digits.diagram", "edits.txt", "-o", "out.diagram", "--run", "runs/first").exit_code == 0
    # Before it is trained on, it is the edited diagram with the numbers that were carried.
    told = json.loads(trained("examine", "out.diagram", "--json").stdout)
    c = ld.load("digits.diagram").compile("torch")
    c.restore("runs/first/parameters.safetensors")
    assert told["residuals"]["fit"]["residual"] == pytest.approx(edit(c, *DONE).compiled.residuals()["fit"])
    for epochs in ("3", "4"):  # over the edit, then from its own checkpoint
        done = trained("train", "out.diagram", "--epochs", epochs, "--resume")
        assert (done.exit_code, done.stderr) == (0, "")
    after = json.loads(trained("examine", "out.diagram", "--json").stdout)
    assert after["residuals"]["fit"] != told["residuals"]["fit"]


def test_an_edit_taken_back_has_all_numbers_again(trained, tmp_path):
    assert trained("edit", "digits.diagram", "edits.txt", "-o", "out.diagram", "--run", "runs/first").exit_code == 0
    done = trained(
        "edit", "out.diagram", "runs/out/undo.json", "-o", "back.diagram", "--run", "runs/out",
        "--numbers", "runs/out/left.safetensors",
    )  # fmt: skip
    assert (done.exit_code, done.stderr) == (0, "") and "new numbers: none" in done.stdout
    assert ld.load("back.diagram") == ld.load("digits.diagram")
    before, after = (ld.load("digits.diagram").compile("torch") for _ in range(2))
    before.restore("runs/first/parameters.safetensors")
    after.restore("runs/back/parameters.safetensors")
    for name, table in before.parameters().items():
        assert all(np.array_equal(value, after.parameters()[name][key]) for key, value in table.items())
    done = trained("train", "back.diagram", "--epochs", "3", "--resume")
    assert (done.exit_code, done.stderr) == (0, "")


def test_edits_of_a_run_that_was_not_trained_between_them_add_up(trained, tmp_path):
    shutil.copytree("runs/first", "runs/straight")
    for file, edits, out in (("digits", 'rename((("backbone", "trunk"),))', "other"), ("other", None, "back")):
        run = "runs/first" if edits else "runs/other"
        words = ["edit", f"{file}.diagram", edits or "runs/other/undo.json", "-o", f"{out}.diagram", "--run", run]
        assert trained(*words).exit_code == 0
    for name, folder in (("digits", "runs/straight"), ("back", "runs/back")):
        assert trained("train", f"{name}.diagram", "--out", folder, "--epochs", "4", "--resume").exit_code == 0
    one, other = (ld.load("digits.diagram").compile("torch") for _ in range(2))
    one.restore("runs/straight/parameters.safetensors")
    other.restore("runs/back/parameters.safetensors")
    for name, table in one.parameters().items():
        assert all(np.array_equal(value, other.parameters()[name][key]) for key, value in table.items())


def test_a_run_of_another_diagram_is_not_carried_over(trained, tmp_path):
    (tmp_path / "digits.diagram").write_text(DIGITS.replace("weight 0.5", "weight 0.25"))
    done = trained("edit", "digits.diagram", "edits.txt", "-o", "o.diagram", "--run", "runs/first")
    assert done.exit_code == 1 and len(done.stderr.splitlines()) == 1
    assert "runs/first: the checkpoint is of another diagram, which differs in " in done.stderr
    assert not (tmp_path / "o.diagram").exists()


def test_what_a_run_is_not_carried_into(trained, tmp_path):
    for to, why in (
        ("runs/first", "runs/first: the run that is carried over stays as it is; say another folder, --to DIR"),
        ("runs/second", "runs/second: there is a run here already; say another folder, --to DIR"),
    ):
        if to == "runs/second":
            shutil.copytree("runs/first", to)
        done = trained("edit", "digits.diagram", "edits.txt", "-o", "o.diagram", "--run", "runs/first", "--to", to)
        assert (done.exit_code, done.stderr) == (1, f"digits.diagram:1:1: {why}\n")
        assert not (tmp_path / "o.diagram").exists()
    assert trained("edit", "digits.diagram", "edits.txt", "-o", "o.diagram", "--run", "runs/first").exit_code == 0
    (tmp_path / "o.diagram").write_text(
        (tmp_path / "o.diagram").read_text() + "measure far : images >> backbone >> adapter >> head = labels by l1\n"
    )
    done = trained("train", "o.diagram", "--resume")
    assert (done.exit_code, done.stdout) == (1, "")
    why = "runs/o: the run goes on with the diagram that its edit gave, and this one is another"
    assert done.stderr == f"o.diagram:1:1: {why}\n"


def test_edits_are_read_as_they_print():
    several = add("model f : A -> B\n") >> freeze("f") >> remove("f")
    assert read_edits(write_edits(several)) == several
    assert read_edits(write_edits(freeze("f"))) == freeze("f")
    assert read_edits('add("""model f : A -> B\n""")\nfreeze("f") >> remove("f")') == several


# Examination -----------------------------------------------------------------------------------------------------


def test_examine_tells_what_examine_tells(trained):
    done = trained("examine", "digits.diagram", "--run", "runs/first", "--rows", "30")
    assert (done.exit_code, done.stderr) == (0, "")
    c = ld.load("digits.diagram").compile("torch")
    c.restore("runs/first/parameters.safetensors")
    assert done.stdout.rstrip() == str(c.examine(rows=30)).rstrip()
    assert "both" in done.stdout and "‖fit‖" in done.stdout
    again = trained("examine", "digits.diagram", "--run", "runs/first", "--rows", "30", "--draw", "seen.svg")
    assert again.stdout == done.stdout
    with open("seen.svg", encoding="utf-8") as drawn:
        assert f"{c.residuals()['fit']:.3g}" in drawn.read()
    wrong = trained("examine", "digits.diagram", "--run", "runs/first", "--draw", "seen.gif")
    assert (wrong.exit_code, wrong.stdout) == (1, "") and wrong.stderr.startswith("seen.gif:1:1: ")


def test_examine_as_json_with_an_equation_and_a_constant(trained):
    equation = "images >> backbone >> head = images >> direct"
    words = ["examine", "digits.diagram", "--run", "runs/first", "--equation", equation, "--json"]
    done = trained(*words)
    told = json.loads(done.stdout)
    assert set(told) == {"residuals", "unmeasured", "bounds", "gradients", "collapses", "undecided"}
    assert set(told["residuals"]) == {"fit", "same", "both"}
    (asked,) = (one for one in told["bounds"] if one["name"] == equation)
    assert asked["measured"] <= asked["bound"] and asked["given"] == {} and asked["reason"] is None
    assert [angle["goals"] for angle in told["gradients"]["angles"]] == [["fit", "same"], ["same", "both"]]
    further = "images >> backbone >> head = images >> direct"
    assert trained(*words[:5], further, "--lipschitz", "head=100, direct=100").exit_code == 0


@pytest.mark.parametrize(
    ("words", "code", "error"),
    [
        (["--run", "runs/none"], 1, "digits.diagram:1:1: runs/none: there is no run here"),
        ([], 1, "digits.diagram:1:1: runs/digits: there is no run here"),
        (["--run", "runs/first", "--equation", "images >> hed = labels"], 1, "EQUATION:1:11: there is no map `hed`"),
        (["--run", "runs/first", "--equation", "images >> backbone = images >> backbone >> head"], 1, "EQUATION:1:"),
        (["--run", "runs/first", "--lipschitz", "hed=1"], 1, "lipschitz: there is no map `hed`; did you mean `head`"),
        (["--run", "runs/first", "--lipschitz", "head"], 2, "it is NAME=X, separated by commas"),
        (["--run", "runs/first", "--rows", "0"], 2, "--rows"),
    ],
)
def test_errors_of_examine(trained, words, code, error):
    done = trained("examine", "digits.diagram", *words)
    assert (done.exit_code, done.stdout) == (code, "") and error in done.stderr
    assert code == 2 or len(done.stderr.splitlines()) == 1


# Relations with numbers ------------------------------------------------------------------------------------------


def test_relate_with_a_run_bounds_what_the_part_asks(trained):
    done = trained("relate", "two.diagram", "digits.diagram", "--run", "runs/first", "--distinct", "--rows", "20")
    assert (done.exit_code, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines.count("  Two read in Digits, on rows: 20 of Sample") == 2
    told = json.loads(
        trained("relate", "two.diagram", "digits.diagram", "--run", "runs/first", "--distinct", "--json").stdout
    )
    for it in told["interpretations"]:
        (agree,) = it["bounds"]
        assert agree["name"] == "agree" and agree["measured"] <= agree["bound"] * (1 + 1e-6)
        assert agree["residual"] == pytest.approx(agree["measured"] ** 2 / 3, rel=1e-4)
    plain = trained("relate", "two.diagram", "digits.diagram", "--json", "--distinct")
    assert all("bounds" not in it for it in json.loads(plain.stdout)["interpretations"])


@pytest.mark.parametrize(
    ("words", "code", "error"),
    [
        (["two.diagram", "digits.diagram", "--run", "runs/none"], 1, "digits.diagram:1:1: runs/none: there is no run"),
        (["two.diagram", "digits.diagram", "--run", "runs/first", "--lipschitz", "x"], 2, "it is NAME=X"),
        (["two.diagram", "digits.diagram", "--lipschitz", "head=2"], 2, "say which, --run DIR"),
        ([".", "--run", "runs/first"], 2, "not of a folder"),
        (["digits.diagram", "two.diagram", "--run", "runs/first"], 1, "two.diagram:"),
    ],
)
def test_errors_of_relate_with_a_run(trained, words, code, error):
    done = trained("relate", *words)
    assert done.exit_code == code and error in done.stderr.replace("\n", " ")


def test_compile_takes_the_reading_in_which_all_paths_agree(run):
    done = run("compile", "two.diagram", "--all-parallel", "2", "--prune", "derivable")
    assert done.exit_code == 0 and "1 of 1 terms are kept" in done.stdout
    everything = ld.all_parallel(ld.load("digits.diagram"), 3)
    done = run("compile", "digits.diagram", "--all-parallel", "3", "--prune", "derivable")
    assert (done.exit_code, done.stderr) == (0, "")
    assert str(ld.prune(everything)) in done.stdout
    assert run("compile", "digits.diagram", "--all-parallel", "3", "--show", "loss").exit_code == 0
    assert run("compile", "digits.diagram", "--all-parallel", "0").exit_code == 2


# Proofs ----------------------------------------------------------------------------------------------------------


def test_prove_without_some_goals(run):
    equation = "images >> direct = images >> backbone >> head"
    assert run("prove", "digits.diagram", equation).exit_code == 0
    assert run("prove", "digits.diagram", equation, "--without", "same").exit_code == 0
    told = json.loads(run("prove", "digits.diagram", equation, "--without", "same", "--json").stdout)
    assert [step["law"] for step in told["proof"]] == ["both", "fit"]
    assert run("prove", "digits.diagram", equation, "--without", "same, both").exit_code == 3
    done = run("prove", "digits.diagram", equation, "--without", "sme")
    assert done.exit_code == 1
    assert done.stderr == (
        "digits.diagram:1:1: without: there is no law or goal `sme` in Digits; did you mean `same`?\n"
    )
