"""The checker of proofs by laws between paths, in short form.

Such a proof consists of runs, each of uses of laws inside one word of generators: at an offset, one side of a
law is replaced by the other. A use is a step in the sense of :mod:`learningdiagrams.theory.checking`, in
which what the word makes up to the offset is put for the law's one variable; it is accepted when the law is
one between paths, starts at the object that the word has come to there, and the word goes on with that side
of it. Acceptance implies truth for the same reason. Nothing of the engine is imported here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from learningdiagrams.theory.checking import ends
from learningdiagrams.theory.errors import InvalidProof
from learningdiagrams.theory.morphisms import Morphism, Object, Term
from learningdiagrams.theory.terms import replaced, spine, subterm, unmarked

if TYPE_CHECKING:
    from learningdiagrams.theory.presentations import Law
    from learningdiagrams.theory.proofs import PathRun

__all__ = ["check_path_proof"]


def check_path_proof(laws: Mapping[str, Law], left: Morphism, right: Morphism, runs: Sequence[PathRun]) -> None:
    """Raises :class:`InvalidProof` unless the runs, one after the other, lead from `left` to `right`."""
    here, goal = ends(left, right)
    letters: dict[tuple[object, int], str] = {}
    terms: dict[str, Term] = {}
    sides: dict[tuple[str, int], tuple[Object, str, str]] = {}

    def split(term: Term) -> tuple[Term | None, str]:
        base, path = spine(term)
        word = [letters.setdefault((part.head, part.index), chr(len(letters))) for part in path]
        terms.update(zip(word, path, strict=True))
        return base, "".join(word)

    for place, moves in runs:
        top = subterm(here, place)
        if top is None:
            raise InvalidProof(f"there is nothing at {place}")
        base, word = split(top)
        start = left.dom.signature.unit if base is None else base.sort
        for law, output, forward, offset in moves:
            if (law, output) not in sides:
                if law not in laws or not 0 <= output < len(laws[law].left.terms):
                    raise InvalidProof(f"there is no law `{law}` with an output {output}")
                one, other = (split(unmarked(side).terms[output]) for side in (laws[law].left, laws[law].right))
                dom = laws[law].left.dom
                if len(dom.factors) > 1 or any(end[0] is not (dom.variables or (None,))[0] for end in (one, other)):
                    raise InvalidProof(f"`{law}` is no law between paths")
                sides[law, output] = dom, one[1], other[1]
            dom, old, new = sides[law, output]
            if not forward:
                old, new = new, old
            at = start if not offset else terms[word[offset - 1]].sort if 0 < offset <= len(word) else None
            if at is not dom or not word.startswith(old, offset):
                raise InvalidProof(f"`{law}` is used {offset} generators in, where its side does not occur")
            word = word[:offset] + new + word[offset + len(old) :]
        for letter in word:
            args = () if base is None else (base,)
            base = left.dom.signature.applied(terms[letter].head, args)[terms[letter].index]  # type: ignore[arg-type]
        if base is None:
            raise InvalidProof("a word that begins with a constant has become empty")
        here = replaced(left.dom.signature, here, place, base)
    if here != goal:
        raise InvalidProof(f"the proof does not end at `{right}`, where it was to end")
