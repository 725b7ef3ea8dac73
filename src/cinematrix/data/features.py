"""Movie features from the catalog: genres, release year and tags; words of titles, and movie series by their titles."""

import re
from collections import Counter, defaultdict

import numpy as np
from scipy import sparse

from cinematrix.data.catalog import Catalog, normalise_title
from cinematrix.data.original_titles import find_foreign

KNOT_YEARS = 5
"""Distance in years between the knots that a release year is interpolated between."""

MIN_TAG_MOVIES = 3
"""Minimum movies with a tag for it to be a feature."""

WORD_MOVIES = 3, 40
"""Minimum and maximum number of titles with a word for it to be a feature."""

MAX_SERIES_SIZE = 20
"""Maximum movies of a series; a beginning shared by more titles is a common word."""


def movie_features(catalog: Catalog) -> sparse.csr_matrix:
    """Return the matrix movies × features, float32; a movie without metadata has an empty row.

    Genres are 0 or 1. A year is split between its two nearest knots by linear interpolation, so near years have
    similar features. A tag given n times is log(1 + n).
    """
    tags = catalog.tag_matrix().tocsc()
    common = tags[:, np.diff(tags.indptr) >= MIN_TAG_MOVIES].tocsr()
    common.data = np.log1p(common.data)
    blocks = [catalog.genre_matrix(), _years(catalog), common]
    return sparse.hstack(blocks, format="csr", dtype=np.float32)


def top_tags(catalog: Catalog, number: int, n: int) -> list[str]:
    """Return the `n` tags that a movie got most often, in lower case, without those that are its genres."""
    tags = Counter(" ".join(tag.casefold().split()) for tag in catalog.frame["tags"][number])
    no_tags = {"", *(genre.casefold() for genre in catalog.facts[number].genres)}
    return [tag for tag, _ in tags.most_common() if tag not in no_tags][:n]


def genres_and_decades(catalog: Catalog) -> sparse.csr_matrix:
    """Return the distribution of each movie over genres and decades, for comparing the mix of lists. float32.

    Half of a row is spread evenly over the movie's genres, the other half is on the decade of its release. Without
    one of the two, the other has it all; a movie with neither has an empty row.
    """
    known = np.flatnonzero(np.isfinite(catalog.years))
    decades, columns = np.unique(catalog.years[known] // 10, return_inverse=True)
    ones = np.ones(len(known), np.float32)
    by_decade = sparse.csr_matrix((ones, (known, columns)), shape=(len(catalog), len(decades)))
    return _normalise_sums(sparse.hstack([_normalise_sums(catalog.genre_matrix()), by_decade], format="csr"))


def genres_decades_and_languages(catalog: Catalog) -> sparse.csr_matrix:
    """Return the distribution of each movie over genres, decades, and two languages: another one or not. float32.

    The language has a third of each row. A catalog without original titles doesn't tell it, and has
    `genres_and_decades`. So has a movie without genres and year, which has an empty row.
    """
    mix, foreign = genres_and_decades(catalog), find_foreign(catalog)
    if not foreign.any():
        return mix
    languages = sparse.csr_matrix(np.stack([~foreign, foreign], axis=1), dtype=np.float32)
    described = sparse.diags_array(np.asarray(mix.sum(axis=1)).ravel())
    return sparse.hstack([mix * np.float32(2 / 3), described @ languages / np.float32(3)], format="csr")


def _normalise_sums(matrix: sparse.csr_matrix) -> sparse.csr_matrix:
    """Divide each row by its sum; empty rows stay empty."""
    sums = np.asarray(matrix.sum(axis=1)).ravel()
    return sparse.csr_matrix(sparse.diags_array(1 / np.maximum(sums, np.float32(1e-9))) @ matrix, dtype=np.float32)


def _years(catalog: Catalog) -> sparse.csr_matrix:
    years = catalog.years
    known = np.isfinite(years)
    if not known.any():
        return sparse.csr_matrix((len(catalog), 0), dtype=np.float32)
    first = np.floor(np.quantile(years[known], 0.005) / KNOT_YEARS) * KNOT_YEARS  # very old movies share one knot
    knots = np.arange(first, years[known].max() + KNOT_YEARS, KNOT_YEARS)
    place = np.where(known, np.clip(years, knots[0], knots[-1]), knots[0])
    nearness = np.maximum(0, 1 - np.abs(place[:, None] - knots) / KNOT_YEARS) * known[:, None]
    return sparse.csr_matrix(nearness, dtype=np.float32)


def title_words(catalog: Catalog) -> sparse.csr_matrix:
    """Return the matrix movies × words, 1 where the movie's title has the word, float32.

    Its words are shared by a few titles (`WORD_MOVIES`): those of a single one say nothing about other movies.
    """
    movies: dict[str, list[int]] = defaultdict(list)
    for movie, title in enumerate(catalog.frame["title"].to_list()):
        for word in sorted(set(normalise_title(title or "").split())):
            movies[word].append(movie)
    fewest, most = WORD_MOVIES
    return _membership([sharing for sharing in movies.values() if fewest <= len(sharing) <= most], len(catalog))


def series_membership(catalog: Catalog) -> sparse.csr_matrix:
    """Return the matrix movies × series, 1 where the movie belongs to the series, float32.

    A series is a name whose words begin several titles. The names are the titles themselves, each up to a colon,
    dash or bracket and without a number at its end: Rocky, Rocky II and Rocky Balboa are the series Rocky.
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
    return _membership([series for series in movies.values() if 2 <= len(series) <= MAX_SERIES_SIZE], len(catalog))


def _membership(groups: list[list[int]], n_movies: int) -> sparse.csr_matrix:
    """Return the matrix movies × groups, 1 where the movie is in the group, float32."""
    starts = np.cumsum([0, *map(len, groups)])
    rows = np.array([movie for group in groups for movie in group], np.int32)
    shape = (n_movies, len(groups))
    return sparse.csc_matrix((np.ones(len(rows), np.float32), rows, starts), shape=shape).tocsr()
