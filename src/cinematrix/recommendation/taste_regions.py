"""Regions of taste by the catalog: genres, and films in another language, of which animation and drama are regions.

A movie belongs to the region of each of its genres, of `BROAD_GENRES` only if it has no other. The catalog doesn't say
in which language a movie is. But MovieLens gives the original title in brackets: a movie with an original title of
words that are in no other title is taken as foreign, and belongs to one region of `FOREIGN` alone. Movies without
genres are the region "".
"""

import numpy as np
from numpy.typing import NDArray

from cinematrix.data.catalog import Catalog
from cinematrix.data.original_titles import find_foreign
from cinematrix.recommendation.kinship import BROAD_GENRES, GENRE_WORDS

FOREIGN = {"Animation": "animation in other languages", "Drama": "drama in other languages", "": "other languages"}
"""Words for foreign movies by their genre, the first that applies; "": any other."""


def find_regions(catalog: Catalog) -> tuple[list[str], NDArray[np.bool_]]:
    """Return the regions' names in words, and which movie belongs to which. bool `[n_movies, n_regions]`."""
    foreign = find_foreign(catalog)
    names = [_regions_of(genres, bool(other)) for genres, other in zip(catalog.genre_sets, foreign, strict=True)]
    regions = sorted(set().union(*names))
    place = {name: at for at, name in enumerate(regions)}
    belongs = np.zeros((len(names), len(regions)), bool)
    rows = np.repeat(np.arange(len(names)), [len(each) for each in names])
    belongs[rows, [place[name] for each in names for name in each]] = True
    return regions, belongs


def _regions_of(genres: frozenset[str], foreign: bool) -> set[str]:
    if foreign:
        return {next(words for genre, words in FOREIGN.items() if genre in genres or not genre)}
    return {GENRE_WORDS.get(genre, genre.lower()) for genre in genres - BROAD_GENRES or genres} or {""}
