"""The command line `learningdiagrams`: `check`, `prove`, `draw`, `compile`, `train`, `convert`, `demo`, `glue`,
`relate` and `regimes`.

Exit codes: 0 done (for `prove`: proved); 1 the input is wrong, or the work failed; 2 wrong usage; 3 refuted; 4 not
decided within the limits. Each error is one line on standard error, `FILE:LINE:COLUMN: what is wrong, and what would be
right`; those of usage are the command line library's own.
"""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn

import typer

from learningdiagrams.code import whence
from learningdiagrams.diagram import Diagram
from learningdiagrams.errors import About, DiagramError, suggestion
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


def _one_of(*names: str) -> Callable[[str | None], str | None]:
    """A check that an option's value is one of these names."""

    def check(value: str | None) -> str | None:
        if value is None or value in names:
            return value
        close = suggestion(value, names)
        known = " or ".join([*filter(None, [", ".join(names[:-1])]), names[-1]])
        raise typer.BadParameter(f"there is no `{value}`{close}; it is {known}")

    return check


def _number(words: str, fits: Callable[[float], bool]) -> Callable[[float | None], float | None]:
    """A check that an option's value is a number that fits."""

    def check(value: float | None) -> float | None:
        if value is None or fits(value):
            return value
        raise typer.BadParameter(f"it is {words}, not {value:g}")

    return check


BackendName = Annotated[
    str,
    typer.Option("--backend", metavar="torch|jax", help="Where to compute.", callback=_one_of("torch", "jax")),
]


def main() -> None:
    """Runs the command line."""
    # What is printed has arrows and Greek letters; a terminal of another encoding gets stand-ins, not a crash.
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
    app()


def _all_of(*actions: Callable[[], Any]) -> list[Any]:
    """What these give; what is wrong with any of them is one error, so that all of a file's mistakes are seen."""
    found: list[Any] = []
    problems: list[About] = []
    for action in actions:
        try:
            found.append(action())
        except DiagramError as error:
            problems += error.problems
    if problems:
        raise DiagramError.of(problems)
    return found


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
        code = whence(error.__cause__) if isinstance(error.__cause__, Exception) else ""
        rows = sorted(
            (places.get(problem.name or "", (1, 1)), problem.message.removesuffix(code) + code)
            for problem in error.problems
        )
        _fail([f"{file}:{line}:{column}: {message.removeprefix(f'{file}: ')}" for (line, column), message in rows])
    except TheoryError as error:
        _fail([f"{file}:1:1: {error}"])
    except OSError as error:
        _fail([f"{error.filename or file}:1:1: {(error.strerror or str(error)).lower()}"])
    except (typer.Exit, typer.BadParameter):
        raise
    except Exception as error:
        # Whatever a map raises while it runs; its name is noted.
        named = re.match(r"in `(\w+)`", "\n".join(getattr(error, "__notes__", ())))
        line, column = places.get(named[1] if named else "", (1, 1))
        at = f"`{named[1]}`: " if named else ""
        _fail([f"{file}:{line}:{column}: {at}{type(error).__name__}: {error}{whence(error)}"])


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
        str,
        typer.Option(
            metavar="laws|goals|all",
            help="Premises: the laws, the goals (as if they held), or both.",
            callback=_one_of("laws", "goals", "all"),
        ),
    ] = "all",
    max_seconds: Annotated[
        float, typer.Option(metavar="S", min=0.0, help="How long to try; it may only turn an answer into unknown.")
    ] = 10.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Decides a morphism equation. Exit code 0: proved, 3: refuted, 4: not decided."""
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
    out: Annotated[
        str | None,
        typer.Option("-o", "--out", metavar="OUT", help="Ends in .svg, .png, .pdf, .tex, .dot, .mmd or .html."),
    ] = None,
    quiver: Annotated[bool, typer.Option("--quiver", help="Print a link that opens it in q.uiver.app.")] = False,
) -> None:
    """Draws a diagram, in the form that OUT's ending says, or as a link of quiver."""
    if out is None and not quiver:
        raise typer.BadParameter("a file is wanted, or --quiver for a link", param_hint="-o")
    diagram = _load(file)
    if out is not None:
        with _reporting(out):
            diagram.draw(out)
    if quiver:
        from learningdiagrams.drawing.quiver import quiver as quiver_link

        with _reporting(file, diagram):
            link = quiver_link(diagram)
        typer.echo(link.url)
        for line in link.said:
            typer.echo(f"{file}: {line}", err=True)


@app.command(name="compile")
def compile_(
    file: File,
    backend: Annotated[
        str | None,
        typer.Option(
            "--backend",
            metavar="torch|jax|sympy",
            help="Compile there; without it on torch, where every map is realised.",
            callback=_one_of("torch", "jax", "sympy"),
        ),
    ] = None,
    show: Annotated[
        str,
        typer.Option(metavar="plan|loss|latex", help="What to print.", callback=_one_of("plan", "loss", "latex")),
    ] = "plan",
    prune: Annotated[
        str | None,
        typer.Option(
            metavar="derivable",
            help="Leave out goals that follow from the others, and print which with the plan.",
            callback=_one_of("derivable"),
        ),
    ] = None,
    use_laws: Annotated[
        bool,
        typer.Option("--use-laws", help="Rewrite goals by laws that mention no trained map, where steps get fewer."),
    ] = False,
    trust: Annotated[bool, typer.Option("--trust", help="Import and run code that the file names.")] = False,
) -> None:
    """Prints what a diagram compiles to, and compiles it where all of its maps are realised."""
    from learningdiagrams.compiled import asked_rewriting, unrealised
    from learningdiagrams.formulas import loss_latex, loss_text
    from learningdiagrams.plan import make_plan
    from learningdiagrams.pruning import pruning_asked
    from learningdiagrams.symbolic import SymbolicCompiled

    diagram = _load(file, trust)
    with _reporting(file, diagram):
        pruning = pruning_asked(diagram, prune)
        rewriting = asked_rewriting(diagram, use_laws, pruning)
        plan = make_plan(diagram, diagram.goals.values(), rewriting=rewriting)
        missing = unrealised(diagram)
        if backend is not None or not missing:
            compiled = diagram.compile(backend or "torch", prune=prune, use_laws=use_laws)
        else:
            compiled = None
            diagram.check(max_seconds=0)
            named = ", ".join(f"`{name}`" for name in missing)
            typer.echo(f"{file}: compiled as far as can be: no realisation is given for {named}", err=True)
        if show == "plan":
            typer.echo(str(plan) or "there is nothing to compute: no goal is declared")
            if pruning is not None and diagram.goals:
                typer.echo(f"\n{pruning}")
        elif show == "latex" and isinstance(compiled, SymbolicCompiled):
            typer.echo(compiled.latex())
        else:
            shown = diagram if pruning is None else pruning.pruned()
            typer.echo(loss_text(shown) if show == "loss" else loss_latex(shown))


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
            callback=_one_of("sgd", "momentum", "adam", "adamw", "rmsprop"),
        ),
    ] = "adam",
    lr: Annotated[
        float | None,
        typer.Option(
            metavar="X",
            help="The learning rate; the optimizer's own unless given.",
            callback=_number("a number from 0 up", lambda x: 0 <= x < math.inf),
        ),
    ] = None,
    schedule: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Of the learning rate: onecycle, cosine or linear.",
            callback=_one_of("onecycle", "cosine", "linear"),
        ),
    ] = None,
    dtype: Annotated[
        str,
        typer.Option(metavar="float32|float64", help="Of numbers.", callback=_one_of("float32", "float64")),
    ] = "float32",
    seed: Annotated[int, typer.Option(metavar="N", help="Of first numbers, noise and the order of rows.")] = 0,
    validation: Annotated[
        float | None,
        typer.Option(
            metavar="F",
            help="The fraction of rows held out.",
            callback=_number("a fraction between 0 and 1", lambda x: 0 < x < 1),
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
    from learningdiagrams.compiled import sources
    from learningdiagrams.report import report_run

    diagram = _load(file, trust)
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
    with _reporting(file, diagram):
        made = partial(diagram.compile, backend, seed=seed, dtype=dtype, device=device)
        compiled, data = _all_of(made, partial(sources, diagram))
        history = compiled.fit(data, out=folder, resume=resume, **options)
        # What stays the same for all stages was a choice; `epochs` and `steps` are for those that name neither.
        settings = {name.replace("_", " "): value for name, value in options.items() if value is not None}
        report_run(compiled, history, folder, settings={**settings, "device": device})
    typer.echo(str(history))
    typer.echo(f"{folder}")
    if history.interrupted:
        _fail([f"{file}:1:1: interrupted after step {compiled.step}; --resume goes on from there"])


@app.command()
def convert(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="A .diagram file, a .json file (ours, Catlab's or the Pattern Language editor's), or a quiver link.",
        ),
    ],
    out: Annotated[str, typer.Option("-o", "--out", metavar="OUT", help=".diagram, .json, .catlab.json or .py")],
) -> None:
    """Writes a diagram in another form, which OUT's ending says."""
    from learningdiagrams.language.conversion import read_source
    from learningdiagrams.language.quiver_cells import FILE, is_link

    if is_link(source):
        link, source = source, FILE
    else:
        link = source
    with _reporting(source):
        diagram, said = read_source(link)
    for line in said:
        typer.echo(f"{source}: {line}", err=True)
    # What Catlab's schemas have not is said where the source declares it; all else is about the file that is written.
    with _reporting(source, diagram) if out.endswith(".catlab.json") else _reporting(out):
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


from learningdiagrams import cli_relations  # noqa: E402, F401  # `glue` and `relate`, which stand on what is above
from learningdiagrams.regimes.commands import app as regimes  # noqa: E402

app.add_typer(regimes)
