"""Names that are different and look the same: `а` (Cyrillic) and `a` (Latin).

Only letters that most typefaces draw alike count; Greek α and Latin a can be told apart, and stand side by
side in mathematics. The letters are those of Unicode Technical Standard 39 (confusables) that Greek and
Cyrillic share with Latin.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

__all__ = ["foreign_letters", "lookalike", "skeleton"]

_GREEK = ("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧοϳ", "ABEZHIKMNOPTYXoj")
_CYRILLIC = ("АВЕЅІЈКМНОРСТУХҮԌԚԜаеѕіјорсухһԁԛԝ", "ABESIJKMHOPCTYXYGQWaesijopcyxhdqw")
_LATIN = str.maketrans(_GREEK[0] + _CYRILLIC[0], _GREEK[1] + _CYRILLIC[1])


def skeleton(name: str) -> str:
    """What a name looks like: NFKC-normalised, its Greek and Cyrillic look-alikes replaced by Latin letters.

    >>> skeleton("сорy"), skeleton("model"), skeleton("α")
    ('copy', 'model', 'α')
    """
    return name if name.isascii() else unicodedata.normalize("NFKC", name).translate(_LATIN)


def lookalike(name: str, names: Iterable[str]) -> str | None:
    """The first of `names` that looks like `name` and is another name; None where there is none.

    >>> lookalike("сору", ["paste", "copy"]), lookalike("copy", ["paste", "copy"])
    ('copy', None)
    """
    shape = skeleton(name)
    return next((other for other in names if other != name and skeleton(other) == shape), None)


def foreign_letters(name: str, other: str) -> str:
    """The first letter of two names that look alike which only looks Latin, in words.

    >>> foreign_letters("map", "mаp")
    'letter 2 of `mаp` is CYRILLIC SMALL LETTER A'
    """
    letters = ((word, i, letter) for word in (name, other) for i, letter in enumerate(word, 1))
    word, i, letter = next((word, i, letter) for word, i, letter in letters if skeleton(letter) != letter)
    return f"letter {i} of `{word}` is {unicodedata.name(letter)}"
