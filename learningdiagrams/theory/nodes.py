"""Terms with variables, as ordered completion works on them: interned, with their size at hand; matching,
unification.

A node's `head` is the number of a symbol, or -1 - v for the variable number v. Equal nodes of one bank are
one object. Patterns (sides of equations) are shallow, so that functions that walk them recurse; a ground term
may be as deep as it likes, since nothing here descends into the ground parts of what a pattern is matched
with.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from learningdiagrams.theory.morphisms import Object

__all__ = ["DEEPEST", "Bank", "Bindings", "Node", "TooDeep", "match", "positions", "unify"]

DEEPEST = 120
"""The depth of sides of equations beyond which ordered completion gives up."""


class TooDeep(Exception):
    """A side of an equation is too deep for ordered completion."""


class Node:
    """A term: see the module."""

    __slots__ = ("args", "counts", "depth", "head", "sort", "weight")

    def __init__(
        self, head: int, args: tuple[Node, ...], sort: Object, weight: int, counts: dict[int, int], depth: int
    ) -> None:
        self.head: int = head
        self.args: tuple[Node, ...] = args
        self.sort: Object = sort
        self.weight: int = weight
        self.counts: dict[int, int] = counts
        self.depth: int = depth

    def __repr__(self) -> str:
        if self.head < 0:
            return f"x{-1 - self.head}"
        return f"{self.head}({', '.join(map(repr, self.args))})" if self.args else str(self.head)


Bindings: TypeAlias = dict[int, Node]
_NO_COUNTS: dict[int, int] = {}


class Bank:
    """Makes nodes, each once. `weights` gives the weight of each symbol; a variable weighs 1."""

    def __init__(self) -> None:
        self.weights: list[int] = []
        self.sorts: list[Object] = []
        self._nodes: dict[tuple[int, tuple[Node, ...]], Node] = {}
        self._variables: dict[tuple[int, Object], Node] = {}

    def symbol(self, sort: Object, weight: int) -> int:
        """A new symbol."""
        self.sorts.append(sort)
        self.weights.append(weight)
        return len(self.sorts) - 1

    def variable(self, number: int, sort: Object) -> Node:
        """The variable of this number; in one equation, a number has one sort."""
        found = self._variables.get((number, sort))
        if found is None:
            found = self._variables[number, sort] = Node(-1 - number, (), sort, 1, {number: 1}, 0)
        return found

    def apply(self, head: int, args: tuple[Node, ...]) -> Node:
        """A symbol applied to arguments."""
        found = self._nodes.get((head, args))
        if found is None:
            weight, depth = self.weights[head], 0
            counts = _NO_COUNTS
            for arg in args:
                weight += arg.weight
                depth = max(depth, arg.depth + 1)
                if arg.counts:
                    if counts is _NO_COUNTS:
                        counts = dict(arg.counts)
                    else:
                        for number, count in arg.counts.items():
                            counts[number] = counts.get(number, 0) + count
            found = self._nodes[head, args] = Node(head, args, self.sorts[head], weight, counts, depth)
        return found

    def substitute(self, node: Node, bindings: Bindings) -> Node:
        """The node with variables replaced, once; those without a binding stay."""
        if not node.counts:
            return node
        if node.head < 0:
            return bindings.get(-1 - node.head, node)
        return self.apply(node.head, tuple([self.substitute(arg, bindings) for arg in node.args]))

    def resolve(self, node: Node, bindings: Bindings) -> Node:
        """The node with variables replaced, and those in what replaces them too, as a unifier wants."""
        return self._resolve(node, bindings, {})

    def _resolve(self, node: Node, bindings: Bindings, done: dict[Node, Node]) -> Node:
        # What occurs often is resolved once: a unifier can stand for terms of exponential size.
        if not node.counts:
            return node
        if node in done:
            return done[node]
        if node.head < 0:
            bound = bindings.get(-1 - node.head)
            made = node if bound is None else self._resolve(bound, bindings, done)
        else:
            if node.depth > DEEPEST:
                raise TooDeep
            made = self.apply(node.head, tuple([self._resolve(arg, bindings, done) for arg in node.args]))
        done[node] = made
        return made

    def shifted(self, node: Node, by: int) -> Node:
        """The node with all variables' numbers raised."""
        if not node.counts:
            return node
        if node.head < 0:
            return self.variable(-1 - node.head + by, node.sort)
        return self.apply(node.head, tuple([self.shifted(arg, by) for arg in node.args]))

    def replaced(self, node: Node, place: Sequence[int], new: Node) -> Node:
        """The node with the one at a place replaced."""
        passed: list[Node] = []
        for position in place:
            passed.append(node)
            node = node.args[position]
        for above, position in zip(reversed(passed), reversed(place), strict=True):
            new = self.apply(above.head, (*above.args[:position], new, *above.args[position + 1 :]))
        return new


def match(pattern: Node, node: Node, bindings: Bindings) -> bool:
    """Whether bindings, extended in place, make the pattern the node; after failure they are of no use."""
    if pattern.head < 0:
        number = -1 - pattern.head
        bound = bindings.get(number)
        if bound is None:
            bindings[number] = node
            return True
        return bound is node
    if pattern.head != node.head:
        return False
    if not pattern.counts:
        return pattern is node
    for inner, arg in zip(pattern.args, node.args, strict=True):
        if inner.head < 0:
            number = -1 - inner.head
            bound = bindings.get(number)
            if bound is None:
                bindings[number] = arg
            elif bound is not arg:
                return False
        elif inner.head != arg.head or not match(inner, arg, bindings):
            return False
    return True


def unify(one: Node, other: Node) -> Bindings | None:
    """A most general unifier in triangular form (see :meth:`Bank.resolve`), or None."""
    bindings: Bindings = {}
    todo = [(one, other)]
    while todo:
        a, b = todo.pop()
        while a.head < 0 and -1 - a.head in bindings:
            a = bindings[-1 - a.head]
        while b.head < 0 and -1 - b.head in bindings:
            b = bindings[-1 - b.head]
        if a is b:
            continue
        if a.head < 0 or b.head < 0:
            if a.head >= 0:
                a, b = b, a
            if _occurs(-1 - a.head, b, bindings):
                return None
            bindings[-1 - a.head] = b
        elif a.head == b.head:
            todo += zip(a.args, b.args, strict=True)
        else:
            return None
    return bindings


def _occurs(number: int, node: Node, bindings: Bindings) -> bool:
    todo, seen = list(node.counts), set[int]()
    while todo:
        inner = todo.pop()
        if inner == number:
            return True
        if inner in bindings and inner not in seen:
            seen.add(inner)
            todo += bindings[inner].counts
    return False


def positions(node: Node) -> Iterator[tuple[tuple[int, ...], Node]]:
    """The places in a node that hold no variable, with what they hold; the node itself first."""
    todo: list[tuple[tuple[int, ...], Node]] = [((), node)] if node.head >= 0 else []
    while todo:
        place, inner = todo.pop()
        yield place, inner
        todo += (((*place, i), arg) for i, arg in reversed(list(enumerate(inner.args))) if arg.head >= 0)
