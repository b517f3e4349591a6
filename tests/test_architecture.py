"""Imports run one way: what each module may import, read from its source."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "learningdiagrams"

# From the ground up. A module imports from its own floor and from those below; a door to the floors above is
# an import inside a function, opened when that is called.
FLOORS = (
    {"theory"},
    {"calls", "errors", "layers", "lookalikes", "losses", "passes", "schedules", "specs", "tables", "values"},
    {"declarations", "diagram"},
    {"data", "datasets", "glyphs", "noise"},
    {
        "batching",
        "caching",
        "collapse",
        "containment",
        "contradictions",
        "drawing",
        "editing",
        "examination",
        "formulas",
        "gluing",
        "interpretation",
        "language",
        "merging",
        "parallel",
        "plan",
        "pruning",
        "relevance",
        "rewriting",
        "shapes",
        "stacking",
        "verdicts",
    },
    {"backends"},
    {"agreement", "bounds", "carried", "conflicts", "examined", "training"},
    {"code", "compiled", "symbolic"},
    {"__init__", "__main__", "cli", "curves", "demo", "gauges", "regimes", "report"},
)
HEIGHT = {part: height for height, floor in enumerate(FLOORS) for part in floor}
SOURCES = sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py"))
FRAMEWORKS = {"torch", "jax", "jaxlib", "optax", "equinox", "flax", "sympy"}


def part(source: Path) -> str:
    """The part of the package that a source belongs to: its folder, or itself."""
    return source.parts[0].removesuffix(".py")


def imported(source: Path, tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and full dotted name of everything that the nodes of a source import."""
    package = ["learningdiagrams", *source.parent.parts]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = [*above, *([node.module] if node.module else [])]
            yield from ((node.lineno, ".".join([*base, alias.name])) for alias in node.names)


def when_loaded(tree: ast.Module) -> ast.Module:
    """The statements that run on import: no bodies of functions, nothing under `if TYPE_CHECKING`."""

    class Doors(ast.NodeTransformer):
        def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
            return None

        def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
            return None

        def visit_If(self, node: ast.If) -> ast.AST:
            name = node.test.attr if isinstance(node.test, ast.Attribute) else getattr(node.test, "id", None)
            return ast.Pass() if name == "TYPE_CHECKING" else self.generic_visit(node)

    return Doors().visit(tree)


def part_of(name: str) -> str | None:
    """The part of the package that a dotted name leads into, if any; public names are `__init__`'s."""
    words = name.split(".")
    if words[0] != "learningdiagrams":
        return None
    return words[1] if len(words) > 1 and words[1] in HEIGHT else "__init__"


def violations(source: Path, text: str) -> list[str]:
    """What a source imports and should not, one line each."""
    found = []
    own = part(source)
    for line, name in imported(source, ast.parse(text)):
        top = name.split(".")[0]
        if top in FRAMEWORKS and own != "backends":
            found.append(f"{source}:{line}: {name}: only backends/ imports {top}")
        if own == "theory" and top == "numpy":
            found.append(f"{source}:{line}: {name}: theory stands alone")
    for line, name in imported(source, when_loaded(ast.parse(text))):
        other = part_of(name)
        if other is not None and HEIGHT[other] > HEIGHT[own]:
            found.append(f"{source}:{line}: {name}: {own} stands below {other}")
    return found


@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_imports_run_one_way(source: Path):
    assert part(source) in HEIGHT, f"say in FLOORS on which floor {part(source)} stands"
    assert violations(source, (PACKAGE / source).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("source", "text", "wrong"),
    [
        ("theory/functors.py", "import numpy as np", "theory/functors.py:1: numpy: theory stands alone"),
        (
            "theory/functors.py",
            "def f():\n    import numpy",
            "theory/functors.py:2: numpy: theory stands alone",
        ),
        (
            "theory/functors.py",
            "from ..plan import Plan",
            "…:1: learningdiagrams.plan.Plan: theory stands below plan",
        ),
        ("plan.py", "import torch", "plan.py:1: torch: only backends/ imports torch"),
        (
            "plan.py",
            "def f():\n    from jax import numpy",
            "plan.py:2: jax.numpy: only backends/ imports jax",
        ),
        (
            "plan.py",
            "from learningdiagrams import training",
            "…:1: learningdiagrams.training: plan stands below training",
        ),
        (
            "diagram.py",
            "class A:\n    from . import cli",
            "…:2: learningdiagrams.cli: diagram stands below cli",
        ),
        ("plan.py", "import learningdiagrams as ld", "…:1: learningdiagrams: plan stands below __init__"),
        ("diagram.py", "def f():\n    from learningdiagrams import compiled", None),
        (
            "diagram.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .plan import Plan",
            None,
        ),
        ("backends/torch.py", "import torch\nfrom learningdiagrams.plan import Plan", None),
        ("theory/functors.py", "from learningdiagrams.theory.morphisms import Morphism", None),
    ],
)
def test_the_rule_itself(source: str, text: str, wrong: str | None):
    found = violations(Path(source), text)
    assert found == ([] if wrong is None else [wrong.replace("…", source)])
