"""Shelves of the start page: watchlist, top picks, "because you liked", hidden gems and genres, without repetitions.

Each shelf is the default order within its theme, without movies that the user is expected to rate below their own mean.
Movies of the watchlist are ordered by stars, since they are sure to be of interest. All other shelves order the scores
of one forward pass, and all movies are described in one batch.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cinematrix.data.catalog import NON_GENRES
from cinematrix.data.histories import Histories
from cinematrix.data.ids import UNKNOWN, Numbers
from cinematrix.metrics.liking import is_below
from cinematrix.metrics.top_n import top_n
from cinematrix.models.base import Recommender
from cinematrix.models.orders import resolve_order, score_lists
from cinematrix.recommendation.expectation import expected_stars, own_mean
from cinematrix.recommendation.kinship import MAX_YEARS_APART, are_akin
from cinematrix.recommendation.lists import Filters, Recommendation, describe_movies
from cinematrix.recommendation.reasons import find_liked
from cinematrix.recommendation.reranking import Reranking
from cinematrix.recommendation.taste_profile import PopulationTaste

ShelfKind = Literal["watchlist", "top", "because", "gems", "genre"]
Float32 = NDArray[np.float32]

MAX_BECAUSE_SHELVES, MAX_GENRE_SHELVES = 2, 2
"""Maximum shelves of these kinds."""

REASON_POOL = 20
"""Best unseen movies whose explanations choose the movies of the "because you liked" shelves."""

SIMILAR_POOL = 60
"""Most similar movies whose akin ones are the theme of a "because you liked" shelf; none of them gets its own."""

CANDIDATES_PER_PLACE = 10
"""Movies of each theme whose expected ratings are computed, best by score, for each place on the shelf."""

MAX_GEM_SHARE, MIN_GEM_RATERS = 0.05, 3
"""Maximum share of users, and minimum number of users, who have rated a gem."""

RARE_TASTE = 0.5
"""Maximum median raters of the liked movies of a user with a rare taste, as a share of that of all ratings."""

MIN_ERA_SHARE = 0.1
"""Minimum share of the user's movies of a genre that lie near a movie in time, if it is to be on the genre's shelf."""

MIN_SHELF_LENGTH = 4
"""Minimum movies of a shelf; shorter ones are left out."""


@dataclass(frozen=True)
class Shelf:
    """A heading and its movies.

    Attributes:
        kind: the kind of shelf.
        title: displayed heading.
        movies: numbers of the movies.
        scores: what orders each: its score, or its stars on the watchlist's shelf.
        items: the same movies as recommendations.
        movie, movie_title: ID and title of the liked movie of a `because` shelf.
        genre: genre of a `genre` shelf.
    """

    kind: ShelfKind
    title: str
    movies: Numbers
    scores: Float32
    items: list[Recommendation] = field(default_factory=list)
    movie: int | str | None = None
    movie_title: str | None = None
    genre: str | None = None


def build_shelves(
    model: Recommender,
    history: Histories,
    n: int = 12,
    *,
    everyone: PopulationTaste | None = None,
    filters: Filters | None = None,
    dials: Reranking | None = None,
    watchlist: Sequence[int | str] = (),
) -> list[Shelf]:
    """Return shelves of at most `n` unseen movies for the user of `history`.

    Args:
        everyone: taste of all users, if it is computed already.
        filters: conditions on the movies.
        dials: novelty and diversity of each shelf.
        watchlist: IDs of the movies that the user wants to watch. Their shelf is the first.

    Raises:
        SettingError: invalid filters.
    """
    left = (filters or Filters()).mask(model.data)
    left[history.items] = False
    by = resolve_order(model, None)
    score = score_lists(model, history, by=by, among=left)[0]
    wanted = model.data.movies.numbers(watchlist)
    builder = _ShelfBuilder(model, history, n, dials or Reranking(), score, left, wanted[wanted != UNKNOWN])
    shelves, stars = builder.build(everyone or PopulationTaste(model.data))
    movies = np.concatenate([np.zeros(0, np.int32), *(shelf.movies for shelf in shelves)])
    scores = np.concatenate([np.zeros(0, np.float32), *(shelf.scores for shelf in shelves)])
    items = iter(describe_movies(model, history, movies, scores, by, stars=stars[movies]))
    return [replace(shelf, items=[next(items) for _ in shelf.movies]) for shelf in shelves]


@dataclass(frozen=True, eq=False)
class _Theme:
    """Theme of a shelf: heading, the mask of its movies, and the minimum of movies that it is shown with."""

    kind: ShelfKind
    title: str
    allowed: NDArray[np.bool_]
    least: int = MIN_SHELF_LENGTH
    movie: int | str | None = None
    movie_title: str | None = None
    genre: str | None = None


@dataclass(frozen=True, eq=False)
class _ShelfBuilder:
    """Builder of one user's shelves.

    Attributes:
        n: movies per shelf.
        score: score of each movie in the default order.
        left: mask of the movies that are on no shelf yet; each shelf updates it.
        watchlist: movies that the user wants to watch.
    """

    model: Recommender
    history: Histories
    n: int
    dials: Reranking
    score: Float32
    left: NDArray[np.bool_]
    watchlist: Numbers

    def build(self, everyone: PopulationTaste) -> tuple[list[Shelf], Float32]:
        """Return the shelves that have enough movies, and the expected rating of each of their movies."""
        themes = list(self._themes(everyone))
        stars = self._drop_unsuited(themes)
        return [shelf for theme in themes for shelf in self._shelf(theme, stars)], stars

    def _themes(self, everyone: PopulationTaste) -> Iterator[_Theme]:
        """Yield the themes in the order of the page. Gems are second for a user of rare taste."""
        if len(self.watchlist):
            wanted = np.zeros(len(self.left), bool)
            wanted[self.watchlist] = True
            yield _Theme("watchlist", "From your watchlist, for tonight", wanted, least=1)
        title = "Top picks for you" if len(self.history.items) else "Widely loved"
        yield _Theme("top", title, np.ones(len(self.left), bool), least=1)
        gems = _Theme("gems", "Hidden gems", self._few_raters())
        rare = has_rare_taste(self.model, self.history)
        yield from [gems] * rare
        for movie, similarity in self._seed_movies():
            id_, name = self.model.data.movies.listed[movie], self.model.data.catalog.title(movie)
            akin = self._akin(movie, similarity)
            yield _Theme("because", f"Because you liked {name}", akin, movie=id_, movie_title=name)
        yield from [gems] * (not rare)
        for genre in rank_genres(everyone, self.history)[:MAX_GENRE_SHELVES]:
            names, matrix = everyone.genres
            has_genre = matrix[:, names.index(genre)].toarray().ravel() > 0
            title = f"{genre} for you" if len(self.history.items) else genre
            yield _Theme("genre", title, has_genre & self._in_era(has_genre), genre=genre)

    def _drop_unsuited(self, themes: list[_Theme]) -> Float32:
        """Leave the best movies of each theme, without those expected below the user's mean; return expected ratings.

        If nearly all are below, as for a user who has rated nothing but favourites, the mean is no standard.
        """
        length, chosen = min(CANDIDATES_PER_PLACE * self.n, len(self.score)), np.zeros(len(self.score), bool)
        for theme in themes:
            if theme.kind == "watchlist":
                chosen |= theme.allowed & self.left
                continue
            movies = top_n(self.score[None], length, where=theme.allowed & self.left).movies[0] if length else []
            chosen[[movie for movie in movies if movie != UNKNOWN]] = True
        candidates = np.flatnonzero(chosen).astype(np.int32)
        stars = np.zeros(len(self.score), np.float32)
        stars[candidates] = expected_stars(self.model, self.history, candidates)
        suited = chosen & ~is_below(stars, own_mean(self.model, self.history))
        self.left[:] = suited if np.count_nonzero(suited) >= MIN_SHELF_LENGTH else chosen
        return stars

    def _few_raters(self) -> NDArray[np.bool_]:
        """Return the mask of movies that few users have rated."""
        known = self.model.data
        most = max(MAX_GEM_SHARE * len(known.users), MIN_GEM_RATERS)
        return (known.raters >= MIN_GEM_RATERS) & (known.raters <= most)

    def _akin(self, movie: int, similarity: Float32) -> NDArray[np.bool_]:
        """Return the mask of the movies left that are similar and akin to a movie."""
        near, catalog = _mask_best(np.where(self.left, similarity, -np.inf), SIMILAR_POOL), self.model.data.catalog
        for other in np.flatnonzero(near).tolist():
            near[other] = are_akin(catalog, movie, other)
        return near

    def _in_era(self, has_genre: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return the mask of movies near in time to enough of the movies of a genre that the user liked."""
        years, items = self.model.data.catalog.years, self.history.items
        watched = has_genre[items]
        liked = watched & find_liked(self.model, self.history)
        own = np.sort(years[items[liked if liked.any() else watched]])
        own = own[~np.isnan(own)]
        near = np.searchsorted(own, years + MAX_YEARS_APART, "right") - np.searchsorted(own, years - MAX_YEARS_APART)
        return np.isnan(years) | (near >= MIN_ERA_SHARE * len(own))

    def _shelf(self, theme: _Theme, stars: Float32) -> Iterator[Shelf]:
        """Yield a shelf of the best movies left of a theme, if there are enough."""
        n = min(self.n, len(self.score))
        score = stars if theme.kind == "watchlist" else self.score
        pool = top_n(score[None], min(self.dials.pool(n), len(self.score)), where=theme.allowed & self.left)
        chosen = self.dials.rerank(self.model, self.history, pool, n)
        movies = chosen.movies[0, : chosen.lengths[0]]
        if len(movies) >= min(theme.least, self.n):
            self.left[movies] = False
            yield Shelf(
                theme.kind, theme.title, movies, score[movies],
                movie=theme.movie, movie_title=theme.movie_title, genre=theme.genre,
            )  # fmt: skip

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
            shares = self.model.rating_shares(self.history, [best[best >= 0]])[0]
            weight = np.maximum(shares, 0).sum(axis=0, dtype=np.float64)
        liked = np.flatnonzero(find_liked(self.model, self.history))
        return np.asarray(liked[np.argsort(-weight[liked], kind="stable")])


def has_rare_taste(model: Recommender, history: Histories) -> bool:
    """Return true if the movies that the user liked have few raters, compared with the movies of all ratings."""
    raters = model.data.raters
    liked = history.items[find_liked(model, history)]
    if not len(liked):
        return False
    by_fame = np.sort(raters)
    typical = by_fame[np.searchsorted(np.cumsum(by_fame), by_fame.sum() / 2)]
    return bool(np.median(raters[liked]) <= RARE_TASTE * typical)


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
