"""The bridge to Catlab as far as it can be tested without Julia; the rest is in `test_catlab_live.py`.

Opinions are tested on answers that a real Catlab gave; what starts and speaks to Julia on a stand-in for juliacall
that answers from a record and knows nothing else.
"""

import json
import sys

import pytest

from learningdiagrams.language import loads
from learningdiagrams.language.json_form import write_json
from learningdiagrams.theory import (
    CSet,
    Functor,
    Homomorphism,
    Presentation,
    TheoryError,
    catlab,
    coequalizer,
    colimit,
    coproduct,
    cset_colimits,
    pushout,
)
from learningdiagrams.theory.catlab.acsets import component_lists, instance_form, schema_form
from learningdiagrams.theory.catlab.bridge import Bridge, CatlabError, bridge
from learningdiagrams.theory.catlab.exchange import _learning_diagram
from learningdiagrams.theory.catlab.opinions import agreed, asked_of, compared
from tests.theory.catlab_cases import COLIMITS, FUNCTORS, diagram, functor, functorial, sides
from tests.theory.recorded_juliacall import Handle, JuliaError, NotRecorded, RecordedJuliacall
from tests.theory.test_catlab_programs import example


@pytest.fixture
def recorded_juliacall(monkeypatch):
    """The stand-in in the place of juliacall, and a bridge that is not started yet."""
    stand_in = RecordedJuliacall()
    monkeypatch.setitem(sys.modules, "juliacall", stand_in)
    bridge.cache_clear()
    yield stand_in
    bridge.cache_clear()


# The bridge.


def test_without_juliacall_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "juliacall", None)
    bridge.cache_clear()
    for call in (
        lambda: catlab.to_catlab(example()),
        lambda: pushout(*[Functor.identity(example())] * 2, engine="catlab"),
        lambda: cset_colimits.coproduct(
            *[CSet(example(), {"A": 1, "B": 1}, {"f": [0], "g": [0]})] * 2, engine="catlab"
        ),
    ):
        with pytest.raises(CatlabError) as caught:
            call()
        assert str(caught.value) == "Catlab needs juliacall and Julia: pip install 'learningdiagrams[catlab]'"


def test_it_is_started_once_and_says_so(recorded_juliacall, capsys):
    assert bridge() is bridge()
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("starting Julia with Catlab") == 1
    (module,) = recorded_juliacall.modules
    assert module.sent == ["using Catlab, ACSets, GATlab"]


def test_a_julia_that_does_not_start(recorded_juliacall, monkeypatch):
    def newmodule(name):
        raise RuntimeError("no Julia\nfound")

    monkeypatch.setattr(recorded_juliacall, "newmodule", newmodule)
    with pytest.raises(CatlabError) as caught:
        bridge()
    assert str(caught.value) == (
        "Julia with Catlab could not be started (no Julia found): install Julia 1.11 or newer from "
        "https://julialang.org, and juliacall and PythonCall.jl of one version"
    )


def test_values_go_over_by_recorded_calls(recorded_juliacall):
    assert catlab.to_catlab(example()) == Handle("P = Presentation(FreeSchema)")
    (module,) = recorded_juliacall.modules
    assert module.sent[1:] == [catlab.julia_text(example())]


def test_functions_are_made_once(recorded_juliacall):
    there = bridge().ask("P -> FinCat(P)", catlab.to_catlab(example()))
    assert there == Handle("FinCat(P)")
    assert [bridge().ask("C -> is_free(C)", there) for _ in range(2)] == [False, False]
    (module,) = recorded_juliacall.modules
    assert module.sent.count("C -> is_free(C)") == 1


def test_the_stand_in_answers_nothing_that_is_not_recorded(recorded_juliacall):
    with pytest.raises(NotRecorded):
        bridge().ask("C -> is_discrete(C)", None)
    with pytest.raises(NotRecorded):
        catlab.from_catlab(Handle("P = Presentation(FreeSchema)"))
    other = Presentation("Q")
    other.objects("Z")
    with pytest.raises(NotRecorded):
        catlab.to_catlab(other)


def test_errors_of_julia_arrive_as_ours():
    class Module:
        def seval(self, text):
            if text.startswith("using"):
                return None
            raise JuliaError(
                "MethodError: no method matching gen_map(…)\nClosest candidates are …\nStacktrace:\n [1] top"
            )

    class Julia:
        JuliaError = JuliaError

        def newmodule(self, name):
            return Module()

    with pytest.raises(CatlabError) as caught:
        Bridge(Julia()).run("is_functorial(F; check_equations=true)")
    assert str(caught.value) == "Julia: MethodError: no method matching gen_map(…)\nClosest candidates are …"
    assert isinstance(caught.value.__cause__, JuliaError) and isinstance(caught.value, TheoryError)


def test_values_that_a_function_of_julia_does_not_take():
    """Where a function has no method for them, juliacall raises TypeError with the text of the MethodError."""

    class Module:
        def seval(self, text):
            return value

    def value(it):
        raise TypeError("Julia: MethodError: no method matching (::var)(…)")

    class Julia:
        JuliaError = JuliaError

        def newmodule(self, name):
            return Module()

    with pytest.raises(CatlabError, match=r"^Julia: MethodError: no method matching"):
        Bridge(Julia()).ask("x -> x", 3)


def test_a_learning_diagram_is_read_back_unless_its_presentation_was_changed():
    d = loads("object S, A\ndata x : S -> A\nmodel f : A -> A\nlaw twice : f >> f = f\ngoal g : x >> f = x")
    # What `catlab.jl` writes: the schema, in which Catlab keeps no names of laws, and our form.
    schema = schema_form(d.presentation)
    schema["equations"][0]["name"] = None
    assert _learning_diagram({"schema": schema, "diagram": write_json(d)}) == d
    schema["Hom"][1]["codom"] = "S"
    with pytest.raises(
        TheoryError, match=r"^the presentation was changed in Julia \(`Hom`\), so that its roles and goals"
    ):
        _learning_diagram({"schema": schema, "diagram": write_json(d)})


# A second opinion on colimits, with the answers that Catlab gave.


def ours(case: dict):
    csets, maps, arrows = diagram(case)
    if case["kind"] == "colimit":
        return cset_colimits.colimit(csets.values(), arrows)
    if case["kind"] == "coproduct":
        return cset_colimits.coproduct(*csets.values())
    return getattr(cset_colimits, case["kind"])(*maps)


def answer(case: dict) -> dict:
    """Catlab's answer; it was asked for fewer legs of the bipartite diagram than we ask for."""
    legs: list[dict[str, list[int]]] = list(case["legs"])
    if case["kind"] == "colimit":
        places = [name for name in case["objects"] if name in {it["codom"] for it in case["morphisms"]}]
        found = dict(zip(places, legs, strict=True))
        # The others go through a foot that they map to.
        for it in case["morphisms"]:
            through = found[it["codom"]]
            found[it["dom"]] = {
                sort: [through[sort][n - 1] for n in images] for sort, images in it["components"].items()
            }
        legs = [found[name] for name in case["objects"]]
    return {"apex": case["apex"], "legs": legs}


@pytest.mark.parametrize("case", COLIMITS, ids=lambda case: case["name"])
def test_catlabs_colimits_agree_with_ours(case):
    made = ours(case)
    asked = asked_of(made)
    seconded = agreed(made, asked, answer(case))
    assert seconded.apex is made.apex and seconded.mediate(*made.legs).is_isomorphism()
    opinion = seconded.opinion
    assert opinion.isomorphism.is_isomorphism()
    assert all(leg >> opinion.isomorphism == there for leg, there in zip(made.legs, opinion.legs, strict=True))


@pytest.mark.parametrize("case", [it for it in COLIMITS if it["kind"] == "pushout"][:6], ids=lambda case: case["name"])
def test_a_pushout_of_graphs_is_one_of_free_categories(case):
    """Functors that send generators to generators, and Catlab's pushout of the graphs."""
    _, maps, _ = diagram(case)
    if list(maps[0].dom.sets) != ["V", "E"]:
        pytest.skip("no graphs")
    made: dict[int, Presentation] = {}
    for h in maps:
        for graph in (h.dom, h.cod):
            if id(graph) not in made:
                P = made[id(graph)] = Presentation("free")
                P.objects(*(f"v{v}" for v in graph.sets["V"]))
                for e in graph.sets["E"]:
                    P.morphism(f"e{e}", *(P[f"v{graph.maps[end][e]}"] for end in ("src", "tgt")))
    functors = []
    for h in maps:
        objects = {f"v{v}": f"v{w}" for v, w in h["V"].items()}
        functors.append(
            Functor(made[id(h.dom)], made[id(h.cod)], objects, {f"e{e}": f"e{d}" for e, d in h["E"].items()})
        )
    glued = pushout(*functors)
    asked = asked_of(glued)
    assert asked.shape == "pushout"
    seconded = agreed(glued, asked, {"apex": case["apex"], "legs": case["legs"]})
    assert isinstance(seconded, catlab.SecondedColimit) and seconded.mediate(*glued.legs)
    assert {len(it) for it in seconded.opinion.apex.sets.values()} == {len(case["apex"]["V"]), len(case["apex"]["E"])}


def test_the_coproduct_that_catlab_gives_for_a_colimit_is_found_out():
    """`colimit[𝒞](FreeGraph(…))` silently answers with the coproduct."""
    case = next(it for it in COLIMITS if it["kind"] == "colimit")
    csets, _, _ = diagram(case)
    made, beside = ours(case), cset_colimits.coproduct(*csets.values())
    legs = [catlab.to_json(leg) for leg in beside.legs]
    answered = {
        "apex": json.loads(catlab.to_json(beside.apex)),
        "legs": [json.loads(leg)["components"] for leg in legs],
    }
    with pytest.raises(catlab.Disagreement, match="in our apex, which Catlab's legs send to"):
        agreed(made, asked_of(made), answered)


def test_an_apex_that_is_too_large_is_found_out():
    case = COLIMITS[0]
    made = ours(case)
    apex = {**case["apex"], "V": [*case["apex"]["V"], {"_id": 4}]}
    with pytest.raises(catlab.Disagreement, match="what commutes with the legs is no isomorphism"):
        agreed(made, asked_of(made), {"apex": apex, "legs": case["legs"]})


def test_one_part_with_an_arrow_to_itself_is_asked_about():
    """It is no coequalizer: with two arrows, x is one with the image of each."""
    P = Presentation("P")
    A, B = P.objects("A", "B")
    f, g, h = (P.morphism(name, A, B) for name in "fgh")
    swap, turn = (Functor(P, P, {A: A, B: B}, dict(zip((f, g, h), it, strict=True))) for it in ((g, f, h), (g, h, f)))
    for functors, edges in (((swap,), ["V", "E", "E"]), ((swap, turn), ["V", "E"])):
        made = colimit([P], [(0, 0, F) for F in functors])
        asked = asked_of(made)
        assert asked.shape == "colimit" and len(made.apex.generators) == len(edges) - 1
        answer = {"apex": instance_form(asked.apex), "legs": [component_lists(asked.legs[0])]}
        assert agreed(made, asked, answer).opinion.isomorphism.is_isomorphism()
        graph = asked.legs[0].dom
        free = {"apex": instance_form(graph), "legs": [component_lists(Homomorphism.identity(graph))]}
        with pytest.raises(catlab.Disagreement, match="in our apex, which Catlab's legs send to"):
            agreed(made, asked, free)


def test_what_catlab_cannot_be_asked():
    P, Q = Presentation("P"), Presentation("Q")
    (A, B), (C,) = P.objects("A", "B"), Q.objects("C")
    f, t = P.morphism("f", A, B), Q.morphism("t", C, C)
    F = Functor(P, Q, {A: C, B: C}, {f: t >> t})
    with pytest.raises(TheoryError, match=r"a functor has to send generators to generators; .* sends `f` to `t >> t`"):
        asked_of(pushout(F, F))
    with pytest.raises(TheoryError, match="fewer than two parts"):
        asked_of(coproduct(P))
    with pytest.raises(TheoryError, match="is no colimit"):
        asked_of(F)
    S = catlab.Schema("S", attribute_types=["W"])
    S.objects("V", "W")
    X = CSet(S, {"V": 1, "W": [5]}, {})
    with pytest.raises(TheoryError, match="Catlab is asked about C-sets without attributes"):
        asked_of(cset_colimits.coproduct(X, X))
    one = Homomorphism.identity(X)
    for call in (lambda **o: pushout(F, F, **o), lambda **o: coequalizer(F, F, **o), lambda **o: coproduct(P, Q, **o),
                 lambda **o: colimit([P, Q], [(0, 1, F)], **o), lambda **o: cset_colimits.pushout(one, one, **o),
                 lambda **o: cset_colimits.coequalizer(one, one, **o), lambda **o: cset_colimits.coproduct(X, X, **o),
                 lambda **o: cset_colimits.colimit([X, X], [(0, 1, one)], **o)):  # fmt: skip
        with pytest.raises(
            TheoryError, match="there is no engine 'catlap' to ask for a second opinion; there is 'catlab'"
        ):
            call(engine="catlap")


# A second opinion on functors, with the answers that Catlab gave.


@pytest.mark.parametrize("case", FUNCTORS, ids=lambda case: case["name"])
def test_functors_side_by_side(case):
    told = case["failures"]["value"]
    F = functor(case)
    both = compared(F, case["is_functorial"]["value"], told["bad_dom"], told["bad_cod"], sides(case))
    assert both.agree and both.holds is functorial(case)
    for row in both.equations:
        law = F.dom.laws[row.law]
        if row.reason:
            assert row.catlab is row.ours is None
        else:
            assert (row.left, row.right) == (F(law.left), F(law.right))
            assert row.ours is (row.law not in {it.what for it in both.failures})
            assert row.catlab is (True if row.left == row.right else None)


def test_it_says_where_catlab_cannot_tell():
    case = next(it for it in FUNCTORS if it["name"] == "idempotent_to_involution_bad")
    told = case["failures"]["value"]
    both = compared(functor(case), True, told["bad_dom"], told["bad_cod"], sides(case))
    assert str(both).splitlines() == [
        "           Catlab       ours",
        "a functor  yes          no",
        "law law0   cannot tell  no",
    ]
    case = next(it for it in FUNCTORS if it["name"] == "bad_typing_square")
    told = case["failures"]["value"]
    text = str(compared(functor(case), False, told["bad_dom"], told["bad_cod"], sides(case)))
    assert text.splitlines()[2:] == [
        "codomain of f  no           no",
        "codomain of g  no           no",
        "law law0       cannot tell  cannot tell",
    ]


def test_pictures_have_one_of_two_endings(tmp_path):
    with pytest.raises(TheoryError, match=r"Catlab draws \.dot and \.svg here"):
        catlab.draw(example(), tmp_path / "x.png")
