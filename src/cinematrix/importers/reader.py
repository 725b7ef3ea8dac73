"""Reading of one table by its form: rows, then their dates and ratings, which need all rows at once."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import chain

import numpy as np

from cinematrix.data.ratings import infer_scale
from cinematrix.errors import DataError
from cinematrix.importers.columns import Field
from cinematrix.importers.dates import DateReader
from cinematrix.importers.entries import (
    NO_RATING,
    Entry,
    Kind,
    ParsedImport,
    SkippedEntry,
    find_rating_problem,
)
from cinematrix.importers.fields import kind_by_name
from cinematrix.importers.forms import Form
from cinematrix.importers.rows import ASK, Draft, RowReader
from cinematrix.importers.sources import ANY_TABLE
from cinematrix.importers.tables import Table, column_key

MAX_FILMS = 100_000
"""Maximum films in an upload, counted once per row. Rows that are skipped don't count."""

MAX_ROWS = 500_000
"""Maximum rows of any kind in an upload, so that a hostile one ends within seconds."""

LOW_MAXIMUM = 5.0
"""Best inferred rating of which the user is told, since the ratings may be on a scale to 10."""

SHOWN_ROWS = 3
"""Maximum rows named in a warning."""


ASK_MESSAGE = (
    "the file doesn't say whether its films are seen, on the watchlist, liked or rated; say it with --as seen, "
    "--as watchlist, --as liked or --as rated"
)


class KindUnknownError(DataError):
    """The rows of a file may be seen, wanted, liked or rated films, and nothing in it says which."""

    def __init__(self, message: str = ASK_MESSAGE) -> None:
        super().__init__(message)


class ProfileUnknownError(DataError):
    """The rows of a file are of several users or profiles, and none of them is chosen.

    Attributes:
        profiles: names of the users.
    """

    def __init__(self, profiles: list[str], chosen: str = "") -> None:
        lacking = "the file has no rows of the profile that --profile names; choose one that it has"
        several = "the file has rows of several users; say with --profile whose films are to be imported"
        super().__init__(lacking if chosen else several)
        self.profiles, self._chosen = profiles, chosen

    def __reduce__(self) -> tuple[type, tuple[list[str], str]]:
        return type(self), (self.profiles, self._chosen)


@dataclass(frozen=True)
class ReadOptions:
    """Facts about a file that the user states.

    Attributes:
        columns: column by field, for a table of unknown form.
        highest: the best rating; None: that of the form, or inferred.
        kind: what the rows are; None: the file says it.
        profile: user or profile whose rows are read; empty: the only one.
    """

    columns: Mapping[Field, str] = field(default_factory=dict)
    highest: float | None = None
    kind: Kind | None = None
    profile: str = ""

    def apply(self, form: Form | None) -> Form | None:
        """Return the form with the user's columns and best rating."""
        if self.columns:
            form = replace(
                ANY_TABLE, columns={**ANY_TABLE.columns, **{of: column_key(c) for of, c in self.columns.items()}}
            )
        if form is None or self.highest is None:
            return form
        return replace(form, highest=self.highest, strict=True, relative=False)


def read_table(table: Table, form: Form, options: ReadOptions) -> ParsedImport:
    """Read a table by its form.

    Raises:
        DataError: a column is missing, or there are too many users or rows.
        KindUnknownError: the user must say what the rows are.
    """
    named = None if options.kind or not form.named else kind_by_name(table.name) or _letterboxd_kind(table, form)
    reader = RowReader(table, form, options.kind, named, options.profile)
    _check_columns(reader, options, "rating" in (options.kind, named))
    journal = ParsedImport(form.source, form.highest, form.relative, [], [], _warn_edited(table, form))
    drafts: list[Draft] = []
    dates: list[str] = []
    n_asked = 0
    for number, row in enumerate(table.rows):
        if number >= MAX_ROWS:
            raise DataError(f"the file has more than {MAX_ROWS:,} rows, which no export has")
        dates.append(reader.date(row, "seen"))
        for each in reader.read(row):
            if isinstance(each, Draft):
                drafts.append(each)
            else:
                journal.skip(each)
                n_asked += each.reason == ASK
        if len(drafts) > MAX_FILMS:
            raise DataError(f"the file has more than {MAX_FILMS:,} films; import it in parts")
    if n_asked:
        _settle_asked(drafts, form, journal)
    journal.users.extend(reader.users)
    return _finish(drafts, dates, form, journal)


def _letterboxd_kind(table: Table, form: Form) -> Kind | None:
    """Return the kind of Letterboxd's files by the beginnings of their names; `likes/films.csv` has another one."""
    if form.source != "letterboxd" or "letterboxduri" not in table.header:
        return None
    name = table.name.rpartition("/")[2]
    return "like" if name == "films.csv" else kind_by_name(re.split(r"[\W_\d]", name)[0])


def _check_columns(reader: RowReader, options: ReadOptions, rated: bool) -> None:
    for of, column in options.columns.items():
        if not reader.names[of]:
            raise DataError(f"the file has no column {' '.join(column.split())[:80]!r}, which the mapping names")
    if rated and not (reader.names["rating"] or reader.names["thumbs"]):
        raise DataError("the file should hold ratings and has no column 'rating'; name it with columns rating=NAME")


def _warn_edited(table: Table, form: Form) -> list[str]:
    missing = [name for name in form.expected.split() if name not in table.header]
    return [f"unlike the site's own export, it has no column {missing[0]!r}; read without it"] if missing else []


def _settle_asked(drafts: list[Draft], form: Form, journal: ParsedImport) -> None:
    """Ask about rows that say nothing, unless other rows are rated, which shows that these have no rating."""
    if form.unrated == "ask" or not any(draft.kind == "rating" for draft in drafts):
        raise KindUnknownError
    journal.skipped[:] = [replace(row, reason=NO_RATING) if row.reason == ASK else row for row in journal.skipped]
    journal.unlisted[NO_RATING] += journal.unlisted.pop(ASK, 0)


def _finish(drafts: list[Draft], dates_of_all: list[str], form: Form, journal: ParsedImport) -> ParsedImport:
    """Return the import with the dates and ratings of its rows; `dates_of_all` tell the local form of dates."""
    highest = _best_rating(drafts, form, journal.warnings)
    dates = DateReader(chain(dates_of_all, (draft.date for draft in drafts)))
    for draft in drafts:
        rating = None
        if draft.rating:
            rating = draft.rating.value * (highest / draft.rating.highest if draft.rating.highest else 1)
            if problem := find_rating_problem(rating, highest):
                journal.skip(SkippedEntry(draft.row, problem, draft.title))
                continue
        journal.entries.append(
            Entry(
                draft.row,
                draft.kind,
                draft.title,
                draft.year,
                rating,
                *dates.read(draft.date, draft.row),
                draft.imdb,
                draft.tmdb,
                draft.movie,
                draft.others,
                form.rank,
            )
        )
    journal.warnings.extend(_date_warnings(dates.problems))
    return replace(journal, highest=highest or form.highest)


def _best_rating(drafts: list[Draft], form: Form, warnings: list[str]) -> float:
    """Return the best rating of the scale: the form's, the one written with the ratings, or the narrowest usual one."""
    ratings = [draft.rating for draft in drafts if draft.rating]
    plain = [rating.value for rating in ratings if not rating.highest and rating.value > 0]
    if form.highest and (form.strict or not plain or max(plain) <= form.highest):
        return form.highest
    if not plain:
        return max((rating.highest for rating in ratings), default=LOW_MAXIMUM)
    highest = infer_scale(np.array(plain)).high
    if highest <= LOW_MAXIMUM:
        warnings.append(
            f"no rating is above {max(plain):g}, so {highest:g} is taken for the best one; if the scale goes to 10, "
            "import it with --scale 0-10 (on the page: Highest rating)"
        )
    return highest


def _date_warnings(problems: list[tuple[str, str]]) -> list[str]:
    """Return a warning for the dates with several readings, and one for those that aren't understood."""
    ambiguous = [(row, reason) for row, reason in problems if reason.startswith("could be")]
    others = [(row, reason) for row, reason in problems if not reason.startswith("could be")]
    warnings = []
    if ambiguous:
        shown = "; ".join(f"row {row} {reason}" for row, reason in ambiguous[:SHOWN_ROWS])
        warnings.append(f"{_count(ambiguous, 'date has', 'dates have')} two readings, left out: {shown}")
    if others:
        shown = "; ".join(f"row {row} {reason}" for row, reason in others[:SHOWN_ROWS])
        more = f" and {len(others) - SHOWN_ROWS:,} more" if len(others) > SHOWN_ROWS else ""
        warnings.append(f"{_count(others, 'date is', 'dates are')} left out: the date of {shown}{more}")
    return warnings


def _count(rows: list[tuple[str, str]], one: str, many: str) -> str:
    return f"{len(rows):,} {one if len(rows) == 1 else many}"
