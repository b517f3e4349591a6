"""Which equations can take part in proving an equation, and short theories made of those alone.

Whether one of a thousand goals follows from the others is a thousand questions, and next to every one of them needs
but a few of the other equations, or is settled without a proof search. Two exact tests do that:

- *What can be reached.* A step of a proof replaces an instance of one side of an equation, so that all generators of
  that side are there already. From the generators of the left side, saturate: what may occur in any term that equals
  it. The same from the right. Only equations within both can be used, and where one side is beyond the other's reach
  there is no proof.
- *What is counted.* Read every object as a vector space over F₂, and a generator g as (x₁ … xₙ) ↦ e_g + x₁ + … + xₙ.
  An equation in which each variable occurs equally often modulo 2 on both sides holds in the quotient by the difference
  of its two counts of generators. So an equation follows from such others only if its difference lies in their span:
  one Gaussian elimination answers for all.

What is left is asked of the theory of the equations that can be used, and of nothing else; first, where those are
many, of the theory of those near the two sides. An equation used towards a side with further variables brings in any
morphisms of their sorts; then all that such morphisms are made of is in reach.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from functools import cached_property
from itertools import chain
from time import monotonic
from typing import Final, NamedTuple

from learningdiagrams.theory.deciding import Verdict
from learningdiagrams.theory.morphisms import Generator, Morphism, Object, Term
from learningdiagrams.theory.presentations import Presentation
from learningdiagrams.theory.terms import applications, spine, substitute

__all__ = ["Equation", "Question", "Relevance", "translated", "translated_object"]

MANY: Final = 32
"""Rules beyond which those near the sides are tried before all."""


class Equation(NamedTuple):
    """A premise: two sides without marks, its own name, and that of the declaration it comes from."""

    name: str
    source: str
    left: Morphism
    right: Morphism


def translated(morphism: Morphism, there: Presentation) -> Morphism:
    """A morphism read in another presentation with the same names, its marks forgotten."""
    return substitute(
        morphism,
        lambda obj: translated_object(obj, there),
        lambda generator: there.generators[generator.name],
        keep_marks=False,
    )


def translated_object(obj: Object, there: Presentation) -> Object:
    """A product read in another presentation with the same names."""
    return there.signature.product(there.sorts[sort.name] for sort in obj.factors)


class _Side(NamedTuple):
    """One direction of an output of an equation: what has to be there for it to be used, and what it brings."""

    rule: int
    source: str
    needs: frozenset[Generator]
    sort: Object
    brings: frozenset[Generator]


class _Rule:
    """One output of an equation.

    Attributes:
        sides: the generators of either side; `heads` are both.
        loose: the sorts of variables that one of the sides does not have.
        regular: both sides have the same variables; `balanced`: and each equally often, modulo 2.
        letters: the outputs of generators whose numbers on both sides differ modulo 2.
        is_path: both sides are paths out of one sort or out of 1.
    """

    __slots__ = ("balanced", "equation", "heads", "is_path", "letters", "loose", "regular", "sides")

    def __init__(self, equation: int, context: Object, left: Term, right: Term) -> None:
        self.equation = equation
        (heads_left, variables_left), (heads_right, variables_right) = _occurring(left), _occurring(right)
        self.sides = heads_left, heads_right
        self.heads = heads_left | heads_right
        kept = variables_left & variables_right
        self.loose = tuple(dict.fromkeys(variable.sort for variable in context.variables if variable not in kept))
        self.regular = variables_left == variables_right
        (letters_left, odd_left), (letters_right, odd_right) = _odd(left), _odd(right)
        self.letters = letters_left ^ letters_right
        self.balanced = odd_left == odd_right
        self.is_path = len(context.factors) <= 1 and _path_base(left) is _path_base(right) is not left.sort


def _occurring(term: Term) -> tuple[frozenset[Generator], frozenset[Term]]:
    """The generators and the variables of a term."""
    nodes = applications((term,))
    heads = frozenset(node.head for node in nodes if isinstance(node.head, Generator))
    return heads, frozenset(node for node in nodes if node.head is None)


def _odd(term: Term) -> tuple[set[tuple[Generator, int]], set[Term]]:
    """The outputs of generators, and the variables, that occur an odd number of times in a term as a tree."""
    odd = {term}
    letters: set[tuple[Generator, int]] = set()
    variables: set[Term] = set()
    for node in reversed(applications((term,))):
        if node not in odd:
            continue
        if isinstance(node.head, Generator):
            letters ^= {(node.head, node.index)}
        else:
            variables.add(node)
        for arg in node.args:
            odd ^= {arg}
    return letters, variables


def _path_base(term: Term) -> Term | Object | None:
    """The variable that a path starts from, None for one out of 1; the sort of a term that is no path."""
    base = spine(term)[0]
    return base if base is None or base.head is None else term.sort


class Question:
    """Whether the premises, but for those of one declaration, make two parallel morphisms equal.

    `answer` may be asked again with more time; what was learned is kept.
    """

    def __init__(self, relevance: Relevance, left: Morphism, right: Morphism, without: str | None = None) -> None:
        self.left = left
        self.right = right
        self._relevance = relevance
        self._without = without
        self._near: Presentation | None = None
        self._theory: Presentation | None = None

    @cached_property
    def rules(self) -> frozenset[int] | None:
        """The rules that can take part in a proof, none for equal sides; None where there can be no proof."""
        return self._relevance.rules_between(self.left, self.right, self._without)

    def answer(self, max_seconds: float) -> Verdict | None:
        """The theory's verdict; None where no proof can be, so that there was nothing to ask."""
        if self.rules is None:
            return None
        end = monotonic() + max_seconds
        if self._theory is None and len(self.rules) > MANY:
            if self._near is None:
                near = self._relevance.near(self.rules, self.left, self.right)
                self._near = self._relevance.theory(near, (self.left, self.right))
            verdict = self._ask(self._near, max_seconds / 2)
            if verdict.holds:
                return verdict
        if self._theory is None:
            self._theory = self._relevance.theory(self.rules, (self.left, self.right))
        return self._ask(self._theory, max(0.0, end - monotonic()))

    def _ask(self, theory: Presentation, max_seconds: float) -> Verdict:
        left, right = (translated(side, theory) for side in (self.left, self.right))
        return theory.prove(left, right, max_seconds=max_seconds)


class Relevance:
    """Premises over one signature, made ready for many questions. See the module."""

    def __init__(self, name: str, generators: Iterable[Morphism], equations: Sequence[Equation]) -> None:
        self.name = name
        self.equations = equations
        self._into: dict[Object, list[Generator]] = {}
        for morphism in generators:
            for sort in dict.fromkeys(morphism.cod.factors):
                self._into.setdefault(sort, []).append(morphism.parts[0])
        self._insertable: dict[tuple[Object, ...], dict[Generator, None]] = {}
        self.rules: list[_Rule] = []
        self._sides: list[_Side] = []
        self._positions: dict[tuple[Generator, int], int] = {}
        for number, equation in enumerate(equations):
            context = equation.left.dom
            for one, other in zip(equation.left.terms, equation.right.terms, strict=True):
                if one is other:
                    continue
                self.rules.append(_Rule(number, context, one, other))
                for source, target in ((one, other), (other, one)):
                    needs, brings = _occurring(source)[0], _occurring(target)[0]
                    self._sides.append(_Side(len(self.rules) - 1, equation.source, needs, source.sort, brings))
        # A side waits for the rarest of its generators, so that a map that all goals share wakes nobody.
        uses: dict[Generator, int] = {}
        for side in self._sides:
            for generator in side.needs:
                uses[generator] = uses.get(generator, 0) + 1
        self._waiting: dict[Generator | Object, list[_Side]] = {}
        for side in self._sides:
            rarest = min(side.needs, key=lambda generator: (uses[generator], generator.name), default=None)
            self._waiting.setdefault(rarest or side.sort, []).append(side)
        self._by_sort = any(not side.needs for side in self._sides)

    def source(self, rule: int) -> str:
        """The declaration that a rule comes from."""
        return self.equations[self.rules[rule].equation].source

    # What can be reached ----------------------------------------------------------------------------------------------

    def reach(
        self,
        side: Term,
        context: Object,
        without: str | None = None,
        within: Set[Generator] | None = None,
    ) -> tuple[set[Generator], set[int]]:
        """The generators that may occur in terms equal to this one, and the rules that may be used on the way.

        With `within`, rules are left out that leave these generators.
        """
        nodes = applications((side,))
        found = {node.head for node in nodes if isinstance(node.head, Generator)}
        todo: list[Generator | Object] = [*found]
        rules: set[int] = set()
        moved: dict[Generator | Object, list[_Side]] = {}
        if self._by_sort:
            todo += context.factors
            todo += [node.sort for node in nodes]
        seen_sorts: set[Object] = set()
        while todo:
            new = todo.pop()
            if isinstance(new, Generator):
                if self._by_sort:
                    todo += new.dom.factors
                    todo += new.cod.factors
            elif new in seen_sorts:
                continue
            else:
                seen_sorts.add(new)
            for one in chain(self._waiting.get(new, ()), moved.get(new, ())):
                for generator in one.needs:
                    if generator not in found:
                        moved.setdefault(generator, []).append(one)
                        break
                else:
                    if one.source == without or (within is not None and not self.rules[one.rule].heads <= within):
                        continue
                    rules.add(one.rule)
                    loose = self.rules[one.rule].loose
                    for generator in chain(one.brings, self.insertable(loose) if loose else ()):
                        if generator not in found and (within is None or generator in within):
                            found.add(generator)
                            todo.append(generator)
        return found, rules

    def insertable(self, sorts: tuple[Object, ...]) -> Mapping[Generator, None]:
        """The generators of which morphisms into these sorts are made."""
        if sorts not in self._insertable:
            found: dict[Generator, None] = {}
            todo = list(sorts)
            while todo:
                for generator in self._into.get(todo.pop(), ()):
                    if generator not in found:
                        found[generator] = None
                        todo += generator.dom.factors
            self._insertable[sorts] = found
        return self._insertable[sorts]

    def rules_between(self, left: Morphism, right: Morphism, without: str | None = None) -> frozenset[int] | None:
        """The rules that can take part in a proof of left = right, or None where there can be no proof."""
        rules: set[int] = set()
        for one, other in zip(left.terms, right.terms, strict=True):
            if one is other:
                continue
            within: set[Generator] | None = None
            while True:
                there, rules_there = self.reach(one, left.dom, without, within)
                back, rules_back = self.reach(other, left.dom, without, within)
                if not (_occurring(one)[0] <= back and _occurring(other)[0] <= there):
                    return None
                both = there & back
                if within is not None and len(both) == len(within):
                    break
                within = both
            used = rules_there & rules_back
            if not used or (
                all(self.rules[rule].regular for rule in used) and _occurring(one)[1] != _occurring(other)[1]
            ):
                # Where no rule loses or gains a variable, nothing does.
                return None
            rules |= used
        return frozenset(self._connected(rules, left, right))

    def near(self, rules: Collection[int], left: Morphism, right: Morphism) -> list[int]:
        """Those of the rules that can be used on the sides, and others over the same generators."""
        own = frozenset(_occurring_in((*left.terms, *right.terms)))
        wider = set(own)
        for rule in rules:
            if any(heads and heads <= own for heads in self.rules[rule].sides):
                wider |= self.rules[rule].heads
        return [rule for rule in rules if self.rules[rule].heads <= wider]

    def _connected(self, rules: set[int], left: Morphism, right: Morphism) -> set[int]:
        """The rules that share letters with the sides, directly or through others, where all are between paths.

        Paths over disjoint alphabets have nothing to do with each other: two complete systems are one, and what is
        irreducible by the first is never touched by the second.
        """
        if not all(self.rules[rule].is_path for rule in rules):
            return rules
        using: dict[Generator, list[int]] = {}
        for rule in rules:
            for generator in self.rules[rule].heads:
                using.setdefault(generator, []).append(rule)
        connected: set[int] = set()
        todo = _occurring_in((*left.terms, *right.terms))
        while todo:
            for rule in using.pop(todo.pop(), ()):
                if rule not in connected:
                    connected.add(rule)
                    todo += self.rules[rule].heads
        return connected

    # What is counted --------------------------------------------------------------------------------------------------

    @cached_property
    def _span(self) -> tuple[_Span, list[int], int]:
        """The span of the balanced rules, the ways to write 0 as a sum of some of them, and those that occur in one."""
        span, zeros, occurring = _Span(), [], 0
        for number, rule in enumerate(self.rules):
            if rule.balanced:
                rest, made_of = span.reduced(self._bits(rule.letters), 1 << number)
                if rest:
                    span.add(rest, made_of)
                else:
                    zeros.append(made_of)
                    occurring |= made_of
        return span, zeros, occurring

    def _bits(self, letters: Iterable[tuple[Generator, int]]) -> int:
        bits = 0
        for letter in letters:
            bits |= 1 << self._positions.setdefault(letter, len(self._positions))
        return bits

    @cached_property
    def _unbalanced(self) -> list[int]:
        return [number for number, rule in enumerate(self.rules) if not rule.balanced]

    def counts_allow(self, source: str) -> bool:
        """Whether the counts of generators leave it possible that a declaration follows from the others."""
        own = self._rules_of.get(source, [])
        if any(self.source(rule) != source for rule in self._unbalanced):
            return True
        if any(not self.rules[rule].balanced for rule in own):
            return False
        _, zeros, occurring = self._span
        mask = sum(1 << rule for rule in own)
        if mask & ~occurring or len(own) == 1:
            return not mask & ~occurring
        dependent = _Span()
        for made_of in zeros:
            if made_of & mask:
                rest, _ = dependent.reduced(made_of & mask, 0)
                if rest:
                    dependent.add(rest, 0)
        return all(not dependent.reduced(1 << rule, 0)[0] for rule in own)

    @cached_property
    def _rules_of(self) -> Mapping[str, list[int]]:
        found: dict[str, list[int]] = {}
        for number in range(len(self.rules)):
            found.setdefault(self.source(number), []).append(number)
        return found

    def counted(self, generator: Generator) -> int | None:
        """A number that is the same for two generators if balanced premises can make them equal.

        None where not all premises are balanced, so that it says nothing.
        """
        if self._unbalanced:
            return None
        span, *_ = self._span
        return span.reduced(self._bits([(generator, 0)]), 0)[0]

    # Theories ---------------------------------------------------------------------------------------------------------

    def theory(self, rules: Collection[int], sides: Sequence[Morphism]) -> Presentation:
        """The presentation of these rules' equations and of what occurs in them and in the sides."""
        chosen = [self.equations[number] for number in sorted({self.rules[rule].equation for rule in rules})]
        equations = [(equation.left, equation.right) for equation in chosen]
        ends = [side for pair in [*equations, tuple(sides)] for side in pair]
        generators = dict.fromkeys(_occurring_in(tuple(term for side in ends for term in side.terms)))
        for rule in rules:
            # Something has to be put for a variable that a side does not have: whatever there is.
            generators |= self.insertable(self.rules[rule].loose)
        made = Presentation(self.name)
        objects = [end for side in ends for end in (side.dom, side.cod)]
        objects += [end for generator in generators for end in (generator.dom, generator.cod)]
        made.objects(*dict.fromkeys(sort.name for obj in objects for sort in obj.factors))
        for generator in generators:
            made.morphism(
                generator.name, translated_object(generator.dom, made), translated_object(generator.cod, made)
            )
        for equation in chosen:
            made.law(translated(equation.left, made), translated(equation.right, made), name=equation.name)
        return made


def _occurring_in(terms: Sequence[Term]) -> list[Generator]:
    return list(dict.fromkeys(node.head for node in applications(terms) if isinstance(node.head, Generator)))


class _Span:
    """A space over F₂, its vectors as bits of numbers, each with bits that say what it was made of."""

    def __init__(self) -> None:
        self._pivots: dict[int, tuple[int, int]] = {}

    def reduced(self, vector: int, made_of: int) -> tuple[int, int]:
        """The one representative of a vector modulo the space that has no bit of a pivot, and what it is made of."""
        rest = 0
        while vector:
            lowest = vector & -vector
            pivot = self._pivots.get(lowest)
            if pivot is None:
                rest |= lowest
                vector ^= lowest
            else:
                vector ^= pivot[0]
                made_of ^= pivot[1]
        return rest, made_of

    def add(self, vector: int, made_of: int) -> None:
        """Adds a vector that is reduced and is not 0."""
        self._pivots[vector & -vector] = vector, made_of
