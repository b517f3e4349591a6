"""Words to trees, by the grammar in diagram.lark; and what is said of words that the grammar does not take.

A tree is lark's own: `data` is the rule, `children` are trees and tokens; a name alone is its token.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
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
    "diagram": "a title is written `diagram NAME`",
    "object": "objects are written `object A, B[28, 28], C[n] int`",
    "map": "a map is written `map NAME : A -> B`",
    "data": "data are written `data NAME : S -> A`",
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
    "call": "a call is written `kl(temperature=4)`",
}
"""How each kind of thing is written, by its first word or its rule."""


def parse(source: Source, line: Line, rule: str) -> Node | None:
    """The tree of some words; None where there is none, with the problem noted in `source`."""
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
            first = len(tokens) > 1 and error.token is tokens[1]
            source.wrong(start(error.token), f"{_unexpected(str(error.token), expected, first)}; {how}")
        else:
            offset = start(tokens[-1]) + len(tokens[-1]) if tokens else 0
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


def _unexpected(word: str, expected: set[str], is_name: bool) -> str:
    """What is said of a word that does not fit; `is_name` where it would be the name that is declared."""
    if not expected:
        return f"`{word}` is one too many"
    if word in RESERVED and "NAME" in expected:
        if word in _NOTES and not is_name:
            return f"{_wanted(expected)} is missing before `{word}`"
        return f"`{word}` is a word of the language; write another name, such as `{word}_`"
    return f"`{word}` where {_wanted(expected)} should be"


_STRUCTURE = frozenset((":", "=", "->", ">>", ")", "]", ","))


def _wanted(expected: set[str]) -> str:
    """What could stand at a place, in words."""
    if {"TEXT", "NUMBER"} <= expected:
        return "a value"
    if "id" in expected:
        return "a map" if "(" in expected else "an option"
    if {"NAME", "NUMBER", "("} <= expected:
        return "an object"
    kinds = (("NAME", "a name"), ("NUMBER", "a number"), ("TEXT", "a text in quotes"))
    words = [word for name, word in kinds if name in expected]
    if not words:
        words = [f"`{sign}`" for sign in sorted(expected & _STRUCTURE or expected)]
    return " or ".join(words)
