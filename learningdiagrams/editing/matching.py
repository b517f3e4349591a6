"""A composite found in an expression and replaced by one generator: matching of normal forms."""

from __future__ import annotations

from learningdiagrams.errors import DiagramError
from learningdiagrams.theory.morphisms import Generator, Morphism, Term
from learningdiagrams.theory.terms import applications, from_terms

__all__ = ["folded"]


def folded(morphism: Morphism, composite: Morphism, generator: Morphism) -> Morphism:
    """The morphism with `generator` wherever `composite` stands, outermost first; itself where it stands nowhere.

    >>> from learningdiagrams.diagram import Diagram
    >>> d = Diagram()
    >>> (A,) = d.objects("A")
    >>> f, g, h = d.map("f", A, A), d.map("g", A, A), d.map("h", A, A)
    >>> folded(g >> f >> g >> f >> f, f >> g, h), folded(f >> f, f >> g, h)
    (g >> h >> f >> f, f >> f)

    Raises :class:`DiagramError` for a composite that cannot be found: one with a `stop`, an input that it does not
    use, or an output that is an input.
    """
    patterns = _patterns(composite)
    heads = {pattern.head for pattern in patterns}
    terms = applications(morphism.terms)
    if not any(term.head in heads for term in terms):
        return morphism
    head = generator.generator
    assert head is not None
    found: dict[Term, tuple[int, tuple[Term, ...]]] = {}
    for term in terms:
        if isinstance(term.head, Generator) and term.head in heads:
            for index, pattern in enumerate(patterns):
                bindings = _match(pattern, term)
                if bindings is not None:
                    found[term] = index, tuple(bindings[variable] for variable in composite.dom.variables)
                    break
    if not found:
        return morphism
    signature, made = morphism.signature, {}
    stack = list(morphism.terms)
    while stack:
        term = stack[-1]
        parts = found[term][1] if term in found else term.args
        missing = [part for part in parts if part not in made] if term not in made else []
        if missing:
            stack += missing
            continue
        stack.pop()
        if term in made:
            continue
        args = tuple(made[part] for part in parts)
        if term in found:
            made[term] = signature.applied(head, args)[found[term][0]]
        elif isinstance(term.head, Generator):
            made[term] = signature.applied(term.head, args)[term.index]
        else:
            made[term] = term if term.head is None else signature.marked(term.head, args[0])
    return from_terms(morphism.dom, morphism.cod, [made[term] for term in morphism.terms])


def _patterns(composite: Morphism) -> tuple[Term, ...]:
    """The terms to look for."""
    for term in composite.terms:
        inside = applications([term])
        marks = [each.head for each in inside if isinstance(each.head, str)]
        if marks:
            raise DiagramError(
                f"fold: `{composite}` has a {marks[0]} in it, which belongs to a goal; fold what is under it"
            )
        if term.head is None:
            raise DiagramError(f"fold: an output of `{composite}` is its input, which stands everywhere; leave it out")
        if len(composite.dom.factors) > sum(each.head is None for each in inside):
            raise DiagramError(
                f"fold: `{composite}` has an input that an output does not use, so that nothing says what it would be"
            )
    return composite.terms


def _match(pattern: Term, term: Term) -> dict[Term, Term] | None:
    """What the variables of a pattern stand for in a term, if that is an instance of it."""
    bindings: dict[Term, Term] = {}
    pairs, seen = [(pattern, term)], set()
    while pairs:
        pair = pairs.pop()
        if pair in seen:
            continue
        seen.add(pair)
        mine, theirs = pair
        if mine.head is None:
            if bindings.setdefault(mine, theirs) is not theirs:
                return None
        elif mine.head is not theirs.head or mine.index != theirs.index or len(mine.args) != len(theirs.args):
            return None
        else:
            pairs += zip(mine.args, theirs.args, strict=True)
    return bindings
