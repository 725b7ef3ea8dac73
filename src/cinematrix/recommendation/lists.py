"""Recommendation lists of one user, and lists of movies similar to a movie.

Users inside and outside the training data are treated alike: both are a history.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cinematrix.common.html import html_table
from cinematrix.data.histories import Histories
from cinematrix.data.ids import UNKNOWN, Numbers
from cinematrix.data.training_data import TrainingData
from cinematrix.errors import SettingError, UnknownIdError
from cinematrix.metrics.top_n import RankedLists, top_n
from cinematrix.models.base import Recommender
from cinematrix.models.liking import BELOW_MEAN
from cinematrix.models.orders import ListOrder, resolve_order, score_lists
from cinematrix.recommendation.reasons import Reason, find_reasons, find_reasons_each
from cinematrix.recommendation.reranking import Reranking

Float32 = NDArray[np.float32]


@dataclass(frozen=True)
class Recommendation:
    """One movie of a list.

    Attributes:
        movie: the movie's ID.
        title, year, genres: as in the catalog; `movie 17` without a title.
        score: the model's score; the list is ordered by it unless it is reranked.
        stars: expected rating on the data's scale; for plain interactions, the probability of watching (0…1).
        low, high: ends of the 80 % prediction interval; None if the model has none.
        because: the reason, a liked and akin movie of the history; empty without one, or if the model can't explain.
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
        """The display name, `Title (Year)`."""
        return f"{self.title} ({self.year})" if self.year else self.title

    @property
    def reason(self) -> str:
        """The reason in words, `Because you gave Heat 5 ★: crime, 1990s`; empty without one."""
        return "; ".join(reason.sentence(self.title) for reason in self.because)

    def as_dict(self) -> dict[str, Any]:
        """Return the recommendation as a JSON object."""
        return asdict(self)


@dataclass(frozen=True)
class Recommendations:
    """A list, and the reason if it is shorter than requested.

    Attributes:
        items: the movies, best first.
        shortfall: the reason for a short list; None if it is as long as requested.
        title: heading where the list is shown.
    """

    items: list[Recommendation]
    shortfall: str | None
    title: str = "Recommendations"

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[Recommendation]:
        return iter(self.items)

    def __getitem__(self, place: int) -> Recommendation:
        return self.items[place]

    def __str__(self) -> str:
        lines = [f"{n:>3}  {_shorten(item.label):<46}{_format_stars(item):>18}  {item.reason}".rstrip()
                 for n, item in enumerate(self.items, 1)]  # fmt: skip
        return "\n".join([self.title, *lines, *([self.shortfall] if self.shortfall else [])])

    def to_frame(self) -> pl.DataFrame:
        """Return a frame: movie, title, year, genres, score, stars, low, high."""
        names = ("movie", "title", "year", "genres", "score", "stars", "low", "high")
        return pl.DataFrame({name: [getattr(item, name) for item in self.items] for name in names}, strict=False)

    def _repr_html_(self) -> str:
        columns = ["#", "movie", "genres", "expected#", "because"]
        rows = [[n, item.label, ", ".join(item.genres), _format_stars(item), item.reason]
                for n, item in enumerate(self.items, 1)]  # fmt: skip
        return html_table(columns, rows, self.title, self.shortfall or "")


@dataclass(frozen=True)
class Filters:
    """Conditions on the movies that may be recommended.

    Attributes:
        where: conditions on the catalog, as in `Catalog.where`.
        min_ratings: minimum training ratings of a movie.
        exclude: IDs of movies to leave out in addition to the seen ones.
        allowed: mask of the movies that may pass, `[movies]`; None: all.
    """

    where: str = ""
    min_ratings: int = 0
    exclude: tuple[Any, ...] = ()
    allowed: NDArray[np.bool_] | None = None

    def mask(self, known: TrainingData) -> NDArray[np.bool_]:
        """Return the mask of the movies that pass. bool `[len(known.movies)]`."""
        keep = known.catalog.where(self.where)
        if self.min_ratings > 0:
            keep &= known.raters >= self.min_ratings
        if self.allowed is not None:
            keep &= self.allowed
        numbers = known.movies.numbers(self.exclude)
        keep[numbers[numbers != UNKNOWN]] = False
        return keep


def recommend(
    model: Recommender,
    history: Histories,
    n: int = 10,
    *,
    by: ListOrder | None = None,
    filters: Filters | None = None,
    dials: Reranking | None = None,
) -> Recommendations:
    """Return the top-`n` unseen movies for the user of `history`.

    Args:
        by: what orders the list; None: by liking.
        dials: novelty and diversity of the list; None: the order of the model.

    Raises:
        SettingError: `n` below 1, invalid filters, or stars from a model without a scale.
    """
    if len(history) != 1:
        raise SettingError(f"there are {len(history)} histories; give one, or use recommend_for_group or recommend_all")
    return recommend_each(model, history, n, by=by, filters=[filters or Filters()], dials=dials)[0]


def recommend_each(
    model: Recommender, histories: Histories, n: int, *, by: ListOrder | None, filters: Sequence[Filters],
    dials: Reranking | None,
) -> list[Recommendations]:  # fmt: skip
    """Return the list of each history, as `recommend` does, with filters of its own.

    Together they take less time than one by one, because they share the passes over the model's arrays.
    """
    by = resolve_order(model, by)
    masks = np.stack([each.mask(model.data) for each in filters])
    ranked = rank_movies(model, histories, n, by, masks, dials or Reranking())
    rows, places = np.nonzero(ranked.movies != UNKNOWN)
    pairs = histories, rows.astype(np.int32), ranked.movies[rows, places]
    stars = model.predict_pairs(*pairs)
    ends = model.interval_pairs(*pairs, stars=stars) if model.has_intervals else None
    lengths = ranked.lengths.tolist()
    movies = [ranked.movies[row, :length] for row, length in enumerate(lengths)]
    reasons = find_reasons_each(model, histories, movies, by) if model.abilities.explains else None
    lists, start = [], 0
    for row, length in enumerate(lengths):
        part, start = slice(start, start + length), start + length
        own = None if ends is None else (ends[0][part], ends[1][part])
        because = None if reasons is None else reasons[row]
        items = _make_items(model.data, movies[row], ranked.scores[row], stars[part], own, because)
        lists.append(Recommendations(items, _shortfall(n, length, masks[row], int(histories.counts[row]))))
    return lists


def describe_movies(
    model: Recommender, history: Histories, movies: Numbers, scores: NDArray[np.float32], by: ListOrder, *,
    stars: NDArray[np.float32] | None = None,
) -> list[Recommendation]:  # fmt: skip
    """Return the stars, interval and reasons of each of `movies` for the user of `history`.

    Args:
        stars: the expected ratings, if they have been computed already; this saves time.
    """
    pairs = history, np.zeros(len(movies), np.int32), movies
    stars = model.predict_pairs(*pairs) if stars is None else stars
    reasons = find_reasons(model, history, movies, by) if model.abilities.explains else None
    ends = model.interval_pairs(*pairs, stars=stars) if model.has_intervals else None
    return _make_items(model.data, movies, scores, stars, ends, reasons)


def get_history(model: Recommender, user: Any) -> Histories:
    """Return the training history of a user.

    Raises:
        UnknownIdError: the user isn't in the training data.
    """
    number = model.data.users.number(user)
    if number == UNKNOWN:
        raise UnknownIdError(
            f"user {user} isn't among the model's {len(model.data.users):,} users; "
            "give the ratings of a new user as a history instead"
        )
    return model.data.history.take(np.array([number]))


def find_similar(model: Recommender, movie: Any, n: int = 10) -> list[Recommendation]:
    """Return the `n` movies most similar to `movie`: the similarity is the score, the mean rating the stars.

    Movies without training ratings are left out, since similarity by content alone is weak.

    Raises:
        UnknownIdError: the movie isn't in the model's catalog.
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


def rank_movies(
    model: Recommender, histories: Histories, n: int, by: ListOrder, mask: NDArray[np.bool_], dials: Reranking
) -> RankedLists:
    """Return the reranked top-`n` unseen movies of each history, out of those in `mask`."""
    length = _length(n, model.data)
    pool = top_n(score_lists(model, histories, by=by, among=mask), _length(dials.pool(n), model.data), histories, mask)
    if by == "liking" and not dials.is_off:
        pool = _drop_below_mean(pool, length)
    return dials.rerank(model, histories, pool, length)


def _drop_below_mean(pool: RankedLists, n: int) -> RankedLists:
    """Return pools by liking without the movies expected below the user's mean, as far as `n` movies are left."""
    keep = (pool.scores > -BELOW_MEAN / 2) | (np.arange(pool.movies.shape[1]) < n)
    return RankedLists(np.where(keep, pool.movies, UNKNOWN), np.where(keep, pool.scores, np.float32(-np.inf)))


def _length(n: int, known: TrainingData) -> int:
    """Return the list length, at most the number of movies, so that a large `n` allocates no memory."""
    return min(n, len(known.movies))


def _make_items(
    known: TrainingData, movies: Numbers, scores: Float32, stars: Float32,
    ends: tuple[Float32, Float32] | None = None, reasons: list[list[Reason]] | None = None,
) -> list[Recommendation]:  # fmt: skip
    """Return the recommendations of `movies`; `scores` may be longer than these."""
    ids, catalog, facts, numbers = known.movies.listed, known.catalog, known.catalog.facts, movies.tolist()
    n = len(numbers)
    lows, highs = ([None] * n, [None] * n) if ends is None else (end.tolist() for end in ends)
    columns = scores[:n].tolist(), stars.tolist(), lows, highs, reasons or [[] for _ in numbers]
    return [
        Recommendation(ids[number], catalog.title(number), facts[number].year, facts[number].genres, *rest)
        for number, *rest in zip(numbers, *columns, strict=True)
    ]


def _shortfall(n: int, found: int, mask: NDArray[np.bool_], seen: int) -> str | None:
    if found == n:
        return None
    return f"{found} of {n} movies: the filters leave {mask.sum():,} and {seen:,} movies are in the history"


def _format_stars(item: Recommendation) -> str:
    """Format the expected rating with its interval: `4.2 (3.1–5.0)`."""
    interval = "" if item.low is None or item.high is None else f" ({item.low:.1f}–{item.high:.1f})"
    return f"{item.stars:.2f}{interval}"


def _shorten(text: str, width: int = 45) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"
