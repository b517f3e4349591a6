"""The string diagrams that the Pattern Language editor draws, as morphisms out of one object.

What goes wrong in one is noted where it stands in the file, and `Wrong` says that the drawing cannot be read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from learningdiagrams.language.json_form import Item
from learningdiagrams.theory.morphisms import Morphism, Object, drop, proj

if TYPE_CHECKING:
    from learningdiagrams.language.patlang import Saved

__all__ = ["Box", "Drawing", "Wrong"]


@dataclass(frozen=True)
class Box:
    """A box of the palette: its kind, its name here, and the wires that go in and out."""

    kind: str
    label: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    item: Item


Sockets = dict[tuple[str, int], tuple[str, int]]


class Wrong(Exception):
    """Something that cannot be read, noted already; what depends on it is left out."""


class Drawing:
    """A string diagram as morphisms out of one object: what each of its output boxes receives."""

    def __init__(self, saved: Saved, drawing: Item, start: Object) -> None:
        self.saved = saved
        self.start = start
        self.label: str = saved.label(drawing, "diagram")
        self.nodes: dict[str, tuple[Box, Item]] = {}
        for node in saved.items(drawing, "nodes"):
            key, kind = saved.text(node, "id"), saved.type_of(node)
            if kind is None or kind not in saved.boxes:
                saved.wrong(node, f"diagram `{self.label}`: there is no box {kind!r}")
                raise Wrong
            if key is not None:
                self.nodes[key] = (saved.boxes[kind], node)
        self.into: Sockets = self._wires(drawing)
        self.values: dict[str, Morphism] = {}

    def _wires(self, drawing: Item) -> Sockets:
        """What each input is connected with."""
        into: Sockets = {}
        for edge in self.saved.items(drawing, "edges"):
            ends = []
            for end, handle, side in (("source", "sourceHandle", "outputs"), ("target", "targetHandle", "inputs")):
                key, place = self.saved.text(edge, end), self.saved.text(edge, handle)
                found = re.fullmatch(r"(?:in|out)-(\d{1,9})", place or "")
                if key not in self.nodes or found is None or int(found[1]) >= len(getattr(self.nodes[key][0], side)):
                    self.saved.wrong(edge, f"diagram `{self.label}`: this wire has no {end}")
                    raise Wrong
                ends.append((key, int(found[1])))
            (source, out), (target, place) = ends
            one, other = self.nodes[source][0].outputs[out], self.nodes[target][0].inputs[place]
            if one != other:
                names = [self.saved.label(self.saved.wires[wire][1], "Wire") for wire in (one, other)]
                self.saved.wrong(edge, f"diagram `{self.label}`: a wire {names[0]} enters where {names[1]} is wanted")
                raise Wrong
            if (target, place) in into:
                self.saved.wrong(edge, f"diagram `{self.label}`: two wires enter one input")
                raise Wrong
            into[target, place] = (source, out)
        return into

    def outputs(self) -> dict[tuple[str, int], Morphism]:
        """What arrives at each input of each output box, by box and input."""
        found: dict[tuple[str, int], Morphism] = {}
        order = {key: place for place, key in enumerate(self.saved.boxes)}
        ends = [(key, *self.nodes[key]) for key in self.nodes if self.nodes[key][0].kind == "output"]
        for key, box, node in sorted(ends, key=lambda end: order[end[1].item.value["type"].value]):
            for place in range(len(box.inputs)):
                socket = (box.item.value["type"].value, place)
                if socket in found:
                    self.saved.wrong(node, f"diagram `{self.label}`: output `{box.label}` occurs twice")
                    raise Wrong
                found[socket] = self._input(key, place)
        return found

    def _input(self, key: str, place: int) -> Morphism:
        """The value of an input; boxes are run through in an order in which each comes after what it receives."""
        source, out = self._source(key, place)
        stack, open_ = [source], set()
        while stack:
            node = stack[-1]
            if node in self.values:
                stack.pop()
                continue
            before = [self._source(node, i)[0] for i in range(len(self.nodes[node][0].inputs))]
            waiting = [other for other in before if other not in self.values]
            if waiting and node in open_:
                box, item = self.nodes[node]
                self.saved.wrong(item, f"diagram `{self.label}`: its wires run in a circle through `{box.label}`")
                raise Wrong
            open_.add(node)
            if waiting:
                stack += waiting
                continue
            self.values[node] = self._value(node)
            stack.pop()
        return self._taken(source, out)

    def _source(self, key: str, place: int) -> tuple[str, int]:
        if (key, place) not in self.into:
            box, node = self.nodes[key]
            wire = self.saved.label(self.saved.wires[box.inputs[place]][1], "Wire")
            what = f"input {place} ({wire}) of `{box.label}` is not connected"
            self.saved.wrong(node, f"diagram `{self.label}`: {what}")
            raise Wrong
        return self.into[key, place]

    def _value(self, key: str) -> Morphism:
        box, _ = self.nodes[key]
        generator = self.saved.made.generators[box.name]
        if box.kind == "data":
            return generator
        values = [self._taken(*self._source(key, place)) for place in range(len(box.inputs))]
        if not values:
            return drop(self.start) >> generator if self.start.factors else generator
        together = values[0]
        for value in values[1:]:
            together = together & value
        return together >> generator

    def _taken(self, key: str, out: int) -> Morphism:
        box, value = self.nodes[key][0], self.values[key]
        return value >> proj(value.cod, out) if len(box.outputs) > 1 else value
