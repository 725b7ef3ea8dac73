"""Movies that a model wasn't trained on: `cinematrix.models.added_movies`."""

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

ADDED = [MovieMetadata("70001", "Funny New", 2031, ["Comedy"]), MovieMetadata("70002", "Scary New", 2018, ["Horror"])]


@pytest.fixture(scope="module", params=["item-knn", "deep-mf"])
def base(request: pytest.FixtureRequest, world: tuple[Ratings, Catalog]) -> Recommender:
    """A model without content, and one with everything a model can do."""
    return (ItemKNN() if request.param == "item-knn" else DeepMF(TINY_SETTINGS)).fit(*world)


@pytest.fixture(scope="module")
def model(base: Recommender) -> WithAddedMovies:
    """The base model with two added movies, and another title for a trained movie."""
    renamed = MovieMetadata(str(base.data.movies.ids[0]), "Renamed", 1999, ["Comedy"])
    extended = add_movies(base, [*ADDED, renamed])
    assert isinstance(extended, WithAddedMovies)
    return extended


def test_trained_movies_keep_their_scores(base: Recommender, model: WithAddedMovies) -> None:
    """Scores and expected ratings of trained movies, and of an unknown movie, are the base model's."""
    history, n = base.data.history.take(np.array([2, 5])), len(base.data.movies)
    np.testing.assert_array_equal(model.score(history)[:, :n], base.score(history))
    rows, movies = np.array([0, 1, 1], np.int32), np.array([3, UNKNOWN, 0], np.int32)
    np.testing.assert_allclose(
        model.predict_pairs(history, rows, movies), base.predict_pairs(history, rows, movies), rtol=1e-6
    )
    assert model.data.catalog.label(0) == "Renamed (1999)"
    assert len(model.data.movies) == n + 2
    assert add_movies(base, []) is base


def test_an_added_movie_is_predicted_by_its_genre(base: Recommender, model: WithAddedMovies) -> None:
    """Users of the world love comedies and hate horror, or the reverse; predictions of added movies follow."""
    data, funny = base.data, model.data.movies.number(70001)
    comedies = data.catalog.where("genre=Comedy")
    values = data.history.values
    assert values is not None
    users = np.flatnonzero(data.history.counts)[:20]
    predicted = model.predict_pairs(data.history.take(users), *np.array(
        [[row, movie] for row in range(len(users)) for movie in (funny, funny + 1)], np.int32).T)  # fmt: skip
    likes = [
        values[data.history.rows == user][comedies[data.history.items_of(user)]].mean()
        > values[data.history.rows == user][~comedies[data.history.items_of(user)]].mean()
        for user in users
    ]
    assert ((predicted[::2] > predicted[1::2]) == np.array(likes)).mean() >= 0.9


def test_it_is_recommended_with_expected_ratings_and_explanations(base: Recommender, model: WithAddedMovies) -> None:
    """It is in lists, with an interval where the model has one and shares that add up; not in those of its raters."""
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
    np.testing.assert_allclose(model.score(rated), score_without_added(model, alone), rtol=1e-5)
    if base.abilities.explains:
        shares = model.shares(rated, np.array([number, 1], np.int32))
        assert shares.ratings.shape == (2, 2)
        assert np.abs(shares.remainder).max() < 1e-3
        np.testing.assert_allclose(shares.score, model.score(rated)[0, [number, 1]], rtol=1e-4)
    if base.abilities.vectors:
        assert len(model.vectors()) == len(model.comparison_vectors()) == len(model.data.movies)
    assert {line.genres[0] for line in find_similar(model, 70001, 3)} == {"Comedy"}


def test_trained_movies_keep_their_similarities(base: Recommender, model: WithAddedMovies) -> None:
    """Similarities and comparison vectors of trained movies are the base model's."""
    n = len(base.data.movies)
    for movie in (0, n - 1):
        np.testing.assert_array_equal(model.similarities(movie)[:n], base.similarities(movie))
    funny = model.data.movies.number(70001)
    assert model.similarities(3)[funny] == pytest.approx(float((model.near[funny - n] @ base.similarities(3))[0]))
    if base.abilities.vectors:
        np.testing.assert_array_equal(model.comparison_vectors()[:n], base.comparison_vectors())


def score_without_added(model: WithAddedMovies, history: Histories) -> np.ndarray:
    """Return the model's scores for a history without added movies."""
    return model.score(history)


def test_the_nearest_follow_from_content_and_raters() -> None:
    """With three horrors and a comedy, a new horror is made of the horrors, weighted by the roots of their raters."""
    catalog = Catalog.of([1, 2, 3, 4, 5, 6], genres=[["H"], ["H"], ["C"], ["H"], ["H"], ["C"]])
    near = blend_nearest_movies(catalog, np.array([9, 16, 25, 0])).toarray()
    np.testing.assert_allclose(near[0], [3 / 7, 4 / 7, 0, 0], atol=1e-4)
    np.testing.assert_allclose(near[1], [0, 0, 1, 0], atol=1e-4)
    blank = blend_nearest_movies(Catalog.of([1, 2, 3]), np.array([1, 4])).toarray()
    np.testing.assert_allclose(blank, [[1 / 3, 2 / 3]], atol=0.1)


def test_it_only_serves(model: WithAddedMovies, base: Recommender, world: tuple[Ratings, Catalog]) -> None:
    """Its saved arrays are the base model's; it can't be trained."""
    assert model.arrays().keys() == base.arrays().keys()
    with pytest.raises(SettingError, match="only serves"):
        model.fit(world[0])
    with pytest.raises(SettingError, match="restore the model itself"):
        WithAddedMovies.restore(None, model.data, {})


def test_movies_are_read_in_movielens_format(tmp_path: Path) -> None:
    """Titles with years and genres between bars are read; IDs are numbers where the model's are."""
    file = tmp_path / "movies.csv"
    file.write_text('movieId,title,genres\n7,"Thing, The (1982)",Horror|Sci-Fi\n8,Nameless,(no genres listed)\n')
    movies = read_movies(file)
    assert movies == [
        MovieMetadata("7", "The Thing", 1982, ["Horror", "Sci-Fi"]),
        MovieMetadata("8", "Nameless", None, []),
    ]
    assert build_catalog(movies, Catalog.of([1]).movies).movies.ids.tolist() == [7, 8]
