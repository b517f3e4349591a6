"""Sheets: pictures with words under them, to look at what a regime has learned."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from learningdiagrams.errors import DiagramError

__all__ = ["Sheet", "wrapped", "write_sheet"]

_TALL: Final = 84
"""The height of each picture on the sheet, in pixels."""
_GAP: Final = 12
_LETTERS: Final = 11
"""The height of the words, in pixels, and 1.3 times that from line to line."""
_INK, _WRONG, _PAPER = (30, 30, 30), (190, 40, 40), (255, 255, 255)


class Sheet(NamedTuple):
    """Pictures and what stands under each.

    Attributes:
        pictures: (n, height, width), ink in [0, 1].
        words: what is said of each.
        right: whether it is right, for each; what is not is written in red.
        columns: how many pictures stand side by side.
        cell: the width in pixels that each picture has for itself and its words.
    """

    pictures: np.ndarray
    words: Sequence[str]
    right: Sequence[bool]
    columns: int
    cell: int = 132


def wrapped(words: str, width: int) -> list[str]:
    """Words in lines of at most `width` letters, except where a single word is longer.

    >>> wrapped("GREEK SMALL LETTER ALPHA WITH TONOS", 18)
    ['GREEK SMALL LETTER', 'ALPHA WITH TONOS']
    """
    lines: list[str] = []
    for word in words.split():
        if lines and len(lines[-1]) + 1 + len(word) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def write_sheet(sheet: Sheet, path: Path) -> Path:
    """Writes a sheet as PNG, and returns its path."""
    try:
        from matplotlib import get_data_path
        from PIL import Image, ImageDraw, ImageFont
    except ModuleNotFoundError as error:
        raise DiagramError(
            f"sheets are drawn by Pillow in matplotlib's fonts, and {error.name} is missing; "
            "`pip install 'learningdiagrams[regimes]'` brings them"
        ) from error
    font = ImageFont.truetype(str(Path(get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"), _LETTERS)
    step, cell = round(_LETTERS * 1.3), sheet.cell
    lines = [wrapped(words, round(cell / (0.74 * _LETTERS))) for words in sheet.words]
    rows = [range(start, min(start + sheet.columns, len(lines))) for start in range(0, len(lines), sheet.columns)]
    heights = [_TALL + step * max(len(lines[i]) for i in row) + 2 * _GAP for row in rows]
    page = Image.new("RGB", (sheet.columns * cell + _GAP, sum(heights) + _GAP), _PAPER)
    pen = ImageDraw.Draw(page)
    for row, top in zip(rows, np.cumsum([_GAP, *heights[:-1]]).tolist(), strict=True):
        for column, i in enumerate(row):
            ink = Image.fromarray((255 * (1 - np.clip(sheet.pictures[i], 0, 1))).astype(np.uint8))
            ink = ink.resize((round(_TALL * ink.width / ink.height), _TALL), Image.Resampling.NEAREST)
            middle = _GAP // 2 + column * cell + cell // 2
            page.paste(ink, (middle - ink.width // 2, top))
            for number, line in enumerate(lines[i]):
                place = middle, top + _TALL + 4 + number * step
                pen.text(place, line, fill=_INK if sheet.right[i] else _WRONG, font=font, anchor="ma")
    page.save(path)
    return path
