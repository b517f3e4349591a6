"""The interface of the theory: proofs and witnesses, made by hand and forged."""

from __future__ import annotations

import dataclasses
from itertools import product
from typing import Any

import pytest

from learningdiagrams.theory import (
    InvalidProof,
    InvalidWitness,
    Law,
    Presentation,
    Proof,
    Proved,
    Step,
    TheoryError,
    drop,
    identity,
    proj,
)
from learningdiagrams.theory.proofs import PathChain
from learningdiagrams.theory.witnesses import FiniteModel, PathSystem, Precedence, TermSystem
from tests.theory.standard import ask, holds, lens, monoid, semilattice, swap, word


def retraction():
    P = Presentation("Retraction")
    A, B = P.objects("A", "B")
    s, r = P.morphism("s", A, B), P.morphism("r", B, A)
    P.law(s >> r, identity(A), name="retraction")
    return P, A, B, s, r


# Certificates -------------------------------------------------------------------------------------------------


def test_proofs_are_made_by_hand():
    """`Proof` and `Step` are frozen values; what is wrong with a step is an InvalidProof that says so."""
    P = lens()
    S, V = P.sorts.values()
    put, get = P["put"], P["get"]
    step = Step("GetPut", True, (identity(S) & get) >> put, identity(S), (0,), (identity(S),))
    proof = Proof(P, step.before, step.after, [step])
    proof.check()
    with pytest.raises(dataclasses.FrozenInstanceError):
        step.law = "PutPut"  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        proof.left = identity(S)  # type: ignore[misc]
    foreign = lens()
    wrong = ((), (get,), (identity(S), identity(S)), (proj(S * V, 0),))
    for forged in (
        dataclasses.replace(step, law="PutGet"),
        dataclasses.replace(step, law="Put"),
        dataclasses.replace(step, forward=False),
        dataclasses.replace(step, forward=1),
        dataclasses.replace(step, before=identity(S)),
        dataclasses.replace(step, after=step.before),
        *(dataclasses.replace(step, place=place) for place in ((), (1,), (0, 0), (-1,), (0.0,), ("0",))),
        *(dataclasses.replace(step, using=using) for using in wrong),
        dataclasses.replace(step, using=(identity(foreign["S"]),)),
    ):
        with pytest.raises(InvalidProof):
            Proof(P, proof.left, proof.right, [forged]).check()
    for steps in ([], [step, step]):
        with pytest.raises(InvalidProof):
            Proof(P, proof.left, proof.right, steps).check()


def test_no_forged_witness_is_accepted_against_what_is_proved():
    """Whatever rules, equations, orders, lengths and small models are put together, what holds is not refuted."""
    P = monoid("ab", [("ab", "ba"), ("aa", "")])
    left, right = word(P, "aba"), word(P, "b")
    assert holds(P, left, right) is True
    sides = [word(P, text) for text in ("", "a", "b", "ab", "ba", "aa", "aba", "bb")]
    rules = [(old, new) for old, new in product(sides, sides) if old != new]
    for up_to in (None, 0, 2, 3, 100, -1, True, float("nan"), float("inf"), "3"):
        for chosen in ([], *([rule] for rule in rules), rules, [rules[0], rules[3]]):
            with pytest.raises(InvalidWitness):
                PathSystem(P, left, right, chosen, up_to).check()  # type: ignore[arg-type]
    for size, point in product((0, 1, 2), ((), (0,), (1,))):
        functions = list(product(range(size), repeat=size))
        for a, b in product(functions, functions):
            tables = {name: {(i,): (v,) for i, v in enumerate(table)} for name, table in (("a", a), ("b", b))}
            with pytest.raises(InvalidWitness):
                FiniteModel(P, left, right, {"X": size}, tables, point).check()
    L = semilattice()
    A, meet = L["L"], L["meet"]
    for equations in ([], [(meet, swap(A, A) >> meet)], [(meet, proj(A * A, 0))], [(meet, drop(A * A))]):
        for order in (True, False):
            with pytest.raises(InvalidWitness):
                TermSystem(L, meet, swap(A, A) >> meet, equations, Precedence((("meet", 0),), order)).check()
    for wrong in (
        Precedence((), True),
        Precedence((("meet", 1),), True),
        Precedence((("meet", 0),), True, ("meet", 0)),
    ):
        with pytest.raises(InvalidWitness):
            TermSystem(L, meet, proj(A * A, 0), [], wrong).check()


def test_certificates_speak_of_the_laws_of_their_presentation():
    """The laws of a certificate are those that its presentation had at some time, all of them and no others."""
    P, _, B, s, r = retraction()
    P.law(r >> s >> r >> s, r >> s, name="idempotent")
    proof, witness = ask(P, s >> r >> s, s).proof, ask(P, r >> s, identity(B)).witness
    fake = {**P.laws, "inverse": Law("inverse", r >> s, identity(B))}
    step = Step("inverse", True, r >> s, identity(B), (0,), (identity(B),))
    with pytest.raises(InvalidProof, match="the laws, of the proof are not those of Retraction"):
        Proof(P, r >> s, identity(B), [step], laws=fake).check()
    other = retraction()[0]
    for forged in (dataclasses.replace(proof, presentation=other), Proof(other, s, s, [])):
        with pytest.raises(InvalidProof, match="are not those of Retraction"):
            forged.check()
    for change in (
        {"laws": fake},
        {"laws": {"idempotent": P["idempotent"]}},
        {"generators": {"r": r}},
        {"presentation": other},
    ):
        with pytest.raises(InvalidWitness, match="are not those of Retraction"):
            dataclasses.replace(witness, **change).check()


def test_a_proof_of_a_thousand_steps_is_read_lazily():
    """Steps are made when they are asked for; the whole is checked without writing them out."""
    P = monoid("ab", [("ab", "ba")])
    proof = ask(P, word(P, "a" * 32 + "b" * 32), word(P, "b" * 32 + "a" * 32)).proof
    assert isinstance(proof.steps, PathChain)
    assert len(proof.steps) == 1024
    proof.check()
    assert proof.steps[-1].after == proof.right
    Proof(P, proof.left, proof.right, list(proof.steps)).check()


@pytest.mark.parametrize(
    "forged", [{"place": None}, {"using": None}, {"using": (None,)}, {"before": None}, {"after": 3}, {"law": []}]
)
def test_a_step_of_anything_is_no_step(forged):
    """`check()` of a proof raises InvalidProof whatever its fields hold."""
    P = Presentation()
    (A,) = P.objects("A")
    f, g = P.morphism("f", A, A), P.morphism("g", A, A)
    P.law(f >> f, g)
    verdict = P.prove(f >> f, g)
    assert isinstance(verdict, Proved)
    (step,) = verdict.proof.steps
    wrong: list[Any] = [[dataclasses.replace(step, **forged)], [None]]
    for steps in wrong:
        with pytest.raises(InvalidProof, match="not well formed"):
            Proof(P, f >> f, g, steps).check()


@pytest.mark.parametrize("seconds", [-1, float("nan"), None, "1", True])
def test_seconds_are_a_number(seconds):
    P = Presentation()
    (A,) = P.objects("A")
    f, g = P.morphism("f", A, A), P.morphism("g", A, A)
    with pytest.raises(TheoryError, match="max_seconds is a number of seconds, 0 or more, not"):
        P.prove(f, g, max_seconds=seconds)
