"""What every backend checks of maps and their roles: which of them may hold one number together."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Final

from learningdiagrams.diagram import Diagram
from learningdiagrams.errors import About, DiagramError

__all__ = ["check_roles"]

FIXED: Final = "`{name}` is fixed, a map without parameters, and has {parameters}; declare it frozen"
SHARED: Final = (
    "`{name}` is {role} and `{model}` is trained, and they hold one parameter together ({name}'s {mine}, "
    "{model}'s {theirs}); give one of them a copy, or both one role"
)


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
