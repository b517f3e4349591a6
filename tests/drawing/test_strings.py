"""String diagrams and films of proofs: what is drawn of an expression, where, and what is shaded."""

import subprocess
from itertools import combinations, pairwise
from pathlib import Path
from shutil import which
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings

from learningdiagrams.diagram import Diagram
from learningdiagrams.drawing import draw, draw_proof
from learningdiagrams.drawing.films import film, rewritten
from learningdiagrams.drawing.picture import Curve, Group, Words
from learningdiagrams.drawing.routes import sampled
from learningdiagrams.drawing.strings import MOST, Strings, strings
from learningdiagrams.errors import DiagramError
from learningdiagrams.theory import Presentation, Proved, drop, identity, proj
from learningdiagrams.theory.terms import applications
from tests.diagrams import diagrams
from tests.drawing.cases import case

SVG = "{http://www.w3.org/2000/svg}"


def named(drawn: Strings, kind: str) -> list[str]:
    return [group.name for group in drawn.groups if group.kind == kind]


def ends(drawn: Strings) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    """Where each wire begins and ends."""
    curves = [shape for group in drawn.groups if group.kind == "wire" for shape in group.shapes]
    return [(curve.points[0], curve.points[-1]) for curve in curves if isinstance(curve, Curve)]


def corners(group: Group) -> tuple[float, float, float, float]:
    points = next(shape for shape in group.shapes if isinstance(shape, Curve)).points
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return min(xs), min(ys), max(xs), max(ys)


def shape() -> Presentation:
    P = Presentation("P")
    A, B = P.objects("A", "B")
    P.morphism("f", A, B)
    P.morphism("g", B, A)
    P.morphism("m", A * B, A)
    P.morphism("split", A, A * B)
    P.morphism("one", P.unit, A)
    return P


def test_a_path_is_a_row_of_boxes():
    P = shape()
    drawn = strings(P["f"] >> P["g"] >> P["f"])
    assert named(drawn, "box") == ["f", "g", "f"] and named(drawn, "port") == ["A", "B"]
    boxes = [corners(group) for group in drawn.groups if group.kind == "box"]
    assert all(one[2] < two[0] for one, two in pairwise(boxes))
    assert len({y for ends_ in ends(drawn) for _, y in ends_}) == 1, "wires of a path are level"


def test_a_value_used_twice_is_made_once_and_copied_at_a_dot():
    P = shape()
    A, B = P.sorts["A"], P.sorts["B"]
    twice = strings(P["f"] >> (identity(B) & identity(B)))
    assert named(twice, "dot") == ["copy"] and named(twice, "box") == ["f"]
    assert named(strings((identity(A) & P["f"]) >> P["m"]), "dot") == ["copy"]
    unused = strings(proj(A * B, 1))
    assert named(unused, "dot") == ["discard"] and named(unused, "box") == []
    assert named(strings(drop(A)), "dot") == ["discard"]


def test_equal_expressions_have_one_picture():
    P = shape()
    f, A, B = P["f"], P.sorts["A"], P.sorts["B"]
    pair = f & identity(A)
    assert strings((pair >> proj(B * A, 1)) & (pair >> proj(B * A, 0))) == strings(identity(A) & f)


def test_inputs_and_outputs_keep_the_order_of_their_factors():
    P = shape()
    A, B = P.sorts["A"], P.sorts["B"]
    swap = strings(proj(A * B, 1) & proj(A * B, 0))
    ports = [group.shapes[0] for group in swap.groups if group.kind == "port"]
    words = [(w.text, w.x, w.y) for w in ports if isinstance(w, Words)]
    assert [word for word, _, _ in words] == ["A", "B", "B", "A"]
    assert words[0][2] < words[1][2] and words[2][2] < words[3][2]
    (a, b), (c, d) = ends(swap)
    assert (a[1] - c[1]) * (b[1] - d[1]) < 0, "the wires cross"


def test_several_outputs_are_several_ports_of_one_box():
    P = shape()
    drawn = strings(P["split"] >> P["m"])
    assert named(drawn, "box") == ["split", "m"] and len(ends(drawn)) == 4
    assert named(strings(P["split"] >> proj(P.sorts["A"] * P.sorts["B"], 0)), "dot") == ["discard"]


def test_constants_have_no_wire_in_and_stop_is_a_box():
    P = shape()
    drawn = strings((P["one"] & P["one"] >> P["f"]) >> P["m"])
    assert sorted(named(drawn, "box")) == ["f", "m", "one"]
    d = case("siamese")
    assert "stop" in named(strings(d.goals["same"].right, d.roles), "box")


@given(diagrams())
@settings(max_examples=40)
def test_boxes_overlap_nothing_and_no_wire_runs_through_a_foreign_box(diagram: Diagram):
    for equation in (*diagram.goals.values(), *diagram.laws.values()):
        for side in (equation.left, equation.right):
            drawn = strings(side, diagram.roles)
            heads = {(t.head, t.args) for t in applications(side.terms) if t.head is not None}
            if len(heads) > MOST:
                continue
            assert len(named(drawn, "box")) == len(heads)
            boxes = [corners(group) for group in drawn.groups if group.kind == "box"]
            for a, b in combinations(boxes, 2):
                assert a[2] < b[0] or b[2] < a[0] or a[3] < b[1] or b[3] < a[1]
            for group in drawn.groups:
                for curve in (s for s in group.shapes if isinstance(s, Curve) and group.kind == "wire"):
                    for x, y in sampled(curve.points):
                        assert not any(a + 1 < x < c - 1 and b + 1 < y < d - 1 for a, b, c, d in boxes)


def test_what_is_too_large_is_said():
    d = Diagram()
    (A,) = d.objects("A")
    f = d.map("f", A, A)
    path = f
    for _ in range(MOST):
        path = path >> f
    (group,) = strings(path).groups
    assert "too many to draw" in getattr(group.shapes[0], "text", "")


def idempotent() -> Proved:
    P = Presentation("Idempotent")
    (A,) = P.objects("A")
    e = P.morphism("e", A, A)
    P.law(e >> e, e, name="idempotent")
    verdict = P.prove(e >> e >> e, e)
    assert isinstance(verdict, Proved)
    return verdict


def test_a_film_has_a_picture_for_each_side_and_an_arrow_for_each_step():
    proof = idempotent().proof
    picture = film(proof)
    assert [g.name for g in picture.groups if g.kind == "frame"] == ["0", "1", "2"]
    assert [g.name for g in picture.groups if g.kind == "law"] == ["idempotent"] * 2
    assert [g.name for g in picture.groups if g.kind == "box"] == ["e"] * 6
    shaded = [g for g in picture.groups if g.kind == "box" and any(getattr(s, "fill", "") == "band2" for s in g.shapes)]
    assert len(shaded) == 4, "two boxes of the first picture, two of the second, none of the last"


def test_what_a_step_rewrites_is_not_what_fills_the_variables_of_its_law():
    P = Presentation("Monoid")
    (M,) = P.objects("M")
    m, u, f = P.morphism("m", M * M, M), P.morphism("u", P.unit, M), P.morphism("f", M, M)
    P.law((drop(M) >> u & identity(M)) >> m, identity(M), name="unit")
    verdict = P.prove(f >> (drop(M) >> u & identity(M)) >> m >> f, f >> f)
    assert isinstance(verdict, Proved)
    (step,) = verdict.proof.steps
    assert {getattr(t.head, "name", None) for t in rewritten(step.before, step)} == {"m", "u"}


def test_long_films_are_cut_and_say_so():
    proof = idempotent().proof
    picture = film(proof, frames=1)
    words = [s.text for g in picture.groups for s in g.shapes if isinstance(s, Words)]
    assert "1 more steps" in words
    assert [g.name for g in picture.groups if g.kind == "frame"] == ["0", "1", "2"]


def test_one_goal_is_drawn_with_its_comparator_and_weight():
    text = draw(case("distillation"), goal="soft", residuals={"soft": 0.25}) or ""
    found = {(g.get("data-kind"), g.get("data-name")): g for g in ElementTree.fromstring(text).iter(f"{SVG}g")}
    arrows = {name for kind, name in found if kind == "arrow"}
    assert arrows == {"pixels", "student", "teacher"}
    assert "kl(temperature=4) · 0.7" in "".join(found["goal", "soft"].itertext())
    assert "0.25" in "".join(found["goal", "soft"].itertext()) and ("goal-row", "hard") not in found
    assert ("arrow", "label") in {
        (g.get("data-kind"), g.get("data-name"))
        for g in ElementTree.fromstring(draw(case("distillation"), goal="accuracy") or "").iter(f"{SVG}g")
    }


def test_both_sides_as_string_diagrams():
    text = draw(case("captioning"), goal="say", string=True, residuals={"say": 0.5}) or ""
    root = ElementTree.fromstring(text)
    boxes = [g.get("data-name") for g in root.iter(f"{SVG}g") if g.get("data-kind") == "box"]
    assert sorted(filter(None, boxes)) == ["backbone", "decoder", "next", "photo", "words"]
    words = "".join(root.itertext())
    assert "≈" in words and "by cross_entropy" in words and "0.5" in words
    assert text == draw(case("captioning"), goal="say", string=True, residuals={"say": 0.5})


def test_mistakes_say_what_would_be_right(tmp_path: Path):
    with pytest.raises(DiagramError, match="has no goal, law or measure `sotf`; did you mean `soft`"):
        draw(case("distillation"), goal="sotf")
    with pytest.raises(DiagramError, match="say which goal, law or measure"):
        draw(case("distillation"), string=True)
    with pytest.raises(DiagramError, match=r"is none of \.svg, \.png, \.pdf, \.tex, \.html"):
        draw(case("distillation"), tmp_path / "x.dot", goal="soft")


def test_a_film_as_a_page_is_one_file(tmp_path: Path):
    assert draw_proof(idempotent().proof, tmp_path / "x.html") is None
    page = (tmp_path / "x.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>") and "<svg" in page and "http://" not in page.replace(SVG[1:-1], "")
    assert draw_proof(idempotent().proof, dark=True) == draw_proof(idempotent().proof, dark=True)


@pytest.mark.skipif(which("pdflatex") is None, reason="pdflatex is not installed")
def test_pictures_as_tikz_compile(tmp_path: Path):
    draw(case("captioning"), tmp_path / "goal.tex", goal="say", residuals={"say": 0.5})
    draw(case("captioning"), tmp_path / "string.tex", goal="say", string=True)
    draw_proof(idempotent().proof, tmp_path / "film.tex", dark=True)
    for name in ("goal", "string", "film"):
        command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", f"{name}.tex"]
        run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace", check=False)
        assert run.returncode == 0, run.stdout[-1500:]
