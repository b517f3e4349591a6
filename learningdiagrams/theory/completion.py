"""Completion of string rewriting systems (Knuth and Bendix), with the provenance of every rule.

Words are Python strings, ordered by length and then by letters (shortlex). From equations between words,
completion makes rules, each replacing a word by a smaller equal one, until every overlap of two left-hand
sides resolves. Then two words are equal modulo the equations exactly when they reduce to the same irreducible
word.

Equations that share no letter have nothing to do with each other: they fall into *areas*, each completed by
itself. A word is decided once the areas of its letters are complete, since over disjoint alphabets nothing
overlaps.

Everything derived is a *lemma*: a pair of equal words with a chain of uses of earlier lemmas that leads from
one to the other; the equations given are lemmas without a chain. :meth:`Completion.unfold` turns a chain into
one that uses nothing but them.

>>> s3 = Completion([("aa", ""), ("bbb", ""), ("abab", "")])
>>> s3.run()
True
>>> sorted(s3.rules.items())
[('aa', ''), ('aba', 'bb'), ('abb', 'ba'), ('bab', 'a'), ('bba', 'ab'), ('bbb', '')]
>>> word, chain = s3.reduce("abbab")
>>> word, len(s3.unfold("abbab", chain))
('bb', 4)

Sources: Knuth and Bendix, "Simple word problems in universal algebras", 1970. An overlap whose inside is
reducible need not be looked at, since it follows from smaller ones: Kapur, Musser and Narendran, "Only prime
superpositions need be considered in the Knuth-Bendix completion procedure", 1988.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from heapq import heapify, heappop, heappush
from time import perf_counter
from typing import NamedTuple

__all__ = ["Area", "Completion", "Lemma", "OutOfTime", "Use", "reversed_chain"]


LONGEST_WITH_CUTS = 20_000
"""Letters beyond which detours are left in a word's chain: all words on the way are held to find them."""


class OutOfTime(Exception):
    """A word has further to go to its irreducible form than there is time or patience for; `word` is how far it got."""

    def __init__(self, word: str) -> None:
        super().__init__(f"{len(word)} letters")
        self.word = word


class Use(NamedTuple):
    """One use of a lemma inside a word.

    From its left side to its right (`forward`) or back, `offset` letters in.
    """

    lemma: int
    forward: bool
    offset: int


class Lemma(NamedTuple):
    """Two equal words and a chain that leads from `left` to `right`.

    No chain for an equation that was given.
    """

    left: str
    right: str
    chain: list[Use] | None


class Area:
    """Equations connected by shared letters: what waits for completion, and what is known of all of them.

    Smallest first waits (length, number, left, right, overlap) for two rules that overlap in that many
    letters, and (length, number, "", "", -1 - lemma) for an equation.
    """

    __slots__ = ("letters", "preserves_length", "waiting")

    def __init__(self) -> None:
        self.letters: dict[str, None] = {}
        self.preserves_length: bool = True
        self.waiting: list[tuple[int, int, str, str, int]] = []

    def complete(self, length: int | None = None) -> bool:
        """Whether all overlaps (up to a length) have been dealt with."""
        return not self.waiting or (length is not None and self.waiting[0][0] > length)


class Completion:
    """A rewriting system in the course of completion; `run` goes on with it, `add` brings a further equation.

    `rules` maps left-hand sides to right-hand sides and is inter-reduced at all times: neither side contains
    another rule's left-hand side. `steps` counts the equations and overlaps dealt with.
    """

    def __init__(self, equations: Iterable[tuple[str, str]] = ()) -> None:
        self.rules: dict[str, str] = {}
        self.lemmas: list[Lemma] = []
        self.steps = 0
        self._lemma_of: dict[str, int] = {}
        self._unfolded: dict[int, list[Use]] = {}
        self._area_of: dict[str, Area] = {}
        self._number = 0
        self._deadline = self._most = float("inf")
        # Left-hand sides of one letter; the lengths of the others, by their last two letters, with their
        # counts.
        self._single: dict[str, None] = {}
        self._lengths: dict[str, dict[int, int]] = {}
        # Left-hand sides by proper prefix and suffix, and by the letters of either side of their rules.
        # Dictionaries stand for sets here, because they keep their order and with it every run the same.
        self._prefixes: dict[str, dict[str, None]] = {}
        self._suffixes: dict[str, dict[str, None]] = {}
        self._left_with: dict[str, dict[str, None]] = {}
        self._right_with: dict[str, dict[str, None]] = {}
        for left, right in equations:
            self.add(left, right)

    def add(self, left: str, right: str) -> int:
        """Takes in an equation between different words, and returns the number of the lemma that it is."""
        self.lemmas.append(Lemma(left, right, None))
        area = self._join_areas(left + right)
        area.preserves_length &= len(left) == len(right)
        self._wait_for(len(self.lemmas) - 1)
        return len(self.lemmas) - 1

    def areas(self, *words: str) -> list[Area]:
        """The areas of the letters of these words; letters that no equation mentions have none."""
        letters = dict.fromkeys(letter for word in words for letter in word if letter in self._area_of)
        return list(dict.fromkeys(self._area_of[letter] for letter in letters))

    def _join_areas(self, letters: str) -> Area:
        areas = self.areas(letters)
        kept = max(areas, key=lambda area: len(area.letters)) if areas else Area()
        for area in areas:
            if area is not kept:
                kept.letters |= area.letters
                kept.preserves_length &= area.preserves_length
                kept.waiting += area.waiting
                self._area_of.update(dict.fromkeys(area.letters, kept))
        if len(areas) > 1:
            heapify(kept.waiting)
        for letter in letters:
            kept.letters[letter] = None
            self._area_of[letter] = kept
        return kept

    def run(
        self,
        areas: Iterable[Area] | None = None,
        max_steps: int | None = None,
        deadline: float | None = None,
        length: int | None = None,
    ) -> bool:
        """Completes areas (all of them, if none are named), and says whether they are complete (up to
        `length`) now.

        Stops early after `max_steps` overlaps, or when `perf_counter()` has passed `deadline`.
        """
        end = None if max_steps is None else self.steps + max_steps
        todo = dict.fromkeys(self._area_of.values()) if areas is None else areas
        return all([self._run(area, end, deadline, length) for area in todo])

    def _run(self, area: Area, end: int | None, deadline: float | None, length: int | None) -> bool:
        waiting, rules = area.waiting, self.rules
        while waiting:
            if length is not None and waiting[0][0] > length:
                return True
            if self.steps == end or (deadline is not None and not self.steps & 31 and perf_counter() > deadline):
                return False
            self.steps += 1
            size, _, first, second, overlap = heappop(waiting)
            if overlap < 0:
                lemma = self.lemmas[-1 - overlap]
                self._join(lemma.left, lemma.right, 0, 0, [Use(-1 - overlap, True, 0)])
                continue
            left, right = rules.get(first), rules.get(second)
            if left is None or right is None:
                continue
            if len(first) < size - 1 > len(second) and not self._irreducible(first[1:] + second[overlap:-1]):
                continue
            start = len(first) - overlap
            self._join(
                left + second[overlap:],
                first[:start] + right,
                len(left),
                start,
                [Use(self._lemma_of[first], False, 0), Use(self._lemma_of[second], True, start)],
            )
        return True

    def reduce(self, word: str, deadline: float = float("inf"), most: float = float("inf")) -> tuple[str, list[Use]]:
        """The irreducible word that the rules lead to, and the chain of uses that leads there.

        Raises :class:`OutOfTime` where `perf_counter()` passes `deadline`, or after some more than `most` uses.
        """
        uses: list[Use] = []
        self._deadline, self._most = deadline, most
        try:
            return self._reduce(word, 0, uses), uses
        finally:
            self._deadline = self._most = float("inf")

    def _reduce(self, word: str, start: int, uses: list[Use] | None = None) -> str:
        """Rewrites leftmost-innermost; the first `start` letters are known to be irreducible."""
        if self._single:
            word = self._without_single(word, uses)
        rule, lengths = self.rules.get, self._lengths.get
        end, size = max(start, 1), len(word)
        while end < size:
            end += 1
            for length in lengths(word[end - 2 : end], ()):
                if length > end:
                    break
                found = rule(word[end - length : end])
                if found is not None:
                    start = end - length
                    if uses is not None:
                        uses.append(Use(self._lemma_of[word[start:end]], True, start))
                    word = word[:start] + found + word[end:]
                    if uses and not len(uses) & 1023 and (len(uses) > self._most or perf_counter() > self._deadline):
                        raise OutOfTime(word)
                    size = len(word)
                    end = max(start, 1)
                    break
        return word

    def _without_single(self, word: str, uses: list[Use] | None) -> str:
        """Replaces letters that are left-hand sides; their right-hand sides hold no further such letters."""
        if not any(letter in self._single for letter in word):
            return word
        done = ""
        for letter in word:
            if letter in self._single:
                if uses is not None:
                    uses.append(Use(self._lemma_of[letter], True, len(done)))
                letter = self.rules[letter]
            done += letter
        return done

    def _irreducible(self, word: str) -> bool:
        rules, lengths = self.rules, self._lengths.get
        for end in range(2, len(word) + 1):
            for length in lengths(word[end - 2 : end], ()):
                if length > end:
                    break
                if word[end - length : end] in rules:
                    return False
        return True

    def _join(self, left: str, right: str, left_start: int, right_start: int, chain: list[Use]) -> None:
        """Makes a rule of an equation, which `chain` proves, unless it follows from the rules already."""
        if self._reduce(left, left_start) == self._reduce(right, right_start):
            return
        before: list[Use] = []
        after: list[Use] = []
        left, right = self._reduce(left, left_start, before), self._reduce(right, right_start, after)
        chain = [*reversed_chain(before), *chain, *after]
        if (len(left), left) < (len(right), right):
            left, right, chain = right, left, reversed_chain(chain)
        if len(chain) == 1 and chain[0].forward:
            self._make_rule(left, right, chain[0].lemma)
            return
        self.lemmas.append(Lemma(left, right, chain))
        self._make_rule(left, right, len(self.lemmas) - 1)

    def _make_rule(self, left: str, right: str, lemma: int) -> None:
        for other in _fewest(self._left_with, left):
            if left in other:
                self._wait_for(self._forget(other))
        self.rules[left] = right
        self._lemma_of[left] = lemma
        if len(left) == 1:
            self._single[left] = None
        else:
            lengths = self._lengths.setdefault(left[-2:], {})
            lengths[len(left)] = lengths.get(len(left), 0) + 1
            if next(reversed(lengths)) != max(lengths):
                self._lengths[left[-2:]] = dict(sorted(lengths.items()))
        for other in _fewest(self._right_with, left):
            if left in self.rules[other]:
                self._reduce_right(other)
        for letter in left:
            self._left_with.setdefault(letter, {})[left] = None
        for letter in right:
            self._right_with.setdefault(letter, {})[left] = None
        self._find_overlaps(left)

    def _forget(self, left: str) -> int:
        """Takes a rule out, and returns its lemma."""
        for letter in left:
            self._left_with[letter].pop(left, None)
        for letter in self.rules.pop(left):
            self._right_with[letter].pop(left, None)
        for cut in range(1, len(left)):
            del self._prefixes[left[:cut]][left]
            del self._suffixes[left[cut:]][left]
        if len(left) == 1:
            del self._single[left]
        else:
            lengths = self._lengths[left[-2:]]
            lengths[len(left)] -= 1
            if not lengths[len(left)]:
                del lengths[len(left)]
        return self._lemma_of.pop(left)

    def _reduce_right(self, left: str) -> None:
        """Reduces a rule's right-hand side."""
        right = self.rules[left]
        uses = [Use(self._lemma_of[left], True, 0)]
        reduced = self._reduce(right, 0, uses)
        for letter in right:
            self._right_with[letter].pop(left, None)
        for letter in reduced:
            self._right_with.setdefault(letter, {})[left] = None
        self.rules[left] = reduced
        self.lemmas.append(Lemma(left, reduced, uses))
        self._lemma_of[left] = len(self.lemmas) - 1

    def _find_overlaps(self, new: str) -> None:
        """Lets the overlaps of a new rule with all rules, itself included, wait for their turn."""
        waiting, prefixes, suffixes = self._area_of[new[0]].waiting, self._prefixes, self._suffixes
        size, number = len(new), self._number
        for cut in range(1, size):
            prefixes.setdefault(new[:cut], {})[new] = None
            suffixes.setdefault(new[cut:], {})[new] = None
        for overlap in range(1, size):
            for other in prefixes.get(new[-overlap:], ()):
                number += 1
                heappush(waiting, (size + len(other) - overlap, number, new, other, overlap))
            for other in suffixes.get(new[:overlap], ()):
                if other is not new:
                    number += 1
                    heappush(waiting, (size + len(other) - overlap, number, other, new, overlap))
        self._number = number

    def _wait_for(self, lemma: int) -> None:
        self._number += 1
        left, right, _ = self.lemmas[lemma]
        waiting = self._area_of[(left or right)[0]].waiting
        heappush(waiting, (max(len(left), len(right)), self._number, "", "", -1 - lemma))

    def unfold(
        self, word: str, chain: Sequence[Use], limit: int = 1_000_000, deadline: float = float("inf")
    ) -> list[Use] | None:
        """A chain that uses only the equations given, without detours: no word occurs in it twice.

        None where more than `limit` uses would have to be written down on the way, or where `perf_counter()`
        passes `deadline`.
        """
        needed = _dependencies(self.lemmas, chain, self._unfolded)
        for number in sorted(needed):
            lemma = self.lemmas[number]
            flat = self._flat(lemma.left, lemma.chain or (), limit, deadline)
            if flat is None:
                return None
            limit -= len(flat)
            self._unfolded[number] = flat
        return self._flat(word, chain, limit, deadline)

    def _flat(self, word: str, chain: Sequence[Use], limit: int, deadline: float) -> list[Use] | None:
        """Puts the unfolded lemmas into a chain, and cuts out what leads from a word back to it."""
        lemmas = self.lemmas
        words, uses, seen = [word], [], {word: 0}
        cut = len(word) <= LONGEST_WITH_CUTS
        for number, forward, offset in chain:
            if lemmas[number].chain is None:
                parts: Iterable[Use] = (Use(number, forward, 0),)
            else:
                parts = self._unfolded[number] if forward else reversed_chain(self._unfolded[number])
            for count, (base, onwards, inner) in enumerate(parts):
                if not count & 255 and (len(uses) > limit or perf_counter() > deadline):
                    return None
                left, right, _ = lemmas[base]
                if not onwards:
                    left, right = right, left
                start = offset + inner
                word = word[:start] + right + word[start + len(left) :]
                earlier = seen.get(word) if cut else None
                if not cut:
                    uses.append(Use(base, onwards, start))
                elif earlier is None:
                    seen[word] = len(words)
                    words.append(word)
                    uses.append(Use(base, onwards, start))
                else:
                    for passed in words[earlier + 1 :]:
                        del seen[passed]
                    del words[earlier + 1 :], uses[earlier:]
        return uses if len(uses) <= limit else None


def reversed_chain(chain: Sequence[Use]) -> list[Use]:
    """The chain that leads back."""
    return [Use(lemma, not forward, offset) for lemma, forward, offset in reversed(chain)]


def _fewest(index: dict[str, dict[str, None]], word: str) -> list[str]:
    """The shortest of the index's lists for the letters of a word."""
    return list(min((index.get(letter, {}) for letter in word), key=len))


def _dependencies(lemmas: list[Lemma], chain: Sequence[Use], known: dict[int, list[Use]]) -> set[int]:
    """The derived lemmas that a chain uses, directly or not, except those known."""
    found: set[int] = set()
    stack = [use.lemma for use in chain]
    while stack:
        number = stack.pop()
        inner = lemmas[number].chain
        if inner is not None and number not in found and number not in known:
            found.add(number)
            stack += (use.lemma for use in inner)
    return found
