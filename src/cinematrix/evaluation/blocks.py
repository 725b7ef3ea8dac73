"""Measures of one block of users: errors and uncertainty of predictions, and lists in each order."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cinematrix.data.ids import Numbers
from cinematrix.data.ratings import nearest_levels
from cinematrix.errors import TrainingError
from cinematrix.evaluation.held_out import UserBlock
from cinematrix.evaluation.lists import ListEvaluator
from cinematrix.evaluation.pooling import ERROR_METRICS, UNCERTAINTY_METRICS
from cinematrix.metrics import accuracy, diversity
from cinematrix.metrics.accuracy import PerUser
from cinematrix.metrics.top_n import top_n
from cinematrix.models.base import Recommender
from cinematrix.models.orders import ListOrder, score_lists

INTERVAL_COVERAGE = 0.8
"""Nominal coverage of the intervals behind `within80` and `width80`."""

MIN_PROBABILITY = np.float32(1e-30)
"""Lower bound of probabilities in the log loss."""


@dataclass(frozen=True, eq=False)
class BlockEvaluator:
    """Evaluator of one block of users after another.

    Attributes:
        model: the model.
        orders: what the lists are ordered by.
        lists: measures of the lists of each order.
    """

    model: Recommender
    orders: tuple[ListOrder, ...]
    lists: ListEvaluator

    @property
    def has_errors(self) -> bool:
        """True if the model predicts stars and the test has some."""
        return self.lists.predicts and self.lists.tested_stars

    @property
    def names(self) -> list[str]:
        """Names of the values that don't depend on the order of the lists."""
        return [
            "history",
            "ratings",
            *ERROR_METRICS * self.has_errors,
            *UNCERTAINTY_METRICS * (self.has_errors and self.model.has_intervals),
        ]

    def __call__(
        self, block: UserBlock
    ) -> tuple[dict[str, PerUser], list[tuple[dict[str, PerUser], NDArray[np.int64]]]]:
        """Measure a block.

        Returns:
            One value per user for each of `names`; and for each order the values of its lists and the number of lists
            with each movie.
        """
        ranked = [
            top_n(score_lists(self.model, block.given, by=by), self.lists.k, block.given).movies for by in self.orders
        ]
        tested, listed = self._predict(block, ranked)
        values = {"history": block.given.counts.astype(float), "ratings": block.tested.counts.astype(float)}
        if self.has_errors:
            values |= self._measure_errors(block, tested)
        tastes, n_movies = self.lists.tastes(block), len(self.model.data.movies)
        return values, [
            (self.lists.measure(movies, block, tastes, stars), diversity.exposure(movies, n_movies))
            for movies, stars in zip(ranked, listed, strict=True)
        ]

    def _predict(
        self, block: UserBlock, ranked: Sequence[Numbers]
    ) -> tuple[NDArray[np.float32], list[NDArray[np.float32] | None]]:
        """Predict the tested ratings, and the stars of the listed movies, in one call that encodes a user only once.

        Returns:
            The predictions of the tested pairs, empty without `has_errors`; those of each list, None if the measures
            don't need them.
        """
        _, rows, movies = block.pairs(len(self.model.data.movies))
        keep = len(rows) * self.has_errors
        all_rows, all_movies = [rows[:keep]], [movies[:keep]]
        for lists in ranked if self.lists.expects else ():
            all_rows.append(np.repeat(np.arange(len(lists), dtype=np.int32), lists.shape[1]))
            all_movies.append(lists.ravel())
        pairs = np.concatenate(all_rows), np.concatenate(all_movies)
        predicted = self.model.predict_pairs(block.given, *pairs) if len(pairs[0]) else np.zeros(0, np.float32)
        if not np.isfinite(predicted).all():
            value = predicted[~np.isfinite(predicted)][0]
            raise TrainingError(f"{self.model.name} predicts {value}, and predictions must be finite; train it again")
        if not ranked or not self.lists.expects:
            return predicted, [None] * len(ranked)
        return predicted[:keep], [*predicted[keep:].reshape(len(ranked), *ranked[0].shape)]

    def _measure_errors(self, block: UserBlock, predicted: NDArray[np.float32]) -> dict[str, PerUser]:
        rows, stars, n_users = block.tested.rows, block.tested.values, len(block.users)
        assert stars is not None, "has_errors is True only for a test with stars"
        return {
            "rmse": accuracy.user_rmse(rows, stars, predicted, n_users),
            "mae": accuracy.user_mae(rows, stars, predicted, n_users),
            **(self._measure_uncertainty(block, predicted) if self.model.has_intervals else {}),
        }

    def _measure_uncertainty(self, block: UserBlock, predicted: NDArray[np.float32]) -> dict[str, PerUser]:
        pairs, stars, scale = block.pairs(len(self.model.data.movies)), block.tested.values, self.model.data.scale
        assert stars is not None, "has_errors is True only for a test with stars"
        assert scale is not None, "a model with intervals has a scale"
        low, high = self.model.interval_pairs(*pairs, INTERVAL_COVERAGE, stars=predicted)
        probability = self.model.distribution_pairs(*pairs, stars=predicted)[
            np.arange(len(stars)), nearest_levels(scale, stars)
        ]
        values = ((low <= stars) & (stars <= high), high - low, -np.log(np.maximum(probability, MIN_PROBABILITY)))
        return {
            name: accuracy.user_means(pairs[1], v, len(block.users))
            for name, v in zip(UNCERTAINTY_METRICS, values, strict=True)
        }
