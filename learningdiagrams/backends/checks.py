"""What every backend checks alike: numbers that it is handed, and what abstract evaluation says of a map."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from learningdiagrams.data import kind_of
from learningdiagrams.errors import About, DiagramError, suggestion

__all__ = ["BATCH", "LOST", "REFUSED", "check_numbers", "one_line"]

Shapes = Mapping[str, Mapping[str, tuple[int, ...]]]
"""{generator: {name: shape}}"""

BATCH: Final = 1009
"""The batch size of abstract evaluation, which no axis of a value has by chance: an output whose first axis
differs has lost the batch.
"""

REFUSED: Final = "it refuses {arguments}: {reason}"
LOST: Final = "at a batch of {batch} values {arguments} it gives {shape}: the first axis of a value is the batch"

MAPS: Final = "there is no map `{name}`"
NAMES: Final = "`{generator}` has no {kind} `{name}`"
TABLE: Final = "numbers are given as {{generator: {{{kind}: array}}}}, not as {given}"
KINDS: Final = "`{generator}`: the {kind} {name} is real numbers, and the one given holds {dtype}"
SHAPES: Final = "`{generator}`: the {kind} {name} has the shape {have}, and the one given has {given}"


def check_numbers(kind: str, given: Mapping[str, Mapping[str, Any]], have: Shapes) -> None:
    """Raises where `given` names a map or number that is not there, or is of another shape or kind; all in one
    error.

    >>> check_numbers("parameter", {"student": {"wieght": [1.0]}}, {"student": {"weight": (2,)}})
    Traceback (most recent call last):
    learningdiagrams.errors.DiagramError: `student` has no parameter `wieght`; did you mean `weight`?

    Args:
        kind: "parameter" or "buffer", for the error's words.
    """
    problems = []
    if not isinstance(given, Mapping):
        raise DiagramError(TABLE.format(kind=kind, given=type(given).__name__))
    for generator, numbers in given.items():
        if generator not in have:
            problems.append(About(MAPS.format(name=generator) + suggestion(str(generator), have)))
            continue
        if not isinstance(numbers, Mapping):
            text = f"`{generator}`: {TABLE.format(kind=kind, given=type(numbers).__name__)}"
            problems.append(About(text, generator))
            continue
        names = have[generator]
        for name, value in numbers.items():
            if name not in names:
                text = NAMES.format(generator=generator, kind=kind, name=name) + suggestion(str(name), names)
                problems.append(About(text, generator))
                continue
            value = value if hasattr(value, "dtype") else np.asarray(value)
            if kind_of(value) not in ("float", "int", "bool"):
                text = KINDS.format(generator=generator, kind=kind, name=name, dtype=value.dtype)
                problems.append(About(text, generator))
                continue
            shape = tuple(value.shape)
            if shape != names[name]:
                text = SHAPES.format(generator=generator, kind=kind, name=name, have=names[name], given=shape)
                problems.append(About(text, generator))
    if problems:
        raise DiagramError.of(problems)


def one_line(error: BaseException | None) -> str:
    """The first line of an error that says something, with its class where the text alone would not do.

    >>> one_line(RuntimeError("sizes do not match:\\n  3 and 4\\n  in linear")), one_line(KeyError("depth"))
    ('sizes do not match: 3 and 4', "KeyError: 'depth'")
    """
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[0] if lines else ""
    if text.endswith(":") and len(lines) > 1:
        text = f"{text} {lines[1]}"
    plain = isinstance(error, TypeError | ValueError | RuntimeError)
    return text if plain and text else f"{type(error).__name__}: {text}".rstrip(": ")
