"""What a stage cannot change is not measured again after each of its epochs."""

import numpy as np
import pytest

from learningdiagrams.diagram import Diagram
from learningdiagrams.training import State, checkpoints, fit
from tests.recording_backend import RecordingMaps

DATA = {"x": np.arange(6.0)}


def diagram() -> Diagram:
    d = Diagram()
    S, A = d.objects("S", "A")
    x, f, g = d.data("x", S, A), d.model("f", A, A), d.model("g", A, A)
    d.goal("fit_f", x >> f, x)
    d.goal("fit_g", x >> g, x)
    d.measure("of_f", x >> f, x, by="accuracy")
    d.measure("of_g", x >> g, x, by="accuracy")
    d.stage("first", train=["f"], by=["fit_f"])
    d.stage("second", train=["g"], by=["fit_g"])
    return d


def train(d: Diagram, script: list[float], **options):
    maps = RecordingMaps(d)
    maps.log.script = script
    history = fit(maps, diagram=d, data=DATA, state=State(), epochs=2, batch_size=6, **options)
    assert maps.log.script == []
    return history


def test_each_stage_measures_what_it_changes_and_the_rest_once():
    history = train(diagram(), [0.5, 0.1, 0.2, 0.6, 0.7])
    assert history["of_g"] == [0.5, 0.5, 0.6, 0.7] and history["of_f"] == [0.1, 0.2, 0.2, 0.2]


def test_averages_and_noise_are_measured_always():
    d = diagram()
    mean, z = d.ema("mean", of="g"), d.noise("z", d.sorts["S"], d.sorts["A"], "normal(1)")
    d.measure("of_mean", d["x"] >> mean, d["x"], by="accuracy")
    d.measure("of_noise", z >> d["g"], z, by="accuracy")
    history = train(d, [0.5, *(0.1, 0.2, 0.3), *(0.1, 0.4, 0.5), *(0.6, 0.7, 0.8), *(0.6, 0.9, 1.0)])
    assert history["of_mean"] == [0.2, 0.4, 0.7, 0.9] and history["of_noise"] == [0.3, 0.5, 0.8, 1.0]


def test_after_the_best_numbers_came_back_everything_is_measured():
    history = train(diagram(), [0.5, *(0.3, 0.2), 0.31, *(0.6, 0.7)], stop_early=("of_f", 1))
    assert history["of_f"] == [0.3, 0.2, 0.31, 0.31]


def test_what_was_measured_is_kept_in_checkpoints(tmp_path):
    def interrupt(event):
        if event.step == 3:
            raise KeyboardInterrupt

    whole = train(diagram(), [0.5, 0.1, 0.2, 0.6, 0.7])
    train(diagram(), [0.5, 0.1, 0.2], out=tmp_path, callbacks=interrupt)
    second = train(diagram(), [0.6, 0.7], out=tmp_path, resume=True)
    assert second["of_f"] == whole["of_f"] and second["of_g"] == whole["of_g"]


@pytest.mark.parametrize(("cost", "written"), [(0.0, 5), (1e9, 2)])
def test_checkpoints_of_short_epochs_are_written_as_often_as_costs_little(tmp_path, monkeypatch, cost, written):
    """Four epochs and the end; where writing takes long, the first epoch and the end."""
    calls = []
    monkeypatch.setattr("learningdiagrams.training.loop.SAVE", cost)
    monkeypatch.setattr(checkpoints, "write", lambda folder, checkpoint: calls.append(checkpoint.facts["step"]))
    tmp_path.joinpath("history.csv").touch()
    train(diagram(), [0.5, 0.1, 0.2, 0.6, 0.7], out=tmp_path)
    assert len(calls) == written and calls[0] == 1 and calls[-1] == 4
