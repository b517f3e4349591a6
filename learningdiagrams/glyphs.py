"""Pictures of letters in twelve faces, drawn from the DejaVu fonts that come with matplotlib.

A letter in another face is the same letter: real pairs, real names and real families of shapes, without a download.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np

from learningdiagrams.errors import DiagramError

__all__ = ["FACES", "SCRIPTS", "SIDE", "Glyphs", "glyphs"]

FACES: Final = tuple(
    f"DejaVu{family}{style}"
    for family, slanted in (("Sans", "Oblique"), ("SansMono", "Oblique"), ("Serif", "Italic"))
    for style in ("", "-Bold", f"-{slanted}", f"-Bold{slanted}")
)
SCRIPTS: Final = ("LATIN", "GREEK", "CYRILLIC", "ARMENIAN", "GEORGIAN")
"""What the names of the letters begin with."""
SIDE: Final = 28
"""Height and width of a picture."""
_SIZE: Final = 20
"""Of the letters, in pixels for one em."""
_BASELINE: Final = 21
"""The row on which all letters stand."""


@dataclass(frozen=True, eq=False)
class Glyphs:
    """Letters that all faces have, each with a picture of its own in each.

    Attributes:
        faces: names of fonts.
        letters: the characters, in the order of Unicode.
        pictures: (faces, letters, 28, 28), ink in [0, 1]; read only.
    """

    faces: tuple[str, ...]
    letters: tuple[str, ...]
    pictures: np.ndarray

    @property
    def names(self) -> tuple[str, ...]:
        """Unicode's names, such as LATIN SMALL LETTER A WITH ACUTE."""
        return tuple(map(unicodedata.name, self.letters))

    @property
    def scripts(self) -> tuple[str, ...]:
        """The first word of each name: LATIN, GREEK …"""
        return tuple(name.split()[0] for name in self.names)

    def face(self, name: str) -> np.ndarray:
        """All pictures in one face, (letters, 28, 28)."""
        return self.pictures[self.faces.index(name)]


def _of_a_script(letter: str) -> bool:
    return unicodedata.category(letter).startswith("L") and unicodedata.name(letter).split()[0] in SCRIPTS


@lru_cache(maxsize=1)
def glyphs() -> Glyphs:
    """The letters of five scripts that the twelve faces have; of those that look alike in some face, the first only.

    >>> found = glyphs()
    >>> found.pictures.shape, found.letters[:3], found.names[0]
    ((12, 1236, 28, 28), ('A', 'B', 'C'), 'LATIN CAPITAL LETTER A')
    """
    try:
        import matplotlib
        from matplotlib.ft2font import FT2Font
        from PIL import Image, ImageDraw, ImageFont
    except ModuleNotFoundError as error:
        raise DiagramError(
            f"glyphs are drawn by Pillow from matplotlib's fonts, and {error.name} is missing; "
            "`pip install 'learningdiagrams[regimes]'` brings them"
        ) from error
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    paths = [folder / f"{face}.ttf" for face in FACES]
    common = set.intersection(*(set(FT2Font(str(path)).get_charmap()) for path in paths))
    letters = [letter for letter in map(chr, sorted(common)) if _of_a_script(letter)]
    pictures = np.zeros((len(FACES), len(letters), SIDE, SIDE), np.uint8)
    for path, page in zip(paths, pictures, strict=True):
        font = ImageFont.truetype(str(path), _SIZE)
        for letter, picture in zip(letters, page, strict=True):
            image = Image.new("L", (SIDE, SIDE))
            ImageDraw.Draw(image).text((SIDE // 2, _BASELINE), letter, fill=255, font=font, anchor="ms")
            picture[:] = np.asarray(image)
    kept = np.ones(len(letters), bool)
    for page in pictures:
        _, first, group = np.unique(page.reshape(len(letters), -1), axis=0, return_index=True, return_inverse=True)
        kept &= first[group.reshape(-1)] == np.arange(len(letters))
    chosen = (pictures[:, kept] / np.float32(255)).astype(np.float32)
    chosen.setflags(write=False)
    return Glyphs(FACES, tuple(letter for letter, keep in zip(letters, kept, strict=True) if keep), chosen)
