"""Lists of films in plain text or Markdown: `1. Heat (1995)`, `- Alien, 1979`, `Fargo (1996) – 9/10`."""

import re
from collections.abc import Iterator

from cinematrix.importers.fields import parse_rating
from cinematrix.importers.sources import find_form
from cinematrix.importers.tables import Table, column_key
from cinematrix.importers.text import CsvRow

HEAD_LINES = 50
"""Lines by which a list is recognised: half of them must be films."""

MAX_LINE_LETTERS = 200
"""Letters of a line in a list of titles."""

_BULLET = re.compile(r"^\s*(?:[-*•–]\s+|#?\d{1,5}[.)]\s+)")
_LINK = re.compile(r"\[([^\[\]]+)\]\([^()\s]*\)")
_FILM = re.compile(
    r"(?P<title>[^\t;|]*[^\W_][^\t;|]*?)(?:\s*[(\[](?P<year>(?:18|19|20)\d\d)[)\]]|,\s+(?P<year2>(?:18|19|20)\d\d))"
    r"(?:\s*[-–—:]\s*|\s+|$)(?P<rating>[^\t;|]{0,20})"
)


def parse_list(text: str, name: str, at: str, *, titles: bool) -> Table | None:
    """Parse a list with a film a line; None if the text isn't one.

    Lines that aren't films, such as a heading, become rows without a title. `titles`: lines may be titles without a
    year, if all have a bullet or a number or the file is plain text.
    """
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
    head = [line for _, line in lines[:HEAD_LINES]]
    if not head or find_form(frozenset(column_key(field) for field in re.split(r"[,;\t|]", head[0]))):
        return None
    if sum(_read_film(line) is not None for line in head) * 2 >= len(head):
        return _table(name, at, ((number, _read_film(line) or {}) for number, line in lines))
    plain = all(_BULLET.match(line) for line in head) or name.endswith((".txt", ".md"))
    if titles and len(head) > 1 and plain and all(_is_title(line) for line in head):
        return _table(name, at, ((number, {"title": _without_marks(line)}) for number, line in lines))
    return None


def _table(name: str, at: str, rows: Iterator[tuple[int, dict[str, str]]]) -> Table:
    return Table(
        name, frozenset({"title", "year", "rating"}), (CsvRow(f"{at}{number}", fields) for number, fields in rows)
    )


def _read_film(line: str) -> dict[str, str] | None:
    """Return the title, the year and perhaps the rating in a line; None if it has another form."""
    found = _FILM.fullmatch(_without_marks(line)) if len(line) <= MAX_LINE_LETTERS else None
    if not found or (found["rating"] and parse_rating(found["rating"]) is None):
        return None
    return {"title": found["title"], "year": found["year"] or found["year2"], "rating": found["rating"]}


def _is_title(line: str) -> bool:
    return len(line) <= MAX_LINE_LETTERS and not re.search(r"[\t;|<>{}=]|://|,\S", line)


def _without_marks(line: str) -> str:
    """Return a line without its bullet and without the marks of Markdown."""
    return _LINK.sub(r"\1", _BULLET.sub("", line)).replace("**", "").strip("_ ")
