"""Whether a model is as sure as it should be: what it promises against what happens, on ratings it hasn't seen."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cinematrix.common.progress import Progress
from cinematrix.data.ratings import Ratings, nearest_levels
from cinematrix.errors import SettingError
from cinematrix.evaluation.held_out import HeldOutRatings, UserBlock
from cinematrix.models.base import Recommender

Float64 = NDArray[np.float64]

BLOCK_USERS = 256
"""Users asked about at a time."""

COVERAGES = np.linspace(0.1, 0.95, 18)
"""The coverages that intervals are asked for."""

THRESHOLD_SHARES = (0.75, 0.5, 0.25)
"""The ratings whose chance to be reached is judged are those that about these shares of training ratings reach."""

BINS = 10
"""Equally wide bins of a chance."""


@dataclass(frozen=True, eq=False)
class Reliability:
    """What was promised and what happened.

    Attributes:
        model: the model's name.
        ratings: how many were tested.
        asked: float64 `[c]`, the coverages that intervals were asked for.
        covered: float64 `[c]`, the share of ratings in intervals of each coverage.
        width: float64 `[c]`, the intervals' mean width in stars.
        stars: float64 `[m]`, up to three ratings, ascending.
        count: float64 `[m, BINS]`, how many pairs had a chance in this bin to get at least `stars`.
        promised: float64 `[m, BINS]`, their mean chance; NaN in an empty bin.
        happened: float64 `[m, BINS]`, the share of them that did; NaN in an empty bin.
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
    """Compare the intervals and chances of `model` with the ratings in `test`.

    Args:
        given: the users' histories; None: the model's own training ratings.

    Raises:
        DataError: `test` has no ratings, or a tested pair stands in the histories.
        SettingError: the model has no distributions, or nothing is tested.
    """
    check_uncertainty(model)
    test.stars("a reliability diagram")
    if len(test) == 0:
        raise SettingError("0 ratings are tested, and reliability needs some; give a test set that isn't empty")
    held_out = HeldOutRatings.of(model.data, test, given)
    held_out.check(BLOCK_USERS)
    levels = choose_levels(model)
    inside, bins = np.zeros((2, len(COVERAGES))), np.zeros((3, len(levels), BINS))
    if progress:
        progress.start(f"how reliable {model.name} is", len(held_out.users))
    for block in held_out.blocks(BLOCK_USERS):
        inside += _count_covered(model, block)
        bins += _count_reached(model, block, levels)
        if progress:
            progress.advance(len(block.users))
    if progress:
        progress.stop()
    scale, count = model.data.scale, bins[0]
    assert scale is not None, "a model with distributions learned from ratings"
    stars = scale.levels()[levels].astype(np.float64)
    with np.errstate(invalid="ignore"):
        promised, happened = bins[1:] / count
    covered, width = inside / len(test)
    return Reliability(model.name, len(test), COVERAGES, covered, width, stars, count, promised, happened)


def check_uncertainty(model: Recommender) -> None:
    """Refuse a model that doesn't say how sure it is."""
    if not model.has_intervals:
        raise model.no_intervals_error()


def choose_levels(model: Recommender) -> NDArray[np.int64]:
    """The levels that about `THRESHOLD_SHARES` of the training ratings reach, ascending; never the lowest, which all reach."""
    scale, values = model.data.scale, model.data.history.values
    assert scale is not None, "a model with distributions learned from ratings"
    assert values is not None, "a model with distributions learned from ratings"
    given = np.bincount(nearest_levels(scale, values), minlength=len(scale.levels()))
    reach = given[::-1].cumsum()[::-1] / max(given.sum(), 1)
    return (
        np.unique([1 + np.argmin(np.abs(reach[1:] - share)) for share in THRESHOLD_SHARES])
        if len(reach) > 1
        else np.arange(0)
    )


def _count_covered(model: Recommender, block: UserBlock) -> Float64:
    """How many of a block's ratings lie in their intervals, and the intervals' summed widths. `[2, COVERAGES]`."""
    pairs, stars = block.pairs(len(model.data.movies)), block.tested.values
    assert stars is not None, "tested ratings have stars"
    found, predicted = np.zeros((2, len(COVERAGES))), model.predict_pairs(*pairs)
    for place, coverage in enumerate(COVERAGES.tolist()):
        low, high = model.interval_pairs(*pairs, coverage, stars=predicted)
        found[:, place] = np.count_nonzero((low <= stars) & (stars <= high)), (high - low).sum(dtype=np.float64)
    return found


def _count_reached(model: Recommender, block: UserBlock, levels: NDArray[np.int64]) -> Float64:
    """How many chances fall into each bin, their sum, and how many came true. `[3, levels, BINS]`."""
    scale, stars = model.data.scale, block.tested.values
    assert scale is not None, "a model with distributions learned from ratings"
    assert stars is not None, "tested ratings have stars"
    likely = model.distribution_pairs(*block.pairs(len(model.data.movies))).astype(np.float64)
    step, found = nearest_levels(scale, stars), np.zeros((3, len(levels), BINS))
    for place, level in enumerate(levels.tolist()):
        chance = likely[:, level:].sum(1)
        bins = np.clip((chance * BINS).astype(np.int64), 0, BINS - 1)
        for row, weight in enumerate((np.ones_like(chance), chance, step >= level)):
            found[row, place] = np.bincount(bins, weight, BINS)
    return found
