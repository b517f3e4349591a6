"""The text form for Pygments, and so for documentation, terminals and notebooks: the lexer `diagram`.

The words are those of the reader's own scanner; what is no word of the language is an error token here too.

>>> from pygments.token import Token
>>> lexer = DiagramLexer()
>>> [(str(kind), word) for kind, word in lexer.get_tokens("model f : A -> B") if word.strip()][:3]
[('Token.Keyword.Declaration', 'model'), ('Token.Name.Function', 'f'), ('Token.Punctuation', ':')]
>>> [word for kind, word in lexer.get_tokens("f => g") if kind is Token.Error]
['=>']
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import ClassVar

from pygments.lexer import Lexer
from pygments.token import (
    Comment,
    Error,
    Keyword,
    Name,
    Number,
    Operator,
    Punctuation,
    String,
    Whitespace,
    _TokenType,
)

from learningdiagrams.diagram import DECLARATIONS, NOTES
from learningdiagrams.language.scanning import Piece, is_number, pieces

__all__ = ["DiagramLexer"]

_OPERATORS = frozenset(["->", ">>", "&", "@", "*", "=", "-"])
_CONSTANTS = frozenset(["True", "False", "None"])
MAPS = frozenset(["id", "proj", "drop", "stop"])
"""Reserved words that make maps; the other notes say something about a goal or a stage."""
_PLAIN = {"COMMENT": Comment.Single, "NEWLINE": Whitespace, "OPEN": Error, "WRONG": Error}
_ESCAPE = re.compile(r'(\\(?:["\\]|u[0-9a-fA-F]{4}))')


class DiagramLexer(Lexer):
    """Texts of learning diagrams as Pygments' tokens."""

    name = "Learning diagram"
    aliases: ClassVar[list[str]] = ["diagram", "learningdiagrams"]
    filenames: ClassVar[list[str]] = ["*.diagram"]
    mimetypes: ClassVar[list[str]] = ["text/x-learning-diagram"]
    url = "https://arxiv.org/abs/2501.01515"
    version_added = ""

    def get_tokens_unprocessed(self, text: str) -> Iterator[tuple[int, _TokenType, str]]:
        """Offset, kind and text of each token; put together they are the text."""
        end = 0
        for piece, kind in _kinds(list(pieces(text))):
            if piece.start > end:
                yield end, Whitespace, text[end : piece.start]
            end = piece.start + len(piece.word)
            if kind is String.Double:
                at = piece.start
                for i, part in enumerate(_ESCAPE.split(piece.word)):
                    if part:
                        yield at, String.Escape if i % 2 else kind, part
                    at += len(part)
            else:
                yield piece.start, kind, piece.word
        if end < len(text):
            yield end, Whitespace, text[end:]


def _kinds(found: list[Piece]) -> Iterator[tuple[Piece, _TokenType]]:
    """Each piece with its kind, which for a name depends on the declaration that it stands in."""
    first, place, depth = "", 0, 0  # the declaration's word, how many words came since, how many brackets are open
    for i, piece in enumerate(found):
        if piece.kind == "NEWLINE":
            if not depth:
                first, place = "", 0
            yield piece, Whitespace
            continue
        if piece.kind in _PLAIN:
            yield piece, _PLAIN[piece.kind]
            continue
        before = found[i - 1].word if i else ""
        after = found[i + 1].word if i + 1 < len(found) else ""
        if piece.kind == "NAME":
            name = unicodedata.normalize("NFKC", piece.word)
            if not first:
                first = name
            yield piece, _name(name, first, place, depth, before, after)
        elif piece.kind == "SYMBOL":
            depth = max(0, depth + (piece.word in "([") - (piece.word in ")]"))
            yield piece, Operator if piece.word in _OPERATORS else Punctuation
        elif piece.kind == "NUMBER":
            whole = Number.Integer if piece.word.isdecimal() else Number.Float
            yield piece, whole if is_number(piece.word) else Error
        else:
            yield piece, String.Double
        place += 1


def _name(name: str, first: str, place: int, depth: int, before: str, after: str) -> _TokenType:
    if not name.isidentifier():
        return Error
    if after == "=" and place and (depth or first == "style"):
        return Name.Attribute
    if name in DECLARATIONS and not (depth and place):
        return Keyword.Declaration
    if name in MAPS:
        return Operator.Word
    if name in NOTES:
        return Keyword
    if name in _CONSTANTS:
        return Keyword.Constant
    if first == "object" and not depth:
        return Name.Class if place == 1 or before == "," else Keyword.Type
    if place == 1 and first in DECLARATIONS and (first != "law" or after == ":"):
        return Name.Function
    return Name.Builtin if after == "(" else Name
