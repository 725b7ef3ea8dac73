"""The file of a whole history, which the page and the API export and every import reads.

It is a JSON object with `format`, `version`, `scale` and `films`. A film has a `kind` and, as far as they are known,
the catalog's ID, the title, the year, the IDs at IMDb and TMDB, a rating on `scale`, a time in UTC epoch seconds, and
the source of a rating that came without a date. A film without the catalog's ID is one that the catalog lacked.

Other exports are guessed and rounded to half stars. This file is ours: it is read exactly, or refused as a whole.
"""

import math
from typing import Any, get_args

from cinematrix.data.ratings import Scale
from cinematrix.errors import DataError
from cinematrix.importers.entries import MAX_TEXT_LENGTH, Entry, Kind, ParsedImport, clean_text, parse_external_id
from cinematrix.importers.reader import MAX_FILMS

FORMAT, VERSION, SOURCE = "cinematrix-history", 1, "cinematrix"

MAX_KEPT_TITLE = 300
"""Letters of a title that the page keeps. A longer one isn't written, so that it doesn't differ from the catalog's."""

KINDS: tuple[Kind, ...] = get_args(Kind)
MAX_TIME, MAX_EXTERNAL_ID, YEARS = 2**40, 10**12, (1, 9999)


def is_history(value: Any) -> bool:
    """Return whether a parsed JSON says that it is the file of a history."""
    return isinstance(value, dict) and value.get("format") == FORMAT


def read_history(value: dict[str, Any], at: str = "") -> ParsedImport:
    """Read the file of a history. `at`: beginning of the positions of its films.

    Raises:
        DataError: the version is unknown, or a part of the file is damaged.
    """
    version = value.get("version")
    if version != VERSION or isinstance(version, bool):
        shown = version if isinstance(version, int) else "none"
        raise DataError(f"the file of a history has version {shown} and this Cinematrix reads {VERSION}; upgrade it")
    films, scale = value.get("films"), _read_scale(value.get("scale"))
    if not isinstance(films, list):
        raise DataError("the file of a history is damaged: it has no list of films; export it once more")
    if len(films) > MAX_FILMS:
        raise DataError(f"the file of a history has more than {MAX_FILMS:,} films, which no export has")
    entries = [_FilmReader(film, number, scale).entry(f"{at}{number}") for number, film in enumerate(films, start=1)]
    highest = scale.high if scale else 0.0
    return ParsedImport(SOURCE, highest, False, entries, [], [], scale=scale, exact=True)


def _read_scale(value: Any) -> Scale | None:
    if value is None:
        return None
    numbers: list[Any] = [value.get(name) for name in ("low", "high", "step")] if isinstance(value, dict) else []
    if not numbers or not all(map(_is_number, numbers)) or not numbers[0] < numbers[1] or numbers[2] < 0:
        raise DataError("the file of a history is damaged: its scale needs low, high and step; export it once more")
    return Scale(*map(float, numbers))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


class _FilmReader:
    """Reader of one film, which refuses what isn't right."""

    def __init__(self, film: Any, number: int, scale: Scale | None) -> None:
        self._number, self._scale = number, scale
        self._film: dict[str, Any] = film if isinstance(film, dict) else self._refuse("is no object")

    def _refuse(self, problem: str) -> Any:
        raise DataError(f"the file of a history is damaged: film {self._number} {problem}; export it once more")

    def entry(self, row: str) -> Entry:
        """Return the film as an entry."""
        kind: Any = self._film.get("kind")
        if kind not in KINDS:
            self._refuse("has no known kind")
        entry = Entry(
            row,
            kind,
            self._text("title"),
            self._integer("year", *YEARS),
            self._rating() if kind == "rating" else None,
            self._integer("time", 0, MAX_TIME),
            imdb=self._external_id("imdb"),
            tmdb=self._external_id("tmdb"),
            movie=self._movie(),
            source=self._text("source"),
        )
        if not (entry.title or entry.movie or entry.imdb or entry.tmdb):
            self._refuse("has neither a title nor an ID")
        return entry

    def _text(self, name: str) -> str:
        value = self._film.get(name)
        if value is not None and (not isinstance(value, str) or len(value) > MAX_TEXT_LENGTH):
            self._refuse(f"has a {name} that isn't a text of at most {MAX_TEXT_LENGTH} letters")
        return clean_text(value or "")

    def _movie(self) -> str:
        value = self._film.get("movie")
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else self._text("movie")

    def _integer(self, name: str, least: int, most: int) -> int | None:
        value = self._film.get(name)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value < most:
            self._refuse(f"has a {name} that can't be one")
        return int(value)

    def _external_id(self, name: str) -> int | None:
        value = self._film.get(name)
        if isinstance(value, str):
            return parse_external_id(value)
        return self._integer(name, 1, MAX_EXTERNAL_ID)

    def _rating(self) -> float:
        value: Any = self._film.get("rating")
        scale = self._scale
        if not _is_number(value) or scale is None or not scale.low <= value <= scale.high:
            self._refuse("has a rating that isn't on the scale of the file")
        return float(value)
