"""Numbers of people that the service shows or filters by. They change in batches, so that nobody alone moves them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cinematrix.recommendation.lists import Filters
from cinematrix.service.schemas import FilterOptions
from cinematrix.service.served_model import ServedModel
from cinematrix.service.state import ServiceState
from cinematrix.store.records import Store
from cinematrix.store.statistics import Counts, publish, publish_total

USERS, RATINGS = " users", " ratings"
"""Names of the totals among the statistics. No ID begins with a space."""


def publish_counts(store: Store, served: ServedModel, numbers: Sequence[int]) -> list[Counts]:
    """Return the published ratings of each movie by level of the scale; without stars its raters."""
    names = [str(served.model.data.movies.ids[number]) for number in numbers]
    counts = publish(store, dict(zip(names, served.level_counts[list(numbers)].tolist(), strict=True)))
    return [counts[name] for name in names]


def published_raters(store: Store, served: ServedModel) -> NDArray[np.int64]:
    """Return the published number of raters of each movie, `[movies]`, those of the movies' own pages."""
    if "raters" not in served.published:
        every = publish_counts(store, served, range(len(served.model.data.movies)))
        served.published["raters"] = np.array([sum(each) for each in every], np.int64)
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


def list_filters(
    state: ServiceState, served: ServedModel, wanted: FilterOptions, exclude: tuple[object, ...]
) -> Filters:
    """Return the filters of a requested list. `min_ratings` counts published raters."""
    allowed = state.facts.of(served).mask(wanted.facts)
    if wanted.min_ratings:
        rated = published_raters(state.store, served) >= wanted.min_ratings
        allowed = rated if allowed is None else allowed & rated
    return Filters(wanted.where, exclude=exclude, allowed=allowed)
