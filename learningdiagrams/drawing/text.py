r"""Text in pictures: how wide it is, LaTeX labels as Unicode, names as LaTeX, expressions as mathematics.

>>> plain(r"\sigma_0"), plain(r"\mathcal{L}"), latex("my_map"), mathematics_text("f >> proj(A * B, 0)")
('σ_0', 'L', '\\mathrm{my\\_map}', 'f ≫ proj(A × B, 0)')
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

__all__ = ["latex", "latex_text", "mathematics_text", "number", "plain", "shortened", "width"]

LETTERS: Final = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho varsigma sigma tau "
    "upsilon phi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega"
)
COMMANDS: Final = (
    "varepsilon:ε varphi:φ vartheta:ϑ times:× circ:∘ otimes:⊗ oplus:⊕ to:→ cdot:· ldots:… prime:′ infty:∞ "
    "sim:∼ approx:≈ simeq:≃ cong:≅ ell:ℓ nabla:∇ partial:∂ star:⋆ langle:⟨ rangle:⟩"
)
LOOKS: Final = "hat bar tilde mathrm mathbf mathcal mathbb mathsf text operatorname left right"
"""Commands that only say how their argument looks: they are left out."""
SYMBOLS: Final = {
    **dict(zip(LETTERS.split(), "αβγδεζηθικλμνξοπρςστυφχψωΓΔΘΛΞΠΣΥΦΨΩ", strict=True)),
    **{name: sign for name, _, sign in (word.partition(":") for word in COMMANDS.split())},
    **dict.fromkeys(LOOKS.split(), ""),
    "quad": " ",
}
SPECIAL: Final = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "_": r"\_",
    "%": r"\%",
    "#": r"\#",
    "&": r"\&",
    "$": r"\$",
    "^": r"\^{}",
    "~": r"\~{}",
}


def width(text: str, size: float) -> float:
    """How wide a line of text is, in points: what a broad sans-serif face (DejaVu Sans) takes, so that others
    fit too.
    """
    units = 0.0
    for letter in text:
        if unicodedata.combining(letter):
            continue
        if unicodedata.east_asian_width(letter) in "WF" or ord(letter) > 0x1F000:
            units += 1.05
        elif letter in "ilj|.,:;'!":
            units += 0.34
        elif letter in "frt()[]{} -I/\\":
            units += 0.42
        elif letter in "mwMW@%≫…—≈":
            units += 0.98
        elif letter.isupper():
            units += 0.72
        else:
            units += 0.63
    return units * size


def plain(label: str) -> str:
    """A label, whose LaTeX commands are replaced by the characters they stand for, on one line."""
    found = re.sub(r"\\([A-Za-z]+)\s?", lambda m: SYMBOLS.get(m.group(1), m.group(0)), label)
    return _one_line(found.replace("{", "").replace("}", ""))


def _one_line(text: str) -> str:
    """Without what no line of a document can hold: control characters and halves of surrogate pairs."""
    return "".join(
        " " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else "�" if unicodedata.category(c) == "Cs" else c
        for c in text
    )


def latex(name: str) -> str:
    """A name in mathematics: a letter is itself, a word upright."""
    return name if len(name) == 1 else f"\\mathrm{{{latex_text(name)}}}"


def latex_text(text: str) -> str:
    """Text with everything escaped that LaTeX reads as its own."""
    return "".join(SPECIAL.get(letter, letter) for letter in _one_line(text))


def mathematics_text(expression: str) -> str:
    """An expression as it is read on paper: ≫ for composition, × for products."""
    return expression.replace(" >> ", " ≫ ").replace(" * ", " × ")


def shortened(text: str, size: float, room: float) -> str:
    """Text that fits into a width, cut with … where it has to be.

    >>> shortened("student", 10, 100), shortened("a very long expression", 10, 60)
    ('student', 'a very lo…')
    """
    if width(text, size) <= room:
        return text
    room -= width("…", size)
    units = 0.0
    for i, letter in enumerate(text):
        units += width(letter, size)
        if units > room:
            return text[:i].rstrip() + "…"
    return text


def number(value: float) -> str:
    """A residual or a measure in at most four figures.

    >>> [number(x) for x in (0.0, 0.01234567, 123456.0, -0.5)]
    ['0', '0.0123', '1.23e+05', '-0.5']
    """
    return f"{value:.3g}"
