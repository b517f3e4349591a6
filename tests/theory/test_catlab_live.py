"""Catlab itself, through juliacall: `pytest -m julia`, on a machine that has Julia. Every case of tests/data/catlab.

The first run installs and compiles Catlab, for minutes.
"""

import json

import pytest

from learningdiagrams.language import loads
from learningdiagrams.theory import (
    CSet,
    Functor,
    Homomorphism,
    Presentation,
    TheoryError,
    catlab,
    cset_colimits,
    identity,
    proj,
    pushout,
)
from learningdiagrams.theory import coequalizer as coequalizer_of_functors
from learningdiagrams.theory import colimit as colimit_of_functors
from learningdiagrams.theory import coproduct as coproduct_of_presentations
from learningdiagrams.theory.catlab import AttrVar, PresentationDiagram, from_json, to_json
from learningdiagrams.theory.catlab.acsets import attribute_types, instance_form, read_instance, schema_form
from learningdiagrams.theory.catlab.bridge import bridge
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
    functorial,
    graph_functor,
    named_graph,
    schema,
    sides,
)
from tests.theory.test_catlab_programs import unknown_weights

pytestmark = [
    pytest.mark.julia,
    # Whatever juliacall warns of when it starts (signals, torch) is not for these tests to judge.
    pytest.mark.filterwarnings("default"),
]


def without_names(form: dict) -> dict:
    """A schema without its version, which is that of a Julia project, and the names of its laws."""
    return {
        **{key: value for key, value in form.items() if key != "version"},
        "equations": [{**it, "name": None} for it in form["equations"]],
    }


@pytest.mark.parametrize("name", SCHEMAS)
def test_schemas_there_and_back(name):
    P = schema(name)
    there = catlab.to_catlab(P)
    back = catlab.from_catlab(there)
    assert without_names(schema_form(back)) == without_names(schema_form(P))
    assert attribute_types(back) == attribute_types(P)
    as_category = catlab.from_catlab(bridge().ask("P -> FinCat(P)", there))
    assert without_names(schema_form(as_category)) == without_names(schema_form(P))


@pytest.mark.parametrize("name", SCHEMAS)
def test_catlab_reads_our_schemas_and_writes_the_same(name):
    """The order of fields in its text is that of Julia's dictionaries, which differs between versions of Julia."""
    read = bridge().ask("text -> parse_json_acset_schema(Presentation, text)", to_json(schema(name)))
    assert bridge().ask("(P, Q) -> P == Q", read, catlab.to_catlab(schema(name))) is True
    assert without_names(json.loads(bridge().export("value_json", read))) == without_names(json.loads(SCHEMAS[name]))


def equations_of(C) -> list:
    """The sides of the equations of a category in Julia, as s-expressions."""
    equations = bridge().ask("C -> equations(C)", C)
    return [[json.loads(bridge().export("sexpr_json", C, side)) for side in pair] for pair in equations]


@pytest.mark.parametrize("name", PRESENTATIONS["schemas"])
def test_what_catlab_tells_of_schemas(name):
    told = PRESENTATIONS["schemas"][name]
    C = bridge().ask("P -> FinCat(P)", catlab.to_catlab(schema(name)))
    assert equations_of(C) == told["equations_sexpr_by_reference"]
    assert bridge().ask("C -> is_free(C)", C) is told["is_free"]
    for kind, names in (
        ("ob", told["fincat_ob_generators"]),
        ("hom", [it["name"] for it in told["fincat_hom_generators"]]),
    ):
        generators = bridge().ask(f"C -> collect({kind}_generators(C))", C)
        assert json.loads(bridge().export("names_json", generators)) == names


def test_equations_between_paths_of_a_graph():
    told = PRESENTATIONS["graph_fincat_with_equations"]
    C = bridge().ask("P -> FinCat(P)", catlab.to_catlab(free_category(told["graph"], equations=told["equations"])))
    assert bridge().ask("C -> is_free(C)", C) is told["is_free"]
    start = [["id", f"v{ends[0]}"] for ends in told["endpoints"]]
    paths = [["compose", *(f"e{n}" for n in left)] for left, _ in told["equations"]]
    assert equations_of(C) == [list(pair) for pair in zip(paths, start, strict=True)]


@pytest.mark.parametrize("case", FUNCTORS, ids=lambda case: case["name"])
def test_functors_side_by_side(case):
    F = functor(case)
    both = catlab.functoriality(F)
    assert both.is_functorial is case["is_functorial"]["value"]
    assert list(both.bad_domains) == case["failures"]["value"]["bad_dom"]
    assert list(both.bad_codomains) == case["failures"]["value"]["bad_cod"]
    assert both.agree and both.holds is functorial(case)
    for row in both.equations:
        told = sides(case)[row.law]
        if isinstance(told, str):
            assert row.reason and row.catlab is row.ours is None
        else:
            assert row.left is not None and row.right is not None
            assert [catlab.to_sexpr(side, F.cod) for side in (row.left, row.right)] == told


@pytest.mark.parametrize("case", FUNCTORS, ids=lambda case: case["name"])
def test_functors_there_and_back(case):
    F = functor(case)
    back = catlab.from_catlab(catlab.to_catlab(F))
    assert {name: str(it) for name, it in back.objects.items()} == case["ob_map"]
    assert {name: str(it) for name, it in back.morphisms.items()} == {n: str(it) for n, it in F.morphisms.items()}


@pytest.mark.parametrize("case", GRAPH_FUNCTORS, ids=lambda case: case["name"])
def test_functors_of_free_categories(case):
    F, told = graph_functor(case), case["failures"]["value"]
    both = catlab.functoriality(F)
    assert both.agree and both.holds is both.is_functorial is case["is_functorial"]["value"]
    assert list(both.bad_domains) == [f"e{n}" for n in told["bad_dom"]]
    assert list(both.bad_codomains) == [f"e{n}" for n in told["bad_cod"]]
    back = catlab.from_catlab(catlab.to_catlab(F))
    assert {name: str(it) for name, it in back.morphisms.items()} == {n: str(it) for n, it in F.morphisms.items()}


def test_functors_of_schemas_with_attributes_and_odd_names():
    F = Functor.identity(schema("SchPerson"))
    assert {n: str(it) for n, it in catlab.from_catlab(catlab.to_catlab(F)).morphisms.items()} == {
        n: n for n in F.morphisms
    }
    P = Presentation("P")
    compose, end, Ob = P.objects("compose", "end", "Ob")
    P.law(P.morphism("true", compose, end) >> P.morphism("ɛ", end, Ob), P.morphism("α_β", compose, Ob))
    back = catlab.from_catlab(catlab.to_catlab(Functor.identity(P)))
    assert list(back.cod.generators) == ["true", "ɛ", "α_β"] and back.failures() == []


def test_a_functor_out_of_a_discrete_category():
    P, Q = Presentation("P"), schema("SchLoop")
    P.objects("A", "B")
    back = catlab.from_catlab(catlab.to_catlab(Functor(P, Q, {"A": "X", "B": "X"}, {})))
    assert {name: str(it) for name, it in back.objects.items()} == {"A": "X", "B": "X"}


def test_a_diagram_of_presentations_there_and_back():
    loop, idem, inv = schema("SchLoop"), schema("SchIdem"), schema("SchInv")
    F = Functor(loop, idem, {"X": "X"}, {"t": idem["e"] >> idem["e"]})
    G = Functor(loop, inv, {"X": "X"}, {"t": "s"})
    given = PresentationDiagram((loop, idem, inv), ((0, 1, F), (0, 2, G)))
    back = catlab.from_catlab(catlab.to_catlab(given))
    assert [it[:2] for it in back.arrows] == [(0, 1), (0, 2)]
    assert [str(it[2].morphisms["t"]) for it in back.arrows] == ["e >> e", "s"]
    assert [len(it.laws) for it in back.presentations] == [0, 1, 1]


@pytest.mark.parametrize("case", COLIMITS, ids=lambda case: case["name"])
def test_c_sets_and_homomorphisms_there_and_back(case):
    csets, maps, _ = diagram(case)
    for name, model in csets.items():
        assert instance_form(catlab.from_catlab(catlab.to_catlab(model))) == case["objects"][name]
    for told, h in zip(case["morphisms"], maps, strict=True):
        there = catlab.to_catlab(h)
        assert (
            bridge().ask("(h, X) -> is_natural(h; cat = ACSetCategory(CSetCat(X)))", there, catlab.to_catlab(h.dom))
            is True
        )
        assert json.loads(to_json(catlab.from_catlab(there)))["components"] == told["components"]


def test_c_sets_with_attributes():
    text = (DATA / "acset_person.json").read_text(encoding="utf-8")
    person = from_json(text, schema=schema("SchPerson"))
    assert to_json(catlab.from_catlab(catlab.to_catlab(person))) == text
    for key, P in (("acset_with_attrvar", schema("SchWeightedGraph")), ("named_graph_acset_json", named_graph())):
        told = PRESENTATIONS[key]
        assert instance_form(catlab.from_catlab(catlab.to_catlab(read_instance(told, P)))) == told
    for key in ("dynamic_acset_from_json_schema", "anon_acset_from_json_schema"):
        told = PRESENTATIONS[key]["value"]
        assert instance_form(catlab.from_catlab(catlab.to_catlab(read_instance(told, schema("SchSq"))))) == told
    S = schema("SchWeightedGraph")
    weights = {"V": 2, "E": 2, "Weight": [AttrVar(1), 0.5]}
    X = CSet(S, weights, {"src": [0, 0], "tgt": [1, 1], "weight": [0.5, AttrVar(1)]})
    assert catlab.from_catlab(catlab.to_catlab(X))("weight") == {1: 0.5, 2: AttrVar(1)}


def test_a_homomorphism_from_values_that_are_not_known():
    there = catlab.to_catlab(unknown_weights())
    assert bridge().ask("h -> is_natural(h)", there) is True
    assert catlab.from_catlab(there).dom("w") == {1: AttrVar(1), 2: AttrVar(2), 3: 2}
    images = {"E": {1: 1, 2: 2, 3: 3}, "W": {AttrVar(1): 1, AttrVar(2): AttrVar(1), 2: 2}}
    assert catlab.from_catlab(there).components == images


def test_a_c_set_that_violates_an_equation_is_found_out():
    """Catlab builds it without an error."""
    idem = catlab.to_catlab(schema("SchIdem"))
    there = bridge().ask(
        "(P, text) -> parse_json_acset(AnonACSetType(Schema(P)), text)", idem, '{"X":[{"_id":1,"e":2},{"_id":2,"e":1}]}'
    )
    with pytest.raises(TheoryError, match="the instance is no model of the schema: law `law0` fails at 1"):
        catlab.from_catlab(there)


@pytest.mark.parametrize("case", COLIMITS, ids=lambda case: case["name"])
def test_colimits_of_c_sets_agree(case):
    csets, maps, arrows = diagram(case)
    if case["kind"] == "colimit":
        seconded = cset_colimits.colimit(csets.values(), arrows, engine="catlab")
    elif case["kind"] == "coproduct":
        seconded = cset_colimits.coproduct(*csets.values(), engine="catlab")
    else:
        seconded = getattr(cset_colimits, case["kind"])(*maps, engine="catlab")
    assert isinstance(seconded, catlab.SecondedCSetColimit)
    assert seconded.opinion.isomorphism.is_isomorphism()
    sizes = {sort: len(parts) for sort, parts in case["apex"].items()}
    assert {sort: len(found) for sort, found in seconded.opinion.apex.sets.items()} == sizes


def test_more_shapes_of_c_sets():
    _, (f, g), _ = diagram(COLIMITS[0])
    assert catlab.pushout(f, g, f).opinion.isomorphism.is_isomorphism()
    assert catlab.coequalizer(f, f, f).opinion.isomorphism.is_isomorphism()
    # A chain, which is no bipartite diagram as it stands.
    h = Homomorphism.identity(f.cod)
    assert catlab.colimit([f.dom, f.cod, f.cod], [(0, 1, f), (1, 2, h)]).opinion.isomorphism.is_isomorphism()
    # One part with an arrow to itself.
    assert catlab.colimit([f.cod], [(0, 0, h)]).opinion.isomorphism.is_isomorphism()


def spans() -> tuple[Functor, Functor]:
    R, P, Q = Presentation("R"), Presentation("P"), Presentation("Q")
    (A, B), (X, Y), (C, D) = R.objects("A", "B"), P.objects("X", "Y"), Q.objects("C", "D")
    R.morphism("r", A, B), P.morphism("f", X, Y), P.morphism("k", Y, X), Q.morphism("g", C, D), Q.morphism("m", D, D)
    return Functor(R, P, {"A": "X", "B": "Y"}, {"r": "f"}), Functor(R, Q, {"A": "C", "B": "D"}, {"r": "g"})


def test_colimits_of_presentations_agree():
    F, G = spans()
    for seconded, edges in (
        (pushout(F, G, engine="catlab"), 3),
        (pushout(F, G, F, engine="catlab"), 4),
        (coproduct_of_presentations(F.cod, G.cod, engine="catlab"), 4),
        (coequalizer_of_functors(F, F, engine="catlab"), 2),
        (colimit_of_functors([F.dom, F.cod, G.cod], [(0, 1, F), (0, 2, G)], engine="catlab"), 3),
    ):
        assert isinstance(seconded, catlab.SecondedColimit)
        assert len(seconded.opinion.apex.sets["E"]) == edges == len(seconded.apex.generators)


def test_a_learning_diagram_there_and_back():
    d = loads("""
        diagram Distillation
        object S, Image[64], Logits[10]
        data   pixels  : S -> Image
        frozen teacher : Image -> Logits
        model  student : Image -> Logits = mlp(64, 32, 10)
        goal   soft : pixels >> student = pixels >> teacher by kl(temperature=4) weight 0.7
    """)
    there = catlab.to_catlab(d)
    assert catlab.from_catlab(there) == d
    assert bridge().ask("d -> string(d.roles[:student])", there) == "model"
    assert bridge().ask("d -> d.goals[:soft][1] == compose(d.presentation[:pixels], d.presentation[:student])", there)
    bridge().ask("d -> (add_generator!(d.presentation, Ob(FreeSchema, :New)); nothing)", there)
    with pytest.raises(TheoryError, match=r"the presentation was changed in Julia \(`Ob`\)"):
        catlab.from_catlab(there)
    assert "New" in catlab.from_catlab(bridge().ask("d -> d.presentation", there)).sorts


def test_a_wiring_diagram_is_what_catlab_makes_of_it():
    told = PRESENTATIONS["wiring_diagram_json"]["value"]
    P = Presentation("P")
    A, B, C = P.objects("A", "B", "C")
    text = json.dumps(wiring_form(P.morphism("f", A, B) >> P.morphism("g", B, C)))
    there = bridge().export("wiring_diagram", text)
    assert json.loads(bridge().ask("d -> JSON3.write(generate_json_graph(d))", there)) == told


def test_pictures(tmp_path):
    F, _ = spans()
    assert "digraph" in (text := catlab.draw(F.cod)) and 'label="f"' in text
    P = Presentation("P")
    A, B = P.objects("A", "B")
    f = P.morphism("f", A, B)
    text = catlab.draw((f & f) >> proj(B * B, 0) >> identity(B), tmp_path / "f.dot")
    assert text.count('comment="f"') == 1 and (tmp_path / "f.dot").read_text(encoding="utf-8") == text


def test_errors_of_julia_arrive_as_ours():
    with pytest.raises(catlab.CatlabError, match=r"^Julia: UndefVarError: `no_such_thing` not defined"):
        bridge().run("no_such_thing")
    with pytest.raises(catlab.CatlabError, match=r"^Julia: MethodError: no method matching form_of\("):
        catlab.from_catlab(bridge().run("sqrt"))
    with pytest.raises(catlab.CatlabError, match=r"^Julia: the category is not given by a Presentation"):
        catlab.from_catlab(bridge().run("FinCat(path_graph(Graph, 3))"))
    assert bridge() is bridge()
