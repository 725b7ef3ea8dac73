"""Biases and factors: what the whole classic family predicts with, whoever learned the movies' factors.

    rating ≈ mean + σ · (b_i + b_u + v_u · q_i)

σ is the standard deviation of what the biases leave, so that settings mean the same on every scale. A user is her
history: v_u and b_u are the ridge regression of her ratings on the factors of her movies (`least_squares.project`, with
a column of ones for the bias), for known users and strangers alike. A user's factors are penalised by `Penalty`, her
bias by what the data's variances say (`biases`). With movies as signs of taste (SVD++; Koren 2008) penalties pull v_u
not to 0 but to |N(u)|^(−1/2) Σ y_j.
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
from cinematrix.models.base import Abilities, Ordering, Recommender, ScoreShares, Training
from cinematrix.models.components.biases import Biases
from cinematrix.models.components.least_squares import entry_contributions, solve_ridge

Float32 = NDArray[np.float32]

INITIAL_STD = 0.05
"""Standard deviation of factors before anything is learned."""

MIN_RESIDUAL_SHARE = 1e-4
"""What the biases leave is nothing if it is smaller than this share of the scale."""


@dataclass(frozen=True)
class Penalty:
    """How strongly factors are pulled to their prior mean.

    Attributes:
        shrinkage: ratings' worth of doubt, whoever it is: the prior of a Bayesian.
        regularization: more for each rating (ALS-WR; Zhou et al. 2008): histories say less than their length.
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
        """The penalty of those who have so many ratings. `[n]`, above 0."""
        return np.asarray(self.shrinkage + self.regularization * np.maximum(counts, 1), np.float32)


@dataclass(frozen=True, eq=False)
class Factors:
    """The movies' side, ready to serve.

    Attributes:
        mean: of the ratings.
        unit: σ, in stars.
        bias: float32 `[n_movies + 1]`, in units of σ; the last place, 0, answers for an unknown movie.
        movies: float32 `[n_movies + 1, k + 1]`; the last column is 1 and meets the user's bias; the
            last row, whose factors are 0, answers for an unknown movie.
        penalty: of a user's factors.
        user_shrinkage: the penalty of her bias.
        signs: float32 `[n_movies, k]`, y: what it says of a user that she rated the movie at all; None: nothing.
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
        """Factors that are all 0, over these biases."""
        bias = np.append(biases.movie, np.float32(0)) / np.float32(unit)
        movies = np.zeros((len(bias), n_factors + 1), np.float32)
        movies[:, -1] = 1
        return cls(biases.mean, unit, bias, movies, penalty, biases.user_shrinkage)

    def learned(self, factors: Float32, bias: Float32, signs: Float32 | None = None) -> Self:
        """The same with the factors `[n, k]` and biases `[n]` of the first `n` movies, those with ratings.

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
        """Ratings less the mean, in units of σ."""
        return np.asarray((values - np.float32(self.mean)) / np.float32(self.unit), np.float32)

    def users(self, histories: Histories) -> Float32:
        """Each history's factors and, in the last column, its bias. `[len(histories), k + 1]`."""
        return solve_ridge(
            histories, self.movies[:-1], self._targets(histories), self._penalty(histories), self._prior(histories)
        )

    def score(self, histories: Histories) -> Float32:
        """The expected rating of every movie, not cut to the scale. `[len(histories), n_movies]`."""
        unit = np.float32(self.unit)
        score = np.asarray((self.users(histories) * unit) @ self.movies[:-1].T, np.float32)
        score += np.float32(self.mean) + unit * self.bias[:-1]
        return score

    def pairs(self, histories: Histories, rows: Numbers, movies: Numbers) -> Float32:
        """The expected rating of pairs of a history and a movie (or `UNKNOWN`), not cut to the scale. `[n]`."""
        dots = np.einsum("nk,nk->n", self.users(histories)[rows], self.movies[movies])
        return np.asarray(np.float32(self.mean) + np.float32(self.unit) * (self.bias[movies] + dots), np.float32)

    def shares(self, history: Histories, movies: Numbers) -> ScoreShares:
        """What adds up to `pairs` for one person: her vector is a sum over her ratings, so this is exact."""
        unit = np.float32(self.unit)
        by_rating = self._addends(history) * unit
        score = self.pairs(history, np.zeros(len(movies), np.int32), movies)
        parts = {
            "mean": np.full(len(movies), self.mean, np.float32),
            "movie_bias": self.bias[movies] * unit,
            "user_bias": np.full(len(movies), by_rating[:, -1].sum(), np.float32),
        }
        ratings = self.movies[movies, :-1] @ by_rating[:, :-1].T
        return ScoreShares(score.astype(np.float64), parts, ratings, np.zeros_like(ratings))

    def _addends(self, history: Histories) -> Float32:
        """What each rating adds to `users` of one history: A⁻¹(q_j · target_j + D · y_j / √n). `[size, k + 1]`."""
        rows, penalty = self.movies[history.items], self._penalty(history)[0]
        by_rating = entry_contributions(rows, penalty)
        added = by_rating * self._targets(history)[:, None]
        if self.signs is not None and len(history.items):
            # the prior m becomes m − A⁻¹YᵀY·m = A⁻¹D·m, of which y_j / √n is the share of rating j
            sign = np.pad(self.signs[history.items], ((0, 0), (0, 1))) / np.sqrt(np.float32(len(rows)))
            added += sign - (sign @ rows.T) @ by_rating
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
        """For saving."""
        constants = [self.mean, self.unit, self.penalty.shrinkage, self.penalty.regularization, self.user_shrinkage]
        arrays = {"factors.constants": np.array(constants), "factors.bias": self.bias, "factors.movies": self.movies}
        return arrays if self.signs is None else arrays | {"factors.signs": self.signs}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The factors that `arrays` took apart."""
        mean, unit, *penalty, user_shrinkage = arrays["factors.constants"].tolist()
        bias, movies = arrays["factors.bias"], arrays["factors.movies"]
        return cls(mean, unit, bias, movies, Penalty(*penalty), user_shrinkage, arrays.get("factors.signs"))


def append_bias_penalty(penalty: Float32, n_factors: int, shrinkage: float) -> Float32:
    """The penalty of everybody's `n_factors` factors, and `shrinkage` for the bias in a last column. `[n, k + 1]`."""
    columns = np.repeat(penalty[:, None], n_factors + 1, axis=1)
    columns[:, -1] = max(shrinkage, 1e-6)
    return columns


def residual_std(ratings: Ratings, biases: Biases, who: str) -> float:
    """The standard deviation of what the biases leave of `ratings`; 1 where they leave nothing."""
    stars, scale = ratings.stars(who)
    left = stars - biases.predict(biases.of_users(ratings.by_user)[ratings.user], ratings.movie)
    found = float(np.sqrt(np.mean(np.square(left), dtype=np.float64)))
    return found if found > MIN_RESIDUAL_SHARE * (scale.high - scale.low) else 1.0


@dataclass(frozen=True)
class FactorSettings:
    """What all models of factors have to set; in units of what the biases leave, so that one setting suits all scales.

    Attributes:
        factors: of each user and movie.
        shrinkage: ratings' worth of doubt that pull a user's or a movie's factors to 0.
        regularization: more doubt for each rating.
        seed: of the first factors, and of the order of the ratings where they are taken one by one.
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
        """Of users' and of movies' factors."""
        return Penalty(self.shrinkage, self.regularization)


def require_positive(settings: Any, *names: str) -> None:
    """Make sure that these settings are counts from 1 or numbers above 0.

    Raises:
        SettingError: one isn't.
    """
    for name in names:
        value = getattr(settings, name)
        least, rule = (1, "at least 1") if isinstance(value, int) else (np.finfo(np.float32).tiny, "above 0")
        if not least <= value < np.inf:
            raise SettingError(f"{name} is {value}; it must be {rule} and finite")


class Factorization(Recommender):
    """A model whose answers are those of `Factors`; what is left to it is to learn them."""

    abilities: ClassVar[Abilities] = Abilities(stars=True, vectors=True, explains=True)
    settings: FactorSettings
    factors: Factors

    def learn(self, training: Training) -> None:
        ratings, s = training.ratings, self.settings
        biases = Biases.of(ratings, len(self.data.movies))
        start = Factors.of_biases(biases, residual_std(ratings, biases, self.name), s.factors, s.penalty)
        self.factors = self.fit_factors(ratings, biases, start, training.progress)

    def fit_factors(self, ratings: Ratings, biases: Biases, start: Factors, progress: Progress) -> Factors:
        """`start`, in which all factors are 0, with what `ratings` say."""
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
