"""The loss of a diagram as mathematics: text and LaTeX.

>>> from learningdiagrams.diagram import Diagram
>>> d = Diagram()
>>> S, X, Y = d.objects("Sample", "Image", "Logits")
>>> pixels, label, student = d.data("pixels", S, X), d.data("label", S, Y), d.model("student", X, Y)
>>> _ = d.goal("hard", pixels >> student, label, by="cross_entropy", weight=0.5)
>>> print(loss_text(d))
L(θ) = 0.5 · E[Sample] cross_entropy(student(pixels), label)        hard
>>> print(loss_latex(d))
\\begin{aligned}
L(\\theta) ={}& 0.5\\, \\mathbb{E}_{\\mathrm{Sample}}\\;
\\mathrm{cross\\_entropy}\\bigl(\\mathrm{student}(\\mathrm{pixels}),\\; \\mathrm{label}\\bigr) && \\text{hard}
\\end{aligned}
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from learningdiagrams.declarations import Goal
from learningdiagrams.diagram import Diagram
from learningdiagrams.theory.morphisms import Generator, Morphism
from learningdiagrams.theory.terms import fold
from learningdiagrams.values import literal

__all__ = ["loss_latex", "loss_text"]


def loss_text(diagram: Diagram) -> str:
    """The loss, one goal a line, with the goals' names beside."""
    rows = []
    for goal in diagram.goals.values():
        weight = "" if goal.weight == 1 else f"{literal(goal.weight)} · "
        moved = "" if goal.train is None else f"   moves {', '.join(goal.train)}"
        rows.append((f"{weight}{_expectations(goal, _plain, 'E[{}] ', str(goal.by))}", goal.name + moved))
    width = max((len(row) for row, _ in rows), default=0)
    lines = [f"{row:<{width}}        {name}" for row, name in rows]
    return "L(θ) = " + "\n     + ".join(lines) if lines else "L(θ) = 0"


def loss_latex(diagram: Diagram) -> str:
    """The loss as a LaTeX `aligned` environment, one goal a line."""
    lines = []
    for goal in diagram.goals.values():
        number = literal(goal.weight)
        number = number if isinstance(goal.weight, float) else _latex_word(number)
        weight = "" if goal.weight == 1 else f"{number}\\, "
        value = _expectations(goal, _latex, "\\mathbb{{E}}_{{{}}}\\; ", _latex_word(str(goal.by)))
        lines.append(f"{weight}{value} && \\text{{{goal.name.replace('_', chr(92) + '_')}}}")
    body = " \\\\\n{}+& ".join(lines) or "0"
    return "\\begin{aligned}\nL(\\theta) ={}& " + body + "\n\\end{aligned}"


def _expectations(goal: Goal, written: Callable[[Morphism], tuple[str, str]], sign: str, by: str) -> str:
    """E over the sample object of the comparator of both sides; the mean of several, where there are several."""
    pairs = [(m >> goal.left, m >> goal.right) for m in goal.on] or [(goal.left, goal.right)]
    terms = []
    for left, right in pairs:
        (sample, first), (_, second) = written(left), written(right)
        over = sign.format(sample) if left.dom.factors else ""
        comma = ",\\; " if written is _latex else ", "
        opened, closed = ("\\bigl(", "\\bigr)") if written is _latex else ("(", ")")
        terms.append(f"{over}{by}{opened}{first}{comma}{second}{closed}")
    if len(terms) == 1:
        return terms[0]
    return (
        f"\\tfrac{{1}}{{{len(terms)}}}({' + '.join(terms)})"
        if written is _latex
        else f"1/{len(terms)} ({' + '.join(terms)})"
    )


def _plain(morphism: Morphism) -> tuple[str, str]:
    return str(morphism.dom), _applied(morphism, lambda word: word, "stop({})", "({})")


def _latex(morphism: Morphism) -> tuple[str, str]:
    return (
        _latex_word(str(morphism.dom)),
        _applied(morphism, _latex_word, "\\operatorname{{stop}}({})", "({})"),
    )


def _latex_word(word: str) -> str:
    return "\\mathrm{" + word.replace("_", "\\_") + "}"


def _applied(morphism: Morphism, word: Callable[[str], str], stopped: str, tupled: str) -> str:
    """The value of a morphism at a sample, as functions applied to arguments: `student(pixels)`."""

    def apply(generator: Generator, arguments: tuple[str, ...]) -> Sequence[str]:
        inner = ", ".join(argument for argument in arguments if argument)
        name = word(generator.name)
        value = f"{name}({inner})" if inner else name
        count = len(generator.cod.factors)
        return [value] if count == 1 else [f"{value}_{i}" for i in range(count)]

    # A sample has no value: data are named, not applied. Anything else is a variable of a morphism by itself.
    values = fold(morphism.terms, lambda i, sort: "", apply, lambda label, value: stopped.format(value))
    return values[0] if len(values) == 1 else tupled.format(", ".join(values))
