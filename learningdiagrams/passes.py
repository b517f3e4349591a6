"""The passes that make a plan faster and never change what it computes, by name.

| pass | does | stands in |
|---|---|---|
| `merge` | one map applied to several values in one batch is one call | :mod:`learningdiagrams.merging` |
| `stack` | maps of one architecture are one batched call | :mod:`learningdiagrams.stacking` |
| `cache` | in `fit`, what training never changes is computed once for each row | :mod:`learningdiagrams.caching` |

Sharing (equal sub-terms are computed once) is how plans are made and no pass that can be left out.

`merge` and `cache` ask of a map that it takes each row of a batch by itself: a row of what it gives depends on that row
of what it is given and on nothing else, and nothing is drawn or learned on the way. Backends know that of built-in
layers, of torch's own modules by type, and of Equinox modules, which are called on one row. Of anything else it can be
said, by :func:`by_row`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, TypeVar

from learningdiagrams.errors import DiagramError, suggestion

__all__ = ["PASSES", "asked_passes", "by_row", "says_by_row"]

Map = TypeVar("Map")

PASSES: Final = ("merge", "stack", "cache")


def asked_passes(passes: str | Iterable[str]) -> frozenset[str]:
    """The passes that are asked for: "all", or their names; `()` for none.

    >>> sorted(asked_passes("all")), asked_passes(())
    (['cache', 'merge', 'stack'], frozenset())
    >>> asked_passes(["cashe"])
    Traceback (most recent call last):
    learningdiagrams.errors.DiagramError: passes: there is no pass `cashe`; did you mean `cache`?
    """
    if passes == "all":
        return frozenset(PASSES)
    if isinstance(passes, str) or not isinstance(passes, Iterable):
        raise DiagramError(f'passes is "all" or names of passes ({", ".join(PASSES)}), not {passes!r}')
    found = tuple(passes)
    for name in found:
        if name not in PASSES:
            close = suggestion(str(name), PASSES) or f"; there are {', '.join(PASSES)}"
            raise DiagramError(f"passes: there is no pass `{name}`{close}")
    return frozenset(found)


def by_row(map: Map) -> Map:
    """Says that a map takes each row of a batch by itself, draws nothing and learns nothing; returns the map.

    For functions, modules, and classes of modules, also as a decorator; `by_row = True` in a class says the same. Parts
    that are known to do otherwise (dropout and batch norm in training mode) are still seen.

    >>> @by_row
    ... def centred(x):
    ...     return x - x.mean(-1, keepdims=True)
    >>> says_by_row(centred), says_by_row(lambda x: x - x.mean(0))
    (True, False)

    Raises:
        DiagramError: something on which no attribute can be set.
    """
    try:
        map.by_row = True  # type: ignore[attr-defined]
    except (AttributeError, TypeError):
        raise DiagramError(f"by_row: nothing can be noted on {map!r}; give the function or module itself") from None
    return map


def says_by_row(map: Any) -> bool:
    """Whether a map was said to take each row by itself."""
    return getattr(map, "by_row", False) is True
