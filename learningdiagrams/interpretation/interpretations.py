"""Functors that carry roles, laws and goals: what they are, and what is wrong with one that does not."""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from learningdiagrams.declarations import Goal
from learningdiagrams.diagram import Diagram
from learningdiagrams.errors import DiagramError
from learningdiagrams.examination import players, premises, translated
from learningdiagrams.interpretation.roles import generators_used, image_problem, sort_problem
from learningdiagrams.interpretation.shapes import Pulled, declared_failures
from learningdiagrams.plan import sampled
from learningdiagrams.theory.csets import CSet, Homomorphism
from learningdiagrams.theory.deciding import Proved
from learningdiagrams.theory.failures import Failure, judged
from learningdiagrams.theory.functors import Functor
from learningdiagrams.theory.morphisms import Morphism, Object, brief
from learningdiagrams.theory.proofs import Proof
from learningdiagrams.theory.terms import unmarked

if TYPE_CHECKING:
    from learningdiagrams.carried import Carried
    from learningdiagrams.compiled import Compiled

__all__ = ["Claim", "Interpretation", "claims", "interpret", "is_played"]

UNPLAYED: Final = (
    "goal `{name}` plays against another, so that nothing proves it; {target} would have to play its image "
    "`{left} = {right}` by {models}, and does not"
)


def interpret(
    source: Diagram,
    target: Diagram,
    objects: Mapping[Any, str | Object] | None = None,
    morphisms: Mapping[Any, str | Morphism] | None = None,
) -> Interpretation:
    """The interpretation of one diagram in another with these images; what is wrong with it, `failures()` says.

    Keys are names or values of `source`; values are names, values or expressions of `target`, such as
    "backbone >> head". What is left out goes to what has its name in `target`.

    Raises:
        TheoryError: a name that is unknown or given twice, or an image that is missing.
        LanguageError: an expression that cannot be read.
    """
    return Interpretation(source, target, objects, morphisms)


class Claim(NamedTuple):
    """A law or a goal of an interpretation's source, by `kind` and name, with two sides."""

    kind: str
    name: str
    left: Morphism
    right: Morphism


def claims(diagram: Diagram) -> list[Claim]:
    """What a diagram says: its laws and goals, a goal `on d` as the equation after d, once for each d."""
    found = [Claim("law", law.name, law.left, law.right) for law in diagram.laws.values()]
    for goal in diagram.goals.values():
        found += (Claim("goal", goal.name, left, right) for left, right in sampled(goal))
    return found


class Interpretation(Functor):
    """A functor of the presentations of two diagrams that carries laws and goals to provable equations.

    Calling it gives images of objects and morphisms; `i >> j` is the composite.

    Attributes:
        source, target: the diagrams; `dom` and `cod` are their presentations.
    """

    __slots__ = ("source", "target")
    source: Diagram
    target: Diagram

    def __init__(
        self,
        source: Diagram,
        target: Diagram,
        objects: Mapping[Any, str | Object] | None = None,
        morphisms: Mapping[Any, str | Morphism] | None = None,
    ) -> None:
        self.source, self.target = source, target
        given = {key: target.parse(value) for key, value in (morphisms or {}).items()}
        super().__init__(
            source.presentation,
            target.presentation,
            _completed(objects or {}, source.sorts, target.sorts),
            _completed(given, source.generators, target.generators),
        )

    @classmethod
    def between(
        cls, source: Diagram, target: Diagram, sorts: dict[str, Object], images: dict[str, Morphism]
    ) -> Interpretation:
        """The interpretation with these tables, which have to be complete, in order, by name and of values."""
        made = cls.from_tables(source.presentation, target.presentation, sorts, images)
        assert isinstance(made, Interpretation)
        made.source, made.target = source, target
        return made

    @classmethod
    def identity(cls, diagram: Diagram) -> Interpretation:  # type: ignore[override]  # that of a diagram
        """The identity interpretation of a diagram.

        >>> d = Diagram()
        >>> (A,) = d.objects("A")
        >>> Interpretation.identity(d)(A) is A
        True
        """
        return cls.between(diagram, diagram, dict(diagram.sorts), dict(diagram.generators))

    def __rshift__(self, other: Functor) -> Functor:
        made = super().__rshift__(other)
        if not isinstance(made, Functor) or not isinstance(other, Interpretation):
            return made
        return Interpretation.between(self.source, other.target, dict(made.objects), dict(made.morphisms))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.source.name} in {self.target.name}>"

    # What it carries -------------------------------------------------------------------------------------------------

    def failures(self, max_seconds: float = 10.0) -> list[Failure]:
        """Everything that keeps this from being an interpretation; [] when nothing does.

        Kinds: those of functors ("domain", "codomain", "law", "undecided"); "goal": the target's laws and goals
        do not prove the image of a goal, even if each goal held; "role": an object or a generator goes where its
        role does not allow; "shape": declared shapes or kinds of number of an object and of its image disagree, or
        a map's image takes or gives other shapes than the source declares. Equations with a generator whose image
        has wrong ends are not judged. `max_seconds` is the time for all equations together.
        """
        self._require_whole()
        end = time.monotonic() + max_seconds
        found = [failure for failures in self._ends.values() for failure in failures] + self._role_failures()
        found += self.shape_failures()
        known = premises(self.target)
        images = self.images()
        games = {name for name in players(self.source) if not self._is_ill(self.source.goals[name])}
        played = {name for name in games if is_played(self, self.source.goals[name])}
        for kind, whose in (("law", "its image"), ("goal", "its image")):
            mine = [
                (it.name, translated(it.left, known), translated(it.right, known))
                for it in images
                if it.kind == kind and it.name not in played
            ]
            # Laws come first and leave goals their share of the time.
            rest = sum(it.kind == "goal" for it in images) if kind == "law" else 0
            seconds = max(0.0, end - time.monotonic()) * len(mine) / max(1, len(mine) + rest)
            found += judged(known, mine, kind, kind + " `{}`", whose, seconds)
        return [self._unplayed(failure) if failure.what in games - played else failure for failure in found]

    def shape_failures(self) -> list[Failure]:
        """The failures of kind "shape": what declarations contradict; where they agree, what the images' layers do."""
        found = list(declared_failures(self.source, self.target, self.objects, self.morphisms))
        if (
            found
            or not all(map(self.is_typed, self.morphisms))
            or any(len(to.factors) != 1 for to in self.objects.values())
        ):
            return found
        return Pulled(self.source, self.target).failures(self.morphisms)

    def proofs(self, max_seconds: float = 10.0) -> dict[str, tuple[Proof, ...]]:
        """For each law and goal of the source the proofs of its image: one, or one for each `on` of the goal.

        They are proofs in the target's :func:`~learningdiagrams.examination.hypothesis`, where goals are laws. A
        goal that is played has none, and so has what is not proved in `max_seconds`.
        """
        end = time.monotonic() + max_seconds
        known = premises(self.target)
        found: dict[str, tuple[Proof, ...]] = {}
        for it in self.images():
            sides = translated(it.left, known), translated(it.right, known)
            verdict = known.prove(*sides, max_seconds=max(0.0, end - time.monotonic()))
            if isinstance(verdict, Proved):
                found[it.name] = (*found.get(it.name, ()), verdict.proof)
        return found

    def images(self) -> list[Claim]:
        """The images of the source's laws and goals, of those whose generators have images with the right ends."""
        return [
            Claim(kind, name, self(left), self(right))
            for kind, name, left, right in claims(self.source)
            if not self._ill(left) and not self._ill(right)
        ]

    def _is_ill(self, goal: Goal) -> bool:
        return any(self._ill(side) for sides in sampled(goal) for side in sides)

    def _role_failures(self) -> list[Failure]:
        found = []
        for name, image in self.objects.items():
            problem = sort_problem(self.source, name, image, self.target)
            if problem is not None:
                found.append(Failure("role", name, self.source.sorts[name], image, problem))
        for name, image in self.morphisms.items():
            problem = image_problem(self.source, name, self.morphisms, self.target) if self.is_typed(name) else None
            if problem is not None:
                found.append(Failure("role", name, self.source.generators[name], image, problem))
        return found

    def _unplayed(self, failure: Failure) -> Failure:
        models = ", ".join(f"`{name}`" for name in sorted(_moved(self, self.source.goals[failure.what]))) or "nobody"
        message = UNPLAYED.format(
            name=failure.what, target=self.target.name, models=models,
            left=brief(failure.left), right=brief(failure.right),
        )  # fmt: skip
        return Failure(failure.kind, failure.what, failure.left, failure.right, message, failure.verdict)

    # What is pulled back along it ------------------------------------------------------------------------------------

    def pull(self, value: Any) -> Any:
        """What the target has, as the source has it: first this interpretation, then the value.

        - A compiled target gives a compiled source, on the same backend, without training: its maps are the
          composites that this interpretation says, on copies of the numbers as they are now, so that neither
          changes the other.
        - Parameters {generator: {parameter: array}} of the target give those of the source; a composite's are named
          `generator.parameter`.
        - Finite models and their homomorphisms, as for any functor.

        Raises:
            DiagramError: this is no interpretation, or sends an object to a product; a compiled diagram of another
                diagram, or one that lacks a map.
        """
        from learningdiagrams.interpretation.pullback import pulled_compiled, pulled_parameters

        if isinstance(value, Mapping):
            return pulled_parameters(self, value)
        if hasattr(value, "maps") and hasattr(value, "diagram"):
            return pulled_compiled(self, value)
        if not isinstance(value, CSet | Homomorphism):
            raise DiagramError(
                f"{value!r} is nothing to pull back: that is a compiled diagram, parameters or a finite model"
            )
        return super().pull(value)

    def bounds(
        self,
        compiled: Compiled,
        data: Any = None,
        *,
        lipschitz: Mapping[str, float] | None = None,
        rows: int = 1024,
        max_seconds: float = 10.0,
    ) -> Carried:
        """How far each law and goal of the source, read in a trained target, is from holding, and how far it can be.

        The bound is that of its proof from what the target's goals are off; the distance of both sides, which are those
        of the pulled-back source, stands beside it (:mod:`learningdiagrams.carried`).

        Args:
            data: of the target: arrays by name, a loader; None for the sources that it names.
            lipschitz: constants of the target's maps that are known, in the Euclidean norm; others are estimated on
                the rows, and each bound says which.
            rows: of each sample object.
            max_seconds: for finding proofs.

        Raises:
            DiagramError: as for `pull`; a constant that the rows contradict.
        """
        from learningdiagrams.carried import carried

        return carried(self, compiled, data, lipschitz, rows, max_seconds)


def is_played(i: Interpretation, goal: Goal) -> bool:
    """Whether the target plays the image of a goal: the same equations up to its laws, moved by the same models."""
    mine = [(unmarked(i(left)), unmarked(i(right))) for left, right in sampled(goal)]
    games = players(i.target)
    for name, other in i.target.goals.items():
        if name in games and set(other.train or ()) == _moved(i, goal):
            theirs = [(unmarked(left), unmarked(right)) for left, right in sampled(other)]
            if _among(i.target, mine, theirs) and _among(i.target, theirs, mine):
                return True
    return False


def _moved(i: Interpretation, goal: Goal) -> set[str]:
    """The models in the images of those that a goal moves."""
    images = (i.morphisms[name] for name in goal.train or ())
    names = (generator.name for image in images for generator in generators_used(image))
    return {name for name in names if i.target.roles[name] == "model"}


def _among(target: Diagram, some: Iterable[tuple[Morphism, ...]], all_: list[tuple[Morphism, ...]]) -> bool:
    return all(any(_same(target, a, c) and _same(target, b, d) for c, d in all_) for a, b in some)


def _same(target: Diagram, one: Morphism, other: Morphism) -> bool:
    """Whether two morphisms are equal by the target's laws, as far as a short time tells."""
    if one.dom is not other.dom or one.cod is not other.cod:
        return False
    return one == other or bool(target.laws and target.presentation.prove(one, other, max_seconds=0.5))


def _completed(given: Mapping[Any, Any], mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[Any, Any]:
    """A table with the names that it leaves out sent to what has them on the other side."""
    named = {
        unicodedata.normalize("NFKC", key) if isinstance(key, str) else getattr(key, "name", None) for key in given
    }
    return {**given, **{name: theirs[name] for name in mine if name not in named and name in theirs}}
