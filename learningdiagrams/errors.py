"""The error that every wrong diagram, value or realisation raises, and the words that help to put it right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from learningdiagrams.theory.errors import suggestion

__all__ = ["About", "DiagramError", "suggestion"]


class About(NamedTuple):
    """One problem: what is wrong, and the name of the declaration that it is about, where it is about one."""

    message: str
    name: str | None = None


class DiagramError(ValueError):
    """What is wrong with a diagram, and what would be right.

    `problems` holds one entry for each thing that is wrong, with the name of the declaration it is about, from which
    whoever read the diagram from a file finds the place.

    >>> from learningdiagrams.losses import comparator
    >>> comparator("kll")
    Traceback (most recent call last):
    learningdiagrams.errors.DiagramError: there is no comparator `kll`; did you mean `kl`?
    """

    def __init__(self, message: str, about: str | None = None, problems: Sequence[About] = ()) -> None:
        super().__init__(message)
        self.problems: tuple[About, ...] = tuple(problems) or (About(message, about),)

    @classmethod
    def of(cls, problems: Sequence[About]) -> DiagramError:
        """One error for several problems, a line each."""
        return cls("\n".join(problem.message for problem in problems), problems=problems)
