"""Laws of a diagram's life, on random diagrams that are compiled on both backends.

The loss of a pushout is L₁ + L₂ − L₀ and so is its gradient; its parameters are the fibred product of the parts'; legs
pull trained wholes back to trained parts, and what they say of the parts has proofs; an edit taken back leaves diagram,
numbers and loss; goals that are pruned are as near to holding as those that are kept make them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import learningdiagrams as ld
from learningdiagrams.bounds import bound
from learningdiagrams.editing import Edit, edit, freeze, insert, remove, rename, replace, thaw, untie
from learningdiagrams.editing.parts import names_in

from ..runnable import OBJECTS, SIZES, filled, rows, texts, workflows

SEEDS = st.integers(0, 99)


@st.composite
def spans(draw: st.DrawFn) -> tuple[ld.Diagram, ld.Diagram, ld.Diagram]:
    """A random part and two random diagrams that have it in common; names of their own may clash."""
    common = draw(texts(OBJECTS, "b"))
    assume(ld.loads(common).goals)
    own = draw(st.sampled_from(("r", "l")))
    left, right = draw(texts(common, "l")), draw(texts(common, own))
    return ld.loads(common), ld.loads(left), ld.loads(right)


def glued(common: ld.Diagram, left: ld.Diagram, right: ld.Diagram) -> Any:
    return ld.glue(left, right, [*common.sorts, *common.generators, *common.goals])


def arrays(c: Any, table: Any) -> dict[tuple[str, str], np.ndarray]:
    return {(n, k): np.asarray(c.maps.numpy(v)) for n, entries in table.items() for k, v in entries.items()}


# Gluing ----------------------------------------------------------------------------------------------------------


def sums(backend: str, span: tuple[ld.Diagram, ld.Diagram, ld.Diagram], seed: int) -> None:
    common, left, right = span
    g = glued(common, left, right)
    whole = g.diagram.compile(backend, dtype="float64")
    numbers, batch, step = filled(whole.parameters(), seed), rows(g.diagram, seed), seed % 6
    whole.load_parameters(numbers)
    total, gradients = whole.value_and_grad(batch, step)
    left_over, gradients = float(total), arrays(whole, gradients)
    for part, leg, sign in ((left, g.legs[0], 1), (right, g.legs[1], 1), (common, None, -1)):
        there = {name: name if leg is None else str(leg.morphisms[name].name) for name in part.generators}
        c = part.compile(backend, dtype="float64")
        c.load_parameters({name: numbers[there[name]] for name in part.generators if there[name] in numbers})
        value, mine = c.value_and_grad({n: batch[there[n]] for n, role in part.roles.items() if role == "data"}, step)
        left_over -= sign * float(value)
        for (name, key), gradient in arrays(c, mine).items():
            gradients[there[name], key] = gradients[there[name], key] - sign * gradient
    assert left_over == pytest.approx(0, abs=1e-9)
    for place, gradient in gradients.items():
        np.testing.assert_allclose(gradient, 0, atol=1e-8, err_msg=str(place))


@settings(max_examples=12)
@given(spans(), SEEDS)
def test_the_loss_of_a_pushout_is_the_sum_less_the_common_part(span, seed):
    sums("torch", span, seed)


@settings(max_examples=2)
@given(spans(), SEEDS)
def test_the_loss_of_a_pushout_is_the_sum_less_the_common_part_on_jax(span, seed):
    sums("jax", span, seed)


@settings(max_examples=25)
@given(spans(), SEEDS, st.data())
def test_parameters_of_the_whole_are_the_fibred_product(span, seed, data):
    common, left, right = span
    g = glued(common, left, right)
    shapes = {name: {"weight": np.zeros(2), "bias": np.zeros(1)} for name in g.diagram.models}
    whole = filled(shapes, seed)
    # What the whole restricts to agrees on what is shared, and is the whole again.
    parts = [leg.pull(whole) for leg in g.legs]
    for name in common.models:
        assert all(np.array_equal(parts[0][name][key], parts[1][name][key]) for key in ("weight", "bias"))
    again = g.parameters(*parts)
    assert again.keys() == whole.keys()
    assert all(np.array_equal(again[n][k], v) for n, table in whole.items() for k, v in table.items())
    # Parts that agree are the restrictions of one whole, and of no other.
    mine = filled({name: shapes[str(g.legs[0].morphisms[name].name)] for name in left.models}, seed + 1)
    theirs = filled({name: shapes[str(g.legs[1].morphisms[name].name)] for name in right.models}, seed + 2)
    theirs.update({name: mine[name] for name in common.models})
    made = g.parameters(mine, theirs)
    for leg, part in zip(g.legs, (mine, theirs), strict=True):
        pulled = leg.pull(made)
        assert pulled.keys() == part.keys()
        assert all(np.array_equal(pulled[n][k], v) for n, table in part.items() for k, v in table.items())
    assert set(made) == {str(leg.morphisms[n].name) for leg, p in zip(g.legs, (mine, theirs), strict=True) for n in p}
    # Parts that do not agree are of no whole.
    if common.models:
        name = data.draw(st.sampled_from(common.models))
        theirs[name] = {**theirs[name], "bias": theirs[name]["bias"] + 1}
        with pytest.raises(ld.DiagramError, match=f"`{name}` is shared, and its bias in .* is another than in"):
            g.parameters(mine, theirs)


def pulled_parts(backend: str, span: tuple[ld.Diagram, ld.Diagram, ld.Diagram], seed: int) -> None:
    common, left, right = span
    g = glued(common, left, right)
    whole = g.diagram.compile(backend, dtype="float64")
    whole.load_parameters(filled(whole.parameters(), seed))
    whole.state.step = 3
    batch = rows(g.diagram, seed)
    values = {name: value.item() for name, value in whole.loss(batch).terms.items()}
    for leg in g.legs:
        assert leg.failures() == []
        for proofs in leg.proofs().values():
            for proof in proofs:
                proof.check()
        part = leg.pull(whole)
        mine = {n: batch[str(leg.morphisms[n].name)] for n, role in leg.source.roles.items() if role == "data"}
        for name, value in part.loss(mine).terms.items():
            assert value.item() == pytest.approx(values[leg.goals[name]], rel=1e-9, abs=1e-12)
    merged = arrays(whole, g.parameters(*(leg.pull(whole) for leg in g.legs)))
    assert all(np.array_equal(merged[place], value) for place, value in arrays(whole, whole.parameters()).items())


@settings(max_examples=8)
@given(spans(), SEEDS)
def test_legs_pull_a_trained_whole_back_to_trained_parts(span, seed):
    pulled_parts("torch", span, seed)


@settings(max_examples=2)
@given(spans(), SEEDS)
def test_legs_pull_a_trained_whole_back_to_trained_parts_on_jax(span, seed):
    pulled_parts("jax", span, seed)


def test_twenty_heads_on_one_backbone_are_one_colimit_with_one_backbone_and_the_sum_of_their_losses(backend):
    trunk = ld.loads("diagram Trunk\nobject Image[4], Feature[3]\nmodel backbone : Image -> Feature = linear(4, 3)")
    heads = [
        ld.loads(f"""
        diagram Head{i}
        object Sample, Image[4], Feature[3], Class[2]
        data  images   : Sample -> Image
        data  labels   : Sample -> Class
        model backbone : Image -> Feature = linear(4, 3)
        model head     : Feature -> Class = linear(3, 2)
        goal  fit : images >> backbone >> head = labels weight {1 + i % 3}
        """)
        for i in range(20)
    ]
    g = ld.colimit([trunk, *heads], [(0, i, {"backbone": "backbone"}) for i in range(1, 21)])
    assert len(g.diagram.models) == 21 and len(g.diagram.goals) == 20 and len(g.diagram.sample_objects) == 20
    whole = g.diagram.compile(backend, dtype="float64")
    whole.load_parameters(filled(whole.parameters(), 0))
    batch = rows(g.diagram, 0, 3)
    total, gradients = whole.value_and_grad(batch)
    # All heads as one task each; the head's own numbers change, the compiled part stays.
    part = heads[0].compile(backend, dtype="float64")
    summed, shared = 0.0, np.zeros_like(arrays(whole, gradients)["backbone", "weight"])
    for i, leg in enumerate(g.legs[1:]):
        part.load_parameters({name: whole.parameters()[str(leg.morphisms[name].name)] for name in ("backbone", "head")})
        value, grads = part.value_and_grad({n: batch[str(leg.morphisms[n].name)] for n in ("images", "labels")})
        summed += (1 + i % 3) * float(value)
        shared += (1 + i % 3) * arrays(part, grads)["backbone", "weight"]
        np.testing.assert_allclose(
            arrays(whole, gradients)[str(leg.morphisms["head"].name), "weight"],
            (1 + i % 3) * arrays(part, grads)["head", "weight"],
            rtol=1e-8,
        )
    assert float(total) == pytest.approx(summed, rel=1e-9)
    np.testing.assert_allclose(arrays(whole, gradients)["backbone", "weight"], shared, rtol=1e-8)


@settings(max_examples=25)
@given(st.sampled_from(("f >> f", "f >> g", "g >> f")), st.sampled_from(("f", "g", "id(A)")), SEEDS)
def test_gluing_that_makes_old_pieces_satisfy_new_equations_says_so(left, right, seed):
    free = ld.loads("diagram Free\nobject A\nmap f : A -> A\nmap g : A -> A\nmap own : A -> A")
    bound_by = ld.loads(f"diagram Bound\nobject A\nmap f : A -> A\nmap g : A -> A\nlaw new : {left} = {right}")
    g = ld.glue(free, bound_by, ["f", "g"])
    found = [(leg, str(one), str(two)) for leg, one, two, proof in g.collapses if proof.check() is None]
    assert found and all(leg is g.legs[0] for leg, _, _ in found)
    one, two = free.parse(left), free.parse(right)
    assert free.prove(one, two).holds is False and g.diagram.prove(g.legs[0](one), g.legs[0](two)).holds is True
    assert any({a, b} == {str(one), str(two)} for _, a, b in found)
    assert ld.glue(free, free, ["f", "g"]).collapses == []


# Edits -----------------------------------------------------------------------------------------------------------


@st.composite
def edits(draw: st.DrawFn, d: ld.Diagram) -> Edit:
    """An edit that keeps a random diagram trainable."""
    one = draw(st.sampled_from(d.models))
    m = d.generators[one]
    dom, cod = SIZES[str(m.dom)], SIZES[str(m.cod)]
    used = [e.name for e in d.goals.values() if one in names_in(e.left, e.right)]
    kinds = ["rename", "insert", "replace", "remove", *(["untie"] if used else [])]
    followed = any(average.model == one for average in d.averages.values())
    stuck = followed or any(goal.train == (one,) for goal in d.goals.values())
    kinds = ["rename", "insert", *(["untie"] if used else [])] if stuck else [*kinds, "freeze"]
    if followed:
        kinds.remove("insert")
    match draw(st.sampled_from(kinds)):
        case "rename":
            return rename({one: "renamed", "A": "Anew"})
        case "insert":
            return insert(f"model adapter : {m.cod} -> {m.cod} = linear({cod}, {cod})", after=one)
        case "replace":
            first = f"object N[2]\nmodel one_ : {m.dom} -> N = linear({dom}, 2)"
            return replace(one, "one_ >> two_", f"{first}\nmodel two_ : N -> {m.cod} = linear(2, {cod})")
        case "remove":
            return remove(draw(st.sampled_from(list(d.goals))))
        case "untie":
            return untie(one, "twin", draw(st.sampled_from(used)))
    return freeze(one) >> thaw(one) if draw(st.booleans()) else freeze(one)


def there_and_back(backend: str, d: ld.Diagram, data: st.DataObject, seed: int) -> None:
    c = d.compile(backend, dtype="float64")
    c.load_parameters(filled(c.parameters(), seed))
    batch = rows(d, seed)
    e = data.draw(edits(d))
    there = edit(c, e)
    assume(there.diagram.goals)
    # Numbers went over along the functor: what a generator came from, it computes still.
    for name in there.diagram.generators:
        source = there.source(name)
        if source is not None and source.name in c.parameters() and name in there.compiled.parameters():
            before, after = c.parameters()[source.name], there.compiled.parameters()[name]
            if before.keys() == after.keys():
                assert all(np.array_equal(np.asarray(before[k]), np.asarray(v)) for k, v in after.items())
    assert {name for name, _ in there.fresh} <= {"adapter", "one_", "two_"}
    back = edit(there.compiled, there.undo, numbers=there.left)
    assert str(back.diagram) == str(d) and back.diagram == d
    before, after = arrays(c, c.parameters()), arrays(back.compiled, back.compiled.parameters())
    assert before.keys() == after.keys()
    assert all(np.array_equal(value, after[place]) for place, value in before.items())
    assert back.compiled.loss(batch).total.item() == pytest.approx(c.loss(batch).total.item(), rel=1e-9)


@settings(max_examples=15)
@given(workflows().filter(lambda d: d.models), st.data(), SEEDS)
def test_an_edit_taken_back_leaves_diagram_numbers_and_loss(d, data, seed):
    there_and_back("torch", d, data, seed)


@settings(max_examples=4)
@given(workflows().filter(lambda d: d.models), st.data(), SEEDS)
def test_an_edit_taken_back_leaves_diagram_numbers_and_loss_on_jax(d, data, seed):
    there_and_back("jax", d, data, seed)


def test_what_an_edit_asks_of_the_maps_does_not_grow_with_the_diagram(backend, monkeypatch):
    def asked(heads: int) -> int:
        maps = "".join(f"model head{i} : A -> B = linear(2, 3)\ngoal q{i} : x >> head{i} = y\n" for i in range(heads))
        c = ld.loads(f"{OBJECTS}data x : S -> A\ndata y : S -> B\n{maps}").compile(backend)
        calls = []
        for kind in ("parameters", "buffers"):
            of = getattr(type(c.maps), kind)
            monkeypatch.setattr(type(c.maps), kind, lambda self, *a, of=of: calls.append(1) or of(self, *a))
        edit(c, freeze("head0") >> rename({"head1": "other"}))
        monkeypatch.undo()
        return len(calls)

    assert asked(12) == asked(3) <= 8


def test_how_it_was_compiled_is_carried_too(backend):
    d = ld.loads(OBJECTS + "data x : S -> A\ndata y : S -> B\nmodel f : A -> B = mlp(2, 3, 3)\ngoal q : x >> f = y\n")
    c = d.compile(backend, passes=["merge"], recompute="f")
    made = edit(c, rename({"f": "g"}) >> insert("model adapter : B -> B = linear(3, 3)", after="g")).compiled
    assert made.passes == {"merge"} and made.maps.recompute == {"g"}
    assert edit(c, freeze("f")).compiled.maps.passes == {"merge"}
    part = ld.loads("object S, A, B\ndata x : S -> A\ndata y : S -> B\nmodel h : A -> B\ngoal q : x >> h = y\n")
    pulled = ld.interpret(part, d, morphisms={"h": "f"}).pull(c)
    assert pulled.passes == {"merge"} and pulled.maps.recompute == {"h"}


# Pruning ---------------------------------------------------------------------------------------------------------


def zero_sets(backend: str, d: ld.Diagram, seed: int) -> int:
    """What is dropped is as near to holding as what is kept makes it: so where that is met, it is met."""
    c = d.compile(backend, dtype="float64", prune="derivable")
    pruning = c.pruning
    assert pruning is not None
    c.load_parameters(filled(c.parameters(), seed))
    batch = c.draw(rows(d, seed))
    assert set(c.loss(rows(d, seed)).terms) == {name for name in pruning.kept if not _equal(d.goals[name])}
    for name, proofs in pruning.proofs.items():
        assert set(pruning.premises(name)) <= set(pruning.kept)
        for proved in proofs:
            proved.proof.check()
            told = bound(c.maps, d, batch, proved, name)
            assert {use.by for use in told.uses} <= set(pruning.kept)
            assert told.reason or told.measured <= told.bound * (1 + 1e-9) + 1e-12
    values = c.evaluate(rows(d, seed))
    assert set(values) == set(d.goals)
    assert all(row.split()[0] in str(pruning.table(values)) for row in d.goals)
    return len(pruning.proofs)


def _equal(goal: ld.Goal) -> bool:
    return goal.left == goal.right


@settings(max_examples=10)
@given(workflows(separating=True), SEEDS)
def test_what_is_pruned_holds_as_far_as_what_is_kept_does(d, seed):
    everything = ld.all_parallel(d, 2, limit=400) if len(d.generators) < 6 else d
    zero_sets("torch", everything, seed)


@settings(max_examples=2)
@given(workflows(separating=True), SEEDS)
def test_what_is_pruned_holds_as_far_as_what_is_kept_does_on_jax(d, seed):
    zero_sets("jax", d, seed)


def test_something_is_pruned_where_all_paths_are_to_agree(backend):
    maps = "".join(f"model {name} : A -> B = linear(2, 3)\n" for name in "fg")
    d = ld.loads(f"{OBJECTS}data x : S -> A\ndata y : S -> B\n{maps}")
    everything = ld.all_parallel(d, 2)
    assert zero_sets(backend, everything, 0) == len(everything.goals) - 2 == 1
