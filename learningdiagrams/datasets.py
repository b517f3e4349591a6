"""Data that a diagram names: `data pixels : Sample -> Image = npz("digits.npz", "images")`.

Nothing is run and nothing fetched: NumPy files are read without pickles, tables as text, and scikit-learn's
data sets are those that come inside the package.
"""

from __future__ import annotations

import csv as tables
import zipfile
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from learningdiagrams.errors import About, DiagramError, suggestion
from learningdiagrams.specs import Data, csv, npy, npz, sklearn

if TYPE_CHECKING:
    from learningdiagrams.declarations import Space
    from learningdiagrams.diagram import Diagram

__all__ = ["load_sources"]


def load_sources(diagram: Diagram) -> dict[str, np.ndarray]:
    """The values of the data generators that say where they come from; paths are relative to the diagram's
    file.

    >>> from learningdiagrams.diagram import Diagram
    >>> d = Diagram()
    >>> S, X = d.objects("S", "X")
    >>> x = d.data("x", S, X, 'csv("nowhere.csv", "height")')
    >>> load_sources(d)
    Traceback (most recent call last):
    learningdiagrams.errors.DiagramError: `x`: there is no file nowhere.csv

    Raises:
        DiagramError: files, keys, columns and data sets that are not there or cannot be read, naming their
            generators: all in one error.
    """
    found: dict[str, np.ndarray] = {}
    problems: list[About] = []
    for name, spec in diagram.specs.items():
        if diagram.roles[name] == "data" and isinstance(spec, Data):
            try:
                found[name] = _load(diagram, name, spec)
            except DiagramError as error:
                problems.append(About(str(error), name))
    if problems:
        raise DiagramError.of(problems)
    return found


def _load(diagram: Diagram, name: str, spec: Data) -> np.ndarray:
    what, cod = f"`{name}`", diagram.generators[name].cod
    if len(cod.factors) != 1:
        raise DiagramError(f"{what}: {spec} is one array, but {cod} is a product; give its values as a tuple")
    if isinstance(spec, sklearn):
        return _from_sklearn(what, spec)
    assert isinstance(spec, npz | npy | csv)
    path = (diagram.directory or Path()) / spec.path
    if not path.is_file():
        nearby = [p.name for p in path.parent.glob("*")] if path.parent.is_dir() else []
        raise DiagramError(f"{what}: there is no file {path}{suggestion(path.name, nearby)}")
    if isinstance(spec, csv):
        return _from_table(what, spec, path, diagram.spaces[cod.name])
    value = _read(what, path, partial(_from_archive if isinstance(spec, npz) else _alone, what, spec))
    if not value.ndim:
        raise DiagramError(f"{what}: {path} holds a single number; its first axis is to count the rows")
    return value


def _read(what: str, path: Path, then: Any) -> np.ndarray:
    """What `then` makes of a NumPy file."""
    try:
        with path.open("rb") as file:  # np.load itself would leave a broken archive open
            return then(np.load(file, allow_pickle=False))
    except DiagramError:
        raise
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        reason = "it holds Python objects" if "allow_pickle" in str(error) else "it is no file that NumPy saved"
        raise DiagramError(f"{what}: {path} cannot be read: {reason}") from error


def _alone(what: str, spec: npy, loaded: Any) -> np.ndarray:
    if isinstance(loaded, np.lib.npyio.NpzFile):
        keys = ", ".join(loaded.files)
        right = f'write npz("{spec.path}", "{loaded.files[0]}")'
        raise DiagramError(f"{what}: {spec.path} holds several arrays, {keys}; {right}")
    return loaded


def _from_archive(what: str, spec: npz, loaded: Any) -> np.ndarray:
    if not isinstance(loaded, np.lib.npyio.NpzFile):
        raise DiagramError(f'{what}: {spec.path} holds one array and no keys; write npy("{spec.path}")')
    if spec.key not in loaded:
        close = suggestion(spec.key, loaded.files) or f"; there are {', '.join(loaded.files)}"
        raise DiagramError(f'{what}: there is no array "{spec.key}" in {spec.path}{close}')
    return loaded[spec.key]


def _from_table(what: str, spec: csv, path: Path, space: Space) -> np.ndarray:
    """Columns of a table. Whole numbers stay whole numbers in a single column (class numbers), unless a
    number without axis is declared, and in objects declared `int`."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        lines = list(tables.reader(file))
    if len(lines) < 2:
        raise DiagramError(f"{what}: {path} is to hold a heading and a row at least")
    heading = [word.strip() for word in lines[0]]
    for column in spec.columns:
        if column not in heading:
            close = suggestion(column, heading) or f"; there are {', '.join(heading)}"
            raise DiagramError(f'{what}: there is no column "{column}" in {spec.path}{close}')
    places = [heading.index(column) for column in spec.columns] or range(len(heading))
    rows = [(number, line) for number, line in enumerate(lines[1:], start=2) if line]
    values = np.array([_numbers(f"{what}: {path}:{n}", line, heading, places) for n, line in rows])
    whole = bool(np.all(values == np.floor(values))) and bool(np.all(np.abs(values) < 2**53))
    if len(places) == 1:
        values = values[:, 0]
        keep = space.dtype == "int" or (space.dtype == "float" and space.shape != ())
    else:
        keep = space.dtype == "int"
    if space.dtype == "bool" and bool(np.isin(values, (0, 1)).all()):
        return values.astype(bool)
    return values.astype(np.int64) if whole and keep else values


def _numbers(where: str, line: list[str], heading: list[str], places: Any) -> list[float]:
    if len(line) != len(heading):
        raise DiagramError(f"{where}: the row has {len(line)} cells, the heading {len(heading)}")
    out = []
    for place in places:
        try:
            out.append(float(line[place]))
        except ValueError:
            raise DiagramError(f'{where}: "{line[place]}" in column "{heading[place]}" is no number') from None
    return out


def _from_sklearn(what: str, spec: sklearn) -> np.ndarray:
    try:
        datasets = import_module("sklearn.datasets")
    except ModuleNotFoundError as error:
        raise DiagramError(
            f"{what}: {spec} needs scikit-learn; `pip install 'learningdiagrams[regimes]'` brings it"
        ) from error
    return np.asarray(getattr(datasets, f"load_{spec.dataset}")()[spec.field])
