"""Known answers from published sources: all right, with certificates that check."""

from __future__ import annotations

import itertools
import math

import pytest

from learningdiagrams.theory import Infinite, Presentation, Proved, Unknown, identity

from .standard import (
    coxeter,
    cube,
    from_case,
    grid,
    known_cases,
    monad,
    monoid,
    sides,
    simplex,
    sort,
    witness_against,
    word,
)

CASES = [case for case in known_cases() if case["presentation"] is not None]
QUESTIONS = [
    pytest.param(case, question, id=f"{case['id']}-{number}-{question['type']}")
    for case in CASES
    for number, question in enumerate(case["questions"])
]


def decided(presentation: Presentation, left, right) -> bool:
    """The verdict, after its certificate is checked."""
    verdict = presentation.prove(left, right, max_seconds=30)
    assert not isinstance(verdict, Unknown), verdict.reason
    certificate = verdict.proof if isinstance(verdict, Proved) else verdict.witness
    certificate.check()
    return verdict.holds


@pytest.mark.parametrize(("case", "question"), QUESTIONS)
def test_known_answer(case, question):
    P = from_case(case["presentation"])
    if question["type"] == "path_equal":
        assert decided(P, *sides(P, question["lhs"], question["rhs"])) is question["answer"]
    elif question["type"] == "hom_sizes":
        sizes = {
            f"{dom}->{cod}": P.count(sort(P, f"ob_{dom}"), sort(P, f"ob_{cod}"))
            for dom in case["presentation"]["objects"]
            for cod in case["presentation"]["objects"]
        }
        assert {ends: size for ends, size in sizes.items() if size} == question["answer"]
        assert sum(sizes.values()) == question["total"]
        if question["total"] < 200:
            for A in P.sorts.values():
                for B in P.sorts.values():
                    found = P.hom(A, B)
                    assert len(set(found)) == len(found) == P.count(A, B)
    elif question["type"] == "infinite":
        with pytest.raises(Infinite, match="again and again"):
            for A in P.sorts.values():
                for B in P.sorts.values():
                    P.count(A, B)


@pytest.mark.parametrize(("top", "total"), [(1, 7), (2, 31), (3, 121), (4, 456)])
def test_simplex_category(top, total):
    """|Hom([m], [k])| = C(m + k + 1, m + 1)."""
    P = simplex(top)
    assert sum(P.count(A, B) for A in P.sorts.values() for B in P.sorts.values()) == total


def test_the_walking_monad_is_the_category_of_finite_ordinals():
    """There are as many natural maps T^m → T^n made of η and μ as monotone maps of m points to n."""
    P = monad(4)
    T = list(P.sorts.values())
    for m, n in itertools.product(range(5), repeat=2):
        assert P.count(T[m], T[n]) == (math.comb(m + n - 1, m) if n else m == 0)
    ways = [P[f"mu{i}_4"] >> P[f"mu{j}_3"] >> P["mu0_2"] for i in range(3) for j in range(2)]
    assert all(decided(P, ways[0], way) for way in ways)
    assert decided(P, P["eta0_1"], P["eta1_1"]) is False


@pytest.mark.parametrize("dimension", [2, 3, 4])
def test_cube_is_a_poset_with_three_to_the_n_morphisms(dimension):
    P = cube(dimension)
    counts = [P.count(A, B) for A in P.sorts.values() for B in P.sorts.values()]
    assert sum(counts) == 3**dimension
    assert max(counts) == 1


def test_grid_has_one_path_between_any_two_of_its_objects():
    P = grid(5)
    assert P.count(P.sorts["g0_0"], P.sorts["g4_4"]) == 1
    assert P.count(P.sorts["g4_4"], P.sorts["g0_0"]) == 0


@pytest.mark.parametrize(
    ("matrix", "order"),
    [
        pytest.param([[1, 3], [3, 1]], 6, id="A2"),
        pytest.param([[1, 3, 2], [3, 1, 3], [2, 3, 1]], 24, id="A3"),
        pytest.param([[1, 4, 2], [4, 1, 3], [2, 3, 1]], 48, id="B3"),
        pytest.param([[1, 5, 2], [5, 1, 3], [2, 3, 1]], 120, id="H3"),
    ],
)
def test_finite_coxeter_groups_have_their_orders(matrix, order):
    P = coxeter(matrix)
    (X,) = P.sorts.values()
    assert P.count(X, X) == order
    assert len(P.hom(X, X)) == order


def test_affine_coxeter_group_is_infinite():
    P = coxeter([[1, 3, 3], [3, 1, 3], [3, 3, 1]])
    (X,) = P.sorts.values()
    with pytest.raises(Infinite):
        P.count(X, X)


def test_braids():
    """Garside's element Δ = aba of three-strand braids: aΔ = Δb, Δ² is central, and ab is not ba."""
    P = monoid("ab", [("aba", "bab")], "Braids3")
    assert decided(P, word(P, "aaba"), word(P, "abab"))
    assert decided(P, word(P, "abaabaa"), word(P, "aabaaba"))
    assert not decided(P, word(P, "ab"), word(P, "ba"))
    assert witness_against(P, word(P, "aab"), word(P, "abb")).kind == "system"


def test_braid_group_on_four_strands():
    P = monoid(
        "abcABC",
        [
            *(("aA", ""), ("Aa", ""), ("bB", ""), ("Bb", ""), ("cC", ""), ("Cc", "")),
            *(("aba", "bab"), ("bcb", "cbc"), ("ac", "ca")),
        ],
        "BraidGroup4",
    )
    assert decided(P, word(P, "abcabc"), word(P, "abacbc"))
    assert decided(P, word(P, "abA"), word(P, "Bab"))
    assert not decided(P, word(P, "ab"), word(P, "ba"))
    assert not decided(P, word(P, "abc"), word(P, "acb"))


def test_idempotent_splittings():
    """If e = r s with s r = 1 then e is idempotent; and two splittings of one idempotent are isomorphic."""
    P = Presentation("Splittings")
    X, Y, Z = P.objects("X", "Y", "Z")
    r, s, p, q = P.morphism("r", X, Y), P.morphism("s", Y, X), P.morphism("p", X, Z), P.morphism("q", Z, X)
    P.law(s >> r, identity(Y), name="splits_Y")
    P.law(q >> p, identity(Z), name="splits_Z")
    e = r >> s
    assert decided(P, e >> e, e)
    assert not decided(P, e, p >> q)
    P.law(r >> s, p >> q, name="same")
    assert decided(P, (s >> p) >> (q >> r), identity(Y))
    assert decided(P, (q >> r) >> (s >> p), identity(Z))


def test_the_cases_that_a_union_of_rules_without_completion_gets_wrong():
    """Three questions that CatColab's e-graph of 2024 answers with "not equal"."""
    P = monoid("uvst", [("uv", ""), ("vu", ""), ("su", "ut")])
    assert decided(P, word(P, "vs"), word(P, "tv"))
    Z2 = monoid("adAD", [("aA", ""), ("Aa", ""), ("dD", ""), ("Dd", ""), ("ad", "da"), ("aD", "Da")])
    assert decided(Z2, word(Z2, "ADad"), word(Z2, ""))
    assert not decided(Z2, word(Z2, "aad"), word(Z2, "add"))
    A4 = monoid("ab", [("aa", ""), ("bbb", ""), ("ababab", "")])
    assert decided(A4, word(A4, "bab"), word(A4, "abba"))


def test_a_monoid_with_an_undecidable_word_problem_is_answered_where_it_is_easy():
    """Tseitin's monoid of seven relations (1958)."""
    P = monoid(
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
        "Tseitin",
    )
    assert decided(P, word(P, "ecab"), word(P, "ceb"))
    assert not decided(P, word(P, "ab"), word(P, "ba"))
