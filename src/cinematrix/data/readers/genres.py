"""Genres in text: with bars, semicolons, commas or slashes between them, or as a JSON or Python list."""

import ast
import json
from collections.abc import Iterable, Sequence
from typing import Any

NO_GENRES = {"", "(no genres listed)", "unknown", "\\N", "nan", "NaN", "None", "N/A"}
"""Values in place of genres that mean none."""

SEPARATORS = ("|", ";", ",", "/")
"""Separators of genres; a column has the first of them that it contains."""


def split_genres(texts: Sequence[str | None], separator: str = "") -> list[list[str]]:
    """Return the genres of each text of a column; `separator` overrides the one told by the column."""
    plain = [text for text in texts if text and not _is_literal(text) and text not in NO_GENRES]
    separator = separator or next((each for each in SEPARATORS if any(each in text for text in plain)), "|")
    return [_clean(_names(text) if _is_literal(text) else text.split(separator)) for text in (t or "" for t in texts)]


def _is_literal(text: str) -> bool:
    return text.lstrip()[:1] in ("[", "{")


def _names(text: str) -> list[str]:
    """Return the names in a JSON or Python list of names, or of objects with a name; else the parts of the text."""
    for parse in (json.loads, ast.literal_eval):
        try:
            return list(_texts(parse(text.strip())))
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            continue
    return text.strip(" []{}").split(",")


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        name = value.get("name", value.get("Name"))
        yield from [str(name)] if name is not None else [str(each) for each in value.values()]
    else:
        for each in value:
            yield from _texts(each)


def _clean(names: Iterable[str]) -> list[str]:
    return [name for part in names if (name := part.strip().strip("'\"")) not in NO_GENRES]
