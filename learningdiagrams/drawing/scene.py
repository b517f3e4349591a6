"""From layout to picture: arrows as their roles look, badges, and below them the equations and the legend."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from learningdiagrams.declarations import Goal, Measure
from learningdiagrams.diagram import Diagram
from learningdiagrams.drawing import palette, text
from learningdiagrams.drawing.layout import BADGE, Arrow, Badge, Layout, Spot, layout, path_edges
from learningdiagrams.drawing.palette import BANDS, LINES, ROLE_WORDS
from learningdiagrams.drawing.picture import (
    Area,
    Box,
    Curve,
    Group,
    Picture,
    Point,
    Shape,
    Words,
    arrowhead,
    line,
    wave,
)
from learningdiagrams.drawing.places import DETAIL, LABEL, NODE, PRODUCT
from learningdiagrams.drawing.routes import sampled
from learningdiagrams.language.writing import argument
from learningdiagrams.theory.morphisms import Morphism
from learningdiagrams.theory.presentations import Law

__all__ = ["equation_text", "picture_of"]

MARGIN: Final = 22.0
ROWS: Final = 24.0
WIDEST: Final = 1000.0
"""Beyond this width an equation is cut with …; the table of `html_table` has all of it."""


def picture_of(
    diagram: Diagram,
    residuals: Mapping[str, float] | None = None,
    *,
    found: Layout | None = None,
    only: Goal | Measure | Law | None = None,
    title: bool = True,
    equations: bool = True,
) -> Picture:
    """The picture of a diagram.

    Args:
        residuals: how far goals and laws are from holding, by name: a number and a colour on each badge.
        only: an equation of the diagram, whose two paths alone are drawn.
        title, equations: whether the name stands above, and the equations below.
    """
    found = found or layout(diagram, residuals, only=only)
    left, top, right, bottom = found.bounds
    heading = 26.0 if title and diagram.name != "diagram" else 0.0
    dx, dy = MARGIN - left, MARGIN + heading - top
    groups = [
        *(_arrow(arrow, dx, dy) for arrow in found.arrows),
        *(_vertex(spot, dx, dy) for spot in found.spots.values()),
        *(_badge(diagram, badge, dx, dy) for badge in found.badges),
    ]
    width, height = right - left + 2 * MARGIN, bottom - top + 2 * MARGIN + heading
    if equations:
        rows, wide, height = _equations(diagram, residuals, height, only)
        groups += rows
        width = max(width, wide)
    roles = [edge.role for edge in found.graph.edges]
    legend, wide, height = _legend(diagram, roles, residuals, height, max(width, 420.0))
    groups += legend
    width = max(width, wide)
    if heading:
        name = text.plain(diagram.name)
        width = max(width, text.width(name, 16) * 1.08 + 2 * MARGIN)
        groups.insert(0, Group("title", "", (Words(MARGIN, MARGIN + 2, name, 16, "start", bold=True),)))
    return Picture(text.plain(diagram.name), _description(diagram), math.ceil(width), math.ceil(height), tuple(groups))


def _description(diagram: Diagram) -> str:
    """What the picture shows, in words, for who cannot see it."""
    arrows = [f"{m.dom} to {m.cod} by {diagram.roles[name]} {name}" for name, m in diagram.generators.items()]
    goals = [f"goal {g.name}: {g.left} = {g.right}" for g in diagram.goals.values()]
    return text.plain("; ".join([*arrows, *goals])) or "an empty diagram"


# Vertices and arrows ----------------------------------------------------------------------------------------


def _vertex(spot: Spot, dx: float, dy: float) -> Group:
    vertex, box = spot.vertex, spot.box
    x, y = box.x + dx, box.y + dy
    ink = vertex.colour or "ink"
    shapes: list[Shape] = []
    if vertex.kind == "product":
        if vertex.label == "×":
            shapes.append(Box(x, y, 17, 17, 8.5, "ground", vertex.colour or "wire", 1.0))
        shapes.append(Words(x, y, vertex.label, PRODUCT, colour=vertex.colour or "muted"))
        return Group("object", vertex.key, tuple(shapes), vertex.detail)
    if vertex.kind == "sample":
        shapes.append(
            Box(x, y, 2 * box.half_width, 2 * box.half_height, box.half_height, "sample", vertex.colour or "muted", 1.2)
        )
    if vertex.detail:
        shapes.append(Words(x, y - 8, vertex.label, NODE, colour=ink))
        shapes.append(Words(x, y + 10, vertex.detail, DETAIL, colour="muted"))
    else:
        shapes.append(Words(x, y, vertex.label, NODE, colour=ink))
    kind = {"sample": "sample object", "unit": "terminal object"}.get(vertex.kind, "object")
    return Group(
        "object", vertex.key, tuple(shapes), f"{kind} {vertex.label}{' ' + vertex.detail if vertex.detail else ''}"
    )


def _moved(points: Sequence[Point], dx: float, dy: float) -> tuple[Point, ...]:
    return tuple((x + dx, y + dy) for x, y in points)


def _arrow(arrow: Arrow, dx: float, dy: float) -> Group:
    edge = arrow.edge
    look = LINES[edge.role]
    colour = edge.colour or edge.role
    points = _moved(arrow.points, dx, dy)
    if edge.role == "wire":
        return Group("wire", edge.key, (Curve(points, colour, look.width),))
    tip = points[-1]
    toward = _unit(points[-2], tip) if points[-2] != tip else _unit(points[-3], tip)
    head = arrowhead(tip, toward, look.width)
    # The line ends inside the head, so that no thick line looks out beside its tip.
    back = 0.6 * math.dist(tip, head[2])
    shaft = _shortened(points, back)
    if look.wavy:
        along = sampled(shaft, 24)
        rest = next((i for i in range(len(along) - 1, 0, -1) if math.dist(along[i], along[-1]) > 8.0), 0)
        shaft = (*wave(along[: rest + 1]), *line(along[rest], along[-1])[1:])
    shapes: list[Shape] = [Curve(shaft, colour, look.width, look.dash), Area(head, colour)]
    if look.bar:
        ux, uy = _unit(points[0], points[1] if points[1] != points[0] else points[2])
        x, y = points[0]
        shapes.append(Curve(line((x - 4.5 * uy, y + 4.5 * ux), (x + 4.5 * uy, y - 4.5 * ux)), colour, look.width))
    if arrow.label is not None:
        shapes.append(Words(arrow.label.x + dx, arrow.label.y + dy, edge.label, LABEL, colour=colour, halo=True))
    return Group("arrow", edge.key, tuple(shapes), edge.detail)


def _unit(start: Point, end: Point) -> Point:
    length = math.dist(start, end) or 1.0
    return ((end[0] - start[0]) / length, (end[1] - start[1]) / length)


def _shortened(points: tuple[Point, ...], by: float) -> tuple[Point, ...]:
    """A curve whose last point is drawn back along its tangent."""
    (x0, y0), (x1, y1) = points[-2], points[-1]
    ux, uy = _unit((x0, y0), (x1, y1))
    return (*points[:-2], (x0 - ux * by, y0 - uy * by), (x1 - ux * by, y1 - uy * by))


# Badges and equations ---------------------------------------------------------------------------------------


def _pill(
    kind: str, words: str, x: float, y: float, half: float, residual: float | None, colour: str | None
) -> tuple[Shape, ...]:
    fill = palette.band(residual) if residual is not None else {"law": "law", "goal": "goal"}.get(kind, "panel")
    stroke = colour or {"law": "lawline", "goal": "goaline"}.get(kind, "muted")
    return (
        Box(x, y, 2 * half, 18, 9, fill, stroke, 1.0),
        Words(x, y, words, BADGE, colour="badge", bold=residual is not None),
    )


def _badge(diagram: Diagram, badge: Badge, dx: float, dy: float) -> Group:
    style = diagram.styles.get(badge.name)
    equation = {**diagram.measures, **diagram.laws, **diagram.goals}[badge.name]
    shapes = _pill(
        badge.kind,
        badge.text,
        badge.box.x + dx,
        badge.box.y + dy,
        badge.box.half_width,
        badge.residual,
        style.colour if style else None,
    )
    told = equation_text(equation)
    if badge.residual is not None:
        told += f"   residual {text.number(badge.residual)}"
    return Group(badge.kind, badge.name, shapes, told)


def equation_text(equation: Goal | Measure | Law) -> str:
    """A goal, measure or law on one line: its sides, comparator, weight and notes."""
    sign = "=" if isinstance(equation, Law) else "≈"
    words = f"{text.mathematics_text(str(equation.left))} {sign} {text.mathematics_text(str(equation.right))}"
    return "   ".join([words, *notes(equation)])


def notes(equation: Goal | Measure | Law) -> list[str]:
    """What an equation says besides its sides."""
    if isinstance(equation, Law):
        return []
    found = [f"by {argument(equation.by)}"]
    if isinstance(equation, Goal) and equation.weight != 1:
        found.append(f"weight {argument(equation.weight)}")
    if equation.on:
        found.append(f"on {', '.join(text.mathematics_text(str(m)) for m in equation.on)}")
    if isinstance(equation, Goal) and equation.train is not None:
        found.append(f"moves {', '.join(equation.train)}")
    return found


def _equations(
    diagram: Diagram, residuals: Mapping[str, float] | None, top: float, only: Goal | Measure | Law | None
) -> tuple[list[Group], float, float]:
    """Rows of laws, goals and measures; the width that they take, and where they end."""
    rows = [
        *(("goal", equation) for equation in diagram.goals.values()),
        *(("law", equation) for equation in diagram.laws.values()),
        *(("measure", equation) for equation in diagram.measures.values()),
    ]
    if only is not None:
        rows = [row for row in rows if row[1] is only]
    if not rows:
        return [], 0.0, top
    names = {equation.name: text.shortened(_label(diagram, equation.name), BADGE, 150.0) for _, equation in rows}
    pill = max(text.width(name, BADGE) for name in names.values()) + 18
    values = {e.name: residuals[e.name] for _, e in rows if residuals is not None and e.name in residuals}
    numbers = max([text.width(text.number(v), 12.5) for v in values.values()], default=-14.0) + 14
    sides = {e.name: _sides(e) for _, e in rows}
    left = MARGIN + pill + 12 + numbers
    math_width = min(max(text.width(words, 12.5) for words in sides.values()), 0.66 * WIDEST)
    notes_at = left + math_width + 20
    groups, width = [], 0.0
    for i, (kind, equation) in enumerate(rows):
        y = top + i * ROWS + 6
        residual = values.get(equation.name)
        shapes: list[Shape] = list(_pill(kind, names[equation.name], MARGIN + pill / 2, y, pill / 2, residual, None))
        if residual is not None:
            shapes.append(Words(MARGIN + pill + 10, y, text.number(residual), 12.5, "start", bold=True))
        shapes.append(Words(left, y, text.shortened(sides[equation.name], 12.5, math_width), 12.5, "start"))
        note = text.shortened("   ".join(notes(equation)), 12, WIDEST - notes_at if notes_at < WIDEST - 200 else 200)
        if note:
            shapes.append(Words(notes_at, y, note, 12, "start", colour="muted"))
        width = max(width, notes_at + text.width(note, 12) + MARGIN)
        groups.append(Group(f"{kind}-row", equation.name, tuple(shapes), equation_text(equation)))
    return groups, width, top + len(rows) * ROWS + 8


def _label(diagram: Diagram, name: str) -> str:
    style = diagram.styles.get(name)
    return text.plain(style.label) if style and style.label else name


def _sides(equation: Goal | Measure | Law) -> str:
    sign = "=" if isinstance(equation, Law) else "≈"
    sides = (_brief(equation.left), _brief(equation.right))
    return f"{sides[0]} {sign} {sides[1]}"


def _brief(morphism: Morphism) -> str:
    words = str(morphism) if len(path_edges(morphism)) < 200 else f"{morphism.dom} → {morphism.cod} (long)"
    return text.mathematics_text(words)


# Legend -----------------------------------------------------------------------------------------------------


def _legend(
    diagram: Diagram, used: Sequence[str], residuals: Mapping[str, float] | None, top: float, room: float
) -> tuple[list[Group], float, float]:
    """What lines and colours mean: of those that occur."""
    roles = [role for role in ROLE_WORDS if role in used]
    groups: list[Group] = []
    x, y, width = MARGIN, top + 10, 0.0
    for role in roles:
        words = ROLE_WORDS[role]
        wide = 42 + text.width(words, DETAIL) + 20
        if x + wide > room and x > MARGIN:
            x, y = MARGIN, y + 20
        groups.append(Group("legend", role, tuple(_sample_line(role, words, x, y))))
        x += wide
        width = max(width, x)
    if residuals is not None and any(name in residuals for name in (*diagram.goals, *diagram.laws)):
        if groups:
            x, y = MARGIN, y + 22
        shapes: list[Shape] = [Words(x, y, "residual", DETAIL, "start", colour="muted")]
        x += text.width("residual", DETAIL) + 12
        for i, words in enumerate(BANDS):
            wide = text.width(words, DETAIL)
            shapes.append(Box(x + 8, y, 16, 12, 3, f"band{i}", "muted", 0.8))
            shapes.append(Words(x + 21, y, words, DETAIL, "start", colour="muted"))
            x += 21 + wide + 14
        groups.append(Group("legend", "residual", tuple(shapes)))
        width = max(width, x)
    return groups, width + MARGIN if groups else 0.0, y + 18 if groups else top


def _sample_line(role: str, words: str, x: float, y: float) -> Iterator[Shape]:
    look = LINES[role]
    head = arrowhead((x + 34, y), (1.0, 0.0), look.width)
    stroke = line((x, y), (x + 34 - 6, y))
    if look.wavy:
        stroke = (*wave(sampled(line((x, y), (x + 24, y)), 24)), *line((x + 24, y), (x + 29, y))[1:])
    yield Curve(stroke, role, look.width, look.dash)
    yield Area(head, role)
    if look.bar:
        yield Curve(line((x, y - 4.5), (x, y + 4.5)), role, look.width)
    yield Words(x + 42, y, words, DETAIL, "start", colour="muted")
