"""Reliability of a model's intervals and probabilities: calibration and coverage on held-out ratings."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cinematrix.common.progress import Progress, Silent, running
from cinematrix.data.ratings import Ratings, nearest_levels
from cinematrix.errors import SettingError
from cinematrix.evaluation.held_out import HeldOutRatings, UserBlock
from cinematrix.models.base import Recommender

Float64 = NDArray[np.float64]

BLOCK_USERS = 256
"""Users per block."""

COVERAGES = np.linspace(0.1, 0.95, 18)
"""Nominal coverages of the measured intervals."""

THRESHOLD_SHARES = (0.75, 0.5, 0.25)
"""Shares of training ratings that reach the thresholds, roughly; `choose_levels` picks the thresholds by them."""

BINS = 10
"""Number of equally wide bins of a probability."""


@dataclass(frozen=True, eq=False)
class Reliability:
    """Nominal and observed coverage of intervals, predicted and observed probabilities of ratings.

    Attributes:
        model: the model's name.
        ratings: number of tested ratings.
        asked: float64 `[c]`, nominal coverages.
        covered: float64 `[c]`, share of ratings inside the intervals of each coverage.
        width: float64 `[c]`, mean width of the intervals in stars.
        stars: float64 `[m]`, thresholds, up to three, ascending.
        count: float64 `[m, BINS]`, number of pairs by threshold and predicted probability of at least `stars`.
        predicted: float64 `[m, BINS]`, their mean predicted probability; NaN in an empty bin.
        observed: float64 `[m, BINS]`, share of them that were rated at least `stars`; NaN in an empty bin.
    """

    model: str
    ratings: int
    asked: Float64
    covered: Float64
    width: Float64
    stars: Float64
    count: Float64
    predicted: Float64
    observed: Float64


def measure_reliability(
    model: Recommender, test: Ratings, *, given: Ratings | None = None, progress: Progress | None = None
) -> Reliability:
    """Compare the intervals and probabilities of `model` with the ratings in `test`.

    Args:
        model: a fitted model with distributions of ratings.
        test: ratings that the model hasn't seen.
        given: the users' histories; None: the model's own training ratings.
        progress: receiver of one step per user.

    Raises:
        DataError: `test` has no stars, or a tested pair is in the histories.
        SettingError: the model has no distributions, or `test` is empty.
    """
    check_uncertainty(model)
    test.stars("a reliability diagram")
    if len(test) == 0:
        raise SettingError("0 ratings are tested, and a reliability diagram needs at least 1; give more ratings")
    held_out = HeldOutRatings.of(model.data, test, given)
    held_out.check(BLOCK_USERS)
    levels = choose_levels(model)
    inside, bins = np.zeros((2, len(COVERAGES))), np.zeros((3, len(levels), BINS))
    bar = progress or Silent()
    with running(bar, f"measuring the reliability of {model.name}", len(held_out.users)):
        for block in held_out.blocks(BLOCK_USERS):
            inside += _count_covered(model, block)
            bins += _count_reached(model, block, levels)
            bar.advance(len(block.users))
    scale, count = model.data.scale, bins[0]
    assert scale is not None, "a model with distributions learned from ratings"
    stars = scale.levels()[levels].astype(np.float64)
    with np.errstate(invalid="ignore"):
        predicted, observed = bins[1:] / count
    covered, width = inside / len(test)
    return Reliability(model.name, len(test), COVERAGES, covered, width, stars, count, predicted, observed)


def check_uncertainty(model: Recommender) -> None:
    """Raise SettingError if the model has no intervals."""
    if not model.has_intervals:
        raise model.no_intervals_error()


def choose_levels(model: Recommender) -> NDArray[np.int64]:
    """Return the levels that about `THRESHOLD_SHARES` of the training ratings reach, ascending, without the lowest."""
    scale, values = model.data.scale, model.data.history.values
    assert scale is not None, "a model with distributions learned from ratings"
    assert values is not None, "a model with distributions learned from ratings"
    counts = np.bincount(nearest_levels(scale, values), minlength=len(scale.levels()))
    reach = counts[::-1].cumsum()[::-1] / max(counts.sum(), 1)
    return (
        np.unique([1 + np.argmin(np.abs(reach[1:] - share)) for share in THRESHOLD_SHARES])
        if len(reach) > 1
        else np.arange(0)
    )


def _count_covered(model: Recommender, block: UserBlock) -> Float64:
    """Count the ratings of a block inside their intervals, and sum the widths of the intervals. `[2, COVERAGES]`."""
    pairs, stars = block.pairs(len(model.data.movies)), block.tested.values
    assert stars is not None, "tested ratings have stars"
    totals, predicted = np.zeros((2, len(COVERAGES))), model.predict_pairs(*pairs)
    for place, coverage in enumerate(COVERAGES.tolist()):
        low, high = model.interval_pairs(*pairs, coverage, stars=predicted)
        totals[:, place] = np.count_nonzero((low <= stars) & (stars <= high)), (high - low).sum(dtype=np.float64)
    return totals


def _count_reached(model: Recommender, block: UserBlock, levels: NDArray[np.int64]) -> Float64:
    """Sum up each bin: number of pairs, predicted probabilities, and pairs rated at the level or above.

    float64 `[3, levels, BINS]`.
    """
    scale, stars = model.data.scale, block.tested.values
    assert scale is not None, "a model with distributions learned from ratings"
    assert stars is not None, "tested ratings have stars"
    distribution = model.distribution_pairs(*block.pairs(len(model.data.movies))).astype(np.float64)
    step, totals = nearest_levels(scale, stars), np.zeros((3, len(levels), BINS))
    for place, level in enumerate(levels.tolist()):
        probability = distribution[:, level:].sum(1)
        bins = np.clip((probability * BINS).astype(np.int64), 0, BINS - 1)
        for row, weight in enumerate((np.ones_like(probability), probability, step >= level)):
            totals[row, place] = np.bincount(bins, weight, BINS)
    return totals
