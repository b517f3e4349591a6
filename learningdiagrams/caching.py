"""Values that training never changes, found in a plan: they may be computed once for each row and kept.

A value is such where every map on the way to it stays as it is and takes each row by itself, and it starts at data (not
at noise, which is drawn afresh) of one sample object. Of a path of such maps the last value alone is kept: in the plan
that is left it is an `Input` whose name is the path. Knows no tensor: whether a map stays as it is, and takes each row
by itself, is asked of whoever has the maps.

>>> from learningdiagrams.diagram import Diagram
>>> from learningdiagrams.plan import make_plan
>>> d = Diagram("Distillation")
>>> S, X, Y = d.objects("Sample", "Image", "Logits")
>>> pixels, label = d.data("pixels", S, X), d.data("label", S, Y)
>>> teacher, student = d.frozen("teacher", X, Y), d.model("student", X, Y)
>>> _ = d.goal("hard", pixels >> student, label, by="cross_entropy")
>>> _ = d.goal("soft", pixels >> student, pixels >> teacher, by="kl(temperature=4)", weight=0.7)
>>> print(kept_apart(make_plan(d, d.goals.values()), lambda generator: None).plan)
v0 = pixels                     data    : Sample -> Image
v1 = student(v0)                model   : Image -> Logits   moves student
v2 = label                      data    : Sample -> Logits
v3 = pixels >> teacher          given
hard = cross_entropy(v1, v2)
soft = kl(temperature=4)(v1, v3)
cache: pixels >> teacher is computed once for each row of Sample
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from learningdiagrams.plan import ENDLESS, Apply, Expand, Input, Plan, Step, only, path_of, reads

__all__ = ["Kept", "KeptApart", "kept_apart"]

LONGEST: Final = 200
"""The most maps of a path that is a name; a value with a longer one is not kept."""
STILL: Final = frozenset({"frozen", "fixed", "model"})
"""The roles of maps that may stay as they are: a model does in a stage that does not move it."""

Refuse = Callable[[str], str | None]
"""The reason why the values of a map are not to be kept, or None."""


@dataclass(frozen=True)
class Kept:
    """A value that is computed once for each row.

    Attributes:
        name: the path to it, under which a batch holds it.
        sample: the sample object whose rows it is computed for.
        value: its number in the plan that it was taken out of.
    """

    name: str
    sample: str
    value: int


@dataclass(frozen=True)
class KeptApart:
    """A plan whose unchanging values are inputs, and what computes those.

    Attributes:
        plan: what is left; its notes say what is kept, and what is not, and why.
        kept: by name.
        whole: the plan before.
    """

    plan: Plan
    kept: Mapping[str, Kept]
    whole: Plan

    def computing(self, names: Sequence[str]) -> Plan:
        """The plan that computes these of the kept values, its outputs in their order."""
        return only(self.whole, tuple(self.kept[name].value for name in names))


class _Constant:
    """Stands for the sample object of what depends on no data."""


CONSTANT: Final = _Constant()
Source = str | _Constant | None
"""The sample object that a value is computed for; CONSTANT; or None for a value that may not be kept."""


def kept_apart(plan: Plan, refuse: Refuse, chosen: Collection[str] | None = None) -> KeptApart:
    """Takes out of a plan what need not be computed at every step.

    Args:
        refuse: why a map's values are not to be kept, or None. It is asked only of maps that no gradient reaches here.
        chosen: the only values to be kept, by name, as an earlier call gave them; None for all.
    """
    sources, reasons = _sources(plan, refuse)
    wanted = {value for compare in plan.compares for pair in compare.pairs for side in pair for value in side}
    wanted.update(plan.outputs)
    kept: dict[int, Kept] = {}
    steps: list[Step] = []
    for step in reversed(plan.steps):
        ours = [out for out in reversed(step.outs) if out in wanted]
        if not ours:
            continue
        source = sources[step.outs[0]]
        if isinstance(step, Apply) and isinstance(source, str):
            found = [Kept(path_of(plan, out, LONGEST), source, out) for out in ours]
            if all(ENDLESS not in each.name and (chosen is None or each.name in chosen) for each in found):
                kept.update(zip(ours, found, strict=True))
                steps += [Input((out,), each.name) for out, each in zip(ours, found, strict=True)]
                continue
        steps.append(step)
        wanted.update(reads(step))
    makers = {out: step for step in plan.steps for out in step.outs}
    notes = [f"cache: {each.name} is computed once for each row of {each.sample}" for each in reversed(kept.values())]
    used = {step.generator for value in wanted for step in [makers[value]] if isinstance(step, Apply)}
    notes += [f"cache: values of {name} are not kept: {reason}" for name, reason in reasons.items() if name in used]
    made = replace(plan, steps=tuple(reversed(steps)), notes=(*plan.notes, *notes))
    return KeptApart(made, {each.name: each for each in reversed(kept.values())}, plan)


def _sources(plan: Plan, refuse: Refuse) -> tuple[dict[int, Source], dict[str, str]]:
    """The source of each value, and for each map that could stay as it is why its values are not kept."""
    roles, generators = plan.diagram.roles, plan.diagram.generators
    sources: dict[int, Source] = {}
    reasons: dict[str, str] = {}
    moved = set(plan.moved)
    for step in plan.steps:
        if isinstance(step, Input):
            held = step.generator in roles and roles[step.generator] == "data"
            source: Source = str(generators[step.generator].dom) if held else None
        elif isinstance(step, Apply):
            source = _together([sources[value] for value in step.arguments])
            name = step.generator
            if source is not None and roles[name] in STILL and name not in moved and not (step.live or step.flows):
                reason = refuse(name)
                if reason is not None:
                    source, reasons[name] = None, reason
            else:
                source = None
        elif isinstance(step, Expand):
            source = _together([sources[step.value], sources[step.like]])
        else:
            source = sources[step.value]
        sources.update(dict.fromkeys(step.outs, source))
    return sources, reasons


def _together(sources: Collection[Source]) -> Source:
    """The source of what is made of values with these sources: they are to be rows of one sample object."""
    samples = {source for source in sources if source is not CONSTANT}
    if not samples:
        return CONSTANT
    return samples.pop() if len(samples) == 1 else None
