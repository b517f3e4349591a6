"""What notebooks show of diagrams and of what is made of them: a picture above tables.

A front end that is given both HTML and SVG shows the HTML, so that the picture is part of it. Beyond `LARGE` things
nothing is drawn: such a picture takes seconds and shows nothing.

>>> from learningdiagrams.theory import Functor, Presentation, pushout
>>> R, P, Q = Presentation("R"), Presentation("P"), Presentation("Q")
>>> (X,), (A, B), (C, D) = R.objects("X"), P.objects("A", "B"), Q.objects("C", "D")
>>> f, g = P.morphism("f", A, B), Q.morphism("g", C, D)
>>> po = pushout(Functor(R, P, {X: B}, {}), Functor(R, Q, {X: C}, {}))
>>> square = po._repr_svg_()
>>> [f">{name}</text>" in square for name in ("R", "P", "Q", "P + Q", "in₀", "in₁", "F₀", "F₁")]
[True, True, True, True, True, True, True, True]
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any, Final

from learningdiagrams.diagram import Diagram
from learningdiagrams.drawing.scene import picture_of
from learningdiagrams.drawing.svg import svg
from learningdiagrams.drawing.tables import equations_table, html_table
from learningdiagrams.errors import DiagramError
from learningdiagrams.relevance import translated, translated_object
from learningdiagrams.theory.showing import framed, is_long, pictured, pre, rows_table, scrolled, written

if TYPE_CHECKING:
    from learningdiagrams.declarations import Goal, Measure
    from learningdiagrams.editing import Edited
    from learningdiagrams.gluing import Gluing
    from learningdiagrams.theory.functors import Functor
    from learningdiagrams.theory.presentations import Law, Presentation

__all__ = [
    "colimit_svg",
    "diagram_html",
    "diagram_svg",
    "edited_html",
    "gluing_html",
    "presentation_svg",
    "residuals_html",
    "values_html",
]

LARGE: Final = 100
"""Objects and generators together beyond which a diagram is not drawn by itself, nor with an equation of hundreds of
symbols; `draw()` draws it.
"""
SUBSCRIPTS: Final = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def diagram_svg(diagram: Diagram, residuals: Mapping[str, float] | None = None) -> str | None:
    """The picture of a diagram; None where it is large."""
    equations = [*diagram.goals.values(), *diagram.laws.values(), *diagram.measures.values()]
    return None if _large(diagram, equations) else diagram.draw(residuals=residuals)


def _large(shape: Diagram | Presentation, equations: Iterable[Goal | Measure | Law]) -> bool:
    things = len(shape.sorts) + len(shape.generators)
    return things > LARGE or any(is_long(side) for e in equations for side in (e.left, e.right))


def diagram_html(diagram: Diagram) -> str:
    """The picture of a diagram above its tables."""
    return pictured(diagram) + html_table(diagram)


def presentation_svg(presentation: Presentation) -> str | None:
    """The picture of a presentation; None where it is large, or has a name that a diagram cannot have."""
    if _large(presentation, presentation.laws.values()):
        return None
    made = Diagram(presentation.name)
    try:
        for name in presentation.sorts:
            made.object(name)
        for name, m in presentation.generators.items():
            made.map(name, translated_object(m.dom, made.presentation), translated_object(m.cod, made.presentation))
        for law in presentation.laws.values():
            made.law(*(translated(side, made.presentation) for side in (law.left, law.right)), name=law.name)
    except DiagramError:
        return None
    return svg(picture_of(made, title=False))


def colimit_svg(
    legs: Sequence[Functor], arrows: Sequence[tuple[int, int, Functor]], shown: Sequence[int], apex: str
) -> str | None:
    """The diagram that was glued, with its apex and legs: for a pushout the square; None where it is large.

    Args:
        arrows: (from, to, functor) between parts, by position.
        shown: the position of each leg's part.
    """
    if len(legs) + len(arrows) > LARGE:
        return None
    names: dict[int, str] = {position: leg.dom.name for position, leg in zip(shown, legs, strict=True)}
    for source, target, functor in arrows:
        names.setdefault(source, functor.dom.name)
        names.setdefault(target, functor.cod.name)
    made = Diagram("colimit")
    parts = {position: made.object(f"part{position}") for position in sorted(names)}
    whole = made.object("apex")
    for position, part in parts.items():
        made.style(str(part), label=names[position])
    made.style("apex", label=apex or " ")
    after = {}
    for number, position in enumerate(shown):
        after[position] = made.map(f"leg{number}", parts[position], whole)
        made.style(f"leg{number}", label=f"in{_subscript(number, legs)}")
    agreed: dict[int, Any] = {position: leg for position, leg in after.items()}
    for number, (source, target, _) in enumerate(arrows):
        along = made.map(f"arrow{number}", parts[source], parts[target]) >> after[target]
        made.style(f"arrow{number}", label=f"F{_subscript(number, arrows)}")
        if source in agreed:
            law = made.law(agreed[source], along)
            made.style(law.name, label="=")
        agreed.setdefault(source, along)
    return svg(picture_of(made, title=False, equations=False))


def _subscript(number: int, of: Sequence[Any]) -> str:
    return str(number).translate(SUBSCRIPTS) if len(of) > 1 else ""


def gluing_html(gluing: Gluing) -> str:
    """The picture of the whole, and a table of what each thing in it is in each part."""
    whole = gluing.diagram
    heading = [whole.name, *(leg.source.name for leg in gluing.legs)]
    origins = []
    for leg in gluing.legs:
        back: dict[str, str] = {}
        for name, image in {**leg.objects, **leg.morphisms}.items():
            back[str(image)] = f"{back[str(image)]}, {name}" if str(image) in back else name
        origins.append(back)
    rows = [[written(name), *(written(o[name]) if name in o else "" for o in origins)]
            for name in (*whole.sorts, *whole.generators)]  # fmt: skip
    return framed([pictured(whole), rows_table(heading, rows, LARGE)])


def edited_html(edited: Edited) -> str:
    """The lines of text that an edit took away and added, and what became of the numbers."""
    before, after = (str(d).splitlines() for d in (edited.before, edited.diagram))
    lines = []
    for line in difflib.ndiff(before, after):
        colour = {"-": "#b3261e", "+": "#1a7f37"}.get(line[:1])
        if colour and line[2:].strip():
            lines.append(f'<span style="color:{colour}">{escape(line)}</span>')
    first, *numbers = str(edited).splitlines()
    changed = f"<pre>{chr(10).join(lines)}</pre>" if lines else "<p>nothing changed</p>"
    return framed([f"<p>{written(first)}</p>", changed, pre("\n".join(numbers)) if numbers else ""])


def residuals_html(
    diagram: Diagram, residuals: Mapping[str, float], floor: Mapping[str, float], unmeasured: Mapping[str, str]
) -> str:
    """The picture with residuals above the table of equations with theirs."""
    drawn = scrolled(diagram_svg(diagram, residuals))
    lines = [f"law {name} is not measured: {reason}" for name, reason in unmeasured.items()]
    return framed([drawn, equations_table(diagram, residuals, floor, LARGE), pre("\n".join(lines)) if lines else ""])


def values_html(heading: Sequence[str], values: dict[str, Any]) -> str:
    """Names with numbers, such as the terms of a loss: arrays of one number, or expressions in closed form."""
    numbers = {name: f"{x.item():.6g}" if hasattr(x, "item") else written(str(x)) for name, x in values.items()}
    return framed([rows_table(heading, [[written(name), number] for name, number in numbers.items()])])
