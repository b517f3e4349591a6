"""Links of quiver: the cells in them, diagrams out of them, diagrams into them."""

import base64
import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from learningdiagrams.declarations import Style
from learningdiagrams.diagram import Diagram
from learningdiagrams.drawing.quiver import quiver
from learningdiagrams.language import LanguageError, load, loads
from learningdiagrams.language.quiver import read_link
from learningdiagrams.language.quiver_cells import BLACK, Cells, Colour, Edge, Vertex, decode, encode, is_link
from learningdiagrams.language.quiver_labels import expand, macros_of, name_from, split, tex, untex
from learningdiagrams.language.quiver_style import (
    EQUATIONS,
    ROLES,
    Extras,
    hex_of,
    hsl_of,
    is_plain,
    kind_of,
    parse_extras,
    role_of,
)

HERE = Path(__file__).resolve().parent
# Public share links, with what they hold; the source of each is in the file.
KNOWN = [
    question
    for case in json.loads((HERE / "data" / "known_answers.json").read_text(encoding="utf-8"))
    for question in case["questions"]
    if question["type"] == "quiver_decode"
]
SQUARE = (Vertex(0, 0, "A"), Vertex(1, 0, "B"), Vertex(0, 1, "C"), Vertex(1, 1, "D"))


def link_of(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return f"https://q.uiver.app/#q={base64.b64encode(text.encode()).decode()}"


def payload(link: str) -> list:
    return json.loads(base64.b64decode(link.split("q=", 1)[1]))


def cells(vertices, edges, **beside) -> str:
    return encode(Cells(tuple(vertices), tuple(edges), **beside))


# Links and cells --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("question", KNOWN, ids=lambda question: question["q"][:12])
def test_known_links(question, tmp_path: Path):
    link = f"https://q.uiver.app/#q={question['q']}"
    assert payload(link) == question["json"]
    found = decode(link)
    assert (len(found.vertices), len(found.edges)) == (question["nodes"], question["edges"])
    assert [v.label for v in found.vertices] == [row[2] for row in question["json"][2 : 2 + question["nodes"]]]
    assert encode(found) == link
    # The same through a diagram in a file: nothing of it is lost there either.
    read = read_link(link)
    read.diagram.save(tmp_path / "x.diagram")
    assert read.said == [] and quiver(load(tmp_path / "x.diagram")) == (link, [])


numbers = st.integers(0, 3)
colours = st.builds(Colour, st.integers(0, 360), st.integers(0, 100), st.integers(0, 100), st.sampled_from((1, 1, 0.5)))
labels = st.sampled_from(
    [
        "",
        "A",
        "f",
        r"\sigma",
        r"A \times B",
        "1",
        "x y",
        "σ",
        "😀",
        r"\text{goal}",
        "A",
        "\n",
        "𝒟",
        "stop",
        "[2]",
        "\ud800",
    ]
)
looks = st.dictionaries(
    st.sampled_from(["offset", "radius", "angle", "curve", "label_position", "style.head.name", "style.body.name"]),
    st.integers(-4, 4),
    max_size=3,
).map(
    lambda found: {
        name: {"label_position": 40 + x, "style.head.name": "epi", "style.body.name": "dotted"}.get(name, x)
        for name, x in found.items()
        if x not in (0, 3)
    }
)


@st.composite
def drawings(draw: st.DrawFn) -> Cells:
    """Cells as quiver has them: level by level, every vertex in a cell of the grid of its own."""
    places = draw(st.lists(st.tuples(numbers, numbers), min_size=1, max_size=5, unique=True))
    left, top = min(x for x, _ in places), min(y for _, y in places)
    vertices = []
    for x, y in places:
        label = draw(labels)
        vertices.append(
            Vertex(x - left, y - top, label, draw(st.sampled_from((BLACK, draw(colours)))) if label else BLACK)
        )
    edges: list[Edge] = []
    first = last = 0
    for ends in (len(vertices), None):
        last = len(vertices) + len(edges)
        for _ in range(draw(st.integers(0, 4))):
            source, target = (draw(st.integers(first, (ends or last) - 1)) for _ in range(2))
            label, options = draw(labels), draw(looks)
            given_label = draw(st.booleans()) and label
            edges.append(
                Edge(
                    source,
                    target,
                    label,
                    draw(numbers) if label or options else 0,
                    options,
                    draw(colours) if given_label else BLACK,
                )
            )
        first = len(vertices)
        if len(edges) == 0:
            break
    return Cells(tuple(vertices), tuple(edges))


@given(drawings())
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_cells_through_links(found: Cells):
    assert decode(encode(found)) == found


@given(drawings())
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_nothing_that_others_draw_is_lost(found: Cells):
    read = read_link(encode(found))
    made = read.diagram
    # Every arrow is a generator or an equation, and a label that is no declaration is there still.
    arrows = len(made.generators) + len(made.laws) + len(made.goals) + len(made.measures)
    assert arrows >= len(found.edges)
    again = quiver(made)
    assert again.said == []
    drawn = decode(again.url)
    assert sorted((v.x, v.y) for v in drawn.vertices) == sorted((v.x, v.y) for v in found.vertices)

    def looks(cells: Cells) -> list[str]:
        vertices = [replace(v, x=0, y=0, colour=BLACK) for v in cells.vertices]  # a product keeps no colour
        arrows = [replace(e, source=0, target=0, options=dict(sorted(e.options.items()))) for e in cells.edges]
        # An equation that came as a map is drawn before the others; its name may stand behind its label then.
        if any(" is no " in line for line in read.said):
            arrows = [replace(e, label=split(e.label)[0]) for e in arrows]
        return sorted(map(str, [*vertices, *arrows]))

    assert looks(drawn) == looks(found)
    assert quiver(read_link(again.url).diagram).url == again.url


def test_the_form_of_a_link():
    made = Cells((Vertex(2, 3), Vertex(4, 3, "é")), (Edge(0, 1), Edge(0, 1, "", 2), Edge(0, 1, "g", 0, {"level": 2})))
    assert payload(encode(made)) == [0, 2, [0, 0], [2, 0, "é"], [0, 1], [0, 1], [0, 1, "g", 0, {"level": 2}]]
    coloured = Edge(0, 1, "g", 0, {}, Colour(0, 60, 60))
    assert payload(encode(Cells(made.vertices, (coloured,))))[-1] == [0, 1, "g", 0, {}, [0, 60, 60, 1]]
    assert "é".encode() in base64.b64decode(encode(made).split("q=", 1)[1])


@pytest.mark.parametrize(
    "change",
    [
        lambda link: link.replace("https://", "http://"),
        lambda link: link.replace("https://", ""),
        lambda link: f"<{link}>",
        lambda link: f"  {link}\n",
        lambda link: f"{link[:30]}\r\n  {link[30:]}",
        lambda link: link.rstrip("="),
        lambda link: link.replace("=", "%3D").replace("q%3D", "q="),
        lambda link: link.replace("#q", "?q"),
        lambda link: link.replace("#q", "#r=typst&q"),
        lambda link: f"{link}&embed",
        lambda link: link.replace("q.uiver.app/", "varkor.github.io/quiver/"),
    ],
)
def test_links_as_they_are_pasted(change):
    link = cells([Vertex(0, 0, "AB")], [])
    assert link.endswith("=") and decode(change(link)).vertices == (Vertex(0, 0, "AB"),)
    assert is_link(change(link))


@pytest.mark.parametrize("text", ["a.diagram", "q.json", "./https.json", "C:\\x.diagram", "q.uiver.app.diagram"])
def test_names_of_files_are_no_links(text):
    assert not is_link(text)


def test_options_that_are_not_known_are_left_out_and_old_ones_understood():
    options = {"novel": 1, "style": {"body": {"name": "cell", "level": 2}, "novel": {"x": 1}}, "length": 60}
    (edge,) = decode(link_of([0, 1, [0, 0], [0, 0, "f", 0, options]])).edges
    assert edge.options == {"level": 2, "shorten.source": 20, "shorten.target": 20}
    assert decode(link_of([])) == decode("https://q.uiver.app/") == Cells()


A = [0, 0, "A"]
WRONG = [
    ("https://q.uiver.app/#q=WzA*", '1:27: "*" is no letter of base64'),
    ("https://q.uiver.app/#q=WzA-", '1:27: "-" is no letter of base64; standard base64 has `+`'),
    (
        "https://q.uiver.app/#q=WzAsM",
        "1:24: this is no base64: a letter is missing or one too many; the link may be cut off",
    ),
    ("https://q.uiver.app/#q=//79", "1:24: what the base64 stands for is no UTF-8 (byte 1); the link may be damaged"),
    (
        link_of("[0,1,[0,0"),
        "1:24: what the base64 stands for is no JSON: expecting ',' delimiter at character 10 of "
        "9; the link may be cut off",
    ),
    (link_of("[0,NaN]"), "1:24: what the base64 stands for is no JSON: NaN is no number of JSON"),
    (link_of("[" * 100_000), "1:24: what the base64 stands for is no diagram: brackets are nested too deep"),
    ("https://q.uiver.app/#r=katex", "1:1: there is no `q=` in this link; quiver's share button gives one that has it"),
    (
        "https://example.org/#q=WzA",
        "1:1: `example.org` is no address of quiver; a link starts with https://q.uiver.app/#q=",
    ),
    (link_of({}), "1:1: a list [0, number of vertices, …] is expected in the link, not an object"),
    (link_of([1, 0]), "1:1: the version of this link is 1; version 0 can be read"),
    (link_of([0, -1]), "1:1: the number of vertices is a whole number from 0 up, not -1"),
    (link_of([0, 2, A]), "1:1: 2 vertices are announced, and there is 1"),
    (link_of([0, 1, 7]), "1:1: vertex 1: it is 7; it is written [x, y, label, colour]"),
    (link_of([0, 1, [0]]), "1:1: vertex 1: it has 1 entries; it is written [x, y, label, colour]"),
    (link_of([0, 1, [-1, 0]]), "1:1: vertex 1: x is a whole number from 0 up, not -1"),
    (link_of([0, 1, [0, 0.5]]), "1:1: vertex 1: y is a whole number from 0 up, not 0.5"),
    (link_of([0, 1, [0, True]]), "1:1: vertex 1: y is a whole number from 0 up, not true"),
    (link_of([0, 1, [0, 0, 3]]), "1:1: vertex 1: its label is a text, not 3"),
    (
        link_of([0, 1, [0, 0, "", [361, 0, 0]]]),
        "1:1: vertex 1: its colour is [hue, saturation, lightness], up to 360, 100 and 100, not [361, 0, 0]",
    ),
    (link_of([0, 2, A, A]), "1:1: vertex 2: it stands at (0, 0), where vertex 1 is already"),
    (link_of([0, 1, A, [0, 1]]), "1:1: arrow 1: its target is cell 1, counted from 0, and 1 cell is before it"),
    (
        link_of([0, 1, A, [0, 0], [5, 0]]),
        "1:1: arrow 2: its source is cell 5, counted from 0, and 2 cells are before it",
    ),
    (
        link_of([0, 0, [0, 0]]),
        "1:1: arrow 1: its source is cell 0, counted from 0, and no cell is before it\nLINK:1:1: "
        "arrow 1: its target is cell 0, counted from 0, and no cell is before it",
    ),
    (link_of([0, 1, A, [0, 0, "", 4]]), "1:1: arrow 1: alignment is a whole number from 0 to 3, not 4"),
    (link_of([0, 1, A, [0, 0, "", 0, []]]), "1:1: arrow 1: its options are an object, not a list"),
    (link_of([0, 1, A, [0, 0, "", 0, {"curve": "1"}]]), '1:1: arrow 1: curve is a whole number, not "1"'),
    (link_of([0, 1, A, [0, 0, "", 0, {"level": 0}]]), "1:1: arrow 1: level is a whole number from 1 up, not 0"),
    (
        link_of([0, 1, A, [0, 0, "", 0, {"label_position": 101}]]),
        "1:1: arrow 1: label_position is a whole number from 0 to 100, not 101",
    ),
    (
        link_of([0, 1, A, [0, 0, "", 0, {"shorten": {"source": 60, "target": 50}}]]),
        "1:1: arrow 1: it is shortened by more than its length",
    ),
    (
        link_of([0, 1, A, [0, 0, "", 0, {"style": {"head": {"name": 1}}}]]),
        "1:1: arrow 1: style.head.name is a text, not 1",
    ),
    (
        link_of([0, 1, A, [0, 0, "", 0, {"edge_alignment": {"source": 1}}]]),
        "1:1: arrow 1: edge_alignment.source is true or false, not 1",
    ),
]


@pytest.mark.parametrize(("link", "message"), WRONG)
def test_malformed_links_say_what_is_wrong(link: str, message: str):
    with pytest.raises(LanguageError) as caught:
        decode(link)
    assert str(caught.value) == f"LINK:{message}"


# Labels, colours and words ----------------------------------------------------------------------------------


@given(st.text())
def test_any_text_comes_back_from_latex(text: str):
    assert untex(tex(text)) == text.translate({ord("~"): "~"})


@pytest.mark.parametrize(
    ("label", "name"),
    [
        (r"\mathbf{C}", "C"), (r"\text{fst} (a,b)", "fst_a_b"), (r"T\ \pi", "T_pi"), ("f'", "f_prime"), ("", "arrow1"),
        ("+", "arrow1"), ("2x", "_2x"), ("goal", "goal_"), ("None", "None_"), ("σ", "σ"), (r"A \times B", "A_x_B"),
        ("ﬁ", "fi"), ("x" * 99, "x" * 60),
    ],
)  # fmt: skip
def test_names_out_of_labels(label: str, name: str):
    assert name_from(label, "arrow") == name
    Diagram().object(name)


def test_names_are_unique_and_look_different():
    read = read_link(cells([Vertex(0, 0, "A"), Vertex(1, 0, "A"), Vertex(2, 0, "А"), Vertex(3, 0, r"\mathsf{A}")], []))
    assert list(read.diagram.sorts) == ["A", "A_2", "А_3", "A_4"]
    assert [style.label for style in read.diagram.styles.values()] == [None, "A", "А", r"\mathsf{A}"]


def test_macros_are_put_in_and_what_defines_none_is_said():
    macros = (
        "% sets\n\\newcommand{\\C}{\\mathbf{C}}\n\\newcommand\\Hom[2]{[#1,#2]}\n\\DeclareMathOperator{\\op}{op}\n\\x"
    )
    read = read_link(cells([Vertex(0, 0, r"\C"), Vertex(1, 0, r"\Hom{\C}x")], [Edge(0, 1, r"\op\Cat")], macros=macros))
    assert [style.label for style in read.diagram.styles.values()] == [
        r"\mathbf{C}", r"[\mathbf{C},x]", r"\operatorname{op}\Cat",
    ]  # fmt: skip
    assert read.said == [r"`\x` defines no macro; it is left out"]
    away = read_link(cells(SQUARE[:1], [], macro_url="https://a.b/c.sty", renderer="typst"))
    assert away.said == [
        "macros at https://a.b/c.sty are not fetched; labels keep the commands that they define",
        "labels are written for typst; they are kept as if they were LaTeX",
    ]


@pytest.mark.parametrize("body", [r"\a\a", r"\a{#1#1}", r"\a"])
def test_macros_in_a_circle_end(body: str):
    macros, _ = macros_of(f"\\newcommand{{\\a}}[1]{{{body}}}")
    assert len(expand(r"\a{xxxxxxxxxx}", macros)) < 10_000_000


@given(colours)
def test_colours(colour: Colour):
    code = hex_of(colour)
    if is_plain(colour):
        assert hsl_of(code) == colour
    assert hex_of(Colour(*hsl_of(code)[:3])).startswith("#")
    Style.of(loads("object A"), "A", {"colour": code})


@given(
    st.builds(
        Extras,
        st.sampled_from((None, 0, 3)),
        st.sampled_from(({}, {"offset": -2, "style.tail.name": "maps to", "style.tail.side": "top", "level": 3})),
        st.none() | colours,
        st.sampled_from((None, "f", (1, 2, 3))),
        st.sampled_from((None, "A", (0, 0, 0))),
    )
)
def test_extras_through_words(extras: Extras):
    assert parse_extras(str(extras)) == extras


def test_every_role_and_kind_looks_like_itself():
    assert [role_of(look) for look in ROLES.values()] == [*list(ROLES)[:-1], "model"]
    assert [kind_of(look) for look in EQUATIONS.values()] == list(EQUATIONS)
    assert len({tuple(sorted(look.items())) for look in ROLES.values()}) == len(ROLES)
