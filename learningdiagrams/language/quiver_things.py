"""What each cell of a quiver link stands for: objects, products, generators, equations, and declarations by themselves.

>>> from learningdiagrams.language.quiver_cells import Cells, Edge, Vertex
>>> vertices = Vertex(0, 0, "A"), Vertex(1, 0, "B"), Vertex(2, 0, r"A \\times B")
>>> found = things(Cells(vertices, (Edge(0, 1, "f"), Edge(0, 1, "f"), Edge(2, 1, "h"), Edge(3, 4, "same"))))
>>> [(thing.what, thing.name or thing.dom) for thing in found]
[('object', 'A'), ('object', 'B'), ('product', 'A * B'), ('generator', 'f'), ('generator', 'f_2'),
 ('generator', 'h'), ('equation', 'same')]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, product

from learningdiagrams.language.quiver_cells import Cells, Edge, Vertex
from learningdiagrams.language.quiver_labels import Declared, Names, name_from, read, split, untex
from learningdiagrams.language.quiver_style import kind_of

__all__ = ["Thing", "things"]


@dataclass
class Thing:
    """What a cell stands for.

    Attributes:
        what: "object", "product", "unit", "generator", "equation", or "line": a declaration that stands by itself.
        label: the label that is seen.
        declared: what the label declares; None where it is a label and no more.
        kind: "law", "goal" or "measure" for an arrow that is an equation.
        sides: the paths between which an equation stands, as cells; empty where it says itself what they are.
        dom: where a generator starts, as text.
        cod: where it ends.
    """

    what: str
    label: str
    declared: Declared | None
    name: str = ""
    kind: str = ""
    sides: tuple[tuple[int, ...], ...] = ()
    dom: str = ""
    cod: str = ""


def things(cells: Cells) -> list[Thing]:
    """What each cell stands for, with a name of its own."""
    count = len(cells.vertices)
    ends = {end for edge in cells.edges for end in (edge.source, edge.target)}
    found = [_vertex(vertex, place in ends) for place, vertex in enumerate(cells.vertices)]
    products = _unnamed(found, cells, ends)
    levels = cells.levels()
    arrows = {
        count + place: (edge.source, edge.target)
        for place, edge in enumerate(cells.edges)
        if levels[count + place] == 1 and edge.options.get("level", 1) == 1
    }
    for place, edge in enumerate(cells.edges, count):
        found.append(_generator(edge) if place in arrows else _between(edge, arrows))
    names = Names()
    # In the order in which a diagram keeps what it declares, so that drawn anew all is named the same.
    order = ("", "law", "goal", "measure")
    known = [thing for place, thing in enumerate(found) if place not in products]
    _name(sorted(known, key=lambda thing: order.index(thing.kind)), names)
    _name([found[place] for place in products if not _product(found, place, products)], names)
    for place, thing in enumerate(found):
        if thing.what == "product":
            thing.dom = thing.cod = " * ".join(found[factor].name for factor in thing.sides[0])
        elif thing.what in ("object", "unit"):
            thing.dom = thing.cod = thing.name or "1"
        elif place >= count:
            edge = cells.edges[place - count]
            thing.dom, thing.cod = found[edge.source].dom, found[edge.target].cod
    return found


def _vertex(vertex: Vertex, attached: bool) -> Thing:
    seen, note = split(vertex.label)
    line = None if attached else read(vertex.label if note is None else note, "line")
    if line is not None:
        return Thing("line", seen, line)
    return Thing("object", seen, read(seen if note is None else note, "object"))


def _unnamed(found: list[Thing], cells: Cells, ends: set[int]) -> list[int]:
    """The vertices at which arrows end and whose label is a 1, which is then the unit, or has a × in it."""
    products = []
    for place, thing in enumerate(found):
        if thing.what == "object" and place in ends and split(cells.vertices[place].label)[1] is None:
            text = untex(thing.label).strip()
            if text == "1":
                thing.what = "unit"
            elif "*" in text:
                products.append(place)
    return products


def _product(found: list[Thing], place: int, others: Sequence[int]) -> bool:
    """Makes a vertex a product where its label says so of names or labels of other vertices."""
    by_name: dict[str, int] = {}
    for word in ("name", "label"):
        for other, thing in enumerate(found):
            if thing.what == "object" and other not in others:
                by_name.setdefault(thing.name if word == "name" else untex(thing.label).strip(), other)
    factors = [by_name.get(part.strip()) for part in untex(found[place].label).split("*")]
    if None in factors:
        return False
    found[place].what, found[place].sides = "product", (tuple(f for f in factors if f is not None),)
    return True


def _generator(edge: Edge) -> Thing:
    seen, note = split(edge.label)
    return Thing("generator", seen, read(seen if note is None else note, "generator"))


def _between(edge: Edge, arrows: Mapping[int, tuple[int, int]]) -> Thing:
    """A double arrow or one between arrows: an equation where its label or its place says of what."""
    seen, note = split(edge.label)
    says = read(seen if note is None else note, "equation")
    kind = (says.word if says is not None else "") or kind_of(edge.options)
    if says is not None and says.equation:
        return Thing("equation", seen, says, kind=kind)
    fits = _parallel(_paths(edge.source, arrows), _paths(edge.target, arrows), arrows)
    return Thing("equation", seen, says, kind=kind, sides=fits[0]) if len(fits) == 1 else _generator(edge)


def _parallel(
    ones: list[tuple[int, ...]], others: list[tuple[int, ...]], arrows: Mapping[int, tuple[int, int]]
) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Two different paths with the same ends, one of each list; no more than two such pairs."""

    def ends(path: tuple[int, ...]) -> tuple[int, int]:
        return arrows[path[0]][0], arrows[path[-1]][1]

    by_ends: dict[tuple[int, int], list[tuple[int, ...]]] = {}
    for path in ones:
        by_ends.setdefault(ends(path), []).append(path)
    fits = ((one, other) for other in others for one in by_ends.get(ends(other), ()) if one != other)
    return list(islice(fits, 2))


def _paths(cell: int, arrows: Mapping[int, tuple[int, int]]) -> list[tuple[int, ...]]:
    """The paths that a cell is the middle of: an arrow is one, through a vertex lead those of two arrows."""
    if cell in arrows:
        return [(cell,)]
    to = [arrow for arrow, (source, target) in arrows.items() if target == cell != source]
    on = [arrow for arrow, (source, target) in arrows.items() if source == cell != target]
    return list(product(to, on))


def _name(found: Sequence[Thing], names: Names) -> None:
    """Gives each thing a name: first those that declare theirs, then the others, after their labels."""
    named = [thing for thing in found if thing.declared and thing.declared.name]
    for thing in named:
        assert thing.declared is not None
        thing.name = names.fresh(thing.declared.name)
    for thing in found:
        if not thing.name and thing.what in ("object", "generator", "equation"):
            thing.name = names.fresh(name_from(thing.label, "object" if thing.what == "object" else "arrow"))
