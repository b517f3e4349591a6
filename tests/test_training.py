"""The training loop, on a backend that records what it is asked: order, stages, schedules, checkpoints."""

import math
import os
import signal
import threading
from itertools import chain

import numpy as np
import pytest

from learningdiagrams.diagram import Diagram
from learningdiagrams.errors import DiagramError
from learningdiagrams.schedules import cosine_rate, onecycle_rate
from learningdiagrams.training import EarlyStopping, Event, State, fit
from learningdiagrams.training.history import History
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


# Epochs and rows -----------------------------------------------------------------------------------------


def test_every_row_once_an_epoch_shuffled_by_the_seed_the_last_batch_smaller():
    _, maps, state = train(single(), X, epochs=2, batch_size=4)
    batches = seen(maps)
    assert [len(batch) for batch in batches] == [4, 4, 2] * 2 and state.step == 6
    epochs = [list(chain(*batches[:3])), list(chain(*batches[3:]))]
    assert all(sorted(epoch) == X["x"].tolist() for epoch in epochs) and epochs[0] != epochs[1]
    assert seen(train(single(), X, epochs=2, batch_size=4)[1]) == batches
    assert seen(train(single(), X, epochs=2, batch_size=4, seed=1)[1]) != batches


def test_terms_are_means_by_size_over_the_epoch():
    history, _, _ = train(single(), X, epochs=1, batch_size=4)
    assert history[0]["fit"] == pytest.approx(X["x"].mean(), abs=1e-12)
    assert history[0]["step"] == 3 and history[0]["epoch"] == 1 and history[0]["stage"] == "training"


def test_terms_of_many_steps_are_looked_at_now_and_then():
    many = np.arange(1000.0)
    history, _, _ = train(single(), {"x": many}, batch_size=3)
    assert history[0]["step"] == 334 and history[0]["fit"] == pytest.approx(many.mean(), abs=1e-9)


def test_unpaired_data_an_epoch_is_the_longest_and_the_other_starts_over():
    history, maps, _ = train(pair(), XY, epochs=1, batch_size=3)
    assert [len(b) for b in seen(maps, "x")] == [3, 3, 3, 1] and [len(b) for b in seen(maps, "y")] == [
        3,
        1,
        3,
        1,
    ]
    again = seen(maps, "y")
    assert sorted(again[0] + again[1]) == sorted(again[2] + again[3]) == [100, 101, 102, 103]
    assert history.columns == ["step", "epoch", "stage", "one", "two", "seconds"]


def test_a_sample_object_that_the_data_lack_leaves_its_goals_out():
    history, maps, _ = train(pair(), {"y": XY["y"]}, epochs=1, batch_size=4)
    assert history.columns == ["step", "epoch", "stage", "two", "seconds"]
    assert maps.log.steps[0].weights == {"two": 0.5} and maps.log.steps[0].moved == ("g",)


def test_batches_from_an_iterable_may_lack_sample_objects():
    batches = [{"x": [0.0, 1.0]}, {"y": [5.0]}, {"x": [2.0], "y": [7.0, 9.0]}]
    history, maps, _ = train(pair(), batches, epochs=2)
    assert [tuple(step.batch) for step in maps.log.steps] == [("x",), ("y",), ("x", "y")] * 2
    assert [tuple(step.weights) for step in maps.log.steps[:3]] == [("one",), ("two",), ("one", "two")]
    assert len(history) == 2 and maps.log.trainers == 1
    assert len([plan for plan in maps.log.programs if plan.compares]) == 3, "one program for each kind of batch"
    assert maps.log.steps[0].moved == ("f", "g")


def test_a_batch_without_any_goal_is_an_error():
    d = pair()
    with pytest.raises(DiagramError, match="stage `training`: a batch of T trains no goal"):
        train(d, [{"y": [1.0]}], goals="one")


def test_data_that_no_goal_uses_do_not_lengthen_an_epoch():
    _, maps, _ = train(pair(), XY, epochs=1, batch_size=2, goals=["two"])
    assert len(maps.log.steps) == 2 and all(tuple(step.batch) == ("y",) for step in maps.log.steps)


def test_steps_instead_of_epochs():
    history, _, state = train(single(), X, steps=5, batch_size=4)
    assert state.step == 5 and [row["step"] for row in history] == [3, 5]


def test_one_epoch_where_nothing_is_said():
    assert train(single(), X, batch_size=4)[2].step == 3


def test_a_second_fit_counts_on_and_shuffles_otherwise():
    d = single()
    _, maps, state = train(d, X, epochs=1, batch_size=10)
    history, _, _ = train(d, X, maps, state, epochs=1, batch_size=10)
    assert state.step == 2 and history[0]["step"] == 2
    assert seen(maps)[0] != seen(maps)[1]


def test_without_data_an_epoch_is_a_hundred_steps():
    d = Diagram()
    X = d.object("X")
    d.goal("fit", d.model("a", d.unit, X), d.model("b", d.unit, X))
    history, _, state = train(d, {}, epochs=2)
    assert state.step == 200 and [row["fit"] for row in history] == [1.0, 1.0]


def test_noise_is_drawn_for_each_batch_by_seed_and_step():
    d = single()
    d.noise("z", d.sorts["S"], d.sorts["X"], "normal(3)")
    d.noise("unused", d.sorts["S"], d.sorts["X"], "normal()")
    d.goal("noisy", d["z"] >> d["f"], d["z"])
    _, maps, _ = train(d, X, epochs=1, batch_size=4)
    draws = [step.batch["z"] for step in maps.log.steps]
    assert [draw.shape for draw in draws] == [(4, 3), (4, 3), (2, 3)] and draws[0].dtype == np.float32
    assert not np.array_equal(draws[0], draws[1]) and "unused" not in maps.log.steps[0].batch
    again = train(d, X, epochs=1, batch_size=4)[1].log.steps[1].batch["z"]
    assert np.array_equal(draws[1], again)


def test_a_sample_object_of_noise_alone_has_rows_like_the_rest():
    d = single()
    d.noise("z", d.object("Z"), d.sorts["X"], "normal(1)")
    d.goal("noisy", d["z"] >> d["f"], d["z"])
    _, maps, _ = train(d, X, epochs=1, batch_size=4)
    assert [len(step.batch["z"]) for step in maps.log.steps] == [4, 4, 2]
    _, maps, _ = train(d, {}, steps=2, batch_size=7)
    assert [len(step.batch["z"]) for step in maps.log.steps] == [7, 7]


def test_real_numbers_are_rounded_to_the_compiled_type_and_others_stay():
    d = Diagram()
    S, X, Y = d.objects("S", "X", "Y")
    x, y, f = d.data("x", S, X), d.data("y", S, Y), d.model("f", X, Y)
    d.goal("fit", x >> f, y, by="cross_entropy")
    _, maps, _ = train(d, {"x": np.zeros((4, 2)), "y": np.zeros(4, np.uint8)})
    batch = maps.log.steps[0].batch
    assert batch["x"].dtype == np.float32 and batch["y"].dtype == np.uint8


def test_tensors_of_another_framework_become_numpy():
    torch = pytest.importorskip("torch")
    for data in ({"x": torch.arange(4.0)}, [{"x": torch.arange(4.0)}]):
        _, maps, _ = train(single(), data)
        assert isinstance(maps.log.steps[0].batch["x"], np.ndarray)


# Samplers ------------------------------------------------------------------------------------------------


def test_a_sampler_chooses_the_rows():
    def sampler(epoch, rng):
        yield np.array([epoch, 9])
        yield rng.integers(10, size=3)

    _, maps, _ = train(single(), X, epochs=2, sampler=sampler)
    batches = seen(maps)
    assert batches[0] == [0, 9] and batches[2] == [1, 9] and len(batches[1]) == 3 and batches[1] != batches[3]
    assert seen(train(single(), X, epochs=2, sampler=sampler)[1]) == batches


def test_a_sampler_may_leave_a_sample_object_out():
    history, maps, _ = train(pair(), XY, sampler=lambda epoch, rng: [{"S": [0, 1]}, {"T": [3]}])
    assert [tuple(step.weights) for step in maps.log.steps] == [("one",), ("two",)]
    assert history[0]["two"] == 103.0


@pytest.mark.parametrize(
    ("batches", "text"),
    [
        ([[0.5]], "sampler: a batch is row numbers of S; for S it has float64 of shape (1,)"),
        ([[]], "sampler: a batch is row numbers of S; for S it has float64 of shape (0,)"),
        ([{"Q": [0]}], "sampler: a batch is row numbers of S; for Q it has int64 of shape (1,)"),
        ([[3, 10]], "sampler: rows of S are numbers from 0 to 9; there is 10"),
        ([[-1]], "sampler: rows of S are numbers from 0 to 9; there is -1"),
        ([], "stage `training`: epoch 1 has no batch"),
    ],
)
def test_what_a_sampler_may_not_do(batches, text):
    with pytest.raises(DiagramError) as error:
        train(single(), X, sampler=lambda epoch, rng: batches)
    assert str(error.value) == text


def test_a_sampler_of_several_sample_objects_says_which():
    with pytest.raises(DiagramError, match=r"sampler: say which rows of which sample object, \{S, T: rows\}"):
        train(pair(), XY, sampler=lambda epoch, rng: [[0]])


# Stages, weights, learning rates -------------------------------------------------------------------------


def staged() -> Diagram:
    d = pair()
    d.stage("first", train=["f"], by=["one"], steps=2)
    d.stage("second", train=["f", "g"], by=["one", "two"])
    return d


def test_stages_run_in_order_each_with_a_fresh_optimizer():
    history, maps, _ = train(staged(), XY, epochs=1, batch_size=5)
    assert [row["stage"] for row in history] == ["first", "second"]
    assert [row["epoch"] for row in history] == [1, 2]
    assert [step.moved for step in maps.log.steps] == [("f",), ("f",), ("f", "g"), ("f", "g")]
    assert [tuple(step.weights) for step in maps.log.steps] == [("one",)] * 2 + [("one", "two")] * 2
    assert maps.log.trainers == 2 and np.all(maps.numbers["g"]["w"] > 0)


def test_epochs_and_steps_are_for_stages_that_name_neither():
    assert train(staged(), XY, epochs=3, batch_size=5)[2].step == 2 + 3 * 2
    assert train(staged(), XY, steps=7, batch_size=5)[2].step == 2 + 7


def test_goals_restrict_stages():
    history, maps, _ = train(staged(), XY, epochs=1, batch_size=5, goals=["two"])
    assert [row["stage"] for row in history] == ["second"] and tuple(maps.log.steps[0].weights) == ("two",)
    d = pair()
    d.stage("only", train=["f"], by=["one"])
    with pytest.raises(DiagramError, match="no stage has these goals"):
        train(d, XY, goals=["two"])


def test_weights_follow_the_step_of_the_compiled_diagram():
    _, maps, _ = train(pair(), XY, state=State(4), epochs=1, batch_size=5)
    assert [step.weights["one"] for step in maps.log.steps] == [0.4, 0.5]
    assert [step.step for step in maps.log.steps] == [4, 5]


def test_learning_rate_schedules_run_over_each_stage():
    _, maps, _ = train(staged(), XY, epochs=2, batch_size=5, schedule="onecycle")
    wanted = [onecycle_rate(i, 2) for i in range(2)] + [onecycle_rate(i, 4) for i in range(4)]
    assert [step.factor for step in maps.log.steps] == pytest.approx([float(x) for x in wanted], rel=1e-12)
    _, maps, _ = train(single(), [{"x": [1.0]}] * 3, epochs=2, schedule="cosine")
    assert [s.factor for s in maps.log.steps] == pytest.approx([float(cosine_rate(i, 6)) for i in range(6)])


def test_a_schedule_of_ones_own_is_a_function_of_the_stages_step():
    _, maps, _ = train(single(), X, state=State(100), epochs=1, batch_size=4, schedule=lambda step: 1 / (1 + step))
    assert [step.factor for step in maps.log.steps] == [1, 1 / 2, 1 / 3]


def test_a_named_schedule_needs_to_know_the_number_of_steps():
    data = lambda epoch: [{"x": [1.0]}]  # noqa: E731
    with pytest.raises(DiagramError, match='schedule="linear" needs to know how many steps there will be; say steps=…'):
        train(single(), data, epochs=1, schedule="linear")
    assert train(single(), data, steps=3, schedule="linear")[2].step == 3


def test_optimisation_is_handed_on():
    lr = {None: 0.1, "g": 0.2}
    how = train(pair(), XY, lr=lr, clip=1.5, optimizer="momentum")[1].log.steps[0].how
    assert (how.optimizer, how.lr, dict(how.rates), how.clip) == ("momentum", 0.1, {"g": 0.2}, 1.5)
    assert train(pair(), XY, lr=3)[1].log.steps[0].how.lr == 3


def test_averages_follow_every_step():
    d = single()
    assert train(d, X, batch_size=4)[1].log.follows == 0
    d.ema("e", of="f")
    assert train(d, X, batch_size=4)[1].log.follows == 3


def test_goals_of_equal_sides_are_no_term():
    d = single()
    d.goal("same", d["x"] >> d["f"], d["x"] >> d["f"])
    history, maps, _ = train(d, X)
    assert "same" not in history.columns and tuple(maps.log.steps[0].weights) == ("fit",)


@pytest.mark.parametrize(
    ("goals", "data", "text"),
    [
        (
            ["same"],
            X,
            "stage `training`: there is nothing to train: no goal moves a model; goal `same` is left out",
        ),
        (["still"], X, "stage `training`: there is nothing to train: no goal moves a model"),
        (
            ["other"],
            X,
            "stage `training`: there is nothing to train: no goal moves a model; the data hold nothing for other",
        ),
    ],
)
def test_nothing_to_train(goals, data, text):
    d = single()
    S, X = d.sorts["S"], d.sorts["X"]
    d.goal("same", d["x"] >> d["f"], d["x"] >> d["f"])
    d.goal("still", d["x"] >> d.frozen("k", X, X), d["x"])
    d.goal("other", d.data("y", d.object("T"), X) >> d["f"], d["y"])
    with pytest.raises(DiagramError) as error:
        train(d, data, goals=goals)
    assert str(error.value).startswith(text)
    assert S is d.sorts["S"]


def test_no_goal_at_all():
    d = Diagram()
    d.data("x", d.object("S"), d.object("X"))
    with pytest.raises(DiagramError, match="there is nothing to train by: no goal is declared"):
        train(d, X)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"epochs": 0}, "epochs is a whole number of at least 1, not 0"),
        ({"steps": 1.5}, "steps is a whole number of at least 1, not 1.5"),
        ({"epochs": 1, "steps": 1}, "training lasts a number of epochs or of steps, not both"),
        ({"batch_size": True}, "batch_size is a whole number of at least 1, not True"),
        ({"seed": "a"}, "seed is a whole number, not 'a'"),
        ({"seed": 2**62}, "seed is a whole number of at most 62 bits, not 4611686018427387904"),
        ({"log_every": 0}, "log_every is a whole number of at least 1, not 0"),
        ({"optimizer": "adamm"}, "there is no optimizer `adamm`; did you mean `adam`?"),
        ({"optimizer": "q"}, "there is no optimizer `q`; there are sgd, momentum, adam, adamw, rmsprop"),
        ({"schedule": "cosin"}, "there is no learning-rate schedule `cosin`; did you mean `cosine`?"),
        ({"lr": -1}, "lr is a number ≥ 0, not -1"),
        ({"lr": {"f": math.nan}}, "lr of `f` is a number ≥ 0, not nan"),
        ({"lr": {"ff": 0.1}}, "lr: there is no model `ff`; did you mean `f`?"),
        ({"clip": 0}, "clip is a positive number, not 0"),
        ({"goals": ["fitt"]}, "goals: there is no goal `fitt`; did you mean `fit`?"),
        ({"resume": True}, "resume goes on from the checkpoint in `out`; say which folder, out=…"),
        ({"validation": 2}, "validation is data, or a fraction between 0 and 1, not 2"),
        ({"validation": {"y": [1]}}, "validation: there is no data generator `y`; there are x"),
        ({"stop_early": "fitt"}, "stop_early: no goal or measure `fitt` is logged; did you mean `fit`?"),
        ({"stop_early": 3}, "stop_early is a name, (name, patience) or EarlyStopping(…), not 3"),
        ({"stop_early": ("fit", 0)}, "stop_early: patience is at least 1 epoch, not 0"),
        ({"stop_early": (3, "fit")}, "stop_early is a name and a whole number of epochs, not 3, 'fit'"),
        ({"sampler": None, "data": 3}, "data: data are a dictionary of arrays"),
    ],
)
def test_wrong_options(options, text):
    data = options.pop("data", X) if "data" in options else X
    with pytest.raises(DiagramError) as error:
        train(single(), data, **options)
    assert str(error.value).startswith(text)


def test_a_sampler_needs_data_in_memory():
    with pytest.raises(DiagramError, match="a sampler chooses rows of data in memory"):
        train(single(), [{"x": [1.0]}], sampler=lambda epoch, rng: [[0]])


# What is measured ----------------------------------------------------------------------------------------


def scripted(*scores: float, epochs: int | None = None, **options):
    """A run whose measure `score` takes these values, epoch after epoch."""
    d = single()
    d.measure("score", d["x"] >> d["f"], d["x"], by="accuracy")
    maps = RecordingMaps(d)
    maps.log.script = list(scores)
    history, _, _ = train(d, X, maps, epochs=epochs or len(scores), batch_size=10, **options)
    return history, maps


def test_measures_on_the_training_data_where_there_is_no_validation():
    history, _ = scripted(0.5, 0.75)
    assert history["score"] == [0.5, 0.75]
    assert history.columns == ["step", "epoch", "stage", "fit", "score", "seconds"]


def test_goals_and_measures_on_validation_data():
    history, _ = scripted(0.5, 0.75, validation={"x": [1.0, 3.0]})
    assert history["val_fit"] == [2.0, 2.0] and history["val_score"] == [0.5, 0.75] and "score" not in history.columns


def test_a_fraction_is_held_out():
    history, maps, _ = train(single(), X, epochs=1, batch_size=3, validation=0.3)
    rows = list(chain(*seen(maps)))
    assert len(rows) == 7
    assert history[0]["val_fit"] == pytest.approx((45 - sum(rows)) / 3)


def test_measures_are_left_out_where_the_batches_come_once():
    d = single(measure=True)
    history, maps, _ = train(d, iter([{"x": [1.0]}]), epochs=1)
    assert history.columns == ["step", "epoch", "stage", "fit", "seconds"]
    maps.log.script = [0.25, 0.5]
    history, _, _ = train(d, [{"x": [1.0]}], maps, epochs=1)
    assert history[0]["score"] == 0.25 and history[0]["accuracy"] == 0.5


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


# What people see -----------------------------------------------------------------------------------------


def test_lines_where_there_is_no_terminal(capsys):
    train(single(), X, epochs=2, batch_size=5, progress=True, log_every=2)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(":")[0] for line in lines] == [
        "step 2",
        "epoch 1, training",
        "step 4",
        "epoch 2, training",
    ]
    assert all(line.endswith(": fit 4.5") for line in lines)


@pytest.mark.parametrize("options", [{}, {"progress": False, "log_every": 1}])
def test_nothing_is_said_unasked(capsys, options):
    train(single(), X, **options)
    assert capsys.readouterr() == ("", "")


def test_lines_are_means_since_the_last_line(capsys):
    train(single(), [{"x": [float(i)]} for i in range(4)], log_every=2)
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["step 2: fit 0.5", "step 4: fit 2.5", "epoch 1, training: fit 1.5"]


def test_a_terminal_shows_every_goal(capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm-256color")
    train(staged(), XY, epochs=2, batch_size=5, log_every=1)
    shown = capsys.readouterr().err
    assert all(word in shown for word in ("first", "second", "one", "two", "4/4"))
