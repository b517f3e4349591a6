"""The interface of the theory: presentations, verdicts, morphisms, traps."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import time

import pytest

from learningdiagrams.theory import (
    Infinite,
    InvalidProof,
    InvalidWitness,
    NotDecided,
    Presentation,
    Proof,
    Proved,
    Refuted,
    Step,
    TheoryError,
    Unknown,
    drop,
    identity,
    proj,
)
from learningdiagrams.theory.witnesses import TermSystem
from tests.theory.standard import ask, empty_sort, group, holds, lattice, lens, monoid, semilattice, swap, word


@pytest.fixture
def P():
    """A symmetric graph: the example of the interface."""
    P = Presentation("SymmetricGraph")
    V, E = P.objects("V", "E")
    src, tgt, inv = P.morphism("src", E, V), P.morphism("tgt", E, V), P.morphism("inv", E, E)
    P.law(inv >> inv, identity(E), name="involution")
    P.law(inv >> src, tgt, name="flip")
    return P


def retraction():
    P = Presentation("Retraction")
    A, B = P.objects("A", "B")
    s, r = P.morphism("s", A, B), P.morphism("r", B, A)
    P.law(s >> r, identity(A), name="retraction")
    return P, A, B, s, r


# Presentations ------------------------------------------------------------------------------------------------


def test_objects_is_always_a_tuple():
    """`objects` returns a tuple, also of one and of none."""
    P = Presentation()
    assert [len(P.objects(*names)) for names in ((), ("A",), ("B", "C"))] == [0, 1, 2]
    assert isinstance(P.objects("D"), tuple)


def test_look_up_by_name_in_the_order_of_declaration(P):
    """`P[name]` finds objects, generators and laws; sorts, generators and laws are mappings in order."""
    assert (P["V"], P["src"], P["flip"]) == (P.sorts["V"], P.generators["src"], P.laws["flip"])
    assert [list(it) for it in (P.sorts, P.generators, P.laws)] == [
        ["V", "E"],
        ["src", "tgt", "inv"],
        ["involution", "flip"],
    ]
    for view in (P.sorts, P.generators, P.laws):
        with pytest.raises(TypeError):
            view["x"] = None
    with pytest.raises(TheoryError, match="there is no `scr` in SymmetricGraph; did you mean `src`"):
        P["scr"]
    with pytest.raises(TheoryError, match="3 is no name"):
        P[3]


def test_laws_without_a_name_are_numbered():
    """Unnamed laws are law0, law1, …; a name that is taken is passed over."""
    P = monoid("f", [("ff", "f"), ("fff", "f")])
    assert list(P.laws) == ["law0", "law1"]
    P.morphism("law2", P["X"], P["X"])
    P.law(word(P, "f"), word(P, ""))
    assert list(P.laws) == ["law0", "law1", "law3"]


def test_names_are_one_namespace_and_normalised():
    """One name names one thing, whatever its kind and however it is typed (NFKC)."""
    P = Presentation("P")
    (A,) = P.objects("Ⅳ")
    f = P.morphism("ﬁ", A, A)
    law = P.law(f, f, name="ﬂ")
    assert P["IV"] is P["Ⅳ"] is A
    assert P["fi"] is P["ﬁ"] is f
    assert P["fl"] is P["ﬂ"] is law
    for declare in (lambda: P.objects("fi"), lambda: P.morphism("IV", A, A), lambda: P.law(f, f, name="fi")):
        with pytest.raises(TheoryError, match="is taken"):
            declare()
    for name in ("", " A", None):
        with pytest.raises(TheoryError, match="is no name"):
            P.objects(name)  # type: ignore[arg-type]
    with pytest.raises(TheoryError, match="1 is the terminal object"):
        P.objects("1")


# Verdicts -----------------------------------------------------------------------------------------------------


def test_the_three_answers(P):
    """Proved, Refuted and Unknown: `holds` is True, False or None, and `bool` is `holds is True`."""
    src, tgt, inv = P.generators.values()
    proved, refuted = ask(P, inv >> inv >> src, src, max_seconds=10.0), ask(P, src, tgt)
    L = lattice()
    meet, join = L["meet"], L["join"]
    x, y, z = (proj(L["L"] * L["L"] * L["L"], i) for i in range(3))
    unknown = ask(L, (x & (y & z) >> join) >> meet, ((x & y) >> meet & (x & z) >> meet) >> join, max_seconds=0)
    assert [type(v) for v in (proved, refuted, unknown)] == [Proved, Refuted, Unknown]
    assert [(v.holds, bool(v)) for v in (proved, refuted, unknown)] == [(True, True), (False, False), (None, False)]
    assert isinstance(unknown, Unknown)
    assert "not decided within 0 seconds" in unknown.reason
    for verdict in (proved, refuted, unknown):
        with pytest.raises(dataclasses.FrozenInstanceError):
            verdict.left = src  # type: ignore[misc]


def test_steps_are_read_from_left_to_right(P):
    """A step has law, forward, before, after, place and using; the steps lead from left to right."""
    src, _, inv = P.generators.values()
    proof = ask(P, inv >> inv >> src, src).proof
    (step,) = proof.steps
    assert (step.law, step.forward, step.before, step.after) == ("involution", True, inv >> inv >> src, src)
    assert (step.place, step.using) == ((0, 0), (identity(P["E"]),))
    proof.check()
    assert list(ask(P, src, inv >> inv >> src).proof.steps) == [
        dataclasses.replace(step, forward=False, before=step.after, after=step.before)
    ]


def test_equal_expressions_have_the_empty_proof(P):
    """Equal sides have the empty proof, whatever the limits."""
    src = P["src"]
    proof = ask(P, (src & src) >> proj(P["V"] * P["V"], 0), src, max_seconds=0).proof
    assert len(proof.steps) == 0
    proof.check()
    Proof(P, src, src, []).check()


def test_a_witness_is_a_system_or_a_model():
    """Witnesses are complete confluent systems or finite models; a bounded one where every law preserves length."""
    P, _, B, s, r = retraction()
    system = ask(P, r >> s, identity(B)).witness
    assert (system.kind, system.check()) == ("system", None)
    M = lattice()
    L = M["L"]
    x, y, z = (proj(L * L * L, i) for i in range(3))
    meet, join = M["meet"], M["join"]
    model = ask(M, (x & (y & z) >> join) >> meet, ((x & y) >> meet & (x & z) >> meet) >> join).witness
    assert (model.kind, model.check()) == ("model", None)
    braids = monoid("ab", [("aba", "bab")])
    bounded = [ask(braids, word(braids, "aabba"), word(braids, "abbaa")).witness for _ in range(2)]
    assert {witness.kind for witness in bounded} == {"model", "system"}
    for witness in (system, model, *bounded):
        witness.check()
        assert json.loads(json.dumps(witness.to_json()))["kind"] == witness.kind


def test_presentations_grow_and_verdicts_keep_their_laws():
    """A law that is added after a verdict changes neither its laws nor whether it checks."""
    P, _, B, s, r = retraction()
    refuted, proved = ask(P, r >> s, identity(B)), ask(P, s >> r >> s, s)
    P.law(r >> s, identity(B), name="inverse")
    (C,) = P.objects("C")
    P.morphism("new", C, P["A"])
    refuted.witness.check()
    proved.proof.check()
    assert list(refuted.witness.laws) == list(proved.proof.laws) == ["retraction"]
    assert holds(P, r >> s, identity(B)) is True
    with pytest.raises(InvalidWitness):
        dataclasses.replace(refuted.witness, laws=P.laws_as_they_stand()).check()


def test_seconds_only_make_an_answer_unknown_and_are_kept():
    """The time includes building the proof: a proof of 3¹³ steps is not written down in half a second."""
    P = monoid("abc", [("abb", "aaba"), ("aabc", "bacb"), ("a", "b")])
    start = time.perf_counter()
    verdict = ask(P, word(P, "aaa" + "c" * 13 + "a"), word(P, "aaa" + "c" * 13), max_seconds=0.5)
    assert time.perf_counter() - start < 20, "unbounded, writing it down takes minutes; a loaded machine some seconds"
    assert isinstance(verdict, Unknown)
    assert "the sides are equal, but their proof is too long to be written down" in verdict.reason
    assert holds(P, word(P, "aaacca"), word(P, "aaacc")) is True


def test_an_easy_refutation_does_not_wait_for_a_long_reduction():
    """Four thousand letters that would have to pass each other: a model with two elements counts them."""
    P = monoid("ab", [("ab", "ba")])
    witness = ask(P, word(P, "ab" * 2_000), word(P, "ba" * 1_999 + "aa")).witness
    assert witness.kind == "model"
    witness.check()


def test_only_laws_that_have_a_say_are_completed():
    """Thirty groups beside the one that is asked about cost nothing; the witness says no more than it has to."""
    P = Presentation("Groups")
    for i in range(30):
        (G,) = P.objects(f"G{i}")
        mul, one, inv = P.morphism(f"mul{i}", G * G, G), P.morphism(f"one{i}", P.unit, G), P.morphism(f"inv{i}", G, G)
        P.law(mul @ identity(G) >> mul, identity(G) @ mul >> mul)
        P.law((drop(G) >> one & identity(G)) >> mul, identity(G))
        P.law((inv & identity(G)) >> mul, drop(G) >> one)
    witness = ask(P, P["mul0"], swap(P["G0"], P["G0"]) >> P["mul0"]).witness
    assert isinstance(witness, TermSystem)
    assert len(witness.equations) == 10
    witness.check()
    # What is asked about has a say, and so has all that leads to it.
    leading = P.morphism("f", P["G1"], P["G0"])
    P.law(P["mul1"] >> leading, leading @ leading >> P["mul0"], name="homomorphism")
    witness = ask(P, P["mul0"], swap(P["G0"], P["G0"]) >> P["mul0"]).witness
    witness.check()
    if isinstance(witness, TermSystem):
        with pytest.raises(InvalidWitness):
            dataclasses.replace(witness, equations=witness.equations[:10]).check()
    assert holds(P, P["one1"] >> leading, P["one0"]) is True


# hom ----------------------------------------------------------------------------------------------------------


def test_hom_lists_normal_forms(P):
    """`hom` lists the distinct morphisms as normal forms, also between products, to 1 and out of 1."""
    V, E = P.sorts.values()
    src, tgt, inv = P.generators.values()
    assert P.hom(E, V) == [src, tgt]
    assert P.hom(E, E) == [identity(E), inv]
    assert (P.hom(V, E), P.hom(P.unit, V), P.hom(V, E, limit=0)) == ([], [], [])
    assert (P.hom(E, P.unit), P.hom(P.unit, P.unit)) == ([drop(E)], [identity(P.unit)])
    assert set(P.hom(V * E, V)) == {proj(V * E, 0), proj(V * E, 1) >> src, proj(V * E, 1) >> tgt}
    assert len(P.hom(E, V * V)) == P.count(E, V * V) == 4
    with pytest.raises(NotDecided, match="there are 2 morphisms E -> V, more than the limit of 1"):
        P.hom(E, V, limit=1)


def test_hom_says_what_is_infinite_and_what_is_not_known():
    """`Infinite` where there is no end, `NotDecided` where time ran out."""
    P = monoid("f", [])
    with pytest.raises(Infinite, match="f leads from a normal form to another one again and again"):
        P.hom(P["X"], P["X"])
    assert P.hom(P.unit, P["X"]) == []
    hard = monoid("abcde", [("ac", "ca"), ("ad", "da"), ("bc", "cb"), ("bd", "db"), ("eca", "ce"), ("edb", "de")])
    hard.law(word(hard, "cca"), word(hard, "ccae"))
    with pytest.raises(NotDecided, match=r"within 0\.01 seconds"):
        hard.hom(hard["X"], hard["X"], max_seconds=0.01)
    assert P.hom(P["X"], P.unit) == [drop(P["X"])]
    with pytest.raises(TheoryError, match="hom: 'X' is no object"):
        P.hom("X", P["X"])  # type: ignore[arg-type]


def test_hom_with_operations_of_several_arguments():
    """Products in laws: listed by normal forms of terms."""
    P = semilattice()
    L = P["L"]
    assert [len(P.hom(L, L)), len(P.hom(L * L, L)), len(P.hom(L * L, L * L)), len(P.hom(P.unit, L))] == [1, 3, 9, 0]
    G = group()
    with pytest.raises(Infinite, match="mul leads from a normal form to another one again and again"):
        G.hom(G["G"], G["G"])


# Products -----------------------------------------------------------------------------------------------------


def test_equality_is_that_of_the_free_category_with_products():
    """`==` and `hash` are equality of expressions; what they do not identify, `prove` may."""
    P = Presentation("P")
    A, B, C = P.objects("A", "B", "C")
    f, g, m = P.morphism("f", A, B), P.morphism("g", B, C), P.morphism("m", C, A * B)
    u, one = P.morphism("u", A, P.unit), P.morphism("one", P.unit, P.unit)
    for left, right in [
        ((f >> g) >> m, f >> (g >> m)),
        ((m >> proj(A * B, 0)) & (m >> proj(A * B, 1)), m),
        (f >> drop(B), drop(A)),
        (u, drop(A)),
        (one, identity(P.unit)),
        (proj(A, 0), identity(A)),
        (f @ g, (proj(A * B, 0) >> f) & (proj(A * B, 1) >> g)),
        (drop(A) @ identity(B), proj(A * B, 1)),
        ((f & drop(A)) & f, f & f),
    ]:
        assert left == right
        assert hash(left) == hash(right)
        assert ask(P, left, right, max_seconds=0).holds
    assert A * P.unit is A
    assert (A * B) * C is A * (B * C)
    assert f & f != f @ f  # type: ignore[comparison-overlap]
    assert (f.dom, f.cod, str(f >> g), str(m @ f)) == (A, B, "f >> g", "m @ f")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda A, B, f, q: f >> f, "f >> f: `f` ends at B, but `f` starts at A"),
        (lambda A, B, f, q: f & identity(B), "both sides of a pairing start at one object"),
        (lambda A, B, f, q: f >> q, "`q` belongs to Q, not to P"),
        (lambda A, B, f, q: f & q, "`q` belongs to Q, not to P"),
        (lambda A, B, f, q: f @ q, "`X` belongs to Q, not to P"),
        (lambda A, B, f, q: A * q.dom, "`X` belongs to Q, not to P"),
        (lambda A, B, f, q: proj(A * B, 2), "A \\* B has 2 factors, so a position is 0 or 1"),
        (lambda A, B, f, q: proj(A * B, -1), "so a position is 0 or 1"),
        (lambda A, B, f, q: proj(A * B, True), "so a position is 0 or 1"),
        (lambda A, B, f, q: proj(f, 0), "a projection is that of an object"),
        (lambda A, B, f, q: drop(f), "what is discarded is an object"),
        (
            lambda A, B, f, q: identity("A"),  # type: ignore[arg-type]
            "an identity is that of an object",
        ),
    ],
)
def test_ends_that_do_not_meet_raise_at_the_call(make, message):
    """Ends that do not meet and things of another presentation are errors where they are written."""
    P, Q = Presentation("P"), Presentation("Q")
    A, B = P.objects("A", "B")
    (X,) = Q.objects("X")
    with pytest.raises(TheoryError, match=message) as caught:
        make(A, B, P.morphism("f", A, B), Q.morphism("q", X, X))
    assert isinstance(caught.value, ValueError)


def test_sides_that_are_not_parallel_raise_at_the_call(P):
    """`law` and `prove` want parallel sides of their own presentation."""
    other = monoid("f", [])
    for call in (P.prove, P.law):
        with pytest.raises(TheoryError, match="the sides are not parallel"):
            call(P["src"], P["inv"])
        with pytest.raises(TheoryError, match="belongs to"):
            call(other["f"], other["f"])
        with pytest.raises(TheoryError, match="'src' is no morphism"):
            call("src", "src")
    with pytest.raises(TheoryError, match="'V' is no object"):
        P.morphism("x", "V", P["V"])  # type: ignore[arg-type]
    assert list(P.laws) == ["involution", "flip"]
    assert "x" not in P.generators


# Traps --------------------------------------------------------------------------------------------------------


def test_the_trap_of_the_empty_sort():
    """drop(A) >> c = drop(A) >> d says c = d only where A has an element; a step names one."""
    P = empty_sort()
    A, c, d = P["A"], P["c"], P["d"]
    assert holds(P, c, d) is False
    assert holds(P, drop(A) >> c, drop(A) >> d) is True
    with pytest.raises(InvalidProof, match="`using` names 0"):
        Proof(P, c, d, [Step("equal_over_A", True, c, d, (0,), ())]).check()
    a = P.morphism("a", P.unit, A)
    assert holds(P, c, d) is True
    Proof(P, c, d, [Step("equal_over_A", True, c, d, (0,), (a,))]).check()


def test_degenerate_presentations():
    """Laws with equal sides, between constants, out of 1, into products; generators into 1; sorts without any."""
    P = Presentation("Odd")
    A, B, C = P.objects("A", "B", "C")
    f, g = P.morphism("f", A, B), P.morphism("g", A, B)
    c, d, u = P.morphism("c", P.unit, A), P.morphism("d", P.unit, A), P.morphism("u", A, P.unit)
    P.law(f, f)
    P.law(u, drop(A))
    assert holds(P, f, g) is False
    assert holds(P, c, d) is False
    P.law(c, d, name="constants")
    assert holds(P, c >> f, d >> f) is True
    assert holds(P, drop(C) >> c, drop(C) >> d) is True
    P.law(f & g, g & f, name="components")
    assert holds(P, f, g) is True
    assert holds(P, c >> f & d >> g, (c & c) >> f @ f) is True
    h = P.morphism("h", A * B, B * A)
    P.law(h, swap(A, B), name="swap")
    assert holds(P, h >> proj(B * A, 1), proj(A * B, 0)) is True
    assert holds(P, (c & c >> f) >> h >> proj(B * A, 0), d >> g) is True
    assert (P.hom(C, C), P.hom(P.unit, C), P.hom(C, A)) == ([identity(C)], [], [drop(C) >> c])


def test_paths_below_an_operation_are_refuted_with_a_model_that_checks():
    """The words that differ are applied to the value of an operation, which the model has to place."""
    P = Presentation("Below")
    A, B = P.objects("A", "B")
    f0, f1 = P.morphism("f0", B, B * A), P.morphism("f1", B, A)
    f2, f3 = P.morphism("f2", A * A, B), P.morphism("f3", B, B)
    P.law(f3 >> f1, f0 >> proj(B * A, 0) >> f1)
    start = (identity(A) & identity(A)) >> f2
    for _ in range(2):
        assert holds(P, start >> f0 >> proj(B * A, 0) >> f3, start >> f3 >> f3) is False
    assert holds(P, (start & start) >> proj(B * B, 0) >> f3 >> f1, start >> f0 >> proj(B * A, 0) >> f1) is True


def test_undo_follows_from_the_three_laws_of_lenses_and_not_from_two():
    """PutGet, GetPut and PutPut give Undo."""
    for put_put in (True, False):
        P = lens(put_put)
        S, V = P.sorts.values()
        assert holds(P, (P["put"] & proj(S * V, 0) >> P["get"]) >> P["put"], proj(S * V, 0)) is put_put


def test_the_theory_loads_no_numpy():
    """`learningdiagrams.theory` is a library of its own."""
    program = (
        "import sys; from learningdiagrams.theory import *; from learningdiagrams.theory import Presentation\n"
        "P = Presentation(); (A,) = P.objects('A'); f = P.morphism('f', A, A); P.prove(f, f >> f).witness.check()\n"
        "print([name for name in ('numpy', 'torch', 'jax', 'sympy', 'lark') if name in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert out.stdout == "[]\n"
