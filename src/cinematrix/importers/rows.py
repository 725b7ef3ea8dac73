"""Meaning of one row of a table, by the table's form: the film, and that it is rated, seen, wanted or liked."""

import re
from typing import NamedTuple

from cinematrix.data.catalog import split_title
from cinematrix.errors import DataError
from cinematrix.importers.columns import FIELDS, PERHAPS_RATINGS, PERSONAL_RATINGS, SCALED_RATINGS, Field
from cinematrix.importers.entries import (
    MAX_TEXT_LENGTH,
    NO_FILM,
    NO_RATING,
    NOT_A_FILM,
    Kind,
    SkippedEntry,
    clean_text,
    parse_year,
)
from cinematrix.importers.episodes import is_episode_title
from cinematrix.importers.fields import (
    Mark,
    RatingText,
    find_imdb,
    find_tmdb,
    is_film,
    is_film_address,
    is_series_title,
    parse_flag,
    parse_rating,
    parse_state,
    spans_years,
)
from cinematrix.importers.forms import Form
from cinematrix.importers.tables import Table
from cinematrix.importers.text import CsvRow

ASK = "it isn't said whether the film is seen, wanted, liked or rated"
NOT_SEEN, NOT_FINISHED = "neither seen nor rated", "not watched to the end"
TOO_SHORT = "played for less than ten minutes"
NO_RATINGS = frozenset({"-", "–", "null", "none", "n/a", "nan", "nr", "unrated", "not rated", "no rating", "\\n"})
OTHER_USER = "of another user"
MAX_USERS = 20
"""Maximum users of a file from which the user may choose; a table of more is a data set."""

THUMBS: dict[str, Mark] = {
    **dict.fromkeys(("2", "3", "👍", "up", "thumbs up", "like", "liked"), "like"),
    **dict.fromkeys(("1", "👎", "down", "thumbs down", "dislike", "disliked"), "seen"),
}
"""Thumbs, as Netflix's numbers and in words: a film with a thumb down counts as seen."""

DATE_FIELDS: dict[Kind, tuple[Field, ...]] = {
    "rating": ("rated", "watched", "date"),
    "seen": ("watched", "seen", "date", "rated"),
    "watchlist": ("date", "wanted"),
    "like": ("date", "liked", "rated", "watched"),
}
"""Fields of the time of an entry, the preferred first. A flag may hold it, as in `checked: 2020-01-05`."""

MARK_FIELDS: tuple[Field, ...] = ("seen", "wanted", "liked", "state", "thumbs", "rating")
FLAG_MARKS: dict[Field, Mark] = {"seen": "seen", "wanted": "watchlist", "liked": "like"}
_TITLE_PARTS = re.compile(r"\s+/\s+|\s+[|｜]\s+")
_LATIN_TAIL = re.compile(
    r".*[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af].*?\s+([A-Za-zÀ-ÿ0-9][^\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]{2,})"
)
_LAST_YEAR = re.compile(r"\b(\d{4})\s*$", re.ASCII)
_SHORT_VALUE = 6
DAY_LETTERS = len("2024-12-31")


class Draft(NamedTuple):
    """A row of a film before the dates and the ratings of all rows are read."""

    row: str
    kind: Kind
    title: str
    others: tuple[str, ...]
    year: int | None
    rating: RatingText | None
    date: str
    imdb: int | None
    tmdb: int | None
    movie: str


class RowReader:
    """Reader of the rows of one table."""

    def __init__(self, table: Table, form: Form, said: Kind | None, named: Kind | None, profile: str = "") -> None:
        """Initialize it.

        Args:
            table, form: the table and its form.
            said: kind that the user gives the rows.
            named: kind that the file's name says.
            profile: user whose rows are read; empty: all.
        """
        self._form, self._said, self._named, self._group = form, said, named, table.group
        self.names: dict[Field, list[str]] = {
            of: [name for name in form.names(of) if name in table.header] for of in FIELDS
        }
        personal = [name for name in self.names["rating"] if name in PERSONAL_RATINGS]
        self.names["rating"] = personal or self.names["rating"]  # another column holds the site's ratings
        titles = self.names["title"] if "title" in form.columns else []
        self._other_names = [*self.names["other"], *(titles if len(titles) > 1 else ())]
        self._marking = any(self.names[of] for of in MARK_FIELDS)
        self._profile = profile
        self.users: dict[str, None] = {}

    def read(self, row: CsvRow) -> list[Draft | SkippedEntry]:
        """Return what a row says: one thing, or two if the film is liked besides."""
        title = row.text(*self.names["title"])
        if row.surplus or len(title) > MAX_TEXT_LENGTH:
            long = f"the title has more than {MAX_TEXT_LENGTH} letters"
            return [SkippedEntry(row.at, "more fields than the header has" if row.surplus else long, title[:50])]
        if self._is_of_another(row):
            return [SkippedEntry(row.at, OTHER_USER)]
        if problem := self._find_problem(row, title):
            return [SkippedEntry(row.at, problem, title)]
        rating = self._rating(row)
        kinds = self._kinds(row, rating)
        return [self._draft(row, title, kind, rating, " (liked)" * (at > 0)) for at, kind in enumerate(kinds)]

    def _raw(self, row: CsvRow, of: Field) -> str:
        return row.raw(*self.names[of]) if self.names[of] else ""

    def _is_of_another(self, row: CsvRow) -> bool:
        """Note the user of a row, and tell if it is another one than the chosen one.

        Raises:
            DataError: there are too many users.
        """
        user = clean_text(self._raw(row, "user"))[:MAX_TEXT_LENGTH] if self._form.single_user else ""
        if user and user not in self.users:
            self.users[user] = None
            if len(self.users) > MAX_USERS:
                raise DataError(
                    f"the file has rows of several users, more than {MAX_USERS}; keep the rows of one, or train a "
                    "model with all"
                )
        return bool(self._profile and user and user != self._profile)

    def _find_problem(self, row: CsvRow, title: str) -> str:
        """Return the reason to skip a row whatever it says about its film; empty if there is none."""
        kind_of_work = (self._raw(row, "type") or self._group)[:MAX_TEXT_LENGTH]
        episode, seconds = self._raw(row, "episode").strip(), self._raw(row, "seconds").strip()
        if not (is_film(kind_of_work) and is_film_address(self._raw(row, "url"))) or self._raw(row, "supplement"):
            return NOT_A_FILM
        if (episode and episode != "0") or (self._form.episodes and is_episode_title(title)):
            return NOT_A_FILM
        if is_series_title(title) or spans_years(self._raw(row, "year")) or self._raw(row, "imdb").startswith("nm"):
            return NOT_A_FILM
        return TOO_SHORT if self._form.min_seconds > 0 and _seconds(seconds) < self._form.min_seconds else ""

    def _rating(self, row: CsvRow) -> RatingText | str | None:
        """Return the rating, None without one, or the reason why it isn't valid."""
        for name in self.names["rating"]:
            text = row.raw(name).strip()
            if not text or text.casefold() in NO_RATINGS:
                continue
            rating = parse_rating(text)
            if rating is None and (name in PERHAPS_RATINGS or text.casefold() in THUMBS):
                continue
            if rating is None:
                return "the rating isn't a number"
            if rating.value == 0:
                return None
            return RatingText(rating.value, rating.highest or SCALED_RATINGS.get(name, 0))
        return None

    def _kinds(self, row: CsvRow, rating: RatingText | str | None) -> list[str]:
        """Return the kinds of entries in a row, or the reason to skip it."""
        marks = self._marks(row)
        said = self._said or (self._named if self._named in ("watchlist", "like") and not marks else None)
        if said in ("watchlist", "like"):
            return [said]
        if isinstance(rating, str):
            return [rating]
        if rating:
            return ["rating", *(["like"] if "like" in marks else [])]
        if said == "rating":
            return [NO_RATING]
        return [said] if said else self._unrated_kinds(row, marks)

    def _unrated_kinds(self, row: CsvRow, marks: list[Mark]) -> list[str]:
        finished: list[str] = [mark for mark in ("seen", "like") if mark in marks]
        if finished:
            return finished
        if self._raw(row, "watched") and not self._raw(row, "seen") and "unfinished" not in marks:
            return ["seen"]
        if "watchlist" in marks:
            return ["watchlist"]
        if "unfinished" in marks or self.names["seen"]:
            return [NOT_FINISHED if "unfinished" in marks else NOT_SEEN]
        if self._named:
            return ["seen" if self._named == "seen" else NO_RATING]
        unrated = {"skip": NO_RATING, "skip or ask": ASK, "ask": ASK}
        return [unrated.get(self._form.unrated, self._form.unrated)]

    def _marks(self, row: CsvRow) -> list[Mark]:
        """Return what states, thumbs and flags say."""
        if not self._marking:
            return []
        texts = {of: self._raw(row, of).strip() for of in MARK_FIELDS}
        thumb = THUMBS.get(texts["thumbs"].casefold())
        if not texts["rating"].isdigit():
            thumb = thumb or THUMBS.get(texts["rating"].casefold())
        marks: list[Mark | None] = [parse_state(texts["state"]), thumb, parse_state(texts["wanted"])]
        for of, mark in FLAG_MARKS.items():
            if parse_flag(texts[of]) and not (of == "wanted" and marks[2]):
                marks.append(mark)
        return [mark for mark in marks if mark]

    def _draft(
        self, row: CsvRow, title: str, kind: str, rating: RatingText | str | None, besides: str
    ) -> Draft | SkippedEntry:
        if kind not in DATE_FIELDS:
            return SkippedEntry(row.at, kind, title)
        imdb, tmdb = self._numbers(row)
        movie = self._raw(row, "movie").strip().removesuffix(".0")
        if not (title or imdb or tmdb or movie):
            return SkippedEntry(row.at, NO_FILM)
        plain, in_title = split_title(title)
        return Draft(
            row.at + besides,
            kind,
            plain,
            self._other_titles(row, title, plain),
            _year(self._raw(row, "year")) or in_title,
            rating if isinstance(rating, RatingText) and kind == "rating" else None,
            self.date(row, kind),
            imdb,
            tmdb,
            movie,
        )

    def _numbers(self, row: CsvRow) -> tuple[int | None, int | None]:
        """Return the numbers at IMDb and TMDB, from columns of their own, a pair of number and site, or an address."""
        imdb, tmdb = find_imdb(self._raw(row, "imdb").strip()), find_tmdb(self._raw(row, "tmdb").strip())
        url = " ".join(row.raw(name) for name in self.names["url"])
        id_, site = self._raw(row, "id").strip(), self._raw(row, "site").strip().casefold()
        if "imdb" in site:
            imdb = imdb or find_imdb(id_)
        elif "tmdb" in site or "themoviedb" in site:
            tmdb = tmdb or find_tmdb(id_)
        if "/title/tt" in url:
            imdb = imdb or find_imdb(url)
        if "/movie/" in url:
            tmdb = tmdb or find_tmdb(url)
        return imdb, tmdb

    def _other_titles(self, row: CsvRow, title: str, plain: str) -> tuple[str, ...]:
        """Return the original title, and the parts of a title in two languages: `黑客帝国 The Matrix`."""
        found = [row.text(name) for name in self._other_names]
        if len(parts := _TITLE_PARTS.split(title)) > 1:
            found += parts
        if not title.isascii() and (tail := _LATIN_TAIL.fullmatch(title)):
            found.append(tail[1])
        others = (split_title(other)[0] for other in found if other and len(other) <= MAX_TEXT_LENGTH)
        return tuple(dict.fromkeys(other for other in others if other and other != plain))

    def date(self, row: CsvRow, kind: Kind) -> str:
        """Return the text of the date that counts for a kind of entry."""
        for of in DATE_FIELDS[kind]:
            text = self._raw(row, of).strip()
            if text and (of not in FLAG_MARKS or (len(text) >= _SHORT_VALUE and text[-1].isdigit())):
                return text[:DAY_LETTERS] if self._form.local_times else text
        return ""


def _year(text: str) -> int | None:
    """Return the year in a year or in a date of release."""
    found = _LAST_YEAR.search(text)
    return parse_year(text) or (parse_year(found[1]) if found else None)


def _seconds(text: str) -> int:
    """Parse seconds, or hours, minutes and seconds with colons; 0 for anything else."""
    parts = text.split(":")
    if not all(part.isascii() and part.isdigit() and len(part) <= 9 for part in parts):
        return 0
    seconds = 0
    for part in parts:
        seconds = seconds * 60 + int(part)
    return seconds
