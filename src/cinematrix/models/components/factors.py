"""Biases and factors: the predictions that all biased factorizations share, however the movies' factors were learned.

    rating ≈ mean + σ · (b_i + b_u + v_u · q_i)

σ is the standard deviation of the residuals over the biases, so that settings mean the same on every scale. A user is
represented by their history: v_u and b_u are the ridge regression of the ratings on the factors of the rated movies
(`least_squares.solve_ridge`, with a column of ones for the bias), for users inside and outside the training data alike.
A user's factors are penalised by `Penalty`, the bias by its estimated shrinkage (`biases`). With implicit factors
(SVD++; Koren 2008), penalties pull v_u not to 0 but to |N(u)|^(−1/2) Σ y_j.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from cinematrix.common.progress import Progress
from cinematrix.data.histories import Histories
from cinematrix.data.ids import Numbers
from cinematrix.data.ratings import Ratings
from cinematrix.data.training_data import TrainingData
from cinematrix.errors import SettingError, TrainingError
from cinematrix.models.base import Recommender
from cinematrix.models.components.biases import Biases
from cinematrix.models.components.least_squares import entry_contributions, solve_ridge
from cinematrix.models.contract_types import Abilities, Ordering, ScoreShares, Training

Float32 = NDArray[np.float32]

INITIAL_STD = 0.05
"""Standard deviation of the initial factors."""

MIN_RESIDUAL_SHARE = 1e-4
"""Residuals with a smaller standard deviation, as a share of the scale's width, are treated as 0."""


@dataclass(frozen=True)
class Penalty:
    """Ridge penalty that pulls factors to their prior mean.

    Attributes:
        shrinkage: constant penalty, in ratings: a Bayesian prior.
        regularization: additional penalty for each rating (ALS-WR; Zhou et al. 2008).
    """

    shrinkage: float
    regularization: float

    def __post_init__(self) -> None:
        if not (self.shrinkage >= 0 and self.regularization >= 0 and self.shrinkage + self.regularization > 0):
            raise SettingError(
                f"shrinkage {self.shrinkage:g} and regularization {self.regularization:g} must be at least 0, "
                "and one of them above"
            )

    def of(self, counts: NDArray[Any]) -> Float32:
        """Return the penalty for numbers of ratings. `[n]`, above 0."""
        return np.asarray(self.shrinkage + self.regularization * np.maximum(counts, 1), np.float32)


@dataclass(frozen=True, eq=False)
class Factors:
    """The movies' side of a factorization, ready to serve.

    Attributes:
        mean: mean of the ratings.
        unit: σ, in stars.
        bias: float32 `[n_movies + 1]`, in units of σ; the last entry, 0, is that of an unknown movie.
        movies: float32 `[n_movies + 1, k + 1]`; the last column is 1 and multiplies the user's bias; the last row,
            whose factors are 0, is that of an unknown movie.
        penalty: penalty of a user's factors.
        user_shrinkage: penalty of a user's bias.
        signs: float32 `[n_movies, k]`, the implicit factors y of having rated a movie at all; None: there are none.
    """

    mean: float
    unit: float
    bias: Float32
    movies: Float32
    penalty: Penalty
    user_shrinkage: float
    signs: Float32 | None = None

    @classmethod
    def of_biases(cls, biases: Biases, unit: float, n_factors: int, penalty: Penalty) -> Self:
        """Return factors that are all 0, over these biases."""
        bias = np.append(biases.movie, np.float32(0)) / np.float32(unit)
        movies = np.zeros((len(bias), n_factors + 1), np.float32)
        movies[:, -1] = 1
        return cls(biases.mean, unit, bias, movies, penalty, biases.user_shrinkage)

    def learned(self, factors: Float32, bias: Float32, signs: Float32 | None = None) -> Self:
        """Return a copy with the factors `[n, k]` and biases `[n]` of the first `n` movies, those with ratings.

        Raises:
            TrainingError: they aren't finite.
        """
        if not (np.isfinite(factors).all() and np.isfinite(bias).all()):
            raise TrainingError("training diverged: the factors aren't finite; take a lower learning_rate")
        movies, biases = self.movies.copy(), self.bias.copy()
        movies[: len(factors), :-1], biases[: len(bias)] = factors, bias
        padded = None if signs is None else np.vstack([signs, np.zeros((len(movies) - 1 - len(signs), signs.shape[1]))])
        return replace(self, movies=movies, bias=biases, signs=None if padded is None else padded.astype(np.float32))

    def standardise(self, values: Float32) -> Float32:
        """Return ratings minus the mean, in units of σ."""
        return np.asarray((values - np.float32(self.mean)) / np.float32(self.unit), np.float32)

    def users(self, histories: Histories) -> Float32:
        """Return each history's factors and, in the last column, its bias. `[len(histories), k + 1]`."""
        return solve_ridge(
            histories, self.movies[:-1], self._targets(histories), self._penalty(histories), self._prior(histories)
        )

    def score(self, histories: Histories) -> Float32:
        """Return the expected rating of every movie, not clipped to the scale. `[len(histories), n_movies]`."""
        unit = np.float32(self.unit)
        score = np.asarray((self.users(histories) * unit) @ self.movies[:-1].T, np.float32)
        score += np.float32(self.mean) + unit * self.bias[:-1]
        return score

    def pairs(self, histories: Histories, rows: Numbers, movies: Numbers) -> Float32:
        """Return the expected rating of pairs, not clipped to the scale; movies may be `UNKNOWN`. `[n]`."""
        dots = np.einsum("nk,nk->n", self.users(histories)[rows], self.movies[movies])
        return np.asarray(np.float32(self.mean) + np.float32(self.unit) * (self.bias[movies] + dots), np.float32)

    def shares(self, history: Histories, movies: Numbers) -> ScoreShares:
        """Return the parts of `pairs` for one user. They are exact: the user's vector is a sum over the ratings."""
        unit = np.float32(self.unit)
        by_rating = self._rating_parts(history) * unit
        score = self.pairs(history, np.zeros(len(movies), np.int32), movies)
        parts = {
            "mean": np.full(len(movies), self.mean, np.float32),
            "movie_bias": self.bias[movies] * unit,
            "user_bias": np.full(len(movies), by_rating[:, -1].sum(), np.float32),
        }
        ratings = self.movies[movies, :-1] @ by_rating[:, :-1].T
        return ScoreShares(score.astype(np.float64), parts, ratings, np.zeros_like(ratings))

    def _rating_parts(self, history: Histories) -> Float32:
        """Return each rating's part in `users` of one history: A⁻¹(q_j · target_j + D · y_j / √n). `[size, k + 1]`."""
        table, penalty = self.movies[history.items], self._penalty(history)[0]
        by_rating = entry_contributions(table, penalty)
        added = by_rating * self._targets(history)[:, None]
        if self.signs is not None and len(history.items):
            # the prior m becomes m − A⁻¹YᵀY·m = A⁻¹D·m; the part of rating j in m is y_j / √n
            sign = np.pad(self.signs[history.items], ((0, 0), (0, 1))) / np.sqrt(np.float32(len(table)))
            added += sign - (sign @ table.T) @ by_rating
        return np.asarray(added, np.float32)

    def _targets(self, histories: Histories) -> Float32:
        if histories.values is None:
            return np.zeros(len(histories.items), np.float32)
        return self.standardise(histories.values) - self.bias[histories.items]

    def _penalty(self, histories: Histories) -> Float32:
        return append_bias_penalty(self.penalty.of(histories.counts), self.movies.shape[1] - 1, self.user_shrinkage)

    def _prior(self, histories: Histories) -> Float32 | None:
        if self.signs is None:
            return None
        root = np.sqrt(np.maximum(histories.counts, 1)).astype(np.float32)
        sums = histories.sums(self.signs)
        return np.pad(sums / root[:, None], ((0, 0), (0, 1)))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays to save."""
        constants = [self.mean, self.unit, self.penalty.shrinkage, self.penalty.regularization, self.user_shrinkage]
        arrays = {"factors.constants": np.array(constants), "factors.bias": self.bias, "factors.movies": self.movies}
        return arrays if self.signs is None else arrays | {"factors.signs": self.signs}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Return the factors from the output of `arrays`."""
        mean, unit, *penalty, user_shrinkage = arrays["factors.constants"].tolist()
        bias, movies = arrays["factors.bias"], arrays["factors.movies"]
        return cls(mean, unit, bias, movies, Penalty(*penalty), user_shrinkage, arrays.get("factors.signs"))


def append_bias_penalty(penalty: Float32, n_factors: int, shrinkage: float) -> Float32:
    """Repeat each penalty for `n_factors` factors; append `shrinkage` for the bias as a last column. `[n, k + 1]`."""
    columns = np.repeat(penalty[:, None], n_factors + 1, axis=1)
    columns[:, -1] = max(shrinkage, 1e-6)
    return columns


def residual_std(ratings: Ratings, biases: Biases, who: str) -> float:
    """Return the standard deviation of the residuals of `ratings` over the biases; 1 if there are none."""
    stars, scale = ratings.stars(who)
    residuals = stars - biases.predict(biases.of_users(ratings.by_user)[ratings.user], ratings.movie)
    deviation = float(np.sqrt(np.mean(np.square(residuals), dtype=np.float64)))
    return deviation if deviation > MIN_RESIDUAL_SHARE * (scale.high - scale.low) else 1.0


@dataclass(frozen=True)
class FactorSettings:
    """Hyper-parameters common to the factorizations, in units of the residuals, so that they suit every scale.

    Attributes:
        factors: number of factors of each user and movie.
        shrinkage: ridge penalty that pulls a user's or a movie's factors to 0, in ratings.
        regularization: additional penalty for each rating.
        seed: random seed of the initial factors, and of the order of the ratings in SGD.
    """

    factors: int = 64
    shrinkage: float = 6.0
    regularization: float = 0.06
    seed: int = 0

    def __post_init__(self) -> None:
        require_positive(self, "factors")
        Penalty(self.shrinkage, self.regularization)

    @property
    def penalty(self) -> Penalty:
        """Penalty of the users' and of the movies' factors."""
        return Penalty(self.shrinkage, self.regularization)


def require_positive(settings: Any, *names: str) -> None:
    """Check that these settings are counts from 1 or numbers above 0.

    Raises:
        SettingError: one of them isn't.
    """
    for name in names:
        value = getattr(settings, name)
        least, rule = (1, "at least 1") if isinstance(value, int) else (np.finfo(np.float32).tiny, "above 0")
        if not least <= value < np.inf:
            raise SettingError(f"{name} is {value}; it must be {rule} and finite")


class Factorization(Recommender):
    """A model that predicts by `Factors`; subclasses learn them in `fit_factors`."""

    abilities: ClassVar[Abilities] = Abilities(stars=True, vectors=True, explains=True)
    settings: FactorSettings
    factors: Factors

    def learn(self, training: Training) -> None:
        ratings, s = training.ratings, self.settings
        biases = Biases.of(ratings, len(self.data.movies))
        start = Factors.of_biases(biases, residual_std(ratings, biases, self.name), s.factors, s.penalty)
        self.factors = self.fit_factors(ratings, biases, start, training.progress)

    def fit_factors(self, ratings: Ratings, biases: Biases, start: Factors, progress: Progress) -> Factors:
        """Return `start`, in which all factors are 0, with factors and biases learned from `ratings`."""
        raise NotImplementedError

    def score(self, histories: Histories, *, by: Ordering = "ranking") -> NDArray[np.float32]:
        return self.factors.score(histories)

    def predict_pairs(self, histories: Histories, rows: Numbers, movies: Numbers) -> NDArray[np.float32]:
        assert self.data.scale is not None, f"{self.name} is fitted on ratings with stars only"
        return self.data.scale.clip(self.factors.pairs(histories, rows, movies))

    def vectors(self) -> NDArray[np.float32]:
        return self.factors.movies[:-1, :-1]

    def movie_index(self) -> NDArray[np.float32]:
        return np.hstack([self.factors.movies, self.factors.bias[:, None]])[:-1]

    def user_index(self, histories: Histories) -> NDArray[np.float32]:
        users = self.factors.users(histories)
        return np.hstack([users, np.ones((len(users), 1), np.float32)]) * np.float32(self.factors.unit)

    def shares(self, history: Histories, movies: Numbers, *, by: Ordering = "ranking") -> ScoreShares:
        return self.factors.shares(history, movies)

    def arrays(self) -> dict[str, NDArray[Any]]:
        return self.factors.arrays()

    @classmethod
    def restore(cls, settings: Any, data: TrainingData, arrays: Mapping[str, NDArray[Any]]) -> Self:
        model = cls(settings)
        model.data, model.factors = data, Factors.from_arrays(arrays)
        return model
