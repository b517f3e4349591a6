"""The command `fmt`: the text of diagrams laid out, their comments kept."""

from __future__ import annotations

import sys
from itertools import zip_longest
from pathlib import Path
from typing import Annotated, Final

import typer

from learningdiagrams.cli.base import app, fail
from learningdiagrams.language import LanguageError
from learningdiagrams.language.formatting import layout

STANDARD: Final = "-"


@app.command()
def fmt(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE…", help=".diagram files; - reads standard input and writes its text.")
    ],
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit code 1 where a file would be laid out differently.")
    ] = False,
) -> None:
    """Lays out the text of diagrams: columns and blanks; words, comments and their order stay."""
    wrong: list[str] = []
    for file in files:
        try:
            wrong += _lay_out(file, check)
        except LanguageError as error:
            wrong += map(str, error.errors)
        except OSError as error:
            wrong.append(f"{file}:1:1: {(error.strerror or str(error)).lower()}")
    if wrong:
        fail(wrong)


def _lay_out(file: str, check: bool) -> list[str]:
    """Lays out a file; with `check`, says instead where it is not. Writes only where something changes."""
    if file != STANDARD and Path(file).suffix != ".diagram":
        return [f"{file}:1:1: only a text that ends in .diagram is laid out"]
    given = sys.stdin.buffer.read() if file == STANDARD else Path(file).read_bytes()
    # Bytes that do not decode become lone surrogates, which are then found with their places.
    laid = layout(given.decode("utf-8", errors="surrogateescape"), "<stdin>" if file == STANDARD else file)
    made = laid.encode()
    if check:
        if made == given:
            return []
        line = _first_difference(given, made)
        return [f"{file}:{line}:1: its layout is another; learningdiagrams fmt {file} mends it"]
    if file == STANDARD:
        typer.echo(laid, nl=False)
    elif made != given:
        Path(file).write_bytes(made)
        typer.echo(file)
    return []


def _first_difference(given: bytes, made: bytes) -> int:
    """The number of the first line that is not as it would be."""
    both = zip_longest(given.split(b"\n"), made.split(b"\n"))
    return next(number for number, (old, new) in enumerate(both, 1) if old != new)
