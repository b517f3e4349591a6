"""How a glued diagram is assembled: what the theory does not know of is carried over and compared.

The theory's colimit says which objects and generators are one, and which laws are left. This room gives everything its
name, in one namespace with goals, measures and stages; unifies shapes; and checks that what became one was declared
alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, NoReturn, TypeVar

from learningdiagrams.declarations import Goal, Measure
from learningdiagrams.diagram import Diagram
from learningdiagrams.errors import DiagramError, suggestion
from learningdiagrams.gluing.notes import carried_spec, same_realisation, unified_spaces
from learningdiagrams.interpretation import Interpretation
from learningdiagrams.interpretation.roles import generators_used
from learningdiagrams.specs import Spec
from learningdiagrams.theory.amalgamation import Arrow, allot
from learningdiagrams.theory.colimits import colimit as theory_colimit
from learningdiagrams.theory.failures import listed
from learningdiagrams.theory.functors import Functor
from learningdiagrams.theory.morphisms import Morphism, Object, brief
from learningdiagrams.theory.presentations import Presentation
from learningdiagrams.theory.union_find import Classes

__all__ = ["Leg", "Shared", "assemble"]

T = TypeVar("T")
Numbers = Mapping[str, Mapping[str, Any]]
Member = tuple[int, str]
"""A thing of a part: the part's position and the thing's name there."""


class Shared(NamedTuple):
    """A goal or measure of one part that is one with that of another; parts by position."""

    source: int
    mine: str
    target: int
    theirs: str


class Leg(Interpretation):
    """The interpretation of a part in the whole: generators go to generators, goals and measures to goals and measures.

    `pull` takes the whole's parameters to the part's, and a compiled whole to the compiled part; `push` goes the other
    way. `goals` says what the part's goals and measures are called in the whole.

    >>> from learningdiagrams.gluing.colimits import glue
    >>> from learningdiagrams.language import loads
    >>> part = loads("object A\\nmodel f : A -> A")
    >>> one, two = glue(part, part).legs
    >>> two.push({"f": {"weight": 1.0}}), two.pull({"f": {"weight": 2.0}, "f_2": {"weight": 1.0}})
    ({'f_2': {'weight': 1.0}}, {'f': {'weight': 1.0}})
    """

    __slots__ = ("goals",)
    goals: Mapping[str, str]

    def push(self, numbers: Numbers) -> dict[str, dict[str, Any]]:
        """Numbers {generator: {name: array}} of the part, parameters or buffers, as numbers of the whole.

        Raises :class:`DiagramError` for a generator that the part has not, and for numbers that differ where the whole
        has one generator for two of the part.
        """
        from learningdiagrams.gluing.colimits import same_numbers

        found: dict[str, dict[str, Any]] = {}
        origin: dict[str, str] = {}
        for name, table in numbers.items():
            if name not in self.morphisms:
                known = self.source.generators
                raise DiagramError(f"there is no generator `{name}` in {self.source.name}{suggestion(name, known)}")
            there = str(self.morphisms[name].name)
            first = origin.setdefault(there, name)
            before = found.setdefault(there, dict(table))
            if first != name and (
                before.keys() != table.keys() or any(not same_numbers(before[key], table[key]) for key in table)
            ):
                raise DiagramError(f"`{first}` and `{name}` are one generator of the whole, and their numbers differ")
        return found


def assemble(
    diagrams: Sequence[Diagram],
    hidden: Sequence[Presentation],
    arrows: Sequence[Arrow],
    shared: Sequence[Shared],
    name: str | None,
    directory: Path | None,
) -> tuple[Diagram, tuple[Leg, ...]]:
    """The glued diagram with a leg from each diagram; `hidden` presentations have positions after them."""
    title = _title(diagrams) if name is None else name
    apex = theory_colimit([*(d.presentation for d in diagrams), *hidden], arrows, name=title)
    return _Assembly(diagrams, apex.apex, apex.legs[: len(diagrams)], shared, title, directory).made()


def _title(diagrams: Sequence[Diagram]) -> str:
    titles = list(dict.fromkeys(d.name for d in diagrams if d.name != "diagram"))
    if len(titles) > 3:
        return f"{titles[0]} + {len(titles) - 1} more"
    return " + ".join(titles) or "diagram"


class _Assembly:
    """The whole while it is made. Members of a class stand in the order of the parts; the first gives the name."""

    def __init__(
        self,
        parts: Sequence[Diagram],
        apex: Presentation,
        functors: Sequence[Functor],
        shared: Sequence[Shared],
        title: str,
        directory: Path | None,
    ) -> None:
        self.parts = parts
        self.apex = apex
        self.functors = functors
        self.directory = directory
        self.whole = Diagram(title)
        self.whole.directory = directory
        self.whole.trusted = bool(parts) and all(part.trusted for part in parts)
        self.sorts: dict[str, list[Member]] = {}
        self.generators: dict[str, list[Member]] = {}
        for position, functor in enumerate(functors):
            for sort, image in functor.objects.items():
                self.sorts.setdefault(image.name, []).append((position, sort))
            for generator, morphism in functor.morphisms.items():
                self.generators.setdefault(str(morphism.name), []).append((position, generator))
        self.laws = self._origins_of_laws()
        self.equations = self._classes(shared)
        self.names = self._names()
        self.images: list[tuple[dict[str, Object], dict[str, Morphism]]] = []

    def where(self, member: Member) -> str:
        """How a message names a thing of a part."""
        position, name = member
        titles = [part.name for part in self.parts]
        part = titles[position]
        return f"`{name}` of " + (part if titles.count(part) == 1 else f"diagram {position + 1} ({part})")

    # Names -----------------------------------------------------------------------------------------------------------

    def _origins_of_laws(self) -> dict[str, Member]:
        """Whose law each law of the apex is; the others follow from these."""
        sides = {(law.left, law.right): name for name, law in self.apex.laws.items()}
        found: dict[str, Member] = {}
        for position, (part, functor) in enumerate(zip(self.parts, self.functors, strict=True)):
            for name, law in part.laws.items():
                there = sides.get((functor(law.left), functor(law.right)))
                if there is not None:
                    found.setdefault(there, (position, name))
        return found

    def _classes(self, shared: Iterable[Shared]) -> dict[Member, list[Member]]:
        """Goals and measures that are one, by the first of them."""
        classes: Classes[str] = Classes([*part.goals, *part.measures] for part in self.parts)
        for pair in shared:
            classes.unite(classes.number[pair.source][pair.mine], classes.number[pair.target][pair.theirs])
        found: dict[int, list[Member]] = {}
        for number, member in enumerate(classes.members):
            found.setdefault(classes.find(number), []).append(member)
        return {members[0]: members for members in found.values()}

    def _names(self) -> dict[Member, str]:
        """The name in the whole of everything that has one, by the first member of its class."""
        firsts = {members[0] for members in (*self.sorts.values(), *self.generators.values())}
        firsts |= {*self.laws.values(), *self.equations}
        wishes: list[Member] = []
        for position, part in enumerate(self.parts):
            firsts |= {(position, stage) for stage in part.stages}
            tables = (part.sorts, part.generators, part.laws, part.goals, part.measures, part.stages)
            wishes += [(position, name) for table in tables for name in table if (position, name) in firsts]
        names = dict(zip(wishes, allot([name for _, name in wishes]), strict=True))
        for members in (*self.sorts.values(), *self.generators.values(), *self.equations.values()):
            names.update((member, names[members[0]]) for member in members)
        return names

    # The whole -------------------------------------------------------------------------------------------------------

    def made(self) -> tuple[Diagram, tuple[Leg, ...]]:
        self._declare_objects()
        self._declare_generators()
        legs = tuple(self._leg(position) for position in range(len(self.parts)))
        for law in self.apex.laws.values():
            self._declare_law(law.name, legs)
        for first, members in self.equations.items():
            self._declare_equation(first, members, legs)
        for position, part in enumerate(self.parts):
            for stage in part.stages.values():
                train = [self.names[position, model] for model in stage.train]
                by = [self.names[position, goal] for goal in stage.by]
                self.whole.stage(self.names[position, stage.name], train, by, stage.epochs, stage.steps)
            for style in part.styles.values():
                name = self.names.get((position, style.name))
                if name is not None and name not in self.whole.styles:
                    options = {key: value for key, value in vars(style).items() if key != "name" and value is not None}
                    self.whole.style(name, **options)
        return self.whole, legs

    def _declare_objects(self) -> None:
        members = list(self.sorts.values())
        spaces = unified_spaces(
            [[(position, name, self.parts[position].spaces[name]) for position, name in each] for each in members],
            lambda member: self.where(member),
        )
        for each, space in sorted(zip(members, spaces, strict=True), key=lambda pair: self._place(pair[0][0])):
            self.whole.object(self.names[each[0]], space.shape, space.dtype)

    def _place(self, member: Member) -> tuple[int, int]:
        """Where a member's name stands in the order of the whole."""
        position, name = member
        part = self.parts[position]
        return position, list(part.sorts).index(name) if name in part.sorts else list(part.generators).index(name)

    def _declare_generators(self) -> None:
        for members in sorted(self.generators.values(), key=lambda each: self._place(each[0])):
            first = members[0]
            morphism = self.parts[first[0]].generators[first[1]]
            dom, cod = (self._object(first[0], end) for end in (morphism.dom, morphism.cod))
            role, spec = self._agreed(members)
            self.whole._generator(role, self.names[first], dom, cod, spec)

    def _object(self, position: int, obj: Object) -> Object:
        sorts = (self.whole.sorts[self.names[position, sort.name]] for sort in obj.factors)
        return self.whole.presentation.signature.product(sorts)

    def _agreed(self, members: list[Member]) -> tuple[Any, Spec | None]:
        """The one role and realisation of generators that are one; a part may leave the realisation to others."""
        first = members[0]
        role = self.parts[first[0]].roles[first[1]]
        found: tuple[Member, Spec] | None = None
        for member in members:
            position, name = member
            part = self.parts[position]
            if part.roles[name] != role:
                self._refuse(first, f"is {_a(role)}", member, f"is {_a(part.roles[name])}", "has one role")
            if name in part.specs:
                spec = carried_spec(
                    part.specs[name],
                    name,
                    self.names[first],
                    lambda other, position=position: self.names[position, other],
                    part.directory,
                    self.directory,
                )
                if found is None:
                    found = member, spec
                elif not same_realisation(found[1], spec):
                    self._refuse(found[0], f"is {found[1]}", member, f"is {spec}", "has one realisation")
        return role, found[1] if found else None

    def _leg(self, position: int) -> Leg:
        part = self.parts[position]
        objects = {name: self.whole.sorts[self.names[position, name]] for name in part.sorts}
        morphisms = {name: self.whole.generators[self.names[position, name]] for name in part.generators}
        leg = Leg.between(part, self.whole, objects, morphisms)
        assert isinstance(leg, Leg)
        names = {name: self.names[position, name] for name in (*part.goals, *part.measures)}
        leg.goals = MappingProxyType(names)
        return leg

    def _declare_law(self, name: str, legs: Sequence[Leg]) -> None:
        position, own = self.laws[name]
        law = self.parts[position].laws[own]
        self.whole.law(legs[position](law.left), legs[position](law.right), self.names[position, own])

    def _declare_equation(self, first: Member, members: list[Member], legs: Sequence[Leg]) -> None:
        """Declares a goal or measure, after comparing all that are one with the first."""
        carried = [self._carried(member, legs) for member in members]
        for member, other in zip(members[1:], carried[1:], strict=True):
            self._compare(first, carried[0], member, other)
        it = carried[0]
        if isinstance(it, Goal):
            self.whole.goal(it.name, it.left, it.right, it.on, it.by, it.weight, it.train)
        else:
            self.whole.measure(it.name, it.left, it.right, it.on, it.by)

    def _carried(self, member: Member, legs: Sequence[Leg]) -> Goal | Measure:
        position, name = member
        part, leg = self.parts[position], legs[position]
        it: Goal | Measure = part.goals[name] if name in part.goals else part.measures[name]
        sides = {
            "name": self.names[member],
            "left": leg(it.left),
            "right": leg(it.right),
            "on": tuple(leg(m) for m in it.on),
        }
        if isinstance(it, Goal) and it.train is not None:
            return replace(it, **sides, train=tuple(dict.fromkeys(self.names[position, model] for model in it.train)))
        return replace(it, **sides)

    def _compare(self, first: Member, one: Goal | Measure, member: Member, two: Goal | Measure) -> None:
        if (one.left, one.right) != (two.left, two.right):
            apart = sorted({it.name for it in _used(one)} ^ {it.name for it in _used(two)})
            hint = f" (share the generators too: the whole has {listed(apart)} on one side only)" if apart else ""
            sides = [f"is {brief(it.left)} = {brief(it.right)}" for it in (one, two)]
            self._refuse(first, sides[0], member, sides[1], f"is one equation in the whole{hint}")
        notes: list[tuple[str, Callable[[Any], Any]]] = [("on", frozenset), ("by", _itself)]
        if isinstance(one, Goal):
            notes += [("weight", _itself), ("train", lambda x: None if x is None else frozenset(x))]
        for note, key in notes:
            mine, theirs = getattr(one, note), getattr(two, note)
            if key(mine) != key(theirs):
                here, there = (f"has {_note(note, value)}" for value in (mine, theirs))
                self._refuse(first, here, member, there, "is said alike")

    def _refuse(self, first: Member, here: str, member: Member, there: str, rule: str) -> NoReturn:
        raise DiagramError(
            f"{self.where(first)} {here}, and {self.where(member)} {there}; what is shared {rule}",
            first[1] if first[0] == 0 else None,
        )


def _itself(x: T) -> T:
    return x


def _note(note: str, value: Any) -> str:
    if value is None or value == ():
        return f"no `{note}`"
    return f"{note} {', '.join(map(str, value)) if isinstance(value, tuple) else value}"


def _used(equation: Goal | Measure) -> set[Any]:
    return {it for side in (equation.left, equation.right) for it in generators_used(side)}


def _a(role: str) -> str:
    return {"data": "data", "noise": "noise", "ema": "an average", "model": "a model"}.get(
        role, "a map without a role" if role == "map" else f"a {role} map"
    )
