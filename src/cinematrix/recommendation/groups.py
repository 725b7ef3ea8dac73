"""One list for several people: what all of them would like, or what none of them would mind.

Scores of different people aren't on one footing: a model gives somebody with long or generous histories higher ones,
and spreads them more widely for one than for another, so that sums would be decided by whoever's scores differ most
and minima by whoever rates lowest. Each member's scores therefore count in standard deviations from her own mean over
the movies that the group may get: how far a movie stands out among these, for her. What is aggregated then are the
members' own lists (Jameson & Smyth, *Recommendation to Groups*, 2007), by one of two strategies of Masthoff (*Group
Modeling*, UMUAI 2004): the average, which people use most and find fair, or the least misery.
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
from cinematrix.recommendation.lists import Filters, Reason, Recommendation, check_order, describe_movies

GroupStrategy = Literal["average", "least_misery"]

STRATEGIES: dict[str, Callable[..., Any]] = {"average": np.mean, "least_misery": np.min}
"""From `[members, movies]` to what orders the group's list, `[movies]`."""


@dataclass(frozen=True)
class Opinion:
    """What one member is expected to think of a movie, and why; as in a `Recommendation` for her alone."""

    stars: float
    low: float | None
    high: float | None
    because: list[Reason]


@dataclass(frozen=True)
class GroupRecommendation:
    """One line of a group's list.

    Attributes:
        movie, title, year, genres: as in a `Recommendation`.
        score: what the list is ordered by, in standard deviations; 0 is a movie like any other.
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
    """A list and, where it is shorter than asked for, why."""

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
    """The best `n` movies for all people of `members` together; none that one of them has seen.

    Args:
        members: one history each, of a known user or a stranger.
        how: what makes one score of theirs: `average`, or `least_misery`, the lowest of them.
        by: which scores; None: by ranking.
        filters: which movies may be recommended; a veto is an ID in its `exclude`.

    Raises:
        SettingError: nobody is in the group, there is no such `how`, or what `recommend` refuses.
    """
    by = by or "ranking"
    check_order(model, by)
    if how not in STRATEGIES or not members:
        raise SettingError(
            f"a group of {len(members)} can't decide by {how!r}; give people, and average or least_misery"
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
    alone = [describe_movies(model, history, movies, scores, by) for history in members]
    return [_line(lines) for lines in zip(*alone, strict=True)]


def _line(lines: Sequence[Recommendation]) -> GroupRecommendation:
    """One movie's line from what is said of it to each member."""
    one = lines[0]
    opinions = [Opinion(line.stars, line.low, line.high, line.because) for line in lines]
    return GroupRecommendation(one.movie, one.title, one.year, one.genres, one.score, opinions)


def _shortfall(n: int, found: int, known: TrainingData) -> str | None:
    if found == n:
        return None
    return f"{found} of {n} movies: the filters and what members have seen leave {found:,} of {len(known.movies):,}"
