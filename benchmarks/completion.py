"""Deciding path equations: completion against libsemigroups, checking proofs, easy questions about large
things.

Completion keeps the provenance of every rule, from which proofs are unfolded; libsemigroups (C++) keeps none.
Both start from the same words and are timed in turns; figures are the best of some rounds, since other work
on the machine only ever adds to them. libsemigroups takes at most 128 letters. Run it as `python
benchmarks/completion.py`, in an environment that has libsemigroups_pybind11 to see the ratios; the theory
itself needs nothing but Python.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from learningdiagrams.theory import Presentation
from learningdiagrams.theory.completion import Completion
from learningdiagrams.theory.paths import Paths
from learningdiagrams.theory.proofs import Proof
from tests.theory import standard

try:
    import libsemigroups_pybind11 as peer  # type: ignore[import-not-found]
except ImportError:
    peer = None
else:
    QUIET = peer.ReportGuard(False)

Words = list[tuple[str, str]]


def order1080() -> Presentation:
    """A group of order 1080 (libsemigroups' own test 004)."""
    inverses = [("aA", ""), ("Aa", ""), ("bB", ""), ("Bb", "")]
    return standard.monoid("abAB", [*inverses, ("aaa", ""), ("bbb", ""), ("ab" * 4, ""), ("aB" * 5, "")])


CASES: dict[str, tuple[Callable[[], Presentation], float | None]] = {
    "simplex up to [3]": (lambda: standard.simplex(3), 10),
    "simplex up to [4]": (lambda: standard.simplex(4), 10),
    "simplex up to [5]": (lambda: standard.simplex(5), 30),
    "5-cube": (lambda: standard.cube(5), 10),
    "6 x 6 grid": (lambda: standard.grid(6), 10),
    "order 1080": (order1080, 30),
    "10 x 10 grid": (lambda: standard.grid(10), None),
    "7-cube": (lambda: standard.cube(7), None),
}


def words(presentation: Presentation) -> tuple[int, Words]:
    """The laws as words, and how many letters there are."""
    paths = Paths(presentation)
    paths.update()
    equations = [(lemma.left, lemma.right) for lemma in paths.completion.lemmas]
    return len(paths.letters), equations


def complete(equations: Words) -> tuple[float, int]:
    """Seconds for completing, and the number of rules."""
    start = time.perf_counter()
    completion = Completion(equations)
    assert completion.run()
    return time.perf_counter() - start, len(completion.rules)


def complete_by_peer(letters: int, equations: Words) -> tuple[float, int] | None:
    """The same by libsemigroups; None where it takes no such alphabet."""
    if peer is None or letters > 128:
        return None
    numbers = [([ord(x) for x in left], [ord(x) for x in right]) for left, right in equations]
    start = time.perf_counter()
    presentation = peer.Presentation(list(range(letters)))
    presentation.contains_empty_word(True)
    for left, right in numbers:
        peer.presentation.add_rule(presentation, left, right)
    completion = peer.KnuthBendix(peer.congruence_kind.twosided, presentation)
    completion.run()
    return time.perf_counter() - start, completion.number_of_active_rules()


def compare(rounds: int) -> None:
    print(f"{'completion':20}{'rules':>7}{'ours':>12}{'peer':>12}{'ratio':>8}{'at most':>9}")
    for name, (make, bound) in CASES.items():
        letters, equations = words(make())
        ours, theirs, rules = [], [], 0
        for _ in range(rounds):
            seconds, rules = complete(equations)
            ours.append(seconds)
            other = complete_by_peer(letters, equations)
            if other is not None:
                theirs.append(other[0])
                assert other[1] == rules, f"{name}: {rules} rules here, {other[1]} there"
        peer_text = f"{1e3 * min(theirs):9.2f} ms" if theirs else "refused" if peer else "-"
        ratio = f"{min(ours) / min(theirs):.1f}" if theirs else "-"
        row = f"{name:20}{rules:7}{1e3 * min(ours):9.2f} ms{peer_text:>12}{ratio:>8}"
        print(row + (f"{bound:9g}" if bound else ""))


def timed(what: str, work: Callable[[], object], rounds: int = 5) -> None:
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    print(f"{what:66}{1e3 * statistics.median(times):10.2f} ms")


def proofs() -> None:
    print()
    for side in (32, 100):
        P = standard.monoid("ab", [("ab", "ba")])
        left, right = standard.word(P, "a" * side + "b" * side), standard.word(P, "b" * side + "a" * side)
        proof = standard.proof_of(P, left, right)
        count = len(proof.steps)
        timed(f"a proof of {count} steps: built", lambda P=P, a=left, b=right: P.prove(a, b))
        timed(f"a proof of {count} steps: checked", proof.check)
        if side == 32:
            steps = list(proof.steps)
            timed(f"a proof of {count} steps, written out: checked", Proof(P, left, right, steps).check)
    group = standard.group()
    G = group.sorts["G"]
    product = (
        standard.swap(G, G) >> group.generators["inv"] @ group.generators["inv"] >> group.generators["mul"]
    )
    timed("groups: completed, and (xy)^-1 = y^-1 x^-1 proved", _group_question)
    proof = standard.proof_of(group, group.generators["mul"] >> group.generators["inv"], product)
    timed(f"groups: the proof of {len(proof.steps)} steps checked", proof.check)


def _group_question() -> None:
    P = standard.group()
    G = P.sorts["G"]
    mul, inv = P.generators["mul"], P.generators["inv"]
    assert P.prove(mul >> inv, standard.swap(G, G) >> inv @ inv >> mul)


def large() -> None:
    print()

    def build() -> tuple[Presentation, list]:
        P = Presentation("Large")
        sorts = P.objects(*(f"A{i}" for i in range(200)))
        generators = [P.morphism(f"f{i}", sorts[i % 200], sorts[(i * 7 + 1) % 200]) for i in range(1_000)]
        for i in range(200):
            others = [g for g in generators if g.dom is generators[i].cod]
            P.law(generators[i] >> others[0], generators[i] >> others[1])
        return P, generators

    presentations = [build() for _ in range(5)]
    fresh = iter(presentations)

    def first_question() -> None:
        P, _ = next(fresh)
        law = next(iter(P.laws.values()))
        assert P.prove(law.left, law.right)

    timed("1000 generators, 200 laws: an easy question, the first one", first_question)
    P, generators = presentations[0]
    timed(
        "1000 generators, 200 laws: an easy question, refuted",
        lambda: P.prove(generators[5], generators[205]),
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    compare(parser.parse_args().rounds)
    proofs()
    large()
