"""Checkpoints: tensors as safetensors, everything else as JSON; never a pickle. Written so that a crash at
any moment leaves a usable one.

A checkpoint is two files in a folder: `checkpoint.json`, and the tensors' file that it names. The tensors
are written first, then the JSON takes the place of the one before in one step; only then the older tensors
go.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from difflib import unified_diff
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from learningdiagrams.errors import DiagramError, suggestion

if TYPE_CHECKING:
    from learningdiagrams.backends.base import Maps, Parameters
    from learningdiagrams.editing.steps import Edited

__all__ = [
    "FORMAT",
    "Checkpoint",
    "check_numbers",
    "flatten",
    "load_numbers",
    "load_tensors",
    "numbers",
    "read",
    "restore_maps",
    "save_maps",
    "save_tensors",
    "unflatten",
    "write",
    "writing",
]

FORMAT = 1
NAME = "checkpoint.json"


@dataclass
class Checkpoint:
    """Where a run stood.

    Attributes:
        tensors: flat names (`parameters/student/0.weight`, `optimizer/…`) and their numbers.
        facts: everything that is no tensor: position, history, settings.
    """

    tensors: dict[str, np.ndarray] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)

    def check(self, diagram: str, settings: Mapping[str, Any], where: Path) -> None:
        """Refuses to go on from the checkpoint of another diagram or under settings that change the numbers.

        Raises:
            DiagramError: naming what differs.
        """
        found = self.facts["diagram"]
        if found != diagram:
            # Columns are aligned, so that one new word may move all the others.
            there, here = ([" ".join(line.split()) for line in text.splitlines()] for text in (found, diagram))
            lines = list(unified_diff(there, here, lineterm="", n=0))[2:]
            changes = [line for line in lines if line[0] in "+-"]
            raise DiagramError(
                f"{where}: the checkpoint is of another diagram, which differs in {'; '.join(changes[:4])}; "
                "train without resume, or into another folder"
            )
        for what, value in settings.items():
            before = self.facts["settings"].get(what)
            if before != value:
                raise DiagramError(
                    f"{where}: the checkpoint was made with {what} {before}, not {value}; go on with that, "
                    "or train without resume"
                )

    def carried(self, edited: Edited, maps: Maps) -> Checkpoint:
        """This checkpoint of the diagram before an edit as one of the diagram after it, compiled as `maps`.

        Parameters and buffers go over by name and shape along the edit; new ones are those of `maps`.
        `facts["origins"]` says of each parameter that went over which one it was, as `generator.parameter`,
        for the optimizer.
        """
        tensors = {key: value for key, value in self.tensors.items() if key.startswith(("optimizer/", "random/"))}
        origins: dict[str, str] = {}
        for kind in ("parameters", "buffers"):
            here, there = flatten(maps, kind, getattr(maps, kind)()), unflatten(kind, self.tensors)
            labels = {name: {key: (name, key) for key in table} for name, table in there.items()}
            for name, table in edited.carry(labels).items():
                for key, (old, old_key) in table.items():
                    place, value = f"{kind}/{name}/{key}", there[old][old_key]
                    if place in here and here[place].shape == value.shape:
                        here[place] = value
                        if kind == "parameters":
                            origins[f"{name}.{key}"] = f"{old}.{old_key}"
            tensors.update(here)
        return Checkpoint(tensors, {**self.facts, "diagram": str(edited.diagram), "origins": origins})


def flatten(maps: Maps, kind: str, values: Parameters) -> dict[str, np.ndarray]:
    """{generator: {name: array}} under flat names, `parameters/student/0.weight`."""
    return {
        f"{kind}/{generator}/{name}": np.asarray(maps.numpy(value))
        for generator, named in values.items()
        for name, value in named.items()
    }


def numbers(maps: Maps, of: Collection[str] | None = None) -> dict[str, np.ndarray]:
    """All parameters and buffers, or those of the maps named, under flat names."""
    parameters = flatten(maps, "parameters", maps.parameters(of))
    return {**parameters, **flatten(maps, "buffers", maps.buffers(of))}


def load_numbers(maps: Maps, tensors: Mapping[str, np.ndarray]) -> None:
    """Copies parameters and buffers in."""
    maps.load_parameters(unflatten("parameters", tensors))
    maps.load_buffers(unflatten("buffers", tensors))


def unflatten(kind: str, tensors: Mapping[str, np.ndarray]) -> dict[str, dict[str, np.ndarray]]:
    """{generator: {name: array}} again.

    >>> unflatten("parameters", {"parameters/student/0.weight": np.zeros(1)})
    {'student': {'0.weight': array([0.])}}
    """
    out: dict[str, dict[str, np.ndarray]] = {}
    for key, value in tensors.items():
        if key.startswith(f"{kind}/"):
            generator, name = key[len(kind) + 1 :].split("/", 1)
            out.setdefault(generator, {})[name] = value
    return out


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """A path to write to, which takes the place of `path` in one step once it is written and on the disk.

    Where the block fails, `path` stays what it was. It may be read by whoever may read files made by `open`.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        temporary.touch()
        mode = temporary.stat().st_mode
        yield temporary
        temporary.chmod(mode)  # safetensors makes files that nobody else may read
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write(folder: Path, checkpoint: Checkpoint) -> None:
    """Writes a checkpoint in place of the one that the folder holds."""
    folder.mkdir(parents=True, exist_ok=True)
    older = sorted(folder.glob("checkpoint-*.safetensors"))
    name = next(n for n in map("checkpoint-{}.safetensors".format, "ab") if folder / n != _current(folder))
    save_tensors(folder / name, checkpoint.tensors)
    facts = {"format": FORMAT, "tensors": name, **checkpoint.facts}
    with writing(folder / NAME) as part:
        part.write_text(json.dumps(facts, ensure_ascii=False, indent=1), encoding="utf-8")
    for path in older:
        if path != folder / name:
            path.unlink(missing_ok=True)


def _current(folder: Path) -> Path | None:
    """The tensors' file of the checkpoint that the folder holds."""
    try:
        return folder / json.loads((folder / NAME).read_text(encoding="utf-8"))["tensors"]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def read(folder: Path) -> Checkpoint | None:
    """The checkpoint in a folder, or None where there is none.

    Raises:
        DiagramError: one that cannot be read, or of a later version of this library.
    """
    path = folder / NAME
    if not path.is_file():
        return None
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        if facts.get("format") != FORMAT:
            raise DiagramError(
                f"{path}: the checkpoint has format {facts.get('format')}, this version reads {FORMAT}; "
                "train without resume"
            )
        tensors = load_tensors(folder / facts["tensors"])
    except (OSError, ValueError, KeyError, AttributeError) as error:
        if isinstance(error, DiagramError):
            raise
        raise DiagramError(f"{path}: the checkpoint cannot be read ({error}); train without resume") from error
    return Checkpoint(tensors, facts)


def save_maps(maps: Maps, path: str | Path) -> None:
    """Writes the parameters and buffers of every map to one safetensors file."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    save_tensors(path, numbers(maps))


def restore_maps(maps: Maps, path: str | Path) -> None:
    """Reads what :func:`save_maps` wrote, on this backend or another.

    Raises:
        DiagramError: no such file, one of something else, or one that lacks a parameter or holds another
            map's; a shape that differs. Nothing is loaded then.
    """
    tensors = load_tensors(Path(path))
    wrong = [key for key in tensors if not key.startswith(("parameters/", "buffers/"))]
    if wrong:
        raise DiagramError(f"{path}: `{wrong[0]}` is no parameter of a map; it is no file that `save` wrote")
    check_numbers(maps, tensors, path)
    load_numbers(maps, tensors)


def check_numbers(maps: Maps, tensors: Mapping[str, np.ndarray], path: str | Path) -> None:
    """Raises where the parameters and buffers of a file are not those of the maps, naming the first that is
    not.
    """
    for kind, held in (("parameters", maps.parameters()), ("buffers", maps.buffers())):
        here = {f"{generator}/{name}": value for generator, named in held.items() for name, value in named.items()}
        _compare(path, kind, here, tensors)


def _compare(path: str | Path, kind: str, here: Mapping[str, Any], tensors: Mapping[str, np.ndarray]) -> None:
    there = {key.removeprefix(f"{kind}/"): value for key, value in tensors.items() if key.startswith(f"{kind}/")}
    word = kind.removesuffix("s")
    for name in here:
        if name not in there:
            raise DiagramError(f"{path}: there is no {word} {name}{suggestion(name, there)}")
    for name, value in there.items():
        if name not in here:
            raise DiagramError(f"{path} holds a {word} {name}, which no map has{suggestion(name, here)}")
        if tuple(value.shape) != tuple(here[name].shape):
            raise DiagramError(
                f"{path}: the {word} {name} has shape {list(value.shape)} there and {list(here[name].shape)} here"
            )


def save_tensors(path: Path, tensors: Mapping[str, np.ndarray]) -> None:
    """Writes tensors by name to a safetensors file."""
    from safetensors.numpy import save_file

    with writing(path) as part:
        # safetensors stores memory as it lies: arrays that are views go in as copies in C order.
        save_file({key: np.array(value, order="C") for key, value in tensors.items()}, part)


def load_tensors(path: Path) -> dict[str, np.ndarray]:
    """The tensors of a safetensors file by name; raises DiagramError where it cannot be read."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return load_file(path)
    except FileNotFoundError:
        raise DiagramError(f"there is no file {path}") from None
    except (OSError, SafetensorError) as error:
        raise DiagramError(f"{path} cannot be read: {error}") from error
