"""The Mermaid pen: a flowchart for Markdown pages that render it; roles by line, equations as a list beside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from learningdiagrams.diagram import Diagram
from learningdiagrams.drawing import text
from learningdiagrams.drawing.graph import Vertex, graph_of
from learningdiagrams.drawing.palette import LIGHT, LINES
from learningdiagrams.drawing.scene import equation_text

__all__ = ["mermaid"]

SHAPES: Final = {"sample": ('(["', '"])'), "product": ('["', '"]'), "unit": ('["', '"]'), "object": ('["', '"]')}


def mermaid(diagram: Diagram, residuals: Mapping[str, float] | None = None) -> str:
    """A diagram as a Mermaid flowchart.

    >>> d = Diagram("Tiny")
    >>> A, B = d.objects("A", "B")
    >>> f = d.model("f", A, B)
    >>> print(mermaid(d))
    flowchart LR
      n0["A"]
      n1["B"]
      n0 -->|"f"| n1
      linkStyle 0 stroke:#0b57a8,stroke-width:2.4px
    <BLANKLINE>
    """
    graph = graph_of(diagram)
    # Mermaid takes few characters in names, and words such as `end` are its own.
    numbers = {key: f"n{i}" for i, key in enumerate(graph.vertices)}
    lines = ["flowchart LR"]
    lines += [f"  {numbers[key]}{_vertex(vertex)}" for key, vertex in graph.vertices.items()]
    styles = []
    for i, edge in enumerate(graph.edges):
        look = LINES[edge.role]
        arrow = "---" if edge.role == "wire" else "-->"
        label = f'|"{_escaped(edge.label)}"|' if edge.label else ""
        lines.append(f"  {numbers[edge.source]} {arrow}{label} {numbers[edge.target]}")
        dash = f",stroke-dasharray:{' '.join(f'{part:g}' for part in look.dash)}" if look.dash else ""
        styles.append(f"  linkStyle {i} stroke:{edge.colour or LIGHT[edge.role]},stroke-width:{look.width:g}px{dash}")
    lines += styles
    rows = []
    for kind, named in (("goal", diagram.goals), ("law", diagram.laws), ("measure", diagram.measures)):
        for name, equation in named.items():
            left = f" [{text.number(residuals[name])}]" if residuals is not None and name in residuals else ""
            rows.append(f"{kind} {name}: {equation_text(equation)}{left}")
    if rows:
        lines.append('  subgraph equations[" "]')
        lines += [f'    e{i}["{_escaped(row)}"]' for i, row in enumerate(rows)]
        lines.append("  end")
    return "\n".join(lines) + "\n"


def _vertex(vertex: Vertex) -> str:
    opened, closed = SHAPES[vertex.kind]
    detail = f"<br/>{_escaped(vertex.detail)}" if vertex.detail and vertex.kind != "product" else ""
    return f"{opened}{_escaped(vertex.label)}{detail}{closed}"


def _escaped(words: str) -> str:
    """Text in quotes: Mermaid knows no backslash, but the entities of HTML, written with # for &."""
    words = words.encode("utf-8", "replace").decode("utf-8").replace("\n", " ")
    return "".join(
        {"#": "#35;", '"': "#quot;", "<": "#lt;", ">": "#gt;", "&": "#amp;", "\\": "#92;"}.get(c, c) for c in words
    )
