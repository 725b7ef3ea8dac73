"""Beyond-accuracy metrics of lists: catalog coverage, exposure, novelty, diversity and calibration.

`ranked` holds the lists, int32 `[users, k]` movie numbers padded with `UNKNOWN`, as `metrics.top_n.top_n` returns them.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from cinematrix.common.vectors import gini_coefficient, normalise_sparse_rows, squared_norms
from cinematrix.data.histories import Histories
from cinematrix.data.ids import UNKNOWN, Numbers
from cinematrix.metrics.accuracy import PerUser, ratio

SMOOTHING = 0.01
"""Share of the history's distribution in that of the list (Steck's α), without which the divergence can be infinite."""


def exposure(ranked: Numbers, n_movies: int) -> NDArray[np.int64]:
    """Count the lists with each movie; counts of blocks of users may be added. int64 `[n_movies]`."""
    return np.bincount(ranked[ranked != UNKNOWN], minlength=n_movies)


def coverage(exposures: NDArray[Any]) -> float:
    """Catalog coverage: the share of the movies that are in at least one list; NaN for an empty catalog."""
    return float(np.count_nonzero(exposures) / len(exposures)) if len(exposures) else float("nan")


def gini(exposures: NDArray[Any]) -> float:
    """Gini coefficient of the movies' exposures: 0 if all are shown equally often, near 1 if few movies fill the lists.

    Movies that are never shown count. NaN if nothing is shown.
    """
    return gini_coefficient(exposures)


def self_information(raters: NDArray[Any], n_users: int) -> NDArray[np.float64]:
    """Self-information of each movie, −log₂(raters / users), in bits; 0 raters count as one. float64 `[movies]`."""
    return np.asarray(np.log2(max(n_users, 1)) - np.log2(np.maximum(raters, 1)))


def novelty(ranked: Numbers, raters: NDArray[Any], n_users: int) -> PerUser:
    """Novelty of each list: the mean self-information of its movies, in bits (Zhou et al. 2010).

    A movie that all training users rated has 0 bits, one that a thousandth rated has 10.

    Args:
        ranked: the lists.
        raters: number of training ratings of each movie, `[movies]`.
        n_users: number of training users.
    """
    per_place = np.append(self_information(raters, n_users), 0)[ranked]  # UNKNOWN (-1) picks the 0 appended
    return ratio(per_place.sum(axis=1), (ranked != UNKNOWN).sum(axis=1))


def intra_list_similarity(ranked: Numbers, features: NDArray[Any] | sparse.sparray | sparse.spmatrix) -> PerUser:
    """Intra-list similarity: the mean cosine over the pairs of each list (Ziegler et al. 2005); low means diverse.

    A movie whose features are all 0 has similarity 0. NaN for a list of fewer than two movies.

    Args:
        ranked: the lists.
        features: features of the movies, `[movies, d]`, dense or sparse: genres, content or factors.
    """
    unit = normalise_sparse_rows(sparse.csr_matrix(features, dtype=np.float64))
    lists = _membership(ranked, unit.shape[0])
    n = np.diff(lists.indptr)
    all_pairs = squared_norms(lists @ unit)  # each movie with each, itself included
    self_pairs = lists @ squared_norms(unit)
    return ratio(all_pairs - self_pairs, n * (n - 1))


def miscalibration(ranked: Numbers, liked: Histories, features: sparse.csr_matrix) -> PerUser:
    """Kullback-Leibler divergence of each list's features from those of the liked history, in nats (Steck 2018).

    It is Σ p·ln(p / q) with p the mean features of the liked history, and q those of the list, smoothed with
    `SMOOTHING` of p. 0 means that the list has the same mix as the history. NaN if either has no features.

    Args:
        ranked: the lists.
        liked: each user's liked movies in the history.
        features: distribution of each movie over genres or the like, `[movies, d]`; a row sums to 1, or to 0.
    """
    wanted = _mean_features(liked.matrix(features.shape[0]), features)
    shown = _mean_features(_membership(ranked, features.shape[0]), features)
    divergence = mix_divergence(wanted, shown)
    divergence[~(wanted.any(axis=1) & shown.any(axis=1))] = np.nan
    return np.asarray(divergence, np.float64)


def mix_divergence(wanted: NDArray[np.float64], shown: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Σ wanted · ln(wanted / shown) over the last axis, with `shown` smoothed by `SMOOTHING` of `wanted`."""
    smoothed = (1 - SMOOTHING) * shown + SMOOTHING * wanted
    wanted = np.broadcast_to(wanted, smoothed.shape)
    ratios = np.divide(wanted, smoothed, out=np.ones_like(smoothed), where=wanted > 0)
    return np.asarray(np.maximum((wanted * np.log(ratios)).sum(axis=-1), 0))  # rounding can leave −1e-17


def normalise_sums(rows: NDArray[Any]) -> NDArray[np.float64]:
    """Divide each row by its sum; rows of zeros stay zeros. float64, of the same shape."""
    totals = rows.sum(axis=-1, keepdims=True, dtype=np.float64)
    return np.asarray(np.divide(rows, totals, out=np.zeros(rows.shape), where=totals > 0), np.float64)


def _membership(ranked: Numbers, n_movies: int) -> sparse.csr_matrix:
    """Return the lists as a matrix lists × movies, 1 where the list has the movie; in the order of the list."""
    shown = ranked != UNKNOWN
    starts = np.append(0, np.cumsum(shown.sum(axis=1)))
    return sparse.csr_matrix((np.ones(starts[-1]), ranked[shown], starts), shape=(len(ranked), n_movies))


def _mean_features(sets: sparse.csr_matrix, features: sparse.csr_matrix) -> NDArray[np.float64]:
    """Return the distribution of each set of movies over the features; zeros for a set without any. `[sets, d]`."""
    return normalise_sums((sets @ features).toarray())
