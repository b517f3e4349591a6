"""Colimits of presentations: what they are made of, what they refuse, how large they may be."""

import tracemalloc

import pytest

from learningdiagrams.theory import (
    Functor,
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
from tests.theory.spans import free_loop, loop, point, power
from tests.theory.standard import overlapping


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
        po = pushout(Functor(R, P, {"X": "X"}, {"l": "t"}), Functor(R, Q, {"X": "X"}, {"l": identity(Q.sorts["X"])}))
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
        po = pushout(Functor(R, P, {"M": A}, {"mul": add}), Functor(R, Q, {"M": B}, {"mul": both >> proj(B * B, 1)}))
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
        with pytest.raises(TheoryError, match=r"colimit: \(1, 0, <Functor P -> Q>\): P is wanted at position 1, where"):
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

    def test_what_is_no_functor_and_no_presentation(self):
        P = point()
        with pytest.raises(TheoryError, match=r"pushout: <Presentation Point: .*> is no functor"):
            pushout(P, P)  # type: ignore[arg-type]
        with pytest.raises(TheoryError, match="colimit: 'P' is no presentation"):
            coproduct("P")  # type: ignore[arg-type]


def test_long_chains():
    po = pushout(*overlapping(10_000))
    assert (len(po.apex.sorts), len(po.apex.generators)) == (15_001, 15_000)
    assert po.mediate(*po.legs) == Functor.identity(po.apex)


def test_memory_is_linear():
    peaks = []
    for length in (2_000, 4_000, 8_000):
        functors = overlapping(length)
        tracemalloc.start()
        pushout(*functors)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[2] / peaks[1] < 2.4 and peaks[1] / peaks[0] < 2.4


@pytest.mark.slow
def test_two_presentations_of_a_hundred_thousand_generators():
    functors = overlapping(100_000)
    po = pushout(*functors)
    assert len(po.apex.generators) == 150_000
