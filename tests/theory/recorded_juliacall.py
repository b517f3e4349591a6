"""A stand-in for juliacall that answers from a record; it knows no Julia and no Catlab.

`tests/data/catlab/calls.jl` has the calls that were made to a real Catlab. A text is answered when each statement of
it, or the body of a function, stands there verbatim; anything else raises :class:`NotRecorded`, which nothing in the
library catches. What passes with it shows which calls are sent and what becomes of the answers, and says nothing
about Catlab: that is what the tests marked `julia` are for.
"""

from __future__ import annotations

import re
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

CALLS = (Path(__file__).parent.parent / "data" / "catlab" / "calls.jl").read_text(encoding="utf-8")


def recorded() -> list[str]:
    """The statements in the record, without comments; `;` parts statements where it stands outside brackets."""
    found = []
    for line in CALLS.splitlines():
        depth, statement = 0, ""
        for letter in line.split("#")[0]:
            depth += (letter in "([") - (letter in ")]")
            if letter == ";" and not depth:
                found.append(statement.strip())
                statement = ""
            else:
                statement += letter
        found.append(statement.strip())
    return [statement for statement in found if statement]


class NotRecorded(BaseException):
    """A call that nobody has made to a real Catlab and noted down."""


class JuliaError(Exception):
    """What juliacall calls the errors of Julia."""


class Handle(NamedTuple):
    """A value that stays in Julia: the statement that made it."""

    made_by: str


# What a real Catlab said of the presentation of the first lines of the record.
ANSWERS = {"is_free(C)": False}


class RecordedModule:
    """A module of Julia; `sent` are the texts that it was given."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.sent: list[str] = []
        self._calls = recorded()

    def seval(self, text: str) -> Any:
        self.sent.append(text)
        if text.startswith("let\n") and text.endswith("\nend"):
            *statements, result = (line.strip() for line in text.splitlines()[1:-1])
            made = {statement.split(" = ")[0]: Handle(self._known(statement)) for statement in statements}
            return made[result]
        if function := re.fullmatch(r"\(?(?:\w|, )+\)? -> (.+)", text):
            call = self._known(function[1])
            return lambda *values: ANSWERS.get(call, Handle(call))
        self._known(text)
        return None

    def _known(self, statement: str) -> str:
        # `C = FinCat(P)` is a record of `FinCat(P)` as well.
        if not any(statement == call or call.endswith(f" = {statement}") for call in self._calls):
            raise NotRecorded(statement)
        return statement

    def __getattr__(self, name: str) -> Any:
        raise NotRecorded(name)


class RecordedJuliacall(ModuleType):
    """The module that `import juliacall` gives while a test has put it there; `modules` are those made of it."""

    JuliaError = JuliaError

    def __init__(self) -> None:
        super().__init__("juliacall")
        self.__spec__ = ModuleSpec("juliacall", None)
        self.modules: list[RecordedModule] = []

    def newmodule(self, name: str) -> RecordedModule:
        self.modules.append(RecordedModule(name))
        return self.modules[-1]
