"""Group recommendation: one list for several users, by average or least misery.

The list is made in two steps:

1. **Movies that suit all.** Of the movies that every member is expected to rate at or above their own mean
   (`expectation`), the `POOL` best by the members' mean score. The mean of all users, if it is lower, stands in for
   a member who gave all movies the same rating: a friend known by three loved movies would else be pleased by nothing.
   Scores of different users aren't comparable: their mean and spread depend on the length and generosity of the
   history. Each member's scores are therefore standardised over these movies.
2. **Order.** By the lowest expected rating of a member (least misery: nobody is unhappy), or by the mean of the
   expected ratings (average). These are two of the strategies of Masthoff (*Group Modeling*, UMUAI 2004), on ratings
   rounded as they are shown, so that the order agrees with what people see. Ties are broken by the mean score.

If too few movies suit all, those are added that suit the most members, and `GroupRecommendations.below` counts them.
A model of plain interactions has no stars and no mean of ratings: every movie suits all, and the pool is ordered by the
lowest or the mean standardised score, since chances depend on how much a member watches.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cinematrix.common.vectors import standardise
from cinematrix.data.histories import Histories
from cinematrix.data.ids import Numbers
from cinematrix.errors import SettingError
from cinematrix.metrics.liking import is_below
from cinematrix.metrics.top_n import RankedLists
from cinematrix.models.base import Recommender
from cinematrix.models.orders import ListOrder, resolve_order, score_lists
from cinematrix.recommendation.expectation import expected_stars, own_mean, round_as_shown
from cinematrix.recommendation.lists import Filters, Recommendation, describe_movies
from cinematrix.recommendation.reasons import Reason
from cinematrix.recommendation.reranking import Reranking

Float64 = NDArray[np.float64]

GroupStrategy = Literal["average", "least_misery"]

STRATEGIES: dict[str, Callable[..., Any]] = {"average": np.mean, "least_misery": np.min}
"""Aggregation of the members' expected ratings by strategy, from `[members, movies]` to `[movies]`."""

POOL = 30
"""Movies chosen by mean score and then ordered by expected ratings; more if the list is longer."""

CANDIDATES, TOP_RANKS = 200, 1_000
"""Movies whose expected ratings are computed first, and ranks of each member that count in choosing them."""


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
        score: what orders the list: the lowest or the mean expected rating of the members, as shown; without stars
            the lowest or the mean score, in standard deviations.
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
    """A group's list.

    Attributes:
        items: the movies, best first.
        shortfall: the reason for a short list; None if it is as long as requested.
        below: listed movies that a member is expected to rate below their own mean, because too few others are left.
    """

    items: list[GroupRecommendation]
    shortfall: str | None
    below: int = 0

    @property
    def note(self) -> str | None:
        """The number of movies below a member's mean, in words; None if there are none."""
        if not self.below:
            return None
        return f"{self.below} of these {len(self.items)} movies are expected below somebody's own mean: too few aren't"


def recommend_for_group(
    model: Recommender,
    members: Sequence[Histories],
    n: int = 10,
    *,
    how: GroupStrategy = "average",
    by: ListOrder | None = None,
    filters: Filters | None = None,
    dials: Reranking | None = None,
) -> GroupRecommendations:
    """Return the top-`n` movies for the group of `members`, none of which a member has seen.

    Args:
        members: one history a member.
        how: order by the mean of the members' expected ratings (`average`) or by the lowest (`least_misery`).
        by: the scores that choose the movies; None: the default order.
        filters: conditions on the movies; a veto is an ID in its `exclude`.
        dials: novelty and diversity of the movies, chosen out of a larger pool by the members' mean scores; the order
            stays that of `how`. None: the best movies by mean score. The group's mix isn't calibrated.

    Raises:
        SettingError: an empty group, an unknown `how`, or what `recommend` refuses.
    """
    by = resolve_order(model, by)
    if how not in STRATEGIES or not members:
        raise SettingError(
            f"a group of {len(members)} can't decide by {how!r}; give members, and average or least_misery"
        )
    if n < 1:
        raise SettingError(f"n is {n}; n must be at least 1")
    mask = (filters or Filters()).mask(model.data)
    scores = np.concatenate([score_lists(model, history, by=by, among=mask) for history in members])
    seen = np.zeros(len(mask), bool)
    seen[np.concatenate([history.items for history in members])] = True
    unseen = np.flatnonzero(mask & ~seen & np.isfinite(scores).all(0)).astype(np.int32)
    pool = _choose_pool(model, members, scores, unseen, n, dials or Reranking())
    listed, key = pool.rank(how, n, stars=model.data.scale is not None)
    items = _lines(model, members, listed, key, by)
    return GroupRecommendations(items, _shortfall(n, len(items), mask, seen), int(np.count_nonzero(listed.unsuited)))


class _Pool(NamedTuple):
    """Movies that may be listed.

    Attributes:
        movies: numbers of the movies.
        scores: `[members, movies]`, standardised scores.
        stars: `[members, movies]`, expected ratings.
        unsuited: number of members who are expected to rate the movie below their own mean.
    """

    movies: Numbers
    scores: Float64
    stars: Float64
    unsuited: NDArray[np.int64]

    def take(self, places: NDArray[Any]) -> "_Pool":
        """Return the movies at `places`."""
        return _Pool(self.movies[places], self.scores[:, places], self.stars[:, places], self.unsuited[places])

    def standardised(self) -> "_Pool":
        """Return the pool with the scores of each member standardised over its movies."""
        return self._replace(scores=np.array([standardise(row) for row in self.scores]))

    def rank(self, how: GroupStrategy, n: int, *, stars: bool) -> tuple["_Pool", Float64]:
        """Return the `n` best movies in order, and the values that order them."""
        key = STRATEGIES[how](round_as_shown(self.stars) if stars else self.scores, axis=0).round(6)
        order = np.lexsort((self.movies, -self.scores.mean(0), -key))[:n]
        return self.take(order), key[order]


def _choose_pool(
    model: Recommender,
    members: Sequence[Histories],
    scores: NDArray[np.float32],
    unseen: Numbers,
    n: int,
    dials: Reranking,
) -> _Pool:
    """Return the best movies by mean score that suit all, or those that `dials` choose; `n` if fewer suit all."""
    found = _expect(model, members, scores, _best_by_rank(scores, unseen, CANDIDATES * max(1, n // POOL)))
    if np.count_nonzero(found.unsuited == 0) < min(n, len(unseen)):
        found = _expect(model, members, scores, unseen)
    n_suited = np.count_nonzero(found.unsuited == 0)
    if n_suited >= n:
        found = found.take(np.flatnonzero(found.unsuited == 0))
    pool = found.standardised()
    best = np.lexsort((-pool.scores.mean(0), pool.unsuited))
    if dials.is_off:
        return pool.take(best[: max(n, min(POOL, n_suited))])
    return _rerank(model, pool.take(best[: max(n, min(dials.pool(n), n_suited))]), n, dials)


def _rerank(model: Recommender, pool: _Pool, n: int, dials: Reranking) -> _Pool:
    """Return the `n` movies of a pool that novelty and diversity choose."""
    ranked = RankedLists(pool.movies[np.newaxis], pool.scores.mean(0, keepdims=True).astype(np.float32))
    chosen = replace(dials, calibration=0.0).rerank(model, Histories.empty(1), ranked, min(n, len(pool.movies)))
    return pool.take(np.flatnonzero(np.isin(pool.movies, chosen.movies[0])))


def _expect(model: Recommender, members: Sequence[Histories], scores: NDArray[np.float32], movies: Numbers) -> _Pool:
    """Return the expected ratings of movies, and how many members they don't suit."""
    stars = np.array([expected_stars(model, history, movies) for history in members])
    unsuited = [is_below(line, own_mean(model, history)) for line, history in zip(stars, members, strict=True)]
    return _Pool(movies, scores[:, movies].astype(np.float64), stars, np.sum(unsuited, axis=0))


def _best_by_rank(scores: NDArray[np.float32], movies: Numbers, n: int) -> Numbers:
    """Return the `n` of `movies` with the best mean rank; ranks beyond `TOP_RANKS` count as that."""
    if len(movies) <= n:
        return movies
    ranks, length = np.zeros(len(movies)), min(TOP_RANKS, len(movies))
    for row in scores[:, movies]:
        best = np.argpartition(-row, length - 1)[:length]
        place = np.full(len(movies), length)
        place[best[np.argsort(-row[best], kind="stable")]] = np.arange(length)
        ranks += place
    return movies[np.sort(np.argsort(ranks, kind="stable")[:n])]


def _lines(
    model: Recommender, members: Sequence[Histories], listed: _Pool, key: Float64, by: ListOrder
) -> list[GroupRecommendation]:
    scores, expected = key.astype(np.float32), listed.stars.astype(np.float32)
    lists = [
        describe_movies(model, history, listed.movies, scores, by, stars=stars)
        for history, stars in zip(members, expected, strict=True)
    ]
    return [_line(lines) for lines in zip(*lists, strict=True)]


def _line(lines: Sequence[Recommendation]) -> GroupRecommendation:
    """Combine the members' recommendations of one movie."""
    first = lines[0]
    opinions = [Opinion(line.stars, line.low, line.high, line.because) for line in lines]
    return GroupRecommendation(first.movie, first.title, first.year, first.genres, first.score, opinions)


def _shortfall(n: int, found: int, mask: NDArray[np.bool_], seen: NDArray[np.bool_]) -> str | None:
    if found == n:
        return None
    return (
        f"{found} of {n} movies: the filters leave {mask.sum():,} of {len(mask):,}, "
        f"and members have seen {(mask & seen).sum():,} of these"
    )
