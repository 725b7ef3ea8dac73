"""ALS: biased matrix factorization by alternating least squares. Needs NumPy alone."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from cinematrix.common.progress import Progress, running
from cinematrix.common.settings import SearchRange, SearchSpace
from cinematrix.data.ratings import Ratings
from cinematrix.models.components.biases import Biases
from cinematrix.models.components.factors import (
    INITIAL_STD,
    Factorization,
    Factors,
    FactorSettings,
    append_bias_penalty,
    require_positive,
)
from cinematrix.models.components.least_squares import solve_ridge


@dataclass(frozen=True)
class ALSSettings(FactorSettings):
    """Hyper-parameters of `als`.

    Attributes:
        factors: number of factors of each user and movie.
        shrinkage: ridge penalty that pulls a user's or a movie's factors to 0, in ratings.
        regularization: additional penalty for each rating.
        iterations: number of alternations; each solves for both sides.
        seed: random seed of the initial factors.
    """

    SPACE: ClassVar[SearchSpace] = {
        "factors": (16, 32, 64, 128),
        "shrinkage": SearchRange(1.0, 20.0, log=True),
        "regularization": SearchRange(0.01, 0.3, log=True),
    }

    iterations: int = 12

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(self, "iterations")


class ALS(Factorization):
    """rating ≈ μ + b_u + b_i + p_u · q_i, each side solved exactly while the other is fixed.

    ALS-WR (Zhou, Wilkinson, Schreiber & Pan 2008) with biases and a constant part of the penalty. The half-step for the
    users is the fold-in; the movies' is the same regression, with the users' biases as an offset.
    """

    name: ClassVar[str] = "als"
    Settings = ALSSettings
    settings: ALSSettings

    def fit_factors(self, ratings: Ratings, biases: Biases, start: Factors, progress: Progress) -> Factors:
        s, users, movies = self.settings, ratings.by_user, ratings.by_movie
        assert movies.values is not None, "ALS is fitted on ratings with stars only"
        z = start.standardise(movies.values)
        penalty = append_bias_penalty(s.penalty.of(movies.counts), s.factors, biases.movie_shrinkage)
        rng = np.random.default_rng(s.seed)
        first = np.float32(INITIAL_STD) * rng.standard_normal((len(movies), s.factors), np.float32)
        factors = start.learned(first, start.bias[: len(movies)])
        with running(progress, self.name, s.iterations):
            for _ in range(s.iterations):
                folded_in = factors.users(users)
                table = np.hstack([folded_in[:, :-1], np.ones((len(users), 1), np.float32)])
                solution = solve_ridge(movies, table, z - folded_in[movies.items, -1], penalty)
                factors = start.learned(solution[:, :-1], solution[:, -1])
                progress.advance()
        return factors
