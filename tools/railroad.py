"""The grammar of the text form as railroad diagrams: `python -m tools.railroad` writes `docs/grammar/*.svg`.

A line enters each rule on the left and leaves it on the right; whoever follows it in the direction of reading, and back
where it turns back, passes the words of one thing that the rule takes. Round boxes are words and signs that are written
as they stand, square ones are other rules.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Final, TypeAlias

ROOT: Final = Path(__file__).resolve().parent.parent
GRAMMAR: Final = ROOT / "learningdiagrams" / "language" / "diagram.lark"
PICTURES: Final = ROOT / "docs" / "grammar"

# Which rules stand in which picture; `_word`, a name or any reserved word, is said in words.
CHAPTERS: Final = {
    "declarations": (
        *("declaration", "title", "objects", "object", "shape", "_axis", "kind", "generator", "_role", "law", "goal"),
        *("measure", "on", "by", "weight", "train", "stage", "goals", "epochs", "steps", "style"),
    ),
    "expressions": (
        *("equation", "expression", "composite", "parallel", "_factor", "identity", "projection", "discard", "stopped"),
    ),
    "objects": ("type", "_space"),
    "calls": ("call", "_argument", "option", "_value", "tuple", "_number", "negative"),
}
SAID_IN_WORDS: Final = frozenset(["_word"])

# Grammars ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Word:
    """Something that is written as it stands."""

    text: str


@dataclass(frozen=True)
class Rule:
    """Whatever another rule takes."""

    name: str


@dataclass(frozen=True)
class Sequence_:
    """One after another; empty, it is a line."""

    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Choice:
    """One of several; the first is drawn on the line."""

    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Maybe:
    """Something or nothing."""

    part: Part


@dataclass(frozen=True)
class Loop:
    """Once or more often, with something between."""

    part: Part
    between: Part


Part: TypeAlias = Word | Rule | Sequence_ | Choice | Maybe | Loop

_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|[A-Za-z_]\w*|[()|*+?]')


def rules(text: str) -> dict[str, Part]:
    """The rules of a grammar in lark's notation; terminals that are one word stand for it.

    >>> rules('list: name ("," name)* END?\\nEND: "end"\\nname: /x/')["list"]
    Sequence_(parts=(Loop(part=Rule(name='name'), between=Word(text=',')), Maybe(part=Word(text='end'))))
    """
    joined = re.sub(r"\n[ \t]+\|", " |", re.sub(r"(?m)^//.*\n", "", text))
    found = dict(re.findall(r"(?m)^[?!]?(\w+): (.+)$", joined))
    words = {name: Word(body[1:-1]) for name, body in found.items() if name.isupper() and body.startswith('"')}
    return {name: _Reader(body, words).choice() for name, body in found.items() if not name.isupper()}


class _Reader:
    """Reads the right side of a rule."""

    def __init__(self, text: str, words: Mapping[str, Word]) -> None:
        self.tokens = _TOKENS.findall(text)
        self.words = words

    def choice(self) -> Part:
        parts = [self.sequence()]
        while self.tokens and self.tokens[0] == "|":
            self.tokens.pop(0)
            parts.append(self.sequence())
        return parts[0] if len(parts) == 1 else Choice(tuple(parts))

    def sequence(self) -> Part:
        parts: list[Part] = []
        while self.tokens and self.tokens[0] not in "|)":
            part = self.item()
            sign = self.tokens.pop(0) if self.tokens and self.tokens[0] in "*+?" else ""
            parts.append(part)
            if sign == "?":
                parts[-1] = Maybe(part)
            elif sign == "+":
                parts[-1] = Loop(part, Sequence_(()))
            elif sign == "*":
                # `x ("," x)*` is one loop, with the comma on the way back.
                listed = isinstance(part, Sequence_) and len(parts) > 1 and part.parts[1:] == (parts[-2],)
                if listed and isinstance(part, Sequence_):
                    parts[-2:] = [Loop(parts[-2], part.parts[0])]
                else:
                    parts[-1] = Maybe(Loop(part, Sequence_(())))
        return parts[0] if len(parts) == 1 else Sequence_(tuple(parts))

    def item(self) -> Part:
        token = self.tokens.pop(0)
        if token == "(":
            part = self.choice()
            self.tokens.pop(0)
            return part
        if token.startswith('"'):
            return Word(token[1:-1])
        return self.words.get(token, Rule(token))


# Pictures ---------------------------------------------------------------------------------------------------

LETTER, SIZE, PAD, HALF, GAP, TURN, APART = 7.8, 13, 10, 13, 12, 8, 8


@dataclass(frozen=True)
class Drawn:
    """A part's width, how far it reaches above and below its line, and what it draws when its line starts at (x, y)."""

    width: float
    up: float
    down: float
    draw: Callable[[float, float], Iterator[str]]


def _line(*points: tuple[float, float]) -> str:
    """A line through points, its corners rounded."""
    path = f"M{points[0][0]:g} {points[0][1]:g}"
    for (x0, y0), (x, y), (x1, y1) in zip(points, points[1:], points[2:], strict=False):
        into, out = _towards((x, y), (x0, y0)), _towards((x, y), (x1, y1))
        path += f"L{into[0]:g} {into[1]:g}Q{x:g} {y:g} {out[0]:g} {out[1]:g}"
    return f'<path d="{path}L{points[-1][0]:g} {points[-1][1]:g}"/>'


def _towards(start: tuple[float, float], end: tuple[float, float]) -> tuple[float, float]:
    """A turn's radius from a corner along a line, which is level or upright."""
    (x, y), (a, b) = start, end
    reach = min(TURN, (abs(a - x) + abs(b - y)) / 2)
    return x + reach * ((a > x) - (a < x)), y + reach * ((b > y) - (b < y))


def drawn(part: Part) -> Drawn:
    """How a part of a grammar is drawn."""
    if isinstance(part, Word | Rule):
        return _box(part)
    if isinstance(part, Sequence_):
        return _row([drawn(each) for each in part.parts])
    if isinstance(part, Choice):
        return _rows([drawn(each) for each in part.parts])
    if isinstance(part, Maybe):
        return _detour(drawn(part.part))
    return _loop(drawn(part.part), drawn(part.between))


def _box(part: Word | Rule) -> Drawn:
    text = part.text if isinstance(part, Word) else part.name.lstrip("_")
    width = LETTER * len(text) + 2 * PAD

    def draw(x: float, y: float) -> Iterator[str]:
        kind, round_ = ("w", HALF) if isinstance(part, Word) else ("r", 2)
        yield f'<rect class="{kind}" x="{x:g}" y="{y - HALF:g}" width="{width:g}" height="{2 * HALF}" rx="{round_}"/>'
        yield (
            f'<text x="{x + PAD:g}" y="{y + 4.5:g}" textLength="{LETTER * len(text):g}" '
            f'lengthAdjust="spacingAndGlyphs">{escape(text)}</text>'
        )

    return Drawn(width, HALF, HALF, draw)


def _row(parts: Sequence[Drawn]) -> Drawn:
    width = sum(part.width for part in parts) + GAP * max(0, len(parts) - 1)

    def draw(x: float, y: float) -> Iterator[str]:
        for i, part in enumerate(parts):
            yield from part.draw(x, y)
            x += part.width
            if i + 1 < len(parts):
                yield _line((x, y), (x + GAP, y))
                x += GAP

    ups, downs = [part.up for part in parts], [part.down for part in parts]
    return Drawn(width or GAP, max(ups, default=0), max(downs, default=0), draw if parts else _straight(GAP))


def _straight(width: float) -> Callable[[float, float], Iterator[str]]:
    return lambda x, y: iter([_line((x, y), (x + width, y))])


def _rows(parts: Sequence[Drawn]) -> Drawn:
    """Parts one below the other, the first on the line."""
    inner = max(part.width for part in parts)
    offsets = [0.0]
    for above, part in pairwise(parts):
        offsets.append(offsets[-1] + above.down + APART + part.up)

    def draw(x: float, y: float) -> Iterator[str]:
        left, right = x + 2 * TURN, x + 2 * TURN + inner
        for part, offset in zip(parts, offsets, strict=True):
            at = y + offset
            middle = [(x, y), (x + TURN, y), (x + TURN, at), (left, at)] if offset else [(x, y), (left, y)]
            yield _line(*middle)
            yield from part.draw(left, at)
            back = [(left + part.width, at), (right + TURN, at), (right + TURN, y), (right + 2 * TURN, y)]
            yield _line(*(back if offset else [(left + part.width, y), (right + 2 * TURN, y)]))

    return Drawn(inner + 4 * TURN, parts[0].up, offsets[-1] + parts[-1].down, draw)


def _detour(part: Drawn) -> Drawn:
    """A part on the line, and a way past it above."""
    top = part.up + APART

    def draw(x: float, y: float) -> Iterator[str]:
        left, right = x + 2 * TURN, x + 2 * TURN + part.width
        yield _line((x, y), (left, y))
        yield from part.draw(left, y)
        yield _line((right, y), (right + 2 * TURN, y))
        yield _line(
            (x, y),
            (x + TURN, y),
            (x + TURN, y - top),
            (right + TURN, y - top),
            (right + TURN, y),
            (right + 2 * TURN, y),
        )

    return Drawn(part.width + 4 * TURN, top, part.down, draw)


def _loop(part: Drawn, between: Drawn) -> Drawn:
    """A part on the line, and a way back below it, past what stands between."""
    inner = max(part.width, between.width)
    below = part.down + APART + between.up

    def draw(x: float, y: float) -> Iterator[str]:
        left, right = x + 2 * TURN, x + 2 * TURN + inner
        start, middle = left + (inner - part.width) / 2, left + (inner - between.width) / 2
        yield _line((x, y), (start, y))
        yield from part.draw(start, y)
        yield _line((start + part.width, y), (right + 2 * TURN, y))
        yield _line((right, y), (right + TURN, y), (right + TURN, y + below), (middle + between.width, y + below))
        yield from between.draw(middle, y + below)
        yield _line((middle, y + below), (x + TURN, y + below), (x + TURN, y), (left, y))
        tip = x + TURN
        yield f'<path class="a" d="M{tip:g} {y + below / 2 - 4:g}l-3.5 7h7z"/>'

    return Drawn(inner + 4 * TURN, part.up, below + between.down, draw)


# Lines and letters are told from a light page and from a dark one; boxes bring their own ground.
STYLE: Final = (
    "path{fill:none;stroke:#8a94a3;stroke-width:1.5}.a,.e{fill:#8a94a3;stroke:none}"
    "rect{stroke:#5b6b80;stroke-width:1.2}.w{fill:#fdf1d6}.r{fill:#e4edf8}"
    f"text{{font:{SIZE}px ui-monospace,Menlo,Consolas,monospace;fill:#1c2430}}.n{{fill:#7d8898;font-weight:bold}}"
)


def picture(named: Mapping[str, Part], title: str) -> str:
    """An SVG of rules, each under its name: in one column, or in two where one would be long."""
    shapes = {name: drawn(part) for name, part in named.items()}
    heights = {name: ABOVE + shape.up + shape.down + BELOW for name, shape in shapes.items()}
    height = sum(heights.values())
    body: list[str] = []
    x, y, width, tall = 10.0, 0.0, 0.0, 0.0
    for name, shape in shapes.items():
        if y + heights[name] / 2 > height / 2 > LONG / 2:
            x, y, height = width + 20, 0, 0
        body += _titled(name.lstrip("_"), shape, x, y)
        y += heights[name]
        width, tall = max(width, x + shape.width + 50), max(tall, y)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {tall:g}" width="{width:g}" height="{tall:g}" '
        f'role="img">\n<title>{escape(title)}</title>\n<style>{STYLE}</style>\n' + "\n".join(body) + "\n</svg>\n"
    )


ABOVE, BELOW, LONG = 32, 10, 500


def _titled(name: str, shape: Drawn, x: float, y: float) -> Iterator[str]:
    """A rule under its name, with its two ends."""
    yield f'<text class="n" x="{x:g}" y="{y + 20:g}">{name}</text>'
    y += ABOVE + shape.up
    yield f'<circle class="e" cx="{x + 4:g}" cy="{y:g}" r="4"/>'
    yield _line((x + 4, y), (x + 20, y))
    yield from shape.draw(x + 20, y)
    right = x + 20 + shape.width
    yield _line((right, y), (right + 16, y))
    yield f'<circle class="e" cx="{right + 16:g}" cy="{y:g}" r="4"/>'


def pictures() -> dict[str, str]:
    """The pictures of the language's grammar, by the names of their files."""
    found = rules(GRAMMAR.read_text(encoding="utf-8"))
    return {
        f"{chapter}.svg": picture({name: found[name] for name in names}, f"The grammar of {chapter}")
        for chapter, names in CHAPTERS.items()
    }


def main() -> None:
    PICTURES.mkdir(exist_ok=True)
    for name, svg in pictures().items():
        (PICTURES / name).write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()
