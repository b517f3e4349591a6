"""Laws of gluing and of interpretations, on random diagrams.

Gluing is a colimit: unit, commutativity and associativity hold up to names, which the legs keep track of. Pulling back
is a functor the other way round: along an identity it changes nothing, along a composite it is one after the other.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import learningdiagrams as ld

from ..diagrams import diagrams


@settings(deadline=None, max_examples=25)
@given(diagrams())
def test_the_empty_diagram_is_a_unit(d):
    empty = ld.Diagram("empty")
    for one, two, leg in ((d, empty, 0), (empty, d, 1)):
        g = ld.glue(one, two, name=d.name)
        # Laws that say nothing, or what another one says, are not carried over.
        said: list[set[ld.Morphism]] = []
        for law in d.laws.values():
            new = law.left != law.right and {law.left, law.right} not in said
            assert (law.name in g.diagram.laws) == new
            said.append({law.left, law.right})
        if len(g.diagram.laws) == len(d.laws):
            assert g.diagram == d
        assert all(image.name == name for name, image in g.legs[leg].morphisms.items())


@settings(deadline=None, max_examples=20)
@given(diagrams(), st.data())
def test_legs_agree_on_what_is_shared_and_are_one_to_one_on_the_rest(d, data):
    names = [*d.sorts, *d.generators]
    share = data.draw(st.lists(st.sampled_from(names), unique=True))
    g = ld.glue(d, d, share)
    left, right = g.legs
    for name in share:
        assert left(d[name]) == right(d[name])
    for leg in g.legs:
        assert len(set(leg.objects.values())) == len(d.sorts)
        assert len({image.name for image in leg.morphisms.values()}) == len(d.generators)
    both = {i.name for i in left.morphisms.values()} | {i.name for i in right.morphisms.values()}
    assert both == set(g.diagram.generators)
    swapped = ld.glue(d, d, share)
    assert swapped.diagram == g.diagram  # the same every time


@settings(deadline=None, max_examples=15)
@given(diagrams(), st.data())
def test_gluing_commutes_up_to_the_names_that_the_legs_say(d, data):
    share = data.draw(st.lists(st.sampled_from([*d.sorts, *d.generators]), unique=True))
    one, other = ld.glue(d, d, share), ld.glue(d, d, share)
    # From one whole to the other, with the parts exchanged: well defined on what is shared, and its own inverse.
    for table in ("objects", "morphisms"):
        there: dict[str, str] = {}
        for mine, theirs in zip(one.legs, reversed(other.legs), strict=True):
            for name, image in getattr(mine, table).items():
                assert there.setdefault(str(image), str(getattr(theirs, table)[name])) == str(
                    getattr(theirs, table)[name]
                )
        assert all(there[there[name]] == name for name in there)


CHAIN = """
diagram Chain
object S, A[3], B[4], C[2]
data  x : S -> A
data  y : S -> C
model f : A -> B = mlp(3, 4)
model g : B -> B = linear(4, 4)
model h : B -> C = linear(4, 2)
goal  fit : x >> f >> g >> h = y
"""
TWO = """
diagram Two
object S, A, B, C
data  x : S -> A
data  y : S -> C
model p : A -> B
model q : B -> C
goal  fit : x >> p >> q = y by l1
"""
ONE = """
diagram One
object S, A, C
data  x : S -> A
data  y : S -> C
model r : A -> C
goal  fit : x >> r = y by huber
"""


@pytest.mark.parametrize("backend", ["torch", "jax"])
@pytest.mark.parametrize("p", ["f", "f >> g", "f >> g >> g"])
def test_pulling_back_is_functorial(backend, p):
    one, two, chain = ld.loads(ONE), ld.loads(TWO), ld.loads(CHAIN.replace("x >> f >> g >> h", f"x >> {p} >> h"))
    i, j = ld.interpret(one, two, morphisms={"r": "p >> q"}), ld.interpret(two, chain, morphisms={"p": p, "q": "h"})
    c = chain.compile(backend)
    x = np.linspace(-1, 1, 15).reshape(5, 3).astype("float32")
    batch = {"x": x, "y": np.ones((5, 2), "float32")}
    both = i >> j
    assert isinstance(both, ld.Interpretation)
    at_once, in_turn = both.pull(c), i.pull(j.pull(c))
    for compiled in (at_once, in_turn):
        np.testing.assert_allclose(compiled.apply("r", x), c.apply(f"{p} >> h", x), rtol=1e-5, atol=1e-6)
    assert at_once.evaluate(batch) == pytest.approx(in_turn.evaluate(batch), rel=1e-5)
    same = ld.Interpretation.identity(chain).pull(c)
    assert same.evaluate(batch) == pytest.approx(c.evaluate(batch), rel=1e-6)
    for name, table in c.parameters().items():
        for key, value in table.items():
            assert np.array_equal(np.asarray(value), np.asarray(same.parameters()[name][key]))
