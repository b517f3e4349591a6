"""The command `examine`: what can be told of a trained diagram."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from learningdiagrams.cli.base import File, app, loaded, reporting
from learningdiagrams.cli.runs import Constants, Rows, constants, restored
from learningdiagrams.tables import plain_json

__all__ = ["examine"]


@app.command()
def examine(
    file: File,
    run: Annotated[
        str | None, typer.Option("--run", metavar="DIR", help="The run whose numbers it has; runs/NAME unless given.")
    ] = None,
    equation: Annotated[
        list[str] | None,
        typer.Option("--equation", metavar="EQUATION", help='A further one to bound, "p = q"; may be repeated.'),
    ] = None,
    lipschitz: Constants = "",
    rows: Rows = 1024,
    max_seconds: Annotated[float, typer.Option(metavar="S", min=0.0, help="For finding proofs.")] = 10.0,
    draw: Annotated[
        str | None,
        typer.Option("--draw", metavar="OUT", help="Draw the diagram with what is left of each equation; .svg, .png …"),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
    trust: Annotated[bool, typer.Option("--trust", help="Import and run code that the file names.")] = False,
) -> None:
    """Examines a trained diagram on the data that it names.

    How far each goal and law is from holding; bounds on what the goals prove; goals that are in each other's way;
    models and goals that nothing moves; constants that would meet the goals.
    """
    given = constants(lipschitz)
    diagram = loaded(file, trust)
    folder = Path(run) if run is not None else Path("runs") / Path(file).stem
    with reporting(file, diagram):
        compiled = restored(diagram, folder)
        found = compiled.examine(equations=equation or (), lipschitz=given or None, rows=rows, max_seconds=max_seconds)
    if draw is not None:
        with reporting(draw):
            diagram.draw(draw, residuals=found.residuals)
    typer.echo(plain_json(found.to_json()) if json else str(found))
