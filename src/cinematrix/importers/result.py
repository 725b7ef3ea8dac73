"""Results of an import: records for the store, and the outcome of every row."""

from dataclasses import dataclass
from typing import Any, NamedTuple, Self

from cinematrix.data.catalog import Catalog
from cinematrix.data.ratings import Scale
from cinematrix.importers.matching import UNSURE_RULES, Suggestion, get_matcher
from cinematrix.importers.outcome import MatchedEntry, MatchedImport

MAX_CANDIDATE_ROWS = 500
"""Maximum unmatched rows with candidates; users don't go through more."""

EVENT_KINDS = ("seen", "watchlist", "like")
"""Kinds of events that an import may have."""


class ImportRecords(NamedTuple):
    """Records of an import for the store.

    Attributes:
        ratings: movie, steps of the scale, and the time in epoch seconds, if known.
        events: movie, kind, and the time in epoch seconds, if known.
        source: name of the source, by which a repeated upload is recognised.
    """

    ratings: list[tuple[str, int, int | None]]
    events: list[tuple[str, str, int | None]]
    source: str | None = None

    @classmethod
    def of(cls, outcome: MatchedImport, catalog: Catalog, scale: Scale | None) -> Self:
        """Build the records of a matched import; without a scale there are no ratings."""
        records = cls([], [], outcome.journal.source)
        for matched in outcome.films:
            movie = str(catalog.movies.ids[matched.number])
            if matched.rating is not None and scale is not None:
                records.ratings.append((movie, round(matched.rating / scale.step), matched.entry.time))
            else:
                records.events.append((movie, matched.kind, matched.entry.time))
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
        events: dict[str, list[Any]] = {kind: [] for kind in EVENT_KINDS}
        times: dict[str, dict[str, int]] = {kind: {} for kind in EVENT_KINDS}
        for matched in outcome.films:
            if matched.kind != "rating":
                movie = ids[matched.number]
                events[matched.kind].append(movie)
                times[matched.kind] |= {} if matched.entry.time is None else {str(movie): matched.entry.time}
        return {
            "source": outcome.journal.source,
            "warnings": outcome.journal.warnings,
            "unlisted": dict(outcome.journal.unlisted),
            "skipped": [{"row": s.row, "reason": s.reason, "title": s.title} for s in outcome.journal.skipped],
            "unmatched": [
                _describe_unmatched(row) | self._describe_candidates(suggestions[row.entry.row])
                for row in outcome.unmatched
            ],
            "newer": [_describe_unmatched(row) for row in outcome.newer],
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
        }

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


def _describe_unmatched(unmatched: MatchedEntry) -> dict[str, Any]:
    entry = unmatched.entry
    return {
        "row": entry.row, "kind": unmatched.kind, "title": entry.title, "year": entry.year,
        "rating": unmatched.rating, "time": entry.time,
    }  # fmt: skip
