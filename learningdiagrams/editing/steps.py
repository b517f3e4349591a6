"""What an edit did: the diagrams before and after, a functor between them, and how numbers go over.

Most edits go one way: adding, replacing and tying map the diagram before into the one after, removing, untying and
folding the one after into the one before. The functor says both which numbers are whose and how the edit is taken back:
an undo is the same functor, read the other way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from learningdiagrams.diagram import Diagram
from learningdiagrams.editing.parts import KINDS, lines_of
from learningdiagrams.errors import DiagramError
from learningdiagrams.interpretation import Interpretation
from learningdiagrams.interpretation.pullback import pulled_parameters
from learningdiagrams.interpretation.roles import generators_used, image_problem
from learningdiagrams.theory.functors import Functor
from learningdiagrams.theory.morphisms import Morphism
from learningdiagrams.theory.terms import substitute

if TYPE_CHECKING:
    from learningdiagrams.editing.edits import Edit

__all__ = ["Edited", "Place", "Step", "checked_step"]

T = TypeVar("T")
Place = tuple[str, str]
"""A parameter or buffer: its generator and its name there."""


@dataclass(frozen=True, eq=False)
class Step:
    """One edit done.

    Attributes:
        functor: from `before` to `after`, or the other way.
        places: where numbers of `after` come from beside what the functor says: new place -> old place.
        verb: how messages call the edit.
    """

    before: Diagram
    after: Diagram
    functor: Interpretation
    places: Mapping[Place, Place]
    verb: str

    @property
    def forward(self) -> bool:
        return self.functor.source is self.before

    @cached_property
    def sources(self) -> dict[str, Morphism]:
        """For each generator of the diagram after that comes from the one before: the morphism there that it is."""
        found: dict[str, Morphism] = {}
        if not self.forward:
            for name, image in self.functor.morphisms.items():
                # What was one part of a composite, as what an adapter was put after, is that part.
                inside = image.name is None and name in {part.name for part in generators_used(image)}
                found[name] = self.before.generators[name] if inside else image
            return found
        for name, image in self.functor.morphisms.items():
            there = image.name
            if there is not None and (there not in found or there == name):
                found[there] = self.before.generators[name]
        for name in self.after.generators:
            if name not in found and name in self.before.generators:
                found[name] = self.before.generators[name]
        return {name: found[name] for name in self.after.generators if name in found}

    def carried(self, numbers: Mapping[str, Mapping[str, T]]) -> dict[str, dict[str, T]]:
        """{generator: {name: number}} of the diagram before as that of the diagram after."""
        told, moved = {name for name, _ in self.places}, set(self.places.values())
        pulled: dict[str, dict[str, T]] = {}
        if not self.forward:
            pulled = pulled_parameters(
                self.functor, {name: numbers[name] for name in self.before.generators if name in numbers}
            )
        found: dict[str, dict[str, T]] = {}
        for name, source in self.sources.items():
            if source.name is None:
                # A map that takes single numbers of a composite takes no others.
                found[name] = pulled.get(name, {}) if name not in told else {}
            elif source.name in numbers:
                table = numbers[source.name]
                found[name] = {key: value for key, value in table.items() if (source.name, key) not in moved}
        if self.forward:
            for name, image in self.functor.morphisms.items():
                # A map that was made of a composite has its parts' numbers under their names.
                for part in generators_used(image) if image.name is None else ():
                    if part.name not in self.sources and name not in {old for old, _ in moved}:
                        named = {
                            key.partition(".")[2]: value
                            for key, value in numbers.get(name, {}).items()
                            if key.startswith(f"{part.name}.")
                        }
                        if named:
                            found[part.name] = named
        for (name, key), (old, old_key) in self.places.items():
            if old_key in numbers.get(old, {}):
                found.setdefault(name, {})[key] = numbers[old][old_key]
        return found

    def undo(self) -> Edit:
        """The edit that takes this one back; raises :class:`DiagramError` where text cannot hold it."""
        from learningdiagrams.editing.edits import rewrite

        removed: list[str] = []
        added: list[tuple[str, str]] = []
        here, there = lines_of(self.before), lines_of(self.after)
        for kind in KINDS:
            old = {name: line for (each, name), line in here.items() if each == kind}
            new = [line for (each, _), line in there.items() if each == kind]
            matcher = SequenceMatcher(None, list(old.values()), new, autojunk=False)
            kept = {new[b + k] for _, b, size in matcher.get_matching_blocks() for k in range(size)}
            removed += [line for line in new if line not in kept]
            added += [
                (previous, line) for previous, line in zip(["", *old], old.values(), strict=False) if line not in kept
            ]
        for line in (*removed, *(line for _, line in added)):
            if "⟨" in line or "…" in line:
                raise DiagramError(
                    f"{self.verb}: `{line}` cannot be written as text (a function as comparator, or an expression of "
                    "millions of symbols), so that no edit takes this one back; keep the diagram before"
                )
        functor = self.functor
        sends = [(name, str(image)) for name, image in functor.objects.items() if str(image) != name]
        sends += [(name, image.text()) for name, image in functor.morphisms.items() if image.name != name]
        places = [(f"{a}.{b}", f"{c}.{d}") for (c, d), (a, b) in self.places.items()]
        return rewrite(removed, added, sends, not self.forward, places)


def checked_step(
    before: Diagram, after: Diagram, functor: Interpretation, verb: str, places: Mapping[Place, Place] | None = None
) -> Step:
    """A step whose functor has images with the right ends, of roles that are allowed; else an error."""
    changed = [name for name, image in functor.morphisms.items() if image.name != name]
    for name in changed:
        if not functor.is_typed(name):
            failure = next(it for it in Functor._examine_ends(functor)[name])
            raise DiagramError(f"{verb}: {failure.message}", name)
        problem = image_problem(functor.source, name, functor.morphisms, functor.target)
        if problem is not None:
            raise DiagramError(f"{verb}: {problem}", name)
    return Step(before, after, functor, places or {}, verb)


@dataclass(frozen=True, eq=False)
class Edited:
    """What an edit gave.

    Attributes:
        edit: the edit.
        before, diagram: the diagrams before and after it; the text of `diagram` is the whole record.
        steps: one for each single edit in turn.
        compiled: where a compiled diagram was edited, the edited one, compiled on the same backend.
        fresh: its parameters and buffers that no old number was carried to, as (generator, name).
        left: {generator: {name: array}} of the old numbers that have no place in it.
    """

    edit: Edit
    before: Diagram
    diagram: Diagram
    steps: tuple[Step, ...]
    compiled: Any = None
    fresh: tuple[Place, ...] = ()
    left: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: MappingProxyType({}))

    @cached_property
    def functors(self) -> tuple[Interpretation, ...]:
        """The functors between the diagrams: one, or for edits in turn that go either way, as few as there can be.

        Each says by `source` and `target` which way it goes; neighbours that go the same way are composed.
        """
        found: list[tuple[bool, Any]] = []
        for step in self.steps:
            if found and found[-1][0] == step.forward:
                last = found.pop()[1]
                found.append((step.forward, last >> step.functor if step.forward else step.functor >> last))
            else:
                found.append((step.forward, step.functor))
        return tuple(functor for _, functor in found)

    @cached_property
    def undo(self) -> Edit:
        """The edit that takes this one back, by itself: it can be saved, and done where this one has been.

        `edit(e.compiled, e.undo, numbers=e.left)` gives the numbers back too that had no place meanwhile.
        """
        from learningdiagrams.editing.edits import sequence

        undos = [step.undo() for step in reversed(self.steps)]
        return undos[0] if len(undos) == 1 else sequence(*undos)

    def carry(self, numbers: Mapping[str, Mapping[str, T]]) -> dict[str, dict[str, T]]:
        """Parameters or buffers {generator: {name: array}} of the diagram before as those of the diagram after.

        A generator that became a composite of several, or is made of one, has numbers `generator.parameter`.
        """
        found = {name: dict(table) for name, table in numbers.items()}
        for step in self.steps:
            found = step.carried(found)
        return found

    def source(self, name: str) -> Morphism | None:
        """The morphism of the diagram before that a generator of the diagram after is, or None for a new one."""
        found = self.steps[-1].sources.get(name) if self.steps else self.before.generators.get(name)
        for step in reversed(self.steps[:-1]):
            if found is None or any(it.name not in step.sources for it in generators_used(found)):
                return None
            earlier = step.before
            factors = earlier.presentation.signature.product
            objects = step.functor.objects
            back = {str(image): sort for sort, image in objects.items()} if step.forward else {}

            def end(
                obj: Any, step: Step = step, back: Any = back, objects: Any = objects, factors: Any = factors
            ) -> Any:
                if not step.forward:
                    return factors(f for s in obj.factors for f in objects[s.name].factors)
                return factors(step.before.sorts[back.get(s.name, s.name)] for s in obj.factors)

            found = substitute(found, end, lambda generator, step=step: step.sources[generator.name])
        return found

    def __str__(self) -> str:
        lines = [f"{self.edit}: {self.before.name} -> {self.diagram.name}"]
        if self.compiled is not None:
            new = ", ".join(f"{name}.{key}" for name, key in self.fresh)
            old = ", ".join(f"{name}.{key}" for name, table in self.left.items() for key in table)
            lines += [f"  new numbers: {new or 'none'}", f"  not carried: {old or 'none'}"]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<Edited {self.diagram.name}: {self.edit}>"

    def _repr_html_(self) -> str:
        from learningdiagrams.drawing.notebooks import edited_html

        return edited_html(self)
