"""Answering questions by laws between terms: products, constants, laws with several variables.

A law holds in its context. Over an object that has no element where the question is asked, it says nothing
(Goguen and Meseguer, "Completeness of many-sorted equational logic", 1985). Therefore the question's
variables become constants; the sorts that are inhabited then are found; laws over others are left out, which
changes nothing, since such sorts may be empty; and over inhabited sorts alone, equational logic is the
familiar one, which ordered completion decides when it ends.

What is completed depends on the inhabited sorts and on the order, not on the question, and is kept for the
next one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from learningdiagrams.theory.errors import InvalidWitness
from learningdiagrams.theory.morphisms import Generator, Morphism, Object, Term
from learningdiagrams.theory.nodes import Bank, Node, TooDeep
from learningdiagrams.theory.ordered_completion import OrderedCompletion, TermUse
from learningdiagrams.theory.orders import KnuthBendixOrder, LexicographicPathOrder
from learningdiagrams.theory.proofs import Chain, Move, Proof
from learningdiagrams.theory.questions import UNWRITTEN, Question, Way
from learningdiagrams.theory.term_proofs import Unfolding
from learningdiagrams.theory.terms import applications, from_terms, replaced, unmarked
from learningdiagrams.theory.witnesses import Precedence, TermSystem

if TYPE_CHECKING:
    from learningdiagrams.theory.presentations import Presentation

__all__ = ["TermTheory", "by_terms", "closed_terms"]

LARGEST_SLICE = 16
"""Steps of ordered completion between two looks at the question."""


class TermTheory:
    """A presentation's laws over inhabited sorts, completed with one order.

    Its generators and laws do not change. Laws between terms of sorts that do not matter are left out.
    """

    def __init__(
        self,
        presentation: Presentation,
        inhabited: Mapping[Object, None],
        matter: Mapping[Object, None],
        by_weight: bool,
    ) -> None:
        self.presentation = presentation
        self.inhabited = inhabited
        self.bank: Bank = Bank()
        generators = [morphism.parts[0] for morphism in presentation.generators.values()]
        self.precedence: Precedence = _precedence(generators, by_weight)
        order = KnuthBendixOrder() if by_weight else LexicographicPathOrder()
        self.symbols: dict[tuple[Generator, int], int] = {}
        self.meaning: dict[int, tuple[Generator, int]] = {}
        for rank, (name, index) in enumerate(self.precedence.outputs):
            generator = presentation.generators[name].parts[0]
            weight = 0 if (name, index) == self.precedence.weightless else 1
            symbol = self.bank.symbol(generator.cod.factors[index], weight)
            order.precedence.append(rank)
            self.symbols[generator, index] = symbol
            self.meaning[symbol] = generator, index
        least: dict[Object, Node] = {}
        for sort in inhabited:
            symbol = self.bank.symbol(sort, 1)
            order.precedence.append(-1_000_000_000 + symbol)
            least[sort] = self.bank.apply(symbol, ())
        self.constants: dict[tuple[int, Object], Node] = {}
        self.completion: OrderedCompletion = OrderedCompletion(self.bank, order, least)
        self.origins: dict[int, str] = {}
        for law in presentation.laws.values():
            if all(sort in inhabited for sort in law.left.dom.factors):
                left, right = unmarked(law.left), unmarked(law.right)
                variables = [self.bank.variable(i, sort) for i, sort in enumerate(left.dom.factors)]
                for one, other in zip(left.terms, right.terms, strict=True):
                    if one is not other and one.sort in matter:
                        lemma = self.completion.add(*self.nodes((one, other), variables))
                        self.origins[lemma] = law.name
        self.unfolding: Unfolding = Unfolding(self.completion)
        self._accepted = False

    def system(self, left: Morphism, right: Morphism) -> TermSystem:
        """The complete system as a witness that two sides, whose normal forms differ, are not equal.

        The first is checked at once: the checker shares nothing with this engine, and a system that it does
        not accept refutes nothing. Raises :class:`InvalidWitness` then.
        """
        witness = TermSystem(self.presentation, left, right, tuple(self.equations()), self.precedence)
        if not self._accepted:
            witness.check()
            self._accepted = True
        return witness

    def nodes(self, terms: Sequence[Term], variables: Sequence[Node]) -> list[Node]:
        """Terms as nodes, with these for their variables."""
        made: dict[Term, Node] = {}
        for term in applications(terms):
            if term.head is None:
                made[term] = variables[term.index]
            else:
                symbol = self.symbols[term.head, term.index]  # type: ignore[index]  # marks are forgotten
                made[term] = self.bank.apply(symbol, tuple(made[arg] for arg in term.args))
        return [made[term] for term in terms]

    def variables(self, context: Object) -> list[Node]:
        """The constants that stand for the variables of a context."""
        for position, sort in enumerate(context.factors):
            if (position, sort) not in self.constants:
                symbol = self.bank.symbol(sort, 1)
                self.completion.order.precedence.append(-1 - position)
                self.constants[position, sort] = self.bank.apply(symbol, ())
        return [self.constants[position, sort] for position, sort in enumerate(context.factors)]

    def ground(self, morphism: Morphism) -> list[Node]:
        """A side of a question, with constants for its variables."""
        return self.nodes(morphism.terms, self.variables(morphism.dom))

    def equations(self) -> list[tuple[Morphism, Morphism]]:
        """The active equations as parallel morphisms, those with few symbols first."""
        found = sorted(self.completion.equations, key=lambda e: (e.left.weight + e.right.weight, e.lemma))
        return [self._as_morphisms(equation.left, equation.right) for equation in found]

    def _as_morphisms(self, left: Node, right: Node) -> tuple[Morphism, Morphism]:
        sorts: dict[int, Object] = {}
        todo = [right, left]
        while todo:
            node = todo.pop()
            if node.head < 0:
                sorts.setdefault(-1 - node.head, node.sort)
            todo += reversed(node.args)
        dom = self.presentation.signature.product(sorts.values())
        variables = dict(zip(sorts, dom.variables, strict=True))
        leaves = {self.bank.variable(number, sort): variables[number] for number, sort in sorts.items()}
        return tuple(from_terms(dom, left.sort, (self.term(side, leaves),)) for side in (left, right))  # type: ignore[return-value]

    def term(self, root: Node, known: dict[Node, Term]) -> Term:
        """A node as a term; `known` holds what variables and constants stand for, and remembers the rest."""
        applied = self.presentation.signature.applied
        stack = [root]
        while stack:
            node = stack[-1]
            missing = [arg for arg in node.args if arg not in known]
            if node in known:
                stack.pop()
            elif missing:
                stack += missing
            else:
                generator, index = self.meaning[node.head]
                known[node] = applied(generator, tuple(known[arg] for arg in node.args))[index]
                stack.pop()
        return known[root]


def by_terms(theory: TermTheory, question: Question) -> Way:
    """Completes until both sides reduce to one term, or the system is complete and they do not."""
    try:
        yield from _by_terms(theory, question)
    except TooDeep:
        question.budget.notes[_title(theory)] = f"{_title(theory)}: terms became too deep"


def _title(theory: TermTheory) -> str:
    return f"ordered completion by the {theory.completion.order.name}"


def _by_terms(theory: TermTheory, question: Question) -> Way:
    left, right, budget = question
    completion = theory.completion
    sides = list(zip(theory.ground(left), theory.ground(right), strict=True))
    size = 4
    while True:
        if all(completion.normal(a, None, True) is completion.normal(b, None, True) for a, b in sides):
            proof = _proof(theory, question, sides)
            if proof is None:
                budget.notes[_title(theory)] = UNWRITTEN
                return
            yield proof
        if completion.complete:
            try:
                yield theory.system(left, right)
            except InvalidWitness as error:
                budget.notes[_title(theory)] = f"{_title(theory)} ended with a system that was not accepted: {error}"
            return
        before = completion.steps
        completion.run(budget.slice(size), budget.deadline)
        budget.steps += completion.steps - before
        budget.notes[_title(theory)] = (
            f"{_title(theory)} has {len(completion.equations)} equations after {completion.steps} steps"
        )
        size = min(2 * size, LARGEST_SLICE)
        yield None


def _proof(theory: TermTheory, question: Question, sides: Sequence[tuple[Node, Node]]) -> Proof | None:
    left, right, budget = question
    chains: list[tuple[Node, list[TermUse]]] = []
    for one, other in sides:
        chain = theory.unfolding.between(one, other, budget.deadline)
        if chain is None:
            return None
        chains.append((one, chain))
    steps = Chain(left, sum(len(chain) for _, chain in chains), lambda: _moves(theory, left, chains))
    return Proof(theory.presentation, left, right, steps)


def _moves(theory: TermTheory, start: Morphism, chains: Sequence[tuple[Node, list[TermUse]]]) -> Iterator[Move]:
    """The steps of chains, one for each output.

    Least constants become closed terms over the question's context.
    """
    presentation, completion = theory.presentation, theory.completion
    closed = closed_terms(presentation, start.dom)
    known: dict[Node, Term] = {completion.least[sort]: closed[sort] for sort in theory.inhabited}
    known |= {theory.constants[i, sort]: start.dom.variables[i] for i, sort in enumerate(start.dom.factors)}
    whole = start.terms
    for output, (_, chain) in enumerate(chains):
        for lemma, forward, place, bindings in chain:
            law = presentation.laws[theory.origins[lemma]]
            using = tuple(
                theory.term(bindings[i], known) if i in bindings else closed[sort]
                for i, sort in enumerate(law.left.dom.factors)
            )
            reached = completion.lemmas[lemma].right if forward else completion.lemmas[lemma].left
            new = theory.term(theory.bank.substitute(reached, bindings), known)
            whole = replaced(presentation.signature, whole, (output, *place), new)
            yield Move(law.name, forward, (output, *place), using, whole)


def closed_terms(presentation: Presentation, context: Object) -> dict[Object, Term]:
    """A shallow term over the context for each sort that has one."""
    found: dict[Object, Term] = {}
    for variable in context.variables:
        found.setdefault(variable.sort, variable)
    generators = [morphism.parts[0] for morphism in presentation.generators.values()]
    while True:
        new: dict[Object, Term] = {}
        for generator in generators:
            if all(sort in found for sort in generator.dom.factors):
                args = tuple(found[sort] for sort in generator.dom.factors)
                for index, sort in enumerate(generator.cod.factors):
                    if sort not in found and sort not in new:
                        new[sort] = presentation.signature.applied(generator, args)[index]
        if not new:
            return found
        found |= new


def _precedence(generators: Sequence[Generator], by_weight: bool) -> Precedence:
    """Constants lowest, then by the number of arguments, those with one argument highest.

    By weight, an endomorphism beside operations of several arguments weighs nothing: for groups, the inverse.
    """

    def rank(generator: Generator) -> int:
        count = len(generator.dom.factors)
        return 1_000_000 if count == 1 else count

    ordered = sorted(generators, key=rank)
    outputs = [(generator.name, index) for generator in ordered for index in range(len(generator.cod.factors))]
    weightless = None
    highest = ordered[-1] if ordered else None
    beside = any(len(generator.dom.factors) > 1 for generator in generators)
    if by_weight and beside and highest and highest.dom is highest.cod and len(highest.dom.factors) == 1:
        weightless = outputs[-1]
    return Precedence(tuple(outputs), by_weight, weightless)
