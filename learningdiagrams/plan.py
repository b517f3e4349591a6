"""Plans: goals made into one table of steps in static single assignment form. Knows no tensor.

A plan says what is computed, each thing once: `Input` (a batch's data or noise), `Apply` (a map to values), `Expand` (a
constant to the size of a batch), `Stop` (a value through which no gradient passes) and `Compare` (two sides of an
equation). Every backend does what the table says; the loss is the weighted sum of the goals' comparisons.

Values that depend on the batch have a batch axis; the value of a map out of 1 is given a batch axis of one.

**Gradients.** An equation moves certain models only. A value is therefore computed once for each set of models that it
has to carry gradients to: a *variant*, keyed by (normal form, moved models that it depends on). `Apply.live` says
whether
gradients reach the map's own parameters, `Apply.flows` whether they pass through it. A value that moves nothing is any
other variant of it, stopped, so that two uses of one map with different gradients share their values, never their
gradients.

>>> from learningdiagrams.diagram import Diagram
>>> d = Diagram("Distillation")
>>> S, X, Y = d.objects("Sample", "Image", "Logits")
>>> pixels, label = d.data("pixels", S, X), d.data("label", S, Y)
>>> teacher, student = d.frozen("teacher", X, Y), d.model("student", X, Y)
>>> _ = d.goal("hard", pixels >> student, label, by="cross_entropy")
>>> _ = d.goal("soft", pixels >> student, pixels >> teacher, by="kl(temperature=4)", weight=0.7)
>>> print(make_plan(d, d.goals.values()))
v0 = pixels                     data    : Sample -> Image
v1 = student(v0)                model   : Image -> Logits   moves student
v2 = label                      data    : Sample -> Logits
v3 = teacher(v0)                frozen  : Image -> Logits
hard = cross_entropy(v1, v2)
soft = kl(temperature=4)(v1, v3)
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final, TypeAlias

from learningdiagrams.declarations import Goal, Measure
from learningdiagrams.errors import DiagramError
from learningdiagrams.losses import Comparator
from learningdiagrams.theory.morphisms import Generator, Morphism, Object, Term
from learningdiagrams.theory.presentations import Law
from learningdiagrams.theory.showing import Printed
from learningdiagrams.theory.terms import applications

if TYPE_CHECKING:
    from learningdiagrams.diagram import Diagram
    from learningdiagrams.rewriting import Rewriting

__all__ = [
    "Apply",
    "Compare",
    "Expand",
    "Input",
    "Plan",
    "Side",
    "Step",
    "Stop",
    "depends_on_input",
    "make_plan",
    "only",
    "path_of",
    "plan_morphism",
    "reads",
    "sampled",
]

Side: TypeAlias = tuple[Object, tuple[Term, ...]]
"""One side of an equation as it is computed: the normal form of a morphism out of an object."""


@dataclass(frozen=True)
class Input:
    """The batch's value of a data or noise generator; several outputs where its codomain is a product."""

    outs: tuple[int, ...]
    generator: str


@dataclass(frozen=True)
class Apply:
    """A map at values, one for each factor of its domain.

    Attributes:
        live: whether gradients reach the map's own parameters.
        flows: whether gradients pass through the map to its arguments.
    """

    outs: tuple[int, ...]
    generator: str
    arguments: tuple[int, ...]
    live: bool
    flows: bool


@dataclass(frozen=True)
class Expand:
    """A value with a batch axis of one, repeated to the batch size of the value `like`."""

    outs: tuple[int, ...]
    value: int
    like: int


@dataclass(frozen=True)
class Stop:
    """The same value, through which no gradient passes."""

    outs: tuple[int, ...]
    value: int


Step = Input | Apply | Expand | Stop


@dataclass(frozen=True)
class Compare:
    """An equation's comparison: the mean over `pairs` (one for each `on`) and over the factors of a product.

    Attributes:
        pairs: for each `on`, the values of the left side and of the right side, one for each factor of the codomain.
        gradient: whether any gradient leaves it.
        sample: the names of the sample objects that a batch has to hold for it; none for an equation out of 1.
    """

    name: str
    by: Comparator
    pairs: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]
    gradient: bool
    samples: frozenset[str]


@dataclass(frozen=True)
class Plan(Printed):
    """A table of steps, the comparisons made of their values, and values wanted for themselves.

    Attributes:
        dropped: goals left out since their sides are equal and their comparator vanishes there, with that reason.
        rewritten: goals with a side that was replaced by an equal one, with the laws that were used.
        outputs: the values wanted by :func:`plan_morphism`.
        notes: what passes did, and what they left alone and why, a line each.
    """

    diagram: Diagram = field(repr=False, compare=False)
    steps: tuple[Step, ...]
    compares: tuple[Compare, ...] = ()
    dropped: Mapping[str, str] = field(default_factory=dict)
    rewritten: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    outputs: tuple[int, ...] = ()
    notes: tuple[str, ...] = field(default=(), compare=False)

    @cached_property
    def inputs(self) -> tuple[str, ...]:
        """The data and noise generators that a batch has to hold."""
        return tuple(step.generator for step in self.steps if isinstance(step, Input))

    @cached_property
    def generators(self) -> tuple[str, ...]:
        """The maps that are applied, each once, in order of use."""
        return tuple(dict.fromkeys(step.generator for step in self.steps if isinstance(step, Apply)))

    @cached_property
    def moved(self) -> tuple[str, ...]:
        """The models that gradients reach."""
        return tuple(dict.fromkeys(s.generator for s in self.steps if isinstance(s, Apply) and s.live))

    def __str__(self) -> str:
        """The plan as a person reads it."""
        rows = [_row(self.diagram, step) for step in self.steps]
        widths = [max((len(row[i]) for row in rows), default=0) for i in range(2)]
        lines = [f"{a:<{max(widths[0], 30)}}  {b:<{max(widths[1], 7)}} {c}".rstrip() for a, b, c in rows]
        for compare in self.compares:
            terms = [_comparison(compare.by, left, right) for left, right in compare.pairs]
            mean = terms[0] if len(terms) == 1 else f"mean({', '.join(terms)})"
            lines.append(f"{compare.name} = {mean}")
        lines += [f"{name}: left out, {reason}" for name, reason in self.dropped.items()]
        lines += [f"{name}: rewritten by {', '.join(laws)}" for name, laws in self.rewritten.items()]
        lines += self.notes
        return "\n".join(lines)


def _row(diagram: Diagram, step: Step) -> tuple[str, str, str]:
    outs = ", ".join(f"v{out}" for out in step.outs)
    if isinstance(step, Stop):
        return f"{outs} = stop(v{step.value})", "", ""
    if isinstance(step, Expand):
        return f"{outs} = v{step.value}", "", f"repeated to the batch of v{step.like}"
    if isinstance(step, Input) and step.generator not in diagram.generators:
        return f"{outs} = {step.generator}", "given", ""
    morphism = diagram.generators[step.generator]
    ends = f": {morphism.dom} -> {morphism.cod}"
    role = diagram.roles[step.generator]
    if isinstance(step, Input):
        return f"{outs} = {step.generator}", role, ends
    call = f"{step.generator}({', '.join(f'v{value}' for value in step.arguments)})"
    moves = f"   moves {step.generator}" if step.live else ""
    return f"{outs} = {call}", role, ends + moves


def _comparison(by: Comparator, left: tuple[int, ...], right: tuple[int, ...]) -> str:
    terms = [f"{by}(v{a}, v{b})" for a, b in zip(left, right, strict=True)]
    return terms[0] if len(terms) == 1 else f"mean({', '.join(terms)})"


def reads(step: Step) -> tuple[int, ...]:
    """The values that a step is made from."""
    if isinstance(step, Apply):
        return step.arguments
    if isinstance(step, Expand):
        return step.value, step.like
    return (step.value,) if isinstance(step, Stop) else ()


def only(plan: Plan, values: Sequence[int]) -> Plan:
    """A plan that computes these values of another, and only what they need."""
    wanted = set(values)
    steps: list[Step] = []
    for made in reversed(plan.steps):
        if wanted.intersection(made.outs):
            steps.append(made)
            wanted.update(reads(made))
    return Plan(plan.diagram, tuple(reversed(steps)), outputs=tuple(values))


ENDLESS: Final = "…"
"""Stands in :func:`path_of` for what is left out."""


def path_of(plan: Plan, value: int, limit: int = 30) -> str:
    """The expression whose value this is, for an error message: at most some `limit` maps of it."""
    makers = {out: step for step in plan.steps for out in step.outs}
    tail: list[str] = []
    while len(tail) < limit:
        step = makers[value]
        if isinstance(step, Stop | Expand):
            value = step.value
            continue
        tail.append(step.generator)
        if len(step.outs) > 1:
            factors = plan.diagram.generators[step.generator].cod
            tail[-1] += f" >> proj({factors}, {step.outs.index(value)})"
        arguments = step.arguments if isinstance(step, Apply) else ()
        if len(arguments) > 1:
            # Arguments share what is left, so that a term that doubles forty times is no longer than any other.
            share = (limit - len(tail)) // len(arguments)
            tail.append(f"({' & '.join(path_of(plan, argument, share) for argument in arguments)})")
        if len(arguments) != 1:
            break
        value = arguments[0]
    else:
        tail.append(ENDLESS)
    return " >> ".join(reversed(tail))


def make_plan(
    diagram: Diagram,
    equations: Iterable[Goal | Measure | Law],
    moves: Collection[str] | None = None,
    keep_equal: bool = False,
    by: Mapping[str, Comparator] | None = None,
    on: Mapping[str, tuple[Morphism, ...]] | None = None,
    rewriting: Rewriting | None = None,
) -> Plan:
    """The plan of these equations.

    Args:
        moves: the models that may be moved; None for all. A goal with `train` moves those among them only; measures
            and laws move nothing.
        keep_equal: whether goals with two equal sides are kept although their comparator vanishes there.
        by, on: comparators and sampling for laws, which declare none, by name.
        rewriting: what replaces sides of goals by laws, and goals that are left out, see
            :mod:`learningdiagrams.rewriting`; nothing, if not given.

    Raises:
        DiagramError: a map without a role, or values wanted of a sample object, naming the equation.
    """
    builder = _Builder(diagram)
    allowed = builder.mask(builder.bits if moves is None else moves)
    wanted: list[
        tuple[Goal | Measure | Law, Comparator, int, list[tuple[Object, tuple[Term, ...], tuple[Term, ...]]]]
    ] = []
    dropped: dict[str, str] = {}
    rewritten: dict[str, tuple[str, ...]] = {}
    for equation in equations:
        if rewriting is not None and equation.name in rewriting.dropped:
            dropped[equation.name] = rewriting.dropped[equation.name]
            continue
        comparator = (by or {})[equation.name] if isinstance(equation, Law) else equation.by
        pairs = [(left.dom, left.terms, right.terms) for left, right in sampled(equation, on)]
        if rewriting is not None and equation.name in rewriting.laws:
            sides = rewriting.sides
            pairs = [(dom, sides.get((dom, a), a), sides.get((dom, b), b)) for dom, a, b in pairs]
            rewritten[equation.name] = rewriting.laws[equation.name]
        if isinstance(equation, Goal) and not keep_equal and comparator.vanishes and all(a == b for _, a, b in pairs):
            dropped[equation.name] = f"its sides are equal and {comparator} vanishes there, with its gradient"
            continue
        for _, left, right in pairs:
            builder.check(equation.name, left + right)
        mask = allowed if isinstance(equation, Goal) else 0
        if isinstance(equation, Goal) and equation.train is not None:
            mask &= builder.mask(equation.train)
        wanted.append((equation, comparator, mask, pairs))
        for _, left, right in pairs:
            builder.need(left + right, mask)
    compares = []
    for equation, comparator, mask, pairs in wanted:
        values = [builder.sides(left, right, mask) for _, left, right in pairs]
        gradient = any(builder.up[term] & mask for _, left, right in pairs for term in left + right)
        samples = frozenset(dom.name for dom, _, _ in pairs if dom.factors)
        compares.append(Compare(equation.name, comparator, tuple(values), gradient, samples))
    return Plan(diagram, tuple(builder.steps), tuple(compares), dropped, rewritten)


def sampled(
    equation: Goal | Measure | Law, on: Mapping[str, tuple[Morphism, ...]] | None = None
) -> list[tuple[Morphism, Morphism]]:
    """The sides of an equation as they are compared, once for each morphism that it is sampled along."""
    along = (on or {}).get(equation.name, ()) if isinstance(equation, Law) else equation.on
    if not along:
        return [(equation.left, equation.right)]
    return [(morphism >> equation.left, morphism >> equation.right) for morphism in along]


def plan_morphism(diagram: Diagram, morphism: Morphism, passing: bool = False) -> Plan:
    """The plan of one morphism's value. Where its source is no sample object, inputs are named "0", "1" … by
    position.

    With `passing`, gradients reach all of its maps and pass through them, except where it says stop.
    """
    builder = _Builder(diagram, arguments=morphism.dom not in diagram.sample_objects, passing=passing)
    builder.check(str(morphism), morphism.terms)
    outputs = tuple(builder.value(term, 0) for term in morphism.terms)
    return Plan(diagram, tuple(builder.steps), outputs=outputs)


def depends_on_input(term: Term) -> bool:
    """Whether a value depends on what its morphism is applied to; constants, made by maps out of 1, do not."""
    return any(part.head is None for part in applications([term]))


class _Builder:
    """Steps under construction; `arguments` makes variables inputs of their own, `passing` all maps live."""

    def __init__(self, diagram: Diagram, arguments: bool = False, passing: bool = False) -> None:
        self.diagram = diagram
        self.arguments = arguments
        self.passing = passing
        self.steps: list[Step] = []
        self.bits = {name: 1 << i for i, name in enumerate(diagram.models)}
        self.up: dict[Term, int] = {}
        self.batched: dict[Term, bool] = {}
        self.variants: dict[Term, list[int]] = {}
        """The variants of each term that carry gradients and will be computed."""
        self.numbers: dict[tuple[Term, int], int] = {}
        self.outputs: dict[tuple[Generator, tuple[Term, ...], int], tuple[int, ...]] = {}
        self.expanded: dict[tuple[int, int], int] = {}
        self.next = 0
        self.like: int | None = None

    def mask(self, names: Collection[str]) -> int:
        """A set of models as bits; what is no model is not in it."""
        mask = 0
        for name in names:
            mask |= self.bits.get(name, 0)
        return mask

    def check(self, where: str, terms: tuple[Term, ...]) -> None:
        """Computes what each sub-term depends on; raises where one has no value."""
        for term in applications(terms):
            if term in self.up:
                continue
            head = term.head
            if head is None:
                self.up[term], self.batched[term] = 0, True
            elif isinstance(head, str):
                self.up[term], self.batched[term] = 0, self.batched[term.args[0]]
            else:
                role = self.diagram.roles[head.name]
                if role == "map":
                    right = "declare it as data, model, frozen or fixed to compute it"
                    raise DiagramError(f"{where}: `{head.name}` has no role; {right}", head.name)
                above = self.bits.get(head.name, 0)
                for arg in term.args:
                    above |= self.up[arg]
                self.up[term] = above
                self.batched[term] = any(self.batched[arg] for arg in term.args)
                source = role in ("data", "noise")
                self._check_sample(where, term.args, source)
        self._check_sample(where, terms, False)

    def _check_sample(self, where: str, terms: tuple[Term, ...], source: bool) -> None:
        for term in terms:
            if not source and not self.arguments and term.head is None:
                raise DiagramError(f"{where}: {term.sort} is a sample object and holds no values to compute with")

    def need(self, terms: tuple[Term, ...], mask: int) -> None:
        """Records the variants with gradients that these terms want computed."""
        stack = [(term, mask & self.up[term]) for term in terms]
        while stack:
            term, variant = stack.pop()
            have = self.variants.setdefault(term, [])
            if not variant or variant in have:
                continue
            have.append(variant)
            stack += [(arg, variant & self.up[arg]) for arg in term.args]

    def sides(
        self, left: tuple[Term, ...], right: tuple[Term, ...], mask: int
    ) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The values of both sides, constants repeated to the batch where the other side has one."""
        lefts = [self.value(term, mask & self.up[term]) for term in left]
        rights = [self.value(term, mask & self.up[term]) for term in right]
        for i, (a, b) in enumerate(zip(left, right, strict=True)):
            if self.batched[a] and not self.batched[b]:
                rights[i] = self._expand(rights[i], lefts[i])
            elif self.batched[b] and not self.batched[a]:
                lefts[i] = self._expand(lefts[i], rights[i])
        return tuple(lefts), tuple(rights)

    def value(self, root: Term, variant: int) -> int:
        """The number of the value of a term that carries gradients to the models of `variant`, computed if need be."""
        stack = [(root, variant)]
        while stack:
            term, bits = stack[-1]
            if (term, bits) in self.numbers:
                stack.pop()
                continue
            wanted = self._parts(term, bits)
            missing = [part for part in wanted if part not in self.numbers]
            if missing:
                stack += reversed(missing)
                continue
            stack.pop()
            self.numbers[term, bits] = self._emit(term, bits, [self.numbers[part] for part in wanted])
        return self.numbers[root, variant]

    def _parts(self, term: Term, bits: int) -> list[tuple[Term, int]]:
        """The values from which this one is made: another variant of it to stop, or its arguments."""
        if not bits and self.variants.get(term):
            return [(term, self.variants[term][0])]
        if isinstance(term.head, str):
            return [(term.args[0], 0)]
        if term.head is not None and self.diagram.roles[term.head.name] in ("data", "noise"):
            return []
        return [(arg, bits & self.up[arg]) for arg in term.args]

    def _emit(self, term: Term, bits: int, parts: list[int]) -> int:
        if not bits and self.variants.get(term):
            return self._step(Stop, 1, value=parts[0])[0]
        if isinstance(term.head, str):
            return self._step(Stop, 1, value=parts[0])[0] if self.passing else parts[0]
        if term.head is None:
            return self._step(Input, 1, generator=str(term.index))[0]
        head, key = term.head, (term.head, term.args, bits)
        if key not in self.outputs:
            if self.diagram.roles[head.name] in ("data", "noise"):
                made = self._step(Input, len(head.cod.factors), generator=head.name)
            else:
                made = self._step(
                    Apply,
                    len(head.cod.factors),
                    generator=head.name,
                    arguments=self._together(term.args, parts),
                    live=self.passing or bool(bits & self.bits.get(head.name, 0)),
                    flows=self.passing or any(bits & self.up[arg] for arg in term.args),
                )
            self.outputs[key] = made
        return self.outputs[key][term.index]

    def _together(self, terms: tuple[Term, ...], values: list[int]) -> tuple[int, ...]:
        """Arguments of one call: constants are repeated to the batch where another argument has one."""
        like = next((value for term, value in zip(terms, values, strict=True) if self.batched[term]), None)
        if like is None:
            return tuple(values)
        return tuple(
            value if self.batched[term] else self._expand(value, like)
            for term, value in zip(terms, values, strict=True)
        )

    def _expand(self, value: int, like: int) -> int:
        if (value, like) not in self.expanded:
            self.expanded[value, like] = self._step(Expand, 1, value=value, like=like)[0]
        return self.expanded[value, like]

    def _step(self, kind: type, outputs: int, **what: object) -> tuple[int, ...]:
        outs = tuple(range(self.next, self.next + outputs))
        self.next += outputs
        self.steps.append(kind(outs=outs, **what))
        return outs
