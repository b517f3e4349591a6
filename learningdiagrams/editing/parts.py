"""How an edited diagram is built: declarations of the one before, kept, moved along a functor, or written anew.

A declaration is known by its kind and name. :func:`copied` goes through the declarations of a diagram in their order
and builds another one; :func:`lines_of` writes each as a line of text, by which two diagrams are compared.

>>> from learningdiagrams.language import loads
>>> d = loads("object A, B[3]\\nmodel f : A -> B\\nmodel g : B -> B")
>>> print(copied(d, Changes(skip={("generator", "g")}, names={"f": "encoder"}, extra={("object", "A"): ["object C"]})))
object A, C, B[3]
model  encoder : A -> B
>>> lines_of(d)["object", "B"], lines_of(d)["generator", "f"]
('object B[3]', 'model f : A -> B')
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from learningdiagrams.declarations import Goal, Measure
from learningdiagrams.diagram import Diagram
from learningdiagrams.errors import DiagramError
from learningdiagrams.gluing.notes import carried_spec
from learningdiagrams.language import _declared
from learningdiagrams.language.reading import Declaration, Reader
from learningdiagrams.language.scanning import Source, lines
from learningdiagrams.language.syntax import parse, start
from learningdiagrams.language.writing import argument, declared, style_options
from learningdiagrams.theory.morphisms import Morphism, Object
from learningdiagrams.theory.terms import substitute

__all__ = [
    "KINDS",
    "Changes",
    "Key",
    "copied",
    "declared_in",
    "lines_of",
    "mentions",
    "names_in",
    "read_into",
    "tables",
]

Key = tuple[str, str]
"""A declaration: its kind, one of `KINDS`, and its name. A style has the name of what it styles."""

KINDS: Final = ("object", "generator", "law", "goal", "measure", "stage", "style")


def tables(diagram: Diagram) -> dict[str, Mapping[str, Any]]:
    """Everything that is declared, by kind and name, in order."""
    found = (diagram.sorts, diagram.generators, diagram.laws, diagram.goals, diagram.measures, diagram.stages)
    return dict(zip(KINDS, (*found, diagram.styles), strict=True))


def names_in(*morphisms: Morphism) -> set[str]:
    """The names of the objects and generators that expressions are written with."""
    found: set[str] = set()
    seen: set[int] = set()
    stack = list(morphisms)
    while stack:
        node = stack.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if node.op == "generator":
            found.add(node.parts[0].name)
        elif node.op in ("identity", "drop", "project"):
            found.update(factor.name for factor in node.dom.factors)
        stack += (part for part in node.parts if isinstance(part, Morphism))
    return found


def mentions(diagram: Diagram, key: Key) -> set[str]:
    """The names of what a declaration is made of; the lists of a stage and a goal's `train` are no part of that."""
    kind, name = key
    if kind == "generator":
        spec = diagram.specs.get(name)
        named = () if spec is None else (str(getattr(spec, field)) for field in spec.names)
        m = diagram.generators[name]
        return {*(factor.name for end in (m.dom, m.cod) for factor in end.factors), *named}
    if kind in ("law", "goal", "measure"):
        it = tables(diagram)[kind][name]
        return names_in(it.left, it.right, *getattr(it, "on", ()))
    return set()


# As text ---------------------------------------------------------------------------------------------------------


def lines_of(diagram: Diagram) -> dict[Key, str]:
    """Each declaration as a line of text, in order."""
    found: dict[Key, str] = {("object", name): f"object {name}{space}" for name, space in diagram.spaces.items()}
    for name, m in diagram.generators.items():
        role = "model" if diagram.roles[name] == "ema" else diagram.roles[name]
        spec = f" = {argument(diagram.specs[name])}" if name in diagram.specs else ""
        found["generator", name] = f"{role} {name} : {m.dom} -> {m.cod}{spec}"
    for kind in KINDS[2:6]:
        found.update(((kind, name), declared(kind, it)) for name, it in tables(diagram)[kind].items())
    for name, style in diagram.styles.items():
        options = ", ".join(f"{word}={argument(value)}" for word, value in style_options(style).items())
        found["style", name] = f"style {name} {options}"
    return found


def declared_in(text: str, where: str) -> list[tuple[str, list[str], str]]:
    """The declarations of a text: kind, names and text of each. Says nothing of whether they can be read."""
    source = Source(text, where)
    found = []
    for line in lines(source):
        first, last = line.tokens[0], line.tokens[-1]
        word = str(first)
        kind = word if word in KINDS else "title" if word == "diagram" else "generator"
        tokens = line.tokens[1:2] if kind == "style" else _declared(line.tokens)
        shown = source.text[start(first) : start(last) + len(str(last))]
        found.append((kind, [str(token) for token in tokens], shown))
    return found


def read_into(diagram: Diagram, text: str, where: str) -> None:
    """Adds the declarations of a text to a diagram.

    Raises :class:`~learningdiagrams.language.LanguageError` with everything that is wrong with it; `where` is how its
    places begin, and the diagram is then not to be used.
    """
    source = Source(text, where)
    declarations = []
    for line in lines(source):
        tree = parse(source, line, "declaration", False)
        declarations.append(Declaration(tree, start(line.tokens[0]), _declared(line.tokens)))  # type: ignore[arg-type]
        if line.tokens[0] == "diagram":
            source.wrong(start(line.tokens[0]), "an edit gives a diagram no title; what it declares is enough")
    Reader(source, diagram).read(declarations)
    source.check()


# Copies ----------------------------------------------------------------------------------------------------------


@dataclass
class Changes:
    """What is different in a copy.

    Attributes:
        skip: what is left out.
        lines: what is read from a text instead; extra: what is read after a declaration, or at the beginning of its
            kind after (kind, "").
        names: new names; two generators may get one name if all but one are skipped.
        images: what stands for a generator in expressions, given the copy with its generators.
        sides: (left, right, on) of an equation, over the diagram before, instead of its own.
        local: new names of generators in single equations.
        models: what stands for a model in lists of models; () to take it out.
        specs: realisations that change with nothing else.
    """

    skip: set[Key] = field(default_factory=set)
    lines: Mapping[Key, str] = field(default_factory=dict)
    extra: Mapping[Key, Iterable[str]] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    images: Callable[[Diagram], Mapping[str, Morphism]] = lambda after: {}
    sides: Mapping[str, tuple[Morphism, Morphism, tuple[Morphism, ...]]] = field(default_factory=dict)
    local: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    models: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    specs: Mapping[str, Any] = field(default_factory=dict)


def copied(before: Diagram, changes: Changes, where: str = "EDIT") -> Diagram:
    """A copy of a diagram with these changes; raises :class:`DiagramError` where they leave no diagram."""
    return _Copy(before, changes, where).made()


class _Copy:
    """The copy while it is made."""

    def __init__(self, before: Diagram, changes: Changes, where: str) -> None:
        self.before, self.changes, self.where = before, changes, where
        self.after = Diagram(before.name)
        self.after.directory, self.after.trusted = before.directory, before.trusted
        self.images: Mapping[str, Morphism] = {}
        self.extra = {
            key: [(*declared_in(line, where)[0][:2], line) for line in each] for key, each in changes.extra.items()
        }
        self.anew = {(kind, name) for each in self.extra.values() for kind, names, _ in each for name in names}

    def made(self) -> Diagram:
        changes = self.changes
        for kind, table in tables(self.before).items():
            if kind == "law":
                self.images = changes.images(self.after)
            self._extra((kind, ""))
            for name in table:
                if (kind, name) in changes.lines:
                    read_into(self.after, changes.lines[kind, name], self.where)
                elif (kind, name) not in changes.skip:
                    getattr(self, f"_{kind}")(name)
                if (kind, name) not in changes.skip or (kind, name) not in self.anew:
                    self._extra((kind, name))
        return self.after

    def _extra(self, key: Key) -> None:
        # What is read after something that is itself read after something is read with that, once.
        stack = list(reversed(self.extra.pop(key, ())))
        while stack:
            kind, names, line = stack.pop()
            read_into(self.after, line, self.where)
            for name in names:
                stack += reversed(self.extra.pop((kind, name), ()))

    def _name(self, name: str) -> str:
        return self.changes.names.get(name, name)

    def _end(self, obj: Object) -> Object:
        return self.after.presentation.signature.product(self.after.sorts[self._name(s.name)] for s in obj.factors)

    def _moved(self, morphism: Morphism, local: Mapping[str, str]) -> Morphism:
        """An expression over the diagram before as one over the copy."""
        if not self.changes.names and not self.images and not local and morphism.name is not None:
            return self.after.generators[morphism.name]

        def image(generator: Any) -> Morphism:
            name = generator.name
            if name in local:
                return self.after.generators[local[name]]
            return self.images[name] if name in self.images else self.after.generators[self._name(name)]

        return substitute(morphism, self._end, image)

    def _models(self, names: Iterable[str], local: Mapping[str, str]) -> list[str]:
        changes, found = self.changes, []
        for name in names:
            found += [local[name]] if name in local else changes.models.get(name, (self._name(name),))
        return list(dict.fromkeys(found))

    def _object(self, name: str) -> None:
        space = self.before.spaces[name]
        self.after.object(self._name(name), space.shape, space.dtype)

    def _generator(self, name: str) -> None:
        before, m, new = self.before, self.before.generators[name], self._name(name)
        spec = self.changes.specs.get(name, before.specs.get(name))
        if spec is not None:
            spec = carried_spec(spec, name, new, self._name, before.directory, before.directory)
        self.after._generator(before.roles[name], new, self._end(m.dom), self._end(m.cod), spec)

    def _law(self, name: str) -> None:
        law = self.before.laws[name]
        left, right, _ = self._sides(name, law.left, law.right)
        self.after.law(left, right, self._name(name))

    def _sides(
        self, name: str, left: Morphism, right: Morphism, on: tuple[Morphism, ...] = ()
    ) -> tuple[Morphism, Morphism, list[Morphism]]:
        left, right, on = self.changes.sides.get(name, (left, right, on))
        local = self.changes.local.get(name, {})
        return self._moved(left, local), self._moved(right, local), [self._moved(m, local) for m in on]

    def _goal(self, name: str) -> None:
        it: Goal = self.before.goals[name]
        train = None if it.train is None else self._models(it.train, self.changes.local.get(name, {}))
        if train == []:
            raise DiagramError(
                f"{self.where}: goal `{name}` trains {_quoted(it.train or ())} alone, so that nothing would be left "
                "for it to move; remove it first",
                name,
            )
        self.after.goal(self._name(name), *self._sides(name, it.left, it.right, it.on), it.by, it.weight, train)

    def _measure(self, name: str) -> None:
        it: Measure = self.before.measures[name]
        self.after.measure(self._name(name), *self._sides(name, it.left, it.right, it.on), it.by)

    def _stage(self, name: str) -> None:
        it = self.before.stages[name]
        train = self._models(it.train, {})
        gone = self.changes.skip - self.anew
        by = [self._name(goal) for goal in it.by if ("goal", goal) not in gone]
        for found, what, was in ((train, "trains", it.train), (by, "trains by", it.by)):
            if not found:
                raise DiagramError(
                    f"{self.where}: stage `{name}` {what} {_quoted(was)} alone, so that nothing would be left for it; "
                    "remove it too, or first",
                    name,
                )
        self.after.stage(self._name(name), train, by, it.epochs, it.steps)

    def _style(self, name: str) -> None:
        if self._name(name) in self.after:
            self.after.style(self._name(name), **style_options(self.before.styles[name]))


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
