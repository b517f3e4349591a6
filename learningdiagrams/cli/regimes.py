"""The commands `learningdiagrams regimes list | show | run`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from learningdiagrams.cli.base import reporting
from learningdiagrams.regimes.base import Regime

__all__ = ["app"]

app = typer.Typer(
    name="regimes",
    help="The gallery: training setups of the literature on real data.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="A regime, as `regimes list` has it.")]
VariantName = Annotated[
    str | None, typer.Option("--variant", metavar="NAME", help="A variant of it, such as a control experiment.")
]


@app.command(name="list")
def list_() -> None:
    """Prints the regimes, a line each."""
    from learningdiagrams.regimes import NAMES, find

    width = max(map(len, NAMES))
    for name in NAMES:
        typer.echo(f"{name:<{width}}  {find(name).title}")


@app.command()
def show(
    name: Name,
    variant: VariantName = None,
    draw: Annotated[str | None, typer.Option(metavar="OUT", help="Write its picture too; the ending says how.")] = None,
) -> None:
    """Prints a regime: its diagram, its loss, what examining it finds, what it is to show and what it does not."""
    from learningdiagrams.formulas import loss_text
    from learningdiagrams.regimes import find

    with reporting("regimes"):
        regime = find(name)
        diagram = regime.diagram(variant)
        typer.echo(regime.text(variant).rstrip() + "\n")
        typer.echo(loss_text(diagram) + "\n")
        typer.echo(str(diagram.check()) + "\n")
        for line in _said(regime):
            typer.echo(line)
        if draw is not None:
            diagram.draw(draw)


def _said(regime: Regime) -> Iterator[str]:
    """What there is to say of a regime beside its diagram, line by line."""
    yield f"source: {regime.source}"
    yield f"claims: {regime.claim}"
    yield f"beware: {regime.caution}"
    for figure in regime.figures:
        hand = f"; by hand {' ± '.join(f'{x:g}' for x in figure.by_hand)}" if figure.by_hand else ""
        bound = f": {figure.bound}" if figure.bound else ""
        yield f"figure: {figure.words}{bound}{hand}"
    for variant in regime.variants:
        yield f"variant {variant.name}: {variant.words}"
        for before, after in variant.changes.items():
            yield f"    {'; '.join(before.splitlines())} → {'; '.join(after.splitlines()) or 'nothing'}"


@app.command()
def run(
    name: Name,
    backend: Annotated[str, typer.Option("--backend", metavar="torch|jax", help="Where to compute.")] = "torch",
    seeds: Annotated[int | None, typer.Option(min=1, help="How many seeds: 3, or 1 with --quick.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="A few steps only, to see that everything works.")] = False,
    variant: VariantName = None,
    out: Annotated[str | None, typer.Option(metavar="DIR", help="Where a report of the last seed goes.")] = None,
) -> None:
    """Trains and judges a regime; exit code 1 where a bound is missed."""
    from learningdiagrams.regimes import find, table
    from learningdiagrams.regimes import run as run_regime
    from learningdiagrams.regimes.sheets import write_sheet
    from learningdiagrams.report import report_run

    trials = []
    with reporting("regimes"):
        regime = find(name)
        result = run_regime(
            regime, backend, seeds or (1 if quick else 3), variant=variant, quick=quick, seen=trials.append
        )
    typer.echo(table(result))
    if variant is None:
        typer.echo(f"{regime.claim}\n{regime.caution}")
    else:
        typer.echo(f"{variant}: {regime.variant(variant).words}.")
    if out is not None:
        last = trials[-1]
        found = last.compiled.examine(last.split.train, max_seconds=5.0)
        typer.echo(str(report_run(last.compiled, last.history, Path(out), examination=found)))
        if regime.sheet is not None:
            typer.echo(str(write_sheet(regime.sheet(last.compiled, last.split), Path(out) / f"{regime.name}.png")))
    if result.missed:
        for line in result.missed:
            typer.echo(line, err=True)
        raise typer.Exit(1)
