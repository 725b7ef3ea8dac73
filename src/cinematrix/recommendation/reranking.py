"""The dials of a list: away from what everybody has seen, and away from more of the same.

They reorder the best of what the model would recommend and nothing else, so that even a dial at its end shows movies
for this person. What they mix is in standard deviations from its mean over these movies, so that a dial means the same
whatever the unit of a model's scores, and however close together its movies lie.
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
"""A list of `n` is chosen from the best `POOL_FACTOR` × `n` movies by score …"""

MAX_POOL = 1000
"""… or from so many. What a longer list has beyond these follows as the model orders it."""

Float64 = NDArray[np.float64]


@dataclass(frozen=True)
class Reranking:
    """How far a list leaves the order of the model's scores. Both at 0, it is that order.

    Attributes:
        novelty: 0…1. The pool is ordered by

                value = (1 − novelty) · z(score) + novelty · z(−log₂(raters / users))

            with z for standard deviations from the pool's mean; the second part is the self-information of Zhou et
            al. (PNAS 2010). Without diversity, more novelty never lowers the mean self-information of a list: of two
            lists of one length, each the best at its own novelty, the one with more of it can't have less of what it
            weighs more.
        diversity: 0…1. Maximal marginal relevance (Carbonell & Goldstein, SIGIR 1998): the best by value comes first,
            and then always the movie of the largest

                (1 − diversity) · z(value) − diversity · z(its likeness to the most like one chosen before)

            Likeness is what `compute_similarity` says, its z over all pairs of the pool.

    Raises:
        SettingError: a dial that isn't from 0 to 1.
    """

    novelty: float = 0.0
    diversity: float = 0.0

    def __post_init__(self) -> None:
        check_settings(self, lambda x: 0 <= x <= 1, "must be from 0 to 1", "novelty diversity")

    @property
    def is_off(self) -> bool:
        """Whether lists stay as the model orders them."""
        return self.novelty == 0 and self.diversity == 0

    def pool(self, n: int) -> int:
        """How many of the best movies a list of `n` is chosen from."""
        return n if self.is_off else max(n, min(POOL_FACTOR * n, MAX_POOL))

    def rerank(self, model: Recommender, ranked: RankedLists, n: int) -> RankedLists:
        """The lists of `n` movies out of ranked pools of `pool(n)`; the scores stay the model's."""
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
        """Which of one person's pool are shown, in order."""
        turned, n = movies[:MAX_POOL], min(n, len(movies))
        value = self._value(model, turned, scores[:MAX_POOL])
        if self.diversity and n:
            places = self._unlike(value, compute_similarity(model, turned), min(n, len(turned)))
        else:
            places = np.argsort(-value, kind="stable")[:n].tolist()
        return [*places, *range(len(turned), n)]

    def _value(self, model: Recommender, movies: Numbers, scores: NDArray[np.float32]) -> Float64:
        bits = self_information(model.data.raters[movies], len(model.data.users))
        mixed = (1 - self.novelty) * standardise(scores.astype(np.float64)) + self.novelty * standardise(bits)
        return standardise(mixed)

    def _unlike(self, value: Float64, alike: Float64, n: int) -> list[int]:
        """The places of `n` movies by maximal marginal relevance."""
        different = ~np.eye(len(alike), dtype=bool)
        alike[different] = standardise(alike[different])
        relevance, penalty = (1 - self.diversity) * value, self.diversity * alike
        places = [int(np.argmax(value))]
        nearest = penalty[places[0]]
        while len(places) < n:
            marginal = relevance - nearest
            marginal[places] = -np.inf
            places.append(int(np.argmax(marginal)))
            nearest = np.maximum(nearest, penalty[places[-1]])
        return places


def compute_similarity(model: Recommender, movies: Numbers) -> Float64:
    """How alike movies are: the cosines of the model's vectors of them; where it has none, of their genres; where the
    catalog has none either, of who rated them. `[n, n]`."""
    rows = _comparison_features(model, movies)
    if sparse.issparse(rows):
        few = normalise_sparse_rows(sparse.csr_matrix(rows, dtype=np.float64))
        return np.asarray((few @ few.T).toarray())
    many = normalise_rows(rows)
    return np.asarray(many @ many.T, np.float64)


def _comparison_features(model: Recommender, movies: Numbers) -> Any:
    known = model.data
    if model.abilities.vectors:
        return model.vectors()[movies]
    if known.catalog.genres:
        return known.catalog.genre_matrix()[movies]
    return known.history.matrix(len(known.movies))[:, movies].T
