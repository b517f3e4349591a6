"""The pen for PNG and PDF: a picture drawn by matplotlib, where that is installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from learningdiagrams.drawing.palette import resolve
from learningdiagrams.drawing.picture import Area, Box, Curve, Picture, Shape, Words
from learningdiagrams.errors import DiagramError

__all__ = ["ENDINGS", "available", "save"]

ENDINGS: Final = (".png", ".pdf")
POINTS: Final = 72.0
SCALE: Final = 2.0
"""Pixels of a PNG for each point."""


def available() -> bool:
    """Whether matplotlib is there."""
    from importlib.util import find_spec

    return find_spec("matplotlib") is not None


def save(picture: Picture, path: str | Path, *, dark: bool = False) -> None:
    """Writes a picture to a `.png` or `.pdf` file.

    Raises:
        DiagramError: for another ending, or without matplotlib.
    """
    ending = Path(path).suffix.lower()
    if ending not in ENDINGS:
        raise DiagramError(
            f"matplotlib writes {' and '.join(ENDINGS)} here, not {ending or 'a name without an ending'}"
        )
    if not available():
        raise DiagramError(
            f"{ending} is drawn by matplotlib; `pip install 'learningdiagrams[draw]'` brings it, and .svg needs nothing"
        )
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.backends.backend_pdf import FigureCanvasPdf
    from matplotlib.figure import Figure

    with rc_context(
        {
            "font.family": "DejaVu Sans",
            "pdf.fonttype": 42,
            "path.sketch": None,
            "text.usetex": False,
            "text.parse_math": False,
        }
    ):
        figure = Figure(figsize=(picture.width / POINTS, picture.height / POINTS), facecolor=resolve("ground", dark))
        (FigureCanvasAgg if ending == ".png" else FigureCanvasPdf)(figure)
        axes: Any = figure.add_axes((0, 0, 1, 1), frameon=False)
        axes.set_xlim(0, picture.width)
        axes.set_ylim(picture.height, 0)
        axes.set_axis_off()
        order = 0
        for group in picture.groups:
            for shape in group.shapes:
                order += 1
                _put(axes, shape, dark, order)
        # No date and no version: the same picture gives the same file.
        blank = {"Software": None} if ending == ".png" else {"CreationDate": None, "Creator": None, "Producer": None}
        with Path(path).open("wb") as file:
            figure.savefig(
                file, format=ending[1:], dpi=POINTS * SCALE, facecolor=figure.get_facecolor(), metadata=blank
            )


def _put(axes: Any, shape: Shape, dark: bool, order: int) -> None:
    from matplotlib.patches import FancyBboxPatch, PathPatch, Polygon
    from matplotlib.path import Path as Outline
    from matplotlib.patheffects import withStroke

    if isinstance(shape, Curve):
        codes = [Outline.MOVETO] + [Outline.CURVE4] * (len(shape.points) - 1)
        dash = {"linestyle": (0, tuple(part / shape.width for part in shape.dash))} if shape.dash else {}
        outline = Outline(list(shape.points), codes)
        axes.add_patch(
            PathPatch(
                outline,
                fill=False,
                edgecolor=resolve(shape.colour, dark),
                linewidth=shape.width,
                zorder=order,
                capstyle="butt",
                **dash,
            )
        )
    elif isinstance(shape, Area):
        axes.add_patch(
            Polygon(
                list(shape.points), closed=True, facecolor=resolve(shape.fill, dark), edgecolor="none", zorder=order
            )
        )
    elif isinstance(shape, Box):
        radius = min(shape.radius, shape.width / 2, shape.height / 2)
        axes.add_patch(
            FancyBboxPatch(
                (shape.x - shape.width / 2, shape.y - shape.height / 2),
                shape.width,
                shape.height,
                boxstyle=f"round,pad=0,rounding_size={radius}" if radius else "square,pad=0",
                facecolor=resolve(shape.fill, dark),
                edgecolor=resolve(shape.stroke, dark) if shape.stroke else "none",
                linewidth=shape.thickness if shape.stroke else 0,
                zorder=order,
            )
        )
    elif isinstance(shape, Words):
        axes.text(
            shape.x,
            shape.y + 0.35 * shape.size,
            shape.text,
            fontsize=shape.size * 0.94,
            color=resolve(shape.colour, dark),
            ha={"start": "left", "middle": "center", "end": "right"}[shape.anchor],
            va="baseline",
            weight="bold" if shape.bold else "normal",
            style="italic" if shape.slant else "normal",
            zorder=order,
            parse_math=False,
            path_effects=[withStroke(linewidth=3, foreground=resolve("ground", dark))] if shape.halo else None,
        )
