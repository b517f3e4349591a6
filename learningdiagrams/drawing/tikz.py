r"""The tikz-cd pen: a document that LaTeX typesets, with the rows and columns of the layout.

Roles are told apart as in the other pictures: data with a bar at the tail, models thick, frozen dashed, fixed
dotted, averages dash-dotted, noise squiggly. Equations stand below, as an `aligned` block.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Final

from learningdiagrams.declarations import Goal, Measure
from learningdiagrams.diagram import Diagram
from learningdiagrams.drawing import text
from learningdiagrams.drawing.graph import Edge, Vertex
from learningdiagrams.drawing.layout import Layout, layout
from learningdiagrams.language.writing import argument
from learningdiagrams.theory.presentations import Law

__all__ = ["tikz"]

ROLES: Final = {
    "data": "mapsto",
    "noise": "squiggly",
    "model": "very thick",
    "frozen": "dashed",
    "fixed": "dotted",
    "ema": "dash dot",
    "map": "",
    "wire": "dash, thin, gray",
}
HEAD: Final = r"""\documentclass[border=6pt,varwidth=60cm]{standalone}
\usepackage{amsmath,amssymb}
\usepackage[T1]{fontenc}
\usepackage[utf8]{inputenc}
\usepackage{tikz-cd}
\usetikzlibrary{decorations.pathmorphing}
\begin{document}
"""


def tikz(diagram: Diagram, residuals: Mapping[str, float] | None = None) -> str:
    """A diagram as a LaTeX document with one `tikzcd` picture and its equations."""
    found = layout(diagram)
    cells = grid(found)
    rows = 1 + max((r for r, _ in cells.values()), default=0)
    across = 1 + max((c for _, c in cells.values()), default=0)
    at: dict[tuple[int, int], str] = {cell: key for key, cell in cells.items()}
    outgoing: dict[str, list[str]] = defaultdict(list)
    bundles: dict[frozenset[str], list[Edge]] = defaultdict(list)
    for edge in found.graph.edges:
        bundles[frozenset((edge.source, edge.target))].append(edge)
    for bundle in bundles.values():
        for number, edge in enumerate(bundle):
            outgoing[edge.source].append(_arrow(edge, cells, bundle, number, at))
    lines = []
    for r in range(rows):
        row = []
        for c in range(across):
            key = at.get((r, c))
            row.append(
                "" if key is None else _vertex(found.graph.vertices[key]) + "".join(f" {a}" for a in outgoing[key])
            )
        lines.append("  " + " & ".join(row).rstrip(" &") if any(row) else "  ")
    body = " \\\\\n".join(lines)
    picture = (
        f"\\begin{{tikzcd}}[row sep=large, column sep=huge]\n{body}\n\\end{{tikzcd}}\n" if found.graph.vertices else ""
    )
    return f"{HEAD}{picture}{_equations(diagram, residuals)}\\end{{document}}\n"


def grid(found: Layout) -> dict[str, tuple[int, int]]:
    """Row and column of each vertex: heights of the layout, rounded to rows of which each cell holds one."""
    heights = sorted({round(spot.box.y, 1) for spot in found.spots.values()})
    rows: dict[float, int] = {}
    row, last = -1, None
    for height in heights:
        # Heights less than a third of a row apart are one row, as far as their columns allow.
        if last is None or height - last > 31.0:
            row, last = row + 1, height
        rows[height] = row
    columns = {x: i for i, x in enumerate(sorted({round(spot.box.x, 1) for spot in found.spots.values()}))}
    cells: dict[str, tuple[int, int]] = {}
    taken: set[tuple[int, int]] = set()
    for key, spot in sorted(found.spots.items(), key=lambda item: (item[1].box.y, item[1].box.x)):
        cell = (rows[round(spot.box.y, 1)], columns[round(spot.box.x, 1)])
        while cell in taken:
            cell = (cell[0] + 1, cell[1])
        taken.add(cell)
        cells[key] = cell
    return cells


def _vertex(vertex: Vertex) -> str:
    if vertex.kind == "product":
        return r" \times ".join(_label(name) + (f"^{{{power}}}" if power > 1 else "") for name, power in vertex.factors)
    # A label of one's own may be LaTeX already.
    body = "1" if vertex.kind == "unit" else _label(vertex.latex)
    if vertex.detail:
        body = f"\\underset{{{{\\scriptscriptstyle {text.latex(vertex.detail)}}}}}{{{body}}}"
    return f"|[draw, rounded corners, inner sep=4pt]| {body}" if vertex.kind == "sample" else body


def _label(words: str) -> str:
    """A label in mathematics: LaTeX as it is, a plain name upright."""
    return words if "\\" in words and _balanced(words) else text.latex(words)


def _balanced(words: str) -> bool:
    depth = 0
    for before, letter in zip(" " + words, words, strict=False):
        if before != "\\":
            depth += (letter == "{") - (letter == "}")
        if depth < 0 or letter in "\n\r%#&$":
            return False
    return depth == 0 and not words.endswith("\\")


def _arrow(
    edge: Edge, cells: Mapping[str, tuple[int, int]], bundle: list[Edge], number: int, at: Mapping[tuple[int, int], str]
) -> str:
    (r0, c0), (r1, c1) = cells[edge.source], cells[edge.target]
    options = []
    if edge.source == edge.target:
        options.append("loop above" if number % 2 == 0 else "loop below")
    else:
        step = ("r" * (c1 - c0) if c1 >= c0 else "l" * (c0 - c1)) + ("d" * (r1 - r0) if r1 >= r0 else "u" * (r0 - r1))
        options.append(step)
    label = f'"{{{_label(edge.latex)}}}"' if edge.label else ""
    below = len(bundle) > 1 and number >= len(bundle) / 2
    if label:
        options.append(label + ("'" if below and edge.source == bundle[0].source else ""))
    if edge.source != edge.target:
        offset = (number - (len(bundle) - 1) / 2) * 24
        bend = -offset if edge.source == bundle[0].source else offset
        if edge.curve is not None:
            bend = edge.curve * 12
        elif not bend and _blocked((r0, c0), (r1, c1), at):
            bend = -28.0
        if bend:
            options.append(f"bend {'left' if bend > 0 else 'right'}={abs(bend):g}")
    if ROLES[edge.role]:
        options.append(ROLES[edge.role])
    if edge.colour:
        red, green, blue = (int(part, 16) for part in _channels(edge.colour))
        options.append(f"draw={{rgb,255:red,{red};green,{green};blue,{blue}}}")
    return f"\\arrow[{', '.join(options)}]"


def _channels(colour: str) -> list[str]:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    return [digits[i : i + 2] for i in (0, 2, 4)]


def _blocked(start: tuple[int, int], end: tuple[int, int], at: Mapping[tuple[int, int], str]) -> bool:
    """Whether a straight arrow would run through another cell."""
    (r0, c0), (r1, c1) = start, end
    steps = max(abs(r1 - r0), abs(c1 - c0))
    for k in range(1, steps):
        r, c = r0 + (r1 - r0) * k / steps, c0 + (c1 - c0) * k / steps
        if any((row, round(c)) in at and abs(row - r) < 0.45 for row in (int(r), int(r) + 1)):
            return True
    return False


def _equations(diagram: Diagram, residuals: Mapping[str, float] | None) -> str:
    rows = []
    for named in (diagram.goals, diagram.laws, diagram.measures):
        for name, equation in named.items():
            sign = "=" if isinstance(equation, Law) else "\\approx"
            left, right = (_expression(str(side)) for side in (equation.left, equation.right))
            notes = _notes(equation)
            if residuals is not None and name in residuals:
                notes = f"{notes}\\quad {text.latex_text(text.number(residuals[name]))}"
            rows.append(f"  \\text{{{text.latex_text(name)}}}:\\quad & {left} {sign} {right} && {notes}")
    if not rows:
        return ""
    body = " \\\\\n".join(rows)
    return f"\n\\[\\begin{{aligned}}\n{body}\n\\end{{aligned}}\\]\n"


def _notes(equation: Goal | Measure | Law) -> str:
    if isinstance(equation, Law):
        return ""
    words = argument(equation.by)
    if isinstance(equation, Goal) and equation.weight != 1:
        words += f", weight {argument(equation.weight)}"
    return f"\\text{{\\small {text.latex_text(words)}}}"


def _expression(words: str) -> str:
    """The text of an expression in mathematics: its names upright, composition as ≫."""
    found, name = [], ""
    for letter in words + " ":
        if letter.isidentifier() or (name and (name + letter).isidentifier()):
            name += letter
            continue
        if name:
            found.append(text.latex(name))
            name = ""
        found.append(letter)
    joined = "".join(found).strip()
    return (
        joined.replace(" >> ", " \\gg ")
        .replace(" * ", " \\times ")
        .replace(" & ", " \\mathbin{\\&} ")
        .replace(" @ ", " \\otimes ")
    )
