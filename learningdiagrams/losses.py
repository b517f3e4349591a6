"""Comparators and measures as values: how far apart two values of an object are; nothing is computed here.

A comparator d gives the term w · E[d(left, right)] of a goal `left = right by d`. Each is a mean over the
batch, and over the remaining axes where it is elementwise; classes and features are on the last axis. N is
the number of rows (the batch and every axis but the last), C or D the length of the last axis. What a value 0
says is part of a comparator (`zero`): only where it separates its sides is a goal that is met an equation.

>>> kl(temperature=4), mse(), huber(delta=1.0), comparator("kl(temperature=4)") == kl(4)
(kl(temperature=4), mse, huber, True)
>>> [name for name, cls in COMPARATORS.items() if cls.zero is Zero.EQUAL]
['mse', 'l1', 'huber']
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Any, ClassVar

from learningdiagrams.errors import DiagramError
from learningdiagrams.values import Value, literal, read, want_flag, want_one_of, want_positive, want_whole

__all__ = [
    "COMPARATORS",
    "Comparator",
    "Zero",
    "accuracy",
    "bce",
    "comparator",
    "cosine",
    "cross_entropy",
    "function",
    "huber",
    "info_nce",
    "kl",
    "l1",
    "mse",
    "r2",
    "retrieval",
    "top",
]


class Zero(Enum):
    """What it says of two sides that a comparator is as small as it can be."""

    EQUAL = "the sides are equal"
    SHIFT = "the sides are equal up to a constant for each row"
    SCALE = "the sides are equal up to a positive factor for each row"
    FLOOR = "nothing is known: the least value is an entropy or depends on the other rows, and is rarely 0"


class Comparator(Value):
    """How far apart two values are; the class attributes say what may be concluded from it.

    - `zero`: what its least value says (None: nothing, as for measures and functions);
    - `vanishes`: it is 0, with gradient 0, on equal sides, so that a goal of equal sides is no term;
    - `samplewise`: a mean over samples, so that the mean over batches, weighted by size, is the mean over all
      data;
    - `trains`: a goal may use it (False: measures only);
    - `larger_is_better`: the direction of a measure;
    - `reads_classes`: a side of whole numbers without the last axis is read as one-hot;
    - `symmetric`: of either side, not of the right one only;
    - `casts`: whole numbers of the full shape are read as the same real numbers;
    - `rows`: the last axis is one row of features or classes (otherwise it works element by element);
    - `needs_classes`: that axis holds classes, of which there are to be two at least.
    """

    zero: ClassVar[Zero | None] = None
    vanishes: ClassVar[bool] = False
    samplewise: ClassVar[bool] = True
    trains: ClassVar[bool] = True
    larger_is_better: ClassVar[bool] = False
    reads_classes: ClassVar[bool] = False
    symmetric: ClassVar[bool] = False
    casts: ClassVar[bool] = False
    rows: ClassVar[bool] = False
    needs_classes: ClassVar[bool] = False

    def _repr_latex_(self) -> str | None:
        from learningdiagrams.formulas import comparator_latex

        return comparator_latex(self)


class _Distance(Comparator):
    """Element by element, zero only between equal sides."""

    zero: ClassVar[Zero | None] = Zero.EQUAL
    vanishes = True
    reads_classes = True
    symmetric = True
    casts = True


class mse(_Distance):
    """Mean squared error: mean of (left − right)² over all elements.

    Sides: one shape, any. Whole numbers are cast; class numbers are read as one-hot (then it is the Brier
    score / C).
    """


class l1(_Distance):
    """Mean absolute error: mean of |left − right| over all elements. Sides as for `mse`."""


@dataclass(frozen=True, eq=False, repr=False)
class huber(_Distance):
    """Huber's loss: mean over all elements of e²/2 where |e| ≤ delta, and delta · (|e| − delta/2) beyond.

    Here e = left − right. Sides as for `mse`; delta is in their unit.
    Source: Huber 1964, Robust Estimation of a Location Parameter.
    """

    delta: float = 1

    def __post_init__(self) -> None:
        want_positive(self, "delta")


class bce(Comparator):
    """Binary cross-entropy: mean over all elements of −y·log σ(x) − (1 − y)·log(1 − σ(x)).

    Left, x: logits. Right, y: probabilities of the same shape; whole numbers (and truth values) of that shape
    are cast, class numbers are read as one-hot. Floor: the mean entropy of y, which is 0 where every y is 0
    or 1 and then not reached.
    """

    zero: ClassVar[Zero | None] = Zero.FLOOR
    reads_classes = True
    casts = True


class cross_entropy(Comparator):
    """Cross-entropy: mean over rows of −Σ_c y_c · log softmax(x)_c; x = left, y = right.

    Left: logits (…, C). Right: class numbers (…) of any whole-number type in 0…C−1, or probabilities (…, C).
    Floor: the mean entropy of y.
    """

    zero: ClassVar[Zero | None] = Zero.FLOOR
    reads_classes = True
    rows = True
    needs_classes = True


@dataclass(frozen=True, eq=False, repr=False)
class kl(Comparator):
    """Distillation's divergence: T² · mean over rows of KL(softmax(right / T) ‖ softmax(left / T)).

    T is the temperature. Both sides: logits (…, C); the sum goes over classes. T² keeps the gradient's size
    when T grows.
    Source: Hinton, Vinyals and Dean 2015, Distilling the Knowledge in a Neural Network, section 2.
    """

    temperature: float = 1

    zero: ClassVar[Zero | None] = Zero.SHIFT
    vanishes = True
    rows = True
    needs_classes = True

    def __post_init__(self) -> None:
        want_positive(self, "temperature")


class cosine(Comparator):
    """Cosine distance: mean over rows of 1 − ⟨left, right⟩ / (‖left‖ · ‖right‖).

    Both sides: embeddings (…, D). A row of zeros has similarity 0 with every row, and a finite gradient.
    """

    zero: ClassVar[Zero | None] = Zero.SCALE
    vanishes = True
    rows = True


@dataclass(frozen=True, eq=False, repr=False)
class info_nce(Comparator):
    """Contrast within a batch: the mean over all rows i, both ways, of −log softmax_j(−d(a_i, b_j) / T)_i.

    a, b: left and right; T = temperature; d: the `distance`, cosine or with distance="euclidean" the squared Euclidean
    one. Both sides: a batch of embeddings (B, D), whose other rows are the negatives; so its value depends on the
    batch, and a batch of one gives 0. With both=False it goes one way only: rows of the left among those of the
    right, as a query is told apart by the prototypes of a batch of classes.
    Source: van den Oord, Li and Vinyals 2018, Representation Learning with Contrastive Predictive Coding,
    section 2.3; both ways as in Radford et al. 2021 (CLIP), figure 3; one way with squared Euclidean distances as in
    Snell, Swersky and Zemel 2017, Prototypical Networks for Few-shot Learning, section 2.
    """

    temperature: float = 0.07
    distance: str = "cosine"
    both: bool = True

    zero: ClassVar[Zero | None] = Zero.FLOOR
    samplewise = False
    rows = True

    def __post_init__(self) -> None:
        want_positive(self, "temperature")
        want_one_of(self, "distance", ("cosine", "euclidean"))
        want_flag(self, "both")


class _Measure(Comparator):
    """Reported, never trained."""

    trains = False
    larger_is_better = True


class accuracy(_Measure):
    """The fraction of rows whose largest entry on the left is the right side's class.

    Left: scores (…, C). Right: class numbers (…), or scores (…, C), of which the largest counts. Of equal
    scores the first is the largest; a row in which the class's score is NaN is wrong.
    """

    reads_classes = True
    rows = True
    needs_classes = True


@dataclass(frozen=True, eq=False, repr=False)
class top(_Measure):
    """The fraction of rows whose k largest entries on the left include the right side's class.

    The sides are those of `accuracy`.
    """

    k: int = 5

    reads_classes = True
    rows = True
    needs_classes = True

    def __post_init__(self) -> None:
        want_whole(self, "k")


class r2(_Measure):
    """Determination: the mean over columns of 1 − Σ(right − left)² / Σ(right − mean right)².

    Left: predictions; right: what is true, (B, …), at least two rows; every position after the batch axis is
    a column. A column in which right is constant counts 1 where left equals it and 0 otherwise. Computed over
    all data at once.
    """

    samplewise = False
    casts = True


@dataclass(frozen=True, eq=False, repr=False)
class retrieval(_Measure):
    """The fraction of rows i on the left that have row i on the right among the k nearest of its rows.

    Both sides: embeddings (B, D), compared by cosine similarity, computed over all data at once. Of equally
    near rows the first is the nearest.
    """

    k: int = 1

    samplewise = False
    rows = True

    def __post_init__(self) -> None:
        want_whole(self, "k")


class function(Comparator):
    """Any function of two arrays of the backend that returns one number. Nothing is concluded from it.

    >>> import math
    >>> function(math.dist), function(math.dist) == function(math.dist)
    (⟨dist⟩, True)
    """

    samplewise = False

    f: Callable[[Any, Any], Any]

    def __init__(self, f: Callable[[Any, Any], Any]) -> None:
        if isinstance(f, Value) or not callable(f):
            raise DiagramError(
                f"a comparator is a name, a value of `losses` or a function of two arrays, not {literal(f)}"
            )
        self._set(f=f)

    @property
    def name(self) -> str:
        """What the function calls itself, or its class where it has no name."""
        return getattr(self.f, "__name__", type(self.f).__name__).strip("<>")

    def __repr__(self) -> str:
        return f"⟨{self.name}⟩"


COMPARATORS: Mapping[str, type[Comparator]] = MappingProxyType(
    {
        cls.__name__: cls
        for cls in (mse, l1, huber, bce, cross_entropy, kl, cosine, info_nce, accuracy, top, r2, retrieval)
    }
)


def comparator(by: str | Comparator | type[Comparator] | Callable[[Any, Any], Any]) -> Comparator:
    """The comparator that `by` stands for: a name, a call in text, a value or its class, or a function.

    >>> comparator("mse"), comparator("kl(temperature=4)"), comparator(huber), comparator(kl(2))
    (mse, kl(temperature=4), huber, kl(temperature=2))

    Raises DiagramError for anything else.
    """
    if isinstance(by, str):
        return read(COMPARATORS, "comparator", by)
    if isinstance(by, Comparator):
        return by
    if isinstance(by, type) and issubclass(by, Comparator):
        return by()
    return function(by)
