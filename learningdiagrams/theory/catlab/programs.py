"""Values as Julia programs: what builds them in Catlab, and what asks it for a colimit.

A program is one `let` block, so that it leaves no names behind; paste it into a Julia that has said
`using Catlab, ACSets, GATlab`. It is made of calls that Catlab 0.17 is known to understand, and of no others.

>>> from learningdiagrams.theory import Presentation, identity
>>> P = Presentation("Retract")
>>> A, B = P.objects("A", "B")
>>> f, g = P.morphism("f", A, B), P.morphism("g", B, A)
>>> law = P.law(f >> g, identity(A))
>>> print(julia_text(P))
let
    P = Presentation(FreeSchema)
    A = add_generator!(P, Ob(FreeSchema, :A))
    B = add_generator!(P, Ob(FreeSchema, :B))
    f = add_generator!(P, Hom(:f, A, B))
    g = add_generator!(P, Hom(:g, B, A))
    add_equation!(P, compose(f, g), id(A))
    P
end
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from learningdiagrams.theory.catlab.acsets import (
    AttrVar,
    attribute_types,
    component_lists,
    instance_form,
    path,
    schema_form,
    single,
    speller,
)
from learningdiagrams.theory.catlab.forms import PresentationDiagram, dumped
from learningdiagrams.theory.csets import CSet, Homomorphism
from learningdiagrams.theory.errors import TheoryError
from learningdiagrams.theory.functors import Functor
from learningdiagrams.theory.morphisms import Morphism
from learningdiagrams.theory.presentations import Presentation

__all__ = ["Program", "julia_text", "string", "symbol"]

# Words of Julia, and names that programs use for something else: no variable is called so.
WORDS: Final = frozenset((
    "baremodule", "begin", "break", "catch", "const", "continue", "do", "else", "elseif", "end", "export", "false",
    "finally", "for", "function", "global", "if", "import", "in", "isa", "let", "local", "macro", "module", "quote",
    "return", "struct", "true", "try", "using", "where", "while",
))  # fmt: skip
TAKEN: Final[frozenset[str]] = WORDS | frozenset((
    "ACSetCategory", "ACSetTransformation", "AnonACSetType", "Any", "Attr", "AttrType", "AttrVar",
    "BipartiteFreeDiagram", "Bool", "CSetCat", "Category", "Dict",
    "FinCat", "FinCatC", "FinDomFunctor", "FinFunctor", "Float64", "FreeSchema", "Graph",
    "Hom", "Int", "Ob", "Path", "Presentation", "Schema", "String", "Symbol", "TypeCat", "add_equation!",
    "add_generator!", "colimit", "compose", "coequalizer", "coproduct", "id", "parse_json_acset", "pushout",
))  # fmt: skip
_VARIABLE = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def julia_text(value: Any) -> str:
    """The Julia program whose value is the Catlab value of this one.

    Of presentations, functors, C-sets, homomorphisms, diagrams of presentations and learning diagrams. Raises
    :class:`TheoryError` where Catlab has no such thing.
    """
    program = Program()
    return program.text(program.value(value))


class Program:
    """Statements, one a line, with a variable for each value that they make; equal values are made once."""

    def __init__(self) -> None:
        self.statements: list[str] = []
        self._taken: set[str] = set(TAKEN)
        self._made: dict[tuple[str, int], str] = {}
        self._value_types: dict[int, dict[str, str]] = {}  # of attribute types, by presentation
        self._kept: list[Any] = []  # what is made by identity has to stay alive

    def text(self, result: str) -> str:
        """The whole program, with the value of `result`."""
        return "\n    ".join(["let", *self.statements, result]) + "\nend"

    def value(self, value: Any) -> str:
        """The expression of a value, whose parts are made by statements."""
        if isinstance(value, Presentation):
            return self.presentation(value)
        if isinstance(value, Functor):
            return self.functor(value)
        if isinstance(value, CSet):
            return self.cset(value)
        if isinstance(value, Homomorphism):
            return self.homomorphism(value)
        if isinstance(value, PresentationDiagram):
            return self.diagram(value)
        if isinstance(getattr(value, "presentation", None), Presentation) and hasattr(value, "goals"):
            return self.learning_diagram(value)
        raise TheoryError(
            f"{value!r} has no counterpart in Catlab; presentations, functors, C-sets, homomorphisms, diagrams of "
            "presentations and learning diagrams have"
        )

    # Presentations and their terms --------------------------------------------------------------------------

    def presentation(self, presentation: Presentation) -> str:
        if found := self._found("presentation", presentation):
            return found
        form = schema_form(presentation)
        made = self._bind("presentation", presentation, "P", "Presentation(FreeSchema)")
        for it in form["Ob"]:
            self._generator(made, it["name"], f"Ob(FreeSchema, {symbol(it['name'])})")
        for it in form["AttrType"]:
            self._generator(made, it["name"], f"AttrType(FreeSchema.AttrType, {symbol(it['name'])})")
        for kind in ("Hom", "Attr"):
            for it in form[kind]:
                dom, cod = self._ref(made, it["dom"]), self._ref(made, it["codom"])
                self._generator(made, it["name"], f"{kind}({symbol(it['name'])}, {dom}, {cod})")
        for law in presentation.laws.values():
            left, right = self.term(presentation, law.left), self.term(presentation, law.right)
            self.statements.append(f"add_equation!({made}, {left}, {right})")
        return made

    def term(self, presentation: Presentation, morphism: Morphism) -> str:
        """A path as a term of the presentation's Catlab value."""
        made, said = self.presentation(presentation), speller(presentation)
        names = [self._ref(made, said(name)) for name in path(morphism)]
        if not names:
            return f"id({self._ref(made, said(morphism.dom.name))})"
        text = names[0]
        for name in names[1:]:
            text = f"compose({text}, {name})"
        return text

    def _generator(self, presentation: str, name: str, call: str) -> None:
        statement = f"add_generator!({presentation}, {call})"
        if _VARIABLE.fullmatch(name) and name not in self._taken:
            self._taken.add(name)
            self._made[f"{presentation}[{symbol(name)}]", 0] = name
            statement = f"{name} = {statement}"
        self.statements.append(statement)

    def _ref(self, presentation: str, name: str) -> str:
        """The variable of a generator, or a look-up where its name was taken."""
        looked_up = f"{presentation}[{symbol(name)}]"
        return self._made.get((looked_up, 0), looked_up)

    # Functors -----------------------------------------------------------------------------------------------

    def category(self, presentation: Presentation) -> str:
        if found := self._found("category", presentation):
            return found
        return self._bind("category", presentation, "C", f"FinCat({self.presentation(presentation)})")

    def functor(self, functor: Functor) -> str:
        if found := self._found("functor", functor):
            return found
        P, Q = functor.dom, functor.cod
        dom, cod = self.category(P), self.category(Q)
        here, there, said, say = self.presentation(P), self.presentation(Q), speller(P), speller(Q)
        objects, morphisms = [], []
        for name, image in functor.objects.items():
            image_name = say(single(f"`{name}` goes to", image))
            objects.append(f"{self._ref(here, said(name))} => {self._ref(there, image_name)}")
        for name, image in functor.morphisms.items():
            names = [self._ref(there, say(step)) for step in path(image)]
            at = self._ref(there, say(image.dom.name))
            made = (
                f"Path({cod}, [{', '.join(names)}])" if names else f"Path(FreeSchema.Hom{{:generator}}[], {at}, {at})"
            )
            morphisms.append(f"{self._ref(here, said(name))} => {made}")
        tables = f"Dict({', '.join(objects)}), Dict({', '.join(morphisms)})"
        return self._bind("functor", functor, "F", f"FinFunctor({tables}, {dom}, {cod}; homtype = :path)")

    def diagram(self, diagram: PresentationDiagram) -> str:
        """A functor from the free category on the shape to the category of finitely presented categories."""
        rows = [
            {"_id": n, "src": source + 1, "tgt": target + 1}
            for n, (source, target, _) in enumerate(diagram.arrows, start=1)
        ]
        shape = {"V": [{"_id": n + 1} for n in range(len(diagram.presentations))], "E": rows}
        objects = [self.category(P) for P in diagram.presentations]
        functors = [self.functor(F) for _, _, F in diagram.arrows]
        made = self.let("J", f"FinCat(parse_json_acset(Graph, {string(dumped(shape))}))")
        return self.let(
            "D",
            f"FinDomFunctor({vector(objects, 'FinCat')}, {vector(functors, 'FinFunctor')}, {made}, "
            "Category(TypeCat(FinCatC())))",
        )

    # C-sets -------------------------------------------------------------------------------------------------

    def cset_type(self, *models: CSet) -> str:
        """The type of these C-sets, and of all others on their schema in this program."""
        presentation = models[0].presentation
        if found := self._found("type", presentation):
            return found
        said, sorts = speller(presentation), attribute_types(presentation)
        kinds = {said(sort): _julia_type(value for model in models for value in model.sets[sort]) for sort in sorts}
        self._value_types[id(presentation)] = kinds
        types = [f"{symbol(name)} => {kind}" for name, kind in kinds.items()]
        assigned = f"; type_assignment = Dict({', '.join(types)})" if types else ""
        made = self.presentation(presentation)
        return self._bind("type", presentation, "T", f"AnonACSetType(Schema({made}){assigned})")

    def cset(self, model: CSet) -> str:
        if found := self._found("cset", model):
            return found
        text = string(dumped(instance_form(model)))
        return self._bind("cset", model, "X", f"parse_json_acset({self.cset_type(model)}, {text})")

    def homomorphism(self, homomorphism: Homomorphism) -> str:
        if found := self._found("homomorphism", homomorphism):
            return found
        self.cset_type(homomorphism.dom, homomorphism.cod)
        kinds = self._value_types[id(homomorphism.dom.presentation)]
        dom, cod = self.cset(homomorphism.dom), self.cset(homomorphism.cod)
        lists = {
            sort: [_literal(image, kinds.get(sort, "Int")) for image in images]
            for sort, images in component_lists(homomorphism).items()
        }
        components = ", ".join(f"{_keyword(sort)} = {vector(images, 'Int')}" for sort, images in lists.items())
        call = f"ACSetTransformation({dom}, {cod}; {components})"
        if "cat" in lists:  # which is a keyword of the call
            call = f"ACSetTransformation((; {components}), {dom}, {cod})"
        return self._bind("homomorphism", homomorphism, "h", call)

    def colimit(self, shape: str, parts: Mapping[int, CSet], arrows: Sequence[tuple[int, int, Homomorphism]]) -> str:
        """The colimit of C-sets without attributes: a pushout, coequalizer, coproduct, or any bipartite diagram.

        Positions of a bipartite diagram are first the domains of the arrows, each once for each arrow, with its
        identity beside the arrow; so every diagram is one. `FreeGraph` will not do: Catlab answers with the
        coproduct.
        """
        csets = {position: self.cset(part) for position, part in parts.items()}
        maps = [self.homomorphism(arrow) for _, _, arrow in arrows]
        category = self.let("𝒞", f"ACSetCategory(CSetCat({next(iter(csets.values()))}))")
        if shape == "coproduct":
            given = ", ".join(csets.values())
        elif shape in ("pushout", "coequalizer"):
            given = ", ".join(maps) if len(maps) == 2 else f"[{', '.join(maps)}]"
        else:
            place = {position: n for n, position in enumerate(csets, start=1)}
            domains = {source: arrow.dom for source, _, arrow in arrows}
            units = {source: self.homomorphism(Homomorphism.identity(part)) for source, part in domains.items()}
            entries = []
            for n, (source, target, _) in enumerate(arrows, start=1):
                entries += [f"({units[source]}, {n}, {place[source]})", f"({maps[n - 1]}, {n}, {place[target]})"]
            first = ", ".join(csets[source] for source, _, _ in arrows)
            given = (
                f"BipartiteFreeDiagram([{first}], [{', '.join(csets.values())}], [{', '.join(entries)}]; "
                f"cat = {category})"
            )
        return self.let("r", f"{shape}[{category}]({given})")

    # Learning diagrams --------------------------------------------------------------------------------------

    def learning_diagram(self, diagram: Any) -> str:
        """The presentation with roles and goals beside, and with our own form, from which it is read back."""
        from learningdiagrams.language.json_form import write_json

        made = self.presentation(diagram.presentation)
        roles = [f"{symbol(name)} => {symbol(role)}" for name, role in diagram.roles.items()]
        goals = []
        for name, goal in diagram.goals.items():
            sides = ", ".join(self._side(diagram.presentation, side) for side in (goal.left, goal.right))
            goals.append(f"{symbol(name)} => ({sides})")
        fields = f"presentation = {made}, roles = Dict({', '.join(roles)}), goals = Dict({', '.join(goals)})"
        return f"({fields}, form = {string(write_json(diagram))})"

    def _side(self, presentation: Presentation, side: Morphism) -> str:
        """A term, or our text for a side with products, which Catlab's schemas have none of."""
        try:
            return self.term(presentation, side)
        except TheoryError:
            return string(side.text())

    # Variables ----------------------------------------------------------------------------------------------

    def let(self, wanted: str, call: str) -> str:
        """A new variable, of this name or the first one like it that is free."""
        name, number = wanted, 1
        while name in self._taken:
            number += 1
            name = f"{wanted}{number}"
        self._taken.add(name)
        self.statements.append(f"{name} = {call}")
        return name

    def _found(self, kind: str, value: Any) -> str | None:
        return self._made.get((kind, id(value)))

    def _bind(self, kind: str, value: Any, wanted: str, call: str) -> str:
        self._kept.append(value)
        name = self._made[kind, id(value)] = self.let(wanted, call)
        return name


def symbol(name: str) -> str:
    """A Julia symbol of exactly these letters; Julia reads some letters in bare names as others.

    >>> symbol("src"), symbol("end"), symbol("δ₀")
    (':src', 'Symbol("end")', 'Symbol("δ₀")')
    """
    return f":{name}" if _VARIABLE.fullmatch(name) and name not in WORDS else f"Symbol({string(name)})"


def string(text: str) -> str:
    """A Julia string of exactly this text.

    >>> string('a "b" $c')
    '"a \\\\"b\\\\" \\\\$c"'
    """
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$").replace("\n", "\\n")
    return f'"{escaped}"'


def vector(entries: Iterable[Any], kind: str) -> str:
    """A Julia vector; an empty one says of what."""
    text = ", ".join(map(str, entries))
    return f"[{text}]" if text else f"{kind}[]"


def _keyword(name: str) -> str:
    return name if _VARIABLE.fullmatch(name) and name not in WORDS else f"var{string(name)}"


def _literal(image: Any, kind: str) -> str:
    """A part's number, or the image of an unknown value, as instances write it, among values of a Julia type."""
    if isinstance(image, dict):
        return f"AttrVar({image['_var']})"
    if image is None or isinstance(image, bool):
        return {None: "nothing", True: "true", False: "false"}[image]
    if isinstance(image, str):
        return string(image)
    return repr(float(image) if kind == "Float64" else image)


def _julia_type(values: Iterable[Any]) -> str:
    """The Julia type of the values of an attribute."""
    kinds = {type(value) for value in values if not isinstance(value, AttrVar)}
    for names, kind in (({bool}, "Bool"), ({int}, "Int"), ({int, float}, "Float64"), ({str}, "String")):
        if kinds and kinds <= names:
            return kind
    return "Any"
