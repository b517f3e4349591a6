"""Diagrams to files and back, by the file's ending: `.diagram` (text), `.json` (data), `.py` (a script).

>>> from pathlib import Path
>>> from tempfile import TemporaryDirectory
>>> from learningdiagrams.language import load, loads
>>> d = loads("object A\\nmap f : A -> A\\nlaw f >> f = f")
>>> with TemporaryDirectory() as folder:
...     for ending in (".diagram", ".json"):
...         save(d, Path(folder, "example" + ending))
...         print(load(Path(folder, "example" + ending)) == d)
True
True
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from learningdiagrams.diagram import Diagram
from learningdiagrams.errors import DiagramError, suggestion
from learningdiagrams.language.json_form import loads_json, write_json
from learningdiagrams.language.python_form import write_python
from learningdiagrams.language.writing import write

__all__ = ["WRITERS", "load_json", "loads_json", "save", "write_json", "write_python"]


def _write_text(diagram: Diagram) -> str:
    return write(diagram, exact=True)


WRITERS: Final[Mapping[str, Callable[[Diagram], str]]] = {
    ".diagram": _write_text,
    ".json": write_json,
    ".py": write_python,
}
"""What makes the text of a file, by the file's ending."""


def save(diagram: Diagram, path: str | Path) -> None:
    """Writes a diagram to a file: `.diagram`, `.json`, or `.py`, a script that builds it.

    Raises :class:`DiagramError` where the ending is another one, or where a file cannot hold it:
    functions as comparators, expressions of millions of symbols. Nothing is written
    before the whole text is there.
    """
    file = Path(path)
    write_to = WRITERS.get(file.suffix)
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
