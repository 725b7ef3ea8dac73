"""What the towers leave of a person's ratings, spread over near movies: a Gaussian process for each person.

A tower sees a history through a few dozen factors. Where somebody's ratings stray from its predictions, they stray
alike for movies that are alike, more locally than factors can say. So the residuals of her own ratings are
interpolated (Krige 1951; Rasmussen & Williams 2006, equation 2.25):

    k(i, j) = exp(−SHARPNESS · (1 − cos(place_i, place_j)))
    extra_ui = weight · k_i · (K + DOUBT · I)⁻¹ · left_u,        K over the movies that u rated

A movie's place is made of its vector from the towers, of who watched it, and of its content; among movies that nobody
has rated yet, of its content alone. Nothing is learned for a person: a stranger's few ratings do as well. A long
history is represented by some of its movies (the subset of regressors, their section 8.3.1), so that the cost of one
person is bounded.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse

from cinematrix.common.threads import one_thread
from cinematrix.common.vectors import normalise_rows
from cinematrix.data.histories import Histories
from cinematrix.data.ids import Numbers
from cinematrix.models.components.ease_low_rank import Spectrum

Float32 = NDArray[np.float32]

KERNEL_SHARPNESS = 2.0
"""How fast likeness falls with the angle between two movies' places."""

NOISE_VARIANCE = np.float32(1)
"""The variance of a single rating's noise, in units of the variance of what is interpolated."""

EMBEDDING_WIDTH = 128
"""Width of a place."""

EMBEDDING_SHARES = (0.4, 0.3, 0.3)
"""What the towers' vectors, the audience and the content count in a place."""

AUDIENCE_RANK, AUDIENCE_RIDGE = 256, 200.0
"""Directions of the audience that count, and the eigenvalue below which they count less."""

JITTER = np.float32(1e-2)
"""Keeps the likeness of movies that lie in one place from being singular."""

MAX_INDUCING_MOVIES = 384
"""Movies that represent a history; a longer one is thinned."""

PRIOR_WEIGHT, PRIOR_WEIGHT_STD = 0.75, 0.1
"""The weight that is expected before any validation rating is seen, and its standard deviation."""


@dataclass(frozen=True, eq=False)
class ResidualGP:
    """Spreads what is left of a person's ratings.

    Attributes:
        places: float32 `[n_movies, rank]`, of unit length: where each movie lies among the others.
        weight: what the interpolated residual counts.
    """

    places: Float32
    weight: float = PRIOR_WEIGHT

    def solve(self, histories: Histories, left: Float32, rows: Numbers | None = None) -> Float32:
        """What each entry of the histories (of `rows`, default: all) adds to a movie of likeness 1. `[size]`.

        `left` is what the towers leave of each entry's rating. Entries that don't represent their history have 0.
        """
        found = np.zeros(len(histories.items), np.float32)
        with one_thread():
            for row in range(len(histories)) if rows is None else rows:
                start, stop = histories.starts[row], histories.starts[row + 1]
                if stop > start:
                    kept = np.linspace(start, stop - 1, min(stop - start, MAX_INDUCING_MOVIES)).round().astype(np.int64)
                    found[kept] = self._solved(histories.items[kept], histories.items[start:stop], left[start:stop])
        return found * np.float32(self.weight)

    def _solved(self, kept: Numbers, items: Numbers, left: Float32) -> Float32:
        """The entries of `kept` in place of all `items`; if these are the same, the process itself."""
        near, one = self.similarity(kept, kept), np.eye(len(kept), dtype=np.float32)
        if len(kept) == len(items):
            return _solve_positive(near + NOISE_VARIANCE * one, left)
        root = linalg.cholesky(near + JITTER * one, lower=True, check_finite=False)
        across = linalg.solve_triangular(root, self.similarity(kept, items), lower=True, check_finite=False)
        solved = _solve_positive(across @ across.T + NOISE_VARIANCE * one, across @ left)
        return np.asarray(linalg.solve_triangular(root, solved, lower=True, trans=1, check_finite=False), np.float32)

    def similarity(self, some: Numbers, others: Numbers) -> Float32:
        """How alike movies are, 0…1; nothing is like `UNKNOWN`. `[len(some), len(others)]`."""
        return self._likeness(self.places[some], others) * (some >= 0)[:, None]

    def _likeness(self, some: Float32, others: Numbers) -> Float32:
        return np.asarray(
            np.exp(np.float32(KERNEL_SHARPNESS) * (some @ self.places[others].T - np.float32(1))), np.float32
        )

    def pairs(self, histories: Histories, left: Float32, rows: Numbers, movies: Numbers) -> Float32:
        """What is added to the predictions of pairs. `[n]`."""
        order = np.argsort(rows, kind="stable")
        present, starts = np.unique(rows[order], return_index=True)
        solved, added = self.solve(histories, left, present), np.zeros(len(rows), np.float32)
        for row, start, stop in zip(present, starts, [*starts[1:], len(rows)], strict=False):
            places = order[start:stop]
            entries = slice(histories.starts[row], histories.starts[row + 1])
            added[places] = self.similarity(movies[places], histories.items[entries]) @ solved[entries]
        return added

    def score(self, histories: Histories, left: Float32, movies: Numbers) -> Float32:
        """What is added to every history's predictions of `movies`. `[n, len(movies)]`."""
        solved, added = self.solve(histories, left), np.empty((len(histories), len(movies)), np.float32)
        places = self.places[movies]
        for row in range(len(histories)):
            entries = slice(histories.starts[row], histories.starts[row + 1])
            added[row] = self._likeness(places, histories.items[entries]) @ solved[entries]
        return added

    def fit_weight(self, added: Float32, missing: Float32) -> "ResidualGP":
        """With the weight that fits `missing`, what held-out ratings are above the towers' predictions, best.

        `added` is what this process adds to them. Least squares, drawn to the usual weight as by a normal prior.
        """
        added = added / np.float32(max(self.weight, 1e-9))
        doubt = float(np.mean(missing**2, dtype=np.float64)) / PRIOR_WEIGHT_STD**2 if len(missing) else 1.0
        above = float(added @ missing) + doubt * PRIOR_WEIGHT
        return ResidualGP(self.places, min(max(above / (float(added @ added) + doubt), 0.0), 1.0))

    def arrays(self, prefix: str) -> dict[str, NDArray[Any]]:
        """For saving, under names that begin with `prefix`."""
        return {f"{prefix}places": self.places, f"{prefix}weight": np.array([self.weight])}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], prefix: str) -> "ResidualGP | None":
        """The process that `arrays` took apart; None if there is none under that prefix."""
        if f"{prefix}places" not in arrays:
            return None
        return cls(arrays[f"{prefix}places"], arrays[f"{prefix}weight"].item())


def embed_movies(
    vectors: Float32, spectrum: Spectrum, content: sparse.csr_matrix | None, raters: NDArray[np.int64]
) -> Float32:
    """Where movies lie: their vectors, their audience and their content side by side, each of unit length.

    `raters` counts who rated each movie: the mean and the main axes are those of what is watched.
    """
    weights = raters + np.float32(0.1)
    directions = spectrum.largest(AUDIENCE_RANK)
    audience = directions.vectors * np.sqrt(directions.values / (directions.values + AUDIENCE_RIDGE)).astype(np.float32)
    parts = [
        normalise_rows(vectors - np.average(vectors, axis=0, weights=weights).astype(np.float32)),
        normalise_rows(audience),
    ]
    if content is not None:
        parts.append(embed_content(content))
    whole = np.hstack([part * np.float32(share**0.5) for part, share in zip(parts, EMBEDDING_SHARES, strict=False)])
    axes = np.linalg.eigh(((whole * weights[:, None]).T @ whole).astype(np.float64))[1][:, ::-1][:, :EMBEDDING_WIDTH]
    return normalise_rows(whole @ axes.astype(np.float32))


def embed_content(content: sparse.csr_matrix) -> Float32:
    """Where movies lie by their content alone, rare facts counting more. `[n_movies, RANK or less]`, unit length."""
    rarity = np.log(content.shape[0] / (1 + np.diff(content.tocsc().indptr))).astype(np.float32)
    axes = Spectrum.of_rows((content @ sparse.diags(rarity)).T.tocsr(), EMBEDDING_WIDTH)
    return normalise_rows(axes.vectors * np.sqrt(axes.values).astype(np.float32))


def _solve_positive(matrix: Float32, right: Float32) -> Float32:
    """What `matrix`, positive definite by its making, turns into `right`; its condition needn't be asked for."""
    factor = linalg.cho_factor(matrix, lower=True, overwrite_a=True, check_finite=False)
    return np.asarray(linalg.cho_solve(factor, right, check_finite=False), np.float32)
