"""The taste map: `cinematrix.recommendation.taste_map`, and its route."""

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
    """One that compares films."""
    return DeepMF(TINY).fit(*world)


def test_rows_alike_lie_together() -> None:
    """Five planted groups in twenty dimensions: whoever is near in the picture is near in truth."""
    rng = np.random.default_rng(4)
    group = rng.permutation(np.repeat(np.arange(5), 40))
    rows = (rng.normal(0, 1, (5, 20))[group] + rng.normal(0, 0.15, (200, 20))).astype(np.float32)
    places = compute_layout(rows, find_nearest(rows, 10), np.random.default_rng(0))
    assert trustworthiness(rows, places, n_neighbors=10, metric="cosine") > 0.9
    apart = np.linalg.norm(places[:, None] - places[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    assert np.mean(group[apart.argmin(axis=1)] == group) > 0.97


def test_nearest_are_by_cosine_and_never_itself() -> None:
    """Length doesn't count."""
    rows = np.array([[1, 0], [9, 1], [0, 1], [1, 5]], np.float32)
    assert find_nearest(rows, 1).ravel().tolist() == [1, 0, 3, 2]


def test_the_map_holds_each_film_once_and_is_the_same_again(model: DeepMF) -> None:
    """In the unit square, the most rated first, each with its rarest genre."""
    made, again = TasteMap.of(model), TasteMap.of(model)
    assert sorted(made.movies.tolist()) == list(range(len(model.data.movies)))
    assert np.all(np.diff(model.data.raters[made.movies]) <= 0)
    assert np.all((made.places >= 0) & (made.places <= 1))
    np.testing.assert_array_equal(made.places, again.places)
    facts = model.data.catalog.facts
    assert all(made.genres[made.genre[at]] in facts[number].genres for at, number in enumerate(made.movies.tolist()))


def test_an_island_of_few_films_leaves_the_others_their_room() -> None:
    """It lies at the edge; all others fill the square, in their proportions."""
    rng = np.random.default_rng(2)
    disc = rng.normal(0, 1, (2000, 2)).clip(-2, 2).astype(np.float32)
    island = np.full((15, 2), [0, 9], np.float32)
    made = fit_to_square(np.concatenate([disc, island]))
    assert np.all((made >= 0) & (made <= 1))
    assert np.all(made[-15:, 1] == 1)
    assert np.all(np.ptp(made[:2000], axis=0) > 0.9)
    assert np.corrcoef(made[:2000, 1], disc[:, 1])[0, 1] > 0.999


@pytest.mark.parametrize("n", [1, 2, 3])
def test_a_handful_of_films_has_a_map(n: int) -> None:
    """One film, two films, and no genres."""
    ratings = Ratings.from_arrays([1, 2, 3] * n, np.repeat(np.arange(n), 3), [3.0, 4.0, 5.0] * n)
    made = TasteMap.of(DeepMF(TINY).fit(ratings))
    assert np.isfinite(made.places).all()
    assert made.genre.tolist() == [-1] * n


def test_a_model_that_cannot_compare_films_has_no_map(world: tuple[Ratings, Catalog]) -> None:
    """It says so."""
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
    """Compressed where the client takes it, and not again to who has it."""
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
