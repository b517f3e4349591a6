"""What generators and objects say of themselves, carried from a part of a gluing to the whole.

Realisations name other generators, paths and, for noise, the name that its numbers are drawn under. Shapes name
axes: a name is one number throughout a diagram, so that in the whole names of axes are told apart, or one, as
the objects are that have them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from learningdiagrams.declarations import Space
from learningdiagrams.errors import DiagramError
from learningdiagrams.specs import Data, Noise, Spec, ema, shuffle
from learningdiagrams.theory.amalgamation import allot
from learningdiagrams.theory.union_find import Classes

__all__ = ["carried_spec", "same_realisation", "unified_spaces"]


def carried_spec(
    spec: Spec, old: str, new: str, rename: Callable[[str], str], start: Path | None, to: Path | None
) -> Spec:
    """A realisation of the generator `old` of a part as that of `new` in the whole.

    Names of generators are renamed; relative paths, which began at `start`, begin at `to`; noise keeps its numbers,
    which are drawn under the name that it was first declared with.

    >>> from learningdiagrams.specs import spec
    >>> carried_spec(spec("shuffle(y)"), "z", "z_2", lambda name: name + "_2", None, None)
    shuffle(y_2, key="z")
    >>> carried_spec(spec('npy("x.npy")'), "x", "x", lambda name: name, Path("data"), Path("out"))
    npy("../data/x.npy")
    """
    args: tuple[Any, ...]
    args, options = spec.arguments()
    if isinstance(spec, ema | shuffle):
        args = (rename(args[0]), *args[1:])
    if isinstance(spec, Data) and isinstance(getattr(spec, "path", None), str):
        args = (_moved(args[0], start, to), *args[1:])
    if isinstance(spec, Noise):
        first = spec.key or old
        options = {**options, "key": None if first == new else first}
    return type(spec)(*args, **options)  # type: ignore[arg-type]  # the arguments that it was made with


def _moved(path: str, start: Path | None, to: Path | None) -> str:
    """A path that began at one folder, from another one on."""
    begin, end = (os.path.abspath(folder or ".") for folder in (start, to))
    if begin == end or os.path.isabs(path):
        return path
    try:
        return Path(os.path.relpath(os.path.join(begin, path), end)).as_posix()
    except ValueError:  # on another drive
        return Path(os.path.join(begin, path)).as_posix()


def same_realisation(one: Spec, two: Spec) -> bool:
    """Whether two realisations are one; under which name noise is drawn is no part of what it is."""
    if type(one) is not type(two):
        return False
    (mine, options), (theirs, others) = one.arguments(), two.arguments()
    if isinstance(one, Noise):
        options, others = {**options, "key": None}, {**others, "key": None}
    return mine == theirs and options == others


Declared = tuple[int, str, Space]
"""An object of a part: the part's position, the object's name there, and its space."""


def unified_spaces(objects: Sequence[Sequence[Declared]], where: Callable[[tuple[int, str]], str]) -> list[Space]:
    """The space of each object of the whole, given those that became one; undeclared shapes agree with any.

    >>> here, there = (0, "A", Space(("n", 3))), (1, "B", Space(("k", 3)))
    >>> unified_spaces([[here, there], [(1, "C", Space(("n", "k")))]], str)
    [Space(shape=('n', 3), dtype='float'), Space(shape=('n_2', 'n'), dtype='float')]

    Raises :class:`DiagramError` where they disagree, naming both; `where` is how.
    """
    parts = 1 + max((position for members in objects for position, _, _ in members), default=-1)
    axes: list[dict[Any, None]] = [{} for _ in range(parts + 1)]
    for members in objects:
        for position, _, space in members:
            # Numbers are the same in all parts: they stand in a part of their own, before all others.
            for axis in space.shape or ():
                axes[0 if isinstance(axis, int) else position + 1][axis] = None
    classes: Classes[Any] = Classes(axes)

    def number(position: int, axis: Any) -> int:
        return classes.find(classes.number[0 if isinstance(axis, int) else position + 1][axis])

    def value(root: int) -> int | None:
        position, axis = classes.members[root]
        return axis if position == 0 else None

    for members in objects:
        declared = [member for member in members if member[2].shape is not None]
        for one, two in pairwise(members):
            if one[2].dtype != two[2].dtype:
                _refuse(one, two, where)
        for one, two in pairwise(declared):
            mine, theirs = one[2].shape or (), two[2].shape or ()
            if len(mine) != len(theirs):
                _refuse(one, two, where)
            for a, b in zip(mine, theirs, strict=True):
                first, second = number(one[0], a), number(two[0], b)
                if first != second and value(first) is not None and value(second) is not None:
                    _refuse(one, two, where)
                classes.unite(first, second)
    named = [root for root in classes.roots() if value(root) is None]
    names = dict(zip(named, allot([classes.members[root][1] for root in named]), strict=True))
    found = []
    for members in objects:
        position, _, space = next((member for member in members if member[2].shape is not None), members[0])
        shape = None
        if space.shape is not None:
            roots = [number(position, axis) for axis in space.shape]
            shape = tuple(names[root] if value(root) is None else value(root) for root in roots)
        found.append(Space(shape, space.dtype))  # type: ignore[arg-type]  # numbers and names
    return found


def _refuse(one: Declared, two: Declared, where: Callable[[tuple[int, str]], str]) -> None:
    shown = [f"{where(member[:2])} is {member[1]}{member[2]}" for member in (one, two)]
    raise DiagramError(
        f"{shown[0]}, and {shown[1]}; what is shared has one shape and one kind of number",
        one[1] if one[0] == 0 else None,
    )
