"""The command line: what it prints, where, and its exit codes."""

import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from learningdiagrams.cli import app

GOOD = """\
diagram Distillation

object Sample, Image[64], Logits[10]
data   pixels  : Sample -> Image  = sklearn("digits", "data")
data   label   : Sample -> Logits = sklearn("digits", "target")
frozen teacher : Image -> Logits  = mlp(64, 16, 10)
model  student : Image -> Logits  = mlp(64, 8, 10)

goal    hard     : pixels >> student = label               by cross_entropy
goal    soft     : pixels >> student = pixels >> teacher   by kl(temperature=4)   weight 0.7
measure accuracy : pixels >> student = label               by accuracy
"""
RETRACT = """\
object A, B
map s : A -> B
map r : B -> A
law retract : s >> r = id(A)
"""


@pytest.fixture
def at(tmp_path, monkeypatch):
    """Runs the command in a folder with these files."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.diagram").write_text(GOOD)
    (tmp_path / "retract.diagram").write_text(RETRACT)

    def run(*arguments, **files):
        for name, text in files.items():
            (tmp_path / f"{name}.diagram").write_text(text)
        return CliRunner().invoke(app, list(arguments))

    return run


def test_check_prints_what_it_found(at):
    done = at("check", "good.diagram")
    assert done.exit_code == 0 and done.stderr == ""
    assert done.stdout.splitlines()[:3] == [
        "diagram Distillation",
        "objects (3)    Sample, Image[64], Logits[10]",
        "data (2)       pixels, label",
    ]


def test_all_errors_of_a_file_are_printed_a_line_each_sorted_by_place(at):
    bad = GOOD.replace("by kl(", "by kll(").replace(
        "pixels >> student = label               by accuracy", "pixels >> studnet = label by accuracy"
    )
    done = at("check", "bad.diagram", bad=bad)
    assert done.exit_code == 1 and done.stdout == ""
    assert done.stderr.splitlines() == [
        "bad.diagram:10:63: there is no comparator `kll`; did you mean `kl`?",
        "bad.diagram:11:30: there is no map `studnet`; did you mean `student`?",
    ]


def test_errors_without_a_place_of_their_own_take_the_declarations(at):
    wide = GOOD.replace("mlp(64, 8, 10)", "mlp(64, 8, 11)")
    for command in (["check"], ["compile"], ["train"]):
        done = at(*command, "wide.diagram", wide=wide)
        assert done.exit_code == 1 and "Traceback" not in done.output
        assert done.stderr.splitlines()[0] == (
            "wide.diagram:7:1: goal `hard`, at pixels >> student: `student` gives [11], but Logits is declared [10]"
        )


def test_data_without_a_source_are_named_at_their_declarations(at):
    bare = GOOD.replace('= sklearn("digits", "data")', "").replace('= sklearn("digits", "target")', "")
    done = at("train", "bare.diagram", bare=bare)
    assert done.exit_code == 1
    assert [line.split(";")[0] for line in done.stderr.splitlines()] == [
        "bare.diagram:4:1: pixels has no data",
        "bare.diagram:5:1: label has no data",
    ]


@pytest.mark.parametrize(
    ("equation", "code", "verdict"),
    [
        ("s >> r >> s = s", 0, "proved"),
        ("r >> s = id(B)", 3, "refuted"),
    ],
)
def test_prove_answers_by_its_exit_code(at, equation, code, verdict):
    done = at("prove", "retract.diagram", equation)
    assert done.exit_code == code and done.stdout.startswith(f"{verdict}: ")
    told = json.loads(at("prove", "retract.diagram", equation, "--json").stdout)
    assert told["verdict"] == verdict
    assert set(told) == {"verdict", "left", "right", "proof", "witness", "reason"}
    assert (told["proof"] is not None) == (code == 0) and (told["witness"] is not None) == (code == 3)


def test_prove_json_holds_the_steps(at):
    told = json.loads(at("prove", "retract.diagram", "s >> r >> s = s", "--json").stdout)
    assert told["proof"] == [{"law": "retract", "forward": True, "before": "s >> r >> s", "after": "s"}]


def test_prove_gives_up_with_its_own_code(at):
    # Two commuting inverses without end: a monoid whose completion runs on; nothing is decided in no time.
    maps = "".join(f"map {name} : A -> A\n" for name in "abc")
    hard = f"object A\n{maps}law x : a >> b >> a = b >> a >> c\nlaw y : c >> a >> b = b >> b >> a\n"
    done = at(
        "prove", "hard.diagram", "a >> b >> c >> a >> b = c >> b >> a >> b >> a >> a", "--max-seconds", "0", hard=hard
    )
    assert done.exit_code == 4 and done.stdout.startswith("unknown: ")


def test_prove_says_that_goals_are_hypotheses(at):
    done = at("prove", "good.diagram", "label = pixels >> teacher")
    assert done.exit_code == 0
    assert done.stdout.splitlines()[0] == "proved: label = pixels >> teacher, if each goal held as an equation"
    assert at("prove", "good.diagram", "label = pixels >> teacher", "--using", "laws").exit_code == 3


def test_errors_of_the_equation_have_its_place(at):
    done = at("prove", "retract.diagram", "s >> q = id(A)")
    assert done.exit_code == 1 and done.stderr.startswith("EQUATION:1:6: ")
    assert at("prove", "retract.diagram", "s = r").stderr.startswith("EQUATION:1:")
    assert at("prove", "retract.diagram", "s = s", "--using", "faith").exit_code == 2


def test_compile_shows_plan_loss_and_latex(at):
    plan = at("compile", "good.diagram")
    assert plan.exit_code == 0 and "v1 = student(v0)" in plan.stdout
    assert at("compile", "good.diagram", "--show", "loss").stdout.startswith("L(θ) = E[Sample] cross_entropy(")
    assert at("compile", "good.diagram", "--show", "latex").stdout.startswith("\\begin{aligned}")
    assert at("compile", "good.diagram", "--show", "film").exit_code == 2
    assert at("compile", "good.diagram", "--backend", "pytorch").exit_code == 2


def test_compile_rewrites_by_laws_where_that_is_asked(at):
    text = (
        "object S, X[4]\ndata x : S -> X\nfixed white : X -> X\nfixed back : X -> X\nmodel f : X -> X\n"
        "law inverse : white >> back = id(X)\ngoal fit : x >> white >> back >> f = x\n"
    )
    written, rewritten = at("compile", "w.diagram", w=text), at("compile", "w.diagram", "--use-laws", w=text)
    assert "white(v0)" in written.stdout and "white" not in rewritten.stdout
    assert rewritten.stdout.splitlines()[-1] == "fit: rewritten by inverse"


def test_what_named_code_raises_is_a_line_with_the_place_in_that_code(at, tmp_path):
    (tmp_path / "raising.py").write_text("def net():\n    raise ValueError('no such width')\n")
    text = 'object S, X[4]\ndata x : S -> X\nmodel f : X -> X = torch("raising:net")\ngoal g : x >> f = x\n'
    done = at("compile", "r.diagram", "--trust", r=text)
    place = f"({tmp_path / 'raising.py'}, line 2)"
    assert done.stderr == f'r.diagram:3:1: `f`: torch("raising:net"): ValueError: no such width {place}\n'


def test_compile_without_realisations_shows_the_plan_and_says_so(at):
    bare = GOOD.replace("= mlp(64, 16, 10)", "").replace("= mlp(64, 8, 10)", "")
    done = at("compile", "bare.diagram", bare=bare)
    assert done.exit_code == 0 and "v3 = teacher(v0)" in done.stdout
    assert (
        done.stderr.strip()
        == "bare.diagram: compiled as far as can be: no realisation is given for `student`, `teacher`"
    )
    refused = at("compile", "bare.diagram", "--backend", "torch")
    assert refused.exit_code == 1 and refused.stderr.startswith("bare.diagram:6:1: `teacher` has no realisation; ")


def test_named_code_is_run_only_when_trusted(at, tmp_path):
    (tmp_path / "evil.py").write_text("raise SystemExit('it ran')")
    named = GOOD.replace("mlp(64, 8, 10)", 'torch("evil:Net")')
    for command in ("check", "compile", "train"):
        done = at(command, "named.diagram", named=named)
        assert "it ran" not in done.output
    assert done.exit_code == 1
    assert done.stderr.startswith('named.diagram:7:1: `student` runs code: torch("evil:Net"); --trust ')
    assert at("convert", "named.diagram", "-o", "named.json").exit_code == 0
    assert at("prove", "named.diagram", "label = label").exit_code == 0


def test_convert_goes_round(at, tmp_path):
    assert at("convert", "good.diagram", "-o", "good.json").exit_code == 0
    assert at("convert", "good.json", "-o", "again.diagram").exit_code == 0
    assert (tmp_path / "again.diagram").read_text() == GOOD
    assert at("convert", "good.diagram", "-o", "good.py").exit_code == 0
    done = at("convert", "good.diagram", "-o", "good.docx")
    assert done.exit_code == 1 and ".diagram, .json" in done.stderr


def test_draw_goes_by_the_ending(at, tmp_path):
    assert at("draw", "good.diagram", "-o", "good.svg").exit_code == 0
    assert (tmp_path / "good.svg").read_text().lstrip().startswith("<svg")
    assert at("draw", "good.diagram", "-o", "good.xyz").exit_code == 1


@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_train_leaves_results_and_goes_on(at, tmp_path, backend):
    pytest.importorskip(backend)
    pytest.importorskip("sklearn")
    options = ["--backend", backend, "--out", "run", "--batch-size", "256"]
    done = at("train", "good.diagram", *options, "--epochs", "2")
    assert done.exit_code == 0, done.output
    left = {path.name for path in (tmp_path / "run").iterdir()}
    assert {"diagram.diagram", "history.csv", "report.html", "curves.svg", "residuals.svg"} <= left
    assert (
        (tmp_path / "run" / "history.csv").read_text().splitlines()[0].startswith("step,epoch,stage,hard,soft,accuracy")
    )
    done = at("train", "good.diagram", *options, "--epochs", "3", "--resume")
    assert done.exit_code == 0 and len((tmp_path / "run" / "history.csv").read_text().splitlines()) == 4
    (tmp_path / "good.diagram").write_text(GOOD.replace("0.7", "0.8"))
    done = at("train", "good.diagram", *options, "--epochs", "4", "--resume")
    assert done.exit_code == 1 and "another diagram" in done.stderr


def test_files_that_are_not_there_and_wrong_usage(at):
    done = at("check", "none.diagram")
    assert done.exit_code == 1 and done.stderr.strip() == "none.diagram:1:1: no such file or directory"
    assert at("check").exit_code == 2 and at("chekc", "x").exit_code == 2
    assert at("train", "good.diagram", "--epochs", "0").exit_code == 2


def test_module_and_script_are_the_command(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "learningdiagrams", "--help"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    for command in ("check", "prove", "draw", "compile", "train", "convert", "demo"):
        assert f"\n  {command} " in done.stdout


def test_reading_loads_no_framework(tmp_path):
    (tmp_path / "d.diagram").write_text(GOOD)
    code = (
        "import sys; from learningdiagrams.cli import app; from typer.testing import CliRunner\n"
        f"for command in (['check'], ['prove', 'label = label']):\n"
        f"    done = CliRunner().invoke(app, [command[0], {str(tmp_path / 'd.diagram')!r}, *command[1:]])\n"
        "    assert done.exit_code == 0, done.output\n"
        "print(sorted({'torch', 'jax', 'sympy', 'sklearn', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
