"""What the catalog says of each movie, as features: genres, release year, tags; and the series that titles tell."""

import re
from collections import defaultdict

import numpy as np
from scipy import sparse

from cinematrix.data.catalog import Catalog, normalise_title

KNOT_YEARS = 5
"""Distance of the knots between which a release year is interpolated."""

MIN_TAG_MOVIES = 3
"""A tag on fewer movies says nothing of others."""

MAX_SERIES_SIZE = 20
"""A beginning that more titles share is a common word, no series."""


def movie_features(catalog: Catalog) -> sparse.csr_matrix:
    """Movies × features, float32; a fact that isn't known is an empty row.

    Genres are 0 or 1. A year lies between two knots five years apart and is shared among them by nearness, so that
    near years are alike. A tag counts as the logarithm of 1 + how often it was given.
    """
    tags = catalog.tag_matrix().tocsc()
    common = tags[:, np.diff(tags.indptr) >= MIN_TAG_MOVIES].tocsr()
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


def series_membership(catalog: Catalog) -> sparse.csr_matrix:
    """Movies × series, 1 where the movie is of the series, float32.

    A series is a name that begins several titles, word by word. The names are the titles themselves, each up to a
    colon, dash or bracket and without a number at its end: Rocky, Rocky II and Rocky Balboa are of the series Rocky.
    """
    titles = [title or "" for title in catalog.frame["title"].to_list()]
    beginnings = [re.sub(r"\s([0-9]+|[IVX]+)$", "", re.split(r":| - | \(", title)[0]) for title in titles]
    names = {tuple(normalise_title(name).split()) for name in beginnings}
    movies: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for movie, title in enumerate(titles):
        words = normalise_title(title).split()
        for end in range(1, len(words) + 1):
            if tuple(words[:end]) in names:
                movies[tuple(words[:end])].append(movie)
    found = [members for members in movies.values() if 2 <= len(members) <= MAX_SERIES_SIZE]
    starts = np.cumsum([0, *map(len, found)])
    rows = np.array([movie for members in found for movie in members], np.int32)
    shape = (len(catalog), len(found))
    return sparse.csc_matrix((np.ones(len(rows), np.float32), rows, starts), shape=shape).tocsr()
