"""The gallery as a whole: files, words, variants, commands and quick runs; and, slowly, whole runs."""

import doctest
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import mean

import numpy as np
import pytest
from typer.testing import CliRunner

from learningdiagrams import demo, regimes
from learningdiagrams.cli.regimes import app
from learningdiagrams.errors import DiagramError
from learningdiagrams.examination import hypothesis, translated
from learningdiagrams.interpretation.search import interpretations
from learningdiagrams.language import loads
from learningdiagrams.theory import Refuted

pytest.importorskip("sklearn")
pytest.importorskip("PIL")
pytest.importorskip("matplotlib")

PAGE = Path(__file__).parents[2] / "docs" / "gallery.md"
VARIANTS = [(name, variant.name) for name in regimes.NAMES for variant in regimes.find(name).variants]


def command(*arguments: str):
    return CliRunner().invoke(app, list(arguments))


@pytest.mark.parametrize("name", regimes.NAMES)
def test_a_regime_says_what_it_is_and_where_from(name: str):
    regime = regimes.find(name)
    diagram = regime.diagram()
    assert regime.name == name and regime.path.is_file()
    assert all((regime.title, regime.source, regime.claim, regime.caution, regime.figures, diagram.stages))
    assert regime.text().startswith("# ")
    found = diagram.check()
    assert not found.warnings and not found.contradictions


@pytest.mark.parametrize(("name", "variant"), VARIANTS)
def test_a_variant_changes_what_it_says_and_is_a_diagram(name: str, variant: str):
    regime = regimes.find(name)
    assert regime.text(variant) != regime.text()
    assert regime.variant(variant).words in command("show", name, "--variant", variant).stdout
    assert set(regime.variant(variant).shows) <= {figure.name for figure in regime.figures}


@pytest.mark.parametrize("name", regimes.NAMES)
def test_quick_runs_give_every_figure(name: str):
    result = regimes.run(name, "torch", seeds=1, quick=True)
    assert list(result.figures) and {figure.name for figure in result.regime.figures} <= set(result.figures)
    assert all(np.isfinite(values).all() for values in result.figures.values())
    assert result.missed == []  # a quick run is not judged


@pytest.mark.parametrize("name", ["autoencoder", "equivariance", "stacking"])
def test_quick_runs_on_both_backends_start_alike(name: str):
    ours, theirs = (regimes.run(name, backend, seeds=1, quick=True).figures for backend in ("jax", "torch"))
    for figure, values in theirs.items():
        assert ours[figure] == pytest.approx(values, abs=0.05), figure


@pytest.mark.slow
@pytest.mark.parametrize("name", regimes.NAMES)
def test_whole_runs_keep_their_bounds(name: str, backend: str):
    assert regimes.run(name, backend, seeds=3).missed == []


# What the algebra says, and what training does -------------------------------------------------------------------


def test_undo_follows_from_putput_and_not_without_it():
    regime = regimes.find("manipulator")
    proved = regime.diagram("putput").check().derivable["undo"]
    assert {step.law for verdict in proved for step in verdict.proof.steps} == {"putput", "getput"}
    assert all(verdict.proof.check() is None for verdict in proved)
    plain = regime.diagram()
    undo, rest = plain.goals["undo"], hypothesis(plain, without=["undo"])
    left, right = (translated(undo.on[0] >> side, rest) for side in (undo.left, undo.right))
    refuted = rest.prove(left, right)
    assert isinstance(refuted, Refuted) and refuted.witness.kind == "model" and refuted.witness.check() is None
    assert "undo" not in plain.check().derivable


def test_the_decoded_turn_follows_only_where_turned_pictures_come_back():
    regime = regimes.find("equivariance")
    assert "turned" in regime.diagram().check().derivable
    assert "turned" not in regime.diagram("underived").check().derivable


@pytest.mark.parametrize(
    ("inner", "outer", "there"),
    [
        ("equivariance", "denoising", True),
        ("distillation", "mutual_learning", True),
        ("mutual_learning", "distillation", True),
        ("autoencoder", "denoising", False),
        ("autoencoder", "cyclegan", False),
        ("clip", "autoencoder", False),
        ("manipulator", "autoencoder", False),
    ],
)
def test_which_is_found_in_which(inner: str, outer: str, there: bool):
    found = interpretations(regimes.find(inner).diagram(), regimes.find(outer).diagram(), 2, max_seconds=30)
    assert bool(found) is there and found.complete
    page = PAGE.read_text(encoding="utf-8")
    table = page.partition("is found in |")[2]
    (row,) = [line for line in table.splitlines() if line.startswith(f"| `{inner}` | ")]
    assert (f"`{outer}`" in row.split("|")[2]) is there


@pytest.mark.parametrize("outer", ["cyclegan", "denoising", "equivariance"])
def test_an_autoencoder_without_shapes_is_found_in_others(outer: str):
    diagram = regimes.find("autoencoder").diagram()
    free = loads(re.sub(r"\[[\d, ]+\]", "", str(diagram)))
    assert all(space.shape is None for space in free.spaces.values())
    found = interpretations(free, regimes.find(outer).diagram(), 2, max_seconds=30, limit=1)
    assert len(found) == 1 and found[0].failures() == []


def test_what_the_page_glues():
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    result = doctest.testfile(str(PAGE), module_relative=False, optionflags=flags, encoding="utf-8")
    assert result.attempted >= 14 and result.failed == 0


@pytest.mark.parametrize(
    ("name", "variant", "stops"),
    [("simsiam", None, True), ("simsiam", "no-stop", False), ("byol", None, True), ("byol", "no-average", False)],
)
def test_collapse_is_foretold(name: str, variant: str | None, stops: bool):
    (found,) = regimes.find(name).diagram(variant).check().collapses
    assert {"encode", "project", "predict"} == set(found.constants) and bool(found.stops) is stops


def test_the_page_has_every_regime_its_bounds_and_its_variants():
    page = PAGE.read_text(encoding="utf-8")
    for name in regimes.NAMES:
        assert f"| `{name}` |" in page
        for figure in regimes.find(name).figures:
            assert figure.bound.replace(" 0.", " .") in page, (name, figure.bound)
        for variant in regimes.find(name).variants:
            assert variant.name in page, (name, variant.name)


@pytest.mark.slow
def test_training_agrees_with_the_proofs():
    wrong, right = (regimes.run("equivariance", seeds=1, variant=v).figures for v in ("underived", "derived"))
    assert wrong["turned"][0] > 0.3 and right["turned"][0] < 0.12
    assert wrong["latent"][0] < 0.01 and right["latent"][0] < 0.01


@pytest.mark.slow
def test_controls():
    def figures(name: str, variant: str) -> Callable[[str], float]:
        found = regimes.run(name, seeds=1, variant=variant).figures
        return lambda figure: mean(found[figure])

    clean = figures("manipulator", "no-grain")
    assert clean("own") > 0.99 and clean("judged") < 0.9
    assert figures("manipulator", "putget-only")("getput") > 0.3
    assert figures("simsiam", "collapse")("spread") < 0.1 < 0.25 < figures("simsiam", "no-norm")("spread")
    assert figures("byol", "no-average")("spread") < 0.1
    still = figures("cyclegan", "no-judges")
    assert still("embolden") > 0.95 and still("cycle") < 0.02
    assert figures("distillation", "all-labels")("gain") < 0.03


# Commands -------------------------------------------------------------------------------------------------------


def test_list_has_a_line_for_each():
    lines = command("list").stdout.splitlines()
    assert [line.split()[0] for line in lines] == list(regimes.NAMES)
    assert all(regimes.find(line.split()[0]).title in line for line in lines)


def test_show_prints_diagram_loss_findings_words_and_bounds(tmp_path):
    done = command("show", "manipulator", "--variant", "putput", "--draw", str(tmp_path / "m.svg"))
    assert done.exit_code == 0 and (tmp_path / "m.svg").read_text().lstrip().startswith("<svg")
    for words in (
        "law putput : (put @ id(Class)) >> put",
        "L(θ) = ",
        "derivable: goal `undo` follows from putput, getput",
        "source: ",
        "claims: ",
        "beware: ",
        "figure: an independent classifier finds the class asked for: ≥ 0.985; by hand 0.999 ± 0.001",
    ):
        assert words in done.stdout


def test_run_prints_a_table_and_leaves_a_report(tmp_path):
    done = command("run", "autoencoder", "--quick", "--seeds", "2", "--out", str(tmp_path))
    assert done.exit_code == 0, done.output
    heading, columns, row, *_ = done.stdout.splitlines()
    assert re.fullmatch(r"Autoencoder, on torch: 2 seeds, \d+ s each; a quick run, whose figures mean nothing", heading)
    assert columns.split() == ["mean", "spread", "seeds"]
    assert re.search(r"16 numbers +0\.\d{3} +±0\.\d{3} +0\.\d{3} 0\.\d{3}$", row)
    assert (tmp_path / "report.html").is_file()


def test_a_missed_bound_is_said_and_is_exit_code_1(monkeypatch):
    strict = replace(
        regimes.find("autoencoder"),
        figures=(regimes.Figure("error", "error", most=0.0), regimes.Figure("linear", "linear", least=0.01)),
    )
    short = replace(strict, training={**strict.training, "goals": ["back"]})
    result = regimes.Result(short, "torch", figures={"error": [0.2, 0.4], "linear": [0.1, 0.1]}, seconds=[1.0, 1.0])
    assert result.missed == ["autoencoder: error: 0.3 is not ≤ 0"]
    assert regimes.table(result).splitlines()[2].split() == [
        "error",
        "0.300",
        "±0.141",
        "≤",
        "0",
        "missed",
        "0.200",
        "0.400",
    ]
    monkeypatch.setattr(regimes, "run", lambda *_, **__: result)
    done = command("run", "autoencoder")
    assert done.exit_code == 1 and done.stderr == "autoencoder: error: 0.3 is not ≤ 0\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["show", "distilation"], "regimes:1:1: there is no regime `distilation`; did you mean `distillation`?"),
        (["run", "gan"], f"regimes:1:1: there is no regime `gan`; there are {', '.join(regimes.NAMES)}"),
        (
            ["show", "manipulator", "--variant", "putgett-only"],
            "regimes:1:1: regime `manipulator`: there is no variant `putgett-only`; did you mean `putget-only`?",
        ),
        (
            ["run", "autoencoder", "--variant", "x"],
            "regimes:1:1: regime `autoencoder`: there is no variant `x`; there is none",
        ),
        (["run", "autoencoder", "--backend", "pytorch"], "regimes:1:1: there is no backend"),
    ],
)
def test_errors_are_one_line(arguments: list[str], message: str):
    done = command(*arguments)
    assert done.exit_code == 1 and done.stdout == ""
    assert done.stderr.startswith(message) and len(done.stderr.splitlines()) == 1


def test_changes_that_do_not_fit_are_errors():
    regime = regimes.find("autoencoder")
    broken = replace(regime, variants=(regimes.Variant("two", "words", {"Image": "Picture"}),))
    with pytest.raises(DiagramError, match=r"variant `two`: `Image` stands \d+ times in autoencoder.diagram"):
        broken.text("two")


@pytest.mark.slow
def test_the_demo(tmp_path, capsys):
    found = demo.run("torch", tmp_path, seeds=1)
    assert found["teacher"][0] > 0.97 and found["gain"][0] > 0.06
    assert (tmp_path / "report.html").is_file() and "Distilling gains +" in capsys.readouterr().out
