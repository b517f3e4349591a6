"""What every backend checks of maps and their roles: which numbers they may hold together, and which move."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Final

from learningdiagrams.diagram import Diagram
from learningdiagrams.errors import About, DiagramError

__all__ = ["check_rates", "check_roles", "check_trainable"]

FIXED: Final = "`{name}` is fixed, a map without parameters, and has {parameters}; declare it frozen"
SHARED: Final = (
    "`{name}` is {role} and `{model}` is trained, and they hold one parameter together ({name}'s {mine}, "
    "{model}'s {theirs}); give one of them a copy, or both one role"
)
STILL: Final = (
    "`{name}` is a model, and none of its parameters requires a gradient; declare it frozen, or call "
    "requires_grad_(True)"
)
RATES: Final = "`{other}` and `{name}` hold a parameter together and have two learning rates, {theirs} and {mine}"


def check_roles(diagram: Diagram, holders: Mapping[str, Mapping[str, Hashable]]) -> None:
    """Raises where a map's parameters do not fit its role; all problems in one error.

    Args:
        holders: {generator: {parameter: what tells the place that holds it}}; one place is one parameter.

    Raises:
        DiagramError: parameters of a fixed map; a parameter that a trained map holds together with a frozen
            one, naming both. An average of a model holds copies.
    """
    trained: dict[Hashable, tuple[str, str]] = {}
    for name, places in holders.items():
        if diagram.roles[name] == "model":
            for parameter, place in places.items():
                trained.setdefault(place, (name, parameter))
    problems = []
    for name, places in holders.items():
        role = diagram.roles[name]
        if role == "fixed" and places:
            problems.append(About(FIXED.format(name=name, parameters=", ".join(places)), name))
        shared = next((parameter for parameter, place in places.items() if place in trained), None)
        if role in ("frozen", "fixed") and shared is not None:
            model, theirs = trained[places[shared]]
            text = SHARED.format(name=name, role=role, model=model, mine=shared, theirs=theirs)
            problems.append(About(text, name))
    if problems:
        raise DiagramError.of(problems)


def check_trainable(diagram: Diagram, moves: Mapping[str, Sequence[bool]]) -> None:
    """Raises where a model has parameters and training could move none of them; all problems in one error.

    Args:
        moves: {generator: for each of its parameters whether it may be moved, as the module itself says}.
    """
    still = [
        About(STILL.format(name=name), name)
        for name, flags in moves.items()
        if diagram.roles[name] == "model" and flags and not any(flags)
    ]
    if still:
        raise DiagramError.of(still)


def check_rates(theirs: float | None, other: str, mine: float | None, name: str) -> None:
    """Raises where two models that hold a parameter together have two learning rates (None: the default)."""
    if theirs != mine:
        words = ("the optimizer's own" if rate is None else rate for rate in (theirs, mine))
        raise DiagramError(RATES.format(other=other, name=name, theirs=next(words), mine=next(words)), name)
