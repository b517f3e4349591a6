"""A backend that a stranger wrote from the interface alone, and the real ones measured by it."""

import numpy as np
import pytest

from learningdiagrams.backends import backend as find
from learningdiagrams.diagram import Diagram, stop
from learningdiagrams.errors import DiagramError
from learningdiagrams.layers import constant, mlp
from learningdiagrams.plan import make_plan, plan_morphism
from tests.backends.numpy_backend import NumpyBackend

ROWS = np.random.default_rng(0)


def distillation():
    d = Diagram("Distillation")
    S, X, Y = d.objects("Sample", "Image", "Logits")
    pixels, label = d.data("pixels", S, X), d.data("label", S, Y)
    teacher, student = d.frozen("teacher", X, Y), d.model("student", X, Y)
    d.goal("hard", pixels >> student, label, by="cross_entropy")
    d.goal("soft", pixels >> student, pixels >> teacher, by="kl(temperature=4)", weight=0.7)
    d.measure("accuracy", pixels >> student, label, by="accuracy")
    maps = {"teacher": mlp(6, 8, 4, activation="tanh"), "student": mlp(6, 5, 4)}
    return d, maps, {"pixels": ROWS.normal(size=(9, 6)), "label": ROWS.integers(0, 4, 9)}


def game():
    d = Diagram("Game")
    S, Z, X, T = d.objects("Sample", "Noise", "Image", "Truth")
    real, z = d.data("real", S, X), d.data("z", S, Z)
    gen, judge = d.model("gen", Z, X), d.model("judge", X, T)
    d.fixed("yes", d.unit, T)
    true = d.parse("drop(Sample) >> yes")
    d.goal("real_ones", real >> judge, true, by="bce", train=["judge"])
    d.goal("fake", z >> gen >> judge, true, by="mse", train=["judge"], weight=0.5)
    d.goal("fool", z >> gen >> judge, true, by="bce", train=["gen"])
    maps = {
        "gen": mlp(3, 5, 6),
        "judge": mlp(6, 4, 1, activation="silu"),
        "yes": constant(1.0, shape=1).held(),
    }
    return d, maps, {"real": ROWS.normal(size=(7, 6)), "z": ROWS.normal(size=(7, 3))}


def products():
    d = Diagram("Products")
    S, X, Y = d.objects("Sample", "X", "Y")
    x, y = d.data("x", S, X), d.data("both", S, X * Y)
    f, mean = d.model("f", X * Y, X), d.model("mean", d.unit, X)
    d.frozen("zero", d.unit, X)
    e = d.ema("slow", of=f, decay=0.9)
    d.goal("first", y >> f, y >> d.parse("proj(X * Y, 0)"), by="huber(delta=0.5)")
    d.goal("centre", x, d.parse("drop(Sample) >> mean"), by="l1", weight=2.0)
    d.goal("small", mean, d.parse("zero"), by="l1", weight=0.1)
    d.goal("still", y >> f, stop(y >> e), by="cosine")
    d.goal("pairs", (x & (y >> f)), (y >> f) & x, by="mse")
    maps = {
        "f": mlp(5, 4, 3, activation="sigmoid"),
        "mean": constant((0.1, -0.2, 0.3)),
        "zero": constant(0, shape=3),
    }
    both = ROWS.normal(size=(6, 3)), ROWS.normal(size=(6, 2))
    return d, maps, {"x": ROWS.normal(size=(6, 3)), "both": both}


CASES = {"distillation": distillation, "game": game, "products": products}


@pytest.mark.parametrize("case", CASES)
def test_a_backend_computes_what_numpy_computes(case, backend):
    diagram, maps, batch = CASES[case]()
    equations = [*diagram.goals.values(), *diagram.measures.values()]
    plan = make_plan(diagram, equations)
    weights = {name: goal.weight for name, goal in diagram.goals.items()}
    found = {}
    for which, made in (("numpy", NumpyBackend()), (backend, find(backend))):
        realised = made.maps(diagram, maps, seed=3, dtype="float64", device=None)
        evaluated = realised.program(plan)(batch, weights)
        found[which] = {"total": evaluated.total, **evaluated.terms}
        found[which] = {name: float(realised.numpy(value)) for name, value in found[which].items()}
    assert list(found["numpy"]) == ["total", *diagram.goals, *diagram.measures]
    assert found[backend] == pytest.approx(found["numpy"], rel=1e-10, abs=1e-12)


def test_a_morphism_s_value_is_that_of_numpy(backend):
    diagram, maps, batch = products()
    morphisms = ["both >> f", "x & (both >> f)", "f & proj(X * Y, 1)", "mean"]
    for text in morphisms:
        plan = plan_morphism(diagram, diagram.parse(text))
        given = batch if "both" in text else {"0": batch["both"][0], "1": batch["both"][1]}
        values = [
            made.numpy(made.program(plan).outputs(given))
            for made in (
                b.maps(diagram, maps, seed=3, dtype="float64", device=None) for b in (NumpyBackend(), find(backend))
            )
        ]
        assert len(values[0]) == len(values[1]) == len(diagram.parse(text).cod.factors)
        for mine, theirs in zip(*values, strict=True):
            np.testing.assert_allclose(theirs, mine, rtol=1e-10, atol=1e-12)


def test_it_is_chosen_by_the_object_itself_and_does_all_but_train(tmp_path):
    diagram, maps, batch = distillation()
    compiled = diagram.compile(backend=NumpyBackend(), maps=maps, dtype="float64")  # type: ignore[arg-type]
    assert compiled.backend == "numpy"
    out = compiled.loss(batch)
    assert out.total == pytest.approx(out.terms["hard"] + 0.7 * out.terms["soft"])
    logits = compiled.apply("pixels >> student", batch["pixels"])
    shifted = np.exp(logits - logits.max(-1, keepdims=True))
    picked = (shifted / shifted.sum(-1, keepdims=True))[np.arange(9), batch["label"]]
    assert out.terms["hard"] == pytest.approx(-np.log(picked).mean())
    assert compiled.evaluate(batch)["accuracy"] == pytest.approx((logits.argmax(-1) == batch["label"]).mean())
    snapshot = compiled.parameters()
    compiled.load_parameters({"student": snapshot["student"]})
    assert compiled.loss(batch).total == out.total
    assert compiled.residuals(batch)["soft"] == pytest.approx(out.terms["soft"])
    compiled.save(tmp_path / "maps.safetensors")
    compiled.load_parameters({"student": {name: 0 * value for name, value in snapshot["student"].items()}})
    assert compiled.loss(batch).total != out.total
    compiled.restore(tmp_path / "maps.safetensors")
    assert compiled.loss(batch).total == out.total
    with pytest.raises(DiagramError, match="computes values only and has no gradients"):
        compiled.value_and_grad(batch)
    with pytest.raises(DiagramError, match="computes values only and does not train"):
        compiled.fit(batch, epochs=1)


def test_shapes_are_checked_on_it_as_on_the_others():
    _, maps, _ = distillation()
    d = Diagram("Typed")
    S = d.object("Sample")
    X, Y = d.object("Image", (7,)), d.object("Logits", (4,))
    pixels, label = d.data("pixels", S, X), d.data("label", S, Y)
    d.goal("hard", pixels >> d.model("student", X, Y), label)
    with pytest.raises(DiagramError, match="goal `hard`, at pixels >> student: `student`: it refuses"):
        d.compile(backend=NumpyBackend(), maps={"student": maps["student"]})  # type: ignore[arg-type]
