"""What Catlab itself made of schemas, functors and colimits, as values of ours; see tests/data/catlab/README.md."""

import json
import re
from pathlib import Path
from typing import Any

from learningdiagrams.theory import Functor, Homomorphism, Presentation, identity
from learningdiagrams.theory.catlab import Schema, from_json, from_sexpr
from learningdiagrams.theory.catlab.acsets import read_components, read_instance, read_schema

DATA = Path(__file__).resolve().parent.parent / "data" / "catlab"


def data(name: str) -> Any:
    return json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))


SCHEMAS = {file.stem: file.read_text(encoding="utf-8") for file in sorted((DATA / "schema_json").glob("*.json"))}
PRESENTATIONS = data("presentations")
COLIMITS = data("colimits_csets")["cases"]
FUNCTORS = data("functoriality")["presentation_cases"]
GRAPH_FUNCTORS = data("functoriality")["graph_cases"]

# The schemas that the cases name and that have no file.
OTHERS = {"SchLoop": ("X", {"t": "XX"}), "SchArrow": ("ST", {"a": "ST"})}
OTHERS["SchFreeSq"] = ("ABCD", {"f": "AB", "g": "AC", "h": "BD", "k": "CD"})


def schema(name: str) -> Presentation:
    """A schema of the cases by its name."""
    if name in SCHEMAS:
        return from_json(SCHEMAS[name])
    P = Schema(name)
    sorts, arrows = OTHERS[name]
    P.objects(*sorts)
    for arrow, (dom, cod) in arrows.items():
        P.morphism(arrow, P.sorts[dom], P.sorts[cod])
    return P


def functor(case: dict) -> Functor:
    """The functor of a case of `functoriality.json`."""
    P = schema(case["dom"])
    Q = P if case["dom"] == case["codom"] else schema(case["codom"])
    images = {}
    for name, steps in case["hom_map_paths"].items():
        start = identity(Q.sorts[case["ob_map"][str(P.generators[name].dom)]])
        images[name] = from_sexpr(Q, ["compose", *steps]) if steps else start
    return Functor(P, Q, case["ob_map"], images)


def free_category(graph: dict[str, Any], name: str = "free", equations: Any = ()) -> Presentation:
    """The category of paths of a graph of Catlab's, in which vertex 1 is `v1` and edge 1 `e1`; equations are paths."""
    P = Presentation(name)
    P.objects(*(f"v{row['_id']}" for row in graph["V"]))
    for row in graph["E"]:
        P.morphism(f"e{row['_id']}", P.sorts[f"v{row['src']}"], P.sorts[f"v{row['tgt']}"])
    for pair in equations:
        start = next(P.generators[f"e{side[0]}"].dom for side in pair if side)
        left, right = (
            from_sexpr(P, ["compose", *(f"e{n}" for n in side)]) if side else identity(start) for side in pair
        )
        P.law(left, right)
    return P


def graph_functor(case: dict) -> Functor:
    """The functor between free categories of a graph case of `functoriality.json`."""
    P, Q = (free_category(case[f"{end}_graph"], end) for end in ("dom", "codom"))
    images = {}
    for name, image in zip(P.generators, case["E"], strict=True):
        images[name] = from_sexpr(Q, ["compose", *(f"e{n}" for n in (image if isinstance(image, list) else [image]))])
    return Functor(P, Q, {name: f"v{n}" for name, n in zip(P.sorts, case["V"], strict=True)}, images)


def named_graph() -> Schema:
    """The schema of graphs whose vertices and edges have names."""
    S = Schema("NamedGraph", attribute_types=["VName", "EName"])
    V, E, vname, ename = S.objects("V", "E", "VName", "EName")
    for it in (("src", E, V), ("tgt", E, V), ("vname", V, vname), ("ename", E, ename)):
        S.morphism(*it)
    return S


def sides(case: dict) -> dict[str, Any]:
    """What Catlab mapped the sides of each law to, as s-expressions, or its error."""
    given = case["hom_map_of_equation_sides"]
    laws = list(schema(case["dom"]).laws)
    if not given["ok"]:
        return dict.fromkeys(laws, given["error"])
    return {law: [sexpr(side) for side in pair] for law, pair in zip(laws, given["value"], strict=True)}


def sexpr(unicode: str) -> Any:
    """Catlab's text of a term, `f⋅g` or `id{A}`, as an s-expression."""
    unit = re.fullmatch(r"id\{(\w+)\}", unicode)
    steps = unicode.split("⋅")
    return ["id", unit[1]] if unit else steps[0] if len(steps) == 1 else ["compose", *steps]


def functorial(case: dict) -> bool:
    """Whether the comment that a person wrote beside a case calls it a functor."""
    comment = case["mathematical_comment"].lower()
    return not any(words in comment for words in ("not functorial", "does not preserve", "not equation"))


def diagram(case: dict) -> tuple[dict[str, Any], list[Homomorphism], list[tuple[int, int, Homomorphism]]]:
    """The C-sets by name, the homomorphisms, and these as arrows of a case of `colimits_csets.json`."""
    P = read_schema(case["schema"])
    csets = {name: read_instance(parts, P) for name, parts in case["objects"].items()}
    maps = [read_components(it["components"], csets[it["dom"]], csets[it["codom"]]) for it in case["morphisms"]]
    places = list(csets)
    arrows = [
        (places.index(it["dom"]), places.index(it["codom"]), h) for it, h in zip(case["morphisms"], maps, strict=True)
    ]
    return csets, maps, arrows
