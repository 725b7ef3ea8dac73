"""Evaluation of a model on held-out ratings: errors, uncertainty and lists, each with an interval.

One pass over the tested users, in blocks. Each block takes the users' histories, the model's lists of unseen movies
and its predictions of the tested ratings. Only one value per user and one count per movie stay in memory after a
block, so memory doesn't grow with users × movies.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self, get_args

import numpy as np
from numpy.typing import NDArray

from cinematrix.common.progress import Progress, Silent, running
from cinematrix.data.histories import Histories, select_entries
from cinematrix.data.ids import Numbers
from cinematrix.data.ratings import Ratings, nearest_levels
from cinematrix.errors import DataError, SettingError, TrainingError
from cinematrix.evaluation.held_out import HeldOutRatings, UserBlock
from cinematrix.evaluation.measures import Evaluation, Measure, Protocol
from cinematrix.evaluation.pooling import (
    ERROR_METRICS,
    UNCERTAINTY_METRICS,
    measure_catalog,
    measure_errors,
    measure_lists,
)
from cinematrix.metrics import accuracy, diversity
from cinematrix.metrics.accuracy import PerUser
from cinematrix.metrics.top_n import top_n
from cinematrix.models.base import Ordering, Recommender

BLOCK_CELLS = 2_000_000
"""Scores (users × movies) per block: 8 MB as float32, and a few times that while they are sorted."""

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

INTERVAL_COVERAGE = 0.8
"""Nominal coverage of the intervals behind `within80` and `width80`."""

MIN_PROBABILITY = np.float32(1e-30)
"""Lower bound of probabilities in the log loss."""


def evaluate(
    model: Recommender,
    test: Ratings,
    *,
    given: Ratings | None = None,
    k: int = 10,
    by: Ordering = "ranking",
    metrics: Sequence[str | Metric] | None = None,
    relevant_from: float | None = None,
    seed: int = 0,
    split: str = "a test set as handed over",
    progress: Progress | None = None,
) -> Evaluation:
    """Measure `model` on `test`.

    Errors (if the model predicts stars) and `UNCERTAINTY_METRICS` (if it predicts intervals) are over all tested
    ratings, those of unknown users and movies included. Lists rank all the model's movies that aren't in the user's
    history; a tested movie that the model doesn't know is a miss. All users with a tested rating count.

    Args:
        model: a fitted model.
        test: ratings that the model hasn't seen; users and movies are matched by ID.
        given: the users' histories; None: the model's own training ratings. For new users, `Split.given`.
        k: length of the lists.
        by: what the lists are ordered by.
        metrics: names, with or without `@k`, and functions of your own; None: all built-in ones.
        relevant_from: lowest rating of a relevant tested movie; None: every tested movie is relevant.
        seed: of the bootstrap.
        split: description of the split: `Split.protocol`.
        progress: receiver of one step per user.

    Raises:
        DataError: a tested pair is in the histories; `relevant_from` without ratings; the test is on another scale.
        SettingError: `by="stars"` with a model that predicts none; `k` below 1; there is no such metric.
        TrainingError: the model predicts NaN or infinity.
    """
    with_stars = _check_options(model, test, by, relevant_from)
    held_out = HeldOutRatings.of(model.data, test, given)
    size = max(1, BLOCK_CELLS // max(len(model.data.movies), 10 * k))
    held_out.check(size)
    own = {metric.__name__: metric for metric in metrics or () if not isinstance(metric, str)}
    evaluator = _BlockEvaluator.of(model, k, by, relevant_from, with_stars, RANKING_METRICS | own)
    per_user, exposures = _evaluate_blocks(evaluator, held_out, size, progress)
    measures = measure_errors(per_user, seed) + measure_lists(per_user, seed)
    measures += measure_catalog(exposures, k, len(held_out.users))
    protocol = _build_protocol(evaluator, held_out, per_user, seed, split)
    if metrics is not None:
        measures = _select_measures(measures, metrics, k)
    return Evaluation(measures, protocol, test.users.ids[held_out.users], per_user)


def _check_options(model: Recommender, test: Ratings, by: Ordering, relevant_from: float | None) -> bool:
    """Check the options against model and test; return True if predicted stars can be measured."""
    if by not in get_args(Ordering):
        raise SettingError(f"lists can't be ordered by {by!r}; order by {' or '.join(get_args(Ordering))}")
    stars = model.abilities.stars and model.data.scale is not None
    if by == "stars" and not stars:
        raise SettingError(f"{model.name} predicts no stars to order lists by; use by='ranking'")
    if relevant_from is not None:
        test.stars(f"relevant_from={relevant_from:g}")
    if stars and test.rating is not None and model.data.scale is not None:
        outside = test.rating[~model.data.scale.contains(test.rating)]
        if len(outside):
            raise DataError(
                f"{len(outside):,} tested ratings, such as {outside[0]:g}, are off the model's scale "
                f"{model.data.scale}; bring the test to the scale that the model was trained on"
            )
    return stars and test.rating is not None


def _select_measures(measures: tuple[Measure, ...], metrics: Sequence[str | Metric], k: int) -> tuple[Measure, ...]:
    """Return the measures that were asked for, in their order.

    Raises:
        SettingError: there is no such metric, or this model and test don't have it.
    """
    by_name = {measure.name: measure for measure in measures}
    selected = []
    for metric in metrics:
        name = metric if isinstance(metric, str) else metric.__name__
        found = by_name.get(name) or by_name.get(f"{name}@{k}")
        if found is None:
            raise SettingError(f"there is no metric {name!r} for this model and test; there are {', '.join(by_name)}")
        selected.append(found)
    return tuple(selected)


@dataclass(frozen=True)
class _BlockEvaluator:
    """Evaluator of one block of users after another; `genres` is None if the catalog has none."""

    model: Recommender
    k: int
    by: Ordering
    relevant_from: float | None
    with_stars: bool
    metrics: dict[str, Metric]
    raters: NDArray[np.int64]
    genres: Any

    @classmethod
    def of(
        cls,
        model: Recommender,
        k: int,
        by: Ordering,
        relevant_from: float | None,
        with_stars: bool,
        metrics: dict[str, Metric],
    ) -> Self:
        catalog = model.data.catalog
        genres = catalog.genre_matrix() if catalog.genres else None
        return cls(model, k, by, relevant_from, with_stars, metrics, model.data.raters, genres)

    @property
    def names(self) -> list[str]:
        """Names of the values that a call returns."""
        variety = ["novelty"] if self.genres is None else ["novelty", "similarity"]
        lists = [f"{name}@{self.k}" for name in [*self.metrics, *variety]]
        return [
            "history",
            "ratings",
            *ERROR_METRICS * self.with_stars,
            *UNCERTAINTY_METRICS * (self.with_stars and self.model.has_intervals),
            *lists,
        ]

    def __call__(self, block: UserBlock) -> tuple[dict[str, PerUser], NDArray[np.int64]]:
        """Return one value per user for each metric, and the number of lists with each movie."""
        ranked = top_n(self.model.score(block.given, by=self.by), self.k, block.given).movies
        values = {"history": block.given.counts.astype(float), "ratings": block.tested.counts.astype(float)}
        values |= self._measure_errors(block) if self.with_stars else {}
        relevant = block.tested
        if self.relevant_from is not None and relevant.values is not None:
            relevant = select_entries(relevant, relevant.values >= self.relevant_from)
        values |= {f"{name}@{self.k}": _apply(metric, ranked, relevant) for name, metric in self.metrics.items()}
        n_users = int(np.count_nonzero(self.model.data.history.counts))
        values[f"novelty@{self.k}"] = diversity.novelty(ranked, self.raters, n_users)
        if self.genres is not None:
            values[f"similarity@{self.k}"] = diversity.intra_list_similarity(ranked, self.genres)
        return values, diversity.exposure(ranked, len(self.raters))

    def _measure_errors(self, block: UserBlock) -> dict[str, PerUser]:
        rows, stars, pairs = block.tested.rows, block.tested.values, block.pairs(len(self.raters))
        assert stars is not None, "with_stars is True only for a test with stars"
        predicted = self.model.predict_pairs(*pairs)
        if not np.isfinite(predicted).all():
            value = predicted[~np.isfinite(predicted)][0]
            raise TrainingError(f"{self.model.name} predicts {value}, and predictions must be finite; train it again")
        n_users = len(block.users)
        return {
            "rmse": accuracy.user_rmse(rows, stars, predicted, n_users),
            "mae": accuracy.user_mae(rows, stars, predicted, n_users),
            **(self._measure_uncertainty(block, predicted) if self.model.has_intervals else {}),
        }

    def _measure_uncertainty(self, block: UserBlock, predicted: NDArray[np.float32]) -> dict[str, PerUser]:
        pairs, stars, scale = block.pairs(len(self.raters)), block.tested.values, self.model.data.scale
        assert stars is not None, "with_stars is True only for a test with stars"
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


def _evaluate_blocks(
    evaluator: _BlockEvaluator, held_out: HeldOutRatings, size: int, progress: Progress | None
) -> tuple[dict[str, PerUser], NDArray[np.int64]]:
    """Evaluate all blocks; return the values of all users and the exposures of all movies."""
    exposures, parts, bar = np.zeros(len(evaluator.raters), np.int64), [], progress or Silent()
    with running(bar, f"evaluating {evaluator.model.name}", len(held_out.users)):
        for block in held_out.blocks(size):
            values, block_exposures = evaluator(block)
            parts.append(values)
            exposures += block_exposures
            bar.advance(len(block.users))
    return {name: np.concatenate([np.zeros(0), *(part[name] for part in parts)]) for name in evaluator.names}, exposures


def _build_protocol(
    evaluator: _BlockEvaluator, held_out: HeldOutRatings, per_user: dict[str, PerUser], seed: int, split: str
) -> Protocol:
    unknown = held_out.ratings_of_unknown_movies
    return Protocol(
        split=split,
        model=evaluator.model.name,
        k=evaluator.k,
        by=evaluator.by,
        relevant_from=evaluator.relevant_from,
        seed=seed,
        users=len(held_out.users),
        ratings=len(held_out.test),
        users_without_history=int(np.count_nonzero(per_user["history"] == 0)),
        unknown_users=held_out.unknown_users,
        unknown_movies=len(unknown),
        ratings_of_unknown_movies=int(unknown.sum()),
        movies=len(held_out.data.movies),
    )
