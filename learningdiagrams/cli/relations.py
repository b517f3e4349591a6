"""The commands that relate diagrams: `glue` and `relate`.

Exit codes of `relate`: 0 there is at least one interpretation, 3 there is none, 4 not decided within the limits.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from learningdiagrams.cli.base import REFUTED, UNDECIDED, app, fail, loaded, reporting
from learningdiagrams.cli.runs import Constants, Rows, constants, restored
from learningdiagrams.tables import plain_json

if TYPE_CHECKING:
    from learningdiagrams.carried import Carried
    from learningdiagrams.containment import Order
    from learningdiagrams.gluing import Gluing
    from learningdiagrams.interpretation import Interpretation
    from learningdiagrams.interpretation.search import Found

__all__ = ["glue", "relate"]

First = Annotated[str, typer.Argument(metavar="A", help="A .diagram file, or our .json form of one.")]
Second = Annotated[str, typer.Argument(metavar="B", help="Another one.")]


@app.command()
def glue(
    first: First,
    second: Second,
    share: Annotated[
        str,
        typer.Option(
            metavar="NAME,NAME=OTHER,…",
            help="Objects, generators, goals and measures of A that are those of B, by the same or by another name; "
            "sharing a goal shares its generators, sharing a generator its ends.",
        ),
    ],
    out: Annotated[str, typer.Option("-o", "--out", metavar="OUT", help=".diagram, .json or .py")],
) -> None:
    """Glues two diagrams along the objects and generators that they share: their pushout."""
    from learningdiagrams.gluing import glue as glued

    pairs = _pairs(share)
    left, right = loaded(first), loaded(second)
    with reporting(first, left):
        made = glued(left, right, pairs, directory=Path(out).parent)
    with reporting(out, made.diagram):
        made.diagram.save(out)
    for line in _renamings(made, (first, second)):
        typer.echo(line)
    typer.echo(out)


def _pairs(share: str) -> dict[str, str]:
    """What `--share` says, as names of A -> names of B."""
    found: dict[str, str] = {}
    for word in filter(None, (word.strip() for word in share.split(","))):
        mine, equals, theirs = (part.strip() for part in word.partition("="))
        if not mine or (equals and not theirs) or "=" in theirs:
            raise typer.BadParameter(
                f"it is NAME or NAME=OTHER, separated by commas, not {word!r}", param_hint="--share"
            )
        if found.setdefault(mine, theirs or mine) != (theirs or mine):
            raise typer.BadParameter(
                f"{mine} is given twice, as {found[mine]} and as {theirs or mine}", param_hint="--share"
            )
    return found


def _renamings(made: Gluing, files: tuple[str, str]) -> list[str]:
    """What gluing did that cannot be seen in either part: new names, new equations."""
    lines = []
    for leg, file in zip(made.legs, files, strict=True):
        images = {name: str(image) for table in (leg.objects, leg.morphisms) for name, image in table.items()}
        changed = [f"{name} is {image}" for name, image in {**images, **leg.goals}.items() if name != image]
        if changed:
            lines.append(f"{file}: {', '.join(changed)}")
    for leg, left, right, proof in made.collapses:
        file = files[made.legs.index(leg)]  # type: ignore[arg-type]  # one of the legs
        laws = ", ".join(dict.fromkeys(step.law for step in proof.steps))
        lines.append(
            f"{file}: {left} = {right} holds in the whole" + (f" by {laws}" if laws else "") + ", not in the part"
        )
    return lines


@app.command()
def relate(
    first: Annotated[str, typer.Argument(metavar="A", help="A .diagram file, or our .json form of one; or a folder.")],
    second: Annotated[str | None, typer.Argument(metavar="[B]", help="Another one; none with a folder.")] = None,
    max_length: Annotated[
        int, typer.Option(metavar="N", min=0, help="The most generators that the image of a generator applies.")
    ] = 2,
    distinct: Annotated[
        bool, typer.Option("--distinct", help="Two sample objects go to two, and two generators have two images.")
    ] = False,
    max_seconds: Annotated[
        float | None,
        typer.Option(
            help="How long to search, 10 unless given (of a folder for each pair, 2); it may only turn an answer into "
            "not decided."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
    run: Annotated[
        str | None,
        typer.Option("--run", metavar="DIR", help="A run of B: how far its numbers are from what A asks, with bounds."),
    ] = None,
    lipschitz: Constants = "",
    rows: Rows = 1024,
    trust: Annotated[bool, typer.Option("--trust", help="With a run: import and run code that B names.")] = False,
    out: Annotated[
        str | None, typer.Option("-o", "--out", metavar="OUT", help="Of a folder: draws the order, by OUT's ending.")
    ] = None,
) -> None:
    """Finds workflow A inside workflow B: the interpretations of A in B, with proofs. Exit code 0: there is one, 3:
    there is none, 4: not decided.

    With a run of B: what each law and goal of A, read in B, is off there, and the bound on it from its proof.

    Of a folder: which of its .diagram files is found in which, as a table and with -o as a picture.
    """
    given = constants(lipschitz)
    if run is None and (given or trust):
        raise typer.BadParameter("it is about the numbers of a run; say which, --run DIR", param_hint="--lipschitz")
    if Path(first).is_dir():
        if run is not None:
            raise typer.BadParameter("it is a run of the second of two diagrams, not of a folder", param_hint="--run")
        if second is not None:
            raise typer.BadParameter("with a folder there is no second diagram", param_hint="B")
        if distinct:
            raise typer.BadParameter("it is asked of two diagrams, not of a folder", param_hint="--distinct")
        _relate_all(Path(first), max_length, 2.0 if max_seconds is None else max_seconds, as_json, out)
        return
    if second is None:
        raise typer.BadParameter(f"{first} is no folder; name the diagram to find it in", param_hint="B")
    if out is not None:
        raise typer.BadParameter("it draws the order of a folder; of two diagrams there is none", param_hint="-o")
    from learningdiagrams.compiled import sources
    from learningdiagrams.interpretation.search import interpretations

    max_seconds = 10.0 if max_seconds is None else max_seconds
    source, target = loaded(first), loaded(second, trust)
    with reporting(first, source):
        found = interpretations(source, target, max_length, distinct=distinct, max_seconds=max_seconds)
    bounds: list[Carried] = []
    if run is not None:
        with reporting(second, target):
            compiled = restored(target, Path(run))
            data = sources(target)
            bounds = [i.bounds(compiled, data, lipschitz=given or None, rows=rows) for i in found]
    typer.echo(plain_json(_as_json(found, bounds)) if as_json else _as_text(found, bounds))
    if not found:
        raise typer.Exit(REFUTED if found.complete else UNDECIDED)


def _relate_all(folder: Path, max_length: int, max_seconds: float, as_json: bool, out: str | None) -> None:
    """The order of the diagrams in a folder. Exit code 0: some is found in another, 3: none is, 4: not decided."""
    from learningdiagrams.containment import order

    files = sorted(folder.glob("*.diagram"))
    if len(files) < 2:
        fail([f"{folder}:1:1: a folder with two .diagram files or more is wanted; it has {len(files)}"])
    diagrams = {file.stem: loaded(str(file)) for file in files}
    with reporting(str(folder)):
        found = order(diagrams, max_length, max_seconds)
    if out is not None:
        with reporting(out):
            found.draw(out)
    typer.echo(json.dumps(_order_json(found), ensure_ascii=False) if as_json else str(found))
    if not found.interpretations:
        raise typer.Exit(UNDECIDED if found.undecided else REFUTED)


def _order_json(found: Order) -> dict[str, Any]:
    """The order as JSON values."""
    names = list(found.diagrams)
    return {
        "diagrams": names,
        "max_length": found.max_length,
        "found_in": {one: [other for other in names if other != one and found[one, other]] for one in names},
        "undecided": [list(pair) for pair in found.undecided],
        "same": [list(group) for group in found.same],
        "covers": [list(pair) for pair in found.covers],
    }


def _as_json(found: Found, bounds: Sequence[Carried] = ()) -> dict[str, Any]:
    """The interpretations as JSON values; those with one number at `symmetry` differ by a symmetry of A or of B."""
    numbers = _symmetries(found)
    told = [{"bounds": one.to_json()} for one in bounds] or [{}] * len(found)
    return {
        "source": found.source.name,
        "target": found.target.name,
        "max_length": found.max_length,
        "complete": found.complete,
        "reason": found.reason or None,
        "interpretations": [
            {
                "objects": {name: str(image) for name, image in i.objects.items()},
                "morphisms": {name: str(image) for name, image in i.morphisms.items()},
                "proofs": {name: [proof.to_json() for proof in proofs] for name, proofs in i.proofs().items()},
                "symmetry": numbers[i],
                **more,
            }
            for i, more in zip(found, told, strict=True)
        ],
    }


def _symmetries(found: Found) -> dict[Interpretation, int]:
    return {i: number for number, group in enumerate(found.up_to_symmetry(), 1) for i in group}


def _as_text(found: Found, bounds: Sequence[Carried] = ()) -> str:
    between = f"{found.source.name} in {found.target.name}, images of at most {found.max_length} generators"
    if not found:
        verdict = "there is none" if found.complete else "none was found"
        return f"{verdict}: {between}" + ("" if found.complete else f"\n{found.reason}")
    numbers = _symmetries(found)
    count = len(set(numbers.values()))
    symmetric = "" if count == len(found) else f"; {count} up to symmetry"
    lines = [f"{len(found)} interpretation{'s' * (len(found) != 1)} of {between}{symmetric}"]
    if not found.complete:
        lines.append(f"these may not be all: {found.reason}")
    for place, i in enumerate(found, 1):
        lines += ["", f"{place}." + (f" (symmetry class {numbers[i]})" if symmetric else "")]
        table = [*i.objects.items(), *i.morphisms.items()]
        width = max((len(name) for name, _ in table), default=0)
        lines += [f"  {name:<{width}} |-> {image}" for name, image in table]
        for name, proofs in i.proofs().items():
            for proof in proofs:
                first, *rest = str(proof).splitlines()
                lines += [f"  {name}: {first}", *("  " + line for line in rest)]
        if bounds:
            lines += [f"  {line}".rstrip() for line in str(bounds[place - 1]).splitlines()]
    return "\n".join(lines)
