"""What `docs/theory.md` shows is what happens."""

from __future__ import annotations

import re
from pathlib import Path

from learningdiagrams.theory import Proof, Step, proj

PAGE = (Path(__file__).parents[2] / "docs" / "theory.md").read_text(encoding="utf-8")
PROGRAM, OUTPUT, BY_HAND = re.findall(r"```(?:python)?\n(.*?)```", PAGE, flags=re.DOTALL)


def test_the_example_prints_what_the_page_says(capsys):
    exec(PROGRAM, {})
    assert capsys.readouterr().out == OUTPUT


def test_the_proof_by_hand_is_accepted(capsys):
    names: dict = {"Proof": Proof, "Step": Step}
    exec(PROGRAM, names)
    P, S, V = (names[name] for name in "PSV")
    before = (proj(S * V, 0) & proj(S * V, 0) >> names["get"]) >> names["put"]
    names |= {"before": before, "after": proj(S * V, 0), "left": before, "right": proj(S * V, 0)}
    exec(BY_HAND, names)
    assert P.laws["GetPut"].name == "GetPut"
