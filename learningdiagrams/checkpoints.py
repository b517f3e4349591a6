"""Checkpoints: tensors as safetensors, everything else as JSON; never a pickle. Written so that a crash at any moment
leaves a usable one.

A checkpoint is two files in a folder: `checkpoint.json`, and the tensors' file that it names. The tensors are written
first, then the JSON takes the place of the one before in one step; only then the older tensors go.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from difflib import unified_diff
from pathlib import Path
from typing import Any

import numpy as np

from learningdiagrams.errors import DiagramError

__all__ = ["FORMAT", "Checkpoint", "flatten", "read", "unflatten", "write", "writing"]

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
            lines = unified_diff(found.splitlines(), diagram.splitlines(), lineterm="", n=0)
            changes = [" ".join(line.split()) for line in lines if line[:3] not in ("---", "+++") and line[0] in "+-"]
            raise DiagramError(
                f"{where}: the checkpoint is of another diagram; it differs in: {'; '.join(changes[:4])}. Train without "
                "resume, or into another folder"
            )
        for what, value in settings.items():
            before = self.facts["settings"].get(what)
            if before != value:
                raise DiagramError(
                    f"{where}: the checkpoint was made with {what} {before}, not {value}; go on with {what} {before}, or "
                    "train without resume"
                )


def flatten(kind: str, values: Mapping[str, Mapping[str, Any]]) -> dict[str, np.ndarray]:
    """{generator: {name: array}} as flat names.

    >>> list(flatten("parameters", {"student": {"0.weight": np.zeros(2)}}))
    ['parameters/student/0.weight']
    """
    return {
        f"{kind}/{generator}/{name}": np.asarray(value)
        for generator, named in values.items()
        for name, value in named.items()
    }


def unflatten(kind: str, tensors: Mapping[str, np.ndarray]) -> dict[str, dict[str, np.ndarray]]:
    """{generator: {name: array}} again."""
    out: dict[str, dict[str, np.ndarray]] = {}
    for key, value in tensors.items():
        if key.startswith(f"{kind}/"):
            generator, name = key[len(kind) + 1 :].split("/", 1)
            out.setdefault(generator, {})[name] = value
    return out


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """A path to write to, which takes the place of `path` in one step once it is written and on the disk.

    Where the block fails, `path` stays what it was.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write(folder: Path, checkpoint: Checkpoint) -> None:
    """Writes a checkpoint in place of the one that the folder holds."""
    from safetensors.numpy import save_file

    folder.mkdir(parents=True, exist_ok=True)
    older = sorted(folder.glob("checkpoint-*.safetensors"))
    name = next(n for n in map("checkpoint-{}.safetensors".format, "ab") if folder / n != _current(folder))
    with writing(folder / name) as part:
        # safetensors stores memory as it lies: arrays that are views go in as copies in C order.
        save_file({key: np.array(value, order="C") for key, value in checkpoint.tensors.items()}, part)
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
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    path = folder / NAME
    if not path.is_file():
        return None
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        if facts.get("format") != FORMAT:
            raise DiagramError(
                f"{path}: the checkpoint has format {facts.get('format')}, this version reads {FORMAT}; train without "
                "resume"
            )
        tensors = load_file(folder / facts["tensors"])
    except (OSError, ValueError, KeyError, AttributeError, SafetensorError) as error:
        if isinstance(error, DiagramError):
            raise
        raise DiagramError(f"{path}: the checkpoint cannot be read ({error}); train without resume") from error
    return Checkpoint(tensors, facts)
