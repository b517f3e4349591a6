"""Text cut into words with places, and words into declarations, so that a mistake spoils only one of these.

>>> source = Source("goal g : f = g  # a comment\\nobject A[28,\\n         28]")
>>> for line in lines(source):
...     print(source.place(line.tokens[0].start_pos), *line.tokens)
(1, 1) goal g : f = g
(2, 1) object A [ 28 , 28 ]
>>> source.problems
[]
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from lark import Token

from learningdiagrams.diagram import DECLARATIONS, RESERVED
from learningdiagrams.errors import DiagramError

__all__ = [
    "LanguageError",
    "Line",
    "Piece",
    "Problem",
    "Source",
    "is_number",
    "lines",
    "pieces",
    "quoted",
    "scan",
    "text_of",
    "words",
]


class Problem(NamedTuple):
    """What is wrong at a place, and what would be right; lines and columns (characters) count from 1."""

    file: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.message}"


class LanguageError(DiagramError):
    """Everything that is wrong with a text: `errors`, sorted by place; as text, one line each."""

    def __init__(self, errors: Iterable[Problem]) -> None:
        self.errors: tuple[Problem, ...] = tuple(sorted(set(errors)))
        super().__init__("\n".join(map(str, self.errors)))

    def __reduce__(self) -> tuple[type[LanguageError], tuple[tuple[Problem, ...]]]:
        return LanguageError, (self.errors,)


class Source:
    """A text, the name of its file, and the problems found in it. Offsets count the characters of `text`."""

    def __init__(self, text: str, file: str = "<text>") -> None:
        self.file = file
        self.text: str = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
        self.problems: list[Problem] = []
        self._starts = [0, *(match.end() for match in re.finditer("\n", self.text))]
        for match in re.finditer("[\ud800-\udfff][^\n]*", self.text):
            code = ord(match[0][0])
            # Bytes that do not decode arrive as the code points U+DC80 … U+DCFF.
            what = f"the byte 0x{code - 0xDC00:02X}" if 0xDC80 <= code <= 0xDCFF else f"U+{code:04X}"
            self.wrong(match.start(), f"{what} is no UTF-8; a diagram is a text in UTF-8")

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def wrong(self, offset: int, message: str) -> None:
        """Notes a problem at an offset."""
        self.problems.append(Problem(self.file, *self.place(offset), message))

    def check(self) -> None:
        """Raises :class:`LanguageError` with all problems found so far, if any."""
        if self.problems:
            raise LanguageError(self.problems)


class Line(NamedTuple):
    """The words of one declaration; `sound` unless a problem was found in them already."""

    tokens: list[Token]
    sound: bool


# Everything beyond ASCII that is no blank may belong to a name; `_no_name` says what does not. A number goes
# on to the end of the word, so that `2x` is one mistake.
_TOKEN = re.compile(
    r"""[^\S\n]*(?:
      (?P<NAME>[^\x00-@\[-\^`{-\x7f\s][^\x00-/:-@\[-\^`{-\x7f\s]*)
    | (?P<SYMBOL>->|>>(?!>)|[:,()\[\]&@*]|=(?![=>])|-(?![->]))
    | (?P<NUMBER>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[\w.]*)
    | (?P<TEXT>"[^"\\\n]*(?:\\[^\n][^"\\\n]*)*")
    | (?P<NEWLINE>\n)
    | (?P<COMMENT>\#[^\n]*)
    | (?P<OPEN>"[^\n]*)
    | (?P<WRONG>'[^'\n]*'|//[^\n]*|/\*[^\n]*|>[ \t]+>|>{3,}|<<+|={2,}|=>|<-|\|->|--+>?|\S)
    )""",
    re.VERBOSE,
)
_NUMBER = re.compile(r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)


def is_number(word: str) -> bool:
    """Whether a word that starts like a number is one: `2x` is none."""
    return _NUMBER.fullmatch(word) is not None


_INSTEAD = {
    **dict.fromkeys(("→", "⟶", "⇒", "↦", "=>", "|->", "-->", "--->"), "->"),
    **dict.fromkeys(("≫", "»", "⨾", ">", ">>>", "> >"), ">>"),
    **dict.fromkeys(("×", "·", "∗"), "*"),
    **dict.fromkeys(("⊗", "⊠"), "@"),
    **dict.fromkeys(("==", "≡", "≅", "≔"), "="),
    **dict.fromkeys(("'", "`", "“", "”", "„"), '"'),
    **dict.fromkeys(("−", "–", "—"), "-"),
    **dict.fromkeys(("∘", "<<"), "g >> f"),
    **{"{": "(", "}": ")"},
}
_OTHERWISE = {
    "//": "a comment starts with `#`",
    "/*": "a comment starts with `#`",
    ".": "composition is written `>>`, and files and code are named in quotes",
    ";": "composition is written `>>`, and a declaration ends with its line",
}


class Piece(NamedTuple):
    """A word of a text as it is written, its offset, and what it is.

    `kind` is NAME (reserved words too), SYMBOL, NUMBER, TEXT, NEWLINE, COMMENT, or, where it is no word of the
    language, OPEN (a quote that nothing closes) or WRONG.
    """

    kind: str
    word: str
    start: int


def pieces(text: str) -> Iterator[Piece]:
    """All that stands in a text but blanks, comments and line breaks too.

    >>> [(piece.kind, piece.word) for piece in pieces("object A[2]  # two")]
    [('NAME', 'object'), ('NAME', 'A'), ('SYMBOL', '['), ('NUMBER', '2'), ('SYMBOL', ']'), ('COMMENT', '# two')]
    """
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup
        assert kind is not None  # every alternative has a name
        yield Piece(kind, match[kind], match.start(kind))


def scan(source: Source, text: str | None = None, base: int = 0) -> Iterator[Token]:
    """The words of a text, of `source` unless another is given, with their offsets (counted from `base`).

    The type of a token is NAME, NUMBER, TEXT or NEWLINE, or the word itself where it is a sign or reserved.
    What is no word is noted as a problem and comes as a token of type WRONG.
    """
    for kind, word, start in pieces(source.text if text is None else text):
        start += base
        if kind == "NAME":
            name = word if word.isascii() else unicodedata.normalize("NFKC", word)
            if name in RESERVED:
                yield Token(name, name, start)
            elif name.isidentifier():
                yield Token("NAME", name, start)
            else:
                yield _no_name(source, word, start)
        elif kind == "SYMBOL":
            yield Token(word, word, start)
        elif kind == "NUMBER":
            if is_number(word):
                yield Token("NUMBER", word, start)
            else:
                yield _wrong(source, start, f"`{word}` is neither a number nor a name")
        elif kind == "OPEN":
            yield _wrong(source, start, "the text that starts here has no closing quote in its line")
        elif kind == "WRONG":
            yield _wrong(source, start, _no_sign(word))
        elif kind != "COMMENT":
            yield Token(kind, word, start)


def _wrong(source: Source, start: int, message: str) -> Token:
    source.wrong(start, message)
    return Token("WRONG", "", start)


def _no_name(source: Source, word: str, start: int) -> Token:
    if word.startswith("⟨"):
        message = f"`{word}` stands for a function that was given in Python; text can name no function"
        return _wrong(source, start, message)
    # A name with one letter more, until it is none: that letter is the one to speak of.
    ends = range(1, len(word) + 1)
    at = next(end for end in ends if not unicodedata.normalize("NFKC", word[:end]).isidentifier()) - 1
    if "\ud800" <= word[at] <= "\udfff":
        return Token("WRONG", "", start)  # noted when the text was read
    return _wrong(source, start + at, _no_sign(word[at]))


def _no_sign(sign: str) -> str:
    """What is said of something that is neither a word nor a sign, and what may have been meant."""
    if sign.startswith("'") and len(sign) > 1:
        return f"`{sign}` is no text of the language; write `{quoted(sign[1:-1])}`"
    sign = next((start for start in ("//", "/*") if sign.startswith(start)), re.sub(r"\s+", " ", sign))
    plain = unicodedata.normalize("NFKC", sign)
    instead = _INSTEAD.get(sign) or (plain if plain != sign and plain in RESERVED | set("()[]=:,&@*-") else None)
    hint = f"; write `{instead}`" if instead else f"; {_OTHERWISE[sign]}" if sign in _OTHERWISE else ""
    if len(sign) == 1 and not (sign.isascii() and sign.isprintable()):
        code = f"U+{ord(sign):04X} {unicodedata.name(sign, 'CONTROL')}"
        shown = f"`{sign}` ({code})" if sign.isprintable() else code
        return f"{shown} is neither a letter nor a sign of the language{hint}"
    return f"`{sign}` is no sign of the language{hint}"


_CLOSES = {"(": ")", "[": "]"}
_OPTION = re.compile(r"\w+[^\S\n]*=", re.ASCII)


def lines(source: Source) -> Iterator[Line]:
    """The declarations of a text. One goes on while a bracket is open, unless the next line starts one."""
    tokens: list[Token] = []
    sound = True
    brackets: list[Token] = []
    fresh = True  # whether nothing but a line break came before in this line of the file
    for token in scan(source):
        kind = token.type
        if kind == "NEWLINE":
            fresh = True
            if not brackets and tokens:
                yield Line(tokens, sound)
                tokens, sound = [], True
            continue
        # Within brackets a reserved word can only name an option, `model=…`; else it starts a declaration.
        if brackets and fresh and kind in DECLARATIONS and not _OPTION.match(source.text, token.start_pos or 0):
            yield Line(tokens, _unclosed(source, brackets, sound))
            tokens, brackets, sound = [], [], True
        fresh = False
        tokens.append(token)
        if kind == "WRONG":
            sound = False
        elif kind in _CLOSES:
            brackets.append(token)
        elif kind in (")", "]"):
            if brackets and _CLOSES[brackets[-1]] == kind:
                brackets.pop()
                continue
            if sound:
                source.wrong(token.start_pos or 0, _misplaced(token, brackets))
            brackets, sound = [], False
    if tokens:
        yield Line(tokens, _unclosed(source, brackets, sound))


def _misplaced(token: Token, brackets: list[Token]) -> str:
    if not brackets:
        return f"`{token}` closes no bracket"
    return f"`{token}` does not close `{brackets[-1]}`; write `{_CLOSES[brackets[-1]]}`"


def _unclosed(source: Source, brackets: list[Token], sound: bool) -> bool:
    """Notes a bracket that nothing closes, and says whether the line is sound."""
    if brackets and sound:
        missing = _CLOSES[brackets[-1]]
        source.wrong(brackets[-1].start_pos or 0, f"`{brackets[-1]}` is never closed; `{missing}` is missing")
    return sound and not brackets


def words(source: Source, text: str | None = None, base: int = 0) -> Line:
    """The words of a whole text as one declaration; lines may be broken anywhere."""
    tokens = [token for token in scan(source, text, base) if token.type != "NEWLINE"]
    return Line(tokens, all(token.type != "WRONG" for token in tokens))


_ESCAPE = re.compile(r'\\(["\\]|u[0-9a-fA-F]{4})')


_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff]")
# Where a single backslash would be read together with what follows it: a quote, a backslash, a number.
_DOUBLED = re.compile(rf'\\(?=["\\]|u[0-9a-fA-F]{{4}}|\Z|{_UNPRINTABLE.pattern})')


def quoted(text: str) -> str:
    r"""A text in quotes, as the language reads it: a backslash stays single where it can, for LaTeX's sake.

    >>> print(quoted(r"\sigma"), quoted('say "x"'), quoted("a\nb"))
    "\sigma" "say \"x\"" "a\u000ab"
    """
    if _DOUBLED.search(text):
        text = text.replace("\\", "\\\\")
    text = text.replace('"', '\\"')
    return '"' + _UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", text) + '"'


def text_of(token: str) -> str:
    r"""What a text in quotes says: `\"` is a quote, `\\` a backslash, `\u000a` a character by its number.

    Any other backslash stands for itself, so that LaTeX is written as it is.

    >>> print(text_of('"\\sigma"'), text_of(r'"\nu \"x\" \\ \u03c3"'))
    \sigma \nu "x" \ σ
    """
    return _ESCAPE.sub(lambda match: chr(int(match[1][1:], 16)) if match[1][1:] else match[1], token[1:-1])
