"""What a run leaves for people to look at: pictures, tables, numbers, and one page that holds them all."""

from __future__ import annotations

import json
import math
import platform
from collections.abc import Mapping
from html import escape
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from learningdiagrams.curves import VALIDATION, curves_picture, draw_curves
from learningdiagrams.data import load_sources
from learningdiagrams.drawing import draw, raster, text
from learningdiagrams.drawing.html import interactive, page
from learningdiagrams.drawing.svg import svg
from learningdiagrams.drawing.tables import equations_table, generators_table, rows_table
from learningdiagrams.errors import DiagramError
from learningdiagrams.formulas import loss_latex, loss_text
from learningdiagrams.gauges import examination_html
from learningdiagrams.tables import plain_json
from learningdiagrams.training.history import FIRST, LAST

if TYPE_CHECKING:
    from learningdiagrams.compiled import Compiled
    from learningdiagrams.diagram import Diagram
    from learningdiagrams.examined import Examination
    from learningdiagrams.training.history import History

__all__ = ["FILES", "report_run"]

FILES: Final = {
    "diagram.diagram": "the diagram, as text",
    "parameters.safetensors": "every map's parameters and buffers",
    "history.csv": "a row for each epoch",
    "curves.svg": "each goal and measure over the steps",
    "curves.png": "the same as pixels, where matplotlib is installed",
    "residuals.svg": "the diagram with what is left of each equation",
    "residuals.json": "the same as numbers",
    "examination.json": "what the goals prove with bounds, angles of gradients, constants that would meet the goals",
    "report.html": "this page",
}


def report_run(
    compiled: Compiled,
    history: History,
    folder: str | Path,
    residuals: Mapping[str, float] | None = None,
    settings: Mapping[str, Any] | None = None,
    examination: Examination | None = None,
) -> Path:
    """Writes what a run leaves into a folder, and returns the path of its page, `report.html`.

    Args:
        residuals: how far each equation is from holding; None: measured on the data that the diagram names,
            if it names any, and left out else.
        settings: what else the page says about the run, such as {"batch size": 128}.
        examination: what `compiled.examine` found; its residuals are taken where none are given.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    diagram = compiled.diagram
    if residuals is None and examination is not None:
        residuals = examination.residuals
    if residuals is None and load_sources(diagram):
        residuals = compiled.residuals()
    _write_diagram(diagram, folder / "diagram.diagram")
    compiled.save(folder / "parameters.safetensors")
    history.csv(folder / "history.csv")
    draw_curves(history, folder / "curves.svg", title=diagram.name)
    if raster.available():
        draw_curves(history, folder / "curves.png", title=diagram.name)
    draw(diagram, folder / "residuals.svg", residuals=residuals)
    _write(folder / "residuals.json", _residuals_json(residuals))
    if examination is not None:
        _write(folder / "examination.json", plain_json(examination.to_json(), indent=2) + "\n")
    page = _page(compiled, history, residuals, settings or {}, examination)
    _write(folder / "report.html", page)
    return folder / "report.html"


def _write(path: Path, words: str) -> None:
    path.write_text(words, encoding="utf-8", errors="replace")


def _write_diagram(diagram: Diagram, path: Path) -> None:
    """The diagram's text; what a file cannot hold is said in its first line."""
    try:
        diagram.save(path)
    except DiagramError as error:
        reason = " ".join(str(error).split())
        _write(path, f"# This text shows the diagram but cannot be read back: {reason}\n{diagram}\n")


def _residuals_json(residuals: Mapping[str, float] | None) -> str:
    """{name: {residual, value, floor}}, and what could not be measured; no number that JSON lacks."""
    found = residuals or {}
    raw, floor = getattr(found, "raw", found), getattr(found, "floor", {})
    rows = {
        name: {"residual": _finite(found[name]), "value": _finite(raw[name]), "floor": _finite(floor.get(name, 0.0))}
        for name in found
    }
    lost = dict(getattr(found, "unmeasured", {}))
    return json.dumps({"residuals": rows, "unmeasured": lost}, indent=2, ensure_ascii=False) + "\n"


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


# The page ---------------------------------------------------------------------------------------------------


def _page(
    compiled: Compiled,
    history: History,
    residuals: Mapping[str, float] | None,
    settings: Mapping[str, Any],
    examination: Examination | None,
) -> str:
    diagram = compiled.diagram
    curves = svg(curves_picture(history))
    sections = [
        f"<p class='muted'>{escape(_headline(compiled, history))}</p>",
        interactive(diagram, residuals),
        _section(
            "Equations", equations_table(diagram, residuals, getattr(residuals, "floor", None)) + _notes(residuals)
        ),
        _section("Training", f"<div class='scroll'>{curves}</div>{_last(history)}"),
        *(_section(*section) for section in (examination_html(examination) if examination else ())),
        _section(
            "Loss",
            f"<pre>{_pre(loss_text(diagram))}</pre><details><summary>LaTeX</summary><pre>{_pre(loss_latex(diagram))}</pre></details>",
        ),
        _section("Plan", f"<pre>{_pre(str(compiled.plan))}</pre>"),
        _section("Maps", _parameters(compiled)),
        _section("Generators", generators_table(diagram)),
        _section(
            "Settings",
            rows_table(
                ("", ""),
                [
                    [escape(str(k)), f"<code>{escape(str(v))}</code>"]
                    for k, v in _settings(compiled, history, settings).items()
                ],
            ),
        ),
        _section("The diagram as text", f"<pre>{_pre(str(diagram))}</pre>"),
        _section(
            "Files beside this page",
            rows_table(
                ("file", "holds"),
                [
                    [f"<code>{name}</code>", escape(what)]
                    for name, what in FILES.items()
                    if examination or name != "examination.json"
                ],
            ),
        ),
    ]
    return page(diagram.name, sections)


def _pre(words: str) -> str:
    return escape(words.encode("utf-8", "replace").decode("utf-8"))


def _section(heading: str, body: str) -> str:
    return f"<section><h2>{escape(heading)}</h2><div class='scroll'>{body}</div></section>"


def _headline(compiled: Compiled, history: History) -> str:
    counts = [f"{len(history)} epochs" if len(history) != 1 else "1 epoch", f"{compiled.step} steps"]
    seconds = sum(row.get("seconds") or 0.0 for row in history)
    ending = (
        " Interrupted." if history.interrupted else f" Stopped early: {history.stopped}." if history.stopped else ""
    )
    return f"Trained on {compiled.backend}: {', '.join(counts)}, {seconds:.1f} s.{ending}"


def _notes(residuals: Mapping[str, float] | None) -> str:
    if residuals is None:
        return "<p class='muted'>Residuals were not measured: no data were given for that.</p>"
    lost = getattr(residuals, "unmeasured", {})
    return "".join(
        f"<p class='muted'>Law <code>{escape(name)}</code> is not measured: {escape(why)}.</p>"
        for name, why in lost.items()
    )


def _last(history: History) -> str:
    """The last value of each goal and measure, training and validation side by side."""
    columns = [name for name in history.columns if name not in FIRST + LAST]
    names = list(dict.fromkeys(name.removeprefix(VALIDATION) for name in columns))
    last = {name: next((v for v in reversed(history[name]) if v is not None), None) for name in columns}
    cells = [
        [f"<code>{escape(name)}</code>", _cell(last.get(name)), _cell(last.get(VALIDATION + name))] for name in names
    ]
    return rows_table(("last value", "training", "validation"), cells) if cells else ""


def _cell(value: Any) -> str:
    return escape(f"{value:.4g}") if isinstance(value, int | float) else ""


def _parameters(compiled: Compiled) -> str:
    """How many numbers each map has, and their shapes."""
    rows, total, trained = [], 0, 0
    for name, parameters in compiled.parameters().items():
        count = sum(math.prod(array.shape) for array in parameters.values())
        role = compiled.diagram.roles[name]
        total += count
        trained += count if role == "model" else 0
        shapes = ", ".join(f"{key} {'×'.join(map(str, array.shape)) or '1'}" for key, array in parameters.items())
        rows.append(
            [f"<code>{escape(name)}</code>", escape(role), f"{count:,}", escape(text.shortened(shapes, 1.0, 90.0))]
        )
    table = rows_table(("map", "role", "parameters", "shapes"), rows)
    return f"{table}<p class='muted'>{trained:,} parameters are trained, of {total:,}.</p>"


def _settings(compiled: Compiled, history: History, settings: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "backend": compiled.backend,
        "dtype": compiled.maps.dtype,
        "seed": compiled.seed,
        "steps": compiled.step,
    }
    stages = dict.fromkeys(str(row["stage"]) for row in history if "stage" in row)
    if stages:
        found["stages"] = ", ".join(stages)
    if compiled.shapes.numbers:
        found["shapes"] = ", ".join(f"{name} = {size}" for name, (size, _) in compiled.shapes.numbers.items())
    found.update(settings)
    found["Python"] = platform.python_version()
    for package in (
        "learningdiagrams",
        "numpy",
        *{"torch": ("torch",), "jax": ("jax", "optax")}.get(compiled.backend, ()),
    ):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return {key: value for key, value in found.items() if value is not None and value != ""}
