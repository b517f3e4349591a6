r"""Declarations as LaTeX labels, and names out of labels that others wrote.

>>> tex("student = mlp(64, 10) by cross_entropy")
'\\text{student = mlp(64, 10) by cross\\_entropy}'
>>> untex(tex("f >> g = id(A * B)")), untex(r"\mathbf{C}"), name_from(r"\text{fst} (a, b)", "arrow")
('f >> g = id(A * B)', 'C', 'fst_a_b')
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final, NamedTuple

from learningdiagrams.diagram import RESERVED
from learningdiagrams.drawing.text import SPECIAL
from learningdiagrams.errors import DiagramError
from learningdiagrams.lookalikes import skeleton
from learningdiagrams.specs import spec

__all__ = [
    "KINDS",
    "Declared",
    "Names",
    "expand",
    "joined",
    "macros_of",
    "name_from",
    "name_tex",
    "names_nothing",
    "read",
    "split",
    "tex",
    "untex",
]

# Within \text{…}; the symbols that a text face may lack are set in mathematics.
_SIGNS: Final = {">>": r"$\gg$", "*": r"$\times$", ">": "$>$", "<": "$<$", "|": "$|$", **SPECIAL}
_BACK: Final = {sign: letter for letter, sign in _SIGNS.items()}
_WRITE: Final = re.compile("|".join(map(re.escape, sorted(_SIGNS, key=len, reverse=True))))
_READ: Final = re.compile(
    "|".join(map(re.escape, sorted((*_BACK, r"\gg", r"\times"), key=len, reverse=True)))
    + r"|\\(?:text\w*|math(?:rm|sf|it|bf|tt|cal|bb|frak|scr)|operatorname|mbox)\*?(?![A-Za-z])"
    + r"|\\[ ,;:!]|\\q?quad(?![A-Za-z])|[${}~]"
)
_NOTE: Final = re.compile(r"(.*)\\vphantom\{(\\text\{.*\})\}", re.DOTALL)
SHORT: Final = 60
"""Letters of a name that is made of a label."""
_NAME: Final = r"([^\W\d]\w*)"
KINDS: Final = ("goal", "law", "measure")


def tex(text: str) -> str:
    r"""A line of the text form as a label that LaTeX sets: `\text{…}`."""
    return f"\\text{{{_WRITE.sub(lambda match: _SIGNS[match[0]], text)}}}"


def untex(label: str) -> str:
    """A label without what only says how it looks."""

    def plain(match: re.Match[str]) -> str:
        found = match[0]
        if found in _BACK:
            return _BACK[found]
        return {r"\gg": ">>", r"\times": "*"}.get(found, " " if found[0] == "~" or found[-1] in " ,;:d" else "")

    return _READ.sub(plain, label)


def name_tex(name: str) -> str:
    """A name as mathematics: a letter as it is, a word upright."""
    return name if len(name) == 1 and name.isalpha() else tex(name).replace("text", "mathrm", 1)


def split(label: str) -> tuple[str, str | None]:
    """The label that is seen, and the declaration that stands unseen behind it (None where there is none)."""
    found = _NOTE.fullmatch(label)
    return (found[1], untex(found[2])) if found else (label, None)


def joined(label: str, declaration: str) -> str:
    """A label with a declaration behind it that takes no room: what `split` takes apart."""
    return f"{label}\\vphantom{{{tex(declaration)}}}"


# What a label declares --------------------------------------------------------------------------------------


class Declared(NamedTuple):
    """What a label says of its cell.

    Attributes:
        word: the role or kind that stands first, "" where none does.
        name: the name.
        equation: both sides, "" where they are not given.
        rest: what stands after the name: shape and kind of number, realisation, or notes on a goal.
    """

    word: str = ""
    name: str = ""
    equation: str = ""
    rest: str = ""


_OBJECT: Final = re.compile(rf"(?:(object) +)?{_NAME} *((?:\[[^\]]*\])?(?: *\b(?:int|bool|float))?)")
_GENERATOR: Final = re.compile(rf"(?:(map|data|noise|model|frozen|fixed) +)?{_NAME}(?: *= *({_NAME}(?:\(.*\))?))?")
_EQUATION: Final = re.compile(
    rf"(?:({'|'.join(KINDS)}) +)?{_NAME}(?: *:(?P<all>.*)|(?P<notes> +(?:on|by|weight|train) .*)?)"
)
_LINE: Final = re.compile(r"(diagram|stage) +(.*)")


def read(label: str, what: str) -> Declared | None:
    """What a label declares as an "object", a "generator", an "equation", or a line that stands by itself ("line").

    None where it declares nothing: then it is no more than a label.
    """
    text = untex(label).strip()
    if what == "line":
        found = _LINE.fullmatch(text)
        if found:
            return Declared(found[1], found[2].split(" ")[0] if found[1] == "stage" else "", "", found[2])
        found = _EQUATION.fullmatch(text)
        return _equation(found) if found and found[1] and found["all"] else None
    found = {"object": _OBJECT, "generator": _GENERATOR, "equation": _EQUATION}[what].fullmatch(text)
    if found is None or names_nothing(found[2]):
        return None
    if what == "equation":
        return _equation(found)
    rest = (found[3] or "").strip()
    if what == "generator" and rest and "(" not in rest and not _is_realisation(rest):
        return None  # `f = g` is no realisation
    return Declared(found[1] or "", _nfkc(found[2]), "", rest)


def _is_realisation(word: str) -> bool:
    try:
        spec(word)
    except DiagramError:
        return False
    return True


def _equation(found: re.Match[str]) -> Declared:
    name = _nfkc(found[2])
    if found["all"] is None:
        return Declared(found[1] or "", name, "", (found["notes"] or "").strip())
    sides, *notes = re.split(r" (?=(?:on|by|weight|train)\b)", found["all"].strip(), maxsplit=1)
    return Declared(found[1] or "", name, sides, "".join(notes))


def _nfkc(name: str) -> str:
    return unicodedata.normalize("NFKC", name)


def names_nothing(name: str) -> bool:
    """Whether nothing may be called so: no identifier, or a word of the language."""
    normal = _nfkc(name)
    return not normal.isidentifier() or normal in RESERVED or normal in ("True", "False", "None")


def name_from(label: str, otherwise: str) -> str:
    r"""A legal name that reminds of a label; `otherwise`, with a 1, where nothing in it does.

    >>> name_from(r"\sigma", "arrow"), name_from("f'", "arrow"), name_from("+", "arrow"), name_from("2", "object")
    ('sigma', 'f_prime', 'arrow1', '_2')
    """
    text = untex(label).replace("'", " prime ").replace(r"\prime", " prime ").replace("*", " x ")
    name = _nfkc(re.sub(r"_+", "_", re.sub(r"\W", "_", text)).strip("_"))[:SHORT].rstrip("_")
    if not name:
        return f"{otherwise}1"
    name = name if name.isidentifier() else f"_{name}"
    if not name.isidentifier():
        return f"{otherwise}1"
    return f"{name}_" if names_nothing(name) else name


class Names:
    """Names that are given out, each once, with a number where one is wanted again.

    >>> names = Names()
    >>> names.fresh("f"), names.fresh("f"), names.fresh("arrow1"), names.fresh("arrow1")
    ('f', 'f_2', 'arrow1', 'arrow2')
    """

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def fresh(self, name: str) -> str:
        """The name, or one made of it that nothing has and that looks like none that something has."""
        stem = name[:-1] if re.fullmatch(r"(?:object|arrow)1", name) else f"{name}_"
        number = 1
        while skeleton(name) in self._taken:
            number += 1
            name = f"{stem}{number}"
        self._taken.add(skeleton(name))
        return name


# Macros -----------------------------------------------------------------------------------------------------

_MACRO: Final = re.compile(
    r"\\(newcommand|renewcommand|DeclareMathOperator)(\*?)(?:\{\\([A-Za-z]+)\}|\\([A-Za-z]+))(?:\[(\d)\])?\{(.*)\}"
)
MOST: Final = 1000
"""Replacements in one label, after which its macros are taken to define one another in a circle."""
LONGEST: Final = 100_000
"""Letters of one label, after which none of its macros is replaced any more."""


def macros_of(text: str) -> tuple[dict[str, tuple[int, str]], list[str]]:
    """Macros by name, each with its number of arguments and its text; and the lines that define none."""
    found, others = {}, []
    for line in filter(None, map(str.strip, text.split("\n"))):
        match = _MACRO.fullmatch(line)
        if match is None:
            others += [] if line.startswith("%") else [line]
        else:
            body = match[6] if match[1] != "DeclareMathOperator" else f"\\operatorname{match[2]}{{{match[6]}}}"
            found[match[3] or match[4]] = (int(match[5] or 0), body)
    return found, others


def expand(label: str, macros: dict[str, tuple[int, str]]) -> str:
    r"""A label with the macros in it replaced by what they stand for.

    >>> macros, _ = macros_of("\\newcommand{\\C}{\\mathbf{C}}\n\\newcommand{\\hom}[2]{\\mathrm{Hom}(#1, #2)}")
    >>> expand(r"\hom{A}{\C} \Cat", macros)
    '\\mathrm{Hom}(A, \\mathbf{C}) \\Cat'
    """
    spent = 0
    start = 0
    while match := re.compile(r"\\([A-Za-z]+)").search(label, start):
        if match[1] not in macros or spent > MOST or len(label) > LONGEST:
            start = match.end()
            continue
        spent += 1
        arity, body = macros[match[1]]
        end, arguments = match.end(), []
        for _ in range(arity):
            argument, end = _argument(label, end)
            arguments.append(argument)
        for number, argument in enumerate(arguments, 1):
            body = body.replace(f"#{number}", argument)
        # A command's name ends where a letter would go on; a letter that follows now must not.
        apart = " " if re.search(r"\\[A-Za-z]+$", body) and label[end : end + 1].isalpha() else ""
        label = label[: match.start()] + body + apart + label[end:]
        start = match.start()
    return label


def _argument(text: str, at: int) -> tuple[str, int]:
    """The argument that starts there, a group or a single sign, and where it ends."""
    while text[at : at + 1] == " ":
        at += 1
    if text[at : at + 1] != "{":
        found = re.compile(r"\\[A-Za-z]+|\\.|.|", re.DOTALL).match(text, at)
        assert found is not None
        return found[0], found.end()
    depth = 0
    for place in range(at, len(text)):
        if text[place - 1 : place] != "\\":
            depth += (text[place] == "{") - (text[place] == "}")
        if not depth:
            return text[at + 1 : place], place + 1
    return text[at + 1 :], len(text)
