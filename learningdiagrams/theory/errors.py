"""What can go wrong in the theory, as types, and how a misspelt name is answered."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["Infinite", "InvalidProof", "InvalidWitness", "NotDecided", "TheoryError", "suggestion"]


class TheoryError(ValueError):
    """An expression, presentation or functor that makes no sense: ends that do not meet, a name taken twice …"""


class InvalidProof(TheoryError):
    """A proof that its checker does not accept."""


class InvalidWitness(TheoryError):
    """A refutation that its checker does not accept."""


class NotDecided(TheoryError):
    """A question that was not decided within the limits given."""


class Infinite(TheoryError):
    """A list was asked for that has no end, such as the morphisms E → E of a free monoid."""


def suggestion(word: str, candidates: Iterable[str]) -> str:
    """The end of an error message: the candidate most like `word`, or nothing.

    >>> suggestion("studnet", ["teacher", "student"])
    '; did you mean `student`?'
    >>> suggestion("Teacher", ["teacher", "student"])
    '; did you mean `teacher`?'
    >>> suggestion("zebra", ["teacher", "student"])
    ''
    """
    folded = {name.casefold(): name for name in candidates}
    close = get_close_matches(word.casefold(), folded, n=1, cutoff=0.6)
    return f"; did you mean `{folded[close[0]]}`?" if close else ""
