"""The error that every wrong diagram, value or spec raises, and the words that help to put it right."""

from __future__ import annotations

from learningdiagrams.theory.errors import suggestion

__all__ = ["DiagramError", "suggestion"]


class DiagramError(ValueError):
    """What is wrong with a diagram, and what would be right.

    >>> from learningdiagrams.losses import comparator
    >>> comparator("kll")
    Traceback (most recent call last):
    learningdiagrams.errors.DiagramError: there is no comparator `kll`; did you mean `kl`?
    """
