"""The command `edit`: a diagram changed, and a run of it carried over."""

from __future__ import annotations

from difflib import ndiff
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from learningdiagrams.cli.base import File, app, loaded, reporting
from learningdiagrams.cli.runs import EDIT, LEFT, PARAMETERS, UNDO, restored
from learningdiagrams.diagram import Diagram
from learningdiagrams.errors import DiagramError

if TYPE_CHECKING:
    from learningdiagrams.editing import Edit, Edited
    from learningdiagrams.training.checkpoints import Checkpoint

__all__ = ["edit"]


@app.command()
def edit(
    file: File,
    edits: Annotated[
        str,
        typer.Argument(
            metavar="EDITS",
            help="A file of edits, a call after the other or as JSON; or one itself, such as 'freeze(\"backbone\")'.",
        ),
    ],
    out: Annotated[str, typer.Option("-o", "--out", metavar="OUT", help=".diagram, .json or .py")],
    undo: Annotated[
        str | None, typer.Option(metavar="UNDO", help="Write the edits that take these back; .txt, or .json.")
    ] = None,
    run: Annotated[
        str | None, typer.Option("--run", metavar="DIR", help="A run of FILE, whose numbers are carried over.")
    ] = None,
    to: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="Where the run of OUT goes on from; runs/NAME of OUT unless given."),
    ] = None,
    numbers: Annotated[
        str | None,
        typer.Option(metavar="LEFT", help="Numbers to start from, such as the left.safetensors of an edit taken back."),
    ] = None,
    trust: Annotated[bool, typer.Option("--trust", help="Import and run code that the file names.")] = False,
) -> None:
    """Edits a diagram: adds, removes, replaces, ties, freezes, and more. Nothing that is given is changed.

    With a run, its numbers and the state of its optimizer go over: learningdiagrams train OUT --out DIR --resume goes
    on.
    """
    from learningdiagrams.editing import edit as done

    for name, value in (("--to", to), ("--numbers", numbers)):
        if value is not None and run is None:
            raise typer.BadParameter("it says what becomes of a run; say which, --run DIR", param_hint=name)
    given = _read(edits)
    before = loaded(file, trust)
    target = Path(to) if to is not None else Path("runs") / Path(out).name.partition(".")[0]
    with reporting(file, before):
        here = _from(before, Path(out).parent)
        if run is None:
            made = done(here, given)
        else:
            _free(target, Path(run))
            compiled = restored(here, Path(run), str(before))
            made = done(compiled, given, numbers=None if numbers is None else _numbers(Path(numbers)))
            found, given = _carried(made, before, Path(run), given)
        back = made.undo
    with reporting(out, made.diagram):
        made.diagram.save(out)
    if undo is not None:
        with reporting(undo):
            _write(Path(undo), back)
    if run is not None:
        with reporting(str(target)):
            _leave(made, target, found, given, back)
    for line in _told(made):
        typer.echo(line)
    typer.echo(out)
    if run is not None:
        typer.echo(f"{target}")


def _read(words: str) -> Edit:
    """The edits in a file, or that the words themselves are."""
    from learningdiagrams.editing import read_edits

    path = Path(words)
    if "(" in words and not path.exists():
        with reporting("EDITS"):
            return read_edits(words, "EDITS")
    with reporting(words):
        return read_edits(path.read_text(encoding="utf-8"), words)


def _from(diagram: Diagram, folder: Path) -> Diagram:
    """The diagram with relative paths that start from another folder."""
    from learningdiagrams.editing.parts import Changes, copied
    from learningdiagrams.gluing.notes import carried_spec

    specs = {
        name: carried_spec(spec, name, name, str, diagram.directory, folder) for name, spec in diagram.specs.items()
    }
    if specs == dict(diagram.specs):
        return diagram
    made = copied(diagram, Changes(specs=specs))
    made.directory = folder
    return made


def _free(target: Path, run: Path) -> None:
    from learningdiagrams.training import checkpoints

    if target.resolve() == run.resolve():
        raise DiagramError(f"{target}: the run that is carried over stays as it is; say another folder, --to DIR")
    if checkpoints.read(target) is not None:
        raise DiagramError(f"{target}: there is a run here already; say another folder, --to DIR")


def _carried(made: Edited, before: Diagram, run: Path, given: Edit) -> tuple[Checkpoint | None, Edit]:
    """The checkpoint that the run of the edited diagram goes on from, and the edits that lead there from its diagram.

    A run that was edited and has not been trained since has the checkpoint of the diagram before that, so that edits
    add up.
    """
    from learningdiagrams.editing import edit as done
    from learningdiagrams.editing import loads_edit
    from learningdiagrams.language import loads
    from learningdiagrams.training import checkpoints

    found = checkpoints.read(run)
    if found is None:
        return None, given
    facts = {key: value for key, value in found.facts.items() if key not in ("format", "tensors")}
    if facts["diagram"] == str(before):
        return checkpoints.Checkpoint(found.tensors, {**facts, "diagram": str(made.before)}), given
    if not (run / EDIT).is_file():
        found.check(str(before), {}, run)
    earlier = loads_edit((run / EDIT).read_text(encoding="utf-8"))
    if str(done(loads(facts["diagram"], file=str(run)), earlier).diagram) != str(made.before):
        raise DiagramError(
            f"{run}: it was edited and not trained since, and not to what is edited here; train it first"
        )
    return checkpoints.Checkpoint(found.tensors, facts), earlier >> given


def _leave(made: Edited, target: Path, found: Checkpoint | None, given: Edit, back: Edit) -> None:
    """What the run of the edited diagram goes on from, in its folder."""
    from learningdiagrams.training import checkpoints

    target.mkdir(parents=True, exist_ok=True)
    if found is not None:
        checkpoints.write(target, found)
    made.compiled.save(target / PARAMETERS)
    _write(target / EDIT, given)
    _write(target / UNDO, back)
    numpy = made.compiled.maps.numpy
    left = {f"{name}/{key}": numpy(value) for name, table in made.left.items() for key, value in table.items()}
    if left:
        checkpoints.save_tensors(target / LEFT, left)


def _numbers(path: Path) -> dict[str, dict[str, Any]]:
    from learningdiagrams.training import checkpoints

    return checkpoints.unflatten(
        "left", {f"left/{key}": value for key, value in checkpoints.load_tensors(path).items()}
    )


def _write(path: Path, edits: Edit) -> None:
    from learningdiagrams.editing import dumps_edit, write_edits

    if path.suffix not in (".txt", ".json"):
        raise DiagramError(f"{path}: edits are written to a file that ends in .txt or .json")
    text = write_edits(edits) if path.suffix == ".txt" else dumps_edit(edits) + "\n"
    path.write_text(text, encoding="utf-8", newline="\n")


def _told(made: Edited) -> list[str]:
    """The declarations that changed, and what became of the numbers."""
    from learningdiagrams.editing.parts import lines_of

    before, after = (list(lines_of(d).values()) for d in (made.before, made.diagram))
    changed = [line.rstrip() for line in ndiff(before, after) if line[0] in "+-"]
    return [*(changed or ["nothing changed"]), *(line.strip() for line in str(made).splitlines()[1:])]
