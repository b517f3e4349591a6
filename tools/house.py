"""The house of the library as a picture: `python -m tools.house` writes `docs/house.svg`.

Floors from the ground up; a module imports from its own floor and from those below.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).resolve().parent.parent
PICTURE: Final = ROOT / "docs" / "house.svg"


class Floor(NamedTuple):
    """A floor: its name, what it knows, and rooms of it by the names of their modules, each with a word on it."""

    name: str
    knows: str
    rooms: tuple[tuple[str, str], ...]


FLOORS: Final = (
    Floor(
        "theory",
        "no numbers",
        (("theory", "morphisms, proofs, functors, colimits"),),
    ),
    Floor(
        "values",
        "calls that run nothing",
        (("losses", "comparators"), ("schedules", "weights"), ("layers", "built-in maps"), ("specs", "realisations")),
    ),
    Floor("diagrams", "roles and goals", (("diagram", "generators with roles"), ("declarations", "goals, stages"))),
    Floor(
        "forms",
        "no tensor",
        (
            ("language", "text, JSON, quiver"),
            ("plan", "goals to steps"),
            ("shapes", "unified"),
            ("gluing", "colimits"),
            ("interpretation", "A inside B"),
            ("editing", "edits"),
            ("drawing", "one layout, many pens"),
        ),
    ),
    Floor("backends", "torch, jax, sympy", (("backends", "the plan as one function; gradients"),)),
    Floor(
        "training",
        "any backend",
        (("training", "one loop"), ("agreement", "residuals"), ("bounds", "what proofs bound")),
    ),
    Floor(
        "top",
        "people",
        (
            ("compiled", "what compile() returns"),
            ("cli", "commands"),
            ("report", "a run to look at"),
            ("regimes", "the gallery"),
        ),
    ),
)

WIDTH, LABEL, HIGH, GAP, PAD = 980, 150, 56, 8, 14

STYLE: Final = (
    "text{font-family:system-ui,sans-serif;fill:#1c2430}.f{fill:#eef2f7;stroke:#8a94a3}.r{fill:#fff;stroke:#b7c0cc}"
    ".n{font-weight:600;font-size:15px}.k{font-size:11px;fill:#5b6b80}.m{font:600 12.5px ui-monospace,Menlo,monospace}"
    ".e{fill:#8a94a3;font-size:12px;text-anchor:middle}.a{fill:none;stroke:#8a94a3;stroke-width:1.6}"
)


def picture() -> str:
    """The SVG, the top floor above."""
    height = len(FLOORS) * (HIGH + GAP) + 2 * PAD
    body = [line for i, floor in enumerate(FLOORS) for line in _floor(floor, height - PAD - (i + 1) * (HIGH + GAP))]
    side = WIDTH - 22
    body += [
        f'<path class="a" d="M{side} {PAD + 4}V{height - PAD - GAP - 6}m-5 -8l5 8l5 -8"/>',
        f'<text class="e" transform="translate({side + 15} {height / 2:g}) rotate(90)">imports</text>',
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'role="img">\n<title>The floors of the library</title>\n<style>{STYLE}</style>\n'
        + "\n".join(body)
        + "\n</svg>\n"
    )


def _floor(floor: Floor, y: int) -> Iterator[str]:
    """A floor with its name on the left and its rooms beside it, each as wide as what is said of it wants."""
    right = WIDTH - 46
    yield f'<rect class="f" x="{PAD}" y="{y}" width="{right - PAD}" height="{HIGH}" rx="4"/>'
    yield f'<text class="n" x="{PAD + 12}" y="{y + 25}">{escape(floor.name)}</text>'
    yield f'<text class="k" x="{PAD + 12}" y="{y + 42}">{escape(floor.knows)}</text>'
    wants = [max(7.6 * len(name), 5.6 * len(what)) + 16 for name, what in floor.rooms]
    room = right - 8 - (PAD + LABEL) - GAP * (len(wants) - 1)
    x = float(PAD + LABEL)
    for (name, what), want in zip(floor.rooms, wants, strict=True):
        width = room * want / sum(wants)
        yield f'<rect class="r" x="{x:.1f}" y="{y + 8}" width="{width:.1f}" height="{HIGH - 16}" rx="3"/>'
        middle = x + width / 2
        yield f'<text class="m" x="{middle:.1f}" y="{y + 25}" text-anchor="middle">{escape(name)}</text>'
        yield f'<text class="k" x="{middle:.1f}" y="{y + 40}" text-anchor="middle">{escape(what)}</text>'
        x += width + GAP


def main() -> None:
    PICTURE.write_text(picture(), encoding="utf-8")


if __name__ == "__main__":
    main()
