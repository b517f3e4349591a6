"""The command line: `learningdiagrams check | prove | draw | compile | train | convert | demo`.

Exit codes: 0 done (for `prove`: proved); 1 the input is wrong, or the work failed; 2 wrong usage; 3 refuted; 4 not
decided
within the limits. Each error is one line on standard error, `FILE:LINE:COLUMN: what is wrong, and what would be right`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn

import typer

from learningdiagrams.diagram import Diagram
from learningdiagrams.errors import DiagramError
from learningdiagrams.language import LanguageError, load, parse_equation
from learningdiagrams.theory.errors import TheoryError

__all__ = ["app", "main"]

REFUTED: Final = 3
UNDECIDED: Final = 4

app = typer.Typer(
    name="learningdiagrams",
    help="Training setups as algebra: which models train together, and on what they must agree.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

File = Annotated[str, typer.Argument(metavar="FILE", help="A .diagram file, or our .json form of one.")]
BackendName = Annotated[str, typer.Option("--backend", metavar="torch|jax", help="Where to compute.")]


def main() -> None:
    """Runs the command line."""
    # What is printed has arrows and Greek letters; a terminal of another encoding gets stand-ins, not a crash.
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
    app()


def _fail(lines: list[str]) -> NoReturn:
    for line in lines:
        typer.echo(" ".join(line.splitlines()), err=True)
    raise typer.Exit(1)


@contextmanager
def _reporting(file: str, diagram: Diagram | None = None) -> Iterator[None]:
    """Turns errors into lines with places: a problem is where the declaration that it is about stands."""
    places = {} if diagram is None else diagram.places
    try:
        yield
    except LanguageError as error:
        _fail([str(problem) for problem in error.errors])
    except DiagramError as error:
        rows = sorted((places.get(problem.name or "", (1, 1)), problem.message) for problem in error.problems)
        _fail([f"{file}:{line}:{column}: {message}" for (line, column), message in rows])
    except TheoryError as error:
        _fail([f"{file}:1:1: {error}"])
    except OSError as error:
        _fail([f"{error.filename or file}:1:1: {(error.strerror or str(error)).lower()}"])


def _load(file: str, trust: bool = False) -> Diagram:
    with _reporting(file):
        return load(file, trust=trust)


@app.command()
def check(file: File) -> None:
    """Reads, types and examines a diagram; prints what it found."""
    diagram = _load(file)
    with _reporting(file, diagram):
        typer.echo(str(diagram.check()))


@app.command()
def prove(
    file: File,
    equation: Annotated[str, typer.Argument(metavar="EQUATION", help='Such as "f >> g = id(A)".')],
    using: Annotated[
        str, typer.Option(metavar="laws|goals|all", help="Premises: the laws, the goals (as if they held), or both.")
    ] = "all",
    max_seconds: Annotated[
        float, typer.Option(help="How long to try; it may only turn an answer into unknown.")
    ] = 10.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Decides a morphism equation. Exit code 0: proved, 3: refuted, 4: not decided."""
    if using not in ("laws", "goals", "all"):
        raise typer.BadParameter(f"it is laws, goals or all, not {using!r}", param_hint="--using")
    diagram = _load(file)
    with _reporting(file, diagram):
        left, right = parse_equation(diagram, equation)
        verdict = diagram.prove(left, right, using=using, max_seconds=max_seconds)
    from learningdiagrams.verdicts import as_json as verdict_json
    from learningdiagrams.verdicts import as_text as verdict_text

    if as_json:
        typer.echo(json.dumps(verdict_json(verdict), ensure_ascii=False))
    else:
        typer.echo(verdict_text(verdict, hypothetical=using != "laws" and bool(diagram.goals)))
    if not verdict.holds:
        raise typer.Exit(UNDECIDED if verdict.holds is None else REFUTED)


@app.command()
def draw(
    file: File,
    out: Annotated[str, typer.Option("-o", "--out", metavar="OUT", help="Where to; the ending says how.")],
) -> None:
    """Draws a diagram."""
    diagram = _load(file)
    with _reporting(out, diagram):
        diagram.draw(out)


@app.command(name="compile")
def compile_(
    file: File,
    backend: Annotated[
        str | None,
        typer.Option("--backend", metavar="torch|jax", help="Compile there; torch unless it is missing maps."),
    ] = None,
    show: Annotated[str, typer.Option(metavar="plan|loss|latex", help="What to print.")] = "plan",
    trust: Annotated[bool, typer.Option("--trust", help="Import and run code that the file names.")] = False,
) -> None:
    """Prints what a diagram compiles to, and compiles it where all of its maps are realised."""
    if show not in ("plan", "loss", "latex"):
        raise typer.BadParameter(f"it is plan, loss or latex, not {show!r}", param_hint="--show")
    from learningdiagrams.compiled import unrealised
    from learningdiagrams.formulas import loss_latex, loss_text
    from learningdiagrams.plan import make_plan

    diagram = _load(file, trust)
    with _reporting(file, diagram):
        plan = make_plan(diagram, diagram.goals.values())
        missing = unrealised(diagram)
        if backend is not None or not missing:
            diagram.compile(backend or "torch")
        else:
            diagram.check(max_seconds=0)
            named = ", ".join(f"`{name}`" for name in missing)
            typer.echo(f"{file}: compiled as far as can be: no realisation is given for {named}", err=True)
        typer.echo(
            {"plan": str, "loss": lambda _: loss_text(diagram), "latex": lambda _: loss_latex(diagram)}[show](plan)
        )


@app.command()
def train(
    file: File,
    backend: BackendName = "torch",
    out: Annotated[str | None, typer.Option(metavar="DIR", help="Results; runs/NAME unless given.")] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="For stages that name neither epochs nor steps.")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Instead of epochs.")] = None,
    batch_size: Annotated[int, typer.Option(min=1)] = 128,
    optimizer: Annotated[str, typer.Option(metavar="NAME", help="sgd, momentum, adam, adamw or rmsprop.")] = "adam",
    lr: Annotated[float | None, typer.Option(help="The learning rate; the optimizer's own unless given.")] = None,
    schedule: Annotated[str | None, typer.Option(metavar="NAME", help="onecycle, cosine or linear.")] = None,
    dtype: Annotated[str, typer.Option(metavar="float32|float64")] = "float32",
    seed: Annotated[int, typer.Option(help="Of first numbers, noise and the order of rows.")] = 0,
    validation: Annotated[float | None, typer.Option(help="The fraction of rows held out.")] = None,
    device: Annotated[str | None, typer.Option(help="The backend's name of a device, such as cuda.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where the last run in DIR stopped.")] = False,
    trust: Annotated[bool, typer.Option("--trust", help="Import and run code that the file names.")] = False,
) -> None:
    """Trains a diagram on the data that it names, and leaves the results in DIR."""
    from learningdiagrams.report import report_run

    diagram = _load(file, trust)
    folder = Path(out) if out is not None else Path("runs") / Path(file).stem
    with _reporting(file, diagram):
        compiled = diagram.compile(backend, seed=seed, dtype=dtype, device=device)
        options: dict[str, Any] = {
            "batch_size": batch_size,
            "optimizer": optimizer,
            "schedule": schedule,
            "resume": resume,
        }
        if epochs is None and steps is None:
            epochs = 10
        history = compiled.fit(epochs=epochs, steps=steps, lr=lr, validation=validation, out=folder, **options)
        report_run(compiled, history, folder)
    typer.echo(str(history))
    typer.echo(f"{folder}")


@app.command()
def convert(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="A .diagram or .json file.")],
    out: Annotated[str, typer.Option("-o", "--out", metavar="OUT", help=".diagram, .json or .py")],
) -> None:
    """Writes a diagram in another form."""
    diagram = _load(source)
    with _reporting(source, diagram):
        diagram.save(out)


@app.command()
def demo(
    backend: BackendName = "torch",
    out: Annotated[str, typer.Option(metavar="DIR", help="Where the report goes.")] = "runs/demo",
) -> None:
    """Trains a teacher on real digits and distils a small student that sees few labels."""
    from learningdiagrams.demo import run

    with _reporting("demo"):
        run(backend, Path(out))
