"""Code that a diagram names: imported and called only by who trusts it."""

from __future__ import annotations

import sys
import traceback
from importlib import import_module, invalidate_caches
from importlib.machinery import PathFinder
from inspect import isclass, isfunction
from pathlib import Path
from site import getsitepackages
from sysconfig import get_paths
from typing import Any

from learningdiagrams.errors import DiagramError
from learningdiagrams.specs import Code

__all__ = ["run_code", "whence"]


def run_code(code: Code, generator: str, directory: Path | None, trusted: bool) -> Any:
    """What named code gives: the object of that name, called with the options where it is a class or a function.

    Modules are looked up beside the diagram's file first.

    Raises:
        DiagramError: not trusted, naming the code; no such module or name; or what the code raised, in one line.
    """
    if not trusted:
        raise DiagramError(
            f"`{generator}` runs code: {code}; --trust (in Python ld.load(path, trust=True)) allows importing it",
            about=generator,
        )
    module_name, _, path = code.target.partition(":")
    folder = None if directory is None else str(directory)
    if folder is not None:
        sys.path.insert(0, folder)
        _make_way(module_name.partition(".")[0], folder)
    try:
        found: Any = import_module(module_name)
        for attribute in path.split("."):
            found = getattr(found, attribute)
        return found(**code.options) if isclass(found) or isfunction(found) or code.options else found
    except ModuleNotFoundError as error:
        raise DiagramError(f"`{generator}`: {code}: there is no module `{error.name}` here", about=generator) from error
    except AttributeError as error:
        raise DiagramError(f"`{generator}`: {code}: {error}", about=generator) from error
    except Exception as error:
        said = f"{type(error).__name__}: {error}{whence(error)}"
        raise DiagramError(f"`{generator}`: {code}: {said}", about=generator) from error
    finally:
        if folder is not None:
            sys.path.remove(folder)


def whence(error: Exception) -> str:
    """The last line of anybody's own code that an error came through: what a diagram names may raise anything."""
    ours = (str(Path(__file__).parent), *getsitepackages(), get_paths()["stdlib"])
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if not frame.filename.startswith((*ours, "<")):
            return f" ({frame.filename}, line {frame.lineno})"
    return ""


def _make_way(name: str, folder: str) -> None:
    """Forgets a module of this name that was imported from beside another diagram, where the folder has its own.

    Two diagrams in two folders may each say `models:Net`, and Python looks up by name alone what it has imported.
    What anybody else could import now, a library above all, is never forgotten.
    """
    invalidate_caches()  # files that were written a moment ago are noticed only when Python is told to look again
    own, known = PathFinder.find_spec(name, [folder]), sys.modules.get(name)
    if own is None or own.origin is None or known is None:
        return
    origin = getattr(known.__spec__, "origin", None)
    elsewhere = PathFinder.find_spec(name, [entry for entry in sys.path if entry != folder])
    if origin != own.origin and (elsewhere is None or elsewhere.origin != origin):
        for module in [key for key in sys.modules if key == name or key.startswith(f"{name}.")]:
            del sys.modules[module]
