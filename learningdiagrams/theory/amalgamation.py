"""How presentations are glued: one presentation made of many, as the functors between them demand.

The colimit of presented categories is presented by the disjoint union of the presentations with, for each functor
F : P_i → P_j of the diagram, the sort A of P_i made one with F(A) and the equation g = F(g) added for each generator g
of P_i. Three steps bring that into a form that people would have written:

1. sorts, and generators whose images are generators, are identified by union-find;
2. a generator whose image is a composite or an identity is eliminated in favour of that image (a Tietze
   transformation), unless the image would then contain the generator itself; such an equation stays as a law;
3. laws are carried over, and one that is there already, or that the laws of earlier parts prove, is not repeated.

Parts are told apart by position, since one presentation may occur twice. Everything but step 3's proofs takes time and
memory linear in what is glued, and nothing recurses.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from learningdiagrams.theory.functors import Functor, generators_in
from learningdiagrams.theory.morphisms import Generator, Morphism, Object
from learningdiagrams.theory.presentations import Presentation
from learningdiagrams.theory.terms import from_terms, substitute

__all__ = ["Amalgam", "amalgamate"]

Arrow = tuple[int, int, Functor]
K = TypeVar("K", bound=Hashable)

PROVED_AWAY: Final = 40
"""With more laws than these in one part, its laws are only compared with those that are there, not proved from them."""

STEPS: Final = 2_000
"""The work spent on proving one law from those of earlier parts: counted in steps, so that the outcome is always the same."""


@dataclass(frozen=True)
class Amalgam:
    """What gluing made: the whole, a functor into it from each part, and where each of its names came from."""

    apex: Presentation
    legs: tuple[Functor, ...]
    origin: dict[str, tuple[int, str]]


@dataclass(frozen=True)
class _Equation:
    """generator = image, the image being an expression over the presentation at position `part`."""

    generator: int
    part: int
    image: Morphism


def amalgamate(name: str, parts: Sequence[Presentation], arrows: Sequence[Arrow]) -> Amalgam:
    """Glues `parts` along `arrows` (from, to, functor): functors that send sorts to sorts and have no failures."""
    sorts = _Classes([part.sorts.values() for part in parts])
    generators = _Classes([[m.parts[0] for m in part.generators.values()] for part in parts])
    equations = []
    for source, target, functor in arrows:
        dom = parts[source]
        for sort, image in functor.objects.items():
            sorts.unite(sorts.number[source][dom.sorts[sort]], sorts.number[target][image])
        for generator, image in functor.morphisms.items():
            number = generators.number[source][dom.generators[generator].parts[0]]
            bare = _bare(image)
            if bare is None:
                equations.append(_Equation(number, target, _tidy(image)))
            else:
                generators.unite(number, generators.number[target][bare])
    definitions, conditions = _eliminate(equations, generators)

    entries: list[tuple[tuple[str, int, str], str]] = []
    for position, part in enumerate(parts):
        for kind, classes, values in (("sort", sorts, part.sorts), ("generator", generators, part.generators)):
            numbers = classes.number[position].values()
            entries += (
                ((kind, number, ""), value)
                for number, value in zip(numbers, values, strict=True)
                if classes.find(number) == number and not (kind == "generator" and number in definitions)
            )
        entries += ((("law", position, law), law) for law in part.laws)
    for number, condition in enumerate(conditions):
        root = generators.find(condition.generator)
        entries.append((("glued", number, ""), f"{generators.members[root][1].name}_glued"))
    names = _allot(entries)

    apex = Presentation(name)
    origin: dict[str, tuple[int, str]] = {}
    objects: dict[int, Object] = {}
    morphisms: dict[int, Morphism] = {}
    products: list[dict[Object, Object]] = [{} for _ in parts]

    def image_of(position: int, obj: Object) -> Object:
        found = products[position].get(obj)
        if found is None:
            number = sorts.number[position]
            factors = [objects[sorts.find(number[sort])] for sort in obj.factors]
            found = products[position][obj] = apex.signature.product(factors)
        return found

    for root in sorts.roots():
        position, sort = sorts.members[root]
        (objects[root],) = apex.objects(names["sort", root, ""])
        origin[objects[root].name] = (position, sort.name)
    for root in generators.roots():
        if root not in definitions:
            position, generator = generators.members[root]
            dom, cod = image_of(position, generator.dom), image_of(position, generator.cod)
            morphisms[root] = apex.morphism(names["generator", root, ""], dom, cod)
            origin[names["generator", root, ""]] = (position, generator.name)

    def morphism_of(position: int, generator: Generator) -> Morphism:
        return morphisms[generators.find(generators.number[position][generator])]

    for root, equation in definitions.items():
        morphisms[root] = substitute(
            equation.image,
            lambda obj, part=equation.part: image_of(part, obj),
            lambda generator, part=equation.part: morphism_of(part, generator),
        )
    legs = tuple(
        Functor(
            part,
            apex,
            {sort.name: image_of(position, sort) for sort in sorts.number[position]},
            {generator.name: morphism_of(position, generator) for generator in generators.number[position]},
        )
        for position, part in enumerate(parts)
    )

    laws = _Laws(apex)
    for position, (part, leg) in enumerate(zip(parts, legs, strict=True)):
        laws.add(
            (names["law", position, law.name], leg(law.left), leg(law.right)) for law in part.laws.values()
        )
    laws.add(
        (names["glued", number, ""], morphisms[generators.find(it.generator)], legs[it.part](it.image))
        for number, it in enumerate(conditions)
    )
    return Amalgam(apex, legs, origin)


class _Classes:
    """Union-find over the things of all parts, numbered in order; the least of a class, its root, stands for it."""

    def __init__(self, parts: Iterable[Iterable]) -> None:
        self.number: list[dict] = []
        self.members: list[tuple[int, Object | Generator]] = []
        for position, things in enumerate(parts):
            self.number.append({thing: len(self.members) + i for i, thing in enumerate(things)})
            self.members += ((position, thing) for thing in self.number[position])
        self._parent = list(range(len(self.members)))

    def find(self, number: int) -> int:
        parent = self._parent
        while parent[number] != number:
            parent[number] = number = parent[parent[number]]
        return number

    def unite(self, one: int, other: int) -> None:
        one, other = self.find(one), self.find(other)
        self._parent[max(one, other)] = min(one, other)

    def roots(self) -> Iterator[int]:
        return (number for number, parent in enumerate(self._parent) if number == parent)


def _bare(image: Morphism) -> Generator | None:
    """The generator that this expression is or equals in the free category."""
    if image.op == "generator":
        return image.parts[0]
    head = image.terms[0].head if image.terms else None
    if not isinstance(head, Generator) or head.dom is not image.dom or head.cod is not image.cod:
        return None
    return head if image == head.morphism else None


def _tidy(image: Morphism) -> Morphism:
    """The expression without the generators that it is written with but does not depend on, such as g in drop."""
    written = set(generators_in(image))
    normal = from_terms(image.dom, image.cod, image.terms)
    return image if written == set(generators_in(normal)) else normal


def _eliminate(
    equations: list[_Equation], generators: _Classes
) -> tuple[dict[int, _Equation], list[_Equation]]:
    """Chooses for each class of generators at most one equation that defines it; the others stay conditions.

    The definitions come in an order in which each mentions only generators that are kept or defined before. This is a
    depth-first search: a class that is being visited is one that everything above depends on, so that an equation
    that mentions it would define it by itself. Each equation is looked at once.
    """
    candidates: dict[int, list[_Equation]] = {}
    for equation in equations:
        candidates.setdefault(generators.find(equation.generator), []).append(equation)
    mentioned: dict[int, list[int]] = {}
    for equation in equations:
        number = generators.number[equation.part]
        mentioned[id(equation)] = [generators.find(number[g]) for g in generators_in(equation.image)]
    definitions: dict[int, _Equation] = {}
    entered: set[int] = set()
    above: set[int] = set()
    for start in candidates:
        stack: list[tuple[int, _Equation, Iterator[int]]] = []
        pending = start
        while True:
            if pending not in entered and pending in candidates:
                entered.add(pending)
                above.add(pending)
                for equation in candidates[pending]:
                    if above.isdisjoint(mentioned[id(equation)]):
                        stack.append((pending, equation, iter(mentioned[id(equation)])))
                        break
                else:
                    above.discard(pending)
            while stack:
                root, equation, rest = stack[-1]
                if (following := next(rest, None)) is not None:
                    pending = following
                    break
                definitions[root] = equation
                above.discard(root)
                stack.pop()
            else:
                break
    chosen = {id(equation) for equation in definitions.values()}
    return definitions, [equation for equation in equations if id(equation) not in chosen]


def _allot(entries: Sequence[tuple[K, str]]) -> dict[K, str]:
    """A name for each key: its own for whoever comes first, `name_2`, `name_3` … for the others.

    A name that somebody has by right is given to nobody else, wherever in the order they come.

    >>> _allot([("a", "f"), ("b", "f"), ("c", "f_2"), ("d", "f")])
    {'a': 'f', 'c': 'f_2', 'b': 'f_3', 'd': 'f_4'}
    """
    names: dict[K, str] = {}
    taken: set[str] = set()
    clashing = []
    for key, name in entries:
        if name in taken:
            clashing.append((key, name))
        else:
            taken.add(name)
            names[key] = name
    counts: dict[str, int] = {}
    for key, name in clashing:
        count = counts.get(name, 2)
        while f"{name}_{count}" in taken:
            count += 1
        counts[name] = count + 1
        names[key] = f"{name}_{count}"
        taken.add(names[key])
    return names


class _Laws:
    """The laws of the apex, each equation once."""

    def __init__(self, apex: Presentation) -> None:
        self._apex = apex
        self._seen: set[tuple[Morphism, Morphism]] = set()

    def add(self, laws: Iterable[tuple[str, Morphism, Morphism]]) -> None:
        """Adds the laws of one part that those of earlier parts do not give already."""
        new = []
        for name, left, right in laws:
            if left != right and (left, right) not in self._seen and (right, left) not in self._seen:
                self._seen.add((left, right))
                new.append((name, left, right))
        if self._apex.laws and len(self._apex.laws) + len(new) <= PROVED_AWAY:
            new = [it for it in new if not self._apex.prove(it[1], it[2], max_steps=STEPS)]
        for name, left, right in new:
            self._apex.law(left, right, name=name)
