"""Trees of declarations to a diagram. A mistake is noted where it stands, and reading goes on.

A name that a faulty declaration would have declared is *broken*: what uses it is left out in silence, so that
one mistake is one message.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeVar

from lark import Token, Tree

from learningdiagrams.declarations import Style
from learningdiagrams.diagram import Diagram
from learningdiagrams.errors import DiagramError
from learningdiagrams.language.expressions import WORDS, Expressions
from learningdiagrams.language.scanning import Source
from learningdiagrams.language.syntax import HOW, start
from learningdiagrams.lookalikes import foreign_letters, skeleton
from learningdiagrams.losses import COMPARATORS
from learningdiagrams.schedules import SCHEDULES
from learningdiagrams.specs import Spec, realise
from learningdiagrams.theory.errors import TheoryError
from learningdiagrams.theory.morphisms import Morphism
from learningdiagrams.values import call

__all__ = ["Declaration", "Reader"]

V = TypeVar("V")
Places = Iterable[tuple[str, int]]
"""Words of a message, each with the offset of what it speaks of; the first that occurs says the place."""


class Declaration(NamedTuple):
    """A declaration: its tree (None where a problem was noted), its offset, the names that it declares."""

    tree: Tree[Any] | None
    at: int
    names: Sequence[Token]


class Reader(Expressions):
    """Reads declarations into a diagram, noting problems in `source`."""

    def __init__(self, source: Source, diagram: Diagram) -> None:
        super().__init__(source, diagram)
        self.at: int = 0
        self._shapes: dict[str, str] = {}
        self._styled: dict[str, int] = {}

    def read(self, declarations: Sequence[Declaration]) -> None:
        """Reads all declarations, in their order."""
        for declaration in declarations:
            for name in declaration.names:
                self.later.setdefault(str(name), start(name))
        for place, declaration in enumerate(declarations):
            self.at = declaration.at
            new = [name for name in declaration.names if self._claim(name)]
            if declaration.tree is None:
                self.broken.update(map(str, new))
            elif declaration.tree.data == "title":
                if place:
                    self.wrong(self.at, "the title stands once, as the first declaration")
            else:
                getattr(self, f"_{declaration.tree.data}")(*declaration.tree.children)
                self.broken.update(name for name in map(str, new) if name not in self.diagram)

    def _claim(self, name: Token) -> bool:
        """Notes where a name is declared; False, with the problem noted, where it was declared before."""
        word, at = str(name), start(name)
        if word in WORDS:
            self.wrong(at, f"`{word}` is a word of the language; write another name, such as `{word}_`")
            self.broken.add(word)
            return False
        if word in self.declared:
            kind = self.kind(word)
            known = f" as {kind}" if kind else ""
            self.wrong(at, f"`{word}` is declared twice; it stands in line {self.line(word)} already{known}")
            self.broken.add(word)
            return False
        other = self._shapes.setdefault(skeleton(word), word)
        if other != word:
            where = f"`{word}` looks like `{other}` of line {self.line(other)}"
            self.wrong(at, f"{where}: {foreign_letters(word, other)}")
            self.broken.add(word)
            return False
        self.declared[word] = at
        return True

    def _new(self, name: Token) -> bool:
        """Whether a declaration is the one that declares its name."""
        return self.declared.get(str(name)) == name.start_pos

    def _attempt(self, make: Callable[[], V], at: int, places: Places = ()) -> V | None:
        """What `make` gives; where it refuses, None, with its complaint noted at the place it speaks of."""
        try:
            return make()
        except (DiagramError, TheoryError) as error:
            message = str(error)
            self.wrong(next((place for words, place in places if words in message), at), message)
            return None

    # Objects and generators ---------------------------------------------------------------------------------

    def _objects(self, *items: Any) -> None:
        for item in items:
            name, *rest = item.children
            if not self._new(name):
                continue
            shape: list[Any] | None = None
            kind, places = "float", []
            for part in rest:
                if part.data == "kind":
                    kind = str(part.children[0])
                    places.append(("kind of number", start(part)))
                else:
                    axes = part.children
                    shape = [self.number(axis) if axis.type == "NUMBER" else str(axis) for axis in axes]
                    wrong = (axis for axis in axes if axis.type == "NUMBER" and not axis.lstrip("0").isdigit())
                    places += [("an axis is", start(axis)) for axis in wrong]
            if shape is None or None not in shape:
                self._attempt(partial(self.diagram.object, str(name), shape, kind), start(name), places)

    def _generator(self, role: Token, name: Token, dom: Any, cod: Any, *realisation: Any) -> None:
        ends = self.object(dom), self.object(cod)
        places: list[tuple[str, int]] = []
        made = self._realisation(str(role), realisation[0], places) if realisation else None
        if None in ends or (realisation and made is None) or not self._new(name):
            return
        self._attempt(partial(getattr(self.diagram, str(role)), str(name), *ends, made), self.at, places)

    def _realisation(self, role: str, tree: Tree[Any], places: list[tuple[str, int]]) -> Spec | None:
        """The realisation that is written; adds the places of the maps that it names."""
        made = self._call(tree, partial(realise, role=role))
        for field in made.names if made is not None else ():
            # The maps that a realisation names, as `shuffle(label)` does: looked up here to know their place.
            word = getattr(made, field)
            tokens: list[Any] = [t for part in tree.iter_subtrees() for t in part.children if t == word]
            name = tokens[-1] if tokens else Token("NAME", word, start(tree))
            if self.find(name, self.diagram.generators, "map") is None:
                return None
            places.append((f"`{word}`", start(name)))
        return made

    def _call(self, tree: Tree[Any], make: Callable[..., V]) -> V | None:
        """The value that a call stands for, made from its name, arguments and options."""
        read = self.call(tree)
        if read is None:
            return None
        options: list[tuple[str, int]] = []
        names: list[tuple[str, int]] = []
        for part in tree.iter_subtrees_topdown():
            if part.data == "option":
                options += _speaking_of(part)
            elif part.data == "call" and part is not tree:
                names.append((f"`{part.children[0]}`", start(part)))
        return self._attempt(partial(make, *read), start(tree), options + names)

    # Equations ----------------------------------------------------------------------------------------------

    def _law(self, *parts: Any) -> None:
        *names, equation = parts
        name = str(names[0]) if names else None
        sides = self.equation(f"law `{name}`" if name else "the law", equation)
        if sides is not None and (not names or self._new(names[0])):
            made = self._attempt(partial(self.diagram.law, *sides, name), self.at)
            if made is not None:
                self.declared.setdefault(made.name, self.at)
        elif not names:
            # Laws without a name are counted, so that it is open what those after this one are called.
            self.lost_laws = True

    def _goal(self, *parts: Any) -> None:
        self._goal_or_measure("goal", *parts)

    def _measure(self, *parts: Any) -> None:
        self._goal_or_measure("measure", *parts)

    def _goal_or_measure(self, kind: str, name: Token, equation: Any, *rest: Any) -> None:
        notes = self._notes(rest)
        sides = self.equation(f"{kind} `{name}`", equation)
        options: dict[str, Any] = {}
        places: list[tuple[str, int]] = []
        if "on" in notes:
            along: list[Any] = notes["on"].children[1:]
            options["on"] = found = self.all(self.morphism(each) for each in along)
            places += [(f"`on {m}`", start(each)) for m, each in zip(found or (), along, strict=found is not None)]
            places.append(("`on`", start(notes["on"])))
        if "by" in notes:
            by = notes["by"].children[1]
            options["by"] = self._call(by, partial(call, COMPARATORS, "comparator"))
            places.append(("for measures only", start(by)))
        elif kind == "measure":
            self.wrong(self.at, f"measure `{name}` does not say by what it measures; add `by accuracy`, `by mse` …")
            options["by"] = None
        if "weight" in notes:
            weight = notes["weight"].children[1]
            options["weight"] = self._weight(weight)
            places.append(("a weight is", start(weight)))
        if "train" in notes:
            models: list[Any] = notes["train"].children[1:]
            options["train"] = self.all(self._model(word) for word in models)
        if sides is not None and None not in options.values() and self._new(name):
            make = getattr(self.diagram, kind)
            self._attempt(partial(make, str(name), *sides, **options), self.at, places)

    def _weight(self, node: Any) -> Any:
        if isinstance(node, Tree) and node.data == "call":
            return self._call(node, partial(call, SCHEDULES, "schedule"))
        return self.number(node)

    def _notes(self, trees: Iterable[Tree[Any]]) -> dict[str, Tree[Any]]:
        """The notes of a goal, measure or stage by their first words."""
        found: dict[str, Tree[Any]] = {}
        for tree in trees:
            word = str(tree.children[0])
            if word in found:
                self.wrong(start(tree), f"`{word}` is given twice; once is enough")
            found.setdefault(word, tree)
        return found

    def _model(self, word: Token) -> Morphism | None:
        """The generator of this name, where it is a model."""
        generators, name = self.diagram.generators, str(word)
        if name not in generators or name in self.broken:
            return self.find(word, {model: generators[model] for model in self.diagram.models}, "model")
        if self.diagram.roles[name] != "model":
            self.wrong(start(word), f"`{name}` is {self.kind(name)}; only a model is trained")
            return None
        return generators[name]

    # Stages and styles --------------------------------------------------------------------------------------

    def _stage(self, name: Token, *rest: Any) -> None:
        notes = self._notes(rest)
        missing = [f"`{word}`" for word in ("train", "by") if word not in notes]
        if missing:
            self.wrong(self.at, f"stage `{name}` has no {' and no '.join(missing)}; {HOW['stage']}")
        named: dict[str, list[Any]] = {word: note.children[1:] for word, note in notes.items()}
        models = self.all(self._model(each) for each in named.get("train", ()))
        goals = self.all(self.find(each, self.diagram.goals, "goal") for each in named.get("by", ()))
        lengths = {word: self.number(named[word][0]) for word in ("epochs", "steps") if word in named}
        if missing or models is None or goals is None or None in lengths.values() or not self._new(name):
            return
        places = [(f"{word} are", start(named[word][0])) for word in lengths]
        places.append(("not both", max((start(notes[word]) for word in lengths), default=self.at)))
        self._attempt(partial(self.diagram.stage, str(name), models, goals, **lengths), self.at, places)

    def _style(self, name: Token, *rest: Any) -> None:
        found = self.find(name, self.diagram.presentation.signature.taken, "object, map, law or goal")
        options = self.options(list(rest))
        before = self._styled.setdefault(str(name), start(name))
        if before != start(name):
            line = self.source.place(before)[0]
            self.wrong(start(name), f"the style of `{name}` stands in line {line} already")
        elif found is not None and options is not None:
            places = [place for option in rest for place in _speaking_of(option)]
            # Which options there are is for the value to say, before Python binds them by name.
            if self._attempt(partial(Style.of, self.diagram, str(name), options), start(name), places):
                self.diagram.style(str(name), **options)


def _speaking_of(option: Tree[Any]) -> list[tuple[str, int]]:
    """How messages speak of an option, and its place."""
    word, at = str(option.children[0]), start(option)
    return [(f"option `{word}`", at), (f": {word} is ", at)]
