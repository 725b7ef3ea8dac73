"""Letters made equal for all ways to write them: case, accents and apostrophes."""

import unicodedata

from cinematrix.common.text import drop_marks

LETTERS = str.maketrans(
    {"æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "¢": "c", "$": "s"}
    | dict.fromkeys("'’‘ʼ`´", "")
    | dict.fromkeys("&+", " and ")
)
"""Replacements of letters and signs in comparisons."""


def fold_letters(text: str) -> str:
    """Return a text without case, accents and apostrophes.

    >>> fold_letters("Agnès Varda"), fold_letters("Peter O’Toole"), fold_letters("Łódź")
    ('agnes varda', 'peter otoole', 'lodz')
    """
    if not text.isascii():
        text = drop_marks(unicodedata.normalize("NFKD", text))
    return text.casefold().translate(LETTERS)
