"""The JSON form of a diagram: one object, versioned, with morphisms and calls as text.

>>> from learningdiagrams.language import loads
>>> d = loads('''
... object S, A[3]
... data  x : S -> A
... model f : A -> A = linear(3, 3)
... goal  g : x >> f = x weight 0.5
... ''')
>>> loads_json(write_json(d)) == d
True
>>> loads_json('{"format": "learningdiagrams", "version": 1, "objects": [{"name": "x y"}]}')
Traceback (most recent call last):
learningdiagrams.language.scanning.LanguageError: <text>:1:67: objects[0].name: `x y` is no name; ...
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, NoReturn

from lark import Token, Tree

from learningdiagrams.calls import DEEPEST
from learningdiagrams.diagram import Diagram
from learningdiagrams.errors import suggestion
from learningdiagrams.language import build
from learningdiagrams.language.reading import Declaration
from learningdiagrams.language.scanning import Line, Source, quoted, words
from learningdiagrams.language.syntax import Node, parse
from learningdiagrams.language.writing import argument, check_writable, style_options

__all__ = ["FORMAT", "VERSION", "Item", "JsonSource", "json_source", "loads_json", "write_json"]

FORMAT: Final = "learningdiagrams"
VERSION: Final = 1

# The fields of each kind of thing: those that it has, then those that it may have.
FIELDS: Final[Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "objects": (("name",), ("shape", "dtype")),
    "generators": (("role", "name", "dom", "cod"), ("realisation",)),
    "laws": (("name", "left", "right"), ()),
    "goals": (("name", "left", "right"), ("on", "by", "weight", "train")),
    "measures": (("name", "left", "right", "by"), ("on",)),
    "stages": (("name", "train", "by"), ("epochs", "steps")),
    "styles": (("name",), ("at", "label", "curve", "colour", "quiver")),
}
ROLES: Final = ("map", "data", "noise", "model", "frozen", "fixed")


def write_json(diagram: Diagram) -> str:
    """The JSON form of a diagram; raises :class:`DiagramError` where a file cannot hold it."""
    check_writable(diagram)
    named = {"name": diagram.name} if diagram.name != "diagram" else {}
    form: dict[str, Any] = {"format": FORMAT, "version": VERSION, **named}
    for kind, things in _things(diagram).items():
        if things:
            form[kind] = things
    text = json.dumps(form, ensure_ascii=False, indent=2)
    return re.sub("[\ud800-\udfff]", lambda match: f"\\u{ord(match[0]):04x}", text)


def _things(diagram: Diagram) -> dict[str, list[dict[str, Any]]]:
    def sides(value: Any) -> dict[str, Any]:
        return {"name": value.name, "left": value.left.text(), "right": value.right.text()}

    def notes(value: Any) -> dict[str, Any]:
        along = {"on": [morphism.text() for morphism in value.on]} if value.on else {}
        return {**sides(value), **along, "by": argument(value.by)}

    def goal(value: Any) -> dict[str, Any]:
        weight = value.weight if isinstance(value.weight, float) else argument(value.weight)
        moved = {"train": list(value.train)} if value.train is not None else {}
        return {**notes(value), **({"weight": weight} if weight != 1 else {}), **moved}

    def generator(name: str) -> dict[str, Any]:
        morphism, role = diagram.generators[name], diagram.roles[name]
        ends = {"dom": str(morphism.dom), "cod": str(morphism.cod)}
        made = {"realisation": argument(diagram.specs[name])} if name in diagram.specs else {}
        return {"role": "model" if role == "ema" else role, "name": name, **ends, **made}

    def space(name: str) -> dict[str, Any]:
        shape, dtype = diagram.spaces[name].shape, diagram.spaces[name].dtype
        axes = {"shape": list(shape)} if shape is not None else {}
        return {"name": name, **axes, **({"dtype": dtype} if dtype != "float" else {})}

    def stage(value: Any) -> dict[str, Any]:
        lasts = {word: getattr(value, word) for word in ("epochs", "steps") if getattr(value, word) is not None}
        return {"name": value.name, "train": list(value.train), "by": list(value.by), **lasts}

    return {
        "objects": [space(name) for name in diagram.sorts],
        "generators": [generator(name) for name in diagram.generators],
        "laws": [sides(law) for law in diagram.laws.values()],
        "goals": [goal(value) for value in diagram.goals.values()],
        "measures": [notes(value) for value in diagram.measures.values()],
        "stages": [stage(value) for value in diagram.stages.values()],
        "styles": [{"name": name, **style_options(style)} for name, style in diagram.styles.items()],
    }


# JSON with places -------------------------------------------------------------------------------------------


class Item(NamedTuple):
    """A value of JSON as it stands in the text: lists hold items, objects items by name."""

    value: Any
    at: int
    key: int
    raw: str


_WORD = re.compile(r'[{}\[\],:]|"(?:[^"\\]|\\.)*"|[^\s{}\[\],:"]+')
_LETTER = re.compile(r"\\u[dD][89abAB]..\\u[dD][c-fC-F]..|\\u....|\\.|.", re.DOTALL)


class JsonSource(Source):
    """A text of JSON, whose problems say where in the JSON they are: `goals[2].left: …`."""

    def __init__(self, text: str, file: str) -> None:
        self.root: Item | None = None
        self._places: list[tuple[int, str, Item]] | None = None
        super().__init__(text, file)

    def wrong(self, offset: int, message: str) -> None:
        """Notes a problem; within a text of the JSON an offset counts the characters that it stands for."""
        if self._places is None:
            self._places = sorted(self._walk(), key=_offset) if self.root is not None else []
        found = bisect_right(self._places, offset, key=_offset) - 1
        if found < 0:
            super().wrong(offset, message)
            return
        at, path, item = self._places[found]
        if isinstance(item.value, str) and offset > at and "\\" in item.raw:
            letters = [match.end() for match in _LETTER.finditer(item.raw, 1, len(item.raw) - 1)]
            offset = at + [1, *letters][min(offset - at - 1, len(letters))]
        super().wrong(offset, f"{path}: {message}" if path else message)

    def _walk(self) -> Iterator[tuple[int, str, Item]]:
        """The start of every value, of the keys too, with its path."""
        assert self.root is not None
        stack = [("", self.root)]
        while stack:
            path, item = stack.pop()
            yield item.at, path, item
            if isinstance(item.value, list):
                stack += [(f"{path}[{i}]", inner) for i, inner in enumerate(item.value)]
            elif isinstance(item.value, dict):
                for key, inner in item.value.items():
                    yield inner.key, path, item
                    stack.append((f"{path}.{key}" if path else key, inner))


def _offset(place: tuple[int, str, Item]) -> int:
    return place[0]


def json_source(text: str, file: str) -> JsonSource:
    """A text of JSON, read with the places of all values; raises :class:`LanguageError` where it is none."""
    source = JsonSource(text, file)
    source.root = _read(source)
    source.check()
    return source


def _read(source: JsonSource) -> Item | None:
    """The whole text, with places; None, with the problem noted, where it is no JSON."""

    def no_number(word: str) -> NoReturn:
        raise ValueError(f"{word} is no number of JSON")

    try:
        json.loads(source.text, parse_constant=no_number)
    except json.JSONDecodeError as error:
        source.wrong(error.pos, f"this is no JSON: {error.msg}")
        return None
    except (ValueError, RecursionError) as error:
        reason = "brackets are nested too deep" if isinstance(error, RecursionError) else str(error)
        source.wrong(0, f"this JSON cannot be read: {reason}")
        return None
    root: Item | None = None
    key: tuple[str, int] | None = None
    open_values: list[Any] = []
    for match in _WORD.finditer(source.text):
        word, at = match[0], match.start()
        if word in (",", ":"):
            continue
        if word in ("}", "]"):
            open_values.pop()
            continue
        inside = open_values[-1] if open_values else None
        value: Any = {} if word == "{" else [] if word == "[" else json.loads(word)
        if isinstance(inside, dict) and key is None:
            key = (value, at)
            continue
        item = Item(value, at, key[1] if key else at, word)
        if isinstance(inside, dict):
            assert key is not None
            if key[0] in inside:
                source.wrong(key[1], f"`{key[0]}` is given twice; once is enough")
            inside[key[0]], key = item, None
        elif isinstance(inside, list):
            inside.append(item)
        else:
            root = item
        if word in ("{", "["):
            open_values.append(value)
            if len(open_values) > DEEPEST:
                source.wrong(at, f"brackets stand within more than {DEEPEST} others here")
                return None
    return root


# JSON to declarations ---------------------------------------------------------------------------------------


def loads_json(text: str, *, file: str = "<text>", directory: str | Path | None = None, trust: bool = False) -> Diagram:
    """The diagram that a text in the JSON form declares; arguments and errors as for `loads`.

    A message starts with where in the JSON it belongs: `x.json:12:15: goals[2].left: there is no map …`.
    """
    source = json_source(text, file)
    if _is_catlab(source.root):
        from learningdiagrams.language.catlab_form import read_catlab

        return read_catlab(source, directory, trust)
    declarations = list(Form(source, source.root).declarations())
    return build(source, declarations, directory, trust)


def _is_catlab(root: Item | None) -> bool:
    """Whether a JSON text is a schema of Catlab's rather than our form."""
    return root is not None and isinstance(root.value, dict) and "format" not in root.value and "Ob" in root.value


class Form:
    """Reads the JSON form at some place of a text into the trees that the grammar has for declarations."""

    def __init__(self, source: JsonSource, root: Item | None) -> None:
        self.source = source
        self.root = root

    def declarations(self) -> Iterator[Declaration]:
        root = self.root
        assert root is not None
        if not isinstance(root.value, dict) or "format" not in root.value:
            self.source.wrong(root.at, f'this is no diagram: an object with "format": "{FORMAT}" is expected')
            return
        for field, wanted in (("format", FORMAT), ("version", VERSION)):
            item = root.value.get(field)
            if item is None or item.value != wanted or isinstance(item.value, bool):
                given = "nothing" if item is None else _shown(item)
                self.source.wrong((item or root).at, f"`{field}` is {json.dumps(wanted)} here, not {given}")
                return
        known = ("format", "version", "name", *FIELDS)
        for key, item in root.value.items():
            if key not in known:
                self.source.wrong(item.key, f"there is no field `{key}`{suggestion(key, known)}")
        if "name" in root.value and (name := self.typed(root.value["name"], str, "a text")):
            yield Declaration(Tree("title", [Token("TEXT", quoted(name.value), name.at)]), name.at, ())
        for kind in FIELDS:
            things = self.typed(root.value[kind], list, "a list") if kind in root.value else None
            for item in things.value if things else ():
                yield self.declaration(kind, item)

    def declaration(self, kind: str, item: Item) -> Declaration:
        """The declaration that an item of one of the lists is; its tree is None where something is wrong."""
        fields = self.fields(item, *FIELDS[kind])
        name = self.name(fields["name"]) if fields and "name" in fields else None
        tree = None
        if fields is not None and name is not None:
            tree = getattr(self, f"_{kind}")(name, fields)
        # A style declares no name, it bears that of what it belongs to.
        return Declaration(tree, item.at, () if name is None or kind == "styles" else (name,))

    def _objects(self, name: Token, fields: dict[str, Item]) -> Tree[Any] | None:
        parts: list[Any] = [name]
        if "shape" in fields:
            axes = self.listed(fields["shape"], self.axis)
            if axes is None:
                return None
            parts.append(Tree("shape", axes))
        if "dtype" in fields:
            kind = self.typed(fields["dtype"], str, "a text")
            if kind is None:
                return None
            parts.append(Tree("kind", [Token("NAME", kind.value, kind.at)]))
        return Tree("objects", [Tree("object", parts)])

    def _generators(self, name: Token, fields: dict[str, Item]) -> Tree[Any] | None:
        role = self.typed(fields["role"], str, "a text") if "role" in fields else None
        if role is not None and role.value not in ROLES:
            hint = suggestion(role.value, ROLES) or f"; roles are {', '.join(ROLES)}"
            self.source.wrong(role.at, f"there is no role `{role.value}`{hint}")
            role = None
        parts = [self.text(fields, "dom", "type"), self.text(fields, "cod", "type")]
        if "realisation" in fields:
            parts.append(self.text(fields, "realisation", "call"))
        if role is None or None in parts:
            return None
        return Tree("generator", [Token("NAME", role.value, role.at), name, *parts])

    def _laws(self, name: Token, fields: dict[str, Item]) -> Tree[Any] | None:
        equation = self.equation(fields)
        return None if equation is None else Tree("law", [name, equation])

    def _goals(self, name: Token, fields: dict[str, Item], rule: str = "goal") -> Tree[Any] | None:
        parts: list[Any] = [self.equation(fields)]
        if "on" in fields:
            parts.append(self.note("on", fields, lambda item: self.parsed(item, "expression")))
        if "by" in fields:
            by = self.text(fields, "by", "call")
            parts.append(by and Tree("by", [Token("BY", "by", fields["by"].at), by]))
        if "weight" in fields:
            weight = fields["weight"]
            node = self.parsed(weight, "call") if isinstance(weight.value, str) else self.number(weight)
            parts.append(node and Tree("weight", [Token("WEIGHT", "weight", weight.at), node]))
        if "train" in fields:
            parts.append(self.note("train", fields, self.name))
        return None if None in parts else Tree(rule, [name, *parts])

    def _measures(self, name: Token, fields: dict[str, Item]) -> Tree[Any] | None:
        return self._goals(name, fields, "measure") if "by" in fields else None

    def _stages(self, name: Token, fields: dict[str, Item]) -> Tree[Any] | None:
        parts: list[Any] = [self.note(word, fields, self.name) for word in ("train", "by") if word in fields]
        for word in ("epochs", "steps"):
            if word in fields:
                number = self.number(fields[word])
                parts.append(number and Tree(word, [Token("NAME", word, fields[word].at), number]))
        return Tree("stage", [name, *parts]) if None not in parts and {"train", "by"} <= set(fields) else None

    def _styles(self, name: Token, fields: dict[str, Item]) -> Tree[Any]:
        options = [(key, item) for key, item in fields.items() if key != "name"]
        return Tree(
            "style",
            [name, *(Tree("option", [Token("NAME", key, i.at), self.literal(i)]) for key, i in options)],
        )

    # Parts of declarations ----------------------------------------------------------------------------------

    def fields(self, item: Item, has: Sequence[str], may: Sequence[str]) -> dict[str, Item] | None:
        """The known fields of an object; unknown and missing ones are noted."""
        if self.typed(item, dict, "an object") is None:
            return None
        for key, value in item.value.items():
            if key not in has and key not in may:
                self.source.wrong(value.key, f"there is no field `{key}`{suggestion(key, (*has, *may))}")
        for key in has:
            if key not in item.value:
                self.source.wrong(item.at, f"`{key}` is missing")
        return {key: value for key, value in item.value.items() if key in has or key in may}

    def typed(self, item: Item, kind: type, what: str) -> Item | None:
        if isinstance(item.value, kind):
            return item
        self.source.wrong(item.at, f"{what} is wanted here, not {_shown(item)}")
        return None

    def line(self, item: Item) -> Line:
        return words(self.source, item.value, item.at + 1)

    def name(self, item: Item) -> Token | None:
        if self.typed(item, str, "a name") is None:
            return None
        tokens, sound = self.line(item)
        if sound and len(tokens) == 1 and tokens[0].type == "NAME":
            return tokens[0]
        if sound:
            reserved = len(tokens) == 1 and tokens[0].isidentifier()
            reason = "a word of the language" if reserved else "no name"
            self.source.wrong(item.at, f"`{item.value}` is {reason}; a name is a word, such as `student`")
        return None

    def parsed(self, item: Item, rule: str) -> Node | None:
        return None if self.typed(item, str, "a text") is None else parse(self.source, self.line(item), rule)

    def text(self, fields: Mapping[str, Item], key: str, rule: str) -> Node | None:
        return self.parsed(fields[key], rule) if key in fields else None

    def equation(self, fields: Mapping[str, Item]) -> Tree[Any] | None:
        left, right = self.text(fields, "left", "expression"), self.text(fields, "right", "expression")
        return None if left is None or right is None else Tree("equation", [left, right])

    def listed(self, item: Item, read: Any) -> list[Any] | None:
        """What `read` makes of each item of a list; None where one of them is faulty."""
        if self.typed(item, list, "a list") is None:
            return None
        made = [read(inner) for inner in item.value]
        return None if None in made else made

    def note(self, word: str, fields: Mapping[str, Item], read: Any) -> Tree[Any] | None:
        made = self.listed(fields[word], read)
        if made == []:
            self.source.wrong(fields[word].at, f"`{word}` names nothing; leave it out, or name something")
            return None
        return None if made is None else Tree(word, [Token("NAME", word, fields[word].at), *made])

    def axis(self, item: Item) -> Token | None:
        if not isinstance(item.value, str):
            return self.number(item)
        tokens = self.line(item).tokens
        if len(tokens) == 1 and tokens[0].isidentifier():
            return Token("NAME", str(tokens[0]), item.at)  # any word names an axis
        return self.name(item)

    def number(self, item: Item) -> Token | None:
        if isinstance(item.value, int | float) and not isinstance(item.value, bool):
            return Token("NUMBER", item.raw, item.at)
        self.source.wrong(item.at, f"a number is wanted here, not {_shown(item)}")
        return None

    def literal(self, item: Item) -> Node:
        """A value of JSON as the tree of the value that it is in a call."""
        if isinstance(item.value, str):
            return Token("TEXT", quoted(item.value), item.at)
        if isinstance(item.value, bool) or item.value is None:
            return Tree("call", [Token("NAME", str(item.value), item.at)])
        if isinstance(item.value, list):
            return Tree("tuple", [Token("OPEN", "(", item.at), *map(self.literal, item.value)])
        if isinstance(item.value, dict):
            return Token("TEXT", quoted("{…}"), item.at)
        return Token("NUMBER", item.raw, item.at)


def _shown(item: Item) -> str:
    if isinstance(item.value, dict | list):
        return "an object" if isinstance(item.value, dict) else "a list"
    return json.dumps(item.value, ensure_ascii=False)
