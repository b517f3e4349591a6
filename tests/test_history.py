"""The history is a table with a row for each epoch."""

import csv
import io
import sys

import pytest

from learningdiagrams.errors import DiagramError
from learningdiagrams.tables import table
from learningdiagrams.training.history import History

ROWS = [
    {"step": 3, "epoch": 1, "stage": "a", "fit": 1 / 3, "accuracy": None, "seconds": 0.5},
    {"step": 6, "epoch": 2, "stage": "b", "fit": 0.25, "accuracy": 1.0, "seconds": 0.25},
]


def test_rows_and_columns():
    history = History(ROWS)
    assert history.columns == ["step", "epoch", "stage", "fit", "accuracy", "seconds"]
    assert history["fit"] == [1 / 3, 0.25] and history["accuracy"] == [None, 1.0]
    assert history[-1] == ROWS[1] and history[:1] == ROWS[:1] and list(history) == ROWS and len(history) == 2
    assert not history.interrupted and history.stopped is None


def test_a_row_is_a_copy():
    row = dict(ROWS[0])
    history = History()
    history.append(row)
    row["fit"] = 7.0
    assert history[0]["fit"] == 1 / 3


def test_unknown_columns():
    with pytest.raises(DiagramError, match=r"the history has no column `acuracy`; did you mean `accuracy`?"):
        History(ROWS)["acuracy"]


def test_csv_holds_the_numbers_in_full(tmp_path):
    text = History(ROWS).csv(tmp_path / "history.csv")
    assert (tmp_path / "history.csv").read_text() == text
    rows = list(csv.DictReader(io.StringIO(text)))
    assert float(rows[0]["fit"]) == 1 / 3 and rows[0]["accuracy"] == "" and list(rows[0]) == History(ROWS).columns


def test_frame():
    pandas = pytest.importorskip("pandas")
    frame = History(ROWS).frame()
    assert isinstance(frame, pandas.DataFrame) and list(frame.columns) == History(ROWS).columns
    assert frame["fit"].tolist() == [1 / 3, 0.25]


def test_frame_without_pandas_is_columns(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    assert History(ROWS).frame() == {name: History(ROWS)[name] for name in History(ROWS).columns}


def test_it_prints_as_a_table():
    assert repr(History(ROWS)).splitlines() == [
        "step  epoch  stage  fit     accuracy  seconds",
        "3     1      a      0.3333            0.5",
        "6     2      b      0.25    1         0.25",
    ]
    assert repr(History([{"fit": float("nan")}])) == "fit\nnan"
    assert table([], ["a", "b"]) == "a  b"
    assert repr(History()) == ""


def test_every_row_has_every_column():
    h = History([{"step": 1, "epoch": 1, "stage": "one", "g": 0.5, "seconds": 0.1}])
    h.append({"step": 2, "epoch": 2, "stage": "two", "h": 0.25, "seconds": 0.1})
    assert h[0]["h"] is None and h[1]["g"] is None and h["h"] == [None, 0.25]
    assert h.columns == ["step", "epoch", "stage", "g", "h", "seconds"]
    assert h.csv().splitlines()[1:] == ["1,1,one,0.5,,0.1", "2,2,two,,0.25,0.1"]
