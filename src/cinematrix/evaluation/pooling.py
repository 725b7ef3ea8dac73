"""Pooling of the users' values into measures with intervals."""

import numpy as np
from numpy.typing import NDArray

from cinematrix.evaluation.measures import RESAMPLES, Measure
from cinematrix.metrics import accuracy, diversity
from cinematrix.metrics.accuracy import PerUser

ERROR_METRICS = ("rmse", "mae")
"""Error metrics of predicted stars."""

UNCERTAINTY_METRICS = ("within80", "width80", "log_loss")
"""Uncertainty metrics: share of ratings within their 80 % intervals, mean interval width in stars, and log loss.

The log loss is the mean of −ln of the predicted probability of the rating's step.
"""


def pool_by_user(name: str, per_user: dict[str, PerUser]) -> tuple[PerUser, PerUser]:
    """Return each user's sum and weight in a measure, both 0 for users without one.

    The measure is Σ sums / Σ weights, or its root for the RMSE. Errors are pooled over ratings: a user's sum is their
    mean times their number of ratings. List measures, and errors called `user_…`, are means over users.
    """
    values = per_user[name]
    if "@" in name or name.startswith("user_"):
        defined = np.isfinite(values)
        return np.where(defined, values, 0), defined.astype(np.float64)
    return values ** (2 if name == "rmse" else 1) * per_user["ratings"], per_user["ratings"]


def measure_errors(per_user: dict[str, PerUser], seed: int) -> tuple[Measure, ...]:
    """Pool error and uncertainty metrics over all ratings, RMSE first."""
    names = [name for name in (*ERROR_METRICS, *UNCERTAINTY_METRICS) if name in per_user]
    if not names:
        return ()
    rows = _pool_with_intervals(names, per_user, seed)
    rows[0] = np.sqrt(rows[0])
    return tuple(_to_measure(name, row, len(per_user["ratings"])) for name, row in zip(names, rows, strict=True))


def measure_user_errors(per_user: dict[str, PerUser], seed: int) -> tuple[Measure, ...]:
    """Average the users' own errors: a user with few ratings counts as much as one with many, as LensKit reports it."""
    return measure_lists({f"user_{name}": per_user[name] for name in ERROR_METRICS if name in per_user}, seed)


def measure_lists(per_user: dict[str, PerUser], seed: int) -> tuple[Measure, ...]:
    """Average the list metrics over the users that have a value."""
    names = list(per_user)
    if not names:
        return ()
    counts = [int(np.isfinite(per_user[name]).sum()) for name in names]
    rows = _pool_with_intervals(names, per_user, seed)
    return tuple(_to_measure(name, row, n) for name, row, n in zip(names, rows, counts, strict=True))


def _pool_with_intervals(names: list[str], per_user: dict[str, PerUser], seed: int) -> NDArray[np.float64]:
    """Return Σ sums / Σ weights of each measure, with both ends of its interval. `[m, 3]`."""
    sums, weights = map(np.column_stack, zip(*(pool_by_user(name, per_user) for name in names), strict=True))
    values = accuracy.ratio(sums.sum(axis=0), weights.sum(axis=0))
    return np.column_stack([values, *accuracy.bootstrap(sums, weights, seed, RESAMPLES)])


def _to_measure(name: str, row: NDArray[np.float64], n_users: int) -> Measure:
    value, low, high = row.tolist()
    return Measure(name, value, low, high, n_users)


def measure_catalog(exposures: NDArray[np.int64], k: int, n_users: int) -> tuple[Measure, ...]:
    """Measure all lists together; without intervals, because these aren't means over users."""
    nan = float("nan")
    values = {
        "movies_shown": float(np.count_nonzero(exposures)),
        "coverage": diversity.coverage(exposures),
        "gini": diversity.gini(exposures),
    }
    return tuple(Measure(f"{name}@{k}", value, nan, nan, n_users) for name, value in values.items())
