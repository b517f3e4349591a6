"""The training loop, on a backend that records what it is asked: order, stages, schedules, what is measured."""

import math
from itertools import chain

import numpy as np
import pytest

from learningdiagrams.diagram import Diagram
from learningdiagrams.errors import DiagramError
from learningdiagrams.schedules import cosine_rate, onecycle_rate
from learningdiagrams.training import State
from tests.training_runs import XY, X, pair, scripted, seen, single, staged, train

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
        ({"sampler": 3}, "sampler is a function (epoch, random generator) of batches of rows, not 3"),
        ({"callbacks": 3}, "callbacks is a function of an Event, or several, not 3"),
        (
            {"callbacks": [print, 3]},
            "callbacks is a function of an Event, or several, not (<built-in function print>, 3)",
        ),
        ({"out": 3}, "out is the path of a folder, not 3"),
        ({"data": 3}, "data: data are a dictionary of arrays"),
    ],
)
def test_wrong_options(options, text):
    with pytest.raises(DiagramError) as error:
        train(single(), **{"data": X, **options})
    assert str(error.value).startswith(text)


def test_a_sampler_needs_data_in_memory():
    with pytest.raises(DiagramError, match="a sampler chooses rows of data in memory"):
        train(single(), [{"x": [1.0]}], sampler=lambda epoch, rng: [[0]])


# What is measured ----------------------------------------------------------------------------------------


def test_measures_on_the_training_data_where_there_is_no_validation():
    history, _ = scripted(0.5, 0.75)
    assert history["score"] == [0.5, 0.75]
    assert history.columns == ["step", "epoch", "stage", "fit", "score", "seconds"]


def test_goals_and_measures_on_validation_data():
    history, _ = scripted(0.1, 0.5, 0.2, 0.75, epochs=2, validation={"x": [1.0, 3.0]})
    assert history["val_fit"] == [2.0, 2.0] and history["val_score"] == [0.5, 0.75]
    assert history["score"] == [0.1, 0.2], "measures are on the training data too"


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
