"""`.catlab.json`: a schema that Catlab reads, with the diagram beside it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from learningdiagrams import regimes
from learningdiagrams.cli import app
from learningdiagrams.diagram import Diagram
from learningdiagrams.errors import DiagramError
from learningdiagrams.language import LanguageError, load, loads
from learningdiagrams.language.catlab_form import write_catlab
from learningdiagrams.language.json_form import loads_json
from learningdiagrams.theory.catlab import from_json, to_json
from tests.theory.catlab_cases import SCHEMAS

TEXT = """diagram Distillation

object Sample, Image[64], Logits[10]
data   pixels  : Sample -> Image
data   label   : Sample -> Logits
frozen teacher : Image -> Logits
model  student : Image -> Logits = mlp(64, 32, 10)
model  slow    : Image -> Logits = ema(student, decay=0.9)
map    s       : Image -> Image

law involution : s >> s = id(Image)
law s >> student = student
goal    hard     : pixels >> student = label by cross_entropy weight linear(0, 1, steps=10)
goal    soft     : pixels >> student = stop(pixels >> teacher) by kl(temperature=4) weight 0.7 train student
goal    pairs    : pixels >> (student & teacher) = pixels >> (teacher & student)
measure accuracy : pixels >> student = label by accuracy
stage   first    : train student by hard epochs 3
style   student  at=(0, 1), label="\\\\sigma"
"""


def test_there_and_back(tmp_path: Path):
    d = loads(TEXT)
    d.save(tmp_path / "d.catlab.json")
    assert load(tmp_path / "d.catlab.json") == d
    text = (tmp_path / "d.catlab.json").read_text(encoding="utf-8")
    # What Catlab reads of it is the presentation.
    assert to_json(from_json(text)) == to_json(d.presentation)
    assert [it["paths"] for it in json.loads(text)["equations"]] == [[["s", "s"], []], [["s", "student"], ["student"]]]


GALLERY = sorted((Path(regimes.__file__).parent).glob("*.diagram"))


@pytest.mark.parametrize("file", GALLERY, ids=lambda file: file.stem)
def test_the_gallery(file: Path):
    """All of it goes there and back that has no products among the ends of its maps and the sides of its laws."""
    d = loads(file.read_text(encoding="utf-8"))
    sides = [*d.generators.values(), *(side for law in d.laws.values() for side in (law.left, law.right))]
    if all(len(end.factors) == 1 for it in sides for end in (it.dom, it.cod)):
        assert loads_json(write_catlab(d)) == d
    else:
        with pytest.raises(DiagramError, match=r"^Catlab's schemas have no products: `"):
            write_catlab(d)


@pytest.mark.parametrize("name", [name for name in SCHEMAS if name != "SchWeightedGraph"])
def test_a_schema_of_catlabs_is_a_diagram_without_roles(name: str):
    d, P = loads_json(SCHEMAS[name]), from_json(SCHEMAS[name])
    assert list(d.sorts) == list(P.sorts) and set(d.roles.values()) <= {"map"}
    assert [str(it) for it in d.laws.values()] == [str(it) for it in P.laws.values()]
    assert loads(str(d)) == d


def test_all_that_catlab_has_not_is_named_with_its_declaration():
    d = loads("""
object A
map mul : A * A -> A
map one : 1 -> A
map f : A -> A
law copies : f & f = f & f
law fine : f >> f = f
""")
    with pytest.raises(DiagramError) as caught:
        write_catlab(d)
    assert [(it.name, it.message) for it in caught.value.problems] == [
        ("mul", "Catlab's schemas have no products: `mul` starts at A * A"),
        ("one", "Catlab's schemas have no products: `one` starts at 1"),
        ("copies", "Catlab's schemas have no products: `f & f` ends at A * A"),
    ]


def lines(error: LanguageError) -> list[str]:
    return [str(it) for it in error.errors]


def test_a_schema_that_lacks_a_list_is_an_error_of_the_whole():
    form = json.loads(write_catlab(loads("object A\nmap f : A -> A\nlaw f >> f = f")))
    del form["equations"]
    with pytest.raises(DiagramError, match="`equations` is not that of the diagram in `learningdiagrams`"):
        loads_json(json.dumps(form))


def test_a_schema_that_was_changed_alone_is_an_error_where_it_differs(tmp_path: Path):
    form = json.loads(write_catlab(loads("object A\nmap f : A -> A\nlaw f >> f = f")))
    form["Hom"][0]["name"] = "g"
    form["equations"][0]["paths"] = [["g", "g"], []]
    file = tmp_path / "x.catlab.json"
    file.write_text(json.dumps(form))
    column = {key: json.dumps(form).index(f'"{key}": ') + len(f'"{key}": ') + 1 for key in ("Hom", "equations")}
    with pytest.raises(LanguageError) as caught:
        load(file)
    told = "is not that of the diagram in `learningdiagrams`; change both alike, or take `learningdiagrams` away"
    assert lines(caught.value) == [f"{file}:1:{column[key]}: {key}: `{key}` {told}" for key in column]
    del form["learningdiagrams"]
    file.write_text(json.dumps(form))
    assert list(load(file).generators) == ["g"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"Ob": [{"name": "x y"}], "Hom": []}', "<text>:1:18: Ob[0].name: `x y` is no name"),
        ('{"Ob": [{"name": "A"}],\n "Hom": [{"name": "f", "dom": "A", "codom": "B"}]}',
         "<text>:2:46: Hom[0].codom: there is no object `B`"),
        ('{"Ob": [{"name": "A"}, {"name": "A"}]}', "<text>:1:34: Ob[1].name: `A` is declared twice"),
        ('{"Ob": [{"name": "A"}],\n "Hom": [{"name": "goal", "dom": "A", "codom": "A"}]}',
         "<text>:2:19: Hom[0].name: `goal`"),
        (SCHEMAS["SchWeightedGraph"], "<text>:1:215: Attr[0].name: `weight` is a word of the language"),
        ('{"Ob": 3}', "<text>:1:1: `Ob` is a list, not 3"),
        ('{"Ob": [], "learningdiagrams": 3}', "<text>:1:32: learningdiagrams: this is no diagram"),
        ('{"Ob": [], "learningdiagrams": {"format": "learningdiagrams", "version": 1, "objects": [{}]}}',
         "<text>:1:89: learningdiagrams.objects[0]: `name` is missing"),
    ],
)  # fmt: skip
def test_errors_have_places(text: str, told: str):
    with pytest.raises(LanguageError) as caught:
        loads_json(text)
    assert lines(caught.value)[0].startswith(told)


def test_laws_without_names_get_those_that_are_free():
    text = '{"Ob": [{"name": "law0"}], "Hom": [{"name": "f", "dom": "law0", "codom": "law0"}], "equations": [%s]}'
    equation = '{"dom": "law0", "codom": "law0", "name": null, "paths": [["f", "f"], ["f"], []]}'
    d = loads_json(text % equation)
    assert [str(it) for it in d.laws.values()] == ["law1 : f >> f = f", "law2 : f >> f = id(law0)"]


def test_an_empty_diagram():
    assert loads_json(write_catlab(Diagram())) == Diagram()


def test_the_command_converts_there_and_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    Path("d.diagram").write_text(TEXT, encoding="utf-8")
    run = CliRunner().invoke
    assert run(app, ["convert", "d.diagram", "-o", "d.catlab.json"]).exit_code == 0
    assert run(app, ["convert", "d.catlab.json", "-o", "back.diagram"]).exit_code == 0
    assert load("back.diagram") == load("d.diagram")
    Path("schema.json").write_text(SCHEMAS["SchSq"], encoding="utf-8")
    assert run(app, ["convert", "schema.json", "-o", "square.diagram"]).exit_code == 0
    assert "law f >> h = g >> k" in Path("square.diagram").read_text(encoding="utf-8")
    assert run(app, ["convert", "square.diagram", "-o", "square.catlab.json"]).exit_code == 0
    assert to_json(from_json(Path("square.catlab.json").read_text(encoding="utf-8"))) == SCHEMAS["SchSq"]


def test_the_command_names_the_declaration_that_catlab_has_no_form_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    Path("m.diagram").write_text("object M\nmap one : 1 -> M\nmap mul : M * M -> M\n", encoding="utf-8")
    result = CliRunner().invoke(app, ["convert", "m.diagram", "-o", "m.catlab.json"])
    assert result.exit_code == 1 and not Path("m.catlab.json").exists()
    assert result.stderr.splitlines() == [
        "m.diagram:2:1: Catlab's schemas have no products: `one` starts at 1",
        "m.diagram:3:1: Catlab's schemas have no products: `mul` starts at M * M",
    ]
    (tmp_path / "ok.diagram").write_text("object M\n", encoding="utf-8")
    result = CliRunner().invoke(app, ["convert", "ok.diagram", "-o", "nowhere/m.catlab.json"])
    assert result.exit_code == 1 and result.stderr == "nowhere/m.catlab.json:1:1: no such file or directory\n"
