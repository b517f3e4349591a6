"""Functors: construction, images, failures, composition, equality, fidelity."""

import pytest

from learningdiagrams.theory import Functor, Presentation, Refuted, TheoryError, Unknown, drop, identity, proj
from learningdiagrams.theory.functors import generators_in
from tests.theory.spans import path


def cyclic_group(name: str, generator: str, power: int) -> Presentation:
    """The cyclic group of this order on one generator."""
    P = Presentation(name)
    (X,) = P.objects("X")
    P.morphism(generator, X, X)
    P.law(path(P, "X", [generator] * power), identity(X), name="order")
    return P


@pytest.fixture
def graph():
    P = Presentation("Graph")
    V, E = P.objects("V", "E")
    P.morphism("src", E, V)
    P.morphism("tgt", E, V)
    return P


@pytest.fixture
def symmetric():
    P = Presentation("SymmetricGraph")
    V, E = P.objects("V", "E")
    src, tgt, inv = P.morphism("src", E, V), P.morphism("tgt", E, V), P.morphism("inv", E, E)
    P.law(inv >> inv, identity(E), name="involution")
    P.law(inv >> src, tgt, name="flip")
    return P


def test_keys_and_values_go_by_name_or_by_value(graph, symmetric):
    by_name = Functor(graph, symmetric, {"V": "V", "E": "E"}, {"src": "tgt", "tgt": "src"})
    by_value = Functor(
        graph,
        symmetric,
        objects={graph["V"]: symmetric["V"], graph["E"]: symmetric["E"]},
        morphisms={
            graph["src"]: symmetric["inv"] >> symmetric["inv"] >> symmetric["tgt"],
            "tgt": symmetric["src"],
        },
    )
    assert by_name.failures() == by_value.failures() == []
    assert by_name != by_value
    assert by_name.equals(by_value) is True
    assert by_name.objects == {"V": symmetric["V"], "E": symmetric["E"]}
    assert list(by_name.morphisms) == ["src", "tgt"]


def test_names_are_normalised():
    P = Presentation("P")
    P.objects("ﬁ")  # one letter, which is the word fi after normalisation
    F = Functor(P, P, {"ﬁ": "ﬁ"}, {})
    assert F("fi") is P["fi"]


@pytest.mark.parametrize(
    ("objects", "morphisms", "message"),
    [
        (
            {"V": "V"},
            {"src": "src", "tgt": "tgt"},
            "objects= has nothing for `E`; each object of Graph needs an entry",
        ),
        (
            {"V": "V", "E": "E"},
            {},
            "morphisms= has nothing for `src`, `tgt`; each generator of Graph needs an entry",
        ),
        (
            {"V": "V", "E": "E", "v": "V"},
            {"src": "src", "tgt": "tgt"},
            "objects= names `v`, which is no object of Graph; did you mean `V`?",
        ),
        (
            {"V": "V", "E": "E"},
            {"src": "src", "tgt": "tgt", "scr": "src"},
            "morphisms= names `scr`, which is no generator of Graph; did you mean `src`?",
        ),
        ({"V": "V", "E": "W"}, {"src": "src", "tgt": "tgt"}, "there is no `W` in SymmetricGraph"),
        ({"V": "V", "E": "E"}, {"src": "sorce", "tgt": "tgt"}, "there is no `sorce` in SymmetricGraph"),
        (
            {"V": "V", "E": "inv"},
            {"src": "src", "tgt": "tgt"},
            "`inv` is a morphism of SymmetricGraph, not an object",
        ),
        (
            {"V": "V", "E": "E"},
            {"src": "V", "tgt": "tgt"},
            "V is an object of SymmetricGraph, not a morphism",
        ),
        (
            {"V": "V", "E": 3},
            {"src": "src", "tgt": "tgt"},
            "3 is neither an object nor a morphism of SymmetricGraph",
        ),
    ],
)
def test_tables_that_are_none_raise_at_the_call(graph, symmetric, objects, morphisms, message):
    with pytest.raises(TheoryError) as error:
        Functor(graph, symmetric, objects, morphisms)
    assert message in str(error.value)
    assert "functor Graph -> SymmetricGraph" in str(error.value) or "there is no" in str(error.value)


def test_a_key_given_by_name_and_by_value_is_given_twice(graph):
    with pytest.raises(TheoryError, match=r"objects= names `V` twice, once by name and once by value"):
        Functor(graph, graph, {"V": "V", graph["V"]: "V", "E": "E"}, {"src": "src", "tgt": "tgt"})


def test_keys_and_images_of_other_presentations_are_refused(graph, symmetric):
    with pytest.raises(TheoryError, match=r"objects= names `V`, which is no object of Graph"):
        Functor(graph, symmetric, {symmetric["V"]: "V", "E": "E"}, {"src": "src", "tgt": "tgt"})
    with pytest.raises(TheoryError, match=r"`src` belongs to Graph, not to SymmetricGraph"):
        Functor(graph, symmetric, {"V": "V", "E": "E"}, {"src": graph["src"], "tgt": "tgt"})
    F = Functor.inclusion(graph, symmetric)
    with pytest.raises(TheoryError, match=r"`inv` belongs to SymmetricGraph, not to Graph"):
        F(symmetric["inv"])


def test_composites_are_no_keys(graph):
    with pytest.raises(TheoryError, match="is no generator of Graph"):
        Functor(graph, graph, {"V": "V", "E": "E"}, {graph["src"] & graph["src"]: "src", "tgt": "tgt"})


def test_images_share_what_the_original_shares():
    P, Q = Presentation("P"), Presentation("Q")
    (A,), (X,) = P.objects("A"), Q.objects("X")
    double, m = P.morphism("d", A, A * A), Q.morphism("m", X, X * X)
    fold = P.morphism("f", A * A, A)
    F = Functor(P, Q, {"A": "X"}, {"d": m, "f": proj(X * X, 0)})
    it = double >> fold
    for _ in range(60):
        it = (it & it) >> fold  # 2⁶⁰ occurrences of d when written out
    assert F(it).dom is X
    deep = identity(A)
    for _ in range(10_000):
        deep = deep >> double >> fold
    assert F(deep).cod is X


def test_products_and_units_are_preserved():
    P, Q = Presentation("P"), Presentation("Q")
    A, B = P.objects("A", "B")
    X, Y = Q.objects("X", "Y")
    f, g = P.morphism("f", A * B, A), P.morphism("g", A, B)
    P.morphism("c", P.unit, B)
    h, k, e = Q.morphism("h", X * Y, X * Y), Q.morphism("k", X * Y, Q.unit), Q.morphism("e", Q.unit, Q.unit)
    F = Functor(P, Q, {"A": "X * Y", "B": "1"}, {"f": h, "g": k, "c": e})
    assert F.failures() == []
    assert F(A * B * A) is X * Y * X * Y and F(P.unit) is Q.unit
    assert F(proj(A * B * A, 2)) == proj(X * Y * X * Y, 2) & proj(X * Y * X * Y, 3)
    assert F(drop(A)) == drop(X * Y)
    assert F(identity(A) & g) == identity(X * Y)
    assert F(f @ g) == h @ k
    assert F("g") == drop(X * Y)


def test_every_failure_is_told(symmetric):
    Q = Presentation("Q")
    X, Y = Q.objects("X", "Y")
    f, s = Q.morphism("f", X, Y), Q.morphism("s", Y, Y)
    F = Functor(symmetric, Q, {"V": "X", "E": "Y"}, {"src": f, "tgt": s, "inv": s})
    found = F.failures()
    assert [(it.kind, it.what, it.left, it.right) for it in found] == [
        ("domain", "src", Y, X),
        ("codomain", "src", X, Y),
        ("codomain", "tgt", X, Y),
        ("law", "involution", s >> s, identity(Y)),
    ]
    assert str(found[0]) == (
        "`src` : E -> V is sent to `f` : X -> Y, which starts at X; it would have to start at Y, the image of E"
    )
    assert isinstance(found[3].verdict, Refuted)
    found[3].verdict.witness.check()  # type: ignore[reportAttributeAccessIssue]
    with pytest.raises(TheoryError, match=r"has no value at an expression with `src`: `src` : E -> V is sent to"):
        F(symmetric["inv"] >> symmetric["src"])
    assert F(symmetric["inv"] >> symmetric["inv"]) == s >> s


def test_failures_are_frozen(symmetric):
    Q = cyclic_group("Z3", "t", 3)
    failure = Functor(symmetric, Q, {"V": "X", "E": "X"}, {"src": "t", "tgt": "t", "inv": "t"}).failures()[0]
    with pytest.raises(AttributeError):
        failure.kind = "none"  # type: ignore[misc]


def test_a_law_that_is_not_decided_is_told_apart():
    P = cyclic_group("Z2", "s", 2)
    Q = Presentation("Q")
    (X,) = Q.objects("X")
    a, b = Q.morphism("a", X, X), Q.morphism("b", X, X)
    Q.law(a >> b >> a, b >> a >> b, name="braid")
    F = Functor(P, Q, {"X": "X"}, {"s": a >> b})
    (failure,) = F.failures(max_seconds=0.0)
    assert failure.kind == "undecided" and failure.what == "order"
    assert isinstance(failure.verdict, Unknown)
    assert str(failure).startswith(
        "law `order`: whether Q proves its image `a >> b >> a >> b = id(X)` was not decided: "
    )


def test_laws_as_they_stand_need_no_proof(symmetric):
    assert Functor.identity(symmetric).failures(max_seconds=0.0) == []
    mirrored = Presentation("Mirrored")
    V, E = mirrored.objects("V", "E")
    src, tgt, inv = (mirrored.morphism(n, E, E if n == "inv" else V) for n in ("src", "tgt", "inv"))
    mirrored.law(identity(E), inv >> inv)
    mirrored.law(tgt, inv >> src)
    assert Functor.inclusion(symmetric, mirrored).failures(max_seconds=0.0) == []


def test_a_domain_that_grew_is_an_error(graph):
    F = Functor.identity(graph)
    (W,) = graph.objects("W")
    graph.morphism("new", W, W)
    with pytest.raises(TheoryError, match=r"Graph has grown by `W`, `new` since the functor Graph -> Graph was made"):
        F(W)
    with pytest.raises(TheoryError, match="has grown"):
        F.failures()
    with pytest.raises(TheoryError, match="has grown"):
        F("new")


def test_laws_added_later_are_judged(graph, symmetric):
    F = Functor(graph, symmetric, {"V": "V", "E": "E"}, {"src": "src", "tgt": "tgt"})
    assert F.failures() == []
    graph.law(graph["src"], graph["tgt"], name="loops")
    assert [(it.kind, it.what) for it in F.failures()] == [("law", "loops")]


def test_composition_is_that_of_a_category(graph, symmetric):
    F = Functor.inclusion(graph, symmetric)
    G = Functor(symmetric, symmetric, {"V": "V", "E": "E"}, {"src": "tgt", "tgt": "src", "inv": "inv"})
    Z2 = cyclic_group("Z2", "s", 2)
    H = Functor(symmetric, Z2, {"V": "X", "E": "X"}, {"src": "s", "tgt": identity(Z2.sorts["X"]), "inv": "s"})
    assert (F >> G) >> H == F >> (G >> H)
    assert hash((F >> G) >> H) == hash(F >> (G >> H))
    assert Functor.identity(graph) >> F == F == F >> Functor.identity(symmetric)
    assert (F >> G)(graph["src"]) == G(F(graph["src"]))
    assert [f.failures() for f in (F, G, H, F >> G >> H)] == [[], [], [], []]
    with pytest.raises(TheoryError, match=r"the first functor ends at SymmetricGraph, but the second starts at Graph"):
        F >> F  # type: ignore[reportUnusedExpression]


def test_equality_up_to_laws_has_three_answers():
    P, Q = Presentation("Loop"), cyclic_group("Z4", "t", 4)
    (A,) = P.objects("A")
    P.morphism("a", A, A)
    once, five, twice = (Functor(P, Q, {"A": "X"}, {"a": path(Q, "X", ["t"] * n)}) for n in (1, 5, 2))
    assert once.equals(five) is True and once.equals(twice) is False
    (difference,) = once.differences(twice)
    assert (difference.kind, difference.what) == ("morphism", "a")
    assert str(difference) == "`a`: Z4 refutes that its images are equal: `t = t >> t`"
    braids = Presentation("B3")
    (X,) = braids.objects("X")
    a, b = braids.morphism("a", X, X), braids.morphism("b", X, X)
    braids.law(a >> b >> a, b >> a >> b)
    left, right = (Functor(P, braids, {"A": X}, {"a": image}) for image in (a >> b >> a >> b, b >> a >> a >> b))
    assert left.equals(right, max_seconds=0.0) is None
    with pytest.raises(TheoryError, match="not parallel"):
        left.equals(once)


def test_functors_that_differ_on_objects_differ():
    P, Q = Presentation("P"), Presentation("Q")
    A, (X, Y) = P.objects("A"), Q.objects("X", "Y")
    P.morphism("a", *A, *A)
    one, other = (Functor(P, Q, {"A": X}, {"a": identity(X)}) for X in (X, Y))
    assert [(it.kind, it.what) for it in one.differences(other)] == [("object", "A"), ("morphism", "a")]
    assert one.equals(other) is False


def test_it_prints_as_a_table(graph):
    F = Functor(graph, graph, {"V": "V", "E": "V"}, {"src": identity(graph["V"]), "tgt": identity(graph["V"])})
    assert str(F) == "Graph -> Graph\n  V |-> V\n  E |-> V\n  src |-> id(V)\n  tgt |-> id(V)"
    assert repr(F) == "<Functor Graph -> Graph>"


def test_generators_are_found_without_recursion():
    P = Presentation("P")
    (A,) = P.objects("A")
    f, g = P.morphism("f", A, A), P.morphism("g", A, A)
    deep = f
    for _ in range(50_000):
        deep = deep >> g
    assert [it.name for it in generators_in(deep)] == ["f", "g"]


def group(name: str) -> Presentation:
    """The theory of groups."""
    P = Presentation(name)
    (G,) = P.objects("G")
    mul, one, inv = P.morphism("mul", G * G, G), P.morphism("one", P.unit, G), P.morphism("inv", G, G)
    P.law(mul @ identity(G) >> mul, identity(G) @ mul >> mul, name="associative")
    P.law((drop(G) >> one & identity(G)) >> mul, identity(G), name="unit")
    P.law((inv & identity(G)) >> mul, drop(G) >> one, name="inverse")
    return P


def test_functors_of_algebraic_theories():
    """The opposite group is a group, and so are pairs of elements; without inverses it is none."""
    A, B = group("A"), group("B")
    G = B.sorts["G"]
    mul, one, inv = (B.generators[name] for name in ("mul", "one", "inv"))
    swap = proj(G * G, 1) & proj(G * G, 0)
    opposite = Functor(A, B, {"G": G}, {"mul": swap >> mul, "one": one, "inv": inv})
    assert opposite.failures() == []
    pairs = identity(G) @ swap @ identity(G)
    square = Functor(
        A,
        B,
        {"G": G * G},
        {"mul": pairs >> mul @ mul, "one": one & one, "inv": inv @ inv},
    )
    assert square.failures() == []
    wrong = Functor(A, B, {"G": G}, {"mul": mul, "one": one, "inv": identity(G)})
    assert [(it.kind, it.what) for it in wrong.failures()] == [("law", "inverse")]
    twice = opposite.cod  # the opposite of the opposite is the group itself
    again = Functor(B, twice, {"G": G}, {"mul": swap >> mul, "one": "one", "inv": "inv"})
    assert (opposite >> again)("mul") == mul


def to_power(P: Presentation, Q: Presentation, exponent: int) -> Functor:
    """The functor between cyclic groups that sends the generator to this power."""
    (name,), (image,) = P.generators, Q.generators
    return Functor(P, Q, {"X": "X"}, {name: path(Q, "X", [image] * exponent)})


@pytest.mark.parametrize(
    ("order", "into", "exponent", "faithful", "full"),
    [(4, 4, 3, True, True), (2, 4, 2, True, False), (4, 2, 1, False, True), (4, 4, 2, False, False)],
)
def test_faithful_and_full_on_cyclic_groups(order, into, exponent, faithful, full):
    F = to_power(cyclic_group("P", "s", order), cyclic_group("Q", "t", into), exponent)
    assert F.failures() == []
    assert (F.is_faithful().holds, F.is_full().holds) == (faithful, full)
    if not faithful:
        one, other = F.is_faithful().example
        assert F.dom.prove(one, other).holds is False and F.cod.prove(F(one), F(other)).holds is True
    if not full:
        (missed,) = F.is_full().example
        assert all(F.cod.prove(F(m), missed).holds is False for m in F.dom.hom(F.dom.sorts["X"], F.dom.sorts["X"]))


def test_faithfulness_on_infinite_hom_sets_is_left_open():
    P = Presentation("Loop")
    (X,) = P.objects("X")
    P.morphism("t", X, X)
    identity_functor = Functor.identity(P)
    answer = identity_functor.is_faithful()
    assert answer.holds is None and not answer and "infinitely many" in answer.reason
    assert identity_functor.is_full().holds is None
    Q = cyclic_group("Q", "s", 3)
    assert to_power(P, Q, 1).is_full().holds is None
    answer = Functor(cyclic_group("One", "t", 1), P, {"X": "X"}, {"t": identity(X)}).is_full()
    assert (
        answer.holds is False and "X -> X has finitely many morphisms, but there are infinitely many" in answer.reason
    )


def test_a_single_hom_set_can_be_asked_for():
    P, Q = Presentation("P"), Presentation("Q")
    (A, B), (X, Y) = P.objects("A", "B"), Q.objects("X", "Y")
    f, g = P.morphism("f", A, B), P.morphism("g", A, B)
    h = Q.morphism("h", X, Y)
    F = Functor(P, Q, {"A": X, "B": Y}, {"f": h, "g": h})
    assert F.is_faithful(A, A).holds is True and F.is_faithful(A, B).example == (f, g)
    assert F.is_faithful(A, B, limit=1).holds is None


def test_inclusions_want_every_name(graph, symmetric):
    assert Functor.inclusion(graph, symmetric)("src") is symmetric["src"]
    with pytest.raises(TheoryError, match="there is no `inv` in Graph"):
        Functor.inclusion(symmetric, graph)


def test_a_refutation_pulled_back_breaks_the_law():
    """The model that refutes the image of a law is, seen along the functor, no model of the domain."""
    from learningdiagrams.theory import CSet, FiniteModel

    P, Q = cyclic_group("P", "s", 2), Presentation("Q")
    (X,) = Q.objects("X")
    t = Q.morphism("t", X, X)
    F = Functor(P, Q, {"X": X}, {"s": t})
    witness = FiniteModel(Q, t >> t, identity(X), {"X": 3}, {"t": {(0,): (1,), (1,): (2,)}}, point=(0,))
    witness.check()
    pulled = F.pull(CSet.of(witness))
    assert {(it.kind, it.what) for it in pulled.failures()} == {("law", "order")}
    assert [it.kind for it in F.failures()] == ["law"]
