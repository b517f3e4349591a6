"""The layout by geometry: what stands where, what touches nothing, what crosses what."""

import math
from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from learningdiagrams.diagram import Diagram
from learningdiagrams.drawing.graph import graph_of
from learningdiagrams.drawing.layers import arrange, components
from learningdiagrams.drawing.layout import layout, path_edges
from learningdiagrams.drawing.orders import crossings
from learningdiagrams.drawing.places import ROW, isotonic
from learningdiagrams.drawing.routes import Rect, meets, sampled
from learningdiagrams.theory.morphisms import identity
from tests.diagrams import diagrams
from tests.drawing.cases import TEXTS, case, many_tasks, scattered
from tests.drawing.geometry import distance, foreign, overlaps, rectangles


@pytest.mark.parametrize("name", [*TEXTS, "tasks"])
def test_nothing_overlaps_and_no_arrow_meets_a_foreign_vertex(name: str):
    diagram = many_tasks(5) if name == "tasks" else case(name)
    found = layout(diagram, dict.fromkeys(diagram.goals, 0.1234))
    assert overlaps(found) == 0
    assert foreign(found) == []
    assert {badge.name for badge in found.badges} == {*diagram.goals, *diagram.laws}
    for arrow in found.arrows:
        if arrow.label is not None:
            assert min(distance(p, arrow.label) for p in sampled(arrow.points)) < 20


@given(diagrams())
def test_whatever_a_diagram_holds_is_drawn(diagram: Diagram):
    found = layout(diagram)
    assert set(diagram.sorts) <= set(found.spots)
    assert {a.edge.key for a in found.arrows if a.edge.role != "wire"} == set(diagram.generators)
    unpinned = all(vertex.at is None for vertex in found.graph.vertices.values())
    texts = [r for r in rectangles(found) if not unpinned or r not in [s.box for s in found.spots.values()]]
    if unpinned:
        assert sum(one.overlaps(two) for one, two in combinations(texts, 2)) == 0


def test_the_geometry_itself_can_fail():
    """What the tests above measure with tells a hit from a miss."""
    box = Rect(0, 0, 10, 10)
    through = ((-20.0, 0.0), (-10.0, 0.0), (10.0, 0.0), (20.0, 0.0))
    past = tuple((x, 30.0) for x, _ in through)
    assert (meets(through, [box]), meets(past, [box])) == (1, 0)
    assert box.overlaps(Rect(15, 0, 6, 6)) and not box.overlaps(Rect(17, 0, 6, 6))


def test_sample_objects_stand_in_the_first_column():
    for name in ("distillation", "cycle", "siamese", "captioning"):
        diagram = case(name)
        spots = layout(diagram).spots
        left = min(spot.box.x for spot in spots.values())
        for sample in diagram.sample_objects:
            assert spots[sample.name].column == 0
            assert spots[sample.name].box.x == left


def test_squares_are_squares():
    spots = layout(case("squares")).spots
    place = {name: (spot.box.x, spot.box.y) for name, spot in spots.items()}
    for top, bottom in (("A", "A2"), ("B", "B2"), ("C", "C2")):
        assert place[top][0] == place[bottom][0] and place[top][1] < place[bottom][1]
    assert place["A"][1] == place["B"][1] == place["C"][1]
    assert place["A2"][1] == place["B2"][1] == place["C2"][1]


def test_the_two_sides_of_a_cycle_share_a_column():
    spots = layout(case("cycle")).spots
    assert spots["Horse"].box.x == spots["Zebra"].box.x


def test_parallel_and_opposite_arrows_keep_apart_and_loops_too():
    d = Diagram()
    A, B = d.objects("A", "B")
    for i in range(3):
        d.map(f"f{i}", A, B)
    d.map("back", B, A)
    d.map("e", A, A)
    d.map("e2", A, A)
    found = layout(d)
    curves = {arrow.edge.key: sampled(arrow.points) for arrow in found.arrows}
    for one, two in combinations(("f0", "f1", "f2", "back"), 2):
        middles = curves[one][len(curves[one]) // 2], curves[two][len(curves[two]) // 2]
        assert math.dist(*middles) > 25
    box = found.spots["A"].box
    assert max(y for _, y in curves["e"]) < box.y - box.half_height
    assert min(y for _, y in curves["e2"]) > box.y + box.half_height


def test_styles_are_honoured():
    d = case("distillation")
    d.style("Sample", at=(0, 0))
    d.style("Image", at=(1, -1), label=r"\sigma", colour="#c33")
    d.style("Logits", at=(2, 0))
    d.style("teacher", curve=3, label="t")
    found = layout(d)
    place = {name: (spot.box.x, spot.box.y) for name, spot in found.spots.items()}
    assert place["Image"][1] - place["Sample"][1] == -ROW
    assert place["Image"][0] - place["Sample"][0] == place["Logits"][0] - place["Image"][0]
    assert (found.spots["Image"].vertex.label, found.spots["Image"].vertex.colour) == ("σ", "#c33")
    arrows = {arrow.edge.key: arrow for arrow in found.arrows}
    assert arrows["teacher"].edge.label == "t"
    (x0, y0), (x1, y1) = place["Image"], place["Logits"]
    x, y = sampled(arrows["teacher"].points)[10]
    # To the left of its direction, which runs to the right and down: above the straight line.
    assert y < y0 + (x - x0) * (y1 - y0) / (x1 - x0) - 20


def test_unpinned_vertices_move_out_of_the_way():
    d = Diagram()
    A, B, C = d.objects("A", "B", "C")
    d.map("f", A, B)
    d.map("g", B, C)
    before = layout(d).spots["B"].box
    d.style("C", at=(before.x / 170.0, before.y / ROW))
    found = layout(d)
    assert not found.spots["B"].box.overlaps(found.spots["C"].box)


def test_products_are_joints_and_constants_have_a_one_of_their_own():
    graph = graph_of(case("captioning"))
    wires = {(e.source, e.target) for e in graph.edges if e.role == "wire"}
    assert wires == {("Features", "Features * Tokens"), ("Tokens", "Features * Tokens")}
    assert graph.vertices["Features * Tokens"].kind == "product"
    d = Diagram()
    (A,) = d.objects("A")
    d.model("one", d.unit, A)
    d.model("two", d.unit, A)
    assert [v.kind for v in graph_of(d).vertices.values()] == ["object", "unit", "unit"]


def test_crossings_are_counted_and_removed():
    order = [["a", "b"], ["x", "y"]]
    assert crossings(order, [("a", "y"), ("b", "x")]) == 1
    assert crossings(order, [("a", "x"), ("b", "y"), ("a", "y")]) == 0
    d = Diagram()
    A, B, X, Y = d.objects("A", "B", "X", "Y")
    d.map("f", A, Y)
    d.map("g", B, X)
    columns = arrange(graph_of(d))
    assert crossings(columns.order, columns.pairs) == 0


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=14))
def test_crossings_against_counting_pairs(ends: list[tuple[int, int]]):
    order = [[f"l{i}" for i in range(7)], [f"r{i}" for i in range(7)]]
    pairs = [(f"l{i}", f"r{j}") for i, j in ends]
    slow = sum((a - c) * (b - d) < 0 for (a, b), (c, d) in combinations(ends, 2))
    assert crossings(order, pairs) == slow


@given(st.dictionaries(st.integers(0, 7), st.lists(st.integers(0, 7), max_size=3), max_size=8))
def test_components_are_mutual_reachability(after: dict[int, list[int]]):
    nodes = [str(i) for i in range(8)]
    edges = {str(k): [str(v) for v in values] for k, values in after.items()}
    found = components(nodes, edges)
    reach = {n: {n} for n in nodes}
    for _ in nodes:
        for n in nodes:
            reach[n] |= {v for m in list(reach[n]) for v in edges.get(m, [])}
    for a in nodes:
        for b in nodes:
            assert (found[a] == found[b]) == (b in reach[a] and a in reach[b])


@given(st.lists(st.tuples(st.floats(-100, 100), st.floats(0.1, 5)), min_size=1, max_size=6), st.floats(0, 30))
def test_isotonic_keeps_apart_and_is_optimal(wanted: list[tuple[float, float]], gap: float):
    places, weights = [w for w, _ in wanted], [m for _, m in wanted]
    found = isotonic(places, [gap] * (len(places) - 1), weights)
    assert all(b - a >= gap - 1e-6 for a, b in pairwise(found))

    def cost(values: list[float]) -> float:
        return sum(m * (v - w) ** 2 for v, w, m in zip(values, places, weights, strict=True))

    # No feasible small change is better: moving everything from some index on, either way.
    for i in range(len(found)):
        for step in (0.01, -0.01):
            moved = [v + (step if k >= i else 0.0) for k, v in enumerate(found)]
            if all(b - a >= gap - 1e-9 for a, b in pairwise(moved)):
                assert cost(moved) >= cost(found) - 1e-6


def test_paths_name_each_map_once():
    d = Diagram()
    (A,) = d.objects("A")
    e = d.map("e", A, A)
    assert path_edges(e >> e >> e) == ("e",)


def test_an_empty_diagram_has_a_layout():
    assert layout(Diagram()).bounds == (0.0, 0.0, 0.0, 0.0)


def test_hundreds_of_arrows():
    found = layout(scattered(1, 100, 300))
    assert overlaps(found) == 0 and foreign(found) == []


def test_a_badge_of_a_loop_stands_outside_of_it():
    """No badge fits inside a loop: there it would hide the arrow."""
    d = Diagram()
    (A,) = d.objects("A")
    turn = d.map("turn", A, A)
    d.law(turn >> turn >> turn, identity(A), name="thrice")
    found = layout(d)
    (badge,), (arrow,) = found.badges, found.arrows
    assert not any(badge.box.holds(point) for point in sampled(arrow.points, 60))
    assert badge.box.y < min(y for _, y in sampled(arrow.points, 60))
