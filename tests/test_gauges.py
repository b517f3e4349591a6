"""Pictures of an examination: every number in its place, and nothing drawn that is not there."""

from __future__ import annotations

import math
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pytest

import learningdiagrams as ld
from learningdiagrams.bounds import Bound, Use
from learningdiagrams.conflicts import Conflicts
from learningdiagrams.drawing.picture import Box, Curve, Group, Words
from learningdiagrams.drawing.svg import svg
from learningdiagrams.gauges import BARS, GOALS, LABELS, MOST, angles_picture, bounds_picture, examination_html

D = ld.loads("object S, X\ndata x : S -> X\ndata y : S -> X\nmodel f : X -> X\n")


def one(name: str, measured: float, bound: float, reason: str = "") -> Bound:
    return Bound(name, D.parse("x >> f"), D.parse("y"), measured, bound, (Use("goal", bound, ()),), reason=reason)


def groups(picture, kind: str) -> list[Group]:
    return [group for group in picture.groups if group.kind == kind]


def test_bars_are_as_long_as_their_logarithms():
    picture = bounds_picture([one("a", 0.01, 1.0), one("b", 0.1, 10.0), one("c", 0.0, 0.1)])
    ends = {}
    for group in groups(picture, "bound"):
        boxes = [shape for shape in group.shapes if isinstance(shape, Box)]
        tip = max(x for shape in group.shapes if isinstance(shape, Curve) for x, _ in shape.points)
        ends[group.name] = ([box.x + box.width / 2 for box in boxes], tip)
    (a,), a_tip = ends["a"]
    (b,), b_tip = ends["b"]
    none, c_tip = ends["c"]
    assert none == []  # nothing is off, nothing is drawn
    assert b - a == pytest.approx(a_tip - c_tip) == pytest.approx(b_tip - a_tip)  # one power of ten each
    assert a_tip - a == pytest.approx(2 * (b - a)) and b == pytest.approx(c_tip)
    assert all(LABELS <= x <= LABELS + BARS + 1e-9 for x in (a, a_tip, b, b_tip, c_tip))
    assert picture.description == "a: 0.01 of at most 1; b: 0.1 of at most 10; c: 0 of at most 0.1"


def test_what_has_no_bound_has_no_bar_and_nothing_at_all_is_a_picture_too():
    assert len(groups(bounds_picture([one("a", 1, 2), one("b", math.nan, math.inf, "why")]), "bound")) == 1
    assert len(groups(bounds_picture([one(f"g{i}", 1, 2) for i in range(MOST + 5)]), "bound")) == MOST
    for picture in (
        bounds_picture([]),
        bounds_picture([one("zero", 0.0, 0.0)]),
        bounds_picture([one("same", 1.0, 1.0), one("open", 1.0, math.inf)]),
        angles_picture(Conflicts({}, {}, {}, {})),
    ):
        ElementTree.fromstring(svg(picture))


def test_angles_stand_where_their_goals_meet():
    angles = {("a", "b"): 30.0, ("b", "c"): 120.0, ("a", "d"): 170.0}
    picture = angles_picture(Conflicts(dict.fromkeys("abcd", 1.0), angles, {}, {}))
    cells = {group.name: group for group in groups(picture, "angle")}
    assert set(cells) == {"a, b", "a, c", "b, c", "a, d", "b, d", "c, d"}
    said = {name: [s.text for s in cell.shapes if isinstance(s, Words)] for name, cell in cells.items()}
    assert said["a, b"] == ["30°"] and said["b, c"] == ["120°"] and said["a, d"] == ["170°"]
    assert said["a, c"] == said["b, d"] == said["c, d"] == ["·"]
    fills = {name: cell.shapes[0].fill for name, cell in cells.items() if isinstance(cell.shapes[0], Box)}
    assert fills == {"a, b": "band0", "b, c": "band3", "a, d": "band4"}
    # A row is a goal's own, and so is a column.
    place = {name: (cell.shapes[-1].x, cell.shapes[-1].y) for name, cell in cells.items()}  # type: ignore[union-attr]
    assert place["a, b"][0] == place["a, c"][0] == place["a, d"][0] < place["b, c"][0] < place["c, d"][0]
    assert place["a, c"][1] == place["b, c"][1] > place["a, b"][1]


def test_the_sections_say_what_was_found_and_escape_it(backend):
    text = """
    object S, X[2], Y[2]
    data  x : S -> X
    data  y : S -> Y
    model f : X -> Y = linear(2, 2)
    model g : X -> Y = linear(2, 2)
    model idle : Y -> Y = linear(2, 2)
    goal  a : x >> f = y
    goal  b : x >> g = y
    goal  c : x >> f = x >> g
    """
    rng = np.random.default_rng(0)
    data = {"x": rng.normal(size=(8, 2)), "y": rng.normal(size=(8, 2))}
    found = ld.loads(text).compile(backend, dtype="float64").examine(data)
    sections = dict(examination_html(found))
    assert list(sections) == ["What the goals prove, and how far it holds", "Which goals pull which way"]
    proved, gradients = sections.values()
    for it in found.bounds:
        assert f"<code>{it.name}</code>" in proved and f"{it.measured:.4g}" in proved
    for angle in found.conflicts.angles.values():
        assert f"{angle:.0f}°" in gradients
    assert "No goal moves the model idle" in gradients
    for body in sections.values():
        ElementTree.fromstring(f"<div>{body.replace('&nbsp;', '')}</div>")


def test_too_many_goals_for_a_picture_are_a_table_of_the_worst():
    names = [f"g<{i}>" for i in range(GOALS + 1)]
    angles = {(a, b): 100.0 + i for i, (a, b) in enumerate(pairwise(names))}
    from learningdiagrams.agreement import Residuals
    from learningdiagrams.examined import Examination

    left = Residuals(D, {}, {}, {})
    found = Examination(left, (), Conflicts({}, angles, {}, {}), ())
    ((_, body),) = examination_html(found)
    assert "<svg" not in body and "goals that oppose each other" in body and "g&lt;24&gt;" in body
    assert body.index("123°") < body.index("101°")
    calm = Examination(left, (), Conflicts({}, dict.fromkeys(angles, 30.0), {}, {}), (), ("late",))
    (_, late), (_, body) = examination_html(calm)
    assert "No two goals oppose each other." in body and "Not decided in time" in late
