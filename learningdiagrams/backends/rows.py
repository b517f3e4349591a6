"""Whether a map takes each row of a batch by itself: what is said of it where that is not known, and built-in layers.

What is asked is :meth:`learningdiagrams.backends.base.Maps.by_row`; the answer is None, or the reason against it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from learningdiagrams.layers import Layer, batch_norm, dropout

__all__ = ["AGAIN", "DRAWS", "LEARNS", "MIXES", "UNKNOWN", "layer_by_row"]

AGAIN: Final = "it is computed again in the backward pass"
DRAWS: Final = "it draws random numbers in training mode"
LEARNS: Final = "it learns statistics of the batch in training mode"
MIXES: Final = "its {part} compares the rows of a batch with one another"
UNKNOWN: Final = "nothing says that it takes each row by itself; if it does, say ld.by_row({name})"


def layer_by_row(layer: Layer, training: bool) -> str | None:
    """The reason why a built-in layer does not take each row by itself, or None.

    >>> from learningdiagrams.layers import mlp
    >>> layer_by_row(mlp(4, 3, 2, norm="batch"), training=False)
    >>> layer_by_row(mlp(4, 3, 2, norm="batch"), training=True)
    'it learns statistics of the batch in training mode'
    """
    if training:
        for part in _parts(layer):
            if isinstance(part, batch_norm):
                return LEARNS
            if isinstance(part, dropout) or getattr(part, "dropout", 0):
                return DRAWS
    return None


def _parts(layer: Layer) -> Iterator[Layer]:
    """A layer and the layers in it."""
    yield layer
    for part in getattr(layer, "parts", ()):
        yield from _parts(part)
