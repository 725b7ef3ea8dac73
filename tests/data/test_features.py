"""Movie features from the catalog: `cinematrix.data.features`."""

import numpy as np
import pytest

from cinematrix.data import features as module
from cinematrix.data.catalog import Catalog
from cinematrix.data.features import (
    genres_and_decades,
    genres_decades_and_languages,
    movie_features,
    series_membership,
    title_words,
    top_tags,
)


def test_genres_years_and_tags_are_features() -> None:
    """Genres are 0 or 1; a year is interpolated between two knots; a tag given n times is log(1 + n)."""
    catalog = Catalog.of(
        range(4),
        year=[1990, 1992, 1995, None],
        genres=[["B", "A"], ["A"], [], None],
        tags=[["t", "t", "rare"], ["t"], ["t"], []],
    )
    features = movie_features(catalog).toarray()
    log2, log3 = np.log(2), np.log(3)
    expected = [[1, 1, 1, 0, log3], [1, 0, 0.6, 0.4, log2], [0, 0, 0, 1, log2], [0, 0, 0, 0, 0]]
    np.testing.assert_allclose(features, np.float32(expected), rtol=1e-6)
    assert features.dtype == np.float32


def test_genres_and_decades_share_a_movie() -> None:
    """Half of a movie is on its genres, half on its decade; a missing one leaves all to the other."""
    catalog = Catalog.of(
        [1, 2, 3, 4, 5],
        genres=[["Drama", "War"], ["War"], ["Drama"], [], []],
        year=[1942, 1950, None, 1949, None],
    )
    expected = [[1 / 4, 1 / 4, 1 / 2, 0], [0, 1 / 2, 0, 1 / 2], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]
    np.testing.assert_allclose(genres_and_decades(catalog).toarray(), expected)  # Drama, War, 1940s, 1950s
    assert genres_and_decades(Catalog.empty(catalog.movies)).shape == (5, 0)


def test_another_language_is_a_third_of_a_movie() -> None:
    """Where some titles have an original in another language, each described movie has one of two languages."""
    titles = [
        "The City of Lost Children (La Cité des enfants perdus)",
        "Se7en (a.k.a. Seven)",
        "Ran",
        "Lost (The City)",
    ]
    genres = [["Drama"], ["Drama"], [], ["War"]]
    catalog = Catalog.of([1, 2, 3, 4], title=titles, genres=genres)
    expected = [[2 / 3, 0, 0, 1 / 3], [2 / 3, 0, 1 / 3, 0], [0, 0, 0, 0], [0, 2 / 3, 1 / 3, 0]]
    np.testing.assert_allclose(genres_decades_and_languages(catalog).toarray(), expected, rtol=1e-6)
    plain = Catalog.of([1, 2, 3, 4], title=["City", *titles[1:]], genres=genres)
    assert (genres_decades_and_languages(plain) != genres_and_decades(plain)).nnz == 0


def test_near_years_are_alike() -> None:
    """Years at most two apart have similar features; from ten years apart the product is 0."""
    years = np.arange(1950, 2021)
    rows = movie_features(Catalog.of(range(len(years)), year=years.tolist())).toarray()
    np.testing.assert_allclose(rows.sum(axis=1), 1, rtol=1e-6)
    alike = rows @ rows.T
    assert (alike[np.abs(years[:, None] - years) >= 10] == 0).all()
    assert (alike[np.abs(years[:, None] - years) <= 2] > 0).all()


@pytest.mark.parametrize("columns", [{}, {"genres": [["A"], None]}, {"year": [None, 0]}, {"tags": [["x"], ["x"]]}])
def test_what_is_not_known_is_an_empty_row(columns: dict[str, list[object]]) -> None:
    """Without metadata there is no feature; there is one row a movie, and all numbers are finite."""
    features = movie_features(Catalog.of([1, 2], **columns))
    assert features.shape[0] == 2
    assert np.isfinite(features.data).all()
    if not columns:
        assert features.shape == (2, 0)


def test_a_few_very_old_films_share_a_knot() -> None:
    """One movie of 1888 among a thousand doesn't extend the knots over a century."""
    years = [1888, *([1990, 2000] * 500)]
    features = movie_features(Catalog.of(range(len(years)), year=years))
    assert features.shape[1] == 3
    assert features.toarray()[0].tolist() == [1, 0, 0]


def in_series(*titles: str | None) -> set[tuple[int, ...]]:
    """Return the series among movies with these titles, each as its movie numbers."""
    members = series_membership(Catalog.of(range(len(titles)), title=list(titles))).tocsc()
    assert members.dtype == np.float32
    assert members.shape[0] == len(titles)
    assert (members.data == 1).all()
    return {tuple(np.sort(movies).tolist()) for movies in np.split(members.indices, members.indptr[1:-1])} - {()}


@pytest.mark.parametrize(
    ("titles", "expected"),
    [
        (("Rocky", "Rocky II", "Rockyfeller", "Rocky Balboa"), {(0, 1, 3)}),
        (("Star Wars: Episode IV - A New Hope", "Star Wars: Episode V", "Star Trek"), {(0, 1)}),
        (("The Godfather", "The Godfather: Part II", "Godfather, my Love"), {(0, 1, 2)}),
        (("Alien", "Aliens", None, "", "A", "The"), set()),
        (("Shaft", "Shaft (1971)", "Shaft 2"), {(0, 1, 2)}),
        (("Hulk", "Hulk - Part I", "Hulk: Part II"), {(0, 1, 2)}),
        ((), set()),
    ],
)
def test_a_series_is_a_name_that_begins_several_titles(titles: tuple[str, ...], expected: set[tuple[int, ...]]) -> None:
    """Whole words are compared, without numbers, text after a colon, dash or bracket, and a leading article."""
    assert in_series(*titles) == expected


def test_a_series_within_a_series_and_a_beginning_that_is_too_common() -> None:
    """A movie may be of two series; a beginning shared by more than `MAX_SERIES_SIZE` is none."""
    inner = [f"Love Boat {i}" for i in range(2)]
    many = [f"Love {i} b" for i in range(module.MAX_SERIES_SIZE - 3)]
    assert in_series("Love", *inner, *many) == {tuple(range(module.MAX_SERIES_SIZE)), (1, 2)}
    assert in_series("Love", *inner, *many, "Love x") == {(1, 2)}


def test_top_tags_are_the_most_frequent_without_genres_and_spellings() -> None:
    """Case and blanks don't matter, a genre is no tag, and equally frequent tags keep their order."""
    tags = ["Noir", "samurai", "rain", " Samurai ", "ACTION", "", "black  and white"]
    catalog = Catalog.of(range(2), genres=[["Action"], None], tags=[tags, None])
    assert top_tags(catalog, 0, 3) == ["samurai", "noir", "rain"]
    assert top_tags(catalog, 0, 9)[3:] == ["black and white"]
    assert top_tags(catalog, 1, 3) == []


def test_words_that_a_few_titles_share_are_features(monkeypatch: pytest.MonkeyPatch) -> None:
    """A word is counted once a title, whatever its case; rare and common words, and missing titles, have no part."""
    monkeypatch.setattr(module, "WORD_MOVIES", (2, 3))
    titles = ["The Dead Zone", "Dead Man", "dead Dead Snow", None, "The Zone", "The Man Who Wasn't", "The End"]
    words = title_words(Catalog.of(range(len(titles)), title=titles))
    assert words.toarray().T.tolist() == [
        [1, 1, 1, 0, 0, 0, 0],  # dead
        [1, 0, 0, 0, 1, 0, 0],  # zone
        [0, 1, 0, 0, 0, 1, 0],  # man
    ]
    assert title_words(Catalog.of(range(2), title=[None, "Alien"])).shape == (2, 0)
