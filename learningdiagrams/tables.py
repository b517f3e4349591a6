"""Tables as text."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["table"]


def table(rows: Sequence[Sequence[str]], heading: Sequence[str]) -> str:
    """Rows under a heading, columns aligned to the left.

    >>> print(table([["student", "0.1"]], ["map", "distance"]))
    map      distance
    student  0.1
    """
    lines = [list(heading), *map(list, rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(heading))]
    return "\n".join(
        "  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )
