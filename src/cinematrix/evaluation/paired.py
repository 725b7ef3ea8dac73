"""Paired differences of two evaluations on the same users: two models, or two orders of one model's lists."""

from dataclasses import replace
from typing import Unpack

import numpy as np

from cinematrix.data.ratings import Ratings
from cinematrix.errors import DataError, SettingError
from cinematrix.evaluation.evaluate import EvaluationOptions, evaluate_orders
from cinematrix.evaluation.measures import Evaluation, PairedDifference
from cinematrix.evaluation.pooling import pool_by_user
from cinematrix.metrics.significance import Difference, compute_differences
from cinematrix.models.base import Recommender
from cinematrix.models.orders import resolve_order


def evaluate_against_order(
    model: Recommender, test: Ratings, by: str | None, against: str, **options: Unpack[EvaluationOptions]
) -> Evaluation:
    """Measure `model` with its lists in the order `by`, and add the differences from those in the order `against`.

    Raises:
        SettingError: the model can't order so, or the two orders are the same.
    """
    orders = [resolve_order(model, order) for order in (by, against)]
    if orders[0] == orders[1]:
        raise SettingError(f"lists by {orders[0]} can't be compared with themselves; give another order or model")
    return add_differences(*evaluate_orders(model, test, orders, **options))


def add_differences(found: Evaluation, other: Evaluation) -> Evaluation:
    """Return `found` with the difference of each of its measures from `other`, for those that both have by user.

    Errors that are the same for each user are left out: those of one model don't depend on the order of its lists.

    Raises:
        DataError: the two are on other ratings or users, or on lists of another length.
    """
    check_comparable(found, other)
    names = [m.name for m in found.measures if m.name in found.per_user and m.name in other.per_user]
    differences = tuple(
        PairedDifference(name, found[name], compute_difference(name, found, other, found.protocol.seed))
        for name in names
        if "@" in name or not np.array_equal(found.per_user[name], other.per_user[name], equal_nan=True)
    )
    return replace(found, differences=differences, against=f"{other.protocol.model} by {other.protocol.by}")


def compute_difference(name: str, found: Evaluation, other: Evaluation, seed: int = 0) -> Difference:
    """Compute the difference of one measure of `found` from that of `other`, paired by user."""
    (sums, weights), (other_sums, other_weights) = (pool_by_user(name, each.per_user) for each in (found, other))
    (difference,) = compute_differences(
        sums[:, None], other_sums, np.column_stack([weights, other_weights]), root=name == "rmse", seed=seed
    )  # fmt: skip
    return difference


def check_comparable(found: Evaluation, other: Evaluation) -> None:
    """Check that two evaluations are on the same ratings of the same users, with lists of the same length.

    Raises:
        DataError: they aren't.
    """
    one, two = found.protocol, other.protocol
    if one.k != two.k:
        raise DataError(f"one evaluation has lists of {one.k} movies and the other of {two.k}; give both the same k")
    if one.ratings != two.ratings or not np.array_equal(found.users, other.users):
        raise DataError(
            f"one evaluation is on {one.ratings:,} ratings of {one.users:,} users and the other on {two.ratings:,} of "
            f"{two.users:,}, or of other users; evaluate both on the same test"
        )
