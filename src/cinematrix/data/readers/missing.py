"""Ratings that mean "not rated": a mark far from the others, such as 99 among -10 to 10."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cinematrix.data.ratings import MAX_OFF_SCALE_SHARE
from cinematrix.errors import DataError

MARKS = (-1, -9, -99, -999, -9999, 9, 88, 98, 99, 998, 999, 9999)
"""Numbers that people write for a missing rating."""

MIN_LEVELS = 3
"""Distinct other ratings from which a mark can be told."""

ZERO_SHARE = 0.2
"""Share of ratings 0 from which they may mean "not rated", where the lowest other rating is rarer by `ZERO_TIMES`."""

ZERO_TIMES = 1.5

FAR = 20
"""Number beyond which any repeated rating is a mark if it is `FAR_TIMES` as far from the others as these are apart."""

FAR_TIMES = 4


def is_missing_mark(column: pl.Series, marks: tuple[str, ...]) -> pl.Series:
    """Return a mask of the ratings that equal one of `marks`, as text or as a number."""
    texts = column.cast(pl.String).str.strip_chars().str.to_lowercase()
    wanted = [mark.strip().casefold() for mark in marks]
    numbers = pl.Series(wanted, dtype=pl.String).cast(pl.Float64, strict=False).drop_nulls()
    return (texts.is_in(wanted) | texts.cast(pl.Float64, strict=False).is_in(numbers.to_list())).fill_null(False)


def refuse_missing_marks(ratings: pl.Series, file: str) -> None:
    """Ask about ratings that may mean "not rated".

    Raises:
        DataError: there are such ratings; it says how many, and how to answer.
    """
    levels = ratings.filter(ratings.is_finite()).value_counts(sort=False).sort(ratings.name)
    values, counts = levels[:, 0].to_numpy().astype(np.float64), levels[:, 1].to_numpy()
    mark = find_mark(values, counts)
    if mark is None:
        return
    others = values[values != mark]
    raise DataError(
        f"{file}: {int(counts[values == mark][0]):,} of {int(counts.sum()):,} ratings are {mark:g} and the others from "
        f"{others.min():g} to {others.max():g}; if {mark:g} means 'not rated', drop them with --missing {mark:g}, and "
        "if it is a rating, keep them with --missing none"
    )


def find_mark(values: NDArray[np.float64], counts: NDArray[np.uint32]) -> float | None:
    """Return the rating that may mean "not rated"; None if there is none.

    `values` are the distinct ratings, ascending. A mark is one of `MARKS` at an end, as far from the others as these
    are from each other (-1: below others from 0); a number beyond `FAR` at an end, still farther from the others; or 0,
    if it is frequent and far above the next ratings in number.
    """
    if len(values) < MIN_LEVELS:
        return None
    shares = counts / counts.sum()
    low, high = values[0], values[-1]
    if len(values) > MIN_LEVELS and low == -1 and values[1] >= 0 and high > 1:
        return -1.0
    for mark, others, place in ((high, values[:-1], -1), (low, values[1:], 0)):
        gap = np.abs(others - mark).min()
        usual = mark in MARKS and len(others) >= MIN_LEVELS and gap >= np.ptp(others)
        far = (mark in MARKS or counts[place] > 1) and abs(mark) > FAR and gap >= FAR_TIMES * np.ptp(others)
        if (usual or far) and shares[place] > MAX_OFF_SCALE_SHARE:
            return float(mark)
    if (
        len(values) > MIN_LEVELS
        and low == 0
        and values[1] >= 0.5
        and shares[0] >= ZERO_SHARE
        and counts[0] >= ZERO_TIMES * counts[1]
    ):
        return 0.0
    return None
