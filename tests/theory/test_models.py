"""The search for finite models, and ordered completion, each by itself."""

from __future__ import annotations

from typing import Any

import pytest

from learningdiagrams.theory import Morphism, Presentation, drop, identity, proj
from learningdiagrams.theory.models import by_models, inhabited_sorts
from learningdiagrams.theory.nodes import Bank, match, unify
from learningdiagrams.theory.ordered_completion import weak_orders
from learningdiagrams.theory.orders import KnuthBendixOrder, LexicographicPathOrder
from learningdiagrams.theory.questions import Budget, Question

from .standard import ask, empty_sort, group, lattice, monoid, semilattice, swap, word


def searched(presentation: Presentation, left: Morphism, right: Morphism, steps: int = 20_000) -> Any:
    """The model that the search finds, or None."""
    question = Question(left, right, Budget(60.0, steps))
    return next((found for found in by_models(presentation, question, []) if found is not None), None)


def test_the_smallest_group_that_does_not_commute():
    P = group()
    (G,) = P.sorts.values()
    model = searched(P, P["mul"], swap(G, G) >> P["mul"])
    model.check()
    assert model.sets == {"G": 6}


def test_the_smallest_lattices_that_are_not_distributive():
    P = lattice()
    (L,) = P.sorts.values()
    x, y, z = (proj(L * L * L, i) for i in range(3))
    meet, join = P["meet"], P["join"]
    left, right = (x & (y & z) >> join) >> meet, ((x & y) >> meet & (x & z) >> meet) >> join
    model = searched(P, left, right)
    model.check()
    assert model.sets == {"L": 5}


def test_a_model_with_an_empty_set():
    P = empty_sort()
    model = searched(P, P["c"], P["d"])
    model.check()
    assert model.sets == {"A": 0, "B": 2}


def test_a_question_without_a_finite_model_that_differs():
    """In a finite set, one-sided inverses are two-sided: only an infinite model tells fg from id."""
    P = monoid("fg", [("gf", "")])
    left, right = word(P, "fg"), word(P, "")
    assert searched(P, left, right, steps=2_000) is None
    verdict = ask(P, left, right)
    assert verdict.holds is False
    assert verdict.witness.kind == "system"


def test_nothing_is_found_against_what_is_proved():
    P = semilattice()
    (L,) = P.sorts.values()
    assert searched(P, P["meet"], swap(L, L) >> P["meet"], steps=500) is None


def test_inhabited_sorts():
    P = Presentation("Inhabited")
    A, B, C, D = P.objects("A", "B", "C", "D")
    P.morphism("f", A * B, C)
    P.morphism("g", C, D)
    P.morphism("b", P.unit, B)
    generators = [m.parts[0] for m in P.generators.values()]
    assert list(inhabited_sorts(generators, ())) == [B]
    assert set(inhabited_sorts(generators, (A,))) == {A, B, C, D}
    assert set(inhabited_sorts(generators, (C,))) == {B, C, D}


def test_models_that_were_found_answer_later_questions():
    P = lattice()
    (L,) = P.sorts.values()
    first = ask(P, P["meet"], P["join"])
    assert first.witness.kind == "model"
    second = ask(P, P["meet"], proj(L * L, 0), max_steps=0)
    assert second.holds is None
    third = ask(P, P["meet"], proj(L * L, 0))
    assert third.holds is False
    third.witness.check()
    P.law(identity(L), drop(L) >> P.morphism("top", P.unit, L))
    assert ask(P, P["meet"], proj(L * L, 0)).holds is True


# Terms and their orders -------------------------------------------------------------------------------------


@pytest.fixture
def terms():
    """A sort with a constant, a unary and a binary symbol, in a bank."""
    P = Presentation("Terms")
    (A,) = P.objects("A")
    bank = Bank()
    c, f, m = (bank.symbol(A, 1) for _ in range(3))
    return bank, A, c, f, m


def test_matching_and_unifying(terms):
    bank, A, c, f, m = terms
    x, y = bank.variable(0, A), bank.variable(1, A)
    constant = bank.apply(c, ())
    assert bank.apply(m, (x, y)) is bank.apply(m, (x, y))
    bindings = {}
    assert match(bank.apply(m, (x, y)), bank.apply(m, (constant, bank.apply(f, (x,)))), bindings)
    assert bindings == {0: constant, 1: bank.apply(f, (x,))}
    assert not match(bank.apply(m, (x, x)), bank.apply(m, (constant, y)), {})
    # A pattern may be matched with itself.
    assert match(bank.apply(f, (x,)), bank.apply(f, (x,)), bindings := {})
    assert bindings == {0: x}
    unifier = unify(bank.apply(m, (x, bank.apply(f, (x,)))), bank.apply(m, (bank.apply(f, (y,)), y)))
    assert unifier is None
    unifier = unify(bank.apply(m, (x, x)), bank.apply(m, (bank.apply(f, (y,)), bank.apply(f, (constant,)))))
    assert unifier is not None
    assert bank.resolve(x, unifier) is bank.apply(f, (constant,))


@pytest.mark.parametrize("order", [KnuthBendixOrder(), LexicographicPathOrder()], ids=["weight", "path"])
def test_orders_are_total_on_ground_terms_and_monotone(terms, order):
    bank, A, c, f, m = terms
    order.precedence = [0, 2, 1]
    ground = [bank.apply(c, ())]
    for _ in range(2):
        ground += [bank.apply(f, (t,)) for t in ground]
        ground += [bank.apply(m, (s, t)) for s in ground[:3] for t in ground[:3]]
    ground = list(dict.fromkeys(ground))
    for s in ground:
        assert not order.greater(s, s)
        for t in ground:
            assert s is t or order.greater(s, t) is not order.greater(t, s)
            if order.greater(s, t):
                assert order.greater(bank.apply(f, (s,)), bank.apply(f, (t,)))
                assert order.greater(bank.apply(m, (s, ground[0])), bank.apply(m, (t, ground[0])))
    x, y = bank.variable(0, A), bank.variable(1, A)
    assert order.greater(bank.apply(m, (x, y)), x)
    one, other = bank.apply(m, (x, y)), bank.apply(m, (y, x))
    assert not order.greater(one, other)
    assert not order.greater(other, one)
    assert order.greater(one, other, {0: 1, 1: 0})
    assert order.greater(other, one, {0: 0, 1: 1})


@pytest.mark.parametrize("order", [KnuthBendixOrder(), LexicographicPathOrder()], ids=["weight", "path"])
def test_what_is_greater_with_variables_is_greater_for_all_their_values(terms, order):
    bank, A, c, f, m = terms
    order.precedence = [0, 2, 1]
    x, y = bank.variable(0, A), bank.variable(1, A)
    constant = bank.apply(c, ())
    small = [x, y, constant]
    shapes = [
        *small,
        *(bank.apply(f, (t,)) for t in small),
        *(bank.apply(m, (s, t)) for s in small for t in small),
    ]
    ground = [constant, bank.apply(f, (constant,)), bank.apply(m, (constant, constant))]
    for ranks in [None, *weak_orders([0, 1])]:
        if ranks is not None and ranks[0] == ranks[1]:
            continue
        for s in shapes:
            for t in shapes:
                if not order.greater(s, t, ranks):
                    continue
                for a in ground:
                    for b in ground:
                        fits = ranks is None or (a is not b and order.greater(a, b) is (ranks[0] > ranks[1]))
                        if fits:
                            values = {0: a, 1: b}
                            assert order.greater(bank.substitute(s, values), bank.substitute(t, values))
