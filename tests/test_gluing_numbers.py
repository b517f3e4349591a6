"""Gluing and numbers: parameters and losses of a whole, and colimits of other shapes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import learningdiagrams as ld
from learningdiagrams.plan import Apply

from .test_gluing import BASE, COMPOSITE, numbers, same

# Parameters and losses --------------------------------------------------------------------------------------


def test_legs_carry_parameters_over_and_the_whole_has_those_that_agree():
    left = ld.loads(BASE)
    right = ld.loads(BASE.replace("f :", "g :").replace(">> f", ">> g >> h").replace("goal", "model h : B -> B\ngoal"))
    g = ld.glue(left, right, {"f": "g"})
    p = {"f": {"weight": np.ones((2, 3))}}
    q = {"g": {"weight": np.ones((2, 3))}, "h": {"bias": np.zeros(2)}}
    whole = g.parameters(p, q)
    assert same(whole, {"f": p["f"], "h": q["h"]})
    assert same(g.legs[0].pull(whole), p) and same(g.legs[1].pull(whole), q)
    assert same(g.legs[1].push(q), {"f": q["g"], "h": q["h"]})
    q["g"] = {"weight": np.zeros((2, 3))}
    with pytest.raises(ld.DiagramError) as error:
        g.parameters(p, q)
    assert str(error.value) == (
        "`f` is shared, and its weight in Base is another than in Base; parameters of the whole are one for all parts"
    )
    with pytest.raises(ld.DiagramError, match="there is no generator `hh` in Base; did you mean `h`"):
        g.legs[1].push({"hh": {}})
    with pytest.raises(ld.DiagramError, match="one for each part, 2 in all, but 1 were given"):
        g.parameters(p)


EXTRAS = (
    "model {e} : A -> A = linear(3, 3)\ngoal {q} : x >> {e} = z by l1 weight 0.5",
    "data {e} : S -> A\ngoal {q} : {e} >> f = y by huber",
    "noise {e} : S -> A = normal\nmodel {e}m : A -> B = mlp(3, 4, 2)\ngoal {q} : {e} >> {e}m = {e} >> f",
    "frozen {e} : B -> B = linear(2, 2)\ngoal {q} : x >> f >> {e} = stop(x >> f) train f",
    "model {e} : A -> B = ema(f)\ngoal {q} : x >> f = x >> {e} by cosine weight linear(0, 1, steps=4)",
    "object {e}S\ndata {e} : {e}S -> A\ngoal {q} : f = f >> g on {e}, x by l1",
    "noise {e} : S -> A = shuffle(x)\ngoal {q} : {e} >> f & y = y & y",
)
SHARED = """
object S, A[3], B[2]
data  x : S -> A
data  y : S -> B
noise z : S -> A = normal
model f : A -> B = linear(3, 2)
model g : B -> B = linear(2, 2)
goal  fit : x >> f = y
goal  same : x >> f >> g = y by l1 train g
"""
NAMES = [*"xyzfg", "fit", "same"]


def extended(choice, names):
    return ld.loads(SHARED + "\n".join(EXTRAS[i].format(e=e, q="q" + e) for i, e in zip(choice, names, strict=True)))


@pytest.mark.parametrize("backend", ["torch", "jax"])
@settings(deadline=None, max_examples=8)
@given(data=st.data())
def test_the_loss_of_the_whole_is_the_sum_less_that_of_what_is_shared(backend, data):
    choices = st.lists(st.sampled_from(range(len(EXTRAS))), max_size=2, unique=True)
    first, second = data.draw(choices), data.draw(choices)
    # Names clash on purpose: both call their own things a and b.
    common, left, right = ld.loads(SHARED), extended(first, "ab"[: len(first)]), extended(second, "ab"[: len(second)])
    g = ld.glue(left, right, NAMES)
    inner = ld.colimit([common, left, right], [(0, 1, {n: n for n in NAMES}), (0, 2, {n: n for n in NAMES})])
    assert inner.diagram == g.diagram or inner.diagram.name != g.diagram.name
    random = np.random.default_rng(data.draw(st.integers(0, 100)))
    whole = g.diagram.compile(backend, dtype="float64")
    parameters = {
        name: {key: random.normal(size=np.shape(value)) for key, value in table.items()}
        for name, table in whole.parameters().items()
    }
    whole.load_parameters(parameters)
    batch = {n: random.normal(size=(5, *space(g.diagram, n))) for n, role in g.diagram.roles.items() if role == "data"}
    step = data.draw(st.integers(0, 5))
    total, gradients = whole.value_and_grad(batch, step)
    value, sums = float(total), {name: {k: 0 * v for k, v in t.items()} for name, t in numbers(gradients).items()}
    for leg, sign in zip((*g.legs, None), (1, 1, -1), strict=True):
        part = common if leg is None else leg.source
        into = (lambda name: name) if leg is None else (lambda name, leg=leg: str(leg.morphisms[name].name))
        c = part.compile(backend, dtype="float64")
        mine = {n: parameters[into(n)] for n in part.generators if into(n) in parameters}
        if leg is not None:
            assert same(leg.pull(parameters), mine)
        c.load_parameters(mine)
        t, grads = c.value_and_grad({n: batch[into(n)] for n, role in part.roles.items() if role == "data"}, step)
        value -= sign * float(t)
        for name, table in numbers(grads).items():
            for key, gradient in table.items():
                sums[into(name)][key] = sums[into(name)][key] + sign * gradient
    assert value == pytest.approx(0, abs=1e-9)
    for name, table in numbers(gradients).items():
        for key, gradient in table.items():
            np.testing.assert_allclose(gradient, sums[name][key], atol=1e-9)


def space(diagram, name) -> tuple[int, ...]:
    return diagram.spaces[diagram.generators[name].cod.name].shape


@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_a_compiled_whole_pulled_back_is_the_compiled_part(backend):
    left, right = extended([0, 2], "ab"), extended([4, 3], "ab")
    g = ld.glue(left, right, NAMES)
    whole = g.diagram.compile(backend)
    batch = {"x": np.ones((4, 3), "float32"), "y": np.zeros((4, 2), "float32")}
    whole.fit(batch, steps=3, batch_size=4)
    whole_values = whole.evaluate(batch)
    for leg in g.legs:
        part = leg.pull(whole)
        assert part.diagram is leg.source and part.step == 3
        found = part.evaluate(batch)
        assert found == pytest.approx({name: whole_values[leg.goals[name]] for name in found}, rel=1e-5)
    merged = g.parameters(*(leg.pull(whole) for leg in g.legs))
    assert same(merged, whole.parameters())


# Other shapes of colimits -----------------------------------------------------------------------------------


def test_twenty_heads_on_one_backbone_train_as_one():
    backbone = ld.loads("object A[3], B[4]\nmodel trunk : A -> B = linear(3, 4)")
    heads = [
        ld.loads(f"""
            diagram Task{i}
            object S, X, Y, C[{i % 3 + 1}]
            data  x : S -> X
            data  y : S -> C
            model body : X -> Y
            model head : Y -> C = linear(4, {i % 3 + 1})
            goal  fit : x >> body >> head = y
        """)
        for i in range(20)
    ]
    g = ld.colimit([backbone, *heads], [(0, i, {"trunk": "body"}) for i in range(1, 21)])
    d = g.diagram
    assert d.name == "Task0 + 19 more" and len(d.models) == 21 and len(d.goals) == 20
    assert all(leg("body") is d["trunk"] for leg in g.legs[1:])
    c = d.compile("torch")
    batch = {n: np.ones((2, *space(d, n)), "float32") for n, role in d.roles.items() if role == "data"}
    assert sum(isinstance(s, Apply) and s.generator == "trunk" for s in c.plan.steps) == 20
    out = c.loss(batch)
    assert out.total.item() == pytest.approx(sum(v.item() for v in out.terms.values()), rel=1e-5)


def test_an_arrow_may_be_an_interpretation_and_arrows_may_go_round():
    d = ld.loads("object A\nmap f : A -> A\nmap g : A -> A")
    swap = ld.interpret(d, d, morphisms={"f": "g", "g": "f"})
    g = ld.colimit([d], [(0, 0, swap)])
    assert list(g.diagram.generators) == ["f"] and g.legs[0]("g") is g.diagram["f"]
    assert [(str(c.left), str(c.right)) for c in g.collapses][:1] == [("f", "g")]
    part = ld.loads(BASE)
    leg = ld.glue(part, part).legs[1]
    assert str(ld.colimit([part, leg.target], [(0, 1, leg)], name="T").diagram).splitlines()[-2:] == [
        "goal fit   : x >> f = y         by mse", "goal fit_2 : x_2 >> f_2 = y_2   by mse",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arrows", "message"),
    [
        ([(0, 2, {})], "colimit: (0, 2, …): there is no diagram 2; they count from 0"),
        (
            [(1, 0, {"f": "f"})],
            "colimit: the arrow (1, 0) from Q to P has nothing for `B`; each object of Q needs an image "
            "there",
        ),
        (
            [(1, 0, {"f": "f", "B": "A"})],
            "colimit: the arrow (1, 0) from Q to P has nothing for `g`; each generator of Q needs an image "
            "there",
        ),
        ([(0, 1, {"f": "f >> f"})], "`f >> f`" + COMPOSITE),
    ],
)  # fmt: skip
def test_arrows_that_are_none(arrows, message):
    P, Q = (
        ld.loads("diagram P\nobject A\nmap f : A -> A"),
        ld.loads("diagram Q\nobject A, B\nmap f : A -> A\nmap g : A -> B"),
    )
    with pytest.raises(ld.DiagramError) as error:
        ld.colimit([P, Q], arrows)
    assert str(error.value) == message


def test_the_empty_colimit_and_that_of_one():
    assert str(ld.colimit([]).diagram) == ""
    d = ld.loads(BASE)
    assert ld.colimit([d]).diagram == d
    with pytest.raises(ld.DiagramError, match="is no diagram; diagrams are what is glued"):
        ld.colimit([d.presentation])  # type: ignore[list-item]


def test_gluing_is_associative_up_to_names():
    texts = [f"object A\nmodel f{i} : A -> A = linear({i}, {i})\nmodel c : A -> A" for i in (1, 2, 3)]
    a, b, c = map(ld.loads, texts)
    one = ld.glue(ld.glue(a, b, ["c"]).diagram, c, ["c"]).diagram
    two = ld.glue(a, ld.glue(b, c, ["c"]).diagram, ["c"]).diagram
    assert one == two
