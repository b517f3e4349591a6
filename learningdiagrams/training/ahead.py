"""Batches made ahead of when they are wanted, in a thread of their own."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import Any, Final, TypeVar

__all__ = ["ahead"]

T = TypeVar("T")
WAIT: Final = 0.05
"""Seconds after which the thread looks again whether anybody still wants what it makes."""


class _End:
    """The end of the source, with what broke it off, if anything did."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


def ahead(source: Iterable[T], count: int) -> Generator[T]:
    """The same values in the same order; up to `count` of them are made before they are asked for.

    What the source raises is raised in its turn. Where nobody wants the rest, the source is left alone, some values
    ahead.

    >>> list(ahead(range(5), 2))
    [0, 1, 2, 3, 4]
    """
    made: Queue[Any] = Queue(count)
    over = Event()

    def put(value: Any) -> bool:
        while not over.is_set():
            try:
                made.put(value, timeout=WAIT)
                return True
            except Full:
                continue
        return False

    def run() -> None:
        try:
            for value in source:
                if not put(value):
                    return
            put(_End())
        except BaseException as error:
            put(_End(error))

    thread = Thread(target=run, name="batches ahead", daemon=True)
    thread.start()
    try:
        while True:
            value = made.get()
            if isinstance(value, _End):
                if value.error is not None:
                    raise value.error
                return
            yield value
    finally:
        over.set()
        while True:  # what is full lets go of its maker
            try:
                made.get_nowait()
            except Empty:
                break
        thread.join()
