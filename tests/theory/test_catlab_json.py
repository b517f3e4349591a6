"""Catlab's JSON, without Julia: its own files byte for byte, and the forms of ours."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from learningdiagrams.theory import CSet, Functor, Homomorphism, Presentation, TheoryError, identity
from learningdiagrams.theory.catlab import (
    AttrVar,
    PresentationDiagram,
    Schema,
    from_json,
    from_sexpr,
    to_json,
    to_sexpr,
)
from learningdiagrams.theory.catlab.acsets import instance_form, read_instance, schema_form, speller
from learningdiagrams.theory.catlab.forms import wiring_form
from tests.theory.catlab_cases import (
    COLIMITS,
    DATA,
    FUNCTORS,
    GRAPH_FUNCTORS,
    PRESENTATIONS,
    SCHEMAS,
    diagram,
    free_category,
    functor,
    graph_functor,
    named_graph,
    schema,
)
from tests.theory.test_catlab_programs import unknown_weights


@pytest.mark.parametrize("name", SCHEMAS)
def test_schemas_byte_for_byte(name):
    assert to_json(from_json(SCHEMAS[name])) == SCHEMAS[name]


@pytest.mark.parametrize("name", PRESENTATIONS["schemas"])
def test_schemas_and_their_terms_as_catlab_tells_them(name):
    told, P = PRESENTATIONS["schemas"][name], schema(name)
    assert schema_form(P) == told["json_acset_schema"]
    spelt = speller(P)
    assert [spelt(it) for it in P.sorts] == told["fincat_ob_generators"]
    arrows = [
        {"name": spelt(str(it)), "src": spelt(str(it.dom)), "tgt": spelt(str(it.cod))} for it in P.generators.values()
    ]
    assert arrows == told["fincat_hom_generators"]
    assert (not P.laws) == told["is_free"]
    laws = [(law.left, law.right) for law in P.laws.values()]
    assert [[to_sexpr(side, P) for side in law] for law in laws] == told["equations_sexpr_by_reference"]
    for key in ("equations_sexpr_by_reference", "equations_sexpr_full"):
        assert [tuple(from_sexpr(P, side) for side in sides) for sides in told[key]] == laws
    for it in told["generators_sexpr"]:
        if it["sort"] in ("Hom", "Attr"):
            assert from_sexpr(P, it["sexpr"]) == P[it["sexpr"][1]]


def test_what_was_built_by_calls():
    P = Presentation("P")
    A, B = P.objects("A", "B")
    f, g = P.morphism("f", A, B), P.morphism("g", B, A)
    P.law(f >> g, identity(A))
    assert schema_form(P) == PRESENTATIONS["programmatic"]["json"]
    P.morphism("h", A, A)
    (sides,) = PRESENTATIONS["FreeCategory_presentation"]["equations_sexpr"]
    assert [to_sexpr(f >> g), to_sexpr(P["h"])] == sides
    assert from_sexpr(P, ["compose", ["compose", "f", "g"], "h"]) == from_sexpr(P, ["compose", "f", "g", "h"])


def test_an_instance_byte_for_byte():
    text = (DATA / "acset_person.json").read_text(encoding="utf-8")
    person = from_json(text, schema=schema("SchPerson"))
    assert to_json(person) == text
    assert person("name") == {1: "Ann", 2: "Bob"} and person.sets["Num"] == (50, 30)


def test_values_that_are_not_known():
    told = PRESENTATIONS["acset_with_attrvar"]
    model = read_instance(told, schema("SchWeightedGraph"))
    assert model("weight") == {1: 0.5, 2: AttrVar(1)} and instance_form(model) == told


def test_a_graph_with_names():
    told = PRESENTATIONS["named_graph_acset_json"]
    assert instance_form(read_instance(told, named_graph())) == told


def test_instances_of_a_schema_that_is_known_only_at_run_time():
    square = schema("SchSq")
    for key in ("dynamic_acset_from_json_schema", "anon_acset_from_json_schema"):
        told = PRESENTATIONS[key]["value"]
        assert instance_form(read_instance(told, square)) == told


def test_equations_between_paths_of_a_graph():
    """A category given by a graph and equations of paths: vertices and edges by number, paths as lists."""
    told = PRESENTATIONS["graph_fincat_with_equations"]
    P = from_json(to_json(free_category(told["graph"], equations=told["equations"])))
    paths = [[[f"e{n}" for n in side] for side in sides] for sides in told["equations"]]
    assert [it["paths"] for it in schema_form(P)["equations"]] == paths and (not P.laws) == told["is_free"]
    assert [[law.left.dom.name, law.left.cod.name] for law in P.laws.values()] == [
        [f"v{start}", f"v{end}"] for start, end in told["endpoints"]
    ]


def test_a_wiring_diagram_as_catlab_writes_it():
    P = Presentation("P")
    A, B, C = P.objects("A", "B", "C")
    assert wiring_form(P.morphism("f", A, B) >> P.morphism("g", B, C)) == PRESENTATIONS["wiring_diagram_json"]["value"]


@pytest.mark.parametrize("case", COLIMITS, ids=lambda case: case["name"])
def test_c_sets_and_homomorphisms_there_and_back(case):
    csets, maps, _ = diagram(case)
    assert [instance_form(it) for it in csets.values()] == list(case["objects"].values())
    for told, h in zip(case["morphisms"], maps, strict=True):
        back = from_json(to_json(h))
        assert json.loads(to_json(h))["components"] == told["components"]
        assert (back.dom.sets, back.cod.maps, back.components) == (h.dom.sets, h.cod.maps, h.components)


def test_images_of_values_that_are_not_known():
    h = unknown_weights()
    text = to_json(h)
    assert json.loads(text)["components"] == {"E": [1, 2, 3], "W": [1, {"_var": 1}]}
    back = from_json(text)
    assert back.components["W"] == {AttrVar(1): 1, AttrVar(2): AttrVar(1), 2: 2}
    assert back.failures() == [] and to_json(back) == text
    with pytest.raises(TheoryError, match="components: W: 2 images of unknown values, not 1"):
        from_json(text.replace('"W":[1,{"_var":1}]', '"W":[1]'))


@pytest.mark.parametrize("case", FUNCTORS, ids=lambda case: case["name"])
def test_functors_there_and_back(case):
    F = functor(case)
    form, back = json.loads(to_json(F)), from_json(to_json(F))
    assert form["Ob"] == case["ob_map"]
    assert [str(it) for it in back.morphisms.values()] == [str(it) for it in F.morphisms.values()]
    assert [(it.kind, it.what) for it in back.failures()] == [(it.kind, it.what) for it in F.failures()]


@pytest.mark.parametrize("case", GRAPH_FUNCTORS, ids=lambda case: case["name"])
def test_functors_of_free_categories_there_and_back(case):
    F = graph_functor(case)
    back = from_json(to_json(F))
    assert to_json(back) == to_json(F) and (not back.failures()) == case["is_functorial"]["value"]


def test_a_diagram_of_presentations_there_and_back():
    loop, square = schema("SchLoop"), schema("SchIdem")
    X, e = square["X"], square["e"]
    given = PresentationDiagram((loop, square), ((0, 1, Functor(loop, square, {"X": X}, {"t": e >> e})),))
    form, back = json.loads(to_json(given)), from_json(to_json(given))
    assert form["functors"] == [{"from": 1, "to": 2, "Ob": {"X": "X"}, "Hom": {"t": ["compose", "e", "e"]}}]
    assert [it[:2] for it in back.arrows] == [(0, 1)] and to_json(back) == to_json(given)
    with pytest.raises(TheoryError, match="it goes between other presentations"):
        PresentationDiagram((loop, square), ((1, 0, given.arrows[0][2]),))


def test_names_keep_their_spelling():
    """NFKC takes `δ₀` for `δ0`; what goes back is `δ₀`, also in instances, functors and terms."""
    P = schema("SchSimplex1D")
    assert list(P.generators) == ["δ0", "δ1", "σ0"] and to_sexpr(P["δ₀"] >> P["σ₀"], P) == ["compose", "δ₀", "σ₀"]
    text = '{"V":[{"_id":1,"δ₀":1,"δ₁":1}],"E":[{"_id":1,"σ₀":1}]}'
    assert to_json(from_json(text, schema=P)) == text
    F = Functor.identity(P)
    assert json.loads(to_json(F))["Hom"] == {"δ₀": "δ₀", "δ₁": "δ₁", "σ₀": "σ₀"}
    assert to_json(from_json(to_json(F))) == to_json(F)


def test_laws_keep_their_names():
    P = Presentation("P")
    (X,) = P.objects("X")
    s = P.morphism("s", X, X)
    P.law(s >> s, identity(X), name="involution"), P.law(s >> s >> s, s)
    assert [it["name"] for it in schema_form(P)["equations"]] == ["involution", None]
    assert list(from_json(to_json(P)).laws) == ["involution", "law1"]


ARROWS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), max_size=6)


@given(ARROWS, st.lists(st.tuples(st.lists(st.integers(0, 5), max_size=5), st.integers(0, 2)), max_size=4))
def test_every_presentation_there_and_back(arrows, walks):
    P = Presentation("P")
    sorts = P.objects("A", "B", "C")
    edges = [P.morphism(f"f{i}", sorts[a], sorts[b]) for i, (a, b) in enumerate(arrows)]
    found = []
    for steps, start in walks:
        walk = identity(sorts[start])
        for step in steps:
            leaving = [it for it in edges if it.dom is walk.cod]
            walk = walk >> leaving[step % len(leaving)] if leaving else walk
        found.append(walk)
    for left in found:
        for right in found:
            if left.dom is right.dom and left.cod is right.cod and left is not right:
                P.law(left, right)
    back = from_json(to_json(P))
    assert [str(law) for law in back.laws.values()] == [str(law) for law in P.laws.values()]
    assert to_json(back) == to_json(P)


def products() -> Presentation:
    P = Presentation("Monoid")
    (M,) = P.objects("M")
    P.morphism("mul", M * M, M), P.morphism("f", M, M)
    return P


def copied() -> Presentation:
    P = Presentation("Copy")
    (M,) = P.objects("M")
    f = P.morphism("f", M, M)
    P.law(f & f, f & f, name="twice")
    return P


def out_of_values() -> Presentation:
    S = Schema("S", attribute_types=["W"])
    (W,) = S.objects("W")
    S.morphism("f", W, W)
    return S


def wrong_model() -> CSet:
    return CSet(schema("SchIdem"), {"X": 2}, {"e": [1, 0]})


def moved_values() -> Homomorphism:
    S = Schema("S", attribute_types=["W"])
    V, W = S.objects("V", "W")
    S.morphism("w", V, W)
    X, Y = (CSet(S, {"V": 1, "W": [value]}, {"w": [value]}) for value in (1, 2))
    return Homomorphism(X, Y, {"V": [0], "W": [2]})


def valued(*values) -> CSet:
    S = Schema("S", attribute_types=["W"])
    V, W = S.objects("V", "W")
    S.morphism("w", V, W)
    return CSet(S, {"V": len(values), "W": values}, {"w": values})


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (lambda: valued(float("inf")), "the value inf of an attribute is no number, word or truth value"),
        (lambda: valued((1, 2)), "the value (1, 2) of an attribute is no number, word or truth value"),
        (lambda: valued(AttrVar(2)), "the unknown values of W are numbered 1, 2, … and all in its set, not [2]"),
        (products, "Catlab's schemas have no products: `mul` starts at M * M"),
        (copied, "Catlab's schemas have no products: `f & f` ends at M * M"),
        (out_of_values, "nothing starts at an attribute type, but `f` starts at W"),
        (wrong_model, "is no model: law `law0` fails at 0"),
        (moved_values, "the component at W moves values; Catlab leaves those of attributes alone"),
        (lambda: Functor(schema("SchLoop"), P := products(), {"X": P["M"] * P["M"]}, {"t": P["f"] @ P["f"]}),
         "Catlab's schemas have no products"),
        (lambda: 3, "to_json: 3 is no presentation, C-set, functor"),
    ],
)  # fmt: skip
def test_what_catlab_has_not_is_refused(value, text):
    with pytest.raises(TheoryError) as caught:
        to_json(value())
    assert text in str(caught.value)


OURS = '{"format": "learningdiagrams.catlab", "version": 1, "kind": %s}'
LOOP = '{"Ob":[{"name":"X"}],"Hom":[{"name":"e","dom":"X","codom":"X"}],"equations":%s}'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "this is no JSON: Expecting"),
        ("[]", "a schema, an instance or a form of ours is one JSON object"),
        ("{}", "an instance does not name its schema: from_json(text, schema=…)"),
        ('{"format": "learningdiagrams", "version": 1}', '`format` is "learningdiagrams.catlab" and `version` 1 here'),
        ('{"format": "learningdiagrams.catlab", "version": 1, "kind": "functer"}', "there is no kind 'functer'"),
        ('{"format": "learningdiagrams.catlab", "version": 1, "kind": ["functor"]}', "there is no kind ['functor']"),
        ('{"format": "learningdiagrams.catlab", "version": 1, "kind": "functor"}', "`dom` is an object of JSON here"),
        (
            OURS % '"diagram of presentations","presentations":[3],"functors":[]',
            "presentations[0] is an object of JSON",
        ),
        (
            OURS % '"diagram of presentations","presentations":[],"functors":[[]]',
            "functors[0] is an object of JSON here",
        ),
        ('{"Ob":[{"nam":"X"}],"Hom":[]}', "Ob[0]: `name` is a name, not None"),
        ('{"Ob":[{"name":"X"}],"Hom":[{"name":"e","dom":"X","codom":"Y"}]}', "there is no `Y` in the schema"),
        (LOOP % '[{"dom":"X","codom":"X","name":null}]', "equations[0]: `paths` has the two sides"),
        (LOOP % '[{"dom":"X","codom":"X","name":null,"paths":[["e"],3]}]', "equations[0]: `paths` has the two sides"),
        (LOOP % '[{"dom":"X","codom":"X","name":3,"paths":[["e"],[]]}]', "equations[0]: `name` is a name, not 3"),
        (LOOP % '[{"dom":"X","codom":"Y","name":null,"paths":[["e"],[]]}]', "there is no `Y` in the schema"),
        (LOOP % '[{"dom":"X","codom":"X","name":null,"paths":[["e"],["g"]]}]', "there is no `g` in the schema"),
    ],
)
def test_texts_that_are_no_form(text, told):
    with pytest.raises(TheoryError) as caught:
        from_json(text)
    assert told in str(caught.value)


@pytest.mark.parametrize("term", [3, [], ["compose"], ["id"], ["id", 3], ["id", ["Ob"]], ["Hom", 3], ["compose", []]])
def test_what_is_no_s_expression(term):
    with pytest.raises(TheoryError, match="is no morphism"):
        from_sexpr(schema("SchIdem"), term)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"X":[{"_id":1,"e":2},{"_id":2,"e":1}]}', "the instance is no model of the schema: law `law0` fails at 1"),
        ('{"X":[{"_id":2,"e":1}]}', 'X[0]: a row of an instance has its number, "_id": 1'),
        ('{"X":[{"_id":1}]}', "X[0] has no `e`"),
        ('{"X":[{"_id":1,"e":3}]}', "`e` sends 1 to 3, which is not in the set of X"),
        ('{"X":[{"_id":1,"e":[1]}]}', "X[0]: `e` is the number of a part of X, not [1]"),
        ('{"X":[{"_id":1,"e":true}]}', "X[0]: `e` is the number of a part of X, not True"),
        ('{"X":[],"Y":[]}', "the instance has `Y`, which is no object of the schema"),
        ('{"X":{}}', "`X` is a list, not {}"),
    ],
)
def test_instances_that_are_none(text, told):
    """Catlab takes the first of these without a word."""
    with pytest.raises(TheoryError) as caught:
        from_json(text, schema=schema("SchIdem"))
    assert told in str(caught.value)
