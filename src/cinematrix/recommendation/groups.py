"""Group recommendation: one list for several users, by average or least misery.

Scores of different users aren't comparable. Their mean and spread depend on the length and generosity of the history,
so the member with the widest spread would decide a sum, and the member with the lowest ratings a minimum. Each member's
scores are therefore standardised over the movies that the group may get. They are aggregated (Jameson & Smyth,
*Recommendation to Groups*, 2007) by one of two strategies of Masthoff (*Group Modeling*, UMUAI 2004): the average,
which people use most and find fair, or the least misery (the minimum).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cinematrix.common.vectors import standardise
from cinematrix.data.histories import Histories
from cinematrix.data.ids import Numbers
from cinematrix.data.training_data import TrainingData
from cinematrix.errors import SettingError
from cinematrix.metrics.top_n import top_n
from cinematrix.models.base import Ordering, Recommender
from cinematrix.recommendation.lists import Filters, Recommendation, check_order, describe_movies
from cinematrix.recommendation.reasons import Reason

GroupStrategy = Literal["average", "least_misery"]

STRATEGIES: dict[str, Callable[..., Any]] = {"average": np.mean, "least_misery": np.min}
"""Aggregation of the members' scores by strategy, from `[members, movies]` to `[movies]`."""


@dataclass(frozen=True)
class Opinion:
    """One member's expected rating of a movie, interval and reasons, as in a `Recommendation` for them alone."""

    stars: float
    low: float | None
    high: float | None
    because: list[Reason]


@dataclass(frozen=True)
class GroupRecommendation:
    """One movie of a group's list.

    Attributes:
        movie, title, year, genres: as in a `Recommendation`.
        score: aggregated score that orders the list, in standard deviations from the average movie.
        members: each member's opinion, in the order of the members.
    """

    movie: int | str
    title: str
    year: int | None
    genres: list[str]
    score: float
    members: list[Opinion]


@dataclass(frozen=True)
class GroupRecommendations:
    """A group's list, and the reason if it is shorter than requested."""

    items: list[GroupRecommendation]
    shortfall: str | None


def recommend_for_group(
    model: Recommender,
    members: Sequence[Histories],
    n: int = 10,
    *,
    how: GroupStrategy = "average",
    by: Ordering | None = None,
    filters: Filters | None = None,
) -> GroupRecommendations:
    """Return the top-`n` movies for the group of `members`, none of which a member has seen.

    Args:
        members: one history a member.
        how: aggregation of the members' scores: `average`, or `least_misery` (the lowest).
        by: the scores to aggregate; None: by ranking.
        filters: conditions on the movies; a veto is an ID in its `exclude`.

    Raises:
        SettingError: an empty group, an unknown `how`, or what `recommend` refuses.
    """
    by = by or "ranking"
    check_order(model, by)
    if how not in STRATEGIES or not members:
        raise SettingError(
            f"a group of {len(members)} can't decide by {how!r}; give members, and average or least_misery"
        )
    scores = np.concatenate([model.score(history, by=by) for history in members])
    allowed = (filters or Filters()).mask(model.data) & np.isfinite(scores).all(0)
    for history in members:
        allowed[history.items] = False
    joint = np.full(len(allowed), -np.inf, np.float32)
    joint[allowed] = STRATEGIES[how]([standardise(row[allowed].astype(np.float64)) for row in scores], axis=0)
    ranked = top_n(joint[None], min(n, len(allowed)))
    movies = ranked.movies[0, : ranked.lengths[0]]
    items = _lines(model, members, movies, ranked.scores[0], by)
    return GroupRecommendations(items, _shortfall(n, len(items), model.data))


def _lines(
    model: Recommender, members: Sequence[Histories], movies: Numbers, scores: NDArray[np.float32], by: Ordering
) -> list[GroupRecommendation]:
    lists = [describe_movies(model, history, movies, scores, by) for history in members]
    return [_line(lines) for lines in zip(*lists, strict=True)]


def _line(lines: Sequence[Recommendation]) -> GroupRecommendation:
    """Combine the members' recommendations of one movie."""
    first = lines[0]
    opinions = [Opinion(line.stars, line.low, line.high, line.because) for line in lines]
    return GroupRecommendation(first.movie, first.title, first.year, first.genres, first.score, opinions)


def _shortfall(n: int, found: int, known: TrainingData) -> str | None:
    if found == n:
        return None
    return f"{found} of {n} movies: the filters and what members have seen leave {found:,} of {len(known.movies):,}"
