"""How presentations are glued: one presentation made of many, as the functors between them demand.

The colimit of presented categories is presented by the disjoint union of the presentations with, for each
functor F : P_i → P_j of the diagram, the sort A of P_i made one with F(A) and the equation g = F(g) added for
each generator g of P_i. Three steps bring that into a form that people would have written:

1. sorts, and generators whose images are generators, are identified by union-find;
2. a generator whose image is a composite or an identity is eliminated in favour of that image (a Tietze
   transformation), unless the image would then contain the generator itself: that equation stays; and so again
   with the equations that stayed, since what was put into them may have left a generator alone on a side. Those
   that stay in the end are laws;
3. laws are carried over; one that is there already, or that the laws of earlier parts prove, is left out.

Parts are told apart by position, since one presentation may occur twice. Everything but the proofs of step 3
takes time and memory linear in what is glued, and nothing recurses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from learningdiagrams.theory.functors import Functor, generators_in
from learningdiagrams.theory.morphisms import Generator, Morphism, Object
from learningdiagrams.theory.presentations import Presentation
from learningdiagrams.theory.terms import from_terms, substitute
from learningdiagrams.theory.union_find import Classes

__all__ = ["Amalgam", "Arrow", "allot", "amalgamate"]

Arrow = tuple[int, int, Functor]
_Condition = tuple[str, Morphism, Morphism]

PROVED_AWAY: Final = 40
"""Where the apex would have more laws than these, laws are only compared with each other, not proved away."""

STEPS: Final = 2_000
"""The work spent on proving the laws of one part away: steps, so that the outcome is the same every time."""


@dataclass(frozen=True)
class Amalgam:
    """What gluing made: the whole, a functor into it from each part, and where its names came from.

    `origin` gives for each sort and generator of the apex the position of a part and a name there.
    """

    apex: Presentation
    legs: tuple[Functor, ...]
    origin: dict[str, tuple[int, str]]


def amalgamate(name: str, parts: Sequence[Presentation], arrows: Sequence[Arrow]) -> Amalgam:
    """Glues parts along arrows (from, to, functor): functors that send sorts to sorts and have no failures.

    >>> P = Presentation("P")
    >>> A, B = P.objects("A", "B")
    >>> f = P.morphism("f", A, B)
    >>> made = amalgamate("two arrows", [P, P], [])
    >>> made.apex["f_2"].cod, made.origin["f_2"]
    (B_2, (1, 'f'))
    """
    gluing = _Gluing(name, parts, arrows)
    gluing.declare()
    gluing.carry_laws()
    kept = {*gluing.apex.sorts, *gluing.apex.generators}
    return Amalgam(gluing.apex, gluing.legs, {name: it for name, it in gluing.origin.items() if name in kept})


@dataclass(frozen=True, eq=False)
class _Equation:
    """A generator, by its number, is equal to an expression over the presentation at position `part`."""

    generator: int
    part: int
    image: Morphism


class _Gluing:
    """The apex while it is made; classes of sorts and generators go by the number of their first member."""

    def __init__(self, name: str, parts: Sequence[Presentation], arrows: Sequence[Arrow]) -> None:
        self.apex = Presentation(name)
        self.legs: tuple[Functor, ...] = ()
        self.origin: dict[str, tuple[int, str]] = {}
        self._parts = parts
        self._shared = bool(arrows)
        self._sorts = Classes(part.sorts.values() for part in parts)
        self._generators = Classes([it.parts[0] for it in part.generators.values()] for part in parts)
        self._definitions, self._left_over = _eliminate(self._identify(arrows), self._generators)
        self._objects: dict[int, Object] = {}
        self._morphisms: dict[int, Morphism] = {}
        self._products: list[dict[Object, Object]] = [{} for _ in parts]
        self._sort_names: dict[int, str] = {}
        self._generator_names: dict[int, str] = {}
        self._law_names: dict[tuple[int, str], str] = {}
        names = allot([wish for _, _, wish in self._wishes()])
        for (table, key, _), given in zip(self._wishes(), names, strict=True):
            table[key] = given

    def _identify(self, arrows: Sequence[Arrow]) -> list[_Equation]:
        """Step 1; returns the equations that it leaves."""
        equations = []
        for source, target, functor in arrows:
            dom = functor.dom
            here, there = self._sorts.number[source], self._sorts.number[target]
            for sort, image in functor.objects.items():
                self._sorts.unite(here[dom.sorts[sort]], there[image])
            here, there = self._generators.number[source], self._generators.number[target]
            for name, image in functor.morphisms.items():
                number, bare = here[dom.generators[name].parts[0]], _bare(image)
                if bare is None:
                    equations.append(_Equation(number, target, _tidy(image)))
                else:
                    self._generators.unite(number, there[bare])
        return equations

    def _wishes(self) -> Iterator[tuple[dict, Any, str]]:
        """What needs a name and which it would like, the first part first: (table, key, wish)."""
        for position, part in enumerate(self._parts):
            for sort, number in self._sorts.number[position].items():
                if self._sorts.find(number) == number:
                    yield self._sort_names, number, sort.name
            for generator, number in self._generators.number[position].items():
                if self._generators.find(number) == number and number not in self._definitions:
                    yield self._generator_names, number, generator.name
            for law in part.laws:
                yield self._law_names, (position, law), law
        for number, equation in enumerate(self._left_over):
            root = self._generators.find(equation.generator)
            yield self._law_names, (number, ""), f"{self._generators.members[root][1].name}_glued"

    def declare(self) -> None:
        """Gives the apex its sorts and generators; step 2 for the others."""
        for root, name in sorted(self._sort_names.items()):
            position, sort = self._sorts.members[root]
            (self._objects[root],) = self.apex.objects(name)
            self.origin[name] = (position, sort.name)
        for root, name in sorted(self._generator_names.items()):
            position, generator = self._generators.members[root]
            dom, cod = self.object_of(position, generator.dom), self.object_of(position, generator.cod)
            self._morphisms[root] = self.apex.morphism(name, dom, cod)
            self.origin[name] = (position, generator.name)
        for root, equation in self._definitions.items():
            self._morphisms[root] = substitute(
                equation.image,
                lambda obj, part=equation.part: self.object_of(part, obj),
                lambda generator, part=equation.part: self.morphism_of(part, generator),
            )

    def object_of(self, position: int, obj: Object) -> Object:
        """What an object of the part at this position is in the apex."""
        found = self._products[position].get(obj)
        if found is None:
            number, find = self._sorts.number[position], self._sorts.find
            factors = [self._objects[find(number[sort])] for sort in obj.factors]
            found = self._products[position][obj] = self.apex.signature.product(factors)
        return found

    def morphism_of(self, position: int, generator: Generator) -> Morphism:
        """What a generator of the part at this position is in the apex."""
        return self._morphisms[self._generators.find(self._generators.number[position][generator])]

    def _legs(self) -> Iterator[Functor]:
        for position, part in enumerate(self._parts):
            sorts, generators = self._sorts.number[position], self._generators.number[position]
            objects = {sort.name: self.object_of(position, sort) for sort in sorts}
            morphisms = {it.name: self.morphism_of(position, it) for it in generators}
            yield Functor.from_tables(part, self.apex, objects, morphisms)

    def _settle(self) -> list[_Condition]:
        """Step 2 again, as long as that eliminates something; returns the equations that stay."""
        conditions = []
        for number, it in enumerate(self._left_over):
            left = self._morphisms[self._generators.find(it.generator)]
            conditions.append((self._law_names[number, ""], left, self.legs[it.part](it.image)))
        while (again := _eliminated(self.apex, conditions)) is not None:
            self.apex = again.cod
            self.legs = tuple(leg >> again for leg in self.legs)
            conditions = [(name, again(left), again(right)) for name, left, right in conditions]
        return [it for it in conditions if it[1] != it[2]]

    def carry_laws(self) -> None:
        """Step 3."""
        self.legs = tuple(self._legs())
        conditions = self._settle()
        seen: set[tuple[Morphism, Morphism]] = set()
        for position, (part, leg) in enumerate(zip(self._parts, self.legs, strict=True)):
            laws = ((self._law_names[position, it.name], it.left, it.right) for it in part.laws.values())
            self._add(((name, leg(left), leg(right)) for name, left, right in laws), seen)
        self._add(conditions, seen)

    def _add(self, laws: Iterable[_Condition], seen: set[tuple[Morphism, Morphism]]) -> None:
        """Adds the laws of one part that those of earlier parts do not give already."""
        new = []
        for name, left, right in laws:
            if left != right and (left, right) not in seen and (right, left) not in seen:
                seen.add((left, right))
                new.append((name, left, right))
        if self._shared and self.apex.laws and 0 < len(new) <= PROVED_AWAY - len(self.apex.laws):
            steps = STEPS // len(new)
            new = [it for it in new if not self.apex.prove(it[1], it[2], max_steps=steps)]
        for name, left, right in new:
            self.apex.law(left, right, name=name)


def _bare(image: Morphism) -> Generator | None:
    """The generator that this expression is or equals in the free category."""
    if image.op == "generator":
        return image.parts[0]
    head = image.terms[0].head if image.terms else None
    if not isinstance(head, Generator) or head.dom is not image.dom or head.cod is not image.cod:
        return None
    return head if image == head.morphism else None


def _tidy(image: Morphism) -> Morphism:
    """The expression, written without generators that it does not depend on, such as g in g >> drop(B)."""
    written = set(generators_in(image))
    normal = from_terms(image.dom, image.cod, image.terms)
    return image if written == set(generators_in(normal)) else normal


def _eliminate(equations: list[_Equation], generators: Classes) -> tuple[dict[int, _Equation], list[_Equation]]:
    """Chooses for each class of generators at most one equation that defines it; the others stay conditions.

    The definitions come in an order in which each mentions only generators that are kept or defined
    before. This is a depth-first search: a class that is being visited is one that everything above
    depends on, so that an equation that mentions it would define it by itself. Each equation is looked at
    once.
    """
    candidates: dict[int, list[tuple[_Equation, list[int]]]] = {}
    for equation in equations:
        number = generators.number[equation.part]
        mentioned = [generators.find(number[it]) for it in generators_in(equation.image)]
        candidates.setdefault(generators.find(equation.generator), []).append((equation, mentioned))
    definitions: dict[int, _Equation] = {}
    entered: set[int] = set()
    above: set[int] = set()
    stack: list[tuple[int, _Equation, Iterator[int]]] = []

    def enter(root: int) -> None:
        if root in entered or root not in candidates:
            return
        entered.add(root)
        above.add(root)
        for equation, mentioned in candidates[root]:
            if above.isdisjoint(mentioned):
                stack.append((root, equation, iter(mentioned)))
                return
        above.discard(root)

    for start in candidates:
        enter(start)
        while stack:
            root, equation, rest = stack[-1]
            following = next(rest, None)
            if following is not None:
                enter(following)
            else:
                definitions[root] = equation
                above.discard(root)
                stack.pop()
    chosen = set(definitions.values())
    return definitions, [equation for equation in equations if equation not in chosen]


def _eliminated(presentation: Presentation, conditions: Sequence[_Condition]) -> Functor | None:
    """The functor that eliminates generators which conditions define, into what is left; None if they define none.

    The presentation has no laws yet.
    """
    generators = Classes([[it.parts[0] for it in presentation.generators.values()]])
    numbers = generators.number[0]
    equations = []
    for _, left, right in conditions:
        sides = _tidy(left), _tidy(right)
        found = [(numbers[bare], other) for it, other in (sides, sides[::-1]) if (bare := _bare(it)) is not None]
        # Of two generators that are equal, the one declared first stays.
        for number, image in sorted(found, key=lambda it: -it[0])[:1]:
            equations.append(_Equation(number, 0, image))
    definitions, _ = _eliminate(equations, generators)
    if not definitions:
        return None
    less = Presentation(presentation.name)
    sorts = dict(zip(presentation.sorts, less.objects(*presentation.sorts), strict=True))

    def object_of(obj: Object) -> Object:
        return less.signature.product(sorts[sort.name] for sort in obj.factors)

    made: dict[Generator, Morphism] = {}
    for generator, number in numbers.items():
        if number not in definitions:
            made[generator] = less.morphism(generator.name, object_of(generator.dom), object_of(generator.cod))
    for number, equation in definitions.items():
        made[generators.members[number][1]] = substitute(equation.image, object_of, made.__getitem__)
    return Functor.from_tables(presentation, less, sorts, {it.name: made[it] for it in numbers})


def allot(wishes: Sequence[str]) -> list[str]:
    """A name for each wish: its own for whoever comes first, `name_2`, `name_3` … for the others.

    A name that somebody has by right is given to nobody else, wherever in the order they come.

    >>> allot(["f", "f", "f_2", "f"])
    ['f', 'f_3', 'f_2', 'f_4']
    """
    names = list(wishes)
    taken: set[str] = set()
    clashing = []
    for place, name in enumerate(names):
        if name in taken:
            clashing.append(place)
        else:
            taken.add(name)
    counts: dict[str, int] = {}
    for place in clashing:
        name = names[place]
        count = counts.get(name, 2)
        while f"{name}_{count}" in taken:
            count += 1
        counts[name] = count + 1
        names[place] = f"{name}_{count}"
        taken.add(names[place])
    return names
