"""Movies that a model hasn't learned of: `cinematrix.models.added_movies`."""

from pathlib import Path

import numpy as np
import pytest

from cinematrix.data.catalog import Catalog, MovieMetadata, build_catalog
from cinematrix.data.histories import Histories
from cinematrix.data.ids import UNKNOWN
from cinematrix.data.ratings import Ratings
from cinematrix.data.readers.movies import read_movies
from cinematrix.errors import SettingError
from cinematrix.models.added_movies import WithAddedMovies, add_movies, blend_nearest_movies
from cinematrix.models.base import Recommender
from cinematrix.models.deep_mf.model import DeepMF
from cinematrix.models.item_knn import ItemKNN
from cinematrix.recommendation.lists import Filters, find_similar, recommend
from service_world import TINY_SETTINGS

FILMS = [MovieMetadata("70001", "Funny New", 2031, ["Comedy"]), MovieMetadata("70002", "Scary New", 2018, ["Horror"])]


@pytest.fixture(scope="module", params=["item-knn", "deep-mf"])
def base(request: pytest.FixtureRequest, world: tuple[Ratings, Catalog]) -> Recommender:
    """A model without content, and one with everything a model can do."""
    return (ItemKNN() if request.param == "item-knn" else DeepMF(TINY_SETTINGS)).fit(*world)


@pytest.fixture(scope="module")
def model(base: Recommender) -> WithAddedMovies:
    """It with two newcomers, and another title for a movie that it knows."""
    known = MovieMetadata(str(base.data.movies.ids[0]), "Renamed", 1999, ["Comedy"])
    found = add_movies(base, [*FILMS, known])
    assert isinstance(found, WithAddedMovies)
    return found


def test_what_is_known_stays_as_it_was(base: Recommender, model: WithAddedMovies) -> None:
    """Scores and stars of known movies for known people and strangers, and of a movie that nobody knows."""
    history, n = base.data.history.take(np.array([2, 5])), len(base.data.movies)
    np.testing.assert_array_equal(model.score(history)[:, :n], base.score(history))
    rows, movies = np.array([0, 1, 1], np.int32), np.array([3, UNKNOWN, 0], np.int32)
    np.testing.assert_allclose(
        model.predict_pairs(history, rows, movies), base.predict_pairs(history, rows, movies), rtol=1e-6
    )
    assert model.data.catalog.label(0) == "Renamed (1999)"
    assert len(model.data.movies) == n + 2
    assert add_movies(base, []) is base


def test_a_newcomer_is_liked_by_who_likes_its_kind(base: Recommender, model: WithAddedMovies) -> None:
    """Users of the world love comedies and hate horror, or the reverse: so is what they are told of new ones."""
    known, funny = base.data, model.data.movies.number(70001)
    comedies = known.catalog.where("genre=Comedy")
    values = known.history.values
    assert values is not None
    users = np.flatnonzero(known.history.counts)[:20]
    told = model.predict_pairs(known.history.take(users), *np.array(
        [[row, movie] for row in range(len(users)) for movie in (funny, funny + 1)], np.int32).T)  # fmt: skip
    likes = [
        values[known.history.rows == user][comedies[known.history.items_of(user)]].mean()
        > values[known.history.rows == user][~comedies[known.history.items_of(user)]].mean()
        for user in users
    ]
    assert ((told[::2] > told[1::2]) == np.array(likes)).mean() >= 0.9


def test_it_is_found_in_lists_with_stars_and_reasons(base: Recommender, model: WithAddedMovies) -> None:
    """Recommended, with an interval where the model has one, and reasons that add up; not to who has rated it."""
    history = model.data.history.take(np.array([4]))
    (line,) = recommend(model, history, 5, filters=Filters("year=2031")).items
    assert (line.movie, line.title) == (70001, "Funny New")
    if base.has_intervals:
        assert line.low is not None
        assert line.low <= line.stars <= (line.high or 0)
    number = model.data.movies.number(70001)
    rated, _ = model.data.histories([{70001: 5.0, int(base.data.movies.ids[2]): 4.0}])
    assert 70001 not in [item.movie for item in recommend(model, rated, 50).items]
    alone, _ = model.data.histories([{int(base.data.movies.ids[2]): 4.0}])
    np.testing.assert_allclose(model.score(rated), base_of(model, alone), rtol=1e-5)
    if base.abilities.explains:
        shares = model.shares(rated, np.array([number, 1], np.int32))
        assert shares.ratings.shape == (2, 2)
        assert np.abs(shares.remainder).max() < 1e-3
        np.testing.assert_allclose(shares.score, model.score(rated)[0, [number, 1]], rtol=1e-4)
    if base.abilities.vectors:
        assert len(model.vectors()) == len(model.comparison_vectors()) == len(model.data.movies)
    assert {line.genres[0] for line in find_similar(model, 70001, 3)} == {"Comedy"}


def test_films_known_are_as_alike_as_before(base: Recommender, model: WithAddedMovies) -> None:
    """By the base's own likeness, whatever that is; so are the traits that the map is drawn by."""
    n = len(base.data.movies)
    for movie in (0, n - 1):
        np.testing.assert_array_equal(model.similarities(movie)[:n], base.similarities(movie))
    funny = model.data.movies.number(70001)
    assert model.similarities(3)[funny] == pytest.approx(float((model.near[funny - n] @ base.similarities(3))[0]))
    if base.abilities.vectors:
        np.testing.assert_array_equal(model.comparison_vectors()[:n], base.comparison_vectors())


def base_of(model: WithAddedMovies, history: Histories) -> np.ndarray:
    """What the model says of a history without newcomers."""
    return model.score(history)


def test_the_nearest_are_told_by_content_and_raters() -> None:
    """Of three rated horrors and a comedy, a new horror is made of the horrors, by the roots of their raters."""
    catalog = Catalog.of([1, 2, 3, 4, 5, 6], genres=[["H"], ["H"], ["C"], ["H"], ["H"], ["C"]])
    near = blend_nearest_movies(catalog, np.array([9, 16, 25, 0])).toarray()
    np.testing.assert_allclose(near[0], [3 / 7, 4 / 7, 0, 0], atol=1e-4)
    np.testing.assert_allclose(near[1], [0, 0, 1, 0], atol=1e-4)
    blank = blend_nearest_movies(Catalog.of([1, 2, 3]), np.array([1, 4])).toarray()
    np.testing.assert_allclose(blank, [[1 / 3, 2 / 3]], atol=0.1)


def test_it_only_serves(model: WithAddedMovies, base: Recommender, world: tuple[Ratings, Catalog]) -> None:
    """What is saved of it is the base; it isn't trained."""
    assert model.arrays().keys() == base.arrays().keys()
    with pytest.raises(SettingError, match="only serves"):
        model.fit(world[0])
    with pytest.raises(SettingError, match="restore the model itself"):
        WithAddedMovies.restore(None, model.data, {})


def test_films_are_read_as_movielens_has_them(tmp_path: Path) -> None:
    """Titles with years, genres by bars; IDs are numbers where the model's are."""
    file = tmp_path / "movies.csv"
    file.write_text('movieId,title,genres\n7,"Thing, The (1982)",Horror|Sci-Fi\n8,Nameless,(no genres listed)\n')
    films = read_movies(file)
    assert films == [
        MovieMetadata("7", "The Thing", 1982, ["Horror", "Sci-Fi"]),
        MovieMetadata("8", "Nameless", None, []),
    ]
    assert build_catalog(films, Catalog.of([1]).movies).movies.ids.tolist() == [7, 8]
