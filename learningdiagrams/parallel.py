"""The reading in which a diagram is to commute: every two parallel paths out of a sample object agree.

A diagram means the goals that are written, and no others. :func:`all_parallel` writes the rest of them down, up to a
length of the paths: a new diagram, to be looked at, compiled, or pruned to a generating set
(`compile(prune="derivable")`), of which all others follow.

>>> from learningdiagrams.diagram import Diagram
>>> from learningdiagrams.pruning import prune
>>> d = Diagram("Distillation")
>>> S, X, Y = d.objects("Sample", "Image", "Logits")
>>> pixels, label = d.data("pixels", S, X), d.data("label", S, Y)
>>> student, assistant = d.model("student", X, Y), d.model("assistant", X, Y)
>>> everything = all_parallel(d, 2)
>>> print(*everything.goals)
label_is_pixels_student label_is_pixels_assistant pixels_student_is_pixels_assistant
>>> prune(everything).kept
('label_is_pixels_student', 'label_is_pixels_assistant')
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import combinations
from typing import TYPE_CHECKING, Any

from learningdiagrams.editing.parts import Changes, copied
from learningdiagrams.errors import DiagramError, suggestion
from learningdiagrams.plan import sampled
from learningdiagrams.theory.morphisms import Generator, Morphism
from learningdiagrams.theory.terms import applications, unmarked

if TYPE_CHECKING:
    from learningdiagrams.diagram import Diagram
    from learningdiagrams.losses import Comparator

__all__ = ["all_parallel"]


def all_parallel(
    diagram: Diagram,
    max_length: int,
    by: str | Comparator | Callable[..., Any] | Mapping[str, str | Comparator | Callable[..., Any]] = "mse",
    limit: int = 1000,
) -> Diagram:
    """The diagram with a goal for every two parallel paths out of a sample object.

    A path is data or noise and then maps that have a role, each applied to what the one before gives. Pairs that a goal
    of the diagram compares already are left as they are; of a pair in which no model occurs nothing could be learned,
    and no goal is made of it. Goals are named by their paths, `pixels_student_is_label`.

    Args:
        max_length: the most generators of a path, its data counted.
        by: the comparator of the new goals, or one for each object by its name (`mse` for others).
        limit: the most goals that are added.

    Raises:
        DiagramError: more goals than `limit`; an unknown object in `by`; a length that is no whole number ≥ 1.
    """
    if not isinstance(max_length, int) or isinstance(max_length, bool) or max_length < 1:
        raise DiagramError(f"max_length is a whole number ≥ 1, the most generators of a path, not {max_length!r}")
    ways = by if isinstance(by, Mapping) else {}
    for name in ways:
        if name not in diagram.sorts:
            raise DiagramError(f"by: there is no object `{name}`{suggestion(name, diagram.sorts)}")
    stated = {frozenset(map(unmarked, pair)) for goal in diagram.goals.values() for pair in sampled(goal)}
    pairs = [
        (one, other)
        for group in _paths(diagram, max_length, limit).values()
        for one, other in combinations(group, 2)
        if frozenset((one, other)) not in stated and (_learned(diagram, one) or _learned(diagram, other))
    ]
    if len(pairs) > limit:
        raise DiagramError(
            f"there are {len(pairs)} pairs of parallel paths of at most {max_length} generators, and limit={limit}; "
            "take shorter paths or a higher limit"
        )
    made = copied(diagram, Changes())
    for one, other in pairs:
        name = _free(made, f"{_word(one)}_is_{_word(other)}")
        made.goal(name, str(one), str(other), by=ways.get(str(one.cod), "mse") if isinstance(by, Mapping) else by)
    return made


def _paths(diagram: Diagram, max_length: int, limit: int) -> dict[tuple[Any, Any], list[Morphism]]:
    """The paths by their ends, the shorter first."""
    roles, generators = diagram.roles, diagram.generators
    maps = [m for name, m in generators.items() if roles[name] not in ("data", "noise", "map") and m.dom.factors]
    found: dict[tuple[Any, Any], list[Morphism]] = {}
    last = [generators[name] for name, role in roles.items() if role in ("data", "noise")]
    most = 0
    for _ in range(max_length):
        for path in last:
            found.setdefault((path.dom, path.cod), []).append(path)
        most += len(last)
        # So many paths over so few ends have more pairs than that.
        if most > 4 * limit + 100:
            raise DiagramError(
                f"there are more than {most - 1} paths of at most {max_length} generators, and limit={limit} is the "
                "most goals; take shorter paths or a higher limit"
            )
        last = [path >> m for path in last for m in maps if m.dom is path.cod]
    return found


def _learned(diagram: Diagram, path: Morphism) -> bool:
    heads = (term.head for term in applications(path.terms))
    return any(isinstance(head, Generator) and diagram.roles[head.name] == "model" for head in heads)


def _word(path: Morphism) -> str:
    return str(path).replace(" >> ", "_")


def _free(diagram: Diagram, name: str) -> str:
    number, free = 1, name
    while free in diagram:
        number += 1
        free = f"{name}_{number}"
    return free
