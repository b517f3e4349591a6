"""Sheets of pictures with words under them."""

from pathlib import Path

import numpy as np
import pytest

from learningdiagrams import regimes
from learningdiagrams.regimes.sheets import Sheet, wrapped, write_sheet

pytest.importorskip("PIL")
pytest.importorskip("matplotlib")


def test_what_is_wrong_is_red(tmp_path: Path):
    from PIL import Image

    pictures = np.zeros((3, 8, 8))
    pictures[0] = 1
    path = write_sheet(Sheet(pictures, ["A", "B", "C"], [True, False, True], columns=2, cell=100), tmp_path / "s.png")
    page = np.asarray(Image.open(path).convert("RGB")).astype(int)
    assert page.shape[1] == 212 and (page[12:96, 14:98] == 0).all()
    red = (page[..., 0] - page[..., 1]) > 100
    assert red[:, 106:].any() and not red[:, :106].any()


def test_words_that_do_not_fit_have_a_line_of_their_own():
    assert wrapped("one incomprehensibilities two", 9) == ["one", "incomprehensibilities", "two"]


def test_the_manipulator_draws_five_digits_in_eleven_forms():
    pytest.importorskip("torch")
    regime = regimes.find("manipulator")
    split, draw = regime.data(0), regime.sheet
    assert draw is not None
    sheet = draw(regime.diagram().compile("torch", seed=0), split)
    assert sheet.pictures.shape == (55, 8, 8) and sheet.columns == 11
    assert sheet.words[::11] == ["given"] * 5 and all(sheet.right[::11])
    said = list(zip(sheet.words, sheet.right, strict=True))
    assert all(right is (word == str(i % 11 - 1)) for i, (word, right) in enumerate(said) if i % 11)
