"""Tests of `recommendation.starters`, `recommendation.taste_regions` and their route."""

import numpy as np
import pytest
from starlette.testclient import TestClient

from cinematrix.data.catalog import Catalog
from cinematrix.data.original_titles import find_foreign
from cinematrix.data.ratings import Ratings
from cinematrix.data.readers import read
from cinematrix.data.training_data import TrainingData
from cinematrix.recommendation.starters import choose_starters
from cinematrix.recommendation.taste_regions import find_regions
from places import SHARED
from service_world import check_problem

LATEST_SMALL = SHARED / "ml-latest-small"


def test_foreign_movies_have_an_original_title_of_other_words() -> None:
    """An alias, a title of known words and a title without brackets aren't in another language."""
    titles = [
        "Seven Samurai (Shichinin no samurai)", "Léon: The Professional (a.k.a. The Professional) (Léon)",
        "101 Dalmatians (One Hundred and One Dalmatians)", "One Hundred Men and a Girl", "Dead by Dawn", None,
    ]  # fmt: skip
    assert find_foreign(Catalog.of(range(6), title=titles)).tolist() == [True, False, False, False, False, False]


def test_regions_are_narrow_genres_or_another_language() -> None:
    """Drama counts only alone; a foreign movie belongs to one region."""
    genres = [["Drama", "Film-Noir"], ["Drama"], ["Animation", "Fantasy"], []]
    titles = ["Laura", "Marty", "Spirited Away (Sen to Chihiro no kamikakushi)", "Empty"]
    names, belongs = find_regions(Catalog.of(range(4), title=titles, genres=genres))
    assert [{name for name, has in zip(names, row, strict=True) if has} for row in belongs] == [
        {"film noir"}, {"drama"}, {"animation in other languages"}, {""},
    ]  # fmt: skip


def test_every_region_has_a_movie_before_one_has_three() -> None:
    """Four genres, one watched by everybody and one by few, have two of eight movies each, of several decades."""
    generator, genres = np.random.default_rng(2), ["Horror", "Western", "Musical", "Documentary"]
    share = np.repeat([0.8, 0.5, 0.3, 0.1], 12)
    users, movies = np.nonzero(generator.random((200, 48)) < share)
    years = [1950 + 5 * (movie % 12) for movie in range(48)]
    catalog = Catalog.of(range(48), genres=[[genres[movie // 12]] for movie in range(48)], year=years)
    known = TrainingData.of(Ratings.from_arrays(users, movies), catalog)
    chosen = choose_starters(known, 8)
    assert np.bincount(chosen // 12).tolist() == [2, 2, 2, 2]
    assert len({years[movie] // 10 for movie in chosen.tolist()}) >= 5
    assert sorted(choose_starters(known, 100).tolist()) == list(range(48))
    assert choose_starters(known, 8).tolist() == chosen.tolist()


def test_a_catalog_without_facts_gives_the_best_known_movies() -> None:
    """Two movies of the same viewers aren't neighbours."""
    users, movies = [1, 2, 3, 4, 5, 6, 1, 2, 3, 7], [0, 0, 0, 0, 0, 0, 1, 1, 1, 2]
    known = TrainingData.of(Ratings.from_arrays(users, movies), None)
    assert choose_starters(known, 2).tolist()[0] == 0
    assert sorted(choose_starters(known, 9).tolist()) == [0, 1, 2]


@pytest.mark.skipif(not LATEST_SMALL.exists(), reason="MovieLens latest-small isn't here")
def test_every_taste_finds_something_in_latest_small() -> None:
    """Among 24 movies are two or more for lovers of documentaries, anime, world cinema, old musicals, westerns.

    They are of eight decades or more, known by 5 % of all users, and no series is there twice.
    """
    dataset = read(LATEST_SMALL)
    known = TrainingData.of(dataset.ratings, dataset.catalog)
    chosen, catalog = choose_starters(known, 24), known.catalog
    facts, foreign = [catalog.facts[movie] for movie in chosen.tolist()], find_foreign(catalog)[chosen].tolist()
    for taste in ("Documentary", "Western", "Horror", "War", "Romance", "Children", "Sci-Fi", "Comedy", "Crime"):
        assert sum(taste in movie.genres for movie in facts) >= 2, taste
    assert sum(other and "Animation" in movie.genres for movie, other in zip(facts, foreign, strict=True)) >= 2
    assert sum(other and "Animation" not in movie.genres for movie, other in zip(facts, foreign, strict=True)) >= 3
    assert sum("Musical" in movie.genres and movie.year < 1970 for movie in facts if movie.year) >= 2
    assert sum(movie.year < 1960 for movie in facts if movie.year) >= 3
    assert len({movie.year // 10 for movie in facts if movie.year}) >= 8
    assert known.raters[chosen].min() >= 0.05 * len(known.users)
    assert len({(movie.title or "").split()[0] for movie in facts} - {"The"}) >= 18


def test_the_route_pages_through_the_starters(client: TestClient) -> None:
    """No movie comes twice, `more` is false at the end, and invalid numbers are refused."""
    first = client.get("/v1/starters", params={"n": 5}).json()
    second = client.get("/v1/starters", params={"n": 200, "skip": 5}).json()
    movies = [item["movie"] for page in (first, second) for item in page["items"]]
    assert len(first["items"]) == 5
    assert len(set(movies)) == len(movies) > 20
    assert (first["more"], second["more"]) == (True, False)
    assert all(item["title"] for item in first["items"])
    check_problem(client.get("/v1/starters", params={"n": 0}), 422)
    check_problem(client.get("/v1/starters", params={"skip": -1}), 422)
