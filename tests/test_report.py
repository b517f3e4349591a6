"""What a run leaves in its folder: every file, with what it says it holds."""

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from safetensors.numpy import load_file

from learningdiagrams.drawing import raster
from learningdiagrams.language import load, loads
from learningdiagrams.report import FILES, report_run
from learningdiagrams.training.history import History

TEXT = """
diagram Small
object Sample, X[3], Y[2]
data  x : Sample -> X
data  y : Sample -> Y
model f : X -> Y = linear(3, 2)
goal  fit : x >> f = y by mse weight 0.5
measure far : x >> f = y by l1
"""


def run(backend: str, folder: Path):
    rng = np.random.default_rng(0)
    data = {"x": rng.normal(size=(20, 3)).astype("float32"), "y": rng.normal(size=(20, 2)).astype("float32")}
    compiled = loads(TEXT).compile(backend)
    history = compiled.fit(data, epochs=2, batch_size=10)
    found = compiled.examine(data)
    path = report_run(compiled, history, folder, settings={"batch size": 10}, examination=found)
    return compiled, history, found.residuals, path


def test_every_file_is_there_and_says_what_it_should(backend: str, tmp_path: Path):
    compiled, history, residuals, path = run(backend, tmp_path / "out")
    folder = path.parent
    expected = {name for name in FILES if raster.available() or not name.endswith(".png")}
    assert {file.name for file in folder.iterdir()} == expected

    assert load(str(folder / "diagram.diagram")) == compiled.diagram
    saved = load_file(folder / "parameters.safetensors")
    assert sum(array.size for array in saved.values()) == 8
    lines = (folder / "history.csv").read_text().splitlines()
    assert len(lines) == 3 and lines[0].split(",") == history.columns
    numbers = json.loads((folder / "residuals.json").read_text())
    assert numbers["residuals"]["fit"]["residual"] == pytest.approx(residuals["fit"])
    told = json.loads((folder / "examination.json").read_text())
    assert [one["name"] for one in told["bounds"]] == ["far"] and told["collapses"] == []
    assert told["residuals"] == numbers["residuals"]
    for name in ("curves.svg", "residuals.svg"):
        ElementTree.parse(folder / name)
    assert f"{residuals['fit']:.3g}" in (folder / "residuals.svg").read_text()


def test_the_page_holds_it_all_and_fetches_nothing(backend: str, tmp_path: Path):
    _, _, residuals, path = run(backend, tmp_path)
    page = path.read_text(encoding="utf-8")
    words = (
        "<h1>Small</h1>",
        "x ≫ f ≈ y",
        f"{residuals['fit']:.3g}",
        "L(θ) = 0.5 · E[Sample] mse(f(x), y)",
        "v1 = f(v0)",
        "8 parameters are trained, of 8",
        "batch size",
        f"Trained on {backend}: 2 epochs, 4 steps",
        'data-kind="panel" data-name="fit"',
    )
    for word in words:
        assert word in page, word
    assert page.count("<svg") == 3
    assert "What the goals prove, and how far it holds" in page and "far: " in page
    assert not re.search(r'(src|href)="|url\(|@import', page)


def test_without_data_residuals_are_left_out(backend: str, tmp_path: Path):
    compiled = loads(TEXT).compile(backend)
    path = report_run(compiled, History(), tmp_path)
    assert not (tmp_path / "examination.json").exists()
    assert "examination.json" not in path.read_text(encoding="utf-8")
    assert "Residuals were not measured" in path.read_text(encoding="utf-8")
    assert json.loads((tmp_path / "residuals.json").read_text()) == {"residuals": {}, "unmeasured": {}}


def test_residuals_are_measured_on_the_data_that_the_diagram_names(backend: str, tmp_path: Path):
    rng = np.random.default_rng(0)
    np.save(tmp_path / "x.npy", rng.normal(size=(5, 3)).astype("float32"))
    np.save(tmp_path / "y.npy", np.zeros((5, 2), "float32"))
    text = TEXT.replace("Sample -> X", 'Sample -> X = npy("x.npy")').replace(
        "Sample -> Y", 'Sample -> Y = npy("y.npy")'
    )
    (tmp_path / "d.diagram").write_text(text)
    compiled = load(str(tmp_path / "d.diagram")).compile(backend)
    report_run(compiled, History(), tmp_path / "out")
    found = json.loads((tmp_path / "out" / "residuals.json").read_text())["residuals"]["fit"]["residual"]
    assert found == pytest.approx(compiled.residuals()["fit"])


def test_a_comparator_that_no_file_holds_is_said_in_the_first_line(backend: str, tmp_path: Path):
    diagram = loads(TEXT)
    diagram.goal("own", "x >> f", "y", by=lambda a, b: ((a - b) ** 2).mean())
    compiled = diagram.compile(backend)
    report_run(compiled, History(), tmp_path)
    first, *rest = (tmp_path / "diagram.diagram").read_text(encoding="utf-8").splitlines()
    assert first.startswith("# This text shows the diagram but cannot be read back: goal `own`")
    assert "diagram Small" in rest
