"""Shelves of the start page: top picks, "because you liked", hidden gems and favourite genres, without repetitions.

All shelves order the scores of one forward pass, and their movies are described in one batch.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cinematrix.common.vectors import standardise
from cinematrix.data.histories import Histories
from cinematrix.data.ids import Numbers
from cinematrix.metrics.top_n import top_n
from cinematrix.models.base import Recommender
from cinematrix.recommendation.lists import Filters, Recommendation, describe_movies
from cinematrix.recommendation.reasons import find_liked
from cinematrix.recommendation.reranking import Reranking
from cinematrix.recommendation.taste_profile import PopulationTaste

ShelfKind = Literal["top", "because", "gems", "genre"]
Float32 = NDArray[np.float32]

MAX_BECAUSE_SHELVES, MAX_GENRE_SHELVES = 2, 2
"""Maximum shelves of these kinds."""

REASON_POOL = 30
"""Best unseen movies whose explanations choose the movies of the "because you liked" shelves."""

SIMILAR_POOL = 60
"""Most similar movies from which a "because you liked" shelf is chosen; none of them gets a shelf of its own."""

GEM_POOL = 300
"""Movies, best by score, from which gems are chosen by stars."""

MAX_GEM_SHARE, MIN_GEM_RATERS = 0.05, 3
"""Maximum share of users, and minimum number of users, who have rated a gem."""

NON_GENRES = ("(no genres listed)", "IMAX")
"""Values of MovieLens' genre field that are no genres."""

MIN_SHELF_LENGTH = 4
"""Minimum movies of a shelf; shorter ones are left out."""


@dataclass(frozen=True)
class Shelf:
    """A heading and its movies.

    Attributes:
        kind: the kind of shelf.
        title: displayed heading.
        movies: numbers of the movies.
        items: the same movies as recommendations.
        movie: ID of the liked movie of a `because` shelf.
        genre: genre of a `genre` shelf.
    """

    kind: ShelfKind
    title: str
    movies: Numbers
    items: list[Recommendation] = field(default_factory=list)
    movie: int | str | None = None
    genre: str | None = None


def build_shelves(
    model: Recommender,
    history: Histories,
    n: int = 12,
    *,
    everyone: PopulationTaste | None = None,
    filters: Filters | None = None,
    dials: Reranking | None = None,
) -> list[Shelf]:
    """Return shelves of at most `n` unseen movies for the user of `history`.

    Args:
        everyone: taste of all users, if it is computed already.
        filters: conditions on the movies.
        dials: novelty and diversity of each shelf.

    Raises:
        SettingError: invalid filters.
    """
    left = (filters or Filters()).mask(model.data)
    left[history.items] = False
    builder = _ShelfBuilder(model, history, n, dials or Reranking(), model.score(history)[0], left)
    shelves = list(builder.shelves(everyone or PopulationTaste(model.data)))
    movies = np.concatenate([np.zeros(0, np.int32), *(shelf.movies for shelf in shelves)])
    items = iter(describe_movies(model, history, movies, builder.score[movies], "ranking"))
    return [replace(shelf, items=[next(items) for _ in shelf.movies]) for shelf in shelves]


@dataclass(frozen=True, eq=False)
class _ShelfBuilder:
    """Builder of one user's shelves, one after the other.

    Attributes:
        n: movies per shelf.
        score: ranking score of each movie.
        left: mask of the movies that are on no shelf yet; each shelf updates it.
    """

    model: Recommender
    history: Histories
    n: int
    dials: Reranking
    score: Float32
    left: NDArray[np.bool_]

    def shelves(self, everyone: PopulationTaste) -> Iterator[Shelf]:
        """Yield the shelves that have enough movies."""
        seeds = self._seed_movies()
        title = "Top picks for you" if len(self.history.items) else "Widely loved"
        yield from self._shelf("top", title, self.score, self.left, least=1)
        for movie, similarity in seeds:
            id_, name = self.model.data.movies.listed[movie], self.model.data.catalog.title(movie)
            total = sum(standardise(each.astype(np.float64)) for each in (self.score, similarity))
            score, nearest = np.asarray(total, np.float32), _mask_best(similarity, SIMILAR_POOL)
            yield from self._shelf("because", f"Because you liked {name}", score, nearest, movie=id_)
        yield from self._gems()
        for genre in rank_genres(everyone, self.history)[:MAX_GENRE_SHELVES]:
            names, matrix = everyone.genres
            has_genre = matrix[:, names.index(genre)].toarray().ravel() > 0
            title = f"{genre} for you" if len(self.history.items) else genre
            yield from self._shelf("genre", title, self.score, has_genre, genre=genre)

    def _gems(self) -> Iterator[Shelf]:
        """Yield the shelf of movies with few raters, the best by stars among the best by score."""
        known = self.model.data
        few = (known.raters >= MIN_GEM_RATERS) & (known.raters <= max(MAX_GEM_SHARE * len(known.users), MIN_GEM_RATERS))
        movies = top_n(self.score[None], min(GEM_POOL, len(few)), where=self.left & few).movies[0]
        movies = movies[movies >= 0]
        stars = np.full(len(few), -np.inf, np.float32)
        stars[movies] = self.model.predict_pairs(self.history, np.zeros(len(movies), np.int32), movies)
        yield from self._shelf("gems", "Hidden gems", stars, np.isfinite(stars))

    def _shelf(
        self, kind: ShelfKind, title: str, score: Float32, allowed: NDArray[np.bool_], *, least: int = MIN_SHELF_LENGTH,
        movie: int | str | None = None, genre: str | None = None,
    ) -> Iterator[Shelf]:  # fmt: skip
        """Yield a shelf of the best movies by `score` in `allowed` and `left`, if there are at least `least`."""
        n = min(self.n, len(score))
        pool = top_n(score[None], min(self.dials.pool(n), len(score)), where=allowed & self.left)
        chosen = self.dials.rerank(self.model, pool, n)
        movies = chosen.movies[0, : chosen.lengths[0]]
        if len(movies) >= min(least, self.n):
            self.left[movies] = False
            yield Shelf(kind, title, movies, movie=movie, genre=genre)

    def _seed_movies(self) -> list[tuple[int, Float32]]:
        """Return the movies of the "because you liked" shelves, dissimilar to each other, each with its similarities.

        They are the liked movies that contribute most to the scores of the best movies.
        """
        seeds: list[tuple[int, Float32]] = []
        for movie in self.history.items[self._by_weight()].tolist() if self.model.abilities.compares else ():
            if len(seeds) < MAX_BECAUSE_SHELVES and not any(_mask_best(s, SIMILAR_POOL)[movie] for _, s in seeds):
                seeds.append((movie, self.model.similarities(movie)))
        return seeds

    def _by_weight(self) -> NDArray[np.int64]:
        """Return the indices of liked movies in the history, by their contribution to the scores of the best movies."""
        values, n = self.history.values, len(self.history.items)
        if n == 0 or not self.left.any():
            return np.zeros(0, np.int64)
        weight = np.zeros(n) if values is None else values.astype(np.float64)
        if self.model.abilities.explains:
            best = top_n(self.score[None], min(REASON_POOL, len(self.score)), where=self.left).movies[0]
            shares = self.model.shares(self.history, best[best >= 0]).ratings
            weight = np.maximum(shares, 0).sum(axis=0, dtype=np.float64)
        liked = np.flatnonzero(find_liked(self.model, self.history))
        return np.asarray(liked[np.argsort(-weight[liked], kind="stable")])


def rank_genres(everyone: PopulationTaste, history: Histories) -> list[str]:
    """Rank the genres that the user watches and loves more than other users; without a history, the most frequent."""
    genres = [part for part in everyone.parts("genres", history) if part.name not in NON_GENRES and part.usual]
    if not len(history.items):
        return [part.name for part in sorted(genres, key=lambda part: -part.usual)]
    watched = [part for part in genres if part.count]
    return [part.name for part in sorted(watched, key=lambda part: -(part.love + part.log_lift))]


def _mask_best(score: Float32, n: int) -> NDArray[np.bool_]:
    """Return the mask of the `n` largest scores. bool `[n_movies]`."""
    chosen = np.zeros(len(score), bool)
    chosen[np.argpartition(-score, min(n, len(score) - 1))[:n]] = True
    return chosen
