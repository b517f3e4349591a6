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
from dataclasses import fields, is_dataclass
from typing import Final

from learningdiagrams.declarations import Goal, Measure
from learningdiagrams.diagram import Diagram
from learningdiagrams.losses import COMPARATORS, Comparator
from learningdiagrams.theory.morphisms import Generator, Morphism
from learningdiagrams.theory.printing import morphism_as_latex
from learningdiagrams.theory.showing import SYMBOLS, equation_latex
from learningdiagrams.theory.terms import fold
from learningdiagrams.values import literal

__all__ = ["FORMULAS", "comparator_latex", "goal_latex", "loss_latex", "loss_text"]


FORMULAS: Final = {
    "mse": r"\operatorname{mean}\,(x - y)^2",
    "l1": r"\operatorname{mean}\,\lvert x - y\rvert",
    "huber": r"\operatorname{mean}\,h(x - y),\; h(e) = \begin{cases}\tfrac12 e^2 & \lvert e\rvert \le \delta\\"
    r"\delta\,(\lvert e\rvert - \tfrac12\delta) & \text{beyond}\end{cases}",
    "bce": r"\operatorname{mean}\,\bigl[-y \log \sigma(x) - (1 - y) \log(1 - \sigma(x))\bigr]",
    "cross_entropy": r"\operatorname{mean}_{\text{rows}} \Bigl[-\sum_c y_c \log \operatorname{softmax}(x)_c\Bigr]",
    "kl": r"T^2 \operatorname{mean}_{\text{rows}} \mathrm{KL}\bigl(\operatorname{softmax}(y/T)\,\big\Vert\,"
    r"\operatorname{softmax}(x/T)\bigr)",
    "cosine": r"\operatorname{mean}_{\text{rows}} \Bigl[1 - "
    r"\frac{\langle x, y\rangle}{\lVert x\rVert\,\lVert y\rVert}\Bigr]",
    "info_nce": r"\operatorname{mean}_i \Bigl[-\log \operatorname{softmax}_j\bigl(-d(x_i, y_j) / T\bigr)_i\Bigr]",
    "accuracy": r"\operatorname{mean}_{\text{rows}} \bigl[\operatorname{argmax}_c x_c = y\bigr]",
    "top": r"\operatorname{mean}_{\text{rows}} \bigl[y \text{ is among the } k \text{ largest entries of } x\bigr]",
    "r2": r"\operatorname{mean}_{\text{columns}} \Bigl[1 - \frac{\sum (y - x)^2}{\sum (y - \bar y)^2}\Bigr]",
    "retrieval": r"\operatorname{mean}_i \bigl[y_i \text{ is among the } k \text{ rows of } y "
    r"\text{ nearest to } x_i\bigr]",
}
"""Each comparator of a left side x and a right side y, as its docstring defines it."""
LETTERS: Final = {"delta": "\\delta", "temperature": "T", "distance": "d", "k": "k"}
"""The letter that stands for an option in formulas."""


def comparator_latex(by: Comparator) -> str | None:
    """The formula of a comparator, with its options behind; None where none is written down, as for a function.

    >>> from learningdiagrams.losses import mse
    >>> print(comparator_latex(mse()))
    $\\displaystyle \\mathrm{mse}(x, y) = \\operatorname{mean}\\,(x - y)^2$
    """
    name = type(by).__name__
    if type(by) is not COMPARATORS.get(name) or name not in FORMULAS:
        return None
    options = {field.name: getattr(by, field.name) for field in fields(by)} if is_dataclass(by) else {}
    words = [f"{LETTERS.get(option) or _latex_word(option)} = {_latex_word(str(x))}" for option, x in options.items()]
    behind = f" \\qquad ({', '.join(words)})" if words else ""
    return f"$\\displaystyle {_latex_word(name)}(x, y) = {FORMULAS[name]}{behind}$"


def goal_latex(goal: Goal | Measure) -> str | None:
    """The equation of a goal or measure, with its comparator and what else it says; None where it is long."""
    sampled = ", ".join(morphism_as_latex(m, SYMBOLS) or "\\ldots" for m in goal.on)
    parts = [f"\\text{{on }} {sampled}\\;"] if sampled else []
    parts.append(f"\\text{{by }} {_latex_word(str(goal.by))}")
    if isinstance(goal, Goal) and goal.weight != 1:
        parts.append(f"\\text{{ weight }} {_latex_word(literal(goal.weight))}")
    if isinstance(goal, Goal) and goal.train is not None:
        parts.append(f"\\text{{ moves }} {', '.join(map(_latex_word, goal.train))}")
    return equation_latex(goal.left, goal.right, "\\approx", goal.name, "\\quad " + "".join(parts))


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
