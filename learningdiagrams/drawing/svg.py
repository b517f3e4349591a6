"""The SVG pen: a picture as text, the same bytes every time, that follows the reader's light or dark.

Colours are classes, so that one document serves both; `data-kind` and `data-name` say what each group
depicts, for pages that react to a pointer.
"""

from __future__ import annotations

from html import escape
from typing import Final

from learningdiagrams.drawing.palette import DARK, LIGHT
from learningdiagrams.drawing.picture import Area, Box, Curve, Group, Picture, Point, Shape, Words

__all__ = ["FONT", "svg"]

FONT: Final = 'system-ui, -apple-system, "Segoe UI", "Helvetica Neue", "Noto Sans", "DejaVu Sans", Arial, sans-serif'


def svg(picture: Picture, dark: bool | None = None) -> str:
    """A picture as an SVG document.

    Args:
        dark: True or False for one palette; None for what the reader prefers (`prefers-color-scheme`).
    """
    mode = {None: "auto", True: "dark", False: "light"}[dark]
    used = sorted(
        {colour for group in picture.groups for shape in group.shapes for colour in _colours(shape)} | {"ground"}
    )
    width, height = _number(picture.width), _number(picture.height)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="ld-{mode}" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" font-family="{escape(FONT)}">',
        f"<title>{_escaped(picture.title)}</title>",
        f"<desc>{_escaped(picture.description)}</desc>",
        f"<style>{_style(used, mode)}</style>",
        f'<rect class="f-ground" width="{width}" height="{height}"/>',
    ]
    for group in picture.groups:
        lines.append(_group(group))
    lines.append("</svg>")
    return "\n".join(lines) + "\n"


def _style(colours: list[str], mode: str) -> str:
    named = [colour for colour in colours if not colour.startswith("#")]

    def rules(table: dict[str, str]) -> str:
        return "".join(
            f".ld-{mode} .f-{name}{{fill:{table[name]}}}.ld-{mode} .s-{name}{{stroke:{table[name]}}}" for name in named
        )

    base = f".ld-{mode} .halo{{paint-order:stroke;stroke-width:4px;stroke-linejoin:round}}"
    if mode == "auto":
        return f"{base}{rules(LIGHT)}@media (prefers-color-scheme:dark){{{rules(DARK)}}}"
    return base + rules(DARK if mode == "dark" else LIGHT)


def _colours(shape: Shape) -> list[str]:
    if isinstance(shape, Curve):
        return [shape.colour]
    if isinstance(shape, Area):
        return [shape.fill]
    if isinstance(shape, Box):
        return [shape.fill] + ([shape.stroke] if shape.stroke else [])
    return [shape.colour]


def _group(group: Group) -> str:
    title = f"<title>{_escaped(group.title)}</title>" if group.title else ""
    body = "".join(_shape(shape) for shape in group.shapes)
    return f'<g data-kind="{_escaped(group.kind)}" data-name="{_escaped(group.name)}">{title}{body}</g>'


def _shape(shape: Shape) -> str:
    if isinstance(shape, Curve):
        dash = f' stroke-dasharray="{" ".join(map(_number, shape.dash))}"' if shape.dash else ""
        return (
            f'<path d="{_path(shape.points)}" fill="none" {_paint("stroke", shape.colour)} '
            f'stroke-width="{_number(shape.width)}"{dash}/>'
        )
    if isinstance(shape, Area):
        points = " ".join(f"{_number(x)},{_number(y)}" for x, y in shape.points)
        return f'<polygon points="{points}" {_paint("fill", shape.fill)}/>'
    if isinstance(shape, Box):
        return _box(shape)
    return _words(shape)


def _box(shape: Box) -> str:
    classes, plain = [], ""
    for what, colour in (("fill", shape.fill), ("stroke", shape.stroke)):
        if colour is None:
            continue
        if colour.startswith("#"):
            plain += f' {what}="{colour}"'
        else:
            classes.append(f"{what[0]}-{colour}")
    named = f' class="{" ".join(classes)}"' if classes else ""
    thick = f' stroke-width="{_number(shape.thickness)}"' if shape.stroke else ""
    radius = f' rx="{_number(shape.radius)}"' if shape.radius else ""
    x, y = shape.x - shape.width / 2, shape.y - shape.height / 2
    return (
        f'<rect x="{_number(x)}" y="{_number(y)}" width="{_number(shape.width)}" height="{_number(shape.height)}"'
        f"{radius}{named}{plain}{thick}/>"
    )


def _words(shape: Words) -> str:
    classes, plain = [], ""
    if shape.colour.startswith("#"):
        plain = f' fill="{shape.colour}"'
    else:
        classes.append(f"f-{shape.colour}")
    if shape.halo:
        classes += ["halo", "s-ground"]
    named = f' class="{" ".join(classes)}"' if classes else ""
    anchor = "" if shape.anchor == "start" else f' text-anchor="{shape.anchor}"'
    weight = ' font-weight="600"' if shape.bold else ""
    slant = ' font-style="italic"' if shape.slant else ""
    # The baseline stands below the middle of the letters; `dominant-baseline` is drawn differently everywhere.
    baseline = shape.y + 0.35 * shape.size
    return (
        f'<text x="{_number(shape.x)}" y="{_number(baseline)}" font-size="{_number(shape.size)}"'
        f'{anchor}{weight}{slant}{named}{plain} xml:space="preserve">{_escaped(shape.text)}</text>'
    )


def _paint(what: str, colour: str) -> str:
    return f'{what}="{colour}"' if colour.startswith("#") else f'class="{what[0]}-{colour}"'


def _path(points: tuple[Point, ...]) -> str:
    words = [f"M{_number(points[0][0])} {_number(points[0][1])}"]
    for i in range(1, len(points) - 2, 3):
        words.append("C" + " ".join(f"{_number(x)} {_number(y)}" for x, y in points[i : i + 3]))
    return "".join(words)


def _number(value: float) -> str:
    """A coordinate with two decimals at most, and no minus before zero."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def _escaped(text: str) -> str:
    """Text as XML holds it: markup escaped, characters that XML forbids replaced."""
    return escape(
        "".join(
            c
            if c in "\t\n" or (ord(c) >= 32 and not 0xD800 <= ord(c) <= 0xDFFF and ord(c) not in (0xFFFE, 0xFFFF))
            else "�"
            for c in text
        )
    )
