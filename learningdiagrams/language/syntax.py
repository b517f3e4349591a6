"""Words to trees, by the grammar in diagram.lark; and what is said of words that the grammar does not take.

A tree is lark's own: `data` is the rule, `children` are trees and tokens; a name alone is its token.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

from lark import Lark, Token, Tree, UnexpectedToken
from lark.lexer import Lexer, PatternStr

from learningdiagrams.diagram import DECLARATIONS, RESERVED
from learningdiagrams.errors import suggestion
from learningdiagrams.language.scanning import Line, Source

__all__ = ["HOW", "Node", "parse", "start"]

Node: TypeAlias = Token | Tree[Token]

_RULES = ("declaration", "expression", "equation", "type", "call")


class _Scanned(Lexer):
    """Hands scanned words to the parser, their types named as the grammar has them."""

    def __init__(self, lexer_conf: Any) -> None:
        terminals = lexer_conf.terminals
        self.names = {t.pattern.value: t.name for t in terminals if isinstance(t.pattern, PatternStr)}

    def lex(self, data: Iterable[Token]) -> Iterator[Token]:  # type: ignore[override]
        names = self.names
        for token in data:
            token.type = names.get(token.type, token.type)
            yield token


@cache
def _parser() -> Lark:
    grammar = (Path(__file__).parent / "diagram.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", lexer=_Scanned, start=list(_RULES))


@cache
def _signs() -> dict[str, str]:
    """The sign or reserved word that each terminal of the grammar is."""
    return {t.name: t.pattern.value for t in _parser().terminals if isinstance(t.pattern, PatternStr)}


HOW = {
    "diagram": "a title is written `diagram NAME`, one of several words in quotes",
    "object": "objects are written `object A, B[28, 28], C[n] int`",
    "map": "a map is written `map NAME : A -> B`",
    "data": "data are written `data NAME : S -> A [= SPEC]`",
    "noise": "noise is written `noise NAME : S -> A = normal(16)`",
    "model": "a model is written `model NAME : A -> B [= SPEC]`",
    "frozen": "a frozen map is written `frozen NAME : A -> B [= SPEC]`",
    "fixed": "a fixed map is written `fixed NAME : A -> B [= SPEC]`",
    "law": "a law is written `law [NAME :] p = q`",
    "goal": "a goal is written `goal NAME : p = q [on …] [by …] [weight …] [train …]`",
    "measure": "a measure is written `measure NAME : p = q [on …] by …`",
    "stage": "a stage is written `stage NAME : train … by … [epochs n | steps n]`",
    "style": 'a style is written `style NAME at=(0, 1), label="…", curve=2, colour="#c33"`',
    "expression": "maps are written one after another as `f >> g`",
    "equation": "an equation is written `p = q`",
    "type": "an object is written `A`, a product `A * B`, the terminal object `1`",
    "call": "a call is written `name(value, …, option=value)`",
    "id": "an identity is written `id(A)`",
    "proj": "a projection is written `proj(A * B, 0)`",
    "drop": "the map to 1 is written `drop(A)`",
    "stop": "a morphism without gradient is written `stop(p)`",
}
"""How each kind of thing is written, by its first word or its rule."""


def parse(source: Source, line: Line, rule: str, cut: bool = False) -> Node | None:
    """The tree of some words; None where there is none, with the problem noted in `source`.

    `cut` says that the next line looks like the rest of these words.
    """
    tokens, sound = line
    if not sound:
        return None
    if rule == "declaration" and tokens[0] not in DECLARATIONS:
        source.wrong(start(tokens[0]), _no_declaration(tokens[0]))
        return None
    how = HOW[tokens[0] if rule == "declaration" else rule]
    try:
        return _parser().parse(tokens, start=rule)  # type: ignore[arg-type]  # as the lexer wants them
    except UnexpectedToken as error:
        expected = {_signs().get(name, name) for name in error.accepts} - {"$END"}
        if error.token.type != "$END":
            place = next(i for i, token in enumerate(tokens) if token is error.token)
            what, how = _unexpected(str(error.token), expected, place == 1), _right(tokens, place, expected) or how
            source.wrong(start(error.token), what if what.endswith("?") else f"{what}; {how}")
        else:
            offset = start(tokens[-1]) + len(tokens[-1]) if tokens else 0
            how = "a declaration goes on in the next line only inside brackets" if cut else _within(tokens) or how
            source.wrong(offset, f"{_wanted(expected)} is missing at the end; {how}")
        return None


def start(node: Node) -> int:
    """The offset at which the words of a tree start."""
    while isinstance(node, Tree):
        node = node.children[0]
    assert node.start_pos is not None
    return node.start_pos


def _no_declaration(word: str) -> str:
    if word in RESERVED:
        return f"`{word}` starts no declaration; a declaration goes on in the next line only inside brackets"
    known = f"; a line starts with one of {', '.join(DECLARATIONS)}, or goes on inside brackets"
    return f"there is no declaration `{word}`{suggestion(word, DECLARATIONS) or known}"


_NOTES = frozenset(["on", "by", "weight", "train", "epochs", "steps"])


def _right(tokens: Sequence[Token], place: int, expected: set[str]) -> str | None:
    """What would be right where the word at a place does not fit, where more can be told than from the declaration."""
    word, before = str(tokens[place]), str(tokens[place - 1]) if place else ""
    if before in _NOTES and word in (":", "="):
        return f"between `{before}` and what it says nothing stands"
    if word == "," and place + 1 < len(tokens) and tokens[place + 1] in _NOTES:
        return f"`{tokens[place + 1]}` follows without a comma"
    if word in DECLARATIONS and place > 1 and ("NAME" not in expected or "[" in expected):
        return "each declaration has a line of its own"
    if word == "(" and tokens[0] == "object":
        return "a shape stands in square brackets, `A[28, 28]`"
    within = _within(tokens[:place])
    if within is None and tokens[0] in ("law", "goal", "measure") and expected & {"=", ">>", ")"}:
        if word == "(":
            return f"a map is applied by composition, `x >> {before}`"
        if word in (",", "*"):
            return "a pair of maps is written `f & g`, their product `f @ g`"
    if within is None and tokens[0] in _ROLES and "=" not in tokens[:place] and word in ("x", "X", ",", "&", "@"):
        return "a product of objects is written `A * B`"
    return within


def _within(tokens: Sequence[Token]) -> str | None:
    """How the thing is written in whose brackets, still open, words end; None where it is the declaration."""
    if tokens and tokens[-1] in _BRACKETED:
        return HOW[tokens[-1]]
    depth = 0
    for inner, outer in zip(reversed(tokens), reversed(tokens[:-1]), strict=False):
        depth += (inner == ")") - (inner == "(")
        if depth < 0:
            return HOW.get(outer) if outer in _BRACKETED else HOW["call"] if outer.isidentifier() else None
    return None


_ROLES = frozenset(["map", "data", "noise", "model", "frozen", "fixed"])
_BRACKETED = frozenset(["id", "proj", "drop", "stop"])


def _unexpected(word: str, expected: set[str], is_name: bool) -> str:
    """What is said of a word that does not fit; `is_name` where it would be the name that is declared."""
    if not expected:
        return f"`{word}` is one too many"
    if word in RESERVED and "NAME" in expected and "[" not in expected:
        if word in _NOTES and not is_name:
            return f"{_wanted(expected)} is missing before `{word}`"
        return f"`{word}` is a word of the language; write another name, such as `{word}_`"
    return (
        f"`{word}` where {_wanted(expected)} should be{suggestion(word, expected & RESERVED if len(word) > 2 else ())}"
    )


_STRUCTURE = frozenset((":", "=", "->", ">>", ")", "]", ","))


def _wanted(expected: set[str]) -> str:
    """What could stand at a place, in words."""
    if {"TEXT", "NUMBER"} <= expected:
        return "a value"
    if "id" in expected:
        if "NUMBER" in expected:
            return "a number or a name"
        return "a map" if "(" in expected else "an option"
    if {"NAME", "[", ","} <= expected:
        return "`,` or `[` or a kind of number"
    if {"NAME", "NUMBER", "("} <= expected:
        return "an object"
    kinds = (("NAME", "a name"), ("NUMBER", "a number"), ("TEXT", "a text in quotes"))
    words = [word for name, word in kinds if name in expected]
    if not words:
        words = [f"`{sign}`" for sign in sorted(expected & _STRUCTURE or expected)]
    return " or ".join(words)
