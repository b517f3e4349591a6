"""Normal forms as far as they are known: equal, no larger, and one for each class once completion has ended."""

from __future__ import annotations

from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from learningdiagrams.theory import Morphism, Presentation, Proved, TheoryError, identity, proj
from learningdiagrams.theory.morphisms import mark
from learningdiagrams.theory.simplifying import simplify, size

from ..strategies import monoids, words
from .standard import group


def cyclic() -> Presentation:
    P = Presentation("Cyclic")
    (A,) = P.objects("A")
    f = P.morphism("f", A, A)
    P.law(f >> f >> f, identity(A), name="order")
    P.morphism("mul", A * A, A)
    return P


def test_words_below_generators_of_several_arguments_are_reduced():
    P = cyclic()
    A, f, mul = P["A"], P["f"], P["mul"]
    written = (f >> f >> f >> f) @ (f >> f >> f) >> mul >> f >> f >> f
    found = P.simplify(written)
    assert found.left == written and found.right == f @ identity(A) >> mul
    found.proof.check()


def test_a_morphism_in_normal_form_has_the_empty_proof():
    P = cyclic()
    found = P.simplify(P["f"] >> P["f"])
    assert found.right == P["f"] >> P["f"] and not found.proof.steps


def test_constants_and_the_terminal_object():
    P = cyclic()
    c = P.morphism("c", P.unit, P["A"])
    P.law(c >> P["f"], c)
    assert P.simplify(c >> P["f"] >> P["f"] & c).right == c & c


def test_marks_are_refused():
    P = cyclic()
    with pytest.raises(TheoryError, match=r"simplify: `stop\(f\)` has marks; simplify what is before and after them"):
        P.simplify(mark("stop", P["f"]))


def test_no_time_leaves_a_morphism_as_it_is():
    P = group()
    A = P["G"]
    written = (identity(A) & P["inv"]) >> P["mul"]
    assert P.simplify(written, max_seconds=0).right == written


def test_terms_of_a_group_become_their_normal_forms():
    P = group()
    G, mul, inv = P["G"], P["mul"], P["inv"]
    x, y = proj(G * G, 0), proj(G * G, 1)
    written = (((x & y) >> mul) & (y >> inv)) >> mul
    assert P.simplify(written).right == x


@given(st.lists(st.sampled_from("fg"), max_size=9))
def test_the_form_is_equal_no_larger_and_reduces_no_further(word):
    P = Presentation("Dihedral")
    (A,) = P.objects("A")
    f, g = P.morphism("f", A, A), P.morphism("g", A, A)
    P.law(f >> f >> f >> f, identity(A)), P.law(g >> g, identity(A)), P.law(g >> f >> g, f >> f >> f)
    written = identity(A)
    for letter in word:
        written = written >> P[letter]
    found = simplify(P, written)
    found.proof.check()
    assert size(found.right) <= size(written)
    assert P.simplify(found.right).right == found.right
    same = [m for m in P.hom(A, A) if isinstance(P.prove(m, written), Proved)]
    assert len(same) == 1 and (same == [found.right] or size(same[0]) < size(found.right) + 1)


def chain(start: Morphism, word: str) -> Morphism:
    """A word in the presentation's endomorphisms after `start`."""
    return reduce(lambda made, letter: made >> start.signature.generators[letter], word, start)


@st.composite
def questions(draw: st.DrawFn) -> tuple[Presentation, Morphism]:
    """Random laws between words, and a morphism in which words stand above and below an operation of two arguments."""
    P = Presentation("Mixed")
    (A,) = P.objects("A")
    P.morphism("f", A, A), P.morphism("g", A, A)
    mul = P.morphism("mul", A * A, A)
    for left, right in draw(monoids("fg", max_laws=2, max_size=3)):
        P.law(chain(identity(A), left), chain(identity(A), right))
    trees = st.recursive(
        st.sampled_from([proj(A * A, 0), proj(A * A, 1)]),
        lambda inner: st.builds(lambda a, b, w: chain((a & b) >> mul, w), inner, inner, words("fg", 5)),
        max_leaves=5,
    )
    return P, draw(trees)


@given(questions())
def test_proofs_check_wherever_the_words_stand(question):
    P, written = question
    found = P.simplify(written, max_seconds=1.0)
    found.proof.check()
    assert size(found.right) <= size(written)
