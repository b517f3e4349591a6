"""Diagrams as Catlab reads them, `.catlab.json`: a schema of ACSets.jl, and beside it our own JSON form.

Catlab reads the schema, objects, generators and laws, and passes over the field `learningdiagrams`, which has the
whole diagram: roles, shapes, realisations, goals. A file without that field, as Catlab writes it, is a diagram whose
generators have no role; its attribute types are objects like the others.

>>> from learningdiagrams.language import loads
>>> from learningdiagrams.language.json_form import loads_json
>>> d = loads('''
... object S, A
... data  x : S -> A
... model f : A -> A
... law   twice : f >> f = f
... goal  g : x >> f = x weight 0.5
... ''')
>>> loads_json(write_catlab(d)) == d
True
>>> print(loads_json('{"Ob": [{"name": "X"}], "Hom": [{"name": "s", "dom": "X", "codom": "X"}],'
...                  ' "equations": [{"name": null, "dom": "X", "codom": "X", "paths": [["s", "s"], []]}]}'))
object X
map    s : X -> X
<BLANKLINE>
law s >> s = id(X)
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from learningdiagrams.diagram import Diagram
from learningdiagrams.errors import About, DiagramError
from learningdiagrams.language import build
from learningdiagrams.language.json_form import FORMAT, VERSION, Form, Item, JsonSource, write_json
from learningdiagrams.theory.catlab.acsets import check_schema, path, read_schema, schema_form, single
from learningdiagrams.theory.errors import TheoryError

__all__ = ["BESIDE", "read_catlab", "write_catlab"]

BESIDE: Final = "learningdiagrams"
SCHEMA: Final = ("Ob", "Hom", "AttrType", "Attr", "equations")
DIFFERENT: Final = "`{key}` is not that of the diagram in `{beside}`; change both alike, or take `{beside}` away"


def write_catlab(diagram: Diagram) -> str:
    """The text of a `.catlab.json` file; raises :class:`DiagramError`, naming all that Catlab's schemas have not."""
    if problems := list(_problems(diagram)):
        raise DiagramError.of(problems)
    schema = json.dumps(schema_form(diagram.presentation), ensure_ascii=False, indent=2)
    beside = write_json(diagram).replace("\n", "\n  ")
    return f'{schema.removesuffix("}").rstrip()},\n  "{BESIDE}": {beside}\n}}'


def _problems(diagram: Diagram) -> Iterator[About]:
    for name, generator in diagram.generators.items():
        for end, verb in ((generator.dom, "starts"), (generator.cod, "ends")):
            try:
                single(f"`{name}` {verb} at", end)
            except TheoryError as error:
                yield About(str(error), name)
                break
    for name, law in diagram.laws.items():
        try:
            path(law.left), path(law.right)
        except TheoryError as error:
            yield About(str(error), name)


def read_catlab(source: JsonSource, directory: str | Path | None, trust: bool) -> Diagram:
    """The diagram of a `.catlab.json` text; errors as for our form."""
    assert source.root is not None
    root = source.root.value
    plain = _plain(source.root)
    if BESIDE not in root:
        with _placed(source, source.root):
            check_schema(plain)
        # Names are read by our own form, whose errors know their places; what is left is said of the whole.
        diagram = build(source, list(Form(source, _as_form(source.root)).declarations()), directory, trust)
        with _placed(source, source.root):
            read_schema(plain)
        return diagram
    diagram = build(source, list(Form(source, root[BESIDE]).declarations()), directory, trust)
    with _placed(source, root[BESIDE]):
        ours = schema_form(diagram.presentation)
    for key in SCHEMA:
        if plain.get(key, []) != ours[key]:
            item = root.get(key, source.root)
            source.wrong(item.at, DIFFERENT.format(key=key, beside=BESIDE))
    source.check()
    return diagram


@contextmanager
def _placed(source: JsonSource, item: Item) -> Iterator[None]:
    """Turns what the theory objects to into an error of the text at the place of an item."""
    try:
        yield
    except TheoryError as error:
        source.wrong(item.at, str(error))
        source.check()


def _plain(item: Item) -> Any:
    if isinstance(item.value, dict):
        return {key: _plain(inner) for key, inner in item.value.items()}
    return [_plain(inner) for inner in item.value] if isinstance(item.value, list) else item.value


def _as_form(root: Item) -> Item:
    """Our form of a schema, whose parts stand where they stand in the schema."""
    lists = {key: root.value[key].value if key in root.value else [] for key in SCHEMA}
    objects = [Item({"name": it.value["name"]}, it.at, it.key, it.raw) for it in (*lists["Ob"], *lists["AttrType"])]
    generators = []
    for it in (*lists["Hom"], *lists["Attr"]):
        fields = {"role": _item("map", it), "name": it.value["name"]}
        generators.append(Item({**fields, "dom": it.value["dom"], "cod": it.value["codom"]}, it.at, it.key, it.raw))
    taken = {it.value["name"].value for it in (*objects, *generators)}
    laws = []
    for it in lists["equations"]:
        start = it.value["dom"].value
        sides = [" >> ".join(name.value for name in side.value) or f"id({start})" for side in it.value["paths"].value]
        given = it.value.get("name")
        for other in sides[1:]:
            if given is None or given.value is None or len(sides) > 2:
                name = _item(_fresh(len(laws), taken), it)
            else:
                name = given
            taken.add(name.value)
            fields = {"name": name, "left": _item(sides[0], it), "right": _item(other, it)}
            laws.append(Item(fields, it.at, it.key, it.raw))
    kinds = {"objects": objects, "generators": generators, "laws": laws}
    form = {"format": _item(FORMAT, root), "version": _item(VERSION, root)}
    return Item({**form, **{kind: _item(things, root) for kind, things in kinds.items()}}, root.at, root.key, root.raw)


def _fresh(number: int, taken: set[str]) -> str:
    """The name that a law without one gets."""
    while f"law{number}" in taken:
        number += 1
    return f"law{number}"


def _item(value: Any, at: Item) -> Item:
    """A value that is nowhere in the text, at the place of another."""
    return Item(value, at.at, at.at, json.dumps(value) if isinstance(value, str) else at.raw)
