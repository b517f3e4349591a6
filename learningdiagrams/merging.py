"""The pass `merge`: one map applied to several values in one batch is one call on all of them.

That is the same where the map takes each row by itself: then f(x) and f(y) are the parts of f of both, one after the
other. Batch normalisation in training looks at the whole batch, and dropout draws anew in every call: such maps are
called as often as ever. What is known of a map is the backend's to say
(:meth:`learningdiagrams.backends.base.Maps.by_row`); what it cannot know, :func:`learningdiagrams.by_row` declares.

>>> from learningdiagrams.batching import Choice, depths, table_of
>>> from learningdiagrams.diagram import Diagram
>>> from learningdiagrams.plan import make_plan
>>> d = Diagram("Siamese")
>>> S, X, Y = d.objects("S", "X", "Y")
>>> left, right, enc = d.data("left", S, X), d.data("right", S, X), d.model("enc", X, Y)
>>> _ = d.goal("near", left >> enc, right >> enc, by="cosine")
>>> plan = make_plan(d, d.goals.values())
>>> for note in table_of(plan, merges(plan, depths(plan, ()), lambda generator: None), Choice()).notes:
...     print(note)
merge: v1 and v3 are one call of enc
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final

from learningdiagrams.batching import Choice, together
from learningdiagrams.plan import Apply, Plan

__all__ = ["merges"]


LARGE: Final = "it is large, and where no gradient is wanted its calls take less memory one after the other"


def merges(
    plan: Plan,
    depths: list[int],
    refuse: Callable[[str], str | None],
    taken: Collection[int] = (),
    large: Callable[[str], bool] = lambda name: False,
) -> Choice:
    """Which applications of a plan are to be one call.

    Args:
        depths: of the plan's steps, see :func:`learningdiagrams.batching.depths`.
        refuse: why a map cannot be called once for several calls, or None where it can.
        taken: indices of steps that are done together with others already.
        large: whether what a call of a map has in memory meanwhile counts for more than the call itself.
    """
    calls: dict[str, list[tuple[int, Apply]]] = {}
    for index, step in enumerate(plan.steps):
        if isinstance(step, Apply) and step.arguments and index not in taken:
            calls.setdefault(step.generator, []).append((index, step))
    found: list[tuple[int, ...]] = []
    refused: dict[tuple[str, ...], str] = {}
    for name, made in calls.items():
        if len(made) < 2:
            continue
        still = not any(step.live or step.flows for _, step in made)
        reason = LARGE if still and large(name) else refuse(name)
        if reason is None:
            found += together(((step.live, step.flows, depths[index]), index) for index, step in made)
        else:
            refused[(name,)] = f"which is called {len(made)} times: {reason}"
    return Choice(tuple(found), refused)
