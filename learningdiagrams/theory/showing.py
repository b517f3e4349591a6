"""What a notebook shows of the theory's values: tables in HTML, expressions in LaTeX.

Everything that a name holds is escaped: one that contains `<script>` is text. What is long is cut, and says so.

>>> from learningdiagrams.theory import Presentation, identity
>>> P = Presentation("Involution")
>>> V, E = P.objects("V", "E")
>>> inv, src = P.morphism("inv", E, E), P.morphism("src", E, V)
>>> law = P.law(inv >> inv, identity(E), name="involution")
>>> print(equation_latex(law.left, law.right))
$\\displaystyle \\mathrm{inv} \\mathbin{;} \\mathrm{inv} = \\mathrm{id}_{\\mathrm{E}}$
>>> "<code>E → V</code>" in presentation_html(P)
True
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from learningdiagrams.theory.morphisms import Morphism, brief
from learningdiagrams.theory.printing import escaped, morphism_as_latex, object_as_latex, proof_as_latex, rewritten

if TYPE_CHECKING:
    from learningdiagrams.theory.colimits import Colimit
    from learningdiagrams.theory.deciding import Proved, Refuted, Unknown
    from learningdiagrams.theory.functors import Functor
    from learningdiagrams.theory.morphisms import Object
    from learningdiagrams.theory.naturality import NaturalTransformation
    from learningdiagrams.theory.presentations import Presentation
    from learningdiagrams.theory.proofs import Proof

__all__ = [
    "Printed",
    "colimit_html",
    "equation_latex",
    "framed",
    "functor_html",
    "functors_html",
    "images_table",
    "is_long",
    "morphism_latex",
    "object_latex",
    "pictured",
    "pre",
    "presentation_html",
    "proof_html",
    "proof_latex",
    "rows_table",
    "scrolled",
    "transformation_html",
    "verdict_html",
    "written",
]

MANY: Final = 200
"""Rows beyond which a table in a notebook is cut."""
STEPS: Final = 40
"""Steps beyond which a proof in a notebook is cut."""
COLUMNS: Final = 8
"""Functors beside each other beyond which a table is cut."""
SYMBOLS: Final = 400
"""Symbols of an expression beyond which it is cut."""


# Pieces -------------------------------------------------------------------------------------------------------


def framed(parts: Iterable[str]) -> str:
    """Pieces of HTML as one, which a style sheet can find."""
    return f'<div class="learningdiagram">{"".join(part for part in parts if part)}</div>'


def pre(words: str) -> str:
    """Text as it stands."""
    return f"<pre>{_safe(words)}</pre>"


class Printed:
    """A value that a notebook shows as it is printed."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        return framed([pre(str(self))])


def pictured(value: Any) -> str:
    """The picture of a value as a piece of HTML; nothing where there is none, or where nothing can draw it.

    Pictures need NumPy, without which the theory runs too.
    """
    try:
        return scrolled(value._repr_svg_())
    except ModuleNotFoundError:
        return ""


def scrolled(drawn: str | None) -> str:
    """A picture that may be wider than the page; nothing for None."""
    return f'<div style="overflow-x:auto">{drawn}</div>' if drawn else ""


def written(what: Morphism | Object | str) -> str:
    """A morphism, an object or text as code, cut where it is long."""
    words = brief(what, symbols=SYMBOLS) if isinstance(what, Morphism) else str(what)
    words = words if len(words) <= 5 * SYMBOLS else words[: 5 * SYMBOLS] + " …"
    return f"<code>{_safe(words)}</code>"


def rows_table(
    heading: Sequence[str], rows: Iterable[Sequence[str]], limit: int | None = None, names: Sequence[str] = ()
) -> str:
    """An HTML table; cells are HTML already, headings are text. `names` say which equation each row is about.

    >>> rows_table(["x"], [["1"], ["2"]], limit=1)[-20:]
    '<p>… 1 more rows</p>'
    """
    rows = list(rows)
    shown = rows if limit is None else rows[:limit]
    abouts = [f' data-name="{escape(name)}"' for name in names] or [""] * len(shown)
    head = "".join(f'<th scope="col" style="text-align:left">{escape(word)}</th>' for word in heading)
    body = "".join(
        f"<tr{about}>" + "".join(f'<td style="text-align:left">{cell}</td>' for cell in row) + "</tr>"
        for about, row in zip(abouts, shown, strict=False)
    )
    more = f"<p>… {len(rows) - len(shown)} more rows</p>" if len(shown) < len(rows) else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"


def images_table(heading: Sequence[str], columns: Sequence[Mapping[str, Object | Morphism]]) -> str:
    """What several functors do to the same names, a row for each name and a column for each functor."""
    names = dict.fromkeys(name for column in columns for name in column)
    rows = [[written(name), *(written(c[name]) if name in c else "" for c in columns)] for name in names]
    return rows_table(heading, rows, MANY)


def _safe(words: str) -> str:
    """Text as HTML holds it; halves of surrogate pairs, which no file can hold, are replaced."""
    return escape(words.encode("utf-8", "replace").decode("utf-8"))


def _title(name: str, more: str = "") -> str:
    return f"<p><strong>{_safe(name)}</strong>{'&nbsp; ' + more if more else ''}</p>"


# Values in HTML -----------------------------------------------------------------------------------------------


def presentation_html(presentation: Presentation) -> str:
    """Objects, generators and laws."""
    sorts = ", ".join(islice(presentation.sorts, MANY)) + (" …" if len(presentation.sorts) > MANY else "")
    ends = [
        [written(name), written(f"{m.dom} → {m.cod}")] for name, m in islice(presentation.generators.items(), MANY + 1)
    ]
    laws = [
        [written(law.name), written(f"{brief(law.left, symbols=SYMBOLS)} = {brief(law.right, symbols=SYMBOLS)}")]
        for law in islice(presentation.laws.values(), MANY + 1)
    ]
    parts = [_title(presentation.name, written(sorts) if sorts else "")]
    for heading, rows, count in (
        (("generator", "ends"), ends, len(presentation.generators)),
        (("law", "equation"), laws, len(presentation.laws)),
    ):
        if rows:
            parts.append(rows_table(heading, rows[:MANY]))
            parts.append(f"<p>… {count - MANY} more rows</p>" if count > MANY else "")
    return framed(parts)


def verdict_html(verdict: Proved | Refuted | Unknown) -> str:
    """The equation, the answer in one word, and the proof, the witness or the reason."""
    word = {True: "proved", False: "refuted", None: "unknown"}[verdict.holds]
    equation = f"{brief(verdict.left, symbols=SYMBOLS)} = {brief(verdict.right, symbols=SYMBOLS)}"
    parts = [_title(word, written(equation))]
    if verdict.holds is True:
        parts.append(_chain(verdict.proof))  # type: ignore[union-attr]
    else:
        parts.append(pre(str(verdict.reason if verdict.holds is None else verdict.witness)))  # type: ignore[union-attr]
    return framed(parts)


def proof_html(proof: Proof) -> str:
    """The chain, a row a step, with the law, its direction, and what it replaces by what."""
    return framed([_chain(proof)])


def _chain(proof: Proof) -> str:
    rows = [["", written(proof.left), "", ""]]
    for step in islice(proof.steps, STEPS):
        old, new = rewritten(step, proof.laws[step.law])
        backwards = "" if step.forward else " backwards"
        rows.append(["=", written(step.after), written(step.law) + backwards, f"{written(old)} ↦ {written(new)}"])
    more = len(proof.steps) - STEPS
    cut = f"<p>… {more} more steps, ending at {written(proof.right)}</p>" if more > 0 else ""
    return rows_table(("", "", "by", "which replaces"), rows) + cut


def functor_html(functor: Functor) -> str:
    """Where each object and generator goes."""
    images = {**functor.objects, **functor.morphisms}
    heading = (functor.dom.name, functor.cod.name)
    return framed([_title(f"{functor.dom.name} → {functor.cod.name}"), images_table(heading, [images])])


def functors_html(title: str, functors: Sequence[Functor]) -> str:
    """Several functors out of one presentation, a column each."""
    shown = functors[:COLUMNS]
    heading = [functors[0].dom.name if functors else "", *(str(i) for i in range(len(shown)))]
    more = f"<p>… {len(functors) - len(shown)} more</p>" if len(functors) > len(shown) else ""
    table = images_table(heading, [{**f.objects, **f.morphisms} for f in shown]) if shown else ""
    return framed([_title(title), table, more])


def transformation_html(t: NaturalTransformation) -> str:
    """The component at each object."""
    between = f"{t.source.dom.name} → {t.source.cod.name}"
    heading = ("object", "from", "to", "component")
    rows = [
        [written(name), written(t.source.objects[name]), written(t.target.objects[name]), written(t(name))]
        for name in t.source.dom.sorts
    ]
    return framed([_title("natural transformation", _safe(between)), rows_table(heading, rows, MANY)])


def colimit_html(colimit: Colimit) -> str:
    """The apex, and where each leg sends what its part has."""
    parts = [_title(f"colimit {colimit.apex.name}"), presentation_html(colimit.apex)]
    for position, leg in enumerate(colimit.legs):
        parts.append(f"<p>leg {position}, from {_safe(leg.dom.name)}</p>")
        parts.append(images_table((leg.dom.name, colimit.apex.name), [{**leg.objects, **leg.morphisms}]))
    return framed(parts)


# Expressions in LaTeX -----------------------------------------------------------------------------------------


def object_latex(obj: Object) -> str:
    """An object as mathematics."""
    return f"$\\displaystyle {object_as_latex(obj)}$"


def morphism_latex(morphism: Morphism) -> str | None:
    """A morphism as mathematics; None where it is too long to be read."""
    words = morphism_as_latex(morphism, SYMBOLS)
    if words is None:
        return None
    ends = f"{object_as_latex(morphism.dom)} \\to {object_as_latex(morphism.cod)}"
    return f"$\\displaystyle {words} \\;:\\; {ends}$"


def is_long(morphism: Morphism) -> bool:
    """Whether an expression has more symbols than a notebook shows."""
    return brief(morphism, symbols=SYMBOLS).endswith("…")


def equation_latex(left: Morphism, right: Morphism, sign: str = "=", name: str = "", more: str = "") -> str | None:
    """An equation as mathematics, with its name and `more` behind it; None where it is too long to be read."""
    sides = [morphism_as_latex(side, SYMBOLS) for side in (left, right)]
    if sides[0] is None or sides[1] is None:
        return None
    behind = f" \\qquad \\text{{{escaped(name)}}}" if name else ""
    return f"$\\displaystyle {sides[0]} {sign} {sides[1]}{behind}{more}$"


def proof_latex(proof: Proof) -> str | None:
    """The chain as mathematics; None where a side is too long to be read."""
    sides = [proof.left, proof.right, *(step.after for step in islice(proof.steps, STEPS))]
    if any(morphism_as_latex(side, SYMBOLS) is None for side in sides):
        return None
    return proof_as_latex(proof, STEPS)
