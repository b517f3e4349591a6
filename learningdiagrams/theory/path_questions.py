"""Ways to answer a question by path laws: completion, and exploring the class of a word."""

from __future__ import annotations

from collections import deque

from learningdiagrams.theory.completion import OutOfTime, Use
from learningdiagrams.theory.morphisms import Generator, Object
from learningdiagrams.theory.normal_forms import NormalForms, useful_outputs
from learningdiagrams.theory.paths import Paths, WordPair
from learningdiagrams.theory.proofs import Proof
from learningdiagrams.theory.questions import UNWRITTEN, Budget, Question, Way
from learningdiagrams.theory.terms import from_terms
from learningdiagrams.theory.witnesses import FiniteModel, PathSystem

__all__ = ["by_classes", "by_completion", "normal_forms"]

LONGEST = 300
"""Letters of words beyond which their class is not explored."""

PATIENCE = 4096
"""Uses of rules on the way to a normal form after which other ways to answer have their turn."""

PLACES = 10_000
"""Places at which two sides may differ for them to be compared as paths: shared terms can have 2ⁿ places."""


def by_completion(paths: Paths, question: Question) -> Way:
    """Completes the areas of the words that have to be equal, until they are or are shown not to be."""
    try:
        yield from _by_completion(paths, question)
    except OutOfTime:
        question.budget.notes["completion"] = "completion over paths: the sides have very far to go to normal forms"


def _by_completion(paths: Paths, question: Question) -> Way:
    left, right, budget = question
    pairs, same_shape = paths.pairs(left.terms, right.terms, PLACES)
    refutable = not paths.others
    if not same_shape or len(pairs) == PLACES:
        if not same_shape and refutable:
            yield PathSystem(paths.presentation, left, right, ())
        return
    areas = paths.completion.areas(*(word for pair in pairs for word in pair[1:]))
    length = None
    if all(area.preserves_length for area in areas):
        length = max(len(word) for pair in pairs for word in pair[1:])
    size = 256
    reached: dict[str, str] = {}

    def normal(word: str) -> str:
        """The normal form; a word that is far from it is taken some way, and further when it is asked for again."""
        try:
            return paths.normal(reached.get(word, word), budget.deadline, PATIENCE)
        except OutOfTime as stopped:
            reached[word] = stopped.word
            raise

    while True:
        try:
            different = [pair for pair in pairs if normal(pair.left) != normal(pair.right)]
        except OutOfTime:
            if budget.spent:
                raise
            yield None  # a small model may tell long words apart before they are reduced
            continue
        if not different:
            proof = _proof(paths, question, pairs)
            if proof is None:
                budget.notes["completion"] = UNWRITTEN
                return
            yield proof
        if refutable:
            for pair in different:
                own = paths.completion.areas(pair.left, pair.right)
                bound = length if any(not area.complete() for area in own) else None
                if all(area.complete(bound) for area in own):
                    yield _system(paths, question, pair, bound)
        elif all(area.complete(length) for area in areas):
            budget.notes["completion"] = "the laws between paths do not prove it"
            return
        before = paths.completion.steps
        paths.completion.run(areas, budget.slice(size), budget.deadline, length)
        budget.steps += paths.completion.steps - before
        budget.notes["completion"] = (
            f"completion over paths has {len(paths.completion.rules)} rules after {paths.completion.steps} overlaps"
        )
        size *= 2
        yield None


def normal_forms(paths: Paths, dom: Object, cod: Object, budget: Budget) -> NormalForms | None:
    """The automaton of the morphisms dom → cod modulo path laws.

    None where completion does not end in time.
    """
    generators = list(paths.numbers)
    outputs = useful_outputs(generators, dom, cod)
    letters = "".join(paths.letters[output] for output in outputs if output in paths.letters)
    areas = paths.completion.areas(letters)
    length = None
    if all(area.preserves_length for area in areas):
        # No law changes a length: infinitely many terms without laws are infinitely many modulo laws, and
        # finitely many have a greatest length, up to which completion ends.
        free = NormalForms(paths, dom, cod, outputs, ())
        if free.cycle is not None:
            return free
        length = len(outputs)
    while not paths.completion.run(areas, budget.slice(4096), budget.deadline, length):
        if budget.spent:
            return None
    chosen = set(letters)
    return NormalForms(paths, dom, cod, outputs, [rule for rule in paths.completion.rules if chosen.issuperset(rule)])


def _proof(paths: Paths, question: Question, pairs: list[WordPair]) -> Proof | None:
    chains = []
    # Inner places first: a word that changes moves the places below it.
    for place, left, right in reversed(pairs):
        chain = paths.chain(left, right, question.budget.deadline)
        if chain is None:
            return None
        chains.append((place, left, chain))
    return _assemble(paths, question, chains)


def _assemble(paths: Paths, question: Question, chains: list[tuple[tuple[int, ...], str, list[Use]]]) -> Proof:
    left, right, _ = question
    return Proof(paths.presentation, left, right, paths.chain_of_steps(left, chains))


def _system(paths: Paths, question: Question, pair: WordPair, up_to: int | None) -> PathSystem:
    """The rules of the areas of a pair of words with different normal forms."""
    letters = {x for area in paths.completion.areas(pair.left, pair.right) for x in area.letters}
    chosen = sorted(
        (rule for rule in paths.completion.rules.items() if rule[0][0] in letters),
        key=lambda rule: (len(rule[0]), rule),
    )
    rules = tuple((paths.path(paths.source(old), old), paths.path(paths.source(old), new)) for old, new in chosen)
    return PathSystem(paths.presentation, question.left, question.right, rules, up_to)


def by_classes(paths: Paths, question: Question) -> Way:
    """Explores all words that equal the left one: the right one is among them, or a finite class is a finite
    model.

    The minimal automaton of a finite class C is a model. Its states, by sort, are the sets {v : uv in C} for
    words u, with the empty set for all words that lead nowhere; generators act by u ↦ ug. For a law l = r,
    ulv is in C exactly when urv is, so that it holds. Started where C starts, the left word is accepted, and
    one outside C is not.
    """
    left, right, budget = question
    pairs, same_shape = paths.pairs(left.terms, right.terms, PLACES)
    if not same_shape or len(pairs) != 1 or len(pairs[0].place) != 1:
        return
    place, start, goal = pairs[0]
    base, _ = paths.split(left.terms[place[0]])
    source = paths.presentation.unit if base is None else base.sort
    if len(start) > LONGEST:
        return
    found: dict[str, tuple[str, Use] | None] = {start: None}
    todo, size = deque([start]), 64
    while todo:
        for _ in range(budget.slice(size)):
            if not todo:
                break
            word = todo.popleft()
            budget.steps += 1
            if not budget.steps & 63 and budget.spent:
                return
            neighbours = paths.neighbours(word, source)
            if neighbours is None:
                budget.notes["classes"] = "the class of the left side is infinite"
                return
            for use, other in neighbours:
                if len(other) > LONGEST:
                    budget.notes["classes"] = f"the left side equals morphisms of more than {LONGEST} generators"
                    return
                if other not in found:
                    found[other] = word, use
                    todo.append(other)
        budget.notes["classes"] = f"{len(found)} morphisms that equal the left side were found"
        if goal in found:
            uses: list[Use] = []
            word = goal
            while (step := found[word]) is not None:
                word = step[0]
                uses.append(step[1])
            yield _assemble(paths, question, [(place, start, uses[::-1])])
        if todo:
            size *= 2
            yield None
    if not paths.others and (model := _automaton(paths, question, place[0], found)) is not None:
        yield model


def _automaton(
    paths: Paths, question: Question, output: int, words: dict[str, tuple[str, Use] | None]
) -> FiniteModel | None:
    """The minimal automaton of a finite class of words, as a finite model; None if words start nowhere in it."""
    left, right, _ = question
    children: list[dict[str, int]] = [{}]
    final: set[int] = set()
    depth = [0]
    for word in words:
        node = 0
        for letter in word:
            if letter not in children[node]:
                children[node][letter] = len(children)
                children.append({})
                depth.append(depth[node] + 1)
            node = children[node][letter]
        final.add(node)
    # Nodes with equal residuals are one state; leaves first. Each sort numbers its own states from 1, 0 is
    # nowhere.
    base, _ = paths.split(left.terms[output])
    sort_of = {0: base.sort.name if base is not None else ""}
    for inner in children:
        for letter, child in inner.items():
            generator, index = paths.meaning[ord(letter)]
            sort_of[child] = generator.cod.factors[index].name
    states: dict[object, int] = {}
    sets: dict[str, int] = {}
    state_of: dict[int, int] = {}
    tables: dict[str, dict[tuple[int, ...], tuple[int, ...]]] = {}
    for node in sorted(range(len(children)), key=lambda node: -depth[node]):
        moves = tuple(sorted((letter, state_of[child]) for letter, child in children[node].items()))
        sort = sort_of[node]
        key = (sort, node in final, moves)
        if key not in states:
            sets[sort] = sets.get(sort, 1) + 1
            states[key] = sets[sort] - 1
            for letter, state in moves:
                generator, index = paths.meaning[ord(letter)]
                args = () if not generator.dom.factors else (states[key],)
                row = list(tables.setdefault(generator.name, {}).get(args, (0,) * len(generator.cod.factors)))
                row[index] = state
                tables[generator.name][args] = tuple(row)
        state_of[node] = states[key]
    sets.pop("", None)
    point = tuple(state_of[0] if variable is base else 0 for variable in left.dom.variables)
    model = FiniteModel(paths.presentation, left, right, sets, tables, point)
    if base is not None and isinstance(base.head, Generator):
        # The words are applied to a value of an operation that no law mentions: it has to be where they start.
        args = model.value(from_terms(left.dom, base.head.dom, base.args), point)
        values = [0] * len(base.head.cod.factors)
        values[base.index] = state_of[0]
        tables[base.head.name] = {args: tuple(values)}
    return model if model.value(left, point) != model.value(right, point) else None
