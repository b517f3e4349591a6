"""The order "is found in" of some diagrams: which workflow is inside which.

One diagram is found in another if there is an interpretation of it there (:mod:`learningdiagrams.interpretation`). That
is a preorder, since interpretations compose: what is found in a part is found in the whole, also where the images that
this takes are longer than what is searched. (An object without a declared shape agrees with any, so that two
interpretations through it may compose to one whose shapes disagree, which is none.) Diagrams that are found in each
other say the same thing, up to what may stand for what.

>>> from learningdiagrams.language import loads
>>> task = loads('''
... diagram Task
... object S, X, Y
... data x : S -> X
... data y : S -> Y
... model f : X -> Y
... goal fit : x >> f = y
... ''')
>>> noisy = loads('''
... diagram Noisy
... object S, X, Y
... data x : S -> X
... noise z : S -> X = normal()
... data y : S -> Y
... model f : X -> Y
... goal fit : x >> f = y
... goal robust : z >> f = y
... ''')
>>> found = order([task, noisy])
>>> print(found)
       1  2  is found in
Task   =  x  1 Task
Noisy  .  =  2 Noisy
>>> found["Task", "Noisy"], found["Noisy", "Task"], found.covers
(True, False, (('Task', 'Noisy'),))
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from learningdiagrams.diagram import Diagram
from learningdiagrams.errors import DiagramError, suggestion
from learningdiagrams.interpretation import Interpretation
from learningdiagrams.interpretation.search import interpretations
from learningdiagrams.tables import table
from learningdiagrams.theory.functors import Functor
from learningdiagrams.theory.showing import Printed

__all__ = ["Order", "order"]


@dataclass(frozen=True)
class Order(Printed):
    """Which of some diagrams is found in which.

    Attributes:
        diagrams: by name.
        interpretations: for two different diagrams, one interpretation of the first in the second, where one was found.
        undecided: the pairs of which it was not found out within the limits, with the reason.
        max_length: the most generators in the images that were searched.
    """

    diagrams: Mapping[str, Diagram]
    interpretations: Mapping[tuple[str, str], Interpretation]
    undecided: Mapping[tuple[str, str], str]
    max_length: int

    def __getitem__(self, pair: tuple[str, str]) -> bool | None:
        """Whether the first diagram is found in the second; None where that is not known."""
        for name in pair:
            if name not in self.diagrams:
                raise DiagramError(f"there is no diagram `{name}`{suggestion(name, self.diagrams)}")
        if pair[0] == pair[1] or pair in self.interpretations:
            return True
        return None if pair in self.undecided else False

    @property
    def same(self) -> tuple[tuple[str, ...], ...]:
        """The diagrams in groups that are found in each other, in the order given."""
        groups: dict[str, list[str]] = {}
        for name in self.diagrams:
            first = next((one for one in groups if self[one, name] and self[name, one]), name)
            groups.setdefault(first, []).append(name)
        return tuple(map(tuple, groups.values()))

    @property
    def covers(self) -> tuple[tuple[str, str], ...]:
        """The order without what follows from it, between the first of each group: the lines of its Hasse diagram."""
        firsts = [group[0] for group in self.same]
        below = [(a, b) for a in firsts for b in firsts if a != b and self[a, b]]
        return tuple((a, b) for a, b in below if not any((a, c) in below and (c, b) in below for c in firsts))

    def picture(self) -> Diagram:
        """The Hasse diagram as a diagram without roles: an object for each group, an arrow for each cover."""
        made = Diagram("is found in")
        ends = {}
        for number, group in enumerate(self.same):
            name = f"diagram_{number}"
            ends[group[0]] = made.object(name)
            made.style(name, label=" = ".join(group))
        for number, (one, other) in enumerate(self.covers):
            name = f"in_{number}"
            made.map(name, ends[one], ends[other])
            made.style(name, label=" ")
        return made

    def draw(self, path: str | Path | None = None) -> str | None:
        """The Hasse diagram, written to `path` by its ending or returned as SVG; arrows lead to what contains more."""
        return self.picture().draw(path)

    def __str__(self) -> str:
        names = list(self.diagrams)
        signs = {True: "x", False: ".", None: "?"}
        rows = [
            [one, *("=" if one == other else signs[self[one, other]] for other in names), f"{number} {one}"]
            for number, one in enumerate(names, 1)
        ]
        lines = [table(rows, ["", *map(str, range(1, len(names) + 1)), "is found in"])] if rows else ["no diagrams"]
        lines += [f"the same, each found in the other: {', '.join(group)}" for group in self.same if len(group) > 1]
        if self.undecided:
            pairs = ", ".join(f"{one} in {other}" for one, other in self.undecided)
            lines.append(f"not decided within the limits: {pairs}")
        return "\n".join(lines)


def order(diagrams: Mapping[str, Diagram] | Iterable[Diagram], max_length: int = 2, max_seconds: float = 2.0) -> Order:
    """Finds out of every two diagrams whether one is found in the other, by interpretations of bounded length.

    Args:
        diagrams: by name, or some with names of their own, which are numbered where two have one.
        max_length: the most generators that the image of a generator applies.
        max_seconds: for each pair; it may only turn an answer into undecided.
    """
    named = _named(diagrams)
    found: dict[tuple[str, str], Interpretation] = {}
    undecided: dict[tuple[str, str], str] = {}
    for one, source in named.items():
        for other, target in named.items():
            if one != other and (one, other) not in found:
                some = interpretations(source, target, max_length, max_seconds=max_seconds, limit=1)
                if some:
                    found[one, other] = some[0]
                    _close(found, named, one, other)
                elif not some.complete:
                    undecided[one, other] = some.reason
    left = {pair: why for pair, why in undecided.items() if pair not in found}
    return Order(named, found, left, max_length)


def _named(diagrams: Mapping[str, Diagram] | Iterable[Diagram]) -> dict[str, Diagram]:
    named: dict[str, Diagram] = {}
    if isinstance(diagrams, Mapping):
        return dict(cast("Mapping[str, Diagram]", diagrams))
    for diagram in diagrams:
        name, number = diagram.name, 1
        while name in named:
            number += 1
            name = f"{diagram.name} {number}"
        named[name] = diagram
    return named


def _close(found: dict[tuple[str, str], Interpretation], named: Mapping[str, Diagram], one: str, other: str) -> None:
    """Adds what follows from a new pair by composition."""
    before = [one, *(name for name in named if (name, one) in found)]
    after = [other, *(name for name in named if (other, name) in found)]
    for first in before:
        for last in after:
            if first == last or (first, last) in found:
                continue
            steps = [pair for pair in ((first, one), (one, other), (other, last)) if pair[0] != pair[1]]
            made: Functor = found[steps[0]]
            for pair in steps[1:]:
                made = made >> found[pair]
            assert isinstance(made, Interpretation)
            if not made.shape_failures():
                found[first, last] = made
