"""Backends: the only place that imports torch, jax or sympy, each when it is first asked for."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from learningdiagrams.errors import DiagramError, suggestion

if TYPE_CHECKING:
    from learningdiagrams.backends.base import Backend
    from learningdiagrams.backends.sympy import SympyBackend

__all__ = ["BACKENDS", "backend", "symbolic"]

BACKENDS: Final = {
    "torch": ("learningdiagrams.backends.torch", "TorchBackend", "learningdiagrams[torch]"),
    "jax": ("learningdiagrams.backends.jax", "JaxBackend", "learningdiagrams[jax]"),
}
"""Backends by name: module, class, and what to install for it."""


def backend(which: str | Backend) -> Backend:
    """The backend of this name; a backend is itself, so that a stranger's needs no registration.

    Raises:
        DiagramError: there is none of that name, or what it needs is not installed.
    """
    if not isinstance(which, str):
        return which
    if which not in BACKENDS:
        names = [*BACKENDS, "sympy"]
        raise DiagramError(f"there is no backend `{which}`{suggestion(which, names)}; backends are {', '.join(names)}")
    return _loaded(which, *BACKENDS[which])


def symbolic() -> SympyBackend:
    """The backend SymPy, which computes expressions and not arrays.

    Raises:
        DiagramError: SymPy is not installed.
    """
    return _loaded("sympy", "learningdiagrams.backends.sympy", "SympyBackend", "learningdiagrams[symbolic]")


def _loaded(which: str, module: str, name: str, extra: str) -> Any:
    try:
        return getattr(import_module(module), name)()
    except ModuleNotFoundError as error:
        raise DiagramError(
            f"the backend {which} needs {error.name}, which is not installed; `pip install '{extra}'` brings it"
        ) from error
