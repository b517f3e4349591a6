"""Colimits of finite models: against Catlab's, universal property, refusals."""

import json
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from learningdiagrams import theory
from learningdiagrams.theory import (
    CSet,
    Functor,
    Homomorphism,
    Presentation,
    TheoryError,
    cset_colimits,
    homomorphisms,
    identity,
    proj,
)
from tests.theory.finite_models import GRAPHS, cycle, cyclic, graph, graphs

CATLAB = Path(__file__).resolve().parent.parent / "data" / "catlab"


# Colimits, against Catlab's own results.

CASES = json.loads((CATLAB / "colimits_csets.json").read_text(encoding="utf-8"))["cases"]


def from_catlab(schema: dict) -> Presentation:
    P = Presentation("schema")
    P.objects(*(it["name"] for it in schema["Ob"]))
    for it in schema["Hom"]:
        P.morphism(it["name"], P.sorts[it["dom"]], P.sorts[it["codom"]])
    for equation in schema["equations"]:
        sides = []
        for names in equation["paths"]:
            side = identity(P.sorts[equation["dom"]])
            for name in names:
                side = side >> P.generators[name]
            sides.append(side)
        P.law(*sides)
    return P


def model(P: Presentation, parts: dict) -> CSet:
    sets = {name: [row["_id"] for row in parts[name]] for name in P.sorts}
    maps = {name: [row[name] for row in parts[str(it.dom)]] for name, it in P.generators.items()}
    return CSet(P, sets, maps)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_against_catlab(case):
    """The same apex up to the isomorphism that commutes with the legs, which the mediating map has to be."""
    P = from_catlab(case["schema"])
    models = {name: model(P, parts) for name, parts in case["objects"].items()}
    maps = [Homomorphism(models[it["dom"]], models[it["codom"]], it["components"]) for it in case["morphisms"]]
    assert all(it.failures() == [] for it in (*models.values(), *maps))
    if case["kind"] == "pushout":
        made, feet = cset_colimits.pushout(*maps), [it.cod for it in maps]
    elif case["kind"] == "coequalizer":
        made, feet = cset_colimits.coequalizer(*maps), [maps[0].cod]
    elif case["kind"] == "coproduct":
        made, feet = cset_colimits.coproduct(*models.values()), list(models.values())
    else:
        names = list(models)
        arrows = [
            (names.index(it["dom"]), names.index(it["codom"]), h) for it, h in zip(case["morphisms"], maps, strict=True)
        ]
        made, feet = cset_colimits.colimit(models.values(), arrows), list(models.values())
    apex = model(P, case["apex"])
    legs = [Homomorphism(foot, apex, leg) for foot, leg in zip(feet, case["legs"], strict=False)]
    # Catlab gives no legs from the shared parts: those go through the first foot that they map to.
    for foot in feet[len(legs) :]:
        arrow = next(it for it in maps if it.dom is foot)
        legs.append(arrow >> legs[next(i for i, it in enumerate(feet) if it is arrow.cod)])
    assert made.apex.failures() == [] and all(leg.failures() == [] for leg in (*made.legs, *legs))
    there = made.mediate(*legs)
    assert there.is_isomorphism()
    assert all(leg >> there == catlab for leg, catlab in zip(made.legs, legs, strict=True))


def test_mediate_wants_a_cocone():
    point, edge = graph(1), graph(2, (0, 1))
    end, start = (Homomorphism(point, edge, {"V": [v], "E": []}) for v in (1, 0))
    path = cset_colimits.pushout(end, start)
    loop = Homomorphism(edge, cycle(1), {"V": [0, 0], "E": [0]})
    turn = Homomorphism(edge, cycle(2), {"V": [0, 1], "E": [0]})
    assert path.mediate(loop, loop).failures() == []
    with pytest.raises(TheoryError, match=r"no cocone: what 0 of `V` becomes in the parts goes to 1 and to 0"):
        path.mediate(turn, turn)
    with pytest.raises(TheoryError, match="2 homomorphisms are wanted, 1 were given"):
        path.mediate(loop)
    with pytest.raises(TheoryError, match="a homomorphism <CSet of Graph: V: 2, E: 1> -> <CSet of Graph: V: 1, E: 1>"):
        path.mediate(loop, turn)
    with pytest.raises(TheoryError, match="is no homomorphism: `tgt` is not preserved"):
        path.mediate(*[Homomorphism(edge, cycle(2), {"V": [0, 0], "E": [0]})] * 2)


def test_nothing_is_initial():
    made = cset_colimits.initial(GRAPHS)
    assert made.apex == graph(0) and made.legs == ()
    assert made.mediate(into=cycle(2)).failures() == []
    with pytest.raises(TheoryError, match="the target has to be named"):
        made.mediate()
    with pytest.raises(TheoryError, match="of which presentation"):
        cset_colimits.coproduct()


def test_the_universal_property_by_counting():
    """Homomorphisms out of the apex are the pairs of homomorphisms that agree on what was shared."""
    point, two = graph(1), cycle(2)
    arrows = Homomorphism(point, two, {"V": [0], "E": []}), Homomorphism(point, cycle(3), {"V": [1], "E": []})
    made = cset_colimits.pushout(*arrows)
    target = graph(3, (0, 0), (0, 1), (1, 2), (2, 0), (1, 0))
    pairs = [
        (h, k)
        for h, k in product(homomorphisms(two, target), homomorphisms(cycle(3), target))
        if h["V"][0] == k["V"][1]
    ]
    out = list(homomorphisms(made.apex, target))
    assert len(out) == len(pairs) > 0
    for h, k in pairs:
        m = made.mediate(h, k)
        assert m in out and made.legs[0] >> m == h and made.legs[1] >> m == k


@given(data=st.data())
def test_pushouts_of_random_graphs(data):
    """Homomorphisms out of the apex are the pairs that agree, also where legs are not injective."""
    vertex = st.integers(0, 1)
    edges = st.lists(st.tuples(vertex, vertex), max_size=2)
    shared = graph(2, *data.draw(edges))
    maps = []
    for _ in range(2):
        arrows = data.draw(edges)
        # With a loop, there always is a homomorphism.
        known = list(homomorphisms(shared, graph(2, *arrows))) or list(homomorphisms(shared, graph(2, *arrows, (0, 0))))
        maps.append(data.draw(st.sampled_from(known)))
    f, g = maps
    made = cset_colimits.pushout(f, g)
    assert made.apex.failures() == [] and f >> made.legs[0] == g >> made.legs[1]
    target = graph(2, (0, 0), (0, 1), (0, 1))
    pairs = [(h, k) for h, k in product(homomorphisms(f.cod, target), homomorphisms(g.cod, target)) if f >> h == g >> k]
    out = list(homomorphisms(made.apex, target))
    assert len(out) == len(pairs)
    for h, k in pairs:
        m = made.mediate(h, k)
        assert m in out and made.legs[0] >> m == h and made.legs[1] >> m == k


def test_operations_of_several_arguments_are_refused():
    """The disjoint union of two groups is no group: such colimits are not pointwise."""
    with pytest.raises(TheoryError, match=r"models of Monoid are not pointwise: the generator `mul` starts at M \* M"):
        cset_colimits.coproduct(cyclic(2), cyclic(3))
    P = Presentation("Pointed")
    (X,) = P.objects("X")
    P.morphism("point", P.unit, X)
    with pytest.raises(TheoryError, match="the generator `point` starts at 1, where a single object is needed"):
        cset_colimits.initial(P)
    Q = Presentation("Constant")
    A, B = Q.objects("A", "B")
    f = Q.morphism("f", A, B)
    Q.law(proj(A * A, 0) >> f, proj(A * A, 1) >> f, name="constant")
    with pytest.raises(TheoryError, match=r"the law `constant` starts at A \* A"):
        cset_colimits.initial(Q)


def test_what_is_no_diagram_is_refused():
    point, edge = graph(1), graph(2, (0, 1))
    end = Homomorphism(point, edge, {"V": [1], "E": []})
    with pytest.raises(TheoryError, match=r"colimit: \(1, 0, .*\): <CSet of Graph: V: 1, E: 0> is not at position 1"):
        cset_colimits.colimit([point, edge], [(1, 0, end)])
    with pytest.raises(TheoryError, match="are not parallel"):
        cset_colimits.coequalizer(end, Homomorphism.identity(edge))
    with pytest.raises(TheoryError, match="start at one model"):
        cset_colimits.pushout(end, Homomorphism.identity(edge))
    with pytest.raises(TheoryError, match="is no homomorphism: homomorphism of models of Graph: `V` sends 0 to 7"):
        cset_colimits.pushout(end, Homomorphism(point, edge, {"V": [7], "E": []}))
    broken = CSet(GRAPHS, {"V": 0, "E": 1}, {"src": [0], "tgt": [0]})
    with pytest.raises(TheoryError, match="is no model"):
        cset_colimits.coproduct(broken)
    with pytest.raises(TheoryError, match="models of one presentation"):
        cset_colimits.coproduct(point, CSet(graphs(), {"V": 0, "E": 0}, {"src": [], "tgt": []}))


def free_category(name: str, model: CSet) -> Presentation:
    """The free category on a graph: objects v…, generators e…."""
    P = Presentation(name)
    P.objects(*(f"v{it}" for it in model.sets["V"]))
    for edge in model.sets["E"]:
        P.morphism(f"e{edge}", *(P.sorts[f"v{model.maps[end][edge]}"] for end in ("src", "tgt")))
    return P


def free_functor(dom: Presentation, cod: Presentation, h: Homomorphism) -> Functor:
    return Functor(
        dom,
        cod,
        {f"v{it}": f"v{image}" for it, image in h["V"].items()},
        {f"e{it}": f"e{image}" for it, image in h["E"].items()},
    )


GRAPH_CASES = [
    case
    for case in CASES
    if [it["name"] for it in case["schema"]["Hom"]] == ["src", "tgt"] and case["kind"] != "colimit"
]


@pytest.mark.parametrize("case", GRAPH_CASES, ids=lambda case: case["name"])
def test_free_categories_are_glued_as_their_graphs_are(case):
    """Being free is a left adjoint, so that Catlab's colimits of graphs are colimits of presentations."""
    P = from_catlab(case["schema"])
    graphs_ = {name: model(P, parts) for name, parts in case["objects"].items()}
    free = {name: free_category(name, it) for name, it in graphs_.items()}
    functors, feet = [], []
    for it in case["morphisms"]:
        h = Homomorphism(graphs_[it["dom"]], graphs_[it["codom"]], it["components"])
        functors.append(free_functor(free[it["dom"]], free[it["codom"]], h))
        feet.append(it["codom"])
    if case["kind"] == "pushout":
        made = theory.pushout(*functors)
    elif case["kind"] == "coequalizer":
        made, feet = theory.coequalizer(*functors), feet[:1]
    else:
        made, feet = theory.coproduct(*free.values()), list(free)
    apex = model(P, case["apex"])
    target = free_category("apex", apex)
    legs = [
        free_functor(free[foot], target, Homomorphism(graphs_[foot], apex, leg))
        for foot, leg in zip(feet, case["legs"], strict=True)
    ]
    there = made.mediate(*legs)
    assert sorted(map(str, there.objects.values())) == sorted(target.sorts)
    assert sorted(map(str, there.morphisms.values())) == sorted(target.generators)
    assert not made.apex.laws
    assert all(leg >> there == catlab for leg, catlab in zip(made.legs, legs, strict=True))
