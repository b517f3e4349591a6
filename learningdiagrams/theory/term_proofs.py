"""Unfolding the lemmas of ordered completion to chains that use nothing but the equations given."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from time import perf_counter

from learningdiagrams.theory.nodes import Node
from learningdiagrams.theory.ordered_completion import OrderedCompletion, TermUse

__all__ = ["Unfolding"]

LONGEST = 1_000_000


class Unfolding:
    """Chains of given equations for the lemmas of one completion, each unfolded once, in general form."""

    def __init__(self, completion: OrderedCompletion) -> None:
        self.completion = completion
        self._unfolded: dict[int, list[TermUse]] = {}

    def between(self, left: Node, right: Node, deadline: float) -> list[TermUse] | None:
        """The chain between two ground terms that reduce to the same.

        None where it would be too long, or is not written down by `deadline`.
        """
        there: list[TermUse] = []
        back: list[TermUse] = []
        one, other = self.completion.normal(left, there, True), self.completion.normal(right, back, True)
        assert one is other
        chain = [*there, *(use._replace(forward=not use.forward) for use in reversed(back))]
        for lemma in sorted(self._needed(chain)):
            made = self.completion.lemmas[lemma]
            flat = self._flat(made.left, made.chain or (), deadline)
            if flat is None:
                return None
            self._unfolded[lemma] = flat
        return self._flat(left, chain, deadline)

    def _needed(self, chain: Sequence[TermUse]) -> set[int]:
        """The derived lemmas that a chain uses, directly or not, and that are not unfolded yet."""
        found: set[int] = set()
        stack = [use.lemma for use in chain]
        while stack:
            lemma = stack.pop()
            inner = self.completion.lemmas[lemma].chain
            if inner is not None and lemma not in found and lemma not in self._unfolded:
                found.add(lemma)
                stack += (use.lemma for use in inner)
        return found

    def _flat(self, term: Node, chain: Sequence[TermUse], deadline: float) -> list[TermUse] | None:
        """Puts the unfolded lemmas into a chain, and cuts out what leads from a term back to it."""
        completion = self.completion
        terms, uses, seen = [term], [], {term: 0}
        for use in chain:
            for count, part in enumerate(self._parts(use)):
                if not count & 63 and perf_counter() > deadline:
                    return None
                reached = completion.lemmas[part.lemma].right if part.forward else completion.lemmas[part.lemma].left
                new = completion.bank.substitute(reached, part.bindings)
                term = completion.bank.replaced(term, part.place, new)
                earlier = seen.get(term)
                if earlier is None:
                    seen[term] = len(terms)
                    terms.append(term)
                    uses.append(part)
                    continue
                for passed in terms[earlier + 1 :]:
                    del seen[passed]
                del terms[earlier + 1 :], uses[earlier:]
            if len(uses) > LONGEST:
                return None
        return uses

    def _parts(self, use: TermUse) -> Iterator[TermUse]:
        """A use of a lemma as uses of given equations."""
        if self.completion.lemmas[use.lemma].chain is None:
            yield use
            return
        substitute = self.completion.bank.substitute
        parts = self._unfolded[use.lemma]
        for lemma, forward, place, bindings in parts if use.forward else reversed(parts):
            values = {number: substitute(value, use.bindings) for number, value in bindings.items()}
            yield TermUse(lemma, forward is use.forward, use.place + place, values)
