"""docs/training.md: its examples run and print what it says, and it names every option of `fit` and every layer."""

from __future__ import annotations

import doctest
import inspect
import re
from pathlib import Path

import pytest

from learningdiagrams.layers import LAYERS
from learningdiagrams.training import fit

PAGE = Path(__file__).resolve().parent.parent / "docs" / "training.md"


def test_sessions_run():
    pytest.importorskip("torch")
    result = doctest.testfile(str(PAGE), module_relative=False)
    assert result.attempted >= 15 and result.failed == 0


def test_every_option_of_fit_is_named():
    handed_on = {"maps", "diagram", "state", "seed", "rewriting", "passes"}
    options = set(inspect.signature(fit).parameters) - handed_on
    assert [option for option in sorted(options) if f"`{option}`" not in PAGE.read_text(encoding="utf-8")] == []


def test_every_layer_that_it_names_is_there():
    text = PAGE.read_text(encoding="utf-8").split("The layers are ")[1].split(". `help")[0]
    named = re.findall(r"`(\w+)`", text)
    assert len(named) > 15 and [name for name in named if name not in LAYERS] == []
