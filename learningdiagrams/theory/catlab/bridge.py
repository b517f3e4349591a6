"""The running Julia, with Catlab: started when it is first needed, once, and asked through juliacall."""

from __future__ import annotations

import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from learningdiagrams.theory.errors import TheoryError

__all__ = ["Bridge", "CatlabError", "bridge"]

MISSING: Final = "Catlab needs juliacall and Julia: pip install 'learningdiagrams[catlab]'"
BROKEN: Final = (
    "Julia with Catlab could not be started ({error}): install Julia 1.11 or newer from https://julialang.org, and "
    "juliacall and PythonCall.jl of one version"
)


class CatlabError(TheoryError):
    """Julia is missing or would not start, or Catlab raised; the text is Julia's own."""


class Bridge:
    """The Julia that this process runs, with Catlab loaded in a module of its own."""

    def __init__(self, juliacall: Any) -> None:
        self._julia_error: type[Exception] = juliacall.JuliaError
        self.module: Any = juliacall.newmodule("LearningDiagrams")
        self._functions: dict[str, Any] = {}
        self._exports = False
        self.run("using Catlab, ACSets, GATlab")

    def run(self, program: str) -> Any:
        """The value of a program; :class:`CatlabError` with Julia's text where it raises."""
        return self._guarded(self.module.seval, program)

    def ask(self, function: str, *values: Any) -> Any:
        """The value of a Julia function, such as "F -> is_functorial(F)", at values of the running Julia."""
        if function not in self._functions:
            self._functions[function] = self.run(function)
        return self._guarded(self._functions[function], *values)

    def export(self, function: str, *values: Any) -> Any:
        """The value of one of the functions in `catlab.jl`, which write what goes back to Python as JSON."""
        if not self._exports:
            self.run(Path(__file__).with_name("catlab.jl").read_text(encoding="utf-8"))
            self._exports = True
        return self._guarded(getattr(self.module, function), *values)

    def _guarded(self, function: Any, *values: Any) -> Any:
        try:
            return function(*values)
        except (self._julia_error, TypeError) as error:
            # juliacall raises TypeError where the function called has no method for the values.
            text = str(error).split("\nStacktrace:")[0].removeprefix("Julia: ").strip()
            raise CatlabError(f"Julia: {text}") from error


@cache
def bridge() -> Bridge:
    """The running Julia, started at the first call; :class:`CatlabError` where there is none."""
    if find_spec("juliacall") is None:
        raise CatlabError(MISSING)
    print("starting Julia with Catlab; the first start installs and compiles them, for minutes", file=sys.stderr)
    try:
        import juliacall  # pyright: ignore[reportMissingImports]

        return Bridge(juliacall)
    except Exception as error:  # whatever finding, installing and starting Julia may raise
        raise CatlabError(BROKEN.format(error=" ".join(str(error).split()))) from error
