"""Parsing and folding of short texts."""

import unicodedata

from cinematrix.errors import SettingError


def parse_pairs(text: str, message: str) -> list[tuple[str, str]]:
    """Parse `a=b,c=d` into pairs, without spaces around names and values.

    Raises:
        SettingError: with `message`; a part isn't NAME=VALUE, or one of the two is blank.
    """
    parts = [part.partition("=") for part in text.split(",")]
    pairs = [(name.strip(), value.strip()) for name, _, value in parts]
    if not all(name and value for name, value in pairs):
        raise SettingError(message)
    return pairs


def without_accents(text: str) -> str:
    """Return a text in lower case without accents."""
    letters = (c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    return unicodedata.normalize("NFC", "".join(letters))
