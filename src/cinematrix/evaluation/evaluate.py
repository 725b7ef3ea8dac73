"""Evaluation of a model on held-out ratings: errors, uncertainty and lists, each with an interval.

One pass over the tested users, in blocks. Each block takes the users' histories, the model's lists of unseen movies in
each order, and its predictions of the tested ratings and of the listed movies. Only one value per user and one count
per movie stay in memory after a block, so memory doesn't grow with users × movies.
"""

from collections.abc import Sequence
from typing import TypedDict, Unpack

import numpy as np
from numpy.typing import NDArray

from cinematrix.common.progress import Progress, Silent, running
from cinematrix.data.ratings import Ratings
from cinematrix.errors import DataError, SettingError
from cinematrix.evaluation.blocks import BlockEvaluator
from cinematrix.evaluation.held_out import HeldOutRatings
from cinematrix.evaluation.lists import RANKING_METRICS, VARIANTS, ListEvaluator, Metric
from cinematrix.evaluation.measures import Evaluation, Measure, Protocol
from cinematrix.evaluation.pooling import measure_catalog, measure_errors, measure_lists, measure_user_errors
from cinematrix.metrics.accuracy import PerUser
from cinematrix.models.base import Recommender
from cinematrix.models.orders import ListOrder, predicts_stars, resolve_order

BLOCK_CELLS = 2_000_000
"""Scores (users × movies) per block: 8 MB as float32, and a few times that while they are sorted."""


class EvaluationOptions(TypedDict, total=False):
    """Options of `evaluate_orders`, which describes them."""

    given: Ratings | None
    k: int
    metrics: Sequence[str | Metric] | None
    relevant_from: float | None
    seed: int
    split: str
    progress: Progress | None


def evaluate(
    model: Recommender, test: Ratings, *, by: ListOrder | None = None, **options: Unpack[EvaluationOptions]
) -> Evaluation:
    """Measure `model` on `test`, with the lists in one order: `by`, or the default order if it is None.

    The options, and what is raised, are those of `evaluate_orders`.
    """
    return evaluate_orders(model, test, [by], **options)[0]


def evaluate_orders(
    model: Recommender,
    test: Ratings,
    orders: Sequence[ListOrder | None],
    *,
    given: Ratings | None = None,
    k: int = 10,
    metrics: Sequence[str | Metric] | None = None,
    relevant_from: float | None = None,
    seed: int = 0,
    split: str = "a test set as handed over",
    progress: Progress | None = None,
) -> tuple[Evaluation, ...]:
    """Measure `model` on `test`, with the lists in several orders. Return one evaluation an order.

    Errors (if the model predicts stars) and `UNCERTAINTY_METRICS` (if it predicts intervals) are over all tested
    ratings, those of unknown users and movies included. Lists rank all the model's movies that aren't in the user's
    history; a tested movie that the model doesn't know is a miss. All users with a tested rating count.

    Args:
        model: a fitted model.
        test: ratings that the model hasn't seen; users and movies are matched by ID.
        orders: what the lists are ordered by; None: the default order. The errors are measured only once.
        given: the users' histories; None: the model's own training ratings. For `new_users` and `half`, `Split.given`.
        k: length of the lists.
        metrics: names, with or without `@k`, and functions of your own; None: all but `VARIANTS` and `user_…` errors.
        relevant_from: lowest rating of a relevant movie in ranking metrics and functions of your own; None: any rating.
        seed: of the bootstrap.
        split: description of the split: `Split.protocol`.
        progress: receiver of one step per user.

    Raises:
        DataError: a tested pair is in the histories; `relevant_from` without ratings; the test is on another scale.
        SettingError: the model can't order so; `k` below 1; there is no such metric.
        TrainingError: the model predicts NaN or infinity.
    """
    _check_ratings(model, test, relevant_from)
    held_out = HeldOutRatings.of(model.data, test, given)
    size = max(1, BLOCK_CELLS // max(len(model.data.movies), 10 * k))
    evaluator = _make_evaluator(model, orders, held_out, k, metrics, relevant_from)
    held_out.check(size)
    shared, by_order = _evaluate_blocks(evaluator, held_out, size, progress)
    errors, evaluations = measure_errors(shared, seed), []
    for by, (values, exposures) in zip(evaluator.orders, by_order, strict=True):
        measures = errors + measure_lists(values, seed) + measure_catalog(exposures, k, len(held_out.users))
        if metrics is not None:
            measures = _select_measures(measures + measure_user_errors(shared, seed), metrics, k)
        protocol = _build_protocol(evaluator, by, held_out, shared, seed, split)
        evaluations.append(Evaluation(measures, protocol, test.users.ids[held_out.users], shared | values))
    return tuple(evaluations)


def evaluate_errors(
    model: Recommender,
    test: Ratings,
    metrics: Sequence[str],
    *,
    given: Ratings | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> tuple[Measure, ...]:
    """Measure errors alone, without the lists that take most of the time of `evaluate`, whose arguments these are."""
    _check_ratings(model, test, None)
    held_out = HeldOutRatings.of(model.data, test, given)
    evaluator, size = _make_evaluator(model, [], held_out, 1, None, None), max(1, BLOCK_CELLS // len(model.data.movies))
    held_out.check(size)
    shared, _ = _evaluate_blocks(evaluator, held_out, size, progress)
    return _select_measures(measure_errors(shared, seed) + measure_user_errors(shared, seed), metrics, 1)


def _make_evaluator(
    model: Recommender,
    orders: Sequence[ListOrder | None],
    held_out: HeldOutRatings,
    k: int,
    metrics: Sequence[str | Metric] | None,
    relevant_from: float | None,
) -> BlockEvaluator:
    own = {metric.__name__: metric for metric in metrics or () if not isinstance(metric, str)}
    names = {metric.partition("@")[0] for metric in metrics or () if isinstance(metric, str)}
    own |= {name: metric for name, metric in VARIANTS.items() if name in names}
    lists = ListEvaluator.of(held_out, k, RANKING_METRICS | own, relevant_from, predicts_stars(model))
    return BlockEvaluator(model, tuple(resolve_order(model, by) for by in orders), lists)


def _check_ratings(model: Recommender, test: Ratings, relevant_from: float | None) -> None:
    """Check that the tested ratings are on the model's scale, and have stars if these decide what is relevant."""
    if relevant_from is not None:
        test.stars(f"relevant_from={relevant_from:g}")
    if predicts_stars(model) and test.rating is not None and model.data.scale is not None:
        outside = test.rating[~model.data.scale.contains(test.rating)]
        if len(outside):
            raise DataError(
                f"{len(outside):,} tested ratings, such as {outside[0]:g}, are off the model's scale "
                f"{model.data.scale}; bring the test to the scale that the model was trained on"
            )


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


def _evaluate_blocks(
    evaluator: BlockEvaluator, held_out: HeldOutRatings, size: int, progress: Progress | None
) -> tuple[dict[str, PerUser], list[tuple[dict[str, PerUser], NDArray[np.int64]]]]:
    """Evaluate all blocks.

    Returns:
        The values of all users that are the same for all orders; and for each order the values of all users and the
        number of lists with each movie.
    """
    n_movies, bar = len(held_out.data.movies), progress or Silent()
    exposures = np.zeros((len(evaluator.orders), n_movies), np.int64)
    shared: list[dict[str, PerUser]] = []
    by_order: list[list[dict[str, PerUser]]] = [[] for _ in evaluator.orders]
    with running(bar, f"evaluating {evaluator.model.name}", len(held_out.users)):
        for block in held_out.blocks(size):
            values, lists = evaluator(block)
            shared.append(values)
            for place, (list_values, block_exposures) in enumerate(lists):
                by_order[place].append(list_values)
                exposures[place] += block_exposures
            bar.advance(len(block.users))
    names = evaluator.lists.names
    return _concatenate(evaluator.names, shared), [
        (_concatenate(names, parts), counts) for parts, counts in zip(by_order, exposures, strict=True)
    ]


def _concatenate(names: Sequence[str], parts: Sequence[dict[str, PerUser]]) -> dict[str, PerUser]:
    return {name: np.concatenate([np.zeros(0), *(part[name] for part in parts)]) for name in names}


def _build_protocol(
    evaluator: BlockEvaluator,
    by: ListOrder,
    held_out: HeldOutRatings,
    shared: dict[str, PerUser],
    seed: int,
    split: str,
) -> Protocol:
    unknown = held_out.ratings_of_unknown_movies
    return Protocol(
        split=split,
        model=evaluator.model.name,
        k=evaluator.lists.k,
        by=by,
        relevant_from=evaluator.lists.relevant_from,
        seed=seed,
        users=len(held_out.users),
        ratings=len(held_out.test),
        users_without_history=int(np.count_nonzero(shared["history"] == 0)),
        unknown_users=held_out.unknown_users,
        unknown_movies=len(unknown),
        ratings_of_unknown_movies=int(unknown.sum()),
        movies=len(held_out.data.movies),
    )
