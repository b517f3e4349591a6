"""Colimits of presentations: what they are made of, their universal property, what they refuse."""

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
    colimit,
    coproduct,
    drop,
    identity,
    initial,
    proj,
    pushout,
)
from tests.theory.spans import extension, presentation, spans


def point(name: str = "Point") -> Presentation:
    P = Presentation(name)
    P.objects("X")
    return P


def loop(name: str, generator: str, *laws) -> Presentation:
    """One object with one loop, and laws t^m = t^n."""
    P = Presentation(name)
    (X,) = P.objects("X")
    P.morphism(generator, X, X)
    for m, n in laws:
        P.law(power(P, m), power(P, n))
    return P


def power(P: Presentation, exponent: int):
    (X,), (t,) = P.sorts.values(), P.generators.values()
    made = identity(X)
    for _ in range(exponent):
        made = made >> t
    return made


def free_loop() -> Presentation:
    return loop("Loop", "l")


class TestPushout:
    def test_two_arrows_make_a_path(self):
        """The known answer: glued at an end, two arrows are 0 → 1 → 2: three objects, six morphisms."""
        R, P, Q = point(), Presentation("P"), Presentation("Q")
        (A, B), (C, D) = P.objects("A", "B"), Q.objects("C", "D")
        f, g = P.morphism("f", A, B), Q.morphism("g", C, D)
        po = pushout(Functor(R, P, {"X": "B"}, {}), Functor(R, Q, {"X": "C"}, {}))
        assert list(po.apex.sorts) == ["X", "A", "D"] and list(po.apex.generators) == ["f", "g"]
        assert po.apex.name == "P + Q"
        homs = [po.apex.hom(a, b) for a in po.apex.sorts.values() for b in po.apex.sorts.values()]
        assert sum(map(len, homs)) == 6
        assert po.legs[0](f) >> po.legs[1](g) in po.apex.hom(po.apex.sorts["A"], po.apex.sorts["D"])

    def test_names_come_from_the_shared_part_then_from_the_left_then_from_the_right(self):
        R, P, Q = Presentation("R"), Presentation("P"), Presentation("Q")
        (shared,), (a, b), (c, d) = R.objects("Shared"), P.objects("A", "B"), Q.objects("A", "Shared")
        P.law(P.morphism("f", a, b), P.morphism("f_2", a, b), name="law")
        Q.law(Q.morphism("f", c, d), Q.morphism("B", c, d), name="law")
        po = pushout(Functor(R, P, {shared: b}, {}), Functor(R, Q, {shared: d}, {}))
        assert list(po.apex.sorts) == ["Shared", "A", "A_2"]
        assert list(po.apex.generators) == ["f", "f_2", "f_3", "B"]
        assert list(po.apex.laws) == ["law", "law_2"]
        assert {name: str(m) for name, m in po.legs[1].morphisms.items()} == {"f": "f_3", "B": "B"}

    def test_the_same_question_gets_the_same_names(self):
        def once():
            R, P = point(), loop("P", "t", (2, 0))
            both = pushout(Functor(R, P, {"X": "X"}, {}), Functor(R, P, {"X": "X"}, {}))
            return [str(it) for it in (*both.apex.generators.values(), *both.apex.laws.values())]

        assert once() == once() == ["t", "t_2", "law0 : t >> t = id(X)", "law0_2 : t_2 >> t_2 = id(X)"]

    def test_a_generator_is_eliminated_for_a_composite(self):
        R, P, Q = Presentation("R"), Presentation("P"), Presentation("Q")
        (A, B), (X, Y), (C, D, E) = R.objects("A", "B"), P.objects("X", "Y"), Q.objects("C", "D", "E")
        r, f = R.morphism("r", A, B), P.morphism("f", X, Y)
        g, h = Q.morphism("g", C, D), Q.morphism("h", D, E)
        F, G = Functor(R, P, {A: X, B: Y}, {r: f}), Functor(R, Q, {A: C, B: E}, {r: g >> h})
        po = pushout(F, G)
        assert list(po.apex.generators) == ["g", "h"] and not po.apex.laws
        assert str(po.legs[0](f)) == "g >> h" and po.legs[0](f) == po.legs[1](g >> h)
        turned = pushout(G, F)
        assert list(turned.apex.generators) == ["g", "h"]
        assert turned.legs[1](f) == turned.legs[0](g >> h)

    def test_two_composites_make_a_law(self):
        R = Presentation("R")
        A, B = R.objects("A", "B")
        R.morphism("r", A, B)
        functors = []
        for name in ("p", "q"):
            P = Presentation(name)
            C, D, E = P.objects(*(name.upper() + str(i) for i in range(3)))
            image = P.morphism(f"{name}1", C, D) >> P.morphism(f"{name}2", D, E)
            functors.append(Functor(R, P, {A: C, B: E}, {"r": image}))
        po = pushout(*functors)
        assert [str(law) for law in po.apex.laws.values()] == ["r_glued : p1 >> p2 = q1 >> q2"]
        assert po.legs[0](functors[0]("r")) == po.apex.generators["p1"] >> po.apex.generators["p2"]

    def test_a_generator_that_becomes_an_identity_disappears(self):
        R, P = free_loop(), loop("P", "t", (3, 0))
        Q = point("Q")
        po = pushout(
            Functor(R, P, {"X": "X"}, {"l": "t"}), Functor(R, Q, {"X": "X"}, {"l": identity(Q.sorts["X"])})
        )
        assert not po.apex.generators and not po.apex.laws
        assert po.legs[0](P.generators["t"]) == identity(po.apex.sorts["X"])

    def test_several_functors_out_of_one(self):
        R = point()
        parts = [loop(name, name.lower()) for name in "PQS"]
        po = pushout(*(Functor(R, P, {"X": "X"}, {}) for P in parts))
        assert list(po.apex.generators) == ["p", "q", "s"] and len(po.legs) == 3

    def test_shared_laws_are_not_repeated(self):
        R, P, Q = (loop(name, "t", (2, 0)) for name in "RPQ")
        same = {"X": "X"}, {"t": "t"}
        po = pushout(Functor(R, P, *same), Functor(R, Q, *same))
        assert [str(law) for law in po.apex.laws.values()] == ["law0 : t >> t = id(X)"]

    def test_a_law_turned_round_is_the_same_law(self):
        R, P, Q = Presentation("R"), Presentation("P"), Presentation("Q")
        for it in (R, P, Q):
            (X,) = it.objects("X")
            for i in range(50):
                it.morphism(f"m{i}", X, X)
        for i in range(49):
            one, other = (P.generators[f"m{k}"] >> P.generators[f"m{k}"] for k in (i, i + 1))
            P.law(one, other, name=f"p{i}")
            one, other = (Q.generators[f"m{k}"] >> Q.generators[f"m{k}"] for k in (i, i + 1))
            Q.law(other, one, name=f"q{i}")
        po = pushout(Functor.inclusion(R, P), Functor.inclusion(R, Q))
        assert list(po.apex.laws) == [f"p{i}" for i in range(49)]

    def test_laws_that_the_others_prove_are_not_repeated(self):
        R, P, Q = free_loop(), loop("P", "t", (2, 0)), loop("Q", "u", (4, 0), (5, 1))
        po = pushout(Functor(R, P, {"X": "X"}, {"l": "t"}), Functor(R, Q, {"X": "X"}, {"l": "u"}))
        assert [str(law) for law in po.apex.laws.values()] == ["law0 : l >> l = id(X)"]
        assert po.legs[1].failures() == []

    def test_products_and_constants_are_glued_too(self):
        R, P, Q = (Presentation(name) for name in "RPQ")
        (M,), (A,), (B,) = R.objects("M"), P.objects("A"), Q.objects("B")
        R.morphism("mul", M * M, M)
        add = P.morphism("add", A * A, A)
        P.morphism("zero", P.unit, A)
        both = Q.morphism("both", B * B, B * B)
        po = pushout(
            Functor(R, P, {"M": A}, {"mul": add}), Functor(R, Q, {"M": B}, {"mul": both >> proj(B * B, 1)})
        )
        assert list(po.apex.generators) == ["zero", "both"]
        M = po.apex.sorts["M"]
        assert po.legs[0](add) == po.apex.generators["both"] >> proj(M * M, 1)

    def test_functors_out_of_different_presentations_are_refused(self):
        P = free_loop()
        with pytest.raises(TheoryError, match="pushout: all functors start at one presentation"):
            pushout(Functor.identity(P), Functor.identity(free_loop()))


class TestElimination:
    """The occurs check: no generator is eliminated for an expression that comes to contain it."""

    def test_a_generator_in_its_own_image_stays(self):
        R = free_loop()
        P, Q = loop("P", "t"), loop("Q", "u")
        po = pushout(
            Functor(R, P, {"X": "X"}, {"l": "t"}),
            Functor(R, Q, {"X": "X"}, {"l": power(Q, 2)}),
        )
        assert list(po.apex.generators) == ["u"]
        # The coequalizer of t ↦ t and t ↦ t² is one loop with t = t².
        ends = [Functor(R, P, {"X": "X"}, {"l": power(P, n)}) for n in (1, 2)]
        made = coequalizer(*ends)
        assert [str(law) for law in made.apex.laws.values()] == ["l_glued : l = l >> l"]
        assert list(made.apex.generators) == ["l"]

    def test_a_circle_of_definitions_is_cut_once(self):
        """a = b >> b and b = a >> a: one of the two goes, the other keeps an equation of its own."""
        R, P = Presentation("R"), Presentation("P")
        (X,), (Y,) = R.objects("X"), P.objects("Y")
        R.morphism("a", X, X)
        R.morphism("b", X, X)
        a, b = P.morphism("a", Y, Y), P.morphism("b", Y, Y)
        made = coequalizer(
            Functor(R, P, {"X": Y}, {"a": a, "b": b}), Functor(R, P, {"X": Y}, {"a": b >> b, "b": a >> a})
        )
        assert list(made.apex.generators) == ["b"]
        assert [str(law) for law in made.apex.laws.values()] == ["b_glued : b = b >> b >> b >> b"]
        assert made.legs[0](a) == made.apex.generators["b"] >> made.apex.generators["b"]

    def test_a_longer_circle_through_substitution(self):
        R, P = Presentation("R"), Presentation("P")
        names = "abcd"
        (X,), (Y,) = R.objects("X"), P.objects("Y")
        images = {}
        for name in names:
            R.morphism(name, X, X)
            images[name] = P.morphism(name, Y, Y)
        k = P.morphism("k", Y, Y)
        cyclic = {name: images[names[(i + 1) % 4]] >> k for i, name in enumerate(names)}
        made = coequalizer(Functor(R, P, {"X": Y}, images), Functor(R, P, {"X": Y}, cyclic))
        assert len(made.apex.generators) == 2
        assert len(made.apex.laws) == 1
        for name in names:
            assert made.apex.prove(made.legs[0](images[name]), made.legs[0](cyclic[name])).holds

    def test_a_generator_that_only_seems_to_occur_is_eliminated(self):
        R, P = Presentation("R"), Presentation("P")
        (X,), (Y,) = R.objects("X"), P.objects("Y")
        R.morphism("a", X, X)
        a, b = P.morphism("a", Y, Y), P.morphism("b", Y, Y)
        made = coequalizer(
            Functor(R, P, {"X": Y}, {"a": a}),
            Functor(R, P, {"X": Y}, {"a": (a & b) >> proj(Y * Y, 1) >> b}),
        )
        assert list(made.apex.generators) == ["b"] and not made.apex.laws
        assert made.legs[0](a) == made.apex.generators["b"] >> made.apex.generators["b"]

    def test_an_expression_that_is_a_generator_in_disguise_is_identified(self):
        R, P, Q = free_loop(), loop("P", "t"), loop("Q", "u")
        (X,) = Q.sorts.values()
        disguised = (Q.generators["u"] & identity(X)) >> proj(X * X, 0)
        po = pushout(Functor(R, P, {"X": "X"}, {"l": "t"}), Functor(R, Q, {"X": "X"}, {"l": disguised}))
        assert list(po.apex.generators) == ["l"] and not po.apex.laws

    def test_deep_chains_of_definitions(self):
        """Each generator is the square of the next: ten thousand definitions deep, and shared in memory."""
        R, P = Presentation("R"), Presentation("P")
        (X,), (Y,) = R.objects("X"), P.objects("Y")
        depth = 10_000
        images = {}
        for i in range(depth):
            R.morphism(f"a{i}", X, X)
            images[f"a{i}"] = P.morphism(f"a{i}", Y, Y)
        last = P.morphism("last", Y, Y)
        squares = {
            f"a{i}": (images[f"a{i + 1}"] if i + 1 < depth else last)
            >> (images[f"a{i + 1}"] if i + 1 < depth else last)
            for i in range(depth)
        }
        made = coequalizer(Functor(R, P, {"X": Y}, images), Functor(R, P, {"X": Y}, squares))
        assert list(made.apex.generators) == ["last"] and not made.apex.laws

    def test_maps_to_one_are_all_equal(self):
        R, P = Presentation("R"), Presentation("P")
        (X,), (Y,) = R.objects("X"), P.objects("Y")
        R.morphism("a", X, R.unit)
        a = P.morphism("a", Y, P.unit)
        made = coequalizer(Functor(R, P, {"X": Y}, {"a": a}), Functor(R, P, {"X": Y}, {"a": drop(Y)}))
        assert not made.apex.laws and made.legs[0].failures() == []


class TestOtherShapes:
    def test_coproducts_keep_copies_apart(self):
        P = loop("P", "t", (2, 0))
        both = coproduct(P, P, P)
        assert list(both.apex.sorts) == ["X", "X_2", "X_3"]
        assert list(both.apex.generators) == ["t", "t_2", "t_3"]
        assert list(both.apex.laws) == ["law0", "law0_2", "law0_3"]
        assert [str(leg(P.generators["t"])) for leg in both.legs] == ["t", "t_2", "t_3"]
        assert both.collapses == []

    def test_of_nothing_it_is_initial(self):
        P = loop("P", "t")
        for empty in (initial(), coproduct(), colimit([])):
            assert not empty.apex.sorts and empty.legs == ()
            assert empty.mediate(into=P).failures() == []
            assert empty.mediate(into=P).cod is P
            with pytest.raises(TheoryError, match="without legs the target has to be named"):
                empty.mediate()

    def test_a_coequalizer_of_objects(self):
        P, Q = point(), Presentation("Q")
        A, B = Q.objects("A", "B")
        f = Q.morphism("f", A, B)
        made = coequalizer(Functor(P, Q, {"X": A}, {}), Functor(P, Q, {"X": B}, {}))
        assert len(made.legs) == 1 and made.legs[0].dom is Q
        assert (made.legs[0](f) >> made.legs[0](f)).dom is made.apex.sorts["X"]
        with pytest.raises(TheoryError, match="are not parallel"):
            coequalizer(Functor.identity(P), Functor.identity(Q))

    def test_one_presentation_at_two_positions(self):
        """A zigzag P ← R → P ← R → P glues three copies in a row."""
        R, P = point(), Presentation("P")
        A, B = P.objects("A", "B")
        P.morphism("f", A, B)
        start, end = (Functor(R, P, {"X": it}, {}) for it in (A, B))
        zigzag = colimit([P, R, P, R, P], [(1, 0, end), (1, 2, start), (3, 2, end), (3, 4, start)])
        assert len(zigzag.legs) == 5
        assert list(zigzag.apex.generators) == ["f", "f_2", "f_3"]
        f = P.generators["f"]
        path = zigzag.legs[0](f) >> zigzag.legs[2](f) >> zigzag.legs[4](f)
        assert str(path) == "f >> f_2 >> f_3"

    def test_loops_in_the_shape(self):
        P = Presentation("P")
        (X,) = P.objects("X")
        f, g = P.morphism("f", X, X), P.morphism("g", X, X)
        P.law(f >> f, identity(X), name="twice")
        swap = Functor(P, P, {"X": X}, {"f": g, "g": f})
        assert [it.kind for it in swap.failures()] == ["law"]
        P.law(g >> g, identity(X), name="twice_g")
        assert swap.failures() == []
        made = colimit([P], [(0, 0, swap)])
        assert list(made.apex.generators) == ["f"] and list(made.apex.laws) == ["twice"]

    def test_arrows_have_to_fit_their_positions(self):
        P, Q = point("P"), point("Q")
        F = Functor(P, Q, {"X": "X"}, {})
        with pytest.raises(
            TheoryError, match=r"colimit: \(1, 0, <Functor P -> Q>\): P is wanted at position 1, where"
        ):
            colimit([P, Q], [(1, 0, F)])
        with pytest.raises(TheoryError, match="Q is wanted at position 5, where there is nothing"):
            colimit([P, Q], [(0, 5, F)])


class TestRefusals:
    def test_objects_sent_to_products(self):
        P, Q = point("P"), Presentation("Q")
        A, B = Q.objects("A", "B")
        F = Functor(P, Q, {"X": A * B}, {})
        with pytest.raises(TheoryError, match=r"<Functor P -> Q> sends `X` to A \* B, which is no sort"):
            pushout(F, F)
        with pytest.raises(TheoryError, match="sends `X` to 1, which is no sort"):
            colimit([P, Q], [(0, 1, Functor(P, Q, {"X": "1"}, {}))])

    def test_functors_with_failures(self):
        P, Q = loop("P", "t", (2, 0)), loop("Q", "u", (3, 0))
        F = Functor(P, Q, {"X": "X"}, {"t": "u"})
        with pytest.raises(TheoryError, match="is no functor: law `law0`: Q refutes its image"):
            pushout(F, Functor.identity(P))

    def test_undecided_functors_are_let_pass(self):
        P, Q = loop("P", "t", (2, 0)), Presentation("Q")
        (X,) = Q.objects("X")
        a, b = Q.morphism("a", X, X), Q.morphism("b", X, X)
        Q.law(a >> b >> a, b >> a >> b, name="braid")
        F = Functor(P, Q, {"X": X}, {"t": a >> b >> b >> a})
        assert {it.kind for it in F.failures(max_seconds=0.0)} == {"undecided"}
        po = pushout(F, Functor.identity(P), max_seconds=0.0)
        assert "law0" in po.apex.laws  # the law of P becomes one of the whole


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
            "the functors are no cocone: in Loop, `l`: Z refutes that its images are equal: "
            "`z >> z >> z >> z = z >> z`"
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
        with pytest.raises(
            NotDecided, match="whether the functors are a cocone: in Loop, `l`: whether B3 proves"
        ):
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
        with pytest.raises(
            TheoryError, match=r"a functor out of P is wanted for the leg <Functor P -> P \+ Q>"
        ):
            both.mediate(Functor.identity(Q), Functor.identity(Q))
        with pytest.raises(
            TheoryError, match="all functors end at one presentation, but <Functor Q -> Q> not at P"
        ):
            both.mediate(Functor.identity(P), Functor.identity(Q))

    def test_the_target_may_have_products(self):
        R, P = point(), loop("P", "t")
        Z = Presentation("Z")
        A, B = Z.objects("A", "B")
        swap = proj(A * A, 1) & proj(A * A, 0)
        po = pushout(*[Functor(R, P, {"X": "X"}, {})] * 2)
        M = po.mediate(*(Functor(P, Z, {"X": A * A}, {"t": m}) for m in (swap, identity(A * A))))
        assert M(po.legs[0](P.generators["t"])) == swap and M(po.legs[1](P.generators["t"])) == identity(
            A * A
        )
        with pytest.raises(TheoryError, match=r"no cocone: in Point, `X` is sent to A \* A and to B"):
            po.mediate(Functor(P, Z, {"X": A * A}, {"t": swap}), Functor(P, Z, {"X": B}, {"t": identity(B)}))


class TestCollapses:
    def test_an_involution_and_an_idempotent(self):
        R, P, Q = free_loop(), loop("P", "s", (2, 0)), loop("Q", "e", (2, 1))
        po = pushout(Functor(R, P, {"X": "X"}, {"l": "s"}), Functor(R, Q, {"X": "X"}, {"l": "e"}))
        assert {leg.dom.name for leg, *_ in po.collapses} == {"P", "Q"}
        for leg, left, right, proof in po.collapses:
            assert leg in po.legs
            assert leg.dom.prove(left, right).holds is False
            proof.check()
            assert (proof.left, proof.right) == (leg(left), leg(right))

    def test_consequences_are_not_listed(self):
        R, P, Q = free_loop(), loop("P", "s", (2, 0)), loop("Q", "e", (2, 1))
        po = pushout(Functor(R, P, {"X": "X"}, {"l": "s"}), Functor(R, Q, {"X": "X"}, {"l": "e"}))
        assert len([leg for leg, *_ in po.collapses if leg is po.legs[0]]) == 1

    def test_generators_that_became_equal(self):
        R, P = Presentation("R"), Presentation("P")
        A, B = P.objects("A", "B")
        X, Y = R.objects("X", "Y")
        R.morphism("r", X, Y)
        f, g = P.morphism("f", A, B), P.morphism("g", A, B)
        made = coequalizer(*(Functor(R, P, {"X": A, "Y": B}, {"r": m}) for m in (f, g)))
        ((leg, left, right, proof),) = made.collapses
        assert (leg, left, right) == (made.legs[0], f, g)
        proof.check()

    def test_laws_that_others_brought_are_found_in_large_parts(self):
        """Seventy generators are too many to try their paths; a law of the other part is found."""
        R, P, Q = Presentation("R"), Presentation("P"), Presentation("Q")
        for it in (R, P, Q):
            (X,) = it.objects("X")
            for i in range(70):
                it.morphism(f"m{i}", X, X)
        Q.law(Q.generators["m1"] >> Q.generators["m2"], Q.generators["m3"], name="new")
        po = pushout(Functor.inclusion(R, P), Functor.inclusion(R, Q))
        ((leg, left, right, proof),) = po.collapses
        assert (leg, str(left), str(right)) == (po.legs[0], "m1 >> m2", "m3")
        proof.check()

    def test_conservative_gluing_has_none(self):
        R, P, Q = point(), loop("P", "s", (2, 0)), loop("Q", "e", (2, 1))
        assert pushout(Functor(R, P, {"X": "X"}, {}), Functor(R, Q, {"X": "X"}, {})).collapses == []


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
            evaluate(law.left, assignment, times) == evaluate(law.right, assignment, times)
            for law in P.laws.values()
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
            evaluate(F.morphisms[r], left, times) == evaluate(G.morphisms[r], right, times)
            for r in F.dom.generators
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
    assert po.mediate(*po.legs) == Functor.identity(po.apex)


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


def chain(name: str, length: int) -> Presentation:
    P = Presentation(name)
    objects = P.objects(*(f"{name}{i}" for i in range(length + 1)))
    for i in range(length):
        P.morphism(f"{name}f{i}", objects[i], objects[i + 1])
    return P


def test_large_presentations_are_glued_in_no_time():
    """Half of two chains of 10 000 generators; the work per generator does not depend on their number."""
    R, P, Q = chain("r", 5_000), chain("p", 10_000), chain("q", 10_000)
    functors = (
        Functor(
            R,
            it,
            {f"r{i}": f"{it.name}{i}" for i in range(5_001)},
            {f"rf{i}": f"{it.name}f{i}" for i in range(5_000)},
        )
        for it in (P, Q)
    )
    po = pushout(*functors)
    assert (len(po.apex.sorts), len(po.apex.generators)) == (15_001, 15_000)
    assert po.mediate(*po.legs) == Functor.identity(po.apex)
