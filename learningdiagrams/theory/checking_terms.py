"""The checker of ordered systems of equations between terms as witnesses against an equation.

Take the question's variables as constants, and one more constant, the least, for each sort that has a term then. A
sort matters if the question's codomain has it, or if an output of a sort that matters has an argument of it. The
closed terms of sorts that matter, up to rewriting (`checking_rewriting.py`) by an order that ends
(`checking_orders.py`), make a model: sorts without terms are empty in it, others that do not matter have one element.
The system is accepted when

1. all critical pairs (`checking_overlaps.py`) are joinable, so that each of these terms has one normal form;
2. the sides of every law over sorts that have terms are joinable where they matter, so that all laws hold in the
   model: a law over an empty sort says nothing, and in a set of one element all is equal;
3. the sides of the question have different normal forms, so that it does not hold there.

Joinable means, for every order of the variables, with ties (Martin and Nipkow, "Ordered rewriting and confluence",
1990): both sides reduce to one term, or to an instance of an equation, or to one generator at arguments that are
joinable.

Acceptance implies truth: what follows from the laws holds in every model of them; this is one, and the question does
not hold in it. Nothing of the engine is imported here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from learningdiagrams.theory.checking_orders import Order, Output, weak_orders
from learningdiagrams.theory.checking_overlaps import critical_pairs
from learningdiagrams.theory.checking_rewriting import System, Values
from learningdiagrams.theory.errors import InvalidWitness
from learningdiagrams.theory.morphisms import Morphism, Term
from learningdiagrams.theory.terms import applications, unmarked

if TYPE_CHECKING:
    from learningdiagrams.theory.presentations import Law

__all__ = ["check_terms"]

Pair = tuple[Term, Term]


def check_terms(
    laws: Mapping[str, Law],
    generators: Mapping[str, Morphism],
    left: Morphism,
    right: Morphism,
    equations: Sequence[tuple[Morphism, Morphism]],
    outputs: Sequence[Output],
    by_weight: bool,
    weightless: Output | None,
) -> None:
    """Raises :class:`InvalidWitness` unless the equations, in this order, are a system as described above."""
    heads = {name: morphism.parts[0] for name, morphism in generators.items()}
    if sorted(outputs) != sorted((name, i) for name, head in heads.items() for i in range(len(head.cod.factors))):
        raise InvalidWitness("the order does not rank the outputs of the generators as they stood, each once")
    if weightless is not None and (list(outputs[-1:]) != [weightless] or len(heads[weightless[0]].dom.factors) != 1):
        raise InvalidWitness("only the greatest output may weigh nothing, and only if it has one argument")
    inhabited, matter, size = set(left.dom.factors), set(left.cod.factors), -1
    while size < len(inhabited) + len(matter):
        size = len(inhabited) + len(matter)
        for head in heads.values():
            inhabited.update(head.cod.factors if inhabited.issuperset(head.dom.factors) else ())
            matter.update(() if matter.isdisjoint(head.cod.factors) else head.dom.factors)

    def pairs(one: Morphism, other: Morphism) -> list[Pair]:
        if one.dom is not other.dom or one.cod is not other.cod:
            raise InvalidWitness(f"`{one}` and `{other}` are not parallel")
        counts = inhabited.issuperset(one.dom.factors) and not matter.isdisjoint(one.cod.factors)
        return [pair for pair in _pairs(system, one, other) if pair[0].sort in matter] if counts else []

    order = Order({(heads[name], i): rank for rank, (name, i) in enumerate(outputs)}, by_weight, weightless)
    system, joined = System(order), set[Pair]()
    try:
        system.take([pair for sides in equations for pair in pairs(*sides)])
        for one, other in critical_pairs(system):
            if not _joinable(system, one, other, joined):
                raise InvalidWitness("the sides of a critical pair are not joinable in the system")
        for law in laws.values():
            if not all(_joinable(system, one, other, joined) for one, other in pairs(law.left, law.right)):
                raise InvalidWitness(f"the sides of law `{law.name}` are not joinable in the system")
        constants = {x: system.leaf(-1 - x.index, x.sort) for x in left.dom.variables}
        if all(one is other for one, other in _pairs(system, left, right, constants)):
            raise InvalidWitness("the system does not tell the sides apart")
    except RecursionError:
        raise InvalidWitness("the system has terms that are too deep to be checked") from None


def _pairs(system: System, left: Morphism, right: Morphism, constants: Values | None = None) -> list[Pair]:
    """The outputs of two sides as terms of the system; with constants for the variables, what they reduce to."""
    known: Values = {}
    sides = unmarked(left).terms, unmarked(right).terms
    for term in applications((*sides[0], *sides[1])):
        if term.head is None:
            made = constants[term] if constants else system.leaf(term.index, term.sort)
        else:
            made = system.apply(term.head, term.index, tuple(known[arg] for arg in term.args))  # type: ignore[arg-type]
        # From the inside out, so that nothing recurses deeply.
        system.order.weigh(made)
        known[term] = made if constants is None else system.normal(made, {})
    return [(known[a], known[b]) for a, b in zip(*sides, strict=True)]


def _joinable(system: System, one: Term, other: Term, joined: set[Pair]) -> bool:
    """Whether two terms join under every order of their variables; `joined` remembers those that do."""
    one, other = system.normal(one, {}), system.normal(other, {})
    found = dict.fromkeys((*system.variables(one), *system.variables(other)))
    names = {variable: system.leaf(number, variable.sort) for number, variable in enumerate(found)}
    one, other = system.put(one, names), system.put(other, names)
    if (one, other) not in joined and not system.join(one, other, {}):
        for ranks, tied in weak_orders(list(names.values())):
            if not system.join(system.put(one, tied), system.put(other, tied), ranks):
                return False
    joined.add((one, other))
    return True
