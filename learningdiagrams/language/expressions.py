"""Trees of expressions, objects and calls to values, with what is wrong noted where it stands."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeVar

from lark import Token, Tree

from learningdiagrams.calls import DEEPEST, Call, Name
from learningdiagrams.diagram import Diagram, stop
from learningdiagrams.errors import suggestion
from learningdiagrams.language.scanning import Source, text_of
from learningdiagrams.language.syntax import Node, start
from learningdiagrams.lookalikes import foreign_letters, lookalike
from learningdiagrams.theory.errors import TheoryError
from learningdiagrams.theory.morphisms import Morphism, Object, brief, drop, identity, proj
from learningdiagrams.theory.presentations import check_parallel

__all__ = ["Expressions"]

V = TypeVar("V")

KINDS: Final = {
    "map": "a map",
    "data": "data",
    "noise": "noise",
    "model": "a model",
    "frozen": "a frozen map",
    "fixed": "a fixed map",
    "ema": "an average that follows a model",
}
WORDS: Final[Mapping[str, Any]] = {"True": True, "False": False, "None": None}

SUGGESTIONS: Final = 30
"""Unknown names that get a suggestion: each is compared with all that there are."""


class Expressions:
    """Makes values of trees over the names of a diagram; what cannot be made is None, with its problem noted.

    Attributes:
        declared: where each name of the text is declared; `later` also those still to come.
        broken: names whose declaration is faulty; what uses them is None without another problem.
    """

    def __init__(self, source: Source, diagram: Diagram) -> None:
        self.source = source
        self.diagram = diagram
        self.declared: dict[str, int] = {}
        self.later: dict[str, int] = {}
        self.broken: set[str] = set()
        self.lost_laws = False
        self._suggested = 0

    def wrong(self, offset: int, message: str) -> None:
        self.source.wrong(offset, message)

    def all(self, values: Iterable[V | None]) -> list[V] | None:
        """All values, or None where one of them is; each is asked for, so that all problems are noted."""
        found = list(values)
        return None if any(value is None for value in found) else found  # type: ignore[return-value]

    # Names --------------------------------------------------------------------------------------------------

    def find(self, word: Token, table: Mapping[str, V], wanted: str) -> V | None:
        """What a name stands for in a table of things of one kind, "map" or "object" or …"""
        name = str(word)
        if name in self.broken or (self.lost_laws and re.fullmatch(r"law\d+", name)):
            return None
        if name in table:
            return table[name]
        self.wrong(start(word), self._unknown(name, table, wanted))
        return None

    def _unknown(self, name: str, table: Mapping[str, Any], wanted: str) -> str:
        kind = self.kind(name)
        if kind is not None:
            hint = f"; its identity is `id({name})`" if wanted == "map" and name in self.diagram.sorts else ""
            return f"`{name}` is {kind} and no {wanted}{hint}"
        if name in self.later:
            return f"`{name}` is declared only in line {self.line(name)}; a name is declared before it is used"
        there = f"there is no {wanted} `{name}`"
        other = lookalike(name, table)
        if other is not None:
            return f"{there}; did you mean `{other}`? They differ: {foreign_letters(name, other)}"
        self._suggested += 1
        close = suggestion(name, table) if self._suggested <= SUGGESTIONS else ""
        if close or len(table) > 8:
            return there + close
        if not table:
            return there if self.broken else f"{there}; none is declared so far"
        return f"{there}; there {'is' if len(table) == 1 else 'are'} {', '.join(table)}"

    def kind(self, name: str) -> str | None:
        """What a name that is declared stands for, in words."""
        role = self.diagram.roles.get(name)
        return KINDS[role] if role else self.diagram.presentation.signature.taken.get(name)

    def line(self, name: str) -> int:
        """The line in which a name is declared."""
        return self.source.place(self.declared.get(name, self.later.get(name, 0)))[0]

    # Objects and morphisms ----------------------------------------------------------------------------------

    def object(self, tree: Node) -> Object | None:
        """The object that a type stands for: a name, a product, 1."""
        factors: list[Object | None] = []
        nodes = [tree]
        while nodes:
            node = nodes.pop()
            if isinstance(node, Tree):
                nodes += reversed(node.children)
            elif node.type == "NAME":
                factors.append(self.find(node, self.diagram.sorts, "object"))
            elif node != "1":
                self.wrong(start(node), f"`{node}` is no object; the one that is a number is 1, the terminal object")
                factors.append(None)
        known = self.all(factors)
        return None if known is None else self.diagram.presentation.signature.product(known)

    def morphism(self, tree: Node) -> Morphism | None:
        """The morphism that an expression stands for, made without recursion."""
        values: list[Morphism | None] = []
        tasks: list[tuple[Node, bool]] = [(tree, False)]
        while tasks:
            node, ready = tasks.pop()
            if isinstance(node, Token):
                values.append(self.find(node, self.diagram.generators, "map"))
            elif node.data in _LEAVES:
                values.append(self._leaf(node))
            elif not ready:
                tasks.append((node, True))
                parts = node.children[1:] if node.data == "stopped" else node.children
                tasks += [(part, False) for part in reversed(parts)]
            elif node.data == "stopped":
                values[-1] = None if values[-1] is None else stop(values[-1])
            else:
                size = len(node.children)
                parts, values[-size:] = values[-size:], []
                values.append(_JOIN[node.data](self, node.children, parts))
        return values[0]

    def _leaf(self, tree: Tree[Token]) -> Morphism | None:
        obj = self.object(tree.children[1])
        if tree.data == "projection":
            position = self.number(tree.children[2])
            if obj is None or position is None:
                return None
            try:
                return proj(obj, position)  # type: ignore[arg-type]  # it says what a position is
            except TheoryError as error:
                self.wrong(start(tree.children[2]), str(error))
                return None
        if obj is None:
            return None
        return identity(obj) if tree.data == "identity" else drop(obj)

    def _composite(self, nodes: list[Node], parts: list[Morphism | None]) -> Morphism | None:
        made, sound = parts[0], True
        for node, before, after in zip(nodes[1:], parts, parts[1:], strict=False):
            if before is None or after is None:
                sound = False
            elif before.cod is not after.dom:
                self.wrong(start(node), self._apart(before, after))
                sound = False
            elif sound:
                made = made >> after  # type: ignore[operator]  # sound
        return made if sound else None

    def _apart(self, before: Morphism, after: Morphism) -> str:
        fits = [name for name, m in self.diagram.generators.items() if m.dom is before.cod][:5]
        hint = f"; maps that start there: {', '.join(fits)}" if fits else ""
        return f"`{brief(before)}` ends at {before.cod}, but `{brief(after)}` starts at {after.dom}{hint}"

    def _pair(self, nodes: list[Node], parts: list[Morphism | None]) -> Morphism | None:
        known = [part for part in parts if part is not None]
        sound = len(known) == len(parts)
        for node, part in zip(nodes, parts, strict=True):
            if part is not None and part.dom is not known[0].dom:
                self.wrong(
                    start(node),
                    f"both sides of `&` start at one object, but `{brief(known[0])}` starts at "
                    f"{known[0].dom} and `{brief(part)}` at {part.dom}; with `@` each has its own",
                )
                sound = False
        return _halved(known, lambda left, right: left & right) if sound else None

    def _parallel(self, nodes: list[Node], parts: list[Morphism | None]) -> Morphism | None:
        known = self.all(parts)
        return None if known is None else _halved(known, lambda left, right: left @ right)

    def equation(self, what: str, tree: Tree[Any]) -> tuple[Morphism, Morphism] | None:
        """Both sides of an equation; `what` names it where they are not parallel."""
        left, right = (self.morphism(side) for side in tree.children)
        if left is None or right is None:
            return None
        try:
            check_parallel(what, left, right)
        except TheoryError as error:
            self.wrong(start(tree.children[1]), f"{error}{_constant(left, right)}")
            return None
        return left, right

    # Numbers and calls --------------------------------------------------------------------------------------

    def number(self, node: Node) -> int | float | None:
        """The number that is written, with its sign."""
        if isinstance(node, Tree):
            found = self.number(node.children[1])
            return None if found is None else -found
        try:
            return float(node) if set(node) & set(".eE") else int(node)
        except ValueError:  # Python reads whole numbers up to some length only
            self.wrong(start(node), f"a number of {len(node)} digits is too long")
            return None

    def call(self, tree: Tree[Token], depth: int = 0) -> Call | None:
        """The call that is written: name, arguments, options."""
        if depth > DEEPEST:
            self.wrong(start(tree), f"brackets stand within more than {DEEPEST} others here")
            return None
        name, *rest = tree.children
        positional = [node for node in rest if not (isinstance(node, Tree) and node.data == "option")]
        named = [node for node in rest if isinstance(node, Tree) and node.data == "option"]
        first_option = start(named[0]) if named else None
        for node in positional:
            if first_option is not None and start(node) > first_option:
                self.wrong(start(node), f"`{name}`: arguments without a name come before those with one")
                return None
        options = self.options(named, depth)
        args = [self._value(node, depth) for node in positional]
        if options is None or any(arg is _FAULTY for arg in args):
            return None
        return Call(str(name), tuple(args), options)

    def options(self, trees: list[Tree[Token]], depth: int = 0) -> dict[str, Any] | None:
        """Options by name, `temperature=4`."""
        found: dict[str, Any] = {}
        for tree in trees:
            word = str(tree.children[0])
            if word in found:
                self.wrong(start(tree), f"`{word}` is given twice; once is enough")
                found[word] = _FAULTY
            else:
                found[word] = self._value(tree.children[1], depth)
        return None if any(value is _FAULTY for value in found.values()) else found

    def _value(self, node: Node, depth: int) -> Any:
        if isinstance(node, Token) and node.type == "TEXT":
            return text_of(node)
        if isinstance(node, Tree) and node.data == "tuple":
            if depth >= DEEPEST:
                self.wrong(start(node), f"brackets stand within more than {DEEPEST} others here")
                return _FAULTY
            items = [self._value(item, depth + 1) for item in node.children[1:]]
            return _FAULTY if any(item is _FAULTY for item in items) else tuple(items)
        if isinstance(node, Tree) and node.data == "call":
            if len(node.children) == 1:
                word = str(node.children[0])
                return WORDS[word] if word in WORDS else Name(word)
            found = self.call(node, depth + 1)
        else:
            found = self.number(node)
        return _FAULTY if found is None else found


_FAULTY: Final = object()
_LEAVES: Final = frozenset(("identity", "projection", "discard"))
_JOIN: Final[Mapping[str, Callable[[Expressions, list[Node], list[Morphism | None]], Morphism | None]]] = {
    "composite": Expressions._composite,
    "expression": Expressions._pair,
    "parallel": Expressions._parallel,
}


def _constant(left: Morphism, right: Morphism) -> str:
    """What would make a constant parallel to the other side, where one side is a constant."""
    if left.cod is right.cod and (not left.dom.factors or not right.dom.factors):
        constant, other = (left, right) if not left.dom.factors else (right, left)
        return f"; `drop({other.dom}) >> {brief(constant)}` is the constant everywhere"
    return ""


def _halved(parts: list[Morphism], join: Callable[[Morphism, Morphism], Morphism]) -> Morphism:
    """Joins parts by an associative sign, neighbours first: no product is built one factor at a time."""
    while len(parts) > 1:
        pairs = [join(left, right) for left, right in zip(parts[::2], parts[1::2], strict=False)]
        parts = pairs + parts[len(pairs) * 2 :]
    return parts[0]
