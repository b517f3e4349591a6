"""What gluing changed: equations that a part gains when it becomes a piece of something larger.

Gluing is conservative when the functor from a part to the whole is faithful, and it need not be: glue an
involution and an idempotent along their loop, and the loop becomes an identity. Whether a colimit is
conservative cannot be decided in general, so this searches where such equations arise: at generators that
the gluing made equal, at the laws that the other parts brought along, at operations that may have become
commutative, idempotent or a projection, and among short paths.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from functools import cached_property, reduce
from itertools import combinations, islice
from operator import and_
from typing import TYPE_CHECKING, Final, NamedTuple

from learningdiagrams.theory.deciding import Proved
from learningdiagrams.theory.errors import TheoryError
from learningdiagrams.theory.functors import Functor
from learningdiagrams.theory.morphisms import Generator, Morphism, Object, identity, proj
from learningdiagrams.theory.presentations import Presentation
from learningdiagrams.theory.terms import applications, substitute

if TYPE_CHECKING:
    from learningdiagrams.theory.proofs import Proof

__all__ = ["Collapse", "find_collapses"]

FIRST_SECONDS: Final = 0.05
PATHS: Final = 64
"""Parts with more generators than these are not searched for short paths."""
PAIRS: Final = 2_000
FIRST_PAIRS: Final = 500
"""Pairs of short paths that are looked at, with the laws of the other parts, before the rest of them."""


class Collapse(NamedTuple):
    """Two morphisms of `leg.dom` that differ there; `proof` shows that `leg(left)` = `leg(right)`."""

    leg: Functor
    left: Morphism
    right: Morphism
    proof: Proof


def find_collapses(apex: Presentation, legs: Sequence[Functor], max_seconds: float = 2.0) -> list[Collapse]:
    """Equations between morphisms of the parts that hold in the apex and are refuted in the part.

    An equation that follows from those found before, and from the part's laws, is not listed again. Every
    pair gets a short time first; those that were not decided get more, as long as there is some.
    """
    end = time.monotonic() + max_seconds
    searches = [_Search(apex, leg) for leg in legs]
    waiting = [(search, pair) for search in searches for pair in _candidates(apex, search.leg)]
    seconds = FIRST_SECONDS
    while waiting:
        undecided = []
        for search, pair in waiting:
            if time.monotonic() > end:
                return [collapse for it in searches for collapse in it.found]
            if not search.examine(*pair, max(0.0, min(seconds, end - time.monotonic()))):
                undecided.append((search, pair))
        waiting, seconds = undecided, 4 * seconds
    return [collapse for it in searches for collapse in it.found]


class _Search:
    """The search in one part, with what it was found to have gained."""

    def __init__(self, apex: Presentation, leg: Functor) -> None:
        self.leg = leg
        self.found: list[Collapse] = []
        self._apex = apex

    @cached_property
    def _gained(self) -> Functor:
        """From the part to a copy with what was found as laws: only what that refutes is news."""
        return Functor.inclusion(self.leg.dom, _copy(self.leg.dom))

    def examine(self, left: Morphism, right: Morphism, seconds: float) -> bool:
        """Adds the pair if it has become equal and was not; False where one of the two was not decided."""
        verdict = self._apex.prove(self.leg(left), self.leg(right), max_seconds=seconds)
        if not isinstance(verdict, Proved):
            return verdict.holds is False
        old = self._gained.cod.prove(self._gained(left), self._gained(right), max_seconds=seconds)
        if old.holds is False:
            self._gained.cod.law(old.left, old.right)
            self.found.append(Collapse(self.leg, left, right, verdict.proof))
        return old.holds is not None


def _candidates(apex: Presentation, leg: Functor) -> Iterator[tuple[Morphism, Morphism]]:
    """Parallel pairs of a part that may have become equal, the likely ones first."""
    part = leg.dom
    loops = {sort.name: identity(sort) for sort in part.sorts.values()}
    groups: dict[tuple[Object, Object, Morphism], Morphism] = {}
    for morphism in (*loops.values(), *part.generators.values()):
        first = groups.setdefault((morphism.dom, morphism.cod, leg(morphism)), morphism)
        if first is not morphism:
            yield first, morphism
    small = len(part.generators) <= PATHS
    paths = list(islice(_short_paths(part, list(loops.values())), PAIRS)) if small else []
    operations = [pair for it in part.generators.values() for pair in _degenerate(it)] if small else []
    # Small equations first: what follows from those is not listed, and a >> b = b >> a says more than a commutator.
    yield from sorted([*_pulled_laws(apex, leg), *operations, *paths[:FIRST_PAIRS]], key=_size)
    yield from paths[FIRST_PAIRS:]


def _size(pair: tuple[Morphism, Morphism]) -> tuple[int, int]:
    left, right = (sum(term.head is not None for term in applications(side.terms)) for side in pair)
    return left + right, abs(left - right)


def _pulled_laws(apex: Presentation, leg: Functor) -> Iterator[tuple[Morphism, Morphism]]:
    """Laws of the apex that can be written in the part and are none of the part's own."""
    sorts: dict[Object, Object] = {}
    for name, image in leg.objects.items():
        sorts.setdefault(image, leg.dom.sorts[name])
    generators: dict[Generator, Morphism] = {}
    for name, image in leg.morphisms.items():
        if image.generator is not None:
            generators.setdefault(image.generator, leg.dom.generators[name])

    def sort_of(obj: Object) -> Object:
        if not all(sort in sorts for sort in obj.factors):
            raise TheoryError(f"{obj} is not in the image")
        return leg.dom.signature.product(sorts[sort] for sort in obj.factors)

    def generator_of(generator: Generator) -> Morphism:
        if generator not in generators:
            raise TheoryError(f"{generator} is not in the image")
        return generators[generator]

    own = {(leg(law.left), leg(law.right)) for law in leg.dom.laws.values()}
    for law in apex.laws.values():
        if (law.left, law.right) in own or (law.right, law.left) in own:
            continue
        try:
            left, right = (substitute(side, sort_of, generator_of) for side in (law.left, law.right))
        except TheoryError:
            continue
        if left.dom is right.dom and left.cod is right.cod:
            yield left, right


def _degenerate(generator: Morphism) -> Iterator[tuple[Morphism, Morphism]]:
    """What an operation of several arguments may have come to satisfy: commuting, forgetting, idempotence."""
    dom, cod = generator.dom, generator.cod
    arguments = [proj(dom, position) for position in range(len(dom.factors))] if len(dom.factors) > 1 else []
    for i, j in combinations(range(len(arguments)), 2):
        if dom.factors[i] is dom.factors[j]:
            swapped = [arguments[{i: j, j: i}.get(position, position)] for position in range(len(arguments))]
            yield generator, reduce(and_, swapped) >> generator
    for argument in arguments:
        if argument.cod is cod:
            yield generator, argument
    if arguments and all(factor is cod for factor in dom.factors):
        yield reduce(and_, [identity(cod)] * len(arguments)) >> generator, identity(cod)


def _short_paths(part: Presentation, loops: list[Morphism]) -> Iterator[tuple[Morphism, Morphism]]:
    """Pairs of parallel paths of at most two generators, shorter ones first."""
    generators = list(part.generators.values())
    composites = [f >> g for f in generators for g in generators if f.cod is g.dom]
    groups: dict[tuple[Object, Object], list[Morphism]] = {}
    for path in (*loops, *generators, *composites):
        groups.setdefault((path.dom, path.cod), []).append(path)
    pairs = ((left, right) for group in groups.values() for left, right in combinations(group, 2))
    yield from sorted(islice(pairs, 10 * PAIRS), key=lambda pair: sum(path.op == "compose" for path in pair))


def _copy(presentation: Presentation) -> Presentation:
    copy = Presentation(presentation.name)
    copy.objects(*presentation.sorts)
    for name, generator in presentation.generators.items():
        ends = (
            copy.signature.product(copy.sorts[sort.name] for sort in end.factors)
            for end in (generator.dom, generator.cod)
        )
        copy.morphism(name, *ends)
    same = Functor.inclusion(presentation, copy)
    for name, law in presentation.laws.items():
        copy.law(same(law.left), same(law.right), name=name)
    return copy
