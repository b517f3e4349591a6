"""What the Pattern Language editor saves, read: a file in its form, written by hand, and what may be wrong with one."""

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from learningdiagrams.cli import app
from learningdiagrams.language import LanguageError, load, loads
from learningdiagrams.language.conversion import read_source
from learningdiagrams.language.patlang import is_patlang, loads_patlang

FILE = Path(__file__).resolve().parent / "data" / "patlang.json"
SAVED = json.loads(FILE.read_text(encoding="utf-8"))
Change = Callable[[dict[str, Any]], object]
EVERY = ["where boxes stood on the canvas is not kept: a picture here has objects and arrows"]
UNWEIGHTED = ["the file says no weights and no learners of its equations: weight 1, and each moves all in it"]


def items(saved: dict[str, Any], key: str) -> Any:
    return next(section["items"] for section in saved["sections"] if section["key"] == key)


def named(saved: dict[str, Any], key: str, kind: str) -> Any:
    return next(item for item in items(saved, key) if item["type"] == kind)


def changed(change: Change) -> str:
    saved = copy.deepcopy(SAVED)
    change(saved)
    return json.dumps(saved)


def goals(text: str) -> dict[str, str]:
    """Comparator, weight and trained models of each goal and measure, as the text form has them."""
    made = loads_patlang(text).diagram
    found = re.findall(r"^(?:goal|measure) +(\w+) +:.*?(by .*)$", str(made), re.MULTILINE)
    return {name: " ".join(notes.split()) for name, notes in found}


def test_a_saved_file_is_a_diagram():
    read = loads_patlang(FILE.read_text(encoding="utf-8"))
    text = "\n".join(line for line in str(read.diagram).splitlines() if not line.startswith("style "))
    image, label = (f"Labelled_images >> proj(Image * Class_label, {place})" for place in (0, 1))
    assert loads(text) == loads(f"""
        object Sample, Sample_2, Image, Class_label
        model Put : Image * Class_label -> Image
        model Get : Image -> Class_label
        fixed Blur : Image -> Image
        data Labelled_images : Sample -> Image * Class_label
        data Random_label : Sample -> Class_label
        data More_images : Sample_2 -> Image
        goal Classify : {image} >> Get = {label}
        goal Undo : (({image} & Random_label) >> Put & {image} >> Get) >> Put = {image}
        goal Both_outputs_Output_image : ({image} & {image} >> Get) >> Put = {image}
        goal Both_outputs_Output_label : {image} >> Get = {label}
    """)
    assert read.diagram.styles["Class_label"].label == "Class label"
    assert read.diagram.styles["Image"].colour == "#87da60"
    assert read.said == [
        "the folders of section `boxes` are not kept; there is one namespace",
        "`Class label`: the colour '#0d08f' is none of a style (#rrggbb); it is not kept",
        "equation `To do` has no left side yet, and is left out",
        "diagram `sketch` is in no equation, and is left out",
        *EVERY,
        *UNWEIGHTED,
    ]


def test_weights_and_learners_of_each_equation():
    def of_itself(saved):
        named(saved, "equations", "e1").update(weight=0.5, learners=["get"])
        named(saved, "equations", "e2").update(weight="2", train=["Put"])
        named(saved, "equations", "e3").update(learners=[], loss=["CE"])

    def of_the_settings(saved):
        saved["wizardState"] = {
            "outputWeights": {"e1": "0.5", "e2": "2"},
            "outputLearners": {"e1": ["get"], "e2": ["put"], "e3": []},
            "outputLosses": {"e3": {"out": {"0": "CE"}, "outlabel": {"0": "CE"}}},
        }

    for change in (of_itself, of_the_settings):
        text = changed(change)
        assert goals(text) == {
            "Classify": "by mse weight 0.5",  # all of its learners
            "Undo": "by mse weight 2 train Put",
            "Both_outputs_Output_image": "by cross_entropy",
            "Both_outputs_Output_label": "by cross_entropy",
        }
        read = loads_patlang(text)
        assert set(read.diagram.measures) == {"Both_outputs_Output_image", "Both_outputs_Output_label"}
        assert "equation `Both outputs` moves no learner, and came as a measure" in read.said
        assert any("`Undo`: the editor cuts gradients behind the learners" in line for line in read.said)
        assert UNWEIGHTED[0] not in read.said


def test_losses_and_sizes():
    def change(saved):
        saved["state"] = {
            "wireDims": {"image": "784", "label": 10},
            "wireOneHot": {"label": True},
            "outputLosses": {"e2": {"out": {"0": "L1"}}, "e3": {"out": ["SSIM"], "outlabel": {"0": "BCE"}}},
            "learnerConfigs": {"put": {"arch": "Linear"}},
        }

    read = loads_patlang(changed(change))
    assert goals(changed(change)) == {
        "Classify": "by cross_entropy",  # as the editor chooses for one-hot wires
        "Undo": "by l1",
        "Both_outputs_Output_image": "by mse",
        "Both_outputs_Output_label": "by bce",
    }
    assert [str(read.diagram.spaces[name]) for name in ("Image", "Class_label")] == ["[784]", "[10]"]
    assert {line.split(";")[0].split(",")[0] for line in read.said} >= {
        "equation `Both outputs`: the loss SSIM has no counterpart",
        "equation `Both outputs`: bce reads logits on its left",
        "the architectures of learners are not kept",
    }


def test_boxes_without_inputs_or_outputs():
    def change(saved):
        named(saved, "boxes", "get").update(inputs=[])
        for drawing in items(saved, "diagrams"):
            drawing["edges"] = [e for e in drawing["edges"] if not (e["target"] in "23" and _box(drawing, e) == "get")]
        items(saved, "boxes").append({"type": "end", "label": "End", "kind": "learner", "inputs": ["image"]})

    def _box(drawing, edge):
        return next(node["data"]["type"] for node in drawing["nodes"] if node["id"] == edge["target"])

    made = loads_patlang(changed(change)).diagram
    assert str(made["Get"].dom) == "1" and str(made["End"].cod) == "1"
    assert str(made.goals["Classify"].left) == "drop(Sample) >> Get"


def equation(**notes: Any) -> Change:
    return lambda saved: named(saved, "equations", "e1").update(notes)


def wire(drawing: str, place: int, **ends: Any) -> Change:
    return lambda saved: named(saved, "diagrams", drawing)["edges"][place].update(ends)


def again(saved: dict[str, Any]) -> None:
    edges = named(saved, "diagrams", "d1")["edges"]
    edges.append(edges[0])


E1, D1, D2, D3 = "sections[3].items[0]", "sections[0].items[0]", "sections[0].items[1]", "sections[0].items[2]"
GET = "sections[2].items[1]"
LEFT = "diagram `classify, left`"
BROKEN: list[tuple[Change, str, str]] = [
    (equation(**{"lhs-type": "d9"}), f"{E1}.lhs-type", "equation `Classify`: there is no diagram 'd9'"),
    (equation(**{"rhs-type": "d4"}), E1, "equation `Classify`: output `Output label` is missing on its right side"),
    (equation(weight="much"), f"{E1}.weight", "equation `Classify`: a weight is a number, not 'much'"),
    (equation(learners=["pairs"]), f"{E1}.learners", "equation `Classify`: there is no learner `pairs`"),
    (equation(learners="put"), f"{E1}.learners", "equation `Classify`: its learners are a list of boxes"),
    (
        lambda saved: named(saved, "diagrams", "d1")["edges"].pop(0),
        f"{D1}.nodes[2]",
        f"{LEFT}: input 0 (Class label) of `Output label` is not connected",
    ),
    (again, f"{D1}.edges[2]", f"{LEFT}: two wires enter one input"),
    (
        wire("d1", 1, sourceHandle="out-1"),
        f"{D1}.edges[1]",
        f"{LEFT}: a wire Class label enters where Image is wanted",
    ),
    (wire("d1", 1, sourceHandle="out-2"), f"{D1}.edges[1]", f"{LEFT}: this wire has no source"),
    (wire("d1", 1, target="9"), f"{D1}.edges[1]", f"{LEFT}: this wire has no target"),
    (wire("d3", 0, source="5"), f"{D3}.nodes[4]", "diagram `undo, left`: its wires run in a circle through `Put`"),
    (
        lambda saved: named(saved, "diagrams", "d2")["nodes"][1]["data"].update(type="no"),
        f"{D2}.nodes[1]",
        "diagram `classify, right`: there is no box 'no'",
    ),
    (
        lambda saved: named(saved, "boxes", "get").update(kind="lerner"),
        f"{GET}.kind",
        "there is no kind of box `lerner`; did you mean `learner`?",
    ),
    (
        lambda saved: named(saved, "boxes", "get").update(inputs=["no", "image"]),
        f"{GET}.inputs[0]",
        "there is no wire 'no'",
    ),
    (lambda saved: named(saved, "boxes", "get").pop("type"), GET, "`type` is missing"),
    (lambda saved: saved["sections"].append(3), "sections[4]", "an object is wanted here"),
    (lambda saved: named(saved, "diagrams", "d1").update(nodes=5), f"{D1}.nodes", "`nodes` is a list"),
]


@pytest.mark.parametrize(("change", "where", "what"), BROKEN, ids=[what[-40:] for _, _, what in BROKEN])
def test_what_is_wrong_is_said_at_its_place(change: Change, where: str, what: str):
    with pytest.raises(LanguageError) as caught:
        loads_patlang(changed(change), file="s.json")
    assert caught.value.errors[0].message == f"{where}: {what}"
    assert all(error.file == "s.json" and error.line == 1 and error.column > 1 for error in caught.value.errors)


def test_a_learner_that_does_not_occur_is_said():
    read = loads_patlang(changed(equation(learners=["get", "put"])))
    assert "equation `Classify` moves `Put`, which does not occur in it" in read.said
    assert read.diagram.goals["Classify"].train is None


def test_its_files_are_told_from_ours(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = FILE.read_text(encoding="utf-8")
    kept = json.dumps({"v": 1, "data": SAVED, "updatedAt": 0})  # as the browser keeps it
    assert is_patlang(text) and is_patlang(kept) and loads_patlang(kept).diagram == loads_patlang(text).diagram
    for other in ("{}", "[]", "{", '{"sections": 3}', '{"format": "learningdiagrams", "version": 1, "sections": []}'):
        assert not is_patlang(other)
    Path("theirs.json").write_text(text, encoding="utf-8")
    run = CliRunner().invoke
    done = run(app, ["convert", "theirs.json", "-o", "x.diagram"])
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr.splitlines()[-1] == f"theirs.json: {UNWEIGHTED[0]}"
    assert load("x.diagram") == loads_patlang(text).diagram
    assert run(app, ["convert", "x.diagram", "-o", "ours.json"]).exit_code == 0
    ours = read_source("ours.json")
    assert ours == (load("x.diagram"), [])
    Path("bad.json").write_text(changed(lambda s: s["sections"].append(3)), encoding="utf-8")
    failed = run(app, ["convert", "bad.json", "-o", "y.diagram"])
    assert failed.exit_code == 1 and re.fullmatch(r"bad\.json:1:\d+: sections\[4\]: an object .*\n", failed.stderr)


def test_what_was_drawn_there_trains_here():
    def change(saved):
        saved["state"] = {"wireDims": {"image": "4", "label": "3"}, "wireOneHot": {"label": True}}
        items(saved, "equations")[1:] = []

    made = loads_patlang(changed(change)).diagram
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(0).normal(size=(60, 4)).astype("float32")
    y = np.argmax(x[:, :3], axis=1)
    maps = {"Put": lambda image, label: image, "Blur": lambda image: image, "Get": torch.nn.Linear(4, 3)}
    compiled = made.compile("torch", maps=maps)
    data = {"Labelled_images": (x, np.eye(3, dtype="float32")[y])}
    before = compiled.loss(data).total.item()
    compiled.fit(data, epochs=20, batch_size=20, lr=0.1)
    assert compiled.loss(data).total.item() < before / 2
