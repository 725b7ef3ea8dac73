"""Numbers of people that the service shows or filters by. They change in batches, so that nobody alone moves them."""

import numpy as np
from numpy.typing import NDArray

from cinematrix.data.ratings import nearest_levels
from cinematrix.recommendation.lists import Filters
from cinematrix.service.schemas import FilterOptions
from cinematrix.service.served_model import ServedModel
from cinematrix.store.records import Store
from cinematrix.store.statistics import Counts, publish, publish_total

USERS, RATINGS = " users", " ratings"
"""Names of the totals among the statistics. No ID begins with a space."""


def count_raters(served: ServedModel, movie: int | None = None) -> dict[str, Counts]:
    """Return the current raters of a movie (None: of each) by ID and step of the scale; without stars all in one."""
    data, history = served.model.data, served.model.data.history
    rows = slice(None) if movie is None else np.flatnonzero(history.items == movie)
    items, n = history.items[rows].astype(np.int64), 1
    levels = np.zeros(len(items), np.int64)
    if data.scale is not None and history.values is not None:
        levels, n = nearest_levels(data.scale, history.values[rows]), len(data.scale.levels())
    counts = np.bincount(items * n + levels, minlength=len(data.movies) * n).reshape(-1, n)
    numbers = range(len(counts)) if movie is None else [movie]
    return {str(data.movies.ids[number]): counts[number].tolist() for number in numbers}


def published_raters(store: Store, served: ServedModel) -> NDArray[np.int64]:
    """Return the published number of raters of each movie, `[movies]`, those of the movies' own pages."""
    if "raters" not in served.published:
        counts = publish(store, count_raters(served)).values()
        served.published["raters"] = np.array([sum(each) for each in counts], np.int64)
    return served.published["raters"]


def published_totals(store: Store, served: ServedModel) -> tuple[int, int]:
    """Return the published numbers of users and of ratings in the model's training data."""
    if "totals" not in served.published:
        data = served.model.data
        sizes = np.diff(data.history.starts)
        people = int(np.count_nonzero(sizes))
        totals = [
            publish_total(store, USERS, people, len(data.users), 1),
            publish_total(store, RATINGS, people, len(data.history.items), int(sizes.max(initial=1))),
        ]
        served.published["totals"] = np.array(totals)
    users, ratings = served.published["totals"].tolist()
    return users, ratings


def list_filters(store: Store, served: ServedModel, wanted: FilterOptions, exclude: tuple[object, ...]) -> Filters:
    """Return the filters of a requested list. `min_ratings` counts published raters."""
    few = wanted.min_ratings
    allowed = published_raters(store, served) >= few if few else None
    return Filters(wanted.where, exclude=exclude, allowed=allowed)
