r"""Any picture as a TikZ document, each thing where it stands: string diagrams and films go out so.

>>> from learningdiagrams.drawing.picture import Group, Picture, Words
>>> print(tikz_picture(Picture("", "", 40, 20, (Group("", "", (Words(20, 10, "a_b"),)),))))
\documentclass[tikz,border=2pt]{standalone}
\usepackage[T1]{fontenc}
\IfFileExists{lmodern.sty}{\usepackage{lmodern}}{}
\usepackage[utf8]{inputenc}
\usepackage{amsmath,amssymb}
\definecolor{ink}{HTML}{1B1F24}
\begin{document}
\begin{tikzpicture}[x=1pt, y=-1pt]
\node[inner sep=0pt, anchor=mid, text=ink, font=\sffamily\fontsize{12}{14}\selectfont] at (20,10) {a\_b};
\end{tikzpicture}
\end{document}
<BLANKLINE>
"""

from __future__ import annotations

from typing import Final

from learningdiagrams.drawing import text
from learningdiagrams.drawing.palette import resolve
from learningdiagrams.drawing.picture import Area, Box, Curve, Picture, Point, Shape, Words

__all__ = ["tikz_picture"]

HEAD: Final = r"""\documentclass[tikz,border=2pt]{standalone}
\usepackage[T1]{fontenc}
\IfFileExists{lmodern.sty}{\usepackage{lmodern}}{}
\usepackage[utf8]{inputenc}
\usepackage{amsmath,amssymb}
"""
SIGNS: Final = {
    "≫": r"\ensuremath{\gg}",
    "≈": r"\ensuremath{\approx}",
    "×": r"\ensuremath{\times}",
    "⇒": r"\ensuremath{\Rightarrow}",
    "→": r"\ensuremath{\to}",
    "≥": r"\ensuremath{\geq}",
    "·": r"\ensuremath{\cdot}",
    "…": r"\ldots{}",
}
ANCHORS: Final = {"start": "mid west", "middle": "mid", "end": "mid east"}


def tikz_picture(picture: Picture, dark: bool = False) -> str:
    """A picture as a LaTeX document, one point for each of its units."""
    shapes = [shape for group in picture.groups for shape in group.shapes]
    colours: dict[str, str] = {}
    body = [_shape(shape, colours) for shape in shapes]
    if dark:
        ground = _colour("ground", colours)
        body.insert(0, f"\\fill[{ground}] (0,0) rectangle ({_number(picture.width)},{_number(picture.height)});")
    defined = [
        f"\\definecolor{{{name}}}{{HTML}}{{{_digits(resolve(colour, dark))}}}" for colour, name in colours.items()
    ]
    return (
        HEAD
        + "\n".join(defined)
        + "\n\\begin{document}\n\\begin{tikzpicture}[x=1pt, y=-1pt]\n"
        + "\n".join(body)
        + "\n\\end{tikzpicture}\n\\end{document}\n"
    )


def _digits(colour: str) -> str:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    return digits.upper()


def _colour(colour: str, colours: dict[str, str]) -> str:
    """The name of a colour in LaTeX, which has to be defined."""
    return colours.setdefault(colour, f"own{len(colours)}" if colour.startswith("#") else colour)


def _shape(shape: Shape, colours: dict[str, str]) -> str:
    if isinstance(shape, Curve):
        parts = [_point(shape.points[0])]
        for i in range(1, len(shape.points) - 2, 3):
            a, b, c = (_point(p) for p in shape.points[i : i + 3])
            parts.append(f" .. controls {a} and {b} .. {c}")
        dash = ""
        if shape.dash:
            pattern = " ".join(f"{'off' if i % 2 else 'on'} {_number(d)}pt" for i, d in enumerate(shape.dash))
            dash = f", dash pattern={pattern}"
        ink = _colour(shape.colour, colours)
        return f"\\draw[{ink}, line width={_number(shape.width * 0.75)}pt{dash}] {''.join(parts)};"
    if isinstance(shape, Area):
        return f"\\fill[{_colour(shape.fill, colours)}] {' -- '.join(map(_point, shape.points))} -- cycle;"
    if isinstance(shape, Box):
        options = [f"fill={_colour(shape.fill, colours)}", f"rounded corners={_number(shape.radius)}pt"]
        if shape.stroke:
            options += [f"draw={_colour(shape.stroke, colours)}", f"line width={_number(shape.thickness * 0.75)}pt"]
        one = (shape.x - shape.width / 2, shape.y - shape.height / 2)
        two = (shape.x + shape.width / 2, shape.y + shape.height / 2)
        return f"\\path[{', '.join(options)}] {_point(one)} rectangle {_point(two)};"
    size = _number(round(shape.size * 0.92))
    font = f"\\sffamily\\fontsize{{{size}}}{{{_number(round(shape.size * 1.1))}}}\\selectfont"
    font += "\\bfseries" if shape.bold else ""
    options = f"inner sep=0pt, anchor={ANCHORS[shape.anchor]}, text={_colour(shape.colour, colours)}, font={font}"
    return f"\\node[{options}] at {_point((shape.x, shape.y))} {{{_words(shape)}}};"


def _words(shape: Words) -> str:
    return "".join(SIGNS.get(letter, letter) for letter in text.latex_text(shape.text))


def _point(point: Point) -> str:
    return f"({_number(point[0])},{_number(point[1])})"


def _number(value: float) -> str:
    found = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if found in ("-0", "") else found
