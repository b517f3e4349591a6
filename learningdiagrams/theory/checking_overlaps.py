"""The critical pairs of a system of equations, for the checker of witnesses between terms.

Where a side of one equation is put into a part of a side of another, both can be used on one term; the two results
are a critical pair. If all of them are joinable, rewriting towards smaller terms gives every closed term one normal
form (Bachmair, Dershowitz and Plaisted, "Completion without failure", 1989). Pairs in which one of the two uses never
makes a term smaller do not matter. Nothing of the engine is imported here.
"""

from __future__ import annotations

from collections.abc import Iterator

from learningdiagrams.theory.checking_orders import is_variable
from learningdiagrams.theory.checking_rewriting import System, Values
from learningdiagrams.theory.morphisms import Term

__all__ = ["critical_pairs"]

APART = 1_000_000
"""What the numbers of one equation's variables are raised by, so that it shares none with the other."""

HOLE = 2_000_000
"""The number of the variable that stands where two equations overlap."""


def critical_pairs(system: System) -> Iterator[tuple[Term, Term]]:
    """The critical pairs that matter, of each equation with each, itself included."""
    for outer in system.ways:
        for part, around in _contexts(system, outer.old):
            for way in system.ways_for(part):
                old, new = _apart(system, way.old), _apart(system, way.new)
                values = _unifier(system, part, old)
                if values is None:
                    continue
                whole, one, redex, step = (system.put(it, values) for it in (outer.old, outer.new, old, new))
                if not (_not_below(system, one, whole) or _not_below(system, step, redex)):
                    yield one, system.put(around, {**values, system.leaf(HOLE, part.sort): step})


def _not_below(system: System, new: Term, old: Term) -> bool:
    return new is old or system.order.greater(new, old, {})


def _contexts(system: System, term: Term) -> Iterator[tuple[Term, Term]]:
    """The parts of a term that are no variable, each with what is around it: the term with the hole in its place."""
    if not is_variable(term):
        yield term, system.leaf(HOLE, term.sort)
        for i, arg in enumerate(term.args):
            for part, around in _contexts(system, arg):
                args = (*term.args[:i], around, *term.args[i + 1 :])
                yield part, system.apply(term.head, term.index, args)  # type: ignore[arg-type]  # no marks here


def _apart(system: System, term: Term) -> Term:
    return system.put(term, {x: system.leaf(x.index + APART, x.sort) for x in system.variables(term)})


def _unifier(system: System, one: Term, other: Term) -> Values | None:
    """The most general values for variables with which two terms become one, or None."""
    values: Values = {}
    todo = [(one, other)]
    while todo:
        a, b = (system.put(side, values) for side in todo.pop())
        if not is_variable(a):
            a, b = b, a
        if a is b:
            continue
        if is_variable(a):
            if a.sort is not b.sort or a in system.variables(b):
                return None
            values = {x: system.put(value, {a: b}) for x, value in values.items()} | {a: b}
        elif a.head is None or a.head is not b.head or a.index != b.index:
            return None
        else:
            todo += zip(a.args, b.args, strict=True)
    return values
