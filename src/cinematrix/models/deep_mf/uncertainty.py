"""How sure a prediction is: its distribution over the scale's steps, and an interval that holds the rating.

What a model predicts is taken as it is; what is learned here, from predictions of ratings that the model hadn't seen,
is how ratings scatter around it (`ordinal`), more where little is known or tastes differ much. Intervals are quantiles
of the distribution, smoothed within steps, at a level that covered as many of those ratings as was asked for
(split-conformal; Vovk, Gammerman & Shafer 2005; cross-fitted).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from cinematrix.data.histories import Histories
from cinematrix.data.ids import Numbers
from cinematrix.data.ratings import Scale, level_spacing, nearest_levels
from cinematrix.models.base import check_coverage
from cinematrix.models.components.ordinal import OrdinalRegression
from cinematrix.models.deep_mf.towers import BLOCK_PAIRS, history_statistics

Float64 = NDArray[np.float64]

MAX_CELLS = 500_000
"""Pairs × steps that are learned from at most; of more pairs, evenly chosen ones."""

PRIOR_RATINGS = 100
"""How many ratings' worth of doubt keep the intervals' level as asked for."""

HABIT_PRIOR_RATINGS = 3.0
"""How many ratings like everybody's a user's own use of the steps is mixed with."""

HABIT_WIDTH = 1.2
"""How far, in steps, a step's neighbours reach when habits are told."""


@dataclass(frozen=True, eq=False)
class PredictedPairs:
    """Pairs of a history and a movie, and what a model predicts of them.

    Attributes:
        histories: with ratings as values.
        residual: float32 `[size]`, the histories' residuals over the biases in standard deviations.
        rows: int32 `[n]`, the history of each pair.
        movies: int32 `[n]`, the movie of each pair, perhaps `UNKNOWN`.
        stars: float32 `[n]`, expected ratings on the scale.
    """

    histories: Histories
    residual: NDArray[np.float32]
    rows: Numbers
    movies: Numbers
    stars: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class RatingUncertainty:
    """The distribution of ratings around predictions.

    Attributes:
        scale: of the ratings; a continuous one is cut into `Scale.levels`.
        ordinal: how likely each step is.
        shares: float64 `[steps]`, how often each step is given by all users.
        nominal: float64 `[101]`, the level of the quantiles that covers 0, 1, … 100 % of ratings.
        movies: float32 `[n_movies + 1, 2]`, facts about each movie, the last of one that isn't known.
    """

    scale: Scale
    ordinal: OrdinalRegression
    shares: Float64
    nominal: Float64
    movies: NDArray[np.float32]

    @classmethod
    def before(cls, scale: Scale, histories: Histories, residual: NDArray[np.float32], n_movies: int) -> Self:
        """What is believed of the users of `histories` before any prediction was compared with a rating.

        Args:
            residual: float32 `[size]`, the histories' residuals over the biases in standard deviations.
        """
        assert histories.values is not None, "only ratings spread over a scale"
        levels = scale.levels()
        steps, values = len(levels), histories.values.astype(np.float64)
        given = np.bincount(nearest_levels(scale, values), minlength=steps)
        variance = (values.var() * len(values) if len(values) else 0.0) + 2 * ((scale.high - scale.low) / 4) ** 2
        deviation = max((variance / (len(values) + 2)) ** 0.5 / level_spacing(scale), 0.05)
        return cls(
            scale,
            OrdinalRegression.usual(steps, deviation),
            (given + 1) / (given + 1).sum(),
            np.linspace(0, 1, 101),
            movie_facts(histories, residual, n_movies),
        )

    def fitted(
        self, held_out: PredictedPairs, ratings: NDArray[np.float32], movies: NDArray[np.float32]
    ) -> "RatingUncertainty":
        """Learned from predictions of `ratings` that the model hadn't seen; the movies' facts are then `movies`.

        The level of the intervals comes from ratings that the regression before it hasn't seen either.
        """
        chosen = np.arange(0, len(ratings), max(1, -(-len(ratings) * len(self.shares) // MAX_CELLS)))
        stars, facts, habits = self._inputs(held_out, chosen)
        value, found = ratings[chosen], nearest_levels(self.scale, ratings[chosen])
        needed, half = np.zeros(len(chosen)), np.arange(len(chosen)) % 2
        for part in (0, 1):
            here, there = np.flatnonzero(half == part), np.flatnonzero(half != part)
            half_ordinal = self.ordinal.fitted(stars[there], facts[there], habits[there], found[there])
            probabilities = half_ordinal.probabilities(stars[here], facts[here], habits[here])
            needed[here] = self._level_needed(probabilities, held_out.stars[chosen[here]], value[here])
        ordinal = self.ordinal.fitted(stars, facts, habits, found)
        return RatingUncertainty(self.scale, ordinal, self.shares, calibrate_levels(needed), movies)

    def distribution(self, pairs: PredictedPairs) -> NDArray[np.float32]:
        """How likely each of `scale.levels()` is for each pair. float32 `[n, steps]`."""
        parts = [probabilities.astype(np.float32) for _, probabilities in self._chunks(pairs)]
        return np.concatenate([np.zeros((0, len(self.shares)), np.float32), *parts])

    def interval(self, pairs: PredictedPairs, coverage: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Low and high ends that hold a share `coverage` of the ratings, on the scale. float32 `[n]` each.

        The prediction always lies between them.

        Raises:
            SettingError: `coverage` isn't between 0 and 1.
        """
        check_coverage(coverage)
        level = np.interp(coverage, np.linspace(0, 1, 101), self.nominal)
        low, high = np.zeros(len(pairs.rows), np.float32), np.zeros(len(pairs.rows), np.float32)
        for some, probabilities in self._chunks(pairs):
            stars = pairs.stars[some]
            low[some] = np.minimum(self._quantile(probabilities, (1 - level) / 2), stars)
            high[some] = np.maximum(self._quantile(probabilities, (1 + level) / 2), stars)
        return low, high

    def _chunks(self, pairs: PredictedPairs) -> Iterator[tuple[NDArray[np.int64], Float64]]:
        """The distributions of some pairs at a time, so that memory is bounded."""
        for start in range(0, len(pairs.rows), BLOCK_PAIRS):
            some = np.arange(start, min(start + BLOCK_PAIRS, len(pairs.rows)))
            yield some, self.ordinal.probabilities(*self._inputs(pairs, some))

    def _inputs(self, pairs: PredictedPairs, some: NDArray[np.int64]) -> tuple[Float64, Float64, Float64]:
        """What the regression takes, of some pairs: predictions in steps from the middle, facts, and habits."""
        rows, at = np.unique(pairs.rows[some], return_inverse=True)
        histories, residuals = pairs.histories.take(rows), replace(pairs.histories, values=pairs.residual).take(rows)
        assert residuals.values is not None, "residuals were given"
        person = history_facts(histories, residuals.values)
        facts = np.hstack([person[at], self.movies[pairs.movies[some]]]).astype(np.float64)
        middle = (self.scale.low + self.scale.high) / 2
        stars = (pairs.stars[some].astype(np.float64) - middle) / level_spacing(self.scale)
        return stars, facts, self.habits(histories)[at]

    def habits(self, histories: Histories) -> Float64:
        """How much more than all users each person gives a step rather than its neighbours. `[len(histories), steps]`.

        The logarithm of her use of a step over her use of those around it, less everybody's; 0 for an empty history.
        Whole stars alone, or tens on a scale to a hundred, are such habits.
        """
        steps = len(self.shares)
        found = np.zeros(0, np.int64) if histories.values is None else nearest_levels(self.scale, histories.values)
        given = np.bincount(histories.rows * np.int64(steps) + found, minlength=len(histories) * steps)
        used = given.reshape(len(histories), steps) + HABIT_PRIOR_RATINGS * self.shares
        apart = np.arange(steps)[:, None] - np.arange(steps)
        near = np.exp(-0.5 * (apart / HABIT_WIDTH) ** 2)
        return np.log(used / (used @ near)) - np.log(self.shares / (self.shares @ near))

    def _quantile(self, probabilities: Float64, level: float) -> Float64:
        """Where a share `level` of each distribution lies below, each step smoothed over its width; on the scale."""
        above = np.cumsum(probabilities, axis=1)
        place = np.minimum((above < level).sum(1), probabilities.shape[1] - 1)
        rows = np.arange(len(place))
        within = (level - above[rows, place]) / probabilities[rows, place] + 1
        stars: Float64 = self.scale.low + level_spacing(self.scale) * (place + np.clip(within, 0, 1) - 0.5)
        return np.clip(stars, self.scale.low, self.scale.high)

    def _level_needed(
        self, probabilities: Float64, stars: NDArray[np.float32], ratings: NDArray[np.float32]
    ) -> Float64:
        """The smallest level whose interval, prediction and all, holds the rating. `[n]`, 0…1."""
        step, rows = nearest_levels(self.scale, ratings), np.arange(len(ratings))
        within = np.clip((ratings - self.scale.low) / level_spacing(self.scale) - step + 0.5, 0, 1)
        at = probabilities[rows, step]
        below = np.cumsum(probabilities, axis=1)[rows, step] - at * (1 - within)
        needed: Float64 = np.where(ratings < stars, 1 - 2 * below, 2 * below - 1) * (ratings != stars)
        return np.clip(needed, 0, 1)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """For saving."""
        return {
            "uncertainty.thresholds": self.ordinal.thresholds,
            "uncertainty.weights": np.append(self.ordinal.weights, self.ordinal.habit),
            "uncertainty.shares": self.shares,
            "uncertainty.nominal": self.nominal,
            "uncertainty.movies": self.movies,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], scale: Scale) -> Self | None:
        """What `arrays` took apart; None if there is none, as in models of older versions."""
        if "uncertainty.weights" not in arrays:
            return None
        *weights, habit = arrays["uncertainty.weights"].tolist()
        ordinal = OrdinalRegression(arrays["uncertainty.thresholds"], np.array(weights), habit)
        if len(arrays["uncertainty.shares"]) != len(scale.levels()) or len(ordinal.thresholds) + 1 != len(
            scale.levels()
        ):
            raise ValueError(f"{len(arrays['uncertainty.shares'])} steps don't fit the scale {scale}")
        return cls(
            scale, ordinal, arrays["uncertainty.shares"], arrays["uncertainty.nominal"], arrays["uncertainty.movies"]
        )


def history_facts(histories: Histories, residual: NDArray[np.float32]) -> NDArray[np.float32]:
    """Facts about the owners of histories: their length (log) and the spread of their residuals (log). `[n, 2]`."""
    told = history_statistics(histories, residual)
    return np.stack([told[:, 1], np.log(told[:, 4] + 1)], axis=1)


def movie_facts(histories: Histories, residual: NDArray[np.float32], n_movies: int) -> NDArray[np.float32]:
    """The same facts about movies from their raters; one more row for a movie that isn't known. `[n_movies + 1, 2]`."""
    raters = Histories.of_pairs(histories.items, histories.rows, residual, n_movies + 1)
    assert raters.values is not None, "residuals were given"
    return history_facts(raters, raters.values)


def calibrate_levels(needed: Float64) -> Float64:
    """The level that covers 0, 1, … 100 % of ratings, from the level that each of them needed; few are half trusted."""
    asked, n = np.linspace(0, 1, 101), len(needed)
    if n == 0:
        return asked
    places = np.minimum(np.ceil((n + 1) * asked) / n, 1)
    return (n * np.quantile(needed, places, method="inverted_cdf") + PRIOR_RATINGS * asked) / (n + PRIOR_RATINGS)
