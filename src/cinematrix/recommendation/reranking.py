"""Reranking of a list for novelty and diversity.

Only the pool of the best movies by score is reordered, so even at 1 the list suits the user. The mixed quantities are
standardised over the pool, so the settings mean the same for any unit of the scores and any similarity of the movies.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from cinematrix.common.settings import check_settings
from cinematrix.common.vectors import normalise_rows, normalise_sparse_rows, standardise
from cinematrix.data.ids import UNKNOWN, Numbers
from cinematrix.metrics.diversity import self_information
from cinematrix.metrics.top_n import RankedLists
from cinematrix.models.base import Recommender

POOL_FACTOR = 10
"""Size of the pool of a list of `n`, in multiples of `n`."""

MAX_POOL = 1000
"""Maximum movies in the pool; a longer list continues in the order of the model."""

Float64 = NDArray[np.float64]


@dataclass(frozen=True)
class Reranking:
    """Strength of the reranking; with both at 0, a list keeps the order of the model's scores.

    Attributes:
        novelty: 0…1. The pool is ordered by

                value = (1 − novelty) · z(score) + novelty · z(−log₂(raters / users))

            with z for standardisation over the pool; the second term is the self-information of Zhou et al. (PNAS
            2010). Without diversity, the mean self-information of a list of given length never falls as novelty grows.
        diversity: 0…1. Maximal marginal relevance (Carbonell & Goldstein, SIGIR 1998): the best movie by value comes
            first, then repeatedly the movie of the largest

                (1 − diversity) · z(value) − diversity · max z(similarity to a movie chosen before)

            The similarity is `compute_similarity`, standardised over all pairs of the pool.

    Raises:
        SettingError: a value outside 0…1.
    """

    novelty: float = 0.0
    diversity: float = 0.0

    def __post_init__(self) -> None:
        check_settings(self, lambda x: 0 <= x <= 1, "must be from 0 to 1", "novelty diversity")

    @property
    def is_off(self) -> bool:
        """True if lists keep the order of the model."""
        return self.novelty == 0 and self.diversity == 0

    def pool(self, n: int) -> int:
        """Return the size of the pool from which a list of `n` is chosen."""
        return n if self.is_off else max(n, min(POOL_FACTOR * n, MAX_POOL))

    def rerank(self, model: Recommender, ranked: RankedLists, n: int) -> RankedLists:
        """Return lists of `n` movies out of ranked pools of `pool(n)`; the scores stay the model's."""
        if self.is_off:
            return ranked
        movies = np.full((len(ranked.movies), n), UNKNOWN, np.int32)
        scores = np.full(movies.shape, -np.inf, np.float32)
        for row, length in enumerate(ranked.lengths.tolist()):
            places = self._places(model, ranked.movies[row, :length], ranked.scores[row, :length], n)
            movies[row, : len(places)] = ranked.movies[row, places]
            scores[row, : len(places)] = ranked.scores[row, places]
        return RankedLists(movies, scores)

    def _places(self, model: Recommender, movies: Numbers, scores: NDArray[np.float32], n: int) -> list[int]:
        """Return the indices in one user's pool of the movies shown, in order."""
        pool, n = movies[:MAX_POOL], min(n, len(movies))
        value = self._value(model, pool, scores[:MAX_POOL])
        if self.diversity and n:
            places = self._select_diverse(value, compute_similarity(model, pool), min(n, len(pool)))
        else:
            places = np.argsort(-value, kind="stable")[:n].tolist()
        return [*places, *range(len(pool), n)]

    def _value(self, model: Recommender, movies: Numbers, scores: NDArray[np.float32]) -> Float64:
        bits = self_information(model.data.raters[movies], len(model.data.users))
        mixed = (1 - self.novelty) * standardise(scores.astype(np.float64)) + self.novelty * standardise(bits)
        return standardise(mixed)

    def _select_diverse(self, value: Float64, similarity: Float64, n: int) -> list[int]:
        """Return the indices of `n` movies by maximal marginal relevance."""
        pairs = ~np.eye(len(similarity), dtype=bool)
        similarity[pairs] = standardise(similarity[pairs])
        relevance, penalty = (1 - self.diversity) * value, self.diversity * similarity
        places = [int(np.argmax(value))]
        nearest = penalty[places[0]]
        while len(places) < n:
            marginal = relevance - nearest
            marginal[places] = -np.inf
            places.append(int(np.argmax(marginal)))
            nearest = np.maximum(nearest, penalty[places[-1]])
        return places


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
