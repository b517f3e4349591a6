r"""Diagrams out of links of quiver: vertices are objects, arrows generators, arrows between arrows equations.

>>> from learningdiagrams.language.quiver_cells import Cells, Edge, Vertex, encode
>>> vertices = Vertex(0, 0, "X"), Vertex(1, 0, r"\mathcal{Y}")
>>> edges = Edge(0, 1, "f", options={"curve": -1}), Edge(0, 1, "g", 2, {"curve": 1}), Edge(2, 3, r"\alpha")
>>> print(read_link(encode(Cells(vertices, edges))).diagram)
object X, Y
map    f : X -> Y
map    g : X -> Y
<BLANKLINE>
goal alpha : f = g   by mse
<BLANKLINE>
style X     at=(0, 0)
style Y     at=(1, 0), label="\mathcal{Y}"
style g     quiver="label right"
style alpha label="\alpha", quiver="shorten start 0, shorten end 0"

What the label of a cell declares, in the words of the text form, is believed: `student = mlp(64, 10)`. For the rest,
the look of an arrow says its role or its kind (:data:`~learningdiagrams.language.quiver_style.ROLES`), and what no
declaration has room for is kept in `style` lines, from which the pen for quiver draws the same cells again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple, cast

from lark import Tree

from learningdiagrams.declarations import Goal, Measure, possible_on
from learningdiagrams.diagram import Diagram
from learningdiagrams.errors import DiagramError
from learningdiagrams.language.quiver_cells import BLACK, FILE, Cells, Edge, decode
from learningdiagrams.language.quiver_labels import (
    Declared,
    expand,
    joined,
    macros_of,
    name_tex,
    split,
    tex,
)
from learningdiagrams.language.quiver_style import (
    EQUATIONS,
    ROLES,
    Extras,
    bends,
    changed,
    hex_of,
    is_plain,
    role_of,
)
from learningdiagrams.language.quiver_things import Thing, things
from learningdiagrams.language.reading import Declaration, Reader
from learningdiagrams.language.scanning import LanguageError, Problem, Source, lines
from learningdiagrams.language.syntax import parse, start
from learningdiagrams.language.writing import argument, declared
from learningdiagrams.theory.morphisms import Morphism
from learningdiagrams.theory.presentations import Law

__all__ = ["Reading", "anchors", "equation_labels", "generator_label", "object_label", "read_link"]


class Reading(NamedTuple):
    """A diagram that was drawn elsewhere, and a line for each thing in it that has no counterpart here."""

    diagram: Diagram
    said: list[str]


SEEN: Final = 40
"""Characters of a realisation up to which it is seen beside an arrow."""

# The labels that declare ------------------------------------------------------------------------------------


def object_label(diagram: Diagram, name: str) -> str:
    """The label of an object: its name, with shape and kind of number."""
    space = str(diagram.spaces[name])
    return name_tex(name) + (tex(space) if space else "")


def generator_label(diagram: Diagram, name: str) -> str:
    """The label of a generator: its name, with what realises it; behind the name, where that is long."""
    spec = diagram.specs.get(name)
    if spec is None:
        return name_tex(name)
    words = argument(spec)
    return f"{name_tex(name)} = {tex(words)}" if len(words) <= SEEN else joined(name_tex(name), f"{name} = {words}")


def equation_labels(kind: str, value: Law | Goal | Measure) -> tuple[str, str, str]:
    """The label of an equation between whose paths it stands, that with the paths, and that which stands alone."""
    line = declared(kind, value)
    head = f"{kind} {value.name} : {value.left} = {value.right}"
    notes = line.removeprefix(head)
    return tex(value.name + notes), tex(line.removeprefix(f"{kind} ")), tex(line)


# Into a diagram ---------------------------------------------------------------------------------------------


def read_link(link: str) -> Reading:
    """The diagram that a link of quiver shows; raises :class:`LanguageError` with all that is wrong with it."""
    cells = decode(link)
    macros, others = macros_of(cells.macros)
    if macros:
        cells = replace(
            cells,
            vertices=tuple(replace(v, label=expand(v.label, macros)) for v in cells.vertices),
            edges=tuple(replace(e, label=expand(e.label, macros)) for e in cells.edges),
        )
    made = _Building(cells)
    made.said += [f"`{line}` defines no macro; it is left out" for line in others]
    if cells.macro_url:
        made.said.append(f"macros at {cells.macro_url} are not fetched; labels keep the commands that they define")
    if cells.renderer != "katex":
        made.said.append(f"labels are written for {cells.renderer}; they are kept as if they were LaTeX")
    return Reading(made.diagram(), made.said)


class _Building:
    """Declares what the cells stand for, and keeps what is wrong and what has no counterpart."""

    def __init__(self, cells: Cells) -> None:
        self.cells = cells
        self.count = len(cells.vertices)
        self.things = things(cells)
        self.roles: dict[int, str] = {}
        self.problems: list[Problem] = []
        self.said: list[str] = []

    def diagram(self) -> Diagram:
        title = next((t for t in self.things if t.what == "line" and t.declared and t.declared.word == "diagram"), None)
        made = Diagram()
        if title is not None and title.declared is not None:
            made = self._title(title, title.declared.rest)
        for place, thing in enumerate(self.things):
            if thing.what == "object":
                rest = thing.declared.rest if thing.declared else ""
                self._declare(made, f"object {thing.name}{rest and ' '}{rest}", place)
        for place, thing in enumerate(self.things):
            if thing.what == "generator":
                self._generator(made, place, thing)
        for word in ("law", "goal", "measure", "stage"):
            for place, thing in enumerate(self.things):
                if thing.what == "equation" and thing.kind == word:
                    self._equation(made, place, thing, word)
                elif thing.what == "line" and thing.declared and thing.declared.word == word:
                    says = thing.declared
                    text = says.rest if word == "stage" else f"{thing.name} : {says.equation} {says.rest}".strip()
                    self._declare(made, f"{word} {text}", place)
        if self.problems:
            raise LanguageError(self.problems)
        at = {place: (vertex.x, vertex.y) for place, vertex in enumerate(self.cells.vertices)}
        self.bends = bends([(edge.source, edge.target) for edge in self.cells.edges], at)
        for place, thing in enumerate(self.things):
            options = self._style(made, place, thing)
            if options and thing.name:
                made.style(thing.name, **options)
        return made

    def _title(self, thing: Thing, text: str) -> Diagram:
        from learningdiagrams.language import loads

        try:
            return loads(f"diagram {text}")
        except LanguageError as error:
            self._wrong(error, self.things.index(thing))
            return Diagram()

    def _wrong(self, error: DiagramError, place: int) -> None:
        where = self.cells.cell_name(place)
        problems = error.errors if isinstance(error, LanguageError) else error.problems
        self.problems += [Problem(FILE, 1, 1, f"{where}: {problem.message}") for problem in problems]

    def _declare(self, made: Diagram, text: str, place: int) -> None:
        try:
            declare(made, text)
        except DiagramError as error:
            self._wrong(error, place)

    def _generator(self, made: Diagram, place: int, thing: Thing) -> None:
        edge = self.cells.edges[place - self.count]
        says = thing.declared or Declared()
        role = says.word or role_of(edge.options)
        spec = f" = {says.rest}" if says.rest else ""
        try:
            declare(made, f"{role} {thing.name} : {thing.dom} -> {thing.cod}{spec}")
            self.roles[place] = made.roles[thing.name]
        except DiagramError as error:
            if says.word or says.rest:
                self._wrong(error, place)
                return
            reason = error.errors[0].message if isinstance(error, LanguageError) else str(error)
            self.said.append(f"{self._called(place)} looks like {role} and came as a map: {reason}")
            self._declare(made, f"map {thing.name} : {thing.dom} -> {thing.cod}", place)
            self.roles[place] = "map"
        if max(edge.source, edge.target) >= self.count:
            ends = f"{thing.dom} -> {thing.cod}"
            self.said.append(f"{self._called(place)} is between arrows that are not parallel; it came as a map {ends}")
        elif edge.options.get("style.name", "arrow") != "arrow":
            self.said.append(f"{self._called(place)} is drawn as a {edge.options['style.name']}; it came as a map")
        elif edge.options.get("level", 1) > 1 and edge.options.get("style.head.name") == "none":
            self.said.append(f"{self._called(place)} is drawn as an equality sign; it came as a map, not an identity")

    def _called(self, place: int) -> str:
        called, name = self.cells.cell_name(place), self.things[place].name
        return called if called.endswith(f"`{name}`") else f"{called} (here `{name}`)"

    def _equation(self, made: Diagram, place: int, thing: Thing, kind: str) -> None:
        says = thing.declared or Declared()
        sides = says.equation or " = ".join(" >> ".join(self.things[c].name for c in side) for side in thing.sides)
        notes = says.rest if kind != "measure" or "by " in says.rest else f"{says.rest} by mse".strip()
        text = f"{kind} {thing.name} : {sides}"
        try:
            declare(made, f"{text} {notes}".strip())
            return
        except DiagramError as error:
            reason = error
        along = self._along(made, thing) if not says.rest and kind != "law" else None
        if along is not None:
            try:
                declare(made, f"{text} on {along} {notes}".strip())
                self.said.append(f"{self._called(place)} starts at {self._from(thing)}; it is sampled on {along}")
                return
            except DiagramError:
                pass
        if says.rest or says.equation:
            self._wrong(reason, place)
            return
        why = reason.errors[0].message if isinstance(reason, LanguageError) else str(reason)
        self.said.append(f"{self._called(place)} is no {kind}, and came as a map: {why}")
        thing.what = "generator"
        self._declare(made, f"map {thing.name} : {thing.dom} -> {thing.cod}", place)
        self.roles[place] = "map"

    def _from(self, thing: Thing) -> str:
        return self.things[thing.sides[0][0]].dom

    def _along(self, made: Diagram, thing: Thing) -> str | None:
        """The first morphism along which an equation that does not start at data could be sampled."""
        if not thing.sides:
            return None
        source = made.generators.get(self.things[thing.sides[0][0]].name)
        found = possible_on(made, source.dom, 1) if source is not None else []
        return str(found[0]) if found else None

    # Styles -------------------------------------------------------------------------------------------------

    def _style(self, made: Diagram, place: int, thing: Thing) -> dict[str, Any]:
        """What a style line keeps of a cell."""
        options: dict[str, Any]
        if place < self.count:
            vertex = self.cells.vertices[place]
            if thing.what in ("product", "unit"):
                if vertex.colour != BLACK:
                    self.said.append(f"{self.cells.cell_name(place)}: the colour of a {thing.what} is not kept")
                return {}
            if thing.what == "line" and thing.name not in made:
                return {}
            if thing.what == "line" and thing.declared and thing.declared.word == "stage":
                return {}
            options = {"at": (vertex.x, vertex.y)}
            known = (object_label(made, thing.name),) if thing.what == "object" else self._labels(made, thing)
            if _is_own(thing, vertex.label, known):
                options["label"] = thing.label
            if vertex.colour != BLACK:
                options["colour"] = hex_of(vertex.colour)
                if not is_plain(vertex.colour):
                    options["quiver"] = str(Extras(options={"colour": vertex.colour}))
            return options
        edge, bend = self.cells.edges[place - self.count], self.bends[place - self.count]
        if thing.what == "generator":
            base = {**ROLES[self.roles[place]], **bend}
            known = (generator_label(made, thing.name),)
        else:
            base = {**EQUATIONS[thing.kind], **bend}
            known = self._labels(made, thing)
        if max(edge.source, edge.target) < self.count and thing.what == "equation":
            base["level"] = 2
        options = {"label": thing.label} if _is_own(thing, edge.label, known) else {}
        rest = changed(base, edge.options)
        if "curve" in rest:
            options["curve"] = -rest.pop("curve") or 0
        if "colour" in rest:
            options["colour"] = hex_of(rest["colour"])
            if is_plain(rest["colour"]):
                del rest["colour"]
        source, target = self._ends(made, edge, thing)
        extras = Extras(edge.alignment or None, rest, edge.colour if edge.colour != BLACK else None, source, target)
        return {**options, **({"quiver": str(extras)} if str(extras) else {})}

    def _labels(self, made: Diagram, thing: Thing) -> tuple[str, ...]:
        for kind, table in (("law", made.laws), ("goal", made.goals), ("measure", made.measures)):
            if thing.name in table:
                return equation_labels(kind, table[thing.name])
        return ()

    def _ends(self, made: Diagram, edge: Edge, thing: Thing) -> tuple[Any, Any]:
        """Where an arrow starts and ends, as far as its declaration does not say it."""
        if thing.what == "equation":
            value = made[thing.name]
            usual = anchors(made, value.left, value.right)
        else:
            usual = (thing.dom, thing.cod)
        found = []
        for cell, expected in zip((edge.source, edge.target), usual, strict=True):
            other = self.things[cell]
            if other.what in ("product", "unit"):
                vertex = self.cells.vertices[cell]
                found.append((vertex.x, vertex.y, cell))
            else:
                found.append(None if other.name == expected else other.name)
        return tuple(found)


def _is_own(thing: Thing, label: str, known: Sequence[str]) -> bool:
    """Whether a label is one of its own: neither what is written anyhow nor a declaration of more than a name."""
    says = thing.declared
    note = split(label)[1]
    return label not in known and (note is not None or says is None or not (says.word or says.equation or says.rest))


def anchors(diagram: Diagram, left: Morphism, right: Morphism) -> tuple[str | None, str | None]:
    """The middles of two paths without what they have in common at their ends: names of arrows or of objects.

    None where a side is no path, or its middle a product.

    >>> d = Diagram()
    >>> A, B, C = d.objects("A", "B", "C")
    >>> f, g, h = d.map("f", A, B), d.map("g", B, C), d.map("h", B, C)
    >>> anchors(d, f >> g, f >> h), anchors(d, f >> g, d.map("k", A, C))
    (('g', 'h'), ('B', 'k'))
    """
    one, two = (str(side).split(" >> ") for side in (left, right))
    while len(one) > 1 and len(two) > 1 and one[0] == two[0]:
        one, two = one[1:], two[1:]
    while len(one) > 1 and len(two) > 1 and one[-1] == two[-1]:
        one, two = one[:-1], two[:-1]
    return _middle(diagram, one), _middle(diagram, two)


def _middle(diagram: Diagram, path: list[str]) -> str | None:
    if not all(name in diagram.generators for name in path):
        return None
    middle = path[len(path) // 2]
    if len(path) % 2:
        return middle
    through = diagram.generators[middle].dom
    return through.name if len(through.factors) == 1 else None


def declare(diagram: Diagram, text: str) -> None:
    """Adds one declaration, in the text form and with one name, to a diagram; raises :class:`DiagramError`."""
    source = Source(text.replace("\n", " "), FILE)
    (line,) = lines(source)
    tree = cast("Tree[Any] | None", parse(source, line, "declaration"))
    Reader(source, diagram).read([Declaration(tree, start(line.tokens[0]), line.tokens[1:2])])
    source.check()
