"""Facts of all movies of the catalog from TMDB, gathered in the background and kept in one file.

One movie is fetched at a time, the most rated first, at no more than the operator's rate, and through the cache of
details: a movie that somebody has opened isn't fetched again. So a restart goes on where the last run ended. Of several
workers one gathers, and the others read the file.
"""

import time
from collections import deque
from typing import Any

import numpy as np
import polars as pl
from pydantic import ValidationError

from cinematrix.common.atomic_files import write_atomically
from cinematrix.common.durations import DAY_SECONDS
from cinematrix.data.movie_facts import GATHERED
from cinematrix.errors import InputError
from cinematrix.service.logging import LOG
from cinematrix.service.settings import PosterSettings
from cinematrix.service.state import ServiceState
from cinematrix.service.tmdb import TMDB_ID
from cinematrix.service.tmdb_details import DetailsCache, TmdbDetails

FILE = "facts.parquet"
"""Name of the file, in the folder of the cached posters and details."""

MAX_DAYS = 183
"""Days after which TMDB's terms forbid to keep facts."""

SAVED_SHARE, SAVED_LEAST = 0.05, 50
"""New facts after which the file is written, as a share of the facts in it, and the minimum."""

SAVE_SECONDS = 600.0
"""Seconds after which new facts are written, however few."""

IDLE_SECONDS = 60.0
"""Seconds after which it is looked anew which movies are due, if none was."""

READ_SECONDS = 2.0
"""Interval at which the other workers look for a new file."""


class FactsGatherer:
    """Gatherer of facts. `run` fetches at most one movie; the supervisor calls it again and again."""

    def __init__(self, state: ServiceState, cache: DetailsCache, settings: PosterSettings) -> None:
        self._state, self._cache, self._settings = state, cache, settings
        self._file = settings.folder / FILE
        self._before: tuple[int, int] | None = None
        self._table, self._known = pl.DataFrame(schema=GATHERED), set[str]()
        self._new: dict[str, dict[str, Any]] = {}
        self._due, self._looked = deque[str](), float("-inf")
        self._saved, self._has_first = time.monotonic(), False

    @property
    def gathers(self) -> bool:
        """Return whether this worker gathers."""
        return self._state.group.number == 0

    @property
    def seconds(self) -> float:
        """Pause between two runs."""
        return 60 / self._settings.facts_rate if self.gathers else READ_SECONDS

    def run(self) -> None:
        """Take over a new file, fetch the next movie that is due, and write the file now and then."""
        self._read()
        if not self.gathers:
            return
        if not self._due:
            self._look_up_due()
        if self._due and not self._cache.is_paused:
            self._gather(self._due.popleft())
        if self._new and self._should_save():
            self._save()

    def _read(self) -> None:
        """Serve with the facts in the file, if it was replaced."""
        try:
            status = self._file.stat()
        except OSError:
            return
        if (status.st_ino, status.st_mtime_ns) == self._before:
            return
        self._before = status.st_ino, status.st_mtime_ns
        try:
            stored = pl.read_parquet(self._file)
            table = stored.with_columns(_without_certifications(stored)).select(list(GATHERED)).cast(GATHERED)
        except (OSError, pl.exceptions.PolarsError) as error:
            LOG.warning("%s can't be read, and facts are gathered anew: %s", self._file, type(error).__name__)
        else:
            self._take(table.filter(pl.col("fetched") > _days_ago(MAX_DAYS)))

    def _take(self, table: pl.DataFrame) -> None:
        self._table, self._known = table, set(table["tmdb"])
        served = (self._state.served_or_none, self._state.candidate)
        self._state.facts.take(table, [each for each in served if each is not None])

    def _look_up_due(self) -> None:
        """Queue the movies whose facts are missing or old, the most rated first."""
        served = self._state.served_or_none
        if served is None or time.monotonic() < self._looked + IDLE_SECONDS:
            return
        self._looked = time.monotonic()
        data, days = served.model.data, max(self._settings.details_days, 1)
        fresh = {*self._table.filter(pl.col("fetched") > _days_ago(days))["tmdb"], *self._new}
        ids = data.catalog.frame["tmdb"].to_list()
        ordered = (ids[place] for place in np.argsort(-data.raters, kind="stable").tolist())
        self._due.extend(dict.fromkeys(id_ for id_ in ordered if id_ and TMDB_ID.fullmatch(id_) and id_ not in fresh))

    def _gather(self, number: str) -> None:
        """Fetch the facts of a movie; after a failure it is tried again later."""
        result = self._cache.gather(number)
        if result is None:
            self._due.append(number)
            return
        self._has_first |= number not in self._known
        self._new[number] = facts_row(number, *result)

    def _should_save(self) -> bool:
        enough = len(self._new) >= max(SAVED_LEAST, SAVED_SHARE * len(self._table))
        complete = not self._due and self._has_first
        return enough or complete or time.monotonic() > self._saved + SAVE_SECONDS

    def _save(self) -> None:
        """Write the new facts to the file, and serve with them, even if it can't be written."""
        new = pl.DataFrame(list(self._new.values()), GATHERED, orient="row")
        others = ~pl.col("tmdb").is_in(list(self._new)) & (pl.col("fetched") > _days_ago(MAX_DAYS))
        table = pl.concat([self._table.filter(others), new])
        self._new, self._has_first, self._saved = {}, False, time.monotonic()
        try:
            with write_atomically(self._file, force=True) as temporary:
                table.write_parquet(temporary)
            status = self._file.stat()
            self._before = status.st_ino, status.st_mtime_ns
        except (OSError, InputError, pl.exceptions.PolarsError) as error:
            LOG.warning("the facts of movies can't be written: %s", error)
        self._take(table)


def _without_certifications(stored: pl.DataFrame) -> list[pl.Expr]:
    """Return the column that a file of an earlier version lacks; its movies get it when they are fetched anew."""
    missing = pl.lit(None, GATHERED["certifications"]).alias("certifications")
    return [] if "certifications" in stored.columns else [missing]


def facts_row(number: str, content: bytes, fetched: float) -> dict[str, Any]:
    """Return the row of `GATHERED` for a movie's cached details; blank where TMDB has none."""
    try:
        details = TmdbDetails.model_validate_json(content) if content else None
    except ValidationError:
        details = None
    row: dict[str, Any] = dict.fromkeys(GATHERED) | {"tmdb": number, "fetched": int(fetched)}
    if details is None:
        return row
    services = [f"{country} {name}" for country, offers in details.watch.items() for name in offers.stream]
    return row | {
        "runtime": details.minutes, "languages": [details.language] if details.language else [],
        "original_title": details.original_title, "directors": details.directors, "cast": details.cast,
        "services": services,
        "certifications": [f"{country}:{label}" for country, label in details.certifications.items()],
    }  # fmt: skip


def _days_ago(days: float) -> int:
    return int(time.time() - days * DAY_SECONDS)
