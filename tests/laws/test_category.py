"""The axioms of a category with finite products, of random expressions over random signatures."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from learningdiagrams.theory import Presentation, drop, identity, proj
from learningdiagrams.theory.morphisms import mark
from learningdiagrams.theory.terms import from_terms, unmarked
from learningdiagrams.theory.witnesses import FiniteModel

from ..strategies import models, morphisms, objects, presentations


@st.composite
def composable(draw, count):
    """A chain of so many expressions, each starting where the one before ended."""
    P = draw(presentations())
    here = draw(objects(P))
    chain = []
    for _ in range(count):
        chain.append(draw(morphisms(here)))
        here = chain[-1].cod
    return chain


@st.composite
def parallel_sources(draw, count):
    """So many expressions out of one object."""
    P = draw(presentations())
    dom = draw(objects(P))
    return [draw(morphisms(dom)) for _ in range(count)]


@given(composable(3))
def test_composition_is_associative(chain):
    f, g, h = chain
    assert (f >> g) >> h == f >> (g >> h)
    assert hash((f >> g) >> h) == hash(f >> (g >> h))


@given(composable(1))
def test_identities_are_neutral(chain):
    (f,) = chain
    assert identity(f.dom) >> f == f == f >> identity(f.cod)


@given(parallel_sources(2))
def test_pairing_is_the_one_map_with_these_projections(sides):
    f, g = sides
    both = f & g
    n, m = len(f.cod.factors), len(g.cod.factors)
    outputs = [both >> proj(both.cod, i) for i in range(n + m)]
    assert outputs[:n] == [f >> proj(f.cod, i) for i in range(n)]
    assert outputs[n:] == [g >> proj(g.cod, i) for i in range(m)]


@given(composable(1))
def test_a_map_into_a_product_is_the_pairing_of_its_projections(chain):
    (f,) = chain
    rebuilt = drop(f.dom)
    for i in range(len(f.cod.factors)):
        rebuilt = rebuilt & (f >> proj(f.cod, i))
    assert rebuilt == f


@given(parallel_sources(2), st.data())
def test_composing_before_a_pairing_goes_into_it(sides, data):
    f, g = sides
    before = data.draw(morphisms(f.dom))
    after = data.draw(morphisms(before.cod))
    assert before >> (after & after) == (before >> after) & (before >> after)
    assert before >> drop(before.cod) == drop(before.dom)
    assert (f >> drop(f.cod)) == (g >> drop(g.cod))


@given(composable(2), composable(2))
def test_the_product_of_maps_is_a_functor(first, second):
    f, g = first
    assert (f @ f) >> (g @ g) == (f >> g) @ (f >> g)
    assert identity(f.dom) @ identity(f.dom) == identity(f.dom * f.dom)
    h, _ = second
    assert h @ h == (_first(h) >> h) & (_second(h) >> h)


def _first(h):
    return _part(h.dom * h.dom, 0, len(h.dom.factors))


def _second(h):
    return _part(h.dom * h.dom, len(h.dom.factors), 2 * len(h.dom.factors))


def _part(obj, start, end):
    made = drop(obj)
    for i in range(start, end):
        made = made & proj(obj, i)
    return made


@given(composable(1))
def test_what_is_written_from_a_normal_form_has_that_normal_form(chain):
    (f,) = chain
    written = from_terms(f.dom, f.cod, f.terms)
    assert written == f
    # The writer notes normal forms that it knows; evaluated afresh, the expression has the same one.
    fresh = _again(written)
    assert fresh.terms == f.terms


def _again(morphism):
    """The same expression, built anew from its parts, so that nothing is remembered."""
    match morphism.op:
        case "compose":
            return _again(morphism.parts[0]) >> _again(morphism.parts[1])
        case "pair":
            return _again(morphism.parts[0]) & _again(morphism.parts[1])
        case "parallel":
            return _again(morphism.parts[0]) @ _again(morphism.parts[1])
        case "mark":
            return mark(morphism.parts[0], _again(morphism.parts[1]))
        case "project":
            return proj(morphism.dom, morphism.parts[0])
    return morphism


@given(composable(2))
def test_forgetting_marks_is_a_functor(chain):
    f, g = chain
    assert unmarked(mark("stop", f) >> g) == f >> g
    assert unmarked(f >> mark("stop", g)) == f >> g


@given(st.data())
def test_equal_expressions_have_one_value_in_every_model(data):
    P = data.draw(presentations())
    dom = data.draw(objects(P, 2))
    f = data.draw(morphisms(dom))
    g = data.draw(morphisms(f.cod))
    sets, tables = data.draw(models(P))
    model = FiniteModel(P, f, f, sets, tables, ())
    point = tuple(data.draw(st.integers(0, sets[sort.name] - 1)) for sort in dom.factors)
    assert model.value(f >> g, point) == model.value(g, model.value(f, point))
    assert model.value(f & f, point) == model.value(f, point) * 2


def test_expressions_are_not_mistaken_for_each_other():
    P = Presentation("Two")
    A, B = P.objects("A", "B")
    f, g = P.morphism("f", A, B), P.morphism("g", A, B)
    assert f != g
    assert f & g != g & f
    assert len({f, g, identity(A) >> f}) == 2
