"""One equation as two string diagrams, and a proof as a film: the picture of each step, with what it rewrites shaded.

>>> from learningdiagrams.theory import Presentation
>>> P = Presentation("Idempotent")
>>> (A,) = P.objects("A")
>>> e = P.morphism("e", A, A)
>>> law = P.law(e >> e, e, name="idempotent")
>>> picture = film(P.prove(e >> e >> e, e).proof)
>>> [group.name for group in picture.groups if group.kind == "law"]
['idempotent', 'idempotent']
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Final

from learningdiagrams.drawing import palette, text
from learningdiagrams.drawing.picture import Area, Box, Curve, Group, Picture, Shape, Words, arrowhead, line
from learningdiagrams.drawing.places import DETAIL, LABEL
from learningdiagrams.drawing.strings import Strings, strings
from learningdiagrams.theory.morphisms import Morphism, Term
from learningdiagrams.theory.presentations import Law
from learningdiagrams.theory.terms import subterm

if TYPE_CHECKING:
    from learningdiagrams.declarations import Goal, Measure
    from learningdiagrams.theory.proofs import Proof, Step

__all__ = ["FRAMES", "equation_strings", "film"]

MARGIN: Final = 24.0
FRAMES: Final = 60
"""Steps beyond which a film is cut; it says how many are left out."""
BESIDE: Final = 1100.0
"""Two string diagrams stand beside each other up to this width, above each other beyond it."""


def equation_strings(
    equation: Goal | Measure | Law, words: str, roles: Mapping[str, str], residual: float | None = None
) -> Picture:
    """The two sides of an equation as string diagrams, with its sign between them and `words` below.

    Args:
        roles: the role of each generator. residual: how far it is from holding.
    """
    left, right = strings(equation.left, roles), strings(equation.right, roles)
    sign = "=" if isinstance(equation, Law) else "≈"
    top, middle = MARGIN + 34.0, 64.0
    groups = [
        Group("title", equation.name, (Words(MARGIN, MARGIN, text.plain(equation.name), 16, "start", bold=True),))
    ]
    if left.width + middle + right.width <= BESIDE:
        height = max(left.height, right.height)
        groups += left.at(MARGIN, top + (height - left.height) / 2)
        x = MARGIN + left.width + middle / 2
        groups.append(Group("sign", sign, (Words(x, top + height / 2, sign, 22),)))
        groups += right.at(MARGIN + left.width + middle, top + (height - right.height) / 2)
        width = left.width + middle + right.width
    else:
        height = left.height + middle + right.height
        width = max(left.width, right.width)
        groups += left.at(MARGIN, top)
        groups.append(Group("sign", sign, (Words(MARGIN + 14, top + left.height + middle / 2, sign, 22),)))
        groups += right.at(MARGIN, top + left.height + middle)
    bottom = top + height + 30.0
    shapes: list[Shape] = [Words(MARGIN, bottom, words, DETAIL, "start", colour="muted")]
    wide = text.width(words, DETAIL)
    if residual is not None:
        number = text.number(residual)
        half = text.width(number, DETAIL) / 2 + 8
        shapes.append(Box(MARGIN + wide + 16 + half, bottom, 2 * half, 18, 9, palette.band(residual), "muted", 1.0))
        shapes.append(Words(MARGIN + wide + 16 + half, bottom, number, DETAIL, colour="badge", bold=True))
        wide += 16 + 2 * half
    groups.append(Group("note", equation.name, tuple(shapes)))
    return Picture(
        text.plain(equation.name),
        f"string diagrams of {equation.left} {sign} {equation.right}",
        math.ceil(2 * MARGIN + max(width, wide, text.width(equation.name, 17))),
        math.ceil(bottom + MARGIN),
        tuple(groups),
    )


def film(proof: Proof, roles: Mapping[str, str] | None = None, frames: int = FRAMES) -> Picture:
    """A proof as a strip of string diagrams, from the left side down to the right one.

    The part that a step is to rewrite is shaded; beside the arrow to the next picture stands the law.

    Args:
        roles: the role of each generator. frames: how many steps are shown at most.
    """
    count = len(proof.steps)
    shown: list[tuple[Strings, Step | None]] = []
    last = proof.left
    for step in islice(proof.steps, frames):
        shown.append((strings(step.before, roles, rewritten(step.before, step)), step))
        last = step.after
    shown.append((strings(last, roles), None))
    if count > frames:
        shown.append((strings(proof.right, roles), None))
    groups: list[Group] = []
    y, width = MARGIN, 0.0
    for i, (drawn, step) in enumerate(shown):
        number = Words(MARGIN, y + drawn.height / 2, str(i), DETAIL, "start", colour="muted")
        groups.append(Group("frame", str(i), (number,)))
        groups += drawn.at(MARGIN + 30, y)
        width = max(width, 30 + drawn.width)
        y += drawn.height
        if step is not None:
            arrow, wide = _between(step.law, step.forward, y)
        elif i < len(shown) - 1:
            arrow, wide = _between("", True, y, f"{count - frames} more steps")
        else:
            continue
        groups.append(arrow)
        width, y = max(width, wide), y + 56.0
    what = f"{proof.left} = {proof.right}"
    steps = f"{count} step{'' if count == 1 else 's'}"
    return Picture(
        text.plain(proof.presentation.name),
        text.plain(f"a proof of {what} in {steps}"),
        math.ceil(2 * MARGIN + width),
        math.ceil(y + MARGIN),
        tuple(groups),
    )


def rewritten(morphism: Morphism, step: Step) -> Collection[Term]:
    """The applications that a step takes away: those of the law's side, not what fills its variables."""
    root = subterm(morphism.terms, step.place)
    filled = {term for value in step.using for term in value.terms}
    if root is None or root in filled:
        return ()
    found: set[Term] = set()
    stack = [root]
    while stack:
        term = stack.pop()
        if term not in found and term not in filled and term.head is not None:
            found.add(term)
            stack += term.args
    return found


def _between(law: str, forward: bool, y: float, words: str = "") -> tuple[Group, float]:
    """The arrow from one picture to the next, with the law that is used."""
    x = MARGIN + 42.0
    words = words or f"{text.plain(law)}{'' if forward else ', backwards'}"
    head = arrowhead((x, y + 46), (0.0, 1.0), 1.2)
    shapes = (
        Curve(line((x, y + 10), (x, y + 40)), "lawline", 1.2),
        Area(head, "lawline"),
        Words(x + 16, y + 28, words, LABEL, "start", colour="ink"),
    )
    return Group("law", law, shapes), 58.0 + text.width(words, LABEL)
