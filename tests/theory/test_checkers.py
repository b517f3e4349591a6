"""The checkers of certificates: short, and apart from what they check."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

THEORY = Path(__file__).parents[2] / "learningdiagrams" / "theory"
CHECKERS = sorted(path.stem for path in THEORY.glob("checking*.py"))
SHARED = {"errors", "morphisms", "terms"}
"""What certificates are about: expressions, and their normal forms."""

LONGEST = 120


def imported(module: ast.Module) -> set[str]:
    """The modules of the theory that are loaded with this one; what stands under TYPE_CHECKING is not."""
    nodes = [node for node in module.body if isinstance(node, ast.ImportFrom | ast.Import)]
    names = [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
    names += [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    return {name.removeprefix("learningdiagrams.theory.") for name in names if name.startswith("learningdiagrams")}


@pytest.mark.parametrize("name", CHECKERS)
def test_a_checker_is_short_and_imports_nothing_of_the_engine(name):
    text = (THEORY / f"{name}.py").read_text(encoding="utf-8")
    module = ast.parse(text)
    assert len(text.splitlines()) <= LONGEST
    assert imported(module) <= {*SHARED, *CHECKERS}
    assert "othing of the engine" in (ast.get_docstring(module) or "")
    inner = [node for node in ast.walk(module) if isinstance(node, ast.ImportFrom | ast.Import)]
    assert {node.module for node in inner if isinstance(node, ast.ImportFrom)} <= {
        node.module for node in module.body if isinstance(node, ast.ImportFrom)
    } | {"learningdiagrams.theory.presentations", "learningdiagrams.theory.proofs"}


def test_what_checkers_stand_on_imports_nothing_of_the_engine_either():
    for name in SHARED:
        assert imported(ast.parse((THEORY / f"{name}.py").read_text(encoding="utf-8"))) <= SHARED


@pytest.mark.parametrize("name", ["checking", "checking_models", "checking_words", "checking_terms", "checking_paths"])
def test_a_checker_says_why_acceptance_implies_truth(name):
    doc = ast.get_docstring(ast.parse((THEORY / f"{name}.py").read_text(encoding="utf-8"))) or ""
    assert "Acceptance implies truth" in doc
