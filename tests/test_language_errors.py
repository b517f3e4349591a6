"""What is said of mistakes in the text form: every message and its place, from `language_errors.txt`."""

from itertools import takewhile
from pathlib import Path

import pytest

from learningdiagrams.diagram import DECLARATIONS
from learningdiagrams.language import LanguageError, loads

_, *BLOCKS = Path(__file__).with_name("language_errors.txt").read_text(encoding="utf-8").strip().split("\n\n")
SYNTAX = list(takewhile(lambda block: not block.startswith("BASE"), BLOCKS))
BASE = BLOCKS[len(SYNTAX)].removeprefix("BASE\n") + "\n"
MEANING = BLOCKS[len(SYNTAX) + 1 :]


def errors(text: str, before: str = "") -> list[str]:
    with pytest.raises(LanguageError) as caught:
        loads(before + text)
    skipped = before.count("\n")
    return [f"{p.line - skipped}:{p.column}: {p.message}" for p in caught.value.errors]


def check(row: str, before: str) -> None:
    lines = row.split("\n")
    text = "\n".join(line for line in lines if not line.startswith("! "))
    messages = [line.removeprefix("! ") for line in lines if line.startswith("! ")]
    assert messages
    assert errors(text, before) == messages


@pytest.mark.parametrize("row", SYNTAX, ids=lambda row: row.split("\n")[0])
def test_syntax(row: str):
    check(row, "")


@pytest.mark.parametrize("row", MEANING, ids=lambda row: row.split("\n")[0])
def test_meaning(row: str):
    check(row, BASE)


def test_the_base_is_sound():
    assert list(loads(BASE).generators) == ["x", "y", "f", "t", "k"]


def test_signs_that_cannot_be_seen_are_named():
    assert errors("map f\u200bg") == ["1:6: U+200B ZERO WIDTH SPACE is neither a letter nor a sign of the language"]
    assert errors("map f\x00") == ["1:6: U+0000 CONTROL is neither a letter nor a sign of the language"]


def test_signs_of_other_forms_are_answered_by_their_plain_form():
    what = "`（` (U+FF08 FULLWIDTH LEFT PARENTHESIS) is neither a letter nor a sign of the language; write `(`"
    assert errors("map （") == [f"1:5: {what}"]


def test_a_long_number():
    assert errors(f"object A\nmodel f : A -> A = mlp(3, {'9' * 5000})") == ["2:27: a number of 5000 digits is too long"]


def test_a_word_that_is_near_no_declaration():
    known = f"a line starts with one of {', '.join(DECLARATIONS)}, or goes on inside brackets"
    assert errors("object A\nxyzzy\n  ) = f") == [
        f"2:1: there is no declaration `xyzzy`; {known}",
        "3:3: `)` closes no bracket",
    ]


def test_suggestions_stop_where_there_are_too_many_mistakes():
    goals = "".join(f"goal g{i} : studnet = t on x\n" for i in range(40))
    found = errors("object S, A\ndata x : S -> A\nmodel student : A -> A\nmodel t : A -> A\n" + goals)
    assert len(found) == 40
    assert sum("did you mean `student`?" in message for message in found) == 30
