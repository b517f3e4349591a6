"""Runs the notebooks: `python notebooks/run.py [NAME…]` runs them whole and writes what they print into the files.

The tests run them through :func:`executed`, most of them with `quick`, which sets `QUICK = True` after the cell with
the tag `parameters`. What cells with the tags `stable` (texts) and `picture` put out does not hang on training: with
`--stable` they alone are written anew, which takes seconds.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, Final

import nbformat
from nbclient import NotebookClient
from traitlets.config import Config

FOLDER: Final = Path(__file__).resolve().parent
PARAMETERS: Final = "parameters"
STABLE: Final = "stable"
PICTURE: Final = "picture"
TIMEOUT: Final = 1800
"""Seconds that one cell may take."""


def notebooks() -> list[Path]:
    """The notebooks, by name."""
    return sorted(FOLDER.glob("*.ipynb"))


def load(path: Path) -> Any:
    """A notebook as it stands in its file."""
    return nbformat.read(path, as_version=4)


def tags(cell: Any) -> list[str]:
    """The tags of a cell."""
    return cell.metadata.get("tags", [])


def code_cells(notebook: Any) -> Iterator[Any]:
    """The cells that are run, in order."""
    return (cell for cell in notebook.cells if cell.cell_type == "code")


def executed(notebook: Any, quick: bool = False) -> Any:
    """A copy of a notebook, run from top to bottom in a kernel of its own, with what its cells put out.

    Raises:
        CellExecutionError: the first cell that fails, with its traceback.
    """
    made = deepcopy(notebook)
    for cell in code_cells(made):
        cell.outputs, cell.execution_count = [], None
        if quick and PARAMETERS in tags(cell):
            cell.source += "\nQUICK = True"
    with TemporaryDirectory() as folder:
        client = NotebookClient(made, timeout=TIMEOUT, record_timing=False, resources={"metadata": {"path": folder}})
        client.extra_arguments = ["--InteractiveShell.colors=nocolor"]  # tracebacks that are read as text
        if os.name == "posix":
            # Sockets that are files: a kernel needs no network, and no port that somebody else may take meanwhile.
            client.config = Config(KernelManager={"transport": "ipc", "ip": f"{folder}/kernel"})
        client.execute()
    for cell, as_written in zip(made.cells, notebook.cells, strict=True):
        cell.source = as_written.source
        for output in cell.get("outputs", ()):
            if "image/png" in output.get("data", ()):
                output.data.pop("image/jpeg", None)  # Pillow puts out the same picture twice
    made.metadata = deepcopy(notebook.metadata)
    return made


def renewed(notebook: Any) -> Any:
    """A copy of a notebook, in which the cells that do not hang on training have what they put out now."""
    made, quick = deepcopy(notebook), executed(notebook, quick=True)
    for cell, again in zip(code_cells(made), code_cells(quick), strict=True):
        if {STABLE, PICTURE} & set(tags(cell)):
            cell.outputs = again.outputs
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description="Runs notebooks whole, and writes what they put out into the files.")
    parser.add_argument("names", nargs="*", help="of notebooks, without .ipynb; all where none is given")
    parser.add_argument("--stable", action="store_true", help="only what does not hang on training")
    given = parser.parse_args()
    wanted = given.names
    there = {path.stem: path for path in notebooks()}
    if unknown := [name for name in wanted if name not in there]:
        parser.error(f"there is no notebook {', '.join(unknown)}; there are {', '.join(there)}")
    for name in wanted or there:
        started = perf_counter()
        run = renewed if given.stable else executed
        nbformat.write(run(load(there[name])), there[name])
        print(f"{name}: {perf_counter() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()
