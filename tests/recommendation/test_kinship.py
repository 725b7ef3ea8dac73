"""Tests of `cinematrix.recommendation.kinship` on movies whose kinship is plain to see."""

import pytest

from cinematrix.data.catalog import Catalog
from cinematrix.recommendation.kinship import Kinship, find_kinship

MOVIES = {
    "Double Indemnity": (1944, ["Crime", "Drama", "Film-Noir"], []),
    "The Big Sleep": (1946, ["Crime", "Film-Noir", "Mystery"], []),
    "Sunset Blvd.": (1950, ["Drama", "Film-Noir", "Romance"], []),
    "Sin City": (2005, ["Action", "Crime", "Film-Noir"], []),
    "The Seventh Seal": (1957, ["Drama"], []),
    "Wild Strawberries": (1957, ["Drama"], []),
    "Forrest Gump": (1994, ["Comedy", "Drama", "Romance", "War"], []),
    "Airplane!": (1980, ["Comedy"], ["Top 250"]),
    "Pulp Fiction": (1994, ["Comedy", "Crime", "Drama", "Thriller"], ["quentin tarantino", "seen"]),
    "Kill Bill": (2013, ["Action"], ["quentin tarantino", "Top 250", "seen"]),
    "Undated noir": (None, ["Film-Noir"], []),
    "Nothing known": (None, [], ["seen"]),
    "Nothing else known": (1957, ["(no genres listed)"], ["seen"]),
    "A space film": (1957, ["IMAX"], ["seen"]),
    "Another space film": (1958, ["IMAX"], ["seen"]),
    "A heist": (1999, ["Crime"], []),
    "Another heist": (2001, ["Crime"], []),
    "A sixth seen film": (1900, [], ["seen"]),
}


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    """The catalog of `MOVIES`; six of eight tagged movies have the tag `seen`, which tells nothing."""
    years, genres, tags = zip(*MOVIES.values(), strict=True)
    return Catalog.of(list(range(len(MOVIES))), title=list(MOVIES), year=years, genres=genres, tags=tags)


@pytest.mark.parametrize(
    ("movie", "other", "words"),
    [
        ("Double Indemnity", "The Big Sleep", "film noir, crime, 1940s"),
        ("Double Indemnity", "Sunset Blvd.", "film noir"),
        ("The Seventh Seal", "Wild Strawberries", "drama, 1950s"),
        ("Undated noir", "Sin City", "film noir"),
        ("Pulp Fiction", "Kill Bill", "quentin tarantino"),
    ],
)
def test_akin_movies_share_what_is_said(catalog: Catalog, movie: str, other: str, words: str) -> None:
    """Rare genres come before common ones, Drama and Comedy are named only if nothing else is shared."""
    first, second = (list(MOVIES).index(name) for name in (movie, other))
    found = find_kinship(catalog, first, second)
    assert found == find_kinship(catalog, second, first)
    assert found is not None
    assert found.words == words


@pytest.mark.parametrize(
    ("movie", "other"),
    [
        ("Double Indemnity", "Sin City"),  # the same genres, 61 years apart
        ("Double Indemnity", "The Seventh Seal"),  # one of three genres, and that a broad one
        ("Kill Bill", "Airplane!"),  # only a list that has both
        ("Forrest Gump", "Airplane!"),  # one of four genres
        ("The Seventh Seal", "Nothing known"),
        ("Nothing known", "Nothing else known"),  # only a tag that most have
        ("A space film", "Another space film"),  # IMAX is a format
    ],
)
def test_other_movies_are_not_akin(catalog: Catalog, movie: str, other: str) -> None:
    """Movies far apart in time, or with only a broad genre in common, or about which nothing is known."""
    first, second = (list(MOVIES).index(name) for name in (movie, other))
    assert find_kinship(catalog, first, second) is None
    assert find_kinship(catalog, second, first) is None


def test_fifteen_years_are_near_and_sixteen_are_not() -> None:
    """The limit counts the years between the movies."""
    catalog = Catalog.of([1, 2, 3], year=[1980, 1995, 1996], genres=[["Western"]] * 3)
    assert find_kinship(catalog, 0, 1) == Kinship(("Western",))
    assert find_kinship(catalog, 0, 2) is None


def test_a_catalog_without_genres_tells_nothing_apart_but_years() -> None:
    """Movies near in time are akin, with the decade as the only shared fact."""
    catalog = Catalog.of([1, 2, 3, 4], year=[1980, 1985, None, 2020])
    assert find_kinship(catalog, 0, 1) == Kinship(decade=1980)
    assert find_kinship(catalog, 0, 2) == Kinship()
    assert find_kinship(catalog, 0, 3) is None
