"""Routes of movies and of the model: `service.routes.movies`, `service.routes.model`."""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from cinematrix.data.catalog import Catalog
from cinematrix.data.ratings import Ratings
from cinematrix.data.splits import random
from cinematrix.evaluation.evaluate import evaluate
from cinematrix.models.artifact import build_manifest, load, save
from cinematrix.models.deep_mf.model import DeepMF
from cinematrix.models.deep_mf.settings import DeepMFSettings
from cinematrix.models.ease import Ease
from cinematrix.models.item_knn import ItemKNN
from cinematrix.recommendation.expectation import own_mean
from cinematrix.recommendation.lists import describe_movies, find_similar
from cinematrix.service.app import create_app
from cinematrix.service.settings import ServiceSettings

TINY = DeepMFSettings(factors=4, members=1, epochs=1, ranking_epochs=1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, world: tuple[Ratings, Catalog]) -> Path:
    """A model whose artefact has the source of its ratings and its metrics."""
    path = tmp_path_factory.mktemp("model") / "model"
    model, cut = DeepMF(TINY).fit(*world), random(world[0])
    evaluation = evaluate(DeepMF(TINY).fit(cut.train, world[1]), cut.test, split=cut.protocol)
    save(model, path, {**build_manifest(model, world[0], "ml-csv"), "metrics": evaluation.as_dict()})
    os.utime(path / "model.json", (0, 0))  # a copy has another date than the model
    return path


@pytest.fixture(scope="module")
def model(folder: Path) -> Any:
    """The same model, without the service."""
    return load(folder).model


@pytest.fixture(scope="module")
def client(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A client of the service."""
    settings = ServiceSettings(folder, f"sqlite:///{tmp_path_factory.mktemp('db')}/s.db", hosts=("testserver",))
    with TestClient(create_app(settings)) as client:
        yield client


def test_a_movie_has_rating_statistics(client: TestClient, world: tuple[Ratings, Catalog]) -> None:
    """Count, mean and histogram are those of the training ratings; an unrated movie has zeros and no mean."""
    ratings, catalog = world
    assert ratings.rating is not None
    movie = ratings.movies.ids[3]
    stars = ratings.rating[ratings.movie == 3]
    details = client.get(f"/v1/movies/{movie}").json()
    assert details["ratings"] == len(stars)
    assert details["mean"] == pytest.approx(stars.mean())
    assert {bar["rating"]: bar["count"] for bar in details["histogram"]} == {
        step / 2: int(np.sum(stars == step / 2)) for step in range(1, 11)
    }
    assert (details["movie"], details["links"]) == (movie, {"imdb": None, "tmdb": None})
    unrated = client.get(f"/v1/movies/{catalog.movies.ids[-1]}").json()
    assert (unrated["ratings"], unrated["mean"]) == (0, None)
    assert client.get("/v1/movies/999999").status_code == 404


def test_a_prediction_ignores_the_users_own_rating(client: TestClient, model: Any) -> None:
    """A prediction is the model's for the rest of the history, and comes with the user's own rating."""
    ids = model.data.movies.ids[:4].tolist()
    rows = [{"movie": movie, "rating": rating} for movie, rating in zip(ids, (4.5, 1.0, 4.0, 0.5), strict=True)]
    prediction = client.post(f"/v1/movies/{ids[0]}/prediction", json={"ratings": rows}).json()
    history, _ = model.data.histories([{row["movie"]: row["rating"] for row in rows[1:]}])
    (line,) = describe_movies(model, history, np.array([0], np.int32), np.zeros(1, np.float32), "ranking")
    assert prediction["yours"] == 4.5
    expected = (line.stars, line.low, line.high)
    assert (prediction["stars"], prediction["low"], prediction["high"]) == pytest.approx(expected)
    assert [reason["movie"] for reason in prediction["because"]] == [reason.movie for reason in line.because]
    other = client.post(f"/v1/movies/{ids[0]}/prediction", json={"ratings": rows[1:]}).json()
    assert other == prediction | {"yours": None}
    assert client.post("/v1/movies/999999/prediction", json={"ratings": []}).status_code == 404


def test_several_movies_are_predicted_and_described(client: TestClient, model: Any) -> None:
    """Predictions are the model's, most stars first, with the user's mean; each movie once, unknown ones apart."""
    ids = model.data.movies.ids[:9].tolist()
    rows = [{"movie": movie, "rating": rating} for movie, rating in zip(ids, (4.5, 1.0, 4.0), strict=False)]
    wanted = [*ids[3:], str(ids[3]), 999999]
    answer = client.post("/v1/predictions", json={"ratings": rows, "movies": wanted}).json()
    history, _ = model.data.histories([{row["movie"]: row["rating"] for row in rows}])
    stars = model.predict_pairs(history, np.zeros(6, np.int32), np.arange(3, 9, dtype=np.int32))
    predicted = {line["movie"]: line["stars"] for line in answer["items"]}
    assert predicted == {movie: pytest.approx(float(value)) for movie, value in zip(ids[3:], stars, strict=True)}
    assert list(predicted.values()) == sorted(predicted.values(), reverse=True)
    assert (answer["unknown"], answer["fallback"]) == ([999999], False)
    assert answer["mean"] == pytest.approx(own_mean(model, history))
    assert client.post("/v1/predictions", json={"ratings": [], "movies": ids[:1]}).json()["fallback"] is True
    assert client.post("/v1/predictions", json={"ratings": [], "movies": list(range(501))}).status_code == 422
    described = client.post("/v1/movies/lookup", json={"movies": wanted}).json()
    assert described["unknown"] == [999999]
    for line in described["items"]:
        alone = client.get(f"/v1/movies/{line['movie']}").json()
        assert line == {name: value for name, value in alone.items() if name not in ("histogram", "tags", "facts")}
    assert [line["movie"] for line in described["items"]] == ids[3:]


def test_similar_movies_have_reasons(client: TestClient, model: Any, world: tuple[Ratings, Catalog]) -> None:
    """Reasons are the shared genres and the number of users who rated both."""
    ratings, catalog = world
    movie = int(ratings.movies.ids[5])
    items = client.get(f"/v1/movies/{movie}/similar", params={"n": 3}).json()["items"]
    assert [item["movie"] for item in items] == [line.movie for line in find_similar(model, movie, 3)]
    raters = {number: set(ratings.user[ratings.movie == number].tolist()) for number in range(len(ratings.movies))}
    genres = catalog.align(ratings.movies).frame["genres"].to_list()
    for item in items:
        other = ratings.movies.number(item["movie"])
        assert item["why"] == {
            "genres": [name for name in genres[other] if name in genres[5]], "both": len(raters[5] & raters[other]),
        }  # fmt: skip


@pytest.mark.parametrize("kind", [DeepMF, Ease, ItemKNN])
def test_common_raters_and_genres_make_movies_similar(kind: Any, world: tuple[Ratings, Catalog]) -> None:
    """A comedy rated by the users who rate comedies is most similar to comedies."""
    ratings, catalog = world
    assert ratings.rating is not None
    fans = ratings.take(ratings.rating > 3)
    model = kind(TINY if kind is DeepMF else None).fit(fans, catalog)
    similarities = model.similarities(0)
    assert similarities.shape == (len(model.data.movies),)
    similarities[0] = -1
    genres = [facts.genres for facts in model.data.catalog.facts]
    assert all(genres[at] == genres[0] for at in np.argsort(-similarities)[:5])


def test_the_model_is_described(client: TestClient, folder: Path, world: tuple[Ratings, Catalog]) -> None:
    """The description has age, data, scale, genres, metrics, and the citation that MovieLens asks for."""
    info = client.get("/v1/model").json()
    assert (info["model"], info["ratings"], info["users"]) == ("deep-mf", len(world[0]), len(world[0].users))
    assert info["movies"] == len(world[1])
    assert info["scale"] == {"low": 0.5, "high": 5, "step": 0.5}
    assert info["genres"] == ["Comedy", "Horror"]
    tested, training = info["metrics"]
    manifest = json.loads((folder / "model.json").read_text("utf-8"))
    n_ratings = manifest["metrics"]["protocol"]["ratings"]
    assert tested["on"].startswith(f"{n_ratings} ratings that it hasn't learned from (")
    assert tested["figures"]["rmse"] == manifest["metrics"]["measures"]["rmse"]["value"]
    assert "n_users" not in tested["figures"]
    log = manifest["training"]["stars"]
    assert training["figures"] == {"rmse": log["errors"][log["best_epoch"]]}
    assert "Harper" in info["attribution"]
    assert info["trained"] == manifest["trained"]
    assert datetime.now(UTC) - datetime.fromisoformat(info["trained"]) < timedelta(hours=1)
    assert info["version"] == load(folder).about["sha256"]["model.json"][:12]


@pytest.mark.fault(48)
@pytest.mark.parametrize("people", [1, 4, 5])
def test_statistics_of_fewer_than_five_people_are_hidden(tmp_path: Path, people: int) -> None:
    """With fewer than five raters neither rating statistics nor the number of common raters are shown."""
    rng, rare = np.random.default_rng(4), 99
    rows = [(user, movie, rng.integers(1, 6)) for user in range(30) for movie in rng.choice(20, 8, replace=False)]
    rows += [(user, rare, 5) for user in range(people)]
    save(DeepMF(TINY).fit(Ratings.from_arrays(*map(np.array, zip(*rows, strict=True)))), tmp_path / "model")
    settings = ServiceSettings(tmp_path / "model", f"sqlite:///{tmp_path}/s.db", hosts=("testserver",))
    shown = people >= 5
    with TestClient(create_app(settings)) as client:
        movie = client.get(f"/v1/movies/{rare}").json()
        assert (movie["ratings"], movie["mean"], bool(movie["histogram"])) == (
            people * shown,
            5.0 if shown else None,
            shown,
        )
        similar = client.get(f"/v1/movies/{rare}/similar", params={"n": 20}).json()["items"]
        assert {item["why"]["both"] for item in similar} <= ({0, 5} if shown else {0})


@pytest.mark.fault(48)
def test_statistics_do_not_show_who_left(tmp_path: Path) -> None:
    """After one of a movie's raters was deleted and the model trained anew, its statistics are the same; after five,
    they change. So do the totals of the model, and the movies that have enough ratings for a list."""
    rng = np.random.default_rng(4)
    rows = np.array([(user, movie, rng.integers(1, 6)) for user in range(30) for movie in range(12)])
    db, before = f"sqlite:///{tmp_path}/s.db", None
    for turn, left in enumerate((0, 1, 4, 5)):
        save(Ease().fit(Ratings.from_arrays(*rows[rows[:, 0] >= left].T)), tmp_path / f"model{turn}")
        with TestClient(create_app(ServiceSettings(tmp_path / f"model{turn}", db, hosts=("testserver",)))) as client:
            movie = client.get("/v1/movies/3").json()
            both = [item["why"]["both"] for item in client.get("/v1/movies/3/similar?n=11").json()["items"]]
            info = client.get("/v1/model").json()
            few = client.post("/v1/recommendations", json={"ratings": [], "min_ratings": 30}).json()["items"]
        assert sum(bar["count"] for bar in movie["histogram"]) == movie["ratings"] == (25 if left == 5 else 30)
        assert set(both) == {movie["ratings"]}
        assert before is None or (before == movie) is (left < 5)
        assert (info["users"], info["ratings"]) == ((25, 300) if left == 5 else (30, 360))
        assert len(few) == (0 if left == 5 else 10)
        before = movie


@pytest.mark.fault(48)
def test_a_deleted_user_is_not_folded_in(tmp_path: Path, folder: Path, model: Any) -> None:
    """A deleted user gets the fallback list without reasons and has no ratings, even if the model was trained on
    them."""
    user = int(model.data.users.ids[3])
    settings = ServiceSettings(folder, f"sqlite:///{tmp_path}/s.db", hosts=("testserver",))
    with TestClient(create_app(settings)) as client:
        assert client.get(f"/v1/users/{user}/recommendations").json()["fallback"] is False
        assert client.delete(f"/v1/users/{user}").status_code == 204
        after = client.get(f"/v1/users/{user}/recommendations").json()
        nobody = client.get("/v1/users/nobody/recommendations").json()
        assert after["fallback"] is True
        assert after["items"] == nobody["items"]
        assert client.get(f"/v1/users/{user}/ratings").json().get("ratings", []) == []
