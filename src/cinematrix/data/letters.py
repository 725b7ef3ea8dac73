"""Letters made equal for all ways to write them: case, accents and apostrophes."""

import unicodedata

LETTERS = str.maketrans(
    {"æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "¢": "c", "$": "s"}
    | dict.fromkeys("'’‘ʼ`´", "")
    | dict.fromkeys("&+", " and ")
)
"""What stands for a letter or sign in comparisons."""


def fold_letters(text: str) -> str:
    """Return a text without case, accents and apostrophes.

    >>> fold_letters("Agnès Varda"), fold_letters("Peter O’Toole"), fold_letters("Łódź")
    ('agnes varda', 'peter otoole', 'lodz')
    """
    if not text.isascii():
        text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return text.casefold().translate(LETTERS)
