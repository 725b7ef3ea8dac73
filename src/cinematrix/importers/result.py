"""Results of an import: records for the store, and the outcome of every row."""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, NamedTuple, Self

from cinematrix.data.catalog import Catalog
from cinematrix.data.ratings import Scale
from cinematrix.importers.matching import UNSURE_RULES, Suggestion, get_matcher
from cinematrix.importers.outcome import MatchedEntry, MatchedImport

MAX_CANDIDATE_ROWS = 500
"""Maximum unmatched rows with candidates; users don't go through more."""

EVENT_KINDS = ("seen", "watchlist", "like")
"""Kinds of events that an import may have."""


class UnmatchedFilm(NamedTuple):
    """A row whose movie the catalog lacks, to be kept with the history and matched again when the catalog grows.

    Attributes:
        row: hash of the kind, the title, the year and the IDs, the same in every file.
        kind: as in `Entry`.
        movie: ID in the catalog of another model.
        rating: on the model's scale; None unless `kind` is rating.
        time: epoch seconds, if known.
        source: the export that gave a rating without a date.
    """

    row: str
    kind: str
    title: str
    year: int | None
    imdb: int | None
    tmdb: int | None
    movie: str | None
    rating: float | None
    time: int | None
    source: str | None

    @classmethod
    def of(cls, matched: MatchedEntry, source: str) -> Self:
        """Describe an entry. `source`: name of the export."""
        entry, rated = matched.entry, matched.rating is not None
        undated = entry.source or (source if rated and entry.time is None else None)
        return cls(
            *(_hash_entry(matched), matched.kind, entry.title, entry.year, entry.imdb, entry.tmdb),
            *(entry.movie or None, matched.rating, entry.time, undated),
        )


def _hash_entry(matched: MatchedEntry) -> str:
    entry = matched.entry
    identity = (matched.kind, entry.title, entry.year, entry.imdb, entry.tmdb, entry.movie)
    return blake2b(repr(identity).encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


class ImportRecords(NamedTuple):
    """Records of an import for the store.

    Attributes:
        ratings: movie, steps of the scale (None: the rating was deleted), and the time in epoch seconds, if known.
        events: movie, kind, and the time in epoch seconds, if known.
        source: name of the source, by which a repeated upload is recognised.
        sources: in the file of a whole history, the sources of ratings without a date, by movie; else None.
        unmatched: films that the catalog lacks.
        matched: hashes of the films that it has, of which a user's unmatched films are freed.
    """

    ratings: list[tuple[str, int | None, int | None]]
    events: list[tuple[str, str, int | None]]
    source: str | None = None
    sources: dict[str, str] | None = None
    unmatched: Sequence[UnmatchedFilm] = ()
    matched: Set[str] = frozenset()

    @classmethod
    def of(cls, outcome: MatchedImport, catalog: Catalog, scale: Scale | None) -> Self:
        """Build the records of a matched import; without a scale there are no ratings."""
        journal = outcome.journal
        sources: dict[str, str] | None = {} if journal.exact else None
        unmatched = [UnmatchedFilm.of(each, journal.source) for each in (*outcome.unmatched, *outcome.newer)]
        matched_rows = frozenset(map(_hash_entry, outcome.films))
        records = cls([], [], journal.source, sources, unmatched, matched_rows)
        for matched in outcome.films:
            movie, entry = str(catalog.movies.ids[matched.number]), matched.entry
            if sources is not None and entry.source:
                sources[movie] = entry.source
            if matched.rating is not None and scale is not None:
                given = None if entry.source else entry.time
                records.ratings.append((movie, round(matched.rating / scale.step), given))
            elif matched.kind == "deleted":
                records.ratings.append((movie, None, entry.time))
            else:
                records.events.append((movie, matched.kind, entry.time))
        return records


@dataclass(frozen=True)
class MergeCounts:
    """Numbers of ratings and events that are new, replace a rating, or change nothing."""

    created: int
    updated: int
    unchanged: int


def add_merge_counts(counts: dict[str, int], merged: MergeCounts | None) -> dict[str, int]:
    """Return the counts of an import after its merge with the stored records; unchanged without a merge."""
    if merged is None:
        return counts
    duplicates = counts["duplicates"] + merged.unchanged
    return counts | {"imported": merged.created, "updated": merged.updated, "duplicates": duplicates}


@dataclass(frozen=True)
class ImportResult:
    """The result of an import.

    Attributes:
        outcome: the matched import.
        catalog: the model's catalog.
        merged: counts of the merge with the stored records; None for a preview, in which all counts as new.
    """

    outcome: MatchedImport
    catalog: Catalog
    merged: MergeCounts | None = None

    @property
    def counts(self) -> dict[str, int]:
        """Number of rows read, and of rows by outcome; the outcomes add up to `read`."""
        outcome = self.outcome
        counts = {
            "read": outcome.journal.read,
            "imported": len(outcome.films),
            "updated": 0,
            "duplicates": outcome.duplicates,
            "skipped": outcome.journal.n_skipped,
            "unmatched": len(outcome.unmatched),
            "newer": len(outcome.newer),
        }
        return add_merge_counts(counts, self.merged)

    @property
    def reasons(self) -> dict[str, int]:
        """Number of skipped rows by reason, the most frequent first."""
        return self.outcome.journal.reasons

    @property
    def unsure(self) -> list[MatchedEntry]:
        """Matched entries to check: the title is right, but a year is missing or one off."""
        return [matched for matched in self.outcome.films if matched.rule in UNSURE_RULES]

    def suggestions(self) -> dict[str, Suggestion]:
        """Return the candidates by unmatched row; none beyond the first `MAX_CANDIDATE_ROWS`."""
        suggested = suggest_movies(self.outcome, self.catalog, MAX_CANDIDATE_ROWS)
        return {each.entry.row: suggested.get(each.entry.row, Suggestion([], False)) for each in self.outcome.unmatched}

    def candidates(self) -> dict[str, list[int]]:
        """Return the numbers of candidate movies by unmatched row, as `suggestions` does."""
        return {row: suggestion.numbers for row, suggestion in self.suggestions().items()}

    def as_dict(self) -> dict[str, Any]:
        """Return the result for JSON; lists of skipped, unmatched and newer rows replace their counts."""
        return self.counts | self.rows()

    def rows(self) -> dict[str, Any]:
        """Return the result for JSON without the counts."""
        outcome, suggestions, ids = self.outcome, self.suggestions(), self.catalog.movies.listed
        source = outcome.journal.source
        events: dict[str, list[Any]] = {kind: [] for kind in EVENT_KINDS}
        times: dict[str, dict[str, int]] = {kind: {} for kind in EVENT_KINDS}
        for matched in outcome.films:
            if matched.kind in EVENT_KINDS:
                movie = ids[matched.number]
                events[matched.kind].append(movie)
                times[matched.kind] |= {} if matched.entry.time is None else {str(movie): matched.entry.time}
        return {
            "source": outcome.journal.source,
            "warnings": outcome.journal.warnings,
            "unlisted": dict(outcome.journal.unlisted),
            "skipped": [{"row": s.row, "reason": s.reason, "title": s.title} for s in outcome.journal.skipped],
            "unmatched": [
                _describe_unmatched(row, source) | self._describe_candidates(suggestions[row.entry.row])
                for row in outcome.unmatched
            ],
            "newer": [_describe_unmatched(row, source) for row in outcome.newer],
            "unsure": [
                {"row": row.entry.row, "title": row.entry.title, "year": row.entry.year, "rule": row.rule}
                | {"match": self._describe(row.number)}
                for row in self.unsure
            ],
            "ratings": [
                self._identify(matched.number) | {"rating": matched.rating, "time": matched.entry.time}
                for matched in outcome.films
                if matched.kind == "rating"
            ],
            "events": events,
            "event_times": times,
            **({"films": [self._describe_film(matched) for matched in outcome.films]} if outcome.journal.exact else {}),
        }

    def _describe_film(self, matched: MatchedEntry) -> dict[str, Any]:
        """Return a film of a whole history with its kind, rating and time."""
        described = self._describe(matched.number) | {"kind": matched.kind, "rating": matched.rating}
        return described | {"time": matched.entry.time, "source": matched.entry.source or None}

    def _identify(self, number: int) -> dict[str, Any]:
        catalog = self.catalog
        identity = {"movie": catalog.movies.listed[number], "title": catalog.title(number)}
        return identity | {"year": catalog.facts[number].year}

    def _describe(self, number: int) -> dict[str, Any]:
        return self._identify(number) | {"genres": self.catalog.facts[number].genres}

    def _describe_candidates(self, suggestion: Suggestion) -> dict[str, Any]:
        return {"candidates": [self._describe(at) for at in suggestion.numbers], "certain": suggestion.certain}


def suggest_movies(outcome: MatchedImport, catalog: Catalog, n: int | None = None) -> dict[str, Suggestion]:
    """Return candidates for the first `n` unmatched rows, by row."""
    matcher, taken = get_matcher(catalog), {matched.number for matched in outcome.films}
    return {each.entry.row: matcher.suggest(each.entry, taken) for each in outcome.unmatched[:n]}


def certain_picks(outcome: MatchedImport, catalog: Catalog) -> dict[str, object]:
    """Return the movie's ID by unmatched row whose first candidate is certain."""
    suggested = suggest_movies(outcome, catalog)
    return {row: catalog.movies.listed[each.numbers[0]] for row, each in suggested.items() if each.certain}


def _describe_unmatched(unmatched: MatchedEntry, source: str) -> dict[str, Any]:
    film = UnmatchedFilm.of(unmatched, source)
    return {"row": unmatched.entry.row, "film": film.row} | {
        name: value for name, value in film._asdict().items() if name != "row"
    }
