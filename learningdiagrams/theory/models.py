"""The search for finite models in which laws hold and two sides differ.

Sets are {0, …, n - 1}. A sort that has no element once the question's variables and the generators are taken
together is empty: nothing can be lost by that, since leaving out its elements from a model leaves a model.
The other sizes grow.

For given sizes, functions are filled in cell by cell. Laws at all points and the question are straight-line
programs; one that is stuck at a cell that is still open waits for it, and one that lacks only its last value
gives that value. Elements not mentioned so far are interchangeable, so that only the first of them is tried
(the least number heuristic of Zhang and Zhang, "SEM: a system for enumerating models", 1995).
"""

from __future__ import annotations

from collections.abc import Generator as Slices
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations_with_replacement, product
from math import prod
from typing import TYPE_CHECKING, NamedTuple

from learningdiagrams.theory.morphisms import Generator, Morphism, Object, Term
from learningdiagrams.theory.questions import Budget, Question, Way
from learningdiagrams.theory.terms import applications, unmarked
from learningdiagrams.theory.witnesses import FiniteModel

if TYPE_CHECKING:
    from learningdiagrams.theory.presentations import Law, Presentation

__all__ = ["Structure", "by_known_models", "by_models", "inhabited_sorts", "sorts_that_matter"]

INSTANCES = 20_000
"""Laws at points beyond which sizes are not tried."""

EVALUATIONS = 500, 8_000
"""Evaluations of laws at points before the first pause, and at most between two: pauses become rarer."""

Cell = tuple[int, tuple[int, ...]]


class Program(NamedTuple):
    """Terms over a context.

    As steps: after the variables, each step's value is a symbol's at earlier values.
    """

    sorts: tuple[Object, ...]
    steps: tuple[tuple[int, tuple[int, ...]], ...]
    outputs: tuple[tuple[int, int], ...]


class Structure(NamedTuple):
    """A model that was found: the sizes of sets by sort, and tables by generator."""

    sets: Mapping[str, int]
    tables: Mapping[str, Mapping[tuple[int, ...], tuple[int, ...]]]


def inhabited_sorts(generators: Sequence[Generator], given: Sequence[Object]) -> dict[Object, None]:
    """The sorts that have an element wherever the given ones have, because a generator leads there."""
    inhabited = dict.fromkeys(given)
    waiting: dict[Object, list[Generator]] = {}
    todo = list(generators)
    while todo:
        generator = todo.pop()
        missing = next((sort for sort in generator.dom.factors if sort not in inhabited), None)
        if missing is not None:
            waiting.setdefault(missing, []).append(generator)
            continue
        for sort in generator.cod.factors:
            if sort not in inhabited:
                inhabited[sort] = None
                todo += waiting.pop(sort, ())
    return inhabited


def sorts_that_matter(generators: Sequence[Generator], wanted: Sequence[Object]) -> dict[Object, None]:
    """The sorts that terms of the wanted sorts have parts of.

    Nothing else has a say in whether such terms are equal: laws between terms of other sorts are used in no part of
    them, and hold in any model once those sorts have one element.
    """
    makers: dict[Object, list[Generator]] = {}
    for generator in generators:
        for sort in dict.fromkeys(generator.cod.factors):
            makers.setdefault(sort, []).append(generator)
    matter, todo = dict.fromkeys(wanted), list(dict.fromkeys(wanted))
    while todo:
        for generator in makers.get(todo.pop(), ()):
            new = [sort for sort in dict.fromkeys(generator.dom.factors) if sort not in matter]
            matter.update(dict.fromkeys(new))
            todo += new
    return matter


def by_known_models(presentation: Presentation, question: Question, structures: Sequence[Structure]) -> Way:
    """Looks at the models that were found for earlier questions."""
    left, right, budget = question
    for sets, tables in structures:
        model = FiniteModel(presentation, left, right, sets, tables, ())
        sizes = [sets.get(sort.name, 1) for sort in left.dom.factors]
        if prod(sizes) > INSTANCES:
            continue
        for point in product(*map(range, sizes)):
            if budget.spent:
                return
            if model.value(left, point) != model.value(right, point):
                yield FiniteModel(presentation, left, right, sets, tables, point)


def by_models(presentation: Presentation, question: Question, structures: list[Structure]) -> Way:
    """Searches models of growing size; what is found is kept in `structures`."""
    left, right, budget = question
    generators = [morphism.parts[0] for morphism in presentation.generators.values()]
    inhabited = inhabited_sorts(generators, left.dom.factors)
    matter = sorts_that_matter(generators, left.cod.factors)
    laws = [
        law
        for law in presentation.laws.values()
        if all(sort in inhabited for sort in law.left.dom.factors)
        and any(sort in matter for sort in law.left.cod.factors)
    ]
    search_space = _Space(generators, laws, left, right)
    patience = 500
    postponed: list[dict[Object, int]] = []
    sizes_to_try = _sizes(inhabited, matter, laws, left, right)
    while True:
        batch = postponed + [sizes for sizes in (next(sizes_to_try, None) for _ in range(16)) if sizes is not None]
        postponed = []
        if not batch:
            budget.notes["models"] = f"no finite model of at most {INSTANCES} instances of laws was found"
            return
        for sizes in batch:
            if (instances := search_space.instances(sizes)) is None:
                continue
            search = _Search(search_space, sizes, instances)
            outcome = yield from search.run(budget, patience)
            budget.notes["models"] = f"finite models were searched up to sets of {max(sizes.values(), default=1)}"
            if outcome is None:
                postponed.append(sizes)
            elif outcome:
                structure, point = search.found(presentation, inhabited)
                structures.append(structure)
                yield FiniteModel(presentation, left, right, structure.sets, structure.tables, point)
        patience *= 2


def _sizes(
    inhabited: Mapping[Object, None],
    matter: Mapping[Object, None],
    laws: Sequence[Law],
    left: Morphism,
    right: Morphism,
) -> Iterator[dict[Object, int]]:
    """Sizes for the inhabited sorts, in the order in which they are to be tried; 1 for those that do not matter."""
    near = dict.fromkeys([*left.dom.factors, *(term.sort for term in applications((*left.terms, *right.terms)))])
    ones = dict.fromkeys(inhabited, 1)
    wider = dict(near)
    for law in laws:
        sorts = [term.sort for term in applications((*law.left.terms, *law.right.terms))] + list(law.left.dom.factors)
        if any(sort in near for sort in sorts):
            wider.update(dict.fromkeys(sorts))
    tried: set[tuple[int, ...]] = set()
    # Uniform sizes find groups and the like, uneven ones find retracts and other things with few large sets.
    for bound in range(1, 9):
        for sorts in (near, wider, inhabited):
            group = [sort for sort in sorts if sort in matter]
            candidates = [dict.fromkeys(group, bound + 1)]
            if len(group) <= 12 and bound <= 4:
                for extra in combinations_with_replacement(group, bound):
                    candidates.append({sort: 1 + extra.count(sort) for sort in group})
            for candidate in candidates:
                sizes = {**ones, **candidate}
                key = tuple(sizes.values())
                if key not in tried:
                    tried.add(key)
                    yield sizes


class _Space:
    """Laws and question as programs over numbered symbols.

    The question's variables are symbols without arguments.
    """

    def __init__(self, generators: Sequence[Generator], laws: Sequence[Law], left: Morphism, right: Morphism) -> None:
        self.symbols: dict[tuple[Generator, int], int] = {}
        self.sorts: list[Object] = []
        self.domains: list[Sequence[Object]] = []
        for generator in generators:
            for index, sort in enumerate(generator.cod.factors):
                self.symbols[generator, index] = len(self.sorts)
                self.sorts.append(sort)
                self.domains.append(generator.dom.factors)
        self.first_variable = len(self.sorts)
        self.sorts += left.dom.factors
        self.domains += [()] * len(left.dom.factors)
        self.laws = [
            self._program(unmarked(law.left), unmarked(law.right), None) for law in laws if law.left != law.right
        ]
        self.question = self._program(left, right, self.first_variable)

    def _program(self, left: Morphism, right: Morphism, variables: int | None) -> Program:
        """The program of two sides.

        `variables` is the first symbol that stands for one, or None to keep them.
        """
        slots: dict[Term, int] = {}
        steps: list[tuple[int, tuple[int, ...]]] = []
        count = len(left.dom.factors) if variables is None else 0
        for term in applications((*left.terms, *right.terms)):
            if term.head is None and variables is None:
                slots[term] = term.index
                continue
            if term.head is None:
                step = variables + term.index, ()  # type: ignore[operator]  # it is not None here
            else:
                step = self.symbols[term.head, term.index], tuple(slots[arg] for arg in term.args)  # type: ignore[index]
            slots[term] = count + len(steps)
            steps.append(step)
        outputs = tuple((slots[a], slots[b]) for a, b in zip(left.terms, right.terms, strict=True))
        return Program(left.dom.factors if variables is None else (), tuple(steps), outputs)

    def instances(self, sizes: Mapping[Object, int]) -> list[tuple[Program, tuple[int, ...]]] | None:
        """Every law at every point; None if there are too many."""
        if sum(prod(sizes[sort] for sort in law.sorts) for law in self.laws) > INSTANCES:
            return None
        return [(law, point) for law in self.laws for point in product(*(range(sizes[sort]) for sort in law.sorts))]


class _Search:
    """Fills in the cells for given sizes, with a trail to go back by."""

    def __init__(
        self, space: _Space, sizes: Mapping[Object, int], instances: list[tuple[Program, tuple[int, ...]]]
    ) -> None:
        self.space = space
        self.sizes = sizes
        self.instances = instances
        self.tables: list[dict[tuple[int, ...], int]] = [{} for _ in space.sorts]
        self.used = dict.fromkeys(sizes, 0)
        self.waiting: dict[Cell, dict[int, None]] = {}
        self.open = len(instances)
        self.evaluations = 0
        self.closed = [False] * len(instances)
        self.trail: list[tuple[str, object, object]] = []

    def run(self, budget: Budget, patience: int) -> Slices[None, None, bool | None]:
        """Yields now and then.

        Returns True when a model was found, False if there is none, None out of patience.
        """
        possible = self._settle(list(range(len(self.instances))), []) and self._may_differ()
        choices: list[tuple[int, Cell, Iterator[int]]] = []
        if possible and self.open == 0 and self._differs():
            return True
        if possible:
            self._choose(choices)
        tried, pause_at = 0, EVALUATIONS[0]
        while choices:
            if self.evaluations > pause_at:
                pause_at = self.evaluations + min(self.evaluations, EVALUATIONS[1])
                yield None
            mark, cell, values = choices[-1]
            self._undo(mark)
            value = next(values, None)
            if value is None:
                choices.pop()
                continue
            if tried == patience:
                return None
            tried += 1
            budget.steps += 1
            if self._settle([], [(cell, value)]) and self._may_differ():
                if self.open == 0 and self._differs():
                    return True
                self._choose(choices)
        yield None
        return False

    def _choose(self, choices: list[tuple[int, Cell, Iterator[int]]]) -> None:
        """Branches on the open cell that the question waits for, or else on one that many laws wait for."""
        _, stuck = self._values(self.space.question, ())
        cell = stuck[0] if stuck else None
        if cell is None:
            open_cells = [c for c, instances in self.waiting.items() if instances and c[1] not in self.tables[c[0]]]
            # Small elements first, so that large ones stay interchangeable.
            cell = min(open_cells, key=lambda c: (max(c[1], default=0), -len(self.waiting[c]), c))
        sort = self.space.sorts[cell[0]]
        fresh = self.used[sort]
        for domain, arg in zip(self.space.domains[cell[0]], cell[1], strict=True):
            if domain is sort:
                fresh = max(fresh, arg + 1)
        values = range(min(fresh + 1, self.sizes[sort]))
        choices.append((len(self.trail), cell, iter(values)))

    def _values(self, program: Program, point: tuple[int, ...]) -> tuple[list[int | None], list[Cell]]:
        """The values of a program's steps as far as they are known, and the open cells that it waits for."""
        self.evaluations += 1 + len(program.steps) // 8
        values: list[int | None] = list(point)
        stuck: list[Cell] = []
        for symbol, args in program.steps:
            inputs = tuple([values[arg] for arg in args])
            if None in inputs:
                values.append(None)
                continue
            value = self.tables[symbol].get(inputs)  # type: ignore[arg-type]  # no None in it
            if value is None:
                stuck.append((symbol, inputs))  # type: ignore[arg-type]
            values.append(value)
        return values, stuck

    def _may_differ(self) -> bool:
        values, _ = self._values(self.space.question, ())
        return any(
            values[a] is None or values[b] is None or values[a] != values[b] for a, b in self.space.question.outputs
        )

    def _differs(self) -> bool:
        values, stuck = self._values(self.space.question, ())
        return not stuck and any(values[a] != values[b] for a, b in self.space.question.outputs)

    def _settle(self, instances: list[int], assignments: list[tuple[Cell, int]]) -> bool:
        """Carries out assignments and all that follows from them; False if a law fails."""
        while instances or assignments:
            if assignments:
                cell, value = assignments.pop()
                table = self.tables[cell[0]]
                known = table.get(cell[1])
                if known is not None:
                    if known != value:
                        return False
                    continue
                table[cell[1]] = value
                self.trail.append(("cell", cell, None))
                self._use(cell, value)
                instances.extend(self.waiting.get(cell, ()))
                continue
            number = instances.pop()
            if self.closed[number]:
                continue
            program, point = self.instances[number]
            values, stuck = self._values(program, point)
            if not stuck:
                if any(values[a] != values[b] for a, b in program.outputs):
                    return False
                self.open -= 1
                self.closed[number] = True
                self.trail.append(("closed", number, None))
                continue
            cells = [stuck[0]]
            for a, b in program.outputs:
                if (values[a] is None) != (values[b] is None):
                    missing, value = (a, values[b]) if values[a] is None else (b, values[a])
                    symbol, args = program.steps[missing - len(point)]
                    inputs = tuple([values[arg] for arg in args])
                    if None not in inputs:
                        assignments.append(((symbol, inputs), value))  # type: ignore[arg-type]
                elif values[a] is not None and values[a] != values[b]:
                    return False
                for side in (a, b):
                    if values[side] is None:
                        symbol, args = program.steps[side - len(point)]
                        inputs = tuple([values[arg] for arg in args])
                        cells.append((symbol, inputs) if None not in inputs else stuck[-1])  # type: ignore[arg-type]
            for cell in cells:
                waiting = self.waiting.setdefault(cell, {})
                if number not in waiting:
                    waiting[number] = None
                    self.trail.append(("waits", cell, number))
        return True

    def _use(self, cell: Cell, value: int) -> None:
        sort = self.space.sorts[cell[0]]
        for place, element in ((sort, value), *zip(self.space.domains[cell[0]], cell[1], strict=True)):
            if element >= self.used[place]:
                self.trail.append(("used", place, self.used[place]))
                self.used[place] = element + 1

    def _undo(self, mark: int) -> None:
        while len(self.trail) > mark:
            what, key, value = self.trail.pop()
            if what == "cell":
                del self.tables[key[0]][key[1]]  # type: ignore[index]
            elif what == "closed":
                self.open += 1
                self.closed[key] = False  # type: ignore[index]
            elif what == "waits":
                del self.waiting[key][value]  # type: ignore[index]
            else:
                self.used[key] = value  # type: ignore[index]

    def found(self, presentation: Presentation, inhabited: Mapping[Object, None]) -> tuple[Structure, tuple[int, ...]]:
        """The model, and the point at which the sides differ."""
        first = self.space.first_variable
        point = tuple(self.tables[symbol].get((), 0) for symbol in range(first, len(self.tables)))
        tables: dict[str, dict[tuple[int, ...], tuple[int, ...]]] = {}
        for (generator, index), symbol in self.space.symbols.items():
            for args, value in self.tables[symbol].items():
                row = tables.setdefault(generator.name, {})
                old = row.get(args, (0,) * len(generator.cod.factors))
                row[args] = (*old[:index], value, *old[index + 1 :])
        sets = {sort.name: self.sizes[sort] if sort in inhabited else 0 for sort in presentation.sorts.values()}
        return Structure({name: size for name, size in sets.items() if size != 1}, tables), point
