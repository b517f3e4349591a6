"""The search for all interpretations of one diagram in another, up to a length of the images.

Objects and generators are assigned one after the other, types first: a generator whose ends have images goes to
the morphisms between those, a generator whose ends have none tries all. Each law and goal is asked for as soon as
its last generator is assigned, so that a wrong choice is given up before the rest is chosen.

A generator's image is as long as the generators that it applies, counted in each output by itself and each
application once; one that the target's laws make equal to a shorter image is not listed again. Objects go to
objects, not to products. Finding all of them is finite work, but it may be much, and an equation may be
undecided: what comes out says whether it is complete.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import product
from typing import Any, Final

from learningdiagrams.diagram import Diagram
from learningdiagrams.errors import DiagramError
from learningdiagrams.examination import players, premises, translated
from learningdiagrams.interpretation.interpretations import Claim, Interpretation, claims, is_played
from learningdiagrams.interpretation.roles import MAY, generators_used, image_problem, sort_problem
from learningdiagrams.interpretation.shapes import Pulled, agree
from learningdiagrams.specs import shuffle
from learningdiagrams.theory.morphisms import Generator, Morphism, Object, Term, brief
from learningdiagrams.theory.terms import Writer, applications, substitute

__all__ = ["Found", "interpretations"]

EQUATION_SECONDS: Final = 1.0
"""How long one equation may take, so that a hard one does not take the time of all the others."""

SAME_SECONDS: Final = 0.1
"""How long it may take to find that two images are equal; if they are and it is not found, both are listed."""


class Found(list[Interpretation]):
    """The interpretations that were found: a list, in the order of their images, objects first, short before long.

    Attributes:
        source, target, max_length: what was asked.
        reason: why they may not be all there are; "" where they are.
    """

    def __init__(
        self, items: Iterable[Interpretation], source: Diagram, target: Diagram, max_length: int, reason: str
    ) -> None:
        super().__init__(items)
        self.source = source
        self.target = target
        self.max_length = max_length
        self.reason = reason

    @property
    def complete(self) -> bool:
        """Whether these are all there are."""
        return not self.reason

    def up_to_symmetry(self) -> list[list[Interpretation]]:
        """The same, those together that differ only by a symmetry of the source or of the target.

        A symmetry is an interpretation of a diagram in itself that permutes its objects and generators.
        """
        before, after = symmetries(self.source), symmetries(self.target)
        left = list(self)
        groups = []
        while left:
            orbit = {s >> left[0] >> t for s in before for t in after}
            groups.append([it for it in left if it in orbit])
            left = [it for it in left if it not in orbit]
        return groups

    def __repr__(self) -> str:
        count = f"{len(self)} interpretation{'s' * (len(self) != 1)} of {self.source.name} in {self.target.name}"
        return f"<{count}{'' if self.complete else ', not known to be all'}>"

    def _repr_html_(self) -> str:
        from learningdiagrams.theory.showing import functors_html

        return functors_html(repr(self)[1:-1], self)


def interpretations(
    source: Diagram,
    target: Diagram,
    max_length: int = 2,
    *,
    distinct: bool = False,
    max_seconds: float = 10.0,
    limit: int = 1000,
) -> Found:
    """All interpretations of one diagram in another whose images apply at most `max_length` generators.

    `max_seconds` is the time for all of it, `limit` the number after which it stops; `complete` and `reason` of
    what comes out say whether that kept anything back. Two that differ by a symmetry are two. With `distinct`, two
    sample objects go to two, and two generators have two images: what is pulled back keeps apart what it had apart.

    >>> from learningdiagrams.language import loads
    >>> task = loads('''
    ... object S, X, Y
    ... data x : S -> X
    ... data y : S -> Y
    ... model f : X -> Y
    ... goal fit : x >> f = y
    ... ''')
    >>> found = interpretations(task, task)
    >>> found, found[0] == Interpretation.identity(task), found.complete
    (<1 interpretation of diagram in diagram>, True, True)
    """
    if not isinstance(max_length, int) or isinstance(max_length, bool) or max_length < 0:
        raise DiagramError(
            f"max_length is a whole number, the most generators that an image applies, not {max_length!r}"
        )
    return _Search(source, target, max_length, max_seconds, limit, distinct=distinct).run()


def symmetries(diagram: Diagram, max_seconds: float = 2.0) -> list[Interpretation]:
    """The interpretations of a diagram in itself that permute its objects and its generators.

    Those found in time; the identity is among them.
    """
    search = _Search(diagram, diagram, 1, max_seconds, 1000, permuting=True)
    found = [it for it in search.run() if _permutes(it)]
    return found or [Interpretation.identity(diagram)]


def _permutes(i: Interpretation) -> bool:
    images = [image.name for image in i.morphisms.values()]
    return None not in images and len(set(images)) == len(images) and len(set(i.objects.values())) == len(i.objects)


class _Stopped(Exception):
    """The search ends before it is finished, with the reason."""


class _Candidates:
    """The morphisms of a diagram out of an object that apply few generators, all of some roles."""

    def __init__(self, diagram: Diagram, max_length: int) -> None:
        self._diagram = diagram
        self._max = max_length
        self._made: dict[tuple[Object, frozenset[str] | None], dict[Object, list[Term]]] = {}

    def terms(self, dom: Object, roles: frozenset[str] | None, check: Callable[[], Any]) -> dict[Object, list[Term]]:
        """For each sort the terms that end there, shorter ones first; `check` may stop the enumeration."""
        key = (dom, roles)
        if key not in self._made:
            self._made[key] = self._enumerate(dom, roles, check)
        return self._made[key]

    def _enumerate(
        self, dom: Object, roles: frozenset[str] | None, check: Callable[[], Any]
    ) -> dict[Object, list[Term]]:
        d = self._diagram
        heads = [m for name, m in d.generators.items() if roles is None or d.roles[name] in roles]
        # What each term applies: shared applications count once, so that sizes do not simply add up.
        uses: dict[Term, frozenset[Any]] = {variable: frozenset() for variable in dom.variables}
        found: dict[Object, list[Term]] = {}
        for variable in dom.variables:
            found.setdefault(variable.sort, []).append(variable)
        for size in range(1, self._max + 1):
            new: list[Term] = []
            for morphism in heads:
                head = morphism.generator
                assert head is not None
                pools = [[t for t in found.get(sort, ()) if len(uses[t]) < size] for sort in head.dom.factors]
                for args in product(*pools):
                    check()
                    below: frozenset[Any] = frozenset().union(*(uses[arg] for arg in args))
                    if len(below) != size - 1:
                        continue
                    outputs = d.presentation.signature.applied(head, args)
                    for term in outputs:
                        uses[term] = below | {(head, args)}
                    new += outputs
            for term in new:
                found.setdefault(term.sort, []).append(term)
        return found


class _Search:
    def __init__(
        self,
        source: Diagram,
        target: Diagram,
        max_length: int,
        max_seconds: float,
        limit: int,
        permuting: bool = False,
        distinct: bool = False,
    ) -> None:
        self.source = source
        self.target = target
        self.max_length = max_length
        self.max_seconds = max_seconds
        self.limit = limit
        self.permuting = permuting
        self.distinct = distinct
        self.end = time.monotonic() + max_seconds
        self.found: list[Interpretation] = []
        self._seen: set[Interpretation] = set()
        self.undecided: dict[str, None] = {}
        self.sorts: dict[str, Object] = {}
        self.images: dict[str, Morphism] = {}
        self._products: dict[Object, Object] = {}
        self._places = {
            name: [to for to in target.sorts.values() if sort_problem(source, name, to, target) is None]
            for name in source.sorts
        }
        self._pulled = Pulled(source, target)
        self._candidates = _Candidates(target, max_length)
        # A shuffle and an average go by the name of what they follow, so that one that the laws make equal won't do.
        self._followed = {
            *(spec.data for spec in source.specs.values() if isinstance(spec, shuffle)),
            *(average.model for average in source.averages.values()),
        }
        self._choices: dict[tuple[frozenset[str] | None, bool, Object, Object], list[Term]] = {}
        self._answers: dict[tuple[Morphism, Morphism], bool | None] = {}
        self._played = players(source)
        self._known = premises(target)
        self._order = self._ordered()
        self._due = self._scheduled()

    # The plan of the search ------------------------------------------------------------------------------------------

    def _ordered(self) -> list[str]:
        """Generators in the order of their turns: those next whose ends are fixed already, data first."""
        reached: set[Object] = set()
        left = dict(self.source.generators)
        order: list[str] = []
        while left:

            def cost(name: str) -> tuple[int, int]:
                morphism = left[name]
                free = {*morphism.dom.factors, *morphism.cod.factors} - reached
                return len(free), 0 if self.source.roles[name] in ("data", "noise") else 1

            ready = [name for name in left if self._after(name) not in left]
            name = min(ready, key=cost)
            reached.update(left[name].dom.factors, left[name].cod.factors)
            order.append(name)
            del left[name]
        return order

    def _after(self, name: str) -> str | None:
        """The generator that this one's realisation names, and whose image comes first."""
        spec = self.source.specs.get(name)
        named = [getattr(spec, field) for field in spec.names] if spec is not None else []
        return str(named[0]) if named else None

    def _scheduled(self) -> list[list[Claim]]:
        """For each turn the equations that can be asked after it; the last entry has those with an object that no
        generator touches. Games are judged in the end.
        """
        turns: dict[Any, int] = {}
        for turn, name in enumerate(self._order):
            morphism = self.source.generators[name]
            for thing in (*morphism.dom.factors, *morphism.cod.factors, morphism.generator):
                turns.setdefault(thing, turn)
        due: list[list[Claim]] = [[] for _ in range(len(self._order) + 1)]
        for equation in claims(self.source):
            if equation.kind != "goal" or equation.name not in self._played:
                written = {*_written(equation.left), *_written(equation.right)}
                due[max((turns.get(thing, len(self._order)) for thing in written), default=len(self._order))].append(
                    equation
                )
        return due

    # Running it ------------------------------------------------------------------------------------------------------

    def run(self) -> Found:
        reason = ""
        try:
            self._search()
        except _Stopped as stopped:
            reason = str(stopped)
        if not reason and self.undecided:
            reason = "not decided in time: " + "; ".join(list(self.undecided)[:3])
            reason += f" and {len(self.undecided) - 3} more" if len(self.undecided) > 3 else ""
        ordered = sorted(self.found, key=self._rank)
        return Found(ordered, self.source, self.target, self.max_length, reason)

    def _search(self) -> None:
        """Turn after turn, and back to the last one that has another choice."""
        turns = [self._choices_at(0)] if self._order else []
        if not turns:
            self._finish()
        while turns:
            if next(turns[-1], False) is False:
                turns.pop()
            elif len(turns) == len(self._order):
                self._finish()
            else:
                turns.append(self._choices_at(len(turns)))

    def _rank(self, i: Interpretation) -> tuple[Any, ...]:
        places = {sort: n for n, sort in enumerate(self.target.sorts.values())}
        lengths = [(_length(image), str(image)) for image in i.morphisms.values()]
        return tuple(places[image] for image in i.objects.values()), lengths

    def _choices_at(self, turn: int) -> Iterator[bool]:
        """Assigns each image in turn to the generator whose turn it is, as far as nothing speaks against it."""
        name = self._order[turn]
        morphism = self.source.generators[name]
        free = [s for s in dict.fromkeys((*morphism.dom.factors, *morphism.cod.factors)) if s.name not in self.sorts]
        inner = [s for s in free if s in morphism.dom.factors]
        outer = [s for s in free if s not in morphism.dom.factors]
        for _ in self._sorted(inner):
            dom = self._object(morphism.dom)
            # Only what a candidate can end at is worth trying.
            ends = self._terms(name, dom).keys()
            for _ in self._sorted(outer, ends):
                for image in self._images(name, dom, self._object(morphism.cod)):
                    self.images[name] = image
                    if self._fits(name) and all(self._holds(equation) for equation in self._due[turn]):
                        yield True
                    del self.images[name]

    def _sorted(self, sorts: list[Object], among: Collection[Object] | None = None) -> Iterator[None]:
        """Assigns these objects of the source in all ways that their roles allow, and takes them back."""
        if not sorts:
            yield
            return
        sort, rest = sorts[0], sorts[1:]
        for image in self._places[sort.name]:
            if (among is None or image in among) and self._free(sort, image):
                self.sorts[sort.name] = image
                self._products.clear()
                if agree(self.source, self.target, self.sorts, {}):
                    yield from self._sorted(rest, among)
                del self.sorts[sort.name]
                self._products.clear()

    def _free(self, sort: Object, image: Object) -> bool:
        once = self.permuting or (self.distinct and sort in self.source.sample_objects)
        return not once or image not in (to for key, to in self.sorts.items() if key != sort.name)

    def _terms(self, name: str, dom: Object) -> dict[Object, list[Term]]:
        """What a generator's image may end at, and the terms that do, by its role."""
        return self._candidates.terms(dom, self._may(name), self._left)

    def _may(self, name: str) -> frozenset[str] | None:
        role = self.source.roles[name]
        return frozenset({role}) if self.permuting else MAY[role]

    def _fits(self, name: str) -> bool:
        if self.permuting:
            image = self.images[name]
            taken = (other for key, other in self.images.items() if key != name)
            if image.name is None or any(image is other for other in taken):
                return False
        if self.distinct and any(self.images[name] == it for key, it in self.images.items() if key != name):
            return False
        if self.source.roles[name] == "noise" and not agree(self.source, self.target, self.sorts, self.images):
            return False
        return image_problem(self.source, name, self.images, self.target) is None

    def _images(self, name: str, dom: Object, cod: Object) -> Iterator[Morphism]:
        """The candidates dom → cod for a generator by its role, each once up to the target's laws."""
        if not cod.factors:
            # All maps to 1 are equal; the generators among them are what has a role.
            yield from self._to_unit(name, dom)
        writer = Writer(dom)
        for outputs in product(*(self._distinct(name, dom, sort) for sort in cod.factors)):
            self._left()
            yield writer.write(cod, outputs)

    def _distinct(self, name: str, dom: Object, sort: Object) -> list[Term]:
        """The terms dom → sort for a generator by its role, shorter ones first; each once up to the target's laws."""
        followed = name in self._followed
        key = (self._may(name), followed, dom, sort)
        if key not in self._choices:
            writer = Writer(dom)
            made: dict[Term, Morphism] = {}
            for term in self._terms(name, dom).get(sort, ()):
                morphism = writer.write(sort, (term,))
                if followed or not any(self._equal(morphism, other) for other in made.values()):
                    made[term] = morphism
            self._choices[key] = list(made)
        return self._choices[key]

    def _to_unit(self, name: str, dom: Object) -> list[Morphism]:
        roles, ends = self.target.roles, self.target.generators.items()
        may = self._may(name)
        return [m for key, m in ends if m.dom is dom and not m.cod.factors and (may is None or roles[key] in may)]

    def _equal(self, one: Morphism, other: Morphism) -> bool:
        if not self.target.laws:
            return False
        seconds = min(SAME_SECONDS, self._left())
        # A model's image has to keep its parameters: what the laws make equal may have others.
        return _parameters(self.target, one) == _parameters(self.target, other) and bool(
            self.target.presentation.prove(one, other, max_seconds=seconds)
        )

    def _left(self) -> float:
        left = self.end - time.monotonic()
        if left <= 0:
            raise _Stopped(f"the search was not finished within {self.max_seconds:g} seconds")
        return left

    def _holds(self, equation: Claim) -> bool:
        """Whether the image of an equation may hold; False where it is refuted. What is undecided goes on."""
        left, right = (self._image(side) for side in (equation.left, equation.right))
        key = (left, right)
        if key not in self._answers:
            sides = translated(left, self._known), translated(right, self._known)
            verdict = self._known.prove(*sides, max_seconds=min(EQUATION_SECONDS, self._left()))
            self._answers[key] = verdict.holds
        return self._answers[key] is not False

    def _finish(self) -> None:
        """Chooses the objects that no generator touches, and judges the whole."""
        left = [sort for name, sort in self.source.sorts.items() if name not in self.sorts]
        for _ in self._sorted(left):
            if not all(self._holds(equation) for equation in self._due[-1]):
                continue
            sorts = {name: self.sorts[name] for name in self.source.sorts}
            images = {name: self.images[name] for name in self.source.generators}
            if self._pulled.failures(images):
                continue
            made = Interpretation.between(self.source, self.target, sorts, images)
            games = {name for name in self._played if not is_played(made, self.source.goals[name])}
            asked = [it for it in claims(self.source) if it.kind == "law" or it.name not in self._played - games]
            if not all(self._holds(equation) for equation in asked):
                continue
            unsure = [it for it in asked if self._answer(it) is None]
            # It may be one and may be none.
            self.undecided.update((f"{it.kind} `{it.name}`: {brief(self._image(it.left))}", None) for it in unsure)
            if not unsure and made not in self._seen:
                self._seen.add(made)
                self.found.append(made)
                if len(self.found) >= self.limit:
                    raise _Stopped(f"the search was stopped after {self.limit} interpretations")

    def _answer(self, equation: Claim) -> bool | None:
        return self._answers.get((self._image(equation.left), self._image(equation.right)))

    # Images under what is assigned so far ----------------------------------------------------------------------------

    def _object(self, obj: Object) -> Object:
        found = self._products.get(obj)
        if found is None:
            found = self.target.presentation.signature.product(self.sorts[sort.name] for sort in obj.factors)
            self._products[obj] = found
        return found

    def _image(self, morphism: Morphism) -> Morphism:
        return substitute(morphism, self._object, lambda generator: self.images[generator.name])


def _written(morphism: Morphism) -> Iterator[Object | Generator]:
    """The sorts and generators that an expression is written with."""
    seen: set[int] = set()
    stack = [morphism]
    while stack:
        node = stack.pop()
        if id(node) not in seen:
            seen.add(id(node))
            yield from (*node.dom.factors, *node.cod.factors)
            if node.generator is not None:
                yield node.generator
            stack += [part for part in node.parts if isinstance(part, Morphism)]


def _applied(terms: Sequence[Term]) -> set[tuple[Generator, tuple[Term, ...]]]:
    return {(t.head, t.args) for t in applications(terms) if isinstance(t.head, Generator)}


def _length(morphism: Morphism) -> int:
    return len(_applied(morphism.terms))


def _parameters(diagram: Diagram, morphism: Morphism) -> set[str]:
    roles = diagram.roles
    return {it.name for it in generators_used(morphism) if roles[it.name] in ("model", "frozen", "ema")}
