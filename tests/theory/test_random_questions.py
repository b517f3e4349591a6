"""Random presentations and questions: every verdict has a certificate that checks, and truths do not change."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from learningdiagrams.theory import InvalidWitness, Morphism, Object, Presentation, TermSystem, drop, proj
from learningdiagrams.theory.deciding import knowledge_of

from ..strategies import monoids, words
from .standard import ask, holds, monoid, word


@settings(max_examples=150)
@given(monoids(), words("abc", 5), words("abc", 5))
def test_every_verdict_on_random_monoids_has_a_certificate_that_checks(relations, left, right):
    P = monoid("abc", relations)
    assert holds(P, word(P, left), word(P, right), max_steps=400) in (True, False, None)


@settings(max_examples=100)
@given(monoids("ab", 2, 3), words("ab", 4), words("ab", 4))
def test_the_order_of_questions_does_not_matter(relations, left, right):
    """What was learned before never changes a truth."""
    P, Q = monoid("ab", relations), monoid("ab", relations)
    first = ask(P, word(P, left), word(P, right), max_steps=300).holds
    ask(Q, word(Q, right), word(Q, ""), max_steps=300)
    ask(Q, word(Q, "ab"), word(Q, "ba"), max_steps=300)
    second = ask(Q, word(Q, left), word(Q, right), max_steps=300).holds
    assert first is None or second is None or first is second


@settings(max_examples=60)
@given(monoids("abc", 3, 3), st.lists(words("abc", 3), min_size=2, max_size=4))
def test_proved_equality_is_a_congruence(relations, parts):
    P = monoid("abc", relations)
    one, other, *rest = parts
    if ask(P, word(P, one), word(P, other), max_steps=300):
        around = rest[0] if rest else "a"
        assert holds(P, word(P, around + one + "b"), word(P, around + other + "b")) is True
        assert holds(P, word(P, other), word(P, one)) is True


@st.composite
def algebras(draw):
    """A presentation with one sort, a constant, a unary and a binary operation, and random laws."""
    P = Presentation("Algebra")
    (A,) = P.objects("A")
    P.morphism("c", P.unit, A)
    P.morphism("f", A, A)
    P.morphism("m", A * A, A)
    for _ in range(draw(st.integers(1, 2))):
        P.law(draw(algebraic(P, A * A)), draw(algebraic(P, A * A)))
    return P


@st.composite
def algebraic(draw, P, context, depth=2):
    """A term over a context."""
    kind = draw(st.sampled_from(["variable", "variable", "constant", "unary", "binary"] if depth else ["variable"]))
    if kind == "variable":
        return proj(context, draw(st.integers(0, len(context.factors) - 1)))
    if kind == "constant":
        return drop(context) >> P["c"]
    if kind == "unary":
        return draw(algebraic(P, context, depth - 1)) >> P["f"]
    return (draw(algebraic(P, context, depth - 1)) & draw(algebraic(P, context, depth - 1))) >> P["m"]


@settings(max_examples=60)
@given(st.data())
def test_every_verdict_on_random_algebras_has_a_certificate_that_checks(data):
    P = data.draw(algebras())
    context = P["A"] * P["A"]
    left, right = data.draw(algebraic(P, context, 3)), data.draw(algebraic(P, context, 3))
    holds(P, left, right, max_steps=300)


@settings(max_examples=60)
@given(st.data())
def test_no_part_of_a_system_is_accepted_against_what_is_proved(data):
    """The checker shares nothing with the engine: what the engine proves, no choice of its equations refutes."""
    P = data.draw(algebras())
    context = P["A"] * P["A"]
    left, right = data.draw(algebraic(P, context, 3)), data.draw(algebraic(P, context, 3))
    if not holds(P, left, right, max_steps=300):
        return
    for by_weight in (True, False):
        theory = knowledge_of(P).theory(context, by_weight)
        equations = [it for it in theory.equations() if data.draw(st.booleans())]
        for chosen in (equations, [*equations, (right, left)]):
            with pytest.raises(InvalidWitness):
                TermSystem(P, left, right, chosen, theory.precedence).check()


# Many sorts, operations of several values, laws over sorts that may be empty ----------------------------------


@st.composite
def many_sorted(draw):
    """A presentation with up to three sorts and four operations, some of two values, and random laws."""
    P = Presentation("ManySorted")
    sorts = P.objects("A", "B", "C")[: draw(st.integers(1, 3))]
    product = P.signature.product
    for i in range(draw(st.integers(1, 4))):
        dom = draw(st.lists(st.sampled_from(sorts), max_size=2))
        P.morphism(f"f{i}", product(dom), product(draw(st.lists(st.sampled_from(sorts), min_size=1, max_size=2))))
    for _ in range(draw(st.integers(1, 3))):
        sides = draw(parallel(P, 2))
        if sides is not None:
            P.law(*sides)
    return P


@st.composite
def parallel(draw, P: Presentation, depth: int):
    """Two terms of one sort over one context, or None where the sort has none."""
    sorts = list(P.sorts.values())
    context = P.signature.product(draw(st.lists(st.sampled_from(sorts), max_size=3)))
    sort = draw(st.sampled_from(sorts))
    sides = [draw(term(P, context, sort, depth)) for _ in range(2)]
    return None if None in sides else sides


@st.composite
def term(draw, P: Presentation, context: Object, sort: Object, depth: int) -> Morphism | None:
    variables = [proj(context, i) for i, factor in enumerate(context.factors) if factor is sort]
    makers = [it for it in P.generators.values() if sort in it.cod.factors and (depth or not it.dom.factors)]
    if variables and (not makers or draw(st.booleans())):
        return draw(st.sampled_from(variables))
    if not makers:
        return None
    made = draw(st.sampled_from(makers))
    arguments = drop(context)
    for factor in made.dom.factors:
        argument = draw(term(P, context, factor, depth - 1))
        if argument is None:
            return draw(st.sampled_from(variables)) if variables else None
        arguments = arguments & argument
    return arguments >> made >> proj(made.cod, draw(st.sampled_from([*positions(made.cod, sort)])))


def positions(obj: Object, sort: Object) -> list[int]:
    return [i for i, factor in enumerate(obj.factors) if factor is sort]


@settings(max_examples=100)
@given(st.data())
def test_every_verdict_over_many_sorts_has_a_certificate_that_checks(data):
    P = data.draw(many_sorted())
    for _ in range(2):
        sides = data.draw(parallel(P, 3))
        if sides is not None:
            holds(P, *sides, max_steps=200)
