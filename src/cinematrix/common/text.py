"""Parsing and folding of short texts, and tables as text."""

import unicodedata
from collections.abc import Sequence
from ipaddress import ip_network
from typing import Any

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
    return unicodedata.normalize("NFC", drop_marks(unicodedata.normalize("NFKD", text.casefold())))


def drop_marks(text: str) -> str:
    """Return a text in a decomposed form of Unicode without the marks that combine with letters."""
    return "".join(c for c in text if not unicodedata.combining(c))


def parse_network(text: str) -> str:
    """Return an address or network in its usual form.

    Raises:
        SettingError: it is neither.
    """
    try:
        return str(ip_network(text))
    except ValueError as error:
        raise SettingError(f"{text!r} isn't an IP address or network ({error}); write 10.0.0.0/8 or ::1") from error


def count_of(n: int, noun: str) -> str:
    """Return a number with its noun, which has an `s` unless there is one: `1 user`, `1,200 users`."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def text_table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Format a table as text; columns whose name ends in `#` are aligned to the right."""
    cells = [[name.removesuffix("#") for name in columns], *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[place]) for row in cells) for place in range(len(columns))]
    lines = [
        "  ".join(
            cell.rjust(width) if name.endswith("#") else cell.ljust(width)
            for cell, width, name in zip(row, widths, columns, strict=True)
        ).rstrip()
        for row in cells
    ]
    return "\n".join(lines)
