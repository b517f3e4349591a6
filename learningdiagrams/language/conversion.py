"""Diagrams to files and back, by the file's ending.

`.diagram` is the text form, `.json` the same as data, `.catlab.json` a schema that Catlab reads with that beside it,
`.py` a script.

>>> from pathlib import Path
>>> from tempfile import TemporaryDirectory
>>> from learningdiagrams.language import load, loads
>>> d = loads("object A\\nmap f : A -> A\\nlaw f >> f = f")
>>> with TemporaryDirectory() as folder:
...     for ending in (".diagram", ".json", ".catlab.json"):
...         save(d, Path(folder, "example" + ending))
...         print(load(Path(folder, "example" + ending)) == d)
True
True
True
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from learningdiagrams.diagram import Diagram
from learningdiagrams.errors import DiagramError, suggestion
from learningdiagrams.language import load
from learningdiagrams.language.catlab_form import write_catlab
from learningdiagrams.language.json_form import loads_json, write_json
from learningdiagrams.language.python_form import write_python
from learningdiagrams.language.writing import write

if TYPE_CHECKING:
    from learningdiagrams.language.quiver import Reading

__all__ = ["WRITERS", "load_json", "loads_json", "read_source", "save", "write_json", "write_python"]


def _write_text(diagram: Diagram) -> str:
    return write(diagram, exact=True)


WRITERS: Final[Mapping[str, Callable[[Diagram], str]]] = {
    ".diagram": _write_text,
    ".json": write_json,
    ".catlab.json": write_catlab,
    ".py": write_python,
}
"""What makes the text of a file, by the file's ending."""


def save(diagram: Diagram, path: str | Path) -> None:
    """Writes a diagram to a file: `.diagram`, `.json`, `.catlab.json`, or `.py`, a script that builds it.

    Raises :class:`DiagramError` where the ending is another one, or where a file cannot hold it:
    functions as comparators, expressions of millions of symbols, products for Catlab. Nothing is written
    before the whole text is there.
    """
    file = Path(path)
    ending = ".catlab.json" if file.name.endswith(".catlab.json") else file.suffix
    write_to = WRITERS.get(ending)
    if write_to is None:
        endings = ", ".join(WRITERS)
        raise DiagramError(f"{path}: a diagram is saved as {endings}{suggestion(file.suffix, WRITERS)}")
    text = write_to(diagram)
    file.write_text(text if text.endswith("\n") else text + "\n", encoding="utf-8", newline="\n")


def load_json(path: str | Path, *, trust: bool = False) -> Diagram:
    """The diagram in a file of the JSON form, whatever its ending; otherwise as `load`."""
    file = Path(path)
    text = file.read_bytes().decode("utf-8", errors="surrogateescape")
    return loads_json(text, file=str(path), directory=file.parent, trust=trust)


def read_source(source: str) -> Reading:
    """The diagram in a file or in a link of quiver, with a line for each thing in it that has no counterpart here.

    A `.json` file is ours, or what the Pattern Language editor saved: its content tells. Errors are as for `load`;
    those of a link are at `LINK:1:COLUMN`.

    >>> read_source("https://q.uiver.app/#q=WzAsMixbMCwwLCJBIl0sWzEsMCwiQiJdLFswLDEsImYiXV0=").diagram["f"]
    f
    """
    from learningdiagrams.language.patlang import is_patlang, loads_patlang
    from learningdiagrams.language.quiver import Reading, read_link
    from learningdiagrams.language.quiver_cells import is_link

    if is_link(source):
        return read_link(source)
    file = Path(source)
    if file.suffix == ".json":
        text = file.read_bytes().decode("utf-8", errors="surrogateescape")
        if is_patlang(text):
            return loads_patlang(text, file=source)
    return Reading(load(source), [])
