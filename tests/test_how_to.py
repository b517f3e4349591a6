"""The pages of docs/how-to: every block of Python runs, and prints what the page says.

The blocks of a page share one namespace and an empty folder. `<!-- needs: a, b -->` before a block says which packages
it and the blocks after it need, up to the next heading; where one is missing they are skipped.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import re
import warnings
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import pytest

PAGES = Path(__file__).resolve().parent.parent / "docs" / "how-to"
PIECE = re.compile(
    r"^(?P<heading>#+ [^\n]*)$|<!-- needs: (?P<needs>[\w, .-]+) -->|^```(?P<language>\w+)\n(?P<code>.*?)^```$",
    re.M | re.S,
)
CHECKER = doctest.OutputChecker()
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


TESTED = {"torch", "jax", "optax", "equinox", "flax", "pandas"}


class Block(NamedTuple):
    line: int
    code: str
    needs: frozenset[str]
    output: str | None


def blocks_of(page: Path) -> list[tuple[str, Block]]:
    """Each block of Python with the heading that it stands under."""
    text = page.read_text(encoding="utf-8")
    found: list[tuple[str, Block]] = []
    heading, page_needs, needs = "", frozenset[str](), frozenset[str]()
    for piece in PIECE.finditer(text):
        if piece["heading"]:
            heading = piece["heading"].lstrip("# ")
            needs = page_needs
        elif piece["needs"]:
            needs = page_needs | {name.strip() for name in piece["needs"].split(",")}
            if not found:
                page_needs = needs
        elif piece["language"] == "python":
            line = text[: piece.start("code")].count("\n") + 1
            found.append((heading, Block(line, piece["code"], needs, None)))
        elif piece["language"] == "text":
            title, block = found[-1]
            found[-1] = (title, block._replace(output=piece["code"]))
    return found


def missing(block: Block) -> list[str]:
    return sorted(name for name in block.needs if find_spec(name) is None)


def cases() -> Iterator[Any]:
    """A page with what can be run of it; what cannot is a case by itself, so that it is seen."""
    for page in sorted(PAGES.glob("*.md")):
        found = blocks_of(page)
        runs = [block for _, block in found if not missing(block)]
        if runs:
            yield pytest.param(page, runs, id=page.stem)
        for title, lacks in {title: missing(block) for title, block in found if missing(block)}.items():
            skip = pytest.mark.skip(reason=f"needs {', '.join(lacks)}")
            yield pytest.param(page, [], id=f"{page.stem}: {title}", marks=skip)


CASES = list(cases())


def test_there_are_pages():
    assert len(CASES) >= 10


@pytest.mark.parametrize(("page", "blocks"), CASES)
def test_page(page: Path, blocks: list[Block], tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    space: dict[str, object] = {"__name__": "how_to"}
    for block in blocks:
        out = io.StringIO()
        # Line numbers of errors are those of the page.
        code = compile("\n" * (block.line - 1) + block.code, str(page), "exec")
        with contextlib.redirect_stdout(out), warnings.catch_warnings():
            if block.needs - TESTED:
                # What other libraries warn each other of is not for us to mend.
                warnings.simplefilter("ignore")
                warnings.filterwarnings("error", module="learningdiagrams")
            exec(code, space)
        wanted, got = block.output or "", out.getvalue()
        assert CHECKER.check_output(wanted, got, FLAGS), f"line {block.line} printed\n{got}\nand not\n{wanted}"
