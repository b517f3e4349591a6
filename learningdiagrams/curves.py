"""A history as curves: one small panel for each goal and measure, training and validation together.

>>> from learningdiagrams.training.history import History
>>> rows = [{"step": 10 * e, "epoch": e, "stage": "training", "fit": 1 / e, "val_fit": 2 / e} for e in (1, 2, 3)]
>>> found = panels(History(rows))
>>> [(panel.name, [series.name for series in panel.series], panel.logarithmic) for panel in found]
[('fit', ['fit', 'val_fit'], False)]
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, Final

from learningdiagrams.drawing import raster, text
from learningdiagrams.drawing.picture import Box, Curve, Group, Picture, Point, Shape, Words, line
from learningdiagrams.drawing.svg import svg
from learningdiagrams.theory.showing import framed, pictured, rows_table
from learningdiagrams.training.history import FIRST, LAST, History

__all__ = [
    "VALIDATION",
    "Panel",
    "Series",
    "curves_picture",
    "draw_curves",
    "history_html",
    "panels",
    "ticks",
    "value_ticks",
]

WIDTH: Final = 300.0
HEIGHT: Final = 190.0
ACROSS: Final = 3
DECADES: Final = 1.5
"""Positive values that span more than this many powers of ten are shown on a logarithmic scale."""
VALIDATION: Final = "val_"
ROWS: Final = 20
"""Rows of a history that a notebook shows."""
INSET: Final = (48.0, 34.0, 14.0, 34.0)
"""Left, top, right and bottom of a panel that its curves leave free."""


@dataclass(frozen=True)
class Series:
    """A column of the history: (step, value) where it has a finite number."""

    name: str
    points: tuple[Point, ...]
    lost: int = 0
    """How many of its values were no finite numbers, and are not drawn."""


@dataclass(frozen=True)
class Panel:
    name: str
    series: tuple[Series, ...]
    logarithmic: bool


def panels(history: History) -> list[Panel]:
    """What is drawn: each goal and measure with its values on validation data beside it."""
    columns = [name for name in history.columns if name not in FIRST + LAST]
    found = []
    for name in dict.fromkeys(name.removeprefix(VALIDATION) for name in columns):
        both = [one for one in (name, VALIDATION + name) if one in columns]
        series = tuple(_series(history, one) for one in both)
        shown = [one.points for one in series if one.points]
        if not any(one.points or one.lost for one in series):
            continue
        values = [value for points in shown for _, value in points]
        # What falls by powers of ten is read on a logarithmic scale; what rises, such as an accuracy, is not.
        falls = any(points[-1][1] < points[0][1] for points in shown)
        wide = falls and min(values) > 0 and math.log10(max(values) / min(values)) > DECADES
        found.append(Panel(name, series, wide))
    return found


def _series(history: History, name: str) -> Series:
    points, lost = [], 0
    for i, row in enumerate(history):
        value = row.get(name)
        if isinstance(value, int | float) and math.isfinite(value):
            points.append((float(row.get("step", i + 1)), float(value)))
        else:
            lost += value is not None
    return Series(name, tuple(points), lost)


def ticks(low: float, high: float, count: int = 4) -> list[float]:
    """Round numbers between two values: steps of 1, 2 or 5 times a power of ten.

    >>> ticks(0.0, 1.0), ticks(12, 47)
    ([0.0, 0.5, 1.0], [20.0, 30.0, 40.0])
    """
    if high <= low:
        return [low]
    raw = (high - low) / count
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * m for m in (1, 2, 5, 10) if power * m >= raw)
    first = math.ceil(low / step - 1e-9)
    return [round(k * step, 12) for k in range(first, math.floor(high / step + 1e-9) + 1)]


def curves_picture(history: History, title: str = "") -> Picture:
    """The panels of a history as a picture, three in a row."""
    found = panels(history)
    stages = _stages(history)
    steps = [step for panel in found for series in panel.series for step, _ in series.points]
    span = (min(steps), max(steps)) if steps else (0.0, 0.0)
    across = max(1, min(ACROSS, len(found)))
    top = 30.0 if title else 6.0
    groups = [Group("title", "", (Words(14, 18, text.plain(title), 15, "start", bold=True),))] if title else []
    for i, panel in enumerate(found):
        x, y = (i % across) * WIDTH, top + (i // across) * HEIGHT
        groups.append(Group("panel", panel.name, tuple(_panel(panel, x, y, span, stages)), _summary(panel)))
    rows = -(-len(found) // across)
    height = top + rows * HEIGHT
    if any(series.name != panel.name for panel in found for series in panel.series):
        groups.append(Group("legend", "series", tuple(_legend(16.0, height + 8))))
        height += 22
    if not found:
        groups.append(Group("note", "", (Words(14, top + 12, "nothing was recorded", 12, "start", colour="muted"),)))
        height += 30
    words = "; ".join(_summary(panel) for panel in found) or "an empty history"
    return Picture(text.plain(title) or "training curves", text.plain(words), across * WIDTH, height, tuple(groups))


def _summary(panel: Panel) -> str:
    parts = []
    for series in panel.series:
        if series.points:
            parts.append(f"{series.name}: {text.number(series.points[0][1])} → {text.number(series.points[-1][1])}")
        if series.lost:
            parts.append(f"{series.lost} values of {series.name} are not finite")
    return ", ".join(parts)


def _stages(history: History) -> list[tuple[float, str]]:
    """The first step after which a new stage begins, and its name."""
    found: list[tuple[float, str]] = []
    last, step = None, 0.0
    for row in history:
        stage = row.get("stage")
        if last is not None and stage != last:
            found.append((step, str(stage)))
        last, step = stage, float(row.get("step", 0))
    return found


def _panel(
    panel: Panel, x: float, y: float, span: tuple[float, float], stages: Sequence[tuple[float, str]]
) -> Iterator[Shape]:
    """One panel; all have the same span of steps, so that stages stand below each other."""
    left, above, right, below = INSET
    x0, x1, y0, y1 = x + left, x + WIDTH - right, y + HEIGHT - below, y + above
    yield Words(x0, y + 16, text.shortened(panel.name, 13, x1 - x0 - 90), 13, "start", bold=True)
    last = next((series.points[-1][1] for series in panel.series if series.points), None)
    if last is not None:
        yield Words(x1, y + 16, text.number(last), 12, "end", colour="muted")
    values = [value for series in panel.series for _, value in series.points]
    if not values:
        yield Words(x0, (y0 + y1) / 2, "no value is finite", 12, "start", colour="muted")
        return
    low_x, high_x = span
    scale = math.log10 if panel.logarithmic else float
    low, high = scale(min(values)), scale(max(values))
    pad = 0.06 * (high - low) or 0.5 * abs(high) or 0.5
    low, high = low - pad, high + pad

    def at(step: float, value: float) -> Point:
        share = 0.5 if high_x == low_x else (step - low_x) / (high_x - low_x)
        return (x0 + share * (x1 - x0), y0 + (scale(value) - low) / (high - low) * (y1 - y0))

    for value in value_ticks(low, high, panel.logarithmic):
        _, level = at(low_x, value)
        yield Curve(line((x0, level), (x1, level)), "faint", 0.7)
        yield Words(x0 - 6, level, text.number(value), 10.5, "end", colour="muted")
    for step, _ in stages:
        if low_x < step < high_x:
            place, _ = at(step, values[0])
            yield Curve(line((place, y0), (place, y1)), "muted", 0.8, (2, 3))
    yield Curve(line((x0, y0), (x1, y0)), "muted", 1.0)
    shown = [step for step in ticks(low_x, high_x) if step == int(step)] if high_x > low_x else [low_x]
    for step in shown:
        place, _ = at(step, values[0])
        yield Curve(line((place, y0), (place, y0 + 4)), "muted", 1.0)
        yield Words(place, y0 + 13, f"{step:.0f}", 10.5, colour="muted")
    for series in panel.series:
        number = int(series.name != panel.name)
        points = [at(*point) for point in series.points]
        colour = f"series{number}"
        if len(points) == 1:
            yield Box(*points[0], 5, 5, 2.5, colour, None)
        elif points:
            path = [points[0]]
            for a, b in itertools.pairwise(points):
                path += line(a, b)[1:]
            yield Curve(tuple(path), colour, 1.8, (5, 3) if number else ())


def value_ticks(low: float, high: float, logarithmic: bool) -> list[float]:
    """Round values between two others; on a logarithmic scale `low` and `high` are powers of ten.

    >>> value_ticks(-1.0, 1.0, logarithmic=True)
    [0.1, 0.5, 2.0, 10.0]
    """
    if not logarithmic:
        return ticks(low, high)
    powers = range(math.floor(low), math.floor(high) + 1)
    fine = (1, 2, 5) if high - low < 2.5 else (1,)
    found = [m * 10.0**k for k in powers for m in fine if low <= math.log10(m) + k <= high]
    return found if len(found) < 7 else found[:: -(-len(found) // 5)]


def _legend(x: float, y: float) -> Iterator[Shape]:
    for number, words in enumerate(("training", "validation")):
        yield Curve(line((x, y), (x + 26, y)), f"series{number}", 1.8, (5, 3) if number else ())
        yield Words(x + 32, y, words, 11, "start", colour="muted")
        x += 32 + text.width(words, 11) + 18
    yield Words(x, y, "over steps", 11, "start", colour="muted")


def draw_curves(
    history: History, path: str | Path | None = None, *, title: str = "", dark: bool | None = None
) -> str | None:
    """The curves as SVG text, or written to a file ending in .svg, .png or .pdf (the latter two by
    matplotlib).

    Raises:
        DiagramError: for another ending, or without matplotlib where it is needed.
    """
    picture = curves_picture(history, title)
    if path is None:
        return svg(picture, dark)
    if Path(path).suffix.lower() == ".svg":
        Path(path).write_text(svg(picture, dark), encoding="utf-8")
    else:
        raster.save(picture, path, dark=bool(dark))
    return None


def history_html(history: History) -> str:
    """The curves, and under them the table, of which a long one shows its last rows."""
    rows = [[_cell(row.get(name)) for name in history.columns] for row in history.rows[-ROWS:]]
    left = len(history) - len(rows)
    first = f"<p>… the {left} rows before these are in the history</p>" if left else ""
    table = rows_table(history.columns, rows) if rows else "<p>an empty history</p>"
    return framed([pictured(history), first, table])


def _cell(value: Any) -> str:
    return escape(text.number(value) if isinstance(value, float) else "" if value is None else str(value))
