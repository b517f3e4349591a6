"""docs/language.md: its examples read and run, and its grammar is the one in use."""

import doctest
import re
from pathlib import Path

import pytest

from learningdiagrams.diagram import RESERVED
from learningdiagrams.language import loads
from learningdiagrams.language.conversion import loads_json, write_json
from learningdiagrams.language.writing import write

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "language.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_sessions_run():
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    result = doctest.testfile(str(ROOT / "docs" / "language.md"), module_relative=False, optionflags=flags)
    assert result.attempted >= 6 and result.failed == 0


@pytest.mark.parametrize("text", blocks("diagram"))
def test_diagrams_read(text: str):
    assert loads(write(loads(text))) == loads(text)


def test_there_are_diagrams():
    assert len(blocks("diagram")) == 6


def test_the_grammar_is_the_one_in_use():
    assert blocks("lark") == [(ROOT / "learningdiagrams" / "language" / "diagram.lark").read_text(encoding="utf-8")]


def test_the_json_reads():
    (text,) = blocks("json")
    assert loads_json(write_json(loads_json(text))) == loads_json(text)


def test_every_reserved_word_is_named():
    listed = PAGE[PAGE.index("- Reserved wherever") : PAGE.index("Only whole words count")]
    assert set(re.findall(r"\w+", listed)) >= RESERVED
