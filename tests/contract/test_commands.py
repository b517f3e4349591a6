"""The command line, line by line as the interface states it: what is printed, where, and the exit codes.

What each command finds is tested with what finds it; here it is what people and scripts see of it.
"""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from safetensors.numpy import load_file
from typer.testing import CliRunner

import learningdiagrams as ld
from learningdiagrams.cli import app

TINY = """\
diagram Tiny
object S, X[3], Y[2]
data  x : S -> X = npz("numbers.npz", "x")
data  y : S -> Y = npz("numbers.npz", "y")
model f : X -> Y = linear(3, 2)
goal  fit : x >> f = y
measure far : x >> f = y by l1
"""
THEORY = """\
object A, B
map s : A -> B
map r : B -> A
law retract : s >> r = id(A)
"""
CODE = TINY.replace("linear(3, 2)", 'torch("lines:Line", width=2)')
MARKER = "open('imported', 'w').close()\n"
LINES = MARKER + "from torch import nn\n\ndef Line(width):\n    return nn.Linear(3, width)\n"

needs_torch = pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed")


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs a command in a folder of its own, which holds a diagram with data, a theory, and one that names code."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 3)).astype("float32")
    np.savez(tmp_path / "numbers.npz", x=x, y=x[:, :2] + 1)
    for name, text in (("tiny", TINY), ("theory", THEORY), ("code", CODE)):
        (tmp_path / f"{name}.diagram").write_text(text)
    (tmp_path / "lines.py").write_text(LINES)

    def invoke(*arguments, code=0):
        done = CliRunner().invoke(app, list(map(str, arguments)))
        assert done.exit_code == code, done.output
        assert done.exception is None or isinstance(done.exception, SystemExit)
        return done

    return invoke


def lines(done) -> list[str]:
    return done.stderr.splitlines()


# Errors -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("none.diagram", None, "1:1: no such file or directory"),
        ("folder.diagram", "folder", "1:1: is a directory"),
        ("notes.txt", b"object A", "1:1: a diagram is read from a file that ends in .diagram or .json"),
        (
            "bytes.diagram",
            b"object A\nmap f : A -> \xff",
            "2:14: the byte 0xFF is no UTF-8; a diagram is a text in UTF-8",
        ),
        (
            "image.diagram",
            b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
            "1:1: the byte 0x89 is no UTF-8; a diagram is a text in UTF-8",
        ),
        ("a b é.diagram", b"object A\nmap f : A -> B", "2:14: there is no object `B`; there is A"),
        ("empty.json", b"", "1:1: this is no JSON: Expecting value"),
        ("other.json", b"[1]", '1:1: this is no diagram: an object with "format": "learningdiagrams" is expected'),
    ],
)
@pytest.mark.parametrize("command", ["check", "prove", "draw", "compile", "train", "convert"])
def test_a_file_that_cannot_be_read_is_one_line_and_one(run, tmp_path, command, name, content, error):
    """Exit code 1: the input is wrong. FILE as it was typed; line and column count from 1."""
    if content == "folder":
        (tmp_path / name).mkdir()
    elif content is not None:
        (tmp_path / name).write_bytes(content)
    rest = {"prove": ["f = f"], "draw": ["-o", "x.svg"], "convert": ["-o", "x.json"]}.get(command, [])
    done = run(command, name, *rest, code=1)
    assert lines(done)[0] == f"{name}:{error}" and done.stdout == ""


def test_all_errors_of_a_file_are_printed_sorted_by_place(run, tmp_path):
    """Each error is one line on standard error, whatever pass of the reader found it."""
    text = "object A\nmap f : A -> B\nmap g : A -> A\nlaw f >> q = g\nmap g : A -> A\nmap h ; A\n"
    (tmp_path / "bad.diagram").write_text(text)
    done = run("check", "bad.diagram", code=1)
    places = [tuple(map(int, line.split(":")[1:3])) for line in lines(done)]
    assert [line for line, _ in places] == [2, 4, 5, 6] and places == sorted(places) and done.stdout == ""


def test_a_path_is_printed_as_it_was_typed(run, tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "bad.diagram").write_text("object A\nmap f : A -> B\n")
    assert lines(run("check", "./sub/../sub/bad.diagram", code=1))[0].startswith("./sub/../sub/bad.diagram:2:14: ")


def test_an_error_without_a_place_of_its_own_takes_the_declarations(run, tmp_path):
    (tmp_path / "bare.diagram").write_text(TINY.replace(' = npz("numbers.npz", "x")', ""))
    (told,) = lines(run("train", "bare.diagram", code=1))
    assert told.startswith("bare.diagram:3:1: x has no data; write = npz(…)")
    (tmp_path / "far.diagram").write_text(TINY.replace('"numbers.npz", "y"', '"nowhere.npz", "y"'))
    (told,) = lines(run("train", "far.diagram", code=1))
    assert told.startswith("far.diagram:4:1: `y`: there is no file")


@pytest.mark.parametrize(
    "arguments",
    [
        ["chekc", "tiny.diagram"],
        ["check"],
        ["check", "tiny.diagram", "tiny.diagram"],
        ["check", "tiny.diagram", "--loud"],
        ["prove", "theory.diagram"],
        ["prove", "theory.diagram", "s = s", "--using", "faith"],
        ["prove", "theory.diagram", "s = s", "--max-seconds", "-1"],
        ["prove", "theory.diagram", "s = s", "--max-seconds", "nan"],
        ["draw", "tiny.diagram"],
        ["convert", "tiny.diagram"],
        ["compile", "tiny.diagram", "--show", "film"],
        ["compile", "tiny.diagram", "--backend", "tensorflow"],
        ["train", "tiny.diagram", "--backend", "jaxx"],
        ["train", "tiny.diagram", "--epochs", "-1"],
        ["train", "tiny.diagram", "--epochs", "1.5"],
        ["train", "tiny.diagram", "--steps", "0"],
        ["train", "tiny.diagram", "--steps", "1", "--epochs", "1"],
        ["train", "tiny.diagram", "--batch-size", "0"],
        ["train", "tiny.diagram", "--lr", "nan"],
        ["train", "tiny.diagram", "--lr", "inf"],
        ["train", "tiny.diagram", "--lr", "-0.1"],
        ["train", "tiny.diagram", "--optimizer", "adma"],
        ["train", "tiny.diagram", "--schedule", "twocycle"],
        ["train", "tiny.diagram", "--dtype", "float16"],
        ["train", "tiny.diagram", "--validation", "1"],
        ["train", "tiny.diagram", "--validation", "nan"],
        ["train", "tiny.diagram", "--seed", str(2**70)],
        ["demo", "--backend", "numpy"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_two_and_leaves_nothing(run, tmp_path, arguments):
    """Exit code 2, in the words of the command line library."""
    before = sorted(tmp_path.iterdir())
    done = run(*arguments, code=2)
    assert done.stdout == "" and "Error: " in done.stderr and lines(done)[0].startswith("Usage: ")
    assert sorted(tmp_path.iterdir()) == before


def test_a_near_miss_is_suggested(run):
    assert "did you mean `adam`?" in run("train", "tiny.diagram", "--optimizer", "adma", code=2).stderr


@pytest.mark.parametrize("command", ["", "check", "prove", "draw", "compile", "train", "convert", "demo"])
def test_help_is_there(run, command):
    shown = run(*command.split(), "--help").stdout
    assert shown.startswith("Usage: ") and "--help" in shown


# check --------------------------------------------------------------------------------------------------------


def test_check_prints_what_it_found(run, tmp_path):
    """Objects, generators, laws, goals, derivable goals, warnings."""
    text = TINY + "model unused : X -> Y\ngoal again : x >> f = y\nlaw still : x = x\n"
    (tmp_path / "more.diagram").write_text(text)
    shown = run("check", "more.diagram").stdout.splitlines()
    assert shown[:8] == [
        "diagram Tiny",
        "objects (3)    S, X[3], Y[2]",
        "data (2)       x, y",
        "models (2)     f, unused",
        "laws (1)       still",
        "goals (2)      fit, again",
        "measures (1)   far",
        "derivable: goal `fit` follows from again",
    ]
    assert shown[-1] == "warning: no goal moves the model `unused`"


def test_contradictions_are_found_and_are_no_errors(run, tmp_path):
    (tmp_path / "two.diagram").write_text(TINY.replace("model", "data z : S -> Y\nmodel") + "goal b : x >> f = z\n")
    assert "contradiction: `y` and `z` are made equal by `fit`, `b`: " in run("check", "two.diagram").stdout


# prove --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("equation", "seconds", "code", "verdict"),
    [
        ("s >> r >> s = s", 10, 0, "proved"),
        ("r >> s = id(B)", 10, 3, "refuted"),
        ("s >> r = id(A)", 0, 4, "unknown"),
        ("s = s", 0, 0, "proved"),
    ],
)
def test_prove_answers_by_its_exit_code_and_json(run, equation, seconds, code, verdict):
    """0 proved, 3 refuted, 4 not decided within the limits; JSON of one shape in all cases, and nothing else."""
    options = ["prove", "theory.diagram", equation, "--max-seconds", seconds]
    assert run(*options, code=code).stdout.startswith(f"{verdict}: ")
    done = run(*options, "--json", code=code)
    told = json.loads(done.stdout)
    left, right = equation.split(" = ")
    assert list(told) == ["verdict", "left", "right", "proof", "witness", "reason"] and done.stderr == ""
    assert (told["verdict"], told["left"], told["right"]) == (verdict, left, right)
    assert isinstance(told["proof"], list) is (code == 0)
    assert isinstance(told["witness"], dict) is (code == 3)
    assert isinstance(told["reason"], str) is (code == 4)


def test_steps_of_a_proof_lead_from_left_to_right(run):
    told = json.loads(run("prove", "theory.diagram", "s = s >> r >> s >> r >> s", "--json").stdout)
    steps = told["proof"]
    assert all(list(step) == ["law", "forward", "before", "after"] for step in steps) and len(steps) == 2
    assert [step["before"] for step in steps] + [told["right"]] == [told["left"]] + [step["after"] for step in steps]
    assert {(step["law"], step["forward"]) for step in steps} == {("retract", False)}


@pytest.mark.parametrize(
    ("using", "law_code", "goal_code", "both_code"),
    [("laws", 0, 3, 3), ("goals", 3, 0, 3), ("all", 0, 0, 0), (None, 0, 0, 0)],
)
def test_using_says_what_is_taken_for_true(run, tmp_path, using, law_code, goal_code, both_code):
    """`laws` and `goals` alone, or both, which is the default."""
    text = TINY + "fixed w : X -> X\nlaw white : x >> w = x\n"
    (tmp_path / "both.diagram").write_text(text)
    option = [] if using is None else ["--using", using]
    for equation, code in (("x >> w = x", law_code), ("x >> f = y", goal_code), ("x >> w >> f = y", both_code)):
        run("prove", "both.diagram", equation, *option, code=code)


def test_players_prove_nothing(run, tmp_path):
    text = TINY.replace("goal  fit : x >> f = y", "") + (
        "data z : S -> Y\nmodel g : X -> X\ngoal fake : x >> g >> f = y train f\ngoal fool : x >> g >> f = z train g\n"
    )
    (tmp_path / "game.diagram").write_text(text)
    run("prove", "game.diagram", "y = z", code=3)
    run("prove", "game.diagram", "x >> g >> f = y", code=3)


@pytest.mark.parametrize(
    ("equation", "error"),
    [
        ("s >> q = id(A)", "1:6: there is no map `q`; there are s, r"),
        ("s = r", "1:5: the equation: the sides are not parallel: `s` is a morphism A -> B, but `r` is one B -> A"),
        ("s >> s = s", "1:6: `s` ends at B, but `s` starts at A; maps that start there: r"),
        ("s", "1:2: `=` is missing at the end; an equation is written `p = q`"),
        ("", "1:1: a map is missing at the end; an equation is written `p = q`"),
        ("s = \n q", "2:2: there is no map `q`; there are s, r"),
        ("retract = s", "1:1: `retract` is a law and no map"),
    ],
)
@pytest.mark.parametrize("form", [[], ["--json"]])
def test_an_error_in_the_equation_has_its_place_there(run, equation, error, form):
    done = run("prove", "theory.diagram", equation, *form, code=1)
    assert lines(done)[0] == f"EQUATION:{error}" and done.stdout == ""


# draw ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ending", "begins"),
    [
        (".svg", b"<svg"),
        (".tex", None),
        (".dot", b"digraph"),
        (".mmd", None),
        (".html", b"<!doctype html>"),
        (".SVG", b"<svg"),
        (".png", b"\x89PNG"),
        (".pdf", b"%PDF"),
    ],
)
def test_draw_goes_by_the_ending(run, tmp_path, ending, begins):
    if ending in (".png", ".pdf"):
        pytest.importorskip("matplotlib")
    out = tmp_path / f"the picture é{ending}"
    done = run("draw", "tiny.diagram", "-o", out)
    assert done.stderr == "" and out.stat().st_size > 100
    assert begins is None or out.read_bytes().lstrip().lower().startswith(begins.lower())


@pytest.mark.parametrize("command", ["draw", "convert"])
@pytest.mark.parametrize(
    "out", ["out.docx", "out", "folder", "nowhere/x.svg", "nowhere/x.json", "folder/sub.svg", "folder/sub.json"]
)
def test_what_cannot_be_written_is_one_line(run, tmp_path, command, out):
    (tmp_path / "folder" / "sub.svg").mkdir(parents=True)
    (tmp_path / "folder" / "sub.json").mkdir()
    (told,) = lines(run(command, "tiny.diagram", "-o", out, code=1))
    assert told.startswith(f"{out}:1:1: ") and out not in told[len(out) :]


@pytest.mark.parametrize(
    ("arguments", "missing", "extra"),
    [
        (["draw", "tiny.diagram", "-o", "x.png"], "matplotlib", "draw"),
        (["compile", "tiny.diagram", "--backend", "torch"], "torch", "torch"),
        (["train", "tiny.diagram", "--backend", "jax"], "jax", "jax"),
        (["compile", "tiny.diagram", "--backend", "sympy"], "sympy", "symbolic"),
    ],
)
def test_what_is_not_installed_is_named_with_what_brings_it(run, monkeypatch, arguments, missing, extra):
    room = f"learningdiagrams.backends.{missing}"
    for name in [name for name in sys.modules if name == room or name.startswith(f"{room}.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    (told,) = lines(run(*arguments, code=1))
    assert missing in told and f"learningdiagrams[{extra}]" in told


# compile ------------------------------------------------------------------------------------------------------


@needs_torch
def test_compile_shows_plan_loss_or_latex(run):
    assert run("compile", "tiny.diagram").stdout == run("compile", "tiny.diagram", "--show", "plan").stdout
    assert "v1 = f(v0)" in run("compile", "tiny.diagram").stdout
    assert run("compile", "tiny.diagram", "--show", "loss").stdout.startswith("L(θ) = E[S] mse(f(x), y)")
    assert run("compile", "tiny.diagram", "--show", "latex").stdout.startswith("\\begin{aligned}")


def test_compile_says_what_does_not_fit(run, tmp_path, backend):
    (tmp_path / "wide.diagram").write_text(TINY.replace("linear(3, 2)", "linear(3, 4)"))
    (told,) = lines(run("compile", "wide.diagram", "--backend", backend, code=1))
    assert told == "wide.diagram:5:1: goal `fit`, at x >> f: `f` gives [4], but Y is declared [2]"


# train --------------------------------------------------------------------------------------------------------


class Addresses(HTMLParser):
    """Every address that a page would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.found += [
            value for key, value in attrs if key in ("src", "href", "data", "srcset", "xlink:href") and value
        ]


def test_train_with_every_option_leaves_the_results(run, tmp_path, backend):
    """OUT: the diagram's text, parameters, history, curves, residuals on a picture, one page that fetches nothing."""
    words = "--epochs 3 --batch-size 16 --optimizer sgd --lr 0.05 --schedule cosine --dtype float64 --seed 3"
    options = words.split()
    out = tmp_path / "a run é"
    run(
        "train", "tiny.diagram", "--backend", backend, *options, "--validation", "0.25", "--device", "cpu", "--out", out
    )
    assert ld.load(out / "diagram.diagram") == ld.load(tmp_path / "tiny.diagram")
    saved = load_file(out / "parameters.safetensors")
    assert {array.dtype.name for array in saved.values()} == {"float64"} and sum(a.size for a in saved.values()) == 8
    with (out / "history.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    # 30 of the 40 rows are trained on, 16 at a time.
    assert [row["step"] for row in rows] == ["2", "4", "6"] and {"fit", "val_fit", "val_far"} <= set(rows[0])
    for name in ("curves.svg", "residuals.svg"):
        ElementTree.parse(out / name)
    if find_spec("matplotlib"):
        assert (out / "curves.png").read_bytes().startswith(b"\x89PNG")
    page = (out / "report.html").read_text(encoding="utf-8")
    parser = Addresses()
    parser.feed(page)
    assert parser.found == [] and "url(" not in page and "@import" not in page
    assert "0.05" in page and "cosine" in page and "sgd" in page


def test_train_goes_on_to_the_very_numbers(run, tmp_path, backend):
    """`--resume`, bit for bit."""
    options = ["train", "tiny.diagram", "--backend", backend, "--batch-size", 16]
    run(*options, "--epochs", 4, "--out", "whole")
    run(*options, "--epochs", 2, "--out", "parts")
    run(*options, "--epochs", 4, "--out", "parts", "--resume")
    whole, parts = (load_file(tmp_path / name / "parameters.safetensors") for name in ("whole", "parts"))
    assert all(np.array_equal(whole[key], parts[key]) for key in whole)


@needs_torch
def test_train_takes_steps_and_paths_from_where_it_is_called(run, tmp_path, monkeypatch):
    """Data are beside the file, OUT and its default are beside the caller."""
    elsewhere = tmp_path / "else where"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    run("train", "../tiny.diagram", "--steps", 3)
    assert (elsewhere / "runs" / "tiny" / "report.html").exists()
    assert (elsewhere / "runs" / "tiny" / "history.csv").read_text().splitlines()[-1].startswith("3,")


@needs_torch
def test_what_cannot_be_trained_is_one_line(run, tmp_path):
    (told,) = lines(run("train", "tiny.diagram", "--device", "moon", code=1))
    assert told.startswith("tiny.diagram:1:1: there is no device 'moon'")
    (told,) = lines(run("train", "tiny.diagram", "--out", "tiny.diagram", code=1))
    assert told.startswith("tiny.diagram:1:1: ")
    (told,) = lines(run("train", "theory.diagram", code=1))
    assert told.startswith("theory.diagram:1:1: ")


# Code that a file names ---------------------------------------------------------------------------------------


def test_nothing_but_train_and_compile_runs_code(run, tmp_path):
    """Reading, checking, proving, drawing and converting never import what a file names, nor open its data."""
    (tmp_path / "numbers.npz").unlink()
    run("check", "code.diagram")
    run("prove", "code.diagram", "x >> f = y")
    for ending in (".svg", ".html", ".tex"):
        run("draw", "code.diagram", "-o", f"code{ending}")
    for ending in (".json", ".py", ".diagram"):
        run("convert", "code.diagram", "-o", f"copy{ending}")
    run("check", "copy.json")
    assert not (tmp_path / "imported").exists()


@needs_torch
@pytest.mark.parametrize("command", [["compile"], ["compile", "--show", "loss"], ["train", "--epochs", "1"]])
def test_train_and_compile_run_code_only_when_trusted(run, tmp_path, command):
    name, *options = command
    (told,) = lines(run(name, "code.diagram", *options, code=1))
    assert told.startswith('code.diagram:5:1: `f` runs code: torch("lines:Line", width=2); --trust ')
    assert not (tmp_path / "imported").exists() and not (tmp_path / "runs").exists()
    run(name, "code.diagram", *options, "--trust")
    assert (tmp_path / "imported").exists()


@needs_torch
def test_whatever_trusted_code_raises_is_one_line(run, tmp_path):
    """While it is made, when it is first asked for its shape, and in the middle of training."""
    (tmp_path / "bad.py").write_text(
        "from torch import nn\n"
        "class Made(nn.Module):\n    def __init__(self):\n        raise OSError('no\\ndisk')\n"
        "class Asked(nn.Linear):\n    def forward(self, x):\n        raise ValueError('never')\n"
        "class Late(nn.Linear):\n    count = 0\n    def forward(self, x):\n        Late.count += 1\n"
        "        if Late.count > 5:\n            raise KeyError('late')\n        return super().forward(x)\n"
    )
    for spec in (
        '"bad:Made"',
        '"bad:Asked", in_features=3, out_features=2',
        '"bad:Late", in_features=3, out_features=2',
    ):
        (tmp_path / "bad.diagram").write_text(TINY.replace("linear(3, 2)", f"torch({spec})"))
        (told,) = lines(run("train", "bad.diagram", "--trust", "--batch-size", 1, code=1))
        assert told.startswith(("bad.diagram:5:1: ", "bad.diagram:6:1: "))
    assert told.startswith("bad.diagram:5:1: `f`: KeyError: 'late' (") and told.endswith("bad.py, line 13)")


# convert ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", [".diagram", ".json"])
@pytest.mark.parametrize("target", [".diagram", ".json", ".py"])
def test_convert_between_all_forms(run, tmp_path, source, target):
    first, second = f"one é{source}", f"two ü{target}"
    run("convert", "tiny.diagram", "-o", first)
    run("convert", first, "-o", second)
    if target == ".py":
        names: dict = {}
        exec(compile((tmp_path / second).read_text(encoding="utf-8"), second, "exec"), names)
        made = next(value for value in names.values() if isinstance(value, ld.Diagram))
    else:
        made = ld.load(tmp_path / second)
    assert made == ld.load(tmp_path / "tiny.diagram")


# The program itself -------------------------------------------------------------------------------------------


def program(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "learningdiagrams", *arguments], capture_output=True, text=True, check=False, **options
    )


def test_the_module_gives_the_exit_codes(run):
    """`python -m learningdiagrams`, as a process: codes, streams, no traceback."""
    done = program("prove", "theory.diagram", "r >> s = id(B)", "--json")
    assert done.returncode == 3 and json.loads(done.stdout)["verdict"] == "refuted" and done.stderr == ""
    done = program("check", "none.diagram")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "none.diagram:1:1: no such file or directory\n")


def test_a_terminal_of_another_encoding_is_no_crash(run, tmp_path):
    """The arrows and Greek letters that it lacks get stand-ins."""
    encoding = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C"}
    (tmp_path / "bare.diagram").write_text(TINY.replace(" = linear(3, 2)", ""))
    done = program("compile", "bare.diagram", "--show", "loss", env=encoding)
    assert done.returncode == 0 and "Traceback" not in done.stderr and done.stdout.startswith("L(")


@needs_torch
@pytest.mark.skipif(os.name == "nt", reason="signals are sent otherwise there")
def test_ctrl_c_leaves_a_checkpoint_to_go_on_from(run, tmp_path):
    command = [sys.executable, "-m", "learningdiagrams", "train", "tiny.diagram", "--out", "long"]
    process = subprocess.Popen(
        [*command, "--epochs", "1000000"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    for _ in range(600):
        if (tmp_path / "long" / "checkpoint.json").exists():
            break
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    found = re.fullmatch(r"tiny\.diagram:1:1: interrupted after step (\d+); --resume goes on from there\n", told)
    assert process.returncode == 1 and found, told
    assert Path("long/report.html").exists()
    rows = (tmp_path / "long" / "history.csv").read_text().splitlines()
    assert int(rows[-1].split(",")[0]) <= int(found[1])


# `demo` is run by the tests of the regime `distillation` and, whole, by `make demo`.
