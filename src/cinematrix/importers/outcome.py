"""A journal against a catalog: what it says of which film, once for each, and every row accounted for."""

import csv
import io
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass

from cinematrix.data.catalog import Catalog
from cinematrix.data.ids import UNKNOWN
from cinematrix.data.ratings import Scale
from cinematrix.errors import SettingError
from cinematrix.importers.entries import Entry, Kind, ParsedImport
from cinematrix.importers.matching import get_matcher, title_key
from cinematrix.importers.scales import convert_to_scale, half_stars
from cinematrix.importers.text import escape_formula

KINDS: tuple[Kind, ...] = ("rating", "seen", "watchlist", "like")


@dataclass(frozen=True)
class MatchedEntry:
    """One thing said of one film.

    Attributes:
        entry: the row that counts.
        kind: what it says; of a model without stars a rating says that the film was seen.
        number: of the film in the catalog, `UNKNOWN` if it isn't matched.
        rating: on the model's scale, if `kind` is rating.
    """

    entry: Entry
    kind: Kind
    number: int
    rating: float | None


@dataclass(frozen=True)
class MatchedImport:
    """What there is to keep of a journal, and what isn't.

    Attributes:
        films: one of a kind for each film.
        unmatched: the same for films that aren't in the catalog, or can't be told from others.
        duplicates: rows that say of a film what a better row says: ratings.csv before the diary, the newest before
            older ones, a rating before a mark that the film was seen.
    """

    journal: ParsedImport
    films: list[MatchedEntry]
    unmatched: list[MatchedEntry]
    duplicates: int


def match_entries(
    journal: ParsedImport, catalog: Catalog, scale: Scale | None, picks: Mapping[str, object] | None = None
) -> MatchedImport:
    """Match a journal to a catalog.

    Args:
        journal: what was read.
        catalog: of the model.
        scale: of the model's ratings; None if it learned from plain interactions.
        picks: for rows that can't be matched, by where they stand, the ID of the film that is meant.

    Raises:
        SettingError: a pick names a row that isn't there, or a film that isn't in the catalog.
    """
    numbers = _numbers(journal, catalog, picks or {})
    halves = half_stars(journal)
    groups: dict[tuple[Hashable, Kind], list[Entry]] = defaultdict(list)
    for entry in journal.entries:
        groups[numbers[entry.row], "seen" if scale is None and entry.kind == "rating" else entry.kind].append(entry)
    said = []
    for (film, kind), rows in groups.items():
        if kind == "seen" and (film, "rating") in groups:
            continue
        entry = _best(rows)
        rating = convert_to_scale(halves[entry.row], scale) if kind == "rating" and scale else None
        said.append(MatchedEntry(entry, kind, film if isinstance(film, int) else UNKNOWN, rating))
    films, unmatched = ([each for each in said if (each.number == UNKNOWN) is lost] for lost in (False, True))
    return MatchedImport(journal, films, unmatched, len(journal.entries) - len(said))


def _numbers(journal: ParsedImport, catalog: Catalog, picks: Mapping[str, object]) -> dict[str, Hashable]:
    """The film of each row, by where it stands: its number, or what tells it from others where there is none."""
    finder = get_matcher(catalog)
    films: dict[Hashable, Hashable] = {}  # by what names them, since an export names each several times
    found = {}
    for entry in journal.entries:
        named = (entry.title, entry.year, entry.imdb, entry.tmdb, entry.movie, entry.others)
        if named not in films:
            number = finder.number(entry)
            films[named] = (title_key(entry.title), *named[1:5]) if number == UNKNOWN else number
        found[entry.row] = films[named]
    picked = {}
    for row, id_ in picks.items():
        number = catalog.movies.number(id_)
        if row not in found or number == UNKNOWN:
            what = "row" if row not in found else "movie in the catalog"
            raise SettingError(f"a pick names no {what}; write ROW=MOVIE as the list of unmatched rows has them")
        picked[found[row]] = number
    return {row: picked.get(film, film) for row, film in found.items()}


def _best(rows: list[Entry]) -> Entry:
    """The one that counts: of the lowest rank the newest, of two as new the later."""
    return max(enumerate(rows), key=lambda each: (-each[1].rank, each[1].time or 0, each[0]))[1]


COLUMNS = ("row", "kind", "title", "year", "rating", "movie", "candidates")


def unmatched_csv(outcome: MatchedImport, catalog: Catalog, candidates: Mapping[str, Iterable[int]]) -> str:
    """The unmatched rows as a CSV in whose column `movie` a person writes which film is meant."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for said in outcome.unmatched:
        entry = said.entry
        near = "; ".join(f"{catalog.movies.ids[at]} = {catalog.label(at)}" for at in candidates[entry.row])
        writer.writerow(
            [entry.row, said.kind, escape_formula(entry.title), entry.year, said.rating, "", escape_formula(near)]
        )
    return text.getvalue()
