"""Links of quiver: the cells in them, diagrams out of them, diagrams into them."""

import base64
import doctest
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from learningdiagrams.cli import app
from learningdiagrams.declarations import Style
from learningdiagrams.diagram import Diagram
from learningdiagrams.drawing.quiver import quiver
from learningdiagrams.errors import DiagramError
from learningdiagrams.language import LanguageError, load, loads
from learningdiagrams.language.conversion import read_source
from learningdiagrams.language.quiver import read_link
from learningdiagrams.language.quiver_cells import BLACK, Cells, Colour, Edge, Vertex, decode, encode, is_link
from learningdiagrams.language.quiver_labels import expand, macros_of, name_from, tex, untex
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
from learningdiagrams.regimes import __file__ as regimes

from .diagrams import diagrams
from .test_language import DISTILLATION
from .test_writing import EVERYTHING

HERE = Path(__file__).resolve().parent
# Public share links, with what they hold; the source of each is in the file.
KNOWN = [
    question
    for case in json.loads((HERE / "data" / "known_answers.json").read_text(encoding="utf-8"))
    for question in case["questions"]
    if question["type"] == "quiver_decode"
]
GALLERY = sorted(Path(regimes).parent.glob("*.diagram"))
SQUARE = (Vertex(0, 0, "A"), Vertex(1, 0, "B"), Vertex(0, 1, "C"), Vertex(1, 1, "D"))
SIDES = (Edge(0, 1, "f"), Edge(1, 3, "g"), Edge(0, 2, "h", 2), Edge(2, 3, "k", 2))


def link_of(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return f"https://q.uiver.app/#q={base64.b64encode(text.encode()).decode()}"


def payload(link: str) -> list:
    return json.loads(base64.b64decode(link.split("q=", 1)[1]))


def cells(vertices, edges, **beside) -> str:
    return encode(Cells(tuple(vertices), tuple(edges), **beside))


def lines(diagram: Diagram, *words: str) -> list[str]:
    """The lines of a diagram's text that start with one of these words, without their alignment."""
    return [" ".join(line.split()) for line in str(diagram).splitlines() if line.startswith(words)]


def plain(diagram: Diagram) -> Diagram:
    """The same diagram without styles."""
    return loads("\n".join(line for line in str(diagram).splitlines() if not line.startswith("style ")))


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
    made = read_link(encode(found)).diagram
    # Every arrow is a generator or an equation, and a label that is no declaration is there still.
    arrows = len(made.generators) + len(made.laws) + len(made.goals) + len(made.measures)
    assert arrows >= len(found.edges)
    again = quiver(made)
    assert again.said == []
    drawn = decode(again.url)
    assert sorted((v.x, v.y) for v in drawn.vertices) == sorted((v.x, v.y) for v in found.vertices)
    assert len(drawn.edges) == len(found.edges)
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
        ("ﬁ", "fi"),
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


# Diagrams that others drew ----------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"style.head.name": "none"}, {"style.body.name": "dashed"}])
@pytest.mark.parametrize(
    ("ends", "sides"),
    [((1, 2), "f >> g = h >> k"), ((8, 9), "p = q"), ((1, 8), None)],
    ids=["square", "parallel", "several"],
)
def test_double_arrows_are_equations(options, ends, sides):
    edges = [*SIDES, Edge(0, 3, "p"), Edge(0, 3, "q")]
    level = {} if max(ends) > 3 else {"level": 2}
    link = cells(SQUARE, [*edges, Edge(ends[0], ends[1], r"\alpha", 0, {**level, **options})])
    read = read_link(link)
    kind = {"none": "law", "dashed": "measure"}.get(next(iter(options.values()), ""), "goal")
    by = "" if kind == "law" else " by mse"
    sides = sides or "f >> g = p"
    assert lines(read.diagram, "law", "goal", "measure") == [f"{kind} alpha : {sides}{by}"]
    assert read.said == [] and read.diagram.styles["alpha"].label == r"\alpha"
    assert quiver(loads(str(read.diagram))) == (link, [])


def test_a_triangle_that_two_paths_could_fill_is_a_map():
    edges = [Edge(0, 1, "f"), Edge(0, 1, "f'"), Edge(1, 2, "g"), Edge(0, 2, "h"), Edge(1, 6, "x")]
    read = read_link(cells(SQUARE[:3], edges))
    assert lines(read.diagram, "law", "goal") == [] and "x" in read.diagram.generators
    assert read.said == ["arrow 5 `x` is between arrows that are not parallel; it came as a map B -> C"]


def test_arrows_between_anything_are_kept():
    corner = Edge(0, 1, "c", 0, {"style.name": "corner"})
    edges = [*SIDES, corner, Edge(4, 7, r"\beta"), Edge(4, 2, ""), Edge(9, 10, "T")]
    link = cells(SQUARE, edges)
    read = read_link(link)
    assert [name for name in read.diagram.generators] == ["f", "g", "h", "k", "c", "beta", "arrow1", "T"]
    assert read.diagram.styles["T"].quiver == "from beta, to arrow1"
    assert [line.split(" is ")[1].split(";")[0] for line in read.said] == [
        "drawn as a corner",
        *["between arrows that are not parallel"] * 3,
    ]
    assert quiver(loads(str(read.diagram))) == (link, [])


def test_products_and_the_unit():
    vertices = [
        Vertex(1, 0, r"X \times Y"),
        Vertex(0, 1, "X"),
        Vertex(2, 1, "Y"),
        Vertex(3, 3, "1"),
        Vertex(0, 0, r"X \times Q"),
    ]
    edges = [Edge(0, 1, r"\pi_1"), Edge(0, 2, r"\pi_2"), Edge(3, 1, "x"), Edge(2, 3, "!"), Edge(1, 4, "a")]
    link = cells(vertices, edges)
    read = read_link(link)
    assert lines(read.diagram, "object", "map") == [
        "object X, Y, X_x_Q",
        "map pi_1 : X * Y -> X",
        "map pi_2 : X * Y -> Y",
        "map x : 1 -> X",
        "map arrow1 : Y -> 1",
        "map a : X -> X_x_Q",
    ]
    assert quiver(loads(str(read.diagram))) == (link, [])


def test_a_drawing_becomes_a_setup_that_trains():
    vertices = [
        Vertex(0, 0, "Sample"),
        Vertex(1, 0, "Image[4]"),
        Vertex(2, 0, r"\mathrm{Logits}[3]"),
        Vertex(0, 2, r"\text{goal soft: pixels >> student = pixels >> teacher by kl(temperature=4) weight 0.5}"),
        Vertex(0, 3, "stage first : train student by hard, soft epochs 2"),
        Vertex(0, 4, r"\text{diagram Drawn}"),
    ]
    edges = [
        Edge(0, 1, "pixels", 0, {"style.tail.name": "maps to"}),
        Edge(0, 2, r"\text{data label}", 0, {"curve": -4}),
        Edge(1, 2, r"teacher = \mathrm{linear}(4, 3)", 0, {"style.body.name": "dashed"}),
        Edge(1, 2, r"\text{model student = mlp(4, 8, 3)}"),
        Edge(1, 7, r"\text{hard : pixels $\gg$ student = label by cross\_entropy}"),
    ]
    read = read_link(cells(vertices, edges))
    assert read.said == []
    assert plain(read.diagram) == loads("""
        diagram Drawn
        object Sample, Image[4], Logits[3]
        data pixels : Sample -> Image
        data label : Sample -> Logits
        frozen teacher : Image -> Logits = linear(4, 3)
        model student : Image -> Logits = mlp(4, 8, 3)
        goal soft : pixels >> student = pixels >> teacher by kl(temperature=4) weight 0.5
        goal hard : pixels >> student = label by cross_entropy
        stage first : train student by hard, soft epochs 2
    """)
    assert read.diagram.styles["label"].curve == 4
    again = quiver(read.diagram)
    assert again.said == [] and plain(read_link(again.url).diagram) == plain(read.diagram)


def test_what_a_label_says_wrongly_is_an_error_at_its_cell():
    link = cells(
        [
            Vertex(0, 0, "A"),
            Vertex(1, 0, "B"),
            Vertex(5, 5, "goal g : f >> nope = f by mse"),
            Vertex(6, 5, r"\text{diagram}"),
        ],
        [Edge(0, 1, "model f = mpl(3, 4)"), Edge(0, 1, r"\text{frozen h = linear(2)}")],
    )
    with pytest.raises(LanguageError) as caught:
        read_link(link)
    cells_of = {" ".join(error.message.split()[:2]) for error in caught.value.errors}
    assert cells_of == {"arrow 1", "arrow 2", "vertex 3"}
    assert "`mpl`; did you mean `mlp`?" in str(caught.value) and "there is no map `nope`" in str(caught.value)


def test_roles_that_cannot_be_come_as_maps_and_are_drawn_the_same():
    link = cells(
        SQUARE[:2],
        [
            Edge(0, 1, "f"),
            Edge(1, 0, "g", 0, {"style.tail.name": "maps to"}),
            Edge(0, 1, "z", 0, {"style.body.name": "squiggly"}),
        ],
    )
    read = read_link(link)
    assert set(read.diagram.roles.values()) == {"map"}
    assert [line.split(":")[0] for line in read.said] == [
        "arrow 2 `g` looks like data and came as a map",
        "arrow 3 `z` looks like noise and came as a map",
    ]
    assert quiver(loads(str(read.diagram))) == (link, [])


def test_a_goal_away_from_data_is_sampled_along_a_path_that_leads_there():
    edges = [Edge(0, 1, "x", 0, {"style.tail.name": "maps to"}), Edge(1, 3, "f"), Edge(1, 3, "g"), Edge(5, 6, "same")]
    read = read_link(cells(SQUARE, edges))
    assert lines(read.diagram, "goal") == ["goal same : f = g on x by mse"]
    assert read.said == ["arrow 4 `same` starts at B; it is sampled on x"]


# Diagrams as links ------------------------------------------------------------------------------------------


@given(diagrams())
@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None, max_examples=40)
def test_what_goes_out_comes_back(d: Diagram):
    link = quiver(d)
    read = read_link(link.url)
    assert read.said == [] and plain(read.diagram) == plain(d)
    kept = {line.split("`")[1] for line in link.said}
    for name, style in d.styles.items():
        if name not in kept:
            again = read.diagram.styles.get(name, Style(name))
            assert (again.label, again.curve) == (style.label, style.curve)
            assert style.at is None or again.at is not None
    assert quiver(read.diagram) == (link.url, [])


@pytest.mark.parametrize("path", GALLERY, ids=lambda path: path.stem)
def test_the_gallery_goes_out_and_comes_back(path: Path):
    d = load(path)
    link = quiver(d)
    assert link.said == [] and plain(read_link(link.url).diagram) == plain(d)
    cells = [(vertex.x, vertex.y) for vertex in decode(link.url).vertices]
    assert len(set(cells)) == len(cells) and min(x for x, _ in cells) == min(y for _, y in cells) == 0


@pytest.mark.parametrize(
    "text", ["", "object A", EVERYTHING, DISTILLATION], ids=["empty", "one", "everything", "small"]
)
def test_files_go_out_and_come_back(text: str):
    d = loads(text)
    assert plain(read_link(quiver(d).url).diagram) == plain(d)


def test_what_a_picture_shows():
    rows = payload(quiver(loads(DISTILLATION)).url)
    vertices, edges = rows[2 : 2 + rows[1]], rows[2 + rows[1] :]
    assert r"\mathrm{Image}\text{[64]}" in [row[2] for row in vertices]
    by_label = {row[2]: row for row in edges}
    assert by_label[r"\mathrm{teacher}"][4]["style"] == {"body": {"name": "dashed"}}
    assert by_label[r"\mathrm{student}"][4]["style"] == {"body": {"name": "barred"}}
    assert by_label[r"\mathrm{pixels}"][4]["style"] == {"tail": {"name": "maps to"}}
    (soft,) = (label for label in by_label if label.startswith(r"\text{soft"))
    assert "kl(temperature=4) weight 0.7" in soft
    between = [len(vertices) + list(by_label).index(rf"\mathrm{{{name}}}") for name in ("student", "teacher")]
    assert by_label[soft][:2] == between


def test_a_law_of_a_square_is_an_equality_sign_in_its_face():
    d = loads(
        "object A, B, C, D\nmap f : A -> B\nmap g : B -> D\nmap h : A -> C\nmap k : C -> D\nlaw comm : f >> g = h >> k"
    )
    link = quiver(d).url
    options = {"shorten": {"source": 20, "target": 20}, "level": 2, "style": {"head": {"name": "none"}}}
    assert payload(link)[-1] == [1, 2, r"\text{comm}", 0, options]
    assert read_link(link).diagram.laws.keys() == {"comm"}


def test_long_realisations_stand_behind_their_names():
    d = loads("object A\nmodel f : A -> A = sequential(linear(4, 4), linear(4, 4), linear(4, 4))")
    label = payload(quiver(d).url)[-1][2]
    assert label.startswith(r"f\vphantom{\text{f = sequential(")
    assert plain(read_link(quiver(d).url).diagram) == d


def test_styles_go_out_and_what_cannot_is_said():
    d = loads(
        "object A, B\nmap f : A -> B\nmap g : A -> B\nlaw same : f = g\n"
        'style A at=(3, 1), colour="#CC3333"\nstyle B at=(4, 1), label="\\beta"\n'
        'style f label="\\sigma_0", curve=2, colour="#d65c5c", quiver="label right, head epi"\n'
        'style g curve=0.5, at=(1, 1)\nstyle same colour="#123457"'
    )
    link = quiver(d)
    assert link.said == [
        "style `g`: at and curve cannot be carried as given",
        "style `same`: colour cannot be carried as given",
    ]
    back = read_link(link.url).diagram
    assert back.styles["A"].at == (0, 0) and back.styles["B"].at == (1, 0)  # moved to start at 0
    assert back.styles["A"].colour == "#c33" and back.styles["B"].label == "\\beta"
    assert back.styles["f"] == d.styles["f"]
    row = payload(link.url)[4]
    assert row[3:5] == [2, {"curve": -2, "colour": [0, 60, 60], "style": {"head": {"name": "epi"}}}]


def test_a_style_that_hides_a_role_leaves_it_in_words():
    d = loads(
        "object A, B\nmodel f : A -> B\nfrozen g : A -> B\n"
        'style f quiver="body cell"\nstyle g label="x", quiver="body dotted"'
    )
    link = quiver(d)
    assert link.said == [] and read_link(link.url).diagram.roles == d.roles


def test_wrong_words_in_a_style_are_errors():
    for words, message in (
        ("lable right", "`lable right` says nothing of an arrow; did you mean `label`?"),
        ("offset one", "`offset one` says nothing of an arrow"),
        ("from g", "the arrow is to be drawn between arrows that wait for it"),
    ):
        d = loads(f'object A\nmap f : A -> A\nmap g : A -> A\nstyle f quiver="{words}"\nstyle g quiver="from f"')
        with pytest.raises(DiagramError) as caught:
            quiver(d)
        assert str(caught.value).startswith("style `f`: quiver: " + message)


def test_functions_are_refused():
    d = Diagram()
    a = d.object("A")
    f, g = d.map("f", a, a), d.map("g", a, a)
    d.goal("same", f, g, by=lambda x, y: 0)
    with pytest.raises(DiagramError, match="goal `same`: its comparator"):
        quiver(d)


# The command line -------------------------------------------------------------------------------------------


def test_convert_and_draw(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("d.diagram").write_text(DISTILLATION, encoding="utf-8")
    run = CliRunner().invoke
    drawn = run(app, ["draw", "d.diagram", "--quiver"])
    assert (drawn.exit_code, drawn.stderr, drawn.stdout.count("\n")) == (0, "", 1)
    link = drawn.stdout.strip()
    for name in ("x.diagram", "x.json"):
        done = run(app, ["convert", link, "-o", name])
        assert (done.exit_code, done.output) == (0, "")
        assert plain(load(name)) == loads(DISTILLATION)
        assert run(app, ["draw", name, "--quiver"]).stdout == drawn.stdout
    both = run(app, ["draw", "d.diagram", "--quiver", "-o", "d.svg"])
    assert both.stdout == drawn.stdout and Path("d.svg").exists()


def test_convert_says_what_has_no_counterpart_and_what_is_wrong(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = CliRunner().invoke
    link = cells(SQUARE[:2], [Edge(0, 1, "", 0, {"level": 2, "style.head.name": "none"})])
    done = run(app, ["convert", link, "-o", "x.diagram"])
    assert done.exit_code == 0 and done.stdout == ""
    assert (
        done.stderr == "LINK: arrow 1 (here `arrow1`) is drawn as an equality sign; it came as a map, not an identity\n"
    )
    wrong = run(app, ["convert", link_of([0, 2, A, A]), "-o", "y.diagram"])
    assert (wrong.exit_code, wrong.stdout) == (1, "") and not Path("y.diagram").exists()
    assert wrong.stderr == "LINK:1:1: vertex 2: it stands at (0, 0), where vertex 1 is already\n"
    assert run(app, ["draw", "x.diagram"]).exit_code == 2
    missing = run(app, ["convert", "no.json", "-o", "y.diagram"])
    assert missing.exit_code == 1 and missing.stderr == "no.json:1:1: no such file or directory\n"


def test_read_source_takes_files_too(tmp_path: Path):
    loads(DISTILLATION).save(tmp_path / "d.json")
    assert read_source(str(tmp_path / "d.json")) == (loads(DISTILLATION), [])


def test_a_picture_of_a_hundred_objects_takes_no_time():
    vertices = [Vertex(i % 10, i // 10, f"X{i}") for i in range(100)]
    edges = [Edge(i * 7 % 100, (i * 13 + 5) % 100, f"f{i}") for i in range(300)]
    link = cells(vertices, edges)
    assert quiver(read_link(link).diagram).url == link


def test_the_page_runs():
    page = HERE.parent / "docs" / "quiver.md"
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    result = doctest.testfile(str(page), module_relative=False, optionflags=flags, encoding="utf-8")
    assert result.attempted >= 9 and result.failed == 0


def test_the_page_shows_how_every_role_and_kind_looks():
    page = (HERE.parent / "docs" / "quiver.md").read_text(encoding="utf-8")
    words = {"maps to": '"maps to"', "squiggly": "squiggly", "barred": '"barred"', "mono": '"mono"', "dashed": "dashed"}
    declared = {"ema": "model … = ema(…)"}
    for role, look in ROLES.items():
        (row,) = [line for line in page.splitlines() if line.startswith(f"| `{declared.get(role, role)}` |")]
        assert all(words.get(str(value), str(value)) in row for value in look.values())
