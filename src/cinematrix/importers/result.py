"""Keeping what a journal says, and what came of each of its rows."""

from collections import Counter
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

from cinematrix.data.catalog import Catalog
from cinematrix.data.ratings import Scale
from cinematrix.importers.matching import get_matcher
from cinematrix.importers.outcome import MatchedEntry, MatchedImport

MAX_CANDIDATE_ROWS = 500
"""Unmatched rows for which films are looked up that may be meant: nobody goes through more."""

EVENT_KINDS = ("seen", "watchlist", "like")


class ImportRecords(NamedTuple):
    """What there is to keep of a journal, in the store's words.

    Attributes:
        ratings: movie, steps of the scale, and the time in seconds, if told.
        events: movie and kind.
    """

    ratings: list[tuple[str, int, int | None]]
    events: list[tuple[str, str]]

    @classmethod
    def of(cls, outcome: MatchedImport, catalog: Catalog, scale: Scale | None) -> Self:
        """Of a journal that was matched to a catalog; without a scale there are no ratings."""
        found = cls([], [])
        for said in outcome.films:
            movie = str(catalog.movies.ids[said.number])
            if said.rating is not None and scale is not None:
                found.ratings.append((movie, round(said.rating / scale.step), said.entry.time))
            else:
                found.events.append((movie, said.kind))
        return found


@dataclass(frozen=True)
class MergeCounts:
    """How many ratings and events are new, replace another rating, and change nothing."""

    created: int
    updated: int
    unchanged: int


def add_merge_counts(counts: dict[str, int], merged: MergeCounts | None) -> dict[str, int]:
    """Counts as they are once what was imported is merged into what was known before."""
    if merged is None:
        return counts
    known = counts["duplicates"] + merged.unchanged
    return counts | {"imported": merged.created, "updated": merged.updated, "duplicates": known}


@dataclass(frozen=True)
class ImportResult:
    """What an import is answered with.

    Attributes:
        merged: what was new and what wasn't; None if nothing was kept, and so all was new.
    """

    outcome: MatchedImport
    catalog: Catalog
    merged: MergeCounts | None = None

    @property
    def counts(self) -> dict[str, int]:
        """Rows read, and what became of them: the others add up to `read`."""
        outcome = self.outcome
        counts = {
            "read": outcome.journal.read,
            "imported": len(outcome.films),
            "updated": 0,
            "duplicates": outcome.duplicates,
            "skipped": len(outcome.journal.skipped),
            "unmatched": len(outcome.unmatched),
        }
        return add_merge_counts(counts, self.merged)

    @property
    def reasons(self) -> dict[str, int]:
        """How many rows were skipped for which reason."""
        return dict(Counter(each.reason for each in self.outcome.journal.skipped).most_common())

    def candidates(self) -> dict[str, list[int]]:
        """The numbers of films that may be meant, by unmatched row; none beyond the first `MAX_CANDIDATE_ROWS`."""
        finder, rows = get_matcher(self.catalog), [said.entry for said in self.outcome.unmatched]
        return {entry.row: finder.candidates(entry) if at < MAX_CANDIDATE_ROWS else [] for at, entry in enumerate(rows)}

    def as_dict(self) -> dict[str, Any]:
        """All of it for JSON; the lists of skipped and unmatched rows stand in place of their numbers."""
        return self.counts | self.rows()

    def rows(self) -> dict[str, Any]:
        """All but the counts."""
        outcome, near, ids = self.outcome, self.candidates(), self.catalog.movies.listed
        events: dict[str, list[Any]] = {kind: [] for kind in EVENT_KINDS}
        for said in outcome.films:
            if said.kind != "rating":
                events[said.kind].append(ids[said.number])
        return {
            "source": outcome.journal.source,
            "warnings": outcome.journal.warnings,
            "skipped": [{"row": s.row, "reason": s.reason, "title": s.title} for s in outcome.journal.skipped],
            "unmatched": [
                _unmatched(said) | {"candidates": [self._film(at) for at in near[said.entry.row]]}
                for said in outcome.unmatched
            ],
            "ratings": [
                self._named(said.number) | {"rating": said.rating, "time": said.entry.time}
                for said in outcome.films
                if said.kind == "rating"
            ],
            "events": events,
        }

    def _named(self, number: int) -> dict[str, Any]:
        catalog = self.catalog
        named = {"movie": catalog.movies.listed[number], "title": catalog.title(number)}
        return named | {"year": catalog.facts[number].year}

    def _film(self, number: int) -> dict[str, Any]:
        return self._named(number) | {"genres": self.catalog.facts[number].genres}


def _unmatched(said: MatchedEntry) -> dict[str, Any]:
    entry = said.entry
    return {
        "row": entry.row, "kind": said.kind, "title": entry.title, "year": entry.year, "rating": said.rating,
        "time": entry.time,
    }  # fmt: skip
