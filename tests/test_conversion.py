"""Diagrams to files and back, in all forms."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from learningdiagrams.diagram import Diagram
from learningdiagrams.errors import DiagramError
from learningdiagrams.language import LanguageError, load, loads
from learningdiagrams.language.conversion import load_json, loads_json, save, write_json, write_python

from .diagrams import diagrams
from .test_language import BASE, DISTILLATION
from .test_writing import EVERYTHING


def run(script: str) -> Diagram:
    names: dict[str, Diagram] = {}
    exec(compile(script.encode("utf-8"), "script.py", "exec"), names)
    return names["diagram"]


@given(diagrams())
def test_json_is_a_fixed_point_and_says_everything(d: Diagram):
    text = write_json(d)
    assert loads_json(text) == d
    assert write_json(loads_json(text)) == text


@given(diagrams())
def test_scripts_build_the_same_diagram(d: Diagram):
    script = write_python(d)
    assert run(script) == d
    assert write_python(run(script)) == script


@pytest.mark.parametrize("ending", [".diagram", ".json", ".py"])
@pytest.mark.parametrize(
    "text", [DISTILLATION, EVERYTHING, "", "object A"], ids=["small", "everything", "empty", "one"]
)
def test_files(tmp_path: Path, ending: str, text: str):
    d = loads(text)
    path = tmp_path / f"d{ending}"
    d.save(path)
    assert path.read_bytes().endswith(b"\n") and b"\r" not in path.read_bytes()
    assert (run(path.read_text(encoding="utf-8")) if ending == ".py" else load(path)) == d


def test_other_endings_are_refused(tmp_path: Path):
    for name, hint in (("x.jsn", "; did you mean `.json`?"), ("x", "")):
        with pytest.raises(DiagramError) as caught:
            save(loads(""), tmp_path / name)
        assert str(caught.value) == f"{tmp_path / name}: a diagram is saved as .diagram, .json, .catlab.json, .py{hint}"


@pytest.mark.parametrize("ending", [".diagram", ".json", ".catlab.json", ".py"])
def test_nothing_is_written_of_what_a_file_cannot_hold(tmp_path: Path, ending: str):
    d = loads(BASE)
    d.goal("odd", "x >> f", "y", by=lambda left, right: 0)
    with pytest.raises(DiagramError, match=r"^goal `odd`: its comparator ⟨lambda⟩ is a function"):
        d.save(tmp_path / f"d{ending}")
    assert list(tmp_path.iterdir()) == []


def test_the_json_form():
    assert json.loads(write_json(loads(DISTILLATION))) == {
        "format": "learningdiagrams",
        "version": 1,
        "name": "Distillation",
        "objects": [{"name": "Sample"}, {"name": "Image", "shape": [64]}, {"name": "Logits", "shape": [10]}],
        "generators": [
            {"role": "data", "name": "pixels", "dom": "Sample", "cod": "Image"},
            {"role": "data", "name": "label", "dom": "Sample", "cod": "Logits"},
            {"role": "frozen", "name": "teacher", "dom": "Image", "cod": "Logits"},
            {"role": "model", "name": "student", "dom": "Image", "cod": "Logits"},
        ],
        "goals": [
            {"name": "hard", "left": "pixels >> student", "right": "label", "by": "cross_entropy"},
            {
                "name": "soft",
                "left": "pixels >> student",
                "right": "pixels >> teacher",
                "by": "kl(temperature=4)",
                "weight": 0.7,
            },
        ],
        "measures": [{"name": "accuracy", "left": "pixels >> student", "right": "label", "by": "accuracy"}],
    }


def test_what_a_json_leaves_out():
    form = {
        "format": "learningdiagrams",
        "version": 1,
        "objects": [{"name": "S"}, {"name": "A", "shape": ["n", 3], "dtype": "int"}],
        "generators": [
            {"role": "data", "name": "x", "dom": "S", "cod": "A", "realisation": 'npz("a.npz", "x")'},
            {"role": "model", "name": "f", "dom": "A", "cod": "A * A"},
            {"role": "model", "name": "c", "dom": "1", "cod": "A"},
        ],
        "laws": [{"name": "same", "left": "f", "right": "f"}],
        "goals": [
            {
                "name": "g",
                "left": "f",
                "right": "id(A) & id(A)",
                "on": ["x"],
                "weight": "linear(0, 1, steps=3)",
            },
            {"name": "h", "left": "c", "right": "c", "weight": -2, "train": ["c"]},
        ],
        "stages": [{"name": "s", "train": ["f", "c"], "by": ["g"], "steps": 3}],
        "styles": [{"name": "f", "at": [0, -1.5], "label": '\\nu"', "curve": 2, "colour": "#fff"}],
    }
    text = (
        'object S, A[n, 3] int\ndata x : S -> A = npz("a.npz", "x")\nmodel f : A -> A * A\nmodel c : 1 -> A\n'
        "law same : f = f\ngoal g : f = id(A) & id(A) on x weight linear(0, 1, steps=3)\n"
        "goal h : c = c weight -2 train c\n"
        'stage s : train f, c by g steps 3\nstyle f at=(0, -1.5), label="\\nu\\"", curve=2, colour="#fff"\n'
    )
    assert loads_json(json.dumps(form)) == loads(text)
    assert loads_json("\ufeff" + json.dumps(form, indent=1).replace("\n", "\r\n")) == loads(text)


ROWS = Path(__file__).with_name("json_errors.txt").read_text(encoding="utf-8").strip().split("\n\n")[1:]


@pytest.mark.parametrize("row", ROWS)
def test_mistakes_in_json(row: str):
    lines = row.split("\n")
    text = "\n".join(line for line in lines if not line.startswith("! "))
    messages = [line.removeprefix("! ") for line in lines if line.startswith("! ")]
    with pytest.raises(LanguageError) as caught:
        loads_json(text, file="x.json")
    assert [str(problem) for problem in caught.value.errors] == [f"x.json:{message}" for message in messages]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "<text>:1:1: this is no JSON: Expecting value"),
        ("[" * 100_000, "<text>:1:1: this JSON cannot be read: brackets are nested too deep"),
    ],
    ids=["empty", "deep"],
)
def test_json_that_cannot_be_read(text: str, message: str):
    with pytest.raises(LanguageError) as caught:
        loads_json(text)
    assert str(caught.value) == message


@pytest.mark.parametrize("depth", [60, 900, 985, 990, 995])
def test_json_that_is_nested_too_deep(depth: int):
    deep = "[" * depth + "1" + "]" * depth
    with pytest.raises(LanguageError, match=r"brackets (stand within more than 50 others here|are nested too deep)$"):
        loads_json(f'{{"format": "learningdiagrams", "version": 1, "styles": [{{"name": "A", "at": {deep}}}]}}')


def test_json_that_is_no_utf8(tmp_path: Path):
    (tmp_path / "x.json").write_bytes(b'{"format": "learningdiagrams", "version": 1,\n"name": "\xe9"}')
    with pytest.raises(LanguageError, match=r"2:10: the byte 0xE9 is no UTF-8; a diagram is a text in UTF-8$"):
        load_json(tmp_path / "x.json")


@given(st.data())
def test_json_with_some_letters_changed(data: st.DataObject):
    text = write_json(loads(EVERYTHING))
    for _ in range(data.draw(st.integers(1, 2))):
        at = data.draw(st.integers(0, len(text)))
        until = at + data.draw(st.integers(0, 6))
        new = data.draw(
            st.sampled_from((*'{}[]",:0 \\', "", "null", '"x"', "-1e9", "true", "[[]]", '{"a": {}}', "\\u0041"))
        )
        text = text[:at] + new + text[until:]
    try:
        d = loads_json(text)
    except LanguageError as error:
        assert error.errors and all(problem.line >= 1 and problem.column >= 1 for problem in error.errors)
    else:
        assert loads_json(write_json(d)) == d


class TestScripts:
    def test_names_that_python_has_taken(self):
        d = loads(
            "object list, list_, ld, A\nmap lambda : list -> list_\nmap print : A -> 1\n"
            "map diagram_ : 1 -> A\nmap class : A * A -> A\nlaw print >> id(1) = drop(A)\n"
            "law (id(A) & id(A)) >> class = stop(id(A))\n"
            "law (proj(A * A, 1) & proj(A * A, 0)) >> class = class\n"
        )
        script = write_python(d)
        assert 'list_ = diagram.object("list")' in script and 'list__ = diagram.object("list_")' in script
        assert run(script) == d

    def test_expressions_are_python_while_python_can_read_them(self):
        d = loads(BASE + "goal a : x >> f = y\nlaw f @ (f & t) = f @ (f & f)")
        script = write_python(d)
        assert 'diagram.goal("a", x >> f, y, by="mse")' in script
        assert 'diagram.law(f @ (f & t), f @ (f & f), "law0")' in script

    def test_long_expressions_are_texts(self):
        d = loads(BASE)
        m = d["x"]
        for _ in range(5_000):
            m = m >> d["f"] >> d["g"]
        d.law(m, m, "long")
        assert run(write_python(d)) == d

    @pytest.mark.parametrize("depth", [24, 300])
    def test_nested_brackets(self, depth: int):
        d = loads(f"{BASE}law {'stop(' * depth}f{')' * depth} = t")
        assert run(write_python(d)) == d


def test_a_chain_of_a_hundred_thousand_generators(tmp_path: Path):
    d = loads(BASE)
    f, g = d["f"], d["g"]
    left, right = d["x"], d["x"]
    for _ in range(50_000):
        left, right = left >> f >> g, right >> (f >> g)
    assert left == right
    d.law(left, d["x"], "long")
    text = str(left)
    save(d, tmp_path / "d.diagram")
    assert text.count(">>") == 100_000
    assert load(tmp_path / "d.diagram") == d
