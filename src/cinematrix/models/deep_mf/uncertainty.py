"""Uncertainty of a predicted rating: its distribution over the scale's steps, and intervals that hold the rating.

Predictions are taken as they are. The distribution of ratings around them (`ordinal`) is fitted to predictions of
ratings that the model hasn't seen; it is wider where there is little information or tastes differ much. Intervals are
quantiles of the distribution, smoothed within steps. Their level is the one that covered the requested share of those
ratings (`conformal`; cross-fitted).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from cinematrix.data.histories import Histories
from cinematrix.data.ids import Numbers
from cinematrix.data.ratings import Scale, level_spacing, nearest_levels
from cinematrix.models.components.conformal import ConformalLevels
from cinematrix.models.components.coverage import check_coverage
from cinematrix.models.components.ordinal import OrdinalRegression
from cinematrix.models.deep_mf.towers import history_statistics

Float64 = NDArray[np.float64]

MAX_CELLS = 500_000
"""Maximum pairs × steps to fit on; of more pairs, evenly spaced ones are used."""

BLOCK_CELLS = 160_000
"""Pairs × steps whose distributions are computed at a time: 1.3 MB an array, which stays in the processor's cache."""

HABIT_PRIOR_RATINGS = 3.0
"""Weight of all users' use of the steps in one user's, in ratings."""

HABIT_WIDTH = 1.2
"""Standard deviation, in steps, of the neighbourhood that a step's use is compared with."""


@dataclass(frozen=True, eq=False)
class PredictedPairs:
    """Pairs of a history and a movie, with the model's predictions.

    Attributes:
        histories: with ratings as values.
        residual: float32 `[size]`, the histories' residuals over the biases in standard deviations.
        rows: int32 `[n]`, the history of each pair.
        movies: int32 `[n]`, the movie of each pair; it may be `UNKNOWN`.
        stars: float32 `[n]`, expected ratings on the scale.
    """

    histories: Histories
    residual: NDArray[np.float32]
    rows: Numbers
    movies: Numbers
    stars: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Ratings that the predictions of their pairs haven't seen; `movies` are the facts of the movies at that time."""

    pairs: PredictedPairs
    ratings: NDArray[np.float32]
    movies: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class RatingUncertainty:
    """The distribution of ratings around predictions.

    Attributes:
        scale: scale of the ratings; a continuous one is cut into `Scale.levels`.
        ordinal: distribution over the steps.
        shares: float64 `[steps]`, share of each step in all users' ratings.
        levels: level of the quantiles that covers a share of the ratings, by what is known of user and movie.
        movies: float32 `[n_movies + 1, 2]`, facts about each movie; the last row is for an unknown movie.
    """

    scale: Scale
    ordinal: OrdinalRegression
    shares: Float64
    levels: ConformalLevels
    movies: NDArray[np.float32]

    @classmethod
    def before(cls, scale: Scale, histories: Histories, residual: NDArray[np.float32], n_movies: int) -> Self:
        """Return the prior for the users of `histories`, before any prediction is compared with a rating.

        Args:
            residual: float32 `[size]`, the histories' residuals over the biases in standard deviations.
        """
        assert histories.values is not None, "only ratings have an uncertainty"
        levels = scale.levels()
        steps, values = len(levels), histories.values.astype(np.float64)
        counts = np.bincount(nearest_levels(scale, values), minlength=steps)
        variance = (values.var() * len(values) if len(values) else 0.0) + 2 * ((scale.high - scale.low) / 4) ** 2
        deviation = max((variance / (len(values) + 2)) ** 0.5 / level_spacing(scale), 0.05)
        movies = movie_facts(histories, residual, n_movies)
        facts = np.hstack([history_facts(histories, residual)[histories.rows], movies[histories.items]])
        return cls(
            scale,
            OrdinalRegression.usual(steps, deviation, facts.mean(0) if len(facts) else np.zeros(facts.shape[1])),
            (counts + 1) / (counts + 1).sum(),
            ConformalLevels.nominal(),
            movies,
        )

    def fitted(self, *held_out: HeldOut) -> "RatingUncertainty":
        """Fit to predictions of held-out ratings.

        The level of the intervals is cross-fitted: it comes from ratings that the regression behind it hasn't seen.
        """
        parts = [replace(self, movies=part.movies)._evidence(part) for part in held_out]
        stars, facts, habits, predicted, value = (np.concatenate(column) for column in zip(*parts, strict=True))
        steps = nearest_levels(self.scale, value)
        needed, half = np.zeros(len(value)), np.arange(len(value)) % 2
        for part in (0, 1):
            tested, learned = np.flatnonzero(half == part), np.flatnonzero(half != part)
            half_ordinal = self.ordinal.fitted(stars[learned], facts[learned], habits[learned], steps[learned])
            probabilities = half_ordinal.probabilities(stars[tested], facts[tested], habits[tested])
            needed[tested] = self._level_needed(probabilities, predicted[tested], value[tested])
        ordinal = self.ordinal.fitted(stars, facts, habits, steps)
        levels = ConformalLevels.fitted(needed, *read_counts(facts))
        return replace(self, ordinal=ordinal, levels=levels)

    def _evidence(self, held_out: HeldOut) -> tuple[NDArray[Any], ...]:
        """Return the regression's inputs, the predictions and the ratings; of many pairs evenly spaced ones."""
        n = len(held_out.ratings)
        chosen = np.arange(0, n, max(1, -(-n * len(self.shares) // MAX_CELLS)))
        return (*self._inputs(held_out.pairs, chosen), held_out.pairs.stars[chosen], held_out.ratings[chosen])

    def distribution(self, pairs: PredictedPairs) -> NDArray[np.float32]:
        """Return the probability of each of `scale.levels()` for each pair. float32 `[n, steps]`."""
        parts = [probabilities.astype(np.float32) for _, _, probabilities in self._chunks(pairs)]
        return np.concatenate([np.zeros((0, len(self.shares)), np.float32), *parts])

    def interval(self, pairs: PredictedPairs, coverage: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the low and high ends, on the scale, that hold a share `coverage` of the ratings. float32 `[n]` each.

        The prediction always lies between them.

        Raises:
            SettingError: `coverage` isn't between 0 and 1.
        """
        check_coverage(coverage)
        low, high = np.zeros(len(pairs.rows), np.float32), np.zeros(len(pairs.rows), np.float32)
        for block, facts, probabilities in self._chunks(pairs):
            stars, level = pairs.stars[block], self.levels.at(coverage, *read_counts(facts))
            low[block] = np.minimum(self._quantile(probabilities, (1 - level) / 2), stars)
            high[block] = np.maximum(self._quantile(probabilities, (1 + level) / 2), stars)
        return low, high

    def _chunks(self, pairs: PredictedPairs) -> Iterator[tuple[NDArray[np.int64], Float64, Float64]]:
        """Yield the facts and the distributions of blocks of pairs, so that memory is bounded."""
        size = max(1, BLOCK_CELLS // len(self.shares))
        for start in range(0, len(pairs.rows), size):
            block = np.arange(start, min(start + size, len(pairs.rows)))
            stars, facts, habits = self._inputs(pairs, block)
            yield block, facts, self.ordinal.probabilities(stars, facts, habits)

    def _inputs(self, pairs: PredictedPairs, some: NDArray[np.int64]) -> tuple[Float64, Float64, Float64]:
        """Return the regression's inputs for some pairs: predictions in steps from the middle, facts, and habits."""
        histories, residual, at = pairs.histories, pairs.residual, pairs.rows[some].astype(np.intp)
        if len(histories) > 1:
            rows, at = np.unique(at, return_inverse=True)
            residuals = replace(histories, values=residual).take(rows)
            assert residuals.values is not None, "residuals were given"
            histories, residual = histories.take(rows), residuals.values
        user_facts = history_facts(histories, residual)
        facts = np.hstack([user_facts[at], self.movies[pairs.movies[some]]]).astype(np.float64)
        middle = (self.scale.low + self.scale.high) / 2
        stars = (pairs.stars[some].astype(np.float64) - middle) / level_spacing(self.scale)
        return stars, facts, self.habits(histories)[at]

    def habits(self, histories: Histories) -> Float64:
        """Return each user's preference for a step over its neighbours, relative to all users. `[n, steps]`.

        The logarithm of the user's use of a step over their use of the steps around it, minus that of all users; 0 for
        an empty history. Examples are whole stars only, or multiples of ten on a scale to a hundred.
        """
        steps = len(self.shares)
        steps_given = (
            np.zeros(0, np.int64) if histories.values is None else nearest_levels(self.scale, histories.values)
        )
        counts = np.bincount(histories.rows * np.int64(steps) + steps_given, minlength=len(histories) * steps)
        use = counts.reshape(len(histories), steps) + HABIT_PRIOR_RATINGS * self.shares
        kernel = _step_neighbourhoods(steps)
        return np.log(use / (use @ kernel)) - np.log(self.shares / (self.shares @ kernel))

    def _quantile(self, probabilities: Float64, level: Float64) -> Float64:
        """Return the quantile `level` of each distribution on the scale, each step smoothed over its width."""
        above = np.cumsum(probabilities, axis=1)
        place = np.minimum((above < level[:, None]).sum(1), probabilities.shape[1] - 1)
        rows = np.arange(len(place))
        within = (level - above[rows, place]) / probabilities[rows, place] + 1
        stars: Float64 = self.scale.low + level_spacing(self.scale) * (place + np.clip(within, 0, 1) - 0.5)
        return np.clip(stars, self.scale.low, self.scale.high)

    def _level_needed(
        self, probabilities: Float64, stars: NDArray[np.float32], ratings: NDArray[np.float32]
    ) -> Float64:
        """Return the smallest level whose interval, extended to the prediction, holds the rating. `[n]`, 0…1."""
        step, rows = nearest_levels(self.scale, ratings), np.arange(len(ratings))
        within = np.clip((ratings - self.scale.low) / level_spacing(self.scale) - step + 0.5, 0, 1)
        at = probabilities[rows, step]
        below = np.cumsum(probabilities, axis=1)[rows, step] - at * (1 - within)
        needed: Float64 = np.where(ratings < stars, 1 - 2 * below, 2 * below - 1) * (ratings != stars)
        return np.clip(needed, 0, 1)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays to save."""
        return {
            "uncertainty.thresholds": self.ordinal.thresholds,
            "uncertainty.weights": np.append(self.ordinal.weights, self.ordinal.habit),
            "uncertainty.shares": self.shares,
            "uncertainty.nominal": self.levels.levels,
            "uncertainty.movies": self.movies,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], scale: Scale) -> Self | None:
        """Return the uncertainty from the output of `arrays`; None if there is none, as in models of older versions."""
        if "uncertainty.weights" not in arrays:
            return None
        *weights, habit = arrays["uncertainty.weights"].tolist()
        ordinal = OrdinalRegression(arrays["uncertainty.thresholds"], np.array(weights), habit)
        if len(arrays["uncertainty.shares"]) != len(scale.levels()) or len(ordinal.thresholds) + 1 != len(
            scale.levels()
        ):
            raise ValueError(f"{len(arrays['uncertainty.shares'])} steps don't fit the scale {scale}")
        levels = ConformalLevels.from_array(arrays["uncertainty.nominal"])
        return cls(scale, ordinal, arrays["uncertainty.shares"], levels, arrays["uncertainty.movies"])


@lru_cache(2)
def _step_neighbourhoods(steps: int) -> Float64:
    """Return the weight of each step in the neighbourhood of each; cached, since every block of pairs needs it."""
    distance = np.arange(steps)[:, None] - np.arange(steps)
    return np.asarray(np.exp(-0.5 * (distance / HABIT_WIDTH) ** 2))


def read_counts(facts: Float64) -> tuple[Float64, Float64]:
    """Return the raters of the movie and the ratings of the user of each pair, from its facts. `[n]` each."""
    history, raters = np.expm1(3 * (facts[:, [0, 2]] + 1)).T.round()
    return raters, history


def history_facts(histories: Histories, residual: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return facts about histories: their length (log) and the spread of their residuals (log). `[n, 2]`."""
    statistics = history_statistics(histories, residual)
    return np.stack([statistics[:, 1], np.log(statistics[:, 4] + 1)], axis=1)


def movie_facts(histories: Histories, residual: NDArray[np.float32], n_movies: int) -> NDArray[np.float32]:
    """Return the same facts about movies from their raters; the last row is an unknown movie's. `[n_movies + 1, 2]`."""
    raters = Histories.of_pairs(histories.items, histories.rows, residual, n_movies + 1)
    assert raters.values is not None, "residuals were given"
    return history_facts(raters, raters.values)
