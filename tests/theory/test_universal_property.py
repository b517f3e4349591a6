"""Functors out of a colimit are cocones: mediating functors, pasting, colimits of colimits."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from learningdiagrams.theory import (
    Functor,
    NotDecided,
    Presentation,
    TheoryError,
    coequalizer,
    coproduct,
    identity,
    proj,
    pushout,
)
from tests.theory.spans import extension, free_loop, loop, point, power, presentation, spans


class TestMediate:
    def test_disagreement_is_no_cocone(self):
        R, P, Q, Z = free_loop(), loop("P", "t"), loop("Q", "u"), loop("Z", "z", (5, 0))
        po = pushout(Functor(R, P, {"X": "X"}, {"l": "t"}), Functor(R, Q, {"X": "X"}, {"l": power(Q, 2)}))
        H = Functor(P, Z, {"X": "X"}, {"t": power(Z, 4)})
        K = Functor(Q, Z, {"X": "X"}, {"u": power(Z, 2)})
        M = po.mediate(H, K)
        assert M.failures() == [] and (po.legs[0] >> M).equals(H) and (po.legs[1] >> M).equals(K)
        assert po.mediate(H, Functor(Q, Z, {"X": "X"}, {"u": power(Z, 7)})).equals(M)
        with pytest.raises(TheoryError) as error:
            po.mediate(H, Functor(Q, Z, {"X": "X"}, {"u": "z"}))
        assert str(error.value) == (
            "the functors are no cocone: in Loop, `l`: Z refutes that its images are equal: `z >> z >> z >> z = z >> z`"
        )

    def test_disagreement_on_objects(self):
        R, P = point(), point("P")
        Z = Presentation("Z")
        A, B = Z.objects("A", "B")
        po = pushout(Functor(R, P, {"X": "X"}, {}), Functor(R, P, {"X": "X"}, {}))
        with pytest.raises(TheoryError, match=r"no cocone: in Point, `X` is sent to A and to B"):
            po.mediate(Functor(P, Z, {"X": A}, {}), Functor(P, Z, {"X": B}, {}))

    def test_what_cannot_be_told_is_not_decided(self):
        R, P, Q, Z = free_loop(), loop("P", "t"), loop("Q", "u"), Presentation("B3")
        (X,) = Z.objects("X")
        a, b = Z.morphism("a", X, X), Z.morphism("b", X, X)
        Z.law(a >> b >> a, b >> a >> b, name="braid")
        po = pushout(Functor(R, P, {"X": "X"}, {"l": "t"}), Functor(R, Q, {"X": "X"}, {"l": "u"}))
        H = Functor(P, Z, {"X": X}, {"t": a >> b >> a >> b})
        K = Functor(Q, Z, {"X": X}, {"u": b >> a >> a >> b})
        with pytest.raises(NotDecided, match="whether the functors are a cocone: in Loop, `l`: whether B3 proves"):
            po.mediate(H, K, max_seconds=0.0)
        order = loop("Z2", "s", (2, 0))
        one = coproduct(order)
        with pytest.raises(NotDecided, match="may be no functor"):
            one.mediate(Functor(order, Z, {"X": X}, {"s": a >> b >> b >> a}), max_seconds=0.0)

    def test_no_functors_make_no_cocone(self):
        P, Q = loop("P", "t", (2, 0)), loop("Q", "u", (3, 0))
        with pytest.raises(TheoryError, match="mediate: <Functor P -> Q> is no functor: law `law0`"):
            coproduct(P).mediate(Functor(P, Q, {"X": "X"}, {"t": "u"}))

    def test_wrong_functors_are_told(self):
        P, Q = loop("P", "t"), loop("Q", "u")
        both = coproduct(P, Q)
        with pytest.raises(TheoryError, match="one functor for each leg, 2 in all, but 1 were given"):
            both.mediate(Functor.identity(P))
        with pytest.raises(TheoryError, match=r"a functor out of P is wanted for the leg <Functor P -> P \+ Q>"):
            both.mediate(Functor.identity(Q), Functor.identity(Q))
        with pytest.raises(TheoryError, match="all functors end at one presentation, but <Functor Q -> Q> not at P"):
            both.mediate(Functor.identity(P), Functor.identity(Q))

    def test_an_apex_that_grew(self):
        P = loop("P", "t")
        both = coproduct(P, P)
        both.apex.morphism("new", both.apex.sorts["X"], both.apex.sorts["X_2"])
        with pytest.raises(TheoryError, match=r"mediate: P \+ P has grown by `new` since it was glued"):
            both.mediate(Functor.identity(P), Functor.identity(P))

    def test_the_target_may_have_products(self):
        R, P = point(), loop("P", "t")
        Z = Presentation("Z")
        A, B = Z.objects("A", "B")
        swap = proj(A * A, 1) & proj(A * A, 0)
        po = pushout(*[Functor(R, P, {"X": "X"}, {})] * 2)
        M = po.mediate(*(Functor(P, Z, {"X": A * A}, {"t": m}) for m in (swap, identity(A * A))))
        assert M(po.legs[0](P.generators["t"])) == swap and M(po.legs[1](P.generators["t"])) == identity(A * A)
        with pytest.raises(TheoryError, match=r"no cocone: in Point, `X` is sent to A \* A and to B"):
            po.mediate(Functor(P, Z, {"X": A * A}, {"t": swap}), Functor(P, Z, {"X": B}, {"t": identity(B)}))


# The universal property, by counting: functors from the apex to a finite category are the cocones into it.

MONOIDS = {
    "Z2": ("e s", "e s / s e"),
    "Z3": ("e s t", "e s t / s t e / t e s"),
    "idempotent": ("e i", "e i / i i"),
    "left zeros": ("e a b", "e a b / a a a / b b b"),
}


def monoid(name: str):
    """The presentation of a finite monoid by its whole table, and the table."""
    elements, table = MONOIDS[name][0].split(), [row.split() for row in MONOIDS[name][1].split("/")]
    Z = Presentation(name)
    (X,) = Z.objects("X")
    value = {"e": identity(X)} | {x: Z.morphism(x, X, X) for x in elements[1:]}
    times = {(x, y): table[i][j] for i, x in enumerate(elements) for j, y in enumerate(elements)}
    for (x, y), xy in times.items():
        if "e" not in (x, y):
            Z.law(value[x] >> value[y], value[xy])
    return Z, elements, times, value


def evaluate(morphism, assignment, times) -> str:
    """The value of a path in a monoid."""
    made = "e"
    for step in _path(morphism):
        made = times[made, assignment[step]]
    return made


def _path(morphism) -> list[str]:
    if morphism.op == "compose":
        return [*_path(morphism.parts[0]), *_path(morphism.parts[1])]
    return [] if morphism.op == "identity" else [morphism.name]


def assignments(P: Presentation, elements, times):
    """All functors from P to the monoid, as tables; by brute force and without the theory's own engine."""
    for values in product(elements, repeat=len(P.generators)):
        assignment = dict(zip(P.generators, values, strict=True))
        if all(
            evaluate(law.left, assignment, times) == evaluate(law.right, assignment, times) for law in P.laws.values()
        ):
            yield assignment


@settings(max_examples=60)
@given(span=spans(), name=st.sampled_from(list(MONOIDS)))
def test_functors_out_of_a_pushout_are_cocones(span, name):
    Z, elements, times, value = monoid(name)
    F, G = span
    po = pushout(F, G)

    def functor(P, assignment):
        return Functor(P, Z, dict.fromkeys(P.sorts, "X"), {key: value[x] for key, x in assignment.items()})

    lefts, rights = (list(assignments(it.cod, elements, times)) for it in (F, G))
    cocones = 0
    for left, right in product(lefts[:12], rights[:12]):
        agree = all(
            evaluate(F.morphisms[r], left, times) == evaluate(G.morphisms[r], right, times) for r in F.dom.generators
        )
        cocones += agree
        H, K = functor(F.cod, left), functor(G.cod, right)
        if agree:
            M = po.mediate(H, K)
            assert M.failures() == []
            assert (po.legs[0] >> M).equals(H) and (po.legs[1] >> M).equals(K)
        else:
            with pytest.raises(TheoryError, match="no cocone"):
                po.mediate(H, K)
    if len(lefts) <= 12 and len(rights) <= 12:
        assert cocones == sum(1 for _ in assignments(po.apex, elements, times))


@given(span=spans())
def test_legs_commute_and_are_functors(span):
    F, G = span
    po = pushout(F, G)
    assert po.legs[0].failures() == po.legs[1].failures() == []
    assert (F >> po.legs[0]).equals(G >> po.legs[1]) is True
    assert po.mediate(*po.legs).equals(Functor.identity(po.apex)) is True


@given(span=spans())
def test_pushout_is_symmetric(span):
    F, G = span
    one, other = pushout(F, G), pushout(G, F)
    forth, back = one.mediate(other.legs[1], other.legs[0]), other.mediate(one.legs[1], one.legs[0])
    assert (forth >> back).equals(Functor.identity(one.apex)) is True
    assert (back >> forth).equals(Functor.identity(other.apex)) is True


def without_laws(P: Presentation) -> Functor:
    free = Presentation(P.name)
    free.objects(*P.sorts)
    for name, it in P.generators.items():
        free.morphism(name, free.sorts[it.dom.name], free.sorts[it.cod.name])
    return Functor.inclusion(P, free)


@given(data=st.data())
def test_pushouts_paste(data):
    """R → P, R → Q → S: pushing out twice is pushing out along the composite."""
    F, G = data.draw(spans())
    G = G >> without_laws(G.cod)  # a functor out of Q would have to respect its laws
    H = data.draw(st.composite(extension)(G.cod, "S"))
    first = pushout(F, G)
    second = pushout(first.legs[1], H)
    whole = pushout(F, G >> H)
    forth = whole.mediate(first.legs[0] >> second.legs[0], second.legs[1])
    back = second.mediate(first.mediate(whole.legs[0], H >> whole.legs[1]), whole.legs[1])
    assert (forth >> back).equals(Functor.identity(whole.apex)) is True
    assert (back >> forth).equals(Functor.identity(second.apex)) is True


@given(span=spans(legs=3))
def test_colimits_of_colimits(span):
    """Three parts glued at once, or two of them first and then the third."""
    F, G, H = span
    at_once = pushout(F, G, H)
    first = pushout(F, G)
    then = pushout(F >> first.legs[0], H)
    forth = at_once.mediate(first.legs[0] >> then.legs[0], first.legs[1] >> then.legs[0], then.legs[1])
    back = then.mediate(first.mediate(*at_once.legs[:2]), at_once.legs[2])
    assert (forth >> back).equals(Functor.identity(at_once.apex)) is True
    assert (back >> forth).equals(Functor.identity(then.apex)) is True


@given(span=spans())
def test_a_pushout_is_a_coequalizer_of_a_coproduct(span):
    F, G = span
    po, both = pushout(F, G), coproduct(F.cod, G.cod)
    made = coequalizer(F >> both.legs[0], G >> both.legs[1])
    forth = po.mediate(both.legs[0] >> made.legs[0], both.legs[1] >> made.legs[0])
    back = made.mediate(both.mediate(*po.legs))
    assert (forth >> back).equals(Functor.identity(po.apex)) is True
    assert (back >> forth).equals(Functor.identity(made.apex)) is True


@given(data=st.data())
def test_coproducts_count(data):
    P, Q = (data.draw(st.composite(presentation)(name)) for name in "PQ")
    both = coproduct(P, Q).apex
    assert len(both.sorts) == len(P.sorts) + len(Q.sorts)
    assert len(both.generators) == len(P.generators) + len(Q.generators)
