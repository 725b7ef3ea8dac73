"""Training data of a refit: the model's own, overlaid with what the store has.

A model of plain interactions learns from the events of its users: movies seen and liked count as watched, as often as
they were played. A movie of no interest doesn't count, and the watchlist, which is an intention, doesn't either.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cinematrix.common.durations import DAY_MS
from cinematrix.data.catalog import Catalog, build_catalog
from cinematrix.data.ids import UNKNOWN, IdMap, parse_id
from cinematrix.data.rating_updates import RatingUpdates, apply_updates
from cinematrix.data.ratings import Ratings
from cinematrix.lifecycle.shilling import find_suspicious_profiles
from cinematrix.models.base import Recommender
from cinematrix.store.movies import list_movies
from cinematrix.store.records import WATCHED_EVENTS, Store
from cinematrix.store.refits import find_forgotten_users, iterate_rows
from cinematrix.store.tables import EVENTS, RATINGS


class StoredRow(NamedTuple):
    """A rating or an interaction in the store, or the deletion of one.

    Attributes:
        value: the rating in steps of the scale, or the number of plays; None: deleted.
        time: UTC epoch seconds, of the receipt where the client gave none.
        received: epoch milliseconds.
    """

    user: str
    movie: str
    value: int | None
    time: int
    received: int


@dataclass(frozen=True, eq=False)
class RetrainingData:
    """Training data of a refit.

    Attributes:
        ratings: the model's training ratings or interactions, overlaid with the store's.
        received: int64 `[len(ratings)]`, epoch milliseconds at which the store received each; 0 for training ratings.
        fresh: bool `[len(ratings)]`, mask of the ratings whose (user, movie) pair isn't in the model's training data.
        catalog: catalog of all movies.
        suspects: profiles that are left out, from user ID to reason.
    """

    ratings: Ratings
    received: NDArray[np.int64]
    fresh: NDArray[np.bool_]
    catalog: Catalog
    suspects: dict[str, str] = field(default_factory=dict)

    def without_suspects(self, learned: IdMap) -> "RetrainingData":
        """Return the data without suspicious profiles among the users not in `learned`, the model's users."""
        if self.ratings.scale is None:  # attacks are told by their ratings
            return self
        new = learned.numbers(self.ratings.users.ids) == UNKNOWN
        profiles = find_suspicious_profiles(self.ratings, new)
        trusted = ~np.isin(self.ratings.user, [profile.user for profile in profiles])
        ratings = self.ratings.take(trusted)
        users, movies = ratings.users.ids[ratings.user], ratings.movies.ids[ratings.movie]
        ratings = Ratings.from_arrays(users, movies, ratings.rating, ratings.time, scale=ratings.scale)
        suspects = {str(self.ratings.users.ids[profile.user]): profile.why for profile in profiles}
        received, fresh = self.received[trusted], self.fresh[trusted]
        return replace(self, ratings=ratings, received=received, fresh=fresh, suspects=suspects)

    def held_out(self, days: float) -> NDArray[np.bool_]:
        """Return the mask of the fresh ratings of the last days, at most the later half. bool `[len(ratings)]`."""
        if not self.fresh.any():
            return self.fresh
        received = self.received[self.fresh]
        cut = max(received.max() - days * DAY_MS, np.median(received))
        return np.asarray(self.fresh & (self.received >= cut), bool)


def gather_data(model: Recommender, store: Store) -> RetrainingData:
    """Combine the model's training data, without those of forgotten users, with the store's of catalog movies."""
    known, scale = model.data, model.data.scale
    catalog = known.catalog.updated(build_catalog(list_movies(store), known.movies))
    movies, rows = catalog.movies, _read_interactions(store) if scale is None else _read_ratings(store)
    if rows:
        in_catalog = movies.numbers([row.movie for row in rows]) != UNKNOWN
        rows = [row for row, included in zip(rows, in_catalog.tolist(), strict=True) if included]
    forgotten = known.users.numbers(list(find_forgotten_users(store, map(str, known.users.ids.tolist()))))
    users = known.users.extend([parse_id(known.users, row.user) for row in rows])
    before = RatingUpdates.of(known.history, known.times)
    since = _make_updates(rows, users, movies, 1.0 if scale is None else scale.step)
    if scale is None:
        since = _keep_larger_counts(before, since, len(movies))
    merged = apply_updates(before.take(~np.isin(before.user, forgotten[forgotten != UNKNOWN])), since)
    times, ids = merged.time if known.times is not None else None, (users.ids[merged.user], movies.ids[merged.movie])
    ratings = (
        Ratings.from_arrays(*ids, None, times, counts=None if np.all(merged.rating == 1) else merged.rating)
        if scale is None
        else Ratings.from_arrays(*ids, merged.rating, times, scale=scale)
    )
    trained = np.isin(merged.pairs(len(movies)), before.pairs(len(movies)))
    return RetrainingData(ratings, merged.received, (merged.received > 0) & ~trained, catalog)


def _read_ratings(store: Store) -> list[StoredRow]:
    return [StoredRow(row.user, row.movie, row.steps, _time(row), row.received) for row in iterate_rows(store, RATINGS)]


def _read_interactions(store: Store) -> list[StoredRow]:
    """Return the interactions in the store by pair of user and movie. What a user refused is none."""
    found = {
        (row.user, row.movie): StoredRow(row.user, row.movie, None, _time(row), row.received)
        for row in iterate_rows(store, RATINGS)
        if row.steps is None
    }
    refused = set[tuple[str, str]]()
    for row in iterate_rows(store, EVENTS):
        pair = row.user, row.movie
        before = found.get(pair)
        if row.kind == "not_interested":
            refused.add(pair)
        if row.kind in (*WATCHED_EVENTS, "not_interested"):
            plays = max(row.plays or 1, (before and before.value) or 1)
            times = [_time(row), row.received] if before is None else np.maximum(before[3:], [_time(row), row.received])
            found[pair] = StoredRow(*pair, plays, *map(int, times))
    return [row._replace(value=None) if pair in refused else row for pair, row in found.items()]


def _time(row: Any) -> int:
    return int(row.received // 1000 if row.given is None else row.given)


def _make_updates(rows: Sequence[StoredRow], users: IdMap, movies: IdMap, step: float) -> RatingUpdates:
    """Convert the store's rows to rating updates."""
    return RatingUpdates(
        users.numbers([row.user for row in rows]),
        movies.numbers([row.movie for row in rows]),
        np.array([np.nan if row.value is None else row.value * step for row in rows], np.float32),
        np.array([row.time for row in rows], np.int64),
        np.array([row.received for row in rows], np.int64),
    )


def _keep_larger_counts(before: RatingUpdates, since: RatingUpdates, n_movies: int) -> RatingUpdates:
    """Return the updates with the counts of the training data where these are larger.

    Sums would grow with each refit, since the training data of the next one include these counts.
    """
    _, old, new = np.intersect1d(before.pairs(n_movies), since.pairs(n_movies), return_indices=True)
    counts = since.rating.copy()
    counts[new] = np.maximum(counts[new], before.rating[old])  # NaN, a deletion, stays
    return since._replace(rating=counts)
