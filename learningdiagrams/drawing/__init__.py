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
from learningdiagrams.drawing.films import equation_strings, film
from learningdiagrams.drawing.html import html, page
from learningdiagrams.drawing.mermaid import mermaid
from learningdiagrams.drawing.picture import Picture
from learningdiagrams.drawing.scene import notes, picture_of
from learningdiagrams.drawing.svg import svg
from learningdiagrams.drawing.tikz import tikz
from learningdiagrams.drawing.tikz_picture import tikz_picture
from learningdiagrams.errors import DiagramError, suggestion
from learningdiagrams.theory.proofs import Proof

__all__ = ["ENDINGS", "PLACED", "draw", "draw_proof"]

ENDINGS: Final = (".svg", ".png", ".pdf", ".tex", ".dot", ".mmd", ".html")
PLACED: Final = (".svg", ".png", ".pdf", ".tex", ".html")
"""Of single equations and of proofs, whose places are fixed."""


def draw(
    diagram: Diagram,
    path: str | Path | None = None,
    *,
    residuals: Mapping[str, float] | None = None,
    dark: bool | None = None,
    goal: str | None = None,
    string: bool = False,
) -> str | None:
    """Draws a diagram: to a file by its ending, or, without a path, as SVG text that is returned.

    The same diagram gives the same bytes. SVG and HTML follow what the reader prefers, light or dark; the other
    forms are light.

    Args:
        path: ends in .svg, .png, .pdf (these two need matplotlib), .tex (tikz-cd), .dot, .mmd (Mermaid) or
            .html.
        residuals: how far goals and laws are from holding, by name, as `Compiled.residuals` returns
            them: a number and a colour on each badge.
        dark: True or False for dark or light, whatever the reader prefers; tikz-cd, .dot and .mmd have no ground of
            their own and ignore it.
        goal: the name of a goal, law or measure: its two paths alone, and between them its comparator and weight.
        string: its two sides as string diagrams instead.

    Raises:
        DiagramError: for an unknown ending, for .png and .pdf without matplotlib, for a goal that there is not, for
            `string` without a goal, and for an equation by itself in a form that lays out anew (.dot, .mmd).
    """
    if string and goal is None:
        raise DiagramError("string diagrams are of an equation's two sides: say which goal, law or measure")
    if goal is not None:
        return _put(_equation_picture(diagram, goal, residuals, string), path, dark)
    if path is None:
        return svg(picture_of(diagram, residuals), dark)
    ending = _ending(path, ENDINGS)
    if ending in raster.ENDINGS:
        raster.save(picture_of(diagram, residuals), path, dark=bool(dark))
        return None
    if ending == ".svg":
        words = svg(picture_of(diagram, residuals), dark)
    elif ending == ".html":
        words = html(diagram, residuals, dark)
    elif ending == ".tex":
        words = tikz(diagram, residuals)
    elif ending == ".dot":
        words = dot(diagram, residuals)
    else:
        words = mermaid(diagram, residuals)
    Path(path).write_text(words, encoding="utf-8", newline="\n")
    return None


def draw_proof(
    proof: Proof, path: str | Path | None = None, *, roles: Mapping[str, str] | None = None, dark: bool | None = None
) -> str | None:
    """Draws a proof as a film: a string diagram for each step, with the part that the step rewrites shaded.

    Args:
        path: ends in .svg, .png, .pdf, .tex or .html; without one the SVG text is returned.
        roles: the role of each generator (`Diagram.roles`), which boxes show.

    Raises:
        DiagramError: for another ending, or for .png and .pdf without matplotlib.
    """
    return _put(film(proof, roles), path, dark)


def _equation_picture(diagram: Diagram, name: str, residuals: Mapping[str, float] | None, string: bool) -> Picture:
    equations = {**diagram.measures, **diagram.laws, **diagram.goals}
    if name not in equations:
        raise DiagramError(f"{diagram.name} has no goal, law or measure `{name}`{suggestion(name, equations)}")
    equation = equations[name]
    if string:
        residual = None if residuals is None else residuals.get(name)
        return equation_strings(equation, "   ".join(notes(equation)), diagram.roles, residual)
    return picture_of(diagram, residuals, only=equation)


def _ending(path: str | Path, endings: tuple[str, ...]) -> str:
    ending = Path(path).suffix.lower()
    if ending not in endings:
        raise DiagramError(
            f"{path}: a picture's ending says how it is drawn, and {ending or 'no ending'} is none of "
            f"{', '.join(endings)}"
        )
    return ending


def _put(picture: Picture, path: str | Path | None, dark: bool | None) -> str | None:
    """Writes a picture whose places are fixed; without a path, its SVG text."""
    if path is None:
        return svg(picture, dark)
    ending = _ending(path, PLACED)
    if ending in raster.ENDINGS:
        raster.save(picture, path, dark=bool(dark))
        return None
    if ending == ".tex":
        words = tikz_picture(picture, bool(dark))
    else:
        words = svg(picture, dark)
        words = (
            page(picture.title, [f'<figure style="margin:1rem 0">{words}</figure>'], dark)
            if ending == ".html"
            else words
        )
    Path(path).write_text(words, encoding="utf-8", newline="\n")
    return None
