"""The notebooks: they run from top to bottom, and what is committed with them is what they put out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest.importorskip("nbclient", reason="the notebooks are run by nbclient")
pytest.importorskip("torch")
pytest.importorskip("sklearn")

from nbclient.exceptions import CellExecutionError
from nbformat.v4 import new_code_cell, new_notebook

from notebooks.run import PARAMETERS, PICTURE, STABLE, code_cells, executed, load, main, notebooks, renewed, tags

PATHS = notebooks()
EACH = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)

MOST = 2_000_000
"""Bytes of all notebooks together."""
KINDS = {"text/plain", "text/html", "image/svg+xml", "image/png"}
OF_A_MACHINE = re.compile(
    r"/(home|root|Users|work|tmp|opt|usr|var|private)/|[A-Za-z]:\\Users|site-packages|0x[0-9a-f]{6,}"
)


def texts(cell) -> dict[str, str]:
    """What a cell put out, by kind: a stream by its name, a value by the kinds in which it is shown."""
    found: dict[str, str] = {}
    for output in cell.outputs:
        if output.output_type == "stream":
            found[output.name] = found.get(output.name, "") + output.text
        elif output.output_type == "error":
            found["error"] = "\n".join(output.traceback)
        else:
            found |= {kind: "".join(value) for kind, value in output.data.items()}
    return found


@EACH
def test_what_is_committed_is_a_whole_run(path: Path):
    notebook = load(path)
    cells = list(code_cells(notebook))
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    (parameters,) = [cell for cell in cells if PARAMETERS in tags(cell)]
    assert parameters.source.startswith("QUICK = False")
    shown = [texts(cell) for cell in cells]
    assert any("image/svg+xml" in found for found in shown), "no picture of a diagram"
    for cell, found in zip(cells, shown, strict=True):
        assert not {"error", "stderr"} & set(found), cell.source
        assert set(found) - {"stdout"} <= KINDS, cell.source
        assert "a quick run" not in found.get("stdout", "")


@EACH
def test_no_path_or_address_of_a_machine_is_in_it(path: Path):
    for cell in load(path).cells:
        everything = {"source": cell.source, **(texts(cell) if cell.cell_type == "code" else {})}
        for kind, text in everything.items():
            if kind != "image/png":
                found = OF_A_MACHINE.search(text)
                assert found is None, f"{found.group()!r} in the {kind} of: {cell.source}" if found else ""


def test_they_are_small_and_all_of_them_are_listed():
    assert sum(path.stat().st_size for path in PATHS) < MOST
    page = (PATHS[0].parent / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\]\((\w+\.ipynb)\)", page)) == {path.name for path in PATHS}


@EACH
def test_it_runs(path: Path):
    """In a few steps; what does not hang on training is word for word what is committed."""
    notebook = load(path)
    made = executed(notebook, quick=True)
    stable = 0
    for cell, again in zip(code_cells(notebook), code_cells(made), strict=True):
        found = texts(again)
        assert not {"error", "stderr"} & set(found), found
        # That a figure or picture is there does not hang on how long training took.
        assert set(found) == set(texts(cell)), cell.source
        if STABLE in tags(cell):
            stable += 1
            right = f"`make notebooks ARGS='--stable {path.stem}'` writes what it puts out now"
            assert found == texts(cell), f"{right}:\n{cell.source}"
    assert stable


@pytest.mark.slow
@EACH
def test_it_runs_whole(path: Path):
    """With the figures that it claims: its cells with the tag `check` assert them."""
    notebook = load(path)
    checks = [cell for cell in code_cells(notebook) if "check" in tags(cell)]
    assert checks and all("assert" in cell.source for cell in checks)
    executed(notebook)


def small(*sources: str):
    """A notebook with a cell of parameters and these after it."""
    parameters = new_code_cell("QUICK = False", metadata={"tags": [PARAMETERS]})
    return new_notebook(cells=[parameters, *map(new_code_cell, sources)])


def test_quick_sets_the_parameter_and_leaves_the_source():
    notebook = small("print(QUICK)")
    made = executed(notebook, quick=True)
    assert [cell.source for cell in made.cells] == ["QUICK = False", "print(QUICK)"]
    assert texts(made.cells[1]) == {"stdout": "True\n"}
    assert notebook.cells[1].outputs == []


def test_only_what_does_not_hang_on_training_is_renewed():
    notebook = small("1 + 1", "2 + 2", "3 + 3")
    for cell, tag in zip(notebook.cells[1:], (STABLE, PICTURE, "check"), strict=True):
        cell.metadata["tags"] = [tag]
    made = renewed(notebook)
    assert [texts(cell) for cell in made.cells] == [{}, {"text/plain": "2"}, {"text/plain": "4"}, {}]
    assert "QUICK = True" not in made.cells[0].source


def test_a_cell_that_fails_is_named_in_plain_text():
    with pytest.raises(CellExecutionError) as caught:
        executed(small("print(QUICK)", "1 / 0", "print('never')"))
    text = str(caught.value)
    assert "1 / 0" in text and "ZeroDivisionError: division by zero" in text
    assert "\x1b" not in text and "never" not in text


def test_an_unknown_notebook_is_an_error_that_lists_them(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["run.py", "clipp"])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 2
    there = ", ".join(path.stem for path in PATHS)
    assert f"there is no notebook clipp; there are {there}" in capsys.readouterr().err
