"""The forms of ours in JSON, for what Catlab has none of, and one door for all forms: `to_json`, `from_json`.

Functors, homomorphisms of C-sets and diagrams of presentations are one object each that says what it is:
`{"format": "learningdiagrams.catlab", "version": 1, "kind": "functor", …}`. Its parts are schemas, instances and
s-expressions in Catlab's forms (see `catlab/acsets.py`); the page *With Catlab* of the documentation lists the fields.
Positions count from 1, as in Julia. Wiring diagrams are written as Catlab writes them.

>>> P = from_json('{"Ob": [{"name": "X"}], "Hom": [{"name": "s", "dom": "X", "codom": "X"}], "AttrType": [],'
...               ' "Attr": [], "equations": [{"name": null, "dom": "X", "codom": "X", "paths": [["s", "s"], []]}]}')
>>> to_json(Functor(P, P, {"X": "X"}, {"s": P["s"] >> P["s"]}))[-47:]
'"Ob":{"X":"X"},"Hom":{"s":["compose","s","s"]}}'
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from learningdiagrams.theory.catlab.acsets import (
    component_lists,
    from_sexpr,
    instance_form,
    read_components,
    read_instance,
    read_schema,
    schema_form,
    single,
    sort_of,
    speller,
    to_sexpr,
)
from learningdiagrams.theory.colimits import Arrow
from learningdiagrams.theory.csets import CSet, Homomorphism
from learningdiagrams.theory.errors import TheoryError
from learningdiagrams.theory.functors import Functor
from learningdiagrams.theory.morphisms import Generator, Morphism, Object, Term
from learningdiagrams.theory.presentations import Presentation
from learningdiagrams.theory.terms import applications, unmarked

__all__ = ["PresentationDiagram", "dumped", "from_json", "read_form", "to_json", "wiring_form"]

FORMAT: Final = "learningdiagrams.catlab"
VERSION: Final = 1


@dataclass(frozen=True)
class PresentationDiagram:
    """Presentations, and functors between them as (from, to, functor), positions from 0: what `colimit` takes."""

    presentations: tuple[Presentation, ...]
    arrows: tuple[Arrow, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "presentations", tuple(self.presentations))
        object.__setattr__(self, "arrows", tuple((source, target, F) for source, target, F in self.arrows))
        for source, target, functor in self.arrows:
            ends = (self.presentations[source], self.presentations[target])
            if functor.dom is not ends[0] or functor.cod is not ends[1]:
                raise TheoryError(f"diagram: ({source}, {target}, {functor!r}): it goes between other presentations")


def to_json(value: Presentation | CSet | Functor | Homomorphism | PresentationDiagram) -> str:
    """The JSON text of a value: Catlab's for presentations and C-sets, ours for the rest.

    Raises :class:`TheoryError` where the value has something that Catlab has not: products, or a C-set that
    is no model.

    >>> P = Presentation("Loop")
    >>> (X,) = P.objects("X")
    >>> t = P.morphism("t", X, X)
    >>> to_json(CSet(P, {"X": "ab"}, {"t": "bb"}))
    '{"X":[{"_id":1,"t":2},{"_id":2,"t":2}]}'
    """
    if isinstance(value, Presentation):
        form = schema_form(value)
    elif isinstance(value, CSet):
        form = instance_form(value)
    elif isinstance(value, Functor):
        form = _of_kind("functor", dom=_named(value.dom), codom=_named(value.cod), **_functor_form(value))
    elif isinstance(value, Homomorphism):
        dom, cod = instance_form(value.dom), instance_form(value.cod)
        schema, components = _named(value.dom.presentation), component_lists(value)
        form = _of_kind("homomorphism", schema=schema, dom=dom, codom=cod, components=components)
    elif isinstance(value, PresentationDiagram):
        presentations = [_named(P) for P in value.presentations]
        arrows = [{"from": i + 1, "to": j + 1, **_functor_form(F)} for i, j, F in value.arrows]
        form = _of_kind("diagram of presentations", presentations=presentations, functors=arrows)
    else:
        raise TheoryError(f"to_json: {value!r} is no presentation, C-set, functor, homomorphism or diagram of them")
    return dumped(form)


def from_json(text: str, schema: Presentation | None = None) -> Any:
    """The value that a JSON text is: a schema, one of our forms, or, where `schema` is given, an instance of it.

    Raises :class:`TheoryError` for a text that is none of these, saying where, and for an instance that violates
    the equations of its schema, which Catlab takes without a word.
    """
    try:
        form = json.loads(text)
    except ValueError as error:
        raise TheoryError(f"this is no JSON: {error}") from error
    return read_form(form, schema)


def dumped(form: Any) -> str:
    """A form as text, without blanks, as Catlab's JSON3 writes it."""
    return json.dumps(form, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def read_form(form: Any, schema: Presentation | None = None) -> Any:
    """The value of a form that is read as JSON already; see :func:`from_json`."""
    if not isinstance(form, dict):
        raise TheoryError("a schema, an instance or a form of ours is one JSON object")
    if "format" in form:
        if form["format"] != FORMAT or form.get("version") != VERSION:
            raise TheoryError(f'`format` is "{FORMAT}" and `version` {VERSION} here')
        kind = form.get("kind")
        if not isinstance(kind, str) or kind not in _READERS:
            raise TheoryError(f"there is no kind {kind!r}; there are {', '.join(_READERS)}")
        return _READERS[kind](form)
    if isinstance(form.get("Ob"), list) and "Hom" in form:
        return read_schema(form)
    if schema is None:
        raise TheoryError("an instance does not name its schema: from_json(text, schema=…)")
    return read_instance(form, schema)


# Our own forms ----------------------------------------------------------------------------------------------


def _of_kind(kind: str, **fields: Any) -> dict[str, Any]:
    return {"format": FORMAT, "version": VERSION, "kind": kind, **fields}


def _named(presentation: Presentation) -> dict[str, Any]:
    return {"name": presentation.name, **schema_form(presentation)}


def _functor_form(functor: Functor) -> dict[str, Any]:
    there, here = speller(functor.cod), speller(functor.dom)
    objects = {here(name): there(single(f"`{name}` goes to", it)) for name, it in functor.objects.items()}
    return {
        "Ob": objects,
        "Hom": {here(name): to_sexpr(image, functor.cod) for name, image in functor.morphisms.items()},
    }


def _read_functor(form: Mapping[str, Any], dom: Presentation, cod: Presentation) -> Functor:
    objects, morphisms = _field(form, "Ob", dict), _field(form, "Hom", dict)
    images = {name: sort_of(cod, image) for name, image in objects.items()}
    return Functor(dom, cod, images, {name: from_sexpr(cod, image) for name, image in morphisms.items()})


def _functor(form: Mapping[str, Any]) -> Functor:
    dom, cod = (read_schema(_field(form, key, dict), key) for key in ("dom", "codom"))
    return _read_functor(form, dom, cod)


def _homomorphism(form: Mapping[str, Any]) -> Homomorphism:
    schema = read_schema(_field(form, "schema", dict))
    dom, cod = (read_instance(_field(form, key, dict), schema) for key in ("dom", "codom"))
    return read_components(_field(form, "components", dict), dom, cod)


def _cset(form: Mapping[str, Any]) -> CSet:
    return read_instance(_field(form, "instance", dict), read_schema(_field(form, "schema", dict)))


def _diagram(form: Mapping[str, Any]) -> PresentationDiagram:
    parts = [read_schema(it, f"presentation {i}") for i, it in enumerate(_objects(form, "presentations"), start=1)]
    arrows = []
    for it in _objects(form, "functors"):
        source, target = _field(it, "from", int) - 1, _field(it, "to", int) - 1
        if not (0 <= source < len(parts) and 0 <= target < len(parts)):
            raise TheoryError(f"a functor goes from {source + 1} to {target + 1}; positions are 1 … {len(parts)}")
        arrows.append((source, target, _read_functor(it, parts[source], parts[target])))
    return PresentationDiagram(tuple(parts), tuple(arrows))


def _field(form: Mapping[str, Any], key: str, kind: type) -> Any:
    found = form.get(key)
    if not isinstance(found, kind):
        words = {dict: "an object", list: "a list", int: "a number"}
        raise TheoryError(f"`{key}` is {words[kind]} of JSON here, not {found!r}")
    return found


def _objects(form: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    found = _field(form, key, list)
    for i, it in enumerate(found):
        if not isinstance(it, dict):
            raise TheoryError(f"{key}[{i}] is an object of JSON here, not {it!r}")
    return found


_READERS: Final = {
    "functor": _functor,
    "homomorphism": _homomorphism,
    "diagram of presentations": _diagram,
    "C-set": _cset,
}


# Wiring diagrams --------------------------------------------------------------------------------------------


def wiring_form(morphism: Morphism) -> dict[str, Any]:
    """A morphism as Catlab writes wiring diagrams: a box for each application in the normal form, and the wires.

    Products are no matter here: a box has a port for each factor, and a value that is used twice or not at
    all has as many wires.

    >>> P = Presentation("P")
    >>> A, B = P.objects("A", "B")
    >>> f, g = P.morphism("f", A, B), P.morphism("g", B * B, A)
    >>> [(e["source"], e["target"], e["targetPort"]) for e in wiring_form((f & f) >> g)["edges"]]
    [('root', 'n1', 'in1'), ('n1', 'n2', 'in1'), ('n1', 'n2', 'in2'), ('n2', 'root', 'out1')]
    """
    morphism = unmarked(morphism)
    places: dict[Term, tuple[str, str]] = {}
    for i, variable in enumerate(morphism.dom.variables, start=1):
        places[variable] = ("root", f"in{i}")
    boxes: list[tuple[Generator, tuple[Term, ...]]] = []
    for term in applications(morphism.terms):
        generator = term.head
        if not isinstance(generator, Generator):
            continue  # a variable
        if (generator, term.args) not in boxes:
            boxes.append((generator, term.args))
        places[term] = (f"n{boxes.index((generator, term.args)) + 1}", f"out{term.index + 1}")
    ends = [(f"n{n}", f"in{i}", arg) for n, (_, args) in enumerate(boxes, start=1) for i, arg in enumerate(args, 1)]
    ends += [("root", f"out{i}", term) for i, term in enumerate(morphism.terms, start=1)]
    edges = []
    for number, (target, port, term) in enumerate(ends, start=1):
        source, source_port = places[term]
        ports = {"source": source, "sourcePort": source_port, "target": target, "targetPort": port}
        edges.append({"id": f"e{number}", **ports})
    children = [
        {"id": f"n{n}", "ports": _ports(it.dom, it.cod), "properties": {"value": it.name}}
        for n, (it, _) in enumerate(boxes, start=1)
    ]
    return {"id": "root", "ports": _ports(morphism.dom, morphism.cod), "children": children, "edges": edges}


def _ports(dom: Object, cod: Object) -> list[dict[str, Any]]:
    return [
        {"id": f"{side}{i}", "portkind": kind, "properties": {"value": sort.name}}
        for side, kind, end in (("in", "input", dom), ("out", "output", cod))
        for i, sort in enumerate(end.factors, start=1)
    ]
