"""Normal forms at work: their sub-terms, their value under an interpretation, their image under a functor.

Everything walks the shared graph of terms or of expressions once and with a stack of its own, so that neither
depth nor repetition costs more than the number of nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from learningdiagrams.theory.errors import TheoryError
from learningdiagrams.theory.morphisms import (
    Generator,
    Morphism,
    Object,
    Signature,
    Term,
    drop,
    identity,
    mark,
    proj,
)

__all__ = [
    "Writer",
    "applications",
    "fold",
    "from_terms",
    "replaced",
    "spine",
    "substitute",
    "subterm",
    "unmarked",
]

V = TypeVar("V")


def applications(terms: Iterable[Term]) -> list[Term]:
    """All sub-terms of these terms, each once, arguments before what is applied to them."""
    seen: set[Term] = set()
    order: list[Term] = []
    for root in terms:
        stack = [(root, iter(root.args))] if root not in seen else []
        seen.add(root)
        while stack:
            term, rest = stack[-1]
            for arg in rest:
                if arg not in seen:
                    seen.add(arg)
                    stack.append((arg, iter(arg.args)))
                    break
            else:
                order.append(term)
                stack.pop()
    return order


def fold(
    terms: Sequence[Term],
    variable: Callable[[int, Object], V],
    application: Callable[[Generator, tuple[V, ...]], Sequence[V]],
    marked: Callable[[str, V], V],
) -> tuple[V, ...]:
    """The value of terms under an interpretation, each application computed once.

    `variable(position, sort)` gives a variable's value, `application(generator, arguments)` the values of all
    outputs of a generator, `marked(label, value)` that of a mark.

    >>> from learningdiagrams.theory.morphisms import Signature
    >>> s = Signature()
    >>> A = s.sort("A")
    >>> f = s.generator("f", A, A)
    >>> fold((f >> f >> f).terms, lambda i, sort: 1, lambda g, args: [2 * args[0]], lambda label, v: v)
    (8,)
    """
    outputs: dict[tuple[Generator, tuple[Term, ...]], Sequence[V]] = {}
    values: dict[Term, V] = {}
    for term in applications(terms):
        if term.head is None:
            values[term] = variable(term.index, term.sort)
        elif isinstance(term.head, str):
            values[term] = marked(term.head, values[term.args[0]])
        else:
            key = (term.head, term.args)
            if key not in outputs:
                outputs[key] = application(term.head, tuple(values[arg] for arg in term.args))
            values[term] = outputs[key][term.index]
    return tuple(values[term] for term in terms)


def unmarked(morphism: Morphism) -> Morphism:
    """The morphism with its marks forgotten.

    >>> from learningdiagrams.theory.morphisms import Signature
    >>> s = Signature()
    >>> A = s.sort("A")
    >>> f = s.generator("f", A, A)
    >>> unmarked(mark("stop", f) >> f) == f >> f
    True
    """
    if not any(isinstance(term.head, str) for term in applications(morphism.terms)):
        return morphism
    return substitute(morphism, lambda obj: obj, lambda generator: generator.morphism, keep_marks=False)


def substitute(
    morphism: Morphism,
    objects: Callable[[Object], Object],
    generators: Callable[[Generator], Morphism],
    keep_marks: bool = True,
) -> Morphism:
    """The image of an expression under a functor that is given on objects and on generators.

    `objects` is called on products too and has to preserve them. What was written once is rebuilt once, and
    the image is written as the original was.
    """
    done: dict[int, Morphism] = {}
    tasks = [morphism]
    while tasks:
        node = tasks[-1]
        if id(node) in done:
            tasks.pop()
            continue
        inner = [part for part in node.parts if isinstance(part, Morphism)]
        missing = [part for part in inner if id(part) not in done]
        if missing:
            tasks += reversed(missing)
            continue
        tasks.pop()
        done[id(node)] = _rebuilt(node, [done[id(part)] for part in inner], objects, generators, keep_marks)
    return done[id(morphism)]


def _rebuilt(
    node: Morphism,
    parts: list[Morphism],
    objects: Callable[[Object], Object],
    generators: Callable[[Generator], Morphism],
    keep_marks: bool,
) -> Morphism:
    match node.op:
        case "generator":
            return generators(node.parts[0])
        case "compose":
            return parts[0] >> parts[1]
        case "pair":
            return parts[0] & parts[1]
        case "parallel":
            return parts[0] @ parts[1]
        case "mark":
            return mark(node.parts[0], parts[0]) if keep_marks else parts[0]
        case "identity":
            return identity(objects(node.dom))
        case "drop":
            return drop(objects(node.dom))
    # A projection's factor may have become a product: the image is the projection onto all of its factors.
    images = [objects(factor) for factor in node.dom.factors]
    whole, position = objects(node.dom), node.parts[0]
    start = sum(len(image.factors) for image in images[:position])
    chosen = whole.variables[start : start + len(images[position].factors)]
    return from_terms(whole, images[position], chosen)


def from_terms(dom: Object, cod: Object, terms: Sequence[Term]) -> Morphism:
    """The morphism dom → cod with this normal form, written as an expression; terms that are shared stay
    shared.

    >>> from learningdiagrams.theory.morphisms import Signature
    >>> s = Signature()
    >>> A = s.sort("A")
    >>> mul, inv = s.generator("mul", A * A, A), s.generator("inv", A, A)
    >>> m = (proj(A * A, 1) & proj(A * A, 0)) >> inv @ identity(A) >> mul
    >>> print(from_terms(m.dom, m.cod, m.terms))
    (proj(A * A, 1) >> inv & proj(A * A, 0)) >> mul
    """
    return Writer(dom).write(cod, terms)


class Writer:
    """Writes morphisms out of one object that have given normal forms.

    What two of them share is written once.
    """

    __slots__ = ("_written", "dom")

    def __init__(self, dom: Object) -> None:
        self.dom: Object = dom
        self._written: dict[Term, Morphism] = {}

    def write(self, cod: Object, terms: Sequence[Term]) -> Morphism:
        """The morphism to `cod` with these terms as its normal form."""
        for term in terms:
            self._write(term)
        made = self._tuple(terms)
        if made.cod is not cod:
            raise TheoryError(f"these terms make a morphism {self.dom} -> {made.cod}, not one to {cod}")
        return made

    def _write(self, root: Term) -> None:
        written, dom = self._written, self.dom
        # A path is written at once: proofs about paths write very many of them.
        path: list[Term] = []
        while root not in written and isinstance(root.head, Generator) and len(root.args) == 1:
            if len(root.head.cod.factors) != 1:
                break
            path.append(root)
            root = root.args[0]
        self._write_any(root)
        made = written[root]
        for term in reversed(path):
            after = term.head.morphism  # type: ignore[union-attr]  # a generator, see above
            made = after if made.op == "identity" else Morphism(dom, term.sort, "compose", (made, after))
            if made._terms is None:
                made._terms = (term,)
            written[term] = made

    def _write_any(self, root: Term) -> None:
        written, dom = self._written, self.dom
        stack = [root]
        while stack:
            term = stack[-1]
            if term in written:
                stack.pop()
                continue
            missing = [arg for arg in term.args if arg not in written]
            if missing:
                stack += missing
                continue
            stack.pop()
            if term.head is None:
                made = proj(dom, term.index)
            elif isinstance(term.head, str):
                made = mark(term.head, written[term.args[0]])
            else:
                whole = self._tuple(term.args) >> term.head.morphism
                made = whole if len(term.head.cod.factors) == 1 else whole >> proj(term.head.cod, term.index)
            # Its normal form is known, so that nobody has to evaluate it; a generator's own morphism has its
            # already.
            if made._terms is None:
                made._terms = (term,)
            written[term] = made

    def _tuple(self, terms: Sequence[Term]) -> Morphism:
        """The pairing of written terms.

        All outputs of one application in their order are that application.
        """
        if len(terms) == 1:
            return self._written[terms[0]]
        if tuple(terms) == self.dom.variables:
            return identity(self.dom)
        made: Morphism | None = None
        position = 0
        while position < len(terms):
            term = terms[position]
            outputs = len(term.head.cod.factors) if isinstance(term.head, Generator) else 1
            part, width = self._written[term], 1
            if outputs > 1:
                group = self.dom.signature.applied(term.head, term.args)  # type: ignore[arg-type]  # a generator, see above
                if tuple(terms[position : position + outputs]) == group:
                    part, width = part.parts[0], outputs
            made = part if made is None else made & part
            position += width
        return drop(self.dom) if made is None else made


def spine(term: Term) -> tuple[Term | None, list[Term]]:
    """The base of a term and, from the inside out, what the generators of at most one argument over it make
    of it.

    The base is a variable, a mark, or an application to several arguments; None where a constant 1 → A comes
    first.
    """
    path: list[Term] = []
    while isinstance(term.head, Generator) and len(term.args) <= 1:
        path.append(term)
        if not term.args:
            path.reverse()
            return None, path
        term = term.args[0]
    path.reverse()
    return term, path


def subterm(terms: Sequence[Term], place: Sequence[int]) -> Term | None:
    """The term at a place: the output, then argument positions from the outside inwards.

    None where there is none.
    """
    options: Sequence[Term] = terms
    term = None
    for position in place:
        if type(position) is not int or not 0 <= position < len(options):
            return None
        term = options[position]
        options = term.args
    return term


def replaced(signature: Signature, terms: tuple[Term, ...], place: Sequence[int], new: Term) -> tuple[Term, ...]:
    """The same terms with `new` at a place that exists; nothing above it is a mark."""
    passed: list[Term] = []
    options = terms
    for position in place[:-1]:
        passed.append(options[position])
        options = options[position].args
    for term, position in zip(reversed(passed), reversed(place[1:]), strict=True):
        args = (*term.args[:position], new, *term.args[position + 1 :])
        new = signature.applied(term.head, args)[term.index]  # type: ignore[arg-type]  # a generator
    return (*terms[: place[0]], new, *terms[place[0] + 1 :])
