"""What the README says works as it says."""

import re
from pathlib import Path

import pytest

import learningdiagrams as ld

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def block(heading: str, language: str = "") -> str:
    """The first fenced block under a heading."""
    found = re.search(rf"^## {heading}\n.*?^```{language}\n(.*?)^```", TEXT, re.S | re.M)
    assert found is not None, heading
    return found[1]


def test_the_python_example_runs(capsys: pytest.CaptureFixture[str]):
    pytest.importorskip("torch")
    scope: dict[str, object] = {}
    exec(block("In Python", "python"), scope)
    printed = capsys.readouterr().out
    assert "pixels >> student = pixels >> teacher" in printed and "(512, 10)" in printed.replace(
        "torch.Size([512, 10])", "(512, 10)"
    )
    assert scope["history"].columns[:3] == ["step", "epoch", "stage"]  # type: ignore[attr-defined]  # a History


def test_the_file_is_the_example_and_says_the_same():
    text = block("As a file")
    assert text == (ROOT / "examples" / "distillation.diagram").read_text(encoding="utf-8")
    assert str(ld.loads(text)) == text.rstrip("\n")
    scope: dict[str, object] = {}
    exec(block("In Python", "python").split("rng =")[0], scope)
    built, read = scope["d"], ld.loads(text)
    assert isinstance(built, ld.Diagram)
    assert {name: str(goal.left) + str(goal.by) for name, goal in built.goals.items()} == {
        name: str(goal.left) + str(goal.by) for name, goal in read.goals.items()
    }
    assert (built.roles, built.spaces) == (read.roles, read.spaces)


def test_every_file_that_is_named_is_there():
    for name in re.findall(r"\]\(([a-z/_]+\.(?:md|svg))\)", TEXT):
        assert (ROOT / name).is_file(), name


def test_the_picture_is_what_draw_gives(tmp_path: Path):
    ld.load(ROOT / "examples" / "distillation.diagram").draw(tmp_path / "d.svg")
    assert (tmp_path / "d.svg").read_bytes() == (ROOT / "docs" / "distillation.svg").read_bytes()
