"""Proofs as mathematics, in text and in LaTeX, with the part that each step rewrites.

A path out of a sort is written as its generators in diagrammatic order, any other term with its arguments in
brackets and its variables as x₀, x₁ …, as the factors of the domain count.

>>> from learningdiagrams.theory import Presentation, identity
>>> P = Presentation("Involution")
>>> V, E = P.objects("V", "E")
>>> inv, src = P.morphism("inv", E, E), P.morphism("src", E, V)
>>> law = P.law(inv >> inv, identity(E), name="involution")
>>> print(P.prove(inv >> inv >> src, src).proof.to_latex())
\\begin{align*}
& \\underline{\\mathrm{inv} \\mathbin{;} \\mathrm{inv}} \\mathbin{;} \\mathrm{src} \\\\
&= \\mathrm{src} && \\text{by involution}
\\end{align*}
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING, Final

from learningdiagrams.theory.morphisms import Generator, Morphism, Object, Term
from learningdiagrams.theory.terms import from_terms, spine, subterm

if TYPE_CHECKING:
    from learningdiagrams.theory.presentations import Law
    from learningdiagrams.theory.proofs import Proof, Step

__all__ = ["escaped", "morphism_as_latex", "object_as_latex", "proof_as_latex", "proof_as_text", "rewritten"]

_THEN = " \\mathbin{;} "


def proof_as_text(proof: Proof) -> str:
    """The chain, a line a step: what it leads to, and the law with the part that it replaces and what by."""
    lines = [str(proof.left)]
    for step in proof.steps:
        old, new = rewritten(step, proof.laws[step.law])
        backwards = "" if step.forward else ", backwards"
        lines.append(f"  = {step.after}    by {step.law}{backwards}: {old} -> {new}")
    return "\n".join(lines)


def rewritten(step: Step, law: Law) -> tuple[Morphism, Morphism]:
    """What a step replaces and by what.

    The law's sides where they are the part, or else the terms at the place.
    """
    if len(law.left.dom.factors) <= 1 and len(law.left.cod.factors) == 1:
        return (law.left, law.right) if step.forward else (law.right, law.left)
    terms = (subterm(side.terms, step.place) for side in (step.before, step.after))
    old, new = (from_terms(step.before.dom, term.sort, (term,)) for term in terms if term is not None)
    return old, new


def proof_as_latex(proof: Proof, limit: int | None = None) -> str:
    """The chain as an `align*` environment; see the module. Steps beyond `limit` are left out, and counted."""
    lines = []
    reason = ""
    step = None
    for step in islice(proof.steps, limit):
        marked = subterm(step.before.terms, step.place)
        # On a path, only the generators that the law takes away are marked, not what comes before them.
        inner = step.using[0].terms[0] if len(step.using) == 1 else None
        lines.append(("= " if reason else " ") + _side(step.before, step.place, marked, inner) + reason)
        name = escaped(step.law) + ("" if step.forward else ", backwards")
        reason = f" && \\text{{by {name}}}"
    more = len(proof.steps) - len(lines)
    if step is not None and more:
        lines.append("= " + _side(step.after, (), None, None) + reason)
        reason = f" && \\text{{by {more} more steps}}"
    lines.append(("= " if reason else " ") + _side(proof.right, (), None, None) + reason)
    body = " \\\\\n".join("&" + line for line in lines)
    return f"\\begin{{align*}}\n{body}\n\\end{{align*}}"


def morphism_as_latex(morphism: Morphism, limit: int) -> str | None:
    """An expression as it was written, in LaTeX; None where it has more than some `limit` symbols.

    >>> from learningdiagrams.theory.morphisms import Signature, identity, proj
    >>> s = Signature()
    >>> A = s.sort("A")
    >>> f, g = s.generator("f", A, A), s.generator("g_1", A, A)
    >>> print(morphism_as_latex((f & g) >> f @ identity(A), 100))
    \\langle \\mathrm{f}, \\mathrm{g\\_1} \\rangle \\mathbin{;} \\mathrm{f} \\times \\mathrm{id}_{\\mathrm{A}}
    >>> print(morphism_as_latex(proj(A * A, 0), 100))
    \\pi_{0}
    >>> morphism_as_latex(f >> g >> f, 4) is None
    True
    """
    out: list[str] = []
    # What is still to be written: LaTeX, or an expression and the sign that it stands beside.
    tasks: list[str | tuple[Morphism, str]] = [(morphism, "")]
    while tasks and len(out) <= limit:
        task = tasks.pop()
        if isinstance(task, str):
            out.append(task)
            continue
        node, outer = task
        if node.op == "generator":
            out.append(f"\\mathrm{{{escaped(node.parts[0].name)}}}")
        elif node.op == "identity":
            out.append(f"\\mathrm{{id}}_{{{object_as_latex(node.dom)}}}")
        elif node.op == "project":
            out.append(f"\\pi_{{{node.parts[0]}}}")
        elif node.op == "drop":
            out.append(f"{{!}}_{{{object_as_latex(node.dom)}}}")
        elif node.op == "mark":
            tasks += (")", (node.parts[1], ""), f"\\operatorname{{{escaped(node.parts[0])}}}(")
        else:
            opened, sign, closed = _SIGNS[node.op]
            # All three are associative; what stands closer needs no brackets, nor does what brings its own.
            if node.op == outer or (not outer and node.op != "pair") or (outer, node.op) in _CLOSER:
                opened = closed = ""
            parts = (closed, (node.parts[1], node.op), sign, (node.parts[0], node.op), opened)
            tasks += (part for part in parts if part)
    return "".join(out) if len(out) <= limit else None


_SIGNS: Final = {
    "pair": ("\\langle ", ", ", " \\rangle"),
    "compose": ("(", _THEN, ")"),
    "parallel": ("(", " \\times ", ")"),
}
_CLOSER: Final = {("pair", "compose"), ("pair", "parallel"), ("compose", "parallel")}


def object_as_latex(obj: Object) -> str:
    """A product of sorts in LaTeX; 1 where there are none."""
    return " \\times ".join(f"\\mathrm{{{escaped(sort.name)}}}" for sort in obj.factors) or "1"


def _side(morphism: Morphism, place: Sequence[int], marked: Term | None, inner: Term | None) -> str:
    """A side of a step, with the marked term at the place underlined."""
    if not morphism.terms:
        return "!"
    path = _as_path(morphism)
    if path is not None:
        if marked is None:
            return _THEN.join(path) if path else _identity(morphism)
        end = len(path) - (len(place) - 1)
        start = len(spine(inner)[1]) if inner is not None else 0
        part = _THEN.join(path[start:end]) or _identity(morphism)
        return _THEN.join([*path[:start], f"\\underline{{{part}}}", *path[end:]])
    sides = [
        _term(term, place[1:] if place and place[0] == output else None, marked is not None)
        for output, term in enumerate(morphism.terms)
    ]
    return sides[0] if len(sides) == 1 else f"\\langle {', '.join(sides)} \\rangle"


def _as_path(morphism: Morphism) -> list[str] | None:
    """The generators of a path out of a sort or out of 1, or None for anything else."""
    if len(morphism.dom.factors) > 1 or len(morphism.terms) != 1:
        return None
    base, path = spine(morphism.terms[0])
    if (base is None) is not (not morphism.dom.factors) or (base is not None and base.head is not None):
        return None
    return [_symbol(term) for term in path]


def _identity(morphism: Morphism) -> str:
    return f"\\mathrm{{id}}_{{{escaped(morphism.dom.name)}}}"


def _symbol(term: Term) -> str:
    assert isinstance(term.head, Generator)
    index = f"_{{{term.index}}}" if len(term.head.cod.factors) > 1 else ""
    return f"\\mathrm{{{escaped(term.head.name)}}}{index}"


def _term(root: Term, place: Sequence[int] | None, mark: bool) -> str:
    """A term in brackets; the one at `place`, if there is one, underlined. Written from the inside out."""
    written: dict[tuple[Term, int], str] = {}
    # A node is a term and how far along the place it lies: -1 where it does not.
    stack: list[tuple[Term, int]] = [(root, 0 if place is not None and mark else -1)]
    top = stack[0]
    while stack:
        term, depth = stack[-1]
        inner = [
            (
                arg,
                depth + 1 if depth >= 0 and place is not None and depth < len(place) and place[depth] == i else -1,
            )
            for i, arg in enumerate(term.args)
        ]
        missing = [node for node in inner if node not in written]
        if missing:
            stack += missing
            continue
        stack.pop()
        if term.head is None:
            text = f"x_{{{term.index}}}"
        else:
            args = ", ".join(written[node] for node in inner)
            text = f"{_symbol(term)}({args})" if args else _symbol(term)
        if place is not None and depth == len(place):
            text = f"\\underline{{{text}}}"
        written[term, depth] = text
    return written[top]


def escaped(name: str) -> str:
    return (
        name.replace("\\", "\\backslash ")
        .replace("_", "\\_")
        .replace("#", "\\#")
        .replace("%", "\\%")
        .replace("&", "\\&")
    )
