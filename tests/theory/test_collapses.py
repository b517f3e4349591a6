"""What gluing changed: equations that a part gains."""

from learningdiagrams.theory import (
    Functor,
    Presentation,
    coequalizer,
    pushout,
)
from tests.theory.spans import free_loop, loop, point


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

    def test_generators_that_became_equal_are_found_in_large_parts(self):
        R, P = Presentation("R"), Presentation("P")
        A, B = P.objects("A", "B")
        R.morphism("r", *R.objects("X", "Y"))
        f, g, *_ = [P.morphism(f"f{i}", A, B) for i in range(70)]
        made = coequalizer(*(Functor(R, P, {"X": A, "Y": B}, {"r": m}) for m in (f, g)))
        assert [it[1:3] for it in made.collapses] == [(f, g)]

    def test_conservative_gluing_has_none(self):
        R, P, Q = point(), loop("P", "s", (2, 0)), loop("Q", "e", (2, 1))
        assert pushout(Functor(R, P, {"X": "X"}, {}), Functor(R, Q, {"X": "X"}, {})).collapses == []
