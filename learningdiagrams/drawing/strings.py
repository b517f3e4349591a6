"""String diagrams: wires are values, boxes are maps, a dot where a value is copied, or discarded.

What is drawn is the normal form, so that equal expressions of the free category with products have one picture:
pairing and projections are wires, and a value that is used twice is made once and copied (Selinger, *A survey of
graphical languages for monoidal categories*, 2011, section 6.1). Inputs are on the left and outputs on the right, in
the order of their factors.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from learningdiagrams.drawing import text
from learningdiagrams.drawing.orders import crossings
from learningdiagrams.drawing.palette import LINES
from learningdiagrams.drawing.picture import Area, Box, Curve, Group, Point, Shape, Words, line, shifted
from learningdiagrams.drawing.places import DETAIL, LABEL, isotonic
from learningdiagrams.theory.morphisms import Morphism, Term
from learningdiagrams.theory.terms import applications

__all__ = ["Strings", "strings"]

GAP: Final = 52.0
"""Between columns of boxes."""
WIRE: Final = 24.0
"""Between wires above each other."""
DOT: Final = 3.2
MOST: Final = 150
"""Boxes beyond which an expression is not drawn but said."""


@dataclass(frozen=True)
class Strings:
    """A string diagram: what is drawn, from (0, 0) to its size."""

    groups: tuple[Group, ...]
    width: float
    height: float

    def at(self, x: float, y: float) -> tuple[Group, ...]:
        """The same, moved there."""
        return tuple(shifted(group, x, y) for group in self.groups)


@dataclass
class _Node:
    """Something in a column: an input, a box, an output, or a place that a wire passes (with no label)."""

    key: object
    label: str = ""
    role: str = ""
    kind: str = "box"
    ins: list[tuple[_Node, int]] = field(default_factory=list)
    outs: int = 1
    column: int = 0
    marked: bool = False
    x: float = 0.0
    y: float = 0.0
    room: float = 0.0
    """Half the width of its column: wires are level as far as that, so that they run through no wider neighbour."""

    @property
    def half_width(self) -> float:
        if self.kind == "pass":
            return 0.0
        size = LABEL if self.kind == "box" else DETAIL
        return text.width(self.label, size) / 2 + (9.0 if self.kind == "box" else 2.0)

    @property
    def half_height(self) -> float:
        if self.kind == "pass":
            return 4.0
        return 9.0 if self.kind != "box" else max(13.0, WIRE / 2 * max(len(self.ins), self.outs))

    def port(self, index: int, count: int) -> float:
        """How far below the middle a port is."""
        return (index - (count - 1) / 2) * WIRE


def strings(morphism: Morphism, roles: Mapping[str, str] | None = None, marked: Collection[Term] = ()) -> Strings:
    """The string diagram of a morphism.

    Args:
        roles: the role of each generator, which its box's outline shows; without them all are plain maps.
        marked: applications whose boxes are shaded.

    >>> from learningdiagrams.theory import Presentation
    >>> P = Presentation("P")
    >>> (A,) = P.objects("A")
    >>> f, m = P.morphism("f", A, A), P.morphism("m", A * A, A)
    >>> [(group.kind, group.name) for group in strings((f & f) >> m).groups if group.kind != "wire"]
    [('port', 'A'), ('box', 'f'), ('dot', 'copy'), ('box', 'm'), ('port', 'A')]
    """
    terms = applications(morphism.terms)
    if sum(term.head is not None for term in terms) > MOST:
        words = text.shortened(text.mathematics_text(f"{morphism.dom} → {morphism.cod}"), LABEL, 400)
        label = Words(0, 12, f"{words}: {len(terms)} terms, too many to draw", LABEL, "start", colour="muted")
        return Strings((Group("port", "", (label,)),), text.width(label.text, LABEL), 24.0)
    columns, makers = _columns(morphism, terms, roles or {}, set(marked))
    _order(columns)
    height = _place(columns)
    return _drawn(columns, makers, height)


# From terms to columns --------------------------------------------------------------------------------------


def _columns(
    morphism: Morphism, terms: Sequence[Term], roles: Mapping[str, str], marked: set[Term]
) -> tuple[list[list[_Node]], list[_Node]]:
    """The columns of nodes, with what wires pass; and the nodes that make values."""
    inputs = [_Node(("in", i), factor.name, kind="in") for i, factor in enumerate(morphism.dom.factors)]
    boxes: dict[object, _Node] = {}
    value: dict[Term, tuple[_Node, int]] = {}
    for term in terms:
        if term.head is None:
            value[term] = (inputs[term.index], 0)
            continue
        key = (term.head, term.args)
        if key not in boxes:
            name = term.head if isinstance(term.head, str) else term.head.name
            outs = 1 if isinstance(term.head, str) else len(term.head.cod.factors)
            role = "stop" if isinstance(term.head, str) else roles.get(name, "map")
            node = boxes[key] = _Node(key, text.plain(name), role, outs=outs)
            node.ins = [value[arg] for arg in term.args]
            node.column = 1 + max((maker.column for maker, _ in node.ins), default=0)
        boxes[key].marked |= term in marked
        value[term] = (boxes[key], term.index if boxes[key].outs > 1 else 0)
    last = 1 + max((node.column for node in boxes.values()), default=0)
    outputs = []
    for i, term in enumerate(morphism.terms):
        outputs.append(_Node(("out", i), term.sort.name, kind="out", ins=[value[term]], column=last))
    # A constant stands just before what uses it first.
    for node in boxes.values():
        if not node.ins:
            users = [u.column for u in (*boxes.values(), *outputs) if any(maker is node for maker, _ in u.ins)]
            node.column = max(1, min(users, default=2) - 1)
    columns: list[list[_Node]] = [[] for _ in range(last + 1)]
    for node in (*inputs, *boxes.values(), *outputs):
        columns[node.column].append(node)
    makers = [*inputs, *boxes.values()]
    _passing([*boxes.values(), *outputs], columns)
    return columns, makers


def _passing(users: Sequence[_Node], columns: list[list[_Node]]) -> None:
    """A place in each column that a wire passes: one for all wires of a value."""
    passes: dict[tuple[int, int, int], _Node] = {}
    for user in users:
        for i, (maker, port) in enumerate(user.ins):
            before, from_port = maker, port
            for c in range(maker.column + 1, user.column):
                key = (id(maker), port, c)
                if key not in passes:
                    passes[key] = _Node(("pass", len(passes)), kind="pass", ins=[(before, from_port)], column=c)
                    columns[c].append(passes[key])
                before, from_port = passes[key], 0
            user.ins[i] = (before, from_port)


def _order(columns: list[list[_Node]]) -> None:
    """Orders the inner columns by barycentres; inputs and outputs keep theirs."""
    users: dict[object, list[tuple[_Node, int]]] = defaultdict(list)
    pairs = []
    for column in columns:
        for node in column:
            for i, (maker, port) in enumerate(node.ins):
                users[maker.key].append((node, i))
                pairs.append((maker, node, port, i))
    best, least = [list(column) for column in columns], None
    for sweep in range(8):
        place = {node.key: i for column in columns for i, node in enumerate(column)}
        # Ports count: two wires between the same boxes cross where their ports are turned round.
        fine = [[(node.key, p) for node in column for p in range(8)] for column in columns]
        cost = crossings(fine, [((a.key, min(p, 7)), (b.key, min(i, 7))) for a, b, p, i in pairs])
        if least is None or cost < least:
            best, least = [list(column) for column in columns], cost
        rightwards = sweep % 2 == 0
        for c in range(1, len(columns) - 1) if rightwards else range(len(columns) - 2, 0, -1):

            def centre(node: _Node, rightwards: bool = rightwards, place: dict[object, int] = place) -> float:
                near = (
                    [place[maker.key] + port / 8 for maker, port in node.ins]
                    if rightwards
                    else [place[user.key] + i / 8 for user, i in users[node.key]]
                )
                return sum(near) / len(near) if near else place[node.key]

            columns[c].sort(key=centre)
            place.update({node.key: i for i, node in enumerate(columns[c])})
    columns[:] = best


def _place(columns: list[list[_Node]]) -> float:
    """Sets x and y of every node; the height of all."""
    x = 0.0
    for column in columns:
        half = max((node.half_width for node in column), default=0.0)
        x += half
        for node in column:
            node.x, node.room = x, half
        x += half + GAP
    users: dict[object, list[tuple[_Node, int]]] = defaultdict(list)
    for column in columns:
        for node in column:
            for maker, port in node.ins:
                users[maker.key].append((node, port))
    for column in columns:
        for upper, lower in itertools.pairwise(column):
            lower.y = upper.y + upper.half_height + lower.half_height + 14.0
    for sweep in range(10):
        for column in filter(None, columns if sweep % 2 == 0 else columns[::-1]):
            wanted = []
            for node in column:
                near = [
                    maker.y + maker.port(port, maker.outs) - node.port(i, len(node.ins))
                    for i, (maker, port) in enumerate(node.ins)
                ]
                near += [
                    user.y + user.port(i, len(user.ins)) - node.port(port, node.outs)
                    for user, port in users[node.key]
                    for i, (maker, p) in enumerate(user.ins)
                    if maker is node and p == port
                ]
                wanted.append(sum(near) / len(near) if near else node.y)
            apart = [a.half_height + b.half_height + 14.0 for a, b in itertools.pairwise(column)]
            for node, y in zip(column, isotonic(wanted, apart, [1.0] * len(column)), strict=True):
                node.y = y
    everything = [node for column in columns for node in column]
    top = min((node.y - node.half_height for node in everything), default=0.0)
    for node in everything:
        node.y = round(node.y - top, 2)
    return max((node.y + node.half_height for node in everything), default=0.0)


# Drawing ----------------------------------------------------------------------------------------------------


def _drawn(columns: list[list[_Node]], makers: Sequence[_Node], height: float) -> Strings:
    used: dict[tuple[object, int], list[tuple[_Node, int]]] = defaultdict(list)
    for column in columns:
        for node in column:
            for i, (maker, port) in enumerate(node.ins):
                used[maker.key, port].append((node, i))
    wires: list[Group] = []
    things: list[Group] = []
    for column in columns:
        for node in column:
            if node.kind == "pass":
                start = (node.x, node.y)
                _spread(wires, things, start, node.x + node.room, used[node.key, 0])
                continue
            things.append(_thing(node))
            for port in range(node.outs if node.kind != "out" else 0):
                start = (node.x + node.half_width, node.y + node.port(port, node.outs))
                _spread(wires, things, start, node.x + node.room, used[node.key, port])
    width = max((node.x + node.half_width for column in columns for node in column), default=0.0)
    return Strings((*wires, *things), width, height)


def _spread(
    wires: list[Group], things: list[Group], start: Point, edge: float, users: Sequence[tuple[_Node, int]]
) -> None:
    """The wires of a value from where it comes: copied at a dot where there are several, ended by one where none.

    They are level up to `edge`, where the column ends.
    """
    if len(users) == 1:
        wires.append(_wire(start, edge, users[0]))
        return
    dot = (edge + 14.0, start[1])
    wires.append(Group("wire", "", (Curve(line(start, dot), "ink", 1.2),)))
    things.append(
        Group(
            "dot",
            "copy" if users else "discard",
            (Box(*dot, 2 * DOT, 2 * DOT, DOT, "ink", None),),
            "copied" if users else "discarded",
        )
    )
    wires += [_wire(dot, dot[0], user) for user in users]


def _wire(start: Point, edge: float, user: tuple[_Node, int]) -> Group:
    node, index = user
    end = (node.x - node.half_width, node.y + node.port(index, len(node.ins)))
    one, two = (edge, start[1]), (node.x - node.room, end[1])
    half = (two[0] - one[0]) / 2
    curve = (one, (one[0] + half, one[1]), (two[0] - half, two[1]), two)
    curve = curve if one == start else (*line(start, one), *curve[1:])
    curve = curve if two == end else (*curve, *line(two, end)[1:])
    return Group("wire", "", (Curve(curve, "ink", 1.2),))


def _thing(node: _Node) -> Group:
    if node.kind != "box":
        return Group("port", node.label, (Words(node.x, node.y, node.label, DETAIL, colour="muted"),))
    if node.role == "stop":
        look, colour = LINES["fixed"], "muted"
    else:
        look, colour = LINES[node.role], node.role
    x0, x1 = node.x - node.half_width, node.x + node.half_width
    y0, y1 = node.y - node.half_height, node.y + node.half_height
    corners = [(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)]
    outline: tuple[Point, ...] = (corners[0],)
    for one, two in itertools.pairwise(corners):
        outline += line(one, two)[1:]
    shapes: list[Shape] = [
        Area(tuple(corners[:4]), "band2" if node.marked else "ground"),
        Curve(outline, colour, look.width, look.dash),
    ]
    if look.bar:
        shapes.append(Curve(line((x0 + 4, y0), (x0 + 4, y1)), colour, look.width))
    if look.wavy:
        shapes.append(Curve(line((x0, y1 + 3), (x1, y1 + 3)), colour, look.width, (2.0, 2.0)))
    shapes.append(Words(node.x, node.y, node.label, LABEL, colour="badge" if node.marked else colour))
    return Group("box", node.label, tuple(shapes), f"{node.role} {node.label}" if node.role else node.label)
