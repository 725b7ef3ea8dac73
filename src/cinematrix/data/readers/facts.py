"""Facts in a table of movies: running time, languages, original title, people, and certification.

A table may have any of these columns. A value that isn't understood counts as missing, and the report counts it.
"""

import json
import re
import unicodedata
from collections.abc import Iterable
from typing import Any

import polars as pl

from cinematrix.data.certifications import read_certification, says_no_age
from cinematrix.data.readers.genres import split_genres
from cinematrix.data.readers.languages import language_code
from cinematrix.data.schema import FACTS

FACT_ALIASES = {
    "runtime": ("runtime", "runtimeminutes", "runtimemins", "runningtime", "duration", "minutes", "laufzeit", "durée"),
    "languages": ("language", "languages", "originallanguage", "spokenlanguages", "sprache", "langue", "idioma"),
    "original_title": ("originaltitle", "originaltitel", "titreoriginal"),
    "directors": ("director", "directors", "directedby", "regie", "réalisateur"),
    "cast": ("cast", "actors", "starring", "topcast"),
    "certification": ("certification", "certificate", "contentrating", "mpaa", "mpaarating", "fsk"),
}
"""Plain names of columns that are recognised for each fact; the first in this order is taken."""

MISSING = {"", "\\n", "nan", "none", "null", "n/a", "na", "-", "unknown"}
"""Values, in lower case, that mean that there is none."""

MAX_MINUTES, MAX_TEXT, MAX_NAMES = 9_999, 200, 20
"""Maximum running time, characters of a name, and names of a movie's list."""

_HOURS = re.compile(
    r"(?:pt)?(\d{1,3}) ?(?:h|hrs?\.?|hours?|std\.?|:) ?(?:(\d{1,2}) ?(?:m|min\.?|mins|minutes)?)?(?::\d\d)?", re.ASCII
)
_MINUTES = re.compile(r"(?:pt)?(\d{1,4})(?:\.\d+)? ?(?:m|min\.?|mins|minutes?|minuten|'|′)?", re.ASCII)


def read_facts(frame: pl.DataFrame) -> tuple[dict[str, pl.Series], dict[str, int]]:
    """Return the facts in the columns of a table, and the numbers of values that aren't understood, by column."""
    found = {name: as_texts(frame[name]) for name in FACTS if name in frame.columns}
    values: dict[str, Iterable[Any]] = dict(found)
    unread = {"runtime": 0, "certification": sum(map(_is_unread, found.get("certification", [])))}
    if "runtime" in found:
        values["runtime"] = minutes = [parse_minutes(text) for text in found["runtime"]]
        unread["runtime"] = sum(m is None and t is not None for m, t in zip(minutes, found["runtime"], strict=True))
    for name in ("languages", "directors", "cast"):
        if name in found:
            lists = split_genres(found[name], _separator(found[name]))
            values[name] = [list(dict.fromkeys(_shorten(each) for each in names))[:MAX_NAMES] for names in lists]
    if "languages" in found:
        values["languages"] = [list(dict.fromkeys(map(language_code, names))) for names in values["languages"]]
    for name in ("original_title", "certification"):
        if name in found:
            values[name] = [text and _shorten(text) for text in found[name]]
    return {name: pl.Series(name, list(column), dtype=FACTS[name]) for name, column in values.items()}, unread


def parse_minutes(text: str | None) -> int | None:
    """Return a running time in minutes; None if it isn't understood, or is none.

    >>> [parse_minutes(text) for text in ("107", "107 min", "1h 47m", "1:47:00", "PT1H47M", "long", "0")]
    [107, 107, 107, 107, 107, None, None]
    """
    plain = (text or "").strip().casefold()
    if hours := _HOURS.fullmatch(plain):
        minutes = 60 * int(hours[1]) + int(hours[2] or 0)
    else:
        plainly = _MINUTES.fullmatch(plain)
        minutes = int(plainly[1]) if plainly else 0
    return minutes if 0 < minutes <= MAX_MINUTES else None


def as_texts(column: pl.Series) -> list[str | None]:
    """Return a column as text, lists and records as JSON; None for marks of missing values."""
    values = column.to_list() if column.dtype.is_nested() else column.cast(pl.String).to_list()
    plain = (each if each is None or isinstance(each, str) else json.dumps(each) for each in values)
    return [None if text is None or _is_missing(text) else text.strip() for text in plain]


def _is_missing(text: str) -> bool:
    return text.strip().casefold() in MISSING


def _is_unread(certification: str | None) -> bool:
    return bool(certification) and not read_certification(certification or "") and not says_no_age(certification or "")


def _separator(texts: Iterable[str | None]) -> str:
    """Return the separator of names in a column: a bar, a semicolon, or a comma."""
    plain = [text for text in texts if text and not text.startswith(("[", "{"))]
    return next((each for each in "|;" if any(each in text for text in plain)), ",")


def _shorten(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())[:MAX_TEXT]
