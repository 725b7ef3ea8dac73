"""Keeping what a journal says, and what came of each of its rows."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from cinematrix.catalog import Catalog
from cinematrix.journals.matching import matcher
from cinematrix.journals.outcome import Outcome, Said
from cinematrix.ratings import Scale
from cinematrix.store.merging import Merged, merge
from cinematrix.store.records import Rating

MOST_OFFERED = 500
"""Unmatched rows for which films are looked up that may be meant: nobody goes through more."""

EVENTS = ("seen", "watchlist", "like")


def keep(connection: Connection, user: str, outcome: Outcome, catalog: Catalog, scale: Scale | None) -> Merged:
    """Keep an outcome for a user in the caller's transaction, all of it or nothing; again, it changes nothing."""
    ratings, events = [], []
    for said in outcome.films:
        movie = str(catalog.movies.ids[said.number])
        if said.rating is not None and scale is not None:
            ratings.append(Rating(user, movie, round(said.rating / scale.step), said.entry.time))
        else:
            events.append((movie, said.kind))
    return merge(connection, user, ratings, events)


@dataclass(frozen=True)
class Result:
    """What an import is answered with.

    Attributes:
        merged: what was new and what wasn't; None if nothing was kept, and so all was new.
    """

    outcome: Outcome
    catalog: Catalog
    merged: Merged | None = None

    @property
    def counts(self) -> dict[str, int]:
        """Rows read, and what became of them: the others add up to `read`."""
        outcome = self.outcome
        merged = self.merged or Merged(len(outcome.films), 0, 0)
        return {
            "read": outcome.journal.read,
            "imported": merged.created,
            "updated": merged.updated,
            "duplicates": outcome.duplicates + merged.unchanged,
            "skipped": len(outcome.journal.skipped),
            "unmatched": len(outcome.unmatched),
        }

    @property
    def reasons(self) -> dict[str, int]:
        """How many rows were skipped for which reason."""
        return dict(Counter(each.reason for each in self.outcome.journal.skipped).most_common())

    def candidates(self) -> dict[str, list[int]]:
        """The numbers of films that may be meant, by unmatched row; none beyond the first `MOST_OFFERED`."""
        finder, rows = matcher(self.catalog), [said.entry for said in self.outcome.unmatched]
        return {entry.row: finder.candidates(entry) if at < MOST_OFFERED else [] for at, entry in enumerate(rows)}

    def as_dict(self) -> dict[str, Any]:
        """All of it for JSON; the lists of skipped and unmatched rows stand in place of their numbers."""
        outcome, near, ids = self.outcome, self.candidates(), self.catalog.movies.listed
        events: dict[str, list[Any]] = {kind: [] for kind in EVENTS}
        for said in outcome.films:
            if said.kind != "rating":
                events[said.kind].append(ids[said.number])
        return self.counts | {
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


def _unmatched(said: Said) -> dict[str, Any]:
    entry = said.entry
    return {
        "row": entry.row, "kind": said.kind, "title": entry.title, "year": entry.year, "rating": said.rating,
        "time": entry.time,
    }  # fmt: skip
