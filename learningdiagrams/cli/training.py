"""The commands that train: `train` and `demo`."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from learningdiagrams.cli.base import BackendName, File, all_of, app, fail, loaded, number, one_of, reporting

EXAMINING: Final = 5.0
"""Seconds for finding proofs after training."""


@app.command()
def train(
    file: File,
    backend: BackendName = "torch",
    out: Annotated[str | None, typer.Option(metavar="DIR", help="Results; runs/NAME unless given.")] = None,
    epochs: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="For stages that name neither epochs nor steps; 10 unless given."),
    ] = None,
    steps: Annotated[int | None, typer.Option(metavar="N", min=1, help="Instead of epochs.")] = None,
    batch_size: Annotated[int, typer.Option(metavar="N", min=1, help="Rows in a step.")] = 128,
    optimizer: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="sgd, momentum, adam, adamw or rmsprop.",
            callback=one_of("sgd", "momentum", "adam", "adamw", "rmsprop"),
        ),
    ] = "adam",
    lr: Annotated[
        float | None,
        typer.Option(
            metavar="X",
            help="The learning rate; the optimizer's own unless given.",
            callback=number("a number from 0 up", lambda x: 0 <= x < math.inf),
        ),
    ] = None,
    schedule: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Of the learning rate: onecycle, cosine or linear.",
            callback=one_of("onecycle", "cosine", "linear"),
        ),
    ] = None,
    dtype: Annotated[
        str,
        typer.Option(metavar="float32|float64", help="Of numbers.", callback=one_of("float32", "float64")),
    ] = "float32",
    seed: Annotated[int, typer.Option(metavar="N", help="Of first numbers, noise and the order of rows.")] = 0,
    validation: Annotated[
        float | None,
        typer.Option(
            metavar="F",
            help="The fraction of rows held out.",
            callback=number("a fraction between 0 and 1", lambda x: 0 < x < 1),
        ),
    ] = None,
    device: Annotated[
        str | None, typer.Option(metavar="D", help="The backend's name of a device, such as cuda.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where the last run in DIR stopped.")] = False,
    trust: Annotated[bool, typer.Option("--trust", help="Import and run code that the file names.")] = False,
) -> None:
    """Trains a diagram on the data that it names, and leaves the results in DIR.

    Ctrl-C stops it after the step that is under way; `--resume` goes on from there.
    """
    if epochs is not None and steps is not None:
        raise typer.BadParameter("training lasts a number of epochs or of steps, not both", param_hint="--steps")
    if abs(seed) >= 2**62:
        raise typer.BadParameter(f"it is a whole number of at most 62 bits, not {seed}", param_hint="--seed")
    from learningdiagrams.cli.runs import going_on
    from learningdiagrams.compiled import sources
    from learningdiagrams.report import report_run

    diagram = loaded(file, trust)
    folder = Path(out) if out is not None else Path("runs") / Path(file).stem
    if epochs is None and steps is None:
        epochs = 10
    options: dict[str, Any] = {
        "epochs": epochs,
        "steps": steps,
        "batch_size": batch_size,
        "optimizer": optimizer,
        "lr": lr,
        "schedule": schedule,
        "validation": validation,
    }
    with reporting(file, diagram):
        made = partial(diagram.compile, backend, seed=seed, dtype=dtype, device=device)
        compiled, data = all_of(made, partial(sources, diagram))
        history = compiled.fit(data, out=folder, resume=resume and going_on(diagram, compiled, folder), **options)
        # What stays the same for all stages was a choice; `epochs` and `steps` are for those that name neither.
        settings = {name.replace("_", " "): value for name, value in options.items() if value is not None}
        # Who presses Ctrl-C waits for nothing more than the report.
        found = None if history.interrupted else compiled.examine(data, max_seconds=EXAMINING)
        report_run(compiled, history, folder, settings={**settings, "device": device}, examination=found)
    typer.echo(str(history))
    typer.echo(f"{folder}")
    if history.interrupted:
        fail([f"{file}:1:1: interrupted after step {compiled.step}; --resume goes on from there"])


@app.command()
def demo(
    backend: BackendName = "torch",
    out: Annotated[str, typer.Option(metavar="DIR", help="Where the report goes.")] = "runs/demo",
) -> None:
    """Trains a teacher on real digits and distils a small student that sees few labels."""
    from learningdiagrams.demo import run

    with reporting("demo"):
        run(backend, Path(out))
