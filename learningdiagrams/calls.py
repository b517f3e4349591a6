r"""Calls as they are written, before anything is known of their names: `kl(temperature=4)`, `shuffle(label)`.

A call is a name, then arguments and options in brackets, or a name alone. An argument is a number, a text in
quotes, `True`, `False`, `None`, a tuple (or list) of arguments, a name, or a call. Names are words as in a
diagram, normalised (NFKC); words of Python such as `lambda` are words like others.

>>> parse_call("kl(temperature=4)")
Call(name='kl', args=(), options={'temperature': 4})
>>> parse_call('f("a \\"b\\"", -2.5, (1, None), g(x))').args
('a "b"', -2.5, (1, None), Call(name='g', args=('x',), options={}))
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple, NoReturn
from unicodedata import normalize

from learningdiagrams.errors import DiagramError

__all__ = ["DEEPEST", "Call", "Name", "parse_call"]

DEEPEST: Final = 50
"""Calls and tuples within one another: far more than any layer needs, and well within Python's own stack."""


class Name(str):
    """A word without quotes in a call: `label` in `shuffle(label)`."""

    __slots__ = ()


class Call(NamedTuple):
    """A call as it is written, before anything is known of its name."""

    name: str
    args: tuple[Any, ...] = ()
    options: Mapping[str, Any] = MappingProxyType({})


def parse_call(text: str) -> Call:
    """The call that a text is; runs nothing.

    >>> parse_call("mse").args, parse_call("reshape(1, -28)").args
    ((), (1, -28))
    >>> parse_call("f(1 + 2)")
    Traceback (most recent call last):
    learningdiagrams.errors.DiagramError: `f(1 + 2)` cannot be read from `+ 2)` on; write a call such as ...

    Raises DiagramError for any other text, saying from where on it cannot be read.
    """
    return _Reader(text).whole()


_TOKEN = re.compile(
    r"""\s*(?:
      (?P<name>[^\W\d]\w*)
    | (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))
    | (?P<text>"(?:[^"\\\n]|\\.)*" | '(?:[^'\\\n]|\\.)*')
    | (?P<sign>[(),=\[\]-])
    | (?P<end>\Z)
    | (?P<wrong>.)
    )""",
    re.VERBOSE,
)
_VALUES: Final[Mapping[str, Any]] = {"True": True, "False": False, "None": None}
_CLOSING: Final = {"(": ")", "[": "]"}
_ESCAPE = re.compile(r"""\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(["'\\/bfnrt]))""")
_ESCAPED: Final = dict(zip("bfnrt", "\b\f\n\r\t", strict=True))


class _Reader:
    """Reads the words of a text from left to right; `kind` and `word` are those of the next one.

    A text in quotes is a word with its quotes, so that a sign is known by its word alone.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.next(0)

    def next(self, at: int) -> None:
        match = _TOKEN.match(self.text, at)
        assert match is not None and match.lastgroup is not None  # `wrong` and `end` leave nothing out
        self.kind, self.word, self.at, self.end = match.lastgroup, match[match.lastgroup], *match.span(match.lastgroup)

    def take(self) -> str:
        """The next word, which is then behind."""
        word = self.word
        self.next(self.end)
        return word

    def fail(self) -> NoReturn:
        """Says from where on the text cannot be read."""
        where = f" from `{self.text[self.at :]}` on" if 0 < self.at < len(self.text) else ""
        raise DiagramError(f"`{self.text}` cannot be read{where}; write a call such as `kl(temperature=4)`")

    def whole(self) -> Call:
        read = self.value(0)
        if self.kind != "end":
            self.fail()
        if isinstance(read, Name):
            return Call(str(read))
        if not isinstance(read, Call):
            what = "write a name, then arguments in brackets, as `kl(temperature=4)`"
            raise DiagramError(f"`{self.text}` is no call; {what}")
        return read

    def value(self, depth: int) -> Any:
        if depth > DEEPEST:
            raise DiagramError(f"`{self.text[:50]}…`: brackets stand within more than {DEEPEST} others")
        if self.kind == "text":
            return _unquoted(self.take())
        if self.kind == "number" or self.word == "-":
            return self.number()
        if self.word in _CLOSING:
            return self.tuple(depth)
        if self.kind != "name":
            self.fail()
        name = Name(normalize("NFKC", self.take()))
        if self.word == "(":
            return self.call(name, depth)
        return _VALUES.get(name, name)

    def number(self) -> int | float:
        sign = -1 if self.word == "-" else 1
        if sign < 0:
            self.take()
        if self.kind != "number":
            self.fail()
        word = self.take()
        try:
            return sign * (float(word) if set(word) & set(".eE") else int(word))
        except ValueError:  # Python reads whole numbers up to some length only
            raise DiagramError(f"`{self.text[:50]}…`: a number of {len(word)} digits is too long") from None

    def tuple(self, depth: int) -> Any:
        """A tuple, or what stands in round brackets: as in Python, the comma makes the tuple."""
        opening = self.take()
        items, comma = [], opening == "["
        while self.word != _CLOSING[opening]:
            items.append(self.value(depth + 1))
            comma = self.comma(_CLOSING[opening]) or comma
        self.take()
        return items[0] if len(items) == 1 and not comma else tuple(items)

    def call(self, name: str, depth: int) -> Call:
        self.take()
        args: list[Any] = []
        options: dict[str, Any] = {}
        while self.word != ")":
            before = self.at
            value = self.value(depth + 1)
            if self.word == "=" and isinstance(value, Name):
                self.take()
                if value in options:
                    raise DiagramError(f"`{self.text}`: {value} is given twice")
                options[str(value)] = self.value(depth + 1)
            elif options:
                self.next(before)  # arguments without a name come before those with one
                self.fail()
            else:
                args.append(value)
            self.comma(")")
        self.take()
        return Call(str(name), tuple(args), options)

    def comma(self, closing: str) -> bool:
        """Whether a comma comes; where none does, the closing bracket has to."""
        if self.word == ",":
            self.take()
            return True
        if self.word != closing:
            self.fail()
        return False


def _unquoted(word: str) -> str:
    """What a text in quotes says, with the escapes of JSON; any other backslash stands for itself."""

    def letter(match: re.Match[str]) -> str:
        code = match[1] or match[2]
        return chr(int(code, 16)) if code else _ESCAPED.get(match[3], match[3])

    return _ESCAPE.sub(letter, word[1:-1])
