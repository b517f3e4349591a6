"""Colours by day and by night, how each role's line looks, and how far a residual is from nothing.

Roles differ by line and not by colour alone: thickness, dashes, a bar at the tail, waves. Every text colour
keeps a contrast of at least 4.5 to its ground in both palettes (WCAG 2.1, success criterion 1.4.3).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

__all__ = ["BANDS", "DARK", "LIGHT", "LINES", "ROLE_WORDS", "Line", "band", "resolve"]

LIGHT: Final = {
    "ground": "#ffffff",
    "ink": "#1b1f24",
    "muted": "#59636e",
    "faint": "#c8d0d8",
    "panel": "#f4f6f8",
    "sample": "#eef1f4",
    "data": "#3d4650",
    "noise": "#7a3e9d",
    "model": "#0b57a8",
    "frozen": "#2a6f7b",
    "fixed": "#59636e",
    "ema": "#0b7a5e",
    "map": "#1b1f24",
    "wire": "#8c959f",
    "goal": "#fff3d6",
    "goaline": "#9a6700",
    "law": "#e8eefc",
    "lawline": "#3b5bdb",
    "badge": "#1b1f24",
    "series0": "#0b57a8",
    "series1": "#b3541e",
    "band0": "#cdeadb",
    "band1": "#dcebc0",
    "band2": "#fbe9a9",
    "band3": "#fbd0a3",
    "band4": "#f6b6ac",
}
DARK: Final = {
    "ground": "#0f1318",
    "ink": "#e8edf2",
    "muted": "#a3adb8",
    "faint": "#3a444e",
    "panel": "#181e25",
    "sample": "#202831",
    "data": "#c2cad3",
    "noise": "#d0a3ea",
    "model": "#79b8ff",
    "frozen": "#7fd0dd",
    "fixed": "#a3adb8",
    "ema": "#6fd6b4",
    "map": "#e8edf2",
    "wire": "#77828d",
    "goal": "#3a2f12",
    "goaline": "#e3b341",
    "law": "#1c2747",
    "lawline": "#9db1ff",
    "badge": "#e8edf2",
    "series0": "#79b8ff",
    "series1": "#f0a070",
    "band0": "#14432f",
    "band1": "#33451a",
    "band2": "#524312",
    "band3": "#5e3a12",
    "band4": "#66261f",
}


@dataclass(frozen=True)
class Line:
    """How a role's arrows are drawn; `bar` is a stroke across the tail (x ↦ …), `wavy` a wave."""

    width: float
    dash: tuple[float, ...] = ()
    bar: bool = False
    wavy: bool = False


LINES: Final = {
    "data": Line(1.2, bar=True),
    "noise": Line(1.2, wavy=True),
    "model": Line(2.4),
    "frozen": Line(1.8, (7, 4)),
    "fixed": Line(1.8, (1.8, 3.6)),
    "ema": Line(1.8, (9, 3.5, 1.8, 3.5)),
    "map": Line(1.2),
    "wire": Line(1.0),
}
ROLE_WORDS: Final = {
    "data": "data",
    "noise": "noise",
    "model": "model, trained",
    "frozen": "frozen",
    "fixed": "fixed, no parameters",
    "ema": "moving average",
    "map": "map",
}

BANDS: Final = ("< 0.001", "< 0.01", "< 0.1", "< 1", "≥ 1")
"""What the five colours of residuals mean."""


def band(residual: float) -> str:
    """The colour of a residual, by its order of magnitude.

    >>> band(0.0004), band(0.05), band(3.0), band(float("nan"))
    ('band0', 'band2', 'band4', 'band4')
    """
    if math.isnan(residual):
        return "band4"
    return f"band{sum(abs(residual) >= bound for bound in (1e-3, 1e-2, 1e-1, 1.0))}"


def resolve(colour: str, dark: bool) -> str:
    """What a colour's name stands for; `#rgb` and `#rrggbb` are themselves."""
    return colour if colour.startswith("#") else (DARK if dark else LIGHT)[colour]
