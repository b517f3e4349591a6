"""Presentations and C-sets as Catlab writes them in JSON, without Julia.

ACSets.jl, which Catlab stands on, has three forms: *schemas*, which are presentations, *instances*, which are
C-sets, and terms as *s-expressions*. They are written here as Catlab 0.17 writes them, byte for byte, and read as
it reads them; parts are numbered from 1, as in Julia. What else goes over is in `catlab/forms.py`.

>>> P = read_schema({"Ob": [{"name": "X"}], "Hom": [{"name": "s", "dom": "X", "codom": "X"}],
...                  "equations": [{"name": None, "dom": "X", "codom": "X", "paths": [["s", "s"], []]}]})
>>> P.laws["law0"], to_sexpr(P["s"] >> P["s"]), from_sexpr(P, ["id", "X"])
(Law('law0', s >> s, identity(X)), ['compose', 's', 's'], identity(X))
>>> print(read_instance({"X": [{"_id": 1, "s": 2}, {"_id": 2, "s": 1}]}, P))
X = {1, 2}
s : 1 |-> 2, 2 |-> 1
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final

from learningdiagrams.theory.csets import CSet, Homomorphism
from learningdiagrams.theory.errors import TheoryError
from learningdiagrams.theory.morphisms import Generator, Morphism, Object, brief, identity
from learningdiagrams.theory.presentations import Presentation
from learningdiagrams.theory.terms import spine, unmarked

__all__ = [
    "AttrVar",
    "Schema",
    "check_schema",
    "component_lists",
    "from_sexpr",
    "instance_form",
    "path",
    "read_components",
    "read_instance",
    "read_schema",
    "schema_form",
    "to_sexpr",
]

PRODUCT: Final = "Catlab's schemas have no products: {what}"


class Schema(Presentation):
    """A presentation in which some sorts are attribute types: sets of values, such as numbers and words.

    Catlab keeps the values of an attribute as they are, so that nothing starts at an attribute type and
    homomorphisms leave values alone. `spellings` are Catlab's names where they differ from ours, which are
    NFKC-normalised.

    >>> S = Schema("WeightedGraph", attribute_types=["Weight"])
    >>> V, E, W = S.objects("V", "E", "Weight")
    >>> src, weight = S.morphism("src", E, V), S.morphism("weight", E, W)
    >>> schema_form(S)["Attr"]
    [{'name': 'weight', 'codom': 'Weight', 'dom': 'E'}]
    """

    def __init__(self, name: str = "the schema", attribute_types: Iterable[str] = ()) -> None:
        super().__init__(name)
        self.attribute_types: tuple[str, ...] = tuple(attribute_types)
        self.spellings: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class AttrVar:
    """A value of an attribute that is not known: the part of this number of the attribute type."""

    number: int


# Schemas and terms -------------------------------------------------------------------------------------------


def schema_form(presentation: Presentation) -> dict[str, Any]:
    """A presentation as ACSets writes schemas; raises :class:`TheoryError` where it has products.

    A law that has the name it would get without one is written without a name, as Catlab's own are.
    """
    attributes = attribute_types(presentation)
    said = speller(presentation)
    arrows: dict[bool, list[dict[str, str]]] = {False: [], True: []}
    for name, generator in presentation.generators.items():
        dom, cod = single(f"`{name}` starts at", generator.dom), single(f"`{name}` ends at", generator.cod)
        if dom in attributes:
            raise TheoryError(f"nothing starts at an attribute type, but `{name}` starts at {dom}")
        arrows[cod in attributes].append({"name": said(name), "codom": said(cod), "dom": said(dom)})
    equations = []
    for position, law in enumerate(presentation.laws.values()):
        paths = [[said(name) for name in path(side)] for side in (law.left, law.right)]
        given = None if law.name == f"law{position}" else law.name
        dom, cod = said(law.left.dom.name), said(law.left.cod.name)
        equations.append({"codom": cod, "name": given, "paths": paths, "dom": dom})
    return {
        "version": {"ACSets": "0.0.0", "ACSetSchema": "0.0.1"},
        "Ob": [{"name": said(name)} for name in presentation.sorts if name not in attributes],
        "Hom": arrows[False],
        "AttrType": [{"name": said(name)} for name in presentation.sorts if name in attributes],
        "Attr": arrows[True],
        "equations": equations,
    }


def check_schema(form: Mapping[str, Any]) -> None:
    """Raises :class:`TheoryError` where a schema has not the fields that it has to have, before names are looked at."""
    for key in ("Ob", "AttrType", "Hom", "Attr", "equations"):
        fields = {"Hom": ("name", "dom", "codom"), "Attr": ("name", "dom", "codom"), "equations": ("dom",)}
        for i, it in enumerate(listed_at(form, key)):
            for field in fields.get(key, ("name",)):
                _name(f"{key}[{i}]", it, field)
            if key != "equations":
                continue
            sides, name = it.get("paths"), it.get("name")
            lists = isinstance(sides, list) and all(isinstance(side, list) for side in sides)
            if not lists or len(sides) < 2 or not all(isinstance(step, str) for side in sides for step in side):
                raise TheoryError(f"{key}[{i}]: `paths` has the two sides, each a list of names")
            if name is not None:
                _name(f"{key}[{i}]", it, "name")


def read_schema(form: Mapping[str, Any], name: str = "the schema") -> Schema:
    """The presentation of a schema; attribute types are sorts like the others, and attributes generators."""
    check_schema(form)
    schema = Schema(str(form.get("name", name)))

    def spelled(given: str, made: Object | Morphism) -> str:
        ours = str(made.name)
        if ours != given:
            schema.spellings[ours] = given
        return ours

    for it in listed_at(form, "Ob"):
        spelled(it["name"], schema.objects(it["name"])[0])
    schema.attribute_types = tuple(
        spelled(it["name"], schema.objects(it["name"])[0]) for it in listed_at(form, "AttrType")
    )
    for it in (*listed_at(form, "Hom"), *listed_at(form, "Attr")):
        ends = sort_of(schema, it["dom"]), sort_of(schema, it["codom"])
        spelled(it["name"], schema.morphism(it["name"], *ends))
    for i, it in enumerate(listed_at(form, "equations")):
        first, *others = (_composite(schema, sort_of(schema, it["dom"]), side) for side in it["paths"])
        if "codom" in it and first.cod is not sort_of(schema, it["codom"]):
            raise TheoryError(f"equations[{i}]: `codom` is {it['codom']}, but `{brief(first)}` ends at {first.cod}")
        for other in others:
            schema.law(first, other, it.get("name") if len(others) == 1 else None)
    return schema


def path(morphism: Morphism) -> list[str]:
    """The names of the generators on a path from a sort to a sort; raises :class:`TheoryError` for anything else.

    >>> P = Presentation("P")
    >>> A, B = P.objects("A", "B")
    >>> f, g = P.morphism("f", A, B), P.morphism("g", B, A)
    >>> path(f >> g), path(identity(A))
    (['f', 'g'], [])
    >>> path(f & f)
    Traceback (most recent call last):
    learningdiagrams.theory.errors.TheoryError: Catlab's schemas have no products: `f & f` ends at B * B
    """
    morphism = unmarked(morphism)
    single(f"`{brief(morphism)}` starts at", morphism.dom)
    single(f"`{brief(morphism)}` ends at", morphism.cod)
    base, steps = spine(morphism.terms[0])
    names = [step.head.name for step in steps if isinstance(step.head, Generator) and len(step.head.cod.factors) == 1]
    if base is None or base.head is not None or len(names) != len(steps):
        raise TheoryError(PRODUCT.format(what=f"`{brief(morphism)}` is no path"))
    return names


def to_sexpr(morphism: Morphism, presentation: Presentation | None = None) -> str | list[Any]:
    """A path as Catlab's `to_json_sexpr` writes it: `"f"`, `["id", "A"]` or `["compose", "f", "g"]`.

    `presentation` is where names are looked up that Catlab spells otherwise.
    """
    said = speller(presentation)
    names = [said(name) for name in path(morphism)]
    return ["id", said(morphism.dom.name)] if not names else names[0] if len(names) == 1 else ["compose", *names]


def from_sexpr(presentation: Presentation, term: Any) -> Morphism:
    """The morphism of an s-expression, with generators by name or written out, `["Hom", "f", …]`."""
    if isinstance(term, str):
        found = presentation[term]
        if isinstance(found, Morphism):
            return found
    elif isinstance(term, Sequence) and len(term) >= 2:
        head, *parts = term
        if head in ("Hom", "Attr"):
            return from_sexpr(presentation, parts[0])
        if head == "id":
            name = parts[0][1] if isinstance(parts[0], list | tuple) and len(parts[0]) > 1 else parts[0]
            if isinstance(name, str):
                return identity(sort_of(presentation, name))
        elif head == "compose":
            made = from_sexpr(presentation, parts[0])
            for part in parts[1:]:
                made = made >> from_sexpr(presentation, part)
            return made
    raise TheoryError(f'{term!r} is no morphism: "f", ["id", "A"] or ["compose", "f", "g"]')


def attribute_types(presentation: Presentation) -> tuple[str, ...]:
    """The sorts that are attribute types; none in a presentation that is no :class:`Schema`."""
    return presentation.attribute_types if isinstance(presentation, Schema) else ()


def speller(presentation: Presentation | None) -> Callable[[str], str]:
    """The function that gives Catlab's spelling of a name."""
    spellings = presentation.spellings if isinstance(presentation, Schema) else {}
    return lambda name: spellings.get(name, name)


# Instances ---------------------------------------------------------------------------------------------------


def instance_form(model: CSet) -> dict[str, list[dict[str, Any]]]:
    """A C-set as ACSets writes instances; elements are numbered from 1 in their order."""
    presentation = model.presentation
    schema_form(presentation)  # raises where there are products
    if failures := model.failures():
        raise TheoryError(f"{model!r} is no model: {failures[0]}")
    attributes, said = attribute_types(presentation), speller(presentation)
    numbers = {
        sort: {element: i for i, element in enumerate(elements, start=1)} for sort, elements in model.sets.items()
    }
    form = {}
    for sort, elements in model.sets.items():
        if sort in attributes:
            continue
        rows = [{"_id": i} for i in range(1, len(elements) + 1)]
        outgoing = [it for it in presentation.generators.values() if it.dom.name == sort]
        # Catlab lists maps before attributes.
        for generator in sorted(outgoing, key=lambda it: it.cod.name in attributes):
            cod, table = generator.cod.name, model.maps[str(generator.name)]
            for row, element in zip(rows, elements, strict=True):
                value = table[element]
                row[said(str(generator.name))] = _written(value) if cod in attributes else numbers[cod][value]
        form[said(sort)] = rows
    for sort in attributes:
        unknown = sorted(element.number for element in model.sets[sort] if isinstance(element, AttrVar))
        if unknown != list(range(1, len(unknown) + 1)):
            raise TheoryError(f"the unknown values of {sort} are numbered 1, 2, … and all in its set, not {unknown}")
        form[said(sort)] = [{"_id": i} for i in unknown]
    return form


def read_instance(form: Mapping[str, Any], schema: Presentation) -> CSet:
    """The C-set of an instance: elements are 1, 2, …, those of attribute types the values that occur."""
    attributes, said = attribute_types(schema), speller(schema)
    known = {said(name) for name in schema.sorts}
    if unknown := [key for key in form if key not in known]:
        raise TheoryError(f"the instance has `{unknown[0]}`, which is no object of {schema.name}")
    rows = {sort: listed_at(form, said(sort)) for sort in schema.sorts}
    for sort, found in rows.items():
        for i, row in enumerate(found, start=1):
            if not isinstance(row, dict) or row.get("_id") != i:
                raise TheoryError(f'{sort}[{i - 1}]: a row of an instance has its number, "_id": {i}')
    values: dict[str, dict[Any, None]] = {
        sort: {AttrVar(row["_id"]): None for row in rows[sort]} for sort in attributes
    }
    maps = {}
    for name, generator in schema.generators.items():
        dom, cod = generator.dom.name, generator.cod.name
        column = []
        for i, row in enumerate(rows[dom]):
            if said(name) not in row:
                raise TheoryError(f"{dom}[{i}] has no `{name}`")
            value = row[said(name)]
            if cod in attributes:
                value = _read(f"{dom}[{i}]: `{name}`", value)
                values[cod].setdefault(value)
            elif type(value) is not int:
                raise TheoryError(f"{dom}[{i}]: `{name}` is the number of a part of {cod}, not {value!r}")
            column.append(value)
        maps[name] = column
    sets = {
        sort: tuple(values[sort]) if sort in attributes else tuple(range(1, len(found) + 1))
        for sort, found in rows.items()
    }
    model = CSet(schema, sets, maps)
    if failures := model.failures():
        raise TheoryError(f"the instance is no model of {schema.name}: {failures[0]}")
    return model


def component_lists(homomorphism: Homomorphism) -> dict[str, list[Any]]:
    """The images of the elements in their order, as numbers from 1; raises where values of attributes move.

    Of attribute types, the images of the unknown values 1, 2, … where there are some, written as in instances.
    """
    attributes, said = attribute_types(homomorphism.dom.presentation), speller(homomorphism.dom.presentation)
    form: dict[str, list[Any]] = {}
    for sort, component in homomorphism.components.items():
        if sort not in attributes:
            numbers = {element: i for i, element in enumerate(homomorphism.cod.sets[sort], start=1)}
            form[said(sort)] = [numbers[component[element]] for element in homomorphism.dom.sets[sort]]
            continue
        if unknown := {value.number: image for value, image in component.items() if isinstance(value, AttrVar)}:
            form[said(sort)] = [_written(unknown[number]) for number in sorted(unknown)]
        if any(value != image for value, image in component.items() if not isinstance(value, AttrVar)):
            raise TheoryError(f"the component at {sort} moves values; Catlab leaves those of attributes alone")
    return form


def read_components(form: Mapping[str, Any], dom: CSet, cod: CSet) -> Homomorphism:
    """The homomorphism with these components, as :func:`component_lists` writes them; where none are, values stay."""
    attributes, said = attribute_types(dom.presentation), speller(dom.presentation)
    components: dict[str, Any] = {}
    for sort, there in cod.sets.items():
        if sort in attributes:
            components[sort] = {value: value for value in dom.sets[sort]}
            unknown = [value for value in dom.sets[sort] if isinstance(value, AttrVar)]
            images = listed_at(form, said(sort)) if said(sort) in form else [_written(value) for value in unknown]
            if len(images) != len(unknown):
                raise TheoryError(f"components: {sort}: {len(unknown)} images of unknown values, not {len(images)}")
            components[sort] |= {
                AttrVar(number): _read(f"components: {sort}", image) for number, image in enumerate(images, start=1)
            }
            continue
        images = listed_at(form, said(sort))
        if wrong := [i for i in images if not (isinstance(i, int) and 1 <= i <= len(there))]:
            raise TheoryError(f"components: {sort}: {wrong[0]!r} is no part of the codomain, 1 … {len(there)}")
        components[sort] = [there[i - 1] for i in images]
    return Homomorphism(dom, cod, components)


def _read(where: str, value: Any) -> Any:
    if isinstance(value, dict) and isinstance(value.get("_var"), int):
        return AttrVar(value["_var"])
    if isinstance(value, dict | list):
        raise TheoryError(f"{where} is {value!r}; a value is a number, a word or a truth value")
    return value


def _written(value: Any) -> Any:
    if isinstance(value, AttrVar):
        return {"_var": value.number}
    if value is None or isinstance(value, str | int) or (isinstance(value, float) and isfinite(value)):
        return value
    raise TheoryError(f"the value {value!r} of an attribute is no number, word or truth value, which JSON holds")


def single(what: str, end: Object) -> str:
    """The name of an end that is a sort; raises :class:`TheoryError` for a product."""
    if len(end.factors) != 1:
        raise TheoryError(PRODUCT.format(what=f"{what} {end}"))
    return end.name


def sort_of(presentation: Presentation, name: str) -> Object:
    found = presentation[name]
    if not isinstance(found, Object):
        raise TheoryError(f"`{name}` is no object of {presentation.name}")
    return found


def _composite(presentation: Presentation, start: Object, names: Iterable[str]) -> Morphism:
    made = identity(start)
    for name in names:
        made = made >> from_sexpr(presentation, name)
    return made


def listed_at(form: Mapping[str, Any], key: str) -> list[Any]:
    found = form.get(key, [])
    if not isinstance(found, list):
        raise TheoryError(f"`{key}` is a list, not {found!r}")
    return found


def _name(where: str, it: Any, field: str) -> str:
    found = it.get(field) if isinstance(it, dict) else None
    if not isinstance(found, str):
        raise TheoryError(f"{where}: `{field}` is a name, not {found!r}")
    return found
