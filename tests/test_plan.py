"""Plans: what is computed once, what carries which gradients, what is left out."""

import pytest

import learningdiagrams as ld
from learningdiagrams.errors import DiagramError
from learningdiagrams.plan import Apply, Expand, Input, Stop, make_plan, path_of, plan_morphism


def gan():
    d = ld.Diagram("GAN")
    S, Z, X, R = d.objects("Sample", "Latent", "Image", "Score")
    z, x = d.noise("z", S, Z, "normal(16)"), d.data("x", S, X)
    real, unreal = d.fixed("real", d.unit, R, "constant(1.0)"), d.fixed("unreal", d.unit, R, "constant(0.0)")
    gen, judge = d.model("gen", Z, X), d.model("judge", X, R)
    yes, no = ld.drop(S) >> real, ld.drop(S) >> unreal
    d.goal("true", x >> judge, yes, by="bce", train=["judge"])
    d.goal("fake", z >> gen >> judge, no, by="bce", train=["judge"])
    d.goal("fool", z >> gen >> judge, yes, by="bce", train=["gen"])
    return d


def applied(plan, generator):
    return [s for s in plan.steps if isinstance(s, Apply) and s.generator == generator]


def test_shared_paths_are_computed_once():
    d = ld.Diagram()
    S, X, Y = d.objects("S", "X", "Y")
    x, f = d.data("x", S, X), d.model("f", X, Y)
    heads = [d.model(f"h{i}", Y, Y) for i in range(16)]
    for i, head in enumerate(heads):
        d.goal(f"g{i}", x >> f >> head, d.data(f"y{i}", S, Y))
    plan = make_plan(d, d.goals.values())
    assert len(applied(plan, "f")) == 1 and len(plan.compares) == 16
    assert len([s for s in plan.steps if isinstance(s, Input)]) == 17


def test_players_share_values_and_never_gradients():
    plan = make_plan(d := gan(), d.goals.values())
    (generated,) = applied(plan, "gen")
    assert generated.live and not generated.flows
    real, fake, fool = sorted(applied(plan, "judge"), key=lambda s: (s.flows, s.outs))
    assert (real.live, real.flows, fake.live, fake.flows) == (True, False, True, False)
    assert (fool.live, fool.flows) == (False, True) and fool.arguments == generated.outs
    stopped = next(s for s in plan.steps if isinstance(s, Stop))
    assert stopped.value == generated.outs[0] and fake.arguments == stopped.outs
    assert plan.moved == ("judge", "gen") or set(plan.moved) == {"gen", "judge"}


def test_a_constant_is_repeated_to_the_batch_that_it_meets_and_once():
    plan = make_plan(d := gan(), d.goals.values())
    expands = [s for s in plan.steps if isinstance(s, Expand)]
    assert len(applied(plan, "real")) == len(applied(plan, "unreal")) == 1
    judged = {c.name: c.pairs[0] for c in plan.compares}
    for compare in plan.compares:
        (left,), (right,) = compare.pairs[0]
        (made,) = [s for s in expands if s.outs == (right,)]
        assert made.like == left
    assert judged["fake"][1] != judged["true"][1]


def test_a_goal_out_of_1_has_no_batch():
    d = ld.Diagram()
    (A,) = d.objects("A")
    c, k = d.model("c", d.unit, A), d.fixed("k", d.unit, A)
    d.goal("g", c, k)
    plan = make_plan(d, d.goals.values())
    assert plan.inputs == () and plan.compares[0].samples == frozenset()
    assert not [s for s in plan.steps if isinstance(s, Expand)]


def test_constants_among_arguments_are_repeated():
    d = ld.Diagram()
    S, A, B = d.objects("S", "A", "B")
    x, c, f = d.data("x", S, A), d.model("c", d.unit, A), d.model("f", A * A, B)
    d.goal("g", (x & ld.drop(S) >> c) >> f, d.data("y", S, B))
    plan = make_plan(d, d.goals.values())
    (call,) = applied(plan, "f")
    (expand,) = [s for s in plan.steps if isinstance(s, Expand)]
    assert call.arguments[1] == expand.outs[0] and expand.like == call.arguments[0]


def test_stop_lets_no_gradient_through_and_costs_no_second_call():
    d = ld.Diagram()
    S, X, Y = d.objects("S", "X", "Y")
    a, b, f = d.data("a", S, X), d.data("b", S, X), d.model("f", X, Y)
    d.goal("one", a >> f, ld.stop(b >> f), by="cosine")
    d.goal("two", b >> f, ld.stop(a >> f), by="cosine")
    plan = make_plan(d, d.goals.values())
    assert len(applied(plan, "f")) == 2 and all(s.live for s in applied(plan, "f"))
    assert len([s for s in plan.steps if isinstance(s, Stop)]) == 2


def test_what_stands_under_stop_alone_is_computed_without_gradients():
    d = ld.Diagram()
    S, X, Y = d.objects("S", "X", "Y")
    a, f, g = d.data("a", S, X), d.model("f", X, Y), d.model("g", X, Y)
    d.goal("one", a >> f, ld.stop(a >> g))
    (call,) = applied(make_plan(d, d.goals.values()), "g")
    assert not call.live and not call.flows


def test_frozen_maps_pass_gradients_and_take_none():
    d = ld.Diagram()
    S, X, Y = d.objects("S", "X", "Y")
    x, f, t = d.data("x", S, X), d.model("f", X, Y), d.frozen("t", Y, X)
    d.goal("one", x >> f >> t, x)
    (call,) = applied(make_plan(d, d.goals.values()), "t")
    assert not call.live and call.flows


def test_a_stage_moves_its_models_only():
    d = ld.Diagram()
    S, X, Y = d.objects("S", "X", "Y")
    x, f, g = d.data("x", S, X), d.model("f", X, Y), d.model("g", Y, X)
    d.goal("one", x >> f >> g, x)
    plan = make_plan(d, d.goals.values(), moves=["g"])
    assert plan.moved == ("g",)
    assert not applied(plan, "f")[0].live and not applied(plan, "g")[0].flows


def test_equal_sides_are_no_term_where_the_comparator_vanishes():
    d = ld.Diagram()
    S, X = d.objects("S", "X")
    x, f = d.data("x", S, X), d.model("f", X, X)
    d.goal("same", (x >> f) >> f, x >> (f >> f), by="mse")
    d.goal("floor", x >> f, x >> f, by="cross_entropy")
    d.goal("stopped", x >> f, ld.stop(x >> f), by="mse")
    plan = make_plan(d, d.goals.values())
    assert [c.name for c in plan.compares] == ["floor", "stopped"]
    assert plan.dropped == {"same": "its sides are equal and mse vanishes there, with its gradient"}
    assert "same: left out, its sides are equal" in str(plan)
    assert next(c.name for c in make_plan(d, d.goals.values(), keep_equal=True).compares) == "same"


def test_products_several_outputs_and_several_samplings():
    d = ld.Diagram()
    S, T, A, B = d.objects("S", "T", "A", "B")
    pair, t = d.data("pair", S, A * B), d.data("t", T, A)
    split, swap = d.model("split", A, A * B), d.model("swap", A * B, B * A)
    d.goal("whole", pair >> ld.proj(A * B, 0) >> split, pair)
    d.goal("both", split >> swap >> ld.proj(B * A, 1), ld.identity(A), on=[t, pair >> ld.proj(A * B, 0)])
    plan = make_plan(d, d.goals.values())
    (inputs,) = [s for s in plan.steps if isinstance(s, Input) and s.generator == "pair"]
    whole, both = plan.compares
    assert len(inputs.outs) == 2 and whole.pairs[0][1] == inputs.outs
    assert len(both.pairs) == 2 and both.samples == {"S", "T"} and len(applied(plan, "split")) == 2
    assert path_of(plan, both.pairs[0][0][0]) == (
        "(t >> split >> proj(A * B, 0) & t >> split >> proj(A * B, 1)) >> swap >> proj(B * A, 1)"
    )


def test_paths_in_errors_are_short_where_terms_double():
    d = ld.Diagram()
    S, A = d.objects("S", "A")
    term, f = d.data("x", S, A), d.model("f", A * A, A)
    for _ in range(40):
        term = (term & term) >> f
    d.goal("g", term, d["x"])
    plan = make_plan(d, d.goals.values())
    assert len(plan.steps) == 41
    assert len(path_of(plan, plan.compares[0].pairs[0][0][0])) < 500


def test_a_morphism_by_itself_takes_its_arguments_by_position():
    d = ld.Diagram()
    S, A = d.objects("S", "A")
    d.data("x", S, A)
    f = d.model("f", A * A, A)
    plan = plan_morphism(d, (ld.proj(A * A, 1) & ld.proj(A * A, 0)) >> f)
    assert sorted(plan.inputs) == ["0", "1"] and len(plan.outputs) == 1
    assert plan_morphism(d, d.parse("(x & x) >> f")).inputs == ("x",)


def test_what_cannot_be_computed_is_an_error_naming_the_goal():
    d = ld.Diagram()
    S, A = d.objects("S", "A")
    x, f = d.data("x", S, A), d.map("f", A, A)
    d.goal("g", x >> f, x)
    with pytest.raises(DiagramError, match=r"^g: `f` has no role; declare it as data, model, frozen or fixed"):
        make_plan(d, d.goals.values())
    e = ld.Diagram()
    (T,) = e.objects("T")
    e.data("y", T, e.object("B"))
    e.goal("h", ld.identity(T), ld.identity(T), by="cross_entropy")
    with pytest.raises(DiagramError, match=r"^h: T is a sample object and holds no values to compute with$"):
        make_plan(e, e.goals.values())


def test_a_thousand_goals_over_a_deep_shared_chain_are_planned_once():
    d = ld.Diagram()
    S, A = d.objects("S", "A")
    path = d.data("x", S, A)
    for i in range(1000):
        path = path >> d.model(f"f{i}", A, A)
        d.goal(f"g{i}", path, d["x"])
    plan = make_plan(d, d.goals.values())
    assert len(plan.steps) == 1001 and len(plan.compares) == 1000
