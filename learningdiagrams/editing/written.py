"""Edits as people write them: one call after the other, as they print.

>>> edits = read_edits('''
... # what is trained on
... freeze("backbone")
... add(\"\"\"
...     model other : Image -> Class
...     goal  too   : images >> other = labels by cross_entropy
... \"\"\")
... ''')
>>> [type(each).__name__ for each in edits.edits]
['freeze', 'add']
>>> print(write_edits(edits), end="")
freeze("backbone")
add("\\n    model other : Image -> Class\\n    goal  too   : images >> other = labels by cross_entropy\\n")
>>> read_edits(write_edits(edits)) == edits
True

`>>` between edits and lines between them mean the same; `#` starts a comment; a text over several lines stands in
triple quotes. The JSON form (:func:`~learningdiagrams.editing.dumps_edit`) is read too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final

from learningdiagrams.calls import parse_call
from learningdiagrams.editing.edits import EDITS, Edit, loads_edit, sequence
from learningdiagrams.errors import DiagramError
from learningdiagrams.language.scanning import LanguageError, Problem
from learningdiagrams.values import call

__all__ = ["read_edits", "write_edits"]

_PIECE: Final = re.compile(
    r'''(?P<long>"""(?:.*?)""") | (?P<text>"(?:[^"\\\n]|\\.)*" | '(?:[^'\\\n]|\\.)*') | (?P<comment>\#[^\n]*)
    | (?P<open>[(\[]) | (?P<close>[)\]]) | (?P<then>>>) | (?P<space>\s+) | (?P<word>[^\s"'()\[\]#>]+|.)''',
    re.VERBOSE | re.DOTALL,
)


def read_edits(text: str, file: str = "<text>") -> Edit:
    """The edit that a text is: several are a `sequence`. Nothing is run.

    Raises :class:`~learningdiagrams.language.LanguageError` with all that is wrong, each at its line and column.
    """
    if text.lstrip().startswith("{"):
        try:
            return loads_edit(text)
        except DiagramError as error:
            raise LanguageError([Problem(file, 1, 1, str(error))]) from None
    found: list[Edit] = []
    problems: list[Problem] = []
    for start, words in _calls(text):
        try:
            found.append(call(EDITS, "edit", *parse_call(words)))
        except DiagramError as error:
            line, column = text.count("\n", 0, start) + 1, start - text.rfind("\n", 0, start)
            said = str(error).replace("kl(temperature=4)", 'freeze("backbone")')
            problems.append(Problem(file, line, column, said))
    if not found and not problems:
        problems.append(Problem(file, 1, 1, 'there is no edit; write one such as freeze("backbone")'))
    if problems:
        raise LanguageError(problems)
    return found[0] if len(found) == 1 else sequence(*found)


def _calls(text: str) -> Iterator[tuple[int, str]]:
    """Where each call starts, and its words on one line."""
    start, words, depth = 0, "", 0
    for piece in _PIECE.finditer(text):
        kind, word = piece.lastgroup, piece.group()
        depth += (kind == "open") - (kind == "close")
        ends = depth <= 0 and (kind == "then" or (kind == "space" and "\n" in word))
        if ends and words.strip():
            yield start, words.strip()
        if ends:
            words = ""
        elif kind != "comment":
            if not words.strip() and kind != "space":
                start, words = piece.start(), ""
            words += " " if kind == "space" else json.dumps(word[3:-3], ensure_ascii=False) if kind == "long" else word
    if words.strip():
        yield start, words.strip()


def write_edits(edit: Edit) -> str:
    """An edit as text that :func:`read_edits` reads, a line for each of a sequence."""
    edits = edit.edits if isinstance(edit, sequence) and edit.edits else (edit,)
    return "".join(f"{each}\n" for each in edits)
