"""Batches made ahead in a thread: the same ones, in the same order, and no thread that stays."""

import threading

import numpy as np
import pytest

from learningdiagrams.training.ahead import ahead
from tests.training_runs import seen, single, train


def alone() -> bool:
    return not any(thread.name == "batches ahead" for thread in threading.enumerate())


@pytest.mark.parametrize("count", [1, 2, 10])
def test_the_same_values_in_the_same_order(count):
    assert list(ahead(range(7), count)) == list(range(7)) and alone()
    assert list(ahead([], count)) == [] and alone()


def test_what_the_source_raises_comes_in_its_turn():
    def source():
        yield 1
        yield 2
        raise ZeroDivisionError

    found = ahead(source(), 2)
    assert [next(found), next(found)] == [1, 2]
    with pytest.raises(ZeroDivisionError):
        next(found)
    assert alone()


def test_the_rest_is_left_alone_where_nobody_wants_it():
    taken = []

    def source():
        for number in range(1000):
            taken.append(number)
            yield number

    found = ahead(source(), 2)
    assert next(found) == 0
    found.close()
    assert alone() and len(taken) <= 4


def test_values_are_made_before_they_are_asked_for():
    reached = threading.Event()

    def source():
        yield 1
        yield 2
        reached.set()
        yield 3

    found = ahead(source(), 2)
    assert next(found) == 1
    assert reached.wait(10)
    assert list(found) == [2, 3]


def test_training_on_batches_made_ahead_sees_the_same_batches():
    batches = [{"x": np.full(2, float(number))} for number in range(5)]
    plain = train(single(), batches, epochs=2)[1]
    before = train(single(), batches, epochs=2, prefetch=2)[1]
    assert seen(plain) == seen(before) and len(seen(plain)) == 10
    assert len(train(single(), batches, steps=3, prefetch=2)[1].log.steps) == 3 and alone()


def test_a_loader_that_fills_its_arrays_again_is_read_as_it_was():
    def loader(epoch):
        array = np.zeros(2)
        for number in range(4):
            array[:] = number
            yield {"x": array}

    assert seen(train(single(), loader, prefetch=3)[1]) == [[float(number)] * 2 for number in range(4)]


def test_how_many_is_a_whole_number():
    with pytest.raises(ValueError, match="prefetch is a whole number of at least 0, not -1"):
        train(single(), [{"x": np.zeros(2)}], prefetch=-1)
