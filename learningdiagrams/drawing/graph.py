"""What is drawn of a diagram: vertices for objects, edges for generators.

A product is a vertex of its own, which thin wires connect with its factors, one for each however often it
occurs. Each map out of 1 or into it gets a 1 of its own, beside its other end: one 1 for all would tie
together what has nothing in common.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Final, Literal

from learningdiagrams.diagram import Diagram
from learningdiagrams.drawing.text import plain
from learningdiagrams.theory.morphisms import Object
from learningdiagrams.theory.terms import applications

__all__ = ["Edge", "Graph", "Vertex", "graph_of", "squares", "wires"]

WIRE: Final = "wire"
LONGEST: Final = 26
"""Letters of a product's name beyond which it is drawn as × alone."""
POWERS: Final = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Vertex:
    """An object: `key` is its name (of a product, its text; of a 1, that of its generator as well)."""

    key: str
    kind: Literal["sample", "object", "product", "unit"]
    label: str
    detail: str = ""
    colour: str | None = None
    at: tuple[float, float] | None = None
    latex: str = ""
    """The label as it was given: LaTeX, where it is; empty for what has no name."""
    factors: tuple[tuple[str, int], ...] = ()
    """The factors of a product, as they are given, each with how often it stands there in a row."""


@dataclass(frozen=True)
class Edge:
    """A generator, by its name, or a wire between a product and one of its factors."""

    key: str
    source: str
    target: str
    role: str
    label: str = ""
    detail: str = ""
    colour: str | None = None
    curve: float | None = None
    latex: str = ""


@dataclass(frozen=True)
class Graph:
    vertices: Mapping[str, Vertex]
    edges: tuple[Edge, ...]
    squares: tuple[tuple[str, str, str, str], ...] = ()
    """Corners of equations between paths of two maps: source, the corner beside it, the one below, target."""


def graph_of(diagram: Diagram, only: Set[str] | None = None) -> Graph:
    """The vertices and edges of a diagram, in order of declaration.

    Args:
        only: names of generators; what these do not touch is left out.
    """
    vertices: dict[str, Vertex] = {}
    samples = set(diagram.sample_objects)
    for name, sort in diagram.sorts.items():
        style = diagram.styles.get(name)
        vertices[name] = Vertex(
            name,
            "sample" if sort in samples else "object",
            plain(style.label) if style and style.label else name,
            str(diagram.spaces[name]).strip(),
            style.colour if style else None,
            style.at if style else None,
            (style.label if style else None) or name,
        )
    ends: dict[str, list[Object]] = {"dom": [], "cod": []}
    edges: list[Edge] = []

    def vertex(obj: Object, end: str, generator: str) -> str:
        if len(obj.factors) == 1:
            return obj.name
        if not obj.factors:
            key = f"1 {end} {generator}"
            vertices[key] = Vertex(key, "unit", "1")
            return key
        ends[end].append(obj)
        if obj.name not in vertices:
            factors = [(vertices[f.name].latex, len(list(run))) for f, run in itertools.groupby(obj.factors)]
            label = " × ".join(
                plain(words) + (str(power).translate(POWERS) if power > 1 else "") for words, power in factors
            )
            vertices[obj.name] = Vertex(
                obj.name,
                "product",
                label if len(label) <= LONGEST else "×",
                obj.name.replace(" * ", " × "),
                factors=tuple(factors),
            )
        return obj.name

    for name, morphism in diagram.generators.items():
        if only is not None and name not in only:
            continue
        style = diagram.styles.get(name)
        spec = diagram.specs.get(name)
        edges.append(
            Edge(
                name,
                vertex(morphism.dom, "dom", name),
                vertex(morphism.cod, "cod", name),
                diagram.roles[name],
                plain(style.label) if style and style.label else name,
                f"{diagram.roles[name]} {name} : {_typed(diagram, morphism.dom)} -> {_typed(diagram, morphism.cod)}"
                + (f" = {spec}" if spec else ""),
                style.colour if style else None,
                style.curve if style else None,
                (style.label if style else None) or name,
            )
        )
    made = set(ends["cod"])
    for product in dict.fromkeys([*ends["dom"], *ends["cod"]]):
        for key, factor in wires(product):
            way = (product.name, factor) if product in made else (factor, product.name)
            edges.append(Edge(key, *way, WIRE))
    corners = squares(diagram)
    if only is not None:
        touched = {end for edge in edges for end in (edge.source, edge.target)}
        vertices = {key: vertex for key, vertex in vertices.items() if key in touched}
        corners = tuple(square for square in corners if touched.issuperset(square))
    return Graph(vertices, tuple(edges), corners)


def _typed(diagram: Diagram, obj: Object) -> str:
    """An object with the shapes of its factors."""
    return " * ".join(f"{f.name}{str(diagram.spaces[f.name]).strip()}" for f in obj.factors) or "1"


def wires(product: Object) -> list[tuple[str, str]]:
    """The key of the wire between a product and each of its factors, and that factor."""
    first = {factor.name: i for i, factor in reversed(list(enumerate(product.factors)))}
    return [(f"{product.name} {i}", name) for name, i in sorted(first.items(), key=lambda item: item[1])]


def squares(diagram: Diagram) -> tuple[tuple[str, str, str, str], ...]:
    """The laws and goals p = q between paths of two maps over four different objects, none of them a sample object."""
    found = []
    samples = {sample.name for sample in diagram.sample_objects}
    for equation in (*diagram.laws.values(), *diagram.goals.values()):
        corners = []
        for side in (equation.left, equation.right):
            heads = [term.head for term in applications(side.terms) if term.head is not None]
            ends = [] if any(isinstance(h, str) for h in heads) else [(h.dom.name, h.cod.name) for h in heads]  # type: ignore[union-attr]
            if len(ends) == 2 and ends[0][1] == ends[1][0] and " * " not in ends[0][1]:
                corners.append((ends[0][0], ends[0][1], ends[1][1]))
        if len(corners) == 2:
            (a, b, d), (_, c, _) = corners
            if len({a, b, c, d}) == 4 and not samples & {a, b, c, d} and "1" not in (a, d) and " * " not in a + d:
                found.append((a, b, c, d))
    return tuple(dict.fromkeys(found))
