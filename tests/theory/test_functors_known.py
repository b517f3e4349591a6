"""Functors whose failures are known: Catlab's cases and others from published sources."""

import json
from pathlib import Path

import pytest

from learningdiagrams.theory import Functor, Presentation
from tests.theory.catlab_cases import GRAPH_FUNCTORS, graph_functor
from tests.theory.spans import path

CATLAB = Path(__file__).resolve().parent.parent / "data" / "catlab"


def schemas() -> dict[str, Presentation]:
    """The presentations of the Catlab cases, written by hand."""
    shapes = {
        "SchSq": ("ABCD", {"f": "AB", "g": "AC", "h": "BD", "k": "CD"}, [(("f", "h"), ("g", "k"))]),
        "SchFreeSq": ("ABCD", {"f": "AB", "g": "AC", "h": "BD", "k": "CD"}, []),
        "SchArrow": ("ST", {"a": "ST"}, []),
        "SchIdem": ("X", {"e": "XX"}, [(("e", "e"), ("e",))]),
        "SchInv": ("X", {"s": "XX"}, [(("s", "s"), ())]),
        "SchLoop": ("X", {"t": "XX"}, []),
        "SchGraph": ("VE", {"src": "EV", "tgt": "EV"}, []),
        "SchReflexiveGraph": (
            "VE",
            {"src": "EV", "tgt": "EV", "refl": "VE"},
            [(("refl", "src"), ()), (("refl", "tgt"), ())],
        ),
    }
    made = {}
    for name, (sorts, arrows, laws) in shapes.items():
        P = made[name] = Presentation(name)
        P.objects(*sorts)
        for arrow, (dom, cod) in arrows.items():
            P.morphism(arrow, P.sorts[dom], P.sorts[cod])
        for left, right in laws:
            start = arrows[left[0]][0]
            P.law(path(P, start, list(left)), path(P, start, list(right)))
    return made


CASES = json.loads((CATLAB / "functoriality.json").read_text(encoding="utf-8"))["presentation_cases"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_against_catlab(case):
    """Ends as Catlab tells them; laws, which Catlab does not examine, as its comment says they are."""
    made = schemas()
    P, Q = made[case["dom"]], made[case["codom"]]
    starts = {name: case["ob_map"][str(it.dom)] for name, it in P.generators.items()}
    morphisms = {}
    for name, names in case["hom_map_paths"].items():
        start = str(Q.generators[names[0]].dom) if names else starts[name]
        morphisms[name] = path(Q, start, names)
    F = Functor(P, Q, case["ob_map"], morphisms)
    found = F.failures()
    expected = case["failures"]["value"]
    assert [it.what for it in found if it.kind == "domain"] == expected["bad_dom"]
    assert [it.what for it in found if it.kind == "codomain"] == expected["bad_cod"]
    comment = case["mathematical_comment"].lower()
    wrong = "not functorial" in comment or "does not preserve" in comment or "not equation" in comment
    assert bool(found) == wrong
    assert "undecided" not in {it.kind for it in found}


@pytest.mark.parametrize("case", GRAPH_FUNCTORS, ids=lambda case: case["name"])
def test_against_catlab_on_free_categories(case):
    """Functors between free categories on graphs: which edges have images with wrong ends."""
    found = graph_functor(case).failures()
    expected = case["failures"]["value"]
    for kind, key in (("domain", "bad_dom"), ("codomain", "bad_cod")):
        assert [it.what for it in found if it.kind == kind] == [f"e{edge}" for edge in expected[key]]


KNOWN = json.loads((CATLAB.parent / "known_answers.json").read_text(encoding="utf-8"))
VALID = [
    (case["presentation"], question)
    for case in KNOWN
    for question in case["questions"]
    if question["type"] == "functor_valid"
]


def known(name: str, presentation: dict) -> Presentation:
    P = Presentation(name)
    P.objects(*(f"o{it}" for it in presentation["objects"]))
    for it, (dom, cod) in presentation["generators"].items():
        P.morphism(it, P.sorts[f"o{dom}"], P.sorts[f"o{cod}"])
    for number, law in enumerate(presentation["equations"]):
        start = str(P.generators[(law["lhs"] or law["rhs"])[0]].dom)
        P.law(path(P, start, law["lhs"]), path(P, start, law["rhs"]), name=f"law{number}")
    return P


@pytest.mark.parametrize(("presentation", "question"), VALID)
def test_known_answers(presentation, question):
    P = known("P", presentation)
    Q = P if question["codomain"] == "self" else known("Q", question["codomain"])
    images = {}
    for name, names in question["hom"].items():
        start = Q.generators[names[0]].dom if names else f"o{question['ob'][str(P.generators[name].dom)[1:]]}"
        images[name] = path(Q, str(start), names)
    objects = {f"o{dom}": f"o{cod}" for dom, cod in question["ob"].items()}
    found = Functor(P, Q, objects, images).failures()
    assert (found == []) == question["answer"]
    assert [it.what for it in found if it.kind == "domain"] == question.get("bad_domain", [])
    assert [it.what for it in found if it.kind == "codomain"] == question.get("bad_codomain", [])
