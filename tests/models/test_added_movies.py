"""Movies that a model hasn't learned of: `cinematrix.models.added_movies`."""

from pathlib import Path

import numpy as np
import pytest

from cinematrix.data.catalog import Catalog, Film, catalog_of
from cinematrix.data.histories import Histories
from cinematrix.data.ids import UNKNOWN
from cinematrix.data.ratings import Ratings
from cinematrix.data.readers.movies import films_in
from cinematrix.errors import SettingError
from cinematrix.models.added_movies import Newcomers, nearest, with_films
from cinematrix.models.base import Recommender
from cinematrix.models.deep_mf.model import DeepMF
from cinematrix.models.item_knn import ItemKNN
from cinematrix.recommendation.lists import Filters, recommend, similar
from service_world import TINY

FILMS = [Film("70001", "Funny New", 2031, ["Comedy"]), Film("70002", "Scary New", 2018, ["Horror"])]


@pytest.fixture(scope="module", params=["item-knn", "deep-mf"])
def base(request: pytest.FixtureRequest, world: tuple[Ratings, Catalog]) -> Recommender:
    """A model without content, and one with everything a model can do."""
    return (ItemKNN() if request.param == "item-knn" else DeepMF(TINY)).fit(*world)


@pytest.fixture(scope="module")
def model(base: Recommender) -> Newcomers:
    """It with two newcomers, and another title for a movie that it knows."""
    known = Film(str(base.known.movies.ids[0]), "Renamed", 1999, ["Comedy"])
    found = with_films(base, [*FILMS, known])
    assert isinstance(found, Newcomers)
    return found


def test_what_is_known_stays_as_it_was(base: Recommender, model: Newcomers) -> None:
    """Scores and stars of known movies for known people and strangers, and of a movie that nobody knows."""
    history, n = base.known.history.take(np.array([2, 5])), len(base.known.movies)
    np.testing.assert_array_equal(model.score(history)[:, :n], base.score(history))
    rows, movies = np.array([0, 1, 1], np.int32), np.array([3, UNKNOWN, 0], np.int32)
    np.testing.assert_allclose(
        model.predict_pairs(history, rows, movies), base.predict_pairs(history, rows, movies), rtol=1e-6
    )
    assert model.known.catalog.label(0) == "Renamed (1999)"
    assert len(model.known.movies) == n + 2
    assert with_films(base, []) is base


def test_a_newcomer_is_liked_by_who_likes_its_kind(base: Recommender, model: Newcomers) -> None:
    """Users of the world love comedies and hate horror, or the reverse: so is what they are told of new ones."""
    known, funny = base.known, model.known.movies.number(70001)
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


def test_it_is_found_in_lists_with_stars_and_reasons(base: Recommender, model: Newcomers) -> None:
    """Recommended, with an interval where the model has one, and reasons that add up; not to who has rated it."""
    history = model.known.history.take(np.array([4]))
    (line,) = recommend(model, history, 5, filters=Filters("year=2031")).items
    assert (line.movie, line.title) == (70001, "Funny New")
    if base.spreads:
        assert line.low is not None
        assert line.low <= line.stars <= (line.high or 0)
    number = model.known.movies.number(70001)
    rated, _ = model.known.histories([{70001: 5.0, int(base.known.movies.ids[2]): 4.0}])
    assert 70001 not in [item.movie for item in recommend(model, rated, 50).items]
    alone, _ = model.known.histories([{int(base.known.movies.ids[2]): 4.0}])
    np.testing.assert_allclose(model.score(rated), base_of(model, alone), rtol=1e-5)
    if base.abilities.explains:
        shares = model.shares(rated, np.array([number, 1], np.int32))
        assert shares.ratings.shape == (2, 2)
        assert np.abs(shares.remainder).max() < 1e-3
        np.testing.assert_allclose(shares.score, model.score(rated)[0, [number, 1]], rtol=1e-4)
    if base.abilities.vectors:
        assert len(model.vectors()) == len(model.traits()) == len(model.known.movies)
    assert {line.genres[0] for line in similar(model, 70001, 3)} == {"Comedy"}


def test_films_known_are_as_alike_as_before(base: Recommender, model: Newcomers) -> None:
    """By the base's own likeness, whatever that is; so are the traits that the map is drawn by."""
    n = len(base.known.movies)
    for movie in (0, n - 1):
        np.testing.assert_array_equal(model.alike(movie)[:n], base.alike(movie))
    funny = model.known.movies.number(70001)
    assert model.alike(3)[funny] == pytest.approx(float((model.near[funny - n] @ base.alike(3))[0]))
    if base.abilities.vectors:
        np.testing.assert_array_equal(model.traits()[:n], base.traits())


def base_of(model: Newcomers, history: Histories) -> np.ndarray:
    """What the model says of a history without newcomers."""
    return model.score(history)


def test_the_nearest_are_told_by_content_and_raters() -> None:
    """Of three rated horrors and a comedy, a new horror is made of the horrors, by the roots of their raters."""
    catalog = Catalog.of([1, 2, 3, 4, 5, 6], genres=[["H"], ["H"], ["C"], ["H"], ["H"], ["C"]])
    near = nearest(catalog, np.array([9, 16, 25, 0])).toarray()
    np.testing.assert_allclose(near[0], [3 / 7, 4 / 7, 0, 0], atol=1e-4)
    np.testing.assert_allclose(near[1], [0, 0, 1, 0], atol=1e-4)
    blank = nearest(Catalog.of([1, 2, 3]), np.array([1, 4])).toarray()
    np.testing.assert_allclose(blank, [[1 / 3, 2 / 3]], atol=0.1)


def test_it_only_serves(model: Newcomers, base: Recommender, world: tuple[Ratings, Catalog]) -> None:
    """What is saved of it is the base; it isn't trained."""
    assert model.arrays().keys() == base.arrays().keys()
    with pytest.raises(SettingError, match="only serves"):
        model.fit(world[0])
    with pytest.raises(SettingError, match="restore the model itself"):
        Newcomers.restore(None, model.known, {})


def test_films_are_read_as_movielens_has_them(tmp_path: Path) -> None:
    """Titles with years, genres by bars; IDs are numbers where the model's are."""
    file = tmp_path / "movies.csv"
    file.write_text('movieId,title,genres\n7,"Thing, The (1982)",Horror|Sci-Fi\n8,Nameless,(no genres listed)\n')
    films = films_in(file)
    assert films == [Film("7", "The Thing", 1982, ["Horror", "Sci-Fi"]), Film("8", "Nameless", None, [])]
    assert catalog_of(films, Catalog.of([1]).movies).movies.ids.tolist() == [7, 8]
