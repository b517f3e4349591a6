"""The checker of confluent systems of words as witnesses against an equation.

A system is a set of rules between paths. It is accepted when (1) each rule leads to a smaller word (shorter, or as
long and earlier by the order of declaration), so that rewriting ends; (2) every overlap of left-hand sides reduces to
the same word either way, so that every word has one normal form (Newman 1942; Knuth and Bendix 1970); (3) the sides
of each law have the same normal form, and (4) those of the equation have not. Nothing of the engine is imported here.

Acceptance implies truth: normal forms stay the same along any chain of laws, so that no chain joins the sides. What
is no letter (a variable, a generator of several arguments) is never touched by a law between paths, so that terms are
equal only if they agree there and have equal words in between; one pair of words is enough to tell them apart. Laws
that share no letter with it, not even through other laws, are left out of (3): they have their variable on both
sides, and complete systems over disjoint alphabets do not overlap. Where all laws that count preserve length, chains
stay at the length that they start from, and overlaps and laws `up_to` that length suffice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from learningdiagrams.theory.errors import InvalidWitness
from learningdiagrams.theory.morphisms import Morphism, Term
from learningdiagrams.theory.terms import spine, unmarked

if TYPE_CHECKING:
    from learningdiagrams.theory.presentations import Law

__all__ = ["check_words"]


def check_words(
    laws: Mapping[str, Law],
    generators: Mapping[str, Morphism],
    left: Morphism,
    right: Morphism,
    rules: Iterable[tuple[Morphism, Morphism]],
    up_to: int | None,
) -> None:
    """Raises :class:`InvalidWitness` unless the rules are a system that tells the sides apart."""
    if left.dom is not right.dom or left.cod is not right.cod:
        raise InvalidWitness(f"`{left}` and `{right}` are not parallel")
    if up_to is not None and type(up_to) is not int:
        raise InvalidWitness(f"`up_to` is {up_to!r}, which is no length of paths")
    heads = [g.parts[0] for g in generators.values() if len(g.dom.factors) <= 1]
    outputs = [(head, index) for head in heads for index in range(len(head.cod.factors))]
    letters = {output: chr(number) for number, output in enumerate(outputs)}
    # A law whose sides are the same word says nothing, and joins no letters.
    given = [pair for law in laws.values() for pair in _words(letters, law.name, law.left, law.right)]
    equations = [(one, other) for one, other in given if one != other]
    system: dict[str, str] = {}
    for old, new in rules:
        pairs = _words(letters, f"the rule `{old}`", old, new)
        if len(pairs) != 1 or (len(pairs[0][0]), pairs[0][0]) <= (len(pairs[0][1]), pairs[0][1]):
            raise InvalidWitness(f"the rule `{old}` to `{new}` does not lead to something smaller")
        system.update(pairs)
    lengths = sorted({len(old) for old in system})
    longest = float("inf") if up_to is None else up_to

    def normal(word: str) -> str:
        end = 0
        while end < len(word):
            end += 1
            for n in lengths:
                if n <= end and (new := system.get(word[end - n : end])) is not None:
                    word, end = word[: end - n] + new + word[end:], end - n
                    break
        return word

    def differ(one: str, other: str) -> bool:
        """Whether two words have different normal forms, and all laws that count for them are respected."""
        if normal(one) == normal(other) or max(len(one), len(other)) > longest:
            return False
        count = {*one, *other}
        while more := {x for a, b in equations if not count.isdisjoint(a + b) for x in a + b} - count:
            count |= more
        counting = [(a, b) for a, b in equations if not count.isdisjoint(a + b)]
        preserved = up_to is None or all(len(a) == len(b) for a, b in counting)
        return preserved and all(normal(a) == normal(b) for a, b in counting if len(a) <= longest)

    starting: dict[str, list[str]] = {}
    for old in system:
        starting.setdefault(old[0], []).append(old)
    for old, start in ((rule, i) for rule in system for i in range(len(rule))):
        for other in starting.get(old[start], ()):
            if old.startswith(other, start) or other.startswith(old[start:]):
                word = old + other[len(old) - start :]
                ways = system[old] + word[len(old) :], old[:start] + system[other] + word[start + len(other) :]
                if len(word) <= longest and normal(ways[0]) != normal(ways[1]):
                    raise InvalidWitness("two rules of the system overlap in a word that has two normal forms")
    pairs = list(zip(unmarked(left).terms, unmarked(right).terms, strict=True))
    seen = set(pairs)
    for one, other in pairs:
        (base, word), (base_other, word_other) = _split(letters, one), _split(letters, other)
        if differ(word, word_other):
            return
        if base is not base_other:
            heads = [(end.head, end.index) if end and end.head else end for end in (base, base_other)]
            if heads[0] != heads[1]:
                return
            inner = [it for it in zip(base.args, base_other.args, strict=True) if it not in seen]  # type: ignore[union-attr]
            pairs += inner
            seen.update(inner)
    raise InvalidWitness("the system, as far as it respects the laws that count, does not tell the sides apart")


def _words(letters: Mapping, what: str, left: Morphism, right: Morphism) -> list[tuple[str, str]]:
    base = left.dom.variables[0] if left.dom.factors else None
    parallel = left.dom is right.dom and left.cod is right.cod and len(left.dom.factors) <= 1
    sides = [[_split(letters, term) for term in unmarked(side).terms] for side in (left, right)]
    if not parallel or any(end is not base for side in sides for end, _ in side):
        raise InvalidWitness(f"{what}: not two parallel paths, which is all that a system of words speaks of")
    return [(one, other) for (_, one), (_, other) in zip(*sides, strict=True)]


def _split(letters: Mapping, term: Term) -> tuple[Term | None, str]:
    base, path = spine(term)
    if not all((part.head, part.index) in letters for part in path):
        raise InvalidWitness("a side holds a generator that was not there when the presentation was asked")
    return base, "".join(letters[part.head, part.index] for part in path)
