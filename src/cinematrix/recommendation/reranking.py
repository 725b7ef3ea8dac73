"""Reranking of a list for novelty, diversity and the mix of the user's taste.

Only the pool of the best movies by score is reordered, so even at 1 the list suits the user. The mixed quantities are
standardised over the pool, so the settings mean the same for any unit of the scores and any similarity of the movies.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from cinematrix.common.memo import WeakMemo
from cinematrix.common.settings import check_settings
from cinematrix.common.vectors import normalise_rows, normalise_sparse_rows, standardise
from cinematrix.data.catalog import Catalog
from cinematrix.data.features import genres_decades_and_languages
from cinematrix.data.histories import Histories
from cinematrix.data.ids import UNKNOWN, Numbers
from cinematrix.metrics.diversity import mix_divergence, normalise_sums, self_information
from cinematrix.metrics.liking import select_liked
from cinematrix.metrics.top_n import RankedLists
from cinematrix.models.base import Recommender
from cinematrix.models.liking import RatingLevels

POOL_FACTOR = 10
"""Size of the pool of a list of `n`, in multiples of `n`."""

MAX_POOL = 1000
"""Maximum movies in the pool; a longer list continues in the order of the model."""

Float64 = NDArray[np.float64]

_MIXES: WeakMemo[Catalog, sparse.csr_matrix] = WeakMemo()
"""Genres, decades and languages of the movies of each catalog."""


@dataclass(frozen=True)
class Reranking:
    """Strength of the reranking; with all at 0, a list keeps the order of the model's scores.

    Attributes:
        novelty: 0…1. The pool is ordered by

                value = (1 − novelty) · z(score) + novelty · z(−log₂(raters / users))

            with z for standardisation over the pool; the second term is the self-information of Zhou et al. (PNAS
            2010). Without diversity, the mean self-information of a list of given length never falls as novelty grows.
        diversity: 0…1. Maximal marginal relevance (Carbonell & Goldstein, SIGIR 1998): the best movie by value comes
            first, then repeatedly the movie of the largest

                (1 − diversity) · z(value) − diversity · max z(similarity to a movie chosen before)

            The similarity is `compute_similarity`, standardised over all pairs of the pool.
        calibration: 0…1. The genres and decades of the list follow those of the movies that the user liked (Steck,
            RecSys 2018), and so does the share of movies in other languages where the catalog has original titles:
            each next movie of the largest

                (1 − calibration) · gain − calibration · length · divergence

            with the gain of the list without calibration, the length of the list with this movie, and the divergence
            of its mix from the liked one (`metrics.diversity.mix_divergence`). 0.2 changes few places. It has no effect
            for a user who liked no movie with genres or a year.

    Raises:
        SettingError: a value outside 0…1.
    """

    novelty: float = 0.0
    diversity: float = 0.0
    calibration: float = 0.0

    def __post_init__(self) -> None:
        check_settings(self, lambda x: 0 <= x <= 1, "must be from 0 to 1", "novelty diversity calibration")

    @property
    def is_off(self) -> bool:
        """True if lists keep the order of the model."""
        return self.novelty == self.diversity == self.calibration == 0

    def pool(self, n: int) -> int:
        """Return the size of the pool from which a list of `n` is chosen."""
        return n if self.is_off else max(n, min(POOL_FACTOR * n, MAX_POOL))

    def rerank(self, model: Recommender, histories: Histories, ranked: RankedLists, n: int) -> RankedLists:
        """Return lists of `n` movies out of ranked pools of `pool(n)`, one a history; scores stay the model's."""
        if self.is_off:
            return ranked
        mixes = LikedMixes.of(model, histories) if self.calibration else None
        movies = np.full((len(ranked.movies), n), UNKNOWN, np.int32)
        scores = np.full(movies.shape, -np.inf, np.float32)
        for row, length in enumerate(ranked.lengths.tolist()):
            mix = None if mixes is None else mixes.start(row, ranked.movies[row, : min(length, MAX_POOL)])
            places = self._places(model, ranked.movies[row, :length], ranked.scores[row, :length], n, mix)
            movies[row, : len(places)] = ranked.movies[row, places]
            scores[row, : len(places)] = ranked.scores[row, places]
        return RankedLists(movies, scores)

    def _places(
        self, model: Recommender, movies: Numbers, scores: NDArray[np.float32], n: int, mix: "ListMix | None"
    ) -> list[int]:
        """Return the indices in one user's pool of the movies shown, in order."""
        pool, n = movies[:MAX_POOL], min(n, len(movies))
        value = self._value(model, pool, scores[:MAX_POOL])
        if (self.diversity or mix is not None) and n:
            similarity = compute_similarity(model, pool) if self.diversity else None
            places = self._select(value, similarity, mix, min(n, len(pool)))
        else:
            places = np.argsort(-value, kind="stable")[:n].tolist()
        return [*places, *range(len(pool), n)]

    def _value(self, model: Recommender, movies: Numbers, scores: NDArray[np.float32]) -> Float64:
        bits = self_information(model.data.raters[movies], len(model.data.users))
        mixed = (1 - self.novelty) * standardise(scores.astype(np.float64)) + self.novelty * standardise(bits)
        return standardise(mixed)

    def _select(self, value: Float64, similarity: Float64 | None, mix: "ListMix | None", n: int) -> list[int]:
        """Return the indices of `n` movies, each the best beside those chosen before."""
        penalty = None if similarity is None else self.diversity * _standardise_pairs(similarity)
        places: list[int] = []
        while len(places) < n:
            marginal = (1 - self.diversity) * value
            if penalty is not None and places:
                marginal -= penalty[places].max(axis=0)
            if mix is not None:
                cost = (len(places) + 1) * mix.divergences(places)
                marginal = (1 - self.calibration) * marginal - self.calibration * cost
            marginal[places] = -np.inf
            places.append(int(np.argmax(marginal)))
        return places


@dataclass(frozen=True, eq=False)
class ListMix:
    """The mix of one user's list while it grows.

    Attributes:
        wanted: float64 `[d]`, shares of genres, decades and languages in what the user liked.
        features: float64 `[pool, d]`, those of each movie of the pool.
    """

    wanted: Float64
    features: Float64

    def divergences(self, places: list[int]) -> Float64:
        """Return the divergence of the list of `places` and each movie of the pool from the wanted mix. `[pool]`."""
        return mix_divergence(self.wanted, normalise_sums(self.features + self.features[places].sum(0)))


@dataclass(frozen=True, eq=False)
class LikedMixes:
    """The mixes of what users liked.

    Attributes:
        wanted: float64 `[n, d]`, shares of genres, decades and languages of each user; zeros without any.
        features: `[n_movies, d]`, those of each movie.
    """

    wanted: Float64
    features: sparse.csr_matrix

    @classmethod
    def of(cls, model: Recommender, histories: Histories) -> Self:
        """Return the mixes of the movies that the users of `histories` rated at or above their means."""
        features = _MIXES.get(model.data.catalog, genres_decades_and_languages)
        bars = RatingLevels.of(model.data, histories).bar
        liked = histories
        if histories.values is not None and model.data.scale is not None:
            liked = select_liked(histories, bars)
        return cls(normalise_sums((liked.matrix(features.shape[0]) @ features).toarray()), features)

    def start(self, row: int, pool: Numbers) -> ListMix | None:
        """Return the mix of an empty list of one user; None if the user's is unknown."""
        wanted = self.wanted[row]
        return ListMix(wanted, self.features[pool].toarray().astype(np.float64)) if wanted.any() else None


def _standardise_pairs(similarity: Float64) -> Float64:
    """Return similarities standardised over all pairs of different movies."""
    pairs = ~np.eye(len(similarity), dtype=bool)
    similarity[pairs] = standardise(similarity[pairs])
    return similarity


def compute_similarity(model: Recommender, movies: Numbers) -> Float64:
    """Return the cosine similarities of movies. `[n, n]`.

    They are those of the model's vectors; without vectors, of the genres; without genres, of the raters.
    """
    rows = _comparison_features(model, movies)
    if sparse.issparse(rows):
        unit = normalise_sparse_rows(sparse.csr_matrix(rows, dtype=np.float64))
        return np.asarray((unit @ unit.T).toarray())
    unit = normalise_rows(rows)
    return np.asarray(unit @ unit.T, np.float64)


def _comparison_features(model: Recommender, movies: Numbers) -> Any:
    known = model.data
    if model.abilities.vectors:
        return model.vectors()[movies]
    if known.catalog.genres:
        return known.catalog.genre_matrix()[movies]
    return known.history.matrix(len(known.movies))[:, movies].T
