r"""Share links of quiver (https://q.uiver.app), the editor of commutative diagrams: a link as cells, and back.

A link ends in `#q=` and the standard base64 of compact UTF-8 JSON `[0, number of vertices, …vertices, …edges]`.

>>> link = "https://q.uiver.app/#q=WzAsMixbMCwwLCJBIl0sWzEsMCwiQiJdLFswLDEsImYiXV0="
>>> cells = decode(link)
>>> [vertex.label for vertex in cells.vertices], [(edge.source, edge.target, edge.label) for edge in cells.edges]
(['A', 'B'], [(0, 1, 'f')])
>>> encode(cells) == link
True

Written from the form as quiver documents it (github.com/varkor/quiver, `src/quiver.mjs`). What was written here has
been read by this module alone; the editor itself runs in browsers.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple, NoReturn
from urllib.parse import quote, unquote

from learningdiagrams.language.scanning import LanguageError, Problem

__all__ = ["BLACK", "FILE", "Cells", "Colour", "Edge", "Vertex", "decode", "encode", "is_link"]

FILE: Final = "LINK"
"""What stands for the file in the errors of a link, which are at `LINK:1:COLUMN`."""
HOSTS: Final = ("q.uiver.app", "varkor.github.io")
_LINK: Final = re.compile(r"(?:https?://)?(?:www\.)?([\w.-]+(?::\d+)?)(/[^?#\s]*)?([?#].*)?", re.DOTALL)


class Colour(NamedTuple):
    """Hue (0 to 360), saturation and lightness (0 to 100), and opacity (0 to 1)."""

    h: int
    s: int
    l: int  # noqa: E741  # the name that it has everywhere
    a: float = 1


BLACK: Final = Colour(0, 0, 0, 1)


@dataclass(frozen=True)
class Vertex:
    """A vertex at column x and row y."""

    x: int
    y: int
    label: str = ""
    colour: Colour = BLACK


@dataclass(frozen=True)
class Edge:
    """An arrow between two cells, by their places in the joint list of vertices, then edges.

    Attributes:
        alignment: where its label stands: 0 left, 1 centre, 2 right, 3 over.
        options: what differs from the defaults, by name; a name with a dot is within another, `style.head.name`.
    """

    source: int
    target: int
    label: str = ""
    alignment: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)
    colour: Colour = BLACK


@dataclass(frozen=True)
class Cells:
    """All cells of a link, and what stands beside them in it.

    Attributes:
        macros: definitions of LaTeX commands, a line each.
        macro_url: where definitions are kept that the link does not hold.
        renderer: what draws the labels: "katex" or "typst".
    """

    vertices: tuple[Vertex, ...] = ()
    edges: tuple[Edge, ...] = ()
    macros: str = ""
    macro_url: str = ""
    renderer: str = "katex"

    def levels(self) -> list[int]:
        """The level of every cell: vertices are 0, an arrow is one above the higher of its ends."""
        found = [0] * len(self.vertices)
        for edge in self.edges:
            found.append(max(found[edge.source], found[edge.target]) + 1)
        return found

    def cell_name(self, index: int) -> str:
        """What an error calls a cell: "vertex 2 `A`", "arrow 1 `f`"; both count from 1."""
        count = len(self.vertices)
        cell: Vertex | Edge = self.vertices[index] if index < count else self.edges[index - count]
        what = f"vertex {index + 1}" if index < count else f"arrow {index - count + 1}"
        return f"{what} `{' '.join(cell.label.split())}`" if cell.label else what


def is_link(text: str) -> bool:
    """Whether a text is meant as a link rather than as the name of a file."""
    bare = text.strip().removeprefix("<")
    found = _LINK.match(bare)
    known = found is not None and found[1] in HOSTS and bool(found[2] or found[3])
    return bool(re.match(r"[A-Za-z][A-Za-z0-9+]*://", bare)) or known


# Options ----------------------------------------------------------------------------------------------------

# The options of an arrow with their defaults, in the order in which quiver writes them.
DEFAULTS: Final[Mapping[str, Any]] = {
    "label_position": 50,
    "offset": 0,
    "curve": 0,
    "radius": 3,
    "angle": 0,
    "shorten.source": 0,
    "shorten.target": 0,
    "level": None,  # the level of the cell itself
    "colour": BLACK,
    "edge_alignment.source": True,
    "edge_alignment.target": True,
    "style.name": "arrow",
    "style.tail.name": "none",
    "style.tail.side": None,
    "style.body.name": "cell",
    "style.head.name": "arrowhead",
    "style.head.side": None,
}
_RANGES: Final = {"label_position": 100, "shorten.source": 100, "shorten.target": 100}
_SIGNED: Final = ("offset", "curve", "radius", "angle")


def _nested(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options as objects within objects, in quiver's order."""
    found: dict[str, Any] = {}
    for name in DEFAULTS:
        if name in options:
            *outer, last = name.split(".")
            inside = found
            for word in outer:
                inside = inside.setdefault(word, {})
            value = options[name]
            if isinstance(value, Colour):
                value = list(value[:3] if value.a == 1 else value)
            inside[last] = value
    return found


# Out --------------------------------------------------------------------------------------------------------


def encode(cells: Cells) -> str:
    """The link of some cells: coordinates from 0 up, defaults at the ends left out."""
    left = min((vertex.x for vertex in cells.vertices), default=0)
    top = min((vertex.y for vertex in cells.vertices), default=0)
    rows: list[Any] = [0, len(cells.vertices)]
    for vertex in cells.vertices:
        words: list[Any] = [vertex.x - left, vertex.y - top]
        if vertex.label:
            words += [vertex.label, *([list(vertex.colour)] if vertex.colour != BLACK else [])]
        rows.append(words)
    for edge in cells.edges:
        options = _nested(edge.options)
        colour = [list(edge.colour)] if edge.label and edge.colour != BLACK else []
        end: list[Any] = [edge.label, edge.alignment, options, *colour]
        if not colour and not options:
            # Where the label of nothing stands is nothing to keep, unless something follows.
            end = [edge.label, edge.alignment] if edge.label and edge.alignment else [edge.label] * bool(edge.label)
        rows.append([edge.source, edge.target, *end])
    text = json.dumps(rows, ensure_ascii=False, separators=(",", ":"))
    text = re.sub("[\ud800-\udfff]", lambda match: f"\\u{ord(match[0]):04x}", text)
    beside = "" if cells.renderer == "katex" else f"r={quote(cells.renderer)}&"
    macros = f"&macros={quote(cells.macros)}" if cells.macros else ""
    if not macros and cells.macro_url:
        macros = f"&macro_url={quote(cells.macro_url)}"
    return f"https://q.uiver.app/#{beside}q={base64.b64encode(text.encode()).decode()}{macros}"


# In ---------------------------------------------------------------------------------------------------------


def decode(link: str) -> Cells:
    """The cells of a link, checked; raises :class:`LanguageError` with all that is wrong with it.

    Options that are not known are left out, as quiver itself does.
    """
    link = re.sub(r"\s*[\r\n]\s*", "", link)  # mail breaks long lines
    bare = link.strip().removeprefix("<").removesuffix(">")
    found = _LINK.fullmatch(bare)
    if found is None or found[1] not in HOSTS:
        host = f"`{found[1]}`" if found else "it"
        _fail(f"{host} is no address of quiver; a link starts with https://q.uiver.app/#q=")
    beside = (found[3] or "")[1:]
    given: dict[str, str] = {}
    for part in re.split("[&?#]", beside):
        word, _, value = part.partition("=")
        given[word] = value
    if "q" not in given:
        if not beside:
            return Cells()  # an empty diagram has the bare address
        _fail("there is no `q=` in this link; quiver's share button gives one that has it")
    column = link.index(found[3]) + found[3].index("q=") + 3
    return replace(
        _Payload(_json(given["q"], column)).cells(),
        macros=unquote(given.get("macros", "")).strip(),
        macro_url=unquote(given.get("macro_url", "")),
        renderer=given.get("r", "katex"),
    )


def _fail(message: str, column: int = 1) -> NoReturn:
    raise LanguageError([Problem(FILE, 1, column, message)])


def _json(payload: str, column: int) -> Any:
    """What the base64 of a link stands for; `column` is where it starts in the link."""
    letters = unquote(payload) if "%" in payload else payload
    wrong = re.search(r"[^A-Za-z0-9+/=]|=(?=[^=])", letters)
    if wrong:
        close = {"-": "; standard base64 has `+`", "_": "; standard base64 has `/`", " ": "; it may have been a `+`"}
        _fail(
            f"{json.dumps(wrong[0], ensure_ascii=False)} is no letter of base64{close.get(wrong[0], '')}",
            column + (wrong.start() if letters == payload else 0),
        )
    letters = letters.rstrip("=")
    if len(letters) % 4 == 1:
        _fail("this is no base64: a letter is missing or one too many; the link may be cut off", column)
    data = base64.b64decode(letters + "=" * (-len(letters) % 4))
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        _fail(f"what the base64 stands for is no UTF-8 (byte {error.start + 1}); the link may be damaged", column)
    if not text:
        return []

    def no_number(word: str) -> NoReturn:
        raise ValueError(f"{word} is no number of JSON")

    try:
        return json.loads(text, parse_constant=no_number)
    except json.JSONDecodeError as error:
        where = f"{error.msg.lower()} at character {error.pos + 1} of {len(text)}"
        cut = "; the link may be cut off" if error.pos >= len(text) - 1 or "ntermin" in error.msg else ""
        _fail(f"what the base64 stands for is no JSON: {where}{cut}", column)
    except RecursionError:
        _fail("what the base64 stands for is no diagram: brackets are nested too deep", column)
    except ValueError as error:
        _fail(f"what the base64 stands for is no JSON: {error}", column)


def _shown(value: Any) -> str:
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else text[:39] + "…"


class _Payload:
    """Reads the JSON of a link; every cell that is wrong is noted."""

    def __init__(self, value: Any) -> None:
        self.value = value
        self.problems: list[str] = []
        self.what = ""

    def cells(self) -> Cells:
        rows = self.value
        if not isinstance(rows, list):
            _fail(f"a list [0, number of vertices, …] is expected in the link, not {_shown(rows)}")
        version, count, *rest = [*rows, *[0, 0][len(rows) :]]
        if version != 0 or isinstance(version, bool):
            _fail(f"the version of this link is {_shown(version)}; version 0 can be read")
        if not _is_whole(count) or count < 0:
            _fail(f"the number of vertices is a whole number from 0 up, not {_shown(count)}")
        if count > len(rest):
            _fail(f"{count} vertices are announced, and there {'is' if len(rest) == 1 else 'are'} {len(rest)}")
        vertices: list[Vertex | None] = []
        for number, row in enumerate(rest[:count], 1):
            self.what = f"vertex {number}"
            vertices.append(self.vertex(row))
        edges: list[Edge | None] = []
        for number, row in enumerate(rest[count:], 1):
            self.what = f"arrow {number}"
            edges.append(self.edge(row, count + number - 1))
        cell: dict[tuple[int, int], int] = {}
        for number, vertex in enumerate(vertices, 1):
            if vertex is not None and (other := cell.setdefault((vertex.x, vertex.y), number)) != number:
                self.what = f"vertex {number}"
                self.wrong(f"it stands at ({vertex.x}, {vertex.y}), where vertex {other} is already")
        if self.problems:
            raise LanguageError(Problem(FILE, 1, 1, message) for message in self.problems)
        return Cells(tuple(v for v in vertices if v is not None), tuple(e for e in edges if e is not None))

    def wrong(self, message: str) -> None:
        self.problems.append(f"{self.what}: {message}")

    def row(self, row: Any, most: int, form: str) -> list[Any] | None:
        if isinstance(row, list) and 2 <= len(row) <= most:
            return row
        what = f"it has {len(row)} entries" if isinstance(row, list) else f"it is {_shown(row)}"
        self.wrong(f"{what}; it is written {form}")
        return None

    def vertex(self, row: Any) -> Vertex | None:
        cells = self.row(row, 4, "[x, y, label, colour]")
        if cells is None:
            return None
        x, y, label, colour = [*cells, *[0, 0, "", list(BLACK)][len(cells) :]]
        parts = (self.natural("x", x), self.natural("y", y), self.text(label), self.colour("colour", colour))
        return None if None in parts else Vertex(*parts)  # type: ignore[arg-type]

    def edge(self, row: Any, place: int) -> Edge | None:
        cells = self.row(row, 6, "[source, target, label, alignment, options, label colour]")
        if cells is None:
            return None
        source, target, label, alignment, options, colour = [*cells, *[0, 0, "", 0, {}, list(BLACK)][len(cells) :]]
        parts = (
            self.end("source", source, place),
            self.end("target", target, place),
            self.text(label),
            self.natural("alignment", alignment, 3),
            self.options(options),
            self.colour("label colour", colour),
        )
        return None if None in parts else Edge(*parts)  # type: ignore[arg-type]

    def end(self, what: str, value: Any, place: int) -> int | None:
        index = self.natural(what, value)
        if index is not None and index >= place:
            count = "no cell is" if place == 0 else f"{place} cell{'s are' if place > 1 else ' is'}"
            self.wrong(f"its {what} is cell {index}, counted from 0, and {count} before it")
            return None
        return index

    def natural(self, what: str, value: Any, most: int | None = None) -> int | None:
        if _is_whole(value) and value >= 0 and (most is None or value <= most):
            return int(value)
        wanted = "from 0 up" if most is None else f"from 0 to {most}"
        self.wrong(f"{what} is a whole number {wanted}, not {_shown(value)}")
        return None

    def text(self, value: Any) -> str | None:
        if isinstance(value, str):
            return value
        self.wrong(f"its label is a text, not {_shown(value)}")
        return None

    def colour(self, what: str, value: Any) -> Colour | None:
        if isinstance(value, list) and len(value) in (3, 4):
            most = (360, 100, 100)
            whole = all(_is_whole(x) and 0 <= x <= top for x, top in zip(value, most, strict=False))
            alpha = value[3] if len(value) == 4 else 1
            if whole and isinstance(alpha, int | float) and not isinstance(alpha, bool) and 0 <= alpha <= 1:
                h, s, light = map(int, value[:3])
                return Colour(h, s, light, int(alpha) if alpha == int(alpha) else alpha)
        self.wrong(f"its {what} is [hue, saturation, lightness], up to 360, 100 and 100, not {json.dumps(value)}")
        return None

    def options(self, value: Any) -> dict[str, Any] | None:
        """The known options that differ from the defaults; those of earlier versions of quiver in today's words."""
        if not isinstance(value, dict):
            self.wrong(f"its options are an object, not {_shown(value)}")
            return None
        known = len(self.problems)
        given = dict(_flat(value))
        if "style.body.level" in given:
            given.setdefault("level", given["style.body.level"])
        if "length" in given and (length := self.natural("length", given["length"], 100)) is not None:
            rest = 100 - length
            given.setdefault("shorten.source", rest // 2)
            given.setdefault("shorten.target", rest - rest // 2)
        found = {}
        for name, default in DEFAULTS.items():
            if name not in given:
                continue
            made = self.option(name, given[name])
            if made is not None and made != default:
                found[name] = made
        if found.get("shorten.source", 0) + found.get("shorten.target", 0) > 100:
            self.wrong("it is shortened by more than its length")
        return None if len(self.problems) > known else found

    def option(self, name: str, value: Any) -> Any:
        if name == "colour":
            return self.colour(name, value)
        if name.startswith("edge_alignment"):
            if isinstance(value, bool):
                return value
            self.wrong(f"{name} is true or false, not {_shown(value)}")
        elif name.startswith("style"):
            if isinstance(value, str):
                return value
            self.wrong(f"{name} is a text, not {_shown(value)}")
        elif name in _SIGNED:
            if _is_whole(value):
                return int(value)
            self.wrong(f"{name} is a whole number, not {_shown(value)}")
        else:
            made = self.natural(name, value, _RANGES.get(name))
            if made == 0 and name == "level":
                self.wrong("level is a whole number from 1 up, not 0")
            return made
        return None


def _is_whole(value: Any) -> bool:
    return value.is_integer() if isinstance(value, float) else isinstance(value, int) and not isinstance(value, bool)


def _flat(options: Mapping[str, Any], before: str = "") -> list[tuple[str, Any]]:
    """Options by their names, with a dot where one is within another, at most three deep."""
    found = []
    for name, value in options.items():
        deeper = f"{before}{name}"
        if isinstance(value, dict) and deeper in ("shorten", "edge_alignment", "style", *_STYLES):
            found += _flat(value, f"{deeper}.")
        else:
            found.append((deeper, value))
    return found


_STYLES: Final = ("style.tail", "style.body", "style.head")
