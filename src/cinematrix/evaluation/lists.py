"""Measures of one block of lists: hits, liking, novelty, similarity and calibration."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from cinematrix.data.features import genres_and_decades
from cinematrix.data.histories import Histories, select_entries
from cinematrix.data.ids import Numbers
from cinematrix.data.training_data import TrainingData
from cinematrix.errors import SettingError
from cinematrix.evaluation.held_out import HeldOutRatings, UserBlock
from cinematrix.metrics import accuracy, diversity, liking
from cinematrix.metrics.accuracy import PerUser

Metric = Callable[[Numbers, Histories], PerUser]
"""A ranking metric: from the movies of each user's list `[users, k]` and the tested histories to one value a user."""

RANKING_METRICS: dict[str, Metric] = {
    "ndcg": accuracy.ndcg,
    "recall": accuracy.recall,
    "precision": accuracy.precision,
    "map": accuracy.average_precision,
    "mrr": accuracy.reciprocal_rank,
    "hit_rate": accuracy.hit_rate,
}
"""Ranking metrics by name; their measures are called `name@k`."""

VARIANTS: dict[str, Metric] = {
    "capped_recall": partial(accuracy.recall, capped=True),
    "capped_map": partial(accuracy.average_precision, capped=True),
    "linear_ndcg": partial(accuracy.ndcg, gain="linear"),
    "exponential_ndcg": partial(accuracy.ndcg, gain="exponential"),
}
"""Definitions of other papers by name, measured only where they are asked for."""


@dataclass(frozen=True)
class UserTastes:
    """Tastes of a block of users, each by their own mean.

    Attributes:
        means: mean of each user's given and tested ratings; None for a test without stars.
        liked: tested movies rated at or above that mean; all tested movies if there are no stars.
        given_means: mean of each user's given ratings, of all training ratings for a user without one; None if the
            histories have no stars.
        given_liked: movies of the history rated at or above their mean; all of them if there are no stars.
    """

    means: PerUser | None
    liked: Histories
    given_means: PerUser | None
    given_liked: Histories

    @classmethod
    def of(cls, block: UserBlock, *, given_stars: bool, tested_stars: bool, mean_rating: float) -> Self:
        """Compute the tastes of a block.

        Args:
            block: the users.
            given_stars, tested_stars: True if the histories, and the tested ratings, have stars.
            mean_rating: mean of all training ratings.
        """
        means = given_means = None
        liked, given_liked = block.tested, block.given
        if tested_stars:
            means = liking.mean_ratings(*[block.given] * given_stars, block.tested)
            liked = liking.select_liked(block.tested, means)
        if given_stars:
            given_means = liking.mean_ratings(block.given)
            given_means[np.isnan(given_means)] = mean_rating
            given_liked = liking.select_liked(block.given, given_means)
        return cls(means, liked, given_means, given_liked)


@dataclass(frozen=True, eq=False)
class ListEvaluator:
    """Measures of lists of length `k`, whatever they are ordered by.

    Attributes:
        k: length of the lists.
        metrics: ranking metrics by name.
        relevant_from: lowest rating of a relevant tested movie in `metrics`; None: every tested movie is relevant.
        given_stars, tested_stars: True if the histories, and the tested ratings, have stars.
        predicts: True if the model predicts stars.
        raters: number of training ratings of each movie.
        n_users: number of users with a training rating.
        mean_rating: mean of all training ratings; NaN if they have no stars.
        genres: movies × genres; None if the catalog has none.
        mix: distribution of each movie over genres and decades.
    """

    k: int
    metrics: dict[str, Metric]
    relevant_from: float | None
    given_stars: bool
    tested_stars: bool
    predicts: bool
    raters: NDArray[np.int64]
    n_users: int
    mean_rating: float
    genres: sparse.csr_matrix | None
    mix: sparse.csr_matrix

    @classmethod
    def of(
        cls, held_out: HeldOutRatings, k: int, metrics: dict[str, Metric], relevant_from: float | None, predicts: bool
    ) -> Self:
        """Create the evaluator of a test set and a model."""
        data = held_out.data
        return cls(
            k=k,
            metrics=metrics,
            relevant_from=relevant_from,
            given_stars=held_out.given_stars,
            tested_stars=held_out.test.rating is not None,
            predicts=predicts,
            raters=data.raters,
            n_users=int(np.count_nonzero(data.history.counts)),
            mean_rating=_mean_rating(data),
            genres=data.catalog.genre_matrix() if data.catalog.genres else None,
            mix=genres_and_decades(data.catalog),
        )

    @property
    def names(self) -> list[str]:
        """Names of the values that `measure` returns."""
        names = [
            *self.metrics,
            *["ndcg_liked", "ndcg_above", "disliked"] * self.tested_stars,
            "ndcg_rare",
            *["expected_below"] * self.expects,
            *["miscalibration"] * (self.mix.shape[1] > 0),
            "novelty",
            *["similarity"] * (self.genres is not None),
        ]
        return [f"{name}@{self.k}" for name in names]

    @property
    def expects(self) -> bool:
        """True if the listed movies' predicted stars can be compared with the user's mean."""
        return self.predicts and self.given_stars

    def tastes(self, block: UserBlock) -> UserTastes:
        """Return what the users of a block like; it is the same for all lists."""
        return UserTastes.of(
            block, given_stars=self.given_stars, tested_stars=self.tested_stars, mean_rating=self.mean_rating
        )

    def measure(
        self, ranked: Numbers, block: UserBlock, tastes: UserTastes, predicted: NDArray[np.float32] | None
    ) -> dict[str, PerUser]:
        """Return one value per user for each measure of the lists `ranked`.

        Args:
            ranked: the lists, `[users, k]`.
            block: their users.
            tastes: what these like.
            predicted: expected stars of the listed movies, `[users, k]`; needed if `expects`.
        """
        relevant = block.tested
        if self.relevant_from is not None and relevant.values is not None:
            relevant = select_entries(relevant, relevant.values >= self.relevant_from)
        values = {name: _apply(metric, ranked, relevant) for name, metric in self.metrics.items()}
        if tastes.means is not None:
            values["ndcg_liked"] = accuracy.ndcg(ranked, tastes.liked)
            values["ndcg_above"] = liking.ndcg_above(ranked, block.tested, tastes.means)
            values["disliked"] = liking.disliked(ranked, block.tested, tastes.means)
        values["ndcg_rare"] = liking.ndcg_rare(ranked, tastes.liked, self.raters)
        if predicted is not None and tastes.given_means is not None:
            values["expected_below"] = liking.expected_below(ranked, predicted, tastes.given_means)
        if self.mix.shape[1]:
            values["miscalibration"] = diversity.miscalibration(ranked, tastes.given_liked, self.mix)
        values["novelty"] = diversity.novelty(ranked, self.raters, self.n_users)
        if self.genres is not None:
            values["similarity"] = diversity.intra_list_similarity(ranked, self.genres)
        return {f"{name}@{self.k}": value for name, value in values.items()}


def _mean_rating(data: TrainingData) -> float:
    values = data.history.values
    return float(values.mean(dtype=np.float64)) if data.scale and values is not None and len(values) else float("nan")


def _apply(metric: Metric, ranked: Numbers, relevant: Histories) -> PerUser:
    """Return a metric's values.

    Raises:
        SettingError: it doesn't return one value a user.
    """
    values = np.asarray(metric(ranked, relevant), np.float64)
    if values.shape != (len(ranked),):
        raise SettingError(
            f"the metric {metric.__name__} returned an array of shape {values.shape}; it must return one value for "
            f"each of the {len(ranked)} users"
        )
    return values
