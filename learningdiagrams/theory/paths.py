"""Laws between paths as equations between words, and questions about morphisms as questions about words.

A generator with at most one factor in its domain gives a *letter* for each of its outputs; a term is then a
word of letters applied to a base: a variable, nothing (where the word begins with a constant 1 → A), or a
generator with several arguments. A law is a *path law* when each of its outputs equates two words over its
single variable, or two words that begin with constants and have no variable. Objects may be erased: typed
words rewrite to typed words, and a path law has its variable on both sides, so that the trap of the empty
sort is not there.

What is no letter is never touched by a path law. Two sides are therefore equal modulo path laws exactly when
they have the same shape (the same variables and many-argument generators in the same places) and equal words
in between.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from learningdiagrams.theory.completion import Completion, Use, reversed_chain
from learningdiagrams.theory.morphisms import Generator, Morphism, Object, Term
from learningdiagrams.theory.proofs import Move, PathChain, PathMove, PathRun
from learningdiagrams.theory.terms import from_terms, replaced, spine, subterm, unmarked

if TYPE_CHECKING:
    from learningdiagrams.theory.presentations import Law, Presentation

__all__ = ["Paths", "WordPair"]

Place: TypeAlias = tuple[int, ...]


class WordPair(NamedTuple):
    """Two words over one base, at one place of the two sides; they have to be equal for the sides to be."""

    place: Place
    left: str
    right: str


class Paths:
    """What is known about a presentation's path laws; `update` takes in what was added to it since.

    `others` names the laws that are no path laws, and `origins` the law and output of each lemma that was
    given.
    """

    def __init__(self, presentation: Presentation) -> None:
        self.presentation = presentation
        self.completion: Completion = Completion()
        self.letters: dict[tuple[Generator, int], str] = {}
        self.meaning: list[tuple[Generator, int]] = []
        self.numbers: dict[Generator, int] = {}
        self.origins: dict[int, tuple[str, int]] = {}
        self.others: list[str] = []
        # For exploring classes: laws by the letters that their sides begin with, and objects at which one is
        # an identity.
        self._laws_from: dict[str, list[int]] = {}
        self._identities: dict[Object, None] = {}
        self._laws_seen = 0

    def update(self) -> None:
        """Takes in the generators and laws that are new."""
        generators, laws = self.presentation.generators, self.presentation.laws
        if len(generators) == len(self.numbers) and len(laws) == self._laws_seen:
            return
        for morphism in list(generators.values())[len(self.numbers) :]:
            generator = morphism.parts[0]
            self.numbers[generator] = len(self.numbers)
            if len(generator.dom.factors) <= 1:
                for index in range(len(generator.cod.factors)):
                    self.letters[generator, index] = chr(len(self.meaning))
                    self.meaning.append((generator, index))
        for law in list(laws.values())[self._laws_seen :]:
            equations = self._equations(unmarked(law.left), unmarked(law.right))
            if equations is None:
                self.others.append(law.name)
            for output, (left, right) in enumerate(equations or ()):
                if left != right:
                    self._add(law, output, left, right)
        self._laws_seen = len(laws)

    def _add(self, law: Law, output: int, left: str, right: str) -> None:
        lemma = self.completion.add(left, right)
        self.origins[lemma] = law.name, output
        if left and right:
            for letter in dict.fromkeys((left[0], right[0])):
                self._laws_from.setdefault(letter, []).append(lemma)
        else:
            self._identities[law.left.dom] = None

    def _equations(self, left: Morphism, right: Morphism) -> list[tuple[str, str]] | None:
        """A law as equations between words, or None if it is no path law."""
        if len(left.dom.factors) > 1:
            return None
        base = left.dom.variables[0] if left.dom.factors else None
        equations = []
        for one, other in zip(left.terms, right.terms, strict=True):
            (base_one, word), (base_other, word_other) = self.split(one), self.split(other)
            if base_one is not base or base_other is not base:
                return None
            equations.append((word, word_other))
        return equations

    def split(self, term: Term) -> tuple[Term | None, str]:
        """The base of a term and the word that is applied to it."""
        base, path = spine(term)
        return base, "".join([self.letters[part.head, part.index] for part in path])  # type: ignore[index]

    def apply(self, base: Term | None, word: str) -> list[Term | None]:
        """The base, and the terms that the beginnings of a word make of it."""
        applied = self.presentation.signature.applied
        terms = [base]
        for letter in word:
            generator, index = self.meaning[ord(letter)]
            args = () if terms[-1] is None else (terms[-1],)
            terms.append(applied(generator, args)[index])
        return terms

    def path(self, dom: Object, word: str) -> Morphism:
        """A word as a morphism out of a sort (or out of 1), written as a chain of generators."""
        term = self.apply(dom.variables[0] if dom.factors else None, word)[-1]
        return from_terms(dom, term.sort, (term,))  # type: ignore[union-attr]  # a word out of 1 is not empty

    def source(self, word: str) -> Object:
        """The object that a word that is not empty starts at."""
        return self.meaning[ord(word[0])][0].dom

    def pairs(self, left: Sequence[Term], right: Sequence[Term], limit: int) -> tuple[list[WordPair], bool]:
        """The pairs of different words that have to be equal, and whether the sides have the same shape.

        At most `limit` pairs, in the order of their places; a pair that occurs at several places is there as
        often.
        """
        pairs: list[WordPair] = []
        todo: list[tuple[tuple[int, ...], Term, Term]] = [
            ((i,), one, other) for i, (one, other) in enumerate(zip(left, right, strict=True))
        ]
        todo.reverse()
        while todo and len(pairs) < limit:
            place, one, other = todo.pop()
            if one is other:
                continue
            (base, word), (base_other, word_other) = self.split(one), self.split(other)
            if word != word_other:
                pairs.append(WordPair(place, word, word_other))
            if base is base_other:
                continue
            if base is None or base_other is None or base.head is None:
                return pairs, False
            if (base.head, base.index) != (base_other.head, base_other.index):
                return pairs, False
            inner = place + (0,) * len(word)
            arguments = list(enumerate(zip(base.args, base_other.args, strict=True)))
            todo.extend(((*inner, i), a, b) for i, (a, b) in reversed(arguments))
        return pairs, True

    def normal(self, word: str, deadline: float = float("inf"), most: float = float("inf")) -> str:
        """The normal form of a word by the rules found so far; raises :class:`OutOfTime`."""
        return self.completion.reduce(word, deadline, most)[0]

    def neighbours(self, word: str, start: Object) -> list[tuple[Use, str]] | None:
        """The words out of `start` that one use of a law makes of a word.

        None where they have no end: a law such as f >> g = id(A) makes every path through A longer and
        longer.
        """
        objects = {start, *(self._target(letter) for letter in word)}
        if not objects.isdisjoint(self._identities):
            return None
        laws = dict.fromkeys(lemma for letter in word for lemma in self._laws_from.get(letter, ()))
        found: list[tuple[Use, str]] = []
        for lemma in laws:
            left, right, _ = self.completion.lemmas[lemma]
            for forward, old, new in ((True, left, right), (False, right, left)):
                at = word.find(old)
                while at >= 0:
                    found.append((Use(lemma, forward, at), word[:at] + new + word[at + len(old) :]))
                    at = word.find(old, at + 1)
        return found

    def _target(self, letter: str) -> Object:
        generator, index = self.meaning[ord(letter)]
        return generator.cod.factors[index]

    def chain(self, left: str, right: str, deadline: float) -> list[Use] | None:
        """The chain from one word to another that reduces to the same.

        None if it is too long to be written down, or is not by `deadline`; raises :class:`OutOfTime`.
        """
        reduced, there = self.completion.reduce(left, deadline)
        other, back = self.completion.reduce(right, deadline)
        assert reduced == other
        return self.completion.unfold(left, [*there, *reversed_chain(back)], deadline=deadline)

    def chain_of_steps(self, start: Morphism, chains: Sequence[tuple[Place, str, Sequence[Use]]]) -> PathChain:
        """The steps of chains, each (place, word that it starts from, uses), one chain after the other."""
        runs = tuple(
            PathRun(place, tuple([PathMove(*self.origins[use.lemma], use.forward, use.offset) for use in uses]))
            for place, _, uses in chains
        )
        return PathChain(start, runs, lambda: self._moves(start.terms, chains))

    def _moves(self, start: tuple[Term, ...], chains: Sequence[tuple[Place, str, Sequence[Use]]]) -> Iterator[Move]:
        signature, lemmas = self.presentation.signature, self.completion.lemmas
        whole = start
        for root, word, uses in chains:
            top = subterm(whole, root)
            assert top is not None
            terms = self.apply(self._base(top, len(word)), word)
            for lemma, forward, offset in uses:
                old, new, _ = lemmas[lemma]
                if not forward:
                    old, new = new, old
                end = offset + len(old)
                place = root + (0,) * (len(word) - end)
                base = terms[offset]
                word = word[:offset] + new + word[end:]
                terms[offset:] = self.apply(base, word[offset:])
                reached = terms[-1]
                assert reached is not None
                whole = replaced(signature, whole, root, reached)
                using = () if base is None else (base,)
                yield Move(self.origins[lemma][0], forward, place, using, whole)

    def _base(self, term: Term, letters: int) -> Term | None:
        """What is left of a term when this many letters are taken away."""
        for taken in range(letters):
            if not term.args:
                assert taken == letters - 1
                return None
            term = term.args[0]
        return term
