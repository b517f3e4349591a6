"""What is found, as text: tables for people, JSON for programs."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["plain_json", "table"]


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


def plain_json(value: Any, indent: int | None = None) -> str:
    """Plain values as JSON; numbers that it lacks are null.

    >>> plain_json({"bound": float("inf"), "by": ("fit", 0.5)})
    '{"bound": null, "by": ["fit", 0.5]}'
    """
    return json.dumps(_finite(value), ensure_ascii=False, indent=indent)


def _finite(x: Any) -> Any:
    if isinstance(x, float):
        return x if math.isfinite(x) else None
    if isinstance(x, Mapping):
        return {key: _finite(each) for key, each in x.items()}
    return [_finite(each) for each in x] if isinstance(x, list | tuple) else x
