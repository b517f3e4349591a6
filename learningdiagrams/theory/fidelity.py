"""Whether a functor is faithful or full, on hom-sets that are finite.

A functor F is *faithful* on a hom-set if it sends different morphisms A → B to different ones, and *full*
if every morphism F(A) → F(B) is the image of one (Mac Lane, *Categories for the Working Mathematician*,
I.3); different means different up to the laws. Both are decided by listing the hom-sets and comparing
every pair that matters."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from learningdiagrams.theory.errors import Infinite, NotDecided
from learningdiagrams.theory.morphisms import Morphism, Object, brief

if TYPE_CHECKING:
    from learningdiagrams.theory.functors import Functor
    from learningdiagrams.theory.presentations import Presentation

__all__ = ["Fidelity", "is_faithful", "is_full"]


@dataclass(frozen=True, slots=True)
class Fidelity:
    """The answer: `holds` is True, False or None (not decided), and `reason` says why in words.

    `example` shows why it does not hold: two morphisms with equal images, or one that is no image.
    """

    holds: bool | None
    reason: str
    example: tuple[Morphism, ...] = ()

    def __bool__(self) -> bool:
        return self.holds is True


def is_faithful(functor: Functor, dom: Object | None, cod: Object | None, limit: int, max_seconds: float) -> Fidelity:
    """See :meth:`learningdiagrams.theory.functors.Functor.is_faithful`."""
    end = time.monotonic() + max_seconds
    open_reasons = []
    for a, b in _ends(functor, dom, cod):
        try:
            morphisms = functor.dom.hom(a, b, limit=limit, max_seconds=_left(end))
        except (Infinite, NotDecided) as error:
            open_reasons.append(f"{a} -> {b}: {error}")
            continue
        for i, morphism in enumerate(morphisms):
            same, undecided = _find(functor.cod, functor(morphism), [functor(m) for m in morphisms[:i]], end)
            if same is not None:
                reason = f"`{brief(morphisms[same])}` and `{brief(morphism)}` differ, but their images are equal"
                return Fidelity(False, reason, (morphisms[same], morphism))
            if undecided is not None:
                pair = f"`{brief(morphisms[undecided])}` and `{brief(morphism)}`"
                open_reasons.append(f"whether {pair} have equal images was not decided")
    return (
        Fidelity(None, open_reasons[0]) if open_reasons else Fidelity(True, "different morphisms have different images")
    )


def is_full(functor: Functor, dom: Object | None, cod: Object | None, limit: int, max_seconds: float) -> Fidelity:
    """See :meth:`learningdiagrams.theory.functors.Functor.is_full`."""
    end = time.monotonic() + max_seconds
    open_reasons = []
    for a, b in _ends(functor, dom, cod):
        try:
            images = [functor(m) for m in functor.dom.hom(a, b, limit=limit, max_seconds=_left(end))]
        except (Infinite, NotDecided) as error:
            open_reasons.append(f"{a} -> {b}: {error}")
            continue
        try:
            targets = functor.cod.hom(functor(a), functor(b), limit=limit, max_seconds=_left(end))
        except Infinite as error:
            return Fidelity(False, f"{a} -> {b} has finitely many morphisms, but {error}")
        except NotDecided as error:
            open_reasons.append(f"{functor(a)} -> {functor(b)}: {error}")
            continue
        for target in targets:
            same, undecided = _find(functor.cod, target, images, end)
            if same is None and undecided is None:
                return Fidelity(False, f"`{brief(target)}` is the image of no morphism {a} -> {b}", (target,))
            if same is None:
                open_reasons.append(f"whether `{brief(target)}` is the image of a morphism {a} -> {b} was not decided")
    return Fidelity(None, open_reasons[0]) if open_reasons else Fidelity(True, "every morphism is an image")


def _find(
    presentation: Presentation, morphism: Morphism, among: list[Morphism], end: float
) -> tuple[int | None, int | None]:
    """The position of an equal morphism, if there is one; else that of one for which this was not decided."""
    if morphism in among:
        return among.index(morphism), None
    undecided = None
    for position, other in enumerate(among):
        verdict = presentation.prove(other, morphism, max_seconds=_left(end))
        if verdict.holds:
            return position, None
        if verdict.holds is None and undecided is None:
            undecided = position
    return None, undecided


def _ends(functor: Functor, dom: Object | None, cod: Object | None) -> Iterator[tuple[Object, Object]]:
    """The hom-sets to look at: all those between sorts, where an end is left open."""
    sorts = list(functor.dom.sorts.values())
    for a in [dom] if dom is not None else sorts:
        for b in [cod] if cod is not None else sorts:
            yield a, b


def _left(end: float) -> float:
    return max(0.0, end - time.monotonic())
