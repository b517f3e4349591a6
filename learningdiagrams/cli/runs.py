"""What commands take from the folder of a run, and leave there: numbers, edits that a run goes on from."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from learningdiagrams.diagram import Diagram
from learningdiagrams.errors import DiagramError

if TYPE_CHECKING:
    from learningdiagrams.compiled import Compiled
    from learningdiagrams.editing import Edited

__all__ = ["EDIT", "LEFT", "PARAMETERS", "UNDO", "Constants", "Rows", "constants", "going_on", "restored"]

PARAMETERS: Final = "parameters.safetensors"
EDIT: Final = "edit.json"
"""The edit that a run's diagram has gone through since its checkpoint was written."""
UNDO: Final = "undo.json"
LEFT: Final = "left.safetensors"
"""Numbers of the diagram before an edit that have no place in the one after it."""

Rows = Annotated[int, typer.Option("--rows", metavar="N", min=1, help="How many rows bounds and gradients look at.")]
Constants = Annotated[
    str,
    typer.Option(
        metavar="NAME=X,…", help="Lipschitz constants of maps that are known; others are estimated on the rows."
    ),
]


def constants(words: str) -> dict[str, float]:
    """What `--lipschitz` says."""
    found: dict[str, float] = {}
    for word in filter(None, (word.strip() for word in words.split(","))):
        name, _, number = (part.strip() for part in word.partition("="))
        try:
            found[name] = float(number)
        except ValueError:
            found[name] = math.nan
        if not name or not math.isfinite(found[name]):
            raise typer.BadParameter(
                f"it is NAME=X, separated by commas, with numbers X; not {word!r}", param_hint="--lipschitz"
            )
    return found


def restored(diagram: Diagram, folder: Path, trained: str | None = None) -> Compiled:
    """A diagram compiled as it was trained, with the numbers and the step that a run left in its folder.

    The backend, the kind of numbers and the seed are those of the run; `trained` is the diagram's text there, where
    that is another.

    Raises:
        DiagramError: there is no run; its numbers are those of other maps.
    """
    from learningdiagrams.training import checkpoints

    found, numbers = checkpoints.read(folder), folder / PARAMETERS
    if found is None and not numbers.is_file():
        raise DiagramError(
            f"{folder}: there is no run here, neither checkpoint.json nor {PARAMETERS}; "
            "learningdiagrams train FILE --out DIR makes one"
        )
    settings: dict[str, Any] = {} if found is None else found.facts["settings"]
    made: Any = diagram.compile(
        settings.get("backend", "torch"),
        dtype=settings.get("dtype", "float32"),
        seed=settings.get("seed", 0),
    )
    if found is not None:
        made.state.step = found.facts["step"]
    # After an edit the numbers of the diagram as it is now stand beside the checkpoint of the one before.
    if found is not None and (found.facts["diagram"] == (trained or str(diagram)) or not numbers.is_file()):
        checkpoints.check_numbers(made.maps, found.tensors, folder)
        checkpoints.load_numbers(made.maps, found.tensors)
    else:
        made.restore(numbers)
    return made


def going_on(diagram: Diagram, compiled: Compiled, folder: Path) -> bool | Edited:
    """How `fit` is to resume: from the checkpoint of this diagram, or over the edit that made it of another one.

    In the latter case the numbers that are new start as `edit` left them.
    """
    from learningdiagrams.editing import edit, loads_edit
    from learningdiagrams.language import loads
    from learningdiagrams.training import checkpoints

    found, path = checkpoints.read(folder), folder / EDIT
    if found is None or found.facts["diagram"] == str(diagram) or not path.is_file():
        return True
    edited = edit(loads(found.facts["diagram"], file=str(folder)), loads_edit(path.read_text(encoding="utf-8")))
    if str(edited.diagram) != str(diagram):
        raise DiagramError(f"{folder}: the run goes on with the diagram that its edit gave, and this one is another")
    compiled.restore(folder / PARAMETERS)
    return edited
