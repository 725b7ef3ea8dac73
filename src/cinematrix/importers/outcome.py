"""Matching of a whole import to a catalog: one entry per movie and kind, every row accounted for."""

import csv
import io
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cinematrix.data.catalog import Catalog
from cinematrix.data.ids import UNKNOWN
from cinematrix.data.ratings import Scale
from cinematrix.errors import SettingError
from cinematrix.importers.entries import Entry, Kind, ParsedImport
from cinematrix.importers.matching import Match, Rule, get_matcher, title_key
from cinematrix.importers.scales import convert_to_scale, half_stars
from cinematrix.importers.text import escape_formula


@dataclass(frozen=True)
class MatchedEntry:
    """One entry of one movie.

    Attributes:
        entry: the row that counts.
        kind: kind of the entry; for a model without stars a rating counts as seen.
        number: index of the movie in the catalog, `UNKNOWN` if it isn't matched.
        rating: on the model's scale; None unless `kind` is rating.
        rule: the rule that matched the movie; empty if none did or the user picked it.
    """

    entry: Entry
    kind: Kind
    number: int
    rating: float | None
    rule: Rule = ""


@dataclass(frozen=True)
class MatchedImport:
    """An import matched to a catalog.

    Attributes:
        journal: the parsed import.
        films: matched entries, one per movie and kind.
        unmatched: the same for movies that aren't in the catalog, or whose match is ambiguous.
        duplicates: number of rows that another row replaces: ratings.csv comes before the diary, newer before older
            ratings, a rating before a seen mark.
        newer: entries of movies newer than the catalog, which nobody can pick.
    """

    journal: ParsedImport
    films: list[MatchedEntry]
    unmatched: list[MatchedEntry]
    duplicates: int
    newer: list[MatchedEntry] = field(default_factory=list)


def match_entries(
    journal: ParsedImport,
    catalog: Catalog,
    scale: Scale | None,
    picks: Mapping[str, object] | None = None,
    raters: NDArray[np.int64] | None = None,
) -> MatchedImport:
    """Match a parsed import to a catalog.

    Args:
        journal: the parsed import.
        catalog: the model's catalog.
        scale: the scale of the model's ratings; None if it was trained on plain interactions.
        picks: for unmatched rows, movie ID by row position.
        raters: number of raters of each movie, since some rules hold for popular movies only; None: for all.

    Raises:
        SettingError: a pick names an unknown row or movie.
    """
    movies, rules = _identify_movies(journal, catalog, picks or {}, raters)
    halves = half_stars(journal)
    groups: dict[tuple[Hashable, Kind], list[Entry]] = defaultdict(list)
    for entry in journal.entries:
        groups[movies[entry.row], _rival_kind(entry.kind, scale)].append(entry)
    matched = []
    for (movie, kind), rows in groups.items():
        if kind == "seen" and (movie, "rating") in groups and not journal.exact:
            continue
        entry = _select_best(rows)
        kind = "deleted" if entry.kind == "deleted" else kind
        rating = _convert_rating(entry, halves, journal, scale) if kind == "rating" and scale else None
        number = movie if isinstance(movie, int) else UNKNOWN
        matched.append(MatchedEntry(entry, kind, number, rating, rules[entry.row]))
    films, lost = ([each for each in matched if (each.number == UNKNOWN) is missing] for missing in (False, True))
    is_newer = get_matcher(catalog).is_newer
    unmatched, newer = ([each for each in lost if is_newer(each.entry) is new] for new in (False, True))
    return MatchedImport(journal, films, unmatched, len(journal.entries) - len(matched), newer)


def _rival_kind(kind: Kind, scale: Scale | None) -> Kind:
    """Return the kind under which entries of one movie replace each other: a rating and its deletion, among others."""
    if scale is None:
        return "seen" if kind == "rating" else kind
    return "rating" if kind == "deleted" else kind


def _convert_rating(entry: Entry, halves: Mapping[str, int], journal: ParsedImport, scale: Scale) -> float:
    """Return a rating on the model's scale, unrounded if it is on it already."""
    if entry.rating is not None and journal.scale == scale:
        return entry.rating
    return convert_to_scale(halves[entry.row], scale)


def _identify_movies(
    journal: ParsedImport, catalog: Catalog, picks: Mapping[str, object], raters: NDArray[np.int64] | None
) -> tuple[dict[str, Hashable], dict[str, Rule]]:
    """Return the movie of each row, its number or a key of title, year and IDs, and the rule that matched it."""
    firsts = {_identity(entry): entry for entry in journal.entries}  # an export has each movie several times
    matches = dict(zip(firsts, get_matcher(catalog).match_file(firsts.values(), raters), strict=True))
    by_row = {entry.row: _identity(entry) for entry in journal.entries}
    movies = {row: _movie_key(identity, matches[identity]) for row, identity in by_row.items()}
    rules = {row: matches[identity].rule for row, identity in by_row.items()}
    picked = {}
    for row, id_ in picks.items():
        number = catalog.movies.number(id_)
        if row not in by_row or number == UNKNOWN:
            subject = "row" if row not in by_row else "movie in the catalog"
            raise SettingError(f"a pick names no {subject}; write ROW=MOVIE as in the list of unmatched rows")
        picked[movies[row]] = number
    return (
        {row: picked.get(movie, movie) for row, movie in movies.items()},
        {row: "" if movies[row] in picked else rule for row, rule in rules.items()},
    )


def _identity(entry: Entry) -> tuple[Hashable, ...]:
    return entry.title, entry.year, entry.imdb, entry.tmdb, entry.movie, entry.others


def _movie_key(identity: tuple[Hashable, ...], match: Match) -> Hashable:
    return (title_key(str(identity[0])), *identity[1:5]) if match.number == UNKNOWN else match.number


def _select_best(rows: list[Entry]) -> Entry:
    """Return the row that counts: the newest of the lowest rank; of several with the same time, the last."""
    return max(enumerate(rows), key=lambda each: (-each[1].rank, each[1].time or 0, each[0]))[1]


COLUMNS = ("row", "kind", "title", "year", "rating", "movie", "candidates")


def unmatched_csv(outcome: MatchedImport, catalog: Catalog, candidates: Mapping[str, Iterable[int]]) -> str:
    """Return the unmatched rows as a CSV. The user writes the right movie's ID in the blank column `movie`."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for unmatched in outcome.unmatched:
        entry = unmatched.entry
        labels = "; ".join(f"{catalog.movies.ids[at]} = {catalog.label(at)}" for at in candidates[entry.row])
        writer.writerow(
            [
                entry.row,
                unmatched.kind,
                escape_formula(entry.title),
                entry.year,
                unmatched.rating,
                "",
                escape_formula(labels),
            ]
        )
    return text.getvalue()
