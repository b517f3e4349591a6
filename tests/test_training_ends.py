"""How training ends: early stopping, callbacks, interrupts, and going on from a checkpoint."""

import os
import signal
import threading

import numpy as np
import pytest

from learningdiagrams.errors import DiagramError
from learningdiagrams.training import EarlyStopping, Event
from learningdiagrams.training.history import History
from tests.recording_backend import RecordingMaps
from tests.training_runs import XY, X, scripted, seen, single, staged, train

# Early stopping and callbacks ----------------------------------------------------------------------------


def test_early_stopping_waits_then_restores_the_best():
    history, maps = scripted(0.5, 0.9, 0.8, 0.9, epochs=9, stop_early=("score", 2))
    assert history["score"] == [0.5, 0.9, 0.8, 0.9], "equal is not better"
    assert maps.numbers["f"]["w"].tolist() == [9.0, 9.0], "two steps of 4.5"
    assert history.stopped == "stage `training`: `score` no better for 2 epochs"


def test_early_stopping_without_restoring():
    _, maps = scripted(0.5, 0.9, 0.8, epochs=9, stop_early=EarlyStopping("score", 1, restore=False))
    assert maps.numbers["f"]["w"].tolist() == [13.5, 13.5]


def test_small_improvements_may_not_count():
    history, _ = scripted(0.5, 0.55, 0.6, epochs=9, stop_early=EarlyStopping("score", 2, least=0.2))
    assert len(history) == 3


def test_early_stopping_on_a_goal_wants_less_and_looks_at_validation_first():
    values = iter([3.0, 2.0, 2.5])
    d = single()
    maps = RecordingMaps(d)
    original = type(maps).program

    class Program:
        def __init__(self, made):
            self.made, self.plan = made, made.plan

        def __call__(self, *args, **kwargs):
            evaluated = self.made(*args, **kwargs)
            evaluated.terms["fit"] = np.float64(next(values))
            return evaluated

        def trainer(self, *args):
            return self.made.trainer(*args)

    def program(plan):
        made = original(maps, plan)
        return made if plan.moved else Program(made)

    maps.program = program  # type: ignore[method-assign]
    history, _, _ = train(d, X, maps, epochs=9, validation={"x": [1.0]}, stop_early=("fit", 1))
    assert history["val_fit"] == [3.0, 2.0, 2.5]


def test_early_stopping_ends_a_stage_not_the_run():
    d = staged()
    d.measure("score", d["x"] >> d["f"], d["x"], by="accuracy")
    maps = RecordingMaps(d)
    maps.log.script = [0.9, 0.5, 0.4, 0.3]
    history, _, _ = train(d, XY, maps, epochs=9, batch_size=10, stop_early=("score", 1))
    stages = [(row["stage"], row["score"]) for row in history]
    assert stages == [("first", 0.9), ("first", 0.5), ("second", 0.4), ("second", 0.3)]


def test_callbacks_are_told_of_steps_epochs_and_stages():
    events: list[Event] = []
    history, _, _ = train(single(), X, epochs=2, batch_size=5, callbacks=events.append)
    assert [event.kind for event in events] == ["step", "step", "epoch", "step", "step", "epoch", "stage"]
    assert [event.step for event in events] == [1, 2, 2, 3, 4, 4, 4]
    assert [event.epoch for event in events] == [0, 0, 1, 1, 1, 2, 2]
    assert set(events[0].terms) == {"fit"} and events[2].row == history[0] and events[-1].row == history[1]


def test_a_callback_stops_the_run():
    stop = [lambda event: "stop" if event.step == 3 else None]
    history, _, state = train(staged(), XY, epochs=5, batch_size=5, callbacks=stop)
    assert state.step == 3 and history.stopped == "a callback said stop" and [row["step"] for row in history] == [2, 3]


# Interrupting and resuming -------------------------------------------------------------------------------


def interrupt_at(step: int, how: str = "raise"):
    def callback(event: Event) -> None:
        if event.kind == "step" and event.step == step:
            if how == "raise":
                raise KeyboardInterrupt
            os.kill(os.getpid(), signal.SIGINT)

    return callback


def rows(history: History) -> list[dict]:
    return [{name: value for name, value in row.items() if name != "seconds"} for row in history]


@pytest.mark.parametrize("how", ["raise", "signal"])
@pytest.mark.parametrize("at", [1, 2, 3, 4, 6, 9])
def test_an_interrupted_run_goes_on_as_if_nothing_had_been(tmp_path, at, how):
    options = {"epochs": 3, "batch_size": 4, "schedule": "linear"}
    whole, reference, _ = train(staged(), XY, **options)
    first, before, _ = train(staged(), XY, **options, out=tmp_path, callbacks=interrupt_at(at, how))
    assert first.interrupted and first.stopped == "interrupted" and len(before.log.steps) == at
    second, after, state = train(staged(), XY, **options, out=tmp_path, resume=True)
    assert not second.interrupted and rows(second) == rows(whole)
    steps = [*before.log.steps, *after.log.steps]
    assert len(steps) == len(reference.log.steps) == state.step
    for one, two in zip(steps, reference.log.steps, strict=True):
        assert (one.step, one.weights, one.factor, one.moved) == (
            two.step,
            two.weights,
            two.factor,
            two.moved,
        )
        assert all(np.array_equal(one.batch[name], two.batch[name]) for name in two.batch)
    assert all(np.array_equal(after.numbers[m]["w"], reference.numbers[m]["w"]) for m in ("f", "g"))
    assert (tmp_path / "history.csv").read_text() == second.csv()


def test_an_interrupt_between_epochs(tmp_path):
    def press(event: Event) -> None:
        if event.kind == "epoch" and event.epoch == 2:
            os.kill(os.getpid(), signal.SIGINT)

    first, _, state = train(single(), X, epochs=5, batch_size=5, out=tmp_path, callbacks=press)
    assert first.interrupted and state.step == 4 and len(first) == 2
    assert len(train(single(), X, epochs=5, batch_size=5, out=tmp_path, resume=True)[1].log.steps) == 6


def test_the_handler_of_interrupts_is_put_back():
    train(single(), X)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_two_interrupts_take_effect_at_once():
    with pytest.raises(KeyboardInterrupt):
        train(
            single(),
            X,
            callbacks=[interrupt_at(1, "signal"), interrupt_at(1, "signal"), lambda event: "stop"],
        )


def test_training_in_a_thread():
    found = []
    thread = threading.Thread(target=lambda: found.append(train(single(), X, batch_size=4)[2].step))
    thread.start()
    thread.join()
    assert found == [3]


def test_without_out_an_interrupt_goes_on():
    with pytest.raises(KeyboardInterrupt):
        train(single(), X, callbacks=interrupt_at(1))


def test_a_step_that_is_broken_off_leaves_the_last_checkpoint(tmp_path):
    d = single()
    maps = RecordingMaps(d)
    follow, calls = RecordingMaps.follow, []
    d.ema("e", of="f")

    def broken() -> None:
        calls.append(0)
        follow(maps)
        if len(calls) == 3:
            raise KeyboardInterrupt

    maps.follow = broken  # type: ignore[method-assign]
    history, _, _ = train(d, X, maps, epochs=2, batch_size=5, out=tmp_path)
    assert history.interrupted and len(history) == 1
    second, after, state = train(d, X, epochs=2, batch_size=5, out=tmp_path, resume=True)
    assert len(after.log.steps) == 2 and state.step == 4 and len(second) == 2


def test_resume_without_a_checkpoint_starts_at_the_beginning(tmp_path):
    assert train(single(), X, out=tmp_path, resume=True, batch_size=5)[2].step == 2


def test_a_finished_run_resumed_does_nothing_or_goes_on_for_more_epochs(tmp_path):
    options = {"batch_size": 5, "out": tmp_path, "resume": True}
    history, _, _ = train(single(), X, epochs=2, **options)
    again, maps, state = train(single(), X, epochs=2, **options)
    assert rows(again) == rows(history) and maps.log.steps == [] and state.step == 4
    assert train(single(), X, epochs=1, **options)[1].log.steps == []
    more, maps, _ = train(single(), X, epochs=3, **options)
    assert rows(more)[:2] == rows(history) and len(more) == 3 and len(maps.log.steps) == 2
    assert rows(more) == rows(train(single(), X, epochs=3, batch_size=5)[0])


def test_resume_keeps_what_early_stopping_knew(tmp_path):
    scores = [0.5, 0.9, 0.8, 0.7]
    whole, reference = scripted(*scores, epochs=9, stop_early=("score", 2))
    first, _ = scripted(*scores[:3], epochs=9, stop_early=("score", 2), out=tmp_path, callbacks=interrupt_at(4))
    assert first.interrupted and len(first) == 3
    second, maps = scripted(*scores[3:], epochs=9, stop_early=("score", 2), out=tmp_path, resume=True)
    assert rows(second) == rows(whole) and np.array_equal(maps.numbers["f"]["w"], reference.numbers["f"]["w"])


def test_resume_with_batches_from_an_iterable(tmp_path):
    batches = [{"x": [float(i)]} for i in range(4)]
    whole, _, _ = train(single(), batches, epochs=2)
    train(single(), batches, epochs=2, out=tmp_path, callbacks=interrupt_at(3))
    second, maps, _ = train(single(), batches, epochs=2, out=tmp_path, resume=True)
    assert rows(second) == rows(whole) and seen(maps) == [[3.0], [0.0], [1.0], [2.0], [3.0]]


@pytest.mark.parametrize(
    ("diagram", "data", "options", "text"),
    [
        (
            single(measure=True),
            X,
            {},
            "the checkpoint is of another diagram, which differs in +measure score",
        ),
        (single(), X, {"seed": 1}, "the checkpoint was made with seed 0, not 1"),
        (single(), X, {"batch_size": 5}, "the checkpoint was made with batch_size 4, not 5"),
        (single(), X, {"optimizer": "sgd"}, "the checkpoint was made with optimizer adam, not sgd"),
        (single(), {"x": [1.0]}, {}, "the checkpoint was made with rows {'S': 10}, not {'S': 1}"),
    ],
)
def test_resume_refuses_what_would_give_other_numbers(tmp_path, diagram, data, options, text):
    train(single(), X, out=tmp_path, batch_size=4)
    with pytest.raises(DiagramError) as error:
        train(diagram, data, out=tmp_path, resume=True, **{"batch_size": 4, **options})
    assert text in str(error.value) and str(tmp_path) in str(error.value)


def test_resume_refuses_another_backend_and_other_shapes(tmp_path):
    train(single(), X, out=tmp_path)
    maps = RecordingMaps(single())
    maps.backend.name = "other"
    with pytest.raises(DiagramError, match="the checkpoint was made with backend recording, not other"):
        train(single(), X, maps, out=tmp_path, resume=True)
    maps = RecordingMaps(single())
    maps.numbers["f"]["w"] = np.zeros(3)
    with pytest.raises(DiagramError, match=r"the parameter f/w has shape \[2\] there and \[3\] here"):
        train(single(), X, maps, out=tmp_path, resume=True)
