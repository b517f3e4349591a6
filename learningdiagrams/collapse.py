"""Collapse: constant maps that meet the goals, found before anything is trained.

If all trained maps of a diagram may be constant while every goal is still met, nothing that is learned has to depend
on the data: two encoders that are only to agree agree when both give one vector whatever they see. `stop`, an average,
or a predictor on one side remove no such solution; they only keep gradient descent from sliding there. Goals that
compare with data, decode back to data, or contrast the rows of a batch do remove it.

The search is about equations and looks at no number. All sides of goals are terms; goals merge them into classes, and
so does equality of arguments. Suppose a set of models constant, at first all. A class in which something is given that
varies from row to row (data, noise, what fixed and frozen maps make of them, both sides of `info_nce`) cannot have a
constant in it, so that the models that make it constant are taken out of the set; so are those that would have to be
two given constants at once, or a constant that depends on itself. What is left when nothing has to be taken out any
more may be constant together, and the classes say which constants: any vector `c1`, or what another map makes of one.
This errs on the side of silence: a comparator that is a function, or data that happen not to vary, hide a collapse.

>>> from learningdiagrams.diagram import Diagram, stop
>>> d = Diagram("Siamese")
>>> S, X, Z = d.objects("S", "X", "Z")
>>> one, two = d.data("one", S, X), d.data("two", S, X)
>>> enc, head = d.model("enc", X, Z), d.model("head", Z, Z)
>>> goal = d.goal("agree", one >> enc >> head, stop(two >> enc), by="cosine")
>>> (found,) = collapses(d)
>>> found.constants, found.goals, found.stops
({'enc': 'c1', 'head': 'c1'}, ('agree',), ('agree',))
>>> print(found.remedies[0])
contrast: compare `one >> enc >> head` and `two >> enc` by info_nce
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Final

from learningdiagrams import losses
from learningdiagrams.declarations import Goal
from learningdiagrams.diagram import Diagram
from learningdiagrams.losses import Zero
from learningdiagrams.plan import depends_on_input, sampled
from learningdiagrams.theory.morphisms import Generator, Object, Term, brief
from learningdiagrams.theory.terms import applications, from_terms, unmarked

__all__ = ["Collapse", "collapses"]

GIVEN: Final = ("data", "noise", "frozen", "fixed", "map")
"""Roles of what is not learned."""
EXPONENTIAL: Final = (losses.cross_entropy, losses.bce)
"""Comparators whose left side is met by the logits of the right side, not by the right side itself."""

SHOWN: Final = 8
"""Models and goals that are named in a line."""
DEEPEST: Final = 20
"""Maps, one in the other, of which a constant is written."""


@dataclass(frozen=True)
class Collapse:
    """Models that may be constant together, with all goals about them met.

    Attributes:
        constants: for each of these models its value: a name, `c1`, stands for any value (not zero where a goal is by
            `cosine`), the same wherever it occurs; several where it has several outputs.
        goals: the goals that are met whatever else is learned.
        stops: those among them in which `stop` or an average stands, which removes no solution.
        remedies: kinds of goals that would prevent it, with an example in the diagram's own names.
    """

    constants: Mapping[str, str]
    goals: tuple[str, ...]
    stops: tuple[str, ...]
    remedies: tuple[str, ...]

    def __str__(self) -> str:
        said = [f"{name} = {value}" for name, value in islice(self.constants.items(), SHOWN)]
        values = ", ".join([*said, "…"] if len(self.constants) > SHOWN else said)
        met, verb = _names(self.goals), "is" if len(self.goals) == 1 else "are"
        text = f"constant maps meet goals: with {values} for every input, {met} {verb} met"
        if self.stops:
            names = _names(self.stops)
            text += f" (stopped gradients in {names} remove no solution; they only keep descent from sliding there)"
        return f"{text}; to prevent it, {'; or '.join(self.remedies)}"


def _names(names: Iterable[str]) -> str:
    quoted = [f"`{name}`" for name in names]
    return ", ".join([*quoted[:SHOWN], "…"] if len(quoted) > SHOWN else quoted)


def collapses(diagram: Diagram) -> tuple[Collapse, ...]:
    """The collapses of a diagram, one for each group of models that goals connect; none where every model has to
    depend on its input.

    A group is as large as can be found; subsets of it may be constant too.
    """
    sides = [pair for goal in diagram.goals.values() if goal.weight != 0 for pair in _sides(goal)]
    constant = {name for name in diagram.models if diagram.generators[name].dom.factors}
    while constant:
        classes = _Classes(diagram, sides, constant)
        wrong = classes.wrong()
        if not wrong:
            return tuple(_groups(diagram, classes, constant))
        constant -= wrong
    return ()


@dataclass(frozen=True)
class _Pair:
    """Both sides of one output of an equation, and how they are compared."""

    goal: Goal
    dom: Object
    left: Term
    right: Term


def _sides(goal: Goal) -> Iterator[_Pair]:
    for left, right in sampled(goal):
        for one, other in zip(unmarked(left).terms, unmarked(right).terms, strict=True):
            yield _Pair(goal, left.dom, one, other)


class _Classes:
    """The terms of a diagram's goals, merged as the goals ask for, with some models taken for constant."""

    def __init__(self, diagram: Diagram, pairs: list[_Pair], constant: set[str]) -> None:
        self.diagram = diagram
        self.constant = constant
        self.pairs = pairs
        self.terms = applications(term for pair in pairs for term in (pair.left, pair.right))
        self._parent: dict[object, object] = {}
        self.varies: dict[object, bool] = {}
        self.pinned: set[object] = set()
        self.nodes: dict[object, list[object]] = {}
        self.made: dict[object, object] = {}
        self._unlearned: set[object] = set()
        for term in self.terms:
            self.varies[term] = self._varies(term)
            head = term.head
            given = head is None or (isinstance(head, Generator) and diagram.roles[head.name] in GIVEN)
            if given and self._unlearned.issuperset(term.args):
                self._unlearned.add(term)
        for pair in pairs:
            by, weight = pair.goal.by, pair.goal.weight
            if isinstance(weight, float) and weight < 0:
                # What is to be far apart is not met by anything.
                self.pinned |= {pair.left, pair.right}
            elif isinstance(by, EXPONENTIAL):
                logits = ("logits of", pair.right)
                self.varies[logits] = self.varies[pair.right]
                self._merge(pair.left, logits)
            elif by.zero in (Zero.EQUAL, Zero.SHIFT, Zero.SCALE):
                self._merge(pair.left, pair.right)
            else:
                # Of a contrast it is known that constants are not its least; of a function nothing is.
                self.pinned |= {pair.left, pair.right}
        self._close()

    # Merging ---------------------------------------------------------------------------------------------------------

    def find(self, node: object) -> object:
        passed = []
        while (above := self._parent.get(node, node)) != node:
            passed.append(node)
            node = above
        for below in passed:
            self._parent[below] = node
        return node

    def _merge(self, one: object, other: object) -> bool:
        one, other = self.find(one), self.find(other)
        if one == other:
            return False
        self._parent[other] = one
        return True

    def _close(self) -> None:
        """Merges what is the same map at the same arguments, until there is nothing more to merge."""
        everything = list(self.varies)
        changed = True
        while changed:
            changed = False
            self.made = {}
            for node in everything:
                key = self._signature(node)
                if key is not None:
                    changed |= self._merge(self.made.setdefault(key, node), node)
        for node in everything:
            self.nodes.setdefault(self.find(node), []).append(node)

    def _model(self, head: object) -> str | None:
        """The model whose constant this generator gives, if that is taken for constant; an average follows its own."""
        if not isinstance(head, Generator):
            return None
        average = self.diagram.averages.get(head.name)
        name = head.name if average is None else average.model
        return name if name in self.constant else None

    def _signature(self, node: object) -> object:
        if isinstance(node, tuple):
            return ("logits of", self.find(node[1]))
        assert isinstance(node, Term)
        if node.head is None or isinstance(node.head, str):
            return None
        model = self._model(node.head)
        if model is not None:
            return ("constant", model, node.index)
        return (node.head, node.index, *(self.find(arg) for arg in node.args))

    # What is constant ------------------------------------------------------------------------------------------------

    def given(self, head: object) -> bool:
        return isinstance(head, Generator) and self.diagram.roles[head.name] in ("data", "noise")

    def _varies(self, term: Term) -> bool:
        if term.head is None or self.given(term.head):
            return True
        return self._model(term.head) is None and any(self.varies[arg] for arg in term.args)

    def _fixed(self, node: object) -> bool:
        """Whether a node is made of what is given alone."""
        return (node[1] if isinstance(node, tuple) else node) in self._unlearned

    def wrong(self) -> set[str]:
        """The models that cannot be constant with the others."""
        found: set[str] = set()
        pinned = self._pinned()
        made: dict[object, object] = {}
        for root, nodes in self.nodes.items():
            still = [node for node in nodes if not self.varies[node]]
            if root in pinned:
                found.update(*map(self._below, still))
            rigid = [node for node in still if not self._is_free(node)]
            if len(rigid) > 1:
                found.update(*map(self._responsible, still))
            elif rigid:
                made[root] = rigid[0]
        for node in self._circular(made):
            found |= self._responsible(node)
        return found

    def _circular(self, made: Mapping[object, object]) -> list[object]:
        """What makes the constants of those classes that would have to be there before themselves."""
        waiting = {root: {self.find(arg) for arg in _args(node)} & made.keys() for root, node in made.items()}
        before: dict[object, list[object]] = {}
        for root, needed in waiting.items():
            for inner in needed:
                before.setdefault(inner, []).append(root)
        ready = [root for root, needed in waiting.items() if not needed]
        while ready:
            root = ready.pop()
            del waiting[root]
            for outer in before.get(root, ()):
                waiting[outer].discard(root)
                if not waiting[outer]:
                    ready.append(outer)
        return [made[root] for root in waiting]

    def _pinned(self) -> set[object]:
        """The classes in which something varies whatever is learned."""
        pinned = {self.find(node) for node in self.pinned}
        pinned |= {self.find(node) for node in self.varies if self.varies[node] and self._fixed(node)}
        grown = True
        while grown:
            grown = False
            for node in self.varies:
                head = None if isinstance(node, tuple) else node.head  # type: ignore[attr-defined]
                given = head is None or (isinstance(head, Generator) and self.diagram.roles[head.name] in GIVEN)
                new = given and self.varies[node] and self.find(node) not in pinned
                if new and any(self.varies[arg] and self.find(arg) in pinned for arg in _args(node)):
                    pinned.add(self.find(node))
                    grown = True
        return pinned

    def _responsible(self, *nodes: object) -> set[str]:
        """The outermost models that would have to vary for these constant nodes to vary."""
        found: set[str] = set()
        seen: set[object] = set()
        stack = list(nodes)
        while stack:
            node = stack.pop()
            if node in seen:
                continue
            seen.add(node)
            model = None if isinstance(node, tuple) else self._model(node.head)  # type: ignore[attr-defined]
            if model is not None:
                found.add(model)
            else:
                stack += _args(node)
        return found

    def _below(self, node: object) -> set[str]:
        """The models that have to vary with a node: those before one that has a single argument too."""
        found: set[str] = set()
        while not self.varies[node]:
            found |= self._responsible(node)
            args = _args(node)
            if len(args) != 1:
                break
            node = args[0]
        return found

    def _is_free(self, node: object) -> bool:
        """Whether any value can be chosen for a constant node: the constant of a model, or a learned constant."""
        if isinstance(node, tuple):
            return False
        assert isinstance(node, Term)
        if self._model(node.head) is not None:
            return True
        return not node.args and isinstance(node.head, Generator) and self.diagram.roles[node.head.name] == "model"


def _args(node: object) -> tuple[Term, ...]:
    """What a node is made from."""
    return (node[1],) if isinstance(node, tuple) else node.args  # type: ignore[attr-defined]


def _groups(diagram: Diagram, classes: _Classes, constant: set[str]) -> Iterator[Collapse]:
    """The collapses: models that are met in the same constant goals belong together."""
    met: dict[str, set[str]] = {}
    stopped: dict[str, bool] = {}
    of_goal: dict[str, list[_Pair]] = {}
    for pair in classes.pairs:
        of_goal.setdefault(pair.goal.name, []).append(pair)
    for name, pairs in of_goal.items():
        goal = diagram.goals[name]
        if any(classes.varies[term] for pair in pairs for term in (pair.left, pair.right)):
            continue
        terms = applications(term for pair in pairs for term in (pair.left, pair.right))
        mentioned = {name for term in terms if (name := classes._model(term.head)) is not None}
        if mentioned:
            met[goal.name] = mentioned
            written = applications(term for m in (goal.left, goal.right) for term in m.terms)
            stopped[goal.name] = any(
                isinstance(t.head, str) or (t.head is not None and t.head.name in diagram.averages) for t in written
            )
    left = dict(met)
    while left:
        group, names = set(next(iter(left.values()))), []
        grown = True
        while grown:
            joined = [name for name, models in left.items() if models & group]
            for name in joined:
                group |= left.pop(name)
            names += joined
            grown = bool(joined)
        goals = tuple(name for name in diagram.goals if name in names)
        yield Collapse(
            _constants(diagram, classes, [name for name in diagram.models if name in group]),
            goals,
            tuple(name for name in goals if stopped[name]),
            tuple(dict.fromkeys(_remedies(diagram, classes, goals))),
        )


def _constants(diagram: Diagram, classes: _Classes, models: list[str]) -> dict[str, str]:
    """What each model gives for every input, in words."""
    names: dict[object, str] = {}

    def value(node: object, depth: int = 0) -> str:
        if depth > DEEPEST:
            return "…"
        root = classes.find(node)
        still = [other for other in classes.nodes[root] if not classes.varies[other]]
        # What is not free decides; of what is, a learned constant of the diagram has a name.
        told = [other for other in still if not classes._is_free(other)]
        told += [other for other in still if isinstance(other, Term) and not other.args]
        if not told:
            return names.setdefault(root, f"c{len(names) + 1}")
        if isinstance(told[0], tuple):
            return f"logits of {value(told[0][1], depth + 1)}"
        term = told[0]
        assert isinstance(term, Term) and isinstance(term.head, Generator)
        output = "" if len(term.head.cod.factors) == 1 else f"_{term.index}"
        inner = ", ".join(value(arg, depth + 1) for arg in term.args)
        return term.head.name + (f"({inner})" if inner else "") + output

    found = {}
    for name in models:
        outputs = range(len(diagram.generators[name].cod.factors))
        made = [classes.made.get(("constant", name, i)) for i in outputs]
        values = ["anything" if node is None else value(node) for node in made]
        found[name] = values[0] if len(values) == 1 else f"({', '.join(values)})"
    return found


def _remedies(diagram: Diagram, classes: _Classes, goals: tuple[str, ...]) -> Iterator[str]:
    """Kinds of goals that do not let these models be constant, with an example each."""
    pairs = [pair for pair in classes.pairs if pair.goal.name in goals]

    def written(pair: _Pair, term: Term) -> str:
        return f"`{brief(from_terms(pair.dom, term.sort, (term,)))}`"

    for pair in pairs:
        if depends_on_input(pair.left) and depends_on_input(pair.right):
            yield f"contrast: compare {written(pair, pair.left)} and {written(pair, pair.right)} by info_nce"
            break
    inner = [
        (pair, term)
        for pair in pairs
        for term in applications((pair.left, pair.right))
        if classes._model(term.head) is not None
        and diagram.roles[term.head.name] == "model"  # type: ignore[union-attr]  # a generator
        and all(classes._fixed(arg) and classes.varies[arg] for arg in term.args)
    ]
    for pair, term in inner:
        if len(term.args) == 1:
            into = f"decoder : {term.sort} -> {term.args[0].sort}"
            back = written(pair, term).rstrip("`") + " >> decoder`"
            yield f"reconstruct: add a model `{into}` and compare {back} with {written(pair, term.args[0])}"
            break
    for pair, term in inner:
        for name, morphism in diagram.generators.items():
            given = diagram.roles[name] == "data" and morphism.dom is pair.dom
            if given and morphism.cod.factors == (term.sort,):
                yield f"supervise: compare {written(pair, term)} with the data `{name}`"
                return
    if not inner or all(not depends_on_input(pair.left) or not depends_on_input(pair.right) for pair in pairs):
        yield "supervise: compare with data that vary from row to row"
