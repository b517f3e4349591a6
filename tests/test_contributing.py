"""CONTRIBUTING.md: its own words followed, in a copy of the library."""

from __future__ import annotations

import doctest
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "CONTRIBUTING.md"
TEXT = PAGE.read_text(encoding="utf-8")


def blocks(heading: str) -> list[str]:
    """The blocks of Python under a heading."""
    section = TEXT.split(f"## {heading}\n")[1].split("\n## ")[0]
    return re.findall(r"^```python\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)


class Copy:
    """A copy of the package and the tests, to be changed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("learningdiagrams", "tests"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("pyproject.toml", "docs"):
            (folder / name).symlink_to(ROOT / name)

    def change(self, file: str, *pairs: tuple[str, str]) -> None:
        """Replaces, in a file, the one place where each text stands."""
        path = self.folder / file
        text = path.read_text(encoding="utf-8")
        for old, new in pairs:
            assert text.count(old) == 1, f"{file} holds {old!r} {text.count(old)} times"
            text = text.replace(old, new)
        path.write_text(text, encoding="utf-8")

    def tested(self, *arguments: str) -> None:
        """Runs tests in the copy."""
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *arguments]
        environment = {**os.environ, "PYTHONPATH": str(self.folder)}
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=500)
        assert done.returncode == 0, done.stdout + done.stderr
        assert " passed" in done.stdout


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return Copy(tmp_path / "copy")


def test_the_backend_computes(tmp_path: Path):
    code, session = blocks("Add a backend")
    scope: dict[str, object] = {}
    exec(code, scope)
    found = doctest.DocTestParser().get_doctest(session, scope, "backend", str(PAGE), 0)
    result = doctest.DocTestRunner().run(found)
    assert result.attempted == 5 and result.failed == 0


def test_files_and_commands_are_there():
    for name in set(re.findall(r"`((?:learningdiagrams|tests|docs)/[\w/]+\.(?:py|md))`", TEXT)):
        assert name.endswith("drawing/plain.py") or (ROOT / name).is_file(), name
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^make (\w+)", TEXT, re.MULTILINE):
        assert re.search(rf"^{target}: ", makefile, re.MULTILINE), target


@pytest.mark.slow
def test_a_comparator(copy: Copy):
    pytest.importorskip("torch")
    pytest.importorskip("jax")
    value, formula, latex, number = blocks("Add a comparator")
    copy.change(
        "learningdiagrams/losses.py",
        ('    "l1",\n', '    "l1",\n    "log_cosh",\n'),
        ("for cls in (mse, l1, huber,", "for cls in (mse, l1, huber, log_cosh,"),
        (
            "@dataclass(frozen=True, eq=False, repr=False)\nclass huber",
            f"{value}\n\n@dataclass(frozen=True, eq=False, repr=False)\nclass huber",
        ),
        (
            ">>> [name for name, cls in COMPARATORS.items() if cls.zero is Zero.EQUAL]\n['mse', 'l1', 'huber']",
            ">>> len(COMPARATORS)\n13",
        ),
    )
    copy.change(
        "learningdiagrams/backends/comparators.py",
        ("def _bce(", f"{formula}\n\ndef _bce("),
        ("    losses.huber: _huber,\n", "    losses.huber: _huber,\n    losses.log_cosh: _log_cosh,\n"),
    )
    copy.change("learningdiagrams/formulas.py", ('    "huber": r', f'{latex}    "huber": r'))
    copy.change("tests/backends/test_comparators.py", ("BY_HAND = [\n", f"BY_HAND = [\n{number}"))
    lists = (copy.folder / "tests" / "test_losses.py").read_text(encoding="utf-8")
    lists = lists.replace('            "huber",\n', '            "huber",\n            "log_cosh",\n')
    lists = lists.replace('"mse", "l1", "huber"', '"mse", "l1", "huber", "log_cosh"')
    (copy.folder / "tests" / "test_losses.py").write_text(lists, encoding="utf-8")
    copy.tested("tests/test_losses.py")
    copy.tested("tests/backends/test_comparators.py", "-k", "log_cosh or has_a_formula or class_numbers_of_any_type")
    code = "import learningdiagrams as ld; print(ld.loads('object A\\nmap f : A -> A\\ngoal g : f = f by log_cosh'))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=copy.folder,
        env={**os.environ, "PYTHONPATH": str(copy.folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "by log_cosh" in done.stdout


@pytest.mark.slow
def test_a_pen(copy: Copy):
    pen, branch = blocks("Add a pen")
    (copy.folder / "learningdiagrams" / "drawing" / "plain.py").write_text(pen, encoding="utf-8")
    copy.change(
        "learningdiagrams/drawing/__init__.py",
        (
            "from learningdiagrams.drawing.mermaid import mermaid\n",
            "from learningdiagrams.drawing.mermaid import mermaid\nfrom learningdiagrams.drawing.plain import plain\n",
        ),
        ('".mmd", ".html")\n', '".mmd", ".html", ".txt")\n'),
        ("of .svg, .png, .pdf, .tex, .dot, .mmd, .html\n", "of .svg, .png, .pdf, .tex, .dot, .mmd, .html, .txt\n"),
        ('    elif ending == ".dot":\n', f'{branch}    elif ending == ".dot":\n'),
    )
    copy.tested("learningdiagrams/drawing/plain.py", "learningdiagrams/drawing/__init__.py")
    copy.tested("tests/drawing/test_pens.py", "-k", "txt")
