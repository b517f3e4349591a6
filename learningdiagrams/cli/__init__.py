"""The command line `learningdiagrams`: `check`, `prove`, `draw`, `compile`, `train`, `examine`, `edit`, `convert`,
`demo`, `fmt`, `glue`, `relate` and `regimes`.

Exit codes: 0 done (for `prove`: proved); 1 the input is wrong, or the work failed; 2 wrong usage; 3 refuted; 4 not
decided within the limits. Each error is one line on standard error, `FILE:LINE:COLUMN: what is wrong, and what would be
right`; those of usage are the command line library's own.
"""

import sys

from learningdiagrams.cli import diagrams, editing, examining, formatting, relations, training
from learningdiagrams.cli.base import app
from learningdiagrams.cli.regimes import app as regimes

__all__ = ["app", "diagrams", "editing", "examining", "formatting", "main", "regimes", "relations", "training"]

app.add_typer(regimes)


def main() -> None:
    """Runs the command line."""
    # What is printed has arrows and Greek letters; a terminal of another encoding gets stand-ins, not a crash.
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
    app()
