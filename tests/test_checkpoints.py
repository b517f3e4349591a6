"""Checkpoints survive a crash at any moment, and refuse to go on where the numbers would not be the same."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from learningdiagrams.diagram import Diagram
from learningdiagrams.errors import DiagramError
from learningdiagrams.training import checkpoints
from learningdiagrams.training.checkpoints import Checkpoint

TENSORS = {
    "parameters/f/0.weight": np.arange(6.0).reshape(2, 3).T,
    "optimizer/count": np.array(3),
    "random/state": np.array([1, 2, 255], np.uint8),
    "best/flag": np.array([True, False]),
    "parameters/f/empty": np.zeros((0, 2), np.float32),
}
FACTS = {"history": [{"fit": 1 / 3}], "name": "σ"}


def test_what_is_written_is_read(tmp_path):
    checkpoints.write(tmp_path / "deep" / "out", Checkpoint(TENSORS, FACTS))
    found = checkpoints.read(tmp_path / "deep" / "out")
    assert found is not None and found.facts["history"] == FACTS["history"] and found.facts["name"] == "σ"
    assert found.tensors.keys() == TENSORS.keys()
    for name, value in TENSORS.items():
        assert np.array_equal(found.tensors[name], value) and found.tensors[name].dtype == value.dtype
        assert found.tensors[name].shape == value.shape


def test_there_may_be_none(tmp_path):
    assert checkpoints.read(tmp_path) is None
    assert checkpoints.read(tmp_path / "nowhere") is None


def test_the_last_one_stays_alone(tmp_path):
    for i in range(4):
        checkpoints.write(tmp_path, Checkpoint({"x": np.array(i)}, {"i": i}))
        found = checkpoints.read(tmp_path)
        assert found is not None and found.tensors["x"] == i == found.facts["i"]
        assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("crash", range(4))
def test_a_crash_at_any_moment_leaves_a_whole_checkpoint(tmp_path, monkeypatch, crash):
    """Both files are put in place by one `replace` each; a crash comes before or after either."""
    checkpoints.write(tmp_path, Checkpoint({"x": np.array(0)}, {"i": 0}))
    replace, calls = Path.replace, []

    def failing(self, target):
        calls.append(target)
        if len(calls) * 2 - 2 == crash:
            raise KeyboardInterrupt
        made = replace(self, target)
        if len(calls) * 2 - 1 == crash:
            raise KeyboardInterrupt
        return made

    monkeypatch.setattr(Path, "replace", failing)
    with pytest.raises(KeyboardInterrupt):
        checkpoints.write(tmp_path, Checkpoint({"x": np.array(1)}, {"i": 1}))
    monkeypatch.undo()
    found = checkpoints.read(tmp_path)
    assert found is not None and found.tensors["x"] == found.facts["i"] == (1 if crash == 3 else 0)
    checkpoints.write(tmp_path, Checkpoint({"x": np.array(2)}, {"i": 2}))
    found = checkpoints.read(tmp_path)
    assert found is not None and found.tensors["x"] == 2 and len(list(tmp_path.iterdir())) == 2


def test_numbers_reach_the_disk_before_they_take_the_place_of_others(tmp_path, monkeypatch):
    events: list[str] = []
    fsync, replace = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda file: (events.append("fsync"), fsync(file))[1])
    monkeypatch.setattr(Path, "replace", lambda self, to: (events.append("replace"), replace(self, to))[1])
    checkpoints.write(tmp_path, Checkpoint({"x": np.array(0)}, {}))
    assert events == ["fsync", "replace", "fsync", "replace"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o002, 0o664), (0o077, 0o600)])
def test_files_may_be_read_as_any_other_may(tmp_path, mask, mode):
    before = os.umask(mask)
    try:
        checkpoints.write(tmp_path, Checkpoint({"a": np.zeros(1)}, {}))
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {mode}


def test_writing_leaves_the_old_file_where_it_fails(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), checkpoints.writing(path) as part:
        part.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("{", "the checkpoint cannot be read"),
        ("[]", "the checkpoint cannot be read"),
        ('{"format": 1}', "the checkpoint cannot be read"),
        ('{"format": 2}', "the checkpoint has format 2, this version reads 1; train without resume"),
        ('{"format": 1, "tensors": "gone.safetensors"}', "there is no file"),
        ('{"format": 1, "tensors": "bad.safetensors"}', "cannot be read"),
    ],
)
def test_what_cannot_be_read(tmp_path, text, wrong):
    (tmp_path / "checkpoint.json").write_text(text)
    (tmp_path / "bad.safetensors").write_text("no tensors")
    with pytest.raises(DiagramError, match=wrong):
        checkpoints.read(tmp_path)


def test_another_diagram_is_refused_with_what_differs():
    made = Checkpoint({}, {"diagram": "diagram D\nmodel f : A -> B\n", "settings": {}})
    made.check("diagram D\nmodel f : A -> B\n", {}, Path("out"))
    with pytest.raises(DiagramError) as error:
        made.check("diagram D\nmodel f : A   -> C\n", {}, Path("out"))
    assert str(error.value) == (
        "out: the checkpoint is of another diagram, which differs in -model f : A -> B; +model f : A -> C; "
        "train without resume, or into another folder"
    )


def test_other_settings_are_refused():
    made = Checkpoint({}, {"diagram": "", "settings": {"seed": 0}})
    with pytest.raises(
        DiagramError, match="out: the checkpoint was made with seed 0, not 1; go on with that, or train"
    ):
        made.check("", {"seed": 1}, Path("out"))


def compiled(backend: str, seed: int = 0, sizes: str = "4, 8, 2", models: tuple[str, ...] = ("f",)):
    d = Diagram()
    S, X, Y = d.objects("S", "X", "Y")
    x, y = d.data("x", S, X), d.data("y", S, Y)
    for name in models:
        d.goal(f"fit_{name}", x >> d.model(name, X, Y, f'mlp({sizes}, norm="batch")'), y)
    return d.compile(backend, seed=seed)


def test_saved_maps_are_restored_on_either_backend(tmp_path, backend):
    pytest.importorskip("torch")
    pytest.importorskip("jax")
    x = np.random.default_rng(0).standard_normal((8, 4))
    one = compiled(backend)
    one.fit({"x": x, "y": np.zeros((8, 2))}, epochs=3)
    one.save(tmp_path / "folder" / "f.safetensors")
    for other in ("torch", "jax"):
        two = compiled(other, seed=7)
        assert not np.allclose(two.maps.numpy(two.apply("f", x)), one.maps.numpy(one.apply("f", x)), atol=1e-3)
        two.restore(tmp_path / "folder" / "f.safetensors")
        assert np.allclose(two.maps.numpy(two.apply("f", x)), one.maps.numpy(one.apply("f", x)), atol=1e-5)


def test_restore_refuses_what_does_not_fit_and_changes_nothing(tmp_path, backend):
    path = tmp_path / "f.safetensors"
    compiled(backend).save(path)
    wide = compiled(backend, sizes="4, 9, 2")
    before = wide.maps.numpy(wide.apply("f", np.ones((2, 4))))
    with pytest.raises(DiagramError, match=r"the parameter f/0.bias has shape \[8\] there and \[9\] here"):
        wide.restore(path)
    assert np.array_equal(before, wide.maps.numpy(wide.apply("f", np.ones((2, 4)))))
    with pytest.raises(DiagramError, match=r"f.safetensors: there is no parameter g/"):
        compiled(backend, models=("f", "g")).restore(path)
    with pytest.raises(DiagramError, match=r"f.safetensors holds a parameter f/.*, which no map has"):
        compiled(backend, models=()).restore(path)
    with pytest.raises(DiagramError, match="there is no file"):
        wide.restore(tmp_path / "nowhere")
    checkpoints.write(tmp_path, Checkpoint({"weight": np.zeros(2)}, {}))
    with pytest.raises(DiagramError, match="`weight` is no parameter of a map; it is no file that `save` wrote"):
        wide.restore(tmp_path / json.loads((tmp_path / "checkpoint.json").read_text())["tensors"])
