"""Finite models: validation, homomorphisms and their search, pulling back."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from learningdiagrams.theory import (
    CSet,
    FiniteModel,
    Functor,
    Homomorphism,
    Presentation,
    TheoryError,
    homomorphisms,
    identity,
    isomorphism,
    proj,
    pushout,
)
from tests.theory.finite_models import GRAPHS, MONOIDS, cycle, cyclic, graph


class TestModels:
    def test_elements_and_tables(self):
        P = Presentation("P")
        A, B = P.objects("A", "B")
        split, f = P.morphism("split", A, B * B), P.morphism("f", B, A)
        X = CSet(P, {A: "ab", "B": 2}, {split: {"a": (0, 1), "b": (1, 1)}, "f": "ba"})
        assert X.failures() == []
        assert X(A) == ("a", "b") and X(P.unit) == ((),)
        assert X(A * B) == (("a", 0), ("a", 1), ("b", 0), ("b", 1))
        assert X(split >> proj(B * B, 1)) == {"a": 1, "b": 1}
        assert X("B") == (0, 1) and X("f") == {0: "b", 1: "a"} and X("A * 1") == ("a", "b")
        assert X(split >> f @ f) == {"a": ("b", "a"), "b": ("a", "a")}
        assert X(f & identity(B)) == {0: ("b", 0), 1: ("a", 1)}
        assert X(identity(P.unit)) == {(): ()}
        assert X.sets == {"A": ("a", "b"), "B": (0, 1)} and X.maps["f"] == {0: "b", 1: "a"}

    def test_constants_in_context(self):
        M, one = MONOIDS.sorts["M"], MONOIDS.generators["one"]
        mul = MONOIDS.generators["mul"]
        assert cyclic(3)(identity(M) @ one >> mul) == {0: 0, 1: 1, 2: 2}
        assert cyclic(3)(one) == {(): 0} and cyclic(3)(one >> (identity(M) & identity(M))) == {(): (0, 0)}

    def test_empty_sets(self):
        empty = graph(0)
        assert empty.failures() == [] and empty(GRAPHS.sorts["E"] * GRAPHS.sorts["V"]) == ()
        assert empty(GRAPHS.generators["src"] & GRAPHS.generators["tgt"]) == {}
        no_unit = CSet(MONOIDS, {"M": 0}, {"mul": {}, "one": {}})
        assert [(it.kind, it.what, it.at) for it in no_unit.failures()] == [("missing", "one", ())]

    def test_deep_morphisms(self):
        P = Presentation("Dynamics")
        (X,) = P.objects("X")
        step = P.morphism("step", X, X)
        deep = identity(X)
        for _ in range(20_000):
            deep = deep >> step
        assert CSet(P, {"X": 3}, {"step": [1, 2, 0]})(deep) == {0: 2, 1: 0, 2: 1}

    def test_every_failure_is_told(self):
        P = Presentation("P")
        A, B = P.objects("A", "B")
        f, g, e = P.morphism("f", A, B), P.morphism("g", A, B), P.morphism("e", B, B)
        P.law(f, g, name="same")
        P.law(e >> e, e, name="idempotent")
        X = CSet(P, {"A": 2, "B": 2}, {"f": {0: 0, 7: 1}, "g": {0: 0, 1: 5}, "e": [1, 0]})
        assert [(it.kind, it.what, it.at, it.left, it.right) for it in X.failures()] == [
            ("missing", "f", 1, 1, None),
            ("extra", "f", 7, 7, 1),
            ("value", "g", 1, 1, 5),
            ("law", "idempotent", 0, 0, 1),
            ("law", "idempotent", 1, 1, 0),
        ]
        assert [str(it) for it in X.failures()] == [
            "model of P: `f` has no value at 1",
            "model of P: `f` has a value at 7, which is not in the set of A",
            "model of P: `g` sends 1 to 5, which is not in the set of B",
            "law `idempotent` fails at 0: `e >> e` gives 0, but `e` gives 1",
            "law `idempotent` fails at 1: `e >> e` gives 1, but `e` gives 0",
        ]

    def test_laws_of_products_are_checked(self):
        assert [cyclic(n).failures() for n in (1, 2, 3)] == [[], [], []]
        wrong = CSet(MONOIDS, {"M": 2}, {"mul": [1, 0, 0, 0], "one": {(): 0}})
        assert {it.what for it in wrong.failures()} == {"associative", "left", "right"}

    @pytest.mark.parametrize(
        ("sets", "maps", "message"),
        [
            ({"V": 1}, {"src": [], "tgt": []}, "model of Graph: sets= has nothing for `E`"),
            (
                {"V": 1, "E": 0, "e": 0},
                {"src": [], "tgt": []},
                "sets= names `e`, which is no object of Graph",
            ),
            (
                {"V": 1, "E": 0},
                {"src": []},
                "maps= has nothing for `tgt`; each generator of Graph needs an entry",
            ),
            ({"V": "aba", "E": 0}, {"src": [], "tgt": []}, "the set of `V` has the element 'a' twice"),
            ({"V": -1, "E": 0}, {"src": [], "tgt": []}, "the set of `V`: -1 is no number of elements"),
            (
                {"V": 1, "E": 2},
                {"src": [0], "tgt": [0, 0]},
                "`src` is given 1 values in a row, but the set of E has 2 elements",
            ),
        ],
    )
    def test_tables_that_are_none_raise_at_the_call(self, sets, maps, message):
        with pytest.raises(TheoryError) as error:
            CSet(GRAPHS, sets, maps)
        assert message in str(error.value)

    def test_it_prints_sets_and_tables(self):
        assert repr(graph(2, (0, 1))) == "<CSet of Graph: V: 2, E: 1>"
        assert str(graph(2, (0, 1))) == "V = {0, 1}\nE = {0}\nsrc : 0 |-> 0\ntgt : 0 |-> 1"

    def test_a_refutation_is_a_model(self):
        P = Presentation("P")
        (A,) = P.objects("A")
        f, g = P.morphism("f", A, A), P.morphism("g", A * A, A)
        P.law(f >> f, f, name="idempotent")
        left, right = f @ identity(A) >> g, g
        witness = FiniteModel(P, left, right, {"A": 2}, {"g": {(1, 0): (1,)}}, point=(1, 0))
        witness.check()
        model = CSet.of(witness)
        assert model.failures() == []
        assert (model(left)[1, 0], model(right)[1, 0]) == (0, 1)


class TestHomomorphisms:
    def test_every_failure_is_told(self):
        X, Y = cycle(3), graph(2, (0, 1), (1, 0))
        h = Homomorphism(X, Y, {"V": {0: 0, 1: 1, 5: 0}, "E": [0, 1, 9]})
        assert [(it.kind, it.what, it.at, it.left, it.right) for it in h.failures()] == [
            ("missing", "V", 2, 2, None),
            ("extra", "V", 5, 5, 0),
            ("value", "E", 2, 2, 9),
        ]
        h = Homomorphism(graph(2, (0, 1)), Y, {"V": [0, 0], "E": [0]})
        (failure,) = h.failures()
        assert (failure.kind, failure.what, failure.at, failure.left, failure.right) == (
            "naturality",
            "tgt",
            0,
            0,
            1,
        )
        assert str(failure) == ("`tgt` is not preserved at 0: `tgt` and then the map gives 0, the map and then `tgt` 1")

    def test_they_compose(self):
        X = cycle(4)
        turn = Homomorphism(X, X, {"V": [1, 2, 3, 0], "E": [1, 2, 3, 0]})
        one = Homomorphism.identity(X)
        assert turn.failures() == [] and turn != one
        assert turn >> turn >> turn >> turn == one == turn >> turn.inverse()
        assert one >> turn == turn == turn >> one
        assert turn["V"][0] == 1 and turn[GRAPHS.sorts["E"]] == {0: 1, 1: 2, 2: 3, 3: 0}
        with pytest.raises(TheoryError, match="ends at a model other than the one where the second starts"):
            turn >> Homomorphism.identity(cycle(3))  # type: ignore[reportUnusedExpression]

    def test_only_isomorphisms_have_inverses(self):
        collapse = next(homomorphisms(cycle(4), cycle(2)))
        assert collapse.failures() == [] and not collapse.is_isomorphism()
        with pytest.raises(TheoryError, match="the map is no isomorphism"):
            collapse.inverse()

    def test_models_of_one_presentation(self):
        with pytest.raises(TheoryError, match="of one presentation, not from a model of Graph to a model of Monoid"):
            Homomorphism(cycle(1), cyclic(1), {"V": [0], "E": [0]})
        with pytest.raises(TheoryError, match="models of different presentations"):
            next(homomorphisms(cycle(1), cyclic(1)))

    def test_missing_components_raise(self):
        with pytest.raises(TheoryError, match="components= has nothing for `E`"):
            Homomorphism(cycle(1), cycle(1), {"V": [0]})


class TestSearch:
    def test_colourings(self):
        """Homomorphisms to the complete graph on n vertices are colourings: a cycle has (n-1)^k ± (n-1)."""

        def complete(n):
            return graph(n, *((i, j) for i in range(n) for j in range(n) if i != j))

        for length, colours in product((3, 4, 5), (1, 2, 3)):
            count = sum(1 for _ in homomorphisms(cycle(length), complete(colours)))
            assert count == (colours - 1) ** length + (-1) ** length * (colours - 1)

    def test_homomorphisms_of_monoids(self):
        """Homomorphisms Z_m → Z_n number gcd(m, n)."""
        from math import gcd

        for m, n in product(range(1, 7), repeat=2):
            found = list(homomorphisms(cyclic(m), cyclic(n)))
            assert len(found) == gcd(m, n)
            assert all(h.failures() == [] for h in found)

    def test_constants_are_preserved(self):
        """Maps of pointed sets send the point to the point: n^(m-1) of them."""
        P = Presentation("Pointed")
        (X,) = P.objects("X")
        P.morphism("point", P.unit, X)
        three, two = (CSet(P, {"X": n}, {"point": {(): 1}}) for n in (3, 2))
        found = list(homomorphisms(three, two))
        assert len(found) == 4 and all(h["X"][1] == 1 for h in found)

    @given(data=st.data())
    def test_against_brute_force(self, data):
        def random_graph():
            n = data.draw(st.integers(0, 3))
            ends = st.tuples(*[st.integers(0, n - 1)] * 2) if n else st.nothing()
            return graph(n, *data.draw(st.lists(ends, max_size=3 if n else 0)))

        X, Y = random_graph(), random_graph()
        brute = [
            h
            for v in product(Y.sets["V"], repeat=len(X.sets["V"]))
            for e in product(Y.sets["E"], repeat=len(X.sets["E"]))
            if not (h := Homomorphism(X, Y, {"V": v, "E": e})).failures()
        ]
        found = list(homomorphisms(X, Y))
        assert len(found) == len(brute) and all(h in brute for h in found)
        injective = [h for h in brute if all(len(set(c.values())) == len(c) for c in h.components.values())]
        assert len(list(homomorphisms(X, Y, injective=True))) == len(injective)
        iso = isomorphism(X, Y)
        assert (iso is not None) == any(h.is_isomorphism() for h in brute)
        assert iso is None or iso.is_isomorphism()

    def test_deep_searches_do_not_recurse(self):
        """Three thousand isolated points: as many choices, each on top of the other."""
        assert next(homomorphisms(graph(3_000), graph(2)))["V"][2_999] == 0

    def test_models_only(self):
        broken = CSet(GRAPHS, {"V": 0, "E": 1}, {"src": [0], "tgt": [0]})
        with pytest.raises(TheoryError, match="is no model: model of Graph: `src` sends 0 to 0"):
            next(homomorphisms(broken, cycle(1)))


class TestPullingBack:
    def test_reversal(self):
        swap = Functor(GRAPHS, GRAPHS, {"V": "V", "E": "E"}, {"src": "tgt", "tgt": "src"})
        X = graph(3, (0, 1), (1, 2))
        assert swap.pull(X) == graph(3, (1, 0), (2, 1)) and swap.pull(swap.pull(X)) == X

    def test_it_is_contravariant_and_keeps_maps(self):
        Q = Presentation("Dynamics")
        (X,) = Q.objects("X")
        step = Q.morphism("step", X, X)
        F = Functor(GRAPHS, Q, {"V": X, "E": X}, {"src": identity(X), "tgt": step})
        G = Functor(Q, Q, {"X": X}, {"step": step >> step})
        six, three = (CSet(Q, {"X": n}, {"step": [(i + 1) % n for i in range(n)]}) for n in (6, 3))
        assert (F >> G).pull(six) == F.pull(G.pull(six))
        assert F.pull(six) == cycle(6)
        h = Homomorphism(six, three, {"X": [i % 3 for i in range(6)]})
        pulled = F.pull(h)
        assert pulled.failures() == [] and (pulled.dom, pulled.cod) == (cycle(6), cycle(3))

    def test_sorts_that_become_products(self):
        """A monoid acts on its square; elements of products are tuples."""
        M, mul = MONOIDS.sorts["M"], MONOIDS.generators["mul"]
        P = Presentation("Action")
        S, A, U = P.objects("S", "A", "U")
        act, both, unit = (
            P.morphism("act", A * S, S),
            P.morphism("both", S, A * S * U),
            P.morphism("u", P.unit, U),
        )
        last = P.morphism("last", S * A, A)
        swap = proj(M * M, 1) & proj(M * M, 0)
        F = Functor(
            P,
            MONOIDS,
            {"S": M * M, "A": M, "U": MONOIDS.unit},
            {
                act: proj(M * M * M, 0) & (proj(M * M * M, 1) & proj(M * M * M, 2)) >> mul,
                both: proj(M * M, 0) & swap,
                unit: identity(MONOIDS.unit),
                last: proj(M * M * M, 2),
            },
        )
        assert F.failures() == []
        X = F.pull(cyclic(2))
        assert X.failures() == []
        assert X.sets == {"S": ((0, 0), (0, 1), (1, 0), (1, 1)), "A": (0, 1), "U": ((),)}
        assert X.maps["act"][1, (1, 1)] == (1, 0) and X.maps["act"][0, (0, 1)] == (0, 1)
        assert X.maps["last"][(1, 0), 1] == 1 and X.maps["last"][(1, 1), 0] == 0
        assert X.maps["both"][0, 1] == (0, (1, 0), ()) and X.maps["u"] == {(): ()}
        double = F.pull(Homomorphism(cyclic(2), cyclic(4), {"M": [0, 2]}))
        assert double.failures() == [] and double["S"][1, 0] == (2, 0)

    def test_models_of_the_codomain_only(self):
        with pytest.raises(TheoryError, match="pulls back models of Graph, not a model of Monoid"):
            Functor.identity(GRAPHS).pull(cyclic(2))

    def test_models_of_a_pushout_are_pairs_that_agree(self):
        """A model of the whole is a model of each part, with the same shared part."""
        R, P, Q = Presentation("R"), Presentation("P"), Presentation("Q")
        functors = []
        for it, name in ((P, "f"), (Q, "g")):
            (X,) = it.objects("X")
            it.morphism(name, X, X)
        R.objects("X")
        functors = [Functor(R, it, {"X": "X"}, {}) for it in (P, Q)]
        po = pushout(*functors)
        pairs = 0
        for f, g in product(product(range(2), repeat=2), repeat=2):
            whole = CSet(po.apex, {"X": 2}, {"f": f, "g": g})
            left, right = (leg.pull(whole) for leg in po.legs)
            assert functors[0].pull(left) == functors[1].pull(right)
            assert (left.maps["f"], right.maps["g"]) == (dict(enumerate(f)), dict(enumerate(g)))
            pairs += 1
        assert pairs == 16
