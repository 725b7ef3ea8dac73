"""Tests of `cinematrix.recommendation.taste_map` and its route."""

import json
from collections.abc import Iterator

import numpy as np
import pytest
from sklearn.manifold import trustworthiness
from starlette.testclient import TestClient

from cinematrix.data.catalog import Catalog
from cinematrix.data.ratings import Ratings
from cinematrix.errors import SettingError
from cinematrix.models.artifact import save
from cinematrix.models.bias import Bias
from cinematrix.models.deep_mf.model import DeepMF
from cinematrix.models.deep_mf.settings import DeepMFSettings
from cinematrix.recommendation.taste_map import TasteMap, compute_layout, find_nearest, fit_to_square
from cinematrix.service.app import create_app
from cinematrix.service.settings import ServiceSettings

TINY = DeepMFSettings(factors=4, members=1, epochs=1, ranking_epochs=1)


@pytest.fixture(scope="module")
def model(world: tuple[Ratings, Catalog]) -> DeepMF:
    """A model that can compare movies."""
    return DeepMF(TINY).fit(*world)


def test_similar_rows_are_close() -> None:
    """For five planted groups in twenty dimensions, neighbours on the map are neighbours in the data."""
    rng = np.random.default_rng(4)
    group = rng.permutation(np.repeat(np.arange(5), 40))
    rows = (rng.normal(0, 1, (5, 20))[group] + rng.normal(0, 0.15, (200, 20))).astype(np.float32)
    places = compute_layout(rows, find_nearest(rows, 10), np.random.default_rng(0))
    assert trustworthiness(rows, places, n_neighbors=10, metric="cosine") > 0.9
    distances = np.linalg.norm(places[:, None] - places[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    assert np.mean(group[distances.argmin(axis=1)] == group) > 0.97


def test_nearest_are_by_cosine_and_never_itself() -> None:
    """The length of a row doesn't count."""
    rows = np.array([[1, 0], [9, 1], [0, 1], [1, 5]], np.float32)
    assert find_nearest(rows, 1).ravel().tolist() == [1, 0, 3, 2]


def test_the_map_has_each_movie_once_and_is_deterministic(model: DeepMF) -> None:
    """Movies are in the unit square, most rated first, each with its rarest genre."""
    taste_map, second = TasteMap.of(model), TasteMap.of(model)
    assert sorted(taste_map.movies.tolist()) == list(range(len(model.data.movies)))
    assert np.all(np.diff(model.data.raters[taste_map.movies]) <= 0)
    assert np.all((taste_map.places >= 0) & (taste_map.places <= 1))
    np.testing.assert_array_equal(taste_map.places, second.places)
    facts = model.data.catalog.facts
    for index, number in enumerate(taste_map.movies.tolist()):
        assert taste_map.genres[taste_map.genre[index]] in facts[number].genres


def test_outliers_do_not_squeeze_the_other_movies() -> None:
    """Outliers are at the edge; all other movies fill the square, in proportion."""
    rng = np.random.default_rng(2)
    disc = rng.normal(0, 1, (2000, 2)).clip(-2, 2).astype(np.float32)
    outliers = np.full((15, 2), [0, 9], np.float32)
    places = fit_to_square(np.concatenate([disc, outliers]))
    assert np.all((places >= 0) & (places <= 1))
    assert np.all(places[-15:, 1] == 1)
    assert np.all(np.ptp(places[:2000], axis=0) > 0.9)
    assert np.corrcoef(places[:2000, 1], disc[:, 1])[0, 1] > 0.999


@pytest.mark.parametrize("n", [1, 2, 3])
def test_few_movies_have_a_map(n: int) -> None:
    """One to three movies without genres have finite coordinates."""
    ratings = Ratings.from_arrays([1, 2, 3] * n, np.repeat(np.arange(n), 3), [3.0, 4.0, 5.0] * n)
    taste_map = TasteMap.of(DeepMF(TINY).fit(ratings))
    assert np.isfinite(taste_map.places).all()
    assert taste_map.genre.tolist() == [-1] * n


def test_a_model_that_cannot_compare_movies_has_no_map(world: tuple[Ratings, Catalog]) -> None:
    """A model without vectors is an error."""
    with pytest.raises(SettingError, match="no vectors"):
        TasteMap.of(Bias().fit(*world))


@pytest.fixture(scope="module")
def client(model: DeepMF, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A client of the service."""
    folder = tmp_path_factory.mktemp("map")
    save(model, folder / "model")
    settings = ServiceSettings(folder / "model", f"sqlite:///{folder}/s.db", hosts=("testserver",))
    with TestClient(create_app(settings)) as client:
        yield client


def test_the_route_sends_the_map_once(client: TestClient, model: DeepMF) -> None:
    """The answer is compressed if the client accepts it, and 304 if the client has it."""
    answer = client.get("/v1/map")
    assert answer.headers["content-encoding"] == "gzip"
    found = answer.json()
    assert [len(found[name]) for name in ("movies", "titles", "years", "x", "y", "genre", "ratings")] == [41] * 7
    assert found["movies"][0] == model.data.movies.listed[int(model.data.raters.argmax())]
    plain = client.get("/v1/map", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert json.loads(plain.content) == found
    tag = answer.headers["etag"]
    assert client.get("/v1/map", headers={"if-none-match": tag}).status_code == 304
