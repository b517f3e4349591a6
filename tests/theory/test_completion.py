"""Completion of words: confluence, provenance, detours, areas."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from learningdiagrams.theory.completion import Completion, Use, reversed_chain

from ..strategies import monoids, words


def replayed(completion, word, chain):
    """The word that a chain leads to; every use has to fit."""
    for lemma, forward, offset in chain:
        left, right, _ = completion.lemmas[lemma]
        old, new = (left, right) if forward else (right, left)
        assert word.startswith(old, offset)
        word = word[:offset] + new + word[offset + len(old) :]
    return word


def overlaps_resolve(rules):
    """Whether all overlaps of left-hand sides do, found by trying everything."""

    def normal(word):
        changed = True
        while changed:
            changed = False
            for old, new in rules.items():
                if old in word:
                    word, changed = word.replace(old, new, 1), True
        return word

    for one in rules:
        for other in rules:
            for overlap in range(1, min(len(one), len(other)) + 1):
                if one[-overlap:] == other[:overlap]:
                    sides = rules[one] + other[overlap:], one[:-overlap] + rules[other]
                    if normal(sides[0]) != normal(sides[1]):
                        return False
    return True


@pytest.mark.parametrize(
    ("equations", "rules"),
    [
        ([("aa", ""), ("bbb", ""), ("abab", "")], 6),
        ([("aa", ""), ("bbb", ""), ("ababab", "")], None),
        ([("ab", "ba"), ("bc", "cb"), ("ac", "ca")], 3),
        ([("aaa", "a"), ("a", "b")], 2),
        ([("ab", ""), ("ba", ""), ("abb", "b")], 2),
        ([("a", ""), ("b", "aa")], 2),
    ],
)
def test_complete_systems(equations, rules):
    completion = Completion(equations)
    assert completion.run()
    assert overlaps_resolve(completion.rules)
    assert rules is None or len(completion.rules) == rules
    for left, right in equations:
        assert completion.reduce(left)[0] == completion.reduce(right)[0]


def test_rules_are_inter_reduced():
    completion = Completion([("aa", ""), ("bbb", ""), ("ababababab", "")])
    assert completion.run()
    for left, right in completion.rules.items():
        others = [rule for rule in completion.rules if rule != left]
        assert not any(other in left for other in others)
        assert not any(other in right for other in completion.rules)
        assert (len(right), right) < (len(left), left)


@settings(max_examples=150)
@given(monoids(), words("abc", 8))
def test_every_lemma_and_every_chain_unfolds_to_equations_that_were_given(relations, word):
    completion = Completion((left, right) for left, right in relations if left != right)
    completion.run(max_steps=200)
    given_count = sum(lemma.chain is None for lemma in completion.lemmas)
    for lemma in completion.lemmas:
        if lemma.chain is not None:
            assert replayed(completion, lemma.left, lemma.chain) == lemma.right
            unfolded = completion.unfold(lemma.left, lemma.chain, limit=20_000)
            if unfolded is None:
                break
            assert replayed(completion, lemma.left, unfolded) == lemma.right
            assert all(completion.lemmas[use.lemma].chain is None for use in unfolded)
    assert given_count == len([1 for left, right in relations if left != right])
    reduced, chain = completion.reduce(word)
    assert replayed(completion, word, chain) == reduced
    assert replayed(completion, reduced, reversed_chain(chain)) == word


@settings(max_examples=150)
@given(monoids(), words("abc", 8))
def test_unfolded_chains_have_no_detours(relations, word):
    completion = Completion((left, right) for left, right in relations if left != right)
    completion.run(max_steps=200)
    _, chain = completion.reduce(word)
    unfolded = completion.unfold(word, chain, limit=20_000)
    seen = [word]
    for use in unfolded or ():
        seen.append(replayed(completion, seen[-1], [use]))
    assert len(set(seen)) == len(seen)


@settings(max_examples=100)
@given(monoids("ab", 3, 3))
def test_a_system_said_to_be_complete_is_confluent(relations):
    completion = Completion((left, right) for left, right in relations if left != right)
    if completion.run(max_steps=300):
        assert overlaps_resolve(completion.rules)


def test_areas_are_completed_by_themselves():
    completion = Completion([("aa", "a"), ("bab", "aba"), ("cc", "")])
    (area,) = completion.areas("c")
    assert completion.run([area])
    assert area.complete()
    (other,) = completion.areas("ab")
    assert not other.complete()
    assert completion.areas("acb") == [other, area]
    assert completion.areas("d") == []
    completion.add("c", "ad")
    assert completion.areas("a", "d") == completion.areas("c")


def test_an_equation_that_is_added_later_keeps_what_was_learned():
    completion = Completion([("aa", ""), ("bbb", ""), ("abab", "")])
    assert completion.run()
    steps = completion.steps
    completion.add("b", "")
    assert completion.run()
    assert completion.rules == {"b": "", "aa": ""}
    assert completion.steps > steps


def test_steps_and_lengths_limit_the_work():
    completion = Completion([("aba", "bab")])
    (area,) = completion.areas("a")
    assert area.preserves_length
    assert completion.run(length=7)
    assert area.complete(7)
    assert not completion.run(max_steps=5)
    assert completion.reduce("aaba")[0] == completion.reduce("abab")[0]


def test_a_chain_that_is_too_long_is_not_unfolded():
    completion = Completion([("ab", "ba")])
    completion.run()
    reduced, chain = completion.reduce("b" * 10 + "a" * 10)
    assert reduced == "a" * 10 + "b" * 10
    assert len(chain) == 100
    assert completion.unfold("b" * 10 + "a" * 10, chain, limit=50) is None
    assert completion.unfold("b" * 10 + "a" * 10, chain) == [Use(0, False, use.offset) for use in chain]
