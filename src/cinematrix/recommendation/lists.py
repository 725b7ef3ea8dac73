"""Recommendations: the movies that a person would like next, by name, and movies like another.

A known user and a stranger take the same path: both are a history.
"""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cinematrix.common.atomic_files import write_atomically
from cinematrix.common.progress import Progress
from cinematrix.data.histories import Histories
from cinematrix.data.ids import UNKNOWN, Numbers
from cinematrix.data.training_data import TrainingData
from cinematrix.errors import SettingError, UnknownIdError
from cinematrix.metrics.top_n import RankedLists, top_n
from cinematrix.models.base import Ordering, Recommender
from cinematrix.recommendation.reranking import Reranking

Float32 = NDArray[np.float32]

BLOCK_USERS = 256
"""Users ranked at a time when lists are made for everybody."""


MAX_REASONS = 3
"""How many of the person's own movies a line names as its reasons."""


@dataclass(frozen=True)
class Reason:
    """One of the person's own movies that speaks for a recommendation.

    Attributes:
        movie, title, year: the movie's ID, title and year.
        share: of all that her history adds to the score, 0…1.
    """

    movie: int | str
    title: str
    year: int | None
    share: float


@dataclass(frozen=True)
class Recommendation:
    """One line of a list.

    Attributes:
        movie: the movie's ID.
        title, year, genres: as the catalog has them; `movie 17` where it has no title.
        score: the model's; what the list is ordered by, if no dial is turned.
        stars: the expected rating on the data's scale; for plain interactions, the chance to be watched (0…1).
        low, high: ends that hold 80 % of ratings; None where the model has none.
        because: what she liked that adds most to the score, the largest share first; empty where the model can't tell.
    """

    movie: int | str
    title: str
    year: int | None
    genres: list[str]
    score: float
    stars: float
    low: float | None = None
    high: float | None = None
    because: list[Reason] = field(default_factory=list)

    @property
    def label(self) -> str:
        """`Title (Year)` for people."""
        return f"{self.title} ({self.year})" if self.year else self.title

    def as_dict(self) -> dict[str, Any]:
        """The line for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Recommendations:
    """A list and, where it is shorter than asked for, why."""

    items: list[Recommendation]
    shortfall: str | None


@dataclass(frozen=True)
class Filters:
    """Which movies may be recommended.

    Attributes:
        where: conditions on the catalog, as in `Catalog.where`.
        min_ratings: how many training ratings a movie must have.
        exclude: IDs of movies to leave out besides the seen ones.
    """

    where: str = ""
    min_ratings: int = 0
    exclude: tuple[Any, ...] = ()

    def mask(self, known: TrainingData) -> NDArray[np.bool_]:
        """The movies that pass. bool `[len(known.movies)]`."""
        keep = known.catalog.where(self.where)
        if self.min_ratings > 0:
            keep &= known.raters >= self.min_ratings
        numbers = known.movies.numbers(self.exclude)
        keep[numbers[numbers != UNKNOWN]] = False
        return keep


def recommend(
    model: Recommender,
    history: Histories,
    n: int = 10,
    *,
    by: Ordering | None = None,
    filters: Filters | None = None,
    dials: Reranking | None = None,
) -> Recommendations:
    """The best `n` unseen movies for the one person of `history`.

    Args:
        by: what orders the list; None: by ranking.
        dials: how far to leave that order for the sake of novelty and diversity; None: not at all.

    Raises:
        SettingError: `n` below 1, filters that aren't understood, stars from a model without.
    """
    by = by or "ranking"
    check_order(model, by)
    mask = (filters or Filters()).mask(model.data)
    ranked = _rank(model, history, n, by, mask, dials or Reranking())
    items = describe_movies(model, history, ranked.movies[0, : ranked.lengths[0]], ranked.scores[0], by)
    return Recommendations(items, _shortfall(n, len(items), int(mask.sum()), history))


def describe_movies(
    model: Recommender, history: Histories, movies: Numbers, scores: NDArray[np.float32], by: Ordering
) -> list[Recommendation]:
    """What the model says of each of `movies` for the one person of `history`: stars, interval and reasons."""
    pairs = history, np.zeros(len(movies), np.int32), movies
    stars = model.predict_pairs(*pairs)
    reasons = _find_reasons(model, history, movies, by) if model.abilities.explains else None
    ends = model.interval_pairs(*pairs, stars=stars) if model.has_intervals else None
    return _make_items(model.data, movies, scores, stars, ends, reasons)


def check_order(model: Recommender, by: str) -> None:
    """Refuse an order that isn't one, or stars from a model of plain interactions."""
    if by not in ("ranking", "stars"):
        raise SettingError(f"a list can't be ordered by {by!r}; by ranking or by stars")
    if by == "stars" and model.data.scale is None:
        raise SettingError("this model learned from plain interactions and has no stars; order by ranking")


def get_history(model: Recommender, user: Any) -> Histories:
    """The training history of a known user.

    Raises:
        UnknownIdError: the model doesn't know the user.
    """
    number = model.data.users.number(user)
    if number == UNKNOWN:
        raise UnknownIdError(
            f"user {user} isn't among the model's {len(model.data.users):,} users; "
            "give a stranger's ratings as a history instead"
        )
    return model.data.history.take(np.array([number]))


def find_similar(model: Recommender, movie: Any, n: int = 10) -> list[Recommendation]:
    """The `n` movies most like `movie` as the model compares them (`similarities`), the score. Stars are movies' means.

    Only movies with training ratings are compared, since a vector of content alone says little.

    Raises:
        UnknownIdError: the model doesn't know the movie.
        SettingError: the model can't compare movies.
    """
    known, number = model.data, model.data.movies.number(movie)
    if number == UNKNOWN:
        raise UnknownIdError(f"movie {movie} isn't among the model's {len(known.movies):,} movies")
    itself = Histories.of_lists([([number], [1.0])])
    rated = Filters(min_ratings=1).mask(known)
    ranked = top_n(model.similarities(number)[None], _length(n, known), itself, rated)
    movies = ranked.movies[0, : ranked.lengths[0]]
    stars = model.predict_pairs(Histories.empty(1), np.zeros(len(movies), np.int32), movies)
    return _make_items(known, movies, ranked.scores[0], stars)


def recommend_all(
    model: Recommender,
    path: Path,
    n: int = 10,
    *,
    by: Ordering = "ranking",
    filters: Filters | None = None,
    dials: Reranking | None = None,
    force: bool = False,
    progress: Progress | None = None,
) -> int:
    """The best `n` unseen movies for every known user, to a Parquet file: user, rank, movie, score, stars,
    and low and high where the model has them.

    Memory is bounded by blocks of users. Returns the number of rows written.
    """
    check_order(model, by)
    known, mask = model.data, (filters or Filters()).mask(model.data)
    rows = 0
    with write_atomically(path, force=force) as file:
        if progress:
            progress.start("recommending", len(known.users))
        frames = []
        for start in range(0, len(known.users), BLOCK_USERS):
            block = np.arange(start, min(start + BLOCK_USERS, len(known.users)))
            frames.append(_rank_block(model, block, n, by, mask, dials or Reranking()))
            rows += len(frames[-1])
            if progress:
                progress.advance(len(block))
        if progress:
            progress.stop()
        pl.concat(frames).write_parquet(file)
    return rows


def _rank(
    model: Recommender, histories: Histories, n: int, by: Ordering, mask: NDArray[np.bool_], dials: Reranking
) -> RankedLists:
    """The lists of each history, as short as the movies that there are."""
    length = _length(n, model.data)
    pool = top_n(model.score(histories, by=by), _length(dials.pool(n), model.data), histories, mask)
    return dials.rerank(model, pool, length)


def _rank_block(
    model: Recommender, users: NDArray[np.int64], n: int, by: Ordering, mask: NDArray[np.bool_], dials: Reranking
) -> pl.DataFrame:
    histories = model.data.history.take(users)
    ranked = _rank(model, histories, n, by, mask, dials)
    rows, places = np.nonzero(ranked.movies != UNKNOWN)
    movies: Numbers = ranked.movies[rows, places]
    pairs = histories, rows.astype(np.int32), movies
    stars = model.predict_pairs(*pairs)
    ends = (
        dict(zip(("low", "high"), model.interval_pairs(*pairs, stars=stars), strict=True))
        if model.has_intervals
        else {}
    )
    return pl.DataFrame(
        {
            "user": model.data.users.ids[users[rows]],
            "rank": (places + 1).astype(np.int32),
            "movie": model.data.movies.ids[movies],
            "score": ranked.scores[rows, places],
            "stars": stars,
            **ends,
        }
    )


def _find_reasons(model: Recommender, history: Histories, movies: Numbers, by: Ordering) -> list[list[Reason]]:
    """For each movie the `MAX_REASONS` movies of the history that she liked and that add most to its score.

    A film that she disliked can speak for another one, but nobody wants to read it.
    """
    gains = np.maximum(model.shares(history, movies, by=by).ratings, 0, dtype=np.float64)
    part = np.where(find_liked(model, history), gains, 0) / np.maximum(gains.sum(1, keepdims=True), 1e-12)
    best, known = np.argsort(-part, axis=1, kind="stable")[:, :MAX_REASONS], model.data
    shares, numbers = np.take_along_axis(part, best, 1).tolist(), history.items[best].tolist()
    return [
        [
            Reason(known.movies.listed[number], known.catalog.title(number), known.catalog.facts[number].year, share)
            for number, share in zip(*line, strict=True)
            if share > 0
        ]
        for line in zip(numbers, shares, strict=True)
    ]


def find_liked(model: Recommender, history: Histories) -> NDArray[np.bool_]:
    """Which movies of the one history she rated no lower than her mean; all, where there are no ratings. `[size]`."""
    if history.values is None or model.data.scale is None or not len(history.items):
        return np.ones(len(history.items), bool)
    return np.asarray(history.values >= history.values.mean(dtype=np.float64) - 1e-6)


def _length(n: int, known: TrainingData) -> int:
    """How long a list can be: no memory is asked for beyond the movies that there are."""
    return min(n, len(known.movies))


def _make_items(
    known: TrainingData,
    movies: Numbers,
    scores: Float32,
    stars: Float32,
    ends: tuple[Float32, Float32] | None = None,
    reasons: list[list[Reason]] | None = None,
) -> list[Recommendation]:
    """The lines for `movies`; `scores` may go on beyond them."""
    ids, catalog, facts, numbers = known.movies.listed, known.catalog, known.catalog.facts, movies.tolist()
    n = len(numbers)
    lows, highs = ([None] * n, [None] * n) if ends is None else (end.tolist() for end in ends)
    columns = scores[:n].tolist(), stars.tolist(), lows, highs, reasons or [[] for _ in numbers]
    return [
        Recommendation(ids[number], catalog.title(number), facts[number].year, facts[number].genres, *rest)
        for number, *rest in zip(numbers, *columns, strict=True)
    ]


def _shortfall(n: int, found: int, allowed: int, history: Histories) -> str | None:
    if found == n:
        return None
    return f"{found} of {n} movies: the filters leave {allowed:,} and {len(history.items):,} movies are in the history"
