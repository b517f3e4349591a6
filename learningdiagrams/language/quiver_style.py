r"""How the cells of a quiver link look, in the words of diagrams: roles, colours, and everything else as text.

The look of an arrow carries the role of its generator, that of an arrow between arrows the kind of its equation:

>>> role_of(ROLES["frozen"]), ROLES["frozen"], kind_of(EQUATIONS["law"])
('frozen', {'style.body.name': 'dashed'}, 'law')

What a link says besides is kept in a style's `quiver` as words, which the pen for quiver reads again:

>>> extras = Extras(alignment=2, options={"offset": -1, "style.head.name": "epi"})
>>> str(extras), parse_extras(str(extras)) == extras
('label right, offset -1, head epi', True)
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from learningdiagrams.errors import DiagramError, suggestion
from learningdiagrams.language.quiver_cells import BLACK, DEFAULTS, Colour

__all__ = [
    "EQUATIONS",
    "ROLES",
    "Extras",
    "applied",
    "bends",
    "changed",
    "hex_of",
    "hsl_of",
    "is_plain",
    "kind_of",
    "parse_extras",
    "role_of",
]

BODY: Final = "style.body.name"
TAIL: Final = "style.tail.name"
HEAD: Final = "style.head.name"

ROLES: Final[Mapping[str, Mapping[str, Any]]] = {
    "map": {},
    "data": {TAIL: "maps to"},
    "noise": {BODY: "squiggly"},
    "model": {BODY: "barred"},
    "frozen": {BODY: "dashed"},
    "fixed": {BODY: "dotted"},
    "ema": {TAIL: "mono", BODY: "barred"},
}
"""What the arrow of each role has that a plain arrow has not."""

_SHORT: Final = {"shorten.source": 20, "shorten.target": 20}
EQUATIONS: Final[Mapping[str, Mapping[str, Any]]] = {
    "goal": {**_SHORT},
    "law": {**_SHORT, HEAD: "none"},
    "measure": {**_SHORT, BODY: "dashed"},
}
"""What the arrow between two paths has, by the kind of equation; its line is double."""


def role_of(options: Mapping[str, Any]) -> str:
    """The role that an arrow looks like: by its body, else by its tail; `map` where neither says any."""
    body = options.get(BODY)
    found = next((role for role, look in ROLES.items() if role != "ema" and body and look.get(BODY) == body), None)
    return found or ("data" if body is None and options.get(TAIL) == "maps to" else "map")


def kind_of(options: Mapping[str, Any]) -> str:
    """The kind of equation that an arrow between arrows looks like: an equality sign a law, a dashed one a measure."""
    if options.get(HEAD) == "none":
        return "law"
    return "measure" if options.get(BODY) == "dashed" else "goal"


def bends(ends: Sequence[tuple[Hashable, Hashable]], at: Mapping[Any, tuple[int, int]]) -> list[dict[str, int]]:
    """How much each arrow is curved: apart from others with the same ends, and round a vertex in its way.

    `at` says where vertices are. Loops stand at different angles instead.

    >>> at = {"A": (0, 0), "B": (1, 0), "C": (2, 0)}
    >>> bends([("A", "B"), ("B", "A"), ("B", "C"), ("C", "C"), ("A", "C")], at)
    [{'curve': -1}, {'curve': -1}, {}, {}, {'curve': -3}]
    """
    bundles: dict[frozenset[Hashable], list[int]] = {}
    for place, pair in enumerate(ends):
        bundles.setdefault(frozenset(pair), []).append(place)
    found: list[dict[str, int]] = [{} for _ in ends]
    for bundle in bundles.values():
        for number, place in enumerate(bundle):
            source, target = ends[place]
            if source == target:
                angle = (0, 180, 90, -90)[number % 4]
                found[place] = {"angle": angle} if angle else {}
            elif side := 2 * number - (len(bundle) - 1):
                found[place] = {"curve": side if ends[bundle[0]] == ends[place] else -side}
            elif source in at and target in at and _blocked(at[source], at[target], at.values()):
                found[place] = {"curve": -3}
    return found


def _blocked(start: tuple[int, int], end: tuple[int, int], others: Iterable[tuple[int, int]]) -> bool:
    """Whether a vertex lies on the straight line between two others."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    for x, y in others:
        across, along = (x - start[0]) * dy - (y - start[1]) * dx, (x - start[0]) * dx + (y - start[1]) * dy
        if not across and 0 < along < dx * dx + dy * dy:
            return True
    return False


def changed(base: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that are not as in `base`, with the values they have."""
    names = [name for name in DEFAULTS if base.get(name, DEFAULTS[name]) != options.get(name, DEFAULTS[name])]
    return {name: options.get(name, DEFAULTS[name]) for name in names}


def applied(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Options with changes made; those that are the default then are left out."""
    both = {**base, **changes}
    return {name: both[name] for name in DEFAULTS if name in both and both[name] != DEFAULTS[name]}


# Colours ----------------------------------------------------------------------------------------------------


def hex_of(colour: Colour) -> str:
    """A colour without its opacity, as `#rrggbb`, or `#rgb` where that says the same.

    >>> hex_of(Colour(0, 60, 60)), hex_of(Colour(0, 60, 50))
    ('#d65c5c', '#c33')
    """
    light, spread = colour.l / 100, colour.s / 100 * min(colour.l, 100 - colour.l) / 100

    def channel(n: int) -> int:
        k = (n + colour.h / 30) % 12
        return round(255 * (light - spread * max(-1, min(k - 3, 9 - k, 1))))

    digits = "".join(f"{channel(n):02x}" for n in (0, 8, 4))
    return "#" + (digits[::2] if digits[::2] == digits[1::2] else digits)


def hsl_of(code: str) -> Colour:
    """The nearest colour in whole numbers to one written `#rgb` or `#rrggbb`.

    >>> hsl_of("#c33"), hsl_of("#d65c5c")
    (Colour(h=0, s=60, l=50, a=1), Colour(h=0, s=60, l=60, a=1))
    """
    digits = code[1:] if len(code) == 7 else "".join(2 * digit for digit in code[1:])
    r, g, b = (int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4))
    high, low = max(r, g, b), min(r, g, b)
    light, width = (high + low) / 2, high - low
    if not width:
        return Colour(0, 0, round(100 * light))
    sectors = ((r, (g - b) / width % 6), (g, (b - r) / width + 2), (b, (r - g) / width + 4))
    sector = next(value for channel, value in sectors if channel == high)
    return Colour(round(60 * sector) % 360, round(100 * width / (1 - abs(2 * light - 1))), round(100 * light))


# Everything else --------------------------------------------------------------------------------------------

_ALIGNMENTS: Final = ("left", "centre", "right", "over")
_SWITCH: Final = ("off", "on")
WORDS: Final = {
    "label at": "label_position",
    "offset": "offset",
    "curve": "curve",
    "radius": "radius",
    "angle": "angle",
    "shorten start": "shorten.source",
    "shorten end": "shorten.target",
    "level": "level",
    "colour": "colour",
    "align start": "edge_alignment.source",
    "align end": "edge_alignment.target",
    "arrow": "style.name",
    "tail": TAIL,
    "tail side": "style.tail.side",
    "body": BODY,
    "head": HEAD,
    "head side": "style.head.side",
}
_ALL: Final = ("label", "label colour", "from", "to", *WORDS)


@dataclass(frozen=True)
class Extras:
    """What a link says of an arrow besides its role, its curve and its colour.

    Attributes:
        alignment: where the label stands, None as usual.
        options: by name, with the values that they have.
        colour: that of the label; None where it is black.
        source: the cell where it starts, where that is not what its domain says: the name of an object, generator or
            equation, or, of a product or 1, column, row and place in the list of vertices.
        target: the same for its end.
    """

    alignment: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    colour: Colour | None = None
    source: str | tuple[int, int, int] | None = None
    target: str | tuple[int, int, int] | None = None

    def __str__(self) -> str:
        words = [] if self.alignment is None else [f"label {_ALIGNMENTS[self.alignment]}"]
        words += [] if self.colour is None else [f"label colour {_text(self.colour)}"]
        words += [f"{word} {_text(self.options[name])}" for word, name in WORDS.items() if name in self.options]
        ends = (("from", self.source), ("to", self.target))
        words += [f"{word} {_text(end)}" for word, end in ends if end is not None]
        return ", ".join(words)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return _SWITCH[value]
    if isinstance(value, Colour):
        return " ".join(map(str, value[:3] if value.a == 1 else value))
    if value is None:
        return "none"
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def parse_extras(text: str) -> Extras:
    """The inverse of `str`; raises :class:`DiagramError` for words that say nothing.

    >>> parse_extras("label right, ofset 1")
    Traceback (most recent call last):
    learningdiagrams.errors.DiagramError: `ofset 1` says nothing of an arrow; did you mean `offset`?
    """
    options: dict[str, Any] = {}
    found: dict[str, Any] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        word = max((w for w in _ALL if part.startswith(w + " ")), key=len, default=None)
        value = part[len(word) + 1 :].strip() if word else ""
        made: Any = None
        if word == "label" and value in _ALIGNMENTS:
            found["alignment"] = made = _ALIGNMENTS.index(value)
        elif word == "label colour":
            found["colour"] = made = _colour(value)
        elif word in ("from", "to"):
            place = tuple(map(int, value.split())) if re.fullmatch(r"\d+ \d+ \d+", value) else value
            found["source" if word == "from" else "target"] = made = place
        elif word in WORDS:
            options[WORDS[word]] = made = _value(WORDS[word], value)
            made = True if made is None and value == "none" else made
        if made is None:
            hint = suggestion(part.rsplit(" ", 1)[0], _ALL) or f"; there are {', '.join(_ALL)}"
            raise DiagramError(f"`{part}` says nothing of an arrow{hint}")
    return Extras(options=options, **found)


def _value(name: str, text: str) -> Any:
    if name == "colour":
        return _colour(text)
    if name.startswith("edge_alignment"):
        return _SWITCH.index(text) == 1 if text in _SWITCH else None
    if name.endswith(".side") and text == "none":
        return None
    if name.startswith("style"):
        return text
    return int(text) if re.fullmatch(r"-?\d+", text) else None


def _colour(text: str) -> Colour | None:
    found = re.fullmatch(r"(\d+) (\d+) (\d+)(?: (\d+(?:\.\d+)?(?:e-\d+)?))?", text)
    if found is None:
        return None
    alpha = float(found[4] or 1)
    h, s, light = map(int, found.groups()[:3])
    return Colour(h, s, light, int(alpha) if alpha == int(alpha) else alpha)


def is_plain(colour: Colour) -> bool:
    """Whether a colour is what its `#rrggbb` says."""
    return hsl_of(hex_of(colour)) == colour and colour != BLACK
