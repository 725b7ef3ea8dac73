"""Rows for one evening: top picks, because she liked a film, hidden gems, her genres. No film stands in two of them.

All of them order the scores of one pass over the model, and what is said of the films is asked once for all rows.
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
from cinematrix.recommendation.lists import Filters, Recommendation, describe_movies, find_liked
from cinematrix.recommendation.reranking import Reranking
from cinematrix.recommendation.taste_profile import PopulationTaste

ShelfKind = Literal["top", "because", "gems", "genre"]
Float32 = NDArray[np.float32]

MAX_BECAUSE_SHELVES, MAX_GENRE_SHELVES = 2, 2
"""How many rows of these kinds there are."""

REASON_POOL = 30
"""Of so many of the best films it is asked which of her films speak for them."""

SIMILAR_POOL = 60
"""The films most like the one that she liked, from which its row is chosen, and none of which gets another row."""

GEM_POOL = 300
"""Gems are the best by stars of so many by score."""

MAX_GEM_SHARE, MIN_GEM_RATERS = 0.05, 3
"""A gem has been rated by at most this share of the people, and by no fewer than so many: one says little."""

NON_GENRES = ("(no genres listed)", "IMAX")
"""What stands among MovieLens' genres without being one."""

MIN_SHELF_LENGTH = 4
"""Rows of fewer films aren't worth a heading."""


@dataclass(frozen=True)
class Shelf:
    """A heading and its films.

    Attributes:
        kind: what sort of row.
        title: for people.
        movies: the films' numbers.
        items: what is said of them.
        movie: the film that a `because` row is about; its ID.
        genre: of a `genre` row.
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
    """Rows of at most `n` films for the one person of `history`, none that she has seen.

    Args:
        everyone: what all ratings come to, if that was made already.
        filters: which films may be shown.
        dials: turned for each row.

    Raises:
        SettingError: filters that aren't understood.
    """
    left = (filters or Filters()).mask(model.data)
    left[history.items] = False
    making = _ShelfBuilder(model, history, n, dials or Reranking(), model.score(history)[0], left)
    rows = list(making.rows(everyone or PopulationTaste(model.data)))
    movies = np.concatenate([np.zeros(0, np.int32), *(row.movies for row in rows)])
    lines = iter(describe_movies(model, history, movies, making.score[movies], "ranking"))
    return [replace(row, items=[next(lines) for _ in row.movies]) for row in rows]


@dataclass(frozen=True, eq=False)
class _ShelfBuilder:
    """One person's rows as they are made, one after the other.

    Attributes:
        n: films in a row.
        score: of each movie, by ranking.
        left: which movies no row has taken yet; each row changes it.
    """

    model: Recommender
    history: Histories
    n: int
    dials: Reranking
    score: Float32
    left: NDArray[np.bool_]

    def rows(self, everyone: PopulationTaste) -> Iterator[Shelf]:
        """Those that have films enough."""
        telling = self._telling()
        title = "Top picks for you" if len(self.history.items) else "Widely loved"
        yield from self._row("top", title, self.score, self.left, least=1)
        for movie, near in telling:
            id_, name = self.model.data.movies.listed[movie], self.model.data.catalog.title(movie)
            both = sum(standardise(each.astype(np.float64)) for each in (self.score, near))
            score, nearest = np.asarray(both, np.float32), _mask_best(near, SIMILAR_POOL)
            yield from self._row("because", f"Because you liked {name}", score, nearest, movie=id_)
        yield from self._gems()
        for genre in rank_genres(everyone, self.history)[:MAX_GENRE_SHELVES]:
            names, matrix = everyone.genres
            of_it = matrix[:, names.index(genre)].toarray().ravel() > 0
            title = f"{genre} for you" if len(self.history.items) else genre
            yield from self._row("genre", title, self.score, of_it, genre=genre)

    def _gems(self) -> Iterator[Shelf]:
        """Films that few have rated, the best by stars of the best by score."""
        known = self.model.data
        few = (known.raters >= MIN_GEM_RATERS) & (known.raters <= max(MAX_GEM_SHARE * len(known.users), MIN_GEM_RATERS))
        movies = top_n(self.score[None], min(GEM_POOL, len(few)), where=self.left & few).movies[0]
        movies = movies[movies >= 0]
        stars = np.full(len(few), -np.inf, np.float32)
        stars[movies] = self.model.predict_pairs(self.history, np.zeros(len(movies), np.int32), movies)
        yield from self._row("gems", "Hidden gems", stars, np.isfinite(stars))

    def _row(
        self, kind: ShelfKind, title: str, score: Float32, allowed: NDArray[np.bool_], *, least: int = MIN_SHELF_LENGTH,
        movie: int | str | None = None, genre: str | None = None,
    ) -> Iterator[Shelf]:  # fmt: skip
        """The best by `score` of what is allowed and left, if these are `least` or more; they are taken then."""
        n = min(self.n, len(score))
        pool = top_n(score[None], min(self.dials.pool(n), len(score)), where=allowed & self.left)
        chosen = self.dials.rerank(self.model, pool, n)
        movies = chosen.movies[0, : chosen.lengths[0]]
        if len(movies) >= min(least, self.n):
            self.left[movies] = False
            yield Shelf(kind, title, movies, movie=movie, genre=genre)

    def _telling(self) -> list[tuple[int, Float32]]:
        """Films she liked that speak most for the best ones, each unlike the others, with how alike all films are."""
        found: list[tuple[int, Float32]] = []
        for movie in self.history.items[self._by_weight()].tolist() if self.model.abilities.compares else ():
            if len(found) < MAX_BECAUSE_SHELVES and not any(_mask_best(near, SIMILAR_POOL)[movie] for _, near in found):
                found.append((movie, self.model.similarities(movie)))
        return found

    def _by_weight(self) -> NDArray[np.int64]:
        """Places in her history of what she liked, what speaks most for the best films first."""
        values, n = self.history.values, len(self.history.items)
        if n == 0 or not self.left.any():
            return np.zeros(0, np.int64)
        weight = np.zeros(n) if values is None else values.astype(np.float64)
        if self.model.abilities.explains:
            best = top_n(self.score[None], min(REASON_POOL, len(self.score)), where=self.left).movies[0]
            shares = self.model.shares(self.history, best[best >= 0]).ratings
            weight = np.maximum(shares, 0).sum(axis=0, dtype=np.float64)
        good = np.flatnonzero(find_liked(self.model, self.history))
        return np.asarray(good[np.argsort(-weight[good], kind="stable")])


def rank_genres(everyone: PopulationTaste, history: Histories) -> list[str]:
    """Genres for rows: those she watches and loves more than others do; without a history those that most have."""
    real = [part for part in everyone.parts("genres", history) if part.name not in NON_GENRES and part.usual]
    if not len(history.items):
        return [part.name for part in sorted(real, key=lambda part: -part.usual)]
    watched = [part for part in real if part.count]
    return [part.name for part in sorted(watched, key=lambda part: -(part.love + part.log_lift))]


def _mask_best(score: Float32, n: int) -> NDArray[np.bool_]:
    """The `n` largest. bool `[n_movies]`."""
    chosen = np.zeros(len(score), bool)
    chosen[np.argpartition(-score, min(n, len(score) - 1))[:n]] = True
    return chosen
