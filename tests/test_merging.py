"""The pass `merge`, on both backends: what it does, what it leaves alone and why, and that numbers stay as they are."""

from __future__ import annotations

import numpy as np
import pytest

import learningdiagrams as ld
from learningdiagrams.batching import Merged
from tests.passes_on_and_off import agree, both, table

linear, mlp = ld.layers.linear, ld.layers.mlp


def siamese(text: str = "cosine") -> ld.Diagram:
    d = ld.Diagram("Siamese")
    sample, image, feature = d.objects("Sample", "Image", "Feature")
    left, right, enc = d.data("left", sample, image), d.data("right", sample, image), d.model("enc", image, feature)
    d.goal("near", left >> enc, right >> enc, by=text)
    return d


def views(rows: int = 6) -> dict[str, np.ndarray]:
    draw = np.random.default_rng(0)
    return {"left": draw.normal(size=(rows, 6)), "right": draw.normal(size=(rows, 6))}


def joints(c: ld.Compiled) -> list[tuple[str, int]]:
    return [(joint.parts[0].generator, len(joint.parts)) for joint in table(c).joints]


def test_two_views_are_one_call(backend):
    on, off = both(siamese(), backend, {"enc": mlp(6, 8, 4)})
    assert joints(on) == [("enc", 2)] and not joints(off)
    assert "merge: v1 and v3 are one call of enc" in str(on.plan).splitlines()
    assert "merge" not in str(off.plan)
    agree(on, off, views())


@pytest.mark.parametrize(
    ("layer", "why"),
    [
        (mlp(6, 8, 4, dropout=0.5), "it draws random numbers in training mode"),
        (mlp(6, 8, 4, norm="batch"), "it learns statistics of the batch in training mode"),
    ],
    ids=["dropout", "batch_norm"],
)
def test_what_looks_at_a_batch_or_draws_is_called_as_often_as_ever(backend, layer, why):
    on, off = both(siamese(), backend, {"enc": layer})
    assert not joints(on)
    assert f"merge: not enc, which is called 2 times: {why}" in str(on.plan).splitlines()
    agree(on, off, views())


def test_of_other_maps_it_is_declared(backend):
    def centred(x):
        return x - x.mean(-1, keepdims=True)

    def compiled(f):
        d = siamese()
        late = d.fixed("late", d["enc"].cod, d["enc"].cod)
        d.goal("late_near", "left >> enc >> late", "right >> enc >> late")
        assert late.dom is late.cod
        return both(d, backend, {"enc": mlp(6, 8, 4), "late": f})

    on, _ = compiled(centred)
    assert joints(on) == [("enc", 2)]
    said = "nothing says that it takes each row by itself; if it does, say ld.by_row(late)"
    assert f"merge: not late, which is called 2 times: {said}" in str(on.plan).splitlines()
    on, off = compiled(ld.by_row(centred))
    assert joints(on) == [("enc", 2), ("late", 2)]
    agree(on, off, views())


def test_batches_of_several_sizes_go_one_after_the_other(backend):
    """Labelled and unlabelled data of several sizes: one call on all rows."""
    d = ld.Diagram("Semi")
    labelled, free, image, logits = d.objects("Labelled", "Free", "Image", "Logits")
    net = d.model("net", image, logits)
    d.goal("known", d.data("x", labelled, image) >> net, d.data("y", labelled, logits), by="cross_entropy")
    d.goal("guess", d.data("u", free, image) >> net, d.data("v", free, image) >> net, by="kl")
    on, off = both(d, backend, {"net": mlp(6, 8, 3)})
    assert joints(on) == [("net", 3)]
    draw = np.random.default_rng(0)
    whole = {"x": draw.normal(size=(4, 6)), "y": draw.integers(0, 3, 4)}
    whole |= {"u": draw.normal(size=(7, 6)), "v": draw.normal(size=(7, 6))}
    agree(on, off, whole)


def test_images_of_several_sizes_are_computed_one_by_one(backend):
    conv = ld.layers.sequential(ld.layers.conv(1, 2), ld.layers.pool(2), ld.layers.normalize())
    d = ld.Diagram("Sizes")
    sample, small, map_ = d.object("Sample"), d.object("Image"), d.object("Map")
    f = d.model("f", small, map_)
    d.goal("one", d.data("a", sample, small) >> f, d.data("p", sample, map_))
    d.goal("two", d.data("b", sample, small) >> f, d.data("q", sample, map_))
    on, off = both(d, backend, {"f": conv})
    assert joints(on) == [("f", 2)]
    draw = np.random.default_rng(0)
    sizes = {"a": (1, 4, 4), "p": (2, 2, 2), "b": (1, 6, 6), "q": (2, 3, 3)}
    agree(on, off, {name: draw.normal(size=(6, *shape)) for name, shape in sizes.items()})


def test_a_game_is_merged_player_by_player(backend):
    d = ld.Diagram("Game")
    sample, noise, image, truth = d.objects("Sample", "Noise", "Image", "Truth")
    real, fake = d.data("real", sample, image), d.noise("z", sample, noise, "normal(3)") >> d.model("gen", noise, image)
    judge = d.model("judge", image, truth)
    yes, no = d.data("yes", sample, truth), d.data("no", sample, truth)
    d.goal("tell_real", real >> judge, yes, by="bce", train=["judge"])
    d.goal("tell_fake", fake >> judge, no, by="bce", train=["judge"])
    d.goal("fool", fake >> judge, yes, by="bce", train=["gen"])
    on, off = both(d, backend, {"gen": linear(3, 6), "judge": mlp(6, 4, 1)})
    assert joints(on) == []  # the judge of fakes waits for the generator, and the one of real images does not
    rows = {"real": np.random.default_rng(0).normal(size=(6, 6)), "yes": np.ones((6, 1)), "no": np.zeros((6, 1))}
    agree(on, off, rows)


def test_maps_that_draw_keep_their_order(backend):
    """Calls done together move; those that draw one after the other do not, and draw the same numbers."""
    d = ld.Diagram("Order")
    sample, image = d.objects("Sample", "Image")
    a, b = d.data("a", sample, image), d.data("b", sample, image)
    f, wild, tame = d.model("f", image, image), d.model("wild", image, image), d.model("tame", image, image)
    d.goal("one", a >> f >> wild, b >> tame)
    d.goal("two", b >> wild >> f, a >> tame >> wild)
    d.goal("three", b >> f, a >> wild >> tame)
    on, off = both(d, backend, {"f": linear(6, 6), "wild": mlp(6, 5, 6, dropout=0.5), "tame": linear(6, 6)})
    assert joints(on)
    draw = np.random.default_rng(0)
    agree(on, off, {"a": draw.normal(size=(6, 6)), "b": draw.normal(size=(6, 6))})


def test_a_frozen_map_with_two_inputs_and_two_outputs(backend):
    d = ld.Diagram("Pairs")
    sample, image = d.objects("Sample", "Image")
    a, b, f = d.data("a", sample, image), d.data("b", sample, image), d.model("f", image, image)
    swap = d.fixed("swap", image * image, image * image)
    d.goal("one", (a & b) >> swap, (b >> f) & (a >> f))
    d.goal("two", ((a >> f) & b) >> swap, ((b >> f) & a) >> swap)
    on, off = both(d, backend, {"f": linear(6, 6), "swap": ld.by_row(lambda x, y: (2 * y, x))})
    made = [joint for joint in table(on).joints if joint.parts[0].generator == "swap"]
    assert [len(joint.outs) for joint in made] == [2]
    assert all(isinstance(joint, Merged) for joint in made)
    draw = np.random.default_rng(0)
    agree(on, off, {"a": draw.normal(size=(6, 6)), "b": draw.normal(size=(6, 6))})


def test_a_call_that_is_refused_names_its_own_path(backend):
    on, _ = both(siamese(), backend, {"enc": mlp(6, 8, 4)})
    wrong = {name: np.zeros((6, 5)) for name in ("left", "right")}
    with pytest.raises(ld.DiagramError, match="goal `near`, at left >> enc: `enc`: it refuses"):
        on.loss(wrong)


def test_a_large_frozen_map_is_called_one_batch_at_a_time(backend):
    """Where nothing is kept for gradients, two calls one after the other have half as much in memory."""
    for role, width, count in (("frozen", 1100, 0), ("frozen", 8, 1), ("model", 1100, 1)):
        d = ld.Diagram("Large")
        sample, image = d.objects("Sample", "Image")
        f, g = getattr(d, role)("f", image, image), d.model("g", image, image)
        d.goal("one", d.data("a", sample, image) >> f, d.data("b", sample, image) >> f >> g)
        c = d.compile(backend=backend, maps={"f": linear(width, width), "g": linear(width, width)})
        assert len(joints(c)) == count
        assert ("it is large, and where no gradient is wanted" in str(c.plan)) == (not count)


def test_passes_are_chosen_by_name(backend):
    for passes, count in ((["merge"], 1), (["stack"], 0), ("all", 1), ((), 0)):
        c = siamese().compile(backend=backend, maps={"enc": mlp(6, 8, 4)}, passes=passes)
        assert len(joints(c)) == count


def test_torch_compile_sees_the_plan_as_it_is():
    pytest.importorskip("torch")
    from learningdiagrams.backends.torch import TorchBackend

    c = siamese().compile(backend=TorchBackend(torch_compile={"backend": "eager"}), maps={"enc": mlp(6, 8, 4)})
    assert not joints(c)
    assert "merge: not anything, torch.compile is to see the plan as it is" in str(c.plan)
