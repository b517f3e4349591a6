"""Natural transformations: failures, vertical and horizontal composition, whiskering."""

import pytest

from learningdiagrams.theory import (
    Functor,
    NaturalTransformation,
    Presentation,
    TheoryError,
    Unknown,
    identity,
)


def square() -> tuple[Presentation, Presentation]:
    """An arrow, and the commutative square S → T → V, S → U → V."""
    P, Q = Presentation("Arrow"), Presentation("Square")
    (A, B), (S, T, U, V) = P.objects("A", "B"), Q.objects("S", "T", "U", "V")
    P.morphism("a", A, B)
    f, g, h, k = Q.morphism("f", S, T), Q.morphism("g", U, V), Q.morphism("h", S, U), Q.morphism("k", T, V)
    Q.law(f >> k, h >> g, name="square")
    return P, Q


def functor(P, Q, objects: str, image: str) -> Functor:
    return Functor(P, Q, dict(zip(P.sorts, objects, strict=True)), dict.fromkeys(P.generators, image))


@pytest.fixture
def sides():
    P, Q = square()
    return P, Q, functor(P, Q, "ST", "f"), functor(P, Q, "UV", "g")


def test_components_go_by_name_or_by_value(sides):
    P, Q, F, G = sides
    t = NaturalTransformation(F, G, components={"A": "h", "B": "k"})
    assert t == NaturalTransformation(F, G, components={P["A"]: Q["h"], P["B"]: Q["k"]})
    assert hash(t) == hash(NaturalTransformation(F, G, {P["A"]: Q["h"], "B": "k"}))
    assert t.failures() == []
    assert t("A") is Q["h"] and t(P.sorts["B"]) is Q["k"]
    assert t(P.unit) == identity(Q.unit)
    assert t("A * B") == t("A") @ t("B")
    with pytest.raises(TheoryError, match="there is no `a1` in Arrow"):
        t("a1")
    with pytest.raises(TheoryError, match="component: `a` is a morphism of Arrow, not an object"):
        t("a")
    assert t(P.sorts["A"] * P.sorts["B"]) == t("A") @ t("B")
    assert str(t) == "Arrow -> Square\n  A : h\n  B : k"


def test_every_failure_is_told(sides):
    _P, _Q, F, G = sides
    t = NaturalTransformation(F, G, components={"A": "k", "B": "k"})
    assert [(it.kind, it.what, str(it.left), str(it.right)) for it in t.failures()] == [
        ("domain", "A", "S", "T"),
        ("codomain", "A", "U", "V"),
    ]
    assert str(t.failures()[0]) == (
        "the component at `A` is `k` : T -> V, which starts at T; "
        "it would have to start at S, the image of A under the first functor"
    )
    assert str(t.failures()[1]).endswith("end at U, the image of A under the second functor")


def test_squares_are_judged_by_the_laws():
    P, Q = square()
    other = Q.morphism("other", Q.sorts["S"], Q.sorts["U"])
    t = NaturalTransformation(functor(P, Q, "ST", "f"), functor(P, Q, "UV", "g"), {"A": other, "B": "k"})
    (failure,) = t.failures()
    assert (failure.kind, failure.what) == ("naturality", "a")
    assert (failure.left, failure.right) == (
        Q.generators["f"] >> Q.generators["k"],
        other >> Q.generators["g"],
    )
    assert failure.verdict is not None and failure.verdict.holds is False
    assert str(failure) == "`a`: Square refutes its naturality square `f >> k = other >> g`"


def test_squares_that_are_not_decided_are_told_apart():
    P, Q = Presentation("Loop"), Presentation("B3")
    (A,), (X,) = P.objects("A"), Q.objects("X")
    P.morphism("l", A, A)
    a, b = Q.morphism("a", X, X), Q.morphism("b", X, X)
    Q.law(a >> b >> a, b >> a >> b, name="braid")
    F = Functor(P, Q, {"A": X}, {"l": a})
    t = NaturalTransformation(F, F, {"A": a >> b >> b >> a >> a >> b})
    (failure,) = t.failures(max_seconds=0.0)
    assert failure.kind == "undecided" and isinstance(failure.verdict, Unknown)


def test_squares_of_ill_typed_images_are_not_judged(sides):
    P, Q, F, _ = sides
    broken = functor(P, Q, "UV", "f")
    assert [it.kind for it in broken.failures()] == ["domain", "codomain"]
    assert NaturalTransformation(F, broken, {"A": "h", "B": "k"}).failures() == []


def test_tables_that_are_none_raise_at_the_call(sides):
    P, _Q, F, G = sides
    with pytest.raises(TheoryError, match=r"components= has nothing for `B`; each object of Arrow needs an entry"):
        NaturalTransformation(F, G, {"A": "h"})
    with pytest.raises(TheoryError, match=r"components= names `C`, which is no object of Arrow"):
        NaturalTransformation(F, G, {"A": "h", "B": "k", "C": "k"})
    with pytest.raises(TheoryError, match=r"V is an object of Square, not a morphism"):
        NaturalTransformation(F, G, {"A": "h", "B": "V"})
    with pytest.raises(TheoryError, match="the functors are not parallel"):
        NaturalTransformation(F, Functor.identity(P), {"A": "h", "B": "k"})


@pytest.fixture
def powers():
    """Functors from a loop to itself's third power, Z₃, and the transformations given by its elements."""
    P, Q = Presentation("Loop"), Presentation("Z3")
    (A,), (X,) = P.objects("A"), Q.objects("X")
    P.morphism("l", A, A)
    t = Q.morphism("t", X, X)
    Q.law(t >> t >> t, identity(X))
    F = Functor(P, Q, {"A": X}, {"l": t})
    return F, [NaturalTransformation(F, F, {"A": element}) for element in (identity(X), t, t >> t)]


def test_vertical_composition_is_that_of_a_category(powers):
    F, elements = powers
    one = NaturalTransformation.identity(F)
    for s in elements:
        assert s.failures() == [] and one >> s == s == s >> one
        for t in elements:
            for u in elements:
                assert (s >> t) >> u == s >> (t >> u)
    assert (elements[1] >> elements[2]).equals(elements[0]) is True
    assert elements[1].equals(elements[2]) is False
    assert [it.kind for it in elements[1].differences(elements[2])] == ["component"]


def test_composites_need_the_same_middle(sides):
    _, _, F, G = sides
    t = NaturalTransformation(F, G, {"A": "h", "B": "k"})
    with pytest.raises(TheoryError, match="the middle functors differ"):
        t >> t  # type: ignore[reportUnusedExpression]
    with pytest.raises(TheoryError, match="not between the same functors"):
        t.equals(NaturalTransformation.identity(F))


def test_whiskering_and_interchange(sides):
    """(s >> t) beside (u >> v) is (s beside u) >> (t beside v), up to the laws."""
    _P, Q, F, G = sides
    Z = Presentation("Z")
    (X,) = Z.objects("X")
    x, y = Z.morphism("x", X, X), Z.morphism("y", X, X)
    Z.law(x >> y, y >> x, name="commute")
    to_x, to_y = (Functor(Q, Z, dict.fromkeys(Q.sorts, X), dict.fromkeys(Q.generators, m)) for m in (x, y))
    u = NaturalTransformation(to_x, to_x, dict.fromkeys(Q.sorts, y))
    v = NaturalTransformation(to_x, to_x, dict.fromkeys(Q.sorts, x >> y))
    assert u.failures() == v.failures() == to_x.failures() == to_y.failures() == []
    s = NaturalTransformation(F, G, {"A": "h", "B": "k"})
    assert (F >> u).failures() == [] and (F >> u).source == F >> to_x
    assert (s >> to_x).failures() == [] and (s >> to_x)("A") == x
    t = NaturalTransformation.identity(G)
    left = (s >> t).beside(u >> v)
    right = s.beside(u) >> t.beside(v)
    assert left.failures() == right.failures() == []
    assert left.equals(right) is True
    # The two ways to write a horizontal composite are equal by naturality of the second factor.
    assert s.beside(u).equals((F >> u) >> (s >> to_x)) is True


def test_a_model_turns_transformations_into_homomorphisms(sides):
    """A functor to sets sends t : F ⇒ G to a map from the model along F to the model along G."""
    from learningdiagrams.theory import CSet, Homomorphism

    P, Q, F, G = sides
    t = NaturalTransformation(F, G, {"A": "h", "B": "k"})
    model = CSet(Q, {"S": 2, "T": 2, "U": 1, "V": 1}, {"f": [1, 0], "g": [0], "h": [0, 0], "k": [0, 0]})
    assert model.failures() == []
    h = Homomorphism(F.pull(model), G.pull(model), {name: model(t(name)) for name in P.sorts})
    assert h.failures() == []
