r"""Diagrams as text: stable, aligned, and read back as the same diagram.

>>> from learningdiagrams.diagram import Diagram
>>> d = Diagram("Distillation")
>>> sample, image, logits = d.object("Sample"), d.object("Image", (64,)), d.object("Logits", (10,))
>>> pixels, label = d.data("pixels", sample, image), d.data("label", sample, logits)
>>> teacher, student = d.frozen("teacher", image, logits), d.model("student", image, logits)
>>> hard = d.goal("hard", pixels >> student, label, by="cross_entropy")
>>> soft = d.goal("soft", pixels >> student, pixels >> teacher, by="kl(temperature=4)", weight=0.7)
>>> seen = d.measure("accuracy", pixels >> student, label, by="accuracy")
>>> print(write(d))
diagram Distillation
<BLANKLINE>
object Sample, Image[64], Logits[10]
data   pixels  : Sample -> Image
data   label   : Sample -> Logits
frozen teacher : Image -> Logits
model  student : Image -> Logits
<BLANKLINE>
goal    hard     : pixels >> student = label               by cross_entropy
goal    soft     : pixels >> student = pixels >> teacher   by kl(temperature=4)   weight 0.7
measure accuracy : pixels >> student = label               by accuracy
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from learningdiagrams.calls import Name
from learningdiagrams.declarations import Goal, Measure, Stage, Style
from learningdiagrams.diagram import RESERVED, Diagram
from learningdiagrams.errors import DiagramError
from learningdiagrams.language.scanning import quoted
from learningdiagrams.losses import function
from learningdiagrams.schedules import Schedule
from learningdiagrams.theory.errors import TheoryError
from learningdiagrams.values import Value, literal

if TYPE_CHECKING:
    from learningdiagrams.theory.presentations import Law, Presentation

__all__ = ["aligned", "argument", "check_writable", "declared", "style_options", "write", "write_presentation"]

WIDEST: Final = 60
"""Characters beyond which a cell sets no width for the cells above and below it."""
LINE: Final = 100
"""Characters up to which objects are gathered in one line."""


def write(diagram: Diagram, exact: bool = False) -> str:
    """The text form of a diagram, without a line break at its end.

    With `exact`, raises :class:`DiagramError`, naming the place, where text cannot hold it: functions
    as comparators, and expressions of millions of symbols. Otherwise it shows what there is: `⟨name⟩` for a
    function, `…` where an expression is cut.
    """
    if exact:
        check_writable(diagram)
    roles = {name: "model" if role == "ema" else role for name, role in diagram.roles.items()}
    generators = [
        [
            roles[name],
            name,
            f": {m.dom} -> {m.cod}",
            f"= {argument(diagram.specs[name])}" if name in diagram.specs else "",
        ]
        for name, m in diagram.generators.items()
    ]
    objects = _gathered(f"{name}{space}" for name, space in diagram.spaces.items())
    return _blocks(
        [] if diagram.name == "diagram" else [f"diagram {_title(diagram.name)}"],
        aligned([["object", row] for row in objects], generators),
        _laws(diagram.presentation),
        aligned(_equations("goal", diagram.goals), _equations("measure", diagram.measures)),
        aligned([_stage(stage) for stage in diagram.stages.values()]),
        aligned([["style", name, _options(style_options(style))] for name, style in diagram.styles.items()]),
    )


def write_presentation(presentation: Presentation) -> str:
    """A presentation as the text of a diagram whose generators have no role.

    >>> from learningdiagrams.theory.presentations import Presentation, identity
    >>> P = Presentation("Involution")
    >>> A, = P.objects("A")
    >>> f = P.morphism("f", A, A)
    >>> law = P.law(f >> f, identity(A), name="twice")
    >>> print(write_presentation(P))
    diagram Involution
    <BLANKLINE>
    object A
    map    f : A -> A
    <BLANKLINE>
    law twice : f >> f = id(A)
    """
    maps = [["map", name, f": {m.dom} -> {m.cod}"] for name, m in presentation.generators.items()]
    return _blocks(
        [f"diagram {_title(presentation.name)}"],
        aligned([["object", row] for row in _gathered(presentation.sorts)], maps),
        _laws(presentation),
    )


# What text can hold -----------------------------------------------------------------------------------------


def check_writable(diagram: Diagram) -> None:
    """Raises :class:`DiagramError`, naming the place, where a text cannot hold all of a diagram."""
    for kind, named in (("law", diagram.laws), ("goal", diagram.goals), ("measure", diagram.measures)):
        for name, value in named.items():
            what = f"{kind} `{name}`"
            by = getattr(value, "by", None)
            if isinstance(by, function):
                raise DiagramError(
                    f"{what}: its comparator {by} is a function, which a file cannot hold; "
                    "those with a name, such as mse, it can"
                )
            for morphism in (value.left, value.right, *getattr(value, "on", ())):
                try:
                    morphism.text()
                except TheoryError as error:
                    raise DiagramError(f"{what}: {error}") from None
    for name, spec in diagram.specs.items():
        _check_argument(f"`{name}`: {type(spec).__name__}", spec)


def _check_argument(where: str, x: Any) -> None:
    if isinstance(x, Value):
        args, options = x.arguments()
        for value in (*args, *options.values()):
            _check_argument(where, value)
    elif isinstance(x, tuple | list):
        for value in x:
            _check_argument(where, value)
    elif not (x is None or isinstance(x, str) or (isinstance(x, int | float) and math.isfinite(x))):
        raise DiagramError(
            f"{where}: {x!r} cannot be written; a file holds numbers, texts, True, False, None and tuples"
        )


# Lines ------------------------------------------------------------------------------------------------------


def _blocks(*blocks: list[str]) -> str:
    return "\n\n".join("\n".join(block) for block in blocks if block)


def aligned(*tables: Iterable[list[str]]) -> list[str]:
    """Lines of cells in columns of common widths: three blanks before the fourth and later ones, else one.

    A cell that ends its line sets no width, nor does a very long one; a column of empty cells is none.
    """
    rows = [row[: max(i for i, cell in enumerate(row, 1) if cell)] for table in tables for row in table]
    widths: dict[int, int] = {}
    for row in rows:
        for i, cell in enumerate(row[:-1]):
            if len(cell) <= WIDEST:
                widths[i] = max(widths.get(i, 0), len(cell))
    lines = []
    for row in rows:
        line = row[0].ljust(widths.get(0, 0))
        for i, cell in enumerate(row[1:], 1):
            if cell or widths.get(i):
                line += ("   " if i >= 3 and cell[:1] != "=" else " ") + cell.ljust(widths.get(i, 0))
        lines.append(line.rstrip())
    return lines


def _gathered(words: Iterable[str]) -> list[str]:
    """Words separated by commas, as many in a line as it holds."""
    lines: list[str] = []
    for word in words:
        if lines and len(lines[-1]) + len(word) + 2 <= LINE:
            lines[-1] += f", {word}"
        else:
            lines.append(word)
    return lines


def _laws(presentation: Presentation) -> list[str]:
    """Laws; one that bears the name which it would get without any is written without."""
    rows = []
    taken = {*presentation.sorts, *presentation.generators}
    for place, (name, law) in enumerate(presentation.laws.items()):
        number = place
        while f"law{number}" in taken:
            number += 1
        taken.add(name)
        equation = f"{law.left} = {law.right}"
        rows.append(["law", equation] if name == f"law{number}" else ["law", name, f": {equation}"])
    return aligned(rows)


def _equations(kind: str, named: Mapping[str, Goal] | Mapping[str, Measure]) -> list[list[str]]:
    return [
        [
            kind,
            name,
            f": {value.left} = {value.right}",
            f"on {', '.join(map(str, value.on))}" if value.on else "",
            f"by {argument(value.by)}",
            _weight(value.weight) if isinstance(value, Goal) else "",
            f"train {', '.join(value.train)}" if isinstance(value, Goal) and value.train is not None else "",
        ]
        for name, value in named.items()
    ]


def _weight(weight: float | Schedule) -> str:
    return "" if weight == 1 else f"weight {argument(weight)}"


def _stage(stage: Stage) -> list[str]:
    lasts = [f"{word} {count}" for word in ("epochs", "steps") if (count := getattr(stage, word)) is not None]
    return ["stage", stage.name, f": train {', '.join(stage.train)}", f"by {', '.join(stage.by)}", *lasts]


def style_options(style: Style) -> dict[str, Any]:
    """The options of a style that are given, by name."""
    options = {word: getattr(style, word) for word in ("at", "label", "curve", "colour", "quiver")}
    return {word: value for word, value in options.items() if value is not None}


def declared(kind: str, value: Diagram | Law | Goal | Measure | Stage) -> str:
    """The line that declares a title, a law, a goal, a measure or a stage, by its name and with one blank for several.

    >>> from learningdiagrams.diagram import Diagram
    >>> d = Diagram()
    >>> A, = d.objects("A")
    >>> f = d.map("f", A, A)
    >>> declared("goal", d.goal("g", f >> f, f, weight=0.5))
    'goal g : f >> f = f by mse weight 0.5'
    """
    if isinstance(value, Diagram):
        return f"diagram {_title(value.name)}"
    if isinstance(value, Stage):
        row = _stage(value)
    elif isinstance(value, Goal | Measure):
        (row,) = _equations(kind, {value.name: value})  # type: ignore[dict-item]
    else:
        row = [kind, value.name, f": {value.left} = {value.right}"]
    return " ".join(filter(None, row))


def _title(name: str) -> str:
    plain = name.isidentifier() and name not in RESERVED and unicodedata.normalize("NFKC", name) == name
    return name if plain else quoted(name)


# Values -----------------------------------------------------------------------------------------------------


def argument(x: Any) -> str:
    """A value, call or argument as a diagram writes it.

    >>> from learningdiagrams.specs import spec
    >>> argument(spec("mlp(64, 32, 10)")), argument((0, 1.5)), argument(4.0)
    ('mlp(64, 32, 10)', '(0, 1.5)', '4')
    """
    if isinstance(x, function):
        return str(x)
    if isinstance(x, Value):
        args, options = x.arguments()
        words = [*map(argument, args), *([_options(options)] if options else [])]
        return f"{type(x).__name__}({', '.join(words)})" if words else type(x).__name__
    if isinstance(x, str):
        return str(x) if isinstance(x, Name) else quoted(x)
    if isinstance(x, tuple | list):
        return f"({', '.join(map(argument, x))}{',' if len(x) == 1 else ''})"
    return literal(x)


def _options(options: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={argument(value)}" for name, value in options.items())
