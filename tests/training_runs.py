"""Runs of training on the backend that records: two small diagrams, their data, and what is seen of them."""

from __future__ import annotations

import numpy as np

from learningdiagrams.diagram import Diagram
from learningdiagrams.training import State, fit
from tests.recording_backend import RecordingMaps


def pair() -> Diagram:
    """Two unpaired sample objects, a model for each."""
    d = Diagram("pair")
    S, T, X = d.objects("S", "T", "X")
    x, y = d.data("x", S, X), d.data("y", T, X)
    f, g = d.model("f", X, X), d.model("g", X, X)
    d.goal("one", x >> f, x, weight="linear(0, 1, steps=10)")
    d.goal("two", y >> g, y, weight=0.5)
    return d


def single(measure: bool = False) -> Diagram:
    d = Diagram("single")
    S, X = d.objects("S", "X")
    x, f = d.data("x", S, X), d.model("f", X, X)
    d.goal("fit", x >> f, x)
    if measure:
        d.measure("score", x >> f, x, by="mse")
        d.measure("accuracy", x >> f, x, by="accuracy")
    return d


X = {"x": np.arange(10.0)}
XY = {"x": np.arange(10.0), "y": np.arange(100.0, 104.0)}


def train(diagram: Diagram, data, maps: RecordingMaps | None = None, state: State | None = None, **options):
    maps = maps or RecordingMaps(diagram)
    state = state or State()
    history = fit(maps, diagram=diagram, data=data, state=state, **options)
    return history, maps, state


def seen(maps: RecordingMaps, name: str = "x") -> list[list[float]]:
    """The values of one data generator, batch by batch."""
    return [step.batch[name].tolist() for step in maps.log.steps if name in step.batch]


def staged() -> Diagram:
    d = pair()
    d.stage("first", train=["f"], by=["one"], steps=2)
    d.stage("second", train=["f", "g"], by=["one", "two"])
    return d


def scripted(*scores: float, epochs: int | None = None, **options):
    """A run whose measure `score` takes these values, epoch after epoch."""
    d = single()
    d.measure("score", d["x"] >> d["f"], d["x"], by="accuracy")
    maps = RecordingMaps(d)
    maps.log.script = list(scores)
    history, _, _ = train(d, X, maps, epochs=epochs or len(scores), batch_size=10, **options)
    return history, maps
