"""What the catalog says of each movie, as features for a net: genres, release year, tags."""

import numpy as np
from scipy import sparse

from cinematrix.catalog import Catalog

KNOT_YEARS = 5
"""Distance of the knots between which a release year is interpolated."""

RARE_TAG = 3
"""A tag on fewer movies says nothing of others."""


def features(catalog: Catalog) -> sparse.csr_matrix:
    """Movies × features, float32; a fact that isn't known is an empty row.

    Genres are 0 or 1. A year lies between two knots five years apart and is shared among them by nearness, so that
    near years are alike. A tag counts as the logarithm of 1 + how often it was given.
    """
    tags = catalog.tag_matrix().tocsc()
    common = tags[:, np.diff(tags.indptr) >= RARE_TAG].tocsr()
    common.data = np.log1p(common.data)
    blocks = [catalog.genre_matrix(), _years(catalog), common]
    return sparse.hstack(blocks, format="csr", dtype=np.float32)


def _years(catalog: Catalog) -> sparse.csr_matrix:
    years = catalog.years
    known = np.isfinite(years)
    if not known.any():
        return sparse.csr_matrix((len(catalog), 0), dtype=np.float32)
    first = np.floor(np.quantile(years[known], 0.005) / KNOT_YEARS) * KNOT_YEARS  # a few very old films share one
    knots = np.arange(first, years[known].max() + KNOT_YEARS, KNOT_YEARS)
    place = np.where(known, np.clip(years, knots[0], knots[-1]), knots[0])
    nearness = np.maximum(0, 1 - np.abs(place[:, None] - knots) / KNOT_YEARS) * known[:, None]
    return sparse.csr_matrix(nearness, dtype=np.float32)
