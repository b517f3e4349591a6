"""A batch in parts, whose gradients add up to that of the whole (gradient accumulation)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from learningdiagrams import losses
from learningdiagrams.data import Data, Stream
from learningdiagrams.errors import DiagramError
from learningdiagrams.noise import pick

if TYPE_CHECKING:
    from learningdiagrams.plan import Plan
    from learningdiagrams.training.options import Rows
    from learningdiagrams.training.programs import Ready

__all__ = ["Whole", "check_in_parts", "in_parts"]

Part = tuple[dict[str, Any], dict[str, float]]
"""Values, and the share of each term that the part's value has in that of the whole."""

_MEANS: Final = (losses.mse, losses.l1, losses.huber, losses.bce, losses.cross_entropy, losses.kl, losses.cosine)
"""The comparators that are a mean over rows, so that the value at a batch is the mean of those at its parts."""


def check_in_parts(plan: Plan) -> None:
    """Raises DiagramError where a goal's value at a batch is not made of its values at parts of the batch."""
    for compare in plan.compares:
        if not isinstance(compare.by, _MEANS):
            raise DiagramError(
                f"goal `{compare.name}` is compared by {compare.by}, which looks at all rows of a batch together, so "
                "that no batch can be computed in parts; train without accumulate",
                compare.name,
            )


def in_parts(ready: Ready, batch: dict[str, Any], rows: Rows, parts: int, data: Data | Stream) -> list[Part] | None:
    """A batch in that many parts of consecutive rows, as even as can be; None where it has to stay whole.

    It has to where some sample object has fewer rows than there are parts, and where a goal is sampled along several
    sample objects whose rows the parts would divide in different proportions.
    """
    generators = ready.program.plan.diagram.generators
    most = max(rows.values(), default=0)
    if not most or min(rows.values()) < parts:
        return None
    made: list[Part] = []
    for number in range(parts):
        cuts = {s: slice(count * number // parts, count * (number + 1) // parts) for s, count in rows.items()}
        alone = slice(most * number // parts, most * (number + 1) // parts)
        shares: dict[str, float] = {}
        for name, samples in ready.samples.items():
            found = {_share(cuts.get(s, alone), rows.get(s, most)) for s in samples} or {1 / parts}
            if len(found) > 1:
                return None
            shares[name] = found.pop()
        values = {}
        for name, value in batch.items():
            sample = data.sample_of(name) if isinstance(data, Data) else str(generators[name].dom)
            values[name] = pick(value, cuts.get(sample, alone))
        made.append((values, shares))
    return made


def _share(cut: slice, count: int) -> float:
    return (cut.stop - cut.start) / count


class Whole(Mapping[str, float]):
    """The terms of a batch by those of its parts, which are looked at when one is asked for."""

    def __init__(self, terms: Sequence[Mapping[str, Any]], shares: Sequence[Mapping[str, float]]) -> None:
        self._terms = terms
        self._shares = shares

    def __getitem__(self, name: str) -> float:
        return sum(share[name] * float(part[name]) for part, share in zip(self._terms, self._shares, strict=True))

    def __iter__(self) -> Iterator[str]:
        return iter(self._terms[0])

    def __len__(self) -> int:
        return len(self._terms[0])
