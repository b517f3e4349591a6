"""The interface of the theory: functors, natural transformations, colimits."""

from __future__ import annotations

import pytest

from learningdiagrams.theory import (
    Functor,
    NaturalTransformation,
    NotDecided,
    Presentation,
    Refuted,
    TheoryError,
    coequalizer,
    colimit,
    coproduct,
    drop,
    identity,
    initial,
    proj,
    pushout,
)
from tests.theory.standard import holds, lattice, monoid, word


def retraction():
    P = Presentation("Retraction")
    A, B = P.objects("A", "B")
    s, r = P.morphism("s", A, B), P.morphism("r", B, A)
    P.law(s >> r, identity(A), name="retraction")
    return P, A, B, s, r


# Functors and natural transformations -------------------------------------------------------------------------


def test_functors_by_name_or_by_value():
    """Keys and values go by name or by value; a functor is applied to objects and morphisms, and composes."""
    P, A, B, s, r = retraction()
    Q = monoid("e", [("ee", "")])
    X, e = Q["X"], Q["e"]
    F = Functor(P, Q, objects={"A": "X", B: X}, morphisms={s: e, "r": "e"})
    assert F.failures() == []
    assert (F(s >> r), F("s"), F("A"), F(A * B), F(P.unit)) == (e >> e, e, X, X * X, Q.unit)
    G = Functor(Q, Q, objects={"X": X * X}, morphisms={"e": e @ e})
    assert G.failures() == []
    assert (F >> G)(s) == e @ e
    assert (F >> G)(proj(A * B, 1)).cod is X * X
    to_unit = Functor(P, Q, {"A": Q.unit, "B": Q.unit}, {"s": identity(Q.unit), "r": identity(Q.unit)})
    assert to_unit.failures() == []
    assert to_unit(r @ s) == identity(Q.unit)


def test_every_failure_of_a_functor_is_told():
    """Kinds "domain", "codomain", "law", "undecided"; laws that mention an ill-typed image are not judged."""
    P, _, B, s, r = retraction()
    P.law(r >> s, identity(B), name="inverse")
    Q = monoid("ef", [("ef", "")])
    X, e, f = Q["X"], Q["e"], Q["f"]
    (failure,) = Functor(P, Q, {"A": X, "B": X}, {"s": e, "r": f}).failures()
    assert (failure.kind, failure.what, failure.left, failure.right) == ("law", "inverse", f >> e, identity(X))
    assert "law `inverse`: Monoid refutes its image" in str(failure)
    assert isinstance(failure.verdict, Refuted)
    failure.verdict.witness.check()
    ill = Functor(P, Q, {"A": X, "B": X}, {"s": drop(X), "r": drop(X) >> drop(Q.unit)}).failures()
    assert [(it.kind, it.what) for it in ill] == [("codomain", "s"), ("codomain", "r")]
    both = Functor(P, Q, {"A": X * X, "B": X}, {"s": e, "r": e}).failures()
    assert [(it.kind, it.what) for it in both] == [("domain", "s"), ("codomain", "r")]


def test_an_undecided_law_is_a_failure_of_its_own_kind():
    """What the codomain does not decide in time is "undecided", with what was spent."""
    L = lattice()
    meet, join = L["meet"], L["join"]
    x, y, z = (proj(L["L"] * L["L"] * L["L"], i) for i in range(3))
    P = Presentation("Claim")
    A, B = P.objects("A", "B")
    f, g = P.morphism("f", A, B), P.morphism("g", A, B)
    P.law(f, g, name="distributive")
    images = {"f": (x & (y & z) >> join) >> meet, "g": ((x & y) >> meet & (x & z) >> meet) >> join}
    F = Functor(P, L, {"A": L["L"] * L["L"] * L["L"], "B": "L"}, images)
    (failure,) = F.failures(max_seconds=0)
    assert (failure.kind, failure.what) == ("undecided", "distributive")
    (failure,) = F.failures()
    assert failure.kind == "law"


@pytest.mark.parametrize(
    ("objects", "morphisms", "message"),
    [
        ({"A": "X"}, {"s": "e", "r": "e"}, "objects= has nothing for `B`"),
        ({"A": "X", "B": "X"}, {"s": "e"}, "morphisms= has nothing for `r`"),
        ({"A": "X", "B": "X", "C": "X"}, {"s": "e", "r": "e"}, "objects= names `C`, which is no object of Retraction"),
        ({"A": "X", "B": "X"}, {"s": "e", "r": "e", "q": "e"}, "morphisms= names `q`, which is no generator"),
        ({"A": "X", "B": "X"}, {"s": "e", "r": "q"}, "there is no `q` in Monoid"),
        ({"A": "X", "B": "e"}, {"s": "e", "r": "e"}, "`e` is a morphism of Monoid, not an object"),
        ({"A": "X", "B": "X"}, {"s": "e", "r": "X"}, "X is an object of Monoid, not a morphism"),
        (None, {}, "objects= is None"),
    ],
)
def test_tables_with_keys_missing_or_unknown_raise_at_the_call(objects, morphisms, message):
    """A table that is none is an error at once."""
    with pytest.raises(TheoryError, match=message):
        Functor(retraction()[0], monoid("e", []), objects, morphisms)


def test_natural_transformations():
    """Components by name or value; kinds "domain", "codomain", "naturality" and "undecided"."""
    P, A, B, *_ = retraction()
    Q = monoid("ef", [("ef", "fe"), ("ee", "e")])
    X, e, f = Q["X"], Q["e"], Q["f"]
    one = {"A": X, "B": X}
    F, G = Functor(P, Q, one, {"s": e, "r": e}), Functor(P, Q, one, {"s": identity(X), "r": identity(X)})
    assert NaturalTransformation(F, F, components={"A": f, "B": "f"}).failures() == []
    (failure,) = NaturalTransformation(G, G, {A: f, B: e}).failures()[:1]
    assert (failure.kind, failure.what) == ("naturality", "s")
    assert isinstance(failure.verdict, Refuted)
    failure.verdict.witness.check()
    ends = NaturalTransformation(F, G, {"A": drop(X), "B": drop(X) >> drop(Q.unit)}).failures()
    assert [(it.kind, it.what) for it in ends] == [("codomain", "A"), ("codomain", "B")]
    starts = NaturalTransformation(F, G, {"A": proj(X * X, 0), "B": e}).failures()
    assert ("domain", "A") in [(it.kind, it.what) for it in starts]
    with pytest.raises(TheoryError, match="components= has nothing for `B`"):
        NaturalTransformation(F, G, {"A": e})


# Colimits -----------------------------------------------------------------------------------------------------


def test_pushouts_have_an_apex_legs_and_mediate():
    """F : R → P, G : R → Q: an apex, two legs that agree on R, and the functor that a cocone gives."""
    R = Presentation("R")
    X, Y = R.objects("X", "Y")
    x = R.morphism("x", X, Y)
    P, A, B, s, _ = retraction()
    Q = Presentation("Q")
    C, D, E = Q.objects("C", "D", "E")
    g, h = Q.morphism("g", C, D), Q.morphism("h", D, E)
    F, G = Functor(R, P, {"X": A, "Y": B}, {"x": s}), Functor(R, Q, {"X": C, "Y": E}, {"x": g >> h})
    po = pushout(F, G)
    left, right = po.legs
    assert (left.dom, right.dom, left.cod, right.cod) == (P, Q, po.apex, po.apex)
    assert (F >> left)(x) == (G >> right)(x)
    assert all(leg.failures() == [] for leg in po.legs)
    assert po.collapses == []
    Z = monoid("e", [("ee", "")])
    H, K = (
        Functor(P, Z, {"A": "X", "B": "X"}, {"s": "e", "r": "e"}),
        Functor(Q, Z, dict.fromkeys("CDE", "X"), {"g": "e", "h": identity(Z["X"])}),
    )
    made = po.mediate(H, K)
    assert (made.dom, made.cod, made.failures()) == (po.apex, Z, [])
    assert ((left >> made).equals(H), (right >> made).equals(K)) == (True, True)
    broken = Functor(P, Z, {"A": "X", "B": "X"}, {"s": "e", "r": identity(Z["X"])})
    wrong = Functor(Q, Z, dict.fromkeys("CDE", "X"), {"g": "e", "h": "e"})
    for cocone, message in [
        ((H, wrong), "the functors are no cocone: in R, `x`"),
        ((H,), "one functor for each leg, 2 in all, but 1 were given"),
        ((K, H), "a functor out of Retraction is wanted"),
        ((H, 3), "3 is no functor"),
        ((broken, K), "is no functor: law `retraction`"),
    ]:
        with pytest.raises(TheoryError, match=message):
            po.mediate(*cocone)


def test_a_cocone_that_is_not_decided_is_not_accepted():
    """`mediate` raises NotDecided where it cannot tell whether the functors agree."""
    L = lattice()
    L3 = L["L"] * L["L"] * L["L"]
    x, y, z = (proj(L3, i) for i in range(3))
    meet, join = L["meet"], L["join"]
    sides = (x & (y & z) >> join) >> meet, ((x & y) >> meet & (x & z) >> meet) >> join
    P = Presentation("Arrow")
    A, B = P.objects("A", "B")
    P.morphism("f", A, B)
    H, K = (Functor(P, L, {"A": L3, "B": "L"}, {"f": side}) for side in sides)
    po = pushout(Functor.identity(P), Functor.identity(P))
    with pytest.raises(NotDecided, match="whether the functors are a cocone"):
        po.mediate(H, K, max_seconds=0)
    with pytest.raises(TheoryError, match="no cocone"):
        po.mediate(H, K)


def test_what_is_left_of_a_generator_that_is_eliminated_may_define_another():
    """Gluing eliminates until nothing more can go: x is a >> b and d >> e, d an identity, hence e is a >> b."""
    R, P, Q = Presentation("R"), Presentation("P"), Presentation("Q")
    X, Y = R.objects("X", "Y")
    R.morphism("x", X, Y), R.morphism("y", X, X)
    A, B, C = P.objects("A", "B", "C")
    a, b = P.morphism("a", A, C), P.morphism("b", C, B)
    D, E = Q.objects("D", "E")
    d, e = Q.morphism("d", D, D), Q.morphism("e", D, E)
    F = Functor(R, P, {"X": A, "Y": B}, {"x": a >> b, "y": identity(A)})
    po = pushout(F, Functor(R, Q, {"X": D, "Y": E}, {"x": d >> e, "y": d}))
    assert (list(po.apex.generators), list(po.apex.laws)) == (["a", "b"], [])
    assert (str(po.legs[1](e)), po.legs[1](d)) == ("a >> b", identity(po.apex["X"]))
    assert po.mediate(*po.legs) == Functor.identity(po.apex)


def test_coproduct_coequalizer_and_colimit_return_the_same_kind_of_value():
    """One leg for each presentation given, in order; one for a coequalizer; positions may repeat."""
    P = monoid("f", [("ff", "f")])
    F, G, H = (Functor(P, P, {"X": "X"}, {"f": image}) for image in (P["f"], identity(P["X"]), P["f"] >> P["f"]))
    both = coproduct(P, P)
    assert [leg(P["f"]).name for leg in both.legs] == ["f", "f_2"]
    assert [len(it.legs) for it in (coproduct(), coproduct(P), initial(), coequalizer(F, G, H), colimit([]))] == [
        0, 1, 0, 1, 0,
    ]  # fmt: skip
    made = coequalizer(F, G, H)
    assert made.legs[0].dom is P
    assert made.legs[0](P["f"]) == identity(made.apex["X"])
    loop = colimit([P, P, P], [(0, 1, F), (0, 2, H)])
    assert len(loop.legs) == 3
    assert len(loop.apex.sorts) == 1
    assert all(leg.failures() == [] for leg in loop.legs)
    for arrows in ([(0, 5, F)], [(0, -1, F)], [(0, 1)], [(0, "1", F)], [(0, 1, "F")]):
        with pytest.raises(TheoryError, match="colimit: "):
            colimit([P, P], arrows)  # type: ignore[list-item]
    with pytest.raises(TheoryError, match="mediate: without legs the target has to be named"):
        coproduct().mediate()
    assert coproduct().mediate(into=P).cod is P


def test_colimits_refuse_what_they_cannot_glue_along():
    """Functors that send an object to a product, and those with failures, are refused with a reason."""
    P = monoid("f", [("ff", "f")])
    to_square = Functor(P, P, {"X": P["X"] * P["X"]}, {"f": P["f"] @ P["f"]})
    to_unit = Functor(P, P, {"X": P.unit}, {"f": identity(P.unit)})
    for bad in (to_square, to_unit):
        assert bad.failures() == []
        with pytest.raises(TheoryError, match="which is no sort"):
            pushout(bad, bad)
    Q = monoid("g", [])
    broken = Functor(P, Q, {"X": "X"}, {"f": "g"})
    with pytest.raises(TheoryError, match="is no functor: law `law0`"):
        coequalizer(broken, broken)


def test_collapses_are_listed_with_their_proofs():
    """What gluing changed: (leg, left, right, proof) with sides that differ in the part and not in the apex."""
    R = monoid("aAbB", [], "R")
    inverses = [("aA", ""), ("Aa", ""), ("bB", ""), ("Bb", "")]
    P, Q = monoid("aAbB", inverses, "Free"), monoid("aAbB", [*inverses, ("ABab", "")], "Abelian")
    po = pushout(Functor.inclusion(R, P), Functor.inclusion(R, Q))
    ((leg, left, right, proof),) = po.collapses
    assert (leg, left, right) == (po.legs[0], word(P, "ab"), word(P, "ba"))
    proof.check()
    assert (proof.left, proof.right) == (leg(left), leg(right))
    assert holds(P, left, right) is False
