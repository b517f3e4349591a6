"""`Compiled.extract`: a morphism as one map by itself, on copies of its numbers, on both backends."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

import learningdiagrams as ld
from learningdiagrams.errors import DiagramError

X = np.random.default_rng(0).normal(size=(5, 6)).astype("float32")


@pytest.fixture
def compiled(backend: str) -> ld.Compiled:
    return trained(backend)


@cache
def trained(backend: str) -> ld.Compiled:
    d = ld.loads("""
    object Sample, Image[6], Feature[4], Logits[3]
    data   pixels   : Sample -> Image
    data   label    : Sample -> Logits
    noise  z        : Sample -> Feature = normal()
    model  backbone : Image -> Feature = sequential(linear(6, 4), batch_norm(4), dropout(0.5))
    model  head     : Feature -> Logits = linear(4, 3)
    model  bias     : 1 -> Logits = constant((0.5, 1.0, 1.5))
    frozen other    : Image -> Logits = linear(6, 3)
    fixed  add      : Logits * Logits -> Logits
    fixed  unknown  : Image -> Logits
    goal   hard     : pixels >> backbone >> head = label by cross_entropy
    goal   far      : ((pixels >> other) & label) >> add = label
    """)
    made = d.compile(backend=backend, seed=0, maps={"add": lambda a, b: a + b})
    label = np.arange(5) % 3
    made.fit({"pixels": X, "label": np.eye(3, dtype="float32")[label]}, epochs=2, batch_size=5)
    return made


def value(compiled: ld.Compiled, extracted: object, *arguments: np.ndarray) -> np.ndarray:
    if compiled.backend == "torch":
        import torch

        with torch.no_grad():
            return extracted(*map(torch.from_numpy, arguments)).numpy()  # type: ignore[operator]
    params, apply = extracted  # type: ignore[misc]
    return np.asarray(apply(params, *arguments))


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("head", (X[:, :4],)),
        ("backbone >> head", (X,)),
        ("((backbone >> head) & (drop(Image) >> bias)) >> add", (X,)),
        ("((backbone >> head) @ other) >> add", (X, X[::-1].copy())),
        ("add", (X[:, :3], X[:, 3:])),
        ("drop(Image) >> bias", (X,)),
        ("bias", ()),
    ],
)
def test_it_has_the_value_of_apply(compiled: ld.Compiled, text: str, arguments: tuple[np.ndarray, ...]):
    wanted = np.asarray(compiled.maps.numpy(compiled.apply(text, *arguments)))
    got = value(compiled, compiled.extract(text), *arguments)
    assert got.shape == ((5, 3) if arguments else (3,)) and np.array_equal(got, np.broadcast_to(wanted, got.shape))


def test_its_numbers_are_copies_named_by_generator_and_parameter(compiled: ld.Compiled):
    kept = compiled.extract("backbone >> head")
    alone = compiled.extract("head")
    names = {"head.weight", "head.bias"}
    if compiled.backend == "torch":
        assert {name for name, _ in alone.named_parameters()} == names
        assert all(part.training is False for part in kept.modules())
    else:
        assert set(alone[0]) == names
    before = value(compiled, kept, X)
    numbers = compiled.parameters()["head"]
    compiled.load_parameters({"head": {"weight": np.zeros((3, 4)), "bias": np.zeros(3)}})
    assert np.array_equal(value(compiled, kept, X), before)
    assert not value(compiled, compiled.extract("backbone >> head"), X).any()
    compiled.load_parameters({"head": numbers})


def test_another_diagram_takes_it_as_a_map(compiled: ld.Compiled):
    d = ld.loads("""
    object Sample, Image[6], Logits[3]
    data   pixels  : Sample -> Image
    frozen teacher : Image -> Logits
    model  student : Image -> Logits = linear(6, 3)
    goal   soft    : pixels >> student = pixels >> teacher by kl
    """)
    other = d.compile(backend=compiled.backend, maps={"teacher": compiled.extract("backbone >> head")}, seed=0)
    theirs, ours = (np.asarray(c.maps.numpy(c.apply(text, X))) for c, text in
                    ((compiled, "backbone >> head"), (other, "teacher")))  # fmt: skip
    assert np.allclose(theirs, ours, atol=1e-6)
    assert len(other.fit({"pixels": X}, epochs=1)) == 1


def test_what_starts_at_data_and_what_has_no_realisation_is_an_error(compiled: ld.Compiled):
    with pytest.raises(
        DiagramError, match=r"^`pixels >> backbone` starts at `pixels`, which is no map with numbers of"
    ):
        compiled.extract("pixels >> backbone")
    with pytest.raises(DiagramError, match=r"starts at `z`, .*; extract what follows it$"):
        compiled.extract("z >> head")
    with pytest.raises(DiagramError, match=r"`unknown` has no realisation; compile with maps=\{'unknown': …\}"):
        compiled.extract("unknown")


def test_torch_exports_it_for_any_number_of_rows():
    torch = pytest.importorskip("torch")
    compiled = trained("torch")
    rows = torch.export.Dim("rows")
    for text in ("backbone >> head", "head", "((backbone >> head) & (drop(Image) >> bias)) >> add"):
        x = torch.from_numpy(X if text != "head" else X[:, :4].copy())
        program = torch.export.export(compiled.extract(text), (x[:2],), dynamic_shapes=({0: rows},))
        assert torch.allclose(program.module()(x), compiled.apply(text, x))
