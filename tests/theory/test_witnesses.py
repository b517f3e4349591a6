"""Witnesses: finite models and confluent systems; what is accepted, and that nothing forged is."""

from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from learningdiagrams.theory import InvalidWitness, Presentation, drop, identity, proj
from learningdiagrams.theory.witnesses import FiniteModel, PathSystem, Precedence, TermSystem

from ..strategies import models
from .standard import empty_sort, group, lens, monoid, semilattice, swap, witness_against, word


def retraction():
    P = Presentation("Retraction")
    A, B = P.objects("A", "B")
    s, r = P.morphism("s", A, B), P.morphism("r", B, A)
    P.law(s >> r, identity(A), name="retraction")
    return P, A, B, s, r


def a_model():
    P, _, B, s, r = retraction()
    return P, FiniteModel(P, r >> s, identity(B), {"B": 2}, {"s": {(0,): (1,)}}, point=(0,))


def test_a_model_is_accepted_and_every_forged_field_is_not():
    _, model = a_model()
    model.check()
    forgeries = {
        "left": [model.right],
        "right": [model.left],
        "sets": [{}, {"B": 1}, {"A": 0, "B": 2}, {"B": -1}, {"B": 2.0}, {"A": 2, "B": 2}],
        "tables": [
            {"s": {(0,): (2,)}},
            {"s": {(0,): (0, 1)}},
            {"s": {(1,): (1,)}},
            {"q": {(0,): (1,)}},
            {"s": {(0,): (1,)}, "r": {(0,): (5,)}},
        ],
        "point": [(1,), (2,), (), (0, 0), (-1,)],
    }
    for name, values in forgeries.items():
        for value in values:
            forged = dataclasses.replace(model, **{name: value})
            with pytest.raises(InvalidWitness):
                forged.check()


def test_a_model_must_satisfy_every_law_at_every_point():
    P, _, B, s, r = retraction()
    model = FiniteModel(P, r >> s, identity(B), {"A": 2, "B": 2}, {"s": {(0,): (1,)}}, point=(0,))
    with pytest.raises(InvalidWitness, match=r"law `retraction` does not hold in the model at \(1,\)"):
        model.check()


def test_a_set_may_be_empty_but_only_if_no_generator_gives_it_an_element():
    P = empty_sort()
    model = FiniteModel(P, P["c"], P["d"], {"A": 0, "B": 2}, {"d": {(): (1,)}}, ())
    model.check()
    assert "A has 0 elements, B has 2" in str(model)
    with pytest.raises(InvalidWitness, match=r"law `equal_over_A` does not hold in the model at \(0,\)"):
        dataclasses.replace(model, sets={"A": 1, "B": 2}).check()
    P.morphism("a", P.unit, P["A"])
    model.check()
    with pytest.raises(InvalidWitness, match="`a` has no value at some point of 1"):
        FiniteModel(P, P["c"], P["d"], {"A": 0, "B": 2}, {"d": {(): (1,)}}, ()).check()


def test_a_model_has_sets_for_objects_only():
    P, _, B, s, r = retraction()
    model = FiniteModel(P, r >> s, identity(B), {"B": 2}, {"s": {(0,): (1,)}}, point=(0,))
    model.check()
    for name in ("Z", "s"):
        with pytest.raises(InvalidWitness, match=f"the model has a set for `{name}`, which is no object"):
            dataclasses.replace(model, sets={"B": 2, name: 3}).check()


def test_a_model_as_json_and_text():
    _, model = a_model()
    assert json.loads(json.dumps(model.to_json())) == {
        "kind": "model",
        "sets": {"A": 1, "B": 2},
        "tables": {"s": [[[0], [1]]]},
        "point": [0],
        "left": [1],
        "right": [0],
    }
    assert str(model) == "A has 1 element, B has 2; s(0) = 1; otherwise 0\nat 0 the left side is 1, the right side 0"


def a_path_system():
    P = monoid("ab", [("aa", ""), ("bbb", ""), ("ababab", "")], "A4")
    witness = witness_against(P, word(P, "ab"), word(P, "ba"))
    assert isinstance(witness, PathSystem)
    return P, witness


def test_a_path_system_without_one_of_its_rules_is_rejected():
    _, system = a_path_system()
    system.check()
    for number in range(len(system.rules)):
        with pytest.raises(InvalidWitness):
            dataclasses.replace(system, rules=[*system.rules[:number], *system.rules[number + 1 :]]).check()


def test_forged_path_systems_are_rejected():
    P, system = a_path_system()
    X = P.sorts["X"]
    old, new = system.rules[0]
    wrong = [
        [*system.rules[1:], (new, old)],
        [*system.rules, (word(P, "b"), word(P, "a"))],
        [*system.rules[1:], (old, word(P, "a"))],
        [*system.rules, (word(P, "a"), word(P, "a"))],
        [*system.rules, (proj(X * X, 0), proj(X * X, 1))],
    ]
    for rules in wrong:
        with pytest.raises(InvalidWitness):
            dataclasses.replace(system, rules=rules).check()
    with pytest.raises(InvalidWitness, match="does not tell the sides apart"):
        dataclasses.replace(system, left=word(P, "bab"), right=word(P, "abba")).check()
    with pytest.raises(InvalidWitness, match="are not parallel"):
        dataclasses.replace(system, right=drop(X)).check()
    # The laws of A4 change lengths, so that no length is enough for them.
    for up_to in (0, 1, 5, 100):
        with pytest.raises(InvalidWitness):
            dataclasses.replace(system, up_to=up_to).check()
    # Rules that every law respects, but that make everything equal, the sides too.
    with pytest.raises(InvalidWitness):
        PathSystem(P, system.left, system.right, [(word(P, "a"), word(P, "")), (word(P, "b"), word(P, ""))]).check()


def test_a_system_up_to_a_length_is_rejected_for_longer_sides():
    P = monoid("ab", [("aba", "bab")], "Braids3")
    sides = word(P, "aabba"), word(P, "abbaa")
    assert witness_against(P, *sides).kind == "model"
    system = witness_against(P, *sides)
    assert system.kind == "system"
    assert system.up_to == 5
    system.check()
    for up_to in (0, 3, 4):
        with pytest.raises(InvalidWitness):
            dataclasses.replace(system, up_to=up_to).check()
    with pytest.raises(InvalidWitness):
        dataclasses.replace(system, up_to=None).check()
    assert "for paths of at most 5 generators" in str(system)


def test_a_law_that_says_nothing_joins_no_letters():
    P = monoid("abc", [("ab", "ab"), ("bb", "")])
    system = PathSystem(P, word(P, "ac"), word(P, ""), [])
    system.check()
    with pytest.raises(InvalidWitness):
        dataclasses.replace(system, left=word(P, "b")).check()
    assert witness_against(P, word(P, "ac"), word(P, "")).check() is None


def test_a_coarser_system_is_a_witness_too():
    """Rules need not follow from the laws: any confluent system that respects them tells sides apart."""
    P = monoid("ab", [("aa", "a")])
    system = PathSystem(P, word(P, "a"), word(P, ""), [(word(P, "aa"), word(P, "a")), (word(P, "b"), word(P, "a"))])
    system.check()


def term_systems():
    P = group()
    (G,) = P.sorts.values()
    yield P, witness_against(P, P["mul"], swap(G, G) >> P["mul"])
    Q = lens(with_put_put=False)
    S, V = Q.sorts.values()
    put, get = Q["put"], Q["get"]
    yield Q, witness_against(Q, (put & proj(S * V, 0) >> get) >> put, proj(S * V, 0))


def test_a_term_system_without_one_of_its_equations_is_rejected():
    for _, system in term_systems():
        assert isinstance(system, TermSystem)
        system.check()
        for number in range(len(system.equations)):
            fewer = [*system.equations[:number], *system.equations[number + 1 :]]
            with pytest.raises(InvalidWitness):
                dataclasses.replace(system, equations=fewer).check()


def test_forged_term_systems_are_rejected():
    for P, system in term_systems():
        order = system.precedence
        names = order.outputs
        with pytest.raises(InvalidWitness, match="does not tell the sides apart"):
            dataclasses.replace(system, right=system.left).check()
        with pytest.raises(InvalidWitness, match="each once"):
            dataclasses.replace(system, precedence=Precedence(names[:-1], order.by_weight)).check()
        with pytest.raises(InvalidWitness, match="only the greatest output may weigh nothing"):
            dataclasses.replace(system, precedence=Precedence(names, True, names[0])).check()
        sort = next(iter(P.sorts.values()))
        everything_equal = (proj(sort * sort, 0), proj(sort * sort, 1))
        with pytest.raises(InvalidWitness):
            dataclasses.replace(system, equations=[*system.equations, everything_equal]).check()
        with pytest.raises(InvalidWitness, match="are not parallel"):
            dataclasses.replace(system, equations=[*system.equations, (identity(sort), drop(sort))]).check()


def test_semilattices_have_a_system_in_which_commutativity_has_no_direction():
    P = semilattice()
    (L,) = P.sorts.values()
    x, y = proj(L * L, 0), proj(L * L, 1)
    meet = P["meet"]
    equations = [
        ((identity(L) & identity(L)) >> meet, identity(L)),
        (meet, (y & x) >> meet),
        ((x & meet) >> meet, meet),
        (meet @ identity(L) >> meet, identity(L) @ meet >> meet),
    ]
    x, y, z = (proj(L * L * L, i) for i in range(3))
    equations.append(((x & (y & z) >> meet) >> meet, (y & (x & z) >> meet) >> meet))
    order = Precedence((("meet", 0),), by_weight=True)
    TermSystem(P, meet, proj(L * L, 0), equations, order).check()
    for number in range(len(equations)):
        with pytest.raises(InvalidWitness):
            fewer = [*equations[:number], *equations[number + 1 :]]
            TermSystem(P, meet, proj(L * L, 0), fewer, order).check()


def test_the_system_of_the_empty_sort_does_not_serve_where_the_sort_is_inhabited():
    P = empty_sort()
    system = TermSystem(P, P["c"], P["d"], [], Precedence((("c", 0), ("d", 0)), by_weight=True))
    system.check()
    A = P["A"]
    with pytest.raises(InvalidWitness, match="the sides of law `equal_over_A` are not joinable in the system"):
        dataclasses.replace(system, left=drop(A) >> P["c"], right=drop(A) >> P["d"]).check()


@settings(max_examples=80)
@given(st.data())
def test_a_random_model_is_accepted_exactly_if_its_laws_hold_and_its_sides_differ(data):
    P = monoid("fg", [("fg", "gf"), ("ff", "f")])
    sets, tables = data.draw(models(P))
    f, g = ({args[0]: values[0] for args, values in tables[name].items()} for name in "fg")
    points = range(sets["X"])
    lawful = all(g[f[x]] == f[g[x]] and f[f[x]] == f[x] for x in points)
    point = data.draw(st.integers(0, sets["X"] - 1))
    model = FiniteModel(P, word(P, "g"), word(P, "f"), sets, tables, (point,))
    if lawful and g[point] != f[point]:
        model.check()
    else:
        with pytest.raises(InvalidWitness):
            model.check()
