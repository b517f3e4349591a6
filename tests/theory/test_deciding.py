"""Verdicts: what they are, what is kept, what limits do, and the traps."""

from __future__ import annotations

import subprocess
import sys

import pytest

from learningdiagrams.theory import (
    Infinite,
    NotDecided,
    Presentation,
    TheoryError,
    Unknown,
    drop,
    identity,
    proj,
)
from learningdiagrams.theory.morphisms import mark

from .standard import (
    ask,
    cube,
    empty_sort,
    grid,
    group,
    holds,
    lattice,
    lens,
    monoid,
    semilattice,
    simplex,
    swap,
    word,
)


def test_the_example_of_the_documentation():
    P = Presentation("SymmetricGraph")
    V, E = P.objects("V", "E")
    src, tgt, inv = P.morphism("src", E, V), P.morphism("tgt", E, V), P.morphism("inv", E, E)
    P.law(inv >> inv, identity(E), name="involution")
    P.law(inv >> src, tgt, name="flip")
    verdict = ask(P, inv >> inv >> src, src, max_seconds=10.0)
    assert verdict.holds is True
    assert bool(verdict)
    (step,) = verdict.proof.steps
    assert (step.law, step.forward, step.place) == ("involution", True, (0, 0))
    assert step.using == (identity(E),)
    assert step.before == inv >> inv >> src
    assert step.after == src
    assert holds(P, inv >> tgt, src) is True
    verdict = ask(P, src, tgt)
    assert verdict.holds is False
    assert not verdict
    assert verdict.witness.kind in ("system", "model")
    assert P.hom(E, V) == [src, tgt]
    assert P.hom(E, E) == [identity(E), inv]
    assert P.hom(V, E) == []
    assert P.hom(E, V * V) == [src & src, src & tgt, tgt & src, tgt & tgt]
    assert P.hom(E, P.unit) == [drop(E)]


def test_equal_expressions_have_the_empty_proof():
    P = Presentation("Free")
    A, B = P.objects("A", "B")
    f, g = P.morphism("f", A, B), P.morphism("g", A, B)
    verdict = ask(P, (f & g) >> proj(B * B, 1), g)
    assert verdict.holds
    assert len(verdict.proof.steps) == 0
    verdict.proof.check()
    assert holds(P, f, g) is False


def test_sides_that_make_no_sense_raise_at_the_call():
    P, Q = Presentation("P"), Presentation("Q")
    A, B = P.objects("A", "B")
    (C,) = Q.objects("C")
    f, g = P.morphism("f", A, B), P.morphism("g", B, A)
    h = Q.morphism("h", C, C)
    with pytest.raises(TheoryError, match=r"prove: the sides are not parallel: `f` is a morphism A -> B, but `g`"):
        P.prove(f, g)
    with pytest.raises(TheoryError, match=r"`h` belongs to Q, not to P"):
        P.prove(h, h)
    with pytest.raises(TheoryError, match=r"prove: 'f' is no morphism"):
        P.prove("f", "f")  # type: ignore[arg-type]
    with pytest.raises(TheoryError, match=r"hom: 'A' is no object"):
        P.hom("A", A)  # type: ignore[arg-type]
    with pytest.raises(TheoryError, match=r"`C` belongs to Q, not to P"):
        P.count(C, C)


def test_a_presentation_may_grow_and_verdicts_keep_their_laws():
    P = monoid("fg", [])
    before = ask(P, word(P, "fg"), word(P, "gf"))
    assert before.holds is False
    P.law(word(P, "fg"), word(P, "gf"), name="commute")
    after = ask(P, word(P, "fg"), word(P, "gf"))
    assert after.holds is True
    # What was refuted under the old laws is still a refutation under them.
    before.witness.check()
    assert list(before.witness.laws) == []
    P.law(word(P, "ff"), identity(P.sorts["X"]))
    after.proof.check()
    assert list(after.proof.laws) == ["commute"]
    assert holds(P, word(P, "fgf"), word(P, "g")) is True
    P.morphism("h", P.sorts["X"], P.sorts["X"])
    assert holds(P, word(P, "hffg"), word(P, "hg")) is True
    assert holds(P, word(P, "h"), word(P, "g")) is False


def test_a_new_constant_does_not_spoil_a_model_with_an_empty_set():
    P = empty_sort()
    verdict = ask(P, P.generators["c"], P.generators["d"])
    assert verdict.holds is False
    P.morphism("a", P.unit, P.sorts["A"])
    verdict.witness.check()
    assert holds(P, P.generators["c"], P.generators["d"]) is True


def test_two_components_that_a_law_joins_later():
    P = monoid("abcd", [("aa", "b"), ("cc", "d")])
    assert holds(P, word(P, "aaaa"), word(P, "bb")) is True
    assert holds(P, word(P, "ab"), word(P, "ba")) is True
    assert holds(P, word(P, "b"), word(P, "d")) is False
    P.law(word(P, "b"), word(P, "d"))
    assert holds(P, word(P, "aa"), word(P, "cc")) is True
    assert holds(P, word(P, "a"), word(P, "c")) is False


def test_limits_only_ever_make_the_answer_unknown():
    P = lattice()
    meet, join = P.generators["meet"], P.generators["join"]
    L = P.sorts["L"]
    x, y, z = (proj(L * L * L, i) for i in range(3))
    sides = (x & ((y & (x & z) >> meet) >> join)) >> meet, ((x & y) >> meet & (x & z) >> meet) >> join
    verdict = ask(P, *sides, max_steps=3)
    assert isinstance(verdict, Unknown)
    assert verdict.holds is None
    assert not verdict
    assert "not decided within 3 steps" in verdict.reason
    assert ask(P, meet, meet, max_seconds=0.0, max_steps=0).holds is True
    verdict = ask(P, *sides, max_seconds=0.0)
    assert isinstance(verdict, Unknown)
    assert "not decided within 0 seconds" in verdict.reason
    assert holds(P, *sides, max_seconds=60) is False


def test_infinite_and_undecided_hom_sets_say_why():
    P = monoid("f", [])
    X = P.sorts["X"]
    with pytest.raises(Infinite, match=r"infinitely many morphisms X -> X: f leads from a normal form to another"):
        P.hom(X, X)
    Q = monoid("ab", [("aba", "bab")], "Braids3")
    with pytest.raises(Infinite, match="again and again"):
        Q.count(Q.sorts["X"], Q.sorts["X"])
    R = simplex(2)
    with pytest.raises(NotDecided, match=r"there are 10 morphisms n2 -> n2, more than the limit of 5"):
        R.hom(R.sorts["n2"], R.sorts["n2"], limit=5)
    Tseitin = monoid(
        "abcde",
        [
            ("ac", "ca"),
            ("ad", "da"),
            ("bc", "cb"),
            ("bd", "db"),
            ("eca", "ce"),
            ("edb", "de"),
            ("cca", "ccae"),
        ],
    )
    with pytest.raises(NotDecided, match=r"no complete system of rules was found within 0\.05 seconds"):
        Tseitin.hom(Tseitin.sorts["X"], Tseitin.sorts["X"], max_seconds=0.05)


def test_marks_are_forgotten():
    P = monoid("fg", [("fg", "gf")])
    f, g = P.generators["f"], P.generators["g"]
    verdict = ask(P, mark("stop", f) >> g, g >> mark("stop", f))
    assert verdict.holds is True
    assert verdict.left == f >> g
    verdict.proof.check()
    assert ask(P, mark("stop", f), f).holds is True
    P.law(mark("stop", f) >> f, identity(P.sorts["X"]))
    verdict = ask(P, f >> g >> mark("stop", f), g)
    assert verdict.holds is True
    verdict.proof.check()


def test_multi_output_generators_and_outputs_of_laws():
    P = Presentation("Split")
    A, B, C = P.objects("A", "B", "C")
    m, f, g = P.morphism("m", A, B * C), P.morphism("f", A, B), P.morphism("g", A, C)
    P.law(m, f & g, name="split")
    assert holds(P, m >> proj(B * C, 0), f) is True
    assert holds(P, m >> proj(B * C, 1), g) is True
    assert holds(P, (m >> proj(B * C, 1)) & f, g & f) is True
    h = P.morphism("h", B * C, A)
    assert holds(P, m >> h, (f & g) >> h) is True
    assert holds(P, m >> h, identity(A)) is False
    verdict = ask(P, m >> h >> m, (f & g) >> h >> (f & g))
    verdict.proof.check()
    assert [step.law for step in verdict.proof.steps] == ["split"] * len(verdict.proof.steps)


def test_path_laws_below_generators_of_several_arguments():
    P = Presentation("Concat")
    A, B = P.objects("A", "B")
    f, g = P.morphism("f", A, A), P.morphism("g", A, A)
    join = P.morphism("join", A * A, B)
    P.law(f >> g, g >> f, name="commute")
    assert holds(P, (f >> g) @ (g >> f) >> join, (g >> f) @ (f >> g) >> join) is True
    assert holds(P, f @ g >> join, g @ f >> join) is False
    assert holds(P, join, swap(A, A) >> join) is False
    assert holds(P, proj(A * A, 0) >> f, proj(A * A, 1) >> f) is False


def test_constants():
    P = Presentation("Constants")
    A, B = P.objects("A", "B")
    c, f, d = P.morphism("c", P.unit, A), P.morphism("f", A, B), P.morphism("d", P.unit, B)
    P.law(c >> f, d, name="value")
    assert holds(P, drop(A) >> c >> f, drop(A) >> d) is True
    assert holds(P, drop(A) >> d, f) is False
    assert P.hom(P.unit, B) == [d]
    assert P.count(A, B) == 2
    assert [str(m) for m in P.hom(A, B)] in (["f", "drop(A) >> d"], ["drop(A) >> d", "f"])


# Products: groups, lenses, semilattices, lattices, the empty sort -----------------------------------------


def test_groups():
    P = group()
    (G,) = P.sorts.values()
    mul, one, inv = P["mul"], P["one"], P["inv"]
    assert holds(P, (identity(G) & inv) >> mul, drop(G) >> one) is True
    assert holds(P, (identity(G) & drop(G) >> one) >> mul, identity(G)) is True
    assert holds(P, inv >> inv, identity(G)) is True
    assert holds(P, one >> inv, one) is True
    assert holds(P, mul >> inv, swap(G, G) >> inv @ inv >> mul) is True
    assert holds(P, mul, swap(G, G) >> mul) is False
    assert holds(P, (identity(G) & identity(G)) >> mul, drop(G) >> one) is False
    with pytest.raises(Infinite, match="mul leads from a normal form to another one again and again"):
        P.hom(G, G)
    assert P.hom(P.unit, G) == [one]


def test_three_laws_of_groups_complete_to_ten_rules():
    P = group()
    (G,) = P.sorts.values()
    verdict = ask(P, P["mul"], swap(G, G) >> P["mul"])
    assert verdict.witness.kind == "system"
    assert len(verdict.witness.equations) == 10


def test_groups_of_exponent_two_commute():
    P = group()
    (G,) = P.sorts.values()
    P.law((identity(G) & identity(G)) >> P["mul"], drop(G) >> P["one"], name="exponent")
    assert holds(P, P["mul"], swap(G, G) >> P["mul"]) is True
    assert holds(P, P["inv"], identity(G)) is True
    assert P.count(G * G, G) == 4


def test_undo_follows_from_the_laws_of_very_well_behaved_lenses():
    P = lens()
    S, V = P.sorts.values()
    get, put = P["get"], P["put"]
    undo = (put & proj(S * V, 0) >> get) >> put, proj(S * V, 0)
    assert holds(P, *undo) is True
    assert {step.law for step in ask(P, *undo).proof.steps} <= {"PutGet", "GetPut", "PutPut"}
    assert P.hom(S * V, S) == [proj(S * V, 0), put]
    weaker = lens(with_put_put=False)
    S, V = weaker.sorts.values()
    assert holds(weaker, (weaker["put"] & proj(S * V, 0) >> weaker["get"]) >> weaker["put"], proj(S * V, 0)) is False


def test_semilattices():
    P = semilattice()
    (L,) = P.sorts.values()
    meet = P["meet"]
    x, y, z = (proj(L * L * L, i) for i in range(3))
    left = (((x & y) >> meet & z) >> meet & (y & x) >> meet) >> meet
    assert holds(P, left, (z & (y & x) >> meet) >> meet) is True
    assert holds(P, meet, proj(L * L, 0)) is False
    assert [P.count(L, L), P.count(L * L, L), P.count(L * L * L, L)] == [1, 3, 7]


def test_commutativity_alone_does_not_loop():
    P = Presentation("Commutative")
    (A,) = P.objects("A")
    add = P.morphism("add", A * A, A)
    P.law(add, swap(A, A) >> add, name="commutative")
    x, y, z = (proj(A * A * A, i) for i in range(3))
    assert holds(P, ((x & y) >> add & z) >> add, (z & (y & x) >> add) >> add) is True
    verdict = ask(P, ((x & y) >> add & z) >> add, (x & (y & z) >> add) >> add)
    assert verdict.holds is False
    verdict.witness.check()


def test_lattices():
    P = lattice()
    (L,) = P.sorts.values()
    meet, join = P["meet"], P["join"]
    x, y, z = (proj(L * L * L, i) for i in range(3))
    assert holds(P, (identity(L) & identity(L)) >> meet, identity(L)) is True
    assert holds(P, (identity(L) & identity(L)) >> join, identity(L)) is True
    assert holds(P, ((x & y) >> join & (x & z) >> meet) >> meet, (x & z) >> meet) is True
    distributive = (x & (y & z) >> join) >> meet, ((x & y) >> meet & (x & z) >> meet) >> join
    assert holds(P, *distributive, max_seconds=60) is False


def test_the_empty_sort():
    """drop(A) >> c = drop(A) >> d does not give c = d: A may be empty. Over what leads to A, it does."""
    P = empty_sort()
    A, B = P.sorts.values()
    c, d = P["c"], P["d"]
    assert holds(P, c, d) is False
    assert holds(P, drop(B) >> c, drop(B) >> d) is False
    verdict = ask(P, drop(A) >> c, drop(A) >> d)
    assert verdict.holds is True
    assert holds(P, drop(A * B) >> c, drop(A * B) >> d) is True
    assert [str(m) for m in P.hom(P.unit, B)] == ["c", "d"]
    assert P.count(A, B) == 1
    Q = empty_sort()
    f = Q.morphism("f", Q.sorts["B"], Q.sorts["A"])
    verdict = ask(Q, Q["c"], Q["d"])
    assert verdict.holds is True
    (step,) = verdict.proof.steps
    # The step names an element of A, which the laws do not mention: c >> f or d >> f.
    assert step.using[0] in (Q["c"] >> f, Q["d"] >> f)
    verdict.proof.check()


def test_a_variable_on_one_side_only():
    P = Presentation("Constant")
    A, B, C = P.objects("A", "B", "C")
    f, g, h = P.morphism("f", A, C), P.morphism("g", B, C), P.morphism("h", P.unit, C)
    P.law(proj(A * B, 0) >> f, proj(A * B, 1) >> g, name="same")
    assert holds(P, proj(A * A * B, 0) >> f, proj(A * A * B, 1) >> f) is True
    # Over A alone nothing says so: B may be empty.
    assert holds(P, proj(A * A, 0) >> f, proj(A * A, 1) >> f) is False
    assert holds(P, proj(A * B, 0) >> f, drop(A * B) >> h) is False


def test_a_law_that_makes_an_object_terminal():
    P = Presentation("Terminal")
    A, B = P.objects("A", "B")
    c, f, g = P.morphism("c", P.unit, A), P.morphism("f", B, A), P.morphism("g", B, A)
    k = P.morphism("k", A, B)
    P.law(identity(A), drop(A) >> c, name="only_one")
    assert holds(P, f, g) is True
    assert holds(P, f >> k, g >> k) is True
    assert holds(P, f >> k, identity(B)) is False
    Q = Presentation("Subterminal")
    A, B = Q.objects("A", "B")
    Q.law(proj(A * A, 0), proj(A * A, 1), name="at_most_one")
    f, g = Q.morphism("f", B, A), Q.morphism("g", B, A)
    assert holds(Q, f, g) is True
    assert Q.count(B, A) == 1


def test_a_path_law_collapses_nothing_elsewhere_but_products_may():
    """A law between projections makes all maps into A equal, also those that only path laws are about."""
    P = Presentation("Both")
    A, B = P.objects("A", "B")
    f, g = P.morphism("f", A, B), P.morphism("g", B, A)
    u, v = P.morphism("u", B, B), P.morphism("v", B, B)
    P.law(g >> f, identity(B), name="retract")
    assert holds(P, u, v) is False
    P.law(proj(A * A, 0), proj(A * A, 1), name="subterminal")
    assert holds(P, u, v) is True


# Size -----------------------------------------------------------------------------------------------------


def test_deep_terms_need_no_recursion():
    P = monoid("fg", [("ff", "f")])
    f, g = P.generators["f"], P.generators["g"]
    left, right = f, f
    for _ in range(5_000):
        left, right = left >> g >> f, right >> g
    deep = f
    for _ in range(10_000):
        deep = deep >> f
    assert holds(P, deep, f) is True
    assert holds(P, left, right) is False


def test_deep_terms_beside_laws_with_products():
    P = group()
    (G,) = P.sorts.values()
    inv = P.generators["inv"]
    deep = inv
    for _ in range(399):
        deep = deep >> inv
    assert holds(P, deep, identity(G)) is True


def test_a_thousand_generators_and_two_hundred_laws():
    P = Presentation("Large")
    sorts = P.objects(*(f"A{i}" for i in range(200)))
    generators = [P.morphism(f"f{i}", sorts[i % 200], sorts[(i * 7 + 1) % 200]) for i in range(1_000)]
    for i in range(200):
        one = generators[i]
        others = [g for g in generators if g.dom is one.cod]
        P.law(one >> others[0], one >> others[1])
    left = next(law for law in P.laws.values())
    assert holds(P, left.left, left.right) is True
    assert holds(P, generators[5], generators[205]) is False


def test_cubes_and_grids_beyond_128_letters():
    for P in (grid(10), cube(7)):
        first, *_, last = P.sorts.values()
        assert P.count(first, last) == 1


def test_the_same_in_every_process():
    """Nothing depends on the order of a set or on the clock."""
    program = (
        "from tests.theory.standard import *\n"
        "P = group(); G = P.sorts['G']\n"
        "print(P.prove(P['mul'] >> P['inv'], swap(G, G) >> P['inv'] @ P['inv'] >> P['mul']).proof)\n"
        "Q = simplex(3)\n"
        "print([str(m) for m in Q.hom(Q['n3'], Q['n2'])])\n"
        "print(P.prove(P['mul'], swap(G, G) >> P['mul']).witness)\n"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": "."},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1
