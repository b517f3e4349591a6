"""The history of a training run: a table with a row for each epoch.

>>> h = History([{"step": 11, "epoch": 1, "stage": "training", "fit": 0.5, "seconds": 0.1}])
>>> h.append({"step": 22, "epoch": 2, "stage": "training", "fit": 0.25, "val_fit": 0.375, "seconds": 0.1})
>>> h
step  epoch  stage     fit   val_fit  seconds
11    1      training  0.5            0.1
22    2      training  0.25  0.375    0.1
>>> h["fit"], h[-1]["val_fit"], len(h)
([0.5, 0.25], 0.375, 2)
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, overload

from learningdiagrams.errors import DiagramError, suggestion
from learningdiagrams.tables import table

__all__ = ["FIRST", "LAST", "History", "table"]

Row = dict[str, Any]
FIRST = ("step", "epoch", "stage")
LAST = ("seconds",)


class History(Sequence[Row]):
    """Rows {column: value}: `step` (of the compiled diagram, after the epoch), `epoch` (from 1, through all
    stages), `stage`, every term of the epoch (unweighted, the mean over its batches by their sizes), every
    measure, and `seconds`.

    Measures are on the training data; with validation data, goals and measures on those are the columns
    `val_…`. Every row has every column; a term that no batch of an epoch had (that of another stage) is None.

    Attributes:
        interrupted: whether the run was stopped from outside (Ctrl-C).
        stopped: why it ended before its last epoch, or None.
    """

    def __init__(self, rows: Iterable[Mapping[str, Any]] = ()) -> None:
        self.rows: list[Row] = []
        for row in rows:
            self.append(row)
        self.interrupted = False
        self.stopped: str | None = None

    def append(self, row: Mapping[str, Any]) -> None:
        """Adds a row; columns that are new are None in the rows before."""
        columns = self.columns
        for name in row:
            if name not in columns:
                for earlier in self.rows:
                    earlier[name] = None
        self.rows.append({**dict.fromkeys(columns), **row})

    @property
    def columns(self) -> list[str]:
        """The columns, `step`, `epoch` and `stage` first and `seconds` last."""
        found = list(self.rows[-1]) if self.rows else []
        middle = [name for name in found if name not in FIRST + LAST]
        return [n for n in FIRST if n in found] + middle + [n for n in LAST if n in found]

    @overload
    def __getitem__(self, key: int) -> Row: ...
    @overload
    def __getitem__(self, key: slice) -> list[Row]: ...
    @overload
    def __getitem__(self, key: str) -> list[Any]: ...
    def __getitem__(self, key: int | slice | str) -> Row | list[Row] | list[Any]:
        """A row by its number, or a column by its name (None where a row has no such value)."""
        if not isinstance(key, str):
            return self.rows[key]
        if key not in self.columns:
            raise DiagramError(f"the history has no column `{key}`{suggestion(key, self.columns)}")
        return [row[key] for row in self.rows]

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def frame(self) -> Any:
        """A pandas `DataFrame`; without pandas, a dictionary of columns."""
        columns = {name: self[name] for name in self.columns}
        try:
            import pandas
        except ModuleNotFoundError:
            return columns
        return pandas.DataFrame(columns)

    def csv(self, path: str | Path | None = None) -> str:
        """The table as CSV, with numbers in full; also written to `path` where one is given."""
        out = io.StringIO()
        writer = csv.DictWriter(out, self.columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        if path is not None:
            Path(path).write_text(out.getvalue(), encoding="utf-8")
        return out.getvalue()

    def __repr__(self) -> str:
        return table([[_cell(row.get(name)) for name in self.columns] for row in self.rows], self.columns)

    def _repr_svg_(self) -> str | None:
        from learningdiagrams.curves import draw_curves

        return draw_curves(self)

    def _repr_html_(self) -> str:
        from learningdiagrams.curves import history_html

        return history_html(self)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}" if math.isfinite(value) else str(value)
    return str(value)
