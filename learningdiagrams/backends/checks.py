"""What every backend checks of numbers that it is handed: that they belong to a map, and have its shapes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from learningdiagrams.errors import About, DiagramError, suggestion

__all__ = ["check_numbers"]

Shapes = Mapping[str, Mapping[str, tuple[int, ...]]]
"""{generator: {name: shape}}"""

MAPS: Final = "there is no map `{name}`"
NAMES: Final = "`{generator}` has no {kind} `{name}`"
SHAPES: Final = "`{generator}`: the {kind} {name} has the shape {have}, and the one given has {given}"


def check_numbers(kind: str, given: Mapping[str, Mapping[str, Any]], have: Shapes) -> None:
    """Raises where `given` names a map or number that is not there, or has another shape; all problems in one error.

    >>> check_numbers("parameter", {"student": {"wieght": [1.0]}}, {"student": {"weight": (2,)}})
    Traceback (most recent call last):
    learningdiagrams.errors.DiagramError: `student` has no parameter `wieght`; did you mean `weight`?

    Args:
        kind: "parameter" or "buffer", for the error's words.
    """
    problems = []
    for generator, numbers in given.items():
        if generator not in have:
            problems.append(About(MAPS.format(name=generator) + suggestion(generator, have)))
            continue
        names = have[generator]
        for name, value in numbers.items():
            if name not in names:
                text = NAMES.format(generator=generator, kind=kind, name=name) + suggestion(name, names)
                problems.append(About(text, generator))
                continue
            shape = tuple(value.shape if hasattr(value, "shape") else np.shape(value))
            if shape != names[name]:
                text = SHAPES.format(
                    generator=generator, kind=kind, name=name, have=names[name], given=shape
                )
                problems.append(About(text, generator))
    if problems:
        raise DiagramError.of(problems)
