"""Conversion of every source's ratings to half stars, 1 to 10, and of half stars to a model's scale."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cinematrix.data.ratings import Scale
from cinematrix.importers.entries import ParsedImport

MAX_HALF_STARS = 10
"""Half stars of the best rating."""


def half_stars(journal: ParsedImport) -> dict[str, int]:
    """Return the half stars of each rating, by row position."""
    rated = [entry for entry in journal.entries if entry.rating is not None]
    ratings = [float(entry.rating) for entry in rated if entry.rating is not None]
    halves = rank_to_half_stars(ratings) if journal.relative else scale_to_half_stars(ratings, journal.highest)
    return {entry.row: half for entry, half in zip(rated, halves, strict=True)}


def scale_to_half_stars(ratings: Sequence[float], highest: float) -> list[int]:
    """Convert ratings by their share of the highest, a half rounded up: 7.5 of 10 is 8 half stars, 3.5 of 5 is 7."""
    return [min(MAX_HALF_STARS, max(1, _half_up(rating * MAX_HALF_STARS / highest))) for rating in ratings]


def rank_to_half_stars(ratings: Sequence[float]) -> list[int]:
    """Convert each rating to its decile among the user's own ratings; equal ratings get the middle of their ranks."""
    values: NDArray[np.float64] = np.array(ratings, np.float64)
    ordered = np.sort(values)
    below, upto = (np.searchsorted(ordered, values, side) for side in ("left", "right"))
    share = (below + upto) / (2 * max(1, len(values)))
    return [min(MAX_HALF_STARS, int(MAX_HALF_STARS * each) + 1) for each in share.tolist()]


def convert_to_scale(halves: int, scale: Scale) -> float:
    """Convert half stars to a model's scale, on one of its steps."""
    rating = scale.high * halves / MAX_HALF_STARS
    if scale.step:
        rating = _half_up(rating / scale.step) * scale.step
    return float(min(scale.high, max(scale.low, rating)))


def _half_up(value: float) -> int:
    return math.floor(value + 0.5 + 1e-9)
