"""Trees of declarations to a diagram. A mistake is noted where it stands, and reading goes on.

Names that a faulty declaration would have declared are *broken*: they may be used, and what uses them is left out in
silence, so that one mistake is one message.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import reduce
from operator import and_, matmul, rshift
from typing import Any, TypeVar

from lark import Token, Tree

from learningdiagrams.declarations import Style
from learningdiagrams.diagram import Diagram, stop
from learningdiagrams.errors import DiagramError, suggestion
from learningdiagrams.lookalikes import foreign_letters, lookalike, skeleton
from learningdiagrams.losses import COMPARATORS, Comparator
from learningdiagrams.scanning import Line, Source, text_of
from learningdiagrams.schedules import SCHEDULES, Schedule
from learningdiagrams.specs import Spec, realise
from learningdiagrams.syntax import HOW, Node, start
from learningdiagrams.theory.errors import TheoryError
from learningdiagrams.theory.morphisms import Morphism, Object, brief, drop, identity, proj
from learningdiagrams.theory.presentations import check_parallel
from learningdiagrams.values import Call, Name, Value, call

__all__ = ["Declaration", "Reader"]

V = TypeVar("V")
Places = Iterable[tuple[str, int]]

KINDS = {
    "map": "a map",
    "data": "data",
    "noise": "noise",
    "model": "a model",
    "frozen": "a frozen map",
    "fixed": "a fixed map",
    "ema": "an average that follows a model",
}
DEEPEST = 50
"""Brackets within brackets in a call: far beyond any layer, and well within what Python's own stack holds."""
SUGGESTIONS = 30
"""Unknown names that get a suggestion; each is compared with all names, and a text with more has lost its head."""


class Declaration(Node if False else tuple[Tree[Token] | None, int, tuple[Token, ...]]):  # type: ignore[misc]
    pass
