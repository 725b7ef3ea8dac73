"""What lists are like beyond being right: how much of the catalogue they show, how novel, how varied.

Lists arrive as `ranked`, int32 `[users, k]` movie numbers padded with `UNKNOWN`, as `ranking.top_n` makes them.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from cinematrix.common.vectors import normalise_sparse_rows, squared_norms
from cinematrix.data.ids import UNKNOWN, Numbers
from cinematrix.metrics.accuracy import PerUser, ratio


def exposure(ranked: Numbers, n_movies: int) -> NDArray[np.int64]:
    """In how many lists each movie stands; blocks of users add up. int64 `[n_movies]`."""
    return np.bincount(ranked[ranked != UNKNOWN], minlength=n_movies)


def coverage(exposures: NDArray[Any]) -> float:
    """The share of the catalogue that stands in at least one list; NaN for an empty catalogue."""
    return float(np.count_nonzero(exposures) / len(exposures)) if len(exposures) else float("nan")


def gini(exposures: NDArray[Any]) -> float:
    """The Gini index of the movies' exposures: 0 if all are shown equally often, near 1 if few take all.

    Σ (2i − n − 1) xᵢ / (n Σ x), i from 1 over the n movies in ascending order of exposure, those never
    shown included. NaN if nothing is shown.
    """
    total, n = exposures.sum(dtype=np.float64), len(exposures)
    if total == 0:
        return float("nan")
    return float(np.sort(exposures) @ (2 * np.arange(1, n + 1) - n - 1) / (n * total))


def self_information(raters: NDArray[Any], n_users: int) -> NDArray[np.float64]:
    """−log₂(raters / users) of each movie, in bits; a movie without a rater counts as if it had one. `[movies]`."""
    return np.asarray(np.log2(max(n_users, 1)) - np.log2(np.maximum(raters, 1)))


def novelty(ranked: Numbers, raters: NDArray[Any], n_users: int) -> PerUser:
    """How surprising the movies of each list are: their mean self-information in bits (Zhou et al. 2010).

    The mean `self_information` by training: 0 bits for what everybody has seen, 10 for one in a thousand.

    Args:
        ranked: the lists.
        raters: number of training ratings of each movie, `[movies]`.
        n_users: number of users in training.
    """
    per_place = np.append(self_information(raters, n_users), 0)[ranked]  # UNKNOWN (-1) picks the 0 appended
    return ratio(per_place.sum(axis=1), (ranked != UNKNOWN).sum(axis=1))


def intra_list_similarity(ranked: Numbers, features: NDArray[Any] | sparse.sparray | sparse.spmatrix) -> PerUser:
    """How alike the movies of each list are: the mean cosine over its pairs (Ziegler et al. 2005); low is varied.

    A movie whose features are all 0 is like no other. NaN for a list of fewer than two movies.

    Args:
        ranked: the lists.
        features: any description of the movies, `[movies, d]`, dense or sparse: genres, content, factors.
    """
    unit = normalise_sparse_rows(sparse.csr_matrix(features, dtype=np.float64))
    shown = ranked != UNKNOWN
    n = shown.sum(axis=1)
    starts = np.append(0, np.cumsum(n))
    lists = sparse.csr_matrix((np.ones(starts[-1]), ranked[shown], starts), shape=(len(ranked), unit.shape[0]))
    of_all_pairs = squared_norms(lists @ unit)  # of each movie with each, itself included
    of_itself = lists @ squared_norms(unit)
    return ratio(of_all_pairs - of_itself, n * (n - 1))
