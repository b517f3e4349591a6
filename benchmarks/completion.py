"""The theory: completion against libsemigroups, building and checking proofs, easy questions about large things,
gluing.

Completion keeps the provenance of every rule, from which proofs are unfolded; libsemigroups (C++) keeps none.
Both start from the same words and are timed in turns, by the time of the processor: all of this is one thread that
waits for nothing. libsemigroups takes at most 128 letters. Ratios to it need an environment that has
libsemigroups_pybind11; the theory itself needs nothing but Python.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from time import thread_time

import learningdiagrams as ld
from benchmarks.pairs import Paired, Row
from learningdiagrams.theory import Presentation, pushout
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
    start = thread_time()
    completion = Completion(equations)
    assert completion.run()
    return thread_time() - start, len(completion.rules)


def complete_by_peer(letters: int, equations: Words) -> tuple[float, int] | None:
    """The same by libsemigroups; None where it takes no such alphabet."""
    if peer is None or letters > 128:
        return None
    numbers = [([ord(x) for x in left], [ord(x) for x in right]) for left, right in equations]
    start = thread_time()
    presentation = peer.Presentation(list(range(letters)))
    presentation.contains_empty_word(True)
    for left, right in numbers:
        peer.presentation.add_rule(presentation, left, right)
    completion = peer.KnuthBendix(peer.congruence_kind.twosided, presentation)
    completion.run()
    return thread_time() - start, completion.number_of_active_rules()


def completions(rounds: int = 7) -> Iterator[Row]:
    """Each case here and by the peer, in turns."""
    for name, (make, bound) in CASES.items():
        letters, equations = words(make())
        found, rules = Paired([], []), 0
        for number in range(-1, rounds):
            # Of what takes milliseconds, the least of several: others on the machine are no part of it.
            seconds, rules = complete(equations)
            repeat = range(max(1, min(20, round(0.1 / seconds))))
            seconds, rules = min(complete(equations) for _ in repeat)
            others = [complete_by_peer(letters, equations) for _ in repeat]
            other = None if others[0] is None else min(it for it in others if it is not None)
            if number < 0:
                continue  # the first round fills caches
            found.ours.append(seconds)
            if other is not None:
                found.hand.append(other[0])
                assert other[1] == rules, f"{name}: {rules} rules here, {other[1]} there"
        what, note = f"completion, {name} (to libsemigroups)", f"{rules} rules"
        if found.hand:
            yield found.row(what, "ms", bound, note)
        else:
            note += f"; the peer {'takes no such alphabet' if peer else 'is not installed'}"
            yield Row(what, min(found.ours) * 1e3, "ms", most=1_000, note=note)


def took(what: str, work: Callable[[], object], most: float | None = None, rounds: int = 5) -> Row:
    """The least time of some rounds, in milliseconds, and its bound."""
    best = float("inf")
    for _ in range(rounds):
        start = thread_time()
        work()
        best = min(best, thread_time() - start)
    return Row(what, best * 1e3, "ms", most=most)


def proofs() -> Iterator[Row]:
    """Proofs built, and replayed by the checker."""
    for side in (32, 100):
        P = standard.monoid("ab", [("ab", "ba")])
        left, right = standard.word(P, "a" * side + "b" * side), standard.word(P, "b" * side + "a" * side)
        proof = standard.proof_of(P, left, right)
        count = len(proof.steps)
        most = 50 if side == 32 else 1_000
        yield took(f"a proof of {count} steps: built", lambda P=P, a=left, b=right: P.prove(a, b), 1_000)
        yield took(f"a proof of {count} steps: checked", proof.check, most)
        if side == 32:
            steps = list(proof.steps)
            yield took(f"a proof of {count} steps, written out: checked", Proof(P, left, right, steps).check, most)
    group = standard.group()
    G = group.sorts["G"]
    product = standard.swap(G, G) >> group.generators["inv"] @ group.generators["inv"] >> group.generators["mul"]
    yield took("groups: completed, and (xy)^-1 = y^-1 x^-1 proved", _group_question)
    proof = standard.proof_of(group, group.generators["mul"] >> group.generators["inv"], product)
    yield took(f"groups: the proof of {len(proof.steps)} steps checked", proof.check)


def _group_question() -> None:
    P = standard.group()
    G = P.sorts["G"]
    mul, inv = P.generators["mul"], P.generators["inv"]
    assert P.prove(mul >> inv, standard.swap(G, G) >> inv @ inv >> mul)


def large() -> Iterator[Row]:
    """Easy questions about a large presentation."""

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

    yield took("1000 generators, 200 laws: an easy question, the first one", first_question, 50)
    P, generators = presentations[0]
    yield took(
        "1000 generators, 200 laws: an easy question, refuted",
        lambda: P.prove(generators[5], generators[205]),
        50,
    )
    diagram = ld.Diagram("Large")
    spaces = diagram.objects(*(f"A{i}" for i in range(200)))
    models = [diagram.model(f"f{i}", spaces[i % 200], spaces[(i * 7 + 1) % 200]) for i in range(1_000)]
    for i in range(200):
        others = [m for m in models if m.dom is models[i].cod]
        diagram.law(models[i] >> others[0], models[i] >> others[1])
    law = next(iter(diagram.laws.values()))
    yield took("a diagram of 1000 models, 200 laws: an easy question", lambda: diagram.prove(law.left, law.right), 50)


def deep() -> Iterator[Row]:
    """Composites of ten thousand generators."""
    P = standard.monoid("fg", [("ff", "f")])
    left, right = standard.word(P, "f" * 10_000), standard.word(P, "f")
    yield took("a composite of 10 000 generators: proved equal to one", lambda: P.prove(left, right), 1_000)
    group = standard.group()
    inv, twice = group.generators["inv"], group.generators["inv"] >> group.generators["inv"]
    for _ in range(9):
        twice = twice >> twice
    yield took("groups: 1024 inverses of inverses, proved", lambda: group.prove(twice >> inv, inv))


def gluing() -> Iterator[Row]:
    """Two presentations glued along half of their generators."""
    peaks = []
    for length in (12_500, 25_000):
        functors = standard.overlapping(length)
        tracemalloc.start()
        pushout(*functors)
        peaks.append(tracemalloc.get_traced_memory()[1] / length)
        tracemalloc.stop()
    functors = standard.overlapping(100_000)
    row = took("two presentations of 100 000 generators glued", lambda: pushout(*functors), 5_000, rounds=2)
    note = f"{peaks[1]:,.0f} bytes a generator at 25 000, {peaks[0]:,.0f} at 12 500"
    yield Row(row.what, row.ours, row.unit, most=row.most, note=note)


def rows() -> Iterator[Row]:
    yield from completions()
    yield from proofs()
    yield from large()
    yield from deep()
    yield from gluing()
