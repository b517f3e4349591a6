"""Questions narrowed to the equations that matter: the same answers as from all equations."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from learningdiagrams.relevance import MANY, Equation, Question, Relevance, translated, translated_object
from learningdiagrams.theory import Morphism, Object, Presentation, Proved, drop, identity, proj
from learningdiagrams.theory.proofs import Proof


def made_of(P: Presentation, laws: list[tuple[Morphism, Morphism]]) -> Relevance:
    equations = [Equation(f"l{i}", f"l{i}", left, right) for i, (left, right) in enumerate(laws)]
    return Relevance("R", P.generators.values(), equations)


def proof(relevance: Relevance, left: Morphism, right: Morphism, without: str | None = None) -> Proof:
    """The proof of an equation that follows."""
    verdict = Question(relevance, left, right, without).answer(2.0)
    assert isinstance(verdict, Proved), verdict
    return verdict.proof


def rules(relevance: Relevance, left: Morphism, right: Morphism, without: str | None = None) -> set[str] | None:
    found = relevance.rules_between(left, right, without)
    return None if found is None else {relevance.source(rule) for rule in found}


@pytest.fixture
def heads():
    """Two heads on one backbone, each with its label, and an average that labels agree with."""
    P = Presentation("Heads")
    S, X, Z, Y = P.objects("S", "X", "Z", "Y")
    x, b = P.morphism("x", S, X), P.morphism("b", X, Z)
    h, k = P.morphism("h", Z, Y), P.morphism("k", Z, Y)
    y, z = P.morphism("y", S, Y), P.morphism("z", S, Y)
    return P, made_of(P, [(x >> b >> h, y), (x >> b >> k, z), (x >> b >> h, z)])


def test_what_no_equation_reaches_needs_no_question(heads):
    P, relevance = heads
    x, b, _, k, y, z = P.generators.values()
    assert rules(relevance, x >> b >> k, z, without="l1") is None
    assert rules(relevance, y, z) == {"l0", "l1", "l2"}
    assert rules(relevance, y, z, without="l1") == {"l0", "l2"}
    assert [step.law for step in proof(relevance, y, z).steps] == ["l0", "l2"]
    assert Question(relevance, y, z, without="l2").answer(1.0) is None


def test_equal_sides_have_the_empty_proof(heads):
    P, relevance = heads
    assert len(proof(relevance, P["y"], P["y"]).steps) == 0


def test_what_is_counted_tells_goals_apart():
    P = Presentation("Inverses")
    A, B = P.objects("A", "B")
    f = [P.morphism(f"f{i}", A, B) for i in range(3)]
    r = [P.morphism(f"r{i}", B, A) for i in range(3)]
    laws = [(a >> b, identity(A)) for a, b in zip(f, r, strict=True)]
    relevance = made_of(P, [*laws, (f[0] >> r[1], identity(A)), (f[1] >> r[0], identity(A))])
    # f0 r0 + f1 r1 = f0 r1 + f1 r0: of these four each may follow from the others, f2 r2 cannot.
    assert [relevance.counts_allow(f"l{i}") for i in range(5)] == [True, True, False, True, True]
    assert relevance.counted(f[0].parts[0]) == relevance.counted(f[1].parts[0]) != relevance.counted(f[2].parts[0])


def test_an_equation_that_drops_a_variable_is_not_counted_with():
    P = Presentation("Constant")
    (A,) = P.objects("A")
    f, c = P.morphism("f", A, A), P.morphism("c", P.unit, A)
    relevance = made_of(P, [(f, drop(A) >> c), (f >> f, f)])
    assert relevance.counts_allow("l1") and relevance.counted(f.parts[0]) is None
    proof(relevance, f >> f, f, without="l1").check()


def test_something_is_put_for_a_variable_that_a_side_does_not_have():
    """k(x) = f(g(x)) = x: what is put for the variable is made by g, which no equation mentions."""
    P = Presentation("Inserted")
    A, B = P.objects("A", "B")
    f, k, g = P.morphism("f", B, A), P.morphism("k", A, A), P.morphism("g", A, B)
    first = (proj(B * A, 0) >> f, proj(B * A, 1))
    second = (proj(A * B, 0) >> k, proj(A * B, 1) >> f)
    relevance = made_of(P, [first, second])
    proof(relevance, k, identity(A)).check()
    assert relevance.insertable((B,)) == dict.fromkeys(m.parts[0] for m in (g, f, k))


def test_where_no_equation_loses_a_variable_nothing_becomes_constant():
    P = Presentation("Kept")
    A, B = P.objects("A", "B")
    f, g = P.morphism("f", A, B), P.morphism("g", A, B)
    relevance = made_of(P, [(f, g)])
    assert rules(relevance, proj(A * A, 0) >> f, proj(A * A, 1) >> g) is None
    assert rules(relevance, proj(A * A, 0) >> f, proj(A * A, 0) >> g) == {"l0"}


def test_a_short_proof_is_found_next_to_very_many_equations():
    P = Presentation("Wide")
    (A,) = P.objects("A")
    f = [P.morphism(f"f{i}", A, A) for i in range(60)]
    relevance = made_of(P, [(f[i] >> f[(i + 1) % 60], f[(i + 2) % 60]) for i in range(60)])
    long = f[0] >> f[1] >> f[3]
    assert len(relevance.rules_between(long, f[4]) or ()) > MANY
    # By l0 to f2 f3, by l2 to f4.
    assert len(proof(relevance, long, f[4]).steps) == 2


def _random(P: Presentation, rng: random.Random, dom: Object, cod: Object, depth: int) -> Morphism | None:
    own = [proj(dom, i) for i, sort in enumerate(dom.factors) if sort is cod]
    if own and (depth == 0 or rng.random() < 0.3):
        return rng.choice(own)
    generators = [g for g in P.generators.values() if g.cod is cod and (depth or not g.dom.factors)]
    for generator in rng.sample(generators, len(generators)):
        drawn = [_random(P, rng, dom, sort, depth - 1) for sort in generator.dom.factors]
        parts = [part for part in drawn if part is not None]
        if len(parts) == len(drawn):
            made = parts[0] if parts else drop(dom)
            for part in parts[1:]:
                made = made & part
            return made >> generator
    return None


def with_laws(P: Presentation, laws: list[tuple[Morphism, Morphism]]) -> Presentation:
    """A copy of a presentation, with all of its generators and these laws."""
    made = Presentation(P.name)
    made.objects(*P.sorts)
    for name, generator in P.generators.items():
        made.morphism(name, *(translated_object(end, made) for end in (generator.dom, generator.cod)))
    for left, right in laws:
        made.law(translated(left, made), translated(right, made))
    return made


@given(st.integers(0, 10**9))
@settings(max_examples=150)
def test_each_law_follows_from_the_others_exactly_if_it_does_from_all_others(seed):
    rng = random.Random(seed)
    P = Presentation("Random")
    sorts = P.objects(*"AB"[: rng.randint(1, 2)])
    arity = rng.choice([1, 1, 2])
    for name in "fghkl"[: rng.randint(2, 5)]:
        count = rng.choice([0, 1, 1, 1, arity])
        P.morphism(name, P.signature.product(rng.choices(sorts, k=count)), rng.choice(sorts))
    laws = []
    for _ in range(rng.randint(1, 5)):
        dom, cod = P.signature.product(rng.choices(sorts, k=rng.randint(1, arity))), rng.choice(sorts)
        left, right = _random(P, rng, dom, cod, rng.randint(0, 3)), _random(P, rng, dom, cod, rng.randint(0, 2))
        if left is not None and right is not None:
            laws.append((left, right))
    relevance = made_of(P, laws)
    for i, (left, right) in enumerate(laws):
        narrow = Question(relevance, left, right, f"l{i}").answer(0.2)
        others = with_laws(P, laws[:i] + laws[i + 1 :])
        whole = others.prove(translated(left, others), translated(right, others), max_seconds=0.2)
        if narrow is None:
            assert whole.holds is not True
        elif narrow.holds is not None and whole.holds is not None:
            assert narrow.holds == whole.holds
        if isinstance(narrow, Proved):
            narrow.proof.check()
            assert f"l{i}" not in {step.law for step in narrow.proof.steps}
            assert relevance.counts_allow(f"l{i}")
