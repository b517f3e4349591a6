"""Links of quiver as diagrams, and diagrams as links of quiver; the form of links is in `test_quiver.py`."""

import doctest
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from typer.testing import CliRunner

from learningdiagrams.cli import app
from learningdiagrams.declarations import Style
from learningdiagrams.diagram import Diagram
from learningdiagrams.drawing.quiver import quiver
from learningdiagrams.errors import DiagramError
from learningdiagrams.language import LanguageError, load, loads
from learningdiagrams.language.conversion import read_source
from learningdiagrams.language.quiver import read_link
from learningdiagrams.language.quiver_cells import Edge, Vertex, decode
from learningdiagrams.language.quiver_style import ROLES
from learningdiagrams.regimes import __file__ as regimes

from .diagrams import diagrams
from .test_language import DISTILLATION
from .test_quiver import HERE, SQUARE, A, cells, link_of, payload
from .test_writing import EVERYTHING

GALLERY = sorted(Path(regimes).parent.glob("*.diagram"))
SIDES = (Edge(0, 1, "f"), Edge(1, 3, "g"), Edge(0, 2, "h", 2), Edge(2, 3, "k", 2))


def lines(diagram: Diagram, *words: str) -> list[str]:
    """The lines of a diagram's text that start with one of these words, without their alignment."""
    return [" ".join(line.split()) for line in str(diagram).splitlines() if line.startswith(words)]


def plain(diagram: Diagram) -> Diagram:
    """The same diagram without styles."""
    return loads("\n".join(line for line in str(diagram).splitlines() if not line.startswith("style ")))


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


def test_many_paths_through_two_corners_take_no_time():
    ends = [Vertex(i, 0) for i in range(200)]
    hubs = [Vertex(0, 1, "A"), Vertex(1, 1, "B")]
    through = [Edge(i, 200, "") if i < 100 else Edge(200, i, "") for i in range(200)]
    beside = [Edge(i, 201, "") if i < 100 else Edge(201, i, "") for i in range(200)]
    read = read_link(cells([*ends, *hubs], [*through, *beside, Edge(200, 201, "x", 0, {"level": 2})]))
    assert len(read.diagram.generators) == 401 and not read.diagram.goals


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
