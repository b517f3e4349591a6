"""The layout of a diagram: every vertex, arrow, label and badge at its place. What pens other than SVG start
from, too.

>>> from learningdiagrams.diagram import Diagram
>>> d = Diagram()
>>> S, X, Y = d.objects("Sample", "Image", "Logits")
>>> pixels, label, student = d.data("pixels", S, X), d.data("label", S, Y), d.model("student", X, Y)
>>> hard = d.goal("hard", pixels >> student, label, by="cross_entropy")
>>> found = layout(d)
>>> [spot.column for spot in found.spots.values()], [badge.text for badge in found.badges]
([0, 1, 2], ['hard'])
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from learningdiagrams.declarations import Goal, Measure
from learningdiagrams.diagram import Diagram
from learningdiagrams.drawing import text
from learningdiagrams.drawing.graph import Edge, Graph, Vertex, graph_of
from learningdiagrams.drawing.layers import Columns, arrange
from learningdiagrams.drawing.picture import Point
from learningdiagrams.drawing.places import LABEL, ROW, place, size
from learningdiagrams.drawing.routes import Rect, at, routes, sampled, spaced
from learningdiagrams.drawing.tangles import Tangle
from learningdiagrams.language.writing import argument
from learningdiagrams.theory.morphisms import Morphism
from learningdiagrams.theory.presentations import Law
from learningdiagrams.theory.terms import applications

__all__ = ["Arrow", "Badge", "Layout", "Spot", "layout", "path_edges"]

BADGE: Final = 11.5
ARRANGEMENTS: Final[tuple[Mapping[str, Any], ...]] = (
    {},
    {"ranks": "short"},
    {"ranks": "late"},
    {"kind": "squares", "ranks": "short"},
    {"greedy": True},
    {"greedy": True, "ranks": "short"},
    {"greedy": True, "ranks": "late"},
    {"kind": "free"},
    {"kind": "free", "ranks": "short"},
    {"kind": "free", "ranks": "late"},
    {"kind": "free", "greedy": True, "ranks": "short"},
    {"kind": "free", "greedy": True, "ranks": "late"},
    *({"kind": "free", "ranks": number, "greedy": number % 2 == 1} for number in range(8)),
)
CALM: Final = 200
"""Arrows and wires beyond which none looks for a better way than its first."""
EFFORT: Final = ((40, 20), (80, 3), (150, 2))
"""How many arrangements are tried for at most so many arrows and wires; beyond the last, one."""
LINE: Final = 8.0
"""Half the height of a line of label text."""


@dataclass(frozen=True)
class Spot:
    """A vertex at its place; column and row count from the top left, rows may be fractions."""

    vertex: Vertex
    box: Rect
    column: int
    row: float


@dataclass(frozen=True)
class Arrow:
    """An edge's curve from box to box, and the box of its label, None for wires."""

    edge: Edge
    points: tuple[Point, ...]
    label: Rect | None


@dataclass(frozen=True)
class Badge:
    """The sign of a goal or law in the face between its two paths."""

    kind: str
    name: str
    text: str
    box: Rect
    residual: float | None = None


@dataclass(frozen=True)
class Layout:
    graph: Graph
    spots: Mapping[str, Spot]
    arrows: tuple[Arrow, ...]
    badges: tuple[Badge, ...]

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of everything."""
        rects = [spot.box for spot in self.spots.values()] + [a.label for a in self.arrows if a.label]
        rects += [badge.box for badge in self.badges]
        xs = [r.x + s * r.half_width for r in rects for s in (-1, 1)]
        ys = [r.y + s * r.half_height for r in rects for s in (-1, 1)]
        for arrow in self.arrows:
            along = sampled(arrow.points)
            xs += [p[0] for p in along]
            ys += [p[1] for p in along]
        return (min(xs), min(ys), max(xs), max(ys)) if xs else (0.0, 0.0, 0.0, 0.0)


def layout(
    diagram: Diagram, residuals: Mapping[str, float] | None = None, *, only: Goal | Measure | Law | None = None
) -> Layout:
    """Places everything that is drawn of a diagram; the same diagram gives the same layout.

    Args:
        residuals: how far goals and laws are from holding, by name. only: an equation of the diagram; its two paths
            alone are placed, and its sign says its comparator and weight.
    """
    if only is None:
        graph = graph_of(diagram)
        words = {name: (kind, badge) for kind, name, badge in _badge_words(diagram, residuals)}
    else:
        graph = graph_of(diagram, {*path_edges(only.left), *path_edges(only.right)})
        words = {only.name: _sign(diagram, only, residuals)}
    before: dict[str, float] = {}
    for name, (_, badge) in words.items():
        target = _equation(diagram, name).left.cod.name
        if target in graph.vertices:
            before[target] = max(before.get(target, 0.0), text.width(badge, BADGE))
    columns, places, curves = _least_tangled(
        tuple(graph.vertices.values()), graph.edges, graph.squares, tuple(before.items())
    )
    top = min((places[key][1] for key in graph.vertices), default=0.0)
    spots = {}
    for key, vertex in graph.vertices.items():
        x, y = places[key]
        wide, high = size(vertex)
        spots[key] = Spot(vertex, Rect(x, y, wide / 2, high / 2), columns.column[key], (y - top) / ROW)
    writer = _Writer([spot.box for spot in spots.values()], curves)
    labels = {
        edge.key: writer.label(edge, curves[edge.key])
        for edge in sorted(graph.edges, key=lambda e: _freedom(curves[e.key]))
        if edge.label
    }
    arrows = tuple(Arrow(edge, curves[edge.key], labels.get(edge.key)) for edge in graph.edges)
    loops = {edge.key for edge in graph.edges if edge.source == edge.target}
    return Layout(graph, spots, arrows, tuple(_badges(diagram, words, spots, curves, loops, writer, residuals)))


@lru_cache(maxsize=16)
def _least_tangled(
    vertices: tuple[Vertex, ...],
    edges: tuple[Edge, ...],
    squares: tuple[tuple[str, str, str, str], ...],
    badges: tuple[tuple[str, float], ...],
) -> tuple[Columns, Mapping[object, Point], Mapping[str, tuple[Point, ...]]]:
    """Columns, places and curves: of some ways to arrange the columns the one whose curves cross least, the first of
    equals.

    A run draws one diagram several times, so that the last ones are remembered.
    """
    graph, before = Graph({vertex.key: vertex for vertex in vertices}, edges, squares), dict(badges)
    count = next((ways for most, ways in EFFORT if len(graph.edges) <= most), 1)
    if any(vertex.at is not None for vertex in graph.vertices.values()):
        count = 1
    best, least, seen = None, math.inf, set()
    for options in ARRANGEMENTS[:count]:
        columns = arrange(graph, **options)
        if columns.order in seen:
            continue
        seen.add(columns.order)
        places = place(graph, columns, before)
        curves = routes(graph, columns, places, passes=0 if len(graph.edges) > CALM else 2)
        tangled = Tangle(curves).total() if count > 1 else 0
        if tangled < least:
            best, least = (columns, places, curves), tangled
        if not tangled:
            break
    assert best is not None, "there is at least one arrangement"
    return best


def _freedom(curve: Sequence[Point]) -> float:
    """Short arrows have few places for their label and choose first."""
    along = sampled(curve, 4)
    return round(sum(math.dist(a, b) for a, b in itertools.pairwise(along)), 3)


class _Writer:
    """Finds places for text that touch no vertex and no other text, and few lines."""

    def __init__(self, boxes: Sequence[Rect], curves: Mapping[str, Sequence[Point]]) -> None:
        self.taken = list(boxes)
        self.cells: dict[tuple[int, int], list[tuple[str, Point]]] = {}
        for key, points in curves.items():
            for point in spaced(points):
                self.cells.setdefault((int(point[0] // 40), int(point[1] // 40)), []).append((key, point))

    def touched(self, box: Rect, own: str | None = None) -> int:
        """How many lines run through a box; the own line counts where it cuts the text as well."""
        found = set()
        for i in range(int((box.x - box.half_width) // 40), int((box.x + box.half_width) // 40) + 1):
            for j in range(int((box.y - box.half_height) // 40), int((box.y + box.half_height) // 40) + 1):
                found.update(key for key, point in self.cells.get((i, j), ()) if box.holds(point, 1.0))
        return len(found) + (own in found)

    def between(self, start: Point, end: Point) -> int:
        """How many lines a straight way crosses."""
        count = math.ceil(math.dist(start, end) / 5.0)
        steps = [((end[0] - start[0]) * k / count, (end[1] - start[1]) * k / count) for k in range(1, count)]
        found = set()
        for x, y in steps:
            step = Rect(start[0] + x, start[1] + y, 3.0, 3.0)
            for key, point in self.cells.get((int(step.x // 40), int(step.y // 40)), ()):
                if step.holds(point, 1.0):
                    found.add(key)
        return len(found)

    def free(self, box: Rect) -> bool:
        return not any(box.overlaps(other, 2.0) for other in self.taken)

    def choose(self, boxes: Iterator[tuple[float, Rect]], own: str | None, start: Point | None = None) -> Rect:
        """The free box of least cost: its own, and much for every line through it, or between it and where it
        starts.
        """
        best: Rect | None = None
        least = math.inf
        for cost, box in boxes:
            if cost >= least:
                # What comes later costs more still.
                break
            if self.free(box):
                total = cost + 60.0 * self.touched(box, own)
                if start is not None and total < least:
                    total += 40.0 * self.between(start, (box.x, box.y))
                if total < least:
                    least, best = total, box
        assert best is not None, "a search without end finds a place"
        self.taken.append(best)
        return best

    def label(self, edge: Edge, curve: Sequence[Point]) -> Rect:
        half = text.width(edge.label, LABEL) / 2 + 3
        along = sampled(curve, 24)
        return self.choose(_beside(along, half, edge.source == edge.target), edge.key)

    def badge(self, centre: Point, half: float) -> Rect:
        return self.choose(_around(centre, half), None, centre)


def _beside(along: Sequence[Point], half: float, looped: bool) -> Iterator[tuple[float, Rect]]:
    """Boxes beside a curve, outside of its bend first, its middle first; the cost of each grows."""
    chord = (along[-1][0] - along[0][0], along[-1][1] - along[0][1])
    middle = along[len(along) // 2]
    lean = chord[0] * (middle[1] - (along[0][1] + along[-1][1]) / 2) - chord[1] * (
        middle[0] - (along[0][0] + along[-1][0]) / 2
    )
    if looped:
        outer = 0
    elif abs(lean) > 60:
        outer = 1 if lean > 0 else -1
    else:
        outer = 0
    found = []
    for share in (0.5, 0.44, 0.56, 0.38, 0.62, 0.3, 0.7, 0.22, 0.78, 0.15, 0.85):
        i = min(max(round(share * (len(along) - 1)), 1), len(along) - 2)
        (x0, y0), (x1, y1) = along[i - 1], along[i + 1]
        length = math.hypot(x1 - x0, y1 - y0) or 1.0
        tx, ty = (x1 - x0) / length, (y1 - y0) / length
        for side in (1, -1):
            nx, ny = -ty * side, tx * side
            preferred = side == outer if outer else (ny < -0.05 or (abs(ny) <= 0.05 and nx > 0))
            if looped and share == 0.5:
                preferred = math.dist((along[i][0] + nx, along[i][1] + ny), along[0]) > math.dist(along[i], along[0])
            # So far out that the box just clears the line, whatever its slope.
            reach = abs(nx) * half + abs(ny) * LINE
            for extra in (4.0, 12.0, 24.0):
                x, y = along[i][0] + nx * (reach + extra), along[i][1] + ny * (reach + extra)
                cost = abs(share - 0.5) * 90 + (0.0 if preferred else 12.0) + (extra - 4.0) * 2.5
                found.append((cost, Rect(x, y, half, LINE)))
    found.sort(key=lambda pair: pair[0])
    yield from found
    yield from ((found[-1][0] + cost, box) for cost, box in _around(middle, half))


def _around(centre: Point, half: float) -> Iterator[tuple[float, Rect]]:
    """Boxes around a point, nearest first, without end."""
    yield 0.0, Rect(*centre, half, LINE + 1)
    radius = 0.0
    while True:
        radius += 9.0
        for k in range(16):
            angle = 2 * math.pi * (k + 0.25) / 16
            yield (
                radius,
                Rect(centre[0] + radius * math.cos(angle) * 1.3, centre[1] + radius * math.sin(angle), half, LINE + 1),
            )


# Goals and laws ---------------------------------------------------------------------------------------------


def path_edges(morphism: Morphism) -> tuple[str, ...]:
    """The generators that a morphism is made of, each once, first applied first."""
    heads = [term.head for term in applications(morphism.terms)]
    return tuple(dict.fromkeys(head.name for head in heads if head is not None and not isinstance(head, str)))


def _badge_words(diagram: Diagram, residuals: Mapping[str, float] | None) -> Iterator[tuple[str, str, str]]:
    """Kind, name and text of every badge."""
    for kind, equations in (("goal", diagram.goals), ("law", diagram.laws)):
        for name in equations:
            style = diagram.styles.get(name)
            label = text.plain(style.label) if style and style.label else f"= {name}" if kind == "law" else name
            words = text.shortened(label, BADGE, 150.0)
            if residuals is not None and name in residuals:
                words += f"  {text.number(residuals[name])}"
            yield kind, name, words


def _sign(diagram: Diagram, equation: Goal | Measure | Law, residuals: Mapping[str, float] | None) -> tuple[str, str]:
    """Kind and text of the sign of an equation that is drawn alone: its name, comparator and weight."""
    kind = "law" if isinstance(equation, Law) else "goal" if equation.name in diagram.goals else "measure"
    words = f"= {equation.name}" if isinstance(equation, Law) else f"⇒ {equation.name}: {argument(equation.by)}"
    if isinstance(equation, Goal) and equation.weight != 1:
        words += f" · {argument(equation.weight)}"
    if residuals is not None and equation.name in residuals:
        words += f"  {text.number(residuals[equation.name])}"
    return kind, words


def _equation(diagram: Diagram, name: str) -> Goal | Measure | Law:
    return diagram.goals.get(name) or diagram.laws.get(name) or diagram.measures[name]


def _badges(
    diagram: Diagram,
    words: Mapping[str, tuple[str, str]],
    spots: Mapping[str, Spot],
    curves: Mapping[str, Sequence[Point]],
    loops: Set[str],
    writer: _Writer,
    residuals: Mapping[str, float] | None,
) -> Iterator[Badge]:
    for name, (kind, badge) in words.items():
        equation = _equation(diagram, name)
        residual = residuals[name] if residuals is not None and name in residuals else None
        edges = {*path_edges(equation.left), *path_edges(equation.right)}
        if len(edges) == 1 and edges <= loops:
            centre = _over(curves[edges.pop()])
        else:
            centre = _face(equation.left, equation.right, spots, curves)
        yield Badge(kind, name, badge, writer.badge(centre, text.width(badge, BADGE) / 2 + 8), residual)


def _face(left: Morphism, right: Morphism, spots: Mapping[str, Spot], curves: Mapping[str, Sequence[Point]]) -> Point:
    """The middle of what two paths enclose.

    Of long paths only the last arrows that they do not share count: it stands where the two are to agree, and
    goals that share most of their paths keep apart.
    """
    sides = [path_edges(left), path_edges(right)]
    shared = set(sides[0]) & set(sides[1])
    owns = [[edge for edge in edges if edge not in shared] or list(edges) for edges in sides]
    # A square, or a lens between two arrows, is taken whole.
    whole = all(len(own) == 2 for own in owns) or all(len(own) == 1 for own in owns)
    middles = []
    for own in owns:
        if whole:
            points = [point for edge in own for point in sampled(curves[edge], 8)]
        else:
            points = [point for edge in own[-1:] for point in sampled(curves[edge], 12)]
            points = points[len(points) // 3 :]
        if points:
            middles.append(_centre(points))
    if not middles:
        box = spots[left.cod.name].box if left.cod.name in spots else None
        return (box.x, box.y + 40) if box else (0.0, 0.0)
    return _centre(middles)


def _over(loop: Sequence[Point]) -> Point:
    """Outside of a loop, at its far end: no badge fits inside."""
    foot, (x, y) = _centre([loop[0], loop[-1]]), at(loop, 0.5)
    return (x, y + math.copysign(2 * LINE, y - foot[1]))


def _centre(points: Sequence[Point]) -> Point:
    return (sum(p[0] for p in points) / len(points), sum(p[1] for p in points) / len(points))
