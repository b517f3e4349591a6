r"""A text laid out as `str` of a diagram lays it out: columns, blanks and indentation; its words stay as they are.

Declarations keep their order, their line breaks within brackets and their comments. What changes is what stands
between words: columns are aligned within paragraphs, runs of empty lines become one, and lines end in LF.

>>> print(layout('''
... diagram   Copy
... # what there is
... object  Sample,Image [ 64 ]
... data pixels:Sample->Image
... model net : Image->Image=mlp( 64,8 , 64 )   # small
...
...
... goal copy: pixels>>net=pixels by mse weight .5'''), end="")
diagram Copy
# what there is
object Sample, Image[64]
data   pixels : Sample -> Image
model  net    : Image -> Image = mlp(64, 8, 64)  # small
<BLANKLINE>
goal copy : pixels >> net = pixels   by mse   weight .5
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Final, NamedTuple
from unicodedata import normalize

from learningdiagrams.language.scanning import Piece, Source, lines, pieces
from learningdiagrams.language.syntax import parse
from learningdiagrams.language.writing import LINE, aligned

__all__ = ["layout"]

INDENT: Final = 4

_ROLES = ("object", "map", "data", "noise", "model", "frozen", "fixed")
# Declarations that share their columns, as the writer has them.
_FAMILY: Final = {**dict.fromkeys(_ROLES, "object"), "measure": "goal"}
# The column that a clause stands in; one that comes earlier than its place takes the next that is free.
_OF_GOALS: Final = {"on": 3, "by": 4, "weight": 5, "train": 6}
_OF_STAGES: Final = {"train": 2, "by": 3, "epochs": 4, "steps": 4}
_COLUMNS: Final = {
    **{role: {"=": 3} for role in _ROLES},
    "goal": _OF_GOALS,
    "measure": _OF_GOALS,
    "stage": _OF_STAGES,
}


class _Row(NamedTuple):
    """A line of the file: its words, the comment at its end, and how many brackets are open where it starts."""

    words: list[Piece]
    comment: str
    depth: int


def layout(text: str, file: str = "<text>") -> str:
    """The text, laid out; `file` is the name in errors. An empty text stays empty, others end with a line break.

    Names need not be declared: the text of a file that is being written can be laid out. Raises
    :class:`~learningdiagrams.language.LanguageError` with all that is wrong with the form of its declarations.
    """
    source = Source(text, file)
    for line in lines(source):
        parse(source, line, "declaration")
    source.check()
    paragraphs = [
        list(_paragraph(list(rows)))
        for blank, rows in groupby(_rows(source.text), lambda row: row is None)
        if not blank
    ]
    return "\n".join("".join(f"{line}\n" for line in lines) for lines in paragraphs)


def _rows(text: str) -> Iterator[_Row | None]:
    """The lines of a text; None for an empty one, unless it is within brackets."""
    depth, words, comment = 0, list[Piece](), ""
    before = 0
    for piece in (*pieces(text), Piece("NEWLINE", "\n", len(text))):
        if piece.kind == "NEWLINE":
            if words or comment:
                yield _Row(words, comment, before)
            elif not depth:
                yield None
            words, comment, before = [], "", depth
        elif piece.kind == "COMMENT":
            comment = piece.word.rstrip()
        else:
            # Names as the reader reads them, so that a word of the language is told by its letters.
            words.append(piece._replace(word=normalize("NFKC", piece.word)) if piece.kind == "NAME" else piece)
            depth += (piece.word in "([") - (piece.word in ")]")


def _paragraph(rows: Sequence[_Row | None]) -> Iterator[str]:
    """The lines of some lines without an empty one between them."""
    found = [row for row in rows if row is not None]
    firsts = [row for row in found if row.words and not row.depth]
    columns = iter(
        line
        for _, family in groupby(firsts, lambda row: _FAMILY.get(row.words[0].word, row.words[0].word))
        for line in aligned(map(_cells, family))
    )
    laid = [(next(columns) if row.words and not row.depth else _continued(row), row.comment) for row in found]
    for has_both, run in groupby(laid, lambda line: bool(line[0].strip() and line[1])):
        group = list(run)
        yield from _commented(group) if has_both else (f"{code}{comment}".rstrip() for code, comment in group)


def _commented(laid: Sequence[tuple[str, str]]) -> Iterable[str]:
    """Lines with comments at their ends, one below the other; a very long line keeps its own to itself."""
    width = max((len(code) for code, _ in laid if len(code) <= LINE), default=0)
    return (f"{code.ljust(width)}  {comment}" for code, comment in laid)


def _continued(row: _Row) -> str:
    """A line that starts within brackets, or holds nothing but a comment."""
    closing = 0
    while closing < len(row.words) and row.words[closing].word in ")]":
        closing += 1
    return " " * INDENT * (row.depth - closing) + _joined(row.words, row.depth, False)


def _cells(row: _Row) -> list[str]:
    """The first line of a declaration as cells of a table."""
    word, *rest = row.words
    kind = word.word
    named = kind not in ("diagram", "object") and (kind != "law" or (len(rest) > 1 and rest[1].word == ":"))
    cells = [kind, *([rest[0].word] if named and rest else [])]
    clauses = _COLUMNS.get(kind, {})
    depth, at, start = 0, len(cells), int(named)
    for i, piece in enumerate(rest[start:], start):
        if i > start + 1 and not depth and piece.word in clauses and piece.kind in ("NAME", "SYMBOL"):
            cells += [""] * (at - len(cells)) + [_joined(rest[start:i], 0, kind == "style")]
            start, at = i, max(clauses[piece.word], len(cells))
        depth += (piece.word in "([") - (piece.word in ")]")
    return [*cells, *[""] * (at - len(cells)), _joined(rest[start:], 0, kind == "style")]


_NOTES = frozenset(["on", "by", "weight", "train", "epochs", "steps"])


def _joined(words: Iterable[Piece], depth: int, options: bool) -> str:
    """Words of one line with the blanks that belong between them; `options` where `=` outside brackets has none."""
    text, before = "", Piece("", "", 0)
    for piece in words:
        word, last = piece.word, before.word
        tight = (
            not text
            or last in ("(", "[")
            or word in (")", "]", ",", "[")
            or (word == "(" and before.kind == "NAME" and (depth > 0 or last not in _NOTES))
            or ("=" in (word, last) and (depth > 0 or options))
            or last == "-"
        )
        text += word if tight else f" {word}"
        depth += (word in "([") - (word in ")]")
        before = piece
    return text
