"""The DOT pen: a graph for Graphviz, which lays it out itself; roles by line, equations as a label below."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from learningdiagrams.diagram import Diagram
from learningdiagrams.drawing import text
from learningdiagrams.drawing.graph import graph_of
from learningdiagrams.drawing.palette import LIGHT, LINES
from learningdiagrams.drawing.scene import equation_text

__all__ = ["dot"]

STYLES: Final = {"frozen": "dashed", "fixed": "dotted", "ema": "dashed", "noise": "tapered"}


def dot(diagram: Diagram, residuals: Mapping[str, float] | None = None) -> str:
    """A diagram in Graphviz's language.

    >>> d = Diagram("Tiny")
    >>> A, B = d.objects("A", "B")
    >>> f = d.map("f", A, B)
    >>> print(dot(d))
    digraph "Tiny" {
      rankdir=LR; node [shape=plaintext, fontname="Helvetica"]; edge [fontname="Helvetica", fontsize=11];
      "A" [label="A"];
      "B" [label="B"];
      "A" -> "B" [label="f", color="#1b1f24", fontcolor="#1b1f24", penwidth=1.2];
    }
    <BLANKLINE>
    """
    graph = graph_of(diagram)
    lines = [
        f"digraph {_quoted(diagram.name)} {{",
        '  rankdir=LR; node [shape=plaintext, fontname="Helvetica"]; edge [fontname="Helvetica", fontsize=11];',
    ]
    samples = [key for key, vertex in graph.vertices.items() if vertex.kind == "sample"]
    for key, vertex in graph.vertices.items():
        label = vertex.label + (f"\n{vertex.detail}" if vertex.detail and vertex.kind != "product" else "")
        options = {"label": label}
        if vertex.kind == "sample":
            options |= {"shape": "box", "style": "rounded"}
        elif vertex.kind == "product":
            options |= {"fontsize": "12", "fontcolor": LIGHT["muted"], "tooltip": vertex.detail}
        if vertex.colour:
            options["fontcolor"] = vertex.colour
        lines.append(f"  {_quoted(key)} [{_options(options)}];")
    if len(samples) > 1:
        lines.append(f"  {{ rank=source; {'; '.join(map(_quoted, samples))} }}")
    for edge in graph.edges:
        look, colour = LINES[edge.role], edge.colour or LIGHT[edge.role]
        options = {"label": edge.label} if edge.label else {}
        options |= {"color": colour, "fontcolor": colour} if edge.label else {"color": colour, "arrowhead": "none"}
        if edge.role in STYLES:
            options["style"] = STYLES[edge.role]
        if look.bar:
            options |= {"dir": "both", "arrowtail": "tee"}
        lines.append(
            f"  {_quoted(edge.source)} -> {_quoted(edge.target)} [{_options(options)}, penwidth={look.width}];"
        )
    words = []
    for kind, named in (("goal", diagram.goals), ("law", diagram.laws), ("measure", diagram.measures)):
        for name, equation in named.items():
            left = f"   [{text.number(residuals[name])}]" if residuals is not None and name in residuals else ""
            words.append(f"{kind} {name}: {equation_text(equation)}{left}")
    if words:
        # \l ends a line and sets it to the left.
        body = "".join(_escaped(line) + "\\l" for line in words)
        lines.append(f'  labelloc=b; labeljust=l; fontname="Helvetica"; fontsize=11; label="{body}";')
    return "\n".join([*lines, "}"]) + "\n"


def _options(options: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={_quoted(value)}" for name, value in options.items())


def _escaped(words: str) -> str:
    return (
        words.encode("utf-8", "replace").decode("utf-8").replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    )


def _quoted(words: str) -> str:
    return f'"{_escaped(words)}"'
