"""SimSiam on digits that stand anywhere: data and judge of `simsiam.diagram`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from learningdiagrams.data import host
from learningdiagrams.regimes.base import Figure, Regime, Split, Variant
from learningdiagrams.regimes.digits import balanced, digits

if TYPE_CHECKING:
    from learningdiagrams.compiled import Compiled

__all__ = ["REGIME", "canvases", "probe", "probes"]


def canvases(seed: int) -> Split:
    """Digits placed anywhere on a canvas of 12 × 12; their classes are for the judge alone."""
    train, classes, test, answers = digits(seed)
    places = np.random.default_rng((seed, 1))
    canvas = {"image": _placed(train, places)}
    return Split(canvas, {"image": _placed(test, places)}, {"classes": classes, "answers": answers})


def _placed(pictures: np.ndarray, places: np.random.Generator) -> np.ndarray:
    canvas = np.zeros((len(pictures), 1, 12, 12), np.float32)
    for picture, on, (down, right) in zip(pictures, canvas, places.integers(0, 5, (len(pictures), 2)), strict=True):
        on[0, down : down + 8, right : right + 8] = picture.reshape(8, 8)
    return canvas


def probes(compiled: Compiled, split: Split) -> Mapping[str, float]:
    """Accuracies of logistic regression on the codes, on the codes of the same net untrained, and on pixels; and how
    far the projected points are from being all one.
    """
    train, test = split.train["image"], split.test["image"]
    untrained = compiled.diagram.compile(compiled.backend, seed=compiled.seed)
    found: dict[str, float] = {}
    for name, code in (
        ("", lambda x: host(compiled.apply("image >> encode", x))),
        ("random_", lambda x: host(untrained.apply("image >> encode", x))),
        ("pixels_", lambda x: x.reshape(len(x), -1)),
    ):
        codes = code(train), code(test)
        few = balanced(split.extra["classes"], 10)
        found[f"{name}few"] = probe(codes[0][few], split.extra["classes"][few], codes[1], split.extra["answers"])
        found[f"{name}all"] = probe(codes[0], split.extra["classes"], codes[1], split.extra["answers"])
    points = host(compiled.apply("image >> encode >> project", test))
    points = points / np.maximum(np.linalg.norm(points, axis=1, keepdims=True), 1e-12)
    spread = float(points.std(0).mean()) * math.sqrt(points.shape[1])
    return {**found, "gain": found["few"] - found["random_few"], "spread": spread}


def probe(codes: np.ndarray, classes: np.ndarray, test: np.ndarray, answers: np.ndarray) -> float:
    """Test accuracy of logistic regression on standardised codes."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    probe: Any = make_pipeline(StandardScaler(), LogisticRegression(max_iter=5000))
    return float(probe.fit(codes, classes).score(test, answers))


_PLAIN = {
    'sequential(mlp(128, 64, 64, norm="batch"), batch_norm(64))': "mlp(128, 64, 64)",
    'mlp(64, 32, 64, norm="batch")': "mlp(64, 32, 64)",
}
_MOVING = {
    "stop(((image & there) >> move & dust) >> plus >> encode >> project)": (
        "((image & there) >> move & dust) >> plus >> encode >> project"
    ),
    "stop(((image & here) >> move & grain) >> plus >> encode >> project)": (
        "((image & here) >> move & grain) >> plus >> encode >> project"
    ),
}

REGIME = Regime(
    name="simsiam",
    title="SimSiam",
    data=canvases,
    judge=probes,
    figures=(
        Figure("few", "logistic probe, 100 labels: test accuracy", by_hand=(0.544, 0.058)),
        Figure("random_few", "the same on the untrained net", by_hand=(0.347,)),
        Figure("pixels_few", "the same on pixels", by_hand=(0.236,)),
        Figure("gain", "trained minus untrained, 100 labels", least=0.14, by_hand=(0.197,)),
        Figure("all", "logistic probe, all labels: test accuracy", least=0.78, by_hand=(0.843, 0.026)),
        Figure("random_all", "the same on the untrained net", by_hand=(0.622,)),
        Figure("pixels_all", "the same on pixels", by_hand=(0.327,)),
        Figure("spread", "spread of the projected points: 1 all over the sphere, 0 collapsed"),
    ),
    training={"batch_size": 128, "optimizer": "momentum", "lr": 0.05},
    source="Chen and He 2021, Exploring Simple Siamese Representation Learning",
    claim="Codes learned without a label from two views of each picture tell the digits apart far better than an "
    "untrained net's.",
    caution="One point for all pictures meets both goals, as `check` foretells, with `stop` or without: `stop` removes "
    "no solution, it keeps descent from sliding there. Without it all pictures become one point, with batch norm in "
    "`project` and `predict` or without.",
    variants=(
        Variant(
            "no-norm",
            "without batch norm in `project` and `predict`, `stop` alone keeps the points apart",
            _PLAIN,
            shows=("spread", "few", "all"),
        ),
        Variant(
            "collapse",
            "without that batch norm and without `stop` all pictures become one point",
            {**_PLAIN, **_MOVING},
            shows=("spread", "few", "all"),
        ),
        Variant("no-stop", "without `stop`, with batch norm", _MOVING, shows=("spread", "few", "all")),
    ),
)
