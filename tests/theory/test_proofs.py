"""Proofs: what is accepted, what is printed, and that nothing forged is accepted."""

from __future__ import annotations

import dataclasses
import json
from itertools import pairwise

import pytest

from learningdiagrams.theory import (
    InvalidProof,
    Presentation,
    Proof,
    Step,
    drop,
    identity,
    proj,
)
from learningdiagrams.theory.proofs import PathChain, PathMove, PathRun

from .standard import group, lens, monoid, proof_of, swap, word


def path_proof():
    """A proof by path laws with several steps, in both directions."""
    P = monoid("abc", [("ab", "ba"), ("bc", "cb"), ("ac", "ca"), ("cc", "")])
    return P, proof_of(P, word(P, "cabc"), word(P, "ab"))


def term_proof():
    P = group()
    (G,) = P.sorts.values()
    return P, proof_of(P, P["mul"] >> P["inv"], swap(G, G) >> P["inv"] @ P["inv"] >> P["mul"])


def by_hand(proof):
    """The same proof, as somebody would write it down: a list of steps."""
    return Proof(proof.presentation, proof.left, proof.right, list(proof.steps))


PROOFS = [pytest.param(path_proof, id="paths"), pytest.param(term_proof, id="terms")]


@pytest.mark.parametrize("make", PROOFS)
def test_steps_lead_from_left_to_right(make):
    _, proof = make()
    steps = list(proof.steps)
    assert len(steps) == len(proof.steps) > 1
    assert steps[0].before == proof.left
    assert steps[-1].after == proof.right
    assert all(one.after == other.before for one, other in pairwise(steps))
    assert steps[0] == proof.steps[0]
    assert steps[-1] == proof.steps[-1]
    assert proof.steps[1:3] == tuple(steps[1:3])
    with pytest.raises(IndexError, match=f"step {len(steps)} of a proof of {len(steps)} steps"):
        proof.steps[len(steps)]
    proof.check()
    by_hand(proof).check()
    assert by_hand(proof).steps == tuple(steps)
    assert hash(by_hand(proof)) == hash(by_hand(proof))


@pytest.mark.parametrize("make", PROOFS)
def test_no_step_leads_back_to_where_the_proof_has_been(make):
    _, proof = make()
    places = [proof.left, *(step.after for step in proof.steps)]
    assert len(set(places)) == len(places)


@pytest.mark.parametrize("make", PROOFS)
def test_every_forged_field_of_every_step_is_rejected(make):
    P, proof = make()
    steps = list(proof.steps)
    wrong_place = {(0,), (0, 0), (0, 1), (0, 0, 0), (1,), (0, 9), (-1,), ()}
    for number, step in enumerate(steps):
        forgeries = [
            *(dataclasses.replace(step, law=name) for name in [*P.laws, "no_such_law"] if name != step.law),
            dataclasses.replace(step, forward=not step.forward),
            dataclasses.replace(step, before=step.after),
            dataclasses.replace(step, after=step.before),
            dataclasses.replace(step, after=proof.left if number else proof.right),
            *(dataclasses.replace(step, place=place) for place in sorted(wrong_place - {step.place})),
            dataclasses.replace(step, using=step.using[:-1]) if step.using else None,
            dataclasses.replace(step, using=(*step.using, identity(proof.left.dom))),
        ]
        for forged in forgeries:
            if forged is None or _says_the_same(P, forged, step):
                continue
            with pytest.raises(InvalidProof):
                Proof(P, proof.left, proof.right, [*steps[:number], forged, *steps[number + 1 :]]).check()


def _says_the_same(P: Presentation, forged: Step, step: Step) -> bool:
    """Whether a changed step happens to be as true as the one that it was made from."""
    try:
        Proof(P, step.before, step.after, [forged]).check()
    except InvalidProof:
        return False
    return True


@pytest.mark.parametrize("make", PROOFS)
def test_steps_left_out_doubled_or_swapped_are_rejected(make):
    P, proof = make()
    steps = list(proof.steps)
    for number in range(len(steps)):
        for wrong in (
            steps[:number] + steps[number + 1 :],
            steps[: number + 1] + steps[number:],
            steps[:number],
        ):
            with pytest.raises(InvalidProof):
                Proof(P, proof.left, proof.right, wrong).check()
    with pytest.raises(InvalidProof):
        Proof(P, proof.right, proof.left, steps).check()
    # Read backwards, with every step turned around, it proves the converse.
    turned = [
        dataclasses.replace(step, forward=not step.forward, before=step.after, after=step.before)
        for step in reversed(steps)
    ]
    Proof(P, proof.right, proof.left, turned).check()


def test_forged_runs_of_path_moves_are_rejected():
    P, proof = path_proof()
    assert isinstance(proof.steps, PathChain)
    (run,) = proof.steps.runs

    def with_runs(*runs: PathRun) -> Proof:
        chain = PathChain(proof.left, runs, lambda: iter(()))
        return Proof(P, proof.left, proof.right, chain)

    with_runs(run).check()
    for number, move in enumerate(run.moves):
        for forged in (
            *(move._replace(law=name) for name in [*P.laws, "none"] if name != move.law),
            move._replace(output=1),
            move._replace(output=-1),
            move._replace(forward=not move.forward),
            move._replace(offset=move.offset + 1),
            move._replace(offset=move.offset - 1),
            move._replace(offset=99),
        ):
            moves = (*run.moves[:number], forged, *run.moves[number + 1 :])
            with pytest.raises(InvalidProof):
                with_runs(run._replace(moves=moves)).check()
    for wrong in ((), (run, run), (run._replace(moves=run.moves[:-1]),), (run._replace(place=(1,)),)):
        with pytest.raises(InvalidProof):
            with_runs(*wrong).check()


def test_a_law_is_not_used_in_the_middle_of_the_wrong_object():
    """An identity may be replaced only where the path is at its object."""
    P = Presentation("Typed")
    A, B = P.objects("A", "B")
    f = P.morphism("f", A, B)
    e, h = P.morphism("e", A, A), P.morphism("h", B, B)
    P.law(identity(A), e, name="trivial")
    good = PathChain(f, (PathRun((0,), (PathMove("trivial", 0, True, 0),)),), lambda: iter(()))
    Proof(P, f, e >> f, good).check()
    bad = PathChain(f, (PathRun((0,), (PathMove("trivial", 0, True, 1),)),), lambda: iter(()))
    with pytest.raises(InvalidProof, match="`trivial` is used 1 generators in, where its side does not occur"):
        Proof(P, f, f >> h, bad).check()


def test_a_step_must_name_a_morphism_for_variables_that_do_not_occur():
    P = Presentation("Trap")
    A, B = P.objects("A", "B")
    c, d = P.morphism("c", P.unit, B), P.morphism("d", P.unit, B)
    P.law(drop(A) >> c, drop(A) >> d, name="over_A")
    with pytest.raises(InvalidProof, match=r"step 0: `over_A` has 1 variables, but `using` names 0"):
        Proof(P, c, d, [Step("over_A", True, c, d, (0,), ())]).check()
    with pytest.raises(InvalidProof, match=r"step 0: `over_A` needs a morphism 1 -> A for its variable 0"):
        Proof(P, c, d, [Step("over_A", True, c, d, (0,), (c,))]).check()
    left, right = drop(A) >> c, drop(A) >> d
    Proof(P, left, right, [Step("over_A", True, left, right, (0,), (identity(A),))]).check()


def test_error_texts_of_the_checker():
    P = monoid("fg", [("fg", "gf")])
    f, g = P.generators["f"], P.generators["g"]
    (law,) = P.laws
    step = Step(law, True, f >> g, g >> f, (0,), (identity(f.dom),))
    Proof(P, f >> g, g >> f, [step]).check()
    with pytest.raises(InvalidProof, match="the proof does not end at `f`, where it was to end"):
        Proof(P, f >> g, f, [step]).check()
    with pytest.raises(InvalidProof, match="step 0 starts at `f >> g`, which is not where the proof has got to"):
        Proof(P, g, g >> f, [step]).check()
    with pytest.raises(InvalidProof, match="step 0: there is no law `flw0` in this direction"):
        Proof(P, f >> g, g >> f, [dataclasses.replace(step, law="flw0")]).check()
    with pytest.raises(InvalidProof, match=r"`law0`, backwards at \(0,\), does not take `f >> g` to `g >> f`"):
        Proof(P, f >> g, g >> f, [dataclasses.replace(step, forward=False)]).check()
    with pytest.raises(InvalidProof, match="are not parallel, so that no proof joins them"):
        Proof(P, f, proj(f.dom * f.dom, 0), []).check()


def test_a_proof_as_text_and_latex_and_json():
    P = monoid("fg", [("ff", ""), ("ggg", "g")])
    proof = proof_of(P, word(P, "gffg"), word(P, "gg"))
    assert str(proof) == "g >> f >> f >> g\n  = g >> g    by law0: f >> f -> id(X)"
    assert proof.to_latex() == (
        "\\begin{align*}\n"
        "& \\mathrm{g} \\mathbin{;} \\underline{\\mathrm{f} \\mathbin{;} \\mathrm{f}} "
        "\\mathbin{;} \\mathrm{g} \\\\\n"
        "&= \\mathrm{g} \\mathbin{;} \\mathrm{g} && \\text{by law0}\n"
        "\\end{align*}"
    )
    assert json.loads(json.dumps(proof.to_json())) == [
        {"law": "law0", "forward": True, "before": "g >> f >> f >> g", "after": "g >> g"}
    ]


def test_a_proof_about_terms_in_latex_marks_the_part_that_is_rewritten():
    P = lens()
    S, V = P.sorts.values()
    get, put = P["get"], P["put"]
    proof = proof_of(P, (put & proj(S * V, 0) >> get) >> put, proj(S * V, 0))
    lines = proof.to_latex().splitlines()
    assert lines[0] == "\\begin{align*}"
    assert len(lines) == len(proof.steps) + 3
    assert all(line.count("\\underline") == 1 for line in lines[1:-2])
    assert "\\mathrm{put}(\\mathrm{put}(x_{0}, x_{1}), \\mathrm{get}(x_{0}))" in lines[1].replace(
        "\\underline{", ""
    ).replace(")}", ")")
    assert lines[-2].startswith("&= x_{0} && \\text{by ")
    assert all(f"by {step.law}" in str(proof) for step in proof.steps)


def test_the_empty_proof_prints_its_side():
    P = monoid("f", [])
    proof = proof_of(P, P.generators["f"], P.generators["f"])
    assert str(proof) == "f"
    assert proof.to_latex() == "\\begin{align*}\n& \\mathrm{f}\n\\end{align*}"
    assert proof.to_json() == []
    proof.check()


def test_ten_thousand_steps():
    """Moving 100 letters past 100: no shorter proof exists, and it is replayed word by word."""
    P = monoid("ab", [("ab", "ba")])
    proof = proof_of(P, word(P, "a" * 100 + "b" * 100), word(P, "b" * 100 + "a" * 100))
    assert len(proof.steps) == 10_000
    proof.check()
