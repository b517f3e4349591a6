"""Proofs of equations: chains of steps, each of which uses one law at one place.

A :class:`Proof` and its :class:`Step` values are plain frozen values that anybody can build by hand and
check; what makes one valid is said in :mod:`learningdiagrams.theory.checking`.

>>> from learningdiagrams.theory import Presentation, identity
>>> P = Presentation("Idempotent")
>>> (A,) = P.objects("A")
>>> e = P.morphism("e", A, A)
>>> law = P.law(e >> e, e, name="idempotent")
>>> step = Step("idempotent", True, before=e >> e >> e, after=e >> e, place=(0, 0), using=(identity(A),))
>>> proof = Proof(P, e >> e >> e, e, [step, Step("idempotent", True, e >> e, e, (0,), (identity(A),))])
>>> proof.check()
>>> print(proof)
e >> e >> e
  = e >> e    by idempotent: e >> e -> e
  = e    by idempotent: e >> e -> e
>>> Proof(P, e, identity(A), []).check()
Traceback (most recent call last):
...
learningdiagrams.theory.errors.InvalidProof: the proof does not end at `id(A)`, where it was to end
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple, overload

from learningdiagrams.theory.checking import check_proof
from learningdiagrams.theory.checking_paths import check_path_proof
from learningdiagrams.theory.errors import InvalidProof
from learningdiagrams.theory.morphisms import Morphism, Term
from learningdiagrams.theory.presentations import Law, Presentation
from learningdiagrams.theory.printing import proof_as_latex, proof_as_text
from learningdiagrams.theory.terms import Writer

__all__ = ["Chain", "Move", "PathChain", "PathMove", "PathRun", "Proof", "Step"]


@dataclass(frozen=True, slots=True)
class Step:
    """One use of one law: `before` becomes `after` by replacing, at `place`, one side of the law by the
    other.

    `law` is the law's name; `forward` says whether its left side is replaced by its right. `place` leads to
    the term that is replaced: the output first, then at each application the number of the argument, from the
    outside inwards (for a path, the output 0 and one 0 for each generator that follows the rewritten part).
    `using` holds a morphism out of the common domain for every factor of the law's domain, also for those
    that occur on neither side.
    """

    law: str
    forward: bool
    before: Morphism
    after: Morphism
    place: tuple[int, ...]
    using: tuple[Morphism, ...]


class Move(NamedTuple):
    """A step as an engine finds it: what is put for the law's variables, and the whole after it.

    As normal forms.
    """

    law: str
    forward: bool
    place: tuple[int, ...]
    using: tuple[Term, ...]
    after: tuple[Term, ...]


class Chain(Sequence[Step]):
    """The steps of a proof, made when they are asked for: from left to right, each once in a pass."""

    __slots__ = ("_length", "_moves", "_start")

    def __init__(self, start: Morphism, length: int, moves: Callable[[], Iterator[Move]]) -> None:
        self._start = start
        self._length = length
        self._moves = moves

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[Step]:
        before = self._start
        cod = before.cod
        writer = Writer(before.dom)
        for law, forward, place, using, terms in self._moves():
            after = writer.write(cod, terms)
            named = tuple(writer.write(term.sort, (term,)) for term in using)
            yield Step(law, forward, before, after, place, named)
            before = after

    @overload
    def __getitem__(self, index: int) -> Step: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Step]: ...

    def __getitem__(self, index: int | slice) -> Step | Sequence[Step]:
        if isinstance(index, slice):
            return tuple(self)[index]
        position = index + self._length if index < 0 else index
        if not 0 <= position < self._length:
            raise IndexError(f"step {index} of a proof of {self._length} steps")
        return next(islice(self, position, None))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return f"<{self._length} steps>"


class PathMove(NamedTuple):
    """One use of an output of a path law in a word of generators, so many generators in."""

    law: str
    output: int
    forward: bool
    offset: int


class PathRun(NamedTuple):
    """Uses of path laws, one after the other, in the word of generators that ends at a place of the term."""

    place: tuple[int, ...]
    moves: tuple[PathMove, ...]


class PathChain(Chain):
    """Steps that all use laws between paths; `runs` says the same in short, and is what is checked.

    A step that changes one generator of a path of n changes up to n terms; words are changed at once.
    """

    __slots__ = ("runs",)

    def __init__(self, start: Morphism, runs: tuple[PathRun, ...], moves: Callable[[], Iterator[Move]]) -> None:
        super().__init__(start, sum(len(run.moves) for run in runs), moves)
        self.runs: tuple[PathRun, ...] = runs


@dataclass(frozen=True)
class Proof:
    """A chain of steps from `left` to `right`.

    `laws` are the presentation's as they stood when it was made.
    """

    presentation: Presentation = field(repr=False)
    left: Morphism
    right: Morphism
    steps: Sequence[Step]
    laws: Mapping[str, Law] = field(default=None, repr=False, compare=False)  # type: ignore[assignment]

    def __post_init__(self) -> None:
        if self.laws is None:
            object.__setattr__(self, "laws", self.presentation.laws_as_they_stand())
        if not isinstance(self.steps, Chain):
            object.__setattr__(self, "steps", tuple(self.steps))

    def check(self) -> None:
        """Replays the proof with nothing but the laws.

        Raises :class:`InvalidProof` where it does not hold.
        """
        if self.left.signature is not self.presentation.signature or not self.presentation.once_had(self.laws):
            raise InvalidProof(f"the sides, or the laws, of the proof are not those of {self.presentation.name}")
        try:
            if isinstance(self.steps, PathChain):
                check_path_proof(self.laws, self.left, self.right, self.steps.runs)
            else:
                check_proof(self.laws, self.left, self.right, self.steps)
        except (AttributeError, IndexError, KeyError, TypeError) as error:
            # Steps can be built by hand out of anything; what cannot be replayed proves nothing.
            raise InvalidProof(f"the steps of the proof are not well formed: {error}") from error

    def to_json(self) -> list[dict[str, Any]]:
        """One entry a step: the law's name, its direction, and the text of both sides of the step."""
        return [
            {"law": step.law, "forward": step.forward, "before": str(step.before), "after": str(step.after)}
            for step in self.steps
        ]

    def to_latex(self) -> str:
        """The chain as an `align*` environment, with the part that each step rewrites underlined."""
        return proof_as_latex(self)

    def __str__(self) -> str:
        return proof_as_text(self)

    def _repr_latex_(self) -> str | None:
        from learningdiagrams.theory.showing import proof_latex

        return proof_latex(self)

    def _repr_html_(self) -> str | None:
        from learningdiagrams.theory.showing import proof_html, proof_latex

        # A table only where the chain is too long for a formula: a notebook prefers HTML where there is both.
        return proof_html(self) if proof_latex(self) is None else None
