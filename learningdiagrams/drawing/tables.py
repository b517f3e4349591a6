"""A diagram as tables in HTML: what notebooks show, and pages hold below the picture.

Everything that a diagram holds is escaped: a label that contains `<script>` is text.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Final

from learningdiagrams.diagram import Diagram
from learningdiagrams.drawing import palette, text
from learningdiagrams.drawing.scene import notes
from learningdiagrams.language.writing import argument
from learningdiagrams.theory.showing import rows_table

__all__ = ["equations_table", "generators_table", "html_table", "rows_table"]

MANY: Final = 200
"""Rows beyond which a table in a notebook is cut."""
LONG: Final = 2000
"""Letters of an expression beyond which it is cut."""


def html_table(diagram: Diagram) -> str:
    """Objects, generators and equations of a diagram as HTML tables.

    >>> d = Diagram("Tiny")
    >>> A, B = d.objects("A", "B")
    >>> f = d.map("f", A, B)
    >>> "<code>A → B</code>" in html_table(d)
    True
    """
    objects = ", ".join(f"{name}{space}" for name, space in list(diagram.spaces.items())[:MANY])
    more = f" … ({len(diagram.sorts)} in all)" if len(diagram.sorts) > MANY else ""
    parts = [f"<p><strong>{escape(text.plain(diagram.name))}</strong> &nbsp; <code>{escape(objects)}</code>{more}</p>"]
    if diagram.generators:
        parts.append(generators_table(diagram, MANY))
    if diagram.goals or diagram.laws or diagram.measures:
        parts.append(equations_table(diagram, limit=MANY))
    return f'<div class="learningdiagram">{"".join(parts)}</div>'


def generators_table(diagram: Diagram, limit: int | None = None) -> str:
    """Role, name, ends and realisation of each generator."""
    rows = [
        [
            escape(diagram.roles[name]),
            _code(name),
            _code(f"{text.mathematics_text(str(m.dom))} → {text.mathematics_text(str(m.cod))}"),
            _code(argument(diagram.specs[name])) if name in diagram.specs else "",
        ]
        for name, m in diagram.generators.items()
    ]
    return rows_table(("role", "generator", "ends", "realised by"), rows, limit)


def equations_table(
    diagram: Diagram,
    residuals: Mapping[str, float] | None = None,
    floor: Mapping[str, float] | None = None,
    limit: int | None = None,
) -> str:
    """Goals, laws and measures: sides, comparator, weight, and residuals where they are given."""
    rows, names = [], []
    floors = {name: value for name, value in (floor or {}).items() if value}
    for kind, named in (("goal", diagram.goals), ("law", diagram.laws), ("measure", diagram.measures)):
        for name, equation in named.items():
            sign = "=" if kind == "law" else "≈"
            left, right = (text.mathematics_text(str(side)) for side in (equation.left, equation.right))
            row = [kind, _code(name), _code(f"{_cut(left)} {sign} {_cut(right)}"), escape("; ".join(notes(equation)))]
            if residuals is not None:
                row.append(_residual(residuals[name]) if name in residuals else "")
            if floors:
                row.append(escape(text.number(floors[name])) if name in floors else "")
            rows.append(row)
            names.append(name)
    heading = ["", "name", "equation", "notes"]
    heading += (["residual"] if residuals is not None else []) + (["floor taken off"] if floors else [])
    return rows_table(heading, rows, limit, names)


def _residual(value: float) -> str:
    band = palette.band(value)
    # A page of ours has the colours of day and night as variables; anywhere else it is day.
    style = f"border-left:.8em solid var(--{band},{palette.LIGHT[band]});padding-left:.4em"
    return f'<span class="residual" style="{style}">{escape(text.number(value))}</span>'


def _cut(words: str) -> str:
    return words if len(words) <= LONG else words[:LONG] + " …"


def _code(words: str) -> str:
    return f"<code>{escape(_cut(words))}</code>"
