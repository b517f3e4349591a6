"""Pictures of diagrams: one layout, many pens.

The layout (:mod:`~learningdiagrams.drawing.layout`) knows what these diagrams are: sample objects on the
left, columns by longest paths, commuting squares as squares, parallel arrows bent apart. SVG, PNG and PDF
draw the picture made of it; tikz-cd takes its rows and columns; DOT and Mermaid lay out anew in their own way.

>>> from learningdiagrams.diagram import Diagram
>>> d = Diagram()
>>> A, B = d.objects("A", "B")
>>> f = d.map("f", A, B)
>>> draw(d).startswith("<svg")
True
>>> draw(d, "picture.bmp")
Traceback (most recent call last):
learningdiagrams.errors.DiagramError: picture.bmp: a picture's ending says how it is drawn, and .bmp is none
of .svg, .png, .pdf, .tex, .dot, .mmd, .html
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from learningdiagrams.diagram import Diagram
from learningdiagrams.drawing import raster
from learningdiagrams.drawing.dot import dot
from learningdiagrams.drawing.html import html
from learningdiagrams.drawing.mermaid import mermaid
from learningdiagrams.drawing.scene import picture_of
from learningdiagrams.drawing.svg import svg
from learningdiagrams.drawing.tikz import tikz
from learningdiagrams.errors import DiagramError

__all__ = ["ENDINGS", "draw"]

ENDINGS: Final = (".svg", ".png", ".pdf", ".tex", ".dot", ".mmd", ".html")


def draw(
    diagram: Diagram,
    path: str | Path | None = None,
    *,
    residuals: Mapping[str, float] | None = None,
    dark: bool = False,
) -> str | None:
    """Draws a diagram: to a file by its ending, or, without a path, as SVG text that is returned.

    The same diagram gives the same bytes. SVG and HTML follow what the reader prefers, light or dark.

    Args:
        path: ends in .svg, .png, .pdf (these two need matplotlib), .tex (tikz-cd), .dot, .mmd (Mermaid) or .html.
        residuals: how far goals and laws are from holding, by name, as `Compiled.residuals` returns
            them: a number and a colour on each badge.
        dark: dark whatever the reader prefers; .tex, .dot and .mmd have no ground of their own and ignore it.

    Raises:
        DiagramError: for an unknown ending, or for .png and .pdf without matplotlib.
    """
    mode = True if dark else None
    if path is None:
        return svg(picture_of(diagram, residuals), mode)
    ending = Path(path).suffix.lower()
    if ending not in ENDINGS:
        raise DiagramError(
            f"{path}: a picture's ending says how it is drawn, and {ending or 'no ending'} is none of "
            f"{', '.join(ENDINGS)}"
        )
    if ending in raster.ENDINGS:
        raster.save(picture_of(diagram, residuals), path, dark=dark)
        return None
    if ending == ".svg":
        words = svg(picture_of(diagram, residuals), mode)
    elif ending == ".html":
        words = html(diagram, residuals, mode)
    elif ending == ".tex":
        words = tikz(diagram, residuals)
    elif ending == ".dot":
        words = dot(diagram, residuals)
    else:
        words = mermaid(diagram, residuals)
    Path(path).write_text(words, encoding="utf-8", newline="\n")
    return None
