"""What the commands stand on: the application, options that several have, and errors as lines with places."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Final, NoReturn

import typer

from learningdiagrams.code import whence
from learningdiagrams.diagram import Diagram
from learningdiagrams.errors import About, DiagramError, suggestion
from learningdiagrams.language import LanguageError, load
from learningdiagrams.theory.errors import TheoryError

__all__ = [
    "REFUTED",
    "UNDECIDED",
    "BackendName",
    "File",
    "all_of",
    "app",
    "fail",
    "loaded",
    "number",
    "one_of",
    "reporting",
]

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


def one_of(*names: str) -> Callable[[str | None], str | None]:
    """A check that an option's value is one of these names."""

    def check(value: str | None) -> str | None:
        if value is None or value in names:
            return value
        close = suggestion(value, names)
        known = " or ".join([*filter(None, [", ".join(names[:-1])]), names[-1]])
        raise typer.BadParameter(f"there is no `{value}`{close}; it is {known}")

    return check


def number(words: str, fits: Callable[[float], bool]) -> Callable[[float | None], float | None]:
    """A check that an option's value is a number that fits."""

    def check(value: float | None) -> float | None:
        if value is None or fits(value):
            return value
        raise typer.BadParameter(f"it is {words}, not {value:g}")

    return check


BackendName = Annotated[
    str,
    typer.Option("--backend", metavar="torch|jax", help="Where to compute.", callback=one_of("torch", "jax")),
]


def all_of(*actions: Callable[[], Any]) -> list[Any]:
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


def fail(lines: list[str]) -> NoReturn:
    for line in lines:
        typer.echo(" ".join(line.splitlines()), err=True)
    raise typer.Exit(1)


@contextmanager
def reporting(file: str, diagram: Diagram | None = None) -> Iterator[None]:
    """Turns errors into lines with places: a problem is where the declaration that it is about stands."""
    places = {} if diagram is None else diagram.places
    try:
        yield
    except LanguageError as error:
        fail([str(problem) for problem in error.errors])
    except DiagramError as error:
        code = whence(error.__cause__) if isinstance(error.__cause__, Exception) else ""
        rows = sorted(
            (places.get(problem.name or "", (1, 1)), problem.message.removesuffix(code) + code)
            for problem in error.problems
        )
        fail([f"{file}:{line}:{column}: {message.removeprefix(f'{file}: ')}" for (line, column), message in rows])
    except TheoryError as error:
        fail([f"{file}:1:1: {error}"])
    except OSError as error:
        fail([f"{error.filename or file}:1:1: {(error.strerror or str(error)).lower()}"])
    except (typer.Exit, typer.BadParameter):
        raise
    except Exception as error:
        # Whatever a map raises while it runs; its name is noted.
        named = re.match(r"in `(\w+)`", "\n".join(getattr(error, "__notes__", ())))
        line, column = places.get(named[1] if named else "", (1, 1))
        at = f"`{named[1]}`: " if named else ""
        fail([f"{file}:{line}:{column}: {at}{type(error).__name__}: {error}{whence(error)}"])


def loaded(file: str, trust: bool = False) -> Diagram:
    with reporting(file):
        return load(file, trust=trust)
