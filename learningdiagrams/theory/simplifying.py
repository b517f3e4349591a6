"""Normal forms, as far as they are known: equal morphisms that apply no more generators.

What completion has found so far is used to rewrite: every rule that it finds is a consequence of the laws, so that a
completion that does not end still helps. Words get shorter or stay as long (shortlex); terms get no heavier (the
Knuth-Bendix order). Nothing is claimed to be the least that there is.

>>> from learningdiagrams.theory import Presentation, identity
>>> P = Presentation("Retraction")
>>> A, B = P.objects("A", "B")
>>> s, r = P.morphism("s", A, B), P.morphism("r", B, A)
>>> law = P.law(s >> r, identity(A), name="retraction")
>>> found = simplify(P, r >> s >> r >> s)
>>> found.right, len(found.proof.steps)
(r >> s, 1)
"""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Final

from learningdiagrams.theory.deciding import Knowledge, Proved, decide, knowledge_of
from learningdiagrams.theory.errors import TheoryError
from learningdiagrams.theory.morphisms import Generator, Morphism, Term
from learningdiagrams.theory.nodes import Node, TooDeep
from learningdiagrams.theory.paths import Paths
from learningdiagrams.theory.proofs import Proof
from learningdiagrams.theory.term_questions import closed_terms
from learningdiagrams.theory.terms import applications, from_terms

if TYPE_CHECKING:
    from learningdiagrams.theory.presentations import Presentation

__all__ = ["simplify", "size"]

OVERLAPS: Final = 4096
"""Steps of completion over paths that are spent on laws that are not completed yet; over terms, a sixteenth."""


def size(morphism: Morphism) -> int:
    """How many applications of generators its value takes, each made once.

    >>> from learningdiagrams.theory.morphisms import Signature
    >>> s = Signature()
    >>> A = s.sort("A")
    >>> f = s.generator("f", A, A)
    >>> size(f >> f), size(f & f)
    (2, 1)
    """
    return len({(term.head, term.args) for term in applications(morphism.terms) if term.head is not None})


def simplify(presentation: Presentation, morphism: Morphism, max_seconds: float = 10.0) -> Proved:
    """The normal form of a morphism as far as it is known, with the proof: `left` is the morphism, `right` its form.

    It never has more applications. Where no other is found within the time, both are the morphism itself; once a
    completion ends, equal morphisms have one form.

    Raises:
        TheoryError: marks such as `stop` in the morphism; what passes them is not the theory's to say.
    """
    presentation.signature.owns(morphism)
    if any(isinstance(term.head, str) for term in applications(morphism.terms)):
        raise TheoryError(f"simplify: `{morphism}` has marks; simplify what is before and after them")
    deadline = perf_counter() + max_seconds
    knowledge = knowledge_of(presentation)
    knowledge.update()
    if knowledge.paths.others:
        terms = _by_terms(knowledge, morphism, deadline)
    else:
        terms = _by_paths(knowledge.paths, morphism, deadline)
    found = from_terms(morphism.dom, morphism.cod, terms)
    if found != morphism and size(found) <= size(morphism):
        verdict = decide(presentation, morphism, found, max(0.0, deadline - perf_counter()))
        if isinstance(verdict, Proved):
            return verdict
    return Proved(morphism, morphism, Proof(presentation, morphism, morphism, ()))


def _by_paths(paths: Paths, morphism: Morphism, deadline: float) -> tuple[Term, ...]:
    """Every word in the terms, reduced; a generator of several arguments stays, and gets reduced ones."""
    words = {term: paths.split(term) for term in _tops(morphism.terms)}
    paths.completion.run(paths.completion.areas(*(word for _, word in words.values())), OVERLAPS, deadline)
    applied = paths.presentation.signature.applied
    reduced: dict[Term, Term] = {}
    for term, (base, word) in words.items():
        if base is not None and isinstance(base.head, Generator):
            base = applied(base.head, tuple(reduced[arg] for arg in base.args))[base.index]
        made = paths.apply(base, paths.normal(word))[-1]
        assert made is not None  # a word that begins with a constant never becomes empty: both sides of a law begin so
        reduced[term] = made
    return tuple(reduced[term] for term in morphism.terms)


def _tops(terms: tuple[Term, ...]) -> list[Term]:
    """These terms and the arguments of generators of several arguments in them, each once, the inner ones first."""
    wanted = set(terms)
    for term in applications(terms):
        if len(term.args) > 1:
            wanted.update(term.args)
    return [term for term in applications(terms) if term in wanted]


def _by_terms(knowledge: Knowledge, morphism: Morphism, deadline: float) -> tuple[Term, ...]:
    """The terms, reduced by what ordered completion has found over the sorts that are inhabited in their context."""
    theory, dom = knowledge.theory(morphism.dom, by_weight=True), morphism.dom
    try:
        theory.completion.run(OVERLAPS // 16, deadline)
        nodes = [theory.completion.normal(node, None, True) for node in theory.ground(morphism)]
    except TooDeep:
        return morphism.terms
    closed = closed_terms(theory.presentation, dom)
    known: dict[Node, Term] = {theory.completion.least[sort]: closed[sort] for sort in theory.inhabited}
    known |= dict(zip(theory.variables(dom), dom.variables, strict=True))
    return tuple(theory.term(node, known) for node in nodes)
