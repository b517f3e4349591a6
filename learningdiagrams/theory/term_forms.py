"""Counting and listing the morphisms between two objects modulo laws between terms.

With a complete system, equal closed terms have one normal form. Starting from the variables, generators are
applied to the normal forms found, until nothing new comes. Whether that ends is not decided in general. That
it does not is certain where terms grow along a cycle without ever holding an instance of a side that an
equation is used from; that is told by a tree automaton for these sides, in which a variable may be anything
(which only makes more terms count as reducible).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import TypeAlias

from learningdiagrams.theory.morphisms import Generator, Object, Term
from learningdiagrams.theory.nodes import Node
from learningdiagrams.theory.normal_forms import Edge, Grammar, Output
from learningdiagrams.theory.questions import Budget
from learningdiagrams.theory.term_questions import TermTheory

__all__ = ["closed_forms", "irreducible_terms"]

STATES = 400
"""States of the tree automaton beyond which no cycle is looked for."""

_Found: TypeAlias = dict[Object, dict[Node, tuple[int, Term]]]
Pattern: TypeAlias = "tuple[int, tuple[Pattern | None, ...]]"


def irreducible_terms(theory: TermTheory, dom: Object, cod: Object, outputs: Sequence[Output]) -> Grammar:
    """A grammar of terms that no equation reduces.

    Not all of them, but if it has a cycle, they have no end.
    """
    roots: set[Pattern] = set()
    patterns: dict[Pattern, None] = {}
    greedy: set[Object] = set()

    def pattern(node: Node) -> Pattern | None:
        if node.head < 0:
            return None
        made = node.head, tuple(pattern(arg) for arg in node.args)
        patterns[made] = None
        return made

    for equation in theory.completion.equations:
        for _, old, _ in equation.directions():
            made = pattern(old)
            if made is None:
                greedy.add(old.sort)
            else:
                roots.add(made)
    grammar = Grammar(dom, cod)
    for position, sort in enumerate(dom.factors):
        if sort not in greedy:
            grammar.enter((sort, frozenset()), Edge(position, ()))
    done: set[tuple[Output, tuple[object, ...]]] = set()
    grown = True
    while grown and len(grammar.ways) < STATES:
        grown = False
        for output in outputs:
            generator, index = output
            symbol, sort = theory.symbols[output], generator.cod.factors[index]
            if sort in greedy:
                continue
            states = [[e.sources[0] for e in grammar.ways.get(factor, ())] for factor in generator.dom.factors]
            for sources in product(*states):
                if (output, sources) in done or len(grammar.ways) >= STATES:
                    continue
                done.add((output, sources))
                below: list[frozenset[Pattern]] = [source[1] for source in sources]  # type: ignore[index]
                matched = frozenset(
                    whole
                    for whole in patterns
                    if whole[0] == symbol
                    and all(part is None or part in inner for part, inner in zip(whole[1], below, strict=True))
                )
                if roots.isdisjoint(matched):
                    grammar.enter((sort, matched), Edge(output, sources))
                    grown = True
    grammar.close()
    return grammar


def closed_forms(
    theory: TermTheory, dom: Object, cod: Object, outputs: Sequence[Output], limit: int, budget: Budget
) -> list[tuple[Term, ...]] | None:
    """A tuple of terms for each morphism dom → cod, small ones first; None if too many, or out of time.

    The theory's system is complete. `outputs` are those that terms of the codomain's sorts can be made of.
    """
    completion, applied = theory.completion, theory.presentation.signature.applied
    found: _Found = {}
    wanted = set(cod.factors)

    def keep(node: Node, size: int, term: Term, level: _Found) -> bool:
        """Notes a term if its normal form is new, and says whether there are too many now."""
        normal = completion.normal(node, None, True)
        known = found.get(normal.sort, {})
        if normal not in known:
            level.setdefault(normal.sort, {}).setdefault(normal, (size, term))
        return normal.sort in wanted and len(known) + len(level.get(normal.sort, ())) > limit

    level: _Found = {}
    for node, variable in zip(theory.variables(dom), dom.variables, strict=True):
        keep(node, 0, variable, level)
    rounds = 0
    while level or not rounds:
        rounds += 1
        new = level
        for sort, nodes in level.items():
            found.setdefault(sort, {}).update(nodes)
        level = {}
        for generator, index in outputs:
            for entries in _with_new(generator, found, new, rounds):
                budget.steps += 1
                if budget.steps % 64 == 0 and budget.spent:
                    return None
                node = theory.bank.apply(theory.symbols[generator, index], tuple(node for node, _ in entries))
                term = applied(generator, tuple(term for _, (_, term) in entries))[index]
                if keep(node, 1 + sum(size for _, (size, _) in entries), term, level):
                    return None
    lists = [sorted(found.get(sort, {}).values(), key=lambda entry: entry[0]) for sort in cod.factors]
    tuples = sorted(product(*lists), key=lambda entries: sum(size for size, _ in entries))
    return [tuple(term for _, term in entries) for entries in tuples]


def _with_new(
    generator: Generator, found: _Found, new: _Found, rounds: int
) -> Iterator[tuple[tuple[Node, tuple[int, Term]], ...]]:
    """The arguments of a generator among which one is new; those without arguments are new once."""
    sorts = generator.dom.factors
    if not sorts and rounds == 1:
        yield ()
    every = [list(found.get(sort, {}).items()) for sort in sorts]
    fresh = [list(new.get(sort, {}).items()) for sort in sorts]
    old = [
        [entry for entry in entries if entry[0] not in new.get(sort, ())]
        for entries, sort in zip(every, sorts, strict=True)
    ]
    for first in range(len(sorts)):
        yield from product(*old[:first], fresh[first], *every[first + 1 :])
