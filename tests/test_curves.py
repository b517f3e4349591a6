"""Curves of a history: what is drawn, on which scale, and where."""

import math
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from learningdiagrams.curves import curves_picture, draw_curves, panels, ticks
from learningdiagrams.drawing import raster
from learningdiagrams.drawing.picture import Curve
from learningdiagrams.errors import DiagramError
from learningdiagrams.training.history import History


def history() -> History:
    rows = [
        {"step": 10 * e, "epoch": e, "stage": "one" if e < 4 else "two", "fit": 10.0**-e, "acc": 1 - 0.5**e}
        for e in range(1, 7)
    ]
    for row in rows:
        row["val_fit"] = row["fit"] * 2  # type: ignore[operator]
        row["val_only"] = 0.5
    return History(rows)


def test_training_and_validation_share_a_panel():
    found = {panel.name: [series.name for series in panel.series] for panel in panels(history())}
    assert found == {"fit": ["fit", "val_fit"], "acc": ["acc"], "only": ["val_only"]}


def test_what_falls_by_powers_of_ten_is_logarithmic():
    assert {panel.name: panel.logarithmic for panel in panels(history())} == {
        "fit": True,
        "acc": False,
        "only": False,
    }


def test_values_that_are_not_finite_are_left_out_and_said():
    found = panels(History([{"step": 1, "fit": 1.0}, {"step": 2, "fit": math.nan}, {"step": 3, "fit": None}]))
    assert found[0].series[0].points == ((1.0, 1.0),) and found[0].series[0].lost == 1
    picture = curves_picture(History([{"step": 1, "fit": math.nan}]))
    assert "1 values of fit are not finite" in picture.description


def test_lines_run_where_the_numbers_say():
    rows = [{"step": s, "fit": v} for s, v in ((0, 0.0), (5, 1.0), (10, 0.5))]
    group = next(g for g in curves_picture(History(rows)).groups if g.kind == "panel")
    curve = next(s for s in group.shapes if isinstance(s, Curve) and s.colour == "series0")
    (x0, y0), (x1, y1), (x2, y2) = curve.points[0], curve.points[3], curve.points[6]
    assert x1 - x0 == pytest.approx(x2 - x1)
    assert y0 > y2 > y1 and y0 - y2 == pytest.approx(y2 - y1)


def test_stages_are_marked_where_one_begins():
    groups = [g for g in curves_picture(history()).groups if g.kind == "panel"]
    for group in groups:
        marks = [s for s in group.shapes if isinstance(s, Curve) and s.dash == (2, 3)]
        assert len(marks) == 1


@pytest.mark.parametrize("rows", [[], [{"step": 1, "fit": 2.0}], [{"step": 1, "fit": 0.0}] * 3])
def test_short_histories_are_drawn(rows: list[dict[str, float]]):
    ElementTree.fromstring(draw_curves(History(rows), title="<T> & co") or "")


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
def test_ticks_lie_within_and_are_few(low: float, span: float):
    found = ticks(low, low + span)
    assert len(found) <= 6
    assert all(low - 1e-6 * span <= t <= low + span * (1 + 1e-6) for t in found)


def test_files(tmp_path: Path):
    draw_curves(history(), tmp_path / "a.svg")
    ElementTree.parse(tmp_path / "a.svg")
    if raster.available():
        draw_curves(history(), tmp_path / "a.png")
        assert (tmp_path / "a.png").read_bytes()[:4] == b"\x89PNG"
    with pytest.raises(DiagramError, match=r"writes \.png and \.pdf here, not \.gif"):
        draw_curves(history(), tmp_path / "a.gif")
