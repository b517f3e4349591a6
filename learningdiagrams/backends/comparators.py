"""The numbers of comparators and measures: one formula for each, over the few operations a backend names.

:class:`Ops` is what a backend's arrays owe. Everything else in a formula is what all arrays have: arithmetic
and comparison, `shape`, `dtype`, indexing, `reshape`, `mT`, `any` and `@`. What the formulas mean stands with
the values in :mod:`learningdiagrams.losses`; values always come with their batch axis first.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

from learningdiagrams import losses
from learningdiagrams.errors import DiagramError
from learningdiagrams.losses import Comparator

__all__ = ["FORMULAS", "Array", "Fused", "Ops", "compare", "one_hot"]

Array = Any
Fused = Callable[[Any, Array, Array], Array]


class Ops(Protocol):
    """Operations on the arrays of one backend.

    None changes an array; the real ones are differentiable, with finite gradients at finite arguments.
    """

    @property
    def fused(self) -> Mapping[type[Comparator], Fused]:
        """By comparator class, functions (comparator, left, right) -> value that save kernels.

        Both sides have one shape and one real type. The one for `cross_entropy` is also called with class
        numbers that `index` made, where `eager` holds, and raises IndexError if one is outside 0…C−1.
        """
        ...

    def kind(self, x: Array) -> str:
        """What x holds: "float", "int" (of any size, signed or not), "bool", or something else."""
        ...

    def alike(self, x: Array, y: Array) -> tuple[Array, Array]:
        """Both as real numbers of one type: the larger real one, or the default where neither is real."""
        ...

    def number(self, truth: Array, like: Array) -> Array:
        """Truth values as 0 and 1 of the type of `like`."""
        ...

    def index(self, classes: Array) -> Array:
        """Whole numbers of any type, as a type that indexes and holds −1 and every number of classes."""
        ...

    def eager(self, x: Array) -> bool:
        """Whether numbers may be looked at without waiting for a device; False while a step is compiled."""
        ...

    def pick(self, rows: Array, classes: Array) -> Array:
        """rows[…, classes]: (…, C) and class numbers (…), all in range, to (…)."""
        ...

    def arange(self, n: int, like: Array) -> Array:
        """0…n−1, where `like` lives."""
        ...

    def argmax(self, x: Array) -> Array:
        """The first place of the largest number along the last axis."""
        ...

    def sum(self, x: Array, axis: int) -> Array:
        """The sum along one axis; of truth values it counts."""
        ...

    def mean(self, x: Array) -> Array:
        """The mean of all numbers, a 0-d array."""
        ...

    def where(self, condition: Array, x: Array | float, y: Array | float) -> Array:
        """x where the condition holds, y elsewhere."""
        ...

    def abs(self, x: Array) -> Array:
        """|x|, with gradient 0 at 0."""
        ...

    def exp(self, x: Array) -> Array:
        """exp(x)."""
        ...

    def log_softmax(self, x: Array) -> Array:
        """The logarithm of softmax along the last axis."""
        ...

    def log_likelihood(self, x: Array, classes: Array) -> Array:
        """`log_softmax` of x (…, C) at class numbers (…), all in range: (…)."""
        ...

    def log_sigmoid(self, x: Array) -> Array:
        """−log(1 + exp(−x))."""
        ...

    def unit(self, x: Array) -> Array:
        """x / ‖x‖ along the last axis; x itself where ‖x‖ is smaller than every normal number."""
        ...


def compare(ops: Ops, comparator: Comparator, left: Array, right: Array, *, where: str) -> Array:
    """How far apart two values are: a 0-d array.

    Args:
        left, right: values of one object, with the batch axis first.
        where: the goal and its two paths, with which errors begin.

    Raises:
        DiagramError: sides whose shapes differ (nothing is broadcast), numbers that it cannot read, a last
            axis of 1 where classes are meant, a class number outside 0…C−1 (where its value is not at hand,
            in a compiled step or on another device, the result is NaN instead).
    """
    if isinstance(comparator, losses.function):
        return _called(ops, comparator, left, right, where)
    formula = type(comparator)
    if left.shape == right.shape and left.dtype == right.dtype and ops.kind(left) == "float":
        if comparator.rows:
            _check_rows(comparator, left.shape, where)
        fused = ops.fused.get(formula)
        if fused is not None:
            return fused(comparator, left, right)
        return FORMULAS[formula](ops, comparator, Sides(left, right, False, None), where)
    return _fused_or_formula(ops, comparator, _read(ops, comparator, left, right, where), where)


def _fused_or_formula(ops: Ops, by: Comparator, sides: Sides, where: str) -> Array:
    fused = ops.fused.get(type(by))
    if fused is not None and (not sides.classes or ops.eager(sides.right)):
        try:
            return fused(by, sides.left, sides.right)
        except IndexError:
            pass  # a class out of range, which the checks before the formula name
    if sides.classes:
        classes, valid = _in_range(ops, sides.right, sides.left.shape[-1], sides.left, where)
        sides = Sides(sides.left, classes, True, valid)
    return FORMULAS[type(by)](ops, by, sides, where)


class Sides(NamedTuple):
    """Two sides as a formula takes them.

    Both are real, of one shape and type; or (`classes`) the right one holds class numbers in range, and
    `valid` says of each whether it was one (None: all were).
    """

    left: Array
    right: Array
    classes: bool
    valid: Array | None


def _read(ops: Ops, by: Comparator, left: Array, right: Array, where: str) -> Sides:
    """The sides as `by` reads them: whole numbers cast, or read as classes, or refused."""
    kinds = (ops.kind(left), ops.kind(right))
    shapes = (tuple(left.shape), tuple(right.shape))
    if by.reads_classes and kinds == ("float", "int") and _are_rows(shapes):
        _check_rows(by, shapes[0], where, at_least=2)
        classes = ops.index(right)
        if by.rows:
            return Sides(left, classes, True, None)
        return Sides(left, one_hot(ops, classes, left.shape[-1], left, where), False, None)
    if by.symmetric and kinds == ("int", "float") and _are_rows(shapes[::-1]):
        right, left, _, _ = _read(ops, by, right, left, where)
        return Sides(left, right, False, None)
    if shapes[0] != shapes[1]:
        raise DiagramError(f"{where}: {_differ(by, shapes, kinds)}")
    for side, kind, x in zip(("left", "right"), kinds, (left, right), strict=True):
        if kind != "float" and not (by.casts and kind in ("int", "bool")):
            raise DiagramError(f"{where}: {_unreadable(by, side, kind, x)}")
    if by.rows:
        _check_rows(by, shapes[0], where)
    return Sides(*ops.alike(left, right), False, None)


def _are_rows(shapes: tuple[tuple[int, ...], ...]) -> bool:
    """Whether the second shape is the first without its last axis, the batch axis kept."""
    return len(shapes[0]) > 1 and shapes[0][:-1] == shapes[1]


def one_hot(ops: Ops, classes: Array, count: int, like: Array, where: str) -> Array:
    """Class numbers (…) that `index` made as rows (…, count) of zeros and a 1, of the type of `like`."""
    classes, valid = _in_range(ops, classes, count, like, where)
    rows = ops.number(classes[..., None] == ops.arange(count, like), like)
    return rows if valid is None else ops.where(valid[..., None], rows, math.nan)


def _in_range(ops: Ops, classes: Array, count: int, like: Array, where: str) -> tuple[Array, Array | None]:
    """Class numbers safe to index with, and which were right (None: all); wrong ones raise if eager."""
    valid = (classes >= 0) & (classes < count)
    if not ops.eager(classes):
        return ops.where(valid, classes, 0), valid
    if not bool(valid.all()):
        first = ops.argmax(ops.number(~valid.reshape(-1), like))
        numbers = f"with {count} classes they are 0…{count - 1}"
        raise DiagramError(f"{where}: {int(classes.reshape(-1)[first])} is no class number; {numbers}")
    return classes, None


def _called(ops: Ops, by: losses.function, left: Array, right: Array, where: str) -> Array:
    """What a function gives; it may read class numbers, but is given no sides that differ otherwise."""
    shapes, kinds = (tuple(left.shape), tuple(right.shape)), (ops.kind(left), ops.kind(right))
    classes = (kinds[1] == "int" and _are_rows(shapes)) or (kinds[0] == "int" and _are_rows(shapes[::-1]))
    if shapes[0] != shapes[1] and not classes:
        raise DiagramError(f"{where}: {_differ(by, shapes, kinds)}")
    result = by.f(left, right)
    shape = tuple(getattr(result, "shape", ()))
    if shape:
        raise DiagramError(f"{where}: {by} gives an array of shape {shape}; a comparator gives one number")
    return result


def _check_rows(by: Comparator, shape: tuple[int, ...], where: str, at_least: int = 1) -> None:
    """Refuses values without a last axis, and a last axis too short for classes."""
    if len(shape) < 2:
        raise DiagramError(f"{where}: `{by}` works along the last axis, and the values have none: {tuple(shape)}")
    if shape[-1] < max(at_least, 1 + by.needs_classes):
        raise DiagramError(f"{where}: `{by}` takes two classes at least on the last axis, and it is {shape[-1]} long")
    if isinstance(by, losses.info_nce | losses.retrieval) and len(shape) != 2:
        raise DiagramError(f"{where}: `{by}` takes a batch of embeddings (batch, features), not {tuple(shape)}")


def _differ(by: Comparator, shapes: tuple[tuple[int, ...], ...], kinds: tuple[str, str]) -> str:
    """What is wrong with two shapes, and what may be meant."""
    hint = ""
    if _are_rows(shapes) and kinds[1] == "int":
        hint = "; the left side is to be real" if by.reads_classes else f"; `{by}` reads no class numbers"
    elif _are_rows(shapes) and by.needs_classes:
        hint = "; class numbers are to be whole numbers"
    elif _are_rows(shapes[::-1]) and kinds[0] == "int":
        hint = f"; `{by}` reads {'class numbers on the right only' if by.reads_classes else 'no class numbers'}"
    return f"the sides' shapes differ: {shapes[0]} on the left, {shapes[1]} on the right{hint}"


def _unreadable(by: Comparator, side: str, kind: str, x: Array) -> str:
    """Why a side of the full shape cannot be read."""
    words = {"int": "whole numbers", "bool": "truth values"}.get(kind, "numbers that are not real")
    instead = f"; class numbers have the shape {tuple(x.shape[:-1])}" if by.reads_classes and side == "right" else ""
    return f"`{by}` takes real numbers, and the {side} side holds {words} ({x.dtype}){instead}"


# The formulas. Each is called with (ops, comparator, sides, where).


def _mse(ops: Ops, by: losses.mse, sides: Sides, where: str) -> Array:
    error = sides.left - sides.right
    return ops.mean(error * error)


def _l1(ops: Ops, by: losses.l1, sides: Sides, where: str) -> Array:
    return ops.mean(ops.abs(sides.left - sides.right))


def _huber(ops: Ops, by: losses.huber, sides: Sides, where: str) -> Array:
    size = ops.abs(sides.left - sides.right)
    return ops.mean(ops.where(size <= by.delta, size * size / 2, by.delta * (size - by.delta / 2)))


def _bce(ops: Ops, by: losses.bce, sides: Sides, where: str) -> Array:
    # −y log σ(x) − (1 − y) log σ(−x), with log σ(−x) = log σ(x) − x: no overflow on either side.
    return ops.mean((1 - sides.right) * sides.left - ops.log_sigmoid(sides.left))


def _cross_entropy(ops: Ops, by: losses.cross_entropy, sides: Sides, where: str) -> Array:
    if sides.classes:
        return -ops.mean(_or_nan(ops, ops.log_likelihood(sides.left, sides.right), sides.valid))
    logs = ops.log_softmax(sides.left)
    # The mean over rows of sums over C classes is C times the mean of everything: one reduction less.
    return -ops.mean(sides.right * logs) * logs.shape[-1]


def _kl(ops: Ops, by: losses.kl, sides: Sides, where: str) -> Array:
    student, teacher = (ops.log_softmax(side / by.temperature) for side in (sides.left, sides.right))
    return ops.mean(ops.exp(teacher) * (teacher - student)) * (by.temperature**2 * teacher.shape[-1])


def _cosine(ops: Ops, by: losses.cosine, sides: Sides, where: str) -> Array:
    return 1 - ops.mean(ops.sum(ops.unit(sides.left) * ops.unit(sides.right), -1))


def _info_nce(ops: Ops, by: losses.info_nce, sides: Sides, where: str) -> Array:
    left, right = sides.left, sides.right
    if by.distance == "cosine":
        nearness = ops.unit(left) @ ops.unit(right).mT / by.temperature
    else:
        # Distances stay the same, and far fewer digits cancel where all embeddings are far from 0.
        middle = ops.sum(right, 0) / right.shape[0]
        left, right = left - middle, right - middle
        here, there = (ops.sum(side * side, -1)[:, None] for side in (left, right))
        nearness = (2 * (left @ right.mT) - here - there.mT) / by.temperature
    own, by_class = ops.arange(nearness.shape[0], nearness), losses.cross_entropy()
    ways = [Sides(logits, own, True, None) for logits in (nearness, nearness.mT)][: 1 + by.both]
    return sum(_fused_or_formula(ops, by_class, sides, where) for sides in ways) / len(ways)


def _accuracy(ops: Ops, by: losses.accuracy, sides: Sides, where: str) -> Array:
    return _hits(ops, sides, 1)


def _top(ops: Ops, by: losses.top, sides: Sides, where: str) -> Array:
    if by.k > sides.left.shape[-1]:
        raise DiagramError(f"{where}: `{by}` looks at {by.k} classes, and there are {sides.left.shape[-1]}")
    return _hits(ops, sides, by.k)


def _hits(ops: Ops, sides: Sides, k: int) -> Array:
    classes = sides.right if sides.classes else ops.argmax(sides.right)
    hits = ops.number(_rank(ops, sides.left, classes) < k, sides.left)
    return ops.mean(_or_nan(ops, hits, sides.valid))


def _r2(ops: Ops, by: losses.r2, sides: Sides, where: str) -> Array:
    count = sides.right.shape[0]
    if count < 2:
        raise DiagramError(f"{where}: `r2` compares with the mean over rows, two at least, not {count}")
    left, right = sides.left.reshape(count, -1), sides.right.reshape(count, -1)
    spread, error = right - ops.sum(right, 0) / count, right - left
    constant = ops.sum(right != right[:1], 0) == 0
    missed = ops.sum(error * error, 0)
    explained = 1 - missed / ops.where(constant, 1.0, ops.sum(spread * spread, 0))
    return ops.mean(ops.where(constant, ops.number(missed == 0, left), explained))


def _retrieval(ops: Ops, by: losses.retrieval, sides: Sides, where: str) -> Array:
    count = sides.left.shape[0]
    if by.k > count:
        raise DiagramError(f"{where}: `{by}` looks at {by.k} rows, and there are {count}")
    left, right = ops.unit(sides.left), ops.unit(sides.right)
    own, hits = ops.arange(count, left), 0
    rows = max(1, _AT_ONCE // count)  # the table of nearness has count² entries: only some rows of it at a time
    for start in range(0, count, rows):
        chunk = slice(start, start + rows)
        hits = hits + ops.sum(ops.number(_rank(ops, left[chunk] @ right.mT, own[chunk]) < by.k, left), 0)
    return hits / count


_AT_ONCE = 2**24


def _rank(ops: Ops, scores: Array, classes: Array) -> Array:
    """How many classes come before the one given: those with larger scores, and earlier ones with the same.

    A NaN comes before everything, so that it never makes a hit.
    """
    own, places = ops.pick(scores, classes)[..., None], ops.arange(scores.shape[-1], scores)
    behind = (scores < own) | ((scores == own) & (places >= classes[..., None]))
    return ops.sum(~behind, -1)


def _or_nan(ops: Ops, rows: Array, valid: Array | None) -> Array:
    """Each row's number, or NaN where its class number was none."""
    return rows if valid is None else ops.where(valid, rows, math.nan)


# Plain dictionaries, here and in `fused`: torch.compile does not see through a read-only view of one.
FORMULAS: Mapping[type[Comparator], Callable[[Ops, Any, Sides, str], Array]] = {
    losses.mse: _mse,
    losses.l1: _l1,
    losses.huber: _huber,
    losses.bce: _bce,
    losses.cross_entropy: _cross_entropy,
    losses.kl: _kl,
    losses.cosine: _cosine,
    losses.info_nce: _info_nce,
    losses.accuracy: _accuracy,
    losses.top: _top,
    losses.r2: _r2,
    losses.retrieval: _retrieval,
}
