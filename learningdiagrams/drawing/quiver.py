r"""The pen for quiver (https://q.uiver.app): a diagram as a link that opens there.

Roles are told apart by line: data have a bar at the tail, models a stroke, frozen maps are dashed, fixed ones dotted,
noise is squiggly, averages have a stroke and a feathered tail. Equations are double arrows between their paths, laws
equality signs; those whose paths are no paths of arrows stand as labels below, as do stages and the title.

>>> from learningdiagrams.diagram import Diagram
>>> d = Diagram()
>>> A, B = d.objects("A", "B")
>>> f, g = d.map("f", A, B), d.map("g", A, B)
>>> law = d.law(f, g, name="same")
>>> link = quiver(d)
>>> print(link.url[:30], link.said)
https://q.uiver.app/#q=WzAsMix []
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from learningdiagrams.declarations import Goal, Measure, Style
from learningdiagrams.diagram import Diagram
from learningdiagrams.drawing.layout import layout
from learningdiagrams.drawing.tikz import grid
from learningdiagrams.errors import DiagramError
from learningdiagrams.language import loads
from learningdiagrams.language.quiver import (
    anchors,
    equation_labels,
    generator_label,
    object_label,
    read_link,
)
from learningdiagrams.language.quiver_cells import BLACK, Cells, Edge, Vertex, encode
from learningdiagrams.language.quiver_labels import joined, name_tex, tex, untex
from learningdiagrams.language.quiver_style import (
    EQUATIONS,
    ROLES,
    Extras,
    applied,
    bends,
    hsl_of,
    is_plain,
    parse_extras,
    role_of,
)
from learningdiagrams.language.quiver_things import Thing, things
from learningdiagrams.language.scanning import LanguageError
from learningdiagrams.language.writing import argument, check_writable, declared, write
from learningdiagrams.theory.morphisms import Object
from learningdiagrams.theory.presentations import Law

__all__ = ["Link", "quiver"]

Key = tuple[Hashable, ...]
Cell = tuple[int, int]
PLAIN: Final = Style("")


class Link(NamedTuple):
    """A link, and a line for each thing that it does not carry."""

    url: str
    said: list[str]


def quiver(diagram: Diagram) -> Link:
    """A diagram as a link of quiver; what the link gives when it is read again is compared with the diagram.

    Raises:
        DiagramError: where no text can hold it (functions as comparators), or a style's `quiver` says nothing.
    """
    check_writable(diagram)
    pen = _Pen(diagram)
    url = encode(pen.cells())
    try:
        back = read_link(url).diagram
        wrong = {name for name, role in diagram.roles.items() if back.roles.get(name) != role}
    except LanguageError:
        wrong = pen.unlike
    if wrong:
        pen.worded |= wrong
        url = encode(pen.cells())
        back = read_link(url).diagram
    return Link(url, list(_lost(diagram, back)))


class _Pen:
    def __init__(self, diagram: Diagram) -> None:
        self.diagram = diagram
        self.extras = {name: self._extras(name, style) for name, style in diagram.styles.items()}
        self.kinds: dict[str, tuple[str, Law | Goal | Measure]] = {
            name: (kind, value)
            for kind, table in (("law", diagram.laws), ("goal", diagram.goals), ("measure", diagram.measures))
            for name, value in table.items()
        }
        self.noted: set[str] = set()  # whose label of its own does not say what it declares
        self.full: set[str] = set()  # equations whose place does not say their paths
        self.unlike: set[str] = set()  # generators that a style makes look like another role
        self.worded: set[str] = set()  # those whose role is said in words
        self.alone: set[str] = set()  # equations that stand as labels
        for name, (_, value) in self.kinds.items():
            ends = self._anchors(name, value)
            if ends is None or self._style(name).at is not None:
                self.alone.add(name)

    def _extras(self, name: str, style: Style) -> Extras:
        try:
            return parse_extras(style.quiver or "")
        except DiagramError as error:
            raise DiagramError(f"style `{name}`: quiver: {error}", name) from None

    def _style(self, name: str) -> Style:
        return self.diagram.styles.get(name, PLAIN)

    def _anchors(self, name: str, value: Law | Goal | Measure) -> tuple[str, str] | None:
        """The cells between which an equation is drawn; None where there are no two such."""
        extras = self.extras.get(name, Extras())
        ends = []
        usual = anchors(self.diagram, value.left, value.right)
        for end, middle in zip((extras.source, extras.target), usual, strict=True):
            found = end if isinstance(end, str) and end in self.diagram else middle
            if found is None or not isinstance(end, str | None):
                return None
            ends.append(found)
        return (ends[0], ends[1]) if ends[0] != ends[1] else None

    # Cells --------------------------------------------------------------------------------------------------

    def cells(self) -> Cells:
        """The cells, with as much in their labels as it takes to read the same things again."""
        self._keys()
        while True:
            made, names = self._draw()
            wrong = False
            for name, thing in zip(names, things(made), strict=True):
                if name is not None and not self._is(name, thing):
                    wrong = self._say_more(name) or wrong
            if not wrong:
                return made

    def _is(self, name: str, thing: Thing) -> bool:
        """Whether a cell is read as what it was drawn for."""
        says = thing.declared
        if name in self.kinds:
            kind, value = self.kinds[name]
            if thing.name != name or thing.what not in ("equation", "line"):
                return False
            notes = untex(equation_labels(kind, value)[0]).removeprefix(name).strip()
            # Who says nothing of a comparator means mse.
            if ((says.rest if says else "") or (notes if notes == "by mse" else "")) != notes:
                return False
            sides = f"{value.left} = {value.right}"
            if says is not None and says.equation:
                return says.equation == sides
            return sides == " = ".join(" >> ".join(self.edges[c] or "" for c in side) for side in thing.sides)
        own = self.diagram.sorts if name in self.diagram.sorts else self.diagram.generators
        rest = str(self.diagram.spaces[name]).strip() if own is self.diagram.sorts else self._realisation(name)
        return thing.name == name and (says.rest if says else "") == rest

    def _realisation(self, name: str) -> str:
        spec = self.diagram.specs.get(name)
        return "" if spec is None else argument(spec)

    def _word(self, name: str) -> str:
        """The word that declares a generator, with a blank after it."""
        role = self.diagram.roles.get(name, "")
        return f"{'model' if role == 'ema' else role} "

    def _say_more(self, name: str) -> bool:
        """Makes a label say more; False where it says all it can already."""
        steps = [self.noted] if self._style(name).label is not None else []
        if name in self.kinds:
            steps = [self.full, *steps, self.alone]
        for step in steps:
            if name not in step:
                step.add(name)
                return True
        return False

    def _keys(self) -> None:
        """The vertices: objects, products and a 1 for each of its maps, where a style does not say which they share."""
        self.vertices: dict[Key, str] = {}  # to what the layout calls it
        self.ends: dict[str, tuple[Key, Key]] = {}
        for name in self.diagram.sorts:
            self.vertices["object", name] = name
        for name, generator in self.diagram.generators.items():
            extras = self.extras.get(name, Extras())
            ends = []
            for end, obj, word in (
                (extras.source, generator.dom, "dom"),
                (extras.target, generator.cod, "cod"),
            ):
                key, place = self._key(end, obj, name, word)
                if place is not None:
                    self.vertices.setdefault(key, place)
                ends.append(key)
            self.ends[name] = (ends[0], ends[1])

    def _key(self, end: Any, obj: Object, name: str, word: str) -> tuple[Key, str | None]:
        if isinstance(end, str) and end in self.diagram and end not in self.diagram.sorts:
            return ("arrow", end), None
        if len(obj.factors) == 1:
            return ("object", obj.name), obj.name
        place = obj.name if obj.factors else f"1 {word} {name}"
        if isinstance(end, tuple):
            return ("at", end, obj.name if obj.factors else "1"), place
        return (("product", obj.name) if obj.factors else ("unit", word, name)), place

    def _draw(self) -> tuple[Cells, list[str | None]]:
        """The cells, and for each the name of what it is drawn for, None where that has none."""
        texts = [name for name in self.kinds if name in self.alone]
        lines = {name: equation_labels(*self.kinds[name])[2] for name in texts}
        stages = [tex(declared("stage", stage)) for stage in self.diagram.stages.values()]
        title = [tex(declared("diagram", self.diagram))] if self.diagram.name != "diagram" else []
        keys = _ordered(list(self.vertices))
        below: list[Key] = [("line", name) for name in texts]
        below += [("line", number) for number in range(len(stages) + len(title))]
        at = self._places(keys, below)
        vertices, names = [], []
        for key in keys:
            name = str(key[1]) if key[0] == "object" else None
            label = self._label(name, object_label(self.diagram, name)) if name else _product(self._text(key))
            colour, _ = self._colour(name) if name else (BLACK, False)
            vertices.append(Vertex(*at[key], label, colour))
            names.append(name)
        for name in texts:
            vertices.append(Vertex(*at["line", name], self._label(name, lines[name]), self._colour(name)[0]))
            names.append(name)
        for number, label in enumerate([*title, *stages]):
            vertices.append(Vertex(*at["line", number], label))
            names.append(None)
        index: dict[Key, int] = {key: place for place, key in enumerate(keys)}
        edges = self._edges(index, names, at)
        self.edges = names
        return Cells(tuple(vertices), tuple(edges)), names

    def _edges(self, index: dict[Key, int], names: list[str | None], at: Mapping[Key, Cell]) -> list[Edge]:
        """Generators, then equations, each after the cells that it stands between."""
        wanted: dict[str, tuple[Key, Key]] = dict(self.ends)
        for name, (_, value) in self.kinds.items():
            if name not in self.alone:
                ends = self._anchors(name, value)
                assert ends is not None
                wanted[name] = (self._cell(ends[0]), self._cell(ends[1]))
        order: dict[str, tuple[Key, Key]] = {}
        while ready := next((n for n, (a, b) in wanted.items() if a in index and b in index), None):
            order[ready] = wanted.pop(ready)
            index["arrow", ready] = len(names)
            names.append(ready)
        if wanted:
            name = next(iter(wanted))
            raise DiagramError(
                f"style `{name}`: quiver: the arrow is to be drawn between arrows that wait for it", name
            )
        bent = bends(list(order.values()), at)
        return [
            self._edge(name, index[ends[0]], index[ends[1]], bend, ends)
            for (name, ends), bend in zip(order.items(), bent, strict=True)
        ]

    def _cell(self, name: str) -> Key:
        return ("object", name) if name in self.diagram.sorts else ("arrow", name)

    def _edge(self, name: str, source: int, target: int, bend: Mapping[str, int], ends: tuple[Key, Key]) -> Edge:
        style, extras = self._style(name), self.extras.get(name, Extras())
        if name in self.kinds:
            kind, value = self.kinds[name]
            base: dict[str, Any] = {**EQUATIONS[kind], **bend}
            if not any(key[0] == "arrow" for key in ends):
                base["level"] = 2
            label = equation_labels(kind, value)[name in self.full]
        else:
            base = {**ROLES[self.diagram.roles[name]], **bend}
            label = generator_label(self.diagram, name)
        own: dict[str, Any] = {} if style.curve is None else {"curve": -round(style.curve)}
        colour, given = self._colour(name)
        if given:
            own["colour"] = colour
        word = self._word(name)
        if name in self.worded:
            label = tex(word + name) + label.removeprefix(name_tex(name))
        options = applied(base, {**own, **{k: v for k, v in extras.options.items() if k != "colour"}})
        if name in self.diagram.generators and f"{role_of(options)} " != word:
            self.unlike.add(name)
        return Edge(source, target, self._label(name, label), extras.alignment or 0, options, extras.colour or BLACK)

    def _label(self, name: str, label: str) -> str:
        own = self._style(name).label
        if own is None:
            return label
        if name not in self.noted and name not in self.worded:
            return own
        if name in self.kinds:
            kind, value = self.kinds[name]
            return joined(own, untex(equation_labels(kind, value)[2 if name in self.alone else int(name in self.full)]))
        rest = self._realisation(name)
        if name in self.diagram.generators:
            said = f"{self._word(name) if name in self.worded else ''}{name}"
            return joined(own, f"{said} = {rest}" if rest else said)
        return joined(own, untex(label))

    def _colour(self, name: str) -> tuple[Any, bool]:
        """The colour of a cell, and whether one is given."""
        exact = self.extras.get(name, Extras()).options.get("colour")
        given = self._style(name).colour
        if given is None:
            return (exact or BLACK), exact is not None
        return (exact if exact is not None and not is_plain(exact) else hsl_of(given)), True

    def _text(self, key: Key) -> str:
        return str(key[1]) if key[0] == "product" else "1" if key[0] == "unit" else str(key[2])

    # Places -------------------------------------------------------------------------------------------------

    def _places(self, keys: list[Key], below: list[Key]) -> dict[Key, Cell]:
        """Column and row of every vertex, no two the same: as the styles say, where they say all; else the layout's."""
        wanted = {key: self._own(key) for key in keys}
        given = [place for key, place in wanted.items() if key[0] == "object"]
        if any(place is None for place in given) or len(set(given)) < len(given):
            found = grid(layout(self.diagram))
            wanted = {key: (column, row) for key in keys for row, column in (found[self.vertices[key]],)}
        at: dict[Key, Cell] = {}
        taken: set[Cell] = set()
        for key in sorted(keys, key=lambda key: wanted[key] is None):
            at[key] = _near(wanted[key] or self._beside(key, at), taken)
            taken.add(at[key])
        row = max((y for _, y in taken), default=-1) + 1
        left = min((x for x, _ in taken), default=0)
        for key in below:
            own = self._own(key)
            while (left, row) in taken:
                row += 1
            at[key] = _near(own, taken) if own is not None and None not in wanted.values() else (left, row)
            taken.add(at[key])
        return at

    def _own(self, key: Any) -> Cell | None:
        """The place that the styles give a vertex, where it is one of the grid."""
        if key[0] == "at":
            return key[1][0], key[1][1]
        at = self._style(str(key[1])).at if key[0] in ("object", "line") else None
        return (int(at[0]), int(at[1])) if at is not None and all(x == int(x) for x in at) else None

    def _beside(self, key: Key, at: Mapping[Key, Cell]) -> Cell:
        """Where a product or a 1 without a place goes: amid its factors, or below the other end of its map."""
        if key[0] == "unit":
            ends = self.ends[str(key[2])]
            other = at.get(ends[key[1] == "dom"], (0, 0))
            return (other[0], other[1] + 1)
        cells = [at[k] for k in (("object", word) for word in self._text(key).split(" * ")) if k in at]
        return (sum(x for x, _ in cells) // len(cells), sum(y for _, y in cells) // len(cells)) if cells else (0, 0)


def _near(wanted: Cell, taken: set[Cell]) -> Cell:
    """The free cell nearest to the one that is wanted."""
    reach = 0
    while True:
        around = [
            (wanted[0] + x, wanted[1] + y)
            for x in range(-reach, reach + 1)
            for y in range(-reach, reach + 1)
            if max(abs(x), abs(y)) == reach
        ]
        free = [cell for cell in around if cell not in taken]
        if free:
            return min(free, key=lambda c: (abs(c[0] - wanted[0]) + abs(c[1] - wanted[1]), -c[1], c[0]))
        reach += 1


def _ordered(keys: list[Key]) -> list[Key]:
    """Vertices in their order; those whose place in it is known stand there."""
    known = {key[1][2]: key for key in keys if key[0] == "at"}  # type: ignore[index]
    rest = iter([key for key in keys if key[0] != "at" or known[key[1][2]] != key])  # type: ignore[index]
    found: list[Key] = []
    for place in range(len(keys)):
        key = known.pop(place, None) or next(rest, None)
        if key is not None:
            found.append(key)
    return [*found, *rest, *known.values()]


def _product(text: str) -> str:
    return r" \times ".join(map(name_tex, text.split(" * "))) if text != "1" else "1"


def _lost(diagram: Diagram, back: Diagram) -> Iterator[str]:
    """What a diagram says and the one that was read again does not."""
    shift = _shift(diagram, back)
    for name, style in diagram.styles.items():
        other = back.styles.get(name, PLAIN)
        lost = []
        for word in ("label", "curve", "colour", "quiver"):
            mine, theirs = getattr(style, word), getattr(other, word)
            same = mine == theirs or (word == "colour" and mine is not None and theirs == _shortest(mine))
            if mine is not None and not same:
                lost.append(word)
        if style.at is not None and (
            other.at is None or (other.at[0] - style.at[0], other.at[1] - style.at[1]) != shift
        ):
            lost.insert(0, "at")
        if lost:
            yield f"style `{name}`: {' and '.join(lost)} cannot be carried as given"
    plain, again = (_without_styles(d) for d in (diagram, back))
    if plain != again:
        yield "what the link says reads as another diagram"


def _shift(diagram: Diagram, back: Diagram) -> tuple[float, float]:
    """How far all was moved for the least column and row to be 0."""
    moves = [
        (back.styles[name].at[0] - style.at[0], back.styles[name].at[1] - style.at[1])  # type: ignore[index]
        for name, style in diagram.styles.items()
        if name in diagram.sorts and style.at is not None
    ]
    return moves[0] if moves else (0, 0)


def _shortest(colour: str) -> str:
    low = colour.lower()
    return "#" + low[1::2] if len(low) == 7 and low[1::2] == low[2::2] else low


def _without_styles(diagram: Diagram) -> Diagram:
    return loads("\n".join(line for line in write(diagram).splitlines() if not line.startswith("style ")))
