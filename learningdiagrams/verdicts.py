"""A theory's verdict as people and programs read it on the command line."""

from __future__ import annotations

from typing import Any

from learningdiagrams.theory.deciding import Proved, Refuted, Verdict

__all__ = ["as_json", "as_text"]

WORDS = {True: "proved", False: "refuted", None: "unknown"}


def as_json(verdict: Verdict) -> dict[str, Any]:
    """The verdict as JSON values: `verdict`, `left`, `right`, `proof`, `witness`, `reason`."""
    return {
        "verdict": WORDS[verdict.holds],
        "left": str(verdict.left),
        "right": str(verdict.right),
        "proof": verdict.proof.to_json() if isinstance(verdict, Proved) else None,
        "witness": verdict.witness.to_json() if isinstance(verdict, Refuted) else None,
        "reason": None if isinstance(verdict, Proved | Refuted) else verdict.reason,
    }


def as_text(verdict: Verdict, hypothetical: bool = False) -> str:
    """The verdict with its proof, witness or reason; `hypothetical` says that goals were taken for equations."""
    lines = [f"{WORDS[verdict.holds]}: {verdict.left} = {verdict.right}"]
    if hypothetical:
        lines[0] += ", if each goal held as an equation"
    if isinstance(verdict, Proved):
        lines.append(str(verdict.proof))
    elif isinstance(verdict, Refuted):
        lines.append(str(verdict.witness))
    else:
        lines.append(verdict.reason)
    return "\n".join(lines)
