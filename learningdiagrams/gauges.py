"""An examination as pictures: how far each equation is and how far it may be, and which goals pull which way.

>>> from learningdiagrams.bounds import Bound, Use
>>> from learningdiagrams.conflicts import Conflicts
>>> from learningdiagrams.diagram import Diagram
>>> d = Diagram()
>>> S, X = d.objects("S", "X")
>>> x, y = d.data("x", S, X), d.data("y", S, X)
>>> picture = bounds_picture([Bound("same", x, y, 0.02, 0.5, (Use("goal", 0.25, (("f", 2.0),)),))])
>>> picture.description
'same: 0.02 of at most 0.5'
>>> angles_picture(Conflicts({}, {("a", "b"): 120.0}, {}, {})).description
'a, b: 120°'
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING, Final

from learningdiagrams.curves import value_ticks
from learningdiagrams.drawing import text
from learningdiagrams.drawing.picture import Box, Curve, Group, Picture, Shape, Words, line
from learningdiagrams.drawing.svg import svg
from learningdiagrams.theory.showing import rows_table

if TYPE_CHECKING:
    from learningdiagrams.bounds import Bound
    from learningdiagrams.conflicts import Conflicts
    from learningdiagrams.examined import Examination

__all__ = ["angles_picture", "bounds_picture", "examination_html"]

LABELS: Final = 330.0
"""The room for equations at the left of the bars."""
BARS: Final = 420.0
NUMBERS: Final = 170.0
ROW: Final = 34.0
MOST: Final = 40
"""Bars in one picture; more are in the table."""
GOALS: Final = 24
"""Goals in one picture of angles; beyond that the table has the pairs."""
CELL: Final = 46.0

ANGLES: Final = ((45.0, "band0"), (90.0, "band1"), (135.0, "band3"), (math.inf, "band4"))
"""Up to which angle a cell has which colour."""
WORDS: Final = ("to 45°, one way", "to 90°", "to 135°, against each other", "to 180°")


def bounds_picture(bounds: Iterable[Bound]) -> Picture:
    """A bar for each bound: how far its sides are apart, of how far they can be by the proof; one logarithmic scale."""
    found = [it for it in bounds if not it.reason][:MOST]
    values = [value for it in found for value in (it.measured, it.bound) if 0 < value < math.inf]
    low, high = (math.log10(min(values)), math.log10(max(values))) if values else (-1.0, 0.0)
    low, high = math.floor(low * 2 - 0.2) / 2, math.ceil(high * 2 + 0.2) / 2
    top = 14.0
    bottom = top + ROW * len(found)

    def at(value: float) -> float:
        share = (math.log10(value) - low) / (high - low) if value > 0 else 0.0
        return LABELS + BARS * min(max(share, 0.0), 1.0)

    axis: list[Shape] = []
    for value in value_ticks(low, high, logarithmic=True):
        axis.append(Curve(line((at(value), top), (at(value), bottom)), "faint", 0.7))
        axis.append(Words(at(value), bottom + 13, text.number(value), 10.5, colour="muted"))
    groups = [Group("axis", "distance", tuple(axis))]
    for place, it in enumerate(found):
        groups.append(Group("bound", it.name, tuple(_bar(it, top + ROW * (place + 0.5), at)), _summary(it)))
    groups.append(Group("legend", "", tuple(_legend(bottom + 36.0))))
    width = LABELS + BARS + NUMBERS
    words = "; ".join(_summary(it) for it in found) or "no bounds"
    return Picture("distances and bounds", text.plain(words), width, bottom + 54.0, tuple(groups))


def _summary(it: Bound) -> str:
    return f"{it.name}: {text.number(it.measured)} of at most {text.number(it.bound)}"


def _bar(it: Bound, y: float, at: Callable[[float], float]) -> Iterator[Shape]:
    equation = text.mathematics_text(f"{it.left} = {it.right}")
    yield Words(10, y - 8, text.shortened(text.plain(it.name), 12, LABELS - 30), 12, "start", bold=True)
    if it.name != f"{it.left} = {it.right}":
        yield Words(10, y + 7, text.shortened(text.plain(equation), 10.5, LABELS - 30), 10.5, "start", colour="muted")
    here, most = at(it.measured), at(it.bound)
    yield Curve(line((LABELS, y), (most, y)), "series1", 1.4)
    yield Curve(line((most, y - 7), (most, y + 7)), "series1", 2.0)
    if here > LABELS:
        yield Box((LABELS + here) / 2, y, here - LABELS, 9, 2, "series0", None)
    numbers = f"{text.number(it.measured)} ≤ {text.number(it.bound)}"
    yield Words(LABELS + BARS + 12, y, numbers, 11.5, "start")


def _legend(y: float) -> Iterator[Shape]:
    x = LABELS
    yield Box(x + 13, y, 26, 9, 2, "series0", None)
    yield Words(x + 32, y, "distance of both sides", 11, "start", colour="muted")
    x += 32 + text.width("distance of both sides", 11) + 18
    yield Curve(line((x, y), (x + 26, y)), "series1", 1.4)
    yield Curve(line((x + 26, y - 6), (x + 26, y + 6)), "series1", 2.0)
    yield Words(x + 34, y, "bound from the proof", 11, "start", colour="muted")


def angles_picture(conflicts: Conflicts) -> Picture:
    """The angles of the goals' gradients, a cell for each two that move a common model."""
    names = _named(conflicts)[:GOALS]
    room = 32.0 + max((text.width(text.plain(name), 12) for name in names), default=0.0)
    room = min(room, LABELS)
    columns, high, top = names[:-1], CELL * 0.7, 30.0
    groups = [
        Group("goal", name, (Words(room + CELL * (j + 0.5), 16, str(j + 1), 11.5, colour="muted"),), name)
        for j, name in enumerate(columns)
    ]
    said = []
    for i, one in enumerate(names):
        y = top + high * (i + 0.5)
        label = Words(room - 30, y, text.shortened(text.plain(one), 12, room - 30), 12, "end")
        groups.append(Group("goal", one, (label, Words(room - 8, y, str(i + 1), 11.5, "end", colour="muted")), one))
        for j, other in enumerate(names[:i]):
            angle = conflicts.angles.get((other, one), conflicts.angles.get((one, other)))
            x = room + CELL * (j + 0.5)
            shapes: tuple[Shape, ...] = (Words(x, y, "·", 12, colour="muted"),)
            title = f"{other}, {one}: no common model"
            if angle is not None:
                fill = next(colour for most, colour in ANGLES if angle <= most)
                bold = angle > 90
                box = Box(x, y, CELL - 3, high - 3, 4, fill, None)
                shapes = (box, Words(x, y, f"{angle:.0f}°", 12, bold=bold))
                title = f"{other}, {one}: {angle:.0f}°"
                said.append(title)
            groups.append(Group("angle", f"{other}, {one}", shapes, title))
    x, y = 10.0, top + high * len(names) + 22
    for (_, colour), words in zip(ANGLES, WORDS, strict=True):
        box = Box(x + 9, y, 16, 14, 3, colour, None)
        groups.append(Group("legend", words, (box, Words(x + 23, y, words, 11, "start", colour="muted"))))
        x += 23 + text.width(words, 11) + 16
    width = max(room + CELL * len(columns) + 10, x)
    return Picture("angles of gradients", text.plain("; ".join(said) or "none"), width, y + 18, tuple(groups))


def _named(conflicts: Conflicts) -> list[str]:
    """The goals that have an angle with another, in the order of the diagram."""
    found = dict.fromkeys(name for pair in conflicts.angles for name in pair)
    return [
        *(name for name in conflicts.norms if name in found),
        *(name for name in found if name not in conflicts.norms),
    ]


def examination_html(found: Examination) -> list[tuple[str, str]]:
    """An examination without its residuals as sections of a page: headings, and HTML."""
    sections = []
    if found.bounds or found.undecided:
        sections.append(("What the goals prove, and how far it holds", _bounds_html(found)))
    gradients = found.conflicts
    if gradients.angles or gradients.unmoved or gradients.unmovable:
        sections.append(("Which goals pull which way", _gradients_html(gradients)))
    if found.collapses:
        lines = "".join(f"<p>{_said(str(collapse))}</p>" for collapse in found.collapses)
        sections.append(("What constants would meet", lines))
    return sections


def _bounds_html(found: Examination) -> str:
    shown = [it for it in found.bounds if not it.reason]
    parts = [
        "<p class='muted'>The distance of both sides (root mean square over the rows) is at most the sum of what each "
        "goal of the proof is off, stretched by the maps that follow. Estimated constants vouch for these rows "
        "only.</p>"
    ]
    if shown:
        parts.append(f"<div class='scroll'>{svg(bounds_picture(shown))}</div>")
    rows = []
    for it in found.bounds:
        equation = text.mathematics_text(f"{it.left} = {it.right}")
        numbers = ["", "", escape(f"none: {it.reason}")]
        if not it.reason:
            numbers = [f"{it.measured:.4g}", f"{it.bound:.4g}", escape(it.told)]
        rows.append([f"<code>{escape(it.name)}</code>", f"<code>{escape(equation)}</code>", *numbers])
    parts.append(rows_table(("", "equation", "distance", "bound", "from the proof"), rows) if rows else "")
    if found.undecided:
        late = ", ".join(found.undecided)
        parts.append(f"<p class='muted'>Not decided in time, whether it follows: {escape(late)}.</p>")
    return "".join(parts)


def _gradients_html(found: Conflicts) -> str:
    parts = []
    if found.angles:
        parts.append(
            "<p class='muted'>Angles of the gradients of any two goals on the models that both move, at these numbers. "
            "Beyond 90° a small step for one undoes some of the other.</p>"
        )
        if len(_named(found)) <= GOALS:
            parts.append(f"<div class='scroll'>{svg(angles_picture(found))}</div>")
        else:
            parts.append(_worst(list(found.opposed.items())))
    lines = [f"No goal moves the model {name}: {why}." for name, why in found.unmoved.items()]
    lines += [f"No model moves the goal {name}: {why}." for name, why in found.unmovable.items()]
    return "".join([*parts, *(f"<p>{_said(each)}</p>" for each in lines)])


def _worst(opposed: Sequence[tuple[tuple[str, str], float]]) -> str:
    rows = [[f"<code>{escape(', '.join(pair))}</code>", f"{angle:.0f}°"] for pair, angle in opposed[:MOST]]
    return (
        rows_table(("goals that oppose each other", "angle"), rows)
        if rows
        else "<p>No two goals oppose each other.</p>"
    )


def _said(words: str) -> str:
    """A line of text, with what stands in backquotes as code."""
    parts = escape(words, quote=False).split("`")
    return "".join(f"<code>{part}</code>" if place % 2 else part for place, part in enumerate(parts))
