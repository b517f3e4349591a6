"""Diagrams out of what the Pattern Language editor saves (https://patlang.vercel.app): tasks drawn as string diagrams.

Wires are objects, learners models, fixed boxes fixed maps; a data box is data out of a sample object, which boxes that
meet in one equation share. An equation is a goal for each of its outputs; output boxes only say where these are.

>>> saved = '''{"nodes": [], "edges": [], "sections": [
... {"key": "wires", "items": [{"type": "w", "label": "Image"}]},
... {"key": "boxes", "items": [
...   {"type": "d", "label": "Data", "kind": "data", "inputs": [], "outputs": ["w"]},
...   {"type": "m", "label": "Denoise", "kind": "learner", "inputs": ["w"], "outputs": ["w"]},
...   {"type": "o", "label": "Out", "kind": "output", "inputs": ["w"], "outputs": []}]},
... {"key": "diagrams", "items": [
...   {"type": "l", "label": "left", "nodes": [{"id": "1", "data": {"type": "d"}}, {"id": "2", "data": {"type": "m"}},
...     {"id": "3", "data": {"type": "o"}}], "edges": [
...     {"source": "1", "sourceHandle": "out-0", "target": "2", "targetHandle": "in-0"},
...     {"source": "2", "sourceHandle": "out-0", "target": "3", "targetHandle": "in-0"}]},
...   {"type": "r", "label": "right", "nodes": [{"id": "1", "data": {"type": "d"}}, {"id": "3", "data": {"type": "o"}}],
...     "edges": [{"source": "1", "sourceHandle": "out-0", "target": "3", "targetHandle": "in-0"}]}]},
... {"key": "equations", "items": [{"type": "e", "label": "Fixed point", "lhs-type": "l", "rhs-type": "r"}]}]}'''
>>> print(loads_patlang(saved).diagram)
object Sample, Image
data   Data    : Sample -> Image
model  Denoise : Image -> Image
<BLANKLINE>
goal Fixed_point : Data >> Denoise = Data   by mse
<BLANKLINE>
style Fixed_point label="Fixed point"

Source: Rodatz et al., *A Pattern Language for Machine Learning Tasks* (TMLR 2025, arXiv 2407.02424); the form of the
file is that of github.com/tlaakkonen/patlang-editor.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from learningdiagrams.diagram import Diagram
from learningdiagrams.errors import DiagramError, suggestion
from learningdiagrams.language.json_form import Item, JsonSource, json_source
from learningdiagrams.language.patlang_drawings import Box, Drawing, Wrong
from learningdiagrams.language.quiver import Reading
from learningdiagrams.language.quiver_labels import Names, name_from
from learningdiagrams.theory.morphisms import Object

__all__ = ["is_patlang", "loads_patlang"]

SECTIONS: Final = ("diagrams", "wires", "boxes", "equations")
KINDS: Final = ("learner", "data", "fixed", "output")
LOSSES: Final = {"L2": "mse", "L1": "l1", "CE": "cross_entropy", "BCE": "bce"}
SETTINGS: Final = ("wireDims", "wireOneHot", "outputLosses", "outputLearners", "outputWeights", "learnerConfigs")
"""What the editor asks for before it writes code; it keeps this only while its page is open, but a file may hold it."""

OWN: Final = {"weight": ("weight",), "learners": ("learners", "train"), "losses": ("losses", "loss")}
"""Words under which an equation may say the same of itself."""


def is_patlang(text: str) -> bool:
    """Whether a text is something that the editor saved, as far as it is JSON at all."""
    try:
        value = json.loads(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        return False
    if not isinstance(value, dict) or "format" in value:
        return False
    inner = value.get("data", value) if "sections" not in value else value
    return isinstance(inner, dict) and isinstance(inner.get("sections"), list)


def loads_patlang(text: str, *, file: str = "<text>") -> Reading:
    """The diagram of a text that the editor saved, and a line for each thing in it that has no counterpart.

    Raises :class:`LanguageError` with all that is wrong with it, each at its place.
    """
    source = json_source(text, file)
    assert source.root is not None
    reader = Saved(source, source.root)
    made = reader.diagram()
    source.check()
    return Reading(made, reader.said)


class Saved:
    def __init__(self, source: JsonSource, root: Item) -> None:
        self.source = source
        self.said: list[str] = []
        self.names: Names = Names()
        self.sample: str = self.names.fresh("Sample")
        if "sections" not in root.value and "data" in root.value:
            root = root.value["data"]
        self.root = root
        self.sections: dict[str, list[Item]] = {key: [] for key in SECTIONS}
        for section in self.items(root, "sections"):
            key = self.text(section, "key")
            if key in self.sections:
                self.sections[key] += self.items(section, "items")
            elif key is not None:
                close = suggestion(key, SECTIONS)
                self.said.append(f"section `{key}` has no counterpart here{close}; it is left out")
            if section.value.get("folders") and section.value["folders"].value:
                self.said.append(f"the folders of section `{key}` are not kept; there is one namespace")
        self.settings: dict[str, Any] = {}
        for place in (root, *root.value.values()):
            if isinstance(place.value, dict):
                self.settings |= {word: _bare(place.value[word]) for word in SETTINGS if word in place.value}

    # Parts of the JSON --------------------------------------------------------------------------------------

    def wrong(self, item: Item, message: str) -> None:
        self.source.wrong(item.at, message)

    def items(self, item: Item, key: str) -> list[Item]:
        """The objects in a list of an object."""
        if not isinstance(item.value, dict):
            self.wrong(item, "an object is wanted here")
            return []
        found = item.value.get(key)
        if found is None or found.value is None:
            return []
        if not isinstance(found.value, list):
            self.wrong(found, f"`{key}` is a list")
            return []
        for inner in found.value:
            if not isinstance(inner.value, dict):
                self.wrong(inner, "an object is wanted here")
        return [inner for inner in found.value if isinstance(inner.value, dict)]

    def text(self, item: Item, key: str) -> str | None:
        """A text in an object; None, with the problem noted, where there is none."""
        found = item.value.get(key)
        if found is not None and isinstance(found.value, str):
            return found.value
        if found is None:
            self.wrong(item, f"`{key}` is missing")
        else:
            self.wrong(found, f"`{key}` is a text")
        return None

    def label(self, item: Item, otherwise: str) -> str:
        found = item.value.get("label")
        return found.value if found is not None and isinstance(found.value, str) and found.value.strip() else otherwise

    def wires_of(self, item: Item, key: str) -> tuple[str, ...]:
        found = item.value.get(key)
        if found is None:
            return ()
        if not isinstance(found.value, list):
            self.wrong(found, f"`{key}` is a list of wires")
            return ()
        known = []
        for inner in found.value:
            if isinstance(inner.value, str) and inner.value in self.wires:
                known.append(inner.value)
            else:
                self.wrong(inner, f"there is no wire {_bare(inner)!r}")
        return tuple(known)

    # Declarations -------------------------------------------------------------------------------------------

    def diagram(self) -> Diagram:
        self.made: Diagram = Diagram()
        made = self.made
        self.styles: dict[str, dict[str, str]] = {}
        self.wires: dict[str, tuple[str, Item]] = {}
        for item in self.sections["wires"]:
            key = self.text(item, "type")
            if key is not None:
                self.wires[key] = (self.named(item, "Wire"), item)
        self.boxes: dict[Any, Box] = {
            box.item.value["type"].value: box for box in map(self.box, self.sections["boxes"]) if box
        }
        self.drawn = {}
        for item in self.sections["diagrams"]:
            key = self.text(item, "type")
            if key is not None:
                self.drawn[key] = item
        self.source.check()
        self.samples: dict[str, str] = self._samples()
        for name in dict.fromkeys(self.samples.values()):
            made.object(name)
        for key, (name, item) in self.wires.items():
            self.try_to(item, lambda key=key, name=name: made.object(name, self.shape(key)))
        for key, box in self.boxes.items():
            if box.kind != "output":
                self.try_to(box.item, lambda key=key, box=box: self.generator(key, box))
        used: set[str] = set()
        for item in self.sections["equations"]:
            try:
                used |= self.equation(item)
            except Wrong:
                continue
        self.source.check()
        for name, options in self.styles.items():
            if name in made:
                made.style(name, **options)
        self.say_the_rest(used)
        return made

    def try_to(self, item: Item, make: Any) -> None:
        try:
            make()
        except DiagramError as error:
            self.wrong(item, str(error))

    def named(self, item: Item, otherwise: str) -> str:
        """A name of its own for a thing; its label and colour are kept for its style."""
        label = self.label(item, otherwise)
        name = self.names.fresh(name_from(label, otherwise.lower() if otherwise != "Wire" else "object"))
        colour = item.value.get("color")
        options = {"label": label} if label != name else {}
        if colour is not None and isinstance(colour.value, str):
            if re.fullmatch(r"#([0-9a-fA-F]{3}){1,2}", colour.value):
                options["colour"] = colour.value
            else:
                self.said.append(f"`{label}`: the colour {colour.value!r} is none of a style (#rrggbb); it is not kept")
        if options:
            self.styles[name] = options
        return name

    def box(self, item: Item) -> Box | None:
        key, kind = self.text(item, "type"), item.value.get("kind")
        kind = "learner" if kind is None else str(kind.value).lower()
        if kind == "input":
            kind = "data"
        if kind not in KINDS:
            close = suggestion(kind, KINDS) or f"; kinds are {', '.join(KINDS)}"
            self.wrong(item.value["kind"], f"there is no kind of box `{kind}`{close}")
            return None
        if key is None:
            return None
        name = self.named(item, "Box") if kind != "output" else ""
        return Box(
            kind, self.label(item, "Box"), name, self.wires_of(item, "inputs"), self.wires_of(item, "outputs"), item
        )

    def shape(self, key: str) -> tuple[int, ...] | None:
        size = str(_mapping(self.settings.get("wireDims")).get(key))
        return (int(size),) if re.fullmatch(r"[1-9]\d*", size, re.ASCII) else None

    def object(self, wires: Iterable[str]) -> Object:
        return self.made.presentation.signature.product([self.made.sorts[self.wires[wire][0]] for wire in wires])

    def generator(self, key: str, box: Box) -> None:
        if box.kind == "data":
            if box.outputs:
                self.made.data(box.name, self.made.sorts[self.samples[key]], self.object(box.outputs))
            else:
                self.said.append(f"data `{box.label}` has no outputs, and is left out")
            return
        role = self.made.model if box.kind == "learner" else self.made.fixed
        role(box.name, self.object(box.inputs), self.object(box.outputs))

    def _samples(self) -> dict[str, str]:
        """The sample object of each data box: those that meet in an equation have the same."""
        group = {key: key for key, box in self.boxes.items() if box.kind == "data"}

        def root(key: str) -> str:
            while group[key] != key:
                key = group[key]
            return key

        for item in self.sections["equations"]:
            met = [
                key
                for side in ("lhs-type", "rhs-type")
                if side in item.value and item.value[side].value in self.drawn
                for node in self.items(self.drawn[item.value[side].value], "nodes")
                if (key := self.type_of(node)) in group
            ]
            for key in met[1:]:
                if key is not None and met[0] is not None:
                    group[root(key)] = root(met[0])
        found: dict[str, str] = {}
        for key in group:
            if root(key) not in found:
                found[root(key)] = self.sample if not found else self.names.fresh("Sample")
        return {key: found[root(key)] for key in group}

    def type_of(self, node: Item) -> str | None:
        data = node.value.get("data")
        found = data.value.get("type") if data is not None and isinstance(data.value, dict) else None
        return found.value if found is not None and isinstance(found.value, str) else None

    # Equations ----------------------------------------------------------------------------------------------

    def equation(self, item: Item) -> set[str]:
        """Declares the goals of an equation; returns the drawings that it equates."""
        key, label = self.text(item, "type"), self.label(item, "Equation")
        sides = []
        for word, what in (("lhs-type", "left"), ("rhs-type", "right")):
            found = item.value.get(word)
            if found is None or found.value is None or found.value == "":
                self.said.append(f"equation `{label}` has no {what} side yet, and is left out")
                return set()
            if found.value not in self.drawn:
                self.wrong(found, f"equation `{label}`: there is no diagram {_bare(found)!r}")
                raise Wrong
            sides.append(found.value)
        drawings = [self.drawn[side] for side in sides]
        boxes = {kind for drawing in drawings for node in self.items(drawing, "nodes") if (kind := self.type_of(node))}
        data = next((self.samples[kind] for kind in self.boxes if kind in boxes and kind in self.samples), None)
        start = self.made.sorts[data] if data is not None else self.made.unit
        left, right = (Drawing(self, drawing, start).outputs() for drawing in drawings)
        for one, other, what in ((left, right, "right"), (right, left, "left")):
            for socket in one:
                if socket not in other:
                    missing = self.boxes[socket[0]].label
                    self.wrong(item, f"equation `{label}`: output `{missing}` is missing on its {what} side")
                    raise Wrong
        if not left:
            self.wrong(item, f"equation `{label}`: its sides have no outputs, so that nothing is equal")
            raise Wrong
        learners = [kind for kind, box in self.boxes.items() if kind in boxes and box.kind == "learner"]
        train = self.trained(item, key, label, learners)
        weight = self.weight(item, key, label)
        for number, socket in enumerate(left):
            name = self.goal_name(item, label, socket, number, len(left))
            by = self.loss(item, key, label, socket)
            try:
                if train == []:
                    self.made.measure(name, left[socket], right[socket], by=by)
                else:
                    self.made.goal(name, left[socket], right[socket], by=by, weight=weight, train=train)
            except DiagramError as error:
                self.wrong(item, f"equation `{label}`: {error}")
        return set(sides)

    def goal_name(self, item: Item, label: str, socket: tuple[str, int], number: int, of: int) -> str:
        if of == 1:
            return self.named(item, "Equation")
        box = self.boxes[socket[0]]
        place = f" {socket[1]}" if len(box.inputs) > 1 else ""
        return self.names.fresh(name_from(f"{label} {box.label}{place}", "equation"))

    def setting(self, item: Item, key: str | None, word: str, *own: str) -> Any:
        """What is said of an equation: in itself, under one of these words, or in the settings."""
        for name in own:
            if name in item.value and item.value[name].value is not None:
                return _bare(item.value[name])
        return _mapping(self.settings.get(word)).get(key or "")

    def weight(self, item: Item, key: str | None, label: str) -> float:
        given = self.setting(item, key, "outputWeights", *OWN["weight"])
        if given is None:
            return 1.0
        try:
            return float(given)
        except (TypeError, ValueError):
            self.wrong(item.value.get("weight", item), f"equation `{label}`: a weight is a number, not {given!r}")
            raise Wrong from None

    def trained(self, item: Item, key: str | None, label: str, learners: list[str]) -> list[str] | None:
        """The models that an equation moves; None where these are all that occur in it, [] where there are none."""
        given = self.setting(item, key, "outputLearners", *OWN["learners"])
        if given is None:
            return None
        if not isinstance(given, list) or not all(isinstance(word, str) for word in given):
            self.wrong(item.value.get("learners", item), f"equation `{label}`: its learners are a list of boxes")
            raise Wrong
        by_label = {self.boxes[kind].label: kind for kind in self.boxes}
        found = [word if word in self.boxes else by_label.get(word) for word in given]
        for word, kind in zip(given, found, strict=True):
            if kind is None or self.boxes[kind].kind != "learner":
                self.wrong(item.value.get("learners", item), f"equation `{label}`: there is no learner `{word}`")
                raise Wrong
        for kind in found:
            if kind not in learners:
                self.said.append(
                    f"equation `{label}` moves `{self.boxes[kind or ''].label}`, which does not occur in it"
                )
        found = [kind for kind in found if kind in learners]
        if set(found) == set(learners):
            return None
        if not found:
            self.said.append(f"equation `{label}` moves no learner, and came as a measure")
        else:
            self.said.append(
                f"equation `{label}`: the editor cuts gradients behind the learners that it does not move; "
                "here they pass through these without moving them"
            )
        return [self.boxes[kind].name for kind in found if kind is not None]

    def loss(self, item: Item, key: str | None, label: str, socket: tuple[str, int]) -> str:
        """The comparator of an output: as given, else the editor's own choice."""
        given = self.setting(item, key, "outputLosses", *OWN["losses"])
        if isinstance(given, dict):
            given = given.get(socket[0])
        if isinstance(given, dict | list):
            table = given if isinstance(given, dict) else {str(i): loss for i, loss in enumerate(given)}
            given = table.get(str(socket[1]))
        if given is None:
            wire = self.boxes[socket[0]].inputs[socket[1]]
            given = "CE" if _mapping(self.settings.get("wireOneHot")).get(wire) is True else "L2"
        if str(given) not in LOSSES:
            self.said.append(f"equation `{label}`: the loss {given} has no counterpart; it came as mse")
            return "mse"
        if given == "BCE":
            self.said.append(f"equation `{label}`: bce reads logits on its left; the editor's BCE reads probabilities")
        return LOSSES[str(given)]

    # What has no counterpart --------------------------------------------------------------------------------

    def say_the_rest(self, used: set[str]) -> None:
        for key, drawing in self.drawn.items():
            if key not in used:
                self.said.append(f"diagram `{self.label(drawing, key)}` is in no equation, and is left out")
        if self.settings.get("learnerConfigs"):
            self.said.append("the architectures of learners are not kept; give them with maps= or = mlp(…)")
        said = {node.value["id"].value for drawing in self.drawn.values() for node in self.items(drawing, "nodes")}
        loose = [n for n in self.items(self.root, "nodes") if "id" in n.value and n.value["id"].value not in said]
        if loose:
            self.said.append("what stands on the canvas is no saved diagram, and is left out")
        if self.made.goals or self.made.measures:
            self.said.append("where boxes stood on the canvas is not kept: a picture here has objects and arrows")
        own = {*OWN["weight"], *OWN["learners"]}
        weights = any(own & set(item.value) for item in self.sections["equations"])
        if self.made.goals and not weights and not {"outputWeights", "outputLearners"} & set(self.settings):
            self.said.append(
                "the file says no weights and no learners of its equations: weight 1, and each moves all in it"
            )


def _bare(item: Item) -> Any:
    """A value of JSON without its places."""
    if isinstance(item.value, dict):
        return {key: _bare(inner) for key, inner in item.value.items()}
    return [_bare(inner) for inner in item.value] if isinstance(item.value, list) else item.value


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
